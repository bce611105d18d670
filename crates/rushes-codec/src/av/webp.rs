//! Pictures as WebP, by libav's libwebp encoder.

use std::slice;

use ffmpeg::ffi;
use rushes_media::{Error, ErrorKind, Layout, Picture, Pixels, Result};

use super::decode::Frame;
use super::error;
use super::input::{Options, Packet};

const WHAT: &str = "encoding WebP";

/// Longest side that WebP can hold.
const SIDE_PX: u32 = 16_383;

/// An encoder's context, freed in the end.
struct Encoder(*mut ffi::AVCodecContext);

impl Drop for Encoder {
    fn drop(&mut self) {
        // SAFETY: the context is ours, or null.
        unsafe { ffi::avcodec_free_context(&raw mut self.0) };
    }
}

/// The picture as a lossy WebP file. `quality` is 0 to 100.
///
/// # Errors
/// `Invalid` for 16-bit pictures, which must be tone-mapped first, and for
/// sides over 16,383 pixels; `Unsupported` when the linked FFmpeg has no
/// libwebp.
pub fn encode_webp(picture: &Picture, quality: u8) -> Result<Vec<u8>> {
    let Pixels::U8(values) = picture.pixels() else {
        return Err(Error::new(ErrorKind::Invalid, WHAT, "the picture has 16 bits")
            .remedy("tone-map it to 8 bits first"));
    };
    encode_numbers(values, (picture.width_px(), picture.height_px()), Layout::Rgb, quality)
}

/// Rows of 8-bit numbers as a lossy WebP file.
///
/// # Errors
/// As for [`encode_webp`].
pub(crate) fn encode_numbers(
    values: &[u8],
    (width, height): (u32, u32),
    layout: Layout,
    quality: u8,
) -> Result<Vec<u8>> {
    super::start();
    if width > SIDE_PX || height > SIDE_PX {
        let why = format!("{width}x{height} pixels are more than the 16,383 a side it can hold");
        return Err(Error::new(ErrorKind::Invalid, WHAT, why).remedy("scale it down first"));
    }
    // SAFETY: the encoder is a constant; context, frame and packet are ours
    // and freed by their owners; the frame's rows are written within the
    // buffer that libav made for this size.
    unsafe {
        let codec = ffi::avcodec_find_encoder_by_name(c"libwebp".as_ptr());
        if codec.is_null() {
            let why = "the linked FFmpeg was built without libwebp";
            return Err(Error::new(ErrorKind::Unsupported, WHAT, why)
                .remedy("install an FFmpeg with it, such as the distribution's own"));
        }
        let encoder = Encoder(ffi::avcodec_alloc_context3(codec));
        if encoder.0.is_null() {
            return Err(error(WHAT, ffi::AVERROR(libc::ENOMEM)));
        }
        (*encoder.0).width = width as i32;
        (*encoder.0).height = height as i32;
        (*encoder.0).pix_fmt = ffi::AVPixelFormat::BGRA;
        (*encoder.0).time_base = ffi::AVRational { num: 1, den: 25 };
        let mut options = Options::new();
        options.set("quality", &quality.min(100).to_string());
        options.set("threads", "1");
        let code = ffi::avcodec_open2(encoder.0, codec, &raw mut options.0);
        if code < 0 {
            return Err(error(WHAT, code));
        }
        let frame = Frame::new()?;
        (*frame.0).width = width as i32;
        (*frame.0).height = height as i32;
        (*frame.0).format = ffi::AVPixelFormat::BGRA.0;
        (*frame.0).pts = 0;
        let code = ffi::av_frame_get_buffer(frame.0, 0);
        if code < 0 {
            return Err(error(WHAT, code));
        }
        fill(&frame, values, width as usize, height as usize, layout);
        let code = ffi::avcodec_send_frame(encoder.0, frame.0);
        if code < 0 {
            return Err(error(WHAT, code));
        }
        ffi::avcodec_send_frame(encoder.0, std::ptr::null());
        let packet = Packet::new()?;
        let code = ffi::avcodec_receive_packet(encoder.0, packet.0);
        if code < 0 {
            return Err(error(WHAT, code));
        }
        let size = usize::try_from(packet.get().size).unwrap_or(0);
        Ok(slice::from_raw_parts(packet.get().data, size).to_vec())
    }
}

/// Writes rows into a frame of blue, green, red and alpha.
///
/// # Safety
/// The frame owns a writable buffer of `width` times `height` BGRA pixels.
unsafe fn fill(frame: &Frame, values: &[u8], width: usize, height: usize, layout: Layout) {
    let [start, ..] = frame.get().data;
    let [stride, ..] = frame.get().linesize;
    let stride = usize::try_from(stride).unwrap_or(0);
    let channels = layout.channels();
    for (at, row) in values.chunks_exact(width * channels).take(height).enumerate() {
        // SAFETY: each of the `height` rows has room for `width` pixels.
        let out = unsafe { slice::from_raw_parts_mut(start.add(at * stride), width * 4) };
        for (pixel, value) in out.chunks_exact_mut(4).zip(row.chunks_exact(channels)) {
            let [b, g, r, a] = pixel else { continue };
            (*r, *g, *b, *a) = match *value {
                [grey] => (grey, grey, grey, 255),
                [red, green, blue] => (red, green, blue, 255),
                [red, green, blue, alpha] => (red, green, blue, alpha),
                _ => continue,
            };
        }
    }
}
