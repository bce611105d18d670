//! Camera RAW, built by hand as the makers lay it out: the preview is found,
//! the sensor's size is read, and no structure leads round in circles.

#![expect(clippy::unwrap_used, reason = "a test that cannot make its input fails")]

mod still_support;

use std::time::{Duration, Instant};

use rushes_codec::encode_still;
use rushes_media::{ErrorKind, Frame, Values};
use still_support::{decoded, pattern, probed, probed_size, size, survives};

fn jpeg(width: u32, height: u32) -> Vec<u8> {
    let values = Values::U8(pattern(width, height));
    let frame = Frame::new(width, height, rushes_media::Layout::Rgb, values).unwrap();
    encode_still(&frame, "jpg", Some(80)).unwrap()
}

/// A little-endian TIFF, written from the end of its directories to the start.
struct Layout {
    bytes: Vec<u8>,
}

impl Layout {
    fn new(header: &[u8]) -> Layout {
        Layout { bytes: header.to_vec() }
    }

    fn put(&mut self, bytes: &[u8]) -> u32 {
        let at = self.bytes.len() as u32;
        self.bytes.extend_from_slice(bytes);
        self.bytes.resize(self.bytes.len().next_multiple_of(2), 0);
        at
    }

    /// Entries of one value each: (tag, type, count, value or offset).
    fn directory(&mut self, entries: &[(u16, u16, u32, u32)], next: u32) -> u32 {
        let mut bytes = (entries.len() as u16).to_le_bytes().to_vec();
        for (tag, kind, count, value) in entries {
            bytes.extend(tag.to_le_bytes());
            bytes.extend(kind.to_le_bytes());
            bytes.extend(count.to_le_bytes());
            bytes.extend(value.to_le_bytes());
        }
        bytes.extend(next.to_le_bytes());
        self.put(&bytes)
    }

    fn starting_at(mut self, directory: u32) -> Vec<u8> {
        self.bytes[4..8].copy_from_slice(&directory.to_le_bytes());
        self.bytes
    }
}

const SHORT: u16 = 3;
const LONG: u16 = 4;
const TEXT: u16 = 2;

/// Lossless JPEG as RAWs use it: it must not be taken for a preview.
fn lossless(width: u16, height: u16) -> Vec<u8> {
    let mut bytes = vec![0xff, 0xd8, 0xff, 0xc3, 0, 11, 8];
    bytes.extend(height.to_be_bytes());
    bytes.extend(width.to_be_bytes());
    bytes.extend([1, 1, 0x11, 0, 0xff, 0xda, 0, 8, 1, 1, 0, 1, 0, 0, 0x55, 0xff, 0xd9]);
    bytes
}

fn dng() -> Vec<u8> {
    let mut layout = Layout::new(b"II\x2a\0\0\0\0\0");
    let (small, large, sensor) = (jpeg(16, 12), jpeg(160, 120), lossless(640, 480));
    let (small_at, large_at) = (layout.put(&small), layout.put(&large));
    let sensor_at = layout.put(&sensor);
    let crop = layout.put(&[632_u32.to_le_bytes(), 472_u32.to_le_bytes()].concat());
    let raw = layout.directory(
        &[
            (0x00fe, LONG, 1, 0),
            (0x0100, LONG, 1, 640),
            (0x0101, LONG, 1, 480),
            (0x0102, SHORT, 1, 14),
            (0x0103, SHORT, 1, 7),
            (0x0106, SHORT, 1, 32_803),
            (0x0111, LONG, 1, sensor_at),
            (0x0117, LONG, 1, sensor.len() as u32),
            (0xc620, LONG, 2, crop),
        ],
        0,
    );
    let preview = layout.directory(
        &[
            (0x00fe, LONG, 1, 1),
            (0x0100, LONG, 1, 160),
            (0x0101, LONG, 1, 120),
            (0x0103, SHORT, 1, 7),
            (0x0111, LONG, 1, large_at),
            (0x0117, LONG, 1, large.len() as u32),
        ],
        0,
    );
    let below = layout.put(&[raw.to_le_bytes(), preview.to_le_bytes()].concat());
    let first = layout.directory(
        &[
            (0x00fe, LONG, 1, 1),
            (0x0100, LONG, 1, 16),
            (0x0101, LONG, 1, 12),
            (0x0103, SHORT, 1, 6),
            (0x014a, LONG, 2, below),
            (0x0201, LONG, 1, small_at),
            (0x0202, LONG, 1, small.len() as u32),
            (0xc612, 1, 4, 0x0000_0401),
        ],
        0,
    );
    layout.starting_at(first)
}

/// IFD0 with the large preview as a strip, IFD1 with the small one, and a last
/// one with the sensor's lossless JPEG.
fn cr2() -> Vec<u8> {
    let mut layout = Layout::new(b"II\x2a\0\0\0\0\0CR\x02\0\0\0\0\0");
    let (small, large, sensor) = (jpeg(16, 12), jpeg(180, 120), lossless(2000, 1000));
    let (small_at, large_at) = (layout.put(&small), layout.put(&large));
    let sensor_at = layout.put(&sensor);
    let last = layout.directory(
        &[
            (0x0103, SHORT, 1, 6),
            (0x0111, LONG, 1, sensor_at),
            (0x0117, LONG, 1, sensor.len() as u32),
        ],
        0,
    );
    let second = layout
        .directory(&[(0x0201, LONG, 1, small_at), (0x0202, LONG, 1, small.len() as u32)], last);
    let make = layout.put(b"Canon\0");
    let first = layout.directory(
        &[
            (0x0100, SHORT, 1, 180),
            (0x0101, SHORT, 1, 120),
            (0x0103, SHORT, 1, 6),
            (0x010f, TEXT, 6, make),
            (0x0111, LONG, 1, large_at),
            (0x0117, LONG, 1, large.len() as u32),
        ],
        second,
    );
    layout.starting_at(first)
}

/// Sensor data below the first directory, the maker in words, a preview beside.
fn by_make(make: &[u8], compression: u32) -> Vec<u8> {
    let mut layout = Layout::new(b"II\x2a\0\0\0\0\0");
    let preview = jpeg(96, 64);
    let preview_at = layout.put(&preview);
    let data = layout.put(&[7; 64]);
    let raw = layout.directory(
        &[
            (0x00fe, LONG, 1, 0),
            (0x0100, LONG, 1, 300),
            (0x0101, LONG, 1, 200),
            (0x0102, SHORT, 1, 12),
            (0x0103, LONG, 1, compression),
            (0x0111, LONG, 1, data),
            (0x0117, LONG, 1, 64),
        ],
        0,
    );
    let make_at = layout.put(make);
    let first = layout.directory(
        &[
            (0x00fe, LONG, 1, 1),
            (0x010f, TEXT, make.len() as u32, make_at),
            (0x014a, LONG, 1, raw),
            (0x0201, LONG, 1, preview_at),
            (0x0202, LONG, 1, preview.len() as u32),
        ],
        0,
    );
    layout.starting_at(first)
}

fn rw2() -> Vec<u8> {
    let mut layout = Layout::new(b"IIU\0\0\0\0\0");
    let preview = jpeg(80, 60);
    let preview_at = layout.put(&preview);
    let first = layout.directory(
        &[
            (0x0002, SHORT, 1, 420),
            (0x0003, SHORT, 1, 320),
            (0x0004, SHORT, 1, 4),
            (0x0005, SHORT, 1, 8),
            (0x0006, SHORT, 1, 304),
            (0x0007, SHORT, 1, 408),
            (0x002e, 7, preview.len() as u32, preview_at),
        ],
        0,
    );
    layout.starting_at(first)
}

/// The preview is named in the camera settings of the maker note, whose
/// offsets count from the note.
fn orf() -> Vec<u8> {
    let mut layout = Layout::new(b"IIRO\0\0\0\0");
    let preview = jpeg(80, 60);
    let preview_at = layout.put(&preview);
    let note_at = layout.bytes.len() as u32;
    layout.put(b"OLYMPUS\0II\x03\0");
    let settings_at = 12 + 2 + 12 + 4;
    layout.directory(&[(0x2020, 13, 1, settings_at)], 0);
    layout.directory(
        &[
            (0x0101, LONG, 1, preview_at.wrapping_sub(note_at)),
            (0x0102, LONG, 1, preview.len() as u32),
        ],
        0,
    );
    let note_bytes = layout.bytes.len() as u32 - note_at;
    let exif = layout.directory(&[(0x927c, 7, note_bytes, note_at)], 0);
    let first = layout
        .directory(&[(0x0100, LONG, 1, 400), (0x0101, LONG, 1, 300), (0x8769, LONG, 1, exif)], 0);
    layout.starting_at(first)
}

/// The same with the preview behind the note, as cameras write it.
fn orf_with_the_preview_behind() -> Vec<u8> {
    let mut bytes = orf();
    let preview = jpeg(80, 60);
    let note = bytes.windows(8).position(|window| window == b"OLYMPUS\0").unwrap();
    let behind = (bytes.len() - note) as u32;
    let entry = note + 12 + 2 + 12 + 4 + 2 + 8;
    bytes[entry..entry + 4].copy_from_slice(&behind.to_le_bytes());
    bytes.extend(preview);
    bytes
}

fn raf() -> Vec<u8> {
    let preview = jpeg(72, 48);
    let mut bytes = b"FUJIFILMCCD-RAW 0201FF383501X-T3".to_vec();
    bytes.resize(84, 0);
    let records_at = 160 + preview.len() as u32;
    for word in [160, preview.len() as u32, records_at, 28, records_at + 28, 8] {
        bytes.extend(word.to_be_bytes());
    }
    bytes.resize(160, 0);
    bytes.extend(&preview);
    bytes.extend([0, 0, 0, 2]);
    bytes.extend([0x01, 0x00, 0, 4, 0x01, 0x04, 0x01, 0x88]);
    bytes.extend([0x01, 0x11, 0, 4, 0x01, 0x00, 0x01, 0x80]);
    bytes.resize(records_at as usize + 36, 0);
    bytes
}

/// The same with EXIF, which has the size of the picture itself.
fn cr2_with_exif() -> Vec<u8> {
    let mut bytes = cr2();
    let exif = bytes.len() as u32;
    bytes.extend([2, 0]);
    for (tag, side) in [(0xa002_u16, 2000_u32), (0xa003, 1000)] {
        bytes.extend(tag.to_le_bytes());
        bytes.extend([4, 0, 1, 0, 0, 0]);
        bytes.extend(side.to_le_bytes());
    }
    bytes.extend([0; 4]);
    // In place of the first directory's make.
    let make = [0x0f, 0x01, 2, 0, 6, 0, 0, 0];
    let at = bytes.windows(8).position(|window| window == make).unwrap();
    bytes[at..at + 8].copy_from_slice(&[0x69, 0x87, 4, 0, 1, 0, 0, 0]);
    bytes[at + 8..at + 12].copy_from_slice(&exif.to_le_bytes());
    bytes
}

fn iso_box(kind: &[u8; 4], content: &[u8]) -> Vec<u8> {
    [&(content.len() as u32 + 8).to_be_bytes()[..], kind, content].concat()
}

/// Two tracks, one of them a JPEG in `mdat`, and the preview's own box.
fn cr3(says_size: bool) -> Vec<u8> {
    let (large, middle) = (jpeg(192, 128), jpeg(96, 64));
    let track = |inner: &[u8], size: (u16, u16), offset: u64, length: u32| {
        let mut entry = vec![0; 24];
        entry.extend(size.0.to_be_bytes());
        entry.extend(size.1.to_be_bytes());
        entry.resize(82, 0);
        entry.extend(inner);
        let described =
            iso_box(b"stsd", &[&[0, 0, 0, 0, 0, 0, 0, 1], &iso_box(b"CRAW", &entry)[..]].concat());
        let sizes = [&[0; 8][..], &1_u32.to_be_bytes(), &length.to_be_bytes()].concat();
        let offsets = [&[0, 0, 0, 0, 0, 0, 0, 1], &offset.to_be_bytes()[..]].concat();
        let table = [described, iso_box(b"stsz", &sizes), iso_box(b"co64", &offsets)].concat();
        let media = iso_box(b"mdia", &iso_box(b"minf", &iso_box(b"stbl", &table)));
        iso_box(b"trak", &media)
    };
    let build = |offset: u64| {
        let tracks = [
            track(&iso_box(b"JPEG", &[]), (192, 128), offset, large.len() as u32),
            track(&iso_box(b"CMP1", &[0; 8]), (6000, 4000), 0, 0),
        ];
        let mut main = Layout::new(b"II\x2a\0\0\0\0\0");
        let directory = main.directory(&[(0x0100, SHORT, 1, 5900), (0x0101, SHORT, 1, 3900)], 0);
        let main = if says_size { main.starting_at(directory) } else { vec![] };
        let canon_uuid = b"\x85\xc0\xb6\x87\x82\x0f\x11\xe0\x81\x11\xf4\xce\x46\x2b\x6a\x48";
        let canon = iso_box(b"uuid", &[&canon_uuid[..], &iso_box(b"CMT1", &main)].concat());
        let preview_uuid = b"\xea\xf4\x2b\x5e\x1c\x98\x4b\x88\xb9\xfb\xb7\xdc\x40\x6e\x4d\x16";
        let preview = iso_box(b"PRVW", &[&[0; 16], &middle[..]].concat());
        [
            iso_box(b"ftyp", b"crx \0\0\0\x01crx isom"),
            iso_box(b"moov", &[canon, tracks.concat()].concat()),
            iso_box(b"uuid", &[&preview_uuid[..], &[0, 0, 0, 0, 0, 0, 0, 1], &preview].concat()),
            iso_box(b"mdat", &large),
        ]
        .concat()
    };
    let length = build(0).len() - large.len();
    build(length as u64)
}

#[test]
fn each_makers_layout_is_read() {
    for (name, bytes, sensor_px, preview_px, depth_bits) in [
        ("a.dng", dng(), (632, 472), (160, 120), Some(14)),
        ("a.cr2", cr2(), (180, 120), (180, 120), None),
        ("a.nef", by_make(b"NIKON CORPORATION\0", 34_713), (300, 200), (96, 64), Some(12)),
        ("a.arw", by_make(b"SONY\0\0", 32_767), (300, 200), (96, 64), Some(12)),
        ("a.pef", by_make(b"RICOH IMAGING\0", 65_535), (300, 200), (96, 64), Some(12)),
        ("a.srw", by_make(b"SAMSUNG\0", 32_770), (300, 200), (96, 64), Some(12)),
        ("a.rw2", rw2(), (400, 300), (80, 60), None),
        ("a.orf", orf_with_the_preview_behind(), (400, 300), (80, 60), None),
        ("a.raf", raf(), (384, 256), (72, 48), None),
        ("a.cr2", cr2_with_exif(), (2000, 1000), (180, 120), None),
        ("a.cr3", cr3(false), (6000, 4000), (192, 128), None),
        ("a.cr3", cr3(true), (5900, 3900), (192, 128), None),
    ] {
        let probe = probed(&bytes, name).unwrap();
        let format = name.split('.').nth(1).unwrap();
        assert_eq!(probe.container.format, format);
        assert_eq!(probe.streams[0].codec, format);
        assert_eq!(probed_size(&probe), sensor_px, "{name}");
        assert_eq!(probe.streams[0].bit_depth, depth_bits, "{name}");
        assert!(probe.agreement.agrees, "{name}: {:?}", probe.agreement);
        let picture = decoded(&bytes, name).unwrap();
        assert_eq!(size(&picture), preview_px, "{name}");

        for cut in (0..40).map(|step| step * bytes.len() / 40) {
            survives(&bytes[..cut], name, &format!("{name} cut at {cut}"));
        }
        for at in 0..bytes.len().min(400) {
            let mut damaged = bytes.clone();
            damaged[bytes.len() - 1 - at] ^= 0xff;
            damaged[at] = damaged[at].wrapping_add(at as u8 | 1);
            if at % 8 == 0 {
                survives(&damaged, name, &format!("{name} damaged at {at}"));
            }
        }
    }
}

#[test]
fn a_raw_without_a_preview_says_so() {
    let mut bytes = by_make(b"NIKON CORPORATION\0", 34_713);
    let start = bytes.windows(3).position(|window| window == [0xff, 0xd8, 0xff]).unwrap();
    bytes[start] = 0;
    let probe = probed(&bytes, "a.nef").unwrap();
    assert_eq!(probed_size(&probe), (300, 200));
    assert!(!probe.agreement.agrees);
    assert_eq!(decoded(&bytes, "a.nef").unwrap_err().kind, ErrorKind::Unsupported);
}

/// A Nikon RAW whose sensor is said to be this large.
fn with_sensor(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = by_make(b"NIKON CORPORATION\0", 34_713);
    for (tag, was, side) in [(0x0100_u16, 300_u32, width), (0x0101, 200, height)] {
        let entry = |side: u32| {
            let entry = [&tag.to_le_bytes()[..], &LONG.to_le_bytes(), &1_u32.to_le_bytes()];
            [entry.concat(), side.to_le_bytes().to_vec()].concat()
        };
        let at = bytes.windows(12).position(|window| window == entry(was)).unwrap();
        bytes[at..at + 12].copy_from_slice(&entry(side));
    }
    bytes
}

#[test]
fn a_sensor_that_cannot_be_is_refused() {
    let kind = |bytes: &[u8]| probed(bytes, "a.nef").unwrap_err().kind;
    assert_eq!(kind(&with_sensor(70_000, 10)), ErrorKind::Limit);
    assert_eq!(kind(&with_sensor(u32::MAX, u32::MAX)), ErrorKind::Limit);
    assert_eq!(kind(&with_sensor(65_000, 65_000)), ErrorKind::Corrupt);
    // Sensors of 151 and of 240 million pixels exist, and only their previews are decoded.
    let mut large = with_sensor(19_008, 12_672);
    large.resize(8_000, 0);
    assert_eq!(probed_size(&probed(&large, "a.nef").unwrap()), (19_008, 12_672));
    assert_eq!(size(&decoded(&large, "a.nef").unwrap()), (96, 64));
}

#[test]
fn a_preview_that_lies_backwards_or_beyond_is_not_followed() {
    // Cameras' offsets count forward; a wrapped one must not be believed.
    assert_eq!(decoded(&orf(), "a.orf").unwrap_err().kind, ErrorKind::Unsupported);
    assert_eq!(probed_size(&probed(&orf(), "a.orf").unwrap()), (400, 300));
}

#[test]
fn directories_that_point_at_themselves_are_read_once() {
    // 14 bytes: a header, and a directory without entries that is its own next.
    let own_next = b"II\x2a\0\x08\0\0\0\0\0\x08\0\0\0";
    assert_eq!(own_next.len(), 14);
    let started = Instant::now();
    assert_eq!(probed(own_next, "a.tif").unwrap_err().kind, ErrorKind::Corrupt);
    survives(own_next, "a.tif", "own next");

    // Sub-directories that point back at their parent, and at each other.
    let mut layout = Layout::new(b"II\x2a\0\0\0\0\0");
    let first = layout.directory(&[(0x014a, LONG, 1, 8), (0x0100, LONG, 1, 5)], 8);
    let bytes = layout.starting_at(first);
    survives(&bytes, "a.tif", "sub-directory loop");

    // A chain of 2,000 directories is more than the limit of 1,000.
    let mut layout = Layout::new(b"II\x2a\0\0\0\0\0");
    let next = (0..2000).fold(0, |next, _| layout.directory(&[(0x0100, LONG, 1, 5)], next));
    let bytes = layout.starting_at(next);
    assert_eq!(probed(&bytes, "a.tif").unwrap_err().kind, ErrorKind::Limit);

    // A few bytes that claim 65,535 entries, values of 4 GiB and BigTIFF counts.
    for bytes in [
        &b"II\x2a\0\x08\0\0\0\xff\xff\x00\x01\x04\0\xff\xff\xff\xff\x00\0\0\0"[..],
        b"MM\0\x2b\0\x08\0\0\0\0\0\0\0\0\0\x10\xff\xff\xff\xff\xff\xff\xff\xff",
        b"II\x2b\0\x08\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff",
    ] {
        survives(bytes, "a.tif", "claims");
        assert!(probed(bytes, "a.tif").is_err());
    }
    assert!(started.elapsed() < Duration::from_secs(1), "{:?}", started.elapsed());
}

#[test]
fn pages_are_counted() {
    let mut layout = Layout::new(b"II\x2a\0\0\0\0\0");
    let page = [(0x0100, SHORT, 1, 4), (0x0101, SHORT, 1, 3), (0x0106, SHORT, 1, 1)];
    let last = layout.directory(&page, 0);
    let second = layout.directory(&page, last);
    let first = layout.directory(&page, second);
    let probe = probed(&layout.starting_at(first), "a.tif").unwrap();
    assert_eq!(probe.container.format, "tiff");
    assert_eq!(probe.streams[0].frame_count.unwrap().frames, 3);
}
