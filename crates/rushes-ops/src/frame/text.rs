use rushes_media::{Frame, Rational, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use zeno::{Command, Point};

use crate::FrameOperation;
use crate::ink::{Align, Mask, Shaped, Window, box_path, filled, paint, shaped, stroked};
use crate::numeric::{is_empty, listed, refuse, within};

/// Writes text into a frame, in DejaVu Sans.
///
/// Lines end at newlines; text from right to left and marks upon letters are
/// set as they should be. What the font has no letter for is drawn as an empty
/// box. `{time}` becomes the frame's time, as `0:01:02.345`. Edges are smooth,
/// in 255 steps of coverage. What is laid over what follows the W3C's
/// "Compositing and Blending Level 1" (source-over); in grey a colour's luma
/// (BT.709) is taken. Colours are red, green, blue and opacity, each 0 to 1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Text {
    /// What is written: at most 4,096 characters.
    pub text: String,
    /// Where in the frame it stands; several lines are aligned the same way.
    #[serde(default)]
    pub anchor: Anchor,
    /// How far from the sides that it stands at, in pixels: 0 to 100,000.
    #[serde(default)]
    pub margin_px: f64,
    /// How far it is shifted to the right, in pixels: at most 100,000.
    #[serde(default)]
    pub x_px: f64,
    /// How far it is shifted down, in pixels: at most 100,000.
    #[serde(default)]
    pub y_px: f64,
    /// The size of the font (its em) in pixels: 1 to 2,000.
    #[serde(default = "usual_size")]
    pub size_px: f64,
    /// The colour of the letters.
    #[serde(default = "white")]
    pub color: [f64; 4],
    /// How far a line along the edge of the letters, beneath them, reaches
    /// beyond it, in pixels: 0, which is none, to 100.
    #[serde(default)]
    pub outline_px: f64,
    /// The colour of that line.
    #[serde(default = "black")]
    pub outline_color: [f64; 4],
    /// How far right and down a shadow lies, in pixels: at most 1,000 each. None
    /// when it is left out.
    #[serde(default)]
    pub shadow_px: Option<[f64; 2]>,
    /// The colour of the shadow.
    #[serde(default = "black")]
    pub shadow_color: [f64; 4],
    /// The colour of a box behind the text. None when it is left out.
    #[serde(default)]
    pub background: Option<[f64; 4]>,
    /// How far the box reaches beyond the text, in pixels: 0 to 1,000. Text with
    /// a box stands where the box fits.
    #[serde(default)]
    pub padding_px: f64,
}

/// A place in a frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Anchor {
    /// Left and above.
    #[default]
    TopLeft,
    /// In the middle, above.
    Top,
    /// Right and above.
    TopRight,
    /// Left, half the way down.
    Left,
    /// In the middle.
    Center,
    /// Right, half the way down.
    Right,
    /// Left and below.
    BottomLeft,
    /// In the middle, below.
    Bottom,
    /// Right and below.
    BottomRight,
}

fn usual_size() -> f64 {
    24.0
}

fn white() -> [f64; 4] {
    [1.0; 4]
}

fn black() -> [f64; 4] {
    [0.0, 0.0, 0.0, 1.0]
}

const MOST_CHARACTERS: usize = 4_096;

impl Text {
    /// White text of 24 px at the top left.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Text {
        Text {
            text: text.into(),
            anchor: Anchor::TopLeft,
            margin_px: 0.0,
            x_px: 0.0,
            y_px: 0.0,
            size_px: usual_size(),
            color: white(),
            outline_px: 0.0,
            outline_color: black(),
            shadow_px: None,
            shadow_color: black(),
            background: None,
            padding_px: 0.0,
        }
    }

    fn written(&self, frame: &Frame) -> Result<String> {
        const TIME: &str = "{time}";
        if !self.text.contains(TIME) {
            return Ok(self.text.clone());
        }
        let Some(time) = frame.time_secs else {
            return Err(refuse("text", "with {time}", "text without, as the frame has no time"));
        };
        Ok(self.text.replace(TIME, &clock(time)))
    }

    /// The left and upper end of the text.
    fn place(&self, frame: &Frame, text: &Shaped) -> (f32, f32) {
        let padding = if self.background.is_some() { self.padding_px } else { 0.0 };
        let away = self.margin_px + padding;
        let (across, down) = self.anchor.shares();
        let along = |share: f64, side: u32, len: f32| {
            share * (f64::from(side) - f64::from(len)) + (1.0 - 2.0 * share) * away
        };
        let x = along(across, frame.width_px(), text.width_px) + self.x_px;
        let y = along(down, frame.height_px(), text.height_px) + self.y_px;
        (x as f32, y as f32)
    }
}

impl Anchor {
    /// How far right and how far down, as shares of what is free.
    fn shares(self) -> (f64, f64) {
        let across = match self {
            Anchor::TopLeft | Anchor::Left | Anchor::BottomLeft => 0.0,
            Anchor::Top | Anchor::Center | Anchor::Bottom => 0.5,
            Anchor::TopRight | Anchor::Right | Anchor::BottomRight => 1.0,
        };
        let down = match self {
            Anchor::TopLeft | Anchor::Top | Anchor::TopRight => 0.0,
            Anchor::Left | Anchor::Center | Anchor::Right => 0.5,
            Anchor::BottomLeft | Anchor::Bottom | Anchor::BottomRight => 1.0,
        };
        (across, down)
    }

    fn align(self) -> Align {
        match self.shares().0 {
            0.0 => Align::Left,
            0.5 => Align::Center,
            _ => Align::Right,
        }
    }
}

impl FrameOperation for Text {
    fn check(&self) -> Result<()> {
        let len = self.text.chars().count();
        if len > MOST_CHARACTERS {
            return Err(refuse("text", format_args!("{len} characters"), MOST_CHARACTERS));
        }
        within("margin_px", self.margin_px, 0.0..=1e5)?;
        within("x_px", self.x_px, -1e5..=1e5)?;
        within("y_px", self.y_px, -1e5..=1e5)?;
        within("size_px", self.size_px, 1.0..=2_000.0)?;
        listed("color", &self.color, 0.0..=1.0)?;
        within("outline_px", self.outline_px, 0.0..=100.0)?;
        listed("outline_color", &self.outline_color, 0.0..=1.0)?;
        listed("shadow_px", self.shadow_px.as_ref().map_or(&[], |by| by), -1e3..=1e3)?;
        listed("shadow_color", &self.shadow_color, 0.0..=1.0)?;
        listed("background", self.background.as_ref().map_or(&[], |color| color), 0.0..=1.0)?;
        within("padding_px", self.padding_px, 0.0..=1e3)
    }

    /// # Errors
    /// `Invalid` when the text has `{time}` and the frame has no time.
    fn apply(&self, frame: &Frame) -> Result<Frame> {
        self.check()?;
        let text = self.written(frame)?;
        let mut found = frame.clone();
        if is_empty(frame) || text.is_empty() {
            return Ok(found);
        }
        let text = shaped(&text, self.size_px as f32, self.anchor.align());
        let (x, y) = self.place(frame, &text);
        let (width, height) = (frame.width_px(), frame.height_px());
        let window = Window { left: 0, top: 0, width, height };

        if let Some(color) = self.background {
            let by = self.padding_px as f32;
            let (right, bottom) = (x + text.width_px + by, y + text.height_px + by);
            if let Some(mask) = filled(&box_path([x - by, y - by, right, bottom]), window) {
                paint(&mut found, &mask, color);
            }
        }
        let moved = |x: f32, y: f32| text.mapped(|point| point + Point::new(x, y));
        let letters = moved(x, y);
        let around = 2.0 * self.outline_px as f32;
        if let Some([right, down]) = self.shadow_px {
            let letters = moved(x + right as f32, y + down as f32);
            if let Some(mask) = shadow(&letters, window, around) {
                paint(&mut found, &mask, self.shadow_color);
            }
        }
        if around > 0.0
            && let Some(mask) = stroked(&letters, window, around)
        {
            paint(&mut found, &mask, self.outline_color);
        }
        if let Some(mask) = filled(&letters, window) {
            paint(&mut found, &mask, self.color);
        }
        Ok(found)
    }
}

/// Letters and the line around them as one, so that where they overlap is no
/// darker.
fn shadow(path: &[Command], window: Window, around: f32) -> Option<Mask> {
    let letters = filled(path, window);
    if around <= 0.0 {
        return letters;
    }
    let mut mask = stroked(path, window, around)?;
    if let Some(letters) = letters {
        mask.add(&letters);
    }
    Some(mask)
}

/// Hours, minutes, seconds and whole milliseconds that have passed.
fn clock(time: Rational) -> String {
    let past = i128::from(time.num()).unsigned_abs() * 1_000;
    let past = past / i128::from(time.den()).unsigned_abs();
    let sign = if time.num() < 0 && past > 0 { "-" } else { "" };
    let (secs, millis) = (past / 1_000, past % 1_000);
    format!("{sign}{}:{:02}:{:02}.{millis:03}", secs / 3_600, secs / 60 % 60, secs % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_read_as_on_a_clock() {
        let of = |num, den| clock(Rational::new(num, den).unwrap_or(Rational::ZERO));
        assert_eq!(of(0, 1), "0:00:00.000");
        assert_eq!(of(1001, 30_000), "0:00:00.033");
        assert_eq!(of(360_599_999, 1_000_000), "0:06:00.599");
        assert_eq!(of(90_061, 1), "25:01:01.000");
        assert_eq!(of(-3, 2), "-0:00:01.500");
        assert!(of(i64::MIN, 1).starts_with('-'));
    }
}
