//! Stills into arrays and back.

use std::fs::File;
use std::io::{self, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use pyo3::buffer::PyBuffer;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use rushes_codec::Source;
use rushes_media::{
    Block, Blocks, Error, ErrorKind, Frame, Layout, Limits, MediaKind, Probe, Result, Values,
};
use rushes_store::PartialFile;

use crate::origin::{Opened, Origin};
use crate::watch::exception;

const READING: &str = "reading the picture";
const WRITING: &str = "writing the picture";

/// How large a picture may be is for the memory budget to say, once it is known
/// what the file states.
const MOST_BYTES: u64 = 1 << 40;

/// A picture file: what it states, and its pixels once they are decoded.
#[pyclass(frozen, module = "rushes._rushes")]
pub(crate) struct Still {
    origin: Py<Origin>,
    opened: Opened,
    stated_bytes: u64,
    stated_px: (u32, u32),
    /// Degrees clockwise, and whether it is mirrored after.
    rotation: (u16, bool),
    /// Locked for moments, with the interpreter held.
    frame: Mutex<Option<Frame>>,
}

#[pymethods]
impl Still {
    /// Of what comes from here, its header read.
    #[new]
    fn new(py: Python<'_>, origin: Py<Origin>) -> PyResult<Still> {
        let given = origin.clone_ref(py);
        let made = py.detach(|| Still::open(given));
        origin.get().told(py, made)
    }

    /// Bytes that the pixels are stated to take, and height and width; 0 where
    /// that is not known.
    #[getter]
    fn stated(&self) -> (u64, u32, u32) {
        (self.stated_bytes, self.stated_px.1, self.stated_px.0)
    }

    /// Decodes it. Gives height, width and channels, and the numbers by name.
    fn decode(&self, py: Python<'_>, upright: bool) -> PyResult<((u32, u32, usize), &'static str)> {
        let decoded = py.detach(|| self.decoded(upright));
        let frame = self.origin.get().told(py, decoded)?;
        let shape = (frame.height_px(), frame.width_px(), frame.layout().channels());
        let dtype = match frame.values() {
            Values::U8(_) => "uint8",
            Values::U16(_) => "uint16",
            Values::F32(_) => "float32",
        };
        *self.frame.lock().unwrap_or_else(PoisonError::into_inner) = Some(frame);
        Ok((shape, dtype))
    }

    /// Writes the decoded pixels into an array of that shape and those numbers.
    fn copy_into(&self, py: Python<'_>, array: &Bound<'_, PyAny>) -> PyResult<()> {
        let frame = self.frame.lock().unwrap_or_else(PoisonError::into_inner).take();
        match frame.map(Frame::into_values) {
            Some(Values::U8(values)) => PyBuffer::get(array)?.copy_from_slice(py, &values),
            Some(Values::U16(values)) => PyBuffer::get(array)?.copy_from_slice(py, &values),
            Some(Values::F32(values)) => PyBuffer::get(array)?.copy_from_slice(py, &values),
            None => Err(exception(py, &Error::bug(READING, "it is not decoded"))),
        }
    }
}

impl Still {
    fn open(origin: Py<Origin>) -> Result<Still> {
        let opened = origin.get().open()?;
        let source = opened.source(limits())?;
        let mut probe = rushes_codec::probe(&source)?;
        if probe.kind == MediaKind::Audio {
            return Err(Error::new(ErrorKind::Unsupported, READING, "it is sound")
                .remedy("read it with rushes.aread"));
        }
        add_tags(&source, &mut probe);
        let pictures = probe.streams.iter().filter_map(|stream| {
            let pixels = stream.pixel_format.as_deref().unwrap_or_default();
            let channels = match pixels {
                "ya8" | "ya16le" | "ya16be" | "argb" => 4,
                _ if pixels.starts_with("gray") => 1,
                _ if pixels.contains("rgba") || pixels.contains("bgra") => 4,
                _ => 3,
            };
            let bytes = match stream.bit_depth {
                Some(17..) => 4,
                Some(9..) => 2,
                _ => 1,
            };
            Some((stream.width_px?, stream.height_px?, channels * bytes, stream))
        });
        let mut still = Still {
            origin,
            opened,
            stated_bytes: 0,
            stated_px: (0, 0),
            rotation: (0, false),
            frame: Mutex::new(None),
        };
        if let Some((width_px, height_px, pixel_bytes, stream)) = { pictures }.next() {
            still.stated_px = (width_px, height_px);
            let pixels = u64::from(width_px).saturating_mul(height_px.into());
            still.stated_bytes = pixels.saturating_mul(pixel_bytes);
            still.rotation = (stream.rotation_degrees.unwrap_or(0) % 360, stream.mirrored);
        }
        Ok(still)
    }

    fn decoded(&self, upright: bool) -> Result<Frame> {
        let frame = rushes_codec::still_frame(&self.opened.source(limits())?);
        let frame = frame.map_err(|error| match error.kind {
            ErrorKind::Unsupported if error.remedy.is_none() => {
                error.remedy("where it is a video, open it with rushes.open")
            }
            _ => error,
        })?;
        let (degrees, mirrored) = self.rotation;
        if upright { rushes_codec::upright(frame, degrees, mirrored) } else { Ok(frame) }
    }
}

fn limits() -> Limits {
    Limits { pixels: MOST_BYTES, picture_bytes: MOST_BYTES, ..Limits::default() }
}

/// Tags that cannot be read cost no picture.
fn add_tags(source: &Source, probe: &mut Probe) {
    let read = |room: &mut [u8], position| source.read_at(room, position);
    let format = &probe.container.format;
    let tags = rushes_tags::read_at(&read, source.size_bytes(), format, source.limits());
    if let Ok(tags) = tags {
        tags.merge_into(probe);
    }
}

/// How a still is set upright by its tags: degrees clockwise, and whether it is
/// mirrored after.
pub(crate) fn orientation(source: &Source) -> (u16, bool) {
    let Ok(mut probe) = rushes_codec::probe(source) else { return (0, false) };
    add_tags(source, &mut probe);
    let stream = probe.picture();
    stream.map_or((0, false), |stream| (stream.rotation_degrees.unwrap_or(0), stream.mirrored))
}

/// The numbers of an array, `[H, W]` or `[H, W, C]`, as a frame.
pub(crate) fn frame_of(py: Python<'_>, array: &Bound<'_, PyAny>) -> PyResult<Frame> {
    let (values, shape) = if let Ok(buffer) = PyBuffer::<u8>::get(array) {
        (Values::U8(buffer.to_vec(py)?), buffer.shape().to_vec())
    } else if let Ok(buffer) = PyBuffer::<u16>::get(array) {
        (Values::U16(buffer.to_vec(py)?), buffer.shape().to_vec())
    } else {
        let buffer = PyBuffer::<f32>::get(array)?;
        (Values::F32(buffer.to_vec(py)?), buffer.shape().to_vec())
    };
    let made = match *shape {
        [height, width] => Some((height, width, Layout::Gray)),
        [height, width, 3] => Some((height, width, Layout::Rgb)),
        [height, width, 4] => Some((height, width, Layout::Rgba)),
        _ => None,
    };
    made.and_then(|(height, width, layout)| {
        let sides = (u32::try_from(width).ok()?, u32::try_from(height).ok()?);
        Some(Frame::new(sides.0, sides.1, layout, values))
    })
    .unwrap_or_else(|| Err(Error::bug(WRITING, "the array is no picture")))
    .map_err(|error| exception(py, &error))
}

/// Writes an array as a picture file, all of it or nothing, with the metadata of
/// another one. In formats of linear light, floats are that.
#[pyfunction]
pub(crate) fn write_still(
    py: Python<'_>,
    path: PathBuf,
    array: &Bound<'_, PyAny>,
    quality: Option<u8>,
    overwrite: bool,
    tags_from: Option<PathBuf>,
) -> PyResult<()> {
    let mut frame = frame_of(py, array)?;
    let extension = extension_of(&path);
    as_stored(&mut frame, &extension);
    let size_px = (frame.width_px(), frame.height_px());
    let blocks = tags_from.map_or_else(
        || Ok(Blocks::default()),
        |from| {
            py.detach(|| blocks_of(&from, size_px)).map_err(|error| exception(py, &error.at(&from)))
        },
    )?;
    let written = py.detach(|| {
        let bytes = rushes_codec::encode_still_with(&frame, &extension, quality, &blocks)?;
        let partial = PartialFile::create(&path)?;
        let put = partial.file().write_all(&bytes);
        put.map_err(|error| Error::io(WRITING, &error))?;
        partial.keep(overwrite)
    });
    written.map_err(|error| exception(py, &error.at(&path)))
}

/// The metadata of this file for an upright picture of that size, in sRGB.
fn blocks_of(path: &Path, size_px: (u32, u32)) -> Result<Blocks> {
    let failed = |error: io::Error| Error::io("opening the file", &error);
    let file = File::open(path).map_err(failed)?;
    let len_bytes = file.metadata().map_err(failed)?.len();
    let read = |room: &mut [u8], position| file.read_at(room, position);
    let mut blocks = rushes_tags::carried(&read, len_bytes, &Limits::default())?.blocks;
    *blocks.place(Block::Icc) = None;
    rushes_tags::fit(&mut blocks, &rushes_tags::Changed { size_px, is_srgb: true });
    Ok(blocks)
}

/// Floats are linear light where they are written as that.
pub(crate) fn as_stored(frame: &mut Frame, format: &str) {
    let extension = format.strip_prefix("%d.").unwrap_or(format);
    if matches!(frame.values(), Values::F32(_)) && matches!(extension, "exr" | "hdr") {
        frame.color.transfer = Some("linear".into());
    }
}

/// An array as the bytes of a picture file of this extension.
#[pyfunction]
pub(crate) fn encode_still<'py>(
    py: Python<'py>,
    array: &Bound<'py, PyAny>,
    extension: &str,
    quality: Option<u8>,
) -> PyResult<Bound<'py, PyBytes>> {
    let frame = frame_of(py, array)?;
    let bytes = py.detach(|| rushes_codec::encode_still(&frame, extension, quality));
    bytes.map(|bytes| PyBytes::new(py, &bytes)).map_err(|error| exception(py, &error))
}

/// The extension of a path in lower case, without the dot.
fn extension_of(path: &Path) -> String {
    path.extension().map(|it| it.to_string_lossy().to_lowercase()).unwrap_or_default()
}
