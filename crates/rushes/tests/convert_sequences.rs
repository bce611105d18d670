//! Pictures in a row become video: what ffmpeg decodes of the new file is what
//! it decodes of the pictures.

#![expect(clippy::expect_used, reason = "a test that cannot go on stops there")]

mod support;

use std::path::PathBuf;
use std::process::Command;

use serde_json::json;
use support::bytes::png;
use support::{Stage, has, text};

fn kept(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../rushes-codec/tests/sequences").join(name)
}

/// What ffmpeg says, or writes, with these arguments.
fn ffmpeg(arguments: &[&str]) -> Vec<u8> {
    let output =
        Command::new("ffmpeg").args(["-v", "error"]).args(arguments).output().expect("ffmpeg");
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    output.stdout
}

/// Every frame of a video as grey numbers.
fn gray(path: &str) -> Vec<u8> {
    let passed = ["-fps_mode", "passthrough", "-f", "rawvideo", "-pix_fmt", "gray", "-"];
    ffmpeg(&[&["-i", path], &passed[..]].concat())
}

/// The MD5 of each frame of what these arguments read.
fn frames(input: &[&str]) -> Vec<String> {
    let found = ffmpeg(&[input, &["-f", "framemd5", "-pix_fmt", "rgb24", "-"]].concat());
    let found = String::from_utf8(found).expect("text");
    let lines = found.lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(|line| line.rsplit(',').next()).map(|it| it.trim().to_owned()).collect()
}

/// What ffprobe says of the first stream, one line an entry.
fn ffprobe(stage: &Stage, name: &str, entries: &str) -> Vec<String> {
    let output = Command::new("ffprobe")
        .args(["-v", "error", "-select_streams", "v:0", "-of", "default=nk=1:nw=1"])
        .args(["-show_entries", entries])
        .arg(stage.path(name))
        .output()
        .expect("ffprobe");
    let found = String::from_utf8(output.stdout).expect("text");
    found.lines().map(str::to_owned).collect()
}

/// A stage with twelve numbered stills in the folder `shots`, from 0003 on, made
/// by ffmpeg, and what each looks like; none where ffmpeg is missing.
fn stage_of_stills() -> Option<(Stage, Vec<String>)> {
    if !has("ffmpeg") || !has("ffprobe") {
        return None;
    }
    let stage = Stage::new();
    std::fs::create_dir(stage.path("shots")).expect("a folder");
    let (source, path) = ("testsrc2=s=64x48:r=25", stage.text("shots/shot.%04d.png"));
    ffmpeg(&["-f", "lavfi", "-i", source, "-frames:v", "12", "-start_number", "3", &path]);
    let looks = frames(&["-start_number", "3", "-i", &path]);
    Some((stage, looks))
}

#[test]
fn stills_by_pattern_folder_and_wildcards() {
    let Some((stage, wanted)) = stage_of_stills() else { return };
    assert_eq!(wanted.len(), 12);
    let given = ["shots/shot.%04d.png", "shots/shot.####.png", "shots", "shots/shot*.png"];
    for (number, given) in given.into_iter().enumerate() {
        let (given, out) = (stage.text(given), format!("out{number}.mkv"));
        let into = stage.text(&out);
        let asked = ["convert", &given, &into, "--codec", "ffv1", "--fps", "30000/1001"];
        let plan = stage.done(&[&asked[..], &["--dry-run"]].concat())["plan"].clone();
        let does = text(&plan["effects"][0]["does"]);
        assert!(does.contains("12 frames of 64x48, 30000/1001 a second"), "{does}");
        assert!(!stage.path(&out).exists());
        let report = stage.done(&asked);
        assert_eq!((&report["frames"], &report["lost_frames"]), (&json!(12), &json!(0)));
        assert_eq!(frames(&["-i", &into]), wanted, "{given}");
        assert_eq!(ffprobe(&stage, &out, "stream=r_frame_rate"), ["30000/1001"]);
        let listed = &stage.done(&["jobs", "list"])["jobs"];
        assert_eq!((&listed[0]["done"], &listed[0]["total"]), (&json!(12), &json!(12)));
    }

    // Filters change them, other codecs take them, and a number that is missing is told.
    std::fs::remove_file(stage.path("shots/shot.0005.png")).expect("removed");
    let broken = std::fs::read(stage.path("shots/shot.0009.png")).expect("a still");
    stage.write("shots/shot.0009.png", &broken[..300]);
    let (given, into) = (stage.text("shots/shot.####.png"), stage.text("small.mp4"));
    let asked = ["convert", &given, &into, "--filter", "resize:width_px=32"];
    let report = stage.run(&asked);
    // A picture that cannot be decoded is left out, told, and what the command ends with.
    assert_eq!((report.code, &report.json["frames"]), (1, &json!(10)), "{report:?}");
    assert_eq!(report.json["lost_frames"], 1);
    let becomes = text(&report.json["streams"][0]["becomes"]);
    assert!(becomes.contains('5') && becomes.contains("25 a second"), "{becomes}");
    assert_eq!(ffprobe(&stage, "small.mp4", "stream=width,height"), ["32", "24"]);

    // None of them is replaced by what is made of them.
    let own = stage.text("shots/shot.0004.png");
    let refused = stage.run(&["convert", &given, &own, "--overwrite"]);
    assert_eq!(refused.code, 2, "{refused:?}");
}

#[test]
fn recordings_pages_and_animations() {
    if !has("ffmpeg") || !has("ffprobe") {
        return;
    }
    let stage = Stage::new();
    let make = |name: &str, more: &[&str]| {
        let given = kept(name).to_str().expect("text").to_owned();
        let out = format!("{name}.mkv");
        let into = stage.text(&out);
        stage.done(&[&["convert", &given, &into, "--codec", "ffv1"], more].concat());
        (out, into)
    };
    // Numbers and times of a Norpix recording, at millisecond of Matroska.
    let (out, into) = make("mono8_v5.seq", &[]);
    let numbers = gray(&into);
    assert!(numbers == std::fs::read(kept("mono8_v5.seq.numbers")).expect("numbers"));
    let times = ffprobe(&stage, &out, "frame=pts_time");
    let wanted = [0.0, 0.003_141, 0.006_282, 0.010_423, 0.013_564];
    assert_eq!(times.len(), wanted.len());
    for (time, wanted) in times.iter().zip(wanted) {
        let time: f64 = time.parse().expect("a number");
        assert!((time - wanted).abs() < 0.000_6, "{times:?}");
    }
    // At a rate that is asked for: what is shown at 0, 2, 4... ms of 16.9.
    let (given, into) = (kept("mono8_v5.seq"), stage.text("even.mkv"));
    let given = given.to_str().expect("text");
    stage.done(&["convert", given, &into, "--codec", "ffv1", "--fps", "500"]);
    let even = gray(&into);
    let whole = std::fs::read(kept("mono8_v5.seq.numbers")).expect("numbers");
    let recorded: Vec<&[u8]> = whole.chunks(20 * 12).collect();
    let shown: Vec<u8> =
        [0, 0, 1, 1, 2, 2, 3, 4, 4].iter().flat_map(|&at: &usize| recorded[at].to_vec()).collect();
    assert!(even == shown, "{} of {} bytes", even.len(), shown.len());

    let (out, _) = make("moving.webp", &[]);
    let lasts = std::fs::read_to_string(kept("moving.webp.times")).expect("times");
    let mut starts = vec![0_i64];
    for lasts in lasts.lines() {
        starts.push(starts[starts.len() - 1] + lasts.parse::<i64>().expect("a number"));
    }
    starts.pop();
    let times = ffprobe(&stage, &out, "frame=pts_time");
    let found: Vec<i64> = times
        .iter()
        .map(|it| (it.parse::<f64>().expect("a number") * 1e3).round() as i64)
        .collect();
    assert_eq!(found, starts);

    let (out, into) = make("pages.tif", &["--fps", "10"]);
    assert_eq!(ffprobe(&stage, &out, "stream=r_frame_rate"), ["10/1"]);
    let first = frames(&["-i", kept("pages.tif").to_str().expect("text")]);
    let found = frames(&["-i", &into]);
    assert!(found.len() > 1);
    assert_eq!(found[0], first[0]);
}

#[test]
fn a_hiris_recording_is_read_with_the_files_beside_it() {
    if !has("ffmpeg") {
        return;
    }
    let stage = Stage::new();
    let frames: Vec<u8> = (0..5 * 48).map(|at: u32| (at * 5) as u8).collect();
    stage.write("shot.seq", b"[Sequence Settings]\nWidth=8\nHeight=6\nBytesPerPixel=1\n");
    stage.write("shot_0.bin", &frames[..3 * 48]);
    stage.write("shot_1.bin", &frames[3 * 48..]);
    let (given, into) = (stage.text("shot.seq"), stage.text("out.mkv"));
    stage.done(&["convert", &given, &into, "--codec", "ffv1", "--fps", "100"]);
    let found = gray(&into);
    assert!(found == frames);
}

#[test]
fn arrays_become_video() {
    let Some((stage, wanted)) = stage_of_stills() else { return };
    let (array, into) = (stage.text("clip.zarr"), stage.text("out.mkv"));
    stage.done(&["convert", &stage.text("shots"), &array, "--fps", "30000/1001"]);
    let asked = ["convert", &array, &into, "--codec", "ffv1"];
    let plan = stage.done(&[&asked[..], &["--dry-run"]].concat())["plan"].clone();
    let does = text(&plan["effects"][0]["does"]);
    assert!(does.contains("12 frames of 64x48, 30000/1001 a second"), "{does}");
    assert_eq!(stage.done(&asked)["frames"], 12);
    assert_eq!(frames(&["-i", &into]), wanted);
    assert_eq!(ffprobe(&stage, "out.mkv", "stream=r_frame_rate"), ["30000/1001"]);

    // Nothing is written into the folder that it is read from.
    for own in ["clip.zarr", "clip.zarr/c/0/0/0/0", "clip.zarr/out.mkv"] {
        let refused = stage.run(&["convert", &array, &stage.text(own), "--overwrite"]);
        assert_ne!(refused.code, 0, "{own}: {refused:?}");
    }
    assert_eq!(stage.done(&["convert", &array, &stage.text("again.mkv")])["frames"], 12);

    // As others write them: chunks of several frames, spread over a frame, not
    // packed, with dots in their names, and one left out, which is all 7.
    let header = json!({
        "zarr_format": 3,
        "node_type": "array",
        "shape": [3, 8, 10],
        "data_type": "uint8",
        "chunk_grid": { "name": "regular", "configuration": { "chunk_shape": [2, 8, 6] } },
        "chunk_key_encoding": { "name": "v2" },
        "fill_value": 7,
        "codecs": [{ "name": "bytes" }],
    });
    stage.write("other.zarr/zarr.json", header.to_string().as_bytes());
    let number = |t: usize, y: usize, x: usize| (t * 80 + y * 10 + x) as u8;
    for (name, first, left) in [("0.0.0", 0, 0), ("0.0.1", 0, 6), ("1.0.0", 2, 0)] {
        let at = (first..first + 2).flat_map(|t| (0..8).map(move |y| (t, y)));
        let chunk = at.flat_map(|(t, y)| (left..left + 6).map(move |x| number(t, y, x)));
        stage.write(format!("other.zarr/{name}"), &chunk.collect::<Vec<u8>>());
    }
    let into = stage.text("other.mkv");
    stage.done(&["convert", &stage.text("other.zarr"), &into, "--codec", "ffv1"]);
    let found = gray(&into);
    let places = (0..3).flat_map(|t| (0..8).flat_map(move |y| (0..10).map(move |x| (t, y, x))));
    let wanted = places.map(|(t, y, x)| if t == 2 && x >= 6 { 7 } else { number(t, y, x) });
    assert_eq!(found, wanted.collect::<Vec<u8>>());

    // What contradicts itself is said, and what is no array of pictures.
    stage.write("other.zarr/1.0.0", b"short");
    let broken = stage.run(&["convert", &stage.text("other.zarr"), &stage.text("b.mkv")]);
    assert_eq!((broken.code, &broken.json["lost_frames"]), (1, &json!(1)), "{broken:?}");
    stage.write("other.zarr/zarr.json", b"{}");
    let refused = stage.run(&["convert", &stage.text("other.zarr"), &stage.text("c.mkv")]);
    assert!(refused.json["error"].to_string().contains("Zarr of version 3"), "{refused:?}");
}

#[test]
fn what_makes_no_sense_of_sequences_is_said() {
    let stage = Stage::new();
    std::fs::create_dir(stage.path("mixed")).expect("a folder");
    stage.write("mixed/a1.png", &png(1));
    stage.write("mixed/a2.jpg", b"x");
    let (mixed, one, out) = (stage.text("mixed"), stage.text("mixed/a1.png"), stage.text("o.mp4"));
    let pattern = stage.text("mixed/a#.png");
    for (given, code, word) in [
        (vec!["convert", &mixed, &out], 2, "several formats"),
        (vec!["convert", &stage.text("none.####.png"), &out], 3, "fits the pattern"),
        (vec!["convert", &pattern, &stage.text("o.png")], 4, "number its stills"),
        (vec!["convert", &pattern, &stage.text("o.wav")], 4, "no video can be written"),
        (vec!["convert", &pattern, &out, "--fps", "0"], 2, "rate"),
        (vec!["convert", &pattern, &out, "--codec", "prores"], 2, "prores"),
        (vec!["convert", &one, &out], 4, "pattern"),
    ] {
        let refused = stage.run(&given);
        assert_eq!(refused.code, code, "{given:?}: {refused:?}");
        assert!(refused.json["error"].to_string().contains(word), "{word}: {refused:?}");
    }
    assert!(!stage.path("o.mp4").exists());
}
