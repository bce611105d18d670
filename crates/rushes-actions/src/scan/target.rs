//! Which folders a scan is about.

use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rushes_catalog::{RegisteredRoot, relative_to};
use rushes_media::{Error, ErrorKind, Result, display_name, path_given};
use rushes_store::Root;

use super::Scan;
use crate::context::{Authority, Context};

/// A folder that is scanned.
#[derive(Clone, Debug)]
pub(super) struct Target {
    /// Its root; none while a new folder is only planned to be one.
    pub(super) root: Option<RegisteredRoot>,
    /// The root's path.
    pub(super) path: PathBuf,
    /// The part below the root that is scanned, empty for all of it.
    pub(super) below: Vec<u8>,
    /// Whether the folders in it are left alone.
    pub(super) is_shallow: bool,
}

impl Target {
    /// Whether it is to be registered as a root.
    pub(super) fn is_new(&self) -> bool {
        self.root.is_none() && self.below.is_empty()
    }

    /// Whether scanning it goes through all that scanning the other would.
    fn covers(&self, other: &Target) -> bool {
        let is_inside = self.below.is_empty() || relative_to(&other.below, &self.below).is_some();
        self.path == other.path && (self.below == other.below || (is_inside && !self.is_shallow))
    }

    /// Names the effect of registering it.
    pub(super) fn register_key(&self) -> String {
        format!("register {}", self.shown())
    }

    /// Names the effect of scanning it.
    pub(super) fn scan_key(&self) -> String {
        format!("scan {}", self.shown())
    }

    pub(super) fn shown(&self) -> String {
        let mut path = self.path.as_os_str().as_bytes().to_vec();
        if !self.below.is_empty() {
            path.push(b'/');
            path.extend_from_slice(&self.below);
        }
        display_name(&path)
    }
}

pub(super) fn count(number: usize, thing: &str) -> String {
    if number == 1 { format!("1 {thing}") } else { format!("{number} {thing}s") }
}

/// The folders that these parameters mean. A new folder is registered when
/// `register` says so.
pub(super) fn resolve(scan: &Scan, context: &Context<'_>, register: bool) -> Result<Vec<Target>> {
    let catalog = context.engine.catalog()?;
    let mut roots = catalog.roots()?;
    if scan.roots.is_empty() {
        let is_shallow = scan.shallow;
        return Ok(roots
            .into_iter()
            .map(|root| Target {
                path: root.path.clone(),
                root: Some(root),
                below: Vec::new(),
                is_shallow,
            })
            .collect());
    }
    let mut targets: Vec<Target> = Vec::new();
    // Folders that are roots in the plan only.
    let mut planned: Vec<PathBuf> = Vec::new();
    for given in &scan.roots {
        let target = match roots.iter().find(|root| root.name == *given) {
            Some(root) => Target {
                path: root.path.clone(),
                root: Some(root.clone()),
                below: Vec::new(),
                is_shallow: false,
            },
            None => {
                let path = path_given(given)?;
                if context.authority == Authority::Network && !path.is_absolute() {
                    let what = "finding a folder to scan";
                    let why = "no root has this name, and a path must be absolute";
                    return Err(Error::new(ErrorKind::Invalid, what, why)
                        .remedy("name a root, see rushes paths list, or begin the path with /")
                        .at(given));
                }
                by_path(context, &roots, &planned, &path, register)?
            }
        };
        let target = Target { is_shallow: scan.shallow, ..target };
        // The next folder may be inside the one that was registered just now.
        if let Some(root) =
            target.root.as_ref().filter(|root| roots.iter().all(|r| r.id != root.id))
        {
            roots.push(root.clone());
        }
        if target.is_new() {
            planned.push(target.path.clone());
        }
        if !targets.iter().any(|known| known.covers(&target)) {
            targets.retain(|known| !target.covers(known));
            targets.push(target);
        }
    }
    Ok(targets)
}

fn by_path(
    context: &Context<'_>,
    roots: &[RegisteredRoot],
    planned: &[PathBuf],
    given: &Path,
    register: bool,
) -> Result<Target> {
    let what = "finding a folder to scan";
    // A registered root that is not there now is offline, not unknown.
    if let Some(root) = roots.iter().find(|root| root.path == given) {
        return Ok(Target {
            path: root.path.clone(),
            root: Some(root.clone()),
            below: Vec::new(),
            is_shallow: false,
        });
    }
    let path = match (std::fs::canonicalize(given), context.authority) {
        (Ok(path), _) => path,
        (Err(error), Authority::Local) => return Err(Error::io(what, &error).at(given)),
        // Whether a path outside the roots exists is nobody's business.
        (Err(_), Authority::Network) => return Err(refuse(given)),
    };
    if !path.is_dir() {
        let why = "it is not a folder";
        return Err(Error::new(ErrorKind::Invalid, what, why)
            .remedy("name the folder that it is in")
            .at(given));
    }
    context.engine.refuse_own_folder(&path, what)?;
    let bytes = path.as_os_str().as_bytes();
    let known = roots.iter().map(|root| (&root.path, Some(root)));
    let around = known
        .chain(planned.iter().map(|path| (path, None)))
        .filter_map(|(path, root)| {
            let outer = path.as_os_str().as_bytes();
            let below = if bytes == outer { &[][..] } else { relative_to(bytes, outer)? };
            Some((path, root, below.to_vec()))
        })
        .max_by_key(|(path, ..)| path.as_os_str().len());
    if let Some((path, root, below)) = around {
        return Ok(Target { path: path.clone(), root: root.cloned(), below, is_shallow: false });
    }
    if context.authority == Authority::Network {
        return Err(refuse(given));
    }
    let opened = Root::open(&path)?;
    let root = if register {
        let volume = opened.volume()?.identity;
        let now = context.engine.clock().now();
        Some(context.engine.catalog()?.add_root(&path, None, &volume, now)?)
    } else {
        None
    };
    Ok(Target { root, path, below: Vec::new(), is_shallow: false })
}

fn refuse(given: &Path) -> Error {
    Error::new(ErrorKind::Denied, "finding a folder to scan", "it is not beneath a registered root")
        .remedy("register it with rushes paths add, at the machine itself")
        .at(given)
}
