//! `backup`: verified copies of assets on other disks.

mod copying;
pub(crate) mod destinations;
mod listing;

use std::fmt::Write as _;

use clap::Args;
use rushes_catalog::{Candidate, candidates, parse};
use rushes_media::{Error, ErrorKind, Result, display_name};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

use crate::action::{Action, Plan, Route, path_parser};
use crate::context::Context;
use crate::naming::Template;
use crate::scan::Failure;

use copying::Copying;
use destinations::Opened;

const WHAT: &str = "backing up";
/// Assets asked for at a time.
const PAGE: usize = 500;
/// Failures that are told one by one.
const LISTED: usize = 1_000;
/// Destinations that are written at once, at most.
const MOST_DESTINATIONS: usize = 16;

/// The parameters of a backup.
#[derive(Args, Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Backup {
    /// A folder to copy into. It must be there; given several times, all of
    /// them are written at once, each file being read once.
    #[arg(long, value_name = "DIR", required = true, value_parser = path_parser())]
    #[serde(alias = "backup_root", deserialize_with = "one_or_more")]
    #[schemars(length(min = 1, max = 16))]
    pub to: Vec<String>,
    /// What to copy, as for search; everything that is there when empty. Files
    /// that belong to an asset and the other half of a Live Photo go with it.
    #[arg(default_value = "", hide_default_value = true, value_name = "QUERY...")]
    #[serde(default)]
    pub query: String,
    /// Path of each copy in the folder, made of {name}, {stem}, {ext}, {batch},
    /// {camera}, {kind}, {root}, {id} and {date:%Y/%m/%d}. A name that other
    /// content has gets _2, _3 and so on.
    #[arg(long, value_name = "TEMPLATE", default_value = Backup::LAYOUT)]
    #[serde(default = "layout")]
    pub template: String,
    /// Take the volumes that are there now for new destinations, where others
    /// were copied to before.
    #[arg(long)]
    #[serde(default)]
    pub new_volume: bool,
}

fn layout() -> String {
    Backup::LAYOUT.into()
}

/// One path, as the prototype's `backup_root` was, or a list of them.
fn one_or_more<'de, D: Deserializer<'de>>(given: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "a path, or a list of paths")]
    enum Given {
        One(String),
        More(Vec<String>),
    }
    Ok(match Given::deserialize(given)? {
        Given::One(path) => vec![path],
        Given::More(paths) => paths,
    })
}

/// What a backup did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BackupReport {
    /// Each destination, in the order given.
    pub destinations: Vec<BackedUp>,
    /// Assets that the query found.
    pub assets: u64,
    /// Assets of which no place is there now; nothing is lost, their copies
    /// are to be made when their disk is back.
    pub offline: u64,
    /// What copies lack of their files beside the bytes, such as an extended
    /// attribute that the file system does not take.
    pub not_kept: Vec<String>,
    /// Assets and destinations that failed, and why.
    pub failed: Vec<Failure>,
    /// Failures beyond those.
    pub more_failed: u64,
}

/// What a backup did in one destination.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BackedUp {
    /// Its path, safe to show.
    pub path: String,
    /// The volume it is on.
    pub volume: String,
    /// Files copied and read back: assets and what belongs to them.
    pub copied: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Files that were there before, unknown, and turned out to be the same.
    pub found: u64,
    /// Assets that had a verified copy there before.
    pub already: u64,
    /// Files that could not be copied there.
    pub failed: u64,
    /// Whether copies were read back by direct reads, past every cache; where the
    /// file system has none, the cache was dropped first.
    pub read_back_directly: bool,
    /// The hash list that was written (ASC MHL), in the folder.
    pub hash_list: Option<String>,
}

impl BackupReport {
    fn fail(&mut self, failure: Failure) {
        if self.failed.len() < LISTED {
            self.failed.push(failure);
        } else {
            self.more_failed += 1;
        }
    }
}

impl Action for Backup {
    const NAME: &'static [&'static str] = &["backup"];
    const SUMMARY: &'static str = "Copy assets to other disks and read every copy back";
    const ROUTE: Route = Route { method: "POST", path: "/backup" };
    const CHANGES: bool = true;
    const AS_JOB: bool = true;
    type Output = BackupReport;

    fn plan(&self, context: &Context<'_>) -> Result<Plan> {
        let (template, named) = self.checked(context)?;
        let catalog = context.engine.catalog()?;
        let mut plan = Plan::default();
        let (mut assets, mut bytes) = (0_u64, 0_u64);
        let mut paths = copying::Planned::default();
        self.each(context, &mut |candidate| {
            for to in &named {
                let path = catalog.read(|reader| paths.next(reader, to, &candidate, &template))?;
                if let Some(path) = path {
                    assets += 1;
                    bytes += candidate.size_bytes;
                    let shown = display_name(to.root.join(&path).as_os_str().as_encoded_bytes());
                    plan.push(
                        format!("copy {} {}", candidate.public_id, to.root.path().display()),
                        format!(
                            "copy {} bytes to {shown}, and read them back",
                            candidate.size_bytes
                        ),
                    );
                }
            }
            Ok(true)
        })?;
        plan.summary = format!("make {assets} copies, {bytes} bytes");
        for to in &named {
            let need = paths.bytes_to(to);
            let free = to.root.free_bytes()?;
            if need > 0 {
                let _ = write!(plan.summary, "; {} needs {need}", to.root.path().display());
                if let Some(free) = free {
                    let _ = write!(plan.summary, " and has {free} free");
                }
                plan.push(
                    format!("hash list {}", to.root.path().display()),
                    format!("write a hash list (ASC MHL) into {}", to.root.path().display()),
                );
            }
        }
        Ok(plan)
    }

    fn apply(&self, context: &Context<'_>) -> Result<BackupReport> {
        let (template, named) = self.checked(context)?;
        let catalog = context.engine.catalog()?;
        let total = self.measure(context, &named, &template)?;
        let now = context.engine.clock().now();
        let opened = named
            .into_iter()
            .map(|it| {
                let destination = catalog.destination(it.root.path(), &it.volume, now)?;
                Ok(Opened { destination, root: it.root })
            })
            .collect::<Result<Vec<_>>>()?;
        let mut copying = Copying::new(*context, opened, template, total);
        self.each(context, &mut |candidate| {
            context.check_cancelled(WHAT)?;
            copying.copy(&candidate)?;
            Ok(copying.is_hopeful())
        })?;
        copying.finish()
    }

    fn text(output: &BackupReport) -> String {
        let mut text = String::new();
        for it in &output.destinations {
            let _ = writeln!(
                text,
                "{}: {} files copied and read back ({} bytes), {} were there, {} assets had a \
                 copy, {} failed",
                it.path, it.copied, it.bytes, it.found, it.already, it.failed
            );
            if let Some(list) = &it.hash_list {
                let _ = writeln!(text, "  hash list {list}");
            }
        }
        if output.offline > 0 {
            let _ = writeln!(text, "{} assets are on disks that are not here", output.offline);
        }
        for left_out in &output.not_kept {
            let _ = writeln!(text, "  not kept of {left_out}");
        }
        for failure in &output.failed {
            let _ = writeln!(text, "  failed {}", failure.line());
        }
        if output.more_failed > 0 {
            let _ = writeln!(text, "  ... and {} more", output.more_failed);
        }
        text
    }

    fn failures(output: &BackupReport) -> u64 {
        output.failed.len() as u64 + output.more_failed
    }

    fn made_absolute(mut self) -> Backup {
        for path in &mut self.to {
            crate::making::make_absolute(path);
        }
        self
    }

    fn title(&self) -> String {
        format!("Back up to {}", self.to.join(", "))
    }

    fn job_key(&self) -> Option<String> {
        Some(format!("backup {:?} {:?} {:?}", self.to, self.query, self.template))
    }
}

impl Backup {
    /// Where copies lie when nothing else is asked for.
    pub const LAYOUT: &'static str = "{batch}/{name}";

    /// Reads the template and opens every destination.
    fn checked(&self, context: &Context<'_>) -> Result<(Template, Vec<destinations::Named>)> {
        let template = Template::read(&self.template)?;
        parse(&self.query)?;
        if self.to.is_empty() || self.to.len() > MOST_DESTINATIONS {
            let why = format!("{} destinations are given", self.to.len());
            return Err(Error::new(ErrorKind::Invalid, WHAT, why)
                .remedy(format!("give 1 to {MOST_DESTINATIONS} with --to")));
        }
        let mut named: Vec<destinations::Named> = Vec::new();
        for given in &self.to {
            let opened = destinations::open(context, given, self.new_volume)?;
            let (path, stamp) = (opened.root.path().to_owned(), opened.root.stamp()?);
            for other in &named {
                let is_same = other.root.stamp()?.inode == stamp.inode
                    && other.root.stamp()?.device == stamp.device;
                if is_same
                    || path.starts_with(other.root.path())
                    || other.root.path().starts_with(&path)
                {
                    let why = "two destinations are one folder, or one lies in the other";
                    return Err(Error::new(ErrorKind::Invalid, WHAT, why).at(path));
                }
            }
            named.push(opened);
        }
        Ok((template, named))
    }

    /// Goes through what the query finds, until it is told to stop.
    fn each(
        &self,
        context: &Context<'_>,
        take: &mut dyn FnMut(Candidate) -> Result<bool>,
    ) -> Result<()> {
        let catalog = context.engine.catalog()?;
        let mut after = 0;
        loop {
            let page = catalog.read(|reader| candidates(reader, &self.query, after, PAGE))?;
            let Some(last) = page.last() else { return Ok(()) };
            after = last.asset;
            for candidate in page {
                if !take(candidate)? {
                    return Ok(());
                }
            }
        }
    }

    /// Bytes to be copied, over all destinations.
    ///
    /// # Errors
    /// `Unavailable` when a disk has no room for its share.
    fn measure(
        &self,
        context: &Context<'_>,
        named: &[destinations::Named],
        template: &Template,
    ) -> Result<u64> {
        let catalog = context.engine.catalog()?;
        let mut paths = copying::Planned::default();
        self.each(context, &mut |candidate| {
            context.check_cancelled(WHAT)?;
            for to in named {
                catalog.read(|reader| paths.next(reader, to, &candidate, template))?;
            }
            Ok(true)
        })?;
        for to in named {
            let (need, free) = (paths.bytes_to(to), to.root.free_bytes()?);
            if let Some(free) = free.filter(|free| need > *free) {
                let why = format!("{need} bytes are to be copied, and {free} are free there");
                return Err(Error::new(ErrorKind::Unavailable, WHAT, why)
                    .remedy("free some space, take a larger disk, or copy less with a query")
                    .at(to.root.path()));
            }
        }
        Ok(named.iter().map(|to| paths.bytes_to(to)).sum())
    }
}
