use rushes_media::{Frame, Rational, Result, Values};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::numeric::{Sample, paired, refuse};

/// Every second line of a frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Field {
    /// The lines 0, 2, 4 and so on.
    #[default]
    Top,
    /// The lines 1, 3, 5 and so on.
    Bottom,
}

impl Field {
    /// The other lines.
    #[must_use]
    pub fn other(self) -> Field {
        match self {
            Field::Top => Field::Bottom,
            Field::Bottom => Field::Top,
        }
    }
}

/// How many lines Weston's filter looks at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Weston {
    /// Two of the field and three of each neighbour.
    Simple,
    /// Four of the field and five of each neighbour.
    #[default]
    Complex,
}

/// Weights are written in parts of this, as FFmpeg has them.
const WHOLE: f32 = 32_768.0;

impl Weston {
    /// Of lines of the field itself, the nearest in the middle.
    fn low(self) -> &'static [f32] {
        match self {
            Weston::Simple => &[16_384.0, 16_384.0],
            Weston::Complex => &[-852.0, 17_236.0, 17_236.0, -852.0],
        }
    }

    /// Of lines of the other field, before and after: what the field is too
    /// coarse for.
    fn high(self) -> &'static [f32] {
        match self {
            Weston::Simple => &[-2_048.0, 4_096.0, -2_048.0],
            Weston::Complex => &[1_016.0, -3_801.0, 5_570.0, -3_801.0, 1_016.0],
        }
    }
}

/// The picture at the moment of one field: its lines stay, those between them
/// are made by Weston's three-field filter (BBC patent PH-2071), as FFmpeg's
/// `w3fdif` does.
///
/// Low vertical frequencies come from the field itself, high ones from the
/// other field before and after it: one is in `frame`, the other in `beside`,
/// which is the frame before when the field was taken first, else the one
/// after. At the border lines of the same field are repeated. All channels are
/// treated alike; a frame of one line stays as it is.
///
/// # Errors
/// `Invalid` when the two frames have not the same size, depth and layout.
pub fn deinterlace(frame: &Frame, beside: &Frame, field: Field, filter: Weston) -> Result<Frame> {
    paired("the frame beside", frame, beside)?;
    if frame.layout() != beside.layout() {
        let (is, allowed) = (beside.layout(), frame.layout());
        return Err(refuse("the frame beside", format!("{is:?}"), format!("{allowed:?}")));
    }
    let row = frame.width_px() as usize * frame.layout().channels();
    let values = match (frame.values(), beside.values()) {
        (Values::U8(own), Values::U8(other)) => Values::U8(filled(own, other, row, field, filter)),
        (Values::U16(own), Values::U16(other)) => {
            Values::U16(filled(own, other, row, field, filter))
        }
        (Values::F32(own), Values::F32(other)) => {
            Values::F32(filled(own, other, row, field, filter))
        }
        _ => return Err(refuse("the frame beside", "of another depth", "the depth of the frame")),
    };
    frame.remade(frame.width_px(), frame.height_px(), frame.layout(), values)
}

fn filled<T: Sample>(own: &[T], other: &[T], row: usize, field: Field, filter: Weston) -> Vec<T> {
    let mut found = own.to_vec();
    let height = own.len().checked_div(row).unwrap_or_default();
    if height < 2 {
        return found;
    }
    let mut sums = vec![0.0_f32; row];
    let missing = usize::from(field == Field::Top);
    for (y, line) in found.chunks_exact_mut(row).enumerate().skip(missing).step_by(2) {
        sums.fill(0.0);
        for (weight, at) in around(y, height, filter.low()) {
            add(&mut sums, &own[at * row..][..row], weight);
        }
        for (weight, at) in around(y, height, filter.high()) {
            add(&mut sums, &own[at * row..][..row], weight);
            add(&mut sums, &other[at * row..][..row], weight);
        }
        line.iter_mut().zip(&sums).for_each(|(number, sum)| *number = T::nearest(sum / WHOLE));
    }
    found
}

/// Every second line around one, with its weight; beyond the border the
/// outermost line of the same field.
fn around(y: usize, height: usize, weights: &[f32]) -> impl Iterator<Item = (f32, usize)> {
    let first = y as i64 + 1 - weights.len() as i64;
    (0_i64..).zip(weights).map(move |(at, &weight)| {
        let line = first + 2 * at;
        let parity = line.rem_euclid(2);
        let last = (height as i64 - 1 - parity) / 2 * 2 + parity;
        (weight, line.clamp(parity, last) as usize)
    })
}

fn add<T: Sample>(sums: &mut [f32], line: &[T], weight: f32) {
    sums.iter_mut().zip(line).for_each(|(sum, number)| *sum += number.real() * weight);
}

/// [`deinterlace`] over a stream, frame by frame, with the two frames around
/// each.
///
/// Each frame gives the picture of its first field and, when both are wanted,
/// that of its second, half the way in time to the next frame. They come when
/// the next frame is there; `finish` gives the last. Before the first frame
/// and after the last one that frame itself stands in.
#[derive(Debug)]
pub struct Deinterlacer {
    first: Field,
    filter: Weston,
    both: bool,
    previous: Option<Frame>,
    current: Option<Frame>,
    interval_secs: Option<Rational>,
}

impl Deinterlacer {
    /// For frames whose `first` field was taken before the other. With `both`
    /// there are two pictures for a frame, else one.
    #[must_use]
    pub fn new(first: Field, filter: Weston, both: bool) -> Deinterlacer {
        let (previous, current, interval_secs) = (None, None, None);
        Deinterlacer { first, filter, both, previous, current, interval_secs }
    }

    /// The next frame of the stream; what it gives belongs to the one before.
    ///
    /// # Errors
    /// As for [`deinterlace`]; the frame is then left out, and the stream may
    /// go on.
    pub fn push(&mut self, frame: Frame) -> Result<Vec<Frame>> {
        let Some(current) = &self.current else {
            self.current = Some(frame);
            return Ok(Vec::new());
        };
        let between = frame.time_secs.zip(current.time_secs);
        let interval = between.and_then(|(after, before)| after.checked_sub(before));
        let found = self.fields(current, &frame, interval.or(current.duration_secs))?;
        self.interval_secs = interval;
        self.previous = self.current.replace(frame);
        Ok(found)
    }

    /// What the last frame gives.
    ///
    /// # Errors
    /// As for [`deinterlace`].
    pub fn finish(self) -> Result<Vec<Frame>> {
        match &self.current {
            Some(last) => self.fields(last, last, last.duration_secs.or(self.interval_secs)),
            None => Ok(Vec::new()),
        }
    }

    fn fields(
        &self,
        current: &Frame,
        next: &Frame,
        interval: Option<Rational>,
    ) -> Result<Vec<Frame>> {
        // Asked first, so that a frame that does not fit is found also where
        // only the one before is looked at.
        let mut second = deinterlace(current, next, self.first.other(), self.filter)?;
        let previous = self.previous.as_ref().unwrap_or(current);
        let mut first = deinterlace(current, previous, self.first, self.filter)?;
        if !self.both {
            return Ok(vec![first]);
        }
        let half = interval.and_then(|interval| interval.checked_div(Rational::whole(2)));
        let middle = current.time_secs.zip(half).and_then(|(time, half)| time.checked_add(half));
        (first.duration_secs, second.duration_secs) = (half, half);
        second.time_secs = middle;
        Ok(vec![first, second])
    }
}
