//! Frames as an encoder wants them.

use std::ffi::c_int;
use std::fmt;
use std::ptr;
use std::slice;

use ffmpeg::ffi;
use rushes_media::{Error, ErrorKind, Frame as Picture, Layout, Result, Values};

use super::WHAT;
use super::targets::VideoCodec;
use crate::av::decode::Frame;
use crate::av::error;
use crate::av::swscale::{ACCURATE, BICUBIC, BIT_EXACT, FULL_CHROMA};

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

/// What an encoder is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Target {
    format: ffi::AVPixelFormat,
    /// Numbers of ITU-T H.273.
    matrix: ffi::AVColorSpace,
    primaries: ffi::AVColorPrimaries,
    transfer: ffi::AVColorTransferCharacteristic,
    range: ffi::AVColorRange,
}

impl Target {
    /// # Errors
    /// `Invalid` when the codec has no transparency, and the frame has.
    fn of(codec: &VideoCodec, picture: &Picture) -> Result<Target> {
        use ffi::AVPixelFormat as Format;
        let kind = Kind::of(picture);
        let (clear, deep) = (kind.layout == Layout::Rgba, kind.bits > 8);
        let odd = kind.width_px % 2 + kind.height_px % 2 > 0;
        let format = match (codec.name, clear, deep) {
            ("ffv1", ..) => match (kind.layout, deep) {
                (Layout::Gray, false) => Format::GRAY8,
                (Layout::Rgb, false) => Format::_0RGB32,
                (Layout::Rgba, false) => Format::BGRA,
                (Layout::Gray, true) => Format::GRAY16LE,
                (Layout::Rgb, true) => Format::GBRP16LE,
                (Layout::Rgba, true) => Format::RGBA64LE,
            },
            ("prores", true, _) => Format::YUVA444P10LE,
            ("prores", false, _) | ("dnxhr", false, true) => Format::YUV422P10LE,
            ("dnxhr", false, false) => Format::YUV422P,
            ("vp9", true, _) => Format::YUVA420P,
            (_, true, _) => {
                let why = format!("{} has no transparency, and the frames have", codec.words);
                return Err(Error::new(ErrorKind::Invalid, WHAT, why)
                    .remedy("make them RGB, or write FFV1, VP9 or ProRes"));
            }
            ("mjpeg", ..) => Format::YUVJ422P,
            ("h264" | "hevc", _, false) if odd => Format::YUV444P,
            ("h264" | "hevc", _, true) if odd => Format::YUV444P10LE,
            ("h264" | "hevc" | "av1" | "vp9", _, true) => Format::YUV420P10LE,
            _ => Format::YUV420P,
        };
        let mut target = Target {
            format,
            matrix: ffi::AVColorSpace::BT709,
            primaries: ffi::AVColorPrimaries::BT709,
            transfer: ffi::AVColorTransferCharacteristic::BT709,
            range: ffi::AVColorRange::MPEG,
        };
        // JPEG has one matrix; so had all of MPEG-4's time, below HD.
        let is_small = kind.width_px <= 1024 && kind.height_px <= 576;
        if codec.name == "mjpeg" || (codec.name == "mpeg4" && is_small) {
            target.matrix = ffi::AVColorSpace::BT470BG;
        }
        if codec.name == "mjpeg" {
            target.range = ffi::AVColorRange::JPEG;
        }
        if codec.name == "ffv1" {
            target.matrix = match kind.layout {
                Layout::Gray => ffi::AVColorSpace::UNSPECIFIED,
                _ => ffi::AVColorSpace::RGB,
            };
            target.range = ffi::AVColorRange::JPEG;
            target.transfer = ffi::AVColorTransferCharacteristic::IEC61966_2_1;
        }
        if let Some(transfer) = picture.color.transfer.as_deref().and_then(wide_transfer) {
            target.transfer = transfer;
            target.primaries = ffi::AVColorPrimaries::BT2020;
            if target.matrix == ffi::AVColorSpace::BT709 {
                target.matrix = ffi::AVColorSpace::BT2020_NCL;
            }
        }
        Ok(target)
    }
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
    target: Target,
    codec: &'static str,
    /// The numbers as they come, in libav's own memory: it reads beyond the
    /// last one.
    given: Frame,
    /// What the encoder gets.
    made: Frame,
    scaler: *mut ffi::SwsContext,
}

// SAFETY: frames and scaler belong to this value alone.
unsafe impl Send for Pixels {}

impl Pixels {
    /// # Errors
    /// `Invalid` for transparency that the codec has not.
    pub(super) fn new(codec: &VideoCodec, picture: &Picture) -> Result<Pixels> {
        let kind = Kind::of(picture);
        let target = Target::of(codec, picture)?;
        let given = frame(kind, kind.format())?;
        let made = frame(kind, target.format)?;
        // SAFETY: the frame is ours.
        unsafe {
            (*made.0).colorspace = target.matrix;
            (*made.0).color_primaries = target.primaries;
            (*made.0).color_trc = target.transfer;
            (*made.0).color_range = target.range;
        }
        let scaler = scaler(kind, target)?;
        Ok(Pixels { kind, target, codec: codec.name, given, made, scaler })
    }

    /// Tells an encoder that is not open yet what it will get.
    ///
    /// # Safety
    /// The context is whole.
    pub(super) unsafe fn describe(&self, context: *mut ffi::AVCodecContext) {
        let side = |px: u32| c_int::try_from(px).unwrap_or(c_int::MAX);
        // SAFETY: as the caller says.
        unsafe {
            (*context).width = side(self.kind.width_px);
            (*context).height = side(self.kind.height_px);
            (*context).pix_fmt = self.target.format;
            (*context).colorspace = self.target.matrix;
            (*context).color_primaries = self.target.primaries;
            (*context).color_trc = self.target.transfer;
            (*context).color_range = self.target.range;
            (*context).sample_aspect_ratio = ffi::AVRational { num: 1, den: 1 };
        }
    }

    /// What else this encoder must know for these pixels.
    pub(super) fn settings(&self, encoder: &str) -> Vec<(&'static str, &'static str)> {
        match (self.codec, encoder) {
            // Slices with checksums, decodable in parallel (RFC 9043).
            ("ffv1", _) => vec![("level", "3"), ("slices", "4"), ("slicecrc", "1"), ("g", "1")],
            ("prores", _) if self.target.format == ffi::AVPixelFormat::YUVA444P10LE => {
                vec![("profile", "4444"), ("alpha_bits", "16"), ("vendor", "apl0")]
            }
            ("prores", _) => vec![("profile", "hq"), ("vendor", "apl0")],
            ("dnxhr", _) if self.target.format == ffi::AVPixelFormat::YUV422P10LE => {
                vec![("profile", "dnxhr_hqx")]
            }
            ("dnxhr", _) => vec![("profile", "dnxhr_hq")],
            (_, "libvpx-vp9") => vec![("row-mt", "1"), ("cpu-used", "4"), ("deadline", "good")],
            (_, "libsvtav1") => vec![("preset", "8")],
            (_, "libaom-av1") => vec![("cpu-used", "6"), ("row-mt", "1")],
            (_, "libx265") => vec![("x265-params", "log-level=none")],
            _ => Vec::new(),
        }
    }

    /// The frame as the encoder wants it, shown at `ticks`. It is overwritten
    /// by the next.
    pub(super) fn convert(&mut self, picture: &Picture, ticks: i64) -> Result<&Frame> {
        self.fill(picture);
        // An encoder may still hold the buffer of a frame before.
        // SAFETY: both frames are ours and whole; the scaler was made for them.
        unsafe {
            let code = ffi::av_frame_make_writable(self.made.0);
            if code < 0 {
                return Err(error(WHAT, code));
            }
            let (from, to) = (self.given.get(), self.made.get());
            let code = ffi::sws_scale(
                self.scaler,
                from.data.as_ptr().cast(),
                from.linesize.as_ptr(),
                0,
                from.height,
                to.data.as_ptr(),
                to.linesize.as_ptr(),
            );
            if code < 0 {
                return Err(error(WHAT, code));
            }
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

impl Drop for Pixels {
    fn drop(&mut self) {
        // SAFETY: ours, or null.
        unsafe { ffi::sws_freeContext(self.scaler) };
    }
}

/// An empty frame with room for these pixels.
fn frame(kind: Kind, format: ffi::AVPixelFormat) -> Result<Frame> {
    let frame = Frame::new()?;
    let side = |px: u32| c_int::try_from(px).unwrap_or(c_int::MAX);
    // SAFETY: the frame is ours; libav checks size and format.
    let code = unsafe {
        (*frame.0).width = side(kind.width_px);
        (*frame.0).height = side(kind.height_px);
        (*frame.0).format = format.0;
        ffi::av_frame_get_buffer(frame.0, 0)
    };
    if code < 0 { Err(error(WHAT, code)) } else { Ok(frame) }
}

fn scaler(kind: Kind, target: Target) -> Result<*mut ffi::SwsContext> {
    let side = |px: u32| c_int::try_from(px).unwrap_or(c_int::MAX);
    let (width, height) = (side(kind.width_px), side(kind.height_px));
    // SAFETY: sizes are positive, formats are libav's own; the rest is null, as
    // allowed.
    unsafe {
        let context = ffi::sws_getContext(
            width,
            height,
            kind.format(),
            width,
            height,
            target.format,
            (BICUBIC | FULL_CHROMA | ACCURATE | BIT_EXACT) as _,
            ptr::null_mut(),
            ptr::null_mut(),
            ptr::null(),
        );
        if context.is_null() {
            let why = "libswscale cannot make what the codec wants of it";
            return Err(Error::new(ErrorKind::Unsupported, WHAT, why));
        }
        let matrix = match target.matrix {
            ffi::AVColorSpace::RGB | ffi::AVColorSpace::UNSPECIFIED => ffi::AVColorSpace::BT709,
            other => other,
        };
        let table = ffi::sws_getCoefficients(matrix.0 as c_int);
        let full = c_int::from(target.range == ffi::AVColorRange::JPEG);
        ffi::sws_setColorspaceDetails(context, table, 1, table, full, 0, 1 << 16, 1 << 16);
        Ok(context)
    }
}
