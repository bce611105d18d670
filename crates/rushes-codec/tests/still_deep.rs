//! HEIC, AVIF and JPEG XL with all their bits and their opacity, against what
//! other programs made and read.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops there")]
#![expect(clippy::print_stdout, reason = "what is skipped is said")]

use std::path::Path;
use std::process::Command;

use rushes_codec::{Source, encode_still, probe, still_frame, still_picture};
use rushes_media::{ErrorKind, Frame, Layout, Limits, Pixels, Values};

const SIZE: (u32, u32) = (64, 48);

fn source(path: &Path) -> Source {
    let name = path.to_str().unwrap().as_bytes();
    Source::new(std::fs::File::open(path).unwrap(), name, Limits::default()).unwrap()
}

/// Every level of this many bits somewhere, stretched to 16; opacity too.
fn frame(layout: Layout, bits: u32) -> Frame {
    let channels = layout.channels();
    let top = (1_u32 << bits) - 1;
    let level = |at: usize| {
        let (pixel, channel) = (at / channels, at % channels);
        let (x, y) = (pixel % SIZE.0 as usize, pixel / SIZE.0 as usize);
        (x * (5 + channel) + y * 67 + channel * 300) as u32 % (top + 1)
    };
    let count = (SIZE.0 * SIZE.1) as usize * channels;
    let stretched = |at: usize| ((level(at) * 65_535 + top / 2) / top) as u16;
    let values = match bits {
        8 => Values::U8((0..count).map(|at| level(at) as u8).collect()),
        _ => Values::U16((0..count).map(stretched).collect()),
    };
    Frame::new(SIZE.0, SIZE.1, layout, values).unwrap()
}

fn soft(layout: Layout, deep: bool) -> Frame {
    let channels = layout.channels();
    let wave = |at: usize| {
        let (pixel, channel) = (at / channels, at % channels);
        let (x, y) = ((pixel % SIZE.0 as usize) as f32, (pixel / SIZE.0 as usize) as f32);
        0.5 + 0.45 * (x / 14.0 + y / 9.0 + channel as f32 * 2.0).sin()
    };
    let waves = (0..(SIZE.0 * SIZE.1) as usize * channels).map(wave);
    let values = if deep {
        Values::U16(waves.map(|it| (it * 65_535.0) as u16).collect())
    } else {
        Values::U8(waves.map(|it| (it * 255.0) as u8).collect())
    };
    Frame::new(SIZE.0, SIZE.1, layout, values).unwrap()
}

/// Runs a program; `false`, and said, where it is not there or cannot do it.
fn made(program: &str, arguments: &[&str], place: &Path) -> bool {
    let run = Command::new(program).args(arguments).current_dir(place).output();
    let is_made = run.is_ok_and(|output| output.status.success());
    if !is_made {
        println!("SKIPPED: {program} {arguments:?} makes nothing here");
    }
    is_made
}

/// The furthest that two frames are apart, in numbers of 16 bits.
fn furthest(one: &Frame, other: &Frame) -> u32 {
    assert_eq!((one.layout(), one.width_px()), (other.layout(), other.width_px()));
    let numbers = |frame: &Frame| -> Vec<u32> {
        match frame.values() {
            Values::U8(values) => values.iter().map(|&it| u32::from(it) * 257).collect(),
            Values::U16(values) => values.iter().map(|&it| u32::from(it)).collect(),
            Values::F32(values) => values.iter().map(|&it| (it * 65_535.0) as u32).collect(),
        }
    };
    let (one, other) = (numbers(one), numbers(other));
    assert_eq!(one.len(), other.len());
    one.iter().zip(&other).map(|(a, b)| a.abs_diff(*b)).max().unwrap()
}

/// Without loss in the file, 8, 10, 12 and 16 bits of AVIF and JPEG XL come out as
/// they went in, by other encoders than ours.
#[test]
fn what_is_stored_without_loss_comes_out_exactly() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path();
    let mut compared = 0;
    for layout in [Layout::Gray, Layout::Rgb, Layout::Rgba] {
        for bits in [8, 10, 12, 16] {
            let given = frame(layout, bits);
            std::fs::write(place.join("a.png"), encode_still(&given, "png", None).unwrap())
                .unwrap();
            let bits_text = bits.to_string();
            let lossless = ["-L", "-p", "chroma=444", "--matrix_coefficients=0", "-b", &bits_text];
            let heif = |name| [&lossless[..], &["a.png", "-o", name]].concat();
            let avif = ["-l", "-s", "8", "-d", &bits_text, "a.png", "a.avif"];
            let jxl = ["-d", "0", "a.png", "a.jxl"];
            // HEVC here has up to 12 bits, AV1 too; heif-enc makes grey of its own kind.
            let makers: [(&str, &str, Vec<&str>, bool); 3] = [
                ("a.heic", "heif-enc", heif("a.heic"), bits <= 12 && layout != Layout::Gray),
                ("a.avif", "avifenc", avif.to_vec(), bits <= 12 && layout != Layout::Gray),
                ("a.jxl", "cjxl", jxl.to_vec(), true),
            ];
            for (name, program, arguments, is_sensible) in makers {
                if !is_sensible || !made(program, &arguments, place) {
                    continue;
                }
                let source = source(&place.join(name));
                let stream = &probe(&source).unwrap().streams[0];
                assert_eq!((stream.width_px, stream.height_px), (Some(64), Some(48)), "{name}");
                // cjxl is given a PNG of 16 bits.
                let stated = if name == "a.jxl" && bits > 8 { 16 } else { bits };
                assert_eq!(stream.bit_depth, Some(stated), "{name} {layout:?} {bits}");
                let read = still_frame(&source).unwrap();
                assert_eq!(read.layout(), layout, "{name} {bits}");
                let step = 65_535 / ((1 << bits) - 1) + 1;
                let most = match name {
                    // heif-enc keeps Y'CbCr, which rounds: two steps of the depth.
                    "a.heic" => 2 * step,
                    // Older ones of cjxl keep 8 bits of opacity, whatever the colours have.
                    "a.jxl" if layout == Layout::Rgba && bits > 8 => 128,
                    _ => 0,
                };
                let difference = furthest(&read, &given);
                assert!(difference <= most, "{name} {layout:?} of {bits} bits: {difference}");
                compared += 1;
            }
        }
    }
    println!("{compared} compared");
}

/// AVIF that we write, as heif-convert and avifdec read it and as we do.
#[test]
fn avif_keeps_ten_bits_and_opacity() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path();
    for layout in Layout::ALL {
        for deep in [false, true] {
            let given = soft(layout, deep);
            let name = format!("{layout:?}, deep: {deep}");
            let bytes = match encode_still(&given, "avif", Some(100)) {
                Err(error) if error.kind == ErrorKind::Unsupported => {
                    println!("SKIPPED: {error}");
                    return;
                }
                bytes => bytes.unwrap(),
            };
            std::fs::write(place.join("a.avif"), &bytes).unwrap();
            let ours = still_frame(&source(&place.join("a.avif"))).unwrap();
            assert_eq!(matches!(ours.values(), Values::U16(_)), deep, "{name}");
            let stream = &probe(&source(&place.join("a.avif"))).unwrap().streams[0];
            assert_eq!(stream.bit_depth, Some(if deep { 10 } else { 8 }), "{name}");
            // Y'CbCr rounds: two steps of the depth.
            let step = if deep { 65 } else { 257 };
            assert!(furthest(&ours, &given) <= 2 * step, "{name}: {}", furthest(&ours, &given));
            let usual = encode_still(&given, "avif", None).unwrap();
            assert!(usual.len() < bytes.len(), "{name}: 100 is more than usual");
            for (program, arguments) in
                [("heif-convert", &["a.avif", "b.png"][..]), ("avifdec", &["a.avif", "b.png"][..])]
            {
                if layout == Layout::Gray || !made(program, arguments, place) {
                    continue;
                }
                let theirs = still_frame(&source(&place.join("b.png"))).unwrap();
                let difference = furthest(&theirs, &given);
                // The older libheif of the two rounds once more.
                assert!(difference <= 3 * step, "{program}, {name}: {difference}");
            }
        }
    }
}

/// With loss there is no exact answer: djxl rounds elsewhere.
#[test]
fn jpeg_xl_with_loss_is_what_djxl_decodes() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path();
    for (layout, deep) in [(Layout::Rgb, false), (Layout::Rgba, true), (Layout::Gray, false)] {
        let png = encode_still(&soft(layout, deep), "png", None).unwrap();
        std::fs::write(place.join("a.png"), png).unwrap();
        if !made("cjxl", &["-d", "1", "a.png", "a.jxl"], place)
            || !made("djxl", &["a.jxl", "b.png"], place)
        {
            return;
        }
        let ours = still_frame(&source(&place.join("a.jxl"))).unwrap();
        let theirs = still_frame(&source(&place.join("b.png"))).unwrap();
        let difference = furthest(&ours, &theirs);
        assert!(difference <= 257, "{layout:?} {deep}: {difference}");
        let picture = still_picture(&source(&place.join("a.jxl")), 8).unwrap();
        assert!(matches!(picture.pixels(), Pixels::U8(values) if values.len() == 64 * 48 * 3));
    }
}

/// Cut off or with a bit turned: an error or a picture, and soon.
#[test]
fn broken_jpeg_xl_breaks_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path();
    std::fs::write(
        place.join("a.png"),
        encode_still(&soft(Layout::Rgb, false), "png", None).unwrap(),
    )
    .unwrap();
    if !made("cjxl", &["-d", "1", "a.png", "a.jxl"], place) {
        return;
    }
    let whole = std::fs::read(place.join("a.jxl")).unwrap();
    let path = place.join("b.jxl");
    let mut refused = 0;
    for at in (2..whole.len()).step_by(whole.len() / 100 + 1) {
        let mut turned = whole.clone();
        turned[at] ^= 1 << (at % 8);
        for bytes in [&whole[..at], &turned[..]] {
            std::fs::write(&path, bytes).unwrap();
            let read = still_frame(&source(&path));
            refused += usize::from(read.is_err());
            drop(probe(&source(&path)));
        }
    }
    assert!(refused > 20, "{refused}");
}
