//! Which frames a video or a sequence has: its index, made or found where it
//! was kept.

use std::sync::Arc;
use std::time::{Duration, Instant};

use pyo3::prelude::*;
use pyo3::types::PyBytes;
use rushes_codec::{FrameIndex, Media, Sequence, Source, VideoOptions, VideoReader};
use rushes_media::{Error, ErrorKind, Limits, Rational, Result};
use rushes_store::{FileStamp, Fingerprint, FrameIndexStore, sample_file};

use crate::library::home_of;
use crate::origin::{Opened, Origin};
use crate::watch::Watch;

/// An index is kept that took longer to make, or is of a larger file.
const SLOW: Duration = Duration::from_millis(200);
const LARGE_BYTES: u64 = 64 << 20;

/// A video stays open for as long as somebody wants frames of it: Ctrl-C ends
/// what takes too long. A hundred years; more is beyond some systems' clocks.
const WALL_SECS: u64 = 100 * 366 * 86_400;

/// Where frames come from, and the index of them. It never changes, and does not
/// mind a fork.
#[pyclass(frozen, module = "rushes._rushes")]
pub(crate) struct Index {
    origin: Py<Origin>,
    pub(crate) frames: Frames,
}

/// Where the frames come from.
pub(crate) enum Frames {
    /// What libav reads.
    Video(Opened, Arc<FrameIndex>),
    Sequence(Arc<Sequence>),
}

/// The same call to either.
macro_rules! of {
    ($frames:expr, $index:ident => $call:expr) => {
        match $frames {
            Frames::Video(_, $index) => $call,
            Frames::Sequence($index) => $call,
        }
    };
}

#[pymethods]
impl Index {
    /// Of what comes from here: a video, or pictures in a row, which are shown
    /// at this rate where they have no times. Ctrl-C is looked for on the main
    /// thread.
    #[new]
    fn new(
        py: Python<'_>,
        origin: Py<Origin>,
        rate_hz: Option<(i64, i64)>,
        is_main: bool,
    ) -> PyResult<Index> {
        let watch = Watch::default();
        watch.begin(is_main);
        let rate_hz = rate_hz.and_then(|(num, den)| Rational::new(num, den));
        let from = origin.get();
        let frames = py.detach(|| open(from, rate_hz, &watch));
        let frames = watch.raised().map_or_else(|| from.told(py, frames), Err)?;
        Ok(Index { origin, frames })
    }

    fn __len__(&self) -> usize {
        of!(&self.frames, index => index.len())
    }

    /// When frame `i` is shown, in seconds: numerator and denominator.
    fn time_secs(&self, i: usize) -> (i64, i64) {
        terms(of!(&self.frames, index => index.time_secs(i)))
    }

    /// When frame `i` was recorded, in seconds since 1970.
    fn recorded_secs(&self, i: usize) -> Option<(i64, i64)> {
        match &self.frames {
            Frames::Video(..) => None,
            Frames::Sequence(sequence) => sequence.recorded_secs(i).map(terms),
        }
    }

    /// When the last frame's time is over, in seconds.
    fn end_secs(&self) -> Option<(i64, i64)> {
        let last = self.__len__().saturating_sub(1);
        of!(&self.frames, index => index.time_secs(last).checked_add(index.duration_secs(last)))
            .map(terms)
    }

    /// Frames a second as the file states them, where its times agree.
    fn rate_hz(&self) -> Option<(i64, i64)> {
        match &self.frames {
            Frames::Video(_, index) => index.rate_hz().map(terms),
            Frames::Sequence(_) => None,
        }
    }

    /// Every frame's time in seconds, as the bytes of float64 numbers.
    fn times_secs<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        let times = of!(&self.frames, index => {
            let times = (0..index.len()).map(|i| index.time_secs(i).to_f64());
            times.flat_map(f64::to_ne_bytes).collect::<Vec<u8>>()
        });
        PyBytes::new(py, &times)
    }

    /// The frame shown at a time in seconds; `None` when the time cannot be told.
    fn at(&self, num: i64, den: i64) -> Option<usize> {
        let time = Rational::new(num, den)?;
        Some(of!(&self.frames, index => index.at(time)))
    }

    /// The frames that are marked as key frames; pictures in a row are all.
    fn key_frames(&self) -> Vec<usize> {
        match &self.frames {
            Frames::Video(_, index) => index.key_frames().collect(),
            Frames::Sequence(sequence) => (0..sequence.len()).collect(),
        }
    }

    /// What is missing, and where header and content do not agree.
    fn warnings(&self) -> Vec<String> {
        of!(&self.frames, index => index.warnings().to_vec())
    }
}

impl Index {
    /// What came of reading it, as Python has it.
    pub(crate) fn told<T>(&self, py: Python<'_>, done: Result<T>) -> PyResult<T> {
        self.origin.get().told(py, done)
    }
}

fn limits() -> Limits {
    Limits { wall_secs: WALL_SECS, ..Limits::default() }
}

/// What was opened, to be read under this watch.
pub(crate) fn source(opened: &Opened, watch: Watch) -> Result<Source> {
    Ok(opened.source(limits())?.watched(move || watch.goes_on()))
}

fn open(origin: &Origin, rate_hz: Option<Rational>, watch: &Watch) -> Result<Frames> {
    let watching = watch.clone();
    let media = match origin.path_of() {
        Some(path) => Media::open(path, limits(), move || watching.goes_on())?,
        None => Media::of(source(&origin.open()?, watching)?)?,
    };
    if let Some(found) = media.sequence()? {
        let found = match rate_hz {
            Some(rate_hz) => found.at_rate(rate_hz)?,
            None => found,
        };
        return Ok(Frames::Sequence(Arc::new(found)));
    }
    if rate_hz.is_some() {
        let why = "it is a video, which has times of its own";
        return Err(Error::new(ErrorKind::Invalid, "opening the video", why)
            .remedy("give no fps for it; video.frames(fps=...) takes frames at a rate"));
    }
    let opened = origin.open()?;
    let index = frames(&source(&opened, watch.clone())?)?;
    Ok(Frames::Video(opened, index))
}

/// The index that was kept, else a new one.
fn frames(source: &Source) -> Result<Arc<FrameIndex>> {
    let place = Place::of(source);
    // What is damaged, or of another file, is made again.
    if let Some(kept) = place.as_ref().and_then(|place| place.kept(source)) {
        return Ok(kept);
    }
    let began = Instant::now();
    let made = FrameIndex::build(source, &mut |_| true)?;
    let is_worth_keeping = began.elapsed() > SLOW || source.size_bytes() > LARGE_BYTES;
    if let Some(place) = place.filter(|place| is_worth_keeping && place.is_still_of(source)) {
        // Without it, the next one waits as long as this one did.
        let _ = place.store.put(&place.fingerprint, &place.stamp, &made.to_bytes());
    }
    Ok(Arc::new(made))
}

/// Where a file's index is kept.
struct Place {
    store: FrameIndexStore,
    fingerprint: Fingerprint,
    stamp: FileStamp,
}

impl Place {
    /// `None` where there is no home or no file, or the file is being written.
    fn of(source: &Source) -> Option<Place> {
        // Which packets are shown is for libav to say, and may change with it.
        let versions = rushes_codec::versions().into_iter().map(|(_, version)| version);
        let maker = versions.chain([env!("CARGO_PKG_VERSION").to_owned()]).collect::<Vec<_>>();
        let store = home_of(None).ok()?.frame_indexes(&maker.join(" "));
        let file = source.file()?;
        let stamp = FileStamp::of(file).ok()?;
        let sampled = sample_file(file, &stamp, &mut Vec::new()).ok()??;
        Some(Place { store, fingerprint: sampled.fingerprint, stamp })
    }

    fn kept(&self, source: &Source) -> Option<Arc<FrameIndex>> {
        let bytes = self.store.get(&self.fingerprint, &self.stamp)?;
        let kept = Arc::new(FrameIndex::from_bytes(&bytes).ok()?);
        let reader = VideoReader::open(source, Arc::clone(&kept), VideoOptions::default());
        reader.is_ok().then_some(kept)
    }

    fn is_still_of(&self, source: &Source) -> bool {
        source.file().is_some_and(|it| FileStamp::of(it).is_ok_and(|stamp| stamp == self.stamp))
    }
}

pub(crate) fn terms(fraction: Rational) -> (i64, i64) {
    (fraction.num(), fraction.den())
}
