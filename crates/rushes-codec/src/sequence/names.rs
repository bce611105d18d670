//! Names of files that belong together: patterns, wildcards, and the order
//! that a person would put them in.

use std::cmp::Ordering;

/// What a name is compared with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Pattern {
    /// A number between two texts, of at least so many digits; one of more has
    /// no zeros before it, as C's `%04d` writes it.
    Number { before: Vec<u8>, digits: usize, after: Vec<u8> },
    /// `*` for any text and `?` for any one byte.
    Wildcards(Vec<u8>),
}

impl Pattern {
    /// The pattern that a name is: `%d`, `%04d` (`%%` stands for `%`), `####`,
    /// or one with wildcards. `None` for a plain name.
    pub(crate) fn of(name: &[u8]) -> Option<Pattern> {
        if let Some(pattern) = printf(name).or_else(|| hashes(name)) {
            return Some(pattern);
        }
        name.iter().any(|byte| b"*?".contains(byte)).then(|| Pattern::Wildcards(name.to_vec()))
    }

    pub(super) fn matches(&self, name: &[u8]) -> bool {
        match self {
            Pattern::Number { before, digits, after } => {
                digits_between(name, before, *digits, after).is_some()
            }
            Pattern::Wildcards(pattern) => matches_wildcards(pattern, name),
        }
    }

    /// The number in a name that fits; `None` where it has none, or one that is
    /// beyond 64 bits.
    pub(crate) fn number_in(&self, name: &[u8]) -> Option<u64> {
        let Pattern::Number { before, digits, after } = self else { return None };
        let number = digits_between(name, before, *digits, after)?;
        std::str::from_utf8(number).ok()?.parse().ok()
    }

    /// The name with this number; `None` for wildcards.
    pub(crate) fn name(&self, number: u64) -> Option<Vec<u8>> {
        let Pattern::Number { before, digits, after } = self else { return None };
        let number = format!("{number:0digits$}");
        Some([before, number.as_bytes(), after].concat())
    }
}

/// The number of a name, as text.
fn digits_between<'n>(
    name: &'n [u8],
    before: &[u8],
    digits: usize,
    after: &[u8],
) -> Option<&'n [u8]> {
    let number = name.strip_prefix(before)?.strip_suffix(after)?;
    let is_padded = number.len() > 1 && number.starts_with(b"0");
    let is_number = !number.is_empty()
        && number.iter().all(u8::is_ascii_digit)
        && (number.len() == digits || (number.len() > digits && !is_padded));
    is_number.then_some(number)
}

/// `%d` or `%04d`, once.
fn printf(name: &[u8]) -> Option<Pattern> {
    let mut parts = vec![Vec::new()];
    let mut digits = None;
    let mut rest = name;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte != b'%' {
            parts.last_mut()?.push(byte);
            continue;
        }
        if let Some(after) = rest.strip_prefix(b"%") {
            parts.last_mut()?.push(b'%');
            rest = after;
            continue;
        }
        let end = rest.iter().position(|byte| !byte.is_ascii_digit())?;
        let (width, after) = rest.split_at(end);
        rest = after.strip_prefix(b"d")?;
        let width = match width.split_first() {
            None => 1,
            Some((b'0', width)) => std::str::from_utf8(width).ok()?.parse().ok()?,
            Some(_) => return None,
        };
        if digits.replace(width).is_some() || width == 0 {
            return None;
        }
        parts.push(Vec::new());
    }
    number(parts, digits?)
}

/// `#` for each digit, in one place.
fn hashes(name: &[u8]) -> Option<Pattern> {
    let start = name.iter().position(|&byte| byte == b'#')?;
    let (before, rest) = name.split_at(start);
    let digits = rest.iter().take_while(|&&byte| byte == b'#').count();
    let after = rest.get(digits..)?;
    if after.contains(&b'#') {
        return None;
    }
    number(vec![before.to_vec(), after.to_vec()], digits)
}

fn number(parts: Vec<Vec<u8>>, digits: usize) -> Option<Pattern> {
    let [before, after] = <[Vec<u8>; 2]>::try_from(parts).ok()?;
    Some(Pattern::Number { before, digits, after })
}

/// In time of the product of both lengths, however many stars there are.
fn matches_wildcards(pattern: &[u8], name: &[u8]) -> bool {
    let (mut at, mut from) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while let Some(&byte) = name.get(from) {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at + 1, from));
                at += 1;
            }
            Some(&wanted) if wanted == b'?' || wanted == byte => {
                at += 1;
                from += 1;
            }
            // The last star takes one more.
            _ => match star {
                Some((after, taken)) => {
                    star = Some((after, taken + 1));
                    (at, from) = (after, taken + 1);
                }
                None => return false,
            },
        }
    }
    pattern.get(at..).unwrap_or_default().iter().all(|&byte| byte == b'*')
}

/// Texts as bytes, runs of digits as numbers: `a2` before `a10`.
pub(super) fn natural(one: &[u8], other: &[u8]) -> Ordering {
    let (mut left, mut right) = (one, other);
    while let (Some(&a), Some(&b)) = (left.first(), right.first()) {
        let order = if a.is_ascii_digit() && b.is_ascii_digit() {
            let (number, rest) = digits(left);
            let (against, others) = digits(right);
            (left, right) = (rest, others);
            number.len().cmp(&against.len()).then_with(|| number.cmp(against))
        } else {
            left = left.get(1..).unwrap_or_default();
            right = right.get(1..).unwrap_or_default();
            a.cmp(&b)
        };
        if order != Ordering::Equal {
            return order;
        }
    }
    left.len().cmp(&right.len()).then_with(|| one.cmp(other))
}

/// The digits at the start without zeros before them, and what follows.
fn digits(text: &[u8]) -> (&[u8], &[u8]) {
    let end = text.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
    let (number, rest) = text.split_at(end);
    let zeros = number.iter().take_while(|&&byte| byte == b'0').count();
    (number.get(zeros..).unwrap_or_default(), rest)
}

/// The last number in a name before its extension, with the texts around it.
fn last_number(name: &[u8]) -> Option<(&[u8], u64, &[u8])> {
    let stem = name.iter().rposition(|&byte| byte == b'.').unwrap_or(name.len());
    let end = name.get(..stem)?.iter().rposition(u8::is_ascii_digit)? + 1;
    let start = name.get(..end)?.iter().rposition(|byte| !byte.is_ascii_digit());
    let start = start.map_or(0, |at| at + 1);
    let number = std::str::from_utf8(name.get(start..end)?).ok()?.parse().ok()?;
    Some((name.get(..start)?, number, name.get(end..)?))
}

/// Which numbers are missing between the first and the last of these names, in
/// words; `None` when none is, or they do not differ by one number alone.
pub(super) fn gaps<'n>(names: impl Iterator<Item = &'n [u8]>) -> Option<String> {
    /// Gaps that are told.
    const TOLD: usize = 3;
    let mut around = None;
    let mut last: Option<u64> = None;
    let (mut missing, mut found, mut told) = (0_u64, 0, Vec::new());
    for name in names {
        let (before, number, after) = last_number(name)?;
        if *around.get_or_insert((before, after)) != (before, after) {
            return None;
        }
        if let Some(last) = last {
            let absent = number.checked_sub(last)?.saturating_sub(1);
            if absent > 0 {
                found += 1;
                let (from, to) = (last + 1, number - 1);
                told.push(if from == to { format!("{from}") } else { format!("{from} to {to}") });
                told.truncate(TOLD);
            }
            missing = missing.saturating_add(absent);
        }
        last = Some(number);
    }
    let rest = if found > TOLD { format!(" and others, {missing} in all") } else { String::new() };
    (missing > 0).then(|| format!("numbers are missing in the row: {}{rest}", told.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matching<'n>(pattern: &str, names: &[&'n str]) -> Vec<&'n str> {
        let pattern = Pattern::of(pattern.as_bytes()).unwrap();
        names.iter().copied().filter(|name| pattern.matches(name.as_bytes())).collect()
    }

    #[test]
    fn numbers_as_c_writes_them() {
        let names = ["a.1.x", "a.01.x", "a.0001.x", "a.9999.x", "a.10000.x", "a.010000.x", "a..x"];
        let four = ["a.0001.x", "a.9999.x", "a.10000.x"];
        assert_eq!(matching("a.%04d.x", &names), four);
        assert_eq!(matching("a.####.x", &names), four);
        assert_eq!(matching("a.%d.x", &names), ["a.1.x", "a.9999.x", "a.10000.x"]);
        assert_eq!(matching("100%%_%02d", &["100%_01", "100%%_01"]), ["100%_01"]);
        for plain in
            ["a.png", "100%", "%s", "%4d", "%d%d", "%00d", "#a#", "%099999999999999999999d"]
        {
            assert_eq!(Pattern::of(plain.as_bytes()), None, "{plain}");
        }
    }

    #[test]
    fn wildcards() {
        let names = ["a1.png", "a12.png", "b1.png", "a.jpg", ""];
        assert_eq!(matching("a*.png", &names), ["a1.png", "a12.png"]);
        assert_eq!(matching("?1.png", &names), ["a1.png", "b1.png"]);
        assert_eq!(matching("*", &names).len(), 5);
        assert_eq!(matching("*1*.p*g*", &names), ["a1.png", "a12.png", "b1.png"]);
        let long = "a".repeat(2000);
        assert!(!Pattern::of(b"*a*a*a*a*a*a*a*a*a*b").unwrap().matches(long.as_bytes()));
    }

    #[test]
    fn numbers_are_sorted_as_numbers() {
        let mut names = ["f10", "f9", "f09", "f1b", "f1", "g0", "f100000000000000000000000", "f2"];
        names.sort_by(|a, b| natural(a.as_bytes(), b.as_bytes()));
        let sorted = ["f1", "f1b", "f2", "f09", "f9", "f10", "f100000000000000000000000", "g0"];
        assert_eq!(names, sorted);
    }

    #[test]
    fn gaps_are_told() {
        let told = |names: &[&str]| gaps(names.iter().map(|name| name.as_bytes()));
        assert_eq!(told(&["a1.x", "a2.x", "a3.x"]), None);
        assert_eq!(told(&["a1.x", "b9.x"]), None);
        let words = told(&["v2.0001.x", "v2.0003.x", "v2.0007.x"]).unwrap();
        assert_eq!(words, "numbers are missing in the row: 2, 4 to 6");
        let words = told(&["1.x", "3.x", "5.x", "7.x", "9.x"]).unwrap();
        assert_eq!(words, "numbers are missing in the row: 2, 4, 6 and others, 4 in all");
        assert_eq!(told(&["a0.x", "a99999999999999999999999.x"]), None);
    }
}
