//! Files that clients send: the tus protocol (tus.io, 1.0.0), forms, batches.
//! What is sent here are sidecars, which need no worker to look at them.

use std::path::PathBuf;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use axum::body::{Body, Bytes};
use futures_util::stream;
use rushes_actions::Engine;
use rushes_actions::uploads::{UploadRules, Uploads};
use rushes_media::{Clock, ErrorKind, Limits, SystemClock, UnixNanos};
use rushes_sandbox::{Launch, Pool};
use rushes_server::{Access, endpoints};
use serde_json::{Value, json};
use tokio::sync::oneshot;

use crate::support::{Answer, Library, Server, TOKEN};

const UPLOADS: &str = "/api/v1/uploads";
const PART: (&str, &str) = ("content-type", "application/offset+octet-stream");
const TUS: (&str, &str) = ("tus-resumable", "1.0.0");
const PLENTY: u64 = 1 << 30;

type Headers<'a> = &'a [(&'a str, &'a str)];

impl Library {
    fn incoming(&self, name: &str) -> PathBuf {
        self.media.join("_INCOMING").join(name)
    }

    /// Names in a folder of arriving files, with what waits there.
    fn arrived(&self, folder: &str) -> Vec<String> {
        let Ok(entries) = std::fs::read_dir(self.incoming(folder)) else { return Vec::new() };
        let name = |entry: std::io::Result<std::fs::DirEntry>| entry.unwrap().file_name();
        let mut names: Vec<String> =
            entries.map(|entry| name(entry).into_string().unwrap()).collect();
        names.sort();
        names
    }

    fn waiting(&self) -> usize {
        self.arrived(".uploads").len()
    }
}

impl Server {
    /// Begins an upload.
    async fn begin(&self, length: &str, metadata: &str) -> Answer {
        let headers = [TUS, ("upload-length", length), ("upload-metadata", metadata)];
        self.ask("POST", UPLOADS, &headers).await
    }

    /// Where a new upload of a sidecar is.
    async fn begun(&self, name: &str, length: usize) -> String {
        let answer = self.begin(&length.to_string(), &metadata(name)).await;
        assert_eq!(answer.status, 201, "{}", String::from_utf8_lossy(&answer.body));
        answer.header("location").to_owned()
    }

    async fn patch(&self, at: &str, offset: usize, bytes: &'static [u8]) -> Answer {
        let offset = offset.to_string();
        let headers = [TUS, PART, ("upload-offset", &*offset)];
        self.send("PATCH", at, &headers, Body::from(bytes)).await
    }

    async fn offset(&self, at: &str) -> String {
        let answer = self.ask("HEAD", at, &[TUS]).await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("cache-control"), "no-store");
        answer.header("upload-offset").to_owned()
    }

    /// Sends a whole file; what became of it.
    async fn sent(&self, name: &str, bytes: &'static [u8]) -> Value {
        let at = self.begun(name, bytes.len()).await;
        assert_eq!(self.patch(&at, 0, bytes).await.status, 204);
        self.get(&at).await.json()
    }
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let held = group.iter().fold(0_u32, |held, byte| held << 8 | u32::from(*byte));
        let held = held << (8 * (3 - group.len()));
        for digit in 0..4 {
            let value = held >> (18 - 6 * digit) & 63;
            text.push(if digit > group.len() { '=' } else { char::from(DIGITS[value as usize]) });
        }
    }
    text
}

fn metadata(name: &str) -> String {
    format!("filename {}", base64(name.as_bytes()))
}

#[tokio::test]
async fn the_server_says_what_it_can_do() {
    let library = Library::filled();
    let server = library.receiving(12_345, PLENTY);
    let answer = server.ask("OPTIONS", UPLOADS, &[]).await;
    assert_eq!(answer.status, 204);
    assert_eq!(answer.header("tus-version"), "1.0.0");
    assert_eq!(answer.header("tus-resumable"), "1.0.0");
    assert_eq!(answer.header("tus-max-size"), "12345");
    assert_eq!(answer.header("tus-checksum-algorithm"), "sha1,md5");
    let extensions = "creation,creation-with-upload,checksum,expiration,termination";
    assert_eq!(answer.header("tus-extension"), extensions);
}

#[tokio::test]
async fn a_file_arrives_in_parts_and_gets_its_name_at_the_end() {
    let library = Library::filled();
    let server = library.receiving(PLENTY, PLENTY);
    let told = format!("{},lastModified {}", metadata("a.xmp"), base64(b"1600000000123"));
    let answer = server.begin("10", &told).await;
    assert_eq!((answer.status, answer.header("upload-offset")), (201, "0"));
    assert_eq!(answer.header("tus-resumable"), "1.0.0");
    assert!(answer.header("upload-expires").ends_with(" GMT"));
    let at = answer.header("location").to_owned();
    assert!(at.starts_with("/api/v1/uploads/"), "{at}");

    let part = server.patch(&at, 0, b"0123").await;
    assert_eq!((part.status, part.header("upload-offset")), (204, "4"));
    assert_eq!(server.offset(&at).await, "4");
    let head = server.ask("HEAD", &at, &[TUS]).await;
    assert_eq!((head.header("upload-length"), head.header("upload-metadata")), ("10", &*told));
    assert_eq!(library.arrived(""), [".uploads"]);
    assert_eq!(server.get(&at).await.json()["state"], "receiving");

    // What is at the wrong place is not written, and the right one is told.
    for offset in [0, 3, 5, 10] {
        let wrong = server.patch(&at, offset, b"xxx").await;
        assert_eq!((&*wrong.problem(409), wrong.header("upload-offset")), ("conflict", "4"));
    }
    // More than it was to have.
    assert_eq!(server.patch(&at, 4, b"0123456").await.problem(413), "limit");
    assert_eq!(server.offset(&at).await, "4");

    let last = server.patch(&at, 4, b"456789").await;
    assert_eq!((last.status, last.header("upload-offset")), (204, "10"));
    assert_eq!(std::fs::read(library.incoming("a.xmp")).unwrap(), b"0123456789");
    let about = library.incoming("a.xmp").metadata().unwrap();
    let since = about.modified().unwrap().duration_since(std::time::UNIX_EPOCH).unwrap();
    assert_eq!(since.as_millis(), 1_600_000_000_123);
    let told = server.get(&at).await.json();
    assert_eq!((&told["state"], &told["name"]), (&json!("taken"), &json!("a.xmp")));
    assert_eq!(told["path"], library.incoming("a.xmp").to_str().unwrap());
    let hash = blake3::hash(b"0123456789").to_hex();
    assert_eq!(told["blake3"], hash.as_str());
    assert_eq!(library.waiting(), 0);
    // Said again, nothing happens again.
    assert_eq!(server.patch(&at, 10, b"").await.status, 204);
    assert_eq!(library.arrived(""), [".uploads", "a.xmp"]);
    // What has its name keeps it.
    assert_eq!(server.ask("DELETE", &at, &[TUS]).await.status, 204);
    server.get(&at).await.problem(404);
    assert!(library.incoming("a.xmp").exists());
}

#[tokio::test]
async fn what_the_protocol_refuses() {
    let library = Library::filled();
    let server = library.receiving(1_000, PLENTY);
    let name = metadata("a.xmp");
    let cases: &[(Headers<'_>, u16)] = &[
        (&[("upload-length", "1")], 412),
        (&[("tus-resumable", "0.2.2"), ("upload-length", "1")], 412),
        (&[TUS], 400),
        (&[TUS, ("upload-length", "-1")], 400),
        (&[TUS, ("upload-length", "1.5")], 400),
        (&[TUS, ("upload-length", "")], 400),
        (&[TUS, ("upload-length", "99999999999999999999999")], 400),
        (&[TUS, ("upload-length", "18446744073709551615")], 413),
        (&[TUS, ("upload-length", "1001")], 413),
        (&[TUS, ("upload-defer-length", "1")], 400),
        (&[TUS, ("upload-length", "1"), ("upload-concat", "partial")], 400),
        (&[TUS, ("upload-length", "1"), ("upload-metadata", "filename !")], 400),
        (&[TUS, ("upload-length", "1"), ("upload-metadata", "a YQ==,a YQ==")], 400),
        (&[TUS, PART, ("upload-length", "1"), ("upload-checksum", "crc32 AAAA")], 400),
        (&[TUS, PART, ("upload-length", "1"), ("upload-checksum", "sha1 AAAA")], 400),
    ];
    for (headers, status) in cases {
        let answer = server.ask("POST", UPLOADS, headers).await;
        answer.problem(*status);
        assert_eq!(answer.header("tus-resumable"), "1.0.0", "{headers:?}");
        if *status == 412 {
            assert_eq!(answer.header("tus-version"), "1.0.0");
        }
    }
    assert_eq!(library.waiting(), 0);
    let largest = server.begin("1000", &name).await;
    assert_eq!(largest.status, 201);

    let at = server.begun("a.xmp", 4).await;
    let zero = ("upload-offset", "0");
    let json = ("content-type", "application/json");
    let cases: &[(&str, Headers<'_>, u16)] = &[
        ("PATCH", &[PART, zero], 412),
        ("HEAD", &[], 412),
        ("DELETE", &[], 412),
        ("PATCH", &[TUS, zero], 415),
        ("PATCH", &[TUS, zero, json], 415),
        ("PATCH", &[TUS, PART], 400),
        ("PATCH", &[TUS, PART, ("upload-offset", "-1")], 400),
        ("POST", &[TUS, PART, zero], 405),
        ("POST", &[TUS, PART, zero, ("x-http-method-override", "PUT")], 405),
        ("PUT", &[TUS, PART, zero], 405),
    ];
    for (method, headers, status) in cases {
        let answer = server.send(method, &at, headers, Body::empty()).await;
        assert_eq!(answer.status, *status, "{method} {headers:?}");
    }
    for id in ["nothing", "..%2F..%2Ftoken", "%00", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"] {
        let target = format!("{UPLOADS}/{id}");
        for method in ["HEAD", "GET", "PATCH", "DELETE"] {
            let answer = server.ask(method, &target, &[TUS, PART, zero]).await;
            assert_eq!(answer.status, 404, "{method} {target}");
        }
    }
    assert_eq!(server.offset(&at).await, "0");
    let patch = [TUS, PART, zero, ("x-http-method-override", "PATCH")];
    let answer = server.send("POST", &at, &patch, Body::from("0123")).await;
    assert_eq!((answer.status, answer.header("upload-offset")), (204, "4"));
}

#[tokio::test]
async fn a_part_that_is_not_what_was_sent_is_dropped() {
    let library = Library::filled();
    let server = library.receiving(PLENTY, PLENTY);
    let at = server.begun("a.xmp", 11).await;
    // sha1sum of "hello world", and of nothing.
    let right = ("upload-checksum", "sha1 Kq5sNclPz7QV2+lfQIuc6R7oRu0=");
    let wrong = ("upload-checksum", "sha1 2jmj7l5rSw0yVb/vlWAYkK/YBwk=");
    let zero = ("upload-offset", "0");
    let refused =
        server.send("PATCH", &at, &[TUS, PART, zero, wrong], Body::from("hello world")).await;
    assert_eq!(refused.status, 460);
    assert_eq!(refused.json()["status"], 460);
    assert_eq!(server.offset(&at).await, "0");
    assert_eq!(library.waiting(), 1);
    let taken =
        server.send("PATCH", &at, &[TUS, PART, zero, right], Body::from("hello world")).await;
    assert_eq!(taken.status, 204);
    assert_eq!(std::fs::read(library.incoming("a.xmp")).unwrap(), b"hello world");
    // md5sum of "hello world", and of "hello world?".
    for (digest, status) in [("XrY7u+Ae7tCTyyK7j1rNww==", 201), ("cd0GgLYNgjG/Kx0XfJ5CvA==", 460)] {
        let md5 = format!("md5 {digest}");
        let name = metadata("b.xmp");
        let about = [("upload-length", "12"), ("upload-metadata", &*name)];
        let headers = [TUS, PART, about[0], about[1], ("upload-checksum", &*md5)];
        let answer = server.send("POST", UPLOADS, &headers, Body::from("hello world")).await;
        assert_eq!(answer.status, status, "{digest}");
    }
    // The one that was refused is gone.
    assert_eq!(library.waiting(), 1);
}

#[tokio::test]
async fn a_file_can_come_with_its_beginning() {
    let library = Library::filled();
    let server = library.receiving(PLENTY, PLENTY);
    let name = metadata("a.xmp");
    let headers = [TUS, PART, ("upload-length", "10"), ("upload-metadata", &*name)];
    let answer = server.send("POST", UPLOADS, &headers, Body::from("01234")).await;
    assert_eq!((answer.status, answer.header("upload-offset")), (201, "5"));
    let at = answer.header("location").to_owned();
    assert_eq!(server.patch(&at, 5, b"56789").await.status, 204);
    let whole = server.send("POST", UPLOADS, &headers, Body::from("abcdefghij")).await;
    assert_eq!((whole.status, whole.header("upload-offset")), (201, "10"));
    assert_eq!(library.arrived(""), [".uploads", "a.xmp", "a_2.xmp"]);
    // One that is longer than it says leaves nothing behind.
    let long = server.send("POST", UPLOADS, &headers, Body::from("0123456789 and more")).await;
    assert_eq!(long.problem(413), "limit");
    let more: Vec<Result<Bytes, std::io::Error>> = vec![Ok("01234".into()), Ok("56789!".into())];
    let long = server.send("POST", UPLOADS, &headers, Body::from_stream(stream::iter(more))).await;
    assert_eq!(long.problem(413), "limit");
    assert_eq!(library.waiting(), 0);
}

#[tokio::test]
async fn names_from_clients_stay_where_they_belong() {
    let library = Library::filled();
    let server = library.receiving(PLENTY, PLENTY);
    let before = std::fs::read_dir(&library.media).unwrap().count();
    let names: [(&str, &[u8], &str); 6] = [
        ("../../../etc/cron.xmp", b"1", "cron.xmp"),
        ("/etc/passwd.xmp", b"2", "passwd.xmp"),
        ("..\\..\\a.xmp", b"3", "a.xmp"),
        (".hidden.xmp", b"4", "hidden.xmp"),
        ("CON.xmp", b"5", "_CON.xmp"),
        ("a\u{202e}b\n.xmp", b"6", "ab.xmp"),
    ];
    for (given, bytes, expected) in names {
        let told = server.sent(given, bytes).await;
        assert_eq!((&told["state"], &told["name"]), (&json!("taken"), &json!(expected)));
        assert_eq!(std::fs::read(library.incoming(expected)).unwrap(), bytes);
    }
    for (batch, folder) in [("Trip", "Trip"), ("../../..", "upload"), (".uploads", "uploads")] {
        let told = format!("{},batch {}", metadata("in.xmp"), base64(batch.as_bytes()));
        let at = server.begin("1", &told).await.header("location").to_owned();
        assert_eq!(server.patch(&at, 0, b"7").await.status, 204);
        assert_eq!(library.arrived(folder), ["in.xmp"], "{batch}");
    }
    // Only the folder for arriving files is new.
    assert_eq!(std::fs::read_dir(&library.media).unwrap().count(), before + 1);
}

#[tokio::test]
async fn nothing_is_replaced_and_nothing_is_kept_twice() {
    let library = Library::filled();
    let server = library.receiving(PLENTY, PLENTY);
    let first = server.sent("a.xmp", b"one").await;
    assert_eq!(first["state"], "taken");
    let other = server.sent("a.xmp", b"two").await;
    assert_eq!(other["path"], library.incoming("a_2.xmp").to_str().unwrap());
    assert_eq!(std::fs::read(library.incoming("a.xmp")).unwrap(), b"one");
    let again = server.sent("a.xmp", b"one").await;
    assert_eq!((&again["state"], &again["path"]), (&json!("duplicate"), &first["path"]));
    assert_eq!(again["blake3"], first["blake3"]);
    // Two sidecars that say the same belong to two files.
    assert_eq!(server.sent("b.xmp", b"one").await["state"], "taken");
    assert_eq!(library.arrived(""), [".uploads", "a.xmp", "a_2.xmp", "b.xmp"]);
    assert_eq!(library.waiting(), 0);
}

#[tokio::test]
async fn room_is_looked_for_before_anything_is_sent() {
    let library = Library::filled();
    let server = library.receiving(1 << 60, 100);
    let first = server.begin("60", &metadata("a.xmp")).await;
    assert_eq!(first.status, 201);
    let full = server.begin("41", &metadata("b.xmp")).await;
    assert_eq!(full.problem(507), "unavailable");
    assert!(full.json()["remedy"].as_str().unwrap().contains("--upload-quota-gb"));
    assert_eq!(server.begin("40", &metadata("b.xmp")).await.status, 201);
    let at = first.header("location").to_owned();
    assert_eq!(server.ask("DELETE", &at, &[TUS]).await.status, 204);
    assert_eq!(server.ask("HEAD", &at, &[TUS]).await.status, 404);
    assert_eq!(server.begin("60", &metadata("b.xmp")).await.status, 201);
    // No disk has this much.
    let server = library.receiving(1 << 60, 1 << 62);
    let full = server.begin(&(1_u64 << 59).to_string(), &metadata("a.xmp")).await;
    assert_eq!(full.problem(507), "unavailable");
    assert!(full.json()["detail"].as_str().unwrap().contains("bytes are free"));
    assert_eq!(library.waiting(), 2);
}

/// A body whose client goes silent after its first bytes, and a word when these
/// were taken.
fn silent(first: &'static str) -> (Body, oneshot::Receiver<()>) {
    let (taken, is_taken) = oneshot::channel();
    let (mut first, mut taken) = (Some(Bytes::from(first)), Some(taken));
    let body = stream::poll_fn(move |_| match first.take() {
        Some(first) => Poll::Ready(Some(Ok::<_, std::io::Error>(first))),
        None => {
            taken.take().map(|taken| taken.send(()));
            Poll::Pending
        }
    });
    (Body::from_stream(body), is_taken)
}

#[tokio::test]
async fn the_newest_request_goes_on_and_what_came_before_it_is_kept() {
    let library = Library::filled();
    let server = library.receiving(PLENTY, PLENTY);
    let at = server.begun("a.xmp", 10).await;
    let (own, target) = (Server(server.0.clone()), at.clone());
    let (body, is_taken) = silent("0123");
    let before = tokio::spawn(async move {
        own.send("PATCH", &target, &[TUS, PART, ("upload-offset", "0")], body).await
    });
    is_taken.await.unwrap();
    let offset = server.offset(&at).await;
    assert_eq!((&*before.await.unwrap().problem(409), &*offset), ("conflict", "4"));

    // Of many that send the same part, all but one are told where it goes on.
    let requests = (0..8).map(|_| {
        let (own, target) = (Server(server.0.clone()), at.clone());
        tokio::spawn(async move { own.patch(&target, 4, b"456789").await.status })
    });
    let requests: Vec<_> = requests.collect();
    let mut statuses = Vec::new();
    for request in requests {
        statuses.push(request.await.unwrap());
    }
    assert!(statuses.iter().all(|status| [204, 409].contains(status)), "{statuses:?}");
    let taken = server.patch(&at, server.offset(&at).await.parse().unwrap(), b"").await;
    assert_eq!(taken.status, 204, "{statuses:?}");
    assert_eq!(std::fs::read(library.incoming("a.xmp")).unwrap(), b"0123456789");
}

#[tokio::test]
async fn large_parts_are_no_reason_to_refuse_and_go_to_disk_in_blocks() {
    let library = Library::filled();
    let server = library.receiving(PLENTY, PLENTY);
    let bytes: Vec<u8> = (0..5_000_000_u32).map(|n| (n % 251) as u8).collect();
    let at = server.begun("large.xmp", bytes.len()).await;
    let length = bytes.len().to_string();
    let headers = [TUS, PART, ("upload-offset", "0"), ("content-length", &*length)];
    let answer = server.send("PATCH", &at, &headers, Body::from(bytes.clone())).await;
    assert_eq!(answer.status, 204);
    assert_eq!(std::fs::read(library.incoming("large.xmp")).unwrap(), bytes);
    // Elsewhere it is.
    let headers = [("content-type", "application/json"), ("content-length", &*length)];
    server.send("POST", "/api/v1/scan", &headers, Body::from(bytes)).await.problem(413);
}

#[tokio::test]
async fn a_new_start_goes_on_where_the_last_one_was() {
    let library = Library::filled();
    let server = library.receiving(PLENTY, PLENTY);
    let at = server.begun("a.xmp", 10).await;
    assert_eq!(server.patch(&at, 0, b"0123").await.status, 204);
    let id = at.rsplit('/').next().unwrap();
    // Bytes that were written and not recorded, as a kill leaves them.
    let waiting = library.incoming(".uploads").join(id);
    std::fs::write(&waiting, b"0123lost").unwrap();
    let server = library.receiving(PLENTY, PLENTY);
    assert_eq!(server.offset(&at).await, "4");
    assert_eq!(server.patch(&at, 4, b"456789").await.status, 204);
    assert_eq!(std::fs::read(library.incoming("a.xmp")).unwrap(), b"0123456789");
    let told = server.get(&at).await.json();
    let hash = blake3::hash(b"0123456789").to_hex();
    assert_eq!(told["blake3"], hash.as_str(), "it is over all bytes, also those of before");
    // A kill between its name and the word that it has it.
    let records = library.engine.home().uploads();
    let mut record = records.load().unwrap().remove(0);
    assert_eq!(record.naming.as_deref(), Some("a.xmp"));
    record.outcome = None;
    records.save(&record).unwrap();
    let server = library.receiving(PLENTY, PLENTY);
    assert_eq!(server.get(&at).await.json()["state"], "checking");
    assert_eq!(server.patch(&at, 10, b"").await.status, 204);
    assert_eq!(server.get(&at).await.json(), told);
    assert_eq!(library.arrived(""), [".uploads", "a.xmp"]);
    // What lost bytes says so instead of going on.
    let at = server.begun("b.xmp", 10).await;
    assert_eq!(server.patch(&at, 0, b"0123").await.status, 204);
    let id = at.rsplit('/').next().unwrap();
    std::fs::write(library.incoming(".uploads").join(id), b"0").unwrap();
    let answer = server.patch(&at, 4, b"456789").await;
    assert_eq!(answer.problem(422), "corrupt");
}

/// The system's clock, eight days on.
struct NextWeek;

impl Clock for NextWeek {
    fn now(&self) -> UnixNanos {
        SystemClock.now() + 8 * 24 * 3_600 * 1_000_000_000
    }

    fn sleep(&self, duration: Duration) {
        SystemClock.sleep(duration);
    }
}

#[tokio::test]
async fn what_nobody_goes_on_with_expires() {
    let library = Library::filled();
    let server = library.receiving(PLENTY, PLENTY);
    let at = server.begun("a.xmp", 10).await;
    assert_eq!(server.patch(&at, 0, b"0123").await.status, 204);
    assert_eq!(server.sent("b.xmp", b"whole").await["state"], "taken");
    let launch = Launch { program: "/no/such/program".into(), args: Vec::new() };
    let (home, limits) = (library.engine.home().clone(), Limits::default());
    let pool = Pool::new(launch, 1, limits);
    let clock = Arc::new(NextWeek);
    let engine = Engine::with_clock(home, rushes_jobs::open_queue, pool, limits, clock);
    let rules = UploadRules { to: "Footage".into(), max_bytes: PLENTY, quota_bytes: PLENTY };
    let uploads = Uploads::open(engine, rules).unwrap();
    let id = at.rsplit('/').next().unwrap();
    assert_eq!(uploads.get(id).unwrap_err().kind, ErrorKind::NotFound);
    assert_eq!((library.waiting(), uploads.is_empty()), (1, false));
    uploads.sweep();
    assert_eq!((library.waiting(), uploads.is_empty()), (0, true));
    assert!(library.incoming("b.xmp").exists(), "what has its name keeps it");
    assert_eq!(library.engine.home().uploads().load().unwrap(), []);
}

#[tokio::test]
async fn without_a_folder_for_them_no_files_are_taken() {
    let library = Library::filled();
    let server = library.open();
    let mut walked = 0;
    for endpoint in endpoints() {
        let of_uploads = endpoint.path.contains("upload") && endpoint.path != "/upload";
        if !of_uploads {
            continue;
        }
        assert_eq!(endpoint.access, Access::Token);
        walked += 1;
        let target = endpoint.path.replace("{id}", "abc");
        let answer = server.ask(endpoint.method, &target, &[TUS]).await;
        assert_eq!(answer.problem(403), "denied", "{} {target}", endpoint.method);
        assert!(answer.json()["remedy"].as_str().unwrap().contains("--uploads-to"));
    }
    assert_eq!(walked, 8);
}

/// What the walk over all routes does not see: that nothing of a body is taken
/// from who has no token.
#[tokio::test]
async fn files_are_taken_from_those_who_have_the_token() {
    let library = Library::filled();
    let right = format!("Bearer {TOKEN}");
    let part = form(&[("files", Some("b.xmp"), "two")]);
    let length = ("upload-length", "3");
    let name = metadata("a.xmp");
    let named = ("upload-metadata", &*name);
    for (token, is_let_in) in [(None, false), (Some("Bearer wrong"), false), (Some(&*right), true)]
    {
        let server = library.receiving_with(Some(TOKEN.to_owned()), PLENTY, PLENTY);
        let with = |headers: &[(&'static str, &str)]| -> Vec<(&'static str, String)> {
            let token = token.map(|token| ("authorization", token));
            let all = headers.iter().copied().chain(token);
            all.map(|(name, value)| (name, value.to_owned())).collect()
        };
        let ask =
            async |method: &str, target: &str, headers: Vec<(&'static str, String)>, body: &str| {
                let headers: Vec<(&str, &str)> =
                    headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
                let answer =
                    server.send(method, target, &headers, Body::from(body.to_owned())).await;
                if !is_let_in {
                    assert_eq!(answer.status, 401, "{method} {target}");
                }
                answer
            };
        let form = ask("POST", "/batches/from-upload", with(&[BOUNDARY]), &part).await;
        let options = ask("OPTIONS", UPLOADS, with(&[]), "").await;
        let begun = ask("POST", UPLOADS, with(&[TUS, length, named]), "").await;
        let at = if is_let_in { begun.header("location") } else { "/api/v1/uploads/x" }.to_owned();
        let zero = ("upload-offset", "0");
        let head = ask("HEAD", &at, with(&[TUS]), "").await;
        let patch = ask("PATCH", &at, with(&[TUS, PART, zero]), "one").await;
        let shown = ask("GET", &at, with(&[]), "").await;
        let ended = ask("DELETE", &at, with(&[TUS]), "").await;
        if is_let_in {
            let answers = [&form, &options, &begun, &head, &patch, &shown, &ended];
            let statuses = answers.map(|answer| answer.status);
            assert_eq!(statuses, [202, 204, 201, 200, 204, 200, 204]);
        } else {
            assert!(!library.incoming("").exists(), "nothing of it was written");
        }
    }
    assert_eq!(library.arrived(""), [".uploads", "a.xmp", "b.xmp"]);
}

const BOUNDARY: (&str, &str) = ("content-type", "multipart/form-data; boundary=XX");

fn form(fields: &[(&str, Option<&str>, &str)]) -> String {
    let mut text = String::new();
    for (name, file, value) in fields {
        let file = file.map_or(String::new(), |file| format!("; filename=\"{file}\""));
        text += &format!(
            "--XX\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\n\r\n{value}\r\n"
        );
    }
    text + "--XX--\r\n"
}

#[tokio::test]
async fn forms_are_taken_as_the_prototype_took_them() {
    let library = Library::filled();
    let server = library.receiving(1_000, PLENTY);
    let to = "/batches/from-upload";
    let body = form(&[
        ("files", Some("a.xmp"), "one"),
        ("files[]", Some("../b.xmp"), "two"),
        ("file", Some("a.xmp"), "one"),
        ("batch", None, "My Trip"),
    ]);
    let answer = server.send("POST", to, &[BOUNDARY], Body::from(body)).await;
    assert_eq!(answer.status, 202, "{}", String::from_utf8_lossy(&answer.body));
    let told = answer.json();
    assert_eq!((&told["status"], &told["batch"]), (&json!("queued"), &json!("My Trip")));
    assert_eq!(told["files"].as_array().unwrap().len(), 3);
    assert_eq!(told["taken"].as_array().unwrap().len(), 2);
    assert_eq!(told["duplicates"][0]["name"], "a.xmp");
    assert_eq!(library.arrived("My Trip"), ["a.xmp", "b.xmp"]);

    let large = "x".repeat(1_001);
    let cut = form(&[("files", Some("d.xmp"), "one of two")]).replace("\r\n--XX--\r\n", "");
    let cases: [(String, u16); 5] = [
        (form(&[("files", Some("d.xmp"), &large)]), 413),
        (cut, 400),
        (form(&[("batch", None, "x")]), 400),
        (form(&[("files", Some("d.xmp"), "four"), ("other", None, "x")]), 400),
        (form(&[("files", Some("d.xmp"), "four"), ("batch", None, &large)]), 400),
    ];
    for (body, status) in cases {
        let answer = server.send("POST", to, &[BOUNDARY], Body::from(body.clone())).await;
        assert_eq!(answer.status, status, "{body}: {}", String::from_utf8_lossy(&answer.body));
        answer.problem(status);
    }
    server.post(to, &json!({"files": []})).await.problem(415);
    assert_eq!(library.waiting(), 0, "nothing of what was refused is left");
    assert_eq!(library.arrived(""), [".uploads", "My Trip"]);
}

#[tokio::test]
async fn a_batch_is_begun_filled_and_ended() {
    let library = Library::filled();
    let server = library.receiving(PLENTY, PLENTY);
    let to = "/api/v1/uploads/batch";
    let begun = server.post(&format!("{to}?op=start"), &json!({"name": "Phone"})).await;
    assert_eq!(begun.status, 201);
    let batch = begun.json()["batch"].as_str().unwrap().to_owned();
    for (name, bytes) in [("a.xmp", "one"), ("a.xmp", "one"), ("c.xmp", "two")] {
        let body = form(&[("files", Some(name), bytes), ("batch", None, &batch)]);
        let answer =
            server.send("POST", "/batches/from-upload", &[BOUNDARY], Body::from(body)).await;
        assert_eq!(answer.status, 202);
    }
    let told = format!("{},batch {}", metadata("half.xmp"), base64(batch.as_bytes()));
    let half = server.begin("10", &told).await.header("location").to_owned();
    for (operation, status) in
        [("snapshot", "open"), ("finalize", "finalized"), ("finalize", "finalized")]
    {
        let told =
            server.post(&format!("{to}?op={operation}"), &json!({"batch": batch})).await.json();
        assert_eq!((&told["status"], &told["name"]), (&json!(status), &json!("Phone")));
        let names = |list: &str| -> Vec<String> {
            let list = told[list].as_array().unwrap().iter();
            list.map(|file| file["name"].as_str().unwrap().to_owned()).collect()
        };
        assert_eq!(names("taken"), ["a.xmp", "c.xmp"]);
        assert_eq!(names("duplicates"), ["a.xmp"]);
        assert_eq!(names("unfinished"), ["half.xmp"]);
    }
    assert_eq!(library.arrived("Phone"), ["a.xmp", "c.xmp"]);
    // It takes no more, but what is under way may end.
    let late = form(&[("files", Some("d.xmp"), "late"), ("batch", None, &batch)]);
    let answer = server.send("POST", "/batches/from-upload", &[BOUNDARY], Body::from(late)).await;
    assert_eq!(answer.problem(409), "conflict");
    assert_eq!(server.patch(&half, 0, b"0123456789").await.status, 204);
    assert_eq!(library.arrived("Phone"), ["a.xmp", "c.xmp", "half.xmp"]);

    for (target, body, status) in [
        ("?op=start", json!({"batch": "x"}), 400),
        ("?op=finalize", json!({}), 400),
        ("?op=finalize", json!({"batch": "x"}), 404),
        ("?op=other", json!({}), 400),
        ("", json!({}), 400),
        ("?op=start&op=start", json!({}), 400),
        ("?op=start", json!({"nmae": "x"}), 400),
    ] {
        server.post(&format!("{to}{target}"), &body).await.problem(status);
    }
}
