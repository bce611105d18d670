use rushes_media::{Picture, Pixels};

/// What a picture looks like, in five numbers. All are taken on luma: the
/// numbers as stored, 0 to 1, weighted as in ITU-R BT.709, clause 3.2
/// (0.2126 R + 0.7152 G + 0.0722 B).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Measures {
    /// Variance of the Laplacian (4 neighbours, edges mirrored), 0 and up:
    /// about 0.0001 when blurred, 0.005 and more when sharp.
    pub sharpness: f64,
    /// Mean luma, 0 to 1.
    pub brightness: f64,
    /// Standard deviation of luma, 0 to 0.5.
    pub contrast: f64,
    /// Share of pixels at or below 2/255, 0 to 1.
    pub clipped_dark: f64,
    /// Share of pixels at or above 253/255, 0 to 1.
    pub clipped_bright: f64,
}

/// Measures the picture. A few hundred pixels a side are enough; sharpness
/// compares only between pictures of about the same size.
#[must_use]
pub fn measure(source: &Picture) -> Measures {
    let luma = match source.pixels() {
        Pixels::U8(values) => luma_of(values, 255.0),
        Pixels::U16(values) => luma_of(values, 65_535.0),
    };
    let count = luma.len() as f64;
    let mean = luma.iter().map(|&value| f64::from(value)).sum::<f64>() / count;
    let variance = luma.iter().map(|&value| (f64::from(value) - mean).powi(2)).sum::<f64>() / count;
    let share = |inside: &dyn Fn(f32) -> bool| {
        luma.iter().filter(|&&value| inside(value)).count() as f64 / count
    };
    // Half a step of tolerance, so that rounding of the weights does not decide.
    Measures {
        sharpness: laplacian_variance(&luma, source.width_px() as usize),
        brightness: mean,
        contrast: variance.sqrt(),
        clipped_dark: share(&|value| value <= 2.5 / 255.0),
        clipped_bright: share(&|value| value >= 252.5 / 255.0),
    }
}

fn luma_of<T: Copy + Into<f32>>(values: &[T], white: f32) -> Vec<f32> {
    let (triples, _) = values.as_chunks::<3>();
    let weigh = |&[red, green, blue]: &[T; 3]| {
        (0.2126 * red.into() + 0.7152 * green.into() + 0.0722 * blue.into()) / white
    };
    triples.iter().map(weigh).collect()
}

/// Variance of `left + right + up + down - 4 * centre`; beyond an edge lies
/// the pixel as far inside of it (BORDER_REFLECT_101).
fn laplacian_variance(luma: &[f32], width: usize) -> f64 {
    let rows: Vec<&[f32]> = luma.chunks_exact(width).collect();
    let (mut sum, mut sum_of_squares) = (0.0_f64, 0.0_f64);
    for (y, &row) in rows.iter().enumerate() {
        let inside = |at: Option<usize>| at.and_then(|at| rows.get(at)).copied();
        let (up, down) = (inside(y.checked_sub(1)), inside(Some(y + 1)));
        let (up, down) = (up.or(down).unwrap_or(row), down.or(up).unwrap_or(row));
        for (x, ((&centre, &above), &below)) in row.iter().zip(up).zip(down).enumerate() {
            let beside = |at: Option<usize>| at.and_then(|at| row.get(at)).copied();
            let (left, right) = (beside(x.checked_sub(1)), beside(Some(x + 1)));
            let (left, right) =
                (left.or(right).unwrap_or(centre), right.or(left).unwrap_or(centre));
            let response = f64::from(left + right + above + below - 4.0 * centre);
            sum += response;
            sum_of_squares += response * response;
        }
    }
    let count = luma.len() as f64;
    let mean = sum / count;
    (sum_of_squares / count - mean * mean).max(0.0)
}

/// How well a picture stands for its asset, 0 to 1. Black, white and empty
/// frames score 0, fades near it; a sharp picture with contrast and middle
/// brightness comes close to 1. Only the order of scores means something.
#[must_use]
pub fn preview_score(measures: &Measures) -> f64 {
    let detail = measures.sharpness / (measures.sharpness + 0.002);
    let contrast = (measures.contrast / 0.2).clamp(0.0, 1.0);
    // 1 in the middle, 0.75 at a quarter of the way to either end, 0 at the ends.
    let exposure = (1.0 - (2.0 * measures.brightness - 1.0).powi(2)).clamp(0.0, 1.0);
    let clipped = (measures.clipped_dark + measures.clipped_bright).clamp(0.0, 1.0);
    contrast * exposure * (1.0 - clipped) * (0.25 + 0.75 * detail)
}
