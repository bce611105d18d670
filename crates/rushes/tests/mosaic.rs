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
