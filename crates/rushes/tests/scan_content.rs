//! Other content at the same place, and content that samples cannot tell apart.

mod support;

use std::time::Duration;

use serde_json::json;
use support::bytes::{big, png, twin_of};
use support::{Stage, events, long_ago, places, set_modified, text};

#[test]
fn changed_content_is_another_asset() {
    let stage = Stage::new();
    stage.write("media/a.png", &png(1));
    stage.write("media/b.wav", &big(2));
    stage.scan();
    let old = [stage.id_at("media/a.png"), stage.id_at("media/b.wav")];
    for (path, bytes) in [("media/a.png", png(3)), ("media/b.wav", big(4))] {
        let path = stage.write(path, &bytes);
        set_modified(&path, long_ago() + Duration::from_secs(60));
    }
    let report = stage.scan();
    assert_eq!(report["changed"], 2);
    let new = [stage.id_at("media/a.png"), stage.id_at("media/b.wav")];
    for (old, new) in old.iter().zip(&new) {
        assert_ne!(old, new);
        let asset = stage.show(old);
        assert_eq!((&asset["state"], events(&asset)), (&json!("gone"), vec!["changed".into()]));
        assert_eq!(places(&stage.show(new)).len(), 1);
    }
    // The old content turns up elsewhere: it is the old asset.
    stage.write("media/saved/a.png", &png(1));
    stage.scan();
    assert_eq!(stage.id_at("media/saved/a.png"), old[0]);
    stage.check();
}

#[test]
fn a_touched_file_is_the_same_asset() {
    let stage = Stage::new();
    stage.write("media/a.png", &png(1));
    stage.write("media/b.wav", &big(2));
    stage.scan();
    stage.done(&["hash"]);
    let before = [stage.id_at("media/a.png"), stage.id_at("media/b.wav")];
    for name in ["media/a.png", "media/b.wav"] {
        set_modified(&stage.path(name), long_ago() + Duration::from_secs(60));
    }
    let report = stage.scan();
    assert_eq!((&report["changed"], &report["probed"]), (&json!(2), &json!(0)));
    assert_eq!([stage.id_at("media/a.png"), stage.id_at("media/b.wav")], before);
    assert_eq!(stage.catalogue().len(), 2);
    // Samples do not prove the whole: the big one's hash is confirmed again.
    assert_eq!(stage.asset_at("media/b.wav")["hashed"], false);
    assert_eq!(stage.done(&["hash"])["hashed"], 1);
    assert_eq!(stage.asset_at("media/b.wav")["hashed"], true);
    stage.check();
}

/// The same size and time, as a restore or an editor that keeps times leaves it.
#[test]
fn content_that_changed_behind_its_time_is_noticed() {
    let stage = Stage::new();
    stage.write("media/a.png", &png(1));
    stage.write("media/b.wav", &big(2));
    stage.scan();
    let old = [stage.id_at("media/a.png"), stage.id_at("media/b.wav")];
    stage.write("media/a.png", &png(3));
    stage.write("media/b.wav", &big(4));
    stage.scan();
    for (old, path) in old.iter().zip(["media/a.png", "media/b.wav"]) {
        assert_ne!(*old, stage.id_at(path), "{path}");
        assert_eq!(stage.show(old)["state"], "gone");
    }
    stage.check();
}

/// Where the samples are the same too, only the full hash can tell. Until
/// then the asset says that its hash is not known.
#[test]
fn content_that_changed_between_the_samples_is_found_by_hashing() {
    let stage = Stage::new();
    let content = big(1);
    stage.write("media/a.wav", &content);
    stage.scan();
    stage.done(&["hash"]);
    let old = stage.asset_at("media/a.wav");
    assert_eq!(old["hashed"], true);
    stage.write("media/a.wav", &twin_of(&content));
    stage.scan();
    let doubtful = stage.asset_at("media/a.wav");
    assert_eq!(doubtful["id"], old["id"], "nothing shows a difference yet");
    assert_eq!(doubtful["hashed"], false, "and nobody claims to know");
    stage.check();

    stage.done(&["hash"]);
    let new = stage.asset_at("media/a.wav");
    assert_ne!(new["id"], old["id"]);
    assert_eq!(new["hashed"], true);
    assert_ne!(new["blake3"], old["blake3"]);
    let old = stage.show(&text(&old["id"]));
    assert_eq!(old["state"], "gone");
    // No scan has to come for it to be probed.
    assert!(stage.asset_at("media/a.wav")["probe"].is_object());
    stage.check();
}

#[test]
fn files_that_only_a_full_hash_tells_apart_are_never_one() {
    let stage = Stage::new();
    let content = big(1);
    stage.write("media/a.wav", &content);
    stage.write("media/b.wav", &twin_of(&content));
    stage.scan();
    let ids = [stage.id_at("media/a.wav"), stage.id_at("media/b.wav")];
    assert_ne!(ids[0], ids[1]);
    assert_eq!(
        stage.asset_at("media/a.wav")["fingerprint"],
        stage.asset_at("media/b.wav")["fingerprint"]
    );
    let report = stage.done(&["hash"]);
    assert_eq!((&report["hashed"], &report["merged"]), (&json!(2), &json!(0)));
    assert_eq!([stage.id_at("media/a.wav"), stage.id_at("media/b.wav")], ids);
    stage.check();

    // Nor when one comes after the other is gone.
    stage.remove("media/a.wav");
    stage.scan();
    let mut third = twin_of(&content);
    third[300_000] ^= 0xff;
    stage.write("media/c.wav", &third);
    stage.scan();
    assert!(!ids.contains(&stage.id_at("media/c.wav")));
    assert_eq!(stage.show(&ids[0])["state"], "gone");
    stage.check();
}

#[test]
fn equal_big_files_become_one_and_both_ids_lead_to_it() {
    let stage = Stage::new();
    let content = big(1);
    // The first scan sees one alone, so that it is hashed first.
    stage.write("media/a.wav", &content);
    stage.scan();
    stage.write("media/b.wav", &content);
    stage.write("media/c.wav", &content);
    std::fs::hard_link(stage.path("media/c.wav"), stage.path("media/linked.wav")).expect("a link");
    stage.scan();
    let ids = ["a", "b", "c", "linked"].map(|name| stage.id_at(&format!("media/{name}.wav")));
    assert!(ids[0] != ids[1] && ids[1] != ids[2] && ids[2] == ids[3], "{ids:?}");
    stage.done(&["hash"]);
    assert_eq!(stage.search("hashed:no").len(), 0, "one run hashes everything");
    let rows = stage.search("");
    assert_eq!(rows.len(), 1, "{rows:?}");
    let asset = stage.show(&ids[0]);
    assert_eq!(places(&asset).len(), 4);
    for id in &ids {
        assert_eq!(stage.show(id)["id"], asset["id"]);
    }
    stage.check();
}

#[test]
fn a_full_scan_leaves_nothing_unhashed() {
    let stage = Stage::new();
    let content = big(1);
    stage.write("media/a.wav", &content);
    stage.write("media/b.wav", &content);
    stage.write("media/c.png", &png(2));
    let report = stage.done(&["scan", "--full", &stage.text("media")]);
    assert_eq!((&report["hashed"]["hashed"], &report["hashed"]["merged"]), (&json!(1), &json!(1)));
    assert_eq!(report["hashes_queued"], 0);
    assert_eq!(stage.search("").len(), 2);
    assert_eq!(stage.search("hashed:no").len(), 0);
    if support::has("b3sum") {
        let output = std::process::Command::new("b3sum")
            .args(["--no-names"])
            .arg(stage.path("media/a.wav"))
            .output()
            .expect("b3sum runs");
        let sum = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        assert_eq!(stage.asset_at("media/a.wav")["blake3"], sum);
    }
    stage.check();
}
