//! Pictures in a row that are no video to libav: stills, numbered or in a
//! folder, the pages of a TIFF, animated WebP, arrays in chunks (Zarr), and the raw recordings of
//! scientific cameras.
//!
//! A [`Sequence`] knows how many there are and when each is shown; a
//! [`SequenceReader`] gives any of them as [`crate::VideoReader`] gives frames.

mod chunks;
mod files;
mod hiris;
mod kind;
mod names;
mod norpix;
mod numbers;
mod pages;
mod probe;
mod raw;
mod reader;
mod stream;
mod times;
mod webp;
mod zarr;

use std::fmt;
use std::io::{Read, Seek, SeekFrom};

use rushes_media::{Error, ErrorKind, Frame, Rational, Result};

use crate::{Source, Span};
use times::Times;

pub use files::{SequenceFiles, Shelf};
pub(crate) use hiris::is_hiris;
pub(crate) use kind::{Kind, is_still};
pub(crate) use names::Pattern;
pub(crate) use probe::{preview, probe};
pub use reader::{Orientation, SequenceReader};
pub use stream::SequenceStream;
pub(crate) use webp::Player;

const WHAT: &str = "reading the sequence";

/// Stills have no times: as many a second as FFmpeg's image2 gives.
const STILLS_HZ: Rational = Rational::whole(25);

/// Frames of one recording at most.
const MOST_FRAMES: usize = 1 << 24;

/// Which pictures there are, and when each is shown. It is made from headers
/// and file names; pixels are read one picture at a time. [`crate::open`] finds
/// it.
///
/// Files of a folder, a pattern or wildcards are sorted by the numbers in
/// their names. Numbers that are missing make no frames and take no time;
/// [`Sequence::warnings`] tells them.
///
/// It never changes, holds open no more than one file, and may be shared by
/// any number of readers.
#[derive(Debug)]
pub struct Sequence {
    pictures: Box<dyn Pictures>,
    times: Times,
    /// Whether they are stated, not supposed.
    has_times: bool,
    /// The time of day of time zero, in seconds since 1970.
    epoch_secs: Option<Rational>,
    warnings: Vec<String>,
}

/// Where pictures come from.
trait Pictures: fmt::Debug + Send + Sync {
    /// How many there are.
    fn count(&self) -> usize;

    /// Picture `i` as it is stored; `i` is less than the count.
    fn picture(&self, i: usize) -> Result<Taken>;

    /// What to call picture `i` in an error.
    fn name(&self, i: usize) -> String {
        format!("frame {i}")
    }
}

/// A picture, and the still that says how it is set upright; without one that
/// is as for the first picture.
struct Taken {
    frame: Frame,
    still: Option<Source>,
}

impl Sequence {
    /// The same pictures, so many a second.
    ///
    /// # Errors
    /// `Invalid` for a rate that is none, and where they have times of their
    /// own.
    pub fn at_rate(self, rate_hz: Rational) -> Result<Sequence> {
        if self.has_times {
            return Err(has_times());
        }
        let times = Times::even(rate_hz, self.len())?;
        Ok(Sequence { times, ..self })
    }

    /// Whether its pictures have times of their own, so that it takes no rate.
    #[must_use]
    pub fn has_times(&self) -> bool {
        self.has_times
    }

    /// How long each is shown, where that is the same for all.
    #[must_use]
    pub fn step_secs(&self) -> Option<Rational> {
        self.times.step(self.len())
    }

    /// All of it.
    #[must_use]
    pub fn span(&self) -> Span {
        let last = self.len().saturating_sub(1);
        let start_secs = self.time_secs(last);
        let end_secs = start_secs.checked_add(self.duration_secs(last)).unwrap_or(start_secs);
        Span { first: 0, end: self.len(), start_secs: Rational::ZERO, end_secs }
    }

    /// How many pictures there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.pictures.count()
    }

    /// Whether there are none; what was opened has some.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// When frame `i` is shown: exact seconds from the first, never falling.
    #[must_use]
    pub fn time_secs(&self, i: usize) -> Rational {
        self.times.start(i)
    }

    /// How long frame `i` is shown, in exact seconds.
    #[must_use]
    pub fn duration_secs(&self, i: usize) -> Rational {
        self.times.duration(i)
    }

    /// The frame shown at a time in seconds from the first: the first for a
    /// time before it, the last for one after the end.
    #[must_use]
    pub fn at(&self, time_secs: Rational) -> usize {
        self.times.at(time_secs, self.len())
    }

    /// When frame `i` was recorded: exact seconds since 1970-01-01, by the
    /// clock of the machine that recorded it. `None` when that is not stated.
    #[must_use]
    pub fn recorded_secs(&self, i: usize) -> Option<Rational> {
        self.epoch_secs?.checked_add(self.time_secs(i))
    }

    /// What is missing, and where headers and content do not agree, in plain
    /// words.
    #[must_use]
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }
}

fn has_times() -> Error {
    Error::new(ErrorKind::Invalid, WHAT, "it has times of its own")
        .remedy("state no frame rate for it")
}

fn corrupt(why: impl Into<String>) -> Error {
    Error::new(ErrorKind::Corrupt, WHAT, why)
        .remedy("copy it again from where it came from, or repair it")
}

/// Exactly so many bytes from this place.
fn bytes(source: &Source, at: u64, length: u64) -> Result<Vec<u8>> {
    let ends = || corrupt(format!("it ends within {length} bytes that should be at {at}"));
    if at.checked_add(length).is_none_or(|end| end > source.size_bytes()) {
        return Err(ends());
    }
    let mut reader = source.reader();
    let mut bytes = Vec::new();
    reader
        .seek(SeekFrom::Start(at))
        .and_then(|_| reader.take(length).read_to_end(&mut bytes))
        .map_err(|error| Error::io(WHAT, &error))?;
    if bytes.len() as u64 == length { Ok(bytes) } else { Err(ends()) }
}
