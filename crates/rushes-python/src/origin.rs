//! Where the bytes of media come from: a path, an open file, memory, or a
//! Python object that reads.

use std::fmt;
use std::fs::File;
use std::io::{self, Read as _};
use std::os::fd::{BorrowedFd, RawFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use pyo3::buffer::PyBuffer;
use pyo3::prelude::*;
use rushes_codec::{ReadAt, Source, open_file};
use rushes_media::{Error, ErrorKind, Limits, Result};

use crate::watch::exception;

const WHAT: &str = "opening the file";
const READING: &str = "reading the file";

/// An object is asked for so much at once.
const BLOCK_BYTES: u64 = 64 << 10;

/// What media is read from, again and again.
#[pyclass(frozen, module = "rushes._rushes")]
pub(crate) struct Origin {
    given: Given,
    /// The path, or what it is called; empty where it has no name.
    name: PathBuf,
}

enum Given {
    Path,
    File(File),
    Memory(Arc<Memory>),
    Object(Arc<Object>),
}

/// The text of a file that is no larger than so many bytes.
#[pyfunction]
pub(crate) fn read_text(py: Python<'_>, path: PathBuf, most_bytes: u64) -> PyResult<String> {
    let read = || -> Result<String> {
        let mut bytes = Vec::new();
        let read = open_file(&path)?.take(most_bytes.saturating_add(1)).read_to_end(&mut bytes);
        read.map_err(|error| Error::io(READING, &error))?;
        if bytes.len() as u64 > most_bytes {
            let why = format!("it has more than {most_bytes} bytes");
            return Err(Error::new(ErrorKind::Limit, READING, why));
        }
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    };
    py.detach(read).map_err(|error| exception(py, &error.at(&path)))
}

/// Bytes that stay the same, whatever becomes of their name.
pub(crate) enum Opened {
    File(File, PathBuf),
    Other(Arc<dyn ReadAt>, PathBuf),
}

#[pymethods]
impl Origin {
    /// A file, a folder or a pattern.
    #[staticmethod]
    fn path(path: PathBuf) -> Origin {
        Origin { given: Given::Path, name: path }
    }

    /// A file that is open under this number; it may be closed after this.
    #[staticmethod]
    fn file(py: Python<'_>, descriptor: RawFd, name: PathBuf) -> PyResult<Origin> {
        // SAFETY: it belongs to the Python object that who calls holds, and is
        // borrowed for this call.
        let borrowed = unsafe { BorrowedFd::borrow_raw(descriptor) };
        let own = borrowed.try_clone_to_owned();
        let own = own.map_err(|error| exception(py, &Error::io(WHAT, &error)))?;
        Ok(Origin { given: Given::File(own.into()), name })
    }

    /// Bytes in memory, which are not copied.
    #[staticmethod]
    fn memory(bytes: PyBuffer<u8>, name: PathBuf) -> Origin {
        Origin { given: Given::Memory(Arc::new(Memory(bytes))), name }
    }

    /// An object that reads and seeks, and so many bytes in it.
    #[staticmethod]
    fn object(object: Py<PyAny>, size_bytes: u64, name: PathBuf) -> Origin {
        let object = Object {
            object,
            size_bytes,
            process: std::process::id(),
            raised: Mutex::default(),
            block: Mutex::default(),
        };
        Origin { given: Given::Object(Arc::new(object)), name }
    }
}

impl Origin {
    /// The path, where it is one.
    pub(crate) fn path_of(&self) -> Option<&Path> {
        matches!(self.given, Given::Path).then_some(&self.name)
    }

    pub(crate) fn open(&self) -> Result<Opened> {
        let name = self.name.clone();
        let failed = |error| Error::io(WHAT, &error);
        match &self.given {
            Given::Path => Ok(Opened::File(open_file(&name)?, name)),
            Given::File(file) => Ok(Opened::File(file.try_clone().map_err(failed)?, name)),
            Given::Memory(memory) => Ok(Opened::Other(Arc::clone(memory) as _, name)),
            Given::Object(object) => Ok(Opened::Other(Arc::clone(object) as _, name)),
        }
    }

    /// What came of reading it, as Python has it: what its own object raised is
    /// the reason for whatever happened.
    pub(crate) fn told<T>(&self, py: Python<'_>, done: Result<T>) -> PyResult<T> {
        if let Given::Object(object) = &self.given
            && let Some(raised) =
                object.raised.lock().unwrap_or_else(PoisonError::into_inner).take()
        {
            return Err(raised);
        }
        done.map_err(|error| match self.name.as_os_str().is_empty() {
            true => exception(py, &error),
            false => exception(py, &error.at(&self.name)),
        })
    }
}

impl Opened {
    /// A source of its own.
    pub(crate) fn source(&self, limits: Limits) -> Result<Source> {
        match self {
            Opened::File(file, name) => {
                let file = file.try_clone().map_err(|error| Error::io(WHAT, &error))?;
                Source::new(file, name.as_os_str().as_bytes(), limits)
            }
            Opened::Other(bytes, name) => {
                Ok(Source::over(Arc::clone(bytes), name.as_os_str().as_bytes(), limits))
            }
        }
    }
}

/// Memory that Python holds still for as long as this lives.
struct Memory(PyBuffer<u8>);

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Memory of {} bytes", self.0.len_bytes())
    }
}

impl ReadAt for Memory {
    fn size_bytes(&self) -> u64 {
        self.0.len_bytes() as u64
    }

    fn read_at(&self, buffer: &mut [u8], position: u64) -> io::Result<usize> {
        let size = self.0.len_bytes();
        let start = usize::try_from(position).unwrap_or(usize::MAX).min(size);
        let count = buffer.len().min(size - start);
        if count > 0 {
            // SAFETY: `memory` takes contiguous bytes only, which stay where they are
            // while the buffer is held; start and count are within them. No reference
            // to them is made, as another thread may write a bytearray.
            unsafe {
                let from = self.0.buf_ptr().cast::<u8>().add(start);
                std::ptr::copy_nonoverlapping(from, buffer.as_mut_ptr(), count);
            }
        }
        Ok(count)
    }
}

/// A Python object with `read` and `seek`. The interpreter is held only while
/// one of them runs.
struct Object {
    object: Py<PyAny>,
    size_bytes: u64,
    /// The process that it was given in: a child shares its place in the file.
    process: u32,
    /// What it raised last.
    raised: Mutex<Option<PyErr>>,
    /// Locked without the interpreter, which the object is asked with.
    block: Mutex<Block>,
}

/// What was read last.
#[derive(Default)]
struct Block {
    start: u64,
    bytes: Vec<u8>,
}

impl fmt::Debug for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Object of {} bytes", self.size_bytes)
    }
}

impl ReadAt for Object {
    fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    fn read_at(&self, buffer: &mut [u8], position: u64) -> io::Result<usize> {
        if std::process::id() != self.process {
            // Its lock may have been held when the process was forked.
            let why = "this process was forked, and shares what it reads with its parent";
            let error = Error::new(ErrorKind::Unavailable, READING, why)
                .remedy("open it again here, or fork before");
            return Err(self.failed(Python::attach(|py| exception(py, &error))));
        }
        let mut block = self.block.lock().unwrap_or_else(PoisonError::into_inner);
        if block.from(position).is_empty() {
            let start = position / BLOCK_BYTES * BLOCK_BYTES;
            let wanted = BLOCK_BYTES.min(self.size_bytes.saturating_sub(start));
            block.bytes.clear();
            block.start = start;
            let read = Python::attach(|py| self.fill(py, &mut block, wanted as usize));
            if let Err(raised) = read {
                block.bytes.clear();
                return Err(self.failed(raised));
            }
        }
        let found = block.from(position);
        let count = found.len().min(buffer.len());
        for (place, byte) in buffer.iter_mut().zip(found) {
            *place = *byte;
        }
        Ok(count)
    }
}

impl Object {
    /// Reads a block from its start on; less where the object ends.
    fn fill(&self, py: Python<'_>, block: &mut Block, wanted: usize) -> PyResult<()> {
        let object = self.object.bind(py);
        object.call_method1("seek", (block.start,))?;
        while block.bytes.len() < wanted {
            let left = wanted - block.bytes.len();
            let read = object.call_method1("read", (left,))?;
            let Ok(given) = PyBuffer::<u8>::get(&read) else {
                let name = read.get_type().name()?;
                let why = format!("read() gave {name}, not bytes");
                let error = Error::new(ErrorKind::Invalid, READING, why);
                return Err(exception(py, &error.remedy("open it as bytes, with the mode \"rb\"")));
            };
            let given = given.to_vec(py)?;
            if given.is_empty() {
                break;
            }
            block.bytes.extend(given.iter().take(left));
        }
        Ok(())
    }

    /// Keeps what was raised for who asked, and is an error for who reads.
    fn failed(&self, raised: PyErr) -> io::Error {
        *self.raised.lock().unwrap_or_else(PoisonError::into_inner) = Some(raised);
        io::Error::other("the object that reads it raised an exception")
    }
}

impl Block {
    /// What of it lies from a position on.
    fn from(&self, position: u64) -> &[u8] {
        let at = position.checked_sub(self.start).and_then(|at| usize::try_from(at).ok());
        at.and_then(|at| self.bytes.get(at..)).unwrap_or_default()
    }
}
