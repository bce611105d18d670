//! Frames as stills: each in a file of its own, or all as pages of a TIFF.

use rushes_media::{Error, ErrorKind, Frame, Layout, Rational, Result, Values};
use tiff::encoder::{TiffEncoder, TiffKindStandard, colortype};
use tiff::{TiffError, TiffResult};

use super::sink::{Part, Sequential};
use super::{FrameSink, Sink, WHAT};
use crate::still::encode_still;

/// Writes each frame as a file.
pub(super) struct StillsWriter {
    sink: Box<dyn Sink>,
    extension: String,
    quality: Option<u8>,
    frames: u64,
}

impl StillsWriter {
    pub(super) fn new(sink: Box<dyn Sink>, extension: &str, quality: Option<u8>) -> StillsWriter {
        // Stills have none that is 0.
        let quality = quality.map(|quality| quality.max(1));
        StillsWriter { sink, extension: extension.to_owned(), quality, frames: 0 }
    }
}

impl FrameSink for StillsWriter {
    fn write(&mut self, frame: &Frame, _time_secs: Rational) -> Result<()> {
        let bytes = encode_still(frame, &self.extension, self.quality)?;
        self.sink
            .begin(Part::Frame(self.frames))
            .and_then(|()| self.sink.write_all_at(&bytes, 0))
            .map_err(|error| Error::io(WHAT, &error))?;
        self.frames += 1;
        Ok(())
    }

    fn finish(self: Box<Self>, _last_duration_secs: Option<Rational>) -> Result<()> {
        Ok(())
    }
}

/// Writes each frame as a page of a TIFF (6.0), numbers as they are, not
/// compressed. Grey floats become RGB, as in stills.
pub(super) struct PagesWriter {
    encoder: TiffEncoder<Sequential, TiffKindStandard>,
}

impl PagesWriter {
    pub(super) fn create(sink: Box<dyn Sink>) -> Result<PagesWriter> {
        Ok(PagesWriter { encoder: TiffEncoder::new(Sequential::new(sink)).map_err(failed)? })
    }

    fn page(&mut self, frame: &Frame) -> TiffResult<()> {
        use colortype::{Gray8, Gray16, RGB8, RGB16, RGB32Float, RGBA8, RGBA16, RGBA32Float};
        let (width, height) = (frame.width_px(), frame.height_px());
        let encoder = &mut self.encoder;
        match (frame.values(), frame.layout()) {
            (Values::U8(values), Layout::Gray) => {
                encoder.write_image::<Gray8>(width, height, values)
            }
            (Values::U8(values), Layout::Rgb) => encoder.write_image::<RGB8>(width, height, values),
            (Values::U8(values), Layout::Rgba) => {
                encoder.write_image::<RGBA8>(width, height, values)
            }
            (Values::U16(values), Layout::Gray) => {
                encoder.write_image::<Gray16>(width, height, values)
            }
            (Values::U16(values), Layout::Rgb) => {
                encoder.write_image::<RGB16>(width, height, values)
            }
            (Values::U16(values), Layout::Rgba) => {
                encoder.write_image::<RGBA16>(width, height, values)
            }
            (Values::F32(values), Layout::Gray) => {
                let values: Vec<f32> = values.iter().flat_map(|&value| [value; 3]).collect();
                encoder.write_image::<RGB32Float>(width, height, &values)
            }
            (Values::F32(values), Layout::Rgb) => {
                encoder.write_image::<RGB32Float>(width, height, values)
            }
            (Values::F32(values), Layout::Rgba) => {
                encoder.write_image::<RGBA32Float>(width, height, values)
            }
        }
    }
}

impl FrameSink for PagesWriter {
    fn write(&mut self, frame: &Frame, _time_secs: Rational) -> Result<()> {
        self.page(frame).map_err(failed)
    }

    fn finish(self: Box<Self>, _last_duration_secs: Option<Rational>) -> Result<()> {
        Ok(())
    }
}

fn failed(error: TiffError) -> Error {
    match error {
        TiffError::IoError(error) => Error::io(WHAT, &error),
        TiffError::IntSizeError => {
            let why = "a TIFF cannot hold more than 4 GB";
            Error::new(ErrorKind::Limit, WHAT, why)
                .remedy("write numbered stills, such as page.%04d.tif")
        }
        other => Error::bug(WHAT, other),
    }
}
