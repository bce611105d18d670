//! What the end of a child means.

use std::os::unix::process::ExitStatusExt as _;
use std::process::ExitStatus;

use rushes_media::{Error, ErrorKind, Limits};

use crate::wire::clean;

/// Characters of the child's last words that go into an error.
const MAX_LAST_WORDS_CHARS: usize = 300;

/// What programs write before they abort for want of memory: Rust, C++, glib.
const OUT_OF_MEMORY: [&str; 4] =
    ["memory allocation of ", "std::bad_alloc", "failed to allocate", "out of memory"];

/// Why a child ended in the middle of a task: its status (None when it could
/// not be had), and the end of what it wrote to standard error.
pub fn explain(
    what: &str,
    status: Option<ExitStatus>,
    errors_tail: &[u8],
    limits: &Limits,
) -> Error {
    let tail = String::from_utf8_lossy(errors_tail);
    let error = |kind, why| Error::new(kind, what, why);
    let Some(status) = status else {
        return error(ErrorKind::Unavailable, "the worker hangs in the system".to_owned())
            .remedy("see whether the disk or the network share answers");
    };
    match status.signal() {
        Some(libc::SIGXCPU) => exhausted(what, limits),
        Some(signal @ (libc::SIGKILL | libc::SIGTERM | libc::SIGINT | libc::SIGHUP)) => {
            let why = format!("the worker was killed from outside (signal {signal})");
            error(ErrorKind::Unavailable, why)
                .remedy("try again; see whether the system ran out of memory")
        }
        Some(libc::SIGABRT) if OUT_OF_MEMORY.iter().any(|&words| tail.contains(words)) => {
            let most = size(limits.memory_bytes);
            error(ErrorKind::Limit, format!("over the memory limit of {most}"))
        }
        Some(signal) => {
            let why = format!("the decoder crashed (signal {signal}){}", last_words(&tail));
            error(ErrorKind::Corrupt, why)
        }
        None => {
            let code = status.code().unwrap_or_default();
            let why = format!("the worker ended by itself (status {code}){}", last_words(&tail));
            Error::bug(what, why)
        }
    }
}

/// The error of a task that used up its processor time.
pub fn exhausted(what: &str, limits: &Limits) -> Error {
    let why = format!("it took over {} s of processor time", limits.cpu_secs);
    Error::new(ErrorKind::Limit, what, why)
}

/// The last line that says something, after a colon.
pub fn last_words(tail: &str) -> String {
    let line = tail.lines().map(str::trim).rfind(|line| !line.is_empty());
    line.map_or_else(String::new, |line| {
        let line: String = line.chars().take(MAX_LAST_WORDS_CHARS).collect();
        format!(": {}", clean(&line))
    })
}

/// `1 GiB`, `64 MiB`, or the bytes when it is neither.
fn size(bytes: u64) -> String {
    for (unit, name) in [(1_u64 << 30, "GiB"), (1 << 20, "MiB")] {
        if bytes >= unit && bytes.is_multiple_of(unit) {
            return format!("{} {name}", bytes / unit);
        }
    }
    format!("{bytes} bytes")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(raw_status: i32, tail: &str) -> (ErrorKind, String) {
        let status = ExitStatus::from_raw(raw_status);
        let error = explain("probing", Some(status), tail.as_bytes(), &Limits::default());
        (error.kind, error.why)
    }

    #[test]
    fn each_end_has_its_kind() {
        let (limit, why) = kind(libc::SIGXCPU, "");
        assert_eq!(
            (limit, why.as_str()),
            (ErrorKind::Limit, "it took over 60 s of processor time")
        );
        let (limit, why) = kind(libc::SIGABRT, "memory allocation of 99 bytes failed\n");
        assert_eq!((limit, why.as_str()), (ErrorKind::Limit, "over the memory limit of 1 GiB"));
        let (corrupt, why) = kind(libc::SIGSEGV, "");
        assert_eq!(
            (corrupt, why.as_str()),
            (ErrorKind::Corrupt, "the decoder crashed (signal 11)")
        );
        let (corrupt, why) = kind(libc::SIGABRT, "noise\nfree(): invalid pointer\n\n");
        assert_eq!(corrupt, ErrorKind::Corrupt);
        assert_eq!(why, "the decoder crashed (signal 6): free(): invalid pointer");
        assert_eq!(kind(libc::SIGKILL, "").0, ErrorKind::Unavailable);
        assert_eq!(kind(3 << 8, "").0, ErrorKind::Bug);
    }

    #[test]
    fn last_words_are_short_and_clean() {
        assert_eq!(last_words("a\u{1b}]0;x\u{7}"), ": a\u{fffd}]0;x\u{fffd}");
        assert_eq!(last_words(&"x".repeat(10_000)).len(), 2 + MAX_LAST_WORDS_CHARS);
        assert_eq!(last_words(" \n"), "");
    }

    #[test]
    fn sizes() {
        assert_eq!(size(1 << 30), "1 GiB");
        assert_eq!(size(1536 << 20), "1536 MiB");
        assert_eq!(size(5), "5 bytes");
    }
}
