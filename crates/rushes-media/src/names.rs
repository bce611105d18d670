//! File names are bytes. These make them safe to show, and to put in a URL
//! and back, without losing one.

use std::ffi::{OsStr, OsString};
use std::fmt::Write as _;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;

use crate::{Error, ErrorKind, Result};

/// The name as text that is safe to show on a terminal or a page: invalid
/// UTF-8 as `\xNN`, control and direction-changing characters as `\u{N}`, a
/// backslash doubled. Equal results mean equal names.
#[must_use]
pub fn display_name(name: &[u8]) -> String {
    let mut shown = String::with_capacity(name.len());
    for chunk in name.utf8_chunks() {
        for character in chunk.valid().chars() {
            match character {
                '\\' => shown.push_str("\\\\"),
                '\n' => shown.push_str("\\n"),
                '\t' => shown.push_str("\\t"),
                c if c.is_control() || is_direction_mark(c) => {
                    // Writing to a String does not fail.
                    let _ = write!(shown, "\\u{{{:x}}}", u32::from(c));
                }
                c => shown.push(c),
            }
        }
        for byte in chunk.invalid() {
            let _ = write!(shown, "\\x{byte:02x}");
        }
    }
    shown
}

/// Characters that reorder or hide the text around them.
fn is_direction_mark(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// The name percent-encoded (RFC 3986, section 2.1): every byte that is not
/// a letter, a digit or one of `-._~/` as `%NN`.
#[must_use]
pub fn name_to_url(name: &[u8]) -> String {
    let mut encoded = String::with_capacity(name.len());
    for &byte in name {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

/// The bytes of a percent-encoded name.
///
/// # Errors
/// `Invalid` when a `%` is not followed by two hexadecimal digits.
pub fn name_from_url(encoded: &str) -> Result<Vec<u8>> {
    let mut bytes = encoded.bytes();
    let mut name = Vec::with_capacity(encoded.len());
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            name.push(byte);
            continue;
        }
        let mut digit = || bytes.next().and_then(|b| char::from(b).to_digit(16));
        match (digit(), digit()) {
            (Some(high), Some(low)) => name.push((high * 16 + low) as u8),
            _ => {
                let why = "a % is not followed by two hexadecimal digits";
                return Err(Error::new(ErrorKind::Invalid, "reading an encoded name", why));
            }
        }
    }
    Ok(name)
}

/// The path that a parameter gives: as it stands, or as a `file:` URL
/// (RFC 8089), in which a name of any bytes can be written.
///
/// # Errors
/// `Invalid` when it is such a URL and is broken.
pub fn path_given(given: &str) -> Result<PathBuf> {
    match given.strip_prefix(FILE_URL) {
        Some(encoded) => {
            Ok(OsString::from_vec(name_from_url(encoded).map_err(|e| e.at(given))?).into())
        }
        None => Ok(PathBuf::from(given)),
    }
}

/// A path as a parameter that `path_given` reads; a relative one that is no
/// UTF-8 begins in the current folder.
///
/// # Errors
/// When the current folder is needed and is not there.
pub fn give_path(path: &OsStr) -> std::io::Result<String> {
    if let Some(text) = path.to_str() {
        return Ok(text.to_owned());
    }
    let absolute = std::path::absolute(path)?;
    Ok(format!("{FILE_URL}{}", name_to_url(absolute.as_os_str().as_bytes())))
}

/// What a `file:` URL begins with, up to the path.
const FILE_URL: &str = "file://";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shown_names_are_safe_and_distinct() {
        assert_eq!(display_name(b"a\xffb\n"), "a\\xffb\\n");
        assert_eq!(display_name("é".as_bytes()), "é");
        assert_eq!(display_name("a\u{202e}gpj.exe".as_bytes()), "a\\u{202e}gpj.exe");
        assert_eq!(display_name(b"\x1b[2J"), "\\u{1b}[2J");
        assert_ne!(display_name(b"a\\xff"), display_name(b"a\xff"));
    }

    #[test]
    fn urls_round_trip_every_byte() {
        let every: Vec<u8> = (0..=255).collect();
        assert_eq!(name_from_url(&name_to_url(&every)).unwrap(), every);
        assert!(name_from_url("%4").is_err());
        assert!(name_from_url("%zz").is_err());
    }

    #[test]
    fn parameters_carry_every_path() {
        for name in [&b"/a/b c%.mov"[..], b"/x/\xff\n", b"plain"] {
            let path = OsStr::from_bytes(name);
            assert_eq!(path_given(&give_path(path).unwrap()).unwrap(), path);
        }
        let relative = give_path(OsStr::from_bytes(b"\xff.mov")).unwrap();
        assert!(relative.starts_with("file:///") && relative.ends_with("/%FF.mov"), "{relative}");
        assert_eq!(path_given("file:///a%2").unwrap_err().kind, ErrorKind::Invalid);
    }
}
