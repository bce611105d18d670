//! Starting the child process.

use std::ffi::OsString;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use rushes_media::{Error, ErrorKind, Result};

/// How a child is started: a program that calls [`serve`](crate::serve).
#[derive(Clone, Debug)]
pub struct Launch {
    /// The program, by its path; it is not searched for. `/proc/self/exe`
    /// stays the running program when the file is replaced.
    pub program: PathBuf,
    /// Its arguments.
    pub args: Vec<OsString>,
}

/// What a child keeps of its parent's environment.
const KEPT_VARIABLES: [&str; 2] = ["LD_LIBRARY_PATH", "TZ"];

/// A child that runs, and the socket to it.
pub struct Spawned {
    pub child: Child,
    pub socket: UnixStream,
}

enum Order {
    Spawn(Sender<io::Result<Spawned>>),
    Bury(Child),
}

/// The thread that starts all children of a pool. A child is told to end with
/// the thread that started it, and callers' threads come and go.
#[derive(Clone)]
pub struct Spawner {
    orders: Sender<Order>,
}

impl Spawner {
    /// A thread that starts children this way; it ends when every clone of the
    /// spawner is gone.
    pub fn new(launch: Launch) -> Result<Spawner> {
        let (orders, inbox) = channel();
        thread::Builder::new()
            .name("worker spawner".to_owned())
            .spawn(move || follow(&launch, &inbox))
            .map_err(|error| Error::io("starting the thread that starts workers", &error))?;
        Ok(Spawner { orders })
    }

    /// A new child.
    pub fn spawn(&self) -> Result<Spawned> {
        const WHAT: &str = "starting a worker";
        let (answer, answered) = channel();
        let gone = || Error::bug(WHAT, "the thread that starts workers has ended");
        self.orders.send(Order::Spawn(answer)).map_err(|_| gone())?;
        answered.recv().map_err(|_| gone())?.map_err(|error| {
            let error = Error::io(WHAT, &error);
            // Not finding the program says nothing about the file that was asked for.
            Error { kind: ErrorKind::Unavailable, ..error }
                .remedy("see `rushes doctor`, the program must be installed whole")
        })
    }

    /// Waits for this killed child for as long as it takes, in the background.
    pub fn bury(&self, child: Child) {
        // When the thread is gone, so is the pool, and the system reaps.
        let _ = self.orders.send(Order::Bury(child));
    }
}

fn follow(launch: &Launch, inbox: &Receiver<Order>) {
    let mut graves: Vec<Child> = Vec::new();
    loop {
        let order = if graves.is_empty() {
            inbox.recv().map_err(|_| RecvTimeoutError::Disconnected)
        } else {
            inbox.recv_timeout(Duration::from_secs(1))
        };
        match order {
            // A caller that did not wait for its child: dropping the socket ends it.
            Ok(Order::Spawn(answer)) => {
                if let Err(unwanted) = answer.send(start(launch))
                    && let Ok(Spawned { child, socket }) = unwanted.0
                {
                    drop(socket);
                    graves.push(child);
                }
            }
            Ok(Order::Bury(child)) => graves.push(child),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) if graves.is_empty() => return,
            Err(RecvTimeoutError::Disconnected) => thread::sleep(Duration::from_secs(1)),
        }
        graves.retain_mut(|child| matches!(child.try_wait(), Ok(None)));
    }
}

/// One start at a time in the whole process. A child that is forked while
/// another's socket is being handed over has that socket too until it becomes
/// its program, and keeps it from closing.
static STARTING: Mutex<()> = Mutex::new(());

fn start(launch: &Launch) -> io::Result<Spawned> {
    let _alone = STARTING.lock().unwrap_or_else(PoisonError::into_inner);
    let (socket, theirs) = UnixStream::pair()?;
    socket.set_nonblocking(true)?;
    // Made absolute here, because the child starts in the root directory and
    // so keeps no disk from being unmounted.
    let mut command = Command::new(std::path::absolute(&launch.program)?);
    command
        .args(&launch.args)
        .current_dir("/")
        .env_clear()
        .env("LANG", "C.UTF-8")
        .env("RUST_BACKTRACE", "0")
        .envs(KEPT_VARIABLES.iter().filter_map(|&name| Some((name, std::env::var_os(name)?))))
        .stdin(Stdio::from(OwnedFd::from(theirs)))
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    // SAFETY: between fork and exec only system calls are made; nothing is allocated or locked.
    unsafe {
        command.pre_exec(prepare);
    }
    let child = command.spawn()?;
    Ok(Spawned { child, socket })
}

/// Runs in the child before the program is started.
fn prepare() -> io::Result<()> {
    // Its own session: a Ctrl-C in the terminal is for the parent alone.
    rustix::process::setsid()?;
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{Signal, set_parent_process_death_signal};
        set_parent_process_death_signal(Some(Signal::KILL))?;
        // Whatever a library of the parent left open without the flag. Kernels before 5.11
        // refuse, and then the flags that we set ourselves have to do.
        // SAFETY: integers only; marks descriptors of this process, which is about to exec.
        unsafe {
            libc::syscall(libc::SYS_close_range, 3, libc::c_uint::MAX, libc::CLOSE_RANGE_CLOEXEC);
        }
    }
    Ok(())
}
