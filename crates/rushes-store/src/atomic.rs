use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use rushes_media::{Error, ErrorKind, Result};

static COUNTER: AtomicU64 = AtomicU64::new(0);

/// Writes a file so that its name shows either nothing (or what was there) or
/// all of `bytes`, after a crash too: to a new name beside it, to disk,
/// renamed, and the folder to disk. Only its owner may read it.
///
/// # Errors
/// When the system refuses; nothing is left behind then.
pub fn write_file(path: &Path, bytes: &[u8]) -> Result<()> {
    let folder = path.parent().ok_or_else(|| {
        Error::new(ErrorKind::Invalid, "writing a file", "its path has no folder").at(path)
    })?;
    let unique = COUNTER.fetch_add(1, Ordering::Relaxed);
    let partial = folder.join(format!(".partial-{}-{unique}", std::process::id()));
    let written = (|| {
        let mut file =
            OpenOptions::new().write(true).create_new(true).mode(0o600).open(&partial)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        std::fs::rename(&partial, path)?;
        File::open(folder)?.sync_all()
    })();
    written.map_err(|error| {
        // The partial file is ours alone; when it cannot be removed either,
        // the first error is the one that matters.
        let _ = std::fs::remove_file(&partial);
        Error::io("writing a file", &error).at(path)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_or_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        write_file(&path, b"one").unwrap();
        write_file(&path, b"two").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"two");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
        assert!(write_file(&folder.path().join("no/such"), b"x").is_err());
    }
}
