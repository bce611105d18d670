//! Plots as frames: 8 bits, sRGB, text in DejaVu Sans, the same bytes
//! everywhere.
//!
//! Axes, ticks and labels are laid out by `plotters`; the data is drawn with
//! smooth edges at exactly where the axes say.

mod axes;
mod backend;
mod histogram;
mod image;
mod line;
mod spectrogram;

pub use histogram::{Counts, counts, histogram};
pub use image::{ImageOptions, image};
pub use line::{LineOptions, Series, line};
pub use spectrogram::{SpectrogramOptions, spectrogram};

use rushes_media::{Frame, Layout, Limits, Result, Values};

use crate::numeric::{listed, pixel_of, refuse, within};

/// What every plot has. Colours are red, green, blue and opacity, each 0 to 1.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    /// Width of the frame: 1 to 16,384 pixels.
    pub width_px: u32,
    /// Height of the frame: 1 to 16,384 pixels.
    pub height_px: u32,
    /// Above the plot; none when empty. Labels have 256 characters at most.
    pub title: String,
    /// Below the horizontal axis; none when empty.
    pub x_label: String,
    /// Beside the vertical axis; none when empty.
    pub y_label: String,
    /// Size of the font in pixels: 4 to 200.
    pub text_px: f64,
    /// Colour of text and axes.
    pub ink: [f64; 4],
    /// Colour of the ground; the frame is RGBA where it is not opaque, else
    /// RGB.
    pub ground: [f64; 4],
}

impl Default for Figure {
    /// 640 x 400 pixels, black on white, without labels.
    fn default() -> Figure {
        Figure {
            width_px: 640,
            height_px: 400,
            title: String::new(),
            x_label: String::new(),
            y_label: String::new(),
            text_px: 14.0,
            ink: [0.0, 0.0, 0.0, 1.0],
            ground: [1.0; 4],
        }
    }
}

/// A plot, and where in it the data lies.
#[derive(Clone, Debug, PartialEq)]
pub struct Plot {
    /// `[H, W, 3]` or, on ground that is not opaque, `[H, W, 4]`, 8 bits.
    pub frame: Frame,
    /// Where the axes are.
    pub area: Area,
}

/// Where in a plot the axes are. Positions are in pixels from the left and
/// top of the frame; the centre of the first pixel is at 0.5.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Area {
    /// Of `x[0]`.
    pub left_px: f64,
    /// Of `x[1]`.
    pub right_px: f64,
    /// Of `y[1]`.
    pub top_px: f64,
    /// Of `y[0]`.
    pub bottom_px: f64,
    /// The numbers at the left and right end of the horizontal axis.
    pub x: [f64; 2],
    /// The numbers at the lower and upper end of the vertical axis.
    pub y: [f64; 2],
}

impl Area {
    /// Where a point of the data is drawn.
    #[must_use]
    pub fn pixel(&self, x: f64, y: f64) -> (f64, f64) {
        let share = |at: f64, [start, end]: [f64; 2]| (at - start) / (end - start);
        let across = share(x, self.x) * (self.right_px - self.left_px);
        let up = share(y, self.y) * (self.bottom_px - self.top_px);
        (self.left_px + across, self.bottom_px - up)
    }
}

impl Figure {
    fn check(&self) -> Result<()> {
        within("width_px", self.width_px, 1..=16_384)?;
        within("height_px", self.height_px, 1..=16_384)?;
        Limits::default().check_picture(self.width_px.into(), self.height_px.into(), 4)?;
        within("text_px", self.text_px, 4.0..=200.0)?;
        listed("ink", &self.ink, 0.0..=1.0)?;
        listed("ground", &self.ground, 0.0..=1.0)?;
        let labels =
            [("title", &self.title), ("x_label", &self.x_label), ("y_label", &self.y_label)];
        labels.iter().try_for_each(|(name, label)| short(name, label))
    }

    /// The ground alone.
    fn blank(&self) -> Result<Frame> {
        let layout = if self.ground[3] < 1.0 { Layout::Rgba } else { Layout::Rgb };
        let pixel = &pixel_of::<u8>(self.ground, layout)[..layout.channels()];
        let values = pixel.repeat(self.width_px as usize * self.height_px as usize);
        Frame::new(self.width_px, self.height_px, layout, Values::U8(values))
    }
}

/// Whether a label is no longer than labels may be.
fn short(name: &str, label: &str) -> Result<()> {
    let len = label.chars().count();
    if len <= 256 { Ok(()) } else { Err(refuse(name, format_args!("{len} characters"), 256)) }
}

/// Whether an axis can have these ends.
fn axis(name: &str, ends: [f64; 2]) -> Result<()> {
    let [start, end] = ends;
    let largest = start.abs().max(end.abs());
    let fine = (1e-100..=1e100).contains(&largest) && (end - start).abs() >= 1e-6 * largest;
    if fine {
        return Ok(());
    }
    let allowed = "two numbers up to 1e100 that differ by more than a millionth of the larger";
    Err(refuse(name, format_args!("{start} to {end}"), allowed))
}

/// The least and greatest number, what is not finite left out, and a share of
/// what is between them at both ends.
fn extent(name: &str, numbers: impl Iterator<Item = f64>, margin: f64) -> Result<[f64; 2]> {
    let mut found: Option<[f64; 2]> = None;
    for number in numbers.filter(|number| number.is_finite()) {
        let [least, greatest] = found.unwrap_or([number; 2]);
        found = Some([least.min(number), greatest.max(number)]);
    }
    let Some([least, greatest]) = found else {
        return Err(refuse(name, "without a finite number", "at least one"));
    };
    let largest = least.abs().max(greatest.abs());
    let wide = greatest - least >= 1e-5 * largest && largest >= 1e-90;
    let around = match largest {
        _ if wide => (greatest - least) * margin,
        largest if largest < 1e-90 => 0.5,
        largest => largest * 0.05,
    };
    let ends = [least - around, greatest + around];
    axis(name, ends)?;
    Ok(ends)
}
