//! Pictures in the layout, the size and the numbers that were asked for.

use fast_image_resize::images::{TypedImage, TypedImageRef};
use fast_image_resize::pixels::{F32, F32x3, F32x4};
use fast_image_resize::{FilterType, PixelTrait, ResizeAlg, ResizeOptions, Resizer};
use rushes_media::{Color, Error, Frame, Layout, Result, Values};

use crate::Depth;

const WHAT: &str = "converting a frame";

/// What is given.
#[derive(Clone, Copy, Debug)]
pub(super) struct Target {
    pub(super) width_px: u32,
    pub(super) height_px: u32,
    pub(super) layout: Layout,
    /// Never `Auto`.
    pub(super) depth: Depth,
}

impl Target {
    /// Bytes of one frame.
    pub(super) fn bytes(&self) -> usize {
        let number = match self.depth {
            Depth::F32 => 4,
            Depth::U16 => 2,
            Depth::U8 | Depth::Auto => 1,
        };
        self.width_px as usize * self.height_px as usize * self.layout.channels() * number
    }
}

/// The depth that holds what these numbers are.
pub(super) fn depth_of(values: &Values) -> Depth {
    match values {
        Values::U8(_) => Depth::U8,
        Values::U16(_) => Depth::U16,
        Values::F32(_) => Depth::F32,
    }
}

/// The frame as the target says: scaled by Catmull-Rom; grey of colours by
/// luma (BT.709); opacity dropped or full; linear light as sRGB where whole
/// numbers are wanted.
pub(super) fn fit(frame: Frame, target: &Target) -> Result<Frame> {
    let frame = sized(frame, (target.width_px, target.height_px))?;
    let frame = laid_out(frame, target.layout)?;
    deep(frame, target.depth)
}

/// A kind of number, and what it is as a part of the largest.
trait Sample: Copy {
    const FULL: f32;
    fn real(self) -> f32;
    fn nearest(real: f32) -> Self;
}

macro_rules! whole {
    ($kind:ty) => {
        impl Sample for $kind {
            const FULL: f32 = <$kind>::MAX as f32;
            fn real(self) -> f32 {
                f32::from(self)
            }
            fn nearest(real: f32) -> $kind {
                // The cast takes what is not a number to 0, and ends at the ends.
                (real + 0.5) as $kind
            }
        }
    };
}
whole!(u8);
whole!(u16);

impl Sample for f32 {
    const FULL: f32 = 1.0;
    fn real(self) -> f32 {
        self
    }
    fn nearest(real: f32) -> f32 {
        real
    }
}

fn laid_out(frame: Frame, layout: Layout) -> Result<Frame> {
    let from = frame.layout();
    if from == layout {
        return Ok(frame);
    }
    let values = match frame.values() {
        Values::U8(values) => Values::U8(spread(values, from, layout)),
        Values::U16(values) => Values::U16(spread(values, from, layout)),
        Values::F32(values) => Values::F32(spread(values, from, layout)),
    };
    frame.remade(frame.width_px(), frame.height_px(), layout, values)
}

fn spread<T: Sample>(values: &[T], from: Layout, to: Layout) -> Vec<T> {
    let luma = |red: T, green: T, blue: T| {
        T::nearest(0.2126 * red.real() + 0.7152 * green.real() + 0.0722 * blue.real())
    };
    let full = T::nearest(T::FULL);
    let pixels = values.chunks_exact(from.channels());
    let mut spread = Vec::with_capacity(pixels.len() * to.channels());
    for pixel in pixels {
        match (pixel, to) {
            (&[grey], Layout::Rgb) => spread.extend([grey; 3]),
            (&[grey], Layout::Rgba) => spread.extend([grey, grey, grey, full]),
            (&[red, green, blue] | &[red, green, blue, _], Layout::Gray) => {
                spread.push(luma(red, green, blue));
            }
            (&[red, green, blue, _], Layout::Rgb) => spread.extend([red, green, blue]),
            (&[red, green, blue], Layout::Rgba) => spread.extend([red, green, blue, full]),
            (_, _) => spread.extend_from_slice(pixel),
        }
    }
    spread
}

fn deep(frame: Frame, depth: Depth) -> Result<Frame> {
    let (width_px, height_px, layout) = (frame.width_px(), frame.height_px(), frame.layout());
    let is_linear = frame.color.transfer.as_deref() == Some("linear");
    let values = match (frame.values(), depth) {
        (Values::U8(values), Depth::U16) => {
            Values::U16(values.iter().map(|&value| u16::from(value) * 257).collect())
        }
        (Values::U8(values), Depth::F32) => Values::F32(reals(values)),
        (Values::U16(values), Depth::U8) => Values::U8(
            values.iter().map(|&value| (u32::from(value) + 128) / 257).map(|it| it as u8).collect(),
        ),
        (Values::U16(values), Depth::F32) => Values::F32(reals(values)),
        (Values::F32(values), Depth::U8) => Values::U8(shown(values, layout, is_linear)),
        (Values::F32(values), Depth::U16) => Values::U16(shown(values, layout, is_linear)),
        _ => return Ok(frame),
    };
    let mut made = frame.remade(width_px, height_px, layout, values)?;
    if is_linear {
        made.color = Color::default();
    }
    Ok(made)
}

fn reals<T: Sample>(values: &[T]) -> Vec<f32> {
    values.iter().map(|value| value.real() / T::FULL).collect()
}

/// Floats as whole numbers, clipped to 0 to 1; linear light by sRGB's curve,
/// opacity as it is.
fn shown<T: Sample>(values: &[f32], layout: Layout, is_linear: bool) -> Vec<T> {
    let channels = layout.channels();
    let whole = |(at, &value): (usize, &f32)| {
        let is_opacity = at % channels == layout.colors();
        let value = if is_linear && !is_opacity {
            crate::still::signal(value)
        } else {
            value.clamp(0.0, 1.0)
        };
        T::nearest(value * T::FULL)
    };
    values.iter().enumerate().map(whole).collect()
}

fn sized(frame: Frame, size: (u32, u32)) -> Result<Frame> {
    if (frame.width_px(), frame.height_px()) == size {
        return Ok(frame);
    }
    let values = match frame.values() {
        Values::U8(values) => Values::U8(scaled(&frame, values, size)?),
        Values::U16(values) => Values::U16(scaled(&frame, values, size)?),
        Values::F32(values) => Values::F32(scaled(&frame, values, size)?),
    };
    frame.remade(size.0, size.1, frame.layout(), values)
}

/// In floats, rounded once; opacity is multiplied in on the way.
fn scaled<T: Sample>(frame: &Frame, values: &[T], size: (u32, u32)) -> Result<Vec<T>> {
    let numbers: Vec<f32> = values.iter().map(|value| value.real()).collect();
    let from = (frame.width_px(), frame.height_px());
    let numbers = match frame.layout() {
        Layout::Gray => convolved::<F32>(&numbers, from, size)?,
        Layout::Rgb => convolved::<F32x3>(&numbers, from, size)?,
        Layout::Rgba => {
            let mut numbers: Vec<f32> = numbers.iter().map(|number| number / T::FULL).collect();
            for [red, green, blue, alpha] in numbers.as_chunks_mut::<4>().0 {
                (*red, *green, *blue) = (*red * *alpha, *green * *alpha, *blue * *alpha);
            }
            let mut numbers = convolved::<F32x4>(&numbers, from, size)?;
            for [red, green, blue, alpha] in numbers.as_chunks_mut::<4>().0 {
                let part = if *alpha > 0.0 { T::FULL / *alpha } else { 0.0 };
                (*red, *green, *blue) = (*red * part, *green * part, *blue * part);
                *alpha *= T::FULL;
            }
            numbers
        }
    };
    Ok(numbers.into_iter().map(T::nearest).collect())
}

fn convolved<P: PixelTrait<Component = f32>>(
    numbers: &[f32],
    from: (u32, u32),
    size: (u32, u32),
) -> Result<Vec<f32>> {
    let mistake = |error: &dyn std::fmt::Display| Error::bug(WHAT, error);
    let mut pixels = vec![P::default(); from.0 as usize * from.1 as usize];
    P::components_mut(&mut pixels).copy_from_slice(numbers);
    let given = TypedImageRef::new(from.0, from.1, &pixels).map_err(|error| mistake(&error))?;
    let mut scaled: TypedImage<'_, P> = TypedImage::new(size.0, size.1);
    let how = ResizeAlg::Convolution(FilterType::CatmullRom);
    let options = ResizeOptions::new().resize_alg(how).use_alpha(false);
    Resizer::new().resize_typed(&given, &mut scaled, &options).map_err(|error| mistake(&error))?;
    Ok(P::components(scaled.pixels()).to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(layout: Layout, depth: Depth) -> Target {
        Target { width_px: 1, height_px: 1, layout, depth }
    }

    #[test]
    fn layouts_and_depths() {
        let rgb = |values| Frame::new(1, 1, Layout::Rgb, values).unwrap();
        let gray = fit(rgb(Values::U8(vec![200, 100, 50])), &target(Layout::Gray, Depth::U8));
        // 0.2126 * 200 + 0.7152 * 100 + 0.0722 * 50
        assert_eq!(gray.unwrap().values(), &Values::U8(vec![118]));
        let wide = fit(rgb(Values::U8(vec![1, 2, 255])), &target(Layout::Rgba, Depth::U16));
        assert_eq!(wide.unwrap().values(), &Values::U16(vec![257, 514, 65_535, 65_535]));
        let narrow = fit(rgb(Values::U16(vec![128, 129, 65_535])), &target(Layout::Rgb, Depth::U8));
        assert_eq!(narrow.unwrap().values(), &Values::U8(vec![0, 1, 255]));
        let mut light = rgb(Values::F32(vec![0.214_041, 7.0, f32::NAN]));
        light.color.transfer = Some("linear".into());
        let kept = fit(light.clone(), &target(Layout::Rgb, Depth::F32)).unwrap();
        assert_eq!(kept.color.transfer.as_deref(), Some("linear"));
        let shown = fit(light, &target(Layout::Rgb, Depth::U8)).unwrap();
        assert_eq!(
            (shown.values(), &shown.color),
            (&Values::U8(vec![127, 255, 0]), &Color::default())
        );
    }

    #[test]
    fn a_flat_colour_stays_when_it_is_scaled() {
        let frame =
            Frame::new(4, 4, Layout::Rgba, Values::U8([9, 90, 200, 60].repeat(16))).unwrap();
        let target = Target { width_px: 7, height_px: 2, layout: Layout::Rgba, depth: Depth::U8 };
        let scaled = fit(frame, &target).unwrap();
        assert_eq!(scaled.values(), &Values::U8([9, 90, 200, 60].repeat(14)));
    }
}
