//! Boxes of an ISO base media file (ISO/IEC 14496-12, clause 4.2).

use super::read;
use crate::Source;

/// Boxes in one list; camera files have about ten.
const BOXES: usize = 1_000;

/// One box: its type, and where its content lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub kind: [u8; 4],
    pub start: u64,
    /// As stated: may lie beyond the end of the file.
    pub end: u64,
}

/// The boxes between two places, up to the first that makes no sense.
pub(super) fn within(source: &Source, start: u64, end: u64) -> Vec<Found> {
    let mut found = Vec::new();
    let mut at = start;
    while at < end && found.len() < BOXES {
        let Some([s3, s2, s1, s0, kind @ ..]) = read::exactly::<8>(source, at) else { break };
        let (length, header) = match u32::from_be_bytes([s3, s2, s1, s0]) {
            0 => (end - at, 8),
            1 => match read::exactly::<8>(source, at + 8) {
                Some(length) => (u64::from_be_bytes(length), 16),
                None => break,
            },
            length => (u64::from(length), 8),
        };
        let Some(next) = at.checked_add(length).filter(|_| length >= header) else { break };
        found.push(Found { kind, start: at + header, end: next });
        at = next;
    }
    found
}

/// The first box at the end of this path of types.
pub(super) fn at_path(source: &Source, start: u64, end: u64, path: &[&[u8; 4]]) -> Option<Found> {
    let (first, rest) = path.split_first()?;
    let found = within(source, start, end).into_iter().find(|found| found.kind == **first)?;
    if rest.is_empty() { Some(found) } else { at_path(source, found.start, found.end, rest) }
}

/// The name of the outer box that the file ends within, if it does.
pub(super) fn cut_off(source: &Source) -> Option<String> {
    let last = within(source, 0, source.size_bytes()).into_iter().next_back()?;
    let name = String::from_utf8_lossy(&last.kind).into_owned();
    (last.end > source.size_bytes()).then_some(name)
}
