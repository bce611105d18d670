//! Pure computation on frames and samples: pictures and sound go in, pictures
//! and numbers come out. Nothing here reads or writes a file, keeps state, or
//! depends on the clock, so the same input always gives the same output.
//!
//! Pictures are `[H, W, 3]`, RGB, full range (see [`rushes_media::Picture`]).
//! Each operation is one file, and one line in [`OPERATIONS`].

pub mod audio;
pub mod image;
mod operation;

pub use operation::{OPERATIONS, Operation};
