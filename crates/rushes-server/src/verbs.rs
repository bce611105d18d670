//! Every verb as a route, made from the registry: its parameters come out of
//! the path, the query string or the body, and it runs with the authority of
//! the network.

use axum::extract::{FromRequestParts as _, Query, RawPathParams, Request};
use axum::http::header::{HeaderValue, LOCATION};
use axum::http::{Method, StatusCode, Uri};
use rushes_actions::{Authority, Context, Job, Plan, Verb};
use rushes_media::{Error, ErrorKind, Result};
use serde_json::{Map, Value, json};

use crate::json::{done, read_object, shown};
use crate::params::{Parameters, bool_of, take_bool};
use crate::problem::{Answer, Problem};
use crate::server::{Asked, Shared, Work};

/// Asks for the plan instead of the deed.
const DRY_RUN: &str = "dry_run";

/// A verb with its parameters worked out once.
#[derive(Clone)]
pub(crate) struct VerbRoute {
    verb: &'static Verb,
    parameters: Parameters,
}

impl VerbRoute {
    pub(crate) fn new(verb: &'static Verb) -> VerbRoute {
        VerbRoute { verb, parameters: Parameters::of(verb) }
    }

    /// Answers a request for this verb.
    pub(crate) async fn answer(&self, server: &Shared, request: Request) -> Answer {
        let verb = self.verb;
        let asked_with = request.headers().clone();
        let (params, dry_run) = self.read(request).await?;
        if dry_run {
            return done(StatusCode::OK, &json!({"plan": plan(server, verb, params, true).await?}));
        }
        if verb.as_job {
            let job = enqueue(server, verb, params).await?;
            let mut response = done(StatusCode::ACCEPTED, &json!({"job": job}))?;
            if let Ok(location) = HeaderValue::from_str(&format!("/api/v1/jobs/{}", job.id)) {
                response.headers_mut().insert(LOCATION, location);
            }
            return Ok(response);
        }
        let output = apply(server, verb, params).await?;
        match verb.route.method {
            "GET" => shown(&asked_with, &output),
            _ if verb.name.last() == Some(&"add") => done(StatusCode::CREATED, &output),
            _ => done(StatusCode::OK, &output),
        }
    }

    /// The parameters, and whether only the plan is wanted.
    async fn read(&self, request: Request) -> Result<(Value, bool), Problem> {
        let (mut parts, body) = request.into_parts();
        let path = RawPathParams::from_request_parts(&mut parts, &())
            .await
            .map_err(|_| Problem::invalid("reading the address", "it is not UTF-8"))?;
        let query = query_pairs(&parts.uri)?;
        let has_body = parts.method == Method::POST;
        let mut params = Map::new();
        for (name, text) in &path {
            self.parameters.add_text(&mut params, name, text)?;
        }
        let mut dry_run = false;
        for (name, text) in &query {
            if self.may_rehearse() && name == DRY_RUN {
                dry_run = bool_of(name, text)?;
            } else if has_body {
                let why = format!("{name:?} stands in the query string");
                return Err(Error::new(ErrorKind::Invalid, "reading the parameters", why)
                    .remedy("send parameters in the JSON body")
                    .into());
            } else {
                self.parameters.add_text(&mut params, name, text)?;
            }
        }
        if has_body {
            let mut object = read_object(Request::from_parts(parts, body)).await?;
            if self.may_rehearse() {
                dry_run |= take_bool(&mut object, DRY_RUN)?;
            }
            let object = (self.verb.understood)(object);
            self.parameters.check_names(&object)?;
            if let Some((name, _)) = path.iter().find(|(name, _)| object.contains_key(*name)) {
                let why = format!("{name} stands in the address and in the body");
                return Err(Problem::invalid("reading the parameters", why));
            }
            params.extend(object);
        }
        Ok((Value::Object(params), dry_run))
    }

    /// Whether there is a plan to be had without the deed.
    pub(crate) fn may_rehearse(&self) -> bool {
        may_rehearse(self.verb)
    }
}

/// Whether there is a plan to be had without the deed.
pub(crate) fn may_rehearse(verb: &Verb) -> bool {
    verb.changes || verb.as_job
}

/// The pairs of the query string.
pub(crate) fn query_pairs(uri: &Uri) -> Result<Vec<(String, String)>, Problem> {
    Query::try_from_uri(uri)
        .map(|Query(pairs)| pairs)
        .map_err(|error| Problem::invalid("reading the query string", error.to_string()))
}

/// Does it.
pub(crate) async fn apply(
    server: &Shared,
    verb: &'static Verb,
    params: Value,
) -> Result<Value, Problem> {
    // What only reads the catalogue does not wait for those who have files read.
    let kind = if verb.route.method == "GET" { Work::Look } else { Work::Verb };
    server.blocking(kind, move |engine, asked| (verb.apply)(&network(engine, asked), &params)).await
}

/// What it would do.
pub(crate) async fn plan(
    server: &Shared,
    verb: &'static Verb,
    params: Value,
    full: bool,
) -> Result<Plan, Problem> {
    server
        .blocking(Work::Verb, move |engine, asked| {
            (verb.plan)(&network(engine, asked), &params, full)
        })
        .await
}

/// Queues it, with the authority of the network. It is planned first, so that
/// what the network may not do is refused at once and not only in the job.
pub(crate) async fn enqueue(
    server: &Shared,
    verb: &'static Verb,
    params: Value,
) -> Result<Job, Problem> {
    let job = server
        .blocking(Work::Verb, move |engine, asked| {
            (verb.plan)(&network(engine, asked), &params, false)?;
            let queue = engine.queue()?.as_ref();
            rushes_jobs::enqueue_verb(queue, verb, &params, Authority::Network)
        })
        .await?;
    if let Some(workers) = server.workers.get() {
        workers.wake();
    }
    Ok(job)
}

fn network<'a>(engine: &'a rushes_actions::Engine, asked: &'a Asked) -> Context<'a> {
    Context { engine, authority: Authority::Network, progress: asked }
}

/// The verb of this name.
pub(crate) fn verb(words: &str) -> Result<&'static Verb> {
    rushes_actions::find(words)
        .ok_or_else(|| Error::bug("looking a verb up", format!("there is no verb {words:?}")))
}
