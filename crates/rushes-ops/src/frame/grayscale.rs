use rushes_media::{Frame, Layout, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::FrameOperation;
use crate::numeric::{Sample, each_depth, listed};

/// Makes one channel out of three: `[H, W]`, a weighted sum of red, green and
/// blue. Opacity is dropped; grey frames stay as they are.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Grayscale {
    /// Of red, green and blue, each -10 to 10. Luma of Rec. ITU-R BT.709 when
    /// absent; BT.601 has 0.299, 0.587, 0.114.
    pub weights: [f64; 3],
}

impl Default for Grayscale {
    fn default() -> Grayscale {
        Grayscale { weights: [0.2126, 0.7152, 0.0722] }
    }
}

impl FrameOperation for Grayscale {
    fn check(&self) -> Result<()> {
        listed("weights", &self.weights, -10.0..=10.0)
    }

    fn apply(&self, frame: &Frame) -> Result<Frame> {
        self.check()?;
        let weights = self.weights.map(|weight| weight as f32);
        let values = each_depth!(frame.values(), |values| match frame.layout() {
            Layout::Gray => values.clone(),
            Layout::Rgb => summed::<_, 3>(values, weights),
            Layout::Rgba => summed::<_, 4>(values, weights),
        });
        frame.remade(frame.width_px(), frame.height_px(), Layout::Gray, values)
    }
}

fn summed<T: Sample, const N: usize>(values: &[T], weights: [f32; 3]) -> Vec<T> {
    let sum = |pixel: &[T; N]| {
        let shares = pixel.iter().zip(weights).map(|(number, weight)| number.real() * weight);
        T::nearest(shares.sum())
    };
    values.as_chunks::<N>().0.iter().map(sum).collect()
}
