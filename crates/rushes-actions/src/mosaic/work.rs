//! What a worker does: the only part that touches media.

use std::ffi::OsStr;
use std::fs::File;
use std::os::unix::ffi::OsStrExt as _;
use std::time::{Duration, Instant};

use rushes_codec::{
    AudioOptions, AudioReader, Container, Media, TargetKind, Writer, WriterOptions, create,
};
use rushes_media::{Error, ErrorKind, FrameStream, Limits, Rational, Result, name_from_url};
use rushes_ops::stream::{Ahead, Changed, Mosaic, MosaicOptions, Tile};
use rushes_sandbox::Reply;
use serde_json::Value;

use super::sound::{Heard, Mixed, Wish, candidates, format_of, read_rate};
use super::tiles::{Laid, Placed, PlacedFile};
use super::{Order, Size, TILE_BITS, WHAT};
use crate::making::filters::operations;
use crate::making::pipe::{Nowhere, Outlet, Told};
use crate::tasks::orientation;

/// How often it says how far it is.
const OFTEN: Duration = Duration::from_millis(100);
/// Frames that a tile is read ahead, and the mosaic laid out ahead.
const AHEAD: usize = 2;

pub(super) fn plan_task(params: Value, files: &mut [File], limits: &Limits) -> Result<Reply> {
    let order: Order = serde_json::from_value(params).map_err(|error| Error::bug(WHAT, error))?;
    let mosaic = opened(&order, files, limits)?;
    let writer = create(Nowhere, &order.extension, order.writer(mosaic.rate_hz()))?;
    let frames = match &writer {
        Writer::Still(_) => Some(1),
        _ => mosaic.end_secs().and_then(|end| frames_until(end, mosaic.rate_hz())),
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
    match writer {
        Writer::Still(_) => {}
        Writer::Frames(writer) => {
            if let Some((rate_hz, channels)) = format_of(&heard)? {
                writer.with_sound(rate_hz, channels)?;
            }
        }
        Writer::Sound(_) => return Err(order.no_pictures()),
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
    let writer = match create(outlet()?, &order.extension, order.writer(mosaic.rate_hz()))? {
        Writer::Still(mut writer) => {
            let frame = mosaic.next_frame()?.ok_or_else(|| Error::bug(WHAT, "it has no frame"))?;
            writer.write(&frame)?;
            (told.done, told.total) = (1, Some(1));
            None
        }
        Writer::Frames(writer) => Some(*writer),
        Writer::Sound(_) => return Err(order.no_pictures()),
    };
    if let Some(mut writer) = writer {
        told.total = mosaic.end_secs().and_then(|end| frames_until(end, mosaic.rate_hz()));
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
    /// What is said of a file that holds none.
    fn no_pictures(&self) -> Error {
        let why = format!("no pictures are written as {:?}", self.extension);
        let refused = Container::of(&self.extension).err();
        refused.unwrap_or_else(|| Error::new(ErrorKind::Unsupported, WHAT, why))
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
        let kind = TargetKind::of(&self.extension);
        let holds =
            matches!(kind, Ok(TargetKind::Frames(container)) if !container.sound.is_empty());
        if !holds && matches!(self.sound, Wish::Tile(_) | Wish::Mix) {
            let why = format!("{:?} holds no sound", self.extension);
            return Err(Error::new(ErrorKind::Unsupported, WHAT, why)
                .remedy("give the new file another extension, or leave the sound out"));
        }
        let mut heard = Vec::new();
        for file in candidates(&self.tile, self.sound).into_iter().filter(|_| holds) {
            // Pictures in a row have none.
            if !file.read.is_file() {
                continue;
            }
            let source = file.read.source(file.of(files), limits)?;
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
    /// The file that travelled along for it.
    fn of<'f>(&self, files: &'f [File]) -> Option<&'f File> {
        files.get(self.file?)
    }

    fn tile(&self, files: &[File], limits: &Limits) -> Result<Tile> {
        let name = name_from_url(&self.read.name)?;
        let operations = operations(&self.filters, limits)?;
        let open = || {
            let asked = (self.number as u64) << TILE_BITS;
            let media = self.read.media(self.of(files), asked, limits)?;
            let is_still = matches!(media, Media::Still(_));
            // Tiles decode side by side: one thread each is enough.
            Ok((is_still, media.stream(1, Some(orientation))?))
        };
        let (is_still, stream) =
            open().map_err(|error: Error| error.at(OsStr::from_bytes(&name)))?;
        let changed = Changed::new(stream, operations);
        let tile =
            if is_still { Tile::new(changed) } else { Tile::new(Ahead::new(changed, AHEAD)?) };
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
