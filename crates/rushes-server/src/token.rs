//! Secrets: made of the system's randomness, stored only as their hash.

use std::path::Path;

use rushes_media::{Error, ErrorKind, Result};
use rustix::rand::{GetRandomFlags, getrandom};

const BASE32: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// 32 random bytes in lower-case base32 (RFC 4648, without padding): 52
/// characters that can be typed.
pub(crate) fn new_secret() -> Result<String> {
    let mut bytes = [0; 32];
    let mut filled = 0;
    while let Some(rest) = bytes.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match getrandom(rest, GetRandomFlags::empty()) {
            Ok(count) => filled += count,
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(Error::io("making a secret", &error.into())),
        }
    }
    Ok(base32(&bytes))
}

fn base32(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(5) * 8);
    let (mut bits, mut held) = (0_u32, 0);
    for &byte in bytes {
        bits = (bits << 8) | u32::from(byte);
        held += 8;
        while held >= 5 {
            held -= 5;
            text.push(letter(bits >> held));
        }
    }
    if held > 0 {
        text.push(letter(bits << (5 - held)));
    }
    text
}

fn letter(bits: u32) -> char {
    BASE32.get((bits & 31) as usize).map_or('a', |&letter| char::from(letter))
}

/// The hash that a secret is known by. Comparing two takes the same time
/// wherever they differ.
pub(crate) fn hash_of(secret: &str) -> blake3::Hash {
    blake3::hash(secret.as_bytes())
}

/// The hash of the token kept in this file. When there is none yet, a token
/// is made, its hash stored, and the token itself given back: this is the
/// only time that anybody sees it.
///
/// # Errors
/// `Corrupt` when the file holds no hash, and when it cannot be read or made.
pub(crate) fn load_or_make(path: &Path) -> Result<(blake3::Hash, Option<String>)> {
    let what = "reading the token's file";
    match std::fs::read(path) {
        Ok(bytes) => {
            let text = std::str::from_utf8(&bytes).unwrap_or_default();
            let hash = blake3::Hash::from_hex(text.trim()).map_err(|_| {
                Error::new(ErrorKind::Corrupt, what, "it does not hold a hash")
                    .remedy("remove it; the next start makes a new token")
                    .at(path)
            })?;
            Ok((hash, None))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let token = new_secret()?;
            let hash = hash_of(&token);
            rushes_store::write_file(path, format!("{}\n", hash.to_hex()).as_bytes())?;
            Ok((hash, Some(token)))
        }
        Err(error) => Err(Error::io(what, &error).at(path)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The test vectors of RFC 4648, section 10, in lower case without padding.
    #[test]
    fn base32_of_the_standard() {
        for (text, encoded) in [
            ("", ""),
            ("f", "my"),
            ("fo", "mzxq"),
            ("foo", "mzxw6"),
            ("foob", "mzxw6yq"),
            ("fooba", "mzxw6ytb"),
            ("foobar", "mzxw6ytboi"),
        ] {
            assert_eq!(base32(text.as_bytes()), encoded);
        }
    }

    #[test]
    fn made_once_and_kept_as_a_hash() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        let (hash, token) = load_or_make(&path).unwrap();
        let token = token.expect("a new token");
        assert_eq!(token.len(), 52);
        assert_eq!(hash, hash_of(&token));
        let stored = std::fs::read_to_string(&path).unwrap();
        assert!(!stored.contains(&token), "the token itself is not stored");
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(load_or_make(&path).unwrap(), (hash, None));
        std::fs::write(&path, "nonsense").unwrap();
        assert_eq!(load_or_make(&path).unwrap_err().kind, ErrorKind::Corrupt);
    }

    #[test]
    fn no_two_secrets_are_the_same() {
        assert_ne!(new_secret().unwrap(), new_secret().unwrap());
    }
}
