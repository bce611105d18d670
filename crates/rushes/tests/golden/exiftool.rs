//! A probe against what exiftool says.

use std::collections::BTreeSet;

use rushes_media::{Probe, Rational, Stream, StreamKind};
use serde_json::Value;

use crate::answer::Answer;
use crate::ledger::Page;
use crate::{moment, seconds};

/// A movie header counts in milliseconds, and exiftool writes a clock.
const HEADER_SECS: f64 = 0.001;

/// Positions are stored in steps of 0.01 seconds of arc or of 0.0001 degrees.
const PLACE_DEGREES: f64 = 0.000_001;

/// Degrees clockwise, then mirrored: what EXIF's orientations 1 to 8 mean.
const TURNS: [(u16, bool); 8] = [
    (0, false),
    (0, true),
    (180, false),
    (180, true),
    (90, true),
    (90, false),
    (270, true),
    (270, false),
];

pub fn compare(probe: &Probe, theirs: &Value, page: &mut Page<'_>) {
    let theirs = Answer::of(theirs);
    let format = Some(probe.container.format.as_str());
    page.name("container", format, theirs.text("File:FileType").as_deref());
    page.name("container", format, theirs.text("Matroska:DocType").as_deref());
    page.name("mime", Some(&probe.container.mime), theirs.text("File:MIMEType").as_deref());
    if let Some(picture) = probe.picture() {
        compare_picture(picture, &theirs, page);
    }
    if let Some(sound) = probe.first(StreamKind::Audio) {
        compare_sound(sound, &theirs, page);
    }
    compare_tracks(probe, &theirs, page);
    let duration = probe.duration_secs.map(Rational::to_f64);
    for (name, text) in theirs.in_groups("Duration") {
        // Of Matroska's many it keeps one, that of the last stream.
        let last = probe.streams.last().and_then(|stream| stream.duration_secs);
        let (field, ours) = match name.as_str() {
            "Matroska:Duration" => ("stream_duration", last.map(Rational::to_f64)),
            _ => ("duration", duration),
        };
        page.near(field, ours, seconds(&text), HEADER_SECS);
    }
    timecode(probe, &theirs, page);
    compare_texts(probe, &theirs, page);
    page.ledger.unasked.extend(theirs.unasked());
}

fn compare_picture(ours: &Stream, theirs: &Answer<'_>, page: &mut Page<'_>) {
    for (of_track, plain, field, px) in [
        ("SourceImageWidth", "ImageWidth", "width_px", ours.width_px),
        ("SourceImageHeight", "ImageHeight", "height_px", ours.height_px),
    ] {
        let stored = theirs.in_groups(of_track);
        let plain = theirs.in_groups(plain);
        // A QuickTime track has the size as shown, before it is turned, beside the stored one.
        if let (Some(_), Some((_, shown))) = (stored.first(), plain.first()) {
            let aspect = ours.sample_aspect.map_or(1.0, Rational::to_f64);
            let aspect = if field == "width_px" { aspect } else { 1.0 };
            let px = px.map(|px| f64::from(px) * aspect);
            // Fractions are cut.
            page.near("shown_size", px, shown.parse().ok(), 1.0);
        }
        let sizes = if stored.is_empty() { plain } else { stored };
        for (_, size) in sizes {
            page.count(field, px.map(u64::from), size.parse().ok());
        }
    }
    if let Some(orientation) = theirs.number("IFD0:Orientation") {
        let turn = (ours.rotation_degrees.unwrap_or(0), ours.mirrored);
        let meant = TURNS.get((orientation as usize).wrapping_sub(1));
        page.both("orientation", Some(format!("{turn:?}")), meant.map(|m| format!("{m:?}")));
    }
    let turn = ours.rotation_degrees.unwrap_or(0);
    page.count("rotation", Some(u64::from(turn)), theirs.number("Composite:Rotation"));
    for (_, ratio) in theirs.in_groups("PixelAspectRatio") {
        let ratio = ratio.replace(':', "/").parse::<Rational>().ok();
        let shown = |ratio: Option<Rational>| ratio.map(|ratio| ratio.to_string());
        page.stated("sample_aspect", shown(ours.sample_aspect), shown(ratio));
    }
    for name in ["ColorPrimaries", "TransferCharacteristics", "MatrixCoefficients"] {
        let color = ours.color.clone().unwrap_or_default();
        let (field, ours) = match name {
            "ColorPrimaries" => ("primaries", color.primaries),
            "TransferCharacteristics" => ("transfer", color.transfer),
            _ => ("matrix", color.matrix),
        };
        for (_, code) in theirs.in_groups(name) {
            page.name(field, ours.as_deref(), Some(&code));
        }
    }
    compare_coding(ours, theirs, page);
    for name in ["VideoFrameRate", "EditRate"] {
        for (_, rate) in theirs.in_groups(name) {
            let rate = rate.parse().ok();
            page.near("frame_rate", ours.frame_rate_hz.map(Rational::to_f64), rate, 0.000_001);
        }
    }
    let frames = ours.frame_count.map(|count| count.frames);
    for name in ["FrameCount", "VideoFrameCount", "AnimationFrames"] {
        for (_, count) in theirs.in_groups(name) {
            page.count("frame_count", frames, count.parse().ok());
        }
    }
}

/// How the pixels are coded: depth, sampling, profile.
fn compare_coding(ours: &Stream, theirs: &Answer<'_>, page: &mut Page<'_>) {
    let named = ["File:BitsPerSample", "IFD0:BitsPerSample", "PNG:BitDepth"];
    let depths = named.into_iter().filter_map(|name| theirs.text(name));
    let heif = theirs.text("QuickTime:ImagePixelDepth");
    let mxf = theirs.in_groups("ComponentDepth").into_iter().map(|(_, depth)| depth);
    for depths in depths.chain(heif).chain(mxf) {
        // One number a component.
        for depth in depths.split(' ') {
            page.count("bit_depth", ours.bit_depth.map(u64::from), depth.parse().ok());
        }
    }
    let pixels = ours.pixel_format.as_deref();
    page.name("pixel_format", pixels, theirs.text("File:YCbCrSubSampling").as_deref());
    for (name, codec) in [("PNG:ColorType", "PNG"), ("QuickTime:ChromaFormat", &ours.codec)] {
        let theirs = theirs.text(name).map(|number| format!("{codec} {number}"));
        page.name("pixel_format", pixels, theirs.as_deref());
    }
    let profile = ours.profile.as_deref();
    for (name, codec) in [("File:EncodingProcess", "JPEG"), ("QuickTime:GeneralProfileIDC", "HEVC")]
    {
        let theirs = theirs.text(name).map(|number| format!("{codec} {number}"));
        page.name("profile", profile, theirs.as_deref());
    }
    let level = ours.level.and_then(|level| u64::try_from(level).ok());
    page.count("level", level, theirs.number("QuickTime:GeneralLevelIDC"));
}

fn compare_sound(ours: &Stream, theirs: &Answer<'_>, page: &mut Page<'_>) {
    for name in ["AudioChannels", "NumChannels", "Channels", "ChannelCount"] {
        for (_, channels) in theirs.in_groups(name) {
            page.count("channels", ours.channels.map(u64::from), channels.parse().ok());
        }
    }
    for name in ["AudioSampleRate", "SampleRate"] {
        for (_, rate) in theirs.in_groups(name) {
            page.count("sample_rate", ours.sample_rate_hz.map(u64::from), rate.parse().ok());
        }
    }
    for (group, name) in [
        ("FLAC:", "BitsPerSample"),
        ("RIFF:", "BitsPerSample"),
        ("AIFF:", "SampleSize"),
        ("Track", "BitsPerAudioSample"),
    ] {
        let found = theirs.in_groups(name).into_iter().filter(|(name, _)| name.starts_with(group));
        for (_, depth) in found {
            page.count("bit_depth", ours.bit_depth.map(u64::from), depth.parse().ok());
        }
    }
    let rate = ours.sample_rate_hz.map(|rate| Rational::whole(rate.into()));
    let samples = ours.duration_secs.zip(rate).and_then(|(secs, rate)| secs.checked_mul(rate));
    for name in ["TotalSamples", "NumSampleFrames", "AudioSampleCount"] {
        for (_, count) in theirs.in_groups(name) {
            page.stated("sample_count", samples.map(|samples| samples.to_string()), Some(count));
        }
    }
}

/// What is kept of each track by its number: that of a stream, and one more.
fn compare_tracks(probe: &Probe, theirs: &Answer<'_>, page: &mut Page<'_>) {
    for stream in &probe.streams {
        let track = format!("Track{}", stream.index + 1);
        for name in ["CompressorID", "AudioFormat", "OtherFormat", "CodecID"] {
            let codec = theirs.text(&format!("{track}:{name}"));
            page.name("codec", Some(&stream.codec), codec.as_deref());
        }
        for name in ["TrackLanguage", "MediaLanguageCode"] {
            let code = theirs.text(&format!("{track}:{name}"));
            page.name("language", stream.language.as_deref(), code.as_deref());
        }
        page.stated(
            "stream_title",
            stream.title.clone(),
            theirs.text(&format!("{track}:TrackName")),
        );
    }
}

/// MXF's start, which exiftool gives in seconds.
fn timecode(probe: &Probe, theirs: &Answer<'_>, page: &mut Page<'_>) {
    let start = theirs.in_groups("StartTimecode").into_iter().next();
    let base = theirs.in_groups("RoundedTimecodeTimebase").into_iter().next();
    if let Some(((_, start), (_, base))) = start.zip(base) {
        let (start, base): (u64, u64) =
            (start.parse().expect("seconds"), base.parse().expect("frames a second"));
        assert!(base > 0);
        let clock = [start / 3600, start / 60 % 60, start % 60, 0];
        let text = clock.map(|number| format!("{number:02}")).join(":");
        page.both("timecode", probe.timecode.clone(), Some(text));
    }
}

fn compare_texts(probe: &Probe, theirs: &Answer<'_>, page: &mut Page<'_>) {
    let first = |names: &[&str]| {
        // All are asked for, so that a second one is not left over.
        let found: Vec<String> = names.iter().filter_map(|name| theirs.text(name)).collect();
        found.into_iter().next()
    };
    let camera = &probe.camera;
    page.both("make", camera.make.clone(), first(&["IFD0:Make", "Keys:Make"]));
    page.both("model", camera.model.clone(), first(&["IFD0:Model", "Keys:Model"]));
    page.both("lens", camera.lens.clone(), first(&["ExifIFD:LensModel"]));
    let software = first(&[
        "IFD0:Software",
        "Keys:Software",
        "UserData:SoftwareVersion",
        "ItemList:Encoder",
        "ID3v2_3:EncoderSettings",
        "Vorbis:Encoder",
    ]);
    page.stated("software", camera.software.clone(), software);
    let title = first(&[
        "XMP-dc:Title",
        "PNG:Title",
        "ItemList:Title",
        "Matroska:Title",
        "Vorbis:Title",
        "ID3v2_3:Title",
        "ID3v2_4:Title",
        "AIFF:Name",
    ]);
    page.both("title", probe.title.clone(), title);
    let description = first(&[
        "XMP-dc:Description",
        "IFD0:ImageDescription",
        "RIFF:Description",
        "ItemList:Comment",
    ]);
    page.both("description", probe.description.clone(), description);
    let set = |words: Vec<String>| words.into_iter().collect::<BTreeSet<String>>();
    let mut keywords = set(theirs.list("XMP-dc:Subject"));
    keywords.extend(theirs.list("IPTC:Keywords"));
    let ours = set(probe.keywords.clone());
    let shown = |words: &BTreeSet<String>| (!words.is_empty()).then(|| format!("{words:?}"));
    page.both("keywords", shown(&ours), shown(&keywords));
    let rating = probe.rating.map(|stars| stars.to_string());
    page.both("rating", rating, theirs.text("XMP-xmp:Rating"));
    let created = first(&[
        "Composite:SubSecDateTimeOriginal",
        "ExifIFD:DateTimeOriginal",
        "ExifIFD:CreateDate",
        "XMP-xmp:CreateDate",
        "Keys:CreationDate",
        "RIFF:DateTimeOriginal",
        "Matroska:DateTimeOriginal",
        "ItemList:ContentCreateDate",
        "ID3v2_4:RecordingTime",
        "ID3v2_3:Year",
        "Vorbis:Date",
    ]);
    // A movie header counts in UTC.
    let header = first(&["QuickTime:CreateDate"]);
    let created = created.or_else(|| header.map(|text| text + "Z"));
    let ours = probe.created.as_ref().map(|created| moment(&created.at));
    // The first of them is made of this one, its fraction and its offset.
    let whole = ours.as_ref().and_then(|ours| ours.get(..14)).map(str::to_owned);
    page.stated("created", whole, theirs.text("ExifIFD:DateTimeOriginal").as_deref().map(moment));
    page.both("created", ours, created.as_deref().map(moment));
    for (field, name, ours) in [
        ("latitude", "Composite:GPSLatitude", probe.gps.map(|gps| gps.latitude_degrees)),
        ("longitude", "Composite:GPSLongitude", probe.gps.map(|gps| gps.longitude_degrees)),
        ("altitude", "Composite:GPSAltitude", probe.gps.and_then(|gps| gps.altitude_m)),
    ] {
        let theirs = theirs.number(name);
        page.near(field, ours, theirs, PLACE_DEGREES);
        if theirs.is_none() {
            page.both(field, ours.map(|number| number.to_string()), None);
        }
    }
}
