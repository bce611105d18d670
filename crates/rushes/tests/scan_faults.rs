//! The disk is full, or fails: no row is lost, the error says which it was, and
//! the next scan ends where an undisturbed one does.
//!
//! The calls that fail are spread over the whole scan; with `RUSHES_LONG=1`
//! each one is taken.

#![expect(clippy::expect_used, reason = "a test that cannot go on stops there")]

mod support;

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use serde_json::{Value, json};
use support::bytes::{big, png};
use support::disk::{
    essence, forget_home, points, restore_home, scan_and_change, write_first_tree,
};
use support::{Ran, Stage, failures, has_strace, ran, say, text};

/// What the system says, and how it goes on: one call fails, or all from there on.
const FAULTS: [(&str, &str); 4] = [("ENOSPC", "+"), ("EIO", ""), ("ENOSPC", ""), ("EIO", "+")];

/// Points of one sweep, unless all are wanted.
const POINTS: usize = 2;

/// Runs the command while calls fail, those on this path only when one is
/// given. Also whether any did.
fn disturbed(stage: &Stage, arguments: &[&str], fault: &str, only: Option<&Path>) -> (Ran, bool) {
    let trace = stage.path("trace");
    let command = stage.command(arguments);
    let call = fault.split(':').next().unwrap_or_default();
    let mut traced = Command::new("strace");
    traced.args(["-f", "-qq", "-o"]).arg(&trace);
    if let Some(path) = only {
        traced.arg("-P").arg(path);
    }
    traced
        .arg(format!("-etrace={call}"))
        .arg(format!("-einject={fault}"))
        .arg(command.get_program())
        .args(command.get_args());
    let ran = ran(&mut traced);
    let trace = std::fs::read_to_string(trace).expect("a trace");
    (ran, trace.contains("(INJECTED)"))
}

/// An error that says what is wrong with the disk. SQLite knows that a disk is
/// full from writes only.
fn assert_clear(ran: &Ran, fault: &str) {
    let error = &ran.json["error"];
    assert_eq!((ran.code, &error["kind"]), (8, &json!("unavailable")), "{fault}: {ran:?}");
    let (why, remedy) = (text(&error["why"]), error["remedy"].as_str().unwrap_or_default());
    if fault.starts_with("pwrite64:error=ENOSPC") {
        assert!(why.contains("full"), "{fault}: {error}");
        assert!(remedy.contains("free some space"), "{fault}: {error}");
    } else {
        let why = why.to_lowercase();
        assert!(["i/o", "input/output", "space"].iter().any(|word| why.contains(word)), "{error}");
    }
}

fn is_long() -> bool {
    std::env::var_os("RUSHES_LONG").is_some()
}

/// Lets calls fail at many points, each time from `prepare` on. Afterwards
/// everything must be sound, `known` still be there, and `finished` as after
/// `prepare` and no fault.
fn sweep(
    stage: &Stage,
    arguments: &[&str],
    prepare: &dyn Fn(),
    known: &BTreeSet<String>,
    finished: &dyn Fn() -> Value,
) {
    prepare();
    let calls = points(stage, arguments);
    let wanted = finished();
    let mut faults: Vec<String> = FAULTS
        .iter()
        .flat_map(|(error, on)| {
            calls
                .iter()
                .map(move |(call, number)| format!("{call}:error={error}:when={number}{on}"))
        })
        .collect();
    if !is_long() {
        // A disk that is full for good and one call that fails, each in the midst of the
        // scan: the first calls open the catalogue, and the last ones close it.
        let step = calls.len();
        faults = faults.into_iter().skip(step * 4 / 10).step_by(step).take(POINTS).collect();
    }
    let (begun, mut met) = (Instant::now(), 0);
    for fault in &faults {
        prepare();
        let (ran, is_met) = disturbed(stage, arguments, fault, None);
        met += usize::from(is_met);
        say(&format!("{fault}: {}, {}", ran.code, ran.json["error"]));
        // A single fault is passed over, by trying again.
        if ran.code != 0 {
            assert_clear(&ran, fault);
        }
        let check = stage.run(&["check"]);
        assert_eq!((check.code, &check.json["violations"]), (0, &json!([])), "{fault}");
        assert!(known.is_subset(&stage.ids()), "{fault}: a row is lost");
        stage.done(arguments);
        assert_eq!(finished(), wanted, "{fault}");
        stage.check();
    }
    say(&format!("{met} of {} faults of {arguments:?} in {:?}", faults.len(), begun.elapsed()));
    assert!(met * 2 >= faults.len(), "only {met} faults at {faults:?}");
}

#[test]
fn a_first_scan() {
    if !has_strace() {
        return;
    }
    let stage = Stage::new();
    write_first_tree(&stage);
    let media = stage.text("media");
    let none = BTreeSet::new();
    let scan = ["scan", &*media];
    let opened = || {
        forget_home(&stage);
        stage.done(&["paths", "list"]);
    };
    sweep(&stage, &scan, &opened, &none, &|| essence(&stage, &none));
    if is_long() {
        sweep(&stage, &scan, &|| forget_home(&stage), &none, &|| essence(&stage, &none));
    }
}

#[test]
fn a_scan_of_changes() {
    if !has_strace() {
        return;
    }
    let stage = Stage::new();
    let known = scan_and_change(&stage);
    let media = stage.text("media");
    sweep(&stage, &["scan", &media], &|| restore_home(&stage), &known, &|| essence(&stage, &known));
}

/// A folder that cannot be listed is told, and nothing in it counts as gone.
#[test]
fn a_folder_that_cannot_be_listed() {
    if !has_strace() {
        return;
    }
    let stage = Stage::new();
    stage.write("media/a.png", &png(1));
    stage.write("media/sub/b.wav", &big(2));
    let media = stage.text("media");
    let scan = ["scan", &media];
    let fault = "getdents64:error=EIO:when=1+";
    let sub = stage.path("media/sub");

    for is_first in [true, false] {
        if !is_first {
            stage.scan();
        }
        let (before, was) = (stage.catalogue(), last_scan(&stage));
        let (ran, is_met) = disturbed(&stage, &scan, fault, Some(&sub));
        assert!(is_met && ran.code == 1, "{ran:?}");
        let unreadable = &ran.json["roots"][0]["unreadable"];
        assert_eq!(unreadable.as_array().map(Vec::len), Some(1), "{ran:?}");
        assert_eq!(unreadable[0]["path"], json!(stage.text("media/sub")));
        assert_eq!(unreadable[0]["error"]["kind"], "unavailable");
        assert_eq!(ran.json["vanished"], 0);
        assert_eq!(last_scan(&stage), was, "it did not go through the whole root");
        if is_first {
            assert_eq!(stage.names(""), ["a.png"]);
        } else {
            assert_eq!(stage.catalogue(), before);
        }
        stage.check();
    }
}

fn last_scan(stage: &Stage) -> Value {
    stage.done(&["paths", "list"])["roots"][0]["last_scan"].clone()
}

/// Bytes that cannot be read now are read by the next scan, whoever read them:
/// the fingerprint or the probe in its worker.
#[test]
fn a_file_that_cannot_be_read() {
    if !has_strace() {
        return;
    }
    let stage = Stage::new();
    stage.write("media/a.png", &png(1));
    stage.write("media/b.wav", &big(2));
    let media = stage.text("media");
    let scan = ["scan", &media];
    stage.scan();
    let probes = || {
        let assets = ["media/a.png", "media/b.wav"].map(|path| stage.asset_at(path));
        json!(assets.map(|asset| json!([asset["probe"], asset["error"], asset["size_bytes"]])))
    };
    let wanted = probes();
    // The fingerprint's own reads come first, then the worker's.
    for (name, number) in [("a.png", 1), ("a.png", 7), ("a.png", 9), ("b.wav", 1), ("b.wav", 20)] {
        forget_home(&stage);
        let fault = format!("pread64:error=EIO:when={number}");
        let path = stage.path(format!("media/{name}"));
        let (ran, is_met) = disturbed(&stage, &scan, &fault, Some(&path));
        assert!(is_met && ran.code == 1, "{name} {fault}: {ran:?}");
        assert_eq!(failures(&ran.json), [(name.into(), "unavailable".into())], "{fault}");
        stage.done(&["check"]);
        stage.scan();
        assert_eq!(probes(), wanted, "{name} {fault}");
        stage.check();
    }
}

/// The failure names the asset that is known at that place.
#[test]
fn a_known_file_that_cannot_be_read_is_named() {
    if !has_strace() {
        return;
    }
    let stage = Stage::new();
    stage.write("media/b.wav", &big(2));
    stage.scan();
    let id = stage.id_at("media/b.wav");
    stage.write("media/b.wav", &big(3));
    let path = stage.path("media/b.wav");
    let fault = "pread64:error=EIO:when=1+";
    let (ran, _) = disturbed(&stage, &["scan", &stage.text("media")], fault, Some(&path));
    assert_eq!(ran.json["failed"][0]["asset"], json!(id), "{ran:?}");
    stage.scan();
    let id = stage.id_at("media/b.wav");
    let (ran, is_met) = disturbed(&stage, &["hash"], fault, Some(&path));
    assert!(is_met && ran.code == 1, "{ran:?}");
    assert_eq!(ran.json["failed"][0]["asset"], json!(id), "{ran:?}");
}
