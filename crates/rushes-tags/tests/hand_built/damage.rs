//! What is damaged, or lies.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::time::Duration;

use rushes_media::Limits;
use rushes_tags::{Tags, read};

use crate::build::{Bench, LITTLE, read_bytes, small_files, work, xmp_packet};

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
