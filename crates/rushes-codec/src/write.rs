//! Frames to video files and samples to sound files.

mod carry;
mod convert;
mod cut;
mod encoder;
mod gif;
mod light;
mod native;
mod output;
mod pictures;
mod pixels;
mod scaler;
mod sink;
mod sound;
mod stored;
mod subtitles;
mod targets;
mod treatment;

use ffmpeg::ffi;
use rushes_media::{Error, ErrorKind, Frame, Rational, Result};

pub use convert::{
    Conversion, Converted, Deinterlacing, Edit, Field, Gray, convert, plan_conversion,
};
pub use cut::{Cut, Mark, Span};
use encoder::Encoder;
use gif::GifWriter;
use output::Output;
use pixels::{Kind, Pixels};
pub use sink::Sink;
use sound::SoundEncoder;
pub use sound::{AudioWriter, AudioWriterOptions, SOUND_TARGETS, SoundTarget};
pub use targets::{CONTAINERS, Container, VIDEO_CODECS, VideoCodec};
pub use treatment::{StreamPlan, Treatment};

/// The codec that is not libav's.
const GIF: &str = "gif";

const WHAT: &str = "writing the file";

/// How a video is written.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WriterOptions {
    /// Name of one of [`VIDEO_CODECS`]; `None` for the container's first.
    pub codec: Option<String>,
    /// Frames a second. `None` when every frame carries its own time: then
    /// those are kept, to a 90,000th of a second, and the first is the start.
    pub rate_hz: Option<Rational>,
    /// 0 to 100; `None` for what looks like the original. Lossless and
    /// intermediate codecs (FFV1, ProRes, DNxHR) have only one.
    pub quality: Option<u8>,
    /// Threads that encode; 0 for as many as the encoder likes.
    pub threads: u32,
}

/// Writes frames to a file, which is opened at the first one: size and layout
/// are that frame's, and every other must have them too.
///
/// RGB becomes Y'CbCr by BT.709, limited range, and says so; frames whose
/// colour is BT.2020 with PQ or HLG keep it. 16-bit and float frames are
/// written with 10 bits where the codec has them, with 16 in FFV1. Codecs that
/// halve colour get whole colour (4:4:4) where a side is odd. Memory stays
/// flat: what the encoder looks ahead.
///
/// The file is not whole before [`VideoWriter::finish`] has given `Ok`.
pub struct VideoWriter {
    container: &'static Container,
    codec: &'static VideoCodec,
    options: WriterOptions,
    /// Until the first frame.
    sink: Option<Box<dyn Sink>>,
    /// What sounds with the frames, until they begin.
    sound: Option<Box<SoundEncoder>>,
    open: Option<Open>,
    frames: u64,
}

/// An open file.
struct Open {
    body: Body,
    kind: Kind,
    clock: Clock,
}

enum Body {
    Libav(Box<Libav>),
    Gif { writer: Box<GifWriter>, last_duration_secs: Option<Rational> },
}

struct Libav {
    // The order matters: the encoder's last packets are gone before the file
    // closes.
    encoder: Encoder,
    sound: Option<Box<SoundEncoder>>,
    output: Output,
    pixels: Pixels,
}

/// What time a frame has in the encoder's ticks.
enum Clock {
    /// Its number.
    Counted,
    /// Its own, since the first; and the last one's.
    Stated { first_secs: Rational, last: Option<i64> },
}

/// Ticks a second of frames that carry their time: MPEG's own clock.
const STATED_TICKS_HZ: i64 = 90_000;

impl VideoWriter {
    /// A writer into a sink that has no bytes yet, such as an empty file. `extension` says
    /// which of [`CONTAINERS`] it is.
    ///
    /// # Errors
    /// `Unsupported` when there is no such container or the linked FFmpeg has
    /// no such encoder, `Invalid` when the container does not hold the codec,
    /// or the rate or quality is out of range.
    pub fn create(
        sink: impl Sink + 'static,
        extension: &str,
        options: WriterOptions,
    ) -> Result<VideoWriter> {
        crate::av::start();
        let container = targets::container(extension)?;
        let codec = targets::codec(container, options.codec.as_deref())?;
        let sane = |rate: Rational| {
            let hz = rate.to_f64();
            (0.001..=10_000.0).contains(&hz)
                && i32::try_from(rate.num()).is_ok()
                && i32::try_from(rate.den()).is_ok()
        };
        if let Some(rate) = options.rate_hz.filter(|&rate| !sane(rate)) {
            let why = format!("{rate} is no rate of frames");
            return Err(Error::new(ErrorKind::Invalid, WHAT, why)
                .remedy("give frames a second, such as 25 or 30000/1001"));
        }
        if let Some(quality) = options.quality.filter(|&quality| quality > 100) {
            let why = format!("a quality of {quality} was asked for");
            return Err(Error::new(ErrorKind::Invalid, WHAT, why).remedy("give 0 to 100"));
        }
        if codec.name != GIF {
            encoder::find(codec.words, codec.encoders)?;
        }
        let sink: Option<Box<dyn Sink>> = Some(Box::new(sink));
        Ok(VideoWriter { container, codec, options, sink, sound: None, open: None, frames: 0 })
    }

    /// The same with sound, in the container's usual codec, at the rate and with
    /// the channels nearest to these that it takes; both are given back. Samples
    /// begin with the first frame.
    ///
    /// # Errors
    /// `Unsupported` when the container holds no sound or the linked FFmpeg has
    /// no such encoder, `Invalid` for a rate or channels that no sound has.
    pub fn with_sound(
        mut self,
        sample_rate_hz: u32,
        channels: u32,
    ) -> Result<(VideoWriter, u32, u32)> {
        let Some(&codec) = self.container.sound.first() else {
            let why = format!("{} holds no sound", self.container.words);
            return Err(Error::new(ErrorKind::Unsupported, WHAT, why)
                .remedy("give the new file another extension, or leave the sound out"));
        };
        let (sample_rate_hz, channels) = sound::nearest(codec, sample_rate_hz, channels)?;
        let options = AudioWriterOptions { codec: None, sample_rate_hz, channels, bit_rate: None };
        self.sound = Some(Box::new(SoundEncoder::open(codec, &options)?));
        Ok((self, sample_rate_hz, channels))
    }

    /// Writes the next samples, channels interleaved: `[N, C]`. Those of a
    /// frame belong behind it, so that neither has to wait long for the other.
    ///
    /// # Errors
    /// `Conflict` before the first frame and where no sound was asked for;
    /// else as for [`AudioWriter::write`].
    pub fn write_sound(&mut self, samples: &[f32]) -> Result<()> {
        let open = self.open.as_mut().and_then(|open| match &mut open.body {
            Body::Libav(libav) => Some(libav),
            Body::Gif { .. } => None,
        });
        let Some((output, sound)) = open.and_then(|libav| {
            let Libav { sound, output, .. } = &mut **libav;
            sound.as_mut().map(|sound| (output, sound))
        }) else {
            let why = "sound was not asked for, or comes before the first frame";
            return Err(Error::new(ErrorKind::Conflict, WHAT, why));
        };
        sound.write(samples, output)
    }

    /// How many frames were written.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.frames
    }

    /// Whether none was.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.frames == 0
    }

    /// Writes the next frame.
    ///
    /// # Errors
    /// `Invalid` when it differs in size, layout or kind of number from the
    /// first, or has no later time than the one before where times are kept;
    /// `Unsupported` when the codec cannot hold such frames; `Unavailable` and
    /// `Limit` when the disk fails or is full.
    pub fn write(&mut self, frame: &Frame) -> Result<()> {
        let kind = Kind::of(frame);
        let open = match &mut self.open {
            Some(open) => open,
            closed => {
                let sink = self.sink.take().ok_or_else(|| {
                    let why = "it could not be opened before";
                    Error::new(ErrorKind::Conflict, WHAT, why)
                })?;
                let sound = self.sound.take();
                closed.insert(begin(self.container, self.codec, &self.options, sink, sound, frame)?)
            }
        };
        if open.kind != kind {
            let why = format!("frame {} is {kind}, those before are {}", self.frames, open.kind);
            return Err(Error::new(ErrorKind::Invalid, WHAT, why)
                .remedy("resize or convert it first; one file holds one kind"));
        }
        let (ticks, duration) = open.clock.ticks(frame, self.frames)?;
        match &mut open.body {
            Body::Libav(libav) => {
                let picture = libav.pixels.convert(frame, ticks)?;
                libav.encoder.send(Some((picture, Some(duration))), &mut libav.output)?;
            }
            Body::Gif { writer, last_duration_secs } => {
                let tick_secs = tick_secs(&self.options)?;
                let secs = |ticks| Rational::whole(ticks).checked_mul(tick_secs);
                writer.write(frame, secs(ticks).unwrap_or(Rational::ZERO))?;
                *last_duration_secs = secs(duration);
            }
        }
        self.frames += 1;
        Ok(())
    }

    /// Writes what is still under way and the file's last words.
    ///
    /// # Errors
    /// `Invalid` when there was not one frame, else as for `write`.
    pub fn finish(mut self) -> Result<()> {
        let Some(open) = self.open.take() else {
            return Err(Error::new(ErrorKind::Invalid, WHAT, "there is not one frame to write"));
        };
        match open.body {
            Body::Libav(mut libav) => {
                libav.encoder.send(None, &mut libav.output)?;
                if let Some(sound) = &mut libav.sound {
                    sound.finish(&mut libav.output)?;
                }
                libav.output.finish()
            }
            Body::Gif { writer, last_duration_secs } => writer.finish(last_duration_secs),
        }
    }
}

fn begin(
    container: &Container,
    codec: &'static VideoCodec,
    options: &WriterOptions,
    sink: Box<dyn Sink>,
    mut sound: Option<Box<SoundEncoder>>,
    frame: &Frame,
) -> Result<Open> {
    let kind = Kind::of(frame);
    let clock = match options.rate_hz {
        Some(_) => Clock::Counted,
        None => {
            let first_secs = frame.time_secs.ok_or_else(|| {
                Error::new(ErrorKind::Invalid, WHAT, "the frames have no times")
                    .remedy("state how many there are a second")
            })?;
            Clock::Stated { first_secs, last: None }
        }
    };
    if frame.values().is_empty() {
        return Err(Error::new(ErrorKind::Invalid, WHAT, "the frame has no pixels"));
    }
    if codec.name == GIF {
        let writer = Box::new(GifWriter::create(sink, frame)?);
        let body = Body::Gif { writer, last_duration_secs: None };
        return Ok(Open { body, kind, clock });
    }
    let mut output = Output::create(sink, container.muxer)?;
    let pixels = Pixels::new(codec, frame)?;
    let mut encoder =
        Encoder::open(container, codec, options, &pixels.pictures, tick_secs(options)?)?;
    output.add(&mut encoder)?;
    if let Some(sound) = &mut sound {
        output.add(&mut sound.encoder)?;
    }
    output.begin()?;
    let libav = Libav { encoder, sound, output, pixels };
    Ok(Open { body: Body::Libav(Box::new(libav)), kind, clock })
}

/// Seconds of one tick of the clock.
fn tick_secs(options: &WriterOptions) -> Result<Rational> {
    let tick = match options.rate_hz {
        Some(rate) => Rational::whole(1).checked_div(rate),
        None => Rational::new(1, STATED_TICKS_HZ),
    };
    tick.ok_or_else(|| Error::bug(WHAT, "no time base"))
}

impl Clock {
    /// When a frame is shown, and for how long; 0 when that is not known.
    fn ticks(&mut self, frame: &Frame, number: u64) -> Result<(i64, i64)> {
        let wrong = |why: String| Error::new(ErrorKind::Invalid, WHAT, why);
        match self {
            Clock::Counted => i64::try_from(number)
                .map(|number| (number, 1))
                .map_err(|_| wrong("there are too many frames".into())),
            Clock::Stated { first_secs, last } => {
                let since = frame.time_secs.and_then(|time| time.checked_sub(*first_secs));
                let ticks = since
                    .and_then(stated_ticks)
                    .ok_or_else(|| wrong(format!("frame {number} has no time")))?;
                if last.is_some_and(|last| ticks <= last) {
                    return Err(wrong(format!("frame {number} is not shown after the one before")));
                }
                *last = Some(ticks);
                Ok((ticks, frame.duration_secs.and_then(stated_ticks).unwrap_or(0)))
            }
        }
    }
}

/// Seconds in ticks, to the nearest.
fn stated_ticks(secs: Rational) -> Option<i64> {
    let ticks = i128::from(secs.num()) * i128::from(STATED_TICKS_HZ) * 2;
    let den = i128::from(secs.den());
    i64::try_from((ticks + den).div_euclid(den * 2)).ok()
}

/// A fraction as libav has it.
fn fraction(of: Rational) -> ffi::AVRational {
    let side = |side: i64| i32::try_from(side).unwrap_or(i32::MAX);
    ffi::AVRational { num: side(of.num()), den: side(of.den()) }
}
