//! Forks. A database that is open, workers and threads do not survive one: the
//! child would share locks and sockets with its parent. So before a fork every
//! library is closed, and opens again when it is next used, in both processes.
//! When that is not possible because an action runs, the child may not use
//! Rushes at all; that is better than a child that hangs or breaks the
//! catalogue.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering::SeqCst};
use std::sync::{Mutex, PoisonError, Weak};
use std::thread;
use std::time::Duration;

use pyo3::prelude::*;
use rushes_media::{Error, ErrorKind, Result};

use crate::library::Inner;

/// Actions that run, or are about to.
static RUNNING: AtomicUsize = AtomicUsize::new(0);
/// Forks that are under way. While there is one, no action begins.
static FORKING: AtomicUsize = AtomicUsize::new(0);
/// An action ran when the last fork began.
static WAS_BUSY: AtomicBool = AtomicBool::new(false);
/// This process may not use Rushes.
static IS_BARRED: AtomicBool = AtomicBool::new(false);
/// The process that all of this is about; 0 before there is a library.
static PROCESS: AtomicU32 = AtomicU32::new(0);
/// Every library of this process. Touched only with the interpreter held, so
/// that no other thread has it locked when a fork happens.
static LIBRARIES: Mutex<Vec<Weak<Inner>>> = Mutex::new(Vec::new());

/// Turns in which an action waits for a fork to be over, a millisecond each.
const MOST_TURNS: u32 = 30_000;

/// Held while an action runs.
#[derive(Debug)]
pub(crate) struct Running(());

impl Drop for Running {
    fn drop(&mut self) {
        RUNNING.fetch_sub(1, SeqCst);
    }
}

/// Leave to run an action; waits while a fork is under way.
pub(crate) fn enter(py: Python<'_>) -> Result<Running> {
    const WHAT: &str = "starting an action";
    for _ in 0..MOST_TURNS {
        if !is_ours() {
            let why = "this process was forked while an action ran in its parent";
            return Err(Error::new(ErrorKind::Unavailable, WHAT, why)
                .remedy("fork before, or use the start method \"spawn\" or \"forkserver\""));
        }
        RUNNING.fetch_add(1, SeqCst);
        let running = Running(());
        if FORKING.load(SeqCst) == 0 {
            return Ok(running);
        }
        drop(running);
        py.detach(|| thread::sleep(Duration::from_millis(1)));
    }
    Err(Error::new(ErrorKind::Unavailable, WHAT, "a fork of this process does not end"))
}

/// Whether what this process holds is its own and not its parent's.
pub(crate) fn is_ours() -> bool {
    !IS_BARRED.load(SeqCst) && PROCESS.load(SeqCst) == std::process::id()
}

/// Notes a library, so that it is closed before a fork.
pub(crate) fn register(library: Weak<Inner>) {
    // Where a fork told nobody, it stays the parent's number, and nothing works.
    let _ = PROCESS.compare_exchange(0, std::process::id(), SeqCst, SeqCst);
    let mut libraries = LIBRARIES.lock().unwrap_or_else(PoisonError::into_inner);
    libraries.retain(|known| known.strong_count() > 0);
    libraries.push(library);
}

/// Closes every library, unless an action runs. For `os.register_at_fork`, as
/// are the next two.
#[pyfunction]
pub(crate) fn before_fork() {
    FORKING.fetch_add(1, SeqCst);
    let is_busy = RUNNING.load(SeqCst) > 0;
    WAS_BUSY.store(is_busy, SeqCst);
    if is_busy || !is_ours() {
        return;
    }
    let libraries = LIBRARIES.lock().unwrap_or_else(PoisonError::into_inner);
    for library in libraries.iter().filter_map(Weak::upgrade) {
        drop(library.take());
    }
}

/// Lets actions begin again.
#[pyfunction]
pub(crate) fn after_fork_in_parent() {
    FORKING.fetch_sub(1, SeqCst);
}

/// Makes the child a process of its own, or one that may not use Rushes.
#[pyfunction]
pub(crate) fn after_fork_in_child() {
    if WAS_BUSY.load(SeqCst) {
        IS_BARRED.store(true, SeqCst);
    } else if PROCESS.load(SeqCst) != 0 {
        PROCESS.store(std::process::id(), SeqCst);
    }
    RUNNING.store(0, SeqCst);
    FORKING.store(0, SeqCst);
}
