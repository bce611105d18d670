//! A backup that is killed, or whose disk is full, read-only or gone: no final
//! name shows what was not read back, and the next run makes it whole.
//!
//! The calls at which the process is killed are spread over the whole run; with
//! `RUSHES_LONG=1` each one is taken.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops there")]

mod support;

use std::collections::BTreeMap;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use support::bytes::{big, png};
use support::disk::{is_killed, points, restore_home};
use support::{Ran, Stage, failures, has_strace, ran, say};

/// Points of one sweep, unless all are wanted.
const POINTS: usize = 12;

fn stage() -> Stage {
    let stage = Stage::new();
    stage.write("media/Trip/a.png", &png(1));
    stage.write("media/Trip/a.xmp", b"<x:xmpmeta xmlns:x='adobe:ns:meta/'/>");
    stage.write("media/Trip/b.wav", &big(2));
    stage.scan();
    stage.rename("home", "home before");
    stage
}

/// Everything as before the first backup.
fn prepare(stage: &Stage) {
    restore_home(stage);
    for disk in ["one", "two"] {
        let path = stage.path(disk);
        if path.exists() {
            std::fs::remove_dir_all(&path).unwrap();
        }
        std::fs::create_dir(path).unwrap();
    }
}

/// Files with final names below a folder, and what is in them; hash lists by
/// their number alone, since their names tell the time.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(inner) = folders.pop() {
        for entry in std::fs::read_dir(inner).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
            if path.is_dir() {
                folders.push(path);
            } else if !name.contains(".partial-") && !name.starts_with("ascmhl") {
                found.insert(name, std::fs::read(path).unwrap());
            }
        }
    }
    found
}

fn wanted() -> BTreeMap<String, Vec<u8>> {
    BTreeMap::from([
        ("Trip/a.png".into(), png(1)),
        ("Trip/a.xmp".into(), b"<x:xmpmeta xmlns:x='adobe:ns:meta/'/>".to_vec()),
        ("Trip/b.wav".into(), big(2)),
    ])
}

/// No final name shows anything but a whole copy.
fn assert_whole(stage: &Stage, at: &str) {
    let wanted = wanted();
    for disk in ["one", "two"] {
        for (name, bytes) in files(&stage.path(disk)) {
            assert_eq!(wanted.get(&name), Some(&bytes), "{at}: {disk}/{name}");
        }
    }
    let check = stage.run(&["check"]);
    assert_eq!((check.code, &check.json["violations"]), (0, &json!([])), "{at}");
}

/// Run again, all is there, and known, once.
fn assert_finished(stage: &Stage, arguments: &[&str], at: &str) {
    let report = stage.done(arguments);
    for disk in ["one", "two"] {
        assert_eq!(files(&stage.path(disk)), wanted(), "{at}: {disk}: {report}");
        let verified = stage.done(&["verify", &stage.text(disk)]);
        assert_eq!(verified["places"][0]["verified"], 3, "{at}: {verified}");
    }
    assert_eq!(stage.names("copies:3"), ["a.png", "b.wav"], "{at}");
}

fn arguments(stage: &Stage) -> Vec<String> {
    let (one, two) = (stage.text("one"), stage.text("two"));
    ["backup", "--to", &one, "--to", &two].map(String::from).to_vec()
}

#[test]
fn killed_at_any_call_it_goes_on() {
    if !has_strace() {
        return;
    }
    let stage = stage();
    let arguments = arguments(&stage);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    prepare(&stage);
    let mut points = points(&stage, &arguments);
    assert_whole(&stage, "undisturbed");
    assert!(points.len() > 40, "a run has many points: {points:?}");
    if std::env::var_os("RUSHES_LONG").is_none() {
        let step = points.len().div_ceil(POINTS);
        points = points.into_iter().skip(step / 2).step_by(step).collect();
    }
    let mut kills = 0;
    for (call, number) in &points {
        prepare(&stage);
        // How often a thread calls differs a little from run to run.
        if !is_killed(&stage, &arguments, call, *number) {
            continue;
        }
        kills += 1;
        let at = format!("killed at {call} {number}");
        assert_whole(&stage, &at);
        assert_finished(&stage, &arguments, &at);
    }
    say(&format!("{kills} kills at {} points", points.len()));
    assert!(kills * 2 > points.len(), "only {kills} kills at {points:?}");
}

/// Runs a backup while a call fails on a file of one destination.
fn disturbed(stage: &Stage, arguments: &[&str], fault: &str, path: &Path) -> (Ran, bool) {
    let trace = stage.path("trace");
    let command = stage.command(arguments);
    let call = fault.split(':').next().unwrap_or_default();
    let mut traced = Command::new("strace");
    traced.args(["-f", "-qq", "-o"]).arg(&trace).arg("-P").arg(path);
    traced
        .arg(format!("-etrace={call}"))
        .arg(format!("-einject={fault}"))
        .arg(command.get_program())
        .args(command.get_args());
    let ran = ran(&mut traced);
    let trace = std::fs::read_to_string(trace).unwrap();
    (ran, trace.contains("(INJECTED)"))
}

#[test]
fn a_disk_that_fails_fails_alone() {
    if !has_strace() {
        return;
    }
    let stage = stage();
    let arguments = arguments(&stage);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let mut met = 0;
    for fault in ["fsync:error=EIO", "fsync:error=ENOSPC", "linkat:error=EIO", "linkat:error=EROFS"]
    {
        prepare(&stage);
        std::fs::create_dir(stage.path("one/Trip")).unwrap();
        let (ran, is_met) = disturbed(&stage, &arguments, fault, &stage.path("one/Trip"));
        met += usize::from(is_met);
        assert_whole(&stage, fault);
        if is_met {
            // The other disk has everything.
            assert_eq!(files(&stage.path("two")), wanted(), "{fault}: {ran:?}");
            assert_eq!(ran.code, 1, "{fault}: {ran:?}");
        }
        assert_finished(&stage, &arguments, fault);
    }
    assert!(met >= 2, "only {met} faults were met");
}

#[test]
fn a_read_only_disk_is_told() {
    if rustix::process::geteuid().is_root() {
        // Rights do not bind it; a folder in place of which a file stands does.
        let stage = stage();
        prepare(&stage);
        std::fs::write(stage.path("one/Trip"), b"no folder").unwrap();
        let ran = stage.run(&arguments(&stage));
        assert_eq!(ran.code, 1, "{ran:?}");
        assert_eq!(files(&stage.path("two")), wanted());
        assert_eq!(std::fs::read(stage.path("one/Trip")).unwrap(), b"no folder");
        return;
    }
    let stage = stage();
    prepare(&stage);
    std::fs::set_permissions(stage.path("one"), Permissions::from_mode(0o555)).unwrap();
    let ran = stage.run(&arguments(&stage));
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(failures(&ran.json).iter().all(|(_, kind)| kind == "denied"), "{ran:?}");
    assert_eq!(files(&stage.path("two")), wanted());
    std::fs::set_permissions(stage.path("one"), Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn a_disk_without_room_is_refused_before_anything_is_written() {
    let stage = stage();
    prepare(&stage);
    // A file system of its own, if this machine lets one be made.
    let small = stage.path("one");
    let mounted = Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=64k", "none"])
        .arg(&small)
        .stderr(std::process::Stdio::null())
        .status();
    if !mounted.is_ok_and(|status| status.success()) {
        say("SKIPPED: no file system can be mounted here");
        return;
    }
    let ran = stage.run(&arguments(&stage));
    let unmounted = Command::new("umount").arg(&small).status();
    assert!(unmounted.is_ok_and(|status| status.success()));
    assert_eq!((ran.code, &ran.json["error"]["kind"]), (8, &json!("unavailable")), "{ran:?}");
    let told: &Value = &ran.json["error"]["why"];
    assert!(told.as_str().unwrap_or_default().contains("free there"), "{told}");
    assert!(files(&stage.path("two")).is_empty());
    // Another volume than before is there now; nothing is copied onto it unasked.
    stage.done(&arguments(&stage));
    let mounted = Command::new("mount").args(["-t", "tmpfs", "none"]).arg(&small).status();
    assert!(mounted.is_ok_and(|status| status.success()));
    let (refused, allowed) = (stage.run(&arguments(&stage)), {
        let mut arguments = arguments(&stage);
        arguments.push("--new-volume".into());
        stage.run(&arguments)
    });
    let unmounted = Command::new("umount").arg(&small).status();
    assert!(unmounted.is_ok_and(|status| status.success()));
    assert_eq!((refused.code, &refused.json["error"]["kind"]), (9, &json!("conflict")));
    assert_eq!(allowed.code, 0, "{allowed:?}");
    assert_eq!(allowed.json["destinations"][0]["copied"], 3);
    // Back with the first disk: both are known.
    let rows = stage.done(&["destinations", "list"]);
    let online: Vec<bool> =
        rows["destinations"].as_array().unwrap().iter().map(|row| row["online"] == true).collect();
    assert_eq!(online, [true, true, false], "{rows}");
}
