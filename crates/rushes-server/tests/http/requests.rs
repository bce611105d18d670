//! Requests that say what they want in a way that is not understood, or that
//! want less than all of it.

use crate::support::{Library, filled_in};
use rushes_server::endpoints;

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
