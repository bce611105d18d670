//! Operations on frames of any depth and layout: one struct of parameters
//! each, applied by [`FrameOperation`] or [`PairOperation`].
//!
//! [`FrameOperation`]: crate::FrameOperation
//! [`PairOperation`]: crate::PairOperation

mod affine;
mod blend;
mod box_blur;
mod brightness;
mod clahe;
mod colormap;
mod contrast;
mod crop;
mod deinterlace;
mod denoise;
mod flat_field;
mod flip;
mod gamma;
mod gaussian_blur;
mod grayscale;
mod lut;
mod median;
mod pad;
mod resize;
mod rotate;
mod sharpen;
mod text;

pub use affine::{Affine, Interpolation};
pub use blend::{Blend, Mode};
pub use box_blur::BoxBlur;
pub use brightness::Brightness;
pub use clahe::Clahe;
pub use colormap::{Colormap, Map};
pub use contrast::Contrast;
pub use crop::Crop;
pub use deinterlace::{Deinterlacer, Field, Weston, deinterlace};
pub use denoise::Denoise;
pub use flat_field::FlatField;
pub use flip::{Axis, Flip};
pub use gamma::Gamma;
pub use gaussian_blur::GaussianBlur;
pub use grayscale::Grayscale;
pub use lut::{Cube, Lut, Mixing};
pub use median::Median;
pub use pad::{Pad, PadMode};
pub use resize::{Filter, Resize};
pub use rotate::Rotate;
pub use sharpen::Sharpen;
pub use text::{Anchor, Text};
