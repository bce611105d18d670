//! `previews`: makes the pictures that stand for assets.

use std::sync::atomic::Ordering;

use clap::Args;
use rushes_catalog::{
    AssetKey, AssetTask, PreviewCopy, StoredPreview, Transaction, Work, next_assets, note_change,
    record_preview, record_preview_failure, record_preview_lost, sources, stored_previews,
    work_left,
};
use rushes_media::{Error, ErrorKind, Probe, Result, display_name};
use rushes_store::{FileStamp, PreviewHash, Root};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::action::{Action, Plan, Route};
use crate::context::{Context, Report};
use crate::pipeline;
use crate::queue::EffectState;
use crate::scan::{Failure, is_same};
use crate::tasks::{self, Pictures};

/// The parameters of making previews.
#[derive(Args, Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Previews {
    /// Assets pictured at once, 1 to 64; as many as there are processors when
    /// not given.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=64))]
    #[schemars(range(min = 1, max = 64))]
    pub workers: Option<u32>,
}

/// What making previews did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PreviewReport {
    /// Assets that have previews now.
    pub made: u64,
    /// Assets of which none can be made.
    pub failed: Vec<Failure>,
}

enum Found {
    Made(StoredPreview),
    Failed(Failure),
    NotHere,
    NoWorker(Error),
}

impl Action for Previews {
    const NAME: &'static [&'static str] = &["previews"];
    const SUMMARY: &'static str = "Make posters, strips and waveforms that are missing";
    const ROUTE: Route = Route { method: "POST", path: "/previews" };
    const CHANGES: bool = true;
    const AS_JOB: bool = true;
    type Output = PreviewReport;

    fn plan(&self, context: &Context<'_>) -> Result<Plan> {
        let (missing, _) =
            context.engine.catalog()?.read(|reader| work_left(reader, Work::Preview))?;
        let mut lost = 0;
        each_lost(context, &mut |assets| {
            lost += assets.len() as u64;
            Ok(())
        })?;
        let assets = missing + lost;
        let mut plan = Plan::reads(format!("make previews of {assets} assets"));
        if assets > 0 {
            plan.push(
                "previews",
                format!("write previews of {assets} assets into the home folder"),
            );
        }
        Ok(plan)
    }

    fn apply(&self, context: &Context<'_>) -> Result<PreviewReport> {
        context.progress.effect("previews", EffectState::Begun, None)?;
        let catalog = context.engine.catalog()?;
        forget_lost(context)?;
        let (total, _) = catalog.read(|reader| work_left(reader, Work::Preview))?;
        let processors = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
        let threads = self.workers.map_or(processors, |workers| workers as usize);
        let mut report = PreviewReport::default();
        let (mut after, mut done) = (0, 0);
        pipeline::run(
            threads,
            context.progress.cancelled(),
            || {
                let page = catalog.read(|reader| next_assets(reader, Work::Preview, after, 200))?;
                after = page.last().map_or(after, |task| task.asset);
                Ok(page)
            },
            |task| (task.key(), picture_one(context, &task).unwrap_or_else(Found::NoWorker)),
            |mut results| {
                done += results.len() as u64;
                catalog.write(|write| {
                    for (asset, found) in &mut results {
                        record(write, asset, found)?;
                    }
                    note_change(write)
                })?;
                if results.iter().any(|(_, found)| matches!(found, Found::Made(_))) {
                    context.progress.got_further();
                }
                context.progress.report(&Report {
                    done,
                    total: Some(total.max(done)),
                    unit: "files",
                    note: Some("making previews".into()),
                });
                for (_, found) in results {
                    match found {
                        Found::Made(_) => report.made += 1,
                        Found::Failed(failure) if report.failed.len() < 1_000 => {
                            report.failed.push(failure)
                        }
                        Found::NoWorker(error) => return Err(error),
                        Found::Failed(_) | Found::NotHere => {}
                    }
                }
                Ok(())
            },
        )?;
        context.check_cancelled("making previews")?;
        context.progress.effect("previews", EffectState::Done, None)?;
        Ok(report)
    }

    fn text(output: &PreviewReport) -> String {
        let mut text =
            format!("previews of {} assets made, {} failed\n", output.made, output.failed.len());
        for failure in &output.failed {
            text += &format!("  failed {}: {}\n", failure.path, failure.error);
        }
        text
    }

    fn failures(output: &PreviewReport) -> u64 {
        output.failed.len() as u64
    }

    fn title(&self) -> String {
        "Make previews".into()
    }

    fn job_key(&self) -> Option<String> {
        Some("previews".into())
    }
}

/// Assets that are looked at together, and at first sight.
const PAGE: u32 = 500;

/// Assets among these of which a preview's file is not there any more.
fn lost_of(context: &Context<'_>, page: &[PreviewCopy]) -> Vec<i64> {
    let store = context.engine.home().previews();
    let is_lost =
        |hash: &String| PreviewHash::from_hex(hash).is_none_or(|hash| !store.is_there(&hash));
    page.iter().filter(|copy| copy.hashes.iter().any(is_lost)).map(|copy| copy.asset).collect()
}

/// Hands on the assets whose previews were lost, some at a time.
fn each_lost(context: &Context<'_>, give: &mut dyn FnMut(&[i64]) -> Result<()>) -> Result<()> {
    let catalog = context.engine.catalog()?;
    let mut after = 0;
    loop {
        context.check_cancelled("looking for lost previews")?;
        let page = catalog.read(|reader| stored_previews(reader, after, PAGE))?;
        let Some(last) = page.last() else { return Ok(()) };
        after = last.asset;
        let lost = lost_of(context, &page);
        if !lost.is_empty() {
            give(&lost)?;
        }
    }
}

/// Lets lost previews count as not made.
fn forget_lost(context: &Context<'_>) -> Result<()> {
    let catalog = context.engine.catalog()?;
    each_lost(context, &mut |assets| {
        catalog.write(|write| {
            assets.iter().try_for_each(|asset| record_preview_lost(write, *asset))?;
            note_change(write)
        })
    })
}

/// The same for who comes by often: when the first previews are all there, so
/// are the others, as far as one can see without looking at each.
pub(crate) fn forget_lost_at_first_sight(context: &Context<'_>) -> Result<()> {
    let first = context.engine.catalog()?.read(|reader| stored_previews(reader, 0, PAGE))?;
    if lost_of(context, &first).is_empty() { Ok(()) } else { forget_lost(context) }
}

/// Stores what came of one asset; nothing of one that is gone by now, because
/// hashing found it to be the same as another.
fn record(write: &Transaction<'_>, asset: &AssetKey, found: &mut Found) -> Result<()> {
    if matches!(found, Found::NotHere | Found::NoWorker(_)) {
        return Ok(());
    }
    if !asset.is_there(write)? {
        *found = Found::NotHere;
        return Ok(());
    }
    match found {
        Found::Made(stored) => record_preview(write, asset.number, stored),
        Found::Failed(Failure { error, .. }) => record_preview_failure(write, asset.number, error),
        Found::NotHere | Found::NoWorker(_) => Ok(()),
    }
}

fn picture_one(context: &Context<'_>, task: &AssetTask) -> Result<Found> {
    use std::os::unix::ffi::OsStrExt;
    let Some(probe) =
        task.probe.as_deref().and_then(|json| serde_json::from_str::<Probe>(json).ok())
    else {
        return Ok(Found::NotHere);
    };
    let cancelled = context.progress.cancelled();
    for source in context.engine.catalog()?.read(|reader| sources(reader, task.asset))? {
        let Ok(root) = Root::open(&source.root) else { continue };
        let Ok(file) = root.open_file(&source.path) else { continue };
        if !is_same(&FileStamp::of(&file)?, &source.stamp) {
            continue;
        }
        return match tasks::pictures(context.engine.pool(), &file, &source.path, &probe, cancelled)
        {
            Ok(pictures) => store(context, &pictures).map(Found::Made),
            Err(_) if cancelled.load(Ordering::Relaxed) => Ok(Found::NotHere),
            Err(error)
                if error.kind == ErrorKind::Unavailable
                    && context.engine.pool().protection().is_err() =>
            {
                Err(error)
            }
            Err(error) => {
                let path = display_name(root.join(&source.path).as_os_str().as_bytes());
                Ok(Found::Failed(Failure { path, asset: Some(task.public_id.clone()), error }))
            }
        };
    }
    Ok(Found::NotHere)
}

fn store(context: &Context<'_>, pictures: &Pictures) -> Result<StoredPreview> {
    let store = context.engine.home().previews();
    let put = |picture: &Option<Vec<u8>>| -> Result<Option<String>> {
        picture.as_deref().map(|bytes| Ok(store.put(bytes)?.hex())).transpose()
    };
    Ok(StoredPreview {
        poster: put(&pictures.poster)?,
        strip: put(&pictures.strip)?,
        strip_tiles: pictures.strip_tiles,
        strip_columns: pictures.strip_columns,
        waveform: put(&pictures.waveform)?,
    })
}
