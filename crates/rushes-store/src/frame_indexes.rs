use std::fs::{DirBuilder, File};
use std::io::Read;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use rushes_media::{Error, Result};
use xxhash_rust::xxh3::xxh3_128;

use crate::{FileStamp, Fingerprint, write_file};

/// Bytes of the largest index that is read back; a day of video takes some 50 MB.
const MOST_BYTES: u64 = 512 << 20;

/// Bytes of all indexes that are kept.
const MOST_KEPT_BYTES: u64 = 2 << 30;

/// Bytes before the index: the size and the date of the file that it is of, and
/// a hash of what made it.
const HEAD_BYTES: usize = 32;

/// Indexes of videos, kept because making one means reading all of a file.
///
/// Found by the fingerprint of the content. Since that decides nothing, the
/// file's size and date must be those that were noted as well, and the index
/// must have been made by the same versions. There is room for 2 GiB: those
/// that were not used for longest go first.
#[derive(Clone, Debug)]
pub struct FrameIndexStore {
    folder: PathBuf,
    maker: u128,
    most_kept_bytes: u64,
}

impl FrameIndexStore {
    /// `maker` names the versions of everything that has a say in an index.
    pub(crate) fn new(folder: PathBuf, maker: &str) -> FrameIndexStore {
        let maker = xxh3_128(maker.as_bytes());
        FrameIndexStore { folder, maker, most_kept_bytes: MOST_KEPT_BYTES }
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
        (&file).take(MOST_BYTES).read_to_end(&mut bytes).ok()?;
        if !bytes.starts_with(&self.head(stamp)) {
            return None;
        }
        // When it was used last. Where that cannot be noted, it goes sooner.
        let _ = file.set_modified(SystemTime::now());
        Some(bytes.split_off(HEAD_BYTES))
    }

    /// Keeps these bytes for that file, in place of those that were kept, and
    /// makes room for them.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn put(&self, fingerprint: &Fingerprint, stamp: &FileStamp, bytes: &[u8]) -> Result<()> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.folder)
            .map_err(|error| Error::io("creating a folder for indexes", &error).at(&self.folder))?;
        let path = self.path(fingerprint);
        write_file(&path, &[&self.head(stamp), bytes].concat())?;
        self.make_room(&path);
        Ok(())
    }

    /// Takes away what was not used for longest, this one excepted, until the
    /// rest has room.
    fn make_room(&self, newest: &Path) {
        let mut files: Vec<(SystemTime, u64, PathBuf)> = std::fs::read_dir(&self.folder)
            .into_iter()
            .flatten()
            .filter_map(|entry| {
                let entry = entry.ok()?;
                let about = entry.metadata().ok().filter(std::fs::Metadata::is_file)?;
                Some((about.modified().ok()?, about.len(), entry.path()))
            })
            .collect();
        files.sort();
        let mut kept: u64 = files.iter().map(|(_, size_bytes, _)| size_bytes).sum();
        for (_, size_bytes, path) in files {
            if kept <= self.most_kept_bytes {
                return;
            }
            // Another process may do the same; the next one tries again.
            if path != newest && std::fs::remove_file(path).is_ok() {
                kept = kept.saturating_sub(size_bytes);
            }
        }
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

    #[test]
    fn those_not_used_for_longest_make_room() {
        use std::time::Duration;

        let folder = tempfile::tempdir().unwrap();
        let home = Home::at(folder.path().join("home"));
        // Room for three of them.
        let store = FrameIndexStore {
            most_kept_bytes: 3 * (HEAD_BYTES as u64 + 100),
            ..home.frame_indexes("1")
        };
        let stamp = FileStamp { size_bytes: 9, mtime_ns: 0, ctime_ns: 1, inode: 2, device: 3 };
        let of = |number: u8| Fingerprint([number; 16]);
        for number in 0..3 {
            store.put(&of(number), &stamp, &[number; 100]).unwrap();
            let used = SystemTime::UNIX_EPOCH + Duration::from_secs(number.into());
            File::open(store.path(&of(number))).unwrap().set_modified(used).unwrap();
        }
        assert!(store.get(&of(0), &stamp).is_some(), "the oldest, used now");
        store.put(&of(3), &stamp, &[3; 100]).unwrap();
        let there = || {
            let is_there = |number: &u8| store.path(&of(*number)).exists();
            (0..5).filter(is_there).collect::<Vec<u8>>()
        };
        assert_eq!(there(), [0, 2, 3]);
        // Even one that has no room at all is kept until the next comes.
        store.put(&of(4), &stamp, &[4; 1000]).unwrap();
        assert_eq!(there(), [4]);
        assert_eq!(store.get(&of(4), &stamp).unwrap().len(), 1000);
        store.put(&of(3), &stamp, &[3; 100]).unwrap();
        assert_eq!(there(), [3]);
    }
}
