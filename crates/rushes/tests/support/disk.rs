//! Where a command touches the disk, for tests that disturb it there, and what
//! of the catalogue must be the same whether it was disturbed or not.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use super::bytes::{big, png, ppm, wav};
use super::{PATIENCE, Stage, events, output_within, places, text};

/// Everything by which the parent process leaves a trace on the disk. Workers
/// do none of it.
const CALLS: &[&str] = &[
    "pwrite64",
    "fdatasync",
    "fsync",
    "ftruncate",
    "rename",
    "renameat",
    "renameat2",
    "link",
    "linkat",
    "unlink",
    "unlinkat",
    "mkdir",
    "mkdirat",
];

const SIDECAR: &[u8] = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'/>";

/// A small tree that no scan has seen yet.
pub fn write_first_tree(stage: &Stage) {
    stage.write("media/a.png", &png(1));
    stage.write("media/sub/b.wav", &big(2));
    stage.write("media/sub/b.xmp", SIDECAR);
}

/// Scans a tree, keeps the home folder of then aside for [`restore_home`], and
/// changes the tree in every way. The ids of what was scanned.
pub fn scan_and_change(stage: &Stage) -> BTreeSet<String> {
    stage.write("media/moved.png", &png(1));
    stage.write("media/moved.xmp", SIDECAR);
    stage.write("media/changed.wav", &big(2));
    stage.write("media/deleted.png", &png(3));
    stage.write("media/copied.wav", &wav(4, 1_000));
    stage.scan();
    let known = stage.ids();
    stage.rename("home", "home before");
    stage.rename("media/moved.png", "media/new/name.png");
    stage.rename("media/moved.xmp", "media/new/name.xmp");
    stage.write("media/changed.wav", &big(5));
    stage.remove("media/deleted.png");
    stage.write("media/copy.wav", &wav(4, 1_000));
    stage.write("media/added.ppm", &ppm(6));
    known
}

/// Every call of an undisturbed run at which it can be disturbed: the name, and
/// the number within the thread that makes most of them.
pub fn points(stage: &Stage, arguments: &[&str]) -> Vec<(&'static str, u32)> {
    let trace = stage.path("trace");
    let command = stage.command(arguments);
    let child = Command::new("strace")
        .args(["-f", "-qq", "-o"])
        .arg(&trace)
        .arg(format!("-etrace={}", CALLS.join(",")))
        .arg(command.get_program())
        .args(command.get_args())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    output_within(child, PATIENCE);
    let mut counts: BTreeMap<(&str, String), u32> = BTreeMap::new();
    for line in std::fs::read_to_string(trace).unwrap().lines() {
        let Some((thread, rest)) = line.split_once(' ') else { continue };
        let name = rest.trim_start().split('(').next().unwrap_or_default();
        if let Some(call) = CALLS.iter().find(|call| **call == name) {
            *counts.entry((call, thread.to_owned())).or_default() += 1;
        }
    }
    let mut most: BTreeMap<&str, u32> = BTreeMap::new();
    for ((call, _), count) in counts {
        let most = most.entry(call).or_default();
        *most = count.max(*most);
    }
    most.into_iter().flat_map(|(call, most)| (1..=most).map(move |number| (call, number))).collect()
}

/// Runs the command and kills it at the n-th of these calls in any thread.
/// Whether it was killed.
pub fn is_killed(stage: &Stage, arguments: &[&str], call: &str, number: u32) -> bool {
    let command = stage.command(arguments);
    let child = Command::new("strace")
        .args(["-f", "-qq", "-o", "/dev/null"])
        .arg(format!("-etrace={call}"))
        .arg(format!("-einject={call}:signal=KILL:when={number}"))
        .arg(command.get_program())
        .args(command.get_args())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let output = output_within(child, PATIENCE);
    match (output.status.code(), output.status.signal()) {
        (Some(0 | 1), _) => false,
        (Some(137), _) | (_, Some(9)) => true,
        _ => panic!("{call} {number}: {output:?}"),
    }
}

/// What there is in the catalogue; ids of assets that are not in `known` are
/// made by chance and left out.
pub fn essence(stage: &Stage, known: &BTreeSet<String>) -> Value {
    let mut assets: Vec<Value> = stage
        .catalogue()
        .iter()
        .map(|row| {
            let id = text(&row["id"]);
            let asset = stage.show(&id);
            let mut places = places(&asset);
            places.sort();
            json!({
                "id": known.contains(&id).then_some(id),
                "places": places,
                "events": events(&asset),
                "sidecars": asset["sidecars"],
                "facts": [
                    row["kind"], row["codec"], row["width_px"], row["duration_secs"], row["state"],
                    row["hashed"], row["batch"], row["error"]["kind"], asset["blake3"],
                ],
            })
        })
        .collect();
    assets.sort_by_key(|asset| asset["places"].to_string());
    json!(assets)
}

pub fn forget_home(stage: &Stage) {
    let home = stage.path("home");
    if home.exists() {
        std::fs::remove_dir_all(home).unwrap();
    }
}

/// Lets the home folder be what `home before` is.
pub fn restore_home(stage: &Stage) {
    forget_home(stage);
    let copied =
        Command::new("cp").arg("-a").args([stage.path("home before"), stage.path("home")]).status();
    assert!(copied.is_ok_and(|status| status.success()));
}
