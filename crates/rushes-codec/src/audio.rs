//! Sound as floats, and floats as sound files.

mod ending;
mod read;

pub use read::{AudioOptions, AudioReader};
