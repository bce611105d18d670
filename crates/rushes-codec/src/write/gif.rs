//! Animated GIF (GIF89a): palettes that follow the picture, and of each frame
//! only what has changed.

use std::borrow::Cow;
use std::io::BufWriter;

use gif::{DisposalMethod, Encoder, EncodingError, Frame as Block, Repeat};
use rushes_media::{Error, ErrorKind, Frame, Layout, Rational, Result, Values};

use super::sink::Sequential;
use super::{FrameSink, Sink, WHAT};
use crate::still::eight_bits;

type Color = [u8; 3];

/// Colours of one palette; one more place says "as before".
const COLORS: usize = 255;
const AS_BEFORE: u8 = 255;

/// Bits of each channel by which the nearest colour is looked up.
const LOOKUP_BITS: u32 = 6;

/// Squared distance (of three channels) by which what is shown may be off from
/// the new picture beyond what the palette would be, and stays: the noise of a
/// camera is not worth its bytes.
const UNSEEN: i32 = 3 * 5 * 5;

/// How often a palette is brought nearer to its picture.
const ROUNDS: usize = 3;

/// A palette is replaced when its mean squared error has grown by this factor
/// and this much since it was made.
const WORSE_BY: f64 = 1.5;
const WORSE_AT_LEAST: f64 = 6.0;

/// Every how many pixels a palette is judged by.
const JUDGED: usize = 13;

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

fn distance(one: Color, other: Color) -> i32 {
    let square = |at: usize| {
        let off = i32::from(one[at]) - i32::from(other[at]);
        off * off
    };
    square(0) + square(1) + square(2)
}

/// Colours of a picture, and the nearest of them to any.
struct Palette {
    colors: Vec<Color>,
    /// By the leading bits of each channel; looked up once.
    known: Vec<Option<u8>>,
    /// Mean squared error of the picture that it was made of.
    error: f64,
}

impl Palette {
    /// A good one for these pixels: by median cut (Heckbert, 1982), then brought
    /// nearer.
    fn of(pixels: &[Color]) -> Palette {
        let mut palette = Palette { colors: median_cut(pixels), known: Vec::new(), error: 0.0 };
        for _ in 0..ROUNDS {
            palette.forget();
            palette.move_to_means(pixels);
        }
        palette.forget();
        palette.error = palette.error_of(pixels);
        palette
    }

    /// Nothing has been looked up yet.
    fn forget(&mut self) {
        self.known.clear();
        self.known.resize(1 << (3 * LOOKUP_BITS), None);
    }

    /// Moves each colour to the mean of the pixels that it is nearest to, which
    /// brings all of them nearer (Lloyd, 1982).
    fn move_to_means(&mut self, pixels: &[Color]) {
        let mut sums = vec![[0_u64; 4]; self.colors.len()];
        for &pixel in pixels {
            let (index, _) = self.nearest(pixel);
            if let Some([red, green, blue, count]) = sums.get_mut(usize::from(index)) {
                *red += u64::from(pixel[0]);
                *green += u64::from(pixel[1]);
                *blue += u64::from(pixel[2]);
                *count += 1;
            }
        }
        for (color, &[red, green, blue, count]) in self.colors.iter_mut().zip(&sums) {
            if count > 0 {
                *color = [red, green, blue].map(|sum| ((sum + count / 2) / count) as u8);
            }
        }
    }

    fn nearest(&mut self, color: Color) -> (u8, Color) {
        let part = |value: u8| usize::from(value >> (8 - LOOKUP_BITS));
        let [red, green, blue] = color.map(part);
        let at = (red << (2 * LOOKUP_BITS)) | (green << LOOKUP_BITS) | blue;
        let known = self.known.get(at).copied().flatten();
        let index = known.unwrap_or_else(|| {
            // The middle of all colours that are looked up together.
            let half = 1 << (7 - LOOKUP_BITS);
            let middle =
                color.map(|value| (value >> (8 - LOOKUP_BITS) << (8 - LOOKUP_BITS)) + half);
            let all = self.colors.iter().enumerate();
            let found = all.min_by_key(|(_, known)| distance(**known, middle));
            let index = found.map_or(0, |(index, _)| index as u8);
            if let Some(place) = self.known.get_mut(at) {
                *place = Some(index);
            }
            index
        });
        (index, self.colors.get(usize::from(index)).copied().unwrap_or_default())
    }

    /// Mean squared error of some of the pixels.
    fn error_of(&mut self, pixels: &[Color]) -> f64 {
        let (mut sum, mut count) = (0.0, 0.0);
        for &pixel in pixels.iter().step_by(JUDGED) {
            sum += f64::from(distance(pixel, self.nearest(pixel).1));
            count += 1.0;
        }
        sum / f64::max(count, 1.0)
    }

    fn has_become_bad(&mut self, pixels: &[Color]) -> bool {
        let error = self.error_of(pixels);
        error > self.error * WORSE_BY && error > self.error + WORSE_AT_LEAST
    }

    /// Its colours one after the other, with one more for "as before".
    fn bytes(&self) -> Vec<u8> {
        let mut bytes: Vec<u8> = self.colors.as_flattened().to_vec();
        bytes.resize(256 * 3, 0);
        bytes
    }
}

/// Splits the pixels at the middle of the widest part, again and again; the mean
/// of each part is a colour.
fn median_cut(pixels: &[Color]) -> Vec<Color> {
    let mut all = pixels.to_vec();
    let mut parts: Vec<(&mut [Color], usize, u64)> = Vec::with_capacity(COLORS);
    let mut rest = vec![all.as_mut_slice()];
    while let Some(part) = rest.pop() {
        let (channel, spread) = widest(part);
        parts.push((part, channel, spread));
        if !rest.is_empty() {
            continue;
        }
        let room = parts.len() < COLORS;
        let most = parts.iter().enumerate().max_by_key(|(_, (_, _, spread))| *spread);
        let Some((at, _)) = most.filter(|(_, (_, _, spread))| room && *spread > 0) else { break };
        let (part, channel, _) = parts.swap_remove(at);
        let middle = part.len() / 2;
        part.select_nth_unstable_by_key(middle, |color| color[channel]);
        let (low, high) = part.split_at_mut(middle);
        rest.extend([low, high].into_iter().filter(|part| !part.is_empty()));
    }
    parts.iter().map(|(part, _, _)| mean(part)).collect()
}

/// The channel in which these colours differ most, and how much that is in all.
fn widest(part: &[Color]) -> (usize, u64) {
    let count = part.len() as u64;
    let spread = |channel: usize| {
        let values = || part.iter().map(|color| u64::from(color[channel]));
        let sum: u64 = values().sum();
        let squares: u64 = values().map(|value| value * value).sum();
        squares.saturating_sub(sum * sum / count.max(1))
    };
    (0..3)
        .map(|channel| (channel, spread(channel)))
        .max_by_key(|&(_, spread)| spread)
        .unwrap_or((0, 0))
}

fn mean(part: &[Color]) -> Color {
    let count = part.len().max(1) as u64;
    let sum = |channel: usize| part.iter().map(|color| u64::from(color[channel])).sum::<u64>();
    [0, 1, 2].map(|channel| ((sum(channel) + count / 2) / count) as u8)
}

fn failed(error: EncodingError) -> Error {
    match error {
        EncodingError::Io(error) => Error::io(WHAT, &error),
        other => Error::bug(WHAT, other),
    }
}
