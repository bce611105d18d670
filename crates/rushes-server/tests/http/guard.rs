//! What every route stands behind: the token, the host, the origin, bounds,
//! and problem details for every error.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use crate::support::{Library, Server, TOKEN, filled_in};
use axum::body::Body;
use rushes_actions::JobState;
use rushes_jobs::Runner;
use rushes_media::ErrorKind;
use rushes_server::{Access, endpoints};
use serde_json::json;

const NAVIGATION: (&str, &str) = ("accept", "text/html,application/xhtml+xml,*/*;q=0.8");

#[tokio::test]
async fn every_route_but_the_open_ones_needs_the_token() {
    let library = Library::filled();
    let server = library.guarded();
    let id = library.id("video");
    let mut walked = 0;
    let mut open = Vec::new();
    let media = |path: &str| path.replace("/assets/1", &format!("/assets/{id}"));
    for endpoint in endpoints() {
        let target = media(&filled_in(&endpoint.path));
        walked += 1;
        for headers in [
            vec![],
            vec![("authorization", "Bearer wrong")],
            vec![("cookie", "rushes_session=wrong")],
        ] {
            let fresh = library.guarded();
            let answer = fresh.ask(endpoint.method, &target, &headers).await;
            if endpoint.access == Access::Open {
                assert_ne!(answer.status, 401, "{} {target}", endpoint.method);
            } else {
                assert_eq!(answer.problem(401), "denied", "{} {target}", endpoint.method);
                assert!(answer.header("www-authenticate").starts_with("Bearer"));
            }
        }
        if endpoint.access == Access::Open {
            open.push(format!("{} {}", endpoint.method, endpoint.path));
        } else if endpoint.method == "GET" {
            let bearer = format!("Bearer {TOKEN}");
            let answer = server.ask("GET", &target, &[("authorization", &bearer)]).await;
            assert_ne!(answer.status, 401, "{target}");
            assert_eq!(server.ask("HEAD", &target, &[]).await.status, 401, "HEAD {target}");
        }
    }
    assert!(walked >= 45, "{walked} routes");
    open.sort();
    assert_eq!(
        open,
        ["GET /api/v1/session", "GET /health", "GET /static/{*path}", "POST /api/v1/session"],
        "a new open route is a decision"
    );
    for (method, target) in [("GET", "/nothing"), ("GET", "/api/v1/nothing"), ("PUT", "/health")] {
        server.ask(method, target, &[]).await.problem(401);
    }
}

#[tokio::test]
async fn a_person_without_the_token_gets_the_page_to_sign_in_on() {
    let library = Library::filled();
    let server = library.guarded();
    for target in ["/", "/jobs", "/asset/x", "/elsewhere"] {
        let answer = server.ask("GET", target, &[NAVIGATION]).await;
        assert_eq!(answer.status, 401, "{target}");
        assert!(answer.header("content-type").starts_with("text/html"), "{target}");
        assert!(answer.header("www-authenticate").starts_with("Bearer"), "{target}");
        assert_eq!(answer.header("cache-control"), "no-store", "{target}");
    }
    server.ask("GET", "/api/v1/stats", &[NAVIGATION]).await.problem(401);
    assert_eq!(server.get("/static/index.html").await.status, 200);
}

#[tokio::test]
async fn a_session_is_begun_with_the_token_and_ends() {
    let library = Library::filled();
    let server = library.guarded();
    let state = server.get("/api/v1/session").await.json();
    assert_eq!(state, json!({"needs_token": true, "signed_in": false}));
    let wrong = server.post("/api/v1/session", &json!({"token": "wrong"})).await;
    assert_eq!(wrong.problem(401), "denied");
    assert!(!wrong.headers.contains_key("set-cookie"));
    let answer = server.post("/api/v1/session", &json!({"token": TOKEN})).await;
    assert_eq!(answer.status, 204);
    let cookie = answer.header("set-cookie").to_owned();
    for word in ["HttpOnly", "SameSite=Strict", "Path=/"] {
        assert!(cookie.contains(word), "{cookie}");
    }
    let pair = cookie.split(';').next().unwrap().to_owned();
    let signed = [("cookie", pair.as_str())];
    assert_eq!(server.ask("GET", "/api/v1/stats", &signed).await.status, 200);
    let media = format!("/api/v1/assets/{}/media", library.id("video"));
    assert_eq!(server.ask("GET", &media, &signed).await.status, 200);
    let state = server.ask("GET", "/api/v1/session", &signed).await.json();
    assert_eq!(state, json!({"needs_token": true, "signed_in": true}));
    let ended = server.ask("DELETE", "/api/v1/session", &signed).await;
    assert_eq!(ended.status, 204);
    assert!(ended.header("set-cookie").contains("Max-Age=0"));
    server.ask("GET", "/api/v1/stats", &signed).await.problem(401);
}

#[tokio::test]
async fn guessing_ends_in_429() {
    let library = Library::empty();
    let server = library.guarded();
    for _ in 0..10 {
        server.post("/api/v1/session", &json!({"token": "guess"})).await.problem(401);
    }
    let answer = server.post("/api/v1/session", &json!({"token": "guess"})).await;
    assert_eq!(answer.problem(429), "limit");
    assert!(answer.header("retry-after").parse::<u64>().unwrap() <= 61);
    // Who has the token is let in, whoever else guesses from there.
    let bearer = format!("Bearer {TOKEN}");
    let answer = server.ask("GET", "/api/v1/stats", &[("authorization", &bearer)]).await;
    assert_eq!(answer.status, 200);
    let answer = server.post("/api/v1/session", &json!({"token": TOKEN})).await;
    assert_eq!(answer.status, 204);
}

#[tokio::test]
async fn foreign_hosts_and_pages_are_refused_on_every_route() {
    let library = Library::filled();
    let server = library.open();
    for endpoint in endpoints() {
        let target = filled_in(&endpoint.path);
        for headers in [
            vec![("host", "evil.example")],
            vec![("host", "localhost.evil.example:8080")],
            vec![("origin", "http://evil.example")],
            vec![("origin", "null")],
            vec![("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "no-cors")],
        ] {
            let answer = server.ask(endpoint.method, &target, &headers).await;
            assert_eq!(answer.problem(403), "denied", "{} {target} {headers:?}", endpoint.method);
            assert!(!answer.headers.contains_key("access-control-allow-origin"));
        }
    }
    for host in ["localhost", "127.0.0.1:9", "[::1]:8080", "media.example"] {
        assert_eq!(server.ask("GET", "/health", &[("host", host)]).await.status, 200, "{host}");
    }
    let preflight = [("origin", "http://evil.example"), ("access-control-request-method", "POST")];
    server.ask("OPTIONS", "/api/v1/scan", &preflight).await.problem(403);
}

#[tokio::test]
async fn every_answer_is_safe_in_a_browser() {
    let library = Library::filled();
    let server = library.open();
    let mut walked = 0;
    for endpoint in endpoints() {
        let target = filled_in(&endpoint.path);
        for headers in [vec![], vec![NAVIGATION], vec![("host", "evil.example")]] {
            let answer = server.ask(endpoint.method, &target, &headers).await;
            walked += 1;
            assert_eq!(answer.header("x-content-type-options"), "nosniff", "{target}");
            assert_eq!(answer.header("referrer-policy"), "no-referrer", "{target}");
            assert_eq!(answer.header("cross-origin-resource-policy"), "same-origin", "{target}");
            let policy = answer.header("content-security-policy");
            assert!(
                policy.contains("default-src 'none'") && !policy.contains("unsafe"),
                "{policy}"
            );
            if answer.status >= 400 && !answer.header("content-type").starts_with("text/html") {
                answer.problem(answer.status);
            }
        }
    }
    assert!(walked > 130);
}

#[tokio::test]
async fn errors_of_every_sort_are_problems() {
    let library = Library::filled();
    let server = library.open();
    let video = library.id("video");
    let media = format!("/api/v1/assets/{video}/media");
    let json_type = ("content-type", "application/json");
    for (method, target, headers, body, status, kind) in [
        ("GET", "/nothing", vec![], "", 404, "not_found"),
        ("GET", "/api/v1/assets/none", vec![], "", 404, "not_found"),
        ("GET", "/api/v1/assets/none/media", vec![], "", 404, "not_found"),
        ("GET", "/api/v1/assets/none/poster", vec![], "", 404, "not_found"),
        ("GET", "/static/none.js", vec![], "", 404, "not_found"),
        ("GET", "/api/v1/jobs/7", vec![], "", 404, "not_found"),
        ("GET", "/jobs/7", vec![], "", 404, "not_found"),
        ("GET", "/api/v1/jobs/seven", vec![], "", 400, "invalid"),
        ("GET", "/jobs/seven", vec![], "", 400, "invalid"),
        ("GET", "/api/v1/search?query=duration:x", vec![], "", 400, "invalid"),
        ("GET", "/api/v1/search?limit=0", vec![], "", 400, "invalid"),
        ("GET", "/api/v1/search?limit=99999999999", vec![], "", 400, "invalid"),
        ("GET", "/api/v1/search?limit=1&limit=2", vec![], "", 400, "invalid"),
        ("GET", "/api/v1/search?unknown=1", vec![], "", 400, "invalid"),
        ("GET", "/api/v1/search?dry_run=1", vec![], "", 400, "invalid"),
        ("GET", "/api/v1/jobs?state=odd", vec![], "", 400, "invalid"),
        ("GET", "/stats?x=1", vec![], "", 400, "invalid"),
        ("GET", "/recent?limit=1001", vec![], "", 400, "invalid"),
        ("GET", "/search?q=duration:x", vec![], "", 400, "invalid"),
        ("GET", "/api/v1/assets/%ff", vec![], "", 400, "invalid"),
        ("PUT", "/api/v1/scan", vec![], "", 405, "invalid"),
        ("OPTIONS", "/api/v1/scan", vec![], "", 405, "invalid"),
        ("POST", "/api/v1/stats", vec![], "", 405, "invalid"),
        ("POST", "/api/v1/scan", vec![json_type], "[]", 400, "invalid"),
        ("POST", "/api/v1/scan", vec![json_type], "{", 400, "invalid"),
        ("POST", "/api/v1/scan", vec![json_type], "{\"rots\": []}", 400, "invalid"),
        ("POST", "/api/v1/scan", vec![json_type], "{\"roots\": 1}", 400, "invalid"),
        ("POST", "/api/v1/scan", vec![json_type], "{\"dry_run\": 1}", 400, "invalid"),
        ("POST", "/api/v1/scan?full=1", vec![], "", 400, "invalid"),
        ("POST", "/api/v1/scan", vec![json_type], "{\"workers\": 0}", 400, "invalid"),
        ("POST", "/api/v1/check", vec![json_type], "{\"read_data_percent\": 101}", 400, "invalid"),
        ("POST", "/api/v1/scan", vec![], "{}", 415, "unsupported"),
        ("POST", "/api/v1/scan", vec![("content-type", "text/plain")], "{}", 415, "unsupported"),
        ("POST", "/search", vec![("content-type", "text/plain")], "{}", 415, "unsupported"),
        ("POST", "/api/v1/jobs/1/cancel", vec![json_type], "{\"id\": 2}", 400, "invalid"),
        ("POST", "/api/v1/session", vec![json_type], "{}", 400, "invalid"),
        ("GET", &media, vec![("range", "bytes=10000-")], "", 416, "invalid"),
        ("GET", &media, vec![("if-match", "\"other\"")], "", 412, "conflict"),
        ("GET", &format!("{media}?x=1"), vec![], "", 400, "invalid"),
        ("POST", "/scan", vec![json_type], "{}", 400, "invalid"),
        ("GET", "/problems/none", vec![], "", 404, "not_found"),
    ] {
        let answer = server.send(method, target, &headers, Body::from(body)).await;
        assert_eq!(
            answer.status,
            status,
            "{method} {target} {body}: {}",
            String::from_utf8_lossy(&answer.body)
        );
        assert_eq!(answer.problem(status), kind, "{method} {target} {body}");
        if status == 405 {
            assert!(!answer.header("allow").is_empty(), "{method} {target}");
        }
    }
    for kind in ErrorKind::ALL {
        let page = server.get(&format!("/problems/{kind}")).await;
        assert_eq!(page.status, 200, "{kind}");
    }
}

#[tokio::test]
async fn bodies_are_bounded() {
    let library = Library::empty();
    let server = library.open();
    let headers = [("content-type", "application/json")];
    let too_long = vec![b' '; 2 * 1024 * 1024 + 1];
    let chunks = futures_util::stream::iter(
        too_long
            .chunks(60_000)
            .map(|chunk| Ok::<_, std::io::Error>(chunk.to_vec()))
            .collect::<Vec<_>>(),
    );
    let answer = server.send("POST", "/api/v1/scan", &headers, Body::from_stream(chunks)).await;
    assert_eq!(answer.problem(413), "limit");
    let stated = [("content-type", "application/json"), ("content-length", "99999999999")];
    let answer = server.send("POST", "/api/v1/scan", &stated, Body::empty()).await;
    assert_eq!(answer.problem(413), "limit");
    let deep = "[".repeat(200_000);
    let answer = server.send("POST", "/api/v1/scan", &headers, Body::from(deep)).await;
    assert_eq!(answer.problem(400), "invalid");
}

#[tokio::test]
async fn no_path_leads_out() {
    let library = Library::filled();
    let server = library.open();
    let secret = "../../etc/passwd";
    let encoded =
        ["..%2f..%2fetc%2fpasswd", "%2e%2e/%2e%2e/etc/passwd", "..%5c..%5cetc", "%00", "....//"];
    let mut walked = 0;
    for name in encoded.into_iter().chain([secret]) {
        for pattern in [
            "/static/{}",
            "/api/v1/assets/{}",
            "/api/v1/assets/{}/media",
            "/api/v1/assets/{}/poster",
            "/asset/{}",
            "/batches/{}",
            "/api/v1/batches/{}",
            "/problems/{}",
            "/{}",
        ] {
            let target = pattern.replace("{}", name);
            let answer = server.get(&target).await;
            walked += 1;
            let body = String::from_utf8_lossy(&answer.body);
            assert!(!body.contains("root:"), "{target}");
            let page = answer.header("content-type").starts_with("text/html");
            assert!(answer.status >= 400 || page, "{target}: {}", answer.status);
        }
    }
    assert_eq!(walked, 54);
    let inside = &library.media;
    std::os::unix::fs::symlink("/etc/passwd", inside.join("a.1.png")).unwrap();
    for (target, body) in [
        ("/scan", json!({"directory": "/etc"})),
        ("/scan", json!({"directory": format!("{}/../../../../etc", library.media.display())})),
        ("/scan", json!({"directory": "/no/such/folder"})),
        ("/api/v1/scan", json!({"roots": ["/etc"]})),
        ("/api/v1/scan", json!({"roots": ["/etc"], "dry_run": true})),
        ("/api/v1/probe", json!({"files": ["/etc/passwd"]})),
        ("/api/v1/convert", json!({"input": "/etc/passwd", "output": inside.join("new.mp4")})),
        ("/api/v1/convert", json!({"input": "/etc", "output": inside.join("new.mp4")})),
        ("/api/v1/convert", json!({"input": "/etc/host*", "output": inside.join("new.mp4")})),
        (
            "/api/v1/convert",
            json!({"input": inside.join("a.#.png"), "output": inside.join("n.mp4")}),
        ),
        (
            "/api/v1/convert",
            json!({"input": inside.join("Trip/a.mp4"), "output": "/tmp/new.mp4", "dry_run": true}),
        ),
        (
            "/api/v1/convert",
            json!({"input": inside.join("Trip/a.mp4"), "output": inside.join("../new.mp4")}),
        ),
        (
            "/api/v1/convert",
            json!({
                "input": inside.join("Trip/a.mp4"),
                "output": inside.join("new.mp4"),
                "filters": ["blend:file=/etc/passwd"],
            }),
        ),
        (
            "/api/v1/mosaic",
            json!({
                "tiles": [{"path": inside.join("Trip/a.mp4"), "filters": ["lut:file=/etc/passwd"]}],
                "output": inside.join("new.mp4"),
            }),
        ),
        (
            "/api/v1/probe",
            json!({"files": [format!("{}/../home/catalogue.sqlite", library.media.display())]}),
        ),
    ] {
        let answer = server.post(target, &body).await;
        assert_eq!(answer.problem(403), "denied", "{target} {body}");
    }
    assert_eq!(library.engine.queue().unwrap().list(None, None, 10).unwrap().len(), 0);
}

#[tokio::test]
async fn a_job_from_the_network_may_no_more_when_it_runs() {
    let library = Library::filled();
    let server = library.open();
    let body = json!({"roots": [library.media.to_str().unwrap()]});
    let queued = server.post("/api/v1/scan", &body).await.json();
    let id = queued["job"]["id"].as_i64().unwrap();
    assert_eq!(queued["job"]["authority"], "network");
    // The root goes before a worker takes the job: its folder is any folder now.
    let name = library.engine.catalog().unwrap().roots().unwrap()[0].name.clone();
    assert_eq!(server.ask("DELETE", &format!("/api/v1/paths/{name}"), &[]).await.status, 200);
    let ended = Runner::new(library.engine.clone(), "test")
        .run_job(id, &|_| {}, &AtomicBool::new(false))
        .unwrap();
    assert_eq!(ended.state, JobState::Failed);
    assert_eq!(ended.error.unwrap().kind, ErrorKind::Denied);
    assert!(library.engine.catalog().unwrap().roots().unwrap().is_empty(), "none was registered");
}

#[tokio::test]
async fn who_comes_with_a_token_registers_roots_only_where_the_owner_said() {
    let library = Library::filled();
    let elsewhere = tempfile::tempdir().unwrap();
    let allowed = tempfile::tempdir().unwrap();
    for folder in ["new", "other"] {
        std::fs::create_dir(allowed.path().join(folder)).unwrap();
    }
    std::os::unix::fs::symlink(elsewhere.path(), allowed.path().join("out")).unwrap();
    let inside = library.media.join("Trip");
    let server = library.guarded_with_roots_in(vec![allowed.path().to_owned()]);
    let headers =
        [("authorization", &*format!("Bearer {TOKEN}")), ("content-type", "application/json")];
    let add = async |server: &Server, path: &Path, dry_run: bool| {
        let body = json!({"path": path.to_str().unwrap(), "dry_run": dry_run}).to_string();
        server.send("POST", "/api/v1/paths", &headers, Body::from(body)).await
    };
    for path in [
        elsewhere.path(),
        &allowed.path().join("out"),
        &allowed.path().join("new/../.."),
        Path::new("/no/such/folder"),
        Path::new("/"),
    ] {
        for dry_run in [true, false] {
            let answer = add(&server, path, dry_run).await;
            assert_eq!(answer.problem(403), "denied", "{path:?}");
        }
    }
    assert_eq!(add(&server, &allowed.path().join("new"), true).await.status, 200);
    assert_eq!(add(&server, &allowed.path().join("new"), false).await.status, 201);
    assert_eq!(add(&server, &inside, false).await.status, 201, "within a root");
    // Where every folder may be registered, one that there is not is no secret.
    let open = Library::filled();
    let server = open.guarded_with_roots_in(vec![Path::new("/").to_owned()]);
    let answer = add(&server, Path::new("/no/such/folder"), false).await;
    assert_eq!(answer.problem(404), "not_found");
    let strict = Library::filled();
    let answer = add(&strict.guarded(), &allowed.path().join("other"), false).await;
    assert_eq!(answer.problem(403), "denied");
}
