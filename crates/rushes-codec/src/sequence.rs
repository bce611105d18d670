//! Pictures in a row that are no video to libav: stills, numbered or in a
//! folder, the pages of a TIFF, animated WebP, arrays in chunks (Zarr), and the raw recordings of
//! scientific cameras.
//!
//! A [`Sequence`] knows how many there are and when each is shown; a
//! [`SequenceReader`] gives any of them as [`crate::VideoReader`] gives frames.

mod files;
mod hiris;
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
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use rushes_media::{Error, ErrorKind, Frame, Limits, Rational, Result};

use crate::av::AnimatedWebP;
use crate::{Source, av, open_file, still};
use times::Times;

pub use files::{SequenceFiles, Shelf};
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

/// How a [`Sequence`] is opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SequenceOptions {
    /// Frames a second of pictures that have no times of their own; 25 when
    /// none is stated.
    pub rate_hz: Option<Rational>,
    /// What reading each file may cost.
    pub limits: Limits,
}

/// Which pictures there are, and when each is shown. It is made from headers
/// and file names; pixels are read one picture at a time.
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
    /// Opens what is at a path: a folder of stills of one format, or one that is an
    /// array (Zarr v3, `[T, H, W]` or `[T, H, W, C]`); a pattern
    /// (`shot.%04d.exr`, `shot.####.exr`) or wildcards (`*`, `?`) in place of a
    /// name; a still; a TIFF of many pages; an animated WebP; a recording by
    /// StreamPix (Norpix) or Hiris (R&D Vision). Content decides. `None` when it
    /// is none of these, and [`crate::FrameIndex`] is to try it.
    ///
    /// Files of a folder, a pattern or wildcards are sorted by the numbers in
    /// their names. Numbers that are missing make no frames and take no time;
    /// [`Sequence::warnings`] tells them. `goes_on` is asked now and then
    /// whether to go on.
    ///
    /// # Errors
    /// `NotFound` when nothing is there, `Invalid` for a folder of several
    /// formats and for a rate given to what has times of its own, `Corrupt`
    /// when headers contradict the file, `Unsupported` for kinds of recordings
    /// that are not read here, `Limit` when there are too many pictures,
    /// `Unavailable` when `goes_on` said to stop.
    pub fn open(
        path: &Path,
        options: SequenceOptions,
        goes_on: impl Fn() -> bool + Send + Sync + 'static,
    ) -> Result<Option<Sequence>> {
        if zarr::is_zarr(path) {
            return zarr::open(path, options).map(Some).map_err(|error| error.at(path));
        }
        if let Some(files) = SequenceFiles::stills(path)? {
            return of_files(files, options).map(Some).map_err(|error| error.at(path));
        }
        let opened = || {
            let source = source(path, options.limits)?.watched(goes_on);
            with_stills(source, SequenceFiles::beside(path)?, options)
        };
        opened().map_err(|error: Error| error.at(path))
    }

    /// The pictures of one file: a TIFF of many pages, an animated WebP, a
    /// recording by StreamPix or Hiris, whose frames are in the files beside
    /// it. `None` for a still and for what [`crate::FrameIndex`] is to try.
    ///
    /// # Errors
    /// As for [`Sequence::open`].
    pub fn of_source(
        source: Source,
        beside: impl Shelf + 'static,
        options: SequenceOptions,
    ) -> Result<Option<Sequence>> {
        let head = source.head()?;
        if norpix::is_norpix(&head) {
            timeless(options)?;
            return norpix::open(source, &head).map(Some);
        }
        if hiris::is_hiris(&head) {
            return hiris::open(&source, beside, options).map(Some);
        }
        if let Some(animated) = AnimatedWebP::find(&source, &head) {
            timeless(options)?;
            return webp::open(source, animated).map(Some);
        }
        if is_film(&source, &head) {
            return Ok(None);
        }
        if let Some(pages) = still::tiff_pages(&source, &head)
            && let Some(pages) = pages::TiffPages::of(source, pages?)
        {
            return pages.sequence(options).map(Some);
        }
        Ok(None)
    }

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

    /// The same of what a source holds, which is under its own watch. Recordings
    /// by Hiris are files beside each other, and are opened by their path alone.
    ///
    /// # Errors
    /// As for [`Sequence::open`].
    pub fn of(source: Source, options: SequenceOptions) -> Result<Option<Sequence>> {
        if hiris::is_hiris(&source.head()?) {
            let why = "its frames are in files beside it";
            return Err(Error::new(ErrorKind::Unsupported, WHAT, why).remedy("open it by its path"));
        }
        with_stills(source, SequenceFiles::none(), options)
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

fn of_files(files: SequenceFiles, options: SequenceOptions) -> Result<Sequence> {
    let warnings = files.gaps().into_iter().collect();
    let sequence = Sequence::of_stills(files, options)?;
    Ok(Sequence { warnings, ..sequence })
}

/// What [`Sequence::of_source`] gives, and a still as a sequence of one.
fn with_stills(
    source: Source,
    beside: SequenceFiles,
    options: SequenceOptions,
) -> Result<Option<Sequence>> {
    let head = source.head()?;
    let is_own = !is_film(&source, &head);
    let is_still = is_own && (still::is_still(&source, &head) || av::is_still(&source));
    let still = source.patched(Vec::new());
    match Sequence::of_source(source, beside, options)? {
        None if is_still => {
            let times = Times::even(options.rate_hz.unwrap_or(STILLS_HZ), 1)?;
            let (pictures, has_times) = (Box::new(files::Still(still)), false);
            let (epoch_secs, warnings) = (None, Vec::new());
            Ok(Some(Sequence { pictures, times, has_times, epoch_secs, warnings }))
        }
        found => Ok(found),
    }
}

/// Whether libav plays it although it begins as a still does.
fn is_film(source: &Source, head: &[u8]) -> bool {
    av::is_animation(source, head) || is_bare_motion_jpeg(source)
}

/// A bare stream of JPEGs begins as a JPEG does; its name tells them apart.
fn is_bare_motion_jpeg(source: &Source) -> bool {
    matches!(source.extension(), "mjpeg" | "mjpg")
}

fn timeless(options: SequenceOptions) -> Result<()> {
    match options.rate_hz {
        None => Ok(()),
        Some(_) => Err(has_times()),
    }
}

fn has_times() -> Error {
    Error::new(ErrorKind::Invalid, WHAT, "it has times of its own")
        .remedy("state no frame rate for it")
}

fn source(path: &Path, limits: Limits) -> Result<Source> {
    Source::new(open_file(path)?, path.as_os_str().as_bytes(), limits)
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
