//! Samples of sound into arrays and back.

use std::mem::ManuallyDrop;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use pyo3::buffer::PyBuffer;
use pyo3::prelude::*;
use rushes_codec::{AudioOptions, AudioReader, AudioWriter, AudioWriterOptions, Source};
use rushes_media::{Error, Limits, Rational, Result};
use self_cell::self_cell;

use crate::origin::Origin;
use crate::watch::{Watch, exception};
use crate::writer::{Half, Written};

const WHAT: &str = "reading the sound";

/// Ctrl-C ends what takes too long. A hundred years.
const WALL_SECS: u64 = 100 * 366 * 86_400;

self_cell! {
    /// A reader, and the source that it reads.
    struct Open {
        owner: Source,
        #[not_covariant]
        dependent: AudioReader,
    }
}

/// Reads the samples of a sound, from its start to its end.
#[pyclass(frozen, module = "rushes._rushes")]
pub(crate) struct Sound {
    origin: Py<Origin>,
    watch: Watch,
    sample_rate_hz: u32,
    channels: u32,
    stated_secs: Option<Rational>,
    reading: Mutex<Reading>,
}

struct Reading {
    open: Open,
    /// What was decoded and not yet given, from this place on.
    waiting: Vec<f32>,
    given: usize,
}

#[pymethods]
impl Sound {
    /// Of the first sound in what comes from here.
    #[new]
    fn new(
        py: Python<'_>,
        origin: Py<Origin>,
        sample_rate_hz: Option<u32>,
        channels: Option<u32>,
        is_main: bool,
    ) -> PyResult<Sound> {
        let watch = Watch::default();
        watch.begin(is_main);
        let options = AudioOptions { sample_rate_hz, channels };
        let given = origin.clone_ref(py);
        let made = py.detach(|| Sound::open(given, options, &watch));
        watch.raised().map_or_else(|| origin.get().told(py, made), Err)
    }

    /// Samples a second of each channel.
    #[getter]
    fn sample_rate_hz(&self) -> u32 {
        self.sample_rate_hz
    }

    /// Channels.
    #[getter]
    fn channels(&self) -> u32 {
        self.channels
    }

    /// Samples of each channel that the file states, about; 0 where it states
    /// nothing.
    #[getter]
    fn stated_samples(&self) -> u64 {
        let secs = self.stated_secs.map_or(0.0, Rational::to_f64);
        (secs * f64::from(self.sample_rate_hz)).ceil().max(0.0) as u64
    }

    /// Writes the next samples, as many as there are or there is room for.
    /// Gives how many numbers these are.
    fn read_into(&self, py: Python<'_>, buffer: PyBuffer<f32>, is_main: bool) -> PyResult<usize> {
        if buffer.readonly() || !buffer.is_c_contiguous() {
            return Err(exception(py, &Error::bug(WHAT, "the array cannot be written")));
        }
        let (start, count) = (buffer.buf_ptr().cast::<f32>(), buffer.item_count());
        // SAFETY: the buffer is held until this is over, is contiguous, of floats
        // and may be written; the array was just made by who calls, and nobody
        // else has it.
        let room = match count {
            0 => &mut [],
            _ => unsafe { std::slice::from_raw_parts_mut(start, count) },
        };
        self.watch.begin(is_main);
        let read = py.detach(|| {
            let mut reading = self.reading.lock().unwrap_or_else(PoisonError::into_inner);
            reading.fill(room)
        });
        self.watch.raised().map_or_else(|| self.origin.get().told(py, read), Err)
    }
}

impl Sound {
    fn open(origin: Py<Origin>, options: AudioOptions, watch: &Watch) -> Result<Sound> {
        let limits = Limits { wall_secs: WALL_SECS, ..Limits::default() };
        let source = origin.get().open()?.source(limits)?;
        let asked = watch.clone();
        let source = source.watched(move || asked.goes_on());
        let stated_secs = rushes_codec::probe(&source)?.duration_secs;
        let open = Open::try_new(source, |source| AudioReader::open(source, options))?;
        let (sample_rate_hz, channels) =
            open.with_dependent(|_, reader| (reader.sample_rate_hz(), reader.channels()));
        Ok(Sound {
            origin,
            watch: watch.clone(),
            sample_rate_hz,
            channels,
            stated_secs,
            reading: Mutex::new(Reading { open, waiting: Vec::new(), given: 0 }),
        })
    }
}

impl Reading {
    fn fill(&mut self, mut room: &mut [f32]) -> Result<usize> {
        let mut filled = 0;
        while !room.is_empty() {
            let waiting = self.waiting.get(self.given..).unwrap_or_default();
            if waiting.is_empty() {
                self.waiting.clear();
                self.given = 0;
                let waiting = &mut self.waiting;
                if !self.open.with_dependent_mut(|_, reader| reader.next_into(waiting))? {
                    break;
                }
                continue;
            }
            let count = waiting.len().min(room.len());
            let (now, later) = room.split_at_mut(count);
            for (place, sample) in now.iter_mut().zip(waiting) {
                *place = *sample;
            }
            room = later;
            self.given += count;
            filled += count;
        }
        Ok(filled)
    }
}

/// Writes samples to a sound file, which has its name once it is whole.
#[pyclass(frozen, module = "rushes._rushes")]
pub(crate) struct SoundWriter(ManuallyDrop<Written<AudioWriter>>);

#[pymethods]
impl SoundWriter {
    /// For a file of this name.
    #[new]
    fn new(
        py: Python<'_>,
        path: PathBuf,
        sample_rate_hz: u32,
        channels: u32,
        codec: Option<String>,
        bit_rate: Option<u32>,
        overwrite: bool,
    ) -> PyResult<SoundWriter> {
        let options = AudioWriterOptions { codec, sample_rate_hz, channels, bit_rate };
        let made = py.detach(|| {
            Written::begin(&path, 0, overwrite, |sink, format| {
                AudioWriter::create(sink, format, &options)
            })
        });
        made.map(|it| SoundWriter(ManuallyDrop::new(it))).map_err(|error| exception(py, &error))
    }

    /// Writes the next samples, channels interleaved.
    fn write(&self, py: Python<'_>, buffer: PyBuffer<f32>) -> PyResult<()> {
        let samples = buffer.to_vec(py)?;
        py.detach(|| self.0.with(|writer| writer.write(&samples)))
            .map_err(|error| exception(py, &error))
    }

    /// Writes what is left, and gives the file its name.
    fn finish(&self, py: Python<'_>) -> PyResult<()> {
        py.detach(|| self.0.finish()).map_err(|error| exception(py, &error))
    }

    /// Gives up: the file is gone.
    fn abandon(&self, py: Python<'_>) {
        py.detach(|| self.0.abandon());
    }
}

impl Half for AudioWriter {
    fn finished(self) -> Result<()> {
        self.finish()
    }
}

impl Drop for SoundWriter {
    fn drop(&mut self) {
        if self.0.is_ours() {
            // SAFETY: it is not used again.
            unsafe { ManuallyDrop::drop(&mut self.0) };
        }
    }
}
