//! Decoded frames as an encoder wants them, without a way through RGB.

use ffmpeg::ffi;
use rushes_media::{Rational, Result};

use super::fraction;
use super::light::Light;
use super::native::{is_full_range, is_gray, plain};
use super::pictures::Pictures;
use super::scaler::{self, Scaler, Side};
use crate::av::color::Codes;
use crate::av::decode::Frame;
use crate::av::swscale;

/// Hands decoded frames on, converted only where they differ from what the
/// encoder takes.
pub(super) struct StoredPixels {
    pub(super) pictures: Pictures,
    stated: Codes,
    /// What the encoder gets: the frame itself, or what was made of it.
    given: Option<Frame>,
    made: Option<Frame>,
    scaler: Option<Scaler>,
}

impl StoredPixels {
    /// For frames of this stream, of which the first is given, to this pixel
    /// format.
    pub(super) fn new(
        codec: &'static str,
        format: ffi::AVPixelFormat,
        first: &Frame,
        stream: *mut ffi::AVStream,
        sample_aspect: Rational,
    ) -> StoredPixels {
        let stated = Codes::of_stream(stream);
        let mut codes = Codes::of_frame(first).or(stated);
        let given = first.get();
        let from = ffi::AVPixelFormat(given.format);
        codes.range = match codec {
            "mjpeg" => ffi::AVColorRange::JPEG,
            // They have no other.
            "prores" | "dnxhr" | "mpeg4" | "mpeg2" | "theora" => ffi::AVColorRange::MPEG,
            _ if plain(from) != from => ffi::AVColorRange::JPEG,
            _ if is_gray(from) && !is_gray(format) => ffi::AVColorRange::MPEG,
            _ => codes.range,
        };
        let pictures = Pictures {
            codec,
            width_px: given.width,
            height_px: given.height,
            format,
            codes,
            sample_aspect: fraction(sample_aspect),
            chroma_location: given.chroma_location,
            light: Light::of(first, stream),
        };
        StoredPixels { pictures, stated, given: None, made: None, scaler: None }
    }

    /// The frame as the encoder wants it, shown at `ticks`.
    pub(super) fn convert(&mut self, frame: Frame, ticks: i64) -> Result<&Frame> {
        let wanted = &self.pictures;
        let given = frame.get();
        let format = ffi::AVPixelFormat(given.format);
        let codes = Codes::of_frame(&frame).or(self.stated);
        let from = Side {
            width_px: given.width,
            height_px: given.height,
            format: plain(format),
            is_full_range: is_full_range(format, codes),
        };
        let to = Side {
            width_px: wanted.width_px,
            height_px: wanted.height_px,
            format: plain(wanted.format),
            is_full_range: is_full_range(wanted.format, wanted.codes),
        };
        let ready = if from == to {
            self.given.insert(frame)
        } else {
            let matrix = swscale::matrix(codes.matrix.0, from.width_px, from.height_px);
            let scaler = match self.scaler.take() {
                Some(scaler) if scaler.is_for(from, to, matrix) => scaler,
                _ => Scaler::new(from, to, matrix)?,
            };
            let mut made = match self.made.take() {
                Some(made) => made,
                None => scaler::frame(to.width_px, to.height_px, to.format)?,
            };
            scaler.scale(&frame, &mut made)?;
            self.scaler = Some(scaler);
            self.made.insert(made)
        };
        // SAFETY: the frame is ours, only its content is shared.
        unsafe {
            (*ready.0).format = wanted.format.0;
            (*ready.0).colorspace = wanted.codes.matrix;
            (*ready.0).color_primaries = wanted.codes.primaries;
            (*ready.0).color_trc = wanted.codes.transfer;
            (*ready.0).color_range = wanted.codes.range;
            (*ready.0).pts = ticks;
            (*ready.0).pict_type = ffi::AVPictureType::NONE;
        }
        Ok(ready)
    }
}
