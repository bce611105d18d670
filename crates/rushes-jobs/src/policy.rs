//! What follows from how an attempt ended.

use std::time::Duration;

use rushes_actions::{JobState, Outcome};
use rushes_media::{Error, ErrorKind};

/// How long a worker may be silent before another may take its job.
pub const LEASE: Duration = Duration::from_secs(60);

/// A beat that has nothing new to tell is written when the lease was last
/// renewed this long ago.
pub const RENEW_EVERY: Duration = Duration::from_secs(15);

/// The pause after a first failed attempt; it doubles with every further one.
pub const FIRST_PAUSE: Duration = Duration::from_secs(2);

/// The longest pause between two attempts.
pub const LONGEST_PAUSE: Duration = Duration::from_secs(300);

/// Attempts before a job is parked as failed.
pub const MAX_ATTEMPTS: u32 = 3;

/// Ended jobs that are kept, with their effects.
pub const KEPT_ENDED: u32 = 1_000;

/// The pause after this many failed attempts, counted from 1.
#[must_use]
pub fn pause_after(attempts: u32) -> Duration {
    let doublings = attempts.saturating_sub(1).min(16);
    FIRST_PAUSE.saturating_mul(1 << doublings).min(LONGEST_PAUSE)
}

/// Where a job stands after an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Next {
    pub state: JobState,
    /// How long to wait for the next attempt.
    pub pause: Option<Duration>,
    /// Attempts that count from now on.
    pub attempts: u32,
}

/// What follows when attempt number `attempts` of `max_attempts` ended so.
pub(crate) fn after(
    outcome: &Outcome,
    attempts: u32,
    max_attempts: u32,
    cancel_requested: bool,
) -> Next {
    let ended = |state| Next { state, pause: None, attempts };
    match outcome {
        Outcome::Done(_) => ended(JobState::Done),
        Outcome::Cancelled => ended(JobState::Cancelled),
        Outcome::Failed(error) if !may_pass(error) => ended(JobState::Failed),
        // What would be tried again is what the person wanted to stop.
        Outcome::Failed(_) | Outcome::Released if cancel_requested => ended(JobState::Cancelled),
        Outcome::Failed(_) if attempts >= max_attempts => ended(JobState::Failed),
        Outcome::Failed(_) => {
            Next { state: JobState::Queued, pause: Some(pause_after(attempts)), attempts }
        }
        Outcome::Released => {
            Next { state: JobState::Queued, pause: None, attempts: attempts.saturating_sub(1) }
        }
    }
}

/// Whether the same attempt may go well later.
fn may_pass(error: &Error) -> bool {
    matches!(error.kind, ErrorKind::Unavailable | ErrorKind::Limit)
}

/// Where a job stands whose worker is gone, and what is said about it.
pub(crate) fn after_death(
    attempts: u32,
    max_attempts: u32,
    deaths: u32,
    cancel_requested: bool,
) -> (JobState, Option<Error>) {
    if cancel_requested {
        return (JobState::Cancelled, None);
    }
    let times = if deaths == 1 { "once".to_owned() } else { format!("{deaths} times") };
    let why = if deaths == attempts {
        format!("its worker died {times}")
    } else {
        format!("its worker died {times} in {attempts} attempts")
    };
    let error = Error::new(ErrorKind::Unavailable, "running the job", why);
    if attempts < max_attempts {
        return (JobState::Queued, Some(error));
    }
    let remedy =
        "find out what ends the process, such as memory running out, then ask for it again";
    (JobState::Failed, Some(error.remedy(remedy)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest() {
        let secs: Vec<u64> = (0..12).map(|n| pause_after(n).as_secs()).collect();
        assert_eq!(secs, [2, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]);
        assert_eq!(pause_after(u32::MAX), LONGEST_PAUSE);
    }

    #[test]
    fn every_outcome_on_every_attempt() {
        use JobState::{Cancelled, Done, Failed, Queued};
        let failed = |kind| Outcome::Failed(Error::new(kind, "what", "why"));
        let mut rows = 0;
        let mut check = |outcome: &Outcome, attempt, cancel, state, pause, attempts| {
            let pause = Option::map(pause, Duration::from_secs);
            let next = after(outcome, attempt, 3, cancel);
            assert_eq!(next, Next { state, pause, attempts }, "{outcome:?} {attempt} {cancel}");
            rows += 1;
        };
        for attempt in 1..=3 {
            for cancel in [false, true] {
                check(&Outcome::Done(().into()), attempt, cancel, Done, None, attempt);
                check(&Outcome::Cancelled, attempt, cancel, Cancelled, None, attempt);
                for kind in ErrorKind::ALL {
                    if !matches!(kind, ErrorKind::Unavailable | ErrorKind::Limit) {
                        check(&failed(kind), attempt, cancel, Failed, None, attempt);
                    }
                }
            }
            check(&Outcome::Released, attempt, false, Queued, None, attempt - 1);
            check(&Outcome::Released, attempt, true, Cancelled, None, attempt);
        }
        for kind in [ErrorKind::Unavailable, ErrorKind::Limit] {
            check(&failed(kind), 1, false, Queued, Some(2), 1);
            check(&failed(kind), 2, false, Queued, Some(4), 2);
            check(&failed(kind), 3, false, Failed, None, 3);
            check(&failed(kind), 1, true, Cancelled, None, 1);
        }
        assert_eq!(rows, 3 * 2 * (2 + 7) + 3 * 2 + 2 * 4);
    }

    #[test]
    fn deaths_are_told_as_they_were() {
        let why = |attempts, deaths| {
            let (state, error) = after_death(attempts, 3, deaths, false);
            (state, error.map(|error| error.why))
        };
        assert_eq!(why(1, 1), (JobState::Queued, Some("its worker died once".into())));
        assert_eq!(why(3, 3), (JobState::Failed, Some("its worker died 3 times".into())));
        let mixed = "its worker died once in 3 attempts";
        assert_eq!(why(3, 1), (JobState::Failed, Some(mixed.into())));
        assert_eq!(after_death(3, 3, 3, true), (JobState::Cancelled, None));
    }
}
