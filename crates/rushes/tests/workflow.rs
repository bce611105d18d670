//! Several verbs one after the other, from JSON: as the prototype had them, and
//! with what later steps take of earlier ones.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops there")]

mod support;

use std::io::Write as _;
use std::process::Stdio;
use std::time::Instant;

use serde_json::{Value, json};
use support::bytes::{big, png};
use support::disk::{is_killed, points};
use support::{Ran, Stage, finish, has_strace, text};

fn stage() -> Stage {
    let stage = Stage::new();
    std::fs::create_dir(stage.path("disk")).unwrap();
    stage.write("media/Trip/a.png", &png(1));
    stage.write("media/Trip/b.wav", &big(2));
    stage.write("media/Other/c.png", &png(3));
    stage
}

/// Runs a workflow from standard input.
fn run(stage: &Stage, workflow: &Value) -> Ran {
    let mut command = stage.command(&["workflow", "-"]);
    let begun = Instant::now();
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(workflow.to_string().as_bytes()).unwrap();
    finish(child, begun)
}

fn done(stage: &Stage, workflow: &Value) -> Value {
    let ran = run(stage, workflow);
    assert_eq!(ran.code, 0, "{ran:?}");
    ran.json
}

#[test]
fn the_prototypes_json_runs_as_it_is() {
    let stage = stage();
    // One step prints one object.
    let one = done(&stage, &json!({"action": "scan", "root": stage.text("media"), "workers": 4}));
    assert_eq!((&one["action"], &one["files"]), (&json!("scan"), &json!(3)));
    // Several print a list.
    let several = done(
        &stage,
        &json!({"workflow": [
            {"action": "scan", "root": stage.text("media")},
            {"action": "backup", "backup_root": stage.text("disk"), "dry_run": true},
            {"action": "backup", "backup_root": stage.text("disk")},
            {"action": "stats"},
            {"action": "recent", "n": 2},
            {"action": "paths", "cmd": "list"},
            {"action": "batches"},
            {"action": "dam", "cmd": "search", "query": "kind:still", "level": "L1", "limit": 5},
        ]}),
    );
    let outputs = several.as_array().unwrap();
    let actions: Vec<String> = outputs.iter().map(|it| text(&it["action"])).collect();
    assert_eq!(
        actions,
        ["scan", "backup", "backup", "stats", "recent", "paths list", "batches list", "search"]
    );
    assert!(outputs[1]["plan"]["effects"].as_array().unwrap().len() == 4, "{several}");
    assert_eq!(outputs[2]["destinations"][0]["copied"], 3, "a dry run copied nothing");
    assert_eq!(outputs[4]["items"].as_array().unwrap().len(), 2);
    assert_eq!(outputs[7]["items"].as_array().unwrap().len(), 2);
    assert!(stage.path("disk/Trip/a.png").exists());
}

#[test]
fn a_file_is_read_and_a_dry_run_does_nothing() {
    let stage = stage();
    let steps = json!({"workflow": [
        {"action": "scan", "roots": [stage.text("media")]},
        {"action": "backup", "to": [stage.text("disk")]},
    ]});
    stage.write("steps.json", steps.to_string().as_bytes());
    let plan = stage.done(&["workflow", "--dry-run", &stage.text("steps.json")]);
    assert!(text(&plan["plan"]["summary"]).contains("2 steps"), "{plan}");
    assert_eq!(stage.names(""), [""; 0]);
    stage.done(&["workflow", &stage.text("steps.json")]);
    assert!(stage.path("disk/Other/c.png").exists());
}

#[test]
fn later_steps_take_what_earlier_ones_gave() {
    let stage = stage();
    let ran = done(
        &stage,
        &json!({"workflow": [
            {"action": "scan", "roots": [stage.text("media")]},
            {"action": "search", "query": "kind:still sort:name", "step": "stills"},
            {"action": "show", "for_each": "${stills.items.*.id}", "id": "${item}"},
            {"action": "backup", "to": [stage.text("disk")],
             "query": "name ${stills.items.0.name}", "if": "${stills.items.9}"},
            {"action": "search", "query": "batch:${stills.items.1.batch}", "if": "${stills.items}",
             "unless": "${stills.next_cursor}"},
        ]}),
    );
    let shown = ran[2]["items_done"].as_array().unwrap();
    let names: Vec<String> = shown.iter().map(|it| text(&it["name"])).collect();
    assert_eq!(names, ["a.png", "c.png"]);
    assert_eq!(ran[3]["skipped"], true);
    assert!(!stage.path("disk/Trip").exists());
    assert_eq!(ran[4]["items"][0]["name"], "c.png");
}

#[test]
fn mistakes_are_named_before_anything_runs() {
    let stage = stage();
    let scan = json!({"action": "scan", "roots": [stage.text("media")]});
    for (step, part) in [
        (json!({"action": "scam"}), "step 2: action: \"scam\" is no verb"),
        (json!({"roots": []}), "step 2: action: there is none"),
        (json!({"action": "scan", "rots": []}), "rots"),
        (json!({"action": "search", "limit": 0}), "step 2 search"),
        (
            json!({"action": "show", "id": "${find.items.0.id}"}),
            "no earlier step is named \"find\"",
        ),
        (json!({"action": "show", "id": "${item}"}), "named \"item\""),
        (json!({"action": "show", "id": "${open"}), "not closed"),
        (json!({"action": "workflow", "workflow": []}), "no verb"),
        (json!({"action": "stats", "dry_run": true}), "changes nothing"),
        (json!({"action": "stats", "step": "a b"}), "letters"),
    ] {
        let ran = run(&stage, &json!({"workflow": [scan, step]}));
        assert_eq!((ran.code, &ran.json["error"]["kind"]), (2, &json!("invalid")), "{ran:?}");
        assert!(
            ran.json["error"].to_string().contains(&part.replace('"', "\\\"")),
            "{part}: {ran:?}"
        );
    }
    assert_eq!(stage.names(""), [""; 0], "nothing ran");
    for (bytes, part) in
        [(&b"{"[..], "not JSON"), (b"[]", "no JSON object"), (b"{\"a\":1}", "stands")]
    {
        stage.write("bad.json", bytes);
        let ran = stage.run(&["workflow", &stage.text("bad.json")]);
        assert_eq!(ran.code, 2, "{ran:?}");
        assert!(ran.json.to_string().contains(part) || part == "no JSON object", "{ran:?}");
    }
}

#[test]
fn a_step_that_fails_ends_it_unless_it_may() {
    let stage = stage();
    let steps = |more: Value| {
        let mut show = json!({"action": "show", "id": "nobody"});
        show.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!({"workflow": [show, {"action": "stats"}]})
    };
    let ran = run(&stage, &steps(json!({})));
    assert_eq!((ran.code, &ran.json["error"]["kind"]), (3, &json!("not_found")), "{ran:?}");
    assert!(text(&ran.json["error"]["what"]).starts_with("step 1 show"), "{ran:?}");
    let ran = run(&stage, &steps(json!({"continue_on_error": true})));
    assert_eq!((ran.code, &ran.json[1]["assets"]), (1, &json!(0)), "{ran:?}");
    assert_eq!(ran.json[0]["error"]["kind"], "not_found");
}

#[test]
fn after_a_kill_the_steps_that_were_done_are_not_done_again() {
    if !has_strace() {
        return;
    }
    let made = || {
        let stage = stage();
        let steps = json!({"workflow": [
            {"action": "scan", "roots": [stage.text("media")]},
            {"action": "backup", "to": [stage.text("disk")]},
        ]});
        let file = stage.write("steps.json", steps.to_string().as_bytes());
        (stage, file.to_str().unwrap().to_owned())
    };
    let effects = |stage: &Stage| -> Vec<(String, String)> {
        let jobs = stage.done(&["jobs", "list"]);
        let jobs = jobs["jobs"].as_array().unwrap().clone();
        let mut of_workflow = jobs.iter().filter(|it| it["kind"] == "workflow");
        // Killed before it was queued.
        let Some(job) = of_workflow.next() else { return Vec::new() };
        let id = job["id"].to_string();
        assert!(of_workflow.next().is_none(), "one job, taken up again: {jobs:?}");
        let shown = stage.done(&["jobs", "show", &id]);
        let effects = shown["effects"].as_array().unwrap();
        effects.iter().map(|it| (text(&it["key"]), text(&it["state"]))).collect()
    };
    let times = |stage: &Stage, key: &str| {
        let done = (key.to_owned(), "done".to_owned());
        effects(stage).iter().filter(|it| **it == done).count()
    };
    let (whole, file) = made();
    let points = points(&whole, &["workflow", &file]);
    // From the end of a run, until a kill comes amid the backup.
    for (call, number) in points.iter().rev().filter(|(call, _)| *call == "pwrite64") {
        let (stage, file) = made();
        let arguments = ["workflow", file.as_str()];
        if !is_killed(&stage, &arguments, call, *number)
            || times(&stage, "step 1 scan") != 1
            || times(&stage, "step 2 backup") != 0
        {
            continue;
        }
        stage.done(&arguments);
        assert_eq!((times(&stage, "step 1 scan"), times(&stage, "step 2 backup")), (1, 1));
        for name in ["Trip/a.png", "Trip/b.wav", "Other/c.png"] {
            assert!(stage.path("disk").join(name).exists(), "{name}");
        }
        return;
    }
    unreachable!("no kill came amid the backup: {points:?}");
}

#[test]
fn the_schema_names_every_verb_and_parameter() {
    let stage = Stage::new();
    let schema = stage.done(&["schema"]);
    let step = schema["$defs"]["Step"].to_string();
    for word in ["scan", "backup", "roots", "template", "for_each", "paths add"] {
        assert!(step.contains(&format!("\"{word}\"")), "{word}");
    }
}
