use rushes_media::{Frame, Result};

use super::{each_depth, pixel_of};

/// A frame whose pixels are each taken from one pixel `(x, y)` of another, or
/// have `fill` where there is none.
pub(crate) fn gathered(
    frame: &Frame,
    (width_px, height_px): (u32, u32),
    fill: [f64; 4],
    source: impl Fn(usize, usize) -> Option<(usize, usize)>,
) -> Result<Frame> {
    let stored_width = frame.width_px() as usize;
    let size = (width_px as usize, height_px as usize);
    let layout = frame.layout();
    let values = each_depth!(frame.values(), |values| {
        let fill = pixel_of(fill, layout);
        match layout.channels() {
            1 => picked::<_, 1>(values, stored_width, size, fill, &source),
            3 => picked::<_, 3>(values, stored_width, size, fill, &source),
            _ => picked::<_, 4>(values, stored_width, size, fill, &source),
        }
    });
    frame.remade(width_px, height_px, layout, values)
}

fn picked<T: Copy + Default, const N: usize>(
    values: &[T],
    stored_width: usize,
    (width, height): (usize, usize),
    fill: [T; 4],
    source: &impl Fn(usize, usize) -> Option<(usize, usize)>,
) -> Vec<T> {
    let pixels = values.as_chunks::<N>().0;
    let mut blank = [T::default(); N];
    blank.iter_mut().zip(fill).for_each(|(number, of_fill)| *number = of_fill);
    let mut found = Vec::with_capacity(width * height);
    for y in 0..height {
        found.extend((0..width).map(|x| {
            source(x, y)
                .and_then(|(x, y)| pixels.get(y * stored_width + x))
                .copied()
                .unwrap_or(blank)
        }));
    }
    found.into_flattened()
}
