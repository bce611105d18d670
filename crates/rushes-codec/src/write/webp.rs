//! What libwebp's animations lack.

/// Bytes of RIFF's head, and of the head of a chunk.
const RIFF_BYTES: usize = 12;
const CHUNK_BYTES: usize = 8;
/// Where a frame (`ANMF`) says how many milliseconds it is shown, in 3 bytes.
const DURATION_AT: usize = 12;

/// Has the last frame of an animated WebP shown for so long: FFmpeg does not tell
/// libwebp when it ends, which then takes the mean of the others.
pub(super) fn show_last_for(file: &mut [u8], ms: u32) {
    let mut at = RIFF_BYTES;
    let mut last = None;
    while let Some([name @ .., a, b, c, d]) =
        file.get(at..at + CHUNK_BYTES).and_then(|head| head.first_chunk::<CHUNK_BYTES>())
    {
        if name == b"ANMF" {
            last = Some(at + CHUNK_BYTES + DURATION_AT);
        }
        let length = u32::from_le_bytes([*a, *b, *c, *d]) as usize;
        at = at.saturating_add(CHUNK_BYTES).saturating_add(length.next_multiple_of(2));
        if at > file.len() {
            break;
        }
    }
    let [low, middle, high, _] = ms.min(0xff_ffff).to_le_bytes();
    if let Some(place) = last.and_then(|at| file.get_mut(at..at + 3)) {
        place.copy_from_slice(&[low, middle, high]);
    }
}
