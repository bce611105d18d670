//! Bytes of unknown encoding made into text that can be kept and shown.

/// One kept text is never longer than this.
pub(crate) const TEXT_BYTES: usize = 64 << 10;

/// UTF-8 when it is that, else Windows-1252, which is what older software
/// wrote; without NULs, control characters and blanks around it. `None` when
/// nothing is left.
pub(crate) fn decode(bytes: &[u8]) -> Option<String> {
    let end = bytes.iter().position(|&byte| byte == 0).unwrap_or(bytes.len());
    let bytes = bytes.get(..end).unwrap_or_default();
    match std::str::from_utf8(bytes) {
        Ok(text) => clean(text),
        Err(_) => clean(&bytes.iter().map(|&byte| from_windows_1252(byte)).collect::<String>()),
    }
}

/// UTF-16 in either order, up to the first NUL.
pub(crate) fn decode_utf16(bytes: &[u8], big_endian: bool) -> Option<String> {
    let units = bytes.chunks_exact(2).map(|pair| {
        let pair = [pair.first().copied().unwrap_or(0), pair.get(1).copied().unwrap_or(0)];
        if big_endian { u16::from_be_bytes(pair) } else { u16::from_le_bytes(pair) }
    });
    let text: String = char::decode_utf16(units.take_while(|&unit| unit != 0))
        .map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER))
        .collect();
    clean(&text)
}

/// The text without control characters (line breaks stay) and without blanks
/// around it, cut at [`TEXT_BYTES`]. `None` when nothing is left.
pub(crate) fn clean(text: &str) -> Option<String> {
    let mut kept = String::new();
    for character in text.trim_matches(|c: char| c.is_whitespace() || c.is_control()).chars() {
        if kept.len() + character.len_utf8() > TEXT_BYTES {
            break;
        }
        match character {
            '\r' => {}
            '\n' | '\t' => kept.push(character),
            c if c.is_control() || c == '\u{feff}' => {}
            c => kept.push(c),
        }
    }
    (!kept.is_empty()).then_some(kept)
}

fn from_windows_1252(byte: u8) -> char {
    const HIGH: [char; 32] = [
        '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž',
        '\u{8f}', '\u{90}', '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}',
        'ž', 'Ÿ',
    ];
    match byte {
        0x80..=0x9f => HIGH.get(usize::from(byte - 0x80)).copied().unwrap_or(' '),
        _ => char::from(byte),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodings() {
        assert_eq!(decode("Zürich\0junk".as_bytes()).as_deref(), Some("Zürich"));
        assert_eq!(decode(b"Z\xfcrich \x93x\x94").as_deref(), Some("Zürich “x”"));
        assert_eq!(decode(b" \0"), None);
        assert_eq!(decode_utf16(b"H\0i\0\0\0x\0", false).as_deref(), Some("Hi"));
        assert_eq!(decode_utf16(b"\0H\0i\xd8", true).as_deref(), Some("Hi"));
    }

    #[test]
    fn control_characters_go_and_length_is_bounded() {
        assert_eq!(clean("\u{7}a\r\nb\u{1b}[c ").as_deref(), Some("a\nb[c"));
        assert_eq!(clean(&"ü".repeat(TEXT_BYTES)).unwrap().len(), TEXT_BYTES);
    }
}
