//! GIF89a: the XMP that may stand in an application extension.

use rushes_media::Limits;

use crate::gathered::Gathered;
use crate::source::Source;

/// Blocks walked before and between the frames.
const MOST_BLOCKS: usize = 10_000;
/// Pieces of one block; 255 bytes each, so this is 255 MB of one frame.
const MOST_SUB_BLOCKS: usize = 1_000_000;

pub(crate) fn is_gif(head: &[u8]) -> bool {
    head.starts_with(b"GIF89a")
}

pub(crate) fn gather(source: &Source<'_>, limits: &Limits, gathered: &mut Gathered) {
    let Some(flags) = source.u8(10) else { return };
    let mut position = 13 + color_table_bytes(flags);
    for _ in 0..MOST_BLOCKS {
        match (source.u8(position), source.u8(position + 1)) {
            (Some(0x21), Some(0xff)) if source.array(position + 3) == Some(*b"XMP DataXMP") => {
                let start = position + 14;
                let Some(end) = end_of_blocks(source, start) else { return };
                // 258 bytes follow the packet, so that a reader that takes it
                // for blocks finds its end from any place in it.
                let packet_bytes = (end - start).saturating_sub(258).min(limits.tag_bytes);
                gathered.xmp.push(source.take_up_to(start, packet_bytes));
                return;
            }
            (Some(0x21), Some(_)) => match end_of_blocks(source, position + 2) {
                Some(end) => position = end,
                None => return,
            },
            (Some(0x2c), _) => {
                let Some(flags) = source.u8(position + 9) else { return };
                let data = position + 11 + color_table_bytes(flags);
                match end_of_blocks(source, data) {
                    Some(end) => position = end,
                    None => return,
                }
            }
            _ => return,
        }
    }
}

fn color_table_bytes(flags: u8) -> u64 {
    if flags & 0x80 == 0 { 0 } else { 3 << ((flags & 7) + 1) }
}

fn end_of_blocks(source: &Source<'_>, start: u64) -> Option<u64> {
    let mut position = start;
    for _ in 0..MOST_SUB_BLOCKS {
        match source.u8(position)? {
            0 => return Some(position + 1),
            len => position += u64::from(len) + 1,
        }
    }
    None
}
