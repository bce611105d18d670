//! How pictures come to an encoder: where nothing changes them, as they are
//! stored, with the numbers and the colours that they have.

use std::ffi::c_int;
use std::ptr;

use ffmpeg::ffi;
use rushes_media::{Layout, Rational};

use super::targets::VideoCodec;
use super::{Conversion, GIF, Gray, RAW, STILLS, WEBP, encoder, pixels, target};
use crate::av::color::Codes;
use crate::av::input::Input;
use crate::av::stream::{Turn, turn_of};
use crate::av::{positive, string, swscale};
use crate::still::{self, StillTarget};

const NO_OPACITY: &str = "transparency is left out";

/// Width and height of whole pictures that MPEG-2 can state beside square pixels
/// (ITU-T H.262, table 6-3).
const MPEG2_SHAPES: [(i64, i64); 3] = [(4, 3), (16, 9), (221, 100)];

/// How pictures come to the encoder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// As they are stored, in this pixel format.
    Stored(ffi::AVPixelFormat),
    /// Through frames of their luma, set upright.
    Luma,
    /// Through frames of RGB, set upright.
    Rgb,
    /// The same with opacity.
    Rgba,
}

impl Way {
    /// What the frames are.
    pub(super) fn layout(self) -> Layout {
        match self {
            Way::Luma => Layout::Gray,
            Way::Rgba => Layout::Rgba,
            Way::Rgb | Way::Stored(_) => Layout::Rgb,
        }
    }
}

/// What a stream's pictures are.
struct Stored {
    format: ffi::AVPixelFormat,
    descriptor: &'static ffi::AVPixFmtDescriptor,
    name: String,
    width_px: c_int,
    height_px: c_int,
    codes: Codes,
    turn: Turn,
}

impl Stored {
    /// `None` when the stream does not say.
    fn of(stream: *mut ffi::AVStream) -> Option<Stored> {
        // SAFETY: a stream of an open input has parameters; names and
        // descriptors are constants, or null.
        unsafe {
            let parameters = &*(*stream).codecpar;
            let format = ffi::AVPixelFormat(parameters.format);
            Some(Stored {
                format,
                descriptor: ffi::av_pix_fmt_desc_get(format).as_ref()?,
                name: string(ffi::av_get_pix_fmt_name(format))?,
                width_px: parameters.width,
                height_px: parameters.height,
                codes: Codes::of_stream(stream),
                turn: turn_of(stream).unwrap_or_default(),
            })
        }
    }

    fn has(&self, flags: c_int) -> bool {
        has(self.descriptor, flags)
    }

    /// Whether its numbers can be taken over as they are.
    fn is_plain(&self) -> bool {
        let odd = ffi::AV_PIX_FMT_FLAG_PAL
            | ffi::AV_PIX_FMT_FLAG_BITSTREAM
            | ffi::AV_PIX_FMT_FLAG_HWACCEL
            | ffi::AV_PIX_FMT_FLAG_BAYER;
        !self.has(odd) && !self.name.starts_with("xyz")
    }

    fn has_luma(&self) -> bool {
        self.is_plain() && !self.has(ffi::AV_PIX_FMT_FLAG_RGB)
    }

    fn is_gray(&self) -> bool {
        self.has_luma() && is_gray(self.format)
    }

    /// Bits of one of its numbers.
    fn depth(&self) -> c_int {
        self.descriptor.comp.first().map_or(8, |first| first.depth)
    }

    fn matrix(&self) -> c_int {
        swscale::matrix(self.codes.matrix.0, self.width_px, self.height_px)
    }

    /// Shares of red, green and blue in its luma, as ITU-T H.273 has them.
    fn weights(&self) -> [f64; 3] {
        match self.matrix() {
            1 => [0.2126, 0.7152, 0.0722],
            4 => [0.30, 0.59, 0.11],
            7 => [0.212, 0.701, 0.087],
            9 | 10 => [0.2627, 0.678, 0.0593],
            _ => [0.299, 0.587, 0.114],
        }
    }

    /// Whether who reads such a file takes its colours for what they are. Some
    /// cannot say: Motion JPEG is BT.601, full range, and the others without
    /// words are what pictures of their size used to be.
    fn is_understood(&self, codec: &str, muxer: &str) -> bool {
        let (matrix, is_full) = match codec {
            "mjpeg" => (5, true),
            "mpeg4" | "theora" => (swscale::matrix(0, self.width_px, self.height_px), false),
            RAW => (
                swscale::matrix(0, self.width_px, self.height_px),
                is_full_range(self.format, self.codes),
            ),
            _ if muxer == "avi" => (swscale::matrix(0, self.width_px, self.height_px), false),
            _ => return true,
        };
        if self.is_gray() {
            return true;
        }
        let same = |matrix: c_int| if matrix == 6 { 5 } else { matrix };
        let is_wide = self.codes.primaries == ffi::AVColorPrimaries::BT2020;
        same(self.matrix()) == matrix
            && is_full_range(self.format, self.codes) == is_full
            && !is_wide
    }
}

fn has(descriptor: &ffi::AVPixFmtDescriptor, flags: c_int) -> bool {
    descriptor.flags & u64::from(flags.unsigned_abs()) != 0
}

/// Containers that say how a picture is turned.
fn keeps_turn(muxer: &str) -> bool {
    matches!(muxer, "mp4" | "mov")
}

/// Whether the stream's pictures are turned, and files of this muxer cannot say so.
pub(super) fn loses_turn(stream: *mut ffi::AVStream, muxer: &str) -> bool {
    !keeps_turn(muxer) && turn_of(stream).is_some_and(|turn| turn != Turn::default())
}

/// What a copy of the stream's packets in files of this muxer has less of.
pub(super) fn notes_of_copy(stream: *mut ffi::AVStream, muxer: &str) -> Vec<String> {
    // SAFETY: a stream of an open input has parameters.
    let codec = unsafe { (*(*stream).codecpar).codec_id };
    // It lies beside their packets.
    let is_beside = matches!(codec, ffi::AVCodecID::VP8 | ffi::AVCodecID::VP9)
        && !matches!(muxer, "matroska" | "webm");
    let is_clear = Stored::of(stream).is_some_and(|it| it.has(ffi::AV_PIX_FMT_FLAG_ALPHA));
    if is_beside && is_clear { vec![NO_OPACITY.to_owned()] } else { Vec::new() }
}

/// That pixels are not square, where files of this codec cannot say so.
pub(super) fn note_of_shape(
    input: &Input<'_>,
    stream: *mut ffi::AVStream,
    codec: &VideoCodec,
) -> Option<String> {
    // SAFETY: the input is open, and the stream one of its; no frame is given.
    let (aspect, width_px, height_px) = unsafe {
        let context = input.context();
        let aspect = ffi::av_guess_sample_aspect_ratio(context, stream, ptr::null_mut());
        (positive(aspect)?, (*(*stream).codecpar).width, (*(*stream).codecpar).height)
    };
    let is_told = match codec.name {
        _ if aspect == Rational::whole(1) => true,
        "mpeg2" => {
            let shape = Rational::new(width_px.into(), height_px.into())?.checked_mul(aspect)?;
            MPEG2_SHAPES.iter().any(|&(width, height)| Rational::new(width, height) == Some(shape))
        }
        _ => !codec.takes_frames(),
    };
    let told = || format!("its pixels of {}:{} are not told", aspect.num(), aspect.den());
    (!is_told).then(told)
}

/// How the stream's pictures come to the encoder of this codec.
pub(super) fn way(
    stream: *mut ffi::AVStream,
    wanted: &Conversion,
    muxer: &str,
    codec: &VideoCodec,
) -> Way {
    let Some(stored) = Stored::of(stream) else { return Way::Rgb };
    if wanted.changes_frames {
        let close = |(one, other): (f64, &f64)| (one - other).abs() < 0.000_51;
        let takes_luma = match &wanted.gray {
            Gray::No => false,
            Gray::Own => true,
            Gray::Weighted(weights) => stored.weights().into_iter().zip(weights).all(close),
        };
        return if takes_luma && stored.has_luma() { Way::Luma } else { Way::Rgb };
    }
    // RGB becomes what players expect of a codec with loss.
    let becomes_other = stored.has(ffi::AV_PIX_FMT_FLAG_RGB) && codec.name != "ffv1";
    if codec.takes_frames() {
        let has_opacity = codec_has_opacity(codec, &wanted.extension);
        return if stored.has(ffi::AV_PIX_FMT_FLAG_ALPHA) && has_opacity {
            Way::Rgba
        } else if stored.is_gray() && codec.name != GIF {
            Way::Luma
        } else {
            Way::Rgb
        };
    }
    if !stored.is_plain()
        || becomes_other
        || loses_turn(stream, muxer)
        || !stored.is_understood(codec.name, muxer)
    {
        return Way::Rgb;
    }
    best(codec, muxer, &stored).map_or(Way::Rgb, Way::Stored)
}

/// Whether a codec that takes frames keeps opacity, in a target of this format.
fn codec_has_opacity(codec: &VideoCodec, format: &str) -> bool {
    match codec.name {
        GIF => false,
        STILLS => still_of(format).is_some_and(|still| still.has_opacity),
        _ => true,
    }
}

/// The most bits that a codec that takes frames writes, where that is not any.
fn own_bits(codec: &VideoCodec, format: &str) -> Option<c_int> {
    match codec.name {
        GIF | WEBP => Some(8),
        STILLS => still_of(format)?.bits.iter().max().map(|&bits| bits.into()),
        _ => None,
    }
}

fn still_of(format: &str) -> Option<&'static StillTarget> {
    still::target_of(target::numbered(format)?).ok()
}

/// What YUV4MPEG2 has names for, those of FFmpeg among them.
const Y4M_FORMATS: &[ffi::AVPixelFormat] = &[
    ffi::AVPixelFormat::GRAY8,
    ffi::AVPixelFormat::GRAY9LE,
    ffi::AVPixelFormat::GRAY10LE,
    ffi::AVPixelFormat::GRAY12LE,
    ffi::AVPixelFormat::GRAY16LE,
    ffi::AVPixelFormat::YUV411P,
    ffi::AVPixelFormat::YUV420P,
    ffi::AVPixelFormat::YUV422P,
    ffi::AVPixelFormat::YUV444P,
    ffi::AVPixelFormat::YUV420P9LE,
    ffi::AVPixelFormat::YUV422P9LE,
    ffi::AVPixelFormat::YUV444P9LE,
    ffi::AVPixelFormat::YUV420P10LE,
    ffi::AVPixelFormat::YUV422P10LE,
    ffi::AVPixelFormat::YUV444P10LE,
    ffi::AVPixelFormat::YUV420P12LE,
    ffi::AVPixelFormat::YUV422P12LE,
    ffi::AVPixelFormat::YUV444P12LE,
    ffi::AVPixelFormat::YUV420P14LE,
    ffi::AVPixelFormat::YUV422P14LE,
    ffi::AVPixelFormat::YUV444P14LE,
    ffi::AVPixelFormat::YUV420P16LE,
    ffi::AVPixelFormat::YUV422P16LE,
    ffi::AVPixelFormat::YUV444P16LE,
];

/// The encoder's pixel format that keeps the most of them.
fn best(codec: &VideoCodec, muxer: &str, stored: &Stored) -> Option<ffi::AVPixelFormat> {
    use ffi::AVPixelFormat as Format;
    let own: &[Format] = match codec.name {
        "prores" if pixels::needs_whole_chroma(stored.width_px) => {
            &[Format::YUV444P10LE, Format::YUVA444P10LE]
        }
        "prores" => &[Format::YUV422P10LE, Format::YUVA444P10LE],
        "dnxhr" => &[Format::YUV422P, Format::YUV422P10LE],
        "mjpeg" => &[Format::YUVJ420P, Format::YUVJ422P, Format::YUVJ444P],
        "mpeg4" => &[Format::YUV420P],
        "mpeg2" => &[Format::YUV420P, Format::YUV422P],
        RAW => Y4M_FORMATS,
        _ => encoders_formats(codec)?,
    };
    let is_clear = stored.has(ffi::AV_PIX_FMT_FLAG_ALPHA)
        && (codec.name != "vp9" || matches!(muxer, "matroska" | "webm"));
    let is_lossy = !matches!(codec.name, "ffv1" | RAW);
    // These refuse half a number of chroma.
    let is_even = matches!(codec.name, "h264" | "hevc");
    let fits = |format: &Format| {
        // SAFETY: descriptors are constants, or null.
        let Some(it) = (unsafe { ffi::av_pix_fmt_desc_get(*format).as_ref() }) else {
            return false;
        };
        let halves_odd = (stored.width_px % 2 != 0 && it.log2_chroma_w > 0)
            || (stored.height_px % 2 != 0 && it.log2_chroma_h > 0);
        // Few players show grey or RGB of these.
        let is_rare = it.nb_components < 3 || has(it, ffi::AV_PIX_FMT_FLAG_RGB);
        // What is full range is said beside the format.
        let is_named = codec.name == "mjpeg" || plain(*format) == *format;
        is_named
            && !has(it, ffi::AV_PIX_FMT_FLAG_HWACCEL)
            && (is_clear || !has(it, ffi::AV_PIX_FMT_FLAG_ALPHA))
            && !(is_even && halves_odd)
            && !(is_lossy && is_rare)
    };
    let mut list: Vec<Format> = own.iter().copied().filter(fits).collect();
    if let Some(same) = list.iter().find(|&&format| plain(format) == plain(stored.format)) {
        return Some(*same);
    }
    list.push(Format::NONE);
    // Grey has no chroma to keep: the least will do.
    let from = match stored.depth() {
        _ if !stored.is_gray() => plain(stored.format),
        ..=8 => Format::YUV420P,
        9 | 10 => Format::YUV420P10LE,
        _ => Format::YUV420P12LE,
    };
    // SAFETY: the list ends as it must; no loss is asked for.
    let found = unsafe {
        ffi::avcodec_find_best_pix_fmt_of_list(
            list.as_ptr(),
            from,
            c_int::from(is_clear),
            ptr::null_mut(),
        )
    };
    (found != Format::NONE).then_some(found)
}

/// What the encoder says that it takes.
fn encoders_formats(codec: &VideoCodec) -> Option<&'static [ffi::AVPixelFormat]> {
    let (found, _) = encoder::find(codec.words, codec.encoders).ok()?;
    // SAFETY: encoders are constants; their list ends with `NONE`, or is null.
    unsafe {
        let first = (*found).pix_fmts;
        if first.is_null() {
            return None;
        }
        let mut count = 0;
        while *first.add(count) != ffi::AVPixelFormat::NONE {
            count += 1;
        }
        Some(std::slice::from_raw_parts(first, count))
    }
}

/// The format whose name does not speak of the range.
pub(super) fn plain(format: ffi::AVPixelFormat) -> ffi::AVPixelFormat {
    use ffi::AVPixelFormat as Format;
    match format {
        Format::YUVJ420P => Format::YUV420P,
        Format::YUVJ422P => Format::YUV422P,
        Format::YUVJ440P => Format::YUV440P,
        Format::YUVJ444P => Format::YUV444P,
        other => other,
    }
}

/// Whether all numbers are used: those of grey are, whatever is stated, as
/// libswscale has it.
pub(super) fn is_full_range(format: ffi::AVPixelFormat, codes: Codes) -> bool {
    codes.range == ffi::AVColorRange::JPEG || plain(format) != format || is_gray(format)
}

/// Whether there is no chroma.
pub(super) fn is_gray(format: ffi::AVPixelFormat) -> bool {
    // SAFETY: descriptors are constants, or null.
    unsafe { ffi::av_pix_fmt_desc_get(format).as_ref() }.is_some_and(|it| it.nb_components < 3)
}

/// What the new pictures have less of than those of the stream, in words.
pub(super) fn notes(
    stream: *mut ffi::AVStream,
    way: Way,
    codec: &VideoCodec,
    format: &str,
) -> Vec<String> {
    let mut notes = Vec::new();
    let Some(stored) = Stored::of(stream) else { return notes };
    if stored.turn != Turn::default() && !matches!(way, Way::Stored(_)) {
        notes.push("set upright".to_owned());
    }
    let clear = ffi::AV_PIX_FMT_FLAG_ALPHA;
    if codec.takes_frames() {
        let from_bits = stored.depth();
        if let Some(bits) = own_bits(codec, format).filter(|&bits| bits < from_bits) {
            notes.push(format!("{from_bits} bits become {bits}"));
        }
        if stored.has(clear) && way != Way::Rgba {
            notes.push(NO_OPACITY.to_owned());
        }
        return notes;
    }
    let layout = way.layout();
    let size = (stored.width_px, stored.height_px);
    let to = match way {
        Way::Stored(to) => to,
        _ => pixels::format(codec.name, layout, stored.depth() > 8, size),
    };
    // SAFETY: descriptors are constants, or null.
    let Some(to) = (unsafe { ffi::av_pix_fmt_desc_get(to).as_ref() }) else { return notes };
    let (from_bits, to_bits) = (stored.depth(), to.comp.first().map_or(8, |first| first.depth));
    if to_bits < from_bits {
        notes.push(format!("{from_bits} bits become {to_bits}"));
    }
    let chroma = |it: &ffi::AVPixFmtDescriptor| (it.log2_chroma_w, it.log2_chroma_h);
    let (had, has_now) = (chroma(stored.descriptor), chroma(to));
    let has_colors = !stored.is_gray() && !stored.has(ffi::AV_PIX_FMT_FLAG_RGB);
    if way != Way::Luma && has_colors && (has_now.0 > had.0 || has_now.1 > had.1) {
        notes.push(format!("{} becomes {}", subsampling(had), subsampling(has_now)));
    }
    if stored.has(clear) && !(matches!(way, Way::Stored(_)) && has(to, clear)) {
        notes.push(NO_OPACITY.to_owned());
    }
    notes
}

/// What is said of chroma that is shared by so many pixels, as powers of two.
fn subsampling(chroma: (u8, u8)) -> &'static str {
    match chroma {
        (0, 0) => "4:4:4",
        (0, _) => "4:4:0",
        (1, 0) => "4:2:2",
        (1, _) => "4:2:0",
        (_, 0) => "4:1:1",
        _ => "4:1:0",
    }
}
