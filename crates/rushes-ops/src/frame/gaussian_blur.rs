use rushes_media::{Frame, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::FrameOperation;
use crate::numeric::{Planes, blurred, gaussian_kernel, is_empty, within};

/// Blurs by a Gaussian, cut off at 4 times its deviation.
///
/// At the borders the frame is mirrored, the outermost pixel not repeated.
/// Colours are weighted by opacity, which is blurred too.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct GaussianBlur {
    /// Its deviation, in pixels: 0.1 to 250.
    pub sigma_px: f64,
}

impl Default for GaussianBlur {
    fn default() -> GaussianBlur {
        GaussianBlur { sigma_px: 1.0 }
    }
}

impl FrameOperation for GaussianBlur {
    fn check(&self) -> Result<()> {
        within("sigma_px", self.sigma_px, 0.1..=250.0)
    }

    fn apply(&self, frame: &Frame) -> Result<Frame> {
        self.check()?;
        if is_empty(frame) {
            return Ok(frame.clone());
        }
        let kernel = gaussian_kernel(self.sigma_px);
        let planes = Planes::premultiplied(frame);
        let size = (planes.width, planes.height);
        planes.each(size, |plane, _| blurred(plane, size.0, &kernel)).into_frame(frame)
    }
}
