//! `previews`: makes the pictures that stand for assets.

use std::sync::atomic::Ordering;

use clap::Args;
use rushes_catalog::{
    AssetKey, AssetTask, PreviewCopy, StoredPreview, Transaction, Work, is_left, next_assets,
    note_change, record_preview, record_preview_failure, record_preview_lost, sources,
    stored_previews, work_left,
};
use rushes_media::{Error, ErrorKind, Probe, Result, display_name};
use rushes_store::{FileStamp, PreviewHash, PreviewStore, Root};
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
    /// Read every preview that was made, and make those again whose bytes
    /// changed. Else only those are noticed that are not there any more.
    #[arg(long)]
    pub verify: bool,
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
        if !self.verify {
            return self.rehearse(context);
        }
        // How many are damaged is known once all were read.
        let missing = missing(context)?;
        let does = format!(
            "read every preview, and make those of {missing} assets that have none and of all \
             that turn out to be lost or damaged"
        );
        let mut plan = Plan::reads(does.as_str());
        plan.push("previews", does);
        Ok(plan)
    }

    fn rehearse(&self, context: &Context<'_>) -> Result<Plan> {
        let mut assets = missing(context)?;
        each_lost(context, self.verify, &mut |lost| {
            assets += lost.len() as u64;
            Ok(())
        })?;
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
        forget_lost(context, self.verify)?;
        let total = missing(context)?;
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
            text += &format!("  failed {}\n", failure.line());
        }
        text
    }

    fn failures(output: &PreviewReport) -> u64 {
        output.failed.len() as u64
    }

    fn title(&self) -> String {
        if self.verify { "Verify and make previews" } else { "Make previews" }.into()
    }

    fn job_key(&self) -> Option<String> {
        // Who wants them verified is not served by a job that does not.
        Some(if self.verify { "verify" } else { "previews" }.into())
    }
}

/// Assets that are looked at together, and at first sight.
const PAGE: u32 = 500;

/// Assets whose previews are still to be made.
fn missing(context: &Context<'_>) -> Result<u64> {
    Ok(context.engine.catalog()?.read(|reader| work_left(reader, Work::Preview))?.0)
}

/// Whether a preview's file is there, and if it is verified, with its bytes.
fn is_sound(store: &PreviewStore, hash: &str, verify: bool) -> Result<bool> {
    let Some(hash) = PreviewHash::from_hex(hash) else { return Ok(false) };
    if !verify {
        return Ok(store.is_there(&hash));
    }
    match store.verify(&hash) {
        // Who may not read the store will not write to it either.
        Err(error) if error.kind == ErrorKind::Denied => Err(error),
        verified => Ok(verified.is_ok()),
    }
}

/// Assets among these of which a preview was lost.
fn lost_of(context: &Context<'_>, page: &[PreviewCopy], verify: bool) -> Result<Vec<i64>> {
    let store = context.engine.home().previews();
    let mut lost = Vec::new();
    for copy in page {
        context.check_cancelled("looking for lost previews")?;
        for hash in &copy.hashes {
            if !is_sound(&store, hash, verify)? {
                lost.push(copy.asset);
                break;
            }
        }
    }
    Ok(lost)
}

/// Hands on the assets whose previews were lost, some at a time. A damaged one
/// is lost too, where it is verified.
fn each_lost(
    context: &Context<'_>,
    verify: bool,
    give: &mut dyn FnMut(&[i64]) -> Result<()>,
) -> Result<()> {
    let catalog = context.engine.catalog()?;
    let note = if verify { "verifying previews" } else { "looking for lost previews" };
    let (mut after, mut done) = (0, 0);
    loop {
        let page = catalog.read(|reader| stored_previews(reader, after, PAGE))?;
        let Some(last) = page.last() else { return Ok(()) };
        after = last.asset;
        let lost = lost_of(context, &page, verify)?;
        if !lost.is_empty() {
            give(&lost)?;
        }
        done += page.len() as u64;
        let note = Some(note.into());
        context.progress.report(&Report { done, total: None, unit: "files", note });
    }
}

/// Lets lost previews count as not made. A damaged file stays where it is: the
/// same picture made again takes its place.
fn forget_lost(context: &Context<'_>, verify: bool) -> Result<()> {
    let catalog = context.engine.catalog()?;
    each_lost(context, verify, &mut |assets| {
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
    if lost_of(context, &first, false)?.is_empty() { Ok(()) } else { forget_lost(context, false) }
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
    let catalog = context.engine.catalog()?;
    let Some(probe) =
        task.probe.as_deref().and_then(|json| serde_json::from_str::<Probe>(json).ok())
    else {
        return Ok(Found::NotHere);
    };
    // Two jobs that make previews share the work.
    if !catalog.read(|reader| is_left(reader, Work::Preview, &task.key()))? {
        return Ok(Found::NotHere);
    }
    let cancelled = context.progress.cancelled();
    for source in catalog.read(|reader| sources(reader, task.asset))? {
        let Ok(root) = Root::open(&source.root) else { continue };
        let Ok(file) = root.open_file(&source.path) else { continue };
        if !is_same(&FileStamp::of(&file)?, &source.stamp) {
            continue;
        }
        let failed = |error| {
            let path = display_name(root.join(&source.path).as_os_str().as_bytes());
            Found::Failed(Failure { path, asset: Some(task.public_id.clone()), error })
        };
        return match tasks::pictures(context.engine.pool(), &file, &source.path, &probe, cancelled)
        {
            Ok(pictures) => match store(context, &pictures) {
                // Something else lies where this one belongs; the others have their places.
                Err(error) if error.kind == ErrorKind::Conflict => Ok(failed(error)),
                stored => stored.map(Found::Made),
            },
            Err(_) if cancelled.load(Ordering::Relaxed) => Ok(Found::NotHere),
            Err(error)
                if error.kind == ErrorKind::Unavailable
                    && context.engine.pool().protection().is_err() =>
            {
                Err(error)
            }
            Err(error) => Ok(failed(error)),
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
