//! How much processor time a child has used, seen from outside.
//!
//! RLIMIT_CPU would have the system itself count, but it counts ticks, and on a
//! busy machine a child that lives long is charged for what others used.

use std::process::Child;
use std::time::Duration;

/// The clock of one process, which runs while the process computes.
#[cfg(target_os = "linux")]
pub struct ProcessorClock(libc::clockid_t);

#[cfg(target_os = "linux")]
impl ProcessorClock {
    /// The clock of this child; good for as long as the child is not waited for.
    pub fn of(child: &Child) -> Option<ProcessorClock> {
        let pid = libc::pid_t::try_from(child.id()).ok()?;
        let mut clock = 0;
        // SAFETY: writes one clock id, to a place that is alive.
        let failed = unsafe { libc::clock_getcpuclockid(pid, &raw mut clock) };
        (failed == 0).then_some(ProcessorClock(clock))
    }

    /// Processor time used by all threads of the process since it started.
    pub fn used(&self) -> Option<Duration> {
        let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: writes one timespec, to a place that is alive.
        let failed = unsafe { libc::clock_gettime(self.0, &raw mut time) };
        let (secs, nanos) = (u64::try_from(time.tv_sec).ok()?, u32::try_from(time.tv_nsec).ok()?);
        (failed == 0).then(|| Duration::new(secs, nanos))
    }
}

/// Elsewhere no process has such a clock for others to read, and the child
/// limits itself.
#[cfg(not(target_os = "linux"))]
pub struct ProcessorClock;

#[cfg(not(target_os = "linux"))]
impl ProcessorClock {
    pub fn of(_: &Child) -> Option<ProcessorClock> {
        None
    }

    pub fn used(&self) -> Option<Duration> {
        None
    }
}
