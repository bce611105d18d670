//! A home folder and a media folder of a test's own, and the real command run
//! on them.
#![allow(dead_code, reason = "each test file uses its part")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on stops there")]
#![allow(clippy::print_stdout, reason = "a test that is skipped says so")]

pub mod bytes;
pub mod disk;

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs::File;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant, SystemTime};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

/// No command may take longer; one that does is ended and its test fails.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// When every file of these tests was last changed, unless a test says
/// otherwise: long ago, so that it counts as settled, and the same for all, so
/// that time tells no two files apart.
pub fn long_ago() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_704_110_400)
}

/// A folder with `home` and `media` in it. Paths given to it are relative.
pub struct Stage {
    folder: TempDir,
}

/// How a command ended.
#[derive(Debug)]
pub struct Ran {
    pub code: i32,
    pub json: Value,
    pub stderr: String,
    pub took: Duration,
}

impl Stage {
    pub fn new() -> Stage {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("media")).unwrap();
        Stage { folder }
    }

    pub fn path(&self, relative: impl AsRef<Path>) -> PathBuf {
        self.folder.path().join(relative)
    }

    /// The path as an argument.
    pub fn text(&self, relative: &str) -> String {
        self.path(relative).to_str().unwrap().to_owned()
    }

    /// Writes a file that counts as settled, and the folders above it.
    pub fn write(&self, relative: impl AsRef<Path>, bytes: &[u8]) -> PathBuf {
        let path = self.path(relative);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, bytes).unwrap();
        set_modified(&path, long_ago());
        path
    }

    /// Gives a file or folder another name.
    pub fn rename(&self, from: impl AsRef<Path>, to: impl AsRef<Path>) {
        let to = self.path(to);
        std::fs::create_dir_all(to.parent().unwrap()).unwrap();
        std::fs::rename(self.path(from), to).unwrap();
    }

    pub fn remove(&self, relative: impl AsRef<Path>) {
        std::fs::remove_file(self.path(relative)).unwrap();
    }

    /// The command with this home and `--json`.
    pub fn command<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rushes"));
        command.arg("--home").arg(self.path("home")).arg("--json").args(arguments);
        command
    }

    pub fn run<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Ran {
        ran(&mut self.command(arguments))
    }

    /// Runs it and wants it to end well.
    pub fn done<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Value {
        let ran = self.run(arguments);
        assert_eq!(
            ran.code,
            0,
            "{:?}: {ran:?}",
            arguments.iter().map(AsRef::as_ref).collect::<Vec<_>>()
        );
        ran.json
    }

    /// Scans `media` and wants that to end well.
    pub fn scan(&self) -> Value {
        self.done(&["scan", &self.text("media")])
    }

    /// Everything that a query finds, in the order of its paths.
    pub fn search(&self, query: &str) -> Vec<Value> {
        let page = self.done(&["search", query, "--limit", "1000"]);
        assert!(page["next_cursor"].is_null(), "more than one page");
        let mut rows = page["items"].as_array().unwrap().clone();
        rows.sort_by_key(|row| text(&row["path"]));
        rows
    }

    /// File names that a query finds, sorted.
    pub fn names(&self, query: &str) -> Vec<String> {
        let mut names: Vec<String> =
            self.search(query).iter().map(|row| text(&row["name"])).collect();
        names.sort();
        names
    }

    pub fn show(&self, id: &str) -> Value {
        self.done(&["show", id])
    }

    /// The one asset with a place of this relative path that is there.
    pub fn asset_at(&self, relative: &str) -> Value {
        let wanted = (self.text(relative), String::from("present"));
        let (shown, others): (Vec<Value>, Vec<Value>) =
            self.search("").into_iter().partition(|row| row["path"] == wanted.0);
        // A row shows one place of its asset; this may be another one.
        let rows = if shown.is_empty() { others } else { shown };
        let mut found: Vec<Value> = rows
            .iter()
            .filter(|row| row["path"] == wanted.0 || row["copies"] != 1)
            .map(|row| self.show(&text(&row["id"])))
            .filter(|asset| places(asset).contains(&wanted))
            .collect();
        assert_eq!(found.len(), 1, "assets at {relative}: {found:?}");
        found.remove(0)
    }

    pub fn id_at(&self, relative: &str) -> String {
        text(&self.asset_at(relative)["id"])
    }

    /// The state of an asset's place at this relative path, if it has one.
    pub fn state_of(&self, asset: &Value, relative: &str) -> Option<String> {
        let wanted = self.text(relative);
        places(asset).into_iter().find(|(path, _)| *path == wanted).map(|(_, state)| state)
    }

    /// Proves the invariants, reading every byte again.
    pub fn check(&self) {
        let report = self.done(&["check", "--read-data", "100"]);
        assert_eq!(report["violations"], serde_json::json!([]));
    }

    /// Everything about every asset that a second scan must not change.
    pub fn catalogue(&self) -> Vec<Value> {
        let mut rows = self.search("");
        rows.extend(self.search("state:gone"));
        rows
    }

    pub fn ids(&self) -> BTreeSet<String> {
        self.catalogue().iter().map(|row| text(&row["id"])).collect()
    }

    pub fn tree(&self, relative: &str) -> Vec<String> {
        let mut lines = Vec::new();
        list_tree(&self.path(relative), &mut lines);
        lines.sort();
        lines
    }
}

/// One line for every name below a folder, with all that writing would change.
fn list_tree(folder: &Path, lines: &mut Vec<String>) {
    let mut line = |path: &Path| {
        let about = std::fs::symlink_metadata(path).unwrap();
        lines.push(format!(
            "{} {:o} {} {}.{} {}.{} {}",
            path.as_os_str().as_bytes().escape_ascii(),
            about.mode(),
            about.len(),
            about.mtime(),
            about.mtime_nsec(),
            about.ctime(),
            about.ctime_nsec(),
            about.ino()
        ));
        about.is_dir()
    };
    line(folder);
    let mut folders = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if line(&path) {
            folders.push(path);
        }
    }
    for folder in folders {
        list_tree(&folder, lines);
    }
}

pub fn set_modified(path: &Path, at: SystemTime) {
    File::options().read(true).open(path).unwrap().set_modified(at).unwrap();
}

pub fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text")).to_owned()
}

/// Path and state of every place of an asset.
pub fn places(asset: &Value) -> Vec<(String, String)> {
    let places = asset["places"].as_array().unwrap();
    places.iter().map(|place| (text(&place["path"]), text(&place["state"]))).collect()
}

/// Kinds of what happened to an asset, oldest first.
pub fn events(asset: &Value) -> Vec<String> {
    asset["events"].as_array().unwrap().iter().map(|event| text(&event["kind"])).collect()
}

/// Paths of a report's failures, as file names, with the kinds of their errors.
pub fn failures(report: &Value) -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = report["failed"]
        .as_array()
        .unwrap()
        .iter()
        .map(|failure| {
            let path = text(&failure["path"]);
            let name = path.rsplit('/').next().unwrap_or_default().to_owned();
            (name, text(&failure["error"]["kind"]))
        })
        .collect();
    found.sort();
    found
}

/// Runs a command to its end. Its standard output must be one JSON document
/// and nothing else.
pub fn ran(command: &mut Command) -> Ran {
    let begun = Instant::now();
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    finish(child, begun)
}

/// Waits for the end of a command that was started with pipes.
pub fn finish(child: Child, begun: Instant) -> Ran {
    let output = output_within(child, PATIENCE);
    let stdout = String::from_utf8(output.stdout).unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    let json = serde_json::from_str(&stdout)
        .unwrap_or_else(|error| panic!("{error} in {stdout:?}, beside {stderr:?}"));
    Ran { code: output.status.code().unwrap_or(-1), json, stderr, took: begun.elapsed() }
}

/// What a child gives, unless it takes too long.
pub fn output_within(child: Child, patience: Duration) -> Output {
    let pid = Pid::from_child(&child);
    let (sender, receiver) = std::sync::mpsc::channel();
    std::thread::spawn(move || sender.send(child.wait_with_output()));
    receiver.recv_timeout(patience).map_or_else(
        |_| {
            let _ = kill_process(pid, Signal::KILL);
            panic!("it still ran after {patience:?}")
        },
        Result::unwrap,
    )
}

/// Tells a reader of the test's output something.
pub fn say(what: &str) {
    println!("{what}");
}

/// Whether a program is there; says so when not.
pub fn has(program: &str) -> bool {
    let found = Command::new(program)
        .arg(if program == "ffmpeg" || program == "exiftool" { "-version" } else { "--version" })
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok();
    if !found {
        println!("SKIPPED: {program} is not installed");
    }
    found
}

/// Whether this process may trace another; says so when not.
pub fn has_strace() -> bool {
    let works = Command::new("strace")
        .args(["-f", "-o", "/dev/null", "true"])
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    if !works {
        println!("SKIPPED: strace is not installed, or may not trace here");
    }
    works
}

/// Runs ffmpeg with these arguments, between spaces; what it gives.
pub fn ffmpeg(arguments: &str) -> Vec<u8> {
    let output = Command::new("ffmpeg")
        .args(["-v", "error", "-y"])
        .args(arguments.split_whitespace())
        .output()
        .unwrap();
    assert!(output.status.success(), "{arguments}: {output:?}");
    output.stdout
}

/// Makes a short clip with sound. Whether that could be done; says so when not.
pub fn make_clip(path: &Path, extra: &[&str]) -> bool {
    if !has("ffmpeg") {
        return false;
    }
    let status = Command::new("ffmpeg")
        .args(["-v", "error", "-y", "-f", "lavfi", "-i", "testsrc=duration=1:size=64x48:rate=10"])
        .args(["-f", "lavfi", "-i", "sine=duration=1", "-shortest"])
        .args(extra)
        .arg(path)
        .stdin(Stdio::null())
        .status();
    assert!(
        status.is_ok_and(|status| status.success()),
        "ffmpeg could not make {}",
        path.display()
    );
    set_modified(path, long_ago());
    true
}
