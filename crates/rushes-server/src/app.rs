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
use crate::{auth, compat, events, media, openapi, static_files, uploads};

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
    let routes = in_memory.fallback(nothing_here).layer(CompressionLayer::new()).merge(streamed);
    Ok(protected(routes, guard))
}

/// Routes behind everything that they stand behind, the outermost last.
fn protected(routes: Router, guard: Guard) -> Router {
    routes
        .layer(from_fn_with_state(guard, admit))
        .layer(CatchPanicLayer::custom(of_panic))
        .layer(from_fn(complete))
        .layer(from_fn(secure))
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
        Answers::Send(which) => uploads::answer(server, which, request).await,
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use axum::body::Body;
    use axum::http::{Request, Response};
    use axum::routing::get;
    use rushes_actions::Engine;
    use rushes_media::Limits;
    use rushes_sandbox::{Launch, Pool};
    use rushes_store::Home;
    use tower::ServiceExt as _;

    use super::*;
    use crate::auth::Access;
    use crate::hosts::Hosts;
    use crate::server::{Bounds, Server};

    async fn ask(bounds: Bounds, target: &str) -> (u16, String) {
        let folder = tempfile::tempdir().unwrap();
        let launch = Launch { program: "/no/such/program".into(), args: Vec::new() };
        let limits = Limits::default();
        let home = Home::at(folder.path().into());
        let engine =
            Engine::new(home, rushes_jobs::open_queue, Pool::new(launch, 1, limits), limits);
        let hosts = Hosts::new(vec!["127.0.0.1".parse().unwrap()], &[]).unwrap();
        let server = Arc::new(Server::new(engine, Access::new(None), hosts, bounds));
        let boom = || async {
            let number: u8 = "none".parse().expect("the secret of the inside");
            number.to_string()
        };
        let slow = || std::future::pending::<&str>();
        let routes = Router::new().route("/boom", get(boom)).route("/slow", get(slow));
        let app = protected(routes, Guard::new(server, &[]));
        let request = Request::builder().uri(target).header("host", "localhost");
        let answer = app.oneshot(request.body(Body::empty()).unwrap());
        let answer = tokio::time::timeout(Duration::from_secs(10), answer).await;
        let response: Response<Body> = answer.expect("an answer").unwrap();
        let status = response.status().as_u16();
        assert_eq!(response.headers()["content-type"], "application/problem+json");
        assert_eq!(response.headers()["x-content-type-options"], "nosniff");
        let body = axum::body::to_bytes(response.into_body(), 10_000).await.unwrap();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn a_panic_is_a_problem_that_tells_nothing() {
        let (status, body) = ask(Bounds::default(), "/boom").await;
        assert_eq!(status, 500);
        assert!(body.contains("\"kind\":\"bug\""), "{body}");
        assert!(!body.contains("secret"), "{body}");
    }

    #[tokio::test]
    async fn what_takes_too_long_is_given_up() {
        let bounds = Bounds { answer_wait: Duration::from_millis(50), ..Bounds::default() };
        let (status, body) = ask(bounds, "/slow").await;
        assert_eq!(status, 503);
        assert!(body.contains("took too long"), "{body}");
    }
}
