//! The durable queue and its workers.
//!
//! [`SqliteQueue`] keeps jobs in the catalogue, where every process that has
//! it open sees them; [`Runner`] claims jobs and carries them out.

mod attempt;
mod enqueue;
mod machine;
mod now;
mod policy;
mod queue;
mod rate;
mod rows;
mod runner;

pub use enqueue::enqueue_verb;
pub use machine::{Machine, Process, ThisMachine};
pub use now::run_now;
pub use policy::{
    FIRST_PAUSE, KEPT_ENDED, LEASE, LONGEST_PAUSE, MAX_ATTEMPTS, RENEW_EVERY, pause_after,
};
pub use queue::{SqliteQueue, open_queue};
pub use runner::{BEAT, FindVerb, POLL, Runner};
