//! The hashes that hash lists carry, computed piece by piece and told as text.

use std::fmt;

use md5::Md5;
use rushes_media::{Error, ErrorKind, Result};
use sha1::Sha1;
use sha2::{Digest as _, Sha512};
use xxhash_rust::xxh3::Xxh3;
use xxhash_rust::xxh64::Xxh64;

/// A kind of hash that an ASC Media Hash List carries, in the order in which a
/// list has several of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HashFormat {
    /// C4 ID (SMPTE ST 2114): SHA-512 in base 58, `c4` and 88 characters.
    C4,
    /// MD5 (RFC 1321).
    Md5,
    /// SHA-1 (FIPS 180-4).
    Sha1,
    /// XXH3 with 128 bits.
    Xxh128,
    /// XXH3 with 64 bits.
    Xxh3,
    /// XXH64.
    Xxh64,
}

impl HashFormat {
    /// Every format, in order.
    pub const ALL: [HashFormat; 6] = [
        HashFormat::C4,
        HashFormat::Md5,
        HashFormat::Sha1,
        HashFormat::Xxh128,
        HashFormat::Xxh3,
        HashFormat::Xxh64,
    ];

    /// Its name in a list: `xxh128`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            HashFormat::C4 => "c4",
            HashFormat::Md5 => "md5",
            HashFormat::Sha1 => "sha1",
            HashFormat::Xxh128 => "xxh128",
            HashFormat::Xxh3 => "xxh3",
            HashFormat::Xxh64 => "xxh64",
        }
    }

    /// The format of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<HashFormat> {
        HashFormat::ALL.into_iter().find(|format| format.name() == name)
    }

    /// Bytes of such a hash.
    #[must_use]
    pub fn size_bytes(self) -> usize {
        match self {
            HashFormat::C4 => 64,
            HashFormat::Md5 | HashFormat::Xxh128 => 16,
            HashFormat::Sha1 => 20,
            HashFormat::Xxh3 | HashFormat::Xxh64 => 8,
        }
    }

    /// The hash of these bytes.
    #[must_use]
    pub fn of(self, bytes: &[u8]) -> Digest {
        let mut hasher = Hasher::new(self);
        hasher.update(bytes);
        hasher.finish()
    }
}

impl fmt::Display for HashFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A hash of one of the formats. Shown as lists have it: hexadecimal, or base 58
/// for C4.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Digest {
    format: HashFormat,
    bytes: Vec<u8>,
}

impl Digest {
    /// A hash of which the bytes are known, most significant first; `None` when
    /// there are not as many as the format has.
    #[must_use]
    pub fn new(format: HashFormat, bytes: &[u8]) -> Option<Digest> {
        (bytes.len() == format.size_bytes()).then(|| Digest { format, bytes: bytes.to_vec() })
    }

    /// Reads what `Display` shows; hexadecimal in capitals too.
    ///
    /// # Errors
    /// `Corrupt` when it is no such hash.
    pub fn parse(format: HashFormat, text: &str) -> Result<Digest> {
        let bytes = match format {
            HashFormat::C4 => c4_bytes(text),
            _ => hexadecimal(text),
        };
        bytes.and_then(|bytes| Digest::new(format, &bytes)).ok_or_else(|| {
            let why = format!("it is no {format} hash");
            Error::new(ErrorKind::Corrupt, "reading a hash", why)
        })
    }

    /// Its format.
    #[must_use]
    pub fn format(&self) -> HashFormat {
        self.format
    }

    /// Its bytes, most significant first.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.format == HashFormat::C4 {
            return f.write_str(&c4_text(&self.bytes));
        }
        self.bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{self}", self.format)
    }
}

/// A hash that is being computed.
#[derive(Clone)]
pub struct Hasher(State);

#[derive(Clone)]
enum State {
    C4(Box<Sha512>),
    Md5(Box<Md5>),
    Sha1(Box<Sha1>),
    Xxh128(Box<Xxh3>),
    Xxh3(Box<Xxh3>),
    Xxh64(Box<Xxh64>),
}

impl Hasher {
    /// The hash of nothing so far.
    #[must_use]
    pub fn new(format: HashFormat) -> Hasher {
        Hasher(match format {
            HashFormat::C4 => State::C4(Box::default()),
            HashFormat::Md5 => State::Md5(Box::default()),
            HashFormat::Sha1 => State::Sha1(Box::default()),
            HashFormat::Xxh128 => State::Xxh128(Box::default()),
            HashFormat::Xxh3 => State::Xxh3(Box::default()),
            HashFormat::Xxh64 => State::Xxh64(Box::new(Xxh64::new(0))),
        })
    }

    /// Adds these bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        match &mut self.0 {
            State::C4(state) => state.update(bytes),
            State::Md5(state) => state.update(bytes),
            State::Sha1(state) => state.update(bytes),
            State::Xxh128(state) | State::Xxh3(state) => state.update(bytes),
            State::Xxh64(state) => state.update(bytes),
        }
    }

    /// The hash of all that was added.
    #[must_use]
    pub fn finish(self) -> Digest {
        let (format, bytes) = match self.0 {
            State::C4(state) => (HashFormat::C4, state.finalize().to_vec()),
            State::Md5(state) => (HashFormat::Md5, state.finalize().to_vec()),
            State::Sha1(state) => (HashFormat::Sha1, state.finalize().to_vec()),
            State::Xxh128(state) => (HashFormat::Xxh128, state.digest128().to_be_bytes().to_vec()),
            State::Xxh3(state) => (HashFormat::Xxh3, state.digest().to_be_bytes().to_vec()),
            State::Xxh64(state) => (HashFormat::Xxh64, state.digest().to_be_bytes().to_vec()),
        };
        Digest { format, bytes }
    }
}

impl fmt::Debug for Hasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hasher")
    }
}

fn hexadecimal(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) {
        return None;
    }
    let digit = |byte: u8| char::from(byte).to_digit(16).map(|digit| digit as u8);
    text.as_bytes()
        .chunks_exact(2)
        .map(|pair| match pair {
            [high, low] => Some(digit(*high)? << 4 | digit(*low)?),
            _ => None,
        })
        .collect()
}

/// Digits of base 58: those that are hard to tell apart are not among them.
const BASE_58: &[u8; 58] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

/// Digits of the largest number of 512 bits.
const C4_DIGITS: usize = 88;

fn c4_text(bytes: &[u8]) -> String {
    let mut number = bytes.to_vec();
    let mut digits = [b'1'; C4_DIGITS];
    for digit in digits.iter_mut().rev() {
        let mut rest = 0_u32;
        for byte in &mut number {
            let value = rest << 8 | u32::from(*byte);
            *byte = (value / 58) as u8;
            rest = value % 58;
        }
        *digit = BASE_58.get(rest as usize).copied().unwrap_or(b'1');
    }
    let mut text = String::with_capacity(2 + C4_DIGITS);
    text.push_str("c4");
    text.extend(digits.iter().map(|digit| char::from(*digit)));
    text
}

fn c4_bytes(text: &str) -> Option<Vec<u8>> {
    let digits = text.strip_prefix("c4").filter(|digits| digits.len() == C4_DIGITS)?;
    let mut number = vec![0_u8; HashFormat::C4.size_bytes()];
    for digit in digits.bytes() {
        let mut carry = BASE_58.iter().position(|known| *known == digit)?;
        for byte in number.iter_mut().rev() {
            carry += usize::from(*byte) * 58;
            *byte = (carry & 0xff) as u8;
            carry >>= 8;
        }
        // More than 512 bits.
        if carry > 0 {
            return None;
        }
    }
    Some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_those_of_the_reference_tools() {
        // Of the three bytes "abc", by md5sum, sha1sum and xxhsum; the C4 ID of nothing is what the
        // reference implementation of ASC MHL says.
        for (format, text) in [
            (HashFormat::Md5, "900150983cd24fb0d6963f7d28e17f72"),
            (HashFormat::Sha1, "a9993e364706816aba3e25717850c26c9cd0d89d"),
            (HashFormat::Xxh128, "06b05ab6733a618578af5f94892f3950"),
            (HashFormat::Xxh3, "78af5f94892f3950"),
            (HashFormat::Xxh64, "44bc2cf5ad770999"),
        ] {
            assert_eq!(format.of(b"abc").to_string(), text, "{format}");
            assert_eq!(Digest::parse(format, &text.to_uppercase()).unwrap(), format.of(b"abc"));
        }
        let nothing = "c459dsjfscH38cYeXXYogktxf4Cd9ibshE3BHUo6a58hBXmRQdZrAkZzsWcbWtDg5oQstpDuni4Hirj75GEmTc1sFT";
        assert_eq!(HashFormat::C4.of(b"").to_string(), nothing);
    }

    #[test]
    fn text_and_bytes_agree() {
        for format in HashFormat::ALL {
            assert_eq!(HashFormat::named(format.name()), Some(format));
            for text in [&b""[..], b"abc", &[7; 100]] {
                let digest = format.of(text);
                assert_eq!(digest.bytes().len(), format.size_bytes());
                assert_eq!(Digest::parse(format, &digest.to_string()).unwrap(), digest);
            }
            let zero = Digest::new(format, &vec![0; format.size_bytes()]).unwrap();
            assert_eq!(Digest::parse(format, &zero.to_string()).unwrap(), zero);
            let most = Digest::new(format, &vec![0xff; format.size_bytes()]).unwrap();
            assert_eq!(Digest::parse(format, &most.to_string()).unwrap(), most);
            let long = format!("{most}0");
            let above = format!("c4{}", "z".repeat(88));
            for wrong in ["", "c4", "x", &long, &long[..long.len() - 2], &above, "é", "ééé"] {
                let refused = Digest::parse(format, wrong).unwrap_err();
                assert_eq!(refused.kind, ErrorKind::Corrupt, "{format} {wrong}");
            }
        }
        assert_eq!(HashFormat::named("xxh32"), None);
    }
}
