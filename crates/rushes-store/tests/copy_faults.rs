//! A disk that is full, fails, or returns other bytes than were written; and a
//! copy that is killed: no name ever shows bytes that were not verified.
//!
//! The copy is made by this program, started once more under strace.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test that cannot go on stops there, and says what it skips"
)]

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use rushes_store::{CopyTarget, Root, copy_file};
use rustix::fs::{XattrFlags, fsetxattr};
use tempfile::TempDir;
use xxhash_rust::xxh3::xxh3_64;

const SIZE: usize = (4 << 20) * 2 + 4096 + 7;

/// Calls by which a copy changes a disk, and those by which it reads it back.
const CALLS: &str = "openat,openat2,mkdirat,fallocate,pwrite64,ftruncate,fchmod,utimensat,fsetxattr,\
                     fsync,fdatasync,fcntl,fadvise64,pread64,renameat2,linkat,unlinkat";

fn has_strace() -> bool {
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

/// The child's part: copies `source` to `a/clip` and `b/clip`, and says how each went.
#[test]
fn copies_when_it_is_the_child() {
    let Some(folder) = std::env::var_os("RUSHES_COPY_IN").map(PathBuf::from) else { return };
    let roots = ["a", "b"].map(|name| Root::open(&folder.join(name)).unwrap());
    let targets = roots.each_ref().map(|root| CopyTarget { root, path: b"day/clip" });
    let source = File::open(folder.join("source")).unwrap();
    let copied = copy_file(&source, &targets, &[], None, &|_| true).unwrap().unwrap();
    for target in copied.targets {
        match target {
            Ok(placed) => println!("@placed {:?} {:?}", placed.read_back, placed.left_out),
            Err(error) => println!("@{} {error}", error.kind),
        }
    }
}

struct Stage(TempDir);

impl Stage {
    fn new() -> Stage {
        let stage = Stage(tempfile::tempdir().unwrap());
        let bytes: Vec<u8> = (0..SIZE).map(|at| (at * 7 + at / 251) as u8).collect();
        fs::write(stage.path("source"), bytes).unwrap();
        let source = File::options().write(true).open(stage.path("source")).unwrap();
        // Where there are none, nothing is said of them.
        let _ = fsetxattr(&source, "user.rushes", b"x", XattrFlags::empty());
        for root in ["a", "b"] {
            fs::create_dir_all(stage.path(root).join("day")).unwrap();
        }
        stage
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().canonicalize().unwrap().join(name)
    }

    /// The name that a copy in this folder has until it is verified.
    fn partial(&self, root: &str) -> PathBuf {
        self.path(root).join(format!("day/.partial-{:016x}-0", xxh3_64(b"clip")))
    }

    /// Runs the child under strace with these arguments.
    fn run(&self, arguments: &[&str]) -> Output {
        Command::new("strace")
            .args(["-f", "-y", "-qq", "-o"])
            .arg(self.path("trace"))
            .args(arguments)
            .arg(std::env::current_exe().unwrap())
            .args(["--exact", "copies_when_it_is_the_child", "--nocapture", "--test-threads=1"])
            .env("RUSHES_COPY_IN", self.path(""))
            .stdin(Stdio::null())
            .output()
            .unwrap()
    }

    /// What the child said of the destinations.
    fn outcomes(output: &Output) -> Vec<String> {
        let text = String::from_utf8_lossy(&output.stdout);
        // What the test harness prints may stand before it on the line.
        let said = text.lines().filter_map(|line| line.split_once('@').map(|(_, said)| said));
        said.map(str::to_owned).collect()
    }

    fn trace(&self) -> String {
        fs::read_to_string(self.path("trace")).unwrap()
    }

    fn names(&self, root: &str) -> Vec<String> {
        let entries = fs::read_dir(self.path(root).join("day")).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    fn is_same(&self, root: &str) -> bool {
        same(&self.path("source"), &self.path(root).join("day/clip"))
    }
}

fn same(one: &Path, other: &Path) -> bool {
    fs::read(one).unwrap() == fs::read(other).unwrap()
}

#[test]
fn it_is_read_back_from_disk_before_it_has_its_name() {
    if !has_strace() {
        return;
    }
    let stage = Stage::new();
    let output = stage.run(&[&format!("-etrace={CALLS}")]);
    assert_eq!(Stage::outcomes(&output).len(), 2, "{output:?}");
    let trace = stage.trace();
    for root in ["a", "b"] {
        let partial = stage.partial(root);
        let partial = partial.to_str().unwrap();
        let folder = stage.path(root).join("day");
        let at = |what: &str, of: &str| {
            let mut found = trace.lines().enumerate().filter(|(_, line)| {
                line.contains(&format!("{what}(")) && line.contains(of) && !line.contains("= -1")
            });
            let first = found.next().unwrap_or_else(|| panic!("no {what} of {of}: {trace}")).0;
            (first, found.last().map_or(first, |(last, _)| last))
        };
        let written = at("pwrite64", partial);
        let synced = at("fsync", partial);
        let read = at("pread64", partial);
        let named = at("renameat2", partial.rsplit('/').next().unwrap());
        // Both destinations have a partial file of the same name.
        let named = if root == "a" { named.0.min(named.1) } else { named.0.max(named.1) };
        let folder_synced = at("fsync", &format!("<{}>", folder.display())).1;
        assert!(written.1 < synced.0 && synced.1 < read.0, "{trace}");
        assert!(read.0 < named || read.0 < folder_synced, "{trace}");
        assert!(read.1 < folder_synced, "{trace}");
    }
}

/// What is injected into the second destination's calls, and how that one ends;
/// the first one never notices.
#[test]
fn a_disk_that_fails_fails_alone() {
    if !has_strace() {
        return;
    }
    let placed = "placed";
    let undisturbed = Stage::new().run(&["-etrace=none"]);
    let usual = Stage::outcomes(&undisturbed).remove(0);
    for (fault, ends) in [
        ("pwrite64:error=ENOSPC:when=2", "unavailable"),
        ("pwrite64:error=EIO:when=1", "unavailable"),
        ("pwrite64:error=EDQUOT:when=3", "limit"),
        ("pwrite64:error=EINVAL:when=1", placed),
        // A short write, and a write that never was.
        ("pwrite64:retval=5:when=1", placed),
        ("pwrite64:retval=4194304:when=1", "corrupt"),
        ("fallocate:error=ENOSPC", "unavailable"),
        ("fallocate:error=EFBIG", "limit"),
        ("fallocate:error=EOPNOTSUPP", placed),
        ("ftruncate:error=EIO", "unavailable"),
        ("fsync:error=EIO", "unavailable"),
        ("fsync:error=ENOSPC", "unavailable"),
        ("fcntl:error=EINVAL", placed),
        ("fadvise64:error=EINVAL", placed),
        ("fchmod:error=EPERM", placed),
        ("utimensat:error=EPERM", placed),
        ("fsetxattr:error=EOPNOTSUPP", placed),
        ("pread64:error=EIO:when=2", "unavailable"),
        ("pread64:error=EINVAL:when=1", placed),
        ("pread64:poke_exit=@arg2=00ff00ff00ff:when=1", "corrupt"),
        ("pread64:poke_exit=@arg2=00ff00ff00ff:when=2", "corrupt"),
        ("pread64:poke_exit=@arg2=00ff00ff00ff:when=3", "corrupt"),
        ("openat:error=EROFS:when=1", "denied"),
        ("renameat2:error=EIO:when=1", "unavailable"),
        ("renameat2:error=EINVAL:when=1", placed),
    ] {
        let stage = Stage::new();
        let call = fault.split(':').next().unwrap();
        // What is named in its folder, strace knows by the folder alone.
        let is_named = ["openat", "renameat2"].contains(&call);
        let partial = if is_named { stage.path("b/day") } else { stage.partial("b") };
        let output = stage.run(&[
            "-P",
            partial.to_str().unwrap(),
            &format!("-etrace={call}"),
            &format!("-einject={fault}"),
        ]);
        let outcomes = Stage::outcomes(&output);
        assert_eq!(outcomes.len(), 2, "{fault}: {output:?}");
        if !usual.contains("Direct") && ["fcntl", "fsetxattr"].contains(&call) {
            println!("SKIPPED: {fault}: the file system here has no direct reads");
            continue;
        }
        assert!(stage.trace().contains("INJECTED"), "{fault}: {}", stage.trace());
        assert_eq!(outcomes[0], usual, "{fault}: {outcomes:?}");
        assert!(outcomes[1].starts_with(ends), "{fault}: {outcomes:?}");
        assert!(stage.names("a") == ["clip"] && stage.is_same("a"), "{fault}");
        if ends == placed {
            assert!(stage.names("b") == ["clip"] && stage.is_same("b"), "{fault}");
            let told = match call {
                "fchmod" => "\"mode\"",
                "utimensat" => "\"mtime\"",
                "fsetxattr" => "\"user.rushes\"",
                "fcntl" | "pread64" => "CacheDropped []",
                _ => usual.as_str(),
            };
            assert!(outcomes[1].contains(told), "{fault}: {outcomes:?}");
        } else {
            assert!(stage.names("b").is_empty(), "{fault}: {:?}", stage.names("b"));
            assert!(outcomes[1].ends_with("/b/day/clip"), "{fault}: {outcomes:?}");
        }
        if fault.contains("ENOSPC") {
            assert!(outcomes[1].contains("free some space"), "{fault}: {outcomes:?}");
        }
    }
}

/// Disks that are really too small, or cannot be written.
#[test]
fn a_small_disk_and_one_that_is_read_only() {
    let works = Command::new("unshare")
        .args(["-Urm", "mount", "-t", "tmpfs", "tmpfs", "/mnt"])
        .stderr(Stdio::null())
        .status();
    if !works.is_ok_and(|status| status.success()) {
        println!("SKIPPED: nobody may mount anything here");
        return;
    }
    for (options, then, ends) in [
        ("size=6m", "true", "unavailable"),
        ("size=1g,nr_inodes=2", "true", "unavailable"),
        ("size=20m", "mount -o remount,ro b", "denied"),
        ("size=20m", "true", "placed"),
    ] {
        let stage = Stage::new();
        let script = format!(
            "cd \"$RUSHES_COPY_IN\" && mount -t tmpfs -o {options} tmpfs b && {then} && exec \"$0\" \"$@\""
        );
        let output = Command::new("unshare")
            .args(["-Urm", "sh", "-c", &script])
            .arg(std::env::current_exe().unwrap())
            .args(["--exact", "copies_when_it_is_the_child", "--nocapture", "--test-threads=1"])
            .env("RUSHES_COPY_IN", stage.path(""))
            .output()
            .unwrap();
        let outcomes = Stage::outcomes(&output);
        assert_eq!(outcomes.len(), 2, "{options}: {output:?}");
        assert!(outcomes[0].starts_with("placed"), "{options}: {outcomes:?}");
        assert!(outcomes[1].starts_with(ends), "{options}: {outcomes:?}");
        let is_full = outcomes[1].contains("free some space");
        assert_eq!(is_full, ends == "unavailable", "{options}: {outcomes:?}");
        assert!(stage.is_same("a"));
    }
}

/// Killed at any call, a name shows nothing or the whole copy, verified; and the
/// next copy leaves that and nothing else. With `RUSHES_LONG=1` each call is taken.
#[test]
fn a_kill_leaves_nothing_unverified_under_a_name() {
    if !has_strace() {
        return;
    }
    let stage = Stage::new();
    stage.run(&[&format!("-etrace={CALLS}")]);
    // Each thread counts its own calls.
    let mut counts: BTreeMap<(&str, &str), u32> = BTreeMap::new();
    let trace = stage.trace();
    for line in trace.lines() {
        let Some((thread, rest)) = line.split_once(' ') else { continue };
        let name = rest.trim_start().split('(').next().unwrap();
        if let Some(call) = CALLS.split(',').find(|call| *call == name) {
            *counts.entry((call, thread)).or_default() += 1;
        }
    }
    let mut points: BTreeMap<&str, u32> = BTreeMap::new();
    for ((call, _), count) in counts {
        let most = points.entry(call).or_default();
        *most = count.max(*most);
    }
    let points: Vec<(&str, u32)> = points
        .into_iter()
        .flat_map(|(call, most)| (1..=most).map(move |number| (call, number)))
        // Those of the start of a program come before any of ours.
        .filter(|(call, number)| *call != "openat" || *number > 8)
        .step_by(if std::env::var_os("RUSHES_LONG").is_some() { 1 } else { 3 })
        .collect();
    assert!(points.len() > 15, "a copy has many points: {points:?}");
    // The first call of any thread is not the last one of a destination: these are.
    let ends =
        [("renameat2", "a/day"), ("renameat2", "b/day"), ("fsync", "a/day"), ("fsync", "b/day")];
    let points: Vec<_> = points
        .into_iter()
        .map(|(call, number)| (call, number, None))
        .chain(ends.map(|(call, folder)| (call, 1, Some(folder))))
        .collect();
    let (mut kills, mut unfinished, mut left, mut named) = (0, 0, 0, 0);
    for (call, number, only) in &points {
        let stage = Stage::new();
        let only = only.map(|folder| stage.path(folder).to_str().unwrap().to_owned());
        let trace = format!("-etrace={call}");
        let inject = format!("-einject={call}:signal=KILL:when={number}");
        let mut arguments = vec![trace.as_str(), &inject];
        if let Some(folder) = &only {
            arguments.extend(["-P", folder]);
        }
        let output = stage.run(&arguments);
        let is_killed = output.status.signal() == Some(9) || output.status.code() == Some(137);
        kills += usize::from(is_killed);
        for root in ["a", "b"] {
            let names = stage.names(root);
            for name in &names {
                assert!(name == "clip" || name.starts_with(".partial-"), "{call} {number}: {name}");
                left += usize::from(name != "clip");
            }
            if names.iter().any(|name| name == "clip") {
                assert!(stage.is_same(root), "{call} {number}");
                named += 1;
            } else {
                unfinished += 1;
            }
        }
        let again = stage.run(&["-etrace=none"]);
        assert_eq!(Stage::outcomes(&again).len(), 2, "{call} {number}: {again:?}");
        for root in ["a", "b"] {
            assert_eq!(stage.names(root), ["clip"], "{call} {number}");
            assert!(stage.is_same(root), "{call} {number}");
        }
    }
    println!("{kills} kills: {named} copies finished, {unfinished} not, {left} partial files");
    assert!(kills * 4 > points.len() * 3, "{kills} kills at {points:?}");
    assert!(named >= 2 && left >= 5, "{named} finished, {unfinished} not, {left} partial");
}
