//! Embedded metadata over bytes: EXIF, XMP, IPTC, maker notes, ICC profile
//! names, what containers say, and which sidecar belongs to which file.
//!
//! Nothing is decoded and no file is written; blocks that go along into another
//! file are given as bytes. Files are read by position, a
//! few kilobytes at a time; every length that a file states is checked against
//! what is there and against [`Limits`] before room is made for it. Broken
//! metadata gives what can be read, and [`Tags::problems`] says what could not.

mod apple;
mod blocks;
mod bmff;
mod candidates;
mod container;
mod describe;
mod exif_tags;
mod fit;
mod gathered;
mod gif;
mod icc;
mod inflate;
mod iptc;
mod jpeg;
mod maker;
mod photoshop;
mod png;
mod position;
mod problems;
mod read;
mod riff;
mod sidecar;
mod source;
mod tags;
mod text;
mod tiff;
mod when;
mod xmp;
mod xmp_tags;

pub use blocks::{Carried, carried};
pub use container::from_container;
pub use fit::{Changed, fit};
pub use read::{read, read_at};
pub use sidecar::{SidecarKind, owner_of, sidecar_kind};
pub use tags::Tags;

#[cfg(doc)]
use rushes_media::Limits;
