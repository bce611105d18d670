//! The queue's promises: who gets a job, who may end it, and when it is tried
//! again. Time and the machine are the tests' own.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test may fail")]

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rushes_actions::{
    Authority, Claimed, EffectState, Job, JobQueue, JobState, Lease, NewJob, Outcome, Plan, Report,
    Signal,
};
use rushes_catalog::Catalog;
use rushes_jobs::{
    KEPT_ENDED, LEASE, LONGEST_PAUSE, MAX_ATTEMPTS, Machine, Process, RENEW_EVERY, SqliteQueue,
    pause_after,
};
use rushes_media::{Clock as _, Error, ErrorKind, ManualClock, Result};
use serde_json::json;

/// 2026-03-01T12:00:00Z
const NOON: i64 = 1_772_366_400_000_000_000;

/// A machine that boots, waits and loses processes when told.
struct TestMachine {
    boot: String,
    process: u32,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    since_boot_ns: AtomicI64,
    gone: Mutex<Vec<u32>>,
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
struct Bench {
    folder: tempfile::TempDir,
    clock: Arc<ManualClock>,
    shared: Arc<Shared>,
}

impl Bench {
    fn new() -> Bench {
        let bench = Bench {
            folder: tempfile::tempdir().unwrap(),
            clock: Arc::new(ManualClock::at(NOON)),
            shared: Arc::default(),
        };
        bench.wait(Duration::from_secs(1_000));
        bench
    }

    fn path(&self) -> std::path::PathBuf {
        self.folder.path().join("catalogue.sqlite")
    }

    /// The queue as the process with this number sees it.
    fn process(&self, process: u32) -> SqliteQueue {
        self.process_of_boot(process, "boot 1")
    }

    fn process_of_boot(&self, process: u32, boot: &str) -> SqliteQueue {
        let catalog = Arc::new(Catalog::open(&self.path()).unwrap());
        let shared = Arc::clone(&self.shared);
        let machine = TestMachine { boot: boot.to_owned(), process, shared };
        SqliteQueue::on(catalog, Arc::clone(&self.clock) as _, Arc::new(machine))
    }

    /// Time passes.
    fn wait(&self, length: Duration) {
        self.clock.advance(length);
        let nanos = i64::try_from(length.as_nanos()).unwrap();
        self.shared.since_boot_ns.fetch_add(nanos, Ordering::SeqCst);
    }

    fn kill(&self, process: u32) {
        self.shared.gone.lock().unwrap().push(process);
    }
}

fn new_job(kind: &str, number: u32) -> NewJob {
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

fn keyed(key: &str) -> NewJob {
    NewJob { key: Some(key.to_owned()), ..new_job("scan", 1) }
}

fn claim(queue: &SqliteQueue) -> Option<Claimed> {
    queue.claim("worker", &[], None).unwrap()
}

fn must_claim(queue: &SqliteQueue) -> Claimed {
    claim(queue).expect("a job is due")
}

fn state_of(queue: &SqliteQueue, id: i64) -> JobState {
    queue.get(id).unwrap().job.state
}

fn failure(kind: ErrorKind) -> Outcome {
    Outcome::Failed(Error::new(kind, "testing", "it was meant to fail"))
}

fn report(done: u64) -> Report {
    Report { done, total: Some(100), unit: "files", note: Some("IMG_1.JPG".into()) }
}

#[test]
fn a_job_from_its_queue_to_its_end() {
    let bench = Bench::new();
    let queue = bench.process(1);
    let queued = queue.enqueue(&new_job("scan", 1)).unwrap();
    assert_eq!(queued.state, JobState::Queued);
    assert_eq!(queued.created, "2026-03-01T12:16:40Z");
    assert_eq!((queued.attempts, queued.max_attempts), (0, MAX_ATTEMPTS));

    let Claimed { job, lease } = must_claim(&queue);
    assert_eq!((job.id, job.state, job.attempts), (queued.id, JobState::Running, 1));
    assert_eq!(job.started.as_deref(), Some("2026-03-01T12:16:40Z"));
    assert!(claim(&queue).is_none());

    let mut plan = Plan::reads("look at 2 files");
    plan.push("a", "looks at a");
    queue.store_plan(&lease, &plan).unwrap();
    queue.record_effect(&lease, "a", EffectState::Begun, None).unwrap();
    bench.wait(Duration::from_millis(500));
    queue.record_effect(&lease, "a", EffectState::Done, Some("3 facts")).unwrap();
    assert_eq!(queue.beat(&lease, &report(0)).unwrap(), Signal::Continue);
    bench.wait(Duration::from_secs(4));
    assert_eq!(queue.beat(&lease, &report(50)).unwrap(), Signal::Continue);
    let running = queue.get(job.id).unwrap().job;
    assert_eq!((running.done, running.total, running.unit.as_str()), (50, Some(100), "files"));
    assert_eq!(running.rate_per_sec, Some(12.5));
    assert_eq!(running.note.as_deref(), Some("IMG_1.JPG"));

    let done = queue.finish(&lease, &Outcome::Done(json!({ "found": 2 }))).unwrap();
    assert_eq!((done.state, done.done), (JobState::Done, 50));
    assert_eq!(done.result, Some(json!({ "found": 2 })));
    assert_eq!(done.finished.as_deref(), Some("2026-03-01T12:16:44.5Z"));
    assert_eq!((done.note.as_deref(), done.rate_per_sec, &done.error), (None, None, &None));

    let detail = bench.process(2).get(job.id).unwrap();
    assert_eq!(detail.job, done);
    assert_eq!(detail.plan, Some(plan));
    let log: Vec<_> = detail.effects.iter().map(|e| (e.key.as_str(), e.state)).collect();
    assert_eq!(log, [("a", EffectState::Begun), ("a", EffectState::Done)]);
    assert_eq!(detail.effects[1].at, "2026-03-01T12:16:40.5Z");
    assert_eq!(detail.effects[1].detail.as_deref(), Some("3 facts"));
}

/// What can be done to a job from outside or by its worker.
#[derive(Clone, Copy, Debug)]
enum Step {
    Claim,
    Done,
    Unavailable,
    Corrupt,
    Cancelled,
    Released,
    Cancel,
    Retry,
    Die,
}

/// Does this to the only job, with the newest lease; whether it was accepted.
fn step(bench: &Bench, queue: &SqliteQueue, id: i64, lease: &mut Lease, step: Step) -> bool {
    let finish = |outcome: &Outcome| {
        let finished = queue.finish(lease, outcome);
        assert!(finished.as_ref().err().is_none_or(|e| e.kind == ErrorKind::Conflict));
        finished.is_ok()
    };
    match step {
        Step::Claim => match claim(queue) {
            Some(claimed) => {
                assert!(claimed.lease.token > lease.token);
                *lease = claimed.lease;
                true
            }
            None => false,
        },
        Step::Done => finish(&Outcome::Done(json!(1))),
        Step::Unavailable => finish(&failure(ErrorKind::Unavailable)),
        Step::Corrupt => finish(&failure(ErrorKind::Corrupt)),
        Step::Cancelled => finish(&Outcome::Cancelled),
        Step::Released => finish(&Outcome::Released),
        Step::Cancel => queue.cancel(id).is_ok(),
        Step::Retry => queue.retry(id).is_ok(),
        Step::Die => {
            bench.wait(LEASE);
            true
        }
    }
}

#[test]
fn states_follow_the_table() {
    use JobState::{Cancelled, Done, Failed, Queued, Running};
    use Step::{Cancel, Claim, Corrupt, Die, Released, Retry, Unavailable};
    // Steps; whether the last is accepted; the state and the attempts after it.
    let table: &[(&[Step], bool, JobState, u32)] = &[
        (&[Claim], true, Running, 1),
        (&[Claim, Claim], false, Running, 1),
        (&[Step::Done], false, Queued, 0),
        (&[Claim, Step::Done], true, Done, 1),
        (&[Claim, Step::Done, Step::Done], false, Done, 1),
        (&[Claim, Step::Done, Corrupt], false, Done, 1),
        (&[Claim, Step::Done, Cancel], true, Done, 1),
        (&[Claim, Step::Done, Retry], false, Done, 1),
        (&[Claim, Step::Done, Claim], false, Done, 1),
        (&[Claim, Corrupt], true, Failed, 1),
        (&[Claim, Corrupt, Cancel], true, Failed, 1),
        (&[Claim, Corrupt, Claim], false, Failed, 1),
        (&[Claim, Corrupt, Retry], true, Queued, 0),
        (&[Claim, Corrupt, Retry, Step::Done], false, Queued, 0),
        (&[Claim, Corrupt, Retry, Claim], true, Running, 1),
        (&[Claim, Unavailable], true, Queued, 1),
        (&[Claim, Unavailable, Claim], false, Queued, 1),
        (&[Claim, Unavailable, Die, Claim], true, Running, 2),
        (&[Claim, Unavailable, Cancel], true, Cancelled, 1),
        (&[Claim, Cancel], true, Running, 1),
        (&[Claim, Cancel, Step::Cancelled], true, Cancelled, 1),
        (&[Claim, Cancel, Step::Done], true, Done, 1),
        (&[Claim, Cancel, Corrupt], true, Failed, 1),
        (&[Claim, Cancel, Unavailable], true, Cancelled, 1),
        (&[Claim, Cancel, Released], true, Cancelled, 1),
        (&[Claim, Cancel, Retry], false, Running, 1),
        (&[Claim, Cancel, Die, Claim], false, Cancelled, 1),
        (&[Claim, Die, Cancel], true, Cancelled, 1),
        (&[Cancel], true, Cancelled, 0),
        (&[Cancel, Cancel], true, Cancelled, 0),
        (&[Cancel, Claim], false, Cancelled, 0),
        (&[Cancel, Retry], true, Queued, 0),
        (&[Retry], false, Queued, 0),
        (&[Claim, Retry], false, Running, 1),
        (&[Claim, Released], true, Queued, 0),
        (&[Claim, Released, Claim], true, Running, 1),
        (&[Claim, Die, Claim], true, Running, 2),
        // Nobody took it over: the lease that ran out still holds.
        (&[Claim, Die, Step::Done], true, Done, 1),
        (&[Claim, Die, Claim, Die, Claim, Die, Claim], false, Failed, 3),
        (&[Claim, Die, Claim, Die, Claim, Die, Claim, Retry, Claim], true, Running, 1),
    ];
    for (steps, accepted, state, attempts) in table {
        let bench = Bench::new();
        let queue = bench.process(1);
        let id = queue.enqueue(&new_job("scan", 1)).unwrap().id;
        let mut lease = Lease { job_id: id, token: 0 };
        let mut last = false;
        for each in *steps {
            last = step(&bench, &queue, id, &mut lease, *each);
        }
        let job = queue.get(id).unwrap().job;
        assert_eq!((last, job.state, job.attempts), (*accepted, *state, *attempts), "{steps:?}");
        let ended = matches!(job.state, Done | Failed | Cancelled);
        assert_eq!(job.finished.is_some(), ended, "{steps:?}");
        assert_eq!(job.error.is_some() && job.state == Failed, job.state == Failed, "{steps:?}");
        assert_eq!(job.result.is_some(), job.state == Done, "{steps:?}");
    }
}

#[test]
fn a_key_is_queued_once_while_it_lives() {
    let bench = Bench::new();
    let queue = bench.process(1);
    let first = queue.enqueue(&keyed("scan footage")).unwrap();
    let other = bench.process(2);
    assert_eq!(other.enqueue(&keyed("scan footage")).unwrap().id, first.id);
    assert_ne!(other.enqueue(&keyed("scan photos")).unwrap().id, first.id);
    let lease = queue.claim("worker", &[], Some(first.id)).unwrap().unwrap().lease;
    assert_eq!(other.enqueue(&keyed("scan footage")).unwrap().id, first.id);
    queue.finish(&lease, &failure(ErrorKind::Corrupt)).unwrap();
    let second = other.enqueue(&keyed("scan footage")).unwrap();
    assert_ne!(second.id, first.id);

    let refused = queue.retry(first.id).unwrap_err();
    assert_eq!(refused.kind, ErrorKind::Conflict);
    let why = format!("job {} does the same and is queued", second.id);
    assert_eq!(refused.why, why);
    queue.cancel(second.id).unwrap();
    assert_eq!(queue.retry(first.id).unwrap().state, JobState::Queued);
    // Jobs without a key are all different.
    let ids = [1, 2].map(|_| queue.enqueue(&new_job("scan", 1)).unwrap().id);
    assert_ne!(ids[0], ids[1]);
}

#[test]
fn a_job_is_queued_if_and_only_if_its_transaction_is() {
    let bench = Bench::new();
    let catalog = Arc::new(Catalog::open(&bench.path()).unwrap());
    let queue = SqliteQueue::new(Arc::clone(&catalog), Arc::clone(&bench.clock) as _);
    let failed: Result<()> = catalog.write(|writer| {
        queue.enqueue_in(writer, &new_job("scan", 1))?;
        Err(Error::new(ErrorKind::Invalid, "testing", "the rest failed"))
    });
    assert!(failed.is_err());
    assert_eq!(queue.list(None, None, 10).unwrap(), []);
    catalog.write(|writer| queue.enqueue_in(writer, &new_job("scan", 1))).unwrap();
    assert_eq!(queue.list(None, None, 10).unwrap().len(), 1);
}

#[test]
fn the_most_urgent_of_the_wanted_kinds_goes_first() {
    let bench = Bench::new();
    let queue = bench.process(1);
    for (number, (kind, priority)) in
        [("hash", 0), ("previews", 5), ("scan", 10), ("hash", 0), ("scan", 10)].iter().enumerate()
    {
        let job = new_job(kind, u32::try_from(number).unwrap());
        queue.enqueue(&NewJob { priority: *priority, ..job }).unwrap();
    }
    let next = |kinds: &[&str]| {
        queue.claim("worker", kinds, None).unwrap().map(|claimed| claimed.job.title)
    };
    assert_eq!(next(&["hash", "previews"]).as_deref(), Some("previews 1"));
    assert_eq!(next(&["check"]), None);
    assert_eq!(next(&[]).as_deref(), Some("scan 2"));
    assert_eq!(next(&["hash"]).as_deref(), Some("hash 0"));
    assert_eq!(next(&[]).as_deref(), Some("scan 4"));
    assert_eq!(next(&[]).as_deref(), Some("hash 3"));
    assert_eq!(next(&[]), None);
    assert_eq!(queue.list(Some(JobState::Running), None, 3).unwrap().len(), 3);
    let newest: Vec<_> =
        queue.list(None, None, 2).unwrap().into_iter().map(|job| job.title).collect();
    assert_eq!(newest, ["scan 4", "hash 3"]);
}

#[test]
fn two_processes_claim_five_hundred_jobs_each_once() {
    const JOBS: u32 = 500;
    let bench = Bench::new();
    let catalog = Arc::new(Catalog::open(&bench.path()).unwrap());
    let queue = bench.process(1);
    catalog
        .write(|writer| {
            (0..JOBS).try_for_each(|n| queue.enqueue_in(writer, &new_job("x", n)).map(drop))
        })
        .unwrap();
    let queues = [bench.process(1), bench.process(2)];
    let start = std::sync::Barrier::new(queues.len());
    let claimed: Vec<Vec<i64>> = std::thread::scope(|scope| {
        let workers: Vec<_> = queues
            .iter()
            .map(|queue| {
                scope.spawn(|| {
                    start.wait();
                    std::iter::from_fn(|| claim(queue)).map(|claimed| claimed.job.id).collect()
                })
            })
            .collect();
        workers.into_iter().map(|worker| worker.join().unwrap()).collect()
    });
    let mut all: Vec<i64> = claimed.iter().flatten().copied().collect();
    assert_eq!(all.len(), JOBS as usize);
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), JOBS as usize);
    assert_eq!(queue.list(Some(JobState::Running), None, 1_000).unwrap().len(), JOBS as usize);
}

#[test]
fn a_stale_lease_changes_nothing() {
    let bench = Bench::new();
    let (old, new) = (bench.process(1), bench.process(2));
    let id = old.enqueue(&new_job("scan", 1)).unwrap().id;
    let stale = must_claim(&old).lease;
    old.record_effect(&stale, "a", EffectState::Begun, None).unwrap();
    bench.wait(LEASE - Duration::from_nanos(1));
    assert!(claim(&new).is_none());
    bench.wait(Duration::from_nanos(1));
    let fresh = must_claim(&new).lease;
    assert!(fresh.token > stale.token);
    let before = new.get(id).unwrap();

    assert_eq!(old.beat(&stale, &report(99)).unwrap(), Signal::Lost);
    let refused = [
        old.record_effect(&stale, "a", EffectState::Done, None).unwrap_err(),
        old.store_plan(&stale, &Plan::reads("nothing")).unwrap_err(),
        old.finish(&stale, &Outcome::Done(json!("stale"))).unwrap_err(),
        old.finish(&stale, &Outcome::Released).unwrap_err(),
    ];
    assert!(refused.iter().all(|error| error.kind == ErrorKind::Conflict), "{refused:?}");
    assert_eq!(new.get(id).unwrap(), before);
    new.record_effect(&fresh, "a", EffectState::Done, None).unwrap();
    assert_eq!(new.finish(&fresh, &Outcome::Done(json!("fresh"))).unwrap().state, JobState::Done);
    // Not after the end either.
    let late = new.record_effect(&fresh, "b", EffectState::Begun, None).unwrap_err();
    assert_eq!(late.kind, ErrorKind::Conflict);
    assert_eq!(new.beat(&fresh, &report(1)).unwrap(), Signal::Lost);
    assert_eq!(new.get(id).unwrap().effects.len(), 2);
}

#[test]
fn beats_keep_the_lease_also_without_news() {
    let bench = Bench::new();
    let (owner, other) = (bench.process(1), bench.process(2));
    owner.enqueue(&new_job("scan", 1)).unwrap();
    let lease = must_claim(&owner).lease;
    for _ in 0..40 {
        bench.wait(RENEW_EVERY);
        assert_eq!(owner.beat(&lease, &Report::default()).unwrap(), Signal::Continue);
        assert!(claim(&other).is_none());
    }
    let marked = other.changed_since(0).unwrap().1;
    bench.wait(Duration::from_millis(500));
    assert_eq!(owner.beat(&lease, &Report::default()).unwrap(), Signal::Continue);
    assert_eq!(other.changed_since(marked).unwrap(), (vec![], marked), "nothing was written");
    bench.wait(LEASE - Duration::from_millis(500));
    assert!(claim(&other).is_some());
}

#[test]
fn the_job_of_a_dead_process_is_taken_over_at_once() {
    let bench = Bench::new();
    let (dead, other) = (bench.process(1), bench.process(2));
    let id = dead.enqueue(&new_job("scan", 1)).unwrap().id;
    let stale = must_claim(&dead).lease;
    assert!(claim(&other).is_none());
    bench.kill(1);
    let Claimed { job, lease } = must_claim(&other);
    assert_eq!((job.id, job.attempts), (id, 2));
    assert_eq!(job.error.unwrap().why, "its worker died once");
    assert_eq!(other.beat(&stale, &report(1)).unwrap(), Signal::Lost);
    assert_eq!(other.finish(&lease, &Outcome::Done(json!(1))).unwrap().error, None);
}

#[test]
fn a_job_that_kills_its_workers_is_parked() {
    let bench = Bench::new();
    let poison = bench.process(1).enqueue(&new_job("scan", 1)).unwrap().id;
    let sound = bench.process(1).enqueue(&new_job("scan", 2)).unwrap().id;
    for process in 1..=3 {
        assert_eq!(must_claim(&bench.process(process)).job.id, poison);
        bench.kill(process);
    }
    let survivor = bench.process(4);
    assert_eq!(must_claim(&survivor).job.id, sound);
    let parked = survivor.get(poison).unwrap().job;
    assert_eq!((parked.state, parked.attempts), (JobState::Failed, 3));
    assert_eq!(parked.error.unwrap().why, "its worker died 3 times");
    assert!(claim(&survivor).is_none());
    let again = survivor.retry(poison).unwrap();
    assert_eq!((again.state, again.attempts, again.error), (JobState::Queued, 0, None));
}

#[test]
fn asking_again_starts_a_dying_job_afresh() {
    let bench = Bench::new();
    let brought_along = NewJob { asked_now: false, ..keyed("scan footage") };
    let first = bench.process(1).enqueue(&brought_along).unwrap().id;
    for deaths in 1..3 {
        must_claim(&bench.process(deaths));
        bench.kill(deaths);
    }
    // What only comes along does not undo what is known of the job.
    let queue = bench.process(3);
    assert_eq!(queue.enqueue(&brought_along).unwrap().id, first);
    let asked = queue.enqueue(&keyed("scan footage")).unwrap();
    assert_eq!((asked.id, asked.state, asked.attempts), (first, JobState::Queued, 0));
    for process in 3..6 {
        assert_eq!(must_claim(&bench.process(process)).job.id, first);
        bench.kill(process);
    }
    // Nobody has seen the third death yet: who asks gets a job that runs.
    let queue = bench.process(6);
    let second = queue.enqueue(&keyed("scan footage")).unwrap();
    assert_ne!(second.id, first);
    assert_eq!(state_of(&queue, first), JobState::Failed);
    assert_eq!(queue.claim("worker", &[], Some(second.id)).unwrap().unwrap().job.attempts, 1);
    // One that runs is joined, and one that pauses does so no longer.
    assert_eq!(bench.process(7).enqueue(&keyed("scan footage")).unwrap().id, second.id);
    let lease = Lease { job_id: second.id, token: 1 };
    assert!(queue.finish(&lease, &failure(ErrorKind::Limit)).unwrap().not_before.is_some());
    assert!(queue.enqueue(&brought_along).unwrap().not_before.is_some());
    let asked = queue.enqueue(&keyed("scan footage")).unwrap();
    assert_eq!((asked.id, asked.attempts, asked.not_before), (second.id, 0, None));
}

#[test]
fn a_job_that_waits_does_what_was_asked_for_last() {
    let bench = Bench::new();
    let queue = bench.process(1);
    let rate = |rate: u32, authority, asked_now| {
        let params = json!({ "rate": rate });
        let title = format!("hash at {rate}");
        let new = NewJob { params, title, authority, asked_now, ..keyed("hash") };
        let job = queue.enqueue(&new).unwrap();
        (job.id, job.params["rate"].as_u64(), job.title, job.authority)
    };
    let (local, network) = (Authority::Local, Authority::Network);
    let is = |rate: u32, authority| (1, Some(rate.into()), format!("hash at {rate}"), authority);
    assert_eq!(rate(1, network, false), is(1, network));
    assert_eq!(rate(2, network, false), is(1, network), "it only comes along");
    assert_eq!(rate(3, network, true), is(3, network));
    assert_eq!(rate(4, local, true), is(4, local));
    assert_eq!(rate(5, network, true), is(4, local), "it is this machine's person's now");
    let lease = must_claim(&queue).lease;
    assert_eq!(rate(6, local, true), is(4, local), "it runs");
    queue.finish(&lease, &Outcome::Released).unwrap();
    assert_eq!(rate(7, local, true), is(7, local));
}

#[test]
fn deaths_count_from_where_a_job_got_further() {
    let bench = Bench::new();
    let id = bench.process(1).enqueue(&new_job("previews", 1)).unwrap().id;
    for process in 1..=8 {
        let queue = bench.process(process);
        let lease = must_claim(&queue).lease;
        queue.record_progress(&lease).unwrap();
        bench.kill(process);
    }
    // From here on it dies where it died before.
    for process in 9..=10 {
        assert_eq!(must_claim(&bench.process(process)).job.id, id);
        bench.kill(process);
    }
    let survivor = bench.process(11);
    assert!(claim(&survivor).is_none());
    let parked = survivor.get(id).unwrap().job;
    assert_eq!((parked.state, parked.attempts), (JobState::Failed, 3));
    assert_eq!(parked.error.unwrap().why, "its worker died 3 times");
    let stale = Lease { job_id: id, token: 10 };
    assert_eq!(survivor.record_progress(&stale).unwrap_err().kind, ErrorKind::Conflict);
}

#[test]
fn failed_attempts_wait_longer_and_longer() {
    let bench = Bench::new();
    let queue = bench.process(1);
    let id = queue.enqueue(&new_job("scan", 1)).unwrap().id;
    for attempt in 1..MAX_ATTEMPTS {
        let lease = must_claim(&queue).lease;
        let job = queue.finish(&lease, &failure(ErrorKind::Limit)).unwrap();
        assert_eq!(job.state, JobState::Queued);
        assert_eq!(job.error.unwrap().why, "it was meant to fail");
        assert!(job.not_before.is_some());
        let pause = pause_after(attempt);
        assert_eq!(pause, Duration::from_secs(2 << (attempt - 1)));
        assert!(claim(&queue).is_none());
        assert!(queue.claim("worker", &[], Some(id)).unwrap().is_none());
        bench.wait(pause - Duration::from_nanos(1));
        assert!(claim(&queue).is_none());
        bench.wait(Duration::from_nanos(1));
    }
    let lease = must_claim(&queue).lease;
    let parked = queue.finish(&lease, &failure(ErrorKind::Limit)).unwrap();
    assert_eq!((parked.state, parked.attempts), (JobState::Failed, MAX_ATTEMPTS));
    assert_eq!(parked.not_before, None);
}

/// Nobody says that a job runs whose worker is gone.
#[test]
fn a_job_of_a_dead_worker_is_shown_as_waiting() {
    let bench = Bench::new();
    let (first, other) = (bench.process(1), bench.process(2));
    let id = first.enqueue(&new_job("scan", 1)).unwrap().id;
    let lease = must_claim(&first).lease;
    first.beat(&lease, &report(0)).unwrap();
    bench.wait(Duration::from_secs(4));
    first.beat(&lease, &report(50)).unwrap();
    assert_eq!(other.get(id).unwrap().job.state, JobState::Running);
    bench.kill(1);
    let shown = other.get(id).unwrap().job;
    assert_eq!((shown.state, shown.rate_per_sec, shown.done), (JobState::Queued, None, 50));
    assert_eq!(shown.note.as_deref(), Some("interrupted: its worker is gone"));
    for (state, there) in
        [(None, true), (Some(JobState::Queued), true), (Some(JobState::Running), false)]
    {
        let listed = other.list(state, None, 10).unwrap();
        assert_eq!(listed.first(), there.then_some(&shown), "{state:?}");
    }
    assert_eq!(other.changed_since(0).unwrap().0, [shown]);
    // Another worker takes it over, and it runs.
    must_claim(&other);
    assert_eq!(other.get(id).unwrap().job.state, JobState::Running);
}

#[test]
fn cancel_reaches_a_running_job_with_its_next_beat() {
    let bench = Bench::new();
    let (owner, other) = (bench.process(1), bench.process(2));
    let id = owner.enqueue(&new_job("scan", 1)).unwrap().id;
    let lease = must_claim(&owner).lease;
    assert_eq!(owner.beat(&lease, &Report::default()).unwrap(), Signal::Continue);
    let asked = other.cancel(id).unwrap();
    assert_eq!((asked.state, asked.cancel_requested), (JobState::Running, true));
    // With and without something to write.
    assert_eq!(owner.beat(&lease, &Report::default()).unwrap(), Signal::Cancel);
    assert_eq!(owner.beat(&lease, &report(1)).unwrap(), Signal::Cancel);
    // Others that write do not keep it from being heard; waiting for this one would never end.
    let busy = Catalog::open(&bench.path()).unwrap();
    let heard = busy.write(|_| owner.beat(&lease, &report(2)));
    assert_eq!(heard.unwrap(), Signal::Cancel);
    let ended = owner.finish(&lease, &Outcome::Cancelled).unwrap();
    assert_eq!(ended.state, JobState::Cancelled);
    let again = other.retry(id).unwrap();
    assert!(!again.cancel_requested);
    assert!(asked.change < ended.change && ended.change < again.change, "later is higher");
}

#[test]
fn what_does_not_exist_is_not_found() {
    let bench = Bench::new();
    let queue = bench.process(1);
    let errors = [
        queue.get(9).map(drop).unwrap_err(),
        queue.cancel(9).map(drop).unwrap_err(),
        queue.retry(9).map(drop).unwrap_err(),
    ];
    assert!(errors.iter().all(|error| error.kind == ErrorKind::NotFound), "{errors:?}");
    assert_eq!(errors[0].why, "there is no job 9");
    assert!(queue.claim("worker", &[], Some(9)).unwrap().is_none());
}

#[test]
fn a_clock_that_jumps_ends_no_lease_and_stops_no_job() {
    const DAY: Duration = Duration::from_secs(86_400);
    let bench = Bench::new();
    let (owner, other) = (bench.process(1), bench.process(2));
    let id = owner.enqueue(&new_job("scan", 1)).unwrap().id;
    let lease = must_claim(&owner).lease;
    // Forward: the lease still holds.
    bench.clock.advance(DAY);
    assert!(claim(&other).is_none());
    assert_eq!(owner.finish(&lease, &failure(ErrorKind::Unavailable)).unwrap().attempts, 1);
    bench.wait(pause_after(1));
    let second = must_claim(&owner).lease;
    owner.finish(&second, &failure(ErrorKind::Unavailable)).unwrap();

    // Back by two days, before it was queued: the pause does not become that long.
    let past = Arc::new(ManualClock::at(bench.clock.now() - 2 * 86_400_000_000_000));
    let machine =
        TestMachine { boot: "boot 1".to_owned(), process: 3, shared: Arc::clone(&bench.shared) };
    let catalog = Arc::new(Catalog::open(&bench.path()).unwrap());
    let back = SqliteQueue::on(catalog, Arc::clone(&past) as _, Arc::new(machine));
    let third = must_claim(&back).lease;
    assert!(past.now() + i64::try_from(LONGEST_PAUSE.as_nanos()).unwrap() < bench.clock.now());
    // The lease runs out although that clock stands still.
    assert!(claim(&other).is_none());
    let finished = back.finish(&third, &Outcome::Done(json!(1))).unwrap();
    assert_eq!(finished.id, id);
    // No step of the clock makes an attempt end before it began.
    let at = |text: &str| text.parse::<jiff::Timestamp>().unwrap();
    let (started, ended) = (finished.started.unwrap(), finished.finished.unwrap());
    assert!(at(&finished.created) <= at(&started) && at(&started) <= at(&ended));
}

#[test]
fn a_lease_runs_out_while_the_wall_clock_is_set_back() {
    let bench = Bench::new();
    let (owner, other) = (bench.process(1), bench.process(2));
    owner.enqueue(&new_job("scan", 1)).unwrap();
    must_claim(&owner);
    let nanos = i64::try_from(LEASE.as_nanos()).unwrap();
    bench.shared.since_boot_ns.fetch_add(nanos, Ordering::SeqCst);
    // The wall clock has not moved at all.
    assert!(claim(&other).is_some());
}

#[test]
fn a_reboot_ends_every_lease() {
    let bench = Bench::new();
    let before = bench.process_of_boot(1, "boot 1");
    before.enqueue(&new_job("scan", 1)).unwrap();
    let stale = must_claim(&before).lease;
    // Right after the boot, when the old lease seems to have long to go.
    bench.shared.since_boot_ns.store(5, Ordering::SeqCst);
    let after = bench.process_of_boot(1, "boot 2");
    let fresh = must_claim(&after).lease;
    assert!(fresh.token > stale.token);
    assert_eq!(after.beat(&stale, &report(1)).unwrap(), Signal::Lost);
    assert_eq!(after.beat(&fresh, &report(1)).unwrap(), Signal::Continue);
}

/// Follows the queue by its changes alone.
#[derive(Default)]
struct View {
    mark: i64,
    jobs: BTreeMap<i64, Job>,
}

impl View {
    fn catch_up(&mut self, queue: &SqliteQueue) -> usize {
        let mut seen = 0;
        loop {
            let (changed, mark) = queue.changed_since(self.mark).unwrap();
            if changed.is_empty() && mark == self.mark {
                return seen;
            }
            assert!(mark > self.mark);
            self.mark = mark;
            seen += changed.len();
            self.jobs.extend(changed.into_iter().map(|job| (job.id, job)));
        }
    }

    fn is_true_to(&self, queue: &SqliteQueue) {
        let mut all = queue.list(None, None, u32::MAX).unwrap();
        all.reverse();
        assert_eq!(self.jobs.values().cloned().collect::<Vec<_>>(), all);
    }
}

#[test]
fn a_view_made_of_changes_misses_none() {
    let bench = Bench::new();
    let (queue, watched) = (bench.process(1), bench.process(2));
    let mut view = View::default();
    let mut sees = |changes: usize| {
        assert_eq!(view.catch_up(&watched), changes);
        view.is_true_to(&watched);
    };
    sees(0);
    let id = queue.enqueue(&keyed("a")).unwrap().id;
    sees(1);
    queue.enqueue(&keyed("a")).unwrap();
    sees(0);
    let lease = must_claim(&queue).lease;
    sees(1);
    queue.beat(&lease, &report(7)).unwrap();
    sees(1);
    queue.cancel(id).unwrap();
    sees(1);
    queue.finish(&lease, &Outcome::Cancelled).unwrap();
    sees(1);
    queue.retry(id).unwrap();
    sees(1);
    must_claim(&queue);
    sees(1);
    bench.kill(1);
    // Taken back and claimed: two changes of one row, seen as one.
    must_claim(&watched);
    sees(1);
    // A mark from another catalogue begins again instead of waiting for ever.
    assert_eq!(watched.changed_since(i64::MAX).unwrap().0.len(), 1);
}

#[test]
fn changes_come_in_bounded_parts_and_old_jobs_go() {
    const BEYOND: u32 = 5;
    let bench = Bench::new();
    let queue = bench.process(1);
    let catalog = Catalog::open(&bench.path()).unwrap();
    let jobs = KEPT_ENDED + BEYOND;
    catalog
        .write(|writer| {
            (0..jobs).try_for_each(|n| queue.enqueue_in(writer, &new_job("x", n)).map(drop))
        })
        .unwrap();
    let mut view = View::default();
    assert_eq!(queue.changed_since(0).unwrap().0.len(), 1_000);
    assert_eq!(view.catch_up(&queue), jobs as usize);
    view.is_true_to(&queue);

    // End them all; what is queued or running is never removed.
    let first = must_claim(&queue);
    queue.record_effect(&first.lease, "a", EffectState::Done, None).unwrap();
    queue.finish(&first.lease, &Outcome::Done(json!(1))).unwrap();
    let waiting = queue.enqueue(&NewJob { priority: -1, ..new_job("y", 0) }).unwrap();
    for job in queue.list(Some(JobState::Queued), None, u32::MAX).unwrap() {
        if job.id != waiting.id {
            queue.cancel(job.id).unwrap();
        }
    }
    assert_eq!(queue.list(None, None, u32::MAX).unwrap().len(), KEPT_ENDED as usize + 1);
    assert_eq!(queue.get(first.job.id).unwrap_err().kind, ErrorKind::NotFound);
    assert_eq!(state_of(&queue, waiting.id), JobState::Queued);
    let effects: i64 = catalog
        .read(|reader| {
            Ok(reader.query_row("SELECT count(*) FROM job_effects", [], |r| r.get(0)).unwrap())
        })
        .unwrap();
    assert_eq!(effects, 0);
}

#[test]
fn the_effect_log_is_only_appended_to() {
    let bench = Bench::new();
    let queue = bench.process(1);
    queue.enqueue(&new_job("scan", 1)).unwrap();
    let lease = must_claim(&queue).lease;
    queue.record_effect(&lease, "a", EffectState::Begun, None).unwrap();
    let catalog = Catalog::open(&bench.path()).unwrap();
    let changed = catalog.write(|writer| {
        Ok(writer.execute("UPDATE job_effects SET state = 'done'", []).map_err(|e| e.to_string()))
    });
    assert_eq!(changed.unwrap(), Err("the effect log is only appended to".to_owned()));
}

#[test]
fn a_queued_job_outlives_its_process() {
    let bench = Bench::new();
    let id = bench.process(1).enqueue(&new_job("scan", 1)).unwrap().id;
    assert!(bench.path().exists());
    assert_eq!(must_claim(&bench.process(2)).job.id, id);
}
