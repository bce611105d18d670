//! What a worker does: the only part that touches media.

use std::ffi::OsStr;
use std::fs::File;
use std::os::unix::ffi::OsStrExt as _;
use std::time::{Duration, Instant};

use rushes_codec::{
    AudioOptions, AudioReader, CONTAINERS, STILL_TARGETS, Source, VideoOptions, VideoStream,
    VideoWriter, WriterOptions, encode_still, still_frame,
};
use rushes_media::{
    Error, ErrorKind, Frame, FrameStream, Limits, MediaKind, Rational, Result, name_from_url,
};
use rushes_ops::stream::{Ahead, Changed, Mosaic, MosaicOptions, Tile};
use rushes_sandbox::Reply;
use serde_json::Value;

use super::sound::{Heard, Mixed, Wish, candidates, format_of, read_rate};
use super::tiles::{Laid, Placed, PlacedFile};
use super::{Order, Size, WHAT};
use crate::convert::work::{operations, upright};
use crate::making::pipe::{Nowhere, Outlet, Told};
use crate::tasks::probe_with_tags;

/// How often it says how far it is.
const OFTEN: Duration = Duration::from_millis(100);
/// Frames that a tile is read ahead, and the mosaic laid out ahead.
const AHEAD: usize = 2;

/// A picture, once.
struct Still(Option<Frame>);

impl FrameStream for Still {
    fn next_frame(&mut self) -> Result<Option<Frame>> {
        Ok(self.0.take())
    }
}

pub(super) fn plan_task(params: Value, files: &mut [File], limits: &Limits) -> Result<Reply> {
    let order: Order = serde_json::from_value(params).map_err(|error| Error::bug(WHAT, error))?;
    let mosaic = opened(&order, files, limits)?;
    let frames = match order.is_still() {
        true => Some(1),
        false => mosaic.end_secs().and_then(|end| frames_until(end, mosaic.rate_hz())),
    };
    let heard = order.heard(files, limits)?;
    let size = Size {
        width_px: mosaic.width_px(),
        height_px: mosaic.height_px(),
        rate_hz: mosaic.rate_hz(),
        frames,
        sounds: heard.iter().map(|it| it.file.number as u32 + 1).collect(),
    };
    // The container and the codec are known to each other before work begins.
    if !order.is_still() {
        let writer =
            VideoWriter::create(Nowhere, &order.extension, order.writer(mosaic.rate_hz()))?;
        if let Some((rate_hz, channels)) = format_of(&heard)? {
            writer.with_sound(rate_hz, channels)?;
        }
    }
    let value = serde_json::to_value(size).map_err(|error| Error::bug(WHAT, error))?;
    Ok(Reply { value, blobs: Vec::new() })
}

pub(super) fn mosaic_task(params: Value, files: &mut [File], limits: &Limits) -> Result<Reply> {
    let order: Order = serde_json::from_value(params).map_err(|error| Error::bug(WHAT, error))?;
    let Some((pipe, files)) = files.split_last() else {
        return Err(Error::bug(WHAT, "no pipe was passed"));
    };
    let outlet = || {
        pipe.try_clone().map(Outlet).map_err(|error| Error::io("handing the new file over", &error))
    };
    let mut mosaic = opened(&order, files, limits)?;
    let mut told = Told { unit: "frames".to_owned(), ..Told::default() };
    if order.is_still() {
        let frame = mosaic.next_frame()?.ok_or_else(|| Error::bug(WHAT, "it has no frame"))?;
        let bytes = encode_still(&frame, &order.extension, order.quality.map(|it| it.max(1)))?;
        outlet()?
            .write_whole(&bytes, false)
            .map_err(|error| Error::io("handing the new file over", &error))?;
        told.done = 1;
        told.total = Some(1);
    } else {
        told.total = mosaic.end_secs().and_then(|end| frames_until(end, mosaic.rate_hz()));
        let options = order.writer(mosaic.rate_hz());
        let mut writer = VideoWriter::create(outlet()?, &order.extension, options)?;
        let heard = order.heard(files, limits)?;
        let mut sound = None;
        if let Some((rate_hz, channels)) = format_of(&heard)? {
            let (with, rate_hz, channels) = writer.with_sound(rate_hz, channels)?;
            writer = with;
            sound = Some(Mixed::open(&heard, rate_hz, channels)?);
        }
        let step_secs = Rational::whole(1).checked_div(mosaic.rate_hz());
        let mut progress = outlet()?;
        let mut next = Instant::now();
        while let Some(frame) = mosaic.next_frame()? {
            writer.write(&frame)?;
            told.done += 1;
            let count = i64::try_from(told.done).unwrap_or(i64::MAX);
            let ends = step_secs.and_then(|step| step.checked_mul(Rational::whole(count)));
            if let Some((sound, ends)) = sound.as_mut().zip(ends) {
                writer.write_sound(sound.until(ends)?)?;
            }
            told.lost_frames = mosaic.lost_frames();
            if next <= Instant::now() {
                next = Instant::now() + OFTEN;
                // A parent that does not listen any more wants no file either.
                progress.tell(&told).map_err(|error| Error::io(WHAT, &error))?;
            }
        }
        writer.finish()?;
    }
    told.lost_frames = mosaic.lost_frames();
    let value = serde_json::to_value(told).map_err(|error| Error::bug(WHAT, error))?;
    Ok(Reply { value, blobs: Vec::new() })
}

impl Order {
    fn is_still(&self) -> bool {
        let extension = &&*self.extension;
        STILL_TARGETS.iter().any(|target| target.extensions.contains(extension))
            && !CONTAINERS.iter().any(|container| container.extensions.contains(extension))
    }

    fn writer(&self, rate_hz: Rational) -> WriterOptions {
        WriterOptions {
            codec: self.codec.clone(),
            rate_hz: Some(rate_hz),
            quality: self.quality,
            threads: 0,
            plays: self.plays,
        }
    }
}

impl Order {
    /// The files whose sound is heard.
    fn heard(&self, files: &[File], limits: &Limits) -> Result<Vec<Heard<'_>>> {
        let holds = CONTAINERS
            .iter()
            .any(|it| it.extensions.contains(&&*self.extension) && !it.sound.is_empty());
        if !holds && matches!(self.sound, Wish::Tile(_) | Wish::Mix) {
            let why = format!("{:?} holds no sound", self.extension);
            return Err(Error::new(ErrorKind::Unsupported, WHAT, why)
                .remedy("give the new file another extension, or leave the sound out"));
        }
        let mut heard = Vec::new();
        for file in candidates(&self.tile, self.sound).into_iter().filter(|_| holds) {
            let source = file.source(files, limits)?;
            let probe = rushes_codec::probe(&source)?;
            // So slow or so fast nothing is heard of it.
            let is_heard = probe.has_audio && read_rate(48_000, file.speed).is_some();
            if is_heard && AudioReader::open(&source, AudioOptions::default()).is_ok() {
                heard.push(Heard { file, source });
                if self.sound != Wish::Mix {
                    break;
                }
            }
        }
        if heard.is_empty() && matches!(self.sound, Wish::Tile(_) | Wish::Mix) {
            let why = "what should be heard has no sound that can be read";
            return Err(Error::new(ErrorKind::Invalid, WHAT, why)
                .remedy("name another tile, or leave the sound out"));
        }
        Ok(heard)
    }
}

fn opened(order: &Order, files: &[File], limits: &Limits) -> Result<Mosaic> {
    let tiles = order.tile.tiles(files, limits)?;
    let options = MosaicOptions {
        rate_hz: order.rate_hz,
        most_side_px: order.most_side_px,
        border_px: order.border_px,
        background: order.background,
        ..order.tile.options()
    };
    Mosaic::new(tiles, &options)
}

impl Laid {
    fn options(&self) -> MosaicOptions {
        MosaicOptions {
            arrangement: self.arrangement,
            columns: self.columns,
            leading: self.leading,
            spacing_px: self.spacing_px,
            ..MosaicOptions::default()
        }
    }

    fn tiles(&self, files: &[File], limits: &Limits) -> Result<Vec<Tile>> {
        let made = self.tiles.iter().map(|placed| match placed {
            Placed::File(file) => file.tile(files, limits),
            Placed::Mosaic(inner) => {
                Mosaic::new(inner.tiles(files, limits)?, &inner.options()).map(Tile::new)
            }
        });
        made.collect()
    }
}

impl PlacedFile {
    fn source(&self, files: &[File], limits: &Limits) -> Result<Source> {
        let file = files.get(self.number).ok_or_else(|| Error::bug(WHAT, "a file is missing"))?;
        let file = file.try_clone().map_err(|error| Error::io(WHAT, &error))?;
        Source::new(file, &name_from_url(&self.name)?, *limits)
    }

    fn tile(&self, files: &[File], limits: &Limits) -> Result<Tile> {
        let name = name_from_url(&self.name)?;
        let source = self.source(files, limits)?;
        let operations = operations(&self.filters)?;
        let probe = probe_with_tags(&source).map_err(|error| error.at(OsStr::from_bytes(&name)))?;
        let tile = if probe.kind == MediaKind::Still {
            let frame = upright(&probe, still_frame(&source)?)?;
            Tile::new(Changed::new(Still(Some(frame)), operations))
        } else {
            // Tiles decode side by side: one thread each is enough.
            let options = VideoOptions { threads: 1, ..VideoOptions::default() };
            let stream = VideoStream::open(source, options)?;
            Tile::new(Ahead::new(Changed::new(stream, operations), AHEAD)?)
        };
        let tile = tile.beginning_at(self.offset_secs).at_speed(self.speed);
        Ok(match &self.label {
            Some(label) => tile.labelled(label),
            None => tile,
        })
    }
}

/// How many frames are shown before a time.
fn frames_until(end_secs: Rational, rate_hz: Rational) -> Option<u64> {
    let exact = end_secs.checked_mul(rate_hz)?;
    let count = i128::from(exact.num()) + i128::from(exact.den()) - 1;
    u64::try_from(count / i128::from(exact.den())).ok()
}
