//! Decoded frames as the numbers that were asked for.

use std::ffi::c_int;
use std::ptr;

use ffmpeg::ffi;
use rushes_media::{Color, Error, ErrorKind, Layout, Limits, Rational, Result, Values};

use super::options::{Depth, VideoOptions};
use super::packets::Packets;
use super::{planes, turn};
use crate::av::decode::Frame;
use crate::av::stream::{Turn, turn_of};
use crate::av::swscale::{ACCURATE, ALIGN_BYTES, AREA, BICUBIC, BIT_EXACT, FULL_CHROMA, matrix};
use crate::av::{error, positive, string};

const WHAT: &str = "converting a frame";

/// What is given.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Target {
    pub(crate) width_px: u32,
    pub(crate) height_px: u32,
    pub(crate) layout: Layout,
    pub(crate) depth: Depth,
}

impl Target {
    fn pixels(&self) -> usize {
        self.width_px as usize * self.height_px as usize
    }

    /// Bytes of one frame.
    pub(super) fn bytes(&self) -> usize {
        let number = match self.depth {
            Depth::F32 => 4,
            Depth::U16 => 2,
            Depth::U8 | Depth::Auto => 1,
        };
        self.pixels() * self.layout.channels() * number
    }
}

/// What the numbers of a decoded frame mean.
pub(super) struct Meaning {
    pub(super) format: ffi::AVPixelFormat,
    /// Matrix, by its number in ITU-T H.273.
    pub(super) matrix: c_int,
    pub(super) full_range: bool,
    depth: c_int,
}

impl Meaning {
    fn of(frame: &Frame) -> Result<Meaning> {
        let given = frame.get();
        let format = ffi::AVPixelFormat(given.format);
        // SAFETY: names and descriptors are constants, or null.
        let (name, descriptor) = unsafe {
            let name = string(ffi::av_get_pix_fmt_name(format)).unwrap_or_default();
            (name, ffi::av_pix_fmt_desc_get(format).as_ref())
        };
        let Some(descriptor) = descriptor else {
            return Err(Error::new(ErrorKind::Unsupported, WHAT, "its pixel format is unknown"));
        };
        let matrix = matrix(given.colorspace.0, given.width, given.height);
        // Grey has no range of its own: all its numbers are used.
        let full_range = given.color_range == ffi::AVColorRange::JPEG
            || name.starts_with("yuvj")
            || name.starts_with("gray");
        let depth = descriptor.comp.first().map_or(8, |component| component.depth);
        Ok(Meaning { format, matrix, full_range, depth })
    }
}

/// libswscale set up for one kind of frame.
struct Scaler {
    context: *mut ffi::SwsContext,
    kind: [c_int; 8],
}

impl Drop for Scaler {
    fn drop(&mut self) {
        // SAFETY: ours, or null.
        unsafe { ffi::sws_freeContext(self.context) };
    }
}

/// Converts a stream's frames.
pub(crate) struct Converter {
    target: Target,
    /// The size before the turn.
    flat: (u32, u32),
    /// What the container states.
    pub(super) turn: Turn,
    upright: bool,
    pub(super) sample_aspect: Rational,
    limits: Limits,
    scaler: Option<Scaler>,
    padded: Vec<u8>,
    narrow: Vec<u8>,
    turned: Vec<u8>,
}

impl Converter {
    pub(super) fn new(packets: &Packets<'_>, options: VideoOptions) -> Result<Converter> {
        let limits = *packets.input.source().limits();
        // SAFETY: a stream of an open input has parameters; no frame is given.
        let (width, height, format, aspect) = unsafe {
            let parameters = &*(*packets.stream).codecpar;
            let context = packets.input.context();
            let aspect =
                ffi::av_guess_sample_aspect_ratio(context, packets.stream, ptr::null_mut());
            (parameters.width, parameters.height, parameters.format, aspect)
        };
        let side = |px: c_int| u32::try_from(px).unwrap_or(0);
        let size = (side(width), side(height));
        let turn = turn_of(packets.stream).unwrap_or_default();
        let format = ffi::AVPixelFormat(format);
        let sample_aspect = positive(aspect).unwrap_or(Rational::whole(1));
        Converter::turned(size, format, turn, sample_aspect, limits, options)
    }

    /// For frames of this width, height and format that come from no container, and lie as they are seen.
    pub(crate) fn of(
        size: (u32, u32),
        format: ffi::AVPixelFormat,
        sample_aspect: Rational,
        limits: Limits,
        options: VideoOptions,
    ) -> Result<Converter> {
        Converter::turned(size, format, Turn::default(), sample_aspect, limits, options)
    }

    fn turned(
        (width, height): (u32, u32),
        format: ffi::AVPixelFormat,
        turn: Turn,
        sample_aspect: Rational,
        limits: Limits,
        options: VideoOptions,
    ) -> Result<Converter> {
        limits.check_picture(width.into(), height.into(), 1)?;
        let sideways = options.upright && matches!(turn.degrees, 90 | 270);
        let swap = |(one, other)| if sideways { (other, one) } else { (one, other) };
        let (shown_width, shown_height) = swap((width, height));
        let (width_px, height_px) = match options.size {
            None => (shown_width, shown_height),
            Some(asked) => fitted(asked, (shown_width, shown_height))?,
        };
        // SAFETY: descriptors are constants, or null.
        let depth = unsafe {
            let descriptor = ffi::av_pix_fmt_desc_get(format).as_ref();
            descriptor.and_then(|it| it.comp.first()).map_or(8, |component| component.depth)
        };
        let depth = match options.depth {
            Depth::Auto if depth > 8 => Depth::U16,
            Depth::Auto => Depth::U8,
            stated => stated,
        };
        let target = Target { width_px, height_px, layout: options.layout, depth };
        let pixel_bytes = target.bytes() / target.pixels().max(1);
        limits.check_picture(width_px.into(), height_px.into(), pixel_bytes as u64)?;
        Ok(Converter {
            target,
            flat: swap((width_px, height_px)),
            turn,
            upright: options.upright,
            sample_aspect,
            limits,
            scaler: None,
            padded: Vec::new(),
            narrow: Vec::new(),
            turned: Vec::new(),
        })
    }

    pub(crate) fn target(&self) -> &Target {
        &self.target
    }

    /// The frame's numbers.
    pub(crate) fn values(&mut self, frame: &Frame) -> Result<Values> {
        let count = self.target.pixels() * self.target.layout.channels();
        match self.target.depth {
            Depth::U8 | Depth::Auto => {
                let mut values = vec![0_u8; count];
                self.write(frame, &mut values)?;
                Ok(Values::U8(values))
            }
            Depth::U16 => {
                let mut values = vec![0_u16; count];
                // SAFETY: any two bytes are such a number, and these are all of them.
                let bytes = unsafe { values.align_to_mut::<u8>().1 };
                self.write(frame, bytes)?;
                Ok(Values::U16(values))
            }
            Depth::F32 => {
                let mut values = vec![0_f32; count];
                // SAFETY: as above, of four bytes.
                let bytes = unsafe { values.align_to_mut::<u8>().1 };
                self.write(frame, bytes)?;
                Ok(Values::F32(values))
            }
        }
    }

    /// Writes the frame's numbers in this machine's byte order.
    pub(super) fn write(&mut self, frame: &Frame, output: &mut [u8]) -> Result<()> {
        if output.len() != self.target.bytes() {
            return Err(wrong_size(output.len()));
        }
        let meaning = Meaning::of(frame)?;
        let wide = match self.target.depth {
            Depth::U16 => true,
            Depth::F32 => meaning.depth > 8,
            Depth::U8 | Depth::Auto => false,
        };
        let is_float = self.target.depth == Depth::F32;
        let is_turned = self.upright && self.turn != Turn::default();
        if !is_turned && !is_float {
            return self.convert(frame, &meaning, wide, output);
        }
        let pixel_bytes = self.target.layout.channels() * if wide { 2 } else { 1 };
        let bytes = self.target.pixels() * pixel_bytes;
        let mut narrow = std::mem::take(&mut self.narrow);
        narrow.resize(bytes, 0);
        let converted = self.convert(frame, &meaning, wide, &mut narrow);
        self.narrow = narrow;
        converted?;
        let flat = (self.flat.0 as usize, self.flat.1 as usize);
        if !is_turned {
            floats(&self.narrow, wide, output);
            return Ok(());
        }
        if !is_float {
            turn(&self.narrow, flat, pixel_bytes, self.turn, output);
            return Ok(());
        }
        self.turned.resize(bytes, 0);
        turn(&self.narrow, flat, pixel_bytes, self.turn, &mut self.turned);
        floats(&self.turned, wide, output);
        Ok(())
    }

    /// Primaries and transfer of the numbers, where they are not plain.
    pub(super) fn color(&self, frame: &Frame) -> Color {
        let given = frame.get();
        let is_pq_or_hlg = matches!(
            given.color_trc,
            ffi::AVColorTransferCharacteristic::SMPTE2084
                | ffi::AVColorTransferCharacteristic::ARIB_STD_B67
        );
        let is_wide = given.color_primaries == ffi::AVColorPrimaries::BT2020
            || matches!(given.colorspace.0, 9 | 10);
        if !is_pq_or_hlg && !is_wide {
            return Color::default();
        }
        // SAFETY: names are constants, or null.
        unsafe {
            Color {
                primaries: string(ffi::av_color_primaries_name(given.color_primaries)),
                transfer: string(ffi::av_color_transfer_name(given.color_trc)),
                range: Some("pc".to_owned()),
                ..Color::default()
            }
        }
    }

    /// Pixels before the turn, one or two bytes a number.
    fn convert(
        &mut self,
        frame: &Frame,
        meaning: &Meaning,
        wide: bool,
        output: &mut [u8],
    ) -> Result<()> {
        let given = frame.get();
        let size = (u32::try_from(given.width).ok(), u32::try_from(given.height).ok());
        if size == (Some(self.flat.0), Some(self.flat.1)) {
            let done = match self.target.layout {
                Layout::Gray => planes::luma(frame, meaning, wide, output),
                layout => !wide && planes::rgb(frame, meaning, layout, output),
            };
            if done {
                return Ok(());
            }
        }
        self.scale(frame, meaning, wide, output)
    }

    fn scale(
        &mut self,
        frame: &Frame,
        meaning: &Meaning,
        wide: bool,
        output: &mut [u8],
    ) -> Result<()> {
        let given = frame.get();
        let stored = |px: c_int| u64::from(px.max(0).unsigned_abs());
        self.limits.check_picture(stored(given.width), stored(given.height), 1)?;
        let (width, height) = self.flat;
        let to = pixel_format(self.target.layout, wide);
        let row_bytes = width as usize * self.target.layout.channels() * if wide { 2 } else { 1 };
        let stride = row_bytes.next_multiple_of(ALIGN_BYTES);
        self.padded.resize(stride * height as usize + 2 * ALIGN_BYTES, 0);
        let full = c_int::from(meaning.full_range);
        let (wide_px, high_px) = (width as c_int, height as c_int);
        let kind =
            [given.width, given.height, given.format, wide_px, high_px, to.0, meaning.matrix, full];
        if self.scaler.as_ref().is_none_or(|scaler| scaler.kind != kind) {
            self.scaler = Some(Scaler::new(kind)?);
        }
        let Some(scaler) = &self.scaler else { return Err(Error::bug(WHAT, "no scaler")) };
        let skipped = self.padded.as_ptr().align_offset(ALIGN_BYTES).min(ALIGN_BYTES);
        // SAFETY: the scaler gets the planes that the frame holds for its size
        // and format, and an output with room for every row and what it writes
        // beyond.
        let code = unsafe {
            let planes = [
                self.padded.as_mut_ptr().add(skipped),
                ptr::null_mut(),
                ptr::null_mut(),
                ptr::null_mut(),
            ];
            let strides = [stride as c_int, 0, 0, 0];
            ffi::sws_scale(
                scaler.context,
                given.data.as_ptr().cast(),
                given.linesize.as_ptr(),
                0,
                given.height,
                planes.as_ptr(),
                strides.as_ptr(),
            )
        };
        if code < 0 {
            return Err(error(WHAT, code));
        }
        let rows = self.padded.get(skipped..).unwrap_or_default().chunks_exact(stride);
        for (row, place) in rows.zip(output.chunks_exact_mut(row_bytes)) {
            place.copy_from_slice(row.get(..row_bytes).unwrap_or_default());
        }
        Ok(())
    }
}

impl Scaler {
    /// For frames of this width, height and format, to those, with this matrix
    /// and range.
    fn new(kind: [c_int; 8]) -> Result<Scaler> {
        let [from_width, from_height, from, to_width, to_height, to, matrix, full] = kind;
        let from = ffi::AVPixelFormat(from);
        // SAFETY: takes a number.
        if unsafe { ffi::sws_isSupportedInput(from) } == 0 {
            let why = "its pixel format cannot be converted";
            return Err(Error::new(ErrorKind::Unsupported, WHAT, why));
        }
        let shrinks = i64::from(to_width) * 2 <= i64::from(from_width);
        let method = if shrinks { AREA } else { BICUBIC };
        // SAFETY: sizes and formats are checked; the rest is null, as allowed.
        unsafe {
            let context = ffi::sws_getContext(
                from_width,
                from_height,
                from,
                to_width,
                to_height,
                ffi::AVPixelFormat(to),
                (method | FULL_CHROMA | ACCURATE | BIT_EXACT) as _,
                ptr::null_mut(),
                ptr::null_mut(),
                ptr::null(),
            );
            if context.is_null() {
                return Err(error(WHAT, ffi::AVERROR(libc::ENOMEM)));
            }
            let table = ffi::sws_getCoefficients(matrix);
            ffi::sws_setColorspaceDetails(context, table, full, table, 1, 0, 1 << 16, 1 << 16);
            Ok(Scaler { context, kind })
        }
    }
}

/// The buffer given is not that of a frame.
pub(crate) fn wrong_size(bytes: usize) -> Error {
    let why = format!("the buffer given has {bytes} bytes");
    Error::new(ErrorKind::Invalid, WHAT, why).remedy("give one of frame_bytes for each frame")
}

/// The size asked for; a side of 0 keeps the ratio.
pub(crate) fn fitted(
    (width, height): (u32, u32),
    (whole_width, whole_height): (u32, u32),
) -> Result<(u32, u32)> {
    let keep = |side: u32, other: u32, this: u32| {
        let exact = u128::from(side) * u128::from(this) * 2 + u128::from(other);
        u32::try_from(exact / (u128::from(other.max(1)) * 2)).unwrap_or(u32::MAX).max(1)
    };
    match (width, height) {
        (0, 0) => {
            let why = "the size asked for is 0 by 0";
            Err(Error::new(ErrorKind::Invalid, WHAT, why).remedy("state one side, or no size"))
        }
        (0, height) => Ok((keep(height, whole_height, whole_width), height)),
        (width, 0) => Ok((width, keep(width, whole_width, whole_height))),
        asked => Ok(asked),
    }
}

fn pixel_format(layout: Layout, wide: bool) -> ffi::AVPixelFormat {
    use ffi::AVPixelFormat as Format;
    match (layout, wide, cfg!(target_endian = "big")) {
        (Layout::Gray, false, _) => Format::GRAY8,
        (Layout::Rgb, false, _) => Format::RGB24,
        (Layout::Rgba, false, _) => Format::RGBA,
        (Layout::Gray, true, false) => Format::GRAY16LE,
        (Layout::Rgb, true, false) => Format::RGB48LE,
        (Layout::Rgba, true, false) => Format::RGBA64LE,
        (Layout::Gray, true, true) => Format::GRAY16BE,
        (Layout::Rgb, true, true) => Format::RGB48BE,
        (Layout::Rgba, true, true) => Format::RGBA64BE,
    }
}

/// Whole numbers as fractions of the largest.
fn floats(whole: &[u8], wide: bool, output: &mut [u8]) {
    let places = output.chunks_exact_mut(4);
    if wide {
        for (pair, place) in whole.chunks_exact(2).zip(places) {
            let value = pair.try_into().map_or(0, u16::from_ne_bytes);
            place.copy_from_slice(&(f32::from(value) / 65_535.0).to_ne_bytes());
        }
    } else {
        for (&value, place) in whole.iter().zip(places) {
            place.copy_from_slice(&(f32::from(value) / 255.0).to_ne_bytes());
        }
    }
}
