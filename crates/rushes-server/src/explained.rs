//! Problem details for what never became a request. The HTTP library answers a
//! head that it cannot read by itself, with a status and no body, before any
//! handler could; here that answer gets the body that every other error has.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

use axum::body::{Body, Bytes};
use axum::http::StatusCode;
use axum::response::Response;
use hyper::body::{Frame, SizeHint};
use rushes_media::{Error, ErrorKind};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::problem::Problem;

/// Whose turn it is on a connection. While a handler's answer is on its way,
/// what is written is never taken for a refusal, whatever a file may hold.
#[derive(Clone, Default)]
pub(crate) struct Turn(Arc<State>);

#[derive(Default)]
struct State {
    is_answering: AtomicBool,
    /// All of the answer was handed over; it has still to be written.
    has_ended: AtomicBool,
}

impl Turn {
    /// A request goes to its handler.
    pub(crate) fn begin(&self) {
        self.0.has_ended.store(false, Ordering::Relaxed);
        self.0.is_answering.store(true, Ordering::Relaxed);
    }

    /// The handler's answer, whose end is noticed.
    pub(crate) fn watch(&self, answer: Response) -> Response {
        answer.map(|body| Body::new(Answer { body, turn: self.clone() }))
    }

    fn flushed(&self) {
        if self.0.has_ended.load(Ordering::Relaxed) {
            self.0.is_answering.store(false, Ordering::Relaxed);
        }
    }
}

/// The body of an answer.
struct Answer {
    body: Body,
    turn: Turn,
}

impl Drop for Answer {
    fn drop(&mut self) {
        self.turn.0.has_ended.store(true, Ordering::Relaxed);
    }
}

impl hyper::body::Body for Answer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A stream on which the HTTP library's own refusals are explained.
pub(crate) struct Explained<S> {
    stream: S,
    turn: Turn,
    /// What is still to be written in the place of a refusal.
    rest: Vec<u8>,
}

impl<S: AsyncWrite + Unpin> Explained<S> {
    pub(crate) fn new(stream: S) -> Explained<S> {
        Explained { stream, turn: Turn::default(), rest: Vec::new() }
    }

    /// To be told of requests and answers.
    pub(crate) fn turn(&self) -> Turn {
        self.turn.clone()
    }

    fn poll_rest(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.rest.is_empty() {
            let written = ready!(Pin::new(&mut self.stream).poll_write(context, &self.rest))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.rest.drain(..written);
        }
        Poll::Ready(Ok(()))
    }
}

/// What to say instead of this, when it is a refusal without a body.
fn explanation(bytes: &[u8]) -> Option<Problem> {
    let head = bytes.strip_prefix(b"HTTP/1.1 ")?.strip_suffix(b"\r\n\r\n")?;
    let head = str::from_utf8(head).ok()?;
    if !head.lines().any(|line| line.eq_ignore_ascii_case("content-length: 0")) {
        return None;
    }
    let what = "reading the request";
    let status: StatusCode = head.get(..3)?.parse().ok()?;
    let error = match status {
        StatusCode::BAD_REQUEST => Error::new(ErrorKind::Invalid, what, "it is not HTTP/1.1"),
        StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => {
            let why = "its address is too long, or its headers are too many or too large";
            Error::new(ErrorKind::Limit, what, why)
                .remedy("shorten it: a query has 2,000 bytes at most")
        }
        _ => return None,
    };
    Some(Problem::with_status(status, error))
}

impl<S: AsyncRead + Unpin> AsyncRead for Explained<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Explained<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_rest(context))?;
        if !self.turn.0.is_answering.load(Ordering::Relaxed)
            && let Some(problem) = explanation(bytes)
        {
            self.rest = problem.on_the_wire();
            return Poll::Ready(Ok(bytes.len()));
        }
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        // A refusal is one slice; answers have a head and a body.
        match slices {
            [only] => self.poll_write(context, only),
            _ => {
                ready!(self.poll_rest(context))?;
                Pin::new(&mut self.stream).poll_write_vectored(context, slices)
            }
        }
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_rest(context))?;
        ready!(Pin::new(&mut self.stream).poll_flush(context))?;
        self.turn.flushed();
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_rest(context))?;
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
