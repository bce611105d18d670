//! What a camera can be set to, and which of it is best.

use std::cmp::Reverse;

use rushes_media::{Error, ErrorKind, Rational, Result};

use super::layout::{KNOWN, name, rank};
use super::v4l2::{Device, Sizes, Wanted};
use super::{CameraMode, CameraOptions, OPENING};

/// Frames a second that are enough where nobody says how many.
pub(super) const USUAL_HZ: i64 = 30;

/// The size where nobody says which.
const USUAL_PX: (u32, u32) = (640, 480);

/// What is listed of a camera at most.
const MOST_MODES: usize = 1000;

/// All that the camera says of itself.
pub(super) fn modes(device: &Device) -> Vec<CameraMode> {
    let mut modes = Vec::new();
    for fourcc in device.formats() {
        for sizes in device.sizes(fourcc) {
            let ends = match sizes {
                Sizes::One(size) => vec![size],
                Sizes::Between { least, most, .. } => vec![most, least],
            };
            for (width_px, height_px) in ends {
                if modes.len() == MOST_MODES {
                    return modes;
                }
                let rates_hz = device.rates_hz(fourcc, (width_px, height_px));
                let pixel_format = name(fourcc);
                modes.push(CameraMode { pixel_format, width_px, height_px, rates_hz });
            }
        }
    }
    modes
}

/// What is asked of the camera.
///
/// The size counts first: the smallest that covers what is wanted, else the largest. Then how many of
/// the frames a second are reached, then whether it is not compressed.
pub(super) fn best(device: &Device, options: &CameraOptions) -> Result<Wanted> {
    let offered = device.formats();
    let asked = options.pixel_format.map(u32::from_le_bytes);
    let usable: Vec<u32> = offered
        .iter()
        .copied()
        .filter(|&fourcc| rank(fourcc).is_some() && asked.is_none_or(|asked| asked == fourcc))
        .collect();
    if usable.is_empty() {
        let names: Vec<String> = offered.into_iter().map(name).collect();
        let why = format!(
            "it sends {}",
            if names.is_empty() { "nothing".into() } else { names.join(", ") }
        );
        let read: Vec<String> =
            KNOWN.iter().map(|(fourcc, _)| name(u32::from_le_bytes(*fourcc))).collect();
        let remedy = match asked {
            Some(asked) => format!("{} was asked for; leave that out", name(asked)),
            None => format!("one is needed that sends {}", read.join(", ")),
        };
        return Err(Error::new(ErrorKind::Unsupported, OPENING, why).remedy(remedy));
    }
    let wanted = match options.size.unwrap_or(USUAL_PX) {
        (0, 0) => {
            let why = "the size asked for is 0 by 0";
            return Err(
                Error::new(ErrorKind::Invalid, OPENING, why).remedy("state one side, or no size")
            );
        }
        size => size,
    };
    let rate_hz = options.rate_hz.unwrap_or(Rational::whole(USUAL_HZ));
    if rate_hz <= Rational::ZERO {
        let why = format!("{rate_hz} frames a second are asked for");
        return Err(Error::new(ErrorKind::Invalid, OPENING, why).remedy("ask for more than 0"));
    }
    let candidates = usable.iter().flat_map(|&fourcc| {
        let mut sizes: Vec<(u32, u32)> =
            device.sizes(fourcc).into_iter().map(|sizes| sizes.nearest(wanted)).collect();
        // One that does not say is asked for what is wanted, and answers with what it has.
        if sizes.is_empty() {
            sizes.push(wanted);
        }
        sizes.into_iter().map(move |size| (fourcc, size))
    });
    let best = candidates.min_by_key(|&(fourcc, (width, height))| {
        let covers = width >= wanted.0 && height >= wanted.1;
        let area = u64::from(width) * u64::from(height);
        let most = device.rates_hz(fourcc, (width, height)).into_iter().max();
        let missing = most.map_or(Rational::ZERO, |most| {
            rate_hz.checked_sub(most).filter(|it| *it > Rational::ZERO).unwrap_or(Rational::ZERO)
        });
        let size = if covers { (false, area, Reverse(0)) } else { (true, 0, Reverse(area)) };
        (size, missing, rank(fourcc))
    });
    let Some((fourcc, (width_px, height_px))) = best else {
        return Err(Error::bug(OPENING, "a format that is there is gone"));
    };
    Ok(Wanted { fourcc, width_px, height_px })
}
