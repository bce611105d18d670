//! PNG (third edition): its chunks, by their lengths.

use rushes_media::Limits;

use crate::gathered::Gathered;
use crate::problems::Problems;
use crate::source::Source;
use crate::text;

/// Chunks walked. A picture may be split into thousands.
const MOST_CHUNKS: usize = 200_000;

pub(crate) fn is_png(head: &[u8]) -> bool {
    head.starts_with(b"\x89PNG\r\n\x1a\n")
}

pub(crate) fn gather(
    source: &Source<'_>,
    limits: &Limits,
    gathered: &mut Gathered,
    problems: &mut Problems,
) {
    let mut position = 8;
    for _ in 0..MOST_CHUNKS {
        let (Some(len), Some(kind)) = (source.u32_be(position), source.array(position + 4)) else {
            problems.note("PNG ends without its last chunk");
            return;
        };
        let body = source.part(position + 8, u64::from(len));
        let is_metadata = matches!(&kind, b"eXIf" | b"tEXt" | b"iTXt" | b"iCCP");
        if is_metadata && u64::from(len) > limits.tag_bytes {
            let limit = limits.tag_bytes;
            problems.note(format!("PNG has a text of {len} bytes, over the limit of {limit}"));
        } else if is_metadata {
            gather_chunk(kind, &body.take_up_to(0, u64::from(len)), gathered);
        }
        if &kind == b"IEND" {
            return;
        }
        position += u64::from(len) + 12;
    }
}

fn gather_chunk(kind: [u8; 4], body: &[u8], gathered: &mut Gathered) {
    if &kind == b"eXIf" {
        gathered.add_exif(body.to_vec());
        return;
    }
    let Some(end) = body.iter().position(|&byte| byte == 0) else { return };
    let (Some(name), Some(rest)) = (body.get(..end), body.get(end + 1..)) else { return };
    let Some(name) = text::decode(name) else { return };
    match &kind {
        b"tEXt" => gathered.texts.extend(text::decode(rest).map(|text| (name, text))),
        b"iTXt" => {
            // Compression flag and method, then language and translated name.
            let Some((&[compressed, _], rest)) = rest.split_first_chunk::<2>() else { return };
            let mut parts = rest.splitn(3, |&byte| byte == 0);
            let Some(text) = parts.nth(2).filter(|_| compressed == 0) else { return };
            if name == "XML:com.adobe.xmp" {
                gathered.xmp.push(text.to_vec());
            } else {
                gathered.texts.extend(text::decode(text).map(|text| (name, text)));
            }
        }
        // The profile itself is compressed; its name is not.
        _ => gathered.texts.push(("ICC profile".to_owned(), name)),
    }
}
