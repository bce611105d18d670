//! Pure computation on frames and samples: pictures and sound go in, pictures
//! and numbers come out. Nothing here reads or writes a file or depends on the
//! clock, and only what is driven frame by frame keeps state, so the same input
//! always gives the same output.
//!
//! [`frame`] works on [`rushes_media::Frame`]s of any depth and layout; [`image`]
//! on pictures `[H, W, 3]`, RGB, full range (see [`rushes_media::Picture`]);
//! [`audio`] on samples; [`plot`] makes frames out of numbers; [`stream`]
//! changes and joins what comes frame by frame.
//! Each operation is one file, and one line in [`OPERATIONS`].

pub mod audio;
pub mod frame;
pub mod image;
mod ink;
mod numeric;
mod operation;
pub mod plot;
pub mod stream;

pub use operation::{
    Form, FrameOperation, Maker, OPERATIONS, Operation, PairOperation, frame_operations,
    pair_operations,
};
