//! Pixels of video against ffmpeg's own conversion, which is told the matrix
//! and range that the clip states.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops there")]

mod av_fixtures;
mod video_clips;

use std::path::Path;
use std::process::Command;

use av_fixtures::{ffmpeg, has_ffmpeg, source};
use rushes_codec::{Depth, VideoOptions, VideoReader};
use rushes_media::{Layout, Values};
use video_clips::index;

const SIZE: (usize, usize) = (1282, 722);

/// Pixel format, and how matrix and range are stated: to libswscale and to the
/// encoder.
const CLIPS: [(&str, &str, &str); 12] = [
    ("yuv420p", "bt709", "tv"),
    ("yuv420p", "bt709", "pc"),
    ("yuv420p", "smpte170m", "tv"),
    ("yuv420p", "bt2020nc", "tv"),
    ("yuvj420p", "smpte170m", "pc"),
    ("yuv422p", "bt709", "tv"),
    ("yuv444p", "bt709", "tv"),
    ("yuv444p", "smpte170m", "pc"),
    ("yuv420p10le", "bt709", "tv"),
    ("yuv422p10le", "bt2020nc", "tv"),
    ("gbrp", "rgb", "pc"),
    ("gray", "bt709", "pc"),
];

fn clip(folder: &Path, (format, matrix, range): (&str, &str, &str)) -> String {
    let name = format!("{format}_{matrix}_{range}.mkv");
    let size = format!("{}x{}", SIZE.0, SIZE.1);
    let bars = format!("smptehdbars=size={size}:rate=5:duration=0.2,format=gbrp");
    let scaled = match matrix {
        "rgb" => format!("format={format}"),
        _ => format!(
            "scale=out_color_matrix={}:out_range={range}:flags=bicubic+accurate_rnd,format={format}",
            told(matrix)
        ),
    };
    let filter = format!("{bars},{scaled}");
    let arguments = [
        "-f",
        "lavfi",
        "-i",
        &filter,
        "-c:v",
        "ffv1",
        "-pix_fmt",
        format,
        "-colorspace",
        matrix,
        "-color_range",
        range,
        &name,
    ];
    ffmpeg(folder, &arguments);
    name
}

/// libswscale's word for a matrix.
fn told(matrix: &str) -> &str {
    match matrix {
        "bt2020nc" => "bt2020",
        other => other,
    }
}

/// The first frame as ffmpeg converts it.
fn by_ffmpeg(path: &Path, (format, matrix, range): (&str, &str, &str), to: &str) -> Vec<u8> {
    let scale = match matrix {
        "rgb" => format!("format={to}"),
        _ if format == "gray" => {
            format!("scale=in_range=pc:flags=bicubic+accurate_rnd,format={to}")
        }
        _ => format!(
            "scale=in_color_matrix={}:in_range={range}:flags=bicubic+full_chroma_int+full_chroma_inp+accurate_rnd,format={to}",
            told(matrix)
        ),
    };
    let run = Command::new("ffmpeg")
        .args(["-v", "error", "-nostdin", "-i"])
        .arg(path)
        .args(["-frames:v", "1", "-vf", &scale, "-f", "rawvideo", "-"])
        .output()
        .unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    run.stdout
}

fn first(path: &Path, layout: Layout, depth: Depth) -> Values {
    let source = source(path);
    let options = VideoOptions { layout, depth, ..VideoOptions::default() };
    let mut reader = VideoReader::open(&source, index(&source), options).unwrap();
    assert_eq!((reader.width_px() as usize, reader.height_px() as usize), SIZE);
    let frame = reader.frame(0).unwrap();
    frame.values().clone()
}

/// How many of a thousand numbers are within this of each other.
fn alike(ours: &[u8], theirs: &[u8], within: u8) -> usize {
    assert_eq!(ours.len(), theirs.len());
    let close = ours.iter().zip(theirs).filter(|(one, other)| one.abs_diff(**other) <= within);
    close.count() * 1000 / ours.len()
}

#[test]
fn matrix_and_range_are_those_stated() {
    if !has_ffmpeg() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    for made in CLIPS {
        let path = folder.path().join(clip(folder.path(), made));
        let Values::U8(ours) = first(&path, Layout::Rgb, Depth::U8) else { unreachable!() };
        let theirs = by_ffmpeg(&path, made, "rgb24");
        // Bars have few edges, where ways to scale chroma differ.
        let (near, close) = (alike(&ours, &theirs, 2), alike(&ours, &theirs, 20));
        assert!(near >= 960 && close >= 985, "{made:?}: {near} within 2, {close} within 20");

        let Values::U8(clear) = first(&path, Layout::Rgba, Depth::U8) else { unreachable!() };
        let (opaque, rest): (Vec<u8>, Vec<u8>) =
            clear.chunks_exact(4).fold(Default::default(), |(mut alpha, mut rest), pixel| {
                rest.extend(&pixel[..3]);
                alpha.push(pixel[3]);
                (alpha, rest)
            });
        assert!(rest == ours && opaque.iter().all(|&alpha| alpha == 255), "{made:?}");

        // 16 bits and floats are the same colours, finer.
        let Values::U16(wide) = first(&path, Layout::Rgb, Depth::U16) else { unreachable!() };
        let narrowed: Vec<u8> = wide.iter().map(|&wide| (wide / 257) as u8).collect();
        let near = alike(&narrowed, &theirs, 3);
        assert!(near >= 960, "{made:?}: {near} of 16 bits");
        let Values::F32(fractions) = first(&path, Layout::Rgb, Depth::F32) else { unreachable!() };
        let narrowed: Vec<u8> = fractions.iter().map(|&it| (it * 255.0).round() as u8).collect();
        let near = alike(&narrowed, &theirs, 3);
        assert!(near >= 960, "{made:?}: {near} of floats");
        assert!(fractions.iter().all(|it| (0.0..=1.0).contains(it)));
    }
}

#[test]
fn grey_is_luma_spread_over_the_whole_range() {
    if !has_ffmpeg() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    for made in CLIPS.into_iter().filter(|(format, ..)| *format != "gbrp") {
        let path = folder.path().join(clip(folder.path(), made));
        let Values::U8(ours) = first(&path, Layout::Gray, Depth::U8) else { unreachable!() };
        let theirs = by_ffmpeg(&path, made, "gray");
        assert!(alike(&ours, &theirs, 1) == 1000, "{made:?}");
    }
}

#[test]
fn ten_bits_keep_their_steps() {
    if !has_ffmpeg() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let ramp = "nullsrc=size=1024x16:rate=5:duration=0.2,format=gray10le,geq=lum=X";
    let arguments = ["-f", "lavfi", "-i", ramp, "-c:v", "ffv1", "-color_range", "pc", "ramp.mkv"];
    ffmpeg(folder.path(), &arguments);
    let path = folder.path().join("ramp.mkv");
    let source = source(&path);
    let options = VideoOptions { layout: Layout::Gray, ..VideoOptions::default() };
    let mut reader = VideoReader::open(&source, index(&source), options).unwrap();
    assert_eq!(reader.depth(), Depth::U16, "automatic, for more than 8 bits");
    let frame = reader.frame(0).unwrap();
    let Values::U16(values) = frame.values() else { unreachable!() };
    let distinct: std::collections::BTreeSet<u16> = values.iter().copied().collect();
    assert_eq!(distinct.len(), 1024);
    assert_eq!(distinct.last(), Some(&u16::MAX));
}
