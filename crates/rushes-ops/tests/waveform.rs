//! The picture of sound: where the wave is drawn, and where it is not.

#![expect(clippy::panic, reason = "a test that cannot read its picture fails")]

use rushes_media::{Picture, Pixels};
use rushes_ops::audio::waveform;

fn pixel(picture: &Picture, x: u32, y: u32) -> [u8; 3] {
    let Pixels::U8(values) = picture.pixels() else { panic!("8 bits expected") };
    let at = ((y * picture.width_px() + x) * 3) as usize;
    [values[at], values[at + 1], values[at + 2]]
}

/// Rows of this column that show the accent, which is the only blue there is.
fn drawn(picture: &Picture, x: u32) -> Vec<u32> {
    let blue = |y: &u32| {
        let [red, _, blue] = pixel(picture, x, *y);
        blue > 100 && blue > red + 40
    };
    (0..picture.height_px()).filter(blue).collect()
}

#[test]
fn the_wave_is_as_high_as_the_sound_is_loud() {
    let peaks: Vec<(f32, f32)> =
        (0..200).map(|n| if n < 100 { (-0.25, 0.25) } else { (-1.0, 1.0) }).collect();
    let picture = waveform(&peaks, 100, 101);
    let (quiet, loud) = (drawn(&picture, 20), drawn(&picture, 80));
    assert!((20..=26).contains(&quiet.len()), "{quiet:?}");
    assert!((90..=95).contains(&loud.len()), "{loud:?}");
    assert_eq!(quiet[0] + quiet[quiet.len() - 1], 100, "centred");
    assert_eq!(loud[0] + loud[loud.len() - 1], 100, "centred");
}

#[test]
fn above_the_middle_is_positive() {
    let picture = waveform(&[(0.2, 0.9); 10], 10, 100);
    let rows = drawn(&picture, 5);
    assert!(rows.iter().all(|&row| row < 50), "{rows:?}");
    assert!(rows.contains(&20), "{rows:?}");
}

#[test]
fn one_loud_moment_among_many_is_not_lost() {
    let mut peaks = vec![(0.0, 0.0); 100_000];
    peaks[50_000] = (-1.0, 1.0);
    let picture = waveform(&peaks, 100, 100);
    let Pixels::U8(values) = picture.pixels() else { panic!("8 bits expected") };
    let silent = waveform(&vec![(0.0, 0.0); 100_000], 100, 100);
    let Pixels::U8(silent) = silent.pixels() else { panic!("8 bits expected") };
    let changed = values.iter().zip(silent).filter(|(a, b)| a != b).count();
    assert!(changed > 90, "{changed}");
}

#[test]
fn edges_are_smooth() {
    // 0.5 of 50 px at 92 % is 23 px: the edge row 26 is whole; at 0.51 it is 23.46.
    let picture = waveform(&[(-0.51, 0.51); 8], 8, 100);
    let above = pixel(&picture, 4, 25)[2];
    let edge = pixel(&picture, 4, 26)[2];
    let inside = pixel(&picture, 4, 27)[2];
    assert!(above < edge && edge < inside, "{above} {edge} {inside}");
}

#[test]
fn odd_input_is_drawn_all_the_same() {
    for (width, height) in [(1, 1), (0, 0), (3, 1), (1, 7), (641, 97)] {
        let peaks = [(f32::NAN, f32::INFINITY), (-9.0, 9.0), (1.0, -1.0)];
        let picture = waveform(&peaks, width, height);
        assert_eq!((picture.width_px(), picture.height_px()), (width.max(1), height.max(1)));
        assert_eq!(waveform(&[], width, height).width_px(), width.max(1));
    }
    let empty = waveform(&[], 20, 21);
    assert!((0..20).all(|x| drawn(&empty, x).is_empty()));
    assert_ne!(pixel(&empty, 10, 10), pixel(&empty, 10, 0), "the centre line");
    let silence = waveform(&[(0.0, 0.0); 3], 20, 21);
    assert!((0..20).all(|x| drawn(&silence, x) == [10]), "a thin line");
}
