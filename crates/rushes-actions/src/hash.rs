//! `hash`: reads every byte of what has no full hash yet.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use clap::Args;
use rushes_catalog::{
    AssetTask, Hashing, Work, is_left, next_assets, record_hashes, sources, work_left,
};
use rushes_media::{ErrorKind, Result, display_name};
use rushes_store::{FileStamp, Hashed, Hashes, Root, Turn, hash_file};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::action::{Action, Plan, Route};
use crate::context::{Context, Report};
use crate::pipeline;
use crate::previews::Previews;
use crate::queue::EffectState;
use crate::scan::{Failure, ScanReport, is_same, probe_all, queue_behind};

/// How often one that waits for its turn looks whether it has come.
const LOOK: Duration = Duration::from_millis(50);

/// The parameters of hashing.
#[derive(Args, Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Hash {
    /// Files hashed at once, 1 to 64; one when not given, which suits disks.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=64))]
    #[schemars(range(min = 1, max = 64))]
    pub workers: Option<u32>,
    /// Most megabytes a second to read, so that others can use the disk too.
    /// One hash job or full scan hashes at a time, or they would read the same
    /// files: a job that waits takes the rate of who asks last, one that runs
    /// keeps its own.
    #[arg(long, value_name = "MB", value_parser = clap::value_parser!(u32).range(1..))]
    #[schemars(range(min = 1))]
    pub rate_mb_per_sec: Option<u32>,
}

/// What hashing did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HashReport {
    /// Assets whose hash is known now.
    pub hashed: u64,
    /// Assets that were the same as another and are one with it now.
    pub merged: u64,
    /// Bytes that were read.
    pub bytes: u64,
    /// Files that changed while they were read; the next scan looks again.
    pub changed: u64,
    /// Files that could not be read.
    pub failed: Vec<Failure>,
}

impl HashReport {
    pub(crate) fn line(&self) -> String {
        format!(
            "{} hashed ({} bytes), {} merged, {} changed meanwhile, {} failed",
            self.hashed,
            self.bytes,
            self.merged,
            self.changed,
            self.failed.len()
        )
    }
}

enum Found {
    Hashes { place: i64, stamp: FileStamp, hashes: Hashes },
    Changed,
    NotHere,
    Stopped,
    Failed(Failure),
}

impl Action for Hash {
    const NAME: &'static [&'static str] = &["hash"];
    const SUMMARY: &'static str = "Read every byte of what has no full hash yet";
    const ROUTE: Route = Route { method: "POST", path: "/hash" };
    const CHANGES: bool = true;
    const AS_JOB: bool = true;
    type Output = HashReport;

    fn plan(&self, context: &Context<'_>) -> Result<Plan> {
        let (assets, bytes) =
            context.engine.catalog()?.read(|reader| work_left(reader, Work::Hash))?;
        let mut plan = Plan::reads(format!("hash {assets} assets, {bytes} bytes"));
        if assets > 0 {
            plan.push(
                Hash::EFFECT,
                format!("read {bytes} bytes and record the hashes of {assets} assets"),
            );
        }
        Ok(plan)
    }

    fn apply(&self, context: &Context<'_>) -> Result<HashReport> {
        context.progress.effect(Hash::EFFECT, EffectState::Begun, None)?;
        let catalog = context.engine.catalog()?;
        let turn = wait_for_turn(context)?;
        let (_, total) = catalog.read(|reader| work_left(reader, Work::Hash))?;
        let pace = Pace::new(self.rate_mb_per_sec.or(context.engine.hash_rate_mb_per_sec()));
        let mut report = HashReport::default();
        // A place that turned out to hold other content than its asset's other
        // places leaves those to be read too.
        while self.pass(context, &pace, total, &mut report)? {
            report.changed = 0;
            report.failed.clear();
        }
        drop(turn);
        context.check_cancelled("hashing")?;
        self.probe_told(context, &mut report)?;
        context.progress.effect(Hash::EFFECT, EffectState::Done, Some(&report.line()))?;
        Ok(report)
    }

    fn text(output: &HashReport) -> String {
        let mut text = output.line() + "\n";
        for failure in &output.failed {
            text += &format!("  failed {}\n", failure.line());
        }
        text
    }

    fn failures(output: &HashReport) -> u64 {
        output.failed.len() as u64
    }

    fn title(&self) -> String {
        "Hash every byte".into()
    }

    fn job_key(&self) -> Option<String> {
        Some("hash".into())
    }
}

impl Hash {
    /// Names its effect.
    pub(crate) const EFFECT: &'static str = "hash";

    /// Probes the assets that hashing told from others, and leaves their
    /// previews to the background: no scan may come for a long time.
    fn probe_told(&self, context: &Context<'_>, report: &mut HashReport) -> Result<()> {
        let threads = self.workers.unwrap_or(1) as usize;
        let mut probed = ScanReport::default();
        probe_all(context, Work::ProbeTold, threads, &mut probed)?;
        context.check_cancelled("probing what hashing told apart")?;
        report.failed.append(&mut probed.failed);
        report.changed += probed.unsettled.len() as u64 + probed.more_unsettled;
        if probed.probed > 0 {
            queue_behind(context, &Previews::default(), false)?;
        }
        Ok(())
    }

    /// Hashes each asset through one of its places; whether some asset may
    /// have places left that are still to be read.
    fn pass(
        &self,
        context: &Context<'_>,
        pace: &Pace,
        total: u64,
        report: &mut HashReport,
    ) -> Result<bool> {
        let catalog = context.engine.catalog()?;
        let (mut after, mut is_split) = (0, false);
        pipeline::run(
            self.workers.unwrap_or(1) as usize,
            context.progress.cancelled(),
            || {
                let page = catalog.read(|reader| next_assets(reader, Work::Hash, after, 500))?;
                after = page.last().map_or(after, |task| task.asset);
                Ok(page)
            },
            |task| hash_one(context, &task, pace, total),
            |results| {
                let now = context.engine.clock().now();
                for found in results {
                    match found {
                        Found::Hashes { place, stamp, hashes } => {
                            let stored = catalog
                                .write(|write| record_hashes(write, place, &stamp, &hashes, now));
                            report.bytes += stamp.size_bytes;
                            is_split |= matches!(stored, Ok(Hashing::Merged | Hashing::Split));
                            if stored.is_ok() {
                                context.progress.got_further();
                            }
                            match stored {
                                Ok(Hashing::Merged) => report.merged += 1,
                                Ok(Hashing::Stored | Hashing::Split) => report.hashed += 1,
                                Err(error) if error.kind == ErrorKind::Conflict => {
                                    report.changed += 1
                                }
                                Err(error) => return Err(error),
                            }
                        }
                        Found::Changed => report.changed += 1,
                        Found::Failed(failure) if report.failed.len() < 1_000 => {
                            report.failed.push(failure)
                        }
                        Found::Failed(_) | Found::NotHere | Found::Stopped => {}
                    }
                }
                Ok(())
            },
        )?;
        Ok(is_split && !context.progress.cancelled().load(Ordering::Relaxed))
    }
}

/// A hash job and full scans would read the same files: one of them hashes at a
/// time, in whatever process, and the next one what is left.
fn wait_for_turn(context: &Context<'_>) -> Result<Turn> {
    let turn = context.engine.home().hashing()?;
    while !turn.take()? {
        context.check_cancelled("hashing")?;
        context.progress.report(&Report {
            unit: "bytes",
            note: Some("waiting for what hashes already".into()),
            ..Report::default()
        });
        context.engine.clock().sleep(LOOK);
    }
    Ok(turn)
}

fn hash_one(context: &Context<'_>, task: &AssetTask, pace: &Pace, total: u64) -> Found {
    use std::os::unix::ffi::OsStrExt;
    let places = match context.engine.catalog().and_then(|catalog| {
        // A full scan may have hashed it since it was listed.
        catalog.read(|reader| {
            let is_left = is_left(reader, Work::Hash, &task.key())?;
            if is_left { sources(reader, task.asset) } else { Ok(Vec::new()) }
        })
    }) {
        Ok(places) => places,
        Err(error) => {
            let asset = Some(task.public_id.clone());
            return Found::Failed(Failure { path: String::new(), asset, error });
        }
    };
    let cancelled = context.progress.cancelled();
    let mut failed = None;
    let mut changed = false;
    for source in places {
        let hashed = (|| -> Result<Found> {
            let root = Root::open(&source.root)?;
            let file = root.open_file(&source.path)?;
            let stamp = FileStamp::of(&file)?;
            if !is_same(&stamp, &source.stamp) {
                return Ok(Found::Changed);
            }
            let hashed = hash_file(&file, &stamp, &mut |bytes| {
                let done = pace.spend(bytes, cancelled);
                context.progress.report(&Report {
                    done,
                    total: Some(total.max(done)),
                    unit: "bytes",
                    note: Some("hashing".into()),
                });
                !cancelled.load(Ordering::Relaxed)
            })?;
            Ok(match hashed {
                Hashed::Whole(hashes) => Found::Hashes { place: source.place, stamp, hashes },
                Hashed::Changed => Found::Changed,
                Hashed::Stopped => Found::Stopped,
            })
        })();
        match hashed {
            Ok(Found::Changed) => changed = true,
            Ok(found) => return found,
            Err(error) => {
                let path = source.root.join(std::ffi::OsStr::from_bytes(&source.path));
                let path = display_name(path.as_os_str().as_bytes());
                failed = Some(Failure { path, asset: Some(task.public_id.clone()), error });
            }
        }
    }
    match failed {
        Some(failure) => Found::Failed(failure),
        None if changed => Found::Changed,
        None => Found::NotHere,
    }
}

/// Keeps reading to a rate, over all threads.
struct Pace {
    bytes_per_sec: Option<f64>,
    started: Instant,
    spent: AtomicU64,
    turn: Mutex<()>,
}

impl Pace {
    fn new(rate_mb_per_sec: Option<u32>) -> Pace {
        Pace {
            bytes_per_sec: rate_mb_per_sec.map(|rate| f64::from(rate) * 1e6),
            started: Instant::now(),
            spent: AtomicU64::new(0),
            turn: Mutex::new(()),
        }
    }

    /// Notes these bytes, and waits when they came too fast; all bytes so far.
    fn spend(&self, bytes: u64, cancelled: &AtomicBool) -> u64 {
        let spent = self.spent.fetch_add(bytes, Ordering::Relaxed) + bytes;
        if let Some(rate) = self.bytes_per_sec {
            // One waits at a time; the others queue behind it.
            let _turn = self.turn.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            let due = Duration::from_secs_f64(spent as f64 / rate);
            while self.started.elapsed() < due && !cancelled.load(Ordering::Relaxed) {
                let left = due.saturating_sub(self.started.elapsed());
                std::thread::sleep(left.min(Duration::from_millis(20)));
            }
        }
        spent
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pace_is_kept() {
        let pace = Pace::new(Some(10));
        let idle = AtomicBool::new(false);
        for _ in 0..10 {
            pace.spend(100_000, &idle);
        }
        // A megabyte at ten a second takes a tenth of one.
        assert!(pace.started.elapsed() >= Duration::from_millis(95));
        idle.store(true, Ordering::Relaxed);
        assert_eq!(pace.spend(1 << 40, &idle), (1 << 40) + 1_000_000);
    }
}
