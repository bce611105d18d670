use rushes_media::{Frame, Layout, Result, Values, ValuesMut};

use super::axes::{self, Axes, Bar};
use super::{Area, Figure, Plot, axis, extent, short};
use crate::FrameOperation;
use crate::frame::{Colormap, Filter, Map, Resize};
use crate::ink::Window;
use crate::numeric::{Sample, gathered, refuse, within};

/// How an array is shown as a picture.
#[derive(Clone, Debug, PartialEq)]
pub struct ImageOptions {
    /// Which colours.
    pub map: Map,
    /// The number that gets the first colour; the least when left out.
    pub low: Option<f64>,
    /// The number that gets the last colour; the greatest when left out.
    pub high: Option<f64>,
    /// Numbers at the left and right border; when left out 0 and the count of
    /// columns.
    pub x: Option<[f64; 2]>,
    /// Numbers at the lower and upper border; when left out those of rows.
    pub y: Option<[f64; 2]>,
    /// Whether the first row is at the bottom.
    pub upwards: bool,
    /// Whether a strip at the right shows which colour is which number.
    pub bar: bool,
    /// What is written beside the strip.
    pub bar_label: String,
}

impl Default for ImageOptions {
    fn default() -> ImageOptions {
        ImageOptions {
            map: Map::default(),
            low: None,
            high: None,
            x: None,
            y: None,
            upwards: false,
            bar: true,
            bar_label: String::new(),
        }
    }
}

/// The most numbers of an array: 1 GiB of floats.
const MOST_NUMBERS: usize = 1 << 28;

/// An array `[rows, columns]` as a picture between axes, with a strip of
/// colours beside it.
///
/// Where there are more numbers than pixels each pixel has their mean, else
/// each number has its rectangle. What is not finite counts as the lowest.
///
/// # Errors
/// `Invalid` when the array is empty, has no finite number, has not rows times
/// columns numbers, or more than 2^28; when numbers given for an axis or the
/// colours cannot be those of an axis; when the figure is too small for its
/// text. `Limit` when it is larger than the default limits allow.
pub fn image(
    figure: &Figure,
    values: &[f32],
    (rows, columns): (usize, usize),
    options: &ImageOptions,
) -> Result<Plot> {
    figure.check()?;
    short("bar_label", &options.bar_label)?;
    within("the count of numbers", values.len(), 1..=MOST_NUMBERS)?;
    if rows.checked_mul(columns) != Some(values.len()) {
        let allowed = format!("{rows} rows of {columns}");
        return Err(refuse("the array", format_args!("of {} numbers", values.len()), allowed));
    }
    let colors = match (options.low, options.high) {
        (Some(low), Some(high)) => [low, high],
        (low, high) => {
            let numbers = values.iter().map(|&value| f64::from(value));
            let [least, greatest] = extent("the array", numbers, 0.0)?;
            [low.unwrap_or(least), high.unwrap_or(greatest)]
        }
    };
    axis("low and high", colors)?;
    if colors[0] > colors[1] {
        return Err(refuse("low", colors[0], format_args!("below high, {}", colors[1])));
    }
    let rising = [0.0, rows as f64];
    let falling = [rows as f64, 0.0];
    let x = options.x.unwrap_or([0.0, columns as f64]);
    let y = options.y.unwrap_or(if options.upwards { rising } else { falling });
    let bar = options.bar.then_some(Bar { ends: colors, label: &options.bar_label });
    let drawn = axes::drawn(figure, &Axes { x, y, mesh: false, bar })?;
    let mut plot = drawn.plot;

    let [low, high] = colors;
    let share = |value: &f32| {
        let share = (f64::from(*value) - low) / (high - low);
        if share.is_nan() { 0.0 } else { share.clamp(0.0, 1.0) as f32 }
    };
    let shares = Values::F32(values.iter().map(share).collect());
    let shares = Frame::new(columns as u32, rows as u32, Layout::Gray, shares)?;
    lay(&mut plot.frame, &shares, plot.area, options.map, options.upwards)?;
    if let Some(area) = drawn.bar {
        let steps = (0..1_024).map(|step| step as f32 / 1_023.0).collect();
        let steps = Frame::new(1, 1_024, Layout::Gray, Values::F32(steps))?;
        lay(&mut plot.frame, &steps, area, options.map, true)?;
    }
    Ok(plot)
}

/// Shares in colours over an area.
fn lay(frame: &mut Frame, shares: &Frame, area: Area, map: Map, upwards: bool) -> Result<()> {
    let Window { left, top, width, height } = area.window();
    let smaller = Resize {
        width_px: Some(shares.width_px().min(width)),
        height_px: Some(shares.height_px().min(height)),
        scale: None,
        filter: Filter::Area,
    };
    let shares = smaller.apply(shares)?;
    let (columns, rows) = (shares.width_px() as usize, shares.height_px() as usize);
    let shares = gathered(&shares, (width, height), [0.0; 4], |x, y| {
        let row = y * rows / height as usize;
        Some((x * columns / width as usize, if upwards { rows - 1 - row } else { row }))
    })?;
    let Values::F32(colors) = Colormap { map, ..Colormap::default() }.apply(&shares)?.into_values()
    else {
        return Ok(());
    };
    let (row, channels) = (frame.width_px() as usize, frame.layout().channels());
    let ValuesMut::U8(values) = frame.values_mut() else { return Ok(()) };
    let lines = values.chunks_exact_mut(row * channels).skip(top as usize);
    for (line, colors) in lines.zip(colors.chunks_exact(3 * width as usize)) {
        let pixels = line.chunks_exact_mut(channels).skip(left as usize);
        for (pixel, color) in pixels.zip(colors.as_chunks::<3>().0) {
            pixel.fill(u8::MAX);
            let numbers = pixel.iter_mut().zip(color);
            numbers.for_each(|(number, share)| *number = u8::nearest(share * 255.0));
        }
    }
    Ok(())
}
