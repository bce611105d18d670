//! `convert`: one file, or a row of stills, as another kind, or changed on the
//! way. Everything
//! that reads or writes media happens in a worker; here its bytes are put into
//! the new file, which has its name only once it is whole.

mod pictures;
mod still;
mod timing;
pub(crate) mod work;

use std::fmt::Write as _;
use std::fs::File;

use clap::Args;
use rushes_media::{Basis, Count, Rational, Result, display_name};
use rushes_sandbox::Task;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::action::{Action, Plan, Route, path_parser};
use crate::context::Context;
use crate::making::filters::{self, Beside, Filter};
use crate::making::reading::{Read, Reading};
use crate::making::{self, Making};

pub use timing::{Deinterlace, FieldOrder};
use timing::{Timing, read_time, read_word};

const WHAT: &str = "converting";

/// What a worker does for it.
pub(crate) const TASKS: [(&str, Task); 2] =
    [("plan conversion", work::plan_task), ("convert", work::convert_task)];

/// The parameters of `convert`.
#[derive(Args, Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Convert {
    /// What to convert: a file of video, sound or a still; or pictures that
    /// become a video: a folder of stills, a pattern (shot.%04d.exr,
    /// shot.####.exr), quoted wildcards ('shot.*.png') or an array (clip.zarr).
    #[arg(value_parser = path_parser())]
    pub input: String,
    /// The new file. Its extension says what it will be: mp4, mov, mkv, webm,
    /// avi, mxf, y4m, gif, apng, wav, flac, mp3, m4a, aac, opus, ogg, jpg, png, webp, avif, tiff,
    /// exr and more. shot.%04d.png and shot.####.exr are a still for each frame; of a
    /// video, a tiff has a page for each, a webp or avif moves.
    #[arg(value_parser = path_parser())]
    pub output: String,
    /// Changes every frame, in the order given:
    /// resize:width_px=1280, crop:left_px=10,top_px=20, rotate:quarter_turns=1,
    /// clahe. Parameters may also be JSON: resize:{"scale":0.5}. Some take a file:
    /// blend:file=logo.png,mode=multiply and flat_field:file=flat.tif a still of
    /// the frames' size, lut:file=look.cube a table. A video whose
    /// first filter is grayscale without weights becomes its luma, by the
    /// matrix that it has.
    #[arg(long = "filter", value_name = "NAME:KEY=VALUE,...")]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub filters: Vec<String>,
    /// Codec of the picture: h264, hevc, av1, vp9, ffv1, prores, dnxhr, mjpeg,
    /// mpeg4 or mpeg2; without one the picture keeps its codec where it can.
    #[arg(long)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub codec: Option<String>,
    /// Quality of the picture, 0 to 100; asking for one means encoding.
    #[arg(long, value_parser = clap::value_parser!(u8).range(0..=100))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(max = 100))]
    pub quality: Option<u8>,
    /// Frames a second, such as 24 or 30000/1001. Frames that have times of
    /// their own are repeated or left out, never mixed; stills, and pages that
    /// have none, come at this rate, and at 25 without it.
    #[arg(long, value_name = "RATE")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fps: Option<Rational>,
    /// Takes what begins at this time or later: seconds, 12.5 or 00:01:02.500,
    /// or a frame, 120f. Sound is cut where the first frame begins.
    #[arg(long = "from", value_name = "TIME")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_time: Option<String>,
    /// Takes what begins before this time.
    #[arg(long = "to", value_name = "TIME")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to_time: Option<String>,
    /// Makes whole pictures of interlaced ones, by the BBC's filter (w3fdif):
    /// one of each frame, or with --deinterlace=fields one of each field, at
    /// twice the rate. Frames that say that they are whole stay as they are.
    #[arg(
        long,
        value_name = "frames|fields",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "frames",
        value_parser = read_word::<Deinterlace>,
    )]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deinterlace: Option<Deinterlace>,
    /// Which field of all frames comes first, top or bottom, whatever the file
    /// says of them.
    #[arg(
        long,
        value_name = "top|bottom",
        requires = "deinterlace",
        value_parser = read_word::<FieldOrder>,
    )]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field_order: Option<FieldOrder>,
    /// Codec of the sound, such as aac, opus, flac or pcm_s24le.
    #[arg(long)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sound_codec: Option<String>,
    /// Bits a second of sound that is encoded with loss.
    #[arg(long, value_parser = clap::value_parser!(u32).range(8_000..=2_000_000))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 8_000, max = 2_000_000))]
    pub sound_bit_rate: Option<u32>,
    /// Leaves the sound out.
    #[arg(long)]
    #[serde(default)]
    pub no_sound: bool,
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

/// What a conversion made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ConvertReport {
    /// The new file, safe to show; the pattern of numbered ones.
    pub path: String,
    /// Its bytes, in all.
    pub size_bytes: u64,
    /// What became of each stream.
    pub streams: Vec<StreamReport>,
    /// Frames that were encoded.
    pub frames: u64,
    /// Frames that could not be decoded, and are not in it.
    pub lost_frames: u64,
}

/// What becomes of one stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StreamReport {
    /// Its number in the file that is read.
    pub index: u64,
    /// `video`, `audio`, `subtitle`, `still`, `data` or `attachment`.
    pub kind: String,
    /// Its codec.
    pub codec: String,
    /// `copied`, `encoded as hevc`, that with what is lost (`encoded as h264:
    /// 12 bits become 10`), or `left out: ` and why. Of a still also the metadata
    /// that goes along, and what does not.
    pub becomes: String,
}

/// What a worker says that it would do.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Planned {
    streams: Vec<StreamReport>,
    /// Files that it would write, where each frame is one.
    files: Option<Count>,
}

/// What a worker is told.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Order {
    read: Read,
    /// That of a [`rushes_codec::Target`].
    extension: String,
    filters: Vec<Filter>,
    codec: Option<String>,
    quality: Option<u8>,
    timing: Timing,
    sound_codec: Option<String>,
    bit_rate: Option<u32>,
    without_sound: bool,
    plays: u16,
}

/// The files of a conversion.
struct Files {
    input: Reading,
    filters: Vec<Filter>,
    beside: Beside,
    output: making::Output,
}

impl Files {
    /// Opens what the worker asks for.
    fn give(&self, context: &Context<'_>, number: u64) -> Result<(File, Vec<u8>)> {
        let given = self.beside.give(number);
        given.unwrap_or_else(|| self.input.give(context, WHAT, number))
    }
}

impl Convert {
    fn order(&self, files: &Files) -> Result<Order> {
        Ok(Order {
            read: files.input.read(),
            extension: files.output.target.format().to_owned(),
            filters: files.filters.clone(),
            codec: self.codec.clone(),
            quality: self.quality,
            timing: Timing {
                from: self.from_time.as_deref().map(read_time).transpose()?,
                to: self.to_time.as_deref().map(read_time).transpose()?,
                rate_hz: self.fps,
                deinterlace: self.deinterlace,
                field_order: self.field_order,
            },
            sound_codec: self.sound_codec.clone(),
            bit_rate: self.sound_bit_rate,
            without_sound: self.no_sound,
            plays: self.plays,
        })
    }

    /// Opens what is read, and makes sure that the output may be written.
    fn files(&self, context: &Context<'_>) -> Result<Files> {
        let input = Reading::open(context, WHAT, &self.input)?;
        let mut beside = Beside::default();
        let read = |text: &String| Filter::read(context, text, &mut beside);
        let filters = self.filters.iter().map(read).collect::<Result<_>>()?;
        let own: Vec<_> = input.file.iter().chain(beside.files()).collect();
        let (start, overwrite) = (self.start_number, self.overwrite);
        let output = making::output(context, WHAT, &self.output, start, &own, overwrite)?;
        if overwrite && input.is_among(&output) {
            return Err(making::is_own(WHAT, &output.path));
        }
        Ok(Files { input, filters, beside, output })
    }

    /// Asks a worker what would become of each stream.
    fn planned(&self, context: &Context<'_>, files: &Files, order: &Order) -> Result<Planned> {
        let params = making::to_value(WHAT, order)?;
        let cancelled = context.progress.cancelled();
        let give = |number| files.give(context, number);
        let converters = context.engine.converters();
        let passed = files.input.passed();
        let reply =
            converters.call_giving("plan conversion", &params, &passed, &give, cancelled)?;
        serde_json::from_value(reply.value).map_err(|_| making::senseless(WHAT))
    }

    fn plan_for(&self, files: &Files, planned: &Planned) -> Plan {
        let path = making::shown(&files.output.path);
        let mut plan = Plan::reads(format!("write {path}"));
        let count = match planned.files {
            Some(Count { frames, basis: Basis::Counted }) => format!(" ({frames} files)"),
            Some(Count { frames, .. }) => format!(" (about {frames} files)"),
            None => String::new(),
        };
        let parts: Vec<String> = planned.streams.iter().map(StreamReport::words).collect();
        let (parts, beside) = (parts.join("; "), files.beside.words());
        plan.push(making::WRITE, format!("write {path}{count}: {parts}{beside}"));
        plan
    }
}

impl StreamReport {
    fn words(&self) -> String {
        format!("{} {} ({}) {}", self.kind, self.index, self.codec, self.becomes)
    }
}

impl Action for Convert {
    const NAME: &'static [&'static str] = &["convert"];
    const SUMMARY: &'static str = "Write a file as another kind, or changed on the way";
    const ROUTE: Route = Route { method: "POST", path: "/convert" };
    const CHANGES: bool = true;
    const AS_JOB: bool = true;
    type Output = ConvertReport;

    fn plan(&self, context: &Context<'_>) -> Result<Plan> {
        let files = self.files(context)?;
        let order = self.order(&files)?;
        Ok(self.plan_for(&files, &self.planned(context, &files, &order)?))
    }

    fn apply(&self, context: &Context<'_>) -> Result<ConvertReport> {
        let files = self.files(context)?;
        let order = self.order(&files)?;
        let Planned { streams, .. } = self.planned(context, &files, &order)?;
        let making = Making {
            what: WHAT,
            note: format!("converting {}", display_name(&files.input.name)),
            task: "convert",
            params: making::to_value(WHAT, &order)?,
            inputs: files.input.passed(),
            give: &|number| files.give(context, number),
            output: &files.output,
            overwrite: self.overwrite,
        };
        let (told, size_bytes) = making.run(context)?;
        Ok(ConvertReport {
            path: making::shown(&files.output.path),
            size_bytes,
            streams,
            frames: if told.unit == "frames" { told.done } else { 0 },
            lost_frames: told.lost_frames,
        })
    }

    fn text(output: &ConvertReport) -> String {
        let mut text = format!("{} ({} bytes)\n", output.path, output.size_bytes);
        for stream in &output.streams {
            let _ = writeln!(text, "  {}", stream.words());
        }
        text.push_str(&making::lost(output.lost_frames));
        text
    }

    fn failures(output: &ConvertReport) -> u64 {
        output.lost_frames
    }

    fn made_absolute(mut self) -> Convert {
        making::make_absolute(&mut self.input);
        making::make_absolute(&mut self.output);
        self.filters.iter_mut().for_each(filters::make_absolute);
        self
    }

    fn title(&self) -> String {
        let name = |path: &str| path.rsplit('/').next().unwrap_or(path).to_owned();
        format!("Convert {} to {}", name(&self.input), name(&self.output))
    }

    fn job_key(&self) -> Option<String> {
        // The same conversion asked for twice, also where the second may overwrite;
        // another one into the same file fails by itself.
        serde_json::to_string(&Convert { overwrite: false, ..self.clone() }).ok()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn it_is_the_same_job_whatever_it_says_of_overwriting() {
        let key = |more: serde_json::Value| {
            let mut params = json!({ "input": "/a.mp4", "output": "/b.mkv" });
            params.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            serde_json::from_value::<Convert>(params).unwrap().job_key()
        };
        assert_eq!(key(json!({})), key(json!({ "overwrite": true })));
        assert_ne!(key(json!({})), key(json!({ "codec": "ffv1" })));
        assert_ne!(key(json!({})), key(json!({ "output": "/c.mkv" })));
    }
}
