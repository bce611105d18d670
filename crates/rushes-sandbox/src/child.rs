//! The child's side: lock down, then do one task after the other.

use std::fs::File;
use std::io::{IoSliceMut, Write as _};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd as _, BorrowedFd};
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind};
use std::process::ExitCode;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};

use rushes_media::{Error, ErrorKind, Limits, Result};
use rustix::io::Errno;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, SendFlags, recvmsg,
};
use serde_json::Value;

use crate::lockdown;
use crate::wire::{
    Content, Given, Hello, MAX_FILES, MAX_REQUEST_BYTES, PROTOCOL, Request, Setup, clean_error,
    reply_start,
};

/// What a task gives back: a JSON value and blobs of bytes. All together at
/// most [`MAX_REPLY_BYTES`](crate::MAX_REPLY_BYTES), the JSON at most
/// [`MAX_REPLY_JSON_BYTES`](crate::MAX_REPLY_JSON_BYTES).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reply {
    /// What was found.
    pub value: Value,
    /// Bytes that JSON carries badly: pictures, samples.
    pub blobs: Vec<Vec<u8>>,
}

/// One thing that a child can do: from parameters and open files, within
/// limits, to a reply. It cannot open anything; the files are shared with the
/// parent, their positions too.
pub type Task = fn(params: Value, files: &mut [File], limits: &Limits) -> Result<Reply>;

/// The call that is being done; it is no other's file that is asked for.
static CALL: AtomicU32 = AtomicU32::new(0);

/// One asks at a time, so that each gets its own answer.
static ASKING: Mutex<()> = Mutex::new(());

/// Asks the parent for the file of this number, from within a task that was
/// called by [`Pool::call_giving`](crate::Pool::call_giving): the file, opened
/// for reading, and its name.
///
/// # Errors
/// The parent's, who may not open it; `Bug` when nobody answers.
pub fn ask(number: u64) -> Result<(File, Vec<u8>)> {
    const WHAT: &str = "asking for a file";
    let _turn = ASKING.lock().unwrap_or_else(PoisonError::into_inner);
    let input = std::io::stdin();
    let socket = input.as_fd();
    send_json(socket, Content::Asks, CALL.load(Ordering::Relaxed), &number)?;
    let mut buffer = vec![0; ANSWER_BYTES];
    let Some((answer, files)) = receive(socket, &mut buffer)? else {
        return Err(Error::bug(WHAT, "the parent is gone"));
    };
    let name = parse::<Given>(&answer)??;
    let file = files.into_iter().next();
    Ok((file.ok_or_else(|| Error::bug(WHAT, "it came without its descriptor"))?, name))
}

/// Bytes of an answer that one receive takes.
const ANSWER_BYTES: usize = 4 << 10;

/// Bytes that one receive takes at most.
const RECEIVE_BYTES: usize = 64 << 10;

/// Replies up to here are sent in one piece.
const ONE_PIECE_BYTES: usize = 64 << 10;

/// Runs a worker: answers requests for these tasks, which arrive over the
/// socket that is its standard input, until the socket closes. `warm` runs
/// once before the lockdown, for whatever must open files to get ready; it
/// should start no thread.
///
/// The exit code is zero when the parent closed the socket, and the error
/// kind's when the worker could not start.
pub fn serve(tasks: &[(&str, Task)], warm: fn()) -> ExitCode {
    ExitCode::from(serve_inside(tasks, warm))
}

/// The same for a program whose `main` is not ours, such as an interpreter:
/// the exit code that it should end with.
pub fn serve_inside(tasks: &[(&str, Task)], warm: fn()) -> u8 {
    let input = std::io::stdin();
    match run(input.as_fd(), tasks, warm) {
        Ok(()) => 0,
        Err(error) => {
            // The parent reads this; when it is gone there is nobody to tell.
            let _ = writeln!(std::io::stderr(), "{error}");
            error.kind.exit_code()
        }
    }
}

fn run(socket: BorrowedFd<'_>, tasks: &[(&str, Task)], warm: fn()) -> Result<()> {
    std::panic::set_hook(Box::new(note_panic));
    let mut buffer = vec![0; RECEIVE_BYTES];
    let Some((setup, _)) = receive(socket, &mut buffer)? else { return Ok(()) };
    let setup: Setup = parse(&setup)?;
    if setup.protocol != PROTOCOL {
        let why = format!("the parent speaks version {}, this is {PROTOCOL}", setup.protocol);
        return Err(Error::new(ErrorKind::Conflict, "starting a worker", why)
            .remedy("restart the program, it was replaced while it ran"));
    }
    ready_signals();
    warm();
    let protection = lockdown::lock(&setup.limits)?;
    let hello = Hello { protocol: PROTOCOL, protection };
    send_json(socket, Content::Hello, 0, &hello)?;

    while let Some((request, mut files)) = receive(socket, &mut buffer)? {
        let request: Request = parse(&request)?;
        let number = request.number;
        CALL.store(number, Ordering::Relaxed);
        let outcome = if request.files == files.len() {
            lockdown::allow_time(&setup.limits);
            catch_unwind(AssertUnwindSafe(|| perform(tasks, request, &mut files, &setup.limits)))
        } else {
            Ok(Err(Error::bug("receiving files", "some descriptors were lost")))
        };
        match outcome {
            Ok(Ok(reply)) => send_reply(socket, number, &reply)?,
            Ok(Err(error)) => send_json(socket, Content::Error, number, &clean_error(error))?,
            Err(_) => {
                // What the panic left behind is not to be trusted with another file.
                let error = clean_error(Error::bug("running a task", last_panic()));
                return send_json(socket, Content::LastError, number, &error);
            }
        }
    }
    Ok(())
}

fn perform(
    tasks: &[(&str, Task)],
    request: Request,
    files: &mut [File],
    limits: &Limits,
) -> Result<Reply> {
    match tasks.iter().find(|(name, _)| *name == request.task) {
        Some((_, task)) => task(request.params, files, limits),
        None => Err(Error::bug(
            format!("running the task '{}'", request.task),
            "this worker does not know it",
        )),
    }
}

/// The next message and the files that came with it; None when the parent has
/// closed the socket.
fn receive(socket: BorrowedFd<'_>, buffer: &mut [u8]) -> Result<Option<(Vec<u8>, Vec<File>)>> {
    const WHAT: &str = "receiving a request";
    let mut files = Vec::new();
    let mut message: Vec<u8> = Vec::new();
    let mut length = None;
    loop {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_FILES))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let mut parts = [IoSliceMut::new(buffer)];
        let received = match recvmsg(socket, &mut parts, &mut control, receive_flags()) {
            Ok(received) => received,
            Err(Errno::INTR) => continue,
            Err(Errno::CONNRESET) => return Ok(None),
            Err(Errno::NOTSOCK) => {
                let why = "standard input is not the socket of a parent";
                return Err(Error::new(ErrorKind::Invalid, "starting a worker", why)
                    .remedy("it is started by rushes itself, not by hand"));
            }
            Err(error) => return Err(Error::io(WHAT, &error.into())),
        };
        for item in control.drain() {
            if let RecvAncillaryMessage::ScmRights(descriptors) = item {
                files.extend(descriptors.map(File::from));
            }
        }
        if received.flags.contains(ReturnFlags::CTRUNC) {
            return Err(Error::bug(WHAT, "more descriptors than allowed"));
        }
        if received.bytes == 0 {
            return Ok(None);
        }
        message.extend_from_slice(buffer.get(..received.bytes).unwrap_or_default());
        if length.is_none()
            && let Some(prefix) = message.first_chunk::<4>()
        {
            let stated = u32::from_le_bytes(*prefix) as usize;
            if stated > MAX_REQUEST_BYTES {
                return Err(Error::bug(WHAT, format!("it states {stated} bytes")));
            }
            length = Some(stated);
            message.drain(..4);
        }
        match length {
            Some(length) if message.len() == length => return Ok(Some((message, files))),
            Some(length) if message.len() > length => {
                return Err(Error::bug(WHAT, "more bytes than it states"));
            }
            _ => {}
        }
    }
}

fn receive_flags() -> RecvFlags {
    #[cfg(target_os = "linux")]
    return RecvFlags::CMSG_CLOEXEC;
    #[cfg(not(target_os = "linux"))]
    RecvFlags::empty()
}

fn parse<T: serde::de::DeserializeOwned>(message: &[u8]) -> Result<T> {
    serde_json::from_slice(message).map_err(|error| Error::bug("reading a request", error))
}

fn send_json<T: serde::Serialize>(
    socket: BorrowedFd<'_>,
    content: Content,
    number: u32,
    message: &T,
) -> Result<()> {
    let json = serde_json::to_vec(message).map_err(|error| Error::bug("replying", error))?;
    match reply_start(content, number, &json, &[]) {
        Some(start) => send(socket, &start),
        None => Err(Error::bug("replying", "the message is too long")),
    }
}

fn send_reply(socket: BorrowedFd<'_>, number: u32, reply: &Reply) -> Result<()> {
    let json = serde_json::to_vec(&reply.value).map_err(|error| Error::bug("replying", error))?;
    let Some(mut start) = reply_start(Content::Value, number, &json, &reply.blobs) else {
        let bytes = reply.blobs.iter().fold(json.len(), |sum, blob| sum.saturating_add(blob.len()));
        let why = format!("{} blobs and {bytes} bytes are too much", reply.blobs.len());
        let error = Error::new(ErrorKind::Limit, "replying", why);
        return send_json(socket, Content::Error, number, &error);
    };
    drop(json);
    for blob in &reply.blobs {
        if start.len().saturating_add(blob.len()) <= ONE_PIECE_BYTES {
            start.extend_from_slice(blob);
        } else {
            send(socket, &start)?;
            start.clear();
            send(socket, blob)?;
        }
    }
    send(socket, &start)
}

fn send(socket: BorrowedFd<'_>, mut bytes: &[u8]) -> Result<()> {
    while !bytes.is_empty() {
        match rustix::net::send(socket, bytes, SendFlags::empty()) {
            Ok(sent) => bytes = bytes.get(sent..).unwrap_or_default(),
            Err(Errno::INTR) => {}
            Err(error) => return Err(Error::io("replying", &error.into())),
        }
    }
    Ok(())
}

/// The limits speak through signals; none may have been ignored by whoever
/// started the parent.
fn ready_signals() {
    // SAFETY: no handler is installed, only the two dispositions that the system provides.
    unsafe {
        libc::signal(libc::SIGXCPU, libc::SIG_DFL);
        // A write over the limit is an error to the one who writes.
        libc::signal(libc::SIGXFSZ, libc::SIG_IGN);
        libc::signal(libc::SIGPIPE, libc::SIG_IGN);
    }
}

static LAST_PANIC: Mutex<String> = Mutex::new(String::new());

fn note_panic(info: &PanicHookInfo<'_>) {
    let message = info.payload_as_str().unwrap_or("no message");
    let place = info
        .location()
        .map(|place| format!(" ({}:{})", place.file(), place.line()))
        .unwrap_or_default();
    let text = format!("it panicked: {message}{place}");
    let _ = writeln!(std::io::stderr(), "{text}");
    *LAST_PANIC.lock().unwrap_or_else(PoisonError::into_inner) = text;
}

fn last_panic() -> String {
    LAST_PANIC.lock().unwrap_or_else(PoisonError::into_inner).clone()
}
