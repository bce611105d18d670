//! Cameras. One thread reads at a time, with the interpreter free; the others wait their turn.

use std::mem::ManuallyDrop;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};
use std::time::Duration;

use pyo3::prelude::*;
use rushes_codec::{Camera as Open, CameraOptions};
use rushes_media::{Error, ErrorKind, Frame, Layout, Rational, Result, ValuesMut};

use crate::picture::Picture;
use crate::watch::{Watch, exception};

const WHAT: &str = "reading the camera";

/// How long who waits for its turn sleeps before it looks again.
const WAIT: Duration = Duration::from_millis(1);

/// Pixel format, width, height, frames a second.
type Mode = (String, u32, u32, Vec<(i64, i64)>);

/// The cameras that there are: name, device, what each can be set to.
#[pyfunction]
pub(crate) fn cameras(py: Python<'_>) -> PyResult<Vec<(String, PathBuf, Vec<Mode>)>> {
    let found = py.detach(rushes_codec::cameras).map_err(|error| exception(py, &error))?;
    let told = found.into_iter().map(|camera| {
        let modes = camera.modes.into_iter().map(|mode| {
            let rates = mode.rates_hz.iter().map(|rate| (rate.num(), rate.den())).collect();
            (mode.pixel_format, mode.width_px, mode.height_px, rates)
        });
        (camera.name, camera.path, modes.collect())
    });
    Ok(told.collect())
}

enum State {
    Free(Box<Open>),
    /// This thread has it.
    Taken(ThreadId),
    Closed,
}

/// An open camera.
#[pyclass(frozen, module = "rushes._rushes")]
pub(crate) struct Camera {
    name: String,
    path: PathBuf,
    shape: (u32, u32, usize),
    rate_hz: Option<(i64, i64)>,
    swaps: bool,
    dropped: AtomicU64,
    watch: Arc<Watched>,
    /// The process that it was opened in; no other may touch the state.
    process: u32,
    /// Locked for moments, with the interpreter held.
    state: ManuallyDrop<Mutex<State>>,
}

/// What the camera asks while it waits.
#[derive(Default)]
struct Watched {
    closing: AtomicBool,
    now: Mutex<Watch>,
}

impl Watched {
    /// The watch that the one who reads is under; another each time.
    fn now(&self) -> Watch {
        self.now.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn begin(&self, is_main: bool) -> Watch {
        let watch = Watch::default();
        watch.begin(is_main);
        *self.now.lock().unwrap_or_else(PoisonError::into_inner) = watch.clone();
        watch
    }

    fn goes_on(&self) -> bool {
        !self.closing.load(Ordering::Relaxed) && self.now().goes_on()
    }
}

#[pymethods]
impl Camera {
    /// By its number or its device; the size as it is, frames a second as a
    /// fraction, the layout by its name.
    #[new]
    fn new(
        py: Python<'_>,
        index: Option<usize>,
        path: Option<PathBuf>,
        size: Option<(u32, u32)>,
        rate_hz: Option<(i64, i64)>,
        format: &str,
    ) -> PyResult<Camera> {
        let layout = match format {
            "gray" => Layout::Gray,
            "rgba" => Layout::Rgba,
            _ => Layout::Rgb,
        };
        let rate_hz = rate_hz.and_then(|(num, den)| Rational::new(num, den));
        let options = CameraOptions { size, rate_hz, layout, ..CameraOptions::default() };
        let opened = py.detach(|| match path {
            Some(path) => Open::open(path, &options),
            None => Open::open_nth(index.unwrap_or(0), &options),
        });
        let opened = opened.map_err(|error| exception(py, &error))?;
        let watch = Arc::<Watched>::default();
        let asked = Arc::clone(&watch);
        let opened = opened.watched(move || asked.goes_on());
        Ok(Camera {
            name: opened.name().to_owned(),
            path: opened.path().to_owned(),
            shape: (opened.height_px(), opened.width_px(), layout.channels()),
            rate_hz: opened.rate_hz().map(|rate| (rate.num(), rate.den())),
            swaps: format == "bgr24",
            dropped: AtomicU64::new(0),
            watch,
            process: std::process::id(),
            state: ManuallyDrop::new(Mutex::new(State::Free(Box::new(opened)))),
        })
    }

    /// What it calls itself.
    #[getter]
    fn name(&self) -> &str {
        &self.name
    }

    /// Its device.
    #[getter]
    fn path(&self) -> PathBuf {
        self.path.clone()
    }

    /// Height, width and channels.
    #[getter]
    fn shape(&self) -> (u32, u32, usize) {
        self.shape
    }

    /// Frames a second, where it states them.
    #[getter]
    fn rate_hz(&self) -> Option<(i64, i64)> {
        self.rate_hz
    }

    /// Frames that were not given.
    #[getter]
    fn dropped(&self) -> u64 {
        if self.process == std::process::id()
            && let State::Free(open) = &*self.state()
        {
            self.dropped.store(open.dropped_frames(), Ordering::Relaxed);
        }
        self.dropped.load(Ordering::Relaxed)
    }

    /// The next frame; waits for it.
    fn read(&self, py: Python<'_>, is_main: bool) -> PyResult<Picture> {
        let frame = self.with(py, is_main, &mut |open| open.read().map(Some))?;
        frame.map(Picture::new).ok_or_else(|| exception(py, &Error::bug(WHAT, "no frame came")))
    }

    /// The newest frame, where there is one that was not given.
    fn latest(&self, py: Python<'_>, is_main: bool) -> PyResult<Option<Picture>> {
        Ok(self.with(py, is_main, &mut Open::latest)?.map(Picture::new))
    }

    /// Lets go of it, for good. Who waits for a frame is told.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        if self.process != std::process::id() {
            return Ok(());
        }
        self.watch.closing.store(true, Ordering::Relaxed);
        let mut state = self.state();
        if let State::Free(_) = &*state {
            let open = std::mem::replace(&mut *state, State::Closed);
            drop(state);
            py.detach(|| drop(open));
        }
        Ok(())
    }
}

impl Camera {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads when it is this thread's turn.
    fn with(
        &self,
        py: Python<'_>,
        is_main: bool,
        read: &mut (dyn FnMut(&mut Open) -> Result<Option<Frame>> + Send),
    ) -> PyResult<Option<Frame>> {
        let mut open = self.take_turn(py)?;
        let watch = self.watch.begin(is_main);
        let (open, done) = py.detach(|| {
            let mut done = read(&mut open);
            if self.swaps
                && let Ok(Some(frame)) = &mut done
            {
                swap_ends(frame);
            }
            (open, done)
        });
        self.dropped.store(open.dropped_frames(), Ordering::Relaxed);
        if self.watch.closing.load(Ordering::Relaxed) {
            *self.state() = State::Closed;
            py.detach(|| drop(open));
            if done.is_err() {
                return Err(refused(py, "it was closed meanwhile"));
            }
        } else {
            *self.state() = State::Free(open);
        }
        match watch.raised() {
            Some(raised) => Err(raised),
            None => done.map_err(|error| exception(py, &error)),
        }
    }

    /// Waits until nobody else reads.
    fn take_turn(&self, py: Python<'_>) -> PyResult<Box<Open>> {
        if self.process != std::process::id() {
            return Err(refused(py, "it was opened in the process that this one was forked from"));
        }
        let me = thread::current().id();
        loop {
            {
                let mut state = self.state();
                match std::mem::replace(&mut *state, State::Taken(me)) {
                    State::Free(open) => return Ok(open),
                    State::Closed => {
                        *state = State::Closed;
                        drop(state);
                        return Err(refused(py, "it is closed"));
                    }
                    State::Taken(by) => {
                        *state = State::Taken(by);
                        drop(state);
                        if by == me {
                            let why = "a signal's handler wants it while it is being read";
                            return Err(refused(py, why));
                        }
                    }
                }
            }
            py.detach(|| thread::sleep(WAIT));
            py.check_signals()?;
        }
    }
}

impl Drop for Camera {
    fn drop(&mut self) {
        // A child's copy of its parent's camera: its thread is not here, and the device is the parent's.
        if self.process == std::process::id() {
            // SAFETY: it is not used again.
            unsafe { ManuallyDrop::drop(&mut self.state) };
        }
    }
}

fn refused(py: Python<'_>, why: &str) -> PyErr {
    exception(py, &Error::new(ErrorKind::Invalid, WHAT, why).remedy("open it anew"))
}

/// Red, green, blue to blue, green, red.
fn swap_ends(frame: &mut Frame) {
    if let ValuesMut::U8(values) = frame.values_mut() {
        values.chunks_exact_mut(3).for_each(|pixel| pixel.swap(0, 2));
    }
}
