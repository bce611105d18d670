//! The decoder configuration in a HEIF file: profile and level of its codec.

use rushes_media::Probe;

use super::{boxes, read};
use crate::Source;

/// Fills in profile and level of a HEIC's or AVIF's picture by the first
/// configuration in the file, which is that of the picture or of its tiles.
pub(super) fn complete(source: &Source, probe: &mut Probe) {
    if !matches!(probe.container.format.as_str(), "heic" | "avif") {
        return;
    }
    for stream in &mut probe.streams {
        let found = match stream.codec.as_str() {
            "hevc" => property(source, b"hvcC").and_then(hevc),
            "av1" => property(source, b"av1C").and_then(av1),
            _ => None,
        };
        if let Some((profile, level)) = found {
            stream.profile = profile.map(Into::into);
            stream.level = Some(level);
        }
    }
}

/// Start of the first item property of this type (ISO/IEC 14496-12, clause 8.11.14).
fn property(source: &Source, kind: &[u8; 4]) -> Option<[u8; 13]> {
    let meta = boxes::at_path(source, 0, source.size_bytes(), &[b"meta"])?;
    // `meta` is a full box: version and flags come first.
    let found = boxes::at_path(source, meta.start + 4, meta.end, &[b"iprp", b"ipco", kind])?;
    // An AV1 configuration may end sooner: what follows is not looked at.
    read::exactly(source, found.start)
}

/// Profile and level of a HEVCDecoderConfigurationRecord (ISO/IEC 14496-15,
/// clause 8.3.3); the level is thirty times the one that is spoken of.
fn hevc(record: [u8; 13]) -> Option<(Option<&'static str>, i32)> {
    let [1, profile, .., level] = record else { return None };
    let profile = match profile & 0x1f {
        1 => Some("Main"),
        2 => Some("Main 10"),
        3 => Some("Main Still Picture"),
        4 => Some("Rext"),
        _ => None,
    };
    Some((profile, i32::from(level)))
}

/// Profile and level of an AV1CodecConfigurationRecord (AV1 in ISO BMFF,
/// section 2.3.3); the level is its code, 0 for 2.0.
fn av1(record: [u8; 13]) -> Option<(Option<&'static str>, i32)> {
    let [0x81, packed, ..] = record else { return None };
    let profile = ["Main", "High", "Professional"].get(usize::from(packed >> 5)).copied();
    Some((profile, i32::from(packed & 0x1f)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn profiles_and_levels() {
        let record = |start: [u8; 2], level| {
            let mut record = [0; 13];
            record[..2].copy_from_slice(&start);
            record[12] = level;
            record
        };
        assert_eq!(hevc(record([1, 0x03], 120)), Some((Some("Main Still Picture"), 120)));
        // The tier (bit 5) is no part of the profile.
        assert_eq!(hevc(record([1, 0x22], 153)), Some((Some("Main 10"), 153)));
        assert_eq!(hevc(record([1, 0x1f], 30)), Some((None, 30)));
        assert_eq!(hevc(record([2, 0x01], 30)), None);
        assert_eq!(av1(record([0x81, 0x00], 0)), Some((Some("Main"), 0)));
        assert_eq!(av1(record([0x81, 0x28], 0)), Some((Some("High"), 8)));
        assert_eq!(av1(record([0x01, 0x00], 0)), None);
    }
}
