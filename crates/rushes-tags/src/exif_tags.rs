//! What EXIF tags (CIPA DC-008, EXIF 3.0) mean.

use rushes_media::{Confidence, Limits};

use crate::candidates::{Candidates, Rank};
use crate::position::{self, Refusal};
use crate::problems::Problems;
use crate::tags::{Tags, fill};
use crate::text;
use crate::tiff::{Directory, Tiff};
use crate::when::Moment;

/// Reads everything that has its own place; what is already there stays.
pub(crate) fn interpret(
    tiff: &Tiff<'_>,
    limits: &Limits,
    tags: &mut Tags,
    candidates: &mut Candidates,
    problems: &mut Problems,
) {
    use Directory::{Exif, Main};
    fill(&mut tags.camera.make, tiff.text(Main, 0x010f));
    fill(&mut tags.camera.model, tiff.text(Main, 0x0110));
    // DNG's own name of the camera, for cameras that state no other.
    fill(&mut tags.camera.model, tiff.text(Main, 0xc614));
    fill(&mut tags.camera.software, tiff.text(Main, 0x0131));
    fill(&mut tags.camera.lens, tiff.text(Exif, 0xa434));
    fill(&mut tags.title, windows_text(tiff, 0x9c9b, problems));
    fill(&mut tags.description, tiff.text(Main, 0x010e));
    fill(&mut tags.description, windows_text(tiff, 0x9c9c, problems));
    fill(&mut tags.description, windows_text(tiff, 0x9c9f, problems));
    for keyword in windows_text(tiff, 0x9c9e, problems).iter().flat_map(|text| text.split(';')) {
        tags.add_keyword(keyword);
    }
    let rating = tiff.find(Main, 0x4746).and_then(|entry| tiff.number(&entry));
    fill(&mut tags.rating, rating.filter(|&stars| stars <= 5).map(|stars| stars as i8));
    read_orientation(tiff, tags, problems);
    read_moments(tiff, candidates);
    read_position(tiff, tags, problems);
    if let Some(note) = tiff.find(Exif, 0x927c) {
        let identifier = crate::apple::content_identifier(&tiff.part(&note), limits);
        fill(&mut tags.content_identifier, identifier);
    }
}

/// A lens known by its range only: `24-70 mm f/2.8-4`. For when nothing gave
/// its name.
pub(crate) fn lens_from_range(tiff: &Tiff<'_>) -> Option<String> {
    let range = tiff
        .fractions(Directory::Exif, 0xa432)
        .or_else(|| tiff.fractions(Directory::Main, 0xc630))?;
    range_of(&range)
}

/// Shortest and longest focal length in mm, and the largest aperture at each,
/// in words; apertures may be left out.
pub(crate) fn range_of(range: &[(i64, i64)]) -> Option<String> {
    let numbers: Vec<Option<f64>> = range
        .iter()
        .map(|&(num, den)| (num > 0 && den > 0).then(|| num as f64 / den as f64))
        .collect();
    let [Some(shortest), Some(longest), apertures @ ..] = numbers.as_slice() else {
        return None;
    };
    let round = |number: f64| (number * 10.0).round() / 10.0;
    let span = |from: f64, to: f64| match (round(from), round(to)) {
        (from, to) if from == to => format!("{from}"),
        (from, to) => format!("{from}-{to}"),
    };
    let focal = span(*shortest, *longest);
    Some(match apertures {
        [Some(from), Some(to)] => format!("{focal} mm f/{}", span(*from, *to)),
        _ => format!("{focal} mm"),
    })
}

/// Clockwise turn and then mirror (left to right) that set a picture of this
/// EXIF orientation upright; `None` when it is not 1 to 8.
pub(crate) fn upright(orientation: u64) -> Option<(u16, bool)> {
    Some(match orientation {
        1 => (0, false),
        2 => (0, true),
        3 => (180, false),
        4 => (180, true),
        5 => (90, true),
        6 => (90, false),
        7 => (270, true),
        8 => (270, false),
        _ => return None,
    })
}

fn read_orientation(tiff: &Tiff<'_>, tags: &mut Tags, problems: &mut Problems) {
    if tags.rotation_degrees.is_some() {
        return;
    }
    // RAWs state it beside the thumbnail; some only beside the picture.
    let entry = tiff.find(Directory::Main, 0x0112).or_else(|| tiff.find(Directory::Sub, 0x0112));
    let Some(entry) = entry else { return };
    let Some(stated) = tiff.number(&entry) else { return };
    match upright(stated) {
        Some((rotation_degrees, mirrored)) => {
            tags.rotation_degrees = Some(rotation_degrees);
            tags.mirrored = mirrored;
        }
        None => problems.note(format!("EXIF states orientation {stated}, which is not 1 to 8")),
    }
}

fn read_moments(tiff: &Tiff<'_>, candidates: &mut Candidates) {
    use Directory::{Exif, Main};
    let moment = |directory, tag, fraction, offset| {
        let mut moment = Moment::parse(&tiff.text(directory, tag)?)?;
        if let Some(fraction) = tiff.text(Exif, fraction) {
            moment = moment.with_fraction(&fraction);
        }
        if let Some(offset) = tiff.text(Exif, offset) {
            moment = moment.with_offset(&offset);
        }
        Some(moment)
    };
    let trust = |moment: &Option<Moment>| match moment {
        Some(moment) if moment.has_offset() => Confidence::High,
        _ => Confidence::Medium,
    };
    let original =
        moment(Exif, 0x9003, 0x9291, 0x9011).or_else(|| moment(Main, 0x9003, 0x9291, 0x9011));
    let confidence = trust(&original);
    candidates.add(Rank::Original, original, "exif:DateTimeOriginal", confidence);
    let digitized = moment(Exif, 0x9004, 0x9292, 0x9012);
    let confidence = trust(&digitized);
    candidates.add(Rank::Digitized, digitized, "exif:DateTimeDigitized", confidence);
    candidates.add(Rank::Position, fix(tiff), "exif:GPSDateStamp", Confidence::Medium);
    let changed = moment(Main, 0x0132, 0x9290, 0x9010);
    candidates.add(Rank::Modified, changed, "exif:DateTime", Confidence::Low);
}

/// The moment of the last position fix, UTC.
fn fix(tiff: &Tiff<'_>) -> Option<Moment> {
    let day = Moment::parse(&tiff.text(Directory::Gps, 0x001d)?)?;
    let time = tiff.fractions(Directory::Gps, 0x0007)?;
    let [hour, minute, (seconds, per_second)] = *time.as_slice() else { return None };
    let whole = |(num, den): (i64, i64)| (den > 0 && num % den == 0).then(|| num / den);
    if per_second <= 0 || seconds < 0 {
        return None;
    }
    let millis = i128::from(seconds % per_second) * 1000 / i128::from(per_second);
    let (hour, minute) = (whole(hour)?, whole(minute)?);
    let fraction = if millis == 0 { String::new() } else { format!(".{millis:03}") };
    day.at_time(&format!("{hour:02}:{minute:02}:{:02}{fraction}Z", seconds / per_second))
}

fn read_position(tiff: &Tiff<'_>, tags: &mut Tags, problems: &mut Problems) {
    use Directory::Gps;
    if tags.gps.is_some() {
        return;
    }
    let (Some(latitude), Some(longitude)) = (tiff.fractions(Gps, 2), tiff.fractions(Gps, 4)) else {
        return;
    };
    let side = |tag, plus: char, minus: char| {
        let letter = tiff.text(Gps, tag)?.chars().next()?.to_ascii_uppercase();
        [(plus, 1.0), (minus, -1.0)].into_iter().find(|(l, _)| *l == letter).map(|(_, sign)| sign)
    };
    let (Some(north), Some(east)) = (side(1, 'N', 'S'), side(3, 'E', 'W')) else {
        problems.note("EXIF has a position without saying north or south, east or west");
        return;
    };
    let parts = (position::degrees(&latitude), position::degrees(&longitude));
    let (Some(latitude), Some(longitude)) = parts else {
        problems.note("EXIF has a position that divides by zero");
        return;
    };
    match position::position(north * latitude, east * longitude, altitude_m(tiff)) {
        Ok(gps) => tags.gps = Some(gps),
        Err(Refusal::OutOfRange) => {
            problems.note("EXIF has a position that is not on Earth");
        }
        Err(Refusal::NoFix) => {
            problems.note("EXIF has the position 0, 0, which devices write without a fix");
        }
    }
}

fn altitude_m(tiff: &Tiff<'_>) -> Option<f64> {
    let (num, den) = tiff.fractions(Directory::Gps, 6)?.first().copied()?;
    let below = tiff.find(Directory::Gps, 5).and_then(|entry| tiff.number(&entry));
    // 1 is below the sea, 3 below the ellipsoid (EXIF 3.0).
    let sign = if matches!(below, Some(1 | 3)) { -1.0 } else { 1.0 };
    (den != 0).then(|| sign * num as f64 / den as f64)
}

/// The tags that Windows writes: UTF-16, little endian whatever the rest is.
fn windows_text(tiff: &Tiff<'_>, tag: u16, problems: &mut Problems) -> Option<String> {
    let entry = tiff.find(Directory::Main, tag)?;
    text::decode_utf16(&tiff.bytes(&entry, problems)?, false)
}
