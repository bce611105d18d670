//! Frames of a video into arrays. Any number of threads may ask; one reads,
//! the others wait their turn, all with the interpreter free.

use std::mem::ManuallyDrop;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, ThreadId};
use std::time::Duration;

use pyo3::buffer::PyBuffer;
use pyo3::prelude::*;
use pyo3::types::PyByteArray;
use rushes_actions::tasks;
use rushes_codec::{Depth, FrameReader, SequenceReader, VideoOptions};
use rushes_media::{Error, ErrorKind, Layout, Result, Values};

use crate::frame_index::{Frames, Index, source, terms};
use crate::watch::{Watch, exception};

const WHAT: &str = "reading the video";

/// How long who waits for its turn sleeps before it looks again.
const WAIT: Duration = Duration::from_millis(1);

/// A reader with the watch that it is under.
struct Reading {
    reader: FrameReader,
    watch: Watch,
}

/// What may be done with the reader.
enum State {
    /// Nobody has it. Opened when it is next used, when there is none.
    Free(Option<Box<Reading>>),
    /// This thread has it.
    Taken(ThreadId),
    Closed,
}

/// Reads the frames of a video or a sequence.
#[pyclass(frozen, module = "rushes._rushes")]
pub(crate) struct Reader {
    index: Py<Index>,
    options: VideoOptions,
    facts: Facts,
    swaps: bool,
    /// The process that it was opened in; no other may touch the state.
    process: u32,
    /// Locked for moments, with the interpreter held.
    state: ManuallyDrop<Mutex<State>>,
}

/// A plane: name, bits, height, width, kind of number, numbers.
type Part<'py> = (char, u32, u32, u32, &'static str, Bound<'py, PyByteArray>);
/// A stored frame: pixel format, subsampling, words about its colour, planes.
type Described<'py> = (String, (u32, u32), [Option<String>; 5], Vec<Part<'py>>);

/// What a reader gives.
struct Facts {
    width_px: u32,
    height_px: u32,
    channels: usize,
    depth: Depth,
    frame_bytes: usize,
    rotation: (u16, bool),
    sample_aspect: (i64, i64),
}

#[pymethods]
impl Reader {
    /// Of this index's video: the layout and the numbers by their names, and
    /// the options as they are.
    #[new]
    #[pyo3(signature = (index, format, dtype, size, upright, threads, is_main))]
    #[expect(clippy::too_many_arguments, reason = "what a caller may say, in one call")]
    fn new(
        py: Python<'_>,
        index: Py<Index>,
        format: &str,
        dtype: Option<&str>,
        size: Option<(u32, u32)>,
        upright: bool,
        threads: u32,
        is_main: bool,
    ) -> PyResult<Reader> {
        let layout = match format {
            "gray" => Layout::Gray,
            "rgb24" | "bgr24" => Layout::Rgb,
            "rgba" => Layout::Rgba,
            other => return Err(exception(py, &unknown("format", other))),
        };
        let depth = match dtype {
            None => Depth::Auto,
            Some("uint8") => Depth::U8,
            Some("uint16") => Depth::U16,
            Some("float32") => Depth::F32,
            Some(other) => return Err(exception(py, &unknown("dtype", other))),
        };
        let options = VideoOptions { threads, layout, depth, size, upright };
        let of = index.get();
        let watch = Watch::default();
        watch.begin(is_main);
        let reading = py.detach(|| Reading::open(of, options, watch.clone()));
        let reading = watch.raised().map_or_else(|| of.told(py, reading), Err)?;
        let facts = reading.facts();
        Ok(Reader {
            index,
            options,
            facts,
            swaps: format == "bgr24",
            process: std::process::id(),
            state: ManuallyDrop::new(Mutex::new(State::Free(Some(reading)))),
        })
    }

    /// Height, width and channels.
    #[getter]
    fn shape(&self) -> (u32, u32, usize) {
        (self.facts.height_px, self.facts.width_px, self.facts.channels)
    }

    /// The numbers, by their name.
    #[getter]
    fn dtype(&self) -> &'static str {
        match self.facts.depth {
            Depth::U16 => "uint16",
            Depth::F32 => "float32",
            Depth::U8 | Depth::Auto => "uint8",
        }
    }

    /// Bytes of one frame.
    #[getter]
    fn frame_bytes(&self) -> usize {
        self.facts.frame_bytes
    }

    /// Degrees clockwise, and whether it is mirrored after.
    #[getter]
    fn rotation(&self) -> (u16, bool) {
        self.facts.rotation
    }

    /// Width of a stored pixel over its height.
    #[getter]
    fn sample_aspect(&self) -> (i64, i64) {
        self.facts.sample_aspect
    }

    /// Writes these frames one after another.
    fn read_into(
        &self,
        py: Python<'_>,
        indexes: Vec<usize>,
        buffer: PyBuffer<u8>,
        is_main: bool,
    ) -> PyResult<()> {
        if buffer.readonly() || !buffer.is_c_contiguous() {
            return Err(exception(py, &Error::bug(WHAT, "the array cannot be written")));
        }
        let (start, bytes) = (buffer.buf_ptr().cast::<u8>(), buffer.len_bytes());
        // SAFETY: the buffer is held until this is over, is contiguous and may be
        // written; the array was just made by who calls, and nobody else has it.
        let room = match bytes {
            0 => &mut [],
            _ => unsafe { std::slice::from_raw_parts_mut(start, bytes) },
        };
        let mut turn = self.take_turn(py)?;
        let (done, raised) = py.detach(|| {
            let (done, raised) = self.read(&mut turn, is_main, &mut |reading| {
                reading.reader.frames_into(&indexes, room)
            });
            if self.swaps && done.is_ok() {
                swap_ends(room, self.facts.depth);
            }
            (done, raised)
        });
        drop(turn);
        self.told(py, done, raised)
    }

    /// Frame `i` as it is stored: its pixel format; pixels across and down that
    /// share one number of chroma; matrix, range, primaries, transfer and place
    /// of chroma; and of each plane its name, bits, height, width, kind of
    /// number and numbers.
    fn planes<'py>(&self, py: Python<'py>, i: usize, is_main: bool) -> PyResult<Described<'py>> {
        let mut turn = self.take_turn(py)?;
        let (done, raised) =
            py.detach(|| self.read(&mut turn, is_main, &mut |reading| reading.reader.planes(i)));
        drop(turn);
        let planes = self.told(py, done, raised)?;
        let parts = planes.planes.iter().map(|plane| {
            let (dtype, bytes) = match &plane.values {
                Values::U8(values) => ("uint8", PyByteArray::new(py, values)),
                // SAFETY: any number is such bytes, and these are all of them.
                Values::U16(values) => {
                    ("uint16", PyByteArray::new(py, unsafe { values.align_to::<u8>().1 }))
                }
                // SAFETY: as above.
                Values::F32(values) => {
                    ("float32", PyByteArray::new(py, unsafe { values.align_to::<u8>().1 }))
                }
            };
            (plane.name, plane.bit_depth, plane.height_px, plane.width_px, dtype, bytes)
        });
        let parts = parts.collect();
        let color = planes.color;
        let words =
            [color.matrix, color.range, color.primaries, color.transfer, planes.chroma_location];
        Ok((planes.pixel_format, planes.subsampling, words, parts))
    }

    /// Lets go of the file and the decoder, for good.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        if matches!(*self.state(), State::Closed) {
            return Ok(());
        }
        let mut turn = self.take_turn(py)?;
        turn.closes = true;
        py.detach(|| drop(turn.reading.take()));
        Ok(())
    }
}

impl Reader {
    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What came of a turn, as Python has it.
    fn told<T>(&self, py: Python<'_>, done: Result<T>, raised: Option<PyErr>) -> PyResult<T> {
        raised.map_or_else(|| self.index.get().told(py, done), Err)
    }

    /// Reads in this turn; what came of it, and what a signal's handler raised.
    fn read<T>(
        &self,
        turn: &mut Turn<'_>,
        is_main: bool,
        read: &mut (dyn FnMut(&mut Reading) -> Result<T> + Send),
    ) -> (Result<T>, Option<PyErr>) {
        let watch = match &turn.reading {
            Some(reading) => reading.watch.clone(),
            None => Watch::default(),
        };
        watch.begin(is_main);
        let opened = match turn.reading.take() {
            Some(reading) => Ok(reading),
            None => Reading::open(self.index.get(), self.options, watch.clone()),
        };
        let done = opened.and_then(|mut reading| {
            let done = read(&mut reading);
            // What was stopped, or has a disk that fails, is opened anew.
            let is_usable = done.as_ref().err().is_none_or(|error| {
                !matches!(error.kind, ErrorKind::Unavailable | ErrorKind::Limit | ErrorKind::Bug)
            });
            turn.reading = Some(reading).filter(|_| is_usable && !watch.is_stopped());
            done
        });
        (done, watch.raised())
    }

    /// Waits until nobody else reads.
    fn take_turn(&self, py: Python<'_>) -> PyResult<Turn<'_>> {
        let me = thread::current().id();
        let refused =
            |why: &str| self.index.get().told(py, Err(Error::new(ErrorKind::Invalid, WHAT, why)));
        loop {
            {
                let mut state = self.state();
                match &mut *state {
                    State::Free(reading) => {
                        let reading = reading.take();
                        *state = State::Taken(me);
                        return Ok(Turn { reader: self, reading, closes: false });
                    }
                    State::Closed => return refused("it is closed"),
                    State::Taken(by) if *by == me => {
                        return refused("a signal's handler wants it while it is being read");
                    }
                    State::Taken(_) => {}
                }
            }
            py.detach(|| thread::sleep(WAIT));
            py.check_signals()?;
        }
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        // A child's copy of its parent's reader: its decoding threads are not here.
        if self.process == std::process::id() {
            // SAFETY: it is not used again.
            unsafe { ManuallyDrop::drop(&mut self.state) };
        }
    }
}

/// The turn of one thread to read; it ends when this is dropped.
struct Turn<'r> {
    reader: &'r Reader,
    reading: Option<Box<Reading>>,
    closes: bool,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let reading = self.reading.take();
        *self.reader.state() = if self.closes { State::Closed } else { State::Free(reading) };
    }
}

impl Reading {
    fn open(index: &Index, options: VideoOptions, watch: Watch) -> Result<Box<Reading>> {
        let reader = match &index.frames {
            Frames::Video(opened, frames) => {
                let source = source(opened, watch.clone())?;
                FrameReader::of_video(source, Arc::clone(frames), options)?
            }
            Frames::Sequence(sequence) => {
                let sequence = Arc::clone(sequence);
                let reader = SequenceReader::open(sequence, options, Some(tasks::orientation))?;
                let watching = watch.clone();
                reader.watched(move || watching.goes_on()).into()
            }
        };
        Ok(Box::new(Reading { reader, watch }))
    }

    fn facts(&self) -> Facts {
        let reader = &self.reader;
        Facts {
            width_px: reader.width_px(),
            height_px: reader.height_px(),
            channels: reader.layout().channels(),
            depth: reader.depth(),
            frame_bytes: reader.frame_bytes(),
            rotation: reader.rotation(),
            sample_aspect: terms(reader.sample_aspect()),
        }
    }
}

/// Red, green, blue to blue, green, red.
fn swap_ends(room: &mut [u8], depth: Depth) {
    let number = match depth {
        Depth::U8 | Depth::Auto => {
            return room.chunks_exact_mut(3).for_each(|pixel| pixel.swap(0, 2));
        }
        Depth::U16 => 2,
        Depth::F32 => 4,
    };
    for pixel in room.chunks_exact_mut(3 * number) {
        let (first, rest) = pixel.split_at_mut(number);
        if let Some(last) = rest.get_mut(number..) {
            first.swap_with_slice(last);
        }
    }
}

fn unknown(name: &str, value: &str) -> Error {
    Error::new(ErrorKind::Invalid, WHAT, format!("{name} is {value:?}, which is not known"))
}
