//! The queue's promises: who gets a job, who may end it, and when it is tried
//! again. Time and the machine are the tests' own.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test may fail")]

mod bench;
mod changes;
mod jobs;
mod leases;
