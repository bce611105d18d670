//! The child that the tests start, built by cargo beside them.

#![expect(clippy::expect_used, reason = "part of tests, though no test itself")]

use std::path::PathBuf;
use std::sync::atomic::AtomicBool;

use rushes_media::{Limits, Result};
use rushes_sandbox::{Launch, Pool, Reply};
use serde_json::Value;

pub static NEVER: AtomicBool = AtomicBool::new(false);

pub const SMALL: Limits = Limits {
    memory_bytes: 256 << 20,
    cpu_secs: 20,
    wall_secs: 30,
    pixels: 12_345,
    side_px: 65_535,
    picture_bytes: 512 << 20,
    streams: 64,
    tag_bytes: 16 << 20,
    text_bytes: 2 << 20,
    directories: 1_000,
    depth: 32,
};

/// The example `sandbox_child`, which `cargo test` builds.
pub fn program() -> PathBuf {
    let mut path = std::env::current_exe().expect("the test's own path");
    path.pop();
    path.pop();
    path.push("examples/sandbox_child");
    assert!(path.exists(), "{path:?} is built by `cargo test -p rushes-sandbox --examples`");
    path
}

pub fn pool_of(mode: &str, size: usize, limits: Limits) -> Pool {
    Pool::new(Launch { program: program(), args: vec![mode.into()] }, size, limits)
}

pub fn pool(size: usize, limits: Limits) -> Pool {
    pool_of("worker", size, limits)
}

pub fn call(pool: &Pool, task: &str, params: Value) -> Result<Reply> {
    pool.call(task, &params, &[], &NEVER)
}

/// The process number of the worker that takes the next call.
pub fn pid(pool: &Pool) -> u64 {
    let reply = call(pool, "identify", Value::Null).expect("a worker");
    reply.value["pid"].as_u64().expect("a number")
}
