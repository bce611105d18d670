//! Frames as still picture files.

use std::io::Cursor;

use image::{DynamicImage, ImageBuffer, ImageError, ImageFormat};
use rushes_media::{Block, Blocks, Error, ErrorKind, Frame, Layout, Result, Values};
use turbojpeg::PixelFormat;

use super::{avif, dpx, embed, jpeg, pnm, rgb};

const WHAT: &str = "encoding the picture";

/// Quality of JPEG when none is asked for.
const JPEG_QUALITY: u8 = 92;

/// A still format that can be written.
#[derive(Debug)]
pub struct StillTarget {
    /// Extensions without the dot, in lower case.
    pub extensions: &'static [&'static str],
    /// What people call it.
    pub words: &'static str,
    /// Bits that its numbers may have; 32 are floats.
    pub bits: &'static [u8],
    /// Whether it can hold opacity.
    pub has_opacity: bool,
    /// The metadata that it can hold.
    pub holds: &'static [Block],
    pub(super) writer: Writer,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Writer {
    Jpeg,
    WebP,
    Avif,
    Dpx,
    Pnm,
    /// The `image` crate's.
    Image(ImageFormat),
    /// The same, of linear light.
    Light(ImageFormat),
}

const OF_JPEG: &[Block] = &[Block::Exif, Block::Xmp, Block::ExtendedXmp, Block::Iptc, Block::Icc];
const OF_TIFF: &[Block] = &[Block::Exif, Block::Xmp, Block::Iptc, Block::Icc];
const OF_OTHERS: &[Block] = &[Block::Exif, Block::Xmp, Block::Icc];

/// Every still format that can be written.
pub const STILL_TARGETS: &[StillTarget] = &[
    target(&["jpg", "jpeg"], "JPEG", &[8], false, OF_JPEG, Writer::Jpeg),
    target(&["png"], "PNG", &[8, 16], true, OF_OTHERS, Writer::Image(ImageFormat::Png)),
    target(&["tif", "tiff"], "TIFF", &[8, 16, 32], true, OF_TIFF, Writer::Image(ImageFormat::Tiff)),
    target(&["webp"], "WebP", &[8], true, OF_OTHERS, Writer::WebP),
    target(&["avif"], "AVIF", &[8, 10], true, OF_OTHERS, Writer::Avif),
    target(&["dpx"], "DPX", &[8, 16], true, &[], Writer::Dpx),
    target(&["exr"], "OpenEXR", &[32], true, &[], Writer::Light(ImageFormat::OpenExr)),
    target(&["hdr"], "Radiance HDR", &[32], false, &[], Writer::Light(ImageFormat::Hdr)),
    target(&["bmp"], "BMP", &[8], true, &[], Writer::Image(ImageFormat::Bmp)),
    target(&["tga"], "TGA", &[8], true, &[], Writer::Image(ImageFormat::Tga)),
    target(&["qoi"], "QOI", &[8], true, &[], Writer::Image(ImageFormat::Qoi)),
    target(&["ppm", "pgm", "pnm"], "PNM", &[8, 16], false, &[], Writer::Pnm),
];

const fn target(
    extensions: &'static [&'static str],
    words: &'static str,
    bits: &'static [u8],
    has_opacity: bool,
    holds: &'static [Block],
    writer: Writer,
) -> StillTarget {
    StillTarget { extensions, words, bits, has_opacity, holds, writer }
}

/// The frame as a file of the format that the extension names.
///
/// Grey, RGB and RGBA stay what they are, except that grey becomes RGB as floats
/// and in WebP, QOI and BMP. Numbers that the format has no room for are rounded: 16 bits to 8,
/// floats to 16 or 8. Floats that are linear light (`frame.color.transfer`)
/// become sRGB where they are rounded; in OpenEXR and Radiance all numbers are
/// linear light, and sRGB is made that. `quality` is 1 to 100, for JPEG (92 when
/// none is given), WebP (lossless when none is given) and AVIF (90 when none is
/// given), which has 8 bits, or 10 of what has more.
///
/// # Errors
/// `Unsupported` when no such format is written, or the frame is PQ or HLG, which
/// is written as none of them; `Invalid` when the frame has opacity and the
/// format has not, is empty, or too large for it.
pub fn encode_still(frame: &Frame, extension: &str, quality: Option<u8>) -> Result<Vec<u8>> {
    encode_still_with(frame, extension, quality, &Blocks::default())
}

/// The frame as [`encode_still`] makes it, with metadata in the file: verbatim,
/// except that TIFF has EXIF's tags among its own, in its own byte order and
/// without the maker's note. What the format cannot hold is left out
/// ([`left_out_of_still`]), and so is a profile of other colours than the frame's.
///
/// # Errors
/// As for [`encode_still`].
pub fn encode_still_with(
    frame: &Frame,
    extension: &str,
    quality: Option<u8>,
    blocks: &Blocks,
) -> Result<Vec<u8>> {
    let target = target_of(extension)?;
    let mut held = blocks.clone();
    for block in Block::ALL {
        if embed::obstacle(target, blocks, block).is_some() {
            *held.place(block) = None;
        }
    }
    // Grey becomes RGB there.
    let is_spread = matches!(target.writer, Writer::WebP) && frame.layout() == Layout::Gray;
    held.place(Block::Icc)
        .take_if(|profile| is_spread || !embed::is_of_layout(profile, frame.layout()));
    let file = encode(frame, target, quality, &held)?;
    embed::embed(file, target, &held, (frame.width_px(), frame.height_px()), frame.layout())
}

/// What of the metadata a file of the format that the extension names does not
/// hold, and why, in words.
///
/// # Errors
/// `Unsupported` when no such format is written.
pub fn left_out_of_still(extension: &str, blocks: &Blocks) -> Result<Vec<String>> {
    let target = target_of(extension)?;
    let mut why: Vec<String> =
        blocks.kinds().filter_map(|block| embed::obstacle(target, blocks, block)).collect();
    let is_moved = matches!(target.writer, Writer::Image(ImageFormat::Tiff));
    if is_moved && blocks.get(Block::Exif).is_some_and(embed::has_maker_note) {
        why.push("the maker's note in EXIF holds only where it lies".to_owned());
    }
    Ok(why)
}

fn encode(
    frame: &Frame,
    target: &StillTarget,
    quality: Option<u8>,
    blocks: &Blocks,
) -> Result<Vec<u8>> {
    let transfer = frame.color.transfer.as_deref();
    if matches!(transfer, Some("smpte2084" | "arib-std-b67")) {
        let why = format!("PQ and HLG are not written as {}", target.words);
        return Err(Error::new(ErrorKind::Unsupported, WHAT, why).remedy("tone-map it first"));
    }
    if frame.values().is_empty() {
        return Err(Error::new(ErrorKind::Invalid, WHAT, "the frame has no pixels"));
    }
    if frame.layout() == Layout::Rgba && !target.has_opacity {
        let why = format!("{} has no opacity, and the frame has", target.words);
        return Err(Error::new(ErrorKind::Invalid, WHAT, why)
            .remedy("make it RGB, or write PNG, WebP or TIFF"));
    }
    match target.writer {
        Writer::Jpeg => {
            let format =
                if frame.layout() == Layout::Gray { PixelFormat::GRAY } else { PixelFormat::RGB };
            let quality = quality.unwrap_or(JPEG_QUALITY);
            let size_px = (frame.width_px(), frame.height_px());
            jpeg::compress(&eight_bits(frame), size_px, format, quality)
        }
        Writer::WebP => match quality {
            None => by_image(&image_of(frame, 8)?, ImageFormat::WebP),
            Some(quality) => {
                let size_px = (frame.width_px(), frame.height_px());
                crate::av::encode_numbers(&eight_bits(frame), size_px, frame.layout(), quality)
            }
        },
        Writer::Avif => avif::encode(frame, quality, blocks),
        Writer::Dpx => match frame.values() {
            Values::U8(values) => dpx::encode(frame, values, 8),
            _ => {
                let numbers = sixteen_bits(frame).into_iter().flat_map(u16::to_be_bytes);
                dpx::encode(frame, &numbers.collect::<Vec<u8>>(), 16)
            }
        },
        Writer::Pnm => Ok(pnm::encode(frame)),
        Writer::Light(format) => by_image(&light_of(frame)?, format),
        Writer::Image(format) => {
            let has_room = |bits: &&u8| **bits >= bits_of(frame);
            let most = target.bits.iter().max();
            let bits = target.bits.iter().filter(has_room).min().or(most);
            let image = image_of(frame, bits.copied().unwrap_or(8))?;
            // It knows no grey.
            let is_grey_qoi = format == ImageFormat::Qoi && frame.layout() == Layout::Gray;
            by_image(&if is_grey_qoi { image.into_rgb8().into() } else { image }, format)
        }
    }
}

/// Whether stills are written with this extension, in lower case.
pub(crate) fn is_target(extension: &str) -> bool {
    STILL_TARGETS.iter().any(|target| target.extensions.contains(&extension))
}

/// What stills of this extension are written as.
pub(crate) fn target_of(extension: &str) -> Result<&'static StillTarget> {
    let extension = extension.to_ascii_lowercase();
    STILL_TARGETS.iter().find(|it| it.extensions.contains(&&*extension)).ok_or_else(|| {
        let why = format!("no picture can be written as {extension:?}");
        let known = STILL_TARGETS.iter().flat_map(|it| it.extensions).copied();
        let remedy = format!("name one of {}", known.collect::<Vec<_>>().join(", "));
        Error::new(ErrorKind::Unsupported, WHAT, why).remedy(remedy)
    })
}

fn bits_of(frame: &Frame) -> u8 {
    match frame.values() {
        Values::U8(_) => 8,
        Values::U16(_) => 16,
        Values::F32(_) => 32,
    }
}

fn is_light(frame: &Frame) -> bool {
    frame.color.transfer.as_deref() == Some("linear")
}

/// Floats as whole numbers up to `top`. Opacity is never light.
fn whole(frame: &Frame, values: &[f32], top: f32) -> impl Iterator<Item = f32> {
    let (light, channels) = (is_light(frame), frame.layout().channels());
    values.iter().enumerate().map(move |(at, &value)| {
        let signal = if light && at % channels < 3 { rgb::signal(value) } else { value };
        // What is not a number is black.
        (signal.clamp(0.0, 1.0) * top + 0.5).floor().max(0.0)
    })
}

pub(crate) fn eight_bits(frame: &Frame) -> Vec<u8> {
    match frame.values() {
        Values::U8(values) => values.clone(),
        Values::U16(values) => values.iter().map(|&value| rgb::to_8_bits(value)).collect(),
        Values::F32(values) => whole(frame, values, 255.0).map(|value| value as u8).collect(),
    }
}

pub(super) fn sixteen_bits(frame: &Frame) -> Vec<u16> {
    match frame.values() {
        Values::U8(values) => values.iter().map(|&value| u16::from(value) * 257).collect(),
        Values::U16(values) => values.clone(),
        Values::F32(values) => whole(frame, values, 65_535.0).map(|value| value as u16).collect(),
    }
}

/// The frame with this many bits a number, as the `image` crate has it.
fn image_of(frame: &Frame, bits: u8) -> Result<DynamicImage> {
    let (width, height) = (frame.width_px(), frame.height_px());
    let image =
        match (bits, frame.layout()) {
            (8, Layout::Gray) => ImageBuffer::from_raw(width, height, eight_bits(frame))
                .map(DynamicImage::ImageLuma8),
            (8, Layout::Rgb) => {
                ImageBuffer::from_raw(width, height, eight_bits(frame)).map(DynamicImage::ImageRgb8)
            }
            (8, Layout::Rgba) => ImageBuffer::from_raw(width, height, eight_bits(frame))
                .map(DynamicImage::ImageRgba8),
            (16, Layout::Gray) => ImageBuffer::from_raw(width, height, sixteen_bits(frame))
                .map(DynamicImage::ImageLuma16),
            (16, Layout::Rgb) => ImageBuffer::from_raw(width, height, sixteen_bits(frame))
                .map(DynamicImage::ImageRgb16),
            (16, Layout::Rgba) => ImageBuffer::from_raw(width, height, sixteen_bits(frame))
                .map(DynamicImage::ImageRgba16),
            _ => match frame.values() {
                Values::F32(values) => floats(frame, values.clone()),
                _ => None,
            },
        };
    image.ok_or_else(|| Error::bug(WHAT, "the numbers do not fit the size"))
}

/// The frame as linear light.
fn light_of(frame: &Frame) -> Result<DynamicImage> {
    let channels = frame.layout().channels();
    let light = |at: usize, signal: f32| {
        if at % channels < 3 { rgb::to_linear(signal) } else { signal }
    };
    let values: Vec<f32> = match frame.values() {
        Values::F32(values) if is_light(frame) => values.clone(),
        Values::F32(values) => values.iter().enumerate().map(|(at, &it)| light(at, it)).collect(),
        Values::U8(values) => {
            values.iter().enumerate().map(|(at, &it)| light(at, f32::from(it) / 255.0)).collect()
        }
        Values::U16(values) => {
            values.iter().enumerate().map(|(at, &it)| light(at, f32::from(it) / 65_535.0)).collect()
        }
    };
    floats(frame, values).ok_or_else(|| Error::bug(WHAT, "the numbers do not fit the size"))
}

/// Floats as the `image` crate has them, which knows none of grey.
fn floats(frame: &Frame, values: Vec<f32>) -> Option<DynamicImage> {
    let (width, height) = (frame.width_px(), frame.height_px());
    match frame.layout() {
        Layout::Rgba => {
            ImageBuffer::from_raw(width, height, values).map(DynamicImage::ImageRgba32F)
        }
        Layout::Rgb => ImageBuffer::from_raw(width, height, values).map(DynamicImage::ImageRgb32F),
        Layout::Gray => {
            let values = values.into_iter().flat_map(|value| [value; 3]).collect();
            ImageBuffer::from_raw(width, height, values).map(DynamicImage::ImageRgb32F)
        }
    }
}

fn by_image(image: &DynamicImage, format: ImageFormat) -> Result<Vec<u8>> {
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, format).map_err(|error| {
        let kind = match error {
            ImageError::Unsupported(_) => ErrorKind::Unsupported,
            _ => ErrorKind::Invalid,
        };
        Error::new(kind, WHAT, error.to_string().to_lowercase())
    })?;
    Ok(bytes.into_inner())
}
