//! Copies that count as made once their bytes were read back from where they
//! lie.

mod attributes;
mod blocks;
mod hashing;
mod target;
mod verify;

use std::fs::File;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::ScopedJoinHandle;

use rushes_media::{Error, ErrorKind, Result};
use rustix::fs::{Advice, fadvise};

pub use attributes::LeftOut;
pub use blocks::ReadBack;
pub use verify::{Verified, verify_file};

use crate::hash_formats::{Digest, HashFormat};
use crate::hashing::Hashes;
use crate::root::{FileStamp, Root};
use blocks::{Pump, Reading};
use hashing::Hashing;
use target::{Begun, Source, Written};

const WHAT: &str = "copying a file";

/// Destinations that one copy may have.
pub const MOST_TARGETS: usize = 16;

/// Blocks in memory while the source is read.
const BLOCKS: usize = 8;

/// Where a copy is to be.
#[derive(Clone, Copy, Debug)]
pub struct CopyTarget<'a> {
    /// The folder that nothing escapes.
    pub root: &'a Root,
    /// The copy's name beneath it; folders in it are made.
    pub path: &'a [u8],
}

/// What a copy has done since it last said something. Destinations are told by
/// their number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CopyStep {
    /// These many bytes of the source were read.
    Read(u64),
    /// These many bytes were written.
    Written(usize, u64),
    /// These many bytes were read back.
    Verified(usize, u64),
}

/// What was copied.
#[derive(Debug)]
pub struct Copied {
    /// The source, the same before and after it was read.
    pub stamp: FileStamp,
    /// The hashes of the source; `None` when every destination had failed before
    /// all of it was read.
    pub hashes: Option<Hashes>,
    /// The source's hashes of the formats that were asked for, in that order.
    pub digests: Vec<Digest>,
    /// How it went at each destination, in their order.
    pub targets: Vec<Result<Placed>>,
}

/// A copy that is at its destination, and was read back from there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placed {
    /// Whether it was there before; nothing was written then.
    pub was_there: bool,
    /// How it was read back.
    pub read_back: ReadBack,
    /// The copy, after it was read back and named.
    pub stamp: FileStamp,
    /// What it does not have of the source, beside the bytes.
    pub left_out: Vec<LeftOut>,
}

/// Copies a file to several destinations at once: it is read once, and hashed
/// and written while it is read, each destination by a thread of its own.
///
/// A destination is written under a partial name beside its own, put to disk,
/// read back past the page cache and hashed. It gets its name after that, and
/// only when both hashes are those of the source; nothing is ever replaced.
/// Times, rights (`rwx`) and extended attributes are kept; what a destination
/// does not take of them is told. Owners and the right to become one are not
/// kept. Holes of 4 MiB and more stay holes.
///
/// Where a file of the same size has a destination's name, that file is read
/// back: with the same content it is the copy, with any other a `Conflict`. A
/// destination that fails (full, unplugged, read-only, a name that is taken)
/// fails alone.
///
/// What a copy that was killed has left behind is discarded by the next one of
/// the same name, also of a large file: there is no record of which of its bytes
/// ever reached the disk, and to find out takes reading both files, which is
/// most of what copying takes. So at most one file is copied twice.
///
/// `expected` is the BLAKE3 that the source is known by, if it is: a source that
/// has rotted is not spread.
///
/// `watch` hears of every step, from several threads, and says whether to go
/// on; `None` when it said stop. Destinations that were verified before that
/// have their names. Takes 32 MiB, and 12 MiB more for each destination, however
/// large the file is.
///
/// # Errors
/// `Conflict` when the source changed meanwhile, and what the system says when
/// it cannot be read: then no destination gets its name. `Corrupt` when it is not
/// what is `expected`. `Invalid` without a
/// destination, or with more than 16.
pub fn copy_file(
    source: &File,
    targets: &[CopyTarget<'_>],
    formats: &[HashFormat],
    expected: Option<&[u8; 32]>,
    watch: &(dyn Fn(CopyStep) -> bool + Sync),
) -> Result<Option<Copied>> {
    if targets.is_empty() || targets.len() > MOST_TARGETS {
        let why = format!("it has {} destinations, and 1 to {MOST_TARGETS} may be", targets.len());
        return Err(Error::new(ErrorKind::Invalid, WHAT, why));
    }
    let is_stopped = AtomicBool::new(false);
    let watch = |step| {
        if !watch(step) {
            is_stopped.store(true, Ordering::Relaxed);
        }
        !is_stopped.load(Ordering::Relaxed)
    };
    let known = Source::of(source)?;
    // The system may read further ahead; where it does not listen, nothing is lost.
    let _ = fadvise(source, 0, None, Advice::Sequential);
    let begun: Vec<Result<Begun>> =
        targets.iter().map(|target| target::begin(target, &known)).collect();
    let Some((hashed, written)) = read_and_write(source, &known, begun, formats, &watch)? else {
        return Ok(None);
    };
    if let (Some((all, _)), Some(expected)) = (&hashed, expected)
        && all.blake3 != *expected
    {
        let why = "the source's bytes are not what they were, though its size and time are";
        return Err(Error::new(ErrorKind::Corrupt, WHAT, why)
            .remedy("look after its disk, and take another copy of it"));
    }
    let (hashes, digests) = hashed.map_or((None, Vec::new()), |(all, others)| (Some(all), others));
    let verify = |number, written: Result<Written>, target| {
        let mut watch = |bytes| watch(CopyStep::Verified(number, bytes));
        let unread = || Error::bug(WHAT, "what was written was not read to its end");
        written?.verify(target, &hashes.ok_or_else(unread)?, &mut watch)
    };
    let placed: Vec<Result<Option<Placed>>> = std::thread::scope(|scope| {
        let threads: Vec<_> = written
            .into_iter()
            .zip(targets)
            .enumerate()
            .map(|(at, (written, target))| {
                let verify = &verify;
                scope.spawn(move || verify(at, written, target))
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().map_err(lost)?).collect()
    });
    let Some(targets) = placed.into_iter().map(Result::transpose).collect() else {
        return Ok(None);
    };
    Ok(Some(Copied { stamp: known.stamp, hashes, digests, targets }))
}

type HashedAndWritten = (Option<(Hashes, Vec<Digest>)>, Vec<Result<Written>>);

/// A destination while the source is read.
enum Writing<'scope> {
    Thread(ScopedJoinHandle<'scope, Result<Option<Written>>>),
    Over(Result<Option<Written>>),
}

/// Reads the source to its end, and has it hashed and written meanwhile. `None`
/// when the watcher said stop.
fn read_and_write(
    source: &File,
    known: &Source,
    begun: Vec<Result<Begun>>,
    formats: &[HashFormat],
    watch: &(dyn Fn(CopyStep) -> bool + Sync),
) -> Result<Option<HashedAndWritten>> {
    let size_bytes = known.stamp.size_bytes;
    let mut pump = Pump { file: source, size_bytes, blocks: BLOCKS, how: ReadBack::CacheDropped };
    // Destinations that may still succeed, and whether they got all of the source.
    let living = AtomicUsize::new(begun.iter().filter(|begun| begun.is_ok()).count());
    let is_whole = AtomicBool::new(true);
    let (reading, hashed, written) = std::thread::scope(|scope| {
        let (hashing, mut lanes) = Hashing::start(scope, &pump, formats);
        let mut writing = Vec::new();
        for (number, begun) in begun.into_iter().enumerate() {
            writing.push(match begun {
                Ok(Begun::New(partial)) => {
                    let (lane, arriving) = pump.lane();
                    lanes.push(lane);
                    let (living, is_whole) = (&living, &is_whole);
                    Writing::Thread(scope.spawn(move || {
                        let watch = |bytes| {
                            watch(CopyStep::Written(number, bytes))
                                && is_whole.load(Ordering::Acquire)
                        };
                        let written = target::write(partial, arriving, known, &watch);
                        if written.is_err() {
                            living.fetch_sub(1, Ordering::Relaxed);
                        }
                        written
                    }))
                }
                Ok(Begun::Taken(file)) => Writing::Over(Ok(Some(Written::Taken(file)))),
                Err(error) => Writing::Over(Err(error)),
            });
        }
        let mut go_on = |bytes| watch(CopyStep::Read(bytes)) && living.load(Ordering::Relaxed) > 0;
        let reading =
            if go_on(0) { pump.run(&mut lanes, &mut go_on) } else { Ok(Reading::Stopped) };
        let reading = reading.map_err(|error| Error::io("reading what is copied", &error));
        let reading = reading.and_then(|reading| match reading {
            Reading::Ended(size) if size == size_bytes && FileStamp::of(source)? == known.stamp => {
                Ok(true)
            }
            Reading::Ended(_) => {
                let why = "the source changed while it was read";
                Err(Error::new(ErrorKind::Conflict, WHAT, why)
                    .remedy("copy it again when nobody writes it any more"))
            }
            Reading::Stopped => Ok(false),
        });
        // Nothing is put to disk that is not to stay.
        is_whole.store(matches!(reading, Ok(true)), Ordering::Release);
        drop(lanes);
        let written: Vec<Result<Option<Written>>> = writing
            .into_iter()
            .map(|writing| match writing {
                Writing::Thread(thread) => thread.join().map_err(lost)?,
                Writing::Over(written) => written,
            })
            .collect();
        (reading, hashing.finish(), written)
    });
    let is_whole = reading?;
    let Some(written) = written.into_iter().map(Result::transpose).collect::<Option<Vec<_>>>()
    else {
        return Ok(None);
    };
    if !is_whole && written.iter().any(Result::is_ok) {
        return Ok(None);
    }
    Ok(Some((if is_whole { Some(hashed?) } else { None }, written)))
}

fn lost(_: Box<dyn std::any::Any + Send>) -> Error {
    Error::bug(WHAT, "a thread that copies ended early")
}
