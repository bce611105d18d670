use super::reflect_101;

/// The weights of a Gaussian, cut off at 4 times its deviation; an odd number
/// of them, together 1.
pub(crate) fn gaussian_kernel(sigma: f64) -> Vec<f32> {
    let radius = (4.0 * sigma).round() as usize;
    let weight = |at: usize| {
        let distance = at as f64 - radius as f64;
        (-distance * distance / (2.0 * sigma * sigma)).exp()
    };
    let weights: Vec<f64> = (0..=2 * radius).map(weight).collect();
    let sum: f64 = weights.iter().sum();
    weights.iter().map(|weight| (weight / sum) as f32).collect()
}

/// A plane with a symmetric kernel of odd length run over its rows and then
/// its columns, mirrored at the borders, the outermost number not repeated. The plane is
/// not empty.
pub(crate) fn blurred(plane: &[f32], width: usize, kernel: &[f32]) -> Vec<f32> {
    let radius = kernel.len() / 2;
    let height = plane.len() / width;
    let (centre, sides) =
        kernel.get(radius..).and_then(<[f32]>::split_first).unwrap_or((&1.0, &[]));

    let mut across = vec![0.0_f32; plane.len()];
    let mut mirrored = vec![0.0_f32; width + 2 * radius];
    for (row, out) in plane.chunks_exact(width).zip(across.chunks_exact_mut(width)) {
        for (at, place) in mirrored.iter_mut().enumerate() {
            *place = row[reflect_101(at as i64 - radius as i64, width)];
        }
        weighted(out, &mirrored[radius..], *centre);
        for (distance, &weight) in (1..).zip(sides) {
            add_pair(out, &mirrored[radius - distance..], &mirrored[radius + distance..], weight);
        }
    }

    let row_at = |y: i64| {
        let start = reflect_101(y, height) * width;
        &across[start..start + width]
    };
    let mut found = vec![0.0_f32; plane.len()];
    for (y, out) in (0_i64..).zip(found.chunks_exact_mut(width)) {
        weighted(out, row_at(y), *centre);
        for (distance, &weight) in (1..).zip(sides) {
            add_pair(out, row_at(y - distance), row_at(y + distance), weight);
        }
    }
    found
}

fn weighted(out: &mut [f32], numbers: &[f32], weight: f32) {
    out.iter_mut().zip(numbers).for_each(|(sum, number)| *sum = number * weight);
}

fn add_pair(out: &mut [f32], before: &[f32], after: &[f32], weight: f32) {
    let pairs = before.iter().zip(after);
    out.iter_mut().zip(pairs).for_each(|(sum, (one, other))| *sum += (one + other) * weight);
}
