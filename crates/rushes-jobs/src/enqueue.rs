use rushes_actions::{Authority, Job, JobQueue, NewJob, Verb};
use rushes_media::Result;
use serde_json::Value;

/// Queues this verb with these parameters as a job, or returns the one that
/// does the same already.
///
/// The job runs with this authority, whoever's worker takes it. A door that
/// takes requests from the network plans the verb first, so that what they may
/// not do is refused at once.
///
/// # Errors
/// `Invalid` when the parameters are not those of the verb, and when the job
/// could not be stored.
pub fn enqueue_verb(
    queue: &dyn JobQueue,
    verb: &Verb,
    params: &Value,
    authority: Authority,
) -> Result<Job> {
    queue.enqueue(&NewJob::of(verb, params, authority, true)?)
}
