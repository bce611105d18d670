use rushes_media::{Frame, Layout, Result, Values};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::FrameOperation;
use crate::numeric::{
    Sample, each_depth, is_empty, lab_from_rgb, reflect_101, rgb_from_lab, within,
};

/// Spreads brightness tile by tile, as OpenCV's `CLAHE`: contrast-limited
/// adaptive histogram equalization (K. Zuiderveld, Graphics Gems IV, 1994).
///
/// Grey is spread as it is, colour by its lightness: L of CIELAB, of sRGB
/// under D65. Histograms have 256 bins for 8 bits, else 65,536; floats are
/// clamped to 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Clahe {
    /// How often a tile may have one brightness, in multiples of its mean
    /// count: 0 to 1,000; 0 is no limit.
    pub clip_limit: f64,
    /// Tiles side by side: 1 to 64.
    pub tile_columns: u32,
    /// Tiles one above the other: 1 to 64.
    pub tile_rows: u32,
}

impl Default for Clahe {
    fn default() -> Clahe {
        Clahe { clip_limit: 2.0, tile_columns: 8, tile_rows: 8 }
    }
}

impl FrameOperation for Clahe {
    fn check(&self) -> Result<()> {
        within("clip_limit", self.clip_limit, 0.0..=1000.0)?;
        within("tile_columns", self.tile_columns, 1..=64)?;
        within("tile_rows", self.tile_rows, 1..=64)
    }

    fn apply(&self, frame: &Frame) -> Result<Frame> {
        self.check()?;
        if is_empty(frame) {
            return Ok(frame.clone());
        }
        let width = frame.width_px() as usize;
        let values = match (frame.values(), frame.layout()) {
            (Values::U8(values), Layout::Gray) => Values::U8(self.spread(values, width)),
            (Values::U16(values), Layout::Gray) => Values::U16(self.spread(values, width)),
            (Values::F32(values), Layout::Gray) => {
                let spread = self.spread(&coded::<u16>(values, 1.0), width);
                Values::F32(spread.into_iter().map(|code| real(code, 1.0)).collect())
            }
            (Values::U8(_), _) => self.colors::<u8>(frame),
            _ => self.colors::<u16>(frame),
        };
        frame.remade(frame.width_px(), frame.height_px(), frame.layout(), values)
    }
}

/// Shares of `full` as integers.
fn coded<T: Sample>(numbers: &[f32], full: f32) -> Vec<T> {
    numbers.iter().map(|number| T::nearest(number * (T::FULL as f32 / full))).collect()
}

fn real<T: Sample>(code: T, full: f32) -> f32 {
    code.real() * (full / T::FULL as f32)
}

impl Clahe {
    /// With `B` for the lightness.
    fn colors<B: Sample + Into<usize>>(&self, frame: &Frame) -> Values {
        let channels = frame.layout().channels();
        each_depth!(frame.values(), |values| self.lightness::<_, B>(
            values,
            channels,
            frame.width_px() as usize
        ))
    }

    fn lightness<T: Sample, B: Sample + Into<usize>>(
        &self,
        values: &[T],
        channels: usize,
        width: usize,
    ) -> Vec<T> {
        let full = T::FULL as f32;
        let labs: Vec<[f32; 3]> = values
            .chunks_exact(channels)
            .map(|pixel| {
                lab_from_rgb([0, 1, 2].map(|at| (pixel[at].real() / full).clamp(0.0, 1.0)))
            })
            .collect();
        let lightness: Vec<f32> = labs.iter().map(|lab| lab[0]).collect();
        let spread = self.spread(&coded::<B>(&lightness, 100.0), width);
        let mut found = values.to_vec();
        for ((pixel, [_, a, b]), code) in found.chunks_exact_mut(channels).zip(labs).zip(spread) {
            let rgb = rgb_from_lab([real(code, 100.0), a, b]);
            let colors = pixel.iter_mut().zip(rgb);
            colors.for_each(|(number, share)| *number = T::nearest(share.clamp(0.0, 1.0) * full));
        }
        found
    }

    fn spread<T: Sample + Into<usize>>(&self, codes: &[T], width: usize) -> Vec<T> {
        let height = codes.len() / width;
        let (columns, rows) = (self.tile_columns as usize, self.tile_rows as usize);
        // OpenCV adds a whole row of tiles' worth when only the columns do not
        // fit, and the other way round.
        let fits = width.is_multiple_of(columns) && height.is_multiple_of(rows);
        let side = |len: usize, tiles: usize| {
            if fits { len / tiles } else { len / tiles + 1 }
        };
        let tile = (side(width, columns), side(height, rows));
        let bins = T::FULL as usize + 1;
        let limit = self.limit(tile.0 * tile.1, bins);
        let mut blended: Vec<f32> = Vec::new();
        let across: Vec<Between> = (0..width).map(|x| Between::of(x, tile.0, columns)).collect();
        let mut curves: Vec<Vec<Vec<T>>> = Vec::new();
        let mut first_row = 0;
        let mut found = Vec::with_capacity(codes.len());
        for (y, line) in codes.chunks_exact(width).enumerate() {
            let down = Between::of(y, tile.1, rows);
            // Only two rows of tiles are needed at a time.
            while first_row < down.before {
                curves.remove(0);
                first_row += 1;
            }
            while first_row + curves.len() <= down.after {
                let row = first_row + curves.len();
                let of_tile = |column| {
                    curve(codes, (width, height), (column * tile.0, row * tile.1), tile, limit)
                };
                curves.push((0..columns).map(of_tile).collect());
            }
            let (upper, lower) = (&curves[0], &curves[down.after - first_row]);
            if bins * columns <= MOST_BLENDED * width {
                // All pixels of a row are as far between the two rows of tiles.
                blended.clear();
                for (upper, lower) in upper.iter().zip(lower) {
                    blended.extend(upper.iter().zip(lower).map(|(upper, lower)| {
                        upper.real() * (1.0 - down.weight) + lower.real() * down.weight
                    }));
                }
                found.extend(line.iter().zip(&across).map(|(&code, across)| {
                    let code: usize = code.into();
                    let before = blended[across.before * bins + code];
                    let after = blended[across.after * bins + code];
                    T::nearest(before * (1.0 - across.weight) + after * across.weight)
                }));
                continue;
            }
            found.extend(line.iter().zip(&across).map(|(&code, across)| {
                let code: usize = code.into();
                let mixed = |row: &[Vec<T>]| {
                    row[across.before][code].real() * (1.0 - across.weight)
                        + row[across.after][code].real() * across.weight
                };
                T::nearest(mixed(upper) * (1.0 - down.weight) + mixed(lower) * down.weight)
            }));
        }
        found
    }

    /// The largest count that a bin keeps, if there is one.
    fn limit(&self, pixels: usize, bins: usize) -> Option<usize> {
        let limit = (self.clip_limit * pixels as f64 / bins as f64) as usize;
        (self.clip_limit > 0.0).then_some(limit.max(1))
    }
}

/// Numbers of blended curves for each pixel of a row, beyond which it is quicker
/// to blend for each pixel.
const MOST_BLENDED: usize = 4;

/// The tiles whose centres are around a pixel, and how near the second is.
struct Between {
    before: usize,
    after: usize,
    weight: f32,
}

impl Between {
    fn of(at: usize, tile: usize, tiles: usize) -> Between {
        let position = at as f32 * (1.0 / tile as f32) - 0.5;
        let before = position.floor();
        let after = (before + 1.0) as usize;
        Between {
            before: before.max(0.0) as usize,
            after: after.min(tiles - 1),
            weight: position - before,
        }
    }
}

/// What each code becomes in a tile, which may reach beyond the frame: there
/// it is mirrored.
fn curve<T: Sample + Into<usize>>(
    codes: &[T],
    (width, height): (usize, usize),
    (left, top): (usize, usize),
    tile: (usize, usize),
    limit: Option<usize>,
) -> Vec<T> {
    let bins = T::FULL as usize + 1;
    let mut counts = vec![0_usize; bins];
    for y in top..top + tile.1 {
        let row = reflect_101(y as i64, height) * width;
        for x in left..left + tile.0 {
            counts[codes[row + reflect_101(x as i64, width)].into()] += 1;
        }
    }
    if let Some(limit) = limit {
        let mut clipped = 0;
        for count in &mut counts {
            clipped += count.saturating_sub(limit);
            *count = (*count).min(limit);
        }
        // What was clipped goes to all; the rest to some at equal distances.
        let (each, rest) = (clipped / bins, clipped % bins);
        counts.iter_mut().for_each(|count| *count += each);
        if let Some(step) = bins.checked_div(rest) {
            counts.iter_mut().step_by(step).take(rest).for_each(|count| *count += 1);
        }
    }
    let scale = T::FULL as f32 / (tile.0 * tile.1) as f32;
    let mut sum = 0;
    let of_count = |count: usize| {
        sum += count;
        T::nearest(sum as f32 * scale)
    };
    counts.into_iter().map(of_count).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Wide pictures have their curves blended row by row, narrow ones pixel by
    /// pixel: the same picture on its side shows whether both are one.
    #[test]
    fn both_ways_to_blend_give_the_same() {
        let (width, height) = (1_200, 40);
        let at = |x: usize, y: usize| ((x * 7 + y * 13) % 200 + x * y % 56) as u8;
        let wide: Vec<u8> = (0..height).flat_map(|y| (0..width).map(move |x| at(x, y))).collect();
        let narrow: Vec<u8> = (0..width).flat_map(|x| (0..height).map(move |y| at(x, y))).collect();
        let clahe = Clahe { clip_limit: 3.0, tile_columns: 4, tile_rows: 4 };
        let (wide, narrow) = (clahe.spread(&wide, width), clahe.spread(&narrow, height));
        let mut differ = 0;
        for (index, one) in wide.iter().enumerate() {
            let other = narrow[index % width * height + index / width];
            // Floats added in another order may round to the next number.
            assert!(one.abs_diff(other) <= 1, "{index}: {one} {other}");
            differ += usize::from(*one != other);
        }
        assert!(differ * 1_000 < wide.len(), "{differ} differ");
    }
}
