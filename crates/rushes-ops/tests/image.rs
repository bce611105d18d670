//! Operations on pictures, compared with Pillow, OpenCV and colour-science:
//! `golden/make.py` made the numbers.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot read its picture fails")]

use std::path::{Path, PathBuf};

use rushes_media::{Color, ErrorKind, Picture, Pixels};
use rushes_ops::image::{Measures, fit, grid, measure, orient, preview_score, resize, tone_map};

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)
}

fn text(name: &str) -> String {
    std::fs::read_to_string(golden(name)).unwrap()
}

/// A binary PPM of 8 or 16 bits, as Pillow and make.py write it.
fn ppm(name: &str) -> Picture {
    let bytes = std::fs::read(golden(name)).unwrap();
    let mut words = Vec::new();
    let mut at = 0;
    while words.len() < 4 {
        let end = at + bytes[at..].iter().position(u8::is_ascii_whitespace).unwrap();
        words.push(std::str::from_utf8(&bytes[at..end]).unwrap().to_owned());
        at = end + 1;
    }
    let (width, height) = (words[1].parse().unwrap(), words[2].parse().unwrap());
    let pixels = match words[3].as_str() {
        "255" => Pixels::U8(bytes[at..].to_vec()),
        _ => Pixels::U16(
            bytes[at..].chunks_exact(2).map(|b| u16::from_be_bytes([b[0], b[1]])).collect(),
        ),
    };
    Picture::new(width, height, pixels, Color::default()).unwrap()
}

fn u8_picture(width: u32, height: u32, values: Vec<u8>) -> Picture {
    Picture::new(width, height, Pixels::U8(values), Color::default()).unwrap()
}

fn flat(width: u32, height: u32, rgb: [u8; 3]) -> Picture {
    u8_picture(width, height, rgb.repeat((width * height) as usize))
}

fn size(picture: &Picture) -> (u32, u32) {
    (picture.width_px(), picture.height_px())
}

fn u8s(picture: &Picture) -> &[u8] {
    let Pixels::U8(values) = picture.pixels() else { panic!("8 bits expected") };
    values
}

fn widened(picture: &Picture) -> Vec<i64> {
    match picture.pixels() {
        Pixels::U8(values) => values.iter().map(|&value| i64::from(value)).collect(),
        Pixels::U16(values) => values.iter().map(|&value| i64::from(value)).collect(),
    }
}

fn largest_difference(one: &Picture, other: &Picture) -> i64 {
    assert_eq!(size(one), size(other));
    let pairs = widened(one).into_iter().zip(widened(other));
    pairs.map(|(a, b)| (a - b).abs()).max().unwrap()
}

/// Share of numbers that differ by at most this much.
fn share_within(one: &Picture, other: &Picture, difference: i64) -> f64 {
    let pairs: Vec<_> = widened(one).into_iter().zip(widened(other)).collect();
    let close = pairs.iter().filter(|(a, b)| (a - b).abs() <= difference).count();
    close as f64 / pairs.len() as f64
}

#[test]
fn resizes_as_pillow_does() {
    let source = ppm("source.ppm");
    for (width, height) in [(48, 30), (20, 13), (5, 3)] {
        let wanted = ppm(&format!("resize_{width}x{height}.ppm"));
        let found = resize(&source, width).unwrap();
        // Both work in fixed point, but in the other order (rows or columns
        // first), and clip in between: that shows at hard edges near 0 and 255.
        let (share, largest) =
            (share_within(&found, &wanted, 1), largest_difference(&found, &wanted));
        assert!(share >= 0.98 && largest <= 8, "{width}x{height}: {share} {largest}");
    }
    let wanted = ppm("resize16_48x30.ppm");
    let found = resize(&ppm("source16.ppm"), 48).unwrap();
    // Pillow computes in floats here and clips at the end only.
    let share = share_within(&found, &wanted, 16);
    assert!(share >= 0.95 && largest_difference(&found, &wanted) <= 8 * 257, "{share}");
}

#[test]
fn resize_never_enlarges_and_keeps_a_pixel() {
    let source = ppm("source.ppm");
    assert_eq!(resize(&source, 97).unwrap(), source);
    assert_eq!(resize(&source, u32::MAX).unwrap(), source);
    assert_eq!(size(&resize(&source, 96).unwrap()), (96, 60));
    assert_eq!(size(&resize(&flat(1000, 1, [9; 3]), 10).unwrap()), (10, 1));
    assert_eq!(size(&resize(&flat(1, 1000, [9; 3]), 10).unwrap()), (1, 10));
    assert_eq!(size(&resize(&flat(3, 2, [9; 3]), 1).unwrap()), (1, 1));
    assert_eq!(resize(&source, 0).unwrap_err().kind, ErrorKind::Invalid);
    let small = resize(&flat(640, 480, [12, 200, 99]), 64).unwrap();
    assert_eq!(small, flat(64, 48, [12, 200, 99]), "a flat colour stays what it is");
}

#[test]
fn fits_into_a_tile_with_bars() {
    let wide = fit(&flat(40, 20, [200, 100, 50]), 16, 16);
    assert_eq!(size(&wide), (16, 16));
    for (row, values) in u8s(&wide).chunks_exact(16 * 3).enumerate() {
        let wanted = if (4..12).contains(&row) { [200, 100, 50] } else { [0; 3] };
        assert_eq!(values, wanted.repeat(16), "row {row}");
    }
    let tall = fit(&flat(10, 40, [255; 3]), 9, 8);
    let first_row: Vec<u8> = u8s(&tall).chunks_exact(3).take(9).map(|pixel| pixel[0]).collect();
    assert_eq!(first_row, [0, 0, 0, 255, 255, 0, 0, 0, 0]);
    assert_eq!(fit(&flat(2, 2, [7; 3]), 8, 8), flat(8, 8, [7; 3]), "small ones are enlarged");
    assert_eq!(size(&fit(&flat(1, 1, [7; 3]), 0, 0)), (1, 1));
    assert_eq!(size(&fit(&flat(5000, 1, [7; 3]), 160, 90)), (160, 90));
    let deep = Picture::new(2, 1, Pixels::U16(vec![65_535; 6]), Color::default()).unwrap();
    assert!(matches!(fit(&deep, 4, 4).pixels(), Pixels::U16(values) if values.len() == 48));
}

#[test]
fn turns_all_eight_ways_as_pillow_does() {
    const TURNS: [(u16, bool); 8] = [
        (0, false),
        (0, true),
        (180, false),
        (180, true),
        (90, true),
        (90, false),
        (270, true),
        (270, false),
    ];
    let small = u8_picture(3, 2, (0..18).collect());
    let golden = text("orient.txt");
    assert_eq!(golden.lines().count(), 8);
    for (line, (rotation_degrees, mirrored)) in golden.lines().zip(TURNS) {
        let numbers: Vec<u32> = line.split(' ').map(|word| word.parse().unwrap()).collect();
        let found = orient(small.clone(), rotation_degrees, mirrored);
        assert_eq!(size(&found), (numbers[1], numbers[2]), "orientation {}", numbers[0]);
        let wanted: Vec<u8> = numbers[3..].iter().map(|&number| number as u8).collect();
        assert_eq!(u8s(&found), wanted, "orientation {}", numbers[0]);

        let deep: Vec<u16> = (0..18).collect();
        let deep = Picture::new(3, 2, Pixels::U16(deep), Color::default()).unwrap();
        let found = orient(deep, rotation_degrees, mirrored);
        assert_eq!(widened(&found), wanted.iter().map(|&v| i64::from(v)).collect::<Vec<_>>());
        let pixel = flat(1, 1, [1, 2, 3]);
        assert_eq!(orient(pixel.clone(), rotation_degrees, mirrored), pixel);
    }
    assert_eq!(orient(small.clone(), 450, false), orient(small.clone(), 90, false));
    assert_eq!(orient(small.clone(), 45, false), small);
}

fn hdr(transfer: &str, width: u32, height: u32, values: Vec<u16>) -> Picture {
    let color = Color {
        transfer: Some(transfer.into()),
        primaries: Some("bt2020".into()),
        ..Color::default()
    };
    Picture::new(width, height, Pixels::U16(values), color).unwrap()
}

#[test]
fn tone_maps_what_is_below_the_knee_as_colour_science_does() {
    let golden = text("tone.txt");
    assert_eq!(golden.lines().count(), 10);
    for line in golden.lines() {
        let (transfer, numbers) = line.split_once(' ').unwrap();
        let numbers: Vec<u16> = numbers.split(' ').map(|word| word.parse().unwrap()).collect();
        let found = tone_map(&hdr(transfer, 1, 1, numbers[..3].to_vec()));
        for (found, wanted) in u8s(&found).iter().zip(&numbers[3..]) {
            assert!((i32::from(*found) - i32::from(*wanted)).abs() <= 1, "{line}: {found}");
        }
        assert_eq!(found.color, Color::default());
    }
}

#[test]
fn tone_mapping_ends_at_white_and_never_turns_back() {
    for transfer in ["smpte2084", "arib-std-b67"] {
        let ramp: Vec<u16> =
            (0..=1024_u32).flat_map(|n| [(n * 64).min(65_535) as u16; 3]).collect();
        let mapped = tone_map(&hdr(transfer, 1025, 1, ramp));
        let greys: Vec<u8> = u8s(&mapped).chunks_exact(3).map(|pixel| pixel[0]).collect();
        assert!(u8s(&mapped).chunks_exact(3).all(|p| p[0] == p[1] && p[1] == p[2]), "{transfer}");
        assert_eq!((greys[0], greys[1024]), (0, 255), "{transfer}");
        assert!(greys.windows(2).all(|pair| pair[0] <= pair[1]), "{transfer}");
    }
    // Reference white, 203 nits, is bright but leaves room for highlights.
    let white = tone_map(&hdr("smpte2084", 1, 1, vec![38_056; 3]));
    assert!((215..245).contains(&u8s(&white)[0]), "{:?}", u8s(&white));
    // A saturated BT.2020 green is outside BT.709: clipped, not wrapped round.
    let green = tone_map(&hdr("smpte2084", 1, 1, vec![0, 38_056, 0]));
    assert_eq!((u8s(&green)[0], u8s(&green)[2]), (0, 0));
    assert!(u8s(&green)[1] > 200);
}

#[test]
fn deep_pictures_are_rounded_and_others_untouched() {
    let deep = vec![0, 128, 129, 257, 65_535, 65_406];
    let deep = Picture::new(2, 1, Pixels::U16(deep), Color::default()).unwrap();
    assert_eq!(u8s(&tone_map(&deep)), [0, 0, 1, 1, 255, 254]);
    let source = ppm("source.ppm");
    assert_eq!(tone_map(&source), source);
}

fn measured(name: &str) -> [f64; 3] {
    let golden = text("measure.txt");
    let line = golden.lines().find(|line| line.starts_with(name)).unwrap();
    let mut numbers = line.split(' ').skip(1).map(|word| word.parse().unwrap());
    [(); 3].map(|()| numbers.next().unwrap())
}

#[test]
fn measures_as_opencv_does() {
    let source = ppm("source.ppm");
    let column: Vec<u8> =
        u8s(&source).chunks_exact(97 * 3).flat_map(|row| &row[..3]).copied().collect();
    let pictures = [
        ("source", source.clone()),
        ("blurred", ppm("blurred.ppm")),
        ("row", u8_picture(97, 1, u8s(&source)[..97 * 3].to_vec())),
        ("column", u8_picture(1, 61, column)),
        ("pixel", u8_picture(1, 1, u8s(&source)[..3].to_vec())),
    ];
    for (name, picture) in pictures {
        let found = measure(&picture);
        let wanted = measured(name);
        let found = [found.sharpness, found.brightness, found.contrast];
        for (found, wanted) in found.iter().zip(wanted) {
            assert!((found - wanted).abs() <= 1e-5 + wanted * 1e-4, "{name}: {found} {wanted}");
        }
    }
    let deep: Vec<u16> = u8s(&source).iter().map(|&value| u16::from(value) * 257).collect();
    let deep = Picture::new(97, 61, Pixels::U16(deep), Color::default()).unwrap();
    let difference = measure(&deep).sharpness - measure(&source).sharpness;
    assert!(difference.abs() < 1e-6, "depth changes nothing");
}

#[test]
fn good_frames_outscore_empty_ones() {
    let score = |picture: &Picture| preview_score(&measure(picture));
    let source = ppm("source.ppm");
    let faded = |share: f64, from: u8| {
        let fade = |&value: &u8| (f64::from(value) * share + f64::from(from)) as u8;
        u8_picture(97, 61, u8s(&source).iter().map(fade).collect())
    };
    let sharp = score(&source);
    assert!(sharp > 0.4, "{sharp}");
    for (name, empty) in [
        ("black", flat(97, 61, [0; 3])),
        ("white", flat(97, 61, [255; 3])),
        ("grey", flat(97, 61, [128; 3])),
        ("almost black", faded(0.05, 0)),
        ("almost white", faded(0.05, 242)),
        ("one pixel", flat(1, 1, [90; 3])),
    ] {
        assert!(score(&empty) < 0.06, "{name}: {}", score(&empty));
    }
    assert!(score(&faded(0.5, 0)) < sharp);
    assert!(score(&ppm("blurred.ppm")) < sharp);
    assert_eq!(measure(&flat(9, 9, [0; 3])).clipped_dark, 1.0);
    assert_eq!(measure(&flat(9, 9, [255; 3])).clipped_bright, 1.0);
    assert_eq!(measure(&flat(9, 9, [128; 3])).sharpness, 0.0);
    assert_eq!(preview_score(&Measures::default()), 0.0);
}

#[test]
fn sheets_are_laid_out_row_by_row() {
    let tiles: Vec<Picture> = (1..=5).map(|n| flat(2, 3, [n * 10; 3])).collect();
    let sheet = grid(&tiles, 3).unwrap();
    assert_eq!(size(&sheet), (6, 6));
    for (index, pixel) in u8s(&sheet).chunks_exact(3).enumerate() {
        let (x, y) = (index % 6, index / 6);
        let tile = y / 3 * 3 + x / 2;
        let wanted = if tile < 5 { tile as u8 * 10 + 10 } else { 0 };
        assert_eq!(pixel, [wanted; 3], "{x},{y}");
    }
    assert_eq!(size(&grid(&tiles, 100).unwrap()), (10, 3));
    assert_eq!(grid(&tiles[..1], 1).unwrap(), tiles[0]);
    let deep = Picture::new(2, 3, Pixels::U16(vec![1; 18]), Color::default()).unwrap();
    assert!(matches!(grid(&[deep.clone(), deep.clone()], 1).unwrap().pixels(), Pixels::U16(_)));

    let refused = |tiles: &[Picture], columns| grid(tiles, columns).unwrap_err().kind;
    assert_eq!(refused(&[], 3), ErrorKind::Invalid);
    assert_eq!(refused(&tiles, 0), ErrorKind::Invalid);
    assert_eq!(refused(&[tiles[0].clone(), flat(3, 3, [0; 3])], 2), ErrorKind::Invalid);
    assert_eq!(refused(&[tiles[0].clone(), deep], 2), ErrorKind::Invalid);
    let long = vec![flat(4000, 1, [0; 3]); 17];
    assert_eq!(refused(&long, 17), ErrorKind::Limit);
}
