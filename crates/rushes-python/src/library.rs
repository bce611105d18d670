//! One library: a home folder and the engine over it.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use rushes_actions::Engine;
use rushes_media::{Error, ErrorKind, Limits, Result};
use rushes_sandbox::{Launch, Pool};
use rushes_store::Home;
use serde_json::Value;

use crate::{forks, running};

/// Workers that may run at once: as many as an action may ask for. They start
/// when they are needed.
const MOST_WORKERS: usize = 64;

/// A home folder, and the way to start workers.
#[pyclass(frozen, module = "rushes._rushes")]
pub(crate) struct Door(Arc<Inner>);

/// What the door and the forks share.
pub(crate) struct Inner {
    home: Home,
    launch: Launch,
    /// Opened at the first use, closed before a fork. Locked only with the
    /// interpreter held, so that no other thread has it when a fork happens.
    engine: Mutex<Option<Engine>>,
}

#[pymethods]
impl Door {
    /// The home folder that is given, else `RUSHES_HOME`, else the platform's;
    /// and the program that is a worker, with its arguments. A failure is a
    /// `ValueError` with the error as JSON.
    #[new]
    fn new(home: Option<PathBuf>, worker: Vec<OsString>) -> PyResult<Door> {
        open(home, worker).map(Door).map_err(|error| PyValueError::new_err(json_of(&error)))
    }

    /// The home folder.
    #[getter]
    fn home(&self) -> PathBuf {
        self.0.home.path().to_owned()
    }

    /// Runs a verb with these parameters, given as JSON. Gives whether it went
    /// well, and what it gave back or the error, as JSON.
    #[pyo3(signature = (words, params, dry_run, progress))]
    fn run(
        &self,
        py: Python<'_>,
        words: &str,
        params: &str,
        dry_run: bool,
        progress: Option<Bound<'_, PyAny>>,
    ) -> PyResult<(bool, String)> {
        let outcome = match self.0.prepare(py, words, params, dry_run) {
            Ok((work, running)) => running::run(py, work, running, progress.as_ref())?,
            Err(error) => Err(error),
        };
        Ok(match outcome {
            Ok(value) => (true, value.to_string()),
            Err(error) => (false, json_of(&error)),
        })
    }

    /// Closes the catalogue and ends the workers; the next call opens again.
    fn close(&self, py: Python<'_>) {
        // In a process that may not use it there is nothing of its own to close.
        if let Ok(running) = forks::enter(py) {
            let engine = self.0.take();
            py.detach(|| drop(engine));
            drop(running);
        }
    }
}

impl Inner {
    fn prepare(
        &self,
        py: Python<'_>,
        words: &str,
        params: &str,
        dry_run: bool,
    ) -> Result<(running::Work, forks::Running)> {
        let verb = rushes_actions::find(words)
            .ok_or_else(|| Error::bug("choosing a verb", format!("nothing does {words:?}")))?;
        let params: Value = serde_json::from_str(params)
            .map_err(|error| Error::bug("reading the parameters", error))?;
        let params = (verb.made_absolute)(&params)?;
        let running = forks::enter(py)?;
        Ok((running::Work { engine: self.engine(), verb, params, dry_run }, running))
    }

    fn engine(&self) -> Engine {
        let mut engine = self.engine.lock().unwrap_or_else(PoisonError::into_inner);
        let open = || {
            let limits = Limits::default();
            let pool = Pool::new(self.launch.clone(), MOST_WORKERS, limits);
            Engine::new(self.home.clone(), rushes_jobs::open_queue, pool, limits)
        };
        engine.get_or_insert_with(open).clone()
    }

    /// The engine, to be dropped. What runs keeps it until its end.
    pub(crate) fn take(&self) -> Option<Engine> {
        self.engine.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        if !forks::is_ours() {
            // The parent's: closing it here would end its workers and break its locks.
            let engine = self.engine.get_mut().unwrap_or_else(PoisonError::into_inner);
            std::mem::forget(engine.take());
        }
    }
}

fn open(home: Option<PathBuf>, mut worker: Vec<OsString>) -> Result<Arc<Inner>> {
    let home = home_of(home)?;
    if worker.first().is_none_or(|program| program.is_empty()) {
        let why = "sys.executable does not say which program runs Python";
        return Err(Error::new(ErrorKind::Unavailable, "finding the worker's program", why));
    }
    let args = worker.split_off(1);
    let program = worker.pop().unwrap_or_default().into();
    let launch = Launch { program, args };
    let inner = Arc::new(Inner { home, launch, engine: Mutex::new(None) });
    forks::register(Arc::downgrade(&inner));
    Ok(inner)
}

/// The home that is given, else `RUSHES_HOME`, else the platform's.
pub(crate) fn home_of(home: Option<PathBuf>) -> Result<Home> {
    let given = home.or_else(|| {
        // Set but empty means not set.
        std::env::var_os("RUSHES_HOME").filter(|home| !home.is_empty()).map(PathBuf::from)
    });
    match given {
        Some(path) => Ok(Home::at(
            std::path::absolute(path).map_err(|e| Error::io("finding the home folder", &e))?,
        )),
        None => Home::of_platform(),
    }
}

fn json_of(error: &Error) -> String {
    serde_json::to_string(error).unwrap_or_default()
}
