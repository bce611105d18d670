//! Identity: the full hash that decides, and the cheap fingerprint that only
//! finds candidates.

use std::fmt;
use std::fs::File;
use std::os::unix::fs::FileExt;

use rushes_media::{Error, Result};
use xxhash_rust::xxh3::{Xxh3, xxh3_128};

use crate::root::FileStamp;

/// Bytes read at the head, the middle and the tail for a fingerprint.
const SAMPLE_BYTES: usize = 64 << 10;
/// Bytes of one read while hashing whole files.
const BLOCK_BYTES: usize = 1 << 20;

/// A cheap hash of a file's size and samples. Equal files have equal ones;
/// unequal files may too, so it never decides anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Fingerprint(pub [u8; 16]);

/// The hashes of all bytes of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hashes {
    /// BLAKE3, 256 bits: the identity.
    pub blake3: [u8; 32],
    /// XXH3, 128 bits, big endian as other tools print it.
    pub xxh3_128: [u8; 16],
}

/// The hashes of a file whose bytes come one after the other.
#[derive(Clone, Default)]
pub struct ContentHasher {
    blake3: blake3::Hasher,
    xxh3: Xxh3,
}

impl ContentHasher {
    /// Adds these bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.blake3.update(bytes);
        self.xxh3.update(bytes);
    }

    /// The hashes of all that was added.
    #[must_use]
    pub fn finish(&self) -> Hashes {
        Hashes {
            blake3: *self.blake3.finalize().as_bytes(),
            xxh3_128: self.xxh3.digest128().to_be_bytes(),
        }
    }
}

impl fmt::Debug for ContentHasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ContentHasher")
    }
}

/// What one quick look at a file gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sampled {
    /// The fingerprint.
    pub fingerprint: Fingerprint,
    /// The full hashes, when the look covered every byte.
    pub hashes: Option<Hashes>,
}

/// How hashing a whole file ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hashed {
    /// With its hashes; the file was the same before and after.
    Whole(Hashes),
    /// The file changed while it was read; there is no hash.
    Changed,
    /// The watcher said stop.
    Stopped,
}

/// Looks at the head, the middle and the tail of a file, and at all of it
/// when it is smaller than these together (192 KiB). The file must have this
/// stamp before and after; `None` when it changed meanwhile.
///
/// # Errors
/// When it cannot be read.
pub fn sample_file(
    file: &File,
    stamp: &FileStamp,
    buffer: &mut Vec<u8>,
) -> Result<Option<Sampled>> {
    let failed = |error: std::io::Error| Error::io("reading a file's fingerprint", &error);
    let whole = 3 * SAMPLE_BYTES as u64;
    buffer.clear();
    if stamp.size_bytes <= whole {
        // One byte more than it should have, to notice that it grew.
        buffer.resize(stamp.size_bytes as usize + 1, 0);
        let read = read_up_to(file, buffer, 0).map_err(failed)?;
        if read as u64 != stamp.size_bytes {
            return Ok(None);
        }
        buffer.truncate(read);
    } else {
        buffer.resize(3 * SAMPLE_BYTES, 0);
        let middle = (stamp.size_bytes - SAMPLE_BYTES as u64) / 2;
        let tail = stamp.size_bytes - SAMPLE_BYTES as u64;
        for (chunk, offset) in buffer.chunks_mut(SAMPLE_BYTES).zip([0, middle, tail]) {
            if read_up_to(file, chunk, offset).map_err(failed)? != chunk.len() {
                return Ok(None);
            }
        }
    }
    if FileStamp::of(file)? != *stamp {
        return Ok(None);
    }
    let fingerprint = Fingerprint(
        (xxh3_128(buffer) ^ u128::from(stamp.size_bytes).rotate_left(64)).to_be_bytes(),
    );
    let hashes = (stamp.size_bytes <= whole).then(|| Hashes {
        blake3: *blake3::hash(buffer).as_bytes(),
        xxh3_128: xxh3_128(buffer).to_be_bytes(),
    });
    Ok(Some(Sampled { fingerprint, hashes }))
}

/// Hashes every byte of a file in one read, with flat memory. `watch` hears
/// of every block's bytes and says whether to go on. The file must have this
/// stamp before and after.
///
/// # Errors
/// When it cannot be read.
pub fn hash_file(
    file: &File,
    stamp: &FileStamp,
    watch: &mut dyn FnMut(u64) -> bool,
) -> Result<Hashed> {
    let failed = |error: std::io::Error| Error::io("hashing a file", &error);
    if FileStamp::of(file)? != *stamp {
        return Ok(Hashed::Changed);
    }
    let mut hasher = ContentHasher::default();
    let mut block = vec![0; BLOCK_BYTES];
    let mut offset = 0;
    loop {
        let read = read_up_to(file, &mut block, offset).map_err(failed)?;
        let bytes = block.get(..read).unwrap_or_default();
        hasher.update(bytes);
        offset += read as u64;
        if !watch(read as u64) {
            return Ok(Hashed::Stopped);
        }
        // A file that grows for ever must not be read for ever.
        if read < BLOCK_BYTES || offset > stamp.size_bytes {
            break;
        }
    }
    if offset != stamp.size_bytes || FileStamp::of(file)? != *stamp {
        return Ok(Hashed::Changed);
    }
    Ok(Hashed::Whole(hasher.finish()))
}

/// Reads until the buffer is full or the file ends; how many bytes it got.
fn read_up_to(file: &File, buffer: &mut [u8], offset: u64) -> std::io::Result<usize> {
    let mut filled = 0;
    while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match file.read_at(rest, offset + filled as u64) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

impl Hashes {
    /// The BLAKE3 hash in hexadecimal.
    #[must_use]
    pub fn blake3_hex(&self) -> String {
        blake3::Hash::from_bytes(self.blake3).to_hex().to_string()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn file_of(bytes: &[u8]) -> File {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        file
    }

    #[test]
    fn hashes_are_those_of_the_reference_tools() {
        // b3sum and xxh128sum of the three bytes "abc".
        let file = file_of(b"abc");
        let stamp = FileStamp::of(&file).unwrap();
        let Hashed::Whole(hashes) = hash_file(&file, &stamp, &mut |_| true).unwrap() else {
            panic!("changed")
        };
        assert_eq!(
            hashes.blake3_hex(),
            "6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85"
        );
        assert_eq!(u128::from_be_bytes(hashes.xxh3_128), 0x06b0_5ab6_733a_6185_78af_5f94_892f_3950);
        let sampled = sample_file(&file, &stamp, &mut Vec::new()).unwrap().unwrap();
        assert_eq!(sampled.hashes, Some(hashes));
    }

    #[test]
    fn samples_see_head_middle_tail_and_size_only() {
        let bytes = vec![7u8; 1 << 20];
        let sample = |bytes: &[u8]| {
            let file = file_of(bytes);
            let stamp = FileStamp::of(&file).unwrap();
            sample_file(&file, &stamp, &mut Vec::new()).unwrap().unwrap()
        };
        let first = sample(&bytes);
        assert_eq!(first.hashes, None);
        for (offset, seen) in [(0, true), (1 << 19, true), ((1 << 20) - 1, true), (200_000, false)]
        {
            let mut other = bytes.clone();
            other[offset] = 8;
            assert_eq!(sample(&other).fingerprint != first.fingerprint, seen, "{offset}");
        }
        assert_ne!(sample(&bytes[1..]).fingerprint, first.fingerprint);
    }

    #[test]
    fn a_file_that_grows_has_no_hash() {
        let mut file = file_of(&[1; 3 << 20]);
        let stamp = FileStamp::of(&file).unwrap();
        let mut writer = file.try_clone().unwrap();
        let hashed = hash_file(&file, &stamp, &mut |_| {
            writer.write_all(b"more").unwrap();
            true
        });
        assert_eq!(hashed.unwrap(), Hashed::Changed);
        file.write_all(b"x").unwrap();
        assert_eq!(sample_file(&file, &stamp, &mut Vec::new()).unwrap(), None);
    }

    #[test]
    fn the_watcher_stops_it() {
        let file = file_of(&[1; 3 << 20]);
        let stamp = FileStamp::of(&file).unwrap();
        assert_eq!(hash_file(&file, &stamp, &mut |_| false).unwrap(), Hashed::Stopped);
    }
}
