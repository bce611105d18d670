//! Streams made from streams: each is a [`FrameStream`] that takes another
//! and is asked frame by frame, so that memory stays flat.
//!
//! [`FrameStream`]: rushes_media::FrameStream

mod ahead;
mod arrange;
mod canvas;
mod changed;
mod deinterlaced;
mod label;
mod mosaic;
mod sampled;
mod shown;

pub use ahead::Ahead;
pub use arrange::Arrangement;
pub use changed::Changed;
pub use deinterlaced::Deinterlaced;
pub use mosaic::{Mosaic, MosaicOptions, Tile};
pub use sampled::Sampled;
