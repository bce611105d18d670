//! Whether the size that a still states can be true.

use rushes_media::{Error, ErrorKind, Limits, Result};

use crate::Source;

/// A file that ends early is told from one that lies by how much is missing:
/// this many times what is there.
const TOO_LITTLE: u64 = 100;

/// Refuses a size of which a side is over the limits, or of which the file
/// holds next to nothing. How many pixels there may be is checked where they
/// are decoded: a panorama that is too large for that is still listed with its
/// size. `least_bytes` is the least that any picture of that size takes in the
/// file's format, 0 when that is not known.
///
/// # Errors
/// `Limit` when a side is over the limit, `Corrupt` when a side is zero or the
/// file has less than a hundredth of `least_bytes`.
pub(super) fn check(source: &Source, size_px: (u32, u32), least_bytes: u64) -> Result<()> {
    let sides = Limits { pixels: u64::MAX, picture_bytes: u64::MAX, ..*source.limits() };
    sides.check_picture(size_px.0.into(), size_px.1.into(), 3)?;
    check_room(source, size_px, least_bytes)
}

fn check_room(source: &Source, (width_px, height_px): (u32, u32), least_bytes: u64) -> Result<()> {
    let there_bytes = source.size_bytes();
    if there_bytes.saturating_mul(TOO_LITTLE) >= least_bytes {
        return Ok(());
    }
    let why = format!(
        "it states {width_px}x{height_px} pixels, which its {there_bytes} bytes cannot hold"
    );
    Err(Error::new(ErrorKind::Corrupt, "reading the picture's header", why)
        .remedy("copy it again from its origin"))
}

/// Bytes of rows of this many bits a pixel, each padded to a multiple of
/// `row_multiple_bytes`.
pub(super) fn rows_bytes(size_px: (u32, u32), pixel_bits: u64, row_multiple_bytes: u64) -> u64 {
    let row_bits = u64::from(size_px.0).saturating_mul(pixel_bits);
    let row_bytes = row_bits.div_ceil(8).next_multiple_of(row_multiple_bytes.max(1));
    row_bytes.saturating_mul(u64::from(size_px.1))
}

/// Pixels of this size.
pub(super) fn pixels((width_px, height_px): (u32, u32)) -> u64 {
    u64::from(width_px) * u64::from(height_px)
}
