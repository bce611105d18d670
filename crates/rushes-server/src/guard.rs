//! What every request passes before it is answered, and what every answer
//! carries.

use std::convert::Infallible;

use axum::body::{Body, Bytes};
use axum::extract::{MatchedPath, Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, HeaderValue,
    REFERRER_POLICY, WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::{Method, StatusCode, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use rushes_media::{Error, ErrorKind};

use crate::json::check_stated_length;
use crate::problem::Problem;
use crate::routes::{Access, Endpoint};
use crate::server::{Peer, Shared};
use crate::static_files::{is_navigation, page};

/// What a page of the dashboard may do: no script or style but its own files,
/// no word to any other place.
const PAGE_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    img-src 'self' blob: data:; media-src 'self'; connect-src 'self'; manifest-src 'self'; \
    base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

const HEADERS: [(HeaderName, &str); 6] = [
    (CONTENT_SECURITY_POLICY, PAGE_POLICY),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (X_FRAME_OPTIONS, "DENY"),
    (REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
];

/// Gives every answer the headers that keep it safe in a browser.
pub(crate) async fn secure(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    if response.status() == StatusCode::NOT_MODIFIED {
        // The router states the length of a body whose length it knows. Here it
        // would be taken for that of what the client has (RFC 9110, section 8.6).
        response.headers_mut().remove(CONTENT_LENGTH);
        *response.body_mut() = Body::from_stream(stream::empty::<Result<Bytes, Infallible>>());
    }
    response
}

/// Which routes anybody may ask for.
#[derive(Clone)]
pub(crate) struct Guard {
    pub(crate) server: Shared,
    pub(crate) open: std::sync::Arc<[(Method, String)]>,
    /// Routes that receive files: neither length nor time is bounded here.
    receiving: std::sync::Arc<[(Method, String)]>,
}

impl Guard {
    pub(crate) fn new(server: Shared, endpoints: &[Endpoint]) -> Guard {
        let those = |wanted: fn(&Endpoint) -> bool| {
            let found = endpoints.iter().filter(|endpoint| wanted(endpoint));
            found
                .filter_map(|endpoint| {
                    let method = Method::from_bytes(endpoint.method.as_bytes()).ok()?;
                    Some((method, endpoint.path.clone()))
                })
                .collect()
        };
        let open = those(|endpoint| endpoint.access == Access::Open);
        let receiving = those(|endpoint| endpoint.answers.receives_files());
        Guard { server, open, receiving }
    }

    /// Everything that is not in the table of open routes needs the token,
    /// also what there is not.
    fn is_open(&self, method: &Method, matched: Option<&MatchedPath>) -> bool {
        let method = if *method == Method::HEAD { &Method::GET } else { method };
        is_among(&self.open, method, matched)
    }
}

fn is_among(routes: &[(Method, String)], method: &Method, matched: Option<&MatchedPath>) -> bool {
    matched.is_some_and(|matched| {
        routes.iter().any(|(known, path)| known == method && path == matched.as_str())
    })
}

/// Lets a request through: asked under our name, by nobody's page but ours, in
/// text, not too long, with the token where one is needed, and answered in time.
pub(crate) async fn admit(
    State(guard): State<Guard>,
    matched: Option<MatchedPath>,
    request: Request,
    next: Next,
) -> Response {
    let server = &guard.server;
    let peer = request.extensions().get::<Peer>().copied();
    let receives_files = is_among(&guard.receiving, request.method(), matched.as_ref());
    let checked = server
        .hosts
        .check(request.method(), request.uri(), request.headers(), peer.map(|peer| peer.local))
        .and_then(|()| check_address(request.uri()))
        .and_then(|()| match receives_files {
            true => Ok(()),
            false => check_stated_length(request.headers()),
        });
    if let Err(problem) = checked {
        return problem.into_response();
    }
    if !guard.is_open(request.method(), matched.as_ref())
        && let Err(problem) = server.access.admit(request.headers(), peer, server.now())
    {
        return refused(&request, problem);
    }
    // It sees to it itself that something arrives.
    if receives_files {
        return next.run(request).await;
    }
    match tokio::time::timeout(server.bounds.answer_wait, next.run(request)).await {
        Ok(response) => response,
        Err(_) => {
            let error = Error::new(
                ErrorKind::Unavailable,
                "answering the request",
                "it took too long and was given up",
            );
            Problem::from(error).into_response()
        }
    }
}

/// Refuses an address that is no text. What is read leniently instead, as the
/// signs that stand for what cannot be read, is a search for nothing, and finds
/// everything.
fn check_address(uri: &Uri) -> Result<(), Problem> {
    let written = uri.path_and_query().map_or("", |written| written.as_str());
    if str::from_utf8(&decoded(written)).is_ok() {
        return Ok(());
    }
    let why = "what is percent-encoded in it is not UTF-8";
    Err(Error::new(ErrorKind::Invalid, "reading the address", why)
        .remedy("encode text as UTF-8")
        .into())
}

/// The bytes that this stands for (RFC 3986, section 2.1). As everywhere on the
/// web a % without two digits is itself.
fn decoded(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let digit = |at: usize| after.get(at).and_then(|&byte| char::from(byte).to_digit(16));
        let (byte, after) = match (byte, digit(0), digit(1)) {
            (b'%', Some(high), Some(low)) => {
                ((high * 16 + low) as u8, after.get(2..).unwrap_or_default())
            }
            _ => (byte, after),
        };
        bytes.push(byte);
        rest = after;
    }
    bytes
}

/// A person in a browser gets the page to sign in on, everybody else the
/// problem; the status is the same.
fn refused(request: &Request, problem: Problem) -> Response {
    let response = problem.into_response();
    let path = request.uri().path();
    if !is_navigation(request) || path.starts_with("/api/") {
        return response;
    }
    let Ok(mut shown) = page(response.status(), request.headers()) else { return response };
    for name in [WWW_AUTHENTICATE, axum::http::header::RETRY_AFTER] {
        if let Some(value) = response.headers().get(&name) {
            shown.headers_mut().insert(name, value.clone());
        }
    }
    shown.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    shown
}

/// What there is not: the page for a person, which says so, and a problem for
/// everybody else.
pub(crate) async fn nothing_here(request: Request) -> Response {
    let path = request.uri().path();
    let of_programs = path.starts_with("/api/") || path.starts_with("/static/");
    if is_navigation(&request)
        && !of_programs
        && let Ok(shown) = page(StatusCode::NOT_FOUND, request.headers())
    {
        return shown;
    }
    let mut response = StatusCode::NOT_FOUND.into_response();
    response.headers_mut().remove(CONTENT_TYPE);
    response
}
