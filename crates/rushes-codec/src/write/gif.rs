//! Animated GIF (GIF89a): palettes that follow the picture, and of each frame
//! only what has changed.

mod palette;

use std::borrow::Cow;
use std::io::BufWriter;

use gif::{DisposalMethod, Encoder, EncodingError, Frame as Block, Repeat};
use rushes_media::{Error, ErrorKind, Frame, Layout, Rational, Result, Values};

use self::palette::{COLORS, Color, Palette, distance};
use super::sink::Sequential;
use super::{FrameSink, Sink, WHAT};
use crate::still::eight_bits;

/// The place in a palette that says "as before".
const AS_BEFORE: u8 = COLORS as u8;

/// Squared distance (of three channels) by which what is shown may be off from
/// the new picture beyond what the palette would be, and stays: the noise of a
/// camera is not worth its bytes.
const UNSEEN: i32 = 3 * 5 * 5;

/// Browsers show what is shorter much slower.
const SHORTEST: i64 = 2;

/// Writes frames as they come; one is held back until it is known how long it
/// is shown.
pub(super) struct GifWriter {
    encoder: Encoder<BufWriter<Sequential>>,
    size: (usize, usize),
    palette: Palette,
    /// Whether it is the one at the head of the file.
    is_first_palette: bool,
    /// What is seen after the frame that is held back.
    shown: Vec<Color>,
    held: Option<(Block<'static>, i64)>,
    last_delay: i64,
}

impl GifWriter {
    /// A file that begins with this frame.
    /// It is shown so often, or without end when that is 0.
    pub(super) fn create(sink: Box<dyn Sink>, frame: &Frame, plays: u16) -> Result<GifWriter> {
        let pixels = colors(frame)?;
        let side = |px: u32| {
            u16::try_from(px).map_err(|_| {
                let why = format!("{px} pixels are more than the 65,535 a side that GIF can hold");
                Error::new(ErrorKind::Invalid, WHAT, why).remedy("scale it down first")
            })
        };
        let (width, height) = (side(frame.width_px())?, side(frame.height_px())?);
        let palette = Palette::of(&pixels);
        let head: Vec<u8> = palette.bytes();
        let mut encoder = Encoder::new(BufWriter::new(Sequential::new(sink)), width, height, &head)
            .map_err(failed)?;
        // It counts how often it is shown again.
        let repeat = plays.checked_sub(1).map_or(Repeat::Infinite, Repeat::Finite);
        encoder.set_repeat(repeat).map_err(failed)?;
        Ok(GifWriter {
            encoder,
            size: (width.into(), height.into()),
            palette,
            is_first_palette: true,
            shown: Vec::new(),
            held: None,
            last_delay: 10,
        })
    }

    /// Writes the frame that is held back; the next is shown at `next`.
    fn release(&mut self, next: i64) -> Result<()> {
        let Some((mut block, at)) = self.held.take() else { return Ok(()) };
        let delay = next.saturating_sub(at).clamp(SHORTEST, u16::MAX.into());
        self.last_delay = delay;
        block.delay = u16::try_from(delay).unwrap_or(u16::MAX);
        self.encoder.write_frame(&block).map_err(failed)
    }

    /// What has changed, as a block with its place.
    fn block(&mut self, pixels: &[Color]) -> Block<'static> {
        let (width, height) = self.size;
        let is_first = self.shown.is_empty();
        if is_first {
            self.shown = vec![[0; 3]; pixels.len()];
        }
        let mut indexes = vec![AS_BEFORE; pixels.len()];
        let (mut left, mut right, mut top, mut bottom) = (width, 0, height, 0);
        for (y, (rows, row)) in
            indexes.chunks_exact_mut(width).zip(pixels.chunks_exact(width)).enumerate()
        {
            let Some(shown) = self.shown.get_mut(y * width..(y + 1) * width) else { break };
            for (x, ((index, &pixel), shown)) in rows.iter_mut().zip(row).zip(shown).enumerate() {
                let (nearest, color) = self.palette.nearest(pixel);
                if !is_first && distance(pixel, *shown) <= distance(pixel, color) + UNSEEN {
                    continue;
                }
                (*index, *shown) = (nearest, color);
                (left, right) = (left.min(x), right.max(x));
                (top, bottom) = (top.min(y), bottom.max(y));
            }
        }
        if left > right {
            // Nothing has changed: one pixel that says so.
            (left, right, top, bottom) = (0, 0, 0, 0);
        }
        let wide = right - left + 1;
        let rows = indexes.chunks_exact(width).skip(top).take(bottom - top + 1);
        let changed: Vec<u8> =
            rows.flat_map(|row| row.get(left..=right).unwrap_or_default()).copied().collect();
        let number = |value: usize| u16::try_from(value).unwrap_or(u16::MAX);
        Block {
            dispose: DisposalMethod::Keep,
            transparent: (!is_first).then_some(AS_BEFORE),
            left: number(left),
            top: number(top),
            width: number(wide),
            height: number(bottom - top + 1),
            palette: (!self.is_first_palette).then(|| self.palette.bytes()),
            buffer: Cow::Owned(changed),
            ..Block::default()
        }
    }
}

impl FrameSink for GifWriter {
    fn write(&mut self, frame: &Frame, time_secs: Rational) -> Result<()> {
        let pixels = colors(frame)?;
        let now = hundredths(time_secs);
        // Two frames within one hundredth: the second alone is ever seen, so
        // the first goes without being shown, but what it changed is kept.
        self.release(now)?;
        if self.palette.has_become_bad(&pixels) {
            self.palette = Palette::of(&pixels);
            self.is_first_palette = false;
        }
        let block = self.block(&pixels);
        self.held = Some((block, now));
        Ok(())
    }

    /// The last frame is shown as long as the one before it when that is not
    /// known.
    fn finish(mut self: Box<Self>, last_duration_secs: Option<Rational>) -> Result<()> {
        let duration = last_duration_secs.map(hundredths).filter(|&it| it > 0);
        let delay = duration.unwrap_or(self.last_delay);
        if let Some(at) = self.held.as_ref().map(|(_, at)| *at) {
            self.release(at.saturating_add(delay))?;
        }
        let writer = self.encoder.into_inner().map_err(failed)?;
        writer.into_inner().map(drop).map_err(|error| Error::io(WHAT, error.error()))
    }
}

/// The frame's pixels, 8 bits.
fn colors(frame: &Frame) -> Result<Vec<Color>> {
    let bytes = match frame.values() {
        Values::U8(values) => Cow::Borrowed(values.as_slice()),
        _ => Cow::Owned(eight_bits(frame)),
    };
    match frame.layout() {
        Layout::Gray => Ok(bytes.iter().map(|&grey| [grey; 3]).collect()),
        Layout::Rgb => Ok(bytes.as_chunks::<3>().0.to_vec()),
        Layout::Rgba => {
            let why = "GIF has no opacity between none and all, and the frames have";
            Err(Error::new(ErrorKind::Invalid, WHAT, why).remedy("make them RGB"))
        }
    }
}

fn hundredths(secs: Rational) -> i64 {
    let (num, den) = (i128::from(secs.num()) * 200, i128::from(secs.den()));
    i64::try_from((num + den).div_euclid(den * 2)).unwrap_or(i64::MAX)
}

fn failed(error: EncodingError) -> Error {
    match error {
        EncodingError::Io(error) => Error::io(WHAT, &error),
        other => Error::bug(WHAT, other),
    }
}
