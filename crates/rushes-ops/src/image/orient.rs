use rushes_media::{Picture, Pixels};

use super::{numbers, picture};

/// The picture turned clockwise by `rotation_degrees`, then mirrored left to
/// right when `mirrored`. Whole turns are dropped (450 is 90); what is not a
/// quarter turn leaves the picture as it lies.
///
/// EXIF orientations 1 to 8 are, in this order: 0, 0 mirrored, 180,
/// 180 mirrored, 90 mirrored, 90, 270 mirrored, 270.
#[must_use]
pub fn orient(source: Picture, rotation_degrees: u16, mirrored: bool) -> Picture {
    let turn = match rotation_degrees % 360 {
        90 => Turn::Right,
        180 => Turn::Half,
        270 => Turn::Left,
        _ => Turn::None,
    };
    if turn == Turn::None && !mirrored {
        return source;
    }
    let (width_px, height_px) = (source.width_px(), source.height_px());
    let (turned_width, turned_height) = match turn {
        Turn::None | Turn::Half => (width_px, height_px),
        Turn::Right | Turn::Left => (height_px, width_px),
    };
    let color = source.color.clone();
    let pixels = match source.into_pixels() {
        Pixels::U8(values) => Pixels::U8(turned(&values, width_px, height_px, turn, mirrored)),
        Pixels::U16(values) => Pixels::U16(turned(&values, width_px, height_px, turn, mirrored)),
    };
    picture(turned_width, turned_height, pixels, color)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Turn {
    None,
    Right,
    Half,
    Left,
}

fn turned<T: Copy>(
    values: &[T],
    width_px: u32,
    height_px: u32,
    turn: Turn,
    mirrored: bool,
) -> Vec<T> {
    let (width, height) = (width_px as usize, height_px as usize);
    let (triples, _) = values.as_chunks::<3>();
    let (turned_width, turned_height) = match turn {
        Turn::None | Turn::Half => (width, height),
        Turn::Right | Turn::Left => (height, width),
    };
    let mut output = Vec::with_capacity(numbers(width_px, height_px));
    for y in 0..turned_height {
        // Each row of the result is a straight walk through the source:
        // where it starts, and how far it is from one pixel to the next.
        let (mut start, mut step) = match turn {
            Turn::None => (y * width, 1),
            Turn::Half => ((height - y) * width - 1, -1),
            Turn::Right => ((height - 1) * width + y, -(width as isize)),
            Turn::Left => (width - 1 - y, width as isize),
        };
        if mirrored {
            start = start.wrapping_add_signed(step * (turned_width as isize - 1));
            step = -step;
        }
        for x in 0..turned_width {
            let at = start.wrapping_add_signed(step * x as isize);
            if let Some(triple) = triples.get(at) {
                output.extend_from_slice(triple);
            }
        }
    }
    output
}
