//! `verify`: reads copies back, and says which are not what they were.

mod listed;

use std::collections::HashSet;
use std::fmt::Write as _;
use std::sync::atomic::Ordering;

use clap::Args;
use rushes_catalog::{CopyState, KnownCopy, copies_by_age, record_verified};
use rushes_media::{Error, ErrorKind, Result, display_name, path_given};
use rushes_store::{Root, verify_file};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::action::{Action, Plan, Route, path_parser};
use crate::backup::destinations::{Opened, known_at, open_known};
use crate::context::{Authority, Context, Report};
use crate::queue::EffectState;

use listed::Listed;

const WHAT: &str = "verifying copies";
/// Copies asked for at a time.
const PAGE: usize = 500;
/// Files that are told one by one.
pub(crate) const LISTED: usize = 10_000;

/// The parameters of verifying.
#[derive(Args, Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Verify {
    /// A folder that copies were made in, or any folder with a hash list (ASC
    /// MHL 2.0, or MHL 1.x); every destination that is there when not given.
    #[arg(value_name = "DIR", value_parser = path_parser())]
    pub dir: Option<String>,
    /// Reads one Nth of the bytes in each destination, what was verified longest
    /// ago first: run every day, everything is read every N days.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    #[schemars(range(min = 1, max = 10_000))]
    pub share: Option<u32>,
}

/// What verifying found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct VerifyReport {
    /// Each folder that was looked at.
    pub places: Vec<VerifiedPlace>,
    /// Destinations that are not there now.
    pub offline: Vec<String>,
}

/// What verifying found in one folder.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct VerifiedPlace {
    /// Its path, safe to show.
    pub path: String,
    /// Files whose bytes are right.
    pub verified: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Files that are not what they were.
    pub lost: Vec<Lost>,
    /// Such files beyond those.
    pub more_lost: u64,
    /// Files that no list has.
    pub new: Vec<String>,
    /// Such files beyond those.
    pub more_new: u64,
    /// What is wrong with the hash list itself.
    pub list: Option<Error>,
    /// How the reference tool (ascmhl) would end: 0 when all is well, 10 when
    /// files are missing, 11 when some have other content, 21 when there are new
    /// ones, 30 without a hash list, 31 to 33 when the list itself was changed.
    pub exit_code: u8,
}

/// A file that is not what it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Lost {
    /// Its path in the folder, safe to show.
    pub path: String,
    /// `missing`, or `damaged`: its content is another, or cannot be read.
    pub state: String,
    /// Why it cannot be read, where that is so.
    pub error: Option<Error>,
}

impl VerifiedPlace {
    fn of(root: &Root) -> VerifiedPlace {
        let path = display_name(root.path().as_os_str().as_encoded_bytes());
        VerifiedPlace { path, ..VerifiedPlace::default() }
    }

    /// Notes how the reference tool would end, unless it is worse already.
    fn fault(&mut self, exit_code: u8) {
        self.exit_code = self.exit_code.max(exit_code);
    }

    fn lose(&mut self, path: &[u8], state: CopyState, error: Option<Error>) {
        if self.lost.len() < LISTED {
            let path = display_name(path);
            self.lost.push(Lost { path, state: state.name().into(), error });
        } else {
            self.more_lost += 1;
        }
    }

    fn failures(&self) -> u64 {
        self.lost.len() as u64 + self.more_lost + u64::from(self.list.is_some())
    }
}

impl Action for Verify {
    const NAME: &'static [&'static str] = &["verify"];
    const SUMMARY: &'static str = "Read copies back and compare them with their hashes";
    const ROUTE: Route = Route { method: "POST", path: "/verify" };
    const CHANGES: bool = true;
    const AS_JOB: bool = true;
    type Output = VerifyReport;

    fn plan(&self, context: &Context<'_>) -> Result<Plan> {
        let (known, listed, offline) = self.places(context)?;
        let rows = context.engine.catalog()?.destination_rows(&|_| true)?;
        let mut plan = Plan::reads(match self.share {
            Some(share) => format!("read one {share}th of the copies, the longest unread first"),
            None => "read all copies".into(),
        });
        for opened in &known {
            let row = rows.iter().find(|row| row.id == opened.destination.id);
            let (copies, bytes) = row.map_or((0, 0), |row| (row.copies, row.size_bytes));
            plan.push(
                format!("verify {}", opened.destination.id),
                format!(
                    "read {copies} copies ({bytes} bytes at most) in {} and note which are right",
                    opened.root.path().display()
                ),
            );
        }
        if let Some(listed) = &listed {
            plan.push(
                "verify",
                format!("read what the hash list in {} names", listed.root.path().display()),
            );
        }
        if !offline.is_empty() {
            let _ = write!(plan.summary, "; not there now: {}", offline.join(", "));
        }
        Ok(plan)
    }

    fn apply(&self, context: &Context<'_>) -> Result<VerifyReport> {
        let (known, listed, offline) = self.places(context)?;
        let mut report = VerifyReport { offline, ..VerifyReport::default() };
        for opened in &known {
            let key = format!("verify {}", opened.destination.id);
            context.progress.effect(&key, EffectState::Begun, None)?;
            report.places.push(self.verify_known(context, opened)?);
            context.progress.effect(&key, EffectState::Done, None)?;
        }
        if let Some(listed) = &listed {
            context.progress.effect("verify", EffectState::Begun, None)?;
            let mut place = VerifiedPlace::of(&listed.root);
            listed::check(context, listed, None, &mut place)?;
            report.places.push(place);
            context.progress.effect("verify", EffectState::Done, None)?;
        }
        Ok(report)
    }

    fn text(output: &VerifyReport) -> String {
        let mut text = String::new();
        for place in &output.places {
            let lost = place.lost.len() as u64 + place.more_lost;
            let _ = writeln!(
                text,
                "{}: {} files right ({} bytes), {lost} lost",
                place.path, place.verified, place.bytes
            );
            for lost in &place.lost {
                let why = lost.error.as_ref().map(|error| format!(": {error}")).unwrap_or_default();
                let _ = writeln!(text, "  {} {}{why}", lost.state, lost.path);
            }
            for (name, more) in [("lost", place.more_lost), ("new", place.more_new)] {
                if more > 0 {
                    let _ = writeln!(text, "  ... and {more} more {name}");
                }
            }
            for new in &place.new {
                let _ = writeln!(text, "  new {new}");
            }
            if let Some(error) = &place.list {
                let _ = writeln!(text, "  {error}");
            }
        }
        for path in &output.offline {
            let _ = writeln!(text, "{path} is not there now");
        }
        if output.places.is_empty() && output.offline.is_empty() {
            text += "no copies were made; make some with rushes backup --to DIR\n";
        }
        text
    }

    fn failures(output: &VerifyReport) -> u64 {
        output.places.iter().map(VerifiedPlace::failures).sum()
    }

    fn exit_code(output: &VerifyReport) -> u8 {
        output.places.iter().map(|place| place.exit_code).max().unwrap_or(0)
    }

    fn made_absolute(mut self) -> Verify {
        if let Some(dir) = &mut self.dir {
            crate::making::make_absolute(dir);
        }
        self
    }

    fn title(&self) -> String {
        match &self.dir {
            Some(dir) => format!("Verify the copies in {dir}"),
            None => "Verify the copies".into(),
        }
    }

    fn job_key(&self) -> Option<String> {
        Some(format!("verify {:?}", self.dir))
    }
}

type Places = (Vec<Opened>, Option<Listed>, Vec<String>);

impl Verify {
    /// Destinations that are there, a folder that only a hash list tells of, and
    /// destinations that are not there.
    fn places(&self, context: &Context<'_>) -> Result<Places> {
        let catalog = context.engine.catalog()?;
        let Some(given) = &self.dir else {
            let (mut known, mut offline) = (Vec::new(), Vec::new());
            for destination in catalog.destinations()? {
                let shown = display_name(destination.path.as_os_str().as_encoded_bytes());
                match open_known(destination) {
                    Some(opened) => known.push(opened),
                    None => offline.push(shown),
                }
            }
            return Ok((known, None, offline));
        };
        let path = path_given(given)?;
        let found = std::fs::canonicalize(&path);
        let known = match &found {
            Ok(path) => known_at(catalog, path)?,
            Err(_) => None,
        };
        if let Some(known) = known {
            return Ok((vec![known], None, Vec::new()));
        }
        if context.authority == Authority::Network {
            let may = match &found {
                Ok(path) => context.engine.network_may_register(path)?,
                Err(_) => false,
            };
            if !may {
                let why = "it is no destination of copies, and in no root";
                return Err(Error::new(ErrorKind::Denied, WHAT, why)
                    .remedy("see the destinations with rushes destinations list")
                    .at(given));
            }
        }
        let path = found.map_err(|error| Error::io(WHAT, &error).at(given))?;
        Ok((Vec::new(), Some(Listed::open(&path)?), Vec::new()))
    }

    /// Reads the copies that the catalogue knows in a destination.
    fn verify_known(&self, context: &Context<'_>, opened: &Opened) -> Result<VerifiedPlace> {
        let catalog = context.engine.catalog()?;
        let id = opened.destination.id;
        let begun = context.engine.clock().now();
        let all: u64 = catalog
            .destination_rows(&|_| true)?
            .iter()
            .filter(|row| row.id == id)
            .map(|row| row.size_bytes)
            .sum();
        let wanted = all.div_ceil(u64::from(self.share.unwrap_or(1)));
        let mut place = VerifiedPlace::of(&opened.root);
        // All that its lists name, then what only the catalogue knows.
        let seen = if self.share.is_none() {
            let listed = Listed { root: Root::open(opened.root.path())?, list: None };
            listed::check(context, &listed, Some(opened), &mut place)?
        } else {
            HashSet::new()
        };
        let (mut after, mut read) = ((i64::MIN, 0), 0_u64);
        'pages: loop {
            let page = catalog.read(|reader| copies_by_age(reader, id, after, PAGE))?;
            let Some(last) = page.last() else { break };
            after = (last.verified_ns, last.id);
            for copy in page {
                // What was verified since this began comes last.
                if copy.verified_ns >= begun || self.share.is_some() && read >= wanted {
                    break 'pages;
                }
                if seen.contains(&copy.id) {
                    continue;
                }
                context.check_cancelled(WHAT)?;
                verify_one(context, opened, &copy, &mut place, (&mut read, wanted))?;
            }
        }
        Ok(place)
    }
}

fn verify_one(
    context: &Context<'_>,
    opened: &Opened,
    copy: &KnownCopy,
    place: &mut VerifiedPlace,
    (read, wanted): (&mut u64, u64),
) -> Result<()> {
    let shown = display_name(opened.root.join(&copy.path).as_os_str().as_encoded_bytes());
    let mut watch = |bytes| {
        *read += bytes;
        context.progress.report(&Report {
            done: *read,
            total: Some(wanted.max(*read)),
            unit: "bytes",
            note: Some(shown.clone()),
        });
        !context.progress.cancelled().load(Ordering::Relaxed)
    };
    let found = verify_file(&opened.root, &copy.path, &[], &mut watch);
    let (state, error) = match found {
        Ok(Some(found)) if found.hashes == copy.hashes => (CopyState::Whole, None),
        Ok(Some(_)) => (CopyState::Damaged, None),
        Ok(None) => return context.check_cancelled(WHAT),
        Err(error) => {
            // A disk that went away has lost nothing.
            if open_known(opened.destination.clone()).is_none() {
                let why = "its disk is not there any more";
                return Err(Error::new(ErrorKind::Unavailable, WHAT, why)
                    .remedy("see to the disk, then verify again")
                    .at(opened.root.path()));
            }
            match error.kind {
                ErrorKind::NotFound => (CopyState::Missing, None),
                _ => (CopyState::Damaged, Some(error)),
            }
        }
    };
    let now = context.engine.clock().now();
    context.engine.catalog()?.write(|write| record_verified(write, copy, state, &shown, now))?;
    context.progress.got_further();
    match state {
        CopyState::Whole => {
            place.verified += 1;
            place.bytes += copy.size_bytes;
        }
        state => {
            // As the reference tool: other content weighs more than what is missing.
            place.fault(if state == CopyState::Missing { 10 } else { 11 });
            place.lose(&copy.path, state, error);
        }
    }
    Ok(())
}
