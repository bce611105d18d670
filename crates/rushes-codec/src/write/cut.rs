//! A part of what is read, exact by frame.

use rushes_media::{Error, ErrorKind, Rational, Result};

/// A place in what is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// Seconds from the start.
    Secs(Rational),
    /// The start of a frame, counted from 0.
    Frame(u64),
}

/// A part of what is read: what begins at `from` or later, and before `to`.
/// Without either, all of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cut {
    /// Where it begins.
    pub from: Option<Mark>,
    /// Where it ends.
    pub to: Option<Mark>,
}

/// The frames of a [`Cut`], and when they are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The first frame, counted from 0.
    pub first: usize,
    /// The one after the last.
    pub end: usize,
    /// When the first is shown. Sound is cut there too.
    pub start_secs: Rational,
    /// When the last is over.
    pub end_secs: Rational,
}

impl Span {
    /// How many frames of so many a second are shown meanwhile.
    #[must_use]
    pub fn frames_at(&self, rate_hz: Rational) -> Option<u64> {
        let exact = self.end_secs.checked_sub(self.start_secs)?.checked_mul(rate_hz)?;
        u64::try_from(ceil(exact)).ok()
    }
}

/// The least whole number that is not below this.
pub(super) fn ceil(exact: Rational) -> i128 {
    let (num, den) = (i128::from(exact.num()), i128::from(exact.den()));
    (num + den - 1).div_euclid(den)
}

impl Cut {
    /// Whether it is all.
    #[must_use]
    pub fn is_all(&self) -> bool {
        self.from.is_none() && self.to.is_none()
    }

    /// Which of `count` frames it is, each shown from `starts`, the last until
    /// `end_secs`. Sound goes on beyond the last frame where `to` lies there.
    ///
    /// # Errors
    /// `Invalid` when not one frame is in it.
    pub fn span(
        &self,
        count: usize,
        starts: &dyn Fn(usize) -> Rational,
        end_secs: Rational,
    ) -> Result<Span> {
        let place = |mark: Mark| match mark {
            Mark::Frame(frame) => usize::try_from(frame).unwrap_or(usize::MAX).min(count),
            Mark::Secs(secs) => first_from(count, starts, secs),
        };
        let first = self.from.map_or(0, place);
        let end = self.to.map_or(count, place);
        if first >= end {
            let why = match count {
                _ if first >= count => format!(
                    "there is no frame from there on: it has {count}, and ends at {:.3} s",
                    end_secs.to_f64()
                ),
                _ => "not one frame begins between both".to_owned(),
            };
            return Err(outside(why));
        }
        let last_secs = match self.to {
            _ if end < count => starts(end),
            Some(Mark::Secs(secs)) => end_secs.max(secs),
            _ => end_secs,
        };
        // What comes before the first frame, sound perhaps, belongs to a cut
        // that begins there too.
        let start_secs = match self.from {
            Some(Mark::Secs(secs)) if first == 0 => secs.max(Rational::ZERO).min(starts(0)),
            None => Rational::ZERO,
            _ => starts(first),
        };
        Ok(Span { first, end, start_secs, end_secs: last_secs })
    }

    /// From when to when of a sound without pictures; no end where none is
    /// asked for.
    ///
    /// # Errors
    /// `Invalid` for frames, and when nothing is between.
    pub(super) fn of_sound(&self) -> Result<(Rational, Option<Rational>)> {
        let secs = |mark: Mark| match mark {
            Mark::Secs(secs) => Ok(secs),
            Mark::Frame(_) => Err(Error::new(ErrorKind::Invalid, "cutting", "sound has no frames")
                .remedy("give the time in seconds, such as 12.5")),
        };
        let from = self.from.map(secs).transpose()?.unwrap_or(Rational::ZERO);
        let to = self.to.map(secs).transpose()?;
        if to.is_some_and(|to| to <= from) {
            return Err(outside("it ends before it begins".to_owned()));
        }
        Ok((from, to))
    }
}

fn outside(why: String) -> Error {
    Error::new(ErrorKind::Invalid, "cutting", why).remedy("give other times to cut at")
}

/// The first frame that is shown from this time on or later.
fn first_from(count: usize, starts: &dyn Fn(usize) -> Rational, secs: Rational) -> usize {
    let (mut low, mut high) = (0, count);
    while low < high {
        let middle = low + (high - low) / 2;
        if starts(middle) < secs {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    low
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secs(num: i64, den: i64) -> Rational {
        Rational::new(num, den).unwrap()
    }

    #[test]
    fn cuts_are_exact_and_half_open() {
        let starts = |i: usize| secs(i as i64 * 1001, 30_000);
        let span = |from, to| Cut { from, to }.span(300, &starts, secs(300 * 1001, 30_000));
        let between = span(Some(Mark::Secs(secs(1001, 1000))), Some(Mark::Frame(60))).unwrap();
        assert_eq!((between.first, between.end), (30, 60));
        assert_eq!((between.start_secs, between.end_secs), (secs(1001, 1000), secs(2002, 1000)));
        // A hair later the frame before has begun already.
        let late = span(Some(Mark::Secs(secs(1_001_001, 1_000_000))), None).unwrap();
        assert_eq!((late.first, late.end, late.end_secs), (31, 300, secs(1001, 100)));
        assert_eq!(between.frames_at(secs(25, 1)), Some(26));
        let beyond = span(None, Some(Mark::Secs(secs(20, 1)))).unwrap();
        assert_eq!((beyond.end, beyond.end_secs), (300, secs(20, 1)));
        for (from, to) in [
            (Mark::Frame(300), Mark::Frame(400)),
            (Mark::Frame(20), Mark::Frame(20)),
            (Mark::Secs(secs(2, 1)), Mark::Secs(secs(1, 1))),
            (Mark::Secs(secs(100, 1)), Mark::Secs(secs(101, 1))),
        ] {
            assert_eq!(span(Some(from), Some(to)).unwrap_err().kind, ErrorKind::Invalid);
        }
    }
}
