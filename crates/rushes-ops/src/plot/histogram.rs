use rushes_media::Result;

use super::axes::{self, Axes};
use super::{Figure, Plot, axis, extent};
use crate::ink::{box_path, filled, paint};
use crate::numeric::{refuse, within};

/// How many numbers lie between each two edges.
#[derive(Clone, Debug, PartialEq)]
pub struct Counts {
    /// One more than there are counts, rising.
    pub edges: Vec<f64>,
    /// From each edge on and below the next; the last includes its end.
    pub counts: Vec<u64>,
}

const MOST_BINS: usize = 65_536;
const BAR: [f64; 4] = [0.0, 114.0 / 255.0, 178.0 / 255.0, 1.0];

/// Counts numbers in bins of equal width, as NumPy's `histogram` does.
///
/// What is beyond the range or not finite is not counted. Without a range it
/// is that of the data, or a half around its only number.
///
/// # Errors
/// `Invalid` when there are no bins or more than 65,536, when the range is
/// not one, or when it is left out and there is no finite number.
pub fn counts(values: &[f64], bins: usize, range: Option<[f64; 2]>) -> Result<Counts> {
    within("bins", bins, 1..=MOST_BINS)?;
    let [first, last] = match range {
        Some(ends) => {
            axis("range", ends)?;
            if ends[0] > ends[1] {
                return Err(refuse("range", format_args!("{ends:?}"), "rising"));
            }
            ends
        }
        None => own_range(values)?,
    };
    let step = (last - first) / bins as f64;
    let mut edges: Vec<f64> = (0..bins).map(|at| at as f64 * step + first).collect();
    edges.push(last);
    let mut counts = vec![0; bins];
    for &value in values.iter().filter(|value| (first..=last).contains(*value)) {
        let share = (value - first) / (last - first);
        let mut bin = ((share * bins as f64) as usize).min(bins - 1);
        // The share is rounded; what counts are the edges.
        if value < edges[bin] {
            bin -= 1;
        } else if bin + 1 < bins && value >= edges[bin + 1] {
            bin += 1;
        }
        counts[bin] += 1;
    }
    Ok(Counts { edges, counts })
}

fn own_range(values: &[f64]) -> Result<[f64; 2]> {
    let finite = || values.iter().copied().filter(|value| value.is_finite());
    let least = finite().reduce(f64::min);
    let (Some(least), Some(greatest)) = (least, finite().reduce(f64::max)) else {
        return Err(refuse("values", "without a finite number", "at least one"));
    };
    if least < greatest { Ok([least, greatest]) } else { Ok([least - 0.5, least + 0.5]) }
}

/// How often numbers occur, as bars over [`counts`].
///
/// # Errors
/// As for [`counts`]; `Invalid` when the range cannot be that of an axis or
/// the figure is too small for its text; `Limit` when it is larger than the
/// default limits allow.
pub fn histogram(
    figure: &Figure,
    values: &[f64],
    bins: usize,
    range: Option<[f64; 2]>,
) -> Result<Plot> {
    figure.check()?;
    let Counts { edges, counts } = counts(values, bins, range)?;
    let x = [edges[0], edges[bins]];
    let highest = counts.iter().max().copied().unwrap_or_default() as f64;
    let y = [0.0, extent("counts", [0.0, highest.max(1.0)].into_iter(), 0.05)?[1]];
    let mut plot = axes::drawn(figure, &Axes { x, y, mesh: true, bar: None })?.plot;
    for (bin, count) in counts.into_iter().enumerate().filter(|(_, count)| *count > 0) {
        let (left, top) = plot.area.pixel(edges[bin], count as f64);
        let (right, bottom) = plot.area.pixel(edges[bin + 1], 0.0);
        // A gap where there is room for one.
        let gap = if right - left > 4.0 { 0.5 } else { 0.0 };
        let bar = [left + gap, top, right - gap, bottom].map(|at| at as f32);
        if let Some(mask) = filled(&box_path(bar), plot.area.window()) {
            paint(&mut plot.frame, &mask, BAR);
        }
    }
    Ok(plot)
}
