//! An open container as a [`Probe`].

use ffmpeg::ffi;
use rushes_media::{
    Agreement, Container, Error, ErrorKind, MediaKind, Probe, Rational, Result, Stream, StreamKind,
};

use super::detect::begun_still;
use super::input::Input;
use super::tags::{Tags, value};
use super::{color, count, header, seconds, stream};
use crate::{Format, Source};

/// What a file holds, by libav.
///
/// # Errors
/// Those of [`crate::probe`].
pub(crate) fn probe(source: &Source) -> Result<Probe> {
    // Intact stills have been taken by their own readers before.
    let mut input = Input::open(source).map_err(|error| match begun_still(source) {
        Some(still) if error.kind == ErrorKind::Unsupported => {
            let why = format!("it begins like {}, but its headers are damaged", still.words);
            Error::new(ErrorKind::Corrupt, error.what, why)
        }
        _ => error,
    })?;
    let still = is_still(&input);
    let tags = Tags::read(&input);
    let mut streams: Vec<Stream> = Vec::new();
    for (at, raw) in input.streams().into_iter().enumerate() {
        let own = tags.streams.get(at).map(Vec::as_slice).unwrap_or_default();
        streams.push(stream::describe(&input, at, raw, own, still));
    }
    let mut agreement = Agreement::full();
    let duration_secs = if still { None } else { duration(&input, &streams) };
    let kind = kind(&streams);
    if kind == MediaKind::Video {
        for stream in &mut streams {
            let timed = stream.kind == StreamKind::Video && !stream.attached_picture;
            if timed && stream.duration_secs.is_none() {
                stream.duration_secs = duration_secs;
            }
        }
        count::measure(&mut input, &tags, &mut streams, &mut agreement)?;
        color::look_inside(&input, &mut streams)?;
    } else if kind == MediaKind::Audio {
        count::measure(&mut input, &tags, &mut streams, &mut agreement)?;
    }
    let head = source.head()?;
    let format = format(&input, &tags, &head, kind);
    let mut probe = Probe {
        duration_secs,
        has_audio: streams.iter().any(|stream| stream.kind == StreamKind::Audio),
        streams,
        timecode: tags.timecode(),
        agreement,
        ..Probe::of_kind(kind, container(&input, format, kind, still))
    };
    let (text, fits) = tags.collect(source.limits());
    probe.tags = text;
    if !fits {
        probe.agreement.differ("its text tags are over the limit; some were left out");
    }
    note_name(source, format, &mut probe.agreement);
    if let Some(cut) = input.cut_short()? {
        probe.agreement.differ(cut);
    }
    Ok(probe)
}

/// Whether its pictures are not played in time.
fn is_still(input: &Input<'_>) -> bool {
    // The demuxers of single pictures are those of still formats; GIF's is
    // only reached for animations.
    input.detected.format.kind == MediaKind::Still && input.detected.format.name != "gif"
}

fn kind(streams: &[Stream]) -> MediaKind {
    let has = |kind| streams.iter().any(|stream| stream.kind == kind && !stream.attached_picture);
    if has(StreamKind::Still) {
        MediaKind::Still
    } else if has(StreamKind::Video) {
        MediaKind::Video
    } else if has(StreamKind::Audio) {
        MediaKind::Audio
    } else {
        // Only cover art is left: a picture.
        MediaKind::Still
    }
}

/// The stream's own exact length when it agrees with the container's rounded
/// one, else the container's.
fn duration(input: &Input<'_>, streams: &[Stream]) -> Option<Rational> {
    // SAFETY: the context is open.
    let ticks = unsafe { (*input.context()).duration };
    let micro = ffi::AVRational { num: 1, den: 1_000_000 };
    let whole = seconds(ticks, micro).filter(|&whole| whole > Rational::ZERO);
    let longest = streams.iter().filter_map(|stream| stream.duration_secs).max();
    let Some(whole) = whole else { return longest };
    let apart = |length: Rational| (length.to_f64() - whole.to_f64()).abs();
    streams
        .iter()
        .filter_map(|stream| stream.duration_secs)
        .filter(|&length| apart(length) <= 0.001)
        .min_by(|&one, &other| apart(one).total_cmp(&apart(other)))
        .or(Some(whole))
}

/// The format by what libav's demuxer leaves open: the brand of an ISO file,
/// the document type of a Matroska file.
fn format(input: &Input<'_>, tags: &Tags, head: &[u8], kind: MediaKind) -> &'static Format {
    let found = input.detected.format;
    let name = if found.demuxers.contains(&"mov") {
        format_of_brand(value(&tags.container, "major_brand"), kind)
    } else if found.demuxers.contains(&"matroska") {
        match header::ebml_doc_type(head).as_deref() {
            Some("webm") => "webm",
            _ => "matroska",
        }
    } else {
        found.name
    };
    Format::named(name).unwrap_or(found)
}

/// The format of an ISO base media file by its major brand (the registry at
/// mp4ra.org); files older than brands are QuickTime's.
fn format_of_brand(brand: Option<&str>, kind: MediaKind) -> &'static str {
    match brand.map(str::trim_end) {
        None | Some("qt") => "mov",
        Some("M4A" | "M4B" | "M4P") => "m4a",
        Some("mjp2" | "mj2s") => "mj2",
        Some("heic" | "heix" | "heim" | "heis" | "hevc" | "hevx" | "mif1" | "msf1") => "heic",
        Some("avif" | "avis") => "avif",
        Some("crx") => "cr3",
        Some(brand) if brand.starts_with("3g2") => "3g2",
        Some(brand) if brand.starts_with("3g") => "3gp",
        Some(_) if kind == MediaKind::Audio => "m4a",
        Some(_) => "mp4",
    }
}

fn container(
    input: &Input<'_>,
    format: &'static Format,
    kind: MediaKind,
    still: bool,
) -> Container {
    let mime = match (format.name, kind) {
        ("asf", MediaKind::Video) => "video/x-ms-wmv".to_owned(),
        ("asf", MediaKind::Audio) => "audio/x-ms-wma".to_owned(),
        ("matroska" | "webm" | "mp4" | "3gp" | "3g2" | "ogg" | "mpeg", MediaKind::Audio) => {
            format.mime.replacen("video/", "audio/", 1)
        }
        ("m4a", MediaKind::Video) => "video/mp4".to_owned(),
        _ => format.mime.to_owned(),
    };
    // SAFETY: the context is open.
    let rate = unsafe { (*input.context()).bit_rate };
    Container {
        format: format.name.to_owned(),
        name: format.words.to_owned(),
        mime,
        bit_rate_bps: u64::try_from(rate).ok().filter(|&rate| rate > 0 && !still),
    }
}

/// Notes an extension that belongs to another format.
fn note_name(source: &Source, format: &Format, agreement: &mut Agreement) {
    let extension = source.extension();
    if Format::by_extension(extension).is_some() && !format.goes_by(extension) {
        agreement.differ(format!("named .{extension} but holds {}", format.words));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brands_name_formats_that_exist() {
        for (brand, kind, name) in [
            (None, MediaKind::Video, "mov"),
            (Some("qt  "), MediaKind::Video, "mov"),
            (Some("isom"), MediaKind::Video, "mp4"),
            (Some("isom"), MediaKind::Audio, "m4a"),
            (Some("M4A "), MediaKind::Audio, "m4a"),
            (Some("3gp5"), MediaKind::Video, "3gp"),
            (Some("3g2a"), MediaKind::Video, "3g2"),
            (Some("hevc"), MediaKind::Video, "heic"),
            (Some("avis"), MediaKind::Video, "avif"),
        ] {
            assert_eq!(format_of_brand(brand, kind), name);
            assert!(Format::named(name).is_some());
        }
    }
}
