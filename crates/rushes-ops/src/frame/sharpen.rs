use rushes_media::{Frame, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::FrameOperation;
use crate::numeric::{Planes, blurred, full, gaussian_kernel, is_empty, within};

/// Sharpens by an unsharp mask: adds what a Gaussian blur would take away.
///
/// The blur is that of [`GaussianBlur`](super::GaussianBlur); opacity stays.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Sharpen {
    /// How much of it is added: 0 to 20.
    pub amount: f64,
    /// Deviation of the blur, in pixels: 0.1 to 250.
    pub sigma_px: f64,
    /// Differences smaller than this are left alone, as a share of full
    /// brightness: 0 to 1.
    pub threshold: f64,
}

impl Default for Sharpen {
    fn default() -> Sharpen {
        Sharpen { amount: 1.0, sigma_px: 1.0, threshold: 0.0 }
    }
}

impl FrameOperation for Sharpen {
    fn check(&self) -> Result<()> {
        within("amount", self.amount, 0.0..=20.0)?;
        within("sigma_px", self.sigma_px, 0.1..=250.0)?;
        within("threshold", self.threshold, 0.0..=1.0)
    }

    fn apply(&self, frame: &Frame) -> Result<Frame> {
        self.check()?;
        if is_empty(frame) {
            return Ok(frame.clone());
        }
        let kernel = gaussian_kernel(self.sigma_px);
        let planes = Planes::premultiplied(frame);
        let size = (planes.width, planes.height);
        let blurry = planes.each(size, |plane, _| blurred(plane, size.0, &kernel)).straight();
        let (amount, least) = (self.amount as f32, (self.threshold * full(frame)) as f32);
        let sharpened = Planes::colors(frame).each(size, |plane, channel| {
            let pairs = plane.iter().zip(&blurry.planes[channel]);
            let sharp = pairs.map(|(number, blurred)| {
                let detail = number - blurred;
                if detail.abs() < least { *number } else { number + amount * detail }
            });
            sharp.collect()
        });
        sharpened.into_frame(frame)
    }
}
