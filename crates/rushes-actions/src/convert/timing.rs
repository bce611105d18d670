//! What part of the input is taken, and at which times it is shown.

use rushes_codec::{Cut, Deinterlacing, Mark};
use rushes_media::{Error, ErrorKind, Frame, Rational, Result};
use rushes_ops::frame::{Field, Weston, deinterlace};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Digits behind the point of seconds.
const MOST_DIGITS: usize = 9;
/// Seconds that a time may be.
const MOST_SECS: i64 = 1_000_000_000;

/// Which pictures are made of interlaced frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Deinterlace {
    /// One of each frame, at the moment of its first field.
    Frames,
    /// One of each field: twice as many.
    Fields,
}

/// Which of the two fields of a frame was taken first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FieldOrder {
    /// That of the upper line.
    Top,
    /// That of the lower line.
    Bottom,
}

/// One of the words that the type has.
pub(super) fn read_word<T: for<'de> Deserialize<'de>>(
    text: &str,
) -> std::result::Result<T, String> {
    serde_json::from_value(serde_json::Value::from(text)).map_err(|error| error.to_string())
}

/// A place in the input, as it travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Place {
    Secs(Rational),
    Frame(u64),
}

/// When the pictures of the new file are shown.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Timing {
    pub(super) from: Option<Place>,
    pub(super) to: Option<Place>,
    pub(super) rate_hz: Option<Rational>,
    pub(super) deinterlace: Option<Deinterlace>,
    pub(super) field_order: Option<FieldOrder>,
}

impl Timing {
    pub(super) fn cut(&self) -> Cut {
        let mark = |place| match place {
            Place::Secs(secs) => Mark::Secs(secs),
            Place::Frame(frame) => Mark::Frame(frame),
        };
        Cut { from: self.from.map(mark), to: self.to.map(mark) }
    }

    pub(super) fn deinterlacing(&self) -> Option<Deinterlacing> {
        self.deinterlace.map(|pictures| Deinterlacing {
            field,
            both: pictures == Deinterlace::Fields,
            top_first: self.field_order.map(|first| first == FieldOrder::Top),
        })
    }

    /// Whether it asks for anything.
    pub(super) fn is_plain(&self) -> bool {
        self.cut().is_all() && self.rate_hz.is_none() && self.deinterlace.is_none()
    }
}

/// The picture of a field by the BBC's filter.
fn field(frame: &Frame, beside: &Frame, is_top: bool) -> Result<Frame> {
    let field = if is_top { Field::Top } else { Field::Bottom };
    deinterlace(frame, beside, field, Weston::Complex)
}

/// `12.5` and `00:01:02.500` as seconds, `120f` as a frame.
pub(super) fn read_time(text: &str) -> Result<Place> {
    let wrong = || {
        let why = format!("{text:?} is no time");
        Error::new(ErrorKind::Invalid, "reading a time", why)
            .remedy("write seconds as 12.5 or 00:01:02.500, and a frame, from 0, as 120f")
    };
    if let Some(frame) = text.strip_suffix('f') {
        let is_number = frame.bytes().all(|byte| byte.is_ascii_digit());
        return frame.parse().ok().filter(|_| is_number).map(Place::Frame).ok_or_else(wrong);
    }
    let mut whole = Rational::ZERO;
    let parts: Vec<&str> = text.split(':').collect();
    let last = parts.len() - 1;
    if last > 2 {
        return Err(wrong());
    }
    for (at, part) in parts.iter().enumerate() {
        let number = decimal(part).filter(|_| at == last || !part.contains('.'));
        // Only what stands first may be more than a whole one of the next.
        let number = number.filter(|&number| at == 0 || number < Rational::whole(60));
        let before = whole.checked_mul(Rational::whole(60));
        let sum = before.zip(number).and_then(|(before, number)| before.checked_add(number));
        whole = sum.filter(|&sum| sum <= Rational::whole(MOST_SECS)).ok_or_else(wrong)?;
    }
    Ok(Place::Secs(whole))
}

/// A decimal number that is not below 0, as exact as it is written.
fn decimal(text: &str) -> Option<Rational> {
    let (whole, parts) = text.split_once('.').unwrap_or((text, ""));
    let digits = format!("{whole}{parts}");
    if parts.len() > MOST_DIGITS || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let scale = 10_i64.checked_pow(u32::try_from(parts.len()).ok()?)?;
    Rational::new(digits.parse().ok()?, scale)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_exact() {
        let secs = |num, den| Place::Secs(Rational::new(num, den).unwrap());
        for (text, wanted) in [
            ("12.5", secs(25, 2)),
            ("0", secs(0, 1)),
            (".25", secs(1, 4)),
            ("00:01:02.500", secs(125, 2)),
            ("90:00", secs(5400, 1)),
            ("1:02:03", secs(3723, 1)),
            ("120f", Place::Frame(120)),
        ] {
            assert_eq!(read_time(text).unwrap(), wanted, "{text}");
        }
        for wrong in
            ["", "x", "-1", "+1", "1:60", "1:2:3:4", "1.5:00", "f", "-3f", "1.0000000001", "1e3"]
        {
            assert_eq!(read_time(wrong).unwrap_err().kind, ErrorKind::Invalid, "{wrong}");
        }
        assert!(read_time("99999999999999").is_err());
    }
}
