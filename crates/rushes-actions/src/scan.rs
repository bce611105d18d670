//! `scan`: finds media under the roots, looks at what is new or changed,
//! probes it and records it.
//!
//! In order: folders are listed and compared with the catalogue; names that
//! moved are matched; what a complete listing missed is marked gone; new and
//! changed files are fingerprinted and so become assets; files that were
//! still changing are looked at once more; assets are probed in workers.
//! Each step leaves the catalogue in a state from which a new scan goes on.

mod listing;
mod looking;
mod moves;
mod probing;
mod report;
mod target;

use std::sync::atomic::Ordering;
use std::time::Instant;

use clap::Args;
use rushes_catalog::{Work, work_left};
use rushes_media::{Error, Result, give_path, path_given};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use target::Target;

pub use report::{Failure, Phases, RootReport, ScanReport};

pub(crate) use looking::is_same;
pub(crate) use probing::probe_all;

use crate::action::{Action, Plan, Route, Verb, path_parser};
use crate::context::{Context, Report};
use crate::hash::Hash;
use crate::previews::{self, Previews};
use crate::queue::{EffectState, NewJob};

/// The parameters of a scan.
#[derive(Args, Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Scan {
    /// Folders to scan, by path or by a root's name; a new folder is
    /// registered, one inside a root is scanned as part of it, and only once
    /// where that root is scanned too. All registered
    /// roots when none is given. A path that is no UTF-8 is given as a file: URL.
    #[arg(value_name = "ROOT", value_parser = path_parser())]
    pub roots: Vec<String>,
    /// Look at what lies in the folders themselves, not at what is further down.
    #[arg(long)]
    pub shallow: bool,
    /// Threads that read and probe at once, 1 to 64; as many as there are
    /// processors when not given.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=64))]
    #[schemars(range(min = 1, max = 64))]
    pub workers: Option<u32>,
    /// Hash every byte now instead of in the background, after a hash job that
    /// runs already.
    #[arg(long)]
    pub full: bool,
    /// Most megabytes a second that hashing reads, now or in the background, so
    /// that others can use the disk too.
    #[arg(long, value_name = "MB", value_parser = clap::value_parser!(u32).range(1..))]
    #[schemars(range(min = 1))]
    pub hash_rate_mb_per_sec: Option<u32>,
    /// Probe again what could not be read before, though it has not changed.
    #[arg(long)]
    pub retry_failed: bool,
}

impl Scan {
    fn threads(&self) -> usize {
        let processors = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
        self.workers.map_or(processors, |workers| workers.clamp(1, 64) as usize)
    }

    /// The hashing that it does or leaves to the background.
    fn hash(&self) -> Hash {
        Hash { rate_mb_per_sec: self.hash_rate_mb_per_sec, ..Hash::default() }
    }
}

impl Action for Scan {
    const NAME: &'static [&'static str] = &["scan"];
    const SUMMARY: &'static str = "Find media under the roots, probe and record it";
    const ROUTE: Route = Route { method: "POST", path: "/scan" };
    const CHANGES: bool = true;
    const AS_JOB: bool = true;
    type Output = ScanReport;

    fn plan(&self, context: &Context<'_>) -> Result<Plan> {
        let targets = target::resolve(self, context, false)?;
        let mut plan = Plan::reads(format!("scan {}", target::count(targets.len(), "folder")));
        for target in targets {
            let path = target.shown();
            if target.is_new() {
                plan.push(target.register_key(), format!("register {path} as a root"));
            }
            plan.push(target.scan_key(), format!("record what is found under {path}"));
        }
        if self.retry_failed {
            plan.push("retry", "probe again what could not be read before");
        }
        if self.full {
            plan.push(Hash::EFFECT, "hash every byte of what has no hash yet");
        }
        Ok(plan)
    }

    fn rehearse(&self, context: &Context<'_>) -> Result<Plan> {
        listing::rehearse(self, context)
    }

    fn apply(&self, context: &Context<'_>) -> Result<ScanReport> {
        let begun_ns = context.engine.clock().now();
        let mut report = ScanReport { begun_ns, ..ScanReport::default() };
        let targets = register(self, context)?;
        for target in &targets {
            context.progress.effect(&target.scan_key(), EffectState::Begun, None)?;
        }
        let started = Instant::now();
        let scanned = listing::list_all(context, &targets, &mut report)?;
        moves::settle_missed(context, &scanned, &mut report)?;
        report.phases.list_secs = started.elapsed().as_secs_f64();

        let roots: Vec<i64> = targets
            .iter()
            .filter(|target| report.is_online(target))
            .filter_map(|target| target.root.as_ref().map(|root| root.id))
            .collect();
        let threads = self.threads();
        let started = Instant::now();
        let unsettled = looking::look(context, &roots, threads, &mut report)?;
        report.phases.fingerprint_secs = started.elapsed().as_secs_f64();

        if self.retry_failed {
            context.engine.catalog()?.write(rushes_catalog::forget_failures)?;
        }
        let started = Instant::now();
        probe_all(context, Work::Probe, threads, &mut report)?;
        report.phases.probe_secs = started.elapsed().as_secs_f64();

        if let Some(unsettled) = unsettled {
            let started = Instant::now();
            looking::look_again(context, &unsettled, &roots, threads, &mut report)?;
            report.phases.fingerprint_secs += started.elapsed().as_secs_f64();
            let started = Instant::now();
            probe_all(context, Work::Probe, threads, &mut report)?;
            report.phases.probe_secs += started.elapsed().as_secs_f64();
        }

        if self.full {
            let hash = Hash { workers: self.workers, ..self.hash() };
            report.hashed = Some(hash.apply(context)?);
        }
        queue_the_rest(self, context, &mut report)?;
        context.check_cancelled("scanning")?;
        for root in scanned.iter().filter(|root| root.is_complete && root.is_whole) {
            context.engine.catalog()?.set_root_scanned(root.root_id, root.listed_at)?;
        }
        for target in &targets {
            let outcome =
                if report.is_online(target) { EffectState::Done } else { EffectState::Failed };
            context.progress.effect(&target.scan_key(), outcome, None)?;
        }
        Ok(report)
    }

    fn text(output: &ScanReport) -> String {
        output.text()
    }

    fn failures(output: &ScanReport) -> u64 {
        output.failures()
    }

    fn made_absolute(mut self) -> Scan {
        for root in &mut self.roots {
            // What is no path here may be a root's name; both keep their words.
            if let Ok(path) = path_given(root).map(std::fs::canonicalize)
                && let Ok(Ok(path)) = path.map(|path| give_path(path.as_os_str()))
            {
                *root = path;
            }
        }
        self
    }

    fn title(&self) -> String {
        match &self.roots[..] {
            [] => "Scan all roots".into(),
            roots => format!("Scan {}", roots.join(", ")),
        }
    }

    fn job_key(&self) -> Option<String> {
        let mut roots = self.roots.clone();
        roots.sort();
        let full = match (self.full, self.shallow) {
            (true, true) => "full shallow ",
            (true, false) => "full ",
            (false, true) => "shallow ",
            (false, false) => "",
        };
        let again = if self.retry_failed { "again " } else { "" };
        Some(format!("scan {full}{again}{roots:?}"))
    }
}

/// The folders to scan, the new ones registered.
fn register(scan: &Scan, context: &Context<'_>) -> Result<Vec<Target>> {
    let planned = target::resolve(scan, context, false)?;
    let new: Vec<&Target> = planned.iter().filter(|target| target.is_new()).collect();
    for target in &new {
        context.progress.effect(&target.register_key(), EffectState::Begun, None)?;
    }
    let targets = target::resolve(scan, context, true)?;
    for target in &new {
        context.progress.effect(&target.register_key(), EffectState::Done, None)?;
    }
    Ok(targets)
}

/// Previews and hashes follow in the background.
fn queue_the_rest(scan: &Scan, context: &Context<'_>, report: &mut ScanReport) -> Result<()> {
    if context.progress.cancelled().load(Ordering::Relaxed) {
        return Ok(());
    }
    previews::forget_lost_at_first_sight(context)?;
    let (pictures, hashes) = context.engine.catalog()?.read(|reader| {
        Ok((work_left(reader, Work::Preview)?.0, work_left(reader, Work::Hash)?.0))
    })?;
    report.previews_queued = pictures;
    report.hashes_queued = hashes;
    if pictures > 0 {
        queue_behind(context, &Previews::default(), false)?;
    }
    if hashes > 0 {
        // Who says a rate wants it for the job that waits already, too.
        queue_behind(context, &scan.hash(), scan.hash_rate_mb_per_sec.is_some())?;
    }
    Ok(())
}

/// Queues what is left for the background.
pub(crate) fn queue_behind<A: Action>(
    context: &Context<'_>,
    action: &A,
    asked_now: bool,
) -> Result<()> {
    let params =
        serde_json::to_value(action).map_err(|e| Error::bug("queuing what is left to do", e))?;
    let job = NewJob::of(&Verb::of::<A>(), &params, context.authority, asked_now)?;
    context.engine.queue()?.enqueue(&job).map(drop)
}

/// Tells how far a step is.
pub(crate) fn tell(context: &Context<'_>, done: u64, total: Option<u64>, note: impl Into<String>) {
    context.progress.report(&Report { done, total, unit: "files", note: Some(note.into()) });
}
