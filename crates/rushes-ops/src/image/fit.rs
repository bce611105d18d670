use rushes_media::{Picture, Pixels};

use super::resize::{bounded, scale};
use super::{numbers, picture};

/// The whole picture in a tile of exactly this size, centred, with black bars
/// where the aspects differ. It is scaled up or down as needed (Lanczos with
/// three lobes). A width or height of 0 counts as 1.
#[must_use]
pub fn fit(source: &Picture, width_px: u32, height_px: u32) -> Picture {
    let (width_px, height_px) = (width_px.max(1), height_px.max(1));
    let (inner_width, inner_height) = bounded(source, width_px, height_px);
    // Scaling fails on no size that is at least 1; a black tile would show if it did.
    let Ok(inner) = scale(source, inner_width, inner_height) else {
        let black = Pixels::U8(vec![0; numbers(width_px, height_px)]);
        return picture(width_px, height_px, black, source.color.clone());
    };
    if (inner_width, inner_height) == (width_px, height_px) {
        return inner;
    }
    let left = (width_px - inner_width) / 2;
    let top = (height_px - inner_height) / 2;
    let place = Place { left, top, inner_width, width_px, height_px };
    let pixels = match inner.pixels() {
        Pixels::U8(values) => Pixels::U8(place.on_black(values)),
        Pixels::U16(values) => Pixels::U16(place.on_black(values)),
    };
    picture(width_px, height_px, pixels, source.color.clone())
}

/// Where the scaled picture lies in its tile.
struct Place {
    left: u32,
    top: u32,
    inner_width: u32,
    width_px: u32,
    height_px: u32,
}

impl Place {
    fn on_black<T: Copy + Default>(&self, values: &[T]) -> Vec<T> {
        let mut tile = vec![T::default(); numbers(self.width_px, self.height_px)];
        let row_numbers = numbers(self.width_px, 1);
        let inner_numbers = numbers(self.inner_width, 1);
        let start = numbers(self.left, 1);
        let rows = tile.chunks_exact_mut(row_numbers).skip(self.top as usize);
        for (row, inner_row) in rows.zip(values.chunks_exact(inner_numbers)) {
            if let Some(target) = row.get_mut(start..start + inner_numbers) {
                target.copy_from_slice(inner_row);
            }
        }
        tile
    }
}
