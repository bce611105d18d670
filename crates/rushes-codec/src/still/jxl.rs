//! JPEG XL (ISO/IEC 18181) through jxl-oxide, which decodes exactly what is
//! stored without loss.

use std::io::Read;

use jxl_oxide::{
    AllocTracker, InitializeResult, JxlImage, JxlThreadPool, PixelFormat, image::BitDepth,
};
use rushes_media::{
    Color, Error, ErrorKind, Frame, Layout, Picture, Pixels, Probe, Result, Stream, StreamKind,
    Values,
};

use super::encode::eight_bits;
use super::srgb::{Depth, Profile, guarded};
use super::{heif, icc, probe_of, raster, rgb};
use crate::Source;

const WHAT: &str = "decoding the JPEG XL";

/// What jxl-oxide may take for each byte of a decoded picture: it works with
/// floats, and on a copy.
const WORKING_BYTES: u64 = 16;
/// Bytes that are handed over at once.
const PIECE_BYTES: usize = 64 << 10;

pub(super) fn probe(source: &Source) -> Result<Probe> {
    let image = open(source, false)?;
    let mut stream = Stream::new(0, StreamKind::Still, "jpegxl");
    (stream.width_px, stream.height_px) = (Some(image.width()), Some(image.height()));
    let depth = image.image_header().metadata.bit_depth;
    stream.bit_depth = Some(depth.bits_per_sample());
    stream.pixel_format = pixel_format(image.pixel_format(), depth).map(Into::into);
    let mut color = image.rendered_cicp().map(color_of);
    if let Some(name) = image.original_icc().and_then(icc::description) {
        color.get_or_insert_default().icc_profile = Some(name);
    }
    stream.color = color;
    Ok(probe_of(source, "jxl", stream))
}

/// The ICC profile of a picture in RGB whose numbers [`frame`] gives as stored.
pub(super) fn icc_profile(source: &Source) -> Option<Vec<u8>> {
    let image = open(source, false).ok()?;
    let is_whole =
        matches!(image.image_header().metadata.bit_depth, BitDepth::IntegerSample { .. });
    image.original_icc().filter(|_| is_whole && image.hdr_type().is_none())?;
    Some(image.rendered_icc())
}

/// The first frame with all that is stored, upright: whole numbers of up to 8
/// bits, of up to 16, which are stretched to that, or floats. sRGB but for PQ,
/// HLG and floats, or as it is stored.
pub(super) fn frame(source: &Source, is_stored: bool) -> Result<Frame> {
    let image = open(source, true)?;
    let format = image.pixel_format();
    if format.has_black() {
        return Err(Error::new(ErrorKind::Unsupported, WHAT, "it holds inks"));
    }
    let color = image.rendered_cicp().map(color_of).unwrap_or_default();
    let rendered = guarded(|| Some(image.render_frame(0)));
    let render =
        rendered.ok_or_else(|| corrupt("jxl-oxide gave up"))?.map_err(|error| failed(&*error))?;
    let mut samples = render.stream();
    let size_px = (samples.width(), samples.height());
    let count = u64::from(size_px.0) * u64::from(size_px.1) * format.channels() as u64;
    // A frame may be larger than the picture that it is cut to.
    source.limits().check_picture(size_px.0.into(), size_px.1.into(), 4)?;
    let count = usize::try_from(count).map_err(|error| Error::bug(WHAT, error))?;
    let is_hdr = color.hdr.is_some();
    let profile = || {
        if is_stored || is_hdr { None } else { Profile::from_icc(&image.rendered_icc()) }
    };
    let (values, layout) = match image.image_header().metadata.bit_depth {
        BitDepth::IntegerSample { bits_per_sample: ..=8 } => {
            let mut values = vec![0_u8; count];
            samples.write_to_buffer(&mut values);
            let (values, layout) = laid_out(values, format, profile().as_ref());
            (Values::U8(values), layout)
        }
        BitDepth::IntegerSample { bits_per_sample: ..=16 } => {
            let mut values = vec![0_u16; count];
            samples.write_to_buffer(&mut values);
            let (values, layout) = laid_out(values, format, profile().as_ref());
            (Values::U16(values), layout)
        }
        _ => {
            let mut values = vec![0_f32; count];
            samples.write_to_buffer(&mut values);
            match format {
                PixelFormat::Graya => (Values::F32(raster::spread(&values)), Layout::Rgba),
                _ => (Values::F32(values), layout_of(format)),
            }
        }
    };
    let is_light = matches!(values, Values::F32(_)) && color.transfer.as_deref() == Some("linear");
    let mut frame = Frame::new(size_px.0, size_px.1, layout, values)?;
    if is_hdr {
        frame.color = Color { matrix: None, range: Some("pc".into()), ..color };
    } else if is_light {
        frame.color.transfer = color.transfer;
    }
    Ok(frame)
}

/// The same for showing: RGB of 8 bits, over grey, but 16 of PQ and HLG.
pub(super) fn decode(source: &Source) -> Result<Picture> {
    let frame = frame(source, false)?;
    let (width_px, height_px, layout) = (frame.width_px(), frame.height_px(), frame.layout());
    if let (Values::U16(values), true) = (frame.values(), frame.color.hdr.is_some()) {
        let values = match layout {
            Layout::Gray => values.iter().flat_map(|&value| [value; 3]).collect(),
            Layout::Rgb => values.clone(),
            Layout::Rgba => heif::colours_of(values),
        };
        return Picture::new(width_px, height_px, Pixels::U16(values), frame.color);
    }
    let values = eight_bits(&frame);
    let values = match layout {
        Layout::Gray => values.into_iter().flat_map(|value| [value; 3]).collect(),
        Layout::Rgb => values,
        Layout::Rgba => rgb::from_rgba(&values),
    };
    Picture::new(width_px, height_px, Pixels::U8(values), Color::default())
}

/// The picture, its header read, and all of the file when it `is_whole`.
fn open(source: &Source, is_whole: bool) -> Result<JxlImage> {
    let limits = source.limits();
    let working_bytes = limits.picture_bytes.saturating_mul(WORKING_BYTES);
    let tracker = AllocTracker::with_limit(usize::try_from(working_bytes).unwrap_or(usize::MAX));
    let mut image =
        JxlImage::builder().alloc_tracker(tracker).pool(JxlThreadPool::none()).build_uninit();
    let mut reader = source.reader();
    let (mut piece, mut filled) = (vec![0; PIECE_BYTES], 0);
    let mut more = |piece: &mut [u8], filled: &mut usize| -> Result<bool> {
        let room = piece.get_mut(*filled..).unwrap_or_default();
        let read = reader.read(room).map_err(|error| Error::io(WHAT, &error))?;
        *filled += read;
        Ok(read > 0)
    };
    let mut image = loop {
        if !more(&mut piece, &mut filled)? {
            return Err(corrupt("it ends within its header"));
        }
        let given = piece.get(..filled).unwrap_or_default();
        let begun = guarded(|| {
            let used = image.feed_bytes(given);
            Some(used.and_then(|used| Ok((used, image.try_init()?))))
        });
        let begun = begun.ok_or_else(|| corrupt("jxl-oxide gave up"))?;
        let (used, begun) = begun.map_err(|error| failed(&*error))?;
        piece.copy_within(used..filled, 0);
        filled -= used;
        match begun {
            InitializeResult::NeedMoreData(same) => image = same,
            InitializeResult::Initialized(image) => break image,
        }
    };
    // Before any room is made for pixels.
    let pixel_bytes = image.pixel_format().channels() as u64
        * match image.image_header().metadata.bit_depth {
            BitDepth::IntegerSample { bits_per_sample: ..=8 } => 1,
            BitDepth::IntegerSample { bits_per_sample: ..=16 } => 2,
            _ => 4,
        };
    if is_whole {
        limits.check_picture(image.width().into(), image.height().into(), pixel_bytes)?;
        loop {
            let given = piece.get(..filled).unwrap_or_default();
            let used = guarded(|| Some(image.feed_bytes(given)));
            let used = used.ok_or_else(|| corrupt("jxl-oxide gave up"))?;
            let used = used.map_err(|error| failed(&*error))?;
            piece.copy_within(used..filled, 0);
            filled -= used;
            if image.is_loading_done() || !more(&mut piece, &mut filled)? {
                break;
            }
        }
    }
    Ok(image)
}

fn corrupt(why: &str) -> Error {
    Error::new(ErrorKind::Corrupt, WHAT, why).remedy("copy it again from its origin")
}

fn failed(error: &(dyn std::error::Error + Send + Sync + 'static)) -> Error {
    let said = error.to_string().to_lowercase();
    let kind = if said.contains("out of memory") || said.contains("alloc") {
        ErrorKind::Limit
    } else {
        ErrorKind::Corrupt
    };
    Error::new(kind, WHAT, said)
}

fn color_of([primaries, transfer, matrix, range]: [u8; 4]) -> Color {
    heif::color_of(primaries.into(), transfer.into(), matrix.into(), range == 1)
}

fn layout_of(format: PixelFormat) -> Layout {
    match (format.is_grayscale(), format.has_alpha()) {
        (true, false) => Layout::Gray,
        (false, false) => Layout::Rgb,
        (_, true) => Layout::Rgba,
    }
}

/// Numbers as sRGB by the profile, grey with opacity as RGBA.
fn laid_out<T: Depth>(
    values: Vec<T>,
    format: PixelFormat,
    profile: Option<&Profile>,
) -> (Vec<T>, Layout) {
    let values = match format {
        PixelFormat::Gray => raster::greys(values, 1, profile),
        PixelFormat::Graya => raster::spread(&raster::greys(values, 2, profile)),
        _ => raster::colours(values, format.has_alpha(), profile),
    };
    (values, layout_of(format))
}

/// By FFmpeg's names.
fn pixel_format(format: PixelFormat, depth: BitDepth) -> Option<&'static str> {
    let bytes = match depth {
        BitDepth::IntegerSample { bits_per_sample: ..=8 } => 1,
        BitDepth::IntegerSample { bits_per_sample: ..=16 } => 2,
        _ => 4,
    };
    Some(match (format, bytes) {
        (PixelFormat::Gray, 1) => "gray",
        (PixelFormat::Gray, 2) => "gray16le",
        (PixelFormat::Gray, _) => "grayf32le",
        (PixelFormat::Graya, 1) => "ya8",
        (PixelFormat::Graya, 2) => "ya16le",
        (PixelFormat::Rgb, 1) => "rgb24",
        (PixelFormat::Rgb, 2) => "rgb48le",
        (PixelFormat::Rgb, _) => "gbrpf32le",
        (PixelFormat::Rgba, 1) => "rgba",
        (PixelFormat::Rgba, 2) => "rgba64le",
        (PixelFormat::Rgba, _) => "gbrapf32le",
        _ => return None,
    })
}
