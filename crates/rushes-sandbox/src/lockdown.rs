//! How a child gives up everything that it does not need, once, before the
//! first byte of a file reaches it. Each protection is tried whether or not
//! the others hold.

use rushes_media::{Error, ErrorKind, Limits, Result};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::{Protection, Status};

/// Address space that a task finds free at the least, beside what the
/// program and its libraries take.
const LEAST_ROOM_BYTES: u64 = 16 << 20;

/// Descriptors that a child may have: three streams and a few more, the files
/// of a request, and what a library duplicates of each.
const MAX_DESCRIPTORS: u64 = 32 + 3 * crate::MAX_FILES as u64;

/// Locks this process down, for good.
///
/// # Errors
/// `Limit` when the program alone takes more than `limits.memory_bytes`.
/// A protection that the system does not have is no error; it is told in the
/// result.
pub fn lock(limits: &Limits) -> Result<Protection> {
    let privileges_dropped = drop_privileges();
    let ends_with_parent = end_with_parent();
    let output_limit = limit(Resource::Core, 0)
        & limit(Resource::Fsize, 0)
        & limit(Resource::Nofile, MAX_DESCRIPTORS);
    let memory_limit = limit_memory(limits)?;
    let time_limit = allow_time(limits);
    // The order matters: the filter would refuse all of the above.
    let landlock = restrict_files();
    let seccomp = filter_calls();
    Ok(Protection {
        landlock,
        seccomp,
        memory_limit,
        time_limit,
        output_limit,
        privileges_dropped,
        ends_with_parent,
    })
}

/// Grants the next task its processor time, on top of what is used already.
/// Whether this system took the limit. On Linux it is the parent that looks,
/// with a better clock.
pub fn allow_time(limits: &Limits) -> bool {
    if cfg!(target_os = "linux") {
        return false;
    }
    let used = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    // Rounded up, so that no task gets less than its time.
    let used_secs = u64::try_from(used.tv_sec).unwrap_or(0).saturating_add(1);
    let maximum = getrlimit(Resource::Cpu).maximum;
    let wanted = used_secs.saturating_add(limits.cpu_secs);
    let current = maximum.map_or(wanted, |maximum| wanted.min(maximum));
    setrlimit(Resource::Cpu, Rlimit { current: Some(current), maximum }).is_ok()
}

/// Soft and hard, so that it cannot be raised again.
fn limit(resource: Resource, most: u64) -> bool {
    let most = getrlimit(resource).maximum.map_or(most, |maximum| most.min(maximum));
    setrlimit(resource, Rlimit { current: Some(most), maximum: Some(most) }).is_ok()
}

fn limit_memory(limits: &Limits) -> Result<bool> {
    // Each thread would otherwise reserve an arena of 64 MiB of address space.
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: mallopt takes two integers and has no other precondition.
    unsafe {
        libc::mallopt(libc::M_ARENA_MAX, 1);
    }
    if let Some(base_bytes) = address_space_bytes()
        && base_bytes.saturating_add(LEAST_ROOM_BYTES) > limits.memory_bytes
    {
        let mib = |bytes: u64| bytes >> 20;
        let why = format!(
            "the program alone takes {} MiB of address space, {} MiB are allowed",
            mib(base_bytes),
            mib(limits.memory_bytes)
        );
        return Err(
            Error::new(ErrorKind::Limit, "starting a worker", why).remedy("raise the memory limit")
        );
    }
    Ok(cfg!(target_os = "linux") && limit(Resource::As, limits.memory_bytes))
}

/// Bytes of address space that this process has mapped.
fn address_space_bytes() -> Option<u64> {
    let statm = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = statm.split_ascii_whitespace().next()?.parse().ok()?;
    Some(pages.saturating_mul(page_bytes()))
}

/// Bytes of one page of memory.
pub fn page_bytes() -> u64 {
    // SAFETY: sysconf takes one integer and has no other precondition.
    let bytes = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    u64::try_from(bytes).unwrap_or(4096).max(1)
}

#[cfg(target_os = "linux")]
fn drop_privileges() -> bool {
    // _LINUX_CAPABILITY_VERSION_3: two words for each of the three sets.
    let header: [u32; 2] = [0x2008_0522, 0];
    let none = [0_u32; 6];
    // SAFETY: the kernel reads eight bytes of header and 24 of sets, both alive here;
    // the prctl calls take integers only.
    unsafe {
        let capset = libc::syscall(libc::SYS_capset, header.as_ptr(), none.as_ptr()) == 0;
        let last = libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
        // Neither a core file nor another process of this user may read its memory.
        let hidden = libc::prctl(libc::PR_SET_DUMPABLE, 0, 0, 0, 0) == 0;
        capset && last && hidden
    }
}

#[cfg(not(target_os = "linux"))]
fn drop_privileges() -> bool {
    false
}

#[cfg(target_os = "linux")]
fn end_with_parent() -> bool {
    use rustix::process::{Signal, set_parent_process_death_signal};
    set_parent_process_death_signal(Some(Signal::KILL)).is_ok()
}

#[cfg(not(target_os = "linux"))]
fn end_with_parent() -> bool {
    false
}

#[cfg(target_os = "linux")]
fn restrict_files() -> Status {
    use landlock::{
        ABI, Access, AccessFs, AccessNet, LandlockStatus, Ruleset, RulesetAttr, RulesetStatus,
        Scope,
    };
    let other_threads = has_other_threads();
    // Rights are handled and none is granted: every one of them is refused.
    let locked = Ruleset::default()
        .handle_access(AccessFs::from_all(ABI::V7))
        .and_then(|rules| rules.handle_access(AccessNet::from_all(ABI::V7)))
        .and_then(|rules| rules.scope(Scope::from_all(ABI::V7)))
        .and_then(Ruleset::create)
        .and_then(landlock::RulesetCreated::restrict_self);
    let status = match locked {
        Ok(status) => status,
        Err(error) => return Status::Missing(error.to_string()),
    };
    if status.ruleset != RulesetStatus::NotEnforced && other_threads {
        return Status::Partial("threads that ran before are not held".to_owned());
    }
    match (status.ruleset, status.landlock) {
        (RulesetStatus::FullyEnforced, _) => Status::Full,
        (RulesetStatus::PartiallyEnforced, LandlockStatus::Available { effective_abi, .. }) => {
            Status::Partial(format!(
                "this kernel has version {} of Landlock, version 7 is wanted",
                effective_abi as i32
            ))
        }
        (RulesetStatus::PartiallyEnforced, _) => Status::Partial("an older kernel".to_owned()),
        (RulesetStatus::NotEnforced, LandlockStatus::NotEnabled) => {
            Status::Missing("the kernel was started without it (lsm=landlock)".to_owned())
        }
        (RulesetStatus::NotEnforced, _) => Status::Missing("this kernel has none".to_owned()),
    }
}

#[cfg(target_os = "linux")]
fn filter_calls() -> Status {
    let filters = match crate::syscalls::filters(std::process::id()) {
        Ok(filters) => filters,
        Err(error) => return Status::Missing(error.to_string()),
    };
    for filter in &filters {
        if let Err(error) = seccompiler::apply_filter_all_threads(filter) {
            return Status::Missing(error.to_string());
        }
    }
    Status::Full
}

/// Whether threads run beside this one, as far as /proc tells.
#[cfg(target_os = "linux")]
fn has_other_threads() -> bool {
    std::fs::read_dir("/proc/self/task").is_ok_and(|threads| threads.count() > 1)
}

#[cfg(not(target_os = "linux"))]
fn restrict_files() -> Status {
    Status::Missing("only Linux has Landlock".to_owned())
}

#[cfg(not(target_os = "linux"))]
fn filter_calls() -> Status {
    Status::Missing("only Linux has seccomp".to_owned())
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::fs::{self, File};
    use std::net::TcpListener;
    use std::thread;

    use super::*;

    /// In a child seccomp refuses first, so Landlock is tried alone here. It
    /// holds the thread that asks for it, and no other.
    #[test]
    fn landlock_alone_refuses_files_and_ports() {
        // SAFETY: asks for the version, as the kernel's manual has it: no attributes, flag 1.
        let version = unsafe { libc::syscall(libc::SYS_landlock_create_ruleset, 0, 0, 1) };
        let held = thread::spawn(move || {
            let status = restrict_files();
            if version < 1 {
                assert!(matches!(status, Status::Missing(_)), "{status}");
                println!("SKIPPED: landlock {status}");
                return;
            }
            assert!(!matches!(status, Status::Missing(_)), "{status}");
            let refused = |error: std::io::Error| error.raw_os_error() == Some(libc::EACCES);
            assert!(File::open("/etc/passwd").is_err_and(refused));
            assert!(fs::read_dir("/").is_err_and(refused));
            assert!(fs::write(std::env::temp_dir().join("x"), "x").is_err_and(refused));
            if version >= 4 {
                assert!(TcpListener::bind("127.0.0.1:0").is_err_and(refused));
            }
        });
        held.join().unwrap();
        assert!(File::open("/etc/passwd").is_ok());
    }
}
