use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::{self, JoinHandle};

use rushes_media::{Error, ErrorKind, Frame, FrameStream, Rational, Result};

/// A stream that works on a thread of its own, ahead of who asks, so that
/// reading, changing and writing overlap.
pub struct Ahead {
    frames: Option<Receiver<Result<Frame>>>,
    thread: Option<JoinHandle<()>>,
    end_secs: Option<Rational>,
}

impl Ahead {
    /// Lets the stream run ahead by so many frames, at least 1; then it waits.
    ///
    /// # Errors
    /// `Unavailable` when the system gives no thread.
    pub fn new(mut stream: impl FrameStream + 'static, frames: usize) -> Result<Ahead> {
        let end_secs = stream.end_secs();
        let (to, from) = sync_channel(frames.max(1));
        let work = move || {
            while let Some(next) = stream.next_frame().transpose() {
                let is_over = next.as_ref().is_err_and(|error| error.kind != ErrorKind::Corrupt);
                // Nobody takes them any more.
                if to.send(next).is_err() || is_over {
                    return;
                }
            }
        };
        let thread = thread::Builder::new()
            .name("frames ahead".to_owned())
            .spawn(work)
            .map_err(|error| Error::io("starting a thread for a stream", &error))?;
        Ok(Ahead { frames: Some(from), thread: Some(thread), end_secs })
    }
}

impl FrameStream for Ahead {
    fn next_frame(&mut self) -> Result<Option<Frame>> {
        if let Some(Ok(next)) = self.frames.as_ref().map(Receiver::recv) {
            return next.map(Some);
        }
        self.frames = None;
        match self.thread.take().map(JoinHandle::join) {
            Some(Err(_)) => Err(Error::bug("reading a stream ahead", "its thread panicked")),
            _ => Ok(None),
        }
    }

    fn end_secs(&self) -> Option<Rational> {
        self.end_secs
    }
}

impl Drop for Ahead {
    /// Waits for the frame in hand: no thread outlives its stream.
    fn drop(&mut self) {
        self.frames = None;
        if let Some(thread) = self.thread.take() {
            // A panic has been told on standard error already.
            let _ = thread.join();
        }
    }
}
