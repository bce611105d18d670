//! Where what is written comes to lie: a file, or several, that have their names
//! only once all of them are whole.

use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rushes_codec::{Part, Sink, Target};
use rushes_media::{Error, ErrorKind, Result};
use rushes_store::{PartialFile, PartialFolder};

const WHAT: &str = "writing the file";

/// What a [`Target`] becomes on disk. Dropped, all of it is gone.
#[derive(Debug)]
pub struct Delivery {
    state: Arc<Mutex<State>>,
    overwrites: bool,
}

#[derive(Debug)]
struct State {
    target: Target,
    /// `None` once it is kept or given up.
    body: Option<Body>,
    bytes: u64,
}

#[derive(Debug)]
enum Body {
    One(PartialFile),
    Several { folder: PartialFolder, open: Option<File> },
}

impl Delivery {
    /// Makes room beside the names that it is to have.
    ///
    /// # Errors
    /// `Conflict` when a name is taken and nothing is to be overwritten; else
    /// what the system says.
    pub fn begin(path: &Path, target: Target, overwrites: bool) -> Result<Delivery> {
        check(path, &target, &[], overwrites)?;
        let body = if target.is_several() {
            Body::Several { folder: PartialFolder::create(path)?, open: None }
        } else {
            Body::One(PartialFile::create(path)?)
        };
        let state = Arc::new(Mutex::new(State { target, body: Some(body), bytes: 0 }));
        Ok(Delivery { state, overwrites })
    }

    /// What writers write into.
    #[must_use]
    pub fn sink(&self) -> Box<dyn Sink> {
        Box::new(Inlet(Arc::clone(&self.state)))
    }

    /// Gives everything its name; how many bytes there are.
    ///
    /// # Errors
    /// `Conflict` when a name has been taken meanwhile, and what the system says.
    /// Nothing is left behind then.
    pub fn keep(self) -> Result<u64> {
        let mut state = lock(&self.state);
        match state.body.take() {
            Some(Body::One(partial)) => {
                let made = partial.file().metadata().map_err(|error| Error::io(WHAT, &error))?;
                partial.keep(self.overwrites)?;
                Ok(made.len())
            }
            Some(Body::Several { folder, .. }) => {
                if state.target.is_folder() {
                    folder.keep(self.overwrites)?;
                } else {
                    folder.keep_files(self.overwrites)?;
                }
                Ok(state.bytes)
            }
            None => Err(Error::bug(WHAT, "it was kept before")),
        }
    }
}

impl Drop for Delivery {
    fn drop(&mut self) {
        // A sink may live on in a writer.
        drop(lock(&self.state).body.take());
    }
}

/// Makes sure that what is to be written replaces nothing that it should not:
/// none of the `inputs`, and nothing at all unless `overwrites`.
///
/// # Errors
/// `Invalid` and `Conflict` for these, and what the system says.
pub(crate) fn check(
    path: &Path,
    target: &Target,
    inputs: &[&File],
    overwrites: bool,
) -> Result<()> {
    if target.is_folder() && overwrites && path.try_exists().unwrap_or(true) {
        // A whole folder goes with it, so it must be one of these.
        let header = target.name_of(Part::Header).unwrap_or_default();
        let is_real = std::fs::symlink_metadata(path).is_ok_and(|found| found.is_dir());
        if !is_real || !path.join(header).is_file() {
            let why = "its name is that of something else, which is not replaced";
            return Err(Error::new(ErrorKind::Conflict, WHAT, why)
                .remedy("give it another name")
                .at(path));
        }
    }
    if target.is_folder() || !target.is_several() {
        return check_one(path, inputs, overwrites);
    }
    let folder = path.parent().filter(|it| !it.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let failed = |error: io::Error| Error::io(WHAT, &error).at(folder);
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        if target.may_be(&entry.file_name()) {
            check_one(&entry.path(), inputs, overwrites)?;
        }
    }
    Ok(())
}

fn check_one(path: &Path, inputs: &[&File], overwrites: bool) -> Result<()> {
    let Ok(there) = std::fs::metadata(path) else { return Ok(()) };
    for input in inputs {
        let own = input.metadata().map_err(|error| Error::io(WHAT, &error))?;
        if (there.dev(), there.ino()) == (own.dev(), own.ino()) {
            let why = "it would replace a file that it is made from";
            return Err(Error::new(ErrorKind::Invalid, WHAT, why)
                .remedy("give the new file another name")
                .at(path));
        }
    }
    if overwrites {
        return Ok(());
    }
    let why = "its name is taken, and nothing is to be overwritten";
    Err(Error::new(ErrorKind::Conflict, WHAT, why)
        .remedy("give it another name, or overwrite what is there")
        .at(path))
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Inlet(Arc<Mutex<State>>);

impl Sink for Inlet {
    fn write_all_at(&mut self, bytes: &[u8], position: u64) -> io::Result<()> {
        let mut state = lock(&self.0);
        match &mut state.body {
            Some(Body::One(partial)) => {
                let mut file = partial.file();
                Sink::write_all_at(&mut file, bytes, position)
            }
            Some(Body::Several { open: Some(file), .. }) => {
                Sink::write_all_at(&mut &*file, bytes, position)?;
                state.bytes += bytes.len() as u64;
                Ok(())
            }
            Some(Body::Several { .. }) => Err(io::Error::other("bytes of no file")),
            None => Err(io::Error::other("it was given up")),
        }
    }

    fn begin(&mut self, part: Part) -> io::Result<()> {
        let mut state = lock(&self.0);
        let name = state.target.name_of(part);
        let name = name.ok_or_else(|| io::Error::other("it has no such part"))?;
        match &mut state.body {
            Some(Body::Several { folder, open }) => {
                *open = Some(folder.file(&name).map_err(|error| io::Error::other(error.why))?);
                Ok(())
            }
            Some(Body::One(_)) => Err(io::Error::other("several files do not go into one")),
            None => Err(io::Error::other("it was given up")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn begun(path: &Path, overwrites: bool) -> Result<Delivery> {
        Delivery::begin(path, Target::of(path, 1)?, overwrites)
    }

    #[test]
    fn several_files_are_written_and_none_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.%02d.png");
        let write = |delivery: &Delivery, count: u64| {
            let mut sink = delivery.sink();
            for frame in 0..count {
                sink.begin(Part::Frame(frame)).unwrap();
                sink.write_all_at(b"two", 0).unwrap();
            }
        };
        let delivery = begun(&path, false).unwrap();
        write(&delivery, 2);
        assert!(!folder.path().join("a.01.png").exists());
        assert_eq!(delivery.keep().unwrap(), 6);
        assert!(folder.path().join("a.02.png").exists());
        // A set that is longer than what would be written is in the way too.
        std::fs::remove_file(folder.path().join("a.01.png")).unwrap();
        assert_eq!(begun(&path, false).unwrap_err().kind, ErrorKind::Conflict);
        let after = Delivery::begin(&path, Target::of(&path, 3).unwrap(), false).unwrap();
        write(&after, 1);
        let late = after.sink();
        drop(after);
        assert!({ late }.write_all_at(b"x", 0).is_err());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);

        let input = File::open(folder.path().join("a.02.png")).unwrap();
        let target = Target::of(&path, 1).unwrap();
        let refused = check(&path, &target, &[&input], true).unwrap_err();
        assert_eq!(refused.kind, ErrorKind::Invalid);
        let delivery = begun(&path, true).unwrap();
        write(&delivery, 3);
        delivery.keep().unwrap();
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 3);
    }

    #[test]
    fn only_an_array_gives_way_to_an_array() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.zarr");
        let write = |overwrites: bool| -> Result<u64> {
            let delivery = begun(&path, overwrites)?;
            let mut sink = delivery.sink();
            for part in [Part::Frame(0), Part::Header] {
                sink.begin(part).unwrap();
                sink.write_all_at(b"three", 0).unwrap();
            }
            drop(sink);
            delivery.keep()
        };
        assert_eq!(write(false).unwrap(), 10);
        assert_eq!(std::fs::read(path.join("c/0/0/0/0")).unwrap(), b"three");
        assert_eq!(write(false).unwrap_err().kind, ErrorKind::Conflict);
        std::fs::write(path.join("c/9"), b"old").unwrap();
        write(true).unwrap();
        assert!(!path.join("c/9").exists());
        std::fs::remove_file(path.join("zarr.json")).unwrap();
        assert_eq!(write(true).unwrap_err().kind, ErrorKind::Conflict);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn one_file_has_no_parts() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.mp4");
        let delivery = begun(&path, false).unwrap();
        assert!(delivery.sink().begin(Part::Frame(0)).is_err());
        delivery.sink().write_all_at(b"one", 2).unwrap();
        assert_eq!(delivery.keep().unwrap(), 5);
    }
}
