//! Operations on frames, and streams made from streams, over arrays that
//! Python gives one after another.

use std::sync::{Arc, Mutex, PoisonError};

use pyo3::prelude::*;
use rushes_media::{Error, ErrorKind, Frame, FrameStream, Rational, Result};
use rushes_ops::frame::{Field, Weston};
use rushes_ops::stream::{Arrangement, Deinterlaced, Mosaic, MosaicOptions, Sampled, Tile};
use rushes_ops::{
    FrameOperation, Maker, Operation, PairOperation, frame_operations, pair_operations,
};
use serde_json::{Value, json};

use crate::picture::Picture;
use crate::still::frame_of;
use crate::watch::{exception, unless_interrupted};

const WHAT: &str = "changing frames";

/// Every operation on a frame, or on two, as JSON: name, summary, the schema of
/// its parameters, and how many frames it takes.
#[pyfunction]
pub(crate) fn operations() -> String {
    fn described<T: ?Sized>(operation: &Operation, maker: &Maker<T>, frames: u32) -> Value {
        json!({
            "name": operation.name,
            "summary": operation.summary,
            "schema": maker.schema().to_value(),
            "frames": frames,
        })
    }
    let one = frame_operations().map(|(operation, maker)| described(operation, maker, 1));
    let two = pair_operations().map(|(operation, maker)| described(operation, maker, 2));
    Value::Array(one.chain(two).collect()).to_string()
}

/// Operations that are applied to a frame one after the other.
#[pyclass(frozen, module = "rushes._rushes")]
pub(crate) struct Operations(Arc<[Box<dyn FrameOperation>]>);

#[pymethods]
impl Operations {
    /// Each by its name, with its parameters as JSON.
    #[new]
    fn new(py: Python<'_>, chain: Vec<(String, String)>) -> PyResult<Operations> {
        made(&chain).map(|made| Operations(made.into())).map_err(|error| exception(py, &error))
    }

    /// The array changed; other threads run meanwhile.
    fn apply(&self, py: Python<'_>, array: &Bound<'_, PyAny>, is_main: bool) -> PyResult<Picture> {
        let frame = frame_of(py, array)?;
        let chain = Arc::clone(&self.0);
        unless_interrupted(py, is_main, move || {
            chain.iter().try_fold(frame, |frame, operation| operation.apply(&frame))
        })
        .map(Picture::new)
    }
}

fn made(chain: &[(String, String)]) -> Result<Vec<Box<dyn FrameOperation>>> {
    chain.iter().map(|(name, parameters)| named(frame_operations(), name, parameters)).collect()
}

/// An operation by its name, with its parameters as JSON.
fn named<T: ?Sized + 'static>(
    mut all: impl Iterator<Item = (&'static Operation, &'static Maker<T>)>,
    name: &str,
    parameters: &str,
) -> Result<Box<T>> {
    let (_, maker) = all.find(|(it, _)| it.name == name).ok_or_else(|| {
        Error::new(ErrorKind::Invalid, WHAT, format!("there is no operation {name:?}"))
    })?;
    let parameters = serde_json::from_str(parameters)
        .map_err(|error| Error::new(ErrorKind::Invalid, WHAT, format!("{name}: {error}")))?;
    maker.from_json(&parameters).map_err(|error| Error { what: name.to_owned(), ..error })
}

/// An operation that makes one frame of two.
#[pyclass(frozen, module = "rushes._rushes")]
pub(crate) struct Pair(Arc<dyn PairOperation>);

#[pymethods]
impl Pair {
    /// By its name, with its parameters as JSON.
    #[new]
    fn new(py: Python<'_>, name: &str, parameters: &str) -> PyResult<Pair> {
        let made = named(pair_operations(), name, parameters);
        made.map(|made| Pair(made.into())).map_err(|error| exception(py, &error))
    }

    /// The array changed by the other one; other threads run meanwhile.
    fn apply(
        &self,
        py: Python<'_>,
        array: &Bound<'_, PyAny>,
        other: &Bound<'_, PyAny>,
        is_main: bool,
    ) -> PyResult<Picture> {
        let (frame, other) = (frame_of(py, array)?, frame_of(py, other)?);
        let pair = Arc::clone(&self.0);
        unless_interrupted(py, is_main, move || pair.apply(&frame, &other)).map(Picture::new)
    }
}

/// What a Python iterator raised, kept while the error passes through Rust.
type Raised = Arc<Mutex<Option<PyErr>>>;

/// Arrays that a Python iterator gives, each with its time and duration.
struct Given {
    iterator: Py<PyAny>,
    raised: Raised,
    end_secs: Option<Rational>,
}

impl FrameStream for Given {
    fn next_frame(&mut self) -> Result<Option<Frame>> {
        let next = Python::attach(|py| -> PyResult<Option<Frame>> {
            type Item<'py> = (Bound<'py, PyAny>, Option<(i64, i64)>, Option<(i64, i64)>);
            let Some(item) = self.iterator.bind(py).try_iter()?.next().transpose()? else {
                return Ok(None);
            };
            let (array, time, duration): Item<'_> = item.extract()?;
            let mut frame = frame_of(py, &array)?;
            let secs = |terms: Option<(i64, i64)>| terms.and_then(|(n, d)| Rational::new(n, d));
            frame.time_secs = secs(time);
            frame.duration_secs = secs(duration);
            Ok(Some(frame))
        });
        next.map_err(|raised| {
            *self.raised.lock().unwrap_or_else(PoisonError::into_inner) = Some(raised);
            Error::new(ErrorKind::Unavailable, WHAT, "what gives the frames raised an exception")
        })
    }

    fn end_secs(&self) -> Option<Rational> {
        self.end_secs
    }
}

/// A stream of frames that is made here.
#[pyclass(frozen, module = "rushes._rushes")]
pub(crate) struct Frames {
    /// Locked with the interpreter free.
    stream: Mutex<Box<dyn FrameStream>>,
    raised: Raised,
    rate_hz: (i64, i64),
    end_secs: Option<(i64, i64)>,
}

#[pymethods]
impl Frames {
    /// The next frame; `None` after the last.
    fn next(&self, py: Python<'_>) -> PyResult<Option<Picture>> {
        let next = py.detach(|| {
            let mut stream = self.stream.lock().unwrap_or_else(PoisonError::into_inner);
            stream.next_frame()
        });
        let next = next.map_err(|error| raised_or(py, &self.raised, &error))?;
        Ok(next.map(Picture::new))
    }

    /// Frames a second.
    #[getter]
    fn rate_hz(&self) -> (i64, i64) {
        self.rate_hz
    }

    /// When the last frame is over, in seconds, where that is known.
    #[getter]
    fn end_secs(&self) -> Option<(i64, i64)> {
        self.end_secs
    }
}

impl Frames {
    fn new(stream: impl FrameStream + 'static, rate_hz: Rational, raised: Raised) -> Frames {
        let end_secs = stream.end_secs().map(|end| (end.num(), end.den()));
        let rate_hz = (rate_hz.num(), rate_hz.den());
        Frames { stream: Mutex::new(Box::new(stream)), raised, rate_hz, end_secs }
    }
}

fn raised_or(py: Python<'_>, raised: &Raised, error: &Error) -> PyErr {
    let raised = raised.lock().unwrap_or_else(PoisonError::into_inner).take();
    raised.unwrap_or_else(|| exception(py, error))
}

/// A fraction of two terms.
fn fraction(py: Python<'_>, (num, den): (i64, i64)) -> PyResult<Rational> {
    let wrong = || Error::new(ErrorKind::Invalid, WHAT, format!("{num}/{den} is no number"));
    Rational::new(num, den).ok_or_else(|| exception(py, &wrong()))
}

/// An iterator of frames at a constant rate.
#[pyfunction]
pub(crate) fn sampled(
    py: Python<'_>,
    iterator: Py<PyAny>,
    end_secs: Option<(i64, i64)>,
    rate_hz: (i64, i64),
) -> PyResult<Frames> {
    let rate_hz = fraction(py, rate_hz)?;
    let end_secs = end_secs.map(|end| fraction(py, end)).transpose()?;
    let raised = Raised::default();
    let given = Given { iterator, raised: raised.clone(), end_secs };
    let made = py.detach(|| Sampled::new(given, rate_hz));
    let made = made.map_err(|error| raised_or(py, &raised, &error))?;
    Ok(Frames::new(made, rate_hz, raised))
}

/// An iterator of frames that hold two fields each, as one of whole frames, with
/// the rate that these come at.
#[pyfunction]
pub(crate) fn deinterlaced(
    py: Python<'_>,
    iterator: Py<PyAny>,
    end_secs: Option<(i64, i64)>,
    rate_hz: (i64, i64),
    first: &str,
    filter: &str,
    both: bool,
) -> PyResult<Frames> {
    let refused = |name: &str, given: &str, allowed: &str| {
        let why = format!("{name} is {given:?}");
        let error = Error::new(ErrorKind::Invalid, "making fields into frames", why);
        Err(exception(py, &error.remedy(format!("it may be {allowed}"))))
    };
    let first = match first {
        "top" => Field::Top,
        "bottom" => Field::Bottom,
        other => return refused("first", other, "\"top\" or \"bottom\""),
    };
    let filter = match filter {
        "simple" => Weston::Simple,
        "complex" => Weston::Complex,
        other => return refused("filter", other, "\"simple\" or \"complex\""),
    };
    let rate_hz = fraction(py, rate_hz)?;
    let end_secs = end_secs.map(|end| fraction(py, end)).transpose()?;
    let raised = Raised::default();
    let given = Given { iterator, raised: raised.clone(), end_secs };
    Ok(Frames::new(Deinterlaced::new(given, first, filter, both), rate_hz, raised))
}

/// A tile: its iterator, when it ends, its offset, its speed and its label.
type GivenTile = (Py<PyAny>, Option<(i64, i64)>, (i64, i64), (i64, i64), Option<String>);

/// Iterators of frames side by side.
#[pyfunction]
#[expect(clippy::too_many_arguments, reason = "what a caller may say, in one call")]
pub(crate) fn mosaic(
    py: Python<'_>,
    tiles: Vec<GivenTile>,
    layout: &str,
    columns: Option<u32>,
    leading: usize,
    rate_hz: Option<(i64, i64)>,
    most_side_px: u32,
    border_px: u32,
    spacing_px: u32,
    background: [f64; 3],
) -> PyResult<Frames> {
    let arrangement = match layout {
        "grid" => Arrangement::Grid,
        "row" => Arrangement::Row,
        "column" => Arrangement::Column,
        other => {
            let why = format!("layout is {other:?}");
            let error = Error::new(ErrorKind::Invalid, "laying out a mosaic", why);
            return Err(exception(py, &error.remedy("it may be \"grid\", \"row\" or \"column\"")));
        }
    };
    let options = MosaicOptions {
        arrangement,
        columns,
        leading,
        most_side_px,
        border_px,
        spacing_px,
        background,
        rate_hz: rate_hz.map(|rate| fraction(py, rate)).transpose()?,
    };
    let raised = Raised::default();
    let mut placed = Vec::with_capacity(tiles.len());
    for (iterator, end_secs, offset, speed, label) in tiles {
        let end_secs = end_secs.map(|end| fraction(py, end)).transpose()?;
        let given = Given { iterator, raised: raised.clone(), end_secs };
        let mut tile =
            Tile::new(given).beginning_at(fraction(py, offset)?).at_speed(fraction(py, speed)?);
        if let Some(label) = label {
            tile = tile.labelled(label);
        }
        placed.push(tile);
    }
    let laid = py.detach(|| Mosaic::new(placed, &options));
    let laid = laid.map_err(|error| raised_or(py, &raised, &error))?;
    let rate_hz = laid.rate_hz();
    Ok(Frames::new(laid, rate_hz, raised))
}
