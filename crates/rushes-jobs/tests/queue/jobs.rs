//! What becomes of a job, and who gets it.

use std::sync::Arc;
use std::time::Duration;

use rushes_actions::{
    Claimed, EffectState, JobQueue as _, JobState, Lease, NewJob, Outcome, Plan, Report, Signal,
};
use rushes_catalog::Catalog;
use rushes_jobs::{LEASE, MAX_ATTEMPTS, SqliteQueue};
use rushes_media::{Error, ErrorKind, Result};
use serde_json::json;

use crate::bench::{Bench, claim, failure, keyed, must_claim, new_job, report};

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
    let refused = other.retry(id).unwrap_err();
    assert_eq!(refused.why, format!("job {id} is queued"));
    assert!(refused.remedy.unwrap().contains("asked again"));
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
