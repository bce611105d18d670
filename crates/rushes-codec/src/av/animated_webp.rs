//! Animated WebP, which libav does not read.

use std::io::{Read, Seek, SeekFrom};

use rushes_media::{
    Agreement, Basis, Container, Count, MediaKind, Picture, Probe, Rational, Result, Stream,
    StreamKind,
};

use super::scale;
use crate::sequence::Player;
use crate::{Format, Source};

/// Chunks walked at most.
const CHUNKS: u32 = 1 << 20;

/// One frame, which covers a part of the canvas.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct WebPFrame {
    /// Where its coded picture lies.
    pub(crate) at: u64,
    pub(crate) length: u64,
    pub(crate) left: u32,
    pub(crate) top: u32,
    pub(crate) width_px: u32,
    pub(crate) height_px: u32,
    pub(crate) lasts_ms: u32,
    /// Whether it is laid over what is there, rather than put in its place.
    pub(crate) blends: bool,
    /// Whether its part is cleared before the next one.
    pub(crate) is_cleared: bool,
}

/// What the chunks of an animated WebP say (WebP container specification,
/// "Animation").
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct AnimatedWebP {
    pub(crate) width_px: u32,
    pub(crate) height_px: u32,
    pub(crate) frames: Vec<WebPFrame>,
    /// Where the header says the file ends.
    stated_bytes: u64,
}

impl AnimatedWebP {
    /// Reads the chunks; `None` unless it is a WebP with two frames or more.
    pub(crate) fn find(source: &Source, head: &[u8]) -> Option<AnimatedWebP> {
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
            stated_bytes: number(canvas.get(4..8)?) + 8,
            ..AnimatedWebP::default()
        };
        found.walk(source);
        (found.frames.len() > 1).then_some(found)
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
                // Of three bytes each.
                let field = |at: usize| Some(number(frame.get(at..at + 3)?) as u32);
                self.frames.push(WebPFrame {
                    at: at + 16,
                    length: length.saturating_sub(16),
                    left: field(0)? * 2,
                    top: field(3)? * 2,
                    width_px: field(6)? + 1,
                    height_px: field(9)? + 1,
                    lasts_ms: field(12)?,
                    blends: frame[15] & 0x02 == 0,
                    is_cleared: frame[15] & 0x01 != 0,
                });
            }
            reader.seek(SeekFrom::Start(at + padded)).ok()?;
        }
        None
    }

    pub(super) fn probe(&self, source: &Source) -> Result<Probe> {
        source.limits().check_picture(self.width_px.into(), self.height_px.into(), 4)?;
        let frames = self.frames.len();
        let lasts_ms = self.frames.iter().map(|frame| i64::from(frame.lasts_ms)).sum();
        let duration = Rational::new(lasts_ms, 1000);
        let duration = duration.filter(|&duration| duration > Rational::ZERO);
        let mut stream = Stream::new(0, StreamKind::Video, "webp");
        stream.bit_depth = Some(8);
        stream.width_px = Some(self.width_px);
        stream.height_px = Some(self.height_px);
        stream.sample_aspect = Some(Rational::whole(1));
        stream.display_aspect = Rational::new(self.width_px.into(), self.height_px.into());
        stream.frame_rate_hz = i64::try_from(frames)
            .ok()
            .and_then(|frames| Rational::whole(frames).checked_div(duration?));
        let is_even = self.frames.windows(2).all(|pair| match pair {
            [one, other] => one.lasts_ms == other.lasts_ms,
            _ => true,
        });
        stream.variable_rate = Some(!is_even);
        stream.frame_count = Some(Count { frames: frames as u64, basis: Basis::Counted });
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
        let bits = is as f64 * 8.0;
        let container = Container {
            format: "webp".to_owned(),
            name: "animated WebP".to_owned(),
            mime: "image/webp".to_owned(),
            bit_rate_bps: duration.map(|duration| (bits / duration.to_f64()) as u64),
        };
        Ok(Probe {
            duration_secs: duration,
            streams: vec![stream],
            agreement,
            ..Probe::of_kind(MediaKind::Video, container)
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
        let limits = source.limits();
        let all = self.frames.len();
        let wanted = count.min(all);
        let mut player = Player::new(self, limits)?;
        let (mut given, mut ms) = (0, 0);
        for (i, frame) in self.frames.iter().enumerate() {
            source.goes_on("decoding the animation")?;
            // One frame that is broken ends it: the next builds on it.
            match player.step(source) {
                Err(error) if given == 0 => return Err(error),
                Err(_) => break,
                Ok(()) => {}
            }
            // The frame in the middle of each of `wanted` equal parts.
            if i == (2 * given + 1) * all / (2 * wanted) {
                let (width, height) = (self.width_px, self.height_px);
                let picture =
                    scale::picture_of_rgba(player.canvas(), width, height, max_px, limits)?;
                given += 1;
                let time = Rational::new(ms, 1000).unwrap_or(Rational::ZERO);
                if !each(time, picture) || given == wanted {
                    break;
                }
            }
            ms += i64::from(frame.lasts_ms);
        }
        Ok(given)
    }
}

/// A number of up to four bytes, the lowest first.
fn number(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |number, &byte| number << 8 | u64::from(byte))
}
