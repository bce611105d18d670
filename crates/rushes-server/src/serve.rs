//! The server's life: from the token to the farewell.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use rushes_actions::Engine;
use rushes_actions::uploads::UploadRules;
use rushes_media::{Error, ErrorKind, Result};
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::app::router;
use crate::auth::Access;
use crate::hosts::Hosts;
use crate::listen::listen;
use crate::server::{Bounds, Server, Shared};
use crate::token::{hash_of, load_or_make};
use crate::uploads;
use crate::workers::Workers;

/// Threads for work that blocks: verbs, and reading media.
const BLOCKING_THREADS: usize = 128;
/// How long all of the farewell may take.
const FAREWELL: Duration = Duration::from_millis(2_800);

/// Characters that a token must have.
const SHORTEST_TOKEN: usize = 16;

/// How to serve.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where to listen: the first of these that can be had; port 0 takes any
    /// that is free. These are the addresses of one name, mostly one alone. A
    /// token is needed unless all of them are loopback addresses.
    pub bind: Vec<SocketAddr>,
    /// Threads that carry out jobs; none leaves the jobs to other processes.
    pub workers: usize,
    /// Host names that this server answers to beside its own, with or without
    /// a port: those of a proxy before it.
    pub allow_hosts: Vec<String>,
    /// Folders in which clients may register roots, beside the roots that are
    /// registered already. When empty, a server on loopback lets them register
    /// any folder, because they are at this machine, and any other server none.
    pub allow_roots_in: Vec<PathBuf>,
    /// What clients may send, and where it goes; without it they may send nothing.
    pub uploads: Option<UploadRules>,
    /// A token of the caller's choosing. Without one, a server that listens
    /// beyond loopback uses the one it made at its first start, and one on
    /// loopback needs none.
    pub token: Option<String>,
}

/// What a server says when it can be reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ready {
    /// Where it listens.
    pub address: SocketAddr,
    /// Whether clients need the token.
    pub needs_token: bool,
    /// The token, when it was made just now. Only its hash is stored: this is
    /// the only time that it can be shown.
    pub new_token: Option<String>,
}

/// A server that does not listen anywhere yet.
pub struct App {
    /// All routes, with everything they stand behind.
    pub router: Router,
    /// Whether clients need the token.
    pub needs_token: bool,
    /// The token, when it was made just now.
    pub new_token: Option<String>,
    server: Shared,
}

impl App {
    /// The server over this engine.
    ///
    /// # Errors
    /// `Invalid` when an allowed host is none or the token is too short; `NotFound` when uploads are to go
    /// to a root that is none; when the token's file cannot be read or made.
    pub fn new(engine: Engine, settings: &Settings) -> Result<App> {
        App::with_bounds(engine, settings, Bounds::default())
    }

    pub(crate) fn with_bounds(engine: Engine, settings: &Settings, bounds: Bounds) -> Result<App> {
        let bound = settings.bind.iter().map(SocketAddr::ip).collect();
        let hosts = Hosts::new(bound, &settings.allow_hosts)?;
        // Which of them can be had is not known yet.
        let is_loopback = settings.bind.iter().all(|bind| bind.ip().to_canonical().is_loopback());
        let (token, new_token) = match &settings.token {
            Some(token) if token.len() < SHORTEST_TOKEN => {
                let why = format!("it has fewer than {SHORTEST_TOKEN} characters");
                return Err(Error::new(ErrorKind::Invalid, "reading the token", why)
                    .remedy("leave it out, and a good one is made"));
            }
            Some(token) => (Some(hash_of(token)), None),
            None if is_loopback => (None, None),
            None => {
                engine.home().create()?;
                let (hash, made) = load_or_make(&engine.home().token())?;
                (Some(hash), made)
            }
        };
        engine.allow_roots_in(roots_in(&settings.allow_roots_in, token.is_none())?);
        let server = Arc::new(Server::new(engine, Access::new(token), hosts, bounds));
        if let Some(rules) = &settings.uploads {
            let _ = server.receiver.set(uploads::open(&server.engine, rules.clone())?);
        }
        let router = router(&server)?;
        Ok(App { router, needs_token: token.is_some(), new_token, server })
    }
}

/// The folders in which roots may be registered, without links and dots.
fn roots_in(given: &[PathBuf], is_for_this_machine: bool) -> Result<Vec<PathBuf>> {
    if given.is_empty() && is_for_this_machine {
        return Ok(vec![PathBuf::from("/")]);
    }
    let resolve = |folder: &PathBuf| {
        std::fs::canonicalize(folder)
            .map_err(|error| Error::io("allowing roots in a folder", &error).at(folder))
    };
    given.iter().map(resolve).collect()
}

/// Serves until `shutdown` comes true: the API, the dashboard and the workers
/// that carry out jobs. `ready` is called once it can be reached. At the end
/// jobs go back to the queue, clients are sent away, and all of it takes at
/// most three seconds.
///
/// # Errors
/// As for [`App::new`]; `Conflict` or `Denied` when no address can be had;
/// when the catalogue cannot be opened.
pub fn serve(
    engine: Engine,
    settings: &Settings,
    ready: impl FnOnce(&Ready),
    shutdown: impl Future<Output = ()>,
) -> Result<()> {
    let what = "starting the server";
    allow_descriptors();
    let app = App::new(engine.clone(), settings)?;
    // What is wrong with the catalogue is better said now than at every request.
    engine.queue()?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .max_blocking_threads(BLOCKING_THREADS)
        .thread_name("server")
        .build()
        .map_err(|error| Error::io(what, &error))?;
    let listener = runtime.block_on(TcpListener::bind(&*settings.bind)).map_err(|error| {
        let tried: Vec<String> = settings.bind.iter().map(SocketAddr::to_string).collect();
        let failed = Error::io(format!("listening on {}", tried.join(" or ")), &error);
        match error.kind() {
            std::io::ErrorKind::AddrInUse => {
                failed.remedy("stop what listens there, or choose another --bind")
            }
            _ => failed,
        }
    })?;
    let address = listener.local_addr().map_err(|error| Error::io(what, &error))?;
    let workers = Workers::start(&engine, settings.workers)?;
    let _ = app.server.workers.set(workers.runner().clone());
    ready(&Ready { address, needs_token: app.needs_token, new_token: app.new_token });
    let bounds = app.server.bounds;
    runtime.spawn(uploads::tend(app.server.clone()));
    let (stop, stopped) = watch::channel(false);
    let serving = runtime.spawn(listen(listener, app.router, bounds, stopped));
    runtime.block_on(shutdown);
    let deadline = Instant::now() + FAREWELL;
    let _ = stop.send(true);
    app.server.events.end();
    if let Some(receiver) = app.server.receiver.get() {
        receiver.interrupt();
    }
    // The workers put their jobs back while the connections end.
    let farewell = runtime.spawn_blocking(move || workers.stop(deadline));
    runtime.block_on(async {
        let _ = serving.await;
        let _ = farewell.await;
    });
    runtime.shutdown_timeout(deadline.saturating_duration_since(Instant::now()));
    Ok(())
}

/// Comes true when the process is asked to end: SIGINT or SIGTERM.
pub async fn interrupted() {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut interrupt), Ok(mut terminate)) =
        (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        // Without a way to hear of them, the signals end the process themselves.
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}

/// Lets the process have as many files and clients as the system allows: what
/// it starts with, mostly 1,024, is meant for programs that use `select`.
fn allow_descriptors() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let most = Rlimit { current: limit.maximum, maximum: limit.maximum };
    // Where that fails it goes on with what it has.
    let _ = setrlimit(Resource::Nofile, most);
}
