//! Stills with all that is stored, there and back, and as ffmpeg reads what we
//! write.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops there")]

use std::fs::File;
use std::path::Path;
use std::process::Command;

use rushes_codec::{
    STILL_TARGETS, Source, encode_still, still_frame, still_frame_for, still_picture,
};
use rushes_media::{Color, ErrorKind, Frame, Layout, Limits, Values};

const SIZE: (u32, u32) = (37, 23);

fn source(path: &Path) -> Source {
    let name = path.to_str().unwrap().as_bytes();
    Source::new(File::open(path).unwrap(), name, Limits::default()).unwrap()
}

fn frame(layout: Layout, bits: u8) -> Frame {
    let channels = layout.channels();
    let count = (SIZE.0 * SIZE.1) as usize * channels;
    // Soft, so that lossy formats stay near, and all channels differ.
    let fractions = (0..count).map(|at| {
        let (pixel, channel) = (at / channels, at % channels);
        let (x, y) = ((pixel % SIZE.0 as usize) as f32, (pixel / SIZE.0 as usize) as f32);
        0.5 + 0.45 * (x / 14.0 + y / 9.0 + channel as f32 * 2.0).sin()
    });
    let values = match bits {
        8 => Values::U8(fractions.map(|it| (it * 255.0) as u8).collect()),
        16 => Values::U16(fractions.map(|it| (it * 65_535.0) as u16).collect()),
        _ => Values::F32(fractions.collect()),
    };
    Frame::new(SIZE.0, SIZE.1, layout, values).unwrap()
}

/// Numbers as fractions.
fn fractions(frame: &Frame) -> Vec<f32> {
    match frame.values() {
        Values::U8(values) => values.iter().map(|&it| f32::from(it) / 255.0).collect(),
        Values::U16(values) => values.iter().map(|&it| f32::from(it) / 65_535.0).collect(),
        Values::F32(values) => values.clone(),
    }
}

fn furthest(one: &Frame, other: &Frame) -> f32 {
    assert_eq!(one.layout(), other.layout());
    let pairs = fractions(one).into_iter().zip(fractions(other));
    pairs.map(|(one, other)| (one - other).abs()).fold(0.0, f32::max)
}

#[test]
fn every_format_keeps_what_it_has_room_for() {
    let folder = tempfile::tempdir().unwrap();
    let (mut exact, mut tried) = (0, 0);
    for target in STILL_TARGETS {
        for layout in Layout::ALL {
            for bits in [8, 16, 32] {
                let given = frame(layout, bits);
                let name = format!("{}-{layout:?}-{bits}", target.words);
                let extension = target.extensions[0];
                let encoded = encode_still(&given, extension, None);
                if layout == Layout::Rgba && !target.has_opacity {
                    assert_eq!(encoded.unwrap_err().kind, ErrorKind::Invalid, "{name}");
                    continue;
                }
                let path = folder.path().join(format!("{name}.{extension}"));
                std::fs::write(&path, encoded.unwrap()).unwrap();
                let again = still_frame(&source(&path)).unwrap();
                assert_eq!((again.width_px(), again.height_px()), SIZE, "{name}");
                let is_light = target.bits == [32];
                // These know no grey, at least not of floats.
                let spreads = layout == Layout::Gray
                    && (["webp", "qoi", "bmp", "exr", "hdr"].contains(&extension)
                        || (bits == 32 && target.bits.contains(&32)));
                let kept = if spreads { Layout::Rgb } else { layout };
                assert_eq!(again.layout(), kept, "{name}");
                tried += 1;
                if spreads || is_light {
                    continue;
                }
                let found = furthest(&again, &given);
                let most = match extension {
                    "jpg" | "avif" => 0.05,
                    _ if target.bits.contains(&bits) => 0.0,
                    // What was rounded is off by half a step at most.
                    _ if target.bits.contains(&16) => 0.5 / 65_535.0 + 1e-6,
                    _ => 0.5 / 255.0 + 1e-5,
                };
                assert!(found <= most, "{name}: {found}");
                exact += usize::from(found == 0.0);
            }
        }
    }
    assert_eq!(STILL_TARGETS.len(), 12);
    assert_eq!((tried, exact >= 24), (99, true), "{exact} exact");
}

#[test]
fn light_is_light() {
    let folder = tempfile::tempdir().unwrap();
    let mut bright = frame(Layout::Rgb, 32);
    if let Values::F32(values) = bright.values() {
        let values = values.iter().map(|value| value * 7.0).collect();
        bright = Frame::new(SIZE.0, SIZE.1, Layout::Rgb, Values::F32(values)).unwrap();
    }
    bright.color = Color { transfer: Some("linear".into()), ..Color::default() };
    // OpenEXR keeps floats as they are, beyond 1 too; Radiance to a hundredth.
    for (extension, most) in [("exr", 0.0), ("hdr", 0.04)] {
        let path = folder.path().join(format!("bright.{extension}"));
        std::fs::write(&path, encode_still(&bright, extension, None).unwrap()).unwrap();
        let again = still_frame(&source(&path)).unwrap();
        assert_eq!(again.color.transfer.as_deref(), Some("linear"));
        assert!(furthest(&again, &bright) <= most, "{extension}: {}", furthest(&again, &bright));
    }
    // sRGB of half is 0.214 of the light, and comes back.
    let half = Frame::new(1, 1, Layout::Rgb, Values::U8(vec![128; 3])).unwrap();
    let path = folder.path().join("half.exr");
    std::fs::write(&path, encode_still(&half, "exr", None).unwrap()).unwrap();
    let light = still_frame(&source(&path)).unwrap();
    assert!((fractions(&light)[0] - 0.215_861).abs() < 1e-4, "{:?}", fractions(&light));
    let png = encode_still(&light, "png", None).unwrap();
    let path = folder.path().join("half.png");
    std::fs::write(&path, png).unwrap();
    let back = still_frame(&source(&path)).unwrap();
    assert!((fractions(&back)[0] - 128.0 / 255.0).abs() < 1e-4, "{:?}", fractions(&back));
}

#[test]
fn ffmpeg_reads_the_same_numbers() {
    if Command::new("ffmpeg").arg("-version").output().is_err() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    for (layout, bits, extension, format) in [
        (Layout::Rgb, 8, "png", "rgb24"),
        (Layout::Rgba, 16, "png", "rgba64le"),
        (Layout::Gray, 16, "png", "gray16le"),
        (Layout::Rgb, 8, "tif", "rgb24"),
        (Layout::Rgb, 16, "tif", "rgb48le"),
        (Layout::Rgba, 8, "webp", "rgba"),
        (Layout::Rgb, 8, "bmp", "rgb24"),
        (Layout::Rgba, 8, "tga", "rgba"),
        (Layout::Gray, 8, "pgm", "gray"),
    ] {
        let given = frame(layout, bits);
        let path = folder.path().join(format!("{layout:?}{bits}.{extension}"));
        std::fs::write(&path, encode_still(&given, extension, None).unwrap()).unwrap();
        let run = Command::new("ffmpeg")
            .args(["-v", "error", "-nostdin", "-i"])
            .arg(&path)
            .args(["-pix_fmt", format, "-f", "rawvideo", "-"])
            .output()
            .unwrap();
        let expected: Vec<u8> = match given.values() {
            Values::U8(values) => values.clone(),
            Values::U16(values) => values.iter().flat_map(|it| it.to_le_bytes()).collect(),
            Values::F32(_) => Vec::new(),
        };
        let said = String::from_utf8_lossy(&run.stderr).into_owned();
        assert!(run.stdout == expected, "{}: {said}", path.display());
    }
}

#[test]
fn quality_and_chroma() {
    let given = frame(Layout::Rgb, 8);
    for extension in ["jpg", "webp"] {
        let size = |quality| encode_still(&given, extension, Some(quality)).unwrap().len();
        assert!(size(95) > size(50) && size(50) > size(5), "{extension}");
    }
}

#[test]
fn what_cannot_be_written_is_refused() {
    let kind =
        |frame: &Frame, extension: &str| encode_still(frame, extension, None).unwrap_err().kind;
    assert_eq!(kind(&frame(Layout::Rgb, 8), "txt"), ErrorKind::Unsupported);
    let empty = Frame::new(0, 5, Layout::Rgb, Values::U8(Vec::new())).unwrap();
    assert_eq!(kind(&empty, "png"), ErrorKind::Invalid);
    let mut pq = frame(Layout::Rgb, 16);
    pq.color.transfer = Some("smpte2084".into());
    assert_eq!(kind(&pq, "png"), ErrorKind::Unsupported);
    let wide = Frame::new(16_400, 1, Layout::Gray, Values::U8(vec![0; 16_400])).unwrap();
    assert_eq!(kind(&wide, "webp"), ErrorKind::Invalid);
}

/// Stills of every layout whose pixels another library wrote down, as RGB.
#[test]
fn grey_and_deep_stills_stay_so() {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    for (name, layout, bits) in [
        ("grey.jpg", Layout::Gray, 8),
        ("grey.png", Layout::Gray, 8),
        ("grey16.png", Layout::Gray, 16),
        ("grey_alpha.png", Layout::Rgba, 8),
        ("p3.png", Layout::Rgb, 8),
        ("p3_alpha.png", Layout::Rgba, 8),
        ("prophoto16.png", Layout::Rgb, 16),
        ("p3.tif", Layout::Rgb, 8),
        ("cmyk.tif", Layout::Rgb, 8),
        ("cmyk.jpg", Layout::Rgb, 8),
    ] {
        let found = still_frame(&source(&golden.join(name))).unwrap();
        let depth = match found.values() {
            Values::U8(_) => 8,
            Values::U16(_) => 16,
            Values::F32(_) => 32,
        };
        assert_eq!((found.layout(), depth), (layout, bits), "{name}");
        let rgb = std::fs::read(golden.join(format!("{name}.rgb"))).unwrap();
        let step = if layout == Layout::Gray { 3 } else { 1 };
        let expected = rgb.iter().step_by(step).map(|&it| f32::from(it) / 255.0);
        // The other library laid what is clear over mid grey.
        let numbers = fractions(&found);
        let seen: Vec<f32> = match layout {
            Layout::Rgba => numbers
                .as_chunks::<4>()
                .0
                .iter()
                .flat_map(|&[r, g, b, alpha]| {
                    [r, g, b].map(|it| it * alpha + 128.0 / 255.0 * (1.0 - alpha))
                })
                .collect(),
            _ => numbers,
        };
        let off = seen.into_iter().zip(expected).map(|(a, b)| (a - b).abs());
        let most = off.fold(0.0, f32::max);
        assert!(most <= 6.0 / 255.0, "{name}: {most}");
    }
}

/// These bytes as a file of this name.
fn stored(folder: &Path, name: &str, bytes: &[u8]) -> Source {
    let path = folder.join(name);
    std::fs::write(&path, bytes).unwrap();
    source(&path)
}

#[test]
fn a_jpeg_that_is_cut_short_is_shown_and_not_read() {
    let folder = tempfile::tempdir().unwrap();
    for layout in [Layout::Rgb, Layout::Gray] {
        let bytes = encode_still(&frame(layout, 8), "jpg", Some(95)).unwrap();
        let whole = still_frame(&stored(folder.path(), "whole.jpg", &bytes)).unwrap();
        let scan = bytes.windows(2).rposition(|pair| pair == [0xff, 0xda]).unwrap();
        for part in [20, 60, 95] {
            let cut = &bytes[..scan + 20 + (bytes.len() - scan - 20) * part / 100];
            let cut = stored(folder.path(), "cut.jpg", cut);
            let refused = still_frame(&cut).unwrap_err();
            assert_eq!(refused.kind, ErrorKind::Corrupt, "{part} %: {refused}");
            assert!(refused.remedy.is_some(), "{part} %: {refused}");
            assert_eq!(still_frame_for(&cut, 8).unwrap_err().kind, ErrorKind::Corrupt);
            let shown = still_picture(&cut, u32::MAX).unwrap();
            assert_eq!((shown.width_px(), shown.height_px()), SIZE);
        }
        // Cameras have written scans that end early, with the end marker behind them.
        let short = [&bytes[..scan + 20 + (bytes.len() - scan - 20) / 2], &[0xff, 0xd9]].concat();
        let short = stored(folder.path(), "short.jpg", &short);
        assert_eq!(still_frame(&short).unwrap().values().len(), whole.values().len());
        // Without its end marker nothing of the picture is missing.
        let unended = stored(folder.path(), "unended.jpg", &bytes[..bytes.len() - 2]);
        assert_eq!(still_frame(&unended).unwrap().values(), whole.values());
        let followed = [&bytes[..], b"and more"].concat();
        let followed = stored(folder.path(), "followed.jpg", &followed);
        assert_eq!(still_frame(&followed).unwrap().values(), whole.values());
    }
}

/// A TIFF of floats by the book (TIFF 6.0, section 2): planes or pixels in one
/// strip each, numbers of 32 or 64 bits.
fn tiff_of_floats(numbers: &[f64], channels: usize, bits: u16, is_planar: bool) -> Vec<u8> {
    let (width, height) = SIZE;
    let stored = |number: f64| match bits {
        32 => (number as f32).to_le_bytes().to_vec(),
        _ => number.to_le_bytes().to_vec(),
    };
    let plane = |channel: usize| numbers.iter().skip(channel).step_by(channels);
    let strips: Vec<Vec<u8>> = if is_planar {
        (0..channels).map(|at| plane(at).flat_map(|&it| stored(it)).collect()).collect()
    } else {
        vec![numbers.iter().flat_map(|&it| stored(it)).collect()]
    };
    let mut bytes = b"II*\0\0\0\0\0".to_vec();
    let mut offsets = Vec::new();
    for strip in &strips {
        offsets.push(bytes.len() as u32);
        bytes.extend(strip);
    }
    let mut list = |values: &[u32], each: usize| {
        let at = bytes.len() as u32;
        for value in values {
            bytes.extend(&value.to_le_bytes()[..each]);
        }
        at
    };
    let lengths: Vec<u32> = strips.iter().map(|strip| strip.len() as u32).collect();
    let every = |value: u32| vec![value; channels];
    let photometric = if channels < 3 { 1 } else { 2 };
    let mut entries: Vec<(u16, u16, Vec<u32>)> = vec![
        (256, 4, vec![width]),
        (257, 4, vec![height]),
        (258, 3, every(bits.into())),
        (259, 3, vec![1]),
        (262, 3, vec![photometric]),
        (273, 4, offsets),
        (277, 3, vec![channels as u32]),
        (278, 4, vec![height]),
        (279, 4, lengths),
        (284, 3, vec![if is_planar { 2 } else { 1 }]),
        (339, 3, every(3)),
    ];
    if channels == 4 {
        entries.insert(10, (338, 3, vec![2]));
    }
    let mut directory = (entries.len() as u16).to_le_bytes().to_vec();
    for (tag, kind, values) in &entries {
        let each = if *kind == 3 { 2 } else { 4 };
        directory.extend(tag.to_le_bytes());
        directory.extend(kind.to_le_bytes());
        directory.extend((values.len() as u32).to_le_bytes());
        let mut value: Vec<u8> = match values.as_slice() {
            [one] => one.to_le_bytes().to_vec(),
            [one, other] if each == 2 => {
                [*one as u16, *other as u16].map(u16::to_le_bytes).concat()
            }
            several => list(several, each).to_le_bytes().to_vec(),
        };
        value.resize(4, 0);
        directory.extend(value);
    }
    directory.extend([0; 4]);
    let at = bytes.len() as u32;
    bytes[4..8].copy_from_slice(&at.to_le_bytes());
    bytes.extend(directory);
    bytes
}

#[test]
fn tiffs_of_floats_are_read_whatever_their_width_and_order() {
    let folder = tempfile::tempdir().unwrap();
    for (channels, layout) in [(1, Layout::Gray), (3, Layout::Rgb), (4, Layout::Rgba)] {
        let count = (SIZE.0 * SIZE.1) as usize * channels;
        // Beyond 0 to 1, and not to be had in 16 bits.
        let numbers: Vec<f64> = (0..count).map(|at| at as f64 / 700.0 - 0.25).collect();
        let expected: Vec<f32> = numbers.iter().map(|&it| it as f32).collect();
        for (bits, is_planar) in [(32, false), (64, false), (32, true), (64, true)] {
            let which = format!("{channels} channels of {bits} bits, planar: {is_planar}");
            let bytes = tiff_of_floats(&numbers, channels, bits, is_planar);
            let source = stored(folder.path(), "floats.tif", &bytes);
            let found = still_frame(&source).unwrap();
            assert_eq!(found.layout(), layout, "{which}");
            assert_eq!(found.color.transfer.as_deref(), Some("linear"));
            assert!(*found.values() == Values::F32(expected.clone()), "{which}");
            let shown = still_picture(&source, u32::MAX).unwrap();
            assert_eq!((shown.width_px(), shown.height_px()), SIZE);
            // Its strips end early, and so do those of one plane.
            for part in [30, 60] {
                let mut short = bytes.clone();
                let at = u32::from_le_bytes(bytes[4..8].try_into().unwrap()) as usize;
                let directory = short.split_off(at);
                short.truncate(8 + (at - 8) * part / 100);
                let start = short.len() as u32;
                short[4..8].copy_from_slice(&start.to_le_bytes());
                short.extend(directory);
                let refused = still_frame(&stored(folder.path(), "short.tif", &short));
                assert!(refused.is_err(), "{which}: {part} %");
            }
        }
    }
}

#[test]
fn a_tiff_that_nobody_reads_is_not_called_damaged() {
    let folder = tempfile::tempdir().unwrap();
    // Two channels of floats, of which nothing is said.
    let numbers: Vec<f64> = (0..SIZE.0 * SIZE.1 * 2).map(f64::from).collect();
    let bytes = tiff_of_floats(&numbers, 2, 64, false);
    let refused = still_frame(&stored(folder.path(), "two.tif", &bytes)).unwrap_err();
    assert_eq!(refused.kind, ErrorKind::Unsupported, "{refused}");
}
