//! Operations on frames, compared with other people's code:
//! `golden/frame/make.py` made the numbers.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test without its numbers fails")]

mod cases;

use std::collections::{BTreeMap, BTreeSet};

use rushes_media::{ErrorKind, Frame, Layout, Rational, Values};
use rushes_ops::{Form, OPERATIONS, Operation};
use serde_json::Value;

use cases::{Case, cases, numbers};

/// The largest difference allowed, in numbers of 8 bits, of 16 bits and of
/// floats.
struct Tolerance(&'static str, f64, f64, f64);

/// One for each operation on frames; why it is not 0 is said beside it.
const TOLERANCES: &[Tolerance] = &[
    // Weights as floats here and there, rounded once.
    Tolerance("affine", 1.0, 1.0, 1e-5),
    // Floats here and there, in another order: halves may round otherwise.
    Tolerance("blend", 1.0, 1.0, 1e-6),
    Tolerance("box_blur", 0.0, 0.0, 1e-6),
    Tolerance("brightness", 0.0, 0.0, 1e-6),
    // Colours: the last digits of white and of the matrices; grey is the same.
    Tolerance("clahe", 1.0, 1.0, 2e-5),
    Tolerance("colormap", 0.0, 0.0, 1e-6),
    Tolerance("contrast", 0.0, 0.0, 1e-6),
    Tolerance("crop", 0.0, 0.0, 0.0),
    // OpenCV, in 8 bits, has weights of few digits.
    Tolerance("denoise", 1.0, 1.0, 1e-6),
    Tolerance("flat_field", 0.0, 0.0, 1e-6),
    Tolerance("flip", 0.0, 0.0, 0.0),
    Tolerance("gamma", 0.0, 0.0, 1e-6),
    // Sums of floats in another order: halves may round otherwise.
    Tolerance("gaussian_blur", 1.0, 1.0, 1e-6),
    // Fixed-point weights of OpenCV.
    Tolerance("grayscale", 1.0, 1.0, 1e-6),
    Tolerance("lut", 0.0, 0.0, 1e-6),
    Tolerance("median", 0.0, 0.0, 0.0),
    Tolerance("pad", 0.0, 0.0, 1e-7),
    // Fixed-point weights of 8 and 16 bits here and there, against floats.
    Tolerance("resize", 1.0, 1.0, 1e-6),
    Tolerance("rotate", 0.0, 0.0, 0.0),
    // As gaussian_blur.
    Tolerance("sharpen", 1.0, 1.0, 1e-6),
    // Where outlines meet within a pixel, as between joined letters, both are
    // counted: text.rs has the tolerance of the mean.
    Tolerance("text", 38.0, 9_766.0, 0.15),
];

fn inputs() -> BTreeMap<String, Frame> {
    let named = |case: Case| (case.header["name"].as_str().unwrap().to_owned(), case.frame);
    cases("inputs").into_iter().map(named).collect()
}

fn on_frames() -> impl Iterator<Item = &'static Operation> {
    OPERATIONS.iter().filter(|operation| !matches!(operation.form, Form::Function))
}

fn apply(
    operation: &Operation,
    parameters: &Value,
    frames: &[&Frame],
) -> rushes_media::Result<Frame> {
    match operation.form {
        Form::Frame(maker) => maker.from_json(parameters)?.apply(frames[0]),
        Form::Pair(maker) => maker.from_json(parameters)?.apply(frames[0], frames[1]),
        Form::Function => panic!("{} is a function", operation.name),
    }
}

fn depth(frame: &Frame) -> usize {
    match frame.values() {
        Values::U8(_) => 0,
        Values::U16(_) => 1,
        Values::F32(_) => 2,
    }
}

fn shape(frame: &Frame) -> (u32, u32, Layout, usize) {
    (frame.width_px(), frame.height_px(), frame.layout(), depth(frame))
}

#[test]
fn every_operation_agrees_with_its_reference() {
    let inputs = inputs();
    assert_eq!(inputs.len(), 26);
    let mut report = Vec::new();
    let mut wrong = Vec::new();
    for operation in on_frames() {
        let name = operation.name;
        let Some(Tolerance(_, t8, t16, t32)) = TOLERANCES.iter().find(|row| row.0 == name) else {
            panic!("{name} has no row in TOLERANCES");
        };
        let mut largest = [0.0_f64; 3];
        let (mut kinds, mut oracles) = (BTreeSet::new(), BTreeSet::new());
        let found_cases = cases(name);
        for case in &found_cases {
            let names = case.header["inputs"].as_array().unwrap();
            let frames: Vec<&Frame> = names.iter().map(|n| &inputs[n.as_str().unwrap()]).collect();
            let parameters = &case.header["parameters"];
            let found = apply(operation, parameters, &frames)
                .unwrap_or_else(|error| panic!("{name} {parameters} {names:?}: {error}"));
            assert_eq!(shape(&found), shape(&case.frame), "{name} {parameters} {names:?}");
            kinds.insert((format!("{:?}", frames[0].layout()), depth(frames[0])));
            oracles.insert(case.header["oracle"].as_str().unwrap().to_owned());
            let at = depth(&found);
            let pairs = numbers(&found).into_iter().zip(numbers(&case.frame));
            let difference = pairs.map(|(one, other)| (one - other).abs()).fold(0.0, f64::max);
            largest[at] = largest[at].max(difference);
            if difference.is_nan() || difference > [*t8, *t16, *t32][at] {
                wrong.push(format!("{name} {parameters} {names:?}: {difference}"));
            }
        }
        let nan = numbers(&found_cases[0].frame).iter().any(|number| number.is_nan());
        assert!(!nan, "{name}: its reference has no NaN");
        assert_eq!(kinds.len(), 9, "{name} is compared for every depth and layout: {kinds:?}");
        report.push(format!("{name:20} {largest:?} of {} cases: {oracles:?}", found_cases.len()));
    }
    println!("{}", report.join("\n"));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(TOLERANCES.len(), on_frames().count());
}

/// The parameters of the first case of an operation.
fn example(name: &str) -> Value {
    cases(name)[0].header["parameters"].clone()
}

/// All parameters that an operation is compared with.
fn examples(name: &str) -> Vec<Value> {
    let mut found: Vec<Value> = Vec::new();
    for case in cases(name) {
        if !found.contains(&case.header["parameters"]) {
            found.push(case.header["parameters"].clone());
        }
    }
    found
}

fn flat(width: u32, height: u32, layout: Layout, depth: usize) -> Frame {
    let len = width as usize * height as usize * layout.channels();
    let values = match depth {
        0 => Values::U8(vec![97; len]),
        1 => Values::U16(vec![31_000; len]),
        _ => Values::F32(vec![0.4; len]),
    };
    Frame::new(width, height, layout, values).unwrap()
}

#[test]
fn every_size_depth_and_layout_gives_a_frame_or_says_why() {
    let (mut done, mut wanted) = (0, 0);
    for operation in on_frames() {
        let name = operation.name;
        let examples = examples(name);
        wanted += examples.len() * 72;
        for parameters in &examples {
            for (width, height) in [(0, 0), (0, 3), (4, 0), (1, 1), (1, 7), (6, 1), (3, 2), (9, 5)]
            {
                for layout in Layout::ALL {
                    for depth in 0..3 {
                        let mut frame = flat(width, height, layout, depth);
                        frame.time_secs = Rational::new(1001, 30_000);
                        let about =
                            format!("{name} {parameters} {width}x{height} {layout:?} {depth}");
                        match apply(operation, parameters, &[&frame, &frame]) {
                            Ok(found) => {
                                assert_eq!(found.time_secs, frame.time_secs, "{about}");
                                assert!(numbers(&found).iter().all(|n| n.is_finite()), "{about}");
                            }
                            Err(error) => assert_eq!(error.kind, ErrorKind::Invalid, "{about}"),
                        }
                        done += 1;
                    }
                }
            }
        }
    }
    assert!(done == wanted && done > 5000, "{done}");
}

#[test]
fn a_matrix_may_lead_far_away() {
    let frame = flat(9, 7, Layout::Rgba, 1);
    for matrix in [[[1e-6, 0.0, 1e6], [0.0, 1e-5, -1e6]], [[1e6, -1e6, 0.0], [1e6, 1e6, 1e6]]] {
        for interpolation in ["nearest", "bilinear", "bicubic", "lanczos4"] {
            let parameters = serde_json::json!({"matrix": matrix, "interpolation": interpolation});
            let affine = on_frames().find(|operation| operation.name == "affine").unwrap();
            assert_eq!(shape(&apply(affine, &parameters, &[&frame]).unwrap()), shape(&frame));
        }
    }
}

/// These give another size, layout or opacity on purpose.
const RESHAPING: &[&str] = &[
    "affine",
    "blend",
    "box_blur",
    "colormap",
    "crop",
    "flip",
    "gaussian_blur",
    "grayscale",
    "pad",
    "resize",
    "rotate",
    "text",
];

#[test]
fn opacity_and_shape_stay_unless_changing_them_is_the_point() {
    let inputs = inputs();
    for operation in on_frames().filter(|operation| !RESHAPING.contains(&operation.name)) {
        for depth in ["u8", "u16", "f32"] {
            let frame = &inputs[&format!("small-rgba-{depth}")];
            let found = apply(operation, &example(operation.name), &[frame, frame]).unwrap();
            assert_eq!((found.width_px(), found.height_px()), (7, 5), "{}", operation.name);
            let alpha = |frame: &Frame| -> Vec<f64> {
                numbers(frame).into_iter().skip(3).step_by(4).collect()
            };
            assert_eq!(found.layout(), Layout::Rgba, "{}", operation.name);
            assert_eq!(alpha(&found), alpha(frame), "{}", operation.name);
        }
    }
}

#[test]
fn parameters_are_described_and_wrong_ones_named() {
    for operation in on_frames() {
        let (schema, refused) = match operation.form {
            Form::Frame(maker) => {
                let unknown = serde_json::json!({"no_such_parameter": 1});
                (maker.schema(), maker.from_json(&unknown).unwrap_err())
            }
            Form::Pair(maker) => {
                let unknown = serde_json::json!({"no_such_parameter": 1});
                (maker.schema(), maker.from_json(&unknown).unwrap_err())
            }
            Form::Function => continue,
        };
        let name = operation.name;
        assert_eq!(refused.kind, ErrorKind::Invalid);
        assert!(refused.why.contains("no_such_parameter"), "{name}: {refused}");
        let schema = schema.as_value();
        assert_eq!(schema["additionalProperties"], false, "{name}");
        let properties = schema["properties"].as_object().into_iter().flatten();
        for (parameter, about) in properties {
            assert!(about["description"].is_string(), "{name}: {parameter} is not described");
        }
    }
}

#[test]
fn a_pair_of_two_sizes_is_refused() {
    let mut refused = 0;
    for operation in on_frames() {
        if let Form::Pair(maker) = operation.form {
            let made = maker.from_json(&example(operation.name)).unwrap();
            let (one, other) = (flat(4, 3, Layout::Rgb, 0), flat(3, 4, Layout::Rgb, 0));
            let error = made.apply(&one, &other).unwrap_err();
            assert_eq!(error.kind, ErrorKind::Invalid);
            assert!(error.why.contains("3x4") && error.why.contains("4x3"), "{error}");
            refused += 1;
        }
    }
    assert_eq!(refused, 2);
}

#[test]
fn floats_that_are_no_numbers_stop_nothing() {
    let odd = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, -0.0, f32::MAX, f32::MIN, 1e-40, 2.5];
    for operation in on_frames() {
        for layout in Layout::ALL {
            let len = 9 * 7 * layout.channels();
            let values = Values::F32(odd.iter().copied().cycle().take(len).collect());
            let frame = Frame::new(9, 7, layout, values).unwrap();
            for parameters in examples(operation.name) {
                apply(operation, &parameters, &[&frame, &frame]).unwrap();
            }
        }
    }
}
