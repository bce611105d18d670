//! `convert` through the command: the plan, the job, the new file and what is
//! there when it does not come to an end.

#![expect(clippy::expect_used, reason = "a test that cannot go on stops there")]

mod support;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use support::bytes::png;
use support::{Stage, has, make_clip, text};

fn ffprobe(stage: &Stage, name: &str) -> Value {
    let output = Command::new("ffprobe")
        .args(["-v", "error", "-of", "json", "-show_streams"])
        .arg(stage.path(name))
        .output()
        .expect("ffprobe");
    serde_json::from_slice(&output.stdout).expect("JSON")
}

fn names(stage: &Stage) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(stage.path(""))
        .expect("a folder")
        .map(|entry| entry.expect("an entry").file_name().into_string().expect("text"))
        .collect();
    names.sort();
    names
}

#[test]
fn a_plan_first_then_the_file_and_never_another() {
    let stage = Stage::new();
    if !make_clip(&stage.path("clip.mp4"), &["-pix_fmt", "yuv420p"]) {
        return;
    }
    let (clip, out) = (stage.text("clip.mp4"), stage.text("out.mkv"));
    let filtered = ["convert", &clip, &out, "--filter", "resize:width_px=32", "--codec", "ffv1"];
    let plan = stage.done(&[&filtered[..], &["--dry-run"]].concat())["plan"].clone();
    let does = text(&plan["effects"][0]["does"]);
    for word in ["out.mkv", "encoded as ffv1", "copied"] {
        assert!(does.contains(word), "{word} in {does}");
    }
    assert!(!stage.path("out.mkv").exists());

    let report = stage.done(&filtered);
    assert_eq!((&report["frames"], &report["lost_frames"]), (&json!(10), &json!(0)));
    let size = std::fs::metadata(stage.path("out.mkv")).expect("there").len();
    assert_eq!(report["size_bytes"], size);
    let probed = ffprobe(&stage, "out.mkv");
    assert_eq!(
        (&probed["streams"][0]["codec_name"], &probed["streams"][0]["width"]),
        (&json!("ffv1"), &json!(32))
    );
    assert_eq!(probed["streams"][0]["height"], 24);
    let job = &stage.done(&["jobs", "list"])["jobs"][0];
    assert_eq!((&job["state"], &job["kind"]), (&json!("done"), &json!("convert")));
    assert_eq!(
        (&job["done"], &job["total"], &job["unit"]),
        (&json!(10), &json!(10), &json!("frames"))
    );

    // Its name is taken now, by a file that stays as it is.
    let refused = stage.run(&filtered);
    assert_eq!((refused.code, &refused.json["error"]["kind"]), (9, &json!("conflict")));
    assert_eq!(std::fs::metadata(stage.path("out.mkv")).expect("there").len(), size);
    stage.done(&[&filtered[..], &["--overwrite"]].concat());
    // Not even then does a file replace itself.
    let own = stage.run(&["convert", &clip, &clip, "--overwrite"]);
    assert_eq!(own.code, 2, "{own:?}");
    assert_eq!(names(&stage), ["clip.mp4", "home", "media", "out.mkv"]);
}

#[test]
fn stills_are_set_upright() {
    let stage = Stage::new();
    if !make_clip(&stage.path("plain.jpg"), &["-map", "0:v", "-frames:v", "1"]) || !has("exiftool")
    {
        return;
    }
    let turned = Command::new("exiftool")
        .args(["-q", "-overwrite_original", "-Orientation#=6"])
        .arg(stage.path("plain.jpg"))
        .status();
    assert!(turned.is_ok_and(|status| status.success()));
    stage.done(&["convert", &stage.text("plain.jpg"), &stage.text("upright.png")]);
    let probed = ffprobe(&stage, "upright.png");
    let size = (&probed["streams"][0]["width"], &probed["streams"][0]["height"]);
    assert_eq!(size, (&json!(48), &json!(64)), "64x48 on its side");
}

/// What exiftool reads of a file's metadata, by group and tag.
fn tags(stage: &Stage, name: &str) -> BTreeMap<String, Value> {
    let groups = ["-j", "-n", "-G1", "-EXIF:all", "-XMP:all", "-IPTC:all", "-ICC_Profile:all"];
    let output = Command::new("exiftool").args(groups).arg(stage.path(name)).output();
    let mut said: Vec<BTreeMap<String, Value>> =
        serde_json::from_slice(&output.expect("exiftool").stdout).expect("JSON");
    let mut tags = said.pop().expect("one file");
    tags.remove("SourceFile");
    tags
}

/// A photograph that lies on its side: in every format that holds metadata all of
/// it is there, but for what is not true any more and what the plan says.
#[test]
fn the_metadata_of_a_still_goes_along() {
    let stage = Stage::new();
    if !make_clip(&stage.path("a.jpg"), &["-map", "0:v", "-frames:v", "1"]) || !has("exiftool") {
        return;
    }
    let p3 = Path::new(env!("CARGO_MANIFEST_DIR")).join("../rushes-codec/tests/golden/p3.jpg");
    std::fs::copy(&p3, stage.path("small.jpg")).expect("copied");
    let thumbnail = format!("-ThumbnailImage<={}", stage.text("small.jpg"));
    let tagged = Command::new("exiftool")
        .args(["-q", "-overwrite_original", "-tagsFromFile"])
        .arg(&p3)
        .args(["-icc_profile", "-Orientation#=6", "-Make=Example Optics", "-ISO=1600"])
        .args(["-DateTimeOriginal=2024:05:19 23:11:40", "-ExposureTime=1/250"])
        .args(["-ExifImageWidth=64", "-ExifImageHeight=48", "-UserComment=gulls", &thumbnail])
        .args([
            "-GPSLatitude=57.27",
            "-GPSLatitudeRef=N",
            "-XMP:Title=Dawn",
            "-XMP-tiff:Orientation#=6",
        ])
        .args(["-IPTC:Keywords=harbour"])
        .arg(stage.path("a.jpg"))
        .status();
    assert!(tagged.is_ok_and(|status| status.success()));
    let mut given = tags(&stage, "a.jpg");
    assert!(given.len() > 30 && given.contains_key("IFD1:ThumbnailImage"), "{given:?}");
    given.retain(|name, _| !name.starts_with("IFD1:"));
    let changed = [
        ("IFD0:Orientation", 1),
        ("XMP-tiff:Orientation", 1),
        ("ExifIFD:ExifImageWidth", 48),
        ("ExifIFD:ExifImageHeight", 64),
    ];
    for (name, value) in changed {
        given.insert(name.to_owned(), json!(value));
    }
    let (original, mut compared) = (stage.text("a.jpg"), 0);
    for (extension, holds_iptc) in
        [("jpg", true), ("tif", true), ("png", false), ("webp", false), ("avif", false)]
    {
        let name = format!("b.{extension}");
        let line = ["convert", &original, &stage.text(&name)];
        let plan = stage.done(&[&line[..], &["--dry-run"]].concat())["plan"].clone();
        let does = text(&plan["effects"][0]["does"]);
        assert!(does.contains("with EXIF, XMP") && does.contains("ICC profile"), "{does}");
        assert_eq!(does.contains("has no place for IPTC"), !holds_iptc, "{does}");
        stage.done(&line);
        let mut found = tags(&stage, &name);
        let mut wanted = given.clone();
        if extension == "tif" {
            // The picture's own, and the tag of JPEG's chroma.
            found.retain(|name, _| wanted.contains_key(name));
            wanted.remove("IFD0:YCbCrPositioning");
        }
        if !holds_iptc {
            wanted.retain(|name, _| !name.starts_with("IPTC:"));
        }
        assert_eq!(found, wanted, "{extension}");
        compared += 1;
    }
    assert_eq!(compared, 5);

    // Without a place for the profile, and for a filter, the colours become sRGB.
    for arguments in [vec!["c.bmp"], vec!["c.jpg", "--filter", "clahe"]] {
        let out = stage.text(arguments[0]);
        let line = [&["convert", &original, &out], &arguments[1..]].concat();
        let plan = stage.done(&[&line[..], &["--dry-run"]].concat())["plan"].clone();
        let does = text(&plan["effects"][0]["does"]);
        assert!(does.contains("its colours become sRGB"), "{does}");
        stage.done(&line);
        assert!(!tags(&stage, arguments[0]).contains_key("ICC-header:ColorSpaceData"));
    }
    assert_eq!(tags(&stage, "c.jpg")["IFD0:Make"], "Example Optics");
}

#[test]
fn what_makes_no_sense_is_said_and_leaves_nothing() {
    let stage = Stage::new();
    stage.write("a.png", &png(1));
    stage.write("noise.mp4", &support::bytes::noise(7, 50_000));
    let (still, noise) = (stage.text("a.png"), stage.text("noise.mp4"));
    let out = |name: &str| stage.text(name);
    for (arguments, code, word) in [
        (vec![&*still, &*out("b.mp4")], 4, "still"),
        (vec![&*still, &*out("b.xyz")], 4, "xyz"),
        (vec![&*still, &*out("b")], 4, "still"),
        (vec![&*noise, &*out("b.mkv")], 4, ""),
        (vec![&*still, &*out("b.jpg"), "--codec", "hevc"], 2, "codec"),
        (vec![&*still, &*out("b.jpg"), "--filter", "blurr"], 2, "box_blur"),
        (vec![&*still, &*out("b.jpg"), "--filter", "resize:width_px=0"], 2, "width_px"),
        (vec![&*still, &*out("b.jpg"), "--filter", "crop:left_px=9999"], 2, "left"),
        (vec![&*still, &*out("no/such/b.jpg")], 3, "no such"),
        (vec![&*out("nothing.png"), &*out("b.jpg")], 3, "no such"),
    ] {
        let ran = stage.run(&[&["convert"][..], &arguments].concat());
        assert_eq!(ran.code, code, "{arguments:?}: {ran:?}");
        let said = ran.json.to_string();
        assert!(said.contains(word), "{word:?} in {said}");
    }
    assert_eq!(names(&stage), ["a.png", "home", "media", "noise.mp4"]);
}

/// A conversion into `out.mp4` that takes long, once bytes come out of its
/// worker; nothing where it cannot be made.
fn long_conversion(stage: &Stage) -> Option<Child> {
    let long =
        ["-map", "0:v", "-vf", "loop=-1:100:0,scale=640:480", "-t", "60", "-pix_fmt", "yuv420p"];
    if !make_clip(&stage.path("long.mkv"), &[&long[..], &["-c:v", "mpeg4"]].concat()) {
        return None;
    }
    let arguments = ["convert", &stage.text("long.mkv"), &stage.text("out.mp4"), "--codec", "hevc"];
    let mut child = stage
        .command(&arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("started");
    let begun = Instant::now();
    while !names(stage).iter().any(|name| is_partial(name)) {
        assert!(begun.elapsed() < Duration::from_secs(60), "it never began");
        assert!(child.try_wait().expect("asked").is_none(), "it ended too soon");
        std::thread::yield_now();
    }
    Some(child)
}

fn is_partial(name: &str) -> bool {
    name.starts_with(".partial-")
}

/// A signal ends it soon, and neither name nor a part of the file is left.
#[test]
fn it_can_be_cancelled() {
    let stage = Stage::new();
    let Some(mut child) = long_conversion(&stage) else { return };
    let asked = Instant::now();
    kill_process(Pid::from_child(&child), Signal::INT).expect("a signal");
    let status = child.wait().expect("ended");
    assert!(!status.success());
    assert!(asked.elapsed() < Duration::from_secs(3), "{:?}", asked.elapsed());
    assert_eq!(names(&stage), ["home", "long.mkv", "media"]);
    let job = &stage.done(&["jobs", "list"])["jobs"][0];
    assert_eq!(job["state"], "cancelled");
}

/// What a killed one leaves behind is gone with the next into the same file,
/// but never that of one that lives.
#[test]
fn a_killed_one_leaves_nothing_for_ever() {
    let stage = Stage::new();
    if !make_clip(&stage.path("short.mp4"), &["-pix_fmt", "yuv420p"]) {
        return;
    }
    let Some(mut child) = long_conversion(&stage) else { return };
    let into = |name: &str| {
        let arguments = ["convert", &stage.text("short.mp4"), &stage.text(name), "--overwrite"];
        stage.done(&arguments);
        names(&stage).into_iter().filter(|name| is_partial(name)).count()
    };
    assert_eq!(into("out.mp4"), 1, "its writer lives");
    kill_process(Pid::from_child(&child), Signal::KILL).expect("a signal");
    child.wait().expect("ended");
    assert_eq!(into("other.mp4"), 1, "it is of another file");
    assert_eq!(into("out.mp4"), 0);
    assert_eq!(names(&stage), ["home", "long.mkv", "media", "other.mp4", "out.mp4", "short.mp4"]);
}

#[test]
fn the_help_names_every_filter_with_its_parameters() {
    let stage = Stage::new();
    let output = stage.command(&["help", "convert"]).output().expect("help");
    let help = String::from_utf8(output.stdout).expect("text");
    for words in ["resize  ", "height_px, scale, width_px", "clahe  ", "clip_limit", "denoise  "] {
        assert!(help.contains(words), "{words} in {help}");
    }
}
