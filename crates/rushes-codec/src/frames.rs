//! One reader of frames, whatever they come from.

use std::sync::Arc;

use rushes_media::{Error, ErrorKind, Frame, Layout, Planes, Rational, Result};

use crate::video::OpenVideo;
use crate::{Depth, FrameIndex, SequenceReader, Source, VideoOptions, VideoReader};

/// Gives any frame of a video or of pictures in a row, with the source that they
/// are read from: what [`VideoReader`] and [`SequenceReader`] have in common, and
/// as they do it.
pub struct FrameReader(Inner);

enum Inner {
    Video(Box<OpenVideo>),
    Sequence(Box<SequenceReader>),
}

impl From<SequenceReader> for FrameReader {
    fn from(reader: SequenceReader) -> FrameReader {
        FrameReader(Inner::Sequence(Box::new(reader)))
    }
}

/// The same call to either.
macro_rules! of {
    ($reader:expr, $one:ident => $call:expr) => {
        match &$reader.0 {
            Inner::Video(open) => open.with_dependent(|_, $one| $call),
            Inner::Sequence($one) => $call,
        }
    };
    (mut $reader:expr, $one:ident => $call:expr) => {
        match &mut $reader.0 {
            Inner::Video(open) => open.with_dependent_mut(|_, $one| $call),
            Inner::Sequence($one) => $call,
        }
    };
}

impl FrameReader {
    /// Of a source's video, by an index that was made of it.
    ///
    /// # Errors
    /// Those of [`VideoReader::open`].
    pub fn of_video(
        source: Source,
        index: Arc<FrameIndex>,
        options: VideoOptions,
    ) -> Result<FrameReader> {
        let open = OpenVideo::try_new(source, |source| VideoReader::open(source, index, options))?;
        Ok(FrameReader(Inner::Video(Box::new(open))))
    }

    /// Of a source's video, of which no index is there yet.
    pub(crate) fn of_played(source: Source, options: VideoOptions) -> Result<FrameReader> {
        let open = OpenVideo::try_new(source, |source| {
            let index = FrameIndex::build(source, &mut |_| true)?;
            VideoReader::open(source, Arc::new(index), options)
        })?;
        Ok(FrameReader(Inner::Video(Box::new(open))))
    }

    /// How many frames there are.
    #[must_use]
    pub fn len(&self) -> usize {
        of!(self, reader => reader.len())
    }

    /// Whether there are none; what was opened has some.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Width of the frames that it gives, in pixels.
    #[must_use]
    pub fn width_px(&self) -> u32 {
        of!(self, reader => reader.width_px())
    }

    /// Height of the frames that it gives, in pixels.
    #[must_use]
    pub fn height_px(&self) -> u32 {
        of!(self, reader => reader.height_px())
    }

    /// What the numbers of a pixel are.
    #[must_use]
    pub fn layout(&self) -> Layout {
        of!(self, reader => reader.layout())
    }

    /// What numbers they are; never `Auto`.
    #[must_use]
    pub fn depth(&self) -> Depth {
        of!(self, reader => reader.depth())
    }

    /// Bytes of one frame: width, height, channels and the size of a number.
    #[must_use]
    pub fn frame_bytes(&self) -> usize {
        of!(self, reader => reader.frame_bytes())
    }

    /// Clockwise turn in degrees that is stated to set frames upright, and whether
    /// they are mirrored left to right after it.
    #[must_use]
    pub fn rotation(&self) -> (u16, bool) {
        of!(self, reader => reader.rotation())
    }

    /// Width of a stored pixel over its height; 1 when none is stated.
    #[must_use]
    pub fn sample_aspect(&self) -> Rational {
        of!(self, reader => reader.sample_aspect())
    }

    /// Frame `i`, counted from 0: `[H, W]`, `[H, W, 3]` or `[H, W, 4]`, u8, u16 or
    /// f32 as the options asked, with its time and duration.
    ///
    /// # Errors
    /// Those of [`VideoReader::frame`] and [`SequenceReader::frame`].
    pub fn frame(&mut self, i: usize) -> Result<Frame> {
        of!(mut self, reader => reader.frame(i))
    }

    /// The next frame after the one that was given last by this call, from the
    /// first on; `None` after the last. A frame that cannot be decoded is an error
    /// once, and the call after goes on behind it.
    ///
    /// # Errors
    /// As for [`FrameReader::frame`].
    #[expect(clippy::should_implement_trait, reason = "it can fail, which ends no iteration")]
    pub fn next(&mut self) -> Result<Option<Frame>> {
        of!(mut self, reader => reader.next())
    }

    /// Writes the frames asked for one after another into a buffer of
    /// [`FrameReader::frame_bytes`] bytes for each, in the order asked; each is
    /// decoded once.
    ///
    /// # Errors
    /// As for [`FrameReader::frame`]; `Invalid` when the buffer has another size.
    pub fn frames_into(&mut self, indexes: &[usize], buffer: &mut [u8]) -> Result<()> {
        match *indexes {
            [one] => of!(mut self, reader => reader.frame_into(one, buffer)),
            _ => of!(mut self, reader => reader.frames_into(indexes, buffer)),
        }
    }

    /// Frame `i` as it is stored, see [`VideoReader::planes`].
    ///
    /// # Errors
    /// As for [`VideoReader::planes`]; `Unsupported` for pictures in a row.
    pub fn planes(&mut self, i: usize) -> Result<Planes> {
        match &mut self.0 {
            Inner::Video(open) => open.with_dependent_mut(|_, reader| reader.planes(i)),
            Inner::Sequence(_) => {
                let why = "pictures in a row have no planes of their own";
                Err(Error::new(ErrorKind::Unsupported, "reading the video", why)
                    .remedy("take them as frames: video[i]"))
            }
        }
    }
}
