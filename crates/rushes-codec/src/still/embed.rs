//! Blocks of metadata into the file of a still that was just encoded.

mod png;
mod tiff;
mod webp;

use std::borrow::Cow;

use rushes_media::{Block, Blocks, Error, ErrorKind, Layout, Result};

use super::encode::{StillTarget, Writer};
pub(super) use tiff::has_maker_note;

const WHAT: &str = "writing the picture's metadata";

/// Bytes that a segment of JPEG holds behind its length (T.81, B.1.1.4).
const SEGMENT_BYTES: usize = 65_533;
const EXIF: &[u8] = b"Exif\0\0";
const XMP: &[u8] = b"http://ns.adobe.com/xap/1.0/\0";
const EXTENDED_XMP: &[u8] = b"http://ns.adobe.com/xmp/extension/\0";
const ICC: &[u8] = b"ICC_PROFILE\0";
const PHOTOSHOP: &[u8] = b"Photoshop 3.0\0";
/// Letters of the name of an extended packet.
const GUID_BYTES: usize = 32;

/// Why this block does not go into a file of this kind.
pub(super) fn obstacle(target: &StillTarget, blocks: &Blocks, block: Block) -> Option<String> {
    let bytes = blocks.get(block)?;
    if !target.holds.contains(&block) {
        return Some(format!("{} has no place for {}", target.words, with_article(block)));
    }
    if matches!(target.writer, Writer::Jpeg) {
        let room = match block {
            Block::Exif => SEGMENT_BYTES - EXIF.len(),
            Block::Xmp => SEGMENT_BYTES - XMP.len(),
            Block::Icc => icc_piece() * 255,
            Block::Iptc => SEGMENT_BYTES - PHOTOSHOP.len() - 12,
            Block::ExtendedXmp => usize::MAX,
        };
        if bytes.len() > room {
            let words = block.words();
            return Some(format!("JPEG holds {room} bytes of {words}, and it has {}", bytes.len()));
        }
        let has_name = blocks.get(Block::Xmp).is_some_and(|packet| guid(packet).is_some());
        if block == Block::ExtendedXmp && !has_name {
            return Some("its XMP names no extended XMP".to_owned());
        }
    }
    None
}

fn with_article(block: Block) -> Cow<'static, str> {
    match block {
        Block::Icc => "an ICC profile".into(),
        other => other.words().into(),
    }
}

/// Whether a profile is of the colours that pixels of this layout have, by its
/// header (ICC.1:2022, clause 7.2.8).
pub(super) fn is_of_layout(profile: &[u8], layout: Layout) -> bool {
    let space = profile.get(16..20);
    match layout {
        Layout::Gray => space == Some(b"GRAY"),
        Layout::Rgb | Layout::Rgba => space == Some(b"RGB "),
    }
}

/// The file with the blocks in it, of which the target holds every one.
pub(super) fn embed(
    file: Vec<u8>,
    target: &StillTarget,
    blocks: &Blocks,
    size_px: (u32, u32),
    layout: Layout,
) -> Result<Vec<u8>> {
    if blocks.kinds().next().is_none() {
        return Ok(file);
    }
    let made = match target.writer {
        Writer::Jpeg => jpeg(&file, blocks),
        Writer::WebP => webp::embed(&file, blocks, size_px, layout == Layout::Rgba),
        Writer::Image(image::ImageFormat::Png) => png::embed(&file, blocks)?,
        Writer::Image(image::ImageFormat::Tiff) => tiff::embed(file, blocks)?,
        _ => Some(file),
    };
    made.ok_or_else(|| Error::bug(WHAT, "the encoder made a file of another shape"))
}

fn too_large() -> Error {
    Error::new(ErrorKind::Limit, WHAT, "the file would have over 4 GiB")
}

/// Bytes of a profile in one segment.
fn icc_piece() -> usize {
    SEGMENT_BYTES - ICC.len() - 2
}

/// JPEG: segments behind the one of JFIF.
fn jpeg(file: &[u8], blocks: &Blocks) -> Option<Vec<u8>> {
    let head = file.get(2..)?;
    let after_jfif = match head {
        [0xff, 0xe0, high, low, ..] => 4 + usize::from(u16::from_be_bytes([*high, *low])),
        _ => 2,
    };
    let mut made = file.get(..after_jfif)?.to_vec();
    if let Some(exif) = blocks.get(Block::Exif) {
        segment(&mut made, 0xe1, &[EXIF, exif])?;
    }
    if let Some(packet) = blocks.get(Block::Xmp) {
        segment(&mut made, 0xe1, &[XMP, packet])?;
        if let Some(extended) = blocks.get(Block::ExtendedXmp) {
            let guid = guid(packet)?;
            let total = u32::try_from(extended.len()).ok()?.to_be_bytes();
            let piece = SEGMENT_BYTES - EXTENDED_XMP.len() - GUID_BYTES - 8;
            for (number, part) in extended.chunks(piece).enumerate() {
                let at = u32::try_from(number * piece).ok()?.to_be_bytes();
                segment(&mut made, 0xe1, &[EXTENDED_XMP, guid, &total, &at, part])?;
            }
        }
    }
    if let Some(profile) = blocks.get(Block::Icc) {
        let pieces = u8::try_from(profile.len().div_ceil(icc_piece())).ok()?;
        for (number, part) in (1..=pieces).zip(profile.chunks(icc_piece())) {
            segment(&mut made, 0xe2, &[ICC, &[number, pieces], part])?;
        }
    }
    if let Some(iptc) = blocks.get(Block::Iptc) {
        // The resource's identifier, an empty name, and its length.
        let len = u32::try_from(iptc.len()).ok()?.to_be_bytes();
        let padding: &[u8] = if iptc.len() % 2 == 0 { b"" } else { b"\0" };
        let head = b"8BIM\x04\x04\0\0";
        segment(&mut made, 0xed, &[PHOTOSHOP, head, &len, iptc, padding])?;
    }
    made.extend(file.get(after_jfif..)?);
    Some(made)
}

fn segment(made: &mut Vec<u8>, marker: u8, parts: &[&[u8]]) -> Option<()> {
    let len: usize = parts.iter().map(|part| part.len()).sum();
    let len = u16::try_from(len + 2).ok()?;
    made.extend([0xff, marker]);
    made.extend(len.to_be_bytes());
    for part in parts {
        made.extend(*part);
    }
    Some(())
}

/// The name by which a packet points at its extended one: an MD5 in hexadecimal.
fn guid(packet: &[u8]) -> Option<&[u8]> {
    const NAME: &[u8] = b"HasExtendedXMP";
    let at = packet.windows(NAME.len()).position(|window| window == NAME)?;
    let rest = packet.get(at + NAME.len()..)?;
    let start = rest.iter().take(8).position(u8::is_ascii_hexdigit)?;
    let guid = rest.get(start..start + GUID_BYTES)?;
    guid.iter().all(u8::is_ascii_hexdigit).then_some(guid)
}
