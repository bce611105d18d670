//! `search`, `recent`, `show`, `stats`, `batches list` and `batches show`:
//! looking at the catalogue.

use std::fmt::Write as _;

use clap::Args;
use rushes_catalog::{Asset, AssetRow, PAGE_ROWS, Page, Stats, Total};
use rushes_media::{Error, ErrorKind, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::action::{Action, Plan, Route};
use crate::context::Context;
use crate::probe::in_words;

fn first_page() -> u32 {
    60
}

fn few() -> u32 {
    20
}

/// The parameters of a search.
#[derive(Args, Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Search {
    /// Words, "phrases" and filters such as kind:video codec:hevc duration:>10
    /// width:>=1920 date:2024-01..2024-06 batch:Trip -tag:rejected sort:date;
    /// everything when empty.
    #[arg(default_value = "", hide_default_value = true, value_name = "QUERY...")]
    #[serde(default)]
    pub query: String,
    /// Most assets of the page, 1 to 1000.
    #[arg(long, default_value_t = first_page(), value_parser = clap::value_parser!(u32).range(1..=i64::from(PAGE_ROWS)))]
    #[serde(default = "first_page")]
    #[schemars(range(min = 1, max = 1000))]
    pub limit: u32,
    /// The cursor that the page before gave.
    #[arg(long)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// Begin this many assets further on; slower than a cursor when large.
    #[arg(long, conflicts_with = "cursor")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offset: Option<u64>,
    /// Count all that is found, also where that takes long.
    #[arg(long)]
    #[serde(default)]
    pub exact_total: bool,
}

impl Action for Search {
    const NAME: &'static [&'static str] = &["search"];
    const SUMMARY: &'static str = "Find assets by words and filters";
    const ROUTE: Route = Route { method: "GET", path: "/search" };
    const CHANGES: bool = false;
    type Output = Page;

    fn plan(&self, _context: &Context<'_>) -> Result<Plan> {
        Ok(Plan::reads(format!("search for {:?}", self.query)))
    }

    fn apply(&self, context: &Context<'_>) -> Result<Page> {
        if self.cursor.is_some() && self.offset.is_some() {
            let why = "both a cursor and an offset are given";
            return Err(Error::new(ErrorKind::Invalid, "searching", why).remedy("give one"));
        }
        let catalog = context.engine.catalog()?;
        let mut page =
            catalog.search(&self.query, self.limit, self.cursor.as_deref(), self.offset)?;
        if self.exact_total && page.total.is_none() {
            page.total = Some(catalog.count(&self.query)?);
        }
        Ok(page)
    }

    fn text(output: &Page) -> String {
        let mut text = rows(&output.items);
        let total = output
            .total
            .map_or_else(|| "many (--exact-total counts them)".into(), |total| total.to_string());
        let _ = writeln!(text, "{} of {total}", output.items.len());
        text + &next_page(output.next_cursor.as_deref())
    }
}

/// How to ask for the next page; nothing after the last.
pub(crate) fn next_page(cursor: Option<&str>) -> String {
    cursor.map_or_else(String::new, |cursor| format!("next page: --cursor {cursor}\n"))
}

/// One line an asset: id, kind, size, length, name.
fn rows(items: &[AssetRow]) -> String {
    items.iter().fold(String::new(), |mut text, row| {
        let size = match (row.width_px, row.height_px) {
            (Some(width), Some(height)) => format!("{width}x{height}"),
            _ => String::new(),
        };
        let state = match (&row.error, row.state.as_str()) {
            (Some(error), _) => format!("  ! {}", error.why),
            (None, "present") => String::new(),
            (None, state) => format!("  ({state})"),
        };
        let captured = row.captured.as_deref().unwrap_or(&row.modified);
        let day: String =
            captured.chars().take(16).map(|c| if c == 'T' { ' ' } else { c }).collect();
        let _ = writeln!(
            text,
            "{}  {:<5}  {day:<16}  {:>9}  {:<9}  {}{state}",
            row.id,
            row.kind,
            size,
            row.codec.as_deref().unwrap_or(""),
            row.path
        );
        text
    })
}

/// The parameters of `recent`.
#[derive(Args, Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Recent {
    /// How many, 1 to 1000.
    #[arg(short = 'n', long, default_value_t = few(), value_parser = clap::value_parser!(u32).range(1..=i64::from(PAGE_ROWS)))]
    #[serde(default = "few")]
    #[schemars(range(min = 1, max = 1000))]
    pub limit: u32,
    /// The cursor that the page before gave.
    #[arg(long)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

impl Action for Recent {
    const NAME: &'static [&'static str] = &["recent"];
    const SUMMARY: &'static str = "List the assets that came last";
    const ROUTE: Route = Route { method: "GET", path: "/recent" };
    const CHANGES: bool = false;
    type Output = Page;

    fn plan(&self, _context: &Context<'_>) -> Result<Plan> {
        Ok(Plan::reads("list the assets that came last"))
    }

    fn apply(&self, context: &Context<'_>) -> Result<Page> {
        context.engine.catalog()?.recent(self.limit, self.cursor.as_deref())
    }

    fn text(output: &Page) -> String {
        // How many there are in all is not what was asked for.
        rows(&output.items) + &next_page(output.next_cursor.as_deref())
    }
}

/// The parameters of `show`.
#[derive(Args, Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Show {
    /// The asset's id.
    pub id: String,
}

impl Action for Show {
    const NAME: &'static [&'static str] = &["show"];
    const SUMMARY: &'static str = "Show one asset with all its places and facts";
    const ROUTE: Route = Route { method: "GET", path: "/assets/{id}" };
    const CHANGES: bool = false;
    type Output = Asset;

    fn plan(&self, _context: &Context<'_>) -> Result<Plan> {
        Ok(Plan::reads("show one asset"))
    }

    fn apply(&self, context: &Context<'_>) -> Result<Asset> {
        context.engine.catalog()?.asset(&self.id)
    }

    fn text(output: &Asset) -> String {
        let mut text = rows(std::slice::from_ref(&output.row));
        let mut line = |name: &str, value: &str| {
            let _ = writeln!(text, "  {name:<12} {value}");
        };
        for place in &output.places {
            line("place", &format!("{} ({}, {})", place.path, place.root, place.state));
        }
        for sidecar in &output.sidecars {
            line("sidecar", &sidecar.path);
        }
        if let Some(partner) = &output.live_photo_partner {
            line("live photo", partner);
        }
        for (name, hash) in [("blake3", &output.blake3), ("xxh3-128", &output.xxh3_128)] {
            let hash = hash.as_deref().unwrap_or("not known yet");
            let doubt = if output.row.hashed || output.blake3.is_none() {
                ""
            } else {
                " (before it was touched; to be read again)"
            };
            line(name, &format!("{hash}{doubt}"));
        }
        if !output.tags.is_empty() {
            line("tags", &output.tags.join(", "));
        }
        if let Some(error) = &output.row.error {
            line("error", &error.to_string());
        }
        if let Some(error) = &output.preview_error {
            line("no preview", &error.to_string());
        }
        for event in &output.events {
            line(&event.kind, &format!("{} {}", event.at, event.detail));
        }
        if let Some(probe) = &output.probe {
            text += &in_words(probe);
        }
        text
    }
}

/// `stats` has no parameters.
#[derive(Args, Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ShowStats {}

impl Action for ShowStats {
    const NAME: &'static [&'static str] = &["stats"];
    const SUMMARY: &'static str = "Add up the catalogue by kind, codec, batch and root";
    const ROUTE: Route = Route { method: "GET", path: "/stats" };
    const CHANGES: bool = false;
    type Output = Stats;

    fn plan(&self, _context: &Context<'_>) -> Result<Plan> {
        Ok(Plan::reads("add up the catalogue"))
    }

    fn apply(&self, context: &Context<'_>) -> Result<Stats> {
        context.engine.catalog()?.stats()
    }

    fn text(output: &Stats) -> String {
        let mut text = format!(
            "{} assets in {} places, {} bytes; {} fully hashed, {} with errors\n",
            output.assets, output.places, output.size_bytes, output.hashed, output.errors
        );
        let groups = [
            ("kind", &output.by_kind),
            ("codec", &output.by_codec),
            ("batch", &output.by_batch),
            ("root", &output.by_root),
            ("state", &output.by_state),
        ];
        for (name, totals) in groups {
            let _ = writeln!(text, "by {name}");
            text += &totals_text(totals);
        }
        text
    }
}

fn totals_text(totals: &[Total]) -> String {
    totals.iter().fold(String::new(), |mut text, total| {
        let _ =
            writeln!(text, "  {:>8}  {:>15} bytes  {}", total.count, total.size_bytes, total.name);
        text
    })
}

/// `batches list` has no parameters.
#[derive(Args, Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListBatches {}

/// The batches.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Batches {
    /// Each batch, the largest first.
    pub batches: Vec<Total>,
}

impl Action for ListBatches {
    const NAME: &'static [&'static str] = &["batches", "list"];
    const SUMMARY: &'static str = "List the batches: the folders that assets are in";
    const ROUTE: Route = Route { method: "GET", path: "/batches" };
    const CHANGES: bool = false;
    type Output = Batches;

    fn plan(&self, _context: &Context<'_>) -> Result<Plan> {
        Ok(Plan::reads("list the batches"))
    }

    fn apply(&self, context: &Context<'_>) -> Result<Batches> {
        Ok(Batches { batches: context.engine.catalog()?.batches()? })
    }

    fn text(output: &Batches) -> String {
        totals_text(&output.batches)
    }
}

/// The parameters of `batches show`.
#[derive(Args, Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ShowBatch {
    /// The batch's name.
    pub name: String,
    /// Most assets of the page, 1 to 1000.
    #[arg(long, default_value_t = first_page(), value_parser = clap::value_parser!(u32).range(1..=i64::from(PAGE_ROWS)))]
    #[serde(default = "first_page")]
    #[schemars(range(min = 1, max = 1000))]
    pub limit: u32,
    /// The cursor that the page before gave.
    #[arg(long)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

impl Action for ShowBatch {
    const NAME: &'static [&'static str] = &["batches", "show"];
    const SUMMARY: &'static str = "List the assets of a batch";
    const ROUTE: Route = Route { method: "GET", path: "/batches/{name}" };
    const CHANGES: bool = false;
    type Output = Page;

    fn plan(&self, _context: &Context<'_>) -> Result<Plan> {
        Ok(Plan::reads(format!("list the batch {:?}", self.name)))
    }

    fn apply(&self, context: &Context<'_>) -> Result<Page> {
        let what = "looking a batch up";
        let none = || {
            let why = format!("no batch is named {:?}", self.name);
            Error::new(ErrorKind::NotFound, what, why).remedy("see rushes batches list")
        };
        if self.name.is_empty() || self.name.contains('"') {
            return Err(none());
        }
        let query = format!("batch:\"{}\"", self.name);
        let page =
            context.engine.catalog()?.search(&query, self.limit, self.cursor.as_deref(), None)?;
        if page.items.is_empty() && self.cursor.is_none() { Err(none()) } else { Ok(page) }
    }

    fn text(output: &Page) -> String {
        Search::text(output)
    }
}
