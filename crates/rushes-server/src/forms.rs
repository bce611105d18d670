//! Files in forms (`multipart/form-data`, RFC 7578), as pages without the tus
//! protocol and Shortcuts on phones send them, and batches of such requests.

use std::sync::Arc;

use axum::extract::multipart::{Field, Multipart, MultipartError};
use axum::extract::{DefaultBodyLimit, FromRequest as _, Request};
use axum::http::StatusCode;
use axum::http::header::CONTENT_LENGTH;
use rushes_actions::uploads::Offer;
use rushes_media::{Error, ErrorKind};
use rushes_store::{Outcome, Upload};
use serde_json::{Value, json};

use crate::json::{done, read_object};
use crate::problem::{Answer, Problem};
use crate::server::{Shared, Work};
use crate::token::new_secret;
use crate::uploads::{Receiver, described, finish, pour, step};
use crate::verbs::query_pairs;

const WHAT: &str = "reading the form";
/// Files of one form.
const MOST_FILES: usize = 1_000;
/// Bytes of a field that is no file.
const TEXT_BYTES: usize = 1_000;

/// `POST /batches/from-upload`: files in the fields `files`, and `batch`. All
/// of the form is received before any of its files gets its name.
pub(crate) async fn form(server: &Shared, receiver: Arc<Receiver>, request: Request) -> Answer {
    let server = server.clone();
    // Also where the client goes meanwhile, what it left is put in order.
    let answering = tokio::spawn(async move {
        let mut begun = Vec::new();
        let read = read(&server, &receiver, request, &mut begun).await;
        let batch = match read {
            Ok(batch) => batch,
            Err(problem) => {
                remove(&server, &receiver, begun).await;
                return Err(problem);
            }
        };
        let mut sent = Vec::new();
        for id in begun {
            sent.push(finish(&server, &receiver, &id).await?);
        }
        told(&receiver, batch.as_deref(), &sent)
    });
    answering.await.map_err(|_| Problem::hidden_bug())?
}

/// Receives the files of a form; the batch that it names.
async fn read(
    server: &Shared,
    receiver: &Arc<Receiver>,
    mut request: Request,
    begun: &mut Vec<String>,
) -> Result<Option<String>, Problem> {
    // How much a file may have is said by the rules for uploads.
    DefaultBodyLimit::disable().apply(&mut request);
    let stated = request.headers().get(CONTENT_LENGTH).and_then(|length| length.to_str().ok());
    let stated = stated.and_then(|length| length.parse().ok());
    let mut form = Multipart::from_request(request, &()).await.map_err(|error| {
        let error = Error::new(ErrorKind::Unsupported, WHAT, error.body_text())
            .remedy("send multipart/form-data with the files in fields named files");
        Problem::from(error)
    })?;
    let mut batch = None;
    while let Some(field) = next(server, &mut form).await? {
        let name = field.name().unwrap_or_default().trim_end_matches("[]").to_owned();
        match (&*name, field.file_name()) {
            ("batch", None) => {
                let given = plain_text(server, field).await?;
                batch = Some(given.trim().to_owned()).filter(|given| !given.is_empty());
            }
            ("file" | "files", Some(_)) => {
                if begun.len() >= MOST_FILES {
                    let why = format!("it has more than {MOST_FILES} files");
                    return Err(Error::new(ErrorKind::Limit, WHAT, why).into());
                }
                file(server, receiver, field, stated, begun).await?;
            }
            _ => {
                let shown: String = name.chars().take(64).collect();
                let error =
                    Error::new(ErrorKind::Invalid, WHAT, format!("there is no field {shown:?}"))
                        .remedy("send files in fields named files, and the batch's name in batch");
                return Err(error.into());
            }
        }
    }
    if begun.is_empty() {
        return Err(Problem::invalid(WHAT, "it has no file in a field named files"));
    }
    if let Some(batch) = &batch {
        let (uploads, ids, batch) = (receiver.uploads.clone(), begun.clone(), batch.clone());
        step(server, Work::Receive, move || Ok(uploads.put_in(&ids, &batch)?)).await?;
    }
    Ok(batch)
}

async fn next<'a>(server: &Shared, form: &'a mut Multipart) -> Result<Option<Field<'a>>, Problem> {
    let next = tokio::time::timeout(server.bounds.stall, form.next_field()).await;
    next.map_err(|_| too_slow())?.map_err(|error| broken(&error))
}

async fn file(
    server: &Shared,
    receiver: &Arc<Receiver>,
    field: Field<'_>,
    stated: Option<u64>,
    begun: &mut Vec<String>,
) -> Result<(), Problem> {
    let id = new_secret()?;
    let offer =
        Offer { name: field.file_name().unwrap_or_default().to_owned(), ..Offer::default() };
    let uploads = receiver.uploads.clone();
    // What the whole form holds is the most that this file can.
    let most = stated.unwrap_or(0);
    let own = id.clone();
    let receiving = step(server, Work::Receive, move || {
        uploads.check_room(most)?;
        uploads.begin(&own, offer)?;
        Ok(uploads.receive(&own)?)
    })
    .await?;
    begun.push(id);
    pour(server, &receiver.uploads, receiving, field, None, None, true).await.map(drop)
}

async fn plain_text(server: &Shared, mut field: Field<'_>) -> Result<String, Problem> {
    let mut bytes = Vec::new();
    loop {
        let chunk = tokio::time::timeout(server.bounds.stall, field.chunk()).await;
        let chunk = chunk.map_err(|_| too_slow())?.map_err(|error| broken(&error))?;
        let Some(chunk) = chunk else { break };
        if bytes.len() + chunk.len() > TEXT_BYTES {
            return Err(Problem::invalid(
                WHAT,
                format!("a field has more than {TEXT_BYTES} bytes"),
            ));
        }
        bytes.extend_from_slice(&chunk);
    }
    String::from_utf8(bytes).map_err(|_| Problem::invalid(WHAT, "a field is no UTF-8"))
}

fn broken(error: &MultipartError) -> Problem {
    Problem::invalid(WHAT, error.body_text())
}

fn too_slow() -> Problem {
    let error = Error::new(ErrorKind::Unavailable, WHAT, "nothing came for too long");
    Problem::with_status(StatusCode::REQUEST_TIMEOUT, error)
}

async fn remove(server: &Shared, receiver: &Arc<Receiver>, begun: Vec<String>) {
    let uploads = receiver.uploads.clone();
    let removed = step(server, Work::Receive, move || {
        for id in begun {
            // What cannot be removed now expires.
            let _ = uploads.remove(&id);
        }
        Ok(())
    });
    let _ = removed.await;
}

/// What became of the files of a form, with the prototype's members.
fn told(receiver: &Receiver, batch: Option<&str>, sent: &[Upload]) -> Answer {
    let lists = Lists::of(receiver, sent);
    if lists.refused.len() == sent.len()
        && let [Upload { outcome: Some(Outcome::Refused { error }), .. }, ..] = sent
    {
        return Err(Problem::from(error.clone()).member("refused", lists.refused));
    }
    let files: Vec<&Value> =
        lists.taken.iter().chain(&lists.duplicates).filter_map(|file| file.get("path")).collect();
    done(
        StatusCode::ACCEPTED,
        &json!({
            "status": "queued",
            "batch": batch,
            "files": files,
            "taken": lists.taken,
            "duplicates": lists.duplicates,
            "refused": lists.refused,
        }),
    )
}

/// Uploads by what became of them.
struct Lists {
    taken: Vec<Value>,
    duplicates: Vec<Value>,
    refused: Vec<Value>,
    unfinished: Vec<Value>,
}

impl Lists {
    fn of(receiver: &Receiver, sent: &[Upload]) -> Lists {
        let (taken, duplicates, refused, unfinished) = Default::default();
        let mut lists = Lists { taken, duplicates, refused, unfinished };
        for upload in sent {
            let list = match upload.outcome {
                Some(Outcome::Taken { .. }) => &mut lists.taken,
                Some(Outcome::Duplicate { .. }) => &mut lists.duplicates,
                Some(Outcome::Refused { .. }) => &mut lists.refused,
                None => &mut lists.unfinished,
            };
            list.push(described(&receiver.uploads, upload));
        }
        lists
    }
}

/// `POST /api/v1/uploads/batch?op=start|snapshot|finalize`: files that are sent
/// one by one and belong together.
pub(crate) async fn batch(server: &Shared, receiver: Arc<Receiver>, request: Request) -> Answer {
    let what = "reading the parameters";
    let mut operation = None;
    for (name, value) in query_pairs(request.uri())? {
        if name != "op" || operation.replace(value).is_some() {
            return Err(Problem::invalid(what, "the address has one parameter, op"));
        }
    }
    let mut body = read_object(request).await?;
    let mut member = |name: &str| match body.remove(name) {
        Some(Value::String(text)) => Ok(Some(text)),
        None | Some(Value::Null) => Ok(None),
        Some(_) => Err(Problem::invalid(what, format!("{name} is no text"))),
    };
    let (name, id) = (member("name")?, member("batch")?);
    if let Some(unknown) = body.keys().next() {
        let shown: String = unknown.chars().take(64).collect();
        return Err(Problem::invalid(what, format!("there is no parameter {shown:?}")));
    }
    match (operation.as_deref(), id) {
        (Some("start"), None) => {
            let batch = receiver.uploads.begin_batch(&new_secret()?, name.as_deref());
            done(
                StatusCode::CREATED,
                &json!({
                    "status": "started",
                    "batch": batch.id,
                    "name": batch.name,
                    "upload_url": "/batches/from-upload",
                    "instructions": "Send each file to upload_url as form data, in a field named \
                        files, with this batch in a field named batch; then finalize with it.",
                }),
            )
        }
        (Some(operation @ ("snapshot" | "finalize")), Some(id)) => {
            sent(server, &receiver, &id, operation == "finalize").await
        }
        (Some("snapshot" | "finalize"), None) => {
            Err(Problem::invalid(what, "there is no batch, which op=start gave"))
        }
        (Some("start"), Some(_)) => Err(Problem::invalid(what, "op=start gives the batch")),
        _ => Err(Problem::invalid(what, "op is not start, snapshot or finalize")),
    }
}

/// What was sent in a batch, and what became of it.
async fn sent(server: &Shared, receiver: &Arc<Receiver>, id: &str, ends: bool) -> Answer {
    let (batch, mut sent) = receiver.uploads.sent_in(id, ends)?;
    for upload in &mut sent {
        if upload.outcome.is_none() && upload.is_whole() {
            *upload = finish(server, receiver, &upload.id).await?;
        }
    }
    let lists = Lists::of(receiver, &sent);
    let instructions = match (&lists.unfinished[..], &lists.refused[..]) {
        ([], []) => "Everything is here; nothing is left to do.",
        ([], _) => "What was refused is not kept; its error says why.",
        _ => "What is unfinished can still be resumed, each for itself.",
    };
    done(
        StatusCode::OK,
        &json!({
            "status": if batch.is_ended { "finalized" } else { "open" },
            "batch": batch.id,
            "name": batch.name,
            "taken": lists.taken,
            "duplicates": lists.duplicates,
            "refused": lists.refused,
            "unfinished": lists.unfinished,
            "instructions": instructions,
        }),
    )
}
