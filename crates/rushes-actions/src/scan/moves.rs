//! Matches what was missed with what is new, and marks the rest gone.

use std::collections::{HashMap, HashSet};

use rushes_catalog::{
    Catalog, MissedPlace, PendingPlace, pending_places, record_gone, record_move,
};
use rushes_media::Result;

use super::listing::Scanned;
use super::report::ScanReport;
use crate::context::Context;

/// Rows of one transaction.
const BATCH: usize = 1_000;

/// A missed name whose file has a new name is a move: the same number on its
/// device, size and time of change. What remains missed in a root that was
/// read whole is gone.
pub(super) fn settle_missed(
    context: &Context<'_>,
    scanned: &[Scanned],
    report: &mut ScanReport,
) -> Result<()> {
    let catalog = context.engine.catalog()?;
    let now = context.engine.clock().now();
    let roots: Vec<i64> = scanned.iter().map(|scanned| scanned.root_id).collect();
    // A root counts as read before anything in it is gone, so that no row ever
    // says gone of a root that never was.
    for root in scanned.iter().filter(|root| root.is_complete) {
        catalog.set_root_read(root.root_id, &root.volume, now)?;
    }
    let mut missed: HashMap<(u64, u64, i64), Vec<MissedPlace>> = HashMap::new();
    for place in scanned.iter().flat_map(|scanned| &scanned.missed) {
        missed.entry((place.inode, place.size_bytes, place.mtime_ns)).or_default().push(*place);
    }
    if !missed.is_empty() {
        let moved = match_moves(catalog, &roots, &mut missed)?;
        report.moved += moved.len() as u64;
        report.added = report.added.saturating_sub(moved.len() as u64);
        for moves in moved.chunks(BATCH) {
            catalog.write(|write| {
                moves.iter().try_for_each(|(from, to)| record_move(write, *from, *to, now))
            })?;
        }
        let left: HashSet<i64> = missed.values().flatten().map(|place| place.id).collect();
        for root in scanned.iter().filter(|root| root.is_complete) {
            let gone: Vec<&MissedPlace> =
                root.missed.iter().filter(|place| left.contains(&place.id)).collect();
            report.vanished += gone.len() as u64;
            for places in gone.chunks(BATCH) {
                catalog.write(|write| {
                    places.iter().try_for_each(|place| record_gone(write, place.id, now))
                })?;
            }
        }
    }
    Ok(())
}

fn match_moves(
    catalog: &Catalog,
    roots: &[i64],
    missed: &mut HashMap<(u64, u64, i64), Vec<MissedPlace>>,
) -> Result<Vec<(i64, i64)>> {
    // A place that was never looked at can be missed too; it is no new name.
    let missing: HashSet<i64> = missed.values().flatten().map(|place| place.id).collect();
    let mut moved = Vec::new();
    let mut after = 0;
    loop {
        let page: Vec<PendingPlace> =
            catalog.read(|reader| pending_places(reader, roots, false, after, 1_000))?;
        let Some(last) = page.last() else { return Ok(moved) };
        after = last.id;
        for new in page.iter().filter(|place| !place.recheck && !missing.contains(&place.id)) {
            let key = (new.stamp.inode, new.stamp.size_bytes, new.stamp.mtime_ns);
            let candidates = missed.get_mut(&key);
            if let Some(from) = candidates.and_then(Vec::pop) {
                moved.push((from.id, new.id));
            }
        }
    }
}
