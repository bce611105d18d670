//! Any layout of numbers to 8-bit RGB.

/// What lies behind transparent parts.
const MID_GREY: u32 = 128;

/// 16 bits to 8, to the nearest: 65535 is 257 * 255.
pub(super) fn to_8_bits(value: u16) -> u8 {
    ((u32::from(value) + 128) / 257) as u8
}

/// A value laid over mid grey; both 0 to 255.
pub(super) fn over_grey(value: u8, alpha: u8) -> u8 {
    let (value, alpha) = (u32::from(value), u32::from(alpha));
    ((value * alpha + MID_GREY * (255 - alpha) + 127) / 255) as u8
}

/// Linear light, opaque by a fraction, as sRGB laid over mid grey.
pub(super) fn over_grey_linear(light: [f32; 3], alpha: f32) -> [u8; 3] {
    let alpha = (alpha.clamp(0.0, 1.0) * 255.0 + 0.5) as u8;
    light.map(|light| over_grey(from_linear(light), alpha))
}

/// RGBA, one after the other, to RGB over mid grey.
pub(super) fn from_rgba(values: &[u8]) -> Vec<u8> {
    let blend = |&[red, green, blue, alpha]: &[u8; 4]| {
        [red, green, blue].map(|value| over_grey(value, alpha))
    };
    values.as_chunks::<4>().0.iter().flat_map(blend).collect()
}

/// CMYK, 255 being all ink, to RGB without a profile.
pub(super) fn from_cmyk(values: &[u8]) -> Vec<u8> {
    let convert = |inks: &[u8; 4]| {
        let [cyan, magenta, yellow, black] = inks.map(|ink| u32::from(255 - ink));
        [cyan, magenta, yellow].map(|colour| ((colour * black + 127) / 255) as u8)
    };
    values.as_chunks::<4>().0.iter().flat_map(convert).collect()
}

/// Linear light to sRGB (IEC 61966-2-1, clause 5.2), clipped to 0 to 1; what
/// is not a number is black.
pub(super) fn from_linear(light: f32) -> u8 {
    // The cast takes NaN to 0.
    (signal(light) * 255.0 + 0.5) as u8
}

/// The same, as 0 to 1.
pub(crate) fn signal(light: f32) -> f32 {
    let light = light.clamp(0.0, 1.0);
    if light <= 0.003_130_8 { 12.92 * light } else { 1.055 * light.powf(1.0 / 2.4) - 0.055 }
}

/// sRGB to linear light, both 0 to 1 (IEC 61966-2-1, clause 5.2).
pub(super) fn to_linear(signal: f32) -> f32 {
    if signal <= 0.040_45 { signal / 12.92 } else { ((signal + 0.055) / 1.055).powf(2.4) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ends_stay_the_ends() {
        assert_eq!([0, 128, 129, 65_535].map(to_8_bits), [0, 0, 1, 255]);
        assert_eq!(
            [0.0, 0.214_041, 1.0, 9.0, -1.0, f32::NAN].map(from_linear),
            [0, 127, 255, 255, 0, 0]
        );
        assert_eq!(from_rgba(&[255, 0, 10, 255, 255, 0, 10, 0]), [255, 0, 10, 128, 128, 128]);
        assert_eq!(from_cmyk(&[0, 0, 0, 0, 255, 0, 0, 0]), [255, 255, 255, 0, 255, 255]);
        assert_eq!(from_cmyk(&[9, 9, 9, 255, 255, 255, 255, 0]), [0; 6]);
    }
}
