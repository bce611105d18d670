//! Sound becomes every kind of sound file, from sound and from a video's: what
//! ffprobe says of the new file, and how much sound ffmpeg decodes of it.

#![expect(clippy::expect_used, reason = "a test that cannot go on stops there")]

mod support;

use std::process::Command;

use rushes_codec::SOUND_TARGETS;
use serde_json::Value;
use support::{Stage, ffmpeg, has, text};

/// Extension, codec of sound that is PCM before, and seconds by which ffmpeg may
/// hear more or less: AAC in frames of 1,024 samples, bare with one before it too;
/// Vorbis, of which the command is some samples off.
const KINDS: [(&str, &str, f64); 11] = [
    ("wav", "pcm_s16le", 0.0),
    ("aiff", "pcm_s16be", 0.0),
    ("aif", "pcm_s16be", 0.0),
    ("flac", "flac", 0.0),
    ("mp3", "mp3", 0.03),
    ("m4a", "aac", 0.03),
    ("aac", "aac", 0.08),
    ("opus", "opus", 0.001),
    ("ogg", "vorbis", 0.005),
    ("oga", "vorbis", 0.005),
    ("mka", "pcm_s16le", 0.0),
];

fn streams(stage: &Stage, name: &str) -> Vec<Value> {
    let output = Command::new("ffprobe")
        .args(["-v", "error", "-of", "json", "-show_streams"])
        .arg(stage.path(name))
        .output()
        .expect("ffprobe");
    let said: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    said["streams"].as_array().expect("streams").clone()
}

/// Seconds of sound that ffmpeg decodes.
fn heard_secs(stage: &Stage, name: &str, rate_hz: u32) -> f64 {
    let samples = ffmpeg(&format!("-i {} -ac 1 -f s16le -", stage.text(name))).len() / 2;
    samples as f64 / f64::from(rate_hz)
}

/// `w.wav`, stereo at 44,100 Hz, and `v.mkv`, pictures with mono at 48,000 Hz, of
/// two seconds; nothing where ffmpeg is missing.
fn stage_with_sound() -> Option<Stage> {
    if !has("ffmpeg") || !has("ffprobe") {
        return None;
    }
    let stage = Stage::new();
    let sine = "-f lavfi -i sine=frequency=440:duration=2";
    ffmpeg(&format!("{sine}:sample_rate=44100 -ac 2 {}", stage.text("w.wav")));
    let pictures = "-f lavfi -i testsrc2=s=64x48:r=25:duration=2";
    let codecs = "-c:v ffv1 -c:a pcm_s16le";
    ffmpeg(&format!("{pictures} {sine}:sample_rate=48000 {codecs} {}", stage.text("v.mkv")));
    Some(stage)
}

#[test]
fn sound_becomes_every_kind_of_sound_file() {
    let Some(stage) = stage_with_sound() else { return };
    let mut made = 0;
    for (from, rate_hz, channels) in [("w.wav", 44_100, 2), ("v.mkv", 48_000, 1)] {
        for extension in SOUND_TARGETS.iter().flat_map(|target| target.extensions) {
            let known = KINDS.iter().find(|(known, ..)| known == extension);
            let (_, codec, apart_secs) = *known.expect("a row of the table");
            // Opus always has 48,000.
            let rate_hz = if codec == "opus" { 48_000 } else { rate_hz };
            for (cut, secs) in [(&[][..], 2.0), (&["--from", "0.25", "--to", "1.25"], 1.0)] {
                let name = format!("{made}.{extension}");
                let (given, into) = (stage.text(from), stage.text(&name));
                stage.done(&[&["convert", &given, &into][..], cut].concat());
                let found = streams(&stage, &name);
                assert_eq!(found.len(), 1, "{name}: {found:?}");
                assert_eq!(found[0]["codec_name"], codec, "{name}");
                assert_eq!(found[0]["sample_rate"], rate_hz.to_string(), "{name}");
                assert_eq!(found[0]["channels"], channels, "{name}");
                let apart = heard_secs(&stage, &name, rate_hz) - secs;
                assert!(apart.abs() <= apart_secs + 1e-9, "{name} of {from}: {apart} s");
                made += 1;
            }
        }
    }
    assert_eq!(made, 2 * 2 * KINDS.len());
}

#[test]
fn another_codec_and_bit_rate_of_sound() {
    let Some(stage) = stage_with_sound() else { return };
    for (name, options, codec) in [
        ("a.m4a", "--sound-codec alac", "alac"),
        ("a.ogg", "--sound-codec opus --sound-bit-rate 32000", "opus"),
        ("a.wav", "--sound-codec pcm_f32le", "pcm_f32le"),
        ("b.mp4", "", "aac"),
    ] {
        let (from, into) = (stage.text("w.wav"), stage.text(name));
        let options: Vec<&str> = options.split_whitespace().collect();
        stage.done(&[&["convert", &from, &into], &options[..]].concat());
        assert_eq!(streams(&stage, name)[0]["codec_name"], codec, "{name}");
    }
    let small = std::fs::metadata(stage.path("a.ogg")).expect("there").len();
    assert!((4_000..16_000).contains(&small), "{small} bytes of 2 seconds at 32,000 bits");
}

#[test]
fn what_makes_no_sense_of_sound_is_said() {
    let Some(stage) = stage_with_sound() else { return };
    ffmpeg(&format!("-i {} -an {}", stage.text("v.mkv"), stage.text("mute.mp4")));
    for (from, into, options, code, words) in [
        ("w.wav", "a.xyz", "", 4, "neither video nor sound can be written as .xyz"),
        ("w.wav", "a.xyz", "", 4, ", aac, opus"),
        ("w.wav", "a.y4m", "", 4, "holds no sound"),
        ("mute.mp4", "a.mp3", "", 4, "holds no pictures"),
        ("v.mkv", "a.mp3", "--no-sound", 4, "nothing of it can be kept"),
        ("v.mkv", "a.mp3", "--filter clahe", 2, "no pictures go into the new file"),
        ("w.wav", "a.flac", "--quality 50", 2, "no pictures go into the new file"),
        ("w.wav", "a.flac", "--codec h264", 2, "FLAC does not hold"),
        ("w.wav", "a.mp3", "--sound-codec opus", 2, "MP3 does not hold"),
        ("w.wav", "a.mp3", "--from 3f", 2, "sound has no frames"),
        ("w.wav", "a.mp3", "--from 1 --to 1", 2, "it ends before it begins"),
    ] {
        let (given, target) = (stage.text(from), stage.text(into));
        let options: Vec<&str> = options.split_whitespace().collect();
        let ran = stage.run(&[&["convert", &given, &target], &options[..]].concat());
        assert_eq!(ran.code, code, "{from} {into} {options:?}: {ran:?}");
        let said = text(&ran.json["error"]["why"]) + &text(&ran.json["error"]["remedy"]);
        assert!(said.contains(words), "{words:?} in {said}");
        assert!(!stage.path(into).exists());
    }
}
