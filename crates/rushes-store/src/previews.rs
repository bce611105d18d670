use std::fs::{DirBuilder, File};
use std::io::Seek as _;
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;

use rushes_media::{Error, ErrorKind, Result};

use crate::write_file;

/// Names a preview by its bytes: the first 20 bytes of their BLAKE3.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PreviewHash(pub [u8; 20]);

impl PreviewHash {
    /// The hash written in hexadecimal; `None` when that is not one.
    #[must_use]
    pub fn from_hex(text: &str) -> Option<PreviewHash> {
        let mut hash = PreviewHash([0; 20]);
        if text.len() != 40 || !text.is_ascii() {
            return None;
        }
        for (index, byte) in hash.0.iter_mut().enumerate() {
            *byte = u8::from_str_radix(text.get(2 * index..2 * index + 2)?, 16).ok()?;
        }
        Some(hash)
    }

    /// In hexadecimal.
    #[must_use]
    pub fn hex(&self) -> String {
        use std::fmt::Write as _;
        self.0.iter().fold(String::new(), |mut text, byte| {
            // Writing to a String does not fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
    }
}

/// Preview pictures, stored under the hash of their bytes.
#[derive(Clone, Debug)]
pub struct PreviewStore {
    folder: PathBuf,
}

impl PreviewStore {
    pub(crate) fn new(folder: PathBuf) -> PreviewStore {
        PreviewStore { folder }
    }

    fn path(&self, hash: &PreviewHash) -> PathBuf {
        let hex = hash.hex();
        let (shelf, name) = hex.split_at(2);
        self.folder.join(shelf).join(format!("{name}.webp"))
    }

    /// Stores a picture; one that is there already and sound is not written again.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn put(&self, bytes: &[u8]) -> Result<PreviewHash> {
        let mut hash = PreviewHash([0; 20]);
        hash.0.copy_from_slice(
            blake3::hash(bytes).as_bytes().first_chunk::<20>().unwrap_or(&[0; 20]),
        );
        let path = self.path(&hash);
        if self.verify(&hash).is_ok() {
            return Ok(hash);
        }
        if let Some(shelf) = path.parent() {
            DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(shelf)
                .map_err(|error| Error::io("creating a folder for previews", &error).at(shelf))?;
        }
        if path.is_dir() {
            let why = "a folder lies where the picture belongs";
            return Err(Error::new(ErrorKind::Conflict, "writing a preview", why)
                .remedy("take it away, then run rushes scan --retry-failed")
                .at(path));
        }
        write_file(&path, bytes)?;
        Ok(hash)
    }

    /// Whether a picture with this name is there, whatever its bytes.
    #[must_use]
    pub fn is_there(&self, hash: &PreviewHash) -> bool {
        std::fs::metadata(self.path(hash)).is_ok_and(|found| found.is_file())
    }

    /// Opens a stored picture whose bytes still have their hash. Pictures are
    /// small: reading one twice costs less than sending it.
    ///
    /// # Errors
    /// `NotFound` when it was lost, `Corrupt` when its bytes changed; it can be
    /// made again.
    pub fn open(&self, hash: &PreviewHash) -> Result<File> {
        let path = self.path(hash);
        let failed = |error| Error::io("reading a preview", &error).at(&path);
        let mut file = File::open(&path).map_err(failed)?;
        let mut hasher = blake3::Hasher::new();
        std::io::copy(&mut file, &mut hasher).map_err(failed)?;
        if !hasher.finalize().as_bytes().starts_with(&hash.0) {
            let why = "its bytes changed";
            return Err(Error::new(ErrorKind::Corrupt, "verifying a preview", why).at(path));
        }
        file.rewind().map_err(failed)?;
        Ok(file)
    }

    /// Whether the stored bytes still have their hash.
    ///
    /// # Errors
    /// As for `open`.
    pub fn verify(&self, hash: &PreviewHash) -> Result<()> {
        self.open(hash).map(drop)
    }

    /// Takes a picture away whose bytes changed, so that it counts as lost and
    /// is made again.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn discard(&self, hash: &PreviewHash) -> Result<()> {
        let path = self.path(hash);
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(Error::io("taking a damaged preview away", &error).at(path))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stored_under_its_hash_and_verified() {
        let folder = tempfile::tempdir().unwrap();
        let store = PreviewStore::new(folder.path().into());
        let hash = store.put(b"picture").unwrap();
        assert_eq!(store.put(b"picture").unwrap(), hash);
        assert_eq!(PreviewHash::from_hex(&hash.hex()), Some(hash));
        assert_eq!(PreviewHash::from_hex("../../etc/passwd"), None);
        store.verify(&hash).unwrap();
        std::fs::write(store.path(&hash), b"pictuRe").unwrap();
        assert_eq!(store.verify(&hash).unwrap_err().kind, ErrorKind::Corrupt);
        assert_eq!(store.open(&hash).unwrap_err().kind, ErrorKind::Corrupt);
        store.put(b"picture").unwrap();
        assert_eq!(std::io::read_to_string(store.open(&hash).unwrap()).unwrap(), "picture");
        assert!(store.is_there(&hash));
        store.discard(&hash).unwrap();
        store.discard(&hash).unwrap();
        assert!(!store.is_there(&hash));
        assert_eq!(store.open(&hash).unwrap_err().kind, ErrorKind::NotFound);
        store.put(b"picture").unwrap();
        store.verify(&hash).unwrap();
    }
}
