//! Requests that say what they want in a way that is not understood, or that
//! want less than all of it.

use crate::support::{Library, TOKEN, filled_in};
use axum::body::Body;
use rushes_server::endpoints;
use serde_json::json;

#[tokio::test]
async fn an_address_that_is_not_utf_8_is_refused_on_every_route() {
    let library = Library::filled();
    let server = library.open();
    for endpoint in endpoints() {
        let plain = filled_in(&endpoint.path);
        let mut targets = vec![format!("{plain}?query=%FF%FE"), format!("{plain}?%c3(=a")];
        if let Some((before, _)) = endpoint.path.split_once('{') {
            targets.push(format!("{before}%ff"));
            targets.push(format!("{before}a%80"));
        }
        for target in targets {
            let answer = server.ask(endpoint.method, &target, &[]).await;
            // The rest of the path may be no route, but that is not looked at.
            assert_eq!(answer.problem(400), "invalid", "{} {target}", endpoint.method);
            if endpoint.method == "GET" {
                assert_eq!(server.ask("HEAD", &target, &[]).await.status, 400, "HEAD {target}");
            }
        }
    }
    for target in ["/search?q=%FF", "/api/v1/search?query=%ff", "/search?q=a%E2%82"] {
        server.get(target).await.problem(400);
    }
    // Text is text, whatever it stands for, and a % alone encodes nothing.
    for query in ["%E2%82%AC", "%EF%BF%BD%2Fa", "100%", "a%zz", "%f", "\u{20ac}"] {
        assert_eq!(server.get(&format!("/search?q={query}")).await.status, 200, "{query}");
    }
    assert_eq!(server.get("/search?q=%61.mp4").await.json().as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn an_encoded_body_is_refused() {
    let library = Library::filled();
    let server = library.open();
    for (encoding, status) in
        [("gzip", 415), ("br, gzip", 415), ("identity", 202), ("Identity", 202), ("", 202)]
    {
        let headers = [("content-type", "application/json"), ("content-encoding", encoding)];
        let answer = server.send("POST", "/api/v1/check", &headers, Body::from("{}")).await;
        assert_eq!(answer.status, status, "{encoding:?}");
        if status == 415 {
            assert_eq!(answer.problem(415), "unsupported");
            assert_eq!(answer.header("accept-encoding"), "identity");
        }
    }
    let headers = [("content-type", "application/json"), ("content-encoding", "gzip")];
    for target in ["/search", "/paths", "/scan", "/api/v1/session"] {
        let body = Body::from(json!({"token": TOKEN}).to_string());
        let answer = server.send("POST", target, &headers, body).await;
        assert_eq!(answer.problem(415), "unsupported", "{target}");
        assert_eq!(answer.header("accept-encoding"), "identity", "{target}");
    }
    // That the type is not JSON is another matter.
    let answer = server.send("POST", "/search", &[], Body::from("{}")).await;
    answer.problem(415);
    assert_eq!(answer.header("accept-encoding"), "");
}

/// RFC 9110, section 8.6: the length that a 304 states is that of the answer
/// which the client has.
#[tokio::test]
async fn an_answer_that_the_client_has_states_no_length() {
    let library = Library::filled();
    let server = library.open();
    let id = library.id("video");
    for target in [
        "/api/v1/search",
        "/static/index.html",
        "/openapi.json",
        "/stats",
        &format!("/api/v1/assets/{id}/media"),
        &format!("/api/v1/assets/{id}/poster"),
    ] {
        let tag = server.get(target).await.header("etag").to_owned();
        for method in ["GET", "HEAD"] {
            let answer = server.ask(method, target, &[("if-none-match", &tag)]).await;
            assert_eq!((answer.status, answer.body.len()), (304, 0), "{method} {target}");
            let length = answer.headers.get("content-length");
            assert_eq!(length, None, "{method} {target}");
            assert_eq!(answer.header("etag"), tag, "{method} {target}");
        }
        let whole = server.ask("HEAD", target, &[]).await;
        assert_ne!(whole.header("content-length"), "", "{target}");
    }
}
