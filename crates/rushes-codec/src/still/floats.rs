//! TIFF of floats (Adobe Photoshop TIFF Technical Note 3), of which the `image`
//! crate knows RGB of 32 bits alone.

use std::io::{BufReader, Read, Seek};

use rushes_media::{Color, Error, ErrorKind, Frame, Layout, Picture, Pixels, Result, Values};
use tiff::decoder::{Decoder, DecodingResult, Limits};
use tiff::tags::{PlanarConfiguration, SampleFormat, Tag};
use tiff::{ColorType, TiffError};

use super::rgb;
use crate::Source;

const WHAT: &str = "decoding the TIFF";

/// The picture as linear light in floats of 32 bits; `None` when its numbers are
/// others.
pub(super) fn frame(source: &Source) -> Option<Result<Frame>> {
    let mut decoder = Decoder::new(BufReader::new(source.reader())).ok()?;
    let color = decoder.colortype().ok()?;
    let (channels, bits) = match color {
        ColorType::Gray(bits) => (1, bits),
        ColorType::RGB(bits) => (3, bits),
        ColorType::RGBA(bits) => (4, bits),
        _ => return None,
    };
    (matches!(bits, 32 | 64) && is_float(&mut decoder)).then(|| read(source, decoder, channels))
}

fn is_float(decoder: &mut Decoder<impl Read + Seek>) -> bool {
    let float = SampleFormat::IEEEFP.to_u16();
    let formats = decoder.find_tag_unsigned_vec::<u16>(Tag::SampleFormat);
    formats.ok().flatten().is_some_and(|formats| formats.iter().all(|&format| format == float))
}

fn read(source: &Source, mut decoder: Decoder<impl Read + Seek>, channels: usize) -> Result<Frame> {
    let (width_px, height_px) = decoder.dimensions().map_err(failed)?;
    let (width, height) = (u64::from(width_px), u64::from(height_px));
    source.limits().check_picture(width, height, channels as u64 * 8)?;
    let planar = decoder.find_tag_unsigned::<u16>(Tag::PlanarConfiguration).map_err(failed)?;
    let is_planar = planar == Some(PlanarConfiguration::Planar.to_u16());
    let most = usize::try_from(source.limits().picture_bytes).unwrap_or(usize::MAX);
    let mut allowed = Limits::default();
    (allowed.decoding_buffer_size, allowed.intermediate_buffer_size) = (most, most);
    let mut read = DecodingResult::F32(Vec::new());
    decoder = decoder.with_limits(allowed);
    decoder.read_image_to_buffer(&mut read).map_err(failed)?;
    let values: Vec<f32> = match read {
        DecodingResult::F32(values) => values,
        DecodingResult::F64(values) => values.into_iter().map(|value| value as f32).collect(),
        _ => return Err(Error::bug(WHAT, "its floats are none")),
    };
    if values.len() as u64 != width * height * channels as u64 {
        return Err(Error::new(ErrorKind::Corrupt, WHAT, "planes of it are missing"));
    }
    let values = if is_planar { interleaved(&values, channels) } else { values };
    let (layout, values) = match channels {
        1 => (Layout::Gray, values),
        3 => (Layout::Rgb, values),
        _ => (Layout::Rgba, values),
    };
    let mut frame = Frame::new(width_px, height_px, layout, Values::F32(values))?;
    frame.color.transfer = Some("linear".into());
    Ok(frame)
}

/// Planes that lie one behind the other, pixel by pixel.
fn interleaved(planes: &[f32], channels: usize) -> Vec<f32> {
    let plane = planes.len() / channels;
    let pixel = |at: usize| planes.iter().skip(at).step_by(plane.max(1)).copied();
    (0..plane).flat_map(pixel).collect()
}

/// A frame of floats as 8-bit RGB, sRGB; what is transparent lies on mid grey.
pub(super) fn shown(frame: &Frame) -> Result<Picture> {
    let Values::F32(values) = frame.values() else {
        return Err(Error::bug(WHAT, "its floats are none"));
    };
    let pixel = |pixel: &[f32]| match *pixel {
        [grey] => [rgb::from_linear(grey); 3],
        [red, green, blue] => [red, green, blue].map(rgb::from_linear),
        [red, green, blue, alpha] => rgb::over_grey_linear([red, green, blue], alpha),
        _ => [0; 3],
    };
    let shown = values.chunks_exact(frame.layout().channels()).flat_map(pixel).collect();
    Picture::new(frame.width_px(), frame.height_px(), Pixels::U8(shown), Color::default())
}

fn failed(error: TiffError) -> Error {
    let kind = match error {
        TiffError::IoError(error) => return Error::io(WHAT, &error),
        TiffError::LimitsExceeded => ErrorKind::Limit,
        TiffError::UnsupportedError(_) => ErrorKind::Unsupported,
        _ => ErrorKind::Corrupt,
    };
    Error::new(kind, WHAT, error.to_string().to_lowercase())
}
