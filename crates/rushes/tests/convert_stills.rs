//! Numbered stills through the command, read back by ffmpeg.

#![expect(clippy::expect_used, reason = "a test that cannot go on stops there")]

mod support;

use std::process::Command;

use serde_json::json;
use support::{Stage, has, text};

/// Six frames of RGB without loss.
fn make_clip(stage: &Stage) -> bool {
    if !has("ffmpeg") {
        return false;
    }
    let made = Command::new("ffmpeg")
        .args(["-v", "error", "-f", "lavfi", "-i", "testsrc2=s=64x48:r=10"])
        .args(["-frames:v", "6", "-c:v", "ffv1", "-pix_fmt", "bgr0"])
        .arg(stage.path("clip.mkv"))
        .status();
    made.expect("ffmpeg runs").success()
}

fn names(stage: &Stage) -> Vec<String> {
    let entries = std::fs::read_dir(stage.path("")).expect("a folder");
    let mut names: Vec<String> = entries
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .filter(|name| name != "home" && name != "media")
        .collect();
    names.sort();
    names
}

/// All frames as ffmpeg decodes them.
fn decoded(stage: &Stage, arguments: &[&str], name: &str) -> Vec<u8> {
    let output = Command::new("ffmpeg")
        .args(["-v", "error"])
        .args(arguments)
        .arg("-i")
        .arg(stage.path(name))
        .args(["-f", "rawvideo", "-pix_fmt", "rgb24", "-"])
        .output()
        .expect("ffmpeg runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

#[test]
fn a_video_becomes_numbered_stills() {
    let stage = Stage::new();
    if !make_clip(&stage) {
        return;
    }
    let (clip, out) = (stage.text("clip.mkv"), stage.text("shot.%03d.png"));
    let arguments = ["convert", &clip, &out, "--start-number", "98"];
    let plan = stage.done(&[&arguments[..], &["--dry-run"]].concat())["plan"].clone();
    let does = text(&plan["effects"][0]["does"]);
    assert!(does.contains("shot.%03d.png (6 files)") && does.contains("stills"), "{does}");
    let part = [&arguments[..], &["--from", "2f", "--to", "5f", "--dry-run"]].concat();
    let does = text(&stage.done(&part)["plan"]["effects"][0]["does"]);
    assert!(does.contains("(3 files)"), "{does}");
    assert_eq!(names(&stage), ["clip.mkv"]);

    let report = stage.done(&arguments);
    assert_eq!((&report["frames"], &report["lost_frames"]), (&json!(6), &json!(0)));
    let stills = [
        "shot.098.png",
        "shot.099.png",
        "shot.100.png",
        "shot.101.png",
        "shot.102.png",
        "shot.103.png",
    ];
    assert_eq!(names(&stage), [&["clip.mkv"][..], &stills].concat());
    let size: u64 =
        stills.iter().map(|name| stage.path(name).metadata().expect("there").len()).sum();
    assert_eq!(report["size_bytes"], size);
    let theirs = decoded(&stage, &["-start_number", "98"], "shot.%03d.png");
    assert!(theirs == decoded(&stage, &[], "clip.mkv"));

    // One that is left of the set is in the way of a new one, in the plan too.
    std::fs::remove_file(stage.path("shot.098.png")).expect("removed");
    for more in [&[][..], &["--dry-run"]] {
        let refused = stage.run(&[&arguments[..], more].concat());
        assert_eq!((refused.code, &refused.json["error"]["kind"]), (9, &json!("conflict")));
        assert!(refused.json.to_string().contains("shot."), "{refused:?}");
    }
    assert_eq!(names(&stage).len(), 6);
    stage.done(&[&arguments[..], &["--overwrite"]].concat());
    assert_eq!(names(&stage).len(), 7);
    // Numbers before the first are no part of it.
    stage.done(&["convert", &clip, &out, "--start-number", "104"]);
    assert_eq!(names(&stage).len(), 13);
}

#[test]
fn stills_pages_and_mosaics() {
    let stage = Stage::new();
    if !make_clip(&stage) {
        return;
    }
    let clip = stage.text("clip.mkv");
    let (pages, jpegs) = (stage.text("pages.tif"), stage.text("a.####.jpg"));
    let report = stage.done(&["convert", &clip, &pages, "--filter", "resize:width_px=32"]);
    assert_eq!(report["frames"], 6);
    let report = stage.done(&["mosaic", &clip, &clip, &jpegs, "--layout", "row"]);
    assert_eq!((&report["frames"], &report["width_px"]), (&json!(6), &json!(128)));
    let expected = ["a.0001.jpg", "a.0002.jpg", "a.0003.jpg", "a.0004.jpg", "a.0005.jpg"];
    assert_eq!(names(&stage)[..5], expected);
    // A still into a pattern is a set of one; beside a digit # counts nothing.
    let still = stage.text("a.0001.jpg");
    stage.done(&["convert", &still, &stage.text("one.%02d.png")]);
    stage.done(&["convert", &still, &stage.text("take #1.png")]);
    let found = names(&stage);
    assert!(found.contains(&"one.01.png".into()) && found.contains(&"take #1.png".into()));
    // What plays is no single still.
    let refused = stage.run(&["convert", &clip, &stage.text("b.png")]);
    assert_eq!(refused.code, 4, "{refused:?}");
    assert!(refused.json.to_string().contains("shot.%04d.png"), "{refused:?}");
}
