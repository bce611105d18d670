//! The log of changes, from which others follow the queue.

use std::collections::BTreeMap;

use rushes_actions::{EffectState, Job, JobQueue as _, JobState, NewJob, Outcome};
use rushes_catalog::Catalog;
use rushes_jobs::{KEPT_ENDED, SqliteQueue};
use rushes_media::ErrorKind;
use serde_json::json;

use crate::bench::{Bench, keyed, must_claim, new_job, report, state_of};

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
