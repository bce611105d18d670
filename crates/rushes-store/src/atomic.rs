use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
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

/// A file that is being written under a name beside the one that it is to
/// have. Dropped, it is gone: its name never shows a part of it.
///
/// Others may read it as they may every new file of this process (its umask),
/// or as they could the one that it replaces.
#[derive(Debug)]
pub struct PartialFile {
    file: File,
    partial: PathBuf,
    path: PathBuf,
    /// The process that made it; a child's copy removes nothing.
    process: u32,
}

impl PartialFile {
    /// An empty file, to be written and then kept as `path`. Where that is a
    /// symbolic link, what it points to is meant.
    ///
    /// # Errors
    /// `Invalid` when a folder, a device or a pipe has that name; else what the
    /// system says.
    pub fn create(path: &Path) -> Result<PartialFile> {
        let failed = |error: io::Error| Error::io("writing a file", &error).at(path);
        let is_link = std::fs::symlink_metadata(path).is_ok_and(|it| it.is_symlink());
        let place = if is_link { path.canonicalize().map_err(failed)? } else { path.to_owned() };
        let replaced = match std::fs::metadata(&place) {
            Ok(found) if !found.is_file() => {
                let why = "its name is that of a folder, a device or a pipe";
                return Err(Error::new(ErrorKind::Invalid, "writing a file", why).at(path));
            }
            Ok(found) => Some(found.permissions()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(failed(error)),
        };
        let unique = COUNTER.fetch_add(1, Ordering::Relaxed);
        let name = format!(".partial-{}-{unique}", std::process::id());
        let partial = place.with_file_name(name);
        let opened = OpenOptions::new().read(true).write(true).create_new(true).open(&partial);
        let file = opened.map_err(failed)?;
        let made = PartialFile { file, partial, path: place, process: std::process::id() };
        if let Some(permissions) = replaced {
            made.file.set_permissions(permissions).map_err(failed)?;
        }
        Ok(made)
    }

    /// The file, to be written.
    #[must_use]
    pub fn file(&self) -> &File {
        &self.file
    }

    /// Puts all of it to disk and gives it its name, in place of what has that
    /// name if `overwrites`.
    ///
    /// # Errors
    /// `Conflict` when the name is taken and nothing is to be overwritten; else
    /// what the system says. Nothing is left behind then.
    pub fn keep(self, overwrites: bool) -> Result<()> {
        let kept = (|| {
            self.file.sync_all()?;
            if overwrites {
                std::fs::rename(&self.partial, &self.path)?;
            } else {
                // Unlike a rename, it never replaces; the other name goes in `drop`.
                match std::fs::hard_link(&self.partial, &self.path) {
                    Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                        // Some file systems have no links.
                        if self.path.try_exists()? {
                            return Err(io::ErrorKind::AlreadyExists.into());
                        }
                        std::fs::rename(&self.partial, &self.path)?;
                    }
                    linked => linked?,
                }
            }
            let folder = self.path.parent().filter(|it| !it.as_os_str().is_empty());
            File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
        })();
        kept.map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => {
                let why = "its name is taken, and nothing is to be overwritten";
                Error::new(ErrorKind::Conflict, "writing a file", why)
                    .remedy("give it another name, or overwrite what is there")
                    .at(&self.path)
            }
            _ => Error::io("writing a file", &error).at(&self.path),
        })
    }
}

impl Drop for PartialFile {
    fn drop(&mut self) {
        if self.process == std::process::id() {
            // It is gone already where it was renamed.
            let _ = std::fs::remove_file(&self.partial);
        }
    }
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

    #[test]
    fn a_partial_file_gets_its_name_at_the_end() {
        use std::os::unix::fs::PermissionsExt as _;

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        let names = || std::fs::read_dir(folder.path()).unwrap().count();
        let begin = |text: &[u8]| {
            let partial = PartialFile::create(&path).unwrap();
            partial.file().write_all(text).unwrap();
            partial
        };
        let partial = begin(b"one");
        assert!(!path.exists());
        drop(partial);
        assert_eq!(names(), 0);

        begin(b"one").keep(false).unwrap();
        assert_eq!(begin(b"two").keep(false).unwrap_err().kind, ErrorKind::Conflict);
        assert_eq!(std::fs::read(&path).unwrap(), b"one");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        begin(b"three").keep(true).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"three");
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o640);
        assert_eq!(names(), 1);

        let link = folder.path().join("link");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        PartialFile::create(&link).unwrap().keep(true).unwrap();
        assert!(link.is_symlink() && path.metadata().unwrap().len() == 0);
        let refused = PartialFile::create(folder.path()).unwrap_err();
        assert_eq!(refused.kind, ErrorKind::Invalid);
    }
}
