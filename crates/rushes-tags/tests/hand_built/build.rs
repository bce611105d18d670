//! Builds small files of every kind that holds tags, and reads them.

use std::fs::File;
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::time::Duration;

use flate2::{Compression, write::ZlibEncoder};
use rushes_media::{Confidence, Limits};
use rushes_tags::{Tags, read};
use rustix::time::{ClockId, clock_gettime};

/// A file in memory, as far as the system goes, rewritten for each reading.
pub(crate) struct Bench(File);

impl Bench {
    pub(crate) fn new() -> Bench {
        Bench(tempfile::tempfile().expect("a file"))
    }

    pub(crate) fn read_with(&self, bytes: &[u8], format: &str, limits: &Limits) -> Tags {
        self.0.set_len(bytes.len() as u64).expect("is cut");
        self.0.write_all_at(bytes, 0).expect("is written");
        read(&self.0, format, limits).expect("is read")
    }

    pub(crate) fn read(&self, bytes: &[u8], format: &str) -> Tags {
        self.read_with(bytes, format, &Limits::default())
    }
}

pub(crate) fn read_bytes(bytes: &[u8], format: &str) -> Tags {
    Bench::new().read(bytes, format)
}

/// The processor time of this thread so far: a busy machine does not lengthen it.
pub(crate) fn work() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::try_from(time).expect("is not negative")
}

/// A TIFF value: type, count and bytes in the order of the structure.
pub(crate) type Field = (u16, u16, u32, Vec<u8>);

/// Builds TIFF structures in either byte order.
#[derive(Clone, Copy)]
pub(crate) struct Order {
    pub(crate) big: bool,
}

impl Order {
    pub(crate) fn u16(self, n: u16) -> [u8; 2] {
        if self.big { n.to_be_bytes() } else { n.to_le_bytes() }
    }

    pub(crate) fn u32(self, n: u32) -> [u8; 4] {
        if self.big { n.to_be_bytes() } else { n.to_le_bytes() }
    }

    pub(crate) fn ascii(self, tag: u16, text: &str) -> Field {
        let bytes = [text.as_bytes(), b"\0"].concat();
        (tag, 2, bytes.len() as u32, bytes)
    }

    pub(crate) fn short(self, tag: u16, n: u16) -> Field {
        (tag, 3, 1, self.u16(n).to_vec())
    }

    pub(crate) fn long(self, tag: u16, n: u32) -> Field {
        (tag, 4, 1, self.u32(n).to_vec())
    }

    pub(crate) fn bytes(self, tag: u16, kind: u16, bytes: &[u8]) -> Field {
        (tag, kind, bytes.len() as u32, bytes.to_vec())
    }

    pub(crate) fn fractions(self, tag: u16, fractions: &[(u32, u32)]) -> Field {
        let bytes = fractions.iter().flat_map(|&(n, d)| [self.u32(n), self.u32(d)].concat());
        (tag, 5, fractions.len() as u32, bytes.collect())
    }

    /// One directory that starts at `start`, its long values after it.
    pub(crate) fn directory(self, start: u32, fields: &[Field]) -> Vec<u8> {
        let mut values_at = start + 2 + fields.len() as u32 * 12 + 4;
        let mut directory = self.u16(fields.len() as u16).to_vec();
        let mut values: Vec<u8> = Vec::new();
        for (tag, kind, count, bytes) in fields {
            directory.extend(self.u16(*tag));
            directory.extend(self.u16(*kind));
            directory.extend(self.u32(*count));
            if bytes.len() <= 4 {
                directory.extend(bytes);
                directory.extend(vec![0; 4 - bytes.len()]);
            } else {
                directory.extend(self.u32(values_at));
                values_at += bytes.len() as u32;
                values.extend(bytes);
            }
        }
        directory.extend([0; 4]);
        directory.extend(values);
        directory
    }

    pub(crate) fn tiff(self, main: Vec<Field>, exif: &[Field], gps: &[Field]) -> Vec<u8> {
        let mut tiff = if self.big { b"MM\0\x2a".to_vec() } else { b"II\x2a\0".to_vec() };
        tiff.extend(self.u32(8));
        let pointers = u32::from(!exif.is_empty()) + u32::from(!gps.is_empty());
        let long: usize = main.iter().map(|f| f.3.len()).filter(|&len| len > 4).sum();
        let exif_at = 8 + 2 + (main.len() as u32 + pointers) * 12 + 4 + long as u32;
        let exif_bytes = self.directory(exif_at, exif);
        let gps_at = exif_at + if exif.is_empty() { 0 } else { exif_bytes.len() as u32 };
        let mut main = main;
        if !exif.is_empty() {
            main.push(self.long(0x8769, exif_at));
        }
        if !gps.is_empty() {
            main.push(self.long(0x8825, gps_at));
        }
        tiff.extend(self.directory(8, &main));
        if !exif.is_empty() {
            tiff.extend(exif_bytes);
        }
        if !gps.is_empty() {
            tiff.extend(self.directory(gps_at, gps));
        }
        tiff
    }
}

pub(crate) const BIG: Order = Order { big: true };
pub(crate) const LITTLE: Order = Order { big: false };

pub(crate) fn segment(marker: u8, body: &[u8]) -> Vec<u8> {
    let len = (body.len() as u16 + 2).to_be_bytes();
    [&[0xff, marker, len[0], len[1]], body].concat()
}

pub(crate) fn jpeg(segments: &[Vec<u8>]) -> Vec<u8> {
    let end = [0xff, 0xda, 0, 2, 0xff, 0xd9];
    [&[0xff, 0xd8][..], &segments.concat(), &end].concat()
}

pub(crate) fn exif_segment(tiff: &[u8]) -> Vec<u8> {
    segment(0xe1, &[b"Exif\0\0", tiff].concat())
}

pub(crate) fn xmp_packet(inside: &str) -> String {
    format!(
        "<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'>\
         <rdf:Description xmlns:xmp='http://ns.adobe.com/xap/1.0/' xmlns:dc='http://purl.org/dc/elements/1.1/' \
         xmlns:xmpNote='http://ns.adobe.com/xmp/note/' {inside}</rdf:RDF></x:xmpmeta>"
    )
}

pub(crate) fn camera_tiff(order: Order) -> Vec<u8> {
    let note = apple_note();
    order.tiff(
        vec![
            order.ascii(0x010f, "Maker \0\0"),
            order.ascii(0x0110, "M1"),
            order.short(0x0112, 6),
            order.ascii(0x0132, "2024:07:01 00:00:00"),
        ],
        &[
            order.fractions(0x829a, &[(1, 250)]),
            order.fractions(0x829d, &[(28, 10)]),
            order.ascii(0x9003, "2024:06:01 12:34:56"),
            order.ascii(0x9011, "+02:00"),
            order.ascii(0x9291, "078"),
            order.bytes(0x927c, 7, &note),
            order.fractions(0xa432, &[(24, 1), (70, 1), (28, 10), (4, 1)]),
        ],
        &[
            order.ascii(1, "S"),
            order.fractions(2, &[(33, 1), (52, 1), (768, 100)]),
            order.ascii(3, "E"),
            order.fractions(4, &[(151, 1), (12, 1), (3348, 100)]),
            order.bytes(5, 1, &[1]),
            order.fractions(6, &[(25, 2)]),
        ],
    )
}

/// Apple's note is big endian whatever surrounds it, and counts from itself.
pub(crate) fn apple_note() -> Vec<u8> {
    let fields = [BIG.long(0x0001, 14), BIG.ascii(0x0011, "2A1E7C50-0000-4000-8000-1234567890AB")];
    [&b"Apple iOS\0\0\x01MM"[..], &BIG.directory(14, &fields)].concat()
}

pub(crate) fn assert_is_camera(tags: &Tags) {
    assert_eq!(tags.camera.make.as_deref(), Some("Maker"));
    assert_eq!(tags.camera.model.as_deref(), Some("M1"));
    assert_eq!(tags.camera.lens.as_deref(), Some("24-70 mm f/2.8-4"));
    let created = tags.created.as_ref().expect("a moment");
    assert_eq!(created.at, "2024-06-01T12:34:56.078+02:00");
    assert_eq!(created.source, "exif:DateTimeOriginal");
    assert_eq!(created.confidence, Confidence::High);
    assert_eq!((tags.rotation_degrees, tags.mirrored), (Some(90), false));
    let gps = tags.gps.expect("a position");
    assert!((gps.latitude_degrees + 33.868_8).abs() < 1e-9, "{gps:?}");
    assert!((gps.longitude_degrees - 151.209_3).abs() < 1e-9, "{gps:?}");
    assert_eq!(gps.altitude_m, Some(-12.5));
    let identifier = tags.content_identifier.as_deref();
    assert_eq!(identifier, Some("2A1E7C50-0000-4000-8000-1234567890AB"));
    assert_eq!(tags.all["exif:FNumber"], "f/2.8");
    assert_eq!(tags.all["exif:ExposureTime"], "1/250 s");
    assert_eq!(tags.problems, Vec::<String>::new());
}

/// ISO boxes.
pub(crate) fn a_box(kind: &[u8; 4], body: &[u8]) -> Vec<u8> {
    [&(body.len() as u32 + 8).to_be_bytes()[..], kind, body].concat()
}

/// A HEIF file with EXIF in a piece of `mdat` and XMP inside `idat`.
pub(crate) fn heif(tiff: &[u8], xmp: &[u8], version: u8) -> Vec<u8> {
    let ftyp = a_box(b"ftyp", b"heic\0\0\0\0mif1heic");
    let exif_item = [&10_u32.to_be_bytes()[..], b"junkExif\0\0", tiff].concat();
    let build = |exif_at: u32| {
        let infe = |id: u16, rest: &[u8]| {
            a_box(b"infe", &[&[2, 0, 0, 0][..], &id.to_be_bytes(), &[0, 0], rest].concat())
        };
        let iinf = [
            &[0, 0, 0, 0, 0, 3][..],
            &infe(1, b"hvc1\0"),
            &infe(2, b"Exif\0"),
            &infe(3, b"mime\0application/rdf+xml\0"),
        ]
        .concat();
        let mut iloc = vec![version, 0, 0, 0, 0x44, 0x00];
        iloc.extend(if version < 2 { vec![0, 2] } else { vec![0, 0, 0, 2] });
        // EXIF in two extents, to be joined.
        let half = exif_item.len() as u32 / 2;
        let rest = exif_item.len() as u32 - half;
        let items = [
            (2_u16, 0_u16, vec![(exif_at, half), (exif_at + half, rest)]),
            (3, 1, vec![(0, xmp.len() as u32)]),
        ];
        for (id, method, extents) in items {
            if version == 2 {
                iloc.extend([0, 0]);
            }
            iloc.extend(id.to_be_bytes());
            if version > 0 {
                iloc.extend(method.to_be_bytes());
            }
            iloc.extend([0, 0]);
            iloc.extend((extents.len() as u16).to_be_bytes());
            for (at, len) in extents {
                iloc.extend(at.to_be_bytes());
                iloc.extend(len.to_be_bytes());
            }
        }
        let profile = [
            &[0; 128][..],
            b"\0\0\0\x01desc\0\0\0\x90\0\0\0\x16",
            b"desc\0\0\0\0\0\0\0\x0aP3 screen\0",
        ]
        .concat();
        let ipco = [
            a_box(b"colr", b"nclx\0\x01\0\x01\0\x01\0"),
            a_box(b"colr", &[b"prof", &profile[..]].concat()),
        ]
        .concat();
        let ipma = a_box(b"ipma", b"\0\0\0\0\0\0\0\x01\0\x01\x02\x01\x82");
        let meta = [
            vec![0; 4],
            a_box(b"hdlr", b"\0\0\0\0\0\0\0\0pict\0\0\0\0\0\0\0\0\0\0\0\0\0"),
            a_box(b"pitm", b"\0\0\0\0\0\x01"),
            a_box(b"iinf", &iinf),
            a_box(b"iloc", &iloc),
            a_box(b"iprp", &[a_box(b"ipco", &ipco), ipma].concat()),
            a_box(b"idat", xmp),
        ]
        .concat();
        [ftyp.clone(), a_box(b"meta", &meta)].concat()
    };
    let exif_at = build(0).len() as u32 + 8;
    [build(exif_at), a_box(b"mdat", &exif_item)].concat()
}

pub(crate) fn png(chunks: &[(&[u8; 4], Vec<u8>)]) -> Vec<u8> {
    let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
    for (kind, body) in chunks.iter().chain([&(b"IEND", vec![])]) {
        png.extend((body.len() as u32).to_be_bytes());
        png.extend(*kind);
        png.extend(body);
        png.extend([0; 4]);
    }
    png
}

/// zlib's format, as PNG packs texts and profiles.
pub(crate) fn packed(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).expect("is packed");
    encoder.finish().expect("is packed")
}

pub(crate) fn raw_profile(kind: &str, bytes: &[u8]) -> Vec<u8> {
    let mut text = format!("\n{kind}\n{:8}\n", bytes.len());
    for row in bytes.chunks(36) {
        text.extend(row.iter().map(|byte| format!("{byte:02x}")));
        text.push('\n');
    }
    text.into_bytes()
}

/// One small file of each kind.
pub(crate) fn small_files() -> Vec<(&'static str, Vec<u8>)> {
    let tiff = camera_tiff(LITTLE);
    let compact = LITTLE.tiff(
        vec![LITTLE.ascii(0x010f, "Maker"), LITTLE.short(0x0112, 6)],
        &[LITTLE.ascii(0x9003, "2024:06:01 12:34:56")],
        &[LITTLE.ascii(1, "S"), LITTLE.fractions(2, &[(33, 1), (52, 1), (768, 100)])],
    );
    let packet = xmp_packet("xmp:Rating='5'><dc:title>T &amp; x</dc:title></rdf:Description>");
    let xmp = segment(0xe1, &[b"http://ns.adobe.com/xap/1.0/\0", packet.as_bytes()].concat());
    let iptc = b"Photoshop 3.0\08BIM\x04\x04\0\0\0\0\0\x0a\x1c\x02\x05\0\x05Title";
    let gif = [
        &b"GIF89a\x01\0\x01\0\0\0\0\x21\xff\x0bXMP DataXMP"[..],
        packet.as_bytes(),
        &[1],
        &(0..=255).rev().collect::<Vec<u8>>(),
        &[0, b';'],
    ];
    vec![
        ("tiff", compact),
        ("jpeg", jpeg(&[exif_segment(&camera_tiff(BIG)), segment(0xed, iptc)])),
        ("jpeg", jpeg(&[xmp])),
        ("heic", heif(&tiff, packet.as_bytes(), 1)),
        ("png", small_png()),
        ("gif", gif.concat()),
    ]
}

pub(crate) fn small_png() -> Vec<u8> {
    png(&[
        (b"zTXt", [&b"Title\0\0"[..], &packed(b"A title that is packed")].concat()),
        (b"iTXt", [&b"Author\0\x01\0en\0\0"[..], &packed(b"Zoe")].concat()),
        (
            b"tEXt",
            [&b"Raw profile type iptc\0"[..], &raw_profile("iptc", b"\x1c\x02\x05\0\x01T")]
                .concat(),
        ),
        (b"iCCP", [&b"x\0\0"[..], &packed(b"profile")].concat()),
    ])
}
