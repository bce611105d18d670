//! `mosaic` through the command, its pictures read back by ffmpeg.

#![expect(clippy::expect_used, reason = "a test that cannot go on stops there")]

mod support;

use std::process::Command;

use serde_json::{Value, json};
use support::bytes::png;
use support::{Stage, has, text};

/// A clip of one colour, `frames` long at a rate, made by ffmpeg.
fn clip(stage: &Stage, name: &str, color: &str, size: &str, rate: u32, frames: u32) {
    let input = format!("color=c={color}:s={size}:r={rate}");
    let made = Command::new("ffmpeg")
        .args(["-v", "error", "-f", "lavfi", "-i", &input, "-frames:v", &frames.to_string()])
        .args(["-c:v", "ffv1", "-pix_fmt", "bgr0"])
        .arg(stage.path(name))
        .status()
        .expect("ffmpeg runs");
    assert!(made.success());
}

/// Red, green and blue at a pixel of a frame, as ffmpeg decodes it.
fn pixel(stage: &Stage, name: &str, frame: u32, x: u32, y: u32) -> [u8; 3] {
    let filter = format!("select=eq(n\\,{frame}),format=gbrp,crop=1:1:{x}:{y}");
    let output = Command::new("ffmpeg")
        .args(["-v", "error", "-i"])
        .arg(stage.path(name))
        .args(["-vf", &filter, "-frames:v", "1", "-f", "rawvideo", "-pix_fmt", "rgb24", "-"])
        .output()
        .expect("ffmpeg runs");
    output.stdout[..].try_into().expect("one pixel")
}

fn near(found: [u8; 3], wanted: [u8; 3]) -> bool {
    found.iter().zip(wanted).all(|(one, other)| one.abs_diff(other) <= 3)
}

fn stream(stage: &Stage, name: &str) -> Value {
    let output = Command::new("ffprobe")
        .args(["-v", "error", "-of", "json", "-count_frames", "-show_streams"])
        .arg(stage.path(name))
        .output()
        .expect("ffprobe runs");
    let probed: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    probed["streams"][0].clone()
}

#[test]
fn tiles_stand_where_and_when_they_should() {
    if !has("ffmpeg") || !has("ffprobe") {
        return;
    }
    let stage = Stage::new();
    clip(&stage, "red.mkv", "red", "64x48", 10, 10);
    clip(&stage, "blue.mkv", "blue", "128x96", 20, 20);
    std::fs::write(stage.path("noise.png"), png(2)).expect("written");
    let out = stage.text("out.mkv");
    let late = json!({"path": stage.text("blue.mkv"), "offset_secs": 0.5}).to_string();
    let inner =
        json!({"layout": "column", "tiles": [stage.text("red.mkv"), stage.text("noise.png")]});
    let given = [
        "mosaic",
        &stage.text("red.mkv"),
        &late,
        &inner.to_string(),
        &out,
        "--layout",
        "row",
        "--background",
        "#00ff00",
        "--codec",
        "ffv1",
    ];
    let plan = stage.done(&[&given[..], &["--dry-run"]].concat())["plan"].clone();
    let does = text(&plan["effects"][0]["does"]);
    // 64x48 and 128x96 at one height, and a column of 64x48 and 64x64.
    assert!(does.contains("155x48, 20 frames a second, 30 frames"), "{does}");
    assert!(!stage.path("out.mkv").exists());

    let report = stage.done(&given);
    assert_eq!((&report["frames"], &report["lost_frames"]), (&json!(30), &json!(0)));
    let probed = stream(&stage, "out.mkv");
    assert_eq!((&probed["width"], &probed["height"]), (&json!(155), &json!(48)));
    assert_eq!(
        (&probed["nb_read_frames"], &probed["r_frame_rate"]),
        (&json!("30"), &json!("20/1"))
    );
    let at = |frame, x, y| pixel(&stage, "out.mkv", frame, x, y);
    let (red, green, blue) = ([255, 0, 0], [0, 255, 0], [0, 0, 255]);
    let wanted = [
        (0, 10, 10, red),
        (0, 90, 10, green),
        (9, 90, 10, green),
        (10, 90, 10, blue),
        (19, 10, 10, red),
        (20, 10, 10, green),
        (29, 90, 10, blue),
        (0, 136, 5, red),
        (25, 136, 5, green),
    ];
    for (frame, x, y, color) in wanted {
        let found = at(frame, x, y);
        assert!(near(found, color), "frame {frame} at {x},{y}: {found:?}, not {color:?}");
    }
}

#[test]
fn pictures_in_a_row_are_tiles() {
    if !has("ffmpeg") || !has("ffprobe") {
        return;
    }
    let stage = Stage::new();
    // Two arrays, so that each tile has its own files; stills that count from 3.
    for (name, color, rate) in [("red", "red", 10), ("blue", "blue", 20)] {
        clip(&stage, &format!("{name}.mkv"), color, "64x48", rate, rate);
        let (clip, array) = (stage.text(&format!("{name}.mkv")), format!("{name}.zarr"));
        stage.done(&["convert", &clip, &stage.text(&array)]);
    }
    std::fs::create_dir(stage.path("lime")).expect("a folder");
    clip(&stage, "lime.mkv", "lime", "64x48", 25, 5);
    let numbered = stage.text("lime/lime.%02d.png");
    stage.done(&["convert", &stage.text("lime.mkv"), &numbered, "--start-number", "3"]);
    let out = stage.text("out.mkv");
    let tiles =
        [&*stage.text("red.zarr"), &numbered, &*stage.text("blue.zarr"), &*stage.text("lime")];
    let late = json!({"path": tiles[3], "offset_secs": 0.5, "speed": 0.5}).to_string();
    let given = ["mosaic", tiles[0], tiles[1], tiles[2], &late, &out, "--layout", "row"];
    let given = [&given[..], &["--background", "#ffffff", "--codec", "ffv1"]].concat();
    let plan = stage.done(&[&given[..], &["--dry-run"]].concat())["plan"].clone();
    let does = text(&plan["effects"][0]["does"]);
    assert!(does.contains("256x48, 25 frames a second, 25 frames"), "{does}");
    assert!(!stage.path("out.mkv").exists());

    let report = stage.done(&given);
    assert_eq!((&report["frames"], &report["lost_frames"]), (&json!(25), &json!(0)));
    let (red, green, blue, white) = ([255, 0, 0], [0, 255, 0], [0, 0, 255], [255; 3]);
    for (frame, x, color) in [
        (0, 10, red),
        (24, 10, red),
        (0, 74, green),
        (4, 74, green),
        (5, 74, white),
        (0, 138, blue),
        (24, 138, blue),
        (12, 202, white),
        (13, 202, green),
        (22, 202, green),
        (23, 202, white),
    ] {
        let found = pixel(&stage, "out.mkv", frame, x, 10);
        assert!(near(found, color), "frame {frame} at {x}: {found:?}, not {color:?}");
    }

    // None of them is replaced by what is made of them.
    for own in ["red.zarr", "lime/lime.04.png"] {
        let into = stage.text(own);
        let refused = stage.run(&["mosaic", tiles[0], tiles[1], &into, "--overwrite"]);
        assert_eq!(refused.code, 2, "{own}: {refused:?}");
    }
}

/// A second of one colour at ten frames a second, with a tone where one is
/// asked for.
fn tone(stage: &Stage, name: &str, color: &str, hz: Option<u32>) {
    let picture = format!("color=c={color}:s=64x48:r=10");
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "error", "-f", "lavfi", "-i", &picture]);
    if let Some(hz) = hz {
        let sine = format!("sine=frequency={hz}:sample_rate=44100");
        command.args(["-f", "lavfi", "-i", &sine, "-c:a", "pcm_s16le"]);
    }
    let made = command.args(["-t", "1", "-c:v", "ffv1"]).arg(stage.path(name)).status();
    assert!(made.is_ok_and(|status| status.success()));
}

/// How loud a tone is between two times of a file's sound, as its amplitude;
/// ffmpeg's tones have 0.125.
fn loudness(stage: &Stage, name: &str, hz: f64, from_secs: f64, to_secs: f64) -> f64 {
    let output = Command::new("ffmpeg")
        .args(["-v", "error", "-i"])
        .arg(stage.path(name))
        .args(["-map", "0:a", "-f", "f32le", "-ac", "1", "-ar", "48000", "-"])
        .output()
        .expect("ffmpeg runs");
    let samples: Vec<f64> = output
        .stdout
        .chunks_exact(4)
        .map(|it| f64::from(f32::from_le_bytes(it.try_into().expect("four bytes"))))
        .collect();
    let (from, to) = ((from_secs * 48e3) as usize, (to_secs * 48e3) as usize);
    let part = &samples[from.min(samples.len())..to.min(samples.len())];
    let (mut across, mut along) = (0.0, 0.0);
    for (at, sample) in part.iter().enumerate() {
        let (sine, cosine) = (std::f64::consts::TAU * hz * at as f64 / 48e3).sin_cos();
        across += sample * sine;
        along += sample * cosine;
    }
    across.hypot(along) * 2.0 / (to - from) as f64
}

#[test]
fn tiles_are_heard_when_and_as_they_are_shown() {
    if !has("ffmpeg") || !has("ffprobe") {
        return;
    }
    let stage = Stage::new();
    tone(&stage, "mute.mkv", "green", None);
    tone(&stage, "low.mkv", "red", Some(440));
    tone(&stage, "high.mkv", "blue", Some(1000));
    let late = json!({"path": stage.text("high.mkv"), "offset_secs": 0.5}).to_string();
    let tiles = ["mosaic", &stage.text("mute.mkv"), &stage.text("low.mkv"), &late];
    let make =
        |name: &str, more: &[&str]| stage.done(&[&tiles[..], &[&stage.text(name)], more].concat());
    let near = |name: &str, hz: f64, from: f64, to: f64, wanted: f64| {
        let found = loudness(&stage, name, hz, from, to);
        assert!((found - wanted).abs() < 0.008, "{name}: {hz} Hz {from}-{to}: {found}");
    };
    // The first that has sound; nothing is heard of it once it is over.
    assert_eq!(make("first.mkv", &[])["sounds"], json!([2]));
    near("first.mkv", 440.0, 0.1, 0.9, 0.125);
    near("first.mkv", 440.0, 1.1, 1.4, 0.0);
    near("first.mkv", 1000.0, 0.6, 1.4, 0.0);
    // One that begins later is heard later.
    assert_eq!(make("third.mkv", &["--sound", "3"])["sounds"], json!([3]));
    near("third.mkv", 1000.0, 0.1, 0.45, 0.0);
    near("third.mkv", 1000.0, 0.55, 1.4, 0.125);
    assert_eq!(make("mix.mp4", &["--sound", "mix"])["sounds"], json!([2, 3]));
    near("mix.mp4", 440.0, 0.1, 0.9, 0.0625);
    near("mix.mp4", 1000.0, 0.6, 1.4, 0.0625);
    near("mix.mp4", 440.0, 1.1, 1.4, 0.0);
    assert_eq!(make("none.mkv", &["--sound", "none"])["sounds"], json!([]));
    assert_eq!(stream(&stage, "none.mkv")["codec_type"], "video");
    assert_eq!(loudness(&stage, "none.mkv", 440.0, 0.0, 1.0), 0.0);
    assert_eq!(make("mute.gif", &[])["sounds"], json!([]));

    // Twice as fast: half as long, and an octave higher. The first half second
    // of the other is passed over.
    let fast = json!({"path": stage.text("low.mkv"), "speed": 2}).to_string();
    let early = json!({"path": stage.text("high.mkv"), "offset_secs": -0.5}).to_string();
    let out = stage.text("fast.mkv");
    stage.done(&["mosaic", &fast, &early, &stage.text("mute.mkv"), &out, "--sound", "mix"]);
    near("fast.mkv", 880.0, 0.05, 0.45, 0.0625);
    near("fast.mkv", 1000.0, 0.05, 0.45, 0.0625);
    near("fast.mkv", 880.0, 0.55, 0.95, 0.0);
    near("fast.mkv", 1000.0, 0.55, 0.95, 0.0);

    let (mute, gif) = (stage.text("mute.mkv"), stage.text("no.gif"));
    for (given, code) in [
        (vec!["mosaic", &mute, &out, "--overwrite", "--sound", "2"], 2),
        (vec!["mosaic", &mute, &out, "--overwrite", "--sound", "1"], 2),
        (vec!["mosaic", &mute, &out, "--overwrite", "--sound", "loud"], 2),
        (vec!["mosaic", &fast, &gif, "--sound", "1"], 4),
    ] {
        let refused = stage.run(&given);
        assert_eq!(refused.code, code, "{given:?}: {refused:?}");
    }
}

#[test]
fn a_still_takes_the_first_frame_and_nothing_is_replaced() {
    let stage = Stage::new();
    for name in ["a.png", "b.png"] {
        std::fs::write(stage.path(name), png(1)).expect("written");
    }
    let (a, b, out) = (stage.text("a.png"), stage.text("b.png"), stage.text("sheet.png"));
    let report = stage.done(&["mosaic", &a, &b, &out, "--columns", "2", "--spacing-px", "4"]);
    assert_eq!((&report["width_px"], &report["height_px"]), (&json!(20), &json!(8)));
    assert_eq!(report["frames"], 1);
    let refused = stage.run(&["mosaic", &a, &b, &out]);
    assert_eq!((refused.code, &refused.json["error"]["kind"]), (9, &json!("conflict")));
    let own = stage.run(&["mosaic", &a, &b, &a, "--overwrite"]);
    assert_eq!(own.code, 2, "{own:?}");
}

#[test]
fn what_makes_no_sense_is_said() {
    let stage = Stage::new();
    std::fs::write(stage.path("a.png"), png(1)).expect("written");
    let (a, out) = (stage.text("a.png"), stage.text("out.png"));
    let tile = |more: &str| format!("{{\"path\":{},{more}}}", json!(a));
    for (given, code) in [
        (vec!["mosaic", &a, &out, "--lead", "2"], 2),
        (vec!["mosaic", &a, &out, "--background", "green"], 2),
        (vec!["mosaic", &a, &out, "--layout", "pile"], 2),
        (vec!["mosaic", &tile("\"speed\":0"), &out], 2),
        (vec!["mosaic", &tile("\"filters\":[\"nosuch\"]"), &out], 2),
        (vec!["mosaic", &tile("\"sped\":1"), &out], 2),
        (vec!["mosaic", &stage.text("none.png"), &out], 3),
        (vec!["mosaic", &a, &stage.text("out.xyz")], 4),
    ] {
        let refused = stage.run(&given);
        assert_eq!(refused.code, code, "{given:?}: {refused:?}");
    }
    assert!(!stage.path("out.png").exists());
}
