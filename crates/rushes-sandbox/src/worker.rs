//! One child, seen from the parent. Nothing that it sends is believed.

use std::cell::Cell;
use std::fs::File;
use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::os::unix::fs::FileExt as _;
use std::os::unix::net::UnixStream;
use std::process::{Child, ExitStatus};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rushes_media::{Error, ErrorKind, Limits, Result};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::{RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags, recv, sendmsg};
use rustix::process::{Pid, Signal, kill_process_group};

use crate::bounded_json::value_from_slice;
use crate::exit::{exhausted, explain, last_words};
use crate::launch::{Spawned, Spawner};
use crate::lockdown::page_bytes;
use crate::processor::ProcessorClock;
use crate::wire::{
    Content, Given, HEADER_BYTES, Header, Hello, MAX_FILES, MAX_REPLY_VALUES, PROTOCOL, Setup,
    clean_error, message,
};
use crate::{Give, Protection, Reply};

/// How long a child may take to load its libraries and lock itself down.
const START: Duration = Duration::from_secs(30);
/// How often a wait looks at the cancel flag and at the processor time.
const TURN: Duration = Duration::from_millis(20);
/// How long a killed child is waited for in the foreground.
const DEATH: Duration = Duration::from_secs(2);
/// Calls after which a child is replaced.
const MAX_CALLS: u32 = 2_000;
/// Asking how much memory a child holds costs as much as a short call. A call
/// as long as this can have filled much; after so many, it is asked anyway.
const LONG_CALL: Duration = Duration::from_millis(1);
const CALLS_UNASKED: u32 = 16;
/// Bytes of its standard error that are kept.
const TAIL_BYTES: usize = 4 << 10;
/// Bytes that one receive takes at most.
const RECEIVE_BYTES: usize = 64 << 10;

/// A running child that has locked itself down.
pub struct Worker {
    /// None only while it is dropped.
    child: Option<Child>,
    socket: UnixStream,
    inbox: Inbox,
    errors: Errors,
    memory: Option<Memory>,
    processor: Option<ProcessorClock>,
    calls: u32,
    last_call: Duration,
    /// It said that it ends.
    last: bool,
    spawner: Spawner,
}

/// Why an exchange with a child ended before the reply was whole.
#[derive(Debug)]
pub enum Stop {
    /// Nothing of the request was taken: the child had ended before.
    Undelivered,
    /// The caller wants it no more.
    Cancelled,
    /// The wall-clock time is spent.
    TimedOut,
    /// The processor time is spent.
    Exhausted,
    /// The child closed its socket, most likely by dying.
    Died,
    /// It sent what a child must not.
    Refused(String),
    /// A call to the system failed here, in the parent.
    System(Errno),
}

/// Until when a wait lasts.
struct Watch<'a> {
    deadline: Instant,
    /// What the child's clock may show at the most.
    processor: Duration,
    /// When the clock is looked at next.
    next_look: Cell<Instant>,
    cancel: &'a AtomicBool,
}

impl<'a> Watch<'a> {
    fn new(wall: Duration, processor: Duration, cancel: &'a AtomicBool) -> Watch<'a> {
        let now = Instant::now();
        // A time that no clock reaches is no limit; a year stands for it.
        let deadline = now + wall.min(Duration::from_secs(365 * 24 * 3600));
        Watch { deadline, processor, next_look: Cell::new(now + TURN), cancel }
    }
}

impl Worker {
    /// Starts a child and waits until it has locked itself down.
    ///
    /// # Errors
    /// `Unavailable` when the program cannot be started or the cancel flag is
    /// set, and whatever keeps the child from starting.
    pub fn start(
        spawner: &Spawner,
        limits: &Limits,
        cancel: &AtomicBool,
    ) -> Result<(Worker, Protection)> {
        let Spawned { mut child, socket } = spawner.spawn()?;
        let errors = Errors::new(child.stderr.take().map(OwnedFd::from));
        let memory = Memory::open(&child);
        let processor = ProcessorClock::of(&child);
        let mut worker = Worker {
            child: Some(child),
            socket,
            inbox: Inbox::default(),
            errors,
            memory,
            processor,
            calls: 0,
            last_call: Duration::ZERO,
            last: false,
            spawner: spawner.clone(),
        };
        let setup = message(&Setup { protocol: PROTOCOL, limits: *limits })?;
        match worker.greet(&setup, &Watch::new(START, START, cancel)) {
            Ok(mut protection) => {
                protection.time_limit |= worker.processor.is_some();
                if let Some(memory) = &mut worker.memory {
                    memory.note_base();
                }
                Ok((worker, protection))
            }
            Err(stop) => Err(worker.failed_start(stop, limits)),
        }
    }

    fn greet(&mut self, setup: &[u8], watch: &Watch<'_>) -> Result<Protection, Stop> {
        self.send(setup, &[], watch)?;
        let (header, _, json) = self.receive_start(watch)?;
        if header.content != Content::Hello {
            return Err(Stop::Refused("a reply before it was asked".to_owned()));
        }
        let hello: Hello =
            serde_json::from_slice(&json).map_err(|error| Stop::Refused(error.to_string()))?;
        if hello.protocol != PROTOCOL {
            return Err(Stop::Refused(format!("version {} of the protocol", hello.protocol)));
        }
        Ok(hello.protection)
    }

    fn failed_start(mut self, stop: Stop, limits: &Limits) -> Error {
        const WHAT: &str = "starting a worker";
        if !matches!(stop, Stop::Died | Stop::Undelivered) {
            return match stop {
                Stop::TimedOut | Stop::Exhausted => {
                    let why = format!("it was not ready after {} s", START.as_secs());
                    Error::new(ErrorKind::Unavailable, WHAT, why)
                }
                stop => self.end(stop, WHAT, limits),
            };
        }
        let status = self.reap(DEATH);
        self.errors.drain();
        let words = last_words(&String::from_utf8_lossy(&self.errors.tail));
        let state = status.map_or_else(|| "it hangs".to_owned(), |status| status.to_string());
        let own_kind = status
            .and_then(|status| status.code())
            .and_then(|code| ErrorKind::ALL.into_iter().find(|k| i32::from(k.exit_code()) == code));
        let kind = own_kind.unwrap_or(ErrorKind::Unavailable);
        Error::new(kind, WHAT, format!("it ended at once ({state}){words}"))
    }

    /// Has the child do one task, this request of this number. The outer error is about the child, which is
    /// then of no more use; the inner one is the task's own.
    pub fn call(
        &mut self,
        number: u32,
        request: &[u8],
        files: &[BorrowedFd<'_>],
        give: Give<'_>,
        limits: &Limits,
        cancel: &AtomicBool,
    ) -> Result<Result<Reply>, Stop> {
        self.calls = self.calls.saturating_add(1);
        self.errors.tail.clear();
        let started = Instant::now();
        let used = self.processor.as_ref().and_then(ProcessorClock::used).unwrap_or_default();
        let processor = used.saturating_add(Duration::from_secs(limits.cpu_secs));
        let watch = Watch::new(Duration::from_secs(limits.wall_secs), processor, cancel);
        self.send(request, files, &watch)?;
        let (header, lengths, json) = loop {
            let (header, lengths, json) = self.receive_start(&watch)?;
            if header.number != number {
                return Err(Stop::Refused("the reply to another call".to_owned()));
            }
            if header.content != Content::Asks {
                break (header, lengths, json);
            }
            self.give(&json, give, &watch)?;
        };
        let mut blobs = Vec::with_capacity(lengths.len());
        for length in lengths {
            blobs.push(self.receive(length, &watch)?);
        }
        if !self.inbox.is_empty() {
            return Err(Stop::Refused("more than its reply".to_owned()));
        }
        self.last_call = started.elapsed();
        let refused = |error: serde_json::Error| Stop::Refused(format!("bad JSON: {error}"));
        match header.content {
            Content::Value => {
                let value = value_from_slice(&json, MAX_REPLY_VALUES).map_err(refused)?;
                Ok(Ok(Reply { value, blobs }))
            }
            Content::Error | Content::LastError => {
                self.last = header.content == Content::LastError;
                let error: Error = serde_json::from_slice(&json).map_err(refused)?;
                Ok(Err(clean_error(error)))
            }
            Content::Hello | Content::Asks => Err(Stop::Refused("a second greeting".to_owned())),
        }
    }

    /// Hands over the file that it asks for, or says why not.
    fn give(&mut self, json: &[u8], give: Give<'_>, watch: &Watch<'_>) -> Result<(), Stop> {
        let asked: u64 = serde_json::from_slice(json)
            .map_err(|error| Stop::Refused(format!("bad JSON: {error}")))?;
        let (file, given) = match give(asked) {
            Ok((file, name)) => (Some(file), Given::Ok(name)),
            Err(error) => (None, Given::Err(clean_error(error))),
        };
        // A name is short, and so is an error that was cleaned.
        let answer = message(&given).map_err(|error| Stop::Refused(error.to_string()))?;
        let files: Vec<BorrowedFd<'_>> = file.iter().map(File::as_fd).collect();
        self.send(&answer, &files, watch)
    }

    /// Ends the child; what its end means for the task.
    pub fn end(mut self, stop: Stop, what: &str, limits: &Limits) -> Error {
        match stop {
            Stop::Cancelled => cancelled(what),
            Stop::TimedOut => {
                let why = format!("it took over {} s", limits.wall_secs);
                Error::new(ErrorKind::Limit, what, why)
            }
            Stop::Exhausted => exhausted(what, limits),
            Stop::Refused(sent) => {
                let why = format!("the worker sent {sent}, and was ended");
                Error::new(ErrorKind::Corrupt, what, why)
            }
            Stop::System(error) => Error::io(what, &io::Error::from(error)),
            Stop::Died | Stop::Undelivered => {
                let status = self.reap(DEATH);
                self.errors.drain();
                explain(what, status, &self.errors.tail, limits)
            }
        }
    }

    /// Whether the child can take a call: it lives, and says nothing unasked.
    pub fn is_quiet(&self) -> bool {
        let mut sockets = [PollFd::new(&self.socket, PollFlags::IN)];
        let now = Timespec { tv_sec: 0, tv_nsec: 0 };
        poll(&mut sockets, Some(&now)).is_ok_and(|ready| ready == 0)
    }

    /// Whether it should be replaced: it ends by itself, has done many calls,
    /// or keeps much memory.
    pub fn is_worn(&self, limits: &Limits) -> bool {
        if self.last || self.calls >= MAX_CALLS {
            return true;
        }
        (self.last_call >= LONG_CALL || self.calls.is_multiple_of(CALLS_UNASKED))
            && self.memory.as_ref().is_some_and(|memory| memory.grown() > limits.memory_bytes / 2)
    }

    /// Tells the child to end, by closing the socket.
    pub fn dismiss(&self) {
        // It fails when the child is gone already.
        let _ = self.socket.shutdown(std::net::Shutdown::Both);
    }

    /// Waits until the child has ended, for so long at the most.
    pub fn reap(&mut self, patience: Duration) -> Option<ExitStatus> {
        let child = self.child.as_mut()?;
        let deadline = Instant::now() + patience;
        let mut pause = Duration::from_micros(100);
        loop {
            match child.try_wait() {
                Ok(Some(status)) => {
                    self.child = None;
                    return Some(status);
                }
                Ok(None) if Instant::now() < deadline => thread::sleep(pause),
                _ => return None,
            }
            pause = (pause * 2).min(Duration::from_millis(5));
        }
    }

    fn send(
        &mut self,
        mut bytes: &[u8],
        mut files: &[BorrowedFd<'_>],
        watch: &Watch<'_>,
    ) -> Result<(), Stop> {
        let mut untouched = true;
        while !bytes.is_empty() {
            let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_FILES))];
            let mut control = SendAncillaryBuffer::new(&mut space);
            if !files.is_empty() && !control.push(SendAncillaryMessage::ScmRights(files)) {
                return Err(Stop::System(Errno::INVAL));
            }
            match sendmsg(&self.socket, &[IoSlice::new(bytes)], &mut control, send_flags()) {
                Ok(sent) => {
                    bytes = bytes.get(sent..).unwrap_or_default();
                    files = &[];
                    untouched = false;
                }
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => self.wait(PollFlags::OUT, watch)?,
                Err(Errno::PIPE | Errno::CONNRESET) if untouched => return Err(Stop::Undelivered),
                Err(Errno::PIPE | Errno::CONNRESET) => return Err(Stop::Died),
                Err(error) => return Err(Stop::System(error)),
            }
        }
        Ok(())
    }

    /// The header, the lengths of the blobs and the JSON of one message.
    fn receive_start(&mut self, watch: &Watch<'_>) -> Result<(Header, Vec<usize>, Vec<u8>), Stop> {
        let header = Header::parse(&self.receive(HEADER_BYTES, watch)?).map_err(Stop::Refused)?;
        let lengths = self.receive(4 * header.blobs, watch)?;
        let lengths = header.parse_lengths(&lengths).map_err(Stop::Refused)?;
        let json = self.receive(header.json_bytes, watch)?;
        Ok((header, lengths, json))
    }

    /// So many bytes. Memory grows with what has arrived, not with what was stated.
    fn receive(&mut self, length: usize, watch: &Watch<'_>) -> Result<Vec<u8>, Stop> {
        let mut bytes = Vec::new();
        while bytes.len() < length {
            let missing = length - bytes.len();
            let buffered = self.inbox.take(missing);
            if !buffered.is_empty() {
                bytes.extend_from_slice(buffered);
                continue;
            }
            self.wait(PollFlags::IN, watch)?;
            let received = if missing < RECEIVE_BYTES {
                self.inbox.fill(&self.socket)
            } else {
                let before = bytes.len();
                bytes.resize(before + RECEIVE_BYTES, 0);
                let room = bytes.get_mut(before..).unwrap_or_default();
                let received = receive_into(&self.socket, room);
                bytes.truncate(before + *received.as_ref().unwrap_or(&0));
                received
            };
            match received {
                Ok(0) | Err(Errno::CONNRESET) => return Err(Stop::Died),
                Ok(_) | Err(Errno::INTR | Errno::AGAIN) => {}
                Err(error) => return Err(Stop::System(error)),
            }
        }
        Ok(bytes)
    }

    /// Waits until the socket can be read or written, and keeps reading the
    /// child's standard error meanwhile, so that it never blocks on it.
    fn wait(&mut self, wanted: PollFlags, watch: &Watch<'_>) -> Result<(), Stop> {
        loop {
            if watch.cancel.load(Ordering::Relaxed) {
                return Err(Stop::Cancelled);
            }
            let now = Instant::now();
            let left = watch.deadline.saturating_duration_since(now);
            if left.is_zero() {
                return Err(Stop::TimedOut);
            }
            if now >= watch.next_look.get() {
                watch.next_look.set(now + TURN);
                let used = self.processor.as_ref().and_then(ProcessorClock::used);
                if used.is_some_and(|used| used > watch.processor) {
                    return Err(Stop::Exhausted);
                }
            }
            let turn = left.min(TURN);
            let turn = Timespec { tv_sec: 0, tv_nsec: i64::from(turn.subsec_nanos()) };
            let (socket_ready, errors_ready) = match self.poll(wanted, &turn) {
                Ok(ready) => ready,
                Err(Errno::INTR) => continue,
                Err(error) => return Err(Stop::System(error)),
            };
            if errors_ready {
                self.errors.drain();
            }
            if socket_ready {
                return Ok(());
            }
        }
    }

    /// Whether the socket, and whether the standard error, has something.
    fn poll(&self, wanted: PollFlags, turn: &Timespec) -> Result<(bool, bool), Errno> {
        let socket = PollFd::new(&self.socket, wanted);
        let mut polled = match &self.errors.pipe {
            Some(pipe) => vec![socket, PollFd::new(pipe, PollFlags::IN)],
            None => vec![socket],
        };
        poll(&mut polled, Some(turn))?;
        let mut ready = polled.iter().map(|one| !one.revents().is_empty());
        Ok((ready.next().unwrap_or(false), ready.next().unwrap_or(false)))
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let Some(child) = self.child.as_mut() else { return };
        // It leads a session of its own, so the group is the child and what it might have
        // started. Until it is reaped, nobody else can have its number.
        if let Ok(id) = i32::try_from(child.id())
            && let Some(group) = Pid::from_raw(id)
        {
            // It fails when the group is gone, which is what is wanted.
            let _ = kill_process_group(group, Signal::KILL);
        }
        let _ = child.kill();
        if self.reap(DEATH).is_none()
            && let Some(child) = self.child.take()
        {
            self.spawner.bury(child);
        }
    }
}

/// The error of a call that its caller gave up.
pub fn cancelled(what: &str) -> Error {
    Error::new(ErrorKind::Unavailable, what, "cancelled")
}

fn send_flags() -> SendFlags {
    // Elsewhere the standard library has the socket raise no signal.
    #[cfg(target_os = "linux")]
    return SendFlags::NOSIGNAL;
    #[cfg(not(target_os = "linux"))]
    SendFlags::empty()
}

/// Bytes that came but were not asked for yet.
struct Inbox {
    buffer: Box<[u8]>,
    start: usize,
    end: usize,
}

impl Default for Inbox {
    fn default() -> Inbox {
        Inbox { buffer: vec![0; RECEIVE_BYTES].into_boxed_slice(), start: 0, end: 0 }
    }
}

impl Inbox {
    fn is_empty(&self) -> bool {
        self.start == self.end
    }

    /// At most so many bytes of what is here.
    fn take(&mut self, most: usize) -> &[u8] {
        let from = self.start;
        self.start = self.end.min(from.saturating_add(most));
        self.buffer.get(from..self.start).unwrap_or_default()
    }

    fn fill(&mut self, socket: &UnixStream) -> Result<usize, Errno> {
        (self.start, self.end) = (0, 0);
        self.end = receive_into(socket, &mut self.buffer)?;
        Ok(self.end)
    }
}

fn receive_into(socket: &UnixStream, room: &mut [u8]) -> Result<usize, Errno> {
    recv(socket, room, RecvFlags::empty()).map(|(received, _)| received)
}

/// The end of what a child writes to its standard error.
struct Errors {
    pipe: Option<OwnedFd>,
    tail: Vec<u8>,
}

impl Errors {
    fn new(pipe: Option<OwnedFd>) -> Errors {
        // A pipe that cannot be made non-blocking is not read at all.
        let pipe = pipe.filter(|pipe| rustix::io::ioctl_fionbio(pipe.as_fd(), true).is_ok());
        Errors { pipe, tail: Vec::new() }
    }

    /// Reads what is there, up to the size of one pipe, and keeps the end of it.
    fn drain(&mut self) {
        let mut chunk = [0; TAIL_BYTES];
        for _ in 0..16 {
            let Some(pipe) = &self.pipe else { return };
            match rustix::io::read(pipe, &mut chunk) {
                Ok(0) => self.pipe = None,
                Ok(read) => {
                    self.tail.extend_from_slice(chunk.get(..read).unwrap_or_default());
                    let surplus = self.tail.len().saturating_sub(TAIL_BYTES);
                    self.tail.drain(..surplus);
                }
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => return,
                Err(_) => self.pipe = None,
            }
        }
    }
}

/// How much memory a child holds, as the system counts it.
struct Memory {
    statm: File,
    page_bytes: u64,
    base_bytes: u64,
}

impl Memory {
    fn open(child: &Child) -> Option<Memory> {
        let statm = File::open(format!("/proc/{}/statm", child.id())).ok()?;
        Some(Memory { statm, page_bytes: page_bytes(), base_bytes: 0 })
    }

    fn note_base(&mut self) {
        self.base_bytes = self.resident_bytes().unwrap_or(0);
    }

    /// Bytes more than it had when it started.
    fn grown(&self) -> u64 {
        self.resident_bytes().unwrap_or(0).saturating_sub(self.base_bytes)
    }

    fn resident_bytes(&self) -> Option<u64> {
        let mut text = [0; 128];
        let read = self.statm.read_at(&mut text, 0).ok()?;
        let text = std::str::from_utf8(text.get(..read)?).ok()?;
        let pages: u64 = text.split_ascii_whitespace().nth(1)?.parse().ok()?;
        Some(pages.saturating_mul(self.page_bytes))
    }
}
