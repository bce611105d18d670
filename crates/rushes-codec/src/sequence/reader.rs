//! Picture i of a sequence, in any order.

use std::fmt;
use std::sync::Arc;

use rushes_media::{Error, ErrorKind, Frame, Layout, Rational, Result, Values};

use super::numbers::{Target, depth_of, fit};
use super::{Sequence, Taken, WHAT};
use crate::video::{fitted, upright, wrong_size};
use crate::{Depth, Source, VideoOptions};

/// Says how a still is set upright: degrees clockwise, 0, 90, 180 or 270, and
/// whether it is mirrored left to right after that. Tags are read elsewhere.
pub type Orientation = fn(&Source) -> Result<(u16, bool)>;

/// Gives any picture of a [`Sequence`], as [`crate::VideoReader`] gives frames
/// of a video: frame `i` has the same numbers whichever were read before.
///
/// `Depth::Auto` is what the first picture is stored in, linear light as
/// floats. Every frame has the reader's size, layout and numbers; a picture of
/// another size is an error, unless a size was asked for, to which all are
/// scaled. Memory stays flat: one picture is kept.
pub struct SequenceReader {
    sequence: Arc<Sequence>,
    target: Target,
    /// Width and height of every picture, upright; `None` when they may differ.
    same_px: Option<(u32, u32)>,
    upright: bool,
    orientation: Option<Orientation>,
    /// What the first picture states.
    turn: (u16, bool),
    goes_on: Option<Box<dyn Fn() -> bool + Send>>,
    /// The last picture that was read, upright.
    kept: Option<(usize, Frame)>,
    position: usize,
}

impl fmt::Debug for SequenceReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SequenceReader")
            .field("sequence", &self.sequence)
            .field("target", &self.target)
            .finish_non_exhaustive()
    }
}

impl SequenceReader {
    /// Opens a sequence, and reads its first picture. `orientation` is asked
    /// how stills are set upright, where that was asked for; HEIC and AVIF
    /// always are. `threads` is of no use here.
    ///
    /// # Errors
    /// Those of reading the first picture, and `Limit` when a frame would be
    /// over a limit.
    pub fn open(
        sequence: Arc<Sequence>,
        options: VideoOptions,
        orientation: Option<Orientation>,
    ) -> Result<SequenceReader> {
        let mut reader = SequenceReader {
            target: Target {
                width_px: 0,
                height_px: 0,
                layout: options.layout,
                depth: options.depth,
            },
            sequence,
            same_px: None,
            upright: options.upright,
            orientation,
            turn: (0, false),
            goes_on: None,
            kept: None,
            position: 0,
        };
        let taken = reader.sequence.pictures.picture(0)?;
        if let (Some(still), Some(orientation)) = (&taken.still, orientation) {
            reader.turn = orientation(still)?;
        }
        let first = reader.set_upright(taken)?;
        let stored = (first.width_px(), first.height_px());
        let target = &mut reader.target;
        (target.width_px, target.height_px) = match options.size {
            None => stored,
            Some(asked) => fitted(asked, stored)?,
        };
        if options.size.is_none_or(|(width, height)| width == 0 || height == 0) {
            reader.same_px = Some(stored);
        }
        if target.depth == Depth::Auto {
            target.depth = depth_of(first.values());
        }
        let pixels = u64::from(target.width_px) * u64::from(target.height_px);
        let pixel_bytes = target.bytes() as u64 / pixels.max(1);
        let limits = rushes_media::Limits::default();
        limits.check_picture(target.width_px.into(), target.height_px.into(), pixel_bytes)?;
        reader.kept = Some((0, first));
        Ok(reader)
    }

    /// The same reader, under watch: the function is asked before each picture
    /// whether to go on; when it says no, reading ends with `Unavailable`.
    #[must_use]
    pub fn watched(self, goes_on: impl Fn() -> bool + Send + 'static) -> SequenceReader {
        SequenceReader { goes_on: Some(Box::new(goes_on)), ..self }
    }

    /// The sequence that it reads.
    #[must_use]
    pub fn sequence(&self) -> &Sequence {
        &self.sequence
    }

    /// How many frames there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.sequence.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.sequence.is_empty()
    }

    /// Width of the frames that it gives, in pixels.
    #[must_use]
    pub fn width_px(&self) -> u32 {
        self.target.width_px
    }

    /// Height of the frames that it gives, in pixels.
    #[must_use]
    pub fn height_px(&self) -> u32 {
        self.target.height_px
    }

    /// What the numbers of a pixel are.
    #[must_use]
    pub fn layout(&self) -> Layout {
        self.target.layout
    }

    /// What numbers they are; never `Auto`.
    #[must_use]
    pub fn depth(&self) -> Depth {
        self.target.depth
    }

    /// Bytes of one frame: width, height, channels and the size of a number.
    #[must_use]
    pub fn frame_bytes(&self) -> usize {
        self.target.bytes()
    }

    /// Clockwise turn in degrees that the first picture states to be set
    /// upright, and whether it is mirrored left to right after it. With
    /// `upright` this has been done already.
    #[must_use]
    pub fn rotation(&self) -> (u16, bool) {
        self.turn
    }

    /// Width of a stored pixel over its height: 1.
    #[must_use]
    pub fn sample_aspect(&self) -> Rational {
        Rational::whole(1)
    }

    /// Frame `i`, counted from 0, with its time and duration.
    ///
    /// # Errors
    /// `NotFound` when there is no frame `i`, `Conflict` when it has another
    /// size than the first, `Unavailable` when the watch said to stop, and
    /// those of [`crate::still_frame`]; with the path of its file where it has
    /// one of its own.
    pub fn frame(&mut self, i: usize) -> Result<Frame> {
        let (time_secs, duration_secs) =
            (self.sequence.time_secs(i), self.sequence.duration_secs(i));
        let mut frame = fit(self.picture(i)?, &self.target)?;
        (frame.time_secs, frame.duration_secs) = (Some(time_secs), Some(duration_secs));
        Ok(frame)
    }

    /// Writes frame `i` into a buffer of [`SequenceReader::frame_bytes`] bytes:
    /// rows from the top without padding, numbers in this machine's byte order.
    ///
    /// # Errors
    /// As for [`SequenceReader::frame`]; `Invalid` when the buffer has another
    /// size.
    pub fn frame_into(&mut self, i: usize, buffer: &mut [u8]) -> Result<()> {
        if buffer.len() != self.frame_bytes() {
            return Err(wrong_size(buffer.len()));
        }
        let frame = fit(self.picture(i)?, &self.target)?;
        match frame.values() {
            Values::U8(values) => buffer.copy_from_slice(values),
            Values::U16(values) => {
                let places = buffer.as_chunks_mut().0.iter_mut();
                places.zip(values).for_each(|(place, value)| *place = value.to_ne_bytes());
            }
            Values::F32(values) => {
                let places = buffer.as_chunks_mut().0.iter_mut();
                places.zip(values).for_each(|(place, value)| *place = value.to_ne_bytes());
            }
        }
        Ok(())
    }

    /// The next frame after the one that was given last by this call, from the
    /// first on or from where [`SequenceReader::go_to`] went; `None` after the
    /// last. A frame that cannot be read is an error once, and the call after
    /// goes on behind it.
    ///
    /// # Errors
    /// As for [`SequenceReader::frame`].
    #[expect(clippy::should_implement_trait, reason = "it can fail, which ends no iteration")]
    pub fn next(&mut self) -> Result<Option<Frame>> {
        let i = self.position;
        if i >= self.len() {
            return Ok(None);
        }
        self.position = i + 1;
        self.frame(i).map(Some)
    }

    /// The frame that [`SequenceReader::next`] would give.
    pub(super) fn position(&self) -> usize {
        self.position
    }

    /// What the numbers of the first picture are, as it is stored.
    pub(super) fn stored_layout(&self) -> Layout {
        self.kept.as_ref().map_or(self.target.layout, |(_, first)| first.layout())
    }

    /// Gives frames of this layout and these numbers from now on, which are not
    /// `Auto`.
    pub(super) fn give(&mut self, layout: Layout, depth: Depth) {
        (self.target.layout, self.target.depth) = (layout, depth);
    }

    /// Lets [`SequenceReader::next`] go on with frame `i`.
    pub fn go_to(&mut self, i: usize) {
        self.position = i;
    }

    /// Writes the frames asked for one after another into a buffer of
    /// [`SequenceReader::frame_bytes`] bytes for each, in the order asked; each
    /// is read once.
    ///
    /// # Errors
    /// As for [`SequenceReader::frame_into`].
    pub fn frames_into(&mut self, indexes: &[usize], buffer: &mut [u8]) -> Result<()> {
        let size = self.frame_bytes();
        if size.checked_mul(indexes.len()) != Some(buffer.len()) {
            return Err(wrong_size(buffer.len()));
        }
        let mut asked: Vec<(usize, usize)> =
            indexes.iter().enumerate().map(|(position, &i)| (i, position * size)).collect();
        asked.sort_unstable();
        for same in asked.chunk_by(|one, other| one.0 == other.0) {
            let Some((&(i, first), others)) = same.split_first() else { continue };
            let room = buffer.get_mut(first..first + size).ok_or_else(|| wrong_size(0))?;
            self.frame_into(i, room)?;
            for &(_, place) in others {
                buffer.copy_within(first..first + size, place);
            }
        }
        Ok(())
    }

    /// Picture `i` as it is stored, upright, of the size of the first.
    fn picture(&mut self, i: usize) -> Result<Frame> {
        if self.goes_on.as_ref().is_some_and(|goes_on| !goes_on()) {
            return Err(Error::new(ErrorKind::Unavailable, WHAT, "it was cancelled"));
        }
        if i >= self.len() {
            let count = self.len();
            let why = format!("there is no frame {i}, it has {count} (0 to {})", count - 1);
            return Err(Error::new(ErrorKind::NotFound, WHAT, why));
        }
        if let Some((kept, frame)) = &self.kept
            && *kept == i
        {
            return Ok(frame.clone());
        }
        let taken = self.sequence.pictures.picture(i)?;
        let frame = self.set_upright(taken)?;
        let size_px = (frame.width_px(), frame.height_px());
        if let Some((width, height)) = self.same_px.filter(|&same| same != size_px) {
            let name = self.sequence.pictures.name(i);
            let (is_width, is_height) = size_px;
            let why =
                format!("{name} has {is_width}x{is_height} pixels, the first has {width}x{height}");
            return Err(Error::new(ErrorKind::Conflict, WHAT, why)
                .remedy("state a size to scale them all to, or leave it out"));
        }
        self.kept = Some((i, frame.clone()));
        Ok(frame)
    }

    fn set_upright(&self, taken: Taken) -> Result<Frame> {
        let stated = match (&taken.still, self.orientation) {
            (Some(still), Some(orientation)) => orientation(still)?,
            _ => self.turn,
        };
        if self.upright { upright(taken.frame, stated.0, stated.1) } else { Ok(taken.frame) }
    }
}
