//! A sound of the source on its way into the file.

use rushes_media::{Rational, Result};

use super::Window;
use crate::write::AudioWriterOptions;
use crate::write::cut::ceil;
use crate::write::output::Output;
use crate::write::sound::{self, SoundEncoder};
use crate::{AudioOptions, AudioReader, Source};

/// A sound that is encoded.
pub(super) struct SoundWriter<'s> {
    reader: AudioReader<'s>,
    pub(super) encoder: SoundEncoder,
    samples: Vec<f32>,
    /// Numbers that are passed over, and that are taken after them.
    before: u64,
    left: Option<u64>,
    pub(super) has_ended: bool,
}

impl<'s> SoundWriter<'s> {
    /// Stream `index`, to be encoded by `codec`, at a rate that the container may
    /// demand; exact by sample what is within the window.
    pub(super) fn open(
        source: &'s Source,
        codec: &'static str,
        index: usize,
        bit_rate: Option<u32>,
        fixed_hz: Option<u32>,
        window: Window,
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
        // The number of the first sample at a time or after it.
        let sample = |secs: Rational| {
            let since = secs.checked_sub(reader.start_secs())?;
            Some(ceil(since.checked_mul(Rational::whole(rate.into()))?))
        };
        let first = sample(window.from).unwrap_or(0);
        let skipped = if window.is_all() { 0 } else { first.max(0) };
        let numbers = |samples: i128| u64::try_from(samples * i128::from(channels)).unwrap_or(0);
        let left = window.to.and_then(sample).map(|end| numbers(end - skipped));
        let start = reader.start_secs().to_f64() - window.from.to_f64();
        let start = (start * f64::from(rate) + skipped as f64).round().max(0.0) as u64;
        encoder.start_at(start);
        let before = numbers(skipped);
        Ok(SoundWriter { reader, encoder, samples: Vec::new(), before, left, has_ended: false })
    }

    /// Encodes the next samples.
    pub(super) fn step(&mut self, output: &mut Output) -> Result<()> {
        self.samples.clear();
        if self.left == Some(0) || !self.reader.next_into(&mut self.samples)? {
            self.has_ended = true;
            return Ok(());
        }
        let count = self.samples.len() as u64;
        let passed_over = self.before.min(count);
        self.before -= passed_over;
        let mut end = count;
        if let Some(left) = &mut self.left {
            end = end.min(passed_over + *left);
            *left -= end - passed_over;
        }
        let taken = self.samples.get(passed_over as usize..end as usize).unwrap_or_default();
        self.encoder.write(taken, output)
    }
}
