//! Pictures in a row: numbered stills, pages, animations and recordings,
//! against what Pillow, PIMS and FFmpeg say of them.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops there")]

mod av_fixtures;
mod video_clips;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use av_fixtures::{ffmpeg, has_ffmpeg, source};
use rushes_codec::{
    Depth, FrameIndex, Sequence, SequenceReader, VideoOptions, VideoReader, encode_still,
    preview_frames, probe, still_frame,
};
use rushes_media::{Error, ErrorKind, Frame, Layout, MediaKind, Rational, Result, Values};

fn kept(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sequences").join(name)
}

/// The pictures that libav does not play.
fn found(path: &Path) -> Result<Option<Sequence>> {
    rushes_codec::open(path)?.sequence()
}

fn open(path: &Path) -> Result<Sequence> {
    Ok(found(path)?.unwrap())
}

fn reader(path: &Path, layout: Layout, depth: Depth) -> SequenceReader {
    let options = VideoOptions { layout, depth, ..VideoOptions::default() };
    SequenceReader::open(Arc::new(open(path).unwrap()), options, None).unwrap()
}

fn refused(path: &Path) -> Error {
    open(path).and_then(read_all).unwrap_err()
}

/// Reads every frame as it is stored; how many there were.
fn read_all(sequence: Sequence) -> Result<usize> {
    let mut reader = SequenceReader::open(Arc::new(sequence), VideoOptions::default(), None)?;
    let mut count = 0;
    while reader.next()?.is_some() {
        count += 1;
    }
    Ok(count)
}

fn bytes_of(frame: &Frame) -> Vec<u8> {
    match frame.values() {
        Values::U8(values) => values.clone(),
        Values::U16(values) => values.iter().flat_map(|it| it.to_le_bytes()).collect(),
        Values::F32(values) => values.iter().flat_map(|it| it.to_le_bytes()).collect(),
    }
}

/// Every frame, one after another and then backwards, which must be the same.
fn all(reader: &mut SequenceReader) -> Vec<u8> {
    let mut frames = Vec::new();
    while let Some(frame) = reader.next().unwrap() {
        assert_eq!(frame.time_secs, Some(reader.sequence().time_secs(frames.len())));
        frames.push(bytes_of(&frame));
    }
    assert_eq!(frames.len(), reader.len());
    for i in (0..reader.len()).rev() {
        assert!(bytes_of(&reader.frame(i).unwrap()) == frames[i], "frame {i} differs backwards");
    }
    frames.concat()
}

fn lines(name: &str) -> Vec<String> {
    fs::read_to_string(kept(name)).unwrap().lines().map(str::to_owned).collect()
}

/// A small picture of one value.
fn write_still(path: &Path, (width_px, height_px): (u32, u32), value: u8) {
    let values = Values::U8(vec![value; width_px as usize * height_px as usize * 3]);
    let frame = Frame::new(width_px, height_px, Layout::Rgb, values).unwrap();
    let extension = path.extension().unwrap().to_str().unwrap();
    fs::write(path, encode_still(&frame, extension, None).unwrap()).unwrap();
}

#[test]
fn numbered_stills() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    for number in [1_u8, 2, 3, 10, 11, 100] {
        write_still(&at(&format!("shot.{number}.png")), (6, 4), number);
    }
    fs::write(at("notes.txt"), "no still").unwrap();
    fs::write(at(".shot.5.png"), "hidden").unwrap();
    for path in [folder.path().to_owned(), at("shot.%d.png"), at("shot.#.png"), at("*.png")] {
        let mut reader = reader(&path, Layout::Gray, Depth::Auto);
        let firsts: Vec<u8> = (0..6).map(|i| bytes_of(&reader.frame(i).unwrap())[0]).collect();
        assert_eq!(firsts, [1, 2, 3, 10, 11, 100], "{path:?}");
        let sequence = reader.sequence();
        assert_eq!(sequence.time_secs(3), Rational::new(3, 25).unwrap());
        assert_eq!(sequence.duration_secs(5), Rational::new(1, 25).unwrap());
        assert_eq!(sequence.at(Rational::new(1, 10).unwrap()), 2);
        assert_eq!(sequence.recorded_secs(0), None);
        let told = sequence.warnings();
        assert_eq!(told, ["numbers are missing in the row: 4 to 9, 12 to 99"]);

        let mut batch = vec![0; 4 * reader.frame_bytes()];
        reader.frames_into(&[5, 0, 5, 2], &mut batch).unwrap();
        let firsts: Vec<u8> = batch.chunks(24).map(|frame| frame[0]).collect();
        assert_eq!(firsts, [100, 1, 100, 3]);
        assert_eq!(reader.frame(6).unwrap_err().kind, ErrorKind::NotFound);
    }
    let rate_hz = Rational::new(24_000, 1001).unwrap();
    let timed = open(folder.path()).unwrap().at_rate(rate_hz).unwrap();
    assert_eq!(timed.time_secs(24 - 19), Rational::new(5005, 24_000).unwrap());

    // Padded to two digits: only those that printf would write so.
    assert_eq!(reader(&at("shot.%02d.png"), Layout::Gray, Depth::U8).len(), 3);
    assert_eq!(reader(&at("shot.3.png"), Layout::Gray, Depth::U8).len(), 1);
    for (path, kind) in [
        (at("shot.%05d.png"), ErrorKind::NotFound),
        (at("absent.png"), ErrorKind::NotFound),
        (at("absent/%d.png"), ErrorKind::NotFound),
    ] {
        assert_eq!(refused(&path).kind, kind, "{path:?}");
    }
    // What is no still belongs to others.
    let text = found(&at("notes.txt"));
    assert!(text.unwrap().is_none());

    let stopped =
        SequenceReader::open(Arc::new(open(folder.path()).unwrap()), VideoOptions::default(), None);
    let stopped = stopped.unwrap().watched(|| false).frame(1).unwrap_err();
    assert_eq!(stopped.kind, ErrorKind::Unavailable);
}

#[test]
fn stills_that_do_not_belong_together() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    write_still(&at("a1.png"), (6, 4), 1);
    write_still(&at("a2.png"), (6, 5), 2);
    fs::write(at("a3.png"), fs::read(at("a1.png")).unwrap().split_at(40).0).unwrap();
    let mut reader = reader(&at("a*.png"), Layout::Rgb, Depth::Auto);
    let other = reader.frame(1).unwrap_err();
    assert_eq!(other.kind, ErrorKind::Conflict);
    assert!(other.why.contains("a2.png has 6x5 pixels, the first has 6x4"), "{other}");
    let broken = reader.frame(2).unwrap_err();
    assert_eq!(broken.kind, ErrorKind::Corrupt);
    assert!(broken.path.unwrap().ends_with("a3.png"));
    assert!(reader.frame(0).is_ok());
    // To one size, they do.
    let options = VideoOptions { size: Some((3, 3)), ..VideoOptions::default() };
    let mut sized =
        SequenceReader::open(Arc::new(open(&at("a*.png")).unwrap()), options, None).unwrap();
    assert_eq!(bytes_of(&sized.frame(1).unwrap()), [2; 27]);

    write_still(&at("a1.jpg"), (6, 4), 1);
    let mixed = refused(folder.path());
    assert_eq!(mixed.kind, ErrorKind::Invalid);
    assert!(mixed.why.contains("JPEG") && mixed.why.contains("PNG"), "{mixed}");
    fs::create_dir(at("empty")).unwrap();
    assert_eq!(refused(&at("empty")).kind, ErrorKind::NotFound);
}

#[test]
fn stills_are_turned_as_they_say() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.png");
    let values = Values::U8((0..6).collect());
    let frame = Frame::new(3, 2, Layout::Gray, values).unwrap();
    fs::write(&path, encode_still(&frame, "png", None).unwrap()).unwrap();
    let sequence = Arc::new(open(&path).unwrap());
    let with = |upright| {
        let options = VideoOptions { layout: Layout::Gray, upright, ..VideoOptions::default() };
        SequenceReader::open(Arc::clone(&sequence), options, Some(|_| Ok((90, false)))).unwrap()
    };
    let mut turned = with(true);
    assert_eq!((turned.width_px(), turned.height_px(), turned.rotation()), (2, 3, (90, false)));
    assert_eq!(bytes_of(&turned.frame(0).unwrap()), [3, 0, 4, 1, 5, 2]);
    assert_eq!(bytes_of(&with(false).frame(0).unwrap()), [0, 1, 2, 3, 4, 5]);
}

/// OpenEXR keeps floats; as whole numbers they get sRGB's curve.
#[test]
fn floats_of_linear_light() {
    let folder = tempfile::tempdir().unwrap();
    for i in 0..3_u8 {
        let light = [0.0, 0.25 * f32::from(i), 4.0].repeat(4);
        let mut frame = Frame::new(2, 2, Layout::Rgb, Values::F32(light)).unwrap();
        frame.color.transfer = Some("linear".into());
        let bytes = encode_still(&frame, "exr", None).unwrap();
        fs::write(folder.path().join(format!("shot.{i:04}.exr")), bytes).unwrap();
    }
    let pattern = folder.path().join("shot.%04d.exr");
    let mut floats = reader(&pattern, Layout::Rgb, Depth::Auto);
    assert_eq!(floats.depth(), Depth::F32);
    let frame = floats.frame(2).unwrap();
    assert_eq!(frame.values(), &Values::F32([0.0, 0.5, 4.0].repeat(4)));
    assert_eq!(frame.color.transfer.as_deref(), Some("linear"));
    // 0.5 is 188 by IEC 61966-2-1.
    let mut whole = reader(&pattern, Layout::Rgb, Depth::U8);
    assert_eq!(whole.frame(2).unwrap().values(), &Values::U8([0, 188, 255].repeat(4)));
}

#[test]
fn pages_of_a_tiff() {
    for name in ["pages.tif", "pages_big.tif"] {
        let path = kept(name);
        let mut reader = reader(&path, Layout::Gray, Depth::Auto);
        assert_eq!((reader.len(), reader.depth()), (6, Depth::U16), "{name}");
        assert_eq!((reader.width_px(), reader.height_px()), (20, 12));
        for i in [5, 0, 3, 1, 2, 4] {
            let expected: Vec<u16> = (0..12_usize)
                .flat_map(|y| (0..20).map(move |x| ((x * 7 + y * 17 + i * 31) % 256) as u16 * 257))
                .collect();
            assert!(reader.frame(i).unwrap().values() == &Values::U16(expected), "{name} page {i}");
        }
    }
    // The file as a still is its first page, as it was.
    let first = still_frame(&source(&kept("pages.tif"))).unwrap();
    assert_eq!((first.width_px(), first.layout()), (20, Layout::Gray));
}

#[test]
fn animated_webp_is_composited() {
    let mut reader = reader(&kept("moving.webp"), Layout::Rgba, Depth::Auto);
    let expected = fs::read(kept("moving.webp.numbers")).unwrap();
    let found = all(&mut reader);
    // libwebp makes what is fully clear black; what is clear has no colour.
    let shown = |numbers: &[u8]| -> Vec<[u8; 4]> {
        let pixels = numbers.as_chunks::<4>().0.iter();
        pixels.map(|&pixel| if pixel[3] == 0 { [0; 4] } else { pixel }).collect()
    };
    assert!(shown(&found) == shown(&expected));
    let mut now = 0;
    for (i, lasts) in lines("moving.webp.times").iter().enumerate() {
        let lasts: i64 = lasts.parse().unwrap();
        let sequence = reader.sequence();
        assert_eq!(sequence.time_secs(i), Rational::new(now, 1000).unwrap());
        assert_eq!(sequence.duration_secs(i), Rational::new(lasts, 1000).unwrap());
        now += lasts;
    }
    let timed = open(&kept("moving.webp")).unwrap().at_rate(Rational::whole(5)).unwrap_err();
    assert_eq!(timed.kind, ErrorKind::Invalid);
}

/// GIF and APNG are read as video.
#[test]
fn gif_and_apng_are_composited() {
    for name in ["moving.gif", "moving.png"] {
        let path = kept(name);
        assert!(found(&path).unwrap().is_none());
        let source = source(&path);
        let index = Arc::new(FrameIndex::build(&source, &mut |_| true).unwrap());
        let options = VideoOptions { layout: Layout::Rgba, ..VideoOptions::default() };
        let mut reader = VideoReader::open(&source, index, options).unwrap();
        let expected = fs::read(kept(&format!("{name}.numbers"))).unwrap();
        let times = lines(&format!("{name}.times"));
        assert_eq!(reader.len(), times.len(), "{name}");
        let mut now = 0;
        for (i, lasts) in times.iter().enumerate() {
            let lasts: i64 = lasts.parse().unwrap();
            let frame = reader.frame(i).unwrap();
            let shown = |numbers: &[u8]| -> Vec<[u8; 4]> {
                let pixels = numbers.as_chunks::<4>().0.iter();
                pixels.map(|&pixel| if pixel[3] == 0 { [0; 4] } else { pixel }).collect()
            };
            let wanted = &expected[i * 32 * 24 * 4..][..32 * 24 * 4];
            assert!(shown(&bytes_of(&frame)) == shown(wanted), "{name} frame {i}");
            assert_eq!(frame.time_secs, Rational::new(now, 1000), "{name} frame {i}");
            assert_eq!(frame.duration_secs, Rational::new(lasts, 1000), "{name} frame {i}");
            now += lasts;
        }
    }
}

#[test]
fn animated_avif() {
    if !has_ffmpeg() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let made = Command::new("ffmpeg")
        .current_dir(folder.path())
        .args("-v error -f lavfi -i testsrc2=size=64x48:rate=10:duration=0.5".split(' '))
        .args("-c:v libaom-av1 -cpu-used 8 a.avif".split(' '))
        .status();
    if !made.is_ok_and(|status| status.success()) {
        println!("SKIPPED: this ffmpeg writes no animated AVIF");
        return;
    }
    let path = folder.path().join("a.avif");
    assert!(found(&path).unwrap().is_none());
    let source = source(&path);
    let index = Arc::new(FrameIndex::build(&source, &mut |_| true).unwrap());
    let mut reader = VideoReader::open(&source, index, VideoOptions::default()).unwrap();
    assert_eq!(reader.len(), 5);
    assert_eq!(reader.frame(4).unwrap().time_secs, Rational::new(2, 5));
}

#[test]
fn streampix_recordings() {
    for (name, layout, depth) in [
        ("mono8_v3.seq", Layout::Gray, Depth::U8),
        ("mono8_v5.seq", Layout::Gray, Depth::U8),
        ("mono12_v5.seq", Layout::Gray, Depth::U16),
        ("bgr_v5.seq", Layout::Rgb, Depth::U8),
        ("jpeg_gray.seq", Layout::Gray, Depth::U8),
        ("jpeg_color.seq", Layout::Rgb, Depth::U8),
    ] {
        let path = kept(name);
        let mut reader = reader(&path, layout, Depth::Auto);
        assert_eq!((reader.len(), reader.depth()), (5, depth), "{name}");
        assert_eq!((reader.width_px(), reader.height_px()), (20, 12), "{name}");
        let mut expected = fs::read(kept(&format!("{name}.numbers"))).unwrap();
        if depth == Depth::U16 {
            // 12 bits as they lie there; ours fill 16.
            let whole = |pair: &[u8; 2]| {
                let value = u32::from(u16::from_le_bytes(*pair));
                ((value * 65_535 + 2047) / 4095) as u16
            };
            expected =
                expected.as_chunks::<2>().0.iter().flat_map(|it| whole(it).to_le_bytes()).collect();
        }
        assert!(all(&mut reader) == expected, "{name}");
        let sequence = reader.sequence();
        assert_eq!(sequence.warnings(), [""; 0], "{name}");
        // By the clock of the recording machine, exact to the microsecond.
        let micros = |i: i64| 250_007 + i * 3141 + if i > 2 { 1000 } else { 0 };
        for i in 0..5 {
            let mut micros = micros(i as i64);
            if name == "mono8_v3.seq" {
                micros -= micros % 1000;
            }
            let day = Rational::whole(1_546_344_000);
            let expected = Rational::new(micros, 1_000_000).and_then(|it| it.checked_add(day));
            assert_eq!(sequence.recorded_secs(i), expected, "{name} frame {i}");
        }
        assert_eq!(sequence.time_secs(0), Rational::ZERO);
        let last = if name == "mono8_v3.seq" { 33_367 } else { 3333 };
        assert_eq!(sequence.duration_secs(4), Rational::new(last, 1_000_000).unwrap());
    }
    // What PIMS says of the times.
    for name in ["mono8_v3.seq", "mono8_v5.seq", "mono12_v5.seq"] {
        let sequence = open(&kept(name)).unwrap();
        for (i, line) in lines(&format!("{name}.times")).iter().enumerate() {
            let (secs, micros) = line.split_once('.').unwrap();
            let whole = Rational::whole(secs.parse().unwrap());
            let part = Rational::new(micros.parse().unwrap(), 1_000_000).unwrap();
            assert_eq!(sequence.recorded_secs(i), whole.checked_add(part), "{name}");
        }
    }
}

#[test]
fn streampix_recordings_are_probed_and_shown() {
    let found = probe(&source(&kept("mono12_v5.seq"))).unwrap();
    assert_eq!((found.kind, &*found.container.format), (MediaKind::Video, "norpix"));
    assert!(found.agreement.agrees, "{:?}", found.agreement);
    assert_eq!(found.description.as_deref(), Some("Drops, high speed"));
    let stream = &found.streams[0];
    assert_eq!((stream.width_px, stream.height_px), (Some(20), Some(12)));
    assert_eq!((stream.bit_depth, stream.pixel_format.as_deref()), (Some(12), Some("gray12le")));
    assert_eq!(stream.frame_count.unwrap().frames, 5);
    assert_eq!(stream.frame_rate_hz, Some(Rational::whole(300)));
    let slow = probe(&source(&kept("mono8_v3.seq"))).unwrap();
    assert_eq!(slow.streams[0].frame_rate_hz, Rational::new(30_000, 1001));
    let coded = probe(&source(&kept("jpeg_color.seq"))).unwrap();
    assert_eq!(coded.streams[0].codec, "mjpeg");

    let mut times = Vec::new();
    let count = preview_frames(&source(&kept("mono8_v5.seq")), 20, 3, &mut |time, picture| {
        assert_eq!((picture.width_px(), picture.height_px()), (20, 12));
        times.push(time);
        true
    });
    assert_eq!(count.unwrap(), 3);
    assert_eq!(times.len(), 3);
}

/// A recording with these numbers of four bytes in its header.
fn changed(name: &str, fields: &[(usize, u32)], path: &Path) {
    let mut bytes = fs::read(kept(name)).unwrap();
    for &(at, value) in fields {
        bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
    }
    fs::write(path, bytes).unwrap();
}

#[test]
fn streampix_headers_are_not_believed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.seq");
    let raw = "mono8_v5.seq";
    for (field, value, kind) in [
        (548, 0, ErrorKind::Corrupt),
        (548, 21, ErrorKind::Corrupt),
        (548, u32::MAX, ErrorKind::Corrupt),
        (552, 0, ErrorKind::Corrupt),
        (552, u32::MAX, ErrorKind::Corrupt),
        (564, u32::MAX, ErrorKind::Corrupt),
        (580, 0, ErrorKind::Corrupt),
        (580, 240, ErrorKind::Corrupt),
        (580, u32::MAX, ErrorKind::Unsupported),
        (568, 131, ErrorKind::Unsupported),
        (568, 600, ErrorKind::Unsupported),
        (556, 7, ErrorKind::Unsupported),
        (620, 8, ErrorKind::Unsupported),
    ] {
        changed(raw, &[(field, value)], &path);
        match open(&path) {
            Err(error) => assert_eq!(error.kind, kind, "{field} {value}: {error}"),
            // One frame fits, whatever should follow it.
            Ok(found) => assert_eq!((field, found.len()), (580, 1)),
        }
    }
    changed(raw, &[(572, 9)], &path);
    let short = open(&path).unwrap();
    assert_eq!(short.len(), 5);
    assert_eq!(short.warnings(), ["the header states 9 frames, 5 are in the file"]);
    changed(raw, &[(572, 3)], &path);
    assert_eq!(open(&path).unwrap().len(), 3);
    // Recorded over: the third is the oldest.
    changed(raw, &[(656, 2)], &path);
    let mut over = reader(&path, Layout::Gray, Depth::U8);
    let plain = fs::read(kept("mono8_v5.seq.numbers")).unwrap();
    assert_eq!(bytes_of(&over.frame(0).unwrap()), plain[480..720]);
    assert_eq!(bytes_of(&over.frame(4).unwrap()), plain[240..480]);
    // Its times went back then: the second is before the last.
    assert_eq!(over.sequence().recorded_secs(0), None);
    assert_eq!(over.sequence().time_secs(3), Rational::new(1, 100).unwrap());
    assert!(over.sequence().warnings()[0].starts_with("its times go back"));
    // Times that are none.
    changed(raw, &[(8192 + 240, 0), (8192 + 244, u32::MAX)], &path);
    assert!(open(&path).unwrap().warnings()[0].starts_with("its times are none"));
}

#[test]
fn prefixes_of_every_file_are_refused_or_shorter() {
    let folder = tempfile::tempdir().unwrap();
    for name in [
        "mono8_v3.seq",
        "mono12_v5.seq",
        "bgr_v5.seq",
        "jpeg_gray.seq",
        "jpeg_color.seq",
        "moving.webp",
        "pages.tif",
        "pages_big.tif",
    ] {
        let whole = fs::read(kept(name)).unwrap();
        let all = open(&kept(name)).unwrap().len();
        let path = folder.path().join(name);
        let step = (whole.len() / 150).max(1);
        for length in (0..whole.len()).step_by(step) {
            fs::write(&path, &whole[..length]).unwrap();
            let opened = found(&path);
            match opened {
                Ok(None) => {}
                Ok(Some(short)) => {
                    assert!(short.len() <= all, "{name} {length}");
                    if let Err(error) = read_all(short) {
                        assert_ne!(error.kind, ErrorKind::Bug, "{name} {length}: {error}");
                    }
                }
                Err(error) => {
                    assert!(
                        matches!(error.kind, ErrorKind::Corrupt | ErrorKind::Unsupported),
                        "{name} {length}: {error}"
                    );
                }
            }
        }
    }
}

#[test]
fn any_byte_may_be_wrong() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["mono8_v3.seq", "jpeg_gray.seq", "moving.webp", "pages.tif"] {
        let whole = fs::read(kept(name)).unwrap();
        let path = folder.path().join(name);
        for at in (0..whole.len()).step_by((whole.len() / 300).max(1)) {
            let mut bytes = whole.clone();
            bytes[at] ^= 0xa5;
            fs::write(&path, &bytes).unwrap();
            let read = found(&path).and_then(|found| found.map_or(Ok(0), read_all));
            if let Err(error) = read {
                assert_ne!(error.kind, ErrorKind::Bug, "{name} {at}: {error}");
            }
        }
    }
}

#[test]
fn hiris_recordings() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let text = "[Sequence Settings]\r\nSequence name=drop\r\nWidth=4\r\nHeight=3\r\n\
                BytesPerPixel=1\r\nBitsPerPixel=8\r\nFramePerSecond=500\r\n";
    fs::write(at("drop.seq"), text).unwrap();
    fs::write(at("drop_2.seq"), text).unwrap();
    let frames = |values: &[u8]| -> Vec<u8> { values.iter().flat_map(|&it| [it; 12]).collect() };
    fs::write(at("drop9.bin"), [frames(&[1, 2]), vec![77; 5]].concat()).unwrap();
    fs::write(at("drop10.bin"), frames(&[3, 4, 5])).unwrap();
    fs::write(at("drop_2.bin"), frames(&[9])).unwrap();

    let mut drop = reader(&at("drop.seq"), Layout::Gray, Depth::Auto);
    assert_eq!(all(&mut drop), frames(&[1, 2, 3, 4, 5]));
    let sequence = drop.sequence();
    assert_eq!(sequence.time_secs(4), Rational::new(4, 500).unwrap());
    assert_eq!(sequence.warnings(), ["5 bytes at the end of drop9.bin make no whole frame"]);
    assert_eq!(open(&at("drop_2.seq")).unwrap().len(), 1);

    let found = probe(&source(&at("drop.seq"))).unwrap();
    assert_eq!((found.kind, &*found.container.format), (MediaKind::Video, "hiris"));
    assert_eq!(found.streams[0].frame_rate_hz, Some(Rational::whole(500)));
    assert_eq!(found.tags.get("Sequence name").map(String::as_str), Some("drop"));

    // The file of a frame is named when it is gone.
    fs::write(at("drop10.bin"), frames(&[3])).unwrap();
    let gone = drop.frame(4).unwrap_err();
    assert_eq!(gone.kind, ErrorKind::Corrupt);
    assert!(gone.path.unwrap().ends_with("drop10.bin"));
    fs::write(at("alone.seq"), text).unwrap();
    assert_eq!(refused(&at("alone.seq")).kind, ErrorKind::NotFound);

    let wide = text.replace("BytesPerPixel=1", "BytesPerPixel=2").replace("=8", "=10");
    fs::write(at("wide.seq"), wide).unwrap();
    fs::write(at("wide.bin"), [255, 3].repeat(12)).unwrap();
    let mut wide = reader(&at("wide.seq"), Layout::Gray, Depth::Auto);
    assert_eq!(wide.frame(0).unwrap().values(), &Values::U16(vec![65_535; 12]));
}

/// Raw video as text and planes is exact in every layout, by FFmpeg's own
/// FFV1, which is lossless.
#[test]
fn y4m_of_every_layout() {
    if !has_ffmpeg() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let test = "testsrc2=size=64x48:rate=30000/1001:duration=0.3";
    for pixels in [
        "yuv420p",
        "yuv422p",
        "yuv444p",
        "gray",
        "yuv420p10le",
        "yuv422p12le",
        "yuv444p16le",
        "gray12le",
    ] {
        let made = |name: &str, more: &[&str]| {
            let arguments = ["-f", "lavfi", "-i", test, "-pix_fmt", pixels, "-strict", "-2"];
            ffmpeg(folder.path(), &[&arguments, more, &[name]].concat());
            folder.path().join(name)
        };
        let raw = made("a.y4m", &[]);
        let other = made("a.mkv", &["-c:v", "ffv1", "-level", "3"]);
        assert_eq!(probe(&source(&raw)).unwrap().container.format, "y4m");
        assert!(found(&raw).unwrap().is_none());
        for (layout, depth) in [(Layout::Gray, Depth::Auto), (Layout::Rgb, Depth::U16)] {
            let frames = |path: &Path| -> Vec<Frame> {
                let source = source(path);
                let index = Arc::new(FrameIndex::build(&source, &mut |_| true).unwrap());
                let options = VideoOptions { layout, depth, ..VideoOptions::default() };
                let mut reader = VideoReader::open(&source, index, options).unwrap();
                (0..reader.len()).rev().map(|i| reader.frame(i).unwrap()).collect()
            };
            let (found, expected) = (frames(&raw), frames(&other));
            assert_eq!(found.len(), 9, "{pixels}");
            assert_eq!(found[0].time_secs, Rational::new(8 * 1001, 30_000));
            for (found, expected) in found.iter().zip(&expected) {
                assert!(found.values() == expected.values(), "{pixels} {layout:?}");
            }
        }
    }
}

/// DPX of 8 to 16 bits in either byte order, against FFmpeg's own conversion.
#[test]
fn dpx_of_every_depth() {
    if !has_ffmpeg() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    for (pixels, to) in [
        ("rgb24", "rgb24"),
        ("gbrp10be", "rgb48le"),
        ("gbrp10le", "rgb48le"),
        ("gbrp12be", "rgb48le"),
        ("gbrp12le", "rgb48le"),
        ("rgb48be", "rgb48le"),
        ("rgb48le", "rgb48le"),
        ("rgba", "rgba"),
        ("gray", "gray"),
    ] {
        let test = ["-f", "lavfi", "-i", "testsrc2=size=50x40:rate=1:duration=3"];
        let pattern = format!("{pixels}.%04d.dpx");
        ffmpeg(folder.path(), &[&test[..], &["-pix_fmt", pixels, &pattern]].concat());
        let raw = ["-f", "image2", "-i", &pattern, "-f", "rawvideo", "-pix_fmt", to, "all.raw"];
        ffmpeg(folder.path(), &raw);
        let expected = fs::read(folder.path().join("all.raw")).unwrap();
        let layout = match to {
            "rgba" => Layout::Rgba,
            "gray" => Layout::Gray,
            _ => Layout::Rgb,
        };
        let mut reader = reader(&folder.path().join(&pattern), layout, Depth::Auto);
        assert_eq!(reader.len(), 3);
        let depth = if to == "rgb48le" { Depth::U16 } else { Depth::U8 };
        assert_eq!(reader.depth(), depth, "{pixels}");
        assert!(all(&mut reader) == expected, "{pixels}");
        let still =
            still_frame(&source(&folder.path().join(format!("{pixels}.0001.dpx")))).unwrap();
        assert_eq!((still.layout(), still.time_secs), (layout, None), "{pixels}");
    }
}
