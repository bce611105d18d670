//! Frames as an encoder wants them.

use std::ffi::c_int;
use std::fmt;
use std::slice;

use ffmpeg::ffi;
use rushes_media::{Error, ErrorKind, Frame as Picture, Layout, Result, Values};

use super::light::Light;
use super::pictures::Pictures;
use super::scaler::{self, Scaler, Side};
use super::targets::VideoCodec;
use super::{APNG, RAW, WEBP, WHAT};
use crate::av::color::Codes;
use crate::av::decode::Frame;

/// What all frames of a file have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Kind {
    width_px: u32,
    height_px: u32,
    layout: Layout,
    bits: u8,
}

impl Kind {
    pub(super) fn of(picture: &Picture) -> Kind {
        let bits = match picture.values() {
            Values::U8(_) => 8,
            Values::U16(_) => 16,
            Values::F32(_) => 32,
        };
        Kind {
            width_px: picture.width_px(),
            height_px: picture.height_px(),
            layout: picture.layout(),
            bits,
        }
    }

    /// libswscale's name for these numbers; floats are made 16 bits before.
    fn format(self) -> ffi::AVPixelFormat {
        use ffi::AVPixelFormat as Format;
        match (self.layout, self.bits == 8, cfg!(target_endian = "big")) {
            (Layout::Gray, true, _) => Format::GRAY8,
            (Layout::Rgb, true, _) => Format::RGB24,
            (Layout::Rgba, true, _) => Format::RGBA,
            (Layout::Gray, false, false) => Format::GRAY16LE,
            (Layout::Rgb, false, false) => Format::RGB48LE,
            (Layout::Rgba, false, false) => Format::RGBA64LE,
            (Layout::Gray, false, true) => Format::GRAY16BE,
            (Layout::Rgb, false, true) => Format::RGB48BE,
            (Layout::Rgba, false, true) => Format::RGBA64BE,
        }
    }

    fn row_bytes(self) -> usize {
        let number_bytes = if self.bits == 8 { 1 } else { 2 };
        self.width_px as usize * self.layout.channels() * number_bytes
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let layout = match self.layout {
            Layout::Gray => "grey",
            Layout::Rgb => "RGB",
            Layout::Rgba => "RGBA",
        };
        write!(f, "{}x{} {layout} of {} bits", self.width_px, self.height_px, self.bits)
    }
}

/// Whether pictures of such a width must have all their chroma in ProRes: of a
/// last block of one column, FFmpeg's encoder takes the chroma of 4:2:2 from
/// elsewhere.
pub(super) fn needs_whole_chroma(width_px: c_int) -> bool {
    width_px % 16 == 1
}

/// The pixel format in which frames of such pixels, of this width and height,
/// come to an encoder of this codec. The codec has transparency where the layout
/// has.
pub(super) fn format(
    codec: &str,
    layout: Layout,
    deep: bool,
    (width_px, height_px): (c_int, c_int),
) -> ffi::AVPixelFormat {
    use ffi::AVPixelFormat as Format;
    let is_odd = width_px % 2 != 0 || height_px % 2 != 0;
    match (codec, layout == Layout::Rgba, deep) {
        ("ffv1", ..) => match (layout, deep) {
            (Layout::Gray, false) => Format::GRAY8,
            (Layout::Rgb, false) => Format::_0RGB32,
            (Layout::Rgba, false) => Format::BGRA,
            (Layout::Gray, true) => Format::GRAY16LE,
            (Layout::Rgb, true) => Format::GBRP16LE,
            (Layout::Rgba, true) => Format::RGBA64LE,
        },
        (RAW, ..) => match (layout, deep) {
            (Layout::Gray, false) => Format::GRAY8,
            (Layout::Gray, true) => Format::GRAY16LE,
            (_, false) => Format::YUV444P,
            (_, true) => Format::YUV444P16LE,
        },
        (APNG, ..) => match (layout, deep) {
            (Layout::Gray, false) => Format::GRAY8,
            (Layout::Rgb, false) => Format::RGB24,
            (Layout::Rgba, false) => Format::RGBA,
            (Layout::Gray, true) => Format::GRAY16BE,
            (Layout::Rgb, true) => Format::RGB48BE,
            (Layout::Rgba, true) => Format::RGBA64BE,
        },
        (WEBP, ..) => Format::RGB32,
        ("mpeg2", ..) => Format::YUV422P,
        ("prores", true, _) => Format::YUVA444P10LE,
        ("prores", false, _) if needs_whole_chroma(width_px) => Format::YUV444P10LE,
        ("prores", false, _) | ("dnxhr", _, true) => Format::YUV422P10LE,
        ("dnxhr", _, false) => Format::YUV422P,
        ("vp9", true, _) => Format::YUVA420P,
        ("mjpeg", ..) => Format::YUVJ422P,
        ("h264" | "hevc", _, false) if is_odd => Format::YUV444P,
        ("h264" | "hevc", _, true) if is_odd => Format::YUV444P10LE,
        ("h264" | "hevc" | "av1" | "vp9", _, true) => Format::YUV420P10LE,
        _ => Format::YUV420P,
    }
}

/// What an encoder is told of such frames.
///
/// # Errors
/// `Invalid` when the codec has no transparency, and the frame has.
fn pictures(codec: &VideoCodec, picture: &Picture) -> Result<Pictures> {
    let kind = Kind::of(picture);
    let has_opacity = matches!(codec.name, "ffv1" | "prores" | "vp9" | APNG | WEBP);
    if kind.layout == Layout::Rgba && !has_opacity {
        let why = format!("{} has no transparency, and the frames have", codec.words);
        return Err(Error::new(ErrorKind::Invalid, WHAT, why)
            .remedy("make them RGB, or write FFV1, VP9, ProRes, APNG or WebP"));
    }
    let (width_px, height_px) = (side(kind.width_px), side(kind.height_px));
    let mut codes = Codes {
        matrix: ffi::AVColorSpace::BT709,
        primaries: ffi::AVColorPrimaries::BT709,
        transfer: ffi::AVColorTransferCharacteristic::BT709,
        range: ffi::AVColorRange::MPEG,
    };
    // JPEG has one matrix; so had all of MPEG-4's time, below HD.
    let is_small = kind.width_px <= 1024 && kind.height_px <= 576;
    // YUV4MPEG2 and Theora do not say which they have.
    let is_by_size = matches!(codec.name, "mpeg4" | "theora" | RAW);
    if codec.name == "mjpeg" || (is_by_size && is_small) {
        codes.matrix = ffi::AVColorSpace::BT470BG;
    }
    if codec.name == "mjpeg" {
        codes.range = ffi::AVColorRange::JPEG;
    }
    if codec.name == RAW && kind.layout == Layout::Gray {
        codes.range = ffi::AVColorRange::JPEG;
    }
    if matches!(codec.name, "ffv1" | APNG | WEBP) {
        codes.matrix = match kind.layout {
            Layout::Gray => ffi::AVColorSpace::UNSPECIFIED,
            _ => ffi::AVColorSpace::RGB,
        };
        codes.range = ffi::AVColorRange::JPEG;
        codes.transfer = ffi::AVColorTransferCharacteristic::IEC61966_2_1;
    }
    if let Some(transfer) = picture.color.transfer.as_deref().and_then(wide_transfer) {
        codes.transfer = transfer;
        codes.primaries = ffi::AVColorPrimaries::BT2020;
        if codes.matrix == ffi::AVColorSpace::BT709 {
            codes.matrix = ffi::AVColorSpace::BT2020_NCL;
        }
    }
    Ok(Pictures {
        codec: codec.name,
        width_px,
        height_px,
        format: format(codec.name, kind.layout, kind.bits > 8, (width_px, height_px)),
        codes,
        sample_aspect: ffi::AVRational { num: 1, den: 1 },
        chroma_location: ffi::AVChromaLocation::UNSPECIFIED,
        light: Light::default(),
    })
}

fn side(px: u32) -> c_int {
    c_int::try_from(px).unwrap_or(c_int::MAX)
}

/// PQ and HLG, by libav's name for them.
fn wide_transfer(name: &str) -> Option<ffi::AVColorTransferCharacteristic> {
    match name {
        "smpte2084" => Some(ffi::AVColorTransferCharacteristic::SMPTE2084),
        "arib-std-b67" => Some(ffi::AVColorTransferCharacteristic::ARIB_STD_B67),
        _ => None,
    }
}

/// Converts frames.
pub(super) struct Pixels {
    kind: Kind,
    pub(super) pictures: Pictures,
    /// The numbers as they come, in libav's own memory: it reads beyond the
    /// last one.
    given: Frame,
    /// What the encoder gets.
    made: Frame,
    scaler: Scaler,
}

impl Pixels {
    /// # Errors
    /// `Invalid` for transparency that the codec has not.
    pub(super) fn new(codec: &VideoCodec, picture: &Picture) -> Result<Pixels> {
        let kind = Kind::of(picture);
        let pictures = pictures(codec, picture)?;
        let (width_px, height_px) = (pictures.width_px, pictures.height_px);
        let given = scaler::frame(width_px, height_px, kind.format())?;
        let made = scaler::frame(width_px, height_px, pictures.format)?;
        // SAFETY: the frame is ours.
        unsafe {
            (*made.0).colorspace = pictures.codes.matrix;
            (*made.0).color_primaries = pictures.codes.primaries;
            (*made.0).color_trc = pictures.codes.transfer;
            (*made.0).color_range = pictures.codes.range;
        }
        let matrix = match pictures.codes.matrix {
            ffi::AVColorSpace::RGB | ffi::AVColorSpace::UNSPECIFIED => ffi::AVColorSpace::BT709,
            other => other,
        };
        let from = Side { width_px, height_px, format: kind.format(), is_full_range: true };
        let is_full_range = pictures.codes.range == ffi::AVColorRange::JPEG;
        let to = Side { width_px, height_px, format: pictures.format, is_full_range };
        let scaler = Scaler::new(from, to, matrix.0 as c_int)?;
        Ok(Pixels { kind, pictures, given, made, scaler })
    }

    /// The frame as the encoder wants it, shown at `ticks`. It is overwritten
    /// by the next.
    pub(super) fn convert(&mut self, picture: &Picture, ticks: i64) -> Result<&Frame> {
        self.fill(picture);
        self.scaler.scale(&self.given, &mut self.made)?;
        // SAFETY: the frame is ours.
        unsafe {
            (*self.made.0).pts = ticks;
            (*self.made.0).pict_type = ffi::AVPictureType::NONE;
        }
        Ok(&self.made)
    }

    /// Copies the numbers into libav's memory.
    fn fill(&mut self, picture: &Picture) {
        let row_bytes = self.kind.row_bytes();
        let [start, ..] = self.given.get().data;
        let [stride, ..] = self.given.get().linesize;
        let stride = usize::try_from(stride).unwrap_or(0).max(row_bytes);
        let wide;
        // SAFETY: two bytes are such a number, and these are all of them.
        let bytes: &[u8] = match picture.values() {
            Values::U8(values) => values,
            Values::U16(values) => unsafe { values.align_to::<u8>().1 },
            Values::F32(values) => {
                wide = values.iter().map(|&it| sixteen(it)).collect::<Vec<u16>>();
                // SAFETY: as above.
                unsafe { wide.align_to::<u8>().1 }
            }
        };
        for (at, row) in bytes.chunks_exact(row_bytes).enumerate() {
            // SAFETY: the buffer was made for so many rows of at least that
            // many bytes, and nobody else looks at it.
            let place = unsafe { slice::from_raw_parts_mut(start.add(at * stride), row_bytes) };
            place.copy_from_slice(row);
        }
    }
}

/// A fraction as 16 bits.
fn sixteen(value: f32) -> u16 {
    (value.clamp(0.0, 1.0) * 65_535.0).round() as u16
}
