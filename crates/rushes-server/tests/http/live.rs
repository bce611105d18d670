//! A server that listens: live events, the farewell, and workers.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::support::{Library, settings};
use rushes_server::{Ready, Settings, serve};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde_json::Value;
use tokio::sync::oneshot;

struct Running {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<rushes_media::Result<()>>>,
}

impl Running {
    fn start(library: &Library, workers: usize) -> Running {
        let settings = Settings { workers, ..settings(None) };
        let engine = library.engine.clone();
        let (stop, stopped) = oneshot::channel::<()>();
        let (ready, is_ready) = mpsc::channel();
        let thread = std::thread::spawn(move || {
            let announce = |found: &Ready| ready.send(found.address).unwrap();
            serve(engine, &settings, announce, async {
                let _ = stopped.await;
            })
        });
        let address = is_ready.recv_timeout(Duration::from_secs(20)).unwrap();
        Running { address, stop: Some(stop), thread: Some(thread) }
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream
    }

    /// Sends a request as it stands and reads all of the answer.
    fn raw(&self, request: &str) -> String {
        let mut stream = self.connect();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        String::from_utf8_lossy(&answer).into_owned()
    }

    fn post(&self, target: &str, body: &str) -> Value {
        let length = body.len();
        let answer = self.raw(&format!(
            "POST {target} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
             Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        ));
        serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap()
    }

    fn listen(&self, last: Option<&str>) -> Events {
        let mut stream = self.connect();
        let last = last.map(|id| format!("Last-Event-ID: {id}\r\n")).unwrap_or_default();
        let request = format!("GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n{last}\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        let mut events = Events { lines: BufReader::new(stream), id: String::new() };
        assert!(events.line().unwrap().starts_with("HTTP/1.1 200"));
        events
    }

    fn finish(mut self) -> Duration {
        let started = Instant::now();
        self.stop.take().unwrap().send(()).unwrap();
        self.thread.take().unwrap().join().unwrap().unwrap();
        started.elapsed()
    }
}

struct Events {
    lines: BufReader<TcpStream>,
    /// The last event's id.
    id: String,
}

impl Events {
    fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        let count = self.lines.read_line(&mut line).ok()?;
        (count > 0).then(|| line.trim_end().to_owned())
    }

    /// The data of the next event with this name for which `fits` holds.
    fn wait_for(&mut self, name: &str, fits: impl Fn(&Value) -> bool) -> Value {
        let mut event = String::new();
        while let Some(line) = self.line() {
            if let Some(word) = line.strip_prefix("event: ") {
                event = word.to_owned();
            } else if let Some(id) = line.strip_prefix("id: ") {
                self.id = id.to_owned();
            } else if let Some(data) = line.strip_prefix("data: ") {
                let data: Value = serde_json::from_str(data).unwrap();
                if event == name && fits(&data) {
                    return data;
                }
            }
        }
        panic!("the stream ended before {name}");
    }
}

#[test]
fn a_job_is_told_of_to_its_end() {
    let library = Library::filled();
    let server = Running::start(&library, 3);
    let mut events = server.listen(None);
    let catalog = events.wait_for("catalog", |_| true);
    assert_eq!(catalog["assets"], 3);
    let job = server.post("/api/v1/check", "{}")["job"].clone();
    let ended =
        events.wait_for("job", |data| data["id"] == job["id"] && data["finished"].is_string());
    assert_eq!(ended["kind"], "check");
    // Who comes back is told of what happened meanwhile, and only that.
    let id = events.id.clone();
    drop(events);
    let second = server.post("/api/v1/jobs/999/cancel", "{}");
    assert_eq!(second["status"], 404);
    let job = server.post("/api/v1/previews", "{}")["job"].clone();
    let mut events = server.listen(Some(&id));
    let told = events.wait_for("job", |_| true);
    assert_eq!(told["id"], job["id"]);
    assert!(server.finish() < Duration::from_secs(3));
}

#[test]
fn the_catalogue_s_changes_are_told() {
    let library = Library::filled();
    let server = Running::start(&library, 0);
    let mut events = server.listen(None);
    let first = events.wait_for("catalog", |_| true);
    library.engine.catalog().unwrap().write(rushes_catalog::note_change).unwrap();
    let version = first["version"].as_i64().unwrap();
    events.wait_for("catalog", |data| data["version"].as_i64().unwrap() > version);
    // Sooner than connections that do not end by themselves are cut off.
    assert!(server.finish() < Duration::from_millis(1_300));
}

#[test]
fn the_server_ends_in_time_and_sends_everybody_away() {
    let library = Library::filled();
    let server = Running::start(&library, 3);
    let mut listening: Vec<Events> = (0..5).map(|_| server.listen(None)).collect();
    let mut slow = server.connect();
    slow.write_all(b"GET / HTTP/1.1\r\nHost: ").unwrap();
    let address = server.address;
    let took = server.finish();
    assert!(took < Duration::from_secs(3), "{took:?}");
    for events in &mut listening {
        while events.line().is_some() {}
    }
    assert!(TcpStream::connect(address).is_err());
}

/// Both ends of each connection are here: five hundred are more files than the 1,024 that a shell
/// lets a program have until it asks for more.
fn allow_many_files() {
    let maximum = getrlimit(Resource::Nofile).maximum;
    let current = Some(maximum.map_or(4096, |maximum| maximum.min(4096)));
    setrlimit(Resource::Nofile, Rlimit { current, maximum }).unwrap();
}

#[test]
fn clients_that_listen_are_bounded() {
    allow_many_files();
    let library = Library::empty();
    let server = Running::start(&library, 0);
    let listening: Vec<Events> = (0..500).map(|_| server.listen(None)).collect();
    let answer =
        server.raw("GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
    assert!(answer.contains("application/problem+json"));
    drop(listening);
    server.finish();
}

#[test]
fn odd_requests_get_plain_answers() {
    let library = Library::filled();
    let server = Running::start(&library, 0);
    for (request, status) in [
        ("GET / HTTP/1.1\r\nConnection: close\r\n\r\n", "400"),
        ("GET / HTTP/1.0\r\n\r\n", "400"),
        (
            "GET http://evil.example/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
            "403",
        ),
        ("GET / HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n", "403"),
        (
            "GET / HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\nConnection: close\r\n\r\n",
            "400",
        ),
        ("OPTIONS * HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", "404"),
        ("GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", "200"),
        ("GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n", "200"),
        ("NONSENSE\r\n\r\n", "400"),
        ("\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", "400"),
    ] {
        let answer = server.raw(request);
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status}"))
                || answer.starts_with(&format!("HTTP/1.0 {status}")),
            "{request:?}: {answer}"
        );
    }
    server.finish();
}

#[test]
fn a_port_that_is_taken_is_said() {
    let library = Library::empty();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let settings = Settings { bind: taken.local_addr().unwrap(), ..settings(None) };
    let error = serve(library.engine.clone(), &settings, |_| {}, async {}).unwrap_err();
    assert!(error.to_string().contains("choose another --bind"), "{error}");
}
