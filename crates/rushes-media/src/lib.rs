//! The words of Rushes, shared by every crate above it: exact time, what a
//! probe finds in a file, limits, and errors with their kinds. Nothing here
//! does I/O.

mod blocks;
mod clock;
mod error;
mod frame;
mod limits;
mod names;
mod picture;
mod planes;
mod probe;
mod rational;
mod stream;

pub use blocks::{Block, Blocks, is_of_the_picture};
pub use clock::{Clock, ManualClock, SystemClock, UnixNanos};
pub use error::{Error, Kind as ErrorKind, Result};
pub use frame::{Frame, Layout, Values, ValuesMut};
pub use limits::Limits;
pub use names::{display_name, give_path, name_from_url, name_to_url, path_given};
pub use picture::{Picture, Pixels};
pub use planes::{Plane, Planes};
pub use probe::{
    Agreement, Basis, Camera, Color, Confidence, Container, Count, Created, Gps, MediaKind, Probe,
    Stream, StreamKind,
};
pub use rational::Rational;
pub use stream::FrameStream;
