//! Media bytes and previews: whole or in ranges, streamed with little memory
//! however long they are, and never as something a browser would run.

use axum::body::Body;
use axum::extract::{FromRequestParts as _, RawPathParams, Request};
use axum::http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE,
    CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, HeaderValue, LAST_MODIFIED, RANGE,
};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use rushes_actions::media::Preview;
use rushes_media::{Error, ErrorKind, UnixNanos};

use crate::conditions::{Validators, Verdict, http_date, whole_second};
use crate::params::bool_of;
use crate::problem::{Answer, Problem};
use crate::range::{Span, Wanted, wanted};
use crate::server::{Shared, Work};
use crate::stream::{Part, stream};
use crate::token::new_secret;
use crate::verbs::query_pairs;

/// For media that a browser opens by itself: shown, never run.
const MEDIA_POLICY: &str = "sandbox; default-src 'none'; img-src 'self'; media-src 'self'";
const FOREVER: &str = "private, max-age=31536000, immutable";
const FOR_NOW: &str = "private, max-age=300";
const ASK_AGAIN: &str = "private, no-cache";

/// An open file, and what is said of it.
pub(crate) struct Served {
    pub(crate) file: std::fs::File,
    pub(crate) mime: String,
    pub(crate) size_bytes: u64,
    pub(crate) modified: Option<UnixNanos>,
    /// With its quotes.
    pub(crate) etag: String,
    pub(crate) disposition: Option<String>,
    pub(crate) cache: &'static str,
}

/// `GET /api/v1/assets/{id}/media`: the file's bytes.
pub(crate) async fn media(server: &Shared, request: Request) -> Answer {
    let (id, query, request) = read(request).await?;
    let mut download = false;
    for (name, text) in &query {
        match name.as_str() {
            "download" => download = bool_of(name, text)?,
            _ => return Err(unknown(name)),
        }
    }
    let found = server
        .blocking(Work::Open, move |engine, _| rushes_actions::media::open(engine, &id))
        .await?;
    let (mime, shown) = safe_type(&found.mime);
    let served = Served {
        file: found.file,
        mime,
        size_bytes: found.size_bytes,
        modified: Some(found.modified),
        etag: quoted(&found.etag),
        disposition: Some(disposition(&found.name, download || !shown)),
        cache: ASK_AGAIN,
    };
    respond(request.method(), request.headers(), server.now(), served)
}

/// `GET /api/v1/assets/{id}/poster` and its kind.
pub(crate) async fn preview(server: &Shared, which: Preview, request: Request) -> Answer {
    let (id, query, request) = read(request).await?;
    if let Some((name, _)) = query.iter().find(|(name, _)| name != "v") {
        return Err(unknown(name));
    }
    let found = server
        .blocking(Work::Open, move |engine, _| rushes_actions::media::preview(engine, &id, which))
        .await?;
    let served = Served {
        file: found.file,
        mime: found.mime.to_owned(),
        size_bytes: found.size_bytes,
        modified: None,
        etag: quoted(&found.etag),
        disposition: None,
        cache: if query.is_empty() { FOR_NOW } else { FOREVER },
    };
    respond(request.method(), request.headers(), server.now(), served)
}

type Read = (String, Vec<(String, String)>, Request);

async fn read(request: Request) -> Result<Read, Problem> {
    let (mut parts, body) = request.into_parts();
    let path = RawPathParams::from_request_parts(&mut parts, &())
        .await
        .map_err(|_| Problem::invalid("reading the address", "it is not UTF-8"))?;
    let id = path.iter().find(|(name, _)| *name == "id").map(|(_, id)| id.to_owned());
    let query = query_pairs(&parts.uri)?;
    let id = id.ok_or_else(Problem::hidden_bug)?;
    Ok((id, query, Request::from_parts(parts, body)))
}

fn unknown(name: &str) -> Problem {
    let shown: String = name.chars().take(64).collect();
    Problem::invalid("reading the parameters", format!("there is no parameter {shown:?}"))
}

/// Answers with a file: status 200, 206, 304, 412 or 416.
pub(crate) fn respond(
    method: &Method,
    request: &HeaderMap,
    now: UnixNanos,
    served: Served,
) -> Answer {
    let validators =
        Validators { etag: served.etag.clone(), modified: served.modified.and_then(whole_second) };
    let mut headers = HeaderMap::new();
    let mut set = |name, text: &str| {
        // A header that cannot be said is left out.
        if let Ok(value) = HeaderValue::from_str(text) {
            headers.insert(name, value);
        }
    };
    set(ETAG, &served.etag);
    set(CACHE_CONTROL, served.cache);
    set(ACCEPT_RANGES, "bytes");
    set(CONTENT_SECURITY_POLICY, MEDIA_POLICY);
    if let Some(date) = validators.modified.and_then(http_date) {
        set(LAST_MODIFIED, &date);
    }
    match validators.evaluate(request) {
        Verdict::Proceed => {}
        Verdict::NotModified => return Ok((StatusCode::NOT_MODIFIED, headers).into_response()),
        Verdict::Failed => {
            let why = "it is no longer what the client knows";
            let error = Error::new(ErrorKind::Conflict, "looking at the conditions", why);
            return Err(Problem::with_status(StatusCode::PRECONDITION_FAILED, error));
        }
    }
    let mut set = |name, text: &str| {
        if let Ok(value) = HeaderValue::from_str(text) {
            headers.insert(name, value);
        }
    };
    set(CONTENT_TYPE, &served.mime);
    if let Some(disposition) = &served.disposition {
        set(CONTENT_DISPOSITION, disposition);
    }
    let size = served.size_bytes;
    // Ranges are defined for GET alone (RFC 9110, section 14.2).
    let range = request
        .get(RANGE)
        .filter(|_| *method == Method::GET && validators.allows_range(request, now));
    let wanted = match range.map(|range| range.to_str()) {
        Some(Ok(range)) => wanted(range, size),
        Some(Err(_)) | None => Wanted::Whole,
    };
    match wanted {
        Wanted::Whole => {
            set(CONTENT_LENGTH, &size.to_string());
            let parts = vec![Part::File(Span { start: 0, end: size })];
            Ok(send(StatusCode::OK, headers, served.file, parts))
        }
        Wanted::Parts(spans) => match spans.as_slice() {
            [span] => {
                set(CONTENT_LENGTH, &span.len().to_string());
                set(CONTENT_RANGE, &content_range(*span, size));
                Ok(send(StatusCode::PARTIAL_CONTENT, headers, served.file, vec![Part::File(*span)]))
            }
            spans => {
                let boundary = new_secret()?;
                let parts = multipart(spans, size, &served.mime, &boundary);
                let length: u64 = parts.iter().map(Part::len).sum();
                set(CONTENT_LENGTH, &length.to_string());
                set(CONTENT_TYPE, &format!("multipart/byteranges; boundary={boundary}"));
                Ok(send(StatusCode::PARTIAL_CONTENT, headers, served.file, parts))
            }
        },
        Wanted::Refused => {
            let why = format!(
                "the file has {size} bytes, and the ranges name none of them or too many parts"
            );
            let error = Error::new(ErrorKind::Invalid, "reading the range", why);
            let problem = Problem::with_status(StatusCode::RANGE_NOT_SATISFIABLE, error);
            let total = HeaderValue::from_str(&format!("bytes */{size}"))
                .map_err(|_| Problem::hidden_bug())?;
            Err(problem.header(CONTENT_RANGE, total))
        }
    }
}

fn send(status: StatusCode, headers: HeaderMap, file: std::fs::File, parts: Vec<Part>) -> Response {
    (status, headers, Body::from_stream(stream(file, parts))).into_response()
}

fn content_range(span: Span, size_bytes: u64) -> String {
    format!("bytes {}-{}/{size_bytes}", span.start, span.end.saturating_sub(1))
}

/// The body of a `multipart/byteranges` answer (RFC 9110, section 14.6).
fn multipart(spans: &[Span], size_bytes: u64, mime: &str, boundary: &str) -> Vec<Part> {
    let mut parts = Vec::with_capacity(spans.len() * 2 + 1);
    let mut before = "";
    for span in spans {
        let range = content_range(*span, size_bytes);
        parts.push(Part::Text(format!(
            "{before}--{boundary}\r\nContent-Type: {mime}\r\nContent-Range: {range}\r\n\r\n"
        )));
        parts.push(Part::File(*span));
        before = "\r\n";
    }
    parts.push(Part::Text(format!("\r\n--{boundary}--\r\n")));
    parts
}

/// A strong tag in its quotes; what could end them is left out.
fn quoted(tag: &str) -> String {
    let inner: String =
        tag.chars().filter(|character| character.is_ascii_graphic() && *character != '"').collect();
    format!("\"{inner}\"")
}

/// The type to send, and whether a browser may show it in its place. What
/// could hold a script is sent as bytes to be saved.
fn safe_type(mime: &str) -> (String, bool) {
    let essence = mime.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let (group, name) = essence.split_once('/').unwrap_or_default();
    let plain = !name.is_empty()
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.+".contains(&byte));
    let shown = plain
        && matches!(group, "image" | "video" | "audio")
        && !name.contains("xml")
        && !name.contains("svg");
    if shown { (essence, true) } else { ("application/octet-stream".to_owned(), false) }
}

/// `Content-Disposition` with the file's name: in ASCII for old clients, and
/// whole (RFC 8187). Bytes that are not UTF-8 cannot be said there.
fn disposition(name: &[u8], attachment: bool) -> String {
    let name = String::from_utf8_lossy(name);
    let name: String = name.chars().filter(|character| !character.is_control()).collect();
    let ascii: String = name
        .chars()
        .map(|character| match character {
            '"' | '\\' | '%' | '/' => '_',
            _ if character.is_ascii() => character,
            _ => '_',
        })
        .collect();
    let mut whole = String::with_capacity(name.len());
    for byte in name.bytes() {
        // The `attr-char` of RFC 8187, section 3.2.1.
        if byte.is_ascii_alphanumeric() || b"!#$&+-.^_`|~".contains(&byte) {
            whole.push(char::from(byte));
        } else {
            whole.push_str(&format!("%{byte:02X}"));
        }
    }
    let word = if attachment { "attachment" } else { "inline" };
    format!("{word}; filename=\"{ascii}\"; filename*=UTF-8''{whole}")
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    const NOW: UnixNanos = 1_800_000_000_000_000_000;

    fn served(bytes: &[u8]) -> Served {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        Served {
            file,
            mime: "video/mp4".into(),
            size_bytes: bytes.len() as u64,
            modified: Some(784_111_777_500_000_000),
            etag: "\"tag\"".into(),
            disposition: None,
            cache: ASK_AGAIN,
        }
    }

    fn get(bytes: &[u8], pairs: &[(&'static str, &str)]) -> Response {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.insert(*name, value.parse().unwrap());
        }
        match respond(&Method::GET, &headers, NOW, served(bytes)) {
            Ok(response) => response,
            Err(problem) => problem.into_response(),
        }
    }

    fn header<'a>(response: &'a Response, name: &str) -> &'a str {
        response.headers().get(name).map_or("", |value| value.to_str().unwrap())
    }

    async fn body(response: Response) -> Vec<u8> {
        let length = header(&response, "content-length").parse::<usize>().unwrap();
        let bytes = axum::body::to_bytes(response.into_body(), 1 << 20).await.unwrap();
        assert_eq!(bytes.len(), length, "as long as the header says");
        bytes.to_vec()
    }

    #[tokio::test]
    async fn whole_and_single_ranges() {
        let bytes: Vec<u8> = (0..=255).cycle().take(10_000).collect();
        for (range, status, content_range, expected) in [
            (None, 200, "", &bytes[..]),
            (Some("bytes=0-499"), 206, "bytes 0-499/10000", &bytes[..500]),
            (Some("bytes=-500"), 206, "bytes 9500-9999/10000", &bytes[9500..]),
            (Some("bytes=9500-"), 206, "bytes 9500-9999/10000", &bytes[9500..]),
            (Some("bytes=500-600,601-999"), 206, "bytes 500-999/10000", &bytes[500..1000]),
            (Some("lines=1-2"), 200, "", &bytes[..]),
        ] {
            let pairs: Vec<(&str, &str)> =
                range.map(|range| ("range", range)).into_iter().collect();
            let response = get(&bytes, &pairs);
            assert_eq!(response.status().as_u16(), status, "{range:?}");
            assert_eq!(header(&response, "content-range"), content_range, "{range:?}");
            assert_eq!(header(&response, "accept-ranges"), "bytes");
            assert_eq!(header(&response, "last-modified"), "Sun, 06 Nov 1994 08:49:37 GMT");
            assert_eq!(body(response).await, expected, "{range:?}");
        }
    }

    #[tokio::test]
    async fn several_ranges_as_multipart() {
        let bytes: Vec<u8> = (0..=255).cycle().take(10_000).collect();
        let response = get(&bytes, &[("range", "bytes=0-1,5000-5003,-2")]);
        assert_eq!(response.status(), StatusCode::PARTIAL_CONTENT);
        assert_eq!(header(&response, "content-range"), "");
        let kind = header(&response, "content-type").to_owned();
        let boundary = kind.strip_prefix("multipart/byteranges; boundary=").unwrap().to_owned();
        let found = body(response).await;
        let mut expected = Vec::new();
        for (start, end) in [(0, 2), (5000, 5004), (9998, 10_000)] {
            let last = end - 1;
            expected.extend_from_slice(
                format!(
                    "{}--{boundary}\r\nContent-Type: video/mp4\r\nContent-Range: bytes {start}-{last}/10000\r\n\r\n",
                    if start == 0 { "" } else { "\r\n" }
                )
                .as_bytes(),
            );
            expected.extend_from_slice(&bytes[start..end]);
        }
        expected.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
        assert_eq!(found, expected);
    }

    #[tokio::test]
    async fn refused_and_conditional() {
        let same = "Sun, 06 Nov 1994 08:49:37 GMT";
        for (pairs, status) in [
            (vec![("range", "bytes=3-")], 416),
            (vec![("if-none-match", "\"tag\"")], 304),
            (vec![("if-modified-since", same)], 304),
            (vec![("if-match", "\"other\"")], 412),
            (vec![("range", "bytes=0-0"), ("if-range", "\"tag\"")], 206),
            (vec![("range", "bytes=0-0"), ("if-range", same)], 206),
            (vec![("range", "bytes=0-0"), ("if-range", "\"other\"")], 200),
            (vec![("range", "bytes=0-0"), ("if-range", "W/\"tag\"")], 200),
            (vec![("range", "bytes=9-"), ("if-range", "\"other\"")], 200),
            (vec![("range", "bytes=0-0"), ("if-none-match", "\"tag\"")], 304),
        ] {
            let response = get(b"abc", &pairs);
            assert_eq!(response.status().as_u16(), status, "{pairs:?}");
            if status == 416 {
                assert_eq!(header(&response, "content-range"), "bytes */3");
                assert_eq!(header(&response, "content-type"), "application/problem+json");
            }
        }
        let empty = get(b"", &[]);
        assert_eq!(empty.status(), StatusCode::OK);
        assert!(body(empty).await.is_empty());
    }

    #[test]
    fn a_range_is_for_get_alone() {
        let mut headers = HeaderMap::new();
        headers.insert(RANGE, "bytes=0-0".parse().unwrap());
        let response = respond(&Method::HEAD, &headers, NOW, served(b"abc")).unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(header(&response, "content-length"), "3");
    }

    #[test]
    fn nothing_that_runs_is_shown() {
        for (mime, sent, shown) in [
            ("video/mp4", "video/mp4", true),
            ("Image/HEIC", "image/heic", true),
            ("audio/x-wav; codecs=1", "audio/x-wav", true),
            ("image/svg+xml", "application/octet-stream", false),
            ("image/svg", "application/octet-stream", false),
            ("image/xml", "application/octet-stream", false),
            ("text/html", "application/octet-stream", false),
            ("application/xhtml+xml", "application/octet-stream", false),
            ("application/pdf", "application/octet-stream", false),
            ("image/x\r\nSet-Cookie: a", "application/octet-stream", false),
            ("", "application/octet-stream", false),
        ] {
            assert_eq!(safe_type(mime), (sent.to_owned(), shown), "{mime:?}");
        }
    }

    #[test]
    fn names_are_said_safely() {
        for (name, attachment, expected) in [
            (&b"a.mp4"[..], false, "inline; filename=\"a.mp4\"; filename*=UTF-8''a.mp4"),
            (b"a\"b\\c\r\nd", true, "attachment; filename=\"a_b_cd\"; filename*=UTF-8''a%22b%5Ccd"),
            (
                "naïve €.mov".as_bytes(),
                true,
                "attachment; filename=\"na_ve _.mov\"; filename*=UTF-8''na%C3%AFve%20%E2%82%AC.mov",
            ),
            (b"a\xff'", true, "attachment; filename=\"a_'\"; filename*=UTF-8''a%EF%BF%BD%27"),
        ] {
            let found = disposition(name, attachment);
            assert_eq!(found, expected);
            assert!(HeaderValue::from_str(&found).is_ok());
        }
        assert_eq!(quoted("a\"b\r\nc"), "\"abc\"");
    }
}
