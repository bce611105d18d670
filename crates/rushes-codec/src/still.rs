//! Stills: what a picture file holds, and its pixels.
//!
//! Which reader takes a file is decided by its first bytes alone (see
//! [`sniff`]); JPEG goes to libjpeg-turbo, HEIC and AVIF to libheif, JPEG XL to
//! jxl-oxide, camera RAW to a walker that finds the JPEG the camera left inside, the rest to
//! the decoders of the `image` crate. Every reader checks the size that a file
//! states against the limits before it makes room for it, and decodes on the
//! thread that called it.

mod avif;
mod boxes;
mod configuration;
mod cr3;
mod dpx;
mod embed;
mod encode;
mod exif;
mod floats;
mod heif;
mod icc;
mod implied;
mod jpeg;
mod jxl;
mod png;
mod pnm;
mod raf;
mod raster;
mod raw;
mod read;
mod rgb;
mod sniff;
mod srgb;
mod stated;
mod tiff;

use rushes_media::{
    Agreement, Container, Error, ErrorKind, Frame, Layout, Limits, MediaKind, Picture, Pixels,
    Probe, Result, Stream, Values,
};

use crate::Source;
use crate::formats::Format;
use jpeg::Cut;
use raster::Meaning;
use sniff::Reader;

pub use encode::{STILL_TARGETS, StillTarget, encode_still, encode_still_with, left_out_of_still};
pub(crate) use encode::{eight_bits, is_target, target_of};
pub(crate) use rgb::signal;
pub(crate) use tiff::Pages;

/// What a still holds, from its headers alone; `None` when the content is not
/// a still that is read here.
pub(crate) fn probe(source: &Source, head: &[u8]) -> Option<Result<Probe>> {
    let reader = sniff::reader(head, source.extension(), source.size_bytes())?;
    let found = match reader {
        Reader::Jpeg => jpeg::probe(source),
        Reader::Png => png::probe(source),
        Reader::Heif(format) => heif::probe(source, head, format),
        Reader::Jxl => jxl::probe(source),
        Reader::Raster(format) => raster::probe(source, head, format),
        Reader::Tiff => raw::probe(source, head),
        Reader::Raf => raf::probe(source),
        Reader::Cr3 => cr3::probe(source),
    };
    Some(found.and_then(|mut probe| {
        check_size(source, reader, &probe)?;
        implied::complete(&mut probe);
        configuration::complete(source, &mut probe);
        Ok(probe)
    }))
}

/// Whether the stated size can be true, whichever reader found it.
fn check_size(source: &Source, reader: Reader, probe: &Probe) -> Result<()> {
    let is_raw = match reader {
        Reader::Raf | Reader::Cr3 => true,
        Reader::Tiff => probe.container.format != "tiff",
        _ => false,
    };
    for stream in &probe.streams {
        if let Some(size_px) = stream.width_px.zip(stream.height_px) {
            // Sensors see noise: more than a bit for 64 pixels, however it is packed.
            let least_bytes = if is_raw { stated::pixels(size_px) / 512 } else { 0 };
            stated::check(source, size_px, least_bytes)?;
        }
    }
    Ok(())
}

/// The still's pixels, `[H, W, 3]`, RGB, full range.
///
/// The longer side is at least `target_px` when the stored picture is that
/// large, and may be much larger: resizing to an exact size comes after. JPEG
/// is decoded at 1/2, 1/4 or 1/8 when that is enough. Camera RAW gives the
/// largest JPEG that the camera left in it.
///
/// Numbers are 8-bit sRGB, but 16-bit with the colour set when a HEIC, AVIF or
/// PNG says PQ or HLG, as JPEG XL may. Colours of an ICC profile (ICC.1:2022), of other primaries
/// (ITU-T H.273) and, in JPEG, of EXIF's Adobe RGB are converted; a profile that
/// is broken or not understood counts as sRGB. Transparent parts lie on mid grey
/// (128); float pictures are clipped to 0 to 1 and given the sRGB curve. Nothing
/// is turned upright, except HEIC, AVIF and JPEG XL, whose own transformations are
/// part of the picture. A JPEG that is cut short gives what came; the rest is grey.
///
/// # Errors
/// `Limit` when the picture is over a limit, `Corrupt` when it is broken,
/// `Unsupported` when the content is not a still that is read here, or a RAW
/// without a preview.
pub fn still_picture(source: &Source, target_px: u32) -> Result<Picture> {
    picture(source, target_px, Cut::Shown)
}

fn picture(source: &Source, target_px: u32, cut: Cut) -> Result<Picture> {
    let head = source.head()?;
    let Some(reader) = sniff::reader(&head, source.extension(), source.size_bytes()) else {
        let why = "its first bytes are of no still that is read here";
        return Err(Error::new(ErrorKind::Unsupported, "decoding the still", why));
    };
    match reader {
        Reader::Jpeg => jpeg::decode(&read::whole(source)?, source.limits(), target_px, cut),
        Reader::Png => raster::decode(source, "png", png::meaning(source)?),
        Reader::Heif(_) => heif::decode(source, target_px),
        Reader::Jxl => jxl::decode(source),
        Reader::Raster(format) => raster::decode(source, format, Meaning::Embedded),
        Reader::Tiff => raw::decode(source, &head, target_px, cut),
        Reader::Raf => preview(source, raf::find(source)?.preview, target_px, cut),
        Reader::Cr3 => preview(source, cr3::find(source)?.preview, target_px, cut),
    }
}

/// The still with all that is stored, at full size: grey as `[H, W]`, else
/// `[H, W, 3]` or `[H, W, 4]`; 8 or 16 bits, or floats.
///
/// Colours are made sRGB as in [`still_picture`], but nothing is laid over grey,
/// rounded or clipped: floats (OpenEXR, Radiance, TIFF) are linear light and say
/// so, PQ and HLG keep their 16 bits. 10 and 12 bits of HEIC and AVIF are
/// stretched to 16, as 9 to 15 of JPEG XL are: `round(value * (2^n - 1) / 65535)`
/// gives them back. Camera
/// RAW comes as the largest JPEG in it. Nothing is turned upright, except HEIC,
/// AVIF and JPEG XL. What only FFmpeg reads (DPX, JPEG 2000, PSD,
/// TIFF with a palette) comes as it is stored, its profile not asked. Floats of 64
/// bits become 32.
///
/// # Errors
/// As for [`still_picture`]; `Corrupt` for a JPEG that is cut short, too.
pub fn still_frame(source: &Source) -> Result<Frame> {
    still_frame_for(source, u32::MAX)
}

/// As [`still_frame`], but the longer side may be less than stored where it stays
/// at least `target_px`: a JPEG, in a RAW too, is decoded at 1/2, 1/4 or 1/8 when
/// that is enough, which costs a fraction of the time.
///
/// # Errors
/// As for [`still_picture`].
pub fn still_frame_for(source: &Source, target_px: u32) -> Result<Frame> {
    let head = source.head()?;
    let reader = sniff::reader(&head, source.extension(), source.size_bytes());
    let has_other = match reader {
        None | Some(Reader::Jxl) => true,
        Some(Reader::Tiff) => raw::is_plain(source, &head),
        Some(_) => false,
    };
    match own_frame(source, &head, reader, target_px) {
        Err(error) if error.kind == ErrorKind::Unsupported && has_other => {
            crate::video::still_frame(source).map_err(|other| match (other.kind, reader) {
                // Of a TIFF that FFmpeg does not know it says that it is damaged.
                (ErrorKind::Unsupported, _) | (ErrorKind::Corrupt, Some(Reader::Tiff)) => error,
                _ => other,
            })
        }
        read => read,
    }
}

/// The still as in [`still_frame`], but where the file has an ICC profile of RGB
/// that can be applied, with the numbers as they are stored, and that profile.
///
/// # Errors
/// As for [`still_frame`].
pub fn still_frame_in_profile(source: &Source) -> Result<(Frame, Option<Vec<u8>>)> {
    let head = source.head()?;
    let reader = sniff::reader(&head, source.extension(), source.size_bytes());
    if let Some(profile) = profile_of(source, &head, reader) {
        let stored = || Meaning::Said(None);
        let frame = match reader {
            Some(Reader::Jpeg) => {
                let bytes = read::whole(source)?;
                frame_of(jpeg::decode_stored(&bytes, source.limits())?, false)
            }
            Some(Reader::Heif(_)) => heif::frame(source, true),
            Some(Reader::Jxl) => jxl::frame(source, true),
            Some(Reader::Png) => raster::frame(source, "png", stored()),
            Some(Reader::Raster(format)) => raster::frame(source, format, stored()),
            _ => raster::frame(source, "tiff", stored()),
        };
        if let Ok(frame) = frame
            && frame.layout() != Layout::Gray
        {
            return Ok((frame, Some(profile)));
        }
    }
    Ok((still_frame(source)?, None))
}

/// The ICC profile with which [`still_frame_in_profile`] gives the still, by its
/// headers; `None` when it gives sRGB.
#[must_use]
pub fn still_profile(source: &Source) -> Option<Vec<u8>> {
    let head = source.head().ok()?;
    profile_of(source, &head, sniff::reader(&head, source.extension(), source.size_bytes()))
}

fn profile_of(source: &Source, head: &[u8], reader: Option<Reader>) -> Option<Vec<u8>> {
    let profile = match reader? {
        Reader::Jpeg => jpeg::profile_of(&read::whole(source).ok()?, source.limits())?,
        Reader::Png if matches!(png::meaning(source), Ok(Meaning::Embedded)) => {
            raster::icc_profile(source, "png")?
        }
        Reader::Heif(_) => heif::icc_profile(source)?,
        Reader::Jxl => jxl::icc_profile(source)?,
        Reader::Raster(format @ "webp") => raster::icc_profile(source, format)?,
        Reader::Tiff => raw::profile_of(source, head)?,
        _ => return None,
    };
    let is_rgb = embed::is_of_layout(&profile, Layout::Rgb);
    (is_rgb && srgb::Profile::from_icc(&profile).is_some()).then_some(profile)
}

/// Whether the content is a still, whoever reads it; the first bytes decide.
pub(crate) fn is_still(source: &Source, head: &[u8]) -> bool {
    sniff::reader(head, source.extension(), source.size_bytes()).is_some()
}

/// The pages of an ordinary TIFF; `None` for anything else.
pub(crate) fn tiff_pages(source: &Source, head: &[u8]) -> Option<Result<Pages>> {
    let is_tiff =
        sniff::reader(head, source.extension(), source.size_bytes()) == Some(Reader::Tiff);
    if !is_tiff {
        return None;
    }
    let found = tiff::Tiff::pages(source).map(|pages| {
        let first = pages.pages.first().map(|&first| pages.alone(source, first));
        (first.is_some_and(|first| raw::is_plain(&first, head)), pages)
    });
    match found {
        Ok((is_plain, pages)) => is_plain.then_some(Ok(pages)),
        Err(error) => Some(Err(error)),
    }
}

/// A JPEG that lies in memory, with all that is stored: `[H, W]` for grey.
pub(crate) fn jpeg_frame(bytes: &[u8], limits: &Limits) -> Result<Frame> {
    sized_jpeg_frame(bytes, limits, u32::MAX)
}

fn sized_jpeg_frame(bytes: &[u8], limits: &Limits, target_px: u32) -> Result<Frame> {
    frame_of(jpeg::decode(bytes, limits, target_px, Cut::Refused)?, jpeg::is_grey(bytes))
}

/// The still by a decoder of our own.
fn own_frame(
    source: &Source,
    head: &[u8],
    reader: Option<Reader>,
    target_px: u32,
) -> Result<Frame> {
    match reader {
        Some(Reader::Jpeg) => {
            return sized_jpeg_frame(&read::whole(source)?, source.limits(), target_px);
        }
        Some(Reader::Heif(_)) => return heif::frame(source, false),
        Some(Reader::Jxl) => return jxl::frame(source, false),
        Some(Reader::Png) => return raster::frame(source, "png", png::meaning(source)?),
        Some(Reader::Raster(format)) => return raster::frame(source, format, Meaning::Embedded),
        Some(Reader::Tiff) => {
            if let Some(frame) = raw::frame(source, head)? {
                return Ok(frame);
            }
        }
        _ => {}
    }
    frame_of(picture(source, target_px, Cut::Refused)?, false)
}

fn frame_of(picture: Picture, is_grey: bool) -> Result<Frame> {
    let (width_px, height_px) = (picture.width_px(), picture.height_px());
    let color = picture.color.clone();
    let (layout, values) = match picture.into_pixels() {
        Pixels::U8(values) if is_grey => {
            (Layout::Gray, Values::U8(values.into_iter().step_by(3).collect()))
        }
        Pixels::U8(values) => (Layout::Rgb, Values::U8(values)),
        Pixels::U16(values) => (Layout::Rgb, Values::U16(values)),
    };
    let mut frame = Frame::new(width_px, height_px, layout, values)?;
    frame.color = color;
    Ok(frame)
}

/// Name and version of each library that reads or writes stills here.
pub(crate) fn versions() -> Vec<(String, String)> {
    let [major, minor, patch] = libheif_rs::LibHeif::new().version();
    vec![
        ("libheif".into(), format!("{major}.{minor}.{patch}")),
        ("libjpeg-turbo".into(), "3".into()),
        ("jxl-oxide".into(), "0.12".into()),
        ("image".into(), "0.25".into()),
    ]
}

/// Where a JPEG lies within a file, and what its own header says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Embedded {
    start: u64,
    length: u64,
    width_px: u32,
    height_px: u32,
}

/// The embedded JPEG's pixels.
fn preview(source: &Source, found: Option<Embedded>, target_px: u32, cut: Cut) -> Result<Picture> {
    let Some(found) = found else {
        let why = "the camera left no JPEG preview in it";
        return Err(Error::new(ErrorKind::Unsupported, "decoding the camera RAW", why)
            .remedy("develop it with the maker's or another RAW converter"));
    };
    let bytes = read::range(source, found.start, found.length)?;
    jpeg::decode(&bytes, source.limits(), target_px, cut)
}

/// A probe of one still stream in a container of this name from
/// [`crate::FORMATS`], with the extension already compared.
fn probe_of(source: &Source, format: &str, stream: Stream) -> Probe {
    let mut agreement = Agreement::full();
    let mut container = Container { format: format.into(), ..Container::default() };
    if let Some(known) = Format::named(format) {
        container.name = known.words.into();
        container.mime = known.mime.into();
        let extension = source.extension();
        let claimed = Format::by_extension(extension);
        if claimed.is_some() && !known.goes_by(extension) && !shares_extension(known, extension) {
            agreement.differ(format!("named .{extension} but holds {}", known.words));
        }
    }
    Probe { streams: vec![stream], agreement, ..Probe::of_kind(MediaKind::Still, container) }
}

/// Names that are used for formats not their own, without deceiving anybody:
/// DNG is TIFF, a camera's small `.thm` is JPEG, `.heif` may hold AV1.
fn shares_extension(format: &Format, extension: &str) -> bool {
    match format.name {
        "dng" => matches!(extension, "tif" | "tiff"),
        "tiff" => extension == "dng",
        "jpeg" => extension == "thm",
        "avif" => matches!(extension, "heif" | "heic" | "hif"),
        "heic" => extension == "avif",
        _ => false,
    }
}

/// Notes that the file is shorter than its own structure says.
fn note_truncation(probe: &mut Probe, what: &str) {
    probe.agreement.differ(format!("the file ends early: {what}; copy it again from its origin"));
}
