//! Probes assets in workers and records what they hold.

use std::sync::atomic::Ordering;

use rushes_catalog::{
    AssetKey, AssetTask, Transaction, Work, next_assets, place_names, record_no_media,
    record_not_media_at, record_probe, record_probe_failure, sources, work_left,
};
use rushes_media::{Error, ErrorKind, MediaKind, Probe, Result, display_name};
use rushes_store::{FileStamp, Root};

use super::looking::{is_same, kind_by_name};
use super::report::{Failure, ScanReport};
use super::tell;
use crate::context::Context;
use crate::pipeline;
use crate::tasks;

enum Found {
    Probe(Box<Probe>),
    NoMedia,
    Failed {
        error: Error,
        /// What a name of it promises.
        guess: Option<MediaKind>,
        /// Places whose names promise no media: the same broken or empty
        /// content is nothing to complain of there.
        others: Vec<i64>,
    },
    /// No place of it can be read now; it waits.
    NotHere,
    /// It changed since it was looked at; the next scan looks again.
    Changed,
    /// The worker itself could not be had; nothing is said about the file.
    NoWorker(Error),
}

/// Probes all assets with this work to do.
pub(crate) fn probe_all(
    context: &Context<'_>,
    work: Work,
    threads: usize,
    report: &mut ScanReport,
) -> Result<()> {
    let catalog = context.engine.catalog()?;
    let (total, _) = catalog.read(|reader| work_left(reader, work))?;
    let (mut after, mut done) = (0, 0);
    pipeline::run(
        threads,
        context.progress.cancelled(),
        || {
            let page = catalog.read(|reader| next_assets(reader, work, after, 500))?;
            after = page.last().map_or(after, |task| task.asset);
            Ok(page)
        },
        |task| {
            let (path, found) = probe_one(context, &task)
                .unwrap_or_else(|error| (String::new(), Found::NoWorker(error)));
            (task.key(), path, found)
        },
        |mut results| {
            done += results.len() as u64;
            catalog.write(|write| {
                for (asset, _, found) in &mut results {
                    record(write, asset, found)?;
                }
                rushes_catalog::note_change(write)
            })?;
            // What failed may be asked for again, by every attempt.
            let is_told = |found: &Found| matches!(found, Found::Probe(_) | Found::NoMedia);
            if results.iter().any(|(_, _, found)| is_told(found)) {
                context.progress.got_further();
            }
            tell(context, done, Some(total), "probing");
            for (asset, path, found) in results {
                match found {
                    Found::Probe(_) => report.probed += 1,
                    Found::NoMedia => report.no_media += 1,
                    Found::Failed { error, .. } => {
                        report.fail(Failure { path, asset: Some(asset.public_id), error });
                    }
                    Found::NoWorker(error) => return Err(error),
                    Found::Changed => report.leave_unsettled(path),
                    Found::NotHere => {}
                }
            }
            Ok(())
        },
    )
}

/// Stores what was found out about one asset; nothing of one that is gone by
/// now, because hashing found it to be the same as another.
fn record(write: &Transaction<'_>, asset: &AssetKey, found: &mut Found) -> Result<()> {
    if matches!(found, Found::NotHere | Found::Changed | Found::NoWorker(_)) {
        return Ok(());
    }
    if !asset.is_there(write)? {
        *found = Found::NotHere;
        return Ok(());
    }
    match found {
        Found::Probe(probe) => record_probe(write, asset.number, probe),
        Found::NoMedia => record_no_media(write, asset.number),
        Found::Failed { error, guess, others } => {
            record_not_media_at(write, asset.number, others)?;
            record_probe_failure(write, asset.number, error, *guess)
        }
        Found::NotHere | Found::Changed | Found::NoWorker(_) => Ok(()),
    }
}

fn probe_one(context: &Context<'_>, task: &AssetTask) -> Result<(String, Found)> {
    use std::os::unix::ffi::OsStrExt;
    let mut places = context.engine.catalog()?.read(|reader| sources(reader, task.asset))?;
    // The same bytes may have several names; the one that promises media is tried.
    places.sort_by_key(|source| kind_by_name(&source.path).is_none());
    let mut changed = None;
    for source in &places {
        let Ok(root) = Root::open(&source.root) else { continue };
        let Ok(file) = root.open_file(&source.path) else { continue };
        let shown = display_name(root.join(&source.path).as_os_str().as_bytes());
        if !is_same(&FileStamp::of(&file)?, &source.stamp) {
            changed.get_or_insert(shown);
            continue;
        }
        let probed =
            tasks::probe(context.engine.pool(), &file, &source.path, context.progress.cancelled());
        let found = match probed {
            Ok(probe) => Found::Probe(Box::new(probe)),
            Err(_) if context.progress.cancelled().load(Ordering::Relaxed) => Found::NotHere,
            // A worker that was killed costs its file; one that cannot be had ends the scan.
            Err(error)
                if error.kind == ErrorKind::Unavailable
                    && context.engine.pool().protection().is_err() =>
            {
                Found::NoWorker(error)
            }
            Err(error) => failed(context, task.asset, error)?,
        };
        return Ok((shown, found));
    }
    Ok(changed.map_or((String::new(), Found::NotHere), |path| (path, Found::Changed)))
}

/// What a failure means: no media when no name of it promised any.
fn failed(context: &Context<'_>, asset: i64, error: Error) -> Result<Found> {
    let names = context.engine.catalog()?.read(|reader| place_names(reader, asset))?;
    let (promising, others): (Vec<_>, Vec<_>) =
        names.into_iter().partition(|(_, name)| kind_by_name(name).is_some());
    let guess = promising.first().and_then(|(_, name)| kind_by_name(name));
    let is_told = matches!(error.kind, ErrorKind::Unsupported | ErrorKind::Corrupt);
    let others = others.into_iter().map(|(place, _)| place);
    Ok(match guess {
        // It is not known what it is: too large, or the death of a worker.
        _ if !is_told => Found::Failed { error, guess, others: Vec::new() },
        Some(_) => Found::Failed { error, guess, others: others.collect() },
        None => Found::NoMedia,
    })
}
