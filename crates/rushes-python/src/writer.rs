//! Frames to a video, and what every file has in common that is written bit by
//! bit: its name comes last.

use std::mem::ManuallyDrop;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use pyo3::prelude::*;
use rushes_actions::Delivery;
use rushes_codec::{Sink, Target, VideoWriter, WriterOptions};
use rushes_media::{Error, ErrorKind, Rational, Result};

use crate::still::{as_stored, frame_of};
use crate::watch::exception;

const WHAT: &str = "writing the file";

/// A writer that has a file's end still to write.
pub(crate) trait Half {
    /// Writes the end.
    fn finished(self) -> Result<()>;
}

/// What is under way, and who writes it.
pub(crate) struct Written<W> {
    path: PathBuf,
    /// The process that it was opened in; no other may touch the writer.
    process: u32,
    /// Locked while something is written, with the interpreter free.
    half: Mutex<Option<(W, Delivery)>>,
}

impl<W: Half> Written<W> {
    pub(crate) fn begin(
        path: &Path,
        start: u64,
        overwrites: bool,
        create: impl FnOnce(Box<dyn Sink>, &str) -> Result<W>,
    ) -> Result<Written<W>> {
        let begun = (|| {
            let target = Target::of(path, start)?;
            let format = target.format().to_owned();
            let begun = Delivery::begin(path, target, overwrites);
            let delivery = begun.map_err(|error| match error.kind {
                ErrorKind::Conflict => error.remedy("give it another name, or pass overwrite=True"),
                _ => error,
            })?;
            Ok((create(delivery.sink(), &format)?, delivery))
        })();
        let located = |error: Error| if error.path.is_some() { error } else { error.at(path) };
        Ok(Written {
            path: path.to_owned(),
            process: std::process::id(),
            half: Mutex::new(Some(begun.map_err(located)?)),
        })
    }

    /// Whether this process opened it.
    pub(crate) fn is_ours(&self) -> bool {
        self.process == std::process::id()
    }

    /// Writes something, when nobody else does.
    pub(crate) fn with(&self, write: impl FnOnce(&mut W) -> Result<()>) -> Result<()> {
        self.check_ours()?;
        let mut half = self.half.lock().unwrap_or_else(PoisonError::into_inner);
        let done = match &mut *half {
            Some((writer, _)) => write(writer),
            None => Err(Error::new(ErrorKind::Invalid, WHAT, "it is closed")),
        };
        done.map_err(|error| error.at(&self.path))
    }

    /// Writes the end and gives the file its name; nothing when that was done.
    pub(crate) fn finish(&self) -> Result<()> {
        self.check_ours()?;
        let mut half = self.half.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((writer, delivery)) = half.take() else { return Ok(()) };
        let done = writer.finished().and_then(|()| delivery.keep());
        done.map(drop).map_err(|error| error.at(&self.path))
    }

    /// Gives up: what was written is gone.
    pub(crate) fn abandon(&self) {
        if self.is_ours() {
            drop(self.half.lock().unwrap_or_else(PoisonError::into_inner).take());
        }
    }

    fn check_ours(&self) -> Result<()> {
        if self.is_ours() {
            return Ok(());
        }
        let why = "it was opened in the process that this one was forked from";
        Err(Error::new(ErrorKind::Invalid, WHAT, why).at(&self.path))
    }
}

/// Writes frames to a video or to stills, which have their names once all is
/// whole.
#[pyclass(frozen, module = "rushes._rushes")]
pub(crate) struct FrameWriter {
    written: ManuallyDrop<Written<VideoWriter>>,
    format: String,
    frames: AtomicU64,
}

#[pymethods]
impl FrameWriter {
    /// For a file of this name, with so many frames a second; or for several,
    /// numbered from `start`.
    #[new]
    #[expect(clippy::too_many_arguments, reason = "Python gives all of them")]
    fn new(
        py: Python<'_>,
        path: PathBuf,
        rate_hz: Option<(i64, i64)>,
        codec: Option<String>,
        quality: Option<u8>,
        plays: u16,
        start: u64,
        overwrite: bool,
    ) -> PyResult<FrameWriter> {
        let mut format = String::new();
        let made = py.detach(|| {
            let no_rate = || Error::new(ErrorKind::Invalid, WHAT, "that is no rate of frames");
            let rate = |(num, den)| Rational::new(num, den).ok_or_else(no_rate);
            let rate_hz = rate_hz.map(rate).transpose()?;
            let options = WriterOptions { codec, rate_hz, quality, threads: 0, plays };
            Written::begin(&path, start, overwrite, |sink, name| {
                format = name.to_owned();
                // Arrays have no times of their own; stills and pages have none to keep.
                if rate_hz.is_none() && !name.starts_with("%d.") && !name.starts_with("tif") {
                    let why = "the frames have no times";
                    return Err(Error::new(ErrorKind::Invalid, WHAT, why)
                        .remedy("pass fps, how many there are a second"));
                }
                VideoWriter::create(sink, name, options)
            })
        });
        let written = made.map_err(|error| exception(py, &error))?;
        let (written, frames) = (ManuallyDrop::new(written), AtomicU64::new(0));
        Ok(FrameWriter { written, format, frames })
    }

    /// Writes the next frame.
    fn write(&self, py: Python<'_>, array: &Bound<'_, PyAny>) -> PyResult<()> {
        let mut frame = frame_of(py, array)?;
        as_stored(&mut frame, &self.format);
        let write = |writer: &mut VideoWriter| {
            writer.write(&frame)?;
            self.frames.store(writer.len(), Ordering::Relaxed);
            Ok(())
        };
        py.detach(|| self.written.with(write)).map_err(|error| exception(py, &error))
    }

    /// Frames that were written.
    #[getter]
    fn frames(&self) -> u64 {
        self.frames.load(Ordering::Relaxed)
    }

    /// Writes what is left, and gives the file its name.
    fn finish(&self, py: Python<'_>) -> PyResult<()> {
        py.detach(|| self.written.finish()).map_err(|error| exception(py, &error))
    }

    /// Gives up: the file is gone.
    fn abandon(&self, py: Python<'_>) {
        py.detach(|| self.written.abandon());
    }
}

impl Half for VideoWriter {
    fn finished(self) -> Result<()> {
        self.finish()
    }
}

impl Drop for FrameWriter {
    fn drop(&mut self) {
        if self.written.is_ours() {
            // SAFETY: it is not used again.
            unsafe { ManuallyDrop::drop(&mut self.written) };
        }
    }
}
