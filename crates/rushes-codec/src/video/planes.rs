//! The ways from a decoder's planes to pixels that need no scaler: luma as it
//! is, and the common 8-bit layouts to RGB.

use std::slice;

use ffmpeg::ffi;
use rushes_media::Layout;
use yuv::{YuvBiPlanarImage, YuvConversionMode, YuvPlanarImage, YuvRange, YuvStandardMatrix};

use super::convert::Meaning;
use crate::av::decode::Frame;

/// One plane of a frame, from its first row to the last byte of its last.
/// `None` when rows lie backwards or the frame does not hold that much.
pub(super) fn plane(
    frame: &Frame,
    at: usize,
    row_bytes: usize,
    rows: usize,
) -> Option<(&[u8], usize)> {
    let given = frame.get();
    let stride = usize::try_from(*given.linesize.get(at)?).ok().filter(|&it| it >= row_bytes)?;
    let data = *given.data.get(at)?;
    let bytes = stride.checked_mul(rows.checked_sub(1)?)?.checked_add(row_bytes)?;
    let is_held = given.buf.iter().any(|&buffer| {
        // SAFETY: the frame holds its buffers; one that is not null is whole.
        !buffer.is_null()
            && unsafe {
                let (start, size) = ((*buffer).data.addr(), (*buffer).size);
                data.addr() >= start
                    && data.addr() - start <= size
                    && size - (data.addr() - start) >= bytes
            }
    });
    // SAFETY: the bytes lie within one of the frame's buffers, which live as
    // long as the frame and which nobody writes to once it is decoded.
    is_held.then(|| (unsafe { slice::from_raw_parts(data, bytes) }, stride))
}

/// Writes luma, full range, as one number a pixel: a byte, or 16 bits in this
/// machine's order when `wide`. `false` when the format has no plain luma.
pub(super) fn luma(frame: &Frame, meaning: &Meaning, wide: bool, output: &mut [u8]) -> bool {
    let given = frame.get();
    let Some((width, height)) =
        usize::try_from(given.width).ok().zip(usize::try_from(given.height).ok())
    else {
        return false;
    };
    // SAFETY: descriptors are constants, or null.
    let Some(descriptor) = (unsafe { ffi::av_pix_fmt_desc_get(meaning.format).as_ref() }) else {
        return false;
    };
    let flags = descriptor.flags;
    let odd = ffi::AV_PIX_FMT_FLAG_RGB
        | ffi::AV_PIX_FMT_FLAG_PAL
        | ffi::AV_PIX_FMT_FLAG_BITSTREAM
        | ffi::AV_PIX_FMT_FLAG_HWACCEL
        | ffi::AV_PIX_FMT_FLAG_FLOAT
        | ffi::AV_PIX_FMT_FLAG_BE;
    if flags & u64::from(odd as u32) != 0 {
        return false;
    }
    let Some(&luma) = descriptor.comp.first() else { return false };
    let number = |value: i32| usize::try_from(value).unwrap_or(0);
    let (step, offset, shift, depth) =
        (number(luma.step), number(luma.offset), number(luma.shift), number(luma.depth));
    let value_bytes = if depth + shift > 8 { 2 } else { 1 };
    if luma.plane != 0 || step < value_bytes || offset + value_bytes > step || depth > 16 {
        return false;
    }
    let Some((bytes, stride)) = plane(frame, 0, width * step, height) else { return false };
    let most = (1_u32 << depth) - 1;
    let (black, white) = if meaning.full_range {
        (0.0, f64::from(most))
    } else {
        let unit = f64::from(1_u32 << depth) / 256.0;
        (16.0 * unit, 235.0 * unit)
    };
    let top = if wide { 65_535.0 } else { 255.0 };
    let table: Vec<u16> = (0..=most)
        .map(|value| {
            ((f64::from(value) - black) / (white - black) * top).round().clamp(0.0, top) as u16
        })
        .collect();
    let look = |value: u16| table.get(usize::from(value)).copied().unwrap_or(0);
    let row_bytes = if wide { width * 2 } else { width };
    let rows = bytes.chunks(stride).zip(output.chunks_exact_mut(row_bytes));
    // What nearly all video is comes first: a number is a byte, or two, and
    // there is nothing between them.
    if (step, depth, shift, wide) == (1, 8, 0, false) {
        let mut narrow = [0_u8; 256];
        narrow.iter_mut().zip(&table).for_each(|(place, &value)| *place = value as u8);
        for (from, to) in rows {
            for (&value, place) in from.iter().zip(to) {
                *place = narrow.get(usize::from(value)).copied().unwrap_or(0);
            }
        }
        return true;
    }
    if (step, value_bytes, wide) == (2, 2, true) {
        for (from, to) in rows {
            for (pair, place) in from.as_chunks::<2>().0.iter().zip(to.as_chunks_mut::<2>().0) {
                let value = (u16::from_le_bytes(*pair) >> shift) & most as u16;
                *place = look(value).to_ne_bytes();
            }
        }
        return true;
    }
    let read = |pixel: &[u8]| match pixel {
        [low, high] => (u16::from_le_bytes([*low, *high]) >> shift) & most as u16,
        [only] => u16::from(*only),
        _ => 0,
    };
    for (from, to) in rows {
        let pixels = from
            .chunks(step)
            .take(width)
            .map(|pixel| look(read(pixel.get(offset..offset + value_bytes).unwrap_or_default())));
        if wide {
            for (value, place) in pixels.zip(to.chunks_exact_mut(2)) {
                place.copy_from_slice(&value.to_ne_bytes());
            }
        } else {
            for (value, place) in pixels.zip(to) {
                *place = value as u8;
            }
        }
    }
    true
}

/// Writes 8-bit RGB or RGBA without padding. `false` when the frame's format,
/// matrix or layout in memory is not among those done here.
pub(super) fn rgb(frame: &Frame, meaning: &Meaning, layout: Layout, output: &mut [u8]) -> bool {
    converted(frame, meaning, layout, output).is_some()
}

fn converted(frame: &Frame, meaning: &Meaning, layout: Layout, output: &mut [u8]) -> Option<()> {
    use ffi::AVPixelFormat as Format;
    let given = frame.get();
    let (width, height) = (u32::try_from(given.width).ok()?, u32::try_from(given.height).ok()?);
    let matrix = match meaning.matrix {
        1 => YuvStandardMatrix::Bt709,
        5 | 6 => YuvStandardMatrix::Bt601,
        9 | 10 => YuvStandardMatrix::Bt2020,
        _ => return None,
    };
    let range = if meaning.full_range { YuvRange::Full } else { YuvRange::Limited };
    let channels = u32::try_from(layout.channels()).ok()?;
    let stride = width.checked_mul(channels)?;
    let (across, down) = match meaning.format {
        Format::YUV420P | Format::YUVJ420P | Format::NV12 => (2, 2),
        Format::YUV422P | Format::YUVJ422P => (2, 1),
        Format::YUV444P | Format::YUVJ444P => (1, 1),
        _ => return None,
    };
    let (chroma_width, chroma_rows) =
        (width.div_ceil(across) as usize, height.div_ceil(down) as usize);
    let (y_plane, y_stride) = plane(frame, 0, width as usize, height as usize)?;
    let y_stride = u32::try_from(y_stride).ok()?;
    if meaning.format == Format::NV12 {
        let (uv_plane, uv_stride) = plane(frame, 1, chroma_width * 2, chroma_rows)?;
        let uv_stride = u32::try_from(uv_stride).ok()?;
        let image = YuvBiPlanarImage { y_plane, y_stride, uv_plane, uv_stride, width, height };
        let convert =
            if layout == Layout::Rgba { yuv::yuv_nv12_to_rgba } else { yuv::yuv_nv12_to_rgb };
        return convert(&image, output, stride, range, matrix, YuvConversionMode::Balanced).ok();
    }
    let (u_plane, u_stride) = plane(frame, 1, chroma_width, chroma_rows)?;
    let (v_plane, v_stride) = plane(frame, 2, chroma_width, chroma_rows)?;
    let (u_stride, v_stride) = (u32::try_from(u_stride).ok()?, u32::try_from(v_stride).ok()?);
    let image =
        YuvPlanarImage { y_plane, y_stride, u_plane, u_stride, v_plane, v_stride, width, height };
    let convert = match (across, down, layout) {
        (2, 2, Layout::Rgba) => yuv::yuv420_to_rgba_bilinear,
        (2, 2, _) => yuv::yuv420_to_rgb_bilinear,
        (2, 1, Layout::Rgba) => yuv::yuv422_to_rgba_bilinear,
        (2, 1, _) => yuv::yuv422_to_rgb_bilinear,
        (_, _, Layout::Rgba) => yuv::yuv444_to_rgba,
        _ => yuv::yuv444_to_rgb,
    };
    convert(&image, output, stride, range, matrix).ok()
}
