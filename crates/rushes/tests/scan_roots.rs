//! Roots inside roots, parts of roots, and the same root twice.

mod support;

use serde_json::{Value, json};
use support::bytes::{big, png};
use support::{Stage, events, places, ran, text};

fn populated() -> Stage {
    let stage = Stage::new();
    stage.write("media/outer.png", &png(1));
    stage.write("media/inner/a.png", &png(2));
    stage.write("media/inner/deep/b.wav", &big(3));
    stage.write("media/inner lookalike/c.png", &png(4));
    stage
}

/// Every file has one place, and that is in the root that is nearest to it.
fn assert_nested(stage: &Stage) {
    let rows = stage.search("");
    assert_eq!(rows.len(), 4, "{rows:?}");
    for row in rows {
        let asset = stage.show(&text(&row["id"]));
        assert_eq!(places(&asset).len(), 1, "{asset}");
        let is_inner = text(&asset["path"]).starts_with(&stage.text("media/inner/"));
        assert_eq!(asset["root"], if is_inner { "inner" } else { "media" });
    }
    assert!(stage.search("state:gone").is_empty());
    assert_eq!(stage.done(&["stats"])["places"], 4);
    stage.check();
}

#[test]
fn the_outer_root_first() {
    let stage = populated();
    stage.scan();
    let before = ids(&stage);
    stage.done(&["paths", "add", &stage.text("media/inner")]);
    assert_nested(&stage);
    let report = stage.done(&["scan"]);
    assert_eq!(
        (&report["added"], &report["changed"]),
        (&json!(0), &json!(0)),
        "rows are taken over"
    );
    assert_nested(&stage);
    assert_eq!(ids(&stage), before);
    // Each alone sees its own part only.
    assert_eq!(stage.scan()["files"], 2);
    assert_eq!(stage.done(&["scan", "inner"])["files"], 2);
    assert_nested(&stage);
}

#[test]
fn the_inner_root_first() {
    let stage = populated();
    stage.done(&["scan", &stage.text("media/inner")]);
    let report = stage.scan();
    assert_eq!(report["files"], 2);
    assert_nested(&stage);
    stage.done(&["scan"]);
    assert_nested(&stage);
}

#[test]
fn both_at_once_in_either_order() {
    for reversed in [false, true] {
        let stage = populated();
        let mut roots = [stage.text("media"), stage.text("media/inner")];
        if reversed {
            roots.reverse();
        }
        stage.done(&["scan", &roots[0], &roots[1]]);
        assert_eq!(stage.search("").len(), 4);
        assert_eq!(stage.done(&["stats"])["places"], 4);
        // One inside a root that is given before it is a part of that root.
        let count = stage.done(&["paths", "list"])["roots"].as_array().map(Vec::len);
        assert_eq!(count, Some(if reversed { 2 } else { 1 }));
        stage.check();
    }
}

/// What several of the given folders hold is walked, counted and told once.
#[test]
fn a_folder_and_a_part_of_it_in_one_scan() {
    let stage = populated();
    let (media, inner) = (stage.text("media"), stage.text("media/inner"));
    let deep = stage.text("media/inner/deep");
    for reversed in [true, false] {
        let mut roots = [&*media, &*inner];
        if reversed {
            roots.reverse();
        }
        let plan = stage.done(&[&["scan", "--dry-run"], &roots[..]].concat());
        let summary = text(&plan["plan"]["summary"]);
        assert!(summary.starts_with("of 4 files, record 4 new"), "{summary}");
        let effects = plan["plan"]["effects"].as_array().expect("effects");
        let count = |word| effects.iter().filter(|e| text(&e["key"]).starts_with(word)).count();
        assert_eq!((count("register"), count("add")), (if reversed { 2 } else { 1 }, 4));
    }
    let report = stage.done(&["scan", &media, &inner, &deep]);
    assert_eq!((&report["files"], &report["added"]), (&json!(4), &json!(4)));
    assert_eq!(report["roots"].as_array().map(Vec::len), Some(1), "{report}");
    stage.check();
    // The part may be given first, now that the folder around it is a root.
    let gone = stage.id_at("media/inner/a.png");
    stage.remove("media/inner/a.png");
    let report = stage.done(&["scan", &deep, &inner, &media, &inner]);
    assert_eq!((&report["files"], &report["vanished"]), (&json!(3), &json!(1)));
    assert_eq!(events(&stage.show(&gone)), ["vanished"]);
    // Two parts beside each other, and one folder alone beside what is in it.
    let lookalike = stage.text("media/inner lookalike");
    let report = stage.done(&["scan", &inner, &lookalike]);
    assert_eq!((&report["files"], report["roots"].as_array().map(Vec::len)), (&json!(2), Some(2)));
    let report = stage.done(&["scan", "--shallow", &media, &deep]);
    assert_eq!((&report["files"], report["roots"].as_array().map(Vec::len)), (&json!(2), Some(2)));
    stage.check();
}

/// When a root was last read is when all of it was.
#[test]
fn only_a_scan_of_the_whole_root_is_its_last_scan() {
    let stage = populated();
    let (media, inner) = (stage.text("media"), stage.text("media/inner"));
    let last_scan = || stage.done(&["paths", "list"])["roots"][0]["last_scan"].clone();
    stage.done(&["paths", "add", &media]);
    for partly in [&["scan", &*inner][..], &["scan", "--shallow", &media]] {
        stage.done(partly);
        assert!(last_scan().is_null(), "{partly:?}");
    }
    stage.remove("media/inner/a.png");
    assert_eq!(stage.done(&["scan", &inner])["vanished"], 1);
    assert!(last_scan().is_null(), "part of it is gone");
    stage.check();
    stage.remove("media/outer.png");
    assert_eq!(stage.done(&["scan", "--shallow", &media])["vanished"], 1);
    assert!(last_scan().is_null(), "part of it is gone");
    stage.check();
    stage.scan();
    assert!(!last_scan().is_null());
}

/// What an inner root held is in the root around it as soon as it is forgotten.
#[test]
fn a_forgotten_inner_root_falls_to_the_one_around_it() {
    for inner_first in [true, false] {
        let stage = populated();
        let inner = stage.text("media/inner");
        if inner_first {
            stage.done(&["scan", &inner]);
            stage.scan();
        } else {
            stage.scan();
            stage.done(&["paths", "add", &inner]);
        }
        stage.remove("media/inner/a.png");
        stage.done(&["scan", "inner"]);
        let (before, gone) = (ids(&stage), stage.search("state:gone"));
        assert_eq!((before.len(), gone.len()), (3, 1));
        stage.done(&["paths", "remove", "inner"]);
        assert_eq!(ids(&stage), before, "nothing disappears");
        assert_eq!(stage.names(""), ["b.wav", "c.png", "outer.png"]);
        for row in stage.search("").iter().chain(&stage.search("state:gone")) {
            assert_eq!(row["root"], "media", "{row}");
        }
        assert_eq!(stage.search("state:gone")[0]["id"], gone[0]["id"]);
        let shown = stage.asset_at("media/inner/deep/b.wav");
        assert_eq!((&shown["batch"], &shown["root"]), (&json!("deep"), &json!("media")));
        stage.check();
        let report = stage.scan();
        let found = ["files", "added", "changed", "moved", "vanished"].map(|n| report[n].clone());
        assert_eq!(json!(found), json!([3, 0, 0, 0, 0]));
        stage.check();
    }
}

/// What was gone before a folder became a root of its own is still gone.
#[test]
fn an_inner_root_takes_over_what_is_gone_too() {
    let stage = populated();
    stage.scan();
    stage.remove("media/inner/a.png");
    stage.scan();
    stage.done(&["paths", "add", &stage.text("media/inner")]);
    let gone = stage.search("state:gone");
    assert_eq!(gone.len(), 1);
    assert_eq!(gone[0]["root"], "inner");
    stage.check();
    stage.done(&["scan"]);
    stage.check();
}

#[test]
fn the_same_root_twice_is_one() {
    let stage = populated();
    let media = stage.text("media");
    let slashed = format!("{media}//");
    let roundabout = stage.text("media/inner/..");
    let report = stage.done(&["scan", &media, &slashed, &roundabout, &media]);
    assert_eq!(report["roots"].as_array().map(Vec::len), Some(1));
    let again = stage.done(&["paths", "add", &media]);
    assert_eq!((&again["already"], &again["new_volume"]), (&json!(true), &json!(false)));
    assert_eq!(stage.done(&["paths", "add", "--dry-run", &media])["plan"]["effects"], json!([]));
    assert_eq!(stage.done(&["paths", "list"])["roots"].as_array().map(Vec::len), Some(1));
    assert_eq!(stage.done(&["stats"])["places"], 4);
    stage.check();
}

/// Whose volume is another one now, keeps what it knew until somebody says so.
#[test]
fn another_volume_is_only_taken_when_asked_for() {
    let stage = populated();
    let media = stage.text("media");
    stage.done(&["scan", &media]);
    rushes::catalog::Catalog::open(&stage.path("home/catalogue.sqlite"))
        .and_then(|catalog| {
            catalog.write(|write| {
                write
                    .execute_batch("UPDATE roots SET volume='another'")
                    .map_err(rushes::catalog::sql("testing"))
            })
        })
        .expect("it can be changed");
    for arguments in [&["paths", "add", &media][..], &["paths", "add", "--dry-run", &media]] {
        let refused = stage.run(arguments);
        assert_eq!((refused.code, &refused.json["error"]["kind"]), (9, &json!("conflict")));
        let remedy = refused.json["error"]["remedy"].to_string();
        assert!(remedy.contains("--new-volume") && remedy.contains("gone"), "{remedy}");
    }
    assert_eq!(stage.run(&["scan"]).json["roots"][0]["state"], "offline");
    let plan = stage.done(&["paths", "add", "--new-volume", "--dry-run", &media]);
    assert_eq!(plan["plan"]["effects"][0]["key"], "volume", "{plan}");
    let taken = stage.done(&["paths", "add", "--new-volume", &media]);
    assert_eq!((&taken["already"], &taken["new_volume"]), (&json!(true), &json!(true)));
    assert_eq!(stage.done(&["scan"])["roots"][0]["state"], "online");
    let elsewhere = stage.text("elsewhere");
    std::fs::create_dir(&elsewhere).expect("a folder");
    assert_eq!(stage.done(&["paths", "add", &elsewhere])["already"], false);
    stage.check();
}

#[test]
fn a_scan_of_a_part_touches_that_part_only() {
    let stage = populated();
    stage.scan();
    let before = ids(&stage);
    stage.write("media/elsewhere.png", &png(8));
    stage.write("media/inner/new.png", &png(9));
    // Removed last, so that no new file gets the number of one of these.
    for name in ["outer.png", "inner/a.png", "inner lookalike/c.png"] {
        stage.remove(format!("media/{name}"));
    }
    let report = stage.done(&["scan", &stage.text("media/inner")]);
    assert_eq!(
        (&report["files"], &report["added"], &report["vanished"]),
        (&json!(2), &json!(1), &json!(1))
    );
    assert_eq!(stage.names(""), ["b.wav", "c.png", "new.png", "outer.png"]);
    assert_eq!(stage.done(&["paths", "list"])["roots"].as_array().map(Vec::len), Some(1));
    stage.check();
    let report = stage.scan();
    assert_eq!((&report["added"], &report["vanished"]), (&json!(1), &json!(2)));
    assert_eq!(stage.names(""), ["b.wav", "elsewhere.png", "new.png"]);
    assert!(before.iter().all(|id| stage.run(&["show", id]).code == 0), "no asset is forgotten");
    stage.check();
}

#[test]
fn a_forgotten_root_leaves_its_assets_as_gone() {
    let stage = populated();
    stage.scan();
    let before = ids(&stage);
    let tree = stage.tree("media");
    stage.done(&["paths", "remove", "media"]);
    assert_eq!(stage.search("").len(), 0);
    assert_eq!(stage.search("state:gone").len(), 4);
    stage.check();
    assert_eq!(stage.tree("media"), tree);
    // Taken up again, small files are known by their hash.
    stage.scan();
    assert!(before.contains(&stage.id_at("media/outer.png")));
    stage.check();
}

fn ids(stage: &Stage) -> Vec<String> {
    let mut ids: Vec<String> =
        stage.search("").iter().map(|row: &Value| text(&row["id"])).collect();
    ids.sort();
    ids
}

/// Rushes' own folder is nobody's media, wherever it is.
#[test]
fn the_home_folder_is_never_scanned() {
    let stage = Stage::new();
    stage.write("media/a.png", &png(1));
    let home = stage.text("media/rushes home");
    let run = |arguments: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_rushes"));
        ran(command.args(["--json", "--home", &home]).args(arguments))
    };
    let done = |arguments: &[&str]| {
        let ran = run(arguments);
        assert_eq!(ran.code, 0, "{ran:?}");
        ran.json
    };
    let media = stage.text("media");
    assert_eq!(done(&["scan", &media])["files"], 1);
    assert_eq!(done(&["previews"])["made"], 1);
    assert_eq!(done(&["scan", &media])["files"], 1, "its previews are no media");
    for folder in [home.clone(), format!("{home}/previews")] {
        for verb in [&["paths", "add"][..], &["scan"]] {
            let refused = run(&[verb, &[&folder]].concat());
            assert_eq!(refused.code, 2, "{refused:?}");
            assert_eq!(refused.json["error"]["kind"], "invalid");
        }
    }
}

/// A shallow scan says nothing of the folders that it does not look into.
#[test]
fn a_shallow_scan_stays_in_the_folder() {
    let stage = Stage::new();
    stage.write("media/a.png", &png(1));
    stage.write("media/sub/b.png", &png(2));
    let shallow = ["scan", &stage.text("media"), "--shallow"];
    assert_eq!(stage.done(&shallow)["files"], 1);
    assert_eq!(stage.names(""), ["a.png"]);
    stage.scan();
    stage.remove("media/a.png");
    stage.remove("media/sub/b.png");
    stage.write("media/c.wav", &big(3));
    assert_eq!(stage.done(&shallow)["vanished"], 1);
    assert_eq!(stage.names(""), ["b.png", "c.wav"]);
    stage.check();
    // Nothing at all is in it: it may not be mounted.
    stage.rename("media", "away");
    std::fs::create_dir(stage.path("media")).expect("a folder");
    assert_eq!(stage.run(&shallow).json["roots"][0]["state"], "empty");
    assert_eq!(stage.names(""), ["b.png", "c.wav"]);
    std::fs::remove_dir(stage.path("media")).expect("empty");
    stage.rename("away", "media");
    assert_eq!(stage.scan()["vanished"], 1);
    assert_eq!(stage.names(""), ["c.wav"]);
    stage.check();
}
