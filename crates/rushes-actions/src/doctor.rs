//! `doctor`: what is linked, what holds, what is missing.

use std::fmt::Write as _;

use clap::Args;
use rushes_media::{Error, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::action::{Action, Plan, Route};
use crate::context::Context;

/// `doctor` has no parameters.
#[derive(Args, Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Doctor {}

/// How this Rushes and its machine are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Health {
    /// Rushes' version.
    pub version: String,
    /// Linked libraries with their versions.
    pub libraries: Vec<Library>,
    /// What holds workers back, and whether it does here.
    pub protections: Vec<Protection>,
    /// What is missing, and how to get it.
    pub missing: Vec<Missing>,
}

/// A linked library.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Library {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
}

/// Something that holds workers back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Protection {
    /// What it is.
    pub name: String,
    /// Whether it holds here.
    pub holds: bool,
    /// More about it.
    pub detail: String,
}

/// Something that is missing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Missing {
    /// What does not work.
    pub what: String,
    /// How to get it.
    pub remedy: String,
}

impl Action for Doctor {
    const NAME: &'static [&'static str] = &["doctor"];
    const SUMMARY: &'static str = "Tell versions, what protects workers, what is missing";
    const ROUTE: Route = Route { method: "GET", path: "/doctor" };
    const CHANGES: bool = false;
    type Output = Health;

    fn plan(&self, _context: &Context<'_>) -> Result<Plan> {
        Ok(Plan::reads("look at this machine"))
    }

    fn apply(&self, context: &Context<'_>) -> Result<Health> {
        let mut health = Health { version: env!("CARGO_PKG_VERSION").into(), ..Health::default() };
        health.libraries = rushes_codec::versions()
            .into_iter()
            .map(|(name, version)| Library { name, version })
            .collect();
        health.libraries.push(Library {
            name: "SQLite".into(),
            version: rushes_catalog::sqlite_version().into(),
        });
        match context.engine.pool().protection() {
            Ok(protection) => {
                let flag = |holds: bool| (holds, String::new());
                let status = |status: &rushes_sandbox::Status| {
                    (*status == rushes_sandbox::Status::Full, status.to_string())
                };
                let rows = [
                    ("Landlock", status(&protection.landlock)),
                    ("seccomp", status(&protection.seccomp)),
                    ("memory limit", flag(protection.memory_limit)),
                    ("time limit", flag(protection.time_limit)),
                    ("output limit", flag(protection.output_limit)),
                    ("no privileges", flag(protection.privileges_dropped)),
                    ("ends with us", flag(protection.ends_with_parent)),
                ];
                health.protections = rows
                    .into_iter()
                    .map(|(name, (holds, detail))| Protection { name: name.into(), holds, detail })
                    .collect();
                if !protection.isolated() {
                    health.missing.push(Missing {
                        what: "workers could reach files or the network".into(),
                        remedy: "use a Linux kernel with seccomp built in".into(),
                    });
                }
            }
            Err(error) => health.missing.push(Missing {
                what: error.to_string(),
                remedy: "files cannot be probed without worker processes".into(),
            }),
        }
        missing_codecs(&mut health);
        missing_catalogue(context, &mut health);
        Ok(health)
    }

    fn text(output: &Health) -> String {
        let mut text = format!("rushes {}\n", output.version);
        for library in &output.libraries {
            let _ = writeln!(text, "  {:<16} {}", library.name, library.version);
        }
        text += "worker processes are held by\n";
        for protection in &output.protections {
            let holds = if protection.holds { "yes" } else { "NO" };
            let _ = writeln!(text, "  {:<16} {holds:<4} {}", protection.name, protection.detail);
        }
        for missing in &output.missing {
            let _ = writeln!(text, "missing: {}; {}", missing.what, missing.remedy);
        }
        if output.missing.is_empty() {
            text += "nothing is missing\n";
        }
        text
    }

    fn failures(output: &Health) -> u64 {
        output.missing.len() as u64
    }
}

/// Opens the catalogue, where there is one.
fn missing_catalogue(context: &Context<'_>, health: &mut Health) {
    let database = context.engine.home().database();
    let opened = match std::fs::symlink_metadata(&database) {
        // The first scan makes it.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return,
        Err(error) => Err(Error::io("looking for the catalogue", &error).at(&database)),
        Ok(_) => context.engine.catalog().and_then(|catalog| catalog.version()),
    };
    if let Err(mut error) = opened {
        let remedy = error.remedy.take();
        health.missing.push(Missing {
            what: error.to_string(),
            remedy: remedy.unwrap_or_else(|| "see who may read and write the home folder".into()),
        });
    }
}

/// Tries what previews need.
fn missing_codecs(health: &mut Health) {
    use rushes_media::{Color, Picture, Pixels};
    let webp = Picture::new(16, 16, Pixels::U8(vec![128; 768]), Color::default())
        .and_then(|picture| rushes_codec::encode_webp(&picture, 80));
    if let Err(error) = webp {
        health.missing.push(Missing {
            what: format!("previews cannot be written: {error}"),
            remedy: "use an FFmpeg that was built with libwebp".into(),
        });
    }
}
