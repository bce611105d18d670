//! Connections: accepted within bounds, cut when they are too slow, and ended
//! in order.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use rushes_media::{Error, ErrorKind};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::Sleep;
use tower::ServiceExt as _;

use crate::explained::Explained;
use crate::problem::Problem;
use crate::server::{Bounds, Peer};

/// The most that a request's head may hold.
const HEAD_BYTES: usize = 32 * 1024;
const MOST_HEADERS: usize = 100;
const BUFFER_BYTES: usize = 64 * 1024;
/// How long to wait when no connection can be accepted, for want of file
/// descriptors mostly.
const RETREAT: Duration = Duration::from_millis(100);

/// Serves until `stop` says otherwise, and then lets what runs end for as
/// long as the bounds allow.
pub(crate) async fn listen(
    listener: TcpListener,
    app: Router,
    bounds: Bounds,
    mut stop: watch::Receiver<bool>,
) {
    let places = Arc::new(Semaphore::new(bounds.connections));
    let mut open = JoinSet::new();
    loop {
        // Those that ended are forgotten as they end.
        while open.try_join_next().is_some() {}
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stop.wait_for(|stop| *stop) => break,
        };
        let Ok((stream, remote)) = accepted else {
            tokio::time::sleep(RETREAT).await;
            continue;
        };
        match places.clone().try_acquire_owned() {
            Ok(place) => {
                open.spawn(serve(stream, remote, app.clone(), bounds, stop.clone(), place));
            }
            Err(_) => {
                // A client that does not take it at once goes without.
                let _ = stream.try_write(&full());
            }
        }
    }
    drop(listener);
    let ended = async { while open.join_next().await.is_some() {} };
    if tokio::time::timeout(bounds.farewell, ended).await.is_err() {
        open.abort_all();
    }
}

fn full() -> Vec<u8> {
    let what = "accepting the connection";
    let error = Error::new(ErrorKind::Unavailable, what, "too many are open");
    Problem::from(error).on_the_wire()
}

async fn serve(
    stream: TcpStream,
    remote: SocketAddr,
    app: Router,
    bounds: Bounds,
    mut stop: watch::Receiver<bool>,
    _place: OwnedSemaphorePermit,
) {
    let Ok(local) = stream.local_addr() else { return };
    // Only a matter of speed; a connection without it works as well.
    let _ = stream.set_nodelay(true);
    let peer = Peer { remote, local };
    let stream = Explained::new(Impatient::new(stream, bounds.stall));
    let turn = stream.turn();
    let service = hyper::service::service_fn(move |request: Request<Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(peer);
        let (app, turn) = (app.clone(), turn.clone());
        async move {
            turn.begin();
            app.oneshot(request).await.map(|answer| turn.watch(answer))
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(bounds.head_wait)
        .max_headers(MOST_HEADERS)
        .max_header_size(HEAD_BYTES)
        .max_buf_size(BUFFER_BYTES)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    let stopped = tokio::select! {
        // How a connection ends is the client's affair.
        _ = connection.as_mut() => false,
        _ = stop.wait_for(|stop| *stop) => true,
    };
    if stopped {
        connection.as_mut().graceful_shutdown();
        let _ = connection.await;
    }
}

/// A stream that fails when the other end takes nothing for too long.
struct Impatient<S> {
    stream: S,
    patience: Duration,
    waiting: Option<Pin<Box<Sleep>>>,
}

impl<S: AsyncWrite + Unpin> Impatient<S> {
    fn new(stream: S, patience: Duration) -> Impatient<S> {
        Impatient { stream, patience, waiting: None }
    }

    fn judge<T>(
        &mut self,
        context: &mut Context<'_>,
        written: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.waiting = None;
            return written;
        }
        let patience = self.patience;
        let waiting = self.waiting.get_or_insert_with(|| Box::pin(tokio::time::sleep(patience)));
        match waiting.as_mut().poll(context) {
            Poll::Ready(()) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Impatient<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Impatient<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.judge(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.judge(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(context);
        self.judge(context, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let shut = Pin::new(&mut self.stream).poll_shutdown(context);
        self.judge(context, shut)
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::time::Instant;

    use axum::http::header::CONTENT_LENGTH;
    use axum::routing::get;
    use futures_util::{StreamExt as _, stream};

    use super::*;

    const REFUSAL: &str = "HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n";

    const SHORT: Duration = Duration::from_millis(300);

    fn bounds() -> Bounds {
        Bounds {
            head_wait: SHORT,
            stall: SHORT,
            connections: 2,
            farewell: SHORT,
            ..Bounds::default()
        }
    }

    /// A server of its own, its address, and what stops it.
    fn start(bounds: Bounds) -> (tokio::runtime::Runtime, SocketAddr, watch::Sender<bool>) {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let endless = || async {
            Body::from_stream(stream::repeat_with(|| Ok::<_, io::Error>(vec![0_u8; 65_536])))
        };
        // What was there before is written before the next is there.
        let alone = async |chunk| {
            tokio::task::yield_now().await;
            chunk
        };
        let posing = move || async move {
            let chunks = ["a file", REFUSAL, REFUSAL].map(Ok::<_, io::Error>);
            let size = 6 + 2 * REFUSAL.len();
            ([(CONTENT_LENGTH, size)], Body::from_stream(stream::iter(chunks).then(alone)))
        };
        let app = Router::new()
            .route("/", get(|| async { "here" }))
            .route("/endless", get(endless))
            .route("/posing", get(posing));
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = watch::channel(false);
        runtime.spawn(listen(listener, app, bounds, stopped));
        (runtime, address, stop)
    }

    fn connect(address: SocketAddr) -> std::net::TcpStream {
        let stream = std::net::TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        stream
    }

    fn rest(mut stream: std::net::TcpStream) -> String {
        let mut bytes = Vec::new();
        // A connection that is cut may end in an error, which is as good.
        let _ = stream.read_to_end(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    }

    #[test]
    fn a_head_that_never_ends_is_cut_off() {
        let (_runtime, address, _stop) = start(bounds());
        let started = Instant::now();
        let mut stream = connect(address);
        stream.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ").unwrap();
        let answer = rest(stream);
        assert!(!answer.contains("here"), "{answer}");
        assert!(started.elapsed() < Duration::from_secs(5));
    }

    #[test]
    fn a_head_too_large_is_refused() {
        let (_runtime, address, _stop) = start(bounds());
        let mut stream = connect(address);
        let head =
            format!("GET / HTTP/1.1\r\nHost: localhost\r\nX: {}\r\n\r\n", "x".repeat(HEAD_BYTES));
        // The server may close before it has all of it.
        let _ = stream.write_all(head.as_bytes());
        let answer = rest(stream);
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431"), "{answer}");
    }

    #[test]
    fn what_is_no_request_gets_a_problem_too() {
        let (_runtime, address, _stop) = start(bounds());
        let long = "a".repeat(70_000);
        let many: String = (0..=MOST_HEADERS).map(|i| format!("x-{i}: y\r\n")).collect();
        for (head, status, kind) in [
            ("GET\r\n\r\n".to_owned(), 400, "invalid"),
            ("GET / HTTP/1.1\r\nno colon\r\n\r\n".to_owned(), 400, "invalid"),
            (format!("GET / HTTP/1.1\r\n{many}\r\n"), 431, "limit"),
            (format!("GET /{long} HTTP/1.1\r\nHost: x\r\n\r\n"), 431, "limit"),
            ("GET / HTTP/1.1\r\nHost: x\r\n\r\n(noise)\r\n\r\n".to_owned(), 400, "invalid"),
        ] {
            let mut stream = connect(address);
            let _ = stream.write_all(head.as_bytes());
            let answer = rest(stream);
            let last = answer.rfind("HTTP/1.1 ").map_or("", |at| &answer[at..]);
            let what = &head[..head.len().min(40)];
            assert!(last.starts_with(&format!("HTTP/1.1 {status} ")), "{what}: {answer}");
            let (head, body) = last.split_once("\r\n\r\n").unwrap();
            assert!(head.contains("content-type: application/problem+json"), "{what}: {head}");
            assert!(head.contains(&format!("content-length: {}", body.len())), "{what}: {head}");
            let problem: serde_json::Value = serde_json::from_str(body).unwrap();
            assert_eq!((&problem["status"], &problem["kind"]), (&status.into(), &kind.into()));
        }
    }

    #[test]
    fn a_file_that_looks_like_a_refusal_is_left_as_it_is() {
        let (_runtime, address, _stop) = start(bounds());
        let mut stream = connect(address);
        stream.write_all(b"GET /posing HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
        let answer = rest(stream);
        let (_, body) = answer.split_once("\r\n\r\n").unwrap();
        assert_eq!(body, format!("a file{REFUSAL}{REFUSAL}"));
    }

    #[test]
    fn a_client_that_takes_nothing_is_cut_off() {
        let (_runtime, address, _stop) = start(Bounds { connections: 1, ..bounds() });
        let mut idle = connect(address);
        idle.write_all(b"GET /endless HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
        // Its place is free again once it was cut off.
        let deadline = Instant::now() + Duration::from_secs(10);
        loop {
            let mut other = connect(address);
            let _ = other.write_all(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
            if rest(other).contains("here") {
                break;
            }
            assert!(Instant::now() < deadline, "the place was never free");
        }
        drop(idle);
    }

    #[test]
    fn connections_are_bounded() {
        let (_runtime, address, _stop) =
            start(Bounds { head_wait: Duration::from_secs(30), ..bounds() });
        let mut held: Vec<_> = (0..2).map(|_| connect(address)).collect();
        for stream in &mut held {
            stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
            let mut begun = [0; 12];
            stream.read_exact(&mut begun).unwrap();
            assert_eq!(&begun, b"HTTP/1.1 200");
        }
        let answer = rest(connect(address));
        assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
        let (_, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(answer.contains(&format!("content-length: {}\r\n", body.len())), "{answer}");
        let problem: serde_json::Value = serde_json::from_str(body).unwrap();
        assert_eq!(problem["kind"], "unavailable");
    }

    #[test]
    fn it_ends_in_time_whoever_is_there() {
        let (runtime, address, stop) = start(bounds());
        let mut idle = connect(address);
        idle.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
        let mut endless = connect(address);
        endless.write_all(b"GET /endless HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
        let mut begun = [0; 12];
        endless.read_exact(&mut begun).unwrap();
        stop.send(true).unwrap();
        let started = Instant::now();
        std::thread::scope(|scope| {
            scope.spawn(|| rest(idle));
            scope.spawn(|| {
                let mut buffer = [0; 65_536];
                while matches!(endless.read(&mut buffer), Ok(count) if count > 0) {}
            });
        });
        assert!(started.elapsed() < Duration::from_secs(5));
        drop(runtime);
    }
}
