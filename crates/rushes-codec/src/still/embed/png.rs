//! Metadata of PNG (third edition, clause 11.3): chunks behind the header.

use std::io::Write;

use flate2::write::ZlibEncoder;
use flate2::{Compression, Crc};
use rushes_media::{Block, Blocks, Error, Result};

use super::WHAT;

/// Signature and header.
const HEAD_BYTES: usize = 33;

/// `None` when the file does not begin as PNG does.
pub(super) fn embed(file: &[u8], blocks: &Blocks) -> Result<Option<Vec<u8>>> {
    let Some((head, rest)) = file.split_at_checked(HEAD_BYTES) else { return Ok(None) };
    let mut made = head.to_vec();
    if let Some(profile) = blocks.get(Block::Icc) {
        let mut packed = ZlibEncoder::new(b"ICC profile\0\0".to_vec(), Compression::default());
        // The name stands before what is packed.
        let packed = packed.write_all(profile).and_then(|()| packed.finish());
        let packed = packed.map_err(|error| Error::bug(WHAT, error))?;
        chunk(&mut made, *b"iCCP", &packed)?;
    }
    if let Some(exif) = blocks.get(Block::Exif) {
        chunk(&mut made, *b"eXIf", exif)?;
    }
    if let Some(packet) = blocks.get(Block::Xmp) {
        // Not packed, and neither language nor translated name.
        chunk(&mut made, *b"iTXt", &[b"XML:com.adobe.xmp\0\0\0\0\0", packet].concat())?;
    }
    made.extend(rest);
    Ok(Some(made))
}

fn chunk(made: &mut Vec<u8>, kind: [u8; 4], body: &[u8]) -> Result<()> {
    let len = u32::try_from(body.len()).map_err(|_| super::too_large())?;
    let mut sum = Crc::new();
    sum.update(&kind);
    sum.update(body);
    made.extend(len.to_be_bytes());
    made.extend(kind);
    made.extend(body);
    made.extend(sum.sum().to_be_bytes());
    Ok(())
}
