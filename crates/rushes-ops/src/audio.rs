//! Operations on sound.

mod waveform;

pub use waveform::waveform;
