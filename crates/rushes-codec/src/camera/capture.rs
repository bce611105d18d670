//! The thread that takes frames from a camera as they come, and the few that wait.

use std::collections::VecDeque;
use std::fs::File;
use std::io::Write as _;
use std::os::fd::{AsFd as _, FromRawFd as _, OwnedFd};
use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rushes_media::{Error, ErrorKind, Result};

use super::v4l2::{Device, Got};
use super::{OPENING, WHAT};

/// Frames that wait at most: an eighth of a second of what most cameras send, so that somebody who is
/// late now and then loses none.
const MOST_WAITING: usize = 4;

/// Broken frames in a row after which a camera is given up: half a minute of most.
const MOST_BROKEN: u32 = 1000;

/// A jump in the numbers of frames that is larger is no loss but a driver's mistake.
const MOST_LOST: u32 = 1 << 20;

/// A frame as the camera gave it.
#[derive(Debug)]
pub(super) struct Taken {
    pub bytes: Vec<u8>,
    /// From the first on.
    pub time_us: i64,
}

/// What there is for who waits.
pub(super) enum Told {
    Frame(Taken),
    /// There will be none.
    End(Error),
    Nothing,
}

#[derive(Default)]
pub(super) struct Shared {
    state: Mutex<State>,
    news: Condvar,
    dropped: AtomicU64,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Taken>,
    end: Option<Error>,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The oldest that waits; at most so long is it waited for.
    pub(super) fn wait(&self, most: Duration) -> Told {
        let is_empty = |state: &mut State| state.waiting.is_empty() && state.end.is_none();
        let (mut state, _) = self
            .news
            .wait_timeout_while(self.state(), most, is_empty)
            .unwrap_or_else(PoisonError::into_inner);
        match state.waiting.pop_front() {
            Some(taken) => Told::Frame(taken),
            None => state.end.clone().map_or(Told::Nothing, Told::End),
        }
    }

    /// The newest that waits, at once; those before it are dropped.
    pub(super) fn newest(&self) -> Told {
        let mut state = self.state();
        let newest = state.waiting.pop_back();
        self.drop_frames(state.waiting.len() as u64);
        state.waiting.clear();
        match newest {
            Some(taken) => Told::Frame(taken),
            None => state.end.clone().map_or(Told::Nothing, Told::End),
        }
    }

    fn give(&self, taken: Taken) {
        let mut state = self.state();
        if state.waiting.len() == MOST_WAITING {
            state.waiting.pop_front();
            self.drop_frames(1);
        }
        state.waiting.push_back(taken);
        drop(state);
        self.news.notify_all();
    }

    fn end(&self, error: Error) {
        self.state().end = Some(error);
        self.news.notify_all();
    }

    pub(super) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    pub(super) fn drop_frames(&self, count: u64) {
        self.dropped.fetch_add(count, Ordering::Relaxed);
    }
}

/// The thread, which ends, and with it lets go of the camera, when this is dropped.
pub(super) struct Capture {
    shared: Arc<Shared>,
    /// What is written to it wakes the thread.
    wake: File,
    thread: Option<JoinHandle<()>>,
}

impl Capture {
    pub(super) fn start(device: Device) -> Result<Capture> {
        let (woken, wake) = pipe()?;
        let shared = Arc::new(Shared::default());
        let told = Arc::clone(&shared);
        let thread = thread::Builder::new()
            .name("rushes camera".to_owned())
            .spawn(move || {
                // A mistake of ours is told too: who waits would else hear of it as of a camera
                // that gives nothing.
                let ran = panic::catch_unwind(AssertUnwindSafe(|| run(&device, &woken, &told)));
                let panicked = |_| Err(Error::bug(WHAT, "the thread that takes frames panicked"));
                if let Err(error) = ran.unwrap_or_else(panicked) {
                    told.end(error);
                }
            })
            .map_err(|error| Error::io("starting a thread", &error))?;
        Ok(Capture { shared, wake: wake.into(), thread: Some(thread) })
    }

    pub(super) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }
}

impl Drop for Capture {
    fn drop(&mut self) {
        // It fails for one reason, which is right: the thread has ended, and nobody reads. The pipe has
        // room for the one byte, and what a signal interrupts is tried again.
        let _ = self.wake.write_all(&[0]);
        if let Some(thread) = self.thread.take() {
            // How it ended is with who waits for frames, of whom there is none any more.
            let _ = thread.join();
        }
    }
}

fn pipe() -> Result<(OwnedFd, OwnedFd)> {
    let mut ends = [-1; 2];
    // SAFETY: there is room for both ends.
    if unsafe { libc::pipe2(ends.as_mut_ptr(), libc::O_CLOEXEC | libc::O_NONBLOCK) } < 0 {
        return Err(Error::io(OPENING, &std::io::Error::last_os_error()));
    }
    let [read, write] = ends;
    // SAFETY: both were just opened, and are nobody else's.
    Ok(unsafe { (OwnedFd::from_raw_fd(read), OwnedFd::from_raw_fd(write)) })
}

/// Takes frames until it is woken.
fn run(device: &Device, woken: &OwnedFd, shared: &Shared) -> Result<()> {
    let began = Instant::now();
    let (mut first_us, mut last_us, mut last_number) = (None, None, None::<u32>);
    let mut broken = 0_u32;
    while device.wait(woken.as_fd())? {
        let (bytes, stamp_us, number) = match device.take()? {
            Got::Nothing => continue,
            Got::Broken(number) => {
                lost(shared, &mut last_number, number);
                shared.drop_frames(1);
                broken += 1;
                if broken == MOST_BROKEN {
                    let why = format!("{MOST_BROKEN} frames in a row are broken");
                    return Err(Error::new(ErrorKind::Unavailable, WHAT, why)
                        .remedy("try another cable or port"));
                }
                continue;
            }
            Got::Frame { bytes, time_us, number } => (bytes, time_us, number),
        };
        broken = 0;
        lost(shared, &mut last_number, Some(number));
        let own_us = || i64::try_from(began.elapsed().as_micros()).unwrap_or(i64::MAX);
        let stamp_us = stamp_us.unwrap_or_else(own_us);
        let first_us = *first_us.get_or_insert(stamp_us);
        // Times grow, also where a driver's do not.
        let time_us: i64 = stamp_us
            .saturating_sub(first_us)
            .max(last_us.map_or(0, |last: i64| last.saturating_add(1)));
        last_us = Some(time_us);
        shared.give(Taken { bytes, time_us });
    }
    Ok(())
}

/// Counts the frames that the driver had no room for, by the gap in their numbers.
fn lost(shared: &Shared, last: &mut Option<u32>, number: Option<u32>) {
    let Some(number) = number else { return };
    let gap = last.map_or(0, |last| number.wrapping_sub(last).saturating_sub(1));
    *last = Some(number);
    // Numbers of a driver that does not count stay the same.
    if gap < MOST_LOST {
        shared.drop_frames(gap.into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_are_counted_and_mistakes_are_not() {
        let shared = Shared::default();
        let mut last = None;
        for (number, dropped) in [(7, 0), (8, 0), (11, 2), (11, 2), (3, 2), (u32::MAX, 2), (1, 3)] {
            lost(&shared, &mut last, Some(number));
            assert_eq!(shared.dropped(), dropped, "{number}");
        }
    }

    #[test]
    fn the_oldest_gives_way() {
        let shared = Shared::default();
        for time_us in 0..7 {
            shared.give(Taken { bytes: vec![], time_us });
        }
        assert_eq!(shared.dropped(), 3);
        shared.end(Error::new(ErrorKind::Unavailable, WHAT, "it is gone"));
        for expected in 3..7 {
            assert!(
                matches!(shared.wait(Duration::ZERO), Told::Frame(it) if it.time_us == expected)
            );
        }
        assert!(matches!(shared.wait(Duration::ZERO), Told::End(_)));
    }

    #[test]
    fn the_newest_alone_is_taken() {
        let shared = Shared::default();
        assert!(matches!(shared.newest(), Told::Nothing));
        for time_us in 0..3 {
            shared.give(Taken { bytes: vec![], time_us });
        }
        assert!(matches!(shared.newest(), Told::Frame(it) if it.time_us == 2));
        assert_eq!(shared.dropped(), 2);
        assert!(matches!(shared.newest(), Told::Nothing));
    }
}
