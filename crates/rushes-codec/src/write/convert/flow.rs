//! Pictures on their way from the decoder to the encoder, through threads.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender};

use rushes_media::{Error, ErrorKind, Frame, Rational, Result};

use super::Edit;
use crate::av::decode::Frame as Decoded;
use crate::write::native::Way;
use crate::{FrameIndex, Source, VideoOptions, VideoReader};

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
    pub(super) count: usize,
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

/// Decodes frame after frame until nobody takes them.
pub(super) fn decode(
    source: &Source,
    threads: u32,
    way: Way,
    stop: &AtomicBool,
    to: &SyncSender<Made>,
) {
    let go_on = || !stop.load(Ordering::Relaxed);
    let work = || -> Result<()> {
        let index = Arc::new(FrameIndex::build(source, &mut |_| go_on())?);
        let step = index.duration_secs(0);
        let same =
            |at: &usize| index.time_secs(at + 1).checked_sub(index.time_secs(*at)) == Some(step);
        let is_even = (0..index.len().saturating_sub(1)).all(|at| same(&at));
        let step = Some(step).filter(|step| is_even && *step > Rational::ZERO);
        let options = VideoOptions { threads, layout: way.layout(), ..VideoOptions::default() };
        let mut reader = VideoReader::open(source, index, options)?;
        let is_stored = matches!(way, Way::Stored(_));
        let is_sideways = !is_stored && matches!(reader.rotation().0, 90 | 270);
        let aspect = reader.sample_aspect();
        let turned = || Rational::whole(1).checked_div(aspect).unwrap_or(aspect);
        let start = Start {
            count: reader.len(),
            step,
            size: (reader.width_px(), reader.height_px()),
            sample_aspect: if is_sideways { turned() } else { aspect },
        };
        if to.send(Made::Start(start)).is_err() {
            return Ok(());
        }
        loop {
            let next = if is_stored {
                stored(&mut reader)
            } else {
                reader.next().map(|frame| frame.map(Picture::Frame))
            };
            let made = match next {
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

/// The next frame as it is stored.
fn stored(reader: &mut VideoReader<'_>) -> Result<Option<Picture>> {
    let next = reader.next_decoded()?;
    Ok(next.map(|(i, decoded)| Picture::Stored {
        decoded,
        time_secs: reader.index().time_secs(i),
        duration_secs: reader.index().duration_secs(i),
    }))
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
