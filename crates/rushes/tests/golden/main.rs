//! Probes against recorded answers of ffprobe, exiftool and MediaInfo, field
//! by field. `tests/golden/README.md` says how they are recorded.

#![expect(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod answer;
mod exiftool;
mod ffprobe;
mod known;
mod ledger;
mod mediainfo;
mod names;
#[path = "../support/mod.rs"]
mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use known::{COMPARED, EXCEPTIONS, NEWER};
use ledger::{Ledger, Page, Tool};
use names::NAMES;
use rushes_media::Probe;
use serde_json::Value;
use support::{Stage, say};

/// Files of media in `samples/media` and in `tests/golden/media`.
const FILES: [(&str, usize); 2] = [("samples/media", 12), ("tests/golden/media", 34)];

/// What lies beside media there and is none.
const SIDECARS: [&str; 2] = ["srt", "xmp"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the workspace")
}

/// Every file below a folder, in order.
fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() { found.extend(files_below(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

/// Media by path from the root, counted.
fn media() -> BTreeSet<String> {
    let root = root();
    let mut media = BTreeSet::new();
    for (folder, count) in FILES {
        let is_media = |path: &PathBuf| {
            path.extension().is_none_or(|end| !SIDECARS.iter().any(|sidecar| end == *sidecar))
        };
        let found: Vec<PathBuf> =
            files_below(&root.join(folder)).into_iter().filter(is_media).collect();
        assert_eq!(found.len(), count, "files in {folder}");
        media.extend(found.iter().map(|path| {
            path.strip_prefix(&root).expect("below").to_str().expect("text").to_owned()
        }));
    }
    media
}

/// Every recorded answer, by the path of its file.
fn answers() -> BTreeMap<String, Value> {
    let read = |path: PathBuf| {
        let text = std::fs::read_to_string(&path).expect("an answer");
        let answer: Value = serde_json::from_str(&text).expect("JSON");
        (answer["path"].as_str().expect("a path").to_owned(), answer)
    };
    files_below(&root().join("tests/golden/answers")).into_iter().map(read).collect()
}

/// What the command finds in these files, with the size of each.
fn probes(paths: &BTreeSet<String>) -> BTreeMap<String, (u64, Probe)> {
    let stage = Stage::new();
    let mut command = stage.command(&["probe"]);
    let ran = support::ran(command.current_dir(root()).args(paths));
    assert_eq!((ran.code, &ran.json["failed"]), (0, &serde_json::json!([])), "{}", ran.stderr);
    let files = ran.json["files"].as_array().expect("files").clone();
    let of = |file: Value| {
        let path = support::text(&file["path"]);
        let size = file["size_bytes"].as_u64().expect("a size");
        (path, (size, serde_json::from_value(file["probe"].clone()).expect("a probe")))
    };
    files.into_iter().map(of).collect()
}

/// Compares everything.
fn compared() -> Ledger {
    let (media, answers) = (media(), answers());
    let answered: BTreeSet<String> = answers.keys().cloned().collect();
    assert_eq!(answered, media, "each file has its answer: run `make golden`");
    let probes = probes(&media);
    assert_eq!(probes.len(), media.len(), "each file is probed");
    let mut ledger = Ledger::default();
    for (path, (size_bytes, probe)) in &probes {
        let answer = &answers[path];
        let file = path.rsplit('/').next().expect("a name");
        assert_eq!(answer["size_bytes"], *size_bytes, "{path} has changed: run `make golden`");
        assert!(probe.agreement.agrees, "{path}: {:?}", probe.agreement);
        for (tool, compare) in [
            (Tool::Ffprobe, ffprobe::compare as fn(&Probe, &Value, &mut Page<'_>)),
            (Tool::Exiftool, exiftool::compare),
            (Tool::Mediainfo, mediainfo::compare),
        ] {
            let recorded = &answer[format!("{tool:?}").to_lowercase()];
            let before = ledger.unasked.len();
            compare(probe, recorded, &mut Page { ledger: &mut ledger, file, tool });
            for left in &mut ledger.unasked[before..] {
                *left = format!("{file}: {tool:?}: {left}");
            }
        }
    }
    ledger
}

#[test]
fn probes_are_as_recorded() {
    let mut ledger = compared();
    let mut used = BTreeSet::new();
    let mut left = Vec::new();
    for found in &ledger.differences {
        let rule = EXCEPTIONS.iter().position(|(file, tool, field, _)| {
            (*file, *tool, *field) == (found.file.as_str(), found.tool, found.field)
        });
        if let Some(rule) = rule {
            used.insert(rule);
        } else {
            let (file, tool, field) = (found.file.as_str(), found.tool, found.field);
            if NEWER.contains(&(file, tool, field, found.values.as_str())) {
                // Where the older one said nothing, nothing would have been compared.
                if found.values.ends_with("recorded None") {
                    *ledger.compared.entry((tool, field)).or_default() -= 1;
                }
                continue;
            }
            left.push(format!("{}: {tool:?}: {field}: {}", found.file, found.values));
        }
    }
    for (number, (file, tool, field, reason)) in EXCEPTIONS.iter().enumerate() {
        if !used.contains(&number) {
            left.push(format!("{file}: {tool:?}: {field}: differs no longer ({reason})"));
        }
    }
    assert!(left.is_empty(), "{} differences:\n{}", left.len(), left.join("\n"));
    assert_eq!(ledger.unasked, Vec::<String>::new(), "recorded, and compared with nothing");
    let idle: Vec<_> = (0..NAMES.len()).filter(|row| !ledger.rows.contains(row)).collect();
    let idle: Vec<_> = idle.into_iter().map(|row| NAMES[row]).collect();
    assert!(idle.is_empty(), "names that no file needs: {idle:?}");

    let expected: BTreeMap<(Tool, &str), usize> =
        COMPARED.iter().map(|&(tool, field, count)| ((tool, field), count)).collect();
    let table: String = ledger
        .compared
        .iter()
        .map(|((tool, field), count)| format!("    ({tool:?}, {field:?}, {count}),\n"))
        .collect();
    assert!(expected == ledger.compared, "what is compared has changed to:\n{table}");
    let all: usize = ledger.compared.values().sum();
    say(&format!("{all} values of {} fields in {} files", expected.len(), media().len()));
}

/// A time in seconds, from seconds, `H:MM:SS` or `HH:MM:SS.fraction`.
fn seconds(text: &str) -> Option<f64> {
    text.split(':').try_fold(0.0, |sum, part| Some(sum * 60.0 + part.parse::<f64>().ok()?))
}

/// A moment as digits and offset alone, whatever stands between them; a
/// fraction that is zero says nothing.
fn moment(text: &str) -> String {
    let text =
        text.trim_end_matches(" UTC").to_owned() + if text.ends_with("UTC") { "Z" } else { "" };
    let (text, zone) = match text.get(19..).and_then(|rest| rest.find(['Z', '+', '-'])) {
        Some(at) => text.split_at(19 + at),
        None => (text.as_str(), ""),
    };
    let text = text.split_once('.').map_or(text, |(whole, fraction)| {
        if fraction.bytes().all(|digit| digit == b'0') { whole } else { text }
    });
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    digits + &zone.replace(':', "")
}
