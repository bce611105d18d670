//! The lens by the maker's note, which older cameras name nowhere else. Each
//! maker has its own tags and its own place that positions count from.

use rushes_media::Limits;

use crate::exif_tags::range_of;
use crate::problems::Problems;
use crate::source::Source;
use crate::text;
use crate::tiff::{Directory, Tiff};

const MAKER_NOTE: u16 = 0x927c;

/// The lens's name, or its range where there is no name.
pub(crate) fn lens(tiff: &Tiff<'_>, limits: &Limits) -> Option<String> {
    let note = tiff.find(Directory::Exif, MAKER_NOTE)?;
    let part = tiff.part(&note);
    let head = part.take_up_to(0, 18);
    let below = |distance: u64| tiff.directory_at(note.position.checked_add(distance)?, limits);
    if head.starts_with(b"Nikon\0\x02") {
        // A structure of its own, header and all.
        let mut ignored = Problems::default();
        let own = Tiff::open(part.part(10, u64::MAX), Directory::Maker, limits, &mut ignored)?;
        return nikon(&own);
    }
    if head.starts_with(b"Panasonic\0\0\0") {
        return name(&below(12)?, 0x0051);
    }
    if head.starts_with(b"OLYMPUS\0") || head.starts_with(b"OM SYSTEM\0") {
        let distance = if head.starts_with(b"OLYMPUS\0") { 12 } else { 16 };
        let big_endian = head.get(distance - 4..distance - 2)? == b"MM";
        return olympus(&part, big_endian, distance as u64, limits);
    }
    let make = tiff.text(Directory::Main, 0x010f)?.to_ascii_uppercase();
    if make.starts_with("CANON") {
        return canon(tiff, &below(0)?);
    }
    if make.starts_with("NIKON") && !head.starts_with(b"Nikon\0") {
        return nikon(&below(0)?);
    }
    None
}

/// Shortest and longest focal length, and the apertures at both.
fn nikon(note: &Tiff<'_>) -> Option<String> {
    range_of(&note.fractions(Directory::Maker, 0x0084)?)
}

/// Its name; of an EOS without one the range of its lens, in units of its own.
fn canon(tiff: &Tiff<'_>, note: &Tiff<'_>) -> Option<String> {
    if let Some(name) = name(note, 0x0095) {
        return Some(name);
    }
    tiff.text(Directory::Main, 0x0110).filter(|model| model.contains("EOS"))?;
    let settings = note.find(Directory::Maker, 0x0001).filter(|entry| entry.count <= 1_000)?;
    let exif::Value::Short(settings) = note.value(&settings)? else { return None };
    let [longest, shortest, units] = *settings.get(23..26)?.first_chunk::<3>()?;
    let fraction = |length: u16| (i64::from(length), i64::from(units));
    range_of(&[fraction(shortest), fraction(longest)])
}

/// Its name in the directory of equipment.
fn olympus(note: &Source<'_>, big_endian: bool, distance: u64, limits: &Limits) -> Option<String> {
    let mut ignored = Problems::default();
    let whole = note.part(0, u64::MAX);
    let own = Tiff::open_directory(whole, big_endian, distance, limits, &mut ignored);
    let equipment = own.find(Directory::Maker, 0x2010)?;
    // Written as a position, or as the directory's own bytes.
    let at = if equipment.count == 1 { own.number(&equipment)? } else { equipment.position };
    let whole = note.part(0, u64::MAX);
    name(&Tiff::open_directory(whole, big_endian, at, limits, &mut ignored), 0x0203)
}

/// A text that says something.
fn name(note: &Tiff<'_>, tag: u16) -> Option<String> {
    let name = note.text(Directory::Maker, tag)?;
    text::clean(name.trim_matches(['-', ' '])).filter(|name| name.len() > 1)
}
