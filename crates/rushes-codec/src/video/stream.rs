use std::sync::Arc;

use rushes_media::{Frame, FrameStream, Rational, Result};
use self_cell::self_cell;

use super::{FrameIndex, VideoOptions, VideoReader};
use crate::Source;

self_cell! {
    /// A reader, and the source that it reads.
    pub(crate) struct OpenVideo {
        owner: Source,
        #[not_covariant]
        dependent: VideoReader,
    }
}

/// The frames of a video from the first to the last, with the source that
/// they are read from, so that it can go to another thread.
///
/// Frames are those of [`VideoReader`], which also gives them in any other
/// order; here none is kept once it was given.
pub struct VideoStream {
    open: OpenVideo,
    end_secs: Option<Rational>,
}

impl VideoStream {
    /// Indexes the source's video and opens it.
    ///
    /// # Errors
    /// Those of [`FrameIndex::build`] and [`VideoReader::open`].
    pub fn open(source: Source, options: VideoOptions) -> Result<VideoStream> {
        let mut end_secs = None;
        let open = OpenVideo::try_new(source, |source| {
            let index = Arc::new(FrameIndex::build(source, &mut |_| true)?);
            end_secs = index
                .len()
                .checked_sub(1)
                .and_then(|last| index.time_secs(last).checked_add(index.duration_secs(last)));
            let mut reader = VideoReader::open(source, index, options)?;
            reader.keep_nothing();
            Ok::<_, rushes_media::Error>(reader)
        })?;
        Ok(VideoStream { open, end_secs })
    }
}

impl FrameStream for VideoStream {
    fn next_frame(&mut self) -> Result<Option<Frame>> {
        self.open.with_dependent_mut(|_, reader| reader.next())
    }

    fn end_secs(&self) -> Option<Rational> {
        self.end_secs
    }
}
