//! Child processes with limits on memory, time, files and network, and a pool
//! of them.
//!
//! Untrusted bytes are parsed in a child that can open nothing, connect to
//! nothing and start nothing. The parent opens the file, hands the descriptor
//! to a child of its [`Pool`] (or one after another, as the task asks for
//! them), and gets back a JSON value and blobs, or an
//! error that says whether the file, a limit or Rushes was at fault. Nothing
//! that a child sends is believed: every length is bounded, every text cleaned.
//!
//! This crate knows no task. The program that is started as the child hands
//! [`serve`] the table of what a child may do.
//!
//! On Linux a child is held by Landlock, seccomp and resource limits, each as
//! far as the kernel has it; elsewhere by resource limits alone.
//! [`Pool::protection`] tells which hold.

#![cfg(unix)]

mod bounded_json;
mod child;
mod exit;
mod launch;
mod lockdown;
mod pool;
mod processor;
mod protection;
#[cfg(target_os = "linux")]
mod syscalls;
mod wire;
mod worker;

pub use child::{Reply, Task, ask, serve, serve_inside};
pub use launch::Launch;
pub use pool::{Give, Pool};
pub use protection::{Protection, Status};
pub use wire::{MAX_BLOBS, MAX_FILES, MAX_REPLY_BYTES, MAX_REPLY_JSON_BYTES, MAX_REQUEST_BYTES};
