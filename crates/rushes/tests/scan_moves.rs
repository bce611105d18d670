//! The same content at another place: moved, renamed, copied, linked, gone and
//! back. An asset keeps its id wherever its content goes.

mod support;

use serde_json::json;
use support::bytes::{big, png, wav};
use support::{Stage, events, places, text};

/// Small files are hashed at first sight; big ones are known by samples only.
fn both_sizes() -> [(&'static str, Vec<u8>); 2] {
    [("small.png", png(1)), ("big.wav", big(2))]
}

#[test]
fn a_move_within_a_root_keeps_the_asset() {
    let stage = Stage::new();
    let files = both_sizes();
    for (name, bytes) in &files {
        stage.write(format!("media/inbox/{name}"), bytes);
    }
    stage.write("media/other.png", &png(3));
    stage.scan();
    let ids = files.each_ref().map(|(name, _)| stage.id_at(&format!("media/inbox/{name}")));
    for (name, _) in &files {
        stage.rename(format!("media/inbox/{name}"), format!("media/2024/trip/new {name}"));
    }
    let report = stage.scan();
    assert_eq!(
        (&report["moved"], &report["added"], &report["vanished"]),
        (&json!(2), &json!(0), &json!(0))
    );
    for ((name, _), id) in files.iter().zip(&ids) {
        let asset = stage.asset_at(&format!("media/2024/trip/new {name}"));
        assert_eq!(asset["id"], **id);
        assert_eq!(places(&asset).len(), 1, "{asset}");
        assert_eq!(events(&asset), ["moved"]);
        assert_eq!(asset["batch"], "trip");
        assert_eq!(asset["name"], format!("new {name}"));
    }
    assert_eq!(stage.names("trip new"), ["new big.wav", "new small.png"]);
    assert_eq!(stage.catalogue().len(), 3);
    stage.check();
}

#[test]
fn renames_also_of_case_alone_keep_the_asset() {
    let stage = Stage::new();
    stage.write("media/Clip.PNG", &png(1));
    stage.write("media/Sound.WAV", &big(2));
    stage.scan();
    let ids = [stage.id_at("media/Clip.PNG"), stage.id_at("media/Sound.WAV")];
    stage.rename("media/Clip.PNG", "media/clip.png");
    stage.rename("media/Sound.WAV", "media/sound.wav");
    let report = stage.scan();
    assert_eq!(report["moved"], 2);
    assert_eq!([stage.id_at("media/clip.png"), stage.id_at("media/sound.wav")], ids);
    assert_eq!(events(&stage.asset_at("media/clip.png")), ["renamed"]);
    // A renamed folder moves all that is in it.
    stage.rename("media", "media2/inner");
    stage.rename("media2", "media");
    assert_eq!(stage.scan()["moved"], 2);
    assert_eq!([stage.id_at("media/inner/clip.png"), stage.id_at("media/inner/sound.wav")], ids);
    stage.check();
}

/// Names that pass from file to file, as when numbered clips are renumbered.
#[test]
fn swapped_names_follow_the_content() {
    let stage = Stage::new();
    stage.write("media/1.png", &png(1));
    stage.write("media/2.png", &png(2));
    stage.write("media/3.wav", &big(3));
    stage.write("media/4.wav", &big(4));
    stage.scan();
    stage.done(&["hash"]);
    let [one, two, three, four] =
        ["1.png", "2.png", "3.wav", "4.wav"].map(|name| stage.id_at(&format!("media/{name}")));
    for (a, b) in [("1.png", "2.png"), ("3.wav", "4.wav")] {
        stage.rename(format!("media/{a}"), "media/between");
        stage.rename(format!("media/{b}"), format!("media/{a}"));
        stage.rename("media/between", format!("media/{b}"));
    }
    stage.scan();
    stage.done(&["hash"]);
    let now =
        ["2.png", "1.png", "4.wav", "3.wav"].map(|name| stage.id_at(&format!("media/{name}")));
    assert_eq!(now, [one, two, three, four]);
    stage.check();
}

/// The same before anything is hashed, when nothing but its number, size and
/// time tells which file it is, and as a chain whose last name is a new one.
#[test]
fn names_that_pass_on_before_the_hash_follow_the_content() {
    // Times that differ make a change of content of it, times alike one of attributes.
    for apart in [0, 1] {
        let stage = Stage::new();
        let names = ["1.wav", "2.wav", "3.wav", "4.wav", "5.wav"];
        let at = |name: &str| format!("media/{name}");
        for (seed, name) in (1..).zip(names) {
            let path = stage.write(at(name), &big(seed));
            support::set_modified(
                &path,
                support::long_ago() + std::time::Duration::from_secs(seed * apart),
            );
        }
        stage.scan();
        assert_eq!(stage.search("hashed:no").len(), 5, "they are to be hashed later");
        let ids = names.map(|name| stage.id_at(&at(name)));
        // Two swap their names; the others each take the next one's.
        for (from, to) in [
            ("1.wav", "between"),
            ("2.wav", "1.wav"),
            ("between", "2.wav"),
            ("5.wav", "6.wav"),
            ("4.wav", "5.wav"),
            ("3.wav", "4.wav"),
        ] {
            stage.rename(at(from), at(to));
        }
        let moved = ["2.wav", "1.wav", "4.wav", "5.wav", "6.wav"];
        let report = stage.scan();
        assert_eq!(
            (&report["added"], &report["moved"], &report["copied"]),
            (&json!(0), &json!(5), &json!(0)),
            "{report}"
        );
        assert_eq!(moved.map(|name| stage.id_at(&at(name))), ids, "before the hash");
        stage.done(&["hash"]);
        assert_eq!(moved.map(|name| stage.id_at(&at(name))), ids, "after the hash");
        assert!(stage.search("state:gone").is_empty());
        assert_eq!(stage.search("").len(), 5);
        stage.check();
    }
}

/// A name whose content goes elsewhere and that gets new content at once.
#[test]
fn a_name_with_new_content_leaves_the_old_one_its_asset() {
    let stage = Stage::new();
    stage.write("media/a.wav", &big(1));
    stage.scan();
    let id = stage.id_at("media/a.wav");
    stage.rename("media/a.wav", "media/b.wav");
    stage.write("media/a.wav", &wav(9, 3_000));
    stage.scan();
    assert_eq!(stage.id_at("media/b.wav"), id);
    assert_ne!(stage.id_at("media/a.wav"), id);
    stage.done(&["hash"]);
    assert_eq!(stage.id_at("media/b.wav"), id);
    stage.check();
}

/// Two roots, with a file that goes from the first to the second.
fn moved_between_roots() -> (Stage, [String; 2]) {
    let stage = Stage::new();
    for (name, bytes) in both_sizes() {
        stage.write(format!("first/{name}"), &bytes);
    }
    stage.write("first/stays.png", &png(8));
    stage.write("second/stays.png", &png(9));
    stage.done(&["scan", &stage.text("first"), &stage.text("second")]);
    let ids = ["small.png", "big.wav"].map(|name| stage.id_at(&format!("first/{name}")));
    for name in ["small.png", "big.wav"] {
        stage.rename(format!("first/{name}"), format!("second/deep/{name}"));
    }
    (stage, ids)
}

fn assert_moved(stage: &Stage, ids: &[String; 2]) {
    for (name, id) in ["small.png", "big.wav"].iter().zip(ids) {
        let asset = stage.asset_at(&format!("second/deep/{name}"));
        assert_eq!(asset["id"], **id, "{name} became another asset");
        assert_ne!(stage.state_of(&asset, &format!("first/{name}")).as_deref(), Some("present"));
        assert_eq!(
            asset["places"]
                .as_array()
                .map(|all| { all.iter().filter(|place| place["state"] == "present").count() }),
            Some(1)
        );
        assert!(asset["root"] == "second" && asset["state"] == "present", "{asset}");
    }
    assert_eq!(stage.search("").len(), 4);
    assert!(stage.search("state:gone").is_empty());
    stage.check();
}

#[test]
fn a_move_between_roots_in_one_scan() {
    let (stage, ids) = moved_between_roots();
    let report = stage.done(&["scan"]);
    assert_eq!((&report["moved"], &report["vanished"]), (&json!(2), &json!(0)));
    assert_moved(&stage, &ids);
}

#[test]
fn a_move_between_roots_seen_first_where_it_went() {
    let (stage, ids) = moved_between_roots();
    stage.done(&["scan", &stage.text("second")]);
    stage.done(&["scan", &stage.text("first")]);
    assert_moved(&stage, &ids);
}

#[test]
fn a_move_between_roots_seen_first_where_it_was() {
    let (stage, ids) = moved_between_roots();
    stage.done(&["scan", &stage.text("first")]);
    assert_eq!(stage.search("state:gone").len(), 2);
    stage.done(&["scan", &stage.text("second")]);
    assert_moved(&stage, &ids);
}

#[test]
fn a_copy_is_another_place_of_the_asset() {
    let stage = Stage::new();
    stage.write("media/small.png", &png(1));
    stage.scan();
    let id = stage.id_at("media/small.png");
    stage.write("media/backup/holiday.png", &png(1));
    let report = stage.scan();
    assert_eq!((&report["copied"], &report["added"]), (&json!(1), &json!(1)));
    let asset = stage.show(&id);
    assert_eq!(places(&asset).len(), 2);
    assert_eq!(
        (&asset["places"].as_array().map(Vec::len), events(&asset)),
        (&Some(2), vec!["copied".into()])
    );
    assert_eq!(stage.search("copies:>1").len(), 1);
    // Both names find it.
    assert_eq!(stage.search("holiday").len(), 1);
    assert_eq!(stage.search("small").len(), 1);
    assert_eq!(stage.done(&["stats"])["places"], 2);
    // One of the two may go; the asset shows the other.
    stage.remove("media/small.png");
    stage.scan();
    let asset = stage.show(&id);
    assert_eq!((&asset["name"], &asset["state"]), (&json!("holiday.png"), &json!("present")));
    assert_eq!(stage.state_of(&asset, "media/small.png").as_deref(), Some("gone"));
    stage.check();
}

#[test]
fn hard_links_are_places_of_one_asset() {
    let stage = Stage::new();
    for (name, bytes) in both_sizes() {
        stage.write(format!("media/{name}"), &bytes);
    }
    stage.scan();
    let ids = ["small.png", "big.wav"].map(|name| stage.id_at(&format!("media/{name}")));
    for name in ["small.png", "big.wav"] {
        let link = stage.path(format!("media/link to {name}"));
        std::fs::hard_link(stage.path(format!("media/{name}")), link).expect("a link");
    }
    stage.scan();
    for (name, id) in ["small.png", "big.wav"].iter().zip(&ids) {
        let asset = stage.asset_at(&format!("media/link to {name}"));
        assert_eq!(asset["id"], **id);
        assert_eq!(places(&asset).len(), 2);
    }
    assert_eq!(stage.search("").len(), 2);
    stage.done(&["hash"]);
    assert_eq!(stage.search("hashed:no").len(), 0);
    assert_eq!(stage.search("").len(), 2);
    stage.check();
}

#[test]
fn what_is_gone_stays_known_and_comes_back_as_itself() {
    let stage = Stage::new();
    for (name, bytes) in both_sizes() {
        stage.write(format!("media/{name}"), &bytes);
    }
    stage.write("media/stays.png", &png(5));
    stage.scan();
    stage.done(&["hash"]);
    let ids = ["small.png", "big.wav"].map(|name| stage.id_at(&format!("media/{name}")));
    for name in ["small.png", "big.wav"] {
        stage.remove(format!("media/{name}"));
    }
    assert_eq!(stage.scan()["vanished"], 2);
    assert_eq!(stage.names(""), ["stays.png"]);
    for id in &ids {
        let asset = stage.show(id);
        assert_eq!(asset["state"], "gone");
        assert_eq!(events(&asset), ["vanished"]);
        assert!(asset["probe"].is_object(), "what is known of it stays");
    }
    assert_eq!(stage.scan()["vanished"], 0, "it vanishes once");

    // One is restored where it was, the other elsewhere, both as new files.
    stage.write("media/small.png", &png(1));
    stage.write("media/restored/sound.wav", &big(2));
    stage.scan();
    assert_eq!([stage.id_at("media/small.png"), stage.id_at("media/restored/sound.wav")], ids);
    assert!(stage.search("state:gone").is_empty());
    stage.check();
}

#[test]
fn a_person_s_tags_survive_vanishing_and_merging() {
    if !support::has("sqlite3") {
        return;
    }
    let stage = Stage::new();
    let content = big(2);
    stage.write("media/a.png", &png(1));
    stage.write("media/b.wav", &content);
    stage.write("media/c.wav", &content);
    stage.scan();
    // There is no verb for tags yet.
    let tag = |id: &str, tag: &str| {
        let statement =
            format!("INSERT INTO tags SELECT id, '{tag}' FROM assets WHERE public_id='{id}'");
        let home = stage.path("home");
        let database = std::fs::read_dir(&home)
            .expect("a home")
            .filter_map(|entry| Some(entry.ok()?.path()))
            .find(|path| {
                path.extension().is_some_and(|extension| extension == "db" || extension == "sqlite")
            })
            .expect("a database");
        let status = std::process::Command::new("sqlite3").arg(database).arg(statement).status();
        assert!(status.is_ok_and(|status| status.success()));
    };
    let [a, b, c] = ["a.png", "b.wav", "c.wav"].map(|name| stage.id_at(&format!("media/{name}")));
    assert_ne!(b, c, "before they are hashed nobody knows that they are one");
    tag(&a, "keep");
    tag(&b, "left");
    tag(&c, "right");
    assert_eq!(stage.done(&["hash"])["merged"], 1);
    assert_eq!(stage.show(&b)["id"], stage.show(&c)["id"]);
    assert_eq!(stage.show(&b)["tags"], json!(["left", "right"]));
    stage.remove("media/a.png");
    stage.scan();
    stage.write("media/elsewhere.png", &png(1));
    stage.scan();
    assert_eq!(stage.names("tag:keep"), ["elsewhere.png"]);
    stage.check();
}

/// A file that leaves while another with its number, size and time arrives is
/// not taken for it when the bytes differ.
#[test]
fn a_number_that_is_used_again_proves_nothing() {
    let stage = Stage::new();
    stage.write("media/old.wav", &wav(1, 3_000));
    stage.scan();
    let old = stage.id_at("media/old.wav");
    // The same file, rewritten and renamed, with its time set back.
    std::fs::rename(stage.path("media/old.wav"), stage.path("media/new.wav")).expect("renamed");
    stage.write("media/new.wav", &wav(2, 3_000));
    stage.scan();
    let new = stage.asset_at("media/new.wav");
    assert_ne!(text(&new["id"]), old);
    assert_eq!(stage.show(&old)["state"], "gone");
    stage.check();
}
