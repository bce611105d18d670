//! Packed texts of PNG, and profiles in them.

use std::time::Duration;

use crate::build::{
    BIG, assert_is_camera, camera_tiff, packed, png, raw_profile, read_bytes, work, xmp_packet,
};

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
