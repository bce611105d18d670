use std::fmt::Display;
use std::ops::RangeInclusive;

use rushes_media::{Error, ErrorKind, Frame, Limits, Result, Values};

/// The error for a parameter: its name, what it was, what is allowed.
pub(crate) fn refuse(parameter: &str, was: impl Display, allowed: impl Display) -> Error {
    let why = format!("{parameter} is {was}; allowed is {allowed}");
    Error::new(ErrorKind::Invalid, "checking the parameters", why)
}

/// Whether a parameter is within its range; NaN never is.
pub(crate) fn within<T: PartialOrd + Display>(
    parameter: &str,
    was: T,
    range: RangeInclusive<T>,
) -> Result<()> {
    if range.contains(&was) {
        return Ok(());
    }
    Err(refuse(parameter, was, format_args!("{} to {}", range.start(), range.end())))
}

/// Whether every number of a parameter is within its range.
pub(crate) fn listed(parameter: &str, were: &[f64], range: RangeInclusive<f64>) -> Result<()> {
    were.iter().try_for_each(|&was| within(parameter, was, range.clone()))
}

/// The size of a frame that is about to be made, if it is within the default
/// [`Limits`].
pub(crate) fn sized(like: &Frame, width_px: u64, height_px: u64) -> Result<(u32, u32)> {
    let depth_bytes = match like.values() {
        Values::U8(_) => 1,
        Values::U16(_) => 2,
        Values::F32(_) => 4,
    };
    let pixel_bytes = depth_bytes * like.layout().channels() as u64;
    if width_px > 0 && height_px > 0 {
        Limits::default().check_picture(width_px, height_px, pixel_bytes)?;
    }
    match (u32::try_from(width_px), u32::try_from(height_px)) {
        (Ok(width_px), Ok(height_px)) => Ok((width_px, height_px)),
        _ => {
            let why = format!("a frame of {width_px}x{height_px} pixels was asked for");
            Err(Error::new(ErrorKind::Limit, "sizing the frame", why))
        }
    }
}

/// Whether another frame has the size of the first.
pub(crate) fn paired(name: &str, frame: &Frame, other: &Frame) -> Result<()> {
    let size = |frame: &Frame| format!("{}x{} pixels", frame.width_px(), frame.height_px());
    if size(frame) == size(other) { Ok(()) } else { Err(refuse(name, size(other), size(frame))) }
}
