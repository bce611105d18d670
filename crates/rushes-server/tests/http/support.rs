//! A home with a small catalogue, and a server over it.

use std::fs::{File, FileTimes};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use axum::Router;
use axum::body::Body;
use axum::http::{Request, Response};
use rushes_actions::uploads::UploadRules;
use rushes_actions::{Authority, Context, Engine, Unwatched};
use rushes_catalog::{StoredPreview, Work, next_assets, record_preview, record_probe};
use rushes_media::{Limits, Probe};
use rushes_sandbox::{Launch, Pool};
use rushes_server::{App, Settings};
use rushes_store::Home;
use serde_json::{Value, json};
use tower::ServiceExt as _;

/// The token of servers that need one.
pub const TOKEN: &str = "a-token-for-tests";
/// A name with a quote, a line break, and a byte that is not UTF-8.
pub const HOSTILE_NAME: &[u8] = b"b\"\nSet-Cookie: x=1\xff.wav";

/// A folder of media, a home, and an engine over both.
pub struct Library {
    pub engine: Engine,
    pub media: PathBuf,
    /// Bytes of `a.mp4`.
    pub bytes: Vec<u8>,
    _folder: tempfile::TempDir,
}

impl Library {
    /// An empty one. Its workers cannot be started: nothing here decodes.
    pub fn empty() -> Library {
        let folder = tempfile::tempdir().unwrap();
        let media = folder.path().join("Footage");
        std::fs::create_dir(&media).unwrap();
        let launch = Launch { program: "/no/such/program".into(), args: Vec::new() };
        let limits = Limits::default();
        let home = Home::at(folder.path().join("home"));
        let pool = Pool::new(launch, 1, limits);
        let engine = Engine::new(home, rushes_jobs::open_queue, pool, limits);
        let media = media.canonicalize().unwrap();
        Library { engine, media, bytes: Vec::new(), _folder: folder }
    }

    /// With three assets in the batch `Trip`: a video, a sound with a hostile
    /// name, and a page of HTML that calls itself media.
    pub fn filled() -> Library {
        use std::os::unix::ffi::OsStrExt as _;
        let mut library = Library::empty();
        let batch = library.media.join("Trip");
        std::fs::create_dir(&batch).unwrap();
        library.bytes = (0..10_000_u32).map(|n| (n % 251) as u8).collect();
        let hostile = std::ffi::OsStr::from_bytes(HOSTILE_NAME);
        put(&batch.join("a.mp4"), &library.bytes);
        put(&batch.join(hostile), b"RIFF and so on");
        put(&batch.join("page.jpg"), b"<script>alert(1)</script>");
        library.index();
        library
    }

    /// Scans, and records probes as workers would have found them.
    fn index(&self) {
        let scan = rushes_actions::find("scan").unwrap();
        let context = Context {
            engine: &self.engine,
            authority: Authority::Local,
            progress: &Unwatched::default(),
        };
        let params = json!({"roots": [self.media.to_str().unwrap()]});
        // It ends at the first probe, when everything is listed.
        assert!((scan.apply)(&context, &params).is_err());
        let catalog = self.engine.catalog().unwrap();
        let tasks = catalog.read(|reader| next_assets(reader, Work::Probe, 0, 10)).unwrap();
        assert_eq!(tasks.len(), 3);
        let picture = self.engine.home().previews().put(b"RIFF....WEBP").unwrap();
        let stored = StoredPreview { poster: Some(picture.hex()), ..StoredPreview::default() };
        for task in tasks {
            let (kind, mime) = match task.size_bytes {
                10_000 => ("video", "video/mp4"),
                14 => ("audio", "audio/wav"),
                _ => ("still", "text/html"),
            };
            let probe: Probe = serde_json::from_value(json!({
                "kind": kind,
                "container": {"format": "x", "name": "x", "mime": mime},
                "duration_secs": "5/2",
                "has_audio": kind == "audio",
                "camera": {},
                "tags": {},
                "agreement": {"agrees": true},
            }))
            .unwrap();
            catalog
                .write(|write| {
                    record_probe(write, task.asset, &probe)?;
                    if kind == "video" {
                        record_preview(write, task.asset, &stored)?;
                    }
                    rushes_catalog::note_change(write)
                })
                .unwrap();
        }
    }

    /// The id of the asset with this kind.
    pub fn id(&self, kind: &str) -> String {
        let page =
            self.engine.catalog().unwrap().search(&format!("kind:{kind}"), 5, None, None).unwrap();
        page.items[0].id.clone()
    }

    /// A server that everybody may use.
    pub fn open(&self) -> Server {
        Server::new(self, None)
    }

    /// A server that needs the token.
    pub fn guarded(&self) -> Server {
        Server::new(self, Some(TOKEN.to_owned()))
    }

    /// The same, whose clients may register roots in these folders.
    pub fn guarded_with_roots_in(&self, allow_roots_in: Vec<PathBuf>) -> Server {
        let settings = Settings { allow_roots_in, ..settings(Some(TOKEN.to_owned())) };
        Server(App::new(self.engine.clone(), &settings).unwrap().router)
    }
}

impl Library {
    /// A server that takes files for the root `Footage`.
    pub fn receiving(&self, max_bytes: u64, quota_bytes: u64) -> Server {
        self.receiving_with(None, max_bytes, quota_bytes)
    }

    /// The same, which needs this token.
    pub fn receiving_with(
        &self,
        token: Option<String>,
        max_bytes: u64,
        quota_bytes: u64,
    ) -> Server {
        let rules = UploadRules { to: "Footage".into(), max_bytes, quota_bytes };
        let settings = Settings { uploads: Some(rules), ..settings(token) };
        Server(App::new(self.engine.clone(), &settings).unwrap().router)
    }
}

/// Writes a file that has been at rest for long.
fn put(path: &Path, bytes: &[u8]) {
    std::fs::write(path, bytes).unwrap();
    let past = SystemTime::UNIX_EPOCH + Duration::from_secs(1_600_000_000);
    let file = File::options().write(true).open(path).unwrap();
    file.set_times(FileTimes::new().set_modified(past)).unwrap();
}

pub fn settings(token: Option<String>) -> Settings {
    Settings {
        bind: vec!["127.0.0.1:0".parse().unwrap()],
        workers: 0,
        allow_hosts: vec!["media.example".to_owned()],
        allow_roots_in: Vec::new(),
        uploads: None,
        token,
    }
}

/// A server without a listener.
pub struct Server(pub Router);

/// An answer, read whole.
pub struct Answer {
    pub status: u16,
    pub headers: axum::http::HeaderMap,
    pub body: Vec<u8>,
}

impl Server {
    fn new(library: &Library, token: Option<String>) -> Server {
        Server(App::new(library.engine.clone(), &settings(token)).unwrap().router)
    }

    pub async fn ask(&self, method: &str, target: &str, headers: &[(&str, &str)]) -> Answer {
        self.send(method, target, headers, Body::empty()).await
    }

    pub async fn get(&self, target: &str) -> Answer {
        self.ask("GET", target, &[]).await
    }

    pub async fn post(&self, target: &str, body: &Value) -> Answer {
        let headers = [("content-type", "application/json")];
        self.send("POST", target, &headers, Body::from(body.to_string())).await
    }

    pub async fn send(
        &self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: Body,
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(target);
        if !headers.iter().any(|(name, _)| *name == "host") {
            request = request.header("host", "localhost:8080");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(body).unwrap();
        let response: Response<Body> = self.0.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        // Live events have no end.
        let is_live = parts
            .headers
            .get("content-type")
            .is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream"));
        let body = if is_live {
            Vec::new()
        } else {
            axum::body::to_bytes(body, 1 << 24).await.unwrap().to_vec()
        };
        Answer { status: parts.status.as_u16(), headers: parts.headers, body }
    }
}

impl Answer {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap_or("(not text)"))
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&self.body)))
    }

    /// The problem that this must be: its kind.
    #[track_caller]
    pub fn problem(&self, status: u16) -> String {
        assert_eq!(self.status, status, "{}", String::from_utf8_lossy(&self.body));
        assert_eq!(self.header("content-type"), "application/problem+json");
        let body = self.json();
        for member in ["type", "title", "detail", "kind"] {
            assert!(body[member].as_str().is_some_and(|text| !text.is_empty()), "{member}: {body}");
        }
        assert_eq!(body["status"], status);
        body["kind"].as_str().unwrap().to_owned()
    }
}

/// A path of the table with its parameters filled in.
pub fn filled_in(path: &str) -> String {
    path.replace("{*path}", "app.css")
        .replace("{id}", "1")
        .replace("{name}", "x")
        .replace("{kind}", "bug")
}
