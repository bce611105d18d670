use rushes_media::{Color, Picture, Pixels};

/// Dark neutral ground, a quiet centre line, and the accent from quiet to loud.
const GROUND: [f32; 3] = [22.0, 24.0, 29.0];
const CENTRE_LINE: [f32; 3] = [52.0, 57.0, 66.0];
const ACCENT_CORE: [f32; 3] = [124.0, 190.0, 255.0];
const ACCENT_EDGE: [f32; 3] = [52.0, 120.0, 214.0];
/// Columns drawn for each one shown: what makes slopes smooth.
const STRIPES: usize = 4;
/// Share of the height that full scale takes.
const FULL_SCALE: f32 = 0.92;
/// The thinnest the wave gets, so that silence is a line.
const THINNEST_PX: f32 = 1.2;

/// A picture of sound over time: for each stretch of time the range between
/// its lowest and highest sample, in blue on a dark ground, anti-aliased,
/// with a centre line.
///
/// `peaks` are (lowest, highest) per stretch, -1 to 1; what is not a finite
/// number counts as 0. There may be fewer or more of them than columns: each
/// column shows the extremes of what it covers. No peaks give the centre line
/// alone. A width or height of 0 counts as 1.
#[must_use]
pub fn waveform(peaks: &[(f32, f32)], width_px: u32, height_px: u32) -> Picture {
    let (width_px, height_px) = (width_px.max(1), height_px.max(1));
    let (width, height) = (width_px as usize, height_px as usize);
    let stripes: Vec<(f32, f32)> = (0..width * STRIPES)
        .map(|stripe| extent(peaks, stripe, width * STRIPES, height_px as f32))
        .collect();
    let mut values = Vec::with_capacity(width * height * 3);
    let middle = height_px as f32 / 2.0;
    for y in 0..height {
        let (top, bottom) = (y as f32, y as f32 + 1.0);
        // The centre line is one pixel thick and half drawn on each side of the middle.
        let line = overlap(top, bottom, middle - 0.5, middle + 0.5);
        let ground = mix(GROUND, CENTRE_LINE, line);
        let away = ((top + 0.5 - middle).abs() / (middle * FULL_SCALE)).min(1.0);
        let accent = mix(ACCENT_CORE, ACCENT_EDGE, away);
        for (column, _) in stripes.as_chunks::<STRIPES>().0.iter().zip(0..width) {
            let covered: f32 = column
                .iter()
                .map(
                    |&(from, to)| {
                        if peaks.is_empty() { 0.0 } else { overlap(top, bottom, from, to) }
                    },
                )
                .sum();
            let shown = mix(ground, accent, covered / STRIPES as f32);
            values.extend(shown.map(|value| value.round().clamp(0.0, 255.0) as u8));
        }
    }
    crate::image::picture(width_px, height_px, Pixels::U8(values), Color::default())
}

/// The upper and lower end of the wave in this stripe, in pixels from the top.
fn extent(peaks: &[(f32, f32)], stripe: usize, stripes: usize, height_px: f32) -> (f32, f32) {
    let first = stripe * peaks.len() / stripes;
    let last = ((stripe + 1) * peaks.len()).div_ceil(stripes).max(first + 1);
    let covered = peaks.get(first..last.min(peaks.len())).unwrap_or_default();
    let finite = |value: f32| if value.is_finite() { value.clamp(-1.0, 1.0) } else { 0.0 };
    let (mut low, mut high) = (f32::MAX, f32::MIN);
    for &(lowest, highest) in covered {
        let (lowest, highest) = (finite(lowest), finite(highest));
        low = low.min(lowest).min(highest);
        high = high.max(highest).max(lowest);
    }
    if covered.is_empty() {
        (low, high) = (0.0, 0.0);
    }
    let middle = height_px / 2.0;
    let scale = middle * FULL_SCALE;
    let (from, to) = (middle - high * scale, middle - low * scale);
    let missing = (THINNEST_PX - (to - from)).max(0.0) / 2.0;
    (from - missing, to + missing)
}

/// How much of one range lies within the other, in pixels.
fn overlap(top: f32, bottom: f32, from: f32, to: f32) -> f32 {
    (bottom.min(to) - top.max(from)).max(0.0)
}

fn mix(from: [f32; 3], to: [f32; 3], share: f32) -> [f32; 3] {
    let share = share.clamp(0.0, 1.0);
    [0, 1, 2].map(|channel: usize| from[channel] + (to[channel] - from[channel]) * share)
}
