//! StreamPix recordings of Norpix, `.seq`: a header of 1024 bytes in little
//! endian, then frames with the time of each behind it. Facts are those of the
//! header files of Norpix's own SDK and of public readers.

use rushes_media::{Error, ErrorKind, Frame, Rational, Result};

use super::raw::{Number, Pixel, Raw};
use super::times::Times;
use super::{MOST_FRAMES, Pictures, STILLS_HZ, Sequence, Taken, WHAT, bytes, corrupt};
use crate::{Source, still};

const HEADER_BYTES: u64 = 1024;

/// Where raw frames begin since version 5.
const ALIGNED_BYTES: u64 = 8192;

/// What lies behind each frame: seconds, milliseconds, microseconds.
const STAMP_BYTES: u64 = 8;

/// Seconds since 1970 that are taken for a time of day; smaller ones count
/// from some other start.
const TIME_OF_DAY_SECS: i64 = 100_000_000;

/// Whether a file begins as such a recording: a magic number and a name in
/// UTF-16.
pub(super) fn is_norpix(head: &[u8]) -> bool {
    let name = head.get(4..24).unwrap_or_default();
    head.starts_with(&0xfeed_u32.to_le_bytes())
        && name.as_chunks::<2>().0.iter().map(|pair| pair[0]).eq(*b"Norpix seq")
        && name.iter().skip(1).step_by(2).all(|&high| high == 0)
}

/// What the header says.
#[derive(Clone, Debug)]
pub(super) struct Header {
    pub(super) version: u32,
    pub(super) description: Option<String>,
    pub(super) width_px: u32,
    pub(super) height_px: u32,
    /// How raw pixels lie; `None` for frames that are JPEGs.
    pub(super) raw: Option<Raw>,
    /// Bits of one number.
    pub(super) depth_bits: u32,
    /// 0 when it was not stated.
    pub(super) allocated_frames: u64,
    /// From one raw frame to the next.
    stride_bytes: u64,
    pub(super) rate_hz: Option<Rational>,
    /// The frame that was recorded first, when others were recorded over.
    oldest: u64,
}

impl Header {
    pub(super) fn read(source: &Source, head: &[u8]) -> Result<Header> {
        let long = |at: usize| head.get(at..).and_then(|it| it.first_chunk::<4>().copied());
        let [
            version,
            width_px,
            height_px,
            depth_bits,
            real_bits,
            image_bytes,
            format,
            allocated,
            stride,
            about_text,
            compression,
            oldest,
        ] = [28, 548, 552, 556, 560, 564, 568, 572, 580, 592, 620, 656]
            .map(|at| long(at).map_or(0, u32::from_le_bytes));
        if (head.len() as u64) < HEADER_BYTES {
            return Err(corrupt(format!("it ends within its header of {HEADER_BYTES} bytes")));
        }
        let rate = head.get(584..).and_then(|it| it.first_chunk::<8>().copied());
        let is_jpeg = match (compression, format) {
            (1 | 17, _) | (0, 102 | 201) => true,
            (0, _) => false,
            (other, _) => {
                let why = format!("its frames are compressed by StreamPix's method {other}");
                return Err(unsupported(why).remedy("export it from StreamPix as raw or JPEG"));
            }
        };
        let mut header = Header {
            version,
            description: head.get(36..548).and_then(|text| description(text, about_text)),
            width_px,
            height_px,
            raw: None,
            depth_bits: 8,
            allocated_frames: allocated.into(),
            stride_bytes: stride.into(),
            rate_hz: rate.and_then(|rate| rate_of(f64::from_le_bytes(rate))),
            oldest: oldest.into(),
        };
        let mut pixel_bytes = 3;
        if !is_jpeg {
            let pixel = pixel_of(format, depth_bits, real_bits)?;
            let raw = header.raw_rows(pixel, image_bytes.into())?;
            pixel_bytes = raw.filled_bytes() / u64::from(width_px.max(1));
            header.depth_bits = pixel.bits();
            header.raw = Some(raw);
        }
        source.limits().check_picture(width_px.into(), height_px.into(), pixel_bytes)?;
        Ok(header)
    }

    /// How raw rows lie: one after another, or each filled up alike.
    fn raw_rows(&self, pixel: Pixel, image_bytes: u64) -> Result<Raw> {
        let (width_px, height_px) = (self.width_px, self.height_px);
        let mut raw = Raw { width_px, height_px, row_bytes: 0, pixel };
        let filled = raw.filled_bytes();
        let rows = u64::from(height_px.max(1));
        raw.row_bytes = image_bytes / rows;
        if !image_bytes.is_multiple_of(rows)
            || raw.row_bytes < filled
            || raw.row_bytes - filled > 4096
        {
            let why = format!(
                "its header states {image_bytes} bytes for {width_px}x{height_px} pixels of {} bits",
                pixel.bits()
            );
            return Err(corrupt(why));
        }
        Ok(raw)
    }

    /// Bytes of the time behind a frame that are used.
    fn stamp_bytes(&self) -> u64 {
        if self.version >= 5 { STAMP_BYTES } else { 6 }
    }

    /// A frame's time in microseconds; `None` when it is none. Before version
    /// 5 the microseconds were not written.
    fn micros(&self, stamp: &[u8]) -> Option<i64> {
        let &[a, b, c, d, e, f, ref more @ ..] = stamp else { return None };
        let secs = i64::from(u32::from_le_bytes([a, b, c, d]));
        let millis = i64::from(u16::from_le_bytes([e, f]));
        let micros = match *more {
            [low, high, ..] if self.version >= 5 => i64::from(u16::from_le_bytes([low, high])),
            _ => 0,
        };
        (millis < 1000 && micros < 1000).then_some((secs * 1000 + millis) * 1000 + micros)
    }
}

/// How a raw pixel lies, by its number in StreamPix.
fn pixel_of(format: u32, depth_bits: u32, real_bits: u32) -> Result<Pixel> {
    let number = |bytes: u32, at_top, is_big_endian| match bytes {
        1 => Some(Number::Eight),
        2 => {
            let bits = if (9..=16).contains(&real_bits) { real_bits } else { 16 };
            Some(Number::Sixteen { bits, at_top, is_big_endian })
        }
        _ => None,
    };
    let color = |stored: u32, is_bgr| {
        let number = number(depth_bits / 8 / stored, false, false)?;
        let is_whole = depth_bits.is_multiple_of(8 * stored);
        is_whole.then_some(Pixel::Color { number, stored: stored.into(), is_bgr })
    };
    let gray = |at_top, is_big| {
        number(depth_bits / 8, at_top, is_big)
            .filter(|_| depth_bits.is_multiple_of(8))
            .map(Pixel::Gray)
    };
    let found = match format {
        // Grey, and the mosaic of a colour sensor as it is.
        100 | 101 => gray(false, false),
        112 | 113 => gray(true, false),
        114 | 115 => gray(true, true),
        200 => color(3, true),
        400 => color(3, false),
        500 => color(4, true),
        _ => None,
    };
    found.ok_or_else(|| {
        unsupported(format!("its pixels are StreamPix's format {format} of {depth_bits} bits"))
            .remedy("export it from StreamPix as mono, BGR or RGB")
    })
}

fn unsupported(why: String) -> Error {
    Error::new(ErrorKind::Unsupported, WHAT, why)
}

/// What somebody wrote about the recording: UTF-16, or bytes of text.
fn description(text: &[u8], kind: u32) -> Option<String> {
    let text = match kind {
        0 => {
            let units = text.as_chunks::<2>().0.iter().map(|&pair| u16::from_le_bytes(pair));
            let units: Vec<u16> = units.take_while(|&unit| unit != 0).collect();
            String::from_utf16_lossy(&units)
        }
        1 => {
            let bytes = text.split(|&byte| byte == 0).next().unwrap_or_default();
            String::from_utf8_lossy(bytes).into_owned()
        }
        _ => return None,
    };
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// A rate as it was meant: television's where it is near one of those, else
/// with six decimals.
pub(super) fn rate_of(rate_hz: f64) -> Option<Rational> {
    if !rate_hz.is_finite() || !(1e-3..=1e7).contains(&rate_hz) {
        return None;
    }
    for whole in [24_i32, 30, 48, 60, 120] {
        if (f64::from(whole) / 1.001 - rate_hz).abs() < 5e-4 {
            return Rational::new(i64::from(whole) * 1000, 1001);
        }
    }
    Rational::new((rate_hz * 1e6).round() as i64, 1_000_000)
}

/// Where the frames lie.
#[derive(Debug)]
enum Places {
    Even {
        first: u64,
    },
    /// Each JPEG and its length.
    Listed(Vec<(u64, u32)>),
}

/// A recording.
#[derive(Debug)]
pub(super) struct Norpix {
    source: Source,
    header: Header,
    count: usize,
    places: Places,
}

pub(super) fn open(source: Source, head: &[u8]) -> Result<Sequence> {
    let header = Header::read(&source, head)?;
    let mut warnings = Vec::new();
    let mut norpix = Norpix { source, header, count: 0, places: Places::Even { first: 0 } };
    norpix.find(&mut warnings)?;
    if norpix.count == 0 {
        return Err(corrupt("not one whole frame is in it"));
    }
    if norpix.header.raw.is_some_and(|raw| matches!(raw.pixel, Pixel::Gray(_))) && is_mosaic(head) {
        warnings.push("it is the mosaic of a colour sensor, given as grey as it is".to_owned());
    }
    let stamps = norpix.stamps()?;
    let (times, epoch_secs) = norpix.times(stamps, &mut warnings)?;
    let (pictures, has_times) = (Box::new(norpix), true);
    Ok(Sequence { pictures, times, has_times, epoch_secs, warnings })
}

/// The header, and how many frames that and the file's size tell.
pub(super) fn without_frames(source: &Source, head: &[u8]) -> Result<(Header, u64)> {
    let header = Header::read(source, head)?;
    let count = match header.raw {
        Some(raw) => raw_count(source, &header, raw)?,
        None => header.allocated_frames,
    };
    Ok((header, count))
}

fn is_mosaic(head: &[u8]) -> bool {
    head.get(568).is_some_and(|format| matches!(format, 101 | 113 | 115))
}

impl Norpix {
    /// Finds the frames.
    fn find(&mut self, warnings: &mut Vec<String>) -> Result<()> {
        let stated = self.header.allocated_frames;
        let count = if let Some(raw) = self.header.raw {
            let count = raw_count(&self.source, &self.header, raw)?;
            self.places = Places::Even { first: raw_start(&self.header) };
            count
        } else {
            let places = self.walk()?;
            let count = places.len() as u64;
            self.places = Places::Listed(places);
            count
        };
        if stated > count {
            warnings.push(format!("the header states {stated} frames, {count} are in the file"));
        }
        self.count =
            usize::try_from(count).ok().filter(|&it| it <= MOST_FRAMES).ok_or_else(|| {
                let why = format!("it has more than {MOST_FRAMES} frames");
                Error::new(ErrorKind::Limit, WHAT, why)
            })?;
        Ok(())
    }

    /// Goes from JPEG to JPEG: each has its length before it, counted with its
    /// own four bytes, and its time behind it, which eight empty bytes may
    /// follow.
    fn walk(&self) -> Result<Vec<(u64, u32)>> {
        let source = &self.source;
        let most = match self.header.allocated_frames {
            0 => MOST_FRAMES as u64,
            stated => stated,
        };
        let mut places = Vec::new();
        let starts = [HEADER_BYTES, ALIGNED_BYTES];
        let mut at = starts.into_iter().find(|&at| jpeg_at(source, at).is_some());
        while let Some(length) = at.and_then(|at| jpeg_at(source, at)) {
            source.goes_on(WHAT)?;
            let start = at.unwrap_or(0) + 4;
            places.push((start, length));
            if places.len() as u64 >= most || places.len() > MOST_FRAMES {
                break;
            }
            let next = start + u64::from(length) + STAMP_BYTES;
            let filled = next + STAMP_BYTES;
            at = [next, filled].into_iter().find(|&at| jpeg_at(source, at).is_some());
        }
        Ok(places)
    }

    fn place(&self, i: usize) -> Option<(u64, u64)> {
        match &self.places {
            Places::Even { first } => {
                let (i, count) = (i as u64, self.count as u64);
                let oldest = if self.header.oldest < count { self.header.oldest } else { 0 };
                let stored = (i + oldest) % count.max(1);
                let at = stored.checked_mul(self.header.stride_bytes)?.checked_add(*first)?;
                Some((at, self.header.raw?.bytes()))
            }
            Places::Listed(places) => places.get(i).map(|&(at, length)| (at, u64::from(length))),
        }
    }

    /// Every frame's time in microseconds; `None` when one of them is none.
    fn stamps(&self) -> Result<Option<Vec<i64>>> {
        let mut stamps = Vec::with_capacity(self.count);
        for i in 0..self.count {
            if i.is_multiple_of(256) {
                self.source.goes_on(WHAT)?;
            }
            let place = self.place(i).and_then(|(at, length)| at.checked_add(length));
            let stamp =
                place.and_then(|at| bytes(&self.source, at, self.header.stamp_bytes()).ok());
            match stamp.and_then(|stamp| self.header.micros(&stamp)) {
                Some(micros) => stamps.push(micros),
                None => return Ok(None),
            }
        }
        Ok(Some(stamps))
    }

    /// By the times behind the frames, else by the rate in the header.
    fn times(
        &self,
        stamps: Option<Vec<i64>>,
        warnings: &mut Vec<String>,
    ) -> Result<(Times, Option<Rational>)> {
        let even = |warnings: &mut Vec<String>, why: &str| {
            let rate = self.header.rate_hz.unwrap_or(STILLS_HZ);
            warnings.push(format!("{why}: frames are timed at {rate} a second"));
            Times::even(rate, self.count)
        };
        let Some(mut stamps) = stamps else {
            return Ok((even(warnings, "its times are none")?, None));
        };
        let first = stamps.first().copied().unwrap_or(0);
        let last = stamps.last().copied().unwrap_or(0);
        let has_day = first / 1_000_000 >= TIME_OF_DAY_SECS;
        let epoch = Rational::new(first, 1_000_000).filter(|_| has_day);
        if self.count > 1 && last == first {
            return Ok((even(warnings, "all its times are the same")?, None));
        }
        stamps.iter_mut().for_each(|stamp| *stamp -= first);
        let before = match stamps.as_slice() {
            [.., before, last] => last - before,
            _ => 0,
        };
        let stated = self.header.rate_hz.map(|rate| (1e6 / rate.to_f64()).round() as i64);
        match Times::listed(1_000_000, stamps, stated.unwrap_or(before)) {
            Some(times) => Ok((times, epoch)),
            None => Ok((even(warnings, "its times go back")?, None)),
        }
    }
}

impl Pictures for Norpix {
    fn count(&self) -> usize {
        self.count
    }

    fn picture(&self, i: usize) -> Result<Taken> {
        let (at, length) = self.place(i).ok_or_else(|| Error::bug(WHAT, "no such frame"))?;
        let bytes = bytes(&self.source, at, length)?;
        let frame = match self.header.raw {
            Some(raw) => raw.frame(&bytes)?,
            None => self.jpeg(i, &bytes)?,
        };
        Ok(Taken { frame, still: None })
    }
}

impl Norpix {
    fn jpeg(&self, i: usize, bytes: &[u8]) -> Result<Frame> {
        let frame = still::jpeg_frame(bytes, self.source.limits())?;
        let (width_px, height_px) = (self.header.width_px, self.header.height_px);
        if (frame.width_px(), frame.height_px()) != (width_px, height_px) {
            let is = format!("{}x{}", frame.width_px(), frame.height_px());
            return Err(corrupt(format!(
                "frame {i} has {is} pixels, the header states {width_px}x{height_px}"
            )));
        }
        Ok(frame)
    }
}

/// Where raw frames begin.
fn raw_start(header: &Header) -> u64 {
    if header.version >= 5 { ALIGNED_BYTES } else { HEADER_BYTES }
}

/// How many whole frames with their times are in the file, no more than were
/// recorded.
fn raw_count(source: &Source, header: &Header, raw: Raw) -> Result<u64> {
    let needed = raw.bytes().saturating_add(header.stamp_bytes());
    if header.stride_bytes < needed {
        let stride = header.stride_bytes;
        let why = format!("its header states {stride} bytes a frame, one takes {needed}");
        return Err(corrupt(why));
    }
    let room = source.size_bytes().saturating_sub(raw_start(header));
    // The last one need not be filled up.
    let there = room.checked_sub(needed).map_or(0, |rest| rest / header.stride_bytes + 1);
    Ok(match header.allocated_frames {
        0 => there,
        stated => stated.min(there),
    })
}

/// The length of the JPEG whose length is stated here, when it is one.
fn jpeg_at(source: &Source, at: u64) -> Option<u32> {
    let head = bytes(source, at, 6).ok()?;
    let &[a, b, c, d, 0xff, 0xd8] = head.as_slice() else { return None };
    let length = u32::from_le_bytes([a, b, c, d]).checked_sub(4)?;
    let end = at.checked_add(4)?.checked_add(length.into())?;
    (length > 2 && end <= source.size_bytes()).then_some(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_as_they_were_meant() {
        for (rate, num, den) in [
            (29.97, 30_000, 1001),
            (29.970_029_97, 30_000, 1001),
            (23.976, 24_000, 1001),
            (30.0, 30, 1),
            (12.5, 25, 2),
            (500.25, 2001, 4),
            (99.9, 999, 10),
        ] {
            assert_eq!(rate_of(rate), Rational::new(num, den), "{rate}");
        }
        for none in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e300] {
            assert_eq!(rate_of(none), None);
        }
    }
}
