use std::collections::VecDeque;

use rushes_media::{Frame, FrameStream, Rational, Result};

use crate::frame::{Deinterlacer, Field, Weston};

/// A stream of which each frame holds two fields, as a stream of whole frames:
/// one for each field, or for each first field; see [`Deinterlacer`].
pub struct Deinterlaced<S> {
    stream: S,
    /// `None` once the last frame has been taken.
    deinterlacer: Option<Deinterlacer>,
    waiting: VecDeque<Frame>,
}

impl<S: FrameStream> Deinterlaced<S> {
    /// For frames whose `first` field was taken before the other. With `both`
    /// there are two frames for each.
    #[must_use]
    pub fn new(stream: S, first: Field, filter: Weston, both: bool) -> Deinterlaced<S> {
        let deinterlacer = Some(Deinterlacer::new(first, filter, both));
        Deinterlaced { stream, deinterlacer, waiting: VecDeque::new() }
    }
}

impl<S: FrameStream> FrameStream for Deinterlaced<S> {
    fn next_frame(&mut self) -> Result<Option<Frame>> {
        loop {
            if let Some(frame) = self.waiting.pop_front() {
                return Ok(Some(frame));
            }
            let Some(deinterlacer) = &mut self.deinterlacer else { return Ok(None) };
            match self.stream.next_frame()? {
                Some(frame) => self.waiting.extend(deinterlacer.push(frame)?),
                None => {
                    let last = self.deinterlacer.take().map(Deinterlacer::finish);
                    self.waiting.extend(last.transpose()?.unwrap_or_default());
                }
            }
        }
    }

    fn end_secs(&self) -> Option<Rational> {
        self.stream.end_secs()
    }
}
