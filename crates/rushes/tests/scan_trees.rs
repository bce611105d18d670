//! What else lies in people's folders: links, pipes, sockets, system folders,
//! and folders that cannot be read.

mod support;

use std::fs::File;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::os::unix::net::UnixListener;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use rustix::fs::{Mode, OFlags};
use serde_json::json;
use support::bytes::png;
use support::{Stage, ran, text};

fn make_pipe(path: &Path) {
    let status = Command::new("mkfifo").arg(path).status();
    assert!(status.is_ok_and(|status| status.success()), "mkfifo");
}

#[test]
fn links_are_counted_and_not_followed() {
    let stage = Stage::new();
    stage.write("media/a.png", &png(1));
    stage.write("outside/secret.png", &png(2));
    stage.write("media/sub/b.png", &png(3));
    symlink(".", stage.path("media/here")).expect("a link");
    symlink("..", stage.path("media/sub/up")).expect("a link");
    symlink("loop", stage.path("media/loop")).expect("a link");
    symlink(stage.path("outside"), stage.path("media/out")).expect("a link");
    symlink(stage.path("outside/secret.png"), stage.path("media/secret.png")).expect("a link");
    symlink("a.png", stage.path("media/again.png")).expect("a link");
    symlink("nowhere", stage.path("media/dangling.png")).expect("a link");
    let report = stage.scan();
    assert_eq!(report["files"], 2);
    assert_eq!(report["roots"][0]["links"], 7);
    assert_eq!(stage.names(""), ["a.png", "b.png"]);

    // A file that becomes a link is not there any more.
    stage.remove("media/a.png");
    symlink(stage.path("outside/secret.png"), stage.path("media/a.png")).expect("a link");
    stage.scan();
    assert_eq!(stage.names(""), ["b.png"]);
    stage.check();
}

#[test]
fn a_root_that_is_named_by_a_link_is_the_folder_itself() {
    let stage = Stage::new();
    stage.write("media/a.png", &png(1));
    symlink(stage.path("media"), stage.path("linked")).expect("a link");
    stage.done(&["scan", &stage.text("linked")]);
    stage.scan();
    let roots = stage.done(&["paths", "list"]);
    assert_eq!(roots["roots"].as_array().map(Vec::len), Some(1));
    assert_eq!(roots["roots"][0]["path"], stage.text("media"));
    stage.check();
}

#[test]
fn pipes_and_sockets_are_passed_over() {
    let stage = Stage::new();
    stage.write("media/a.png", &png(1));
    make_pipe(&stage.path("media/pipe.mp4"));
    let _socket = UnixListener::bind(stage.path("media/socket.mov")).expect("a socket");
    let report = stage.scan();
    assert_eq!((&report["files"], &report["roots"][0]["special"]), (&json!(1), &json!(2)));
    // A file that becomes a pipe between two scans hangs neither the scan nor the hashing.
    stage.remove("media/a.png");
    make_pipe(&stage.path("media/a.png"));
    stage.done(&["previews"]);
    stage.done(&["hash"]);
    stage.scan();
    assert_eq!(stage.search("").len(), 0);
    stage.check();
}

#[test]
fn hidden_and_system_folders_are_left_out() {
    let stage = Stage::new();
    let system = [
        ".Trash-1000",
        ".Trashes",
        ".Spotlight-V100",
        ".hidden",
        "$RECYCLE.BIN",
        "@eaDir",
        "System Volume Information",
        "lost+found",
        "#recycle",
        "#snapshot",
    ];
    for (seed, folder) in system.iter().enumerate() {
        stage.write(format!("media/{folder}/a{seed}.png"), &png(seed as u64));
        stage.write(format!("media/sub/{folder}/b{seed}.png"), &png(seed as u64 + 100));
    }
    stage.write("media/._a.png", &png(500));
    stage.write("media/.DS_Store", b"");
    stage.write("media/a.png", &png(501));
    stage.write("media/recycled tales/b.png", &png(502));
    let report = stage.scan();
    assert_eq!(report["files"], 2, "{report}");
    assert_eq!(stage.names(""), ["a.png", "b.png"]);
    // What a person throws into the bin is gone from where it was.
    stage.rename("media/a.png", "media/.Trash-1000/files/a.png");
    assert_eq!(stage.scan()["vanished"], 1);
    stage.check();
}

/// A folder that cannot be read keeps everything in its root from being gone.
#[test]
fn a_root_that_is_read_in_part_loses_nothing() {
    let stage = Stage::new();
    stage.write("media/deleted.png", &png(1));
    stage.write("media/closed/kept.png", &png(2));
    stage.write("media/open/kept.png", &png(3));
    // Everything is somebody's who is not root, since root reads every folder.
    let person = if rustix::process::getuid().is_root() { Some(65_534) } else { None };
    let scan = |stage: &Stage| {
        let mut command = stage.command(&["scan", &stage.text("media")]);
        if let Some(person) = person {
            command.uid(person).gid(person);
        }
        command
    };
    if let Some(person) = person {
        std::fs::create_dir(stage.path("home")).expect("a home");
        for path in ["", "home"] {
            chown(stage.path(path), Some(person), Some(person)).expect("chown");
        }
        let allowed = scan(&stage).output().is_ok_and(|output| output.status.success());
        if !allowed {
            support::say("SKIPPED: another user may not run the command where it was built");
            return;
        }
    }
    let first = ran(&mut scan(&stage));
    assert_eq!(first.code, 0, "{first:?}");
    let close = |mode| {
        let mode = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(stage.path("media/closed"), mode).expect("chmod");
    };
    close(0o000);
    stage.remove("media/deleted.png");
    stage.rename("media/open/kept.png", "media/open/renamed.png");
    let half = ran(&mut scan(&stage));
    assert_eq!(half.code, 1);
    assert_eq!(half.json["vanished"], 0);
    let unreadable = &half.json["roots"][0]["unreadable"];
    assert_eq!(text(&unreadable[0]["path"]), stage.text("media/closed"));
    assert_eq!(unreadable[0]["error"]["kind"], "denied");
    assert_eq!(stage.names(""), ["deleted.png", "kept.png", "renamed.png"], "a move is still seen");

    close(0o755);
    let whole = ran(&mut scan(&stage));
    assert_eq!((whole.code, &whole.json["vanished"]), (0, &json!(1)));
    assert_eq!(stage.names(""), ["kept.png", "renamed.png"]);
    stage.check();
}

/// Deeper than the system takes a path: told, and nothing is lost by it.
#[test]
fn a_tree_that_is_too_deep_is_told() {
    let stage = Stage::new();
    stage.write("media/a.png", &png(1));
    stage.write("media/b.png", &png(2));
    stage.scan();
    stage.remove("media/a.png");
    // Made step by step, since no path to its end is short enough.
    let name = "d".repeat(250);
    let mut folder: OwnedFd = File::open(stage.path("media")).expect("opened").into();
    for _ in 0..20 {
        rustix::fs::mkdirat(&folder, &*name, Mode::RWXU).expect("a folder");
        let flags = OFlags::RDONLY | OFlags::DIRECTORY;
        folder = rustix::fs::openat(&folder, &*name, flags, Mode::empty()).expect("opened");
    }
    let ran = stage.run(&["scan", &stage.text("media")]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert_eq!(ran.json["roots"][0]["unreadable"].as_array().map(Vec::len), Some(1));
    assert_eq!(ran.json["vanished"], 0);
    assert_eq!(stage.names(""), ["a.png", "b.png"]);
    stage.check();
}
