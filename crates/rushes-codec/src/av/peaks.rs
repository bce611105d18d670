//! The outline of a sound: how far it swings in each part of its length.

use std::slice;

use ffmpeg::ffi;
use rushes_media::{Error, ErrorKind, Result};

use super::decode::{Decoder, Frame};
use super::input::{Input, Packet};
use crate::Source;

/// Buckets asked for at most.
const MOST_BUCKETS: usize = 1 << 20;

/// Bins kept for each bucket, so that buckets end within an eighth of where
/// they should.
const BINS_A_BUCKET: usize = 8;

/// The lowest and highest sample of all channels in each of `buckets` equal
/// parts of the first sound stream, -1 to 1. A sound of fewer samples than
/// buckets repeats them.
///
/// # Errors
/// `Invalid` for no buckets or more than 1,048,576, `Unsupported` when there is
/// no sound in it, `Corrupt` when none can be decoded, `Limit` when the time is
/// spent, and those of [`crate::probe`].
pub fn audio_peaks(source: &Source, buckets: usize) -> Result<Vec<(f32, f32)>> {
    if buckets == 0 || buckets > MOST_BUCKETS {
        let why = format!("{buckets} parts are asked for");
        return Err(Error::new(ErrorKind::Invalid, "outlining the sound", why)
            .remedy("ask for 1 to 1,048,576"));
    }
    let mut input = Input::open(source)?;
    let (index, mut decoder) = open(&input)?;
    input.keep_only(index);
    let (mut packet, mut frame) = (Packet::new()?, Frame::new()?);
    let mut outline = Outline::new(buckets);
    while decoder.next(&mut input, index, &mut packet, &mut frame)? {
        add(&frame, &mut outline);
    }
    outline.finish(buckets).ok_or_else(|| {
        let why = "not one sample of it can be decoded";
        Error::new(ErrorKind::Corrupt, "outlining the sound", why)
    })
}

/// The first sound stream that has a decoder.
fn open(input: &Input<'_>) -> Result<(usize, Decoder)> {
    let mut failed = None;
    for (index, stream) in input.streams().into_iter().enumerate() {
        // SAFETY: a stream of an open input has parameters.
        if unsafe { (*(*stream).codecpar).codec_type } != ffi::AVMediaType::AUDIO {
            continue;
        }
        match Decoder::open(stream, input.source().limits()) {
            Ok(decoder) => return Ok((index, decoder)),
            Err(error) => failed = failed.or(Some(error)),
        }
    }
    Err(failed.unwrap_or_else(|| {
        Error::new(ErrorKind::Unsupported, "outlining the sound", "there is none in it")
    }))
}

/// Adds the samples of a decoded frame, whatever their format.
fn add(frame: &Frame, outline: &mut Outline) {
    let given = frame.get();
    let samples = usize::try_from(given.nb_samples).unwrap_or(0);
    let channels = usize::try_from(given.ch_layout.nb_channels).unwrap_or(0);
    if samples == 0 || channels == 0 || given.extended_data.is_null() {
        return;
    }
    use ffi::AVSampleFormat as F;
    let (bytes, is_planar) = match ffi::AVSampleFormat(given.format) {
        F::U8 => (1, false),
        F::U8P => (1, true),
        F::S16 => (2, false),
        F::S16P => (2, true),
        F::S32 | F::FLT => (4, false),
        F::S32P | F::FLTP => (4, true),
        F::S64 | F::DBL => (8, false),
        F::S64P | F::DBLP => (8, true),
        _ => return,
    };
    let planes = if is_planar { channels } else { 1 };
    let length = samples * bytes * if is_planar { 1 } else { channels };
    let mut data: Vec<&[u8]> = Vec::new();
    for plane in 0..planes {
        // SAFETY: a decoded frame holds a pointer for each plane, to
        // `nb_samples` samples of its format.
        unsafe {
            let start = *given.extended_data.add(plane);
            if start.is_null() {
                return;
            }
            data.push(slice::from_raw_parts(start, length));
        }
    }
    let convert = |sample: &[u8]| value(ffi::AVSampleFormat(given.format), sample);
    for at in 0..samples {
        let (mut low, mut high) = (f32::INFINITY, f32::NEG_INFINITY);
        for plane in &data {
            let width = plane.len() / samples;
            let row = plane.get(at * width..(at + 1) * width).unwrap_or_default();
            for sample in row.chunks_exact(bytes) {
                let sample = convert(sample);
                low = low.min(sample);
                high = high.max(sample);
            }
        }
        if low <= high {
            outline.add(low.clamp(-1.0, 1.0), high.clamp(-1.0, 1.0));
        }
    }
}

/// One sample as a number from -1 to 1; what is no number is silence.
fn value(format: ffi::AVSampleFormat, bytes: &[u8]) -> f32 {
    use ffi::AVSampleFormat as F;
    let number = match (format, bytes) {
        (F::U8 | F::U8P, &[a]) => (f32::from(a) - 128.0) / 128.0,
        (F::S16 | F::S16P, &[a, b]) => f32::from(i16::from_ne_bytes([a, b])) / 32_768.0,
        (F::S32 | F::S32P, &[a, b, c, d]) => {
            i32::from_ne_bytes([a, b, c, d]) as f32 / 2_147_483_648.0
        }
        (F::FLT | F::FLTP, &[a, b, c, d]) => f32::from_ne_bytes([a, b, c, d]),
        (F::S64 | F::S64P, bytes) => {
            let number = bytes.try_into().map(i64::from_ne_bytes).unwrap_or(0);
            (number as f64 / 9_223_372_036_854_775_808.0) as f32
        }
        (F::DBL | F::DBLP, bytes) => bytes.try_into().map(f64::from_ne_bytes).unwrap_or(0.0) as f32,
        _ => 0.0,
    };
    if number.is_nan() { 0.0 } else { number }
}

/// Lows and highs in bins that each cover the same number of samples; when
/// there are too many bins, pairs are joined and each covers twice as many.
struct Outline {
    bins: Vec<(f32, f32)>,
    most: usize,
    span: u64,
    in_last: u64,
}

impl Outline {
    fn new(buckets: usize) -> Outline {
        Outline { bins: Vec::new(), most: buckets * BINS_A_BUCKET * 2, span: 1, in_last: 0 }
    }

    fn add(&mut self, low: f32, high: f32) {
        if self.in_last > 0
            && let Some(last) = self.bins.last_mut()
        {
            *last = joined(*last, (low, high));
        } else {
            if self.bins.len() >= self.most {
                self.halve();
            }
            self.bins.push((low, high));
        }
        self.in_last = (self.in_last + 1) % self.span;
    }

    fn halve(&mut self) {
        let pairs = self.bins.chunks(2).filter_map(|pair| pair.iter().copied().reduce(joined));
        self.bins = pairs.collect();
        self.span *= 2;
    }

    fn finish(&self, buckets: usize) -> Option<Vec<(f32, f32)>> {
        let bins = self.bins.len();
        (0..buckets)
            .map(|at| {
                let start = at * bins / buckets;
                let end = ((at + 1) * bins / buckets).max(start + 1);
                self.bins.get(start..end)?.iter().copied().reduce(joined)
            })
            .collect()
    }
}

fn joined(one: (f32, f32), other: (f32, f32)) -> (f32, f32) {
    (one.0.min(other.0), one.1.max(other.1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ramp_of_any_length_is_outlined_in_flat_memory() {
        for length in [1_u32, 3, 7, 100, 1000, 123_457] {
            let mut outline = Outline::new(10);
            for at in 0..length {
                let value = at as f32 / length as f32;
                outline.add(value, value);
                assert!(outline.bins.len() <= 160);
            }
            let peaks = outline.finish(10).unwrap();
            assert_eq!(peaks.len(), 10);
            for (at, (low, high)) in peaks.into_iter().enumerate() {
                let (from, to) = (at as f32 / 10.0, (at + 1) as f32 / 10.0);
                let slack = 0.02 + 1.0 / length as f32;
                assert!(low >= from - slack && low <= to, "{length} {at} {low}");
                assert!(high <= to + slack && high >= from - slack, "{length} {at} {high}");
            }
        }
        assert_eq!(Outline::new(3).finish(3), None);
    }

    #[test]
    fn every_sample_format_reaches_full_scale() {
        use ffi::AVSampleFormat as F;
        assert_eq!(value(F::U8, &[0]), -1.0);
        assert_eq!(value(F::S16, &i16::MIN.to_ne_bytes()), -1.0);
        assert_eq!(value(F::S32P, &i32::MIN.to_ne_bytes()), -1.0);
        assert_eq!(value(F::S64, &i64::MIN.to_ne_bytes()), -1.0);
        assert_eq!(value(F::FLT, &0.5_f32.to_ne_bytes()), 0.5);
        assert_eq!(value(F::DBLP, &(-0.5_f64).to_ne_bytes()), -0.5);
        assert_eq!(value(F::FLTP, &f32::NAN.to_ne_bytes()), 0.0);
    }
}
