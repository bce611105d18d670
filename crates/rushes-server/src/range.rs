//! Byte ranges (RFC 9110, section 14): which bytes a `Range` header asks for.

/// Ranges that one request may name; more are refused.
const MOST_RANGES: usize = 16;
/// Ranges with a gap this small cost less as one than as two parts.
const SMALL_GAP_BYTES: u64 = 128;

/// Bytes of a file: from `start` up to but without `end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) start: u64,
    pub(crate) end: u64,
}

impl Span {
    pub(crate) fn len(self) -> u64 {
        self.end - self.start
    }
}

/// What a `Range` header asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// The header says nothing we understand: the whole file, status 200.
    Whole,
    /// These parts, at least one and none empty: status 206.
    Parts(Vec<Span>),
    /// Nothing that is there, or too much: status 416.
    Refused,
}

/// Reads a `Range` header for a file of this size. Parts that overlap or
/// nearly touch are joined, so that no byte is sent twice.
pub(crate) fn wanted(header: &str, size_bytes: u64) -> Wanted {
    let Some((unit, set)) = header.split_once('=') else { return Wanted::Whole };
    if !unit.trim().eq_ignore_ascii_case("bytes") {
        return Wanted::Whole;
    }
    let mut spans = Vec::new();
    let mut named = 0;
    for spec in set.split(',').map(|spec| spec.trim_matches([' ', '\t'])) {
        if spec.is_empty() {
            continue;
        }
        named += 1;
        match read(spec, size_bytes) {
            None => return Wanted::Whole,
            Some(Spec::Beyond) => {}
            Some(Spec::Whole) => return Wanted::Whole,
            Some(Spec::Within(span)) => spans.push(span),
        }
        if named > MOST_RANGES {
            return Wanted::Refused;
        }
    }
    match (named, spans.len()) {
        (0, _) => Wanted::Whole,
        (_, 0) => Wanted::Refused,
        _ => Wanted::Parts(joined(spans)),
    }
}

enum Spec {
    Within(Span),
    /// Satisfiable, but there is no byte to name: the last n of an empty file.
    Whole,
    Beyond,
}

/// `None` when it is no range at all.
fn read(spec: &str, size_bytes: u64) -> Option<Spec> {
    let (first, last) = spec.split_once('-')?;
    if first.is_empty() {
        let suffix = number(last)?;
        return Some(match (suffix, size_bytes) {
            (0, _) => Spec::Beyond,
            (_, 0) => Spec::Whole,
            _ => Spec::Within(Span { start: size_bytes.saturating_sub(suffix), end: size_bytes }),
        });
    }
    let start = number(first)?;
    let last = if last.is_empty() { u64::MAX } else { number(last)? };
    if last < start {
        return None;
    }
    if start >= size_bytes {
        return Some(Spec::Beyond);
    }
    Some(Spec::Within(Span { start, end: last.saturating_add(1).min(size_bytes) }))
}

/// Digits only; a number too large for 64 bits is larger than any file.
fn number(digits: &str) -> Option<u64> {
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some(digits.parse().unwrap_or(u64::MAX))
}

/// In the order asked for, unless some are to be joined.
fn joined(spans: Vec<Span>) -> Vec<Span> {
    let mut sorted = spans.clone();
    sorted.sort_by_key(|span| (span.start, span.end));
    let mut merged: Vec<Span> = Vec::with_capacity(sorted.len());
    for span in sorted {
        match merged.last_mut() {
            Some(before) if span.start <= before.end.saturating_add(SMALL_GAP_BYTES) => {
                before.end = before.end.max(span.end);
            }
            _ => merged.push(span),
        }
    }
    if merged.len() == spans.len() { spans } else { merged }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(header: &str, size: u64) -> Vec<(u64, u64)> {
        match wanted(header, size) {
            Wanted::Parts(spans) => spans.iter().map(|span| (span.start, span.end - 1)).collect(),
            other => panic!("{header}: {other:?}"),
        }
    }

    /// The examples of RFC 9110, sections 14.1.2 and 14.2, for 10,000 bytes.
    #[test]
    fn examples_of_the_standard() {
        for (header, expected) in [
            ("bytes=0-499", vec![(0, 499)]),
            ("bytes=500-999", vec![(500, 999)]),
            ("bytes=-500", vec![(9500, 9999)]),
            ("bytes=9500-", vec![(9500, 9999)]),
            ("bytes=0-0,-1", vec![(0, 0), (9999, 9999)]),
            ("bytes= 0-999, 4500-5499, -1000", vec![(0, 999), (4500, 5499), (9000, 9999)]),
            ("bytes=500-600,601-999", vec![(500, 999)]),
            ("bytes=500-700,601-999", vec![(500, 999)]),
        ] {
            assert_eq!(parts(header, 10_000), expected, "{header}");
        }
    }

    #[test]
    fn edges() {
        for (header, size, expected) in [
            ("bytes=0-", 1, vec![(0, 0)]),
            ("BYTES=0-0", 1, vec![(0, 0)]),
            ("bytes=0-99999999999999999999999", 10, vec![(0, 9)]),
            ("bytes=-99999999999999999999999", 10, vec![(0, 9)]),
            ("bytes=9-9", 10, vec![(9, 9)]),
            ("bytes=,,0-1,,", 10, vec![(0, 1)]),
            ("bytes=5-6,99-", 10, vec![(5, 6)]),
            // Order is kept while nothing is joined.
            ("bytes=5000-5001,0-1", 10_000, vec![(5000, 5001), (0, 1)]),
            // A gap smaller than a part's head is sent along.
            ("bytes=0-1,3-4", 10_000, vec![(0, 4)]),
        ] {
            assert_eq!(parts(header, size), expected, "{header}");
        }
    }

    #[test]
    fn what_is_no_range_is_ignored() {
        for header in [
            "",
            "bytes",
            "bytes=",
            "bytes=,",
            "bytes=-",
            "bytes=a-b",
            "bytes=5-4",
            "bytes=0-1,x",
            "bytes=+1-2",
            "bytes=1--2",
            "lines=0-1",
            "bytes=0 - 1",
            "bytes=0x1-2",
            "bytes 0-1",
        ] {
            assert_eq!(wanted(header, 10), Wanted::Whole, "{header}");
        }
        assert_eq!(wanted("bytes=-5", 0), Wanted::Whole);
    }

    #[test]
    fn what_is_not_there_or_too_much_is_refused() {
        for (header, size) in [
            ("bytes=10-", 10),
            ("bytes=10-20,30-40", 10),
            ("bytes=-0", 10),
            ("bytes=0-", 0),
            ("bytes=99999999999999999999999-", 10),
        ] {
            assert_eq!(wanted(header, size), Wanted::Refused, "{header}");
        }
        let many = |count: u64| {
            let specs: Vec<String> = (0..count).map(|n| format!("{0}-{0}", n * 1000)).collect();
            wanted(&format!("bytes={}", specs.join(",")), 1_000_000)
        };
        assert!(matches!(many(16), Wanted::Parts(parts) if parts.len() == 16));
        assert_eq!(many(17), Wanted::Refused);
    }

    #[test]
    fn no_byte_is_sent_twice() {
        let overlapping = vec!["0-"; 16].join(",");
        assert_eq!(parts(&format!("bytes={overlapping}"), 1000), vec![(0, 999)]);
    }
}
