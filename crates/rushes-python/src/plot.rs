//! Numbers and sound drawn as frames, and the frequencies of sound.

use pyo3::buffer::PyBuffer;
use pyo3::prelude::*;
use pyo3::types::PyByteArray;
use rushes_media::{Error, ErrorKind, Result};
use rushes_ops::audio;
use rushes_ops::frame::Map;
use rushes_ops::plot::{self, Figure, ImageOptions, LineOptions, Plot, Series, SpectrogramOptions};
use serde_json::Value;

use crate::picture::Picture;
use crate::watch::exception;

const WHAT: &str = "drawing a plot";

/// What every plot has.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct Given {
    width_px: u32,
    height_px: u32,
    title: String,
    x_label: String,
    y_label: String,
    text_px: f64,
    ink: [f64; 4],
    ground: [f64; 4],
}

impl Given {
    fn figure(self) -> Figure {
        let Given { width_px, height_px, title, x_label, y_label, text_px, ink, ground } = self;
        Figure { width_px, height_px, title, x_label, y_label, text_px, ink, ground }
    }
}

/// A plot; left, right, top and bottom of its axes in pixels; and the numbers at
/// their left, right, lower and upper end.
type Drawn = (Picture, [f64; 8]);

fn drawn(py: Python<'_>, made: Result<Plot>) -> PyResult<Drawn> {
    let Plot { frame, area } = made.map_err(|error| exception(py, &error))?;
    let sides = [area.left_px, area.right_px, area.top_px, area.bottom_px];
    let [left, right, top, bottom] = sides;
    let ends = [area.x[0], area.x[1], area.y[0], area.y[1]];
    let [first, last, lowest, highest] = ends;
    Ok((Picture::new(frame), [left, right, top, bottom, first, last, lowest, highest]))
}

fn map_of(py: Python<'_>, name: String) -> PyResult<Map> {
    serde_json::from_value(Value::String(name)).map_err(|error| {
        let why = format!("the map of colours is unknown: {error}");
        exception(py, &Error::new(ErrorKind::Invalid, WHAT, why))
    })
}

/// A line: how far up its points are, how far right, its name and its colour.
type Line = (PyBuffer<f64>, Option<PyBuffer<f64>>, String, Option<[f64; 3]>);

/// Lines over common axes.
#[pyfunction]
pub(crate) fn plot_lines(
    py: Python<'_>,
    figure: Given,
    lines: Vec<Line>,
    x_limits: Option<[f64; 2]>,
    y_limits: Option<[f64; 2]>,
    line_px: f64,
) -> PyResult<Drawn> {
    let figure = figure.figure();
    let series = lines.into_iter().map(|(y, x, name, color)| {
        let x = x.map(|x| x.to_vec(py)).transpose()?;
        Ok(Series { y: y.to_vec(py)?, x, name, color })
    });
    let series = series.collect::<PyResult<Vec<Series>>>()?;
    let options = LineOptions { x_limits, y_limits, cursor: None, width_px: line_px };
    drawn(py, py.detach(|| plot::line(&figure, &series, &options)))
}

/// Bars of how often numbers occur.
#[pyfunction]
pub(crate) fn plot_histogram(
    py: Python<'_>,
    figure: Given,
    values: PyBuffer<f64>,
    bins: usize,
    range: Option<[f64; 2]>,
) -> PyResult<Drawn> {
    let (figure, values) = (figure.figure(), values.to_vec(py)?);
    drawn(py, py.detach(|| plot::histogram(&figure, &values, bins, range)))
}

/// An array of rows and columns in colours.
#[pyfunction]
#[expect(clippy::too_many_arguments, reason = "what a caller may say, in one call")]
pub(crate) fn plot_image(
    py: Python<'_>,
    figure: Given,
    values: PyBuffer<f32>,
    size: (usize, usize),
    map: String,
    colors: (Option<f64>, Option<f64>),
    x: Option<[f64; 2]>,
    y: Option<[f64; 2]>,
    upwards: bool,
    bar: bool,
    bar_label: String,
) -> PyResult<Drawn> {
    let (figure, values) = (figure.figure(), values.to_vec(py)?);
    let map = map_of(py, map)?;
    let (low, high) = colors;
    let options = ImageOptions { map, low, high, x, y, upwards, bar, bar_label };
    drawn(py, py.detach(|| plot::image(&figure, &values, size, &options)))
}

/// The frequencies of sound over time, in colours.
#[pyfunction]
#[expect(clippy::too_many_arguments, reason = "what a caller may say, in one call")]
pub(crate) fn plot_spectrogram(
    py: Python<'_>,
    figure: Given,
    samples: PyBuffer<f32>,
    rate_hz: f64,
    window_samples: usize,
    hop_samples: usize,
    levels_db: (f64, f64),
    map: String,
    start_secs: f64,
) -> PyResult<Drawn> {
    let (figure, samples) = (figure.figure(), samples.to_vec(py)?);
    let map = map_of(py, map)?;
    let (low_db, high_db) = levels_db;
    let options =
        SpectrogramOptions { window_samples, hop_samples, low_db, high_db, map, start_secs };
    drawn(py, py.detach(|| plot::spectrogram(&figure, &samples, rate_hz, &options)))
}

/// Spectra of sound: how many frequencies each has, and the amplitudes as the
/// bytes of float32 numbers.
#[pyfunction]
pub(crate) fn stft(
    py: Python<'_>,
    samples: PyBuffer<f32>,
    window_samples: usize,
    hop_samples: usize,
) -> PyResult<(usize, Bound<'_, PyByteArray>)> {
    let samples = samples.to_vec(py)?;
    let found = py.detach(|| audio::stft(&samples, window_samples, hop_samples));
    let found = found.map_err(|error| exception(py, &error))?;
    // SAFETY: any number is such bytes, and these are all of them.
    let bytes = unsafe { found.amplitudes.align_to::<u8>().1 };
    Ok((found.bins, PyByteArray::new(py, bytes)))
}
