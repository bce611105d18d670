use rushes_media::{Frame, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::FrameOperation;
use crate::numeric::{full, map_colors, within};

/// Moves every colour away from a pivot, or towards it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Contrast {
    /// By how much the distance grows: 0 to 100; below 1 there is less
    /// contrast, at 0 none.
    pub factor: f64,
    /// The brightness that stays, 0 to 1.
    pub pivot: f64,
}

impl Default for Contrast {
    fn default() -> Contrast {
        Contrast { factor: 1.0, pivot: 0.5 }
    }
}

impl FrameOperation for Contrast {
    fn check(&self) -> Result<()> {
        within("factor", self.factor, 0.0..=100.0)?;
        within("pivot", self.pivot, 0.0..=1.0)
    }

    fn apply(&self, frame: &Frame) -> Result<Frame> {
        self.check()?;
        let pivot = self.pivot * full(frame);
        map_colors(frame, |number| (number - pivot) * self.factor + pivot)
    }
}
