//! A still that libav reads, as a video of one frame.

use std::sync::Arc;

use rushes_media::{Error, ErrorKind, Frame, Layout, Result};

use super::{FrameIndex, VideoOptions, VideoReader};
use crate::{Source, av};

/// Decodes it, with the numbers and the opacity that are stored.
///
/// # Errors
/// `Unsupported` when it is no still that libav reads, or one of floats, of
/// which libav's scaler keeps 16 bits.
pub(crate) fn still_frame(source: &Source) -> Result<Frame> {
    if !av::is_still(source) {
        let why = "it is no still that FFmpeg reads";
        return Err(Error::new(ErrorKind::Unsupported, "decoding the still", why));
    }
    let probe = av::probe(source)?;
    let pixels = probe.picture().and_then(|stream| stream.pixel_format.as_deref());
    let layout = layout_of(pixels.unwrap_or_default()).ok_or_else(|| {
        let why = "its numbers are floats, which are not read here";
        Error::new(ErrorKind::Unsupported, "decoding the still", why)
    })?;
    let index = Arc::new(FrameIndex::build(source, &mut |_| true)?);
    let options = VideoOptions { threads: 1, layout, upright: false, ..VideoOptions::default() };
    let mut frame = VideoReader::open(source, index, options)?.frame(0)?;
    (frame.time_secs, frame.duration_secs) = (None, None);
    Ok(frame)
}

/// What a pixel is by FFmpeg's name of its format; `None` for floats.
fn layout_of(pixels: &str) -> Option<Layout> {
    if pixels.contains("f32") || pixels.contains("f16") {
        return None;
    }
    let has_opacity = ["rgba", "bgra", "argb", "abgr", "gbrap", "yuva", "ya8", "ya16", "pal8"];
    if has_opacity.iter().any(|it| pixels.starts_with(it)) {
        return Some(Layout::Rgba);
    }
    let is_grey = pixels.starts_with("gray") || pixels.starts_with("mono");
    Some(if is_grey { Layout::Gray } else { Layout::Rgb })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layouts_by_the_names_of_pixel_formats() {
        for (pixels, layout) in [
            ("gbrp10be", Some(Layout::Rgb)),
            ("rgba64le", Some(Layout::Rgba)),
            ("gray12le", Some(Layout::Gray)),
            ("yuv420p", Some(Layout::Rgb)),
            ("grayf32be", None),
        ] {
            assert_eq!(layout_of(pixels), layout, "{pixels}");
        }
    }
}
