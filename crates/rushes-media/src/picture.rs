use crate::{Color, Error, ErrorKind, Result};

/// One decoded picture: `[H, W, 3]`, RGB, rows from the top, no padding.
#[derive(Clone, Debug, PartialEq)]
pub struct Picture {
    width_px: u32,
    height_px: u32,
    pixels: Pixels,
    /// Primaries and transfer of the numbers; all absent means sRGB.
    pub color: Color,
}

/// The numbers of a picture, full range.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pixels {
    /// 0 to 255.
    U8(Vec<u8>),
    /// 0 to 65,535; what HDR and deep pictures decode to.
    U16(Vec<u16>),
}

impl Pixels {
    fn len(&self) -> usize {
        match self {
            Pixels::U8(values) => values.len(),
            Pixels::U16(values) => values.len(),
        }
    }
}

impl Picture {
    /// A picture of these numbers.
    ///
    /// # Errors
    /// `Bug` when there are not `width * height * 3` of them, or none.
    pub fn new(width_px: u32, height_px: u32, pixels: Pixels, color: Color) -> Result<Picture> {
        let wanted = u64::from(width_px) * u64::from(height_px) * 3;
        if wanted == 0 || pixels.len() as u64 != wanted {
            let why = format!("{} numbers for {width_px}x{height_px} pixels", pixels.len());
            return Err(Error::new(ErrorKind::Bug, "making a picture", why));
        }
        Ok(Picture { width_px, height_px, pixels, color })
    }

    /// Width, at least 1.
    #[must_use]
    pub fn width_px(&self) -> u32 {
        self.width_px
    }

    /// Height, at least 1.
    #[must_use]
    pub fn height_px(&self) -> u32 {
        self.height_px
    }

    /// The numbers.
    #[must_use]
    pub fn pixels(&self) -> &Pixels {
        &self.pixels
    }

    /// The numbers, given away.
    #[must_use]
    pub fn into_pixels(self) -> Pixels {
        self.pixels
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_fit_the_size() {
        let color = Color::default();
        assert!(Picture::new(2, 1, Pixels::U8(vec![0; 6]), color.clone()).is_ok());
        assert!(Picture::new(2, 1, Pixels::U8(vec![0; 5]), color.clone()).is_err());
        assert!(Picture::new(0, 1, Pixels::U8(vec![]), color).is_err());
    }
}
