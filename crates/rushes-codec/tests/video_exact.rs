//! Frame i is frame i (invariant 8): at random and in order, in every kind of
//! stream.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops there")]

mod av_fixtures;
mod video_clips;

use std::io::Read as _;
use std::path::Path;
use std::process::{Command, Stdio};

use av_fixtures::{corpus, ffprobe, files, has_ffmpeg, source};
use rushes_codec::{Depth, FrameIndex, VideoOptions, VideoReader};
use rushes_media::{Layout, Planes, Rational, Values};
use video_clips::{
    CLIP_COUNT, FRAMES, HEIGHT, WIDTH, bytes, clip, clips, code, decoded_by_ffmpeg, index, reader,
    shuffled,
};

/// Every frame, one after the other.
fn in_order(path: &Path, layout: Layout) -> Vec<Vec<u8>> {
    let source = source(path);
    let index = index(&source);
    let mut reader = reader(&source, &index, layout, Depth::U8);
    let mut all = Vec::new();
    while let Some(frame) = reader.next().unwrap() {
        assert_eq!(frame.time_secs, Some(index.time_secs(all.len())));
        all.push(bytes(&frame).to_vec());
    }
    assert_eq!(all.len(), index.len());
    all
}

#[test]
fn every_frame_is_the_one_that_ffmpeg_decodes() {
    if !has_ffmpeg() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let paths = clips(folder.path());
    assert_eq!(paths.len(), CLIP_COUNT);
    for path in &paths {
        let name = path.display();
        let expected: Vec<Option<usize>> =
            decoded_by_ffmpeg(path, WIDTH * HEIGHT).iter().map(|luma| code(luma)).collect();
        let ours: Vec<Option<usize>> =
            in_order(path, Layout::Gray).iter().map(|luma| code(luma)).collect();
        assert_eq!(ours, expected, "{name}");
        let source = source(path);
        println!("{name}: {} frames, {:?}", ours.len(), index(&source).warnings());
    }
}

#[test]
fn whole_clips_have_every_frame() {
    if !has_ffmpeg() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    for name in
        ["plain.mp4", "open.mkv", "open_hevc.mp4", "wrapping.ts", "b_frames.avi", "gray.mkv"]
    {
        let path = clip(folder.path(), name);
        let codes: Vec<Option<usize>> =
            in_order(&path, Layout::Gray).iter().map(|luma| code(luma)).collect();
        let all: Vec<Option<usize>> = (0..FRAMES).map(Some).collect();
        assert_eq!(codes, all, "{name}");
    }
}

#[test]
fn random_access_gives_the_bytes_of_reading_in_order() {
    if !has_ffmpeg() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    for (seed, path) in clips(folder.path()).iter().enumerate() {
        let name = path.display();
        let all = in_order(path, Layout::Rgb);
        let source = source(path);
        let index = index(&source);
        let mut reader = reader(&source, &index, Layout::Rgb, Depth::U8);
        for i in shuffled(all.len(), seed as u64) {
            let frame = reader.frame(i).unwrap();
            assert!(bytes(&frame) == all[i], "{name}: frame {i} alone differs");
        }
        for i in (0..all.len()).rev() {
            let frame = reader.frame(i).unwrap();
            assert!(bytes(&frame) == all[i], "{name}: frame {i} backwards differs");
        }
    }
}

#[test]
fn batches_give_each_frame_once_and_at_every_place() {
    if !has_ffmpeg() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    for name in ["plain.mp4", "open.ts", "edit.mp4", "b_frames.avi", "interlaced.ts"] {
        let path = clip(folder.path(), name);
        let all = in_order(&path, Layout::Gray);
        let source = source(&path);
        let index = index(&source);
        let mut reader = reader(&source, &index, Layout::Gray, Depth::U8);
        let last = all.len() - 1;
        let asked = [70, 3, 3, 41, last, 0, 69, 70, 12, 44];
        let (mut given, mut seen) = (Vec::new(), vec![0; asked.len()]);
        reader
            .frames(&asked, &mut |positions, frame| {
                for &position in positions {
                    assert!(bytes(&frame) == all[asked[position]], "{name}: at {position}");
                    seen[position] += 1;
                }
                given.push(asked[positions[0]]);
                true
            })
            .unwrap();
        assert_eq!(given, [0, 3, 12, 41, 44, 69, 70, last], "{name}");
        assert!(seen.iter().all(|&times| times == 1));
        // What was passed over on the way is there when it is asked for.
        for i in [43, 42, 45, 71, 13, 68] {
            assert!(bytes(&reader.frame(i).unwrap()) == all[i], "{name}: {i} afterwards");
        }
        let size = reader.frame_bytes();
        let mut room = vec![7; size * asked.len()];
        reader.frames_into(&asked, &mut room).unwrap();
        for (position, &i) in asked.iter().enumerate() {
            assert!(room[position * size..][..size] == all[i], "{name}: {i} in the buffer");
        }
        assert!(reader.frames_into(&asked, &mut room[1..]).is_err());
        assert!(reader.frame(all.len()).is_err());
        assert!(reader.frames(&[0, all.len()], &mut |_, _| true).is_err());
    }
}

#[test]
fn times_are_those_of_ffprobe() {
    if !has_ffmpeg() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut compared = 0;
    for path in clips(folder.path()) {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        // Of packets without pts ffprobe tells the dts of another packet, so
        // that times stand still, and of a joined stream times that fall.
        if ["b_frames.avi", "mpeg2.mpg", "joined.ts"].contains(&&*name) {
            continue;
        }
        let frames = ["-select_streams", "v:0", "-show_frames"];
        let probed = ffprobe(&path, &frames).unwrap();
        let number = |value: &serde_json::Value| value.as_str().unwrap().parse::<f64>().unwrap();
        let start = number(&probed["format"]["start_time"]);
        let source = source(&path);
        let index = index(&source);
        let theirs = probed["frames"].as_array().unwrap();
        assert_eq!(theirs.len(), index.len(), "{name}");
        for (i, frame) in theirs.iter().enumerate() {
            let expected = number(&frame["best_effort_timestamp_time"]) - start;
            let ours = index.time_secs(i).to_f64();
            assert!((ours - expected).abs() < 3e-6, "{name}: frame {i} at {ours}, not {expected}");
            assert_eq!(index.at(index.time_secs(i)), i, "{name}");
            assert!(
                index.time_secs(i) >= Rational::ZERO && index.duration_secs(i) > Rational::ZERO
            );
        }
        compared += 1;
    }
    assert_eq!(compared, CLIP_COUNT - 3);
}

#[test]
fn times_are_exact_and_ends_are_clamped() {
    if !has_ffmpeg() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let late = source(&clip(folder.path(), "late.mp4"));
    let late = index(&late);
    assert!(late.time_secs(0) > Rational::new(4, 10).unwrap(), "{}", late.time_secs(0));
    assert_eq!(late.at(Rational::ZERO), 0);

    let plain = source(&clip(folder.path(), "plain.mp4"));
    let plain = index(&plain);
    assert_eq!(plain.time_secs(7), Rational::new(7, 30).unwrap());
    assert_eq!(plain.duration_secs(149), Rational::new(1, 30).unwrap());
    assert_eq!(plain.at(Rational::new(-1, 1).unwrap()), 0);
    assert_eq!(plain.at(Rational::new(299, 1000).unwrap()), 8);
    assert_eq!(plain.at(Rational::whole(1000)), 149);
    assert_eq!(plain.key_frames().collect::<Vec<_>>(), [0, 30, 60, 90, 120]);

    for name in ["b_frames.avi", "mpeg2.mpg"] {
        let partly = source(&clip(folder.path(), name));
        let partly = index(&partly);
        let times: Vec<Rational> = (0..FRAMES).map(|i| partly.time_secs(i)).collect();
        let true_times: Vec<Rational> = (0..30).map(|i| Rational::new(i, 30).unwrap()).collect();
        assert_eq!(times[..30], true_times, "{name}");
    }

    let joined = source(&video_clips::joined(folder.path()));
    let joined = index(&joined);
    assert_eq!(joined.len(), 2 * FRAMES);
    assert!((1..joined.len()).all(|i| joined.time_secs(i) > joined.time_secs(i - 1)));
}

#[test]
fn an_index_is_kept_as_bytes() {
    if !has_ffmpeg() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    for path in clips(folder.path()) {
        let source = source(&path);
        let index = index(&source);
        let kept = index.to_bytes();
        let again = FrameIndex::from_bytes(&kept).unwrap();
        assert_eq!(again, *index, "{}", path.display());
        assert!(kept.len() < 200 + index.len() * 20, "{}", kept.len());
    }
    let one = source(&clip(folder.path(), "plain.mp4"));
    let other = source(&clip(folder.path(), "vp9.webm"));
    let wrong = VideoReader::open(&other, index(&one), VideoOptions::default());
    assert_eq!(wrong.err().unwrap().kind, rushes_media::ErrorKind::Conflict);
}

/// Every component as bytes, one behind the other, as raw video has them.
fn stored(planes: &Planes) -> Vec<u8> {
    let mut bytes = Vec::new();
    for plane in &planes.planes {
        match &plane.values {
            Values::U8(values) => bytes.extend_from_slice(values),
            Values::U16(values) => bytes.extend(values.iter().flat_map(|it| it.to_le_bytes())),
            Values::F32(values) => bytes.extend(values.iter().flat_map(|it| it.to_le_bytes())),
        }
    }
    bytes
}

/// What libav puts in place of its broken frames depends on the number of threads,
/// so that even two runs of `ffmpeg` differ.
const CONCEALED: &str = "decord_corrupted.mp4";

/// Every frame of every real clip is to the bit what the `ffmpeg` command decodes,
/// in order and at random.
#[test]
fn real_clips_are_exact() {
    let Some(corpus) = corpus().filter(|_| has_ffmpeg()) else { return };
    let (mut clips, mut frames) = (0, 0);
    for path in files(&corpus.join("video")) {
        if !["mp4", "mov", "avi"]
            .iter()
            .any(|known| path.extension().is_some_and(|it| it == *known))
        {
            continue;
        }
        let name = path.display().to_string();
        let source = source(&path);
        let index = index(&source);
        let mut random = reader(&source, &index, Layout::Gray, Depth::U8);
        let mut picked = shuffled(index.len(), 5);
        picked.truncate(10);
        let alone: Vec<Vec<u8>> =
            picked.iter().map(|&i| stored(&random.planes(i).unwrap())).collect();
        let mut theirs = Command::new("ffmpeg")
            .args(["-v", "quiet", "-nostdin", "-noautorotate", "-i"])
            .arg(&path)
            .args(["-map", "0:v:0", "-fps_mode", "passthrough", "-f", "rawvideo", "-"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut decoded = theirs.stdout.take().unwrap();
        let mut ordered = reader(&source, &index, Layout::Gray, Depth::U8);
        let mut at = 0;
        while let Some(planes) = ordered.next_planes().unwrap() {
            let ours = stored(&planes);
            if let Some(place) = picked.iter().position(|&i| i == at) {
                assert!(ours == alone[place], "{name}: frame {at} alone differs");
            }
            let mut expected = vec![0; ours.len()];
            let read = decoded.read_exact(&mut expected);
            assert!(read.is_ok(), "{name}: ffmpeg has no frame {at}");
            let is_concealed = name.ends_with(CONCEALED);
            assert!(is_concealed || ours == expected, "{name}: frame {at} differs");
            at += 1;
        }
        assert_eq!(at, index.len(), "{name}");
        assert_eq!(decoded.read(&mut [0]).unwrap(), 0, "{name}: ffmpeg has more than {at} frames");
        theirs.wait().unwrap();
        println!("{name}: {at} frames {:?}", index.warnings());
        if name.ends_with("opencv_box.mp4") {
            // Its times are given in the order of the file, with a gap where a
            // frame is broken.
            let last = index.time_secs(at - 1);
            assert_eq!(last, Rational::new(15_151, 1000).unwrap());
        }
        (clips, frames) = (clips + 1, frames + at);
    }
    println!("{clips} clips, {frames} frames");
    assert_eq!(clips, 17);
}
