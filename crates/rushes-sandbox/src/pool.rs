use std::fs::File;
use std::os::fd::BorrowedFd;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rushes_media::{Error, ErrorKind, Limits, Result};
use serde_json::Value;

use crate::launch::Spawner;
use crate::wire::{MAX_FILES, RequestRef, message};
use crate::worker::{Stop, Worker, cancelled};
use crate::{Launch, Protection, Reply};

/// How often a caller that waits for a free worker looks at its cancel flag.
const TURN: Duration = Duration::from_millis(20);
/// How long workers may take to end by themselves when the pool is dropped.
const GRACE: Duration = Duration::from_millis(300);

/// Opens the file of this number, for a task that asks for it; the file and its
/// name. It is called by the thread that waits for the task.
pub type Give<'a> = &'a dyn Fn(u64) -> Result<(File, Vec<u8>)>;

/// Worker processes that do one task at a time each. They start when first
/// needed, are used for many files, and are replaced after a crash. Any number
/// of threads may share a pool.
pub struct Pool {
    launch: Launch,
    size: usize,
    limits: Limits,
    spawner: Mutex<Option<Spawner>>,
    /// How many calls there have been; wraps around.
    calls: AtomicU32,
    state: Mutex<State>,
    freed: Condvar,
}

#[derive(Default)]
struct State {
    /// Workers that wait for work, the one used last at the end.
    idle: Vec<Worker>,
    /// Workers in all, those that are being started counted too.
    taken: usize,
    protection: Option<Protection>,
}

impl Pool {
    /// A pool of at most `size` workers (at least one), each within these
    /// limits. Nothing is started yet.
    #[must_use]
    pub fn new(launch: Launch, size: usize, limits: Limits) -> Pool {
        Pool {
            launch,
            size: size.max(1),
            limits,
            spawner: Mutex::new(None),
            calls: AtomicU32::new(0),
            state: Mutex::new(State::default()),
            freed: Condvar::new(),
        }
    }

    /// A pool of its own of the same program, of at most `size` workers, each
    /// within these limits.
    #[must_use]
    pub fn with_limits(&self, size: usize, limits: Limits) -> Pool {
        Pool::new(self.launch.clone(), size, limits)
    }

    /// Has a worker do this task, and waits for it; for a free worker too. The
    /// child gets descriptors of these files (at most
    /// [`MAX_FILES`](crate::MAX_FILES), opened for reading only, or a pipe to
    /// write to), which share their position with the caller's. Setting `cancel` ends the wait, and
    /// the worker that does the task, within a tenth of a second.
    ///
    /// # Errors
    /// The task's own error; `Limit` when it took too much memory, processor
    /// time or wall-clock time, or the request is over
    /// [`MAX_REQUEST_BYTES`](crate::MAX_REQUEST_BYTES); `Corrupt` when the
    /// worker crashed or sent nonsense; `Unavailable` when it was cancelled,
    /// killed from outside, or no worker can be started; `Invalid` for too
    /// many files; `Bug` when the task panicked.
    pub fn call(
        &self,
        task: &str,
        params: &Value,
        files: &[BorrowedFd<'_>],
        cancel: &AtomicBool,
    ) -> Result<Reply> {
        let none = |_| Err(Error::bug("opening a file for a worker", "none was promised"));
        self.call_giving(task, params, files, &none, cancel)
    }

    /// The same for a task of more files than travel at once: it asks for one
    /// after another by number, see [`ask`](crate::ask).
    ///
    /// # Errors
    /// As for [`Pool::call`]; what `give` fails with is the task's to handle.
    pub fn call_giving(
        &self,
        task: &str,
        params: &Value,
        files: &[BorrowedFd<'_>],
        give: Give<'_>,
        cancel: &AtomicBool,
    ) -> Result<Reply> {
        let what = format!("running the task '{task}'");
        if files.len() > MAX_FILES {
            let why = format!("{} files, at most {MAX_FILES} travel with it", files.len());
            return Err(Error::new(ErrorKind::Invalid, what, why));
        }
        let number = self.calls.fetch_add(1, Ordering::Relaxed);
        let request = message(&RequestRef { number, task, params, files: files.len() })?;
        let mut tries = 0;
        loop {
            tries += 1;
            let mut seat = self.take(&what, cancel)?;
            let Some(mut worker) = seat.worker.take() else {
                return Err(Error::bug(what, "a seat without a worker"));
            };
            match worker.call(number, &request, files, give, &self.limits, cancel) {
                Ok(outcome) => {
                    if !worker.is_worn(&self.limits) {
                        seat.worker = Some(worker);
                    }
                    return outcome;
                }
                // It ended while it was idle and no task was begun, so another one may try.
                Err(Stop::Undelivered) if tries < 2 => {}
                Err(stop) => return Err(worker.end(stop, &what, &self.limits)),
            }
        }
    }

    /// Which protections hold in this pool's workers; starts one when none has
    /// been started yet.
    ///
    /// # Errors
    /// `Unavailable` and others when no worker can be started.
    pub fn protection(&self) -> Result<Protection> {
        let what = "asking a worker how it is held";
        if self.lock().protection.is_none() {
            self.take(what, &AtomicBool::new(false))?;
        }
        let protection = self.lock().protection.clone();
        protection.ok_or_else(|| Error::bug(what, "it did not say"))
    }

    /// A worker that is free, or a new one when there may be more of them.
    fn take(&self, what: &str, cancel: &AtomicBool) -> Result<Seat<'_>> {
        let mut state = self.lock();
        loop {
            if cancel.load(Ordering::Relaxed) {
                return Err(cancelled(what));
            }
            if let Some(worker) = state.idle.pop() {
                drop(state);
                let mut seat = Seat { pool: self, worker: Some(worker) };
                if seat.worker.as_ref().is_some_and(Worker::is_quiet) {
                    return Ok(seat);
                }
                // Its place is free again when the worker is gone.
                seat.worker = None;
                drop(seat);
                state = self.lock();
            } else if state.taken < self.size {
                state.taken += 1;
                drop(state);
                let mut seat = Seat { pool: self, worker: None };
                let (worker, protection) = Worker::start(&self.spawner()?, &self.limits, cancel)?;
                self.lock().protection = Some(protection);
                seat.worker = Some(worker);
                return Ok(seat);
            } else {
                let waited = self.freed.wait_timeout(state, TURN);
                state = waited.unwrap_or_else(PoisonError::into_inner).0;
            }
        }
    }

    fn spawner(&self) -> Result<Spawner> {
        let mut spawner = self.spawner.lock().unwrap_or_else(PoisonError::into_inner);
        match &*spawner {
            Some(spawner) => Ok(spawner.clone()),
            None => Ok(spawner.insert(Spawner::new(self.launch.clone())?).clone()),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        let idle = std::mem::take(&mut self.lock().idle);
        for worker in &idle {
            worker.dismiss();
        }
        let deadline = Instant::now() + GRACE;
        for mut worker in idle {
            // One that does not end in time is killed when dropped.
            worker.reap(deadline.saturating_duration_since(Instant::now()));
        }
    }
}

/// One of the places of a pool. Dropped with a worker it gives the worker
/// back, dropped without one it makes room for a new one.
struct Seat<'a> {
    pool: &'a Pool,
    worker: Option<Worker>,
}

impl Drop for Seat<'_> {
    fn drop(&mut self) {
        let mut state = self.pool.lock();
        match self.worker.take() {
            Some(worker) => state.idle.push(worker),
            None => state.taken = state.taken.saturating_sub(1),
        }
        drop(state);
        self.pool.freed.notify_one();
    }
}
