//! A queue whose time and machine a test moves.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rushes_actions::{Authority, Claimed, JobQueue as _, JobState, NewJob, Outcome, Report};
use rushes_catalog::Catalog;
use rushes_jobs::{Machine, Process, SqliteQueue};
use rushes_media::{Error, ErrorKind, ManualClock, Result};
use serde_json::json;

/// 2026-03-01T12:00:00Z
pub(crate) const NOON: i64 = 1_772_366_400_000_000_000;

/// A machine that boots, waits and loses processes when told.
pub(crate) struct TestMachine {
    pub(crate) boot: String,
    pub(crate) process: u32,
    pub(crate) shared: Arc<Shared>,
}

#[derive(Default)]
pub(crate) struct Shared {
    pub(crate) since_boot_ns: AtomicI64,
    pub(crate) gone: Mutex<Vec<u32>>,
}

impl Machine for TestMachine {
    fn boot(&self) -> &str {
        &self.boot
    }

    fn since_boot(&self) -> Result<Duration> {
        let nanos = self.shared.since_boot_ns.load(Ordering::SeqCst);
        Ok(Duration::from_nanos(nanos.unsigned_abs()))
    }

    fn this_process(&self) -> Process {
        Process { scope: "test".to_owned(), id: self.process, started: 7 }
    }

    fn is_gone(&self, process: &Process) -> bool {
        self.shared.gone.lock().unwrap().contains(&process.id)
    }
}

/// One catalogue with a clock and a machine, and as many processes as asked for.
pub(crate) struct Bench {
    folder: tempfile::TempDir,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) shared: Arc<Shared>,
}

impl Bench {
    pub(crate) fn new() -> Bench {
        let bench = Bench {
            folder: tempfile::tempdir().unwrap(),
            clock: Arc::new(ManualClock::at(NOON)),
            shared: Arc::default(),
        };
        bench.wait(Duration::from_secs(1_000));
        bench
    }

    pub(crate) fn path(&self) -> std::path::PathBuf {
        self.folder.path().join("catalogue.sqlite")
    }

    /// The queue as the process with this number sees it.
    pub(crate) fn process(&self, process: u32) -> SqliteQueue {
        self.process_of_boot(process, "boot 1")
    }

    pub(crate) fn process_of_boot(&self, process: u32, boot: &str) -> SqliteQueue {
        let catalog = Arc::new(Catalog::open(&self.path()).unwrap());
        let shared = Arc::clone(&self.shared);
        let machine = TestMachine { boot: boot.to_owned(), process, shared };
        SqliteQueue::on(catalog, Arc::clone(&self.clock) as _, Arc::new(machine))
    }

    /// Time passes.
    pub(crate) fn wait(&self, length: Duration) {
        self.clock.advance(length);
        let nanos = i64::try_from(length.as_nanos()).unwrap();
        self.shared.since_boot_ns.fetch_add(nanos, Ordering::SeqCst);
    }

    pub(crate) fn kill(&self, process: u32) {
        self.shared.gone.lock().unwrap().push(process);
    }
}

pub(crate) fn new_job(kind: &str, number: u32) -> NewJob {
    NewJob {
        kind: kind.to_owned(),
        title: format!("{kind} {number}"),
        params: json!({ "number": number }),
        key: None,
        priority: 0,
        authority: Authority::Local,
        asked_now: true,
    }
}

pub(crate) fn keyed(key: &str) -> NewJob {
    NewJob { key: Some(key.to_owned()), ..new_job("scan", 1) }
}

pub(crate) fn claim(queue: &SqliteQueue) -> Option<Claimed> {
    queue.claim("worker", &[], None).unwrap()
}

pub(crate) fn must_claim(queue: &SqliteQueue) -> Claimed {
    claim(queue).expect("a job is due")
}

pub(crate) fn state_of(queue: &SqliteQueue, id: i64) -> JobState {
    queue.get(id).unwrap().job.state
}

pub(crate) fn failure(kind: ErrorKind) -> Outcome {
    Outcome::Failed(Error::new(kind, "testing", "it was meant to fail"))
}

pub(crate) fn report(done: u64) -> Report {
    Report { done, total: Some(100), unit: "files", note: Some("IMG_1.JPG".into()) }
}
