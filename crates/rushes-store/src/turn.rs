//! Work that one process, and one thread of it, does at a time.

use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rushes_media::{Error, Result};

/// A turn that may be had. It ends when it is dropped, and with its process,
/// however that ends.
#[derive(Debug)]
pub struct Turn(File);

impl Turn {
    pub(crate) fn open(path: &Path) -> Result<Turn> {
        OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(path)
            .map(Turn)
            .map_err(|error| Error::io("opening a lock", &error).at(path))
    }

    /// Takes the turn when nobody has it; whether it did.
    ///
    /// # Errors
    /// When the system cannot lock there.
    pub fn take(&self) -> Result<bool> {
        match self.0.try_lock() {
            Ok(()) => Ok(true),
            Err(TryLockError::WouldBlock) => Ok(false),
            Err(TryLockError::Error(error)) => Err(Error::io("taking a lock", &error)),
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        // A child that is being started has the file open for a moment longer.
        let _ = self.0.unlock();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_has_the_turn_until_it_is_dropped() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let (one, other) = (Turn::open(&path).unwrap(), Turn::open(&path).unwrap());
        assert!(one.take().unwrap());
        assert!(!other.take().unwrap());
        drop(one);
        assert!(other.take().unwrap());
    }
}
