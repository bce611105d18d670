//! The name of an ICC profile (ICC.1:2022).

use crate::text;

/// Tags of a profile looked at; real ones have some twenty.
const MOST_TAGS: usize = 200;

/// The text of the profile's description tag: English where there are
/// several languages.
pub(crate) fn description(profile: &[u8]) -> Option<String> {
    let count = u32_at(profile, 128)? as usize;
    for number in 0..count.min(MOST_TAGS) {
        let at = 132 + number * 12;
        if profile.get(at..at + 4)? == b"desc" {
            let start = u32_at(profile, at + 4)? as usize;
            let len = u32_at(profile, at + 8)? as usize;
            return text_of(profile.get(start..start.checked_add(len)?)?);
        }
    }
    None
}

fn text_of(tag: &[u8]) -> Option<String> {
    match tag.get(..4)? {
        b"desc" => {
            let len = u32_at(tag, 8)? as usize;
            text::decode(tag.get(12..12_usize.checked_add(len)?.min(tag.len()))?)
        }
        b"mluc" => {
            let count = (u32_at(tag, 8)? as usize).min(MOST_TAGS);
            let record = |number: usize| {
                let at = 16 + number * 12;
                let (len, start) = (u32_at(tag, at + 4)? as usize, u32_at(tag, at + 8)? as usize);
                let text = tag.get(start..start.checked_add(len)?)?;
                Some((tag.get(at..at + 2)?, text))
            };
            let english = (0..count).filter_map(record).find(|(language, _)| *language == b"en");
            let (_, text) = english.or_else(|| record(0))?;
            text::decode_utf16(text, true)
        }
        b"text" => text::decode(tag.get(8..)?),
        _ => None,
    }
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().copied().map(u32::from_be_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn profile(tag: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0; 128];
        bytes.extend(1_u32.to_be_bytes());
        bytes.extend(b"desc");
        bytes.extend(144_u32.to_be_bytes());
        bytes.extend((tag.len() as u32).to_be_bytes());
        bytes.extend(tag);
        bytes
    }

    #[test]
    fn both_versions() {
        let second = [&b"desc\0\0\0\0\0\0\0\x05sRGB\0"[..], &[0; 20]].concat();
        assert_eq!(description(&profile(&second)).as_deref(), Some("sRGB"));
        let fourth = [
            &b"mluc\0\0\0\0\0\0\0\x02\0\0\0\x0c"[..],
            b"deDE\0\0\0\x02\0\0\0\x28enUS\0\0\0\x04\0\0\0\x2a",
            b"\0X\0P\x003",
        ]
        .concat();
        assert_eq!(description(&profile(&fourth)).as_deref(), Some("P3"));
    }

    #[test]
    fn every_truncation_is_refused_or_read() {
        let whole = profile(b"desc\0\0\0\0\0\0\0\x05sRGB\0");
        for len in 0..whole.len() {
            assert_eq!(description(&whole[..len]), None);
        }
    }
}
