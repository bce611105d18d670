//! The page that has the help of every verb, made from the command itself.
#![expect(clippy::expect_used, reason = "a test that cannot go on stops there")]

use std::fmt::Write;
use std::path::Path;
use std::process::Command;

const INTRO: &str = "# The command

What `rushes help` says of every verb, made from the command by the test `command_page`; after a
change of a verb, `RUSHES_WRITE_DOCS=1 cargo test -p rushes --test command_page` writes it again.
`rushes man FOLDER` writes the same as man pages, and what each verb answers with `--json` is in
`/openapi.json` of `rushes serve`.
";

fn run(arguments: &[&str]) -> String {
    let output =
        Command::new(env!("CARGO_BIN_EXE_rushes")).args(arguments).output().expect("it runs");
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    String::from_utf8(output.stdout).expect("text")
}

/// Every verb in words, as the man pages name them: `paths list` for `rushes-paths-list.1`.
fn verbs() -> Vec<String> {
    let folder = tempfile::tempdir().expect("a folder");
    run(&["man", folder.path().to_str().expect("text")]);
    let mut verbs: Vec<String> = std::fs::read_dir(folder.path())
        .expect("a folder")
        .map(|entry| entry.expect("an entry").file_name().into_string().expect("text"))
        .filter_map(|name| {
            Some(name.strip_prefix("rushes-")?.strip_suffix(".1")?.replace('-', " "))
        })
        .collect();
    verbs.sort();
    verbs
}

fn section(page: &mut String, title: &str, help: &str) {
    let lines: Vec<&str> = help.lines().map(str::trim_end).collect();
    write!(page, "\n## {title}\n\n```text\n{}\n```\n", lines.join("\n")).expect("it fits");
}

#[test]
fn the_page_is_what_the_command_says() {
    let verbs = verbs();
    assert!(verbs.len() > 20, "{verbs:?}");
    let mut page = INTRO.to_owned();
    section(&mut page, "rushes", &run(&["--help"]));
    for verb in &verbs {
        let words: Vec<&str> = std::iter::once("help").chain(verb.split(' ')).collect();
        section(&mut page, &format!("rushes {verb}"), &run(&words));
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/command.md");
    if std::env::var_os("RUSHES_WRITE_DOCS").is_some() {
        std::fs::write(&path, &page).expect("it can be written");
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(kept == page, "docs/command.md is out of date: write it again as its head says");
}
