//! CIELAB 1976 (ISO/CIE 11664-4) of sRGB colours (IEC 61966-2-1), white D65.

/// White of D65, Y = 1, and the limits of the linear part of CIELAB.
const WHITE: [f32; 3] = [0.950_456, 1.0, 1.088_754];
const EPSILON: f32 = 216.0 / 24389.0;
const KAPPA: f32 = 24389.0 / 27.0;

/// L 0 to 100, a and b about -128 to 127, of red, green and blue, each 0 to 1.
pub(crate) fn lab_from_rgb(rgb: [f32; 3]) -> [f32; 3] {
    let [r, g, b] = rgb.map(linear_from_srgb);
    let xyz = [
        0.412_453 * r + 0.357_58 * g + 0.180_423 * b,
        0.212_671 * r + 0.715_16 * g + 0.072_169 * b,
        0.019_334 * r + 0.119_193 * g + 0.950_227 * b,
    ];
    let [x, y, z] = std::array::from_fn(|at| {
        let share = xyz[at] / WHITE[at];
        if share > EPSILON { share.cbrt() } else { (KAPPA * share + 16.0) / 116.0 }
    });
    [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
}

/// Red, green and blue, which may lie outside 0 to 1.
pub(crate) fn rgb_from_lab([lightness, a, b]: [f32; 3]) -> [f32; 3] {
    let y = (lightness + 16.0) / 116.0;
    let powers = [y + a / 500.0, y, y - b / 200.0];
    let [x, y, z]: [f32; 3] = std::array::from_fn(|at| {
        let power = powers[at];
        let cube = power * power * power;
        WHITE[at] * if cube > EPSILON { cube } else { (116.0 * power - 16.0) / KAPPA }
    });
    [
        3.240_479 * x - 1.537_15 * y - 0.498_535 * z,
        -0.969_256 * x + 1.875_991 * y + 0.041_556 * z,
        0.055_648 * x - 0.204_043 * y + 1.057_311 * z,
    ]
    .map(srgb_from_linear)
}

fn linear_from_srgb(signal: f32) -> f32 {
    if signal <= 0.040_45 { signal / 12.92 } else { ((signal + 0.055) / 1.055).powf(2.4) }
}

fn srgb_from_linear(light: f32) -> f32 {
    if light <= 0.003_130_8 { light * 12.92 } else { 1.055 * light.powf(1.0 / 2.4) - 0.055 }
}
