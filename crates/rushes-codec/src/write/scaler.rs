//! libswscale between what is given and what an encoder wants.

use std::ffi::c_int;
use std::ptr;

use ffmpeg::ffi;
use rushes_media::{Error, ErrorKind, Result};

use super::WHAT;
use crate::av::decode::Frame;
use crate::av::error;
use crate::av::swscale::{ACCURATE, BICUBIC, BIT_EXACT, FULL_CHROMA};

/// Pixels on one side of a scaler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Side {
    pub(super) width_px: c_int,
    pub(super) height_px: c_int,
    pub(super) format: ffi::AVPixelFormat,
    pub(super) is_full_range: bool,
}

/// A scaler from one kind of pixels to another.
pub(super) struct Scaler {
    context: *mut ffi::SwsContext,
    from: Side,
    to: Side,
    matrix: c_int,
}

// SAFETY: the context belongs to this value alone.
unsafe impl Send for Scaler {}

impl Drop for Scaler {
    fn drop(&mut self) {
        // SAFETY: ours.
        unsafe { ffi::sws_freeContext(self.context) };
    }
}

impl Scaler {
    /// With this matrix, by its number in ITU-T H.273, on the sides that have
    /// one.
    pub(super) fn new(from: Side, to: Side, matrix: c_int) -> Result<Scaler> {
        // SAFETY: libswscale checks sizes and formats; the rest is null, as
        // allowed.
        unsafe {
            let context = ffi::sws_getContext(
                from.width_px,
                from.height_px,
                from.format,
                to.width_px,
                to.height_px,
                to.format,
                (BICUBIC | FULL_CHROMA | ACCURATE | BIT_EXACT) as _,
                ptr::null_mut(),
                ptr::null_mut(),
                ptr::null(),
            );
            if context.is_null() {
                let why = "libswscale cannot make what the codec wants of it";
                return Err(Error::new(ErrorKind::Unsupported, WHAT, why));
            }
            let table = ffi::sws_getCoefficients(matrix);
            let (full, to_full) = (c_int::from(from.is_full_range), c_int::from(to.is_full_range));
            ffi::sws_setColorspaceDetails(
                context,
                table,
                full,
                table,
                to_full,
                0,
                1 << 16,
                1 << 16,
            );
            Ok(Scaler { context, from, to, matrix })
        }
    }

    pub(super) fn is_for(&self, from: Side, to: Side, matrix: c_int) -> bool {
        (self.from, self.to, self.matrix) == (from, to, matrix)
    }

    /// Converts one frame into the other, which have the pixels of its sides.
    pub(super) fn scale(&self, from: &Frame, to: &mut Frame) -> Result<()> {
        // An encoder may still hold the buffer of a frame before.
        // SAFETY: both frames are whole and of the sides' size and format.
        let code = unsafe {
            let code = ffi::av_frame_make_writable(to.0);
            if code < 0 {
                return Err(error(WHAT, code));
            }
            let (from, to) = (from.get(), to.get());
            ffi::sws_scale(
                self.context,
                from.data.as_ptr().cast(),
                from.linesize.as_ptr(),
                0,
                from.height,
                to.data.as_ptr(),
                to.linesize.as_ptr(),
            )
        };
        if code < 0 { Err(error(WHAT, code)) } else { Ok(()) }
    }
}

/// An empty frame with room for these pixels.
pub(super) fn frame(
    width_px: c_int,
    height_px: c_int,
    format: ffi::AVPixelFormat,
) -> Result<Frame> {
    let frame = Frame::new()?;
    // SAFETY: the frame is ours; libav checks size and format.
    let code = unsafe {
        (*frame.0).width = width_px;
        (*frame.0).height = height_px;
        (*frame.0).format = format.0;
        ffi::av_frame_get_buffer(frame.0, 0)
    };
    if code < 0 { Err(error(WHAT, code)) } else { Ok(frame) }
}
