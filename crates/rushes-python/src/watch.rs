//! An eye on Ctrl-C for work on the thread that asked for it, the interpreter
//! free meanwhile.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{RecvTimeoutError, bounded};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use rushes_media::{Error, Result};

/// How often the interpreter is asked for Ctrl-C.
pub(crate) const TURN: Duration = Duration::from_millis(25);

/// Stack of a thread that works for the main one, as large as its own.
const STACK_BYTES: usize = 8 << 20;

/// Whether work may go on. Python gives signals to its main thread alone: any
/// other would only wait for the interpreter, and asks nothing.
#[derive(Clone, Default)]
pub(crate) struct Watch(Arc<State>);

#[derive(Default)]
struct State {
    /// When to ask next; `None` where nothing is asked.
    next: Mutex<Option<Instant>>,
    stopped: AtomicBool,
    raised: Mutex<Option<PyErr>>,
}

impl Watch {
    /// Begins a piece of work, on the main thread or on another.
    pub(crate) fn begin(&self, is_main: bool) {
        let next = is_main.then(|| Instant::now() + TURN);
        *self.0.next.lock().unwrap_or_else(PoisonError::into_inner) = next;
    }

    /// Whether to go on. Called with the interpreter free.
    pub(crate) fn goes_on(&self) -> bool {
        if self.is_stopped() {
            return false;
        }
        let is_time = {
            let mut next = self.0.next.lock().unwrap_or_else(PoisonError::into_inner);
            let is_time = next.is_some_and(|next| Instant::now() >= next);
            if is_time {
                *next = Some(Instant::now() + TURN);
            }
            is_time
        };
        let Some(raised) = is_time.then(|| Python::attach(|py| py.check_signals().err())).flatten()
        else {
            return true;
        };
        *self.0.raised.lock().unwrap_or_else(PoisonError::into_inner) = Some(raised);
        self.0.stopped.store(true, Ordering::Relaxed);
        false
    }

    /// Whether it was told to end.
    pub(crate) fn is_stopped(&self) -> bool {
        self.0.stopped.load(Ordering::Relaxed)
    }

    /// What a signal's handler raised; work under this watch has ended for good
    /// then.
    pub(crate) fn raised(&self) -> Option<PyErr> {
        self.0.raised.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// Does what cannot be ended half-way, the interpreter free meanwhile. On the main
/// thread it is done by another one, so that Ctrl-C is heard: the work goes on to
/// its end then, and what it makes is dropped.
pub(crate) fn unless_interrupted<T: Send + 'static>(
    py: Python<'_>,
    is_main: bool,
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> PyResult<T> {
    const WHAT: &str = "changing frames";
    let made = if is_main {
        let (tell, told) = bounded(1);
        let worker = move || {
            // Nobody hears it after Ctrl-C.
            let _ = tell.send(work());
        };
        let started = thread::Builder::new().name("rushes operation".into());
        let started = started.stack_size(STACK_BYTES).spawn(worker);
        started.map_err(|error| exception(py, &Error::io("starting a thread", &error)))?;
        loop {
            match py.detach(|| told.recv_timeout(TURN)) {
                Ok(made) => break made,
                Err(RecvTimeoutError::Timeout) => py.check_signals()?,
                Err(RecvTimeoutError::Disconnected) => break Err(Error::bug(WHAT, "it panicked")),
            }
        }
    } else {
        py.detach(work)
    };
    made.map_err(|error| exception(py, &error))
}

/// The exception for an error.
pub(crate) fn exception(py: Python<'_>, error: &Error) -> PyErr {
    let make = || -> PyResult<PyErr> {
        let fields = PyDict::new(py);
        fields.set_item("kind", error.kind.name())?;
        fields.set_item("what", &error.what)?;
        fields.set_item("why", &error.why)?;
        fields.set_item("remedy", &error.remedy)?;
        fields.set_item("path", &error.path)?;
        let made = py.import("rushes._errors")?.getattr("error_from_json")?.call1((fields,))?;
        Ok(PyErr::from_value(made))
    };
    make().unwrap_or_else(|failed| failed)
}
