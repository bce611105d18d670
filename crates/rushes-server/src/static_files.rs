//! The dashboard's files, part of the binary.

use axum::extract::Request;
use axum::http::header::{ACCEPT, VARY};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::response::Response;
use rushes_media::{Error, ErrorKind};

use crate::json::tagged;
use crate::problem::Answer;

/// Each file: its path below `static/`, and its bytes. Only what is listed
/// here can be asked for, so that no path leads anywhere else.
static FILES: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/static_files.rs"));

/// The page that all addresses of the dashboard begin with.
const PAGE: &str = "index.html";

/// `GET /static/{*path}`.
pub(crate) fn file(path: &str, request: &HeaderMap) -> Answer {
    let (_, bytes) = FILES.iter().find(|(name, _)| *name == path).ok_or_else(|| {
        Error::new(ErrorKind::NotFound, "opening a file of the dashboard", "there is no such file")
    })?;
    Ok(tagged(request, media_type(path), *bytes))
}

/// The dashboard's page under this status.
pub(crate) fn page(status: StatusCode, request: &HeaderMap) -> Answer {
    let mut response = match status {
        StatusCode::OK => file(PAGE, request)?,
        // What is not found is no state of the page that could be kept.
        _ => file(PAGE, &HeaderMap::new())?,
    };
    if status != StatusCode::OK {
        *response.status_mut() = status;
    }
    Ok(varied(response))
}

/// The same answer, said to depend on what the client would take.
pub(crate) fn varied(mut response: Response) -> Response {
    response.headers_mut().append(VARY, HeaderValue::from_static("accept"));
    response
}

/// Whether a person opens this address in a browser: they get the page where
/// a program gets JSON.
pub(crate) fn is_navigation(request: &Request) -> bool {
    matches!(*request.method(), Method::GET | Method::HEAD) && takes_html(request.headers())
}

fn takes_html(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(ACCEPT).iter().filter_map(|line| line.to_str().ok());
    accepted.flat_map(|line| line.split(',')).any(|range| {
        let mut parts = range.split(';').map(str::trim);
        let html = parts.next().is_some_and(|kind| kind.eq_ignore_ascii_case("text/html"));
        let refused = |part: &str| {
            let quality = part.strip_prefix("q=").or_else(|| part.strip_prefix("Q="));
            quality.and_then(|quality| quality.parse::<f32>().ok()) == Some(0.0)
        };
        html && !parts.any(refused)
    })
}

fn media_type(path: &str) -> &'static str {
    let extension = path.rsplit_once('.').map_or("", |(_, extension)| extension);
    match extension {
        "html" => "text/html; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "json" | "map" => "application/json",
        "webmanifest" => "application/manifest+json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "webp" => "image/webp",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_has_a_type() {
        assert!(FILES.iter().any(|(name, _)| *name == PAGE), "the page is there");
        for (name, bytes) in FILES {
            assert_ne!(media_type(name), "application/octet-stream", "{name}");
            assert!(!bytes.is_empty(), "{name}");
        }
        assert!(FILES.is_sorted());
    }

    #[test]
    fn only_listed_files() {
        for path in ["", "../Cargo.toml", "/etc/passwd", "js", "js/", "INDEX.HTML", "index.html/"] {
            assert!(file(path, &HeaderMap::new()).is_err(), "{path}");
        }
    }

    #[test]
    fn browsers_get_the_page() {
        for (accept, html) in [
            ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", true),
            ("application/json, text/html;q=0.5", true),
            ("application/json, text/html;q=0", false),
            ("*/*", false),
            ("application/json", false),
            ("", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT, accept.parse().unwrap());
            assert_eq!(takes_html(&headers), html, "{accept}");
        }
        assert!(!takes_html(&HeaderMap::new()));
    }
}
