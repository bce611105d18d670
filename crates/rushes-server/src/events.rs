//! Live events (server-sent): jobs that change, and the catalogue's version.
//! One task looks for changes and tells all clients; it runs only while there
//! are any.

use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::extract::Request;
use axum::http::HeaderName;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::{Stream, StreamExt as _};
use rushes_actions::{Engine, Job};
use rushes_media::{Error, ErrorKind, Result};
use serde_json::json;
use tokio::sync::broadcast;
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::json::retry_after;
use crate::problem::{Answer, Problem};
use crate::server::{Server, Shared, Work};

/// Clients that listen at a time.
const MOST_CLIENTS: usize = 500;
/// How often changes are looked for: no job is told of more often.
const LOOK: Duration = Duration::from_millis(200);
/// How often a new version of the catalogue is told of.
const CATALOG_PAUSE: Duration = Duration::from_secs(1);
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// Events that wait for a slow client; one that is slower is sent away, and
/// comes back for what it missed.
const WAITING: usize = 1_024;
/// Jobs that a client which comes back is told of.
const MISSED_JOBS: usize = 200;
/// Pages of changes that one look reads at most.
const MOST_PAGES: usize = 100;
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// One thing to tell.
#[derive(Clone, Debug)]
enum News {
    /// A job changed; the mark to come back with.
    Job(Arc<Job>, i64),
    /// The catalogue changed.
    Catalog { version: i64, assets: u64 },
}

/// Who listens.
#[derive(Default)]
pub(crate) struct Events(Mutex<State>);

#[derive(Default)]
struct State {
    clients: usize,
    /// Present while the task runs.
    sender: Option<broadcast::Sender<News>>,
    ended: bool,
}

/// Counts one client, until dropped.
struct Listening(Shared);

impl Drop for Listening {
    fn drop(&mut self) {
        let mut state = self.0.events.lock();
        state.clients = state.clients.saturating_sub(1);
    }
}

impl Events {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets nobody in any more; at the next look the task ends, and with it
    /// every client's stream.
    pub(crate) fn end(&self) {
        self.lock().ended = true;
    }

    fn listen(server: &Shared) -> Result<(Listening, broadcast::Receiver<News>), Problem> {
        let mut state = server.events.lock();
        if state.clients >= MOST_CLIENTS || state.ended {
            let why = if state.ended { "the server ends" } else { "too many clients listen" };
            let error = Error::new(ErrorKind::Unavailable, "listening for events", why);
            return Err(retry_after(error.into(), 10));
        }
        state.clients += 1;
        let receiver = match &state.sender {
            Some(sender) => sender.subscribe(),
            None => {
                let (sender, receiver) = broadcast::channel(WAITING);
                state.sender = Some(sender.clone());
                tokio::spawn(watch(server.clone(), sender));
                receiver
            }
        };
        Ok((Listening(server.clone()), receiver))
    }
}

/// `GET /api/v1/events`.
pub(crate) async fn events(server: &Shared, request: Request) -> Answer {
    let (listening, receiver) = Events::listen(server)?;
    let last: Option<i64> = request
        .headers()
        .get(LAST_EVENT_ID)
        .and_then(|id| id.to_str().ok())
        .and_then(|id| id.parse().ok());
    let missed = match last {
        Some(mark) => {
            let found = server
                .blocking(Work::Look, move |engine, _| changed(engine, mark, MISSED_JOBS))
                .await?;
            found.0.into_iter().map(|job| News::Job(job, found.1)).collect()
        }
        None => Vec::new(),
    };
    Ok(answer(missed, listening, receiver))
}

fn answer(
    missed: Vec<News>,
    listening: Listening,
    receiver: broadcast::Receiver<News>,
) -> Response {
    let hello = Event::default().retry(Duration::from_secs(2)).comment("listening");
    let first = futures_util::stream::iter(
        std::iter::once(Ok::<Event, Infallible>(hello))
            .chain(missed.into_iter().filter_map(|news| told(&news)).map(Ok)),
    );
    let stream = first.chain(live(listening, receiver));
    let keep_alive = KeepAlive::new().interval(KEEP_ALIVE).text("still here");
    Sse::new(stream).keep_alive(keep_alive).into_response()
}

fn live(
    listening: Listening,
    receiver: broadcast::Receiver<News>,
) -> impl Stream<Item = Result<Event, Infallible>> {
    futures_util::stream::unfold((listening, receiver), |(listening, mut receiver)| async {
        loop {
            match receiver.recv().await {
                // The server ends, or the client was too slow.
                Err(_) => return None,
                Ok(news) => {
                    if let Some(event) = told(&news) {
                        return Some((Ok(event), (listening, receiver)));
                    }
                }
            }
        }
    })
}

fn told(news: &News) -> Option<Event> {
    match news {
        News::Job(job, mark) => {
            Event::default().event("job").id(mark.to_string()).json_data(job.as_ref()).ok()
        }
        News::Catalog { version, assets } => {
            let data = json!({"version": version, "assets": assets});
            Event::default().event("catalog").json_data(data).ok()
        }
    }
}

/// Looks for changes until nobody listens any more.
async fn watch(server: Shared, sender: broadcast::Sender<News>) {
    let mut looks = interval(LOOK);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut seen = Seen::default();
    loop {
        looks.tick().await;
        {
            let mut state = server.events.lock();
            if state.clients == 0 || state.ended {
                state.sender = None;
                return;
            }
        }
        // A catalogue that cannot be read now may be readable at the next look.
        if let Ok(news) = seen.look(&server).await {
            for one in news {
                let _ = sender.send(one);
            }
        }
    }
}

/// What the clients were told.
#[derive(Default)]
struct Seen {
    mark: Option<i64>,
    version: Option<i64>,
    told: Option<Instant>,
}

impl Seen {
    async fn look(&mut self, server: &Server) -> Result<Vec<News>, Problem> {
        let (mark, version) = (self.mark, self.version);
        let may_tell = self.told.is_none_or(|told| told.elapsed() >= CATALOG_PAUSE);
        let (jobs, next, catalog) = server
            .blocking(Work::Look, move |engine, _| {
                let (jobs, next) = match mark {
                    Some(mark) => changed(engine, mark, WAITING / 2)?,
                    // What changed before anybody listened is no news.
                    None => (Vec::new(), changed(engine, 0, 0)?.1),
                };
                let now = engine.catalog()?.version()?;
                let news = may_tell && version != Some(now);
                let catalog = news.then(|| assets(engine).map(|assets| (now, assets)));
                Ok((jobs, next, catalog.transpose()?))
            })
            .await?;
        self.mark = Some(next);
        let mut news: Vec<News> = jobs.into_iter().map(|job| News::Job(job, next)).collect();
        if let Some((version, assets)) = catalog {
            self.version = Some(version);
            self.told = Some(Instant::now());
            news.push(News::Catalog { version, assets });
        }
        Ok(news)
    }
}

/// Every job that changed since this mark, the latest `most` of them, and the
/// next mark. The queue tells of many in several pages.
fn changed(engine: &Engine, mark: i64, most: usize) -> Result<(Vec<Arc<Job>>, i64)> {
    let queue = engine.queue()?;
    let (mut found, mut mark) = (Vec::new(), mark);
    for _ in 0..MOST_PAGES {
        let (jobs, next) = queue.changed_since(mark)?;
        let more = !jobs.is_empty() && next != mark;
        mark = next;
        found.extend(jobs.into_iter().map(Arc::new));
        found.drain(..found.len().saturating_sub(most));
        if !more {
            break;
        }
    }
    Ok((found, mark))
}

fn assets(engine: &Engine) -> Result<u64> {
    let page = engine.catalog()?.search("", 1, None, Some(0))?;
    Ok(page.total.unwrap_or(page.items.len() as u64))
}
