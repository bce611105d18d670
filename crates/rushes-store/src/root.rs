//! A folder that nothing escapes: every name below it is resolved by the
//! kernel beneath it, without following links.

use std::fs::File;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rushes_media::{Error, ErrorKind, Result};
use rustix::fs::{AtFlags, FileType, Mode, OFlags, RawDir, ResolveFlags, Stat};
use rustix::io::Errno;

use crate::atomic::sync_folder;
use crate::volume::{Volume, volume_of};

/// An open folder on which everything else is relative.
#[derive(Debug)]
pub struct Root {
    folder: OwnedFd,
    path: PathBuf,
}

/// One name in a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The name, byte for byte.
    pub name: Vec<u8>,
    /// What it is.
    pub kind: EntryKind,
    /// Its stamp; of folders only `device` and `inode` mean anything.
    pub stamp: FileStamp,
}

/// What a name in a folder is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryKind {
    /// A regular file.
    File,
    /// A folder.
    Folder,
    /// A symbolic link, which is never followed.
    Link,
    /// A socket, a pipe or a device, which is never opened.
    Special,
}

/// What must be the same before and after reading a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FileStamp {
    /// Bytes.
    pub size_bytes: u64,
    /// Last change of the content, nanoseconds since 1970.
    pub mtime_ns: i64,
    /// Last change of content, name or rights, nanoseconds since 1970.
    pub ctime_ns: i64,
    /// The file's number on its device.
    pub inode: u64,
    /// The device.
    pub device: u64,
}

impl EntryKind {
    fn of(stat: &Stat) -> EntryKind {
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile => EntryKind::File,
            FileType::Directory => EntryKind::Folder,
            FileType::Symlink => EntryKind::Link,
            _ => EntryKind::Special,
        }
    }
}

/// Bytes that a person may still write on the file system of this file or folder.
pub(crate) fn free_bytes(file: impl AsFd) -> Result<Option<u64>> {
    let found = rustix::fs::fstatvfs(file)
        .map_err(|errno| failed("asking how much space is free", errno))?;
    // Without a size it says nothing of what is free.
    Ok((found.f_blocks > 0).then(|| found.f_bavail.saturating_mul(found.f_frsize)))
}

impl FileStamp {
    /// The stamp of an open file.
    ///
    /// # Errors
    /// When the system does not say.
    pub fn of(file: impl AsFd) -> Result<FileStamp> {
        let stat = rustix::fs::fstat(file).map_err(|e| failed("asking about a file", e))?;
        Ok(FileStamp::from(&stat))
    }
}

impl From<&Stat> for FileStamp {
    #[expect(clippy::useless_conversion, reason = "the fields' types differ between platforms")]
    fn from(stat: &Stat) -> FileStamp {
        let nanos =
            |secs: i64, nanos: i64| secs.saturating_mul(1_000_000_000).saturating_add(nanos);
        FileStamp {
            size_bytes: u64::try_from(stat.st_size).unwrap_or(0),
            mtime_ns: nanos(stat.st_mtime.into(), stat.st_mtime_nsec as i64),
            ctime_ns: nanos(stat.st_ctime.into(), stat.st_ctime_nsec as i64),
            inode: stat.st_ino.into(),
            device: stat.st_dev.into(),
        }
    }
}

fn failed(what: &str, errno: Errno) -> Error {
    match errno {
        Errno::XDEV | Errno::LOOP => {
            Error::new(ErrorKind::Denied, what, "the name leads out of its root or over a link")
        }
        _ => Error::io(what, &errno.into()),
    }
}

impl Root {
    /// Opens the folder at this path.
    ///
    /// # Errors
    /// `NotFound` when nothing is there, `Invalid` when it is not a folder.
    pub fn open(path: &Path) -> Result<Root> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let folder = rustix::fs::open(path, flags, Mode::empty()).map_err(|errno| {
            match errno {
                Errno::NOTDIR => {
                    Error::new(ErrorKind::Invalid, "opening a root", "it is not a folder")
                }
                _ => failed("opening a root", errno),
            }
            .at(path)
        })?;
        Ok(Root { folder, path: path.to_owned() })
    }

    /// Its path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The volume it is on.
    ///
    /// # Errors
    /// When the system does not say.
    pub fn volume(&self) -> Result<Volume> {
        volume_of(&self.folder).map_err(|error| error.at(&self.path))
    }

    /// The device and inode of the folder itself.
    ///
    /// # Errors
    /// When the system does not say.
    pub fn stamp(&self) -> Result<FileStamp> {
        FileStamp::of(&self.folder)
    }

    /// The full path of a name below it; for showing, never for opening.
    #[must_use]
    pub fn join(&self, relative: &[u8]) -> PathBuf {
        if relative.is_empty() {
            return self.path.clone();
        }
        self.path.join(std::ffi::OsStr::from_bytes(relative))
    }

    fn open_beneath(&self, relative: &[u8], flags: OFlags, what: &str) -> Result<OwnedFd> {
        self.resolve(relative, flags).map_err(|errno| failed(what, errno).at(self.join(relative)))
    }

    fn resolve(&self, relative: &[u8], flags: OFlags) -> Result<OwnedFd, Errno> {
        let name: &[u8] = if relative.is_empty() { b"." } else { relative };
        let mut flags = flags | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        if !flags.contains(OFlags::PATH) {
            flags |= OFlags::NONBLOCK | OFlags::NOCTTY;
        }
        let resolve =
            ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
        // The kernel asks to try again when a rename elsewhere raced with it.
        let mut tries = 0;
        loop {
            match rustix::fs::openat2(&self.folder, name, flags, Mode::empty(), resolve) {
                Err(Errno::AGAIN) if tries < 32 => tries += 1,
                resolved => return resolved,
            }
        }
    }

    /// Opens a folder below it.
    pub(crate) fn open_folder(&self, relative: &[u8]) -> Result<OwnedFd> {
        self.open_beneath(relative, OFlags::RDONLY | OFlags::DIRECTORY, "opening a folder")
    }

    /// Creates a folder below it, and those that it is in, where they are not
    /// there: each on disk before the next.
    ///
    /// # Errors
    /// `Denied` when the name would lead out of the root or over a link,
    /// `Conflict` when a file has such a name, else the system's word.
    pub fn create_folders(&self, relative: &[u8]) -> Result<()> {
        let what = "creating a folder";
        let mut inner = Vec::new();
        for part in relative.split(|byte| *byte == b'/') {
            let outer = inner.clone();
            if !inner.is_empty() || relative.starts_with(b"/") {
                inner.push(b'/');
            }
            inner.extend_from_slice(part);
            match self.open_folder(&inner) {
                // Where it is there, nothing is to be done: not even to be permitted to.
                Ok(_) => continue,
                Err(error) if error.kind == ErrorKind::NotFound => {}
                Err(error) => {
                    return Err(match self.kind_of(&inner) {
                        Ok(Some(EntryKind::File)) => {
                            let why = "a file has that name";
                            Error::new(ErrorKind::Conflict, what, why).at(self.join(&inner))
                        }
                        Ok(Some(EntryKind::Link)) => {
                            failed(what, Errno::LOOP).at(self.join(&inner))
                        }
                        _ => error,
                    });
                }
            }
            let folder = File::from(self.open_folder(&outer)?);
            match rustix::fs::mkdirat(&folder, part, Mode::from_raw_mode(0o777)) {
                // Somebody else was faster.
                Ok(()) | Err(Errno::EXIST) => {}
                Err(errno) => return Err(failed(what, errno).at(self.join(&inner))),
            }
            sync_folder(&folder).map_err(|error| Error::io(what, &error).at(self.join(&inner)))?;
        }
        Ok(())
    }

    /// What this name below it is, if anything is there.
    ///
    /// # Errors
    /// As for `list`.
    pub fn kind_of(&self, relative: &[u8]) -> Result<Option<EntryKind>> {
        let what = "asking about a name";
        match self.resolve(relative, OFlags::PATH) {
            Ok(found) => {
                let stat = rustix::fs::fstat(&found).map_err(|errno| failed(what, errno))?;
                Ok(Some(EntryKind::of(&stat)))
            }
            Err(Errno::NOENT | Errno::NOTDIR) => Ok(None),
            Err(errno) => Err(failed(what, errno).at(self.join(relative))),
        }
    }

    /// Bytes that a person may still write on its file system; `None` where it
    /// does not say, as some that are reached over a network.
    ///
    /// # Errors
    /// When the system does not answer.
    pub fn free_bytes(&self) -> Result<Option<u64>> {
        free_bytes(&self.folder).map_err(|error| error.at(&self.path))
    }

    /// Opens a regular file below it for reading.
    ///
    /// # Errors
    /// `Denied` when the name would lead out of the root or over a link,
    /// `Unsupported` when it is not a regular file, else the system's word.
    pub fn open_file(&self, relative: &[u8]) -> Result<File> {
        let file = File::from(self.open_beneath(relative, OFlags::RDONLY, "opening a file")?);
        let stat = rustix::fs::fstat(&file).map_err(|e| failed("asking about a file", e))?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
            let why = "it is not a regular file";
            return Err(
                Error::new(ErrorKind::Unsupported, "opening a file", why).at(self.join(relative))
            );
        }
        Ok(file)
    }

    /// The volume of a folder below it.
    ///
    /// # Errors
    /// As for `list`.
    pub fn volume_of_folder(&self, relative: &[u8]) -> Result<Volume> {
        volume_of(self.open_beneath(
            relative,
            OFlags::RDONLY | OFlags::DIRECTORY,
            "opening a folder",
        )?)
        .map_err(|error| error.at(self.join(relative)))
    }

    /// All names in a folder below it, with their stamps. A name that
    /// vanishes meanwhile is left out.
    ///
    /// # Errors
    /// When the folder cannot be read to its end.
    pub fn list(&self, relative: &[u8], buffer: &mut Vec<MaybeUninit<u8>>) -> Result<Vec<Entry>> {
        let what = "reading a folder";
        let folder = self.open_beneath(relative, OFlags::RDONLY | OFlags::DIRECTORY, what)?;
        let at = |errno| failed(what, errno).at(self.join(relative));
        buffer.resize(256 << 10, MaybeUninit::uninit());
        let mut entries = Vec::new();
        let mut names = RawDir::new(&folder, buffer.as_mut_slice());
        while let Some(found) = names.next() {
            let found = found.map_err(at)?;
            let name = found.file_name();
            if matches!(name.to_bytes(), b"." | b"..") {
                continue;
            }
            let stat = match rustix::fs::statat(&folder, name, AtFlags::SYMLINK_NOFOLLOW) {
                Ok(stat) => stat,
                Err(Errno::NOENT) => continue,
                Err(errno) => return Err(at(errno)),
            };
            entries.push(Entry {
                name: name.to_bytes().to_vec(),
                kind: EntryKind::of(&stat),
                stamp: FileStamp::from(&stat),
            });
        }
        Ok(entries)
    }
}

/// Whether a name belongs to the system rather than to a person: hidden
/// names, recycle bins, thumbnail caches and snapshots of the usual systems.
#[must_use]
pub fn is_system_name(name: &[u8]) -> bool {
    const NAMES: &[&[u8]] = &[
        b"$RECYCLE.BIN",
        b"$Recycle.Bin",
        b"RECYCLER",
        b"System Volume Information",
        b"@eaDir",
        b"@Recycle",
        b"@Recently-Snapshot",
        b"@tmp",
        b"#recycle",
        b"#snapshot",
        b"lost+found",
        b"Thumbs.db",
        b"desktop.ini",
    ];
    name.first() == Some(&b'.') || NAMES.contains(&name)
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn nothing_escapes() {
        let folder = tempfile::tempdir().unwrap();
        let inside = folder.path().join("root");
        std::fs::create_dir_all(inside.join("sub")).unwrap();
        std::fs::write(folder.path().join("secret"), b"x").unwrap();
        std::fs::write(inside.join("sub/ok"), b"x").unwrap();
        symlink("../secret", inside.join("link")).unwrap();
        symlink("..", inside.join("up")).unwrap();
        symlink("/", inside.join("slash")).unwrap();
        let root = Root::open(&inside).unwrap();
        root.open_file(b"sub/ok").unwrap();
        let attacks: [&[u8]; 8] = [
            b"../secret",
            b"sub/../../secret",
            b"link",
            b"up/secret",
            b"slash/etc/passwd",
            b"/etc/passwd",
            b"sub/./../../secret",
            b"sub",
        ];
        for attack in attacks {
            assert!(root.open_file(attack).is_err(), "{}", attack.escape_ascii());
        }
        assert_eq!(root.open_file(b"../secret").unwrap_err().kind, ErrorKind::Denied);
    }

    #[test]
    fn names_are_bytes_and_pipes_are_not_opened() {
        let folder = tempfile::tempdir().unwrap();
        let long = vec![b'n'; 255];
        let names: [&[u8]; 5] = [b"a\xff\xfe", b"-rf", b"new\nline", "é".as_bytes(), &long];
        for name in names {
            std::fs::write(folder.path().join(OsStr::from_bytes(name)), b"x").unwrap();
        }
        let pipe = folder.path().join("pipe");
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, FileType::Fifo, Mode::RUSR, 0).unwrap();
        let root = Root::open(folder.path()).unwrap();
        let entries = root.list(b"", &mut Vec::new()).unwrap();
        assert_eq!(entries.len(), 6);
        for name in names {
            let entry = entries.iter().find(|entry| entry.name == name).unwrap();
            assert_eq!((entry.kind, entry.stamp.size_bytes), (EntryKind::File, 1));
            let file = root.open_file(name).unwrap();
            assert_eq!(FileStamp::of(&file).unwrap(), entry.stamp);
        }
        assert_eq!(root.open_file(b"pipe").unwrap_err().kind, ErrorKind::Unsupported);
    }

    #[test]
    fn system_names_are_known() {
        for name in [&b".Trash-1000"[..], b"@eaDir", b"$RECYCLE.BIN", b"._IMG.jpg"] {
            assert!(is_system_name(name));
        }
        assert!(!is_system_name(b"IMG.jpg"));
    }
}
