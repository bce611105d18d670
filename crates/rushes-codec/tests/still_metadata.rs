//! Metadata in the stills that are written, as exiftool reads it.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops there")]
#![expect(clippy::print_stdout, reason = "what is skipped is said")]

use std::path::{Path, PathBuf};
use std::process::Command;

use rushes_codec::{
    STILL_TARGETS, Source, encode_still, encode_still_with, left_out_of_still, still_frame,
    still_frame_in_profile, still_profile,
};
use rushes_media::{Block, Blocks, Frame, Layout, Limits, Values};
use serde_json::Value;

const XMP: &str = r#"<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/" photoshop:City="Zürich"/></rdf:RDF></x:xmpmeta>"#;
/// A record version, then a keyword.
const IPTC: &[u8] = b"\x1c\x02\x00\x00\x02\x00\x04\x1c\x02\x19\x00\x05gulls";

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)
}

fn source(path: &Path) -> Source {
    let name = path.to_str().unwrap().as_bytes();
    Source::new(std::fs::File::open(path).unwrap(), name, Limits::default()).unwrap()
}

/// A tag: its number, type and count, and its values where they take over four
/// bytes, else its values in those four.
struct Tag(u16, u16, u32, &'static [u8]);

/// A directory at `at`, big-endian, with its values behind it.
fn directory(at: usize, tags: &[Tag]) -> Vec<u8> {
    let mut head = u16::try_from(tags.len()).unwrap().to_be_bytes().to_vec();
    let mut values = Vec::new();
    let values_at = at + 2 + tags.len() * 12 + 4;
    for Tag(tag, kind, count, bytes) in tags {
        head.extend(tag.to_be_bytes());
        head.extend(kind.to_be_bytes());
        head.extend(count.to_be_bytes());
        if bytes.len() <= 4 {
            head.extend(bytes.iter().copied().chain([0; 4]).take(4));
        } else {
            head.extend(u32::try_from(values_at + values.len()).unwrap().to_be_bytes());
            values.extend(*bytes);
            values.resize(values.len().next_multiple_of(2), 0);
        }
    }
    head.extend([0; 4]);
    head.extend(values);
    head
}

/// EXIF of a camera: numbers of every width, GPS, a maker's note.
fn exif() -> Vec<u8> {
    let main = [
        Tag(0x010f, 2, 13, b"Example Inc.\0"),
        Tag(0x0112, 3, 1, b"\0\x01"),
        Tag(0x011a, 5, 1, b"\0\0\x01\x2c\0\0\0\x01"),
        Tag(0x8769, 4, 1, b"\0\0\x01\x00"),
        Tag(0x8825, 4, 1, b"\0\0\x02\x00"),
    ];
    let exposure = [
        Tag(0x829a, 5, 1, b"\0\0\0\x01\0\0\0\xfa"),
        Tag(0x9000, 7, 4, b"0232"),
        Tag(0x9003, 2, 20, b"2024:05:19 23:11:40\0"),
        Tag(0x9204, 10, 1, b"\xff\xff\xff\xfe\0\0\0\x03"),
        Tag(0x927c, 7, 12, b"a maker note"),
        Tag(0xa002, 4, 1, b"\0\0\x05\xa0"),
    ];
    let place = [
        Tag(1, 2, 2, b"S\0"),
        Tag(2, 5, 3, b"\0\0\0\x2f\0\0\0\x01\0\0\0\x0c\0\0\0\x01\0\0\0\x1e\0\0\0\x01"),
    ];
    let mut block = b"MM\0\x2a\0\0\0\x08".to_vec();
    for (at, tags) in [(8, &main[..]), (0x100, &exposure), (0x200, &place)] {
        block.resize(at, 0);
        block.extend(directory(at, tags));
    }
    block
}

fn profile() -> Vec<u8> {
    still_profile(&source(&golden("p3.jpg"))).unwrap()
}

fn blocks() -> Blocks {
    let mut blocks = Blocks::default();
    *blocks.place(Block::Exif) = Some(exif());
    *blocks.place(Block::Xmp) = Some(XMP.as_bytes().to_vec());
    *blocks.place(Block::Iptc) = Some(IPTC.to_vec());
    *blocks.place(Block::Icc) = Some(profile());
    blocks
}

fn frame(layout: Layout, bits: u8) -> Frame {
    let count = 31 * 17 * layout.channels();
    let values = match bits {
        8 => Values::U8((0..count).map(|at| (at * 7 % 251) as u8).collect()),
        _ => Values::U16((0..count).map(|at| (at * 977 % 65_521) as u16).collect()),
    };
    Frame::new(31, 17, layout, values).unwrap()
}

fn exiftool(path: &Path, arguments: &[&str]) -> Option<Vec<u8>> {
    let output = Command::new("exiftool").args(arguments).arg(path).output();
    let Ok(output) = output else {
        println!("SKIPPED: exiftool is not installed");
        return None;
    };
    Some(output.stdout)
}

#[test]
fn every_format_holds_what_it_says() {
    let folder = tempfile::tempdir().unwrap();
    let plain = Blocks::default();
    let mut held = 0;
    for target in STILL_TARGETS {
        for (layout, bits) in [(Layout::Gray, 8), (Layout::Rgb, 8), (Layout::Rgba, 16)] {
            for extension in target.extensions {
                if layout == Layout::Rgba && !target.has_opacity {
                    continue;
                }
                let frame = frame(layout, bits);
                let path = folder.path().join(format!("a.{extension}"));
                let name = format!("{extension} {layout:?}");
                std::fs::write(&path, encode_still_with(&frame, extension, None, &plain).unwrap())
                    .unwrap();
                let alone = still_frame(&source(&path)).unwrap();
                let bytes = encode_still_with(&frame, extension, None, &blocks()).unwrap();
                std::fs::write(&path, &bytes).unwrap();
                if target.holds.is_empty() {
                    assert_eq!(bytes, encode_still(&frame, extension, None).unwrap(), "{name}");
                    continue;
                }
                let (stored, profile) = still_frame_in_profile(&source(&path)).unwrap();
                assert!(stored == alone, "{name}: not the same pixels");
                assert_eq!(profile.is_some(), layout != Layout::Gray, "{name}");
                if !is_held(
                    &path,
                    target.holds,
                    layout,
                    *extension == "tif" || *extension == "tiff",
                ) {
                    return;
                }
                held += 1;
            }
        }
    }
    // Each of JPEG's and TIFF's two extensions, PNG, WebP, AVIF; JPEG has no opacity.
    assert_eq!(held, 2 * 2 + 2 * 3 + 3 + 3 + 3);
}

/// Whether exiftool is there; that it reads all of it is asserted.
fn is_held(path: &Path, holds: &[Block], layout: Layout, is_tiff: bool) -> bool {
    let name = format!("{} {layout:?}", path.display());
    let Some(read) = exiftool(path, &["-j", "-n", "-a", "-G1", "-validate", "-warning", "-error"])
    else {
        return false;
    };
    let said: Value = serde_json::from_slice(&read).unwrap();
    assert_eq!(said[0].get("ExifTool:Error"), None, "{name}: {said}");
    let all = exiftool(path, &["-j", "-n", "-G1", "-c", "%.6f"]).unwrap();
    let all: Value = serde_json::from_slice(&all).unwrap();
    let tag = |name: &str| all[0].get(name).cloned().unwrap_or_default();
    assert_eq!(tag("IFD0:Make"), "Example Inc.", "{name}");
    assert_eq!(tag("IFD0:Orientation"), 1, "{name}");
    assert_eq!(tag("IFD0:XResolution"), 300, "{name}");
    assert_eq!(tag("ExifIFD:ExposureTime"), 0.004, "{name}");
    assert_eq!(tag("ExifIFD:DateTimeOriginal"), "2024:05:19 23:11:40", "{name}");
    let bias = tag("ExifIFD:ExposureCompensation").as_f64().unwrap();
    assert!((bias + 2.0 / 3.0).abs() < 1e-6, "{name}: {bias}");
    assert_eq!(tag("ExifIFD:ExifImageWidth"), 1440, "{name}");
    assert_eq!(tag("GPS:GPSLatitudeRef"), "S", "{name}");
    let latitude = tag("GPS:GPSLatitude").as_f64().unwrap();
    assert!((latitude - 47.208_333).abs() < 1e-5, "{name}: {latitude}");
    assert_eq!(tag("XMP-photoshop:City"), "Zürich", "{name}");
    let note = exiftool(path, &["-b", "-MakerNoteUnknownText"]).unwrap();
    assert_eq!(note.is_empty(), is_tiff, "{name}: the maker's note");
    if holds.contains(&Block::Iptc) {
        assert_eq!(tag("IPTC:Keywords"), "gulls", "{name}");
    }
    let found = exiftool(path, &["-b", "-icc_profile"]).unwrap();
    let wanted = if layout == Layout::Gray { Vec::new() } else { profile() };
    assert!(found == wanted, "{name}: {} of {} bytes", found.len(), wanted.len());
    assert_eq!(exiftool(path, &["-b", "-xmp"]).unwrap(), XMP.as_bytes(), "{name}");
    true
}

#[test]
fn what_has_no_room_is_told_and_left_out() {
    let words = |extension: &str, blocks: &Blocks| left_out_of_still(extension, blocks).unwrap();
    assert_eq!(words("jpg", &blocks()), [""; 0]);
    assert_eq!(words("webp", &blocks()), ["WebP has no place for IPTC"]);
    assert_eq!(words("tif", &blocks()), ["the maker's note in EXIF holds only where it lies"]);
    assert_eq!(words("bmp", &blocks()).len(), 4);
    assert!(left_out_of_still("xyz", &blocks()).is_err());

    let mut large = blocks();
    *large.place(Block::Exif) = Some([exif(), vec![0; 65_528]].concat());
    let has = exif().len() + 65_528;
    let told = format!("JPEG holds 65527 bytes of EXIF, and it has {has}");
    assert_eq!(words("jpg", &large), [told]);
    assert_eq!(words("png", &large), ["PNG has no place for IPTC"]);
    let path = tempfile::tempdir().unwrap();
    let path = path.path().join("a.jpg");
    let written = encode_still_with(&frame(Layout::Rgb, 8), "jpg", None, &large).unwrap();
    std::fs::write(&path, written).unwrap();
    let Some(make) = exiftool(&path, &["-s3", "-Make", "-City"]) else { return };
    assert_eq!(String::from_utf8(make).unwrap().trim(), "Zürich");
}

/// A profile of 200,000 bytes is in four segments of JPEG, and XMP over 64 KiB
/// in an extended packet.
#[test]
fn what_is_long_is_split() {
    let mut blocks = Blocks::default();
    let mut long = profile();
    long.resize(200_000, 7);
    let len = u32::try_from(long.len()).unwrap();
    long.get_mut(..4).unwrap().copy_from_slice(&len.to_be_bytes());
    *blocks.place(Block::Icc) = Some(long.clone());
    let keyword = "gulls ".repeat(20_000);
    let extended = format!(
        r#"<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/" photoshop:Instructions="{keyword}"/></rdf:RDF></x:xmpmeta>"#
    );
    let guid = "0123456789ABCDEF0123456789ABCDEF";
    let main = XMP.replace(
        "photoshop:City",
        &format!(
            r#"xmlns:xmpNote="http://ns.adobe.com/xmp/note/" xmpNote:HasExtendedXMP="{guid}" photoshop:City"#
        ),
    );
    *blocks.place(Block::Xmp) = Some(main.into_bytes());
    *blocks.place(Block::ExtendedXmp) = Some(extended.into_bytes());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.jpg");
    let written = encode_still_with(&frame(Layout::Rgb, 8), "jpg", None, &blocks).unwrap();
    std::fs::write(&path, written).unwrap();
    let Some(found) = exiftool(&path, &["-b", "-icc_profile"]) else { return };
    assert!(found == long, "{} bytes", found.len());
    let found = exiftool(&path, &["-s3", "-XMP-photoshop:Instructions"]).unwrap();
    assert_eq!(String::from_utf8(found).unwrap().trim(), keyword.trim());
}

#[test]
fn broken_exif_breaks_no_file() {
    let whole = exif();
    let frame = frame(Layout::Rgb, 8);
    for at in (0..whole.len()).step_by(3) {
        let mut broken = whole.clone();
        broken[at] ^= 0xff;
        for exif in [broken, whole[..at].to_vec()] {
            let mut blocks = Blocks::default();
            *blocks.place(Block::Exif) = Some(exif);
            let file = tempfile::NamedTempFile::with_suffix(".tif").unwrap();
            std::fs::write(file.path(), encode_still_with(&frame, "tif", None, &blocks).unwrap())
                .unwrap();
            assert!(still_frame(&source(file.path())).unwrap().values() == frame.values());
        }
    }
}
