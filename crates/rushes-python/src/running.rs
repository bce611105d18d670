//! One action on a thread of its own, while the thread that asked keeps an eye
//! on Ctrl-C and hands on progress. The interpreter is free meanwhile.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use crossbeam_channel::{RecvTimeoutError, bounded};
use pyo3::prelude::*;
use rushes_actions::{Authority, Context, EffectState, Engine, Job, Progress, Report, Verb};
use rushes_jobs::run_now;
use rushes_media::{Error, Result};
use serde_json::Value;

use crate::forks::Running;

/// How often the interpreter is asked for Ctrl-C, and progress handed on.
const TURN: Duration = Duration::from_millis(20);

/// Stack of the thread, as large as a main thread's.
const STACK_BYTES: usize = 8 << 20;

/// An action to be run.
pub(crate) struct Work {
    pub engine: Engine,
    pub verb: &'static Verb,
    pub params: Value,
    pub dry_run: bool,
}

/// How far it is, and whether it is to stop.
#[derive(Default)]
struct Watch {
    stop: AtomicBool,
    /// The newest that was not handed on yet.
    news: Mutex<Option<News>>,
}

struct News {
    done: u64,
    total: Option<u64>,
    unit: String,
    note: Option<String>,
}

/// Runs it to its end. `running` is given back when the action has ended,
/// which may be after its caller.
///
/// The outer error is Python's: a `KeyboardInterrupt`, or what the progress
/// function raised. The action has ended then too, unless a second one came.
pub(crate) fn run(
    py: Python<'_>,
    work: Work,
    running: Running,
    progress: Option<&Bound<'_, PyAny>>,
) -> PyResult<Result<Value>> {
    const WHAT: &str = "running an action";
    let watch = Arc::new(Watch::default());
    let (tell, told) = bounded(1);
    let watched = Arc::clone(&watch);
    let started = thread::Builder::new()
        .name(format!("rushes {}", work.verb.words()))
        .stack_size(STACK_BYTES)
        .spawn(move || {
            // The queue catches the panics of jobs; others end here.
            let result = catch_unwind(AssertUnwindSafe(|| work.carry_out(&watched)))
                .unwrap_or_else(|_| Err(Error::bug(WHAT, "it panicked")));
            drop((work, running));
            // Nobody hears it after a second Ctrl-C.
            let _ = tell.send(result);
        });
    if let Err(error) = started {
        return Ok(Err(Error::io("starting a thread", &error)));
    }
    let mut raised: Option<PyErr> = None;
    loop {
        let heard = py.detach(|| told.recv_timeout(TURN));
        let turn = py.check_signals().and_then(|()| watch.hand_on(progress));
        match (turn, &raised) {
            (Ok(()), _) => {}
            (Err(error), None) => {
                watch.stop.store(true, Ordering::Relaxed);
                raised = Some(error);
            }
            // Asked twice: whatever hangs is left to hang.
            (Err(error), Some(_)) => return Err(error),
        }
        let result = match heard {
            Err(RecvTimeoutError::Timeout) => continue,
            Err(RecvTimeoutError::Disconnected) => Err(Error::bug(WHAT, "its thread died")),
            Ok(result) => result,
        };
        return raised.map_or(Ok(result), Err);
    }
}

impl Work {
    fn carry_out(&self, watch: &Watch) -> Result<Value> {
        let Work { engine, verb, params, dry_run } = self;
        let context = Context { engine, authority: Authority::Local, progress: watch };
        if *dry_run {
            let plan = (verb.plan)(&context, params, true)?;
            return serde_json::to_value(plan)
                .map_err(|error| Error::bug("writing a plan as JSON", error));
        }
        if verb.as_job {
            return run_now(engine, "python", verb, params, &|job| watch.see(job), &watch.stop);
        }
        (verb.apply)(&context, params)
    }
}

impl Watch {
    fn see(&self, job: &Job) {
        self.note(News {
            done: job.done,
            total: job.total,
            unit: job.unit.clone(),
            note: job.note.clone(),
        });
    }

    fn note(&self, news: News) {
        *self.news.lock().unwrap_or_else(PoisonError::into_inner) = Some(news);
    }

    /// Tells the function what is new. After the first error it hears no more.
    fn hand_on(&self, progress: Option<&Bound<'_, PyAny>>) -> PyResult<()> {
        let news = self.news.lock().unwrap_or_else(PoisonError::into_inner).take();
        match (progress, news) {
            (Some(progress), Some(news)) if !self.stop.load(Ordering::Relaxed) => {
                progress.call1((news.done, news.total, news.unit, news.note)).map(drop)
            }
            _ => Ok(()),
        }
    }
}

impl Progress for Watch {
    fn report(&self, report: &Report) {
        self.note(News {
            done: report.done,
            total: report.total,
            unit: report.unit.to_owned(),
            note: report.note.clone(),
        });
    }

    fn cancelled(&self) -> &AtomicBool {
        &self.stop
    }

    fn effect(&self, _key: &str, _state: EffectState, _detail: Option<&str>) -> Result<()> {
        Ok(())
    }
}
