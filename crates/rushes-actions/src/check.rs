//! `check`: proves the invariants against the database and the disk.

use std::collections::HashMap;

use clap::Args;
use rushes_catalog::{PreviewCopy, StoredPlace, Violation, stored_places, stored_previews};
use rushes_media::{Error, ErrorKind, Result};
use rushes_store::{FileStamp, Hashed, PreviewHash, Root, hash_file};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::action::{Action, Plan, Route};
use crate::context::{Context, Report};
use crate::scan::{Failure, is_same};

/// Files that a report lists one by one; what goes beyond is counted.
const LISTED: usize = 1_000;

/// The parameters of a check.
#[derive(Args, Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Check {
    /// Read this share of the hashed files again and compare their bytes with
    /// their hashes, 0 to 100; each run takes those that come next, so that 20
    /// runs of 5 read all of them, whenever they are.
    #[arg(long = "read-data", value_name = "PERCENT", default_value_t = 0, value_parser = clap::value_parser!(u8).range(0..=100))]
    #[schemars(range(max = 100))]
    pub read_data_percent: u8,
}

/// What a check found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CheckReport {
    /// Everything that is not as it must be.
    pub violations: Vec<Violation>,
    /// Places compared with the disk.
    pub places: u64,
    /// Files that changed since the last scan; no violation.
    pub changed: u64,
    /// The first 1000 of these.
    #[serde(default)]
    pub changed_files: Vec<String>,
    /// Files that are there and could not be read, so that nothing is said
    /// about them.
    #[serde(default)]
    pub unread: Vec<Failure>,
    /// How many more could not be read than are listed.
    #[serde(default)]
    pub more_unread: u64,
    /// Places that are not there now, or in a root that is not.
    pub not_there: u64,
    /// Files read again, byte for byte.
    pub read: u64,
    /// Bytes of these.
    pub read_bytes: u64,
    /// Previews that are there and sound.
    pub previews: u64,
}

impl Action for Check {
    const NAME: &'static [&'static str] = &["check"];
    const SUMMARY: &'static str = "Prove the invariants against the database and the disk";
    const ROUTE: Route = Route { method: "POST", path: "/check" };
    const CHANGES: bool = false;
    const AS_JOB: bool = true;
    type Output = CheckReport;

    fn plan(&self, _context: &Context<'_>) -> Result<Plan> {
        Ok(Plan::reads(format!(
            "check the database, every place and preview, and the bytes of {} % of the files",
            self.read_data_percent
        )))
    }

    fn apply(&self, context: &Context<'_>) -> Result<CheckReport> {
        let catalog = context.engine.catalog()?;
        let mut report =
            CheckReport { violations: rushes_catalog::check(catalog)?, ..CheckReport::default() };
        let mut roots: HashMap<i64, Option<Root>> = HashMap::new();
        // Each run goes on where the last one ended, so that they reach every file.
        let turn = rushes_catalog::read_turn(catalog)?;
        let mut after = 0;
        loop {
            context.check_cancelled("checking")?;
            let page = catalog.read(|reader| stored_places(reader, after, 500))?;
            let Some(last) = page.last() else { break };
            after = last.place;
            for place in &page {
                context.check_cancelled("checking")?;
                let root =
                    roots.entry(place.root_id).or_insert_with(|| Root::open(&place.root).ok());
                self.check_place(context, root.as_ref(), place, turn, &mut report)?;
            }
            context.progress.report(&Report {
                done: report.places,
                total: None,
                unit: "files",
                note: Some("comparing with the disk".into()),
            });
        }
        check_previews(context, &mut report)?;
        if self.read_data_percent > 0 {
            rushes_catalog::set_read_turn(catalog, turn.saturating_add(self.read_data_percent))?;
        }
        Ok(report)
    }

    fn text(output: &CheckReport) -> String {
        let mut text = format!(
            "{} places compared ({} changed since the last scan, {} not there now), {} files read again ({} bytes), {} previews verified\n",
            output.places,
            output.changed,
            output.not_there,
            output.read,
            output.read_bytes,
            output.previews
        );
        for violation in &output.violations {
            text += &format!("invariant {}: {}\n", violation.invariant, violation.what);
        }
        for path in &output.changed_files {
            text += &format!("changed, for the next scan: {path}\n");
        }
        for failure in &output.unread {
            text += &format!("could not be read: {}\n", failure.line());
        }
        if output.more_unread > 0 {
            text += &format!("... and {} more that could not be read\n", output.more_unread);
        }
        text += match (output.violations.is_empty(), output.changed, output.unread.is_empty()) {
            (false, ..) => "",
            (true, 0, true) => "everything is as it must be\n",
            (true, _, true) => "what did not change is as it must be\n",
            (true, _, false) => "what could be read is as it must be\n",
        };
        text
    }

    fn failures(output: &CheckReport) -> u64 {
        output.violations.len() as u64 + output.unread.len() as u64 + output.more_unread
    }

    fn title(&self) -> String {
        "Check the catalogue".into()
    }

    fn job_key(&self) -> Option<String> {
        Some("check".into())
    }
}

impl Check {
    fn check_place(
        &self,
        context: &Context<'_>,
        root: Option<&Root>,
        place: &StoredPlace,
        turn: u8,
        report: &mut CheckReport,
    ) -> Result<()> {
        report.places += 1;
        let file = match root.map(|root| root.open_file(&place.path)) {
            Some(Ok(file)) => file,
            // Another thing of that name is not the file either.
            Some(Err(error)) if error.kind == ErrorKind::Denied => {
                report.leave_unread(place, error);
                return Ok(());
            }
            Some(Err(_)) | None => {
                report.not_there += 1;
                return Ok(());
            }
        };
        let stamp = FileStamp::of(&file)?;
        if !is_same(&stamp, &place.stamp) {
            report.leave_changed(place);
            return Ok(());
        }
        let Some(blake3) = place.blake3.as_ref().filter(|_| self.is_due(place.place, turn)) else {
            return Ok(());
        };
        let cancelled = context.progress.cancelled();
        let go_on = &mut |_| !cancelled.load(std::sync::atomic::Ordering::Relaxed);
        match hash_file(&file, &stamp, go_on) {
            Ok(Hashed::Whole(hashes)) => {
                report.read += 1;
                report.read_bytes += stamp.size_bytes;
                if hashes.blake3[..] != blake3[..] {
                    let what = format!("the bytes are not those that were hashed: {}", place.shown);
                    report.violations.push(Violation { invariant: 4, what });
                }
            }
            Ok(Hashed::Changed) => report.leave_changed(place),
            Ok(Hashed::Stopped) => {}
            Err(error) => report.leave_unread(place, error),
        }
        Ok(())
    }

    /// Whether a place is in the share that this run reads.
    fn is_due(&self, place: i64, turn: u8) -> bool {
        // Neighbours fall into different shares.
        place.wrapping_mul(37).rem_euclid(100).wrapping_sub(i64::from(turn)).rem_euclid(100)
            < i64::from(self.read_data_percent)
    }
}

impl CheckReport {
    fn leave_changed(&mut self, place: &StoredPlace) {
        self.changed += 1;
        if self.changed_files.len() < LISTED {
            self.changed_files.push(place.shown.clone());
        }
    }

    fn leave_unread(&mut self, place: &StoredPlace, error: Error) {
        if self.unread.len() < LISTED {
            self.unread.push(Failure { path: place.shown.clone(), asset: None, error });
        } else {
            self.more_unread += 1;
        }
    }
}

fn check_previews(context: &Context<'_>, report: &mut CheckReport) -> Result<()> {
    let store = context.engine.home().previews();
    let mut after = 0;
    loop {
        let page: Vec<PreviewCopy> =
            context.engine.catalog()?.read(|reader| stored_previews(reader, after, 500))?;
        let Some(last) = page.last() else { return Ok(()) };
        after = last.asset;
        for copy in &page {
            context.check_cancelled("checking")?;
            for hash in copy.hashes.iter().filter_map(|hash| PreviewHash::from_hex(hash)) {
                let found = match store.verify(&hash) {
                    Ok(()) => {
                        report.previews += 1;
                        continue;
                    }
                    Err(error) if error.kind == ErrorKind::NotFound => {
                        String::from("it is lost; rushes previews makes it again")
                    }
                    Err(error) if error.kind == ErrorKind::Denied => error.to_string(),
                    Err(error) => format!("{error}; rushes previews --verify makes it again"),
                };
                let what = format!("a preview of {}: {found}", copy.public_id);
                report.violations.push(Violation { invariant: 0, what });
            }
        }
        context.progress.report(&Report {
            done: report.previews,
            total: None,
            unit: "files",
            note: Some("verifying previews".into()),
        });
    }
}
