//! The durable queue behind one trait, so that the embedded one and a
//! distributed one are the same to everything else.

use rushes_media::{Error, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::action::{Plan, Verb};
use crate::context::{Authority, Report};

/// Where a job stands.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema, clap::ValueEnum,
)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    /// Waiting for a worker, or for its next attempt.
    Queued,
    /// A worker holds it.
    Running,
    /// Ended well.
    Done,
    /// Ended with an error, and will not be tried again by itself.
    Failed,
    /// Stopped because somebody asked.
    Cancelled,
}

impl JobState {
    /// Its name, also its JSON form.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            JobState::Queued => "queued",
            JobState::Running => "running",
            JobState::Done => "done",
            JobState::Failed => "failed",
            JobState::Cancelled => "cancelled",
        }
    }
}

/// One job, as everybody sees it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Job {
    /// Its number.
    pub id: i64,
    /// The verb it runs: `scan`, `hash`, `previews`, `check`.
    pub kind: String,
    /// One line that names it.
    pub title: String,
    /// Where it stands.
    pub state: JobState,
    /// Units done.
    pub done: u64,
    /// Units in all, when known.
    pub total: Option<u64>,
    /// `files` or `bytes`.
    pub unit: String,
    /// Units a second over the last seconds, while it runs.
    pub rate_per_sec: Option<f64>,
    /// What it is doing now.
    pub note: Option<String>,
    /// How often it was started since it was asked for, or last got further.
    pub attempts: u32,
    /// How often it may be.
    pub max_attempts: u32,
    /// When it was queued (RFC 3339).
    pub created: String,
    /// When it was last started.
    pub started: Option<String>,
    /// When it ended.
    pub finished: Option<String>,
    /// When it may be tried again, after a failed attempt.
    pub not_before: Option<String>,
    /// Why it failed last.
    pub error: Option<Error>,
    /// What it gave back.
    pub result: Option<Value>,
    /// Whether somebody asked it to stop.
    pub cancel_requested: bool,
    /// The verb's parameters.
    pub params: Value,
    /// Who asked for it: what it may do.
    pub authority: Authority,
    /// Rises with every change of any job: of two answers about a job, the one
    /// with the higher number is the newer, whichever arrives first.
    pub change: i64,
}

/// A job with all that is kept of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct JobDetail {
    /// The job.
    #[serde(flatten)]
    pub job: Job,
    /// What it set out to do; absent before its first start.
    pub plan: Option<Plan>,
    /// What it did, in order.
    pub effects: Vec<EffectRecord>,
}

/// One line of a job's effect log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EffectRecord {
    /// The effect's key in the plan.
    pub key: String,
    /// How far it came.
    pub state: EffectState,
    /// When that was recorded (RFC 3339).
    pub at: String,
    /// More about it.
    pub detail: Option<String>,
}

/// How far an effect came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EffectState {
    /// It was begun; without a later line it is visibly unfinished.
    Begun,
    /// It has happened.
    Done,
    /// It failed and nothing of it remains.
    Failed,
}

impl EffectState {
    /// Its name, also its JSON form.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            EffectState::Begun => "begun",
            EffectState::Done => "done",
            EffectState::Failed => "failed",
        }
    }
}

/// A job to be queued.
#[derive(Clone, Debug, PartialEq)]
pub struct NewJob {
    /// The verb.
    pub kind: String,
    /// One line that names it.
    pub title: String,
    /// The verb's parameters.
    pub params: Value,
    /// While a job with the same key is queued or running, no second one is
    /// made; the first is returned. One that waits takes the parameters of who
    /// asked last, unless that would let somebody say more than they may.
    pub key: Option<String>,
    /// Higher goes first: scans 10, previews 5, hashes 0.
    pub priority: i32,
    /// Who asks for it.
    pub authority: Authority,
    /// Whether somebody asks for it now, and not other work that leaves it
    /// behind. A job with the same key that waits after failed attempts, or
    /// whose worker died, then starts afresh instead of being waited for.
    pub asked_now: bool,
}

impl NewJob {
    /// This verb with these parameters as a job, to be told from others by the
    /// same key wherever it is queued.
    ///
    /// # Errors
    /// `Invalid` when the parameters are not those of the verb.
    pub fn of(
        verb: &Verb,
        params: &Value,
        authority: Authority,
        asked_now: bool,
    ) -> Result<NewJob> {
        let kind = verb.words();
        let priority = match kind.as_str() {
            "scan" => 10,
            "previews" => 5,
            "hash" => 0,
            _ => 8,
        };
        // Two verbs may well choose the same key.
        let key = (verb.job_key)(params)?.map(|key| format!("{kind} {key}"));
        let title = (verb.title)(params)?;
        Ok(NewJob { kind, title, params: params.clone(), key, priority, authority, asked_now })
    }
}

/// A worker's hold on a job, lost when it is not renewed in time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// The job.
    pub job_id: i64,
    /// Fencing token: every later claim of the job has a higher one, and
    /// nothing done under an older one is accepted.
    pub token: i64,
}

/// A job that was claimed, with the lease on it.
#[derive(Clone, Debug, PartialEq)]
pub struct Claimed {
    /// The job.
    pub job: Job,
    /// The hold on it.
    pub lease: Lease,
}

/// What a worker hears when it tells how far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// Go on.
    Continue,
    /// Somebody asked it to stop.
    Cancel,
    /// The lease is lost; another worker has the job. Stop at once.
    Lost,
}

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// Well, with this result.
    Done(Value),
    /// With this error. `Unavailable` and `Limit` errors are tried again
    /// after a pause that doubles, all others park the job at once; after
    /// `max_attempts` it is parked as failed either way.
    Failed(Error),
    /// Because somebody asked.
    Cancelled,
    /// The worker is shutting down; the job goes back to the queue and the
    /// attempt does not count.
    Released,
}

/// The durable queue.
pub trait JobQueue: Send + Sync {
    /// Queues a job, or returns the one that has its key already.
    ///
    /// # Errors
    /// When it could not be stored.
    fn enqueue(&self, new: &NewJob) -> Result<Job>;

    /// Takes the job that is due: `only` that one, or the most urgent of
    /// these kinds (all kinds when empty). A running job whose lease ran out
    /// is due again; one that died `max_attempts` times without getting further
    /// is parked as failed instead.
    ///
    /// # Errors
    /// When the queue cannot be read.
    fn claim(&self, worker: &str, kinds: &[&str], only: Option<i64>) -> Result<Option<Claimed>>;

    /// Renews the lease and stores the progress.
    ///
    /// # Errors
    /// When it could not be stored.
    fn beat(&self, lease: &Lease, report: &Report) -> Result<Signal>;

    /// Stores the plan of a job.
    ///
    /// # Errors
    /// `Conflict` when the lease is lost.
    fn store_plan(&self, lease: &Lease, plan: &Plan) -> Result<()>;

    /// Appends to a job's effect log, durably.
    ///
    /// # Errors
    /// `Conflict` when the lease is lost.
    fn record_effect(
        &self,
        lease: &Lease,
        key: &str,
        state: EffectState,
        detail: Option<&str>,
    ) -> Result<()>;

    /// What the log says last of an effect of a job, if that is that it was done.
    ///
    /// # Errors
    /// When the log cannot be read.
    fn effect_done(&self, job_id: i64, key: &str) -> Result<Option<String>>;

    /// Notes that this attempt got further than the ones before it: those no
    /// longer count, so that long work is not parked for as many deaths as it
    /// needs days, while what dies at the same place again and again still is.
    ///
    /// # Errors
    /// `Conflict` when the lease is lost.
    fn record_progress(&self, lease: &Lease) -> Result<()>;

    /// Ends an attempt.
    ///
    /// # Errors
    /// `Conflict` when the lease is lost.
    fn finish(&self, lease: &Lease, outcome: &Outcome) -> Result<Job>;

    /// One job.
    ///
    /// # Errors
    /// `NotFound`.
    fn get(&self, id: i64) -> Result<JobDetail>;

    /// Jobs, newest first; those in this state only when one is given, and
    /// those before this number only when one is given.
    ///
    /// # Errors
    /// When the queue cannot be read.
    fn list(&self, state: Option<JobState>, before: Option<i64>, limit: u32) -> Result<Vec<Job>>;

    /// Asks a job to stop. A queued one is cancelled at once; asking for one
    /// that has ended changes nothing.
    ///
    /// # Errors
    /// `NotFound`.
    fn cancel(&self, id: i64) -> Result<Job>;

    /// Queues a failed or cancelled job again, with its attempts back to none.
    ///
    /// # Errors
    /// `NotFound`; `Conflict` when it is queued, running or done.
    fn retry(&self, id: i64) -> Result<Job>;

    /// Jobs that changed since this mark, and the next mark; for live views.
    ///
    /// # Errors
    /// When the queue cannot be read.
    fn changed_since(&self, mark: i64) -> Result<(Vec<Job>, i64)>;
}
