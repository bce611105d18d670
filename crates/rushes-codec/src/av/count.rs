//! How many frames a stream has, and whether they last equally long.

use ffmpeg::ffi;
use rushes_media::{Agreement, Basis, Count, Rational, Result, Stream, StreamKind};

use super::input::{Input, Packet};
use super::seconds;
use super::tags::{Tags, value};

/// A file up to this size is read whole to count its frames.
const WHOLE_BYTES: u64 = 8 << 20;

/// Frames of a larger file that are looked at to tell a variable rate.
const SAMPLE_FRAMES: usize = 300;

/// Index entries that are looked at to tell a variable rate.
const INDEX_FRAMES: usize = 100_000;

/// Frames at the end of a sample whose order is not settled yet.
const UNSETTLED_FRAMES: usize = 16;

/// What a container's index tells of a stream.
struct Index {
    frames: u64,
    /// Entries whose data lies beyond the end of the file.
    missing: u64,
    times: Vec<i64>,
}

impl Index {
    fn read(stream: *mut ffi::AVStream, size_bytes: u64) -> Index {
        let mut index = Index { frames: 0, missing: 0, times: Vec::new() };
        // SAFETY: the stream is open; entries are asked for by valid numbers
        // and copied at once.
        unsafe {
            for at in 0..ffi::avformat_index_get_entries_count(stream) {
                let entry = ffi::avformat_index_get_entry(stream, at);
                if entry.is_null() {
                    break;
                }
                let (pos, size) = ((*entry).pos, (*entry).size());
                let end = u64::try_from(pos).unwrap_or(0).saturating_add(size.max(0) as u64);
                index.frames += 1;
                index.missing += u64::from(end > size_bytes);
                if index.times.len() < INDEX_FRAMES {
                    index.times.push((*entry).timestamp);
                }
            }
        }
        index
    }
}

/// Fills in frame counts and variable rates of the video streams, and notes
/// where header and content do not agree.
///
/// # Errors
/// `Limit` when the time is spent.
pub(super) fn measure(
    input: &mut Input<'_>,
    tags: &Tags,
    streams: &mut [Stream],
    agreement: &mut Agreement,
) -> Result<()> {
    let size_bytes = input.source().size_bytes();
    let is_mov = input.detected.format.demuxers.contains(&"mov");
    let is_avi = input.detected.format.name == "avi";
    let mut stated = Vec::new();
    let mut settled = true;
    for (at, raw) in input.streams().into_iter().enumerate() {
        let Some(stream) = streams.get_mut(at) else { break };
        // SAFETY: a stream of the open input.
        let frames = u64::try_from(unsafe { (*raw).nb_frames }).ok().filter(|&frames| frames > 0);
        let frames = frames.or_else(|| statistics(tags.streams.get(at)?));
        stated.push(frames);
        let timed = matches!(stream.kind, StreamKind::Video | StreamKind::Audio);
        if !timed || stream.attached_picture {
            continue;
        }
        let index = Index::read(raw, size_bytes);
        if is_mov && index.missing > 0 {
            let (missing, all) = (index.missing, index.frames);
            let part = if stream.kind == StreamKind::Video { "frames" } else { "blocks of sound" };
            agreement.differ(format!(
                "{missing} of {all} {part} in stream {at} lie beyond the end of the file: it is cut short"
            ));
        }
        if stream.kind != StreamKind::Video {
            continue;
        }
        let whole = if is_avi {
            // An AVI has one fixed rate; chunks left empty repeat the frame
            // before and are not in the index.
            stream.variable_rate = Some(false);
            index.times.last().is_some_and(|&last| covers(last.saturating_add(1), frames))
        } else {
            is_mov && frames == Some(index.frames)
        };
        if is_mov {
            stream.variable_rate = is_variable(&index.times);
        }
        if whole {
            let frames = index.frames - index.missing;
            stream.frame_count = Some(Count { frames, basis: Basis::Counted });
        }
        settled &= whole && stream.variable_rate.is_some();
    }
    if !settled {
        walk(input, &stated, streams, agreement)?;
    }
    for (stream, stated) in streams.iter_mut().zip(&stated) {
        if stream.kind == StreamKind::Video
            && !stream.attached_picture
            && stream.frame_count.is_none()
        {
            stream.frame_count = match stated {
                Some(frames) => Some(Count { frames: *frames, basis: Basis::Stated }),
                None => estimate(stream),
            };
        }
    }
    Ok(())
}

/// Whether times up to `end`, in frames, are all that is stated.
fn covers(end: i64, stated: Option<u64>) -> bool {
    stated.is_some_and(|stated| u64::try_from(end).is_ok_and(|end| end >= stated))
}

/// The number of frames that Matroska's statistics tags state; mkvmerge adds
/// the language to the key.
fn statistics(tags: &[(String, String)]) -> Option<u64> {
    let stated = value(tags, "NUMBER_OF_FRAMES").or_else(|| value(tags, "NUMBER_OF_FRAMES-eng"));
    stated?.parse().ok().filter(|&frames| frames > 0)
}

fn estimate(stream: &Stream) -> Option<Count> {
    let frames = stream.duration_secs?.checked_mul(stream.frame_rate_hz?)?;
    let frames = frames.to_f64().round();
    (frames >= 1.0).then_some(Count { frames: frames as u64, basis: Basis::Estimated })
}

/// What reading packets tells of a stream.
#[derive(Default)]
struct Walked {
    frames: u64,
    times: Vec<i64>,
    /// Where its last packet ends, in seconds from its first.
    start: Option<i64>,
    end: Option<i64>,
}

/// Reads packets: all of a small file, the first of a large one.
fn walk(
    input: &mut Input<'_>,
    stated: &[Option<u64>],
    streams: &mut [Stream],
    agreement: &mut Agreement,
) -> Result<()> {
    let whole = input.source().size_bytes() <= WHOLE_BYTES;
    let is_avi = input.detected.format.name == "avi";
    let raw = input.streams();
    let is_video = |stream: &Stream| stream.kind == StreamKind::Video && !stream.attached_picture;
    let mut walked: Vec<Walked> = streams.iter().map(|_| Walked::default()).collect();
    let mut packet = Packet::new()?;
    let mut bytes = 0_u64;
    let mut complete = false;
    loop {
        if input.read(&mut packet)?.is_none() {
            complete = true;
            break;
        }
        let (at, given) = (packet.stream(), packet.get());
        let Some((stream, found)) = streams.get(at).zip(walked.get_mut(at)) else { continue };
        bytes = bytes.saturating_add(u64::try_from(given.size).unwrap_or(0));
        if !stream.attached_picture {
            note_time(found, given);
        }
        if is_video(stream) && is_shown(&stream.codec, first_byte(given)) {
            found.frames += 1;
        }
        let sampled = |(stream, found): (&Stream, &Walked)| {
            !is_video(stream) || found.times.len() >= SAMPLE_FRAMES
        };
        if !whole && (bytes > WHOLE_BYTES || streams.iter().zip(&walked).all(sampled)) {
            break;
        }
    }
    for (at, (stream, found)) in streams.iter_mut().zip(&mut walked).enumerate() {
        let Some(raw) = raw.get(at).copied().filter(|_| !stream.attached_picture) else { continue };
        if is_video(stream) {
            if stream.variable_rate.is_none() {
                found.times.sort_unstable();
                found.times.dedup();
                if !complete || found.times.len() >= SAMPLE_FRAMES {
                    found.times.truncate(found.times.len().saturating_sub(UNSETTLED_FRAMES));
                }
                stream.variable_rate = is_variable(&found.times);
            }
            if complete && whole && found.frames > 0 {
                stream
                    .frame_count
                    .get_or_insert(Count { frames: found.frames, basis: Basis::Counted });
                if let Some(Some(stated)) = stated.get(at)
                    && *stated > found.frames
                    && !(is_avi && covers(found.end.unwrap_or(0), Some(*stated)))
                {
                    agreement.differ(format!(
                        "the header states {stated} frames in stream {at}, {} are there",
                        found.frames
                    ));
                }
            }
        }
        if complete && whole {
            // SAFETY: a stream of the open input.
            let time_base = unsafe { (*raw).time_base };
            let length = found
                .start
                .zip(found.end)
                .and_then(|(start, end)| seconds(end.checked_sub(start)?, time_base));
            note_short(at, stream.duration_secs, length, agreement);
        }
    }
    Ok(())
}

fn note_time(found: &mut Walked, packet: &ffi::AVPacket) {
    let time = if packet.pts == ffi::AV_NOPTS_VALUE { packet.dts } else { packet.pts };
    if time == ffi::AV_NOPTS_VALUE {
        return;
    }
    if found.times.len() < SAMPLE_FRAMES {
        found.times.push(time);
    }
    let end = time.saturating_add(packet.duration.max(0));
    found.start = Some(found.start.map_or(time, |start| start.min(time)));
    found.end = Some(found.end.map_or(end, |last| last.max(end)));
}

/// Notes a stream that ends well before the header says it does.
fn note_short(
    at: usize,
    stated: Option<Rational>,
    length: Option<Rational>,
    agreement: &mut Agreement,
) {
    if let Some((stated, length)) = stated.zip(length) {
        let (stated, length) = (stated.to_f64(), length.to_f64());
        if length < stated * 0.9 - 0.5 {
            agreement.differ(format!(
                "the header states {stated:.1} s for stream {at}, it ends after {length:.1} s"
            ));
        }
    }
}

/// The first byte of a packet's data.
fn first_byte(packet: &ffi::AVPacket) -> Option<u8> {
    // SAFETY: a packet with data and a size holds at least one byte.
    (packet.size > 0 && !packet.data.is_null()).then(|| unsafe { *packet.data })
}

/// Whether a packet that starts with this byte gives a picture. VP8 keeps
/// pictures that are only for reference in packets of their own (RFC 6386,
/// section 9.1: bit 4).
fn is_shown(codec: &str, first: Option<u8>) -> bool {
    first.is_some_and(|first| codec != "vp8" || first & 0x10 != 0)
}

/// Whether frames last differently long; `None` for fewer than two. Times of
/// an even rate lie within one tick of a straight line, since each was rounded
/// to a tick; where a frame lasts only a few ticks they must be exact, or one
/// left out would pass for rounding.
fn is_variable(times: &[i64]) -> Option<bool> {
    let (&first, &last) = times.first().zip(times.last())?;
    let steps = i64::try_from(times.len()).ok()? - 1;
    if steps < 1 {
        return None;
    }
    let span = last.checked_sub(first)?;
    let length = |pair: &[i64]| Some(pair.last()?.saturating_sub(*pair.first()?));
    let lengths = || times.windows(2).filter_map(length);
    let (shortest, longest) = (lengths().min()?, lengths().max()?);
    if shortest == longest {
        return Some(false);
    }
    let mean = span as f64 / steps as f64;
    if longest.saturating_sub(shortest) > 2 || mean < 4.0 {
        return Some(true);
    }
    let off = |(at, &time): (usize, &i64)| {
        (time.saturating_sub(first) as f64 - mean * at as f64).abs() > 1.01
    };
    Some(times.iter().enumerate().any(off))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rounded(step: f64, count: usize) -> Vec<i64> {
        (0..count).map(|at| (at as f64 * step).round() as i64).collect()
    }

    #[test]
    fn rounded_times_of_an_even_rate_are_even() {
        for step in [1001.0 / 30.0, 1000.0 / 24.0, 1000.0 / 120.0, 600.0 / 29.97, 512.0] {
            assert_eq!(is_variable(&rounded(step, 500)), Some(false), "{step}");
        }
    }

    #[test]
    fn a_left_out_frame_is_seen_at_any_resolution() {
        for step in [1.0, 2.0, 1001.0 / 30.0, 512.0] {
            let mut times = rounded(step, 500);
            times.remove(250);
            assert_eq!(is_variable(&times), Some(true), "{step}");
        }
        assert_eq!(is_variable(&[0]), None);
        assert_eq!(is_variable(&[0, 40]), Some(false));
        assert_eq!(is_variable(&[i64::MIN, 0, i64::MAX]), None);
    }

    #[test]
    fn packets_that_show_nothing_are_no_frames() {
        assert!(is_shown("vp8", Some(0x30)) && !is_shown("vp8", Some(0x21)));
        assert!(is_shown("h264", Some(0)) && !is_shown("h264", None));
    }

    #[test]
    fn a_short_stream_is_noted() {
        let mut agreement = Agreement::full();
        note_short(0, Some(Rational::whole(10)), Some(Rational::whole(9)), &mut agreement);
        assert!(agreement.agrees);
        note_short(0, Some(Rational::whole(10)), Some(Rational::whole(4)), &mut agreement);
        assert_eq!(
            agreement.differences,
            ["the header states 10.0 s for stream 0, it ends after 4.0 s"]
        );
    }
}
