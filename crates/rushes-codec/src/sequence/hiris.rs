//! Recordings by Hiris (R&D Vision): a text, `.seq`, that states the size of
//! the frames, which lie one after another in the `.bin` files beside it whose
//! names begin as the text's does.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use rushes_media::{Error, ErrorKind, Limits, Rational, Result, display_name};

use super::files::{Shelf, names};
use super::raw::{Number, Pixel, Raw};
use super::times::Times;
use super::{MOST_FRAMES, Pictures, STILLS_HZ, Sequence, Taken, WHAT, bytes, corrupt};
use crate::Source;

/// The section that says what the frames are.
const SECTION: &str = "[Sequence Settings]";

/// Such a text has some twenty lines, and a comment.
const MOST_BYTES: u64 = 1 << 20;

/// Whether a file begins as such a text: with its section, behind nothing but
/// empty lines, comments and a byte order mark.
pub(crate) fn is_hiris(head: &[u8]) -> bool {
    let text = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    text.split(|&byte| byte == b'\n')
        .take(64)
        .map(<[u8]>::trim_ascii)
        .find(|line| !line.is_empty() && !line.starts_with(b";") && !line.starts_with(b"#"))
        .is_some_and(|line| line.eq_ignore_ascii_case(SECTION.as_bytes()))
}

/// What the text says.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub(super) raw: Raw,
    pub(super) rate_hz: Option<Rational>,
    /// Every line of the section, names as they are written.
    pub(super) all: Vec<(String, String)>,
}

impl Settings {
    pub(super) fn read(source: &Source) -> Result<Settings> {
        if source.size_bytes() > MOST_BYTES {
            let why = format!("the text has more than {MOST_BYTES} bytes");
            return Err(Error::new(ErrorKind::Limit, WHAT, why));
        }
        let text = bytes(source, 0, source.size_bytes())?;
        // Comments may be in any code page; what counts is ASCII.
        let text = String::from_utf8_lossy(text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&text));
        let all: Vec<(String, String)> = text
            .lines()
            .map(str::trim)
            .skip_while(|line| !line.eq_ignore_ascii_case(SECTION))
            .skip(1)
            .take_while(|line| !line.starts_with('['))
            .filter(|line| !line.starts_with([';', '#']))
            .filter_map(|line| line.split_once('='))
            .map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned()))
            .collect();
        let value = |name: &str| {
            all.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| &**value)
        };
        let number = |name: &str| {
            let text = value(name).ok_or_else(|| corrupt(format!("it states no {name}")))?;
            let wrong = || corrupt(format!("its {name} is {text:?}, which is no number"));
            text.parse::<u32>().map_err(|_| wrong())
        };
        let (width_px, height_px) = (number("Width")?, number("Height")?);
        let pixel = match number("BytesPerPixel")? {
            1 => Pixel::Gray(Number::Eight),
            2 => {
                let bits = value("BitsPerPixel").and_then(|bits| bits.parse().ok());
                let bits = bits.filter(|bits| (9..=16).contains(bits)).unwrap_or(16);
                Pixel::Gray(Number::Sixteen { bits, at_top: false, is_big_endian: false })
            }
            other => {
                let why = format!("its pixels have {other} bytes; 1 and 2 are read here");
                return Err(Error::new(ErrorKind::Unsupported, WHAT, why));
            }
        };
        let mut raw = Raw { width_px, height_px, row_bytes: 0, pixel };
        raw.row_bytes = raw.filled_bytes();
        source.limits().check_picture(width_px.into(), height_px.into(), 2)?;
        let rate_hz = value("FramePerSecond").and_then(decimal);
        Ok(Settings { raw, rate_hz, all })
    }
}

/// A positive decimal number, as exact as it is written.
fn decimal(text: &str) -> Option<Rational> {
    let (whole, parts) = text.split_once(['.', ',']).unwrap_or((text, ""));
    let digits = format!("{whole}{parts}");
    if parts.len() > 9 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let scale = 10_i64.checked_pow(u32::try_from(parts.len()).ok()?)?;
    Rational::new(digits.parse().ok()?, scale).filter(|&rate| rate > Rational::ZERO)
}

/// A recording.
#[derive(Debug)]
struct Hiris<S> {
    beside: S,
    /// How many frames there are up to each file's end.
    ends: Vec<usize>,
    raw: Raw,
    limits: Limits,
}

/// The recording whose text this is, with the files that [`bins`] finds.
pub(super) fn open(text: &Source, beside: impl Shelf + 'static) -> Result<Sequence> {
    let settings = Settings::read(text)?;
    if beside.count() == 0 {
        let why = "its frames are in .bin files whose names begin as its own, \
                   of which none is beside it";
        return Err(
            Error::new(ErrorKind::NotFound, WHAT, why).remedy("copy them into the same folder")
        );
    }
    let mut warnings = Vec::new();
    let (mut ends, mut count) = (Vec::new(), 0_usize);
    for i in 0..beside.count() {
        let (file, name) = beside.open(i)?;
        let found =
            file.metadata().map_err(|error| Error::io("looking at the file", &error))?.len();
        let whole = usize::try_from(found / settings.raw.bytes()).unwrap_or(usize::MAX);
        let rest = found % settings.raw.bytes();
        if rest > 0 {
            let shown = display_name(name.rsplit(|&byte| byte == b'/').next().unwrap_or(&name));
            warnings.push(format!("{rest} bytes at the end of {shown} make no whole frame"));
        }
        count = count.saturating_add(whole);
        ends.push(count);
    }
    if count == 0 {
        return Err(corrupt("not one whole frame is in its .bin files"));
    }
    if count > MOST_FRAMES {
        let why = format!("it has more than {MOST_FRAMES} frames");
        return Err(Error::new(ErrorKind::Limit, WHAT, why));
    }
    let rate = settings.rate_hz.unwrap_or(STILLS_HZ);
    let times = Times::even(rate, count)?;
    let pictures = Box::new(Hiris { beside, ends, raw: settings.raw, limits: *text.limits() });
    let (has_times, epoch_secs) = (settings.rate_hz.is_some(), None);
    Ok(Sequence { pictures, times, has_times, epoch_secs, warnings })
}

/// The `.bin` files of the recording with this name, sorted; not those of
/// another one in the folder whose longer name begins alike.
pub(super) fn bins(folder: &Path, stem: &[u8]) -> Result<Vec<OsString>> {
    let ends = |name: &[u8], end: &[u8]| {
        name.len()
            .checked_sub(end.len())
            .is_some_and(|at| name.get(at..).is_some_and(|last| last.eq_ignore_ascii_case(end)))
    };
    let mut others: Vec<Vec<u8>> = Vec::new();
    let mut found = names(folder, |name| {
        let name = name.as_bytes();
        if !name.starts_with(stem) {
            return false;
        }
        if ends(name, b".seq") && name.len() > stem.len() + 4 {
            others.extend(name.get(..name.len() - 4).map(<[u8]>::to_vec));
        }
        ends(name, b".bin")
    })?;
    found.retain(|name| !others.iter().any(|other| name.as_bytes().starts_with(other)));
    Ok(found)
}

impl<S: Shelf> Pictures for Hiris<S> {
    fn count(&self) -> usize {
        self.ends.last().copied().unwrap_or(0)
    }

    fn picture(&self, i: usize) -> Result<Taken> {
        let number = self.ends.partition_point(|&end| end <= i);
        let before = number.checked_sub(1).and_then(|at| self.ends.get(at)).copied().unwrap_or(0);
        let (file, name) = self.beside.open(number)?;
        let read = || {
            let length = self.raw.bytes();
            let at = (i.saturating_sub(before) as u64)
                .checked_mul(length)
                .ok_or_else(|| corrupt("the file is too large"))?;
            let bytes = bytes(&Source::new(file, &name, self.limits)?, at, length)?;
            Ok(Taken { frame: self.raw.frame(&bytes)?, still: None })
        };
        read().map_err(|error: Error| error.at(OsStr::from_bytes(&name)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn settings(text: &str) -> Result<Settings> {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        let source = Source::new(file, b"a.seq", Limits::default()).unwrap();
        Settings::read(&source)
    }

    #[test]
    fn texts() {
        let text = "\r\n; made by hand\r\n[sequence settings]\r\nWidth = 4\r\nHEIGHT=3\r\n\
                    BytesPerPixel=2\r\nBitsPerPixel=12\r\nFramePerSecond=1000,5\r\n[Other]\r\nWidth=9";
        assert!(is_hiris(text.as_bytes()));
        let found = settings(text).unwrap();
        assert_eq!((found.raw.width_px, found.raw.height_px, found.raw.bytes()), (4, 3, 24));
        assert_eq!(found.raw.pixel.bits(), 12);
        assert_eq!(found.rate_hz, Rational::new(2001, 2));
        assert!(!is_hiris(b"[Other]\n[Sequence Settings]\n"));
        for (wrong, kind) in [
            ("[Sequence Settings]\nWidth=4\nHeight=3", ErrorKind::Corrupt),
            ("[Sequence Settings]\nWidth=4\nHeight=-3\nBytesPerPixel=1", ErrorKind::Corrupt),
            ("[Sequence Settings]\nWidth=4\nHeight=0\nBytesPerPixel=1", ErrorKind::Corrupt),
            ("[Sequence Settings]\nWidth=4\nHeight=3\nBytesPerPixel=3", ErrorKind::Unsupported),
            ("[Sequence Settings]\nWidth=99999\nHeight=3\nBytesPerPixel=1", ErrorKind::Limit),
        ] {
            assert_eq!(settings(wrong).unwrap_err().kind, kind, "{wrong}");
        }
        for none in ["", "-1", "1.2.3", "x", "0", "1.0000000001", "99999999999999999999"] {
            assert_eq!(decimal(none), None, "{none}");
        }
    }
}
