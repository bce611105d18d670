//! What the tests of stills share.

#![allow(dead_code, reason = "each test binary uses its own part of it")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot make its input fails")]

use std::io::Write;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use rushes_codec::{Source, probe, still_picture};
use rushes_media::{ErrorKind, Limits, Picture, Pixels, Probe, Result};

/// A source over these bytes under this name.
pub fn source_of(bytes: &[u8], name: &str) -> Source {
    source_within(bytes, name, Limits::default())
}

pub fn source_within(bytes: &[u8], name: &str, limits: Limits) -> Source {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    Source::new(file, name.as_bytes(), limits).unwrap()
}

pub fn probed(bytes: &[u8], name: &str) -> Result<Probe> {
    probe(&source_of(bytes, name))
}

pub fn decoded(bytes: &[u8], name: &str) -> Result<Picture> {
    still_picture(&source_of(bytes, name), u32::MAX)
}

pub fn size(picture: &Picture) -> (u32, u32) {
    (picture.width_px(), picture.height_px())
}

pub fn probed_size(probe: &Probe) -> (u32, u32) {
    let stream = &probe.streams[0];
    (stream.width_px.unwrap(), stream.height_px.unwrap())
}

pub fn u8s(picture: &Picture) -> &[u8] {
    let Pixels::U8(values) = picture.pixels() else { panic!("8 bits expected") };
    values
}

/// The largest difference between two lists of numbers of the same length.
pub fn largest_difference(one: &[u8], other: &[u8]) -> u8 {
    assert_eq!(one.len(), other.len());
    one.iter().zip(other).map(|(a, b)| a.abs_diff(*b)).max().unwrap()
}

/// Smooth colours, so that lossy codecs stay close.
pub fn pattern(width: u32, height: u32) -> Vec<u8> {
    let mut values = Vec::new();
    for y in 0..height {
        for x in 0..width {
            let (x, y) = (x * 255 / width.max(1), y * 255 / height.max(1));
            values.extend([x as u8, y as u8, (255 - (x + y) / 2) as u8]);
        }
    }
    values
}

/// Whatever the bytes are, reading them ends soon, without a panic, and never
/// with a mistake of ours.
pub fn survives(bytes: &[u8], name: &str, what: &str) {
    let started = Instant::now();
    for found in [probed(bytes, name).err(), decoded(bytes, name).err()].into_iter().flatten() {
        assert_ne!(found.kind, ErrorKind::Bug, "{what}: {found}");
    }
    assert!(started.elapsed() < Duration::from_secs(10), "{what} took {:?}", started.elapsed());
}

/// The Python that has Pillow, or a visible note that the test is skipped.
pub fn pillow() -> Option<&'static str> {
    let has_pillow = |python: &&str| {
        let mut command = Command::new(python);
        command.args(["-c", "import PIL"]).output().is_ok_and(|output| output.status.success())
    };
    let found = ["/usr/bin/python3", "python3"].into_iter().find(has_pillow);
    if found.is_none() {
        eprintln!("SKIPPED: no Python with Pillow here (apt: python3-pil)");
    }
    found
}

/// What the Python script prints.
pub fn run_python(python: &str, script: &str, arguments: &[&str]) -> String {
    let output = Command::new(python).arg("-c").arg(script).args(arguments).output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    String::from_utf8(output.stdout).unwrap()
}

/// A folder of the real media, or a visible note that the test is skipped.
pub fn corpus(folder: &str) -> Option<PathBuf> {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/corpus");
    let root = std::env::var_os("RUSHES_CORPUS").map_or_else(|| beside.into(), PathBuf::from);
    let found = root.join(folder);
    if !found.is_dir() {
        eprintln!("SKIPPED: no real media in {}", found.display());
        return None;
    }
    Some(found)
}

/// Every file of a folder, by name.
pub fn files(folder: &PathBuf) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    found.sort();
    found
}
