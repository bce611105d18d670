//! What is converted is read by ffprobe and ffmpeg: what is copied has the
//! same packets, what is encoded the same pictures at the same times.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops there")]

mod av_fixtures;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;

use av_fixtures::{ffprobe, has_ffmpeg, source};
use rushes_codec::{
    CONTAINERS, Conversion, Converted, Edit, SOUND_TARGETS, Treatment, convert, plan_conversion,
};
use rushes_media::{ErrorKind, Frame, Layout, Result, Values};
use serde_json::Value;

const SRT: &str = "1\n00:00:00,200 --> 00:00:00,700\nFirst words\n\n\
                   2\n00:00:01,000 --> 00:00:01,900\n<i>Second</i> words\n";
const CHAPTERS: &str = ";FFMETADATA1\ntitle=A take\nartist=Nobody\n[CHAPTER]\nTIMEBASE=1/1000\n\
                        START=0\nEND=900\ntitle=Before\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=900\n\
                        END=2000\ntitle=After\n";

fn ffmpeg(arguments: &str, path: &Path) {
    let status = Command::new("ffmpeg")
        .args(["-v", "error", "-y"])
        .args(arguments.split_whitespace())
        .arg(path)
        .status()
        .unwrap();
    assert!(status.success(), "{arguments} {}", path.display());
}

/// Two seconds with a picture with B-frames, two languages of sound, subtitles,
/// chapters and tags.
fn rich(folder: &Path, name: &str) -> PathBuf {
    std::fs::write(folder.join("words.srt"), SRT).unwrap();
    std::fs::write(folder.join("chapters.txt"), CHAPTERS).unwrap();
    let path = folder.join(name);
    let base = folder.display();
    ffmpeg(
        &format!(
            "-f lavfi -i testsrc2=size=160x90:rate=25:duration=2 -f lavfi -i sine=duration=2 \
             -f lavfi -i sine=frequency=880:duration=2 -i {base}/words.srt -i {base}/chapters.txt \
             -map 0 -map 1 -map 2 -map 3 -map_metadata 4 -map_chapters 4 -c:v libx264 -bf 3 \
             -pix_fmt yuv420p -c:a aac -metadata:s:a:0 language=eng -metadata:s:a:1 language=fra \
             -metadata:s:s:0 language=deu"
        ),
        &path,
    );
    path
}

fn to(extension: &str) -> Conversion {
    Conversion { extension: extension.into(), ..Conversion::default() }
}

fn converted(from: &Path, to: &Path, wanted: &Conversion, edit: Option<Edit<'_>>) -> Converted {
    let sink = Box::new(File::create(to).unwrap());
    convert(&source(from), sink, wanted, edit, &mut |_| true).unwrap()
}

/// A digest of a stream's packets, or of what they decode to.
fn digest(path: &Path, stream: &str, codec: &str) -> String {
    let output = Command::new("ffmpeg")
        .args(["-v", "error", "-i"])
        .arg(path)
        .args(["-map", stream, "-c", codec, "-f", "streamhash", "-"])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    text.trim().rsplit('=').next().unwrap().to_owned()
}

/// Pictures are as far from the first as they were, and the sound as far from
/// them: where a file's time begins is its container's affair.
fn assert_same_times(after: &Path, before: &Path) {
    let since_first = |path: &Path| {
        let times = times(path);
        times.iter().map(|time| time - times[0]).collect::<Vec<f64>>()
    };
    let (one, other) = (since_first(before), since_first(after));
    assert_eq!(one.len(), other.len(), "{}", after.display());
    for (one, other) in one.iter().zip(&other) {
        // Matroska counts thousandths.
        assert!((one - other).abs() < 0.001_1, "{}: {one} {other}", after.display());
    }
    let distance = |path: &Path| {
        let probed = probed(path);
        let start = |kind: &str| -> f64 {
            streams(&probed, kind)[0]["start_time"].as_str().unwrap().parse().unwrap()
        };
        start("audio") - start("video")
    };
    let (one, other) = (distance(before), distance(after));
    assert!((one - other).abs() < 0.025, "{}: {one} {other}", after.display());
}

/// The subtitles as text with times.
fn words_of(path: &Path) -> String {
    let output = Command::new("ffmpeg")
        .args(["-v", "error", "-i"])
        .arg(path)
        .args(["-map", "0:s:0", "-f", "srt", "-"])
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap()
}

fn probed(path: &Path) -> Value {
    ffprobe(path, &["-show_chapters"]).unwrap()
}

fn streams<'v>(probed: &'v Value, kind: &str) -> Vec<&'v Value> {
    let all = probed["streams"].as_array().unwrap();
    all.iter().filter(|stream| stream["codec_type"] == kind).collect()
}

/// When each picture is shown, in seconds, and how many there are.
fn times(path: &Path) -> Vec<f64> {
    let output = Command::new("ffprobe")
        .args(["-v", "error", "-select_streams", "v:0", "-show_entries"])
        .args(["frame=best_effort_timestamp_time", "-of", "csv=p=0"])
        .arg(path)
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    // A picture with side data has an empty line of its own.
    let lines = text.lines().map(|line| line.trim_matches(',')).filter(|line| !line.is_empty());
    lines.map(|line| line.parse().unwrap()).collect()
}

/// When the second chapter begins, in seconds since the first picture. FFmpeg 7
/// counts the delay of a sound's codec as time before nought, 5 does not.
fn second_chapter(path: &Path) -> f64 {
    let start = &probed(path)["chapters"][1]["start_time"];
    start.as_str().unwrap().parse::<f64>().unwrap() - times(path)[0]
}

#[test]
fn what_nothing_changes_is_copied_with_all_that_belongs_to_it() {
    if !has_ffmpeg() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let from = rich(folder.path(), "rich.mkv");
    // QuickTime has an older code for German.
    let targets = [("mp4", "mov_text", "deu"), ("mov", "mov_text", "ger"), ("mkv", "ass", "deu")];
    for (extension, subtitles, german) in targets {
        let path = folder.path().join(format!("out.{extension}"));
        let plans = plan_conversion(&source(&from), &to(extension)).unwrap();
        assert_eq!(plans.len(), 4);
        let done = converted(&from, &path, &to(extension), None);
        assert_eq!(done.unit, "bytes");
        for stream in ["0:v:0", "0:a:0", "0:a:1"] {
            assert_eq!(digest(&path, stream, "copy"), digest(&from, stream, "copy"), "{stream}");
        }
        assert_same_times(&path, &from);
        let probed = probed(&path);
        let languages: Vec<&Value> =
            streams(&probed, "audio").iter().map(|it| &it["tags"]["language"]).collect();
        assert_eq!(languages, ["eng", "fra"], "{extension}");
        let words = streams(&probed, "subtitle");
        assert_eq!(words.len(), 1, "{extension}");
        assert_eq!(
            (&words[0]["codec_name"], &words[0]["tags"]["language"]),
            (&subtitles.into(), &german.into())
        );
        let chapters = probed["chapters"].as_array().unwrap();
        let titles: Vec<&Value> = chapters.iter().map(|it| &it["tags"]["title"]).collect();
        assert_eq!(titles, ["Before", "After"], "{extension}");
        let (one, other) = (second_chapter(&from), second_chapter(&path));
        assert!((one - other).abs() < 0.001_1, "{extension}: {one} {other}");
        assert_eq!(probed["format"]["tags"]["title"], "A take", "{extension}");
        // The words and when they are shown, whatever they are written as.
        assert_eq!(words_of(&path), words_of(&from), "{extension}");
    }
    assert!(words_of(&from).contains("<i>Second</i> words"));
}

#[test]
fn what_is_changed_is_encoded_and_the_rest_copied() {
    if !has_ffmpeg() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let from = rich(folder.path(), "rich.mkv");
    let path = folder.path().join("out.mp4");
    // Everything grey, cut to a corner.
    let edit = |frame: Frame| -> Result<Frame> {
        let Values::U8(values) = frame.values() else { unreachable!() };
        let rows = values.chunks(160 * 3).take(64).map(|row| &row[..80 * 3]);
        let mut cut =
            Frame::new(80, 64, Layout::Rgb, Values::U8(rows.flatten().map(|_| 128).collect()))?;
        cut.time_secs = frame.time_secs;
        cut.duration_secs = frame.duration_secs;
        Ok(cut)
    };
    let wanted = Conversion { changes_frames: true, codec: Some("hevc".into()), ..to("mp4") };
    let done = converted(&from, &path, &wanted, Some(&edit));
    assert_eq!((done.done, done.total, done.lost_frames, done.unit), (50, Some(50), 0, "frames"));
    assert_eq!(digest(&path, "0:a:1", "copy"), digest(&from, "0:a:1", "copy"));
    assert_same_times(&path, &from);
    let probed = probed(&path);
    let picture = streams(&probed, "video")[0];
    assert_eq!(
        (&picture["codec_name"], &picture["codec_tag_string"]),
        (&"hevc".into(), &"hvc1".into())
    );
    assert_eq!((&picture["width"], &picture["height"]), (&80.into(), &64.into()));
    assert_eq!(picture["r_frame_rate"], "25/1");
    assert_eq!(streams(&probed, "subtitle").len(), 1);
}

#[test]
fn times_that_vary_and_sound_that_starts_later_are_kept() {
    if !has_ffmpeg() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let vary = "-vf select='not(mod(n\\,3))+lt(n\\,20)' -fps_mode vfr";
    for (name, how) in [
        ("vary.mkv", format!("{vary} -c:v libx264 -bf 2 -c:a aac")),
        ("ntsc.mov", "-r 24000/1001 -c:v libx264 -c:a aac".to_owned()),
        ("late.ts", "-c:v libx264 -c:a mp2 -output_ts_offset 7".to_owned()),
    ] {
        let from = folder.path().join(name);
        ffmpeg(
            &format!(
                "-f lavfi -i testsrc2=size=96x64:rate=25:duration=2 -itsoffset 0.3 -f lavfi \
                 -i sine=duration=1.5 -map 0 -map 1 -pix_fmt yuv420p {how}"
            ),
            &from,
        );
        let path = folder.path().join(format!("{name}.mkv"));
        let wanted = Conversion {
            codec: Some("ffv1".into()),
            sound_codec: Some("flac".into()),
            ..to("mkv")
        };
        converted(&from, &path, &wanted, None);
        assert_same_times(&path, &from);
    }
}

#[test]
fn sound_goes_into_every_kind_of_sound_file() {
    if !has_ffmpeg() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let from = rich(folder.path(), "rich.mkv");
    let mut walked = 0;
    for target in SOUND_TARGETS {
        let extension = target.extensions[0];
        let path = folder.path().join(format!("sound.{extension}"));
        let done = converted(&from, &path, &to(extension), None);
        let probed = probed(&path);
        assert_eq!(streams(&probed, "audio").len(), 1, "{extension}");
        assert_eq!(streams(&probed, "video").len(), 0, "{extension}");
        let secs: f64 = probed["format"]["duration"].as_str().unwrap().parse().unwrap();
        // MP3 comes in frames of 26 ms, with one before and one after the sound.
        assert!((secs - 2.0).abs() < 0.1, "{extension}: {secs}");
        assert!(done.done > 0, "{extension}: {done:?}");
        walked += 1;
    }
    assert_eq!(walked, 9);
    // M4A takes the AAC as it is; WAV is what ffmpeg decodes.
    let m4a = folder.path().join("sound.m4a");
    assert_eq!(digest(&m4a, "0:a:0", "copy"), digest(&from, "0:a:0", "copy"));
    let wav = folder.path().join("sound.wav");
    assert_eq!(digest(&wav, "0:a:0", "pcm_s16le"), digest(&from, "0:a:0", "pcm_s16le"));
}

#[test]
fn what_a_container_does_not_hold_is_said_before_and_left_out() {
    if !has_ffmpeg() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let from = rich(folder.path(), "rich.mkv");
    let plans = plan_conversion(&source(&from), &to("avi")).unwrap();
    let treatments: Vec<&Treatment> = plans.iter().map(|plan| &plan.treatment).collect();
    assert_eq!(treatments[0], &Treatment::Encoded("mjpeg"));
    assert_eq!(treatments[1], &Treatment::Encoded("mp3"));
    assert!(matches!(treatments[3], Treatment::LeftOut(why) if why.contains("no subtitles")));
    let path = folder.path().join("out.avi");
    converted(&from, &path, &to("avi"), None);
    assert_eq!(times(&path).len(), 50);
    let path = folder.path().join("out.gif");
    let done = converted(&from, &path, &to("gif"), None);
    assert_eq!((done.done, times(&path).len()), (50, 50));

    let fails = |wanted: Conversion| {
        let sink = Box::new(tempfile::tempfile().unwrap());
        convert(&source(&from), sink, &wanted, None, &mut |_| true).unwrap_err()
    };
    let refused = fails(Conversion { codec: Some("prores".into()), ..to("mp4") });
    assert_eq!(refused.kind, ErrorKind::Invalid, "{refused}");
    let refused = fails(to("xyz"));
    assert_eq!(refused.kind, ErrorKind::Unsupported, "{refused}");
    let silent = folder.path().join("silent.mp4");
    converted(&from, &silent, &Conversion { without_sound: true, ..to("mp4") }, None);
    let sink = Box::new(tempfile::tempfile().unwrap());
    let refused = convert(&source(&silent), sink, &to("mp3"), None, &mut |_| true).unwrap_err();
    assert_eq!(refused.kind, ErrorKind::Unsupported, "{refused}");
}

#[test]
fn it_stops_when_told_and_when_the_sink_is_full() {
    if !has_ffmpeg() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let from = rich(folder.path(), "rich.mkv");
    for wanted in [to("mkv"), Conversion { codec: Some("ffv1".into()), ..to("mkv") }] {
        let mut heard = 0;
        let sink = Box::new(tempfile::tempfile().unwrap());
        let stopped = convert(&source(&from), sink, &wanted, None, &mut |_| {
            heard += 1;
            heard < 5
        });
        let error = stopped.unwrap_err();
        assert_eq!((error.kind, heard), (ErrorKind::Unavailable, 5), "{error}");
        let full = File::options().write(true).open("/dev/full").unwrap();
        let error =
            convert(&source(&from), Box::new(full), &wanted, None, &mut |_| true).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Unavailable, "{error}");
    }
    // An edit that fails ends it with its own error.
    let edit = |_: Frame| Err(rushes_media::Error::new(ErrorKind::Limit, "editing", "enough"));
    let wanted = Conversion { changes_frames: true, ..to("mkv") };
    let sink = Box::new(tempfile::tempfile().unwrap());
    let error = convert(&source(&from), sink, &wanted, Some(&edit), &mut |_| true).unwrap_err();
    assert_eq!((error.kind, &*error.why), (ErrorKind::Limit, "enough"));
}

/// Every container takes what it can of the same file.
#[test]
fn every_container_is_written() {
    if !has_ffmpeg() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let from = rich(folder.path(), "rich.mkv");
    let mut walked = 0;
    for container in CONTAINERS {
        let extension = container.extensions[0];
        // Neither is a file of which ffprobe sees every frame: they have tests of their own.
        if ["webp", "tif", "zarr"].contains(&extension) {
            continue;
        }
        let path = folder.path().join(format!("all.{extension}"));
        converted(&from, &path, &to(extension), None);
        assert_eq!(times(&path).len(), 50, "{extension}");
        walked += 1;
    }
    assert_eq!((walked, CONTAINERS.len()), (11, 14));
}

/// Samples of the first sound, as ffmpeg decodes it.
fn samples(path: &Path) -> usize {
    let output = Command::new("ffmpeg")
        .args(["-v", "error", "-i"])
        .arg(path)
        .args(["-map", "0:a:0", "-ac", "1", "-f", "s16le", "-"])
        .output()
        .unwrap();
    output.stdout.len() / 2
}

/// ISO/IEC 14496-12, section 8.6.6: what an edit list leaves out stays out.
#[test]
fn what_an_edit_list_leaves_out_does_not_come_back() {
    if !has_ffmpeg() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let make = |how: &str, name: &str| {
        let whole = folder.path().join(format!("whole-{name}"));
        ffmpeg(
            &format!(
                "-f lavfi -i testsrc2=size=160x90:rate=30:duration=2 -f lavfi -i sine=duration=2 \
                 {how}"
            ),
            &whole,
        );
        let path = folder.path().join(name);
        ffmpeg(&format!("-ss 0.5 -i {} -c copy", whole.display()), &path);
        (whole, path)
    };
    let (whole, cut) = make("-c:v libx264 -bf 2 -pix_fmt yuv420p -c:a aac", "cut.mp4");
    // The command decodes whole blocks of AAC behind the end.
    let (shown, heard) = (times(&cut).len(), samples(&cut));
    assert_eq!(shown, 45);
    for (extension, treatments) in [
        ("mp4", [Treatment::Copied, Treatment::Copied]),
        ("mov", [Treatment::Copied, Treatment::Copied]),
        ("mkv", [Treatment::Encoded("h264"), Treatment::Encoded("aac")]),
    ] {
        let path = folder.path().join(format!("out.{extension}"));
        let plans = plan_conversion(&source(&cut), &to(extension)).unwrap();
        let is_heard = extension == "mkv";
        assert_eq!(!plans[1].notes.is_empty(), is_heard, "{extension}: {:?}", plans[1].notes);
        let found: Vec<Treatment> = plans.into_iter().map(|plan| plan.treatment).collect();
        assert_eq!(found, treatments, "{extension}");
        converted(&cut, &path, &to(extension), None);
        assert_same_times(&path, &cut);
        // The encoder's delay of a block, and up to a block behind the end.
        let apart = samples(&path).abs_diff(heard);
        assert!(apart <= 2 * 1_024, "{extension}: {apart} samples");
    }
    // Without a cut it is copied, and what is heard before is said.
    let plans = plan_conversion(&source(&whole), &to("mkv")).unwrap();
    let treatments: Vec<&Treatment> = plans.iter().map(|plan| &plan.treatment).collect();
    assert_eq!(treatments, [&Treatment::Copied, &Treatment::Copied]);
    assert_eq!(plans[1].notes, ["the encoder's delay of 23 ms is heard before it"]);
    assert!(plan_conversion(&source(&whole), &to("mov")).unwrap()[1].notes.is_empty());
    // Pictures that stand alone are copied without those that are left out, and
    // sound without loss is exact.
    let (_, cut) = make("-c:v mjpeg -c:a pcm_s16le", "cut.mov");
    let path = folder.path().join("alone.mkv");
    let plans = plan_conversion(&source(&cut), &to("mkv")).unwrap();
    assert_eq!(plans[0].treatment, Treatment::Copied);
    converted(&cut, &path, &to("mkv"), None);
    assert_eq!(times(&path).len(), times(&cut).len());
    assert_eq!(samples(&path), samples(&cut));
}

/// Matroska counts thousandths, yet its rate is stated exactly.
#[test]
fn a_constant_rate_in_thousandths_goes_where_frames_are_counted() {
    if !has_ffmpeg() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let from = folder.path().join("from.mkv");
    ffmpeg("-f lavfi -i testsrc2=size=256x144:rate=30000/1001:duration=1 -c:v ffv1", &from);
    for (extension, codec) in
        [("mxf", "dnxhr"), ("mxf", "mpeg2"), ("avi", "mjpeg"), ("y4m", "raw"), ("mp4", "mpeg4")]
    {
        let path = folder.path().join(format!("{codec}.{extension}"));
        let wanted = Conversion { codec: Some(codec.into()), ..to(extension) };
        converted(&from, &path, &wanted, None);
        let probed = probed(&path);
        assert_eq!(streams(&probed, "video")[0]["r_frame_rate"], "30000/1001", "{extension}");
        assert_eq!(times(&path).len(), 30, "{codec} in {extension}");
    }
    // Where they come otherwise, the error says how to have them evenly.
    let varies = folder.path().join("varies.mkv");
    ffmpeg(
        "-f lavfi -i testsrc2=size=256x144:rate=30:duration=1 -vf select='not(mod(n\\,3))+lt(n\\,9)' \
         -fps_mode vfr -c:v ffv1",
        &varies,
    );
    let sink = Box::new(tempfile::tempfile().unwrap());
    let refused = convert(&source(&varies), sink, &to("mxf"), None, &mut |_| true).unwrap_err();
    assert_eq!(refused.kind, ErrorKind::Unsupported, "{refused}");
    assert!(refused.remedy.as_deref().unwrap().contains("--fps"), "{refused:?}");
}

/// Pixels that are not square are so in what cannot say it, and the plan says that.
#[test]
fn the_shape_of_pixels_is_kept_or_the_plan_says_otherwise() {
    if !has_ffmpeg() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let from = folder.path().join("from.mkv");
    ffmpeg(
        "-f lavfi -i testsrc2=size=120x100:rate=25:duration=0.2 -vf setsar=4/3 -c:v ffv1 \
         -pix_fmt yuv420p",
        &from,
    );
    let mut told = 0;
    for container in CONTAINERS {
        let extension = container.extensions[0];
        let plan = &plan_conversion(&source(&from), &to(extension)).unwrap()[0];
        let note = plan.notes.iter().find(|note| note.contains("pixels")).cloned();
        if ["gif", "webp", "apng", "tif", "zarr", "mxf"].contains(&extension) {
            assert_eq!(note.unwrap(), "its pixels of 4:3 are not told", "{extension}");
            told += 1;
            continue;
        }
        assert_eq!(note, None, "{extension}");
        let path = folder.path().join(format!("out.{extension}"));
        converted(&from, &path, &to(extension), None);
        let aspect = streams(&probed(&path), "video")[0]["sample_aspect_ratio"].clone();
        assert_eq!(aspect, "4:3", "{extension}");
    }
    assert_eq!(told, 6);
    // MPEG-2 has some shapes of the whole picture, of which PAL's is one.
    let from = folder.path().join("pal.mkv");
    ffmpeg(
        "-f lavfi -i testsrc2=size=720x576:rate=25:duration=0.2 -vf setsar=64/45 -c:v ffv1 \
         -pix_fmt yuv420p",
        &from,
    );
    assert!(plan_conversion(&source(&from), &to("mxf")).unwrap()[0].notes.is_empty());
    let path = folder.path().join("pal.mxf");
    converted(&from, &path, &to("mxf"), None);
    assert_eq!(streams(&probed(&path), "video")[0]["sample_aspect_ratio"], "64:45");
}
