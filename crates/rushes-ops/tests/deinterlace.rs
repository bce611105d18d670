//! Fields made into frames, compared with FFmpeg's w3fdif:
//! `golden/frame/fields.py` made the numbers.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test without its numbers fails")]

mod cases;

use cases::{Case, cases, numbers};
use rushes_media::{ErrorKind, Frame, Layout, Rational, Values};
use rushes_ops::frame::{Deinterlacer, Field, Weston, deinterlace};

const LAYOUTS: [Layout; 2] = [Layout::Gray, Layout::Rgb];

fn of_layout(layout: Layout) -> Vec<Case> {
    cases("deinterlace").into_iter().filter(|case| case.frame.layout() == layout).collect()
}

fn inputs(layout: Layout) -> Vec<Frame> {
    let inputs = of_layout(layout).into_iter().filter(|case| case.header["role"] == "input");
    let timed = |(at, mut case): (i64, Case)| {
        case.frame.time_secs = Rational::new(at, 25);
        case.frame
    };
    (0..).zip(inputs).map(timed).collect()
}

fn run(frames: &[Frame], mut through: Deinterlacer) -> Vec<Frame> {
    let mut found = Vec::new();
    for frame in frames {
        found.extend(through.push(frame.clone()).unwrap());
    }
    found.extend(through.finish().unwrap());
    found
}

const WAYS: [(Field, &str, Weston, &str); 4] = [
    (Field::Top, "tff", Weston::Simple, "simple"),
    (Field::Top, "tff", Weston::Complex, "complex"),
    (Field::Bottom, "bff", Weston::Simple, "simple"),
    (Field::Bottom, "bff", Weston::Complex, "complex"),
];

/// FFmpeg rounds down, this crate to the nearest: 1 of 255 apart at most.
#[test]
fn agrees_with_ffmpeg() {
    let mut compared = 0;
    for layout in LAYOUTS {
        let (frames, made) = (inputs(layout), of_layout(layout));
        for (first, order, filter, name) in WAYS {
            let wanted: Vec<&Case> = made
                .iter()
                .filter(|case| case.header["order"] == order && case.header["filter"] == name)
                .collect();
            let found = run(&frames, Deinterlacer::new(first, filter, true));
            assert_eq!((found.len(), wanted.len()), (8, 8));
            for (at, (found, wanted)) in found.iter().zip(wanted).enumerate() {
                let pairs = numbers(found).into_iter().zip(numbers(&wanted.frame));
                let difference = pairs.map(|(one, other)| (one - other).abs()).fold(0.0, f64::max);
                assert!(difference <= 1.0, "{layout:?} {order} {name} {at}: {difference}");
                compared += 1;
            }
        }
    }
    assert_eq!(compared, 64);
}

#[test]
fn deep_frames_give_the_same_as_shallow_ones() {
    for layout in LAYOUTS {
        let frames = inputs(layout);
        let deep = |frame: &Frame, full: f64| {
            let values = numbers(frame).into_iter().map(|number| number / 255.0 * full);
            let values = match full {
                1.0 => Values::F32(values.map(|number| number as f32).collect()),
                _ => Values::U16(values.map(|number| number.round() as u16).collect()),
            };
            Frame::new(frame.width_px(), frame.height_px(), layout, values).unwrap()
        };
        let shallow = deinterlace(&frames[1], &frames[0], Field::Top, Weston::Complex).unwrap();
        for full in [65_535.0, 1.0] {
            let pair = [1, 0].map(|at: usize| deep(&frames[at], full));
            let found = deinterlace(&pair[0], &pair[1], Field::Top, Weston::Complex).unwrap();
            for (one, other) in numbers(&found).into_iter().zip(numbers(&shallow)) {
                let one = (one / full * 255.0).clamp(0.0, 255.0);
                assert!((one - other).abs() <= 0.51, "{full}: {one} {other}");
            }
        }
    }
}

#[test]
fn both_fields_have_their_times() {
    let frames = inputs(Layout::Gray);
    let found = run(&frames, Deinterlacer::new(Field::Top, Weston::Simple, true));
    for (at, frame) in (0..).zip(&found) {
        assert_eq!(frame.time_secs, Rational::new(at, 50));
        assert_eq!(frame.duration_secs, Rational::new(1, 50));
    }
    let singles = run(&frames, Deinterlacer::new(Field::Top, Weston::Simple, false));
    assert_eq!(singles.len(), 4);
    for (one, frame) in singles.iter().zip(&frames) {
        assert_eq!(one.time_secs, frame.time_secs);
        assert!(found.iter().any(|field| field.values() == one.values()));
    }
}

#[test]
fn what_stands_still_and_is_smooth_stays() {
    for (layout, len) in [(Layout::Gray, 77), (Layout::Rgba, 308)] {
        let flat = Frame::new(11, 7, layout, Values::U16(vec![40_000; len])).unwrap();
        for field in [Field::Top, Field::Bottom] {
            for filter in [Weston::Simple, Weston::Complex] {
                assert_eq!(deinterlace(&flat, &flat, field, filter).unwrap(), flat);
            }
        }
    }
}

#[test]
fn odd_sizes_and_streams_stop_nothing() {
    for (width, height) in [(0, 0), (0, 4), (4, 0), (1, 1), (5, 1), (1, 2), (3, 2), (2, 3)] {
        let values = Values::F32(vec![f32::NAN; (width * height) as usize]);
        let frame = Frame::new(width, height, Layout::Gray, values).unwrap();
        let made = deinterlace(&frame, &frame, Field::Bottom, Weston::Complex).unwrap();
        assert_eq!((made.width_px(), made.height_px()), (width, height));
    }
    let through = Deinterlacer::new(Field::Top, Weston::Complex, true);
    assert!(through.finish().unwrap().is_empty());
    let one = run(&inputs(Layout::Gray)[..1], Deinterlacer::new(Field::Top, Weston::Simple, true));
    assert_eq!(one.len(), 2);
    assert_eq!(one[1].time_secs, None, "nothing says how long it is");
}

#[test]
fn a_frame_that_does_not_fit_is_refused_and_the_stream_goes_on() {
    let frames = inputs(Layout::Gray);
    let flat = |width, height, layout, values| Frame::new(width, height, layout, values).unwrap();
    let strangers = [
        flat(13, 22, Layout::Gray, Values::U8(vec![0; 286])),
        flat(22, 13, Layout::Gray, Values::U16(vec![0; 286])),
        flat(22, 13, Layout::Rgb, Values::U8(vec![0; 858])),
    ];
    let mut through = Deinterlacer::new(Field::Top, Weston::Simple, false);
    let mut found = Vec::new();
    for frame in &frames {
        found.extend(through.push(frame.clone()).unwrap());
        for stranger in &strangers {
            let error = through.push(stranger.clone()).unwrap_err();
            assert_eq!(error.kind, ErrorKind::Invalid, "{error}");
        }
    }
    found.extend(through.finish().unwrap());
    assert_eq!(found, run(&frames, Deinterlacer::new(Field::Top, Weston::Simple, false)));
}
