//! Running a verb as a job and waiting for what it gives: what a door does
//! for somebody who sits there and waits.

use std::sync::atomic::{AtomicBool, Ordering};

use rushes_actions::{Authority, Engine, Job, JobState, Verb};
use rushes_media::{Error, ErrorKind, Result};
use serde_json::Value;

use crate::{Runner, enqueue_verb};

/// Queues the verb as a job and runs it in this process, or follows it where
/// another process has it. `worker` names this process in the queue; `watch`
/// hears how far the job is, and once how it ended. Setting `stop` cancels a
/// job that runs here; one that another process has goes on, and is only
/// followed no longer.
///
/// # Errors
/// The job's own error; `Unavailable` when it was cancelled, is followed no
/// longer, or otherwise did not come to its end.
pub fn run_now(
    engine: &Engine,
    worker: &str,
    verb: &Verb,
    params: &Value,
    watch: &dyn Fn(&Job),
    stop: &AtomicBool,
) -> Result<Value> {
    let job = enqueue_verb(&**engine.queue()?, verb, params, Authority::Local)?;
    let (ended, ran_here) =
        Runner::new(engine.clone(), worker).run_or_follow(job.id, watch, stop)?;
    let is_interrupted = stop.load(Ordering::Relaxed) && ended.finished.is_none();
    // What nobody has begun is as good as not asked for.
    let is_begun = ended.state == JobState::Running || ended.attempts > 0;
    if is_interrupted && !ran_here && is_begun {
        let what = format!("following job {}", ended.id);
        let why = "it is no longer followed; it goes on in the process that has it";
        return Err(Error::new(ErrorKind::Unavailable, what, why)
            .remedy(format!("to stop it too: rushes jobs cancel {}", ended.id)));
    }
    let ended = if is_interrupted { engine.queue()?.cancel(job.id)? } else { ended };
    watch(&ended);
    match (ended.state, ended.error, ended.result) {
        (JobState::Done, _, Some(result)) => Ok(result),
        (JobState::Failed, Some(error), _) => Err(error),
        (state, error, _) => {
            let what = format!("running job {}", ended.id);
            let why = error.map_or_else(|| format!("it is {}", state.name()), |error| error.why);
            Err(Error::new(ErrorKind::Unavailable, what, why)
                .remedy(format!("see rushes jobs show {}", ended.id)))
        }
    }
}
