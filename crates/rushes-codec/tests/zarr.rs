//! Arrays in chunks: what is written is read back, and what others may write.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops there")]

use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rushes_codec::{
    Media, Part, Sequence, SequenceReader, Sink, Target, VideoOptions, VideoWriter, WriterOptions,
};
use rushes_media::{ErrorKind, Frame, Layout, Limits, Rational, Result, Values};
use serde_json::{Value, json};

/// A folder, written where it belongs at once.
struct Folder(PathBuf, Target, Option<File>);

impl Folder {
    fn at(path: &Path) -> Folder {
        Folder(path.to_owned(), Target::of(path, 1).unwrap(), None)
    }
}

impl Sink for Folder {
    fn write_all_at(&mut self, bytes: &[u8], position: u64) -> io::Result<()> {
        self.2.as_mut().unwrap().write_all_at(bytes, position)
    }

    fn begin(&mut self, part: Part) -> io::Result<()> {
        let path = self.0.join(self.1.name_of(part).unwrap());
        std::fs::create_dir_all(path.parent().unwrap())?;
        self.2 = Some(File::create_new(path)?);
        Ok(())
    }
}

fn frames(layout: Layout, bits: u8) -> Vec<Frame> {
    let frame = |number: usize| {
        let count = 5 * 3 * layout.channels();
        let numbers = (0..count).map(|at| at * 17 + number * 5);
        let values = match bits {
            8 => Values::U8(numbers.map(|it| it as u8).collect()),
            16 => Values::U16(numbers.map(|it| (it * 200) as u16).collect()),
            _ => Values::F32(numbers.map(|it| it as f32 / 3.0 - 9.0).collect()),
        };
        Frame::new(5, 3, layout, values).unwrap()
    };
    (0..4).map(frame).collect()
}

fn write(path: &Path, rate_hz: Option<Rational>, frames: &[Frame]) {
    let options = WriterOptions { rate_hz, ..WriterOptions::default() };
    let mut writer = VideoWriter::create(Folder::at(path), "zarr", options).unwrap();
    for frame in frames {
        writer.write(frame).unwrap();
    }
    writer.finish().unwrap();
}

fn open(path: &Path, limits: Limits) -> Result<Sequence> {
    Ok(Media::open(path, limits, || true)?.sequence()?.unwrap())
}

fn read(path: &Path, layout: Layout) -> Vec<Frame> {
    let sequence = Arc::new(open(path, Limits::default()).unwrap());
    let options = VideoOptions { layout, ..VideoOptions::default() };
    let mut reader = SequenceReader::open(sequence, options, None).unwrap();
    std::iter::from_fn(|| reader.next().unwrap()).collect()
}

#[test]
fn numbers_and_times_come_back() {
    let folder = tempfile::tempdir().unwrap();
    let rate = Rational::new(30_000, 1001).unwrap();
    for layout in [Layout::Gray, Layout::Rgb, Layout::Rgba] {
        for bits in [8, 16, 32] {
            let path = folder.path().join(format!("{layout:?}-{bits}.zarr"));
            let given = frames(layout, bits);
            write(&path, Some(rate), &given);
            let again = read(&path, layout);
            assert_eq!(again.len(), 4);
            for (at, (one, other)) in again.iter().zip(&given).enumerate() {
                assert_eq!(one.values(), other.values(), "{layout:?} {bits}");
                let time = Rational::new(at as i64 * 1001, 30_000);
                assert_eq!(one.time_secs, time);
            }
        }
    }
    let path = folder.path().join("uneven.zarr");
    let hundredths = |at: i64| Rational::new(at, 100);
    let mut given = frames(Layout::Gray, 8);
    for (frame, (at, next)) in given.iter_mut().zip([(0, 4), (4, 5), (5, 30), (30, 31)]) {
        (frame.time_secs, frame.duration_secs) = (hundredths(at), hundredths(next - at));
    }
    write(&path, None, &given);
    for (one, other) in read(&path, Layout::Gray).iter().zip(&given) {
        assert_eq!((one.time_secs, one.duration_secs), (other.time_secs, other.duration_secs));
    }
    let stated = open(&path, Limits::default()).unwrap().at_rate(rate);
    assert_eq!(stated.unwrap_err().kind, ErrorKind::Invalid);
}

/// A header of 5 frames, 4 high, 6 wide, RGB, in chunks of 2, 3, 4 and 2.
fn header() -> Value {
    json!({
        "zarr_format": 3,
        "node_type": "array",
        "shape": [5, 4, 6, 3],
        "data_type": "uint16",
        "chunk_grid": { "name": "regular", "configuration": { "chunk_shape": [2, 3, 4, 2] } },
        "chunk_key_encoding": { "name": "v2", "configuration": { "separator": "." } },
        "fill_value": 7,
        "codecs": [
            { "name": "bytes", "configuration": { "endian": "big" } },
            { "name": "gzip", "configuration": { "level": 1 } },
        ],
        "attributes": {},
    })
}

fn put(folder: &Path, header: &Value) {
    std::fs::write(folder.join("zarr.json"), header.to_string()).unwrap();
}

/// What stands at a place of the array.
fn number(t: usize, y: usize, x: usize, c: usize) -> u16 {
    (t * 1_000 + y * 100 + x * 10 + c) as u16
}

#[test]
fn chunks_may_cut_frames_anywhere() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    put(path, &header());
    for (ct, cy, cx, cc) in (0..3 * 2 * 2 * 2).map(|at| (at / 8, at / 4 % 2, at / 2 % 2, at % 2)) {
        // One is left out: all of it is the value that fills.
        if (ct, cy, cx, cc) == (1, 0, 1, 0) {
            continue;
        }
        let mut bytes = Vec::new();
        for (t, y) in (0..2 * 3).map(|at| (at / 3, at % 3)) {
            for (x, c) in (0..4 * 2).map(|at| (at / 2, at % 2)) {
                let at = number(ct * 2 + t, cy * 3 + y, cx * 4 + x, cc * 2 + c);
                bytes.extend(at.to_be_bytes());
            }
        }
        let file = File::create(path.join(format!("{ct}.{cy}.{cx}.{cc}"))).unwrap();
        let mut packer = flate2::write::GzEncoder::new(file, flate2::Compression::fast());
        packer.write_all(&bytes).unwrap();
        packer.finish().unwrap();
    }
    let found = read(path, Layout::Rgb);
    assert_eq!(found.len(), 5);
    for (t, frame) in found.iter().enumerate() {
        let Values::U16(values) = frame.values() else { unreachable!() };
        for (at, value) in values.iter().enumerate() {
            let (y, x, c) = (at / 18, at / 3 % 6, at % 3);
            let is_left_out = (2..4).contains(&t) && y < 3 && x >= 4 && c < 2;
            let wanted = if is_left_out { 7 } else { number(t, y, x, c) };
            assert_eq!(*value, wanted, "{t} {y} {x} {c}");
        }
        assert_eq!(frame.time_secs, Rational::new(t as i64, 25));
    }
}

#[test]
fn what_makes_no_sense_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let wide = |shape: Value, chunk: Value| {
        let mut header = header();
        header["shape"] = shape;
        header["chunk_grid"]["configuration"]["chunk_shape"] = chunk;
        header
    };
    let with = |key: &str, value: Value| {
        let mut header = header();
        header[key] = value;
        header
    };
    let huge = u64::MAX;
    for (header, kind) in [
        (json!("text"), ErrorKind::Unsupported),
        (with("zarr_format", json!(2)), ErrorKind::Unsupported),
        (with("node_type", json!("group")), ErrorKind::Unsupported),
        (with("data_type", json!("complex64")), ErrorKind::Unsupported),
        (with("shape", json!([5, 4])), ErrorKind::Unsupported),
        (with("shape", json!("wide")), ErrorKind::Corrupt),
        (with("codecs", json!([{ "name": "blosc" }])), ErrorKind::Unsupported),
        (with("codecs", json!([])), ErrorKind::Unsupported),
        (wide(json!([5, 4, 6, 3]), json!([0, 1, 1, 1])), ErrorKind::Corrupt),
        (wide(json!([5, 4, 6, 3]), json!([1, 1, 1])), ErrorKind::Corrupt),
        (wide(json!([5, 4, 6, 2]), json!([1, 4, 6, 2])), ErrorKind::Unsupported),
        (wide(json!([0, 4, 6, 3]), json!([1, 4, 6, 3])), ErrorKind::Corrupt),
        (wide(json!([5, huge, huge, 3]), json!([1, 4, 6, 3])), ErrorKind::Limit),
        (wide(json!([5, 4, 6, 3]), json!([huge, huge, huge, huge])), ErrorKind::Limit),
        (wide(json!([huge, 4, 6, 3]), json!([1, 4, 6, 3])), ErrorKind::Limit),
        (wide(json!([1, 4_000, 4_000, 3]), json!([1, 1, 1, 1])), ErrorKind::Limit),
    ] {
        put(path, &header);
        let refused = open(path, Limits::default()).unwrap_err();
        assert_eq!(refused.kind, kind, "{refused} of {header}");
    }
    let little = Limits { picture_bytes: 100, ..Limits::default() };
    put(path, &header());
    assert_eq!(open(path, little).unwrap_err().kind, ErrorKind::Limit);

    // A chunk that is cut, one that holds more, and a bomb.
    let plain = wide(json!([1, 4, 6, 1]), json!([1, 4, 6, 1]));
    let mut zstd = plain.clone();
    zstd["codecs"] = json!([{ "name": "bytes" }, { "name": "zstd" }]);
    let mut bare = plain;
    bare["codecs"] = json!([{ "name": "bytes", "configuration": { "endian": "little" } }]);
    let bomb = zstd::bulk::compress(&vec![0; 64 << 20], 1).unwrap();
    for (header, bytes) in [(&bare, vec![0; 47]), (&bare, vec![0; 49]), (&zstd, bomb)] {
        put(path, header);
        std::fs::write(path.join("0.0.0.0"), bytes).unwrap();
        let sequence = Arc::new(open(path, Limits::default()).unwrap());
        let refused = SequenceReader::open(sequence, VideoOptions::default(), None).unwrap_err();
        assert_eq!(refused.kind, ErrorKind::Corrupt, "{refused}");
    }
}
