use std::cmp::Ordering;

use rushes_media::{Frame, Layout, Values};

use super::luma;

/// A number of a frame, of any depth.
pub(crate) trait Sample: Copy + Default + 'static {
    /// What full brightness is.
    const FULL: f64;

    /// The number as it is: 0 to 255 for 8 bits.
    fn real(self) -> f32;

    /// The nearest number that this depth has, halves to even; too small and
    /// too large ones become the smallest and the largest, NaN the smallest.
    fn nearest(real: f32) -> Self;

    /// Which is larger; NaN is above or below all others.
    fn order(&self, other: &Self) -> Ordering;

    /// The smaller and the larger of two.
    fn sorted(self, other: Self) -> (Self, Self);

    /// As `nearest`, from more digits.
    fn nearest_precise(real: f64) -> Self;
}

/// Adding 2^23 leaves no bits for a fraction, so the hardware rounds, halves
/// to even; unlike `round_ties_even` that needs no call on old processors.
const ROUNDER: f32 = 8_388_608.0;

macro_rules! integer_sample {
    ($kind:ty) => {
        impl Sample for $kind {
            const FULL: f64 = <$kind>::MAX as f64;

            fn real(self) -> f32 {
                f32::from(self)
            }

            fn nearest(real: f32) -> $kind {
                // `max` before `min`: NaN becomes 0.
                (real.max(0.0).min(Self::FULL as f32) + ROUNDER).to_bits() as $kind
            }

            fn order(&self, other: &$kind) -> Ordering {
                self.cmp(other)
            }

            fn sorted(self, other: $kind) -> ($kind, $kind) {
                (self.min(other), self.max(other))
            }

            fn nearest_precise(real: f64) -> $kind {
                real.round_ties_even() as $kind
            }
        }
    };
}

integer_sample!(u8);
integer_sample!(u16);

impl Sample for f32 {
    const FULL: f64 = 1.0;

    fn real(self) -> f32 {
        self
    }

    fn nearest(real: f32) -> f32 {
        real
    }

    fn order(&self, other: &f32) -> Ordering {
        self.total_cmp(other)
    }

    fn sorted(self, other: f32) -> (f32, f32) {
        if other < self { (other, self) } else { (self, other) }
    }

    fn nearest_precise(real: f64) -> f32 {
        real as f32
    }
}

/// The same expression over the numbers of a frame, whatever their depth;
/// what it gives has that depth again.
macro_rules! each_depth {
    ($values:expr, |$inner:ident| $body:expr) => {
        match $values {
            rushes_media::Values::U8($inner) => rushes_media::Values::U8($body),
            rushes_media::Values::U16($inner) => rushes_media::Values::U16($body),
            rushes_media::Values::F32($inner) => rushes_media::Values::F32($body),
        }
    };
}
pub(crate) use each_depth;

/// What full brightness is in a frame: 255, 65,535 or 1.
pub(crate) fn full(frame: &Frame) -> f64 {
    match frame.values() {
        Values::U8(_) => u8::FULL,
        Values::U16(_) => u16::FULL,
        Values::F32(_) => f32::FULL,
    }
}

/// The pixel of this colour (red, green, blue, opacity; 1 is full). In grey
/// it is the luma of Rec. ITU-R BT.709.
pub(crate) fn pixel_of<T: Sample>(color: [f64; 4], layout: Layout) -> [T; 4] {
    let [red, green, blue, alpha] = color;
    let gray = luma([red, green, blue]);
    let shares = if layout == Layout::Gray { [gray; 4] } else { [red, green, blue, alpha] };
    shares.map(|share| T::nearest_precise(share * T::FULL))
}

/// Red, green, blue and opacity of every pixel, 1 for full.
pub(crate) fn shares(frame: &Frame) -> Vec<[f32; 4]> {
    match frame.values() {
        Values::U8(values) => shares_of(values, frame.layout()),
        Values::U16(values) => shares_of(values, frame.layout()),
        Values::F32(values) => shares_of(values, frame.layout()),
    }
}

fn shares_of<T: Sample>(values: &[T], layout: Layout) -> Vec<[f32; 4]> {
    let share = |number: &T| number.real() / T::FULL as f32;
    let pixel = |pixel: &[T]| match pixel {
        [red, green, blue, alpha] => [share(red), share(green), share(blue), share(alpha)],
        [red, green, blue] => [share(red), share(green), share(blue), 1.0],
        [gray, ..] => [share(gray), share(gray), share(gray), 1.0],
        [] => [0.0; 4],
    };
    values.chunks_exact(layout.channels()).map(pixel).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_to_even_and_saturates() {
        let reals = [-3.0, -0.5, 0.5, 1.5, 2.5, 254.5, 255.5, 1e9, f32::NAN, f32::INFINITY];
        assert_eq!(reals.map(u8::nearest), [0, 0, 0, 2, 2, 254, 255, 255, 0, 255]);
        assert_eq!(reals.map(|r| u8::nearest_precise(r.into())), reals.map(u8::nearest));
        assert_eq!(u16::nearest(65_534.5), 65_534);
        assert_eq!(u16::nearest(70_000.0), 65_535);
    }
}
