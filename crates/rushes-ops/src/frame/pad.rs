use rushes_media::{Frame, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::FrameOperation;
use crate::numeric::{gathered, is_empty, listed, reflect_101, refuse, sized};

/// Adds pixels at the sides, as NumPy's `pad` does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Pad {
    /// Rows at the top, in pixels.
    pub top_px: u32,
    /// Rows at the bottom, in pixels.
    pub bottom_px: u32,
    /// Columns at the left, in pixels.
    pub left_px: u32,
    /// Columns at the right, in pixels.
    pub right_px: u32,
    /// What the new pixels are.
    pub mode: PadMode,
    /// Red, green, blue and opacity of constant pixels, each 0 to 1; in grey
    /// their luma (BT.709).
    pub color: [f64; 4],
}

/// What pixels beyond the border are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PadMode {
    /// All of one colour.
    #[default]
    Constant,
    /// The outermost pixel repeated: `a a | a b c | c c`.
    Edge,
    /// Mirrored, the outermost pixel not repeated: `c b | a b c | b a`.
    Reflect,
    /// Mirrored, the outermost pixel repeated: `b a | a b c | c b`.
    Symmetric,
}

impl Default for Pad {
    fn default() -> Pad {
        Pad {
            top_px: 0,
            bottom_px: 0,
            left_px: 0,
            right_px: 0,
            mode: PadMode::Constant,
            color: [0.0, 0.0, 0.0, 1.0],
        }
    }
}

impl FrameOperation for Pad {
    fn check(&self) -> Result<()> {
        listed("color", &self.color, 0.0..=1.0)
    }

    /// # Errors
    /// `Invalid` when there is no pixel that could be repeated; `Limit` when
    /// the frame would be larger than the default limits allow.
    fn apply(&self, frame: &Frame) -> Result<Frame> {
        self.check()?;
        if is_empty(frame) && self.mode != PadMode::Constant {
            return Err(refuse("mode", format!("{:?}", self.mode), "Constant for an empty frame"));
        }
        let (width, height) = (frame.width_px() as usize, frame.height_px() as usize);
        let wanted = |side: u32, before: u32, after: u32| {
            u64::from(side) + u64::from(before) + u64::from(after)
        };
        let size = sized(
            frame,
            wanted(frame.width_px(), self.left_px, self.right_px),
            wanted(frame.height_px(), self.top_px, self.bottom_px),
        )?;
        gathered(frame, size, self.color, |x, y| {
            let column = self.mode.source(x as i64 - i64::from(self.left_px), width)?;
            Some((column, self.mode.source(y as i64 - i64::from(self.top_px), height)?))
        })
    }
}

impl PadMode {
    /// The index within `0..len` that a position takes its pixel from.
    fn source(self, position: i64, len: usize) -> Option<usize> {
        let last = len as i64 - 1;
        match self {
            PadMode::Constant => (0..=last).contains(&position).then_some(position as usize),
            PadMode::Edge => Some(position.clamp(0, last.max(0)) as usize),
            PadMode::Reflect => Some(reflect_101(position, len)),
            PadMode::Symmetric => {
                let folded = position.rem_euclid(2 * (last + 1).max(1));
                Some(folded.min(2 * last + 1 - folded) as usize)
            }
        }
    }
}
