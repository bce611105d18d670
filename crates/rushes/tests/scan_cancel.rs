//! Ctrl-C, and a cancel from elsewhere, end a scan within a second.

#![expect(clippy::expect_used, reason = "a test that cannot go on stops there")]

mod support;

use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use support::bytes::wav;
use support::{PATIENCE, Stage, finish, text};

const FILES: u64 = 2_000;

fn populated() -> Stage {
    let stage = Stage::new();
    for number in 0..FILES {
        stage.write(format!("media/{}/{number}.wav", number % 10), &wav(number, 300));
    }
    stage
}

fn start(stage: &Stage) -> Child {
    stage
        .command(&["scan", &stage.text("media"), "--workers", "1"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("started")
}

/// The newest scan in the job log.
fn newest_scan(stage: &Stage) -> Option<Value> {
    let jobs = stage.done(&["jobs", "list"]);
    jobs["jobs"].as_array().expect("jobs").iter().find(|job| job["kind"] == "scan").cloned()
}

/// Waits until the scan probes.
fn wait_until_probing(stage: &Stage) -> i64 {
    let begun = Instant::now();
    loop {
        assert!(begun.elapsed() < PATIENCE, "it never came to probing");
        if let Some(job) = newest_scan(stage)
            && job["state"] == "running"
            && job["note"] == "probing"
        {
            return job["id"].as_i64().expect("a number");
        }
    }
}

fn assert_a_new_scan_completes(stage: &Stage) {
    let done = stage.done(&["stats"])["by_codec"][0]["count"].as_u64();
    assert!(done.is_none_or(|done| done < FILES), "there was nothing left to stop");
    stage.check();
    stage.scan();
    assert_eq!(stage.done(&["stats"])["assets"], FILES);
    let unprobed = stage.done(&["search", "-kind:audio", "--limit", "1"]);
    assert_eq!(unprobed["items"].as_array().map(Vec::len), Some(0));
    assert!(stage.search("error:yes").is_empty(), "stopping is no fault of a file");
    stage.check();
}

#[test]
fn ctrl_c_ends_a_scan_within_a_second() {
    let stage = populated();
    let child = start(&stage);
    let pid = Pid::from_child(&child);
    let id = wait_until_probing(&stage);
    let asked = Instant::now();
    kill_process(pid, Signal::INT).expect("a signal");
    let ran = finish(child, asked);
    assert!(ran.took < Duration::from_millis(2_000), "it took {:?}", ran.took);
    assert_eq!(ran.code, 8, "{ran:?}");
    assert_eq!(ran.json["error"]["kind"], "unavailable");
    let job = stage.done(&["jobs", "show", &id.to_string()]);
    assert_eq!(job["state"], "cancelled");
    assert_a_new_scan_completes(&stage);
}

#[test]
fn a_cancel_from_another_process_ends_it_too() {
    let stage = populated();
    let child = start(&stage);
    let id = wait_until_probing(&stage).to_string();
    let asked = Instant::now();
    stage.done(&["jobs", "cancel", &id]);
    let ran = finish(child, asked);
    assert!(ran.took < Duration::from_millis(2_500), "it took {:?}", ran.took);
    assert_eq!(ran.code, 8, "{ran:?}");
    assert!(text(&ran.json["error"]["why"]).contains("cancelled"), "{ran:?}");
    assert_a_new_scan_completes(&stage);
}
