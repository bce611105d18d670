use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{Error, ErrorKind};

/// An exact fraction in lowest terms with a positive denominator.
///
/// Times (in seconds) and rates (in hertz) are carried as fractions, so that
/// 30000/1001 frames a second stays just that. Written as `"num/den"`, or as
/// `"num"` when the denominator is one; that is also its JSON form.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Rational {
    num: i64,
    den: i64,
}

impl Rational {
    /// Zero.
    pub const ZERO: Rational = Rational { num: 0, den: 1 };

    /// The fraction `num/den` in lowest terms; `None` when `den` is zero or
    /// the reduced terms do not fit in 64 bits.
    #[must_use]
    pub fn new(num: i64, den: i64) -> Option<Rational> {
        Rational::reduced(i128::from(num), i128::from(den))
    }

    /// A whole number.
    #[must_use]
    pub const fn whole(num: i64) -> Rational {
        Rational { num, den: 1 }
    }

    fn reduced(num: i128, den: i128) -> Option<Rational> {
        if den == 0 {
            return None;
        }
        let divisor = gcd(num.unsigned_abs(), den.unsigned_abs()).max(1) as i128;
        let sign = if den < 0 { -1 } else { 1 };
        Some(Rational {
            num: i64::try_from(sign * num / divisor).ok()?,
            den: i64::try_from(sign * den / divisor).ok()?,
        })
    }

    /// The numerator; it carries the sign.
    #[must_use]
    pub const fn num(self) -> i64 {
        self.num
    }

    /// The denominator, always positive.
    #[must_use]
    pub const fn den(self) -> i64 {
        self.den
    }

    /// The product, or `None` when it does not fit.
    #[must_use]
    pub fn checked_mul(self, other: Rational) -> Option<Rational> {
        Rational::reduced(
            i128::from(self.num) * i128::from(other.num),
            i128::from(self.den) * i128::from(other.den),
        )
    }

    /// The quotient, or `None` when `other` is zero or it does not fit.
    #[must_use]
    pub fn checked_div(self, other: Rational) -> Option<Rational> {
        Rational::reduced(
            i128::from(self.num) * i128::from(other.den),
            i128::from(self.den) * i128::from(other.num),
        )
    }

    /// The sum, or `None` when it does not fit.
    #[must_use]
    pub fn checked_add(self, other: Rational) -> Option<Rational> {
        Rational::reduced(
            i128::from(self.num) * i128::from(other.den)
                + i128::from(other.num) * i128::from(self.den),
            i128::from(self.den) * i128::from(other.den),
        )
    }

    /// The difference, or `None` when it does not fit.
    #[must_use]
    pub fn checked_sub(self, other: Rational) -> Option<Rational> {
        Rational::reduced(
            i128::from(self.num) * i128::from(other.den)
                - i128::from(other.num) * i128::from(self.den),
            i128::from(self.den) * i128::from(other.den),
        )
    }

    /// The nearest `f64`; for showing and sorting, never for seeking.
    #[must_use]
    pub fn to_f64(self) -> f64 {
        self.num as f64 / self.den as f64
    }
}

fn gcd(mut a: u128, mut b: u128) -> u128 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

impl PartialOrd for Rational {
    fn partial_cmp(&self, other: &Rational) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Rational {
    fn cmp(&self, other: &Rational) -> Ordering {
        (i128::from(self.num) * i128::from(other.den))
            .cmp(&(i128::from(other.num) * i128::from(self.den)))
    }
}

impl fmt::Display for Rational {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.den == 1 {
            write!(f, "{}", self.num)
        } else {
            write!(f, "{}/{}", self.num, self.den)
        }
    }
}

impl fmt::Debug for Rational {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Rational {
    type Err = Error;

    fn from_str(text: &str) -> Result<Rational, Error> {
        let (num, den) = text.split_once('/').unwrap_or((text, "1"));
        let parsed = num.trim().parse().ok().zip(den.trim().parse().ok());
        parsed.and_then(|(n, d)| Rational::new(n, d)).ok_or_else(|| {
            Error::new(ErrorKind::Invalid, "reading a fraction", format!("{text:?} is not one"))
                .remedy("write it like 30000/1001 or 25")
        })
    }
}

impl Serialize for Rational {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Rational {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Rational, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for Rational {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Rational".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "An exact fraction, \"num/den\" or \"num\".",
            "pattern": "^-?[0-9]+(/[0-9]+)?$",
            "examples": ["30000/1001", "25"],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lowest_terms_and_sign() {
        assert_eq!(Rational::new(60000, 2002).unwrap().to_string(), "30000/1001");
        assert_eq!(Rational::new(1, -2).unwrap().to_string(), "-1/2");
        assert_eq!(Rational::new(0, 5).unwrap(), Rational::ZERO);
        assert!(Rational::new(1, 0).is_none());
        assert!(Rational::new(i64::MIN, -1).is_none());
    }

    #[test]
    fn arithmetic_is_exact_or_refused() {
        let third = Rational::new(1, 3).unwrap();
        let sum = third.checked_add(third).unwrap().checked_add(third).unwrap();
        assert_eq!(sum, Rational::whole(1));
        assert_eq!(third.checked_div(Rational::ZERO), None);
        assert_eq!(Rational::whole(i64::MAX).checked_mul(Rational::whole(2)), None);
    }

    #[test]
    fn order_does_not_overflow() {
        let big = Rational::new(i64::MAX, 2).unwrap();
        assert!(big > Rational::new(i64::MAX, 3).unwrap());
    }

    #[test]
    fn json_round_trip_and_refusals() {
        let rate: Rational = serde_json::from_str("\"30000/1001\"").unwrap();
        assert_eq!(serde_json::to_string(&rate).unwrap(), "\"30000/1001\"");
        for bad in ["\"1/0\"", "\"x\"", "\"\"", "\"1/2/3\""] {
            assert!(serde_json::from_str::<Rational>(bad).is_err(), "{bad}");
        }
    }
}
