//! The name of an ICC profile.

/// The profile's description (ICC.1:2022, clause 9.2.41), at most 128
/// characters; `None` when it has none that can be read.
pub(super) fn description(profile: &[u8]) -> Option<String> {
    let word = |at: usize| {
        let bytes = profile.get(at..at.checked_add(4)?)?.first_chunk::<4>()?;
        Some(u32::from_be_bytes(*bytes) as usize)
    };
    // The table of tags has twelve bytes each; real ones have about twenty.
    let count = word(128)?.min(200);
    let entry = (0..count)
        .map(|index| 132 + index * 12)
        .find(|&at| profile.get(at..at + 4) == Some(b"desc"))?;
    let start = word(entry + 4)?;
    let tag = profile.get(start..start.checked_add(word(entry + 8)?)?)?;
    let text = match tag.first_chunk::<4>()? {
        b"desc" => {
            let length = word(start + 8)?;
            let text = tag.get(12..12_usize.checked_add(length)?)?;
            String::from_utf8_lossy(text).into_owned()
        }
        b"mluc" => {
            let (length, offset) = (word(start + 20)?, word(start + 24)?);
            let text = tag.get(offset..offset.checked_add(length)?)?;
            let units = text.as_chunks::<2>().0.iter().map(|&unit| u16::from_be_bytes(unit));
            char::decode_utf16(units).map(|unit| unit.unwrap_or('\u{fffd}')).collect()
        }
        _ => return None,
    };
    let text: String =
        text.chars().take_while(|&unit| unit != '\0').filter(|unit| !unit.is_control()).collect();
    let text: String = text.trim().chars().take(128).collect();
    (!text.is_empty()).then_some(text)
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
    fn both_versions_of_the_tag() {
        let two = profile(b"desc\0\0\0\0\0\0\0\x05sRGB\0");
        assert_eq!(description(&two).as_deref(), Some("sRGB"));
        let four = profile(b"mluc\0\0\0\0\0\0\0\x01\0\0\0\x0cenUS\0\0\0\x04\0\0\0\x1c\0P\x003");
        assert_eq!(description(&four).as_deref(), Some("P3"));
    }

    #[test]
    fn nonsense_has_no_name() {
        for length in 0..160 {
            assert_eq!(description(&vec![0xff; length]), None);
        }
        assert_eq!(description(&profile(b"desc\0\0\0\0\xff\xff\xff\xffsRGB")), None);
    }
}
