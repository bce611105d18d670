//! Frames that become arrays without being copied.

use std::ffi::{c_int, c_void};

use pyo3::exceptions::PyBufferError;
use pyo3::{ffi, prelude::*};
use rushes_media::{Frame, Rational, Values};

/// A frame whose memory an array takes over, by Python's buffer protocol.
#[pyclass(frozen, module = "rushes._rushes")]
pub(crate) struct Picture {
    shape: (u32, u32, usize),
    dtype: &'static str,
    times: [Option<(i64, i64)>; 2],
    memory: Memory,
}

/// Numbers that Rust holds for Python and does not touch again.
struct Memory {
    /// Freed with the last array that lies in it.
    _values: Values,
    start: *mut c_void,
    bytes: isize,
}

// SAFETY: nothing in Rust reads or writes through the pointer; it is handed to Python, whose
// arrays may be used by any thread.
unsafe impl Send for Memory {}
// SAFETY: as above.
unsafe impl Sync for Memory {}

impl Memory {
    fn of(mut values: Values) -> Memory {
        let (start, bytes) = match &mut values {
            Values::U8(values) => place(values),
            Values::U16(values) => place(values),
            Values::F32(values) => place(values),
        };
        // What is moved is the vector's head; its numbers stay where they are.
        Memory { _values: values, start, bytes }
    }
}

/// Where the numbers lie, and bytes of them.
fn place<T>(values: &mut [T]) -> (*mut c_void, isize) {
    // A vector holds no more bytes than fit.
    (values.as_mut_ptr().cast(), size_of_val(values).cast_signed())
}

impl Picture {
    pub(crate) fn new(frame: Frame) -> Picture {
        let terms = |secs: Option<Rational>| secs.map(|secs| (secs.num(), secs.den()));
        Picture {
            shape: (frame.height_px(), frame.width_px(), frame.layout().channels()),
            dtype: match frame.values() {
                Values::U8(_) => "uint8",
                Values::U16(_) => "uint16",
                Values::F32(_) => "float32",
            },
            times: [terms(frame.time_secs), terms(frame.duration_secs)],
            memory: Memory::of(frame.into_values()),
        }
    }
}

#[pymethods]
impl Picture {
    /// Height, width and channels.
    #[getter]
    fn shape(&self) -> (u32, u32, usize) {
        self.shape
    }

    /// Its numbers, by name.
    #[getter]
    fn dtype(&self) -> &'static str {
        self.dtype
    }

    /// When it is shown, and for how long, in seconds.
    #[getter]
    fn times(&self) -> [Option<(i64, i64)>; 2] {
        self.times
    }

    /// The numbers as bytes that may be written.
    unsafe fn __getbuffer__(
        slf: Bound<'_, Self>,
        view: *mut ffi::Py_buffer,
        flags: c_int,
    ) -> PyResult<()> {
        if view.is_null() {
            return Err(PyBufferError::new_err("there is no view to fill in"));
        }
        let memory = &slf.get().memory;
        // SAFETY: the view is Python's to be filled in. It holds this object, and with it the
        // memory, as long as it is in use.
        let code = unsafe {
            ffi::PyBuffer_FillInfo(view, slf.as_ptr(), memory.start, memory.bytes, 0, flags)
        };
        if code == 0 { Ok(()) } else { Err(PyErr::fetch(slf.py())) }
    }
}
