//! What the routes answer: verbs, media, the prototype's shapes, the
//! dashboard's files and the OpenAPI document.

use std::collections::BTreeSet;

use crate::support::Library;
use rushes_actions::ACTIONS;
use rushes_server::endpoints;
use serde_json::{Value, json};

#[tokio::test]
async fn reading_verbs_answer_with_tags() {
    let library = Library::filled();
    let server = library.open();
    let answer = server.get("/api/v1/search?query=kind%3Avideo&limit=5").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), "application/json");
    let page = answer.json();
    assert_eq!(page["total"], 1);
    assert_eq!(page["items"][0]["name"], "a.mp4");
    assert_eq!(page["items"][0]["duration_secs"], "5/2");
    let tag = answer.header("etag").to_owned();
    assert!(tag.starts_with("W/\""));
    let again = [("if-none-match", tag.as_str())];
    let answer = server.ask("GET", "/api/v1/search?query=kind%3Avideo&limit=5", &again).await;
    assert_eq!((answer.status, answer.body.len()), (304, 0));
    let answer = server.ask("GET", "/api/v1/search?query=kind%3Aaudio", &again).await;
    assert_eq!(answer.status, 200);
    let id = library.id("video");
    let asset = server.get(&format!("/api/v1/assets/{id}")).await.json();
    assert_eq!(asset["id"], id.as_str());
    assert_eq!(asset["places"].as_array().unwrap().len(), 1);
    let head = server.ask("HEAD", &format!("/api/v1/assets/{id}"), &[]).await;
    assert_eq!((head.status, head.body.len()), (200, 0));
    for target in [
        "/api/v1/recent?limit=2",
        "/api/v1/stats",
        "/api/v1/paths",
        "/api/v1/jobs",
        "/api/v1/batches",
    ] {
        assert_eq!(server.get(target).await.status, 200, "{target}");
    }
    let batch = server.get("/api/v1/batches/Trip?limit=2").await.json();
    assert_eq!(batch["items"].as_array().unwrap().len(), 2);
    let cursor = batch["next_cursor"].as_str().unwrap();
    let next = server.get(&format!("/api/v1/batches/Trip?limit=2&cursor={cursor}")).await.json();
    assert_eq!(next["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn jobs_are_queued_planned_and_cancelled() {
    let library = Library::filled();
    let server = library.open();
    for (target, body) in [
        ("/api/v1/scan", json!({"dry_run": true})),
        ("/api/v1/scan?dry_run=1", json!({})),
        ("/api/v1/scan", json!({"roots": ["Footage"], "dry_run": true})),
    ] {
        let answer = server.post(target, &body).await;
        assert_eq!(answer.status, 200, "{target} {body}");
        assert!(answer.json()["plan"]["summary"].is_string());
    }
    assert_eq!(server.get("/api/v1/jobs").await.json()["jobs"], json!([]));
    // No body at all is as good as an empty object.
    let answer = server.ask("POST", "/api/v1/scan", &[]).await;
    assert_eq!(answer.status, 202);
    let job = answer.json()["job"].clone();
    assert_eq!(job["state"], "queued");
    let id = job["id"].as_i64().unwrap();
    assert_eq!(answer.header("location"), format!("/api/v1/jobs/{id}"));
    assert_eq!(answer.header("cache-control"), "no-store");
    let again = server.post("/api/v1/scan", &json!({})).await.json();
    assert_eq!(again["job"]["id"], id, "the same job is not queued twice");
    let plan = server.post(&format!("/api/v1/jobs/{id}/cancel"), &json!({"dry_run": true})).await;
    assert_eq!(plan.json()["plan"]["effects"][0]["key"], "cancel");
    let cancelled = server.ask("POST", &format!("/api/v1/jobs/{id}/cancel"), &[]).await;
    assert_eq!(cancelled.json()["state"], "cancelled");
    let answer = server.post(&format!("/api/v1/jobs/{id}/retry"), &json!({})).await;
    assert_eq!(answer.json()["state"], "queued");
    server.post(&format!("/api/v1/jobs/{id}/retry"), &json!({})).await.problem(409);
    for (limit, status) in [("0", 400), ("1001", 400), ("1000", 200)] {
        for target in ["/api/v1/jobs", "/api/v1/search", "/jobs", "/search"] {
            let answer = server.get(&format!("{target}?limit={limit}")).await;
            assert_eq!(answer.status, status, "{target} {limit}");
        }
    }
    let listed = server.get("/api/v1/jobs?state=queued&limit=1").await.json();
    assert_eq!(listed["jobs"][0]["id"], id);
    for target in ["/api/v1/hash", "/api/v1/previews", "/api/v1/check"] {
        assert_eq!(server.post(target, &json!({})).await.status, 202, "{target}");
    }
}

/// Follows the cursors, two rows a page.
async fn pages_of(server: &crate::support::Server, target: &str, rows: &str) -> Vec<Vec<String>> {
    let (mut pages, mut cursor) = (Vec::new(), String::new());
    for _ in 0..10 {
        let page = server.get(&format!("{target}?limit=2{cursor}")).await;
        assert_eq!(page.status, 200, "{target} {cursor}");
        let page = page.json();
        let ids = page[rows].as_array().unwrap().iter().map(|row| row["id"].to_string());
        pages.push(ids.collect());
        let Some(next) = page["next_cursor"].as_str() else { return pages };
        cursor = format!("&cursor={next}");
    }
    panic!("{target} has no last page");
}

#[tokio::test]
async fn what_came_last_and_jobs_are_paged_by_cursor() {
    let library = Library::filled();
    let server = library.open();
    let all = server.get("/api/v1/recent").await.json();
    assert_eq!((&all["next_cursor"], &all["total"]), (&Value::Null, &json!(3)));
    let ids: Vec<String> =
        all["items"].as_array().unwrap().iter().map(|row| row["id"].to_string()).collect();
    assert_eq!(pages_of(&server, "/api/v1/recent", "items").await, [&ids[..2], &ids[2..]]);
    server.get("/api/v1/recent?cursor=made-up").await.problem(400);
    let search = server.get("/api/v1/search?limit=1").await.json();
    let foreign = search["next_cursor"].as_str().unwrap();
    server.get(&format!("/api/v1/recent?cursor={foreign}")).await.problem(400);
    // The prototype's list is the rows alone.
    assert_eq!(server.get("/recent").await.json().as_array().unwrap().len(), 3);

    assert_eq!(pages_of(&server, "/api/v1/jobs", "jobs").await, [[""; 0]]);
    for target in ["/api/v1/scan", "/api/v1/hash", "/api/v1/previews", "/api/v1/check"] {
        assert_eq!(server.post(target, &json!({})).await.status, 202, "{target}");
    }
    let jobs = pages_of(&server, "/api/v1/jobs", "jobs").await;
    assert_eq!(jobs, [["4", "3"], ["2", "1"]]);
    server.ask("POST", "/api/v1/jobs/3/cancel", &[]).await;
    let first = server.get("/api/v1/jobs?state=queued&limit=2").await.json();
    assert_eq!((&first["jobs"][1]["id"], &first["next_cursor"]), (&json!(2), &json!("2")));
    let last = server.get("/api/v1/jobs?state=queued&limit=2&cursor=2").await.json();
    assert_eq!((&last["jobs"][0]["id"], &last["next_cursor"]), (&json!(1), &Value::Null));
    for cursor in ["a", "-1", "0", "99999999999999999999", "1.5"] {
        server.get(&format!("/api/v1/jobs?cursor={cursor}")).await.problem(400);
    }
}

#[tokio::test]
async fn media_in_ranges() {
    let library = Library::filled();
    let server = library.open();
    let media = format!("/api/v1/assets/{}/media", library.id("video"));
    let answer = server.ask("GET", &media, &[("accept-encoding", "gzip, zstd")]).await;
    assert_eq!(answer.header("content-encoding"), "", "media is not compressed");
    assert_eq!(answer.status, 200);
    assert_eq!(answer.body, library.bytes);
    assert_eq!(answer.header("content-type"), "video/mp4");
    assert_eq!(
        answer.header("content-disposition"),
        "inline; filename=\"a.mp4\"; filename*=UTF-8''a.mp4"
    );
    assert!(answer.header("content-security-policy").starts_with("sandbox"));
    let tag = answer.header("etag").to_owned();
    assert!(tag.starts_with('"'), "a strong tag");
    let date = answer.header("last-modified").to_owned();
    assert_eq!(date, "Sun, 13 Sep 2020 12:26:40 GMT");
    for condition in [tag.as_str(), date.as_str()] {
        let headers =
            [("range", "bytes=-10"), ("if-range", condition), ("accept-encoding", "gzip, zstd")];
        let answer = server.ask("GET", &media, &headers).await;
        assert_eq!(answer.status, 206, "{condition}");
        assert_eq!(answer.body, &library.bytes[9_990..]);
        assert_eq!(answer.header("content-range"), "bytes 9990-9999/10000");
        assert_eq!(answer.header("content-encoding"), "", "media is not compressed");
    }
    let several = server.ask("GET", &media, &[("range", "bytes=0-0,9999-")]).await;
    assert_eq!(several.status, 206);
    assert!(several.header("content-type").starts_with("multipart/byteranges; boundary="));
    let head = server.ask("HEAD", &media, &[("range", "bytes=0-0")]).await;
    assert_eq!((head.status, head.body.len()), (200, 0));
    assert_eq!(head.header("content-length"), "10000");
    assert_eq!(head.header("accept-ranges"), "bytes");
    let known = server.ask("GET", &media, &[("if-none-match", &tag)]).await;
    assert_eq!((known.status, known.body.len()), (304, 0));
    let saved = server.get(&format!("{media}?download=1")).await;
    assert!(saved.header("content-disposition").starts_with("attachment"));
    // A file that is no longer what was scanned is not passed off as it.
    let path = library.media.join("Trip/a.mp4");
    std::fs::write(&path, b"something else").unwrap();
    assert_eq!(server.get(&media).await.problem(503), "unavailable");
    std::fs::remove_file(&path).unwrap();
    std::os::unix::fs::symlink("/etc/passwd", &path).unwrap();
    assert_eq!(server.get(&media).await.problem(503), "unavailable");
    // What is gone with its root will not be there in a moment.
    let root = library.engine.catalog().unwrap().roots().unwrap()[0].name.clone();
    assert_eq!(server.ask("DELETE", &format!("/api/v1/paths/{root}"), &[]).await.status, 200);
    assert_eq!(server.get(&media).await.problem(404), "not_found");
}

#[tokio::test]
async fn hostile_names_and_contents_do_nothing() {
    let library = Library::filled();
    let server = library.open();
    let answer = server.get(&format!("/api/v1/assets/{}/media", library.id("audio"))).await;
    assert_eq!(answer.status, 200);
    assert!(!answer.headers.contains_key("set-cookie"));
    let disposition = answer.header("content-disposition");
    assert!(
        disposition.starts_with("inline; filename=\"b_Set-Cookie: x=1_.wav\""),
        "{disposition}"
    );
    let page = server.get(&format!("/api/v1/assets/{}/media", library.id("still"))).await;
    assert_eq!(page.header("content-type"), "application/octet-stream");
    assert!(page.header("content-disposition").starts_with("attachment"));
    assert_eq!(page.header("x-content-type-options"), "nosniff");
}

#[tokio::test]
async fn previews_are_kept_for_good_by_version() {
    let library = Library::filled();
    let server = library.open();
    let id = library.id("video");
    let poster = format!("/api/v1/assets/{id}/poster");
    let answer = server.get(&poster).await;
    assert_eq!((answer.status, answer.header("content-type")), (200, "image/webp"));
    assert_eq!(answer.body, b"RIFF....WEBP");
    assert!(!answer.header("cache-control").contains("immutable"));
    let kept = server.get(&format!("{poster}?v=1")).await;
    assert!(kept.header("cache-control").contains("immutable"));
    assert!(kept.header("cache-control").starts_with("private"));
    let tag = kept.header("etag").to_owned();
    assert_eq!(server.ask("GET", &poster, &[("if-none-match", &tag)]).await.status, 304);
    // What a kind never has is not to be waited for.
    for (kind, which, waits, why) in [
        ("video", "strip", false, "too short"),
        ("video", "waveform", false, "only sound"),
        ("still", "waveform", false, "only sound"),
        ("audio", "strip", false, "only videos"),
        ("audio", "waveform", true, "not made"),
        ("still", "poster", true, "not made"),
    ] {
        let answer = server.get(&format!("/api/v1/assets/{}/{which}", library.id(kind))).await;
        assert_eq!(answer.problem(404), "not_found", "{which} of {kind}");
        let problem = answer.json();
        assert!(problem["detail"].as_str().unwrap().contains(why), "{problem}");
        assert_eq!(problem["remedy"].is_string(), waits, "{problem}");
    }
}

#[tokio::test]
async fn a_damaged_preview_is_made_again_and_not_sent() {
    let library = Library::filled();
    let server = library.open();
    let poster = format!("/api/v1/assets/{}/poster", library.id("video"));
    assert_eq!(server.get(&poster).await.status, 200);
    let shelves = library.engine.home().path().join("previews");
    let shelf = std::fs::read_dir(shelves).unwrap().next().unwrap().unwrap().path();
    let file = std::fs::read_dir(shelf).unwrap().next().unwrap().unwrap().path();
    std::fs::write(&file, b"RIFF....WEBp").unwrap();
    server.get(&poster).await.problem(404);
    assert!(!file.exists(), "it would be taken for the preview");
    let catalog = library.engine.catalog().unwrap();
    assert_eq!(catalog.asset(&library.id("video")).unwrap().row.preview, None);
    let jobs = library.engine.queue().unwrap().list(None, None, 10).unwrap();
    assert!(jobs.iter().any(|job| job.kind == "previews"), "{jobs:?}");
}

#[tokio::test]
async fn json_and_files_are_compressed() {
    let library = Library::filled();
    let server = library.open();
    for (accepted, encoding, magic) in
        [("gzip", "gzip", &[0x1f, 0x8b][..]), ("zstd", "zstd", &[0x28, 0xb5, 0x2f, 0xfd][..])]
    {
        for target in ["/openapi.json", "/static/index.html", "/api/v1/stats"] {
            let answer = server.ask("GET", target, &[("accept-encoding", accepted)]).await;
            assert_eq!(answer.header("content-encoding"), encoding, "{target}");
            assert!(answer.body.starts_with(magic), "{target}");
            assert!(answer.header("vary").contains("accept-encoding"), "{target}");
        }
    }
}

#[tokio::test]
async fn the_dashboard_and_its_files() {
    let library = Library::filled();
    let server = library.open();
    let browser = [("accept", "text/html,*/*;q=0.8")];
    for target in ["/", "/asset/x", "/roots"] {
        let answer = server.get(target).await;
        assert_eq!(answer.status, 200, "{target}");
        assert_eq!(answer.header("content-type"), "text/html; charset=utf-8");
    }
    // These are JSON for programs and the page for people.
    for target in ["/jobs", "/stats"] {
        let answer = server.ask("GET", target, &browser).await;
        assert_eq!(
            (answer.status, answer.header("content-type")),
            (200, "text/html; charset=utf-8"),
            "{target}"
        );
        assert!(answer.header("vary").contains("accept"), "{target}");
        let answer = server.get(target).await;
        assert!(answer.header("content-type").ends_with("json"), "{target}");
    }
    // Of these the dashboard has no view.
    for target in ["/paths", "/batches", "/recent", "/search?q=a", "/batches/Trip"] {
        let answer = server.ask("GET", target, &browser).await;
        let got = (answer.status, answer.header("content-type"));
        assert_eq!(got, (200, "application/json"), "{target}");
    }
    let elsewhere = server.ask("GET", "/elsewhere", &browser).await;
    assert_eq!(
        (elsewhere.status, elsewhere.header("content-type")),
        (404, "text/html; charset=utf-8")
    );
    let file = server.get("/static/index.html").await;
    assert_eq!(file.status, 200);
    let tag = file.header("etag").to_owned();
    let known = server.ask("GET", "/static/index.html", &[("if-none-match", &tag)]).await;
    assert_eq!(known.status, 304);
    // Every file that the page names is there, with the type that it needs.
    let page = String::from_utf8(file.body).unwrap();
    let mut named = 0;
    for part in page.split("/static/").skip(1) {
        let path = part.split('"').next().unwrap();
        let answer = server.get(&format!("/static/{path}")).await;
        assert_eq!(answer.status, 200, "{path}");
        named += 1;
        let kind = answer.header("content-type");
        match path.rsplit('.').next().unwrap() {
            "js" => assert_eq!(kind, "text/javascript; charset=utf-8"),
            "css" => assert_eq!(kind, "text/css; charset=utf-8"),
            _ => {}
        }
    }
    assert!(named >= 2, "{named} files named");
    assert!(!page.contains("<style") && !page.contains("onclick"), "nothing inline");
}

#[tokio::test]
async fn the_prototype_s_routes() {
    let library = Library::filled();
    let server = library.open();
    let health = server.get("/health").await.json();
    assert_eq!((&health["status"], &health["service"]), (&json!("ok"), &json!("video-api")));
    assert_eq!(health["active_jobs"], 0);
    let stats = server.get("/stats").await.json();
    assert_eq!(stats["total_files"], 3);
    assert_eq!(stats["total_size_bytes"], 10_000 + 14 + 25);
    let mimes: BTreeSet<&str> = stats["by_mime"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|row| row["mime"].as_str())
        .collect();
    assert_eq!(mimes, BTreeSet::from(["audio/wav", "text/html", "video/mp4"]));
    assert_eq!(stats["by_batch"], json!([{"batch": "Trip", "count": 3}]));
    let names = |rows: &Value| -> Vec<String> {
        rows.as_array()
            .unwrap()
            .iter()
            .map(|row| row["path"].as_str().unwrap().rsplit('/').next().unwrap().to_owned())
            .collect()
    };
    let recent = server.get("/recent?limit=2").await.json();
    assert_eq!(recent.as_array().unwrap().len(), 2);
    let expected = ["a.mp4"];
    let by_path = server.get("/search?q=kind:video").await.json();
    let by_query = server.ask("POST", "/search?q=kind:video&limit=5", &[]).await.json();
    let by_body = server.post("/search", &json!({"query": "kind:video", "limit": 5})).await.json();
    let by_q = server.post("/search", &json!({"q": "kind:video"})).await.json();
    for rows in [&by_path, &by_query, &by_body, &by_q] {
        assert_eq!(names(rows), expected);
    }
    for (kind, number) in [("video", 1), ("audio", 1), ("image", 1), ("Photo", 1), ("", 3)] {
        let rows = server.get(&format!("/search?q=&type={kind}")).await.json();
        assert_eq!(rows.as_array().unwrap().len(), number, "{kind}");
        let rows = server.post("/search", &json!({"query": "", "type": kind})).await.json();
        assert_eq!(rows.as_array().unwrap().len(), number, "{kind}");
    }
    let both = server.get("/search?q=a&type=audio").await.json();
    assert_eq!(both, json!([]), "the words count too");
    let unknown = server.get("/search?q=a&type=film").await;
    assert_eq!(unknown.problem(400), "invalid");
    let remedy = unknown.json()["remedy"].as_str().unwrap().to_owned();
    assert_eq!(remedy, "use one of audio, image, photo, still, video");
    let row = &by_path[0];
    assert_eq!(row["size_bytes"], 10_000);
    assert_eq!(row["mime"], "video/mp4");
    assert_eq!(row["duration_s"], 2.5);
    assert_eq!(row["batch"], "Trip");
    assert_eq!(row["sha1"], Value::Null);
    let poster = row["preview_path"].as_str().unwrap();
    assert_eq!(server.get(poster).await.status, 200);
    assert_eq!(server.get("/batches").await.json(), json!([{"batch": "Trip", "count": 3}]));
    assert_eq!(server.get("/batches/Trip").await.json().as_array().unwrap().len(), 3);
    server.get("/batches/None").await.problem(404);
}

#[tokio::test]
async fn the_prototype_s_roots_and_jobs() {
    let library = Library::filled();
    let server = library.open();
    let media = library.media.to_str().unwrap();
    assert_eq!(server.get("/paths").await.json(), json!([media]));
    let other = tempfile::tempdir().unwrap();
    let path = other.path().canonicalize().unwrap();
    let path = path.to_str().unwrap();
    let added = server.ask("POST", &format!("/paths?name=other&path={path}"), &[]).await;
    assert_eq!(added.status, 201);
    assert_eq!(added.json()["added"], path);
    let again = server.post("/paths", &json!({"path": path})).await;
    assert_eq!(again.problem(409), "conflict");
    assert_eq!(again.json()["error"], "duplicate");
    let removed = server.ask("DELETE", "/paths/other", &[]).await;
    assert_eq!((removed.status, removed.json()), (200, json!({"removed": "other"})));
    server.ask("DELETE", "/paths/other", &[]).await.problem(404);
    // The path that the list gives, whatever its bytes are, names the root too.
    use std::os::unix::ffi::OsStrExt as _;
    for name in [&b"plain"[..], "sp ace é%2F".as_bytes(), b"not\xffutf8"] {
        let folder = other.path().canonicalize().unwrap().join(std::ffi::OsStr::from_bytes(name));
        std::fs::create_dir(&folder).unwrap();
        let add = rushes_actions::find("paths add").unwrap();
        let context = rushes_actions::Context {
            engine: &library.engine,
            authority: rushes_actions::Authority::Local,
            progress: &rushes_actions::Unwatched::default(),
        };
        let given = rushes_media::give_path(folder.as_os_str()).unwrap();
        (add.apply)(&context, &json!({"path": given})).unwrap();
        let listed = server.get("/paths").await.json();
        let shown = listed[1].as_str().unwrap();
        let encoded: String = shown.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let removed = server.ask("DELETE", &format!("/paths/{encoded}"), &[]).await;
        assert_eq!(removed.status, 200, "{shown}");
        assert_eq!(server.get("/paths").await.json(), json!([media]));
    }
    let trip = library.media.join("Trip");
    let body = json!({"directory": trip.to_str().unwrap(), "recursive": true});
    let started = server.post("/scan", &body).await;
    assert_eq!(started.status, 202);
    let started = started.json();
    assert_eq!(started["status"], "started");
    let id = started["job_id"].as_str().unwrap();
    let body = json!({"directory": trip.to_str().unwrap(), "recursive": false});
    let shallow = server.post("/scan", &body).await.json();
    let job = server.get(&format!("/api/v1/jobs/{}", shallow["job_id"].as_str().unwrap())).await;
    assert_eq!(job.json()["params"]["shallow"], true);
    let jobs = server.get("/jobs").await.json();
    assert_eq!(jobs["jobs"][id]["status"], "pending");
    assert_eq!(jobs["jobs"][id]["progress"], 0);
    let job = server.get(&format!("/jobs/{id}")).await.json();
    for member in [
        "status",
        "created_at",
        "name",
        "total_files",
        "processed_files",
        "current_file",
        "progress",
        "result",
        "error",
    ] {
        assert!(job.get(member).is_some(), "{member}");
    }
    let cancelled = server.ask("DELETE", &format!("/jobs/{id}"), &[]).await.json();
    assert_eq!(cancelled["status"], "cancelled");
}

#[tokio::test]
async fn relative_paths_from_the_network_are_refused() {
    let library = Library::filled();
    let server = library.open();
    // They would begin where the server was started: here, where src is.
    for path in ["src", "./src", "../rushes-server", ""] {
        for (target, body) in [
            ("/api/v1/paths", json!({"path": path})),
            ("/paths", json!({"path": path})),
            ("/api/v1/scan", json!({"roots": [path]})),
            ("/scan", json!({"directory": path})),
            ("/api/v1/probe", json!({"files": [path]})),
        ] {
            let answer = server.post(target, &body).await;
            assert_eq!(answer.problem(400), "invalid", "{target} {path:?}");
            let detail = answer.json()["detail"].as_str().unwrap().to_owned();
            assert!(detail.contains("must be absolute"), "{target} {path:?}: {detail}");
        }
    }
    // A root's name is no path.
    let named = server.post("/api/v1/scan", &json!({"roots": ["Footage"]})).await;
    assert_eq!(named.status, 202);
}

#[tokio::test]
async fn openapi_describes_every_route() {
    let library = Library::empty();
    let server = library.open();
    let document = server.get("/openapi.json").await.json();
    assert_eq!(document["openapi"], "3.1.0");
    let mut described = BTreeSet::new();
    let mut names = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            described.insert(format!("{} {path}", method.to_uppercase()));
            let name = operation["operationId"].as_str().unwrap();
            assert!(names.insert(name.to_owned()), "{name} twice");
            assert!(!operation["summary"].as_str().unwrap().is_empty());
            assert_eq!(operation["responses"]["default"]["$ref"], "#/components/responses/Problem");
            let in_path: BTreeSet<&str> = path
                .split('/')
                .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
                .collect();
            let declared: BTreeSet<&str> = operation["parameters"]
                .as_array()
                .unwrap()
                .iter()
                .filter(|parameter| parameter["in"] == "path")
                .map(|parameter| parameter["name"].as_str().unwrap())
                .collect();
            assert_eq!(in_path, declared, "{path}");
        }
    }
    let expected: BTreeSet<String> = endpoints()
        .iter()
        .map(|endpoint| format!("{} {}", endpoint.method, endpoint.path.replace("{*", "{")))
        .collect();
    assert_eq!(described, expected);
    for verb in ACTIONS {
        assert!(names.contains(&verb.name.join("_")), "{}", verb.words());
        let path = &document["paths"][format!("/api/v1{}", verb.route.path)];
        let operation = &path[verb.route.method.to_lowercase()];
        assert_eq!(operation["summary"], verb.summary);
        let rehearsed = operation.to_string().contains("\"dry_run\"");
        assert_eq!(rehearsed, verb.changes || verb.as_job, "{}", verb.words());
    }
    let mut references = BTreeSet::new();
    collect(&document, &mut references);
    assert!(references.len() > 10);
    for reference in references {
        let pointer = reference.strip_prefix('#').unwrap_or_else(|| panic!("{reference}"));
        assert!(document.pointer(pointer).is_some(), "{reference}");
    }
}

fn collect(value: &Value, references: &mut BTreeSet<String>) {
    match value {
        Value::Object(object) => {
            if let Some(Value::String(reference)) = object.get("$ref") {
                references.insert(reference.clone());
            }
            object.values().for_each(|value| collect(value, references));
        }
        Value::Array(list) => list.iter().for_each(|value| collect(value, references)),
        _ => {}
    }
}

#[tokio::test]
async fn a_first_start_beyond_loopback_makes_a_token() {
    let library = Library::empty();
    let settings = rushes_server::Settings {
        // One address that others can reach is enough.
        bind: vec!["127.0.0.1:0".parse().unwrap(), "0.0.0.0:0".parse().unwrap()],
        ..crate::support::settings(None)
    };
    let first = rushes_server::App::new(library.engine.clone(), &settings).unwrap();
    let token = first.new_token.expect("a new token");
    let second = rushes_server::App::new(library.engine.clone(), &settings).unwrap();
    assert_eq!((second.needs_token, second.new_token), (true, None));
    let server = crate::support::Server(second.router);
    server.get("/api/v1/stats").await.problem(401);
    let bearer = format!("Bearer {token}");
    let answer = server.ask("GET", "/api/v1/stats", &[("authorization", &bearer)]).await;
    assert_eq!(answer.status, 200);
    let stored = std::fs::read_to_string(library.engine.home().token()).unwrap();
    assert!(!stored.contains(&token));
    let short = crate::support::settings(Some(String::new()));
    assert!(rushes_server::App::new(library.engine.clone(), &short).is_err());
}
