//! Reads the fingerprints of new and changed files, which makes assets of
//! them. A file that changes while it is looked at, or is younger than ten
//! seconds, is looked at once more before the scan ends.

use std::collections::HashMap;
use std::fs::File;
use std::sync::atomic::Ordering;
use std::time::Duration;

use rushes_catalog::{
    Catalog, Identified, PendingPlace, extension_of, identify, pending_places, record_unsettled,
};
use rushes_media::{Error, ErrorKind, MediaKind, Result, UnixNanos, display_name};
use rushes_store::{FileStamp, Hashed, Hashes, Root, Sampled, hash_file, sample_file};

use super::report::{Failure, ScanReport};
use super::tell;
use crate::context::Context;
use crate::pipeline;

/// A file that changed less than this long ago may still be written.
const SETTLED: Duration = Duration::from_secs(10);

struct Look {
    place: PendingPlace,
    found: Found,
}

enum Found {
    Sampled(Sampled, Option<Hashes>),
    /// It changed meanwhile, or is young; its stamp now.
    Unsettled(Option<FileStamp>),
    Failed(Error),
    /// It was told to stop, or the file is not there any more.
    Stopped,
}

/// Files that have still to be looked at once more.
pub(super) struct Unsettled {
    /// When the youngest of them last changed.
    youngest_ns: UnixNanos,
}

/// Looks at every file that the listing found new or changed. What is settled
/// can be probed while the others grow old enough for [`look_again`].
pub(super) fn look(
    context: &Context<'_>,
    roots: &[i64],
    threads: usize,
    report: &mut ScanReport,
) -> Result<Option<Unsettled>> {
    let looker = Looker::new(context, roots, threads)?;
    let mut round = Round::default();
    looker.round(false, &mut round, report)?;
    looker.hash_candidates(round.ask, report)?;
    Ok(round.youngest_ns.map(|youngest_ns| Unsettled { youngest_ns }))
}

/// Waits for what was not settled, and looks at it a last time.
pub(super) fn look_again(
    context: &Context<'_>,
    unsettled: &Unsettled,
    roots: &[i64],
    threads: usize,
    report: &mut ScanReport,
) -> Result<()> {
    wait_until_settled(context, unsettled.youngest_ns);
    let looker = Looker::new(context, roots, threads)?;
    let mut last = Round { is_last: true, ..Round::default() };
    looker.round(true, &mut last, report)?;
    looker.hash_candidates(last.ask, report)
}

/// Waits until the youngest file is old enough, at most the time it takes
/// for any file.
fn wait_until_settled(context: &Context<'_>, youngest_ns: UnixNanos) {
    let clock = context.engine.clock();
    let settled_ns = SETTLED.as_nanos() as i64;
    let until = youngest_ns.min(clock.now()).saturating_add(settled_ns);
    if clock.now() < until {
        tell(context, 0, None, "waiting for files that may still be written");
    }
    while clock.now() < until && !context.progress.cancelled().load(Ordering::Relaxed) {
        clock.sleep(Duration::from_millis(20));
    }
}

#[derive(Default)]
struct Round {
    is_last: bool,
    youngest_ns: Option<UnixNanos>,
    ask: Vec<PendingPlace>,
}

struct Looker<'a> {
    context: &'a Context<'a>,
    catalog: &'a Catalog,
    ids: &'a [i64],
    roots: HashMap<i64, Root>,
    threads: usize,
}

impl<'a> Looker<'a> {
    fn new(context: &'a Context<'a>, ids: &'a [i64], threads: usize) -> Result<Looker<'a>> {
        let catalog = context.engine.catalog()?;
        let roots = catalog
            .roots()?
            .into_iter()
            .filter(|root| ids.contains(&root.id))
            .map(|root| Ok((root.id, Root::open(&root.path)?)))
            .collect::<Result<_>>()?;
        Ok(Looker { context, catalog, ids, roots, threads })
    }

    fn round(
        &self,
        only_unsettled: bool,
        round: &mut Round,
        report: &mut ScanReport,
    ) -> Result<()> {
        let mut after = 0;
        let mut done = 0;
        pipeline::run(
            self.threads,
            self.context.progress.cancelled(),
            || {
                let page = self.catalog.read(|reader| {
                    pending_places(reader, self.ids, only_unsettled, after, 1_000)
                })?;
                after = page.last().map_or(after, |place| place.id);
                Ok(page)
            },
            |place| self.look_at(place),
            |looks| {
                done += looks.len() as u64;
                tell(self.context, done, None, "reading fingerprints");
                self.store(looks, round, report)
            },
        )
    }

    fn look_at(&self, place: PendingPlace) -> Look {
        let found = self.sample(&place).unwrap_or_else(Found::Failed);
        Look { place, found }
    }

    fn sample(&self, place: &PendingPlace) -> Result<Found> {
        thread_local! {
            static BUFFER: std::cell::RefCell<Vec<u8>> = const { std::cell::RefCell::new(Vec::new()) };
        }
        let Some(root) = self.roots.get(&place.root_id) else { return Ok(Found::Stopped) };
        let Some(file) = open_unless_vanished(root, place)? else { return Ok(Found::Stopped) };
        let stamp = FileStamp::of(&file)?;
        if !is_same(&stamp, &place.stamp) {
            return Ok(Found::Unsettled(Some(stamp)));
        }
        let age_ns = self.context.engine.clock().now().saturating_sub(stamp.mtime_ns);
        if (0..SETTLED.as_nanos() as i64).contains(&age_ns) {
            return Ok(Found::Unsettled(None));
        }
        let sampled = BUFFER.with_borrow_mut(|buffer| sample_file(&file, &stamp, buffer))?;
        Ok(sampled.map_or(Found::Unsettled(None), |sampled| Found::Sampled(sampled, None)))
    }

    fn store(&self, looks: Vec<Look>, round: &mut Round, report: &mut ScanReport) -> Result<()> {
        let now = self.context.engine.clock().now();
        // Counted after the transaction, so that nothing is told that was not stored.
        let mut outcomes = Vec::new();
        self.catalog.write(|write| {
            for look in looks {
                let place = look.place;
                match look.found {
                    Found::Stopped => {}
                    Found::Failed(error) => outcomes.push((place, Err(error))),
                    Found::Unsettled(stamp) => {
                        record_unsettled(write, place.id, stamp.as_ref())?;
                        let mtime_ns = stamp.unwrap_or(place.stamp).mtime_ns;
                        outcomes.push((place, Ok(Stored::Unsettled(mtime_ns))));
                    }
                    Found::Sampled(sampled, hashes) => {
                        let guess = kind_by_name(&place.path);
                        let known =
                            identify(write, place.id, &sampled, hashes.as_ref(), guess, now)?;
                        outcomes.push((place, Ok(Stored::Identified(known))));
                    }
                }
            }
            Ok(())
        })?;
        let is_new = |outcome: &Result<Stored>| {
            matches!(outcome, Ok(Stored::Identified(Identified::New | Identified::Copied)))
        };
        if outcomes.iter().any(|(_, outcome)| is_new(outcome)) {
            self.context.progress.got_further();
        }
        for (place, outcome) in outcomes {
            match outcome {
                Err(error) => {
                    report.fail(Failure { path: self.shown(&place), asset: place.asset, error });
                }
                Ok(Stored::Unsettled(_)) if round.is_last => {
                    report.leave_unsettled(self.shown(&place))
                }
                Ok(Stored::Unsettled(mtime_ns)) => {
                    round.youngest_ns =
                        Some(round.youngest_ns.map_or(mtime_ns, |y| y.max(mtime_ns)));
                }
                Ok(Stored::Identified(Identified::Copied)) => report.copied += 1,
                Ok(Stored::Identified(Identified::Moved)) => {
                    report.moved += 1;
                    // This scan's listing took it for new.
                    if place.first_seen_ns >= report.begun_ns {
                        report.added = report.added.saturating_sub(1);
                    }
                }
                Ok(Stored::Identified(Identified::AskForHash)) => round.ask.push(place),
                Ok(Stored::Identified(_)) => {}
            }
        }
        Ok(())
    }

    fn shown(&self, place: &PendingPlace) -> String {
        use std::os::unix::ffi::OsStrExt;
        match self.roots.get(&place.root_id) {
            Some(root) => display_name(root.join(&place.path).as_os_str().as_bytes()),
            None => display_name(&place.path),
        }
    }

    /// Files that agree in size and samples with an asset that is nowhere
    /// now: only their full hash decides whether they are it.
    fn hash_candidates(&self, ask: Vec<PendingPlace>, report: &mut ScanReport) -> Result<()> {
        let total = ask.len() as u64;
        let mut pages =
            ask.chunks(100).map(<[PendingPlace]>::to_vec).collect::<Vec<_>>().into_iter();
        let mut done = 0;
        let mut round = Round { is_last: true, ..Round::default() };
        pipeline::run(
            self.threads,
            self.context.progress.cancelled(),
            || Ok(pages.next().unwrap_or_default()),
            |place| {
                let found = self.hash(&place).unwrap_or_else(Found::Failed);
                Look { place, found }
            },
            |looks| {
                done += looks.len() as u64;
                tell(self.context, done, Some(total), "hashing files that may have moved");
                self.store(looks, &mut round, report)
            },
        )
    }

    fn hash(&self, place: &PendingPlace) -> Result<Found> {
        let Some(root) = self.roots.get(&place.root_id) else { return Ok(Found::Stopped) };
        let Some(file) = open_unless_vanished(root, place)? else { return Ok(Found::Stopped) };
        let stamp = FileStamp::of(&file)?;
        if !is_same(&stamp, &place.stamp) {
            return Ok(Found::Unsettled(Some(stamp)));
        }
        let Some(sampled) = sample_file(&file, &stamp, &mut Vec::new())? else {
            return Ok(Found::Unsettled(None));
        };
        let cancelled = self.context.progress.cancelled();
        Ok(match hash_file(&file, &stamp, &mut |_| !cancelled.load(Ordering::Relaxed))? {
            Hashed::Whole(hashes) => Found::Sampled(sampled, Some(hashes)),
            Hashed::Changed => Found::Unsettled(None),
            Hashed::Stopped => Found::Stopped,
        })
    }
}

/// The file; none when it went away since it was listed, which the next scan
/// sees too.
fn open_unless_vanished(root: &Root, place: &PendingPlace) -> Result<Option<File>> {
    match root.open_file(&place.path) {
        Err(error) if error.kind == ErrorKind::NotFound => Ok(None),
        opened => opened.map(Some),
    }
}

enum Stored {
    Unsettled(UnixNanos),
    Identified(Identified),
}

/// Whether two stamps are of the same content; the device is not compared.
pub(crate) fn is_same(one: &FileStamp, other: &FileStamp) -> bool {
    FileStamp { device: 0, ..*one } == FileStamp { device: 0, ..*other }
}

/// What the extension promises, before the content is looked at.
pub(crate) fn kind_by_name(path: &[u8]) -> Option<MediaKind> {
    let name = path.rsplit(|&byte| byte == b'/').next().unwrap_or(path);
    let extension = extension_of(name);
    let mut formats = rushes_codec::FORMATS.iter();
    formats.find(|format| format.extensions.contains(&&*extension)).map(|format| format.kind)
}
