//! Dates and times as tags write them, made into RFC 3339 or refused.

use std::fmt::Write as _;

/// A moment as a tag states it, only as far as it states it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Moment {
    year: u16,
    month_day: Option<(u8, Option<u8>)>,
    time: Option<Time>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Time {
    hour: u8,
    minute: u8,
    second: u8,
    fraction: String,
    offset_minutes: Option<i16>,
}

/// Years that a recording can have: photography begins in 1826.
const YEARS: std::ops::RangeInclusive<u16> = 1826..=2100;

impl Moment {
    /// Reads `2024:06:01 12:34:56`, `2024-06-01T12:34:56.789+02:00`,
    /// `20240601`, `2024-06` and `2024`. `None` when it is blank, impossible
    /// or outside the years that a recording can have.
    pub(crate) fn parse(text: &str) -> Option<Moment> {
        let text = text.trim_matches(|c: char| c.is_whitespace() || c == '\0');
        if !text.is_ascii() {
            return None;
        }
        let mut rest = text.as_bytes();
        let year = u16::try_from(digits(&mut rest, 4)?).ok().filter(|year| YEARS.contains(year))?;
        let mut moment = Moment { year, month_day: None, time: None };
        if rest.is_empty() {
            return Some(moment);
        }
        let has_separators = separator(&mut rest, b":-/.");
        let month = small(&mut rest).filter(|month| (1..=12).contains(month))?;
        if rest.is_empty() {
            moment.month_day = has_separators.then_some((month, None));
            return has_separators.then_some(moment);
        }
        if separator(&mut rest, b":-/.") != has_separators {
            return None;
        }
        let day = small(&mut rest).filter(|&day| day >= 1 && day <= days_in(year, month))?;
        moment.month_day = Some((month, Some(day)));
        if rest.is_empty() {
            return Some(moment);
        }
        let spaced = separator(&mut rest, b" T") || separator(&mut rest, b":");
        if has_separators && !spaced {
            return None;
        }
        moment.time = Some(Time::parse(&mut rest)?);
        rest.trim_ascii().is_empty().then_some(moment)
    }

    /// The same moment at this time of day, `12:34:56` or `123456+0200`.
    pub(crate) fn at_time(mut self, text: &str) -> Option<Moment> {
        let mut rest = text.trim_matches(|c: char| c.is_whitespace() || c == '\0').as_bytes();
        let time = Time::parse(&mut rest)?;
        if self.month_day?.1.is_none() || !rest.trim_ascii().is_empty() {
            return None;
        }
        self.time = Some(time);
        Some(self)
    }

    /// Adds digits after the second, when there are none yet.
    pub(crate) fn with_fraction(mut self, text: &str) -> Moment {
        let text = text.trim_matches(|c: char| c.is_whitespace() || c == '\0');
        if let Some(time) = &mut self.time
            && time.fraction.is_empty()
            && !text.is_empty()
            && text.bytes().all(|byte| byte.is_ascii_digit())
        {
            time.fraction = text.chars().take(9).collect();
        }
        self
    }

    /// Adds the offset from UTC, `+02:00` or `Z`, when there is none yet.
    pub(crate) fn with_offset(mut self, text: &str) -> Moment {
        let mut rest = text.trim_matches(|c: char| c.is_whitespace() || c == '\0').as_bytes();
        if let Some(time) = &mut self.time
            && time.offset_minutes.is_none()
            && let Some(offset) = offset_minutes(&mut rest)
            && rest.is_empty()
        {
            time.offset_minutes = Some(offset);
        }
        self
    }

    pub(crate) fn has_offset(&self) -> bool {
        self.time.as_ref().is_some_and(|time| time.offset_minutes.is_some())
    }

    pub(crate) fn has_time(&self) -> bool {
        self.time.is_some()
    }

    /// Whether it is the zero of a clock (1904 or 1970) rather than a moment.
    pub(crate) fn is_clock_zero(&self) -> bool {
        matches!(self.year, 1904 | 1970)
            && matches!(self.month_day, Some((1, None | Some(1))) | None)
            && self.time.as_ref().is_none_or(|t| (t.hour, t.minute, t.second) == (0, 0, 0))
    }

    /// RFC 3339: with the offset when it is known, else local; a date, a month
    /// or a year alone when that is all there is.
    pub(crate) fn rfc3339(&self) -> String {
        let mut text = format!("{:04}", self.year);
        // Writing to a String does not fail.
        if let Some((month, day)) = self.month_day {
            let _ = write!(text, "-{month:02}");
            if let Some(day) = day {
                let _ = write!(text, "-{day:02}");
            }
        }
        let Some(time) = &self.time else { return text };
        let _ = write!(text, "T{:02}:{:02}:{:02}", time.hour, time.minute, time.second);
        if !time.fraction.is_empty() {
            let _ = write!(text, ".{}", time.fraction);
        }
        match time.offset_minutes {
            None => {}
            Some(0) => text.push('Z'),
            Some(minutes) => {
                let sign = if minutes < 0 { '-' } else { '+' };
                let minutes = minutes.unsigned_abs();
                let _ = write!(text, "{sign}{:02}:{:02}", minutes / 60, minutes % 60);
            }
        }
        text
    }
}

impl Time {
    fn parse(rest: &mut &[u8]) -> Option<Time> {
        let hour = small(rest).filter(|&hour| hour < 24)?;
        let has_colons = separator(rest, b":");
        let minute = small(rest).filter(|&minute| minute < 60)?;
        let mut time =
            Time { hour, minute, second: 0, fraction: String::new(), offset_minutes: None };
        let second_follows = if has_colons { separator(rest, b":") } else { digit_follows(rest) };
        if second_follows {
            time.second = small(rest).filter(|&second| second < 60)?;
            if separator(rest, b".,") {
                let count = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
                let (fraction, after) = rest.split_at(count);
                time.fraction = fraction.iter().take(9).map(|&byte| char::from(byte)).collect();
                *rest = after;
            }
        }
        *rest = rest.trim_ascii_start();
        time.offset_minutes = offset_minutes(rest);
        Some(time)
    }
}

fn separator(rest: &mut &[u8], any_of: &[u8]) -> bool {
    match rest.split_first() {
        Some((first, after)) if any_of.contains(first) => {
            *rest = after;
            true
        }
        _ => false,
    }
}

fn digit_follows(rest: &[u8]) -> bool {
    rest.first().is_some_and(u8::is_ascii_digit)
}

/// Exactly `count` digits as a number.
fn digits(rest: &mut &[u8], count: usize) -> Option<u32> {
    let (found, after) = rest.split_at_checked(count)?;
    let number =
        std::str::from_utf8(found).ok().filter(|_| found.iter().all(u8::is_ascii_digit))?;
    *rest = after;
    number.parse().ok()
}

/// Two digits. Some cameras pad with a space: ` 8`.
fn small(rest: &mut &[u8]) -> Option<u8> {
    if let Some((&[b' ', digit], after)) = rest.split_first_chunk::<2>()
        && digit.is_ascii_digit()
    {
        *rest = after;
        return Some(digit - b'0');
    }
    digits(rest, 2).and_then(|number| u8::try_from(number).ok())
}

fn offset_minutes(rest: &mut &[u8]) -> Option<i16> {
    for zero in [&b"Z"[..], b"z", b"UTC", b"GMT"] {
        if let Some(after) = rest.strip_prefix(zero) {
            *rest = after;
            return Some(0);
        }
    }
    let mut tried = *rest;
    let sign = if separator(&mut tried, b"+") {
        1
    } else if separator(&mut tried, b"-") {
        -1
    } else {
        return None;
    };
    let hours = digits(&mut tried, 2)? as i16;
    separator(&mut tried, b":");
    let minutes = if digit_follows(tried) { digits(&mut tried, 2)? as i16 } else { 0 };
    if hours > 14 || minutes > 59 {
        return None;
    }
    *rest = tried;
    Some(sign * (hours * 60 + minutes))
}

fn days_in(year: u16, month: u8) -> u8 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => {
            29
        }
        2 => 28,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<String> {
        Moment::parse(text).map(|moment| moment.rfc3339())
    }

    #[test]
    fn what_tags_write() {
        for (text, expected) in [
            ("2024:06:01 12:34:56", "2024-06-01T12:34:56"),
            ("2024-06-01T12:34:56.789+0200", "2024-06-01T12:34:56.789+02:00"),
            ("2024-06-01T12:34:56.000000Z", "2024-06-01T12:34:56.000000Z"),
            ("2024-06-01T12:34-05:30", "2024-06-01T12:34:00-05:30"),
            ("2024-06-01 12:34:56 UTC", "2024-06-01T12:34:56Z"),
            ("2002:07: 8 05: 7:09\0", "2002-07-08T05:07:09"),
            ("20240601", "2024-06-01"),
            ("20240601T123456", "2024-06-01T12:34:56"),
            ("2024-02-29", "2024-02-29"),
            ("2024-06", "2024-06"),
            ("1999", "1999"),
            ("2024:06:01:12:34:56", "2024-06-01T12:34:56"),
        ] {
            assert_eq!(read(text).as_deref(), Some(expected), "{text:?}");
        }
    }

    #[test]
    fn what_is_no_date() {
        for text in [
            "",
            "    :  :     :  :  ",
            "0000:00:00 00:00:00",
            "2024:13:01 00:00:00",
            "2023:02:29 00:00:00",
            "2024:06:31 00:00:00",
            "2024:06:01 24:00:00",
            "2024:06:01 12:60:00",
            "1825-01-01",
            "2101-01-01",
            "20240",
            "2024:06:01 12:34:56 maybe",
            "2024-06-0112:34:56",
            "202406",
            "２０２４",
            "2024:06:01 12:34:56+15:00",
        ] {
            assert_eq!(read(text), None, "{text:?}");
        }
    }

    #[test]
    fn parts_join() {
        let day = Moment::parse("20240601").unwrap();
        let joined = day.clone().at_time("123456+0200").unwrap();
        assert_eq!(joined.rfc3339(), "2024-06-01T12:34:56+02:00");
        let exif = Moment::parse("2024:06:01 12:34:56").unwrap();
        let full = exif.clone().with_fraction("07 ").with_offset("-03:30");
        assert_eq!(full.rfc3339(), "2024-06-01T12:34:56.07-03:30");
        assert_eq!(exif.clone().with_fraction("x").with_offset("   :  "), exif);
        assert!(Moment::parse("2024-06").unwrap().at_time("12:00").is_none());
        assert!(day.at_time("25:00").is_none());
    }

    #[test]
    fn zeroes_of_clocks() {
        for text in ["1970-01-01T00:00:00.000000Z", "1904-01-01T00:00:00Z", "1904", "1970-01-01"] {
            assert!(Moment::parse(text).unwrap().is_clock_zero(), "{text}");
        }
        assert!(!Moment::parse("1970-01-01T00:00:01Z").unwrap().is_clock_zero());
    }
}
