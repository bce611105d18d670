//! Where a writer's bytes go.

use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};

/// One of the files of a target that is several; [`crate::Target::name_of`] is
/// its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The one that says what all of them are.
    Header,
    /// That of a frame, counted from 0.
    Frame(u64),
}

/// Takes the bytes of a file that is being made, in any order: containers go
/// back to write down what they only know at the end.
pub trait Sink: Send {
    /// Takes bytes that stand from this position on. Nothing is taken of them
    /// when it fails.
    ///
    /// # Errors
    /// Whatever keeps the file from being written.
    fn write_all_at(&mut self, bytes: &[u8], position: u64) -> io::Result<()>;

    /// Begins one of several files; positions after it are within that one.
    ///
    /// # Errors
    /// `Unsupported` for a sink that is one file, and whatever keeps the file
    /// from being written.
    fn begin(&mut self, part: Part) -> io::Result<()> {
        let _ = part;
        Err(io::Error::new(io::ErrorKind::Unsupported, "several files do not go into one"))
    }
}

impl Sink for File {
    fn write_all_at(&mut self, bytes: &[u8], position: u64) -> io::Result<()> {
        std::os::unix::fs::FileExt::write_all_at(self, bytes, position)
    }
}

impl Sink for &File {
    fn write_all_at(&mut self, bytes: &[u8], position: u64) -> io::Result<()> {
        std::os::unix::fs::FileExt::write_all_at(*self, bytes, position)
    }
}

impl Sink for Box<dyn Sink> {
    fn write_all_at(&mut self, bytes: &[u8], position: u64) -> io::Result<()> {
        (**self).write_all_at(bytes, position)
    }

    fn begin(&mut self, part: Part) -> io::Result<()> {
        (**self).begin(part)
    }
}

/// A sink that is written from where it was gone to, at first its start.
pub(super) struct Sequential {
    sink: Box<dyn Sink>,
    position: u64,
    end: u64,
}

impl Sequential {
    pub(super) fn new(sink: Box<dyn Sink>) -> Sequential {
        Sequential { sink, position: 0, end: 0 }
    }
}

impl Write for Sequential {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.sink.write_all_at(bytes, self.position)?;
        self.position += bytes.len() as u64;
        self.end = self.end.max(self.position);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Seek for Sequential {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let position = match to {
            SeekFrom::Start(position) => Some(position),
            SeekFrom::Current(offset) => self.position.checked_add_signed(offset),
            SeekFrom::End(offset) => self.end.checked_add_signed(offset),
        };
        self.position = position.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.position)
    }
}
