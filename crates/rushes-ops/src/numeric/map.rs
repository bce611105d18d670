use rushes_media::{Frame, Layout, Result, Values};

use super::{Sample, each_depth};

/// Every colour number sent through a function of itself; opacity stays.
/// Numbers are 0 to 255 in 8 bits, 0 to 65,535 in 16.
pub(crate) fn map_colors(frame: &Frame, function: impl Fn(f64) -> f64) -> Result<Frame> {
    let layout = frame.layout();
    let colors = layout.colors();
    let mut values = frame.values().clone();
    match &mut values {
        Values::U8(numbers) => through(numbers, layout, colors, table::<u8>(256, &function)),
        // A table costs as much as the numbers that it saves computing.
        Values::U16(numbers) if numbers.len() > 1 << 16 => {
            through(numbers, layout, colors, table::<u16>(1 << 16, &function));
        }
        Values::U16(numbers) => each_color(numbers, layout, colors, |number| {
            u16::nearest_precise(function(f64::from(number)))
        }),
        Values::F32(numbers) => {
            each_color(numbers, layout, colors, |number| function(f64::from(number)) as f32);
        }
    }
    frame.remade(frame.width_px(), frame.height_px(), layout, values)
}

/// As [`map_colors`], where each channel has a function of its own.
pub(crate) fn map_channels(frame: &Frame, function: impl Fn(usize, f64) -> f64) -> Result<Frame> {
    let layout = frame.layout();
    let tables = |channel: usize| table::<u8>(256, &|number| function(channel, number));
    let mut values = frame.values().clone();
    match &mut values {
        Values::U8(numbers) => {
            let tables: Vec<Vec<u8>> = (0..layout.colors()).map(tables).collect();
            each_channel(numbers, layout, |channel, number| {
                let table = tables.get(channel);
                table.and_then(|table| table.get(usize::from(number))).copied().unwrap_or_default()
            });
        }
        Values::U16(numbers) => each_channel(numbers, layout, |channel, number| {
            u16::nearest_precise(function(channel, f64::from(number)))
        }),
        Values::F32(numbers) => each_channel(numbers, layout, |channel, number| {
            function(channel, f64::from(number)) as f32
        }),
    }
    frame.remade(frame.width_px(), frame.height_px(), layout, values)
}

fn each_channel<T: Copy>(numbers: &mut [T], layout: Layout, function: impl Fn(usize, T) -> T) {
    for pixel in numbers.chunks_exact_mut(layout.channels()) {
        let colors = pixel.iter_mut().take(layout.colors()).enumerate();
        colors.for_each(|(channel, number)| *number = function(channel, *number));
    }
}

fn table<T: Sample>(len: u32, function: &impl Fn(f64) -> f64) -> Vec<T> {
    (0..len).map(|number| T::nearest_precise(function(f64::from(number)))).collect()
}

fn through<T: Sample + Into<usize>>(
    numbers: &mut [T],
    layout: Layout,
    colors: usize,
    table: Vec<T>,
) {
    each_color(numbers, layout, colors, |number| {
        table.get(number.into()).copied().unwrap_or_default()
    });
}

fn each_color<T: Copy>(
    numbers: &mut [T],
    layout: Layout,
    colors: usize,
    function: impl Fn(T) -> T,
) {
    if layout.channels() == colors {
        numbers.iter_mut().for_each(|number| *number = function(*number));
        return;
    }
    for pixel in numbers.chunks_exact_mut(layout.channels()) {
        pixel.iter_mut().take(colors).for_each(|number| *number = function(*number));
    }
}

/// Every colour sent through a function of its red, green and blue, each 0 to
/// 1; opacity stays. Grey frames come back as they are.
pub(crate) fn map_pixels(frame: &Frame, function: impl Fn([f32; 3]) -> [f32; 3]) -> Result<Frame> {
    let layout = frame.layout();
    let channels = layout.channels();
    let values = each_depth!(frame.values(), |values| {
        let mut numbers = values.clone();
        pixels_through(&mut numbers, channels, &function);
        numbers
    });
    frame.remade(frame.width_px(), frame.height_px(), layout, values)
}

fn pixels_through<T: Sample>(
    numbers: &mut [T],
    channels: usize,
    function: &impl Fn([f32; 3]) -> [f32; 3],
) {
    let full = T::FULL as f32;
    for pixel in numbers.chunks_exact_mut(channels) {
        if let [red, green, blue, ..] = pixel {
            let rgb = [*red, *green, *blue].map(|number| number.real() / full);
            [*red, *green, *blue] = function(rgb).map(|share| T::nearest(share * full));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_gives_what_computing_gives() {
        let numbers: Vec<u16> = (0..=u16::MAX).chain([3]).collect();
        let squared = |number: f64| number * number / 65_535.0;
        let frame = |numbers: &[u16]| {
            let values = Values::U16(numbers.to_vec());
            Frame::new(numbers.len() as u32, 1, Layout::Gray, values).unwrap()
        };
        let (first, rest) = numbers.split_at(40_000);
        let mut computed = Vec::new();
        for part in [first, rest] {
            if let Values::U16(found) = map_colors(&frame(part), squared).unwrap().into_values() {
                computed.extend(found);
            }
        }
        let looked_up = map_colors(&frame(&numbers), squared).unwrap();
        assert_eq!(looked_up.values(), &Values::U16(computed));
    }
}
