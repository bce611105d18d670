//! Sound as floats, and floats as sound files.

mod read;

pub use read::{AudioOptions, AudioReader};
