use rushes_media::{Frame, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::FrameOperation;
use crate::numeric::{Planes, full, is_empty, listed, pixel_of, refuse, sized};

/// Turns, scales, shears and shifts by a matrix, as OpenCV's `warpAffine`.
///
/// Pixel centres are at whole coordinates, x to the right, y down. Colours
/// are weighted by opacity. A frame without pixels gives one of the border's
/// colour.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Affine {
    /// Where a pixel goes: `[x', y'] = [[a, b, c], [d, e, f]] [x, y, 1]`.
    /// It can be inverted; each number is within a million of 0.
    pub matrix: [[f64; 3]; 2],
    /// How pixels between pixels are computed.
    pub interpolation: Interpolation,
    /// Red, green, blue and opacity of what lies outside, each 0 to 1.
    pub border: [f64; 4],
    /// Width of the new frame, in pixels; absent: as it was.
    pub width_px: Option<u32>,
    /// Height of the new frame, in pixels; absent: as it was.
    pub height_px: Option<u32>,
}

/// How a value between pixels is computed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Interpolation {
    /// The nearest pixel.
    Nearest,
    /// From 2 x 2 pixels.
    #[default]
    Bilinear,
    /// Keys' cubic (a = -0.75) from 4 x 4 pixels.
    Bicubic,
    /// A sinc windowed by a sinc, from 8 x 8 pixels.
    Lanczos4,
}

impl Default for Affine {
    fn default() -> Affine {
        Affine {
            matrix: [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]],
            interpolation: Interpolation::Bilinear,
            border: [0.0, 0.0, 0.0, 1.0],
            width_px: None,
            height_px: None,
        }
    }
}

impl Affine {
    /// Turned counter-clockwise about the centre of a frame of this size,
    /// scaled, then shifted to the right and down, in pixels.
    #[must_use]
    pub fn turned(
        (width_px, height_px): (u32, u32),
        angle_degrees: f64,
        scale: f64,
        (right_px, down_px): (f64, f64),
    ) -> Affine {
        let (x, y) = ((f64::from(width_px) - 1.0) / 2.0, (f64::from(height_px) - 1.0) / 2.0);
        let (sin, cos) = angle_degrees.to_radians().sin_cos();
        let (sin, cos) = (sin * scale, cos * scale);
        let matrix = [
            [cos, sin, x - cos * x - sin * y + right_px],
            [-sin, cos, y + sin * x - cos * y + down_px],
        ];
        Affine { matrix, ..Affine::default() }
    }

    fn inverse(&self) -> Result<[[f64; 3]; 2]> {
        let [[a, b, c], [d, e, f]] = self.matrix;
        let determinant = a * e - b * d;
        if determinant.abs() < 1e-12 {
            let was = format!("{:?}", self.matrix);
            return Err(refuse("matrix", was, "one with a determinant other than 0"));
        }
        let [a, b, d, e] = [e, -b, -d, a].map(|number| number / determinant);
        Ok([[a, b, -a * c - b * f], [d, e, -d * c - e * f]])
    }
}

impl FrameOperation for Affine {
    fn check(&self) -> Result<()> {
        listed("matrix", self.matrix.as_flattened(), -1e6..=1e6)?;
        listed("border", &self.border, 0.0..=1.0)?;
        self.inverse().map(drop)
    }

    /// # Errors
    /// `Limit` when the new frame would be larger than the default limits
    /// allow.
    fn apply(&self, frame: &Frame) -> Result<Frame> {
        self.check()?;
        let inverse = self.inverse()?;
        let (width_px, height_px) = sized(
            frame,
            self.width_px.unwrap_or(frame.width_px()).into(),
            self.height_px.unwrap_or(frame.height_px()).into(),
        )?;
        let (width, height) = (width_px as usize, height_px as usize);
        let mut border: [f32; 4] = pixel_of(self.border, frame.layout());
        for (at, number) in border.iter_mut().enumerate() {
            let opacity = if frame.layout().colors() < frame.layout().channels() && at < 3 {
                self.border[3]
            } else {
                1.0
            };
            *number *= (full(frame) * opacity) as f32;
        }
        let stored_width = frame.width_px() as usize;
        let empty = is_empty(frame);
        Planes::premultiplied(frame)
            .each((width, height), |plane, channel| {
                let border = border.get(channel).copied().unwrap_or_default();
                if empty {
                    return vec![border; width * height];
                }
                let from = Plane { plane, width: stored_width, border };
                let warping = Warping { inverse, size: (width, height) };
                match self.interpolation {
                    Interpolation::Nearest => warping.pixels(|x, y| from.nearest(x, y)),
                    Interpolation::Bilinear => warping.pixels(|x, y| from.at(x, y, linear)),
                    Interpolation::Bicubic => warping.pixels(|x, y| from.at(x, y, cubic)),
                    Interpolation::Lanczos4 => warping.pixels(|x, y| from.at(x, y, lanczos)),
                }
            })
            .into_frame(frame)
    }
}

/// Where the pixels of a new plane come from.
struct Warping {
    inverse: [[f64; 3]; 2],
    size: (usize, usize),
}

impl Warping {
    fn pixels(&self, number: impl Fn(f64, f64) -> f32) -> Vec<f32> {
        // Far beyond any frame, and whole numbers all the same.
        let near = |position: f64| position.clamp(-1e9, 1e9);
        let [[a, b, c], [d, e, f]] = self.inverse;
        let (width, height) = self.size;
        let mut found = Vec::with_capacity(width * height);
        for y in 0..height {
            let y = y as f64;
            found.extend((0..width).map(|x| {
                let x = x as f64;
                number(near(a * x + b * y + c), near(d * x + e * y + f))
            }));
        }
        found
    }
}

fn linear(t: f64) -> [f64; 2] {
    [1.0 - t, t]
}

/// R. Keys, "Cubic convolution interpolation for digital image processing",
/// 1981, with a = -0.75.
fn cubic(t: f64) -> [f64; 4] {
    const A: f64 = -0.75;
    let near = |d: f64| ((A + 2.0) * d - (A + 3.0)) * d * d + 1.0;
    let far = |d: f64| ((A * d - 5.0 * A) * d + 8.0 * A) * d - 4.0 * A;
    [far(1.0 + t), near(t), near(1.0 - t), far(2.0 - t)]
}

fn lanczos(t: f64) -> [f64; 8] {
    let sinc = |d: f64| {
        let angle = std::f64::consts::PI * d;
        if angle.abs() < 1e-9 { 1.0 } else { angle.sin() / angle }
    };
    let weights: [f64; 8] = std::array::from_fn(|at| {
        let distance = t + 3.0 - at as f64;
        sinc(distance) * sinc(distance / 4.0)
    });
    let sum: f64 = weights.iter().sum();
    weights.map(|weight| weight / sum)
}

struct Plane<'a> {
    plane: &'a [f32],
    width: usize,
    border: f32,
}

impl Plane<'_> {
    fn nearest(&self, x: f64, y: f64) -> f32 {
        self.number(x.round_ties_even() as i64, y.round_ties_even() as i64)
    }

    /// From N x N pixels, weighed by how far the position is past the middle
    /// one or the one left of the middle.
    fn at<const N: usize>(&self, x: f64, y: f64, weights: impl Fn(f64) -> [f64; N]) -> f32 {
        let (left, right) = floor(x);
        let (top, down) = floor(y);
        let before = N as i64 / 2 - 1;
        let (left, top) = (left - before, top - before);
        let (across, down) = (weights(right), weights(down));
        let weighed = |numbers: [f32; N]| -> f64 {
            across.iter().zip(numbers).map(|(weight, number)| weight * f64::from(number)).sum()
        };
        let mut sum = 0.0;
        if let Some(start) = self.inside(left, top, N) {
            let rows = self.plane[start..].chunks(self.width);
            for (row, weight) in rows.zip(down) {
                sum += weight * row.first_chunk().map_or(0.0, |numbers| weighed(*numbers));
            }
        } else {
            for (y, weight) in (top..).zip(down) {
                sum += weight * weighed(std::array::from_fn(|at| self.number(left + at as i64, y)));
            }
        }
        sum as f32
    }

    /// Where a square starts, if all of it is inside.
    fn inside(&self, left: i64, top: i64, side: usize) -> Option<usize> {
        let (left, top) = (usize::try_from(left).ok()?, usize::try_from(top).ok()?);
        let fits = left + side <= self.width && (top + side) * self.width <= self.plane.len();
        fits.then_some(top * self.width + left)
    }

    fn number(&self, x: i64, y: i64) -> f32 {
        if (0..self.width as i64).contains(&x) && y >= 0 {
            let at = (y as usize).saturating_mul(self.width).saturating_add(x as usize);
            self.plane.get(at).copied().unwrap_or(self.border)
        } else {
            self.border
        }
    }
}

/// The whole number at or below a number, and the rest. `f64::floor` would be
/// a call on old processors.
fn floor(number: f64) -> (i64, f64) {
    let cut = number as i64;
    let whole = cut - i64::from(number < cut as f64);
    (whole, number - whole as f64)
}
