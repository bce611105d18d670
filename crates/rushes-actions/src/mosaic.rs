//! `mosaic`: several videos and pictures side by side in one. A worker reads,
//! lays out and encodes; see [`crate::making`].

mod sound;
mod tiles;
pub(crate) mod work;

use std::fs::File;

use clap::Args;
use rushes_media::{Error, ErrorKind, Rational, Result};
use rushes_ops::stream::Arrangement;
use rushes_sandbox::Task;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::action::{Action, Plan, Route, path_parser};
use crate::context::Context;
use crate::making::filters::Beside;
use crate::making::reading::Reading;
use crate::making::{self, Making};

use sound::Wish;
pub use tiles::{FileTile, MosaicTile, TileSpec};
use tiles::{Laid, first, laid, passed, tile_parser};

const WHAT: &str = "making a mosaic";
/// Where the number of a tile begins, before that of one of its files.
const TILE_BITS: u32 = 56;
/// What a worker does for it.
pub(crate) const TASKS: [(&str, Task); 2] =
    [("plan mosaic", work::plan_task), ("mosaic", work::mosaic_task)];

/// The parameters of `mosaic`.
#[derive(Args, Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Mosaic {
    /// The tiles: files of video or pictures, in order; pictures in a row too, as
    /// a folder, a pattern (shot.%04d.png), wildcards or an array (.zarr), which
    /// run at 25 a second where they have no times of their own. A tile may also be
    /// JSON, to say how it stands: {"path":"b.mp4", "offset_secs":1.5,
    /// "speed":2, "label":"left", "filters":["clahe"]}, or to be a mosaic itself:
    /// {"layout":"column", "tiles":["b.mp4","c.png"]}.
    #[arg(required = true, value_name = "TILE", value_parser = tile_parser())]
    #[schemars(length(min = 1, max = 60))]
    pub tiles: Vec<TileSpec>,
    /// The new file: mp4, mov, mkv, webm, avi, mxf, y4m, gif, apng, webp or
    /// avif; numbered stills such as shot.%04d.png; the extension of what is
    /// only a still takes the first frame alone.
    #[arg(value_parser = path_parser())]
    pub output: String,
    /// How the tiles stand: grid, row or column. In a grid all cells have the
    /// size of the leading tile; a row has its height, a column its width.
    #[arg(long, default_value = "grid", value_parser = read_layout)]
    #[serde(default)]
    pub layout: Arrangement,
    /// Columns of a grid; without one, as many as make it about as wide as a
    /// screen.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=1000))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1000))]
    pub columns: Option<u32>,
    /// Which tile's size the others follow, counted from 1.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=60))]
    #[serde(default = "first")]
    #[schemars(range(min = 1, max = 60))]
    pub lead: u32,
    /// Frames a second, such as 25 or 30000/1001; the highest of the tiles'
    /// without it.
    #[arg(long, value_name = "RATE")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate_hz: Option<Rational>,
    /// Longer side of the whole in pixels, at most.
    #[arg(long, value_name = "PX", default_value_t = 3840, value_parser = clap::value_parser!(u32).range(16..=16384))]
    #[serde(default = "wide")]
    #[schemars(range(min = 16, max = 16384))]
    pub most_side_px: u32,
    /// Around the whole, in pixels.
    #[arg(long, value_name = "PX", default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=4096))]
    #[serde(default)]
    #[schemars(range(max = 4096))]
    pub border_px: u32,
    /// Between tiles, in pixels.
    #[arg(long, value_name = "PX", default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=4096))]
    #[serde(default)]
    #[schemars(range(max = 4096))]
    pub spacing_px: u32,
    /// The colour where no tile is, as #rrggbb.
    #[arg(long, value_name = "COLOR", default_value = "#000000")]
    #[serde(default = "black")]
    pub background: String,
    /// The sound: that of the tile of this number, counted from 1, mix for that
    /// of all tiles, each as loud as leaves room for the others, or none.
    /// Without it that of the first tile that has some. A tile that runs at
    /// another speed sounds higher or lower, as a tape does.
    #[arg(long, value_name = "N|mix|none")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sound: Option<String>,
    /// Codec of the picture: h264, hevc, av1, vp9, ffv1, prores, dnxhr, mjpeg,
    /// mpeg4 or mpeg2; the container's first without one.
    #[arg(long)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub codec: Option<String>,
    /// Quality of the picture, 0 to 100.
    #[arg(long, value_parser = clap::value_parser!(u8).range(0..=100))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(max = 100))]
    pub quality: Option<u8>,
    /// How often an animation (gif, apng, webp) is shown; 0 for without end.
    #[arg(long, value_name = "N", default_value_t = 0)]
    #[serde(default)]
    pub plays: u16,
    /// The number of the first of numbered stills.
    #[arg(long, value_name = "N", default_value_t = 1)]
    #[serde(default = "making::first")]
    pub start_number: u64,
    /// Replaces the new file's name where it is taken.
    #[arg(long)]
    #[serde(default)]
    pub overwrite: bool,
}

fn wide() -> u32 {
    3_840
}

fn black() -> String {
    "#000000".to_owned()
}

/// What a mosaic made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MosaicReport {
    /// The new file, safe to show.
    pub path: String,
    /// Its bytes.
    pub size_bytes: u64,
    /// Its width in pixels.
    pub width_px: u32,
    /// Its height in pixels.
    pub height_px: u32,
    /// Its frames a second.
    pub rate_hz: Rational,
    /// Its frames.
    pub frames: u64,
    /// Which of the tiles' files, in their order from 1, are heard.
    #[serde(default)]
    pub sounds: Vec<u32>,
    /// Frames of the tiles that could not be decoded; the ones before them
    /// are shown in their place.
    pub lost_frames: u64,
}

/// What a worker is told.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Order {
    tile: Laid,
    rate_hz: Option<Rational>,
    most_side_px: u32,
    border_px: u32,
    background: [f64; 3],
    sound: Wish,
    extension: String,
    codec: Option<String>,
    quality: Option<u8>,
    plays: u16,
}

/// What the worker says of what it would make or made.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Size {
    width_px: u32,
    height_px: u32,
    rate_hz: Rational,
    frames: Option<u64>,
    /// Files that are heard, in their order from 1.
    sounds: Vec<u32>,
}

struct Files {
    inputs: Vec<Reading>,
    beside: Beside,
    output: making::Output,
    order: Order,
}

impl Files {
    /// Opens what the worker asks for: the number of a tile's file, behind that of
    /// the tile.
    fn give(&self, context: &Context<'_>, number: u64) -> Result<(File, Vec<u8>)> {
        if let Some(given) = self.beside.give(number) {
            return given;
        }
        let (tile, number) = (number >> TILE_BITS, number & ((1 << TILE_BITS) - 1));
        let input = usize::try_from(tile).ok().and_then(|tile| self.inputs.get(tile));
        let input = input.ok_or_else(|| Error::bug(WHAT, format!("there is no tile {tile}")))?;
        input.give(context, WHAT, number)
    }
}

impl Mosaic {
    fn files(&self, context: &Context<'_>) -> Result<Files> {
        let (mut inputs, mut beside) = (Vec::new(), Beside::default());
        let root = MosaicTile {
            tiles: self.tiles.clone(),
            layout: self.layout,
            columns: self.columns,
            lead: self.lead,
            spacing_px: self.spacing_px,
        };
        let tile = laid(context, &root, &mut inputs, &mut beside, 0)?;
        let own = inputs.iter().filter_map(|input| input.file.as_ref()).chain(beside.files());
        let own: Vec<_> = own.collect();
        let (start, overwrite) = (self.start_number, self.overwrite);
        let output = making::output(context, WHAT, &self.output, start, &own, overwrite)?;
        if overwrite && inputs.iter().any(|input| input.is_among(&output)) {
            return Err(making::is_own(WHAT, &output.path));
        }
        let order = Order {
            tile,
            rate_hz: self.rate_hz,
            most_side_px: self.most_side_px,
            border_px: self.border_px,
            background: read_color(&self.background)?,
            sound: Wish::read(self.sound.as_deref(), self.tiles.len())?,
            extension: output.target.format().to_owned(),
            codec: self.codec.clone(),
            quality: self.quality,
            plays: self.plays,
        };
        Ok(Files { inputs, beside, output, order })
    }

    fn size(&self, context: &Context<'_>, files: &Files) -> Result<Size> {
        let params = making::to_value(WHAT, &files.order)?;
        let cancelled = context.progress.cancelled();
        let (passed, give) = (passed(&files.inputs), |number| files.give(context, number));
        let converters = context.engine.converters();
        let reply = converters.call_giving("plan mosaic", &params, &passed, &give, cancelled)?;
        serde_json::from_value(reply.value).map_err(|_| making::senseless(WHAT))
    }
}

impl Action for Mosaic {
    const NAME: &'static [&'static str] = &["mosaic"];
    const SUMMARY: &'static str = "Lay videos and pictures out side by side in one file";
    const ROUTE: Route = Route { method: "POST", path: "/mosaic" };
    const CHANGES: bool = true;
    const AS_JOB: bool = true;
    type Output = MosaicReport;

    fn plan(&self, context: &Context<'_>) -> Result<Plan> {
        let files = self.files(context)?;
        let size = self.size(context, &files)?;
        let path = making::shown(&files.output.path);
        let mut plan = Plan::reads(format!("write {path}"));
        let Size { width_px, height_px, rate_hz, frames, sounds } = size;
        let frames = frames.map_or(String::new(), |frames| format!(", {frames} frames"));
        let (sound, beside) = (sound::words(&sounds), files.beside.words());
        plan.push(
            making::WRITE,
            format!(
                "write {path}: {width_px}x{height_px}, {rate_hz} frames a second{frames}{sound}{beside}"
            ),
        );
        Ok(plan)
    }

    fn apply(&self, context: &Context<'_>) -> Result<MosaicReport> {
        let files = self.files(context)?;
        let size = self.size(context, &files)?;
        let making = Making {
            what: WHAT,
            note: format!("laying out {}", making::shown(&files.output.path)),
            task: "mosaic",
            params: making::to_value(WHAT, &files.order)?,
            inputs: passed(&files.inputs),
            give: &|number| files.give(context, number),
            output: &files.output,
            overwrite: self.overwrite,
        };
        let (told, size_bytes) = making.run(context)?;
        Ok(MosaicReport {
            path: making::shown(&files.output.path),
            size_bytes,
            width_px: size.width_px,
            height_px: size.height_px,
            rate_hz: size.rate_hz,
            frames: told.done,
            sounds: size.sounds,
            lost_frames: told.lost_frames,
        })
    }

    fn text(output: &MosaicReport) -> String {
        let MosaicReport { path, size_bytes, width_px, height_px, rate_hz, frames, .. } = output;
        let sound = sound::words(&output.sounds);
        let mut text = format!(
            "{path} ({size_bytes} bytes)\n  {width_px}x{height_px}, {frames} frames, {rate_hz} a second{sound}\n"
        );
        text.push_str(&making::lost(output.lost_frames));
        text
    }

    fn failures(output: &MosaicReport) -> u64 {
        output.lost_frames
    }

    fn made_absolute(mut self) -> Mosaic {
        self.tiles.iter_mut().for_each(TileSpec::make_absolute);
        making::make_absolute(&mut self.output);
        self
    }

    fn title(&self) -> String {
        let name = self.output.rsplit('/').next().unwrap_or(&self.output);
        format!("Lay out {name}")
    }

    fn job_key(&self) -> Option<String> {
        serde_json::to_string(&Mosaic { overwrite: false, ..self.clone() }).ok()
    }
}

fn read_layout(text: &str) -> std::result::Result<Arrangement, String> {
    serde_json::from_value(serde_json::Value::from(text))
        .map_err(|_| "it is grid, row or column".to_owned())
}

/// `#rrggbb` as three shares.
fn read_color(text: &str) -> Result<[f64; 3]> {
    let digits = text.strip_prefix('#').filter(|digits| digits.len() == 6);
    let number = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
    let number = number.ok_or_else(|| {
        let why = format!("{text:?} is no colour");
        Error::new(ErrorKind::Invalid, WHAT, why).remedy("write it as #rrggbb, such as #202020")
    })?;
    let [_, red, green, blue] = number.to_be_bytes();
    Ok([red, green, blue].map(|byte| f64::from(byte) / 255.0))
}
