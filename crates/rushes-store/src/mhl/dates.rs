//! Dates as XML Schema's `dateTime` has them.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use rushes_media::UnixNanos;

/// A date in UTC, to the second; to the nanosecond where it has a part of one.
pub(super) fn text(date: UnixNanos) -> String {
    let date = Timestamp::from_nanosecond(date.into()).unwrap_or_default();
    date.strftime("%Y-%m-%dT%H:%M:%S%.f+00:00").to_string()
}

/// The date that this says; without an offset it is meant to be in UTC. `None`
/// when it says none.
pub(super) fn parse(text: &str) -> Option<UnixNanos> {
    let text = text.trim();
    let date = text.parse::<Timestamp>().ok().or_else(|| {
        let civil: DateTime = text.parse().ok()?;
        Some(civil.to_zoned(TimeZone::UTC).ok()?.timestamp())
    })?;
    UnixNanos::try_from(date.as_nanosecond()).ok()
}

/// A date as names of manifests have it: `2026-01-31_235959Z`.
pub(super) fn name(date: UnixNanos) -> String {
    let date = Timestamp::from_nanosecond(date.into()).unwrap_or_default();
    date.strftime("%Y-%m-%d_%H%M%SZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_come_back() {
        // 1262 in UTC by `date -u -d @1262304000`.
        let new_year = 1_262_304_000_000_000_000;
        assert_eq!(text(new_year), "2010-01-01T00:00:00+00:00");
        assert_eq!(text(new_year + 1_500), "2010-01-01T00:00:00.0000015+00:00");
        assert_eq!(name(new_year), "2010-01-01_000000Z");
        for said in
            ["2010-01-01T01:00:00+01:00", "2009-12-31T19:00:00-05:00", " 2010-01-01T00:00:00 "]
        {
            assert_eq!(parse(said), Some(new_year), "{said}");
        }
        for odd in ["", "yesterday", "2010-13-01T00:00:00Z", "9999999999"] {
            assert_eq!(parse(odd), None, "{odd}");
        }
        assert_eq!(parse(&text(-1)), Some(-1));
    }
}
