//! The tiles of a mosaic: as they are given, and as they travel to the worker.

use std::os::fd::BorrowedFd;

use clap::builder::TypedValueParser;
use rushes_media::{Error, ErrorKind, Rational, Result};
use rushes_ops::stream::Arrangement;
use rushes_sandbox::MAX_FILES;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::WHAT;
use crate::action::path_parser;
use crate::context::Context;
use crate::making;
use crate::making::filters::{self, Beside, Filter};
use crate::making::reading::{Read, Reading};

/// Mosaics within mosaics, at most.
const MOST_NESTED: u32 = 8;

/// A tile of a mosaic.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum TileSpec {
    /// A file of video or a picture, or pictures in a row.
    Path(String),
    /// A file, and how it stands.
    File(FileTile),
    /// A mosaic within the mosaic.
    Mosaic(MosaicTile),
}

/// A file, and how it stands in a mosaic.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FileTile {
    /// The file; or a folder of stills, a pattern or wildcards, or an array
    /// (.zarr).
    pub path: String,
    /// Begins so many seconds after the mosaic; before it, its first seconds
    /// are passed over. -1,000,000 to 1,000,000.
    #[serde(default)]
    pub offset_secs: f64,
    /// Runs so many times as fast, 0.001 to 1,000.
    #[serde(default = "one")]
    pub speed: f64,
    /// Changes every frame before it is laid out, as those of `convert`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub filters: Vec<String>,
    /// Written into its lower left corner.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
}

/// A mosaic within a mosaic.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MosaicTile {
    /// Its tiles.
    #[schemars(length(min = 1, max = 60))]
    pub tiles: Vec<TileSpec>,
    /// How they stand.
    #[serde(default)]
    pub layout: Arrangement,
    /// Columns of a grid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1000))]
    pub columns: Option<u32>,
    /// Which tile's size the others follow, counted from 1.
    #[serde(default = "first")]
    #[schemars(range(min = 1, max = 60))]
    pub lead: u32,
    /// Between its tiles, in pixels of its own, before it is scaled.
    #[serde(default)]
    #[schemars(range(max = 4096))]
    pub spacing_px: u32,
}

fn one() -> f64 {
    1.0
}

pub(super) fn first() -> u32 {
    1
}

/// A mosaic's tiles as they travel.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Laid {
    pub(super) tiles: Vec<Placed>,
    pub(super) arrangement: Arrangement,
    pub(super) columns: Option<u32>,
    pub(super) leading: usize,
    pub(super) spacing_px: u32,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) enum Placed {
    File(Box<PlacedFile>),
    Mosaic(Laid),
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct PlacedFile {
    /// Which of what is read.
    pub(super) number: usize,
    /// Which of the files that travel along, where it is one.
    pub(super) file: Option<usize>,
    pub(super) read: Read,
    pub(super) offset_secs: Rational,
    pub(super) speed: Rational,
    pub(super) filters: Vec<Filter>,
    pub(super) label: Option<String>,
}

/// The tiles with their files opened.
pub(super) fn laid(
    context: &Context<'_>,
    mosaic: &MosaicTile,
    inputs: &mut Vec<Reading>,
    beside: &mut Beside,
    depth: u32,
) -> Result<Laid> {
    if depth > MOST_NESTED {
        let why = format!("there are more than {MOST_NESTED} mosaics within each other");
        return Err(Error::new(ErrorKind::Limit, WHAT, why));
    }
    let mut tiles = Vec::with_capacity(mosaic.tiles.len());
    for tile in &mosaic.tiles {
        tiles.push(match tile {
            TileSpec::Mosaic(inner) => {
                Placed::Mosaic(laid(context, inner, inputs, beside, depth + 1)?)
            }
            TileSpec::Path(path) => placed(context, &FileTile::of(path), inputs, beside)?,
            TileSpec::File(file) => placed(context, file, inputs, beside)?,
        });
    }
    let leading = mosaic.lead.checked_sub(1).map(|lead| lead as usize);
    let leading = leading.filter(|leading| *leading < tiles.len()).ok_or_else(|| {
        let why = format!("tile {} is to lead, and there are {}", mosaic.lead, tiles.len());
        Error::new(ErrorKind::Invalid, WHAT, why).remedy("tiles count from 1")
    })?;
    let MosaicTile { layout: arrangement, columns, spacing_px, .. } = *mosaic;
    Ok(Laid { tiles, arrangement, columns, leading, spacing_px })
}

fn placed(
    context: &Context<'_>,
    tile: &FileTile,
    inputs: &mut Vec<Reading>,
    beside: &mut Beside,
) -> Result<Placed> {
    // The pipe travels along with them.
    let most = MAX_FILES - 4;
    if inputs.len() == most {
        let why = format!("it has more than {most} files");
        return Err(Error::new(ErrorKind::Limit, WHAT, why)
            .remedy("make mosaics of some of them first, and one of those"));
    }
    let input = Reading::open(context, WHAT, &tile.path)?;
    let within = |name: &str, value: f64, least: f64, most: f64| {
        let micros = (value * 1e6).round() as i64;
        let exact = Rational::new(micros, 1_000_000).filter(|_| (least..=most).contains(&value));
        exact.ok_or_else(|| {
            let why = format!("{name} is {value}, allowed is {least} to {most}");
            Error::new(ErrorKind::Invalid, WHAT, why)
        })
    };
    let file = PlacedFile {
        number: inputs.len(),
        file: input.file.as_ref().map(|_| passed(inputs).len()),
        read: input.read(),
        offset_secs: within("offset_secs", tile.offset_secs, -1e6, 1e6)?,
        speed: within("speed", tile.speed, 0.001, 1_000.0)?,
        filters: tile
            .filters
            .iter()
            .map(|text| Filter::read(context, text, beside))
            .collect::<Result<_>>()?,
        label: tile.label.clone(),
    };
    inputs.push(input);
    Ok(Placed::File(Box::new(file)))
}

/// The files that travel to the worker.
pub(super) fn passed(inputs: &[Reading]) -> Vec<BorrowedFd<'_>> {
    inputs.iter().flat_map(Reading::passed).collect()
}

impl FileTile {
    fn of(path: &str) -> FileTile {
        let (path, filters) = (path.to_owned(), Vec::new());
        FileTile { path, offset_secs: 0.0, speed: 1.0, filters, label: None }
    }
}

impl TileSpec {
    pub(super) fn make_absolute(&mut self) {
        match self {
            TileSpec::Path(path) => making::make_absolute(path),
            TileSpec::File(file) => {
                making::make_absolute(&mut file.path);
                file.filters.iter_mut().for_each(filters::make_absolute);
            }
            TileSpec::Mosaic(mosaic) => mosaic.tiles.iter_mut().for_each(TileSpec::make_absolute),
        }
    }
}

/// Reads a path, which may be any bytes, or a tile in JSON.
pub(super) fn tile_parser() -> impl TypedValueParser<Value = TileSpec> {
    path_parser().try_map(|text| {
        if !text.starts_with('{') {
            return Ok(TileSpec::Path(text));
        }
        // Asked for by what it has, so that the error is about that.
        let value: serde_json::Value = serde_json::from_str(&text)?;
        if value.get("tiles").is_some() {
            serde_json::from_value(value).map(TileSpec::Mosaic)
        } else {
            serde_json::from_value(value).map(TileSpec::File)
        }
    })
}
