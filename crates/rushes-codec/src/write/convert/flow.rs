//! Pictures on their way from the decoder to the encoder, through threads.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender};

use rushes_media::{Error, ErrorKind, Frame, Rational, Result};

use super::shots::{Frames, Sampled, Shot, Shots, Whole};
use super::{Conversion, Edit};
use crate::av::decode::Frame as Decoded;
use crate::video::fitted;
use crate::write::native::Way;
use crate::{FrameIndex, Source, Span, VideoOptions, VideoReader};

/// What comes from the decoder.
pub(super) enum Made {
    Start(Start),
    Picture(Picture),
    /// A frame that could not be decoded.
    Lost,
    Failed(Error),
}

/// What is known before the first frame.
#[derive(Clone, Copy)]
pub(super) struct Start {
    /// How many frames there are.
    pub(super) count: u64,
    /// Which frames of the source they are made of.
    pub(super) span: Span,
    /// How long each is shown, when that is always the same.
    pub(super) step: Option<Rational>,
    /// Width and height in pixels, as they are decoded.
    pub(super) size: (u32, u32),
    /// Width of such a pixel over its height.
    pub(super) sample_aspect: Rational,
}

/// One picture.
pub(super) enum Picture {
    /// To be changed, or changed.
    Frame(Frame),
    /// As it is stored.
    Stored { decoded: Decoded, time_secs: Rational, duration_secs: Rational },
}

impl Picture {
    pub(super) fn time_secs(&self) -> Option<Rational> {
        match self {
            Picture::Frame(frame) => frame.time_secs,
            Picture::Stored { time_secs, .. } => Some(*time_secs),
        }
    }

    pub(super) fn duration_secs(&self) -> Option<Rational> {
        match self {
            Picture::Frame(frame) => frame.duration_secs,
            Picture::Stored { duration_secs, .. } => Some(*duration_secs),
        }
    }
}

/// The frames that are wanted of a video.
///
/// # Errors
/// As for [`crate::Cut::span`].
pub(super) fn span(index: &FrameIndex, wanted: &Conversion) -> Result<Span> {
    wanted.cut.span(index.len(), &|i| index.time_secs(i), end_of(index, index.len()))
}

/// When the frame before this one is over.
fn end_of(index: &FrameIndex, end: usize) -> Rational {
    let last = end.saturating_sub(1);
    let over = index.time_secs(last).checked_add(index.duration_secs(last));
    over.unwrap_or_else(|| index.time_secs(last))
}

/// How many frames are made of these.
pub(super) fn frames_of(index: &FrameIndex, span: Span, wanted: &Conversion) -> u64 {
    let both = wanted.deinterlacing.is_some_and(|how| how.both);
    let count = (span.end - span.first) as u64 * if both { 2 } else { 1 };
    let pictures = Span { end_secs: end_of(index, span.end), ..span };
    wanted.rate_hz.and_then(|rate_hz| pictures.frames_at(rate_hz)).unwrap_or(count)
}

/// Decodes frame after frame until nobody takes them. `is_interlaced` when the
/// stream says so.
pub(super) fn decode(
    source: &Source,
    wanted: &Conversion,
    way: Way,
    is_interlaced: bool,
    stop: &AtomicBool,
    to: &SyncSender<Made>,
) {
    let go_on = || !stop.load(Ordering::Relaxed);
    let work = || -> Result<()> {
        let index = Arc::new(FrameIndex::build(source, &mut |_| go_on())?);
        let span = span(&index, wanted)?;
        let both = wanted.deinterlacing.is_some_and(|how| how.both);
        // Matroska, for one, rounds the times of a constant rate to thousandths.
        let even = even_step(&index, span);
        let rounded = match (even, index.rate_hz()) {
            (None, Some(rate_hz)) => Rational::whole(1).checked_div(rate_hz),
            _ => None,
        };
        let mut step = even.or(rounded);
        if both {
            step = step.and_then(|step| step.checked_div(Rational::whole(2)));
        }
        let count = frames_of(&index, span, wanted);
        let over = end_of(&index, span.end).checked_sub(span.start_secs);
        if let Some(rate_hz) = wanted.rate_hz {
            step = Rational::whole(1).checked_div(rate_hz);
        }
        let layout = way.layout();
        let options = VideoOptions { threads: wanted.threads, layout, ..VideoOptions::default() };
        let mut reader = VideoReader::open(source, Arc::clone(&index), options)?;
        let size = (reader.width_px(), reader.height_px());
        let is_stored = matches!(way, Way::Stored(_));
        if let Some(asked) = wanted.scaled_px.filter(|_| !is_stored) {
            let scaled = fitted(asked, size)?;
            // Only then does the reader take means.
            if scaled.0 <= size.0 / 2 && scaled.1 <= size.1 / 2 {
                let options = VideoOptions { size: Some(scaled), ..options };
                reader = VideoReader::open(source, index, options)?;
            }
        }
        let is_sideways = !is_stored && matches!(reader.rotation().0, 90 | 270);
        let aspect = reader.sample_aspect();
        let turned = || Rational::whole(1).checked_div(aspect).unwrap_or(aspect);
        let start = Start {
            count,
            span,
            step,
            size,
            sample_aspect: if is_sideways { turned() } else { aspect },
        };
        if to.send(Made::Start(start)).is_err() {
            return Ok(());
        }
        let mut shots: Box<dyn Shots<'_> + '_> =
            Box::new(Frames { reader, span, next: span.first, step_secs: rounded });
        if let Some(how) = wanted.deinterlacing {
            shots = Box::new(Whole::new(shots, how, is_interlaced));
        }
        if let Some(step_secs) = step.filter(|_| wanted.rate_hz.is_some()) {
            let end_secs = over.unwrap_or(Rational::ZERO);
            let (now, coming, has_ended) = (None, None, false);
            let number = 0;
            shots =
                Box::new(Sampled { shots, step_secs, end_secs, number, now, coming, has_ended });
        }
        loop {
            let made = match next(&mut *shots, is_stored) {
                Ok(Some(picture)) => Made::Picture(picture),
                Ok(None) => return Ok(()),
                Err(error) if error.kind == ErrorKind::Corrupt => Made::Lost,
                Err(error) => return Err(error),
            };
            if to.send(made).is_err() {
                return Ok(());
            }
        }
    };
    if let Err(error) = work() {
        // Nobody there to hear it: they have an error of their own.
        let _ = to.send(Made::Failed(error));
    }
}

/// How long each frame is shown, where that is the same for all.
fn even_step(index: &FrameIndex, span: Span) -> Option<Rational> {
    let step = index.duration_secs(span.first);
    let is_same =
        |at: usize| index.time_secs(at + 1).checked_sub(index.time_secs(at)) == Some(step);
    let is_even = (span.first..span.end.saturating_sub(1)).all(is_same);
    Some(step).filter(|step| is_even && *step > Rational::ZERO)
}

/// The next picture, as it is stored or as a frame.
fn next<'s>(shots: &mut (dyn Shots<'s> + '_), is_stored: bool) -> Result<Option<Picture>> {
    let Some(Shot { i, decoded, time_secs, duration_secs }) = shots.next()? else {
        return Ok(None);
    };
    if is_stored {
        return Ok(Some(Picture::Stored { decoded, time_secs, duration_secs }));
    }
    let mut frame = shots.reader().made(i, &decoded)?;
    (frame.time_secs, frame.duration_secs) = (Some(time_secs), Some(duration_secs));
    Ok(Some(Picture::Frame(frame)))
}

/// Changes frame after frame until there are no more, or nobody takes them.
pub(super) fn change(from: &Receiver<Made>, edit: Option<Edit<'_>>, to: &SyncSender<Made>) {
    for made in from {
        let made = match (made, edit) {
            (Made::Picture(Picture::Frame(frame)), Some(edit)) => match edit(frame) {
                Ok(frame) => Made::Picture(Picture::Frame(frame)),
                Err(error) => Made::Failed(error),
            },
            (made, _) => made,
        };
        let is_last = matches!(made, Made::Failed(_));
        if to.send(made).is_err() || is_last {
            return;
        }
    }
}
