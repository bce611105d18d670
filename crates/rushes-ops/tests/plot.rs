//! Plots: data lies where the axes say, and what is drawn is what NumPy and
//! SciPy find; `golden/plot.py` made their numbers.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test without its numbers fails")]

use rushes_media::{ErrorKind, Frame, Layout, Values};
use rushes_ops::audio::stft;
use rushes_ops::frame::Map;
use rushes_ops::plot::{
    Figure, ImageOptions, LineOptions, Plot, Series, SpectrogramOptions, counts, histogram, image,
    line, spectrogram,
};
use serde_json::Value;

fn golden() -> Value {
    serde_json::from_str(include_str!("golden/plot.json")).unwrap()
}

fn numbers(value: &Value) -> Vec<f64> {
    let words = value.as_str().unwrap().split_whitespace();
    words.map(|number| number.parse().unwrap()).collect()
}

fn pixel(frame: &Frame, x: u32, y: u32) -> [u8; 3] {
    let Values::U8(values) = frame.values() else { panic!("8 bits expected") };
    let at = (y * frame.width_px() + x) as usize * frame.layout().channels();
    [values[at], values[at + 1], values[at + 2]]
}

/// The middle of the rows of a column in which a colour reigns.
fn height_of(plot: &Plot, x: u32, is: impl Fn([u8; 3]) -> bool) -> Option<f64> {
    let rows: Vec<u32> =
        (0..plot.frame.height_px()).filter(|&y| is(pixel(&plot.frame, x, y))).collect();
    let sum: u32 = rows.iter().sum();
    (!rows.is_empty()).then(|| f64::from(sum) / rows.len() as f64 + 0.5)
}

fn red([red, green, blue]: [u8; 3]) -> bool {
    red > 150 && green < 140 && blue < 140
}

fn wave() -> Series {
    let x: Vec<f64> = (0..=400).map(|at| 3.0 + f64::from(at) / 100.0).collect();
    let y = x.iter().map(|x| 20.0 + 5.0 * (2.0 * x).sin()).collect();
    Series { x: Some(x), y, color: Some([1.0, 0.0, 0.0]), ..Series::default() }
}

#[test]
fn a_curve_is_where_the_axes_say() {
    for (width_px, height_px, text_px) in [(640, 400, 14.0), (333, 251, 9.0), (1001, 700, 23.0)] {
        let figure = Figure { width_px, height_px, text_px, ..Figure::default() };
        let plot = line(&figure, &[wave()], &LineOptions::default()).unwrap();
        assert_eq!(plot.area.x, [3.0, 7.0]);
        let mut seen = 0;
        for at in 0..=40 {
            let x = 3.0 + f64::from(at) / 10.0;
            let (across, down) = plot.area.pixel(x, 20.0 + 5.0 * (2.0 * x).sin());
            // A steep curve covers many rows of a column.
            if (2.0 * x).cos().abs() < 0.3 {
                let found = height_of(&plot, across as u32, red).unwrap();
                assert!((found - down).abs() <= 1.0, "{x}: {found} {down}");
                seen += 1;
            }
        }
        assert!(seen >= 6, "{seen}");
    }
}

/// The lines that plotters draws from its ticks, which are round numbers, are
/// where this crate would draw data.
#[test]
fn ticks_and_data_have_one_scale() {
    let limits = LineOptions {
        x_limits: Some([0.0, 10.0]),
        y_limits: Some([-1.0, 1.0]),
        ..LineOptions::default()
    };
    let nothing = Series { y: vec![9.0, 9.0], ..Series::default() };
    let plot = line(&Figure::default(), &[nothing], &limits).unwrap();
    let gray = |[red, green, blue]: [u8; 3]| red == green && green == blue && red < 245;
    let (x, y) = plot.area.pixel(5.3, 0.53);
    let columns: Vec<f64> = (plot.area.left_px as u32 + 2..plot.area.right_px as u32 - 1)
        .filter(|&column| gray(pixel(&plot.frame, column, y as u32)))
        .map(|column| f64::from(column) + 0.5)
        .collect();
    let rows: Vec<f64> = (plot.area.top_px as u32 + 2..plot.area.bottom_px as u32 - 1)
        .filter(|&row| gray(pixel(&plot.frame, x as u32, row)))
        .map(|row| f64::from(row) + 0.5)
        .collect();
    for tick in [2.0, 4.0, 6.0, 8.0] {
        let (across, _) = plot.area.pixel(tick, 0.0);
        assert!(columns.iter().any(|at| (at - across).abs() <= 1.0), "{tick}: {columns:?}");
    }
    for tick in [-0.5, 0.0, 0.5] {
        let (_, down) = plot.area.pixel(5.0, tick);
        assert!(rows.iter().any(|at| (at - down).abs() <= 1.0), "{tick}: {rows:?}");
    }
}

#[test]
fn a_cursor_moves_and_the_rest_stays() {
    let at = |cursor| {
        let options = LineOptions { cursor, ..LineOptions::default() };
        line(&Figure::default(), &[wave()], &options).unwrap()
    };
    let without = at(None);
    for time in [3.5, 5.0, 6.75] {
        let with = at(Some(time));
        assert_eq!(with.area, without.area);
        let (across, _) = with.area.pixel(time, 20.0);
        for x in 0..with.frame.width_px() {
            let differs = (0..with.frame.height_px())
                .any(|y| pixel(&with.frame, x, y) != pixel(&without.frame, x, y));
            let near = (f64::from(x) + 0.5 - across).abs();
            assert!(if differs { near < 1.5 } else { near > 0.5 }, "{time}: {x} {across}");
        }
    }
    assert_eq!(at(Some(99.0)), without);
    assert_eq!(at(Some(f64::NAN)), without);
}

#[test]
fn what_is_beyond_the_limits_is_cut_off_there() {
    let y = vec![0.0, 1e9, 0.0, -1e300, 0.0];
    let series = Series { y, color: Some([1.0, 0.0, 0.0]), ..Series::default() };
    let options = LineOptions { y_limits: Some([-1.0, 1.0]), ..LineOptions::default() };
    let plot = line(&Figure::default(), &[series], &options).unwrap();
    let mut inside = 0;
    for y in 0..plot.frame.height_px() {
        for x in (0..plot.frame.width_px()).filter(|&x| red(pixel(&plot.frame, x, y))) {
            let (x, y) = (f64::from(x) + 0.5, f64::from(y) + 0.5);
            assert!((plot.area.left_px..=plot.area.right_px).contains(&x));
            assert!((plot.area.top_px..=plot.area.bottom_px).contains(&y));
            inside += 1;
        }
    }
    assert!(inside > 300, "{inside}");
    let upright = plot.area.pixel(0.0, 0.0).0 as u32;
    assert!(height_of(&plot, upright, red).unwrap() < plot.area.pixel(0.0, 0.0).1);
}

#[test]
fn gaps_stay_gaps_and_one_point_is_a_dot() {
    let y = vec![1.0, f64::NAN, 1.0, f64::INFINITY, f64::NAN, 1.0, 1.0];
    let series = Series { y, color: Some([1.0, 0.0, 0.0]), ..Series::default() };
    let options = LineOptions { width_px: 5.0, ..LineOptions::default() };
    let plot = line(&Figure::default(), &[series], &options).unwrap();
    let drawn = |x: f64| height_of(&plot, plot.area.pixel(x, 1.0).0 as u32, red).is_some();
    let found = [0.0, 1.0, 1.5, 2.0, 2.5, 3.5, 5.0, 5.5, 6.0].map(drawn);
    assert_eq!(found, [true, false, false, true, false, false, true, true, true]);
}

#[test]
fn many_points_look_as_their_extremes() {
    let mut y: Vec<f64> = (0..2_000_000).map(|at| f64::from(at % 2)).collect();
    y[1_000_000] = 10.0;
    let series = Series { y, color: Some([1.0, 0.0, 0.0]), ..Series::default() };
    let plot = line(&Figure::default(), &[series], &LineOptions::default()).unwrap();
    let (across, down) = plot.area.pixel(1e6, 10.0);
    let top = (0..400).find(|&y| (0..3).any(|x| red(pixel(&plot.frame, across as u32 + x - 1, y))));
    assert!((f64::from(top.unwrap()) + 0.5 - down).abs() <= 1.5, "{top:?} {down}");
}

#[test]
fn histograms_count_as_numpy_does() {
    let golden = golden();
    for case in golden["histograms"].as_array().unwrap() {
        let (values, bins) = (numbers(&case["values"]), case["bins"].as_u64().unwrap() as usize);
        let range = numbers(&case["range"]).try_into().ok();
        let about = format!("{} {bins} {range:?}", case["name"]);
        let found = counts(&values, bins, range).unwrap();
        let wanted: Vec<u64> = numbers(&case["counts"]).iter().map(|&n| n as u64).collect();
        assert_eq!(found.counts, wanted, "{about}");
        assert_eq!(found.edges, numbers(&case["edges"]), "{about}");
    }
}

#[test]
fn bars_are_as_high_as_their_counts() {
    let golden = golden();
    let values = numbers(&golden["histograms"][0]["values"]);
    let found = counts(&values, 10, None).unwrap();
    let plot = histogram(&Figure::default(), &values, 10, None).unwrap();
    let blue = |[red, green, blue]: [u8; 3]| red < 60 && green > 80 && blue > 150;
    for (bin, &count) in found.counts.iter().enumerate() {
        let middle = f64::midpoint(found.edges[bin], found.edges[bin + 1]);
        let (x, top) = plot.area.pixel(middle, count as f64);
        let rows: Vec<u32> = (0..400).filter(|&y| blue(pixel(&plot.frame, x as u32, y))).collect();
        match rows.first() {
            Some(&first) => assert!((f64::from(first) - top).abs() <= 1.0, "{bin}: {first} {top}"),
            None => assert!(count <= 1, "{bin}: {count}"),
        }
    }
}

#[test]
fn an_array_lies_between_its_axes() {
    let values: Vec<f32> = (0..12).map(|at| at as f32).collect();
    for upwards in [false, true] {
        let options = ImageOptions { map: Map::Hot, upwards, ..ImageOptions::default() };
        let plot = image(&Figure::default(), &values, (3, 4), &options).unwrap();
        // The strip has the colours of the same numbers, at their heights.
        for row in 0..3 {
            for column in 0..4 {
                let (x, y) = plot.area.pixel(f64::from(column) + 0.5, f64::from(row) + 0.5);
                let found = pixel(&plot.frame, x as u32, y as u32);
                let share = f64::from(row * 4 + column) / 11.0;
                let down = plot.area.bottom_px - share * (plot.area.bottom_px - plot.area.top_px);
                let strip = plot.area.right_px as u32 + 18;
                let of_bar = pixel(&plot.frame, strip, down as u32);
                let apart = found.iter().zip(of_bar).map(|(a, b)| a.abs_diff(b)).max().unwrap();
                assert!(apart <= 6, "{row} {column}: {found:?} {of_bar:?}");
            }
        }
        assert_eq!(plot.area.y, if upwards { [0.0, 3.0] } else { [3.0, 0.0] });
    }
}

#[test]
fn spectra_are_those_of_scipy() {
    let golden = golden();
    let sound: Vec<f32> = numbers(&golden["sound"]).iter().map(|&n| n as f32).collect();
    let found = stft(&sound, 256, 100).unwrap();
    let wanted = golden["spectra"].as_array().unwrap();
    assert_eq!((found.spectra(), found.bins), (wanted.len(), 129));
    for (spectrum, wanted) in found.amplitudes.chunks_exact(129).zip(wanted) {
        for (bin, (found, wanted)) in spectrum.iter().zip(numbers(wanted)).enumerate() {
            assert!((f64::from(*found) - wanted).abs() <= 1e-6, "{bin}: {found} {wanted}");
        }
    }
}

#[test]
fn a_tone_is_at_its_frequency_and_time() {
    let rate = 16_000.0;
    let tone = |at: u32| {
        let (time, hertz) = (f64::from(at) / rate, if at < 16_000 { 1_500.0 } else { 6_000.0 });
        (std::f64::consts::TAU * hertz * time).sin() as f32
    };
    let samples: Vec<f32> = (0..32_000).map(tone).collect();
    let options = SpectrogramOptions { map: Map::Bone, ..SpectrogramOptions::default() };
    let plot = spectrogram(&Figure::default(), &samples, rate, &options).unwrap();
    for (secs, hertz) in [(0.3, 1_500.0), (0.9, 1_500.0), (1.1, 6_000.0), (1.7, 6_000.0)] {
        let (x, wanted) = plot.area.pixel(secs, hertz);
        let light = |y: &u32| pixel(&plot.frame, x as u32, *y).iter().map(|&n| u32::from(n)).sum();
        let rows = plot.area.top_px as u32..plot.area.bottom_px as u32;
        let brightest = rows.max_by_key(|y| -> u32 { light(y) }).unwrap();
        // A bin is as high as a pixel is, about: 15.6 Hz of 8,000.
        assert!((f64::from(brightest) + 0.5 - wanted).abs() <= 2.0, "{brightest} {wanted}");
    }
}

#[test]
fn the_ground_may_be_seen_through() {
    let figure = Figure { ground: [0.0; 4], ..Figure::default() };
    let clear = line(&figure, &[wave()], &LineOptions::default()).unwrap();
    assert_eq!(clear.frame.layout(), Layout::Rgba);
    let Values::U8(values) = clear.frame.values() else { panic!("8 bits expected") };
    let open = values.iter().skip(3).step_by(4).filter(|alpha| **alpha == 0).count();
    assert!(open > 640 * 400 / 2 && open < 640 * 400 - 1_000, "{open}");
    assert_eq!(values[..4], [0; 4]);
    let opaque = line(&Figure::default(), &[wave()], &LineOptions::default()).unwrap();
    assert_eq!(opaque.frame.layout(), Layout::Rgb);
}

#[test]
fn labels_and_names_are_drawn() {
    let ink = |figure: &Figure, name: &str| {
        let series = [Series { name: name.to_owned(), ..wave() }];
        let plot = line(figure, &series, &LineOptions::default()).unwrap();
        let Values::U8(values) = plot.frame.into_values() else { panic!("8 bits expected") };
        values.iter().filter(|number| **number < 100).count()
    };
    let plain = Figure::default();
    let label = || "Spannung, \u{5e9} (mV)".to_owned();
    let without = ink(&plain, "");
    assert!(ink(&plain, "channel 1") > without + 50);
    for named in [
        Figure { title: label(), ..plain.clone() },
        Figure { x_label: label(), ..plain.clone() },
        Figure { y_label: label(), ..plain.clone() },
    ] {
        assert!(ink(&named, "") > without + 50, "{named:?}");
    }
}

#[test]
fn what_cannot_be_drawn_is_refused() {
    let (figure, usual) = (Figure::default(), LineOptions::default());
    let of = |y: Vec<f64>| [Series { y, ..Series::default() }];
    let sized = |width_px, height_px| Figure { width_px, height_px, ..Figure::default() };
    let short = Series { x: Some(vec![1.0]), y: vec![1.0, 2.0], ..Series::default() };
    let limits = |x_limits| LineOptions { x_limits: Some(x_limits), ..LineOptions::default() };
    let long = Figure { title: "n".repeat(257), ..Figure::default() };
    let hop = SpectrogramOptions { hop_samples: 0, ..SpectrogramOptions::default() };
    let odd = SpectrogramOptions { window_samples: 17, ..SpectrogramOptions::default() };
    let sound = SpectrogramOptions::default();
    let shown = ImageOptions::default();
    let refused = [
        line(&figure, &[], &usual),
        line(&figure, &of(vec![]), &usual),
        line(&figure, &of(vec![f64::NAN; 9]), &usual),
        line(&figure, &of(vec![-1e200, 1e200]), &usual),
        line(&figure, &[short], &usual),
        line(&figure, &[wave()], &limits([1.0, 1.0])),
        line(&figure, &[wave()], &limits([f64::NAN, 1.0])),
        line(&figure, &[wave()], &limits([0.0, f64::INFINITY])),
        line(&sized(0, 400), &[wave()], &usual),
        line(&sized(640, 30), &[wave()], &usual),
        line(&sized(40, 400), &[wave()], &usual),
        line(&long, &[wave()], &usual),
        histogram(&figure, &[1.0], 0, None),
        histogram(&figure, &[f64::NAN], 4, None),
        histogram(&figure, &[1.0], 4, Some([2.0, 1.0])),
        image(&figure, &[], (0, 0), &shown),
        image(&figure, &[1.0; 5], (2, 3), &shown),
        image(&figure, &[1.0; 6], (usize::MAX, 2), &shown),
        image(&figure, &[f32::NAN; 6], (2, 3), &shown),
        spectrogram(&figure, &[0.0; 100], 8_000.0, &sound),
        spectrogram(&figure, &[0.0; 9_000], f64::NAN, &sound),
        spectrogram(&figure, &[0.0; 9_000], 8_000.0, &hop),
        spectrogram(&figure, &[0.0; 9_000], 8_000.0, &odd),
    ];
    for (at, found) in refused.into_iter().enumerate() {
        let error = found.err().unwrap_or_else(|| panic!("{at} was drawn"));
        assert_eq!(error.kind, ErrorKind::Invalid, "{at}: {error}");
    }
}

#[test]
fn odd_numbers_are_drawn_all_the_same() {
    let figure = Figure { width_px: 300, height_px: 200, ..Figure::default() };
    for y in [
        vec![0.0],
        vec![7e-90, 7e-90],
        vec![5.0, 5.0 + 1e-15],
        vec![-1e99, 1e99, f64::NAN, f64::NEG_INFINITY],
        vec![1e-12, -3e-12],
        vec![1e18, 1e18 + 4096.0],
    ] {
        let series = Series { y: y.clone(), ..Series::default() };
        line(&figure, &[series], &LineOptions::default()).unwrap();
        histogram(&figure, &y, 3, Some([-1.0, 1.0])).unwrap();
        let values: Vec<f32> = y.iter().map(|&y| y.clamp(-1e30, 1e30) as f32).collect();
        let found = image(&figure, &values, (1, values.len()), &ImageOptions::default());
        assert!(found.is_ok(), "{y:?}: {found:?}");
    }
    let silence = vec![0.0; 5_000];
    spectrogram(&figure, &silence, 8_000.0, &SpectrogramOptions::default()).unwrap();
    spectrogram(&figure, &[f32::NAN; 5_000], 8_000.0, &SpectrogramOptions::default()).unwrap();
}
