//! The threads that carry out jobs while the server runs.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use rushes_actions::Engine;
use rushes_jobs::Runner;
use rushes_media::{Error, Result};

/// Which kinds share a thread, so that none waits behind a longer one: a scan
/// goes on while everything is hashed.
const GROUPS: [&[&str]; 3] = [&["scan", "check"], &["previews"], &["hash"]];

/// The threads of one server.
pub(crate) struct Workers {
    runner: Arc<Runner>,
    stop: Arc<AtomicBool>,
    /// Closed when the last thread has ended.
    ended: Receiver<()>,
}

impl Workers {
    /// Starts this many threads: none leaves the jobs to other processes, one
    /// or two do all kinds, from three on each group has its own, and any more
    /// do all kinds.
    pub(crate) fn start(engine: &Engine, count: usize) -> Result<Workers> {
        let runner = Arc::new(Runner::new(engine.clone(), "server"));
        let stop = Arc::new(AtomicBool::new(false));
        let (sender, ended) = channel();
        for index in 0..count {
            let kinds = if count < GROUPS.len() { None } else { GROUPS.get(index).copied() };
            spawn(index, runner.clone(), kinds.unwrap_or_default(), stop.clone(), sender.clone())?;
        }
        Ok(Workers { runner, stop, ended })
    }

    pub(crate) fn runner(&self) -> &Arc<Runner> {
        &self.runner
    }

    /// Tells them to put back what they run, so that it goes on at the next
    /// start, and waits for that until this time.
    pub(crate) fn stop(&self, deadline: Instant) {
        self.stop.store(true, Ordering::Relaxed);
        self.runner.wake();
        let left = deadline.saturating_duration_since(Instant::now());
        // One that does not end in time is no harm: its lease is void as soon
        // as this process is gone.
        let _ = self.ended.recv_timeout(left.max(Duration::from_millis(1)));
    }
}

fn spawn(
    index: usize,
    runner: Arc<Runner>,
    kinds: &'static [&'static str],
    stop: Arc<AtomicBool>,
    alive: Sender<()>,
) -> Result<()> {
    thread::Builder::new()
        .name(format!("worker {index}"))
        .spawn(move || {
            let _alive = alive;
            runner.work(kinds, &stop);
        })
        .map_err(|error| Error::io("starting a worker", &error))?;
    Ok(())
}
