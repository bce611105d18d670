//! HEIC and AVIF (ISO/IEC 23008-12) through libheif.

use std::io::{Read, Seek, SeekFrom};

use libheif_rs::{
    AuxiliaryImagesFilter, ColorProfileNCLX, ColorSpace, DecodingOptions, HeifContext, HeifError,
    HeifErrorCode, HeifErrorSubCode, ImageHandle, LibHeif, Reader, ReaderGrowStatus, RgbChroma,
};
use rushes_media::{
    Color, Error, ErrorKind, Frame, Layout, Limits, Picture, Pixels, Probe, Result, Stream,
    StreamKind, Values,
};

use super::srgb::{Depth, Profile};
use super::{boxes, icc, note_truncation, probe_of, rgb};
use crate::{Source, SourceReader};

const DECODING: &str = "decoding the HEIF picture";

/// How far the aspect of a thumbnail may be from its picture's.
const ASPECT_TOLERANCE: f64 = 0.02;

pub(super) fn probe(source: &Source, head: &[u8], format: &'static str) -> Result<Probe> {
    let _library = LibHeif::new();
    let context = open(source)?;
    let handle = context.primary_image_handle().map_err(failed)?;
    let mut stream = Stream::new(0, StreamKind::Still, codec(head, format));
    // libheif gives the size after irot, imir and clap: what decoding gives.
    stream.width_px = Some(handle.width());
    stream.height_px = Some(handle.height());
    let depth = handle.luma_bits_per_pixel();
    if depth != u8::MAX {
        stream.bit_depth = Some(u32::from(depth));
        stream.pixel_format = pixel_format(&handle, depth);
    }
    let mut color = handle.color_profile_nclx().map(|nclx| color_of_nclx(&nclx));
    if let Some(name) =
        handle.color_profile_raw().and_then(|profile| icc::description(&profile.data))
    {
        color.get_or_insert_default().icc_profile = Some(name);
    }
    if has_gain_map(&handle, head) {
        color.get_or_insert_default().hdr.get_or_insert_with(|| "gain map".into());
    }
    stream.color = color;
    let mut probe = probe_of(source, format, stream);
    if let Some(name) = boxes::cut_off(source) {
        note_truncation(&mut probe, &format!("within its box '{name}'"));
    }
    Ok(probe)
}

/// A context that knows the limits before it reads the first byte.
fn open(source: &Source) -> Result<HeifContext<'_>> {
    let mut context = HeifContext::new().map_err(failed)?;
    let limits = source.limits();
    let mut allowed = context.security_limits();
    allowed.set_max_image_size_pixels(limits.pixels);
    allowed.set_max_color_profile_size(u32::try_from(limits.tag_bytes).unwrap_or(u32::MAX));
    allowed.set_max_memory_block_size(limits.picture_bytes);
    context.set_security_limits(&allowed).map_err(failed)?;
    // 0 is: on the thread that calls.
    context.set_max_decoding_threads(0);
    let reader = Positioned { reader: source.reader(), size_bytes: source.size_bytes() };
    context.read_reader(Box::new(reader)).map_err(failed)?;
    Ok(context)
}

/// A source as libheif reads it.
struct Positioned<'a> {
    reader: SourceReader<'a>,
    size_bytes: u64,
}

impl Reader for Positioned<'_> {
    fn position(&mut self) -> u64 {
        self.reader.stream_position().unwrap_or(self.size_bytes)
    }

    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.reader.read_exact(buffer).map(|()| buffer.len())
    }

    fn read_exact(&mut self, buffer: &mut [u8]) -> std::io::Result<()> {
        self.reader.read_exact(buffer)
    }

    fn seek(&mut self, position: u64) -> std::io::Result<u64> {
        self.reader.seek(SeekFrom::Start(position))
    }

    fn wait_for_file_size(&mut self, target_size: u64) -> ReaderGrowStatus {
        if target_size > self.size_bytes {
            ReaderGrowStatus::SizeBeyondEof
        } else {
            ReaderGrowStatus::SizeReached
        }
    }
}

/// The codec by the configuration property that stands near the file's start;
/// brands are often the common ones only.
fn codec(head: &[u8], format: &str) -> &'static str {
    let holds = |name: &[u8; 4]| head.windows(4).any(|window| window == name);
    for (property, codec) in [
        (b"hvcC", "hevc"),
        (b"av1C", "av1"),
        (b"avcC", "h264"),
        (b"vvcC", "vvc"),
        (b"j2kH", "jpeg2000"),
    ] {
        if holds(property) {
            return codec;
        }
    }
    if format == "avif" { "av1" } else { "hevc" }
}

fn pixel_format(handle: &ImageHandle, depth: u8) -> Option<String> {
    use libheif_rs::Chroma::{C420, C422, C444};
    let base = match handle.preferred_decoding_colorspace().ok()? {
        ColorSpace::YCbCr(C420) => "yuv420p",
        ColorSpace::YCbCr(C422) => "yuv422p",
        ColorSpace::YCbCr(C444) => "yuv444p",
        ColorSpace::Monochrome => "gray",
        ColorSpace::Rgb(_) => "gbrp",
        _ => return None,
    };
    Some(if depth > 8 { format!("{base}{depth}le") } else { base.into() })
}

fn color_of_nclx(nclx: &ColorProfileNCLX) -> Color {
    color_of(
        nclx.color_primaries() as u16,
        nclx.transfer_characteristics() as u16,
        nclx.matrix_coefficients() as u16,
        nclx.full_range_flag() != 0,
    )
}

/// The colour for code points of ITU-T H.273, by FFmpeg's names.
pub(super) fn color_of(primaries: u16, transfer: u16, matrix: u16, full_range: bool) -> Color {
    let name = |text: Option<&str>| text.map(String::from);
    Color {
        primaries: name(match primaries {
            1 => Some("bt709"),
            4 => Some("bt470m"),
            5 => Some("bt470bg"),
            6 => Some("smpte170m"),
            7 => Some("smpte240m"),
            8 => Some("film"),
            9 => Some("bt2020"),
            10 => Some("smpte428"),
            11 => Some("smpte431"),
            12 => Some("smpte432"),
            22 => Some("ebu3213"),
            _ => None,
        }),
        transfer: name(match transfer {
            1 => Some("bt709"),
            4 => Some("bt470m"),
            5 => Some("bt470bg"),
            6 => Some("smpte170m"),
            7 => Some("smpte240m"),
            8 => Some("linear"),
            9 => Some("log100"),
            10 => Some("log316"),
            11 => Some("iec61966-2-4"),
            12 => Some("bt1361e"),
            13 => Some("iec61966-2-1"),
            14 => Some("bt2020-10"),
            15 => Some("bt2020-12"),
            16 => Some("smpte2084"),
            17 => Some("smpte428"),
            18 => Some("arib-std-b67"),
            _ => None,
        }),
        matrix: name(match matrix {
            0 => Some("gbr"),
            1 => Some("bt709"),
            4 => Some("fcc"),
            5 => Some("bt470bg"),
            6 => Some("smpte170m"),
            7 => Some("smpte240m"),
            8 => Some("ycgco"),
            9 => Some("bt2020nc"),
            10 => Some("bt2020c"),
            11 => Some("smpte2085"),
            12 => Some("chroma-derived-nc"),
            13 => Some("chroma-derived-c"),
            14 => Some("ictcp"),
            _ => None,
        }),
        range: Some(if full_range { "pc" } else { "tv" }.into()),
        hdr: name(match transfer {
            16 => Some("PQ"),
            18 => Some("HLG"),
            _ => None,
        }),
        icc_profile: None,
    }
}

/// Apple's gain map is an auxiliary picture; that of ISO 21496-1 a derived
/// one, which its brand announces.
fn has_gain_map(handle: &ImageHandle, head: &[u8]) -> bool {
    let filter = AuxiliaryImagesFilter::new().omit_alpha().omit_depth();
    let is_gain_map = |auxiliary: &ImageHandle| {
        auxiliary.auxiliary_type().is_ok_and(|kind| kind.to_lowercase().contains("hdrgainmap"))
    };
    let brands = head.get(8..64.min(head.len())).unwrap_or_default().as_chunks::<4>().0;
    brands.contains(b"tmap") || handle.auxiliary_images(filter).iter().any(is_gain_map)
}

pub(super) fn decode(source: &Source, target_px: u32) -> Result<Picture> {
    let library = LibHeif::new();
    let context = open(source)?;
    let primary = context.primary_image_handle().map_err(failed)?;
    let color = primary.color_profile_nclx().map(|nclx| color_of_nclx(&nclx));
    let hdr_color = color.filter(|color| color.hdr.is_some());
    // A thumbnail inside the file is 8-bit and has no colour of its own.
    let thumbnail =
        if hdr_color.is_none() { large_enough_thumbnail(&primary, target_px) } else { None };
    // A thumbnail that says nothing of colours has its picture's.
    let says_colours = |handle: &&ImageHandle| {
        handle.color_profile_raw().is_some() || handle.color_profile_nclx().is_some()
    };
    let profile = profile_of(thumbnail.as_ref().filter(says_colours).unwrap_or(&primary));
    let handle = thumbnail.unwrap_or(primary);
    let read = read(&library, &handle, hdr_color.is_some(), source.limits())?;
    let (width_px, height_px) = read.size_px;
    let (pixels, color) = match read.values {
        Values::U16(values) => {
            let values = if read.has_alpha { colours_of(&values) } else { values };
            (Pixels::U16(values), hdr_color.map(full_range).unwrap_or_default())
        }
        Values::U8(mut values) => {
            convert(&mut values, profile.as_ref(), read.has_alpha);
            let values = if read.has_alpha { rgb::from_rgba(&values) } else { values };
            (Pixels::U8(values), Color::default())
        }
        Values::F32(_) => return Err(Error::bug(DECODING, "libheif gave floats")),
    };
    Picture::new(width_px, height_px, pixels, color)
}

/// The picture with all that is stored: opacity stays, 9 to 16 bits are
/// stretched to 16. sRGB but for PQ and HLG, or as it is stored.
pub(super) fn frame(source: &Source, is_stored: bool) -> Result<Frame> {
    let library = LibHeif::new();
    let context = open(source)?;
    let handle = context.primary_image_handle().map_err(failed)?;
    let color = handle.color_profile_nclx().map(|nclx| color_of_nclx(&nclx));
    let hdr_color = color.filter(|color| color.hdr.is_some());
    let is_deep = matches!(handle.luma_bits_per_pixel(), 9..=16);
    let mut read = read(&library, &handle, is_deep, source.limits())?;
    let profile = if is_stored || hdr_color.is_some() { None } else { profile_of(&handle) };
    match &mut read.values {
        Values::U8(values) => convert(values, profile.as_ref(), read.has_alpha),
        Values::U16(values) => convert(values, profile.as_ref(), read.has_alpha),
        Values::F32(_) => {}
    }
    let is_grey = matches!(handle.preferred_decoding_colorspace(), Ok(ColorSpace::Monochrome));
    let (layout, values) = match (is_grey, read.has_alpha, read.values) {
        (true, false, Values::U8(values)) => {
            (Layout::Gray, Values::U8(values.into_iter().step_by(3).collect()))
        }
        (true, false, Values::U16(values)) => {
            (Layout::Gray, Values::U16(values.into_iter().step_by(3).collect()))
        }
        (_, true, values) => (Layout::Rgba, values),
        (_, false, values) => (Layout::Rgb, values),
    };
    let mut frame = Frame::new(read.size_px.0, read.size_px.1, layout, values)?;
    frame.color = hdr_color.map(full_range).unwrap_or_default();
    Ok(frame)
}

/// The ICC profile of a picture that is not PQ or HLG.
pub(super) fn icc_profile(source: &Source) -> Option<Vec<u8>> {
    let _library = LibHeif::new();
    let context = open(source).ok()?;
    let handle = context.primary_image_handle().ok()?;
    let color = handle.color_profile_nclx().map(|nclx| color_of_nclx(&nclx));
    if color.is_some_and(|color| color.hdr.is_some()) {
        return None;
    }
    Some(handle.color_profile_raw()?.data)
}

/// Numbers in full range, in RGB.
fn full_range(color: Color) -> Color {
    Color { matrix: None, range: Some("pc".into()), ..color }
}

/// Colours without their opacity.
pub(super) fn colours_of(values: &[u16]) -> Vec<u16> {
    let pixels = values.as_chunks::<4>().0.iter();
    pixels.flat_map(|&[red, green, blue, _]| [red, green, blue]).collect()
}

fn convert<T: Depth>(values: &mut [T], profile: Option<&Profile>, has_alpha: bool) {
    if let Some(mut conversion) = profile.and_then(|profile| profile.rgb(has_alpha)) {
        conversion.apply(values);
    }
}

/// What the numbers mean. A picture may have both an ICC profile and code
/// points; the profile says more.
fn profile_of(handle: &ImageHandle) -> Option<Profile> {
    if let Some(embedded) = handle.color_profile_raw() {
        return Profile::from_icc(&embedded.data);
    }
    let nclx = handle.color_profile_nclx()?;
    Profile::from_code_points(nclx.color_primaries() as u16, nclx.transfer_characteristics() as u16)
}

/// The smallest thumbnail that is large enough and shows the same frame.
fn large_enough_thumbnail(primary: &ImageHandle, target_px: u32) -> Option<ImageHandle> {
    let mut ids = vec![0; primary.number_of_thumbnails().min(16)];
    let count = primary.thumbnail_ids(&mut ids);
    let aspect = |handle: &ImageHandle| f64::from(handle.width()) / f64::from(handle.height());
    let fits = |handle: &ImageHandle| {
        handle.width() > 0
            && handle.height() > 0
            && handle.width().max(handle.height()) >= target_px
            && (aspect(handle) / aspect(primary) - 1.0).abs() <= ASPECT_TOLERANCE
    };
    ids.iter()
        .take(count)
        .filter_map(|&id| primary.thumbnail(id).ok())
        .filter(fits)
        .min_by_key(|handle| handle.width().max(handle.height()))
}

/// What libheif decoded: RGB or RGBA, one after the other.
struct Decoded {
    size_px: (u32, u32),
    has_alpha: bool,
    values: Values,
}

/// The pixels, with 16 bits when `is_deep`, else with 8.
fn read(
    library: &LibHeif,
    handle: &ImageHandle,
    is_deep: bool,
    limits: &Limits,
) -> Result<Decoded> {
    let has_alpha = handle.has_alpha_channel();
    let (chroma, pixel_bytes) = match (is_deep, has_alpha) {
        (false, false) => (RgbChroma::Rgb, 3),
        (false, true) => (RgbChroma::Rgba, 4),
        (true, false) => (RgbChroma::HdrRgbLe, 6),
        (true, true) => (RgbChroma::HdrRgbaLe, 8),
    };
    limits.check_picture(u64::from(handle.width()), u64::from(handle.height()), pixel_bytes)?;
    let mut options = DecodingOptions::new()
        .ok_or_else(|| Error::new(ErrorKind::Limit, DECODING, "there is no memory left"))?;
    options.set_convert_hdr_to_8bit(!is_deep);
    options.set_output_image_nclx_profile_passthrough(is_deep);
    options.set_num_codec_threads(1);
    let decoded = library.decode(handle, ColorSpace::Rgb(chroma), Some(options)).map_err(failed)?;
    let plane = decoded
        .planes()
        .interleaved
        .ok_or_else(|| Error::bug(DECODING, "libheif gave planes instead of pixels"))?;
    let (width_px, height_px) = (plane.width, plane.height);
    // The bitstream may hold another size than the file stated.
    limits.check_picture(u64::from(width_px), u64::from(height_px), pixel_bytes)?;
    let row_bytes = width_px as usize * pixel_bytes as usize;
    let rows = plane
        .data
        .chunks(plane.stride.max(1))
        .take(height_px as usize)
        .filter_map(|row| row.get(..row_bytes));
    let values = if is_deep {
        let depth = u32::from(plane.bits_per_pixel).clamp(8, 16);
        let white = (1_u32 << depth) - 1;
        let widen = |pair: &[u8; 2]| {
            let value = u32::from(u16::from_le_bytes(*pair)).min(white);
            ((value * 65_535 + white / 2) / white) as u16
        };
        Values::U16(rows.flat_map(|row| row.as_chunks::<2>().0).map(widen).collect())
    } else {
        Values::U8(rows.collect::<Vec<_>>().concat())
    };
    Ok(Decoded { size_px: (width_px, height_px), has_alpha, values })
}

#[expect(clippy::needless_pass_by_value, reason = "the shape that map_err asks for")]
pub(super) fn failed(error: HeifError) -> Error {
    let kind = match (error.code, error.sub_code) {
        (_, HeifErrorSubCode::SecurityLimitExceeded)
        | (HeifErrorCode::MemoryAllocationError, _) => ErrorKind::Limit,
        (HeifErrorCode::UnsupportedFeature | HeifErrorCode::UnsupportedFileType, _) => {
            ErrorKind::Unsupported
        }
        (HeifErrorCode::UsageError, _) => ErrorKind::Bug,
        _ => ErrorKind::Corrupt,
    };
    let why = if error.message.is_empty() { "libheif does not say why" } else { &error.message };
    Error::new(kind, "reading the HEIF picture", why.to_lowercase())
}
