use rushes_media::{Frame, Layout, Result, Values};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::FrameOperation;
use crate::numeric::{Sample, each_depth, luma, refuse, within};

/// Shows brightness as colour: `[H, W, 3]`, with opacity `[H, W, 4]`.
///
/// A map is 256 colours of 8 bits. Those that both matplotlib and OpenCV have
/// under a name are matplotlib's, whose shares are taken evenly (of twilight
/// every other of its 510 colours); OpenCV's differ from these by 2 of 255 at
/// most. What falls between two colours is mixed, which deep frames keep. Of frames with colour
/// the luma (BT.709) is taken.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Colormap {
    /// Which colours.
    pub map: Map,
    /// The brightness that gets the first colour, as a share of full.
    pub low: f64,
    /// The brightness that gets the last colour, above `low`.
    pub high: f64,
    /// Whether the last colour comes first.
    pub reversed: bool,
}

/// A row of 256 colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Map {
    /// Black, blue, green, yellow: evenly brighter (matplotlib, CC0).
    #[default]
    Viridis,
    /// Black, purple, orange, pale yellow (matplotlib, CC0).
    Magma,
    /// Black, purple, red, yellow (matplotlib, CC0).
    Inferno,
    /// Blue, purple, orange, yellow (matplotlib, CC0).
    Plasma,
    /// Blue, grey, yellow; the same to the colour-blind (Nuñez and others 2018).
    Cividis,
    /// Blue, green, yellow, red, smoothly (Mikhailov 2019).
    Turbo,
    /// White, blue, black, red, white: round (matplotlib, CC0).
    Twilight,
    /// Twilight from black over white to black (matplotlib, CC0).
    TwilightShifted,
    /// Blue, cyan, yellow, red, as in OpenCV.
    Jet,
    /// Black, red, yellow, white, as in OpenCV.
    Hot,
    /// Grey with a touch of blue, as in OpenCV.
    Bone,
    /// Cyan to magenta, as in OpenCV.
    Cool,
    /// The colours of the rainbow, from red to violet, as in OpenCV.
    Rainbow,
    /// The circle of hues, as in OpenCV.
    Hsv,
    /// Black, blue, green, white, as in OpenCV.
    Ocean,
    /// Pastel pink, as in OpenCV.
    Pink,
    /// Red to yellow, as in OpenCV.
    Autumn,
    /// Magenta to yellow, as in OpenCV.
    Spring,
    /// Green to yellow, as in OpenCV.
    Summer,
    /// Blue to green, as in OpenCV.
    Winter,
    /// Blue, turquoise, orange, yellow, as in OpenCV.
    Parula,
    /// Black, deep green, white, as in OpenCV.
    Deepgreen,
}

/// Each map of the list above in turn; `make_colormaps.py` beside it made it.
static MAPS: &[u8] = include_bytes!("../../tables/colormaps.bin");
const COLORS: usize = 256;

impl Default for Colormap {
    fn default() -> Colormap {
        Colormap { map: Map::default(), low: 0.0, high: 1.0, reversed: false }
    }
}

impl FrameOperation for Colormap {
    fn check(&self) -> Result<()> {
        within("low", self.low, -1e6..=1e6)?;
        within("high", self.high, -1e6..=1e6)?;
        if self.low >= self.high {
            return Err(refuse("high", self.high, format_args!("above low, {}", self.low)));
        }
        Ok(())
    }

    fn apply(&self, frame: &Frame) -> Result<Frame> {
        self.check()?;
        let layout = frame.layout();
        let values = match frame.values() {
            Values::U8(values) if layout == Layout::Gray => {
                let table: Vec<[u8; 3]> = (0..=u8::MAX).map(|number| self.color(number)).collect();
                let colors = values.iter().map(|&number| table[usize::from(number)]);
                Values::U8(colors.collect::<Vec<_>>().into_flattened())
            }
            values => each_depth!(values, |values| self.colored(values, layout)),
        };
        let layout = if layout == Layout::Gray { Layout::Rgb } else { layout };
        frame.remade(frame.width_px(), frame.height_px(), layout, values)
    }
}

impl Colormap {
    fn colored<T: Sample>(&self, values: &[T], layout: Layout) -> Vec<T> {
        let of = |red: T, green: T, blue: T| {
            self.mixed(luma([red, green, blue].map(|number| f64::from(number.real()))) / T::FULL)
        };
        match layout {
            Layout::Gray => {
                let colors = values.iter().map(|&number| self.color(number));
                colors.collect::<Vec<_>>().into_flattened()
            }
            Layout::Rgb => {
                let pixels = values.as_chunks::<3>().0.iter();
                let colors = pixels.map(|&[red, green, blue]| of(red, green, blue));
                colors.collect::<Vec<_>>().into_flattened()
            }
            Layout::Rgba => {
                let pixels = values.as_chunks::<4>().0.iter();
                let colors = pixels.map(|&[red, green, blue, alpha]| {
                    let [red, green, blue] = of(red, green, blue);
                    [red, green, blue, alpha]
                });
                colors.collect::<Vec<_>>().into_flattened()
            }
        }
    }

    fn color<T: Sample>(&self, number: T) -> [T; 3] {
        self.mixed(f64::from(number.real()) / T::FULL)
    }

    /// The colour of a brightness; for NaN the first of the table.
    fn mixed<T: Sample>(&self, share: f64) -> [T; 3] {
        let along = ((share - self.low) / (self.high - self.low)).clamp(0.0, 1.0);
        let along = if self.reversed { 1.0 - along } else { along };
        let position = along * (COLORS - 1) as f64;
        let first = position as usize;
        let weight = (position - first as f64).max(0.0);
        let colors = &MAPS[self.map as usize * 3 * COLORS..];
        let (before, after) = (3 * first, 3 * (first + 1).min(COLORS - 1));
        std::array::from_fn(|channel| {
            let [one, other] = [before, after].map(|at| f64::from(colors[at + channel]));
            T::nearest_precise((one + (other - one) * weight) * (T::FULL / 255.0))
        })
    }
}
