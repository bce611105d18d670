//! What drawing needs: text as outlines, outlines as coverage, and colour laid
//! over a frame where there is coverage.

mod mask;
mod paint;
mod text;

pub(crate) use mask::{Mask, Window, box_path, filled, stroked};
pub(crate) use paint::paint;
pub(crate) use text::{Align, Shaped, shaped};
