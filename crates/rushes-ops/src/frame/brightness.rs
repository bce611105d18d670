use rushes_media::{Frame, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::FrameOperation;
use crate::numeric::{full, map_colors, within};

/// Adds the same to every colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Brightness {
    /// What is added, as a share of full brightness: -1 to 1.
    pub amount: f64,
}

impl FrameOperation for Brightness {
    fn check(&self) -> Result<()> {
        within("amount", self.amount, -1.0..=1.0)
    }

    fn apply(&self, frame: &Frame) -> Result<Frame> {
        self.check()?;
        let added = self.amount * full(frame);
        map_colors(frame, |number| number + added)
    }
}
