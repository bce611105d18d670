//! A decoded frame as an RGB picture: square pixels, full range, no larger
//! than asked for.

use std::ffi::c_int;
use std::ptr;

use ffmpeg::ffi;
use rushes_media::{Color, Error, ErrorKind, Limits, Picture, Pixels, Rational, Result};

use super::decode::Frame;
use super::swscale::{ACCURATE, ALIGN_BYTES, AREA, BICUBIC, FULL_CHROMA, matrix};
use super::{error, string};

const WHAT: &str = "scaling the picture";

/// Pixels somewhere in memory, and what they mean.
struct Raw {
    planes: [*const u8; 4],
    strides: [c_int; 4],
    width: c_int,
    height: c_int,
    format: ffi::AVPixelFormat,
    /// Matrix, by its number in ITU-T H.273.
    matrix: c_int,
    full_range: bool,
    aspect: Option<Rational>,
}

/// The frame as a picture.
///
/// # Errors
/// `Limit` when it is too large, `Unsupported` when its pixel format cannot be
/// converted.
pub(super) fn picture(
    frame: &Frame,
    stream_aspect: Option<Rational>,
    max_px: u32,
    limits: &Limits,
) -> Result<Picture> {
    let given = frame.get();
    let format = ffi::AVPixelFormat(given.format);
    // SAFETY: the name is a constant, or null.
    let name = unsafe { string(ffi::av_get_pix_fmt_name(format)) }.unwrap_or_default();
    let matrix = matrix(given.colorspace.0, given.width, given.height);
    let [a, b, c, d, ..] = given.data;
    let [e, f, g, h, ..] = given.linesize;
    let raw = Raw {
        planes: [a.cast_const(), b.cast_const(), c.cast_const(), d.cast_const()],
        strides: [e, f, g, h],
        width: given.width,
        height: given.height,
        format,
        matrix,
        full_range: given.color_range == ffi::AVColorRange::JPEG || name.starts_with("yuvj"),
        aspect: super::positive(given.sample_aspect_ratio).or(stream_aspect),
    };
    // SAFETY: descriptors are constants, or null.
    let (depth, has_alpha) = unsafe {
        let descriptor = ffi::av_pix_fmt_desc_get(format);
        if descriptor.is_null() {
            return Err(Error::new(ErrorKind::Unsupported, WHAT, "its pixel format is unknown"));
        }
        let depth = (*descriptor).comp.first().map_or(8, |component| component.depth);
        let alpha = (*descriptor).flags & u64::from(ffi::AV_PIX_FMT_FLAG_ALPHA as u32) != 0;
        (depth, alpha || name == "pal8")
    };
    let is_pq_or_hlg = matches!(
        given.color_trc,
        ffi::AVColorTransferCharacteristic::SMPTE2084
            | ffi::AVColorTransferCharacteristic::ARIB_STD_B67
    );
    let is_wide =
        given.color_primaries == ffi::AVColorPrimaries::BT2020 || matches!(matrix, 9 | 10);
    if is_pq_or_hlg || (is_wide && depth > 8) {
        // SAFETY: names are constants, or null.
        let color = unsafe {
            Color {
                primaries: string(ffi::av_color_primaries_name(given.color_primaries)),
                transfer: string(ffi::av_color_transfer_name(given.color_trc)),
                range: Some("pc".to_owned()),
                ..Color::default()
            }
        };
        return deep(&raw, color, max_px, limits);
    }
    shallow(&raw, has_alpha, max_px, limits)
}

/// Pixels of four bytes, red, green, blue and alpha, as a picture.
pub(crate) fn picture_of_rgba(
    bytes: &[u8],
    width_px: u32,
    height_px: u32,
    max_px: u32,
    limits: &Limits,
) -> Result<Picture> {
    let side = |px: u32| c_int::try_from(px).ok().filter(|_| px <= limits.side_px);
    let (Some(width), Some(height)) = (side(width_px), side(height_px)) else {
        return Err(Error::new(ErrorKind::Limit, WHAT, "a side is too long"));
    };
    if bytes.len() as u64 != u64::from(width_px) * u64::from(height_px) * 4 {
        return Err(Error::bug(WHAT, "the bytes do not fit the size"));
    }
    let raw = Raw {
        planes: [bytes.as_ptr(), ptr::null(), ptr::null(), ptr::null()],
        strides: [width * 4, 0, 0, 0],
        width,
        height,
        format: ffi::AVPixelFormat::RGBA,
        matrix: 1,
        full_range: true,
        aspect: None,
    };
    shallow(&raw, true, max_px, limits)
}

fn shallow(raw: &Raw, has_alpha: bool, max_px: u32, limits: &Limits) -> Result<Picture> {
    let color = Color::default();
    if !has_alpha {
        let (width, height, rows) = convert(raw, ffi::AVPixelFormat::RGB24, 3, max_px, limits)?;
        return Picture::new(width, height, Pixels::U8(rows), color);
    }
    let (width, height, rows) = convert(raw, ffi::AVPixelFormat::RGBA, 4, max_px, limits)?;
    let mut rgb = Vec::new();
    for pixel in rows.chunks_exact(4) {
        if let &[red, green, blue, alpha] = pixel {
            // What shines through is white, like paper.
            let over = |value: u8| {
                let alpha = u32::from(alpha);
                ((u32::from(value) * alpha + 255 * (255 - alpha) + 127) / 255) as u8
            };
            rgb.extend([over(red), over(green), over(blue)]);
        }
    }
    Picture::new(width, height, Pixels::U8(rgb), color)
}

fn deep(raw: &Raw, color: Color, max_px: u32, limits: &Limits) -> Result<Picture> {
    let (width, height, rows) = convert(raw, ffi::AVPixelFormat::RGB48LE, 6, max_px, limits)?;
    let values = rows
        .chunks_exact(2)
        .filter_map(|pair| Some(u16::from_le_bytes(pair.try_into().ok()?)))
        .collect();
    Picture::new(width, height, Pixels::U16(values), color)
}

/// Width and height to scale to: pixels square, the longer side at most
/// `max_px`, never larger than stored.
fn target(raw: &Raw, max_px: u32) -> (u32, u32) {
    // An aspect beyond these is a mistake in the file.
    let aspect = raw.aspect.map_or(1.0, Rational::to_f64);
    let aspect = if (0.05..=20.0).contains(&aspect) { aspect } else { 1.0 };
    let (width, height) = (f64::from(raw.width) * aspect, f64::from(raw.height));
    let shrink = (f64::from(max_px.max(1)) / width.max(height)).min(1.0);
    let side = |px: f64| (px * shrink).round().max(1.0) as u32;
    (side(width), side(height))
}

/// Scales and converts; rows come back without padding.
fn convert(
    raw: &Raw,
    to: ffi::AVPixelFormat,
    pixel_bytes: usize,
    max_px: u32,
    limits: &Limits,
) -> Result<(u32, u32, Vec<u8>)> {
    let stored = |px: c_int| u64::from(px.max(0).unsigned_abs());
    limits.check_picture(stored(raw.width), stored(raw.height), 3)?;
    let (width, height) = target(raw, max_px);
    limits.check_picture(width.into(), height.into(), pixel_bytes as u64)?;
    // SAFETY: takes a number.
    if unsafe { ffi::sws_isSupportedInput(raw.format) } == 0 {
        let why = "its pixel format cannot be converted";
        return Err(Error::new(ErrorKind::Unsupported, WHAT, why));
    }
    let shrinks = i64::from(width) * 2 <= i64::from(raw.width);
    let method = if shrinks { AREA } else { BICUBIC };
    let row_bytes = width as usize * pixel_bytes;
    let stride = row_bytes.next_multiple_of(ALIGN_BYTES);
    let mut output = vec![0_u8; stride * height as usize + 2 * ALIGN_BYTES];
    // SAFETY: the scaler gets the planes that the frame holds for its size and
    // format, and an output with room for every row and what it writes beyond;
    // it is freed on every way out.
    unsafe {
        let scaler = ffi::sws_getContext(
            raw.width,
            raw.height,
            raw.format,
            width as c_int,
            height as c_int,
            to,
            (method | FULL_CHROMA | ACCURATE) as _,
            ptr::null_mut(),
            ptr::null_mut(),
            ptr::null(),
        );
        if scaler.is_null() {
            return Err(error(WHAT, ffi::AVERROR(libc::ENOMEM)));
        }
        let matrix = ffi::sws_getCoefficients(raw.matrix);
        ffi::sws_setColorspaceDetails(
            scaler,
            matrix,
            c_int::from(raw.full_range),
            matrix,
            1,
            0,
            1 << 16,
            1 << 16,
        );
        let start = output.as_mut_ptr();
        let start = start.add(start.align_offset(ALIGN_BYTES).min(ALIGN_BYTES));
        let planes = [start, ptr::null_mut(), ptr::null_mut(), ptr::null_mut()];
        let strides = [stride as c_int, 0, 0, 0];
        let code = ffi::sws_scale(
            scaler,
            raw.planes.as_ptr(),
            raw.strides.as_ptr(),
            0,
            raw.height,
            planes.as_ptr(),
            strides.as_ptr(),
        );
        ffi::sws_freeContext(scaler);
        if code < 0 {
            return Err(error(WHAT, code));
        }
    }
    let skipped = output.as_ptr().align_offset(ALIGN_BYTES).min(ALIGN_BYTES);
    let mut rows = Vec::new();
    for row in output.get(skipped..).unwrap_or_default().chunks_exact(stride).take(height as usize)
    {
        rows.extend_from_slice(row.get(..row_bytes).unwrap_or_default());
    }
    Ok((width, height, rows))
}
