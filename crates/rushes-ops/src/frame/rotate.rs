use rushes_media::{Frame, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::FrameOperation;
use crate::numeric::gathered;

/// Turns the frame by quarters of a turn, without loss. For other angles
/// there is [`Affine`](super::Affine).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Rotate {
    /// How many quarters, counter-clockwise, as NumPy's `rot90` counts; below
    /// zero clockwise. Any whole number.
    pub quarter_turns: i32,
}

impl FrameOperation for Rotate {
    fn check(&self) -> Result<()> {
        Ok(())
    }

    fn apply(&self, frame: &Frame) -> Result<Frame> {
        let (width_px, height_px) = (frame.width_px(), frame.height_px());
        let (width, height) = (width_px as usize, height_px as usize);
        let (upright, lying) = ((width_px, height_px), (height_px, width_px));
        match self.quarter_turns.rem_euclid(4) {
            0 => Ok(frame.clone()),
            1 => gathered(frame, lying, [0.0; 4], |x, y| Some((width - 1 - y, x))),
            2 => gathered(frame, upright, [0.0; 4], |x, y| Some((width - 1 - x, height - 1 - y))),
            _ => gathered(frame, lying, [0.0; 4], |x, y| Some((y, height - 1 - x))),
        }
    }
}
