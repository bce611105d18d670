//! Pictures and sound for previews, against what ffmpeg decodes.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops there")]
#![expect(clippy::panic, reason = "as above, with the file named")]

mod av_fixtures;

use std::path::Path;
use std::process::Command;

use av_fixtures::{clip, ffmpeg, has_ffmpeg, source, source_within};
use rushes_codec::{audio_peaks, cover_picture, encode_webp, preview_frames, versions};
use rushes_media::{Color, ErrorKind, Limits, Picture, Pixels, Rational};

fn frames(path: &Path, max_px: u32, count: usize) -> Vec<(Rational, Picture)> {
    let mut frames = Vec::new();
    let given = preview_frames(&source(path), max_px, count, &mut |time, picture| {
        frames.push((time, picture));
        true
    })
    .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    assert_eq!(given, frames.len());
    frames
}

fn bytes(picture: &Picture) -> &[u8] {
    match picture.pixels() {
        Pixels::U8(values) => values,
        Pixels::U16(_) => panic!("16 bits"),
    }
}

/// Mean of each channel, 0 to 1.
fn means(picture: &Picture) -> [f64; 3] {
    let mut sums = [0.0; 3];
    let full: Vec<f64> = match picture.pixels() {
        Pixels::U8(values) => values.iter().map(|&value| f64::from(value) / 255.0).collect(),
        Pixels::U16(values) => values.iter().map(|&value| f64::from(value) / 65_535.0).collect(),
    };
    for pixel in full.chunks(3) {
        for (sum, value) in sums.iter_mut().zip(pixel) {
            *sum += value;
        }
    }
    sums.map(|sum| sum * 3.0 / full.len() as f64)
}

/// The decoded frames of a clip as ffmpeg gives them: 24-bit RGB, as stored.
fn reference(path: &Path, more: &[&str], width: usize, height: usize) -> Vec<Vec<u8>> {
    let run = Command::new("ffmpeg")
        .args(["-v", "error", "-noautorotate", "-i"])
        .arg(path)
        .args(more)
        .args(["-sws_flags", "bicubic+accurate_rnd+full_chroma_int", "-f", "rawvideo"])
        .args(["-pix_fmt", "rgb24", "-"])
        .output()
        .unwrap();
    run.stdout.chunks_exact(width * height * 3).map(<[u8]>::to_vec).collect()
}

#[test]
fn frames_are_spread_and_are_the_right_ones() {
    if !has_ffmpeg() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let names = [
        "h264.mp4",
        "b_frames.mov",
        "vp9.webm",
        "mpeg4.avi",
        "mpeg2.ts",
        "h264.ts",
        "mpeg1.mpg",
        "flash.flv",
        "ffv1.mkv",
        "fragmented.mp4",
        "variable.mp4",
        "animated.gif",
    ];
    for name in names {
        let path = clip(folder.path(), name);
        let found = frames(&path, 4096, 5);
        assert_eq!(found.len(), 5, "{name}");
        for (at, pair) in found.windows(2).enumerate() {
            assert!(pair[0].0 < pair[1].0, "{name} {at}");
            assert_ne!(bytes(&pair[0].1), bytes(&pair[1].1), "{name} {at}");
        }
        let (first, last) = (found[0].0.to_f64(), found[4].0.to_f64());
        assert!(first < 0.6 && last > 1.2 && last < 2.1, "{name}: {first} to {last}");
        if ["h264.mp4", "b_frames.mov", "ffv1.mkv", "fragmented.mp4"].contains(&name) {
            let rate =
                if matches!(name, "b_frames.mov" | "ffv1.mkv") { 30000.0 / 1001.0 } else { 25.0 };
            let all = reference(&path, &[], 160, 120);
            for (time, picture) in &found {
                let wanted = &all[(time.to_f64() * rate).round() as usize];
                let apart = bytes(picture).iter().zip(wanted).map(|(a, b)| a.abs_diff(*b)).max();
                assert!(apart <= Some(2), "{name} at {time}: {apart:?}");
            }
        }
    }
}

#[test]
fn one_frame_many_frames_and_stopping() {
    if !has_ffmpeg() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let one = ["-f", "lavfi", "-i", "testsrc2=size=64x48:rate=25:duration=0.04", "one.mp4"];
    ffmpeg(folder.path(), &one);
    assert_eq!(frames(&folder.path().join("one.mp4"), 100, 8).len(), 1);
    let path = clip(folder.path(), "h264.mp4");
    assert_eq!(frames(&path, 32, 200).len(), 50, "each frame once");
    assert_eq!(frames(&path, 32, 0).len(), 0);
    let given = preview_frames(&source(&path), 32, 10, &mut |_, _| false).unwrap();
    assert_eq!(given, 1);
    // Bare streams have no index and state no length.
    ffmpeg(folder.path(), &["-i", "h264.mp4", "-c", "copy", "-an", "bare.h264"]);
    let bare = frames(&folder.path().join("bare.h264"), 32, 4);
    assert_eq!(bare.len(), 4);
    assert_ne!(bytes(&bare[0].1), bytes(&bare[3].1));
}

#[test]
fn sizes_have_square_pixels_and_fit() {
    if !has_ffmpeg() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    for (name, max_px, size) in [
        ("h264.mp4", 80, (80, 60)),
        ("h264.mp4", 4096, (160, 120)),
        ("anamorphic.mp4", 4096, (213, 120)),
        ("anamorphic.mp4", 64, (64, 36)),
        ("mpeg2.ts", 4096, (213, 120)),
        ("h264.mp4", 1, (1, 1)),
    ] {
        let found = frames(&clip(folder.path(), name), max_px, 1);
        let picture = &found[0].1;
        assert_eq!((picture.width_px(), picture.height_px()), size, "{name} {max_px}");
    }
}

/// A clip of one colour, and what comes back of it.
fn color_of(folder: &Path, color: &str, made: &[&str]) -> Picture {
    let input = format!("color={color}:size=64x64:rate=25:duration=0.2");
    let mut arguments = vec!["-f", "lavfi", "-i", &input];
    arguments.extend(made);
    arguments.push("color.mkv");
    ffmpeg(folder, &arguments);
    frames(&folder.join("color.mkv"), 64, 1).remove(0).1
}

#[test]
fn colours_come_back_by_the_streams_own_matrix_and_range() {
    if !has_ffmpeg() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let wanted = [0.8, 0.2, 0.1];
    for (matrix, range) in [
        ("bt709", "tv"),
        ("bt709", "pc"),
        ("smpte170m", "tv"),
        ("smpte170m", "pc"),
        ("bt2020nc", "tv"),
    ] {
        let scaler = matrix.replace("bt2020nc", "bt2020");
        let filter = format!("scale=out_color_matrix={scaler}:out_range={range},format=yuv444p");
        let found = color_of(
            folder.path(),
            "0xCC331A",
            &["-vf", &filter, "-colorspace", matrix, "-color_range", range, "-c:v", "ffv1"],
        );
        assert_eq!(found.color, Color::default());
        for (found, wanted) in means(&found).into_iter().zip(wanted) {
            assert!((found - wanted).abs() < 0.015, "{matrix} {range}: {found} for {wanted}");
        }
    }
}

#[test]
fn hdr_keeps_its_depth_and_its_transfer() {
    if !has_ffmpeg() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    for transfer in ["smpte2084", "arib-std-b67", "bt709"] {
        // The command of FFmpeg 7 takes primaries and transfer from the frames alone.
        let filter = format!(
            "scale=out_color_matrix=bt2020:out_range=tv,format=yuv444p10le,\
             setparams=range=tv:color_primaries=bt2020:color_trc={transfer}:colorspace=bt2020nc"
        );
        let found = color_of(folder.path(), "0xCC331A", &["-vf", &filter, "-c:v", "ffv1"]);
        assert!(matches!(found.pixels(), Pixels::U16(_)), "{transfer}");
        assert_eq!(found.color.transfer.as_deref(), Some(transfer));
        assert_eq!(found.color.primaries.as_deref(), Some("bt2020"));
        for (found, wanted) in means(&found).into_iter().zip([0.8, 0.2, 0.1]) {
            assert!((found - wanted).abs() < 0.015, "{transfer}: {found} for {wanted}");
        }
    }
}

#[test]
fn peaks_of_a_tone_are_its_amplitude() {
    if !has_ffmpeg() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    // Half a second at a quarter, half a second of silence.
    let tone = "aevalsrc=0.25*sin(880*PI*t)*lt(t\\,0.5)|0:s=48000:d=1";
    for (name, codec, slack) in [
        ("u8.wav", "pcm_u8", 0.02),
        ("s16.wav", "pcm_s16le", 0.001),
        ("s24.wav", "pcm_s24le", 0.001),
        ("f32.wav", "pcm_f32le", 0.001),
        ("f64.wav", "pcm_f64le", 0.001),
        ("tone.flac", "flac", 0.001),
        ("tone.m4a", "aac", 0.05),
        ("tone.mp3", "libmp3lame", 0.05),
        ("tone.opus", "libopus", 0.05),
    ] {
        ffmpeg(folder.path(), &["-f", "lavfi", "-i", tone, "-c:a", codec, name]);
        let peaks = audio_peaks(&source(&folder.path().join(name)), 10).unwrap();
        assert_eq!(peaks.len(), 10);
        for (at, (low, high)) in peaks.into_iter().enumerate() {
            let wanted = match at {
                // The onset itself rings in lossy codecs.
                1..=3 => 0.25,
                6..=9 => 0.0,
                _ => continue,
            };
            assert!((high - wanted).abs() <= slack, "{name} {at}: {high}");
            assert!((low + wanted).abs() <= slack, "{name} {at}: {low}");
        }
    }
    let path = folder.path().join("s16.wav");
    assert_eq!(audio_peaks(&source(&path), 0).unwrap_err().kind, ErrorKind::Invalid);
    let silent = clip(folder.path(), "vp8.webm");
    assert_eq!(audio_peaks(&source(&silent), 4).unwrap_err().kind, ErrorKind::Unsupported);
}

#[test]
fn cover_art_is_decoded_and_is_no_video() {
    if !has_ffmpeg() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    clip(folder.path(), "sound.mp3");
    clip(folder.path(), "sound.m4a");
    ffmpeg(
        folder.path(),
        &[
            "-f",
            "lavfi",
            "-i",
            "color=red:size=120x80:duration=0.04",
            "-frames:v",
            "1",
            "cover.png",
        ],
    );
    for name in ["sound.mp3", "sound.m4a"] {
        let covered = format!("covered-{name}");
        let arguments = [
            "-i",
            name,
            "-i",
            "cover.png",
            "-map",
            "0",
            "-map",
            "1",
            "-c",
            "copy",
            "-disposition:v:0",
            "attached_pic",
            &covered,
        ];
        ffmpeg(folder.path(), &arguments);
        let path = folder.path().join(&covered);
        let probed = rushes_codec::probe(&source(&path)).unwrap();
        assert_eq!(probed.kind, rushes_media::MediaKind::Audio, "{name}");
        let cover = cover_picture(&source(&path), 60).unwrap().unwrap();
        assert_eq!((cover.width_px(), cover.height_px()), (60, 40));
        let [red, green, blue] = means(&cover);
        assert!(red > 0.95 && green < 0.05 && blue < 0.05, "{name}");
        let video = preview_frames(&source(&path), 60, 3, &mut |_, _| true);
        assert_eq!(video.unwrap_err().kind, ErrorKind::Unsupported);
        assert_eq!(cover_picture(&source(&folder.path().join(name)), 60).unwrap(), None);
    }
}

#[test]
fn webp_can_be_read_by_others() {
    if !has_ffmpeg() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut values = Vec::new();
    for y in 0..50_u32 {
        for x in 0..101_u32 {
            values.extend([(x * 2) as u8, (y * 5) as u8, 90]);
        }
    }
    let picture = Picture::new(101, 50, Pixels::U8(values.clone()), Color::default()).unwrap();
    let small = encode_webp(&picture, 20).unwrap();
    let good = encode_webp(&picture, 95).unwrap();
    assert!(small.len() < good.len() && good.starts_with(b"RIFF"));
    let path = folder.path().join("good.webp");
    std::fs::write(&path, &good).unwrap();
    let decoded = reference(&path, &[], 101, 50).remove(0);
    let apart: u32 = decoded.iter().zip(&values).map(|(a, b)| u32::from(a.abs_diff(*b))).sum();
    assert!(f64::from(apart) / (values.len() as f64) < 4.0, "{apart}");
    let deep = Picture::new(1, 1, Pixels::U16(vec![0; 3]), Color::default()).unwrap();
    assert_eq!(encode_webp(&deep, 80).unwrap_err().kind, ErrorKind::Invalid);
}

#[test]
fn animated_webp_is_video() {
    if !has_ffmpeg() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let input = ["-f", "lavfi", "-i", "testsrc2=size=64x48:rate=10:duration=1"];
    let mut arguments = input.to_vec();
    arguments.extend(["-c:v", "libwebp_anim", "-lossless", "1", "-loop", "0", "moves.webp"]);
    ffmpeg(folder.path(), &arguments);
    let path = folder.path().join("moves.webp");
    let probed = rushes_codec::probe(&source(&path)).unwrap();
    assert_eq!(probed.kind, rushes_media::MediaKind::Video);
    let stream = probed.picture().unwrap();
    assert_eq!((stream.width_px, stream.height_px), (Some(64), Some(48)));
    assert_eq!(stream.frame_count.unwrap().frames, 10);
    assert_eq!(stream.frame_rate_hz, Some(Rational::whole(10)));
    assert_eq!(probed.duration_secs, Some(Rational::whole(1)));
    let found = frames(&path, 32, 4);
    assert_eq!(found.len(), 4);
    assert_eq!((found[3].1.width_px(), found[3].1.height_px()), (32, 24));
    assert_eq!(found[0].0, Rational::new(1, 10).unwrap());
    assert_ne!(bytes(&found[0].1), bytes(&found[3].1));
}

#[test]
fn time_and_size_limits_hold() {
    if !has_ffmpeg() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = clip(folder.path(), "h264.mp4");
    let spent = Limits { wall_secs: 0, ..Limits::default() };
    let small = Limits { pixels: 160 * 120 / 2, ..Limits::default() };
    let enough = Limits { pixels: 160 * 120, ..Limits::default() };
    for (limits, kind) in
        [(spent, Some(ErrorKind::Limit)), (small, Some(ErrorKind::Limit)), (enough, None)]
    {
        let probed = rushes_codec::probe(&source_within(&path, limits));
        assert_eq!(probed.err().map(|error| error.kind), kind);
        let seen = preview_frames(&source_within(&path, limits), 64, 2, &mut |_, _| true);
        assert_eq!(seen.err().map(|error| error.kind), kind);
    }
    let one = Limits { streams: 1, ..Limits::default() };
    let refused = rushes_codec::probe(&source_within(&path, one)).unwrap_err();
    assert_eq!(refused.kind, ErrorKind::Limit, "{refused}");
}

#[test]
fn versions_name_the_libraries() {
    let versions = versions();
    for name in ["FFmpeg", "libavcodec", "libavformat", "libswscale", "FFmpeg licence"] {
        let found = versions.iter().find(|(known, _)| known == name);
        assert!(found.is_some_and(|(_, version)| !version.is_empty()), "{name}");
    }
}
