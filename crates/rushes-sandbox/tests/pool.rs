//! Calls, replies, crashes, limits and hostile replies.

#![expect(clippy::unwrap_used, reason = "part of tests, though not all of it is in one")]

mod child;

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{PipeReader, Read as _, Seek as _, Write as _};
use std::os::fd::AsFd as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

use child::{NEVER, SMALL, call, pid, pool, pool_of, program};
use rushes_media::{Error, ErrorKind, Limits};
use rushes_sandbox::{
    Launch, MAX_BLOBS, MAX_FILES, MAX_REPLY_BYTES, MAX_REPLY_JSON_BYTES, MAX_REQUEST_BYTES, Pool,
};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open};
use serde_json::{Value, json};

fn file_with(text: &str) -> File {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file.rewind().unwrap();
    file
}

fn ends_within(pid: u64, patience: Duration) -> bool {
    let pid = Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
    let Ok(handle) = pidfd_open(pid, PidfdFlags::empty()) else { return true };
    let patience = Timespec { tv_sec: patience.as_secs() as i64, tv_nsec: 0 };
    poll(&mut [PollFd::new(&handle, PollFlags::IN)], Some(&patience)).unwrap() == 1
}

fn kill(pid: u64) {
    let raw = Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
    kill_process(raw, Signal::KILL).unwrap();
    assert!(ends_within(pid, Duration::from_secs(5)));
}

/// Waits until the worker has said through this pipe that it is at work.
fn wait_for_begin(reader: &mut PipeReader) {
    let patience = Timespec { tv_sec: 10, tv_nsec: 0 };
    let mut pipes = [PollFd::new(reader, PollFlags::IN)];
    assert_eq!(poll(&mut pipes, Some(&patience)).unwrap(), 1, "the worker did not begin");
    reader.read_exact(&mut [0]).unwrap();
}

/// The worker is still there, or a new one took its place.
fn assert_works(pool: &Pool) {
    let reply = call(pool, "echo", json!("again")).unwrap();
    assert_eq!(reply.value["params"], "again");
}

#[test]
fn parameters_files_and_limits_arrive() {
    let pool = pool(1, SMALL);
    let (first, second) = (file_with("first"), file_with("second é"));
    let params = json!({"a": [1, 2.5, null, "é\u{0}"], "b": {"c": {}}});
    let reply = pool.call("echo", &params, &[first.as_fd(), second.as_fd()], &NEVER).unwrap();
    assert_eq!(reply.value["params"], params);
    assert_eq!(reply.value["files"], json!(["first", "second é"]));
    assert_eq!(reply.value["pixels"], 12_345);
    // The files are open here still, and closed there.
    let reply = call(&pool, "identify", Value::Null).unwrap();
    assert_eq!(reply.value["descriptors"], 3);
}

#[test]
fn a_task_asks_for_more_files_than_travel() {
    let pool = pool(1, SMALL);
    let give = |number| match number {
        404 => Err(Error::new(ErrorKind::NotFound, "opening", "there is none")),
        number => Ok((file_with(&format!("text {number}")), format!("{number}.txt").into_bytes())),
    };
    let mut asked: Vec<u64> = (0..3 * MAX_FILES as u64).collect();
    asked.push(404);
    let reply = pool.call_giving("ask", &json!(asked), &[], &give, &NEVER).unwrap();
    let told = reply.value.as_array().unwrap();
    assert_eq!(told.len(), asked.len());
    assert_eq!((&told[0], &told[150]), (&json!("0.txt: text 0"), &json!("150.txt: text 150")));
    assert_eq!(told[192], "there is none");
    // None stays open there, and who was promised none gets none.
    assert_eq!(call(&pool, "identify", Value::Null).unwrap().value["descriptors"], 3);
    let refused = call(&pool, "ask", json!([0])).unwrap();
    assert_eq!(refused.value[0], "none was promised");
}

#[test]
fn only_so_many_files() {
    let pool = pool(1, SMALL);
    let file = file_with("x");
    let most = vec![file.as_fd(); MAX_FILES];
    assert!(pool.call("identify", &Value::Null, &most, &NEVER).is_ok());
    let over = vec![file.as_fd(); MAX_FILES + 1];
    let error = pool.call("identify", &Value::Null, &over, &NEVER).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Invalid);
    for _ in 0..100 {
        assert!(pool.call("identify", &Value::Null, &most, &NEVER).is_ok());
    }
}

#[test]
fn blobs_of_every_size() {
    let pool = pool(1, SMALL);
    let sizes = [0_usize, 1, 4095, 65_535, 65_536, 65_537, 0, 5_000_000, 3];
    let reply = call(&pool, "blobs", json!(sizes)).unwrap();
    assert_eq!(reply.value, "blobs");
    assert_eq!(reply.blobs.len(), sizes.len());
    for (blob, size) in reply.blobs.iter().zip(sizes) {
        assert_eq!(blob.len(), size);
        assert!(blob.iter().enumerate().all(|(i, &byte)| byte == (i % 251) as u8));
    }
}

#[test]
fn replies_have_a_size() {
    let pool = pool(1, SMALL);
    let pid_before = pid(&pool);
    let json_bytes = "\"blobs\"".len();
    let most = MAX_REPLY_BYTES - json_bytes;
    assert_eq!(call(&pool, "blobs", json!([most])).unwrap().blobs[0].len(), most);
    for over in [json!([most + 1]), json!(vec![0; MAX_BLOBS + 1])] {
        assert_eq!(call(&pool, "blobs", over).unwrap_err().kind, ErrorKind::Limit);
    }
    assert_eq!(call(&pool, "blobs", json!(vec![0; MAX_BLOBS])).unwrap().blobs.len(), MAX_BLOBS);
    assert_eq!(pid(&pool), pid_before);
}

#[test]
fn requests_have_a_size() {
    let pool = pool(1, SMALL);
    let around = r#"{"number":0,"task":"echo","params":"","files":0}"#.len();
    let fits = "x".repeat(MAX_REQUEST_BYTES - around);
    assert_eq!(call(&pool, "echo", json!(fits)).unwrap().value["params"], fits);
    let error = call(&pool, "echo", json!(fits + "x")).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Limit);
}

#[test]
fn errors_come_back_whole_but_clean() {
    let error = call(&pool(1, SMALL), "fail", Value::Null).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unsupported);
    assert_eq!(error.what, "reading \u{fffd}[2Jit");
    assert_eq!(error.remedy.as_deref(), Some("convert\u{fffd} it"));
    assert_eq!(error.path.as_deref(), Some("a\\nb"));
    assert!(error.why.starts_with("xxx") && error.why.chars().count() < 2_100);
}

#[test]
fn an_unknown_task() {
    assert_eq!(call(&pool(1, SMALL), "nothing", Value::Null).unwrap_err().kind, ErrorKind::Bug);
}

#[test]
fn a_panic_costs_one_call() {
    let pool = pool(1, SMALL);
    let before = pid(&pool);
    let error = call(&pool, "panic", Value::Null).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Bug);
    assert!(error.why.contains("the index is 7 but the length is 3"), "{error}");
    assert!(error.why.contains("sandbox_child.rs"), "{error}");
    assert_works(&pool);
    assert_ne!(pid(&pool), before);
}

#[test]
fn a_crash_costs_one_call() {
    let pool = pool(1, SMALL);
    for (task, signal) in [("segfault", "(signal 11)"), ("abort", "(signal 6)")] {
        let error = call(&pool, task, Value::Null).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Corrupt);
        assert!(error.why.starts_with("the decoder crashed"), "{error}");
        assert!(error.why.contains(signal), "{error}");
        assert_works(&pool);
    }
    let error = call(&pool, "overflow", Value::Null).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Corrupt);
    assert!(error.why.contains("overflow") || error.why.contains("(signal 11)"), "{error}");
    let error = call(&pool, "exit", Value::Null).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Bug);
    assert!(error.why.contains("status 7"), "{error}");
    assert_works(&pool);
}

#[test]
fn processor_time_ends() {
    let limits = Limits { cpu_secs: 1, ..SMALL };
    let pool = pool(1, limits);
    // Each call gets its time anew.
    let before = pid(&pool);
    for _ in 0..4 {
        assert_eq!(call(&pool, "work", json!({"ms": 600})).unwrap().value, "done");
    }
    assert_eq!(pid(&pool), before);
    let started = Instant::now();
    let error = call(&pool, "spin", Value::Null).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Limit);
    assert_eq!(error.why, "it took over 1 s of processor time");
    assert!(started.elapsed() >= Duration::from_millis(900), "{:?}", started.elapsed());
    assert_works(&pool);
}

#[test]
fn wall_time_ends() {
    let limits = Limits { wall_secs: 1, ..SMALL };
    let pool = pool(1, limits);
    let started = Instant::now();
    let (sender, ended) = channel();
    let cancel = AtomicBool::new(false);
    let error = thread::scope(|scope| {
        scope.spawn(|| sender.send(pool.call("hang", &Value::Null, &[], &cancel)));
        let outcome = ended.recv_timeout(Duration::from_secs(10));
        // Without a limit it would hang for ever.
        cancel.store(true, Ordering::Relaxed);
        outcome.expect("an end").unwrap_err()
    });
    assert_eq!((error.kind, error.why.as_str()), (ErrorKind::Limit, "it took over 1 s"));
    assert!((900..3_000).contains(&started.elapsed().as_millis()), "{:?}", started.elapsed());
    assert_works(&pool);
}

#[test]
fn memory_ends() {
    let pool = pool(1, SMALL);
    let touched = call(&pool, "allocate", json!({"bytes": 64 << 20})).unwrap();
    assert_eq!(touched.value, (64 << 20) / 4096);
    let error = call(&pool, "allocate", json!({"bytes": 512 << 20})).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Limit);
    assert_eq!(error.why, "over the memory limit of 256 MiB");
    assert_works(&pool);
    // The same is enough with a larger limit.
    let larger = Limits { memory_bytes: 1 << 30, ..SMALL };
    let touched = call(&child::pool(1, larger), "allocate", json!({"bytes": 512 << 20})).unwrap();
    assert_eq!(touched.value, (512 << 20) / 4096);
}

#[test]
fn a_limit_that_the_program_itself_breaks() {
    let limits = Limits { memory_bytes: 8 << 20, ..SMALL };
    let error = call(&pool(1, limits), "echo", Value::Null).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Limit);
    assert!(error.why.contains("8 MiB are allowed"), "{error}");
}

#[test]
fn chatter_does_not_block() {
    let pool = pool(1, SMALL);
    assert_eq!(call(&pool, "chatter", json!({"bytes": 3_000_000})).unwrap().value, "done");
    assert_works(&pool);
}

#[test]
fn forged_replies_are_refused() {
    let pool = pool(1, SMALL);
    // Each turn makes three calls, the second of which is forged.
    let mut number = 0;
    let mut header = |code: u8, json_bytes: u32, blobs: u32| -> Vec<u8> {
        let magic = [code, 0x73, 0x68, 0x72];
        let (json_bytes, blobs) = (json_bytes.to_le_bytes(), blobs.to_le_bytes());
        let bytes = [magic, u32::to_le_bytes(1 + 3 * number), json_bytes, blobs].concat();
        number += 1;
        bytes
    };
    let json_limit = MAX_REPLY_JSON_BYTES as u32;
    let with = |start: Vec<u8>, rest: &[u8]| [&start, rest].concat();
    let hostile = [
        ("garbage", vec![0xa5; 64]),
        ("a second greeting", with(header(1, 2, 0), b"{}")),
        ("an unknown code", header(9, 0, 0)),
        ("much JSON", header(2, json_limit + 1, 0)),
        ("many blobs", header(2, 0, u32::MAX)),
        ("one huge blob", with(header(2, 0, 1), &[0xff; 4])),
        ("huge blobs", with(header(2, 0, 2), &[0, 0, 0, 3, 0, 0, 0, 3])),
        ("not JSON", with(header(2, 2, 0), b"{{")),
        ("not an error", with(header(3, 2, 0), b"{}")),
        ("an error with blobs", with(header(3, 2, 1), &[0; 6])),
        ("deep JSON", with(header(2, 50_000, 0), &b"[".repeat(50_000))),
        ("another call's reply", {
            let mut other = with(header(2, 1, 0), b"1");
            other[4] ^= 1;
            other
        }),
        ("more than the reply", with(header(2, 1, 0), b"1surplus")),
    ];
    let hostile = hostile.into_iter().map(|(name, bytes)| (name, json!({ "bytes": bytes })));
    // Short as text, near a hundred times as large as a value.
    let list_bytes = 1 + 7 * 100_000;
    let objects = with(header(2, list_bytes, 0), b"[");
    let objects = json!({ "bytes": objects, "filling": r#"{"":0},"#, "times": 100_000 });
    for (name, forged) in hostile.chain([("many objects", objects)]) {
        let before = pid(&pool);
        let error = call(&pool, "forge", forged).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Corrupt, "{name}: {error}");
        assert!(error.why.starts_with("the worker sent "), "{name}: {error}");
        assert!(ends_within(before, Duration::ZERO), "{name}");
        assert_works(&pool);
    }
}

#[test]
fn a_second_reply_is_not_the_next_calls() {
    let pool = pool(1, SMALL);
    let before = pid(&pool);
    // The forged reply is taken for the real one, to call 1; the real one comes unasked.
    let forged = [&[2, 0x73, 0x68, 0x72, 1, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0][..], b"\"a\""];
    let forged = forged.concat();
    match call(&pool, "forge", json!({ "bytes": forged, "reply": true })) {
        Ok(reply) => assert_eq!(reply.value, "a"),
        Err(error) => assert_eq!(error.kind, ErrorKind::Corrupt),
    }
    // Whichever came first, nothing of it is left for another call.
    for turn in 0..20 {
        match call(&pool, "echo", json!(turn)) {
            Ok(reply) => assert_eq!(reply.value["params"], turn),
            Err(error) => assert_eq!((error.kind, turn), (ErrorKind::Corrupt, 0)),
        }
    }
    assert_ne!(pid(&pool), before);
}

#[test]
fn children_that_never_get_ready() {
    for mode in ["garbage", "early reply"] {
        let error = call(&pool_of(mode, 1, SMALL), "echo", Value::Null).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Corrupt, "{mode}: {error}");
    }
    let error = call(&pool_of("broken", 1, SMALL), "echo", Value::Null).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unavailable);
    assert!(error.why.contains("libsomething.so: not found"), "{error}");

    let missing = Launch { program: "/nonexistent/program".into(), args: vec![] };
    let pool = Pool::new(missing, 1, SMALL);
    for _ in 0..3 {
        let error = call(&pool, "echo", Value::Null).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Unavailable, "{error}");
    }

    let pool = pool_of("silent", 1, SMALL);
    let cancel = AtomicBool::new(false);
    thread::scope(|scope| {
        let waiting = scope.spawn(|| pool.call("echo", &Value::Null, &[], &cancel));
        cancel.store(true, Ordering::Relaxed);
        let error = waiting.join().unwrap().unwrap_err();
        assert_eq!((error.kind, error.why.as_str()), (ErrorKind::Unavailable, "cancelled"));
    });
}

#[test]
fn cancelling_ends_the_task_at_once() {
    let pool = pool(1, SMALL);
    let before = pid(&pool);
    let (mut reader, writer) = std::io::pipe().unwrap();
    let cancel = AtomicBool::new(false);
    thread::scope(|scope| {
        let (pool, cancel, writer) = (&pool, &cancel, &writer);
        let hanging =
            scope.spawn(move || pool.call("hang", &Value::Null, &[writer.as_fd()], cancel));
        wait_for_begin(&mut reader);
        // Another caller waits for the only worker, and gives up too.
        let queued = scope.spawn(move || pool.call("echo", &Value::Null, &[], cancel));
        let asked = Instant::now();
        cancel.store(true, Ordering::Relaxed);
        for call in [hanging, queued] {
            let error = call.join().unwrap().unwrap_err();
            assert_eq!((error.kind, error.why.as_str()), (ErrorKind::Unavailable, "cancelled"));
        }
        assert!(asked.elapsed() < Duration::from_secs(1), "{:?}", asked.elapsed());
    });
    assert!(ends_within(before, Duration::ZERO));
    assert_works(&pool);
}

#[test]
fn workers_are_shared_and_kept() {
    let pool = pool(2, SMALL);
    let pids = thread::scope(|scope| {
        let callers: Vec<_> = (0..4)
            .map(|_| scope.spawn(|| (0..50).map(|_| pid(&pool)).collect::<Vec<u64>>()))
            .collect();
        callers.into_iter().flat_map(|caller| caller.join().unwrap()).collect::<Vec<u64>>()
    });
    assert_eq!(pids.len(), 200);
    let distinct: BTreeSet<u64> = pids.into_iter().collect();
    assert!(distinct.len() <= 2, "{distinct:?}");
    // The threads that called first are gone, the workers are not.
    for _ in 0..10 {
        assert!(
            distinct
                .contains(&thread::scope(|scope| { scope.spawn(|| pid(&pool)).join().unwrap() }))
        );
    }
}

#[test]
fn a_worker_killed_while_idle_is_not_missed() {
    let pool = pool(1, SMALL);
    for _ in 0..5 {
        let before = pid(&pool);
        kill(before);
        assert_ne!(pid(&pool), before);
    }
}

#[test]
fn a_worker_killed_at_work() {
    let pool = pool(1, SMALL);
    let before = pid(&pool);
    let (mut reader, writer) = std::io::pipe().unwrap();
    thread::scope(|scope| {
        let (pool, writer) = (&pool, &writer);
        let hanging =
            scope.spawn(move || pool.call("hang", &Value::Null, &[writer.as_fd()], &NEVER));
        wait_for_begin(&mut reader);
        kill(before);
        let error = hanging.join().unwrap().unwrap_err();
        assert_eq!(error.kind, ErrorKind::Unavailable);
        assert!(error.why.contains("killed from outside"), "{error}");
    });
    assert_works(&pool);
}

#[test]
fn worn_workers_are_replaced() {
    let pool = pool(1, SMALL);
    let first = pid(&pool);
    let kept = call(&pool, "hoard", json!({"bytes": 100 << 20})).unwrap();
    assert_eq!(kept.value["pid"], first);
    assert_eq!(pid(&pool), first, "100 of 256 MiB are no reason yet");
    call(&pool, "hoard", json!({"bytes": 40 << 20})).unwrap();
    let second = pid(&pool);
    assert_ne!(second, first);
    for _ in 0..1_999 {
        call(&pool, "echo", Value::Null).unwrap();
    }
    assert_ne!(pid(&pool), second);
}

#[test]
fn workers_die_with_their_parent_and_their_pool() {
    use std::io::{BufRead as _, BufReader};
    use std::process::{Command, Stdio};
    let mut parent = Command::new(program()).arg("parent").stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    let mut out = BufReader::new(parent.stdout.take().unwrap());
    out.read_line(&mut line).unwrap();
    // The worker itself says that it is at work, and no longer reads its socket.
    out.read_exact(&mut [0]).unwrap();
    let worker: u64 = line.trim().parse().unwrap();
    assert!(!ends_within(worker, Duration::ZERO));
    parent.kill().unwrap();
    parent.wait().unwrap();
    assert!(ends_within(worker, Duration::from_secs(5)), "a hanging worker outlived its parent");

    let pool = pool(1, SMALL);
    let worker = pid(&pool);
    drop(pool);
    assert!(ends_within(worker, Duration::ZERO));
}

#[test]
fn a_call_is_cheap() {
    let pool = pool(1, SMALL);
    let mut took: Vec<Duration> = (0..500)
        .map(|_| {
            let started = Instant::now();
            call(&pool, "echo", Value::Null).unwrap();
            started.elapsed()
        })
        .collect();
    took.sort_unstable();
    let (median, slow) = (took[250], took[495]);
    println!("one call: median {} us, p99 {} us", median.as_micros(), slow.as_micros());
    assert!(median < Duration::from_millis(5), "{median:?}");
}
