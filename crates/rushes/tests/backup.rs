//! Copies on other disks: made, read back, listed, found again, and told when
//! they are lost.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on stops there"
)]

mod support;

use std::fs::Permissions;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::Path;

use serde_json::{Value, json};
use support::bytes::{big, png, with_content_identifier};
use support::{Stage, events, failures, long_ago, make_clip, set_modified, text};

/// A stage with some media that was scanned, and two disks to copy to.
fn stage() -> Stage {
    let stage = Stage::new();
    for folder in ["one", "two"] {
        std::fs::create_dir(stage.path(folder)).unwrap();
    }
    stage.write("media/Trip/a.png", &png(1));
    stage.write("media/Trip/a.xmp", b"<x:xmpmeta xmlns:x='adobe:ns:meta/'/>");
    stage.write("media/Trip/b.wav", &big(2));
    stage.write("media/Other/a.png", &png(3));
    stage.scan();
    stage
}

fn backup(stage: &Stage, more: &[&str]) -> Value {
    let (one, two) = (stage.text("one"), stage.text("two"));
    let mut arguments = vec!["backup", "--to", &one, "--to", &two];
    arguments.extend(more);
    stage.done(&arguments)
}

/// Every file below a folder, with its content, without the hash lists.
fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    fn walk(folder: &Path, base: &Path, found: &mut Vec<(String, Vec<u8>)>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(base).unwrap().to_str().unwrap().to_owned();
            if path.is_dir() {
                if name != "ascmhl" {
                    walk(&path, base, found);
                }
            } else {
                found.push((name, std::fs::read(path).unwrap()));
            }
        }
    }
    let mut found = Vec::new();
    walk(folder, folder, &mut found);
    found.sort();
    found
}

fn expected() -> Vec<(String, Vec<u8>)> {
    vec![
        ("Other/a.png".into(), png(3)),
        ("Trip/a.png".into(), png(1)),
        ("Trip/a.xmp".into(), b"<x:xmpmeta xmlns:x='adobe:ns:meta/'/>".to_vec()),
        ("Trip/b.wav".into(), big(2)),
    ]
}

#[test]
fn every_asset_and_what_belongs_to_it_goes_to_every_disk_once() {
    let stage = stage();
    let source = stage.path("media/Trip/a.png");
    std::fs::set_permissions(&source, Permissions::from_mode(0o640)).unwrap();
    stage.scan();
    let before = stage.tree("media");
    let plan = stage.done(&["backup", "--dry-run", "--to", &stage.text("one")]);
    let does: Vec<String> =
        plan["plan"]["effects"].as_array().unwrap().iter().map(|it| text(&it["does"])).collect();
    assert!(does.len() == 4 && does.iter().any(|it| it.contains("one/Trip/b.wav")), "{does:?}");
    assert!(files(&stage.path("one")).is_empty(), "a dry run writes nothing");

    let report = backup(&stage, &[]);
    for (number, disk) in ["one", "two"].into_iter().enumerate() {
        assert_eq!(files(&stage.path(disk)), expected(), "{disk}");
        let told = &report["destinations"][number];
        assert_eq!((&told["copied"], &told["failed"]), (&json!(4), &json!(0)), "{told}");
        assert!(text(&told["hash_list"]).starts_with("ascmhl/0001_"), "{told}");
    }
    let (made, was) =
        (stage.path("one/Trip/a.png").metadata().unwrap(), source.metadata().unwrap());
    assert_eq!((made.mtime(), made.mtime_nsec()), (was.mtime(), was.mtime_nsec()));
    assert_eq!(made.mode(), was.mode());
    assert_eq!(stage.tree("media"), before, "the originals are as they were");

    let again = backup(&stage, &[]);
    for told in again["destinations"].as_array().unwrap() {
        assert_eq!((&told["copied"], &told["already"]), (&json!(0), &json!(3)), "{told}");
        assert!(told["hash_list"].is_null(), "{told}");
    }
    // Hashing came with it, and each asset is in three places.
    assert_eq!(stage.names("hashed:no"), [""; 0]);
    assert_eq!(stage.names("copies:3"), ["a.png", "a.png", "b.wav"]);
    assert_eq!(stage.names("verified:<1h").len(), 3);
    assert_eq!(stage.names("verified:>90d"), [""; 0]);
    let copies = stage.done(&["copies", &stage.id_at("media/Trip/a.png")]);
    let told: Vec<(String, bool)> = copies["copies"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| (text(&it["path"]), it["sidecar"] == true))
        .collect();
    let path = |name: &str| stage.text(name);
    assert_eq!(
        told,
        [
            (path("one/Trip/a.png"), false),
            (path("two/Trip/a.png"), false),
            (path("one/Trip/a.xmp"), true),
            (path("two/Trip/a.xmp"), true)
        ]
    );
    stage.check();
}

#[test]
fn nothing_is_ever_replaced() {
    let stage = stage();
    // Other content of another size, of the same size, and the same content.
    stage.write("one/Trip/a.png", b"somebody else's");
    let mut same_size = big(2);
    same_size[1_000] ^= 1;
    stage.write("one/Trip/b.wav", &same_size);
    stage.write("one/Other/a.png", &png(3));
    let report = backup(&stage, &[]);
    let told = &report["destinations"][0];
    assert_eq!((&told["copied"], &told["found"]), (&json!(3), &json!(1)), "{told}");
    let mut wanted = expected();
    wanted[1].1 = b"somebody else's".to_vec();
    wanted.insert(2, ("Trip/a_2.png".into(), png(1)));
    // What belongs to a file is named after its copy.
    wanted[3].0 = "Trip/a_2.xmp".into();
    wanted[4].1 = same_size;
    wanted.push(("Trip/b_2.wav".into(), big(2)));
    assert_eq!(files(&stage.path("one")), wanted);
    // A changed sidecar goes too, beside the old one.
    let sidecar = stage.path("media/Trip/a.xmp");
    std::fs::write(&sidecar, b"<x:xmpmeta xmlns:x='adobe:ns:meta/' a='b'/>").unwrap();
    set_modified(&sidecar, long_ago() + std::time::Duration::from_secs(9));
    stage.scan();
    backup(&stage, &[]);
    backup(&stage, &[]);
    let sidecars = |disk: &str| -> Vec<String> {
        let names = files(&stage.path(disk)).into_iter().map(|(name, _)| name);
        names.filter(|name| name.ends_with("xmp")).collect()
    };
    assert_eq!(sidecars("one"), ["Trip/a_2.xmp", "Trip/a_2_2.xmp"]);
    assert_eq!(sidecars("two"), ["Trip/a.xmp", "Trip/a_2.xmp"]);
}

#[test]
fn a_source_that_rotted_or_changed_is_not_spread() {
    let stage = stage();
    stage.done(&["hash"]);
    // A bit turned, with size and times as they were, as a disk does it.
    let path = stage.path("media/Trip/b.wav");
    let mut rotten = big(2);
    rotten[70_000] ^= 1;
    let ctime = path.metadata().unwrap().ctime_nsec();
    std::fs::write(&path, &rotten).unwrap();
    set_modified(&path, long_ago());
    assert_ne!(path.metadata().unwrap().ctime_nsec(), ctime);
    let report = stage.run(&["backup", "--to", &stage.text("one")]);
    // The change time tells it here, where no disk can be made to rot.
    assert_eq!(report.code, 1, "{report:?}");
    assert_eq!(failures(&report.json), [("b.wav".to_owned(), "conflict".to_owned())]);
    assert!(!stage.path("one/Trip/b.wav").exists());
    assert_eq!(report.json["destinations"][0]["copied"], 3);
}

#[test]
fn what_is_lost_is_told_with_the_codes_of_the_reference_tool() {
    let stage = stage();
    backup(&stage, &[]);
    let one = stage.text("one");
    let whole = stage.done(&["verify", &one]);
    assert_eq!(whole["places"][0]["verified"], 4, "{whole}");
    stage.done(&["verify", "--share", "2"]);

    stage.write("one/new.txt", b"not listed");
    assert_eq!(stage.run(&["verify", &one]).code, 21);
    stage.remove("one/new.txt");
    stage.remove("one/Other/a.png");
    let ran = stage.run(&["verify", &one]);
    assert_eq!(ran.code, 10, "{ran:?}");
    assert_eq!(ran.json["places"][0]["lost"][0]["state"], "missing");
    let mut bytes = png(1);
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(stage.path("one/Trip/a.png"), bytes).unwrap();
    let ran = stage.run(&["verify", &one]);
    assert_eq!(ran.code, 11, "{ran:?}");
    let asset = stage.asset_at("media/Trip/a.png");
    assert_eq!(events(&asset).last().unwrap(), "copy damaged");
    assert_eq!(stage.names("copies:<3"), ["a.png", "a.png"]);
    // What only the catalogue tells is found too, in its share.
    let ran = stage.run(&["verify", "--share", "1"]);
    assert_eq!((ran.code, ran.json["places"].as_array().unwrap().len()), (11, 2), "{ran:?}");

    // The next backup makes good what is lost; what is damaged stays beside it.
    let report = stage.done(&["backup", "--to", &one]);
    // With a name of its own goes what belongs to it.
    assert_eq!(report["destinations"][0]["copied"], 3, "{report}");
    assert_eq!(std::fs::read(stage.path("one/Trip/a_2.png")).unwrap(), png(1));
    assert_eq!(std::fs::read(stage.path("one/Other/a.png")).unwrap(), png(3));

    // Somebody changed the list itself.
    let list = std::fs::read_dir(stage.path("one/ascmhl")).unwrap();
    let list = list.map(|it| it.unwrap().path()).find(|it| it.extension().unwrap() == "mhl");
    let list = list.unwrap();
    let changed = std::fs::read_to_string(&list).unwrap().replace("Trip", "Trap");
    std::fs::write(&list, changed).unwrap();
    assert_eq!(stage.run(&["verify", &one]).code, 31);
    // Of a folder that was never listed.
    assert_eq!(stage.run(&["verify", &stage.text("media")]).code, 30);
    stage.done(&["destinations", "list"]);
}

#[test]
fn templates_and_queries_choose() {
    let stage = stage();
    let one = stage.text("one");
    stage.done(&[
        "backup",
        "kind:still",
        "--to",
        &one,
        "--template",
        "{kind}/{date:%Y}/{stem}-{batch}.{ext}",
    ]);
    let names: Vec<String> = files(&stage.path("one")).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["still/2024/a-Other.png", "still/2024/a-Trip.png", "still/2024/a-Trip.xmp"]);
    let refused = stage.run(&["backup", "--to", &one, "--template", "../{name}"]);
    assert_eq!((refused.code, &refused.json["error"]["kind"]), (2, &json!("invalid")));
    let refused = stage.run(&["backup", "--to", &one, "--to", &stage.text("one/Trip")]);
    assert_eq!(refused.code, 3, "{refused:?}");
    let refused = stage.run(&["backup", "--to", &stage.text("nowhere")]);
    assert_eq!(refused.code, 3);
    assert!(text(&refused.json["error"]["remedy"]).contains("mount"));
}

#[test]
fn links_in_a_destination_lead_nowhere() {
    let stage = stage();
    std::fs::create_dir(stage.path("outside")).unwrap();
    symlink(stage.path("outside"), stage.path("one/Trip")).unwrap();
    let ran = stage.run(&["backup", "--to", &stage.text("one")]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(files(&stage.path("outside")).is_empty());
    assert_eq!(ran.json["destinations"][0]["copied"], 1);
}

#[test]
fn two_halves_of_a_live_photo_go_together() {
    let stage = stage();
    if !make_clip(&stage.path("plain.jpg"), &["-frames:v", "1", "-an"]) {
        return;
    }
    let plain = std::fs::read(stage.path("plain.jpg")).unwrap();
    let half = |last: &[u8]| with_content_identifier(&[&plain, last].concat(), "2A1E-77");
    stage.write("media/Live/c.jpg", &half(b"1"));
    stage.write("media/Elsewhere/d.jpg", &half(b"2"));
    let scanned = stage.scan();
    assert_eq!(
        stage.names("live:yes"),
        ["c.jpg", "d.jpg"],
        "{scanned} {:?}",
        stage.search("ext:jpg")
    );
    stage.done(&["backup", "c.jpg", "--to", &stage.text("one")]);
    let names: Vec<String> = files(&stage.path("one")).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["Elsewhere/d.jpg", "Live/c.jpg"]);
}
