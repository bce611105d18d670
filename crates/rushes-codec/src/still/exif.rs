//! The one thing in EXIF that decides colour.

const EXIF: u16 = 0x8769;
const COLOR_SPACE: u16 = 0xa001;
const INTEROPERABILITY: u16 = 0xa005;
const INDEX: u16 = 1;

/// Whether EXIF, from its TIFF header on, says that the colours are Adobe RGB:
/// not calibrated, and interoperable by the rules named R03 (DCF 2.0). Cameras
/// write that instead of a profile.
pub(super) fn says_adobe_rgb(exif: &[u8]) -> bool {
    let is_big = exif.starts_with(b"MM");
    let field = |directory, tag| value(exif, is_big, directory, tag);
    let walk = || {
        let below = long(&field(long(exif, is_big, 4)?, EXIF)?, is_big, 0)?;
        let color_space = short(&field(below, COLOR_SPACE)?, is_big, 0)?;
        let rules = long(&field(below, INTEROPERABILITY)?, is_big, 0)?;
        Some(color_space == 0xffff && field(rules, INDEX)? == *b"R03\0")
    };
    walk().unwrap_or(false)
}

/// The four bytes that hold this tag's value in the directory at this place.
fn value(exif: &[u8], is_big: bool, directory: u32, tag: u16) -> Option<[u8; 4]> {
    let at = directory as usize;
    let count = short(exif, is_big, at)?;
    let entries = exif.get(at.checked_add(2)?..)?.as_chunks::<12>().0;
    let mut entries = entries.iter().take(usize::from(count));
    let entry = entries.find(|entry| short(&entry[..], is_big, 0) == Some(tag))?;
    entry.last_chunk::<4>().copied()
}

fn short(bytes: &[u8], is_big: bool, at: usize) -> Option<u16> {
    let bytes = *bytes.get(at..)?.first_chunk::<2>()?;
    Some(if is_big { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) })
}

fn long(bytes: &[u8], is_big: bool, at: usize) -> Option<u32> {
    let bytes = *bytes.get(at..)?.first_chunk::<4>()?;
    Some(if is_big { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) })
}
