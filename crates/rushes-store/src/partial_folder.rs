use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Component, Path, PathBuf};

use rushes_media::{Error, ErrorKind, Result};
use rustix::fs::{CWD, RenameFlags, renameat_with, syncfs};
use xxhash_rust::xxh3::xxh3_64;

use crate::atomic::{LOOKED_AT, Lock, MOST_TRIES, is_at, lock, rename_anew, sync_folder};

const WHAT: &str = "writing files";

/// Files that belong together and are being written, in a hidden folder beside
/// the names that they are to have. Dropped, it is gone: none of the names shows
/// before all of them are whole.
///
/// Its writer holds a lock (flock) on it for as long as it lives. What a writer
/// left behind that was killed is taken away by the next one of the same path.
#[derive(Debug)]
pub struct PartialFolder {
    handle: File,
    partial: PathBuf,
    path: PathBuf,
    /// The process that made it; a child's copy removes nothing.
    process: u32,
}

impl PartialFolder {
    /// An empty one beside `path`: the folder that it is to become, or what all
    /// of its files are called, such as `shot.%04d.png`.
    ///
    /// # Errors
    /// What the system says.
    pub fn create(path: &Path) -> Result<PartialFolder> {
        let failed = |error: io::Error| Error::io(WHAT, &error).at(path);
        let path = std::path::absolute(path).map_err(failed)?;
        let (handle, partial) = begin(&path).map_err(|error| Error::io(WHAT, &error).at(&path))?;
        Ok(PartialFolder { handle, partial, path, process: std::process::id() })
    }

    /// A new file within it, to be written; `name` may have folders before it,
    /// which are made.
    ///
    /// # Errors
    /// `Invalid` for a name that leads elsewhere, `Conflict` for one that was
    /// given before, and what the system says.
    pub fn file(&self, name: &Path) -> Result<File> {
        let is_plain = name.components().all(|part| matches!(part, Component::Normal(_)));
        if !is_plain || name.as_os_str().is_empty() {
            let why = "a file's name leads out of its folder";
            return Err(Error::new(ErrorKind::Invalid, WHAT, why).at(name));
        }
        let place = self.partial.join(name);
        let made = (|| {
            if let Some(folder) = place.parent() {
                fs::create_dir_all(folder)?;
            }
            OpenOptions::new().read(true).write(true).create_new(true).open(&place)
        })();
        made.map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => {
                Error::new(ErrorKind::Conflict, WHAT, "a file is written twice").at(name)
            }
            _ => Error::io(WHAT, &error).at(name),
        })
    }

    /// Puts all of it to disk and gives it its name as a folder, in place of the
    /// folder that has that name if `overwrites`: that one is then removed.
    ///
    /// # Errors
    /// `Conflict` when the name is taken and nothing is to be overwritten; else
    /// what the system says. Nothing is left behind then.
    pub fn keep(self, overwrites: bool) -> Result<()> {
        self.put_to_disk()?;
        let moved = match fs::symlink_metadata(&self.path) {
            // Both names are there at any time; what is replaced goes in `drop`.
            Ok(_) if overwrites => {
                renameat_with(CWD, &self.partial, CWD, &self.path, RenameFlags::EXCHANGE)
                    .map_err(io::Error::from)
            }
            Ok(_) => Err(io::ErrorKind::AlreadyExists.into()),
            Err(_) => rename_anew(CWD, &self.partial, &self.path),
        };
        let synced = moved.and_then(|()| sync_parent(&self.path));
        let path = self.path.clone();
        let done = synced.map_err(|error| taken(&error, &path));
        if done.is_ok() && overwrites {
            // It has the old one's content now, and nobody's lock.
            let _ = fs::remove_dir_all(&self.partial);
        }
        done
    }

    /// Puts all of it to disk and gives each file its name beside `path`; how
    /// many there are. What has such a name is replaced if `overwrites`.
    ///
    /// # Errors
    /// `Conflict` when a name is taken and nothing is to be overwritten: then
    /// none of them is given; else what the system says.
    pub fn keep_files(self, overwrites: bool) -> Result<u64> {
        self.put_to_disk()?;
        let failed = |error: io::Error| taken(&error, &self.path);
        let names = || -> io::Result<Vec<OsString>> {
            let entries = fs::read_dir(&self.partial)?;
            let mut names: Vec<OsString> =
                entries.map(|entry| Ok(entry?.file_name())).collect::<io::Result<_>>()?;
            names.sort();
            Ok(names)
        };
        let names = names().map_err(failed)?;
        for (at, name) in names.iter().enumerate() {
            let (from, to) = (self.partial.join(name), self.path.with_file_name(name));
            let moved =
                if overwrites { fs::rename(&from, &to) } else { rename_anew(CWD, &from, &to) };
            if let Err(error) = moved {
                if !overwrites {
                    // These names were free before.
                    for name in names.iter().take(at) {
                        let _ = fs::remove_file(self.path.with_file_name(name));
                    }
                }
                return Err(taken(&error, &to));
            }
        }
        sync_parent(&self.path).map_err(failed)?;
        Ok(names.len() as u64)
    }

    fn put_to_disk(&self) -> Result<()> {
        if !is_at(&self.handle, CWD, &self.partial) {
            let why = "its partial folder was taken away meanwhile";
            return Err(Error::new(ErrorKind::Unavailable, WHAT, why).at(&self.path));
        }
        // One wait for all of the files instead of one for each.
        syncfs(&self.handle).map_err(|error| Error::io(WHAT, &error.into()).at(&self.path))
    }
}

impl Drop for PartialFolder {
    fn drop(&mut self) {
        // Where it was renamed, another writer may have its name by now.
        if self.process == std::process::id() && is_at(&self.handle, CWD, &self.partial) {
            let _ = fs::remove_dir_all(&self.partial);
        }
    }
}

/// The folder that a path stands in, to disk.
fn sync_parent(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), |folder| sync_folder(&File::open(folder)?))
}

fn taken(error: &io::Error, path: &Path) -> Error {
    match error.kind() {
        io::ErrorKind::AlreadyExists => {
            let why = "its name is taken, and nothing is to be overwritten";
            Error::new(ErrorKind::Conflict, WHAT, why)
                .remedy("give it another name, or overwrite what is there")
                .at(path)
        }
        _ => Error::io(WHAT, error).at(path),
    }
}

/// A new partial folder for this path, locked. Takes away those of dead writers,
/// whose names can be told from the path.
fn begin(path: &Path) -> io::Result<(File, PathBuf)> {
    let of = xxh3_64(path.file_name().unwrap_or_default().as_bytes());
    let named = |number: u32| path.with_file_name(format!(".partial-{of:016x}-set-{number}"));
    let mut number = 0;
    for _ in 0..MOST_TRIES {
        let partial = named(number);
        match fs::create_dir(&partial) {
            Ok(()) => {
                let handle = File::open(&partial)?;
                // Somebody who met it before it was locked took it for dead.
                if lock(&handle) == Lock::Another || !is_at(&handle, CWD, &partial) {
                    continue;
                }
                for other in number + 1..LOOKED_AT {
                    remove_dead(&named(other));
                }
                return Ok((handle, partial));
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                if !remove_dead(&partial) {
                    number += 1;
                }
            }
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::other("too many are writing it"))
}

/// Takes away a partial folder that nobody holds; whether its name is free now.
fn remove_dead(partial: &Path) -> bool {
    match fs::symlink_metadata(partial) {
        Ok(found) if !found.is_dir() => return false,
        Err(error) => return error.kind() == io::ErrorKind::NotFound,
        Ok(_) => {}
    }
    let Ok(handle) = File::open(partial) else { return false };
    lock(&handle) == Lock::Held
        && is_at(&handle, CWD, partial)
        && fs::remove_dir_all(partial).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let name = |entry: io::Result<fs::DirEntry>| entry.unwrap().file_name();
        let mut names: Vec<String> =
            entries.map(|entry| name(entry).into_string().unwrap()).collect();
        names.sort();
        names
    }

    fn begun(path: &Path, texts: &[(&str, &str)]) -> PartialFolder {
        let partial = PartialFolder::create(path).unwrap();
        for (name, text) in texts {
            partial.file(Path::new(name)).unwrap().write_all(text.as_bytes()).unwrap();
        }
        partial
    }

    #[test]
    fn files_get_their_names_together_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.%d");
        let partial = begun(&path, &[("a.1", "one"), ("a.2", "two")]);
        assert_eq!(names(folder.path()).len(), 1);
        drop(partial);
        assert!(names(folder.path()).is_empty());

        assert_eq!(begun(&path, &[("a.1", "one"), ("a.2", "two")]).keep_files(false).unwrap(), 2);
        assert_eq!(names(folder.path()), ["a.1", "a.2"]);
        // The last of three is taken: the first two go again.
        let late = begun(&path, &[("a.01", "x"), ("a.1", "x"), ("a.3", "x")]);
        assert_eq!(late.keep_files(false).unwrap_err().kind, ErrorKind::Conflict);
        assert_eq!(names(folder.path()), ["a.1", "a.2"]);
        assert_eq!(fs::read(folder.path().join("a.1")).unwrap(), b"one");
        begun(&path, &[("a.1", "new"), ("a.3", "three")]).keep_files(true).unwrap();
        assert_eq!(names(folder.path()), ["a.1", "a.2", "a.3"]);
        assert_eq!(fs::read(folder.path().join("a.1")).unwrap(), b"new");
    }

    #[test]
    fn a_folder_gets_its_name_at_the_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        begun(&path, &[("c/0/0", "one"), ("top", "x")]).keep(false).unwrap();
        assert_eq!(fs::read(path.join("c/0/0")).unwrap(), b"one");
        let again = begun(&path, &[("top", "y")]);
        assert_eq!(again.keep(false).unwrap_err().kind, ErrorKind::Conflict);
        assert_eq!(
            (names(folder.path()), fs::read(path.join("top")).unwrap()),
            (vec!["a".into()], b"x".to_vec())
        );
        begun(&path, &[("top", "y")]).keep(true).unwrap();
        assert_eq!((names(folder.path()), names(&path)), (vec!["a".into()], vec!["top".into()]));
        assert_eq!(fs::read(path.join("top")).unwrap(), b"y");
    }

    #[test]
    fn names_lead_nowhere_else() {
        let folder = tempfile::tempdir().unwrap();
        let partial = PartialFolder::create(&folder.path().join("a")).unwrap();
        for name in ["../b", "/b", "", "c/../../b"] {
            let refused = partial.file(Path::new(name)).unwrap_err();
            assert_eq!(refused.kind, ErrorKind::Invalid, "{name}");
        }
        partial.file(Path::new("b")).unwrap();
        assert_eq!(partial.file(Path::new("b")).unwrap_err().kind, ErrorKind::Conflict);
    }

    #[test]
    fn what_a_dead_writer_left_goes_and_a_living_one_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.%d");
        let living = begun(&path, &[("a.1", "one")]);
        let second = begun(&path, &[("a.1", "two")]);
        assert_eq!(names(folder.path()).len(), 2);
        // As a kill leaves it: closed, and not removed.
        let dead = living.partial.clone();
        fs::rename(&dead, folder.path().join("kept")).unwrap();
        drop(living);
        fs::rename(folder.path().join("kept"), &dead).unwrap();
        let next = begun(&path, &[]);
        assert_eq!((&next.partial, names(&dead).len()), (&dead, 0));
        assert!(is_at(&second.handle, CWD, &second.partial));
        drop(second);
        next.keep_files(false).unwrap();
        assert!(names(folder.path()).is_empty());
    }
}
