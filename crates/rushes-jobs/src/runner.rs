//! Workers: they claim jobs and carry them out.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rushes_actions::{Claimed, Engine, Job, JobQueue, JobState, Lease, Outcome, Verb};
use rushes_media::{Error, ErrorKind, Result};

use crate::attempt::Attempt;
use crate::rate::Rate;

/// How often a running job is told to the queue, and hears from it.
pub const BEAT: Duration = Duration::from_millis(200);

/// How often somebody who waits for a job looks whether it is to stop.
const LOOK: Duration = Duration::from_millis(10);

/// How often an idle worker looks for jobs that other processes queued.
pub const POLL: Duration = Duration::from_millis(500);

/// The longest pause of a worker whose queue fails.
const LONGEST_RETREAT: Duration = Duration::from_secs(30);

/// How long the end of an attempt is offered to a queue that cannot store it.
const FINISH_PATIENCE: Duration = Duration::from_secs(300);

/// The same where somebody waits for the job: they had better hear of the disk.
const ASKED_PATIENCE: Duration = Duration::from_secs(5);

/// Stack of the thread that carries a job out, as large as a main thread's.
const STACK_BYTES: usize = 8 << 20;

/// Finds the verb of a kind of job.
pub type FindVerb = fn(&str) -> Option<&'static Verb>;

/// A worker. Several threads may use one at the same time.
pub struct Runner {
    engine: Engine,
    name: String,
    find: FindVerb,
    /// Counts the calls of `wake`.
    wakes: Mutex<u64>,
    woken: Condvar,
    trouble: Mutex<Option<Error>>,
}

impl Runner {
    /// A worker for the verbs of Rushes. The name tells it from others.
    #[must_use]
    pub fn new(engine: Engine, name: &str) -> Runner {
        Runner::with_verbs(engine, name, rushes_actions::find)
    }

    /// A worker for other verbs.
    #[must_use]
    pub fn with_verbs(engine: Engine, name: &str, find: FindVerb) -> Runner {
        Runner {
            engine,
            name: name.to_owned(),
            find,
            wakes: Mutex::new(0),
            woken: Condvar::new(),
            trouble: Mutex::new(None),
        }
    }

    /// Runs this job to its end and returns it. Where another process holds
    /// it, or it waits for its next attempt, this follows it until it has
    /// ended. `watch` hears how far it is about twice a second.
    ///
    /// When `stop` is set, a job that runs here goes back to the queue, and the
    /// job is returned as it stands.
    ///
    /// # Errors
    /// `NotFound`, and when the queue cannot be read or written, for five seconds
    /// when that is at the end of the job. That the job failed is no error here:
    /// see its state.
    pub fn run_job(&self, job_id: i64, watch: &dyn Fn(&Job), stop: &AtomicBool) -> Result<Job> {
        self.run_or_follow(job_id, watch, stop).map(|(job, _)| job)
    }

    /// The same, and whether an attempt at it ran here.
    pub(crate) fn run_or_follow(
        &self,
        job_id: i64,
        watch: &dyn Fn(&Job),
        stop: &AtomicBool,
    ) -> Result<(Job, bool)> {
        let queue = self.engine.queue()?.as_ref();
        let mut job = queue.get(job_id)?.job;
        let mut mark = 0;
        let mut ran_here = false;
        loop {
            if has_ended(&job) || stop.load(Ordering::Relaxed) {
                return Ok((job, ran_here));
            }
            if let Some(claimed) = queue.claim(&self.name, &[], Some(job_id))? {
                ran_here = true;
                job = self.run(queue, &claimed, watch, stop, ASKED_PATIENCE)?;
                continue;
            }
            if let Some(news) = news_of(queue, job_id, &mut mark)? {
                job = news;
                watch(&job);
            }
            if !has_ended(&job) {
                pause(POLL, stop);
            }
        }
    }

    /// Claims the most urgent job of these kinds (of all when there are none)
    /// and runs one attempt of it. None when no job is due, or `stop` is set.
    ///
    /// # Errors
    /// When the queue cannot be read or written.
    pub fn run_next(&self, kinds: &[&str], stop: &AtomicBool) -> Result<Option<Job>> {
        if stop.load(Ordering::Relaxed) {
            return Ok(None);
        }
        let queue = self.engine.queue()?.as_ref();
        let Some(claimed) = queue.claim(&self.name, kinds, None)? else { return Ok(None) };
        self.run(queue, &claimed, &|_| {}, stop, FINISH_PATIENCE).map(Some)
    }

    /// Runs jobs of these kinds (of all when there are none) until `stop` is
    /// set. Meant for a thread of a server. What goes wrong with the queue
    /// itself is told by [`Runner::trouble`] and tried again.
    pub fn work(&self, kinds: &[&str], stop: &AtomicBool) {
        let mut retreat = POLL;
        while !stop.load(Ordering::Relaxed) {
            let wakes = *self.wakes();
            let ran = self.run_next(kinds, stop);
            *lock(&self.trouble) = ran.as_ref().err().cloned();
            match ran {
                Ok(Some(_)) => retreat = POLL,
                Ok(None) => {
                    retreat = POLL;
                    self.idle(wakes);
                }
                Err(_) => {
                    pause(retreat, stop);
                    retreat = retreat.saturating_mul(2).min(LONGEST_RETREAT);
                }
            }
        }
    }

    /// Lets an idle worker look at once: a job was queued, or `stop` was set.
    pub fn wake(&self) {
        *self.wakes() += 1;
        self.woken.notify_all();
    }

    /// Why the last look at the queue failed, when it did.
    #[must_use]
    pub fn trouble(&self) -> Option<Error> {
        lock(&self.trouble).clone()
    }

    fn wakes(&self) -> MutexGuard<'_, u64> {
        lock(&self.wakes)
    }

    /// Waits for a wake beyond those counted before, or for the next poll.
    fn idle(&self, wakes_before: u64) {
        let _ = self.woken.wait_timeout_while(self.wakes(), POLL, |wakes| *wakes == wakes_before);
    }

    /// Runs one attempt. The action has a thread of its own; this one beats.
    fn run(
        &self,
        queue: &dyn JobQueue,
        claimed: &Claimed,
        watch: &dyn Fn(&Job),
        stop: &AtomicBool,
        patience: Duration,
    ) -> Result<Job> {
        let Claimed { job, lease } = claimed;
        let Some(verb) = (self.find)(&job.kind) else {
            let why = format!("there is no verb {:?}", job.kind);
            let error = Error::new(ErrorKind::Unsupported, "running the job", why)
                .remedy("use the version of Rushes that queued it");
            return self.finish(queue, lease, &Outcome::Failed(error), stop, patience);
        };
        let attempt = Attempt::new(queue, lease);
        let began = Instant::now();
        let mut rate = Rate::default();
        let result = thread::scope(|scope| {
            let work = thread::Builder::new()
                .name(format!("job {}", job.id))
                .stack_size(STACK_BYTES)
                .spawn_scoped(scope, || attempt.carry_out(&self.engine, verb, job))
                .map_err(|error| Error::io("starting a thread for the job", &error))?;
            let mut last_beat = began;
            while !attempt.wait_for_end(LOOK) {
                if stop.load(Ordering::Relaxed) {
                    attempt.release();
                }
                if last_beat.elapsed() < BEAT {
                    continue;
                }
                last_beat = Instant::now();
                attempt.beat();
                let report = attempt.reported();
                watch(&Job {
                    done: report.done,
                    total: report.total,
                    unit: report.unit.to_owned(),
                    rate_per_sec: rate.push(began.elapsed(), report.done, report.unit),
                    note: report.note,
                    ..job.clone()
                });
            }
            work.join().unwrap_or_else(|_| Err(Error::bug("running the job", "its thread died")))
        });
        // How far it came last, which the end of a job does not tell.
        attempt.beat();
        let Some(outcome) = attempt.outcome(result) else {
            return Ok(queue.get(lease.job_id)?.job);
        };
        self.finish(queue, lease, &outcome, stop, patience)
    }

    /// Ends an attempt, again and again for this long while a full disk or a busy
    /// database keeps that from being stored.
    fn finish(
        &self,
        queue: &dyn JobQueue,
        lease: &Lease,
        outcome: &Outcome,
        stop: &AtomicBool,
        patience: Duration,
    ) -> Result<Job> {
        let began = Instant::now();
        let mut retreat = POLL;
        loop {
            match queue.finish(lease, outcome) {
                // Another worker has it; what it is now is for that one to say.
                Err(error) if error.kind == ErrorKind::Conflict => {
                    return Ok(queue.get(lease.job_id)?.job);
                }
                Err(error)
                    if error.kind == ErrorKind::Unavailable
                        && began.elapsed() < patience
                        && !stop.load(Ordering::Relaxed) =>
                {
                    *lock(&self.trouble) = Some(error);
                    pause(retreat, stop);
                    retreat = retreat.saturating_mul(2).min(LONGEST_RETREAT);
                }
                finished => return finished,
            }
        }
    }
}

/// Waits this long, but not past a stop.
fn pause(length: Duration, stop: &AtomicBool) {
    let began = Instant::now();
    while !stop.load(Ordering::Relaxed) {
        let left = length.saturating_sub(began.elapsed());
        if left.is_zero() {
            return;
        }
        thread::sleep(left.min(LOOK));
    }
}

fn has_ended(job: &Job) -> bool {
    matches!(job.state, JobState::Done | JobState::Failed | JobState::Cancelled)
}

/// The job as it is now, when it changed since this mark.
fn news_of(queue: &dyn JobQueue, job_id: i64, mark: &mut i64) -> Result<Option<Job>> {
    let mut found = None;
    loop {
        let (changed, next) = queue.changed_since(*mark)?;
        if changed.is_empty() && next == *mark {
            return Ok(found);
        }
        *mark = next;
        found = changed.into_iter().rev().find(|job| job.id == job_id).or(found);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Each holder writes one value whole.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
