//! What goes over the socket between parent and child.
//!
//! Parent to child: a length (u32, little-endian) and that many bytes of JSON;
//! the descriptors of the files travel with its first bytes. Child to parent:
//! the [`Header`], the length of each blob (u32), the JSON, the blobs. While a
//! task runs the child may ask for a file by its number; the answer is a
//! message as a request is, with that one descriptor.

use rushes_media::{Error, ErrorKind, Limits, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Protection;

/// Both sides must speak the same; a program replaced on disk under a running
/// parent may not.
pub const PROTOCOL: u32 = 2;

/// Bytes of one request's JSON.
pub const MAX_REQUEST_BYTES: usize = 1 << 20;
/// Files that travel with one request.
pub const MAX_FILES: usize = 64;
/// Bytes of one reply, its JSON and its blobs together.
pub const MAX_REPLY_BYTES: usize = 64 << 20;
/// Bytes of one reply's JSON.
pub const MAX_REPLY_JSON_BYTES: usize = 4 << 20;
/// Blobs of one reply.
pub const MAX_BLOBS: usize = 1_000;
/// Values in one reply's JSON, an object counted as sixteen.
pub const MAX_REPLY_VALUES: usize = 1_000_000;

/// Characters of one text in an error that a child sends.
const MAX_TEXT_CHARS: usize = 2_000;

/// The first message to a child.
#[derive(Debug, Serialize, Deserialize)]
pub struct Setup {
    pub protocol: u32,
    pub limits: Limits,
}

/// The child's answer to it, sent when it has locked itself down.
#[derive(Debug, Serialize, Deserialize)]
pub struct Hello {
    pub protocol: u32,
    pub protection: Protection,
}

/// One task to do, as the parent writes it.
#[derive(Debug, Serialize)]
pub struct RequestRef<'a> {
    pub number: u32,
    pub task: &'a str,
    pub params: &'a Value,
    pub files: usize,
}

/// One task to do, as the child reads it.
#[derive(Debug, Deserialize)]
pub struct Request {
    /// The reply carries it too, so that none is taken for another call's.
    pub number: u32,
    pub task: String,
    pub params: Value,
    /// How many descriptors were sent with it.
    pub files: usize,
}

/// The length and the JSON of a message to a child.
pub fn message<T: Serialize>(content: &T) -> Result<Vec<u8>> {
    const WHAT: &str = "writing a request to a worker";
    let mut bytes = vec![0; 4];
    serde_json::to_writer(&mut bytes, content).map_err(|error| Error::bug(WHAT, error))?;
    let length = bytes.len().saturating_sub(4);
    if length > MAX_REQUEST_BYTES {
        let why = format!("it has {length} bytes, {MAX_REQUEST_BYTES} are allowed");
        return Err(Error::new(ErrorKind::Limit, WHAT, why));
    }
    let prefix = (length as u32).to_le_bytes();
    for (to, from) in bytes.iter_mut().zip(prefix) {
        *to = from;
    }
    Ok(bytes)
}

/// A file that a child asked for, as the parent writes it: its name, or why
/// there is none. The descriptor travels with the name.
pub type Given = std::result::Result<Vec<u8>, Error>;

/// What a message from a child is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// A [`Hello`].
    Hello,
    /// The value of a task that succeeded.
    Value,
    /// The error of a task that failed.
    Error,
    /// The error of a task that panicked; the child ends now.
    LastError,
    /// The number of a file that the task needs now.
    Asks,
}

impl Content {
    const ALL: [Content; 5] =
        [Content::Hello, Content::Value, Content::Error, Content::LastError, Content::Asks];

    fn code(self) -> u32 {
        match self {
            Content::Hello => 0x7268_7301,
            Content::Value => 0x7268_7302,
            Content::Error => 0x7268_7303,
            Content::LastError => 0x7268_7304,
            Content::Asks => 0x7268_7305,
        }
    }
}

/// Bytes of a [`Header`].
pub const HEADER_BYTES: usize = 16;

/// The start of a message from a child.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    pub content: Content,
    /// That of the request, zero in a [`Hello`].
    pub number: u32,
    pub json_bytes: usize,
    pub blobs: usize,
}

impl Header {
    /// The header in these bytes, when it states nothing that is not allowed;
    /// the error says what.
    pub fn parse(bytes: &[u8]) -> Result<Header, String> {
        let mut words = words(bytes);
        let (Some(code), Some(number), Some(json_bytes), Some(blobs), None) =
            (words.next(), words.next(), words.next(), words.next(), words.next())
        else {
            return Err("a header of the wrong length".to_owned());
        };
        let content = Content::ALL
            .into_iter()
            .find(|content| content.code() == code)
            .ok_or("something that is not a reply")?;
        let (json_bytes, blobs) = (json_bytes as usize, blobs as usize);
        if json_bytes > MAX_REPLY_JSON_BYTES {
            return Err(format!("a reply with {json_bytes} bytes of JSON"));
        }
        if blobs > MAX_BLOBS || (content != Content::Value && blobs > 0) {
            return Err(format!("a reply with {blobs} blobs"));
        }
        Ok(Header { content, number, json_bytes, blobs })
    }

    /// The lengths of the blobs, when they and the JSON are not too much together.
    pub fn parse_lengths(self, bytes: &[u8]) -> Result<Vec<usize>, String> {
        let lengths: Vec<usize> = words(bytes).map(|length| length as usize).collect();
        if total_bytes(self.json_bytes, lengths.iter().copied()) > MAX_REPLY_BYTES {
            return Err("a reply over the allowed size".to_owned());
        }
        Ok(lengths)
    }
}

fn words(bytes: &[u8]) -> impl Iterator<Item = u32> {
    bytes.chunks_exact(4).filter_map(|word| word.try_into().ok().map(u32::from_le_bytes))
}

fn total_bytes(json_bytes: usize, blobs: impl Iterator<Item = usize>) -> usize {
    blobs.fold(json_bytes, usize::saturating_add)
}

/// The header, the lengths of the blobs and the JSON; the blobs follow.
/// None when that is more than a parent accepts.
pub fn reply_start(
    content: Content,
    number: u32,
    json: &[u8],
    blobs: &[Vec<u8>],
) -> Option<Vec<u8>> {
    let total = total_bytes(json.len(), blobs.iter().map(Vec::len));
    if json.len() > MAX_REPLY_JSON_BYTES || blobs.len() > MAX_BLOBS || total > MAX_REPLY_BYTES {
        return None;
    }
    let mut start = Vec::with_capacity(HEADER_BYTES + 4 * blobs.len() + json.len());
    start.extend(content.code().to_le_bytes());
    start.extend(number.to_le_bytes());
    start.extend((json.len() as u32).to_le_bytes());
    start.extend((blobs.len() as u32).to_le_bytes());
    for blob in blobs {
        start.extend((blob.len() as u32).to_le_bytes());
    }
    start.extend(json);
    Some(start)
}

/// The error with every text of it short and safe to print.
pub fn clean_error(mut error: Error) -> Error {
    error.what = clean(&error.what);
    error.why = clean(&error.why);
    error.remedy = error.remedy.as_deref().map(clean);
    error.path = error.path.as_deref().map(clean);
    error
}

/// The text, cut short, with nothing in it that steers a terminal.
pub fn clean(text: &str) -> String {
    let mut cleaned: String = text
        .chars()
        .take(MAX_TEXT_CHARS)
        .map(|c| match c {
            '\n' | '\t' => ' ',
            c if c.is_control() || is_format(c) => char::REPLACEMENT_CHARACTER,
            c => c,
        })
        .collect();
    if cleaned.len() < text.len() && text.chars().nth(MAX_TEXT_CHARS).is_some() {
        cleaned.push('…');
    }
    cleaned
}

/// Characters that reorder or hide the text around them.
fn is_format(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(code: u32, json_bytes: u32, blobs: u32) -> Vec<u8> {
        [code, 5, json_bytes, blobs].into_iter().flat_map(u32::to_le_bytes).collect()
    }

    #[test]
    fn headers_round_trip() {
        let blobs = [vec![1; 5], vec![]];
        let start = reply_start(Content::Value, 7, b"{}", &blobs).unwrap();
        let parsed = Header::parse(&start[..HEADER_BYTES]).unwrap();
        assert_eq!(parsed, Header { content: Content::Value, number: 7, json_bytes: 2, blobs: 2 });
        assert_eq!(parsed.parse_lengths(&start[HEADER_BYTES..HEADER_BYTES + 8]), Ok(vec![5, 0]));
        assert_eq!(&start[HEADER_BYTES + 8..], b"{}");
    }

    #[test]
    fn hostile_headers_are_refused() {
        let value = Content::Value.code();
        let json_limit = MAX_REPLY_JSON_BYTES as u32;
        assert!(Header::parse(&header(value, json_limit, MAX_BLOBS as u32)).is_ok());
        assert!(Header::parse(&header(value, json_limit + 1, 0)).is_err());
        assert!(Header::parse(&header(value, 0, MAX_BLOBS as u32 + 1)).is_err());
        assert!(Header::parse(&header(Content::Error.code(), 0, 1)).is_err());
        assert!(Header::parse(&header(0, 0, 0)).is_err());
        assert!(Header::parse(&[0; 15]).is_err());
        assert!(Header::parse(&[0; 20]).is_err());
    }

    #[test]
    fn a_reply_just_within_and_just_over_its_size() {
        let header = Header { content: Content::Value, number: 7, json_bytes: 4, blobs: 2 };
        let lengths = |a: usize, b: usize| -> Vec<u8> {
            [a as u32, b as u32].into_iter().flat_map(u32::to_le_bytes).collect()
        };
        assert!(header.parse_lengths(&lengths(MAX_REPLY_BYTES - 5, 1)).is_ok());
        assert!(header.parse_lengths(&lengths(MAX_REPLY_BYTES - 4, 1)).is_err());
        assert!(header.parse_lengths(&lengths(u32::MAX as usize, u32::MAX as usize)).is_err());
    }

    #[test]
    fn requests_have_a_size() {
        assert!(message(&"a".repeat(MAX_REQUEST_BYTES - 2)).is_ok());
        let error = message(&"a".repeat(MAX_REQUEST_BYTES - 1)).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Limit);
    }

    #[test]
    fn texts_are_made_safe() {
        assert_eq!(clean("a\u{1b}[2Jb\n\u{202e}c"), "a\u{fffd}[2Jb \u{fffd}c");
        assert_eq!(clean(&"é".repeat(MAX_TEXT_CHARS)).chars().count(), MAX_TEXT_CHARS);
        assert_eq!(clean(&"é".repeat(1_000_000)).chars().count(), MAX_TEXT_CHARS + 1);
    }
}
