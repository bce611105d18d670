//! Animations and interchange files, read back by ffprobe, ffmpeg and ourselves.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops there")]
#![expect(clippy::print_stdout, reason = "a test that is skipped says so")]

mod av_fixtures;
mod video_clips;

use std::fs::File;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use av_fixtures::{bytes, ffprobe, has_ffmpeg, source, theirs};
use rushes_codec::{
    Conversion, SequenceReader, VideoOptions, VideoReader, VideoWriter, WriterOptions, convert,
    plan_conversion, probe,
};
use rushes_media::{ErrorKind, Frame, Layout, MediaKind, Rational, Values};
use video_clips::index;

/// When the frames of an animation are shown, and the last one's end, in
/// hundredths of a second: all of these formats can say that.
const TIMES: [i64; 6] = [0, 4, 10, 30, 31, 80];

/// SVT-AV1 takes nothing smaller than 64 pixels a side.
const WIDTH: u32 = 68;
const HEIGHT: u32 = 66;

fn picture(number: usize, layout: Layout, is_deep: bool) -> Frame {
    let (width, height) = (WIDTH as usize, HEIGHT as usize);
    let mut numbers = Vec::new();
    for y in 0..height {
        for x in 0..width {
            // A field that stands still, and a block that moves.
            let moves = (x / 4 + y / 4 + number).is_multiple_of(5);
            let base = if moves { 250 - number * 20 } else { x * 5 + y };
            numbers.extend((0..layout.channels()).map(|channel| (base + channel * 30) % 256));
        }
    }
    let values = if is_deep {
        Values::U16(numbers.iter().map(|it| *it as u16 * 257).collect())
    } else {
        Values::U8(numbers.iter().map(|it| *it as u8).collect())
    };
    Frame::new(WIDTH, HEIGHT, layout, values).unwrap()
}

fn timed(layout: Layout, is_deep: bool) -> Vec<Frame> {
    let hundredths = |at: i64| Rational::new(at, 100).unwrap();
    let pairs = TIMES.iter().zip(&TIMES[1..]).enumerate();
    let frame = |(number, (from, to)): (usize, (&i64, &i64))| {
        let mut frame = picture(number, layout, is_deep);
        frame.time_secs = Some(hundredths(*from));
        frame.duration_secs = Some(hundredths(to - from));
        frame
    };
    pairs.map(frame).collect()
}

fn write(path: &Path, options: WriterOptions, frames: &[Frame]) {
    let extension = path.extension().unwrap().to_str().unwrap();
    let mut writer = VideoWriter::create(File::create(path).unwrap(), extension, options).unwrap();
    for frame in frames {
        writer.write(frame).unwrap();
    }
    writer.finish().unwrap();
}

/// Whether the linked FFmpeg can write it.
fn has(extension: &str) -> bool {
    let options = WriterOptions { rate_hz: Rational::new(25, 1), ..WriterOptions::default() };
    let tried = VideoWriter::create(tempfile::tempfile().unwrap(), extension, options)
        .and_then(|mut writer| writer.write(&picture(0, Layout::Rgb, false)));
    match tried {
        Err(error) if error.kind == ErrorKind::Unsupported => {
            println!("SKIPPED: {error}");
            false
        }
        tried => {
            tried.unwrap();
            true
        }
    }
}

/// Where a chunk's data begins.
fn after(bytes: &[u8], name: &[u8]) -> usize {
    bytes.windows(name.len()).position(|it| it == name).unwrap() + name.len()
}

#[test]
fn apng_is_lossless_and_exact() {
    if !has_ffmpeg() || !has("apng") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    for (layout, is_deep, pixels) in [
        (Layout::Rgb, false, "rgb24"),
        (Layout::Rgba, false, "rgba"),
        (Layout::Gray, false, "gray"),
        (Layout::Rgb, true, "rgb48le"),
        (Layout::Rgba, true, "rgba64le"),
        (Layout::Gray, true, "gray16le"),
    ] {
        let path = folder.path().join(format!("{pixels}.apng"));
        let frames = timed(layout, is_deep);
        write(&path, WriterOptions { plays: 3, ..WriterOptions::default() }, &frames);
        assert!(theirs(&[], &path, pixels) == bytes(&frames), "{pixels}");
        let source = source(&path);
        assert_eq!(probe(&source).unwrap().kind, MediaKind::Video);
        let options = VideoOptions { layout, ..VideoOptions::default() };
        let mut reader = VideoReader::open(&source, index(&source), options).unwrap();
        for given in &frames {
            let frame = reader.next().unwrap().unwrap();
            assert_eq!(frame.values(), given.values(), "{pixels}");
            let (ours, wanted) = (frame.time_secs.unwrap(), given.time_secs.unwrap());
            assert!((ours.to_f64() - wanted.to_f64()).abs() < 2e-5, "{ours} for {wanted}");
        }
        let file = std::fs::read(&path).unwrap();
        let control = after(&file, b"acTL");
        assert_eq!(file[control..control + 8], [0, 0, 0, 5, 0, 0, 0, 3]);
        // Numerator and denominator of each frame's time, the last one's too.
        let delays: Vec<f64> = file
            .windows(4)
            .enumerate()
            .filter(|(_, name)| name == b"fcTL")
            .map(|(at, _)| {
                let number = |from: usize| {
                    f64::from(u16::from_be_bytes([file[at + from], file[at + from + 1]]))
                };
                number(24) / number(26)
            })
            .collect();
        let wanted: Vec<f64> =
            TIMES.iter().zip(&TIMES[1..]).map(|(from, to)| (to - from) as f64 / 100.0).collect();
        assert_eq!(delays, wanted, "{pixels}");
    }
}

#[test]
fn webp_moves() {
    if !has("webp") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    // Mean of how far numbers are off: chroma is halved, and these have much of it.
    for (quality, most) in [(Some(100), 0), (None, 16)] {
        for layout in [Layout::Rgb, Layout::Rgba] {
            let path = folder.path().join("a.webp");
            let mut frames = timed(layout, false);
            if layout == Layout::Rgba {
                // Colour under what is clear is not kept.
                for frame in &mut frames {
                    let Values::U8(values) = frame.values() else { unreachable!() };
                    let mut values = values.clone();
                    values.as_chunks_mut::<4>().0.iter_mut().for_each(|it| it[3] = it[3].max(1));
                    *frame = frame.remade(WIDTH, HEIGHT, layout, Values::U8(values)).unwrap();
                }
            }
            write(&path, WriterOptions { quality, plays: 2, ..WriterOptions::default() }, &frames);
            let sequence = rushes_codec::open(&path).unwrap().sequence().unwrap().unwrap();
            let options = VideoOptions { layout, ..VideoOptions::default() };
            let mut reader = SequenceReader::open(Arc::new(sequence), options, None).unwrap();
            assert_eq!(reader.len(), frames.len());
            for given in &frames {
                let frame = reader.next().unwrap().unwrap();
                assert_eq!(frame.time_secs, given.time_secs);
                assert_eq!(frame.duration_secs, given.duration_secs);
                let (Values::U8(ours), Values::U8(given)) = (frame.values(), given.values()) else {
                    unreachable!()
                };
                let off =
                    ours.iter().zip(given).map(|(one, other)| u32::from(one.abs_diff(*other)));
                let off = off.sum::<u32>() / given.len() as u32;
                assert!(off <= most, "{off} at {quality:?}");
            }
            let file = std::fs::read(&path).unwrap();
            let control = after(&file, b"ANIM");
            assert_eq!(file[control + 8..control + 10], [2, 0]);
        }
    }
}

#[test]
fn avif_moves() {
    if !has_ffmpeg() || !has("avif") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.avif");
    let options = WriterOptions { rate_hz: Rational::new(25, 1), ..WriterOptions::default() };
    write(&path, options, &timed(Layout::Rgb, false));
    let file = std::fs::read(&path).unwrap();
    assert_eq!(&file[4..12], b"ftypavis");
    let probed = ffprobe(&path, &["-count_frames"]).unwrap();
    let streams = probed["streams"].as_array().unwrap();
    assert!(
        streams.iter().any(|it| it["nb_read_frames"] == "5" && it["codec_name"] == "av1"),
        "{probed}"
    );
}

#[test]
fn y4m_keeps_what_is_stored() {
    if !has_ffmpeg() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let formats = [
        "yuv420p",
        "yuv422p",
        "yuv444p",
        "yuv411p",
        "gray",
        "yuv420p10le",
        "yuv422p12le",
        "yuv444p16le",
        "gray10le",
        "gray16le",
    ];
    for pixels in formats {
        let (from, to) = (folder.path().join("in.nut"), folder.path().join("out.y4m"));
        let made = Command::new("ffmpeg")
            .args(["-v", "error", "-y", "-f", "lavfi", "-i", "testsrc2=s=64x48:r=30000/1001"])
            .args(["-frames:v", "4", "-c:v", "rawvideo", "-pix_fmt", pixels])
            .arg(&from)
            .status();
        assert!(made.unwrap().success(), "{pixels}");
        let input = source(&from);
        let wanted = Conversion { extension: "y4m".into(), ..Conversion::default() };
        let plan = plan_conversion(&input, &wanted).unwrap();
        assert_eq!(plan[0].notes, Vec::<String>::new(), "{pixels}");
        let sink = Box::new(File::create(&to).unwrap());
        convert(&input, sink, &wanted, None, &mut |_| true).unwrap();
        let probed = ffprobe(&to, &["-count_frames"]).unwrap();
        let stream = &probed["streams"][0];
        assert_eq!(
            (&stream["pix_fmt"], &stream["nb_read_frames"], &stream["r_frame_rate"]),
            (&pixels.into(), &"4".into(), &"30000/1001".into())
        );
        assert!(theirs(&[], &to, pixels) == theirs(&[], &from, pixels), "{pixels}");
    }
    // Without a rate there is nothing to write down.
    let file = tempfile::tempfile().unwrap();
    let mut writer = VideoWriter::create(file, "y4m", WriterOptions::default()).unwrap();
    let refused = writer.write(&timed(Layout::Rgb, false)[0]).unwrap_err();
    assert_eq!(refused.kind, ErrorKind::Invalid, "{refused}");
}

#[test]
fn mxf_has_pictures_and_sound_of_48_khz() {
    if !has_ffmpeg() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let from = folder.path().join("in.mkv");
    let made = Command::new("ffmpeg")
        .args(["-v", "error", "-f", "lavfi", "-i", "testsrc2=s=320x240:r=25"])
        .args(["-f", "lavfi", "-i", "sine=r=44100", "-t", "2", "-c:v", "ffv1"])
        .args(["-pix_fmt", "yuv422p", "-c:a", "pcm_s16le"])
        .arg(&from)
        .status();
    assert!(made.unwrap().success());
    let input = source(&from);
    for (codec, theirs) in [("mpeg2", "mpeg2video"), ("dnxhr", "dnxhd"), ("prores", "prores")] {
        let to = folder.path().join(format!("{codec}.mxf"));
        let wanted = Conversion {
            extension: "mxf".into(),
            codec: Some(codec.into()),
            ..Conversion::default()
        };
        let sink = Box::new(File::create(&to).unwrap());
        convert(&input, sink, &wanted, None, &mut |_| true).unwrap();
        let probed = ffprobe(&to, &["-count_frames"]).unwrap();
        let (video, sound) = (&probed["streams"][0], &probed["streams"][1]);
        assert_eq!(
            (&video["codec_name"], &video["nb_read_frames"]),
            (&theirs.into(), &"50".into()),
            "{codec}"
        );
        assert_eq!(
            (&sound["codec_name"], &sound["sample_rate"], &sound["codec_type"]),
            (&"pcm_s16le".into(), &"48000".into(), &"audio".into()),
            "{codec}"
        );
    }
}

/// Hundredths and thousandths are too coarse for a frame, not for all of them.
#[test]
fn a_rate_is_the_one_that_the_times_tell() {
    let folder = tempfile::tempdir().unwrap();
    for (name, hz) in [("a.gif", 30), ("a.gif", 12), ("a.webp", 30), ("a.webp", 12)] {
        if !has(&name[2..]) {
            continue;
        }
        let path = folder.path().join(name);
        let options = WriterOptions { rate_hz: Rational::new(hz, 1), ..WriterOptions::default() };
        let frames: Vec<Frame> = (0..6).map(|at| picture(at, Layout::Rgb, false)).collect();
        write(&path, options, &frames);
        let exact = Rational::new(6, hz).unwrap();
        let source = source(&path);
        let lasts_secs = if name == "a.gif" {
            let index = index(&source);
            assert_eq!(index.rate_hz(), None, "{name} at {hz}");
            index.time_secs(5).checked_add(index.duration_secs(5)).unwrap()
        } else {
            probe(&source).unwrap().duration_secs.unwrap()
        };
        assert_eq!(lasts_secs, exact, "{name} at {hz}");
    }
}
