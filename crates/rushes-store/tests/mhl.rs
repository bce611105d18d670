//! Hash lists that are odd, old, hostile or half written.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test that cannot go on stops there, and says what it skips"
)]

mod mhl_support;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use mhl_support::{NOON, Stage};
use rushes_media::ErrorKind;
use rushes_store::mhl::{
    Action, Author, CheckStep, Creator, FileState, FolderHash, History, Manifest, MhlFault,
    NewFile, NewGeneration, Process, Reference, Scope,
};
use rushes_store::{Digest, HashFormat, Root};

const USUAL: [HashFormat; 2] = [HashFormat::Xxh128, HashFormat::C4];

/// A manifest with something of everything.
fn full() -> Manifest {
    let stage = Stage::with_files();
    stage.append(&USUAL);
    let mut manifest = stage.open().unwrap().generations()[0].manifest.clone();
    manifest.creator = Creator {
        created: NOON,
        host_name: "host & co".into(),
        tool: "rushes".into(),
        tool_version: "0.1.0".into(),
        authors: vec![
            Author {
                name: "Ada <é>".into(),
                email: Some("ada@example.com".into()),
                phone: Some("+41 1".into()),
                role: Some("DIT".into()),
            },
            Author { name: "Bob".into(), ..Author::default() },
        ],
        location: Some("Zürich".into()),
        comment: Some("two\nlines".into()),
    };
    manifest.files[0].previous_path = Some("old name".into());
    manifest.files[1].hashes[0].action = Some(Action::Failed);
    manifest.folders[0].previous_path = Some("old folder".into());
    let c4 = HashFormat::C4.of(b"manifest");
    manifest.references.push(Reference { path: "Clips/ascmhl/0001_Clips.mhl".into(), c4 });
    manifest
}

/// An MHL 1.1, as programs before ASC MHL wrote them.
const OLD: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<hashlist version="1.1">
  <creatorinfo>
    <name>Ada</name>
    <username>ada</username>
    <hostname>mac.local</hostname>
    <tool>copier 1.2</tool>
    <startdate>2016-11-22T08:00:00Z</startdate>
    <finishdate>2016-11-22T08:01:00Z</finishdate>
  </creatorinfo>
  <hash>
    <file>Clips\A002C006_141024_R2EC.mov</file>
    <size>5</size>
    <lastmodificationdate>2016-11-22T07:00:00Z</lastmodificationdate>
    <xxhash64be>0ea03b369a463d9d</xxhash64be>
    <hashdate>2016-11-22T08:00:30Z</hashdate>
  </hash>
  <hash>
    <file>Sidecar.txt</file>
    <size>13</size>
    <md5>900150983CD24FB0D6963F7D28E17F72</md5>
    <xxhash64>9d3d469a363ba00e</xxhash64>
  </hash>
</hashlist>
"#;

#[test]
fn a_manifest_comes_back() {
    let manifest = full();
    let xml = manifest.to_xml().unwrap();
    assert_eq!(Manifest::parse(xml.as_bytes()).unwrap(), manifest);
    // With another prefix, in another order of attributes, with comments between.
    let other = xml
        .replace(
            "<hashlist version=\"2.0\" xmlns=\"urn:ASC:MHL:v2.0\">",
            "<!-- x --><m:hashlist xmlns:m='urn:ASC:MHL:v2.0' version='2.0'>",
        )
        .replace("</hashlist>", "</m:hashlist>");
    assert_eq!(Manifest::parse(other.as_bytes()).unwrap(), manifest);
    let with_more = xml.replace(
        "<hashes>",
        "<hashes><metadata><hash><path>../x</path></hash></metadata><hash><path>a</path>\
         <sha3>00</sha3><metadata><any><thing/></any></metadata></hash>",
    );
    let found = Manifest::parse(with_more.as_bytes()).unwrap();
    assert_eq!((found.files.len(), found.files[0].path.as_str()), (11, "a"));
}

#[test]
fn lists_of_the_first_version_are_read() {
    let manifest = Manifest::parse(OLD.as_bytes()).unwrap();
    assert_eq!(manifest.creator.authors[0].name, "Ada");
    assert_eq!(manifest.creator.created, 1_479_801_660_000_000_000);
    let [one, two] = &manifest.files[..] else { panic!("{manifest:?}") };
    assert_eq!((one.path.as_str(), one.size_bytes), ("Clips/A002C006_141024_R2EC.mov", Some(5)));
    // The same file in the examples of ASC MHL has this XXH64.
    assert_eq!(one.hashes[0].digest, HashFormat::Xxh64.of(b"abcd\n"));
    assert_eq!(one.hashes[0].date, Some(1_479_801_630_000_000_000));
    assert_eq!(two.hashes.len(), 1, "which order xxhash64 is in, programs do not agree on");
    assert_eq!(two.hashes[0].digest, HashFormat::Md5.of(b"abc"));
}

#[test]
fn a_list_that_was_cut_is_no_list() {
    let full = full().to_xml().unwrap();
    for text in [full.as_str(), OLD] {
        let end = text.trim_end().len();
        for cut in 0..end {
            let refused = Manifest::parse(&text.as_bytes()[..cut]).unwrap_err();
            // Cut within the number, it is another version.
            let kinds = [ErrorKind::Corrupt, ErrorKind::Unsupported];
            assert!(kinds.contains(&refused.kind), "{cut}: {refused}");
        }
        Manifest::parse(&text.as_bytes()[..end]).unwrap();
    }
}

#[test]
fn hostile_lists_are_refused() {
    let xml = full().to_xml().unwrap();
    let path = "<path size=\"13\"";
    assert!(xml.contains(path) && xml.contains(">Sidecar.txt<"));
    let hostile = |text: &str| xml.replace(">Sidecar.txt<", &format!(">{text}<"));
    let deep = format!("<hashes>{}", "<metadata>".repeat(100_000));
    let attribute = format!("<path {}=\"\" size=\"13\"", "a".repeat(1 << 20));
    for (what, text, kind) in [
        ("leads out", hostile("../../etc/passwd"), ErrorKind::Corrupt),
        ("leads out later", hostile("a/../../b"), ErrorKind::Corrupt),
        ("ends in it", hostile("a/.."), ErrorKind::Corrupt),
        ("absolute", hostile("/etc/passwd"), ErrorKind::Corrupt),
        ("empty", hostile(""), ErrorKind::Corrupt),
        ("empty part", hostile("a//b"), ErrorKind::Corrupt),
        ("the folder", hostile("."), ErrorKind::Corrupt),
        ("long", hostile(&"a".repeat(1 << 20)), ErrorKind::Limit),
        ("an entity", hostile("&xxe;"), ErrorKind::Corrupt),
        ("a size", xml.replace("size=\"13\"", "size=\"-13\""), ErrorKind::Corrupt),
        (
            "a large size",
            xml.replace("size=\"13\"", "size=\"99999999999999999999\""),
            ErrorKind::Corrupt,
        ),
        ("a large attribute", xml.replace(path, &attribute), ErrorKind::Limit),
        ("depth", xml.replace("<hashes>", &deep), ErrorKind::Limit),
        (
            "a hash",
            xml.replace("<c4 action", "<md5 action").replace("</c4>", "</md5>"),
            ErrorKind::Corrupt,
        ),
        ("a process", xml.replace(">transfer<", ">teleport<"), ErrorKind::Corrupt),
        ("a version", xml.replace("version=\"2.0\"", "version=\"3.0\""), ErrorKind::Unsupported),
        ("another document", "<html/>".into(), ErrorKind::Corrupt),
        (
            "a document type",
            format!("<!DOCTYPE x SYSTEM 'file:///etc/passwd'>{xml}"),
            ErrorKind::Corrupt,
        ),
        ("no UTF-8", "\u{0}".into(), ErrorKind::Corrupt),
    ] {
        assert_ne!(text, xml, "{what}");
        let refused = Manifest::parse(text.as_bytes()).unwrap_err();
        assert_eq!(refused.kind, kind, "{what}: {refused}");
        assert!(refused.to_string().len() < 500, "{what}");
    }
    assert_eq!(Manifest::parse(b"\xff\xfe").unwrap_err().kind, ErrorKind::Corrupt);
}

/// What a chain vouches for is read, and may be wrong all the same.
#[test]
fn folders_are_compared_too() {
    let stage = Stage::with_files();
    stage.append(&USUAL);
    assert_eq!(stage.code(), 0);
    for (folder, place) in [(".", None), ("Clips/deep", Some("Clips/deep"))] {
        let stage = Stage::with_files();
        stage.append(&USUAL);
        let name = stage.open().unwrap().generations()[0].name.clone();
        let mut manifest = stage.open().unwrap().generations()[0].manifest.clone();
        let wrong = |hashes: &mut Vec<FolderHash>| {
            for hash in hashes {
                hash.structure = hash.structure.format().of(b"wrong");
            }
        };
        match place {
            None => wrong(&mut manifest.root_hashes),
            Some(path) => {
                let of = manifest.folders.iter_mut().find(|folder| folder.path == path);
                wrong(&mut of.unwrap().hashes);
            }
        }
        rewrite(&stage, &name, &manifest);
        let checked = stage.check(Scope::EveryFormat);
        assert_eq!(
            (checked.fault(), checked.failed_folders),
            (Some(MhlFault::FailedFolders), vec![folder.to_owned()])
        );
    }
}

/// Puts another manifest in the place of the only one, and into the chain.
fn rewrite(stage: &Stage, name: &str, manifest: &Manifest) {
    let path = stage.path("ascmhl").join(name);
    let old = HashFormat::C4.of(&fs::read(&path).unwrap()).to_string();
    let xml = manifest.to_xml().unwrap();
    fs::write(&path, &xml).unwrap();
    let chain = stage.path("ascmhl/ascmhl_chain.xml");
    let text = fs::read_to_string(&chain).unwrap();
    let new = HashFormat::C4.of(xml.as_bytes()).to_string();
    fs::write(chain, text.replace(&old, &new)).unwrap();
}

#[test]
fn what_is_appended_must_make_sense() {
    let stage = Stage::with_files();
    stage.append(&[HashFormat::Md5]);
    let before = fs::read(stage.path("ascmhl/ascmhl_chain.xml")).unwrap();
    let refused = |change: &dyn Fn(&mut NewGeneration)| {
        let mut new = stage.generation(&USUAL);
        for file in &mut new.files {
            file.digests.push(HashFormat::Md5.of(&fs::read(stage.path(&file.path)).unwrap()));
        }
        change(&mut new);
        stage.open().unwrap().append(&stage.root, new).unwrap_err()
    };
    type Change = fn(&mut NewGeneration);
    let changes: [(&str, Change); 7] = [
        ("leads out", |new| new.files[0].path = "../a".into()),
        ("absolute", |new| new.files[0].path = "/a".into()),
        ("previous", |new| new.files[0].previous_path = Some("a/../..".into())),
        ("twice", |new| new.files[0].path = new.files[1].path.clone()),
        ("control", |new| new.files[0].path = "a\u{1}".into()),
        ("no hash", |new| new.files[0].digests.clear()),
        ("no known hash", |new| {
            new.files.iter_mut().for_each(|file| {
                file.digests.retain(|digest| digest.format() != HashFormat::Md5);
            })
        }),
    ];
    for (what, change) in changes {
        assert_eq!(refused(&change).kind, ErrorKind::Invalid, "{what}");
    }
    assert_eq!(fs::read(stage.path("ascmhl/ascmhl_chain.xml")).unwrap(), before);
    assert_eq!(fs::read_dir(stage.path("ascmhl")).unwrap().count(), 2);

    // Two who began from the same history.
    let (mut one, mut other) = (stage.open().unwrap(), stage.open().unwrap());
    let new = || {
        let mut new = stage.generation(&[HashFormat::Md5]);
        new.creator.created += 5_000_000_000;
        new
    };
    one.append(&stage.root, new()).unwrap();
    assert_eq!(other.append(&stage.root, new()).unwrap_err().kind, ErrorKind::Conflict);
    assert_eq!((stage.open().unwrap().generations().len(), stage.code()), (2, 0));
}

#[test]
fn nothing_is_written_or_read_elsewhere() {
    let stage = Stage::with_files();
    let elsewhere = stage.folder.path().join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, stage.path("ascmhl")).unwrap();
    let new = stage.generation(&USUAL);
    let refused = History::default().append(&stage.root, new).unwrap_err();
    assert_eq!(refused.kind, ErrorKind::Denied);
    assert_eq!(stage.open().unwrap_err().fault, Some(MhlFault::NoHistory));
    assert_eq!(fs::read_dir(&elsewhere).unwrap().count(), 0);

    // A file that has become a link is missing, whatever the link leads to.
    fs::remove_file(stage.path("ascmhl")).unwrap();
    stage.append(&USUAL);
    fs::rename(stage.path("Sidecar.txt"), elsewhere.join("Sidecar.txt")).unwrap();
    std::os::unix::fs::symlink(elsewhere.join("Sidecar.txt"), stage.path("Sidecar.txt")).unwrap();
    let checked = stage.check(Scope::Content);
    assert_eq!(checked.missing, ["Sidecar.txt"]);
    assert_eq!(checked.left_out, ["Sidecar.txt"]);
}

#[test]
fn a_check_tells_every_file_and_can_be_stopped() {
    let stage = Stage::with_files();
    stage.append(&USUAL);
    let history = stage.open().unwrap();
    let (mut read, mut files) = (0, BTreeMap::new());
    history
        .check(&stage.root, Scope::Content, &mut |step| {
            match step {
                CheckStep::Read(bytes) => read += bytes,
                CheckStep::File(path, FileState::Verified(found)) => {
                    files.insert(path.to_owned(), found.hashes.blake3);
                }
                CheckStep::File(path, state) => panic!("{path}: {state:?}"),
            }
            true
        })
        .unwrap()
        .unwrap();
    let size: u64 = files.keys().map(|path| stage.path(path).metadata().unwrap().len()).sum();
    assert_eq!((files.len(), read), (10, size));
    for (path, found) in &files {
        assert_eq!(*found, *blake3::hash(&fs::read(stage.path(path)).unwrap()).as_bytes());
    }
    let mut steps = 0;
    let stopped = history.check(&stage.root, Scope::Content, &mut |_| {
        steps += 1;
        steps < 4
    });
    assert!(stopped.unwrap().is_none() && steps == 4);
}

#[test]
fn a_file_of_a_name_that_had_moved_away_is_another() {
    let stage = Stage::new();
    let file = |path: &str, text: &[u8], previous: Option<&str>| NewFile {
        path: path.into(),
        size_bytes: text.len() as u64,
        modified: NOON,
        digests: vec![HashFormat::Xxh128.of(text)],
        hashed: NOON,
        action: None,
        previous_path: previous.map(str::to_owned),
    };
    let mut history = History::default();
    let generations = [
        vec![file("a", b"first", None)],
        vec![file("b", b"first", Some("a"))],
        vec![file("a", b"second", None), file("b", b"first", None)],
    ];
    for files in generations {
        let creator = Creator::here("rushes", "0.1.0", NOON);
        let process = Process::InPlace;
        let new = NewGeneration { creator, process, ignored: Vec::new(), files, folders: None };
        history.append(&stage.root, new).unwrap();
    }
    let wanted = |path: &str| history.wanted(path).into_iter().cloned().collect::<Vec<Digest>>();
    assert_eq!(wanted("a"), [HashFormat::Xxh128.of(b"second")]);
    assert_eq!(wanted("b"), [HashFormat::Xxh128.of(b"first")]);
    let actions: Vec<_> = history.records("b").iter().map(|(_, it)| it.hashes[0].action).collect();
    let wanted = [Action::Original, Action::Verified, Action::Verified];
    assert_eq!(actions, wanted.map(Some));
    stage.write("a", "second");
    stage.write("b", "first");
    assert_eq!(stage.code(), 0);
}

/// What only ever failed vouches for nothing, and does not become the original
/// that later files are held against.
#[test]
fn a_hash_that_failed_is_never_wanted() {
    let stage = Stage::new();
    stage.write("a", "as it is");
    let mut new = stage.generation(&USUAL);
    new.files[0].action = Some(Action::Failed);
    History::default().append(&stage.root, new).unwrap();
    assert!(stage.open().unwrap().wanted("a").is_empty());
    assert_eq!(stage.code(), 21);
    stage.append(&USUAL);
    let history = stage.open().unwrap();
    let of = |place: usize| history.records("a")[place].1.hashes[0].action;
    assert_eq!((of(0), of(1)), (Some(Action::Failed), Some(Action::Original)));
    assert_eq!(stage.code(), 0);
}

/// The child's part: appends a generation.
#[test]
fn appends_when_it_is_the_child() {
    let Some(folder) = std::env::var_os("RUSHES_APPEND_IN").map(PathBuf::from) else { return };
    let root = Root::open(&folder).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let stage = Stage { folder, root };
    let mut new = stage.generation(&USUAL);
    new.creator.created += 1_000_000_000;
    stage.open().unwrap().append(&stage.root, new).unwrap();
    println!("@appended");
}

/// Killed at every call, the history is as it was, or has the new generation.
#[test]
fn a_kill_leaves_a_whole_history() {
    let works = Command::new("strace").args(["-f", "-o", "/dev/null", "true"]).status();
    if !works.is_ok_and(|status| status.success()) {
        println!("SKIPPED: strace is not installed, or may not trace here");
        return;
    }
    let run = |stage: &Stage, fault: &str| {
        Command::new("strace")
            .args(["-f", "-qq", "-o", "/dev/null", "-e", fault])
            .arg(std::env::current_exe().unwrap())
            .args(["--exact", "appends_when_it_is_the_child", "--nocapture", "--test-threads=1"])
            .env("RUSHES_APPEND_IN", stage.root.path())
            .stdin(Stdio::null())
            .output()
            .unwrap()
    };
    let (mut kills, mut old, mut new) = (0, 0, 0);
    for (call, most) in [("fsync", 5), ("renameat2", 1), ("renameat", 1), ("flock", 2)] {
        for number in 1..=most {
            let stage = Stage::with_files();
            stage.append(&USUAL);
            let output = run(&stage, &format!("inject={call}:signal=KILL:when={number}"));
            let is_killed = output.status.signal() == Some(9) || output.status.code() == Some(137);
            kills += usize::from(is_killed);
            let generations = stage.open().unwrap().generations().len();
            assert_eq!(stage.code(), 0, "{call} {number}");
            match generations {
                1 => old += 1,
                2 => new += 1,
                _ => panic!("{generations}"),
            }
            // The next one goes on from there.
            let output = run(&stage, "trace=none");
            assert!(String::from_utf8_lossy(&output.stdout).contains("@appended"), "{output:?}");
            assert_eq!(stage.open().unwrap().generations().len(), generations + 1);
            assert_eq!(stage.code(), 0, "{call} {number}");
        }
    }
    println!("{kills} kills: {old} times the old history, {new} times the new one");
    assert!(kills >= 6 && old > 3 && new > 0, "{kills} kills, {old} old, {new} new");
}
