//! Transfer functions, and the colour matrices that lead to BT.709.

/// Luminance of reference white in HDR (ITU-R BT.2408, clause 2.1), nits.
pub(super) const REFERENCE_WHITE_NITS: f64 = 203.0;
/// The most that PQ can say, nits.
pub(super) const PQ_PEAK_NITS: f64 = 10_000.0;

const M1: f64 = 2610.0 / 16_384.0;
const M2: f64 = 2523.0 / 4096.0 * 128.0;
const C1: f64 = 3424.0 / 4096.0;
const C2: f64 = 2413.0 / 4096.0 * 32.0;
const C3: f64 = 2392.0 / 4096.0 * 32.0;

/// Nits of a PQ signal, 0 to 1 (SMPTE ST 2084, equation 5.1).
pub(super) fn nits_from_pq(signal: f64) -> f64 {
    let power = signal.clamp(0.0, 1.0).powf(1.0 / M2);
    let light = (power - C1).max(0.0) / (C2 - C3 * power);
    PQ_PEAK_NITS * light.powf(1.0 / M1)
}

/// The PQ signal, 0 to 1, of this many nits (SMPTE ST 2084, equation 5.2).
pub(super) fn pq_from_nits(nits: f64) -> f64 {
    let power = (nits / PQ_PEAK_NITS).clamp(0.0, 1.0).powf(M1);
    ((C1 + C2 * power) / (1.0 + C3 * power)).powf(M2)
}

/// Scene light, 0 to 1, of an HLG signal (ITU-R BT.2100-2, table 5, inverse OETF).
pub(super) fn scene_from_hlg(signal: f64) -> f64 {
    const A: f64 = 0.178_832_77;
    const B: f64 = 0.284_668_92;
    const C: f64 = 0.559_910_73;
    let signal = signal.clamp(0.0, 1.0);
    if signal <= 0.5 { signal * signal / 3.0 } else { (((signal - C) / A).exp() + B) / 12.0 }
}

/// The sRGB signal of linear light, both 0 to 1 (IEC 61966-2-1, clause 5.2).
pub(super) fn srgb_from_linear(light: f64) -> f64 {
    if light <= 0.003_130_8 { 12.92 * light } else { 1.055 * light.powf(1.0 / 2.4) - 0.055 }
}

/// The EETF of ITU-R BT.2390-10, clause 5.4.1, for a black of 0: nits on a
/// display of `target_nits` for nits that were made on one of `source_nits`.
pub(super) fn eetf(nits: f64, source_nits: f64, target_nits: f64) -> f64 {
    if source_nits <= target_nits {
        return nits.min(target_nits);
    }
    let source_signal = pq_from_nits(source_nits);
    let signal = (pq_from_nits(nits) / source_signal).min(1.0);
    let peak = pq_from_nits(target_nits) / source_signal;
    let knee = 1.5 * peak - 0.5;
    if signal <= knee {
        return nits;
    }
    let t = (signal - knee) / (1.0 - knee);
    let (t2, t3) = (t * t, t * t * t);
    let bent = (2.0 * t3 - 3.0 * t2 + 1.0) * knee
        + (t3 - 2.0 * t2 + t) * (1.0 - knee)
        + (3.0 * t2 - 2.0 * t3) * peak;
    nits_from_pq(bent * source_signal)
}

/// Rows that take linear RGB to linear BT.709 RGB.
pub(super) type Matrix = [[f32; 3]; 3];

/// From BT.2020 (ITU-R BT.2087-0, the inverse of its table 2).
const BT709_FROM_BT2020: Matrix = [
    [1.660_491, -0.587_641_1, -0.072_849_86],
    [-0.124_550_5, 1.132_899_9, -0.008_349_42],
    [-0.018_150_76, -0.100_578_9, 1.118_729_7],
];

/// From Display P3 (SMPTE RP 431-2 primaries, white D65).
const BT709_FROM_P3: Matrix = [
    [1.224_940_2, -0.224_940_2, 0.0],
    [-0.042_056_95, 1.042_057, 0.0],
    [-0.019_637_55, -0.078_636_05, 1.098_273_6],
];

const IDENTITY: Matrix = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];

/// The matrix for primaries of this name; HDR without a name is BT.2020.
pub(super) fn to_bt709(primaries: Option<&str>) -> Matrix {
    match primaries {
        None | Some("bt2020") => BT709_FROM_BT2020,
        Some("smpte432" | "smpte431") => BT709_FROM_P3,
        Some(_) => IDENTITY,
    }
}

/// Luminance of linear RGB, by the primaries' own weights.
pub(super) fn luminance_weights(primaries: Option<&str>) -> [f64; 3] {
    match primaries {
        None | Some("bt2020") => [0.2627, 0.6780, 0.0593],
        Some("smpte432" | "smpte431") => [0.228_974_6, 0.691_738_5, 0.079_286_9],
        Some(_) => [0.2126, 0.7152, 0.0722],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(found: f64, wanted: f64, tolerance: f64) {
        assert!((found - wanted).abs() <= tolerance, "{found} instead of {wanted}");
    }

    #[test]
    fn pq_at_published_points() {
        // BT.2408, table 1: reference white is 58 % PQ; ST 2084: 100 nits is 0.508.
        close(pq_from_nits(203.0), 0.580_689, 1e-6);
        close(pq_from_nits(100.0), 0.508_078, 1e-6);
        close(pq_from_nits(1000.0), 0.751_827, 1e-6);
        close(pq_from_nits(10_000.0), 1.0, 1e-12);
        close(pq_from_nits(0.0), 0.0, 1e-6);
        for step in 0..=100 {
            let signal = f64::from(step) / 100.0;
            close(pq_from_nits(nits_from_pq(signal)), signal, 1e-6);
        }
    }

    #[test]
    fn as_colour_science_has_it() {
        let mut compared = 0;
        for line in include_str!("../../tests/golden/transfer.txt").lines() {
            let words: Vec<&str> = line.split(' ').collect();
            let (given, wanted): (f64, f64) =
                (words[1].parse().unwrap(), words[2].parse().unwrap());
            match words[0] {
                "pq" => close(pq_from_nits(given), wanted, 1e-9),
                _ => close(scene_from_hlg(given), wanted, 1e-7),
            }
            compared += 1;
        }
        assert_eq!(compared, 14);
    }

    #[test]
    fn hlg_at_published_points() {
        close(scene_from_hlg(0.0), 0.0, 0.0);
        close(scene_from_hlg(0.5), 1.0 / 12.0, 1e-12);
        close(scene_from_hlg(1.0), 1.0, 1e-6);
        // BT.2408: 75 % HLG is reference white on a display of 1000 nits.
        close(1000.0 * scene_from_hlg(0.75).powf(1.2), 203.0, 0.5);
    }

    #[test]
    fn the_eetf_keeps_shadows_and_ends_at_the_peak() {
        close(eetf(10.0, 1000.0, 203.0), 10.0, 1e-9);
        close(eetf(1000.0, 1000.0, 203.0), 203.0, 1e-6);
        close(eetf(4000.0, 1000.0, 203.0), 203.0, 1e-6);
        close(eetf(150.0, 100.0, 203.0), 150.0, 1e-9);
        let curve: Vec<f64> = (0..=1000).map(|n| eetf(f64::from(n), 1000.0, 203.0)).collect();
        assert!(curve.windows(2).all(|pair| pair[0] <= pair[1]));
    }

    #[test]
    fn white_stays_white() {
        for primaries in [None, Some("bt2020"), Some("smpte432"), Some("bt709")] {
            for row in to_bt709(primaries) {
                close(f64::from(row.iter().sum::<f32>()), 1.0, 1e-5);
            }
            close(luminance_weights(primaries).iter().sum(), 1.0, 1e-6);
        }
    }
}
