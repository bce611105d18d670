use rushes_media::{Color, Picture, Pixels};

use super::picture;
use super::transfer::{
    Matrix, PQ_PEAK_NITS, REFERENCE_WHITE_NITS, eetf, luminance_weights, nits_from_pq,
    scene_from_hlg, srgb_from_linear, to_bt709,
};

/// The display that HDR is taken to be made for, unless the picture itself is
/// brighter: fixed, so that the frames of one video are mapped alike.
const SOURCE_PEAK_NITS: f64 = 1000.0;
/// Share of the brightest pixels that do not decide how bright a picture is.
const OUTLIERS: f64 = 0.0001;

/// The picture in 8-bit sRGB with BT.709 primaries, for an ordinary screen.
///
/// - Transfer `smpte2084` (PQ, SMPTE ST 2084) or `arib-std-b67` (HLG, ITU-R
///   BT.2100, shown on 1000 nits with a system gamma of 1.2): light above the
///   knee is compressed by the EETF of ITU-R BT.2390, clause 5.4.1, onto
///   reference white (203 nits, ITU-R BT.2408), which becomes 255. The curve
///   is applied to the largest of R, G and B and all three are scaled alike,
///   so hues stay. Colours outside BT.709 are clipped. Primaries are BT.2020
///   unless the picture names others.
/// - Anything else with 16 bits: each number rounded to 8.
/// - Anything else with 8 bits: unchanged.
///
/// The result carries no colour tags, which means sRGB; the name of an
/// embedded ICC profile stays where the numbers kept their meaning.
#[must_use]
pub fn tone_map(source: &Picture) -> Picture {
    let curve = match source.color.transfer.as_deref() {
        Some("smpte2084") => Some(Curve::Pq),
        Some("arib-std-b67") => Some(Curve::Hlg),
        _ => None,
    };
    let (width_px, height_px) = (source.width_px(), source.height_px());
    match (curve, source.pixels()) {
        (Some(curve), Pixels::U8(values)) => {
            let mapped = Mapper::new(curve, source, 255, values).map(values);
            picture(width_px, height_px, Pixels::U8(mapped), Color::default())
        }
        (Some(curve), Pixels::U16(values)) => {
            let mapped = Mapper::new(curve, source, 65_535, values).map(values);
            picture(width_px, height_px, Pixels::U8(mapped), Color::default())
        }
        (None, Pixels::U8(_)) => source.clone(),
        (None, Pixels::U16(values)) => {
            // 65535 is 257 * 255: to the nearest, halves up.
            let rounded =
                values.iter().map(|&value| ((u32::from(value) + 128) / 257) as u8).collect();
            picture(width_px, height_px, Pixels::U8(rounded), source.color.clone())
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Curve {
    Pq,
    Hlg,
}

/// Tables for one picture: powers are dear, and there are only so many codes.
struct Mapper {
    curve: Curve,
    /// PQ: nits by code. HLG: scene light by code.
    light: Vec<f32>,
    /// PQ: what to multiply by, by the largest code of the pixel.
    gain: Vec<f32>,
    matrix: Matrix,
    weights: [f32; 3],
    /// sRGB by linear light, 65,536 steps from 0 to 1.
    srgb: Vec<u8>,
}

impl Mapper {
    fn new<T: Copy + Into<u32>>(
        curve: Curve,
        source: &Picture,
        white: u32,
        values: &[T],
    ) -> Mapper {
        let primaries = source.color.primaries.as_deref();
        let signal = |code: u32| f64::from(code) / f64::from(white);
        let codes = 0..=white;
        let (light, gain) = match curve {
            Curve::Pq => {
                let nits: Vec<f64> = codes.map(|code| nits_from_pq(signal(code))).collect();
                let peak = peak_nits(values, &nits).clamp(SOURCE_PEAK_NITS, PQ_PEAK_NITS);
                let gain = nits
                    .iter()
                    .map(|&nits| (eetf_gain(nits, peak) / REFERENCE_WHITE_NITS) as f32)
                    .collect();
                (nits.iter().map(|&nits| nits as f32).collect(), gain)
            }
            Curve::Hlg => {
                (codes.map(|code| scene_from_hlg(signal(code)) as f32).collect(), Vec::new())
            }
        };
        let step =
            |index: u32| (srgb_from_linear(f64::from(index) / 65_535.0) * 255.0).round() as u8;
        Mapper {
            curve,
            light,
            gain,
            matrix: to_bt709(primaries),
            weights: luminance_weights(primaries).map(|weight| weight as f32),
            srgb: (0..=65_535).map(step).collect(),
        }
    }

    fn map<T: Copy + Into<u32>>(&self, values: &[T]) -> Vec<u8> {
        let mut output = Vec::with_capacity(values.len());
        for codes in values.as_chunks::<3>().0 {
            let codes = codes.map(|code| code.into() as usize);
            let light = codes.map(|code| self.light.get(code).copied().unwrap_or(0.0));
            let gain = match self.curve {
                Curve::Pq => {
                    let largest = codes.iter().copied().max().unwrap_or(0);
                    self.gain.get(largest).copied().unwrap_or(0.0)
                }
                Curve::Hlg => self.hlg_gain(light),
            };
            let linear = light.map(|light| light * gain);
            for row in &self.matrix {
                let mixed = row[0] * linear[0] + row[1] * linear[1] + row[2] * linear[2];
                // The cast clips: below 0 to 0, and the table has 65,536 steps.
                let index = (mixed.min(1.0) * 65_535.0 + 0.5) as usize;
                output.push(self.srgb.get(index).copied().unwrap_or(255));
            }
        }
        output
    }

    /// What turns scene light into a share of reference white: the OOTF of
    /// BT.2100 for 1000 nits (its gamma of 1.2 on luminance), then the EETF.
    fn hlg_gain(&self, scene: [f32; 3]) -> f32 {
        let luminance: f32 =
            scene.iter().zip(self.weights).map(|(light, weight)| light * weight).sum();
        let ootf = SOURCE_PEAK_NITS * f64::from(luminance).powf(0.2);
        let largest = f64::from(scene.iter().copied().fold(0.0, f32::max));
        let gain = ootf * eetf_gain(ootf * largest, SOURCE_PEAK_NITS);
        (gain / REFERENCE_WHITE_NITS) as f32
    }
}

/// What the EETF multiplies this many nits by; 1 for black.
fn eetf_gain(nits: f64, peak_nits: f64) -> f64 {
    if nits <= 0.0 { 1.0 } else { eetf(nits, peak_nits, REFERENCE_WHITE_NITS) / nits }
}

/// Nits of the picture's brightest pixels, a few outliers left out.
fn peak_nits<T: Copy + Into<u32>>(values: &[T], nits: &[f64]) -> f64 {
    let mut histogram = vec![0_u64; nits.len()];
    let (triples, _) = values.as_chunks::<3>();
    for triple in triples {
        let largest = triple.map(Into::into).into_iter().max().unwrap_or(0);
        if let Some(count) = histogram.get_mut(largest as usize) {
            *count += 1;
        }
    }
    let spared = (triples.len() as f64 * OUTLIERS) as u64;
    let mut above = 0;
    let brightest = histogram.iter().zip(nits).rev().find(|(count, _)| {
        above += **count;
        above > spared
    });
    brightest.map_or(0.0, |(_, &nits)| nits)
}
