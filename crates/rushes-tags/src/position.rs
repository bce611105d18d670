//! Positions as EXIF, XMP and ISO 6709 write them, in degrees.

use rushes_media::Gps;

/// Degrees, minutes and seconds as fractions; minutes and seconds may be left
/// out. `None` when a denominator is zero or the sum is no number.
pub(crate) fn degrees(parts: &[(i64, i64)]) -> Option<f64> {
    let mut sum = 0.0;
    for (&(num, den), scale) in parts.iter().zip([1.0, 60.0, 3600.0]) {
        if den == 0 {
            return None;
        }
        sum += num as f64 / den as f64 / scale;
    }
    (!parts.is_empty() && sum.is_finite()).then_some(sum)
}

/// Why a pair of coordinates is not a position.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// Beyond a pole or the date line.
    OutOfRange,
    /// 0, 0: what devices write when they have no fix.
    NoFix,
}

/// A position, when it is one on Earth.
pub(crate) fn position(
    latitude_degrees: f64,
    longitude_degrees: f64,
    altitude_m: Option<f64>,
) -> Result<Gps, Refusal> {
    let in_range =
        (-90.0..=90.0).contains(&latitude_degrees) && (-180.0..=180.0).contains(&longitude_degrees);
    if !in_range {
        return Err(Refusal::OutOfRange);
    }
    if latitude_degrees == 0.0 && longitude_degrees == 0.0 {
        return Err(Refusal::NoFix);
    }
    let altitude_m = altitude_m.filter(|altitude| altitude.is_finite());
    Ok(Gps { latitude_degrees, longitude_degrees, altitude_m })
}

/// XMP's form (XMP specification part 2, section 1.2.7.4): `39,54.12N` or
/// `39,54,7N`.
pub(crate) fn from_xmp(text: &str) -> Option<f64> {
    let text = text.trim();
    let sign = match text.chars().next_back()? {
        'N' | 'n' | 'E' | 'e' => 1.0,
        'S' | 's' | 'W' | 'w' => -1.0,
        _ => return None,
    };
    let numbers = text.get(..text.len() - 1)?;
    let mut sum = 0.0;
    let mut scales = [1.0, 60.0, 3600.0].into_iter();
    for number in numbers.split(',') {
        sum += decimal(number.trim())? / scales.next()?;
    }
    Some(sign * sum)
}

/// ISO 6709 annex H, as QuickTime carries it: `+37.3861-122.0839+010.000/`,
/// degrees, or degrees and minutes, or degrees, minutes and seconds.
pub(crate) fn from_iso6709(text: &str) -> Option<Gps> {
    let text = text.trim().split('/').next()?;
    let mut starts = text.char_indices().filter(|(_, c)| matches!(c, '+' | '-')).map(|(at, _)| at);
    let first = starts.next().filter(|&at| at == 0)?;
    let second = starts.next()?;
    let third = starts.next();
    let latitude = sexagesimal(text.get(first..second)?, 2)?;
    let longitude = sexagesimal(text.get(second..third.unwrap_or(text.len()))?, 3)?;
    let altitude = third.and_then(|at| {
        let number = text.get(at..)?.split("CRS").next()?;
        decimal(number.trim_start_matches('+'))
    });
    position(latitude, longitude, altitude).ok()
}

/// `+DD.D`, `+DDMM.M` or `+DDMMSS.S`, told apart by the number of digits.
fn sexagesimal(text: &str, degree_digits: usize) -> Option<f64> {
    let sign = if text.starts_with('-') { -1.0 } else { 1.0 };
    let number = text.get(1..)?.trim();
    let whole = number.split('.').next()?.len();
    if !number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
        return None;
    }
    let (degree_end, minute_end) = (degree_digits, degree_digits + 2);
    let degrees = if whole >= minute_end + 2 {
        decimal(number.get(..degree_end)?)?
            + decimal(number.get(degree_end..minute_end)?)? / 60.0
            + decimal(number.get(minute_end..)?)? / 3600.0
    } else if whole >= minute_end {
        decimal(number.get(..degree_end)?)? + decimal(number.get(degree_end..)?)? / 60.0
    } else {
        decimal(number)?
    };
    Some(sign * degrees)
}

/// A plain decimal number: no exponent, no `inf`, no `nan`.
pub(crate) fn decimal(text: &str) -> Option<f64> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let plain = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    text.parse().ok().filter(|number: &f64| plain && number.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fractions_to_degrees() {
        assert_eq!(degrees(&[(54, 1), (5938, 100), (0, 1)]), Some(54.0 + 59.38 / 60.0));
        assert_eq!(degrees(&[(1, 2)]), Some(0.5));
        for bad in [&[][..], &[(0, 0), (0, 0), (0, 0)], &[(1, 1), (2, 1), (3, 0)]] {
            assert_eq!(degrees(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn only_places_on_earth() {
        assert_eq!(position(91.0, 0.0, None), Err(Refusal::OutOfRange));
        assert_eq!(position(f64::NAN, 0.0, None), Err(Refusal::OutOfRange));
        assert_eq!(position(0.0, 0.0, None), Err(Refusal::NoFix));
        assert_eq!(position(1.0, 180.0, Some(f64::INFINITY)).unwrap().altitude_m, None);
    }

    #[test]
    fn iso_6709_in_its_three_forms() {
        let gps = from_iso6709("+37.3861-122.0839+010.000/").unwrap();
        assert_eq!((gps.latitude_degrees, gps.longitude_degrees), (37.3861, -122.0839));
        assert_eq!(gps.altitude_m, Some(10.0));
        let gps = from_iso6709("+4012.22-07500.25-12.5CRSWGS_84/").unwrap();
        assert!((gps.latitude_degrees - (40.0 + 12.22 / 60.0)).abs() < 1e-12);
        assert!((gps.longitude_degrees + (75.0 + 0.25 / 60.0)).abs() < 1e-12);
        assert_eq!(gps.altitude_m, Some(-12.5));
        let gps = from_iso6709("-401213.1+0750015.1/").unwrap();
        assert!((gps.latitude_degrees + (40.0 + 12.0 / 60.0 + 13.1 / 3600.0)).abs() < 1e-12);
        assert!((gps.longitude_degrees - (75.0 + 15.1 / 3600.0)).abs() < 1e-12);
        for bad in ["", "37-122", "+91.0+000.0/", "+x-y/", "++/", "+nan+inf/", "+00.0000+000.0000/"]
        {
            assert_eq!(from_iso6709(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn xmp_positions() {
        assert_eq!(from_xmp("39,54.12N"), Some(39.0 + 54.12 / 60.0));
        assert_eq!(from_xmp("8,30,36W"), Some(-8.51));
        for bad in ["", "N", "39,54.12", "1,2,3,4N", "39;5N", "infN"] {
            assert_eq!(from_xmp(bad), None, "{bad:?}");
        }
    }
}
