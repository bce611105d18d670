//! Probes assets in workers and records what they hold.

use std::sync::atomic::Ordering;

use rushes_catalog::{
    AssetTask, Work, next_assets, record_no_media, record_probe, record_probe_failure, sources,
    work_left,
};
use rushes_media::{Error, ErrorKind, Probe, Result, display_name};
use rushes_store::{FileStamp, Root};

use super::looking::{is_same, kind_by_name};
use super::report::ScanReport;
use super::tell;
use crate::context::Context;
use crate::pipeline;
use crate::tasks;

enum Found {
    Probe(Box<Probe>),
    NoMedia,
    Failed(Error),
    /// No place of it can be read now; it waits.
    NotHere,
    /// The worker itself could not be had; nothing is said about the file.
    NoWorker(Error),
}

pub(super) fn probe_all(
    context: &Context<'_>,
    threads: usize,
    report: &mut ScanReport,
) -> Result<()> {
    let catalog = context.engine.catalog()?;
    let (total, _) = catalog.read(|reader| work_left(reader, Work::Probe))?;
    let (mut after, mut done) = (0, 0);
    pipeline::run(
        threads,
        context.progress.cancelled(),
        || {
            let page = catalog.read(|reader| next_assets(reader, Work::Probe, after, 500))?;
            after = page.last().map_or(after, |task| task.asset);
            Ok(page)
        },
        |task| {
            probe_one(context, &task)
                .unwrap_or_else(|error| (task.asset, String::new(), Found::NoWorker(error)))
        },
        |results| {
            done += results.len() as u64;
            catalog.write(|write| {
                for (asset, _, found) in &results {
                    match found {
                        Found::Probe(probe) => record_probe(write, *asset, probe)?,
                        Found::NoMedia => record_no_media(write, *asset)?,
                        Found::Failed(error) => record_probe_failure(write, *asset, error)?,
                        Found::NotHere | Found::NoWorker(_) => {}
                    }
                }
                rushes_catalog::note_change(write)
            })?;
            tell(context, done, Some(total), "probing");
            for (_, path, found) in results {
                match found {
                    Found::Probe(_) => report.probed += 1,
                    Found::NoMedia => report.no_media += 1,
                    Found::Failed(error) => report.fail(path, error),
                    Found::NoWorker(error) => return Err(error),
                    Found::NotHere => {}
                }
            }
            Ok(())
        },
    )
}

fn probe_one(context: &Context<'_>, task: &AssetTask) -> Result<(i64, String, Found)> {
    use std::os::unix::ffi::OsStrExt;
    let places = context.engine.catalog()?.read(|reader| sources(reader, task.asset))?;
    // The same bytes may have several names; one that promises media is enough.
    let is_promised = places.iter().any(|source| kind_by_name(&source.path).is_some());
    for source in &places {
        let Ok(root) = Root::open(&source.root) else { continue };
        let Ok(file) = root.open_file(&source.path) else { continue };
        if !is_same(&FileStamp::of(&file)?, &source.stamp) {
            continue;
        }
        let shown = display_name(root.join(&source.path).as_os_str().as_bytes());
        let probed =
            tasks::probe(context.engine.pool(), &file, &source.path, context.progress.cancelled());
        let found = match probed {
            Ok(probe) => Found::Probe(Box::new(probe)),
            Err(_) if context.progress.cancelled().load(Ordering::Relaxed) => Found::NotHere,
            // A worker that was killed costs its file; one that cannot be had ends the scan.
            Err(error)
                if error.kind == ErrorKind::Unavailable
                    && context.engine.pool().protection().is_err() =>
            {
                Found::NoWorker(error)
            }
            // A name that promised nothing and a broken content: no asset either.
            Err(error)
                if !is_promised
                    && matches!(error.kind, ErrorKind::Unsupported | ErrorKind::Corrupt) =>
            {
                Found::NoMedia
            }
            Err(error) => Found::Failed(error),
        };
        return Ok((task.asset, shown, found));
    }
    Ok((task.asset, String::new(), Found::NotHere))
}
