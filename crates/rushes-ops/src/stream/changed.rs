use rushes_media::{Frame, FrameStream, Rational, Result};

use crate::FrameOperation;

/// Every frame of a stream sent through operations, one after the other.
/// Times stay as they are.
pub struct Changed<S> {
    stream: S,
    operations: Vec<Box<dyn FrameOperation>>,
}

impl<S: FrameStream> Changed<S> {
    /// The stream's frames, changed by these operations in this order.
    #[must_use]
    pub fn new(stream: S, operations: Vec<Box<dyn FrameOperation>>) -> Changed<S> {
        Changed { stream, operations }
    }
}

impl<S: FrameStream> FrameStream for Changed<S> {
    fn next_frame(&mut self) -> Result<Option<Frame>> {
        let Some(mut frame) = self.stream.next_frame()? else { return Ok(None) };
        let (time_secs, duration_secs) = (frame.time_secs, frame.duration_secs);
        for operation in &self.operations {
            frame = operation.apply(&frame)?;
        }
        frame.time_secs = time_secs;
        frame.duration_secs = duration_secs;
        Ok(Some(frame))
    }

    fn end_secs(&self) -> Option<Rational> {
        self.stream.end_secs()
    }
}
