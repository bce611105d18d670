use rushes_media::{Frame, Layout, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use self::cube::Shape;
use crate::FrameOperation;
use crate::numeric::{full, luma, map_channels, map_colors, map_pixels};

mod cube;

pub use cube::Cube;

/// Looks every colour up in a table, such as a grade from another program.
///
/// Between entries colours are mixed; beyond the domain of the table the
/// outermost one holds. Grey is looked up as red, green and blue alike, of
/// which the luma (BT.709) is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Lut {
    /// The text of a .cube file.
    #[schemars(with = "String")]
    pub cube: Cube,
    /// How colours between the entries of a solid are mixed; curves are
    /// straight between their points.
    #[serde(default)]
    pub mixing: Mixing,
}

/// How a colour between the entries of a solid is mixed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mixing {
    /// Of the 4 corners of the tetrahedron around it: keeps grey grey (Sakamoto
    /// 1981, as graders do).
    #[default]
    Tetrahedral,
    /// Of the 8 corners of the cell around it.
    Trilinear,
}

impl FrameOperation for Lut {
    fn check(&self) -> Result<()> {
        Ok(())
    }

    fn apply(&self, frame: &Frame) -> Result<Frame> {
        let full = full(frame);
        match (frame.layout(), self.cube.shape) {
            (Layout::Gray, _) => map_colors(frame, |number| {
                luma(self.color([(number / full) as f32; 3]).map(f64::from)) * full
            }),
            (_, Shape::Curves(len)) => map_channels(frame, |channel, number| {
                f64::from(self.curved(channel, (number / full) as f32, len)) * full
            }),
            (_, Shape::Solid(_)) => map_pixels(frame, |rgb| self.color(rgb)),
        }
    }
}

impl Lut {
    fn color(&self, rgb: [f32; 3]) -> [f32; 3] {
        match self.cube.shape {
            Shape::Curves(len) => std::array::from_fn(|at| self.curved(at, rgb[at], len)),
            Shape::Solid(side) => self.mixed(rgb, side),
        }
    }

    /// The entry at or before a number, and how far the next one is.
    fn place(&self, channel: usize, number: f32, len: usize) -> (usize, f32) {
        let [low, high] = self.cube.domain[channel];
        let last = (len - 1) as f32;
        // `max` before `min`: NaN becomes the first.
        let position = ((number - low) / (high - low) * last).max(0.0).min(last);
        let first = (position as usize).min(len - 2);
        (first, position - first as f32)
    }

    fn curved(&self, channel: usize, number: f32, len: usize) -> f32 {
        let (first, weight) = self.place(channel, number, len);
        let [one, other] = [first, first + 1].map(|at| self.cube.colors[at][channel]);
        one + (other - one) * weight
    }

    fn mixed(&self, rgb: [f32; 3], side: usize) -> [f32; 3] {
        let [(r, x), (g, y), (b, z)] =
            std::array::from_fn(|channel| self.place(channel, rgb[channel], side));
        let first = (b * side + g) * side + r;
        let steps = [1, side, side * side];
        let color = |offset: usize| self.cube.colors[first + offset];
        let mut sum = [0.0; 3];
        let mut add = |weight: f32, color: [f32; 3]| {
            sum.iter_mut().zip(color).for_each(|(sum, number)| *sum += weight * number);
        };
        match self.mixing {
            Mixing::Tetrahedral => {
                // From corner to corner along the axes, the longest way first.
                let mut ways = [(x, steps[0]), (y, steps[1]), (z, steps[2])];
                ways.sort_by(|(one, _), (other, _)| other.total_cmp(one));
                let [(far, _), (middle, _), (near, _)] = ways;
                let weights = [1.0 - far, far - middle, middle - near, near];
                let mut offset = 0;
                for (weight, (_, step)) in
                    weights.into_iter().zip(ways.into_iter().chain([(0.0, 0)]))
                {
                    add(weight, color(offset));
                    offset += step;
                }
            }
            Mixing::Trilinear => {
                for corner in 0..8 {
                    let share = |axis: usize, along: f32| {
                        if corner >> axis & 1 == 1 { along } else { 1.0 - along }
                    };
                    let offset = (0..3).map(|axis| (corner >> axis & 1) * steps[axis]).sum();
                    add(share(0, x) * share(1, y) * share(2, z), color(offset));
                }
            }
        }
        sum
    }
}
