//! Cuts, rates and fields: ffmpeg's own filters say which frames and samples
//! belong into the new file.

#![expect(clippy::expect_used, reason = "a test that cannot go on stops there")]

mod support;

use std::process::Command;

use serde_json::{Value, json};
use support::{Stage, ffmpeg, has, text};

const SRT: &str = "1\n00:00:00,200 --> 00:00:00,700\nFirst\n\n\
                   2\n00:00:01,000 --> 00:00:01,900\nSecond\n\n\
                   3\n00:00:01,700 --> 00:00:01,900\nThird\n";
const CHAPTERS: &str = ";FFMETADATA1\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=400\ntitle=A\n\
                        [CHAPTER]\nTIMEBASE=1/1000\nSTART=400\nEND=900\ntitle=B\n\
                        [CHAPTER]\nTIMEBASE=1/1000\nSTART=900\nEND=2000\ntitle=C\n";

fn probed(stage: &Stage, name: &str, what: &str) -> Value {
    let output = Command::new("ffprobe")
        .args(["-v", "error", "-of", "json"])
        .args(what.split_whitespace())
        .arg(stage.path(name))
        .output()
        .expect("ffprobe");
    serde_json::from_slice(&output.stdout).expect("JSON")
}

/// The MD5 of each frame behind a filter.
fn frames(stage: &Stage, name: &str, filter: &str) -> Vec<String> {
    let path = stage.text(name);
    let found = ffmpeg(&format!("-i {path} -map 0:v:0 -vf {filter} -vsync 0 -f framemd5 -"));
    let found = String::from_utf8(found).expect("text");
    let lines = found.lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(|line| line.rsplit(',').next()).map(|it| it.trim().to_owned()).collect()
}

fn samples(stage: &Stage, name: &str, filter: &str) -> Vec<u8> {
    let path = stage.text(name);
    ffmpeg(&format!("-i {path} -map 0:a:0 -af {filter} -f s16le -c:a pcm_s16le -"))
}

fn times(stage: &Stage, name: &str) -> Vec<f64> {
    let found = probed(stage, name, "-select_streams v:0 -show_entries frame=pts_time");
    let frames = found["frames"].as_array().expect("frames");
    frames.iter().map(|it| text(&it["pts_time"]).parse().expect("a number")).collect()
}

/// Two seconds of H.264 with B-frames, sound, subtitles, chapters and a
/// timecode.
fn clip(stage: &Stage) -> String {
    stage.write("words.srt", SRT.as_bytes());
    stage.write("chapters.txt", CHAPTERS.as_bytes());
    let (words, chapters, path) =
        (stage.text("words.srt"), stage.text("chapters.txt"), stage.text("clip.mov"));
    ffmpeg(&format!(
        "-f lavfi -i testsrc2=size=64x48:rate=25:duration=2 \
         -f lavfi -i sine=frequency=440:sample_rate=48000:duration=2 -i {words} -i {chapters} \
         -map 0 -map 1 -map 2 -map_metadata 3 -map_chapters 3 -c:v libx264 -bf 3 -g 50 \
         -pix_fmt yuv420p -c:a pcm_s16le -c:s mov_text -timecode 01:00:00:20 {path}"
    ));
    path
}

#[test]
fn a_cut_is_exact_by_frame_and_by_sample() {
    if !has("ffmpeg") || !has("ffprobe") {
        return;
    }
    let stage = Stage::new();
    let clip = clip(&stage);
    // Frames 13 to 39: 0.52 s is the first behind 0.5 s, and frame 40 begins at 1.6 s.
    for (number, (from, to)) in
        [("0.5", "40f"), ("13f", "00:00:01.600"), ("00:00.52", "1.57")].into_iter().enumerate()
    {
        let out = format!("out{number}.mkv");
        let given = ["convert", &clip, &stage.text(&out), "--codec", "ffv1", "--from", from];
        let report = stage.done(&[&given[..], &["--to", to]].concat());
        assert_eq!(report["frames"], 27, "{report}");
        let wanted = frames(&stage, "clip.mov", "trim=start=0.5:end=1.6,setpts=PTS-STARTPTS");
        assert_eq!(wanted.len(), 27);
        assert_eq!(frames(&stage, &out, "null"), wanted, "{from} {to}");
        let shown = times(&stage, &out);
        assert!(shown[0].abs() < 1e-9 && (shown[26] - 1.04).abs() < 1e-3, "{shown:?}");
        // 1.08 s of sound at 48,000 a second, from sample 24,960 on.
        let wanted = samples(&stage, "clip.mov", "atrim=start_sample=24960:end_sample=76800");
        assert_eq!(wanted.len(), 51_840 * 2);
        assert!(samples(&stage, &out, "anull") == wanted, "{from} {to}");
    }
    let words = ffmpeg(&format!("-i {} -map 0:s:0 -f srt -", stage.text("out0.mkv")));
    let words = String::from_utf8(words).expect("text");
    for line in ["00:00:00,000 --> 00:00:00,180", "00:00:00,480 --> 00:00:01,080"] {
        assert!(words.contains(line), "{words}");
    }
    assert!(!words.contains("Third"), "{words}");
    let chapters = probed(&stage, "out0.mkv", "-show_chapters")["chapters"].clone();
    let spans: Vec<(String, String, String)> = chapters
        .as_array()
        .expect("chapters")
        .iter()
        .map(|it| (text(&it["tags"]["title"]), text(&it["start_time"]), text(&it["end_time"])))
        .collect();
    let span = |title: &str, from: &str, to: &str| (title.into(), from.into(), to.into());
    assert_eq!(spans, [span("B", "0.000000", "0.380000"), span("C", "0.380000", "1.080000")]);
    // The timecode is that of frame 13: 20 + 13 = 33 frames, a second and 8.
    let format = probed(&stage, "out0.mkv", "-show_format -show_streams").to_string();
    assert!(format.contains("01:00:01:08") && !format.contains("01:00:00:20"), "{format}");
}

#[test]
fn what_is_cut_is_copied_only_where_that_is_exact() {
    if !has("ffmpeg") || !has("ffprobe") {
        return;
    }
    let stage = Stage::new();
    let clip = clip(&stage);
    let plan = |given: &str, out: &str, more: &[&str]| {
        let asked = ["convert", given, &stage.text(out), "--from", "10f", "--to", "20f"];
        let plan = stage.done(&[&asked[..], more, &["--dry-run"]].concat())["plan"].clone();
        stage.done(&[&asked[..], more].concat());
        text(&plan["effects"][0]["does"])
    };
    let does = plan(&clip, "again.mov", &[]);
    assert!(does.contains("(h264) encoded as h264"), "{does}");
    assert!(does.contains("(pcm_s16le) encoded as pcm_s16le"), "{does}");
    assert_eq!(times(&stage, "again.mov").len(), 10);
    // Pictures that stand alone are taken as they are.
    let intra = stage.text("intra.mov");
    ffmpeg(&format!("-i {clip} -c:v mjpeg -q:v 3 -an -sn -map_chapters -1 {intra}"));
    let does = plan(&intra, "taken.mov", &[]);
    assert!(does.contains("(mjpeg) copied"), "{does}");
    let wanted = frames(&stage, "intra.mov", "trim=start_frame=10:end_frame=20");
    assert_eq!(wanted.len(), 10);
    assert_eq!(frames(&stage, "taken.mov", "null"), wanted);
    assert!(times(&stage, "taken.mov")[0].abs() < 1e-9);

    // Sound alone is cut where it is asked for, whatever the frames do.
    let (wav, out) = (stage.text("part.wav"), stage.text("clip.mov"));
    stage.done(&["convert", &out, &wav, "--from", "0.510", "--to", "1"]);
    let wanted = samples(&stage, "clip.mov", "atrim=start_sample=24480:end_sample=48000");
    assert!(samples(&stage, "part.wav", "anull") == wanted);
}

#[test]
fn frames_are_repeated_or_left_out_at_exact_times() {
    if !has("ffmpeg") || !has("ffprobe") {
        return;
    }
    let stage = Stage::new();
    clip(&stage);
    let uneven = stage.text("uneven.mov");
    // Two of three frames, so that they are shown one and two long.
    ffmpeg(&format!(
        "-i {} -vf select=not(eq(mod(n\\,3)\\,1)) -vsync vfr -c:v ffv1 -an -sn {uneven}",
        stage.text("clip.mov")
    ));
    for name in ["clip.mov", "uneven.mov"] {
        for (number, rate) in ["30000/1001", "10", "60"].into_iter().enumerate() {
            let out = format!("{name}{number}.mkv");
            let (given, into) = (stage.text(name), stage.text(&out));
            let report = stage.done(&["convert", &given, &into, "--codec", "ffv1", "--fps", rate]);
            let wanted = frames(&stage, name, &format!("fps=fps={rate}:round=up"));
            assert_eq!(frames(&stage, &out, "null"), wanted, "{name} at {rate}");
            assert_eq!(report["frames"], wanted.len());
            let probed = probed(&stage, &out, "-show_streams");
            let found = text(&probed["streams"][0]["r_frame_rate"]);
            assert!(found == rate || found == format!("{rate}/1"), "{found}");
        }
    }
    // A cut first, then the rate: frames 13 to 39 are 1.08 s.
    let (given, into) = (stage.text("clip.mov"), stage.text("both.avi"));
    let asked = ["convert", &given, &into, "--codec", "ffv1", "--fps", "50", "--from", "13f"];
    let report = stage.done(&[&asked[..], &["--to", "40f"]].concat());
    assert_eq!(report["frames"], 54);
    let cut = "trim=start_frame=13:end_frame=40,setpts=PTS-STARTPTS,fps=fps=50:round=up";
    assert_eq!(frames(&stage, "both.avi", "null"), frames(&stage, "clip.mov", cut));
}

/// The luma and chroma of every frame behind a filter.
fn pixels(stage: &Stage, name: &str, filter: &str) -> Vec<u8> {
    let path = stage.text(name);
    ffmpeg(&format!("-i {path} -map 0:v:0 -vf {filter} -vsync 0 -f rawvideo -pix_fmt yuv420p -"))
}

/// FFmpeg's w3fdif rounds down, ours to the nearest.
#[test]
fn fields_become_pictures_as_by_w3fdif() {
    if !has("ffmpeg") || !has("ffprobe") {
        return;
    }
    let stage = Stage::new();
    for (order, mode) in [("tff", "interleave_top"), ("bff", "interleave_bottom")] {
        let name = format!("{order}.mkv");
        let path = stage.text(&name);
        ffmpeg(&format!(
            "-f lavfi -i testsrc2=size=64x48:rate=50:duration=1 -vf format=yuv420p,\
             tinterlace={mode},setfield={order} -c:v mpeg2video -q:v 2 -flags +ildct+ilme {path}"
        ));
        for (pictures, golden, count) in [("frames", "frame", 25), ("fields", "field", 50)] {
            let out = format!("{order}-{pictures}.mkv");
            let into = stage.text(&out);
            let how = format!("--deinterlace={pictures}");
            let report = stage.done(&["convert", &path, &into, "--codec", "ffv1", &how]);
            assert_eq!(report["frames"], count);
            let found = pixels(&stage, &out, "null");
            let wanted = pixels(&stage, &name, &format!("w3fdif=complex:{golden}:auto:all"));
            assert_eq!((found.len(), found.len() / (64 * 72)), (wanted.len(), count));
            let most = found.iter().zip(&wanted).map(|(one, other)| one.abs_diff(*other)).max();
            assert!(most <= Some(1), "{out}: {most:?}");
            let probed = probed(&stage, &out, "-show_streams");
            let rate = format!("{count}/1");
            assert_eq!(probed["streams"][0]["r_frame_rate"], json!(rate));
        }
    }
    // What is whole stays so, unless somebody knows better.
    let whole = clip(&stage);
    let refused = stage.run(&["convert", &whole, &stage.text("no.mkv"), "--deinterlace"]);
    assert_eq!(refused.code, 2, "{refused:?}");
    assert!(refused.json["error"].to_string().contains("interlaced"), "{refused:?}");
    let (into, given) = (stage.text("told.mkv"), "--field-order");
    stage.done(&["convert", &whole, &into, "--codec", "ffv1", "--deinterlace", given, "bottom"]);
    let found = pixels(&stage, "told.mkv", "null");
    let wanted = pixels(&stage, "clip.mov", "w3fdif=complex:frame:bff:all");
    let most = found.iter().zip(&wanted).map(|(one, other)| one.abs_diff(*other)).max();
    assert!(found.len() == wanted.len() && most <= Some(1), "{most:?}");
}

#[test]
fn what_makes_no_sense_of_times_is_said() {
    if !has("ffmpeg") {
        return;
    }
    let stage = Stage::new();
    let clip = clip(&stage);
    let (out, wav, png) = (stage.text("o.mkv"), stage.text("o.wav"), stage.text("o.png"));
    ffmpeg(&format!("-f lavfi -i sine=duration=1 {}", stage.text("tone.wav")));
    ffmpeg(&format!("-i {clip} -frames:v 1 {}", stage.text("one.png")));
    let (tone, still) = (stage.text("tone.wav"), stage.text("one.png"));
    for (given, word) in [
        (vec!["convert", &clip, &out, "--from", "soon"], "no time"),
        (vec!["convert", &clip, &out, "--from", "1", "--to", "1"], "between"),
        (vec!["convert", &clip, &out, "--from", "50f"], "50"),
        (vec!["convert", &clip, &out, "--from", "3"], "2.000 s"),
        (vec!["convert", &clip, &out, "--fps", "0"], "rate"),
        (vec!["convert", &clip, &wav, "--fps", "10"], "pictures"),
        (vec!["convert", &tone, &wav, "--deinterlace"], "pictures"),
        (vec!["convert", &tone, &wav, "--from", "3f"], "frames"),
        (vec!["convert", &tone, &wav, "--from", "2", "--to", "1"], "ends"),
        (vec!["convert", &still, &png, "--to", "1"], "still"),
        (vec!["convert", &clip, &out, "--field-order", "top"], "deinterlace"),
        (vec!["convert", &clip, &out, "--deinterlace=both"], "fields"),
    ] {
        let refused = stage.run(&given);
        assert_eq!(refused.code, 2, "{given:?}: {refused:?}");
        let said = format!("{} {refused:?}", refused.json["error"]);
        assert!(said.contains(word), "{word}: {refused:?}");
    }
    for name in ["o.mkv", "o.wav", "o.png"] {
        assert!(!stage.path(name).exists(), "{name}");
    }
}
