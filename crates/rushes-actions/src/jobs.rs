//! `jobs list`, `jobs show`, `jobs cancel` and `jobs retry`: the job log.

use std::fmt::Write as _;

use clap::Args;
use rushes_media::{Error, ErrorKind, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::action::{Action, Plan, Route};
use crate::context::Context;
use crate::find::next_page;
use crate::queue::{Job, JobDetail, JobState};

fn many() -> u32 {
    50
}

/// Most jobs in one list.
const MOST_JOBS: u32 = 1000;

/// The parameters of `jobs list`.
#[derive(Args, Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListJobs {
    /// Only jobs in this state.
    #[arg(long)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<JobState>,
    /// How many, newest first, 1 to 1000.
    #[arg(long, default_value_t = many(), value_parser = clap::value_parser!(u32).range(1..=i64::from(MOST_JOBS)))]
    #[serde(default = "many")]
    #[schemars(range(min = 1, max = 1000))]
    pub limit: u32,
    /// The cursor that the page before gave.
    #[arg(long)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// One page of jobs, newest first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Jobs {
    /// The jobs.
    pub jobs: Vec<Job>,
    /// Give this back for the next page; absent on the last.
    pub next_cursor: Option<String>,
}

/// The job that a cursor stands after: numbers are never given out again, so
/// that it holds whatever is queued or removed meanwhile.
fn job_of(cursor: &str) -> Result<i64> {
    cursor.parse().ok().filter(|id| *id > 0).ok_or_else(|| {
        Error::new(ErrorKind::Invalid, "reading the cursor", "it is not from this list")
            .remedy("begin again without a cursor")
    })
}

fn line(job: &Job) -> String {
    let total = job.total.map_or(String::new(), |total| format!("/{total}"));
    let rate = job.rate_per_sec.map_or(String::new(), |rate| format!(", {rate:.0} a second"));
    let error = job.error.as_ref().map_or(String::new(), |error| format!("  ! {error}"));
    // What a queued job waits for, or what became of its worker.
    let note = match (&job.note, job.state) {
        (Some(note), JobState::Queued) => format!(", {note}"),
        _ => String::new(),
    };
    let asked = if job.cancel_requested && job.finished.is_none() { ", stopping" } else { "" };
    format!(
        "{:>6}  {:<9}  {}  {}{total} {}{rate}{note}{asked}  {}{error}\n",
        job.id,
        job.state.name(),
        job.created,
        job.done,
        job.unit,
        job.title
    )
}

impl Action for ListJobs {
    const NAME: &'static [&'static str] = &["jobs", "list"];
    const SUMMARY: &'static str = "List jobs, newest first";
    const ROUTE: Route = Route { method: "GET", path: "/jobs" };
    const CHANGES: bool = false;
    type Output = Jobs;

    fn plan(&self, _context: &Context<'_>) -> Result<Plan> {
        Ok(Plan::reads("list jobs"))
    }

    fn apply(&self, context: &Context<'_>) -> Result<Jobs> {
        if !(1..=MOST_JOBS).contains(&self.limit) {
            let why = format!("a list of {} jobs was asked for", self.limit);
            return Err(Error::new(ErrorKind::Invalid, "listing jobs", why)
                .remedy(format!("ask for 1 to {MOST_JOBS}")));
        }
        let before = self.cursor.as_deref().map(job_of).transpose()?;
        // One more than the page holds tells whether there is another.
        let mut jobs = context.engine.queue()?.list(self.state, before, self.limit + 1)?;
        let has_more = jobs.len() > self.limit as usize;
        jobs.truncate(self.limit as usize);
        let next_cursor = jobs.last().filter(|_| has_more).map(|last| last.id.to_string());
        Ok(Jobs { jobs, next_cursor })
    }

    fn text(output: &Jobs) -> String {
        let lines: String = output.jobs.iter().map(line).collect();
        lines + &next_page(output.next_cursor.as_deref())
    }
}

/// The parameters of `jobs show`.
#[derive(Args, Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ShowJob {
    /// The job's number.
    pub id: i64,
}

impl Action for ShowJob {
    const NAME: &'static [&'static str] = &["jobs", "show"];
    const SUMMARY: &'static str = "Show one job with its plan and what it did";
    const ROUTE: Route = Route { method: "GET", path: "/jobs/{id}" };
    const CHANGES: bool = false;
    type Output = JobDetail;

    fn plan(&self, _context: &Context<'_>) -> Result<Plan> {
        Ok(Plan::reads("show one job"))
    }

    fn apply(&self, context: &Context<'_>) -> Result<JobDetail> {
        context.engine.queue()?.get(self.id)
    }

    fn text(output: &JobDetail) -> String {
        let mut text = line(&output.job);
        if let Some(plan) = &output.plan {
            text += &plan.text();
        }
        for effect in &output.effects {
            let detail = effect.detail.as_deref().unwrap_or_default();
            let _ = writeln!(
                text,
                "  {}  {:<6}  {} {detail}",
                effect.at,
                effect.state.name(),
                effect.key
            );
        }
        if let Some(result) = &output.job.result {
            let _ = writeln!(text, "{}", serde_json::to_string_pretty(result).unwrap_or_default());
        }
        text
    }
}

/// The parameters of `jobs cancel`.
#[derive(Args, Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CancelJob {
    /// The job's number.
    pub id: i64,
}

impl Action for CancelJob {
    const NAME: &'static [&'static str] = &["jobs", "cancel"];
    const SUMMARY: &'static str = "Ask a job to stop; what it did stays";
    const ROUTE: Route = Route { method: "POST", path: "/jobs/{id}/cancel" };
    const CHANGES: bool = true;
    type Output = Job;

    fn plan(&self, context: &Context<'_>) -> Result<Plan> {
        let job = context.engine.queue()?.get(self.id)?.job;
        let mut plan = Plan::reads(format!("stop job {}", job.id));
        plan.push("cancel", format!("ask {} to stop", job.title));
        Ok(plan)
    }

    fn apply(&self, context: &Context<'_>) -> Result<Job> {
        context.engine.queue()?.cancel(self.id)
    }

    fn text(output: &Job) -> String {
        line(output)
    }
}

/// The parameters of `jobs retry`.
#[derive(Args, Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RetryJob {
    /// The job's number.
    pub id: i64,
}

impl Action for RetryJob {
    const NAME: &'static [&'static str] = &["jobs", "retry"];
    const SUMMARY: &'static str = "Queue a failed or cancelled job again";
    const ROUTE: Route = Route { method: "POST", path: "/jobs/{id}/retry" };
    const CHANGES: bool = true;
    type Output = Job;

    fn plan(&self, context: &Context<'_>) -> Result<Plan> {
        let job = context.engine.queue()?.get(self.id)?.job;
        let mut plan = Plan::reads(format!("queue job {} again", job.id));
        plan.push("retry", format!("queue {} again", job.title));
        Ok(plan)
    }

    fn apply(&self, context: &Context<'_>) -> Result<Job> {
        context.engine.queue()?.retry(self.id)
    }

    fn text(output: &Job) -> String {
        let mut text = line(output);
        let _ = writeln!(
            text,
            "        it waits for rushes serve, or for the same to be asked for with rushes {}",
            output.kind
        );
        text
    }
}
