use rushes_media::{Frame, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::FrameOperation;
use crate::numeric::{Planes, full, is_empty, reflect_101, within};

/// Takes out noise by the mean of pixels whose surroundings look alike:
/// non-local means (A. Buades, B. Coll, J.-M. Morel, "A non-local algorithm
/// for image denoising", 2005).
///
/// A pixel weighs exp(-d / strength^2), d being the mean squared difference of
/// both patches over their pixels and colours. At the borders the frame is
/// mirrored, the outermost pixel not repeated. Opacity stays, and has no say.
/// The time grows with the square of the search radius, not of the patch.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Denoise {
    /// Differences of about this much are taken for noise, as a share of full
    /// brightness: 0.001 to 1.
    pub strength: f64,
    /// How far a patch reaches from its centre, in pixels: 0 to 10.
    pub patch_radius_px: u32,
    /// How far away like pixels are looked for, in pixels: 1 to 30.
    pub search_radius_px: u32,
}

impl Default for Denoise {
    fn default() -> Denoise {
        Denoise { strength: 0.04, patch_radius_px: 3, search_radius_px: 10 }
    }
}

impl FrameOperation for Denoise {
    fn check(&self) -> Result<()> {
        within("strength", self.strength, 0.001..=1.0)?;
        within("patch_radius_px", self.patch_radius_px, 0..=10)?;
        within("search_radius_px", self.search_radius_px, 1..=30)
    }

    fn apply(&self, frame: &Frame) -> Result<Frame> {
        self.check()?;
        if is_empty(frame) {
            return Ok(frame.clone());
        }
        let planes = Planes::colors(frame);
        let size = (planes.width, planes.height);
        let (patch, search) = (self.patch_radius_px as usize, self.search_radius_px as usize);
        let bordered: Vec<Bordered> =
            planes.planes.iter().map(|plane| Bordered::of(plane, size, patch + search)).collect();
        let side = 2 * patch + 1;
        let strength = self.strength * full(frame);
        let scale = 1.0 / (strength * strength * (side * side * bordered.len()) as f64);

        let mut sums = vec![vec![0.0_f32; size.0 * size.1]; bordered.len()];
        let mut total = vec![0.0_f32; size.0 * size.1];
        let mut weights = Weights::new(size, patch);
        for down in 0..=2 * search {
            for right in 0..=2 * search {
                weights.find(&bordered, (right, down), search, scale);
                total.iter_mut().zip(&weights.found).for_each(|(sum, weight)| *sum += weight);
                for (sums, plane) in sums.iter_mut().zip(&bordered) {
                    let rows =
                        sums.chunks_exact_mut(size.0).zip(weights.found.chunks_exact(size.0));
                    for (y, (sums, weights)) in rows.enumerate() {
                        let others = plane.row((right + patch, y + down + patch), size.0);
                        let weighted = sums.iter_mut().zip(weights).zip(others);
                        weighted.for_each(|((sum, weight), other)| *sum += weight * other);
                    }
                }
            }
        }
        // A pixel is like itself, so that no total is zero.
        let mean = |_: &[f32], channel: usize| {
            sums[channel].iter().zip(&total).map(|(sum, total)| sum / total).collect()
        };
        planes.each(size, mean).into_frame(frame)
    }
}

/// A plane with mirrored numbers on all sides.
struct Bordered {
    numbers: Vec<f32>,
    width: usize,
}

impl Bordered {
    fn of(plane: &[f32], (width, height): (usize, usize), border: usize) -> Bordered {
        let border = border as i64;
        let mut numbers = Vec::new();
        for y in -border..height as i64 + border {
            let start = reflect_101(y, height) * width;
            let columns = -border..width as i64 + border;
            numbers.extend(columns.map(|x| plane[start + reflect_101(x, width)]));
        }
        Bordered { numbers, width: width + 2 * border as usize }
    }

    /// Numbers from a place on, counted from the outermost one.
    fn row(&self, (x, y): (usize, usize), len: usize) -> &[f32] {
        let start = y * self.width + x;
        &self.numbers[start..start + len]
    }
}

/// How much each pixel's neighbour at one distance weighs (J. Darbon and
/// others, "Fast nonlocal filtering applied to electron cryomicroscopy", 2008:
/// sums slide along, whatever the patch).
struct Weights {
    found: Vec<f32>,
    size: (usize, usize),
    patch: usize,
    /// Squared differences, with a border of a patch's radius.
    squares: Vec<f32>,
}

impl Weights {
    fn new((width, height): (usize, usize), patch: usize) -> Weights {
        Weights {
            found: vec![0.0; width * height],
            size: (width, height),
            patch,
            squares: vec![0.0; (width + 2 * patch) * (height + 2 * patch)],
        }
    }

    /// For the neighbour `offset - search` away.
    fn find(&mut self, planes: &[Bordered], offset: (usize, usize), search: usize, scale: f64) {
        let wide = self.size.0 + 2 * self.patch;
        for (y, squares) in self.squares.chunks_exact_mut(wide).enumerate() {
            squares.fill(0.0);
            for plane in planes {
                let pixels = plane.row((search, y + search), wide).iter();
                let others = plane.row((offset.0, y + offset.1), wide);
                for ((sum, pixel), other) in squares.iter_mut().zip(pixels).zip(others) {
                    let difference = pixel - other;
                    *sum += difference * difference;
                }
            }
        }
        // Sums in doubles: what was added goes away again without a trace.
        let side = 2 * self.patch + 1;
        let mut columns = vec![0.0_f64; wide];
        let add = |columns: &mut [f64], squares: &[f32], sign: f64| {
            let numbers = columns.iter_mut().zip(squares);
            numbers.for_each(|(sum, &square)| *sum += sign * f64::from(square));
        };
        let rows: Vec<&[f32]> = self.squares.chunks_exact(wide).collect();
        rows.iter().take(side - 1).for_each(|row| add(&mut columns, row, 1.0));
        for (y, found) in self.found.chunks_exact_mut(self.size.0).enumerate() {
            add(&mut columns, rows[y + side - 1], 1.0);
            let mut sum: f64 = columns.iter().take(side).sum();
            let changes = columns.iter().skip(side).zip(&columns).map(|(new, old)| new - old);
            for (distance, change) in found.iter_mut().zip(changes.chain([0.0])) {
                *distance = (sum * scale) as f32;
                sum += change;
            }
            found.iter_mut().for_each(|number| *number = inverse_exp(*number));
            add(&mut columns, rows[y], -1.0);
        }
    }
}

/// e to the power of -x, to 5 digits, x being taken as 0 to 87. Unlike
/// `f32::exp` it is no call, so that many are computed at once.
fn inverse_exp(x: f32) -> f32 {
    // Added, it leaves a whole number in the last bits.
    const ROUNDER: f32 = 12_582_912.0;
    let power = (x.max(0.0) * -std::f32::consts::LOG2_E).max(-126.0);
    let rounded = power + ROUNDER;
    let whole = f32::from_bits((rounded.to_bits() << 23).wrapping_add(1.0_f32.to_bits()));
    // The series of e^x for the rest, which is within half a power of 2.
    let rest = (power - (rounded - ROUNDER)) * std::f32::consts::LN_2;
    let series = [1.0 / 720.0, 1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5, 1.0, 1.0];
    whole * series.iter().fold(0.0, |sum, factor| sum * rest + factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_weights_are_those_of_the_exponential() {
        for step in 0..8_600 {
            let x = step as f32 / 100.0;
            let exact = (-f64::from(x)).exp();
            assert!((f64::from(inverse_exp(x)) / exact - 1.0).abs() < 1e-5, "{x}");
        }
        assert_eq!(inverse_exp(0.0), 1.0);
        assert!(inverse_exp(1e30) < 1e-37);
        assert!(inverse_exp(-1e-9) == 1.0);
    }
}
