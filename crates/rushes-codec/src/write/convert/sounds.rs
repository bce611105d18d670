//! A sound of the source on its way into the file.

use rushes_media::Result;

use crate::write::AudioWriterOptions;
use crate::write::output::Output;
use crate::write::sound::{self, SoundEncoder};
use crate::{AudioOptions, AudioReader, Source};

/// A sound that is encoded.
pub(super) struct SoundWriter<'s> {
    reader: AudioReader<'s>,
    pub(super) encoder: SoundEncoder,
    samples: Vec<f32>,
    pub(super) has_ended: bool,
}

impl<'s> SoundWriter<'s> {
    /// Stream `index`, to be encoded by `codec`, at a rate that the container may
    /// demand.
    pub(super) fn open(
        source: &'s Source,
        codec: &'static str,
        index: usize,
        bit_rate: Option<u32>,
        fixed_hz: Option<u32>,
    ) -> Result<SoundWriter<'s>> {
        let plain = AudioReader::open_stream(source, AudioOptions::default(), Some(index))?;
        let rate = fixed_hz.unwrap_or(plain.sample_rate_hz());
        let (rate, channels) = sound::nearest(codec, rate, plain.channels())?;
        let reader = if (rate, channels) == (plain.sample_rate_hz(), plain.channels()) {
            plain
        } else {
            let options = AudioOptions { sample_rate_hz: Some(rate), channels: Some(channels) };
            AudioReader::open_stream(source, options, Some(index))?
        };
        let mut encoder = SoundEncoder::open(
            codec,
            &AudioWriterOptions { codec: None, sample_rate_hz: rate, channels, bit_rate },
        )?;
        let start = reader.start_secs().to_f64() * f64::from(rate);
        encoder.start_at(start.round().max(0.0) as u64);
        Ok(SoundWriter { reader, encoder, samples: Vec::new(), has_ended: false })
    }

    /// Encodes the next samples.
    pub(super) fn step(&mut self, output: &mut Output) -> Result<()> {
        self.samples.clear();
        if self.reader.next_into(&mut self.samples)? {
            return self.encoder.write(&self.samples, output);
        }
        self.has_ended = true;
        Ok(())
    }
}
