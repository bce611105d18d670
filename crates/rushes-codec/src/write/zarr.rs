//! Frames as an array in chunks (Zarr v3): a folder with a file for each frame,
//! and `zarr.json`, which says what they are and comes last. It is `[T, H, W, C]`, grey
//! with one channel.

use std::io;

use rushes_media::{Error, Frame, Layout, Rational, Result, Values};
use serde_json::{Map, Value, json};

use super::sink::Part;
use super::{FrameSink, Sink, WHAT};

/// Zstandard's own usual one.
const LEVEL: i32 = 3;

/// Writes each frame as a chunk, compressed without loss (zstd).
pub(super) struct ZarrWriter {
    sink: Box<dyn Sink>,
    first: Shape,
    /// Seconds of one tick.
    tick_secs: Rational,
    /// When frames are shown, in ticks.
    starts: Vec<i64>,
}

/// What all frames have in common.
struct Shape {
    height_px: u32,
    width_px: u32,
    layout: Layout,
    numbers: &'static str,
    transfer: Option<String>,
}

impl ZarrWriter {
    pub(super) fn new(sink: Box<dyn Sink>, first: &Frame, tick_secs: Rational) -> ZarrWriter {
        let numbers = match first.values() {
            Values::U8(_) => "uint8",
            Values::U16(_) => "uint16",
            Values::F32(_) => "float32",
        };
        let first = Shape {
            height_px: first.height_px(),
            width_px: first.width_px(),
            layout: first.layout(),
            numbers,
            transfer: first.color.transfer.clone(),
        };
        ZarrWriter { sink, first, tick_secs, starts: Vec::new() }
    }

    fn put(&mut self, part: Part, bytes: &[u8]) -> Result<()> {
        self.sink
            .begin(part)
            .and_then(|()| self.sink.write_all_at(bytes, 0))
            .map_err(|error| Error::io(WHAT, &error))
    }

    /// What `zarr.json` says; the last frame lasts so many ticks.
    fn header(&self, last_ticks: i64) -> Value {
        let Shape { height_px, width_px, layout, numbers, .. } = &self.first;
        let channels = layout.channels();
        json!({
            "zarr_format": 3,
            "node_type": "array",
            "shape": [self.starts.len(), height_px, width_px, channels],
            "data_type": numbers,
            "chunk_grid": { "name": "regular", "configuration": {
                "chunk_shape": [1, height_px, width_px, channels],
            } },
            "chunk_key_encoding": { "name": "default", "configuration": { "separator": "/" } },
            "fill_value": 0,
            "codecs": [
                { "name": "bytes", "configuration": { "endian": "little" } },
                { "name": "zstd", "configuration": { "level": LEVEL, "checksum": false } },
            ],
            "attributes": self.attributes(last_ticks),
            "dimension_names": ["t", "y", "x", "c"],
        })
    }

    fn attributes(&self, last_ticks: i64) -> Map<String, Value> {
        let mut attributes = Map::new();
        let step = match self.starts.as_slice() {
            [first, second, ..] => second - first,
            _ => last_ticks,
        };
        let mut pairs = self.starts.iter().zip(self.starts.iter().skip(1));
        let is_even = pairs.all(|(one, next)| next - one == step) && last_ticks == step;
        let rate = Rational::whole(step)
            .checked_mul(self.tick_secs)
            .and_then(|step| Rational::whole(1).checked_div(step));
        match rate.filter(|rate| is_even && *rate > Rational::ZERO) {
            Some(rate) => {
                attributes.insert("frame_rate".to_owned(), json!(rate.to_string()));
                attributes.insert("fps".to_owned(), json!(rate.to_f64()));
            }
            None => {
                let end = self.starts.last().map_or(0, |last| last.saturating_add(last_ticks));
                attributes.insert("time_base".to_owned(), json!(self.tick_secs.to_string()));
                attributes.insert("pts".to_owned(), json!(self.starts));
                attributes.insert("end_pts".to_owned(), json!(end));
            }
        }
        if let Some(transfer) = &self.first.transfer {
            attributes.insert("color_transfer".to_owned(), json!(transfer));
        }
        attributes
    }
}

impl FrameSink for ZarrWriter {
    fn write(&mut self, frame: &Frame, time_secs: Rational) -> Result<()> {
        let wide: Vec<u8>;
        let bytes = match frame.values() {
            Values::U8(values) => values,
            Values::U16(values) => {
                wide = values.iter().flat_map(|value| value.to_le_bytes()).collect();
                &wide
            }
            Values::F32(values) => {
                wide = values.iter().flat_map(|value| value.to_le_bytes()).collect();
                &wide
            }
        };
        let packed = zstd::bulk::compress(bytes, LEVEL)
            .map_err(|error: io::Error| Error::io(WHAT, &error))?;
        self.put(Part::Frame(self.starts.len() as u64), &packed)?;
        let ticks = time_secs.checked_div(self.tick_secs).unwrap_or(Rational::ZERO);
        self.starts.push(ticks.num() / ticks.den());
        Ok(())
    }

    fn finish(mut self: Box<Self>, last_duration_secs: Option<Rational>) -> Result<()> {
        let stated = last_duration_secs
            .and_then(|secs| secs.checked_div(self.tick_secs))
            .map(|ticks| ticks.num() / ticks.den())
            .filter(|&ticks| ticks > 0);
        let before = match self.starts.as_slice() {
            [.., one, last] => last - one,
            _ => 1,
        };
        let header = self.header(stated.unwrap_or(before));
        let text = serde_json::to_vec_pretty(&header).map_err(|error| Error::bug(WHAT, error))?;
        self.put(Part::Header, &text)
    }
}
