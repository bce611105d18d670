use rushes_media::{Frame, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::FrameOperation;
use crate::numeric::{Planes, is_empty, reflect_101, within};

/// Blurs by the mean of a square; as fast for large squares as for small.
///
/// At the borders the frame is mirrored, the outermost pixel not repeated.
/// Colours are weighted by opacity, which is blurred too.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct BoxBlur {
    /// How far the square reaches from its centre, in pixels: 1 to 1,000.
    pub radius_px: u32,
}

impl Default for BoxBlur {
    fn default() -> BoxBlur {
        BoxBlur { radius_px: 1 }
    }
}

impl FrameOperation for BoxBlur {
    fn check(&self) -> Result<()> {
        within("radius_px", self.radius_px, 1..=1000)
    }

    fn apply(&self, frame: &Frame) -> Result<Frame> {
        self.check()?;
        if is_empty(frame) {
            return Ok(frame.clone());
        }
        let planes = Planes::premultiplied(frame);
        let size = (planes.width, planes.height);
        let radius = i64::from(self.radius_px);
        planes.each(size, |plane, _| means(plane, size, radius)).into_frame(frame)
    }
}

/// Sums are kept in doubles, where those of integers are exact.
fn means(plane: &[f32], (width, height): (usize, usize), radius: i64) -> Vec<f32> {
    let row_at = |y: i64| {
        let start = reflect_101(y, height) * width;
        &plane[start..start + width]
    };
    let mut columns = vec![0.0_f64; width];
    let change = |columns: &mut [f64], y: i64, sign: f64| {
        let numbers = columns.iter_mut().zip(row_at(y));
        numbers.for_each(|(sum, &number)| *sum += sign * f64::from(number));
    };
    (-radius..=radius).for_each(|y| change(&mut columns, y, 1.0));
    let pixels = ((2 * radius + 1) * (2 * radius + 1)) as f64;
    let mut found = Vec::with_capacity(plane.len());
    for y in 0..height as i64 {
        let column_at = |x: i64| columns[reflect_101(x, width)];
        let mut sum: f64 = (-radius..=radius).map(column_at).sum();
        for x in 0..width as i64 {
            found.push((sum / pixels) as f32);
            sum += column_at(x + radius + 1) - column_at(x - radius);
        }
        change(&mut columns, y - radius, -1.0);
        change(&mut columns, y + radius + 1, 1.0);
    }
    found
}
