use rushes_media::Result;

use super::{Figure, ImageOptions, Plot, image};
use crate::audio::stft;
use crate::frame::Map;
use crate::numeric::{refuse, within};

/// How a spectrogram is made.
#[derive(Clone, Debug, PartialEq)]
pub struct SpectrogramOptions {
    /// Samples of each spectrum: 16 to 65,536, even.
    pub window_samples: usize,
    /// Samples from one spectrum to the next: 1 to `window_samples`.
    pub hop_samples: usize,
    /// The level of the first colour, in dB of full scale.
    pub low_db: f64,
    /// The level of the last colour, in dB of full scale.
    pub high_db: f64,
    /// Which colours.
    pub map: Map,
    /// When the first sample is, in seconds.
    pub start_secs: f64,
}

impl Default for SpectrogramOptions {
    fn default() -> SpectrogramOptions {
        SpectrogramOptions {
            window_samples: 1_024,
            hop_samples: 256,
            low_db: -100.0,
            high_db: 0.0,
            map: Map::Magma,
            start_secs: 0.0,
        }
    }
}

/// The frequencies of sound over time: seconds to the right, hertz upwards,
/// level in dB as colour.
///
/// Each column is a spectrum of [`stft`]; a sine of full scale has 0 dB.
/// Labels of axes that the figure does not have say the unit.
///
/// # Errors
/// As for [`stft`] and [`image`]; `Invalid` when `rate_hz` is not 1 to 1e9 or
/// the levels are beyond -400 to 400 dB.
pub fn spectrogram(
    figure: &Figure,
    samples: &[f32],
    rate_hz: f64,
    options: &SpectrogramOptions,
) -> Result<Plot> {
    figure.check()?;
    within("rate_hz", rate_hz, 1.0..=1e9)?;
    within("low_db", options.low_db, -400.0..=400.0)?;
    within("high_db", options.high_db, -400.0..=400.0)?;
    within("start_secs", options.start_secs, -1e9..=1e9)?;
    if options.low_db >= options.high_db {
        return Err(refuse("low_db", options.low_db, "below high_db"));
    }
    let found = stft(samples, options.window_samples, options.hop_samples)?;
    let (columns, rows) = (found.spectra(), found.bins);
    // One row for each frequency, as a picture has it.
    let mut levels = vec![0.0_f32; found.amplitudes.len()];
    for (column, spectrum) in found.amplitudes.chunks_exact(rows).enumerate() {
        for (row, amplitude) in spectrum.iter().enumerate() {
            levels[row * columns + column] = 20.0 * amplitude.max(1e-30).log10();
        }
    }

    let (window, hop) = (options.window_samples as f64, options.hop_samples as f64);
    let start = options.start_secs + (window - hop) / 2.0 / rate_hz;
    let half = rate_hz / window / 2.0;
    let shown = ImageOptions {
        map: options.map,
        low: Some(options.low_db),
        high: Some(options.high_db),
        x: Some([start, start + columns as f64 * hop / rate_hz]),
        y: Some([-half, rate_hz / 2.0 + half]),
        upwards: true,
        bar: true,
        bar_label: "dB".to_owned(),
    };
    let labelled = |label: &str, usual: &str| {
        if label.is_empty() { usual.to_owned() } else { label.to_owned() }
    };
    let figure = Figure {
        x_label: labelled(&figure.x_label, "s"),
        y_label: labelled(&figure.y_label, "Hz"),
        ..figure.clone()
    };
    image(&figure, &levels, (rows, columns), &shown)
}
