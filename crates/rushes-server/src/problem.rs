//! Failures as problem details (RFC 9457): every error response has this one
//! shape, those of the router and of the layers around it too.

use std::fmt::Write as _;

use axum::body::Body;
use axum::extract::Request;
use axum::http::header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use rushes_media::{Error, ErrorKind};
use serde_json::{Map, Value, json};

/// The media type of problem details.
pub(crate) const PROBLEM_JSON: &str = "application/problem+json";

/// What a handler gives back.
pub(crate) type Answer = Result<Response, Problem>;

/// A failure on its way to the client.
#[derive(Debug)]
pub(crate) struct Problem(Box<Parts>);

#[derive(Debug)]
struct Parts {
    status: StatusCode,
    error: Error,
    headers: HeaderMap,
    members: Map<String, Value>,
}

impl Problem {
    /// This error under another status than its kind's own.
    pub(crate) fn with_status(status: StatusCode, error: Error) -> Problem {
        let (headers, members) = (HeaderMap::new(), Map::new());
        Problem(Box::new(Parts { status, error, headers, members }))
    }

    /// The same, with a header.
    pub(crate) fn header(mut self, name: HeaderName, value: HeaderValue) -> Problem {
        self.0.headers.insert(name, value);
        self
    }

    /// The same, with an extension member.
    pub(crate) fn member(mut self, name: &str, value: impl Into<Value>) -> Problem {
        self.0.members.insert(name.to_owned(), value.into());
        self
    }

    /// A request that makes no sense.
    pub(crate) fn invalid(what: &str, why: impl Into<String>) -> Problem {
        Error::new(ErrorKind::Invalid, what, why).into()
    }

    /// A failure of the server itself. The cause goes to nobody: it may say
    /// more about the inside than a client should learn.
    pub(crate) fn hidden_bug() -> Problem {
        Error::new(ErrorKind::Bug, "answering the request", "the server made a mistake")
            .remedy("please report it, with what was asked")
            .into()
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Problem {
        let status = StatusCode::from_u16(error.kind.http_status())
            .unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let problem = Problem::with_status(status, error);
        if status == StatusCode::SERVICE_UNAVAILABLE {
            return problem.header(axum::http::header::RETRY_AFTER, HeaderValue::from_static("5"));
        }
        problem
    }
}

impl Problem {
    fn take_apart(self) -> (StatusCode, HeaderMap, String) {
        let Parts { status, error, headers: own_headers, members: mut body } = *self.0;
        let Error { kind, what, why, remedy, path } = error;
        if status.as_u16() == kind.http_status() {
            body.insert("type".into(), json!(format!("/problems/{kind}")));
            body.insert("title".into(), json!(title(kind)));
        } else {
            body.insert("type".into(), json!("about:blank"));
            body.insert("title".into(), json!(status.canonical_reason().unwrap_or(title(kind))));
        }
        body.insert("status".into(), json!(status.as_u16()));
        body.insert("detail".into(), json!(format!("{what}: {why}")));
        body.insert("kind".into(), json!(kind));
        if let Some(remedy) = remedy {
            body.insert("remedy".into(), json!(remedy));
        }
        if let Some(path) = path {
            body.insert("path".into(), json!(path));
        }
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.extend(own_headers);
        (status, headers, Value::Object(body).to_string())
    }

    /// The last answer of a connection, as HTTP/1.1 writes it: for where no
    /// request was understood that a handler could answer.
    pub(crate) fn on_the_wire(self) -> Vec<u8> {
        let (status, headers, body) = self.take_apart();
        let mut bytes = format!("HTTP/1.1 {status}\r\n").into_bytes();
        for (name, value) in &headers {
            let value = value.as_bytes();
            bytes.extend([name.as_str().as_bytes(), b": ", value, b"\r\n"].concat());
        }
        let end = format!("content-length: {}\r\nconnection: close\r\n\r\n{body}", body.len());
        bytes.extend(end.into_bytes());
        bytes
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let (status, headers, body) = self.take_apart();
        (status, headers, body).into_response()
    }
}

fn title(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::Invalid => "The request makes no sense",
        ErrorKind::NotFound => "Not found",
        ErrorKind::Unsupported => "Not supported",
        ErrorKind::Corrupt => "The file is damaged",
        ErrorKind::Limit => "A limit was reached",
        ErrorKind::Denied => "Not permitted",
        ErrorKind::Unavailable => "Cannot be had now",
        ErrorKind::Conflict => "It contradicts what is there",
        ErrorKind::Bug => "A mistake in Rushes",
    }
}

/// What `/problems/<kind>` says about that kind.
pub(crate) fn page(kind: &str) -> Answer {
    let kind = ErrorKind::ALL.into_iter().find(|known| known.name() == kind).ok_or_else(|| {
        Error::new(ErrorKind::NotFound, "describing a problem", "there is no kind of that name")
    })?;
    let mut text = format!("{}\n\n", title(kind));
    let _ = writeln!(text, "kind: {kind}");
    let _ = writeln!(text, "HTTP status: {}", kind.http_status());
    let _ = writeln!(text, "exit code of the command: {}", kind.exit_code());
    Ok(([(CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response())
}

/// Gives every error response that has no body of its own the one shape.
pub(crate) async fn complete(request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    let status = response.status();
    if !(status.is_client_error() || status.is_server_error()) {
        return response;
    }
    let own_body = response.headers().get(CONTENT_TYPE).is_some_and(|kind| {
        [PROBLEM_JSON.as_bytes(), b"text/html"].iter().any(|own| kind.as_bytes().starts_with(own))
    });
    if own_body {
        return response;
    }
    let (parts, _) = response.into_parts();
    let mut problem = Problem::with_status(status, error_of(status));
    for (name, value) in &parts.headers {
        if name != CONTENT_TYPE && name != CONTENT_LENGTH {
            problem = problem.header(name.clone(), value.clone());
        }
    }
    let mut response = problem.into_response();
    *response.extensions_mut() = parts.extensions;
    response
}

fn error_of(status: StatusCode) -> Error {
    let what = "answering the request";
    match status {
        StatusCode::NOT_FOUND => Error::new(ErrorKind::NotFound, what, "there is no such address")
            .remedy("see /openapi.json for those there are"),
        StatusCode::METHOD_NOT_ALLOWED => {
            Error::new(ErrorKind::Invalid, what, "this address does not know that method")
                .remedy("use one that the header Allow of this answer names")
        }
        StatusCode::PAYLOAD_TOO_LARGE => {
            Error::new(ErrorKind::Limit, what, "the request is too large")
        }
        StatusCode::REQUEST_TIMEOUT => {
            Error::new(ErrorKind::Unavailable, what, "the request took too long to arrive")
        }
        _ if status.is_server_error() => {
            Error::new(ErrorKind::Bug, what, "the server made a mistake")
        }
        _ => Error::new(ErrorKind::Invalid, what, "the request cannot be answered"),
    }
}

/// What a panic in a handler becomes.
pub(crate) fn of_panic(_cause: Box<dyn std::any::Any + Send + 'static>) -> Response<Body> {
    Problem::hidden_bug().into_response()
}
