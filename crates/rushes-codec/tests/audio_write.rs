//! Sound that is written is read back by the `ffmpeg` command and by ourselves.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops there")]

mod av_fixtures;

use std::fs::File;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::Path;
use std::process::Command;

use av_fixtures::{ffprobe, has_ffmpeg, source};
use rushes_codec::{
    AudioOptions, AudioReader, AudioWriter, AudioWriterOptions, SOUND_TARGETS, Sink, probe,
};
use rushes_media::{ErrorKind, Rational};

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
                // The command leaves AAC its padding, and Vorbis is some samples off there.
                let more = match codec {
                    "aac" => 2 * 4_096,
                    "vorbis" => 2 * 128,
                    _ => 0,
                };
                let length = given.len() * 4;
                assert!(run.stdout.len().abs_diff(length) <= more * 4, "{name}");
                // Bare AAC states neither the encoder's delay, a frame, nor its padding.
                let is_bare = name.ends_with(".aac");
                let delay = if is_bare { 1_024 * channels as usize } else { 0 };
                let found = found.get(delay..).unwrap();
                // In Matroska, Vorbis does not state its padding.
                let more = match () {
                    () if name.ends_with("mka") => more,
                    () if is_bare => delay,
                    () => 0,
                };
                let lengths = given.len()..=given.len() + more;
                assert!(lengths.contains(&found.len()), "{name}: {}", found.len());
                let found = fidelity(&given, found);
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
    assert_eq!(tried, 40);
}

#[test]
fn lengths_are_exact_to_the_sample() {
    let folder = tempfile::tempdir().unwrap();
    let all = sound(1);
    for (name, codec) in [("a.m4a", "aac"), ("a.ogg", "vorbis")] {
        for sample_rate_hz in [44_100, 48_000, 32_000] {
            for length in [1_usize, 127, 1_023, 1_024, 1_025, 9_999, 30_011] {
                let path = folder.path().join(name);
                let options = AudioWriterOptions { sample_rate_hz, ..options(codec, 1) };
                let is_there =
                    AudioWriter::create(tempfile::tempfile().unwrap(), &name[2..], &options);
                if is_there.is_err_and(|error| error.kind == ErrorKind::Unsupported) {
                    continue;
                }
                written(&path, &options, &all[..length]);
                let found = read(&path).0;
                let which = format!("{codec}: {length} at {sample_rate_hz} Hz");
                assert_eq!(found.len(), length, "{which}");
                // Not shifted either.
                if length > 9_000 {
                    let found = fidelity(&all[..length], &found);
                    assert!(found >= 15.0, "{which}: {found:.1} dB");
                }
            }
        }
    }
}

/// Every usual rate with one and two channels is written, or the error names the
/// rates that are.
#[test]
fn every_rate_is_written_or_refused_with_those_that_are() {
    let folder = tempfile::tempdir().unwrap();
    let (mut written_count, mut refused_count) = (0, 0);
    for target in SOUND_TARGETS {
        for &codec in target.codecs {
            for sample_rate_hz in [
                8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000, 88_200,
                96_000, 192_000,
            ] {
                for channels in [1, 2] {
                    let options = AudioWriterOptions { sample_rate_hz, ..options(codec, channels) };
                    let name =
                        format!("{codec}-{sample_rate_hz}-{channels}.{}", target.extensions[0]);
                    let file = tempfile::tempfile().unwrap();
                    match AudioWriter::create(file, target.extensions[0], &options) {
                        Ok(_) => {}
                        Err(error) if error.kind == ErrorKind::Unsupported => continue,
                        Err(error) => {
                            // Vorbis I, section 1.1.1 knows no such limits.
                            assert!(matches!(codec, "opus" | "mp3" | "aac"), "{name}: {error}");
                            let remedy = error.remedy.unwrap_or_default();
                            assert!(remedy.contains("48000, "), "{name}: {remedy}");
                            refused_count += 1;
                            continue;
                        }
                    }
                    let path = folder.path().join(&name);
                    let given = sound(channels as usize);
                    written(&path, &options, &given);
                    let (found, rate, found_channels) = read(&path);
                    // Opus is always decoded at 48,000 Hz (RFC 7845, section 5.1).
                    let stated = if codec == "opus" { 48_000 } else { sample_rate_hz };
                    assert_eq!((rate, found_channels), (stated, channels), "{name}");
                    let given = given.len() / sample_rate_hz as usize * stated as usize;
                    assert!(found.len() >= given, "{name}: {}", found.len());
                    written_count += 1;
                }
            }
        }
    }
    println!("{written_count} written, {refused_count} refused");
    assert!(written_count > 300 && refused_count > 0, "{written_count} and {refused_count}");
}

/// A file of which blocks of silence take no room on the disk.
struct Sparse(File);

impl Sink for Sparse {
    fn write_all_at(&mut self, bytes: &[u8], position: u64) -> std::io::Result<()> {
        let end = position + bytes.len() as u64;
        if bytes.iter().all(|&byte| byte == 0) {
            // What was there before is not silent.
            if position >= self.0.metadata()?.len() {
                return self.0.set_len(end);
            }
        }
        self.0.write_all_at(bytes, position)
    }
}

/// EBU Tech 3306. It takes half a minute, so it runs where that is asked for.
#[test]
fn sound_of_more_than_four_gigabytes_is_rf64() {
    if std::env::var_os("RUSHES_LONG").is_none() {
        println!("SKIPPED: RUSHES_LONG is not set");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("long.wav");
    let options = AudioWriterOptions { sample_rate_hz: 192_000, ..options("pcm_f32le", 8) };
    let sink = Sparse(File::create(&path).unwrap());
    let mut writer = AudioWriter::create(sink, "wav", &options).unwrap();
    let block = vec![0.0; 8 * 65_536];
    let blocks = (4_u64 << 30) / (block.len() as u64 * 4) + 9;
    for _ in 0..blocks {
        writer.write(&block).unwrap();
    }
    let tone = sound(8);
    writer.write(&tone).unwrap();
    writer.finish().unwrap();

    let samples = blocks * 65_536 + LENGTH as u64;
    let metadata = path.metadata().unwrap();
    assert!(metadata.len() > 4 << 30, "{} bytes", metadata.len());
    println!("{} bytes, of which {} on the disk", metadata.len(), metadata.blocks() * 512);
    let mut head = [0; 16];
    File::open(&path).unwrap().read_exact_at(&mut head, 0).unwrap();
    assert_eq!((&head[..4], &head[8..]), (&b"RF64"[..], &b"WAVEds64"[..]));
    let probed = probe(&source(&path)).unwrap();
    assert_eq!(probed.duration_secs, Rational::new(samples as i64, 192_000));
    assert!(probed.agreement.agrees, "{:?}", probed.agreement);
    if !has_ffmpeg() {
        return;
    }
    let stated = &ffprobe(&path, &[]).unwrap()["streams"][0]["duration_ts"];
    assert_eq!(*stated, samples);
    let start = (samples - LENGTH as u64) as f64 / 192_000.0;
    let run = Command::new("ffmpeg")
        .args(["-v", "error", "-nostdin", "-ss", &format!("{start:.9}"), "-i"])
        .arg(&path)
        .args(["-f", "f32le", "-"])
        .output()
        .unwrap();
    let bytes: Vec<u8> = tone.iter().flat_map(|it| it.to_le_bytes()).collect();
    assert!(run.stdout == bytes, "the end reads back to the bit");
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
