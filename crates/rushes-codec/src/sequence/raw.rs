//! Pixels that lie in a file as a camera gave them.

use rushes_media::{Frame, Layout, Result, Values};

/// How the numbers of one picture lie in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Raw {
    pub(super) width_px: u32,
    pub(super) height_px: u32,
    /// From one row to the next; at least what a row takes.
    pub(super) row_bytes: u64,
    pub(super) pixel: Pixel,
}

/// What a pixel is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pixel {
    /// One number.
    Gray(Number),
    /// Three numbers, blue first when `is_bgr`, and as many as make `stored`.
    Color { number: Number, stored: u64, is_bgr: bool },
}

/// What one number is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Number {
    /// A byte.
    Eight,
    /// Two bytes of which so many bits count, 9 to 16.
    Sixteen { bits: u32, at_top: bool, is_big_endian: bool },
}

impl Number {
    fn bytes(self) -> u64 {
        match self {
            Number::Eight => 1,
            Number::Sixteen { .. } => 2,
        }
    }

    fn bits(self) -> u32 {
        match self {
            Number::Eight => 8,
            Number::Sixteen { bits, .. } => bits,
        }
    }
}

impl Pixel {
    fn bytes(self) -> u64 {
        match self {
            Pixel::Gray(number) => number.bytes(),
            Pixel::Color { number, stored, .. } => number.bytes() * stored,
        }
    }

    pub(super) fn bits(self) -> u32 {
        let (Pixel::Gray(number) | Pixel::Color { number, .. }) = self;
        number.bits()
    }

    /// FFmpeg's name, where it has one.
    pub(super) fn name(self) -> Option<&'static str> {
        Some(match self {
            Pixel::Gray(Number::Eight) => "gray",
            Pixel::Gray(Number::Sixteen { at_top: true, .. }) => return None,
            Pixel::Gray(Number::Sixteen { bits, is_big_endian: false, .. }) => match bits {
                10 => "gray10le",
                12 => "gray12le",
                14 => "gray14le",
                16 => "gray16le",
                _ => return None,
            },
            Pixel::Color { number: Number::Eight, stored: 3, is_bgr: true } => "bgr24",
            Pixel::Color { number: Number::Eight, stored: 3, is_bgr: false } => "rgb24",
            Pixel::Color { number: Number::Eight, stored: 4, is_bgr: true } => "bgr0",
            _ => return None,
        })
    }

    fn layout(self) -> Layout {
        match self {
            Pixel::Gray(_) => Layout::Gray,
            Pixel::Color { .. } => Layout::Rgb,
        }
    }
}

impl Raw {
    /// Bytes that a row's pixels take.
    pub(super) fn filled_bytes(&self) -> u64 {
        u64::from(self.width_px).saturating_mul(self.pixel.bytes())
    }

    /// Bytes of one picture.
    pub(super) fn bytes(&self) -> u64 {
        self.row_bytes.saturating_mul(self.height_px.into())
    }

    /// The picture in these bytes, its numbers stretched to the full range of
    /// 8 or 16 bits.
    pub(super) fn frame(&self, bytes: &[u8]) -> Result<Frame> {
        let filled = usize::try_from(self.filled_bytes()).unwrap_or(usize::MAX);
        let stride = usize::try_from(self.row_bytes).unwrap_or(usize::MAX).max(1);
        let rows = bytes.chunks(stride).filter_map(|row| row.get(..filled));
        let rows = rows.take(self.height_px as usize);
        let (number, stored, is_bgr) = match self.pixel {
            Pixel::Gray(number) => (number, 1, false),
            Pixel::Color { number, stored, is_bgr } => (number, stored, is_bgr),
        };
        let stored = usize::try_from(stored).unwrap_or(usize::MAX).max(1);
        let values = match number {
            Number::Eight => {
                let mut values = Vec::with_capacity(filled * self.height_px as usize);
                rows.for_each(|row| take(row, stored, is_bgr, &mut values));
                Values::U8(values)
            }
            Number::Sixteen { bits, at_top, is_big_endian } => {
                let mut values = Vec::with_capacity(filled * self.height_px as usize / 2);
                let mut wide = Vec::new();
                for row in rows {
                    wide.clear();
                    wide.extend(row.as_chunks::<2>().0.iter().map(|&pair| {
                        let value = match is_big_endian {
                            true => u16::from_be_bytes(pair),
                            false => u16::from_le_bytes(pair),
                        };
                        full(if at_top { value >> (16 - bits.min(16)) } else { value }, bits)
                    }));
                    take(&wide, stored, is_bgr, &mut values);
                }
                Values::U16(values)
            }
        };
        Frame::new(self.width_px, self.height_px, self.pixel.layout(), values)
    }
}

/// The first three of `stored` numbers of each pixel, red first; or all.
fn take<T: Copy>(row: &[T], stored: usize, is_bgr: bool, values: &mut Vec<T>) {
    if stored < 3 {
        values.extend_from_slice(row);
        return;
    }
    for pixel in row.chunks_exact(stored) {
        if let &[first, green, third, ..] = pixel {
            values.extend(if is_bgr { [third, green, first] } else { [first, green, third] });
        }
    }
}

/// A number of so many bits as one of 16, to the nearest.
fn full(value: u16, bits: u32) -> u16 {
    let most = (1_u32 << bits.clamp(1, 16)) - 1;
    let value = u32::from(value).min(most);
    u16::try_from((value * 65_535 + most / 2) / most).unwrap_or(u16::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_fill_their_range() {
        assert_eq!(full(1023, 10), 65_535);
        assert_eq!(full(512, 10), 32_800);
        assert_eq!(full(9999, 10), 65_535);
        assert_eq!(full(4321, 16), 4321);
    }

    #[test]
    fn rows_orders_and_bits() {
        let raw = |row_bytes, pixel| Raw { width_px: 2, height_px: 2, row_bytes, pixel };
        let gray = raw(3, Pixel::Gray(Number::Eight)).frame(&[1, 2, 99, 3, 4, 99]).unwrap();
        assert_eq!(gray.values(), &Values::U8(vec![1, 2, 3, 4]));
        let pixel = Pixel::Color { number: Number::Eight, stored: 4, is_bgr: true };
        let bytes: Vec<u8> = (0..16).collect();
        let color = raw(8, pixel).frame(&bytes).unwrap();
        assert_eq!(color.values(), &Values::U8(vec![2, 1, 0, 6, 5, 4, 10, 9, 8, 14, 13, 12]));
        let number = Number::Sixteen { bits: 10, at_top: true, is_big_endian: true };
        let bytes = [0xff, 0xc0, 0, 0, 0, 0x40, 0x80, 0];
        let wide = raw(4, Pixel::Gray(number)).frame(&bytes).unwrap();
        assert_eq!(wide.values(), &Values::U16(vec![65_535, 0, 64, 32_800]));
    }
}
