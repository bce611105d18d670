//! The writer that a file wants, by its format.

use rushes_media::{Error, ErrorKind, Frame, Result};

use super::{
    AudioWriter, AudioWriterOptions, Container, Sink, SoundTarget, VideoWriter, WHAT,
    WriterOptions, sound,
};
use crate::still::{StillTarget, encode_still, target_of};

/// What a file of a format holds.
#[derive(Clone, Copy, Debug)]
pub enum TargetKind {
    /// One picture. Formats that also move, such as WebP, are `Frames`.
    Still(&'static StillTarget),
    /// Frames one after another, some with sound.
    Frames(&'static Container),
    /// Samples of sound.
    Sound(&'static SoundTarget),
}

impl TargetKind {
    /// That of the format of a [`crate::Target`]: an extension without the dot, or
    /// `%d.` and that of a still.
    ///
    /// # Errors
    /// `Unsupported` when nothing is written as that.
    pub fn of(format: &str) -> Result<TargetKind> {
        // Ogg may hold both; pictures are asked for by its other extension.
        if let Ok(sound) = sound::target_of(format) {
            return Ok(TargetKind::Sound(sound));
        }
        let found = Container::of(format).map(TargetKind::Frames);
        found.or_else(|refused| target_of(format).map(TargetKind::Still).map_err(|_| refused))
    }
}

/// Writes a file of any format: [`create`] makes it.
pub enum Writer {
    /// Takes one frame.
    Still(StillWriter),
    /// Takes frames; [`VideoWriter::with_sound`] before the first, and it takes
    /// sound too.
    Frames(Box<VideoWriter>),
    /// Takes samples.
    Sound(SoundWriter),
}

/// Samples of sound on their way into a file.
#[derive(Clone, Copy, Debug)]
pub struct Samples<'s> {
    /// `[N, C]`, channels interleaved, -1 to 1.
    pub values: &'s [f32],
    /// Samples a second of each channel, 1,000 to 1,536,000.
    pub sample_rate_hz: u32,
    /// Channels, 1 to 64.
    pub channels: u32,
}

/// Writes one picture.
pub struct StillWriter {
    sink: Box<dyn Sink>,
    format: String,
    quality: Option<u8>,
    is_written: bool,
}

/// Writes samples, at the rate and with the channels of the first.
pub struct SoundWriter {
    /// Until the first samples.
    sink: Option<Box<dyn Sink>>,
    format: String,
    codec: Option<String>,
    open: Option<(AudioWriter, u32, u32)>,
}

/// A writer into a sink that has no bytes yet, such as an empty file, by the format
/// of a [`crate::Target`]: an extension without the dot, or `%d.` and that of a
/// still for numbered ones. The file is opened at the first item, whose size, layout
/// and numbers, or rate and channels, are the file's. Of the options a still takes
/// the quality, and sound the codec.
///
/// ```
/// use rushes_codec::{Samples, WriterOptions, create};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("tone.wav");
/// let file = std::fs::File::create(&path)?;
/// let mut writer = create(file, "wav", WriterOptions::default())?;
/// let values: Vec<f32> = (0..48_000).map(|at| (at as f32 * 0.0576).sin() / 8.0).collect();
/// writer.write_samples(Samples { values: &values, sample_rate_hz: 48_000, channels: 1 })?;
/// writer.finish()?;
/// # assert!(std::fs::metadata(&path)?.len() > 96_000);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// `Unsupported` when nothing is written as that or the linked FFmpeg has no such
/// encoder, `Invalid` when the file does not hold the codec, or the rate or quality
/// is out of range.
pub fn create(sink: impl Sink + 'static, format: &str, options: WriterOptions) -> Result<Writer> {
    let format_name = || format.to_ascii_lowercase();
    match TargetKind::of(format)? {
        TargetKind::Frames(_) => {
            VideoWriter::create(sink, format, options).map(|it| Writer::Frames(Box::new(it)))
        }
        TargetKind::Still(_) => Ok(Writer::Still(StillWriter {
            sink: Box::new(sink),
            format: format_name(),
            // Stills have none that is 0.
            quality: options.quality.map(|quality| quality.max(1)),
            is_written: false,
        })),
        TargetKind::Sound(_) => {
            let (sink, codec): (Box<dyn Sink>, _) = (Box::new(sink), options.codec);
            Ok(Writer::Sound(SoundWriter {
                sink: Some(sink),
                format: format_name(),
                codec,
                open: None,
            }))
        }
    }
}

impl Writer {
    /// Writes the next frame.
    ///
    /// # Errors
    /// `Invalid` for a second picture of a still and for sound, and those of
    /// [`encode_still`] and [`VideoWriter::write`].
    pub fn write(&mut self, frame: &Frame) -> Result<()> {
        match self {
            Writer::Still(writer) => writer.write(frame),
            Writer::Frames(writer) => writer.write(frame),
            Writer::Sound(_) => Err(invalid("a file of sound has no frames")),
        }
    }

    /// Writes the next samples.
    ///
    /// # Errors
    /// `Invalid` for a still, and for samples of another rate or other channels than
    /// the first; those of [`AudioWriter::write`] and [`VideoWriter::write_sound`].
    pub fn write_samples(&mut self, samples: Samples<'_>) -> Result<()> {
        match self {
            Writer::Still(_) => Err(invalid("a still has no sound")),
            Writer::Frames(writer) => writer.write_sound(samples.values),
            Writer::Sound(writer) => writer.write(samples),
        }
    }

    /// Writes what is still under way and the file's last words.
    ///
    /// # Errors
    /// `Invalid` when nothing was written, else as for writing.
    pub fn finish(self) -> Result<()> {
        match self {
            Writer::Still(StillWriter { is_written: true, .. }) => Ok(()),
            Writer::Still(_) => Err(invalid("there is not one frame to write")),
            Writer::Frames(writer) => writer.finish(),
            Writer::Sound(SoundWriter { open: Some((writer, ..)), .. }) => writer.finish(),
            Writer::Sound(_) => Err(invalid("there is not one sample to write")),
        }
    }
}

impl StillWriter {
    /// Writes the picture.
    ///
    /// # Errors
    /// `Invalid` for a second one, and those of [`encode_still`].
    pub fn write(&mut self, frame: &Frame) -> Result<()> {
        if self.is_written {
            return Err(
                invalid("a still is one picture").remedy("number the files, such as shot.%04d.png")
            );
        }
        let bytes = encode_still(frame, &self.format, self.quality)?;
        self.is_written = true;
        self.sink.write_all_at(&bytes, 0).map_err(|error| Error::io(WHAT, &error))
    }
}

impl SoundWriter {
    /// Writes the next samples.
    ///
    /// # Errors
    /// `Invalid` for samples of another rate or other channels than the first, and
    /// those of [`AudioWriter`].
    pub fn write(&mut self, samples: Samples<'_>) -> Result<()> {
        let Samples { values, sample_rate_hz, channels } = samples;
        if let Some(sink) = self.sink.take() {
            let codec = self.codec.take();
            let options = AudioWriterOptions { codec, sample_rate_hz, channels, bit_rate: None };
            let writer = AudioWriter::create(sink, &self.format, &options)?;
            self.open = Some((writer, sample_rate_hz, channels));
        }
        match &mut self.open {
            Some((writer, rate_hz, count)) if (*rate_hz, *count) == (sample_rate_hz, channels) => {
                writer.write(values)
            }
            Some((_, rate_hz, count)) => Err(invalid(format!(
                "the samples have {channels} channels at {sample_rate_hz} Hz, those before \
                 have {count} at {rate_hz} Hz"
            ))),
            None => Err(Error::new(ErrorKind::Conflict, WHAT, "it could not be opened before")),
        }
    }
}

fn invalid(why: impl Into<String>) -> Error {
    Error::new(ErrorKind::Invalid, WHAT, why)
}
