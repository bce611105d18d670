//! Files built here byte by byte: what they mean, and that no damage to them
//! makes the reader panic or hang.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

use std::fs::File;
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::time::Duration;

use flate2::{Compression, write::ZlibEncoder};
use rushes_media::{Confidence, Limits};
use rushes_tags::{Tags, read};
use rustix::time::{ClockId, clock_gettime};

/// A file in memory, as far as the system goes, rewritten for each reading.
struct Bench(File);

impl Bench {
    fn new() -> Bench {
        Bench(tempfile::tempfile().expect("a file"))
    }

    fn read_with(&self, bytes: &[u8], format: &str, limits: &Limits) -> Tags {
        self.0.set_len(bytes.len() as u64).expect("is cut");
        self.0.write_all_at(bytes, 0).expect("is written");
        read(&self.0, format, limits).expect("is read")
    }

    fn read(&self, bytes: &[u8], format: &str) -> Tags {
        self.read_with(bytes, format, &Limits::default())
    }
}

fn read_bytes(bytes: &[u8], format: &str) -> Tags {
    Bench::new().read(bytes, format)
}

/// The processor time of this thread so far: a busy machine does not lengthen it.
fn work() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::try_from(time).expect("is not negative")
}

/// A TIFF value: type, count and bytes in the order of the structure.
type Field = (u16, u16, u32, Vec<u8>);

/// Builds TIFF structures in either byte order.
#[derive(Clone, Copy)]
struct Order {
    big: bool,
}

impl Order {
    fn u16(self, n: u16) -> [u8; 2] {
        if self.big { n.to_be_bytes() } else { n.to_le_bytes() }
    }

    fn u32(self, n: u32) -> [u8; 4] {
        if self.big { n.to_be_bytes() } else { n.to_le_bytes() }
    }

    fn ascii(self, tag: u16, text: &str) -> Field {
        let bytes = [text.as_bytes(), b"\0"].concat();
        (tag, 2, bytes.len() as u32, bytes)
    }

    fn short(self, tag: u16, n: u16) -> Field {
        (tag, 3, 1, self.u16(n).to_vec())
    }

    fn long(self, tag: u16, n: u32) -> Field {
        (tag, 4, 1, self.u32(n).to_vec())
    }

    fn bytes(self, tag: u16, kind: u16, bytes: &[u8]) -> Field {
        (tag, kind, bytes.len() as u32, bytes.to_vec())
    }

    fn fractions(self, tag: u16, fractions: &[(u32, u32)]) -> Field {
        let bytes = fractions.iter().flat_map(|&(n, d)| [self.u32(n), self.u32(d)].concat());
        (tag, 5, fractions.len() as u32, bytes.collect())
    }

    /// One directory that starts at `start`, its long values after it.
    fn directory(self, start: u32, fields: &[Field]) -> Vec<u8> {
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

    fn tiff(self, main: Vec<Field>, exif: &[Field], gps: &[Field]) -> Vec<u8> {
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

const BIG: Order = Order { big: true };
const LITTLE: Order = Order { big: false };

fn segment(marker: u8, body: &[u8]) -> Vec<u8> {
    let len = (body.len() as u16 + 2).to_be_bytes();
    [&[0xff, marker, len[0], len[1]], body].concat()
}

fn jpeg(segments: &[Vec<u8>]) -> Vec<u8> {
    let end = [0xff, 0xda, 0, 2, 0xff, 0xd9];
    [&[0xff, 0xd8][..], &segments.concat(), &end].concat()
}

fn exif_segment(tiff: &[u8]) -> Vec<u8> {
    segment(0xe1, &[b"Exif\0\0", tiff].concat())
}

fn xmp_packet(inside: &str) -> String {
    format!(
        "<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'>\
         <rdf:Description xmlns:xmp='http://ns.adobe.com/xap/1.0/' xmlns:dc='http://purl.org/dc/elements/1.1/' \
         xmlns:xmpNote='http://ns.adobe.com/xmp/note/' {inside}</rdf:RDF></x:xmpmeta>"
    )
}

fn camera_tiff(order: Order) -> Vec<u8> {
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
fn apple_note() -> Vec<u8> {
    let fields = [BIG.long(0x0001, 14), BIG.ascii(0x0011, "2A1E7C50-0000-4000-8000-1234567890AB")];
    [&b"Apple iOS\0\0\x01MM"[..], &BIG.directory(14, &fields)].concat()
}

fn assert_is_camera(tags: &Tags) {
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
fn a_box(kind: &[u8; 4], body: &[u8]) -> Vec<u8> {
    [&(body.len() as u32 + 8).to_be_bytes()[..], kind, body].concat()
}

/// A HEIF file with EXIF in a piece of `mdat` and XMP inside `idat`.
fn heif(tiff: &[u8], xmp: &[u8], version: u8) -> Vec<u8> {
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

#[test]
fn both_byte_orders_in_every_wrapper() {
    for order in [BIG, LITTLE] {
        let tiff = camera_tiff(order);
        assert_is_camera(&read_bytes(&tiff, "tiff"));
        assert_is_camera(&read_bytes(&jpeg(&[exif_segment(&tiff)]), "jpeg"));
        assert_is_camera(&read_bytes(&heif(&tiff, b"<a/>", 1), "heic"));
        let chunk = |kind: &[u8; 4], body: &[u8]| {
            [&(body.len() as u32).to_be_bytes()[..], kind, body, &[0; 4]].concat()
        };
        let png = [&b"\x89PNG\r\n\x1a\n"[..], &chunk(b"eXIf", &tiff), &chunk(b"IEND", b"")];
        assert_is_camera(&read_bytes(&png.concat(), "png"));
        let mut webp = b"RIFF\0\0\0\0WEBPEXIF".to_vec();
        webp.extend((tiff.len() as u32).to_le_bytes());
        webp.extend(&tiff);
        assert_is_camera(&read_bytes(&webp, "webp"));
        let preview = jpeg(&[exif_segment(&tiff)]);
        let mut raf = b"FUJIFILMCCD-RAW 0201".to_vec();
        raf.resize(84, 0);
        raf.extend(92_u32.to_be_bytes());
        raf.extend((preview.len() as u32).to_be_bytes());
        raf.extend(&preview);
        assert_is_camera(&read_bytes(&raf, "raf"));
        let jxl = [
            a_box(b"JXL ", b"\r\n\x87\n"),
            a_box(b"ftyp", b"jxl \0\0\0\0jxl "),
            a_box(b"Exif", &[&[0; 4], &tiff[..]].concat()),
        ];
        assert_is_camera(&read_bytes(&jxl.concat(), "jxl"));
    }
}

#[test]
fn makers_own_tiffs() {
    let preview = jpeg(&[exif_segment(&camera_tiff(BIG))]);
    let mut panasonic =
        LITTLE.tiff(vec![LITTLE.bytes(0x002e, 7, &preview), LITTLE.short(0x0112, 6)], &[], &[]);
    panasonic[2] = 0x55;
    assert_is_camera(&read_bytes(&panasonic, "rw2"));
    let mut olympus = camera_tiff(LITTLE);
    olympus[2..4].copy_from_slice(b"RO");
    assert_is_camera(&read_bytes(&olympus, "orf"));
}

/// A RAW whose first directory is that of a thumbnail and says little: what
/// counts stands below, beside the picture and beside a preview.
#[test]
fn what_stands_beside_the_picture_of_a_raw() {
    for order in [BIG, LITTLE] {
        let build = |places: [u32; 3]| {
            let [picture, preview, exif] = places;
            let below = [order.u32(picture), order.u32(preview)].concat();
            let first = [
                order.long(0x00fe, 1),
                order.ascii(0x010f, "Maker"),
                order.fractions(0x829a, &[(1, 125)]),
                order.short(0x8827, 640),
                (0x014a, 4, 2, below),
                order.ascii(0xc614, "M1 by DNG"),
            ];
            let picture_fields =
                [order.long(0x00fe, 0), order.short(0x0112, 6), order.long(0x8769, exif)];
            let preview_fields = [order.long(0x00fe, 1), order.short(0x0112, 3)];
            let exif_fields =
                [order.ascii(0x9003, "2024:06:01 12:34:56"), order.ascii(0xa434, "A lens")];
            let parts = [
                [if order.big { &b"MM\0\x2a"[..] } else { b"II\x2a\0" }, &order.u32(8)].concat(),
                order.directory(8, &first),
                order.directory(picture, &picture_fields),
                order.directory(preview, &preview_fields),
                order.directory(exif, &exif_fields),
            ];
            let ends = parts.iter().scan(0, |end, part| {
                *end += part.len() as u32;
                Some(*end)
            });
            let ends: Vec<u32> = ends.collect();
            (parts.concat(), [ends[1], ends[2], ends[3]])
        };
        let (_, places) = build([0; 3]);
        let (bytes, _) = build(places);
        let tags = read_bytes(&bytes, "dng");
        assert_eq!(tags.problems, Vec::<String>::new());
        assert_eq!(tags.camera.make.as_deref(), Some("Maker"));
        assert_eq!(tags.camera.model.as_deref(), Some("M1 by DNG"));
        assert_eq!(tags.camera.lens.as_deref(), Some("A lens"));
        assert_eq!(tags.created.expect("a moment").at, "2024-06-01T12:34:56");
        assert_eq!((tags.rotation_degrees, tags.mirrored), (Some(90), false));
        assert_eq!(tags.all["exif:ExposureTime"], "1/125 s");
        assert_eq!(tags.all["exif:PhotographicSensitivity"], "640");
    }
}

/// A camera's EXIF with this maker's note, which is told where it stands.
fn with_note(order: Order, make: &str, model: &str, note: impl Fn(u32) -> Vec<u8>) -> Tags {
    let build = |note: &[u8]| {
        let main = vec![order.ascii(0x010f, make), order.ascii(0x0110, model)];
        order.tiff(main, &[order.bytes(0x927c, 7, note)], &[])
    };
    let guess = note(0);
    let bytes = build(&guess);
    let at = bytes.windows(guess.len()).position(|window| window == guess).expect("is there");
    read_bytes(&build(&note(at as u32)), "tiff")
}

#[test]
fn lenses_by_makers_notes() {
    for order in [BIG, LITTLE] {
        let lens = |make, model, note: &dyn Fn(u32) -> Vec<u8>| {
            let tags = with_note(order, make, model, note);
            assert_eq!(tags.problems, Vec::<String>::new());
            tags.camera.lens
        };
        let settings = |units: u16| {
            let numbers = (0..26_u16).map(|at| match at {
                23 => 55 * units,
                24 => 18 * units,
                25 => units,
                _ => 7,
            });
            let bytes: Vec<u8> = numbers.flat_map(|number| order.u16(number)).collect();
            (0x0001, 3, 26, bytes)
        };
        let canon = |at| order.directory(at, &[settings(4), order.ascii(0x0095, "EF 50mm f/1.8")]);
        assert_eq!(lens("Canon", "Canon EOS 5D", &canon).as_deref(), Some("EF 50mm f/1.8"));
        let unnamed = |at| order.directory(at, &[settings(4), order.ascii(0x0095, "")]);
        assert_eq!(lens("Canon", "Canon EOS 350D", &unnamed).as_deref(), Some("18-55 mm"));
        // What is built in is no lens, and units of nothing say nothing.
        assert_eq!(lens("Canon", "Canon IXUS", &unnamed), None);
        let broken = |at| order.directory(at, &[settings(0)]);
        assert_eq!(lens("Canon", "Canon EOS 350D", &broken), None);

        let range = order.fractions(0x0084, &[(18, 1), (70, 1), (35, 10), (45, 10)]);
        let nikon = |_| {
            let own = order.tiff(vec![range.clone()], &[], &[]);
            [&b"Nikon\0\x02\x10\0\0"[..], &own].concat()
        };
        assert_eq!(lens("NIKON", "D70", &nikon).as_deref(), Some("18-70 mm f/3.5-4.5"));
        let headless = |at| order.directory(at, std::slice::from_ref(&range));
        assert_eq!(lens("NIKON", "D1X", &headless).as_deref(), Some("18-70 mm f/3.5-4.5"));

        let panasonic = |at: u32| {
            let directory = order.directory(at + 12, &[order.ascii(0x0051, "LUMIX G 20/F1.7")]);
            [&b"Panasonic\0\0\0"[..], &directory].concat()
        };
        assert_eq!(lens("Panasonic", "GF1", &panasonic).as_deref(), Some("LUMIX G 20/F1.7"));
        let olympus = |_| {
            let head =
                [&b"OLYMPUS\0"[..], if order.big { b"MM" } else { b"II" }, b"\x03\0"].concat();
            let equipment = order.directory(12 + 18, &[order.ascii(0x0203, "M.17mm F1.8")]);
            [head, order.directory(12, &[order.long(0x2010, 30)]), equipment].concat()
        };
        assert_eq!(lens("OLYMPUS", "E-P3", &olympus).as_deref(), Some("M.17mm F1.8"));
    }
}

#[test]
fn big_tiff() {
    let mut tiff = b"II\x2b\0\x08\0\0\0\x10\0\0\0\0\0\0\0\x02\0\0\0\0\0\0\0".to_vec();
    tiff.extend(b"\x0f\x01\x02\0\x06\0\0\0\0\0\0\0Maker\0\0\0");
    tiff.extend(b"\x10\x01\x02\0\x0a\0\0\0\0\0\0\0\x48\0\0\0\0\0\0\0");
    tiff.extend([0; 8]);
    assert_eq!(tiff.len(), 0x48);
    tiff.extend(b"Long name\0");
    let tags = read_bytes(&tiff, "tiff");
    assert_eq!(tags.camera.make.as_deref(), Some("Maker"));
    assert_eq!(tags.camera.model.as_deref(), Some("Long name"));
}

#[test]
fn canon_cr3() {
    let order = LITTLE;
    let main = order.tiff(vec![order.ascii(0x010f, "Canon"), order.short(0x0112, 8)], &[], &[]);
    let exif = order.tiff(vec![order.ascii(0x9003, "2024:06:01 12:34:56")], &[], &[]);
    let gps = order.tiff(
        vec![
            order.ascii(1, "N"),
            order.fractions(2, &[(46, 1), (30, 1), (0, 1)]),
            order.ascii(3, "W"),
            order.fractions(4, &[(7, 1), (0, 1), (0, 1)]),
        ],
        &[],
        &[],
    );
    let canon = b"\x85\xc0\xb6\x87\x82\x0f\x11\xe0\x81\x11\xf4\xce\x46\x2b\x6a\x48";
    let parts = [a_box(b"CMT1", &main), a_box(b"CMT2", &exif), a_box(b"CMT4", &gps)].concat();
    let moov = a_box(b"moov", &a_box(b"uuid", &[&canon[..], &parts].concat()));
    let adobe = b"\xbe\x7a\xcf\xcb\x97\xa9\x42\xe8\x9c\x71\x99\x94\x91\xe3\xaf\xac";
    let packet = xmp_packet("xmp:Rating='3'/>");
    let uuid = a_box(b"uuid", &[&adobe[..], packet.as_bytes()].concat());
    let file = [a_box(b"ftyp", b"crx \0\0\0\x01crx isom"), moov, uuid].concat();
    let tags = read_bytes(&file, "cr3");
    assert_eq!(tags.camera.make.as_deref(), Some("Canon"));
    assert_eq!(tags.created.expect("a moment").at, "2024-06-01T12:34:56");
    let gps = tags.gps.expect("a position");
    assert_eq!((gps.latitude_degrees, gps.longitude_degrees), (46.5, -7.0));
    assert_eq!((tags.rotation_degrees, tags.rating), (Some(270), Some(3)));
}

#[test]
fn heif_items_in_every_version_of_the_table() {
    let tiff = camera_tiff(BIG);
    let packet = xmp_packet("><dc:title>Hi</dc:title></rdf:Description>");
    for version in 1..=2 {
        let tags = read_bytes(&heif(&tiff, packet.as_bytes(), version), "heic");
        assert_is_camera(&tags);
        assert_eq!(tags.title.as_deref(), Some("Hi"), "version {version}");
        assert_eq!(tags.icc_profile.as_deref(), Some("P3 screen"));
    }
    // Version 0 has no construction method: its XMP would be in the file.
    assert_is_camera(&read_bytes(&heif(&tiff, b"", 0), "heif"));
}

#[test]
fn extended_xmp_is_joined_when_whole_and_named() {
    let guid = "0123456789ABCDEF0123456789ABCDEF";
    let standard = xmp_packet(&format!("xmpNote:HasExtendedXMP='{guid}' xmp:Rating='2'/>"));
    let extended = xmp_packet("><dc:description>Long</dc:description></rdf:Description>");
    let standard =
        segment(0xe1, &[b"http://ns.adobe.com/xap/1.0/\0", standard.as_bytes()].concat());
    let (first, second) = extended.as_bytes().split_at(100);
    let piece = |guid: &str, at: u32, bytes: &[u8]| {
        let head = [&b"http://ns.adobe.com/xmp/extension/\0"[..], guid.as_bytes()].concat();
        let numbers = [(extended.len() as u32).to_be_bytes(), at.to_be_bytes()].concat();
        segment(0xe1, &[&head, &numbers, bytes].concat())
    };
    let (first, second) = (piece(guid, 0, first), piece(guid, 100, second));
    let other = piece("FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF", 0, b"<x/>");
    let whole = jpeg(&[standard.clone(), second.clone(), other, first.clone()]);
    let tags = read_bytes(&whole, "jpeg");
    assert_eq!((tags.description.as_deref(), tags.rating), (Some("Long"), Some(2)));
    assert!(tags.problems.is_empty(), "{:?}", tags.problems);
    // The second piece is missing its neighbour, or lies past a gap.
    let apart = piece(guid, 101, &extended.as_bytes()[100..]);
    for pieces in [vec![standard.clone(), second], vec![standard, first, apart]] {
        let tags = read_bytes(&jpeg(&pieces), "jpeg");
        assert_eq!((tags.description, tags.rating), (None, Some(2)));
        assert_eq!(tags.problems, ["JPEG lacks a part of its extended XMP"]);
    }
}

#[test]
fn iptc_in_a_jpeg_and_the_profile_in_pieces() {
    let iptc = b"\x1c\x02\x05\0\x05Title\x1c\x02\x19\0\x03one\x1c\x02\x37\0\x0820240601";
    let mut resources = b"Photoshop 3.0\08BIM\x04\x25\x03abc\0\0\0\x01x\0".to_vec();
    resources.extend(b"8BIM\x04\x04\0\0");
    resources.extend((iptc.len() as u32).to_be_bytes());
    resources.extend(iptc);
    let profile =
        [&[0; 128][..], b"\0\0\0\x01desc\0\0\0\x90\0\0\0\x11desc\0\0\0\0\0\0\0\x05sRGB\0"].concat();
    let piece = |n: u8, of: u8, bytes: &[u8]| {
        segment(0xe2, &[&b"ICC_PROFILE\0"[..], &[n, of], bytes].concat())
    };
    // Split within the resources, as Photoshop does at 64 KiB.
    let (first, second) = resources.split_at(40);
    let second = [&b"Photoshop 3.0\0"[..], second].concat();
    let file = jpeg(&[
        piece(2, 2, &profile[100..]),
        segment(0xed, first),
        segment(0xed, &second),
        piece(1, 2, &profile[..100]),
    ]);
    let tags = read_bytes(&file, "jpeg");
    assert_eq!(tags.title.as_deref(), Some("Title"));
    assert_eq!(tags.keywords, ["one"]);
    assert_eq!(tags.created.expect("a day").at, "2024-06-01");
    assert_eq!(tags.icc_profile.as_deref(), Some("sRGB"));
    let tags = read_bytes(&jpeg(&[piece(2, 2, &profile[100..])]), "jpeg");
    assert_eq!(tags.icc_profile, None);
    assert_eq!(tags.problems, ["JPEG lacks a part of its ICC profile"]);
}

/// TIFF 6.0 defines an orientation by where the stored first row and first
/// column are on the picture as shown.
#[test]
fn all_eight_orientations_by_their_definition() {
    let definitions = [
        ("top", "left"),
        ("top", "right"),
        ("bottom", "right"),
        ("bottom", "left"),
        ("left", "top"),
        ("right", "top"),
        ("right", "bottom"),
        ("left", "bottom"),
    ];
    for (number, (row, column)) in (1_u16..).zip(definitions) {
        let tags = read_bytes(&LITTLE.tiff(vec![LITTLE.short(0x0112, number)], &[], &[]), "tiff");
        // The sides of the stored picture, clockwise from the first row.
        let mut sides = ["row 0", "last column", "last row", "column 0"];
        sides.rotate_right(usize::from(tags.rotation_degrees.expect("a turn")) / 90);
        if tags.mirrored {
            sides.swap(1, 3);
        }
        let shown = ["top", "right", "bottom", "left"];
        let place = |side| shown[sides.iter().position(|s| *s == side).expect("is there")];
        assert_eq!((place("row 0"), place("column 0")), (row, column), "orientation {number}");
    }
    for number in [0, 9, 65_535] {
        let tags = read_bytes(&BIG.tiff(vec![BIG.short(0x0112, number)], &[], &[]), "tiff");
        assert_eq!((tags.rotation_degrees, tags.mirrored), (None, false));
        assert_eq!(tags.problems.len(), 1, "{:?}", tags.problems);
    }
}

#[test]
fn which_moment_counts() {
    let of = |main: Vec<Field>, exif: &[Field], gps: &[Field]| {
        let created = read_bytes(&LITTLE.tiff(main, exif, gps), "tiff").created?;
        Some((created.at, created.source, created.confidence))
    };
    let taken = LITTLE.ascii(0x9003, "2024:06:01 12:34:56");
    let blank = LITTLE.ascii(0x9003, "0000:00:00 00:00:00");
    let scanned = LITTLE.ascii(0x9004, "2024:06:02 12:00:00");
    let changed = LITTLE.ascii(0x0132, "2024:06:03 12:00:00");
    let fix =
        [LITTLE.fractions(7, &[(10, 1), (34, 1), (565, 10)]), LITTLE.ascii(0x1d, "2024:05:31")];
    let says = |at: &str, source: &str, confidence| Some((at.into(), source.into(), confidence));
    assert_eq!(
        of(vec![changed.clone()], &[taken, scanned.clone()], &fix),
        says("2024-06-01T12:34:56", "exif:DateTimeOriginal", Confidence::Medium)
    );
    assert_eq!(
        of(vec![changed.clone()], &[blank.clone(), scanned], &fix),
        says("2024-06-02T12:00:00", "exif:DateTimeDigitized", Confidence::Medium)
    );
    assert_eq!(
        of(vec![changed.clone()], std::slice::from_ref(&blank), &fix),
        says("2024-05-31T10:34:56.500Z", "exif:GPSDateStamp", Confidence::Medium)
    );
    assert_eq!(
        of(vec![changed], std::slice::from_ref(&blank), &[]),
        says("2024-06-03T12:00:00", "exif:DateTime", Confidence::Low)
    );
    assert_eq!(of(vec![], &[blank], &[]), None);
}

#[test]
fn positions_that_are_none() {
    let of = |north: &str, latitude: &[(u32, u32)], east: &str, longitude: &[(u32, u32)]| {
        let gps = [
            BIG.ascii(1, north),
            BIG.fractions(2, latitude),
            BIG.ascii(3, east),
            BIG.fractions(4, longitude),
            BIG.fractions(6, &[(5, 0)]),
        ];
        read_bytes(&BIG.tiff(vec![], &[], &gps), "tiff")
    };
    let good = of("n", &[(1, 1), (30, 1)], "W", &[(2, 1)]).gps.expect("a position");
    assert_eq!((good.latitude_degrees, good.longitude_degrees), (1.5, -2.0));
    assert_eq!(good.altitude_m, None);
    for (tags, why) in [
        (of("N", &[(0, 0), (0, 0), (0, 0)], "E", &[(2, 1)]), "divides by zero"),
        (of("N", &[(90, 1), (1, 1)], "E", &[(2, 1)]), "not on Earth"),
        (of("N", &[(1, 1)], "E", &[(u32::MAX, 1)]), "not on Earth"),
        (of("X", &[(1, 1)], "E", &[(2, 1)]), "without saying"),
        (of("N", &[(0, 1)], "E", &[(0, 1)]), "without a fix"),
    ] {
        assert_eq!(tags.gps, None);
        assert!(tags.problems.iter().any(|p| p.contains(why)), "{why}: {:?}", tags.problems);
    }
}

#[test]
fn directories_that_point_at_themselves() {
    // The EXIF pointer leads back to the first directory, and so on for ever.
    let mut tiff = b"MM\0\x2a\0\0\0\x08\0\x03".to_vec();
    for tag in [0x8769_u16, 0x8825, 0x8769] {
        tiff.extend(tag.to_be_bytes());
        tiff.extend(b"\0\x04\0\0\0\x01\0\0\0\x08");
    }
    tiff.extend(b"\0\0\0\x08");
    let tags = read_bytes(&tiff, "tiff");
    assert_eq!(tags.problems, ["EXIF has a directory that points back to another"]);

    // A directory of 65,535 pointers, each to another place in the same bytes.
    let mut tiff = b"MM\0\x2a\0\0\0\x08\xff\xff".to_vec();
    for number in 0..65_535_u32 {
        tiff.extend(b"\x87\x69\0\x04\0\0\0\x01");
        tiff.extend((8 + number * 12).to_be_bytes());
    }
    let start = work();
    let tags = read_bytes(&tiff, "tiff");
    assert!(!tags.problems.is_empty());
    let took = work() - start;
    assert!(took < Duration::from_secs(5), "{took:?}");
}

#[test]
fn a_tag_just_within_its_limit_and_just_over() {
    let packet = xmp_packet("xmp:Rating='5'/>");
    for (limits, limit) in
        [(Limits::default(), 16 << 20), (Limits { tag_bytes: 4096, ..Limits::default() }, 4096)]
    {
        for (len, rating) in [(limit, Some(5)), (limit + 1, None)] {
            let tiff = LITTLE.tiff(vec![(0x02bc, 1, len, vec![0; 5])], &[], &[]);
            let at = tiff.len() - 5;
            let file = tempfile::tempfile().expect("a file");
            file.write_all_at(&tiff, 0).expect("is written");
            file.write_all_at(packet.as_bytes(), at as u64).expect("is written");
            file.set_len(at as u64 + u64::from(len)).expect("is grown");
            let tags = read(&file, "tiff", &limits).expect("is read");
            assert_eq!(tags.rating, rating, "{len} bytes: {:?}", tags.problems);
            assert_eq!(tags.problems.is_empty(), rating.is_some(), "{:?}", tags.problems);
        }
    }
}

#[test]
fn lengths_that_are_only_stated_make_no_room() {
    // Four billion values of eight bytes each, in 26 bytes.
    let tiff = b"MM\0\x2a\0\0\0\x08\0\x01\x02\xbc\0\x0c\xff\xff\xff\xff\0\0\0\x08\0\0\0\0";
    assert!(read_bytes(tiff, "tiff").problems[0].contains("points past its end"));
    let png = b"\x89PNG\r\n\x1a\n\x7f\xff\xff\xffiTXtXML:com.adobe.xmp\0";
    assert!(read_bytes(png, "png").problems[0].contains("over the limit"));
    let webp = b"RIFF\xff\xff\xff\xffWEBPXMP \xff\xff\xff\xff<x/>";
    assert!(read_bytes(webp, "webp").problems[0].contains("over the limit"));
}

#[test]
fn what_is_no_picture_and_what_cannot_be_read() {
    assert_eq!(read_bytes(b"", "mp3"), Tags::default());
    assert_eq!(read_bytes(b"ID3 and so on, for some bytes", "mp3"), Tags::default());
    assert_eq!(read_bytes(b"not a jpeg", "jpeg").problems.len(), 1);
    let folder = File::open(env!("CARGO_MANIFEST_DIR")).expect("opens");
    assert!(read(&folder, "jpeg", &Limits::default()).is_err());
}

/// One small file of each kind.
fn png(chunks: &[(&[u8; 4], Vec<u8>)]) -> Vec<u8> {
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
fn packed(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).expect("is packed");
    encoder.finish().expect("is packed")
}

fn raw_profile(kind: &str, bytes: &[u8]) -> Vec<u8> {
    let mut text = format!("\n{kind}\n{:8}\n", bytes.len());
    for row in bytes.chunks(36) {
        text.extend(row.iter().map(|byte| format!("{byte:02x}")));
        text.push('\n');
    }
    text.into_bytes()
}

#[test]
fn packed_texts_of_png() {
    let packet = xmp_packet("xmp:Rating='5'><dc:title>T &amp; x</dc:title></rdf:Description>");
    let xmp = [b"XML:com.adobe.xmp\0\x01\0\0\0", &packed(packet.as_bytes())[..]].concat();
    let text = [&b"Description\0\0"[..], &packed(b"Z\xfcrich")].concat();
    let own = [&b"Author\0\x01\0en\0\0"[..], &packed("Zoë".as_bytes())].concat();
    let profile = [&b"plain name\0\0"[..], &packed(b"no profile")].concat();
    let chunks = [(b"iTXt", xmp), (b"zTXt", text), (b"iTXt", own), (b"iCCP", profile)];
    let tags = read_bytes(&png(&chunks), "png");
    assert_eq!((tags.title.as_deref(), tags.rating), (Some("T & x"), Some(5)));
    assert_eq!(tags.description.as_deref(), Some("Zürich"));
    assert_eq!(tags.all["png:Author"], "Zoë");
    // A profile without a description goes by the chunk's name.
    assert_eq!(tags.icc_profile.as_deref(), Some("plain name"));
    assert_eq!(tags.problems, Vec::<String>::new());
}

#[test]
fn raw_profiles_of_png() {
    let exif = [&b"Exif\0\0"[..], &camera_tiff(BIG)].concat();
    for (kind, name) in [("exif", "exif"), ("APP1", "APP1"), ("exif", "generic profile")] {
        let text = raw_profile(name, &exif);
        let plain = [format!("Raw profile type {kind}\0").as_bytes(), &text].concat();
        assert_is_camera(&read_bytes(&png(&[(b"tEXt", plain)]), "png"));
        let text = [format!("Raw profile type {kind}\0\0").as_bytes(), &packed(&text)].concat();
        let tags = read_bytes(&png(&[(b"zTXt", text)]), "png");
        assert_is_camera(&tags);
        assert!(tags.all.keys().all(|name| !name.contains("Raw profile")), "{:?}", tags.all);
    }
    let iptc = b"8BIM\x04\x04\0\0\0\0\0\x0a\x1c\x02\x05\0\x05Title";
    for bytes in [&iptc[..], &iptc[12..]] {
        let text = raw_profile("iptc", bytes);
        let text = [&b"Raw profile type iptc\0"[..], &text].concat();
        assert_eq!(read_bytes(&png(&[(b"tEXt", text)]), "png").title.as_deref(), Some("Title"));
    }
    for text in [&b""[..], b"\nexif\n", b"\nexif\n 4\n0102", b"\nexif\n 2\n01zz", b"\nx\n-1\n"] {
        let text = [&b"Raw profile type exif\0"[..], text].concat();
        assert_eq!(read_bytes(&png(&[(b"tEXt", text)]), "png").problems.len(), 1);
    }
}

#[test]
fn texts_that_unpack_to_a_thousand_times_as_much() {
    let start = work();
    // 17 MB of each: over the limit of 16 MiB, and two hundred of them over that of all.
    let bomb = packed(&vec![b'x'; 17_000_000]);
    let profile = [&b"x\0\0"[..], &bomb].concat();
    let tags = read_bytes(&png(&[(b"iCCP", profile.clone())]), "png");
    assert!(tags.problems[0].contains("unpacks to more than the limit"), "{:?}", tags.problems);
    let tags = read_bytes(&png(&vec![(b"iCCP", profile); 200]), "png");
    assert!(tags.problems.iter().any(|problem| problem.contains("in all")), "{:?}", tags.problems);
    // Of a text only what is kept is unpacked: here of two hundred.
    let text = [&b"Comment\0\0"[..], &bomb].concat();
    let tags = read_bytes(&png(&vec![(b"zTXt", text); 200]), "png");
    assert!(tags.all["png:Comment"].len() <= 64 << 10);
    let took = work() - start;
    assert!(took < Duration::from_secs(10), "{took:?}");
    let damaged = [&b"Title\0\0"[..], &packed(b"Title")[..8]].concat();
    let tags = read_bytes(&png(&[(b"zTXt", damaged)]), "png");
    assert!(tags.problems[0].contains("does not unpack"), "{:?}", tags.problems);
}

fn small_files() -> Vec<(&'static str, Vec<u8>)> {
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

fn small_png() -> Vec<u8> {
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

#[test]
fn gif_gives_its_packet() {
    let (_, gif) = small_files().pop().expect("is last");
    let tags = read_bytes(&gif, "gif");
    assert_eq!((tags.title.as_deref(), tags.rating), (Some("T & x"), Some(5)));
}

/// Reads and fails when that takes long, or yields more than fits the limits.
fn survive(bench: &Bench, bytes: &[u8], format: &str) {
    let start = work();
    let tags = bench.read(bytes, format);
    let took = work() - start;
    assert!(took < Duration::from_secs(5), "{format}: {took:?}");
    let text: usize = tags.all.iter().map(|(name, text)| name.len() + text.len()).sum();
    assert!(text <= Limits::default().text_bytes as usize);
    assert!(tags.problems.len() <= 32);
}

#[test]
fn every_truncation_is_survived() {
    let bench = Bench::new();
    for (format, bytes) in small_files() {
        for len in 0..bytes.len() {
            survive(&bench, &bytes[..len], format);
        }
    }
}

#[test]
fn every_change_of_one_byte_is_survived() {
    std::thread::scope(|scope| {
        // Each file in halves, so that two cores share the longest.
        for ((format, mut bytes), half) in
            small_files().into_iter().flat_map(|file| [(file.clone(), 0), (file, 1)])
        {
            scope.spawn(move || {
                let bench = Bench::new();
                let middle = bytes.len() / 2;
                let places = if half == 0 { 0..middle } else { middle..bytes.len() };
                for at in places {
                    let kept = bytes[at];
                    for new in 0..=255 {
                        let is_telling =
                            matches!(new, 0..=2 | 0x0c | 0x26 | 0x3c | 0x7f..=0x80 | 0xff);
                        // Every value where it is cheap, the telling ones elsewhere.
                        if format == "tiff" || is_telling {
                            bytes[at] = new;
                            survive(&bench, &bytes, format);
                        }
                    }
                    bytes[at] = kept;
                }
            });
        }
    });
}

#[test]
fn cut_real_files_are_survived() {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/corpus");
    let corpus = std::env::var_os("RUSHES_CORPUS").map_or(beside.into(), std::path::PathBuf::from);
    if !corpus.is_dir() {
        println!("SKIPPED: there is no corpus at {}", corpus.display());
        return;
    }
    let bench = Bench::new();
    let mut count = 0;
    for folder in ["exif", "photo", "orientation", "heic", "image", "tags"] {
        for entry in std::fs::read_dir(corpus.join(folder)).expect("a folder") {
            let mut bytes = std::fs::read(entry.expect("an entry").path()).expect("is read");
            bytes.truncate(256 << 10);
            count += 1;
            for step in 0..24 {
                survive(&bench, &bytes[..bytes.len() * step / 24], "jpeg");
            }
            // Damage that is the same in every run: a small generator.
            let mut state = bytes.len() as u32 | 1;
            for _ in 0..12 {
                let mut damaged = bytes.clone();
                for _ in 0..40 {
                    state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    let at = (state >> 8) as usize % damaged.len().clamp(1, 16 << 10);
                    if let Some(byte) = damaged.get_mut(at) {
                        *byte = state as u8;
                    }
                }
                survive(&bench, &damaged, "jpeg");
            }
        }
    }
    assert_eq!(count, 149 + 10 + 13 + 3 + 38 + 76);
}
