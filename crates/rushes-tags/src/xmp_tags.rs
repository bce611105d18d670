//! What XMP properties mean.

use rushes_media::Confidence;

use crate::candidates::{Candidates, Rank};
use crate::describe::Described;
use crate::position;
use crate::tags::{Tags, fill};
use crate::when::Moment;
use crate::xmp::Packet;

/// Reads everything that has its own place; what is already there stays.
pub(crate) fn interpret(packet: &Packet, tags: &mut Tags, candidates: &mut Candidates) {
    let owned = |path| packet.first(path).map(str::to_owned);
    fill(&mut tags.title, packet.in_default_language("dc:title").map(str::to_owned));
    fill(&mut tags.description, packet.in_default_language("dc:description").map(str::to_owned));
    for keyword in packet.values("dc:subject") {
        tags.add_keyword(keyword);
    }
    for branch in packet.values("lr:hierarchicalSubject") {
        branch.split('|').for_each(|keyword| tags.add_keyword(keyword));
    }
    fill(&mut tags.rating, packet.first("xmp:Rating").and_then(stars));
    fill(&mut tags.camera.make, owned("tiff:Make"));
    fill(&mut tags.camera.model, owned("tiff:Model"));
    fill(&mut tags.camera.lens, owned("exifEX:LensModel").or_else(|| owned("aux:Lens")));
    fill(&mut tags.camera.software, owned("xmp:CreatorTool"));
    fill(&mut tags.gps, position_of(packet));
    // The exposure first, then the work, then the file.
    for path in [
        "exif:DateTimeOriginal",
        "photoshop:DateCreated",
        "xmp:CreateDate",
        "exif:DateTimeDigitized",
    ] {
        let moment = packet.first(path).and_then(Moment::parse);
        candidates.add(Rank::Xmp, moment, &format!("xmp:{path}"), Confidence::Medium);
    }
}

/// Adds every property by name. Develop settings of RAW converters are left
/// out: there are hundreds, and they describe no content.
pub(crate) fn describe(packet: &Packet, described: &mut Described) {
    let mut joined: Vec<(&str, String)> = Vec::new();
    let shown = packet.properties().iter().filter(|p| {
        !p.path.starts_with("crs:")
            && !matches!(p.path.as_str(), "dc:title" | "dc:description" | "dc:subject")
    });
    for property in shown {
        match joined.last_mut() {
            Some((path, text)) if *path == property.path => {
                text.push_str("; ");
                text.push_str(&property.value);
            }
            _ => joined.push((&property.path, property.value.clone())),
        }
    }
    for (path, text) in joined {
        described.add(format!("xmp:{path}"), &text);
    }
}

/// -1 (rejected) to 5; some software writes `4.0`.
pub(crate) fn stars(text: &str) -> Option<i8> {
    let stars = position::decimal(text.trim())?;
    ((-1.0..=5.0).contains(&stars)).then(|| stars.round() as i8)
}

fn position_of(packet: &Packet) -> Option<rushes_media::Gps> {
    let latitude = position::from_xmp(packet.first("exif:GPSLatitude")?)?;
    let longitude = position::from_xmp(packet.first("exif:GPSLongitude")?)?;
    let below = packet.first("exif:GPSAltitudeRef") == Some("1");
    let altitude = packet.first("exif:GPSAltitude").and_then(|text| match text.split_once('/') {
        None => position::decimal(text.trim()),
        Some((num, den)) => {
            let (num, den) = (num.trim().parse::<i64>().ok()?, den.trim().parse::<i64>().ok()?);
            (den != 0).then(|| num as f64 / den as f64)
        }
    });
    let altitude = altitude.map(|metres| if below { -metres } else { metres });
    position::position(latitude, longitude, altitude).ok()
}
