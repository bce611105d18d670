//! What tags mean, wherever they stand.

use rushes_media::Confidence;
use rushes_tags::Tags;

use crate::build::{
    BIG, Field, LITTLE, Order, a_box, assert_is_camera, camera_tiff, exif_segment, heif, jpeg,
    read_bytes, segment, small_files, xmp_packet,
};

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
fn gif_gives_its_packet() {
    let (_, gif) = small_files().pop().expect("is last");
    let tags = read_bytes(&gif, "gif");
    assert_eq!((tags.title.as_deref(), tags.rating), (Some("T & x"), Some(5)));
}
