//! What the command promises to scripts: one document, and a code that says
//! how it went.

mod support;

use std::process::{Command, Stdio};

use serde_json::json;
use support::bytes::{png, wav};
use support::{Stage, ran, text};

#[test]
fn exit_codes_say_how_it_went() {
    let stage = Stage::new();
    stage.write("media/a.png", &png(1));
    stage.write("media/broken.mp4", b"no media");
    let media = stage.text("media");
    let nowhere = stage.text("nowhere");
    let file = stage.text("media/a.png");
    assert_eq!(stage.run(&["scan", &media]).code, 1, "one of the files failed");
    assert_eq!(stage.run(&["scan", &media]).code, 0, "and is not tried again");
    assert_eq!(stage.run(&["scan", "--retry-failed", &media]).code, 1, "unless one asks");
    for (arguments, code, kind) in [
        (vec!["show", "unknown"], 3, "not_found"),
        (vec!["scan", &nowhere], 3, "not_found"),
        (vec!["scan", &file], 2, "invalid"),
        (vec!["paths", "add", &nowhere], 3, "not_found"),
        (vec!["paths", "remove", "unknown"], 3, "not_found"),
        (vec!["jobs", "show", "4711"], 3, "not_found"),
        (vec!["jobs", "cancel", "4711"], 3, "not_found"),
        (vec!["batches", "show", "unknown"], 3, "not_found"),
        (vec!["search", "kind:sculpture"], 2, "invalid"),
        (vec!["search", "\"open"], 2, "invalid"),
        (vec!["search", "nofilter:x"], 2, "invalid"),
        (vec!["search", "duration:>long"], 2, "invalid"),
        (vec!["search", "", "--cursor", "made up"], 2, "invalid"),
        (vec!["probe", &nowhere], 3, "not_found"),
    ] {
        let ran = stage.run(&arguments);
        assert_eq!(
            (ran.code, &ran.json["error"]["kind"]),
            (code, &json!(kind)),
            "{arguments:?}: {ran:?}"
        );
        let error = &ran.json["error"];
        assert!(!text(&error["what"]).is_empty() && !text(&error["why"]).is_empty());
        assert!(ran.stderr.starts_with("rushes: "), "{arguments:?}: {}", ran.stderr);
    }
    // A job that has ended cannot be tried again.
    let jobs = stage.done(&["jobs", "list", "--state", "done"]);
    let id = jobs["jobs"][0]["id"].to_string();
    assert_eq!(stage.run(&["jobs", "retry", &id]).code, 9);
    stage.check();
}

/// What the parser of the command line refuses is told on standard error.
#[test]
fn wrong_usage_is_code_two_and_prints_no_output() {
    let stage = Stage::new();
    for arguments in [
        &["unheard-of"][..],
        &["workers"],
        &[],
        &["scan", "--unheard-of"],
        &["scan", "--workers", "0"],
        &["scan", "--workers", "65"],
        &["show"],
        &["search", "--limit", "0"],
        &["search", "--limit", "1001"],
        &["check", "--read-data", "101"],
        &["recent", "-n", "many"],
        &["jobs", "show", "first"],
        &["paths"],
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_rushes"))
            .arg("--home")
            .arg(stage.path("home"))
            .args(arguments)
            .output()
            .expect("it runs");
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(output.stdout.is_empty() && !output.stderr.is_empty(), "{arguments:?}");
        let told = String::from_utf8(output.stderr).expect("text");
        assert!(!told.contains("worker,") && !told.contains("'worker'"), "{told}");
    }
    assert!(!stage.path("home").exists(), "wrong usage makes no home folder");
}

#[test]
fn every_verb_prints_one_document() {
    let stage = Stage::new();
    stage.write("media/a.png", &png(1));
    stage.write("media/b.wav", &wav(2, 1_000));
    let media = stage.text("media");
    let file = stage.text("media/a.png");
    stage.done(&["paths", "add", &media, "--name", "Footage"]);
    stage.done(&["scan"]);
    let id = stage.id_at("media/a.png");
    for arguments in [
        vec!["scan", "Footage"],
        vec!["scan", "--full", "--workers", "2"],
        vec!["scan", "--dry-run"],
        vec!["probe", &file],
        vec!["search", ""],
        vec!["recent", "-n", "1"],
        vec!["show", &id],
        vec!["stats"],
        vec!["batches", "list"],
        vec!["batches", "show", "media"],
        vec!["paths", "list"],
        vec!["jobs", "list"],
        vec!["jobs", "show", "1"],
        vec!["hash"],
        vec!["previews"],
        vec!["check", "--read-data", "100"],
        vec!["doctor"],
        vec!["paths", "remove", "Footage"],
    ] {
        // `done` wants exactly one document on standard output.
        let json = stage.done(&arguments);
        assert!(json.is_object() || json.is_array(), "{arguments:?}: {json}");
        // The same for people: text that is not JSON, and the same code.
        if arguments[0] != "paths" {
            let mut command = Command::new(env!("CARGO_BIN_EXE_rushes"));
            let output = command
                .arg("--home")
                .arg(stage.path("home"))
                .args(&arguments)
                .stdin(Stdio::null())
                .output()
                .expect("it runs");
            assert_eq!(output.status.code(), Some(0), "{arguments:?}: {output:?}");
            assert!(!output.stdout.is_empty(), "{arguments:?}");
        }
    }
}

/// Also of what only tells how the command is used.
#[test]
fn json_is_one_document_whatever_is_asked_for() {
    let stage = Stage::new();
    let pages = stage.text("pages");
    assert!(text(&stage.done(&["completions", "bash"])["completions"]).contains("rushes"));
    assert!(text(&stage.done(&["--help"])["help"]).contains("Usage: rushes"));
    assert!(text(&stage.done(&["scan", "--help"])["help"]).contains("--retry-failed"));
    assert!(text(&stage.done(&["help", "paths", "add"])["help"]).contains("--new-volume"));
    assert_eq!(stage.done(&["--version"]), json!({ "version": env!("CARGO_PKG_VERSION") }));
    let written = stage.done(&["man", &pages])["written"].clone();
    assert_eq!(written.as_array().map(Vec::len), Some(stage.tree("pages").len() - 1));
    assert!(written.to_string().contains("rushes-paths-add.1"), "{written}");
    let page = std::fs::read_to_string(stage.path("pages/rushes-scan.1")).expect("a page");
    let head = page.lines().find(|line| line.starts_with(".TH")).unwrap_or_default();
    assert!(head.contains(concat!("\"rushes ", env!("CARGO_PKG_VERSION"), "\"")), "{head}");
    assert!(!stage.path("home").exists(), "none of them makes a home folder");

    for (arguments, part) in [
        (&["show"][..], "<ID>"),
        (&["convert", "a"], "<OUTPUT>"),
        (&["paths"], "list, add, remove"),
        (&[], "scan, "),
        (&["jobs", "list", "--state", "lost"], "queued"),
    ] {
        let ran = stage.run(arguments);
        let why = text(&ran.json["error"]["why"]);
        assert!(
            ran.code == 2 && why.contains(part) && !why.contains('\n'),
            "{arguments:?}: {ran:?}"
        );
    }
}

/// Runs that read a share each read every file once, at whatever times.
#[test]
fn checks_of_a_share_reach_every_file() {
    let stage = Stage::new();
    // Each size is more than all smaller ones together, so that the sum tells which were read.
    for number in 0..12 {
        stage.write(format!("media/{number}.wav"), &wav(number, 100 << number));
    }
    stage.scan();
    stage.done(&["hash"]);
    let all = stage.done(&["check", "--read-data", "100"]);
    let (mut read, mut bytes) = (0, 0);
    for share in ["25", "5", "45", "25"] {
        let report = stage.done(&["check", "--read-data", share]);
        read += report["read"].as_u64().unwrap_or_default();
        bytes += report["read_bytes"].as_u64().unwrap_or_default();
    }
    assert_eq!((&json!(read), &json!(bytes)), (&all["read"], &all["read_bytes"]));
    assert_eq!(read, 12);
}

#[test]
fn a_check_lists_what_it_could_not_compare() {
    let stage = Stage::new();
    stage.write("media/a.png", &png(1));
    stage.write("media/b.png", &png(2));
    stage.scan();
    let said = |stage: &Stage| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rushes"));
        let output = command.arg("--home").arg(stage.path("home")).arg("check").output();
        String::from_utf8(output.expect("it runs").stdout).expect("text")
    };
    assert!(said(&stage).ends_with("everything is as it must be\n"));
    stage.write("media/a.png", &png(3));
    let report = stage.done(&["check", "--read-data", "100"]);
    assert_eq!((&report["changed"], &report["read"]), (&json!(1), &json!(1)));
    assert_eq!(report["changed_files"], json!([stage.text("media/a.png")]));
    let said = said(&stage);
    assert!(said.contains("a.png") && !said.contains("everything"), "{said}");
}

#[test]
fn a_broken_catalogue_is_told_with_a_way_out() {
    let stage = Stage::new();
    std::fs::create_dir(stage.path("home")).expect("a folder");
    std::fs::write(stage.path("home/catalogue.sqlite"), "no database, ".repeat(1_000))
        .expect("written");
    let ran = stage.run(&["check"]);
    let remedy = text(&ran.json["error"]["remedy"]);
    assert!(
        ran.code == 5 && remedy.contains("aside") && !remedy.contains("rushes check"),
        "{ran:?}"
    );
    let doctor = stage.run(&["doctor"]);
    assert_eq!(doctor.code, 1);
    assert!(doctor.json["missing"].to_string().contains("catalogue.sqlite"), "{doctor:?}");
}

#[test]
fn pages_follow_one_another() {
    let stage = Stage::new();
    for number in 0..7 {
        stage.write(format!("media/{number}.png"), &png(number));
    }
    stage.scan();
    let mut names = Vec::new();
    let mut cursor: Option<String> = None;
    for _ in 0..4 {
        let mut arguments = vec!["search", "sort:name", "--limit", "2"];
        if let Some(cursor) = &cursor {
            arguments.extend(["--cursor", cursor]);
        }
        let page = stage.done(&arguments);
        assert_eq!(page["total"], 7);
        names.extend(page["items"].as_array().expect("items").iter().map(|row| text(&row["name"])));
        cursor = page["next_cursor"].as_str().map(str::to_owned);
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(cursor, None);
    assert_eq!(names, (0..7).map(|number| format!("{number}.png")).collect::<Vec<_>>());
}

#[test]
fn a_search_is_as_many_words_as_one_likes() {
    let stage = Stage::new();
    for (number, name) in (0..).zip(["golden_gate.png", "golden.png", "gate.png"]) {
        stage.write(format!("media/{name}"), &png(number));
    }
    stage.scan();
    for (arguments, found) in [
        (&["golden", "gate"][..], 1),
        (&["golden gate"], 1),
        (&["golden", "-gate"], 1),
        (&["-gate", "golden", "--limit", "5"], 1),
        (&["--limit", "5", "-gate"], 1),
        (&["-tag:rejected"], 3),
        (&["golden", "-tag:rejected", "--limit", "5", "sort:name"], 2),
        (&["--", "-gate"], 1),
        (&[], 3),
        (&[""], 3),
    ] {
        let page = stage.done(&[&["search"][..], arguments].concat());
        assert_eq!(page["total"], found, "{arguments:?}: {page}");
    }
    for arguments in [&["golden", "--limt", "5"][..], &["golden", "--cursor"]] {
        assert_eq!(stage.run(&[&["search"][..], arguments].concat()).code, 2, "{arguments:?}");
    }
}

#[test]
fn scan_as_often_as_you_like_at_the_same_time() {
    let stage = Stage::new();
    for number in 0..40 {
        stage.write(format!("media/{number}.wav"), &wav(number, 500));
    }
    let media = stage.text("media");
    std::thread::scope(|scope| {
        for arguments in [["scan", &media], ["scan", &media], ["scan", &media]] {
            let stage = &stage;
            scope.spawn(move || {
                let ran = ran(&mut stage.command(&arguments));
                assert_eq!(ran.code, 0, "{ran:?}");
            });
        }
    });
    assert_eq!(stage.done(&["stats"])["places"], 40);
    stage.check();
}

#[test]
fn the_home_folder_comes_from_the_option_or_the_environment() {
    let stage = Stage::new();
    stage.write("media/a.png", &png(1));
    let mut command = Command::new(env!("CARGO_BIN_EXE_rushes"));
    command
        .args(["--json", "scan"])
        .arg(stage.path("media"))
        .env("RUSHES_HOME", stage.path("home"));
    assert_eq!(ran(&mut command).code, 0);
    assert_eq!(stage.names(""), ["a.png"]);
    // Set but empty means not set.
    let mut command = Command::new(env!("CARGO_BIN_EXE_rushes"));
    command
        .args(["--json", "search"])
        .env("RUSHES_HOME", "")
        .env("XDG_DATA_HOME", stage.path("platform"));
    assert_eq!(ran(&mut command).json["total"], 0);
    assert!(stage.path("platform/rushes/catalogue.sqlite").exists());
    // Nothing of anybody's can be read by others.
    use std::os::unix::fs::PermissionsExt;
    let mode = std::fs::metadata(stage.path("home")).expect("a home").permissions().mode();
    assert_eq!(mode & 0o077, 0, "{mode:o}");
}
