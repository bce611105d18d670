//! What is written is read back by ffprobe and ffmpeg, and by ourselves.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops there")]
#![expect(clippy::print_stdout, reason = "a test that is skipped says so")]

mod av_fixtures;
mod video_clips;

use std::fs::File;
use std::path::Path;
use std::process::Command;

use av_fixtures::{ffprobe, has_ffmpeg, source};
use rushes_codec::{
    CONTAINERS, Conversion, Depth, Treatment, VIDEO_CODECS, VideoOptions, VideoReader, VideoWriter,
    WriterOptions, convert, plan_conversion,
};
use rushes_media::{Color, ErrorKind, Frame, Layout, Rational, Values};
use video_clips::index;

const FRAMES: usize = 20;

/// A picture that moves, of soft colours, in whole numbers of this depth.
fn picture(number: usize, (width, height): (u32, u32), layout: Layout, depth: Depth) -> Frame {
    let mut fractions = Vec::new();
    for y in 0..height {
        for x in 0..width {
            let wave = |speed: f32, shift: f32| {
                let at = (x as f32 + number as f32 * speed) / 40.0 + y as f32 / 60.0 + shift;
                0.5 + 0.4 * at.sin()
            };
            let colors = [wave(2.0, 0.0), wave(1.0, 2.0), wave(-1.5, 4.0)];
            match layout {
                Layout::Gray => fractions.push(colors[0]),
                Layout::Rgb => fractions.extend(colors),
                Layout::Rgba => fractions.extend([colors[0], colors[1], colors[2], wave(0.0, 1.0)]),
            }
        }
    }
    let values = match depth {
        Depth::F32 => Values::F32(fractions),
        Depth::U16 => Values::U16(fractions.iter().map(|it| (it * 65_535.0) as u16).collect()),
        _ => Values::U8(fractions.iter().map(|it| (it * 255.0) as u8).collect()),
    };
    Frame::new(width, height, layout, values).unwrap()
}

fn rate(hz: i64) -> WriterOptions {
    WriterOptions { rate_hz: Rational::new(hz, 1), ..WriterOptions::default() }
}

fn written(path: &Path, options: WriterOptions, frames: &[Frame]) {
    let extension = path.extension().unwrap().to_str().unwrap();
    let mut writer = VideoWriter::create(File::create(path).unwrap(), extension, options).unwrap();
    for frame in frames {
        writer.write(frame).unwrap();
    }
    assert_eq!(writer.len(), frames.len() as u64);
    writer.finish().unwrap();
}

fn read(path: &Path, layout: Layout, depth: Depth) -> Vec<Frame> {
    let source = source(path);
    let options = VideoOptions { layout, depth, ..VideoOptions::default() };
    let mut reader = VideoReader::open(&source, index(&source), options).unwrap();
    assert_eq!(reader.index().warnings(), Vec::<String>::new(), "{}", path.display());
    std::iter::from_fn(|| reader.next().unwrap()).collect()
}

fn has(codec: &str) -> bool {
    let file = tempfile::tempfile().unwrap();
    let options = WriterOptions { codec: Some(codec.into()), ..rate(25) };
    let found = CONTAINERS.iter().find(|it| it.codecs.contains(&codec)).unwrap();
    match VideoWriter::create(file, found.extensions[0], options) {
        Ok(_) => true,
        Err(error) => {
            assert_eq!(error.kind, ErrorKind::Unsupported, "{error}");
            println!("SKIPPED: {error}");
            false
        }
    }
}

/// Signal to noise in decibels.
fn psnr(one: &Frame, other: &Frame) -> f64 {
    let (Values::U8(one), Values::U8(other)) = (one.values(), other.values()) else {
        unreachable!()
    };
    assert_eq!(one.len(), other.len());
    let squares =
        one.iter().zip(other).map(|(a, b)| f64::from(a.abs_diff(*b)).powi(2)).sum::<f64>();
    20.0 * 255_f64.log10() - 10.0 * (squares / one.len() as f64).log10()
}

#[test]
fn every_codec_in_every_container_reads_back() {
    if !has_ffmpeg() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let size = (320, 180);
    let frames: Vec<Frame> =
        (0..FRAMES).map(|number| picture(number, size, Layout::Rgb, Depth::U8)).collect();
    let mut tried = 0;
    for container in CONTAINERS {
        for &codec in container.codecs {
            // Those without such times have tests of their own.
            let of_its_own = ["gif", "tiff", "apng", "webp", "zarr"].contains(&codec);
            if of_its_own || container.extensions == ["avif"] || !has(codec) {
                continue;
            }
            let path = folder.path().join(format!("{codec}.{}", container.extensions[0]));
            let options = WriterOptions {
                codec: Some(codec.into()),
                rate_hz: Rational::new(30_000, 1001),
                ..WriterOptions::default()
            };
            written(&path, options, &frames);
            let name = path.display();
            let probed = ffprobe(&path, &["-count_frames"]).unwrap();
            let stream = &probed["streams"][0];
            assert_eq!(stream["nb_read_frames"], FRAMES.to_string(), "{name}");
            assert_eq!(stream["r_frame_rate"], "30000/1001", "{name}");
            assert_eq!((&stream["width"], &stream["height"]), (&320.into(), &180.into()), "{name}");
            let expected = match codec {
                "dnxhr" => "dnxhd",
                "mpeg2" => "mpeg2video",
                "raw" => "rawvideo",
                other => other,
            };
            assert_eq!(stream["codec_name"], expected, "{name}");
            let again = read(&path, Layout::Rgb, Depth::U8);
            assert_eq!(again.len(), FRAMES, "{name}");
            for (number, (ours, given)) in again.iter().zip(&frames).enumerate() {
                let found = psnr(ours, given);
                let least = if codec == "ffv1" { f64::INFINITY } else { 36.0 };
                assert!(found >= least, "{name}: frame {number} at {found:.1} dB");
                let time = Rational::new(number as i64 * 1001, 30_000).unwrap();
                let off = ours.time_secs.unwrap().to_f64() - time.to_f64();
                assert!(off.abs() < 0.000_6, "{name}: frame {number} is {off} s off");
            }
            tried += 1;
        }
    }
    assert_eq!(VIDEO_CODECS.len(), 17);
    assert!(tried >= 23, "{tried} combinations");
}

#[test]
fn ffv1_keeps_every_number() {
    if !has_ffmpeg() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    for (layout, name) in [(Layout::Gray, "gray"), (Layout::Rgb, "rgb"), (Layout::Rgba, "rgba")] {
        for (depth, bits) in [(Depth::U8, 8), (Depth::U16, 16)] {
            let path = folder.path().join(format!("{name}{bits}.mkv"));
            let frames: Vec<Frame> =
                (0..3).map(|number| picture(number, (97, 51), layout, depth)).collect();
            written(&path, WriterOptions { codec: Some("ffv1".into()), ..rate(25) }, &frames);
            let again = read(&path, layout, depth);
            assert_eq!(again.len(), 3, "{name}{bits}");
            for (ours, given) in again.iter().zip(&frames) {
                assert!(ours.values() == given.values(), "{name}{bits}");
            }
        }
    }
}

#[test]
fn ffv1_keeps_every_number_of_the_smallest_frames() {
    if !has("ffv1") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("small.mkv");
    let layouts = [Layout::Gray, Layout::Rgb, Layout::Rgba];
    let depths = [Depth::U8, Depth::U16];
    for size in [(1, 1), (6, 1), (1, 6), (5, 2), (2, 7), (6, 3), (31, 40), (32, 32)] {
        for (layout, depth) in layouts.into_iter().flat_map(|it| depths.map(|depth| (it, depth))) {
            let frames: Vec<Frame> = (0..3).map(|n| picture(n, size, layout, depth)).collect();
            let options = WriterOptions { codec: Some("ffv1".into()), ..rate(25) };
            written(&path, options, &frames);
            for (frame, read) in frames.iter().zip(read(&path, layout, depth)) {
                assert_eq!(frame.values(), read.values(), "{size:?} {layout:?} {depth:?}");
            }
        }
    }
}

#[test]
fn colours_are_stated_and_kept() {
    if !has_ffmpeg() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    // Flat colours: what is lost is the codec's and the range's alone.
    let colors: [[u8; 3]; 5] =
        [[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255], [20, 30, 40]];
    let mut values = Vec::new();
    for _ in 0..64 {
        for color in colors {
            values.extend(color.repeat(64));
        }
    }
    let flat = Frame::new(320, 64, Layout::Rgb, Values::U8(values)).unwrap();
    for (name, codec) in
        [("a.mp4", "h264"), ("a.mov", "prores"), ("a.avi", "mjpeg"), ("a.webm", "vp9")]
    {
        if !has(codec) {
            continue;
        }
        let path = folder.path().join(name);
        written(
            &path,
            WriterOptions { codec: Some(codec.into()), ..rate(25) },
            std::slice::from_ref(&flat),
        );
        // ffmpeg, told nothing, sees the same colours.
        let run = Command::new("ffmpeg")
            .args(["-v", "error", "-nostdin", "-i"])
            .arg(&path)
            .args([
                "-vf",
                "scale=flags=accurate_rnd+full_chroma_int",
                "-pix_fmt",
                "rgb24",
                "-f",
                "rawvideo",
                "-",
            ])
            .output()
            .unwrap();
        let ours = read(&path, Layout::Rgb, Depth::U8).remove(0);
        let Values::U8(ours) = ours.values() else { unreachable!() };
        for (at, color) in colors.iter().enumerate() {
            let pixel = (32 * 320 + at * 64 + 32) * 3;
            for (who, bytes) in [("ours", ours.as_slice()), ("ffmpeg", &run.stdout)] {
                for (one, other) in bytes[pixel..pixel + 3].iter().zip(color) {
                    let off = one.abs_diff(*other);
                    assert!(
                        off <= 4,
                        "{name}: {who}: {color:?} became {:?}",
                        &bytes[pixel..pixel + 3]
                    );
                }
            }
        }
    }
    let probed = ffprobe(&folder.path().join("a.mp4"), &[]).unwrap();
    let stream = &probed["streams"][0];
    for (key, value) in [
        ("color_space", "bt709"),
        ("color_primaries", "bt709"),
        ("color_transfer", "bt709"),
        ("color_range", "tv"),
        ("pix_fmt", "yuv420p"),
    ] {
        assert_eq!(stream[key], value, "{key}");
    }
}

#[test]
fn deep_frames_stay_deep_and_hdr_stays_hdr() {
    if !has_ffmpeg() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("deep.mp4");
    let mut frame = picture(0, (320, 180), Layout::Rgb, Depth::F32);
    frame.color = Color {
        primaries: Some("bt2020".into()),
        transfer: Some("smpte2084".into()),
        ..Color::default()
    };
    written(&path, WriterOptions { codec: Some("hevc".into()), ..rate(25) }, &[frame]);
    let probed = ffprobe(&path, &[]).unwrap();
    let stream = &probed["streams"][0];
    for (key, value) in [
        ("color_space", "bt2020nc"),
        ("color_primaries", "bt2020"),
        ("color_transfer", "smpte2084"),
        ("pix_fmt", "yuv420p10le"),
        ("codec_tag_string", "hvc1"),
    ] {
        assert_eq!(stream[key], value, "{key}");
    }
    let again = read(&path, Layout::Rgb, Depth::Auto).remove(0);
    assert_eq!(again.color.transfer.as_deref(), Some("smpte2084"));
    assert!(matches!(again.values(), Values::U16(_)));
}

#[test]
fn odd_sides_keep_their_size() {
    if !has_ffmpeg() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    for (name, codec, size) in [
        ("a.mp4", "h264", (33, 17)),
        ("b.mkv", "h264", (101, 64)),
        ("c.webm", "vp9", (33, 17)),
        ("d.avi", "mjpeg", (33, 17)),
        // SVT-AV1 takes neither odd sides nor any below 64.
        ("e.mp4", "av1", (65, 66)),
        ("f.mkv", "av1", (66, 65)),
        ("g.avif", "av1", (47, 61)),
        ("h.mp4", "av1", (1, 1)),
        ("i.mp4", "av1", (66, 64)),
        ("j.mov", "prores", (81, 61)),
        ("k.mov", "prores", (97, 62)),
        ("l.mov", "prores", (83, 61)),
        ("m.mov", "dnxhr", (257, 121)),
        ("n.mxf", "mpeg2", (97, 61)),
        ("o.ogv", "theora", (97, 61)),
        ("p.mp4", "mpeg4", (97, 61)),
        ("q.mp4", "hevc", (97, 61)),
    ] {
        if !has(codec) {
            continue;
        }
        let path = folder.path().join(name);
        let frames =
            [picture(0, size, Layout::Rgb, Depth::U8), picture(1, size, Layout::Rgb, Depth::U8)];
        written(&path, WriterOptions { codec: Some(codec.into()), ..rate(25) }, &frames);
        let again = read(&path, Layout::Rgb, Depth::U8);
        assert_eq!(again.len(), 2, "{name}");
        for (frame, given) in again.iter().zip(&frames) {
            assert_eq!((frame.width_px(), frame.height_px()), size, "{name}");
            let found = psnr(frame, given);
            assert!(found >= 30.0, "{name}: {found:.1} dB");
        }
    }
}

/// What encoders print by themselves is seen from outside alone.
#[test]
fn encoders_print_nothing() {
    if !has("av1") {
        return;
    }
    let run = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "odd_sides_keep_their_size"])
        .env_remove("SVT_LOG")
        .output()
        .unwrap();
    assert!(run.status.success());
    assert_eq!(String::from_utf8_lossy(&run.stderr), "");
}

#[test]
fn sizes_that_a_codec_does_not_hold_are_refused_with_its_limits() {
    let refused = |codec: &str, size: (u32, u32)| {
        let container = CONTAINERS.iter().find(|it| it.codecs.contains(&codec)).unwrap();
        let options = WriterOptions { codec: Some(codec.into()), ..rate(25) };
        let file = tempfile::tempfile().unwrap();
        let mut writer = VideoWriter::create(file, container.extensions[0], options).unwrap();
        writer.write(&picture(0, size, Layout::Rgb, Depth::U8)).err()
    };
    for (codec, least, most) in [
        ("h264", (1, 1), 16_384),
        ("hevc", (16, 16), 16_888),
        ("av1", (1, 1), 65_535),
        ("vp9", (1, 1), 16_384),
        ("prores", (1, 1), 65_535),
        ("dnxhr", (256, 120), 16_384),
        ("mjpeg", (1, 1), 65_500),
        ("mpeg4", (1, 1), 8_191),
        ("mpeg2", (1, 1), 16_383),
        ("webp", (1, 1), 16_383),
        ("gif", (1, 1), 65_535),
    ] {
        if !has(codec) {
            continue;
        }
        let (width, height) = least;
        // x265 wants a whole block on the other side of a long one.
        for size in [least, (most, height.max(64))] {
            let found = refused(codec, size).map(|error| error.to_string());
            assert_eq!(found, None, "{codec} {size:?}");
        }
        let mut wrong = vec![(most + 1, height), (width, most + 1)];
        if least != (1, 1) {
            wrong.extend([(width - 1, height), (width, height - 1)]);
        }
        for size in wrong {
            let error = refused(codec, size).unwrap();
            assert_eq!(error.kind, ErrorKind::Invalid, "{codec} {size:?}: {error}");
            assert!(error.remedy.is_some(), "{codec} {size:?}: {error}");
        }
    }
    // What no table knows is refused by the encoder, and no media are damaged.
    if has("mpeg2") {
        let error = refused("mpeg2", (4096, 16)).unwrap();
        assert_eq!(error.kind, ErrorKind::Unsupported, "{error}");
        assert!(error.why.contains("4096x16") && error.remedy.is_some(), "{error}");
    }
}

/// x265 gives such packets times that it never set.
#[test]
fn few_frames_of_hevc_keep_their_times() {
    if !has_ffmpeg() || !has("hevc") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("few.mp4");
    let size = (66, 64);
    for count in [1, 2, 2, 2, 2, 2, 2, 2, 2, 3] {
        let frames = vec![picture(0, size, Layout::Rgb, Depth::U8); count];
        written(&path, WriterOptions { codec: Some("hevc".into()), ..rate(25) }, &frames);
        let times: Vec<Rational> = read(&path, Layout::Rgb, Depth::U8)
            .iter()
            .map(|frame| frame.time_secs.unwrap())
            .collect();
        let expected: Vec<Rational> =
            (0..count as i64).map(|number| Rational::new(number, 25).unwrap()).collect();
        assert_eq!(times, expected);
    }
}

#[test]
fn times_that_frames_carry_are_kept() {
    if !has_ffmpeg() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let times = [0, 100, 133, 500, 533, 2000];
    for name in ["a.mp4", "a.mkv", "a.webm", "a.mov"] {
        let path = folder.path().join(name);
        let frames: Vec<Frame> = times
            .iter()
            .map(|&time_ms| {
                let mut frame = picture(time_ms as usize, (64, 64), Layout::Rgb, Depth::U8);
                // From ten seconds on: the first is the start.
                frame.time_secs = Rational::new(10_000 + time_ms, 1000);
                frame.duration_secs = Rational::new(1, 4);
                frame
            })
            .collect();
        written(&path, WriterOptions::default(), &frames);
        let again = read(&path, Layout::Rgb, Depth::U8);
        let found: Vec<i64> = again
            .iter()
            .map(|frame| (frame.time_secs.unwrap().to_f64() * 1000.0).round() as i64)
            .collect();
        assert_eq!(found, times, "{name}");
    }
}

#[test]
fn quality_is_heard() {
    if !has_ffmpeg() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let frames: Vec<Frame> =
        (0..5).map(|number| picture(number, (320, 180), Layout::Rgb, Depth::U8)).collect();
    for (codec, extension) in [("h264", "mp4"), ("mjpeg", "avi"), ("vp9", "webm"), ("mpeg4", "avi")]
    {
        if !has(codec) {
            continue;
        }
        let mut sizes = Vec::new();
        for quality in [5, 60, 95] {
            let path = folder.path().join(format!("{codec}{quality}.{extension}"));
            let options =
                WriterOptions { codec: Some(codec.into()), quality: Some(quality), ..rate(25) };
            written(&path, options, &frames);
            sizes.push(path.metadata().unwrap().len());
        }
        assert!(sizes.is_sorted() && sizes[2] > sizes[0] * 3 / 2, "{codec}: {sizes:?}");
    }
}

#[test]
fn what_cannot_be_written_is_refused() {
    let create = |extension: &str, options: WriterOptions| {
        VideoWriter::create(tempfile::tempfile().unwrap(), extension, options)
    };
    let kind = |result: rushes_media::Result<VideoWriter>| result.err().unwrap().kind;
    assert_eq!(kind(create("txt", rate(25))), ErrorKind::Unsupported);
    let options = WriterOptions { codec: Some("prores".into()), ..rate(25) };
    assert_eq!(kind(create("mp4", options)), ErrorKind::Invalid);
    assert_eq!(kind(create("mp4", rate(0))), ErrorKind::Invalid);
    assert_eq!(kind(create("mp4", rate(20_000))), ErrorKind::Invalid);
    let options = WriterOptions { quality: Some(101), ..rate(25) };
    assert_eq!(kind(create("mp4", options)), ErrorKind::Invalid);

    let refused = create("mp4", rate(25)).unwrap().finish().unwrap_err();
    assert_eq!(refused.kind, ErrorKind::Invalid, "{refused}");
    let clear = picture(0, (32, 32), Layout::Rgba, Depth::U8);
    let refused = create("mp4", rate(25)).unwrap().write(&clear).unwrap_err();
    assert_eq!(refused.kind, ErrorKind::Invalid, "{refused}");
    let empty = Frame::new(0, 3, Layout::Rgb, Values::U8(Vec::new())).unwrap();
    let refused = create("mp4", rate(25)).unwrap().write(&empty).unwrap_err();
    assert_eq!(refused.kind, ErrorKind::Invalid, "{refused}");

    let mut writer = create("mp4", rate(25)).unwrap();
    writer.write(&picture(0, (32, 32), Layout::Rgb, Depth::U8)).unwrap();
    let refused = writer.write(&picture(0, (32, 34), Layout::Rgb, Depth::U8)).unwrap_err();
    assert_eq!(refused.kind, ErrorKind::Invalid, "{refused}");
    assert!(refused.why.contains("32x34"), "{refused}");
    // It goes on as if that had not been asked.
    writer.write(&picture(1, (32, 32), Layout::Rgb, Depth::U8)).unwrap();
    writer.finish().unwrap();

    let mut writer = create("mp4", WriterOptions::default()).unwrap();
    let mut frame = picture(0, (32, 32), Layout::Rgb, Depth::U8);
    assert_eq!(writer.write(&frame).unwrap_err().kind, ErrorKind::Invalid);
    frame.time_secs = Some(Rational::ZERO);
    let mut writer = create("mp4", WriterOptions::default()).unwrap();
    writer.write(&frame).unwrap();
    assert_eq!(writer.write(&frame).unwrap_err().kind, ErrorKind::Invalid);
}

#[test]
fn a_full_disk_is_told() {
    // Writing there always fails as on a full disk.
    let Ok(full) = File::options().write(true).open("/dev/full") else { return };
    let mut writer =
        VideoWriter::create(full, "mkv", WriterOptions { codec: Some("ffv1".into()), ..rate(25) })
            .unwrap();
    let failed = (0..400).find_map(|number| {
        let noise = (0..320_u32 * 180 * 3)
            .map(|at| (at.wrapping_mul(2_654_435_761) >> (number % 13)) as u8);
        let frame = Frame::new(320, 180, Layout::Rgb, Values::U8(noise.collect())).unwrap();
        writer.write(&frame).err()
    });
    let failed = failed.unwrap();
    assert!(failed.why.contains("space"), "{failed}");
}

/// One frame as ffmpeg sees it, after all that came before.
fn seen_by_ffmpeg(path: &Path, size: (u32, u32)) -> Vec<Frame> {
    let run = Command::new("ffmpeg")
        .args(["-v", "error", "-nostdin", "-i"])
        .arg(path)
        .args(["-fps_mode", "passthrough", "-pix_fmt", "rgb24", "-f", "rawvideo", "-"])
        .output()
        .unwrap();
    let bytes = size.0 as usize * size.1 as usize * 3;
    let frame =
        |bytes: &[u8]| Frame::new(size.0, size.1, Layout::Rgb, Values::U8(bytes.to_vec())).unwrap();
    run.stdout.chunks_exact(bytes).map(frame).collect()
}

#[test]
fn gifs_keep_colours_and_times() {
    if !has_ffmpeg() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let size = (320, 180);
    let frames: Vec<Frame> =
        (0..FRAMES).map(|number| picture(number * 3, size, Layout::Rgb, Depth::U8)).collect();
    let path = folder.path().join("a.gif");
    let options =
        WriterOptions { rate_hz: Rational::new(30_000, 1001), ..WriterOptions::default() };
    written(&path, options, &frames);
    let seen = seen_by_ffmpeg(&path, size);
    assert_eq!(seen.len(), FRAMES);
    for (number, (ours, given)) in seen.iter().zip(&frames).enumerate() {
        let found = psnr(ours, given);
        assert!(found >= 32.0, "frame {number} at {found:.1} dB");
    }
    let again = read(&path, Layout::Rgb, Depth::U8);
    assert_eq!(again.len(), FRAMES);
    for (number, ours) in again.iter().enumerate() {
        let off = ours.time_secs.unwrap().to_f64() - number as f64 * 1001.0 / 30_000.0;
        assert!(off.abs() <= 0.005_1, "frame {number} is {off} s off");
    }

    // Of what stays, nothing is written again; a frame without change is one all the same.
    let mut still = vec![picture(0, size, Layout::Rgb, Depth::U8); 30];
    let path = folder.path().join("still.gif");
    written(&path, rate(10), &still[..1]);
    let one = path.metadata().unwrap().len();
    written(&path, rate(10), &still);
    let all = path.metadata().unwrap().len();
    assert!(all < one + 30 * 40, "{one} bytes for one, {all} for thirty");
    assert_eq!(seen_by_ffmpeg(&path, size).len(), 30);
    // Another scene has another palette.
    still.truncate(2);
    let red: Vec<u8> =
        (0..320 * 180).flat_map(|at| [200, (at % 50) as u8, (at / 320) as u8]).collect();
    still.push(Frame::new(320, 180, Layout::Rgb, Values::U8(red)).unwrap());
    written(&path, rate(10), &still);
    let seen = seen_by_ffmpeg(&path, size);
    assert!(psnr(&seen[2], &still[2]) > 32.0, "{:.1} dB", psnr(&seen[2], &still[2]));

    let clear = picture(0, (32, 32), Layout::Rgba, Depth::U8);
    let mut writer = VideoWriter::create(tempfile::tempfile().unwrap(), "gif", rate(10)).unwrap();
    assert_eq!(writer.write(&clear).unwrap_err().kind, ErrorKind::Invalid);
    for (layout, depth) in [(Layout::Gray, Depth::U8), (Layout::Rgb, Depth::F32)] {
        let frames = [picture(0, (33, 7), layout, depth), picture(9, (33, 7), layout, depth)];
        written(&path, rate(50), &frames);
        assert_eq!(seen_by_ffmpeg(&path, (33, 7)).len(), 2);
    }
}

#[test]
fn the_rate_of_a_short_clip_is_the_stated_one() {
    if !has_ffmpeg() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let size = (64, 64);
    let rates = [(30_000, 1001), (24_000, 1001), (25, 1), (120, 1)];
    for name in ["a.mkv", "a.mp4", "a.mov", "a.avi", "a.webm"] {
        for ((num, den), count) in rates.into_iter().flat_map(|it| [(it, 1), (it, 2), (it, 5)]) {
            let path = folder.path().join(name);
            let frames = vec![picture(0, size, Layout::Rgb, Depth::U8); count];
            let options =
                WriterOptions { rate_hz: Rational::new(num, den), ..WriterOptions::default() };
            written(&path, options, &frames);
            let found = index(&source(&path));
            assert_eq!(found.rate_hz(), Rational::new(num, den), "{name}: {count} frames");
            let probed = ffprobe(&path, &[]).unwrap();
            assert_eq!(probed["streams"][0]["r_frame_rate"], format!("{num}/{den}"), "{name}");
            let kept = rushes_codec::FrameIndex::from_bytes(&found.to_bytes()).unwrap();
            assert_eq!(kept, *found);
        }
        // Frames that come otherwise have none.
        if name == "a.avi" {
            continue;
        }
        let path = folder.path().join(name);
        let frames: Vec<Frame> = [0, 100, 133, 500, 533, 2000]
            .iter()
            .map(|&time_ms| {
                let mut frame = picture(time_ms as usize, size, Layout::Rgb, Depth::U8);
                frame.time_secs = Rational::new(time_ms, 1000);
                frame
            })
            .collect();
        written(&path, WriterOptions::default(), &frames);
        assert_eq!(index(&source(&path)).rate_hz(), None, "{name}");
    }
}

/// VP9 keeps opacity as a second picture beside each, which libvpx alone decodes.
#[test]
fn opacity_of_webm_is_read_back() {
    if !has("vp9") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let frames: Vec<Frame> =
        (0..5).map(|at| picture(at, (64, 48), Layout::Rgba, Depth::U8)).collect();
    for name in ["a.webm", "a.mkv"] {
        let path = folder.path().join(name);
        let options = WriterOptions { codec: Some("vp9".into()), ..rate(25) };
        written(&path, options, &frames);
        let again = read(&path, Layout::Rgba, Depth::U8);
        assert_eq!(again.len(), 5, "{name}");
        for (frame, given) in again.iter().zip(&frames) {
            let found = psnr(frame, given);
            assert!(found >= 30.0, "{name}: {found:.1} dB");
        }
        // In any order too.
        let source = source(&path);
        let options =
            VideoOptions { layout: Layout::Rgba, depth: Depth::U8, ..VideoOptions::default() };
        let mut reader = VideoReader::open(&source, index(&source), options).unwrap();
        for at in [4, 0, 3] {
            assert_eq!(reader.frame(at).unwrap().values(), again[at].values(), "{name} {at}");
        }
        let told = |extension: &str, codec: Option<&str>| {
            let wanted = Conversion {
                extension: extension.into(),
                codec: codec.map(str::to_owned),
                ..Conversion::default()
            };
            let plan = &plan_conversion(&source, &wanted).unwrap()[0];
            (plan.treatment.clone(), plan.notes.join(", "))
        };
        let left_out = "transparency is left out".to_owned();
        assert_eq!(told("mp4", Some("h264")), (Treatment::Encoded("h264"), left_out.clone()));
        assert_eq!(told("mp4", Some("vp9")), (Treatment::Copied, left_out));
        assert_eq!(told("webm", None), (Treatment::Copied, String::new()));
        let prores = told("mov", Some("prores"));
        assert_eq!(prores, (Treatment::Encoded("prores"), String::new()));
    }
}

/// SMPTE ST 326 has so many packages a second.
#[test]
fn mxf_says_which_rates_it_has() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.mxf");
    let rates = [
        (24_000, 1001),
        (24, 1),
        (25, 1),
        (30_000, 1001),
        (30, 1),
        (48, 1),
        (50, 1),
        (60_000, 1001),
        (60, 1),
        (100, 1),
        (120, 1),
    ];
    let size = (64, 48);
    for (num, den) in rates {
        let options = WriterOptions { rate_hz: Rational::new(num, den), ..rate(25) };
        written(&path, options, &[picture(0, size, Layout::Rgb, Depth::U8)]);
        assert_eq!(read(&path, Layout::Rgb, Depth::U8).len(), 1, "{num}/{den}");
    }
    for hz in [10, 12, 15, 29, 240] {
        let error = VideoWriter::create(tempfile::tempfile().unwrap(), "mxf", rate(hz)).err();
        let error = error.unwrap_or_else(|| panic!("{hz}"));
        assert_eq!(error.kind, ErrorKind::Invalid, "{error}");
        assert!(error.why.contains("MXF"), "{error}");
        assert!(error.remedy.unwrap().contains("24000/1001, 24, 25"), "{hz}");
    }
    if !has_ffmpeg() {
        return;
    }
    let slow = folder.path().join("slow.mkv");
    let options = WriterOptions { codec: Some("ffv1".into()), ..rate(10) };
    written(
        &slow,
        options,
        &[picture(0, size, Layout::Rgb, Depth::U8), picture(1, size, Layout::Rgb, Depth::U8)],
    );
    let wanted = Conversion { extension: "mxf".into(), ..Conversion::default() };
    let sink = Box::new(tempfile::tempfile().unwrap());
    let error = convert(&source(&slow), sink, &wanted, None, &mut |_| true).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Invalid, "{error}");
    assert!(error.remedy.unwrap().contains("24000/1001, 24, 25"));
}
