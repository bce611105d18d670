//! The queue in the catalogue's SQLite file.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rushes_actions::{
    Authority, Claimed, EffectState, Job, JobDetail, JobQueue, JobState, Lease, NewJob, Outcome,
    Plan, Report, Signal,
};
use rushes_catalog::{Catalog, sql};
use rushes_media::{Clock, Error, ErrorKind, Result, SystemClock, UnixNanos};
use rusqlite::{Connection, OptionalExtension as _, Row, Transaction, named_params, params};

use crate::machine::{Machine, Process, ThisMachine};
use crate::policy::{
    KEPT_ENDED, LEASE, LONGEST_PAUSE, MAX_ATTEMPTS, RENEW_EVERY, after, after_death,
};
use crate::rate::Rate;
use crate::rows::{self, job, jobs, next_change, stored, to_json};

const READING: &str = "reading the job queue";
const CLAIMING: &str = "claiming a job";
const ENDING: &str = "ending a job";

/// Jobs that one call of `changed_since` returns at most.
const CHANGES_AT_ONCE: u32 = 1_000;

/// The queue in a catalogue. Several processes may use it at once.
///
/// A worker holds its job for [`LEASE`], renewed by its beats. The lease is
/// measured in time since boot, so no step of the clock ends it or makes it
/// last; it is void after a reboot, and as soon as the process that holds it is
/// certainly gone. A lease that ran out while nobody took the job over still
/// holds, so that a machine that wakes from sleep goes on.
pub struct SqliteQueue {
    catalog: Arc<Catalog>,
    clock: Arc<dyn Clock>,
    machine: Arc<dyn Machine>,
    /// For each job that this process runs: its token, and how fast it goes.
    rates: Mutex<HashMap<i64, (i64, Rate)>>,
}

/// The queue that lives in this catalogue.
///
/// # Errors
/// None so far; the tables come with the catalogue.
pub fn open_queue(catalog: &Arc<Catalog>) -> Result<Arc<dyn JobQueue>> {
    Ok(Arc::new(SqliteQueue::new(Arc::clone(catalog), Arc::new(SystemClock))))
}

/// A running job as a claim or a beat sees it.
struct Held {
    id: i64,
    attempts: u32,
    max_attempts: u32,
    deaths: u32,
    cancel_requested: bool,
    boot: String,
    until: Duration,
    process: Process,
}

const HELD: &str = "SELECT id, attempts, max_attempts, deaths, cancel_requested, lease_boot,
     lease_until_ns, process_scope, process_id, process_started FROM jobs";

impl Held {
    fn of(row: &Row<'_>) -> rusqlite::Result<Held> {
        Ok(Held {
            id: row.get("id")?,
            attempts: row.get("attempts")?,
            max_attempts: row.get("max_attempts")?,
            deaths: row.get("deaths")?,
            cancel_requested: row.get("cancel_requested")?,
            boot: row.get("lease_boot")?,
            until: Duration::from_nanos(row.get::<_, i64>("lease_until_ns")?.unsigned_abs()),
            process: Process {
                scope: row.get("process_scope")?,
                id: row.get("process_id")?,
                started: row.get::<_, i64>("process_started")?.unsigned_abs(),
            },
        })
    }
}

/// What a claim looks for.
struct Wanted {
    /// JSON list of kinds; all when it is empty.
    kinds: String,
    only: Option<i64>,
    now: UnixNanos,
}

impl SqliteQueue {
    /// The queue in this catalogue, with the time of day from this clock.
    #[must_use]
    pub fn new(catalog: Arc<Catalog>, clock: Arc<dyn Clock>) -> SqliteQueue {
        SqliteQueue::on(catalog, clock, Arc::new(ThisMachine::new()))
    }

    /// The same, on a machine of the caller's.
    #[must_use]
    pub fn on(
        catalog: Arc<Catalog>,
        clock: Arc<dyn Clock>,
        machine: Arc<dyn Machine>,
    ) -> SqliteQueue {
        SqliteQueue { catalog, clock, machine, rates: Mutex::new(HashMap::new()) }
    }

    /// Queues a job within a transaction of the caller's, so that it is there
    /// if and only if the rest of the transaction is.
    ///
    /// # Errors
    /// When it could not be stored.
    pub fn enqueue_in(&self, writer: &Transaction<'_>, new: &NewJob) -> Result<Job> {
        const WHAT: &str = "queuing a job";
        if let Some(key) = &new.key
            && let Some(same) = with_key(writer, key)?
            && let Some(job) = self.join(writer, same, new)?
        {
            return Ok(job);
        }
        let change = next_change(writer)?;
        let id = writer
            .prepare_cached(
                "INSERT INTO jobs (kind, title, params, key, priority, state, max_attempts,
                     created_ns, change, authority)
                 VALUES (?1, ?2, ?3, ?4, ?5, 'queued', ?6, ?7, ?8, ?9) RETURNING id",
            )
            .and_then(|mut statement| {
                statement.query_row(
                    params![
                        new.kind,
                        new.title,
                        new.params.to_string(),
                        new.key,
                        new.priority,
                        MAX_ATTEMPTS,
                        self.clock.now(),
                        change,
                        new.authority.name()
                    ],
                    |row| row.get(0),
                )
            })
            .map_err(sql(WHAT))?;
        job(writer, id)
    }

    /// The job with the key of a new one, as it stands then; none when it was
    /// only there because nobody had seen yet that it has ended.
    fn join(&self, writer: &Transaction<'_>, same: Job, new: &NewJob) -> Result<Option<Job>> {
        if !new.asked_now {
            return Ok(Some(same));
        }
        let id = same.id;
        let abandoned = self.abandoned(writer)?;
        if let Some(held) = abandoned.iter().find(|held| held.id == id) {
            self.take_back(writer, held)?;
        }
        let same = job(writer, id)?;
        match same.state {
            JobState::Running => Ok(Some(same)),
            JobState::Queued => ask_again(writer, same, new).map(Some),
            JobState::Done | JobState::Failed | JobState::Cancelled => Ok(None),
        }
    }

    fn rates(&self) -> MutexGuard<'_, HashMap<i64, (i64, Rate)>> {
        // Nothing in it can be half done.
        self.rates.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn forget_rate(&self, lease: &Lease) {
        let mut rates = self.rates();
        if rates.get(&lease.job_id).is_some_and(|(token, _)| *token == lease.token) {
            rates.remove(&lease.job_id);
        }
    }

    /// When a lease that is taken or renewed now runs out.
    fn until_ns(&self) -> Result<i64> {
        let until = self.machine.since_boot()?.saturating_add(LEASE);
        Ok(i64::try_from(until.as_nanos()).unwrap_or(i64::MAX))
    }

    fn is_abandoned(&self, held: &Held, since_boot: Duration) -> bool {
        held.boot != self.machine.boot()
            || held.until <= since_boot
            || self.machine.is_gone(&held.process)
    }

    /// Running jobs that nobody holds any more.
    fn abandoned(&self, reader: &Connection) -> Result<Vec<Held>> {
        let since_boot = self.machine.since_boot()?;
        let mut held = reader
            .prepare_cached(&format!("{HELD} WHERE state = 'running'"))
            .and_then(|mut statement| statement.query_map([], Held::of)?.collect::<Result<_, _>>())
            .map(|all: Vec<Held>| all)
            .map_err(sql(READING))?;
        held.retain(|held| self.is_abandoned(held, since_boot));
        Ok(held)
    }

    /// Puts a job whose worker is gone back into the queue, or parks it.
    fn take_back(&self, writer: &Transaction<'_>, held: &Held) -> Result<()> {
        let deaths = held.deaths.saturating_add(1);
        let (state, error) =
            after_death(held.attempts, held.max_attempts, deaths, held.cancel_requested);
        let ended =
            Ended { state, not_before: None, attempts: held.attempts, deaths: Some(deaths) };
        self.end(writer, held.id, &ended, error.as_ref().map(to_json).transpose()?, None)
    }

    /// Takes a running job from its worker, into this state.
    fn end(
        &self,
        writer: &Transaction<'_>,
        id: i64,
        ended: &Ended,
        error: Option<String>,
        result: Option<String>,
    ) -> Result<()> {
        let is_over = !matches!(ended.state, JobState::Queued | JobState::Running);
        let finished = is_over.then(|| self.clock.now());
        let change = next_change(writer)?;
        // Never finished before it started, even when the clock was set back.
        writer
            .prepare_cached(
                "UPDATE jobs SET state = :state, attempts = :attempts,
                     deaths = coalesce(:deaths, deaths), not_before_ns = :not_before,
                     finished_ns = max(:finished, coalesce(started_ns, created_ns)),
                     error = :error, result = :result, note = NULL, rate_per_sec = NULL,
                     worker = NULL, lease_boot = NULL, lease_until_ns = NULL,
                     process_scope = NULL, process_id = NULL, process_started = NULL,
                     change = :change
                 WHERE id = :id",
            )
            .and_then(|mut statement| {
                statement.execute(named_params! {
                    ":state": ended.state.name(),
                    ":attempts": ended.attempts,
                    ":deaths": ended.deaths,
                    ":not_before": ended.not_before,
                    ":finished": finished,
                    ":error": error,
                    ":result": result,
                    ":change": change,
                    ":id": id,
                })
            })
            .map_err(sql(ENDING))?;
        if is_over { trim(writer) } else { Ok(()) }
    }
}

/// How a job leaves its worker.
struct Ended {
    state: JobState,
    not_before: Option<UnixNanos>,
    attempts: u32,
    deaths: Option<u32>,
}

/// Shows jobs whose workers are gone as what they are: they wait for another one.
fn interrupt(shown: &mut [Job], abandoned: &[Held]) {
    let is_abandoned = |id| abandoned.iter().any(|held| held.id == id);
    for job in shown.iter_mut().filter(|job| is_abandoned(job.id)) {
        job.state = JobState::Queued;
        job.rate_per_sec = None;
        job.note = Some("interrupted: its worker is gone".into());
    }
}

/// The queued or running job that has this key.
fn with_key(reader: &Connection, key: &str) -> Result<Option<Job>> {
    let tail = "WHERE key = ?1 AND state IN ('queued', 'running')";
    Ok(jobs(reader, tail, [key])?.pop())
}

/// Lets a queued job do what was asked for last, and forgets what its attempts
/// came to and the pause after them.
fn ask_again(writer: &Transaction<'_>, queued: Job, new: &NewJob) -> Result<Job> {
    let is_same = queued.attempts == 0
        && (&queued.title, &queued.params, queued.authority)
            == (&new.title, &new.params, new.authority);
    // The network does not say what a job does that this machine's person asked for.
    let may_say = new.authority == Authority::Local || new.authority == queued.authority;
    if is_same || (!may_say && queued.attempts == 0) {
        return Ok(queued);
    }
    let (title, params, authority) = if may_say {
        (&new.title, &new.params, new.authority)
    } else {
        (&queued.title, &queued.params, queued.authority)
    };
    let change = next_change(writer)?;
    writer
        .prepare_cached(
            "UPDATE jobs SET title = ?2, params = ?3, authority = ?4, attempts = 0, deaths = 0,
                 not_before_ns = NULL, change = ?5
             WHERE id = ?1",
        )
        .and_then(|mut statement| {
            let id = queued.id;
            statement.execute(params![id, title, params.to_string(), authority.name(), change])
        })
        .map_err(sql("queuing a job again"))?;
    job(writer, queued.id)
}

/// The job to run next.
fn due(reader: &Connection, wanted: &Wanted) -> Result<Option<i64>> {
    // No pause is longer than the longest: one that seems so was set by a
    // clock that has been put back since.
    let longest = i64::try_from(LONGEST_PAUSE.as_nanos()).unwrap_or(i64::MAX);
    reader
        .prepare_cached(
            "SELECT id FROM jobs WHERE state = 'queued'
                 AND (not_before_ns IS NULL OR not_before_ns <= :now OR not_before_ns > :beyond)
                 AND (:only IS NULL OR id = :only)
                 AND (:kinds = '[]' OR kind IN (SELECT value FROM json_each(:kinds)))
             ORDER BY priority DESC, id LIMIT 1",
        )
        .and_then(|mut statement| {
            statement
                .query_row(
                    named_params! {
                        ":now": wanted.now,
                        ":beyond": wanted.now.saturating_add(longest),
                        ":only": wanted.only,
                        ":kinds": wanted.kinds,
                    },
                    |row| row.get(0),
                )
                .optional()
        })
        .map_err(sql(READING))
}

/// Removes the oldest ended jobs, with their effects.
fn trim(writer: &Transaction<'_>) -> Result<()> {
    writer
        .prepare_cached(
            "DELETE FROM jobs WHERE state IN ('done', 'failed', 'cancelled') AND change <= (
                 SELECT change FROM jobs WHERE state IN ('done', 'failed', 'cancelled')
                 ORDER BY change DESC LIMIT 1 OFFSET ?1)",
        )
        .and_then(|mut statement| statement.execute([KEPT_ENDED]))
        .map(drop)
        .map_err(sql("removing old jobs"))
}

/// The job that this lease holds, when it still does.
fn held(reader: &Connection, lease: &Lease) -> Result<Option<Held>> {
    reader
        .prepare_cached(&format!("{HELD} WHERE id = ?1 AND token = ?2 AND state = 'running'"))
        .and_then(|mut statement| {
            statement.query_row([lease.job_id, lease.token], Held::of).optional()
        })
        .map_err(sql(READING))
}

fn lost(what: &str, lease: &Lease) -> Error {
    let why = format!("the lease on job {} is lost, it is no longer this worker's", lease.job_id);
    Error::new(ErrorKind::Conflict, what, why)
}

impl JobQueue for SqliteQueue {
    fn enqueue(&self, new: &NewJob) -> Result<Job> {
        self.catalog.write(|writer| self.enqueue_in(writer, new))
    }

    fn claim(&self, worker: &str, kinds: &[&str], only: Option<i64>) -> Result<Option<Claimed>> {
        let wanted = Wanted { kinds: to_json(&kinds)?, only, now: self.clock.now() };
        // Most looks find nothing, and those must not keep writers waiting.
        let is_worth_it = self.catalog.read(|reader| {
            Ok(due(reader, &wanted)?.is_some() || !self.abandoned(reader)?.is_empty())
        })?;
        if !is_worth_it {
            return Ok(None);
        }
        let process = self.machine.this_process();
        let claimed = self.catalog.write(|writer| {
            for held in self.abandoned(writer)? {
                self.take_back(writer, &held)?;
            }
            let Some(id) = due(writer, &wanted)? else { return Ok(None) };
            // Taken here, because the wait for other writers may have been long.
            let until = self.until_ns()?;
            let change = next_change(writer)?;
            let token = writer
                .prepare_cached(
                    "UPDATE jobs SET state = 'running', token = token + 1,
                         attempts = attempts + 1, started_ns = max(:now, created_ns),
                         not_before_ns = NULL, done = 0, total = NULL, unit = '', note = NULL,
                         rate_per_sec = NULL, worker = :worker, lease_boot = :boot,
                         lease_until_ns = :until, process_scope = :scope, process_id = :process,
                         process_started = :process_started, change = :change
                     WHERE id = :id RETURNING token",
                )
                .and_then(|mut statement| {
                    statement.query_row(
                        named_params! {
                            ":now": wanted.now,
                            ":worker": worker,
                            ":boot": self.machine.boot(),
                            ":until": until,
                            ":scope": process.scope,
                            ":process": process.id,
                            ":process_started": stored(process.started),
                            ":change": change,
                            ":id": id,
                        },
                        |row| row.get(0),
                    )
                })
                .map_err(sql(CLAIMING))?;
            Ok(Some(Claimed { job: job(writer, id)?, lease: Lease { job_id: id, token } }))
        })?;
        if let Some(Claimed { lease, .. }) = &claimed {
            self.rates().insert(lease.job_id, (lease.token, Rate::default()));
        }
        Ok(claimed)
    }

    fn beat(&self, lease: &Lease, report: &Report) -> Result<Signal> {
        const WHAT: &str = "storing how far a job is";
        let signal = |cancel| if cancel { Signal::Cancel } else { Signal::Continue };
        let since_boot = self.machine.since_boot()?;
        let found = self.catalog.read(|reader| {
            let Some(held) = held(reader, lease)? else { return Ok(None) };
            Ok(Some((held, job(reader, lease.job_id)?)))
        })?;
        let Some((held, job)) = found else {
            self.forget_rate(lease);
            return Ok(Signal::Lost);
        };
        let is_news = job.done != report.done
            || job.total != report.total
            || job.note != report.note
            || job.unit != report.unit;
        let is_fresh = held.until.saturating_sub(since_boot) > LEASE - RENEW_EVERY;
        // To be cancelled is heard at once: storing news may have to wait for others that write.
        if is_fresh && (held.cancel_requested || !is_news) {
            return Ok(signal(held.cancel_requested));
        }
        let rate = {
            let mut rates = self.rates();
            let entry = rates.entry(lease.job_id).or_default();
            if entry.0 != lease.token {
                *entry = (lease.token, Rate::default());
            }
            entry.1.push(since_boot, report.done, report.unit)
        };
        let cancel: Option<bool> = self.catalog.write(|writer| {
            let until = self.until_ns()?;
            let change = next_change(writer)?;
            writer
                .prepare_cached(
                    "UPDATE jobs SET lease_until_ns = :until, lease_boot = :boot, done = :done,
                         total = :total, unit = :unit, note = :note, rate_per_sec = :rate,
                         change = :change
                     WHERE id = :id AND token = :token AND state = 'running'
                     RETURNING cancel_requested",
                )
                .and_then(|mut statement| {
                    statement
                        .query_row(
                            named_params! {
                                ":until": until,
                                ":boot": self.machine.boot(),
                                ":done": stored(report.done),
                                ":total": report.total.map(stored),
                                ":unit": report.unit,
                                ":note": report.note,
                                ":rate": rate,
                                ":change": change,
                                ":id": lease.job_id,
                                ":token": lease.token,
                            },
                            |row| row.get(0),
                        )
                        .optional()
                })
                .map_err(sql(WHAT))
        })?;
        let Some(cancel) = cancel else {
            self.forget_rate(lease);
            return Ok(Signal::Lost);
        };
        Ok(signal(cancel))
    }

    fn store_plan(&self, lease: &Lease, plan: &Plan) -> Result<()> {
        const WHAT: &str = "storing the plan of a job";
        let plan = to_json(plan)?;
        self.catalog.write(|writer| {
            let rows = writer
                .prepare_cached(
                    "UPDATE jobs SET plan = ?1 WHERE id = ?2 AND token = ?3 AND state = 'running'",
                )
                .and_then(|mut statement| {
                    statement.execute(params![plan, lease.job_id, lease.token])
                })
                .map_err(sql(WHAT))?;
            if rows == 0 { Err(lost(WHAT, lease)) } else { Ok(()) }
        })
    }

    fn record_effect(
        &self,
        lease: &Lease,
        key: &str,
        state: EffectState,
        detail: Option<&str>,
    ) -> Result<()> {
        const WHAT: &str = "recording an effect";
        let now = self.clock.now();
        self.catalog.write(|writer| {
            let rows = writer
                .prepare_cached(
                    "INSERT INTO job_effects (job_id, token, key, state, at_ns, detail)
                     SELECT id, token, ?3, ?4, ?5, ?6 FROM jobs
                     WHERE id = ?1 AND token = ?2 AND state = 'running'",
                )
                .and_then(|mut statement| {
                    statement.execute(params![
                        lease.job_id,
                        lease.token,
                        key,
                        state.name(),
                        now,
                        detail
                    ])
                })
                .map_err(sql(WHAT))?;
            if rows == 0 { Err(lost(WHAT, lease)) } else { Ok(()) }
        })
    }

    fn effect_done(&self, job_id: i64, key: &str) -> Result<Option<String>> {
        self.catalog.read(|reader| {
            let last: Option<(String, Option<String>)> = reader
                .prepare_cached(
                    "SELECT state, detail FROM job_effects WHERE job_id = ?1 AND key = ?2
                     ORDER BY id DESC LIMIT 1",
                )
                .and_then(|mut statement| {
                    statement
                        .query_row(params![job_id, key], |row| Ok((row.get(0)?, row.get(1)?)))
                        .optional()
                })
                .map_err(sql("reading what was done"))?;
            let done = last.filter(|(state, _)| state == EffectState::Done.name());
            Ok(done.and_then(|(_, detail)| detail))
        })
    }

    fn record_progress(&self, lease: &Lease) -> Result<()> {
        const WHAT: &str = "storing that a job got further";
        let is_first = |held: &Held| held.attempts <= 1 && held.deaths == 0;
        let found = self.catalog.read(|reader| held(reader, lease))?;
        if is_first(&found.ok_or_else(|| lost(WHAT, lease))?) {
            return Ok(());
        }
        self.catalog.write(|writer| {
            let change = next_change(writer)?;
            let rows = writer
                .prepare_cached(
                    "UPDATE jobs SET attempts = 1, deaths = 0, change = ?3
                     WHERE id = ?1 AND token = ?2 AND state = 'running'",
                )
                .and_then(|mut statement| statement.execute([lease.job_id, lease.token, change]))
                .map_err(sql(WHAT))?;
            if rows == 0 { Err(lost(WHAT, lease)) } else { Ok(()) }
        })
    }

    fn finish(&self, lease: &Lease, outcome: &Outcome) -> Result<Job> {
        let now = self.clock.now();
        let job = self.catalog.write(|writer| {
            let held = held(writer, lease)?.ok_or_else(|| lost(ENDING, lease))?;
            let next = after(outcome, held.attempts, held.max_attempts, held.cancel_requested);
            let not_before = next.pause.map(|pause| {
                now.saturating_add(i64::try_from(pause.as_nanos()).unwrap_or(i64::MAX))
            });
            let (error, result) = match outcome {
                Outcome::Done(result) => (None, Some(result.to_string())),
                Outcome::Failed(error) => (Some(to_json(error)?), None),
                Outcome::Cancelled | Outcome::Released => (None, None),
            };
            let ended =
                Ended { state: next.state, not_before, attempts: next.attempts, deaths: None };
            self.end(writer, lease.job_id, &ended, error, result)?;
            job(writer, lease.job_id)
        })?;
        self.forget_rate(lease);
        Ok(job)
    }

    fn get(&self, id: i64) -> Result<JobDetail> {
        self.catalog.read(|reader| {
            let mut found = vec![job(reader, id)?];
            interrupt(&mut found, &self.abandoned(reader)?);
            let job = found.pop().ok_or_else(|| Error::bug(READING, "the job went away"))?;
            Ok(JobDetail {
                job,
                plan: rows::plan(reader, id)?,
                effects: rows::effects(reader, id)?,
            })
        })
    }

    fn list(&self, state: Option<JobState>, before: Option<i64>, limit: u32) -> Result<Vec<Job>> {
        let before = before.unwrap_or(i64::MAX);
        self.catalog.read(|reader| {
            let abandoned = self.abandoned(reader)?;
            let ids: Vec<i64> = abandoned.iter().map(|held| held.id).collect();
            let mut found = match state {
                Some(state) => {
                    // One that is interrupted is shown as queued, and so listed there.
                    let tail = "WHERE (state = ?1 AND id NOT IN (SELECT value FROM json_each(?4))
                             OR ?1 = 'queued' AND id IN (SELECT value FROM json_each(?4)))
                         AND id < ?2 ORDER BY id DESC LIMIT ?3";
                    jobs(reader, tail, params![state.name(), before, limit, to_json(&ids)?])?
                }
                None => {
                    let tail = "WHERE id < ?1 ORDER BY id DESC LIMIT ?2";
                    jobs(reader, tail, params![before, limit])?
                }
            };
            interrupt(&mut found, &abandoned);
            Ok(found)
        })
    }

    fn cancel(&self, id: i64) -> Result<Job> {
        const WHAT: &str = "cancelling a job";
        self.catalog.write(|writer| {
            let found = job(writer, id)?;
            match found.state {
                JobState::Queued => {}
                JobState::Running => {
                    let change = next_change(writer)?;
                    writer
                        .prepare_cached(
                            "UPDATE jobs SET cancel_requested = 1, change = ?2 WHERE id = ?1",
                        )
                        .and_then(|mut statement| statement.execute([id, change]))
                        .map_err(sql(WHAT))?;
                    // Nobody is there to hear it when the worker is gone.
                    let abandoned = self.abandoned(writer)?;
                    if let Some(held) = abandoned.iter().find(|held| held.id == id) {
                        self.take_back(writer, held)?;
                    }
                    return job(writer, id);
                }
                JobState::Done | JobState::Failed | JobState::Cancelled => return Ok(found),
            }
            let error = found.error.as_ref().map(to_json).transpose()?;
            let ended = Ended {
                state: JobState::Cancelled,
                not_before: None,
                attempts: found.attempts,
                deaths: None,
            };
            self.end(writer, id, &ended, error, None)?;
            job(writer, id)
        })
    }

    fn retry(&self, id: i64) -> Result<Job> {
        const WHAT: &str = "queuing a job again";
        let conflict = |why: String| Error::new(ErrorKind::Conflict, WHAT, why);
        self.catalog.write(|writer| {
            for held in self.abandoned(writer)? {
                self.take_back(writer, &held)?;
            }
            let found = job(writer, id)?;
            if found.state == JobState::Queued {
                let why = format!("job {id} is queued");
                return Err(conflict(why).remedy(
                    "it runs as soon as something takes it: what asked for it, asked again, or \
                     rushes serve",
                ));
            }
            if !matches!(found.state, JobState::Failed | JobState::Cancelled) {
                return Err(conflict(format!("job {id} is {}", found.state.name())));
            }
            let key: Option<String> = writer
                .prepare_cached("SELECT key FROM jobs WHERE id = ?1")
                .and_then(|mut statement| statement.query_row([id], |row| row.get(0)))
                .map_err(sql(WHAT))?;
            if let Some(key) = key
                && let Some(same) = with_key(writer, &key)?
            {
                let why = format!("job {} does the same and is {}", same.id, same.state.name());
                return Err(conflict(why));
            }
            let change = next_change(writer)?;
            writer
                .prepare_cached(
                    "UPDATE jobs SET state = 'queued', attempts = 0, deaths = 0,
                         cancel_requested = 0, started_ns = NULL, finished_ns = NULL,
                         not_before_ns = NULL, done = 0, total = NULL, unit = '', error = NULL,
                         change = ?2
                     WHERE id = ?1",
                )
                .and_then(|mut statement| statement.execute([id, change]))
                .map_err(sql(WHAT))?;
            job(writer, id)
        })
    }

    fn changed_since(&self, mark: i64) -> Result<(Vec<Job>, i64)> {
        self.catalog.read(|reader| {
            let last = rows::last_change(reader)?;
            // A mark that was never given out is of another catalogue.
            let mark = if mark > last { 0 } else { mark };
            let tail = "WHERE change > ?1 ORDER BY change LIMIT ?2";
            let mut changed = jobs(reader, tail, params![mark, CHANGES_AT_ONCE])?;
            interrupt(&mut changed, &self.abandoned(reader)?);
            let full = changed.len() >= CHANGES_AT_ONCE as usize;
            let next = match changed.last() {
                Some(newest) if full => change_of(reader, newest.id)?,
                _ => last,
            };
            Ok((changed, next))
        })
    }
}

fn change_of(reader: &Connection, id: i64) -> Result<i64> {
    reader
        .prepare_cached("SELECT change FROM jobs WHERE id = ?1")
        .and_then(|mut statement| statement.query_row([id], |row| row.get(0)))
        .map_err(sql(READING))
}
