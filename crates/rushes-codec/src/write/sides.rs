//! How large pictures may be.

use rushes_media::{Error, ErrorKind, Result};

use super::WHAT;
use super::pictures::Pictures;
use super::targets::VideoCodec;

/// The least width and height in pixels, and the longest side, that a codec and
/// its encoders hold; others are bounded by memory alone.
fn limits(codec: &str) -> Option<((i32, i32), i32)> {
    Some(match codec {
        "h264" | "vp9" => ((1, 1), 16_384),
        // ITU-T H.265, A.4.1, level 6.2.
        "hevc" => ((16, 16), 16_888),
        // QuickTime and MP4 have 16 bits for a side.
        "av1" | "prores" => ((1, 1), 65_535),
        // SMPTE ST 2019-1.
        "dnxhr" => ((256, 120), 16_384),
        "mjpeg" => ((1, 1), 65_500),
        "mpeg4" => ((1, 1), 8_191),
        "mpeg2" => ((1, 1), 16_383),
        "webp" => ((1, 1), 16_383),
        _ => return None,
    })
}

/// # Errors
/// `Invalid` when the codec holds no pictures of that size.
pub(super) fn check(codec: &VideoCodec, pictures: &Pictures) -> Result<()> {
    let Some(((least_width_px, least_height_px), most_px)) = limits(codec.name) else {
        return Ok(());
    };
    let (width_px, height_px) = (pictures.width_px, pictures.height_px);
    if width_px >= least_width_px
        && height_px >= least_height_px
        && width_px.max(height_px) <= most_px
    {
        return Ok(());
    }
    let why = format!(
        "{} holds {least_width_px}x{least_height_px} to {most_px}x{most_px} pixels, and the \
         frames have {width_px}x{height_px}",
        codec.name
    );
    Err(Error::new(ErrorKind::Invalid, WHAT, why)
        .remedy("resize or pad the frames, or name another codec"))
}
