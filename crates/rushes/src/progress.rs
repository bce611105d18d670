//! Progress on a terminal, and stopping when a person asks.

use std::fmt::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use rushes_actions::{EffectState, Job, Progress, Report};
use rushes_media::Result;

/// A bar on standard error that shows how far a job is.
pub struct Bar {
    bar: ProgressBar,
    unit: Mutex<String>,
}

impl Bar {
    /// A bar, hidden unless this is a terminal.
    pub fn new(is_terminal: bool) -> Bar {
        let bar = ProgressBar::no_length();
        bar.set_draw_target(if is_terminal {
            ProgressDrawTarget::stderr_with_hz(10)
        } else {
            ProgressDrawTarget::hidden()
        });
        Bar { bar, unit: Mutex::new(String::new()) }
    }

    /// Shows a job's progress.
    pub fn show(&self, job: &Job) {
        let mut unit = self.unit.lock().unwrap_or_else(PoisonError::into_inner);
        let wanted = format!("{} {}", job.unit, job.total.is_some());
        if *unit != wanted {
            let count = match (job.unit.as_str(), job.total.is_some()) {
                ("bytes", true) => "{wide_bar} {bytes}/{total_bytes} {bytes_per_sec} {eta}",
                ("bytes", false) => "{spinner} {bytes} {bytes_per_sec}",
                (_, true) => "{wide_bar} {pos}/{len} {rate} {eta}",
                (_, false) => "{spinner} {pos} {rate}",
            };
            if let Ok(style) = ProgressStyle::with_template(&format!("{{msg}} {count}")) {
                // Its own has four digits behind the point.
                let style =
                    style.with_key("rate", |state: &ProgressState, text: &mut dyn Write| {
                        let _ = write!(text, "{:.0}/s", state.per_sec());
                    });
                self.bar.set_style(style);
            }
            *unit = wanted;
        }
        if let Some(total) = job.total {
            self.bar.set_length(total);
        }
        self.bar.set_position(job.done);
        self.bar.set_message(job.note.clone().unwrap_or_else(|| job.title.clone()));
    }

    /// Takes the bar away.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

/// Progress that nobody watches, of an action that a person can stop.
pub struct Stoppable(&'static AtomicBool);

impl Stoppable {
    /// Stops when this is set.
    pub fn new(stop: &'static AtomicBool) -> Stoppable {
        Stoppable(stop)
    }
}

impl Progress for Stoppable {
    fn report(&self, _report: &Report) {}

    fn cancelled(&self) -> &AtomicBool {
        self.0
    }

    fn effect(&self, _key: &str, _state: EffectState, _detail: Option<&str>) -> Result<()> {
        Ok(())
    }
}

/// Sets `stop` at the first interrupt or request to end; the second one ends
/// the process at once.
pub fn on_interrupt(stop: &'static AtomicBool) -> std::io::Result<()> {
    let asked = Arc::new(AtomicBool::new(false));
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
        let code = 128 + signal;
        signal_hook::flag::register_conditional_shutdown(signal, code, Arc::clone(&asked))?;
        signal_hook::flag::register(signal, Arc::clone(&asked))?;
    }
    std::thread::Builder::new().name("interrupts".into()).spawn(move || {
        while !asked.load(Ordering::Relaxed) {
            std::thread::park_timeout(std::time::Duration::from_millis(50));
        }
        stop.store(true, Ordering::Relaxed);
    })?;
    Ok(())
}
