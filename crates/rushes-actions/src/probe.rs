//! `probe`: what is in a file, without any catalogue.

use std::fmt::Write as _;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use clap::Args;
use rushes_catalog::relative_to;
use rushes_media::{Error, ErrorKind, Probe, Result, Stream, StreamKind, display_name, path_given};
use rushes_store::Root;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::action::{Action, Plan, Route, path_parser};
use crate::context::{Authority, Context};
use crate::paths::not_absolute;
use crate::scan::Failure;
use crate::tasks;

/// The parameters of probing files.
#[derive(Args, Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProbeFiles {
    /// Files to look into; over HTTP, only those beneath a registered root. A
    /// path that is no UTF-8 is given as a file: URL.
    #[arg(required = true, value_name = "FILE", value_parser = path_parser())]
    #[schemars(length(min = 1, max = 1000))]
    pub files: Vec<String>,
}

/// What probing files found.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ProbeReport {
    /// Each file that could be read, in the order given.
    pub files: Vec<ProbedFile>,
    /// Each file that could not.
    pub failed: Vec<Failure>,
}

/// One file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ProbedFile {
    /// Its path, safe to show.
    pub path: String,
    /// Bytes.
    pub size_bytes: u64,
    /// What it holds.
    pub probe: Probe,
}

impl Action for ProbeFiles {
    const NAME: &'static [&'static str] = &["probe"];
    const SUMMARY: &'static str = "Tell what is in a file, without any catalogue";
    const ROUTE: Route = Route { method: "POST", path: "/probe" };
    const CHANGES: bool = false;
    type Output = ProbeReport;

    fn plan(&self, _context: &Context<'_>) -> Result<Plan> {
        Ok(Plan::reads(format!("probe {} files", self.files.len())))
    }

    fn apply(&self, context: &Context<'_>) -> Result<ProbeReport> {
        let mut report = ProbeReport::default();
        for given in &self.files {
            context.check_cancelled("probing")?;
            let given = path_given(given)?;
            let path = display_name(given.as_os_str().as_bytes());
            match probe_path(context, &given) {
                Ok((size_bytes, probe)) => {
                    report.files.push(ProbedFile { path, size_bytes, probe });
                }
                Err(error) => report.failed.push(Failure { path, asset: None, error }),
            }
        }
        // One file that fails is the failure of the whole.
        match (&report.files[..], &report.failed[..]) {
            ([], [failure]) => Err(failure.error.clone().at(&self.files[0])),
            _ => Ok(report),
        }
    }

    fn text(output: &ProbeReport) -> String {
        let mut text = String::new();
        for file in &output.files {
            text += &describe(file);
        }
        for failure in &output.failed {
            let _ = writeln!(text, "{}", failure.line());
        }
        text
    }

    fn failures(output: &ProbeReport) -> u64 {
        output.failed.len() as u64
    }
}

fn probe_path(context: &Context<'_>, given: &Path) -> Result<(u64, Probe)> {
    let what = "probing";
    let path = match context.authority {
        Authority::Local => std::fs::canonicalize(given).map_err(|e| Error::io(what, &e))?,
        Authority::Network if !given.is_absolute() => return Err(not_absolute(what, given)),
        Authority::Network => given.to_owned(),
    };
    let no_file = || Error::new(ErrorKind::Invalid, what, "it is not a file");
    let bytes = path.as_os_str().as_bytes();
    let (root, name) = match context.authority {
        Authority::Local => {
            let folder = path.parent().ok_or_else(no_file)?;
            (Root::open(folder)?, path.file_name().ok_or_else(no_file)?.as_bytes().to_vec())
        }
        Authority::Network => {
            let roots = context.engine.catalog()?.roots()?;
            let around = roots.iter().find_map(|root| {
                let below = relative_to(bytes, root.path.as_os_str().as_bytes())?;
                Some((root, below.to_vec()))
            });
            let (root, below) = around.ok_or_else(|| {
                Error::new(ErrorKind::Denied, what, "it is not beneath a registered root")
            })?;
            (Root::open(&root.path)?, below)
        }
    };
    let file = root.open_file(&name)?;
    let size = file.metadata().map_err(|e| Error::io(what, &e))?.len();
    let probe = tasks::probe(context.engine.pool(), &file, &name, context.progress.cancelled())?;
    Ok((size, probe))
}

fn describe(file: &ProbedFile) -> String {
    format!("{}\n  {:<12} {} bytes\n{}", file.path, "size", file.size_bytes, in_words(&file.probe))
}

/// A probe in words, one fact a line.
pub(crate) fn in_words(probe: &Probe) -> String {
    let mut text = String::new();
    let mut line = |name: &str, value: String| {
        if !value.is_empty() {
            let _ = writeln!(text, "  {name:<12} {value}");
        }
    };
    line("kind", format!("{}, {}", probe.kind.name(), probe.container.name));
    if let Some(duration) = probe.duration_secs {
        line("duration", format!("{:.3} s ({duration})", duration.to_f64()));
    }
    for stream in &probe.streams {
        line(&format!("stream {}", stream.index), describe_stream(stream));
    }
    line("timecode", probe.timecode.clone().unwrap_or_default());
    if let Some(created) = &probe.created {
        line(
            "created",
            format!("{} ({}, {:?} confidence)", created.at, created.source, created.confidence),
        );
    }
    if let Some(gps) = &probe.gps {
        let height = gps.altitude_m.map_or(String::new(), |m| format!(", {m:.1} m"));
        line(
            "position",
            format!("{:.6}, {:.6}{height}", gps.latitude_degrees, gps.longitude_degrees),
        );
    }
    let camera = &probe.camera;
    let parts: Vec<&str> = [&camera.make, &camera.model, &camera.lens]
        .into_iter()
        .flatten()
        .map(String::as_str)
        .collect();
    line("camera", parts.join(", "));
    line("title", probe.title.clone().unwrap_or_default());
    line("keywords", probe.keywords.join(", "));
    for difference in &probe.agreement.differences {
        line("note", difference.clone());
    }
    text
}

fn describe_stream(stream: &Stream) -> String {
    let mut parts = vec![match stream.kind {
        StreamKind::Still => "still".to_owned(),
        StreamKind::Video if stream.attached_picture => "cover".into(),
        StreamKind::Video => "video".into(),
        StreamKind::Audio => "audio".into(),
        StreamKind::Subtitle => "subtitle".into(),
        StreamKind::Data => "data".into(),
        StreamKind::Attachment => "attachment".into(),
    }];
    parts.push(match &stream.profile {
        Some(profile) => format!("{} ({profile})", stream.codec),
        None => stream.codec.clone(),
    });
    if let (Some(width), Some(height)) = (stream.width_px, stream.height_px) {
        let turn = stream.rotation_degrees.filter(|turn| *turn != 0);
        parts.push(match turn {
            Some(turn) => format!("{width}x{height}, turned {turn}°"),
            None => format!("{width}x{height}"),
        });
    }
    if let Some(rate) = stream.frame_rate_hz {
        let variable = if stream.variable_rate == Some(true) { ", variable" } else { "" };
        parts.push(format!("{rate} fps{variable}"));
    }
    parts.extend(stream.pixel_format.clone());
    parts.extend(stream.color.as_ref().and_then(|color| color.hdr.clone()));
    if let Some(rate) = stream.sample_rate_hz {
        parts.push(format!("{rate} Hz"));
    }
    parts.extend(stream.channel_layout.clone());
    parts.extend(stream.bit_depth.map(|bits| format!("{bits} bit")));
    parts.extend(stream.frame_count.map(|count| format!("{} frames", count.frames)));
    parts.extend(stream.language.clone());
    parts.join(", ")
}
