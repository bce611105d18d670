//! How fast a job goes, over its last seconds.

use std::collections::VecDeque;
use std::time::Duration;

/// What is looked back at.
const WINDOW: Duration = Duration::from_secs(10);

/// A rate over less than this says nothing.
const SHORTEST: Duration = Duration::from_millis(400);

/// Reports kept, so that a caller who reports too often costs no memory.
const MOST_KEPT: usize = 64;

/// Measures a job's units a second over the last ten seconds or so.
#[derive(Debug, Default)]
pub(crate) struct Rate {
    unit: String,
    /// When (since any fixed moment), and how many units were done.
    seen: VecDeque<(Duration, u64)>,
}

impl Rate {
    /// Takes in how far the job is at this moment, and gives its rate; none
    /// until there is something to compare with.
    pub fn push(&mut self, at: Duration, done: u64, unit: &str) -> Option<f64> {
        let goes_back = self.seen.back().is_some_and(|last| done < last.1 || at < last.0);
        if goes_back || unit != self.unit {
            unit.clone_into(&mut self.unit);
            self.seen.clear();
        }
        // One that is older than the window stays, to measure from.
        while self.seen.get(1).is_some_and(|second| at.saturating_sub(second.0) >= WINDOW)
            || self.seen.len() >= MOST_KEPT
        {
            self.seen.pop_front();
        }
        self.seen.push_back((at, done));
        let first = self.seen.front()?;
        let passed = at.saturating_sub(first.0);
        (passed >= SHORTEST).then(|| (done - first.1) as f64 / passed.as_secs_f64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn a_steady_job_has_its_rate_and_a_stalled_one_none() {
        let mut rate = Rate::default();
        assert_eq!(rate.push(at(0), 0, "files"), None);
        assert_eq!(rate.push(at(100), 9, "files"), None);
        for tenth in 1..=100 {
            let found = rate.push(at(tenth * 500), tenth * 20, "files");
            assert_eq!(found, Some(40.0));
        }
        assert_eq!(rate.push(at(55_000), 2_000, "files"), Some(20.0));
        assert_eq!(rate.push(at(70_000), 2_000, "files"), Some(0.0));
    }

    #[test]
    fn another_unit_or_a_step_back_starts_afresh() {
        let mut rate = Rate::default();
        rate.push(at(0), 100, "files");
        assert_eq!(rate.push(at(1_000), 1_000_000, "bytes"), None);
        assert_eq!(rate.push(at(2_000), 3_000_000, "bytes"), Some(2e6));
        assert_eq!(rate.push(at(3_000), 0, "bytes"), None);
        assert_eq!(rate.push(at(500), 5, "bytes"), None);
    }

    #[test]
    fn many_reports_cost_no_memory() {
        let mut rate = Rate::default();
        for micros in 0..10_000 {
            rate.push(Duration::from_micros(micros), micros, "bytes");
        }
        assert!(rate.seen.len() <= MOST_KEPT);
    }
}
