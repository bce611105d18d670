//! The picture on its way into the file.

use std::sync::mpsc::Receiver;

use ffmpeg::ffi;
use rushes_media::{Error, ErrorKind, Rational, Result};

use super::flow::{Made, Picture, Start};
use super::{Conversion, Converted};
use crate::write::encoder::{Encoder, Video};
use crate::write::native::Way;
use crate::write::output::Output;
use crate::write::pictures::Pictures;
use crate::write::pixels::{Kind, Pixels};
use crate::write::stored::StoredPixels;
use crate::write::{STATED_TICKS_HZ, VideoCodec, WHAT, WriterOptions, fraction, targets};

/// Parts of a frame's time that a clock finer than frames counts.
const FINENESS: i64 = 100;

/// The picture on its way into the file.
pub(super) struct PictureWriter {
    frames: Receiver<Made>,
    pub(super) encoder: Encoder,
    body: Body,
    tick_secs: Rational,
    /// The next picture to be written.
    next: Option<Picture>,
    last_ticks: Option<i64>,
}

/// What makes pictures as the encoder wants them.
enum Body {
    Frames { pixels: Box<Pixels>, kind: Kind },
    Stored(Box<StoredPixels>),
}

impl Body {
    fn pictures(&self) -> &Pictures {
        match self {
            Body::Frames { pixels, .. } => &pixels.pictures,
            Body::Stored(pixels) => &pixels.pictures,
        }
    }
}

impl PictureWriter {
    /// From the first picture the encoder learns what it gets; `stream` is the
    /// one that they are of.
    pub(super) fn open(
        codec: &'static VideoCodec,
        way: Way,
        stream: *mut ffi::AVStream,
        wanted: &Conversion,
        start: Option<Start>,
        first: Picture,
        frames: Receiver<Made>,
    ) -> Result<PictureWriter> {
        let container = targets::container(&wanted.extension)?;
        let step = start.and_then(|start| start.step);
        let rate_hz = step.and_then(|step| Rational::whole(1).checked_div(step));
        if let Some(rate_hz) = rate_hz {
            targets::check_rate(container.muxer, rate_hz)?;
        }
        let tick_secs = tick(step, first.time_secs(), container.muxer, codec.name)?;
        let options = WriterOptions {
            codec: None,
            rate_hz,
            quality: wanted.quality,
            threads: wanted.threads,
            plays: 0,
        };
        let aspect = start.map_or(Rational::whole(1), |start| start.sample_aspect);
        let body = match (&first, way) {
            (Picture::Stored { decoded, .. }, Way::Stored(format)) => {
                let pixels = StoredPixels::new(codec.name, format, decoded, stream, aspect);
                Body::Stored(Box::new(pixels))
            }
            (Picture::Frame(frame), _) => {
                let mut pixels = Pixels::new(codec, frame)?;
                // Frames of another size may have pixels of another shape.
                if start.is_some_and(|it| it.size == (frame.width_px(), frame.height_px())) {
                    pixels.pictures.sample_aspect = fraction(aspect);
                }
                Body::Frames { pixels: Box::new(pixels), kind: Kind::of(frame) }
            }
            _ => return Err(Error::bug(WHAT, "a stored picture where frames were asked for")),
        };
        let (options, pictures) = (&options, body.pictures());
        let encoder =
            Encoder::open(Video { container, codec, options, pictures, time_base: tick_secs })?;
        let next = Some(first);
        Ok(PictureWriter { frames, encoder, body, tick_secs, next, last_ticks: None })
    }

    /// Tells the container what the encoder does not.
    ///
    /// # Safety
    /// The stream is one of an open output.
    pub(super) unsafe fn describe(&self, stream: *mut ffi::AVStream) -> Result<()> {
        // SAFETY: as the caller says.
        unsafe { self.body.pictures().light.describe(stream) }
    }

    /// Whether pictures go on as they are stored, not turned.
    pub(super) fn is_stored(&self) -> bool {
        matches!(self.body, Body::Stored(_))
    }

    pub(super) fn next_secs(&self) -> Option<f64> {
        self.next.as_ref().map(|picture| picture.time_secs().map_or(0.0, Rational::to_f64))
    }

    /// Writes the picture in hand, and waits for the next.
    pub(super) fn step(&mut self, output: &mut Output, done: &mut Converted) -> Result<()> {
        let Some(picture) = self.next.take() else { return Ok(()) };
        let ticks = |secs: Option<Rational>| {
            let ticks = secs.and_then(|secs| secs.checked_div(self.tick_secs))?;
            Some(ticks.to_f64().round() as i64)
        };
        let at = ticks(picture.time_secs()).unwrap_or(0);
        // Two frames of one tick: the later is shown a tick later.
        let at = self.last_ticks.map_or(at, |last| at.max(last + 1));
        self.last_ticks = Some(at);
        let duration = ticks(picture.duration_secs()).filter(|&ticks| ticks > 0);
        let ready = match (&mut self.body, picture) {
            (Body::Frames { pixels, kind }, Picture::Frame(frame)) => {
                let now = Kind::of(&frame);
                if now != *kind {
                    let why = format!("a frame is {now}, those before are {kind}");
                    return Err(Error::new(ErrorKind::Invalid, WHAT, why));
                }
                pixels.convert(&frame, at)?
            }
            (Body::Stored(pixels), Picture::Stored { decoded, .. }) => {
                pixels.convert(decoded, at)?
            }
            _ => return Err(Error::bug(WHAT, "pictures of two kinds")),
        };
        self.encoder.send(Some((ready, duration)), output)?;
        done.done += 1;
        loop {
            match self.frames.recv() {
                Ok(Made::Picture(picture)) => {
                    self.next = Some(picture);
                    return Ok(());
                }
                Ok(Made::Lost) => done.lost_frames += 1,
                Ok(Made::Failed(error)) => return Err(error),
                Ok(Made::Start(..)) => {}
                Err(_) => return Ok(()),
            }
        }
    }
}

/// Seconds of one tick: of frames that come evenly a part of their time, so
/// that none is rounded; else MPEG's own clock. Some count whole frames only.
fn tick(
    step: Option<Rational>,
    first_secs: Option<Rational>,
    muxer: &str,
    codec: &str,
) -> Result<Rational> {
    let counts_frames = targets::counts_frames(muxer) || matches!(codec, "mpeg4" | "mpeg2");
    let tick = match step {
        Some(step) => {
            let starts_even = first_secs
                .and_then(|first| first.checked_div(step))
                .is_some_and(|steps| steps.den() == 1);
            let parts = if counts_frames || starts_even { 1 } else { FINENESS };
            step.checked_div(Rational::whole(parts))
        }
        None if counts_frames => {
            let why = "its frames are not shown equally long, which this kind of file cannot say";
            return Err(Error::new(ErrorKind::Unsupported, WHAT, why).remedy(
                "ask for a constant rate (--fps), or write MP4, QuickTime or Matroska, with \
                     another codec than mpeg4 and mpeg2",
            ));
        }
        None => Rational::new(1, STATED_TICKS_HZ),
    };
    tick.ok_or_else(|| Error::bug(WHAT, "no time base"))
}
