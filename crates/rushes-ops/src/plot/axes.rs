use std::convert::Infallible;

use plotters::chart::{ChartBuilder, ChartContext, LabelAreaPosition};
use plotters::coord::cartesian::Cartesian2d;
use plotters::coord::types::RangedCoordf64;
use plotters::drawing::{DrawingArea, DrawingAreaErrorKind, IntoDrawingArea};
use plotters::style::{FontFamily, IntoFont, RGBAColor, TextStyle};
use rushes_media::{Error, ErrorKind, Frame, Result};

use super::backend::Sheet;
use super::{Area, Figure, Plot, axis};
use crate::ink::Window;
use crate::numeric::refuse;

/// What the axes of a plot are.
pub(super) struct Axes<'a> {
    pub(super) x: [f64; 2],
    pub(super) y: [f64; 2],
    /// Whether lines lead across from the ticks.
    pub(super) mesh: bool,
    pub(super) bar: Option<Bar<'a>>,
}

/// A strip of colours at the right, with numbers beside it.
#[derive(Clone, Copy)]
pub(super) struct Bar<'a> {
    pub(super) ends: [f64; 2],
    pub(super) label: &'a str,
}

/// A plot without data, and where its strip of colours is.
pub(super) struct Drawn {
    pub(super) plot: Plot,
    pub(super) bar: Option<Area>,
}

/// A plot has this many pixels each way for its data at least.
const LEAST_PX: i64 = 16;

impl Area {
    /// The pixels that the data may cover.
    pub(super) fn window(&self) -> Window {
        let (left, top) = (self.left_px as u32, self.top_px as u32);
        let (right, bottom) = (self.right_px as u32, self.bottom_px as u32);
        Window { left, top, width: right - left + 1, height: bottom - top + 1 }
    }
}

/// Draws the axes of a figure.
pub(super) fn drawn(figure: &Figure, axes: &Axes<'_>) -> Result<Drawn> {
    figure.check()?;
    axis("the horizontal axis", axes.x)?;
    axis("the vertical axis", axes.y)?;
    let sizes = Sizes::of(figure, axes.bar.as_ref());
    sizes.check(figure)?;
    let mut frame = figure.blank()?;
    let (area, bar) = laid_out(figure, axes, &sizes, &mut frame)
        .map_err(|error| Error::new(ErrorKind::Bug, "drawing the axes", error.to_string()))?;
    Ok(Drawn { plot: Plot { frame, area }, bar })
}

/// How much is kept for what is not data, in pixels.
struct Sizes {
    margin: u32,
    below: u32,
    beside: u32,
    bar: u32,
    strip: u32,
    title: u32,
}

impl Sizes {
    fn of(figure: &Figure, bar: Option<&Bar<'_>>) -> Sizes {
        let ems = |count: f64| (count * figure.text_px).ceil() as u32;
        let labelled = |label: &str| if label.is_empty() { 0.0 } else { 1.3 };
        let strip = ems(1.2);
        Sizes {
            margin: ems(0.7),
            below: ems(1.7 + labelled(&figure.x_label)) + 10,
            beside: ems(4.2 + labelled(&figure.y_label)) + 10,
            bar: bar.map_or(0, |bar| strip + ems(5.9 + labelled(bar.label)) + 10),
            strip,
            title: ems(1.2 * labelled(&figure.title)),
        }
    }

    fn check(&self, figure: &Figure) -> Result<()> {
        let left = |side: u32, used: [u32; 4]| {
            let used: i64 = used.into_iter().map(i64::from).sum();
            i64::from(side) - used - LEAST_PX
        };
        let Sizes { margin, below, beside, bar, title, .. } = *self;
        let across = left(figure.width_px, [margin, margin, beside, bar]);
        let down = left(figure.height_px, [margin, margin, below, title]);
        let enough = |name, side: u32, free: i64| match free {
            0.. => Ok(()),
            _ => {
                let least = i64::from(side) - free;
                Err(refuse(name, side, format_args!("{least} or more beside text of this size")))
            }
        };
        enough("width_px", figure.width_px, across)?;
        enough("height_px", figure.height_px, down)
    }
}

type Fallible<T> = std::result::Result<T, DrawingAreaErrorKind<Infallible>>;
type Chart<'a, 'b> = ChartContext<'a, Sheet<'b>, Cartesian2d<RangedCoordf64, RangedCoordf64>>;

fn laid_out(
    figure: &Figure,
    axes: &Axes<'_>,
    sizes: &Sizes,
    frame: &mut Frame,
) -> Fallible<(Area, Option<Area>)> {
    let ink = colored(figure.ink, 1.0);
    let text =
        |size_px: f64| TextStyle::from((FontFamily::SansSerif, size_px).into_font()).color(&ink);
    let mut root = Sheet { frame }.into_drawing_area();
    if !figure.title.is_empty() {
        root = root.titled(&figure.title, text(1.2 * figure.text_px))?;
    }
    let text = text(figure.text_px);
    let width = root.dim_in_pixel().0;
    let (data, side) = root.split_horizontally(width - sizes.bar);

    let (x, y) = (Axis::of(axes.x), Axis::of(axes.y));
    let (x_range, y_range) = (x.range(), y.range());
    let mut chart = ChartBuilder::on(&data)
        .margin(sizes.margin)
        .x_label_area_size(sizes.below)
        .y_label_area_size(sizes.beside)
        .build_cartesian_2d(x_range, y_range)?;
    let (write_x, write_y) = (|number: &f64| x.written(*number), |number: &f64| y.written(*number));
    let mut mesh = chart.configure_mesh();
    mesh.x_labels(count(figure.width_px, 6.0 * figure.text_px))
        .y_labels(count(figure.height_px, 3.0 * figure.text_px))
        .x_label_formatter(&write_x)
        .y_label_formatter(&write_y)
        .label_style(text.clone())
        .axis_style(ink)
        .bold_line_style(colored(figure.ink, 0.15))
        .max_light_lines(1)
        .light_line_style(colored(figure.ink, 0.0));
    if !figure.x_label.is_empty() {
        mesh.x_desc(&figure.x_label);
    }
    if !figure.y_label.is_empty() {
        mesh.y_desc(&figure.y_label);
    }
    if !axes.mesh {
        mesh.disable_mesh();
    }
    mesh.axis_desc_style(text.clone()).draw()?;
    let found = area(&chart, x, y);
    let Some(bar) = axes.bar else { return Ok((found, None)) };
    Ok((found, Some(beside(figure, sizes, &side, bar, &text)?)))
}

/// The strip of colours, as another plot whose width says nothing.
fn beside(
    figure: &Figure,
    sizes: &Sizes,
    side: &DrawingArea<Sheet<'_>, plotters::coord::Shift>,
    bar: Bar<'_>,
    text: &TextStyle<'_>,
) -> Fallible<Area> {
    let (x, y) = (Axis::of([0.0, 1.0]), Axis::of(bar.ends));
    let (width, edge) = (side.dim_in_pixel().0, sizes.margin / 2);
    let mut chart = ChartBuilder::on(side)
        .margin_top(sizes.margin)
        .margin_bottom(sizes.margin + sizes.below)
        .margin_right(edge)
        .right_y_label_area_size(width - sizes.strip - edge)
        .build_cartesian_2d(x.range(), y.range())?;
    let write = |number: &f64| y.written(*number);
    let mut mesh = chart.configure_mesh();
    mesh.disable_mesh()
        .y_labels(count(figure.height_px, 3.0 * figure.text_px))
        .y_label_formatter(&write)
        .set_tick_mark_size(LabelAreaPosition::Right, 5)
        .label_style(text.clone())
        .axis_style(colored(figure.ink, 1.0));
    if !bar.label.is_empty() {
        mesh.y_desc(bar.label);
    }
    mesh.axis_desc_style(text.clone()).draw()?;
    Ok(area(&chart, x, y))
}

fn area(chart: &Chart<'_, '_>, x: Axis, y: Axis) -> Area {
    let (from, to) =
        (chart.backend_coord(&(x.start, y.start)), chart.backend_coord(&(x.end, y.end)));
    let [left_px, bottom_px, right_px, top_px] =
        [from.0, from.1, to.0, to.1].map(|at| f64::from(at) + 0.5);
    Area { left_px, right_px, top_px, bottom_px, x: x.ends(), y: y.ends() }
}

fn count(side_px: u32, each_px: f64) -> usize {
    (f64::from(side_px) / each_px).clamp(2.0, 20.0) as usize
}

fn colored([red, green, blue, alpha]: [f64; 4], share: f64) -> RGBAColor {
    let [red, green, blue] = [red, green, blue].map(|share| (share * 255.0).round() as u8);
    RGBAColor(red, green, blue, alpha * share)
}

/// An axis in units of a power of ten, as `plotters` finds ticks only for
/// numbers that are neither tiny nor huge.
#[derive(Clone, Copy)]
struct Axis {
    start: f64,
    end: f64,
    unit: f64,
}

impl Axis {
    fn of([start, end]: [f64; 2]) -> Axis {
        let unit = 10_f64.powf(start.abs().max(end.abs()).log10().floor());
        Axis { start: start / unit, end: end / unit, unit }
    }

    fn range(self) -> std::ops::Range<f64> {
        self.start..self.end
    }

    fn ends(self) -> [f64; 2] {
        [self.start * self.unit, self.end * self.unit]
    }

    /// A tick, with as many digits as tell it from the next.
    fn written(self, number: f64) -> String {
        let span = (self.end - self.start).abs();
        let number = if number.abs() < span * 1e-9 { 0.0 } else { number * self.unit };
        let largest = self.unit * self.start.abs().max(self.end.abs());
        let between = span * self.unit / 100.0;
        if number != 0.0 && !(1e-3..1e6).contains(&largest) {
            let digits = (number.abs() / between).log10().ceil().clamp(0.0, 8.0) as usize;
            let text = format!("{number:.digits$e}");
            let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
            return format!("{}e{exponent}", trimmed(mantissa));
        }
        let digits = (-between.log10()).ceil().clamp(0.0, 12.0) as usize;
        trimmed(&format!("{number:.digits$}")).to_owned()
    }
}

fn trimmed(number: &str) -> &str {
    if number.contains('.') { number.trim_end_matches('0').trim_end_matches('.') } else { number }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_have_the_digits_they_need() {
        let written = |ends, number: f64| {
            let axis = Axis::of(ends);
            axis.written(number / axis.unit)
        };
        assert_eq!(written([0.0, 1.0], 0.2), "0.2");
        assert_eq!(written([0.0, 8_000.0], 2_000.0), "2000");
        assert_eq!(written([1_000.0, 1_000.5], 1_000.1), "1000.1");
        assert_eq!(written([-1.0, 1.0], 1e-17), "0");
        assert_eq!(written([0.0, 3e-12], 1.5e-12), "1.5e-12");
        assert_eq!(written([0.0, 5e9], 2e9), "2e9");
        assert_eq!(written([0.0, 5e9], 0.0), "0");
    }
}
