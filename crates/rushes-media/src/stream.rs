use crate::{Frame, Rational, Result};

/// Frames one after another: a file that is read, a change of each frame on
/// its way, several streams side by side. Nothing happens before a frame is
/// asked for, and no more is held than that takes, however long the stream.
pub trait FrameStream: Send {
    /// The next frame; `None` after the last, and from then on.
    ///
    /// # Errors
    /// `Corrupt` for a frame that cannot be decoded: the call after goes on
    /// behind it. After any other kind the stream is over.
    fn next_frame(&mut self) -> Result<Option<Frame>>;

    /// When the last frame is over, in seconds, where that is known before it
    /// is read.
    fn end_secs(&self) -> Option<Rational> {
        None
    }
}

impl<S: FrameStream + ?Sized> FrameStream for Box<S> {
    fn next_frame(&mut self) -> Result<Option<Frame>> {
        (**self).next_frame()
    }

    fn end_secs(&self) -> Option<Rational> {
        (**self).end_secs()
    }
}
