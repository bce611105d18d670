//! One stream of a container, described.

use std::ffi::{c_char, c_int};

use ffmpeg::ffi;
use rushes_media::{Rational, Stream, StreamKind};

use super::color::{color, side_data};
use super::input::Input;
use super::tags::value;
use super::{NOT_STATED, positive, seconds, string};

/// Whether libav marks the stream as cover art.
pub(crate) fn is_attached(stream: *mut ffi::AVStream) -> bool {
    // SAFETY: a stream of an open input.
    unsafe { (*stream).disposition & ffi::AV_DISPOSITION_ATTACHED_PIC != 0 }
}

/// When a stream of pictures or sound starts, in seconds of its container's
/// own time.
pub(crate) fn start_secs(stream: *mut ffi::AVStream) -> Option<Rational> {
    // SAFETY: a stream of an open input has parameters.
    let (kind, start, time_base) =
        unsafe { ((*(*stream).codecpar).codec_type, (*stream).start_time, (*stream).time_base) };
    let is_timed = matches!(kind, ffi::AVMediaType::VIDEO | ffi::AVMediaType::AUDIO);
    if is_timed && !is_attached(stream) { seconds(start, time_base) } else { None }
}

/// Describes stream number `index`. `still` says that its pictures are not
/// played in time.
pub(crate) fn describe(
    input: &Input<'_>,
    index: usize,
    raw: *mut ffi::AVStream,
    tags: &[(String, String)],
    still: bool,
) -> Stream {
    // SAFETY: a stream of an open input has parameters.
    let (parameters, time_base) = unsafe { (&*(*raw).codecpar, (*raw).time_base) };
    let kind = match parameters.codec_type {
        ffi::AVMediaType::VIDEO if still => StreamKind::Still,
        ffi::AVMediaType::VIDEO => StreamKind::Video,
        ffi::AVMediaType::AUDIO => StreamKind::Audio,
        ffi::AVMediaType::SUBTITLE => StreamKind::Subtitle,
        ffi::AVMediaType::ATTACHMENT => StreamKind::Attachment,
        _ => StreamKind::Data,
    };
    let mut stream = Stream::new(index as u32, kind, codec_name(parameters));
    stream.attached_picture = is_attached(raw);
    stream.bit_rate_bps = u64::try_from(parameters.bit_rate).ok().filter(|&rate| rate > 0);
    stream.language =
        value(tags, "language").filter(|&language| language != "und").map(str::to_owned);
    stream.title = value(tags, "title").map(str::to_owned);
    if parameters.profile != NOT_STATED {
        // SAFETY: names are constants, or null.
        let name =
            unsafe { string(ffi::avcodec_profile_name(parameters.codec_id, parameters.profile)) };
        stream.profile = Some(name.unwrap_or_else(|| parameters.profile.to_string()));
    }
    if !stream.attached_picture && kind != StreamKind::Still {
        // SAFETY: as above.
        let duration = unsafe { (*raw).duration };
        stream.duration_secs = seconds(duration, time_base)
            .or_else(|| value(tags, "DURATION").and_then(clock_time))
            .filter(|&duration| duration > Rational::ZERO);
    }
    match kind {
        StreamKind::Video | StreamKind::Still => picture(input, raw, parameters, &mut stream),
        StreamKind::Audio => sound(parameters, &mut stream),
        _ => {}
    }
    stream
}

fn codec_name(parameters: &ffi::AVCodecParameters) -> String {
    if parameters.codec_id == ffi::AVCodecID::NONE {
        // The four characters that name a kind of track in QuickTime, `tmcd`.
        let tag = parameters.codec_tag.to_le_bytes();
        if tag.iter().all(u8::is_ascii_alphanumeric) {
            return String::from_utf8_lossy(&tag).into_owned();
        }
        return "unknown".to_owned();
    }
    // SAFETY: the name is a constant.
    let name = unsafe { string(ffi::avcodec_get_name(parameters.codec_id)) };
    name.filter(|name| name != "unknown_codec").unwrap_or_else(|| "unknown".to_owned())
}

fn picture(
    input: &Input<'_>,
    raw: *mut ffi::AVStream,
    parameters: &ffi::AVCodecParameters,
    stream: &mut Stream,
) {
    if parameters.level != NOT_STATED {
        stream.level = Some(parameters.level);
    }
    let size = |px: c_int| u32::try_from(px).ok().filter(|&px| px > 0);
    stream.width_px = size(parameters.width);
    stream.height_px = size(parameters.height);
    // SAFETY: names and descriptors are constants, or null.
    unsafe {
        let format = ffi::AVPixelFormat(parameters.format);
        stream.pixel_format = string(ffi::av_get_pix_fmt_name(format));
        let descriptor = ffi::av_pix_fmt_desc_get(format);
        if !descriptor.is_null() {
            let depth = (*descriptor).comp.first().map_or(0, |component| component.depth);
            stream.bit_depth = u32::try_from(depth).ok().filter(|&depth| depth > 0);
        }
    }
    stream.color = color(raw);
    // SAFETY: context and stream are open; no frame is given.
    let aspect =
        unsafe { ffi::av_guess_sample_aspect_ratio(input.context(), raw, std::ptr::null_mut()) };
    stream.sample_aspect = positive(aspect);
    let size = stream.width_px.zip(stream.height_px);
    stream.display_aspect = stream.sample_aspect.zip(size).and_then(|(aspect, (width, height))| {
        Rational::new(width.into(), height.into())?.checked_mul(aspect)
    });
    if let Some(turn) = turn_of(raw) {
        stream.rotation_degrees = Some(turn.degrees);
        stream.mirrored = turn.mirrored;
    }
    if !stream.attached_picture && stream.kind == StreamKind::Video {
        // SAFETY: a stream of an open input.
        let (average, base) = unsafe { ((*raw).avg_frame_rate, (*raw).r_frame_rate) };
        stream.frame_rate_hz = positive(average);
        stream.base_rate_hz = positive(base);
    }
}

fn sound(parameters: &ffi::AVCodecParameters, stream: &mut Stream) {
    let number = |value: c_int| u32::try_from(value).ok().filter(|&value| value > 0);
    stream.channels = number(parameters.ch_layout.nb_channels);
    stream.sample_rate_hz = number(parameters.sample_rate);
    // SAFETY: names are constants, or null; the layout belongs to the stream.
    unsafe {
        stream.sample_format =
            string(ffi::av_get_sample_fmt_name(ffi::AVSampleFormat(parameters.format)));
        stream.bit_depth = number(parameters.bits_per_raw_sample)
            .or_else(|| number(ffi::av_get_exact_bits_per_sample(parameters.codec_id)));
        if parameters.ch_layout.order != ffi::AVChannelOrder::UNSPEC {
            let mut text: [c_char; 128] = [0; 128];
            let code = ffi::av_channel_layout_describe(
                &raw const parameters.ch_layout,
                text.as_mut_ptr(),
                text.len(),
            );
            if code > 0 {
                stream.channel_layout = string(text.as_ptr());
            }
        }
    }
}

/// How a stream's pictures are set upright, when that is stated.
pub(crate) fn turn_of(stream: *mut ffi::AVStream) -> Option<Turn> {
    side_data(stream, ffi::AVPacketSideDataType::DISPLAYMATRIX).and_then(turn)
}

/// How a picture is set upright.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Turn {
    pub(crate) degrees: u16,
    pub(crate) mirrored: bool,
}

/// Reads a display matrix (ISO/IEC 14496-12, section 6.2.2): nine 32-bit
/// numbers in this machine's order, `a b u c d v x y w`, where a point goes to
/// `(a x + c y, b x + d y)` and y grows downwards.
fn turn(matrix: &[u8]) -> Option<Turn> {
    let number = |at: usize| {
        let bytes = matrix.get(at * 4..at * 4 + 4)?;
        Some(f64::from(i32::from_ne_bytes(bytes.try_into().ok()?)))
    };
    let (mut a, b, c, d) = (number(0)?, number(1)?, number(3)?, number(4)?);
    let area = a * d - b * c;
    if area == 0.0 {
        return None;
    }
    let mirrored = area < 0.0;
    if mirrored {
        // The mirroring comes last: taken off, it turns the first row around.
        a = -a;
    }
    let degrees = b.atan2(a).to_degrees().rem_euclid(360.0);
    let quarters = (degrees / 90.0).round() as u16 % 4;
    Some(Turn { degrees: quarters * 90, mirrored })
}

/// `HH:MM:SS.fraction` in seconds, as Matroska writers note durations.
fn clock_time(text: &str) -> Option<Rational> {
    let mut parts = text.trim_end_matches('\0').splitn(3, ':');
    let hours: i64 = parts.next()?.parse().ok()?;
    let minutes: i64 = parts.next()?.parse().ok()?;
    let (whole, fraction) = parts.next()?.split_once('.')?;
    let whole: i64 = whole.parse().ok()?;
    if fraction.is_empty() || fraction.len() > 9 || hours > 1_000_000 {
        return None;
    }
    let scale = 10_i64.checked_pow(fraction.len() as u32)?;
    let fraction = Rational::new(fraction.parse().ok()?, scale)?;
    let whole =
        hours.checked_mul(3600)?.checked_add(minutes.checked_mul(60)?)?.checked_add(whole)?;
    Rational::whole(whole).checked_add(fraction)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matrix(a: i32, b: i32, c: i32, d: i32) -> Vec<u8> {
        let numbers = [a << 16, b << 16, 0, c << 16, d << 16, 0, 0, 0, 1 << 30];
        numbers.iter().flat_map(|number| number.to_ne_bytes()).collect()
    }

    #[test]
    fn turns_and_mirrors() {
        for (numbers, degrees, mirrored) in [
            ((1, 0, 0, 1), 0, false),
            ((0, 1, -1, 0), 90, false),
            ((-1, 0, 0, -1), 180, false),
            ((0, -1, 1, 0), 270, false),
            ((-1, 0, 0, 1), 0, true),
            ((1, 0, 0, -1), 180, true),
        ] {
            let (a, b, c, d) = numbers;
            assert_eq!(turn(&matrix(a, b, c, d)), Some(Turn { degrees, mirrored }), "{numbers:?}");
        }
        assert_eq!(turn(&matrix(0, 0, 0, 0)), None);
        assert_eq!(turn(&[0; 8]), None);
    }

    #[test]
    fn clock_times_are_exact() {
        assert_eq!(clock_time("00:01:02.500000000"), Rational::new(125, 2));
        assert_eq!(clock_time("x"), None);
        assert_eq!(clock_time("9999999999:00:00.0"), None);
    }
}
