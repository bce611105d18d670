//! Workers that die, clocks that jump, and what is tried again.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use rushes_actions::{
    Authority, Claimed, EffectState, JobQueue as _, JobState, Lease, NewJob, Outcome, Plan, Report,
    Signal,
};
use rushes_catalog::Catalog;
use rushes_jobs::{LEASE, LONGEST_PAUSE, MAX_ATTEMPTS, RENEW_EVERY, SqliteQueue, pause_after};
use rushes_media::{Clock as _, ErrorKind, ManualClock};
use serde_json::json;

use crate::bench::{
    Bench, TestMachine, claim, failure, keyed, must_claim, new_job, report, state_of,
};

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
