//! JSON in and out: bodies within their bounds, answers with their tags.

use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, ETAG,
    HeaderValue, RETRY_AFTER,
};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt as _;
use rushes_media::{Error, ErrorKind};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::conditions::{Validators, Verdict};
use crate::problem::{Answer, Problem};

/// The most that the body of a request may hold.
pub(crate) const BODY_BYTES: usize = 2 * 1024 * 1024;
/// How long a body may take to arrive.
const BODY_WAIT: Duration = Duration::from_secs(20);

/// The JSON object in the body; an empty one when there is no body.
pub(crate) async fn read_object(request: Request) -> Result<Map<String, Value>, Problem> {
    let what = "reading the body";
    let (parts, body) = request.into_parts();
    check_coding(&parts.headers)?;
    let bytes = read_body(body).await?;
    if bytes.is_empty() {
        return Ok(Map::new());
    }
    if !is_json(&parts.headers) {
        // A page elsewhere can send a form without asking, but not this type.
        return Err(Error::new(ErrorKind::Unsupported, what, "its type is not application/json")
            .remedy("send Content-Type: application/json")
            .into());
    }
    match serde_json::from_slice(&bytes) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err(Problem::invalid(what, "it is not a JSON object")),
        Err(error) => Err(Problem::invalid(what, format!("it is not JSON: {error}"))),
    }
}

/// Refuses a body that is to be decoded first, and says that one as it is would
/// do (RFC 9110, section 12.5.3).
fn check_coding(headers: &HeaderMap) -> Result<(), Problem> {
    let plain = |coding: &HeaderValue| {
        coding.is_empty() || coding.as_bytes().eq_ignore_ascii_case(b"identity")
    };
    if headers.get_all(CONTENT_ENCODING).iter().all(plain) {
        return Ok(());
    }
    let why = "its content coding is not understood";
    let error = Error::new(ErrorKind::Unsupported, "reading the body", why)
        .remedy("send it as it is, without Content-Encoding");
    Err(Problem::from(error).header(ACCEPT_ENCODING, HeaderValue::from_static("identity")))
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let essence = kind.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/json")
}

async fn read_body(body: Body) -> Result<Vec<u8>, Problem> {
    let what = "reading the body";
    let read = async {
        let mut bytes = Vec::new();
        let mut chunks = body.into_data_stream();
        while let Some(chunk) = chunks.next().await {
            let chunk =
                chunk.map_err(|error| Problem::invalid(what, format!("it broke off: {error}")))?;
            if bytes.len() + chunk.len() > BODY_BYTES {
                return Err(too_large());
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes)
    };
    tokio::time::timeout(BODY_WAIT, read).await.unwrap_or_else(|_| {
        let error = Error::new(ErrorKind::Unavailable, what, "it took too long to arrive");
        Err(Problem::with_status(StatusCode::REQUEST_TIMEOUT, error))
    })
}

/// Refuses a request whose stated length is over the bound, before it is read.
pub(crate) fn check_stated_length(headers: &HeaderMap) -> Result<(), Problem> {
    let stated = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok());
    match stated.and_then(|length| length.parse::<u64>().ok()) {
        Some(length) if length > BODY_BYTES as u64 => Err(too_large()),
        _ => Ok(()),
    }
}

fn too_large() -> Problem {
    let why = format!("it is larger than {BODY_BYTES} bytes");
    Error::new(ErrorKind::Limit, "reading the body", why).into()
}

/// Text from memory with a weak tag made of it (compression may change its
/// bytes on the way); status 304 when the client has it already.
pub(crate) fn tagged(
    request: &HeaderMap,
    content_type: &'static str,
    bytes: impl Into<Body> + AsRef<[u8]>,
) -> Response {
    let tag = blake3::hash(bytes.as_ref()).to_hex();
    let etag = format!("W/\"{}\"", tag.get(..32).unwrap_or(&tag));
    let validators = Validators { etag, modified: None };
    let mut response = match validators.evaluate(request) {
        Verdict::NotModified => StatusCode::NOT_MODIFIED.into_response(),
        Verdict::Proceed | Verdict::Failed => Response::new(bytes.into()),
    };
    let headers = response.headers_mut();
    if let Ok(etag) = HeaderValue::from_str(&validators.etag) {
        headers.insert(ETAG, etag);
    }
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

/// A value that was read, with its tag.
pub(crate) fn shown<T: Serialize>(request: &HeaderMap, value: &T) -> Answer {
    Ok(tagged(request, "application/json", written(value)?))
}

/// A value that came of doing something.
pub(crate) fn done<T: Serialize>(status: StatusCode, value: &T) -> Answer {
    let headers = [(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "no-store")];
    Ok((status, headers, written(value)?).into_response())
}

fn written<T: Serialize>(value: &T) -> Result<Vec<u8>, Problem> {
    serde_json::to_vec(value).map_err(|_| Problem::hidden_bug())
}

/// That the client should come back after this many seconds.
pub(crate) fn retry_after(problem: Problem, secs: u64) -> Problem {
    problem.header(RETRY_AFTER, HeaderValue::from(secs.max(1)))
}
