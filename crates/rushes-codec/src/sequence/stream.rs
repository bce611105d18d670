//! A sequence as a stream.

use std::sync::Arc;

use rushes_media::{Frame, FrameStream, Layout, Rational, Result};

use super::{Orientation, Sequence, SequenceReader};
use crate::{Depth, Span, VideoOptions};

/// The pictures of a [`Sequence`] one after another, set upright, from the
/// first of a [`Span`] to its last; times count from its start.
///
/// Each has the layout of the first (without opacity, unless that is kept) and
/// its numbers; linear light becomes 16 bits by sRGB's curve, as who shows
/// video takes it.
pub struct SequenceStream {
    reader: SequenceReader,
    span: Span,
    loses_opacity: bool,
}

impl SequenceStream {
    /// Opens a sequence and reads its first picture.
    ///
    /// # Errors
    /// Those of [`SequenceReader::open`].
    pub fn open(
        sequence: Arc<Sequence>,
        orientation: Option<Orientation>,
        keeps_opacity: bool,
        span: Span,
    ) -> Result<SequenceStream> {
        let mut reader = SequenceReader::open(sequence, VideoOptions::default(), orientation)?;
        let stored = reader.stored_layout();
        let layout = match stored {
            Layout::Rgba if !keeps_opacity => Layout::Rgb,
            stored => stored,
        };
        let depth = match reader.depth() {
            Depth::F32 => Depth::U16,
            depth => depth,
        };
        reader.give(layout, depth);
        reader.go_to(span.first);
        let loses_opacity = stored != layout;
        Ok(SequenceStream { reader, span, loses_opacity })
    }

    /// Whether the first picture has opacity that is left out.
    #[must_use]
    pub fn loses_opacity(&self) -> bool {
        self.loses_opacity
    }

    /// Width of its frames in pixels.
    #[must_use]
    pub fn width_px(&self) -> u32 {
        self.reader.width_px()
    }

    /// Height of its frames in pixels.
    #[must_use]
    pub fn height_px(&self) -> u32 {
        self.reader.height_px()
    }
}

impl FrameStream for SequenceStream {
    fn next_frame(&mut self) -> Result<Option<Frame>> {
        if self.reader.position() >= self.span.end {
            return Ok(None);
        }
        let Some(mut frame) = self.reader.next()? else { return Ok(None) };
        frame.time_secs = frame.time_secs.and_then(|time| time.checked_sub(self.span.start_secs));
        Ok(Some(frame))
    }

    fn end_secs(&self) -> Option<Rational> {
        self.span.end_secs.checked_sub(self.span.start_secs)
    }
}
