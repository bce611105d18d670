//! Where a writer's bytes go.

use std::fs::File;
use std::io::{self, Write};

/// Takes the bytes of a file that is being made, in any order: containers go
/// back to write down what they only know at the end.
pub trait Sink: Send {
    /// Takes bytes that stand from this position on. Nothing is taken of them
    /// when it fails.
    ///
    /// # Errors
    /// Whatever keeps the file from being written.
    fn write_all_at(&mut self, bytes: &[u8], position: u64) -> io::Result<()>;
}

impl Sink for File {
    fn write_all_at(&mut self, bytes: &[u8], position: u64) -> io::Result<()> {
        std::os::unix::fs::FileExt::write_all_at(self, bytes, position)
    }
}

impl Sink for Box<dyn Sink> {
    fn write_all_at(&mut self, bytes: &[u8], position: u64) -> io::Result<()> {
        (**self).write_all_at(bytes, position)
    }
}

/// A sink that is written from its start to its end.
pub(super) struct Sequential {
    sink: Box<dyn Sink>,
    position: u64,
}

impl Sequential {
    pub(super) fn new(sink: Box<dyn Sink>) -> Sequential {
        Sequential { sink, position: 0 }
    }
}

impl Write for Sequential {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.sink.write_all_at(bytes, self.position)?;
        self.position += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
