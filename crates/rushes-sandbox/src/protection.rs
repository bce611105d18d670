use std::fmt;

use serde::{Deserialize, Serialize};

/// How far one protection holds in a child.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", content = "why", rename_all = "snake_case")]
pub enum Status {
    /// It holds wholly.
    Full,
    /// It holds in part; the text says what is lacking.
    Partial(String),
    /// It does not hold; the text says why.
    Missing(String),
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Status::Full => f.write_str("holds"),
            Status::Partial(why) => write!(f, "holds in part: {why}"),
            Status::Missing(why) => write!(f, "missing: {why}"),
        }
    }
}

/// What holds a child, as the child found when it locked itself down.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Protection {
    /// Landlock: no file can be opened, made or removed, no TCP port reached.
    pub landlock: Status,
    /// seccomp: only the system calls that computing needs are let through;
    /// no socket, no new process, no file.
    pub seccomp: Status,
    /// The address space is limited to `Limits::memory_bytes`.
    pub memory_limit: bool,
    /// The processor time of each task is limited to `Limits::cpu_secs`.
    pub time_limit: bool,
    /// No file can be written, few descriptors opened, no core dumped.
    pub output_limit: bool,
    /// Privileges are given up and cannot be had again.
    pub privileges_dropped: bool,
    /// The child ends when its parent does, even in the middle of a task.
    pub ends_with_parent: bool,
}

impl Protection {
    /// Whether a child can reach neither files nor the network: Landlock or
    /// seccomp keeps it from both.
    #[must_use]
    pub fn isolated(&self) -> bool {
        // Landlock alone leaves UDP and Unix sockets open, so it is seccomp that decides.
        self.seccomp == Status::Full
    }
}
