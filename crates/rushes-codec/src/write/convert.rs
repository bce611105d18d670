//! From one file to another: pictures are decoded, changed and encoded on
//! threads of their own, sound beside them, and what nothing changes is
//! copied packet by packet.

mod ahead;
mod fields;
mod flow;
mod packets;
mod picture;
mod shots;
mod sounds;
mod window;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;

use ffmpeg::ffi;
use rushes_media::{Error, ErrorKind, Frame, Rational, Result, StreamKind};

pub use self::fields::{Deinterlacing, Field};
use self::flow::{Made, Picture, Start, change, decode};
use self::packets::{Copying, Part, Route};
use self::picture::PictureWriter;
pub(super) use self::shots::not_interlaced;
use self::sounds::SoundWriter;
pub(super) use self::window::Window;
use super::carry::{add_copy, add_side_data, copy_stream_tags, copy_tags, move_timecode};
use super::cut::Cut;
use super::native::{self, Way};
use super::output::Output;
use super::subtitles::SubtitleConverter;
use super::treatment::{Holds, StreamPlan, Treatment, decide, video_codec};
use super::{STILLS, Sink, VideoCodec, VideoWriter, WHAT, WriterOptions};
use super::{target, targets};
use crate::av::color::side_data;
use crate::av::input::Input;
use crate::av::stream::is_attached;
use crate::{Source, Span};

/// Frames that wait between two threads.
const WAITING: usize = 3;

/// What a file is converted to.
#[derive(Clone, Debug, Default)]
pub struct Conversion {
    /// The format of the new file, that of a [`super::Target`]: an extension of one of
    /// [`super::CONTAINERS`] or [`super::SOUND_TARGETS`], or numbered stills.
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
    /// The part that is taken. Pictures and sound are cut together, where the
    /// first and behind the last frame that is taken.
    pub cut: Cut,
    /// Frames a second: of those of the source each is shown at the times of
    /// the new ones until the next, repeated or left out.
    pub rate_hz: Option<Rational>,
    /// Makes whole pictures of interlaced ones.
    pub deinterlacing: Option<Deinterlacing>,
    /// Whether frames are changed on their way, so that they must be encoded.
    pub changes_frames: bool,
    /// Whether what changes them takes grey ones as well.
    pub gray: Gray,
    /// Width and height to which the first change scales by the mean of what
    /// each new pixel covers; one may be 0 to keep the aspect. Where both become
    /// half or less, frames come in that size, and less is made RGB.
    pub scaled_px: Option<(u32, u32)>,
    /// Threads that decode and encode; 0 for as fits.
    pub threads: u32,
    /// How often an animation is shown; 0 for without end.
    pub plays: u16,
}

/// Whether frames that are changed may come as grey, `[H, W]`, which spares the
/// way through RGB. They do where pictures are stored as luma and chroma.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Gray {
    /// They come as RGB.
    #[default]
    No,
    /// Luma by the matrix that the pictures have.
    Own,
    /// The same, if that has these shares of red, green and blue.
    Weighted([f64; 3]),
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
    let mut plans = decide(&input, &holds, wanted)?;
    if target::numbered(&wanted.extension).is_some() {
        for plan in &mut plans {
            if (plan.kind, &plan.treatment) == (StreamKind::Video, &Treatment::Encoded(STILLS)) {
                plan.frames = ahead::frames(source, wanted);
            }
        }
    }
    Ok(plans)
}

/// Writes the source as another kind of file, or the same kind changed.
///
/// Streams that nothing changes and the container holds are copied packet by
/// packet; others are decoded and encoded. Pictures that `edit` does not change
/// keep their numbers and their colours (matrix, range, primaries, transfer and
/// what HDR says of light) as far as the codec holds them, and are turned by the
/// container where it can say so; [`StreamPlan::notes`] says what is lost.
/// Frames that are changed come as RGB, or as luma where `gray` allows that, set
/// upright. All keep their exact times, also where these vary; sound keeps its
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
    let mut picture = None;
    for (plan, stream) in plans.iter().zip(input.streams()) {
        if let (StreamKind::Video, Treatment::Encoded(codec)) = (plan.kind, &plan.treatment) {
            let codec = video_codec(codec)?;
            let way = native::way(stream, wanted, holds.muxer, codec);
            picture = Some(Encoding { codec, way, stream });
        }
    }
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        let pictures = picture.as_ref().map(|&Encoding { way, stream, .. }| {
            let is_interlaced = is_interlaced(stream).unwrap_or(false);
            let (decoded, to_edit) = sync_channel(WAITING);
            let (edited, to_write) = sync_channel(WAITING);
            let stop = &stop;
            scope.spawn(move || decode(source, wanted, way, is_interlaced, stop, &decoded));
            scope.spawn(move || change(&to_edit, edit, &edited));
            to_write
        });
        let mut work = Work { source, input: &input, holds: &holds, wanted, told };
        let done = match (picture, pictures) {
            (Some(Encoding { codec, .. }), Some(pictures)) if codec.takes_frames() => {
                work.write_frames(sink, codec, &pictures)
            }
            (picture, pictures) => work.write(sink, &plans, picture.zip(pictures)),
        };
        // Those who wait for room find nobody there any more, and end.
        stop.store(true, Ordering::Relaxed);
        done
    })
}

impl Conversion {
    /// Whether pictures are shown at other times than those of the source.
    pub(super) fn retimes(&self) -> bool {
        self.rate_hz.is_some() || self.deinterlacing.is_some_and(|how| how.both)
    }
}

/// Whether a stream is a picture that plays.
fn is_picture(stream: *mut ffi::AVStream) -> bool {
    // SAFETY: a stream of an open input has parameters.
    let kind = unsafe { (*(*stream).codecpar).codec_type };
    kind == ffi::AVMediaType::VIDEO && !is_attached(stream)
}

/// Whether a stream says that its pictures are interlaced; `None` when it says
/// nothing.
pub(super) fn is_interlaced(stream: *mut ffi::AVStream) -> Option<bool> {
    use ffi::AVFieldOrder as Order;
    // SAFETY: a stream of an open input has parameters.
    match unsafe { (*(*stream).codecpar).field_order } {
        Order::UNKNOWN => None,
        Order::PROGRESSIVE => Some(false),
        _ => Some(true),
    }
}

/// A picture that is encoded.
struct Encoding {
    codec: &'static VideoCodec,
    way: Way,
    /// Of the input.
    stream: *mut ffi::AVStream,
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

    /// Pictures alone, as frames.
    fn write_frames(
        &mut self,
        sink: Box<dyn Sink>,
        codec: &VideoCodec,
        frames: &Receiver<Made>,
    ) -> Result<Converted> {
        let mut sink = Some(sink);
        let mut writer = None;
        let mut done = Converted { unit: "frames", ..Converted::default() };
        let mut tick_secs = None;
        for made in frames {
            match made {
                Made::Start(start) => {
                    done.total = Some(start.count);
                    tick_secs = start.step;
                }
                Made::Picture(Picture::Frame(frame)) => {
                    let writer = match &mut writer {
                        Some(writer) => writer,
                        none => {
                            let options = WriterOptions {
                                codec: Some(codec.name.to_owned()),
                                quality: self.wanted.quality,
                                threads: self.wanted.threads,
                                plays: self.wanted.plays,
                                ..WriterOptions::default()
                            };
                            let sink = sink.take().ok_or_else(|| Error::bug(WHAT, "no sink"))?;
                            let format = &self.wanted.extension;
                            none.insert(VideoWriter::with_tick(sink, format, options, tick_secs)?)
                        }
                    };
                    writer.write(&frame)?;
                    done.done += 1;
                }
                Made::Picture(_) => return Err(Error::bug(WHAT, "it takes frames")),
                Made::Lost => done.lost_frames += 1,
                Made::Failed(error) => return Err(error),
            }
            self.tell(&done)?;
        }
        let writer = writer.ok_or_else(|| {
            Error::new(ErrorKind::Corrupt, WHAT, "not one frame of it can be decoded")
        })?;
        writer.finish()?;
        Ok(done)
    }

    fn write(
        &mut self,
        sink: Box<dyn Sink>,
        plans: &[StreamPlan],
        picture: Option<(Encoding, Receiver<Made>)>,
    ) -> Result<Converted> {
        let mut done = Converted { unit: "bytes", ..Converted::default() };
        let mut output = Output::create(sink, self.holds.muxer)?;
        let mut span = None;
        let mut picture = match picture {
            Some((encoding, frames)) => {
                let (picture, start) = self.open_picture(&encoding, frames, &mut done)?;
                span = start.map(|start| start.span);
                Some(picture)
            }
            None => None,
        };
        let window = Window::of(self.source, self.input, self.wanted, plans, span)?;
        let mut sounds = Vec::new();
        let mut routes = Vec::new();
        for (plan, stream) in plans.iter().zip(self.input.streams()) {
            let mut route = None;
            match (&plan.treatment, plan.kind) {
                (Treatment::LeftOut(_), _) => {}
                (Treatment::Copied, _) => {
                    let part = match plan.kind {
                        StreamKind::Video if !is_attached(stream) => Part::Pictures,
                        StreamKind::Audio => Part::Pictures,
                        StreamKind::Subtitle => Part::Words,
                        _ => Part::All,
                    };
                    let stream = add_copy(&mut output, stream, self.holds.muxer)?;
                    route = Some(Route::Copy { stream, part, last_dts: None });
                }
                (Treatment::Encoded(_), StreamKind::Video) => {
                    if let Some(picture) = &mut picture {
                        output.add(&mut picture.encoder)?;
                        self.describe(&output, picture.encoder.stream, stream);
                        self.describe_picture(&output, picture, stream)?;
                    }
                }
                (Treatment::Encoded(codec), StreamKind::Audio) => {
                    let demands = targets::sound_rate_hz(self.holds.muxer);
                    let rate = self.wanted.bit_rate;
                    let mut sound =
                        SoundWriter::open(self.source, codec, plan.index, rate, demands, window)?;
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
        let mut options = copy_tags(self.input, &mut output, self.holds.muxer, window)?;
        self.set_timecode(&output, span);
        targets::tell_muxer(self.holds.muxer, 0, &mut options);
        output.begin(&mut options)?;
        let mut copying = match routes.iter().any(Option::is_some) {
            true => Some(Copying::open(self.source, routes, window)?),
            false => None,
        };
        if picture.is_none() {
            let duration_secs = self.duration_secs().map(|all| window.length_secs(all));
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

    /// Waits for the first picture.
    fn open_picture(
        &mut self,
        encoding: &Encoding,
        frames: Receiver<Made>,
        done: &mut Converted,
    ) -> Result<(PictureWriter, Option<Start>)> {
        done.unit = "frames";
        let mut start = None;
        let first = loop {
            match frames.recv() {
                Ok(Made::Start(begun)) => {
                    done.total = Some(begun.count);
                    start = Some(begun);
                }
                Ok(Made::Picture(picture)) => break picture,
                Ok(Made::Lost) => done.lost_frames += 1,
                Ok(Made::Failed(error)) => return Err(error),
                Err(_) => {
                    let why = "not one frame of it can be decoded";
                    return Err(Error::new(ErrorKind::Corrupt, WHAT, why));
                }
            }
            self.tell(done)?;
        };
        let &Encoding { codec, way, stream } = encoding;
        let picture = PictureWriter::open(codec, way, stream, self.wanted, start, first, frames)?;
        Ok((picture, start))
    }

    /// Gives the container what it says of pictures beside the encoder, and how
    /// they are turned when they were not.
    fn describe_picture(
        &self,
        output: &Output,
        picture: &PictureWriter,
        from: *mut ffi::AVStream,
    ) -> Result<()> {
        // SAFETY: the stream was just added.
        unsafe {
            let to = *(*output.context()).streams.add(picture.encoder.stream);
            picture.describe(to)?;
            let matrix = ffi::AVPacketSideDataType::DISPLAYMATRIX;
            match side_data(from, matrix) {
                Some(bytes) if picture.is_stored() => add_side_data(to, matrix, bytes),
                _ => Ok(()),
            }
        }
    }

    /// Gives a stream that is encoded what its source says of itself.
    fn describe(&self, output: &Output, stream: usize, from: *mut ffi::AVStream) {
        // SAFETY: the stream was just added; the other belongs to an open input.
        unsafe {
            let to = *(*output.context()).streams.add(stream);
            copy_stream_tags(from, to, self.holds.muxer);
        }
    }

    /// Has the timecode be that of the first frame that is taken.
    fn set_timecode(&self, output: &Output, span: Option<Span>) {
        if self.wanted.cut.is_all() && !self.wanted.retimes() {
            return;
        }
        let streams = self.input.streams();
        let picture = streams.into_iter().find(|&stream| is_picture(stream));
        let first = span.filter(|_| !self.wanted.retimes()).map(|span| span.first);
        // SAFETY: the stream is one of an open input.
        let rate = picture.map(|stream| unsafe { (*stream).avg_frame_rate });
        move_timecode(output, rate.zip(first));
    }

    fn duration_secs(&self) -> Option<f64> {
        // SAFETY: the input is open.
        let ticks = unsafe { (*self.input.context()).duration };
        (ticks > 0).then(|| ticks as f64 / f64::from(ffi::AV_TIME_BASE))
    }
}
