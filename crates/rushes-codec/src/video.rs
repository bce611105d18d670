//! Video frame by frame: an index of every frame that comes out of a stream,
//! and a reader that gives frame i, whichever frames were read before.

mod build;
mod bytes;
mod convert;
mod index;
mod options;
mod packets;
mod parked;
mod planes;
mod reader;
mod run;
mod seek;
mod still;
mod stored;
mod stream;
mod turn;

pub(crate) use convert::{Converter, fitted, wrong_size};
pub use index::FrameIndex;
pub use options::{Depth, VideoOptions};
pub use reader::VideoReader;
pub(crate) use still::still_frame;
pub(crate) use stream::OpenVideo;
pub use stream::VideoStream;
pub(crate) use turn::turn;
pub use turn::upright;

use rushes_media::{Error, ErrorKind};

const WHAT: &str = "reading the video";

/// Damaged bytes: why they cannot be read.
fn corrupt(why: impl Into<String>) -> Error {
    Error::new(ErrorKind::Corrupt, WHAT, why)
}
