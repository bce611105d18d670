use rushes_media::{Error, ErrorKind, Frame, FrameStream, Limits, Rational, Result};

use super::arrange::{Arrangement, Cell, Wish};
use super::canvas::{Depth, fitted, lay};
use super::label::{Label, label_of};
use super::sampled::{step_of, too_late};
use super::shown::{At, Shown};
use crate::FrameOperation;
use crate::numeric::within;

const WHAT: &str = "laying out a mosaic";
/// The rate where no tile has one.
const RATE_HZ: Rational = Rational::whole(25);

/// A stream in a mosaic, and how it stands in it.
pub struct Tile {
    stream: Box<dyn FrameStream>,
    offset_secs: Rational,
    speed: Rational,
    overlays: Vec<Box<dyn FrameOperation>>,
    label: Option<String>,
}

impl Tile {
    /// The stream from the mosaic's start on, at its own speed. A mosaic is a
    /// stream too, and may be a tile of another.
    #[must_use]
    pub fn new(stream: impl FrameStream + 'static) -> Tile {
        Tile {
            stream: Box::new(stream),
            offset_secs: Rational::ZERO,
            speed: Rational::whole(1),
            overlays: Vec::new(),
            label: None,
        }
    }

    /// Begins so many seconds after the mosaic; with less than 0 its first
    /// seconds are passed over.
    #[must_use]
    pub fn beginning_at(self, offset_secs: Rational) -> Tile {
        Tile { offset_secs, ..self }
    }

    /// Runs so many times as fast.
    #[must_use]
    pub fn at_speed(self, speed: Rational) -> Tile {
        Tile { speed, ..self }
    }

    /// Writes this into its lower left corner, over a dark box, as large as
    /// suits its size there: smaller where it is wider than the tile, and then
    /// cut short with an ellipsis. See [`Text`](crate::frame::Text) for what it may hold.
    #[must_use]
    pub fn labelled(self, label: impl Into<String>) -> Tile {
        Tile { label: Some(label.into()), ..self }
    }

    /// Changes each frame once it has its size in the mosaic. The size must
    /// stay.
    #[must_use]
    pub fn with_overlay(mut self, overlay: Box<dyn FrameOperation>) -> Tile {
        self.overlays.push(overlay);
        self
    }
}

/// How a mosaic is laid out.
#[derive(Clone, Debug, PartialEq)]
pub struct MosaicOptions {
    /// How the tiles stand.
    pub arrangement: Arrangement,
    /// Columns of a grid, at least 1; as many as make it nearest to 16:9 when
    /// not given.
    pub columns: Option<u32>,
    /// The tile, from 0, whose size the others follow.
    pub leading: usize,
    /// Longer side of the whole in pixels, at most; everything is scaled down
    /// to it. 16 to 65,535.
    pub most_side_px: u32,
    /// Around the whole, in pixels, at most 4,096.
    pub border_px: u32,
    /// Between tiles, in pixels, at most 4,096.
    pub spacing_px: u32,
    /// Red, green and blue where no tile is, each 0 to 1.
    pub background: [f64; 3],
    /// Frames a second; the highest of the tiles' when not given.
    pub rate_hz: Option<Rational>,
}

impl Default for MosaicOptions {
    fn default() -> MosaicOptions {
        MosaicOptions {
            arrangement: Arrangement::Grid,
            columns: None,
            leading: 0,
            most_side_px: 3_840,
            border_px: 0,
            spacing_px: 0,
            background: [0.0; 3],
            rate_hz: None,
        }
    }
}

/// Streams side by side, in one stream of RGB frames at a constant rate.
///
/// Each tile shows the frame of its stream that is shown at the time;
/// background before it begins and after it has ended. The mosaic ends with
/// the tile that ends last; pictures without a time have no end, and a mosaic
/// of nothing else is such a picture itself. Numbers are those of the deepest tile, taken
/// as they are: streams of different primaries or transfer are not matched.
/// Of each stream two frames are held, so memory does not grow with length.
pub struct Mosaic {
    tiles: Vec<Placed>,
    blank: Frame,
    step_secs: Rational,
    next: i64,
    end_secs: Option<Rational>,
}

struct Placed {
    shown: Shown<Box<dyn FrameStream>>,
    offset_secs: Rational,
    speed: Rational,
    overlays: Vec<Box<dyn FrameOperation>>,
    label: Option<Label>,
    cell: Cell,
    /// The frame in hand at its size, where it stands, and its number.
    fitted: Option<(Frame, (u32, u32), u64)>,
}

impl Mosaic {
    /// Reads the first two frames of each stream, to learn its size and rate.
    ///
    /// # Errors
    /// `Invalid` for an option beyond its range, no tile, or a stream without
    /// a frame; `Limit` when the whole would be larger than the default limits
    /// allow; the streams'.
    pub fn new(tiles: Vec<Tile>, options: &MosaicOptions) -> Result<Mosaic> {
        check(options, tiles.len())?;
        let mut opened = Vec::with_capacity(tiles.len());
        for (number, tile) in tiles.into_iter().enumerate() {
            if tile.speed <= Rational::ZERO {
                return Err(refuse(number, format!("its speed is {}", tile.speed)));
            }
            let label = tile.label.map(label_of).transpose()?;
            let shown = Shown::new(tile.stream)?;
            opened.push((shown, tile.offset_secs, tile.speed, tile.overlays, label));
        }
        let mut sizes = Vec::with_capacity(opened.len());
        let mut depth = Depth::U8;
        let mut color = None;
        let mut rate = None;
        for (number, (shown, _, speed, ..)) in opened.iter().enumerate() {
            let first = shown.first().filter(|first| !first.values().is_empty());
            let first =
                first.ok_or_else(|| refuse(number, "it has no frame to show".to_owned()))?;
            sizes.push((first.width_px(), first.height_px()));
            depth = depth.max(Depth::of(first));
            if number == options.leading {
                color = Some(first.color.clone());
            }
            let own = shown.first_step_secs().and_then(|step| speed.checked_div(step));
            rate = rate.max(own);
        }
        let rate_hz = options.rate_hz.or(rate).unwrap_or(RATE_HZ);
        let step_secs = step_of(rate_hz.min(options.rate_hz.unwrap_or(Rational::whole(1_000))))?;
        let wish = Wish {
            arrangement: options.arrangement,
            columns: options.columns,
            leading: *sizes.get(options.leading).unwrap_or(&(1, 1)),
            most_side_px: options.most_side_px,
            border_px: options.border_px,
            spacing_px: options.spacing_px,
        };
        let places = wish.places(&sizes);
        Limits::default().check_picture(places.width_px, places.height_px, 12)?;
        let size = (places.width_px as u32, places.height_px as u32);
        let mut blank = depth.blank(size, options.background)?;
        blank.color = color.unwrap_or_default();
        let tiles: Vec<Placed> = opened
            .into_iter()
            .zip(places.cells)
            .map(|((shown, offset_secs, speed, overlays, label), cell)| Placed {
                shown,
                offset_secs,
                speed,
                overlays,
                label: label.map(|label| Label::new(label, cell)),
                cell,
                fitted: None,
            })
            .collect();
        let end_secs = known_end(&tiles);
        Ok(Mosaic { tiles, blank, step_secs, next: 0, end_secs })
    }

    /// Frames of its streams that could not be decoded so far; the ones before
    /// were shown in their place.
    #[must_use]
    pub fn lost_frames(&self) -> u64 {
        self.tiles.iter().map(|tile| tile.shown.lost_frames()).sum()
    }

    /// Frames a second.
    #[must_use]
    pub fn rate_hz(&self) -> Rational {
        Rational::whole(1).checked_div(self.step_secs).unwrap_or(RATE_HZ)
    }

    /// Width of its frames in pixels.
    #[must_use]
    pub fn width_px(&self) -> u32 {
        self.blank.width_px()
    }

    /// Height of its frames in pixels.
    #[must_use]
    pub fn height_px(&self) -> u32 {
        self.blank.height_px()
    }
}

impl FrameStream for Mosaic {
    fn next_frame(&mut self) -> Result<Option<Frame>> {
        let time = Rational::whole(self.next).checked_mul(self.step_secs).ok_or_else(too_late)?;
        let mut frame = self.blank.clone();
        let mut goes_on = false;
        for tile in &mut self.tiles {
            goes_on |= tile.draw(&mut frame, time)?;
        }
        let is_picture = self.tiles.iter().all(|tile| tile.shown.is_picture());
        if !(goes_on || is_picture && self.next == 0) {
            return Ok(None);
        }
        self.next += 1;
        if !is_picture {
            frame.time_secs = Some(time);
            frame.duration_secs = Some(self.step_secs);
        }
        Ok(Some(frame))
    }

    fn end_secs(&self) -> Option<Rational> {
        self.end_secs
    }
}

impl Placed {
    /// Lays what is shown now onto the frame; whether it has not ended yet.
    fn draw(&mut self, onto: &mut Frame, time_secs: Rational) -> Result<bool> {
        let since = time_secs.checked_sub(self.offset_secs).ok_or_else(too_late)?;
        let own = since.checked_mul(self.speed).ok_or_else(too_late)?;
        let is_picture = self.shown.is_picture();
        if own < Rational::ZERO {
            return Ok(!is_picture);
        }
        let (frame, number) = match self.shown.at(own)? {
            At::Frame(frame, number) => (frame, number),
            At::Before => return Ok(true),
            At::After => return Ok(false),
        };
        if self.fitted.as_ref().is_none_or(|(_, _, of)| *of != number) {
            let (mut small, at) = fitted(frame, &self.cell)?;
            let size = (small.width_px(), small.height_px());
            for overlay in &self.overlays {
                small = overlay.apply(&small)?;
            }
            if let Some(label) = &mut self.label {
                small = label.fitting(small.width_px()).apply(&small)?;
            }
            if (small.width_px(), small.height_px()) != size {
                let why = "what is laid over a tile changes its size";
                return Err(Error::new(ErrorKind::Invalid, WHAT, why));
            }
            self.fitted = Some((small, at, number));
        }
        if let Some((small, at, _)) = &self.fitted {
            lay(onto, small, *at)?;
        }
        Ok(!is_picture)
    }
}

/// When the last tile ends, where all that have an end say so.
fn known_end(tiles: &[Placed]) -> Option<Rational> {
    let mut end = None;
    for tile in tiles.iter().filter(|tile| !tile.shown.is_picture()) {
        let own = tile.shown.stream().end_secs().or_else(|| tile.shown.end_secs())?;
        let ends = own.checked_div(tile.speed)?.checked_add(tile.offset_secs)?;
        end = end.max(Some(ends));
    }
    end
}

fn check(options: &MosaicOptions, tiles: usize) -> Result<()> {
    if tiles == 0 {
        return Err(Error::new(ErrorKind::Invalid, WHAT, "it has no tile"));
    }
    if options.leading >= tiles {
        let why = format!("tile {} is to lead, and there are {tiles}", options.leading);
        return Err(Error::new(ErrorKind::Invalid, WHAT, why).remedy("tiles count from 0"));
    }
    within("most_side_px", options.most_side_px, 16..=65_535)?;
    within("border_px", options.border_px, 0..=4_096)?;
    within("spacing_px", options.spacing_px, 0..=4_096)?;
    crate::numeric::listed("background", &options.background, 0.0..=1.0)?;
    options.columns.map_or(Ok(()), |columns| within("columns", columns, 1..=100_000))?;
    options.rate_hz.map_or(Ok(()), |rate_hz| step_of(rate_hz).map(|_| ()))
}

fn refuse(number: usize, why: String) -> Error {
    Error::new(ErrorKind::Invalid, WHAT, format!("tile {number}: {why}"))
}
