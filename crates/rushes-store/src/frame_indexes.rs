use std::fs::{DirBuilder, File};
use std::io::Read;
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;

use rushes_media::{Error, Result};
use xxhash_rust::xxh3::xxh3_128;

use crate::{FileStamp, Fingerprint, write_file};

/// Bytes of the largest index that is read back; a day of video takes some 50 MB.
const MOST_BYTES: u64 = 512 << 20;

/// Bytes before the index: the size and the date of the file that it is of, and
/// a hash of what made it.
const HEAD_BYTES: usize = 32;

/// Indexes of videos, kept because making one means reading all of a file.
///
/// Found by the fingerprint of the content. Since that decides nothing, the
/// file's size and date must be those that were noted as well, and the index
/// must have been made by the same versions.
#[derive(Clone, Debug)]
pub struct FrameIndexStore {
    folder: PathBuf,
    maker: u128,
}

impl FrameIndexStore {
    /// `maker` names the versions of everything that has a say in an index.
    pub(crate) fn new(folder: PathBuf, maker: &str) -> FrameIndexStore {
        FrameIndexStore { folder, maker: xxh3_128(maker.as_bytes()) }
    }

    fn path(&self, fingerprint: &Fingerprint) -> PathBuf {
        let name = u128::from_be_bytes(fingerprint.0);
        self.folder.join(format!("{name:032x}.index"))
    }

    /// The bytes kept for the file with this fingerprint and stamp; `None` when
    /// there are none, or they are of another file or maker, or cannot be read:
    /// then they are to be made again.
    #[must_use]
    pub fn get(&self, fingerprint: &Fingerprint, stamp: &FileStamp) -> Option<Vec<u8>> {
        let mut bytes = Vec::new();
        let file = File::open(self.path(fingerprint)).ok()?;
        file.take(MOST_BYTES).read_to_end(&mut bytes).ok()?;
        bytes.starts_with(&self.head(stamp)).then(|| bytes.split_off(HEAD_BYTES))
    }

    /// Keeps these bytes for that file, in place of those that were kept.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn put(&self, fingerprint: &Fingerprint, stamp: &FileStamp, bytes: &[u8]) -> Result<()> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.folder)
            .map_err(|error| Error::io("creating a folder for indexes", &error).at(&self.folder))?;
        write_file(&self.path(fingerprint), &[&self.head(stamp), bytes].concat())
    }

    fn head(&self, stamp: &FileStamp) -> [u8; HEAD_BYTES] {
        let mut head = [0; HEAD_BYTES];
        let of = u128::from(stamp.size_bytes) << 64 | u128::from(stamp.mtime_ns.cast_unsigned());
        let (file, maker) = head.split_at_mut(HEAD_BYTES / 2);
        file.copy_from_slice(&of.to_be_bytes());
        maker.copy_from_slice(&self.maker.to_be_bytes());
        head
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Home;

    #[test]
    fn kept_for_that_file_alone() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::at(folder.path().join("home"));
        let store = home.frame_indexes("1");
        let (one, other) = (Fingerprint([1; 16]), Fingerprint([2; 16]));
        let stamp = FileStamp { size_bytes: 9, mtime_ns: -7, ctime_ns: 1, inode: 2, device: 3 };
        assert_eq!(store.get(&one, &stamp), None);
        store.put(&one, &stamp, b"index").unwrap();
        assert_eq!(store.get(&one, &stamp).unwrap(), b"index");
        // A copy that kept its date.
        let copy = FileStamp { inode: 4, ctime_ns: 5, ..stamp };
        assert_eq!(store.get(&one, &copy).unwrap(), b"index");
        for changed in [FileStamp { size_bytes: 8, ..stamp }, FileStamp { mtime_ns: -8, ..stamp }] {
            assert_eq!(store.get(&one, &changed), None);
        }
        assert_eq!(store.get(&other, &stamp), None);
        assert_eq!(home.frame_indexes("2").get(&one, &stamp), None);
        store.put(&one, &stamp, b"").unwrap();
        assert_eq!(store.get(&one, &stamp).unwrap(), b"");
        std::fs::write(store.path(&one), b"short").unwrap();
        assert_eq!(store.get(&one, &stamp), None);
    }
}
