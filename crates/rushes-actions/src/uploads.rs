//! Files that clients send: which are wanted, where they wait, and what becomes
//! of them once all of their bytes are here.
//!
//! In order: a file is offered, and refused before a byte is sent when there is
//! no room for it; its bytes wait in a hidden folder of the root, under no name
//! of the client's; when it is whole, a worker looks whether it is media; bytes
//! that are here already are not kept twice; only then it gets its name, which
//! replaces nothing. A kill at any point leaves a state from which the next
//! start goes on.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rushes_catalog::{RegisteredRoot, assets_like, sources};
use rushes_media::{Error, ErrorKind, Result, display_name, give_path, path_given};
use rushes_store::{
    Arrival, ContentHasher, EntryKind, FileStamp, Hashed, Hashes, INCOMING, Outcome, Root, Upload,
    UploadStore, hash_file, is_system_name, name_arrived, open_arrived, remove_arrived,
    sample_file,
};
use rushes_tags::sidecar_kind;

use crate::context::Engine;
use crate::naming::{from_outside, numbered};
use crate::tasks;

const WHAT: &str = "receiving a file";
const SECOND_NS: i64 = 1_000_000_000;
/// How long an upload waits for the rest of it, and how long it is told what
/// became of it: a week.
const KEPT_NS: i64 = 7 * 24 * 3_600 * SECOND_NS;
/// Uploads under way at a time.
const MOST_OPEN: usize = 1_000;
/// Uploads that are remembered, with those that have ended.
const MOST_KNOWN: usize = 20_000;
/// What stays free on the volume for others.
const SPARED_BYTES: u64 = 1 << 30;
/// Bytes of what belongs to a file without being media.
const SIDECAR_BYTES: u64 = 16 << 20;
/// Files that are compared byte by byte with one that has arrived.
const MOST_COMPARED: usize = 16;
/// Numbers that are tried where a name is taken.
const MOST_NUMBERS: u32 = 10_000;

/// What may be sent, and where it goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UploadRules {
    /// The registered root that files go to, by name or path.
    pub to: String,
    /// The largest file, in bytes.
    pub max_bytes: u64,
    /// What uploads under way may hold together, in bytes.
    pub quota_bytes: u64,
}

/// A file that a client would send.
#[derive(Clone, Debug, Default)]
pub struct Offer {
    /// Its name, as the client says.
    pub name: String,
    /// Bytes of all of it, when the client says.
    pub length_bytes: Option<u64>,
    /// When it was last changed, milliseconds since 1970.
    pub modified_ms: Option<i64>,
    /// The batch that it belongs to: one that was begun, or a name for a folder.
    pub batch: Option<String>,
    /// All that the client says, word for word.
    pub metadata: String,
}

/// Why an upload cannot go on.
#[derive(Debug)]
pub enum UploadFault {
    /// There is no room for it now.
    Full(Error),
    /// Any other reason.
    Other(Error),
}

impl From<Error> for UploadFault {
    fn from(error: Error) -> UploadFault {
        UploadFault::Other(error)
    }
}

impl UploadFault {
    /// The same for a failed write.
    fn of(error: &std::io::Error) -> UploadFault {
        use std::io::ErrorKind as Io;
        let failed = Error::io(WHAT, error);
        match error.kind() {
            Io::StorageFull | Io::QuotaExceeded | Io::FileTooLarge => UploadFault::Full(failed),
            _ => UploadFault::Other(failed),
        }
    }
}

/// Files that belong together, between the word that begins them and the one
/// that ends them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// Its id.
    pub id: String,
    /// Its folder's name, beneath that of arriving files.
    pub name: String,
    /// Whether it was ended: it takes no more.
    pub is_ended: bool,
    begun_ns: i64,
}

/// The files that arrive at one root.
pub struct Uploads {
    engine: Engine,
    rules: UploadRules,
    root: PathBuf,
    store: UploadStore,
    known: Mutex<HashMap<String, Known>>,
    batches: Mutex<HashMap<String, Batch>>,
    /// Held while a file is compared with what is here and gets its name.
    naming: Mutex<()>,
}

struct Known {
    upload: Upload,
    /// The hash so far, over as many bytes as are certain.
    hasher: Option<ContentHasher>,
}

/// An upload that bytes are being added to.
pub struct Receiving {
    upload: Upload,
    arrival: Arrival,
    most_bytes: u64,
}

impl Receiving {
    /// Bytes of it so far.
    #[must_use]
    pub fn written_bytes(&self) -> u64 {
        self.arrival.written_bytes()
    }

    /// Bytes that are not certain to be on disk.
    #[must_use]
    pub fn unsynced_bytes(&self) -> u64 {
        self.arrival.written_bytes() - self.arrival.synced_bytes()
    }

    /// Bytes that it may still get.
    #[must_use]
    pub fn room_bytes(&self) -> u64 {
        self.most_bytes.saturating_sub(self.arrival.written_bytes())
    }

    /// Adds these bytes.
    ///
    /// # Errors
    /// `Limit` when they are more than it was to have.
    pub fn append(&mut self, bytes: &[u8]) -> Result<(), UploadFault> {
        if bytes.len() as u64 > self.room_bytes() {
            let why = format!("it has more than the {} bytes that it may have", self.most_bytes);
            return Err(Error::new(ErrorKind::Limit, WHAT, why).into());
        }
        self.arrival.append(bytes).map_err(|error| UploadFault::of(&error))
    }

    /// Drops what is not certain to be on disk.
    ///
    /// # Errors
    /// What the system says.
    pub fn rewind(&mut self) -> Result<()> {
        self.arrival.rewind().map_err(|error| Error::io(WHAT, &error))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn not_known() -> Error {
    Error::new(ErrorKind::NotFound, WHAT, "there is no such upload, or it has expired")
        .remedy("begin it anew")
}

impl Uploads {
    /// The uploads of this home to this root, those that were under way too.
    ///
    /// # Errors
    /// `NotFound` when no root of that name or path is registered; when the
    /// catalogue or the records cannot be read.
    pub fn open(engine: Engine, rules: UploadRules) -> Result<Uploads> {
        let root = registered(&engine, &rules.to)?.path;
        engine.home().create()?;
        let store = engine.home().uploads();
        let known = store.load()?.into_iter();
        let known = known.map(|upload| (upload.id.clone(), Known { upload, hasher: None }));
        let known = Mutex::new(known.collect());
        let (batches, naming) = Default::default();
        Ok(Uploads { engine, rules, root, store, known, batches, naming })
    }

    /// What may be sent.
    #[must_use]
    pub fn rules(&self) -> &UploadRules {
        &self.rules
    }

    fn now(&self) -> i64 {
        self.engine.clock().now()
    }

    /// The root, when it is registered and on its own volume.
    fn root(&self) -> Result<Root> {
        let registered = self.engine.catalog()?.roots()?;
        let known = registered.into_iter().find(|root| root.path == self.root);
        let away = |why: &str| {
            Error::new(ErrorKind::Unavailable, WHAT, why)
                .remedy("connect its disk, or choose another root with --uploads-to")
                .at(&self.root)
        };
        let known = known.ok_or_else(|| away("the folder for uploads is no root any longer"))?;
        let root =
            Root::open(&self.root).map_err(|_| away("the folder for uploads is not there"))?;
        let volume = root.volume()?.identity;
        if known.volume.is_some_and(|known| known != volume) {
            return Err(away("another disk is where the folder for uploads was"));
        }
        Ok(root)
    }

    /// Forgets those that ended first, when too many are remembered.
    fn make_room(&self) {
        let mut ended: Vec<(i64, String)> = {
            let known = lock(&self.known);
            if known.len() < MOST_KNOWN {
                return;
            }
            let ended = known.values().filter(|known| known.upload.outcome.is_some());
            ended.map(|known| (known.upload.touched_ns, known.upload.id.clone())).collect()
        };
        ended.sort();
        for (_, id) in ended.into_iter().take(MOST_KNOWN / 10) {
            let _ = self.forget(&id);
        }
    }

    /// Whether this many bytes more may come.
    ///
    /// # Errors
    /// `Full` when there is no room for them; `Limit` when they are more than
    /// one file may have, or too many uploads are under way.
    pub fn check_room(&self, wanted_bytes: u64) -> Result<(), UploadFault> {
        let limit = |why: String, remedy: &str| {
            UploadFault::Other(Error::new(ErrorKind::Limit, WHAT, why).remedy(remedy))
        };
        let full = |why: String, remedy: &str| {
            UploadFault::Full(Error::new(ErrorKind::Unavailable, WHAT, why).remedy(remedy))
        };
        let UploadRules { max_bytes, quota_bytes, .. } = self.rules;
        if wanted_bytes > max_bytes {
            let why = format!("it is larger than {max_bytes} bytes");
            return Err(limit(why, "start the server with a larger --upload-max-gb"));
        }
        let (count, held) = {
            let known = lock(&self.known);
            let open = known.values().map(|known| &known.upload);
            let open = open.filter(|upload| upload.outcome.is_none());
            open.fold((0, 0_u64), |(count, held), upload| {
                let length = upload.length_bytes.unwrap_or(upload.offset_bytes);
                (count + 1, held.saturating_add(length))
            })
        };
        if count >= MOST_OPEN {
            let why = format!("{count} uploads are under way");
            return Err(limit(why, "finish those that are, or end them"));
        }
        if held.saturating_add(wanted_bytes) > quota_bytes {
            let why =
                format!("uploads under way hold {held} of the {quota_bytes} bytes that they may");
            return Err(full(
                why,
                "finish those, or start the server with a larger --upload-quota-gb",
            ));
        }
        if let Some(free) = self.root()?.free_bytes()?
            && free < wanted_bytes.saturating_add(SPARED_BYTES)
        {
            let why =
                format!("{free} bytes are free on the disk, and {SPARED_BYTES} of them stay so");
            return Err(full(why, "free some space on that disk"));
        }
        Ok(())
    }

    /// Takes an offer; nothing of it is here yet.
    ///
    /// # Errors
    /// As for `check_room`; `Conflict` when its batch has ended.
    pub fn begin(&self, id: &str, offer: Offer) -> Result<Upload, UploadFault> {
        let (folder, batch) = self.folder_of(offer.batch.as_deref())?;
        let root = self.root()?;
        self.make_room();
        let wanted = offer.length_bytes.unwrap_or(0);
        self.check_room(wanted)?;
        let now = self.now();
        let upload = Upload {
            id: id.to_owned(),
            root: give_path(self.root.as_os_str()).map_err(|error| Error::io(WHAT, &error))?,
            folder,
            name: from_outside(&offer.name),
            length_bytes: offer.length_bytes,
            offset_bytes: 0,
            metadata: offer.metadata,
            // A clock that is far ahead is wrong.
            modified_ms: offer
                .modified_ms
                .filter(|ms| (0..=now.div_euclid(1_000_000) + 24 * 3_600_000).contains(ms)),
            batch,
            begun_ns: now,
            touched_ns: now,
            naming: None,
            outcome: None,
        };
        // The bytes' file first: a file without a record is of no use to anybody,
        // and a record without a file would promise what is not there.
        let made = Arrival::create(&root, id).map_err(UploadFault::Other).and_then(|arrival| {
            arrival.reserve(wanted).map_err(|error| UploadFault::of(&error))?;
            self.store.save(&upload).map_err(UploadFault::Other)?;
            Ok(arrival.into_hasher())
        });
        match made {
            Ok(hasher) => {
                let known = Known { upload: upload.clone(), hasher };
                lock(&self.known).insert(id.to_owned(), known);
                Ok(upload)
            }
            Err(fault) => {
                let _ = remove_arrived(&root, id);
                Err(fault)
            }
        }
    }

    /// The folder of a batch, and its id when it was begun.
    fn folder_of(&self, batch: Option<&str>) -> Result<(String, Option<String>)> {
        let Some(given) = batch.filter(|batch| !batch.trim().is_empty()) else {
            return Ok((INCOMING.to_owned(), None));
        };
        match self.batch(given) {
            Some(batch) if batch.is_ended => {
                Err(Error::new(ErrorKind::Conflict, WHAT, "its batch has been ended")
                    .remedy("begin another one"))
            }
            Some(batch) => Ok((format!("{INCOMING}/{}", batch.name), Some(batch.id))),
            None => Ok((format!("{INCOMING}/{}", from_outside(given)), None)),
        }
    }

    /// The batch that was begun under this id; one of an earlier start is known
    /// by what was sent in it.
    fn batch(&self, id: &str) -> Option<Batch> {
        if let Some(batch) = lock(&self.batches).get(id) {
            return Some(batch.clone());
        }
        let known = lock(&self.known);
        let mut sent = known.values().map(|known| &known.upload);
        let first = sent.find(|upload| upload.batch.as_deref() == Some(id))?;
        let name = first.folder.strip_prefix(INCOMING)?.strip_prefix('/')?.to_owned();
        Some(Batch { id: id.to_owned(), name, is_ended: false, begun_ns: first.begun_ns })
    }

    /// Puts uploads that have no name yet into a batch.
    ///
    /// # Errors
    /// `Conflict` when the batch has ended.
    pub fn put_in(&self, ids: &[String], batch: &str) -> Result<()> {
        let (folder, batch) = self.folder_of(Some(batch))?;
        for id in ids {
            let mut upload = self.get(id)?;
            upload.folder.clone_from(&folder);
            upload.batch.clone_from(&batch);
            self.save(&upload)?;
        }
        Ok(())
    }

    /// An upload, as it stands.
    ///
    /// # Errors
    /// `NotFound` when there is none, or it has expired.
    pub fn get(&self, id: &str) -> Result<Upload> {
        let known = lock(&self.known);
        let upload = known.get(id).map(|known| &known.upload).ok_or_else(not_known)?;
        if self.expires_ns(upload) < self.now() {
            return Err(not_known());
        }
        Ok(upload.clone())
    }

    /// When it is forgotten, nanoseconds since 1970.
    #[must_use]
    pub fn expires_ns(&self, upload: &Upload) -> i64 {
        upload.touched_ns.saturating_add(KEPT_NS)
    }

    /// Opens an upload, to add bytes to it.
    ///
    /// # Errors
    /// `NotFound`, `Conflict` when it has ended or another process receives it.
    pub fn receive(&self, id: &str) -> Result<Receiving> {
        let upload = self.get(id)?;
        if upload.outcome.is_some() {
            return Err(Error::new(ErrorKind::Conflict, WHAT, "it has ended"));
        }
        let root = self.root()?;
        let hasher = lock(&self.known).get_mut(id).and_then(|known| known.hasher.take());
        let arrival = Arrival::resume(&root, id, upload.offset_bytes, hasher)?;
        let most_bytes = upload.length_bytes.unwrap_or(self.rules.max_bytes);
        Ok(Receiving { upload, arrival, most_bytes })
    }

    /// Puts what was received to disk and records how much that is.
    ///
    /// # Errors
    /// What the system says; then less of it may be certain than was received.
    pub fn keep(&self, receiving: &mut Receiving) -> Result<(), UploadFault> {
        receiving.arrival.sync().map_err(|error| UploadFault::of(&error))?;
        receiving.upload.offset_bytes = receiving.arrival.synced_bytes();
        receiving.upload.touched_ns = self.now();
        Ok(self.save(&receiving.upload)?)
    }

    /// The same, at the end of what was sent; `is_all` says that the sender has no more.
    ///
    /// # Errors
    /// As for `keep`.
    pub fn pause(&self, mut receiving: Receiving, is_all: bool) -> Result<Upload, UploadFault> {
        if is_all && receiving.upload.length_bytes.is_none() {
            receiving.upload.length_bytes = Some(receiving.arrival.written_bytes());
        }
        self.keep(&mut receiving)?;
        let Receiving { upload, arrival, .. } = receiving;
        if let Some(known) = lock(&self.known).get_mut(&upload.id) {
            known.hasher = arrival.into_hasher();
        }
        Ok(upload)
    }

    /// Records it, on disk and then here.
    fn save(&self, upload: &Upload) -> Result<()> {
        self.store.save(upload)?;
        if let Some(known) = lock(&self.known).get_mut(&upload.id) {
            known.upload = upload.clone();
        }
        Ok(())
    }

    /// Ends an upload that nobody wants any longer.
    ///
    /// # Errors
    /// `NotFound`; `Conflict` when another process receives it.
    pub fn remove(&self, id: &str) -> Result<()> {
        let _naming = lock(&self.naming);
        self.get(id)?;
        self.forget(id)
    }

    fn forget(&self, id: &str) -> Result<()> {
        let upload = lock(&self.known).get(id).map(|known| known.upload.clone());
        if let Some(upload) = upload {
            // It may be of another root, that of an earlier start.
            match Root::open(&upload.root_path()?) {
                Ok(root) => remove_arrived(&root, id)?,
                Err(error) if error.kind == ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        self.store.forget(id)?;
        lock(&self.known).remove(id);
        Ok(())
    }

    /// Forgets what has expired.
    pub fn sweep(&self) {
        let now = self.now();
        let expired: Vec<String> = lock(&self.known)
            .values()
            .filter(|known| self.expires_ns(&known.upload) < now)
            .map(|known| known.upload.id.clone())
            .collect();
        for id in expired {
            // What cannot be removed now is tried again.
            let _ = self.forget(&id);
        }
        lock(&self.batches).retain(|_, batch| now - batch.begun_ns < KEPT_NS);
    }

    /// Forgets what nobody can go on with: what was sent as part of something
    /// larger when an earlier start ended.
    pub fn forget_broken(&self) {
        let broken: Vec<String> = lock(&self.known)
            .values()
            .map(|known| &known.upload)
            .filter(|upload| upload.length_bytes.is_none() && upload.outcome.is_none())
            .map(|upload| upload.id.clone())
            .collect();
        for id in broken {
            // Another process may be receiving it.
            let _ = self.forget(&id);
        }
    }

    /// Whether nothing is known of any upload.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        lock(&self.known).is_empty()
    }

    /// Uploads that are whole and of which nothing has become yet, as after a
    /// kill.
    #[must_use]
    pub fn unfinished(&self) -> Vec<String> {
        lock(&self.known)
            .values()
            .map(|known| &known.upload)
            .filter(|upload| upload.outcome.is_none() && upload.is_whole())
            .map(|upload| upload.id.clone())
            .collect()
    }

    /// Looks at a file that is whole and gives it its name, or says why it gets
    /// none. Doing it again changes nothing.
    ///
    /// # Errors
    /// `Conflict` when it is not whole; `Unavailable` when it cannot be looked
    /// at now. It stays as it is then.
    pub fn finish(&self, id: &str) -> Result<Upload> {
        let mut upload = self.get(id)?;
        if upload.outcome.is_some() {
            return Ok(upload);
        }
        if !upload.is_whole() {
            return Err(Error::new(ErrorKind::Conflict, WHAT, "it is not all here"));
        }
        let root = self.root()?;
        let file = match open_arrived(&root, id) {
            Err(error) if error.kind == ErrorKind::NotFound => {
                let _naming = lock(&self.naming);
                return self.named_before(&root, self.get(id)?, error);
            }
            opened => opened?,
        };
        let hasher = lock(&self.known).get(id).and_then(|known| known.hasher.clone());
        let stamp = FileStamp::of(&file)?;
        let hashes = match hasher {
            Some(hasher) => hasher.finish(),
            None => match hash_file(&file, &stamp, &mut |_| true)? {
                Hashed::Whole(hashes) => hashes,
                _ => {
                    let why = "it changed while it was read";
                    return Err(Error::new(ErrorKind::Unavailable, WHAT, why));
                }
            },
        };
        if stamp.size_bytes == 0 {
            let error = Error::new(ErrorKind::Unsupported, WHAT, "it is empty")
                .remedy("see whether it is empty where it comes from, too");
            return self.end(&root, upload, Outcome::Refused { error });
        }
        let is_sidecar =
            sidecar_kind(upload.name.as_bytes()).is_some() && stamp.size_bytes <= SIDECAR_BYTES;
        if !is_sidecar {
            let never = AtomicBool::new(false);
            let name = upload.name.as_bytes();
            match tasks::probe(self.engine.pool(), &file, name, &never) {
                // What is damaged or too large for a decoder is somebody's footage
                // all the same.
                Ok(_) => {}
                Err(error) if matches!(error.kind, ErrorKind::Corrupt | ErrorKind::Limit) => {}
                Err(error) if error.kind == ErrorKind::Unsupported => {
                    let error = Error::new(
                        ErrorKind::Unsupported,
                        WHAT,
                        format!("it is no media: {}", error.why),
                    )
                    .remedy("send videos, pictures, sound, or sidecars of these");
                    return self.end(&root, upload, Outcome::Refused { error });
                }
                Err(error) => return Err(error),
            }
        }
        let blake3 = hashes.blake3_hex();
        let _naming = lock(&self.naming);
        // Somebody else may have been faster.
        upload = self.get(id)?;
        if upload.outcome.is_some() {
            return Ok(upload);
        }
        if let Some(path) = self.same(&root, &upload, &file, &stamp, &hashes)? {
            return self.end(&root, upload, Outcome::Duplicate { path, blake3 });
        }
        let path = self.give_name(&root, &mut upload)?;
        self.end(&root, upload, Outcome::Taken { path, blake3 })
    }

    /// Records what became of it; the bytes that have no name go.
    fn end(&self, root: &Root, mut upload: Upload, outcome: Outcome) -> Result<Upload> {
        upload.outcome = Some(outcome);
        upload.touched_ns = self.now();
        self.save(&upload)?;
        if let Some(known) = lock(&self.known).get_mut(&upload.id) {
            known.hasher = None;
        }
        remove_arrived(root, &upload.id)?;
        Ok(upload)
    }

    /// What becomes of an upload whose bytes are no longer where they waited:
    /// they have their name, which was recorded before they got it.
    fn named_before(&self, root: &Root, upload: Upload, missing: Error) -> Result<Upload> {
        if upload.outcome.is_some() {
            return Ok(upload);
        }
        if let Some(name) = &upload.naming {
            let relative = format!("{}/{name}", upload.folder);
            if let Ok(file) = root.open_file(relative.as_bytes()) {
                let stamp = FileStamp::of(&file)?;
                if Some(stamp.size_bytes) == upload.length_bytes
                    && let Hashed::Whole(hashes) = hash_file(&file, &stamp, &mut |_| true)?
                {
                    let path = shown(root, &relative);
                    let blake3 = hashes.blake3_hex();
                    return self.end(root, upload, Outcome::Taken { path, blake3 });
                }
            }
        }
        let error =
            Error::new(ErrorKind::Corrupt, WHAT, format!("its bytes are gone: {}", missing.why))
                .remedy("send it again");
        self.end(root, upload, Outcome::Refused { error })
    }

    /// The path of a file that has the very same bytes, read to be certain.
    fn same(
        &self,
        root: &Root,
        upload: &Upload,
        file: &std::fs::File,
        stamp: &FileStamp,
        hashes: &Hashes,
    ) -> Result<Option<String>> {
        let mut candidates: Vec<(PathBuf, Vec<u8>)> = Vec::new();
        // Beside it, also what no scan has seen.
        let folder = upload.folder.as_bytes();
        let is_sidecar = sidecar_kind(upload.name.as_bytes()).is_some();
        if root.kind_of(folder)? == Some(EntryKind::Folder) {
            for entry in root.list(folder, &mut Vec::new())? {
                // Two sidecars with the same bytes belong to two files.
                let is_other = is_sidecar && entry.name != upload.name.as_bytes();
                if entry.kind == EntryKind::File
                    && entry.stamp.size_bytes == stamp.size_bytes
                    && !is_system_name(&entry.name)
                    && !is_other
                {
                    let path = [folder, b"/", &entry.name].concat();
                    candidates.push((self.root.clone(), path));
                }
            }
        }
        // Anywhere, as the catalogue knows it.
        if !is_sidecar && let Some(sampled) = sample_file(file, stamp, &mut Vec::new())? {
            let known = self.engine.catalog()?.read(|reader| {
                let alike = assets_like(reader, stamp.size_bytes, &sampled.fingerprint)?;
                alike.into_iter().map(|asset| sources(reader, asset)).collect::<Result<Vec<_>>>()
            })?;
            candidates.extend(known.into_iter().flatten().map(|it| (it.root, it.path)));
        }
        for (outer, path) in candidates.into_iter().take(MOST_COMPARED) {
            let other = Root::open(&outer).and_then(|root| root.open_file(&path));
            // What is not there or cannot be read is no reason to drop this one.
            let Ok(other) = other else { continue };
            let Ok(found) = FileStamp::of(&other) else { continue };
            if found.size_bytes == stamp.size_bytes
                && let Ok(Hashed::Whole(found)) = hash_file(&other, &found, &mut |_| true)
                && found == *hashes
            {
                return Ok(Some(shown_below(&outer, &path)));
            }
        }
        Ok(None)
    }

    /// Gives it its name, with a number where others have it.
    fn give_name(&self, root: &Root, upload: &mut Upload) -> Result<String> {
        for number in 1..MOST_NUMBERS {
            let name = match number {
                1 => upload.name.clone(),
                _ => String::from_utf8(numbered(upload.name.as_bytes(), number))
                    .map_err(|error| Error::bug(WHAT, error))?,
            };
            let relative = format!("{}/{name}", upload.folder);
            if root.kind_of(relative.as_bytes())?.is_some() {
                continue;
            }
            upload.naming = Some(name.clone());
            self.save(upload)?;
            match name_arrived(root, &upload.id, &upload.folder, &name, upload.modified_ms) {
                Ok(()) => return Ok(shown(root, &relative)),
                Err(error) if error.kind == ErrorKind::Conflict => {}
                Err(error) => return Err(error),
            }
        }
        Err(Error::new(ErrorKind::Conflict, WHAT, "too many files have its name")
            .remedy("give it another name, or another batch"))
    }

    /// The folder that an upload goes to, in full.
    #[must_use]
    pub fn folder(&self, upload: &Upload) -> PathBuf {
        self.root.join(&upload.folder)
    }

    /// The folder that all uploads go to.
    #[must_use]
    pub fn incoming(&self) -> PathBuf {
        self.root.join(INCOMING)
    }

    /// Begins a batch; its folder is named as the client says, else by the time.
    pub fn begin_batch(&self, id: &str, name: Option<&str>) -> Batch {
        let now = self.now();
        let name = name.filter(|name| !name.trim().is_empty()).map_or_else(
            || {
                let at = jiff::Timestamp::from_nanosecond(now.into()).unwrap_or_default();
                at.strftime("%Y-%m-%d_%H%M%S").to_string()
            },
            from_outside,
        );
        let batch = Batch { id: id.to_owned(), name, is_ended: false, begun_ns: now };
        let mut batches = lock(&self.batches);
        if batches.len() >= MOST_OPEN {
            let oldest = batches.values().min_by_key(|batch| batch.begun_ns);
            if let Some(oldest) = oldest.map(|batch| batch.id.clone()) {
                batches.remove(&oldest);
            }
        }
        batches.insert(id.to_owned(), batch.clone());
        batch
    }

    /// What was sent in a batch, in the order in which it began. When it `ends`,
    /// it takes no more; ending it again gives the same.
    ///
    /// # Errors
    /// `NotFound` when there is no such batch.
    pub fn sent_in(&self, id: &str, ends: bool) -> Result<(Batch, Vec<Upload>)> {
        let mut batch = self.batch(id).ok_or_else(|| {
            Error::new(ErrorKind::NotFound, "looking a batch up", "there is no such batch")
                .remedy("begin one with op=start")
        })?;
        if ends {
            batch.is_ended = true;
            lock(&self.batches).insert(id.to_owned(), batch.clone());
        }
        let mut sent: Vec<Upload> = lock(&self.known)
            .values()
            .map(|known| &known.upload)
            .filter(|upload| upload.batch.as_deref() == Some(id))
            .cloned()
            .collect();
        sent.sort_by(|one, other| (one.begun_ns, &one.id).cmp(&(other.begun_ns, &other.id)));
        Ok((batch, sent))
    }
}

fn registered(engine: &Engine, wanted: &str) -> Result<RegisteredRoot> {
    let roots = engine.catalog()?.roots()?;
    let path = path_given(wanted).ok().and_then(|path| std::fs::canonicalize(path).ok());
    let found =
        roots.into_iter().find(|root| root.name == wanted || Some(&root.path) == path.as_ref());
    found.ok_or_else(|| {
        let why = format!("no root has the name or path {wanted:?}");
        Error::new(ErrorKind::NotFound, "choosing where uploads go", why)
            .remedy("register it first, with rushes paths add")
    })
}

fn shown(root: &Root, relative: &str) -> String {
    shown_below(root.path(), relative.as_bytes())
}

fn shown_below(root: &Path, relative: &[u8]) -> String {
    use std::os::unix::ffi::OsStrExt as _;
    display_name(root.join(std::ffi::OsStr::from_bytes(relative)).as_os_str().as_bytes())
}
