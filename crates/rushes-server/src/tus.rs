//! The tus protocol for uploads that can be resumed, version 1.0.0
//! (<https://tus.io/protocols/resumable-upload>): the core, and the extensions
//! `creation`, `creation-with-upload`, `checksum`, `expiration` and
//! `termination`.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{FromRequestParts as _, RawPathParams, Request};
use axum::http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue, LOCATION,
};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse as _, Response};
use rushes_actions::uploads::{Offer, Uploads};
use rushes_media::{Error, ErrorKind};
use rushes_store::{Digest, HashFormat, Hasher, Outcome, Upload};

use crate::base64::decoded;
use crate::json::done;
use crate::problem::{Answer, Problem};
use crate::routes::{API, Sending};
use crate::server::{Shared, Work};
use crate::token::new_secret;
use crate::uploads::{Expected, Receiver, described, finish, pour, step};

const VERSION: &str = "1.0.0";
const EXTENSIONS: &str = "creation,creation-with-upload,checksum,expiration,termination";
const CHECKSUMS: &str = "sha1,md5";
/// The type of what a PATCH carries.
const PART: &[u8] = b"application/offset+octet-stream";

const TUS_RESUMABLE: HeaderName = HeaderName::from_static("tus-resumable");
const TUS_VERSION: HeaderName = HeaderName::from_static("tus-version");
const TUS_EXTENSION: HeaderName = HeaderName::from_static("tus-extension");
const TUS_MAX_SIZE: HeaderName = HeaderName::from_static("tus-max-size");
const TUS_CHECKSUM_ALGORITHM: HeaderName = HeaderName::from_static("tus-checksum-algorithm");
const UPLOAD_OFFSET: HeaderName = HeaderName::from_static("upload-offset");
const UPLOAD_LENGTH: HeaderName = HeaderName::from_static("upload-length");
const UPLOAD_METADATA: HeaderName = HeaderName::from_static("upload-metadata");
const UPLOAD_EXPIRES: HeaderName = HeaderName::from_static("upload-expires");
const UPLOAD_CHECKSUM: HeaderName = HeaderName::from_static("upload-checksum");
const METHOD_OVERRIDE: HeaderName = HeaderName::from_static("x-http-method-override");

const WHAT: &str = "receiving a file";

/// Answers a request of the protocol. Every answer names its version.
pub(crate) async fn answer(
    server: &Shared,
    receiver: Arc<Receiver>,
    which: Sending,
    request: Request,
) -> Answer {
    let version = HeaderValue::from_static(VERSION);
    match handled(server, receiver, which, request).await {
        Ok(mut response) => {
            response.headers_mut().insert(TUS_RESUMABLE, version);
            Ok(response)
        }
        Err(problem) => Err(problem.header(TUS_RESUMABLE, version)),
    }
}

async fn handled(
    server: &Shared,
    receiver: Arc<Receiver>,
    which: Sending,
    request: Request,
) -> Answer {
    let (mut parts, body) = request.into_parts();
    if which == Sending::Describe {
        return Ok(description(&receiver.uploads));
    }
    let is_plain = which == Sending::Show && parts.method == Method::GET;
    if !is_plain {
        check_version(&parts.headers)?;
    }
    if which == Sending::Create {
        return create(server, receiver, parts, body).await;
    }
    let path = RawPathParams::from_request_parts(&mut parts, &())
        .await
        .map_err(|_| Problem::invalid(WHAT, "the address is not UTF-8"))?;
    let id = path.iter().next().map(|(_, id)| id.to_owned()).ok_or_else(Problem::hidden_bug)?;
    match which {
        Sending::Append => append(server, receiver, id, parts, body).await,
        Sending::End => end(server, receiver, id).await,
        Sending::Override => match text(&parts.headers, &METHOD_OVERRIDE)? {
            Some("PATCH") => append(server, receiver, id, parts, body).await,
            Some("DELETE") => end(server, receiver, id).await,
            Some("HEAD") => head(&receiver, &id).await,
            _ => {
                let error = Error::new(ErrorKind::Invalid, WHAT, "a part is sent with PATCH")
                    .remedy("use PATCH, or POST with X-HTTP-Method-Override: PATCH");
                Err(Problem::with_status(StatusCode::METHOD_NOT_ALLOWED, error)
                    .header(ALLOW, HeaderValue::from_static("GET, HEAD, PATCH, DELETE")))
            }
        },
        _ if parts.method == Method::HEAD => head(&receiver, &id).await,
        _ => {
            let upload = receiver.uploads.get(&id)?;
            done(StatusCode::OK, &described(&receiver.uploads, &upload))
        }
    }
}

fn check_version(headers: &HeaderMap) -> Result<(), Problem> {
    if text(headers, &TUS_RESUMABLE)? == Some(VERSION) {
        return Ok(());
    }
    let why = "it does not say that it speaks version 1.0.0 of the tus protocol";
    let error = Error::new(ErrorKind::Invalid, WHAT, why).remedy("send Tus-Resumable: 1.0.0");
    Err(Problem::with_status(StatusCode::PRECONDITION_FAILED, error)
        .header(TUS_VERSION, HeaderValue::from_static(VERSION)))
}

/// `OPTIONS`: what this server can do.
fn description(uploads: &Uploads) -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    let headers = response.headers_mut();
    headers.insert(TUS_VERSION, HeaderValue::from_static(VERSION));
    headers.insert(TUS_EXTENSION, HeaderValue::from_static(EXTENSIONS));
    headers.insert(TUS_CHECKSUM_ALGORITHM, HeaderValue::from_static(CHECKSUMS));
    headers.insert(TUS_MAX_SIZE, HeaderValue::from(uploads.rules().max_bytes));
    response
}

/// `POST`: begins an upload, with its first bytes when it has a body.
async fn create(server: &Shared, receiver: Arc<Receiver>, parts: Parts, body: Body) -> Answer {
    let headers = &parts.headers;
    for (name, of) in
        [("upload-defer-length", "a length told later"), ("upload-concat", "concatenation")]
    {
        if headers.contains_key(name) {
            return Err(Problem::invalid(WHAT, format!("this server does not know {of}")));
        }
    }
    let length = number(headers, &UPLOAD_LENGTH)?
        .ok_or_else(|| Problem::invalid(WHAT, "it has no Upload-Length"))?;
    let metadata = text(headers, &UPLOAD_METADATA)?.unwrap_or_default().to_owned();
    let mut offer = offer(&metadata)?;
    offer.length_bytes = Some(length);
    let has_body = is_part(headers);
    let stated = number(headers, &CONTENT_LENGTH)?;
    if !has_body && stated.is_some_and(|stated| stated > 0) {
        return Err(wrong_type());
    }
    let expected = expected(headers)?;
    if has_body && stated.is_some_and(|stated| stated > length) {
        return Err(
            Error::new(ErrorKind::Limit, WHAT, "it is longer than its Upload-Length").into()
        );
    }
    let id = new_secret()?;
    let (uploads, own_id) = (receiver.uploads.clone(), id.clone());
    let mut upload = step(server, Work::Receive, move || uploads.begin(&own_id, offer)).await?;
    if has_body {
        match receive(server, &receiver, &id, body, expected).await {
            Ok(received) => upload = received,
            Err(problem) => {
                // Where it is was never told, so that nobody can go on with it.
                let uploads = receiver.uploads.clone();
                step(server, Work::Receive, move || Ok(uploads.remove(&id)?)).await?;
                return Err(problem);
            }
        }
    }
    let upload = concluded(server, &receiver, upload).await?;
    let mut response = StatusCode::CREATED.into_response();
    let headers = response.headers_mut();
    insert(headers, LOCATION, &format!("{API}/uploads/{}", upload.id));
    state_of(headers, &receiver.uploads, &upload);
    Ok(response)
}

/// `PATCH`: the bytes that follow those that are here.
async fn append(
    server: &Shared,
    receiver: Arc<Receiver>,
    id: String,
    parts: Parts,
    body: Body,
) -> Answer {
    let headers = &parts.headers;
    if !is_part(headers) {
        return Err(wrong_type());
    }
    let offset = number(headers, &UPLOAD_OFFSET)?
        .ok_or_else(|| Problem::invalid(WHAT, "it has no Upload-Offset"))?;
    let expected = expected(headers)?;
    let stated = number(headers, &CONTENT_LENGTH)?;
    let upload = receive_at(server, &receiver, &id, offset, stated, body, expected).await?;
    let upload = concluded(server, &receiver, upload).await?;
    let mut response = StatusCode::NO_CONTENT.into_response();
    state_of(response.headers_mut(), &receiver.uploads, &upload);
    Ok(response)
}

async fn receive(
    server: &Shared,
    receiver: &Arc<Receiver>,
    id: &str,
    body: Body,
    expected: Option<Expected>,
) -> Result<Upload, Problem> {
    receive_at(server, receiver, id, 0, None, body, expected).await
}

/// Receives a part that begins here. It is seen to its end also when the
/// client's connection is gone: what arrived before that is kept.
async fn receive_at(
    server: &Shared,
    receiver: &Arc<Receiver>,
    id: &str,
    offset: u64,
    stated: Option<u64>,
    body: Body,
    expected: Option<Expected>,
) -> Result<Upload, Problem> {
    let turn = receiver.turn(id).await?;
    let upload = receiver.uploads.get(id)?;
    if upload.offset_bytes != offset {
        let why = format!("it goes on at {}, not at {offset}", upload.offset_bytes);
        let error =
            Error::new(ErrorKind::Conflict, WHAT, why).remedy("ask with HEAD where it goes on");
        return Err(
            Problem::from(error).header(UPLOAD_OFFSET, HeaderValue::from(upload.offset_bytes))
        );
    }
    let rest = upload.length_bytes.unwrap_or(0).saturating_sub(offset);
    if stated.is_some_and(|stated| stated > rest) {
        let why = format!("only {rest} bytes of it are missing");
        return Err(Error::new(ErrorKind::Limit, WHAT, why).into());
    }
    // Nothing is left to receive; its bytes may have their name by now.
    if upload.is_whole() {
        return Ok(upload);
    }
    let (server, uploads, id) = (server.clone(), receiver.uploads.clone(), id.to_owned());
    let receiving = tokio::spawn(async move {
        let own = uploads.clone();
        let receiving = step(&server, Work::Receive, move || Ok(own.receive(&id)?)).await?;
        pour(&server, &uploads, receiving, body.into_data_stream(), Some(turn), expected, false)
            .await
    });
    receiving.await.map_err(|_| Problem::hidden_bug())?
}

/// What becomes of an upload when this was the last of it.
async fn concluded(
    server: &Shared,
    receiver: &Arc<Receiver>,
    upload: Upload,
) -> Result<Upload, Problem> {
    let upload = match upload.outcome {
        None if upload.is_whole() => finish(server, receiver, &upload.id).await?,
        _ => upload,
    };
    match upload.outcome {
        Some(Outcome::Refused { error }) => Err(error.into()),
        _ => Ok(upload),
    }
}

/// `HEAD`: how much of it is here. Who is sending it stops: nobody asks who
/// still sends.
async fn head(receiver: &Receiver, id: &str) -> Answer {
    drop(receiver.turn(id).await?);
    let upload = receiver.uploads.get(id)?;
    if let Some(Outcome::Refused { error }) = upload.outcome {
        return Err(Problem::with_status(StatusCode::GONE, error));
    }
    let mut response = StatusCode::OK.into_response();
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Some(length) = upload.length_bytes {
        headers.insert(UPLOAD_LENGTH, HeaderValue::from(length));
    }
    if !upload.metadata.is_empty() {
        insert(headers, UPLOAD_METADATA, &upload.metadata);
    }
    state_of(headers, &receiver.uploads, &upload);
    Ok(response)
}

/// `DELETE`: nobody wants it any longer. What has its name keeps it.
async fn end(server: &Shared, receiver: Arc<Receiver>, id: String) -> Answer {
    let _turn = receiver.turn(&id).await?;
    let uploads = receiver.uploads.clone();
    step(server, Work::Receive, move || Ok(uploads.remove(&id)?)).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

fn state_of(headers: &mut HeaderMap, uploads: &Uploads, upload: &Upload) {
    headers.insert(UPLOAD_OFFSET, HeaderValue::from(upload.offset_bytes));
    let expires = jiff::Timestamp::from_nanosecond(uploads.expires_ns(upload).into());
    if upload.outcome.is_none()
        && let Ok(expires) = expires
    {
        // RFC 9110, section 5.6.7.
        insert(headers, UPLOAD_EXPIRES, &expires.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string());
    }
}

fn insert(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

fn is_part(headers: &HeaderMap) -> bool {
    headers.get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().eq_ignore_ascii_case(PART))
}

fn wrong_type() -> Problem {
    let why = "its type is not application/offset+octet-stream";
    Error::new(ErrorKind::Unsupported, WHAT, why)
        .remedy("send Content-Type: application/offset+octet-stream")
        .into()
}

/// The one header of this name, as text.
fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a str>, Problem> {
    let mut values = headers.get_all(name).iter();
    let (first, second) = (values.next(), values.next());
    if second.is_some() {
        return Err(Problem::invalid(WHAT, format!("{name} stands in it twice")));
    }
    first
        .map(|value| value.to_str())
        .transpose()
        .map_err(|_| Problem::invalid(WHAT, format!("{name} is no plain text")))
}

/// The header of this name as a number of bytes.
fn number(headers: &HeaderMap, name: &HeaderName) -> Result<Option<u64>, Problem> {
    let Some(value) = text(headers, name)? else { return Ok(None) };
    let digits = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
    let number = digits.then(|| value.parse().ok()).flatten();
    number.map(Some).ok_or_else(|| {
        Problem::invalid(WHAT, format!("{name} is no number of bytes from 0 to {}", u64::MAX))
    })
}

/// What a client tells of its file: `filename`, `filetype`, `lastModified` in
/// milliseconds since 1970, and `batch`; anything else is for itself.
fn offer(metadata: &str) -> Result<Offer, Problem> {
    let mut offer = Offer { metadata: metadata.to_owned(), ..Offer::default() };
    if metadata.trim().is_empty() {
        return Ok(offer);
    }
    let mut seen = Vec::new();
    for pair in metadata.split(',') {
        let (key, value) = pair.trim().split_once(' ').unwrap_or((pair.trim(), ""));
        let wrong = |why: &str| {
            let shown: String = key.chars().take(64).collect();
            Problem::invalid("reading Upload-Metadata", format!("{shown:?} {why}"))
        };
        if key.is_empty() {
            return Err(wrong("is an empty name"));
        }
        if seen.contains(&key) {
            return Err(wrong("is told twice"));
        }
        seen.push(key);
        let value = decoded(value.trim()).ok_or_else(|| wrong("has a value that is no base 64"))?;
        let text = || String::from_utf8(value).map_err(|_| wrong("has a value that is no UTF-8"));
        match key {
            "filename" => offer.name = text()?,
            "name" if offer.name.is_empty() => offer.name = text()?,
            "batch" => offer.batch = Some(text()?),
            // What makes no sense there does not keep a file away.
            "lastModified" => offer.modified_ms = text()?.trim().parse().ok(),
            _ => {}
        }
    }
    Ok(offer)
}

/// The hash that what is sent must have, when it says one.
fn expected(headers: &HeaderMap) -> Result<Option<Expected>, Problem> {
    let Some(value) = text(headers, &UPLOAD_CHECKSUM)? else { return Ok(None) };
    let (name, digest) = value.split_once(' ').unwrap_or((value, ""));
    let known = CHECKSUMS.split(',').find(|known| known.eq_ignore_ascii_case(name));
    let format = known.and_then(HashFormat::named).ok_or_else(|| {
        Error::new(
            ErrorKind::Invalid,
            "reading Upload-Checksum",
            "that algorithm is not known here",
        )
        .remedy(format!("use one of {CHECKSUMS}"))
    })?;
    let digest =
        decoded(digest.trim()).and_then(|bytes| Digest::new(format, &bytes)).ok_or_else(|| {
            Problem::invalid("reading Upload-Checksum", format!("it is no {format} hash"))
        })?;
    Ok(Some(Expected { digest, hasher: Hasher::new(format) }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_is_read_as_the_protocol_has_it() {
        let read = offer("filename d29ybGQ=,is_confidential,lastModified MTAwMA==,batch VHJpcA==")
            .unwrap();
        assert_eq!(read.name, "world");
        assert_eq!((read.modified_ms, read.batch.as_deref()), (Some(1_000), Some("Trip")));
        assert_eq!(offer("").unwrap().name, "");
        // What a sender made of it does not matter.
        assert_eq!(offer("lastModified eHg=").unwrap().modified_ms, None);
        assert_eq!(offer("name YQ==,filename Yg==").unwrap().name, "b");
        assert_eq!(offer("filename Yg==,name YQ==").unwrap().name, "b");
        for wrong in
            ["filename d29ybGQ=,filename d29ybGQ=", "filename !", "filename /w==", ",", "a,,b"]
        {
            assert!(offer(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn numbers_are_digits_alone() {
        for (value, expected) in [
            ("0", Some(0)),
            ("18446744073709551615", Some(u64::MAX)),
            ("18446744073709551616", None),
            ("-1", None),
            ("+1", None),
            ("1e3", None),
            ("0x10", None),
            (" 1", None),
            ("", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(UPLOAD_LENGTH, HeaderValue::from_str(value).unwrap());
            assert_eq!(number(&headers, &UPLOAD_LENGTH).ok().flatten(), expected, "{value:?}");
        }
        let mut twice = HeaderMap::new();
        twice.append(UPLOAD_LENGTH, HeaderValue::from_static("1"));
        twice.append(UPLOAD_LENGTH, HeaderValue::from_static("1"));
        assert!(number(&twice, &UPLOAD_LENGTH).is_err());
    }
}
