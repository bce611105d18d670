//! One backup while it runs: each asset with what belongs to it, to every
//! destination that lacks it.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use super::destinations::{Named, Opened, is_online};
use super::listing::write_list;
use super::{BackedUp, BackupReport, WHAT};
use crate::context::{Context, Report};
use crate::naming::{self, Template, beside, numbered};
use crate::queue::EffectState;
use crate::scan::{Failure, is_same};
use rushes_catalog::{
    Candidate, Catalog, Connection, CopyState, NewCopy, Source, copy_at, copy_in, partners,
    record_copy, record_hashes, sidecars_of, sources,
};
use rushes_media::{Error, ErrorKind, Result, display_name};
use rushes_store::{
    Copied, CopyStep, CopyTarget, FileStamp, HashFormat, Placed, ReadBack, Root, copy_file,
};

/// Names that are tried for one copy.
const MOST_NAMES: u32 = 10_000;
/// Files in a row that may fail at a destination before it is given up.
const PATIENCE: u32 = 3;

/// Where copies would go, for a plan.
#[derive(Default)]
pub(super) struct Planned {
    roots: Option<HashMap<i64, String>>,
    /// Names that the plan has given already, by their hash.
    taken: HashMap<PathBuf, HashSet<u64>>,
    bytes: HashMap<PathBuf, u64>,
}

impl Planned {
    /// The path that an asset's copy would get; `None` when it has one there, or
    /// no place of it is here.
    pub fn next(
        &mut self,
        reader: &Connection,
        to: &Named,
        candidate: &Candidate,
        template: &Template,
    ) -> Result<Option<Vec<u8>>> {
        if let Some(known) = to.known
            && copy_in(reader, known, candidate.asset)?.is_some()
        {
            return Ok(None);
        }
        let Some(source) = sources(reader, candidate.asset)?.into_iter().next() else {
            return Ok(None);
        };
        if self.roots.is_none() {
            self.roots = Some(root_names(reader)?);
        }
        let root = self.roots.as_ref().and_then(|roots| roots.get(&source.root_id));
        let first = first_path(candidate, &source, root, template);
        let taken = self.taken.entry(to.root.path().to_owned()).or_default();
        let mut is_free = |path: &[u8]| {
            let mut hasher = DefaultHasher::new();
            path.hash(&mut hasher);
            taken.insert(hasher.finish())
        };
        for path in names(&first) {
            let there = at(reader, &to.root, to.known, &path, candidate.size_bytes);
            // What fails of one file is told when it is copied.
            let Ok(there) = there else { return Ok(Some(path)) };
            match there {
                There::Other => {}
                There::Nothing if is_free(&path) => {
                    *self.bytes.entry(to.root.path().to_owned()).or_default() +=
                        candidate.size_bytes;
                    return Ok(Some(path));
                }
                There::SameSize if is_free(&path) => return Ok(Some(path)),
                There::Nothing | There::SameSize => {}
            }
        }
        Err(no_name(&to.root, &first))
    }

    /// Bytes that would be written in a destination.
    pub fn bytes_to(&self, to: &Named) -> u64 {
        self.bytes.get(to.root.path()).copied().unwrap_or(0)
    }
}

/// What stands at a path in a destination.
enum There {
    Nothing,
    /// A file of the same size, which may be the copy.
    SameSize,
    Other,
}

fn at(
    reader: &Connection,
    root: &Root,
    known: Option<i64>,
    path: &[u8],
    size_bytes: u64,
) -> Result<There> {
    // Another file's copy keeps its name while its disk is away or it is lost.
    let kept = known.map(|known| copy_at(reader, known, path)).transpose()?.flatten();
    if kept.is_some_and(|kept| kept.size_bytes != size_bytes) {
        return Ok(There::Other);
    }
    match root.open_file(path).and_then(|file| FileStamp::of(&file)) {
        Ok(stamp) if stamp.size_bytes == size_bytes => Ok(There::SameSize),
        Err(error) if error.kind == ErrorKind::NotFound => Ok(There::Nothing),
        Ok(_) => Ok(There::Other),
        // A folder has the name.
        Err(error) if error.kind == ErrorKind::Unsupported => Ok(There::Other),
        Err(error) => Err(error),
    }
}

/// The name itself, then those with numbers.
fn names(first: &[u8]) -> impl Iterator<Item = Vec<u8>> + '_ {
    let others = (2..=MOST_NAMES).map(|number| numbered(first, number));
    std::iter::once(first.to_vec()).chain(others)
}

fn no_name(root: &Root, path: &[u8]) -> Error {
    let why = format!("{MOST_NAMES} names are taken by other files");
    Error::new(ErrorKind::Conflict, WHAT, why)
        .remedy("tell the files apart in the template, as with {id}")
        .at(root.join(path))
}

fn root_names(reader: &Connection) -> Result<HashMap<i64, String>> {
    Ok(rushes_catalog::registered(reader)?.into_iter().map(|root| (root.id, root.name)).collect())
}

fn first_path(
    candidate: &Candidate,
    source: &Source,
    root: Option<&String>,
    template: &Template,
) -> Vec<u8> {
    let name = last_name(&source.path);
    template.path(&naming::Named { candidate, name, root: root.map_or("", String::as_str) })
}

fn last_name(path: &[u8]) -> &[u8] {
    path.rsplit(|byte| *byte == b'/').next().unwrap_or(path)
}

/// A file that is copied.
struct Original<'a> {
    candidate: &'a Candidate,
    is_sidecar: bool,
    /// Its effect in the log.
    key: String,
    file: File,
    stamp: FileStamp,
    /// Its path, for a person.
    shown: String,
}

/// A backup while it runs.
pub(super) struct Copying<'c> {
    context: Context<'c>,
    opened: Vec<Opened>,
    template: Template,
    roots: HashMap<i64, String>,
    total_bytes: u64,
    done_bytes: AtomicU64,
    report: BackupReport,
    /// Failures in a row at each destination; more than `PATIENCE`: it is given up.
    streaks: Vec<u32>,
}

impl<'c> Copying<'c> {
    pub fn new(
        context: Context<'c>,
        opened: Vec<Opened>,
        template: Template,
        total_bytes: u64,
    ) -> Copying<'c> {
        let destinations = opened.iter().map(|it| BackedUp {
            path: shown(it.root.path()),
            volume: it.destination.volume.clone(),
            read_back_directly: true,
            ..BackedUp::default()
        });
        Copying {
            report: BackupReport { destinations: destinations.collect(), ..Default::default() },
            streaks: vec![0; opened.len()],
            context,
            opened,
            template,
            roots: HashMap::new(),
            // Each byte is read once and then read back.
            total_bytes: total_bytes.saturating_mul(2),
            done_bytes: AtomicU64::new(0),
        }
    }

    /// Whether some destination may still take something.
    pub fn is_hopeful(&self) -> bool {
        self.streaks.iter().any(|streak| *streak < PATIENCE)
    }

    /// Copies an asset, what belongs to it, and the other half of a Live Photo.
    ///
    /// # Errors
    /// When it was cancelled, or the catalogue cannot be read or written. What
    /// fails of a file or a destination is in the report.
    pub fn copy(&mut self, candidate: &Candidate) -> Result<()> {
        if self.roots.is_empty() {
            self.roots = self.catalog()?.read(root_names)?;
        }
        self.report.assets += 1;
        self.copy_asset(candidate, true)?;
        for partner in self.catalog()?.read(|reader| partners(reader, candidate))? {
            self.copy_asset(&partner, false)?;
        }
        Ok(())
    }

    /// Writes the hash lists, and tells what was done.
    ///
    /// # Errors
    /// When the catalogue cannot be read or written.
    pub fn finish(mut self) -> Result<BackupReport> {
        for (number, opened) in self.opened.iter().enumerate() {
            match write_list(&self.context, opened) {
                Ok(list) => {
                    if let Some(report) = self.report.destinations.get_mut(number) {
                        report.hash_list = list;
                    }
                }
                Err(error) => {
                    self.context.check_cancelled(WHAT)?;
                    let path = shown(opened.root.path());
                    self.report.fail(Failure { path, asset: None, error });
                }
            }
        }
        Ok(self.report)
    }

    fn catalog(&self) -> Result<&'c Catalog> {
        Ok(self.context.engine.catalog()?)
    }

    fn copy_asset(&mut self, candidate: &Candidate, is_counted: bool) -> Result<()> {
        let catalog = self.catalog()?;
        let mut at = Vec::new();
        for opened in &self.opened {
            at.push(
                catalog.read(|reader| copy_in(reader, opened.destination.id, candidate.asset))?,
            );
        }
        let lacking: Vec<usize> = (0..at.len())
            .filter(|number| at.get(*number).is_some_and(Option::is_none) && self.is_alive(*number))
            .collect();
        for (number, _) in at.iter().enumerate().filter(|(_, at)| at.is_some() && is_counted) {
            self.told(number, |it| it.already += 1);
        }
        let places = catalog.read(|reader| sources(reader, candidate.asset))?;
        if places.is_empty() {
            self.report.offline += u64::from(is_counted && !lacking.is_empty());
            return Ok(());
        }
        let Some((source, original)) = self.open(candidate, &places, !lacking.is_empty())? else {
            return Ok(());
        };
        let name = last_name(&source.path).to_vec();
        if let Some(original) = original {
            let first =
                first_path(candidate, &source, self.roots.get(&source.root_id), &self.template);
            let wanted = lacking.into_iter().map(|number| (number, first.clone())).collect();
            let hashes = self.copy_original(&original, wanted, &mut at)?;
            if let (Some(hashes), None) = (hashes, candidate.blake3) {
                let now = self.context.engine.clock().now();
                let stored = catalog.write(|write| {
                    record_hashes(write, source.place, &original.stamp, &hashes, now)
                });
                // A scan that came between has told it better.
                stored.map(drop).or_else(|error| {
                    if error.kind == ErrorKind::Conflict { Ok(()) } else { Err(error) }
                })?;
            }
        }
        self.copy_sidecars(candidate, &source, &name, &at)
    }

    /// The first place of an asset that can be read and is as the catalogue knows
    /// it, opened if that is asked for.
    fn open<'a>(
        &mut self,
        candidate: &'a Candidate,
        places: &[Source],
        is_wanted: bool,
    ) -> Result<Option<(Source, Option<Original<'a>>)>> {
        let mut failed = None;
        for source in places {
            if !is_wanted {
                return Ok(Some((source.clone(), None)));
            }
            let opened = (|| {
                let root = Root::open(&source.root)?;
                let file = root.open_file(&source.path)?;
                let stamp = FileStamp::of(&file)?;
                if !is_same(&stamp, &source.stamp) {
                    let why = "it has changed since it was scanned";
                    return Err(Error::new(ErrorKind::Conflict, WHAT, why).remedy("scan again"));
                }
                Ok(Original {
                    candidate,
                    is_sidecar: false,
                    key: format!("copy {}", candidate.public_id),
                    file,
                    stamp,
                    shown: shown(&root.join(&source.path)),
                })
            })();
            match opened {
                Ok(original) => return Ok(Some((source.clone(), Some(original)))),
                Err(error) => failed = Some((source, error)),
            }
        }
        if let Some((source, error)) = failed {
            let path = shown(&Path::new(&source.root).join(os(&source.path)));
            self.report.fail(Failure { path, asset: Some(candidate.public_id.clone()), error });
        }
        Ok(None)
    }

    fn copy_sidecars(
        &mut self,
        candidate: &Candidate,
        source: &Source,
        name: &[u8],
        at: &[Option<Vec<u8>>],
    ) -> Result<()> {
        let catalog = self.catalog()?;
        for path in catalog.read(|reader| sidecars_of(reader, source.place))? {
            let opened = Root::open(&source.root).and_then(|root| {
                let file = root.open_file(&path)?;
                Ok((FileStamp::of(&file)?, shown(&root.join(&path)), file))
            });
            let (stamp, shown, file) = match opened {
                Ok(opened) => opened,
                // It went with its last scan; the next one notes it.
                Err(error) if error.kind == ErrorKind::NotFound => continue,
                Err(error) => {
                    let path = shown(&Path::new(&source.root).join(os(&path)));
                    self.report.fail(Failure {
                        path,
                        asset: Some(candidate.public_id.clone()),
                        error,
                    });
                    continue;
                }
            };
            let mut wanted = Vec::new();
            for (number, (copy, opened)) in at.iter().zip(&self.opened).enumerate() {
                let Some(copy) = copy.as_ref().filter(|_| self.is_alive(number)) else { continue };
                let first = beside(copy, name, last_name(&path));
                let is_there = catalog.read(|reader| {
                    for path in names(&first) {
                        match copy_at(reader, opened.destination.id, &path)? {
                            Some(kept)
                                if kept.state == CopyState::Whole
                                    && kept.size_bytes == stamp.size_bytes
                                    && kept.mtime_ns == stamp.mtime_ns =>
                            {
                                return Ok(true);
                            }
                            Some(_) => {}
                            None => return Ok(false),
                        }
                    }
                    Ok(false)
                })?;
                if !is_there {
                    wanted.push((number, first));
                }
            }
            let key = format!("copy {} {}", candidate.public_id, display_name(last_name(&path)));
            let original = Original { candidate, is_sidecar: true, key, file, stamp, shown };
            self.copy_original(&original, wanted, &mut vec![None; at.len()])?;
        }
        Ok(())
    }

    /// Copies one file to the destinations that want it, under these names or the
    /// next that are free, and records what was made. Notes where its copies are;
    /// gives its hashes when all of it was read.
    fn copy_original(
        &mut self,
        original: &Original<'_>,
        mut wanted: Vec<(usize, Vec<u8>)>,
        at: &mut [Option<Vec<u8>>],
    ) -> Result<Option<rushes_store::Hashes>> {
        if wanted.is_empty() {
            return Ok(None);
        }
        let progress = self.context.progress;
        progress.effect(&original.key, EffectState::Begun, Some(&original.shown))?;
        let (mut hashes, mut tries, mut failures) = (None, 0_u32, 0_u32);
        let mut first_names: HashMap<usize, Vec<u8>> = wanted.iter().cloned().collect();
        let mut passed: HashMap<usize, HashSet<Vec<u8>>> = HashMap::new();
        while !wanted.is_empty() && tries < MOST_NAMES {
            tries += 1;
            let mut chosen = Vec::new();
            for (number, _) in &wanted {
                let first = first_names.entry(*number).or_default();
                match self.free_name(*number, first, original, passed.get(number)) {
                    Ok(path) => chosen.push((*number, path)),
                    Err(error) => {
                        failures += 1;
                        self.fail_at(*number, original, error)?;
                    }
                }
            }
            wanted.clear();
            if chosen.is_empty() {
                break;
            }
            let Some(copied) = self.copy_now(original, &chosen)? else {
                failures += 1;
                break;
            };
            hashes = copied.hashes.or(hashes);
            let Some((all, c4)) = copied.hashes.zip(copied.digests.first()) else {
                // Every destination failed before the end.
                for ((number, _), placed) in chosen.into_iter().zip(copied.targets) {
                    failures += 1;
                    if let Err(error) = placed {
                        self.fail_at(number, original, error)?;
                    }
                }
                break;
            };
            let c4 = c4.to_string();
            for ((number, path), placed) in chosen.into_iter().zip(copied.targets) {
                match placed {
                    Ok(placed) => {
                        self.record(number, original, &path, &all, &c4, &placed)?;
                        if let Some(at) = at.get_mut(number) {
                            *at = Some(path);
                        }
                    }
                    // Other content of the same size has the name.
                    Err(error) if error.kind == ErrorKind::Conflict => {
                        passed.entry(number).or_default().insert(path.clone());
                        wanted.push((number, path));
                    }
                    Err(error) => {
                        failures += 1;
                        self.fail_at(number, original, error)?;
                    }
                }
            }
        }
        let state = if failures == 0 { EffectState::Done } else { EffectState::Failed };
        progress.effect(&original.key, state, Some(&original.shown))?;
        Ok(hashes)
    }

    /// The first name for a copy that nothing else has.
    fn free_name(
        &self,
        number: usize,
        first: &[u8],
        original: &Original<'_>,
        passed: Option<&HashSet<Vec<u8>>>,
    ) -> Result<Vec<u8>> {
        let gone = || Error::bug(WHAT, "a destination is not in the list");
        let opened = self.opened.get(number).ok_or_else(gone)?;
        self.catalog()?.read(|reader| {
            for path in names(first) {
                if passed.is_some_and(|passed| passed.contains(&path)) {
                    continue;
                }
                let size = original.stamp.size_bytes;
                match at(reader, &opened.root, Some(opened.destination.id), &path, size)? {
                    There::Nothing | There::SameSize => return Ok(path),
                    There::Other => {}
                }
            }
            Err(no_name(&opened.root, first))
        })
    }

    /// Copies a file and reads the copies back; `None` when it failed as a whole,
    /// which is in the report then.
    fn copy_now(
        &mut self,
        original: &Original<'_>,
        chosen: &[(usize, Vec<u8>)],
    ) -> Result<Option<Copied>> {
        let copied = {
            let targets: Vec<CopyTarget<'_>> = chosen
                .iter()
                .filter_map(|(number, path)| {
                    Some(CopyTarget { root: &self.opened.get(*number)?.root, path })
                })
                .collect();
            let begun = self.done_bytes.load(Ordering::Relaxed);
            let (context, done, total) = (self.context, &self.done_bytes, self.total_bytes);
            let copies = targets.len() as u64;
            let watch = |step| {
                // What is read counts for each destination, as reading back does.
                let bytes = match step {
                    CopyStep::Read(bytes) => bytes * copies,
                    CopyStep::Verified(_, bytes) => bytes,
                    CopyStep::Written(..) => 0,
                };
                let done = done.fetch_add(bytes, Ordering::Relaxed) + bytes;
                context.progress.report(&Report {
                    done,
                    total: Some(total.max(done)),
                    unit: "bytes",
                    note: Some(original.shown.clone()),
                });
                !context.progress.cancelled().load(Ordering::Relaxed)
            };
            let known = original.candidate.blake3.as_ref().filter(|_| !original.is_sidecar);
            let copied = copy_file(&original.file, &targets, &[HashFormat::C4], known, &watch);
            // Also where it ended early, so that the bar comes to its end.
            let whole = original.stamp.size_bytes * copies * 2;
            self.done_bytes.store(begun + whole, Ordering::Relaxed);
            copied
        };
        match copied {
            Ok(Some(copied)) => Ok(Some(copied)),
            Ok(None) => {
                self.context.check_cancelled(WHAT)?;
                Err(Error::bug(WHAT, "copying stopped by itself"))
            }
            Err(error) => {
                self.report.fail(Failure {
                    path: original.shown.clone(),
                    asset: Some(original.candidate.public_id.clone()),
                    error,
                });
                Ok(None)
            }
        }
    }

    fn record(
        &mut self,
        number: usize,
        original: &Original<'_>,
        path: &[u8],
        hashes: &rushes_store::Hashes,
        c4: &str,
        placed: &Placed,
    ) -> Result<()> {
        let Some(opened) = self.opened.get(number) else { return Ok(()) };
        let copy = NewCopy {
            destination: opened.destination.id,
            path,
            asset: original.candidate.asset,
            is_sidecar: original.is_sidecar,
            hashes,
            c4,
            size_bytes: original.stamp.size_bytes,
            mtime_ns: original.stamp.mtime_ns,
        };
        let now = self.context.engine.clock().now();
        self.catalog()?.write(|write| record_copy(write, &copy, now))?;
        self.context.progress.got_further();
        if let Some(streak) = self.streaks.get_mut(number) {
            *streak = 0;
        }
        let (was_there, size_bytes) = (placed.was_there, original.stamp.size_bytes);
        let is_direct = placed.read_back == ReadBack::Direct || size_bytes == 0;
        self.told(number, |it| {
            it.read_back_directly &= is_direct;
            if was_there {
                it.found += 1;
            } else {
                it.copied += 1;
                it.bytes += size_bytes;
            }
        });
        for left_out in &placed.left_out {
            if self.report.not_kept.len() < super::LISTED {
                let copy = display_name(path);
                self.report.not_kept.push(format!("{copy}: {}: {}", left_out.name, left_out.why));
            }
        }
        Ok(())
    }

    /// A file could not be copied to a destination, which is given up when its
    /// disk is gone or too much fails in a row.
    fn fail_at(&mut self, number: usize, original: &Original<'_>, error: Error) -> Result<()> {
        self.context.check_cancelled(WHAT)?;
        self.told(number, |it| it.failed += 1);
        self.report.fail(Failure {
            path: original.shown.clone(),
            asset: Some(original.candidate.public_id.clone()),
            error,
        });
        let Some((opened, streak)) = self.opened.get(number).zip(self.streaks.get_mut(number))
        else {
            return Ok(());
        };
        let why = if is_online(&opened.destination) {
            *streak += 1;
            (*streak == PATIENCE).then(|| format!("{PATIENCE} files in a row failed there"))
        } else {
            *streak = PATIENCE;
            Some("its disk is not there any more".into())
        };
        if let Some(why) = why {
            let error = Error::new(ErrorKind::Unavailable, WHAT, format!("given up: {why}"))
                .remedy("see to the disk, then run it again: what is copied is not copied again");
            let path = shown(opened.root.path());
            self.report.fail(Failure { path, asset: None, error });
        }
        Ok(())
    }

    fn is_alive(&self, number: usize) -> bool {
        self.streaks.get(number).is_some_and(|streak| *streak < PATIENCE)
    }

    fn told(&mut self, number: usize, tell: impl FnOnce(&mut BackedUp)) {
        if let Some(it) = self.report.destinations.get_mut(number) {
            tell(it);
        }
    }
}

fn os(path: &[u8]) -> &std::ffi::OsStr {
    std::os::unix::ffi::OsStrExt::from_bytes(path)
}

fn shown(path: &Path) -> String {
    display_name(path.as_os_str().as_encoded_bytes())
}
