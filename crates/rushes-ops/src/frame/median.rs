use rushes_media::{Frame, Result, Values};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::FrameOperation;
use crate::numeric::{Sample, each_depth, is_empty, within};

/// Takes out specks: each colour becomes the median of a square around it.
///
/// At the borders the outermost pixel is repeated. Channels are taken one by
/// one; opacity stays. 8 bits go through histograms that slide (T. Huang and
/// others, "A fast two-dimensional median filtering algorithm", 1979).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Median {
    /// How far the square reaches from its centre, in pixels: 1 to 50.
    pub radius_px: u32,
}

impl Default for Median {
    fn default() -> Median {
        Median { radius_px: 1 }
    }
}

impl FrameOperation for Median {
    fn check(&self) -> Result<()> {
        within("radius_px", self.radius_px, 1..=50)
    }

    fn apply(&self, frame: &Frame) -> Result<Frame> {
        self.check()?;
        if is_empty(frame) {
            return Ok(frame.clone());
        }
        let radius = i64::from(self.radius_px);
        let values = match frame.values() {
            Values::U8(values) if radius > 1 => {
                Values::U8(each_color(frame, values, |plane| plane.counted(radius)))
            }
            values if radius > 1 => each_depth!(values, |values| {
                each_color(frame, values, |plane| plane.selected(radius))
            }),
            values => each_depth!(values, |values| each_color(frame, values, Plane::of_nine)),
        };
        frame.remade(frame.width_px(), frame.height_px(), frame.layout(), values)
    }
}

/// One channel.
struct Plane<T> {
    numbers: Vec<T>,
    width: usize,
}

fn each_color<T: Sample>(
    frame: &Frame,
    values: &[T],
    medians: impl Fn(&Plane<T>) -> Vec<T>,
) -> Vec<T> {
    let channels = frame.layout().channels();
    let mut found = values.to_vec();
    for color in 0..frame.layout().colors() {
        let numbers = values.iter().skip(color).step_by(channels).copied().collect();
        let medians = medians(&Plane { numbers, width: frame.width_px() as usize });
        let places = found.iter_mut().skip(color).step_by(channels);
        places.zip(medians).for_each(|(place, median)| *place = median);
    }
    found
}

impl<T: Sample> Plane<T> {
    /// The rows of the square around a row.
    fn rows(&self, y: usize, radius: i64) -> Vec<&[T]> {
        let last = (self.numbers.len() / self.width) as i64 - 1;
        let around = y as i64 - radius..=y as i64 + radius;
        let starts = around.map(|y| y.clamp(0, last) as usize * self.width);
        starts.map(|start| &self.numbers[start..start + self.width]).collect()
    }

    fn column(&self, x: i64) -> usize {
        x.clamp(0, self.width as i64 - 1) as usize
    }

    /// Of 3 x 3: with each column sorted, it is the median of the largest of
    /// the lowest, the median of the middle and the smallest of the highest.
    fn of_nine(&self) -> Vec<T> {
        let mut found = Vec::with_capacity(self.numbers.len());
        let edges = self.width + 2;
        let [mut low, mut middle, mut high] = [0; 3].map(|_| vec![T::default(); edges]);
        for y in 0..self.numbers.len() / self.width {
            if let [above, row, below] = self.rows(y, 1)[..] {
                for x in 0..self.width {
                    let sorted = sorted([above[x], row[x], below[x]]);
                    [low[x + 1], middle[x + 1], high[x + 1]] = sorted;
                }
            }
            for numbers in [&mut low, &mut middle, &mut high] {
                numbers[0] = numbers[1];
                numbers[edges - 1] = numbers[edges - 2];
            }
            let three = |numbers: &[T]| sorted([numbers[0], numbers[1], numbers[2]]);
            let columns = low.windows(3).zip(middle.windows(3)).zip(high.windows(3));
            found.extend(columns.map(|((low, middle), high)| {
                sorted([three(low)[2], three(middle)[1], three(high)[0]])[1]
            }));
        }
        found
    }

    fn selected(&self, radius: i64) -> Vec<T> {
        let mut found = Vec::with_capacity(self.numbers.len());
        let mut square = Vec::new();
        for y in 0..self.numbers.len() / self.width {
            let rows = self.rows(y, radius);
            for x in 0..self.width as i64 {
                square.clear();
                for row in &rows {
                    square.extend((x - radius..=x + radius).map(|x| row[self.column(x)]));
                }
                let middle = square.len() / 2;
                found.push(*square.select_nth_unstable_by(middle, T::order).1);
            }
        }
        found
    }
}

fn sorted<T: Sample>([one, two, three]: [T; 3]) -> [T; 3] {
    let (one, two) = one.sorted(two);
    let (two, three) = two.sorted(three);
    let (one, two) = one.sorted(two);
    [one, two, three]
}

impl Plane<u8> {
    fn counted(&self, radius: i64) -> Vec<u8> {
        let mut found = Vec::with_capacity(self.numbers.len());
        let side = 2 * radius + 1;
        let half = (side * side / 2) as u32;
        for y in 0..self.numbers.len() / self.width {
            let rows = self.rows(y, radius);
            let mut counts = [0_u32; 256];
            for row in &rows {
                (-radius..=radius).for_each(|x| counts[usize::from(row[self.column(x)])] += 1);
            }
            // `below` numbers of the square are smaller than the median.
            let (mut median, mut below) = (0_u8, 0_u32);
            for x in 0..self.width as i64 {
                while below > half {
                    median -= 1;
                    below -= counts[usize::from(median)];
                }
                while below + counts[usize::from(median)] <= half {
                    below += counts[usize::from(median)];
                    median += 1;
                }
                found.push(median);
                let (old, new) = (self.column(x - radius), self.column(x + radius + 1));
                for row in &rows {
                    let (old, new) = (row[old], row[new]);
                    counts[usize::from(old)] -= 1;
                    counts[usize::from(new)] += 1;
                    below -= u32::from(old < median);
                    below += u32::from(new < median);
                }
            }
        }
        found
    }
}
