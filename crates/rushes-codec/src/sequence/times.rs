//! When each picture is shown.

use rushes_media::{Error, ErrorKind, Rational, Result};

use super::WHAT;

/// Exact times, counted in ticks.
#[derive(Debug)]
pub(super) struct Times {
    /// Seconds of one tick.
    tick: Rational,
    starts: Starts,
}

#[derive(Debug)]
enum Starts {
    /// One after another, a tick each.
    Even,
    /// Listed, never falling; and how long the last one lasts.
    Listed(Vec<i64>, i64),
}

impl Times {
    /// So many pictures at an even rate.
    pub(super) fn even(rate_hz: Rational, count: usize) -> Result<Times> {
        let tick = Rational::whole(1).checked_div(rate_hz).filter(|&tick| tick > Rational::ZERO);
        let fits = |tick: &Rational| {
            let count = i64::try_from(count).ok()?;
            Rational::whole(count).checked_mul(*tick)
        };
        match tick.filter(|tick| fits(tick).is_some()) {
            Some(tick) => Ok(Times { tick, starts: Starts::Even }),
            None => {
                let why = format!("{rate_hz} frames a second are no rate");
                Err(Error::new(ErrorKind::Invalid, WHAT, why).remedy("state one such as 24"))
            }
        }
    }

    /// Pictures that are shown at these ticks, so many of them in a second.
    /// `None` when they fall.
    pub(super) fn listed(ticks_hz: i64, starts: Vec<i64>, last_ticks: i64) -> Option<Times> {
        Times::ticking(Rational::new(1, ticks_hz)?, starts, last_ticks)
    }

    /// Pictures that are shown at these ticks of so many seconds. `None` when they
    /// fall.
    pub(super) fn ticking(tick: Rational, starts: Vec<i64>, last_ticks: i64) -> Option<Times> {
        starts.is_sorted().then_some(Times { tick, starts: Starts::Listed(starts, last_ticks) })
    }

    pub(super) fn start(&self, i: usize) -> Rational {
        self.seconds(match &self.starts {
            Starts::Even => i64::try_from(i).unwrap_or(i64::MAX),
            Starts::Listed(starts, _) => starts.get(i).or(starts.last()).copied().unwrap_or(0),
        })
    }

    pub(super) fn duration(&self, i: usize) -> Rational {
        self.seconds(match &self.starts {
            Starts::Even => 1,
            Starts::Listed(starts, last) => match (starts.get(i), starts.get(i + 1)) {
                (Some(this), Some(next)) => next.saturating_sub(*this),
                _ => *last,
            },
        })
    }

    /// How long each of so many pictures is shown, where that is the same.
    pub(super) fn step(&self, count: usize) -> Option<Rational> {
        let first = self.duration(0);
        let is_same = match &self.starts {
            Starts::Even => true,
            Starts::Listed(..) => (0..count).all(|i| self.duration(i) == first),
        };
        Some(first).filter(|step| is_same && *step > Rational::ZERO)
    }

    /// The last of so many pictures that begins at this time or before.
    pub(super) fn at(&self, time_secs: Rational, count: usize) -> usize {
        let (mut low, mut high) = (0, count);
        while low < high {
            let middle = low + (high - low) / 2;
            if self.start(middle) <= time_secs {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low.saturating_sub(1)
    }

    fn seconds(&self, ticks: i64) -> Rational {
        Rational::whole(ticks).checked_mul(self.tick).unwrap_or(Rational::ZERO)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn even_and_listed() {
        let rate = Rational::new(30_000, 1001).unwrap();
        let even = Times::even(rate, 1000).unwrap();
        assert_eq!(even.start(30), Rational::new(1001, 1000).unwrap());
        assert_eq!(even.duration(999), Rational::new(1001, 30_000).unwrap());
        assert_eq!(even.at(Rational::whole(1), 1000), 29);
        assert_eq!(even.at(Rational::whole(-1), 1000), 0);
        assert_eq!(even.at(Rational::whole(1000), 1000), 999);
        assert!(Times::even(Rational::ZERO, 1).is_err());
        assert!(Times::even(Rational::whole(-1), 1).is_err());
        assert!(Times::even(Rational::new(1, i64::MAX).unwrap(), 3).is_err());

        let listed = Times::listed(1000, vec![0, 70, 70, 200], 30).unwrap();
        assert_eq!(listed.at(Rational::new(7, 100).unwrap(), 4), 2);
        assert_eq!(listed.duration(2), Rational::new(13, 100).unwrap());
        assert_eq!(listed.duration(3), Rational::new(3, 100).unwrap());
        assert!(Times::listed(1000, vec![1, 0], 1).is_none());
    }
}
