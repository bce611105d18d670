//! What a format's own specification says of the colours of its stills.

use rushes_media::Probe;

/// Fills in range and matrix where the file states neither.
pub(super) fn complete(probe: &mut Probe) {
    let format = probe.container.format.as_str();
    for stream in &mut probe.streams {
        let Some(pixels) = stream.pixel_format.as_deref() else { continue };
        let Some((range, matrix)) = range_and_matrix(format, pixels) else { continue };
        let color = stream.color.get_or_insert_default();
        if color.range.is_none() && color.matrix.is_none() {
            color.range = Some(range.into());
            color.matrix = matrix.map(Into::into);
        }
    }
}

/// By FFmpeg's names; `bt470bg` is BT.601. JPEG is of full range (ITU-T T.871),
/// and so is PNG. Lossy WebP is VP8 (RFC 6386, section 9.2), of limited range.
fn range_and_matrix(format: &str, pixels: &str) -> Option<(&'static str, Option<&'static str>)> {
    match format {
        "jpeg" if pixels.starts_with("yuvj") => Some(("pc", Some("bt470bg"))),
        "jpeg" if pixels == "gbrp" => Some(("pc", Some("gbr"))),
        "jpeg" | "png" => Some(("pc", None)),
        "webp" if pixels.starts_with("yuv") => Some(("tv", Some("bt470bg"))),
        _ => None,
    }
}
