//! Reading parts of a file into memory, never more than the file has.

use std::io::{BufReader, Read, Seek, SeekFrom};

use rushes_media::{Error, ErrorKind, Result};

use crate::{Source, SourceReader};

/// The most of one file that is held in memory at once.
const WHOLE_BYTES: u64 = 512 << 20;

/// The whole file.
pub(super) fn whole(source: &Source) -> Result<Vec<u8>> {
    range(source, 0, source.size_bytes())
}

/// This range of the file, cut where the file ends; memory grows with what is
/// really there.
pub(super) fn range(source: &Source, start: u64, length: u64) -> Result<Vec<u8>> {
    let length = length.min(source.size_bytes().saturating_sub(start));
    if length > WHOLE_BYTES {
        let why = format!("{length} bytes are over the limit of {WHOLE_BYTES}");
        return Err(Error::new(ErrorKind::Limit, "reading the picture", why));
    }
    let mut reader = source.reader();
    reader
        .seek(SeekFrom::Start(start))
        .map_err(|error| Error::io("reading the picture", &error))?;
    let mut bytes = Vec::new();
    reader
        .take(length)
        .read_to_end(&mut bytes)
        .map_err(|error| Error::io("reading the picture", &error))?;
    Ok(bytes)
}

/// Exactly `N` bytes from this place, or `None` where the file ends before.
pub(super) fn exactly<const N: usize>(source: &Source, at: u64) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    at.checked_add(N as u64).filter(|end| *end <= source.size_bytes())?;
    let mut reader = source.reader();
    reader.seek(SeekFrom::Start(at)).ok()?;
    reader.read_exact(&mut bytes).ok()?;
    Some(bytes)
}

/// A buffered reader from this place to the end of the file.
pub(super) fn from(source: &Source, at: u64) -> Result<BufReader<SourceReader<'_>>> {
    let mut reader = BufReader::with_capacity(16 << 10, source.reader());
    reader.seek(SeekFrom::Start(at)).map_err(|error| Error::io("reading the picture", &error))?;
    Ok(reader)
}
