use rushes_media::{Frame, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::FrameOperation;
use crate::numeric::{gathered, refuse};

/// Cuts pixels off the sides.
///
/// What is left has at least one pixel, unless the frame had none.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Crop {
    /// Rows off the top, in pixels.
    pub top_px: u32,
    /// Rows off the bottom, in pixels.
    pub bottom_px: u32,
    /// Columns off the left, in pixels.
    pub left_px: u32,
    /// Columns off the right, in pixels.
    pub right_px: u32,
}

impl FrameOperation for Crop {
    fn check(&self) -> Result<()> {
        Ok(())
    }

    /// # Errors
    /// `Invalid` when no pixel is left.
    fn apply(&self, frame: &Frame) -> Result<Frame> {
        let height_px =
            left("top_px and bottom_px", self.top_px, self.bottom_px, frame.height_px())?;
        let width_px = left("left_px and right_px", self.left_px, self.right_px, frame.width_px())?;
        let (left, top) = (self.left_px as usize, self.top_px as usize);
        gathered(frame, (width_px, height_px), [0.0; 4], |x, y| Some((x + left, y + top)))
    }
}

fn left(names: &str, before_px: u32, after_px: u32, side_px: u32) -> Result<u32> {
    let off = u64::from(before_px) + u64::from(after_px);
    if off == 0 || off < u64::from(side_px) {
        return Ok(side_px - off as u32);
    }
    let allowed = format!("less than {side_px} together, the pixels of that side");
    Err(refuse(names, format!("{before_px} and {after_px}"), allowed))
}
