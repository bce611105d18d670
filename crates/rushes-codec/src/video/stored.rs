//! Decoded planes as they are stored.

use std::ffi::c_int;
use std::ptr;

use ffmpeg::ffi;
use rushes_media::{Error, ErrorKind, Limits, Plane, Planes, Result, Values};

use super::planes::plane;
use super::reader::VideoReader;
use crate::av::color::Codes;
use crate::av::decode::Frame;
use crate::av::string;

const WHAT: &str = "taking a frame's planes";

/// libav's flags of a pixel format that is not read plane by plane: its
/// numbers are no colours, or they are not in memory.
const NO_PLANES: c_int =
    ffi::AV_PIX_FMT_FLAG_HWACCEL | ffi::AV_PIX_FMT_FLAG_PAL | ffi::AV_PIX_FMT_FLAG_BAYER;

impl VideoReader<'_> {
    /// Frame `i` as it is stored: every component in the size and the numbers
    /// that the decoder gives, not turned, with what they mean. Layout, depth,
    /// size and turn of the options do not matter to it.
    ///
    /// # Errors
    /// As for [`VideoReader::frame`]; `Unsupported` for pixels that have no
    /// components of their own, such as those with a palette.
    pub fn planes(&mut self, i: usize) -> Result<Planes> {
        let decoded = self.decoded(i)?;
        self.taken_apart(i, &decoded)
    }

    /// The planes of the next frame, as [`VideoReader::next`] goes through
    /// them; `None` after the last.
    ///
    /// # Errors
    /// As for [`VideoReader::planes`].
    pub fn next_planes(&mut self) -> Result<Option<Planes>> {
        match self.next_decoded()? {
            Some((i, decoded)) => self.taken_apart(i, &decoded).map(Some),
            None => Ok(None),
        }
    }

    fn taken_apart(&self, i: usize, decoded: &Frame) -> Result<Planes> {
        let mut planes = planes(decoded, Codes::of_stream(self.stream()), self.limits())?;
        (planes.rotation_degrees, planes.mirrored) = self.rotation();
        planes.time_secs = Some(self.index().time_secs(i));
        planes.duration_secs = Some(self.index().duration_secs(i));
        Ok(planes)
    }
}

/// The frame's planes; `stated` is what its stream says of its colour.
fn planes(frame: &Frame, stated: Codes, limits: &Limits) -> Result<Planes> {
    let given = frame.get();
    let format = ffi::AVPixelFormat(given.format);
    // SAFETY: names and descriptors are constants, or null.
    let (name, descriptor) = unsafe {
        let name = string(ffi::av_get_pix_fmt_name(format)).unwrap_or_default();
        (name, ffi::av_pix_fmt_desc_get(format).as_ref())
    };
    let refused = || {
        Error::new(ErrorKind::Unsupported, WHAT, format!("its pixels, {name}, have no planes"))
            .remedy("read it as RGB or grey")
    };
    let descriptor = descriptor.ok_or_else(refused)?;
    let has = |flag: c_int| descriptor.flags & u64::from(flag.unsigned_abs()) != 0;
    let count = usize::from(descriptor.nb_components);
    let components = descriptor.comp.get(..count).unwrap_or_default();
    let deepest = components.iter().map(|component| component.depth).max().unwrap_or(0);
    let is_float = has(ffi::AV_PIX_FMT_FLAG_FLOAT);
    let is_number = if is_float { deepest == 32 } else { (1..=16).contains(&deepest) };
    if has(NO_PLANES) || !is_number {
        return Err(refused());
    }
    let is_rgb = has(ffi::AV_PIX_FMT_FLAG_RGB);
    let names = match (is_rgb, has(ffi::AV_PIX_FMT_FLAG_ALPHA)) {
        (true, _) => "rgba",
        _ if name.starts_with("xyz") => "xyz",
        (false, false) => "yuv",
        (false, true) if count == 2 => "ya",
        (false, true) => "yuva",
    };
    let (across, down) = match names {
        "yuv" | "yuva" if count > 2 => (descriptor.log2_chroma_w, descriptor.log2_chroma_h),
        _ => (0, 0),
    };
    let side = |px: c_int| u32::try_from(px).unwrap_or(0);
    let (width_px, height_px) = (side(given.width), side(given.height));
    let number_bytes = if is_float { 4 } else { deepest.unsigned_abs().div_ceil(8) };
    limits.check_picture(
        width_px.into(),
        height_px.into(),
        count as u64 * u64::from(number_bytes),
    )?;
    let mut planes = Vec::with_capacity(count);
    for (at, (component, name)) in components.iter().zip(names.chars()).enumerate() {
        let is_chroma = matches!(name, 'u' | 'v');
        let (across, down) = if is_chroma { (across, down) } else { (0, 0) };
        let part = Part {
            frame,
            descriptor,
            at,
            width: width_px.div_ceil(1 << across) as usize,
            height: height_px.div_ceil(1 << down) as usize,
        };
        let values = match number_bytes {
            1 => Values::U8(part.bytes()),
            2 => Values::U16(part.words()),
            _ => Values::F32(part.floats()),
        };
        planes.push(Plane {
            name,
            width_px: width_px.div_ceil(1 << across),
            height_px: height_px.div_ceil(1 << down),
            bit_depth: component.depth.unsigned_abs(),
            values,
        });
    }
    let mut color = Codes::of_frame(frame).or(stated).color();
    if name.starts_with("yuvj") {
        color.range = Some("pc".to_owned());
    }
    // SAFETY: names are constants, or null.
    let chroma_location = unsafe { string(ffi::av_chroma_location_name(given.chroma_location)) };
    Ok(Planes {
        pixel_format: name,
        width_px,
        height_px,
        planes,
        subsampling: (1 << across, 1 << down),
        color,
        chroma_location: chroma_location.filter(|name| name != "unspecified"),
        rotation_degrees: 0,
        mirrored: false,
        time_secs: None,
        duration_secs: None,
    })
}

/// One component of a frame.
struct Part<'f> {
    frame: &'f Frame,
    descriptor: &'f ffi::AVPixFmtDescriptor,
    /// Which of the descriptor's.
    at: usize,
    width: usize,
    height: usize,
}

impl Part<'_> {
    fn bytes(&self) -> Vec<u8> {
        if let Some(rows) = self.plain(1) {
            return rows;
        }
        let mut values = Vec::with_capacity(self.width * self.height);
        let mut row = vec![0_u16; self.width];
        for y in 0..self.height {
            self.read(y, row.as_mut_ptr().cast(), 2);
            values.extend(row.iter().map(|&value| value as u8));
        }
        values
    }

    fn words(&self) -> Vec<u16> {
        if let Some(rows) = self.plain(2) {
            let (pairs, _) = rows.as_chunks::<2>();
            return pairs.iter().map(|pair| u16::from_le_bytes(*pair)).collect();
        }
        let mut values = vec![0_u16; self.width * self.height];
        for (y, row) in values.chunks_exact_mut(self.width).enumerate() {
            self.read(y, row.as_mut_ptr().cast(), 2);
        }
        values
    }

    fn floats(&self) -> Vec<f32> {
        let mut values = Vec::with_capacity(self.width * self.height);
        let mut row = vec![0_u32; self.width];
        for y in 0..self.height {
            self.read(y, row.as_mut_ptr().cast(), 4);
            values.extend(row.iter().map(|&bits| f32::from_bits(bits)));
        }
        values
    }

    /// The rows as they are, where numbers of this many bytes, the lower first,
    /// lie side by side.
    fn plain(&self, number_bytes: usize) -> Option<Vec<u8>> {
        let odd = ffi::AV_PIX_FMT_FLAG_BE | ffi::AV_PIX_FMT_FLAG_BITSTREAM;
        let component = self.descriptor.comp.get(self.at)?;
        let is_plain = usize::try_from(component.step) == Ok(number_bytes)
            && (component.offset, component.shift) == (0, 0)
            && component.depth.unsigned_abs().div_ceil(8) as usize == number_bytes
            && self.descriptor.flags & u64::from(odd.unsigned_abs()) == 0;
        if !is_plain || (number_bytes == 1 && component.depth != 8) {
            return None;
        }
        let row_bytes = self.width * number_bytes;
        let at = usize::try_from(component.plane).ok()?;
        let (bytes, stride) = plane(self.frame, at, row_bytes, self.height)?;
        let mut rows = Vec::with_capacity(row_bytes * self.height);
        for row in bytes.chunks(stride) {
            rows.extend_from_slice(row.get(..row_bytes)?);
        }
        Some(rows)
    }

    /// Row `y`, however its numbers lie, into room for `width` numbers of 2 or
    /// 4 bytes.
    fn read(&self, y: usize, room: *mut libc::c_void, number_bytes: c_int) {
        let given = self.frame.get();
        let [one, two, three, four, ..] = given.data.map(<*mut u8>::cast_const);
        let mut data = [one, two, three, four];
        // SAFETY: a decoded frame holds all rows of the size and format that it
        // states; the room has place for the row, as callers promise.
        unsafe {
            ffi::av_read_image_line2(
                room,
                data.as_mut_ptr(),
                given.linesize.as_ptr(),
                ptr::from_ref(self.descriptor),
                0,
                y as c_int,
                self.at as c_int,
                self.width as c_int,
                0,
                number_bytes,
            );
        }
    }
}
