use rushes_media::{Error, ErrorKind, Frame, FrameStream, Rational, Result};

use super::shown::{At, Shown};

/// A stream at a constant rate: for k = 0, 1, 2... the frame shown at k/rate
/// seconds, until the end. Frames are repeated or passed over, never mixed.
/// Where the stream begins late its first frame is shown from the start.
pub struct Sampled<S> {
    shown: Shown<S>,
    step_secs: Rational,
    next: i64,
}

impl<S: FrameStream> Sampled<S> {
    /// The stream at so many frames a second; reads its first two frames.
    ///
    /// # Errors
    /// `Invalid` when the rate is not above 0 and at most 1,000; the stream's.
    pub fn new(stream: S, rate_hz: Rational) -> Result<Sampled<S>> {
        let step_secs = step_of(rate_hz)?;
        Ok(Sampled { shown: Shown::new(stream)?, step_secs, next: 0 })
    }

    /// Frames that could not be decoded so far; the ones before were shown in
    /// their place.
    #[must_use]
    pub fn lost_frames(&self) -> u64 {
        self.shown.lost_frames()
    }
}

/// How long one of so many frames a second lasts.
///
/// # Errors
/// `Invalid` when the rate is not above 0 and at most 1,000.
pub(super) fn step_of(rate_hz: Rational) -> Result<Rational> {
    let allowed = rate_hz > Rational::ZERO && rate_hz <= Rational::whole(1_000);
    Rational::whole(1).checked_div(rate_hz).filter(|_| allowed).ok_or_else(|| {
        let why = format!("a rate of {rate_hz} frames a second");
        Error::new(ErrorKind::Invalid, "changing the frame rate", why)
            .remedy("give one above 0 and at most 1000")
    })
}

/// A time that no stream reaches.
pub(super) fn too_late() -> Error {
    Error::new(ErrorKind::Limit, "timing a stream", "its times are beyond what can be counted")
}

impl<S: FrameStream> FrameStream for Sampled<S> {
    fn next_frame(&mut self) -> Result<Option<Frame>> {
        let time = Rational::whole(self.next).checked_mul(self.step_secs).ok_or_else(too_late)?;
        // A picture without a time is one frame, not one for ever.
        if self.next > 0 && self.shown.is_picture() {
            return Ok(None);
        }
        let mut frame = match self.shown.at(time)? {
            At::Frame(frame, _) => frame.clone(),
            At::Before => match self.shown.first() {
                Some(frame) => frame.clone(),
                None => return Ok(None),
            },
            At::After => return Ok(None),
        };
        self.next += 1;
        frame.time_secs = Some(time);
        frame.duration_secs = Some(self.step_secs);
        Ok(Some(frame))
    }

    fn end_secs(&self) -> Option<Rational> {
        self.shown.stream().end_secs()
    }
}
