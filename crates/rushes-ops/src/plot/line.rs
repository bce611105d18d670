use rushes_media::Result;
use zeno::{Command, Point};

use super::axes::{self, Axes};
use super::{Area, Figure, Plot, axis, extent, short};
use crate::ink::{Align, Window, box_path, filled, paint, shaped, stroked};
use crate::numeric::{listed, refuse, within};

/// Numbers that make one line.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Series {
    /// How far up each point is. What is not finite is a gap.
    pub y: Vec<f64>,
    /// How far right each point is: 0, 1, 2 and so on when left out. What is
    /// not finite is a gap.
    pub x: Option<Vec<f64>>,
    /// Its name in the legend; not there when empty.
    pub name: String,
    /// Red, green and blue, each 0 to 1; when left out the next of the colours
    /// of Okabe and Ito, which the colour-blind can tell apart.
    pub color: Option<[f64; 3]>,
}

/// How lines are drawn.
#[derive(Clone, Debug, PartialEq)]
pub struct LineOptions {
    /// The ends of the horizontal axis; those of the data when left out.
    pub x_limits: Option<[f64; 2]>,
    /// The ends of the vertical axis; those of the data and a twentieth of its
    /// extent more when left out.
    pub y_limits: Option<[f64; 2]>,
    /// Where an upright line stands, such as the time that a video shows;
    /// nothing is drawn when it is beyond the axis.
    pub cursor: Option<f64>,
    /// How thick lines are: 0.5 to 50 pixels.
    pub width_px: f64,
}

impl Default for LineOptions {
    fn default() -> LineOptions {
        LineOptions { x_limits: None, y_limits: None, cursor: None, width_px: 1.5 }
    }
}

const COLORS: [[u8; 3]; 7] = [
    [0, 114, 178],
    [213, 94, 0],
    [0, 158, 115],
    [204, 121, 167],
    [230, 159, 0],
    [86, 180, 233],
    [240, 228, 66],
];
const MOST_POINTS: usize = 20_000_000;
/// Points drawn at once, which bounds the memory that this takes.
const AT_ONCE: usize = 1_024;

/// One or more lines over common axes.
///
/// # Errors
/// `Invalid` when there is no series, when `x` and `y` of one differ in
/// length, when there are no finite numbers, or more than 20 million, when
/// limits cannot be those of an axis, or when the figure is too small for its
/// text; `Limit` when it is larger than the default limits allow.
pub fn line(figure: &Figure, series: &[Series], options: &LineOptions) -> Result<Plot> {
    figure.check()?;
    check(series, options)?;
    let xs = || series.iter().flat_map(|one| points(one).map(|(x, _)| x));
    let ys = || series.iter().flat_map(|one| points(one).map(|(_, y)| y));
    let x = options.x_limits.map_or_else(|| extent("x", xs(), 0.0), Ok)?;
    let y = options.y_limits.map_or_else(|| extent("y", ys(), 0.05), Ok)?;
    let mut plot = axes::drawn(figure, &Axes { x, y, mesh: true, bar: None })?.plot;
    for (at, one) in series.iter().enumerate() {
        draw(&mut plot, one, color_of(one, at), options.width_px as f32);
    }
    if let Some(cursor) = options.cursor.filter(|cursor| cursor.is_finite()) {
        let (at, _) = plot.area.pixel(cursor, y[0]);
        let (top, bottom) = (plot.area.top_px as f32, plot.area.bottom_px as f32);
        if (plot.area.left_px..=plot.area.right_px).contains(&at) {
            let edges = [at as f32 - 0.75, top - 0.5, at as f32 + 0.75, bottom + 0.5];
            if let Some(mask) = filled(&box_path(edges), plot.area.window()) {
                paint(&mut plot.frame, &mask, figure.ink);
            }
        }
    }
    legend(&mut plot, figure, series);
    Ok(plot)
}

fn check(series: &[Series], options: &LineOptions) -> Result<()> {
    if series.is_empty() {
        return Err(refuse("series", "empty", "one or more"));
    }
    let mut count = 0;
    for one in series {
        let len = one.y.len();
        if let Some(x) = one.x.as_ref().filter(|x| x.len() != len) {
            let is = format!("of {} numbers", x.len());
            return Err(refuse("x", is, format_args!("as many as y has: {len}")));
        }
        count += len;
        listed("color", one.color.as_ref().map_or(&[], |color| color), 0.0..=1.0)?;
        short("name", &one.name)?;
    }
    within("the count of points", count, 0..=MOST_POINTS)?;
    within("width_px", options.width_px, 0.5..=50.0)?;
    options.x_limits.map_or(Ok(()), |ends| axis("x_limits", ends))?;
    options.y_limits.map_or(Ok(()), |ends| axis("y_limits", ends))
}

fn points(series: &Series) -> impl Iterator<Item = (f64, f64)> {
    let x = |at: usize| match &series.x {
        Some(x) => x.get(at).copied().unwrap_or(f64::NAN),
        None => at as f64,
    };
    series.y.iter().enumerate().map(move |(at, &y)| (x(at), y))
}

fn color_of(series: &Series, at: usize) -> [f64; 4] {
    let usual = || COLORS[at % COLORS.len()].map(|number| f64::from(number) / 255.0);
    let [red, green, blue] = series.color.unwrap_or_else(usual);
    [red, green, blue, 1.0]
}

fn draw(plot: &mut Plot, series: &Series, color: [f64; 4], width_px: f32) {
    let mut pen = Pen::new(plot.area, width_px);
    let mut column = Column::default();
    for (x, y) in points(series) {
        if !(x.is_finite() && y.is_finite()) {
            column.end(|point| pen.to(point));
            pen.lift();
        } else {
            column.to(plot.area.pixel(x, y), |point| pen.to(point));
        }
        if pen.path.len() >= AT_ONCE {
            pen.ink(plot, color);
        }
    }
    column.end(|point| pen.to(point));
    pen.lift();
    pen.ink(plot, color);
}

/// Points that follow each other in one column of pixels: the first, the
/// lowest, the highest and the last look as all of them.
#[derive(Default)]
struct Column {
    at: f64,
    first: Option<(f64, f64)>,
    low: (f64, f64),
    high: (f64, f64),
    last: (f64, f64),
}

impl Column {
    fn to(&mut self, point: (f64, f64), put: impl FnMut((f64, f64))) {
        if self.first.is_none() || point.0.floor() != self.at {
            self.end(put);
            let first = Some(point);
            *self = Column { at: point.0.floor(), first, low: point, high: point, last: point };
            return;
        }
        if point.1 < self.low.1 {
            self.low = point;
        }
        if point.1 > self.high.1 {
            self.high = point;
        }
        self.last = point;
    }

    fn end(&mut self, mut put: impl FnMut((f64, f64))) {
        let Some(first) = self.first.take() else { return };
        for point in [first, self.low, self.high, self.last] {
            put(point);
        }
    }
}

/// A line on its way, cut off at the border of where it may be.
struct Pen {
    border: [f64; 4],
    width_px: f32,
    path: Vec<Command>,
    before: Option<(f64, f64)>,
    drawn_to: Option<(f64, f64)>,
    /// Whether the point before has no line to it yet.
    lone: bool,
}

impl Pen {
    fn new(area: Area, width_px: f32) -> Pen {
        let beyond = f64::from(width_px) + 2.0;
        let border = [
            area.left_px - beyond,
            area.top_px - beyond,
            area.right_px + beyond,
            area.bottom_px + beyond,
        ];
        Pen { border, width_px, path: Vec::new(), before: None, drawn_to: None, lone: false }
    }

    fn to(&mut self, to: (f64, f64)) {
        let Some(from) = self.before.replace(to) else {
            self.lone = true;
            return;
        };
        if from == to {
            return;
        }
        self.lone = false;
        self.part(from, to);
    }

    fn part(&mut self, from: (f64, f64), to: (f64, f64)) {
        let Some((start, end)) = clipped(from, to, self.border) else { return };
        let at = |(x, y): (f64, f64)| Point::new(x as f32, y as f32);
        if self.drawn_to != Some(start) {
            self.path.push(Command::MoveTo(at(start)));
        }
        self.path.push(Command::LineTo(at(end)));
        self.drawn_to = Some(end);
    }

    /// The next point begins a new line. A point alone is a dot.
    fn lift(&mut self) {
        if let Some((x, y)) = self.before.take().filter(|_| self.lone) {
            self.part((x - 0.01, y), (x + 0.01, y));
        }
        (self.drawn_to, self.lone) = (None, false);
    }

    fn ink(&mut self, plot: &mut Plot, color: [f64; 4]) {
        if let Some(mask) = stroked(&self.path, plot.area.window(), self.width_px) {
            paint(&mut plot.frame, &mask, color);
        }
        self.path.clear();
        self.drawn_to = None;
    }
}

/// The part of a line within a box (Y.-D. Liang and B. A. Barsky, 1984).
fn clipped(
    from: (f64, f64),
    to: (f64, f64),
    [left, top, right, bottom]: [f64; 4],
) -> Option<((f64, f64), (f64, f64))> {
    let (across, down) = (to.0 - from.0, to.1 - from.1);
    let (mut enters, mut leaves) = (0.0_f64, 1.0_f64);
    for (step, room) in [
        (-across, from.0 - left),
        (across, right - from.0),
        (-down, from.1 - top),
        (down, bottom - from.1),
    ] {
        if step < 0.0 {
            enters = enters.max(room / step);
        } else if step > 0.0 {
            leaves = leaves.min(room / step);
        } else if room < 0.0 {
            return None;
        }
    }
    let at = |share: f64| (from.0 + share * across, from.1 + share * down);
    let start = if enters > 0.0 { at(enters) } else { from };
    let end = if leaves < 1.0 { at(leaves) } else { to };
    let finite = [start.0, start.1, end.0, end.1].iter().all(|number| number.is_finite());
    (enters <= leaves && finite).then_some((start, end))
}

/// The names of the series at the top right, over the data.
fn legend(plot: &mut Plot, figure: &Figure, series: &[Series]) {
    let size = figure.text_px as f32;
    let names = series.iter().enumerate().filter(|(_, one)| !one.name.is_empty());
    let entries: Vec<_> =
        names.map(|(at, one)| (color_of(one, at), shaped(&one.name, size, Align::Left))).collect();
    let widest = entries.iter().map(|(_, name)| name.width_px).fold(0.0, f32::max);
    let window = plot.area.window();
    let Window { left, top, width, height } = window;
    let right = (left + width) as f32 - 0.5 * size;
    let start = right - widest - 2.5 * size;
    // Names that there is no room for are left out.
    let room = ((height as f32 - size) / (1.3 * size)).max(0.0) as usize;
    let shown = entries.len().min(room);
    if shown == 0 {
        return;
    }
    let first = top as f32 + 0.5 * size;
    let [red, green, blue, opacity] = figure.ground;
    let bottom = first + 1.3 * size * shown as f32;
    if let Some(mask) = filled(&box_path([start, first, right, bottom]), window) {
        paint(&mut plot.frame, &mask, [red, green, blue, 0.8 * opacity.max(0.5)]);
    }
    for (row, (color, name)) in entries.iter().take(shown).enumerate() {
        let y = first + 1.3 * size * row as f32;
        let (middle, x) = (y + 0.65 * size, start + 2.2 * size);
        let edges = [start + 0.4 * size, middle - 1.0, start + 1.8 * size, middle + 1.0];
        if let Some(mask) = filled(&box_path(edges), window) {
            paint(&mut plot.frame, &mask, *color);
        }
        if let Some(mask) = filled(&name.mapped(|point| point + Point::new(x, y)), window) {
            paint(&mut plot.frame, &mask, figure.ink);
        }
    }
}
