//! The samples of a sound, in order.

use std::ffi::c_int;
use std::ptr;

use ffmpeg::ffi;
use rushes_media::{Error, ErrorKind, Rational, Result};

use super::ending::Ending;
use crate::Source;
use crate::av::decode::{Decoder, Frame};
use crate::av::error;
use crate::av::input::{Input, Packet};
use crate::av::stream::start_secs;

const WHAT: &str = "reading the sound";

/// Channels that are given at most.
const MOST_CHANNELS: u32 = 64;

/// Samples a second that can be asked for.
const RATES_HZ: std::ops::RangeInclusive<u32> = 1_000..=1_536_000;

/// How sound is given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AudioOptions {
    /// Samples a second of each channel; `None` for the stored rate.
    pub sample_rate_hz: Option<u32>,
    /// Channels; `None` for those stored. One is the mean of all, weighted as
    /// ITU-R BS.775 does where there are more than two.
    pub channels: Option<u32>,
}

/// Reads the first sound stream from its start to its end.
///
/// Samples are floats, -1 to 1 (beyond it where the file has that), channels
/// interleaved: `[N, C]`. The encoder's delay and padding are left out where
/// the file states them. Rates are changed by soxr at its highest precision
/// where libswresample has it, else by libswresample's own longest filter.
pub struct AudioReader<'s> {
    input: Input<'s>,
    index: usize,
    decoder: Decoder,
    packet: Packet,
    frame: Frame,
    converter: Converter,
    sample_rate_hz: u32,
    channels: u32,
    start_secs: Rational,
    ending: Option<Ending>,
    has_ended: bool,
}

// SAFETY: libav's contexts may be used from any one thread at a time, and so
// may the file that they read through; nothing here is bound to a thread.
unsafe impl Send for AudioReader<'_> {}

impl<'s> AudioReader<'s> {
    /// Opens the first sound stream that has a decoder.
    ///
    /// # Errors
    /// `Unsupported` when there is no sound, `Invalid` for a rate outside 1,000
    /// to 1,536,000 Hz or channels outside 1 to 64, and those of
    /// [`crate::probe`].
    pub fn open(source: &'s Source, options: AudioOptions) -> Result<AudioReader<'s>> {
        AudioReader::open_stream(source, options, None)
    }

    /// The same for the stream of this number in the container, where one is
    /// given.
    pub(crate) fn open_stream(
        source: &'s Source,
        options: AudioOptions,
        wanted: Option<usize>,
    ) -> Result<AudioReader<'s>> {
        let invalid = |why: String| Error::new(ErrorKind::Invalid, WHAT, why);
        if let Some(rate) = options.sample_rate_hz.filter(|rate| !RATES_HZ.contains(rate)) {
            return Err(invalid(format!("{rate} Hz are asked for"))
                .remedy("ask for 1,000 to 1,536,000, such as 48000"));
        }
        if let Some(channels) = options.channels.filter(|it| !(1..=MOST_CHANNELS).contains(it)) {
            return Err(
                invalid(format!("{channels} channels are asked for")).remedy("ask for 1 to 64")
            );
        }
        let mut input = Input::open(source)?;
        let mut failed = None;
        for (index, stream) in input.streams().into_iter().enumerate() {
            // SAFETY: a stream of an open input has parameters.
            let parameters = unsafe { &*(*stream).codecpar };
            if parameters.codec_type != ffi::AVMediaType::AUDIO
                || wanted.is_some_and(|wanted| wanted != index)
            {
                continue;
            }
            let mut decoder = match Decoder::open(stream, source.limits()) {
                Ok(decoder) => decoder,
                Err(error) => {
                    failed = failed.or(Some(error));
                    continue;
                }
            };
            let stored_rate = u32::try_from(parameters.sample_rate).unwrap_or(0);
            let stored = u32::try_from(parameters.ch_layout.nb_channels).unwrap_or(0);
            let sample_rate_hz = options.sample_rate_hz.unwrap_or(stored_rate);
            let channels = options.channels.unwrap_or(stored);
            if sample_rate_hz == 0 || channels == 0 || channels > MOST_CHANNELS {
                let why = format!("it states {stored} channels at {stored_rate} Hz");
                return Err(Error::new(ErrorKind::Corrupt, WHAT, why));
            }
            let start_secs = start_of(&input, stream);
            input.keep_only(index);
            let ending = Ending::of(&input, stream, &mut decoder);
            return Ok(AudioReader {
                input,
                index,
                decoder,
                packet: Packet::new()?,
                frame: Frame::new()?,
                converter: Converter::new(sample_rate_hz, channels),
                sample_rate_hz,
                channels,
                start_secs,
                ending,
                has_ended: false,
            });
        }
        Err(failed
            .unwrap_or_else(|| Error::new(ErrorKind::Unsupported, WHAT, "there is none in it")))
    }

    /// Samples a second of each channel.
    #[must_use]
    pub fn sample_rate_hz(&self) -> u32 {
        self.sample_rate_hz
    }

    /// Channels.
    #[must_use]
    pub fn channels(&self) -> u32 {
        self.channels
    }

    /// When the first sample sounds, in seconds from the container's start;
    /// more than zero where the picture starts earlier.
    #[must_use]
    pub fn start_secs(&self) -> Rational {
        self.start_secs
    }

    /// Adds the next samples, some hundredths of a second, to `samples`;
    /// `false` when there are no more. Packets that cannot be decoded are left
    /// out.
    ///
    /// # Errors
    /// `Limit` when the source's time is spent, `Unavailable` when the disk
    /// fails.
    pub fn next_into(&mut self, samples: &mut Vec<f32>) -> Result<bool> {
        let before = samples.len();
        while !self.has_ended {
            if self.decoder.next(&mut self.input, self.index, &mut self.packet, &mut self.frame)? {
                match &mut self.ending {
                    None => self.converter.add(&self.frame, samples)?,
                    Some(ending) => {
                        ending.hold(&mut self.frame, &self.packet)?;
                        while let Some(frame) = ending.whole() {
                            self.converter.add(&frame, samples)?;
                        }
                    }
                }
            } else {
                self.has_ended = true;
                for frame in self.ending.take().map(Ending::finish).unwrap_or_default() {
                    self.converter.add(&frame, samples)?;
                }
                self.converter.drain(samples)?;
            }
            if samples.len() > before {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// When a stream starts, after the earliest of picture and sound.
fn start_of(input: &Input<'_>, stream: *mut ffi::AVStream) -> Rational {
    let own = start_secs(stream);
    let since = own.zip(input.start_secs()).and_then(|(own, first)| own.checked_sub(first));
    since.unwrap_or(Rational::ZERO)
}

/// Brings decoded frames to the rate and the channels that are given.
struct Converter {
    context: *mut ffi::SwrContext,
    /// Format, rate and channels of the frames that it is set up for.
    from: Option<(c_int, c_int, c_int)>,
    sample_rate_hz: u32,
    channels: u32,
}

impl Converter {
    fn new(sample_rate_hz: u32, channels: u32) -> Converter {
        Converter { context: ptr::null_mut(), from: None, sample_rate_hz, channels }
    }

    fn add(&mut self, frame: &Frame, samples: &mut Vec<f32>) -> Result<()> {
        let given = frame.get();
        if given.nb_samples <= 0 || given.extended_data.is_null() {
            return Ok(());
        }
        let kind = (given.format, given.sample_rate, given.ch_layout.nb_channels);
        if self.from != Some(kind) {
            // A stream may change amid: what the old rate still holds comes first.
            self.drain(samples)?;
            self.set_up(frame)?;
            self.from = Some(kind);
        }
        let planes = given.extended_data.cast::<*const u8>().cast_const();
        self.convert(planes, given.nb_samples, samples)
    }

    /// What the converter still holds.
    fn drain(&mut self, samples: &mut Vec<f32>) -> Result<()> {
        if self.from.is_none() {
            return Ok(());
        }
        self.convert(ptr::null(), 0, samples)
    }

    fn convert(
        &mut self,
        planes: *const *const u8,
        count: c_int,
        samples: &mut Vec<f32>,
    ) -> Result<()> {
        let channels = self.channels as usize;
        // SAFETY: the context is set up for such frames.
        let room = unsafe { ffi::swr_get_out_samples(self.context, count) };
        let room = usize::try_from(room).unwrap_or(0);
        if room == 0 {
            return Ok(());
        }
        let before = samples.len();
        samples.resize(before + room * channels, 0.0);
        let mut place =
            samples.get_mut(before..).map_or(ptr::null_mut(), <[f32]>::as_mut_ptr).cast::<u8>();
        // SAFETY: the output has room for that many samples of all channels;
        // the input is the frame's own planes, or null for the end. Whether the
        // parameters are const differs between versions of libav.
        let made = unsafe {
            ffi::swr_convert(
                self.context,
                (&raw mut place).cast(),
                c_int::try_from(room).unwrap_or(c_int::MAX),
                planes.cast_mut().cast(),
                count,
            )
        };
        let kept = usize::try_from(made).unwrap_or(0).min(room);
        samples.truncate(before + kept * channels);
        if made < 0 { Err(error(WHAT, made)) } else { Ok(()) }
    }

    fn set_up(&mut self, frame: &Frame) -> Result<()> {
        let resamples = u32::try_from(frame.get().sample_rate).ok() != Some(self.sample_rate_hz);
        let mut code = self.try_set_up(frame, resamples);
        if code < 0 && resamples {
            // Without soxr.
            code = self.try_set_up(frame, false);
        }
        if code < 0 {
            let found = error(WHAT, code);
            return Err(Error::new(ErrorKind::Unsupported, WHAT, found.why));
        }
        Ok(())
    }

    fn try_set_up(&mut self, frame: &Frame, with_soxr: bool) -> c_int {
        let given = frame.get();
        let rate = c_int::try_from(self.sample_rate_hz).unwrap_or(c_int::MAX);
        // SAFETY: the layouts are the frame's own and one of ours, which live
        // long enough; the context is ours and replaced here; the options are
        // libswresample's own.
        unsafe {
            let mut from = std::mem::zeroed::<ffi::AVChannelLayout>();
            let mut to = std::mem::zeroed::<ffi::AVChannelLayout>();
            ffi::av_channel_layout_copy(&raw mut from, &raw const given.ch_layout);
            if ffi::av_channel_layout_check(&raw const from) == 0
                || from.order == ffi::AVChannelOrder::UNSPEC
            {
                ffi::av_channel_layout_default(&raw mut from, given.ch_layout.nb_channels);
            }
            if u32::try_from(from.nb_channels).ok() == Some(self.channels) {
                ffi::av_channel_layout_copy(&raw mut to, &raw const from);
            } else {
                ffi::av_channel_layout_default(&raw mut to, self.channels as c_int);
            }
            ffi::swr_free(&raw mut self.context);
            let mut code = ffi::swr_alloc_set_opts2(
                &raw mut self.context,
                &raw mut to,
                ffi::AVSampleFormat::FLT,
                rate,
                &raw mut from,
                ffi::AVSampleFormat(given.format),
                given.sample_rate,
                0,
                ptr::null_mut(),
            );
            if code >= 0 {
                let context = self.context.cast();
                // Sums stay within full scale, as means do.
                ffi::av_opt_set_double(context, c"rematrix_maxval".as_ptr(), 1.0, 0);
                if with_soxr {
                    ffi::av_opt_set(context, c"resampler".as_ptr(), c"soxr".as_ptr(), 0);
                    ffi::av_opt_set_double(context, c"precision".as_ptr(), 28.0, 0);
                } else {
                    ffi::av_opt_set_int(context, c"filter_size".as_ptr(), 128, 0);
                    ffi::av_opt_set_int(context, c"phase_shift".as_ptr(), 12, 0);
                    ffi::av_opt_set_double(context, c"cutoff".as_ptr(), 0.97, 0);
                }
                code = ffi::swr_init(self.context);
            }
            ffi::av_channel_layout_uninit(&raw mut from);
            ffi::av_channel_layout_uninit(&raw mut to);
            code
        }
    }
}

impl Drop for Converter {
    fn drop(&mut self) {
        // SAFETY: ours, or null.
        unsafe { ffi::swr_free(&raw mut self.context) };
    }
}
