//! What libav does not tell of a file's first bytes: the Matroska document
//! type, and how long the file should be.

use super::y4m::Y4m;

/// Document type of an EBML file (RFC 8794, section 11.2.4): `matroska`, `webm`.
pub(super) fn ebml_doc_type(head: &[u8]) -> Option<String> {
    let (id, size, mut rest) = ebml_element(head)?;
    if id != 0x1a45_dfa3 {
        return None;
    }
    rest = rest.get(..rest.len().min(usize::try_from(size?).ok()?))?;
    for _ in 0..32 {
        let (id, size, body) = ebml_element(rest)?;
        let size = usize::try_from(size?).ok()?;
        if id == 0x4282 {
            let text = String::from_utf8_lossy(body.get(..size)?).into_owned();
            return Some(text.trim_end_matches('\0').to_owned());
        }
        rest = body.get(size..)?;
    }
    None
}

/// An element's id, its size unless that is unknown, and what follows.
fn ebml_element(bytes: &[u8]) -> Option<(u64, Option<u64>, &[u8])> {
    let (id, _, rest) = ebml_number(bytes, 4)?;
    let (marked, length, rest) = ebml_number(rest, 8)?;
    let mask = (1_u64 << (7 * length)) - 1;
    let size = marked & mask;
    Some((id, (size != mask).then_some(size), rest))
}

/// A number of variable length with its marker bit (RFC 8794, section 4).
fn ebml_number(bytes: &[u8], most: u32) -> Option<(u64, u32, &[u8])> {
    let first = *bytes.first()?;
    let length = first.leading_zeros() + 1;
    if length > most {
        return None;
    }
    let body = bytes.get(..length as usize)?;
    let number = body.iter().fold(0, |number, &byte| number << 8 | u64::from(byte));
    Some((number, length, bytes.get(length as usize..)?))
}

/// How long the header says the file is, when it says so: RIFF (AVI, WAVE),
/// FORM (AIFF) and Matroska with a segment of known size.
pub(super) fn stated_bytes(head: &[u8]) -> Option<u64> {
    let size = head.get(4..8).and_then(|bytes| <[u8; 4]>::try_from(bytes).ok())?;
    match head.get(..4)? {
        // Zero and all ones are what writers leave that could not go back.
        b"RIFF" => match u32::from_le_bytes(size) {
            0 | u32::MAX => None,
            size => Some(u64::from(size) + 8),
        },
        b"FORM" => match u32::from_be_bytes(size) {
            0 | u32::MAX => None,
            size => Some(u64::from(size) + 8),
        },
        [0x1a, 0x45, 0xdf, 0xa3] => {
            let (_, size, rest) = ebml_element(head)?;
            let after = rest.get(usize::try_from(size?).ok()?..)?;
            let (id, size, body) = ebml_element(after)?;
            let start = (head.len() - body.len()) as u64;
            if id == 0x1853_8067 { start.checked_add(size?) } else { None }
        }
        _ => None,
    }
}

/// Bytes of a packet of MPEG-TS (ISO/IEC 13818-1), and where its first byte
/// lies: as broadcast, on Blu-ray discs, and with its error correction.
const TS_PACKETS: [(usize, usize); 3] = [(188, 0), (192, 4), (204, 0)];

/// Packets that must begin in step to be believed.
const TS_IN_STEP: usize = 5;

/// Bytes behind the last whole packet of an MPEG-TS of this size.
fn ts_rest_bytes(head: &[u8], size_bytes: u64) -> Option<u64> {
    let in_step = |&&(packet, first): &&(usize, usize)| {
        (0..TS_IN_STEP).all(|at| head.get(first + at * packet) == Some(&0x47))
    };
    let (packet, _) = TS_PACKETS.iter().find(in_step)?;
    size_bytes.checked_rem(*packet as u64)
}

/// Why a file of this format and size must once have been longer, where its
/// first bytes or its packets say so.
pub(super) fn cut_short(format: &str, head: &[u8], size_bytes: u64) -> Option<String> {
    // A pad byte that a writer forgot is no loss.
    if let Some(stated) = stated_bytes(head).filter(|&stated| stated > size_bytes + 1) {
        return Some(format!(
            "the header states {stated} bytes, the file has {size_bytes}: it is cut short"
        ));
    }
    let (rest, what) = match format {
        "mpegts" => (ts_rest_bytes(head, size_bytes)?, "packet"),
        "y4m" => (Y4m::of(head)?.rest_bytes(size_bytes)?, "frame"),
        _ => return None,
    };
    (rest > 0).then(|| format!("the last {rest} bytes are no whole {what}: it is cut short"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matroska_and_webm_are_told_apart() {
        let mut file = vec![0x1a, 0x45, 0xdf, 0xa3, 0x8b];
        file.extend([0x42, 0x86, 0x81, 1]);
        file.extend([0x42, 0x82, 0x84]);
        file.extend(b"webm");
        assert_eq!(ebml_doc_type(&file).as_deref(), Some("webm"));
        file.extend([0x18, 0x53, 0x80, 0x67, 0x40, 0x64]);
        assert_eq!(stated_bytes(&file), Some(file.len() as u64 + 100));
        let known = file.len();
        for length in 0..known {
            // Every truncation is answered, none panics.
            let _ = (ebml_doc_type(&file[..length]), stated_bytes(&file[..length]));
        }
        *file.last_mut().unwrap() = 0xff;
        file[known - 2] = 0x7f;
        assert_eq!(stated_bytes(&file), None, "an unknown size states nothing");
    }

    #[test]
    fn riff_sizes() {
        assert_eq!(stated_bytes(b"RIFF\x10\0\0\0WAVE"), Some(24));
        assert_eq!(stated_bytes(b"RIFF\xff\xff\xff\xffWAVE"), None);
        assert_eq!(stated_bytes(b"FORM\0\0\0\x10AIFF"), Some(24));
        assert_eq!(stated_bytes(b"ftyp\0\0\0\x10"), None);
    }
}
