//! Text: where it stands, which way it runs, and what it refuses. How it looks
//! is compared in `frame.rs`.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot draw fails")]

mod cases;

use cases::{cases, numbers};
use rushes_media::{ErrorKind, Frame, Layout, Rational, Values};
use rushes_ops::FrameOperation;
use rushes_ops::frame::{Anchor, Text};

fn black(width: u32, height: u32) -> Frame {
    let values = Values::U8(vec![0; (width * height) as usize]);
    Frame::new(width, height, Layout::Gray, values).unwrap()
}

fn values(frame: &Frame) -> &[u8] {
    let Values::U8(values) = frame.values() else { panic!("8 bits expected") };
    values
}

/// The first and last column and row with anything in them.
fn bounds(frame: &Frame) -> Option<[u32; 4]> {
    let mut found: Option<[u32; 4]> = None;
    for (at, _) in (0..).zip(values(frame)).filter(|(_, number)| **number > 0) {
        let (x, y) = (at % frame.width_px(), at / frame.width_px());
        let [left, top, right, bottom] = found.unwrap_or([x, y, x, y]);
        found = Some([left.min(x), top.min(y), right.max(x), bottom.max(y)]);
    }
    found
}

fn written(text: &str, change: impl FnOnce(Text) -> Text) -> Frame {
    let made = change(Text { size_px: 30.0, ..Text::new(text) });
    made.apply(&black(200, 120)).unwrap()
}

#[test]
fn anchors_lead_to_their_sides() {
    for (anchor, across, down) in [
        (Anchor::TopLeft, 0, 0),
        (Anchor::Top, 1, 0),
        (Anchor::TopRight, 2, 0),
        (Anchor::Left, 0, 1),
        (Anchor::Center, 1, 1),
        (Anchor::Right, 2, 1),
        (Anchor::BottomLeft, 0, 2),
        (Anchor::Bottom, 1, 2),
        (Anchor::BottomRight, 2, 2),
    ] {
        let box_of = |margin_px| Text {
            anchor,
            margin_px,
            background: Some([1.0; 4]),
            padding_px: 4.0,
            ..Text::new("Hg")
        };
        let of = |margin| bounds(&box_of(margin).apply(&black(200, 120)).unwrap()).unwrap();
        let [left, top, right, bottom] = of(7.0);
        // Two letters of 24 px, a line of 28 px, and the padding around them.
        assert!((38..=46).contains(&(right - left)) && (34..=38).contains(&(bottom - top)));
        let place = |first: u32, last: u32, side: u32| match (first, side - 1 - last) {
            (7, _) => 0,
            (before, after) if before.abs_diff(after) <= 1 => 1,
            (_, 7) => 2,
            other => panic!("{anchor:?}: {other:?}"),
        };
        assert_eq!((place(left, right, 200), place(top, bottom, 120)), (across, down));
    }
}

#[test]
fn it_moves_by_what_it_is_told() {
    let here = bounds(&written("Ab", |text| text)).unwrap();
    let there = bounds(&written("Ab", |text| Text { x_px: 11.0, y_px: 23.0, ..text })).unwrap();
    assert_eq!([here[0] + 11, here[1] + 23, here[2] + 11, here[3] + 23], there);
    // Beyond every side there is nothing to draw.
    for (x_px, y_px) in [(-1e5, 0.0), (1e5, 0.0), (0.0, -1e5), (0.0, 1e5)] {
        assert_eq!(bounds(&written("Ab", |text| Text { x_px, y_px, ..text })), None);
    }
}

#[test]
fn lines_are_one_below_the_other() {
    let one = bounds(&written("Hx", |text| text)).unwrap();
    let two = bounds(&written("Hx\nHx", |text| text)).unwrap();
    let apart = two[3] - one[3];
    assert!((34..=36).contains(&apart), "1.164 of 30 px: {apart}");
    assert_eq!((one[0], one[2]), (two[0], two[2]));
    let right = written("HHHH\nH", |text| Text { anchor: Anchor::TopRight, ..text });
    let lower = values(&right)[36 * 200..].chunks(200);
    let first = lower.filter_map(|line| line.iter().position(|number| *number > 0)).min();
    assert!(first.unwrap() > 170, "{first:?}");
}

/// Alef, which is wide, comes first in Hebrew and so stands right of vav.
#[test]
fn hebrew_runs_to_the_left_and_arabic_letters_join() {
    let lone = |text| bounds(&written(text, |text| text)).unwrap();
    let pair = written("\u{5d0}\u{5d5}", |text| text);
    let columns = |from: usize, to: usize| {
        let in_row = |row: &[u8]| row[from..to].iter().filter(|number| **number > 0).count();
        values(&pair).chunks(200).map(in_row).sum::<usize>()
    };
    let [left, _, right, _] = bounds(&pair).unwrap();
    let middle = (left + right) as usize / 2;
    assert!(columns(0, middle) * 2 < columns(middle, 200) * 3);
    let vav = lone("\u{5d5}");
    assert!(left.abs_diff(vav[0]) <= 1, "vav is the first from the left");

    let joined = written("\u{628}\u{628}", |text| text);
    let alone = lone("\u{628}");
    let width = bounds(&joined).map(|[left, _, right, _]| right - left).unwrap();
    assert!(width + 4 < 2 * (alone[2] - alone[0]), "{width} {alone:?}");
}

#[test]
fn the_time_of_the_frame_is_written() {
    let mut frame = black(200, 40);
    let text = Text::new("at {time}");
    let error = text.apply(&frame).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Invalid);
    assert!(error.why.contains("{time}"), "{error}");
    frame.time_secs = Rational::new(3_723_004, 1_000);
    let timed = text.apply(&frame).unwrap();
    let spelled = Text::new("at 1:02:03.004").apply(&frame).unwrap();
    assert_eq!(timed, spelled);
    assert_ne!(Text::new("at {tim}").apply(&frame).unwrap(), spelled);
}

#[test]
fn hostile_text_is_refused_or_drawn() {
    let refused = [
        Text::new("x".repeat(4_097)),
        Text { size_px: 0.0, ..Text::new("x") },
        Text { size_px: 2_001.0, ..Text::new("x") },
        Text { size_px: f64::NAN, ..Text::new("x") },
        Text { x_px: f64::INFINITY, ..Text::new("x") },
        Text { margin_px: -1.0, ..Text::new("x") },
        Text { outline_px: 101.0, ..Text::new("x") },
        Text { padding_px: 1_001.0, ..Text::new("x") },
        Text { color: [2.0, 0.0, 0.0, 1.0], ..Text::new("x") },
        Text { shadow_px: Some([0.0, 2e3]), ..Text::new("x") },
        Text { background: Some([0.0, 0.0, 0.0, f64::NAN]), ..Text::new("x") },
    ];
    for text in refused {
        let error = text.apply(&black(4, 4)).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Invalid, "{text:?}");
    }
    let frame = black(33, 21);
    for text in [
        "\u{202e}\u{200f}abc\u{202c}\u{0}\u{7}\t\r\r\n\u{2028}z",
        "\u{301}\u{301}\u{301}",
        "\u{10ffff}\u{fffd}\u{4e2d}\u{1f600}",
        "\n\n\n",
        " ",
        &"\u{5e9}a".repeat(2_048),
        &"a\u{301}".repeat(2_048),
        &"\n".repeat(4_096),
    ] {
        for size_px in [1.0, 2_000.0] {
            let text = Text { size_px, outline_px: 2.0, ..Text::new(text) };
            let found = text.apply(&frame).unwrap();
            assert_eq!((found.width_px(), found.height_px()), (33, 21));
        }
    }
}

#[test]
fn shadow_and_outline_reach_as_far_as_they_say() {
    let plain = bounds(&written("I", |text| Text { x_px: 40.0, y_px: 20.0, ..text })).unwrap();
    let white = [1.0; 4];
    let outlined = written("I", |text| Text {
        x_px: 40.0,
        y_px: 20.0,
        outline_px: 3.0,
        outline_color: white,
        ..text
    });
    let outlined = bounds(&outlined).unwrap();
    for (at, (one, other)) in plain.iter().zip(outlined).enumerate() {
        assert!((2..=4).contains(&one.abs_diff(other)), "{at}: {plain:?} {outlined:?}");
    }
    let shadow = written("I", |text| Text {
        x_px: 40.0,
        y_px: 20.0,
        shadow_px: Some([9.0, 5.0]),
        shadow_color: white,
        ..text
    });
    let shadow = bounds(&shadow).unwrap();
    assert_eq!(shadow, [plain[0], plain[1], plain[2] + 9, plain[3] + 5]);
}

/// Where outlines or parts of the pen's way overlap within a pixel both are
/// counted, so that it comes out a little darker than Skia's: at most 0.15 of
/// full in a pixel, 0.02 in the mean of frames that text covers wholly.
#[test]
fn text_and_outlines_agree_with_skia() {
    let inputs = cases("inputs");
    let mut largest_mean = 0.0_f64;
    for name in ["text", "outline"] {
        let found = cases(name);
        assert!(found.len() > 25);
        for case in found {
            let about = case.header.to_string();
            let text: Text = serde_json::from_value(case.header["parameters"].clone()).unwrap();
            let input = inputs.iter().find(|one| one.header["name"] == case.header["inputs"][0]);
            let found = text.apply(&input.unwrap().frame).unwrap();
            let full = match found.values() {
                Values::U8(_) => 255.0,
                Values::U16(_) => 65_535.0,
                Values::F32(_) => 1.0,
            };
            let pairs = numbers(&found).into_iter().zip(numbers(&case.frame));
            let apart: Vec<f64> = pairs.map(|(one, other)| (one - other).abs() / full).collect();
            let largest = apart.iter().copied().fold(0.0, f64::max);
            let mean = apart.iter().sum::<f64>() / apart.len() as f64;
            assert!(largest <= 0.15 && mean <= 0.02, "{largest} {mean} {about}");
            largest_mean = largest_mean.max(mean);
        }
    }
    println!("largest mean {largest_mean}");
}
