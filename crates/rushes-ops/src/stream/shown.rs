use rushes_media::{ErrorKind, Frame, FrameStream, Rational, Result};

/// Which frame of a stream is shown at a time, for times that rise.
///
/// A frame is shown from its time until that of the next; the last one as
/// long as it lasts, or as the one before it did where that is not said. A
/// frame without a time is a picture, shown for good. Frames that cannot be
/// decoded are left out, and the one before is shown in their place.
pub(super) struct Shown<S> {
    stream: S,
    now: Option<Frame>,
    next: Option<Frame>,
    /// Counts the frames that came to be shown.
    number: u64,
    /// How long the last frame that was followed by another lasted.
    last_step_secs: Option<Rational>,
    lost_frames: u64,
}

/// What is shown at a time.
pub(super) enum At<'f> {
    /// The first frame has not come yet.
    Before,
    /// This one, and its number among those that came to be shown.
    Frame(&'f Frame, u64),
    /// The last is over.
    After,
}

impl<S: FrameStream> Shown<S> {
    /// # Errors
    /// The stream's.
    pub(super) fn new(stream: S) -> Result<Shown<S>> {
        let mut shown = Shown {
            stream,
            now: None,
            next: None,
            number: 0,
            last_step_secs: None,
            lost_frames: 0,
        };
        shown.now = shown.read()?;
        shown.next = shown.read()?;
        Ok(shown)
    }

    /// The first frame, before any time was asked for.
    pub(super) fn first(&self) -> Option<&Frame> {
        self.now.as_ref()
    }

    pub(super) fn stream(&self) -> &S {
        &self.stream
    }

    pub(super) fn lost_frames(&self) -> u64 {
        self.lost_frames
    }

    /// Whether it is a picture, without a time and an end of its own.
    pub(super) fn is_picture(&self) -> bool {
        self.next.is_none() && self.now.as_ref().is_some_and(|frame| frame.time_secs.is_none())
    }

    /// When the first frame after the last would come, once that is known.
    pub(super) fn end_secs(&self) -> Option<Rational> {
        if self.next.is_some() {
            return None;
        }
        let last = self.now.as_ref()?;
        let lasts = last.duration_secs.filter(|it| *it > Rational::ZERO).or(self.last_step_secs);
        last.time_secs?.checked_add(lasts.unwrap_or(Rational::ZERO))
    }

    /// How long the first frame is shown.
    pub(super) fn first_step_secs(&self) -> Option<Rational> {
        let begins = self.now.as_ref()?.time_secs?;
        let next = self.next.as_ref().and_then(|next| next.time_secs?.checked_sub(begins));
        next.or(self.now.as_ref()?.duration_secs).filter(|step| *step > Rational::ZERO)
    }

    /// # Errors
    /// The stream's.
    pub(super) fn at(&mut self, time_secs: Rational) -> Result<At<'_>> {
        while let Some(begins) = self.next.as_ref().map(|next| next.time_secs) {
            if begins.is_some_and(|begins| begins > time_secs) {
                break;
            }
            let ended = self.now.as_ref().and_then(|now| now.time_secs);
            self.last_step_secs = begins.zip(ended).and_then(|(new, old)| new.checked_sub(old));
            self.now = self.next.take();
            self.next = self.read()?;
            self.number += 1;
        }
        let is_over = self.end_secs().is_some_and(|end| time_secs >= end);
        Ok(match &self.now {
            Some(frame) if frame.time_secs.is_some_and(|begins| begins > time_secs) => At::Before,
            Some(frame) if !is_over => At::Frame(frame, self.number),
            _ => At::After,
        })
    }

    fn read(&mut self) -> Result<Option<Frame>> {
        loop {
            match self.stream.next_frame() {
                Err(error) if error.kind == ErrorKind::Corrupt => self.lost_frames += 1,
                other => return other,
            }
        }
    }
}
