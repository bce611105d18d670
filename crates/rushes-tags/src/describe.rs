//! Every EXIF tag by name, as text that a person can read.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use exif::{Context, Field, In, Tag, Value};

use crate::text;
use crate::tiff::{Directory, Entry, Tiff};

/// Values longer than this are told by their length.
const SHOWN_BYTES: u64 = 4 << 10;
/// More numbers than this are told by their count.
const SHOWN_VALUES: u64 = 32;

/// Names and texts, bounded in number and bytes over everything added.
pub(crate) struct Described {
    all: BTreeMap<String, String>,
    left_bytes: u64,
}

impl Described {
    pub(crate) fn new(text_bytes: u64) -> Described {
        Described { all: BTreeMap::new(), left_bytes: text_bytes }
    }

    /// Adds a text unless the name is taken or there is no more room.
    pub(crate) fn add(&mut self, name: String, text: &str) {
        const MOST: usize = 2_000;
        let Some(text) = text::clean(text) else { return };
        let bytes = (name.len() + text.len()) as u64;
        if self.all.len() < MOST && bytes <= self.left_bytes && !self.all.contains_key(&name) {
            self.left_bytes -= bytes;
            self.all.insert(name, text);
        }
    }

    pub(crate) fn is_full(&self) -> bool {
        self.left_bytes < 64
    }

    pub(crate) fn into_map(self) -> BTreeMap<String, String> {
        self.all
    }
}

/// Adds every tag that has no place of its own.
pub(crate) fn describe(tiff: &Tiff<'_>, described: &mut Described) {
    for entry in tiff.entries() {
        if described.is_full() {
            return;
        }
        if has_own_place(entry) {
            continue;
        }
        let context = match entry.directory {
            Directory::Main => Context::Tiff,
            Directory::Exif => Context::Exif,
            Directory::Gps => Context::Gps,
            Directory::Interop => Context::Interop,
            Directory::Sub | Directory::Maker => continue,
        };
        let mut tag = Tag(context, entry.tag);
        // TIFF/EP (ISO 12234-2) has EXIF's tags in the first directory.
        if context == Context::Tiff && tag.description().is_none() {
            tag = Some(Tag(Context::Exif, entry.tag))
                .filter(|tag| tag.description().is_some())
                .unwrap_or(tag);
        }
        let Some(shown) = shown(tiff, entry, tag) else { continue };
        let name = match (tag.description(), tiff_name(entry)) {
            (Some(_), _) => format!("exif:{tag}"),
            (None, Some(name)) => format!("exif:{name}"),
            (None, None) => format!("exif:{:#06x}", entry.tag),
        };
        described.add(name, &shown);
    }
}

/// Names of TIFF and DNG tags that EXIF does not list.
fn tiff_name(entry: &Entry) -> Option<&'static str> {
    if entry.directory != Directory::Main {
        return None;
    }
    Some(match entry.tag {
        0x00fe => "NewSubfileType",
        0x010a => "FillOrder",
        0x010d => "DocumentName",
        0x011d => "PageName",
        0x0129 => "PageNumber",
        0x013c => "HostComputer",
        0x013d => "Predictor",
        0x0152 => "ExtraSamples",
        0x0153 => "SampleFormat",
        0x4749 => "RatingPercent",
        0x9c9c => "XPComment",
        0x9c9d => "XPAuthor",
        0x9c9f => "XPSubject",
        0xc612 => "DNGVersion",
        0xc613 => "DNGBackwardVersion",
        0xc614 => "UniqueCameraModel",
        0xc62f => "CameraSerialNumber",
        0xc68b => "OriginalRawFileName",
        _ => return None,
    })
}

/// The text with every number of many decimals cut to six digits that count:
/// fractions are carried exactly and would be shown to sixteen.
fn rounded(shown: &str) -> String {
    let mut text = String::with_capacity(shown.len());
    let mut rest = shown;
    while let Some(start) = rest.find(|c: char| c.is_ascii_digit()) {
        let (before, number) = rest.split_at(start);
        let end = number.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(number.len());
        let (number, after) = number.split_at(end);
        text.push_str(before);
        let decimals = number.split_once('.').map_or(0, |(_, decimals)| decimals.len());
        match number.parse::<f64>() {
            Ok(value) if decimals > 6 => {
                let whole_digits = value.max(1.0).log10().floor() as usize + 1;
                let kept = if value < 0.1 { 9 } else { 6_usize.saturating_sub(whole_digits) };
                let _ = write!(text, "{}", format!("{value:.kept$}").parse().unwrap_or(value));
            }
            _ => text.push_str(number),
        }
        rest = after;
    }
    text.push_str(rest);
    text
}

/// Tags that are read into fields, and those that only lay out the file.
fn has_own_place(entry: &Entry) -> bool {
    match entry.directory {
        Directory::Main => matches!(
            entry.tag,
            0x010e
                ..=0x0110
                    | 0x0131
                    | 0x4746
                    | 0x9c9b
                    | 0x9c9e
                    | 0x0111
                    | 0x0117
                    | 0x0144
                    | 0x0145
                    | 0x014a
                    | 0x0201
                    | 0x0202
                    | 0x02bc
                    | 0x83bb
                    | 0x8649
                    | 0x8773
                    | 0xea1c
        ),
        Directory::Exif => matches!(entry.tag, 0xa434 | 0xea1c),
        _ => false,
    }
}

fn shown(tiff: &Tiff<'_>, entry: &Entry, tag: Tag) -> Option<String> {
    let len_bytes = entry.len_bytes();
    if len_bytes == 0 {
        return None;
    }
    if tag == Tag::UserComment {
        return user_comment(tiff, entry);
    }
    let is_text = matches!(entry.kind, 2 | 129);
    if entry.kind == 7 && len_bytes > 64 || entry.kind == 1 && len_bytes > 16 {
        if let Some(text) = windows_text(tiff, entry) {
            return Some(text);
        }
        return Some(format!("({len_bytes} bytes)"));
    }
    if is_text {
        let bytes = tiff.part(entry).take_up_to(0, text::TEXT_BYTES as u64);
        return text::decode(&bytes);
    }
    if len_bytes > SHOWN_BYTES || entry.count > SHOWN_VALUES && entry.kind != 7 {
        return Some(format!("({} values)", entry.count));
    }
    let value = tiff.value(entry)?;
    if divides_by_zero(&value) {
        return exact_fractions(&value);
    }
    let field = Field { tag, ifd_num: In::PRIMARY, value };
    let mut shown = String::new();
    write!(shown, "{}", field.display_value().with_unit(&unit_of(tiff, tag)?)).ok()?;
    text::clean(&rounded(&shown))
}

/// The tag that holds another's unit, where one does.
fn unit_of(tiff: &Tiff<'_>, tag: Tag) -> Option<Field> {
    let unit = match tag {
        Tag::XResolution | Tag::YResolution => Tag::ResolutionUnit,
        Tag::FocalPlaneXResolution | Tag::FocalPlaneYResolution => Tag::FocalPlaneResolutionUnit,
        Tag::GPSAltitude => Tag::GPSAltitudeRef,
        Tag::GPSLatitude => Tag::GPSLatitudeRef,
        Tag::GPSLongitude => Tag::GPSLongitudeRef,
        Tag::GPSDestLatitude => Tag::GPSDestLatitudeRef,
        Tag::GPSDestLongitude => Tag::GPSDestLongitudeRef,
        Tag::GPSSpeed => Tag::GPSSpeedRef,
        Tag::GPSTrack => Tag::GPSTrackRef,
        Tag::GPSImgDirection => Tag::GPSImgDirectionRef,
        Tag::GPSDestBearing => Tag::GPSDestBearingRef,
        Tag::GPSDestDistance => Tag::GPSDestDistanceRef,
        _ => tag,
    };
    let directory = match unit.context() {
        Context::Tiff => Directory::Main,
        Context::Exif => Directory::Exif,
        _ => Directory::Gps,
    };
    let found = tiff.find(directory, unit.number()).filter(|e| e.len_bytes() <= SHOWN_BYTES);
    let value = found.and_then(|entry| tiff.value(&entry));
    // A field of another number gives no unit, and the default is shown.
    let none =
        Field { tag: Tag::InteroperabilityIndex, ifd_num: In(1), value: Value::Byte(vec![]) };
    Some(value.map_or(none, |value| Field { tag: unit, ifd_num: In::PRIMARY, value }))
}

fn divides_by_zero(value: &Value) -> bool {
    match value {
        Value::Rational(fractions) => fractions.iter().any(|f| f.denom == 0),
        Value::SRational(fractions) => fractions.iter().any(|f| f.denom == 0),
        _ => false,
    }
}

fn exact_fractions(value: &Value) -> Option<String> {
    let fractions: Vec<String> = match value {
        Value::Rational(f) => f.iter().map(|f| format!("{}/{}", f.num, f.denom)).collect(),
        Value::SRational(f) => f.iter().map(|f| format!("{}/{}", f.num, f.denom)).collect(),
        _ => return None,
    };
    Some(fractions.join(", "))
}

/// A comment after eight bytes that name its encoding.
fn user_comment(tiff: &Tiff<'_>, entry: &Entry) -> Option<String> {
    let bytes = tiff.part(entry).take_up_to(0, text::TEXT_BYTES as u64);
    let (encoding, comment) = bytes.split_at_checked(8)?;
    match encoding {
        b"ASCII\0\0\0" | b"\0\0\0\0\0\0\0\0" => text::decode(comment),
        b"UNICODE\0" => text::decode_utf16(comment, tiff.is_big_endian()),
        b"JIS\0\0\0\0\0" => Some(format!("({} bytes)", comment.len())),
        _ => text::decode(&bytes),
    }
}

fn windows_text(tiff: &Tiff<'_>, entry: &Entry) -> Option<String> {
    if entry.directory != Directory::Main || !(0x9c9b..=0x9c9f).contains(&entry.tag) {
        return None;
    }
    text::decode_utf16(&tiff.part(entry).take_up_to(0, text::TEXT_BYTES as u64), false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_decimals_are_cut() {
        for (shown, expected) in [
            ("1/221.97558268590456 s", "1/221.976 s"),
            ("1.5700000524639703-9 mm, f/1.5-2.8", "1.57-9 mm, f/1.5-2.8"),
            ("5.914499196065449 EV", "5.9145 EV"),
            ("0.000012345678 s", "0.000012346 s"),
            ("12345678.12345678", "12345678"),
            ("2.97, 0.5", "2.97, 0.5"),
            ("1.2.3.4567890", "1.2.3.4567890"),
            ("f/ü.5 .", "f/ü.5 ."),
        ] {
            assert_eq!(rounded(shown), expected);
        }
    }

    #[test]
    fn room_is_bounded() {
        let mut described = Described::new(100);
        described.add("a".to_owned(), &"x".repeat(60));
        described.add("b".to_owned(), &"x".repeat(60));
        described.add("c".to_owned(), "y");
        described.add("a".to_owned(), "again");
        assert!(described.is_full());
        let all = described.into_map();
        assert_eq!(all.keys().collect::<Vec<_>>(), ["a", "c"]);
    }
}
