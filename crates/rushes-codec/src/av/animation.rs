//! Still formats that may move: GIF, PNG and WebP are video when they hold
//! more than one frame.

use std::io::{BufReader, Read, Seek, SeekFrom};

use rushes_media::{Probe, Result};

use super::animated_webp::AnimatedWebP;
use crate::{Source, SourceReader};

/// Blocks of a GIF, or chunks of a PNG, looked at in search of a second frame.
const BLOCKS: u32 = 1 << 20;

/// What an animated picture holds; `None` when the content is no such thing,
/// stills of these formats included.
pub(crate) fn probe_animation(source: &Source, head: &[u8]) -> Option<Result<Probe>> {
    if let Some(animated) = AnimatedWebP::find(source, head) {
        return Some(animated.probe(source));
    }
    is_animation(source, head).then(|| super::probe(source))
}

/// Whether it is a GIF or PNG of more than one frame.
pub(crate) fn is_animation(source: &Source, head: &[u8]) -> bool {
    let moves = if head.starts_with(b"GIF87a") || head.starts_with(b"GIF89a") {
        gif_moves(&mut BufReader::new(source.reader()))
    } else if head.starts_with(b"\x89PNG\r\n\x1a\n") {
        png_moves(&mut source.reader())
    } else {
        None
    };
    moves == Some(true)
}

fn byte(reader: &mut impl Read) -> Option<u8> {
    let mut byte = [0];
    reader.read_exact(&mut byte).ok()?;
    Some(byte[0])
}

fn skip(reader: &mut BufReader<SourceReader<'_>>, bytes: i64) -> Option<()> {
    reader.seek_relative(bytes).ok()
}

/// Whether a GIF has a second image (GIF89a specification, sections 17 to 27).
fn gif_moves(reader: &mut BufReader<SourceReader<'_>>) -> Option<bool> {
    let table =
        |flags: u8| if flags & 0x80 == 0 { 0 } else { 3_i64 << (flags & 7).wrapping_add(1) };
    skip(reader, 10)?;
    let flags = byte(reader)?;
    skip(reader, 2 + table(flags))?;
    let mut images = 0;
    let mut blocks = 0;
    loop {
        match byte(reader)? {
            0x2c => {
                images += 1;
                if images > 1 {
                    return Some(true);
                }
                skip(reader, 8)?;
                let flags = byte(reader)?;
                skip(reader, table(flags) + 1)?;
            }
            0x21 => skip(reader, 1)?,
            _ => return Some(false),
        }
        loop {
            blocks += 1;
            let length = byte(reader)?;
            if blocks > BLOCKS {
                return None;
            }
            if length == 0 {
                break;
            }
            skip(reader, i64::from(length))?;
        }
    }
}

/// Whether a PNG says that it has more than one frame (PNG third edition,
/// section 11.3.6.1: `acTL` comes before the image data).
fn png_moves(reader: &mut SourceReader<'_>) -> Option<bool> {
    reader.seek(SeekFrom::Start(8)).ok()?;
    for _ in 0..BLOCKS {
        let mut header = [0; 8];
        reader.read_exact(&mut header).ok()?;
        let [a, b, c, d, name @ ..] = header;
        match &name {
            b"acTL" => {
                let mut frames = [0; 4];
                reader.read_exact(&mut frames).ok()?;
                return Some(u32::from_be_bytes(frames) > 1);
            }
            b"IDAT" | b"IEND" => return Some(false),
            _ => {
                let length = i64::from(u32::from_be_bytes([a, b, c, d]));
                reader.seek(SeekFrom::Current(length + 4)).ok()?;
            }
        }
    }
    None
}
