//! Frames to video files and samples to sound files.

mod carry;
mod convert;
mod create;
mod cut;
mod edits;
mod encoder;
mod gif;
mod light;
mod native;
mod output;
mod pictures;
mod pixels;
mod scaler;
mod sides;
mod sink;
mod sound;
mod stills;
mod stored;
mod subtitles;
mod target;
mod targets;
mod treatment;
mod webp;
mod zarr;

use ffmpeg::ffi;
use rushes_media::{Error, ErrorKind, Frame, Rational, Result};

use crate::av::input::Options;
pub use convert::{
    Conversion, Converted, Deinterlacing, Edit, Field, Gray, convert, plan_conversion,
};
pub use create::{Samples, SoundWriter, StillWriter, TargetKind, Writer, create};
pub use cut::{Cut, Mark, Span};
use encoder::{Encoder, Video};
use gif::GifWriter;
use output::Output;
use pixels::{Kind, Pixels};
pub use sink::{Part, Sink};
use sound::SoundEncoder;
pub use sound::{AudioWriter, AudioWriterOptions, SOUND_TARGETS, SoundTarget};
use stills::{PagesWriter, StillsWriter};
pub use target::Target;
pub use targets::{CONTAINERS, Container, VIDEO_CODECS, VideoCodec};
pub use treatment::{StreamPlan, Treatment};
use zarr::ZarrWriter;

/// The codecs that are not libav's.
const GIF: &str = "gif";
const PAGES: &str = "tiff";
const STILLS: &str = "stills";
const ZARR: &str = "zarr";

/// Those of libav's that are not for Y'CbCr with loss.
const RAW: &str = "raw";
const APNG: &str = "apng";
const WEBP: &str = "webp";

const WHAT: &str = "writing the file";

/// How a video is written.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WriterOptions {
    /// Name of one of [`VIDEO_CODECS`]; `None` for the container's first.
    pub codec: Option<String>,
    /// Frames a second. `None` when every frame carries its own time: then
    /// those are kept, to a 90,000th of a second, and the first is the start.
    /// Stills and pages have no times, and need neither.
    pub rate_hz: Option<Rational>,
    /// 0 to 100; `None` for what looks like the original. Lossless and
    /// intermediate codecs (FFV1, ProRes, DNxHR) have only one.
    pub quality: Option<u8>,
    /// Threads that encode; 0 for as many as the encoder likes.
    pub threads: u32,
    /// How often an animation (GIF, APNG, WebP) is shown; 0 for without end.
    pub plays: u16,
}

/// Writes frames to a file, which is opened at the first one: size and layout
/// are that frame's, and every other must have them too.
///
/// RGB becomes Y'CbCr by BT.709, limited range, and says so; frames whose
/// colour is BT.2020 with PQ or HLG keep it. 16-bit and float frames are
/// written with 10 bits where the codec has them, with 16 in FFV1. H.264 and HEVC
/// get whole colour (4:4:4) where a side is odd. Memory stays
/// flat: what the encoder looks ahead.
///
/// The file is not whole before [`VideoWriter::finish`] has given `Ok`.
pub struct VideoWriter {
    container: &'static Container,
    codec: &'static VideoCodec,
    /// Extension of numbered stills; empty for others.
    still: String,
    options: WriterOptions,
    /// Seconds of one tick of the clock.
    tick_secs: Rational,
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
    /// When the last frame is shown and for how long, where that is known.
    last_ticks: Option<(i64, i64)>,
}

enum Body {
    Libav(Box<Libav>),
    Own(Box<dyn FrameSink>),
}

/// A writer that is not libav's.
trait FrameSink: Send {
    /// Adds a frame that is shown from `time_secs` on.
    fn write(&mut self, frame: &Frame, time_secs: Rational) -> Result<()>;

    /// Writes the file's end; the last frame is shown for so long, where that is
    /// known.
    fn finish(self: Box<Self>, last_duration_secs: Option<Rational>) -> Result<()>;
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
    Stated { first_secs: Rational, tick_secs: Rational, last: Option<i64> },
}

/// Ticks a second of frames that carry their time: MPEG's own clock.
const STATED_TICKS_HZ: i64 = 90_000;

impl VideoWriter {
    /// A writer into a sink that has no bytes yet, such as an empty file. `format` is that of a
    /// [`Target`]: an extension of one of [`CONTAINERS`], or `%d.` and that of a still for numbered
    /// ones.
    ///
    /// # Errors
    /// `Unsupported` when there is no such container or the linked FFmpeg has
    /// no such encoder, `Invalid` when the container does not hold the codec,
    /// or the rate or quality is out of range.
    pub fn create(
        sink: impl Sink + 'static,
        format: &str,
        options: WriterOptions,
    ) -> Result<VideoWriter> {
        VideoWriter::with_tick(sink, format, options, None)
    }

    /// The same, with the seconds that every frame's time is a multiple of, where that is known.
    fn with_tick(
        sink: impl Sink + 'static,
        format: &str,
        options: WriterOptions,
        tick_secs: Option<Rational>,
    ) -> Result<VideoWriter> {
        crate::av::start();
        let container = targets::container(format)?;
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
        if let Some(rate_hz) = options.rate_hz {
            targets::check_rate(container.muxer, rate_hz)?;
        }
        if let Some(quality) = options.quality.filter(|&quality| quality > 100) {
            let why = format!("a quality of {quality} was asked for");
            return Err(Error::new(ErrorKind::Invalid, WHAT, why).remedy("give 0 to 100"));
        }
        if !codec.is_own() {
            encoder::find(codec.words, codec.encoders)?;
        }
        let tick_secs = match options.rate_hz {
            Some(rate) => Rational::whole(1).checked_div(rate),
            None => tick_secs.or(Rational::new(1, STATED_TICKS_HZ)),
        };
        let tick_secs = tick_secs.ok_or_else(|| Error::bug(WHAT, "no time base"))?;
        let still = target::numbered(format).unwrap_or_default().to_owned();
        let sink: Option<Box<dyn Sink>> = Some(Box::new(sink));
        Ok(VideoWriter {
            container,
            codec,
            still,
            options,
            tick_secs,
            sink,
            sound: None,
            open: None,
            frames: 0,
        })
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
            Body::Own(_) => None,
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
    /// first, has no later time than the one before where times are kept, or is
    /// smaller or larger than the codec holds;
    /// `Unsupported` when the codec cannot hold such frames; `Unavailable` and
    /// `Limit` when the disk fails or is full.
    pub fn write(&mut self, frame: &Frame) -> Result<()> {
        let kind = Kind::of(frame);
        if self.open.is_none() {
            self.open = Some(self.begin(frame)?);
        }
        let Some(open) = &mut self.open else { return Err(Error::bug(WHAT, "it is not open")) };
        if open.kind != kind {
            let why = format!("frame {} is {kind}, those before are {}", self.frames, open.kind);
            return Err(Error::new(ErrorKind::Invalid, WHAT, why)
                .remedy("resize or convert it first; one file holds one kind"));
        }
        let (ticks, duration) = open.clock.ticks(frame, self.frames)?;
        open.last_ticks = Some((ticks, duration)).filter(|_| duration > 0);
        match &mut open.body {
            Body::Libav(libav) => {
                let picture = libav.pixels.convert(frame, ticks)?;
                libav.encoder.send(Some((picture, Some(duration))), &mut libav.output)?;
            }
            Body::Own(writer) => {
                let secs = Rational::whole(ticks).checked_mul(self.tick_secs);
                writer.write(frame, secs.unwrap_or(Rational::ZERO))?;
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
        let secs = |ticks: i64| Rational::whole(ticks).checked_mul(self.tick_secs);
        let last = open.last_ticks.and_then(|(at, ticks)| Some((secs(at)?, secs(ticks)?)));
        match open.body {
            Body::Libav(mut libav) => {
                if let Some((at_secs, secs)) = last {
                    libav.output.show_last_for(at_secs, secs, self.container.muxer);
                }
                libav.encoder.send(None, &mut libav.output)?;
                if let Some(sound) = &mut libav.sound {
                    sound.finish(&mut libav.output)?;
                }
                libav.output.finish()
            }
            Body::Own(writer) => writer.finish(last.map(|(_, secs)| secs)),
        }
    }

    /// Opens the file for frames such as this one.
    fn begin(&mut self, frame: &Frame) -> Result<Open> {
        let sink = self.sink.take().ok_or_else(|| {
            Error::new(ErrorKind::Conflict, WHAT, "it could not be opened before")
        })?;
        let (kind, codec, tick_secs) = (Kind::of(frame), self.codec, self.tick_secs);
        let clock = match (self.options.rate_hz, frame.time_secs) {
            (Some(_), _) => Clock::Counted,
            (None, _) if self.container.counts_frames() => {
                let why = format!(
                    "{} says how many frames there are a second, and no more",
                    self.container.words
                );
                return Err(Error::new(ErrorKind::Invalid, WHAT, why)
                    .remedy("state how many there are a second"));
            }
            _ if codec.is_timeless() => Clock::Counted,
            (None, Some(first_secs)) => Clock::Stated { first_secs, tick_secs, last: None },
            (None, None) => {
                return Err(Error::new(ErrorKind::Invalid, WHAT, "the frames have no times")
                    .remedy("state how many there are a second"));
            }
        };
        if frame.values().is_empty() {
            return Err(Error::new(ErrorKind::Invalid, WHAT, "the frame has no pixels"));
        }
        let writer: Box<dyn FrameSink> = match codec.name {
            GIF => Box::new(GifWriter::create(sink, frame, self.options.plays)?),
            PAGES => Box::new(PagesWriter::create(sink)?),
            ZARR => Box::new(ZarrWriter::new(sink, frame, tick_secs)),
            STILLS => Box::new(StillsWriter::new(sink, &self.still, self.options.quality)),
            _ => return self.begin_libav(sink, frame, clock),
        };
        Ok(Open { body: Body::Own(writer), kind, clock, last_ticks: None })
    }

    fn begin_libav(&mut self, sink: Box<dyn Sink>, frame: &Frame, clock: Clock) -> Result<Open> {
        let mut sound = self.sound.take();
        let VideoWriter { container, codec, options, tick_secs, .. } = self;
        let mut output = Output::create(sink, container.muxer)?;
        let pixels = Pixels::new(codec, frame)?;
        let (pictures, time_base) = (&pixels.pictures, *tick_secs);
        let mut encoder = Encoder::open(Video { container, codec, options, pictures, time_base })?;
        output.add(&mut encoder)?;
        if let Some(sound) = &mut sound {
            output.add(&mut sound.encoder)?;
        }
        let mut more = Options::new();
        targets::tell_muxer(container.muxer, options.plays, &mut more);
        output.begin(&mut more)?;
        let body = Body::Libav(Box::new(Libav { encoder, sound, output, pixels }));
        Ok(Open { body, kind: Kind::of(frame), clock, last_ticks: None })
    }
}

impl Clock {
    /// When a frame is shown, and for how long; 0 when that is not known.
    fn ticks(&mut self, frame: &Frame, number: u64) -> Result<(i64, i64)> {
        let wrong = |why: String| Error::new(ErrorKind::Invalid, WHAT, why);
        match self {
            Clock::Counted => i64::try_from(number)
                .map(|number| (number, 1))
                .map_err(|_| wrong("there are too many frames".into())),
            Clock::Stated { first_secs, tick_secs, last } => {
                let since = frame.time_secs.and_then(|time| time.checked_sub(*first_secs));
                let ticks = since
                    .and_then(|since| ticks_of(since, *tick_secs))
                    .ok_or_else(|| wrong(format!("frame {number} has no time")))?;
                if last.is_some_and(|last| ticks <= last) {
                    return Err(wrong(format!("frame {number} is not shown after the one before")));
                }
                *last = Some(ticks);
                let duration = frame.duration_secs.and_then(|it| ticks_of(it, *tick_secs));
                Ok((ticks, duration.unwrap_or(0)))
            }
        }
    }
}

/// Seconds in ticks, to the nearest.
fn ticks_of(secs: Rational, tick_secs: Rational) -> Option<i64> {
    let ticks = secs.checked_div(tick_secs)?;
    let (num, den) = (i128::from(ticks.num()) * 2, i128::from(ticks.den()));
    i64::try_from((num + den).div_euclid(den * 2)).ok()
}

/// A fraction as libav has it.
fn fraction(of: Rational) -> ffi::AVRational {
    let side = |side: i64| i32::try_from(side).unwrap_or(i32::MAX);
    ffi::AVRational { num: side(of.num()), den: side(of.den()) }
}
