//! The verbs, one file each, and the registry of them.
//!
//! A verb's type is its parameters; its doc comments are the help of the
//! command and the descriptions of the HTTP schema. A new verb is one file
//! and one line in [`ACTIONS`].

mod action;
mod backup;
mod check;
mod context;
mod convert;
mod copies;
mod doctor;
mod find;
mod hash;
mod jobs;
mod making;
pub mod media;
mod mosaic;
mod naming;
mod paths;
mod pipeline;
mod previews;
mod probe;
mod queue;
mod scan;
pub mod tasks;
pub mod uploads;
mod verify;
mod workflow;

pub use action::{Action, Effect, Plan, Route, Verb};
pub use backup::{BackedUp, Backup, BackupReport};
pub use check::{Check, CheckReport};
pub use context::{Authority, Context, Engine, OpenQueue, Progress, Report, Unwatched};
pub use convert::{Convert, ConvertReport, Deinterlace, FieldOrder, StreamReport};
pub use copies::{
    Copies, CopiesReport, Destinations, ForgetDestination, ForgottenDestination, ListDestinations,
};
pub use doctor::{Doctor, Health, Library, Missing, Protection};
pub use find::{Batches, ListBatches, Recent, Search, Show, ShowBatch, ShowStats};
pub use hash::{Hash, HashReport};
pub use jobs::{CancelJob, Jobs, ListJobs, RetryJob, ShowJob};
pub use making::delivery::Delivery;
pub use mosaic::{FileTile, Mosaic, MosaicReport, MosaicTile, TileSpec};
pub use paths::{AddPath, AddedPath, ListPaths, Paths, RemovePath, RemovedPath};
pub use previews::{PreviewReport, Previews};
pub use probe::{ProbeFiles, ProbeReport, ProbedFile};
pub use queue::{
    Claimed, EffectRecord, EffectState, Job, JobDetail, JobQueue, JobState, Lease, NewJob, Outcome,
    Signal,
};
pub use scan::{Failure, Phases, RootReport, Scan, ScanReport};

pub use verify::{Lost, VerifiedPlace, Verify, VerifyReport};
pub use workflow::{Steps, Workflow, WorkflowSchema};

/// Every verb, in the order of the help.
pub static ACTIONS: &[Verb] = &[
    Verb::of::<Scan>(),
    Verb::of::<ProbeFiles>(),
    Verb::of::<Convert>(),
    Verb::of::<Mosaic>(),
    Verb::of::<Search>(),
    Verb::of::<Recent>(),
    Verb::of::<Show>(),
    Verb::of::<ShowStats>(),
    Verb::of::<ListBatches>(),
    Verb::of::<ShowBatch>(),
    Verb::of::<Backup>(),
    Verb::of::<Verify>(),
    Verb::of::<Copies>(),
    Verb::of::<ListDestinations>(),
    Verb::of::<ForgetDestination>(),
    Verb::of::<Workflow>(),
    Verb::of::<WorkflowSchema>(),
    Verb::of::<ListPaths>(),
    Verb::of::<AddPath>(),
    Verb::of::<RemovePath>(),
    Verb::of::<ListJobs>(),
    Verb::of::<ShowJob>(),
    Verb::of::<CancelJob>(),
    Verb::of::<RetryJob>(),
    Verb::of::<Hash>(),
    Verb::of::<Previews>(),
    Verb::of::<Check>(),
    Verb::of::<Doctor>(),
];

/// The verb with these words, joined by a space; also that of a job's kind.
#[must_use]
pub fn find(words: &str) -> Option<&'static Verb> {
    ACTIONS.iter().find(|verb| verb.words() == words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_verb_is_found_and_has_a_route_of_its_own() {
        let mut routes = std::collections::HashSet::new();
        for verb in ACTIONS {
            assert_eq!(find(&verb.words()).map(Verb::words), Some(verb.words()));
            assert!(routes.insert((verb.route.method, verb.route.path)), "{}", verb.words());
            assert!(!verb.summary.is_empty() && !verb.summary.ends_with('.'));
            assert!(!(verb.changes && verb.route.method == "GET"), "{}", verb.words());
        }
        assert_eq!(ACTIONS.len(), 28);
    }
}
