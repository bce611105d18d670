//! Recordings by Hiris (R&D Vision): a text, `.seq`, that states the size of
//! the frames, which lie one after another in the `.bin` files beside it whose
//! names begin as the text's does.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rushes_media::{Error, ErrorKind, Limits, Rational, Result};

use super::files::names;
use super::raw::{Number, Pixel, Raw};
use super::times::Times;
use super::{
    MOST_FRAMES, Pictures, STILLS_HZ, Sequence, SequenceOptions, Taken, WHAT, bytes, corrupt,
    source, timeless,
};
use crate::Source;

/// The section that says what the frames are.
const SECTION: &str = "[Sequence Settings]";

/// Such a text has some twenty lines, and a comment.
const MOST_BYTES: u64 = 1 << 20;

/// Whether a file begins as such a text: with its section, behind nothing but
/// empty lines, comments and a byte order mark.
pub(super) fn is_hiris(head: &[u8]) -> bool {
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
struct Hiris {
    folder: PathBuf,
    /// Names of the files, and how many frames there are up to each one's end.
    files: Vec<(OsString, usize)>,
    raw: Raw,
    limits: Limits,
}

pub(super) fn open(path: &Path, text: &Source, options: SequenceOptions) -> Result<Sequence> {
    let settings = Settings::read(text)?;
    if settings.rate_hz.is_some() {
        timeless(options)?;
    }
    let folder = path.parent().unwrap_or(Path::new("")).to_owned();
    let folder = if folder.as_os_str().is_empty() { PathBuf::from(".") } else { folder };
    let stem = path.file_stem().unwrap_or_default().as_bytes().to_owned();
    let names = bins(&folder, &stem)?;
    if names.is_empty() {
        let shown = String::from_utf8_lossy(&stem);
        let why = format!("its frames are in files named {shown}*.bin, of which none is beside it");
        return Err(
            Error::new(ErrorKind::NotFound, WHAT, why).remedy("copy them into the same folder")
        );
    }
    let mut warnings = Vec::new();
    let (mut files, mut count) = (Vec::new(), 0_usize);
    for name in names {
        let path = folder.join(&name);
        let found = std::fs::metadata(&path)
            .map_err(|error| Error::io("looking at the file", &error).at(&path))?;
        let whole = usize::try_from(found.len() / settings.raw.bytes()).unwrap_or(usize::MAX);
        let rest = found.len() % settings.raw.bytes();
        if rest > 0 {
            let shown = rushes_media::display_name(name.as_bytes());
            warnings.push(format!("{rest} bytes at the end of {shown} make no whole frame"));
        }
        count = count.saturating_add(whole);
        files.push((name, count));
    }
    if count == 0 {
        return Err(corrupt("not one whole frame is in its .bin files"));
    }
    if count > MOST_FRAMES {
        let why = format!("it has more than {MOST_FRAMES} frames");
        return Err(Error::new(ErrorKind::Limit, WHAT, why));
    }
    let rate = settings.rate_hz.or(options.rate_hz).unwrap_or(STILLS_HZ);
    let times = Times::even(rate, count)?;
    let pictures = Hiris { folder, files, raw: settings.raw, limits: options.limits };
    Ok(Sequence { pictures: Box::new(pictures), times, epoch_secs: None, warnings })
}

/// The `.bin` files of the recording with this name, sorted; not those of
/// another one in the folder whose longer name begins alike.
fn bins(folder: &Path, stem: &[u8]) -> Result<Vec<OsString>> {
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

impl Pictures for Hiris {
    fn count(&self) -> usize {
        self.files.last().map_or(0, |&(_, count)| count)
    }

    fn picture(&self, i: usize) -> Result<Taken> {
        let file = self.files.partition_point(|&(_, end)| end <= i);
        let before = file.checked_sub(1).and_then(|at| self.files.get(at)).map_or(0, |it| it.1);
        let (name, _) = self.files.get(file).ok_or_else(|| Error::bug(WHAT, "no such frame"))?;
        let path = self.folder.join(name);
        let read = || {
            let length = self.raw.bytes();
            let at = (i.saturating_sub(before) as u64)
                .checked_mul(length)
                .ok_or_else(|| corrupt("the file is too large"))?;
            let bytes = bytes(&source(&path, self.limits)?, at, length)?;
            Ok(Taken { frame: self.raw.frame(&bytes)?, still: None })
        };
        read().map_err(|error: Error| error.at(&path))
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
