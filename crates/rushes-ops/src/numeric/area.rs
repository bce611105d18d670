use rushes_media::{Frame, Result};

use super::Planes;

/// Where one new pixel comes from: the first old one and the share of each.
struct Cover {
    first: usize,
    shares: Vec<f32>,
}

/// The frame at another size, every pixel the mean of the area that it covers
/// in the old one, colours weighted by opacity. Neither size has a zero.
pub(crate) fn area(frame: &Frame, (width_px, height_px): (u32, u32)) -> Result<Frame> {
    let (width, height) = (width_px as usize, height_px as usize);
    let (old_width, old_height) = (frame.width_px() as usize, frame.height_px() as usize);
    let columns = covers(old_width, width);
    let rows = covers(old_height, height);
    Planes::premultiplied(frame)
        .each((width, height), |plane, _| {
            // Rows first: whole rows add up without gaps in memory.
            let mut found = Vec::with_capacity(width * height);
            let mut sum = vec![0.0_f32; old_width];
            for cover in &rows {
                sum.fill(0.0);
                let covered = plane.chunks_exact(old_width).skip(cover.first);
                for (row, &share) in covered.zip(&cover.shares) {
                    sum.iter_mut().zip(row).for_each(|(sum, number)| *sum += number * share);
                }
                found.extend(columns.iter().map(|cover| {
                    let covered = sum.iter().skip(cover.first).zip(&cover.shares);
                    covered.map(|(number, share)| number * share).sum::<f32>()
                }));
            }
            found
        })
        .into_frame(frame)
}

fn covers(old: usize, new: usize) -> Vec<Cover> {
    (0..new)
        .map(|at| {
            // In units of 1 / (old * new) everything is a whole number.
            let (start, end) = (at * old, (at + 1) * old);
            let (first, last) = (start / new, (end - 1) / new);
            let shares = (first..=last).map(|pixel| {
                let covered = end.min((pixel + 1) * new) - start.max(pixel * new);
                covered as f32 / old as f32
            });
            Cover { first, shares: shares.collect() }
        })
        .collect()
}
