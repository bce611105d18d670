//! A second scan of an unchanged tree, a scan that only says what it would do,
//! and what no scan ever does: write where the media are.

#![expect(clippy::expect_used, reason = "a test that cannot go on stops there")]

mod support;

use std::process::Command;
use std::time::Instant;

use serde_json::json;
use support::bytes::{big, noise, png, wav};
use support::{Stage, finish, has_strace, text};

/// Media, no media, a failure and a sidecar, in a few folders.
fn mixed(stage: &Stage) {
    stage.write("media/a.png", &png(1));
    stage.write("media/day 1/b.wav", &big(2));
    stage.write("media/day 1/b.xmp", b"<x:xmpmeta xmlns:x='adobe:ns:meta/'/>");
    stage.write("media/day 2/c.wav", &wav(3, 2_000));
    stage.write("media/day 2/notes.txt", b"no media");
    stage.write("media/day 2/broken.mp4", &noise(4, 3_000));
    std::fs::hard_link(stage.path("media/a.png"), stage.path("media/day 2/link.png"))
        .expect("a link");
}

#[test]
fn a_second_scan_changes_nothing_and_nothing_is_ever_written() {
    let stage = Stage::new();
    mixed(&stage);
    let tree = stage.tree("media");
    assert_eq!(stage.run(&["scan", &stage.text("media")]).code, 1, "one file is broken");
    let first = stage.catalogue();
    for _ in 0..2 {
        let report = stage.done(&["scan", &stage.text("media")]);
        for count in ["added", "changed", "moved", "copied", "vanished", "probed"] {
            assert_eq!(report[count], 0, "{count}: {report}");
        }
        assert_eq!(report["files"], 7);
        assert_eq!(stage.catalogue(), first);
    }
    stage.done(&["hash"]);
    stage.done(&["previews"]);
    stage.check();
    assert_eq!(stage.tree("media"), tree, "something below the root was touched");
}

#[test]
fn a_second_scan_opens_no_file() {
    if !has_strace() {
        return;
    }
    let stage = Stage::new();
    mixed(&stage);
    let first = opened_files(&stage);
    assert!(first.iter().any(|line| line.contains("b.wav")), "strace sees no opening: {first:?}");
    let second = opened_files(&stage);
    assert_eq!(second, Vec::<String>::new());
}

/// The lines in which a scan, or a worker of it, opens a file of the mixed tree.
fn opened_files(stage: &Stage) -> Vec<String> {
    let trace = stage.path("trace");
    let mut command = Command::new("strace");
    command.args(["-f", "-qq", "-e", "trace=open,openat,openat2", "-o"]).arg(&trace);
    let scan = stage.command(&["scan", &stage.text("media")]);
    command.arg(scan.get_program()).args(scan.get_args());
    let begun = Instant::now();
    let child = command
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .expect("strace runs");
    assert!([0, 1].contains(&finish(child, begun).code));
    let trace = std::fs::read_to_string(trace).expect("a trace");
    let names = ["a.png", "b.wav", "b.xmp", "c.wav", "notes.txt", "broken.mp4", "link.png"];
    trace
        .lines()
        .filter(|line| names.iter().any(|name| line.contains(&format!("{name}\""))))
        .map(str::to_owned)
        .collect()
}

#[test]
fn a_dry_run_says_what_it_would_do_and_does_nothing() {
    let stage = Stage::new();
    mixed(&stage);
    let media = stage.text("media");
    let plan = stage.done(&["scan", "--dry-run", &media])["plan"].clone();
    let says = |plan: &serde_json::Value, words: &[&str]| {
        let effects = plan["effects"].as_array().expect("effects");
        let found = effects.iter().any(|effect| {
            let line = effect.to_string();
            words.iter().all(|word| line.contains(word))
        });
        assert!(found, "{words:?} in {plan}");
    };
    says(&plan, &["register", &media]);
    says(&plan, &["a.png"]);
    assert_eq!(stage.search("").len(), 0);
    assert_eq!(stage.done(&["paths", "list"])["roots"], json!([]));
    assert_eq!(stage.done(&["jobs", "list"])["jobs"], json!([]));

    stage.run(&["scan", &media]);
    let before = (stage.catalogue(), stage.done(&["stats"]), stage.done(&["paths", "list"]));
    stage.write("media/new.png", &png(9));
    stage.rename("media/day 1/b.wav", "media/moved.wav");
    stage.remove("media/day 2/c.wav");
    stage.write("media/day 2/notes.txt", b"other words, more of them");
    let tree = stage.tree("media");
    let plan = stage.done(&["scan", "--dry-run"])["plan"].clone();
    says(&plan, &["add", "new.png"]);
    says(&plan, &["follow", "day 1/b.wav", "moved.wav"]);
    says(&plan, &["day 2/c.wav", "as gone"]);
    says(&plan, &["look again", "day 2/notes.txt"]);
    let summary = text(&plan["summary"]);
    for number in ["2 new", "1 of them moved", "1 changed", "1 gone"] {
        assert!(summary.contains(number), "{number} in {summary}");
    }
    let after = (stage.catalogue(), stage.done(&["stats"]), stage.done(&["paths", "list"]));
    assert_eq!(before, after);
    assert_eq!(stage.tree("media"), tree);

    // Not even that a root is away is noted.
    std::fs::rename(stage.path("media"), stage.path("away")).expect("renamed");
    let plan = stage.done(&["scan", "--dry-run"])["plan"].clone();
    says(&plan, &["skip", "offline"]);
    std::fs::create_dir(stage.path("media")).expect("a folder");
    let plan = stage.done(&["scan", "--dry-run"])["plan"].clone();
    says(&plan, &["skip", "empty"]);
    assert_eq!(stage.done(&["paths", "list"]), before.2);
    stage.check();
}

/// More files than are recorded in one transaction: what the same scan has
/// recorded before is not taken for something that it missed.
#[test]
fn a_first_scan_of_many_folders_misses_nothing() {
    let stage = Stage::new();
    for folder in 0..70 {
        for file in 0..70 {
            stage.write(format!("media/{folder}/{file}.txt"), b"");
        }
    }
    let report = stage.done(&["scan", &stage.text("media")]);
    assert_eq!((&report["files"], &report["added"]), (&json!(4_900), &json!(4_900)));
    assert_eq!((&report["moved"], &report["vanished"]), (&json!(0), &json!(0)));
    stage.check();
}
