//! Animated WebP, which libav does not read.

use std::io::{BufReader, Read, Seek, SeekFrom};
use std::time::Instant;

use image::codecs::webp::WebPDecoder;
use image::{AnimationDecoder, ImageDecoder};
use rushes_media::{
    Agreement, Basis, Camera, Container, Count, Error, ErrorKind, MediaKind, Picture, Probe,
    Rational, Result, Stream, StreamKind,
};

use super::scale;
use crate::{Format, Source};

/// Chunks walked at most.
const CHUNKS: u32 = 1 << 20;

/// What the chunks of an animated WebP say (WebP container specification,
/// "Animation").
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct AnimatedWebP {
    width_px: u32,
    height_px: u32,
    frames: u64,
    duration_ms: u64,
    shortest_ms: u64,
    longest_ms: u64,
    /// Where the header says the file ends.
    stated_bytes: u64,
}

impl AnimatedWebP {
    /// Reads the chunks; `None` unless it is a WebP with two frames or more.
    pub(super) fn find(source: &Source, head: &[u8]) -> Option<AnimatedWebP> {
        let canvas = head.get(..30)?;
        let is_animated = canvas.starts_with(b"RIFF")
            && canvas.get(8..16)? == b"WEBPVP8X"
            && canvas.get(20)? & 0x02 != 0;
        if !is_animated {
            return None;
        }
        let mut found = AnimatedWebP {
            width_px: number(canvas.get(24..27)?) as u32 + 1,
            height_px: number(canvas.get(27..30)?) as u32 + 1,
            shortest_ms: u64::MAX,
            stated_bytes: number(canvas.get(4..8)?) + 8,
            ..AnimatedWebP::default()
        };
        found.walk(source);
        (found.frames > 1).then_some(found)
    }

    /// Walks the chunks behind the header, to the end or to what is broken.
    fn walk(&mut self, source: &Source) -> Option<()> {
        let mut reader = source.reader();
        reader.seek(SeekFrom::Start(12)).ok()?;
        for _ in 0..CHUNKS {
            let mut header = [0; 8];
            reader.read_exact(&mut header).ok()?;
            let length = number(header.get(4..)?);
            let padded = length + (length & 1);
            let at = reader.stream_position().ok()?;
            if header.starts_with(b"ANMF") && at + length <= source.size_bytes() {
                let mut frame = [0; 16];
                reader.read_exact(&mut frame).ok()?;
                let lasts = number(frame.get(12..15)?);
                self.frames += 1;
                self.duration_ms += lasts;
                self.shortest_ms = self.shortest_ms.min(lasts);
                self.longest_ms = self.longest_ms.max(lasts);
            }
            reader.seek(SeekFrom::Start(at + padded)).ok()?;
        }
        None
    }

    pub(super) fn probe(&self, source: &Source) -> Result<Probe> {
        source.limits().check_picture(self.width_px.into(), self.height_px.into(), 4)?;
        let duration = i64::try_from(self.duration_ms).ok().and_then(|ms| Rational::new(ms, 1000));
        let duration = duration.filter(|&duration| duration > Rational::ZERO);
        let mut stream = Stream::new(0, StreamKind::Video, "webp");
        stream.bit_depth = Some(8);
        stream.width_px = Some(self.width_px);
        stream.height_px = Some(self.height_px);
        stream.sample_aspect = Some(Rational::whole(1));
        stream.display_aspect = Rational::new(self.width_px.into(), self.height_px.into());
        stream.frame_rate_hz = i64::try_from(self.frames)
            .ok()
            .and_then(|frames| Rational::whole(frames).checked_div(duration?));
        stream.variable_rate = Some(self.shortest_ms != self.longest_ms);
        stream.frame_count = Some(Count { frames: self.frames, basis: Basis::Counted });
        stream.duration_secs = duration;
        let mut agreement = Agreement::full();
        let extension = source.extension();
        let format = Format::named("webp");
        if let Some(format) = format
            && Format::by_extension(extension).is_some()
            && !format.goes_by(extension)
        {
            agreement.differ(format!("named .{extension} but holds {}", format.words));
        }
        let is = source.size_bytes();
        if self.stated_bytes > is + 1 {
            let stated = self.stated_bytes;
            agreement.differ(format!(
                "the header states {stated} bytes, the file has {is}: it is cut short"
            ));
        }
        Ok(Probe {
            kind: MediaKind::Video,
            container: Container {
                format: "webp".to_owned(),
                name: "animated WebP".to_owned(),
                mime: "image/webp".to_owned(),
                bit_rate_bps: duration.map(|duration| (is as f64 * 8.0 / duration.to_f64()) as u64),
            },
            duration_secs: duration,
            streams: vec![stream],
            has_audio: false,
            timecode: None,
            created: None,
            gps: None,
            camera: Camera::default(),
            title: None,
            description: None,
            keywords: Vec::new(),
            rating: None,
            content_identifier: None,
            agreement,
            tags: std::collections::BTreeMap::new(),
        })
    }

    /// As [`super::frames::preview_frames`].
    pub(super) fn frames(
        &self,
        source: &Source,
        max_px: u32,
        count: usize,
        each: &mut dyn FnMut(Rational, Picture) -> bool,
    ) -> Result<usize> {
        let broken = |error: image::ImageError| {
            Error::new(ErrorKind::Corrupt, "decoding the animation", error.to_string())
        };
        let limits = source.limits();
        limits.check_picture(self.width_px.into(), self.height_px.into(), 4)?;
        let decoder = WebPDecoder::new(BufReader::new(source.reader())).map_err(broken)?;
        let (width, height) = decoder.dimensions();
        limits.check_picture(width.into(), height.into(), 4)?;
        let all = usize::try_from(self.frames).unwrap_or(usize::MAX);
        let wanted = count.min(all);
        let (mut given, mut ms) = (0, 0_u64);
        for (at, frame) in decoder.into_frames().take(all).enumerate() {
            // One frame that is broken ends it: the next builds on it.
            let frame = match frame {
                Ok(frame) => frame,
                Err(error) if given == 0 => return Err(broken(error)),
                Err(_) => break,
            };
            if Instant::now() >= source.deadline() {
                return Err(super::error("decoding the animation", ffmpeg::ffi::AVERROR_EXIT));
            }
            let (lasts, per) = frame.delay().numer_denom_ms();
            // The frame in the middle of each of `wanted` equal parts.
            if at == (2 * given + 1) * all / (2 * wanted) {
                let rgba = frame.into_buffer();
                let (width, height) = rgba.dimensions();
                let picture = scale::picture_of_rgba(rgba.as_raw(), width, height, max_px, limits)?;
                let time = i64::try_from(ms).ok().and_then(|ms| Rational::new(ms, 1000));
                given += 1;
                if !each(time.unwrap_or(Rational::ZERO), picture) || given == wanted {
                    break;
                }
            }
            ms += u64::from(lasts / per.max(1));
        }
        Ok(given)
    }
}

/// A number of up to four bytes, the lowest first.
fn number(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |number, &byte| number << 8 | u64::from(byte))
}
