//! Setting pixels upright.

use rushes_media::{Frame, Result, Values};

use crate::av::stream::Turn;

/// The frame turned clockwise by 0, 90, 180 or 270 degrees, then mirrored left to
/// right where that is asked; other angles count as 0.
///
/// # Errors
/// `Bug` only.
pub fn upright(frame: Frame, degrees: u16, mirrored: bool) -> Result<Frame> {
    let degrees = if degrees.is_multiple_of(90) { degrees % 360 } else { 0 };
    let stated = Turn { degrees, mirrored };
    if stated == Turn::default() {
        return Ok(frame);
    }
    let values = match frame.values() {
        Values::U8(values) => Values::U8(turned(&frame, values, stated)),
        Values::U16(values) => Values::U16(turned(&frame, values, stated)),
        Values::F32(values) => Values::F32(turned(&frame, values, stated)),
    };
    let (width_px, height_px) = match degrees {
        90 | 270 => (frame.height_px(), frame.width_px()),
        _ => (frame.width_px(), frame.height_px()),
    };
    frame.remade(width_px, height_px, frame.layout(), values)
}

fn turned<T: Copy + Default>(frame: &Frame, values: &[T], stated: Turn) -> Vec<T> {
    let mut turned = vec![T::default(); values.len()];
    let size = (frame.width_px() as usize, frame.height_px() as usize);
    turn(values, size, frame.layout().channels(), stated, &mut turned);
    turned
}

/// Turns clockwise, then mirrors left to right: `height` rows of `width`
/// pixels of `numbers` each, without padding, from `given` to `turned`.
pub(crate) fn turn<T: Copy>(
    given: &[T],
    (width, height): (usize, usize),
    numbers: usize,
    turn: Turn,
    turned: &mut [T],
) {
    let sideways = matches!(turn.degrees, 90 | 270);
    let new_width = if sideways { height } else { width };
    let row_numbers = new_width * numbers;
    if row_numbers == 0 {
        return;
    }
    for (y, row) in turned.chunks_exact_mut(row_numbers).enumerate() {
        for (x, pixel) in row.chunks_exact_mut(numbers).enumerate() {
            let x = if turn.mirrored { new_width - 1 - x } else { x };
            let (from_x, from_y) = match turn.degrees {
                90 => (y, height - 1 - x),
                180 => (width - 1 - x, height.saturating_sub(1 + y)),
                270 => (width.saturating_sub(1 + y), x),
                _ => (x, y),
            };
            let at = (from_y * width + from_x) * numbers;
            if let Some(from) = given.get(at..at + numbers) {
                pixel.copy_from_slice(from);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quarters_and_mirrors() {
        // 1 2 3
        // 4 5 6
        let given = [1, 2, 3, 4, 5, 6];
        for (degrees, mirrored, expected) in [
            (0, false, [1, 2, 3, 4, 5, 6]),
            (90, false, [4, 1, 5, 2, 6, 3]),
            (180, false, [6, 5, 4, 3, 2, 1]),
            (270, false, [3, 6, 2, 5, 1, 4]),
            (0, true, [3, 2, 1, 6, 5, 4]),
            (90, true, [1, 4, 2, 5, 3, 6]),
        ] {
            let mut turned = [0; 6];
            turn(&given, (3, 2), 1, Turn { degrees, mirrored }, &mut turned);
            assert_eq!(turned, expected, "{degrees} {mirrored}");
        }
    }
}
