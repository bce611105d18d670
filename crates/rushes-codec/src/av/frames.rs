//! Pictures for previews: some spread through a video, and cover art.

use ffmpeg::ffi;
use rushes_media::{Error, ErrorKind, Picture, Rational, Result};

use super::animated_webp::AnimatedWebP;
use super::decode::{Decoder, Frame};
use super::input::{Input, Packet};
use super::stream::is_attached;
use super::{scale, seconds};
use crate::Source;

/// Frames decoded at most to come from a key frame to the time wanted.
const FRAMES_TO_TARGET: u32 = 600;

/// Pictures asked for at most.
const MOST_PICTURES: usize = 1000;

/// Gives up to `count` pictures spread evenly through the video to `each`,
/// with their times from its start, in order. It stops early when `each` says
/// `false`. Gives back how many were given.
///
/// Pictures have square pixels, their longer side at most `max_px`, and are
/// not rotated. HDR (PQ, HLG) and deep BT.2020 come as 16 bits with their
/// transfer and primaries named; all else as 8 bits, full range. A still that
/// libav reads gives its one picture.
///
/// # Errors
/// `Unsupported` when there is no video in it, `Corrupt` when not one frame
/// can be decoded, and those of [`crate::probe`].
pub fn preview_frames(
    source: &Source,
    max_px: u32,
    count: usize,
    each: &mut dyn FnMut(Rational, Picture) -> bool,
) -> Result<usize> {
    let count = count.min(MOST_PICTURES);
    if count == 0 {
        return Ok(0);
    }
    if let Some(animated) = AnimatedWebP::find(source, &source.head()?) {
        return animated.frames(source, max_px, count, each);
    }
    if let Some(given) = crate::sequence::preview(source, max_px, count, each) {
        return given;
    }
    let mut given = Given { each, frames: 0, stopped: false };
    let mut reader = Reader::open(source, max_px)?;
    let seeking = reader.by_seeking(count, &mut given);
    match seeking {
        Err(error) if given.frames == 0 && error.kind == ErrorKind::Limit => return Err(error),
        _ if given.frames > 0 || given.stopped => return Ok(given.frames),
        _ => {}
    }
    drop(reader);
    Reader::open(source, max_px)?.by_decoding_all(count, &mut given)?;
    if given.frames == 0 {
        let why = "not one frame of it can be decoded";
        return Err(Error::new(ErrorKind::Corrupt, "decoding the video", why)
            .remedy("copy it again from where it came from, or repair it"));
    }
    Ok(given.frames)
}

/// The caller's function, and what it was given.
struct Given<'a> {
    each: &'a mut dyn FnMut(Rational, Picture) -> bool,
    frames: usize,
    stopped: bool,
}

impl Given<'_> {
    fn give(&mut self, time: Rational, picture: Picture) {
        self.frames += 1;
        self.stopped = !(self.each)(time, picture);
    }
}

/// One video stream, read for pictures.
struct Reader<'a> {
    input: Input<'a>,
    decoder: Decoder,
    index: usize,
    stream: *mut ffi::AVStream,
    aspect: Option<Rational>,
    start: i64,
    max_px: u32,
    packet: Packet,
    frame: Frame,
}

impl<'a> Reader<'a> {
    /// Opens the first video stream that has a decoder.
    fn open(source: &'a Source, max_px: u32) -> Result<Reader<'a>> {
        let mut input = Input::open(source)?;
        let mut failed = None;
        for (index, stream) in input.streams().into_iter().enumerate() {
            // SAFETY: a stream of an open input has parameters.
            let kind = unsafe { (*(*stream).codecpar).codec_type };
            if kind != ffi::AVMediaType::VIDEO || is_attached(stream) {
                continue;
            }
            match Decoder::open(stream, source.limits()) {
                Ok(decoder) => {
                    // SAFETY: context and stream are open; no frame is given.
                    let (start, aspect) = unsafe {
                        let context = input.context();
                        let none = std::ptr::null_mut();
                        let aspect = ffi::av_guess_sample_aspect_ratio(context, stream, none);
                        ((*stream).start_time, super::positive(aspect))
                    };
                    input.keep_only(index);
                    let start = if start == ffi::AV_NOPTS_VALUE { 0 } else { start };
                    let (packet, frame) = (Packet::new()?, Frame::new()?);
                    return Ok(Reader {
                        input,
                        decoder,
                        index,
                        stream,
                        aspect,
                        start,
                        max_px,
                        packet,
                        frame,
                    });
                }
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        Err(failed.unwrap_or_else(|| {
            Error::new(ErrorKind::Unsupported, "decoding the video", "there is none in it")
        }))
    }

    /// Ticks of the stream's time base that the video lasts, when known.
    fn length(&self) -> Option<i64> {
        // SAFETY: stream and context are open.
        let (own, whole, time_base) = unsafe {
            ((*self.stream).duration, (*self.input.context()).duration, (*self.stream).time_base)
        };
        if own != ffi::AV_NOPTS_VALUE && own > 0 {
            return Some(own);
        }
        let micro = ffi::AVRational { num: 1, den: 1_000_000 };
        let (whole, tick) = (seconds(whole, micro)?, seconds(1, time_base)?);
        let ticks = whole.checked_div(tick)?.to_f64();
        (1.0..9e18).contains(&ticks).then_some(ticks as i64)
    }

    fn next(&mut self) -> Result<bool> {
        self.decoder.next(&mut self.input, self.index, &mut self.packet, &mut self.frame)
    }

    fn picture_of(&self, frame: &Frame) -> Result<Picture> {
        scale::picture(frame, self.aspect, self.max_px, self.input.source().limits())
    }

    fn time_of(&self, ticks: i64) -> Rational {
        // SAFETY: the stream is open.
        let time_base = unsafe { (*self.stream).time_base };
        let from_start = ticks.saturating_sub(self.start).max(0);
        seconds(from_start, time_base).unwrap_or(Rational::ZERO)
    }

    /// Seeks to the middle of each of `count` equal parts and takes the frame
    /// there: the key frame before it when that is near, else the frame itself.
    fn by_seeking(&mut self, count: usize, given: &mut Given<'_>) -> Result<()> {
        let Some(length) = self.length() else { return Ok(()) };
        let part = length / i64::try_from(count).unwrap_or(1);
        let mut last: Option<i64> = None;
        for at in 0..count {
            let middle = (length as f64 * (at as f64 + 0.5) / count as f64) as i64;
            let target = self.start.saturating_add(middle);
            if last.is_some_and(|last| last >= target) {
                continue;
            }
            if !self.reach(target, last) {
                // Nothing yet: the caller decodes from the start instead.
                return Ok(());
            }
            match self.find(target, part / 2, last) {
                Ok(Some(ticks)) => {
                    let picture = self.picture_of(&self.frame)?;
                    last = Some(ticks);
                    given.give(self.time_of(ticks), picture);
                    if given.stopped {
                        return Ok(());
                    }
                }
                Ok(None) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Seeks to the key frame before the target, unless decoding on from where
    /// we are gets there as well: then there is none between.
    fn reach(&mut self, target: i64, last: Option<i64>) -> bool {
        if let Some(last) = last {
            // SAFETY: the stream is open; the entry is copied at once.
            let key = unsafe {
                let entry = ffi::avformat_index_get_entry_from_timestamp(
                    self.stream,
                    target,
                    ffi::AVSEEK_FLAG_BACKWARD,
                );
                (!entry.is_null()).then(|| (*entry).timestamp)
            };
            if key.is_some_and(|key| key <= last) {
                return true;
            }
        }
        let found = self.input.seek(self.index, target);
        if found {
            self.decoder.flush();
        }
        found
    }

    /// Decodes to the frame at the target, or takes one that lies within
    /// `near` before it. It is left in `self.frame`.
    fn find(&mut self, target: i64, near: i64, last: Option<i64>) -> Result<Option<i64>> {
        let is_new = |ticks: i64| last.is_none_or(|last| ticks > last);
        let mut best = Frame::new()?;
        let mut best_ticks = None;
        for _ in 0..FRAMES_TO_TARGET {
            if !self.next()? {
                break;
            }
            let Some(ticks) = self.frame.ticks() else { continue };
            if self.frame.is_corrupt() || !is_new(ticks) {
                continue;
            }
            if ticks.saturating_add(near) >= target {
                return Ok(Some(ticks));
            }
            best.take(&mut self.frame);
            best_ticks = Some(ticks);
        }
        self.frame.take(&mut best);
        Ok(best_ticks)
    }

    /// Decodes everything from the start and keeps frames at a distance that
    /// doubles whenever too many are kept: what is left at the end is spread
    /// evenly, however long it was.
    fn by_decoding_all(&mut self, count: usize, given: &mut Given<'_>) -> Result<()> {
        let mut kept: Vec<(Rational, Picture)> = Vec::new();
        let (mut distance, mut seen) = (1_u64, 0_u64);
        loop {
            match self.next() {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) if kept.is_empty() => return Err(error),
                // The time is up: what there is must do.
                Err(_) => break,
            }
            if seen.is_multiple_of(distance) {
                if kept.len() >= count * 2 {
                    let mut even = false;
                    kept.retain(|_| {
                        even = !even;
                        even
                    });
                    distance *= 2;
                }
                if seen.is_multiple_of(distance) {
                    let ticks = self.frame.ticks().unwrap_or(self.start);
                    match self.picture_of(&self.frame) {
                        Ok(picture) => kept.push((self.time_of(ticks), picture)),
                        Err(error) if kept.is_empty() => return Err(error),
                        Err(_) => {}
                    }
                }
            }
            seen += 1;
        }
        let all = kept.len();
        let wanted = count.min(all);
        // The middle of each of `wanted` equal parts.
        let picked: Vec<usize> = (0..wanted).map(|at| (2 * at + 1) * all / (2 * wanted)).collect();
        for (at, (time, picture)) in kept.into_iter().enumerate() {
            if picked.binary_search(&at).is_ok() {
                given.give(time, picture);
                if given.stopped {
                    break;
                }
            }
        }
        Ok(())
    }
}

/// The cover art of a sound file, or any picture attached to a container; its
/// longer side at most `max_px`. `None` when there is none.
///
/// # Errors
/// Those of [`crate::probe`], and `Corrupt` when there is one that cannot be
/// decoded.
pub fn cover_picture(source: &Source, max_px: u32) -> Result<Option<Picture>> {
    let input = Input::open(source)?;
    let limits = source.limits();
    let mut failed = None;
    for stream in input.streams().into_iter().filter(|&stream| is_attached(stream)) {
        let decoded = Decoder::open(stream, limits).and_then(|mut decoder| {
            let mut frame = Frame::new()?;
            // SAFETY: the attached packet lives as long as its stream.
            let packet = unsafe { &raw mut (*stream).attached_pic };
            decoder.decode_alone(packet, &mut frame)?;
            scale::picture(&frame, None, max_px, limits)
        });
        match decoded {
            Ok(picture) => return Ok(Some(picture)),
            Err(error) => failed = failed.or(Some(error)),
        }
    }
    failed.map_or(Ok(None), Err)
}
