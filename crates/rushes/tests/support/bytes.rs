//! Small media, written byte by byte.

/// Bytes that look like nothing and are the same in every run (SplitMix64).
pub fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bytes.extend((mixed ^ (mixed >> 31)).to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}

/// A PNG of 8 by 8 pixels (RGB, 8 bits); another seed, other pixels.
pub fn png(seed: u64) -> Vec<u8> {
    let noise = noise(seed, 8 * 8 * 3);
    let rows: Vec<u8> = noise.chunks(24).flat_map(|row| [&[0], row].concat()).collect();
    png_of(8, 8, &rows)
}

/// A PNG that states this size; `rows` are filter byte and pixels of each.
pub fn png_of(width_px: u32, height_px: u32, rows: &[u8]) -> Vec<u8> {
    let mut bytes = b"\x89PNG\r\n\x1a\n".to_vec();
    let mut header = [width_px.to_be_bytes(), height_px.to_be_bytes()].concat();
    header.extend([8, 2, 0, 0, 0]);
    chunk(&mut bytes, b"IHDR", &header);
    // One stored block of deflate, in zlib's wrapper.
    let length = u16::try_from(rows.len()).unwrap();
    let mut packed = vec![0x78, 0x01, 0x01];
    packed.extend(length.to_le_bytes());
    packed.extend((!length).to_le_bytes());
    packed.extend(rows);
    packed.extend(adler32(rows).to_be_bytes());
    chunk(&mut bytes, b"IDAT", &packed);
    chunk(&mut bytes, b"IEND", &[]);
    bytes
}

fn chunk(bytes: &mut Vec<u8>, name: &[u8; 4], data: &[u8]) {
    bytes.extend(u32::try_from(data.len()).unwrap().to_be_bytes());
    let checked = [&name[..], data].concat();
    bytes.extend(&checked);
    bytes.extend(crc32(&checked).to_be_bytes());
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            (crc >> 1) ^ (0xedb8_8320 & 0_u32.wrapping_sub(crc & 1))
        })
    })
}

fn adler32(bytes: &[u8]) -> u32 {
    let (low, high) = bytes.iter().fold((1_u32, 0_u32), |(low, high), byte| {
        let low = (low + u32::from(*byte)) % 65_521;
        (low, (high + low) % 65_521)
    });
    (high << 16) | low
}

/// A picture without compression (PPM) of 8 by 8 pixels.
pub fn ppm(seed: u64) -> Vec<u8> {
    [b"P6\n8 8\n255\n".to_vec(), noise(seed, 8 * 8 * 3)].concat()
}

/// A WAVE file with this many bytes of sound (mono, 16 bits, 8 kHz).
pub fn wav(seed: u64, sound_bytes: usize) -> Vec<u8> {
    let length = u32::try_from(sound_bytes).unwrap();
    let mut bytes = b"RIFF".to_vec();
    bytes.extend((length + 36).to_le_bytes());
    bytes.extend(b"WAVEfmt ");
    bytes.extend(16_u32.to_le_bytes());
    bytes.extend([1, 0, 1, 0]);
    bytes.extend(8_000_u32.to_le_bytes());
    bytes.extend(16_000_u32.to_le_bytes());
    bytes.extend([2, 0, 16, 0]);
    bytes.extend(b"data");
    bytes.extend(length.to_le_bytes());
    bytes.extend(noise(seed, sound_bytes));
    bytes
}

/// A file so large that its fingerprint reads parts of it only: its first, its
/// middle and its last 64 KiB.
pub fn big(seed: u64) -> Vec<u8> {
    wav(seed, 1 << 20)
}

/// The same size and the same bytes in all those parts, other bytes between.
pub fn twin_of(big: &[u8]) -> Vec<u8> {
    let mut twin = big.to_vec();
    twin[200_000] ^= 0xff;
    twin
}

/// A Windows bitmap of 8 by 8 pixels.
pub fn bmp(seed: u64) -> Vec<u8> {
    let mut bytes = b"BM".to_vec();
    bytes.extend((54_u32 + 192).to_le_bytes());
    bytes.extend([0; 4]);
    bytes.extend(54_u32.to_le_bytes());
    bytes.extend(40_u32.to_le_bytes());
    bytes.extend(8_i32.to_le_bytes());
    bytes.extend(8_i32.to_le_bytes());
    bytes.extend([1, 0, 24, 0]);
    bytes.extend([0; 24]);
    bytes.extend(noise(seed, 192));
    bytes
}

/// A JPEG with this content identifier where an iPhone writes it: tag 17 of
/// Apple's maker note, which has a directory and offsets of its own.
pub fn with_content_identifier(jpeg: &[u8], identifier: &str) -> Vec<u8> {
    let value = [identifier.as_bytes(), b"\0"].concat();
    let length = u32::try_from(value.len()).unwrap();
    let entry = |tag: u16, kind: u16, count: u32, value: u32| {
        let (tag, kind) = (tag.to_be_bytes(), kind.to_be_bytes());
        [&tag[..], &kind, &count.to_be_bytes(), &value.to_be_bytes()].concat()
    };
    // One entry and no next directory, after the name, a version and the byte order.
    let note_header = b"Apple iOS\0\0\x01MM";
    let note_entry = entry(17, 2, length, u32::try_from(note_header.len()).unwrap() + 18);
    let note = [&note_header[..], &[0, 1], &note_entry, &[0; 4], &value].concat();
    let note_length = u32::try_from(note.len()).unwrap();
    // The first directory is at 8 and names the EXIF one at 26, which names the note at 44.
    let tiff = [
        &b"MM\0*\0\0\0\x08\0\x01"[..],
        &entry(0x8769, 4, 1, 26),
        &[0, 0, 0, 0, 0, 1],
        &entry(0x927c, 7, note_length, 44),
        &[0; 4],
        &note,
    ]
    .concat();
    let segment_length = u16::try_from(tiff.len() + 8).unwrap().to_be_bytes();
    [&jpeg[..2], b"\xff\xe1", &segment_length, b"Exif\0\0", &tiff, &jpeg[2..]].concat()
}
