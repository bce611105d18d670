//! What the tiles of a mosaic are laid on.

use rushes_media::{Error, Frame, Layout, Result, Values};

use super::arrange::Cell;
use crate::FrameOperation as _;
use crate::frame::Resize;
use crate::numeric::{Sample, pixel_of};

/// Numbers that a mosaic is made of, the deepest of its tiles'.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Depth {
    U8,
    U16,
    F32,
}

impl Depth {
    pub(super) fn of(frame: &Frame) -> Depth {
        match frame.values() {
            Values::U8(_) => Depth::U8,
            Values::U16(_) => Depth::U16,
            Values::F32(_) => Depth::F32,
        }
    }

    /// An RGB frame of one colour: red, green and blue, each 0 to 1.
    ///
    /// # Errors
    /// `Bug` only.
    pub(super) fn blank(self, (width_px, height_px): (u32, u32), color: [f64; 3]) -> Result<Frame> {
        let count = width_px as usize * height_px as usize;
        let values = match self {
            Depth::U8 => Values::U8(filled(count, color)),
            Depth::U16 => Values::U16(filled(count, color)),
            Depth::F32 => Values::F32(filled(count, color)),
        };
        Frame::new(width_px, height_px, Layout::Rgb, values)
    }
}

fn filled<T: Sample>(count: usize, [red, green, blue]: [f64; 3]) -> Vec<T> {
    let [red, green, blue, _] = pixel_of([red, green, blue, 1.0], Layout::Rgb);
    vec![[red, green, blue]; count].into_flattened()
}

/// A frame as large as fits into a cell, its aspect kept, and where it stands
/// in the whole.
///
/// # Errors
/// `Invalid` for a frame without pixels, `Limit` for one that gets too large.
pub(super) fn fitted(frame: &Frame, cell: &Cell) -> Result<(Frame, (u32, u32))> {
    let (width, height) = (f64::from(frame.width_px()), f64::from(frame.height_px()));
    let scale = (f64::from(cell.width_px) / width).min(f64::from(cell.height_px) / height);
    let side = |side: f64, most: u32| ((side * scale).round() as u32).clamp(1, most);
    let width_px = side(width, cell.width_px);
    let height_px = side(height, cell.height_px);
    let resize =
        Resize { width_px: Some(width_px), height_px: Some(height_px), ..Resize::default() };
    let middle = |room: u32, taken: u32| room.saturating_sub(taken) / 2;
    let x = cell.x + middle(cell.width_px, width_px);
    let y = cell.y + middle(cell.height_px, height_px);
    Ok((resize.apply(frame)?, (x, y)))
}

/// Lays a frame of any depth and layout onto an RGB one; what is not opaque
/// lets that shine through, and what stands out of it is cut off.
///
/// # Errors
/// `Bug` only.
pub(super) fn lay(onto: &mut Frame, frame: &Frame, at: (u32, u32)) -> Result<()> {
    use rushes_media::ValuesMut as Onto;
    let size = (onto.width_px(), onto.height_px());
    let layer = Layer { frame, at, size };
    match (onto.values_mut(), frame.values()) {
        (Onto::U8(onto), Values::U8(values)) => layer.lay(onto, values, |number| number),
        (Onto::U16(onto), Values::U16(values)) => layer.lay(onto, values, |number| number),
        (Onto::U16(onto), Values::U8(values)) => {
            layer.lay(onto, values, |number| u16::from(number) * 257);
        }
        (Onto::F32(onto), Values::F32(values)) => layer.lay(onto, values, |number| number),
        (Onto::F32(onto), Values::U8(values)) => {
            layer.lay(onto, values, |number| f32::from(number) / 255.0);
        }
        (Onto::F32(onto), Values::U16(values)) => {
            layer.lay(onto, values, |number| f32::from(number) / 65_535.0);
        }
        // Streams keep their depth; one that does not is taken for what it is now.
        (Onto::U8(onto), Values::U16(values)) => {
            layer.lay(onto, values, |number| u8::nearest(f32::from(number) / 257.0));
        }
        (Onto::U8(onto), Values::F32(values)) => {
            layer.lay(onto, values, |number| u8::nearest(number * 255.0));
        }
        (Onto::U16(onto), Values::F32(values)) => {
            layer.lay(onto, values, |number| u16::nearest(number * 65_535.0));
        }
    }
    if onto.layout() == Layout::Rgb {
        return Ok(());
    }
    Err(Error::bug("laying out a mosaic", "its canvas is not RGB"))
}

struct Layer<'f> {
    frame: &'f Frame,
    at: (u32, u32),
    size: (u32, u32),
}

impl Layer<'_> {
    fn lay<T: Sample, F: Copy>(&self, onto: &mut [T], values: &[F], as_depth: impl Fn(F) -> T) {
        let channels = self.frame.layout().channels();
        let (width, height) = (self.frame.width_px() as usize, self.frame.height_px() as usize);
        let (x, y) = (self.at.0 as usize, self.at.1 as usize);
        let row_len = self.size.0 as usize;
        let seen = width.min(row_len.saturating_sub(x));
        if width == 0 || seen == 0 || row_len == 0 {
            return;
        }
        let rows = onto.chunks_exact_mut(row_len * 3).skip(y);
        for (row, numbers) in rows.zip(values.chunks_exact(width * channels)).take(height) {
            let pixels = row.as_chunks_mut::<3>().0.iter_mut().skip(x).take(seen);
            for (pixel, numbers) in pixels.zip(numbers.chunks_exact(channels)) {
                match numbers {
                    [red, green, blue, alpha] => {
                        let share = as_depth(*alpha).real() / T::FULL as f32;
                        for (under, over) in pixel.iter_mut().zip([red, green, blue]) {
                            let over = as_depth(*over).real();
                            let under_real = under.real();
                            *under = T::nearest(under_real + (over - under_real) * share);
                        }
                    }
                    [red, green, blue] => *pixel = [*red, *green, *blue].map(&as_depth),
                    [gray, ..] => *pixel = [as_depth(*gray); 3],
                    [] => {}
                }
            }
        }
    }
}
