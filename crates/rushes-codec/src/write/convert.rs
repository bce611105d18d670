//! From one file to another: pictures are decoded, changed and encoded on
//! threads of their own, sound beside them, and what nothing changes is
//! copied packet by packet.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use ffmpeg::ffi;
use rushes_media::{Error, ErrorKind, Frame, Rational, Result, StreamKind};

use super::carry::{add_copy, copy_stream_tags, copy_tags};
use super::encoder::Encoder;
use super::output::Output;
use super::pixels::{Kind, Pixels};
use super::sound::{self, SoundEncoder};
use super::subtitles::SubtitleConverter;
use super::treatment::{Holds, StreamPlan, Treatment, decide, video_codec};
use super::{AudioWriterOptions, GIF, Sink, VideoWriter, WHAT, WriterOptions, targets};
use crate::av::input::{Input, Packet};
use crate::av::seconds;
use crate::{AudioOptions, AudioReader, FrameIndex, Source, VideoOptions, VideoReader};

/// Frames that wait between two threads.
const WAITING: usize = 3;
/// Parts of a frame's time that a clock finer than frames counts.
const FINENESS: i64 = 100;

/// What a file is converted to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Conversion {
    /// The extension of the new file: one of [`super::CONTAINERS`] or
    /// [`super::SOUND_TARGETS`].
    pub extension: String,
    /// Codec of the picture; `None` keeps the one it has where the container
    /// holds that, else takes the container's first.
    pub codec: Option<String>,
    /// 0 to 100; asking for one means encoding.
    pub quality: Option<u8>,
    /// Codec of the sound, as for the picture.
    pub sound_codec: Option<String>,
    /// Bits a second of sound that is encoded with loss.
    pub bit_rate: Option<u32>,
    /// Whether sound is left out.
    pub without_sound: bool,
    /// Whether frames are changed on their way, so that they must be encoded.
    pub changes_frames: bool,
    /// Threads that decode and encode; 0 for as fits.
    pub threads: u32,
}

/// How far a conversion is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Converted {
    /// Frames, milliseconds or bytes done: see `unit`.
    pub done: u64,
    /// Of so many in all, when that is known.
    pub total: Option<u64>,
    /// `frames` when pictures are encoded, `ms` when only sound is, else
    /// `bytes` of the file that is read.
    pub unit: &'static str,
    /// Frames that could not be decoded, and are not in the new file.
    pub lost_frames: u64,
}

/// Changes one frame; called from another thread, frame after frame.
pub type Edit<'a> = &'a (dyn Fn(Frame) -> Result<Frame> + Sync);

/// Says what [`convert`] would do with each stream.
///
/// # Errors
/// As for [`convert`], as far as headers tell.
pub fn plan_conversion(source: &Source, wanted: &Conversion) -> Result<Vec<StreamPlan>> {
    let holds = Holds::of(&wanted.extension)?;
    let input = Input::open(source)?;
    decide(&input, &holds, wanted)
}

/// Writes the source as another kind of file, or the same kind changed.
///
/// Streams that nothing changes and the container holds are copied packet by
/// packet; others are decoded and encoded. Frames that are encoded are set
/// upright and keep their exact times, also where these vary; sound keeps its
/// distance from them. Language, title, tags and chapters come along;
/// subtitles of text become the container's kind. Memory stays flat. `told`
/// hears how far it is and says whether to go on.
///
/// The sink's bytes are not a whole file before this has given `Ok`.
///
/// # Errors
/// `Unsupported` when nothing of the source can be kept in such a file or an
/// encoder is missing, `Invalid` when it does not hold a codec that is asked
/// for, `Corrupt` when not one frame can be decoded, `Unavailable` when `told`
/// said to stop; the sink's, and those of reading.
pub fn convert(
    source: &Source,
    sink: Box<dyn Sink>,
    wanted: &Conversion,
    edit: Option<Edit<'_>>,
    told: &mut dyn FnMut(&Converted) -> bool,
) -> Result<Converted> {
    let holds = Holds::of(&wanted.extension)?;
    let input = Input::open(source)?;
    let plans = decide(&input, &holds, wanted)?;
    let picture = plans.iter().find_map(|plan| match (plan.kind, &plan.treatment) {
        (StreamKind::Video, Treatment::Encoded(codec)) => Some(*codec),
        _ => None,
    });
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        let pictures = match picture {
            Some(_) => {
                let (decoded, to_edit) = sync_channel(WAITING);
                let (edited, to_write) = sync_channel(WAITING);
                let stop = &stop;
                let threads = wanted.threads;
                scope.spawn(move || decode(source, threads, stop, &decoded));
                scope.spawn(move || change(&to_edit, edit, &edited));
                Some(to_write)
            }
            None => None,
        };
        let mut work = Work { source, input: &input, holds: &holds, wanted, told };
        let done = match (picture, pictures) {
            (Some(GIF), Some(pictures)) => work.write_gif(sink, &pictures),
            (picture, pictures) => work.write(sink, &plans, picture.zip(pictures)),
        };
        // Those who wait for room find nobody there any more, and end.
        stop.store(true, Ordering::Relaxed);
        done
    })
}

/// What comes from the decoder.
enum Made {
    /// How many frames there are, and how long each is shown when that is
    /// always the same.
    Length(usize, Option<Rational>),
    Frame(Frame),
    /// A frame that could not be decoded.
    Lost,
    Failed(Error),
}

/// Decodes frame after frame until nobody takes them.
fn decode(source: &Source, threads: u32, stop: &AtomicBool, to: &SyncSender<Made>) {
    let go_on = || !stop.load(Ordering::Relaxed);
    let work = || -> Result<()> {
        let index = Arc::new(FrameIndex::build(source, &mut |_| go_on())?);
        let step = index.duration_secs(0);
        let same =
            |at: &usize| index.time_secs(at + 1).checked_sub(index.time_secs(*at)) == Some(step);
        let is_even = (0..index.len().saturating_sub(1)).all(|at| same(&at));
        let step = Some(step).filter(|step| is_even && *step > Rational::ZERO);
        let options = VideoOptions { threads, ..VideoOptions::default() };
        let mut reader = VideoReader::open(source, index, options)?;
        if to.send(Made::Length(reader.len(), step)).is_err() {
            return Ok(());
        }
        loop {
            let made = match reader.next() {
                Ok(Some(frame)) => Made::Frame(frame),
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

/// Changes frame after frame until there are no more, or nobody takes them.
fn change(from: &Receiver<Made>, edit: Option<Edit<'_>>, to: &SyncSender<Made>) {
    for made in from {
        let made = match (made, edit) {
            (Made::Frame(frame), Some(edit)) => match edit(frame) {
                Ok(frame) => Made::Frame(frame),
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

/// The picture on its way into the file.
struct PictureWriter {
    frames: Receiver<Made>,
    encoder: Encoder,
    pixels: Pixels,
    kind: Kind,
    tick_secs: Rational,
    /// The next frame to be written.
    next: Option<Frame>,
    last_ticks: Option<i64>,
}

/// A sound that is encoded.
struct SoundWriter<'s> {
    reader: AudioReader<'s>,
    encoder: SoundEncoder,
    samples: Vec<f32>,
    has_ended: bool,
}

/// Where the packets of one stream go.
enum Route {
    Copy { stream: usize, last_dts: Option<i64> },
    Subtitles(Box<SubtitleConverter>),
}

/// Packets that are taken over.
struct Copying<'s> {
    input: Input<'s>,
    routes: Vec<Option<Route>>,
    packet: Packet,
    /// When the packet in hand is shown, from the container's start; none at
    /// the end.
    next_secs: Option<f64>,
    start_secs: f64,
    last_secs: f64,
}

struct Work<'w, 's> {
    source: &'s Source,
    input: &'w Input<'s>,
    holds: &'w Holds,
    wanted: &'w Conversion,
    told: &'w mut dyn FnMut(&Converted) -> bool,
}

impl<'s> Work<'_, 's> {
    fn tell(&mut self, done: &Converted) -> Result<()> {
        if (self.told)(done) {
            return Ok(());
        }
        Err(Error::new(ErrorKind::Unavailable, WHAT, "it was cancelled"))
    }

    /// Pictures alone, into a GIF.
    fn write_gif(&mut self, sink: Box<dyn Sink>, frames: &Receiver<Made>) -> Result<Converted> {
        let options = WriterOptions::default();
        let mut writer = VideoWriter::create(sink, GIF, options)?;
        let mut done = Converted { unit: "frames", ..Converted::default() };
        for made in frames {
            match made {
                Made::Length(count, _) => done.total = Some(count as u64),
                Made::Frame(frame) => {
                    writer.write(&frame)?;
                    done.done += 1;
                }
                Made::Lost => done.lost_frames += 1,
                Made::Failed(error) => return Err(error),
            }
            self.tell(&done)?;
        }
        writer.finish()?;
        Ok(done)
    }

    fn write(
        &mut self,
        sink: Box<dyn Sink>,
        plans: &[StreamPlan],
        picture: Option<(&'static str, Receiver<Made>)>,
    ) -> Result<Converted> {
        let mut done = Converted { unit: "bytes", ..Converted::default() };
        let mut output = Output::create(sink, self.holds.muxer)?;
        let mut picture = match picture {
            Some((codec, frames)) => Some(self.open_picture(codec, frames, &mut done)?),
            None => None,
        };
        let mut sounds = Vec::new();
        let mut routes = Vec::new();
        for (plan, stream) in plans.iter().zip(self.input.streams()) {
            let mut route = None;
            match (&plan.treatment, plan.kind) {
                (Treatment::LeftOut(_), _) => {}
                (Treatment::Copied, _) => {
                    let stream = add_copy(&mut output, stream, self.holds.muxer)?;
                    route = Some(Route::Copy { stream, last_dts: None });
                }
                (Treatment::Encoded(_), StreamKind::Video) => {
                    if let Some(picture) = &mut picture {
                        output.add(&mut picture.encoder)?;
                        self.describe(&output, picture.encoder.stream, stream);
                    }
                }
                (Treatment::Encoded(codec), StreamKind::Audio) => {
                    let mut sound = self.open_sound(codec, plan.index)?;
                    output.add(&mut sound.encoder.encoder)?;
                    self.describe(&output, sound.encoder.encoder.stream, stream);
                    sounds.push(sound);
                }
                (Treatment::Encoded(codec), _) => {
                    let made =
                        SubtitleConverter::open(stream, codec, &mut output, self.holds.muxer)?;
                    route = Some(Route::Subtitles(Box::new(made)));
                }
            }
            routes.push(route);
        }
        let mut options = copy_tags(self.input, &mut output, self.holds.muxer)?;
        output.begin_with(&mut options)?;
        let mut copying = match routes.iter().any(Option::is_some) {
            true => Some(Copying::open(self.source, routes)?),
            false => None,
        };
        if picture.is_none() {
            let duration_secs = self.duration_secs();
            let only_sound = copying.is_none();
            done.unit = if only_sound { "ms" } else { "bytes" };
            let all = if only_sound {
                duration_secs.map(|it| (it * 1e3) as u64)
            } else {
                Some(self.source.size_bytes())
            };
            done.total = all;
        }
        self.interleave(&mut output, picture.as_mut(), &mut sounds, copying.as_mut(), &mut done)?;
        if let Some(picture) = &mut picture {
            picture.encoder.send(None, &mut output)?;
        }
        for sound in &mut sounds {
            sound.encoder.finish(&mut output)?;
        }
        output.finish()?;
        if picture.is_none() {
            done.done = done.total.unwrap_or(done.done);
        }
        Ok(done)
    }

    /// Always goes on with what is behind, so that nothing has to wait in
    /// memory for the others.
    fn interleave(
        &mut self,
        output: &mut Output,
        mut picture: Option<&mut PictureWriter>,
        sounds: &mut [SoundWriter<'s>],
        mut copying: Option<&mut Copying<'s>>,
        done: &mut Converted,
    ) -> Result<()> {
        loop {
            let picture_secs = picture.as_ref().and_then(|picture| picture.next_secs());
            let copy_secs = copying.as_ref().and_then(|copying| copying.next_secs);
            let sound = sounds.iter_mut().filter(|sound| !sound.has_ended).min_by(|one, other| {
                one.encoder.position_secs().total_cmp(&other.encoder.position_secs())
            });
            let sound_secs = sound.as_ref().map(|sound| sound.encoder.position_secs());
            let times = [picture_secs, copy_secs, sound_secs];
            let Some(first) = times.into_iter().flatten().min_by(f64::total_cmp) else {
                return Ok(());
            };
            if copy_secs == Some(first)
                && let Some(copying) = &mut copying
            {
                copying.step(output)?;
                if done.unit == "bytes" {
                    done.done = copying.position_bytes().max(done.done);
                }
            } else if sound_secs == Some(first)
                && let Some(sound) = sound
            {
                sound.step(output)?;
                if done.unit == "ms" {
                    done.done = (sound.encoder.position_secs() * 1e3) as u64;
                }
            } else if let Some(picture) = &mut picture {
                picture.step(output, done)?;
            }
            self.tell(done)?;
        }
    }

    /// Waits for the first frame, from which the encoder learns what it gets.
    fn open_picture(
        &mut self,
        codec: &'static str,
        frames: Receiver<Made>,
        done: &mut Converted,
    ) -> Result<PictureWriter> {
        done.unit = "frames";
        let mut step = None;
        let first = loop {
            match frames.recv() {
                Ok(Made::Length(count, even)) => {
                    done.total = Some(count as u64);
                    step = even;
                }
                Ok(Made::Frame(frame)) => break frame,
                Ok(Made::Lost) => done.lost_frames += 1,
                Ok(Made::Failed(error)) => return Err(error),
                Err(_) => {
                    let why = "not one frame of it can be decoded";
                    return Err(Error::new(ErrorKind::Corrupt, WHAT, why));
                }
            }
            self.tell(done)?;
        };
        let codec = video_codec(codec)?;
        let container = targets::container(&self.wanted.extension)?;
        let tick_secs = tick(step, first.time_secs, container.muxer, codec.name)?;
        let options = WriterOptions {
            codec: None,
            rate_hz: step.and_then(|step| Rational::whole(1).checked_div(step)),
            quality: self.wanted.quality,
            threads: self.wanted.threads,
        };
        let pixels = Pixels::new(codec, &first)?;
        let encoder = Encoder::open(container, codec, &options, &pixels, tick_secs)?;
        let kind = Kind::of(&first);
        let next = Some(first);
        Ok(PictureWriter { frames, encoder, pixels, kind, tick_secs, next, last_ticks: None })
    }

    fn open_sound(&self, codec: &'static str, index: usize) -> Result<SoundWriter<'s>> {
        let plain = AudioReader::open_stream(self.source, AudioOptions::default(), Some(index))?;
        let (rate, channels) = sound::nearest(codec, plain.sample_rate_hz(), plain.channels())?;
        let reader = if (rate, channels) == (plain.sample_rate_hz(), plain.channels()) {
            plain
        } else {
            let options = AudioOptions { sample_rate_hz: Some(rate), channels: Some(channels) };
            AudioReader::open_stream(self.source, options, Some(index))?
        };
        let mut encoder = SoundEncoder::open(
            codec,
            &AudioWriterOptions {
                codec: None,
                sample_rate_hz: rate,
                channels,
                bit_rate: self.wanted.bit_rate,
            },
        )?;
        let start = reader.start_secs().to_f64() * f64::from(rate);
        encoder.start_at(start.round().max(0.0) as u64);
        Ok(SoundWriter { reader, encoder, samples: Vec::new(), has_ended: false })
    }

    /// Gives a stream that is encoded what its source says of itself.
    fn describe(&self, output: &Output, stream: usize, from: *mut ffi::AVStream) {
        // SAFETY: the stream was just added; the other belongs to an open input.
        unsafe {
            let to = *(*output.context()).streams.add(stream);
            copy_stream_tags(from, to, self.holds.muxer);
        }
    }

    fn duration_secs(&self) -> Option<f64> {
        // SAFETY: the input is open.
        let ticks = unsafe { (*self.input.context()).duration };
        (ticks > 0).then(|| ticks as f64 / f64::from(ffi::AV_TIME_BASE))
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
    let counts_frames = muxer == "avi" || codec == "mpeg4";
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
            return Err(Error::new(ErrorKind::Unsupported, WHAT, why)
                .remedy("write MP4, QuickTime or Matroska, with another codec than mpeg4"));
        }
        None => Rational::new(1, super::STATED_TICKS_HZ),
    };
    tick.ok_or_else(|| Error::bug(WHAT, "no time base"))
}

impl PictureWriter {
    fn next_secs(&self) -> Option<f64> {
        self.next.as_ref().map(|frame| frame.time_secs.map_or(0.0, Rational::to_f64))
    }

    /// Writes the frame in hand, and waits for the next.
    fn step(&mut self, output: &mut Output, done: &mut Converted) -> Result<()> {
        let Some(frame) = self.next.take() else { return Ok(()) };
        let kind = Kind::of(&frame);
        if kind != self.kind {
            let why = format!("a frame is {kind}, those before are {}", self.kind);
            return Err(Error::new(ErrorKind::Invalid, WHAT, why));
        }
        let ticks = |secs: Option<Rational>| {
            let ticks = secs.and_then(|secs| secs.checked_div(self.tick_secs))?;
            Some(ticks.to_f64().round() as i64)
        };
        let at = ticks(frame.time_secs).unwrap_or(0);
        // Two frames of one tick: the later is shown a tick later.
        let at = self.last_ticks.map_or(at, |last| at.max(last + 1));
        self.last_ticks = Some(at);
        let duration = ticks(frame.duration_secs).filter(|&ticks| ticks > 0);
        let picture = self.pixels.convert(&frame, at)?;
        self.encoder.send(Some((picture, duration)), output)?;
        done.done += 1;
        loop {
            match self.frames.recv() {
                Ok(Made::Frame(frame)) => {
                    self.next = Some(frame);
                    return Ok(());
                }
                Ok(Made::Lost) => done.lost_frames += 1,
                Ok(Made::Failed(error)) => return Err(error),
                Ok(Made::Length(..)) => {}
                Err(_) => return Ok(()),
            }
        }
    }
}

impl SoundWriter<'_> {
    /// Encodes the next samples.
    fn step(&mut self, output: &mut Output) -> Result<()> {
        self.samples.clear();
        if self.reader.next_into(&mut self.samples)? {
            return self.encoder.write(&self.samples, output);
        }
        self.has_ended = true;
        Ok(())
    }
}

impl<'s> Copying<'s> {
    fn open(source: &'s Source, routes: Vec<Option<Route>>) -> Result<Copying<'s>> {
        let mut input = Input::open(source)?;
        input.keep(&|at| routes.get(at).is_some_and(Option::is_some));
        // SAFETY: the input is open. AVI and others state no times of showing.
        unsafe { (*input.context()).flags |= ffi::AVFMT_FLAG_GENPTS };
        let start_secs = input.start_secs().map_or(0.0, Rational::to_f64);
        let packet = Packet::new()?;
        let mut copying =
            Copying { input, routes, packet, next_secs: None, start_secs, last_secs: 0.0 };
        copying.read()?;
        Ok(copying)
    }

    /// Takes the next packet that goes anywhere into its hand.
    fn read(&mut self) -> Result<()> {
        self.next_secs = None;
        while self.input.read(&mut self.packet)?.is_some() {
            if !self.routes.get(self.packet.stream()).is_some_and(Option::is_some) {
                continue;
            }
            let packet = self.packet.get();
            let ticks = if packet.dts == ffi::AV_NOPTS_VALUE { packet.pts } else { packet.dts };
            let secs = seconds(ticks, self.time_base()).map(Rational::to_f64);
            // A packet without a time goes with the one before.
            let secs = secs.map_or(self.last_secs, |secs| secs - self.start_secs);
            self.last_secs = secs;
            self.next_secs = Some(secs);
            return Ok(());
        }
        Ok(())
    }

    fn time_base(&self) -> ffi::AVRational {
        let stream = self.input.streams().get(self.packet.stream()).copied();
        // SAFETY: the packet belongs to one of the open input's streams.
        stream.map_or(ffi::AVRational { num: 1, den: 1 }, |stream| unsafe { (*stream).time_base })
    }

    /// Pictures that the codec of the packet in hand holds back to put them in
    /// order.
    fn held_back(&self) -> i64 {
        let stream = self.input.streams().get(self.packet.stream()).copied();
        // SAFETY: streams of an open input have parameters.
        stream.map_or(0, |stream| unsafe { (*(*stream).codecpar).video_delay.into() })
    }

    fn position_bytes(&self) -> u64 {
        u64::try_from(self.packet.get().pos).unwrap_or(0)
    }

    /// Writes the packet in hand, and reads the next.
    fn step(&mut self, output: &mut Output) -> Result<()> {
        let time_base = self.time_base();
        let index = self.packet.stream();
        let tick_secs = f64::from(time_base.num) / f64::from(time_base.den.max(1));
        let shift = (self.start_secs / tick_secs).round() as i64;
        let delay = self.held_back();
        let shown_ms = (self.packet.get().duration as f64 * tick_secs * 1e3).round() as i64;
        match self.routes.get_mut(index) {
            Some(Some(Route::Copy { stream, last_dts })) => {
                // SAFETY: the packet is ours.
                let packet = unsafe { &mut *self.packet.0 };
                for ticks in [&mut packet.pts, &mut packet.dts] {
                    if *ticks != ffi::AV_NOPTS_VALUE {
                        *ticks -= shift;
                    }
                }
                // Matroska leaves out when the first pictures are decoded: that is
                // as many before they are shown as the codec holds back.
                if packet.dts == ffi::AV_NOPTS_VALUE && packet.pts != ffi::AV_NOPTS_VALUE {
                    let estimate = match last_dts {
                        Some(last) => last.saturating_add(packet.duration.max(1)),
                        None => packet.pts.saturating_sub(packet.duration.saturating_mul(delay)),
                    };
                    packet.dts = estimate.min(packet.pts);
                }
                // Times that go back would end the file here.
                if let Some(last) = last_dts
                    && packet.dts != ffi::AV_NOPTS_VALUE
                    && packet.dts <= *last
                {
                    packet.dts = *last + 1;
                    packet.pts = packet.pts.max(packet.dts);
                }
                *last_dts = Some(packet.dts);
                packet.pos = -1;
                output.write(&self.packet, *stream, time_base)?;
            }
            Some(Some(Route::Subtitles(converter))) => {
                let start_ms = (self.last_secs * 1e3).round() as i64;
                converter.convert(&self.packet, start_ms, shown_ms, output)?;
            }
            _ => {}
        }
        self.read()
    }
}
