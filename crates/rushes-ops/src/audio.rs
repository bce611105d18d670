//! Operations on sound.

mod stft;
mod waveform;

pub use stft::{Stft, stft};
pub use waveform::waveform;
