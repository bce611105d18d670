//! Files that arrive in parts: their bytes in a hidden folder on the volume
//! where they are to be, and beside the catalogue a record of each, which says
//! how much of it is certain to be on disk.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{FileExt as _, PermissionsExt as _};
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use rushes_media::{Error, ErrorKind, Result, UnixNanos, path_given};
use rustix::fs::{AtFlags, FallocateFlags, Mode, OFlags};
use serde::{Deserialize, Serialize};

use crate::atomic::{Lock, lock, rename_anew_between, sync_folder, write_file};
use crate::hashing::ContentHasher;
use crate::root::Root;

const WHAT: &str = "receiving a file";
/// Beneath a root, where its files arrive.
pub const INCOMING: &str = "_INCOMING";
/// What has no name yet. It is hidden, so that no scan looks into it.
const PARTIALS: &[u8] = b"_INCOMING/.uploads";
/// The most that a record may hold.
const RECORD_BYTES: u64 = 64 << 10;

/// What is known of a file that arrives, or has arrived.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Upload {
    /// Its name among uploads: letters and digits.
    pub id: String,
    /// The root that it goes to, as [`rushes_media::give_path`] tells it.
    pub root: String,
    /// The folder beneath the root that it goes to.
    pub folder: String,
    /// The name that it is to have, safe for any file system.
    pub name: String,
    /// Bytes of all of it; `None` until a sender that did not say has ended.
    pub length_bytes: Option<u64>,
    /// Bytes that are certain to be on disk.
    pub offset_bytes: u64,
    /// What the sender said of it, word for word.
    pub metadata: String,
    /// When it was last changed where it comes from, milliseconds since 1970.
    pub modified_ms: Option<i64>,
    /// The batch that it was sent in, when one was begun for it.
    pub batch: Option<String>,
    /// When it was begun, nanoseconds since 1970.
    pub begun_ns: UnixNanos,
    /// When something of it last arrived, nanoseconds since 1970.
    pub touched_ns: UnixNanos,
    /// The name that it is being given, told before it has it.
    pub naming: Option<String>,
    /// What became of it.
    pub outcome: Option<Outcome>,
}

/// What became of a file that arrived whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Outcome {
    /// It has its name.
    Taken {
        /// Its path, safe to show.
        path: String,
        /// BLAKE3 of its bytes, in hexadecimal.
        blake3: String,
    },
    /// The same bytes were here already; nothing was kept.
    Duplicate {
        /// The path of what has them, safe to show.
        path: String,
        /// BLAKE3 of its bytes, in hexadecimal.
        blake3: String,
    },
    /// It was not wanted; nothing was kept.
    Refused {
        /// Why.
        error: Error,
    },
}

impl Upload {
    /// Whether all of it is on disk.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.length_bytes == Some(self.offset_bytes)
    }

    /// The root's path.
    ///
    /// # Errors
    /// `Invalid` when the record names none.
    pub fn root_path(&self) -> Result<PathBuf> {
        path_given(&self.root)
    }
}

/// The records of uploads.
#[derive(Clone, Debug)]
pub struct UploadStore {
    folder: PathBuf,
}

impl UploadStore {
    pub(crate) fn new(folder: PathBuf) -> UploadStore {
        UploadStore { folder }
    }

    /// Every record. One that cannot be read is left out: it is of no use to
    /// anybody.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn load(&self) -> Result<Vec<Upload>> {
        let failed = |error: &io::Error| Error::io("reading the uploads", error).at(&self.folder);
        std::fs::create_dir_all(&self.folder).map_err(|error| failed(&error))?;
        let mut uploads = Vec::new();
        for entry in std::fs::read_dir(&self.folder).map_err(|error| failed(&error))? {
            let path = entry.map_err(|error| failed(&error))?.path();
            if path.metadata().is_ok_and(|found| found.len() > RECORD_BYTES) {
                continue;
            }
            let Ok(bytes) = std::fs::read(&path) else { continue };
            let Ok(upload) = serde_json::from_slice::<Upload>(&bytes) else { continue };
            if is_id(&upload.id) && path == self.record(&upload.id) {
                uploads.push(upload);
            }
        }
        uploads.sort_by(|one, other| (one.begun_ns, &one.id).cmp(&(other.begun_ns, &other.id)));
        Ok(uploads)
    }

    /// Keeps a record; it is on disk when this returns.
    ///
    /// # Errors
    /// `Invalid` for an id that is none; else what the system says.
    pub fn save(&self, upload: &Upload) -> Result<()> {
        check_id(&upload.id)?;
        let bytes = serde_json::to_vec(upload).map_err(|error| Error::bug(WHAT, error))?;
        if bytes.len() as u64 > RECORD_BYTES {
            return Err(Error::new(ErrorKind::Limit, WHAT, "what is said of it is too long"));
        }
        write_file(&self.record(&upload.id), &bytes)
    }

    /// Forgets a record.
    ///
    /// # Errors
    /// What the system says; one that is not there is no error.
    pub fn forget(&self, id: &str) -> Result<()> {
        check_id(id)?;
        match std::fs::remove_file(self.record(id)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(Error::io("forgetting an upload", &error).at(self.record(id)))
            }
            _ => Ok(()),
        }
    }

    fn record(&self, id: &str) -> PathBuf {
        self.folder.join(format!("{id}.json"))
    }
}

/// Whether this can be the id of an upload: no name that leads anywhere.
fn is_id(id: &str) -> bool {
    (16..=64).contains(&id.len())
        && id.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
}

fn check_id(id: &str) -> Result<()> {
    if is_id(id) {
        return Ok(());
    }
    Err(Error::new(ErrorKind::NotFound, WHAT, "there is no such upload"))
}

/// The bytes of a file that is arriving. They are certain to be on disk only
/// after `sync`.
#[derive(Debug)]
pub struct Arrival {
    file: File,
    written: u64,
    synced: u64,
    /// Over all that was written and all that was synced; none where the bytes
    /// before were received by another process.
    hasher: Option<ContentHasher>,
    synced_hasher: Option<ContentHasher>,
}

impl Arrival {
    /// A new one beneath this root.
    ///
    /// # Errors
    /// What the system says.
    pub fn create(root: &Root, id: &str) -> Result<Arrival> {
        check_id(id)?;
        root.create_folders(PARTIALS)?;
        let folder = File::from(root.open_folder(PARTIALS)?);
        let failed = |error: io::Error| Error::io(WHAT, &error).at(root.join(PARTIALS));
        // The files get the rights that they are to have in the end; nobody
        // else reads them before.
        folder.set_permissions(std::fs::Permissions::from_mode(0o700)).map_err(failed)?;
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW;
        let file = rustix::fs::openat(
            &folder,
            OsStr::new(id),
            flags | OFlags::CLOEXEC,
            Mode::from_raw_mode(0o666),
        )
        .map_err(|errno| failed(errno.into()))?;
        sync_folder(&folder).map_err(failed)?;
        Arrival::locked(File::from(file), 0, Some(ContentHasher::default()))
    }

    /// Goes on with one of which this much is certain; what was written after
    /// that is dropped. `hasher` is over that much, where it is known.
    ///
    /// # Errors
    /// `NotFound` when it is not there, `Corrupt` when less of it is there,
    /// `Conflict` when another process receives it.
    pub fn resume(
        root: &Root,
        id: &str,
        offset_bytes: u64,
        hasher: Option<ContentHasher>,
    ) -> Result<Arrival> {
        let file = open(root, id, OFlags::RDWR)?;
        let failed = |error: io::Error| Error::io(WHAT, &error);
        let there = file.metadata().map_err(failed)?.len();
        if there < offset_bytes {
            let why = format!("{there} of its {offset_bytes} bytes are left on the disk");
            return Err(Error::new(ErrorKind::Corrupt, WHAT, why).remedy("send it again"));
        }
        let hasher = if offset_bytes == 0 { Some(ContentHasher::default()) } else { hasher };
        let arrival = Arrival::locked(file, offset_bytes, hasher)?;
        if there > offset_bytes {
            arrival.file.set_len(offset_bytes).map_err(failed)?;
        }
        Ok(arrival)
    }

    fn locked(file: File, offset: u64, hasher: Option<ContentHasher>) -> Result<Arrival> {
        if lock(&file) == Lock::Another {
            return Err(Error::new(ErrorKind::Conflict, WHAT, "another process receives it"));
        }
        let synced_hasher = hasher.clone();
        Ok(Arrival { file, written: offset, synced: offset, hasher, synced_hasher })
    }

    /// Sets room for this many bytes aside, where the file system can.
    ///
    /// # Errors
    /// What the system says, when there is no such room.
    pub fn reserve(&self, length_bytes: u64) -> io::Result<()> {
        if length_bytes == 0 {
            return Ok(());
        }
        match rustix::fs::fallocate(&self.file, FallocateFlags::KEEP_SIZE, 0, length_bytes) {
            Err(errno @ (rustix::io::Errno::NOSPC | rustix::io::Errno::FBIG)) => Err(errno.into()),
            _ => Ok(()),
        }
    }

    /// Bytes that were written.
    #[must_use]
    pub fn written_bytes(&self) -> u64 {
        self.written
    }

    /// Bytes that are certain to be on disk.
    #[must_use]
    pub fn synced_bytes(&self) -> u64 {
        self.synced
    }

    /// Writes these bytes after those that were written.
    ///
    /// # Errors
    /// What the system says. What was synced stays.
    pub fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all_at(bytes, self.written)?;
        self.written += bytes.len() as u64;
        if let Some(hasher) = &mut self.hasher {
            hasher.update(bytes);
        }
        Ok(())
    }

    /// Puts what was written to disk.
    ///
    /// # Errors
    /// What the system says; then none of it counts as synced.
    pub fn sync(&mut self) -> io::Result<()> {
        if self.written != self.synced {
            self.file.sync_data()?;
            self.synced = self.written;
            self.synced_hasher = self.hasher.clone();
        }
        Ok(())
    }

    /// Drops what was written and not synced.
    ///
    /// # Errors
    /// What the system says.
    pub fn rewind(&mut self) -> io::Result<()> {
        self.file.set_len(self.synced)?;
        self.written = self.synced;
        self.hasher = self.synced_hasher.clone();
        Ok(())
    }

    /// The hash so far of what was synced, to go on with.
    #[must_use]
    pub fn into_hasher(mut self) -> Option<ContentHasher> {
        self.synced_hasher.take()
    }
}

impl Drop for Arrival {
    fn drop(&mut self) {
        // A child that is being started has the file open for a moment longer.
        let _ = self.file.unlock();
    }
}

/// Opens a file that has arrived, to read it.
///
/// # Errors
/// `NotFound` when it is not there.
pub fn open_arrived(root: &Root, id: &str) -> Result<File> {
    open(root, id, OFlags::RDONLY)
}

fn open(root: &Root, id: &str, flags: OFlags) -> Result<File> {
    check_id(id)?;
    let folder = root.open_folder(PARTIALS)?;
    let flags = flags | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = rustix::fs::openat(&folder, OsStr::new(id), flags, Mode::empty())
        .map(File::from)
        .map_err(|errno| Error::io(WHAT, &errno.into()).at(root.join(PARTIALS)))?;
    if !file.metadata().is_ok_and(|found| found.is_file()) {
        return Err(Error::new(ErrorKind::Unsupported, WHAT, "it is not a regular file"));
    }
    Ok(file)
}

/// Removes what has arrived of a file.
///
/// # Errors
/// `Conflict` when another process receives it; else what the system says. What
/// is not there is no error.
pub fn remove_arrived(root: &Root, id: &str) -> Result<()> {
    let file = match open(root, id, OFlags::RDWR) {
        Ok(file) => file,
        Err(error) if error.kind == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    if lock(&file) == Lock::Another {
        return Err(Error::new(ErrorKind::Conflict, WHAT, "another process receives it"));
    }
    let folder = root.open_folder(PARTIALS)?;
    rustix::fs::unlinkat(&folder, OsStr::new(id), AtFlags::empty())
        .map_err(|errno| Error::io("removing an upload", &errno.into()).at(root.join(PARTIALS)))
}

/// Gives a file that has arrived its name in a folder beneath the root, which is
/// made when it is not there. All of it is on disk before.
///
/// # Errors
/// `Conflict` when the name is taken: nothing is ever replaced; else what the
/// system says.
pub fn name_arrived(
    root: &Root,
    id: &str,
    folder: &str,
    name: &str,
    modified_ms: Option<i64>,
) -> Result<()> {
    let file = open(root, id, OFlags::RDWR)?;
    root.create_folders(folder.as_bytes())?;
    let from = File::from(root.open_folder(PARTIALS)?);
    let to = File::from(root.open_folder(folder.as_bytes())?);
    let path = root.join(format!("{folder}/{name}").as_bytes());
    let named = (|| {
        if let Some(modified) = modified_ms.and_then(|ms| u64::try_from(ms).ok()) {
            file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_millis(modified))?;
        }
        file.sync_all()?;
        rename_anew_between(&from, OsStr::new(id), &to, OsStr::from_bytes(name.as_bytes()))?;
        sync_folder(&to)?;
        sync_folder(&from)
    })();
    named.map_err(|error: io::Error| match error.kind() {
        io::ErrorKind::AlreadyExists => {
            Error::new(ErrorKind::Conflict, WHAT, "its name is taken").at(&path)
        }
        _ => Error::io(WHAT, &error).at(&path),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hashing::{Hashed, hash_file};
    use crate::root::FileStamp;

    const ID: &str = "abcdefghijklmnop";

    fn upload() -> Upload {
        Upload {
            id: ID.into(),
            root: "/media".into(),
            folder: INCOMING.into(),
            name: "a.mov".into(),
            length_bytes: Some(4),
            offset_bytes: 0,
            metadata: String::new(),
            modified_ms: None,
            batch: None,
            begun_ns: 1,
            touched_ns: 1,
            naming: None,
            outcome: None,
        }
    }

    #[test]
    fn records_are_kept_and_broken_ones_are_left_out() {
        let folder = tempfile::tempdir().unwrap();
        let store = UploadStore::new(folder.path().join("uploads"));
        assert!(store.load().unwrap().is_empty());
        store.save(&upload()).unwrap();
        std::fs::write(folder.path().join("uploads/broken.json"), b"{").unwrap();
        std::fs::copy(store.record(ID), folder.path().join("uploads/other.json")).unwrap();
        assert_eq!(store.load().unwrap(), [upload()]);
        for id in ["", "../../etc/passwd", "a/b", "ABCDEFGHIJKLMNOPQ", "short"] {
            let bad = Upload { id: id.into(), ..upload() };
            assert_eq!(store.save(&bad).unwrap_err().kind, ErrorKind::NotFound, "{id}");
            assert_eq!(store.forget(id).unwrap_err().kind, ErrorKind::NotFound, "{id}");
        }
        store.forget(ID).unwrap();
        store.forget(ID).unwrap();
        assert!(store.load().unwrap().is_empty());
    }

    #[test]
    fn what_was_not_synced_is_dropped_and_the_hash_goes_on() {
        let folder = tempfile::tempdir().unwrap();
        let root = Root::open(folder.path()).unwrap();
        let mut arrival = Arrival::create(&root, ID).unwrap();
        let second = Arrival::resume(&root, ID, 0, None).unwrap_err();
        assert_eq!(second.kind, ErrorKind::Conflict);
        arrival.append(b"one ").unwrap();
        arrival.sync().unwrap();
        arrival.append(b"lost").unwrap();
        arrival.rewind().unwrap();
        arrival.append(b"lost again").unwrap();
        let hasher = { arrival }.into_hasher();
        let mut arrival = Arrival::resume(&root, ID, 4, hasher).unwrap();
        assert_eq!(arrival.written_bytes(), 4);
        arrival.append(b"two").unwrap();
        arrival.sync().unwrap();
        let hashes = arrival.into_hasher().unwrap().finish();
        let file = open_arrived(&root, ID).unwrap();
        let stamp = FileStamp::of(&file).unwrap();
        assert_eq!(stamp.size_bytes, 7);
        assert_eq!(hash_file(&file, &stamp, &mut |_| true).unwrap(), Hashed::Whole(hashes));
        let short = Arrival::resume(&root, ID, 8, None).unwrap_err();
        assert_eq!(short.kind, ErrorKind::Corrupt);
    }

    #[test]
    fn a_name_is_given_once_and_nothing_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let root = Root::open(folder.path()).unwrap();
        let mut arrival = Arrival::create(&root, ID).unwrap();
        arrival.append(b"new").unwrap();
        arrival.sync().unwrap();
        drop(arrival);
        std::fs::create_dir_all(folder.path().join("_INCOMING/Trip")).unwrap();
        std::fs::write(folder.path().join("_INCOMING/Trip/a"), b"old").unwrap();
        let taken = name_arrived(&root, ID, "_INCOMING/Trip", "a", None).unwrap_err();
        assert_eq!(taken.kind, ErrorKind::Conflict);
        name_arrived(&root, ID, "_INCOMING/Trip", "a_2", Some(1_000)).unwrap();
        assert_eq!(std::fs::read(folder.path().join("_INCOMING/Trip/a")).unwrap(), b"old");
        let path = folder.path().join("_INCOMING/Trip/a_2");
        assert_eq!(std::fs::read(&path).unwrap(), b"new");
        let modified = path.metadata().unwrap().modified().unwrap();
        assert_eq!(modified, SystemTime::UNIX_EPOCH + Duration::from_secs(1));
        let gone = open_arrived(&root, ID).unwrap_err();
        assert_eq!(gone.kind, ErrorKind::NotFound);
        remove_arrived(&root, ID).unwrap();
    }

    #[test]
    fn nothing_arrives_over_a_link() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("root");
        let elsewhere = folder.path().join("elsewhere");
        std::fs::create_dir_all(root.join("_INCOMING")).unwrap();
        std::fs::create_dir(&elsewhere).unwrap();
        std::os::unix::fs::symlink(&elsewhere, root.join("_INCOMING/.uploads")).unwrap();
        std::os::unix::fs::symlink(&elsewhere, root.join("_INCOMING/Trip")).unwrap();
        let root = Root::open(&root).unwrap();
        assert_eq!(Arrival::create(&root, ID).unwrap_err().kind, ErrorKind::Denied);
        std::fs::remove_file(root.path().join("_INCOMING/.uploads")).unwrap();
        drop(Arrival::create(&root, ID).unwrap());
        let refused = name_arrived(&root, ID, "_INCOMING/Trip", "a", None).unwrap_err();
        assert_eq!(refused.kind, ErrorKind::Denied);
        assert_eq!(std::fs::read_dir(&elsewhere).unwrap().count(), 0);
    }
}
