//! What a worker process may do, and how the parent asks for it. Everything
//! that parses media bytes happens here, in the worker.

use std::fs::File;
use std::os::fd::AsFd;
use std::sync::atomic::AtomicBool;

use rushes_codec::Source;
use rushes_media::{
    Error, ErrorKind, Frame, Limits, MediaKind, Picture, Pixels, Probe, Result, name_from_url,
    name_to_url,
};
use rushes_ops::{audio, image};
use rushes_sandbox::{Pool, Reply, Task};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{convert, mosaic};

/// Every task of a worker, by name.
pub const TASKS: &[(&str, Task)] = &[
    ("probe", probe_task),
    ("picture", picture_task),
    convert::TASKS[0],
    convert::TASKS[1],
    mosaic::TASKS[0],
    mosaic::TASKS[1],
];

/// Longest side of a poster.
const POSTER_PX: u32 = 512;
/// Size of one tile of a strip, and how many stand in a row.
const TILE_PX: (u32, u32) = (240, 136);
const STRIP_COLUMNS: usize = 5;
/// Size of a picture of sound.
const WAVEFORM_PX: (u32, u32) = (1_200, 240);
/// Quality of the previews' WebP, 0 to 100.
const QUALITY: u8 = 78;

/// Loads what decoders would load at their first use, before the worker
/// locks itself in.
pub fn warm() {
    // The answers do not matter, only that the libraries were asked.
    drop(rushes_codec::versions());
    drop(jiff::tz::TimeZone::system());
    if let Ok(pixel) =
        Picture::new(16, 16, Pixels::U8(vec![0; 768]), rushes_media::Color::default())
    {
        drop(rushes_codec::encode_webp(&pixel, QUALITY));
    }
}

/// What a file holds, found out in a worker.
///
/// # Errors
/// `Unsupported` when it is no media, `Corrupt` or `Limit` as the file is,
/// `Unavailable` when no worker can be had.
pub fn probe(pool: &Pool, file: &File, path: &[u8], cancelled: &AtomicBool) -> Result<Probe> {
    let reply = pool.call(
        "probe",
        &json!({ "name": name_to_url(base(path)) }),
        &[file.as_fd()],
        cancelled,
    )?;
    serde_json::from_value(reply.value).map_err(|error| {
        Error::new(ErrorKind::Corrupt, "probing", format!("the worker gave no probe: {error}"))
    })
}

/// The pictures made of one asset.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pictures {
    /// A good still, WebP.
    pub poster: Option<Vec<u8>>,
    /// Stills from along a video in rows, WebP.
    pub strip: Option<Vec<u8>>,
    /// How many.
    pub strip_tiles: u32,
    /// How many in a row.
    pub strip_columns: u32,
    /// A picture of the sound, WebP.
    pub waveform: Option<Vec<u8>>,
}

/// What the worker needs to know of a probe, and what it gives back.
#[derive(Serialize, Deserialize)]
struct Wanted {
    name: String,
    kind: MediaKind,
    rotation_degrees: u16,
    mirrored: bool,
    duration_secs: f64,
}

#[derive(Serialize, Deserialize)]
struct Made {
    parts: Vec<String>,
    strip_tiles: u32,
    strip_columns: u32,
}

/// Pictures of an asset, made in a worker.
///
/// # Errors
/// As for `probe`.
pub fn pictures(
    pool: &Pool,
    file: &File,
    path: &[u8],
    probe: &Probe,
    cancelled: &AtomicBool,
) -> Result<Pictures> {
    let picture = probe.picture();
    let wanted = Wanted {
        name: name_to_url(base(path)),
        kind: probe.kind,
        rotation_degrees: picture.and_then(|stream| stream.rotation_degrees).unwrap_or(0),
        mirrored: picture.is_some_and(|stream| stream.mirrored),
        duration_secs: probe.duration_secs.map_or(0.0, rushes_media::Rational::to_f64),
    };
    let params = serde_json::to_value(&wanted).map_err(|e| Error::bug("asking for pictures", e))?;
    let reply = pool.call("picture", &params, &[file.as_fd()], cancelled)?;
    let broken = |why: &str| Error::new(ErrorKind::Corrupt, "making previews", why);
    let made: Made = serde_json::from_value(reply.value)
        .map_err(|_| broken("the worker's answer makes no sense"))?;
    let mut pictures = Pictures {
        strip_tiles: made.strip_tiles,
        strip_columns: made.strip_columns,
        ..Pictures::default()
    };
    for (part, blob) in made.parts.iter().zip(reply.blobs) {
        // What a worker gives is as hostile as the file: it is served as a
        // picture, so it must at least say that it is one.
        if !(blob.starts_with(b"RIFF") && blob.get(8..12) == Some(b"WEBP")) {
            return Err(broken("the worker gave something else than pictures"));
        }
        match part.as_str() {
            "poster" => pictures.poster = Some(blob),
            "strip" => pictures.strip = Some(blob),
            "waveform" => pictures.waveform = Some(blob),
            _ => return Err(broken("the worker gave a picture nobody asked for")),
        }
    }
    Ok(pictures)
}

fn base(path: &[u8]) -> &[u8] {
    path.rsplit(|&byte| byte == b'/').next().unwrap_or(path)
}

fn source(name: &str, files: &[File], limits: &Limits) -> Result<Source> {
    let file = files.first().ok_or_else(|| Error::bug("reading a file", "no file was passed"))?;
    let file = file.try_clone().map_err(|error| Error::io("reading a file", &error))?;
    Source::new(file, &name_from_url(name)?, *limits)
}

fn probe_task(params: Value, files: &mut [File], limits: &Limits) -> Result<Reply> {
    let name = params.get("name").and_then(Value::as_str).unwrap_or_default();
    let probe = probe_with_tags(&source(name, files, limits)?)?;
    let value = serde_json::to_value(&probe).map_err(|e| Error::bug("writing a probe", e))?;
    Ok(Reply { value, blobs: Vec::new() })
}

/// What a file holds, with what its tags say; read by this process, which must be
/// a worker or one that may be lost.
///
/// # Errors
/// As for [`rushes_codec::probe`]. Tags that are broken are none.
pub fn probe_with_tags(source: &Source) -> Result<Probe> {
    let mut probe = rushes_codec::probe(source)?;
    // A tag that cannot be read never costs the probe.
    let read = |room: &mut [u8], position| source.read_at(room, position);
    let format = &probe.container.format;
    match rushes_tags::read_at(&read, source.size_bytes(), format, source.limits()) {
        Ok(tags) => tags.merge_into(&mut probe),
        // What the disk did not give now is asked for again.
        Err(error) if error.kind == ErrorKind::Unavailable => return Err(error),
        Err(error) => probe.agreement.differ(error.to_string()),
    }
    if probe.kind != MediaKind::Still {
        rushes_tags::from_container(&probe.tags).merge_into(&mut probe);
    }
    Ok(probe)
}

/// How a still is set upright by its tags: degrees clockwise, and whether it is
/// mirrored left to right after that. Read by this process, as in
/// [`probe_with_tags`].
///
/// # Errors
/// As for [`probe_with_tags`].
pub fn orientation(source: &Source) -> Result<(u16, bool)> {
    let probe = probe_with_tags(source)?;
    let stated = probe.picture();
    Ok(stated.map_or((0, false), |it| (it.rotation_degrees.unwrap_or(0), it.mirrored)))
}

/// A still set upright as it is stated.
pub(crate) fn set_upright(probe: &Probe, frame: Frame) -> Result<Frame> {
    let Some(stream) = probe.picture() else { return Ok(frame) };
    rushes_codec::upright(frame, stream.rotation_degrees.unwrap_or(0), stream.mirrored)
}

fn picture_task(params: Value, files: &mut [File], limits: &Limits) -> Result<Reply> {
    let wanted: Wanted =
        serde_json::from_value(params).map_err(|e| Error::bug("reading a request", e))?;
    let source = source(&wanted.name, files, limits)?;
    source.whole(pictured(&source, &wanted))
}

fn pictured(source: &Source, wanted: &Wanted) -> Result<Reply> {
    let mut made = Made { parts: Vec::new(), strip_tiles: 0, strip_columns: 0 };
    let mut blobs = Vec::new();
    let mut add = |made: &mut Made, part: &str, picture: &Picture| -> Result<()> {
        blobs.push(rushes_codec::encode_webp(picture, QUALITY)?);
        made.parts.push(part.into());
        Ok(())
    };
    match wanted.kind {
        MediaKind::Still => {
            add(&mut made, "poster", &upright(still(source)?, wanted)?)?;
        }
        MediaKind::Video => {
            let (poster, tiles) = stills(source, wanted)?;
            add(&mut made, "poster", &poster)?;
            if tiles.len() > 1 {
                let columns = STRIP_COLUMNS.min(tiles.len());
                add(&mut made, "strip", &image::grid(&tiles, columns)?)?;
                made.strip_tiles = tiles.len() as u32;
                made.strip_columns = columns as u32;
            }
        }
        MediaKind::Audio => {
            if let Ok(Some(cover)) = rushes_codec::cover_picture(source, POSTER_PX) {
                add(&mut made, "poster", &image::resize(&image::tone_map(&cover), POSTER_PX)?)?;
            }
            let (width, height) = WAVEFORM_PX;
            let peaks = rushes_codec::audio_peaks(source, width as usize)?;
            add(&mut made, "waveform", &audio::waveform(&peaks, width, height))?;
        }
    }
    let value = serde_json::to_value(&made).map_err(|e| Error::bug("writing an answer", e))?;
    Ok(Reply { value, blobs })
}

/// A still by its own decoder, else (PSD, JPEG 2000, TIFF with a
/// palette) as the first frame that FFmpeg gives.
fn still(source: &Source) -> Result<Picture> {
    match rushes_codec::still_picture(source, POSTER_PX) {
        Err(error) if error.kind == ErrorKind::Unsupported && !is_raw(source) => {
            let mut first = None;
            let tried = rushes_codec::preview_frames(source, POSTER_PX, 1, &mut |_, frame| {
                first = Some(frame);
                false
            });
            match (first, tried) {
                (Some(frame), _) => Ok(frame),
                // Its own decoder knows best what is wrong, where it has one.
                (None, Err(other)) if other.kind != ErrorKind::Unsupported => Err(other),
                (None, _) => Err(error),
            }
        }
        decoded => decoded,
    }
}

/// Whether FFmpeg would show what the sensor saw, without the camera's colours.
fn is_raw(source: &Source) -> bool {
    const RAW: [&str; 9] = ["dng", "cr2", "cr3", "nef", "arw", "orf", "rw2", "pef", "srw"];
    rushes_codec::probe(source).is_ok_and(|probe| RAW.contains(&&*probe.container.format))
}

/// Tone-mapped, sized and set upright.
fn upright(picture: Picture, wanted: &Wanted) -> Result<Picture> {
    let picture = image::resize(&picture, POSTER_PX)?;
    let picture = match picture.pixels() {
        Pixels::U8(_) => picture,
        Pixels::U16(_) => image::tone_map(&picture),
    };
    Ok(image::orient(picture, wanted.rotation_degrees, wanted.mirrored))
}

/// The best still for a poster, and tiles from all along the video.
fn stills(source: &Source, wanted: &Wanted) -> Result<(Picture, Vec<Picture>)> {
    let count = match wanted.duration_secs {
        secs if secs < 5.0 => 5,
        secs if secs < 60.0 => 10,
        _ => 20,
    };
    let mut best: Option<(f64, Picture)> = None;
    let mut tiles = Vec::new();
    let mut failed = None;
    rushes_codec::preview_frames(source, POSTER_PX, count, &mut |_, frame| match upright(
        frame, wanted,
    ) {
        Ok(picture) => {
            let score = image::preview_score(&image::measure(&picture));
            tiles.push(image::fit(&picture, TILE_PX.0, TILE_PX.1));
            if best.as_ref().is_none_or(|(most, _)| score > *most) {
                best = Some((score, picture));
            }
            true
        }
        Err(error) => {
            failed = Some(error);
            false
        }
    })?;
    match (failed, best) {
        (Some(error), _) => Err(error),
        (None, Some((_, poster))) => Ok((poster, tiles)),
        (None, None) => {
            Err(Error::new(ErrorKind::Corrupt, "making previews", "no frame of it can be decoded"))
        }
    }
}
