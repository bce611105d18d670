//! Probe against ffprobe, field by field.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops there")]

mod av_fixtures;

use std::path::Path;

use av_fixtures::{CLIP_COUNT, clip, clips, corpus, ffprobe, files, has_ffmpeg, source, turned};
use rushes_codec::{FORMATS, probe};
use rushes_media::{Basis, ErrorKind, MediaKind, Probe, Rational, Stream, StreamKind};
use serde_json::Value;

fn text<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    value.get(key)?.as_str().filter(|text| *text != "unknown" && *text != "N/A" && *text != "0/0")
}

fn number(value: &Value, key: &str) -> Option<i64> {
    let value = value.get(key)?;
    value.as_i64().or_else(|| value.as_str()?.parse().ok()).filter(|&number| number != 0)
}

fn ratio(value: &Value, key: &str) -> Option<Rational> {
    let (num, den) = text(value, key)?.split_once([':', '/'])?;
    Rational::new(num.parse().ok()?, den.parse().ok()?).filter(|&found| found > Rational::ZERO)
}

/// What of `ours` is not as ffprobe has it.
fn differences(ours: &Probe, theirs: &Value) -> Vec<String> {
    let mut found = Vec::new();
    let mut same = |what: String, ours: String, theirs: String| {
        if ours != theirs {
            found.push(format!("{what}: {ours}, ffprobe {theirs}"));
        }
    };
    let format = &theirs["format"];
    let streams = theirs["streams"].as_array().unwrap();
    same("streams".into(), ours.streams.len().to_string(), streams.len().to_string());
    if ours.kind != MediaKind::Still {
        let theirs = text(format, "duration").map(|secs| secs.parse::<f64>().unwrap());
        let close = match (ours.duration_secs, theirs) {
            (Some(ours), Some(theirs)) => (ours.to_f64() - theirs).abs() <= 0.0011,
            (ours, theirs) => ours.is_none() && theirs.is_none(),
        };
        same(
            format!("duration {:?} {theirs:?}", ours.duration_secs),
            close.to_string(),
            "true".into(),
        );
    }
    // ffprobe takes the header's word for files cut short, and counts an AVI's
    // empty chunks.
    let is_counted_otherwise = !ours.agreement.agrees || ours.container.format == "avi";
    for (stream, theirs) in ours.streams.iter().zip(streams) {
        compare_stream(stream, theirs, is_counted_otherwise, &mut same);
    }
    for (key, value) in format["tags"].as_object().into_iter().flatten() {
        same(
            format!("tag {key}"),
            format!("{:?}", ours.tags.get(key).map(String::as_str)),
            format!("{:?}", value.as_str()),
        );
    }
    found
}

fn compare_stream(
    ours: &Stream,
    theirs: &Value,
    is_counted_otherwise: bool,
    same: &mut impl FnMut(String, String, String),
) {
    let at = ours.index;
    let mut field = |name: &str, ours: Option<String>, theirs: Option<String>| {
        same(format!("stream {at} {name}"), format!("{ours:?}"), format!("{theirs:?}"));
    };
    let own = |text: Option<&str>| text.map(str::to_owned);
    if let Some(codec) = text(theirs, "codec_name") {
        field("codec", Some(ours.codec.clone()), own(Some(codec)));
    }
    let kind = match ours.kind {
        StreamKind::Video | StreamKind::Still => "video",
        StreamKind::Audio => "audio",
        StreamKind::Subtitle => "subtitle",
        StreamKind::Data => "data",
        StreamKind::Attachment => "attachment",
    };
    field("kind", own(Some(kind)), own(text(theirs, "codec_type").or(Some("data"))));
    field("profile", ours.profile.clone(), own(text(theirs, "profile")));
    // Where no header states it, it is measured on what happened to be read.
    let rates = (ours.bit_rate_bps.map(|rate| rate as f64), number(theirs, "bit_rate"));
    let close = match rates {
        (Some(ours), Some(theirs)) => (ours / theirs as f64 - 1.0).abs() < 0.05,
        (ours, theirs) => ours.is_none() && theirs.is_none(),
    };
    field(&format!("bit rate {rates:?}"), Some(close.to_string()), own(Some("true")));
    let attached = theirs["disposition"]["attached_pic"].as_i64() == Some(1);
    field("attached", Some(ours.attached_picture.to_string()), Some(attached.to_string()));
    let language = text(&theirs["tags"], "language").filter(|&language| language != "und");
    field("language", ours.language.clone(), own(language));
    let show = |value: Option<i64>| value.map(|value| value.to_string());
    if matches!(kind, "video") {
        field("width", show(ours.width_px.map(i64::from)), show(number(theirs, "width")));
        field("height", show(ours.height_px.map(i64::from)), show(number(theirs, "height")));
        field("pixels", ours.pixel_format.clone(), own(text(theirs, "pix_fmt")));
        let level = theirs["level"].as_i64().filter(|&level| level != -99);
        field("level", show(ours.level.map(i64::from)), show(level));
        let color = ours.color.clone().unwrap_or_default();
        // ffprobe forgets the container's where ProRes' bitstream says nothing.
        let forgets = text(theirs, "codec_name") == Some("prores");
        for (name, ours, theirs) in [
            ("range", color.range, text(theirs, "color_range")),
            ("matrix", color.matrix, text(theirs, "color_space")),
            ("transfer", color.transfer, text(theirs, "color_transfer")),
            ("primaries", color.primaries, text(theirs, "color_primaries")),
        ] {
            if theirs.is_some() || !forgets {
                field(name, ours, own(theirs));
            }
        }
        let fraction = |value: Option<Rational>| value.map(|value| value.to_string());
        field(
            "sample aspect",
            fraction(ours.sample_aspect),
            fraction(ratio(theirs, "sample_aspect_ratio")),
        );
        field(
            "display aspect",
            fraction(ours.display_aspect),
            fraction(ratio(theirs, "display_aspect_ratio")),
        );
        if !ours.attached_picture && ours.kind == StreamKind::Video {
            field("rate", fraction(ours.frame_rate_hz), fraction(ratio(theirs, "avg_frame_rate")));
            field(
                "base rate",
                fraction(ours.base_rate_hz),
                fraction(ratio(theirs, "r_frame_rate")),
            );
            if let (Some(stated), Some(count)) = (number(theirs, "nb_frames"), ours.frame_count)
                && count.basis != Basis::Estimated
                && !is_counted_otherwise
            {
                field("frames", Some(count.frames.to_string()), Some(stated.to_string()));
            }
        }
        let side_data = theirs["side_data_list"].as_array();
        let rotation = side_data.into_iter().flatten().find_map(|data| data["rotation"].as_i64());
        let clockwise = rotation.map(|degrees| (-degrees).rem_euclid(360));
        if !ours.mirrored {
            field("rotation", show(ours.rotation_degrees.map(i64::from)), show(clockwise));
        }
    }
    if kind == "audio" {
        field(
            "rate",
            show(ours.sample_rate_hz.map(i64::from)),
            show(number(theirs, "sample_rate")),
        );
        field("channels", show(ours.channels.map(i64::from)), show(number(theirs, "channels")));
        field("layout", ours.channel_layout.clone(), own(text(theirs, "channel_layout")));
        field("samples", ours.sample_format.clone(), own(text(theirs, "sample_fmt")));
        let depth = number(theirs, "bits_per_raw_sample").or(number(theirs, "bits_per_sample"));
        field("depth", show(ours.bit_depth.map(i64::from)), show(depth));
    }
    if let Some(theirs) = text(theirs, "duration").filter(|_| !ours.attached_picture) {
        let (theirs, ours) = (theirs.parse::<f64>().unwrap(), ours.duration_secs);
        let close = ours.is_some_and(|ours| (ours.to_f64() - theirs).abs() < 1e-5) || theirs <= 0.0;
        field(&format!("duration {ours:?} {theirs}"), Some(close.to_string()), own(Some("true")));
    }
}

#[test]
fn made_clips_agree_with_ffprobe() {
    if !has_ffmpeg() {
        return;
    }
    let (_folder, paths) = clips();
    let mut wrong = Vec::new();
    for path in &paths {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let ours = probe(&source(path)).unwrap_or_else(|error| panic!("{name}: {error}"));
        let theirs = ffprobe(path, &[]).unwrap();
        wrong.extend(differences(&ours, &theirs).iter().map(|line| format!("{name}: {line}")));
        if !ours.agreement.agrees {
            wrong.push(format!("{name}: {:?}", ours.agreement));
        }
        let extension = path.extension().unwrap().to_str().unwrap();
        let format = FORMATS.iter().find(|format| format.name == ours.container.format).unwrap();
        if !format.extensions.contains(&extension) {
            wrong.push(format!("{name}: named {}", ours.container.format));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(paths.len(), CLIP_COUNT);
}

#[test]
fn counted_frames_are_those_that_decode() {
    if !has_ffmpeg() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let names = [
        "h264.mp4",
        "b_frames.mov",
        "vp9.webm",
        "vp8.webm",
        "ffv1.mkv",
        "mpeg4.avi",
        "h264.ts",
        "fragmented.mp4",
        "variable.mkv",
        "variable.mp4",
        "animated.gif",
        "animated.apng",
        "flash.flv",
        "wmv2.wmv",
    ];
    for name in names {
        let path = clip(folder.path(), name);
        let ours = probe(&source(&path)).unwrap();
        let stream = ours.first(StreamKind::Video).unwrap();
        let theirs = ffprobe(&path, &["-count_frames", "-select_streams", "v:0"]).unwrap();
        let decoded = number(&theirs["streams"][0], "nb_read_frames").unwrap();
        let count = stream.frame_count.unwrap();
        assert_eq!((count.frames, count.basis), (decoded as u64, Basis::Counted), "{name}");
        assert_eq!(stream.variable_rate, Some(name.starts_with("variable")), "{name}");
    }
}

#[test]
fn what_ffprobe_does_not_say() {
    if !has_ffmpeg() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let probed = |name: &str| probe(&source(&clip(folder.path(), name))).unwrap();
    let hdr = |probe: &Probe| probe.picture().unwrap().color.clone().unwrap().hdr;

    let film = probed("b_frames.mov");
    assert_eq!(film.timecode.as_deref(), Some("01:02:03;04"));
    assert_eq!(film.kind, MediaKind::Video);
    assert!(film.has_audio);
    assert_eq!(film.picture().unwrap().frame_rate_hz, Rational::new(30000, 1001));
    assert_eq!(film.container.format, "mov");
    assert_eq!(film.streams.last().unwrap().codec, "tmcd");

    let color = probed("prores.mov").picture().unwrap().color.clone().unwrap();
    let said = [color.primaries, color.transfer, color.matrix];
    assert_eq!(said.map(Option::unwrap), ["bt709"; 3], "as the container says");

    assert_eq!(probed("mxf.mxf").timecode.as_deref(), Some("10:00:00:00"));
    assert_eq!(hdr(&probed("hevc10.mp4")).as_deref(), Some("HLG"));
    assert_eq!(hdr(&probed("pq.mkv")).as_deref(), Some("HDR10"));

    let sound = probed("sound.m4a");
    assert_eq!((sound.kind, sound.container.mime.as_str()), (MediaKind::Audio, "audio/mp4"));
    assert_eq!(sound.tags.get("title").map(String::as_str), Some("Hum"));
    assert_eq!(probed("sound24.wav").streams[0].bit_depth, Some(24));
    assert_eq!(probed("sound.flac").streams[0].bit_depth, Some(24));
    assert_eq!(probed("vp9.webm").container.format, "webm");
    assert_eq!(probed("ffv1.mkv").container.format, "matroska");
    assert_eq!(probed("animated.gif").kind, MediaKind::Video);
}

#[test]
fn turned_and_mirrored_clips() {
    if !has_ffmpeg() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    for (matrix, degrees, mirrored, shown) in [
        ([0, 1, -1, 0], 90, false, (120, 160)),
        ([-1, 0, 0, -1], 180, false, (160, 120)),
        ([0, -1, 1, 0], 270, false, (120, 160)),
        ([-1, 0, 0, 1], 0, true, (160, 120)),
    ] {
        let path = turned(folder.path(), matrix);
        let probed = probe(&source(&path)).unwrap();
        let stream = probed.picture().unwrap();
        assert_eq!((stream.rotation_degrees, stream.mirrored), (Some(degrees), mirrored));
        assert_eq!(stream.shown_size_px(), Some(shown));
        let theirs = ffprobe(&path, &[]).unwrap();
        assert_eq!(differences(&probed, &theirs), Vec::<String>::new(), "{degrees}");
        if degrees == 90 {
            let side_data = theirs["streams"][0]["side_data_list"].as_array().unwrap();
            assert!(side_data.iter().any(|data| data["rotation"] == -90), "as phones write it");
        }
    }
}

#[test]
fn a_wrong_extension_is_noted_and_read_all_the_same() {
    if !has_ffmpeg() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let named = folder.path().join("film.mp4");
    std::fs::rename(clip(folder.path(), "ffv1.mkv"), &named).unwrap();
    let probed = probe(&source(&named)).unwrap();
    assert_eq!(probed.container.format, "matroska");
    assert_eq!(probed.agreement.differences, ["named .mp4 but holds Matroska"]);
}

#[test]
fn the_corpus_agrees_with_ffprobe() {
    let Some(corpus) = corpus() else { return };
    if !has_ffmpeg() {
        return;
    }
    let (mut compared, mut refused, mut wrong) = (0, 0, Vec::new());
    // A picture among the tagged sounds is for the readers of stills.
    let is_sound_or_video =
        |path: &std::path::PathBuf| path.extension().is_none_or(|extension| extension != "jpg");
    for folder in ["video", "audio", "tags"] {
        for path in files(&corpus.join(folder)).into_iter().filter(is_sound_or_video) {
            match judge(&path) {
                Ok(true) => compared += 1,
                Ok(false) => refused += 1,
                Err(lines) => {
                    let name = path.file_name().unwrap().to_string_lossy().into_owned();
                    wrong.extend(lines.iter().map(|line| format!("{name}: {line}")));
                }
            }
        }
    }
    println!("{compared} compared, {refused} refused by both");
    assert!(wrong.is_empty(), "{compared} {refused}\n{}", wrong.join("\n"));
    assert_eq!((compared, refused), (84, 16), "files of the corpus");
}

/// Whether the file was compared, or refused by us as by ffprobe.
fn judge(path: &Path) -> Result<bool, Vec<String>> {
    let theirs = ffprobe(path, &[]).filter(|theirs| {
        let streams = theirs["streams"].as_array().unwrap();
        streams
            .iter()
            .any(|stream| number(stream, "width").or(number(stream, "sample_rate")).is_some())
    });
    match (probe(&source(path)), theirs) {
        (Ok(ours), Some(theirs)) => {
            let wrong = differences(&ours, &theirs);
            if wrong.is_empty() { Ok(true) } else { Err(wrong) }
        }
        (Err(error), None) => {
            let expected = matches!(error.kind, ErrorKind::Unsupported | ErrorKind::Corrupt);
            if expected { Ok(false) } else { Err(vec![error.to_string()]) }
        }
        (Ok(ours), None) => Err(vec![format!("only read here, as {}", ours.container.format)]),
        (Err(error), Some(theirs)) => {
            Err(vec![format!("{error}, but ffprobe: {}", theirs["format"])])
        }
    }
}
