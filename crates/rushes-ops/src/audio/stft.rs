use realfft::RealFftPlanner;
use rushes_media::{Error, ErrorKind, Result};

use crate::numeric::{refuse, within};

/// Spectra of sound, one after the other.
#[derive(Clone, Debug, PartialEq)]
pub struct Stft {
    /// Frequencies of each spectrum, from 0 to half the rate, both included.
    pub bins: usize,
    /// `[spectra, bins]`: 1 for a sine of full scale.
    pub amplitudes: Vec<f32>,
}

impl Stft {
    /// How many spectra there are.
    #[must_use]
    pub fn spectra(&self) -> usize {
        self.amplitudes.len() / self.bins.max(1)
    }
}

/// 1 GiB of floats.
const MOST_AMPLITUDES: usize = 1 << 28;

/// The short-time Fourier transform under a Hann window, one-sided: spectra of
/// as many samples as the window has, each `hop_samples` after the last.
///
/// What is left at the end and does not fill a window is not in a spectrum.
/// Samples that are not finite count as 0.
///
/// # Errors
/// `Invalid` when the window is not even or not 16 to 65,536 samples long,
/// when the hop is 0 or longer than the window, when there are fewer samples
/// than one window has, or when there would be more than 2^28 amplitudes.
pub fn stft(samples: &[f32], window_samples: usize, hop_samples: usize) -> Result<Stft> {
    within("window_samples", window_samples, 16..=65_536)?;
    within("hop_samples", hop_samples, 1..=window_samples)?;
    if !window_samples.is_multiple_of(2) {
        return Err(refuse("window_samples", window_samples, "an even number"));
    }
    let Some(rest) = samples.len().checked_sub(window_samples) else {
        let allowed = format!("{window_samples}, as many as the window has, or more");
        return Err(refuse("the count of samples", samples.len(), allowed));
    };
    let (spectra, bins) = (rest / hop_samples + 1, window_samples / 2 + 1);
    if spectra.checked_mul(bins).is_none_or(|count| count > MOST_AMPLITUDES) {
        let is = format!("{hop_samples}, which gives {spectra} spectra of {bins}");
        return Err(refuse("hop_samples", is, "longer for so many samples"));
    }

    let turn = std::f64::consts::TAU / window_samples as f64;
    let hann = |at: usize| 0.5 - 0.5 * (turn * at as f64).cos();
    let window: Vec<f32> = (0..window_samples).map(|at| hann(at) as f32).collect();
    let sum: f64 = (0..window_samples).map(hann).sum();
    let transform = RealFftPlanner::<f32>::new().plan_fft_forward(window_samples);
    let (mut input, mut output) = (transform.make_input_vec(), transform.make_output_vec());
    let mut scratch = transform.make_scratch_vec();
    let mut amplitudes = Vec::with_capacity(spectra * bins);
    for part in samples.windows(window_samples).step_by(hop_samples) {
        for ((place, &sample), weight) in input.iter_mut().zip(part).zip(&window) {
            *place = if sample.is_finite() { sample * weight } else { 0.0 };
        }
        transform
            .process_with_scratch(&mut input, &mut output, &mut scratch)
            .map_err(|error| Error::new(ErrorKind::Bug, "making a spectrum", error.to_string()))?;
        // All but the ends stand for two frequencies, one of them negative.
        amplitudes.extend(output.iter().enumerate().map(|(bin, number)| {
            let sides = if bin == 0 || bin == bins - 1 { 1.0 } else { 2.0 };
            number.norm() * (sides / sum) as f32
        }));
    }
    Ok(Stft { bins, amplitudes })
}
