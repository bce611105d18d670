//! What a camera sends, made into frames.

use std::ffi::c_int;

use ffmpeg::ffi;
use rushes_media::{Error, ErrorKind, Rational, Result};

use super::layout::Known;
use super::v4l2::Set;
use super::{CameraOptions, OPENING, WHAT};
use crate::av::decode::{Decoder, Frame};
use crate::av::error;
use crate::av::input::Packet;
use crate::video::{Converter, Depth, VideoOptions};

/// The most planes that a format here has.
const MOST_PLANES: usize = 3;

/// Beside the pixels of a JPEG.
const MOST_TAG_BYTES: usize = 256 << 10;

/// A plane as the camera sends it.
#[derive(Clone, Copy, Debug)]
struct Plane {
    start: usize,
    stride: usize,
    row_bytes: usize,
    rows: usize,
}

enum Way {
    Copied { planes: Vec<Plane>, bytes: usize },
    Decoded(Box<Decoder>),
}

/// Makes frames.
pub(super) struct Pixels {
    way: Way,
    format: ffi::AVPixelFormat,
    set: Set,
    picture: Frame,
    converter: Converter,
}

// SAFETY: the decoder belongs to this value alone, and is used by one thread at a time.
unsafe impl Send for Pixels {}

impl Pixels {
    /// # Errors
    /// `Limit` when the pictures are too large, `Corrupt` when what is stated contradicts itself.
    pub(super) fn new(known: Known, set: &Set, options: &CameraOptions) -> Result<Pixels> {
        let limits = options.limits;
        limits.check_picture(set.width_px.into(), set.height_px.into(), 4)?;
        let (way, format) = match known {
            Known::Raw(format) => (raw(format, set)?, format),
            Known::Jpeg => {
                let size = (set.width_px, set.height_px);
                let decoder = Decoder::of_pictures(ffi::AVCodecID::MJPEG, size, &limits)?;
                (Way::Decoded(Box::new(decoder)), ffi::AVPixelFormat::YUVJ422P)
            }
        };
        if let Way::Copied { bytes, .. } = &way
            && *bytes as u64 > limits.picture_bytes
        {
            let why = format!("its pictures take {bytes} bytes each");
            return Err(Error::new(ErrorKind::Limit, OPENING, why).remedy("ask for a smaller size"));
        }
        let frames = VideoOptions {
            layout: options.layout,
            depth: Depth::U8,
            size: options.size,
            upright: false,
            ..VideoOptions::default()
        };
        let size = (set.width_px, set.height_px);
        let converter = Converter::of(size, format, Rational::whole(1), limits, frames)?;
        Ok(Pixels { way, format, set: *set, picture: Frame::new()?, converter })
    }

    /// Width and height of the frames.
    pub(super) fn size(&self) -> (u32, u32) {
        let target = self.converter.target();
        (target.width_px, target.height_px)
    }

    /// Bytes that a picture of the camera may have: of JPEG as many as without it, and some tags.
    pub(super) fn most_bytes(&self) -> usize {
        match &self.way {
            Way::Copied { bytes, .. } => *bytes,
            Way::Decoded(_) => {
                self.set.width_px as usize * self.set.height_px as usize * 4 + MOST_TAG_BYTES
            }
        }
    }

    /// The frame in what the camera sent.
    ///
    /// # Errors
    /// `Corrupt` when it is not whole.
    pub(super) fn frame(&mut self, bytes: &[u8]) -> Result<rushes_media::Frame> {
        // SAFETY: the frame is ours; nobody has its planes.
        unsafe { ffi::av_frame_unref(self.picture.0) };
        match &mut self.way {
            Way::Copied { planes, bytes: least } => {
                if bytes.len() < *least {
                    let why = format!("a frame has {} of {least} bytes", bytes.len());
                    return Err(Error::new(ErrorKind::Corrupt, WHAT, why));
                }
                copy(&mut self.picture, self.format, &self.set, planes, bytes)?;
            }
            Way::Decoded(decoder) => decode(decoder, bytes, &mut self.picture)?,
        }
        let values = self.converter.values(&self.picture)?;
        let target = self.converter.target();
        rushes_media::Frame::new(target.width_px, target.height_px, target.layout, values)
    }
}

/// Where the planes lie: one after another, those of chroma with their part of the first one's stride.
fn raw(format: ffi::AVPixelFormat, set: &Set) -> Result<Way> {
    let wrong = |why: String| Error::new(ErrorKind::Corrupt, OPENING, why);
    let too_large = || wrong(format!("it states {}x{} pixels", set.width_px, set.height_px));
    let (width, height) = (set.width_px as usize, set.height_px as usize);
    // SAFETY: descriptors are constants, or null; sizes are checked.
    let (count, down) = unsafe {
        let descriptor = ffi::av_pix_fmt_desc_get(format).as_ref();
        let down = descriptor.map_or(0, |it| it.log2_chroma_h);
        (ffi::av_pix_fmt_count_planes(format), u32::from(down))
    };
    let count = usize::try_from(count).unwrap_or(0).min(MOST_PLANES);
    let mut planes: Vec<Plane> = Vec::with_capacity(count);
    let mut start = 0_usize;
    for number in 0..count {
        // SAFETY: takes numbers; what it gives is checked.
        let bytes =
            unsafe { ffi::av_image_get_linesize(format, set.width_px as c_int, number as c_int) };
        let row_bytes = usize::try_from(bytes).ok().filter(|&it| it > 0).ok_or_else(too_large)?;
        let stride = match (set.row_bytes as usize, planes.first()) {
            (0, _) => row_bytes,
            (stated, None) => stated,
            (stated, Some(first)) => {
                stated.checked_mul(row_bytes).ok_or_else(too_large)? / first.row_bytes
            }
        };
        if stride < row_bytes {
            return Err(wrong(format!("a row of {width} pixels has {} bytes", set.row_bytes)));
        }
        let rows = if number == 0 { height } else { height.div_ceil(1 << down) };
        planes.push(Plane { start, stride, row_bytes, rows });
        let room = stride.checked_mul(rows).ok_or_else(too_large)?;
        start = start.checked_add(room).ok_or_else(too_large)?;
    }
    // Drivers leave out what is behind the last row.
    let bytes = planes.last().map_or(0, |it| start - (it.stride - it.row_bytes));
    Ok(Way::Copied { planes, bytes })
}

/// Copies the planes, without what is between their rows.
fn copy(
    picture: &mut Frame,
    format: ffi::AVPixelFormat,
    set: &Set,
    planes: &[Plane],
    bytes: &[u8],
) -> Result<()> {
    // SAFETY: the frame is ours and empty; its size is within the limits.
    let (code, data, strides) = unsafe {
        let given = &mut *picture.0;
        given.format = format.0;
        (given.width, given.height) = (set.width_px as c_int, set.height_px as c_int);
        given.colorspace = ffi::AVColorSpace(set.matrix as _);
        given.color_range =
            if set.full_range { ffi::AVColorRange::JPEG } else { ffi::AVColorRange::MPEG };
        (ffi::av_frame_get_buffer(picture.0, 0), given.data, given.linesize)
    };
    if code < 0 {
        return Err(error(WHAT, code));
    }
    for (plane, (&data, &to)) in planes.iter().zip(data.iter().zip(&strides)) {
        let to = usize::try_from(to).unwrap_or(0);
        if data.is_null() || to < plane.row_bytes {
            return Err(Error::bug(WHAT, "a frame has no room for its rows"));
        }
        let rows = bytes.get(plane.start..).unwrap_or_default().chunks(plane.stride);
        for (number, row) in rows.take(plane.rows).enumerate() {
            let row = row.get(..plane.row_bytes).unwrap_or_default();
            // SAFETY: the frame has room for these rows, with its stride between them.
            unsafe { data.add(number * to).copy_from_nonoverlapping(row.as_ptr(), row.len()) };
        }
    }
    Ok(())
}

/// Decodes a picture that stands alone.
fn decode(decoder: &mut Decoder, bytes: &[u8], picture: &mut Frame) -> Result<()> {
    let packet = Packet::new()?;
    let size = c_int::try_from(bytes.len()).unwrap_or(c_int::MAX);
    // SAFETY: the packet is ours; so many bytes are made room for, and are there.
    unsafe {
        let code = ffi::av_new_packet(packet.0, size);
        if code < 0 {
            return Err(error(WHAT, code));
        }
        (*packet.0).data.copy_from_nonoverlapping(bytes.as_ptr(), size as usize);
    }
    let code = match decoder.send(packet.0) {
        0.. => decoder.receive(picture),
        failed => failed,
    };
    if code < 0 {
        decoder.flush();
        let why = "a frame cannot be decoded";
        return Err(Error::new(ErrorKind::Corrupt, WHAT, why));
    }
    if picture.is_corrupt() {
        return Err(Error::new(ErrorKind::Corrupt, WHAT, "a frame is damaged"));
    }
    Ok(())
}
