//! What is encoded without a change keeps its numbers and its colours: as
//! ffmpeg decodes both files, and as ffprobe describes them.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops there")]

mod av_fixtures;
mod video_clips;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

use av_fixtures::{ffmpeg, ffprobe, has_ffmpeg, source, theirs};
use rushes_codec::{
    Conversion, Depth, Edit, Gray, Treatment, VideoOptions, VideoReader, convert, plan_conversion,
};
use rushes_media::{Frame, Layout, Result, Values};
use serde_json::Value;
use video_clips::{index, turned};

const COLORS: [&str; 5] =
    ["color_range", "color_space", "color_transfer", "color_primaries", "chroma_location"];

fn to(extension: &str, codec: &str) -> Conversion {
    Conversion {
        extension: extension.into(),
        codec: Some(codec.into()),
        quality: Some(90),
        ..Conversion::default()
    }
}

fn converted(from: &Path, wanted: &Conversion, edit: Option<Edit<'_>>) -> PathBuf {
    let codec = wanted.codec.as_deref().unwrap();
    let to = from.with_extension(format!("{codec}.{}", wanted.extension));
    let sink = Box::new(File::create(&to).unwrap());
    convert(&source(from), sink, wanted, edit, &mut |_| true).unwrap();
    to
}

/// A clip of moving colours.
fn clip(folder: &Path, name: &str, size: &str, how: &str) -> PathBuf {
    let moving = format!("testsrc2=size={size}:rate=10:duration=0.8");
    let mut arguments = vec!["-f", "lavfi", "-i", &moving];
    arguments.extend(how.split_whitespace());
    arguments.push(name);
    ffmpeg(folder, &arguments);
    folder.join(name)
}

/// A digest of every decoded picture, in the pixel format that it has.
fn frames(path: &Path) -> Vec<String> {
    let run = Command::new("ffmpeg")
        .args(["-v", "error", "-noautorotate", "-i"])
        .arg(path)
        .args(["-map", "0:v:0", "-fps_mode", "passthrough", "-f", "framemd5", "-"])
        .output()
        .unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let text = String::from_utf8(run.stdout).unwrap();
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.map(|line| line.rsplit(',').next().unwrap().trim().to_owned()).collect()
}

fn picture(path: &Path) -> Value {
    ffprobe(path, &[]).unwrap()["streams"][0].clone()
}

fn colors(path: &Path) -> Vec<Option<String>> {
    let picture = picture(path);
    let known =
        |key: &&str| picture[*key].as_str().filter(|it| *it != "unknown").map(str::to_owned);
    COLORS.iter().map(known).collect()
}

/// How alike the two are, in dB over all components.
fn psnr(one: &Path, other: &Path) -> f64 {
    let run = Command::new("ffmpeg")
        .args(["-v", "info", "-noautorotate", "-i"])
        .arg(one)
        .args(["-noautorotate", "-i"])
        .arg(other)
        .args(["-lavfi", "[0:v]settb=1/1000[a];[1:v]settb=1/1000[b];[a][b]psnr", "-f", "null", "-"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&run.stderr).into_owned();
    let average = said.rsplit("average:").next().unwrap().split_whitespace().next().unwrap();
    if average == "inf" { f64::INFINITY } else { average.parse().unwrap() }
}

#[test]
fn ffv1_has_every_bit() {
    if !has_ffmpeg() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let tags = "-colorspace bt2020nc -color_primaries bt2020 -color_trc bt709 -color_range tv";
    let sd =
        "-colorspace smpte170m -color_primaries smpte170m -color_trc smpte170m -color_range pc";
    let mut compared = 0;
    for (name, size, how) in [
        ("plain.mp4", "160x90", "-c:v libx264 -pix_fmt yuv420p".to_owned()),
        ("full.mp4", "160x90", format!("-c:v libx264 -pix_fmt yuv420p {sd}")),
        (
            "deep.mkv",
            "160x90",
            format!("-c:v libx265 -pix_fmt yuv420p10le {tags} -x265-params log-level=none"),
        ),
        (
            "twelve.mkv",
            "160x90",
            "-c:v libx265 -pix_fmt yuv444p12le -x265-params log-level=none".to_owned(),
        ),
        ("pro.mov", "160x90", "-c:v prores_ks -pix_fmt yuv422p10le".to_owned()),
        ("odd.webm", "161x91", "-c:v libvpx-vp9 -pix_fmt yuv420p".to_owned()),
        ("grey.mkv", "161x91", "-c:v ffv1 -pix_fmt gray".to_owned()),
        ("clear.mkv", "161x91", "-c:v ffv1 -pix_fmt yuva420p".to_owned()),
        ("colours.mkv", "161x91", "-c:v ffv1 -pix_fmt gbrp10le".to_owned()),
        (
            "interlaced.ts",
            "160x96",
            "-c:v mpeg2video -flags +ildct+ilme -pix_fmt yuv420p".to_owned(),
        ),
        ("narrow.mp4", "160x90", "-vf setsar=16/11 -c:v libx264 -pix_fmt yuv420p".to_owned()),
    ] {
        let from = clip(folder.path(), name, size, &how);
        let wanted = to("mkv", "ffv1");
        let plans = plan_conversion(&source(&from), &wanted).unwrap();
        assert!(plans[0].notes.is_empty(), "{name}: {:?}", plans[0].notes);
        let made = converted(&from, &wanted, None);
        let (before, after) = (frames(&from), frames(&made));
        assert_eq!(before.len(), 8, "{name}");
        assert_eq!(before, after, "{name}");
        assert_eq!(colors(&made)[..4], colors(&from)[..4], "{name}");
        // The name that says full range is an old one; the range is compared above.
        let format =
            |path: &Path| picture(path)["pix_fmt"].as_str().unwrap().replace("yuvj", "yuv");
        assert_eq!(format(&made), format(&from), "{name}");
        let aspect = |path: &Path| picture(path)["sample_aspect_ratio"].clone();
        let plain = |aspect: Value| if aspect.is_null() { "1:1".into() } else { aspect };
        assert_eq!(plain(aspect(&made)), plain(aspect(&from)), "{name}");
        compared += 1;
    }
    assert_eq!(compared, 11);
}

/// PQ in ten bits, with the display it was made on and its brightest parts.
fn hdr10(folder: &Path) -> PathBuf {
    let how = "-c:v libx265 -pix_fmt yuv420p10le -x265-params log-level=none:colorprim=bt2020:\
               transfer=smpte2084:colormatrix=bt2020nc:range=limited:hdr10=1:master-display=\
               G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,50):max-cll=1000,400";
    clip(folder, "hdr10.mkv", "320x180", how)
}

#[test]
fn hdr10_keeps_its_numbers_and_what_is_said_of_them() {
    if !has_ffmpeg() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let from = hdr10(folder.path());
    let light = |path: &Path, of: &str| -> Vec<String> {
        let probed = ffprobe(path, &["-show_frames", "-read_intervals", "%+#1"]).unwrap();
        let list = probed[of][0]["side_data_list"].as_array().cloned().unwrap_or_default();
        let kinds = ["Mastering display metadata", "Content light level metadata"];
        let mut found: Vec<String> = list
            .iter()
            .filter(|it| kinds.iter().any(|kind| it["side_data_type"] == *kind))
            .map(|it| it.as_object().unwrap().values().map(fraction).collect::<Vec<_>>().join(" "))
            .collect();
        found.sort();
        found
    };
    let stated = light(&from, "frames");
    assert_eq!(stated.len(), 2, "{stated:?}");
    for (extension, codec, least) in
        [("mp4", "hevc", 40.0), ("mkv", "hevc", 40.0), ("mkv", "av1", 34.0), ("mkv", "ffv1", 1e9)]
    {
        let made = converted(&from, &to(extension, codec), None);
        let (before, after) = (picture(&from), picture(&made));
        assert_eq!(after["pix_fmt"], "yuv420p10le", "{codec} in {extension}");
        assert_eq!(colors(&made)[..4], colors(&from)[..4], "{codec} in {extension}");
        assert_eq!(after["color_transfer"], "smpte2084");
        assert_eq!(before["width"], after["width"]);
        let alike = psnr(&from, &made);
        assert!(alike >= least, "{codec} in {extension}: {alike} dB");
        assert_eq!(light(&made, "streams"), stated, "{codec} in {extension}");
        if codec == "hevc" {
            assert_eq!(light(&made, "frames"), stated, "in the stream, {extension}");
        }
    }
}

/// A value of ffprobe's, fractions as numbers.
fn fraction(value: &Value) -> String {
    let Some(text) = value.as_str() else { return value.to_string() };
    let parsed = text
        .split_once('/')
        .and_then(|(num, den)| Some(num.parse::<f64>().ok()? / den.parse::<f64>().ok()?));
    parsed.map_or_else(|| text.to_owned(), |number| format!("{number:.4}"))
}

#[test]
fn codecs_with_loss_keep_colours_too() {
    if !has_ffmpeg() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let sd = "-colorspace smpte170m -color_primaries smpte170m -color_trc smpte170m";
    let lossless = "-c:v ffv1 -pix_fmt";
    let cases = [
        ("sd.mkv", format!("{lossless} yuv420p {sd} -color_range tv"), "mp4", "h264", "yuv420p"),
        (
            "deep.mkv",
            format!("{lossless} yuv422p10le {sd} -color_range tv"),
            "mov",
            "prores",
            "yuv422p10le",
        ),
        ("deep.mkv", String::new(), "mkv", "vp9", "yuv422p10le"),
        ("deep.mkv", String::new(), "mp4", "h264", "yuv422p10le"),
        ("jpeg.avi", "-c:v mjpeg -q:v 2 -pix_fmt yuvj420p".to_owned(), "mkv", "mjpeg", "yuvj420p"),
        ("small.mkv", format!("{lossless} yuv420p"), "avi", "mpeg4", "yuv420p"),
        ("small.mkv", String::new(), "avi", "ffv1", "yuv420p"),
        ("grey.mkv", format!("{lossless} gray"), "mp4", "h264", "yuv420p"),
    ];
    let mut compared = 0;
    for (name, how, extension, codec, format) in cases {
        let from = match &*how {
            "" => folder.path().join(name),
            how => clip(folder.path(), name, "160x90", how),
        };
        let made = converted(&from, &to(extension, codec), None);
        assert_eq!(picture(&made)["pix_fmt"], format, "{name} as {codec}");
        if !name.starts_with("grey") {
            assert_eq!(colors(&made)[..4], colors(&from)[..4], "{name} as {codec}");
        }
        let alike = psnr(&from, &made);
        assert!(alike >= 33.0, "{name} as {codec}: {alike} dB");
        compared += 1;
    }
    assert_eq!(compared, 8);
    // Who cannot be told that it is BT.709 gets what is taken for granted.
    let tags = "-colorspace bt709 -color_primaries bt709 -color_trc bt709 -color_range tv";
    let from = clip(folder.path(), "hd.mkv", "160x90", &format!("{lossless} yuv444p {tags}"));
    let plans = plan_conversion(&source(&from), &to("avi", "mpeg4")).unwrap();
    assert_eq!(plans[0].notes, ["4:4:4 becomes 4:2:0"]);
    let made = converted(&from, &to("avi", "ffv1"), None);
    assert_eq!(picture(&made)["pix_fmt"], "bgr0");
}

#[test]
fn what_a_codec_does_not_hold_is_said_before() {
    if !has_ffmpeg() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let from = clip(folder.path(), "sixteen.mkv", "160x90", "-c:v ffv1 -pix_fmt yuva444p16le");
    let notes = |extension: &str, codec: &str| {
        plan_conversion(&source(&from), &to(extension, codec)).unwrap()[0].notes.join(", ")
    };
    assert_eq!(notes("mp4", "h264"), "16 bits become 10, transparency is left out");
    assert_eq!(notes("mov", "prores"), "16 bits become 10");
    assert_eq!(
        notes("mp4", "mpeg4"),
        "16 bits become 8, 4:4:4 becomes 4:2:0, transparency is left out"
    );
    assert_eq!(notes("mkv", "ffv1"), "");
}

#[test]
fn a_turn_stays_in_the_container_that_can_say_it() {
    if !has_ffmpeg() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let from = turned(folder.path());
    let size = |path: &Path| {
        let picture = picture(path);
        (picture["width"].as_u64().unwrap(), picture["height"].as_u64().unwrap())
    };
    let turn = |path: &Path| picture(path)["side_data_list"][0]["rotation"].clone();
    assert_eq!((size(&from), turn(&from)), ((192, 96), (-90).into()));
    for extension in ["mp4", "mov"] {
        let made = converted(&from, &to(extension, "h264"), None);
        assert_eq!((size(&made), turn(&made)), ((192, 96), (-90).into()), "{extension}");
        assert!(psnr(&from, &made) > 33.0);
        assert!(
            plan_conversion(&source(&from), &to(extension, "h264")).unwrap()[0].notes.is_empty()
        );
    }
    let made = converted(&from, &to("mkv", "ffv1"), None);
    assert_eq!((size(&made), turn(&made)), ((96, 192), Value::Null));
    let plans = plan_conversion(&source(&from), &to("mkv", "ffv1")).unwrap();
    assert_eq!(plans[0].notes, ["set upright"]);
    // What could be copied is not, where the turn would be lost.
    for (extension, is_copied) in [("mkv", false), ("mov", true), ("m4v", true)] {
        let wanted = Conversion { extension: extension.into(), ..Conversion::default() };
        let plans = plan_conversion(&source(&from), &wanted).unwrap();
        let path = folder.path().join(format!("plain.{extension}"));
        let sink = Box::new(File::create(&path).unwrap());
        convert(&source(&from), sink, &wanted, None, &mut |_| true).unwrap();
        if is_copied {
            assert_eq!(plans[0].treatment, Treatment::Copied, "{extension}");
            assert_eq!((size(&path), turn(&path)), ((192, 96), (-90).into()), "{extension}");
        } else {
            assert_eq!(plans[0].treatment, Treatment::Encoded("h264"), "{extension}");
            assert_eq!(plans[0].notes, ["set upright"], "{extension}");
            assert_eq!((size(&path), turn(&path)), ((96, 192), Value::Null), "{extension}");
            let upright = theirs(&[], &from, "rgb24");
            let found = theirs(&[], &path, "rgb24");
            assert_eq!(upright.len(), found.len());
            let apart: u64 = upright
                .iter()
                .zip(&found)
                .map(|(one, other)| u64::from(one.abs_diff(*other)))
                .sum();
            // The same picture: H.264 at its usual quality is off by less than 4 of 255.
            assert!(apart / (found.len() as u64) < 4, "{apart} in {}", found.len());
        }
    }
}

/// The first picture's luma, full range, a byte a pixel.
fn luma(path: &Path) -> Vec<u8> {
    let source = source(path);
    let options =
        VideoOptions { layout: Layout::Gray, depth: Depth::U8, ..VideoOptions::default() };
    let mut reader = VideoReader::open(&source, index(&source), options).unwrap();
    let frame = reader.frame(0).unwrap();
    let Values::U8(values) = frame.values() else { unreachable!() };
    values.clone()
}

#[test]
fn what_takes_grey_gets_the_luma_of_the_stream() {
    if !has_ffmpeg() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let tags = "-colorspace smpte170m -color_primaries smpte170m -color_trc smpte170m";
    let how = format!("-c:v ffv1 -pix_fmt yuv420p -color_range tv {tags}");
    let from = clip(folder.path(), "sd.mkv", "160x90", &how);
    let rgb = clip(folder.path(), "rgb.mkv", "160x90", "-c:v ffv1 -pix_fmt bgr0");
    for (from, gray, layout) in [
        (&from, Gray::Own, Layout::Gray),
        (&from, Gray::Weighted([0.299, 0.587, 0.114]), Layout::Gray),
        (&from, Gray::Weighted([0.2126, 0.7152, 0.0722]), Layout::Rgb),
        (&from, Gray::No, Layout::Rgb),
        (&rgb, Gray::Own, Layout::Rgb),
    ] {
        let seen = Mutex::new(Vec::new());
        let edit = |frame: Frame| -> Result<Frame> {
            seen.lock().unwrap().push(frame.layout());
            Ok(frame)
        };
        let wanted = Conversion { changes_frames: true, gray, ..to("mkv", "ffv1") };
        let made = converted(from, &wanted, Some(&edit));
        assert_eq!(*seen.lock().unwrap(), vec![layout; 8], "{:?}", wanted.gray);
        if layout == Layout::Gray {
            assert_eq!(picture(&made)["pix_fmt"], "gray");
            assert!(luma(&made) == luma(from));
        }
    }
    // Into a codec with chroma, which is then neutral.
    let edit = |frame: Frame| -> Result<Frame> { Ok(frame) };
    let wanted = Conversion {
        changes_frames: true,
        gray: Gray::Own,
        quality: Some(100),
        ..to("mp4", "h264")
    };
    let made = converted(&from, &wanted, Some(&edit));
    let source = source(&made);
    let mut reader = VideoReader::open(&source, index(&source), VideoOptions::default()).unwrap();
    let planes = reader.planes(0).unwrap();
    for name in ['u', 'v'] {
        let Values::U8(chroma) = &planes.plane(name).unwrap().values else { unreachable!() };
        assert!(chroma.iter().all(|&it| it == 128), "{name}");
    }
    let apart = luma(&made).iter().zip(luma(&from)).map(|(one, other)| one.abs_diff(other)).max();
    assert!(apart <= Some(3), "{apart:?}");
}
