//! One attempt at one job: what stands between the action, which works, and
//! the queue, which is told.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rushes_actions::{
    Context, EffectState, Engine, Job, JobQueue, Lease, Outcome, Progress, Report, Signal, Verb,
};
use rushes_media::{Error, ErrorKind, Result};
use serde_json::Value;

use crate::policy::LEASE;

/// An attempt, shared by the thread that works and the one that beats.
pub(crate) struct Attempt<'a> {
    queue: &'a dyn JobQueue,
    lease: &'a Lease,
    report: Mutex<Report>,
    /// Told to the action: stop soon.
    cancelled: AtomicBool,
    /// Somebody asked for it.
    cancel_asked: AtomicBool,
    /// The process is to end.
    is_released: AtomicBool,
    /// Another worker has the job.
    is_lost: AtomicBool,
    /// The queue knows that this attempt got further than those before.
    has_got_further: AtomicBool,
    beats: Mutex<Beats>,
    has_ended: Mutex<bool>,
    ended: Condvar,
}

/// How the beats go.
struct Beats {
    last_good: Instant,
    /// Why the job was given up, when no beat got through for a whole lease.
    gave_up: Option<Error>,
}

impl<'a> Attempt<'a> {
    pub fn new(queue: &'a dyn JobQueue, lease: &'a Lease) -> Attempt<'a> {
        Attempt {
            queue,
            lease,
            report: Mutex::new(Report::default()),
            cancelled: AtomicBool::new(false),
            cancel_asked: AtomicBool::new(false),
            is_released: AtomicBool::new(false),
            is_lost: AtomicBool::new(false),
            has_got_further: AtomicBool::new(false),
            beats: Mutex::new(Beats { last_good: Instant::now(), gave_up: None }),
            has_ended: Mutex::new(false),
            ended: Condvar::new(),
        }
    }

    /// Plans the verb, stores the plan, and does it. Never panics.
    pub fn carry_out(&self, engine: &Engine, verb: &Verb, job: &Job) -> Result<Value> {
        let params = &job.params;
        let context = Context { engine, authority: job.authority, progress: self };
        let work = || -> Result<Value> {
            let plan = (verb.plan)(&context, params, false)?;
            self.queue.store_plan(self.lease, &plan).inspect_err(|error| self.hear(error))?;
            (verb.apply)(&context, params)
        };
        // What an action shares with others it must leave sound in any case,
        // because it may also be killed.
        let result = catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
            Err(Error::bug(format!("running {}", verb.words()), said_by(panic.as_ref())))
        });
        *lock(&self.has_ended) = true;
        self.ended.notify_all();
        result
    }

    /// Waits until the action has ended, for this long at most. Whether it has.
    pub fn wait_for_end(&self, longest: Duration) -> bool {
        let has_ended = lock(&self.has_ended);
        *self
            .ended
            .wait_timeout_while(has_ended, longest, |has_ended| !*has_ended)
            .unwrap_or_else(PoisonError::into_inner)
            .0
    }

    /// Tells the queue how far it is, and the action what the queue says.
    pub fn beat(&self) {
        let report = self.reported();
        let beat = self.queue.beat(self.lease, &report);
        let mut beats = lock(&self.beats);
        match beat {
            Ok(signal) => {
                beats.last_good = Instant::now();
                match signal {
                    Signal::Continue => {}
                    Signal::Cancel => self.cancel_asked.store(true, Ordering::Relaxed),
                    Signal::Lost => self.is_lost.store(true, Ordering::Relaxed),
                }
                if signal != Signal::Continue {
                    self.cancelled.store(true, Ordering::Relaxed);
                }
            }
            // From here on another worker may have the job.
            Err(error) if beats.last_good.elapsed() >= LEASE && beats.gave_up.is_none() => {
                beats.gave_up = Some(error);
                self.cancelled.store(true, Ordering::Relaxed);
            }
            Err(_) => {}
        }
    }

    /// Tells the action to stop because the process is to end.
    pub fn release(&self) {
        self.is_released.store(true, Ordering::Relaxed);
        self.cancelled.store(true, Ordering::Relaxed);
    }

    pub fn reported(&self) -> Report {
        lock(&self.report).clone()
    }

    /// How the attempt ended; none when it is another worker's by now.
    pub fn outcome(&self, result: Result<Value>) -> Option<Outcome> {
        if self.is_lost.load(Ordering::Relaxed) {
            return None;
        }
        Some(match result {
            Ok(value) => Outcome::Done(value),
            // A mistake is told even when it shows while stopping.
            Err(error) if error.kind == ErrorKind::Bug => Outcome::Failed(error),
            Err(_) if self.cancel_asked.load(Ordering::Relaxed) => Outcome::Cancelled,
            Err(error) => match lock(&self.beats).gave_up.take() {
                Some(why) => Outcome::Failed(why),
                None if self.is_released.load(Ordering::Relaxed) => Outcome::Released,
                None => Outcome::Failed(error),
            },
        })
    }

    fn hear(&self, error: &Error) {
        if error.kind == ErrorKind::Conflict {
            self.is_lost.store(true, Ordering::Relaxed);
            self.cancelled.store(true, Ordering::Relaxed);
        }
    }
}

impl Progress for Attempt<'_> {
    fn report(&self, report: &Report) {
        lock(&self.report).clone_from(report);
    }

    fn cancelled(&self) -> &AtomicBool {
        &self.cancelled
    }

    fn effect(&self, key: &str, state: EffectState, detail: Option<&str>) -> Result<()> {
        self.queue
            .record_effect(self.lease, key, state, detail)
            .inspect_err(|error| self.hear(error))
    }

    fn done_before(&self, key: &str) -> Result<Option<String>> {
        self.queue.effect_done(self.lease.job_id, key)
    }

    fn got_further(&self) {
        if self.has_got_further.load(Ordering::Relaxed) {
            return;
        }
        match self.queue.record_progress(self.lease) {
            Ok(()) => self.has_got_further.store(true, Ordering::Relaxed),
            // One that could not be stored now is told again with the next.
            Err(error) => self.hear(&error),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Each holder writes one value whole.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn said_by(panic: &(dyn Any + Send)) -> String {
    if let Some(text) = panic.downcast_ref::<&str>() {
        return (*text).to_owned();
    }
    panic.downcast_ref::<String>().cloned().unwrap_or_else(|| "it panicked".to_owned())
}
