//! Sound that is written is read back by the `ffmpeg` command and by ourselves.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops there")]

mod av_fixtures;

use std::fs::File;
use std::path::Path;
use std::process::Command;

use av_fixtures::{ffprobe, has_ffmpeg, source};
use rushes_codec::{AudioOptions, AudioReader, AudioWriter, AudioWriterOptions, SOUND_TARGETS};
use rushes_media::ErrorKind;

const RATE_HZ: u32 = 48_000;
const LENGTH: usize = 30_011;

/// Two tones a channel, of a length that is no multiple of anything.
fn sound(channels: usize) -> Vec<f32> {
    let tone = |at: usize, hz: f32| (at as f32 / RATE_HZ as f32 * hz * std::f32::consts::TAU).sin();
    (0..LENGTH * channels)
        .map(|at| {
            let (sample, channel) = (at / channels, at % channels);
            0.4 * tone(sample, 330.0 + 110.0 * channel as f32) + 0.2 * tone(sample, 1_870.0)
        })
        .collect()
}

fn options(codec: &str, channels: u32) -> AudioWriterOptions {
    AudioWriterOptions {
        codec: Some(codec.into()),
        sample_rate_hz: RATE_HZ,
        channels,
        bit_rate: None,
    }
}

fn written(path: &Path, options: &AudioWriterOptions, samples: &[f32]) {
    let extension = path.extension().unwrap().to_str().unwrap();
    let mut writer = AudioWriter::create(File::create(path).unwrap(), extension, options).unwrap();
    // In pieces that fit nothing.
    for piece in samples.chunks(options.channels as usize * 777) {
        writer.write(piece).unwrap();
    }
    writer.finish().unwrap();
}

fn read(path: &Path) -> (Vec<f32>, u32, u32) {
    let source = source(path);
    let mut reader = AudioReader::open(&source, AudioOptions::default()).unwrap();
    let mut samples = Vec::new();
    while reader.next_into(&mut samples).unwrap() {}
    (samples, reader.sample_rate_hz(), reader.channels())
}

/// Signal to noise in decibels.
fn fidelity(given: &[f32], found: &[f32]) -> f64 {
    let power = |values: &mut dyn Iterator<Item = f64>| values.map(|it| it * it).sum::<f64>();
    let signal = power(&mut given.iter().map(|&it| f64::from(it)));
    let noise = power(&mut given.iter().zip(found).map(|(one, other)| f64::from(one - other)));
    10.0 * (signal / noise.max(1e-30)).log10()
}

#[test]
fn every_codec_in_every_kind_of_file_reads_back() {
    if !has_ffmpeg() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut tried = 0;
    for target in SOUND_TARGETS {
        for &codec in target.codecs {
            for channels in [1, 2] {
                let name = format!("{codec}-{channels}.{}", target.extensions[0]);
                let path = folder.path().join(&name);
                let given = sound(channels as usize);
                written(&path, &options(codec, channels), &given);
                let probed = ffprobe(&path, &[]).unwrap();
                let stream = &probed["streams"][0];
                assert_eq!(stream["codec_name"], codec, "{name}");
                assert_eq!(stream["channels"], channels, "{name}");
                let (found, rate, found_channels) = read(&path);
                assert_eq!((rate, found_channels), (RATE_HZ, channels), "{name}");
                let run = Command::new("ffmpeg")
                    .args(["-v", "error", "-nostdin", "-i"])
                    .arg(&path)
                    .args(["-f", "f32le", "-c:a", "pcm_f32le", "-"])
                    .output()
                    .unwrap();
                assert_eq!(run.stdout.len(), found.len() * 4, "{name}");
                // AAC does not say how long the padding of its end is, and libav's Vorbis is
                // some samples off.
                let more = match codec {
                    "aac" => 2 * 4_096,
                    "vorbis" => 2 * 128,
                    _ => 0,
                };
                let lengths = given.len()..=given.len() + more;
                assert!(lengths.contains(&found.len()), "{name}: {}", found.len());
                let found = fidelity(&given, &found);
                let least = match codec {
                    "pcm_f32le" => 290.0,
                    "flac" | "alac" | "pcm_s24le" | "pcm_s24be" | "pcm_s32le" => 130.0,
                    "pcm_s16le" | "pcm_s16be" => 85.0,
                    _ => 15.0,
                };
                assert!(found >= least, "{name}: {found:.1} dB");
                tried += 1;
            }
        }
    }
    assert_eq!(tried, 38);
}

#[test]
fn six_channels_and_clipping() {
    if !has_ffmpeg() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("six.flac");
    let given = sound(6);
    written(&path, &options("flac", 6), &given);
    let (found, _, channels) = read(&path);
    assert_eq!((channels, found.len()), (6, given.len()));
    assert!(fidelity(&given, &found) > 130.0);

    let loud: Vec<f32> = sound(1).iter().map(|it| it * 9.0).collect();
    let path = folder.path().join("loud.wav");
    written(&path, &options("pcm_s16le", 1), &loud);
    let (found, _, _) = read(&path);
    for (given, found) in loud.iter().zip(&found) {
        assert!((given.clamp(-1.0, 1.0) - found).abs() < 1.0 / 16_384.0);
    }
    let path = folder.path().join("loud-float.wav");
    written(&path, &options("pcm_f32le", 1), &loud);
    assert!(read(&path).0 == loud, "floats keep what is beyond full scale");
}

#[test]
fn what_cannot_be_written_is_refused() {
    let create = |extension: &str, options: &AudioWriterOptions| {
        AudioWriter::create(tempfile::tempfile().unwrap(), extension, options)
    };
    let kind = |result: rushes_media::Result<AudioWriter>| result.err().unwrap().kind;
    assert_eq!(kind(create("txt", &options("flac", 2))), ErrorKind::Unsupported);
    assert_eq!(kind(create("flac", &options("aac", 2))), ErrorKind::Invalid);
    assert_eq!(kind(create("wav", &options("pcm_s16le", 0))), ErrorKind::Invalid);
    let odd = AudioWriterOptions { sample_rate_hz: 44_100, ..options("opus", 2) };
    let refused = create("opus", &odd).err().unwrap();
    assert_eq!(refused.kind, ErrorKind::Invalid);
    assert!(refused.remedy.unwrap().contains("48000"));
    let mut writer = create("wav", &options("pcm_s16le", 2)).unwrap();
    assert_eq!(writer.write(&[0.0; 3]).unwrap_err().kind, ErrorKind::Invalid);
    writer.write(&[0.0; 4]).unwrap();
    writer.finish().unwrap();
    let Ok(full) = File::options().write(true).open("/dev/full") else { return };
    let failed = AudioWriter::create(full, "wav", &options("pcm_f32le", 2))
        .and_then(|mut writer| {
            (0..200).try_for_each(|_| writer.write(&[0.1; 48_000]))?;
            writer.finish()
        })
        .unwrap_err();
    assert!(failed.why.contains("space"), "{failed}");
}
