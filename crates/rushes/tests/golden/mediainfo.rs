//! A probe against what MediaInfo says.

use rushes_media::{Probe, Rational, Stream, StreamKind};
use serde_json::Value;

use crate::answer::Answer;
use crate::ledger::Page;
use crate::moment;

/// MediaInfo writes times with three digits.
const ROUNDED_SECS: f64 = 0.001;

/// And ratios, of which some are cut.
const ROUNDED_RATIO: f64 = 0.001;

pub fn compare(probe: &Probe, theirs: &Value, page: &mut Page<'_>) {
    let tracks = theirs.as_array().expect("tracks");
    let of_kinds = |kinds: &[StreamKind]| {
        probe.streams.iter().filter(|stream| kinds.contains(&stream.kind)).collect::<Vec<_>>()
    };
    let pictures = of_kinds(&[StreamKind::Still, StreamKind::Video]);
    let sounds = of_kinds(&[StreamKind::Audio]);
    let of_types = |types: &[&str]| {
        tracks
            .iter()
            .filter(|track| types.contains(&track["@type"].as_str().expect("a type")))
            .count()
    };
    page.count("pictures", Some(pictures.len() as u64), Some(of_types(&["Image", "Video"]) as f64));
    page.count("sounds", Some(sounds.len() as u64), Some(of_types(&["Audio"]) as f64));
    let (mut pictures, mut sounds) = (pictures.into_iter(), sounds.into_iter());
    for track in tracks {
        let theirs = Answer::of(track);
        match theirs.text("@type").as_deref() {
            Some("General") => compare_whole(probe, &theirs, page),
            Some("Image" | "Video") => {
                compare_picture(next(&mut pictures, page), &theirs, page);
                let timecode = theirs.text("TimeCode_FirstFrame");
                page.stated("timecode", probe.timecode.clone(), timecode);
            }
            Some("Audio") => compare_sound(next(&mut sounds, page), &theirs, page),
            _ => {
                let timecode = theirs.text("TimeCode_FirstFrame");
                page.stated("timecode", probe.timecode.clone(), timecode);
            }
        }
        page.ledger.unasked.extend(theirs.unasked());
    }
}

fn next<'a>(streams: &mut impl Iterator<Item = &'a Stream>, page: &Page<'_>) -> &'a Stream {
    streams.next().unwrap_or_else(|| panic!("{}: fewer streams than MediaInfo has", page.file))
}

fn compare_whole(probe: &Probe, theirs: &Answer<'_>, page: &mut Page<'_>) {
    let format = Some(probe.container.format.as_str());
    page.name("container", format, theirs.text("Format").as_deref());
    page.name("brand", format, theirs.text("Format_Profile").as_deref());
    let duration = probe.duration_secs.map(Rational::to_f64);
    page.near("duration", duration, theirs.number("Duration"), ROUNDED_SECS);
    let rate = probe.container.bit_rate_bps.map(|rate| rate as f64);
    let stated = theirs.number("OverallBitRate");
    // Of a length with three digits.
    page.near("container_bit_rate", rate, stated, stated.unwrap_or(0.0) * 0.005);
    page.stated("title", probe.title.clone(), theirs.text("Title"));
    let description = theirs.text("Description").or_else(|| theirs.text("Comment"));
    page.stated("description", probe.description.clone(), description);
    let key = |name: &str| theirs.text(&format!("com_apple_quicktime_{name}"));
    page.stated("make", probe.camera.make.clone(), key("make"));
    page.stated("model", probe.camera.model.clone(), key("model"));
    let software = key("software");
    let encoder = theirs.text("Encoded_Application");
    page.stated("software", probe.camera.software.clone(), software.or(encoder));
    let position = probe.gps.map(|gps| {
        let altitude = gps.altitude_m.unwrap_or_default();
        let (latitude, longitude) = (gps.latitude_degrees, gps.longitude_degrees);
        format!("{latitude:+08.4}{longitude:+09.4}{altitude:+06.1}/")
    });
    page.stated("position", position, key("location_ISO6709"));
    let dates = [key("creationdate"), theirs.text("Encoded_Date"), theirs.text("Recorded_Date")];
    let created = dates.into_iter().flatten().next();
    let ours = probe.created.as_ref().map(|created| moment(&created.at));
    page.stated("created", ours, created.as_deref().map(moment));
}

fn compare_common(ours: &Stream, theirs: &Answer<'_>, page: &mut Page<'_>) {
    let is_still = ours.kind == StreamKind::Still;
    let codec = theirs.text("Format").map(|format| {
        let version = theirs.text("Format_Version");
        let layer = theirs.text("Format_Profile").filter(|_| format == "MPEG Audio");
        [Some(format), version, layer].into_iter().flatten().collect::<Vec<_>>().join(" ")
    });
    let field = if is_still { "still_codec" } else { "codec" };
    page.name(field, Some(&ours.codec), codec.as_deref());
    let duration = ours.duration_secs.map(Rational::to_f64);
    page.near("stream_duration", duration, theirs.number("Duration"), ROUNDED_SECS);
    let rate = ours.bit_rate_bps.map(|rate| rate as f64);
    let stated = theirs.number("BitRate");
    // Where no header states it, each tool measures what it read.
    page.near("bit_rate", rate, stated.filter(|_| rate.is_some()), stated.unwrap_or(0.0) * 0.05);
    page.count("bit_depth", ours.bit_depth.map(u64::from), theirs.number("BitDepth"));
    page.name("language", ours.language.as_deref(), theirs.text("Language").as_deref());
    page.stated("stream_title", ours.title.clone(), theirs.text("Title"));
}

fn compare_picture(ours: &Stream, theirs: &Answer<'_>, page: &mut Page<'_>) {
    compare_common(ours, theirs, page);
    let profile = theirs.text("Format_Profile").map(|profile| format!("{} {profile}", ours.codec));
    page.name("profile", ours.profile.as_deref(), profile.as_deref());
    let level = theirs.text("Format_Level").map(|level| format!("{} {level}", ours.codec));
    let number = ours.level.map(|level| level.to_string());
    page.name("level", number.as_deref(), level.as_deref());
    page.count("width_px", ours.width_px.map(u64::from), theirs.number("Width"));
    page.count("height_px", ours.height_px.map(u64::from), theirs.number("Height"));
    let pixels = ours.pixel_format.as_deref();
    page.name("pixel_format", pixels, theirs.text("ChromaSubsampling").as_deref());
    let color = ours.color.clone().unwrap_or_default();
    let text = |name: &str| theirs.text(name);
    page.name("range", color.range.as_deref(), text("colour_range").as_deref());
    page.name("primaries", color.primaries.as_deref(), text("colour_primaries").as_deref());
    page.name("transfer", color.transfer.as_deref(), text("transfer_characteristics").as_deref());
    page.name("matrix", color.matrix.as_deref(), text("matrix_coefficients").as_deref());
    // Under a dynamic kind lies what other players fall back to, which the transfer tells too.
    let base = text("HDR_Format_Compatibility");
    let hdr = match text("HDR_Format").as_deref() {
        Some("Dolby Vision") => Some("Dolby Vision".to_owned()),
        Some("SMPTE ST 2094 App 4") => Some("HDR10+".to_owned()),
        _ => base,
    };
    page.stated("hdr", color.hdr, hdr);
    let aspect = |ratio: Option<Rational>| ratio.map(Rational::to_f64);
    let (sample, display) = (aspect(ours.sample_aspect), aspect(ours.display_aspect));
    page.near("sample_aspect", sample, theirs.number("PixelAspectRatio"), ROUNDED_RATIO);
    page.near("display_aspect", display, theirs.number("DisplayAspectRatio"), ROUNDED_RATIO);
    let turn = f64::from(ours.rotation_degrees.unwrap_or(0));
    page.near("rotation", Some(turn), theirs.number("Rotation"), 0.0);
    let exact = theirs.text("FrameRate_Num").zip(theirs.text("FrameRate_Den"));
    let exact = exact
        .map(|(num, den)| format!("{num}/{den}").parse::<Rational>().expect("a rate").to_string());
    let rate = ours.frame_rate_hz;
    page.stated("frame_rate", rate.map(|rate| rate.to_string()), exact);
    page.near("frame_rate", aspect(rate), theirs.number("FrameRate"), 0.000_51);
    let variable = ours.variable_rate.map(|is| if is { "VFR" } else { "CFR" }.to_owned());
    page.stated("variable_rate", variable, theirs.text("FrameRate_Mode"));
    let frames = ours.frame_count.map(|count| count.frames);
    page.count("frame_count", frames, theirs.number("FrameCount"));
}

fn compare_sound(ours: &Stream, theirs: &Answer<'_>, page: &mut Page<'_>) {
    compare_common(ours, theirs, page);
    let features = theirs.text("Format_AdditionalFeatures");
    page.stated("profile", ours.profile.clone(), features);
    page.count("channels", ours.channels.map(u64::from), theirs.number("Channels"));
    let layout = theirs.text("ChannelLayout");
    page.name("channel_layout", ours.channel_layout.as_deref(), layout.as_deref());
    page.count("sample_rate", ours.sample_rate_hz.map(u64::from), theirs.number("SamplingRate"));
    let rate = ours.sample_rate_hz.map(|rate| Rational::whole(rate.into()));
    let samples = ours.duration_secs.zip(rate).and_then(|(secs, rate)| secs.checked_mul(rate));
    // Some are worked out from the rounded length.
    let tolerance = ours.sample_rate_hz.map_or(0.0, |rate| f64::from(rate) * ROUNDED_SECS);
    let samples = samples.map(Rational::to_f64);
    page.near("sample_count", samples, theirs.number("SamplingCount"), tolerance);
}
