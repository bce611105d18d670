//! Operations on pictures.

mod fit;
mod grid;
mod measure;
mod orient;
mod resize;
mod tone_map;
mod transfer;

pub use fit::fit;
pub use grid::grid;
pub use measure::{Measures, measure, preview_score};
pub use orient::orient;
pub use resize::resize;
pub use tone_map::tone_map;

use rushes_media::{Color, Picture, Pixels};

/// A picture from numbers that were counted out for this very size.
#[expect(clippy::expect_used, reason = "every caller sizes the numbers from width and height")]
pub(crate) fn picture(width_px: u32, height_px: u32, pixels: Pixels, color: Color) -> Picture {
    Picture::new(width_px, height_px, pixels, color).expect("the numbers fit the size")
}

/// How many numbers a picture of this size has.
pub(crate) fn numbers(width_px: u32, height_px: u32) -> usize {
    width_px as usize * height_px as usize * 3
}
