//! Files sent to a real server: what is media and what is not, and a server
//! that is killed at any point while they come.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops there")]

mod support;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use support::bytes::{big, noise, png, twin_of, wav};
use support::{PATIENCE, Stage, has_strace, say, text};

/// Points of the sweep at each kind of call, unless all are wanted.
const POINTS: u32 = 3;
const LONG_POINTS: u32 = 12;

/// A server that is killed with this.
struct Server {
    child: Child,
    address: String,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a server answers: status, headers in lower case, body.
struct Answer {
    status: u16,
    head: String,
    body: Vec<u8>,
}

impl Answer {
    fn header(&self, name: &str) -> String {
        let prefix = format!("{name}: ");
        let line = self.head.lines().find(|line| line.to_ascii_lowercase().starts_with(&prefix));
        line.map(|line| line[prefix.len()..].to_owned()).unwrap_or_default()
    }

    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

const SERVE: [&str; 7] =
    ["serve", "--bind", "127.0.0.1:0", "--workers", "1", "--uploads-to", "media"];

impl Server {
    fn start(stage: &Stage) -> Server {
        Server::of(stage.command(&SERVE)).unwrap()
    }

    /// One that is killed at the n-th of these calls in any thread; none when it
    /// did not get as far as to listen.
    fn killed_at(stage: &Stage, call: &str, number: u32) -> Option<Server> {
        let served = stage.command(&SERVE);
        let mut command = Command::new("strace");
        command
            // The server itself is the child, so that ending it ends the server.
            .args(["-D", "-f", "-qq", "-o", "/dev/null"])
            .arg(format!("-etrace={call}"))
            .arg(format!("-einject={call}:signal=KILL:when={number}"))
            .arg(served.get_program())
            .args(served.get_args());
        Server::of(command)
    }

    fn of(mut command: Command) -> Option<Server> {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let Ok(told) = serde_json::from_str::<Value>(&line) else {
            let _ = child.wait();
            return None;
        };
        let address = text(&told["address"]);
        let address = address.trim_start_matches("http://").trim_end_matches('/').to_owned();
        Some(Server { child, address })
    }

    /// As a power cut ends it.
    fn kill(mut self) {
        kill_process(Pid::from_child(&self.child), Signal::KILL).unwrap();
        self.child.wait().unwrap();
    }

    /// Sends a request; none when the server is gone before it answered.
    fn ask(&self, method: &str, target: &str, headers: &[&str], body: &[u8]) -> Option<Answer> {
        let mut stream = TcpStream::connect(&self.address).ok()?;
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut head = format!(
            "{method} {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
             Tus-Resumable: 1.0.0\r\nContent-Length: {}\r\n",
            body.len()
        );
        for header in headers {
            head += &format!("{header}\r\n");
        }
        head += "\r\n";
        // One that refuses early answers before it has read all.
        let sent = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body));
        let mut answer = Vec::new();
        let read = stream.read_to_end(&mut answer);
        let at = answer.windows(4).position(|four| four == b"\r\n\r\n");
        let Some(at) = at else {
            assert!(sent.is_err() || read.is_err() || answer.is_empty());
            return None;
        };
        let head = String::from_utf8_lossy(&answer[..at]).into_owned();
        let status = head.split(' ').nth(1)?.parse().ok()?;
        Some(Answer { status, head, body: answer[at + 4..].to_vec() })
    }

    fn begin(&self, name: &str, length: usize) -> Option<String> {
        let length = format!("Upload-Length: {length}");
        let metadata = format!("Upload-Metadata: filename {}", base64(name));
        let answer = self.ask("POST", "/api/v1/uploads", &[&length, &metadata], b"")?;
        assert_eq!(answer.status, 201, "{}", String::from_utf8_lossy(&answer.body));
        Some(answer.header("location"))
    }

    fn patch(&self, at: &str, offset: usize, bytes: &[u8]) -> Option<Answer> {
        let offset = format!("Upload-Offset: {offset}");
        let kind = "Content-Type: application/offset+octet-stream";
        self.ask("PATCH", at, &[kind, &offset], bytes)
    }

    /// How much of it is here; none when the server is gone.
    fn offset(&self, at: &str) -> Option<usize> {
        let answer = self.ask("HEAD", at, &[], b"")?;
        assert_eq!(answer.status, 200, "{at}: {}", answer.head);
        Some(answer.header("upload-offset").parse().unwrap())
    }

    fn send(&self, name: &str, bytes: &[u8]) -> (u16, Value) {
        let at = self.begin(name, bytes.len()).unwrap();
        let answer = self.patch(&at, 0, bytes).unwrap();
        (answer.status, self.ask("GET", &at, &[], b"").unwrap().json())
    }

    /// What became of it, once that is known.
    fn outcome(&self, at: &str) -> Value {
        let begun = Instant::now();
        loop {
            let told = self.ask("GET", at, &[], b"").unwrap().json();
            if !["receiving", "checking"].contains(&told["state"].as_str().unwrap()) {
                return told;
            }
            assert!(begun.elapsed() < PATIENCE, "{told}");
            std::thread::yield_now();
        }
    }
}

fn base64(text: &str) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut encoded = String::new();
    for group in text.as_bytes().chunks(3) {
        let held = group.iter().fold(0_u32, |held, byte| held << 8 | u32::from(*byte));
        let held = held << (8 * (3 - group.len()));
        for digit in 0..4 {
            let value = held >> (18 - 6 * digit) & 63;
            encoded.push(if digit > group.len() {
                '='
            } else {
                char::from(DIGITS[value as usize])
            });
        }
    }
    encoded
}

fn stage() -> Stage {
    let stage = Stage::new();
    stage.write("media/Trip/known.png", &png(1));
    stage.scan();
    stage
}

/// Names with what is in them, in a folder below `media/_INCOMING`.
fn arrived(stage: &Stage, folder: &str) -> Vec<(String, Vec<u8>)> {
    let Ok(entries) = std::fs::read_dir(stage.path(format!("media/_INCOMING/{folder}"))) else {
        return Vec::new();
    };
    let mut found: Vec<(String, Vec<u8>)> = entries
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.path().is_file())
        .map(|entry| {
            (entry.file_name().into_string().unwrap(), std::fs::read(entry.path()).unwrap())
        })
        .collect();
    found.sort();
    found
}

#[test]
fn media_is_taken_and_found_and_other_files_are_not() {
    let stage = stage();
    let server = Server::start(&stage);
    let (status, told) = server.send("a.png", &png(2));
    assert_eq!((status, told["state"].as_str()), (204, Some("taken")), "{told}");
    let (status, told) = server.send("again.png", &png(1));
    assert_eq!((status, told["state"].as_str()), (204, Some("duplicate")), "{told}");
    assert_eq!(told["path"], stage.text("media/Trip/known.png"));
    // What came a moment ago and no scan has seen, too; and what merely looks alike is kept.
    let (sound, twin) = (big(7), twin_of(&big(7)));
    assert_eq!(server.send("sound.wav", &sound).1["state"], "taken");
    assert_eq!(server.send("other.wav", &sound).1["state"], "duplicate");
    let (_, told) = server.send("sound.wav", &twin);
    assert_eq!(told["path"], stage.text("media/_INCOMING/sound_2.wav"));
    let page = b"<!doctype html><script>alert(1)</script>";
    for (name, bytes) in [
        ("page.html", &page[..]),
        ("page.mp4", &page[..]),
        ("run.sh", b"#!/bin/sh\nrm -rf /\n"),
        ("program", b"\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00"),
        ("noise.mov", &noise(3, 5_000)),
    ] {
        let (status, told) = server.send(name, bytes);
        assert_eq!((status, told["state"].as_str()), (415, Some("refused")), "{name}: {told}");
        assert!(told["error"]["why"].as_str().unwrap().contains("no media"), "{told}");
    }
    let empty = server.ask("POST", "/api/v1/uploads", &["Upload-Length: 0"], b"").unwrap();
    assert_eq!(empty.status, 415);
    let expected = [("a.png", png(2)), ("sound.wav", sound), ("sound_2.wav", twin)];
    assert!(arrived(&stage, "") == expected.map(|(name, bytes)| (name.to_owned(), bytes)));
    assert!(arrived(&stage, ".uploads").is_empty());
    // The scan of its folder follows by itself.
    let begun = Instant::now();
    while stage.names("") != ["a.png", "known.png", "sound.wav", "sound_2.wav"] {
        assert!(begun.elapsed() < PATIENCE);
    }
}

#[test]
fn a_disk_without_room_is_told_before_anything_is_sent() {
    let stage = Stage::new();
    let mount = Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=64m", "none"])
        .arg(stage.path("media"))
        .stderr(Stdio::null())
        .status();
    if !mount.is_ok_and(|status| status.success()) {
        say("SKIPPED: no file system can be mounted here");
        return;
    }
    stage.write("media/known.png", &png(1));
    stage.scan();
    let server = Server::start(&stage);
    let full = server.ask("POST", "/api/v1/uploads", &["Upload-Length: 1000"], b"").unwrap();
    // Another disk than that of the root takes nothing either.
    let unmount = || Command::new("umount").arg(stage.path("media")).status();
    assert!(unmount().is_ok_and(|status| status.success()));
    let away = server.ask("POST", "/api/v1/uploads", &["Upload-Length: 1000"], b"").unwrap();
    assert_eq!((full.status, away.status), (507, 503));
    assert!(full.json()["remedy"].as_str().unwrap().contains("free some space"));
    assert_eq!(std::fs::read_dir(stage.path("media")).unwrap().count(), 0);
}

#[test]
fn a_killed_server_goes_on_where_it_was() {
    let stage = stage();
    let sound = big(5);
    let server = Server::start(&stage);
    let at = server.begin("sound.wav", sound.len()).unwrap();
    let half = sound.len() / 2;
    assert_eq!(server.patch(&at, 0, &sound[..half]).unwrap().status, 204);
    server.kill();
    let server = Server::start(&stage);
    // What was told to be here is.
    assert_eq!(server.offset(&at), Some(half));
    // A client that goes away amid a part: what came is not asked for again.
    let mut stream = TcpStream::connect(&server.address).unwrap();
    let head = format!(
        "PATCH {at} HTTP/1.1\r\nHost: localhost\r\nTus-Resumable: 1.0.0\r\n\
         Content-Type: application/offset+octet-stream\r\nUpload-Offset: {half}\r\n\
         Content-Length: {}\r\n\r\n",
        sound.len() - half
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(&sound[half..half + 300_000]).unwrap();
    drop(stream);
    // Unlike HEAD, GET lets whoever sends go on.
    let begun = Instant::now();
    loop {
        let told = server.ask("GET", &at, &[], b"").unwrap().json();
        if told["offset_bytes"].as_u64().unwrap() > half as u64 {
            break;
        }
        assert!(begun.elapsed() < PATIENCE, "{told}");
    }
    let offset = server.offset(&at).unwrap();
    assert!(offset > half && offset <= half + 300_000, "{offset}");
    assert_eq!(server.patch(&at, offset, &sound[offset..]).unwrap().status, 204);
    assert_eq!(server.outcome(&at)["state"], "taken");
    assert_eq!(arrived(&stage, ""), [("sound.wav".into(), sound)]);
}

/// Sends a file as a client does that comes back after every failure; whether
/// the server was killed meanwhile.
fn sends_through(stage: &Stage, first: Option<Server>, name: &str, bytes: &[u8]) -> bool {
    let mut is_killed = first.is_none();
    let mut server = first.unwrap_or_else(|| Server::start(stage));
    let mut at = None;
    let mut lives = 0;
    loop {
        let step = (|| {
            let at = match &at {
                Some(at) => at,
                None => at.insert(server.begin(name, bytes.len())?),
            };
            loop {
                let offset = server.offset(at)?;
                if offset == bytes.len() {
                    return Some(());
                }
                let end = bytes.len().min(offset + 150_000);
                let answer = server.patch(at, offset, &bytes[offset..end])?;
                assert_eq!(answer.status, 204, "{}", String::from_utf8_lossy(&answer.body));
            }
        })();
        if step.is_some() {
            break;
        }
        is_killed = true;
        lives += 1;
        assert!(lives < 5, "it is killed once");
        let _ = server.child.wait();
        server = Server::start(stage);
    }
    let at = at.unwrap();
    // The kill may come while it is given its name.
    if server.ask("GET", &at, &[], b"").is_none() {
        is_killed = true;
        server = Server::start(stage);
    }
    let told = server.outcome(&at);
    assert_eq!(told["state"], "taken", "{told}");
    is_killed
}

#[test]
fn a_kill_at_any_call_loses_nothing_and_doubles_nothing() {
    if !has_strace() {
        return;
    }
    let stage = stage();
    let most = if std::env::var_os("RUSHES_LONG").is_some() { LONG_POINTS } else { POINTS };
    let (begun, mut kills, mut tries) = (Instant::now(), Vec::new(), 0);
    for call in ["pwrite64", "fdatasync", "fsync", "rename", "renameat2", "unlinkat", "mkdirat"] {
        for number in 1..=most {
            let name = format!("{call}{number}.wav");
            let sound = wav(u64::from(number) + 100 * tries, 400_000);
            let server = Server::killed_at(&stage, call, number);
            tries += 1;
            if sends_through(&stage, server, &name, &sound) {
                kills.push(format!("{call} {number}"));
            }
            let found: Vec<(String, Vec<u8>)> = arrived(&stage, "")
                .into_iter()
                .filter(|(found, _)| found.starts_with(name.trim_end_matches(".wav")))
                .filter(|(found, _)| *found == name || found.contains('_'))
                .collect();
            assert!(found == [(name.clone(), sound)], "killed at {call} {number}");
        }
    }
    stage.check();
    say(&format!("killed at {} of {tries} in {:?}", kills.join(", "), begun.elapsed()));
    // Calls are counted in each thread by itself: many have fewer than that.
    assert!(kills.len() >= 7, "only {kills:?}");
    assert!(kills.iter().any(|at| at.starts_with("renameat2")), "{kills:?}");
}
