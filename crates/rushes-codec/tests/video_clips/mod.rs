//! Clips of which every frame carries its number, readable after lossy coding.
#![allow(dead_code, reason = "each test file uses its part")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops there")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use rushes_codec::{Depth, FrameIndex, Source, VideoOptions, VideoReader};
use rushes_media::{Layout, Values};

use crate::av_fixtures::ffmpeg;

pub const WIDTH: usize = 192;
pub const HEIGHT: usize = 96;
const BITS: usize = 9;
const BLOCK_PX: usize = 16;
const CODE_ROWS: usize = 32;

/// Frames of the master that clips are made of.
pub const FRAMES: usize = 150;

/// One frame of the master: its number in blocks of 16 by 32 pixels, a mark
/// before and the complement of the lowest bit behind, and something that
/// moves below.
fn drawn(number: usize) -> Vec<u8> {
    let mut rows = Vec::with_capacity(WIDTH * HEIGHT);
    for y in 0..HEIGHT {
        for x in 0..WIDTH {
            let bit = match x / BLOCK_PX {
                0 => 1,
                at @ 1..=BITS => number >> (at - 1) & 1,
                10 => 1 - (number & 1),
                _ => 0,
            };
            let moving = (x * 2 + y + number * 5) % 200 + 20;
            rows.push(if y < CODE_ROWS { 16 + 219 * bit as u8 } else { moving as u8 });
        }
    }
    rows
}

/// The number in a frame of luma, a byte a pixel; `None` when there is none.
pub fn code(luma: &[u8]) -> Option<usize> {
    let bit = |at: usize| {
        let (mut sum, mut count) = (0_usize, 0);
        for y in 6..CODE_ROWS - 6 {
            for x in at * BLOCK_PX + 4..(at + 1) * BLOCK_PX - 4 {
                sum += usize::from(luma[y * WIDTH + x]);
                count += 1;
            }
        }
        usize::from(sum / count > 127)
    };
    let number = (0..BITS).map(|at| bit(at + 1) << at).sum();
    (bit(0) == 1 && bit(BITS + 1) == 1 - number % 2).then_some(number)
}

/// Writes the master as raw frames; the arguments with which ffmpeg reads it.
pub fn master(folder: &Path) -> [&'static str; 8] {
    let path = folder.join("master.gray");
    if !path.exists() {
        let all: Vec<u8> = (0..FRAMES).flat_map(drawn).collect();
        std::fs::write(path, all).unwrap();
    }
    ["-f", "rawvideo", "-pixel_format", "gray", "-video_size", "192x96", "-framerate", "30"]
}

const X264: &str = "-c:v libx264 -preset veryfast -pix_fmt yuv420p -bf 3 -g 30";

/// How each kind of clip is made: its name, from what, and the arguments.
const CLIPS: &[(&str, &str, &str)] = &[
    ("plain.mp4", "", X264),
    ("closed.mkv", "", X264),
    (
        "variable.mp4",
        "",
        "-vf select='lt(n,50)+not(mod(n,3))*lt(n,100)+not(mod(n,7))' -fps_mode vfr -video_track_timescale 90000 -c:v libx264 -preset veryfast -pix_fmt yuv420p -bf 3 -g 25",
    ),
    ("edit.mp4", "plain.mp4 -ss 1.6", "-t 2.5 -c copy"),
    (
        "open.mkv",
        "",
        "-c:v libx264 -preset veryfast -pix_fmt yuv420p -g 20 -x264-params open-gop=1:bframes=3:b-pyramid=normal:scenecut=0",
    ),
    // Headers come again with each key frame, so that it can be joined late.
    (
        "open.ts",
        "",
        "-c:v libx264 -preset veryfast -pix_fmt yuv420p -g 20 -x264-params open-gop=1:bframes=3:b-pyramid=normal:scenecut=0",
    ),
    (
        "open_hevc.mp4",
        "",
        "-c:v libx265 -preset ultrafast -pix_fmt yuv420p -x265-params log-level=none:open-gop=1:keyint=24:min-keyint=24:bframes=3 -tag:v hvc1",
    ),
    ("fragmented.mp4", "plain.mp4", "-c copy -movflags frag_keyframe+empty_moov"),
    ("stream.ts", "plain.mp4", "-c copy"),
    // Times of MPEG-TS wrap at 2^33 ticks, 95443.7 seconds.
    ("wrapping.ts", "plain.mp4", "-c copy -output_ts_offset 95441"),
    ("vp9.webm", "", "-r 30000/1001 -c:v libvpx-vp9 -deadline realtime -cpu-used 8 -g 40"),
    (
        "hidden.webm",
        "",
        "-c:v libvpx -deadline good -cpu-used 8 -auto-alt-ref 1 -lag-in-frames 16 -g 40 -b:v 1M",
    ),
    ("b_frames.avi", "", "-c:v mpeg4 -q:v 3 -bf 2 -g 30"),
    ("xvid.mp4", "", "-c:v mpeg4 -q:v 3 -bf 2 -g 30"),
    ("gray.mkv", "", "-c:v ffv1 -pix_fmt gray"),
    ("mpeg2.mpg", "", "-c:v mpeg2video -q:v 3 -bf 2 -g 15 -pix_fmt yuv420p"),
    ("interlaced.ts", "", "-c:v mpeg2video -q:v 3 -bf 2 -g 15 -flags +ildct+ilme -pix_fmt yuv420p"),
    ("motion.avi", "", "-c:v mjpeg -q:v 3 -pix_fmt yuvj420p"),
    ("windows.wmv", "", "-c:v wmv2 -q:v 3 -g 30 -pix_fmt yuv420p"),
    ("flash.flv", "", X264),
    ("pro.mov", "", "-c:v prores_ks -pix_fmt yuv422p10le"),
    // No key frames: the picture is renewed bit by bit.
    (
        "refreshed.ts",
        "",
        "-c:v libx264 -preset veryfast -pix_fmt yuv420p -x264-params intra-refresh=1:keyint=30:bframes=0",
    ),
    // Sound starts half a second before the picture.
    ("late.mp4", "plain.mp4 LATE", "-c copy -c:a aac"),
];

/// Number of clips that [`clips`] makes.
pub const CLIP_COUNT: usize = CLIPS.len() + 3;

/// Makes every clip.
pub fn clips(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = CLIPS.iter().map(|(name, _, _)| clip(folder, name)).collect();
    paths.push(turned(folder));
    paths.push(joined(folder));
    paths.push(cut_in(folder));
    paths
}

/// Makes one clip, and those that it is made of.
pub fn clip(folder: &Path, name: &str) -> PathBuf {
    let path = folder.join(name);
    if path.exists() {
        return path;
    }
    let (_, from, made) = CLIPS.iter().find(|(known, _, _)| *known == name).unwrap();
    let mut arguments: Vec<&str> = Vec::new();
    let mut from = from.split(' ');
    match from.next().filter(|from| !from.is_empty()) {
        None => arguments.extend(master(folder).into_iter().chain(["-i", "master.gray"])),
        Some(of) => {
            clip(folder, of);
            let more: Vec<&str> = from.collect();
            if more == ["LATE"] {
                arguments.extend(["-itsoffset", "0.5", "-i", of]);
                arguments.extend([
                    "-f",
                    "lavfi",
                    "-i",
                    "sine=duration=5",
                    "-map",
                    "0:v",
                    "-map",
                    "1:a",
                ]);
            } else {
                arguments.extend(more.into_iter().chain(["-i", of]));
            }
        }
    }
    arguments.extend(made.split(' '));
    arguments.push(name);
    ffmpeg(folder, &arguments);
    path
}

/// The plain clip with a display matrix that turns it by a quarter.
pub fn turned(folder: &Path) -> PathBuf {
    let mut bytes = std::fs::read(clip(folder, "plain.mp4")).unwrap();
    let header = bytes.windows(4).position(|name| name == b"tkhd").unwrap();
    for (at, number) in [0, 1, 3, 4].into_iter().zip([0_i32, 1, -1, 0]) {
        let place = header + 44 + at * 4;
        bytes[place..place + 4].copy_from_slice(&(number << 16).to_be_bytes());
    }
    let path = folder.join("turned.mp4");
    std::fs::write(&path, bytes).unwrap();
    path
}

/// A transport stream twice in one file: its times begin anew.
pub fn joined(folder: &Path) -> PathBuf {
    let once = std::fs::read(clip(folder, "stream.ts")).unwrap();
    let path = folder.join("joined.ts");
    std::fs::write(&path, once.repeat(2)).unwrap();
    path
}

/// A transport stream that begins amid an open group of pictures.
pub fn cut_in(folder: &Path) -> PathBuf {
    let bytes = std::fs::read(clip(folder, "open.ts")).unwrap();
    let path = folder.join("cut_in.ts");
    let start = bytes.len() / 188 * 2 / 5 * 188;
    // The tables that say what is in it come first.
    let mut rest = bytes[..188 * 3].to_vec();
    rest.extend(&bytes[start..]);
    std::fs::write(&path, rest).unwrap();
    path
}

/// What ffmpeg decodes: luma of each frame, unturned.
pub fn decoded_by_ffmpeg(path: &Path, size: usize) -> Vec<Vec<u8>> {
    let run = Command::new("ffmpeg")
        .args(["-v", "quiet", "-nostdin", "-noautorotate", "-i"])
        .arg(path)
        .args([
            "-map",
            "0:v:0",
            "-fps_mode",
            "passthrough",
            "-pix_fmt",
            "gray",
            "-f",
            "rawvideo",
            "-",
        ])
        .output()
        .unwrap();
    run.stdout.chunks_exact(size).map(<[u8]>::to_vec).collect()
}

pub fn index(source: &Source) -> Arc<FrameIndex> {
    Arc::new(FrameIndex::build(source, &mut |_| true).unwrap())
}

pub fn options(layout: Layout, depth: Depth) -> VideoOptions {
    VideoOptions { layout, depth, upright: false, ..VideoOptions::default() }
}

/// A reader of stored frames.
pub fn reader<'s>(
    source: &'s Source,
    index: &Arc<FrameIndex>,
    layout: Layout,
    depth: Depth,
) -> VideoReader<'s> {
    VideoReader::open(source, Arc::clone(index), options(layout, depth)).unwrap()
}

pub fn bytes(frame: &rushes_media::Frame) -> &[u8] {
    match frame.values() {
        Values::U8(bytes) => bytes,
        other => unreachable!("{} numbers that are no bytes", other.len()),
    }
}

/// Numbers below `count` in an order without order, the same in every run.
pub fn shuffled(count: usize, seed: u64) -> Vec<usize> {
    let mut numbers: Vec<usize> = (0..count).collect();
    let mut state = seed;
    for at in (1..count).rev() {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        numbers.swap(at, (state >> 33) as usize % (at + 1));
    }
    numbers
}
