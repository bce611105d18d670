//! `paths list`, `paths add` and `paths remove`: the registered roots.

use std::fmt::Write as _;
use std::path::Path;

use clap::Args;
use rushes_catalog::RootRow;
use rushes_media::{Error, ErrorKind, Result, display_name, path_given};
use rushes_store::Root;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::action::{Action, Plan, Route, path_parser};
use crate::context::{Authority, Context};

/// `paths list` has no parameters.
#[derive(Args, Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListPaths {}

/// The registered roots.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Paths {
    /// Each root, in the order of registration.
    pub roots: Vec<RootRow>,
}

impl Action for ListPaths {
    const NAME: &'static [&'static str] = &["paths", "list"];
    const SUMMARY: &'static str = "List the registered roots";
    const ROUTE: Route = Route { method: "GET", path: "/paths" };
    const CHANGES: bool = false;
    type Output = Paths;

    fn plan(&self, _context: &Context<'_>) -> Result<Plan> {
        Ok(Plan::reads("list the registered roots"))
    }

    fn apply(&self, context: &Context<'_>) -> Result<Paths> {
        Ok(Paths { roots: context.engine.catalog()?.root_rows()? })
    }

    fn text(output: &Paths) -> String {
        output.roots.iter().fold(String::new(), |mut text, root| {
            let _ = writeln!(
                text,
                "{:<20}  {:<7}  {:>8} files  {}  last scanned {}",
                root.name,
                root.state,
                root.places,
                root.path,
                root.last_scan.as_deref().unwrap_or("never")
            );
            text
        })
    }
}

/// The parameters of `paths add`.
#[derive(Args, Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AddPath {
    /// The folder. Adding one again changes nothing. A name that is no UTF-8 is
    /// given as a file: URL.
    #[arg(value_parser = path_parser())]
    pub path: String,
    /// A name for it; the folder's own when not given.
    #[arg(long)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 200))]
    pub name: Option<String>,
    /// Take the volume that is there now for that of a root that was scanned
    /// from another one; the next scan marks gone what is not on it.
    #[arg(long)]
    #[serde(default)]
    pub new_volume: bool,
}

/// What adding a folder comes to.
enum Adding {
    New,
    /// The root of this name is there already.
    Again(String),
    /// It is there already, and was scanned from another volume.
    NewVolume(String),
}

/// A relative path from the network: it would begin in the folder that the
/// server was started in, which the client cannot know.
pub(crate) fn not_absolute(what: &str, given: &Path) -> Error {
    Error::new(ErrorKind::Invalid, what, "the path must be absolute")
        .remedy("begin it with /, as in /media/footage")
        .at(given)
}

impl AddPath {
    fn root(&self, context: &Context<'_>) -> Result<Root> {
        let what = "registering a root";
        if self.name.as_ref().is_some_and(|name| name.is_empty() || name.len() > 200) {
            return Err(Error::new(ErrorKind::Invalid, what, "the name is empty or too long"));
        }
        let given = path_given(&self.path)?;
        if context.authority == Authority::Network && !given.is_absolute() {
            return Err(not_absolute(what, &given));
        }
        let path = std::fs::canonicalize(given);
        let path = match context.authority {
            Authority::Local => path.map_err(|e| Error::io(what, &e).at(&self.path))?,
            // Whether a path elsewhere exists is nobody's business.
            Authority::Network => {
                let allowed = match path {
                    Ok(path) => context.engine.network_may_register(&path)?.then_some(path),
                    Err(error) if context.engine.network_may_register(Path::new("/"))? => {
                        return Err(Error::io(what, &error).at(&self.path));
                    }
                    Err(_) => None,
                };
                allowed.ok_or_else(|| {
                    let why = "the server lets nobody register it from the network";
                    Error::new(ErrorKind::Denied, what, why)
                        .remedy(
                            "register it with rushes paths add, at the machine itself, or start \
                             the server with --allow-roots-in and a folder around it",
                        )
                        .at(&self.path)
                })?
            }
        };
        context.engine.refuse_own_folder(&path, what)?;
        Root::open(&path)
    }

    /// What adding this folder comes to; a conflict when that is more than was
    /// asked for.
    fn adding(&self, context: &Context<'_>, root: &Root) -> Result<Adding> {
        let catalog = context.engine.catalog()?;
        let known = catalog.roots()?.into_iter().find(|known| known.path == root.path());
        let Some(known) = known else { return Ok(Adding::New) };
        let volume = root.volume()?.identity;
        let is_other = known.volume.is_some_and(|before| before != volume)
            && catalog.root_has_places(known.id)?;
        match (is_other, self.new_volume) {
            (false, _) => Ok(Adding::Again(known.name)),
            (true, true) => Ok(Adding::NewVolume(known.name)),
            (true, false) => {
                let why = format!(
                    "another volume is there now than the one that the root {:?} was scanned from",
                    known.name
                );
                Err(Error::new(ErrorKind::Conflict, "registering a root", why)
                    .remedy(
                        "mount the right one, or take this one with --new-volume: the next scan \
                         then marks gone what is not on it",
                    )
                    .at(root.path()))
            }
        }
    }
}

/// A root that was registered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AddedPath {
    /// Its name.
    pub name: String,
    /// Its path, safe to show.
    pub path: String,
    /// The same path, as the prototype named it.
    pub added: String,
    /// Whether it was a root before.
    #[serde(default)]
    pub already: bool,
    /// Whether it takes another volume than before for its own.
    #[serde(default)]
    pub new_volume: bool,
}

impl Action for AddPath {
    const NAME: &'static [&'static str] = &["paths", "add"];
    const SUMMARY: &'static str = "Register a folder as a root";
    const ROUTE: Route = Route { method: "POST", path: "/paths" };
    const CHANGES: bool = true;
    type Output = AddedPath;

    fn plan(&self, context: &Context<'_>) -> Result<Plan> {
        use std::os::unix::ffi::OsStrExt;
        let root = self.root(context)?;
        let path = display_name(root.path().as_os_str().as_bytes());
        let mut plan = Plan::reads(format!("register {path}"));
        match self.adding(context, &root)? {
            Adding::New => {
                plan.push("register", format!("record {path} as a root; nothing in it is changed"));
            }
            Adding::Again(name) => {
                plan.summary = format!("nothing: {path} is the root {name:?} already");
            }
            Adding::NewVolume(name) => plan.push(
                "volume",
                format!(
                    "take the volume that is at {path} now for that of the root {name:?}; the \
                     next scan marks gone what is not on it"
                ),
            ),
        }
        Ok(plan)
    }

    fn apply(&self, context: &Context<'_>) -> Result<AddedPath> {
        use std::os::unix::ffi::OsStrExt;
        let root = self.root(context)?;
        let adding = self.adding(context, &root)?;
        let volume = root.volume()?.identity;
        let now = context.engine.clock().now();
        let added =
            context.engine.catalog()?.add_root(root.path(), self.name.as_deref(), &volume, now)?;
        let path = display_name(added.path.as_os_str().as_bytes());
        Ok(AddedPath {
            name: added.name,
            added: path.clone(),
            path,
            already: !matches!(adding, Adding::New),
            new_volume: matches!(adding, Adding::NewVolume(_)),
        })
    }

    fn text(output: &AddedPath) -> String {
        let AddedPath { name, path, .. } = output;
        match (output.already, output.new_volume) {
            (_, true) => format!(
                "{path} was the root {name:?} already, and takes the volume that is there now; \
                 scan it with rushes scan\n"
            ),
            (true, false) => format!("{path} was the root {name:?} already\n"),
            (false, false) => format!("{path} is the root {name:?}; scan it with rushes scan\n"),
        }
    }
}

/// The parameters of `paths remove`.
#[derive(Args, Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RemovePath {
    /// The root's name, or its path, also as paths list shows it.
    #[arg(value_parser = path_parser())]
    pub name: String,
}

/// A root that was forgotten.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RemovedPath {
    /// Its name.
    pub removed: String,
}

impl RemovePath {
    fn find(&self, context: &Context<'_>) -> Result<String> {
        let roots = context.engine.catalog()?.roots()?;
        let path = path_given(&self.name)?;
        let found = roots
            .iter()
            .find(|root| root.name == self.name)
            .or_else(|| roots.iter().find(|root| root.path == path))
            // From where the command was given; a server's folder is nobody's business.
            .or_else(|| {
                if context.authority == Authority::Network || path.is_absolute() {
                    return None;
                }
                let path = std::path::absolute(&path).ok()?;
                let path = std::fs::canonicalize(&path).unwrap_or(path);
                roots.iter().find(|root| root.path == path)
            })
            // As the list of roots shows it.
            .or_else(|| {
                use std::os::unix::ffi::OsStrExt;
                roots.iter().find(|r| display_name(r.path.as_os_str().as_bytes()) == self.name)
            });
        found.map(|root| root.name.clone()).ok_or_else(|| {
            let why = format!("no root is named {:?}", self.name);
            Error::new(ErrorKind::NotFound, "removing a root", why).remedy("see rushes paths list")
        })
    }
}

impl Action for RemovePath {
    const NAME: &'static [&'static str] = &["paths", "remove"];
    const SUMMARY: &'static str = "Forget a root; no file is touched";
    const ROUTE: Route = Route { method: "DELETE", path: "/paths/{name}" };
    const CHANGES: bool = true;
    type Output = RemovedPath;

    fn plan(&self, context: &Context<'_>) -> Result<Plan> {
        let name = self.find(context)?;
        let mut plan = Plan::reads(format!("forget the root {name}"));
        plan.push(
            "forget",
            format!(
                "forget the places under {name}, or leave them to the root around it; files and \
                 people's tags stay"
            ),
        );
        Ok(plan)
    }

    fn apply(&self, context: &Context<'_>) -> Result<RemovedPath> {
        let name = self.find(context)?;
        context.engine.catalog()?.remove_root(&name)?;
        Ok(RemovedPath { removed: name })
    }

    fn text(output: &RemovedPath) -> String {
        format!("the root {:?} is forgotten; its files are untouched\n", output.removed)
    }
}
