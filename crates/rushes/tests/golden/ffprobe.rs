//! A probe against what ffprobe says.

use rushes_media::{Basis, MediaKind, Probe, Rational, Stream, StreamKind};
use serde_json::Value;

use crate::answer::Answer;
use crate::ledger::Page;
use crate::seconds;

/// ffprobe writes times with six digits.
const ROUNDED_SECS: f64 = 0.000_000_6;

/// The container's length is rounded to its time scale, of a millisecond at
/// worst; a probe has the stream's exact length instead.
const CONTAINER_SECS: f64 = 0.001;

pub fn compare(probe: &Probe, theirs: &Value, page: &mut Page<'_>) {
    if theirs.is_null() {
        // ffprobe cannot read HEIC.
        assert_eq!(probe.container.format, "heic", "{} has no answer", page.file);
        return;
    }
    let is_still = probe.kind == MediaKind::Still;
    let container = Answer::of(&theirs["format"]);
    let format = container.text("format_name");
    page.name("container", Some(&probe.container.format), format.as_deref());
    page.count("streams", Some(probe.streams.len() as u64), container.number("nb_streams"));
    let duration = probe.duration_secs.map(Rational::to_f64);
    page.near("duration", duration, container.number("duration"), CONTAINER_SECS);
    // Worked out from a rounded length.
    let rate = probe.container.bit_rate_bps.map(|rate| rate as f64);
    let stated = container.number("bit_rate");
    page.near("container_bit_rate", rate, stated, stated.unwrap_or(0.0) * 0.005);
    let mut tags = tags_of(probe, &container, "", page);
    page.ledger.unasked.extend(container.unasked());
    let streams = theirs["streams"].as_array().expect("streams");
    let mut timecode = tag(&tags, "timecode");
    for (ours, theirs) in probe.streams.iter().zip(streams) {
        let theirs = Answer::of(theirs);
        compare_stream(ours, &theirs, page);
        let own = tags_of(probe, &theirs, &format!("stream{}:", ours.index), page);
        let language = tag(&own, "language").filter(|language| language != "und");
        page.both("language", ours.language.clone(), language);
        page.both("stream_title", ours.title.clone(), tag(&own, "title"));
        timecode = timecode.or_else(|| tag(&own, "timecode"));
        if probe.container.format == "ogg" {
            // The programme's tags are in its only stream.
            tags.extend(own);
        }
        page.ledger.unasked.extend(theirs.unasked());
    }
    page.both("timecode", probe.timecode.clone(), timecode);
    if !is_still {
        page.both("title", probe.title.clone(), tag(&tags, "title"));
    }
}

fn tag(tags: &[(String, String)], name: &str) -> Option<String> {
    let found = tags.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
    found.map(|(_, value)| value.clone())
}

/// The tags of a container or stream, each compared with ours of that name.
fn tags_of(
    probe: &Probe,
    theirs: &Answer<'_>,
    prefix: &str,
    page: &mut Page<'_>,
) -> Vec<(String, String)> {
    let tags = theirs.texts("tags");
    for (key, value) in &tags {
        let ours = probe.tags.get(&format!("{prefix}{key}"));
        page.stated("tag", ours.cloned(), Some(value.clone()));
    }
    tags
}

fn compare_stream(ours: &Stream, theirs: &Answer<'_>, page: &mut Page<'_>) {
    let kind = match ours.kind {
        StreamKind::Video | StreamKind::Still => "video",
        StreamKind::Audio => "audio",
        StreamKind::Subtitle => "subtitle",
        StreamKind::Data => "data",
        StreamKind::Attachment => "attachment",
    };
    page.stated("kind", Some(kind.to_owned()), theirs.text("codec_type"));
    let is_still = ours.kind == StreamKind::Still;
    let codec = theirs.text("codec_name").or_else(|| theirs.text("codec_tag_string"));
    let field = if is_still { "still_codec" } else { "codec" };
    page.name(field, Some(&ours.codec), codec.as_deref());
    page.both("profile", ours.profile.clone(), theirs.text("profile"));
    page.both("level", ours.level.map(|level| level.to_string()), theirs.text("level"));
    let attached = theirs.number("attached_pic");
    page.count("attached_picture", Some(u64::from(ours.attached_picture)), attached);
    let raw = theirs.number("bits_per_raw_sample");
    let depth = raw.or_else(|| theirs.number("bits_per_sample"));
    page.count("bit_depth", ours.bit_depth.map(u64::from), depth);
    let stated = theirs.number("duration").or_else(|| {
        // Where Matroska's writers note it.
        seconds(&tag(&theirs.texts("tags"), "duration")?)
    });
    let duration = ours.duration_secs.map(Rational::to_f64);
    page.near("stream_duration", duration, stated, ROUNDED_SECS);
    let rate = ours.bit_rate_bps.map(|rate| rate.to_string());
    if !is_still && !ours.attached_picture {
        page.both("bit_rate", rate, theirs.text("bit_rate"));
    }
    if kind == "video" {
        compare_picture(ours, theirs, page);
    } else if kind == "audio" {
        compare_sound(ours, theirs, page);
    }
}

fn compare_picture(ours: &Stream, theirs: &Answer<'_>, page: &mut Page<'_>) {
    page.count("width_px", ours.width_px.map(u64::from), theirs.number("width"));
    page.count("height_px", ours.height_px.map(u64::from), theirs.number("height"));
    page.both("pixel_format", ours.pixel_format.clone(), theirs.text("pix_fmt"));
    let color = ours.color.clone().unwrap_or_default();
    page.both("range", color.range, theirs.text("color_range"));
    page.both("matrix", color.matrix, theirs.text("color_space"));
    page.both("transfer", color.transfer, theirs.text("color_transfer"));
    page.both("primaries", color.primaries, theirs.text("color_primaries"));
    let fraction = |name: &str| {
        let text = theirs.text(name)?.replace(':', "/");
        Some(text.parse::<Rational>().expect("a fraction").to_string())
    };
    let shown = |value: Option<Rational>| value.map(|value| value.to_string());
    // A still whose pixels are not square is not known here.
    let square = Rational::whole(1);
    let (sample, size) = (ours.sample_aspect, ours.width_px.zip(ours.height_px));
    let of_square = size.and_then(|(w, h)| Rational::new(i64::from(w), i64::from(h)));
    let is_still = ours.kind == StreamKind::Still;
    let (sample, display) = match sample {
        None if is_still => (Some(square), of_square),
        _ => (sample, ours.display_aspect),
    };
    if is_still {
        page.stated("sample_aspect", shown(sample), fraction("sample_aspect_ratio"));
        page.stated("display_aspect", shown(display), fraction("display_aspect_ratio"));
        return;
    }
    page.both("sample_aspect", shown(sample), fraction("sample_aspect_ratio"));
    page.both("display_aspect", shown(display), fraction("display_aspect_ratio"));
    // ffprobe turns the other way.
    let turn = theirs.number("rotation").map(|degrees| (-degrees).rem_euclid(360.0).to_string());
    page.both("rotation", ours.rotation_degrees.map(|degrees| degrees.to_string()), turn);
    if ours.attached_picture {
        return;
    }
    page.both("frame_rate", shown(ours.frame_rate_hz), fraction("avg_frame_rate"));
    page.both("base_rate", shown(ours.base_rate_hz), fraction("r_frame_rate"));
    let counted = ours.frame_count.filter(|count| count.basis == Basis::Counted);
    let counted = counted.map(|count| count.frames);
    page.count("frame_count", counted, theirs.number("nb_read_frames"));
    page.count("frame_count", counted, theirs.number("nb_frames"));
    let (mut steps, mut frames) = (Vec::<i64>::new(), 1.0);
    for (ticks, count) in theirs.texts("frame_steps") {
        steps.push(ticks.parse().expect("ticks"));
        frames += count.parse::<f64>().expect("a count");
    }
    page.count("frame_count", counted, Some(frames));
    // Where a rate does not fit the time base, steps differ by a tick.
    let spread = steps.iter().max().zip(steps.iter().min()).map(|(most, least)| most - least);
    let variable = spread.map(|ticks| (ticks > 1).to_string());
    page.both("variable_rate", ours.variable_rate.map(|is| is.to_string()), variable);
}

fn compare_sound(ours: &Stream, theirs: &Answer<'_>, page: &mut Page<'_>) {
    page.count("channels", ours.channels.map(u64::from), theirs.number("channels"));
    page.both("channel_layout", ours.channel_layout.clone(), theirs.text("channel_layout"));
    page.count("sample_rate", ours.sample_rate_hz.map(u64::from), theirs.number("sample_rate"));
    page.both("sample_format", ours.sample_format.clone(), theirs.text("sample_fmt"));
}
