//! WebP (RFC 9649): the chunks of a RIFF file.

use rushes_media::Limits;

use crate::gathered::Gathered;
use crate::problems::Problems;
use crate::source::Source;

/// Chunks walked; an animation has one for each frame.
const MOST_CHUNKS: usize = 100_000;

pub(crate) fn is_webp(head: &[u8]) -> bool {
    head.starts_with(b"RIFF") && head.get(8..12) == Some(b"WEBP")
}

pub(crate) fn gather(
    source: &Source<'_>,
    limits: &Limits,
    gathered: &mut Gathered,
    problems: &mut Problems,
) {
    let mut position = 12;
    for _ in 0..MOST_CHUNKS {
        if position >= source.len_bytes() {
            return;
        }
        let (Some(kind), Some(len)) = (source.array(position), source.u32_le(position + 4)) else {
            problems.note("WebP ends within the head of a chunk");
            return;
        };
        let len = u64::from(len);
        let body = source.part(position + 8, len);
        let is_metadata = matches!(&kind, b"EXIF" | b"XMP " | b"ICCP");
        if is_metadata && len > limits.tag_bytes {
            let limit = limits.tag_bytes;
            problems.note(format!("WebP has metadata of {len} bytes, over the limit of {limit}"));
        } else if is_metadata {
            let bytes = body.take_up_to(0, len);
            match &kind {
                b"EXIF" => gathered.add_exif(bytes),
                b"XMP " => gathered.xmp.push(bytes),
                _ => gathered.icc = Some(bytes),
            }
        }
        position += 8 + len + len % 2;
    }
}
