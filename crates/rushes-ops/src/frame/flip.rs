use rushes_media::{Frame, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::FrameOperation;
use crate::numeric::gathered;

/// Mirrors the frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Flip {
    /// Which sides change places.
    pub axis: Axis,
}

/// Which sides change places.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Axis {
    /// Left and right, as in a mirror.
    #[default]
    Horizontal,
    /// Top and bottom.
    Vertical,
}

impl FrameOperation for Flip {
    fn check(&self) -> Result<()> {
        Ok(())
    }

    fn apply(&self, frame: &Frame) -> Result<Frame> {
        let size = (frame.width_px(), frame.height_px());
        let (width, height) = (size.0 as usize, size.1 as usize);
        match self.axis {
            Axis::Horizontal => gathered(frame, size, [0.0; 4], |x, y| Some((width - 1 - x, y))),
            Axis::Vertical => gathered(frame, size, [0.0; 4], |x, y| Some((x, height - 1 - y))),
        }
    }
}
