//! Fills a catalogue with made-up assets, for measuring how fast lists and
//! searches are in a large one.
//!
//! `cargo run --release -p rushes-catalog --example fill -- HOME ASSETS`

use std::path::Path;

use rushes_catalog::{Catalog, FolderDifference, Role, identify, record_folder, record_probe};
use rushes_media::{
    Camera, Confidence, Container, Created, Error, ErrorKind, MediaKind, Probe, Rational, Result,
    Stream, StreamKind,
};
use rushes_store::{Entry, EntryKind, FileStamp, Fingerprint, Hashes, Home, Sampled};

/// Assets of one folder, recorded in one transaction.
const FOLDER: u64 = 1_000;
/// Words of the names, each in one name of so many.
const WORDS: [(&str, u64); 6] = [
    ("IMG", 2),
    ("drone", 5),
    ("sunset", 20),
    ("harbour", 100),
    ("interview", 1_000),
    ("golden", 50_000),
];

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let (home, assets) = arguments
        .next()
        .zip(arguments.next().and_then(|number| number.parse::<u64>().ok()))
        .ok_or_else(|| {
            Error::new(ErrorKind::Invalid, "filling a catalogue", "usage: fill HOME ASSETS")
        })?;
    let home = Home::at(home.into());
    home.create()?;
    let catalog = Catalog::open(&home.database())?;
    let root = catalog.add_root(Path::new("/made-up"), None, "made-up", 0)?;
    for folder in 0..assets.div_ceil(FOLDER) {
        fill_folder(&catalog, root.id, folder, FOLDER.min(assets - folder * FOLDER))?;
    }
    Ok(())
}

fn fill_folder(catalog: &Catalog, root_id: i64, folder: u64, count: u64) -> Result<()> {
    catalog.write(|write| {
        let numbers = (0..count).map(|index| folder * FOLDER + index);
        let added = numbers
            .clone()
            .map(|number| {
                let name = name_of(number).into_bytes();
                let stamp = FileStamp {
                    size_bytes: 1_000 + number,
                    mtime_ns: time_of(number) * 1_000_000_000,
                    inode: number,
                    ..FileStamp::default()
                };
                (Entry { name, kind: EntryKind::File, stamp }, Role::New)
            })
            .collect();
        let path = format!("{}/Batch {folder}", 2000 + folder % 25).into_bytes();
        let found = FolderDifference { root_id, path, added, ..FolderDifference::default() };
        record_folder(write, &found, 0)?;
        for (index, number) in numbers.enumerate() {
            // Places and assets are numbered in the order they come.
            let place = (folder * FOLDER) as i64 + index as i64 + 1;
            let hash = scatter(number);
            let mut blake3 = [0; 32];
            blake3[..8].copy_from_slice(&hash.to_be_bytes());
            blake3[8..16].copy_from_slice(&number.to_be_bytes());
            let mut short = [0; 16];
            short.copy_from_slice(&blake3[..16]);
            let sampled = Sampled {
                fingerprint: Fingerprint(short),
                hashes: Some(Hashes { blake3, xxh3_128: short }),
            };
            let probe = probe_of(number);
            identify(write, place, &sampled, None, Some(probe.kind), 0)?;
            record_probe(write, place, &probe)?;
        }
        Ok(())
    })
}

/// A number that looks random and is always the same.
fn scatter(number: u64) -> u64 {
    let mut mixed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed ^= mixed >> 31;
    mixed.wrapping_mul(0xbf58_476d_1ce4_e5b9)
}

/// Seconds since 1970, over twenty-five years, in no order.
fn time_of(number: u64) -> i64 {
    946_684_800 + (scatter(number) % 788_400_000) as i64
}

fn name_of(number: u64) -> String {
    let words: Vec<&str> = WORDS
        .iter()
        .filter(|(word, every)| scatter(number ^ word.len() as u64).is_multiple_of(*every))
        .map(|(word, _)| *word)
        .collect();
    format!("{}_{number:07}.mp4", words.join("_"))
}

fn probe_of(number: u64) -> Probe {
    let mixed = scatter(number.rotate_left(17));
    let kind = match mixed % 10 {
        0..6 => MediaKind::Still,
        6..9 => MediaKind::Video,
        _ => MediaKind::Audio,
    };
    let (stream, codec) = match kind {
        MediaKind::Still => (StreamKind::Still, "jpeg"),
        MediaKind::Video => {
            (StreamKind::Video, if mixed.is_multiple_of(7) { "hevc" } else { "h264" })
        }
        MediaKind::Audio => (StreamKind::Audio, "flac"),
    };
    let mut stream = Stream::new(0, stream, codec);
    stream.width_px = Some(1_280 + (mixed % 4) as u32 * 640);
    stream.height_px = Some(720 + (mixed % 4) as u32 * 360);
    let time = jiff::Timestamp::from_second(time_of(number)).unwrap_or_default();
    let container =
        Container { format: "mp4".into(), mime: "video/mp4".into(), ..Container::default() };
    Probe {
        duration_secs: Rational::new((mixed % 100_000) as i64, 100),
        streams: vec![stream],
        has_audio: kind != MediaKind::Still,
        created: Some(Created {
            at: time.to_string(),
            source: "made up".into(),
            confidence: Confidence::High,
        }),
        camera: Camera {
            make: Some("Maker".into()),
            model: Some(format!("M{}", mixed % 20)),
            ..Camera::default()
        },
        ..Probe::of_kind(kind, container)
    }
}
