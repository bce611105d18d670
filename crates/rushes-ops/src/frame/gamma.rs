use rushes_media::{Frame, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::FrameOperation;
use crate::numeric::{full, map_colors, within};

/// Brightens or darkens the middle; black and white stay.
///
/// Each colour, as a share of full brightness, is raised to the power of
/// 1 / gamma. What is below 0 is mirrored: it stays below 0.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Gamma {
    /// 0.01 to 100; above 1 the frame gets brighter.
    pub gamma: f64,
}

impl Default for Gamma {
    fn default() -> Gamma {
        Gamma { gamma: 1.0 }
    }
}

impl FrameOperation for Gamma {
    fn check(&self) -> Result<()> {
        within("gamma", self.gamma, 0.01..=100.0)
    }

    fn apply(&self, frame: &Frame) -> Result<Frame> {
        self.check()?;
        let full = full(frame);
        let power = 1.0 / self.gamma;
        map_colors(frame, |number| (number.abs() / full).powf(power).copysign(number) * full)
    }
}
