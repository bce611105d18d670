//! JPEG (ITU-T T.81 annex B): the segments before the picture, walked without
//! reading those that hold no metadata.

use rushes_media::Limits;

use crate::gathered::Gathered;
use crate::photoshop;
use crate::problems::Problems;
use crate::source::Source;

const EXIF: &[u8] = b"Exif\0";
const XMP: &[u8] = b"http://ns.adobe.com/xap/1.0/\0";
const EXTENDED_XMP: &[u8] = b"http://ns.adobe.com/xmp/extension/\0";
const ICC: &[u8] = b"ICC_PROFILE\0";
const PHOTOSHOP: &[u8] = b"Photoshop 3.0\0";

/// Segments walked; each may be 64 KiB.
const MOST_SEGMENTS: usize = 10_000;

/// A piece of something that is split over segments.
struct Chunk {
    /// Which whole it belongs to.
    group: Vec<u8>,
    /// Where in the whole it goes.
    order: u32,
    /// What the whole's length or number of pieces is said to be.
    stated: u32,
    /// Where its bytes are.
    start: u64,
    len_bytes: u64,
}

pub(crate) fn is_jpeg(head: &[u8]) -> bool {
    head.starts_with(&[0xff, 0xd8, 0xff])
}

pub(crate) fn gather(
    source: &Source<'_>,
    limits: &Limits,
    gathered: &mut Gathered,
    problems: &mut Problems,
) {
    let (mut icc, mut xmp, mut photoshop) = (Vec::new(), Vec::new(), Vec::new());
    let mut position = 2;
    for _ in 0..MOST_SEGMENTS {
        let Some((marker, after)) = next_marker(source, position, problems) else { break };
        position = after;
        match marker {
            0x01 | 0xd0..=0xd8 => continue,
            // The picture itself, or the end.
            0xd9 | 0xda => break,
            _ => {}
        }
        let Some(len) = source.u16_be(position).map(u64::from).filter(|&len| len >= 2) else {
            problems.note("JPEG ends within its header");
            break;
        };
        let body = source.part(position + 2, len - 2);
        position += len;
        if body.len_bytes() < len - 2 {
            problems.note("JPEG ends within a segment of its header");
        }
        match marker {
            0xe1 => gather_application(&body, position - len + 2, gathered, &mut xmp),
            0xe2 if starts_with(&body, ICC) => {
                if let Some([order, stated]) = body.array(ICC.len() as u64) {
                    let (order, stated) = (u32::from(order), u32::from(stated));
                    let head = ICC.len() as u64 + 2;
                    let start = position - len + 2 + head;
                    let len_bytes = body.len_bytes() - head;
                    icc.push(Chunk { group: Vec::new(), order, stated, start, len_bytes });
                }
            }
            0xed if starts_with(&body, PHOTOSHOP) => {
                let head = PHOTOSHOP.len() as u64;
                photoshop.extend(body.take_up_to(head, body.len_bytes()));
            }
            _ => {}
        }
    }
    join_icc(source, icc, limits, gathered, problems);
    join_extended_xmp(source, xmp, limits, gathered, problems);
    photoshop::gather(&Source::of_memory(&photoshop, source.budget()), limits, gathered);
}

fn gather_application(
    body: &Source<'_>,
    start: u64,
    gathered: &mut Gathered,
    extended: &mut Vec<Chunk>,
) {
    if starts_with(body, EXIF) {
        gathered.add_exif(body.take_up_to(0, body.len_bytes()));
    } else if is_xmp(body) {
        gathered.xmp.push(body.take_up_to(XMP.len() as u64, body.len_bytes()));
    } else if starts_with(body, EXTENDED_XMP) {
        let name_end = EXTENDED_XMP.len() as u64;
        let head = name_end + 32 + 8;
        let parts =
            (body.array::<32>(name_end), body.u32_be(name_end + 32), body.u32_be(name_end + 36));
        if let (Some(guid), Some(stated), Some(order)) = parts {
            extended.push(Chunk {
                group: guid.to_vec(),
                order,
                stated,
                start: start + head,
                len_bytes: body.len_bytes().saturating_sub(head),
            });
        }
    }
}

/// The marker at this position and where its segment starts. Bytes that
/// belong to no segment are skipped, within reason.
fn next_marker(source: &Source<'_>, position: u64, problems: &mut Problems) -> Option<(u8, u64)> {
    let mut position = position;
    if source.u8(position)? != 0xff {
        let around = source.take_up_to(position, 64 << 10);
        let is_marker = |pair: &[u8]| matches!(pair, [0xff, 0xc0..=0xfe]);
        let skipped = around.windows(2).position(is_marker)?;
        problems.note(format!("JPEG has {skipped} stray bytes in its header"));
        position += skipped as u64;
    }
    // Any number of fill bytes may come before a marker.
    for _ in 0..64 << 10 {
        match source.u8(position + 1)? {
            0xff => position += 1,
            marker => return Some((marker, position + 2)),
        }
    }
    None
}

/// The packet in the body of a segment, when it holds XMP.
pub(crate) fn xmp_of_segment(body: &[u8]) -> Option<&[u8]> {
    body.strip_prefix(XMP)
}

/// Some software overwrites the first four letters of the head.
fn is_xmp(body: &Source<'_>) -> bool {
    body.array::<29>(0).is_some_and(|head| head.get(4..) == XMP.get(4..))
}

fn starts_with(source: &Source<'_>, head: &[u8]) -> bool {
    source.part(0, head.len() as u64).take_up_to(0, head.len() as u64) == head
}

fn join_icc(
    source: &Source<'_>,
    mut chunks: Vec<Chunk>,
    limits: &Limits,
    gathered: &mut Gathered,
    problems: &mut Problems,
) {
    chunks.sort_by_key(|chunk| chunk.order);
    chunks.dedup_by_key(|chunk| chunk.order);
    let complete =
        chunks.iter().zip(1..).all(|(c, n)| c.order == n && c.stated as usize == chunks.len());
    if !complete {
        problems.note("JPEG lacks a part of its ICC profile");
        return;
    }
    if let Some(profile) = join(source, &chunks, limits, "ICC profile", problems) {
        gathered.icc = Some(profile);
    }
}

/// Extended XMP (XMP specification part 3, section 1.1.3.1): the pieces whose
/// identifier the standard packet names.
fn join_extended_xmp(
    source: &Source<'_>,
    mut chunks: Vec<Chunk>,
    limits: &Limits,
    gathered: &mut Gathered,
    problems: &mut Problems,
) {
    let Some(standard) = gathered.xmp.first() else { return };
    chunks.retain(|c| standard.windows(c.group.len()).any(|window| window == c.group));
    let Some(group) = chunks.first().map(|chunk| chunk.group.clone()) else { return };
    chunks.retain(|chunk| chunk.group == group);
    chunks.sort_by_key(|chunk| chunk.order);
    chunks.dedup_by_key(|chunk| chunk.order);
    let mut end = 0;
    for chunk in &chunks {
        if u64::from(chunk.order) != end {
            problems.note("JPEG lacks a part of its extended XMP");
            return;
        }
        end += chunk.len_bytes;
    }
    if chunks.iter().any(|chunk| u64::from(chunk.stated) != end) {
        problems.note("JPEG lacks a part of its extended XMP");
        return;
    }
    if let Some(packet) = join(source, &chunks, limits, "extended XMP", problems) {
        gathered.xmp.push(packet);
    }
}

fn join(
    source: &Source<'_>,
    chunks: &[Chunk],
    limits: &Limits,
    what: &str,
    problems: &mut Problems,
) -> Option<Vec<u8>> {
    let total: u64 = chunks.iter().map(|chunk| chunk.len_bytes).sum();
    if total > limits.tag_bytes {
        problems.note(format!("{what} has {total} bytes, over the limit of {}", limits.tag_bytes));
        return None;
    }
    let mut joined = Vec::new();
    for chunk in chunks {
        joined.extend(source.take(chunk.start, chunk.len_bytes)?);
    }
    (!joined.is_empty()).then_some(joined)
}
