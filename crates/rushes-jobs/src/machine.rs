//! What a lease is measured by: the time since this boot, and whether the
//! process that holds it is still there.

use std::fs::{self, File};
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::time::Duration;

use rushes_media::{Clock as _, Error, ErrorKind, Result, SystemClock};

/// One process, told from every other that ever had its number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Process {
    /// Who can tell whether it lives: processes that see the same processes.
    /// Empty when nobody can.
    pub scope: String,
    /// Its number.
    pub id: u32,
    /// When it started, in the system's own count since boot.
    pub started: u64,
}

/// The machine below the queue, so that a test can set it.
pub trait Machine: Send + Sync {
    /// Names this boot of the machine; no other boot has the same name.
    fn boot(&self) -> &str;

    /// Time since this boot, suspended time included. No step of the wall
    /// clock changes it.
    ///
    /// # Errors
    /// When the system does not tell.
    fn since_boot(&self) -> Result<Duration>;

    /// The process that asks.
    fn this_process(&self) -> Process;

    /// Whether a process of this boot is certainly gone. `false` when in doubt.
    fn is_gone(&self, process: &Process) -> bool;
}

/// The machine this runs on.
///
/// Where there is no `/proc`, the wall clock stands in for the time since
/// boot, and no process is ever known to be gone.
#[derive(Debug)]
pub struct ThisMachine {
    boot: String,
    uptime: Option<File>,
    process: Process,
}

impl Default for ThisMachine {
    fn default() -> ThisMachine {
        ThisMachine::new()
    }
}

impl ThisMachine {
    /// Looks at the machine once; what can be asked later stays open.
    #[must_use]
    pub fn new() -> ThisMachine {
        let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        let boot = boot.trim().to_owned();
        // Both or neither: a time without its boot means nothing.
        let uptime = (!boot.is_empty()).then(|| File::open("/proc/uptime").ok()).flatten();
        let boot = if uptime.is_some() { boot } else { String::new() };
        let process = this_process().unwrap_or_else(|| Process {
            scope: String::new(),
            id: std::process::id(),
            started: 0,
        });
        ThisMachine { boot, uptime, process }
    }
}

impl Machine for ThisMachine {
    fn boot(&self) -> &str {
        &self.boot
    }

    fn since_boot(&self) -> Result<Duration> {
        const WHAT: &str = "asking for the time since boot";
        let Some(uptime) = &self.uptime else {
            return Ok(Duration::from_nanos(u64::try_from(SystemClock.now()).unwrap_or(0)));
        };
        let mut text = [0; 64];
        let read = uptime.read_at(&mut text, 0).map_err(|error| Error::io(WHAT, &error))?;
        text.get(..read).and_then(parse_uptime).ok_or_else(|| {
            Error::new(ErrorKind::Unavailable, WHAT, "/proc/uptime is not as expected")
        })
    }

    fn this_process(&self) -> Process {
        self.process.clone()
    }

    fn is_gone(&self, process: &Process) -> bool {
        // A process of another container, or of another user where they are
        // hidden from us, may live although it cannot be seen.
        if process.scope.is_empty() || process.scope != self.process.scope {
            return false;
        }
        match fs::read(format!("/proc/{}/stat", process.id)) {
            Ok(text) => parse_stat(&text).is_some_and(|stat| {
                stat.started != process.started || (stat.is_dead && stat.threads <= 1)
            }),
            // 3: the process went away between opening and reading (ESRCH).
            Err(error) => {
                error.kind() == std::io::ErrorKind::NotFound || error.raw_os_error() == Some(3)
            }
        }
    }
}

/// This process, when `/proc` shows it and its kind.
fn this_process() -> Option<Process> {
    let id = std::process::id();
    // A /proc of another process namespace has other numbers.
    if fs::read_link("/proc/self").ok()?.to_str()?.parse() != Ok(id) {
        return None;
    }
    let namespace = fs::read_link("/proc/self/ns/pid").ok()?;
    let user = fs::metadata("/proc/self").ok()?.uid();
    let stat = parse_stat(&fs::read("/proc/self/stat").ok()?)?;
    let scope = format!("{} user {user}", namespace.to_str()?);
    Some(Process { scope, id, started: stat.started })
}

/// `2573.74 3886.85`: the first is the time since boot in seconds.
fn parse_uptime(text: &[u8]) -> Option<Duration> {
    let first = std::str::from_utf8(text).ok()?.split_ascii_whitespace().next()?;
    Duration::try_from_secs_f64(first.parse().ok()?).ok()
}

struct Stat {
    /// Ended, but its parent has not looked yet.
    is_dead: bool,
    threads: u64,
    started: u64,
}

/// The fields 3, 20 and 22 of `/proc/PID/stat`, see proc_pid_stat(5).
fn parse_stat(text: &[u8]) -> Option<Stat> {
    // Field 2 is the program's name in parentheses and may hold anything.
    let name_end = text.iter().rposition(|byte| *byte == b')')?;
    let rest = std::str::from_utf8(text.get(name_end + 1..)?).ok()?;
    let mut fields = rest.split_ascii_whitespace();
    let state = fields.next()?;
    let threads = fields.nth(16)?.parse().ok()?;
    let started = fields.nth(1)?.parse().ok()?;
    Some(Stat { is_dead: matches!(state, "Z" | "X" | "x"), threads, started })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_look_like_fields() {
        let line = b"42 (a) Z 1 (b) Z) S 1 42 42 0 -1 4194560 9 0 0 0 1 2 3 4 20 0 7 0 257375 31 4";
        let stat = parse_stat(line).unwrap();
        assert_eq!((stat.is_dead, stat.threads, stat.started), (false, 7, 257_375));
        for length in 0..line.len() - 6 {
            let _ = parse_stat(&line[..length]);
        }
        assert!(parse_stat(b"").is_none());
        assert!(parse_stat(b"42 (a").is_none());
    }

    #[test]
    fn uptime_is_in_seconds() {
        assert_eq!(parse_uptime(b"2573.74 3886.85\n"), Some(Duration::from_millis(2_573_740)));
        assert_eq!(parse_uptime(b""), None);
        assert_eq!(parse_uptime(b"-1 2"), None);
    }

    #[test]
    fn without_proc_nobody_is_known_to_be_gone() {
        let process = Process { scope: String::new(), id: u32::MAX, started: 0 };
        let machine = ThisMachine { boot: String::new(), uptime: None, process: process.clone() };
        assert!(!machine.is_gone(&process));
        assert!(machine.since_boot().unwrap() > Duration::from_secs(1_577_836_800));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_machine_knows_who_lives() {
        let machine = ThisMachine::new();
        assert_eq!(machine.boot().len(), 36, "{}", machine.boot());
        let before = machine.since_boot().unwrap();
        assert!(before > Duration::ZERO && machine.since_boot().unwrap() >= before);

        let this = machine.this_process();
        assert!(!machine.is_gone(&this));
        assert!(machine.is_gone(&Process { started: this.started + 1, ..this.clone() }));
        assert!(!machine.is_gone(&Process { scope: String::new(), id: 1, started: 0 }));

        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let started = parse_stat(&fs::read(format!("/proc/{}/stat", child.id())).unwrap()).unwrap();
        let process = Process { id: child.id(), started: started.started, ..this };
        assert!(!machine.is_gone(&process));
        child.kill().unwrap();
        // Ended but not waited for, then gone from the table.
        while !machine.is_gone(&process) {
            std::thread::yield_now();
        }
        child.wait().unwrap();
        assert!(machine.is_gone(&process));
    }
}
