//! What a recording holds, from its header, and pictures for its preview.

use rushes_media::{
    Agreement, Basis, Container, Count, Error, ErrorKind, Layout, MediaKind, Picture, Probe,
    Rational, Result, Stream, StreamKind,
};

use super::numbers::{Target, fit};
use super::{WHAT, hiris, norpix};
use crate::av::scale;
use crate::{Depth, Format, Source};

/// What a recording by StreamPix or Hiris holds; `None` when it is none.
pub(crate) fn probe(source: &Source, head: &[u8]) -> Option<Result<Probe>> {
    if norpix::is_norpix(head) {
        return Some(norpix_probe(source, head));
    }
    hiris::is_hiris(head).then(|| hiris_probe(source))
}

fn norpix_probe(source: &Source, head: &[u8]) -> Result<Probe> {
    let (header, count) = norpix::without_frames(source, head)?;
    let (codec, pixels) = match header.raw {
        Some(raw) => ("rawvideo", raw.pixel.name()),
        None => ("mjpeg", None),
    };
    let mut stream = Stream::new(0, StreamKind::Video, codec);
    stream.pixel_format = pixels.map(Into::into);
    stream.bit_depth = Some(header.depth_bits);
    (stream.width_px, stream.height_px) = (Some(header.width_px), Some(header.height_px));
    stream.frame_rate_hz = header.rate_hz;
    let basis = if header.raw.is_some() { Basis::Counted } else { Basis::Stated };
    stream.frame_count = (count > 0).then_some(Count { frames: count, basis });
    let mut probe = probe_of(source, "norpix", stream);
    probe.description = header.description;
    let stated = header.allocated_frames;
    if stated > count {
        probe.agreement.differ(format!(
            "the header states {stated} frames, {count} are in the file: it is cut short"
        ));
    }
    Ok(probe)
}

fn hiris_probe(source: &Source) -> Result<Probe> {
    let settings = hiris::Settings::read(source)?;
    let mut stream = Stream::new(0, StreamKind::Video, "rawvideo");
    stream.pixel_format = settings.raw.pixel.name().map(Into::into);
    stream.bit_depth = Some(settings.raw.pixel.bits());
    (stream.width_px, stream.height_px) =
        (Some(settings.raw.width_px), Some(settings.raw.height_px));
    stream.frame_rate_hz = settings.rate_hz;
    let mut probe = probe_of(source, "hiris", stream);
    let mut room = source.limits().text_bytes;
    for (name, value) in settings.all {
        let bytes = (name.len() + value.len()) as u64;
        if value.is_empty() || bytes > room {
            continue;
        }
        room -= bytes;
        probe.tags.insert(name, value);
    }
    Ok(probe)
}

/// A probe of one stream of video in a container of this name.
fn probe_of(source: &Source, format: &str, mut stream: Stream) -> Probe {
    let (width, height) = (stream.width_px.unwrap_or(0), stream.height_px.unwrap_or(0));
    stream.sample_aspect = Some(Rational::whole(1));
    stream.display_aspect = Rational::new(width.into(), height.into());
    let frames = stream.frame_count.and_then(|count| i64::try_from(count.frames).ok());
    let duration = frames
        .zip(stream.frame_rate_hz)
        .and_then(|(frames, rate)| Rational::whole(frames).checked_div(rate));
    stream.duration_secs = duration;
    let mut agreement = Agreement::full();
    let mut container = Container { format: format.into(), ..Container::default() };
    if let Some(known) = Format::named(format) {
        container.name = known.words.into();
        container.mime = known.mime.into();
        let extension = source.extension();
        if Format::by_extension(extension).is_some() && !known.goes_by(extension) {
            agreement.differ(format!("named .{extension} but holds {}", known.words));
        }
    }
    Probe {
        duration_secs: duration,
        streams: vec![stream],
        agreement,
        ..Probe::of_kind(MediaKind::Video, container)
    }
}

/// As [`crate::preview_frames`], of a recording in one file; `None` when it is
/// none.
pub(crate) fn preview(
    source: &Source,
    max_px: u32,
    count: usize,
    each: &mut dyn FnMut(Rational, Picture) -> bool,
) -> Option<Result<usize>> {
    let head = source.head().ok()?;
    if hiris::is_hiris(&head) {
        let why = "its frames are in the .bin files beside it, which no preview reads";
        return Some(Err(Error::new(ErrorKind::Unsupported, WHAT, why)));
    }
    norpix::is_norpix(&head).then(|| norpix_preview(source, &head, max_px, count, each))
}

fn norpix_preview(
    source: &Source,
    head: &[u8],
    max_px: u32,
    count: usize,
    each: &mut dyn FnMut(Rational, Picture) -> bool,
) -> Result<usize> {
    let sequence = norpix::open(source.patched(Vec::new()), head)?;
    let all = sequence.len();
    let wanted = count.min(all);
    for given in 0..wanted {
        source.goes_on(WHAT)?;
        // The frame in the middle of each of `wanted` equal parts.
        let i = (2 * given + 1) * all / (2 * wanted);
        let frame = sequence.pictures.picture(i)?.frame;
        let (width_px, height_px) = (frame.width_px(), frame.height_px());
        let target = Target { width_px, height_px, layout: Layout::Rgba, depth: Depth::U8 };
        let rushes_media::Values::U8(rgba) = fit(frame, &target)?.into_values() else {
            return Err(Error::bug(WHAT, "its numbers are not 8 bits"));
        };
        let picture = scale::picture_of_rgba(&rgba, width_px, height_px, max_px, source.limits())?;
        if !each(sequence.time_secs(i), picture) {
            return Ok(given + 1);
        }
    }
    Ok(wanted)
}
