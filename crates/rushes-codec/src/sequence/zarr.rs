//! Arrays in chunks (Zarr v3): `[T, H, W]` or `[T, H, W, C]` in a folder, each
//! `[H, W]` or `[H, W, C]` of it a frame.

use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rushes_media::{Error, ErrorKind, Frame, Layout, Limits, Rational, Result, Values};
use serde_json::Value;

use super::times::Times;
use super::{MOST_FRAMES, Pictures, STILLS_HZ, Sequence, SequenceOptions, Taken, WHAT, corrupt};
use crate::open_file;

/// What says that a folder is an array, and which.
const HEADER: &str = "zarr.json";
/// Bytes of it at most: the times of all frames stand there.
const MOST_HEADER_BYTES: u64 = 256 << 20;
/// Chunks that one frame may be spread over.
const MOST_CHUNKS: u64 = 65_536;

/// A folder whose frames are parts of one array.
#[derive(Debug)]
pub(super) struct ZarrArray {
    folder: PathBuf,
    array: Array,
    /// The frames of one row of chunks, decoded, by its number.
    row: Mutex<Option<(u64, Arc<Vec<u8>>)>>,
}

/// What its header says, checked.
#[derive(Debug, Clone)]
struct Array {
    /// `[T, H, W, C]`; C is 1 for an array without it.
    shape: [u64; 4],
    chunk: [u64; 4],
    dimensions: usize,
    numbers: Numbers,
    is_big_endian: bool,
    packing: Vec<Packing>,
    fill: f64,
    /// Before the numbers of a chunk's name, and between them.
    prefix: &'static str,
    separator: &'static str,
    transfer: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Numbers {
    U8,
    U16,
    F32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Packing {
    Gzip,
    Zstd,
}

/// Whether a folder says that it is an array.
pub(super) fn is_zarr(folder: &Path) -> bool {
    folder.join(HEADER).is_file()
}

/// The frames of the array in a folder.
///
/// # Errors
/// `Unsupported` for groups, other shapes, numbers and codecs, `Corrupt` for a
/// header that makes no sense, `Limit` for frames that are too large.
pub(super) fn open(folder: &Path, options: SequenceOptions) -> Result<Sequence> {
    let header = read_header(folder)?;
    let array = Array::of(&header)?;
    array.check(&options.limits)?;
    let [count, ..] = array.shape;
    let count = usize::try_from(count).ok().filter(|count| *count <= MOST_FRAMES);
    let count = count.ok_or_else(|| {
        Error::new(ErrorKind::Limit, WHAT, format!("it has more than {MOST_FRAMES} frames"))
    })?;
    if count == 0 {
        return Err(corrupt("the array has no frames"));
    }
    let times = times(&header["attributes"], count, options.rate_hz)?;
    let pictures = ZarrArray { folder: folder.to_owned(), array, row: Mutex::new(None) };
    let has_times = header["attributes"]["pts"].is_array();
    let (epoch_secs, warnings) = (None, Vec::new());
    Ok(Sequence { pictures: Box::new(pictures), times, has_times, epoch_secs, warnings })
}

fn read_header(folder: &Path) -> Result<Value> {
    let failed = |error: io::Error| Error::io("opening the file", &error);
    let file = open_file(&folder.join(HEADER))?;
    let mut text = Vec::new();
    file.take(MOST_HEADER_BYTES + 1).read_to_end(&mut text).map_err(failed)?;
    if text.len() as u64 > MOST_HEADER_BYTES {
        return Err(Error::new(ErrorKind::Limit, WHAT, "its zarr.json is too long"));
    }
    serde_json::from_slice(&text).map_err(|error| corrupt(format!("its zarr.json: {error}")))
}

/// When its frames are shown, by what we write beside arrays.
fn times(attributes: &Value, count: usize, asked: Option<Rational>) -> Result<Times> {
    let fraction = |key: &str| attributes[key].as_str().and_then(|text| text.parse().ok());
    if let Some(rate) = fraction("frame_rate").filter(|_| asked.is_none()) {
        return Times::even(rate, count);
    }
    let listed = || {
        let tick: Rational = fraction("time_base").filter(|tick| *tick > Rational::ZERO)?;
        let starts: Vec<i64> =
            attributes["pts"].as_array()?.iter().map(Value::as_i64).collect::<Option<_>>()?;
        let last = attributes["end_pts"].as_i64()?.checked_sub(*starts.last()?)?;
        let is_whole = starts.len() == count;
        Times::ticking(tick, starts, last.max(0)).filter(|_| is_whole)
    };
    match (listed(), asked) {
        (Some(listed), None) => Ok(listed),
        (Some(_), Some(_)) => Err(Error::new(ErrorKind::Invalid, WHAT, "it has times of its own")
            .remedy("state no frame rate for it")),
        (None, asked) => Times::even(asked.unwrap_or(STILLS_HZ), count),
    }
}

fn unsupported(why: impl Into<String>) -> Error {
    Error::new(ErrorKind::Unsupported, WHAT, why).remedy(
        "write it as uint8, uint16 or float32, [T, H, W] or [T, H, W, C], with zstd or gzip",
    )
}

/// Three or four whole numbers; a fourth is 1 where there are three.
fn numbers(of: &Value, what: &str) -> Result<(usize, [u64; 4])> {
    let list: Option<Vec<u64>> =
        of.as_array().and_then(|list| list.iter().map(Value::as_u64).collect());
    match list.as_deref() {
        Some(&[t, y, x]) => Ok((3, [t, y, x, 1])),
        Some(&[t, y, x, c]) => Ok((4, [t, y, x, c])),
        Some(other) => Err(unsupported(format!("its {what} has {} numbers", other.len()))),
        None => Err(corrupt(format!("its {what} is no list of numbers"))),
    }
}

impl Array {
    fn of(header: &Value) -> Result<Array> {
        if header["zarr_format"] != 3 {
            return Err(unsupported("it is no Zarr of version 3"));
        }
        if header["node_type"] != "array" {
            return Err(unsupported("it is a group of arrays").remedy("name the array within it"));
        }
        let (dimensions, shape) = numbers(&header["shape"], "shape")?;
        let grid = &header["chunk_grid"];
        if grid["name"] != "regular" {
            return Err(unsupported("its chunks are not all alike"));
        }
        let (of_chunk, chunk) = numbers(&grid["configuration"]["chunk_shape"], "shape of chunks")?;
        if of_chunk != dimensions || chunk.contains(&0) {
            return Err(corrupt("its shape and that of its chunks do not fit"));
        }
        let kind = &header["data_type"];
        let numbers = match kind.as_str() {
            Some("uint8") => Numbers::U8,
            Some("uint16") => Numbers::U16,
            Some("float32") => Numbers::F32,
            _ => return Err(unsupported(format!("its numbers are {kind}"))),
        };
        let (is_big_endian, packing) = codecs(&header["codecs"])?;
        let encoding = &header["chunk_key_encoding"];
        let (prefix, usual) = match encoding["name"].as_str() {
            Some("default") => ("c", "/"),
            Some("v2") => ("", "."),
            _ => return Err(unsupported("its chunks have unknown names")),
        };
        let separator = match encoding["configuration"]["separator"].as_str() {
            None => usual,
            Some("/") => "/",
            Some(".") => ".",
            Some(_) => return Err(corrupt("the names of its chunks make no sense")),
        };
        let fill = match &header["fill_value"] {
            Value::Number(number) => number.as_f64().unwrap_or(0.0),
            Value::String(text) => match text.as_str() {
                "Infinity" => f64::INFINITY,
                "-Infinity" => f64::NEG_INFINITY,
                _ => f64::NAN,
            },
            _ => 0.0,
        };
        let transfer = header["attributes"]["color_transfer"].as_str().map(str::to_owned);
        Ok(Array {
            shape,
            chunk,
            dimensions,
            numbers,
            is_big_endian,
            packing,
            fill,
            prefix,
            separator,
            transfer,
        })
    }

    /// Whether its frames are pictures, and rows of chunks not too large.
    fn check(&self, limits: &Limits) -> Result<()> {
        let [_, height, width, channels] = self.shape;
        if ![1, 3, 4].contains(&channels) {
            return Err(unsupported(format!("its frames have {channels} channels")));
        }
        if height == 0 || width == 0 {
            return Err(corrupt("its frames have no pixels"));
        }
        limits.check_picture(width, height, channels * self.numbers.bytes())?;
        let too_large = |what: &str| {
            Error::new(ErrorKind::Limit, WHAT, format!("its {what}"))
                .remedy("write it with a chunk for each frame")
        };
        let product = |shape: &[u64]| {
            shape.iter().try_fold(self.numbers.bytes(), |all, side| all.checked_mul(*side))
        };
        let [frames, ..] = self.chunk;
        let row = product(&[frames.min(self.shape[0]), height, width, channels]);
        for bytes in [row, product(&self.chunk)] {
            if bytes.is_none_or(|bytes| bytes > limits.picture_bytes) {
                return Err(too_large("chunks are too large"));
            }
        }
        let spread = self.grid().iter().try_fold(1_u64, |all, count| all.checked_mul(*count));
        if spread.is_none_or(|spread| spread > MOST_CHUNKS) {
            return Err(too_large("frames are spread over too many chunks"));
        }
        Ok(())
    }

    /// Chunks that a frame is spread over, down, across and in depth.
    fn grid(&self) -> [u64; 3] {
        let [_, shape @ ..] = self.shape;
        let [_, chunk @ ..] = self.chunk;
        [0, 1, 2].map(|at| shape[at].div_ceil(chunk[at].max(1)))
    }

    fn layout(&self) -> Layout {
        match self.shape[3] {
            1 => Layout::Gray,
            3 => Layout::Rgb,
            _ => Layout::Rgba,
        }
    }

    /// Where a chunk lies within the folder.
    fn name(&self, at: [u64; 4]) -> PathBuf {
        let numbers = at.iter().take(self.dimensions).map(u64::to_string);
        let parts: Vec<String> = Some(self.prefix.to_owned())
            .filter(|it| !it.is_empty())
            .into_iter()
            .chain(numbers)
            .collect();
        PathBuf::from(parts.join(self.separator))
    }
}

impl Numbers {
    fn bytes(self) -> u64 {
        match self {
            Numbers::U8 => 1,
            Numbers::U16 => 2,
            Numbers::F32 => 4,
        }
    }
}

/// The order of bytes, and what they are packed by.
fn codecs(list: &Value) -> Result<(bool, Vec<Packing>)> {
    let list = list.as_array().ok_or_else(|| corrupt("it has no list of codecs"))?;
    let mut is_big_endian = None;
    let mut packing = Vec::new();
    for codec in list {
        match (codec["name"].as_str().unwrap_or_default(), is_big_endian) {
            ("bytes", None) => is_big_endian = Some(codec["configuration"]["endian"] == "big"),
            ("gzip", Some(_)) => packing.push(Packing::Gzip),
            ("zstd", Some(_)) => packing.push(Packing::Zstd),
            (name, _) => return Err(unsupported(format!("its chunks are packed by {name:?}"))),
        }
    }
    Ok((is_big_endian.ok_or_else(|| unsupported("its numbers are not plain bytes"))?, packing))
}

impl ZarrArray {
    /// The frames of one row of chunks, `[T, H, W, C]` in bytes.
    fn row(&self, number: u64) -> Result<Arc<Vec<u8>>> {
        let mut kept = self.row.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((row, bytes)) = &*kept
            && *row == number
        {
            return Ok(Arc::clone(bytes));
        }
        // What is kept goes before the next is made.
        *kept = None;
        let bytes = Arc::new(self.read_row(number)?);
        *kept = Some((number, Arc::clone(&bytes)));
        Ok(bytes)
    }

    fn read_row(&self, number: u64) -> Result<Vec<u8>> {
        let Array { shape, chunk, .. } = &self.array;
        let frames = chunk[0].min(shape[0].saturating_sub(number.saturating_mul(chunk[0])));
        let room = [frames, shape[1], shape[2], shape[3]];
        let count = room.iter().product::<u64>() as usize;
        let mut row = self.array.filled(count);
        let [down, across, deep] = self.array.grid();
        for y in 0..down {
            for x in 0..across {
                for c in 0..deep {
                    if let Some(bytes) = self.chunk([number, y, x, c])? {
                        self.array.place(&bytes, &mut row, room, [y, x, c]);
                    }
                }
            }
        }
        Ok(row)
    }

    /// The bytes of a chunk; `None` for one that is left out: all of it is the
    /// value that fills.
    fn chunk(&self, at: [u64; 4]) -> Result<Option<Vec<u8>>> {
        let path = self.folder.join(self.array.name(at));
        let file = match open_file(&path) {
            Err(error) if error.kind == ErrorKind::NotFound => return Ok(None),
            opened => opened.map_err(|error| error.at(&path))?,
        };
        let wanted = self.array.chunk.iter().product::<u64>() * self.array.numbers.bytes();
        let read = || -> io::Result<Vec<u8>> {
            let mut reader: Box<dyn Read> = Box::new(file);
            for packing in self.array.packing.iter().rev() {
                reader = match packing {
                    Packing::Gzip => Box::new(flate2::read::MultiGzDecoder::new(reader)),
                    Packing::Zstd => Box::new(zstd::stream::read::Decoder::new(reader)?),
                };
            }
            let mut bytes = Vec::new();
            reader.take(wanted + 1).read_to_end(&mut bytes)?;
            Ok(bytes)
        };
        let bytes = read().map_err(|error| corrupt(format!("a chunk: {error}")).at(&path))?;
        if bytes.len() as u64 != wanted {
            let why = format!("a chunk has not the {wanted} bytes that it should have");
            return Err(corrupt(why).at(&path));
        }
        Ok(Some(bytes))
    }
}

impl Array {
    /// So many numbers of what fills, as they lie in chunks.
    fn filled(&self, count: usize) -> Vec<u8> {
        let one: Vec<u8> = match (self.numbers, self.is_big_endian) {
            (Numbers::U8, _) => vec![self.fill as u8],
            (Numbers::U16, false) => (self.fill as u16).to_le_bytes().to_vec(),
            (Numbers::U16, true) => (self.fill as u16).to_be_bytes().to_vec(),
            (Numbers::F32, false) => (self.fill as f32).to_le_bytes().to_vec(),
            (Numbers::F32, true) => (self.fill as f32).to_be_bytes().to_vec(),
        };
        one.repeat(count)
    }

    /// Copies a chunk to its place among the frames of its row; what lies beyond
    /// the array's end is left out.
    fn place(&self, bytes: &[u8], row: &mut [u8], room: [u64; 4], [y, x, c]: [u64; 3]) {
        let size = self.numbers.bytes();
        let [_, high, wide, deep] = self.chunk;
        let (top, left, first) = (y * high, x * wide, c * deep);
        let rows = high.min(room[1].saturating_sub(top));
        let columns = wide.min(room[2].saturating_sub(left));
        let channels = deep.min(room[3].saturating_sub(first));
        // Whole runs where the channels are.
        let is_whole = channels == deep && channels == room[3];
        let (runs, run) = if is_whole { (1, columns * channels) } else { (columns, channels) };
        for t in 0..room[0] {
            for line in 0..rows {
                for at in 0..runs {
                    let from = (((t * high + line) * wide + at) * deep) * size;
                    let to = (((t * room[1] + top + line) * room[2] + left + at) * room[3] + first)
                        * size;
                    let length = (run * size) as usize;
                    let (from, to) = (from as usize, to as usize);
                    if let (Some(given), Some(place)) =
                        (bytes.get(from..from + length), row.get_mut(to..to + length))
                    {
                        place.copy_from_slice(given);
                    }
                }
            }
        }
    }

    fn values(&self, bytes: &[u8]) -> Values {
        let two = bytes.as_chunks::<2>().0.iter().copied();
        let four = bytes.as_chunks::<4>().0.iter().copied();
        match (self.numbers, self.is_big_endian) {
            (Numbers::U8, _) => Values::U8(bytes.to_vec()),
            (Numbers::U16, false) => Values::U16(two.map(u16::from_le_bytes).collect()),
            (Numbers::U16, true) => Values::U16(two.map(u16::from_be_bytes).collect()),
            (Numbers::F32, false) => Values::F32(four.map(f32::from_le_bytes).collect()),
            (Numbers::F32, true) => Values::F32(four.map(f32::from_be_bytes).collect()),
        }
    }
}

impl Pictures for ZarrArray {
    fn count(&self) -> usize {
        usize::try_from(self.array.shape[0]).unwrap_or(usize::MAX)
    }

    fn picture(&self, i: usize) -> Result<Taken> {
        let array = &self.array;
        let [_, height, width, channels] = array.shape;
        let (row, within) = (i as u64 / array.chunk[0], i as u64 % array.chunk[0]);
        let bytes = self.row(row)?;
        let size = (height * width * channels * array.numbers.bytes()) as usize;
        let start = within as usize * size;
        let frame = bytes
            .get(start..start + size)
            .ok_or_else(|| Error::bug(WHAT, "a frame beyond its row"))?;
        let side = |side: u64| u32::try_from(side).map_err(|error| Error::bug(WHAT, error));
        let mut frame =
            Frame::new(side(width)?, side(height)?, array.layout(), array.values(frame))?;
        frame.color.transfer.clone_from(&array.transfer);
        Ok(Taken { frame, still: None })
    }
}
