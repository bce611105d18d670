use rushes_media::{Frame, Layout, ValuesMut};

use super::Mask;
use crate::numeric::{Sample, pixel_of};

/// Lays a colour (red, green, blue, opacity; 1 is full) over a frame where the
/// mask covers it: source-over of the W3C's "Compositing and Blending Level 1".
/// On grey its luma (BT.709) is laid.
pub(crate) fn paint(frame: &mut Frame, mask: &Mask, color: [f64; 4]) {
    let (row, layout) = (frame.width_px() as usize, frame.layout());
    match frame.values_mut() {
        ValuesMut::U8(values) => lay(values, row, layout, mask, color),
        ValuesMut::U16(values) => lay(values, row, layout, mask, color),
        ValuesMut::F32(values) => lay(values, row, layout, mask, color),
    }
}

/// The mask lies within the frame.
fn lay<T: Sample>(values: &mut [T], row: usize, layout: Layout, mask: &Mask, color: [f64; 4]) {
    let channels = layout.channels();
    let full = T::FULL as f32;
    let opacity = color[3] as f32;
    let ink = pixel_of::<f32>(color, layout).map(|share| share * full);
    let (left, width) = (mask.window.left as usize, mask.window.width as usize);
    let lines = values.chunks_exact_mut(row * channels).skip(mask.window.top as usize);
    for (line, coverage) in lines.zip(mask.coverage.chunks_exact(width)) {
        let pixels = line.chunks_exact_mut(channels).skip(left);
        for (pixel, &covered) in pixels.zip(coverage).filter(|(_, covered)| **covered > 0) {
            let alpha = opacity * (f32::from(covered) / 255.0);
            let (under, together) = match (layout, pixel.last()) {
                (Layout::Rgba, Some(number)) => {
                    let under = (number.real() / full).clamp(0.0, 1.0) * (1.0 - alpha);
                    (under, alpha + under)
                }
                _ => (1.0 - alpha, 1.0),
            };
            if together <= 0.0 {
                continue;
            }
            let numbers = pixel.iter_mut().zip(ink).take(layout.colors());
            numbers.for_each(|(number, ink)| {
                *number = T::nearest((alpha * ink + under * number.real()) / together);
            });
            if let (Layout::Rgba, Some(number)) = (layout, pixel.last_mut()) {
                *number = T::nearest(together * full);
            }
        }
    }
}
