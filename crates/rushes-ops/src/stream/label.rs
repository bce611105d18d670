use rushes_media::Result;

use super::arrange::Cell;
use crate::FrameOperation as _;
use crate::frame::{Anchor, Text};
use crate::ink::{Align, shaped};

/// A label does not get smaller than this to fit its tile.
const LEAST_SIZE_PX: f64 = 9.0;

/// What stands for a time while widths are measured.
const A_TIME: &str = "00:00:00.000";

/// A tile's label, which fits into it.
pub(super) struct Label {
    /// As large as suits the tile's height.
    wished: Text,
    /// As it fits into a tile of so many pixels.
    fitting: Option<(u32, Text)>,
}

/// A label's text, checked.
pub(super) fn label_of(text: String) -> Result<Text> {
    let label = Text {
        anchor: Anchor::BottomLeft,
        background: Some([0.0, 0.0, 0.0, 0.6]),
        ..Text::new(text)
    };
    label.check()?;
    Ok(label)
}

impl Label {
    /// As large as suits its cell.
    pub(super) fn new(label: Text, cell: Cell) -> Label {
        let wished = sized(label, (f64::from(cell.height_px) / 14.0).clamp(10.0, 64.0));
        Label { wished, fitting: None }
    }

    /// The label for a picture of this width: smaller where it is wider, and
    /// cut short where that is not enough.
    pub(super) fn fitting(&mut self, width_px: u32) -> &Text {
        let is_there = self.fitting.as_ref().is_some_and(|(known, _)| *known == width_px);
        if !is_there {
            self.fitting = None;
        }
        let wished = &self.wished;
        &self.fitting.get_or_insert_with(|| (width_px, fitted(wished, f64::from(width_px)))).1
    }
}

fn sized(label: Text, size_px: f64) -> Text {
    Text { size_px, margin_px: size_px / 3.0, padding_px: size_px / 4.0, ..label }
}

/// How wide it is with what is around it.
fn width(text: &str, label: &Text) -> f64 {
    let measured = text.replace("{time}", A_TIME);
    let letters = shaped(&measured, label.size_px as f32, Align::Left).width_px;
    f64::from(letters) + 2.0 * (label.margin_px + label.padding_px)
}

fn fitted(wished: &Text, room_px: f64) -> Text {
    let wide = width(&wished.text, wished);
    if wide <= room_px {
        return wished.clone();
    }
    let size_px = (wished.size_px * room_px / wide).floor().max(LEAST_SIZE_PX);
    let smaller = sized(wished.clone(), size_px.min(wished.size_px));
    let lines: Vec<String> =
        smaller.text.split('\n').map(|line| shortened(line, &smaller, room_px)).collect();
    Text { text: lines.join("\n"), ..smaller }
}

/// As many of a line's first letters as there is room for, and an ellipsis.
/// One with a time stays whole.
fn shortened(line: &str, label: &Text, room_px: f64) -> String {
    if line.contains("{time}") || width(line, label) <= room_px {
        return line.to_owned();
    }
    let letters: Vec<char> = line.chars().collect();
    let cut = |count: usize| {
        let kept: String = letters.iter().take(count).collect();
        format!("{}\u{2026}", kept.trim_end())
    };
    let (mut low, mut high) = (0, letters.len());
    while low < high {
        let middle = (low + high).div_ceil(2);
        if width(&cut(middle), label) <= room_px {
            low = middle;
        } else {
            high = middle - 1;
        }
    }
    cut(low)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn label(text: &str, width_px: u32) -> Text {
        let cell = Cell { x: 0, y: 0, width_px, height_px: 280 };
        Label::new(label_of(text.to_owned()).unwrap(), cell).fitting(width_px).clone()
    }

    #[test]
    fn labels_fit_their_tiles() {
        let long = "a label of some forty letters, and more";
        assert_eq!((label("left", 400).size_px, label("left", 400).text.as_str()), (20.0, "left"));
        let smaller = label(long, 300);
        assert!(smaller.size_px < 20.0 && smaller.size_px >= LEAST_SIZE_PX, "{smaller:?}");
        assert_eq!(smaller.text, long);
        let cut = label(long, 90);
        assert_eq!(cut.size_px, LEAST_SIZE_PX);
        assert!(cut.text.ends_with('\u{2026}') && long.starts_with(&cut.text[..5]), "{cut:?}");
        for (text, room_px) in [(&smaller, 300.0), (&cut, 90.0)] {
            assert!(width(&text.text, text) <= room_px, "{text:?}");
        }
        assert_eq!(label("at {time}", 30).text, "at {time}");
    }
}
