//! The prototype's own routes at the root, with its shapes: for programs that
//! were written for it. New programs use `/api/v1`.

use std::time::Duration;

use axum::extract::{FromRequestParts as _, RawPathParams, Request};
use axum::http::{HeaderMap, StatusCode};
use rushes_actions::{Job, JobState};
use rushes_catalog::{AssetRow, PAGE_ROWS};
use rushes_media::{Error, ErrorKind, Rational};
use serde_json::{Map, Value, json};

use crate::json::{done, read_object, shown};
use crate::params::bool_of;
use crate::problem::{Answer, Problem};
use crate::routes::Compat;
use crate::server::{Shared, Work};
use crate::static_files::{is_navigation, page, varied};
use crate::verbs::{apply, enqueue, query_pairs, verb};

/// How long `POST /scan?wait=1` waits for the scan.
const PATIENCE: Duration = Duration::from_secs(25);
const LOOK: Duration = Duration::from_millis(100);
const PARAMETERS: &str = "reading the parameters";

/// Answers one of the prototype's routes.
pub(crate) async fn answer(server: &Shared, which: Compat, request: Request) -> Answer {
    // Only here the dashboard has a view of the same address.
    if matches!(which, Compat::Stats | Compat::Jobs) && is_navigation(&request) {
        return page(StatusCode::OK, request.headers());
    }
    let call = Call::read(which, request).await?;
    let response = match which {
        Compat::Stats => stats(server, &call).await,
        Compat::Recent => rows(server, &call, "sort:added", 10).await,
        Compat::Scan => scan(server, &call).await,
        Compat::Search | Compat::PostSearch => {
            let query = call.text("query").or(call.text("q")).unwrap_or_default();
            let kind = call.text("type").map(kind_of).transpose()?.flatten();
            let query = kind.map_or(query.to_owned(), |kind| format!("kind:{kind} {query}"));
            rows(server, &call, &query, 50).await
        }
        Compat::Paths => paths(server, &call).await,
        Compat::AddPath => add_path(server, &call).await,
        Compat::RemovePath => {
            let params = json!({"name": call.text("name")});
            done(StatusCode::OK, &apply(server, verb("paths remove")?, params).await?)
        }
        Compat::Jobs => jobs(server, &call).await,
        Compat::Job => job(server, &call).await,
        Compat::CancelJob => {
            let id = call.number("id")?.unwrap_or_default();
            let job =
                server.blocking(Work::Look, move |engine, _| engine.queue()?.cancel(id)).await?;
            done(StatusCode::OK, &described(&job))
        }
        Compat::Batches => batches(server, &call).await,
        Compat::Batch => batch(server, &call).await,
    };
    response.map(varied)
}

/// `GET /health`.
pub(crate) async fn health(server: &Shared) -> Answer {
    let active = server
        .blocking(Work::Look, |engine, _| {
            Ok(engine.queue()?.list(Some(JobState::Running), None, 100)?.len())
        })
        .await?;
    let body = json!({
        "status": "ok",
        "service": "video-api",
        "name": "rushes",
        "version": env!("CARGO_PKG_VERSION"),
        "active_jobs": active,
        "timestamp": rushes_catalog::rfc3339(server.now()),
    });
    done(StatusCode::OK, &body)
}

/// A request's parameters, wherever they stand.
struct Call {
    headers: HeaderMap,
    params: Map<String, Value>,
}

impl Compat {
    /// The parameters it takes.
    pub(crate) fn parameters(self) -> &'static [&'static str] {
        match self {
            Compat::Stats | Compat::Paths | Compat::Batches => &[],
            Compat::Recent | Compat::Jobs => &["limit"],
            Compat::Scan => &["directory", "recursive", "wait"],
            Compat::Search | Compat::PostSearch => &["q", "query", "type", "limit"],
            Compat::AddPath => &["name", "path"],
            Compat::RemovePath => &["name"],
            Compat::Job | Compat::CancelJob => &["id"],
            Compat::Batch => &["name", "limit"],
        }
    }

    /// Whether parameters may stand in a body.
    pub(crate) fn takes_body(self) -> bool {
        matches!(self, Compat::Scan | Compat::PostSearch | Compat::AddPath)
    }
}

impl Call {
    async fn read(which: Compat, request: Request) -> Result<Call, Problem> {
        let (mut parts, body) = request.into_parts();
        let path = RawPathParams::from_request_parts(&mut parts, &())
            .await
            .map_err(|_| Problem::invalid("reading the address", "it is not UTF-8"))?;
        let mut params = Map::new();
        for (name, text) in &path {
            params.insert(name.to_owned(), text.into());
        }
        let mut given = query_pairs(&parts.uri)?;
        let headers = parts.headers.clone();
        if which.takes_body() {
            let object = read_object(Request::from_parts(parts, body)).await?;
            for (name, value) in object {
                let text = match value {
                    Value::String(text) => text,
                    Value::Number(number) => number.to_string(),
                    Value::Bool(truth) => truth.to_string(),
                    Value::Null => continue,
                    _ => {
                        return Err(Problem::invalid(
                            PARAMETERS,
                            format!("{name:?} is no plain value"),
                        ));
                    }
                };
                given.push((name, text));
            }
        }
        for (name, text) in given {
            let shown: String = name.chars().take(64).collect();
            if !which.parameters().contains(&name.as_str()) {
                return Err(Problem::invalid(
                    PARAMETERS,
                    format!("there is no parameter {shown:?}"),
                ));
            }
            if params.insert(name, text.into()).is_some() {
                return Err(Problem::invalid(PARAMETERS, format!("{shown} was given twice")));
            }
        }
        Ok(Call { headers, params })
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.params.get(name).and_then(Value::as_str)
    }

    fn needed(&self, name: &str) -> Result<&str, Problem> {
        self.text(name).ok_or_else(|| Problem::invalid(PARAMETERS, format!("there is no {name}")))
    }

    fn number(&self, name: &str) -> Result<Option<i64>, Problem> {
        let Some(text) = self.text(name) else { return Ok(None) };
        let number = text
            .parse()
            .map_err(|_| Problem::invalid(PARAMETERS, format!("{name} is not a whole number")))?;
        Ok(Some(number))
    }

    fn limit(&self, usual: u32) -> Result<u32, Problem> {
        let Some(limit) = self.number("limit")? else { return Ok(usual) };
        u32::try_from(limit).ok().filter(|limit| (1..=PAGE_ROWS).contains(limit)).ok_or_else(|| {
            Problem::invalid(PARAMETERS, format!("limit is not from 1 to {PAGE_ROWS}"))
        })
    }

    fn truth(&self, name: &str) -> Result<Option<bool>, Problem> {
        self.text(name).map(|text| bool_of(name, text)).transpose()
    }
}

async fn stats(server: &Shared, call: &Call) -> Answer {
    let stats = server.blocking(Work::Look, |engine, _| engine.catalog()?.stats()).await?;
    let by_mime: Vec<Value> = stats
        .by_mime
        .iter()
        .map(|total| json!({"mime": total.name, "count": total.count, "size": total.size_bytes}))
        .collect();
    let by_batch: Vec<Value> = stats
        .by_batch
        .iter()
        .map(|total| json!({"batch": total.name, "count": total.count}))
        .collect();
    let body = json!({
        "total_files": stats.places,
        "total_size_bytes": stats.size_bytes,
        "by_mime": by_mime,
        "by_batch": by_batch,
    });
    shown(&call.headers, &body)
}

async fn rows(server: &Shared, call: &Call, query: &str, usual: u32) -> Answer {
    let (query, limit) = (query.to_owned(), call.limit(usual)?);
    let page = server
        .blocking(Work::Look, move |engine, _| engine.catalog()?.search(&query, limit, None, None))
        .await?;
    let rows: Vec<Value> = page.items.iter().map(file_row).collect();
    shown(&call.headers, &rows)
}

/// The prototype's types, and the kinds that they are here.
pub(crate) const TYPES: &[(&str, &str)] = &[
    ("audio", "audio"),
    ("image", "still"),
    ("photo", "still"),
    ("still", "still"),
    ("video", "video"),
];

/// The kind that a type means; none where it was left empty, as forms do.
fn kind_of(given: &str) -> Result<Option<&'static str>, Problem> {
    if given.is_empty() {
        return Ok(None);
    }
    if let Some((_, kind)) = TYPES.iter().find(|(name, _)| name.eq_ignore_ascii_case(given)) {
        return Ok(Some(kind));
    }
    let shown: String = given.chars().take(64).collect();
    let known: Vec<&str> = TYPES.iter().map(|(name, _)| *name).collect();
    Err(Error::new(ErrorKind::Invalid, PARAMETERS, format!("there is no type {shown:?}"))
        .remedy(format!("use one of {}", known.join(", ")))
        .into())
}

/// A row of the prototype's table of files. `sha1` was a hash of the first
/// and last MiB, which says too little to be given out: it is always null.
fn file_row(row: &AssetRow) -> Value {
    let duration: Option<f64> = row
        .duration_secs
        .as_deref()
        .and_then(|text| text.parse::<Rational>().ok())
        .map(Rational::to_f64);
    let poster = row.preview.as_ref().filter(|preview| preview.poster);
    json!({
        "id": row.id,
        "path": row.path,
        "size_bytes": row.size_bytes,
        "mtime": row.modified,
        "mime": row.mime,
        "width_px": row.width_px,
        "height_px": row.height_px,
        "duration_s": duration,
        "batch": row.batch,
        "sha1": null,
        "created_at": row.added,
        "preview_path": poster.map(|preview| {
            format!("/api/v1/assets/{}/poster?v={}", row.id, preview.version)
        }),
    })
}

async fn scan(server: &Shared, call: &Call) -> Answer {
    let directory = call.needed("directory")?;
    let is_shallow = call.truth("recursive")? == Some(false);
    let waits = call.truth("wait")?.unwrap_or(false);
    let job = enqueue(server, verb("scan")?, json!({"roots": [directory], "shallow": is_shallow}))
        .await?;
    let id = job.id;
    if waits && let Some(job) = ended(server, id).await? {
        return match job.error {
            Some(error) if job.state == JobState::Failed => Err(error.into()),
            _ => done(StatusCode::OK, &counts(&job)),
        };
    }
    let mut body = counts(&job);
    if let Value::Object(body) = &mut body {
        body.insert("status".into(), "started".into());
        body.insert("message".into(), format!("GET /jobs/{id} tells how far it is").into());
    }
    done(StatusCode::ACCEPTED, &body)
}

/// The job when it has ended, or nothing when that takes too long.
async fn ended(server: &Shared, id: i64) -> Result<Option<Job>, Problem> {
    let wait = async {
        loop {
            let job = server
                .blocking(Work::Look, move |engine, _| Ok(engine.queue()?.get(id)?.job))
                .await?;
            if !matches!(job.state, JobState::Queued | JobState::Running) {
                return Ok(job);
            }
            tokio::time::sleep(LOOK).await;
        }
    };
    match tokio::time::timeout(PATIENCE, wait).await {
        Ok(found) => found.map(Some),
        Err(_) => Ok(None),
    }
}

fn counts(job: &Job) -> Value {
    let count = |name: &str| {
        job.result.as_ref().and_then(|result| result.get(name)?.as_u64()).unwrap_or_default()
    };
    let listed = job
        .result
        .as_ref()
        .and_then(|result| result.get("failed")?.as_array().map(Vec::len))
        .unwrap_or_default() as u64;
    json!({
        "job_id": job.id.to_string(),
        "status": status(job.state),
        "processed": count("probed"),
        "errors": listed + count("more_failed"),
        "total_files": count("files"),
    })
}

async fn paths(server: &Shared, call: &Call) -> Answer {
    let roots = server.blocking(Work::Look, |engine, _| engine.catalog()?.root_rows()).await?;
    let paths: Vec<&str> = roots.iter().map(|root| root.path.as_str()).collect();
    shown(&call.headers, &paths)
}

async fn add_path(server: &Shared, call: &Call) -> Answer {
    let path = call.needed("path")?.to_owned();
    let known = std::path::PathBuf::from(&path);
    let roots = server.blocking(Work::Look, |engine, _| engine.catalog()?.roots()).await?;
    if roots.iter().any(|root| root.path == known) {
        let error = Error::new(ErrorKind::Conflict, "registering a root", "it is one already");
        return Err(Problem::from(error.at(known)).member("error", "duplicate"));
    }
    let mut params = json!({"path": path});
    if let (Some(name), Value::Object(params)) = (call.text("name"), &mut params) {
        params.insert("name".into(), name.into());
    }
    done(StatusCode::CREATED, &apply(server, verb("paths add")?, params).await?)
}

async fn jobs(server: &Shared, call: &Call) -> Answer {
    let limit = call.limit(PAGE_ROWS)?;
    let jobs = server
        .blocking(Work::Look, move |engine, _| engine.queue()?.list(None, None, limit))
        .await?;
    let jobs: Map<String, Value> = jobs
        .iter()
        .map(|job| {
            let short = json!({
                "status": status(job.state),
                "name": job.title,
                "created_at": job.created,
                "progress": progress(job),
            });
            (job.id.to_string(), short)
        })
        .collect();
    shown(&call.headers, &json!({"jobs": jobs}))
}

async fn job(server: &Shared, call: &Call) -> Answer {
    let id = call.number("id")?.unwrap_or_default();
    let job =
        server.blocking(Work::Look, move |engine, _| Ok(engine.queue()?.get(id)?.job)).await?;
    shown(&call.headers, &described(&job))
}

fn described(job: &Job) -> Value {
    json!({
        "status": status(job.state),
        "created_at": job.created,
        "name": job.title,
        "total_files": job.total,
        "processed_files": job.done,
        "current_file": job.note,
        "progress": progress(job),
        "result": job.result,
        "error": job.error.as_ref().map(ToString::to_string),
    })
}

/// The prototype's words, and one of its own kind for what it did not have.
fn status(state: JobState) -> &'static str {
    match state {
        JobState::Queued => "pending",
        JobState::Running => "running",
        JobState::Done => "completed",
        JobState::Failed => "error",
        JobState::Cancelled => "cancelled",
    }
}

/// Percent, 0 to 100.
fn progress(job: &Job) -> u64 {
    match (job.state, job.total) {
        (JobState::Done, _) => 100,
        (_, Some(total)) if total > 0 => (job.done.min(total) * 100).div_euclid(total),
        _ => 0,
    }
}

async fn batches(server: &Shared, call: &Call) -> Answer {
    let batches = server.blocking(Work::Look, |engine, _| engine.catalog()?.batches()).await?;
    let batches: Vec<Value> =
        batches.iter().map(|total| json!({"batch": total.name, "count": total.count})).collect();
    shown(&call.headers, &batches)
}

async fn batch(server: &Shared, call: &Call) -> Answer {
    let params = json!({"name": call.needed("name")?, "limit": call.limit(PAGE_ROWS)?});
    let page = apply(server, verb("batches show")?, params).await?;
    let items: Vec<AssetRow> = page
        .get("items")
        .cloned()
        .and_then(|items| serde_json::from_value(items).ok())
        .ok_or_else(Problem::hidden_bug)?;
    let rows: Vec<Value> = items.iter().map(file_row).collect();
    shown(&call.headers, &rows)
}
