//! Streams made from streams.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on stops there")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rushes_media::{Error, ErrorKind, Frame, FrameStream, Layout, Rational, Result, Values};
use rushes_ops::frame::{Brightness, Crop, Field, Weston};
use rushes_ops::stream::{
    Ahead, Arrangement, Changed, Deinterlaced, Mosaic, MosaicOptions, Sampled, Tile,
};

fn secs(num: i64, den: i64) -> Rational {
    Rational::new(num, den).unwrap()
}

/// Frames of one value each, which is their number; the damaged ones fail.
struct Numbered {
    size: (u32, u32),
    step_secs: Rational,
    count: usize,
    damaged: Vec<usize>,
    next: usize,
    asked: Arc<AtomicUsize>,
}

impl Numbered {
    fn new(size: (u32, u32), step_secs: Rational, count: usize) -> Numbered {
        let asked = Arc::default();
        Numbered { size, step_secs, count, damaged: Vec::new(), next: 0, asked }
    }
}

impl FrameStream for Numbered {
    fn next_frame(&mut self) -> Result<Option<Frame>> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let i = self.next;
        if i == self.count {
            return Ok(None);
        }
        self.next += 1;
        if self.damaged.contains(&i) {
            return Err(Error::new(ErrorKind::Corrupt, "reading a frame", "it is damaged"));
        }
        let values = vec![i as u8 + 1; (self.size.0 * self.size.1) as usize];
        let mut frame = Frame::new(self.size.0, self.size.1, Layout::Gray, Values::U8(values))?;
        frame.time_secs = self.step_secs.checked_mul(Rational::whole(i as i64));
        frame.duration_secs = Some(self.step_secs);
        Ok(Some(frame))
    }

    fn end_secs(&self) -> Option<Rational> {
        self.step_secs.checked_mul(Rational::whole(self.count as i64))
    }
}

/// One frame without a time.
struct Still(Option<Frame>);

impl FrameStream for Still {
    fn next_frame(&mut self) -> Result<Option<Frame>> {
        Ok(self.0.take())
    }
}

fn still(size: (u32, u32), layout: Layout, values: Values) -> Still {
    Still(Some(Frame::new(size.0, size.1, layout, values).unwrap()))
}

fn all(mut stream: impl FrameStream) -> Vec<Frame> {
    let mut frames = Vec::new();
    while let Some(frame) = stream.next_frame().unwrap() {
        frames.push(frame);
        assert!(frames.len() < 10_000);
    }
    assert!(stream.next_frame().unwrap().is_none(), "it is over once it is over");
    frames
}

fn first(frame: &Frame) -> u8 {
    match frame.values() {
        Values::U8(values) => values[0],
        other => panic!("{other:?}"),
    }
}

/// Red at a pixel.
fn red(frame: &Frame, x: u32, y: u32) -> u8 {
    let at = ((y * frame.width_px() + x) * 3) as usize;
    match frame.values() {
        Values::U8(values) => values[at],
        other => panic!("{other:?}"),
    }
}

#[test]
fn changes_keep_times() {
    let crop = Crop { left_px: 1, ..Crop::default() };
    let brighter = Brightness { amount: 10.0 / 255.0 };
    let stream = Numbered::new((4, 2), secs(1, 30), 3);
    let frames = all(Changed::new(stream, vec![Box::new(crop), Box::new(brighter)]));
    assert_eq!(frames.iter().map(first).collect::<Vec<_>>(), [11, 12, 13]);
    assert!(frames.iter().all(|frame| frame.width_px() == 3));
    assert_eq!(frames[2].time_secs, Some(secs(2, 30)));
    assert_eq!(frames[2].duration_secs, Some(secs(1, 30)));
}

#[test]
fn a_rate_repeats_frames_and_passes_over_them() {
    // What `ffmpeg -vf fps=R:round=up` gives: of 10 frames a second, at 4 and at 25.
    let at = |rate_hz: i64| {
        let stream = Numbered::new((1, 1), secs(1, 10), 10);
        all(Sampled::new(stream, Rational::whole(rate_hz)).unwrap())
    };
    assert_eq!(at(4).iter().map(first).collect::<Vec<_>>(), [1, 3, 6, 8]);
    let many: Vec<u8> = at(25).iter().map(first).collect();
    assert_eq!(many.len(), 25);
    assert_eq!(many[..6], [1, 1, 1, 2, 2, 3]);
    assert_eq!(at(25)[3].time_secs, Some(secs(3, 25)));
    assert_eq!(at(25)[3].duration_secs, Some(secs(1, 25)));
    let stream = Numbered::new((1, 1), secs(1, 10), 10);
    let refused = Sampled::new(stream, Rational::ZERO).err().unwrap();
    assert_eq!(refused.kind, ErrorKind::Invalid);
}

#[test]
fn a_damaged_frame_is_covered_by_the_one_before() {
    let stream = Numbered { damaged: vec![2, 3], ..Numbered::new((1, 1), secs(1, 10), 6) };
    let frames = all(Sampled::new(stream, Rational::whole(10)).unwrap());
    assert_eq!(frames.iter().map(first).collect::<Vec<_>>(), [1, 2, 2, 2, 5, 6]);
}

#[test]
fn ahead_reads_no_more_than_it_may() {
    let stream = Numbered::new((1, 1), secs(1, 10), 100);
    let asked = stream.asked.clone();
    let mut ahead = Ahead::new(stream, 3).unwrap();
    assert_eq!(first(&ahead.next_frame().unwrap().unwrap()), 1);
    // One taken, three wait, and one is in hand.
    let most = asked.load(Ordering::SeqCst);
    assert!(most <= 5, "{most}");
    drop(ahead);
    let after = asked.load(Ordering::SeqCst);
    assert!(after <= 6, "{after}");

    let stream = Numbered { damaged: vec![1], ..Numbered::new((1, 1), secs(1, 10), 4) };
    let mut ahead = Ahead::new(stream, 2).unwrap();
    let mut seen = Vec::new();
    loop {
        match ahead.next_frame() {
            Ok(Some(frame)) => seen.push(Some(first(&frame))),
            Ok(None) => break,
            Err(error) => {
                assert_eq!(error.kind, ErrorKind::Corrupt);
                seen.push(None);
            }
        }
    }
    assert_eq!(seen, [Some(1), None, Some(3), Some(4)]);
}

#[test]
fn a_mosaic_shows_each_at_its_own_time() {
    let slow = Numbered::new((8, 6), secs(1, 10), 5);
    let fast = Numbered::new((8, 6), secs(1, 20), 20);
    let late = Numbered::new((16, 12), secs(1, 10), 3);
    let tiles = vec![
        Tile::new(slow),
        Tile::new(fast).at_speed(secs(1, 2)),
        Tile::new(late).beginning_at(secs(1, 2)),
    ];
    let options = MosaicOptions {
        arrangement: Arrangement::Row,
        background: [1.0, 0.0, 0.0],
        ..MosaicOptions::default()
    };
    let mosaic = Mosaic::new(tiles, &options).unwrap();
    assert_eq!((mosaic.width_px(), mosaic.height_px()), (24, 6));
    assert_eq!(mosaic.rate_hz(), Rational::whole(10));
    assert_eq!(mosaic.end_secs(), Some(secs(2, 1)));
    let frames = all(mosaic);
    assert_eq!(frames.len(), 20);
    let shown = |x: u32| frames.iter().map(|frame| red(frame, x, 3)).collect::<Vec<_>>();
    let background = 255;
    let mut wanted: Vec<u8> = (1..=5).collect();
    wanted.resize(20, background);
    assert_eq!(shown(0), wanted);
    assert_eq!(shown(8), (1..=20).collect::<Vec<_>>());
    let mut wanted = vec![background; 20];
    wanted[5..8].copy_from_slice(&[1, 2, 3]);
    assert_eq!(shown(16), wanted);
    assert_eq!(frames[19].time_secs, Some(secs(19, 10)));
}

#[test]
fn what_begins_before_the_mosaic_is_passed_over() {
    let tile = Tile::new(Numbered::new((4, 4), secs(1, 10), 10)).beginning_at(secs(-3, 10));
    let frames = all(Mosaic::new(vec![tile], &MosaicOptions::default()).unwrap());
    assert_eq!(frames.iter().map(first).collect::<Vec<_>>(), (4..=10).collect::<Vec<_>>());
}

#[test]
fn a_grid_fits_its_tiles_into_the_middle_of_their_cells() {
    let wide = still((8, 4), Layout::Gray, Values::U8(vec![100; 32]));
    let high = still((4, 8), Layout::Rgba, Values::U8([200, 0, 0, 128].repeat(32)));
    let options =
        MosaicOptions { columns: Some(1), border_px: 1, spacing_px: 2, ..MosaicOptions::default() };
    let frames = all(Mosaic::new(vec![Tile::new(wide), Tile::new(high)], &options).unwrap());
    assert_eq!(frames.len(), 1, "pictures make a picture");
    let frame = &frames[0];
    assert_eq!((frame.width_px(), frame.height_px()), (10, 12));
    assert_eq!(
        [red(frame, 0, 1), red(frame, 1, 1), red(frame, 8, 4), red(frame, 9, 4)],
        [0, 100, 100, 0]
    );
    // 4x8 in a cell of 8x4 is 2x4, from column 3 on; half of 200 on black.
    let row: Vec<u8> = (0..10).map(|x| red(frame, x, 8)).collect();
    assert_eq!(row, [0, 0, 0, 0, 100, 100, 0, 0, 0, 0]);
    assert_eq!(red(frame, 4, 11), 0);
}

#[test]
fn mosaics_nest_and_take_the_deepest_numbers() {
    let inner = Mosaic::new(
        vec![
            Tile::new(still((2, 2), Layout::Rgb, Values::U8(vec![255; 12]))),
            Tile::new(still((2, 2), Layout::Gray, Values::U16(vec![32_768; 4]))),
        ],
        &MosaicOptions { arrangement: Arrangement::Column, ..MosaicOptions::default() },
    )
    .unwrap();
    let outer = Mosaic::new(
        vec![Tile::new(inner), Tile::new(Numbered::new((4, 4), secs(1, 25), 3))],
        &MosaicOptions { arrangement: Arrangement::Row, ..MosaicOptions::default() },
    )
    .unwrap();
    assert_eq!((outer.width_px(), outer.height_px()), (2 + 4, 4));
    let frames = all(outer);
    assert_eq!(frames.len(), 3);
    let Values::U16(values) = frames[2].values() else { panic!("not the deepest") };
    let at = |x: usize, y: usize| values[(y * 6 + x) * 3];
    // The mosaic within is a picture, and has no end.
    assert_eq!([at(0, 0), at(0, 3), at(5, 0)], [65_535, 32_768, 3 * 257]);
}

#[test]
fn a_label_stands_in_the_lower_left_corner() {
    let gray = || Tile::new(still((160, 120), Layout::Gray, Values::U8(vec![90; 160 * 120])));
    let plain = MosaicOptions { arrangement: Arrangement::Row, ..MosaicOptions::default() };
    let frames = all(Mosaic::new(vec![gray().labelled("one"), gray()], &plain).unwrap());
    let changed: Vec<(u32, u32)> = (0..120)
        .flat_map(|y| (0..320).map(move |x| (x, y)))
        .filter(|&(x, y)| red(&frames[0], x, y) != 90)
        .collect();
    assert!(changed.iter().any(|&(x, y)| red(&frames[0], x, y) > 200), "letters are white");
    assert!(changed.iter().any(|&(x, y)| red(&frames[0], x, y) < 50), "their box is dark");
    assert!(changed.iter().all(|&(x, y)| x < 80 && y > 90), "{changed:?}");
}

#[test]
fn a_label_that_is_wider_than_its_tile_is_made_to_fit() {
    let tile = || Tile::new(still((160, 120), Layout::Gray, Values::U8(vec![90; 160 * 120])));
    let plain = MosaicOptions { arrangement: Arrangement::Row, ..MosaicOptions::default() };
    for label in [
        "letters for all of a tile and a bit more",
        "a label of far more letters than a tile is wide",
    ] {
        let frames = all(Mosaic::new(vec![tile().labelled(label), tile()], &plain).unwrap());
        let changed = (0..120)
            .flat_map(|y| (0..320).map(move |x| (x, y)))
            .filter(|&(x, y)| red(&frames[0], x, y) != 90);
        let right = changed.map(|(x, _)| x).max().unwrap();
        // Its box ends before the tile does, and leaves little of it free.
        assert!((120..158).contains(&right), "{label}: {right}");
    }
}

#[test]
fn what_makes_no_sense_is_refused() {
    let tile = || Tile::new(Numbered::new((4, 4), secs(1, 10), 2));
    let empty = || Tile::new(Numbered::new((4, 4), secs(1, 10), 0));
    let plain = MosaicOptions::default;
    let cases = [
        (vec![], plain()),
        (vec![empty()], plain()),
        (vec![tile().at_speed(Rational::ZERO)], plain()),
        (vec![tile().labelled("x".repeat(5_000))], plain()),
        (vec![tile()], MosaicOptions { leading: 1, ..plain() }),
        (vec![tile()], MosaicOptions { columns: Some(0), ..plain() }),
        (vec![tile()], MosaicOptions { most_side_px: 1, ..plain() }),
        (vec![tile()], MosaicOptions { background: [2.0, 0.0, 0.0], ..plain() }),
        (vec![tile()], MosaicOptions { rate_hz: Some(Rational::whole(-1)), ..plain() }),
    ];
    for (i, (tiles, options)) in cases.into_iter().enumerate() {
        let error = Mosaic::new(tiles, &options).err().unwrap_or_else(|| panic!("case {i}"));
        assert_eq!(error.kind, ErrorKind::Invalid, "case {i}: {error}");
    }
    let crops = Box::new(Crop { left_px: 1, ..Crop::default() });
    let mut cut = Mosaic::new(vec![tile().with_overlay(crops)], &plain()).unwrap();
    assert_eq!(cut.next_frame().unwrap_err().kind, ErrorKind::Invalid);
}

#[test]
fn fields_become_frames_of_half_the_time() {
    let mut damaged = Numbered::new((2, 8), secs(1, 25), 4);
    damaged.damaged = vec![2];
    let mut whole = Deinterlaced::new(damaged, Field::Top, Weston::Simple, true);
    assert_eq!(whole.end_secs(), Some(secs(4, 25)));
    let (mut times, mut failed) = (Vec::new(), 0);
    loop {
        match whole.next_frame() {
            Ok(Some(frame)) => times.push((frame.time_secs, frame.duration_secs)),
            Ok(None) => break,
            Err(_) => failed += 1,
        }
    }
    // The one that is damaged is left out, and the stream goes on to its end.
    let at = |num: i64, lasts: i64| (Some(secs(num, 50)), Some(secs(lasts, 50)));
    assert_eq!(times, [at(0, 1), at(1, 1), at(2, 2), at(4, 2), at(6, 1), at(7, 1)]);
    assert_eq!(failed, 1);
    assert!(whole.next_frame().unwrap().is_none());
    let one = Numbered::new((2, 8), secs(1, 25), 3);
    let mut first = Deinterlaced::new(one, Field::Bottom, Weston::Complex, false);
    let count = std::iter::from_fn(|| first.next_frame().unwrap()).count();
    assert_eq!(count, 3);
}
