//! Work on many items: fed from the catalogue, done by several threads,
//! stored by one, in flat memory and in small transactions.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crossbeam_channel::{RecvTimeoutError, bounded};
use rushes_media::Result;

/// Results stored in one go.
const BATCH: usize = 8_192;
/// A result waits no longer than this to be stored.
const PATIENCE: Duration = Duration::from_millis(250);

/// Runs `work` on every item that `feed` gives, page by page until an empty
/// one, on this many threads, and hands the results to `store` on the
/// caller's thread. Ends early, well, when `cancelled` is set.
///
/// # Errors
/// The first of `feed` or `store`.
pub(crate) fn run<T: Send, R: Send>(
    threads: usize,
    cancelled: &AtomicBool,
    mut feed: impl FnMut() -> Result<Vec<T>> + Send,
    work: impl Fn(T) -> R + Sync,
    mut store: impl FnMut(Vec<R>) -> Result<()>,
) -> Result<()> {
    let threads = threads.max(1);
    let (task_in, task_out) = bounded::<T>(threads * 64);
    let (done_in, done_out) = bounded::<R>(BATCH);
    let stopped = AtomicBool::new(false);
    let stop = || cancelled.load(Ordering::Relaxed) || stopped.load(Ordering::Relaxed);
    std::thread::scope(|scope| {
        let (stop, work) = (&stop, &work);
        let feeder = scope.spawn(move || -> Result<()> {
            loop {
                let page = feed()?;
                if page.is_empty() || stop() {
                    return Ok(());
                }
                for task in page {
                    if stop() || task_in.send(task).is_err() {
                        return Ok(());
                    }
                }
            }
        });
        for _ in 0..threads {
            let (tasks, done) = (task_out.clone(), done_in.clone());
            scope.spawn(move || {
                for task in tasks {
                    if stop() || done.send(work(task)).is_err() {
                        return;
                    }
                }
            });
        }
        drop((task_out, done_in));
        let mut stored = Ok(());
        let mut batch = Vec::new();
        let mut due = Instant::now() + PATIENCE;
        loop {
            let received = done_out.recv_deadline(due);
            let ended = matches!(received, Err(RecvTimeoutError::Disconnected));
            if let Ok(done) = received {
                batch.push(done);
            }
            let full = batch.len() >= BATCH || ended || Instant::now() >= due;
            if full {
                if !batch.is_empty() && stored.is_ok() {
                    stored = store(std::mem::take(&mut batch));
                    if stored.is_err() {
                        stopped.store(true, Ordering::Relaxed);
                    }
                }
                batch.clear();
                due = Instant::now() + PATIENCE;
            }
            if ended {
                break;
            }
        }
        let fed = feeder.join().unwrap_or_else(|_| {
            Err(rushes_media::Error::bug("listing what is to be done", "the thread panicked"))
        });
        stored.and(fed)
    })
}

#[cfg(test)]
mod tests {
    use rushes_media::{Error, ErrorKind};

    use super::*;

    fn pages(mut left: u32) -> impl FnMut() -> Result<Vec<u32>> + Send {
        move || {
            let page = left.min(100);
            left -= page;
            Ok((0..page).collect())
        }
    }

    #[test]
    fn every_item_is_done_once() {
        let (mut items, mut sum) = (0, 0);
        run(
            3,
            &AtomicBool::new(false),
            pages(1234),
            |n| n * 2,
            |done| {
                items += done.len();
                sum += done.iter().sum::<u32>();
                Ok(())
            },
        )
        .unwrap();
        assert_eq!((items, sum), (1234, 2 * (12 * 4950 + 33 * 34 / 2)));
    }

    #[test]
    fn an_error_ends_it_and_is_told() {
        let error = Error::new(ErrorKind::Unavailable, "storing", "the disk is full");
        let ended = run(2, &AtomicBool::new(false), pages(100_000), |n| n, |_| Err(error.clone()));
        assert_eq!(ended.unwrap_err(), error);
        let ended = run(
            2,
            &AtomicBool::new(false),
            || Err::<Vec<u32>, _>(error.clone()),
            |n| n,
            |_| Ok(()),
        );
        assert_eq!(ended.unwrap_err(), error);
    }

    #[test]
    fn cancelling_ends_an_endless_feed() {
        let cancelled = AtomicBool::new(false);
        run(
            2,
            &cancelled,
            || Ok(vec![1; 100]),
            |n| n,
            |_| {
                cancelled.store(true, Ordering::Relaxed);
                Ok(())
            },
        )
        .unwrap();
    }
}
