//! Recognising stills by their first bytes.

/// Which reader takes a still.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reader {
    Jpeg,
    Png,
    /// libheif: `heic` or `avif`.
    Heif(&'static str),
    /// jxl-oxide.
    Jxl,
    /// The `image` crate: its format by the name in [`crate::FORMATS`].
    Raster(&'static str),
    /// TIFF, and the camera RAWs that are TIFF inside.
    Tiff,
    Raf,
    Cr3,
}

/// The reader for this content. The extension decides only for Targa, which
/// has no magic.
pub(super) fn reader(head: &[u8], extension: &str, size_bytes: u64) -> Option<Reader> {
    let starts = |magic: &[u8]| head.starts_with(magic);
    // JPEG-LS (ITU-T T.87) begins alike, but with a frame of its own.
    if starts(b"\xff\xd8\xff") && !starts(b"\xff\xd8\xff\xf7") {
        return Some(Reader::Jpeg);
    }
    if starts(b"\x89PNG\r\n\x1a\n") {
        return Some(Reader::Png);
    }
    if starts(b"GIF87a") || starts(b"GIF89a") {
        return Some(Reader::Raster("gif"));
    }
    if starts(b"RIFF") && head.get(8..12) == Some(b"WEBP") {
        return Some(Reader::Raster("webp"));
    }
    if is_tiff(head) {
        return Some(Reader::Tiff);
    }
    // ISO/IEC 18181-2: the codestream alone, or in boxes.
    if starts(b"\xff\x0a") || starts(b"\0\0\0\x0cJXL \r\n\x87\n") {
        return Some(Reader::Jxl);
    }
    if starts(b"FUJIFILMCCD-RAW ") {
        return Some(Reader::Raf);
    }
    if head.get(4..8) == Some(b"ftyp") {
        return by_brand(head);
    }
    let raster = if starts(b"BM") && is_bmp(head) {
        "bmp"
    } else if starts(b"\x76\x2f\x31\x01") {
        "exr"
    } else if starts(b"#?RADIANCE") || starts(b"#?RGBE") {
        "hdr"
    } else if is_pnm(head) {
        "pnm"
    } else if starts(b"qoif") {
        "qoi"
    } else if is_ico(head, size_bytes) {
        "ico"
    } else if matches!(extension, "tga" | "icb" | "vda" | "vst") && is_tga(head) {
        "tga"
    } else {
        return None;
    };
    Some(Reader::Raster(raster))
}

/// TIFF 6.0 section 2, BigTIFF, and the makers' own magics: Olympus IIRO, IIRS
/// and MMOR, Panasonic IIU.
fn is_tiff(head: &[u8]) -> bool {
    const MAGICS: [&[u8; 4]; 8] = [
        b"II\x2a\x00",
        b"MM\x00\x2a",
        b"II\x2b\x00",
        b"MM\x00\x2b",
        b"IIRO",
        b"IIRS",
        b"MMOR",
        b"IIU\x00",
    ];
    head.first_chunk::<4>().is_some_and(|magic| MAGICS.contains(&magic))
}

/// The brands of an ISO base media file (ISO/IEC 14496-12, clause 4.3) that
/// say still picture. `None` leaves the file to the reader of video.
fn by_brand(head: &[u8]) -> Option<Reader> {
    let length = u32::from_be_bytes(*head.first_chunk::<4>()?) as usize;
    let brands = head.get(8..length.clamp(8, 264).min(head.len()))?.as_chunks::<4>().0;
    let major = brands.first()?;
    let listed = |brand: &[u8; 4]| brands.contains(brand);
    match major {
        b"crx " => Some(Reader::Cr3),
        b"avif" => Some(Reader::Heif("avif")),
        b"heic" | b"heix" | b"heim" | b"heis" | b"hevc" | b"hevx" => Some(Reader::Heif("heic")),
        b"mif1" | b"mif2" | b"mif3" | b"msf1" if listed(b"avif") => Some(Reader::Heif("avif")),
        b"mif1" | b"mif2" | b"mif3" | b"msf1" => Some(Reader::Heif("heic")),
        _ => None,
    }
}

/// The file header is two letters; the size of the header after it is telling.
fn is_bmp(head: &[u8]) -> bool {
    let header_bytes = head.get(14..18).and_then(|bytes| bytes.first_chunk::<4>());
    let known = |&bytes: &[u8; 4]| {
        matches!(u32::from_le_bytes(bytes), 12 | 16 | 40 | 52 | 56 | 64 | 108 | 124)
    };
    header_bytes.is_some_and(known)
}

/// P1 to P7 and white space.
fn is_pnm(head: &[u8]) -> bool {
    matches!(head, [b'P', b'1'..=b'7', space, ..] if space.is_ascii_whitespace())
}

/// An icon's directory: at least one entry, all of it within the file, and the
/// first one's data too.
fn is_ico(head: &[u8], size_bytes: u64) -> bool {
    let [0, 0, 1 | 2, 0, low, high, ..] = *head else { return false };
    let count = u64::from(u16::from_le_bytes([low, high]));
    let Some(entry) = head.get(6..22).and_then(|bytes| bytes.first_chunk::<16>()) else {
        return false;
    };
    let length = u32::from_le_bytes([entry[8], entry[9], entry[10], entry[11]]);
    let start = u32::from_le_bytes([entry[12], entry[13], entry[14], entry[15]]);
    let directory_end = 6 + count * 16;
    (1..=1024).contains(&count)
        && entry[3] == 0
        && u64::from(start) >= directory_end
        && length > 0
        && u64::from(start) < size_bytes
}

/// Targa: a known picture type, colour map and depth, and a size.
fn is_tga(head: &[u8]) -> bool {
    let Some(header) = head.first_chunk::<18>() else { return false };
    let (map, kind, depth) = (header[1], header[2], header[16]);
    let size = |low: u8, high: u8| u16::from_le_bytes([low, high]) > 0;
    map <= 1
        && matches!(kind, 1 | 2 | 3 | 9 | 10 | 11)
        && matches!(depth, 8 | 15 | 16 | 24 | 32)
        && size(header[12], header[13])
        && size(header[14], header[15])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_content_not_by_name() {
        assert_eq!(reader(b"\xff\xd8\xff\xe0", "png", 4), Some(Reader::Jpeg));
        assert_eq!(reader(b"MM\x00\x2a\x00", "", 5), Some(Reader::Tiff));
        assert_eq!(reader(b"IIU\x00\x18\x00\x00\x00", "jpg", 8), Some(Reader::Tiff));
        assert_eq!(reader(b"P6\n1 1\n255\n", "txt", 11), Some(Reader::Raster("pnm")));
        assert_eq!(reader(b"\xff\x0a\xfa", "txt", 3), Some(Reader::Jxl));
        assert_eq!(reader(b"BMW is a car, not a bitmap", "bmp", 26), None);
        assert_eq!(reader(b"\x00\x00\x01\xba\x44\x00\x04", "ico", 7), None);
        assert_eq!(reader(&[0; 64], "tga", 64), None);
        assert_eq!(reader(b"", "jpg", 0), None);
    }

    #[test]
    fn brands_choose_between_stills_and_video() {
        let brand = |major: &[u8; 4], other: &[u8; 4]| {
            let head = [b"\x00\x00\x00\x14ftyp", &major[..], b"\0\0\0\0", other].concat();
            reader(&head, "", 20)
        };
        assert_eq!(brand(b"heic", b"mif1"), Some(Reader::Heif("heic")));
        assert_eq!(brand(b"mif1", b"avif"), Some(Reader::Heif("avif")));
        assert_eq!(brand(b"crx ", b"isom"), Some(Reader::Cr3));
        assert_eq!(brand(b"isom", b"mp41"), None);
        assert_eq!(brand(b"qt  ", b"heic"), None);
        assert_eq!(reader(b"\xff\xff\xff\xffftyp", "heic", 8), None);
    }
}
