//! Apple's maker note: an EXIF directory of its own after a 14-byte head,
//! big endian, its positions counted from the head.

use rushes_media::Limits;

use crate::problems::Problems;
use crate::source::Source;
use crate::tiff::{Directory, Tiff};

/// The identifier that both halves of a Live Photo share.
pub(crate) fn content_identifier(note: &Source<'_>, limits: &Limits) -> Option<String> {
    let head: [u8; 14] = note.array(0)?;
    if !head.starts_with(b"Apple iOS\0") {
        return None;
    }
    let big_endian = !head.ends_with(b"II");
    // A maker's note that was moved or cut is common and harms nothing else.
    let mut ignored = Problems::default();
    let whole = note.part(0, u64::MAX);
    let tiff = Tiff::open_directory(whole, big_endian, 14, limits, &mut ignored);
    tiff.text(Directory::Maker, 0x0011)
}
