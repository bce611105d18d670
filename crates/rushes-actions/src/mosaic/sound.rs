//! What is heard of the tiles.

use rushes_codec::{AudioOptions, AudioReader, Source};
use rushes_media::{Error, ErrorKind, Rational, Result};
use serde::{Deserialize, Serialize};

use super::WHAT;
use super::tiles::{Laid, Placed, PlacedFile};

/// Samples a second and channels of sounds that are mixed.
const MIXED: (u32, u32) = (48_000, 2);

/// Whose sound is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Wish {
    /// The first tile's that has some, where the new file holds it.
    First,
    /// That of this tile, counted from 1.
    Tile(usize),
    Mix,
    Nobody,
}

impl Wish {
    pub(super) fn read(text: Option<&str>, tiles: usize) -> Result<Wish> {
        let number = |text: &str| text.parse().ok().filter(|number| (1..=tiles).contains(number));
        match text {
            None => Ok(Wish::First),
            Some("none") => Ok(Wish::Nobody),
            Some("mix") => Ok(Wish::Mix),
            Some(text) => number(text).map(Wish::Tile).ok_or_else(|| {
                let why =
                    format!("the sound of {text:?} is asked for, and there are {tiles} tiles");
                Error::new(ErrorKind::Invalid, WHAT, why)
                    .remedy("give the number of a tile, counted from 1, or mix, or none")
            }),
        }
    }
}

/// What a report says of it.
pub(super) fn words(sounds: &[u32]) -> String {
    let numbers: Vec<String> = sounds.iter().map(ToString::to_string).collect();
    match numbers.as_slice() {
        [] => ", without sound".to_owned(),
        [one] => format!(", with the sound of file {one}"),
        several => format!(", with the sounds of files {}", several.join(", ")),
    }
}

/// A file that may be heard.
pub(super) struct Heard<'p> {
    pub(super) file: &'p PlacedFile,
    pub(super) source: Source,
}

/// The files in which to look for the sound that is wished for, in their order.
pub(super) fn candidates(laid: &Laid, wish: Wish) -> Vec<&PlacedFile> {
    fn all<'p>(placed: &'p Placed, found: &mut Vec<&'p PlacedFile>) {
        match placed {
            Placed::File(file) => found.push(file),
            Placed::Mosaic(inner) => inner.tiles.iter().for_each(|tile| all(tile, found)),
        }
    }
    let mut found = Vec::new();
    for (at, tile) in laid.tiles.iter().enumerate() {
        match wish {
            Wish::Nobody => {}
            Wish::Tile(wanted) if wanted != at + 1 => {}
            _ => all(tile, &mut found),
        }
    }
    found
}

/// The sounds of some tiles as one.
pub(super) struct Mixed<'s> {
    tracks: Vec<Track<'s>>,
    channels: usize,
    /// Samples a second.
    rate_hz: u32,
    /// Samples that were given.
    given: i64,
    mixed: Vec<f32>,
}

/// One sound on its way.
struct Track<'s> {
    reader: AudioReader<'s>,
    /// The number that its next sample has in the mosaic.
    next: i64,
    waiting: Vec<f32>,
    has_ended: bool,
}

/// The rate and the channels that suit these sounds.
///
/// # Errors
/// Those of reading them.
pub(super) fn format_of(heard: &[Heard<'_>]) -> Result<Option<(u32, u32)>> {
    match heard {
        [] => Ok(None),
        [one] => {
            let reader = AudioReader::open(&one.source, AudioOptions::default())?;
            Ok(Some((reader.sample_rate_hz(), reader.channels())))
        }
        _ => Ok(Some(MIXED)),
    }
}

impl<'s> Mixed<'s> {
    /// Opens them all, each read so that it comes at this rate at its speed.
    pub(super) fn open(heard: &'s [Heard<'_>], rate_hz: u32, channels: u32) -> Result<Mixed<'s>> {
        let mut tracks = Vec::with_capacity(heard.len());
        for Heard { file, source } in heard {
            let Some(read_hz) = read_rate(rate_hz, file.speed) else { continue };
            let options = AudioOptions { sample_rate_hz: Some(read_hz), channels: Some(channels) };
            let reader = AudioReader::open(source, options)?;
            let begins = reader.start_secs().checked_div(file.speed);
            let begins = begins.and_then(|secs| secs.checked_add(file.offset_secs));
            let exact = begins.unwrap_or(Rational::ZERO).to_f64() * f64::from(rate_hz);
            let (next, waiting) = (exact.round() as i64, Vec::new());
            tracks.push(Track { reader, next, waiting, has_ended: false });
        }
        let channels = channels as usize;
        Ok(Mixed { tracks, channels, rate_hz, given: 0, mixed: Vec::new() })
    }

    /// The samples up to a time of the mosaic, channels interleaved, each sound
    /// with its share of the whole.
    pub(super) fn until(&mut self, time_secs: Rational) -> Result<&[f32]> {
        let end = (time_secs.to_f64() * f64::from(self.rate_hz)).round() as i64;
        let count = usize::try_from(end - self.given).unwrap_or(0);
        self.mixed.clear();
        self.mixed.resize(count * self.channels, 0.0);
        let share = 1.0 / self.tracks.len().max(1) as f32;
        for track in &mut self.tracks {
            track.add(&mut self.mixed, self.given, self.channels, share)?;
        }
        self.given = self.given.max(end);
        Ok(&self.mixed)
    }
}

/// Samples a second to read at, so that they come at `rate_hz` when it runs so
/// many times as fast; `None` where nothing would be heard of it.
pub(super) fn read_rate(rate_hz: u32, speed: Rational) -> Option<u32> {
    let exact = f64::from(rate_hz) / speed.to_f64();
    (1_000.0..=1_536_000.0).contains(&exact).then(|| exact.round() as u32)
}

impl Track<'_> {
    /// Adds the samples from number `from` on to those.
    fn add(&mut self, to: &mut [f32], from: i64, channels: usize, share: f32) -> Result<()> {
        let count = (to.len() / channels) as i64;
        let end = from + count;
        loop {
            // What was to be heard before is not heard any more.
            let late = usize::try_from(from - self.next).unwrap_or(0) * channels;
            let late = late.min(self.waiting.len());
            self.waiting.drain(..late);
            self.next += (late / channels) as i64;
            let there = self.next + (self.waiting.len() / channels) as i64;
            if self.has_ended || there >= end || self.next >= end {
                break;
            }
            self.has_ended = !self.reader.next_into(&mut self.waiting)?;
        }
        let Ok(skipped) = usize::try_from(self.next - from) else { return Ok(()) };
        let Some(to) = to.get_mut(skipped * channels..) else { return Ok(()) };
        let taken = to.len().min(self.waiting.len());
        for (sum, sample) in to.iter_mut().zip(self.waiting.drain(..taken)) {
            *sum += sample * share;
        }
        self.next += (taken / channels) as i64;
        Ok(())
    }
}
