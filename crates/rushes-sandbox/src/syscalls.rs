//! The system calls that a child may make: those that computing on open files
//! and memory takes, and none that opens, connects, starts or signals.

use std::collections::BTreeMap;

use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen as Length, SeccompCmpOp as Is, SeccompCondition,
    SeccompFilter, SeccompRule, TargetArch,
};

type Filters = Result<[BpfProgram; 2], seccompiler::Error>;
type Rules = BTreeMap<i64, Vec<SeccompRule>>;

/// Let through whatever the arguments are.
const FREE: &[i64] = &[
    // Files that are open already.
    libc::SYS_read,
    libc::SYS_readv,
    libc::SYS_pread64,
    libc::SYS_preadv,
    libc::SYS_preadv2,
    libc::SYS_write,
    libc::SYS_writev,
    libc::SYS_lseek,
    libc::SYS_close,
    libc::SYS_fstat,
    libc::SYS_newfstatat,
    libc::SYS_statx,
    libc::SYS_fadvise64,
    libc::SYS_dup,
    libc::SYS_dup3,
    libc::SYS_ppoll,
    libc::SYS_pselect6,
    // Memory.
    libc::SYS_brk,
    libc::SYS_munmap,
    libc::SYS_mremap,
    libc::SYS_madvise,
    libc::SYS_membarrier,
    // Threads.
    libc::SYS_futex,
    libc::SYS_set_robust_list,
    libc::SYS_rseq,
    libc::SYS_gettid,
    libc::SYS_sched_yield,
    libc::SYS_sched_getaffinity,
    libc::SYS_sched_getparam,
    libc::SYS_sched_getscheduler,
    libc::SYS_getcpu,
    // Made to fail with ENOSYS by the other filter, which wins.
    libc::SYS_clone3,
    // Time.
    libc::SYS_clock_gettime,
    libc::SYS_clock_getres,
    libc::SYS_clock_nanosleep,
    libc::SYS_gettimeofday,
    libc::SYS_nanosleep,
    libc::SYS_restart_syscall,
    libc::SYS_times,
    // What it is and what it has used.
    libc::SYS_getpid,
    libc::SYS_getppid,
    libc::SYS_getuid,
    libc::SYS_geteuid,
    libc::SYS_getgid,
    libc::SYS_getegid,
    libc::SYS_getrlimit,
    libc::SYS_getrusage,
    libc::SYS_getrandom,
    libc::SYS_sysinfo,
    libc::SYS_uname,
    // Its own signals and its own end.
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sigaltstack,
    libc::SYS_exit,
    libc::SYS_exit_group,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_poll,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_select,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_time,
];

const PR_SET_VMA: u64 = 0x5356_4d41;

/// The two filters, to be installed in this order.
///
/// # Errors
/// When this processor is not one that the filters can be built for.
pub fn filters(own_pid: u32) -> Filters {
    let arch: TargetArch = std::env::consts::ARCH.try_into()?;
    let errno = |code: i32| SeccompAction::Errno(code as u32);

    // glibc starts threads with clone3, whose flags no filter can see. Told that
    // the kernel has none, it falls back to clone, whose flags are checked.
    let old: Rules = [(libc::SYS_clone3, vec![])].into();
    let old = SeccompFilter::new(old, SeccompAction::Allow, errno(libc::ENOSYS), arch)?;
    let rules = rules(own_pid)?;
    let only = SeccompFilter::new(rules, errno(libc::EPERM), SeccompAction::Allow, arch)?;
    Ok([BpfProgram::try_from(old)?, BpfProgram::try_from(only)?])
}

fn rules(own_pid: u32) -> Result<Rules, seccompiler::BackendError> {
    let mut rules: Rules = FREE.iter().map(|&call| (call, vec![])).collect();
    let mut on = |call: i64, conditions: Vec<SeccompCondition>| {
        rules.entry(call).or_default().push(SeccompRule::new(conditions)?);
        Ok::<(), seccompiler::BackendError>(())
    };
    let int = |argument, value| SeccompCondition::new(argument, Length::Dword, Is::Eq, value);
    let long = |argument, is, value| SeccompCondition::new(argument, Length::Qword, is, value);
    let without = |argument, bits| long(argument, Is::MaskedEq(bits), 0);

    // No new code after the lockdown.
    on(libc::SYS_mmap, vec![without(2, libc::PROT_EXEC as u64)?])?;
    on(libc::SYS_mprotect, vec![without(2, libc::PROT_EXEC as u64)?])?;

    // Threads, but no process.
    let thread = libc::CLONE_THREAD as u64;
    on(libc::SYS_clone, vec![long(0, Is::MaskedEq(thread), thread)?])?;

    // abort() and raise() signal the process itself.
    on(libc::SYS_tgkill, vec![int(0, u64::from(own_pid))?])?;
    on(libc::SYS_tkill, vec![int(0, u64::from(own_pid))?])?;

    // The one socket it has is its standard input.
    for call in [libc::SYS_recvmsg, libc::SYS_recvfrom, libc::SYS_sendmsg, libc::SYS_sendto] {
        on(call, vec![int(0, 0)?])?;
    }

    // F_SETFL would reach through to the parent's own file.
    for command in
        [libc::F_GETFD, libc::F_SETFD, libc::F_GETFL, libc::F_DUPFD, libc::F_DUPFD_CLOEXEC]
    {
        on(libc::SYS_fcntl, vec![int(1, command as u64)?])?;
    }
    for request in [libc::TCGETS, libc::FIONREAD, libc::FIOCLEX] {
        on(libc::SYS_ioctl, vec![int(1, u64::from(request as u32))?])?;
    }

    // Limits may be read, not set.
    on(libc::SYS_prlimit64, vec![long(2, Is::Eq, 0)?])?;

    for option in [libc::PR_SET_NAME as u64, libc::PR_GET_NAME as u64, PR_SET_VMA] {
        on(libc::SYS_prctl, vec![int(0, option)?])?;
    }
    Ok(rules)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_filters_fit_the_kernels_limit() {
        let filters = filters(1).unwrap();
        for filter in filters {
            assert!(filter.len() < 4096, "{}", filter.len());
        }
    }

    #[test]
    fn nothing_that_opens_or_starts_is_free() {
        let forbidden = [
            libc::SYS_openat,
            libc::SYS_socket,
            libc::SYS_connect,
            libc::SYS_execve,
            libc::SYS_ptrace,
            libc::SYS_kill,
            libc::SYS_ftruncate,
            libc::SYS_io_uring_setup,
            libc::SYS_process_vm_writev,
        ];
        let rules = rules(1).unwrap();
        for call in forbidden {
            assert!(!rules.contains_key(&call), "{call}");
        }
    }
}
