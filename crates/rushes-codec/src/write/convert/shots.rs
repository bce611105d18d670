//! Decoded pictures on their way: those of a cut, deinterlaced, at another
//! rate.

use std::collections::VecDeque;

use rushes_media::{Error, ErrorKind, Rational, Result};

use super::fields::{Deinterlacing, picture};
use crate::av::decode::Frame as Decoded;
use crate::{Span, VideoReader};

/// A picture and when it is shown, since the start of the cut.
pub(super) struct Shot {
    /// The frame that it was made of.
    pub(super) i: usize,
    pub(super) decoded: Decoded,
    pub(super) time_secs: Rational,
    pub(super) duration_secs: Rational,
}

/// Pictures one after another.
pub(super) trait Shots<'s> {
    /// The next; `None` after the last.
    ///
    /// # Errors
    /// `Corrupt` for one that cannot be decoded: the call after goes on behind
    /// it.
    fn next(&mut self) -> Result<Option<Shot>>;

    fn reader(&mut self) -> &mut VideoReader<'s>;
}

/// The frames of a span.
pub(super) struct Frames<'s> {
    pub(super) reader: VideoReader<'s>,
    pub(super) span: Span,
    pub(super) next: usize,
    /// Seconds from one to the next, where that is the same for all and the times
    /// that are stored are rounded.
    pub(super) step_secs: Option<Rational>,
}

impl Frames<'_> {
    /// When frame `i` is shown, and how long.
    fn times(&self, i: usize) -> Option<(Rational, Rational)> {
        let index = self.reader.index();
        if let Some(step_secs) = self.step_secs {
            let number = i64::try_from(i.checked_sub(self.span.first)?).ok()?;
            let since = Rational::whole(number).checked_mul(step_secs)?;
            let first_secs = index.time_secs(self.span.first).checked_sub(self.span.start_secs)?;
            return Some((first_secs.checked_add(since)?, step_secs));
        }
        let time_secs = index.time_secs(i).checked_sub(self.span.start_secs)?;
        Some((time_secs, index.duration_secs(i)))
    }
}

impl<'s> Shots<'s> for Frames<'s> {
    fn next(&mut self) -> Result<Option<Shot>> {
        let i = self.next;
        if i >= self.span.end {
            return Ok(None);
        }
        self.next = i + 1;
        self.reader.go_to(i);
        let Some((i, decoded)) = self.reader.next_decoded()? else { return Ok(None) };
        let (time_secs, duration_secs) = self.times(i).ok_or_else(too_late)?;
        Ok(Some(Shot { i, decoded, time_secs, duration_secs }))
    }

    fn reader(&mut self) -> &mut VideoReader<'s> {
        &mut self.reader
    }
}

/// A picture of each frame's first field, or of both.
pub(super) struct Whole<'a, 's> {
    shots: Box<dyn Shots<'s> + 'a>,
    how: Deinterlacing,
    /// Whether the stream says that it is interlaced.
    is_stated: bool,
    previous: Option<Shot>,
    current: Option<Shot>,
    ready: VecDeque<Shot>,
    has_ended: bool,
}

impl<'a, 's> Whole<'a, 's> {
    pub(super) fn new(
        shots: Box<dyn Shots<'s> + 'a>,
        how: Deinterlacing,
        is_stated: bool,
    ) -> Whole<'a, 's> {
        let (previous, current, ready) = (None, None, VecDeque::new());
        Whole { shots, how, is_stated, previous, current, ready, has_ended: false }
    }

    /// Makes what the current frame gives, which the next one stands beside.
    fn make(&mut self, next: Option<&Shot>) -> Result<()> {
        let Some(current) = self.current.take() else { return Ok(()) };
        let interval = next.and_then(|next| next.time_secs.checked_sub(current.time_secs));
        let interval = interval.unwrap_or(current.duration_secs);
        let half = interval.checked_div(Rational::whole(2)).ok_or_else(too_late)?;
        let middle = current.time_secs.checked_add(half).ok_or_else(too_late)?;
        let top_first = self.how.top_first.or(current.decoded.top_first());
        let field = self.how.field;
        let made = |beside: Option<&Shot>, is_top: bool| {
            let beside = beside.map_or(&current.decoded, |beside| &beside.decoded);
            picture(field, &current.decoded, beside, is_top)
        };
        let one = match top_first {
            Some(top_first) => made(self.previous.as_ref(), top_first)?,
            None => current.decoded.share()?,
        };
        let (i, time_secs) = (current.i, current.time_secs);
        let duration_secs = if self.how.both { half } else { current.duration_secs };
        if self.how.both {
            let other = match top_first {
                Some(top_first) => made(next, !top_first)?,
                None => current.decoded.share()?,
            };
            self.ready.push_back(Shot { i, decoded: one, time_secs, duration_secs });
            let (decoded, time_secs) = (other, middle);
            self.ready.push_back(Shot { i, decoded, time_secs, duration_secs });
        } else {
            self.ready.push_back(Shot { i, decoded: one, time_secs, duration_secs });
        }
        self.previous = Some(current);
        Ok(())
    }
}

impl<'s> Shots<'s> for Whole<'_, 's> {
    fn next(&mut self) -> Result<Option<Shot>> {
        loop {
            if let Some(ready) = self.ready.pop_front() {
                return Ok(Some(ready));
            }
            if self.has_ended {
                return Ok(None);
            }
            let Some(next) = self.shots.next()? else {
                self.has_ended = true;
                self.make(None)?;
                continue;
            };
            let is_first = self.current.is_none() && self.previous.is_none();
            let says = self.is_stated || next.decoded.top_first().is_some();
            if is_first && !says && self.how.top_first.is_none() {
                return Err(not_interlaced());
            }
            self.make(Some(&next))?;
            self.current = Some(next);
        }
    }

    fn reader(&mut self) -> &mut VideoReader<'s> {
        self.shots.reader()
    }
}

/// The error of pictures that need no deinterlacing.
pub(crate) fn not_interlaced() -> Error {
    let why = "its pictures are whole: the file does not say that they are interlaced";
    Error::new(ErrorKind::Invalid, "deinterlacing", why)
        .remedy("leave it out, or say which field comes first if they are interlaced in truth")
}

/// Pictures at a constant rate: for k = 0, 1, 2... the one shown at k/rate
/// seconds, repeated or passed over, never mixed.
pub(super) struct Sampled<'a, 's> {
    pub(super) shots: Box<dyn Shots<'s> + 'a>,
    pub(super) step_secs: Rational,
    /// When the last picture is over.
    pub(super) end_secs: Rational,
    pub(super) number: i64,
    pub(super) now: Option<Shot>,
    pub(super) coming: Option<Shot>,
    pub(super) has_ended: bool,
}

impl<'s> Shots<'s> for Sampled<'_, 's> {
    fn next(&mut self) -> Result<Option<Shot>> {
        let time = Rational::whole(self.number).checked_mul(self.step_secs);
        let time_secs = time.ok_or_else(too_late)?;
        if time_secs >= self.end_secs {
            return Ok(None);
        }
        loop {
            if self.coming.is_none() && !self.has_ended {
                self.coming = self.shots.next()?;
                self.has_ended = self.coming.is_none();
            }
            // Where the first begins late, it is shown from the start.
            let is_due = |coming: &Shot| self.now.is_none() || coming.time_secs <= time_secs;
            if !self.coming.as_ref().is_some_and(is_due) {
                break;
            }
            self.now = self.coming.take();
        }
        let Some(now) = &self.now else { return Ok(None) };
        self.number += 1;
        let (i, decoded, duration_secs) = (now.i, now.decoded.share()?, self.step_secs);
        Ok(Some(Shot { i, decoded, time_secs, duration_secs }))
    }

    fn reader(&mut self) -> &mut VideoReader<'s> {
        self.shots.reader()
    }
}

fn too_late() -> Error {
    let why = "its times are beyond what can be counted";
    Error::new(ErrorKind::Limit, "timing the pictures", why)
}
