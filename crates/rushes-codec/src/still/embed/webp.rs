//! Metadata of WebP (RFC 9649, section 2.7): chunks, announced by the flags of
//! the extended header.

use rushes_media::{Block, Blocks};

const ICC: u8 = 0x20;
const ALPHA: u8 = 0x10;
const EXIF: u8 = 0x08;
const XMP: u8 = 0x04;

/// `None` when the file does not begin as WebP does.
pub(super) fn embed(
    file: &[u8],
    blocks: &Blocks,
    (width_px, height_px): (u32, u32),
    has_alpha: bool,
) -> Option<Vec<u8>> {
    let chunks = file.get(12..)?;
    let (mut flags, picture) = if chunks.starts_with(b"VP8X") {
        (*chunks.get(8)?, chunks.get(18..)?)
    } else {
        (if has_alpha { ALPHA } else { 0 }, chunks)
    };
    let there = [(Block::Icc, ICC), (Block::Exif, EXIF), (Block::Xmp, XMP)];
    for (block, flag) in there {
        if blocks.get(block).is_some() {
            flags |= flag;
        }
    }
    let side = |px: u32| px.checked_sub(1).map(u32::to_le_bytes);
    let ([w0, w1, w2, _], [h0, h1, h2, _]) = (side(width_px)?, side(height_px)?);
    let mut made = b"RIFF\0\0\0\0WEBP".to_vec();
    chunk(&mut made, *b"VP8X", &[flags, 0, 0, 0, w0, w1, w2, h0, h1, h2])?;
    if let Some(profile) = blocks.get(Block::Icc) {
        chunk(&mut made, *b"ICCP", profile)?;
    }
    made.extend(picture);
    for (block, kind) in [(Block::Exif, *b"EXIF"), (Block::Xmp, *b"XMP ")] {
        if let Some(bytes) = blocks.get(block) {
            chunk(&mut made, kind, bytes)?;
        }
    }
    let len = u32::try_from(made.len() - 8).ok()?;
    made.get_mut(4..8)?.copy_from_slice(&len.to_le_bytes());
    Some(made)
}

fn chunk(made: &mut Vec<u8>, kind: [u8; 4], body: &[u8]) -> Option<()> {
    made.extend(kind);
    made.extend(u32::try_from(body.len()).ok()?.to_le_bytes());
    made.extend(body);
    if body.len() % 2 == 1 {
        made.push(0);
    }
    Some(())
}
