//! JPEG (ITU-T T.81) through libjpeg-turbo, and its headers by ourselves.

use std::io::{BufRead, Cursor, Read, Seek};

use rushes_media::{
    Color, Error, ErrorKind, Limits, Picture, Pixels, Probe, Result, Stream, StreamKind,
};
use turbojpeg::{Colorspace, Compressor, Decompressor, Image, PixelFormat, ScalingFactor, Subsamp};

use super::srgb::Profile;
use super::{Embedded, exif, icc, note_truncation, probe_of, read, rgb, stated};
use crate::{Source, room};

/// Segments before the first scan; files have about twenty.
const SEGMENTS: usize = 20_000;
/// Scans of a progressive file; encoders write about ten. Each costs a pass
/// over the whole picture, however few bytes it has.
const SCANS: u32 = 200;
/// The end marker is looked for this far from the end of the file first.
const TAIL_BYTES: u64 = 64 << 10;

/// What stands before the first scan.
pub(super) struct Header {
    pub width_px: u32,
    pub height_px: u32,
    /// Bits of one sample.
    pub precision_bits: u32,
    /// The frame's marker: 0xC0 baseline, 0xC2 progressive (T.81, table B.1).
    process: u8,
    /// Identifier, horizontal and vertical sampling of each component.
    components: Vec<[u8; 3]>,
    /// The transform in Adobe's own segment: 0 none, 1 YCbCr, 2 YCCK.
    adobe_transform: Option<u8>,
    /// The ICC profile, put together from its pieces.
    icc: Vec<u8>,
    /// Whether EXIF says that the colours are Adobe RGB.
    is_adobe_rgb: bool,
    /// Bytes read up to the first scan.
    scan_at: u64,
}

/// Reads segments until the first scan.
fn header(reader: impl BufRead + Seek, icc_bytes: u64) -> Result<Header> {
    let mut segments = Segments { reader, at: 0 };
    segments.header(icc_bytes).map_err(|error| match error.kind() {
        std::io::ErrorKind::UnexpectedEof => corrupt("it ends before its first scan"),
        std::io::ErrorKind::InvalidData => corrupt(&error.to_string()),
        _ => Error::io("reading the JPEG header", &error),
    })
}

fn corrupt(why: &str) -> Error {
    Error::new(ErrorKind::Corrupt, "reading the JPEG header", why)
}

struct Segments<R> {
    reader: R,
    at: u64,
}

impl<R: BufRead + Seek> Segments<R> {
    fn header(&mut self, icc_bytes: u64) -> std::io::Result<Header> {
        let invalid = |why: &'static str| std::io::Error::new(std::io::ErrorKind::InvalidData, why);
        let mut found: Option<Header> = None;
        let (mut adobe_transform, mut icc, mut icc_left) = (None, Vec::new(), icc_bytes);
        let mut is_adobe_rgb = false;
        for _ in 0..SEGMENTS {
            let marker = self.marker()?;
            if matches!(marker, 0x01 | 0xd0..=0xd8) {
                continue;
            }
            if marker == 0xd9 {
                return Err(invalid("it has no picture before its end marker"));
            }
            let length = u64::from(u16::from_be_bytes(self.bytes()?));
            let mut left =
                length.checked_sub(2).ok_or_else(|| invalid("a segment is too short"))?;
            match marker {
                0xc0..=0xcf if !matches!(marker, 0xc4 | 0xc8 | 0xcc) => {
                    let [precision, h1, h0, w1, w0, count] = self.bytes()?;
                    left = left.saturating_sub(6);
                    let mut components = Vec::new();
                    for _ in 0..count {
                        let [id, sampling, _] = self.bytes()?;
                        left = left.saturating_sub(3);
                        components.push([id, sampling >> 4, sampling & 15]);
                    }
                    found = Some(Header {
                        width_px: u32::from(u16::from_be_bytes([w1, w0])),
                        height_px: u32::from(u16::from_be_bytes([h1, h0])),
                        precision_bits: u32::from(precision),
                        process: marker,
                        components,
                        adobe_transform: None,
                        icc: Vec::new(),
                        is_adobe_rgb: false,
                        scan_at: 0,
                    });
                }
                0xee if left >= 12 => {
                    let segment: [u8; 12] = self.bytes()?;
                    left -= 12;
                    if segment.starts_with(b"Adobe") {
                        adobe_transform = Some(segment[11]);
                    }
                }
                0xe1 if left >= 6 => {
                    let start: [u8; 6] = self.bytes()?;
                    left -= 6;
                    if start.starts_with(b"Exif\0") {
                        is_adobe_rgb |= exif::says_adobe_rgb(&self.rest(&mut left)?);
                    }
                }
                0xe2 if left >= 14 => {
                    let start: [u8; 14] = self.bytes()?;
                    left -= 14;
                    if start.starts_with(b"ICC_PROFILE\0") && left <= icc_left {
                        icc_left -= left;
                        icc.push((start[12], self.rest(&mut left)?));
                    }
                }
                0xda => {
                    let mut header =
                        found.ok_or_else(|| invalid("a scan comes before the size"))?;
                    // Their order is numbered, and not always that of the file.
                    icc.sort_by_key(|(number, _)| *number);
                    header.icc = icc.into_iter().flat_map(|(_, piece)| piece).collect();
                    header.adobe_transform = adobe_transform;
                    header.is_adobe_rgb = is_adobe_rgb;
                    header.scan_at = self.at;
                    return Ok(header);
                }
                _ => {}
            }
            self.reader.seek_relative(left as i64)?;
            self.at += left;
        }
        Err(invalid("it has too many segments"))
    }

    /// What is left of a segment.
    fn rest(&mut self, left: &mut u64) -> std::io::Result<Vec<u8>> {
        let mut rest = Vec::new();
        (&mut self.reader).take(*left).read_to_end(&mut rest)?;
        self.at += *left;
        *left = 0;
        Ok(rest)
    }

    /// The next marker; stray bytes before it are skipped, as decoders do.
    fn marker(&mut self) -> std::io::Result<u8> {
        loop {
            let [byte] = self.bytes()?;
            if byte != 0xff {
                continue;
            }
            let [mut marker] = self.bytes()?;
            while marker == 0xff {
                [marker] = self.bytes()?;
            }
            if marker != 0 {
                return Ok(marker);
            }
        }
    }

    fn bytes<const N: usize>(&mut self) -> std::io::Result<[u8; N]> {
        let mut bytes = [0; N];
        self.reader.read_exact(&mut bytes)?;
        self.at += N as u64;
        Ok(bytes)
    }
}

impl Header {
    /// Whether this is what cameras embed as a preview: Huffman, 8 bits, grey
    /// or colour. RAW data is often JPEG too, but lossless.
    fn is_viewable(&self) -> bool {
        matches!(self.process, 0xc0..=0xc2)
            && self.precision_bits == 8
            && matches!(self.components.len(), 1 | 3)
            && self.width_px > 0
            && self.height_px > 0
    }

    /// The least that such a picture takes: with Huffman codes each block of 64
    /// pixels takes a bit.
    fn least_bytes(&self) -> u64 {
        let is_huffman = matches!(self.process, 0xc0..=0xc2);
        if is_huffman { stated::pixels((self.width_px, self.height_px)) / 512 } else { 0 }
    }

    fn profile(&self) -> Option<&'static str> {
        Some(match self.process {
            0xc0 => "Baseline",
            0xc1 => "Extended Sequential",
            0xc2 => "Progressive",
            0xc3 => "Lossless",
            _ => return None,
        })
    }

    fn pixel_format(&self) -> Option<&'static str> {
        if self.precision_bits != 8 {
            return None;
        }
        let [luma, blue, red] = match self.components.as_slice() {
            [_] => return Some("gray"),
            [luma, blue, red] => [luma, blue, red],
            _ => return None,
        };
        let ids = [luma[0], blue[0], red[0]];
        if self.adobe_transform == Some(0) || ids == *b"RGB" {
            return Some("gbrp");
        }
        if blue[1..] != red[1..] || blue[1] == 0 || blue[2] == 0 {
            return None;
        }
        match (luma[1] / blue[1], luma[2] / blue[2]) {
            (2, 2) => Some("yuvj420p"),
            (2, 1) => Some("yuvj422p"),
            (1, 1) => Some("yuvj444p"),
            (1, 2) => Some("yuvj440p"),
            (4, 1) => Some("yuvj411p"),
            _ => None,
        }
    }
}

pub(super) fn probe(source: &Source) -> Result<Probe> {
    let found = header(read::from(source, 0)?, source.limits().tag_bytes)?;
    if found.width_px == 0 || found.height_px == 0 {
        return Err(corrupt("it states no width or height"));
    }
    stated::check(source, (found.width_px, found.height_px), found.least_bytes())?;
    let mut stream = Stream::new(0, StreamKind::Still, "jpeg");
    stream.width_px = Some(found.width_px);
    stream.height_px = Some(found.height_px);
    stream.bit_depth = Some(found.precision_bits);
    stream.profile = found.profile().map(Into::into);
    stream.pixel_format = found.pixel_format().map(Into::into);
    if let Some(name) = icc::description(&found.icc) {
        stream.color = Some(Color { icc_profile: Some(name), ..Color::default() });
    }
    let mut probe = probe_of(source, "jpeg", stream);
    if !has_end(source, found.scan_at)? {
        note_truncation(&mut probe, "it has no end marker");
    }
    Ok(probe)
}

/// Whether an end marker follows the first scan: the scan's own bytes cannot
/// hold one. It is nearly always among the last bytes; only files with much
/// appended to them are read through.
fn has_end(source: &Source, scan_at: u64) -> Result<bool> {
    let tail_at = source.size_bytes().saturating_sub(TAIL_BYTES).max(scan_at);
    if ends_within(read::from(source, tail_at)?)? {
        return Ok(true);
    }
    ends_within(read::from(source, scan_at)?)
}

fn ends_within(mut reader: impl BufRead) -> Result<bool> {
    let mut before = 0;
    loop {
        let buffer =
            reader.fill_buf().map_err(|error| Error::io("looking for the end marker", &error))?;
        let Some(&last) = buffer.last() else { return Ok(false) };
        let across = before == 0xff && buffer.first() == Some(&0xd9);
        if across || buffer.windows(2).any(|pair| pair == [0xff, 0xd9]) {
            return Ok(true);
        }
        before = last;
        let length = buffer.len();
        reader.consume(length);
    }
}

/// A JPEG that can be shown at this place in the file, or `None`.
pub(super) fn embedded(source: &Source, start: u64, length: u64) -> Option<Embedded> {
    if length == 0 || read::exactly(source, start) != Some([0xff, 0xd8, 0xff]) {
        return None;
    }
    let found = header(read::from(source, start).ok()?, 0).ok()?;
    found.is_viewable().then_some(Embedded {
        start,
        length,
        width_px: found.width_px,
        height_px: found.height_px,
    })
}

/// What becomes of a picture whose data end early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cut {
    /// What came is shown; the rest is grey.
    Shown,
    /// It is an error.
    Refused,
}

/// The pixels, reduced to 1/2, 1/4 or 1/8 where the longer side stays at
/// `target_px` or more. Data that is damaged gives what can be had of it, as far
/// as libjpeg-turbo can go on. Colours are those of sRGB.
pub(super) fn decode(bytes: &[u8], limits: &Limits, target_px: u32, cut: Cut) -> Result<Picture> {
    decode_as(bytes, limits, target_px, cut, true)
}

/// The pixels at full size, of RGB as they are stored; all of them.
pub(super) fn decode_stored(bytes: &[u8], limits: &Limits) -> Result<Picture> {
    decode_as(bytes, limits, u32::MAX, Cut::Refused, false)
}

/// The ICC profile that the header holds, of a picture in RGB.
pub(super) fn profile_of(bytes: &[u8], limits: &Limits) -> Option<Vec<u8>> {
    let found = header_of(bytes, limits.tag_bytes).ok()?;
    (found.components.len() == 3 && !found.icc.is_empty()).then_some(found.icc)
}

fn decode_as(
    bytes: &[u8],
    limits: &Limits,
    target_px: u32,
    cut: Cut,
    as_srgb: bool,
) -> Result<Picture> {
    let mut decoder = Decompressor::new().map_err(failed)?;
    decoder.set_scan_limit(SCANS).map_err(failed)?;
    let original = bytes;
    let cleaned;
    let (bytes, header) = match decoder.read_header(bytes) {
        Ok(header) => (bytes, header),
        // The binding gives nothing when the header is odd but good enough.
        Err(error) if is_warning(&error) => {
            cleaned = without_oddities(bytes).ok_or_else(|| failed(error))?;
            (cleaned.as_slice(), decoder.read_header(&cleaned).map_err(failed)?)
        }
        Err(error) => return Err(failed(error)),
    };
    let is_cmyk = matches!(header.colorspace, Colorspace::CMYK | Colorspace::YCCK);
    let format = if is_cmyk { PixelFormat::CMYK } else { PixelFormat::RGB };
    limits.check_picture(header.width as u64, header.height as u64, format.size() as u64)?;

    if !header.is_lossless {
        let longest = header.width.max(header.height);
        let enough =
            [ScalingFactor::ONE_EIGHTH, ScalingFactor::ONE_QUARTER, ScalingFactor::ONE_HALF]
                .into_iter()
                .find(|factor| factor.scale(longest) >= target_px as usize);
        decoder.set_scaling_factor(enough.unwrap_or(ScalingFactor::ONE)).map_err(failed)?;
    }
    let scaled = header.scaled(decoder.scaling_factor());
    let pitch = scaled.width * format.size();
    let mut pixels = room(pitch * scaled.height);
    let mut decompress = |bytes: &[u8]| {
        let output = Image {
            pixels: pixels.as_mut_slice(),
            width: scaled.width,
            pitch,
            height: scaled.height,
            format,
        };
        decoder.decompress(bytes, output)
    };
    match decompress(bytes) {
        Err(error) if !is_warning(&error) => return Err(failed(error)),
        Err(error)
            if cut == Cut::Refused && is_cut(&error) && !ends_after_scans(original, limits) =>
        {
            // Some writers leave out the end marker alone: then nothing is missing.
            let ended = [bytes, &[0xff, 0xd9]].concat();
            if decompress(&ended).is_err_and(|error| is_cut(&error)) {
                return Err(cut_short());
            }
        }
        _ => {}
    }
    if as_srgb || is_cmyk {
        // The original's: cleaning takes the profile away.
        let found = header_of(original, limits.tag_bytes).ok();
        pixels = srgb(pixels, header.colorspace, found.as_ref());
    }
    Picture::new(scaled.width as u32, scaled.height as u32, Pixels::U8(pixels), Color::default())
}

/// Whether it holds greys alone.
pub(super) fn is_grey(bytes: &[u8]) -> bool {
    let header = Decompressor::new().and_then(|mut decoder| decoder.read_header(bytes));
    header.is_ok_and(|header| matches!(header.colorspace, Colorspace::Gray))
}

/// The decoder's numbers as sRGB, by what the header says of them.
fn srgb(mut pixels: Vec<u8>, colorspace: Colorspace, found: Option<&Header>) -> Vec<u8> {
    let is_cmyk = matches!(colorspace, Colorspace::CMYK | Colorspace::YCCK);
    let embedded = found.and_then(|found| Profile::from_icc(&found.icc));
    if is_cmyk {
        let is_inverted = found.is_some_and(|found| found.adobe_transform.is_some());
        if is_inverted {
            for ink in &mut pixels {
                *ink = 255 - *ink;
            }
        }
        let by_profile = embedded.and_then(|profile| profile.rgb_of_cmyk(&pixels));
        return by_profile.unwrap_or_else(|| rgb::from_cmyk(&pixels));
    }
    let is_adobe_rgb = found.is_some_and(|found| found.icc.is_empty() && found.is_adobe_rgb);
    let profile = if is_adobe_rgb { Some(Profile::adobe_rgb()) } else { embedded };
    let Some(profile) = profile else { return pixels };
    if matches!(colorspace, Colorspace::Gray) {
        if let Some(greys) = profile.grey::<u8>() {
            for value in &mut pixels {
                *value = greys.get(usize::from(*value)).copied().unwrap_or(*value);
            }
        }
    } else if let Some(mut conversion) = profile.rgb(false) {
        conversion.apply(&mut pixels);
    }
    pixels
}

/// The same picture with nothing before the first scan but what decoding
/// needs: stray bytes between segments and unknown revisions are gone.
fn without_oddities(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut segments = Segments { reader: Cursor::new(bytes), at: 0 };
    let mut kept = vec![0xff, 0xd8];
    for _ in 0..SEGMENTS {
        let marker = segments.marker().ok()?;
        let start = segments.at as usize;
        if matches!(marker, 0x01 | 0xd0..=0xd8) {
            continue;
        }
        if marker == 0xda {
            kept.extend([0xff, marker]);
            kept.extend_from_slice(bytes.get(start..)?);
            return Some(kept);
        }
        let length = usize::from(u16::from_be_bytes(segments.bytes().ok()?));
        let segment = bytes.get(start..start.checked_add(length.max(2))?)?;
        let is_known_adobe = marker == 0xee
            && segment.get(2..7) == Some(b"Adobe")
            && segment.get(13).is_some_and(|&transform| transform <= 2);
        // Frame headers and tables (T.81, table B.1), and what Adobe says of colour.
        if matches!(marker, 0xc0..=0xcf | 0xdb..=0xdd) || is_known_adobe {
            kept.extend([0xff, marker]);
            kept.extend_from_slice(segment);
        }
        let skipped = length.saturating_sub(2) as u64;
        segments.reader.seek_relative(skipped as i64).ok()?;
        segments.at += skipped;
    }
    None
}

fn header_of(bytes: &[u8], icc_bytes: u64) -> Result<Header> {
    header(Cursor::new(bytes), icc_bytes)
}

/// libjpeg-turbo fills the picture, warns, and reports the warning as an error
/// that differs in its text alone (jerror.h, the JWRN messages).
fn is_warning(error: &turbojpeg::Error) -> bool {
    const WARNINGS: [&str; 8] = [
        "Premature end of JPEG file",
        "Corrupt JPEG data",
        "Inconsistent progression sequence",
        "Invalid SOS parameters for sequential JPEG",
        "Unknown Adobe color transform code",
        "Warning:",
        "Invalid component ID",
        "Application transferred too many scanlines",
    ];
    let text = error.to_string();
    WARNINGS.iter().any(|warning| text.contains(warning))
}

/// Whether the warning is of data that end before the picture does.
fn is_cut(error: &turbojpeg::Error) -> bool {
    error.to_string().to_lowercase().contains("premature end")
}

/// Whether an end marker comes after the start of the first scan, within which no
/// such bytes can stand (T.81, B.1.1.5): then nothing was cut off, though cameras
/// have written scans that end early.
fn ends_after_scans(bytes: &[u8], limits: &Limits) -> bool {
    let scan_at = header_of(bytes, limits.tag_bytes).map_or(0, |header| header.scan_at);
    let scans = usize::try_from(scan_at).ok().and_then(|at| bytes.get(at..));
    scans.is_some_and(|scans| ends_within(scans).unwrap_or(false))
}

fn cut_short() -> Error {
    let why = "its data end before the picture does";
    Error::new(ErrorKind::Corrupt, "decoding the JPEG", why)
        .remedy("copy it again from where it came from; a preview still shows what is there")
}

#[expect(clippy::needless_pass_by_value, reason = "the shape that map_err asks for")]
fn failed(error: turbojpeg::Error) -> Error {
    let text = error.to_string();
    let kind = match &error {
        turbojpeg::Error::Null => ErrorKind::Limit,
        _ if text.contains("nsufficient memory") || text.contains("Memory allocation") => {
            ErrorKind::Limit
        }
        _ if text.contains("too many scans") || text.contains("more than") => ErrorKind::Limit,
        _ if text.contains("Unsupported") || text.contains("precision") => ErrorKind::Unsupported,
        _ => ErrorKind::Corrupt,
    };
    let why = text.trim_start_matches("TurboJPEG error: ").to_lowercase();
    Error::new(kind, "decoding the JPEG", why)
}

/// RGB, or greys, of 8 bits as a baseline JPEG; colours with 4:2:0 chroma, and
/// with whole chroma from a quality of 90 on. `quality` is 1 to 100 as libjpeg
/// counts it; what is outside is taken to the nearest.
///
/// # Errors
/// `Invalid` when a side is over 65,535 pixels.
pub(super) fn compress(
    values: &[u8],
    (width_px, height_px): (u32, u32),
    format: PixelFormat,
    quality: u8,
) -> Result<Vec<u8>> {
    let failed = |error: turbojpeg::Error| {
        let why = error.to_string().trim_start_matches("TurboJPEG error: ").to_lowercase();
        Error::new(ErrorKind::Invalid, "encoding the JPEG", why)
    };
    let width = width_px as usize;
    let image = Image {
        pixels: values,
        width,
        pitch: width * format.size(),
        height: height_px as usize,
        format,
    };
    let subsampling = match format {
        PixelFormat::GRAY => Subsamp::Gray,
        _ if quality >= 90 => Subsamp::None,
        _ => Subsamp::Sub2x2,
    };
    let mut encoder = Compressor::new().map_err(failed)?;
    encoder.set_quality(i32::from(quality.clamp(1, 100))).map_err(failed)?;
    encoder.set_subsamp(subsampling).map_err(failed)?;
    encoder.compress_to_vec(image).map_err(failed)
}
