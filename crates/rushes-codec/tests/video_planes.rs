//! Native planes against the bytes that ffmpeg writes in the same pixel format,
//! and what is said of them against ffprobe.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops there")]

mod av_fixtures;
mod video_clips;

use std::path::{Path, PathBuf};
use std::process::Command;

use av_fixtures::{ffmpeg, ffprobe, has_ffmpeg, source};
use rushes_codec::{Depth, VideoOptions, VideoReader};
use rushes_media::{ErrorKind, Layout, Planes, Values};
use video_clips::{index, turned};

/// Pixel format, codec, extension, and whether sides may be odd.
const CLIPS: [(&str, &str, &str, bool); 36] = [
    ("yuv420p", "ffv1", "mkv", true),
    ("yuv422p", "ffv1", "mkv", true),
    ("yuv444p", "ffv1", "mkv", true),
    ("yuv440p", "ffv1", "mkv", true),
    ("yuv411p", "ffv1", "mkv", true),
    ("yuv410p", "ffv1", "mkv", true),
    ("yuva420p", "ffv1", "mkv", true),
    ("yuva444p10le", "ffv1", "mkv", true),
    ("yuv420p9le", "ffv1", "mkv", true),
    ("yuv420p10le", "ffv1", "mkv", true),
    ("yuv422p10le", "ffv1", "mkv", true),
    ("yuv444p12le", "ffv1", "mkv", true),
    ("yuv420p12le", "ffv1", "mkv", true),
    ("yuv422p16le", "ffv1", "mkv", true),
    ("gray", "ffv1", "mkv", true),
    ("gray10le", "ffv1", "mkv", true),
    ("gray16le", "ffv1", "mkv", true),
    ("ya8", "ffv1", "mkv", true),
    ("gbrp10le", "ffv1", "mkv", true),
    ("gbrp16le", "ffv1", "mkv", true),
    ("bgra", "ffv1", "mkv", true),
    ("gbrp", "libx264rgb -qp 0", "mkv", true),
    ("yuv420p", "libx264", "mp4", false),
    ("yuv420p10le", "libx264", "mp4", false),
    ("yuvj420p", "mjpeg", "avi", true),
    ("yuvj422p", "mjpeg", "avi", true),
    ("yuv422p10le", "prores_ks", "mov", false),
    ("yuv420p", "libvpx-vp9", "webm", true),
    ("nv12", "rawvideo", "avi", false),
    ("bgr24", "rawvideo", "avi", false),
    ("yuyv422", "rawvideo", "avi", false),
    ("uyvy422", "rawvideo", "avi", false),
    ("rgb24", "png", "mkv", true),
    ("rgba", "png", "mkv", true),
    ("gray16be", "png", "mkv", true),
    ("rgb48be", "png", "mkv", true),
];

fn clip(folder: &Path, at: usize) -> PathBuf {
    let (format, codec, extension, odd) = CLIPS[at];
    let size = if odd { "37x29" } else { "36x28" };
    let name = format!("{at}_{format}.{extension}");
    let bars = format!("testsrc2=size={size}:rate=5:duration=0.6");
    let mut arguments = vec!["-f", "lavfi", "-i", &bars, "-pix_fmt", format, "-c:v"];
    arguments.extend(codec.split(' '));
    if format.starts_with("yuv4") {
        let bt709 = "-colorspace bt709 -color_primaries bt709 -color_trc bt709 -color_range tv";
        arguments.extend(bt709.split(' '));
    }
    arguments.push(&name);
    ffmpeg(folder, &arguments);
    folder.join(name)
}

/// All frames as ffmpeg writes them in that pixel format.
fn by_ffmpeg(path: &Path, format: &str) -> Vec<u8> {
    let run = Command::new("ffmpeg")
        .args(["-v", "error", "-nostdin", "-noautorotate", "-i"])
        .arg(path)
        .args(["-f", "rawvideo", "-pix_fmt", format, "-"])
        .output()
        .unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    run.stdout
}

/// The numbers of one plane as bytes.
fn bytes(values: &Values, big: bool) -> Vec<u8> {
    match values {
        Values::U8(values) => values.clone(),
        Values::U16(values) => {
            let end = |value: u16| if big { value.to_be_bytes() } else { value.to_le_bytes() };
            values.iter().flat_map(|&value| end(value)).collect()
        }
        Values::F32(_) => unreachable!(),
    }
}

/// The planes put together again as the pixel format has them in memory.
fn packed(planes: &Planes) -> Vec<u8> {
    let format = &*planes.pixel_format;
    let big = format.ends_with("be");
    let plane = |name: char| {
        let plane = planes.plane(name).unwrap();
        let bytes = bytes(&plane.values, big);
        (bytes.len() / (plane.width_px * plane.height_px) as usize, bytes)
    };
    // Numbers of these planes in turn, each as many times as the pattern says.
    let mixed = |pattern: &str| {
        let mut made = Vec::new();
        let mut parts: Vec<(char, usize, Vec<u8>, usize)> = Vec::new();
        for name in pattern.chars() {
            if !parts.iter().any(|part| part.0 == name) {
                let (size, bytes) = plane(name);
                parts.push((name, size, bytes, 0));
            }
        }
        while parts.iter().all(|part| part.3 < part.2.len()) {
            for name in pattern.chars() {
                let part = parts.iter_mut().find(|part| part.0 == name).unwrap();
                made.extend_from_slice(&part.2[part.3..part.3 + part.1]);
                part.3 += part.1;
            }
        }
        made
    };
    match format {
        "nv12" => [plane('y').1, mixed("uv")].concat(),
        "yuyv422" => mixed("yuyv"),
        "uyvy422" => mixed("uyvy"),
        "rgb24" | "rgb48be" => mixed("rgb"),
        // Its rows lie upside down in the file.
        "bgr24" => mixed("bgr"),
        "rgba" => mixed("rgba"),
        "bgra" => mixed("bgra"),
        "ya8" => mixed("ya"),
        _ if format.starts_with("gbrp") => ['g', 'b', 'r'].map(|name| plane(name).1).concat(),
        _ => planes.planes.iter().flat_map(|it| bytes(&it.values, big)).collect(),
    }
}

#[test]
fn planes_are_the_bytes_that_ffmpeg_has() {
    if !has_ffmpeg() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut compared = 0;
    for (at, (format, codec, ..)) in CLIPS.into_iter().enumerate() {
        let path = clip(folder.path(), at);
        let source = source(&path);
        // What frames are asked for does not matter to planes.
        let options = VideoOptions {
            layout: Layout::Gray,
            depth: Depth::F32,
            size: Some((8, 8)),
            ..VideoOptions::default()
        };
        let mut reader = VideoReader::open(&source, index(&source), options).unwrap();
        let theirs = by_ffmpeg(&path, format);
        let mut ours = Vec::new();
        while let Some(planes) = reader.next_planes().unwrap() {
            assert_eq!(planes.pixel_format, format, "{codec}");
            assert!(planes.time_secs.is_some() && planes.duration_secs.is_some());
            ours.extend(packed(&planes));
        }
        assert_eq!(reader.len(), 3, "{format}");
        assert_eq!(ours.len(), theirs.len(), "{format} of {codec}");
        assert!(ours == theirs, "{format} of {codec}");
        let last = reader.planes(2).unwrap();
        assert!(packed(&last) == theirs[theirs.len() / 3 * 2..], "{format} at random");
        compared += 1;

        let probed = ffprobe(&path, &[]).unwrap();
        let stream = &probed["streams"][0];
        let color = &last.color;
        let range = &color.range;
        for (name, ours) in [
            ("color_range", range),
            ("color_space", &color.matrix),
            ("color_primaries", &color.primaries),
            ("color_transfer", &color.transfer),
            ("chroma_location", &last.chroma_location),
        ] {
            let theirs = stream[name].as_str().filter(|it| !["unknown", "reserved"].contains(it));
            // libav forgets what QuickTime says of ProRes.
            let theirs =
                theirs.or((codec == "prores_ks" && name.starts_with("color_")).then_some("bt709"));
            assert_eq!(ours.as_deref(), theirs, "{name} of {format} of {codec}");
        }
        let first = &last.planes[0];
        let size = (stream["width"].as_u64(), stream["height"].as_u64());
        assert_eq!((Some(first.width_px.into()), Some(first.height_px.into())), size);
        if let Some(u) = last.plane('u') {
            let (across, down) = last.subsampling;
            let shares = (first.width_px.div_ceil(across), first.height_px.div_ceil(down));
            assert_eq!((u.width_px, u.height_px), shares, "{format}");
        }
    }
    assert_eq!(compared, 36);
}

#[test]
fn numbers_are_not_spread() {
    if !has_ffmpeg() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let at = CLIPS.iter().position(|clip| clip.0 == "yuv420p10le").unwrap();
    let source = source(&clip(folder.path(), at));
    let mut reader = VideoReader::open(&source, index(&source), VideoOptions::default()).unwrap();
    let planes = reader.planes(0).unwrap();
    let depths: Vec<u32> = planes.planes.iter().map(|plane| plane.bit_depth).collect();
    assert_eq!((depths, planes.subsampling), (vec![10, 10, 10], (2, 2)));
    let Values::U16(luma) = &planes.planes[0].values else { unreachable!() };
    let (least, most) = (luma.iter().min().unwrap(), luma.iter().max().unwrap());
    assert!((64..200).contains(least) && (800..=940).contains(most), "{least} {most}");
    assert_eq!(reader.planes(3).unwrap_err().kind, ErrorKind::NotFound);
}

#[test]
fn a_turn_is_told_and_a_palette_refused() {
    if !has_ffmpeg() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = turned(folder.path());
    let of = source(&path);
    let mut reader = VideoReader::open(&of, index(&of), VideoOptions::default()).unwrap();
    let planes = reader.planes(4).unwrap();
    assert_eq!((planes.rotation_degrees, planes.mirrored), (90, false));
    assert_eq!((reader.width_px(), reader.height_px()), (96, 192));
    assert_eq!((planes.width_px, planes.height_px), (192, 96));
    assert_eq!(planes.time_secs, Some(reader.index().time_secs(4)));

    let bars = "testsrc2=size=32x32:rate=5:duration=0.6";
    let made = ["-f", "lavfi", "-i", bars, "-pix_fmt", "pal8", "-c:v", "png", "palette.mkv"];
    ffmpeg(folder.path(), &made);
    let of = source(&folder.path().join("palette.mkv"));
    let mut reader = VideoReader::open(&of, index(&of), VideoOptions::default()).unwrap();
    let refused = reader.planes(0).unwrap_err();
    assert!(refused.kind == ErrorKind::Unsupported && refused.why.contains("pal8"), "{refused}");
    assert!(reader.frame(0).is_ok());
}
