//! `copies` and `destinations`: where every copy is, and when it was last read
//! back.

use std::fmt::Write as _;

use clap::Args;
use rushes_catalog::{CopyRow, DestinationRow, Place, asset_number};
use rushes_media::{Error, ErrorKind, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::action::{Action, Plan, Route};
use crate::backup::destinations::is_online;
use crate::context::Context;

/// The parameters of `copies`.
#[derive(Args, Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Copies {
    /// The asset's id.
    pub id: String,
}

/// Where an asset is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CopiesReport {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Where scans found it.
    pub places: Vec<Place>,
    /// Verified copies of it and of the files that belong to it.
    pub copies: Vec<CopyRow>,
}

impl Action for Copies {
    const NAME: &'static [&'static str] = &["copies"];
    const SUMMARY: &'static str =
        "Tell where every copy of an asset is and when it was last read back";
    const ROUTE: Route = Route { method: "GET", path: "/assets/{id}/copies" };
    const CHANGES: bool = false;
    type Output = CopiesReport;

    fn plan(&self, _context: &Context<'_>) -> Result<Plan> {
        Ok(Plan::reads(format!("list the copies of {}", self.id)))
    }

    fn apply(&self, context: &Context<'_>) -> Result<CopiesReport> {
        let catalog = context.engine.catalog()?;
        let asset = catalog.asset(&self.id)?;
        let number = catalog.read(|reader| asset_number(reader, &self.id))?;
        Ok(CopiesReport {
            copies: catalog.copies_of(number, &is_online)?,
            id: asset.row.id,
            name: asset.row.name,
            places: asset.places,
        })
    }

    fn text(output: &CopiesReport) -> String {
        let mut text = format!("{}\n", output.name);
        for place in &output.places {
            let _ = writeln!(text, "  {:<8} {} ({})", place.state, place.path, place.root);
        }
        for copy in &output.copies {
            let state = if copy.online || copy.state != "whole" { &copy.state } else { "offline" };
            let _ = writeln!(
                text,
                "  {state:<8} {} on {}, last read back {}",
                copy.path, copy.volume, copy.verified
            );
        }
        if output.copies.is_empty() {
            text += "  no verified copy; make one with rushes backup --to DIR\n";
        }
        text
    }
}

/// `destinations list` has no parameters.
#[derive(Args, Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListDestinations {}

/// Where copies were made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Destinations {
    /// Each destination, in the order in which they were first used.
    pub destinations: Vec<DestinationRow>,
}

impl Action for ListDestinations {
    const NAME: &'static [&'static str] = &["destinations", "list"];
    const SUMMARY: &'static str = "List where copies were made, and when they were last read back";
    const ROUTE: Route = Route { method: "GET", path: "/destinations" };
    const CHANGES: bool = false;
    type Output = Destinations;

    fn plan(&self, _context: &Context<'_>) -> Result<Plan> {
        Ok(Plan::reads("list where copies were made"))
    }

    fn apply(&self, context: &Context<'_>) -> Result<Destinations> {
        Ok(Destinations { destinations: context.engine.catalog()?.destination_rows(&is_online)? })
    }

    fn text(output: &Destinations) -> String {
        output.destinations.iter().fold(String::new(), |mut text, it| {
            let state = if it.online { "online" } else { "offline" };
            let _ = writeln!(
                text,
                "{:>3}  {state:<7}  {:>8} copies  {:>15} bytes  {:>4} lost  {}  read back since {}",
                it.id,
                it.copies,
                it.size_bytes,
                it.lost,
                it.path,
                it.verified_since.as_deref().unwrap_or("never")
            );
            text
        })
    }
}

/// The parameters of `destinations forget`.
#[derive(Args, Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ForgetDestination {
    /// Its number, as destinations list shows it.
    pub id: i64,
}

/// A destination that was forgotten.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ForgottenDestination {
    /// It as it was.
    pub forgotten: DestinationRow,
}

impl ForgetDestination {
    fn find(&self, context: &Context<'_>) -> Result<DestinationRow> {
        let rows = context.engine.catalog()?.destination_rows(&is_online)?;
        rows.into_iter().find(|it| it.id == self.id).ok_or_else(|| {
            let why = format!("no destination has the number {}", self.id);
            Error::new(ErrorKind::NotFound, "forgetting a destination", why)
                .remedy("see rushes destinations list")
        })
    }
}

impl Action for ForgetDestination {
    const NAME: &'static [&'static str] = &["destinations", "forget"];
    const SUMMARY: &'static str = "Forget the copies in one destination; no file is touched";
    const ROUTE: Route = Route { method: "DELETE", path: "/destinations/{id}" };
    const CHANGES: bool = true;
    type Output = ForgottenDestination;

    fn plan(&self, context: &Context<'_>) -> Result<Plan> {
        let found = self.find(context)?;
        let mut plan = Plan::reads(format!("forget the copies in {}", found.path));
        let does = format!("forget {} copies in {}; the files stay", found.copies, found.path);
        plan.push("forget", does);
        Ok(plan)
    }

    fn apply(&self, context: &Context<'_>) -> Result<ForgottenDestination> {
        let forgotten = self.find(context)?;
        context.engine.catalog()?.forget_destination(self.id)?;
        Ok(ForgottenDestination { forgotten })
    }

    fn text(output: &ForgottenDestination) -> String {
        let DestinationRow { path, copies, .. } = &output.forgotten;
        format!("{copies} copies in {path} are forgotten; the files are untouched\n")
    }
}
