//! Netpbm's pictures, written as binary PGM and PPM: a header in words, then the
//! numbers, of two bytes the high one first.

use rushes_media::{Frame, Layout, Values};

use super::encode::{eight_bits, sixteen_bits};

/// The frame, which has no opacity, with 8 bits where its numbers have, else 16.
pub(super) fn encode(frame: &Frame) -> Vec<u8> {
    let (magic, is_deep) = (
        if frame.layout() == Layout::Gray { "P5" } else { "P6" },
        !matches!(frame.values(), Values::U8(_)),
    );
    let most = if is_deep { u16::MAX } else { u8::MAX.into() };
    let size = format!("{} {}", frame.width_px(), frame.height_px());
    let mut file = format!("{magic}\n{size}\n{most}\n").into_bytes();
    if is_deep {
        file.extend(sixteen_bits(frame).into_iter().flat_map(u16::to_be_bytes));
    } else {
        file.extend(eight_bits(frame));
    }
    file
}
