//! Fields of interlaced pictures made into pictures, plane by plane as they
//! are stored, before anything else is done to them.

use std::ffi::c_int;
use std::slice;

use ffmpeg::ffi;
use rushes_media::{Error, ErrorKind, Frame, Layout, Result, Values};

use crate::av::decode::Frame as Decoded;
use crate::write::{WHAT, scaler};

/// The picture of one field: its own lines of a frame stay, and those between
/// are made with the help of the frame beside it. `true` when it has the lines
/// 0, 2, 4 and so on. Planes are grey frames.
pub type Field = fn(&Frame, &Frame, bool) -> Result<Frame>;

/// How interlaced pictures become whole ones. Those that say that they are
/// whole stay as they are, unless an order of fields is given.
#[derive(Clone, Copy, Debug)]
pub struct Deinterlacing {
    /// Makes the picture of a field.
    pub field: Field,
    /// A picture of each field, so that there are twice as many; else one of
    /// the first field of each frame.
    pub both: bool,
    /// Whether the field of the upper line comes first; `None` for what the
    /// file says.
    pub top_first: Option<bool>,
}

/// Where a plane's numbers lie.
struct Plane {
    row_bytes: usize,
    rows: usize,
}

/// What the planes of a pixel format are, and the largest of its numbers.
struct Planes {
    planes: Vec<Plane>,
    is_wide: bool,
    most: u16,
}

impl Planes {
    fn of(frame: &Decoded) -> Result<Planes> {
        let given = frame.get();
        let format = ffi::AVPixelFormat(given.format);
        // SAFETY: descriptors are constants, or null.
        let descriptor = unsafe { ffi::av_pix_fmt_desc_get(format).as_ref() };
        let descriptor = descriptor.ok_or_else(refused)?;
        let odd = ffi::AV_PIX_FMT_FLAG_PAL
            | ffi::AV_PIX_FMT_FLAG_BITSTREAM
            | ffi::AV_PIX_FMT_FLAG_HWACCEL
            | ffi::AV_PIX_FMT_FLAG_BAYER
            | ffi::AV_PIX_FMT_FLAG_FLOAT
            | if cfg!(target_endian = "little") { ffi::AV_PIX_FMT_FLAG_BE } else { 0 };
        let parts = descriptor.comp.get(..usize::from(descriptor.nb_components));
        let parts = parts.unwrap_or_default();
        let bits = parts.iter().map(|part| part.depth + part.shift).max().unwrap_or(0);
        let is_wide = bits > 8;
        let whole = |part: &ffi::AVComponentDescriptor| {
            let bytes = if is_wide { 2 } else { 1 };
            part.depth >= 8 && part.step % bytes == 0 && part.offset % bytes == 0
        };
        let is_odd = descriptor.flags & u64::from(odd.unsigned_abs()) != 0;
        if is_odd || !(8..=16).contains(&bits) || !parts.iter().all(whole) {
            return Err(refused());
        }
        let mut planes = Vec::new();
        // SAFETY: libav checks the format and the plane.
        let count = unsafe { ffi::av_pix_fmt_count_planes(format) };
        for plane in 0..count {
            // SAFETY: as above.
            let row_bytes = unsafe { ffi::av_image_get_linesize(format, given.width, plane) };
            let is_chroma = matches!(plane, 1 | 2);
            let shift = if is_chroma { u32::from(descriptor.log2_chroma_h) } else { 0 };
            let rows = (given.height + (1 << shift) - 1) >> shift;
            planes.push(Plane {
                row_bytes: usize::try_from(row_bytes).map_err(|_| refused())?,
                rows: usize::try_from(rows).map_err(|_| refused())?,
            });
        }
        let most = ((1_u32 << bits) - 1) as u16;
        Ok(Planes { planes, is_wide, most })
    }

    /// One plane as a grey frame.
    fn take(&self, frame: &Decoded, number: usize, plane: &Plane) -> Result<Frame> {
        let mut bytes = Vec::with_capacity(plane.row_bytes * plane.rows);
        for row in 0..plane.rows {
            // SAFETY: libav has so many bytes in each row of the plane.
            unsafe {
                let start = place(frame, number, row);
                bytes.extend_from_slice(slice::from_raw_parts(start, plane.row_bytes));
            }
        }
        let number_bytes = if self.is_wide { 2 } else { 1 };
        let width = (plane.row_bytes / number_bytes) as u32;
        let values = if self.is_wide {
            Values::U16(bytes.as_chunks().0.iter().map(|it| u16::from_ne_bytes(*it)).collect())
        } else {
            Values::U8(bytes)
        };
        Frame::new(width, plane.rows as u32, Layout::Gray, values)
    }

    fn put(&self, made: &Frame, into: &mut Decoded, number: usize, plane: &Plane) {
        let wide: Vec<u8>;
        let bytes: &[u8] = match made.values() {
            Values::U8(values) => values,
            Values::U16(values) => {
                // What swings beyond the format's numbers is cut off at their ends.
                let within = values.iter().flat_map(|it| it.min(&self.most).to_ne_bytes());
                wide = within.collect();
                &wide
            }
            Values::F32(_) => &[],
        };
        for (row, given) in bytes.chunks_exact(plane.row_bytes.max(1)).take(plane.rows).enumerate()
        {
            // SAFETY: the frame was made with room for such rows.
            unsafe {
                let start = place(into, number, row).cast_mut();
                slice::from_raw_parts_mut(start, plane.row_bytes).copy_from_slice(given);
            }
        }
    }
}

/// Where a row of a plane begins.
///
/// # Safety
/// The frame has that plane and that row.
unsafe fn place(frame: &Decoded, plane: usize, row: usize) -> *const u8 {
    let given = frame.get();
    // SAFETY: as the caller says.
    unsafe { given.data[plane].offset(given.linesize[plane] as isize * row as isize) }
}

/// The picture of one field of a frame.
///
/// # Errors
/// `Unsupported` for pixels that do not lie in planes of whole numbers, and
/// those of making it.
pub(super) fn picture(
    field: Field,
    frame: &Decoded,
    beside: &Decoded,
    is_top: bool,
) -> Result<Decoded> {
    let given = frame.get();
    let planes = Planes::of(frame)?;
    let other = beside.get();
    if (given.width, given.height, given.format) != (other.width, other.height, other.format) {
        let why = "its pictures change their size or their pixels on the way";
        return Err(Error::new(ErrorKind::Unsupported, "deinterlacing", why));
    }
    let format = ffi::AVPixelFormat(given.format);
    let mut made = scaler::frame(given.width, given.height, format)?;
    // SAFETY: both frames are whole.
    let code: c_int = unsafe { ffi::av_frame_copy_props(made.0, frame.0) };
    if code < 0 {
        return Err(crate::av::error(WHAT, code));
    }
    made.set_whole();
    for (number, plane) in planes.planes.iter().enumerate() {
        let own = planes.take(frame, number, plane)?;
        let found = field(&own, &planes.take(beside, number, plane)?, is_top)?;
        planes.put(&found, &mut made, number, plane);
    }
    Ok(made)
}

fn refused() -> Error {
    let why = "its pixels are stored in a way of which no fields are made here";
    Error::new(ErrorKind::Unsupported, "deinterlacing", why)
}
