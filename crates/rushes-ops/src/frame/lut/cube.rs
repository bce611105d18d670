use std::str::FromStr;

use rushes_media::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};

const WHAT: &str = "reading the .cube table";

/// A table of colours, as text: Adobe's "Cube LUT Specification 1.0" (2013),
/// with one curve of 2 to 65,536 points for each channel or a solid of 2 to 256 colours
/// a side. Resolve's `LUT_1D_INPUT_RANGE` and `LUT_3D_INPUT_RANGE` are
/// understood too; a file with both kinds of table is not.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Cube {
    text: String,
    pub(super) shape: Shape,
    /// Of red, green and blue: the inputs of the first and the last entry.
    pub(super) domain: [[f32; 2]; 3],
    /// Red changes fastest.
    pub(super) colors: Vec<[f32; 3]>,
}

/// How many entries there are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Shape {
    Curves(usize),
    Solid(usize),
}

impl Shape {
    fn colors(self) -> usize {
        match self {
            Shape::Curves(len) => len,
            Shape::Solid(side) => side * side * side,
        }
    }
}

impl FromStr for Cube {
    type Err = Error;

    /// # Errors
    /// `Corrupt`, with the line, when the text is no such table; `Limit` when
    /// it has more entries than the specification allows; `Unsupported` when
    /// it has curves and a solid; `Invalid` for a file's name.
    fn from_str(text: &str) -> Result<Cube> {
        let name = text.trim();
        if !name.contains('\n') && name.to_ascii_lowercase().ends_with(".cube") {
            let shown: String = name.chars().take(80).collect();
            let why = format!("{shown:?} is a file's name");
            return Err(Error::new(ErrorKind::Invalid, WHAT, why)
                .remedy("give the text that is in the file"));
        }
        let mut shape = None;
        let mut domain = [[0.0, 1.0]; 3];
        let mut colors: Vec<[f32; 3]> = Vec::new();
        let mut last = 0;
        for (number, line) in (1..).zip(text.trim_start_matches('\u{feff}').lines()) {
            last = number;
            let line = line.trim();
            let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
            if word.is_empty() || word.starts_with('#') {
                continue;
            }
            if !word.starts_with(|first: char| first.is_ascii_alphabetic()) || is_number(word) {
                let Some(shape) = shape else {
                    return Err(wrong(number, "numbers come before the size of the table"));
                };
                if colors.len() == Shape::colors(shape) {
                    let why = format!("there are more than {} colours", colors.len());
                    return Err(wrong(number, why));
                }
                colors.push(numbers(number, line)?);
                continue;
            }
            if !colors.is_empty() {
                return Err(wrong(number, format!("{word:.40} comes after the first colour")));
            }
            match word {
                "TITLE" => {}
                "LUT_1D_SIZE" | "LUT_3D_SIZE" if shape.is_some() => {
                    let why = format!("line {number}: it has a second table");
                    return Err(Error::new(ErrorKind::Unsupported, WHAT, why));
                }
                "LUT_1D_SIZE" => shape = Some(Shape::Curves(size(number, rest, 65_536)?)),
                "LUT_3D_SIZE" => shape = Some(Shape::Solid(size(number, rest, 256)?)),
                "DOMAIN_MIN" | "DOMAIN_MAX" => {
                    let side = usize::from(word == "DOMAIN_MAX");
                    for (range, to) in domain.iter_mut().zip(numbers::<3>(number, rest)?) {
                        range[side] = to;
                    }
                }
                "LUT_1D_INPUT_RANGE" | "LUT_3D_INPUT_RANGE" => {
                    domain = [numbers(number, rest)?; 3];
                }
                _ => return Err(wrong(number, format!("the keyword {word:.40} is unknown"))),
            }
        }
        let Some(shape) = shape else {
            return Err(wrong(last, "no LUT_1D_SIZE or LUT_3D_SIZE is given"));
        };
        if colors.len() != shape.colors() {
            let why = format!("it ends after {} of {} colours", colors.len(), shape.colors());
            return Err(wrong(last, why));
        }
        if let Some([low, high]) = domain.iter().find(|[low, high]| low >= high) {
            return Err(wrong(last, format!("its domain, {low} to {high}, is empty")));
        }
        Ok(Cube { text: text.to_owned(), shape, domain, colors })
    }
}

impl TryFrom<String> for Cube {
    type Error = Error;

    fn try_from(text: String) -> Result<Cube> {
        text.parse()
    }
}

impl From<Cube> for String {
    fn from(cube: Cube) -> String {
        cube.text
    }
}

fn wrong(line: usize, why: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::Corrupt, WHAT, format!("line {line}: {why}"))
}

fn is_number(word: &str) -> bool {
    word.parse::<f32>().is_ok()
}

fn size(line: usize, text: &str, most: usize) -> Result<usize> {
    let size = text.trim().parse::<u64>();
    let size = size.map_err(|_| wrong(line, format!("{:.40} is no size", text.trim())))?;
    match usize::try_from(size) {
        Ok(size) if (2..=most).contains(&size) => Ok(size),
        _ if size < 2 => Err(wrong(line, format!("a size of {size}, where 2 is the least"))),
        _ => {
            let why = format!("line {line}: a size of {size}, where {most} is the most");
            Err(Error::new(ErrorKind::Limit, WHAT, why))
        }
    }
}

/// Exactly this many numbers, all finite.
fn numbers<const N: usize>(line: usize, text: &str) -> Result<[f32; N]> {
    let mut found = [0.0; N];
    let mut words = text.split_whitespace();
    for place in &mut found {
        let word = words.next().unwrap_or_default();
        *place = match word.parse::<f32>() {
            Ok(number) if number.is_finite() => number,
            _ if word.is_empty() => {
                return Err(wrong(line, format!("there are less than {N} numbers")));
            }
            _ => return Err(wrong(line, format!("{word:.40} is no number"))),
        };
    }
    match words.next() {
        None => Ok(found),
        Some(_) => Err(wrong(line, format!("there are more than {N} numbers"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CURVES: &str = "TITLE \"x\"\r\n# note\r\nLUT_1D_SIZE 2\r\n\r\n0 .5 1e0\r\n1 1 1\r\n";

    #[test]
    fn a_table_is_read() {
        let cube: Cube = CURVES.parse().unwrap();
        assert_eq!(cube.shape, Shape::Curves(2));
        assert_eq!(cube.colors, [[0.0, 0.5, 1.0], [1.0; 3]]);
        assert_eq!(String::from(cube), CURVES);
        let ranged: Cube = "LUT_1D_INPUT_RANGE -1 2\nLUT_1D_SIZE 2\n0 0 0\n1 1 1".parse().unwrap();
        assert_eq!(ranged.domain, [[-1.0, 2.0]; 3]);
    }

    #[test]
    fn what_is_wrong_is_said_with_its_line() {
        use ErrorKind::{Corrupt, Invalid, Limit, Unsupported};
        for (text, kind, why) in [
            ("looks/Warm.CUBE", Invalid, "\"looks/Warm.CUBE\" is a file's name"),
            ("", Corrupt, "line 0: no LUT_1D_SIZE or LUT_3D_SIZE is given"),
            ("0 0 0", Corrupt, "line 1: numbers come before the size of the table"),
            ("LUT_1D_SIZE two", Corrupt, "line 1: two is no size"),
            ("LUT_1D_SIZE 1", Corrupt, "line 1: a size of 1, where 2 is the least"),
            ("LUT_1D_SIZE 65537", Limit, "line 1: a size of 65537, where 65536 is the most"),
            ("\nLUT_3D_SIZE 257", Limit, "line 2: a size of 257, where 256 is the most"),
            ("LUT_3D_SIZE 256", Corrupt, "line 1: it ends after 0 of 16777216 colours"),
            ("LUT_1D_SIZE 2\nLUT_3D_SIZE 2", Unsupported, "line 2: it has a second table"),
            ("LUT_1D_SIZE 2\n0 0\n1 1 1", Corrupt, "line 2: there are less than 3 numbers"),
            ("LUT_1D_SIZE 2\n0 0 0 0", Corrupt, "line 2: there are more than 3 numbers"),
            ("LUT_1D_SIZE 2\n0 0 x", Corrupt, "line 2: x is no number"),
            ("LUT_1D_SIZE 2\nnan 0 0", Corrupt, "line 2: nan is no number"),
            (
                "LUT_1D_SIZE 2\n0 0 0\n1 1 1\n2 2 2",
                Corrupt,
                "line 4: there are more than 2 colours",
            ),
            (
                "LUT_1D_SIZE 2\n0 0 0\nTITLE x",
                Corrupt,
                "line 3: TITLE comes after the first colour",
            ),
            ("FOO 3", Corrupt, "line 1: the keyword FOO is unknown"),
            (
                "LUT_1D_SIZE 2\nDOMAIN_MIN 0 1 0\n0 0 0\n1 1 1",
                Corrupt,
                "line 4: its domain, 1 to 1, is empty",
            ),
        ] {
            let error = text.parse::<Cube>().unwrap_err();
            assert_eq!((error.kind, error.why.as_str()), (kind, why), "{text}");
        }
    }

    #[test]
    fn every_part_of_a_table_alone_is_refused() {
        for end in 0..CURVES.len() - 3 {
            assert!(CURVES[..end].parse::<Cube>().is_err(), "{end}");
        }
    }
}
