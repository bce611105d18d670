//! The router: each row of the table with who answers it, and the layers that
//! all of them stand behind.

use std::sync::Arc;

use axum::Router;
use axum::extract::{FromRequestParts as _, RawPathParams, Request};
use axum::http::{Method, StatusCode};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{MethodFilter, on};
use rushes_media::{Error, Result};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;

use crate::guard::{Guard, admit, nothing_here, secure};
use crate::json::tagged;
use crate::problem::{Answer, Problem, complete, of_panic, page as problem_page};
use crate::routes::{Answers, endpoints};
use crate::server::Shared;
use crate::verbs::VerbRoute;
use crate::{auth, compat, events, media, openapi, static_files};

/// Who answers, with what could be worked out beforehand.
#[derive(Clone)]
enum Answering {
    Verb(Arc<VerbRoute>),
    OpenApi(Arc<str>),
    Other(Answers),
}

/// The whole server as one service.
///
/// # Errors
/// `Bug` when the table of routes contradicts itself.
pub(crate) fn router(server: &Shared) -> Result<Router> {
    let table = endpoints();
    let document: Arc<str> = openapi::document(&table).to_string().into();
    let (mut in_memory, mut streamed) = (Router::new(), Router::new());
    for endpoint in &table {
        let answering = match endpoint.answers {
            Answers::Verb(verb) => Answering::Verb(Arc::new(VerbRoute::new(verb))),
            Answers::OpenApi => Answering::OpenApi(document.clone()),
            other => Answering::Other(other),
        };
        let server = server.clone();
        let handler = on(filter(endpoint.method)?, move |request: Request| {
            let (server, answering) = (server.clone(), answering.clone());
            async move { answer(&server, &answering, request).await }
        });
        // What is streamed is not compressed: media bytes are compressed as it
        // is, and ranges name bytes as they are.
        let is_streamed =
            matches!(endpoint.answers, Answers::Media | Answers::Preview(_) | Answers::Events);
        if is_streamed {
            streamed = streamed.route(&endpoint.path, handler);
        } else {
            in_memory = in_memory.route(&endpoint.path, handler);
        }
    }
    let guard = Guard::new(server.clone(), &table);
    Ok(in_memory
        .fallback(nothing_here)
        .layer(CompressionLayer::new())
        .merge(streamed)
        .layer(from_fn_with_state(guard, admit))
        .layer(CatchPanicLayer::custom(of_panic))
        .layer(from_fn(complete))
        .layer(from_fn(secure)))
}

fn filter(method: &'static str) -> Result<MethodFilter> {
    Method::from_bytes(method.as_bytes())
        .ok()
        .and_then(|method| MethodFilter::try_from(method).ok())
        .ok_or_else(|| Error::bug("building the router", format!("no method {method}")))
}

async fn answer(server: &Shared, answering: &Answering, request: Request) -> Answer {
    let answers = match answering {
        Answering::Verb(verb) => return verb.answer(server, request).await,
        Answering::OpenApi(document) => {
            return Ok(tagged(request.headers(), "application/json", document.to_string()));
        }
        Answering::Other(answers) => *answers,
    };
    match answers {
        Answers::Media => media::media(server, request).await,
        Answers::Preview(which) => media::preview(server, which, request).await,
        Answers::Events => events::events(server, request).await,
        Answers::ShowSession => auth::show_session(server, &request),
        Answers::BeginSession => auth::begin_session(server, request).await,
        Answers::EndSession => auth::end_session(server, &request),
        Answers::Problem => problem_page(&path_parameter(request).await?),
        Answers::Health => compat::health(server).await,
        Answers::Page => static_files::page(StatusCode::OK, request.headers()),
        Answers::Static => {
            let headers = request.headers().clone();
            static_files::file(&path_parameter(request).await?, &headers)
        }
        Answers::Compat(which) => compat::answer(server, which, request).await,
        Answers::Verb(_) | Answers::OpenApi => Err(Problem::hidden_bug()),
    }
}

/// The one parameter in the path.
async fn path_parameter(request: Request) -> Result<String, Problem> {
    let (mut parts, _) = request.into_parts();
    let path = RawPathParams::from_request_parts(&mut parts, &())
        .await
        .map_err(|_| Problem::invalid("reading the address", "it is not UTF-8"))?;
    let found = path.iter().next().map(|(_, value)| value.to_owned());
    found.ok_or_else(Problem::hidden_bug)
}
