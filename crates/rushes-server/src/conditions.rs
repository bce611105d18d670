//! Conditional requests (RFC 9110, section 13): whether the client has it
//! already, and whether it still is what the client knows.

use axum::http::HeaderMap;
use axum::http::header::{
    HeaderName, IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, IF_UNMODIFIED_SINCE,
};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::fmt::rfc2822::DateTimePrinter;
use jiff::tz::TimeZone;
use rushes_media::UnixNanos;

/// What names one state of a representation.
#[derive(Clone, Debug)]
pub(crate) struct Validators {
    /// With its quotes, and `W/` before them when it is weak.
    pub(crate) etag: String,
    /// When it last changed, in whole seconds.
    pub(crate) modified: Option<Timestamp>,
}

/// What the conditions of a request come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Answer as if there were none.
    Proceed,
    /// The client has it: status 304.
    NotModified,
    /// It is no longer what the client knows: status 412.
    Failed,
}

impl Validators {
    /// Evaluates the conditions in the order of RFC 9110, section 13.2.2.
    /// `If-Range` is not among them: see [`Validators::allows_range`].
    pub(crate) fn evaluate(&self, headers: &HeaderMap) -> Verdict {
        if let Some(tags) = list(headers, &IF_MATCH) {
            if !matches(&tags, |tag| self.is_strongly(tag)) {
                return Verdict::Failed;
            }
        } else if let (Some(date), Some(modified)) =
            (date(headers, &IF_UNMODIFIED_SINCE), self.modified)
            && modified > date
        {
            return Verdict::Failed;
        }
        if let Some(tags) = list(headers, &IF_NONE_MATCH) {
            if matches(&tags, |tag| opaque(tag) == opaque(&self.etag)) {
                return Verdict::NotModified;
            }
        } else if let (Some(date), Some(modified)) =
            (date(headers, &IF_MODIFIED_SINCE), self.modified)
            && modified <= date
        {
            return Verdict::NotModified;
        }
        Verdict::Proceed
    }

    /// Whether a `Range` may be honoured: there is no `If-Range`, or it names
    /// just this state. A date only does when the file has been at rest for
    /// longer than a date can tell.
    pub(crate) fn allows_range(&self, headers: &HeaderMap, now: UnixNanos) -> bool {
        let Some(condition) = headers.get(IF_RANGE) else { return true };
        let Ok(condition) = condition.to_str() else { return false };
        if condition.contains('"') {
            return self.is_strongly(condition.trim());
        }
        let (Some(date), Some(modified)) = (parse_date(condition), self.modified) else {
            return false;
        };
        let now_secs = now.div_euclid(1_000_000_000);
        date == modified && now_secs.saturating_sub(modified.as_second()) >= 2
    }

    fn is_strongly(&self, tag: &str) -> bool {
        !tag.starts_with("W/") && tag == self.etag
    }
}

/// The tag without its weakness.
fn opaque(tag: &str) -> &str {
    tag.strip_prefix("W/").unwrap_or(tag)
}

fn matches(list: &str, is_it: impl Fn(&str) -> bool) -> bool {
    list.trim() == "*" || entity_tags(list).any(is_it)
}

/// The tags of a list. A comma may stand inside one, so that splitting at
/// commas would not do.
fn entity_tags(list: &str) -> impl Iterator<Item = &str> {
    let mut rest = list;
    std::iter::from_fn(move || {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        let open = if rest.starts_with("W/\"") { 2 } else { 0 };
        let inner = rest.get(open..)?.strip_prefix('"')?;
        let end = open + 1 + inner.find('"')? + 1;
        let (tag, after) = rest.split_at_checked(end)?;
        rest = after;
        Some(tag)
    })
}

/// The header's lines as one list.
fn list(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    let lines: Vec<&str> =
        headers.get_all(name).iter().filter_map(|line| line.to_str().ok()).collect();
    if lines.is_empty() { None } else { Some(lines.join(",")) }
}

fn date(headers: &HeaderMap, name: &HeaderName) -> Option<Timestamp> {
    parse_date(headers.get(name)?.to_str().ok()?)
}

/// An HTTP date in any of its three forms (RFC 9110, section 5.6.7).
fn parse_date(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    ["%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"]
        .iter()
        .find_map(|form| DateTime::strptime(form, text).ok())
        .and_then(|date| date.to_zoned(TimeZone::UTC).ok())
        .map(|date| date.timestamp())
}

/// The time as an HTTP date; `None` outside the years that one can show.
pub(crate) fn http_date(time: Timestamp) -> Option<String> {
    DateTimePrinter::new().timestamp_to_rfc9110_string(&time).ok()
}

/// The whole second that this lies in.
pub(crate) fn whole_second(time: UnixNanos) -> Option<Timestamp> {
    Timestamp::from_second(time.div_euclid(1_000_000_000)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixNanos = 1_000_000_000_000_000_000;

    fn validators() -> Validators {
        Validators { etag: "\"a,b\"".into(), modified: parse_date("Sun, 06 Nov 1994 08:49:37 GMT") }
    }

    fn headers(pairs: &[(HeaderName, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect()
    }

    #[test]
    fn the_three_forms_of_a_date() {
        let expected = Timestamp::from_second(784_111_777).unwrap();
        for text in [
            "Sun, 06 Nov 1994 08:49:37 GMT",
            "Sunday, 06-Nov-94 08:49:37 GMT",
            "Sun Nov  6 08:49:37 1994",
        ] {
            assert_eq!(parse_date(text), Some(expected), "{text}");
        }
        assert_eq!(http_date(expected).unwrap(), "Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(parse_date("yesterday"), None);
    }

    #[test]
    fn precedence() {
        let same = "Sun, 06 Nov 1994 08:49:37 GMT";
        let before = "Sun, 06 Nov 1994 08:49:36 GMT";
        for (pairs, verdict) in [
            (vec![], Verdict::Proceed),
            (vec![(IF_NONE_MATCH, "\"x\", W/\"a,b\"")], Verdict::NotModified),
            (vec![(IF_NONE_MATCH, "*")], Verdict::NotModified),
            (vec![(IF_NONE_MATCH, "\"a\", \"b\"")], Verdict::Proceed),
            (vec![(IF_MODIFIED_SINCE, same)], Verdict::NotModified),
            (vec![(IF_MODIFIED_SINCE, before)], Verdict::Proceed),
            (vec![(IF_MODIFIED_SINCE, "nonsense")], Verdict::Proceed),
            // A tag outranks a date.
            (vec![(IF_NONE_MATCH, "\"x\""), (IF_MODIFIED_SINCE, same)], Verdict::Proceed),
            (vec![(IF_MATCH, "\"a,b\"")], Verdict::Proceed),
            (vec![(IF_MATCH, "W/\"a,b\"")], Verdict::Failed),
            (vec![(IF_MATCH, "*"), (IF_UNMODIFIED_SINCE, before)], Verdict::Proceed),
            (vec![(IF_UNMODIFIED_SINCE, before)], Verdict::Failed),
            (vec![(IF_UNMODIFIED_SINCE, same)], Verdict::Proceed),
            (vec![(IF_MATCH, "\"x\""), (IF_NONE_MATCH, "\"a,b\"")], Verdict::Failed),
        ] {
            assert_eq!(validators().evaluate(&headers(&pairs)), verdict, "{pairs:?}");
        }
    }

    #[test]
    fn if_range_takes_strong_validators_only() {
        for (condition, allowed) in [
            ("\"a,b\"", true),
            ("W/\"a,b\"", false),
            ("\"x\"", false),
            ("Sun, 06 Nov 1994 08:49:37 GMT", true),
            ("Sun, 06 Nov 1994 08:49:38 GMT", false),
            ("nonsense", false),
        ] {
            let headers = headers(&[(IF_RANGE, condition)]);
            assert_eq!(validators().allows_range(&headers, NOW), allowed, "{condition}");
        }
        let mut weak = validators();
        weak.etag = "W/\"a\"".into();
        assert!(!weak.allows_range(&headers(&[(IF_RANGE, "W/\"a\"")]), NOW));
        // Changed within this very second: the date may name two states.
        let just_now = 784_111_778 * 1_000_000_000;
        let date = headers(&[(IF_RANGE, "Sun, 06 Nov 1994 08:49:37 GMT")]);
        assert!(!validators().allows_range(&date, just_now));
    }
}
