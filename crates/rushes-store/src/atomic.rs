use std::ffi::{OsStr, OsString};
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use rushes_media::{Error, ErrorKind, Result};
use rustix::fs::{AtFlags, Mode, OFlags, RenameFlags};
use rustix::io::Errno;
use xxhash_rust::xxh3::xxh3_64;

use crate::root::Root;

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
/// Its writer holds a lock (flock) on it for as long as it lives. What a writer
/// left behind that was killed is taken away by the next one of the same path.
///
/// Others may read it as they may every new file of this process (its umask),
/// or as they could the one that it replaces.
#[derive(Debug)]
pub struct PartialFile {
    file: File,
    /// Where it is, and is to be: both names are found from here alone.
    folder: File,
    partial: OsString,
    name: OsString,
    /// Its path to be, for showing.
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
        let no_file = || {
            let why = "its name is that of a folder, a device or a pipe";
            Error::new(ErrorKind::Invalid, "writing a file", why).at(path)
        };
        let replaced = match std::fs::metadata(&place) {
            Ok(found) if !found.is_file() => return Err(no_file()),
            Ok(found) => Some(found.permissions()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(failed(error)),
        };
        let name = place.file_name().ok_or_else(no_file)?;
        let folder = place.parent().filter(|it| !it.as_os_str().is_empty());
        let folder = File::open(folder.unwrap_or(Path::new("."))).map_err(failed)?;
        let made = PartialFile::begin(folder, name, &place, 0o666)?;
        if let Some(permissions) = replaced {
            made.file.set_permissions(permissions).map_err(failed)?;
        }
        Ok(made)
    }

    /// An empty file with these rights (less the umask), to be kept under this
    /// name beneath a root. The folder that it is in must be there.
    pub(crate) fn create_beneath(root: &Root, relative: &[u8], mode: u32) -> Result<PartialFile> {
        let path = root.join(relative);
        let (folder, name) = match relative.iter().rposition(|byte| *byte == b'/') {
            Some(at) => (&relative[..at], &relative[at + 1..]),
            None => (&[][..], relative),
        };
        if matches!(name, b"" | b"." | b"..") {
            let why = "its name is that of a folder";
            return Err(Error::new(ErrorKind::Invalid, "writing a file", why).at(path));
        }
        let folder = File::from(root.open_folder(folder)?);
        PartialFile::begin(folder, OsStr::from_bytes(name), &path, mode)
    }

    fn begin(folder: File, name: &OsStr, path: &Path, mode: u32) -> Result<PartialFile> {
        let (file, partial) = begin(&folder, name, Mode::from_raw_mode(mode))
            .map_err(|error| Error::io("writing a file", &error).at(path))?;
        let (name, path) = (name.to_owned(), path.to_owned());
        Ok(PartialFile { file, folder, partial, name, path, process: std::process::id() })
    }

    /// The file, to be written.
    #[must_use]
    pub fn file(&self) -> &File {
        &self.file
    }

    /// Its path to be, for showing.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The same file, opened once more for reading only.
    pub(crate) fn reopen(&self) -> io::Result<File> {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        // Reading it is not to change when it was read last, which only its owner may ask for.
        let mut opened =
            rustix::fs::openat(&self.folder, &self.partial, flags | OFlags::NOATIME, Mode::empty());
        if matches!(opened, Err(Errno::PERM)) {
            opened = rustix::fs::openat(&self.folder, &self.partial, flags, Mode::empty());
        }
        let file = File::from(opened?);
        if !is_at(&file, &self.folder, &self.partial) || !self.is_there() {
            return Err(taken_away());
        }
        Ok(file)
    }

    /// Puts all of it to disk and gives it its name, in place of what has that
    /// name if `overwrites`.
    ///
    /// # Errors
    /// `Conflict` when the name is taken and nothing is to be overwritten; else
    /// what the system says. Nothing is left behind then.
    pub fn keep(self, overwrites: bool) -> Result<()> {
        self.file.sync_all().map_err(|error| Error::io("writing a file", &error).at(&self.path))?;
        self.give_name(overwrites)
    }

    /// Gives it its name, as `keep` does; what is in it is on disk by now.
    pub(crate) fn give_name(self, overwrites: bool) -> Result<()> {
        let named = (|| {
            if !self.is_there() {
                return Err(taken_away());
            }
            let (folder, partial, name) = (&self.folder, &self.partial, &self.name);
            if overwrites {
                rustix::fs::renameat(folder, partial, folder, name)?;
            } else {
                rename_anew(folder, partial, name)?;
            }
            sync_folder(folder)
        })();
        named.map_err(|error: io::Error| match error.kind() {
            io::ErrorKind::AlreadyExists => {
                let why = "its name is taken, and nothing is to be overwritten";
                Error::new(ErrorKind::Conflict, "writing a file", why)
                    .remedy("give it another name, or overwrite what is there")
                    .at(&self.path)
            }
            _ => Error::io("writing a file", &error).at(&self.path),
        })
    }

    /// Whether its partial name still leads to it.
    fn is_there(&self) -> bool {
        is_at(&self.file, &self.folder, &self.partial)
    }
}

impl Drop for PartialFile {
    fn drop(&mut self) {
        // Where it was renamed, another writer may have its name by now.
        if self.process == std::process::id() && self.is_there() {
            let _ = rustix::fs::unlinkat(&self.folder, &self.partial, AtFlags::empty());
        }
    }
}

fn taken_away() -> io::Error {
    io::Error::other("its partial file was taken away meanwhile")
}

/// Renames what is in this folder to a name that nobody has there.
pub(crate) fn rename_anew(
    folder: impl AsFd,
    from: impl AsRef<OsStr>,
    to: impl AsRef<OsStr>,
) -> io::Result<()> {
    let folder = folder.as_fd();
    rename_anew_between(folder, from, folder, to)
}

/// Renames what is in one folder to a name that nobody has in another one of
/// the same volume.
pub(crate) fn rename_anew_between(
    folder: impl AsFd,
    from: impl AsRef<OsStr>,
    into: impl AsFd,
    to: impl AsRef<OsStr>,
) -> io::Result<()> {
    let (folder, into) = (folder.as_fd(), into.as_fd());
    let (from, to) = (from.as_ref(), to.as_ref());
    match rustix::fs::renameat_with(folder, from, into, to, RenameFlags::NOREPLACE) {
        // Some file systems cannot see to it themselves.
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => {}
        renamed => return Ok(renamed?),
    }
    // Unlike a rename, a link never replaces; folders have none.
    match rustix::fs::linkat(folder, from, into, to, AtFlags::empty()) {
        Ok(()) => Ok(rustix::fs::unlinkat(folder, from, AtFlags::empty())?),
        Err(Errno::EXIST) => Err(Errno::EXIST.into()),
        Err(_) => match rustix::fs::statat(into, to, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(_) => Err(Errno::EXIST.into()),
            Err(Errno::NOENT) => Ok(rustix::fs::renameat(folder, from, into, to)?),
            Err(errno) => Err(errno.into()),
        },
    }
}

/// The names in a folder, to disk.
pub(crate) fn sync_folder(folder: &File) -> io::Result<()> {
    match rustix::fs::fsync(folder) {
        // Some file systems put no folder to disk when asked.
        Err(Errno::INVAL | Errno::NOTSUP) => Ok(()),
        synced => Ok(synced?),
    }
}

/// Partial files of one path that are looked at for dead writers; more than one
/// is there only where several write the same file.
pub(crate) const LOOKED_AT: u32 = 8;

/// Names that are tried for a partial file.
pub(crate) const MOST_TRIES: u32 = 1_000;

/// A new partial file for this name, locked. Takes away those of dead writers.
/// Their names can be told from the name, because looking through a folder with
/// a million files for them takes long.
fn begin(folder: &File, name: &OsStr, mode: Mode) -> io::Result<(File, OsString)> {
    let of = xxh3_64(name.as_bytes());
    let named = |number: u32| OsString::from(format!(".partial-{of:016x}-{number}"));
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    let mut number = 0;
    for _ in 0..MOST_TRIES {
        let partial = named(number);
        match rustix::fs::openat(folder, &partial, flags, mode).map(File::from) {
            // Somebody who met it before it was locked took it for dead.
            Ok(file) if lock(&file) == Lock::Another || !is_at(&file, folder, &partial) => {}
            Ok(file) => {
                for other in number + 1..LOOKED_AT {
                    remove_dead(folder, &named(other));
                }
                return Ok((file, partial));
            }
            Err(Errno::EXIST) => {
                if !remove_dead(folder, &partial) {
                    number += 1;
                }
            }
            Err(Errno::INTR) => {}
            Err(errno) => return Err(errno.into()),
        }
    }
    Err(io::Error::other("too many are writing it"))
}

#[derive(PartialEq, Eq)]
pub(crate) enum Lock {
    Held,
    /// Another one holds it.
    Another,
    /// The file system has none.
    None,
}

pub(crate) fn lock(file: &File) -> Lock {
    match file.try_lock() {
        Ok(()) => Lock::Held,
        Err(TryLockError::WouldBlock) => Lock::Another,
        Err(TryLockError::Error(_)) => Lock::None,
    }
}

/// Takes away a partial file that nobody holds; whether its name is free now.
fn remove_dead(folder: &File, partial: &OsStr) -> bool {
    // Some file systems lock only what is open for writing.
    let flags = OFlags::RDWR | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    match rustix::fs::openat(folder, partial, flags, Mode::empty()).map(File::from) {
        Ok(file) => {
            let is_dead = file.metadata().is_ok_and(|found| found.is_file())
                && lock(&file) == Lock::Held
                // Only who holds its lock removes or renames it.
                && is_at(&file, folder, partial);
            is_dead && rustix::fs::unlinkat(folder, partial, AtFlags::empty()).is_ok()
        }
        Err(errno) => errno == Errno::NOENT,
    }
}

/// Whether this name in a folder leads to this file or folder.
pub(crate) fn is_at(file: &File, folder: impl AsFd, name: impl AsRef<OsStr>) -> bool {
    let there = rustix::fs::statat(folder, name.as_ref(), AtFlags::SYMLINK_NOFOLLOW);
    let found = (file.metadata(), there);
    matches!(found, (Ok(own), Ok(there)) if (own.dev(), own.ino()) == (there.st_dev, there.st_ino))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn partial_of(file: &PartialFile) -> PathBuf {
        file.path.with_file_name(&file.partial)
    }

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

    #[test]
    fn what_a_dead_writer_left_goes_and_a_living_one_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        let names = || {
            let entries = std::fs::read_dir(folder.path()).unwrap();
            let mut names: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
            names.sort();
            names
        };
        let living: Vec<PartialFile> =
            (0..3).map(|_| PartialFile::create(&path).unwrap()).collect();
        let other = PartialFile::create(&folder.path().join("b")).unwrap();
        assert_eq!(names().len(), 4);
        // As a kill leaves it: closed, and not removed.
        let dead = partial_of(&living[1]);
        let mut living = living.into_iter();
        let (first, killed, third) =
            (living.next().unwrap(), living.next().unwrap(), living.next().unwrap());
        std::fs::rename(&dead, folder.path().join("kept")).unwrap();
        drop(killed);
        std::fs::rename(folder.path().join("kept"), &dead).unwrap();
        dead.metadata().unwrap();
        std::fs::write(&dead, b"dead").unwrap();

        let next = PartialFile::create(&path).unwrap();
        assert_eq!((partial_of(&next), next.file.metadata().unwrap().len()), (dead, 0));
        assert_eq!(names().len(), 4);
        for lives in [&first, &third, &other, &next] {
            assert!(lives.is_there());
        }
        // One that stands behind a free name goes too.
        let behind = partial_of(&third);
        drop((first, next));
        std::fs::remove_file(&behind).unwrap();
        drop(third);
        std::fs::write(&behind, b"dead").unwrap();
        PartialFile::create(&path).unwrap().keep(false).unwrap();
        assert_eq!(names(), [partial_of(&other), path.clone()]);

        // Linked to the file that it became: that one stays.
        let killed = partial_of(&PartialFile::create(&path).unwrap());
        std::fs::write(&path, b"whole").unwrap();
        std::fs::hard_link(&path, &killed).unwrap();
        drop(PartialFile::create(&path).unwrap());
        assert_eq!(std::fs::read(&path).unwrap(), b"whole");
        assert_eq!(names(), [partial_of(&other), path]);
    }

    #[test]
    fn a_name_that_another_has_by_now_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        let one = PartialFile::create(&path).unwrap();
        // Nobody does this who looks at locks.
        std::fs::remove_file(partial_of(&one)).unwrap();
        let other = PartialFile::create(&path).unwrap();
        assert_eq!(partial_of(&one), partial_of(&other));
        assert_eq!(one.keep(true).unwrap_err().kind, ErrorKind::Unavailable);
        assert!(other.is_there() && !path.exists());
        other.keep(true).unwrap();
        assert!(path.exists());
    }

    #[test]
    fn many_writers_of_one_path_each_have_their_own() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        std::thread::scope(|scope| {
            for number in 0..4_u8 {
                let path = &path;
                scope.spawn(move || {
                    for _ in 0..200 {
                        let partial = PartialFile::create(path).unwrap();
                        partial.file().write_all(&[number; 64]).unwrap();
                        partial.keep(true).unwrap();
                        let bytes = std::fs::read(path).unwrap();
                        assert!(bytes.len() == 64 && bytes.iter().all(|byte| *byte == bytes[0]));
                    }
                });
            }
        });
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
