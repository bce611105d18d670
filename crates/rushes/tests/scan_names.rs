//! Names are bytes: kept as they are, shown safely, found again.

#![expect(clippy::expect_used, reason = "a test that cannot go on stops there")]

mod support;

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;

use support::bytes::png;
use support::{Stage, text};

/// The bytes that a percent-encoded path stands for.
fn decoded(encoded: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = encoded.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digits: Vec<u8> = rest.by_ref().take(2).collect();
            let digits = std::str::from_utf8(&digits).expect("digits");
            bytes.push(u8::from_str_radix(digits, 16).expect("hexadecimal"));
        } else {
            bytes.push(byte);
        }
    }
    bytes
}

#[test]
fn every_name_is_kept_byte_for_byte_and_found_again() {
    let long = [vec![b'l'; 251], b".png".to_vec()].concat();
    let names: Vec<Vec<u8>> = vec![
        b"latin \xe9t\xe9.png".to_vec(),
        b"\xff\xfe\x80.png".to_vec(),
        b"two\nlines.png".to_vec(),
        b"tab\tand \x1b[31mred.png".to_vec(),
        b"-rf.png".to_vec(),
        b"--help".to_vec(),
        long,
        "caf\u{e9}.png".into(),
        "cafe\u{301}.png".into(),
        b"Case.png".to_vec(),
        b"case.png".to_vec(),
        b"CASE.PNG".to_vec(),
        b"100%41.png".to_vec(),
        b"back\\slash.png".to_vec(),
        b"quote\"and'.png".to_vec(),
        "rtl\u{202e}gnp.exe.png".into(),
        b" leading and trailing ".to_vec(),
        b"q?a#b;c&d=e.png".to_vec(),
    ];
    let stage = Stage::new();
    let mut contents = BTreeMap::new();
    for (seed, name) in names.iter().enumerate() {
        // A folder of that name too, with a file in it.
        for (offset, path) in
            [(0, name.clone()), (100, [b"in ", &name[..name.len().min(250)], b"/x.png"].concat())]
        {
            let relative = [b"media/", &path[..]].concat();
            stage.write(OsString::from_vec(relative.clone()), &png(seed as u64 + offset));
            contents.insert(
                [stage.path("").as_os_str().as_bytes(), &relative].concat(),
                seed as u64 + offset,
            );
        }
    }
    assert_eq!(contents.len(), 2 * names.len(), "this file system folds names");
    let report = stage.scan();
    assert_eq!(report["files"], contents.len());
    assert_eq!(report["probed"], contents.len());

    let rows = stage.search("");
    assert_eq!(rows.len(), contents.len());
    let mut shown = Vec::new();
    for row in &rows {
        let asset = stage.show(&text(&row["id"]));
        let place = &asset["places"][0];
        let path = decoded(&text(&place["url_path"]));
        let seed = contents.remove(&path).unwrap_or_else(|| panic!("{place}"));
        let there = PathBuf::from(OsStr::from_bytes(&path));
        assert_eq!(std::fs::read(there).expect("the very file"), png(seed));
        let safe = text(&place["path"]);
        assert!(safe.chars().all(|c| !c.is_control() && c != '\u{202e}'), "{safe:?}");
        shown.push(safe);
    }
    assert!(contents.is_empty(), "{contents:?}");
    shown.sort();
    shown.dedup();
    assert_eq!(shown.len(), rows.len(), "two names are shown alike");

    for (query, least) in [
        ("latin", 2),
        ("lines", 2),
        ("\"two lines\"", 2),
        ("rf", 2),
        ("help", 2),
        ("café", 4),
        ("cafe", 4),
        ("Case", 6),
        ("slash", 2),
        ("gnp", 2),
        ("llllllllllllllllllllllll", 2),
    ] {
        assert!(stage.search(query).len() >= least, "{query}: {:?}", stage.names(query));
    }
    // As it is shown, with its quotes and backslashes escaped.
    for row in &rows {
        let name = text(&row["name"]).replace('\\', "\\\\").replace('"', "\\\"");
        let found = stage.search(&format!("\"{name}\""));
        assert!(found.iter().any(|other| other["id"] == row["id"]), "{name}");
    }
    stage.scan();
    assert_eq!(stage.search("").len(), rows.len());
    assert!(stage.search("state:gone").is_empty());
    stage.check();
}

#[test]
fn a_root_is_removed_from_where_one_stands() {
    let stage = Stage::new();
    stage.write("media/a.png", &png(1));
    stage.done(&["paths", "add", &stage.text("media"), "--name", "Footage"]);
    let mut command = stage.command(&["paths", "remove", "./media"]);
    let ran = support::ran(command.current_dir(stage.path("")));
    assert_eq!((ran.code, &ran.json["removed"]), (0, &serde_json::json!("Footage")), "{ran:?}");
}

/// A root may have such a name as well, when it is found from where one stands.
#[test]
fn a_leading_dash_and_a_relative_path_name_a_root() {
    let stage = Stage::new();
    stage.write("-dash root/a.png", &png(1));
    let mut command = stage.command(&["scan", "--", "-dash root"]);
    let ran = support::ran(command.current_dir(stage.path("")));
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(stage.asset_at("-dash root/a.png")["root"], "-dash root");
    stage.check();
}

#[test]
fn paths_of_any_bytes_can_be_given() {
    let stage = Stage::new();
    let folder = OsStr::from_bytes(b"\xffolder");
    let file =
        stage.write(PathBuf::from(folder).join(OsStr::from_bytes(b"\xe9t\xe9.png")), &png(1));
    let folder = stage.path(folder);
    let probed = stage.done(&[OsStr::new("probe"), file.as_os_str()]);
    assert_eq!(probed["files"][0]["probe"]["kind"], "still");
    assert_eq!(stage.done(&[OsStr::new("scan"), folder.as_os_str()])["probed"], 1);
    let url = stage.search("").iter().map(|row| stage.show(&text(&row["id"]))).next();
    let url = text(&url.expect("the asset")["places"][0]["url_path"]);
    assert_eq!(stage.done(&["probe", &format!("file://{url}")]), probed);
    assert_eq!(stage.run(&["probe", "file:///a%2"]).code, 2);
    stage.done(&[OsStr::new("paths"), OsStr::new("remove"), folder.as_os_str()]);
    assert_eq!(stage.done(&["paths", "list"])["roots"].as_array().map_or(0, Vec::len), 0);
}
