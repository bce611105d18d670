use crate::{Color, Error, ErrorKind, Rational, Result};

/// What the numbers of one pixel are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Layout {
    /// Luma alone.
    Gray,
    /// Red, green, blue.
    Rgb,
    /// Red, green, blue, and how opaque it is, not multiplied in.
    Rgba,
}

impl Layout {
    /// Every layout.
    pub const ALL: [Layout; 3] = [Layout::Gray, Layout::Rgb, Layout::Rgba];

    /// Numbers of one pixel.
    #[must_use]
    pub const fn channels(self) -> usize {
        match self {
            Layout::Gray => 1,
            Layout::Rgb => 3,
            Layout::Rgba => 4,
        }
    }

    /// The numbers of one pixel that are colour, without the opacity.
    #[must_use]
    pub const fn colors(self) -> usize {
        match self {
            Layout::Gray => 1,
            Layout::Rgb | Layout::Rgba => 3,
        }
    }
}

/// The numbers of a frame.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// 0 to 255.
    U8(Vec<u8>),
    /// 0 to 65,535.
    U16(Vec<u16>),
    /// 0 to 1; beyond it what is darker than black or brighter than white.
    F32(Vec<f32>),
}

impl Values {
    /// How many numbers there are.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Values::U8(values) => values.len(),
            Values::U16(values) => values.len(),
            Values::F32(values) => values.len(),
        }
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// One picture of a stream, or a picture alone: `[H, W]` for luma, else
/// `[H, W, C]`, rows from the top, no padding, full range.
#[derive(Clone, Debug, PartialEq)]
pub struct Frame {
    width_px: u32,
    height_px: u32,
    layout: Layout,
    values: Values,
    /// Primaries and transfer of the numbers; all absent means sRGB.
    pub color: Color,
    /// When it is shown, in seconds from the start of what it came from;
    /// `None` for a picture that has no time.
    pub time_secs: Option<Rational>,
    /// How long it is shown, in seconds, when that is known.
    pub duration_secs: Option<Rational>,
}

impl Frame {
    /// A frame of these numbers, sRGB and without a time. A side may be zero:
    /// then there are no numbers.
    ///
    /// # Errors
    /// `Bug` when there are not `width * height * channels` of them.
    pub fn new(width_px: u32, height_px: u32, layout: Layout, values: Values) -> Result<Frame> {
        let wanted = u128::from(width_px) * u128::from(height_px) * layout.channels() as u128;
        if values.len() as u128 != wanted {
            let why = format!("{} numbers for {width_px}x{height_px} {layout:?}", values.len());
            return Err(Error::new(ErrorKind::Bug, "making a frame", why));
        }
        Ok(Frame {
            width_px,
            height_px,
            layout,
            values,
            color: Color::default(),
            time_secs: None,
            duration_secs: None,
        })
    }

    /// Other numbers with this frame's colour and times.
    ///
    /// # Errors
    /// As for `new`.
    pub fn remade(
        &self,
        width_px: u32,
        height_px: u32,
        layout: Layout,
        values: Values,
    ) -> Result<Frame> {
        Ok(Frame {
            color: self.color.clone(),
            time_secs: self.time_secs,
            duration_secs: self.duration_secs,
            ..Frame::new(width_px, height_px, layout, values)?
        })
    }

    /// Width.
    #[must_use]
    pub fn width_px(&self) -> u32 {
        self.width_px
    }

    /// Height.
    #[must_use]
    pub fn height_px(&self) -> u32 {
        self.height_px
    }

    /// What the numbers of one pixel are.
    #[must_use]
    pub fn layout(&self) -> Layout {
        self.layout
    }

    /// The numbers, row by row, the channels of a pixel side by side.
    #[must_use]
    pub fn values(&self) -> &Values {
        &self.values
    }

    /// The numbers, to be changed in place.
    pub fn values_mut(&mut self) -> ValuesMut<'_> {
        match &mut self.values {
            Values::U8(values) => ValuesMut::U8(values),
            Values::U16(values) => ValuesMut::U16(values),
            Values::F32(values) => ValuesMut::F32(values),
        }
    }

    /// The numbers, given away.
    #[must_use]
    pub fn into_values(self) -> Values {
        self.values
    }
}

/// The numbers of a frame, of which none can be added or taken away.
#[derive(Debug)]
pub enum ValuesMut<'a> {
    /// 0 to 255.
    U8(&'a mut [u8]),
    /// 0 to 65,535.
    U16(&'a mut [u16]),
    /// 0 to 1.
    F32(&'a mut [f32]),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_fit_size_and_layout() {
        for layout in Layout::ALL {
            let fits = Values::U8(vec![0; 6 * layout.channels()]);
            assert!(Frame::new(2, 3, layout, fits.clone()).is_ok());
            assert!(Frame::new(3, 3, layout, fits).is_err());
            assert!(Frame::new(0, 3, layout, Values::F32(vec![])).is_ok());
        }
        assert!(Frame::new(u32::MAX, u32::MAX, Layout::Rgba, Values::U8(vec![])).is_err());
    }

    #[test]
    fn a_remade_frame_keeps_its_time() {
        let mut frame = Frame::new(1, 1, Layout::Gray, Values::U16(vec![7])).unwrap();
        frame.time_secs = Rational::new(1001, 30_000);
        let bigger = frame.remade(2, 1, Layout::Gray, Values::U16(vec![7, 7])).unwrap();
        assert_eq!(bigger.time_secs, frame.time_secs);
    }
}
