use fast_image_resize::images::{Image, ImageRef, TypedImage, TypedImageRef};
use fast_image_resize::pixels::U16x3;
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};
use rushes_media::{Error, ErrorKind, Picture, Pixels, Result};

use super::picture;

/// The picture made smaller, so that its longer side is at most `max_px`.
///
/// Lanczos with three lobes, on the numbers as they are (not in linear
/// light), as Pillow and libvips do it. A picture that is small enough comes
/// back unchanged: nothing is ever enlarged. The shorter side is rounded, and
/// stays at least 1.
///
/// # Errors
/// `Invalid` when `max_px` is zero.
pub fn resize(source: &Picture, max_px: u32) -> Result<Picture> {
    if max_px == 0 {
        let why = "a picture with a longest side of 0 pixels was asked for";
        return Err(Error::new(ErrorKind::Invalid, "resizing the picture", why));
    }
    if source.width_px().max(source.height_px()) <= max_px {
        return Ok(source.clone());
    }
    let (width_px, height_px) = bounded(source, max_px, max_px);
    scale(source, width_px, height_px)
}

/// The largest size with the picture's aspect that is within these bounds.
pub(super) fn bounded(source: &Picture, width_px: u32, height_px: u32) -> (u32, u32) {
    let (stored_width, stored_height) =
        (u64::from(source.width_px()), u64::from(source.height_px()));
    let (width, height) = (u64::from(width_px), u64::from(height_px));
    // Cross-multiplied, so that no rounding decides which side is the tight one.
    if stored_width * height >= stored_height * width {
        (width_px, rounded_share(stored_height * width, stored_width).min(height_px))
    } else {
        (rounded_share(stored_width * height, stored_height).min(width_px), height_px)
    }
}

/// `num / den` to the nearest whole number, at least 1.
fn rounded_share(num: u64, den: u64) -> u32 {
    u32::try_from((num + den / 2) / den).unwrap_or(u32::MAX).max(1)
}

/// The picture at exactly this size, smaller or larger; both at least 1.
pub(super) fn scale(source: &Picture, width_px: u32, height_px: u32) -> Result<Picture> {
    if (width_px, height_px) == (source.width_px(), source.height_px()) {
        return Ok(source.clone());
    }
    let pixels = match source.pixels() {
        Pixels::U8(values) => Pixels::U8(scale_u8(source, values, width_px, height_px)?),
        Pixels::U16(values) => Pixels::U16(scale_u16(source, values, width_px, height_px)?),
    };
    Ok(picture(width_px, height_px, pixels, source.color.clone()))
}

fn lanczos() -> ResizeOptions {
    ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Lanczos3)).use_alpha(false)
}

fn scale_u8(source: &Picture, values: &[u8], width_px: u32, height_px: u32) -> Result<Vec<u8>> {
    let from = ImageRef::new(source.width_px(), source.height_px(), values, PixelType::U8x3)
        .map_err(mistake)?;
    let mut scaled = Image::new(width_px, height_px, PixelType::U8x3);
    Resizer::new().resize(&from, &mut scaled, &lanczos()).map_err(mistake)?;
    Ok(scaled.into_vec())
}

fn scale_u16(source: &Picture, values: &[u16], width_px: u32, height_px: u32) -> Result<Vec<u16>> {
    let triples: Vec<U16x3> =
        values.as_chunks::<3>().0.iter().map(|&numbers| U16x3::new(numbers)).collect();
    let from =
        TypedImageRef::new(source.width_px(), source.height_px(), &triples).map_err(mistake)?;
    let mut scaled: TypedImage<'_, U16x3> = TypedImage::new(width_px, height_px);
    Resizer::new().resize_typed(&from, &mut scaled, &lanczos()).map_err(mistake)?;
    Ok(scaled.pixels().iter().flat_map(|pixel| pixel.0).collect())
}

fn mistake(error: impl std::fmt::Display) -> Error {
    Error::bug("resizing the picture", error)
}
