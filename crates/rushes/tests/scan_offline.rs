//! Roots that are away, empty, or have something else mounted on them.

#![expect(clippy::expect_used, reason = "a test that cannot go on stops there")]

mod support;

use std::process::Command;

use serde_json::{Value, json};
use support::bytes::{big, png};
use support::{Stage, text};

fn populated() -> Stage {
    let stage = Stage::new();
    stage.write("media/a.png", &png(1));
    stage.write("media/sub/b.wav", &big(2));
    stage.write("other/c.png", &png(3));
    stage.done(&["scan", &stage.text("media"), &stage.text("other")]);
    stage
}

fn root_state(stage: &Stage, name: &str) -> String {
    let roots = stage.done(&["paths", "list"]);
    let roots = roots["roots"].as_array().expect("roots");
    text(&roots.iter().find(|root| root["name"] == name).expect("the root")["state"])
}

/// Everything but what is expected to differ while a root is away.
fn essence(rows: &[Value]) -> Vec<Value> {
    rows.iter()
        .map(|row| json!([row["id"], row["path"], row["copies"], row["hashed"], row["kind"]]))
        .collect()
}

#[test]
fn a_root_that_is_away_keeps_its_rows_and_comes_back() {
    let stage = populated();
    let before = stage.search("");
    let bytes = stage.done(&["hash"]);
    assert_eq!(bytes["hashed"], 1);
    let before_hashed = stage.search("");
    stage.rename("media", "away");
    let ran = stage.run(&["scan"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert_eq!(ran.json["roots"][0]["state"], "offline");
    assert_eq!(ran.json["vanished"], 0);
    assert_eq!(root_state(&stage, "media"), "offline");
    assert_eq!(essence(&stage.search("")), essence(&before_hashed));
    assert_eq!(stage.names("state:offline"), ["a.png", "b.wav"]);
    assert_eq!(stage.names("state:present"), ["c.png"]);
    assert!(stage.search("state:gone").is_empty());
    // By its path too, and others can still be scanned.
    assert_eq!(stage.run(&["scan", &stage.text("media")]).code, 1);
    assert_eq!(stage.run(&["scan", "other"]).code, 0);
    stage.check();

    stage.rename("away", "media");
    let report = stage.done(&["scan"]);
    for count in ["added", "changed", "moved", "vanished", "probed"] {
        assert_eq!(report[count], 0, "{count}: {report}");
    }
    assert_eq!(stage.search(""), before_hashed);
    assert_eq!(stage.done(&["hash"])["bytes"], 0, "nothing is read again");
    assert_eq!(before.len(), 3);
    stage.check();
}

#[test]
fn an_emptied_root_is_taken_for_one_that_is_not_mounted() {
    let stage = populated();
    let before = stage.search("");
    stage.rename("media", "away");
    std::fs::create_dir(stage.path("media")).expect("a folder");
    let ran = stage.run(&["scan"]);
    assert_eq!((ran.code, &ran.json["roots"][0]["state"]), (1, &json!("empty")), "{ran:?}");
    assert_eq!(root_state(&stage, "media"), "empty");
    assert_eq!(essence(&stage.search("")), essence(&before));
    assert!(stage.search("state:gone").is_empty());
    stage.check();
    std::fs::remove_dir(stage.path("media")).expect("removed");
    stage.rename("away", "media");
    stage.done(&["scan"]);
    assert_eq!(root_state(&stage, "media"), "online");
    assert_eq!(stage.search(""), before);
    stage.check();
}

/// A root that never held anything is simply empty.
#[test]
fn a_new_empty_root_is_no_failure() {
    let stage = Stage::new();
    assert_eq!(stage.scan()["roots"][0]["state"], "online");
    stage.write("media/a.png", &png(1));
    stage.scan();
    // Emptied of files but not of folders, it was read whole.
    std::fs::create_dir(stage.path("media/left")).expect("a folder");
    stage.remove("media/a.png");
    assert_eq!(stage.scan()["vanished"], 1);
    stage.check();
}

/// A copy in a root that is there makes the asset present.
#[test]
fn a_copy_elsewhere_is_present_while_the_first_is_away() {
    let stage = populated();
    stage.write("other/copy of a.png", &png(1));
    stage.done(&["scan"]);
    let id = stage.id_at("media/a.png");
    stage.rename("media", "away");
    assert_eq!(stage.run(&["scan"]).code, 1);
    let asset = stage.show(&id);
    assert_eq!((&asset["state"], &asset["root"]), (&json!("present"), &json!("other")), "{asset}");
    assert_eq!(stage.state_of(&asset, "media/a.png").as_deref(), Some("offline"));
    assert_eq!(stage.names("state:offline"), ["b.wav"]);
    stage.rename("away", "media");
    stage.done(&["scan"]);
    let states = stage.show(&id)["places"]
        .as_array()
        .map(|places| places.iter().map(|place| text(&place["state"])).collect::<Vec<_>>());
    assert_eq!(states, Some(vec!["present".into(), "present".into()]));
    stage.check();
}

/// Runs steps in a mount namespace of its own; the command writes its answers
/// to files. Skips, and says so, where that is not allowed.
fn with_mounts(stage: &Stage, steps: &str) -> bool {
    let mut allowed = None;
    for flags in ["-m", "-Urm"] {
        let try_it = "mkdir -p probe && mount -t tmpfs none probe && umount probe";
        let status = Command::new("unshare")
            .args([flags, "sh", "-c", try_it])
            .current_dir(stage.path(""))
            .stderr(std::process::Stdio::null())
            .status();
        if status.is_ok_and(|status| status.success()) {
            allowed = Some(flags);
            break;
        }
    }
    let Some(flags) = allowed else {
        support::say("SKIPPED: this machine lets nobody mount in a namespace of its own");
        return false;
    };
    let script = format!(
        "set -e\nscan() {{ \"$RUSHES\" --home home --json scan \"${{2:-media}}\" > \"$1\" || echo $? > \"$1.code\"; }}\n{steps}"
    );
    let status = Command::new("unshare")
        .args([flags, "sh", "-c", &script])
        .env("RUSHES", env!("CARGO_BIN_EXE_rushes"))
        .current_dir(stage.path(""))
        .status();
    assert!(status.is_ok_and(|status| status.success()), "the steps did not go through");
    true
}

fn answer(stage: &Stage, name: &str) -> Value {
    let text = std::fs::read_to_string(stage.path(name)).expect("an answer");
    serde_json::from_str(&text).expect("one document")
}

#[test]
fn a_volume_below_a_root_that_is_unmounted_loses_nothing() {
    let stage = Stage::new();
    stage.write("media/fixed.png", &png(1));
    stage.write("media/deleted.png", &png(2));
    stage.write("stick/on it.png", &png(3));
    stage.write("stick/deep/too.png", &png(4));
    std::fs::create_dir(stage.path("media/mnt")).expect("a folder");
    let mounted = with_mounts(
        &stage,
        "mount -t tmpfs none media/mnt
         cp -rp stick/. media/mnt
         scan first
         cp -rp media/mnt kept
         umount media/mnt
         rm media/deleted.png
         scan unmounted
         mount -t tmpfs none media/mnt
         mkdir media/mnt/other
         cp -p media/fixed.png media/mnt/other/copy.png
         scan swapped
         scan swapped2
         umount media/mnt",
    );
    if !mounted {
        return;
    }
    assert_eq!(answer(&stage, "first")["added"], 4);
    let unmounted = answer(&stage, "unmounted");
    assert_eq!(unmounted["vanished"], 1, "only what was deleted: {unmounted}");
    // Another volume at the same place proves nothing about the first.
    for name in ["swapped", "swapped2"] {
        let swapped = answer(&stage, name);
        assert_eq!(swapped["vanished"], 0, "{name}: {swapped}");
    }
    assert_eq!(stage.names(""), ["fixed.png", "on it.png", "too.png"]);
    stage.check();
}

/// What is mounted where files are hides them; they are not gone.
#[test]
fn files_beneath_a_mount_are_not_gone() {
    let stage = Stage::new();
    stage.write("media/mnt/beneath.png", &png(1));
    stage.write("media/beside.png", &png(2));
    let mounted = with_mounts(
        &stage,
        "scan first
         mount -t tmpfs none media/mnt
         scan hidden
         scan hidden2
         umount media/mnt
         rm media/mnt/beneath.png
         scan deleted",
    );
    if !mounted {
        return;
    }
    for (name, vanished) in [("first", 0), ("hidden", 0), ("hidden2", 0), ("deleted", 1)] {
        assert_eq!(answer(&stage, name)["vanished"], vanished, "{name}");
    }
    stage.check();
}

/// A part of a root that is a volume of its own, scanned by itself first, and
/// then made a root.
#[test]
fn a_volume_that_is_scanned_as_a_part_is_a_volume_too() {
    let stage = Stage::new();
    stage.write("media/fixed.png", &png(1));
    stage.write("stick/a.png", &png(2));
    stage.write("stick/b.png", &png(3));
    stage.write("stick/c.png", &png(4));
    std::fs::create_dir(stage.path("media/mnt")).expect("a folder");
    stage.done(&["paths", "add", &stage.text("media")]);
    let mounted = with_mounts(
        &stage,
        "mkdir device
         mount -t tmpfs none device
         cp -p stick/* device
         mount --bind device media/mnt
         scan part media/mnt
         rm media/mnt/a.png
         scan part2 media/mnt
         umount media/mnt
         scan unmounted
         mount --bind device media/mnt
         \"$RUSHES\" --home home --json paths add media/mnt > added
         rm media/mnt/b.png
         scan root media/mnt
         umount media/mnt
         scan away media/mnt",
    );
    if !mounted {
        return;
    }
    assert_eq!(answer(&stage, "part")["added"], 3);
    assert_eq!(answer(&stage, "part2")["vanished"], 1, "what is deleted on it is seen");
    assert_eq!(answer(&stage, "unmounted")["vanished"], 0);
    assert_eq!(answer(&stage, "root")["vanished"], 1, "{}", answer(&stage, "root"));
    let away = answer(&stage, "away");
    assert_eq!((&away["roots"][0]["state"], &away["vanished"]), (&json!("offline"), &json!(0)));
    assert_eq!(stage.names(""), ["c.png", "fixed.png"]);
    stage.check();
}

#[test]
fn a_root_whose_volume_is_swapped_is_offline() {
    let stage = Stage::new();
    let mounted = with_mounts(
        &stage,
        "mkdir a b
         mount -t tmpfs none a
         mount -t tmpfs none b
         mkdir a/m b/m
         printf 'P6\\n1 1\\n255\\nabc' > a/m/a.ppm
         printf 'P6\\n1 1\\n255\\nxyz' > b/m/b.ppm
         touch -d 2024-01-01 a/m/a.ppm b/m/b.ppm
         mount --bind a/m media
         scan first
         umount media
         mount --bind b/m media
         scan swapped
         umount media
         scan bare
         mount --bind a/m media
         scan back",
    );
    if !mounted {
        return;
    }
    assert_eq!(answer(&stage, "first")["added"], 1);
    for name in ["swapped", "bare"] {
        let report = answer(&stage, name);
        assert_eq!((&report["added"], &report["vanished"]), (&json!(0), &json!(0)), "{report}");
        assert!(
            ["offline", "empty"].contains(&&text(&report["roots"][0]["state"])[..]),
            "{report}"
        );
        assert!(stage.path(format!("{name}.code")).exists(), "it is told by the exit code");
    }
    let back = answer(&stage, "back");
    assert_eq!((&back["roots"][0]["state"], &back["changed"]), (&json!("online"), &json!(0)));
    stage.check();
}

#[test]
fn a_folder_that_is_mounted_inside_itself_ends() {
    let stage = Stage::new();
    stage.write("media/sub/a.png", &png(1));
    std::fs::create_dir_all(stage.path("media/sub/loop")).expect("a folder");
    if !with_mounts(&stage, "mount --rbind media media/sub/loop\nscan first\nscan second") {
        return;
    }
    assert_eq!(answer(&stage, "first")["files"], 1);
    let second = answer(&stage, "second");
    assert_eq!((&second["added"], &second["vanished"]), (&json!(0), &json!(0)));
    stage.check();
}
