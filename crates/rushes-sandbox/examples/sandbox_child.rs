//! The child that this crate's tests start: it does a few honest tasks, and
//! then everything that a hostile or broken decoder might try.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::fd::{AsFd as _, AsRawFd as _};
use std::os::unix::net::UnixStream;
use std::process::{Command, ExitCode};
use std::sync::atomic::AtomicBool;
use std::sync::{Mutex, PoisonError};
use std::{io, ptr, thread};

use rushes_media::{Error, ErrorKind, Limits, Result};
use rushes_sandbox::{Launch, Pool, Reply, Task, serve};
use serde_json::{Value, json};

const TASKS: [(&str, Task); 20] = [
    ("echo", echo),
    ("identify", identify),
    ("ask", ask),
    ("blobs", blobs),
    ("fail", fail),
    ("attempt", attempt),
    ("threads", threads),
    ("allocate", allocate),
    ("hoard", hoard),
    ("chatter", chatter),
    ("panic", panic_now),
    ("segfault", segfault),
    ("abort", |_, _, _| std::process::abort()),
    ("exit", |_, _, _| std::process::exit(7)),
    ("overflow", overflow),
    ("work", work),
    ("spin", spin),
    ("hang", hang),
    ("forge", forge),
    ("out of descriptors", many_descriptors),
];

static WARMED: Mutex<String> = Mutex::new(String::new());

fn warm() {
    let text = std::fs::read_to_string("/proc/self/comm").unwrap_or_default();
    *WARMED.lock().unwrap_or_else(PoisonError::into_inner) = text;
}

fn main() -> ExitCode {
    let mode = std::env::args().nth(1).unwrap_or_default();
    match mode.as_str() {
        "worker" => serve(&TASKS, warm),
        "too many threads" => serve(&TASKS, || drop(thread::spawn(thread::park))),
        "garbage" => {
            send_raw(&[0xa5; 100_000]);
            park()
        }
        "early reply" => {
            send_raw(&[2, 0x73, 0x68, 0x72, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, b'1']);
            park()
        }
        "broken" => {
            let _ = writeln!(io::stderr(), "libsomething.so: not found");
            ExitCode::from(127)
        }
        "silent" => park(),
        "parent" => parent(),
        _ => ExitCode::from(2),
    }
}

/// Starts a worker, tells its process number, and waits for it to hang for ever.
fn parent() -> ExitCode {
    let Ok(program) = std::env::current_exe() else { return ExitCode::FAILURE };
    let pool = Pool::new(Launch { program, args: vec!["worker".into()] }, 1, Limits::default());
    let never = AtomicBool::new(false);
    let Ok(reply) = pool.call("identify", &Value::Null, &[], &never) else {
        return ExitCode::FAILURE;
    };
    let mut out = io::stdout();
    if writeln!(out, "{}", reply.value["pid"]).and_then(|()| out.flush()).is_err() {
        return ExitCode::FAILURE;
    }
    let _ = pool.call("hang", &Value::Null, &[out.as_fd()], &never);
    ExitCode::SUCCESS
}

fn park() -> ! {
    loop {
        thread::park();
    }
}

fn value(value: Value) -> Result<Reply> {
    Ok(Reply { value, blobs: vec![] })
}

fn number(params: &Value, name: &str) -> usize {
    params.get(name).and_then(Value::as_u64).unwrap_or(0) as usize
}

fn echo(params: Value, files: &mut [File], limits: &Limits) -> Result<Reply> {
    let mut texts = Vec::new();
    for file in files {
        let mut text = String::new();
        file.read_to_string(&mut text).map_err(|error| Error::io("reading", &error))?;
        texts.push(text);
    }
    value(json!({ "params": params, "files": texts, "pixels": limits.pixels }))
}

/// Asks for the files of these numbers, one after another.
fn ask(params: Value, _: &mut [File], _: &Limits) -> Result<Reply> {
    let mut texts = Vec::new();
    for number in params.as_array().into_iter().flatten().filter_map(Value::as_u64) {
        texts.push(match rushes_sandbox::ask(number) {
            Ok((mut file, name)) => {
                let mut text = String::new();
                file.read_to_string(&mut text).map_err(|error| Error::io("reading", &error))?;
                format!("{}: {text}", String::from_utf8_lossy(&name))
            }
            Err(error) => error.why,
        });
    }
    value(json!(texts))
}

fn identify(_: Value, _: &mut [File], _: &Limits) -> Result<Reply> {
    let environment: Vec<String> =
        std::env::vars_os().map(|(name, _)| name.to_string_lossy().into_owned()).collect();
    // SAFETY: F_GETFD reads the flags of a number, whether or not it is open.
    let open = (0..1024).filter(|&fd| unsafe { libc::fcntl(fd, libc::F_GETFD) } >= 0).count();
    let warmed = WARMED.lock().unwrap_or_else(PoisonError::into_inner).clone();
    value(json!({
        "pid": std::process::id(),
        "environment": environment,
        "descriptors": open,
        "warmed": warmed,
    }))
}

fn blobs(params: Value, _: &mut [File], _: &Limits) -> Result<Reply> {
    let sizes = params.as_array().cloned().unwrap_or_default();
    let sizes = sizes.iter().filter_map(Value::as_u64);
    let blobs = sizes.map(|size| (0..size).map(|i| (i % 251) as u8).collect()).collect();
    Ok(Reply { value: json!("blobs"), blobs })
}

fn fail(_: Value, _: &mut [File], _: &Limits) -> Result<Reply> {
    let long = "x".repeat(100_000);
    Err(Error::new(ErrorKind::Unsupported, "reading \u{1b}[2Jit", long)
        .remedy("convert\u{202e} it")
        .at("a\nb"))
}

/// Tries one thing that a child must not do: null when it succeeded, else the
/// system's error number.
fn attempt(params: Value, files: &mut [File], _: &Limits) -> Result<Reply> {
    let zero: libc::c_int = 0;
    // SAFETY: the raw calls below take integers, or pointers to what lives here; the child of
    // a fork that should not have succeeded ends at once.
    let outcome: io::Result<()> = unsafe {
        match params.as_str().unwrap_or_default() {
            "open" => File::open("/etc/hostname").map(drop),
            "list" => std::fs::read_dir("/").map(drop),
            "reopen" => File::open("/proc/self/fd/0").map(drop),
            "reopen file" => match files.first() {
                Some(file) => File::open(format!("/proc/self/fd/{}", file.as_raw_fd())).map(drop),
                None => Ok(()),
            },
            "create" => std::fs::write("/tmp/sandbox_child_was_here", "x"),
            "remove" => std::fs::remove_file("/etc/hostname"),
            "make folder" => std::fs::create_dir("/tmp/sandbox_child_folder"),
            "write to file" => files.iter_mut().try_for_each(|file| file.write_all(b"x")),
            "truncate file" => files.iter().try_for_each(|file| file.set_len(0)),
            "tcp listen" => TcpListener::bind("127.0.0.1:0").map(drop),
            "tcp connect" => TcpStream::connect("127.0.0.1:9").map(drop),
            "udp" => UdpSocket::bind("127.0.0.1:0").map(drop),
            "unix socket" => UnixStream::connect("/run/none").map(drop),
            "socket pair" => UnixStream::pair().map(drop),
            "spawn" => Command::new("/bin/true").spawn().map(drop),
            "fork" => match libc::fork() {
                0 => libc::_exit(0),
                pid => done(pid.into()),
            },
            "clone" => done(libc::syscall(libc::SYS_clone, libc::SIGCHLD, 0, 0, 0, 0)).map(|()| {
                if libc::getpid() != std::process::id() as i32 {
                    libc::_exit(0)
                }
            }),
            "clone3" => {
                // struct clone_args: flags and the like, the signal at its end fifth.
                let arguments: [u64; 8] = [0, 0, 0, 0, libc::SIGCHLD as u64, 0, 0, 0];
                match libc::syscall(libc::SYS_clone3, arguments.as_ptr(), size_of_val(&arguments)) {
                    0 => libc::_exit(0),
                    pid => done(pid),
                }
            }
            "exec" => {
                let arguments = [c"true".as_ptr(), ptr::null()];
                done(libc::execv(c"/bin/true".as_ptr(), arguments.as_ptr()).into())
            }
            "signal the parent" => done(libc::kill(libc::getppid(), 0).into()),
            "trace" => done(libc::ptrace(libc::PTRACE_TRACEME, 0, zero, zero)),
            "read the parent" => {
                let mut byte = 0_u8;
                let part = libc::iovec { iov_base: (&raw mut byte).cast(), iov_len: 1 };
                done(libc::process_vm_readv(libc::getppid(), &part, 1, &part, 1, 0) as i64)
            }
            "raise the memory limit" => {
                let most = libc::rlimit { rlim_cur: u64::MAX, rlim_max: u64::MAX };
                done(libc::setrlimit(libc::RLIMIT_AS, &most).into())
            }
            "raise the parent's limit" => {
                let most = libc::rlimit { rlim_cur: 5, rlim_max: 5 };
                let cpu = libc::RLIMIT_CPU;
                done(libc::prlimit(libc::getppid(), cpu, &most, ptr::null_mut()).into())
            }
            "outlive the parent" => done(libc::prctl(libc::PR_SET_PDEATHSIG, 0).into()),
            "new code" => {
                let both = libc::PROT_WRITE | libc::PROT_EXEC;
                let anonymous = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
                let page = libc::mmap(ptr::null_mut(), 4096, both, anonymous, -1, 0);
                done(if page == libc::MAP_FAILED { -1 } else { 0 })
            }
            "unshare" => done(libc::unshare(libc::CLONE_NEWUSER).into()),
            "file flags" => match files.first() {
                Some(file) => {
                    done(libc::fcntl(file.as_raw_fd(), libc::F_SETFL, libc::O_NONBLOCK).into())
                }
                None => Ok(()),
            },
            "memory file" => done(libc::memfd_create(c"x".as_ptr(), 0).into()),
            "io_uring" => done(libc::syscall(libc::SYS_io_uring_setup, 1, 0)),
            "bpf" => done(libc::syscall(libc::SYS_bpf, 0, 0, 0)),
            "mount" => done(
                libc::mount(ptr::null(), c"/tmp".as_ptr(), c"tmpfs".as_ptr(), 0, ptr::null())
                    .into(),
            ),
            other => return Err(Error::bug("attempting", format!("no such thing: {other}"))),
        }
    };
    value(match outcome {
        Ok(()) => Value::Null,
        Err(error) => json!(error.raw_os_error()),
    })
}

fn done(returned: i64) -> io::Result<()> {
    if returned < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

fn threads(params: Value, _: &mut [File], _: &Limits) -> Result<Reply> {
    let running: Vec<_> = (0..number(&params, "count"))
        .map(|number| thread::Builder::new().spawn(move || (0..number).sum::<usize>()))
        .collect::<io::Result<_>>()
        .map_err(|error| Error::io("starting a thread", &error))?;
    let sums: Vec<usize> = running.into_iter().filter_map(|thread| thread.join().ok()).collect();
    value(json!(sums))
}

fn allocate(params: Value, _: &mut [File], _: &Limits) -> Result<Reply> {
    let bytes = vec![1_u8; number(&params, "bytes")];
    value(json!(bytes.iter().step_by(4096).map(|&byte| u64::from(byte)).sum::<u64>()))
}

/// Keeps memory for ever, as a leaking library would.
fn hoard(params: Value, _: &mut [File], _: &Limits) -> Result<Reply> {
    let kept = vec![1_u8; number(&params, "bytes")].leak();
    value(json!({ "pid": std::process::id(), "kept": kept.len() }))
}

fn chatter(params: Value, _: &mut [File], _: &Limits) -> Result<Reply> {
    let line = [b'.'; 1000];
    for _ in 0..number(&params, "bytes") / line.len() {
        io::stderr().write_all(&line).map_err(|error| Error::io("chattering", &error))?;
    }
    value(json!("done"))
}

#[expect(clippy::panic, reason = "that is the task")]
fn panic_now(_: Value, _: &mut [File], _: &Limits) -> Result<Reply> {
    panic!("the index is 7 but the length is 3");
}

fn segfault(_: Value, _: &mut [File], _: &Limits) -> Result<Reply> {
    // SAFETY: none; page zero is never mapped, and the crash is what is wanted.
    unsafe { ptr::without_provenance_mut::<u8>(16).write_volatile(1) };
    value(Value::Null)
}

fn overflow(_: Value, _: &mut [File], _: &Limits) -> Result<Reply> {
    value(json!(sink(1)))
}

/// Goes deeper than any stack is.
fn sink(depth: u64) -> u64 {
    let buffer = std::hint::black_box([depth; 512]);
    if depth == u64::MAX { 0 } else { sink(depth + 1) + buffer.iter().sum::<u64>() }
}

/// Computes for so many milliseconds of processor time.
fn work(params: Value, _: &mut [File], _: &Limits) -> Result<Reply> {
    let wanted_ms = number(&params, "ms") as i64;
    let used_ms = || {
        let used = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
        used.tv_sec * 1_000 + used.tv_nsec / 1_000_000
    };
    let start_ms = used_ms();
    while used_ms() - start_ms < wanted_ms {}
    value(json!("done"))
}

fn spin(_: Value, _: &mut [File], _: &Limits) -> Result<Reply> {
    let mut turns = 0_u64;
    loop {
        turns = std::hint::black_box(turns.wrapping_add(1));
    }
}

/// Says through its file that it has begun, and then does nothing.
fn hang(_: Value, files: &mut [File], _: &Limits) -> Result<Reply> {
    for file in files {
        file.write_all(b"!").map_err(|error| Error::io("beginning", &error))?;
    }
    park()
}

/// Sends these bytes to the parent, where a reply is expected, and then so
/// many times a text.
fn forge(params: Value, _: &mut [File], _: &Limits) -> Result<Reply> {
    let bytes: Vec<u8> = serde_json::from_value(params["bytes"].clone())
        .map_err(|error| Error::bug("forging", error))?;
    let filling = params["filling"].as_str().unwrap_or_default();
    send_raw(&[&bytes, filling.repeat(number(&params, "times")).as_bytes()].concat());
    if params["reply"] == true { value(Value::Null) } else { park() }
}

fn send_raw(mut bytes: &[u8]) {
    while !bytes.is_empty() {
        // SAFETY: the bytes live through the call; descriptor 0 is the socket.
        let sent = unsafe { libc::send(0, bytes.as_ptr().cast(), bytes.len(), libc::MSG_NOSIGNAL) };
        let Ok(sent) = usize::try_from(sent) else { return };
        bytes = &bytes[sent..];
    }
}

fn many_descriptors(_: Value, files: &mut [File], _: &Limits) -> Result<Reply> {
    let mut copies = Vec::new();
    while let Some(Ok(copy)) = files.first().map(File::try_clone) {
        copies.push(copy);
        if copies.len() > 1000 {
            break;
        }
    }
    value(json!(copies.len()))
}
