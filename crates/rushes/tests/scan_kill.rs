//! The power is cut at a write, a sync or a rename: what was told stays, and
//! the next scan ends where an undisturbed one does.
//!
//! The calls at which the process is killed are spread over the whole scan;
//! with `RUSHES_LONG=1` each one is taken.

mod support;

use std::collections::BTreeSet;
use std::time::Instant;

use serde_json::{Value, json};
use support::bytes::{big, noise, png};
use support::disk::{
    essence, forget_home, is_killed, points, restore_home, scan_and_change, write_first_tree,
};
use support::{Stage, has_strace, say};

/// Points of one sweep, unless all are wanted.
const POINTS: usize = 4;

/// Kills the command at many points, each time from `prepare` on. Afterwards
/// everything must be sound, and `finished` as after `prepare` and no kill.
fn sweep(stage: &Stage, arguments: &[&str], prepare: &dyn Fn(), finished: &dyn Fn() -> Value) {
    prepare();
    let mut points = points(stage, arguments);
    let wanted = finished();
    assert!(points.len() > 20, "a run has many points: {points:?}");
    if std::env::var_os("RUSHES_LONG").is_none() {
        let step = points.len().div_ceil(POINTS);
        // From the middle of each share, since the very first calls make the home folder.
        points = points.into_iter().skip(step / 2).step_by(step).collect();
    }
    let (begun, mut kills) = (Instant::now(), 0);
    for (call, number) in &points {
        prepare();
        // How often a thread calls differs a little from run to run.
        if !is_killed(stage, arguments, call, *number) {
            continue;
        }
        kills += 1;
        let at = format!("killed at {call} {number}");
        let check = stage.run(&["check"]);
        assert_eq!((check.code, &check.json["violations"]), (0, &json!([])), "{at}");
        let again = stage.run(arguments);
        assert!([0, 1].contains(&again.code), "{at}: {again:?}");
        assert_eq!(finished(), wanted, "{at}");
        stage.check();
    }
    say(&format!("{kills} kills of {arguments:?} in {:?}", begun.elapsed()));
    assert!(kills * 2 > points.len(), "only {kills} kills at {points:?}");
}

#[test]
fn a_first_scan() {
    if !has_strace() {
        return;
    }
    let stage = Stage::new();
    write_first_tree(&stage);
    stage.write("media/sub/broken.mp4", &noise(3, 900));
    let media = stage.text("media");
    sweep(&stage, &["scan", &media], &|| forget_home(&stage), &|| {
        essence(&stage, &BTreeSet::new())
    });
}

#[test]
fn a_scan_of_changes() {
    if !has_strace() {
        return;
    }
    let stage = Stage::new();
    let known = scan_and_change(&stage);
    let media = stage.text("media");
    let prepare = || restore_home(&stage);
    sweep(&stage, &["scan", &media], &prepare, &|| essence(&stage, &known));
}

/// Hashes and previews are made by jobs of their own.
#[test]
fn hashing_and_previews() {
    if !has_strace() {
        return;
    }
    let stage = Stage::new();
    let content = big(1);
    stage.write("media/a.wav", &content);
    stage.write("media/b.wav", &content);
    stage.write("media/c.png", &png(2));
    stage.scan();
    stage.rename("home", "home before");
    let prepare = || restore_home(&stage);
    let previews = || {
        let rows = stage.search("");
        json!(rows.iter().map(|row| json!([row["name"], row["preview"]])).collect::<Vec<_>>())
    };
    sweep(&stage, &["previews"], &prepare, &previews);
    let hashes = || {
        let rows = stage.search("");
        json!(rows.iter().map(|row| json!([row["hashed"], row["copies"]])).collect::<Vec<_>>())
    };
    sweep(&stage, &["hash"], &prepare, &hashes);
}
