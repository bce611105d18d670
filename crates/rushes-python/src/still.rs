//! Stills into arrays and back.

use std::io::{self, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use pyo3::buffer::{Element, PyBuffer};
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use rushes_media::{
    Block, Blocks, Error, ErrorKind, Frame, Layout, Limits, MediaKind, Result, Values,
};
use rushes_ops::FrameOperation as _;
use rushes_ops::frame::Resize;
use rushes_store::PartialFile;

use crate::origin::{Opened, Origin};
use crate::picture::Picture;
use crate::watch::exception;

const READING: &str = "reading the picture";
const WRITING: &str = "writing the picture";

/// How large a picture may be is for the memory budget to say, once it is known
/// what the file states.
const MOST_BYTES: u64 = 1 << 40;

/// A picture file, and what it states.
#[pyclass(frozen, module = "rushes._rushes")]
pub(crate) struct Still {
    origin: Py<Origin>,
    opened: Opened,
    stated_bytes: u64,
    stated_px: (u32, u32),
    /// Degrees clockwise, and whether it is mirrored after.
    rotation: (u16, bool),
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

    /// Decodes it, and makes it smaller where its longer side is over `fit_px`.
    fn decode(&self, py: Python<'_>, upright: bool, fit_px: Option<u32>) -> PyResult<Picture> {
        let decoded = py.detach(|| self.decoded(upright, fit_px));
        self.origin.get().told(py, decoded).map(Picture::new)
    }
}

impl Still {
    fn open(origin: Py<Origin>) -> Result<Still> {
        let opened = origin.get().open()?;
        let source = opened.source(limits())?;
        let probe = rushes_actions::tasks::probe_with_tags(&source)?;
        if probe.kind == MediaKind::Audio {
            return Err(Error::new(ErrorKind::Unsupported, READING, "it is sound")
                .remedy("read it with rushes.aread"));
        }
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
        let mut still =
            Still { origin, opened, stated_bytes: 0, stated_px: (0, 0), rotation: (0, false) };
        if let Some((width_px, height_px, pixel_bytes, stream)) = { pictures }.next() {
            still.stated_px = (width_px, height_px);
            let pixels = u64::from(width_px).saturating_mul(height_px.into());
            still.stated_bytes = pixels.saturating_mul(pixel_bytes);
            still.rotation = (stream.rotation_degrees.unwrap_or(0) % 360, stream.mirrored);
        }
        Ok(still)
    }

    fn decoded(&self, upright: bool, fit_px: Option<u32>) -> Result<Frame> {
        let source = self.opened.source(limits())?;
        let frame = rushes_codec::still_frame_for(&source, fit_px.unwrap_or(u32::MAX));
        let mut frame = frame.map_err(|error| match error.kind {
            ErrorKind::Unsupported if error.remedy.is_none() => {
                error.remedy("where it is a video, open it with rushes.open")
            }
            _ => error,
        })?;
        if let Some(fit_px) = fit_px {
            frame = fitted(frame, fit_px)?;
        }
        let (degrees, mirrored) = self.rotation;
        if upright { rushes_codec::upright(frame, degrees, mirrored) } else { Ok(frame) }
    }
}

/// Made smaller, where its longer side is longer than this.
fn fitted(frame: Frame, longer_px: u32) -> Result<Frame> {
    let (width_px, height_px) = (frame.width_px(), frame.height_px());
    if width_px.max(height_px) <= longer_px {
        return Ok(frame);
    }
    let is_wide = width_px >= height_px;
    let wanted = Resize {
        width_px: is_wide.then_some(longer_px),
        height_px: (!is_wide).then_some(longer_px),
        ..Resize::default()
    };
    wanted.apply(&frame)
}

fn limits() -> Limits {
    Limits { pixels: MOST_BYTES, picture_bytes: MOST_BYTES, ..Limits::default() }
}

/// The numbers of an array, `[H, W]` or `[H, W, C]`, as a frame.
pub(crate) fn frame_of(py: Python<'_>, array: &Bound<'_, PyAny>) -> PyResult<Frame> {
    let (values, shape) = if let Ok(buffer) = PyBuffer::<u8>::get(array) {
        (Values::U8(numbers(py, &buffer)?), buffer.shape().to_vec())
    } else if let Ok(buffer) = PyBuffer::<u16>::get(array) {
        (Values::U16(numbers(py, &buffer)?), buffer.shape().to_vec())
    } else {
        let buffer = PyBuffer::<f32>::get(array)?;
        (Values::F32(numbers(py, &buffer)?), buffer.shape().to_vec())
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

fn numbers<T: Element + Default>(py: Python<'_>, buffer: &PyBuffer<T>) -> PyResult<Vec<T>> {
    let mut numbers = rushes_codec::room(buffer.item_count());
    buffer.copy_to_slice(py, &mut numbers)?;
    Ok(numbers)
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
    let file = rushes_codec::open_file(path)?;
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

/// An array as the bytes of a picture file of this extension. In formats of
/// linear light, floats are that.
#[pyfunction]
pub(crate) fn encode_still<'py>(
    py: Python<'py>,
    array: &Bound<'py, PyAny>,
    extension: &str,
    quality: Option<u8>,
) -> PyResult<Bound<'py, PyBytes>> {
    let mut frame = frame_of(py, array)?;
    as_stored(&mut frame, extension);
    let bytes = py.detach(|| rushes_codec::encode_still(&frame, extension, quality));
    bytes.map(|bytes| PyBytes::new(py, &bytes)).map_err(|error| exception(py, &error))
}

/// The extension of a path in lower case, without the dot.
fn extension_of(path: &Path) -> String {
    path.extension().map(|it| it.to_string_lossy().to_lowercase()).unwrap_or_default()
}
