//! Pictures as DPX (SMPTE ST 268:2003), one element of 8 or 16 bits.

use rushes_media::{Error, ErrorKind, Frame, Layout, Result};

const WHAT: &str = "encoding the picture";
const HEADER_BYTES: usize = 2_048;
/// Of it what every file has, and what film and television add.
const GENERIC_BYTES: u32 = 1_664;
const INDUSTRY_BYTES: u32 = 384;
/// "Not stated", of whole numbers.
const UNDEFINED: u32 = u32::MAX;

/// The file of a frame whose numbers are these, big-endian where they have two
/// bytes. Rows are filled to whole words of 32 bits.
pub(super) fn encode(frame: &Frame, numbers: &[u8], bits: u8) -> Result<Vec<u8>> {
    let row_bytes = frame.width_px() as usize * frame.layout().channels() * usize::from(bits / 8);
    let filled = row_bytes.next_multiple_of(4);
    let size_bytes = filled
        .checked_mul(frame.height_px() as usize)
        .and_then(|bytes| bytes.checked_add(HEADER_BYTES))
        .and_then(|bytes| u32::try_from(bytes).ok())
        .ok_or_else(|| Error::new(ErrorKind::Invalid, WHAT, "DPX cannot hold more than 4 GB"))?;
    let mut file = header(frame, bits, size_bytes);
    for row in numbers.chunks_exact(row_bytes.max(1)) {
        file.extend(row);
        file.resize(file.len() + filled - row_bytes, 0);
    }
    Ok(file)
}

fn header(frame: &Frame, bits: u8, size_bytes: u32) -> Vec<u8> {
    let descriptor = match frame.layout() {
        Layout::Gray => 6,
        Layout::Rgb => 50,
        Layout::Rgba => 51,
    };
    let mut header = vec![0; HEADER_BYTES];
    let mut put = |at: usize, bytes: &[u8]| {
        if let Some(place) = header.get_mut(at..at + bytes.len()) {
            place.copy_from_slice(bytes);
        }
    };
    put(0, b"SDPX");
    put(4, &(HEADER_BYTES as u32).to_be_bytes());
    put(8, b"V2.0");
    put(16, &size_bytes.to_be_bytes());
    // Nothing is the same as in another frame.
    put(20, &1_u32.to_be_bytes());
    put(24, &GENERIC_BYTES.to_be_bytes());
    put(28, &INDUSTRY_BYTES.to_be_bytes());
    put(160, b"Rushes");
    put(660, &UNDEFINED.to_be_bytes());
    // One element, from the left to the right and from the top down.
    put(770, &1_u16.to_be_bytes());
    put(772, &frame.width_px().to_be_bytes());
    put(776, &frame.height_px().to_be_bytes());
    let most = if bits == 8 { 0xff } else { 0xffff_u32 };
    put(792, &most.to_be_bytes());
    // sRGB is no transfer that it has a number for: "user defined".
    put(800, &[descriptor, 0, 0, bits]);
    put(808, &(HEADER_BYTES as u32).to_be_bytes());
    for aspect in [1_628, 1_632] {
        put(aspect, &1_u32.to_be_bytes());
    }
    header
}
