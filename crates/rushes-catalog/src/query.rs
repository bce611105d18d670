//! The search language: words, phrases and filters, as SQL conditions with
//! bound values.

use jiff::civil::Date;
use rushes_media::{Error, ErrorKind, Result};
use rusqlite::types::Value;

use crate::wanted::quote;

/// The filters, with an example and what each does; the help and the
/// dashboard's suggestions come from here.
pub const FILTERS: &[(&str, &str, &str)] = &[
    ("kind", "kind:video", "still, video or audio"),
    ("codec", "codec:hevc", "codec of the picture, else of the sound"),
    ("ext", "ext:mov", "extension of the file name"),
    ("duration", "duration:>10", "seconds, or h:mm:ss, or like 1h30m"),
    ("width", "width:>=1920", "pixels across, upright"),
    ("height", "height:<=720", "pixels down, upright"),
    ("fps", "fps:50", "frames a second, also as 30000/1001"),
    ("size", "size:>1G", "bytes, with K, M, G or T"),
    ("date", "date:2024-01..2024-06", "when it was made: year, month, day or a range"),
    ("batch", "batch:Trip", "name of its folder, of the first one where it lies in several"),
    ("root", "root:Footage", "name of its root"),
    ("tag", "-tag:rejected", "a person's tag"),
    ("camera", "camera:iphone", "part of make and model"),
    ("state", "state:offline", "present, offline or gone"),
    ("audio", "audio:yes", "whether it has sound"),
    ("hdr", "hdr:yes", "whether it is HDR"),
    (
        "live",
        "live:yes",
        "whether it calls itself half of a Live Photo, wherever the other half is",
    ),
    ("error", "error:yes", "whether it could not be read"),
    ("hashed", "hashed:no", "whether the full hash of what it holds now is known"),
    ("copies", "copies:<2", "places where it is, and verified copies beside them"),
    (
        "verified",
        "verified:>90d",
        "when a copy was last read back: days (d), weeks (w) or hours (h) ago, or never; yes or no",
    ),
    (
        "sort",
        "sort:-date",
        "date, added, size or duration, largest first, or name, from A; - turns it round",
    ),
];

/// What every list asks for that names no state: assets that are somewhere,
/// without those that only a scan knows yet. The lists' indexes have the very
/// same condition.
pub const LISTED: &str = "assets.present>0 AND (kind<>'unknown' OR probe_state=2)";

/// Whether a sign such as € or ☀, which the index of words knows nothing of, is in a file's name.
const HAS_SIGN_IN_NAME: &str = "EXISTS (SELECT 1 FROM places
    WHERE places.asset_id=assets.id AND instr(places.name, ?)>0)";

/// What a list is sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SortKey {
    /// When it was made.
    Date,
    /// When it was first seen.
    Added,
    /// File name.
    Name,
    /// Bytes.
    Size,
    /// Length in time.
    Duration,
}

impl SortKey {
    /// The expression that is sorted by.
    pub(crate) fn column(self) -> &'static str {
        match self {
            SortKey::Date => "sort_ns",
            SortKey::Added => "assets.id",
            SortKey::Name => "assets.name",
            SortKey::Size => "assets.size_bytes",
            SortKey::Duration => "coalesce(duration_secs,-1)",
        }
    }
}

/// Something that must be among an asset's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Word {
    /// These words, one after the other.
    Exact(String),
    /// A word that begins like this.
    Beginning(String),
}

/// A parsed query.
#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    /// Conditions on a row of `assets`, each true for every hit.
    pub(crate) conditions: Vec<(String, Vec<Value>)>,
    /// Words that must be there.
    pub(crate) words: Vec<Word>,
    /// What it is sorted by.
    pub sort: SortKey,
    /// Whether the largest come first.
    pub descending: bool,
}

impl Query {
    /// Whether nothing restricts it beyond being somewhere.
    pub(crate) fn is_everything(&self) -> bool {
        self.words.is_empty() && self.conditions.len() == 1
    }
}

/// Parses a query.
///
/// # Errors
/// `Invalid`, naming the part that makes no sense and what would.
pub fn parse(query: &str) -> Result<Query> {
    if query.len() > 2_000 {
        return Err(bad("it is longer than 2,000 bytes", "shorten it"));
    }
    let mut parsed =
        Query { conditions: Vec::new(), words: Vec::new(), sort: SortKey::Date, descending: true };
    let mut any_state = false;
    for token in tokens(query)? {
        let (negated, body) = match token.text.strip_prefix('-') {
            Some(rest) if !rest.is_empty() && !token.quoted => (true, rest),
            _ => (false, token.text.as_str()),
        };
        let filtered = body.split_once(':').filter(|_| !token.quoted);
        // A filter is one in whatever case; other words with a colon stay as they are.
        let lower = filtered.map(|(name, value)| (name.to_lowercase(), value));
        let is_filter = |name: &str| FILTERS.iter().any(|(filter, ..)| *filter == name);
        match lower
            .as_ref()
            .filter(|(name, _)| is_filter(name))
            .map_or(filtered, |(name, value)| Some((name, *value)))
        {
            Some(("sort", value)) => {
                let (key, turned) = value.strip_prefix('-').map_or((value, false), |v| (v, true));
                // Time and size begin with the newest and the largest, names with A.
                let (sort, descending) = match key {
                    "date" => (SortKey::Date, true),
                    "added" => (SortKey::Added, true),
                    "name" => (SortKey::Name, false),
                    "size" => (SortKey::Size, true),
                    "duration" => (SortKey::Duration, true),
                    _ => {
                        return Err(bad(
                            format!("{value:?} is nothing to sort by"),
                            "use date, added, name, size or duration",
                        ));
                    }
                };
                parsed.sort = sort;
                parsed.descending = descending != turned;
            }
            Some((name, value)) if is_filter(name) => {
                any_state |= name == "state";
                let (condition, values) = filter(name, value)?;
                let condition =
                    if negated { format!("NOT coalesce(({condition}),0)") } else { condition };
                parsed.conditions.push((condition, values));
            }
            Some((name, _)) if name.chars().all(|c| c.is_ascii_lowercase()) && !name.is_empty() => {
                let known: Vec<&str> = FILTERS.iter().map(|(filter, ..)| *filter).collect();
                return Err(bad(
                    format!("there is no filter {name:?}"),
                    format!("use one of {}, or put the words in quotes", known.join(", ")),
                ));
            }
            // Punctuation alone is nothing to look for: it stands between words, or begins one.
            _ if body.chars().all(|c| c.is_ascii_punctuation() || c.is_whitespace()) => {}
            _ if !body.chars().any(char::is_alphanumeric) => {
                let not = if negated { "NOT " } else { "" };
                parsed.conditions.push((
                    format!("{not}{HAS_SIGN_IN_NAME}"),
                    vec![Value::Blob(body.as_bytes().to_vec())],
                ));
            }
            _ if negated => parsed.conditions.push((
                "assets.id NOT IN (SELECT rowid FROM words WHERE words MATCH ?)".into(),
                vec![Value::Text(quote(body))],
            )),
            _ if token.quoted => parsed.words.push(Word::Exact(body.to_owned())),
            _ => parsed.words.push(Word::Beginning(body.to_owned())),
        }
    }
    if !any_state {
        parsed.conditions.insert(0, (LISTED.into(), Vec::new()));
    }
    Ok(parsed)
}

fn bad(why: impl Into<String>, remedy: impl Into<String>) -> Error {
    Error::new(ErrorKind::Invalid, "reading the query", why).remedy(remedy)
}

struct Token {
    text: String,
    quoted: bool,
}

/// What is in quotes, up to the one that closes them, and what follows it.
/// Inside them \" is a quote and \\ a backslash.
fn in_quotes(inside: &str) -> Result<(String, &str)> {
    let mut text = String::new();
    let mut signs = inside.char_indices().peekable();
    while let Some((at, sign)) = signs.next() {
        match sign {
            '"' => return Ok((text, inside.get(at + 1..).unwrap_or_default())),
            '\\' => {
                let escaped = signs.next_if(|(_, next)| matches!(next, '"' | '\\'));
                text.push(escaped.map_or(sign, |(_, next)| next));
            }
            _ => text.push(sign),
        }
    }
    Err(bad("a quote is not closed", "add a \""))
}

/// Splits at spaces; quotes keep them together, also after a filter's colon.
fn tokens(query: &str) -> Result<Vec<Token>> {
    let mut found = Vec::new();
    let mut rest = query.trim_start();
    while !rest.is_empty() {
        let (negated, unsigned) = rest.strip_prefix('-').map_or((false, rest), |r| (true, r));
        if let Some(inside) = unsigned.strip_prefix('"') {
            let (phrase, after) = in_quotes(inside)?;
            let sign = if negated { "-" } else { "" };
            // A negated phrase is a word like any other once its quotes are off.
            found.push(Token { text: format!("{sign}{phrase}"), quoted: !negated });
            rest = after.trim_start();
            continue;
        }
        let mut text = String::new();
        while let Some(sign) = rest.chars().next().filter(|sign| !sign.is_whitespace()) {
            let after = rest.get(sign.len_utf8()..).unwrap_or_default();
            if sign == '"' {
                let (phrase, after) = in_quotes(after)?;
                text.push_str(&phrase);
                rest = after;
            } else {
                text.push(sign);
                rest = after;
            }
        }
        found.push(Token { text, quoted: false });
        rest = rest.trim_start();
    }
    if found.len() > 64 {
        return Err(bad("it has more than 64 parts", "shorten it"));
    }
    Ok(found)
}

fn filter(name: &str, value: &str) -> Result<(String, Vec<Value>)> {
    let text = |value: &str| Value::Text(value.to_owned());
    if value.is_empty() {
        return Err(bad(
            format!("{name}: has nothing after it"),
            format!("write it like {}", example(name)),
        ));
    }
    Ok(match name {
        "kind" => {
            let kind = match value.to_lowercase() {
                kind if ["photo", "image", "picture"].contains(&&*kind) => "still".to_owned(),
                kind if kind == "sound" => "audio".to_owned(),
                kind => kind,
            };
            if !["still", "video", "audio"].contains(&&*kind) {
                return Err(bad(format!("{value:?} is no kind"), "use still, video or audio"));
            }
            ("kind=?".into(), vec![Value::Text(kind)])
        }
        "codec" => ("codec=?".into(), vec![text(&codec_name(value))]),
        "ext" => ("extension=?".into(), vec![text(&value.trim_start_matches('.').to_lowercase())]),
        "batch" => ("batch=?".into(), vec![text(value)]),
        "camera" => {
            ("camera LIKE ? ESCAPE '\\'".into(), vec![text(&format!("%{}%", escape_like(value)))])
        }
        "tag" => (
            "EXISTS (SELECT 1 FROM tags WHERE tags.asset_id=assets.id AND tag=?)".into(),
            vec![text(value)],
        ),
        "root" => (
            "EXISTS (SELECT 1 FROM places JOIN folders ON folders.id=folder_id
                     JOIN roots ON roots.id=root_id
                     WHERE places.asset_id=assets.id AND places.state=0 AND roots.name=?)"
                .into(),
            vec![text(value)],
        ),
        "state" => {
            let offline =
                "(SELECT roots.state='offline' FROM places JOIN folders ON folders.id=folder_id
                            JOIN roots ON roots.id=root_id WHERE places.id=assets.place_id)";
            let condition = match value {
                "present" => format!("assets.present>0 AND NOT {offline}"),
                "offline" => format!("assets.present>0 AND {offline}"),
                "gone" => "assets.present=0".into(),
                _ => {
                    return Err(bad(
                        format!("{value:?} is no state"),
                        "use present, offline or gone",
                    ));
                }
            };
            (condition, Vec::new())
        }
        "audio" => (yes_no("has_audio=1", value)?, Vec::new()),
        "hdr" => (yes_no("hdr IS NOT NULL", value)?, Vec::new()),
        "live" => (yes_no("content_identifier IS NOT NULL", value)?, Vec::new()),
        "error" => (yes_no("probe_state=2", value)?, Vec::new()),
        "hashed" => (yes_no("blake3 IS NOT NULL AND rehash=0", value)?, Vec::new()),
        "width" => number("width_px", value, name, plain)?,
        "height" => number("height_px", value, name, plain)?,
        "fps" => number("round(frame_rate_hz,2)", value, name, rate)?,
        "copies" => number("assets.present+assets.backups", value, name, plain)?,
        "verified" => verified(value)?,
        "duration" => number("duration_secs", value, name, seconds)?,
        "size" => number("assets.size_bytes", value, name, bytes)?,
        "date" => date(value)?,
        _ => return Err(Error::bug("reading the query", format!("no rule for {name}"))),
    })
}

fn example(name: &str) -> &'static str {
    FILTERS
        .iter()
        .find(|(filter, ..)| *filter == name)
        .map_or("name:value", |(_, example, _)| example)
}

/// Names people use for codecs, as FFmpeg calls them.
fn codec_name(value: &str) -> String {
    let lower = value.to_lowercase();
    match lower.as_str() {
        "h265" | "h.265" | "x265" => "hevc".into(),
        "h.264" | "avc" | "x264" => "h264".into(),
        "jpg" | "mjpg" => "jpeg".into(),
        _ => lower,
    }
}

fn escape_like(value: &str) -> String {
    value.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_")
}

fn yes_no(condition: &str, value: &str) -> Result<String> {
    match value {
        "yes" | "true" | "1" => Ok(condition.into()),
        "no" | "false" | "0" => Ok(format!("NOT coalesce(({condition}),0)")),
        _ => Err(bad(format!("{value:?} is neither yes nor no"), "use yes or no")),
    }
}

fn number(
    column: &str,
    value: &str,
    name: &str,
    read: fn(&str) -> Option<f64>,
) -> Result<(String, Vec<Value>)> {
    let parse = |text: &str| {
        read(text).filter(|number| number.is_finite()).map(Value::Real).ok_or_else(|| {
            bad(
                format!("{text:?} after {name}: is no number"),
                format!("write it like {}", example(name)),
            )
        })
    };
    if let Some((low, high)) = value.split_once("..") {
        let (from, to) = (parse(low)?, parse(high)?);
        if matches!((&from, &to), (Value::Real(from), Value::Real(to)) if from > to) {
            return Err(reversed(value, name));
        }
        return Ok((format!("{column} BETWEEN ? AND ?"), vec![from, to]));
    }
    for operator in [">=", "<=", ">", "<", "="] {
        if let Some(rest) = value.strip_prefix(operator) {
            return Ok((format!("{column}{operator}?"), vec![parse(rest)?]));
        }
    }
    Ok((format!("{column}=?"), vec![parse(value)?]))
}

/// A range that nothing can be in.
fn reversed(value: &str, name: &str) -> Error {
    let why = format!("the range {value:?} after {name}: ends before it begins");
    bad(why, "write the smaller one first")
}

/// How long ago a copy was last read back. What never was is older than any age.
fn verified(value: &str) -> Result<(String, Vec<Value>)> {
    if let Ok(condition) = yes_no("verified_ns IS NOT NULL", value) {
        return Ok((condition, Vec::new()));
    }
    let (is_older, age) = match value.split_at_checked(1) {
        Some((">", age)) => (true, age),
        Some(("<", age)) => (false, age),
        _ => (false, ""),
    };
    let secs = [("h", 3_600.0), ("d", 86_400.0), ("w", 604_800.0)]
        .iter()
        .find_map(|(unit, secs)| Some(age.strip_suffix(unit)?.parse::<f64>().ok()? * secs))
        .filter(|secs| (0.0..=1e10).contains(secs))
        .ok_or_else(|| {
            bad(
                format!("{value:?} after verified: is no age"),
                "write it like >90d, <12h or >2w, or yes or no",
            )
        })?;
    let then = "(unixepoch('subsec')-?)*1e9";
    let condition = if is_older {
        format!("coalesce(verified_ns<{then},1)")
    } else {
        format!("coalesce(verified_ns>={then},0)")
    };
    Ok((condition, vec![Value::Real(secs)]))
}

fn plain(text: &str) -> Option<f64> {
    text.parse().ok()
}

/// Frames a second, to the two digits that are compared.
fn rate(text: &str) -> Option<f64> {
    let Some((frames, secs)) = text.split_once('/') else { return plain(text) };
    let rate = plain(frames)? / plain(secs)?;
    Some((rate * 100.0).round() / 100.0)
}

/// `95`, `1:35` or `1m35s`.
fn seconds(text: &str) -> Option<f64> {
    let text = text.to_lowercase();
    if text.contains(['h', 'm']) {
        let mut rest = text.as_str();
        let mut total = 0.0;
        for (letter, secs) in [('h', 3600.0), ('m', 60.0)] {
            if let Some((number, after)) = rest.split_once(letter) {
                total += number.parse::<f64>().ok()? * secs;
                rest = after;
            }
        }
        let left = rest.trim_end_matches('s');
        return Some(if left.is_empty() { total } else { total + left.parse::<f64>().ok()? });
    }
    text.trim_end_matches('s')
        .split(':')
        .try_fold(0.0, |total, part| Some(total * 60.0 + part.parse::<f64>().ok()?))
}

fn bytes(text: &str) -> Option<f64> {
    let upper = text.to_uppercase();
    let text = upper.trim_end_matches('B').trim_end_matches('I');
    let scales = [('K', 1e3), ('M', 1e6), ('G', 1e9), ('T', 1e12)];
    for (letter, scale) in scales {
        if let Some(number) = text.strip_suffix(letter) {
            return Some(number.parse::<f64>().ok()? * scale);
        }
    }
    text.parse().ok()
}

fn date(value: &str) -> Result<(String, Vec<Value>)> {
    let day = |date: Date| -> Result<i64> {
        let time = date
            .to_zoned(jiff::tz::TimeZone::UTC)
            .map_err(|e| Error::new(ErrorKind::Invalid, "reading the query", e.to_string()))?;
        i64::try_from(time.timestamp().as_nanosecond())
            .map_err(|_| bad(format!("{value:?} is too far away"), "use a date of this age"))
    };
    let span = |text: &str| -> Result<(i64, i64)> {
        let (first, next) = days_of(text).ok_or_else(|| {
            bad(
                format!("{text:?} is no date"),
                "write 2024, 2024-06, 2024-06-01 or a range like 2024-01..2024-06",
            )
        })?;
        Ok((day(first)?, day(next)?))
    };
    let between = "sort_ns>=? AND sort_ns<?";
    if let Some((low, high)) = value.split_once("..") {
        let start = if low.is_empty() { i64::MIN } else { span(low)?.0 };
        let end = if high.is_empty() { i64::MAX } else { span(high)?.1 };
        if start >= end {
            return Err(reversed(value, "date"));
        }
        return Ok((between.into(), vec![start.into(), end.into()]));
    }
    for operator in [">=", "<=", ">", "<"] {
        if let Some(rest) = value.strip_prefix(operator) {
            let (start, end) = span(rest)?;
            let (start, end) = match operator {
                ">=" => (start, i64::MAX),
                "<=" => (i64::MIN, end),
                ">" => (end, i64::MAX),
                _ => (i64::MIN, start),
            };
            return Ok((between.into(), vec![start.into(), end.into()]));
        }
    }
    let (start, end) = span(value)?;
    Ok((between.into(), vec![start.into(), end.into()]))
}

/// The first day of a year, month or day, and the first day after it.
fn days_of(text: &str) -> Option<(Date, Date)> {
    use jiff::ToSpan;
    let parts: Vec<i16> = text.split('-').map(|part| part.parse().ok()).collect::<Option<_>>()?;
    let small = |number: i16| i8::try_from(number).ok();
    let (first, span) = match parts[..] {
        [year] if text.len() == 4 => (Date::new(year, 1, 1).ok()?, 1.year()),
        [year, month] => (Date::new(year, small(month)?, 1).ok()?, 1.month()),
        [year, month, day] => (Date::new(year, small(month)?, small(day)?).ok()?, 1.day()),
        _ => return None,
    };
    Some((first, first.checked_add(span).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn conditions(query: &str) -> String {
        let parsed = parse(query).unwrap();
        parsed.conditions.iter().map(|(c, v)| format!("{c} {v:?}; ")).collect()
    }

    #[test]
    fn the_example_of_the_help() {
        let parsed = parse(
            "kind:video codec:hevc duration:>10 width:>=1920 date:2024-01..2024-06 batch:Trip \"golden gate\" -tag:rejected sort:date",
        )
        .unwrap();
        assert_eq!(parsed.words, [Word::Exact("golden gate".into())]);
        assert_eq!((parsed.sort, parsed.descending), (SortKey::Date, true));
        let all = conditions("date:2024-01..2024-06");
        // 2024-01-01 and 2024-07-01, UTC.
        assert!(
            all.contains("1704067200000000000") && all.contains("1719792000000000000"),
            "{all}"
        );
    }

    #[test]
    fn numbers_with_units() {
        assert!(conditions("size:>1.5G").contains("1500000000"));
        assert!(conditions("duration:1:02:03").contains("3723"));
        assert!(conditions("width:100..200").contains("BETWEEN"));
        assert!(conditions("codec:H.265").contains("hevc"));
        assert!(conditions("duration:1m").contains("Real(60.0)"));
        assert!(conditions("duration:1h30m").contains("Real(5400.0)"));
        assert!(conditions("duration:<1m5.5s").contains("Real(65.5)"));
        assert!(conditions("fps:30000/1001").contains("Real(29.97)"));
        assert_eq!(conditions("Kind:Video DURATION:>1"), conditions("kind:video duration:>1"));
    }

    #[test]
    fn words_are_text_whatever_they_hold() {
        let beginning = |word: &str| Word::Beginning(word.into());
        assert_eq!(parse("gold\" OR \"x").unwrap().words, [beginning("gold OR x")]);
        assert_eq!(quote("gold\" OR \"x"), "\"gold  OR  x\"");
        let all = ["NEAR(", "a*b", "^c"].map(beginning);
        assert_eq!(parse("NEAR( a*b ^c").unwrap().words, all);
        assert_eq!(parse("-noise hum").unwrap().words, [beginning("hum")]);
        assert_eq!(parse("-\"big wave\"").unwrap().conditions.len(), 2);
        assert!(parse("...").unwrap().words.is_empty());
        assert!(
            parse("batch:\"My Trip\"").unwrap().conditions[1].1[0] == Value::Text("My Trip".into())
        );
    }

    #[test]
    fn a_quote_in_quotes_is_escaped() {
        for (query, batch) in [
            (r#"batch:"say \"so\"""#, r#"say "so""#),
            (r#"batch:"a\\""#, r"a\"),
            (r#"batch:"a\xff""#, r"a\xff"),
            (r#"batch:a" "b\c"#, r"a b\c"),
        ] {
            let parsed = parse(query).unwrap();
            assert_eq!(parsed.conditions[1].1, [Value::Text(batch.into())], "{query}");
        }
        let parsed = parse(r#""big \"wave\"" hum"#).unwrap();
        assert_eq!(
            parsed.words,
            [Word::Exact(r#"big "wave""#.into()), Word::Beginning("hum".into())]
        );
    }

    #[test]
    fn mistakes_are_named() {
        for (query, part) in [
            ("kind:film", "film"),
            ("wdith:>3", "wdith"),
            ("width:>x", "\"x\""),
            ("date:2024-13", "2024-13"),
            ("sort:colour", "colour"),
            ("\"open", "quote"),
            ("duration:", "duration"),
            ("audio:maybe", "maybe"),
            ("width:200..100", "200..100"),
            ("duration:1m..30", "1m..30"),
            ("date:2024-06..2024-01", "ends before it begins"),
            ("fps:30/0", "30/0"),
            ("duration:1m1h", "1m1h"),
            ("batch:\"open\\\"", "quote"),
        ] {
            let error = parse(query).unwrap_err();
            assert_eq!(error.kind, ErrorKind::Invalid);
            assert!(error.to_string().contains(part), "{error}");
        }
        assert!(parse(&"a ".repeat(100)).is_err());
    }
}
