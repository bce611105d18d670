use bytemuck::NoUninit;
use fast_image_resize::images::{TypedImage, TypedImageRef};
use fast_image_resize::pixels::{F32, F32x3, F32x4, U8, U8x3, U16, U16x3};
use fast_image_resize::{FilterType, PixelTrait, ResizeAlg, ResizeOptions, Resizer};
use rushes_media::{Error, Frame, Layout, Result, Values};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::FrameOperation;
use crate::numeric::{
    Sample, area, each_depth, gathered, is_empty, multiply, refuse, sized, unmultiply, within,
};

/// Scales the frame, smaller or larger.
///
/// With one side given, or a factor, the aspect is kept and sides are rounded,
/// at least 1. Filters widen when the frame gets smaller, so that nothing
/// aliases, as in Pillow. Colours are weighted by opacity. 8 bits
/// without opacity that become half the size or less are rounded after each of
/// the two passes (57 dB or more from the exact sums), all else once.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Resize {
    /// Width wanted, in pixels, at least 1.
    pub width_px: Option<u32>,
    /// Height wanted, in pixels, at least 1.
    pub height_px: Option<u32>,
    /// Instead of both: the factor for both sides, 0.0001 to 10,000.
    pub scale: Option<f64>,
    /// How new pixels are computed.
    pub filter: Filter,
}

/// How pixels of another size are computed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Filter {
    /// The mean of what the new pixel covers; OpenCV's `INTER_AREA`.
    #[default]
    Area,
    /// The pixel at the new pixel's centre.
    Nearest,
    /// A triangle, 2 pixels wide.
    Bilinear,
    /// Catmull and Rom's cubic (a = -0.5), 4 pixels wide.
    Bicubic,
    /// A sinc windowed by a sinc, 6 pixels wide.
    Lanczos3,
}

impl FrameOperation for Resize {
    fn check(&self) -> Result<()> {
        self.width_px.map_or(Ok(()), |width_px| within("width_px", width_px, 1..=u32::MAX))?;
        self.height_px.map_or(Ok(()), |height_px| within("height_px", height_px, 1..=u32::MAX))?;
        self.scale.map_or(Ok(()), |scale| within("scale", scale, 0.0001..=10_000.0))?;
        match (self.scale, self.width_px.or(self.height_px)) {
            (Some(scale), Some(_)) => Err(refuse("scale", scale, "none beside a width or height")),
            (None, None) => Err(refuse("scale", "absent", "a scale, a width or a height")),
            _ => Ok(()),
        }
    }

    /// # Errors
    /// `Invalid` for a frame without pixels; `Limit` when the new one would
    /// be larger than the default limits allow.
    fn apply(&self, frame: &Frame) -> Result<Frame> {
        self.check()?;
        if is_empty(frame) {
            return Err(refuse("the frame", "empty", "one with pixels to scale"));
        }
        let (width, height) = self.wanted(frame);
        let size = sized(frame, width, height)?;
        if size == (frame.width_px(), frame.height_px()) {
            return Ok(frame.clone());
        }
        let kernel = match self.filter {
            Filter::Area => return area(frame, size),
            Filter::Nearest => return nearest(frame, size),
            Filter::Bilinear => FilterType::Bilinear,
            Filter::Bicubic => FilterType::CatmullRom,
            Filter::Lanczos3 => FilterType::Lanczos3,
        };
        let from = Scaling { frame, size, kernel };
        // Weights of a triangle are never negative, so nothing is clipped between
        // the passes. Of many pixels little is: there 8 bits do with rounding and
        // clipping twice, as in Pillow, for a sixth of the time.
        let halves = size.0 <= frame.width_px() / 2 && size.1 <= frame.height_px() / 2;
        let is_rough = kernel == FilterType::Bilinear || halves;
        let values = match (frame.values(), frame.layout()) {
            (Values::U8(values), Layout::Gray) if is_rough => {
                Values::U8(from.scaled::<U8>(values)?)
            }
            (Values::U8(values), Layout::Rgb) if is_rough => {
                Values::U8(from.scaled::<U8x3>(values)?)
            }
            (Values::U16(values), Layout::Gray) if kernel == FilterType::Bilinear => {
                Values::U16(from.scaled::<U16>(values)?)
            }
            (Values::U16(values), Layout::Rgb) if kernel == FilterType::Bilinear => {
                Values::U16(from.scaled::<U16x3>(values)?)
            }
            (values, _) => each_depth!(values, |values| from.scaled_precisely(values)?),
        };
        frame.remade(size.0, size.1, frame.layout(), values)
    }
}

/// Each new pixel is the old one under its centre.
fn nearest(frame: &Frame, size: (u32, u32)) -> Result<Frame> {
    let under = |new: u32, old: u32| -> Vec<usize> {
        let (new, old) = (u64::from(new), u64::from(old));
        (0..new).map(|at| ((2 * at + 1) * old / (2 * new)) as usize).collect()
    };
    let columns = under(size.0, frame.width_px());
    let rows = under(size.1, frame.height_px());
    gathered(frame, size, [0.0; 4], |x, y| Some((*columns.get(x)?, *rows.get(y)?)))
}

impl Resize {
    fn wanted(&self, frame: &Frame) -> (u64, u64) {
        let (width, height) = (f64::from(frame.width_px()), f64::from(frame.height_px()));
        let rounded = |side: f64| (side.round() as u64).max(1);
        match (self.width_px, self.height_px) {
            (Some(width_px), Some(height_px)) => (width_px.into(), height_px.into()),
            (Some(width_px), None) => {
                (width_px.into(), rounded(height * f64::from(width_px) / width))
            }
            (None, Some(height_px)) => {
                (rounded(width * f64::from(height_px) / height), height_px.into())
            }
            (None, None) => {
                let scale = self.scale.unwrap_or(1.0);
                (rounded(width * scale), rounded(height * scale))
            }
        }
    }
}

struct Scaling<'a> {
    frame: &'a Frame,
    size: (u32, u32),
    kernel: FilterType,
}

impl Scaling<'_> {
    fn scaled<P: PixelTrait>(&self, values: &[P::Component]) -> Result<Vec<P::Component>>
    where
        P::Component: NoUninit,
    {
        let (width_px, height_px) = (self.frame.width_px(), self.frame.height_px());
        let bytes = bytemuck::cast_slice(values);
        let from = TypedImageRef::from_buffer(width_px, height_px, bytes).map_err(mistake)?;
        let mut scaled: TypedImage<'_, P> = TypedImage::new(self.size.0, self.size.1);
        let how = ResizeAlg::Convolution(self.kernel);
        let options = ResizeOptions::new().resize_alg(how).use_alpha(false);
        Resizer::new().resize_typed(&from, &mut scaled, &options).map_err(mistake)?;
        Ok(P::components(scaled.pixels()).to_vec())
    }

    /// In floats, rounded once: what overshoots on the way is not clipped, and
    /// colours keep their digits where there is little opacity.
    fn scaled_precisely<T: Sample>(&self, values: &[T]) -> Result<Vec<T>> {
        let mut numbers: Vec<f32> = values.iter().map(|number| number.real()).collect();
        let numbers = match self.frame.layout() {
            Layout::Gray => self.scaled::<F32>(&numbers)?,
            Layout::Rgb => self.scaled::<F32x3>(&numbers)?,
            Layout::Rgba => {
                let full = T::FULL as f32;
                numbers.as_chunks_mut().0.iter_mut().for_each(|pixel| multiply(pixel, full));
                let mut numbers = self.scaled::<F32x4>(&numbers)?;
                numbers.as_chunks_mut().0.iter_mut().for_each(|pixel| unmultiply(pixel, full));
                numbers
            }
        };
        Ok(numbers.into_iter().map(T::nearest).collect())
    }
}

fn mistake(error: impl std::fmt::Display) -> Error {
    Error::bug("resizing the frame", error)
}
