//! Samples to a sound file.

use std::ffi::c_int;
use std::slice;

use ffmpeg::ffi;
use rushes_media::{Error, ErrorKind, Result};

use super::encoder::{self, Encoder};
use super::output::Output;
use super::{Sink, WHAT};
use crate::av::decode::Frame;
use crate::av::error;
use crate::av::input::Options;

/// A kind of sound file.
#[derive(Debug)]
pub struct SoundTarget {
    /// Extensions without the dot, in lower case.
    pub extensions: &'static [&'static str],
    /// What people call it.
    pub words: &'static str,
    /// Names of the codecs that it holds; the first is taken when none is named.
    pub codecs: &'static [&'static str],
    pub(super) muxer: &'static str,
}

/// Every kind of sound file that can be written.
pub const SOUND_TARGETS: &[SoundTarget] = &[
    SoundTarget {
        extensions: &["wav"],
        words: "WAV, RF64 above 4 GB",
        codecs: &["pcm_s16le", "pcm_s24le", "pcm_s32le", "pcm_f32le"],
        muxer: "wav",
    },
    SoundTarget {
        extensions: &["aiff", "aif"],
        words: "AIFF",
        codecs: &["pcm_s16be", "pcm_s24be"],
        muxer: "aiff",
    },
    SoundTarget { extensions: &["flac"], words: "FLAC", codecs: &["flac"], muxer: "flac" },
    SoundTarget { extensions: &["mp3"], words: "MP3", codecs: &["mp3"], muxer: "mp3" },
    SoundTarget { extensions: &["m4a"], words: "M4A", codecs: &["aac", "alac"], muxer: "ipod" },
    // It states neither the encoder's delay nor its padding.
    SoundTarget { extensions: &["aac"], words: "AAC, bare", codecs: &["aac"], muxer: "adts" },
    SoundTarget { extensions: &["opus"], words: "Opus", codecs: &["opus"], muxer: "opus" },
    SoundTarget {
        extensions: &["ogg", "oga"],
        words: "Ogg",
        codecs: &["vorbis", "opus"],
        muxer: "ogg",
    },
    SoundTarget {
        extensions: &["mka"],
        words: "Matroska",
        // Those whose delay and padding it can state.
        codecs: &["flac", "opus", "vorbis", "pcm_s16le", "pcm_s24le", "pcm_f32le"],
        muxer: "matroska",
    },
];

/// libav's encoders by the codec's name here, where they differ.
const ENCODERS: [(&str, &str); 3] =
    [("mp3", "libmp3lame"), ("opus", "libopus"), ("vorbis", "libvorbis")];

/// Of -1 to 10: that of about 96,000 bits a second and channel at 44,100 Hz.
const VORBIS_QUALITY: c_int = 6;

/// Samples that are encoded at once where the codec leaves that open.
const BLOCK: usize = 4_096;

/// How sound is written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AudioWriterOptions {
    /// Name of one of the target's codecs; `None` for its first.
    pub codec: Option<String>,
    /// Samples a second of each channel, 1,000 to 1,536,000.
    pub sample_rate_hz: u32,
    /// Channels, 1 to 64.
    pub channels: u32,
    /// Bits a second of codecs with loss; `None` for 96,000 a channel, which
    /// Vorbis has as its quality 6, at every rate.
    pub bit_rate: Option<u32>,
}

/// Writes floats to a sound file.
///
/// Numbers beyond -1 to 1 are clipped where the codec has whole numbers, and
/// rounded to the nearest, without dither. FLAC and ALAC take 24 bits. What the
/// codec cannot take of rates is an error that names those it can.
///
/// The file is not whole before [`AudioWriter::finish`] has given `Ok`.
pub struct AudioWriter {
    sound: SoundEncoder,
    output: Output,
}

/// Floats to packets of one codec.
pub(super) struct SoundEncoder {
    pub(super) encoder: Encoder,
    channels: usize,
    block: usize,
    waiting: Vec<f32>,
    /// Samples of each channel so far; the next one's time in ticks of the rate.
    written: u64,
}

impl AudioWriter {
    /// A writer into a sink that has no bytes yet, such as an empty file.
    ///
    /// # Errors
    /// `Unsupported` when there is no such kind of file or the linked FFmpeg
    /// has no such encoder, `Invalid` when the kind does not hold the codec or
    /// the codec not the rate or the channels.
    pub fn create(
        sink: impl Sink + 'static,
        extension: &str,
        options: &AudioWriterOptions,
    ) -> Result<AudioWriter> {
        crate::av::start();
        let invalid = |why: String| Error::new(ErrorKind::Invalid, WHAT, why);
        let target = target_of(extension)?;
        let name = options.codec.as_deref().or(target.codecs.first().copied()).unwrap_or_default();
        let Some(&name) = target.codecs.iter().find(|known| **known == name) else {
            return Err(invalid(format!("{} does not hold {name:?}", target.words))
                .remedy(format!("name one of {}", target.codecs.join(", "))));
        };
        let mut sound = SoundEncoder::open(name, options)?;
        let mut output = Output::create(Box::new(sink), target.muxer)?;
        output.add(&mut sound.encoder)?;
        let mut more = Options::new();
        // The edit list, which leaves out the encoder's delay, counts in these: by
        // sample, or the end would be rounded to a millisecond.
        if target.muxer == "ipod" {
            more.set("movie_timescale", &options.sample_rate_hz.to_string());
        }
        output.begin(&mut more)?;
        Ok(AudioWriter { sound, output })
    }

    /// Writes samples, channels interleaved: `[N, C]`.
    ///
    /// # Errors
    /// `Invalid` when their number is no multiple of the channels,
    /// `Unavailable` and others when the disk fails or is full.
    pub fn write(&mut self, samples: &[f32]) -> Result<()> {
        self.sound.write(samples, &mut self.output)
    }

    /// Writes what is still under way and the file's last words.
    ///
    /// # Errors
    /// As for `write`.
    pub fn finish(mut self) -> Result<()> {
        self.sound.finish(&mut self.output)?;
        self.output.finish()
    }
}

impl SoundEncoder {
    /// Opens the encoder of this codec.
    ///
    /// # Errors
    /// `Unsupported` when the linked FFmpeg has none, `Invalid` when it does
    /// not hold the rate or the channels.
    pub(super) fn open(name: &'static str, options: &AudioWriterOptions) -> Result<SoundEncoder> {
        let invalid = |why: String| Error::new(ErrorKind::Invalid, WHAT, why);
        if !(1_000..=1_536_000).contains(&options.sample_rate_hz)
            || !(1..=64).contains(&options.channels)
        {
            let (rate, channels) = (options.sample_rate_hz, options.channels);
            return Err(invalid(format!("{channels} channels at {rate} Hz")));
        }
        let found = encoder_of(name)?;
        let (rate, channels) = (options.sample_rate_hz as c_int, options.channels as c_int);
        // SAFETY: encoders are constants.
        let format = unsafe { format_of(&*found, name, options)? };
        let is_raw = name.starts_with("pcm");
        let opened = Encoder::start(found, 0, true, |context, _| {
            // SAFETY: the context is whole and not open yet.
            unsafe {
                (*context).sample_fmt = format;
                (*context).sample_rate = rate;
                (*context).time_base = ffi::AVRational { num: 1, den: rate };
                ffi::av_channel_layout_default(&raw mut (*context).ch_layout, channels);
                if matches!(name, "flac" | "alac") {
                    (*context).bits_per_raw_sample = 24;
                } else if name == "vorbis" && options.bit_rate.is_none() {
                    // It refuses bit rates that are too high for a rate of samples.
                    (*context).flags |= ffi::AV_CODEC_FLAG_QSCALE as c_int;
                    (*context).global_quality = VORBIS_QUALITY * ffi::FF_QP2LAMBDA as c_int;
                } else if !is_raw {
                    let bits = options.bit_rate.unwrap_or(96_000 * options.channels);
                    (*context).bit_rate = bits.into();
                }
            }
        });
        let encoder = opened.map_err(|error| {
            invalid(format!("{name} cannot hold {channels} channels at {rate} Hz: {}", error.why))
                .remedy(match options.bit_rate {
                    Some(_) => "leave the bit rate out or ask for another, or name another codec",
                    None => "change the rate to 48000 or the channels to 2, or name another codec",
                })
        })?;
        let block = usize::try_from(encoder.context().frame_size).unwrap_or(0);
        let block = if block == 0 { BLOCK } else { block };
        let channels = options.channels as usize;
        Ok(SoundEncoder { encoder, channels, block, waiting: Vec::new(), written: 0 })
    }

    /// Has the first sample sound that many ticks of the rate after the start.
    pub(super) fn start_at(&mut self, ticks: u64) {
        self.written = ticks;
    }

    /// Seconds that were given so far, from the start on.
    pub(super) fn position_secs(&self) -> f64 {
        self.written as f64 / f64::from(self.encoder.context().sample_rate.max(1))
    }

    /// Encodes samples, channels interleaved: `[N, C]`.
    pub(super) fn write(&mut self, samples: &[f32], output: &mut Output) -> Result<()> {
        if !samples.len().is_multiple_of(self.channels) {
            let why = format!(
                "{} numbers are no whole samples of {} channels",
                samples.len(),
                self.channels
            );
            return Err(Error::new(ErrorKind::Invalid, WHAT, why));
        }
        let mut rest = samples;
        let size = self.block * self.channels;
        while self.waiting.len() + rest.len() >= size {
            let (now, later) = rest.split_at(size - self.waiting.len());
            let mut block = std::mem::take(&mut self.waiting);
            block.extend_from_slice(now);
            self.encode(&block, output)?;
            block.clear();
            self.waiting = block;
            rest = later;
        }
        self.waiting.extend_from_slice(rest);
        Ok(())
    }

    /// Encodes what is still under way.
    pub(super) fn finish(&mut self, output: &mut Output) -> Result<()> {
        let block = std::mem::take(&mut self.waiting);
        if !block.is_empty() {
            self.encode(&block, output)?;
        }
        self.encoder.send(None, output)
    }

    fn encode(&mut self, samples: &[f32], output: &mut Output) -> Result<()> {
        let count = samples.len() / self.channels;
        let frame = Frame::new()?;
        let context = self.encoder.context();
        let format = context.sample_fmt;
        // SAFETY: the frame is ours; libav makes room for its format, channels
        // and samples.
        unsafe {
            (*frame.0).nb_samples = c_int::try_from(count).unwrap_or(c_int::MAX);
            (*frame.0).format = format.0;
            (*frame.0).sample_rate = context.sample_rate;
            ffi::av_channel_layout_copy(
                &raw mut (*frame.0).ch_layout,
                &raw const context.ch_layout,
            );
            let code = ffi::av_frame_get_buffer(frame.0, 0);
            if code < 0 {
                return Err(error(WHAT, code));
            }
            (*frame.0).pts = i64::try_from(self.written).unwrap_or(i64::MAX);
            fill(&frame, format, samples, self.channels);
        }
        self.written += count as u64;
        self.encoder.send(Some((&frame, None)), output)
    }
}

/// libav's encoder of this codec.
fn encoder_of(codec: &'static str) -> Result<*const ffi::AVCodec> {
    let known = ENCODERS.iter().find(|(known, _)| *known == codec);
    let encoder = known.map_or(codec, |(_, encoder)| encoder);
    encoder::find(codec, &[encoder]).map(|(found, _)| found)
}

/// Whether the linked FFmpeg has an encoder of this codec that is fit for use.
pub(super) fn is_encoded_as(codec: &'static str) -> bool {
    // SAFETY: encoders are constants.
    let fit = |found: *const ffi::AVCodec| unsafe {
        (*found).capabilities & ffi::AV_CODEC_CAP_EXPERIMENTAL as c_int == 0
    };
    encoder_of(codec).is_ok_and(fit)
}

/// The rate and channels nearest to these that the codec's encoder takes.
///
/// # Errors
/// `Unsupported` when the linked FFmpeg has no such encoder.
pub(super) fn nearest(codec: &'static str, rate_hz: u32, channels: u32) -> Result<(u32, u32)> {
    let found = encoder_of(codec)?;
    // SAFETY: encoders are constants.
    let rates = unsafe { rates_of(&*found) };
    let rates = rates.into_iter().filter_map(|rate| u32::try_from(rate).ok());
    // One that loses nothing, else the highest.
    let rates: Vec<u32> = rates.collect();
    let above = rates.iter().copied().filter(|&rate| rate >= rate_hz).min();
    let rate_hz = above.or(rates.iter().copied().max()).unwrap_or(rate_hz);
    let most_channels = if codec == "mp3" { 2 } else { 8 };
    Ok((rate_hz, channels.min(most_channels)))
}

pub(super) fn target_of(extension: &str) -> Result<&'static SoundTarget> {
    let extension = extension.to_ascii_lowercase();
    SOUND_TARGETS.iter().find(|it| it.extensions.contains(&&*extension)).ok_or_else(|| {
        let known = SOUND_TARGETS.iter().flat_map(|it| it.extensions).copied();
        Error::new(
            ErrorKind::Unsupported,
            WHAT,
            format!("no sound can be written as {extension:?}"),
        )
        .remedy(format!("name one of {}", known.collect::<Vec<_>>().join(", ")))
    })
}

/// The rates that an encoder takes; none when it takes any.
///
/// # Safety
/// The encoder is one of libav's own.
unsafe fn rates_of(codec: &ffi::AVCodec) -> Vec<c_int> {
    let mut rates = Vec::new();
    let mut at = codec.supported_samplerates;
    // SAFETY: the list is libav's, and ends with a zero.
    unsafe {
        while !at.is_null() && *at != 0 {
            rates.push(*at);
            at = at.add(1);
        }
    }
    rates
}

/// The best of an encoder's formats: 24 bits for what keeps them, floats for
/// what does not.
///
/// # Safety
/// The encoder is one of libav's own.
unsafe fn format_of(
    codec: &ffi::AVCodec,
    name: &str,
    options: &AudioWriterOptions,
) -> Result<ffi::AVSampleFormat> {
    use ffi::AVSampleFormat as F;
    // SAFETY: both lists are libav's, and end with a zero or a minus one.
    let (formats, rates) = unsafe {
        let mut formats = Vec::new();
        let mut at = codec.sample_fmts;
        while !at.is_null() && *at != F::NONE {
            formats.push(*at);
            at = at.add(1);
        }
        (formats, rates_of(codec))
    };
    if !rates.is_empty() && !rates.contains(&(options.sample_rate_hz as c_int)) {
        let why = format!("{name} cannot hold {} Hz", options.sample_rate_hz);
        let known: Vec<String> = rates.iter().map(ToString::to_string).collect();
        return Err(Error::new(ErrorKind::Invalid, WHAT, why)
            .remedy(format!("change the rate to one of {}", known.join(", "))));
    }
    let wanted = [F::FLT, F::FLTP, F::S32, F::S32P, F::S16, F::S16P];
    let deep = matches!(name, "flac" | "alac");
    let order = wanted.iter().filter(|it| !deep || matches!(**it, F::S32 | F::S32P));
    order.copied().find(|it| formats.contains(it)).ok_or_else(|| {
        Error::new(
            ErrorKind::Unsupported,
            WHAT,
            format!("the encoder of {name} takes no samples of ours"),
        )
    })
}

/// Writes interleaved floats in the frame's own format.
///
/// # Safety
/// The frame owns a writable buffer for them.
unsafe fn fill(frame: &Frame, format: ffi::AVSampleFormat, samples: &[f32], channels: usize) {
    use ffi::AVSampleFormat as F;
    let is_planar = matches!(format, F::S16P | F::S32P | F::FLTP);
    let planes = if is_planar { channels } else { 1 };
    for plane in 0..planes {
        let step = if is_planar { channels } else { 1 };
        let values = samples.iter().skip(plane).step_by(step).copied();
        let count = samples.len() / planes;
        // SAFETY: every plane has room for its samples, as the caller says.
        unsafe {
            let start = *frame.get().extended_data.add(plane);
            match format {
                F::FLT | F::FLTP => put(start.cast::<f32>(), count, values),
                F::S16 | F::S16P => {
                    put(start.cast::<i16>(), count, values.map(|it| whole(it, 16) as i16))
                }
                F::S32 | F::S32P => {
                    put(start.cast::<i32>(), count, values.map(|it| whole(it, 24) << 8))
                }
                // `format_of` gives no other.
                _ => {}
            }
        }
    }
}

/// # Safety
/// There is room for so many.
unsafe fn put<T>(start: *mut T, count: usize, values: impl Iterator<Item = T>) {
    // SAFETY: as the caller says.
    let room = unsafe { slice::from_raw_parts_mut(start, count) };
    for (place, value) in room.iter_mut().zip(values) {
        *place = value;
    }
}

/// A float as a whole number of so many bits, to the nearest; what is no number
/// is silence.
fn whole(value: f32, bits: u32) -> i32 {
    let top = f64::from(1_u32 << (bits - 1));
    (f64::from(value) * top).round_ties_even().clamp(-top, top - 1.0) as i32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_are_nearest_and_clipped() {
        assert_eq!(
            [0.0, 1.0, -1.0, 2.0, f32::NAN].map(|it| whole(it, 16)),
            [0, 32_767, -32_768, 32_767, 0]
        );
        assert_eq!(whole(0.5 / 32_768.0, 16), 0);
        assert_eq!(whole(1.5 / 32_768.0, 16), 2);
        assert_eq!(whole(-1.0, 24), -8_388_608);
    }
}
