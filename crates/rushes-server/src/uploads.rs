//! Files that clients send: who receives which, the flow of their bytes, and
//! what follows when one is whole. The protocols stand in `tus` and `forms`.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::Request;
use axum::http::StatusCode;
use futures_util::{Stream, StreamExt as _};
use rushes_actions::JobState;
use rushes_actions::uploads::{Receiving, UploadFault, UploadRules, Uploads};
use rushes_media::{Error, ErrorKind, Result, give_path};
use rushes_store::{Digest, Hasher, Outcome, Upload};
use serde_json::{Value, json};
use tokio::sync::{OwnedMutexGuard, watch};

use crate::problem::{Answer, Problem};
use crate::routes::Sending;
use crate::server::{Shared, Work};
use crate::verbs::{enqueue, verb};
use crate::{forms, tus};

/// Bytes that are written at a time.
const BLOCK_BYTES: usize = 256 << 10;
/// Bytes after which what has arrived is put to disk and recorded.
const CHECKPOINT_BYTES: u64 = 16 << 20;
/// How long a request waits for the one before it to let go of the upload.
const LETTING_GO: Duration = Duration::from_secs(10);
/// How often what was left undone is tried again.
const ROUND: Duration = Duration::from_secs(60);
/// How often, and how long in between, a scan that runs already is waited for.
const SCAN_TRIES: u32 = 240;
const SCAN_WAIT: Duration = Duration::from_millis(500);

/// What receives files, where that is allowed.
pub(crate) struct Receiver {
    pub(crate) uploads: Arc<Uploads>,
    slots: Mutex<HashMap<String, Arc<Slot>>>,
}

/// Whose turn it is with one upload.
struct Slot {
    turn: Arc<tokio::sync::Mutex<()>>,
    /// The number of the newest request for it; older ones let go.
    newest: watch::Sender<u64>,
}

/// The turn of one request with one upload.
pub(crate) struct Turn {
    _held: OwnedMutexGuard<()>,
    number: u64,
    newest: watch::Receiver<u64>,
}

impl Turn {
    /// Comes true when a newer request wants the upload: the client of this one
    /// has mostly lost its network, which nobody here was told.
    async fn is_over(&mut self) {
        let number = self.number;
        if self.newest.wait_for(|newest| *newest > number).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

impl Receiver {
    pub(crate) fn new(uploads: Uploads) -> Receiver {
        Receiver { uploads: Arc::new(uploads), slots: Mutex::default() }
    }

    fn slots(&self) -> MutexGuard<'_, HashMap<String, Arc<Slot>>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The turn with an upload, as soon as the request before lets go of it.
    pub(crate) async fn turn(&self, id: &str) -> std::result::Result<Turn, Problem> {
        // One that there is not needs no slot.
        self.uploads.get(id)?;
        let slot = {
            let mut slots = self.slots();
            slots
                .retain(|_, slot| Arc::strong_count(slot) > 1 || Arc::strong_count(&slot.turn) > 1);
            let new = || {
                let (turn, newest) = (Arc::default(), watch::Sender::new(0));
                Arc::new(Slot { turn, newest })
            };
            slots.entry(id.to_owned()).or_insert_with(new).clone()
        };
        let mut number = 0;
        slot.newest.send_modify(|newest| {
            *newest += 1;
            number = *newest;
        });
        let held = tokio::time::timeout(LETTING_GO, slot.turn.clone().lock_owned()).await;
        let held = held.map_err(|_| {
            let why = "another request is busy with it";
            let error = Error::new(ErrorKind::Unavailable, "receiving a file", why)
                .remedy("try again in a moment");
            Problem::with_status(StatusCode::LOCKED, error)
        })?;
        Ok(Turn { _held: held, number, newest: slot.newest.subscribe() })
    }

    /// Lets all requests put what they have to disk and end.
    pub(crate) fn interrupt(&self) {
        for slot in self.slots().values() {
            slot.newest.send_modify(|newest| *newest += 1);
        }
    }
}

/// Opens what receives files.
pub(crate) fn open(engine: &rushes_actions::Engine, rules: UploadRules) -> Result<Arc<Receiver>> {
    Ok(Arc::new(Receiver::new(Uploads::open(engine.clone(), rules)?)))
}

/// What receives files; an error that says how to allow it where nothing does.
pub(crate) fn receiver(server: &Shared) -> std::result::Result<Arc<Receiver>, Problem> {
    server.receiver.get().cloned().ok_or_else(|| {
        let why = "this server takes no uploads";
        Error::new(ErrorKind::Denied, "receiving a file", why)
            .remedy("start it with rushes serve --uploads-to ROOT, a registered folder")
            .into()
    })
}

/// Answers a request that sends files or asks about them.
pub(crate) async fn answer(server: &Shared, which: Sending, request: Request) -> Answer {
    let receiver = receiver(server)?;
    match which {
        Sending::Form => forms::form(server, receiver, request).await,
        Sending::Batch => forms::batch(server, receiver, request).await,
        _ => tus::answer(server, receiver, which, request).await,
    }
}

/// A fault as a problem: 507 when there is no room (RFC 4918, section 11.5).
pub(crate) fn problem_of(fault: UploadFault) -> Problem {
    match fault {
        UploadFault::Full(error) => Problem::with_status(StatusCode::INSUFFICIENT_STORAGE, error),
        UploadFault::Other(error) => error.into(),
    }
}

/// Does a step of an upload away from the threads that serve connections.
pub(crate) async fn step<T: Send + 'static>(
    server: &Shared,
    kind: Work,
    work: impl FnOnce() -> std::result::Result<T, UploadFault> + Send + 'static,
) -> std::result::Result<T, Problem> {
    server.blocking(kind, move |_, _| Ok(work())).await?.map_err(problem_of)
}

/// A hash that what is sent must have.
pub(crate) struct Expected {
    pub(crate) digest: Digest,
    pub(crate) hasher: Hasher,
}

/// Writes a stream of bytes to an upload until it ends. What was received stays,
/// whatever ends it, unless a hash says that it is not what was sent; then none
/// of it does.
pub(crate) async fn pour<E: std::fmt::Display>(
    server: &Shared,
    uploads: &Arc<Uploads>,
    mut receiving: Receiving,
    bytes: impl Stream<Item = std::result::Result<Bytes, E>>,
    mut turn: Option<Turn>,
    mut expected: Option<Expected>,
    is_all: bool,
) -> std::result::Result<Upload, Problem> {
    let what = "receiving a file";
    let mut bytes = std::pin::pin!(bytes);
    let mut held = Vec::new();
    let patience = server.bounds.stall;
    let mut is_over = false;
    let ended = loop {
        let next = {
            let over = async {
                match &mut turn {
                    Some(turn) => turn.is_over().await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                () = over => {
                    let why = "a newer request goes on with it";
                    break Err(Error::new(ErrorKind::Conflict, what, why).into());
                }
                next = tokio::time::timeout(patience, bytes.next()) => next,
            }
        };
        let chunk = match next {
            Ok(Some(Ok(chunk))) => chunk,
            Ok(None) => break Ok(()),
            Ok(Some(Err(error))) => {
                break Err(Problem::invalid(what, format!("it broke off: {error}")));
            }
            Err(_) => {
                let error = Error::new(ErrorKind::Unavailable, what, "nothing came for too long");
                break Err(Problem::with_status(StatusCode::REQUEST_TIMEOUT, error));
            }
        };
        if chunk.len() as u64 > receiving.room_bytes().saturating_sub(held.len() as u64) {
            is_over = true;
            let why = "it goes on after the end that was stated";
            break Err(Error::new(ErrorKind::Limit, what, why).into());
        }
        held.extend_from_slice(&chunk);
        if held.len() >= BLOCK_BYTES {
            let block = std::mem::take(&mut held);
            let written = write(server, uploads, receiving, block, expected).await?;
            (receiving, held, expected) = (written.receiving, written.block, written.expected);
            if let Err(fault) = written.result {
                break Err(problem_of(fault));
            }
        }
    };
    let written = write(server, uploads, receiving, held, expected).await?;
    let (mut receiving, expected) = (written.receiving, written.expected);
    let mut ended = ended.and(written.result.map_err(problem_of));
    let is_hashed = expected.is_some();
    if let Some(expected) = expected
        && ended.is_ok()
        && expected.hasher.finish() != expected.digest
    {
        let error = Error::new(ErrorKind::Corrupt, what, "its checksum does not match")
            .remedy("send the same part again");
        // As the tus protocol has it.
        let status = StatusCode::from_u16(460).unwrap_or(StatusCode::BAD_REQUEST);
        ended = Err(Problem::with_status(status, error));
    }
    if ended.is_err() && (is_hashed || is_over) {
        receiving = step(server, Work::Receive, move || {
            receiving.rewind()?;
            Ok(receiving)
        })
        .await?;
    }
    let uploads = uploads.clone();
    let is_all = is_all && ended.is_ok();
    let upload = step(server, Work::Receive, move || uploads.pause(receiving, is_all)).await;
    ended.and(upload)
}

struct Written {
    receiving: Receiving,
    /// Empty, to be filled again.
    block: Vec<u8>,
    expected: Option<Expected>,
    result: std::result::Result<(), UploadFault>,
}

async fn write(
    server: &Shared,
    uploads: &Arc<Uploads>,
    mut receiving: Receiving,
    mut block: Vec<u8>,
    mut expected: Option<Expected>,
) -> std::result::Result<Written, Problem> {
    let uploads = uploads.clone();
    step(server, Work::Receive, move || {
        if let Some(expected) = &mut expected {
            expected.hasher.update(&block);
        }
        let mut result = receiving.append(&block);
        // What a hash may still refuse is not recorded.
        if result.is_ok() && expected.is_none() && receiving.unsynced_bytes() >= CHECKPOINT_BYTES {
            result = uploads.keep(&mut receiving);
        }
        block.clear();
        Ok(Written { receiving, block, expected, result })
    })
    .await
}

/// Looks at a file that is whole and gives it its name, also when the client
/// has gone by then.
pub(crate) async fn finish(
    server: &Shared,
    receiver: &Arc<Receiver>,
    id: &str,
) -> std::result::Result<Upload, Problem> {
    let (server, receiver, id) = (server.clone(), receiver.clone(), id.to_owned());
    let finishing = tokio::spawn(async move {
        let uploads = receiver.uploads.clone();
        let upload = step(&server, Work::Verb, move || Ok(uploads.finish(&id)?)).await?;
        if matches!(upload.outcome, Some(Outcome::Taken { .. })) {
            tokio::spawn(scan(server, receiver.uploads.folder(&upload), true));
        }
        Ok(upload)
    });
    finishing.await.map_err(|_| Problem::hidden_bug())?
}

/// Queues a scan of a folder. One that runs already may have been past what is
/// new, so that another one follows it.
async fn scan(server: Shared, folder: std::path::PathBuf, is_shallow: bool) {
    let Ok(folder) = give_path(folder.as_os_str()) else { return };
    for _ in 0..SCAN_TRIES {
        let Ok(verb) = verb("scan") else { return };
        let params = json!({"roots": [folder], "shallow": is_shallow});
        match enqueue(&server, verb, params).await {
            Ok(job) if job.state == JobState::Running => tokio::time::sleep(SCAN_WAIT).await,
            // Where it cannot be queued, the next scan finds the file.
            _ => return,
        }
    }
}

/// What an earlier start left undone, and from then on what time brings.
pub(crate) async fn tend(server: Shared) {
    let Some(receiver) = server.receiver.get().cloned() else { return };
    let uploads = receiver.uploads.clone();
    let begun = server.blocking(Work::Receive, move |_, _| {
        uploads.forget_broken();
        Ok(uploads.is_empty())
    });
    // A kill between a name and its scan is made good.
    if let Ok(false) = begun.await {
        tokio::spawn(scan(server.clone(), receiver.uploads.incoming(), false));
    }
    loop {
        let uploads = receiver.uploads.clone();
        let unfinished = server.blocking(Work::Receive, move |_, _| {
            uploads.sweep();
            Ok(uploads.unfinished())
        });
        for id in unfinished.await.unwrap_or_default() {
            // What cannot be finished now is tried again.
            let _ = finish(&server, &receiver, &id).await;
        }
        tokio::time::sleep(ROUND).await;
    }
}

/// An upload as clients see it.
pub(crate) fn described(uploads: &Uploads, upload: &Upload) -> Value {
    let mut shown = json!({
        "id": upload.id,
        "name": upload.name,
        "length_bytes": upload.length_bytes,
        "offset_bytes": upload.offset_bytes,
        "expires": rushes_catalog::rfc3339(uploads.expires_ns(upload)),
        "state": if upload.is_whole() { "checking" } else { "receiving" },
    });
    // The outcome's own members, its state among them.
    if let (Value::Object(shown), Some(Ok(Value::Object(outcome)))) =
        (&mut shown, upload.outcome.as_ref().map(serde_json::to_value))
    {
        shown.extend(outcome);
    }
    shown
}
