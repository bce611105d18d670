//! Samples against those that the `ffmpeg` command gives.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops there")]

mod av_fixtures;

use std::path::Path;
use std::process::Command;

use av_fixtures::{corpus, ffmpeg, files, has_ffmpeg, source};
use rushes_codec::{AudioOptions, AudioReader};
use rushes_media::{ErrorKind, Rational};

/// Everything, with rate and channels.
fn read(path: &Path, options: AudioOptions) -> (Vec<f32>, u32, u32) {
    let source = source(path);
    let mut reader = AudioReader::open(&source, options).unwrap();
    let mut samples = Vec::new();
    while reader.next_into(&mut samples).unwrap() {}
    (samples, reader.sample_rate_hz(), reader.channels())
}

fn by_ffmpeg(path: &Path, more: &[&str]) -> Vec<f32> {
    let run = Command::new("ffmpeg")
        .args(["-v", "error", "-nostdin", "-i"])
        .arg(path)
        .args(["-map", "0:a:0"])
        .args(more)
        .args(["-f", "f32le", "-c:a", "pcm_f32le", "-"])
        .output()
        .unwrap();
    run.stdout.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()
}

fn furthest(one: &[f32], other: &[f32]) -> f32 {
    one.iter().zip(other).map(|(one, other)| (one - other).abs()).fold(0.0, f32::max)
}

const TONE: &str =
    "aevalsrc=0.5*sin(2*PI*440*t)|0.4*sin(2*PI*660*t):sample_rate=44100:duration=1.3";

/// Clips by name, and the arguments that encode them.
const CLIPS: [(&str, &str); 14] = [
    ("s16.wav", "-c:a pcm_s16le"),
    ("s24.wav", "-c:a pcm_s24le"),
    ("f32.wav", "-c:a pcm_f32le"),
    ("u8.wav", "-c:a pcm_u8"),
    ("s16.aiff", "-c:a pcm_s16be"),
    ("a.flac", "-c:a flac"),
    ("a.mp3", "-c:a libmp3lame -b:a 128k"),
    ("a.m4a", "-c:a aac -b:a 128k"),
    ("a.opus", "-c:a libopus -b:a 96k"),
    ("a.ogg", "-c:a libvorbis -q:a 5"),
    ("a.mka", "-c:a ac3 -b:a 192k"),
    ("alac.m4a", "-c:a alac"),
    ("six.flac", "-af pan=5.1|FL=c0|FR=c1|FC=c0|LFE=c1|BL=c0|BR=c1 -c:a flac"),
    ("mono.wav", "-ac 1 -c:a pcm_s16le"),
];

fn clip(folder: &Path, (name, made): (&str, &str)) -> std::path::PathBuf {
    let mut arguments = vec!["-f", "lavfi", "-i", TONE];
    arguments.extend(made.split(' '));
    arguments.push(name);
    ffmpeg(folder, &arguments);
    folder.join(name)
}

#[test]
fn samples_are_those_of_ffmpeg() {
    if !has_ffmpeg() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    for made in CLIPS {
        let path = clip(folder.path(), made);
        let (ours, rate, channels) = read(&path, AudioOptions::default());
        let theirs = by_ffmpeg(&path, &[]);
        let name = made.0;
        // The command gives the padding of AAC, too.
        let padding = if name == "a.m4a" { 1_024 * 2 } else { 0 };
        assert!((ours.len()..=ours.len() + padding).contains(&theirs.len()), "{name}");
        assert!(furthest(&ours, &theirs) <= 1e-6, "{name}: {}", furthest(&ours, &theirs));
        let expected = match name {
            "a.opus" => (48_000, 2),
            "six.flac" => (44_100, 6),
            "mono.wav" => (44_100, 1),
            _ => (44_100, 2),
        };
        assert_eq!((rate, channels), expected, "{name}");
    }
    // What has no loss is as long as what was made, and so is what states its padding.
    for name in ["s16.wav", "a.flac", "alac.m4a", "a.m4a", "a.ogg", "a.mp3"] {
        let (samples, _, _) = read(&folder.path().join(name), AudioOptions::default());
        assert_eq!(samples.len(), 57_330 * 2, "{name}");
    }
}

#[test]
fn one_channel_is_the_mean_and_two_are_two_of_one() {
    if !has_ffmpeg() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let stereo = clip(folder.path(), CLIPS[2]);
    let (both, _, _) = read(&stereo, AudioOptions::default());
    let (mean, _, channels) =
        read(&stereo, AudioOptions { channels: Some(1), sample_rate_hz: None });
    assert_eq!((channels, mean.len()), (1, both.len() / 2));
    let expected: Vec<f32> = both.chunks_exact(2).map(|pair| (pair[0] + pair[1]) / 2.0).collect();
    assert!(furthest(&mean, &expected) < 1e-6);
    let mono = clip(folder.path(), CLIPS[13]);
    let (one, _, _) = read(&mono, AudioOptions::default());
    let (two, _, _) = read(&mono, AudioOptions { channels: Some(2), sample_rate_hz: None });
    assert_eq!(two.len(), one.len() * 2);
    assert!(two.chunks_exact(2).all(|pair| pair[0] == pair[1]));
    let six = clip(folder.path(), CLIPS[12]);
    let (down, _, _) = read(&six, AudioOptions { channels: Some(2), sample_rate_hz: None });
    assert!(down.iter().all(|it| it.abs() <= 1.0), "sums stay within full scale");
}

/// How strong a tone is in a sound, in decibels of full scale.
fn strength(samples: &[f32], hz: f64, rate: f64) -> f64 {
    // Blackman-Harris keeps other tones out.
    let last = (samples.len() - 1) as f64;
    let (mut re, mut im, mut sum) = (0.0, 0.0, 0.0);
    for (at, &sample) in samples.iter().enumerate() {
        let turn = std::f64::consts::TAU * at as f64 / last;
        let window = 0.358_75 - 0.488_29 * turn.cos() + 0.141_28 * (2.0 * turn).cos()
            - 0.011_68 * (3.0 * turn).cos();
        let phase = std::f64::consts::TAU * hz * at as f64 / rate;
        re += f64::from(sample) * window * phase.cos();
        im += f64::from(sample) * window * phase.sin();
        sum += window;
    }
    20.0 * (2.0 * re.hypot(im) / sum).max(1e-12).log10()
}

#[test]
fn rates_change_without_aliases() {
    if !has_ffmpeg() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let tones = "aevalsrc=0.4*sin(2*PI*1000*t)+0.4*sin(2*PI*30000*t):sample_rate=96000:duration=1";
    ffmpeg(folder.path(), &["-f", "lavfi", "-i", tones, "-c:a", "pcm_f32le", "tones.wav"]);
    let path = folder.path().join("tones.wav");
    let options = AudioOptions { sample_rate_hz: Some(44_100), channels: None };
    let (samples, rate, _) = read(&path, options);
    assert_eq!(rate, 44_100);
    assert!(samples.len().abs_diff(44_100) <= 1, "{}", samples.len());
    let middle = &samples[4_410..39_690];
    let kept = strength(middle, 1_000.0, 44_100.0);
    assert!((kept - 20.0 * 0.4_f64.log10()).abs() < 0.01, "{kept}");
    // 30 kHz would come back as 14.1 kHz.
    let alias = strength(middle, 14_100.0, 44_100.0);
    assert!(alias < -120.0, "{alias} dB");
    let (up, _, _) = read(&path, AudioOptions { sample_rate_hz: Some(192_000), channels: Some(1) });
    assert!(up.len().abs_diff(192_000) <= 1, "{}", up.len());
}

#[test]
fn sound_that_starts_late_says_so() {
    if !has_ffmpeg() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let arguments = [
        "-f",
        "lavfi",
        "-i",
        "testsrc=size=64x64:duration=2",
        "-itsoffset",
        "0.5",
        "-f",
        "lavfi",
        "-i",
        "sine=duration=1",
        "-c:v",
        "mpeg4",
        "-c:a",
        "pcm_s16le",
        "late.mkv",
    ];
    ffmpeg(folder.path(), &arguments);
    let late = source(&folder.path().join("late.mkv"));
    let reader = AudioReader::open(&late, AudioOptions::default()).unwrap();
    assert_eq!(reader.start_secs(), Rational::new(1, 2).unwrap());
}

#[test]
fn what_cannot_be_read_is_refused_or_cut_short() {
    if !has_ffmpeg() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    ffmpeg(
        folder.path(),
        &["-f", "lavfi", "-i", "testsrc=duration=0.2", "-c:v", "mpeg4", "mute.mp4"],
    );
    let mute = source(&folder.path().join("mute.mp4"));
    let kind = |source, options| AudioReader::open(source, options).err().unwrap().kind;
    assert_eq!(kind(&mute, AudioOptions::default()), ErrorKind::Unsupported);
    let flac = clip(folder.path(), CLIPS[5]);
    let whole = source(&flac);
    let rate = AudioOptions { sample_rate_hz: Some(10), channels: None };
    assert_eq!(kind(&whole, rate), ErrorKind::Invalid);
    let many = AudioOptions { sample_rate_hz: None, channels: Some(65) };
    assert_eq!(kind(&whole, many), ErrorKind::Invalid);
    let bytes = std::fs::read(&flac).unwrap();
    let (all, _, _) = read(&flac, AudioOptions::default());
    for part in [3, 5, 9] {
        let path = folder.path().join("cut.flac");
        std::fs::write(&path, &bytes[..bytes.len() * part / 10]).unwrap();
        let (cut, _, _) = read(&path, AudioOptions::default());
        assert!(!cut.is_empty() && cut.len() < all.len());
        // The last packet may be patched; all before it is what was there.
        let sure = cut.len().saturating_sub(2 * 8192);
        assert!(cut[..sure] == all[..sure], "{part} tenths");
    }
}

#[test]
fn real_sounds_are_those_of_ffmpeg() {
    let Some(corpus) = corpus() else { return };
    let mut read_files = 0;
    for path in files(&corpus.join("audio")) {
        let is_sound = ["mp3", "ogg", "wav", "flac", "m4a"];
        if !is_sound.iter().any(|known| path.extension().is_some_and(|it| it == *known)) {
            continue;
        }
        let (ours, _, _) = read(&path, AudioOptions::default());
        let theirs = by_ffmpeg(&path, &[]);
        assert_eq!(ours.len(), theirs.len(), "{}", path.display());
        assert!(furthest(&ours, &theirs) <= 1e-6, "{}", path.display());
        read_files += 1;
    }
    assert_eq!(read_files, 8);
}
