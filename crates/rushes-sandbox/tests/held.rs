//! What a locked-down child cannot do, by trying it, and by what the system
//! itself says about the process.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "part of tests, though not all of it is in one"
)]

mod child;

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::fd::AsFd as _;

use child::{NEVER, SMALL, call, pid, pool, pool_of};
use rushes_sandbox::{MAX_FILES, Pool, Protection, Status};
use serde_json::{Value, json};

fn protection(pool: &Pool) -> Protection {
    pool.protection().expect("a worker")
}

/// Whether the filter holds. Where it does not, the system must lack it: then
/// this says so, and the test is skipped.
fn is_filtered(held: &Protection) -> bool {
    if held.seccomp == Status::Full {
        return true;
    }
    assert!(!fs::exists("/proc/sys/kernel/seccomp/actions_avail").unwrap(), "{}", held.seccomp);
    println!("SKIPPED: seccomp {}", held.seccomp);
    false
}

fn attempt(pool: &Pool, what: &str) -> Value {
    call(pool, "attempt", json!(what)).unwrap_or_else(|error| panic!("{what}: {error}")).value
}

#[test]
fn files_network_and_processes_are_refused() {
    let pool = pool(1, SMALL);
    let held = protection(&pool);
    if !is_filtered(&held) {
        return;
    }
    assert!(held.isolated());
    let attempts = [
        "open",
        "list",
        "reopen",
        "create",
        "remove",
        "make folder",
        "tcp listen",
        "tcp connect",
        "udp",
        "unix socket",
        "socket pair",
        "spawn",
        "fork",
        "clone",
        "exec",
        "signal the parent",
        "trace",
        "read the parent",
        "raise the memory limit",
        "raise the parent's limit",
        "outlive the parent",
        "new code",
        "unshare",
        "memory file",
        "io_uring",
        "bpf",
        "mount",
    ];
    let before = pid(&pool);
    for what in attempts {
        assert_eq!(attempt(&pool, what), libc::EPERM, "{what}");
    }
    // Nobody can see what clone3 asks for, so there is none.
    assert_eq!(attempt(&pool, "clone3"), libc::ENOSYS);
    assert_eq!(pid(&pool), before, "none of it cost the worker");
    assert!(!fs::exists("/tmp/sandbox_child_was_here").unwrap());
}

#[test]
fn a_file_can_be_read_and_nothing_else() {
    let pool = pool(1, SMALL);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    fs::write(&path, "whole").unwrap();
    // Handed over with more rights than a caller should ever give.
    let mut file = OpenOptions::new().read(true).write(true).open(&path).unwrap();
    let held = protection(&pool);
    for what in ["write to file", "truncate file", "file flags", "reopen file"] {
        if what != "write to file" && !is_filtered(&held) {
            continue;
        }
        let reply = pool.call("attempt", &json!(what), &[file.as_fd()], &NEVER).unwrap();
        let expected = if what == "write to file" { libc::EFBIG } else { libc::EPERM };
        assert_eq!(reply.value, expected, "{what}");
    }
    assert_eq!(fs::read_to_string(&path).unwrap(), "whole");
    file.write_all(b"W").unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "Whole");
}

#[test]
fn threads_may_start_and_descriptors_are_few() {
    let pool = pool(1, SMALL);
    let sums = call(&pool, "threads", json!({"count": 8})).unwrap();
    assert_eq!(sums.value, json!([0, 0, 1, 3, 6, 10, 15, 21]));
    let file = tempfile::tempfile().unwrap();
    let reply = pool.call("out of descriptors", &Value::Null, &[file.as_fd()], &NEVER).unwrap();
    assert_eq!(reply.value, 32 + 3 * MAX_FILES - 3 - 1);
}

#[test]
fn the_environment_is_bare_and_warm_ran_before() {
    let reply = call(&pool(1, SMALL), "identify", Value::Null).unwrap();
    let known = ["LANG", "RUST_BACKTRACE", "TZ", "LD_LIBRARY_PATH"];
    let names = reply.value["environment"].as_array().unwrap();
    assert!(names.len() >= 2);
    for name in names {
        assert!(known.contains(&name.as_str().unwrap()), "{name}");
    }
    assert_eq!(reply.value["warmed"], "sandbox_child\n");
}

/// What was promised in words is what the kernel says of the process.
#[test]
#[cfg(target_os = "linux")]
fn the_system_agrees() {
    let pool = pool(1, SMALL);
    let held = protection(&pool);
    println!("{}", serde_json::to_string_pretty(&held).unwrap());
    let worker = pid(&pool);
    let status = fs::read_to_string(format!("/proc/{worker}/status")).unwrap();
    let field = |name: &str| {
        let line = status.lines().find(|line| line.starts_with(name)).unwrap_or_default();
        line.split_once(':').map(|(_, value)| value.trim().to_owned()).unwrap_or_default()
    };
    assert_eq!(field("Seccomp:") == "2", held.seccomp == Status::Full);
    assert_eq!(
        field("NoNewPrivs") == "1" && field("CapEff") == "0000000000000000",
        held.privileges_dropped
    );
    let limits = fs::read_to_string(format!("/proc/{worker}/limits")).unwrap();
    let limit = |name: &str| -> Vec<String> {
        let line = limits.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
        line.split_ascii_whitespace().take(2).map(str::to_owned).collect()
    };
    let memory = SMALL.memory_bytes.to_string();
    assert_eq!(limit("Max address space") == [memory.clone(), memory], held.memory_limit);
    let descriptors = (32 + 3 * MAX_FILES).to_string();
    let outputs = limit("Max file size") == ["0", "0"]
        && limit("Max open files") == [descriptors.clone(), descriptors]
        && limit("Max core file size") == ["0", "0"];
    assert_eq!(outputs, held.output_limit);
    assert!(held.time_limit && held.ends_with_parent);
}

#[test]
#[cfg(target_os = "linux")]
fn threads_before_the_lockdown_are_told() {
    let held = protection(&pool_of("too many threads", 1, SMALL));
    match held.landlock {
        Status::Missing(why) => println!("SKIPPED: landlock missing: {why}"),
        found => assert!(matches!(found, Status::Partial(_)), "{found:?}"),
    }
}
