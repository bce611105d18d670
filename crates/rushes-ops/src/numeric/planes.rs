use rushes_media::{Frame, Layout, Result, Values};

use super::{Sample, each_depth, multiply, unmultiply};

/// The channels of a frame one by one, as floats in the frame's own range.
pub(crate) struct Planes {
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) planes: Vec<Vec<f32>>,
    /// Opacity that was left out because it stays as it is.
    kept: Option<Vec<f32>>,
    premultiplied_full: Option<f32>,
}

impl Planes {
    /// Every channel, colours multiplied by opacity where there is one: what
    /// mixes pixels must not let the colour of invisible ones through.
    pub(crate) fn premultiplied(frame: &Frame) -> Planes {
        let mut found = Planes::all(frame);
        if frame.layout() == Layout::Rgba {
            let full = super::full(frame) as f32;
            found.each_pixel(|pixel| multiply(pixel, full));
            found.premultiplied_full = Some(full);
        }
        found
    }

    /// The colours; opacity stays with the frame as it is.
    pub(crate) fn colors(frame: &Frame) -> Planes {
        let mut found = Planes::all(frame);
        if frame.layout() == Layout::Rgba {
            found.kept = found.planes.pop();
        }
        found
    }

    fn all(frame: &Frame) -> Planes {
        let channels = frame.layout().channels();
        let planes = match frame.values() {
            Values::U8(values) => split(values, channels),
            Values::U16(values) => split(values, channels),
            Values::F32(values) => split(values, channels),
        };
        Planes {
            width: frame.width_px() as usize,
            height: frame.height_px() as usize,
            planes,
            kept: None,
            premultiplied_full: None,
        }
    }

    /// Each plane sent through a function that gives another of this size.
    pub(crate) fn each(
        mut self,
        (width, height): (usize, usize),
        function: impl Fn(&[f32], usize) -> Vec<f32>,
    ) -> Planes {
        self.planes =
            self.planes.iter().enumerate().map(|(at, plane)| function(plane, at)).collect();
        (self.width, self.height) = (width, height);
        self
    }

    /// Colours no longer multiplied by opacity.
    pub(crate) fn straight(mut self) -> Planes {
        if let Some(full) = self.premultiplied_full.take() {
            self.each_pixel(|pixel| unmultiply(pixel, full));
        }
        self
    }

    /// Four planes, pixel by pixel.
    fn each_pixel(&mut self, function: impl Fn(&mut [f32; 4])) {
        if let [red, green, blue, alpha] = self.planes.as_mut_slice() {
            for (((red, green), blue), alpha) in red.iter_mut().zip(green).zip(blue).zip(alpha) {
                let mut pixel = [*red, *green, *blue, *alpha];
                function(&mut pixel);
                [*red, *green, *blue, *alpha] = pixel;
            }
        }
    }

    /// The frame again, in the depth and layout of the one that it came from.
    pub(crate) fn into_frame(mut self, like: &Frame) -> Result<Frame> {
        self = self.straight();
        self.planes.extend(self.kept.take());
        let values = each_depth!(like.values(), |values| joined(&self.planes, values));
        let (width_px, height_px) = (self.width as u32, self.height as u32);
        like.remade(width_px, height_px, like.layout(), values)
    }
}

fn split<T: Sample>(values: &[T], channels: usize) -> Vec<Vec<f32>> {
    (0..channels)
        .map(|channel| {
            values.iter().skip(channel).step_by(channels).map(|number| number.real()).collect()
        })
        .collect()
}

/// `like` only says which depth is wanted.
fn joined<T: Sample>(planes: &[Vec<f32>], _like: &[T]) -> Vec<T> {
    let len = planes.first().map_or(0, Vec::len);
    if let [only] = planes {
        return only.iter().map(|&number| T::nearest(number)).collect();
    }
    let mut values = vec![T::default(); len * planes.len()];
    for (channel, plane) in planes.iter().enumerate() {
        let places = values.iter_mut().skip(channel).step_by(planes.len());
        places.zip(plane).for_each(|(place, &number)| *place = T::nearest(number));
    }
    values
}
