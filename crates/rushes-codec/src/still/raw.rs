//! TIFF, and the camera RAWs that are TIFF inside: DNG (Adobe's specification
//! 1.7), CR2, NEF, ARW, PEF, ORF, RW2, SRW. The sensor's numbers are not
//! developed; the largest JPEG that the camera left inside stands for them.

use rushes_media::{
    Basis, Color, Count, Error, ErrorKind, Frame, Picture, Probe, Result, Stream, StreamKind,
};

use super::jpeg::Cut;
use super::raster::Meaning;
use super::srgb::Profile;
use super::tiff::{Directory, NEW_SUBFILE_TYPE, Order, Tiff};
use super::{Embedded, icc, jpeg, note_truncation, preview, probe_of, raster, read, stated};
use crate::Source;

const IMAGE_WIDTH: u16 = 0x0100;
const IMAGE_LENGTH: u16 = 0x0101;
const BITS_PER_SAMPLE: u16 = 0x0102;
const COMPRESSION: u16 = 0x0103;
const PHOTOMETRIC: u16 = 0x0106;
const MAKE: u16 = 0x010f;
const STRIP_OFFSETS: u16 = 0x0111;
const SAMPLES_PER_PIXEL: u16 = 0x0115;
const STRIP_BYTE_COUNTS: u16 = 0x0117;
const TILE_OFFSETS: u16 = 0x0144;
const TILE_BYTE_COUNTS: u16 = 0x0145;
const SAMPLE_FORMAT: u16 = 0x0153;
const JPEG_OFFSET: u16 = 0x0201;
const JPEG_LENGTH: u16 = 0x0202;
const EXIF: u16 = 0x8769;
const ICC_PROFILE: u16 = 0x8773;
const EXIF_WIDTH: u16 = 0xa002;
const EXIF_HEIGHT: u16 = 0xa003;
const MAKER_NOTE: u16 = 0x927c;
const DNG_VERSION: u16 = 0xc612;
const DEFAULT_CROP_SIZE: u16 = 0xc620;
/// Panasonic: borders of the picture on the sensor, and the preview.
const RW2_BORDERS: [u16; 4] = [4, 5, 6, 7];
const RW2_JPEG: u16 = 0x002e;
/// Olympus: the maker note's camera settings, and the preview there.
const OLYMPUS_SETTINGS: u16 = 0x2020;

/// Strips of one picture that are compared with the file's size.
const STRIPS: usize = 70_000;
/// Embedded JPEGs that are looked at.
const PREVIEWS: usize = 64;

pub(super) fn probe(source: &Source, head: &[u8]) -> Result<Probe> {
    let tiff = Tiff::walk(source)?;
    match raw_format(&tiff, head, source.extension()) {
        Some(format) => probe_raw(source, &tiff, format),
        None => probe_tiff(source, &tiff),
    }
}

pub(super) fn decode(source: &Source, head: &[u8], target_px: u32, cut: Cut) -> Result<Picture> {
    let tiff = Tiff::walk(source)?;
    match raw_format(&tiff, head, source.extension()) {
        Some(_) => preview(source, largest_preview(source, &tiff), target_px, cut),
        None => raster::decode(source, "tiff", meaning(source, &tiff)),
    }
}

/// An ordinary TIFF with all that is stored; `None` for a camera RAW.
pub(super) fn frame(source: &Source, head: &[u8]) -> Result<Option<Frame>> {
    let tiff = Tiff::walk(source)?;
    match raw_format(&tiff, head, source.extension()) {
        Some(_) => Ok(None),
        None => raster::frame(source, "tiff", meaning(source, &tiff)).map(Some),
    }
}

/// Whether it is an ordinary TIFF rather than a camera RAW.
pub(super) fn is_plain(source: &Source, head: &[u8]) -> bool {
    Tiff::walk(source).is_ok_and(|tiff| raw_format(&tiff, head, source.extension()).is_none())
}

/// An ordinary TIFF's ICC profile.
pub(super) fn profile_of(source: &Source, head: &[u8]) -> Option<Vec<u8>> {
    let tiff = Tiff::walk(source).ok()?;
    let is_plain = raw_format(&tiff, head, source.extension()).is_none();
    icc_profile(source, tiff.directories.first().filter(|_| is_plain)?)
}

/// What an ordinary TIFF's numbers mean.
fn meaning(source: &Source, tiff: &Tiff<'_>) -> Meaning {
    let first = tiff.directories.first();
    let profile = first.and_then(|first| icc_profile(source, first));
    Meaning::Said(profile.and_then(|profile| Profile::from_icc(&profile)))
}

/// The RAW format's name in [`crate::FORMATS`]; `None` for an ordinary TIFF.
fn raw_format(tiff: &Tiff<'_>, head: &[u8], extension: &str) -> Option<&'static str> {
    if head.starts_with(b"IIRO") || head.starts_with(b"IIRS") || head.starts_with(b"MMOR") {
        return Some("orf");
    }
    if head.starts_with(b"IIU\0") {
        return Some("rw2");
    }
    if head.starts_with(b"II\x2a\0") && head.get(8..10) == Some(b"CR") {
        return Some("cr2");
    }
    if tiff.directories.iter().any(|directory| directory.entry(DNG_VERSION).is_some()) {
        return Some("dng");
    }
    if !tiff.directories.iter().any(|directory| holds_sensor_data(tiff, directory)) {
        return None;
    }
    let make = tiff.directories.iter().find_map(|directory| tiff.text(directory, MAKE));
    let make = make.unwrap_or_default().to_uppercase();
    let by_make = [
        ("NIKON", "nef"),
        ("SONY", "arw"),
        ("PENTAX", "pef"),
        ("RICOH", "pef"),
        ("ASAHI", "pef"),
        ("SAMSUNG", "srw"),
        ("CANON", "cr2"),
        ("OLYMPUS", "orf"),
        ("PANASONIC", "rw2"),
    ];
    let known = by_make.iter().find(|(name, _)| make.starts_with(name));
    // A maker that is not listed: its files say sensor data, the name says whose.
    known.map(|(_, format)| *format).or_else(|| {
        ["dng", "cr2", "nef", "arw", "pef", "orf", "rw2", "srw"]
            .into_iter()
            .find(|name| *name == extension)
            .or(Some("dng"))
    })
}

/// Colour filter array or linear RAW by its photometric interpretation, or a
/// compression that only RAWs have (Nikon, Sony, Pentax, Samsung).
fn holds_sensor_data(tiff: &Tiff<'_>, directory: &Directory) -> bool {
    matches!(tiff.number(directory, PHOTOMETRIC), Some(32_803 | 34_892))
        || matches!(tiff.number(directory, COMPRESSION), Some(34_713 | 32_767 | 65_535 | 32_770))
}

fn size(tiff: &Tiff<'_>, directory: &Directory) -> Option<(u32, u32)> {
    let side = |tag| {
        let value = tiff.number(directory, tag)?;
        u32::try_from(value).ok().filter(|&side| side > 0)
    };
    Some((side(IMAGE_WIDTH)?, side(IMAGE_LENGTH)?))
}

fn area((width_px, height_px): (u32, u32)) -> u64 {
    u64::from(width_px) * u64::from(height_px)
}

fn probe_raw(source: &Source, tiff: &Tiff<'_>, format: &'static str) -> Result<Probe> {
    let found = largest_preview(source, tiff);
    let sensor = sensor(tiff, format);
    let (size, depth_bits) = match (sensor, &found) {
        (Some((size, depth_bits)), _) => (size, depth_bits),
        (None, Some(preview)) => ((preview.width_px, preview.height_px), None),
        (None, None) => {
            let why = "it has neither a picture's size nor a preview";
            return Err(Error::new(ErrorKind::Corrupt, "reading the camera RAW", why));
        }
    };
    let mut stream = Stream::new(0, StreamKind::Still, format);
    (stream.width_px, stream.height_px) = (Some(size.0), Some(size.1));
    stream.bit_depth = depth_bits;
    let mut probe = probe_of(source, format, stream);
    if is_cut_off(source, tiff) {
        note_truncation(&mut probe, "picture data lies beyond its end");
    } else if found.is_none() {
        probe.agreement.differ("it has no JPEG preview, so nothing can be shown of it");
    }
    Ok(probe)
}

/// Size of the picture on the sensor, cropped as the maker meant it, and its
/// depth.
fn sensor(tiff: &Tiff<'_>, format: &str) -> Option<((u32, u32), Option<u32>)> {
    let mut best: Option<((u32, u32), &Directory)> = None;
    for directory in &tiff.directories {
        let found = if format == "rw2" { rw2_size(tiff, directory) } else { size(tiff, directory) };
        let is_reduced = tiff.number(directory, NEW_SUBFILE_TYPE).unwrap_or(0) & 1 == 1;
        let Some(found) = found.filter(|_| !is_reduced) else { continue };
        if best.is_none_or(|(size, _)| area(found) > area(size)) {
            best = Some((found, directory));
        }
    }
    let (found, directory) = best?;
    let crop = directory.entry(DEFAULT_CROP_SIZE).map(|entry| tiff.numbers(entry, 2));
    let cropped = match crop.as_deref() {
        Some(&[width, height]) => u32::try_from(width).ok().zip(u32::try_from(height).ok()),
        _ => None,
    };
    let cropped = cropped.filter(|size| size.0 > 0 && size.1 > 0);
    // CR2's directories have the sizes of its previews; EXIF has the picture's.
    let cropped = if format == "cr2" { size_by_exif(tiff).or(cropped) } else { cropped };
    // CR2 keeps its sensor's depth elsewhere; what stands here is the preview's.
    let depth_bits = tiff
        .number(directory, BITS_PER_SAMPLE)
        .and_then(|bits| u32::try_from(bits).ok())
        .filter(|bits| format != "cr2" && (1..=32).contains(bits));
    Some((cropped.unwrap_or(found), depth_bits))
}

/// Width and height of the picture by EXIF (its tags 0xA002 and 0xA003).
fn size_by_exif(tiff: &Tiff<'_>) -> Option<(u32, u32)> {
    let start = tiff.directories.iter().find_map(|directory| tiff.number(directory, EXIF))?;
    let exif = Tiff::single(tiff.source, tiff.order, 0, start)?;
    let directory = exif.directories.first()?;
    let side = |tag| u32::try_from(exif.number(directory, tag)?).ok().filter(|&side| side > 0);
    Some((side(EXIF_WIDTH)?, side(EXIF_HEIGHT)?))
}

fn rw2_size(tiff: &Tiff<'_>, directory: &Directory) -> Option<(u32, u32)> {
    let [top, left, bottom, right] = RW2_BORDERS.map(|tag| tiff.number(directory, tag));
    let side = |from: u64, to: u64| u32::try_from(to.checked_sub(from)?).ok().filter(|&px| px > 0);
    Some((side(left?, right?)?, side(top?, bottom?)?))
}

/// The embedded JPEG with the most pixels that can be shown.
fn largest_preview(source: &Source, tiff: &Tiff<'_>) -> Option<Embedded> {
    let mut places: Vec<(u64, u64)> = Vec::new();
    for directory in &tiff.directories {
        let number = |tag| tiff.number(directory, tag);
        places.extend(number(JPEG_OFFSET).zip(number(JPEG_LENGTH)));
        if matches!(number(COMPRESSION), Some(6 | 7)) {
            let single = directory.entry(STRIP_OFFSETS).filter(|entry| entry.count == 1);
            places
                .extend(single.and_then(|_| number(STRIP_OFFSETS).zip(number(STRIP_BYTE_COUNTS))));
        }
        places.extend(directory.entry(RW2_JPEG).map(|entry| (entry.at, entry.count)));
        places.extend(olympus_preview(source, tiff, directory));
    }
    places
        .into_iter()
        .take(PREVIEWS)
        .filter_map(|(start, length)| jpeg::embedded(source, start, length))
        .max_by_key(|found| area((found.width_px, found.height_px)))
}

/// The preview in the maker note of Olympus and OM System, whose offsets
/// count from the note's own start.
fn olympus_preview(source: &Source, tiff: &Tiff<'_>, directory: &Directory) -> Option<(u64, u64)> {
    let exif = Tiff::single(source, tiff.order, 0, tiff.number(directory, EXIF)?)?;
    let note = exif.directories.first()?.entry(MAKER_NOTE)?.at;
    let start: [u8; 16] = read::exactly(source, note)?;
    let (order, first) = match &start {
        [b'O', b'L', b'Y', b'M', b'P', b'U', b'S', 0, b'I', b'I', ..] => (Order::Little, 12),
        [b'O', b'L', b'Y', b'M', b'P', b'U', b'S', 0, b'M', b'M', ..] => (Order::Big, 12),
        [b'O', b'M', b' ', b'S', b'Y', b'S', b'T', b'E', b'M', ..] => (Order::Little, 16),
        _ => return None,
    };
    let outer = Tiff::single(source, order, note, first)?;
    let entry = outer.directories.first()?.entry(OLYMPUS_SETTINGS)?;
    // Written as an offset, or as the directory's own bytes.
    let at = match outer.numbers(entry, 1).first() {
        Some(&at) if entry.count == 1 => at,
        _ => entry.at.checked_sub(note)?,
    };
    let settings = Tiff::single(source, order, note, at)?;
    let settings_directory = settings.directories.first()?;
    let start = settings.number(settings_directory, 0x0101)?;
    Some((note.checked_add(start)?, settings.number(settings_directory, 0x0102)?))
}

/// Whether strips or tiles lie beyond the end of the file.
fn is_cut_off(source: &Source, tiff: &Tiff<'_>) -> bool {
    let numbers = |directory: &Directory, tag| {
        directory.entry(tag).map(|entry| tiff.numbers(entry, STRIPS)).unwrap_or_default()
    };
    tiff.directories.iter().take(64).any(|directory| {
        [(STRIP_OFFSETS, STRIP_BYTE_COUNTS), (TILE_OFFSETS, TILE_BYTE_COUNTS)].into_iter().any(
            |(offsets, counts)| {
                let (offsets, counts) = (numbers(directory, offsets), numbers(directory, counts));
                offsets
                    .iter()
                    .zip(&counts)
                    .any(|(at, length)| at.saturating_add(*length) > source.size_bytes())
            },
        )
    })
}

fn probe_tiff(source: &Source, tiff: &Tiff<'_>) -> Result<Probe> {
    let first = tiff.directories.first();
    let Some((directory, size)) = first.and_then(|first| Some((first, size(tiff, first)?))) else {
        let why = "its first directory states no width or height";
        return Err(Error::new(ErrorKind::Corrupt, "reading the TIFF header", why));
    };
    stated::check(source, size, least_bytes(tiff, directory, size))?;
    let mut stream = Stream::new(0, StreamKind::Still, "tiff");
    (stream.width_px, stream.height_px) = (Some(size.0), Some(size.1));
    let depth_bits = tiff.number(directory, BITS_PER_SAMPLE).unwrap_or(1);
    stream.bit_depth = u32::try_from(depth_bits).ok().filter(|bits| (1..=64).contains(bits));
    stream.pixel_format = pixel_format(tiff, directory, depth_bits);
    let pages = tiff
        .directories
        .iter()
        .filter(|directory| {
            directory.is_page && tiff.number(directory, NEW_SUBFILE_TYPE).unwrap_or(0) & 1 == 0
        })
        .count();
    if pages > 1 {
        stream.frame_count = Some(Count { frames: pages as u64, basis: Basis::Counted });
    }
    let profile = icc_profile(source, directory);
    if let Some(name) = profile.and_then(|profile| icc::description(&profile)) {
        stream.color = Some(Color { icc_profile: Some(name), ..Color::default() });
    }
    let mut probe = probe_of(source, "tiff", stream);
    if is_cut_off(source, tiff) {
        note_truncation(&mut probe, "picture data lies beyond its end");
    }
    Ok(probe)
}

/// The least that a picture without compression takes; 0 for the others.
fn least_bytes(tiff: &Tiff<'_>, directory: &Directory, size_px: (u32, u32)) -> u64 {
    if tiff.number(directory, COMPRESSION).unwrap_or(1) != 1 {
        return 0;
    }
    let samples = tiff.number(directory, SAMPLES_PER_PIXEL).unwrap_or(1).max(1);
    let bits = tiff.number(directory, BITS_PER_SAMPLE).unwrap_or(1).clamp(1, 64);
    stated::rows_bytes(size_px, samples.saturating_mul(bits), 1)
}

fn icc_profile(source: &Source, directory: &Directory) -> Option<Vec<u8>> {
    let entry = directory.entry(ICC_PROFILE)?;
    let length = Some(entry.count).filter(|&length| length <= source.limits().tag_bytes)?;
    read::range(source, entry.at, length).ok()
}

fn pixel_format(tiff: &Tiff<'_>, directory: &Directory, depth_bits: u64) -> Option<String> {
    let samples = tiff.number(directory, SAMPLES_PER_PIXEL).unwrap_or(1);
    let photometric = tiff.number(directory, PHOTOMETRIC)?;
    let is_float = tiff.number(directory, SAMPLE_FORMAT) == Some(3);
    let end = if tiff.order == Order::Big { "be" } else { "le" };
    let ended = |name: &str| Some(format!("{name}{end}"));
    let plain = |name: &str| Some(name.to_owned());
    match (photometric, samples, depth_bits, is_float) {
        (0, 1, 1, _) => plain("monow"),
        (1, 1, 1, _) => plain("monob"),
        (0 | 1, 1, 8, _) => plain("gray"),
        (0 | 1, 1, 16, false) => ended("gray16"),
        (0 | 1, 1, 32, true) => ended("grayf32"),
        (0 | 1, 2, 8, _) => plain("ya8"),
        (0 | 1, 2, 16, false) => ended("ya16"),
        (2, 3, 8, _) => plain("rgb24"),
        (2, 4, 8, _) => plain("rgba"),
        (2, 3, 16, false) => ended("rgb48"),
        (2, 4, 16, false) => ended("rgba64"),
        (3, 1, 1..=8, _) => plain("pal8"),
        _ => None,
    }
}
