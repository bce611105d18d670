use rushes_actions::{Job, JobQueue, NewJob, Verb};
use rushes_media::Result;
use serde_json::Value;

/// Queues this verb with these parameters as a job, or returns the one that
/// does the same already.
///
/// The worker runs it with the authority of the person at this machine: a
/// door that takes requests from the network checks them first, by planning
/// the verb with the request's own authority.
///
/// # Errors
/// `Invalid` when the parameters are not those of the verb, and when the job
/// could not be stored.
pub fn enqueue_verb(queue: &dyn JobQueue, verb: &Verb, params: &Value) -> Result<Job> {
    let kind = verb.words();
    let priority = match kind.as_str() {
        "scan" => 10,
        "previews" => 5,
        "hash" => 0,
        _ => 8,
    };
    // Two verbs may well choose the same key.
    let key = (verb.job_key)(params)?.map(|key| format!("{kind} {key}"));
    let title = (verb.title)(params)?;
    queue.enqueue(&NewJob { kind, title, params: params.clone(), key, priority })
}
