//! Reads what `golden/frame/make.py` wrote.

use std::path::Path;

use rushes_media::{Frame, Layout, Values};
use serde_json::Value;

/// A frame that other code made, and how.
pub struct Case {
    pub header: Value,
    pub frame: Frame,
}

/// The cases of `golden/frame/NAME.golden`; `cases.py` there says how they are written.
pub fn cases(name: &str) -> Vec<Case> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/frame");
    let path = folder.join(name).with_extension("golden");
    let bytes = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut rest = bytes.as_slice();
    let mut found = Vec::new();
    while let Some((len, after)) = rest.split_first_chunk::<4>() {
        let (text, after) = after.split_at(u32::from_le_bytes(*len) as usize);
        let header: Value = serde_json::from_slice(text).unwrap();
        let layout = match header["layout"].as_str().unwrap() {
            "gray" => Layout::Gray,
            "rgb" => Layout::Rgb,
            _ => Layout::Rgba,
        };
        let side = |name: &str| header[name].as_u64().unwrap() as u32;
        let (width, height) = (side("width"), side("height"));
        let len = width as usize * height as usize * layout.channels();
        let (values, after) = match header["depth"].as_str().unwrap() {
            "u8" => (Values::U8(after[..len].to_vec()), &after[len..]),
            "u16" => {
                let numbers = after[..2 * len].as_chunks::<2>().0.iter();
                let values = numbers.map(|&bytes| u16::from_le_bytes(bytes)).collect();
                (Values::U16(values), &after[2 * len..])
            }
            _ => {
                let numbers = after[..4 * len].as_chunks::<4>().0.iter();
                let values = numbers.map(|&bytes| f32::from_le_bytes(bytes)).collect();
                (Values::F32(values), &after[4 * len..])
            }
        };
        rest = after;
        found.push(Case { frame: Frame::new(width, height, layout, values).unwrap(), header });
    }
    found
}

/// The numbers as they are, whatever their depth.
pub fn numbers(frame: &Frame) -> Vec<f64> {
    match frame.values() {
        Values::U8(values) => values.iter().map(|&value| f64::from(value)).collect(),
        Values::U16(values) => values.iter().map(|&value| f64::from(value)).collect(),
        Values::F32(values) => values.iter().map(|&value| f64::from(value)).collect(),
    }
}
