//! The formats that the `image` crate decodes.

use std::io::BufReader;

use image::{DynamicImage, ExtendedColorType, ImageDecoder, ImageError, ImageFormat, ImageReader};
use rushes_media::{
    Color, Error, ErrorKind, Frame, Layout, Picture, Pixels, Probe, Result, Stream, StreamKind,
    Values,
};
use tiff::decoder::{Decoder as TiffDecoder, DecodingResult, Limits as TiffLimits};

use super::srgb::{Depth, Profile};
use super::{floats, icc, note_truncation, probe_of, read, rgb, stated};
use crate::Source;

fn format_of(name: &str) -> Option<ImageFormat> {
    Some(match name {
        "png" => ImageFormat::Png,
        "gif" => ImageFormat::Gif,
        "webp" => ImageFormat::WebP,
        "tiff" => ImageFormat::Tiff,
        "bmp" => ImageFormat::Bmp,
        "hdr" => ImageFormat::Hdr,
        "exr" => ImageFormat::OpenExr,
        "pnm" => ImageFormat::Pnm,
        "qoi" => ImageFormat::Qoi,
        "tga" => ImageFormat::Tga,
        "ico" => ImageFormat::Ico,
        _ => return None,
    })
}

/// A decoder that has read the header, bound by the limits of the source.
fn decoder<'a>(source: &'a Source, format: &str) -> Result<impl ImageDecoder + 'a> {
    let known = format_of(format).ok_or_else(|| Error::bug("choosing a decoder", format))?;
    let mut reader = ImageReader::with_format(BufReader::new(source.reader()), known);
    let mut allowed = image::Limits::no_limits();
    allowed.max_image_width = Some(source.limits().side_px);
    allowed.max_image_height = Some(source.limits().side_px);
    allowed.max_alloc = Some(source.limits().picture_bytes);
    reader.limits(allowed);
    reader.into_decoder().map_err(failed)
}

/// The embedded ICC profile, unpacked, if it can be had.
pub(super) fn icc_profile(source: &Source, format: &str) -> Option<Vec<u8>> {
    decoder(source, format).ok()?.icc_profile().ok()?
}

pub(super) fn probe(source: &Source, head: &[u8], format: &'static str) -> Result<Probe> {
    let found = match format {
        "webp" => webp(source, head),
        "gif" => gif(head),
        "bmp" => bmp(head),
        _ => None,
    };
    let mut found = match found {
        Some(found) => found,
        None => by_decoder(source, format)?,
    };
    if found.width_px == 0 || found.height_px == 0 {
        let why = "it states no width or height";
        return Err(Error::new(ErrorKind::Corrupt, "reading the picture's header", why));
    }
    stated::check(source, (found.width_px, found.height_px), found.least_bytes)?;
    let mut stream = Stream::new(0, StreamKind::Still, format);
    stream.width_px = Some(found.width_px);
    stream.height_px = Some(found.height_px);
    stream.bit_depth = found.depth_bits;
    stream.pixel_format = found.pixel_format.map(Into::into);
    if let Some(name) = found.icc.take().and_then(|profile| icc::description(&profile)) {
        stream.color = Some(Color { icc_profile: Some(name), ..Color::default() });
    }
    let mut probe = probe_of(source, format, stream);
    if found.stated_bytes > source.size_bytes() {
        let (stated, real) = (found.stated_bytes, source.size_bytes());
        note_truncation(&mut probe, &format!("{real} of {stated} bytes are there"));
    }
    Ok(probe)
}

/// What a header says.
#[derive(Default)]
struct Header {
    width_px: u32,
    height_px: u32,
    depth_bits: Option<u32>,
    pixel_format: Option<&'static str>,
    icc: Option<Vec<u8>>,
    /// What the file says its size is; 0 when it does not.
    stated_bytes: u64,
    /// The least that a picture of this size takes; 0 when that is not known.
    least_bytes: u64,
}

/// GIF89a, section 18: the logical screen.
fn gif(head: &[u8]) -> Option<Header> {
    let [w0, w1, h0, h1] = *head.get(6..10)?.first_chunk::<4>()?;
    Some(Header {
        width_px: u32::from(u16::from_le_bytes([w0, w1])),
        height_px: u32::from(u16::from_le_bytes([h0, h1])),
        depth_bits: Some(8),
        pixel_format: Some("pal8"),
        ..Header::default()
    })
}

/// The file header, then a BITMAPCOREHEADER or one of its successors.
fn bmp(head: &[u8]) -> Option<Header> {
    let short = |at: usize| Some(u16::from_le_bytes(*head.get(at..)?.first_chunk::<2>()?));
    let long = |at: usize| Some(u32::from_le_bytes(*head.get(at..)?.first_chunk::<4>()?));
    let is_core = long(14)? == 12;
    let (width_px, height_px, bits) = if is_core {
        (u32::from(short(18)?), u32::from(short(20)?), short(24)?)
    } else {
        // A negative height is a picture stored from the top.
        (long(18)?, long(22)?.cast_signed().unsigned_abs(), short(28)?)
    };
    let compression = if is_core { 0 } else { long(30)? };
    let (depth_bits, pixel_format) = match (bits, compression) {
        (1 | 4 | 8, _) => (8, Some("pal8")),
        (16, 0) => (5, Some("rgb555le")),
        (16, _) => (5, None),
        (24, _) => (8, Some("bgr24")),
        (32, 0) => (8, Some("bgr0")),
        (32, _) => (8, Some("bgra")),
        _ => (8, None),
    };
    // Neither packed (1, 2) nor a JPEG or PNG inside (4, 5).
    let is_plain = matches!(compression, 0 | 3 | 6);
    let rows_bytes = stated::rows_bytes((width_px, height_px), u64::from(bits), 4);
    Some(Header {
        width_px,
        height_px,
        depth_bits: Some(depth_bits),
        pixel_format,
        stated_bytes: if is_plain { rows_bytes.saturating_add(long(10)?.into()) } else { 0 },
        least_bytes: if is_plain { rows_bytes } else { 0 },
        ..Header::default()
    })
}

/// The RIFF container of WebP (RFC 9649, section 2): the picture's chunk, or
/// the canvas of an extended file.
fn webp(source: &Source, head: &[u8]) -> Option<Header> {
    let riff_bytes = u32::from_le_bytes(*head.get(4..8)?.first_chunk::<4>()?);
    let kind = head.get(12..16)?;
    let start = head.get(20..30)?.first_chunk::<10>()?;
    let mut found = Header {
        depth_bits: Some(8),
        stated_bytes: u64::from(riff_bytes) + 8,
        ..Header::default()
    };
    match kind {
        b"VP8 " => {
            let side = |low: u8, high: u8| u32::from(u16::from_le_bytes([low, high]) & 0x3fff);
            found.width_px = side(start[6], start[7]);
            found.height_px = side(start[8], start[9]);
            found.pixel_format = Some("yuv420p");
        }
        b"VP8L" => {
            let bits = u32::from_le_bytes([start[1], start[2], start[3], start[4]]);
            found.width_px = (bits & 0x3fff) + 1;
            found.height_px = (bits >> 14 & 0x3fff) + 1;
            found.pixel_format = Some("argb");
        }
        b"VP8X" => {
            let side = |a: u8, b: u8, c: u8| u32::from_le_bytes([a, b, c, 0]) + 1;
            found.width_px = side(start[4], start[5], start[6]);
            found.height_px = side(start[7], start[8], start[9]);
            webp_extended(source, &mut found, start[0]);
        }
        _ => return None,
    }
    Some(found)
}

/// The chunks of an extended WebP: which codec, and the profile.
fn webp_extended(source: &Source, found: &mut Header, flags: u8) {
    let mut at = 12;
    for _ in 0..64 {
        let Some([k0, k1, k2, k3, length @ ..]) = read::exactly::<8>(source, at) else { return };
        let length = u64::from(u32::from_le_bytes(length));
        match &[k0, k1, k2, k3] {
            b"ICCP" if length <= source.limits().tag_bytes => {
                found.icc = read::range(source, at + 8, length).ok();
            }
            b"VP8 " => {
                let has_alpha = flags & 0x10 != 0;
                found.pixel_format = Some(if has_alpha { "yuva420p" } else { "yuv420p" });
                return;
            }
            b"VP8L" => {
                found.pixel_format = Some("argb");
                return;
            }
            _ => {}
        }
        at += 8 + length + length % 2;
    }
}

fn by_decoder(source: &Source, format: &str) -> Result<Header> {
    let mut decoder = decoder(source, format)?;
    let (width_px, height_px) = decoder.dimensions();
    let (depth_bits, pixel_format) = layout(decoder.original_color_type(), format);
    Ok(Header {
        width_px,
        height_px,
        depth_bits,
        pixel_format,
        icc: decoder.icc_profile().ok().flatten(),
        stated_bytes: 0,
        least_bytes: least_bytes(format, (width_px, height_px), decoder.original_color_type()),
    })
}

/// The least bytes that a picture takes; 0 for formats in which one flat colour
/// takes next to nothing, however large it is.
fn least_bytes(format: &str, size_px: (u32, u32), color: ExtendedColorType) -> u64 {
    match format {
        // Packed or not, a text has at least a letter and a bitmap a bit for a pixel.
        "pnm" if color == ExtendedColorType::L1 => stated::rows_bytes(size_px, 1, 1),
        "pnm" => stated::pixels(size_px),
        // Runs of 128 and of 62 pixels.
        "tga" => stated::pixels(size_px) / 128,
        "qoi" => stated::pixels(size_px) / 62,
        _ => 0,
    }
}

/// Bits of one component, and FFmpeg's name for the layout.
fn layout(color: ExtendedColorType, format: &str) -> (Option<u32>, Option<&'static str>) {
    use ExtendedColorType as Kind;
    match (color, format) {
        (Kind::L1, _) => (Some(1), Some("monob")),
        (Kind::L8, _) => (Some(8), Some("gray")),
        (Kind::L16, _) => (Some(16), Some("gray16be")),
        (Kind::La8, _) => (Some(8), Some("ya8")),
        (Kind::Rgb8, "tga") | (Kind::Bgr8, _) => (Some(8), Some("bgr24")),
        // Radiance's shared exponent; the decoder gives floats.
        (Kind::Rgb8 | Kind::Rgb32F, "hdr" | "exr") => (Some(32), Some("gbrpf32le")),
        (Kind::Rgb8, _) => (Some(8), Some("rgb24")),
        (Kind::Rgb16, _) => (Some(16), Some("rgb48be")),
        (Kind::Rgba8, "tga" | "ico") | (Kind::Bgra8, _) => (Some(8), Some("bgra")),
        (Kind::Rgba8, _) => (Some(8), Some("rgba")),
        (Kind::Rgba16, _) => (Some(16), Some("rgba64be")),
        (Kind::Rgba32F, _) => (Some(32), Some("gbrapf32le")),
        _ => (None, None),
    }
}

/// What a picture's numbers mean.
pub(super) enum Meaning {
    /// What its ICC profile says, else sRGB.
    Embedded,
    /// This, whatever profile there is; sRGB when it is none.
    Said(Option<Profile>),
    /// PQ or HLG.
    Hdr(Color),
}

/// The picture as RGB: sRGB but for PQ and HLG, of which 16 bits stay 16.
pub(super) fn decode(source: &Source, format: &str, meaning: Meaning) -> Result<Picture> {
    if format == "tiff"
        && let Some(frame) = floats::frame(source)
    {
        return floats::shown(&frame?);
    }
    let Opened { decoded, profile, hdr } = match open(source, format, meaning)? {
        Found::Rgb(size_px, values) => {
            return Picture::new(size_px.0, size_px.1, Pixels::U8(values), Color::default());
        }
        Found::Decoded(opened) => opened,
    };
    match (hdr, decoded) {
        (Some(color), DynamicImage::ImageRgb16(values)) => {
            Picture::new(values.width(), values.height(), Pixels::U16(values.into_raw()), color)
        }
        // 8-bit PQ stays what it is, and says so.
        (hdr, decoded) => {
            let (width_px, height_px) = (decoded.width(), decoded.height());
            let values = rgb_of(decoded, profile.as_ref());
            Picture::new(width_px, height_px, Pixels::U8(values), hdr.unwrap_or_default())
        }
    }
}

/// The picture with all that is stored: grey stays grey, 16 bits and floats
/// stay, and so does opacity. sRGB but for PQ, HLG and floats, which are
/// linear light and say so.
pub(super) fn frame(source: &Source, format: &str, meaning: Meaning) -> Result<Frame> {
    if format == "tiff"
        && let Some(frame) = floats::frame(source)
    {
        return frame;
    }
    let Opened { decoded, profile, hdr } = match open(source, format, meaning)? {
        Found::Rgb(size_px, values) => {
            return Frame::new(size_px.0, size_px.1, Layout::Rgb, Values::U8(values));
        }
        Found::Decoded(opened) => opened,
    };
    let (width_px, height_px) = (decoded.width(), decoded.height());
    let profile = profile.as_ref();
    let mut color = hdr.unwrap_or_default();
    let (layout, values) = match decoded {
        DynamicImage::ImageLuma8(values) => {
            (Layout::Gray, Values::U8(greys(values.into_raw(), 1, profile)))
        }
        DynamicImage::ImageLumaA8(values) => {
            (Layout::Rgba, Values::U8(spread(&greys(values.into_raw(), 2, profile))))
        }
        DynamicImage::ImageRgb8(values) => {
            (Layout::Rgb, Values::U8(colours(values.into_raw(), false, profile)))
        }
        DynamicImage::ImageRgba8(values) => {
            (Layout::Rgba, Values::U8(colours(values.into_raw(), true, profile)))
        }
        DynamicImage::ImageLuma16(values) => {
            (Layout::Gray, Values::U16(greys(values.into_raw(), 1, profile)))
        }
        DynamicImage::ImageLumaA16(values) => {
            (Layout::Rgba, Values::U16(spread(&greys(values.into_raw(), 2, profile))))
        }
        DynamicImage::ImageRgb16(values) => {
            (Layout::Rgb, Values::U16(colours(values.into_raw(), false, profile)))
        }
        DynamicImage::ImageRgba16(values) => {
            (Layout::Rgba, Values::U16(colours(values.into_raw(), true, profile)))
        }
        DynamicImage::ImageRgb32F(values) => {
            color.transfer = Some("linear".into());
            (Layout::Rgb, Values::F32(values.into_raw()))
        }
        DynamicImage::ImageRgba32F(values) => {
            color.transfer = Some("linear".into());
            (Layout::Rgba, Values::F32(values.into_raw()))
        }
        other => (Layout::Rgba, Values::U8(other.into_rgba8().into_raw())),
    };
    let mut frame = Frame::new(width_px, height_px, layout, values)?;
    frame.color = color;
    Ok(frame)
}

/// Greys with their opacity as RGBA.
pub(super) fn spread<T: Copy>(values: &[T]) -> Vec<T> {
    let pairs = values.as_chunks::<2>().0.iter();
    pairs.flat_map(|&[value, alpha]| [value, value, value, alpha]).collect()
}

/// A decoded picture, and what its numbers mean.
struct Opened {
    decoded: DynamicImage,
    profile: Option<Profile>,
    hdr: Option<Color>,
}

enum Found {
    Decoded(Opened),
    /// Width, height and sRGB, made of inks by their profile.
    Rgb((u32, u32), Vec<u8>),
}

fn open(source: &Source, format: &str, meaning: Meaning) -> Result<Found> {
    let mut decoder = decoder(source, format)?;
    let (width_px, height_px) = decoder.dimensions();
    let pixel_bytes = u64::from(decoder.color_type().bytes_per_pixel()).max(3);
    source.limits().check_picture(u64::from(width_px), u64::from(height_px), pixel_bytes)?;
    let (profile, hdr) = match meaning {
        Meaning::Embedded => (embedded_profile(&mut decoder), None),
        Meaning::Said(said) => (said, None),
        Meaning::Hdr(color) => {
            (None, Some(Color { matrix: None, range: Some("pc".into()), ..color }))
        }
    };
    if let Some(profile) = &profile
        && is_cmyk(decoder.original_color_type())
        && let Some(inks) = inks(source)
        && let Some(values) = profile.rgb_of_cmyk(&inks)
    {
        return Ok(Found::Rgb((width_px, height_px), values));
    }
    let decoded = DynamicImage::from_decoder(decoder).map_err(failed)?;
    Ok(Found::Decoded(Opened { decoded, profile, hdr }))
}

fn embedded_profile(decoder: &mut impl ImageDecoder) -> Option<Profile> {
    Profile::from_icc(&decoder.icc_profile().ok()??)
}

fn is_cmyk(color: ExtendedColorType) -> bool {
    matches!(color, ExtendedColorType::Cmyk8 | ExtendedColorType::Cmyk16)
}

/// The inks of a CMYK TIFF, 8 bits each, which the `image` crate gives as RGB
/// without asking the profile; `None` when they cannot be had pixel by pixel.
fn inks(source: &Source) -> Option<Vec<u8>> {
    let mut decoder = TiffDecoder::new(BufReader::new(source.reader())).ok()?;
    let (width_px, height_px) = decoder.dimensions().ok()?;
    let (width, height) = (u64::from(width_px), u64::from(height_px));
    source.limits().check_picture(width, height, 8).ok()?;
    let most = usize::try_from(source.limits().picture_bytes).unwrap_or(usize::MAX);
    let mut allowed = TiffLimits::default();
    (allowed.decoding_buffer_size, allowed.intermediate_buffer_size) = (most, most);
    let inks = match decoder.with_limits(allowed).read_image().ok()? {
        DecodingResult::U8(inks) => inks,
        DecodingResult::U16(inks) => inks.into_iter().map(rgb::to_8_bits).collect(),
        _ => return None,
    };
    Some(inks).filter(|inks| inks.len() as u64 == width * height * 4)
}

/// The picture as 8-bit RGB, sRGB by this profile.
fn rgb_of(decoded: DynamicImage, profile: Option<&Profile>) -> Vec<u8> {
    let grey = |value: u8| [value; 3];
    match decoded {
        DynamicImage::ImageLuma8(values) => {
            let values = greys(values.into_raw(), 1, profile);
            values.into_iter().flat_map(grey).collect()
        }
        DynamicImage::ImageLumaA8(values) => {
            let values = greys(values.into_raw(), 2, profile);
            let pairs = values.as_chunks::<2>().0.iter();
            pairs.flat_map(|&[value, alpha]| grey(rgb::over_grey(value, alpha))).collect()
        }
        DynamicImage::ImageRgb8(values) => colours(values.into_raw(), false, profile),
        DynamicImage::ImageRgba8(values) => {
            rgb::from_rgba(&colours(values.into_raw(), true, profile))
        }
        DynamicImage::ImageLuma16(values) => {
            let values = greys(values.into_raw(), 1, profile);
            values.into_iter().flat_map(|value| grey(rgb::to_8_bits(value))).collect()
        }
        DynamicImage::ImageLumaA16(values) => {
            let values = greys(values.into_raw(), 2, profile);
            let pairs = values.as_chunks::<2>().0.iter();
            pairs
                .map(|pair| pair.map(rgb::to_8_bits))
                .flat_map(|[value, alpha]| grey(rgb::over_grey(value, alpha)))
                .collect()
        }
        DynamicImage::ImageRgb16(values) => {
            let values = colours(values.into_raw(), false, profile);
            values.into_iter().map(rgb::to_8_bits).collect()
        }
        DynamicImage::ImageRgba16(values) => {
            let values = colours(values.into_raw(), true, profile);
            let pixels = values.as_chunks::<4>().0.iter();
            pixels.flat_map(|pixel| rgb::from_rgba(&pixel.map(rgb::to_8_bits))).collect()
        }
        DynamicImage::ImageRgb32F(values) => {
            values.as_raw().iter().map(|&light| rgb::from_linear(light)).collect()
        }
        DynamicImage::ImageRgba32F(values) => {
            let pixels = values.as_raw().as_chunks::<4>().0.iter();
            pixels
                .flat_map(|&[red, green, blue, alpha]| {
                    rgb::over_grey_linear([red, green, blue], alpha)
                })
                .collect()
        }
        other => other.into_rgb8().into_raw(),
    }
}

/// Greys, each followed by its alpha when there are two `channels`.
pub(super) fn greys<T: Depth>(
    mut values: Vec<T>,
    channels: usize,
    profile: Option<&Profile>,
) -> Vec<T> {
    if let Some(greys) = profile.and_then(Profile::grey::<T>) {
        for value in values.iter_mut().step_by(channels) {
            let level: u32 = (*value).into();
            *value = greys.get(level as usize).copied().unwrap_or(*value);
        }
    }
    values
}

/// RGB, or RGB with alpha.
pub(super) fn colours<T: Depth>(
    mut values: Vec<T>,
    has_alpha: bool,
    profile: Option<&Profile>,
) -> Vec<T> {
    if let Some(mut conversion) = profile.and_then(|profile| profile.rgb(has_alpha)) {
        conversion.apply(&mut values);
    }
    values
}

fn failed(error: ImageError) -> Error {
    const WHAT: &str = "decoding the picture";
    let kind = match error {
        ImageError::IoError(error) => return Error::io(WHAT, &error),
        ImageError::Limits(_) => ErrorKind::Limit,
        ImageError::Unsupported(_) => ErrorKind::Unsupported,
        _ => ErrorKind::Corrupt,
    };
    Error::new(kind, WHAT, error.to_string().to_lowercase())
}
