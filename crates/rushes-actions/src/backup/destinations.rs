//! The folders that copies go to, as they are now.

use std::path::{Path, PathBuf};

use rushes_catalog::{Catalog, Destination};
use rushes_media::{Error, ErrorKind, Result, path_given};
use rushes_store::Root;

use crate::context::{Authority, Context};
use crate::paths::not_absolute;

const WHAT: &str = "opening where copies go";

/// A destination that is there.
pub(crate) struct Opened {
    pub destination: Destination,
    pub root: Root,
}

/// A folder that a person named, with the volume that it is on.
pub(crate) struct Named {
    pub root: Root,
    pub volume: String,
    /// Its number, where copies were made there before.
    pub known: Option<i64>,
}

/// Opens a folder that copies are to go to. Of a folder that is known, another
/// volume than the ones that were there before is refused unless that is said to
/// be meant: a disk that is not mounted leaves a folder on the one beneath.
///
/// # Errors
/// `NotFound` when it is not there, `Conflict` for another volume, `Denied` where
/// the network may not reach.
pub(crate) fn open(context: &Context<'_>, given: &str, new_volume: bool) -> Result<Named> {
    let path = path_given(given)?;
    if context.authority == Authority::Network && !path.is_absolute() {
        return Err(not_absolute(WHAT, &path));
    }
    let catalog = context.engine.catalog()?;
    let known = catalog.destinations()?;
    let found = std::fs::canonicalize(&path);
    if context.authority == Authority::Network
        && !may_reach(context, found.as_deref().ok(), &known)?
    {
        let why = "the server lets nobody copy there from the network";
        return Err(Error::new(ErrorKind::Denied, WHAT, why)
            .remedy(
                "back up to it once with rushes backup at the machine itself, or start the \
                 server with --allow-roots-in and a folder around it",
            )
            .at(given));
    }
    let path = found.map_err(|error| {
        let found = Error::io(WHAT, &error).at(given);
        let is_missing = found.kind == ErrorKind::NotFound;
        if is_missing { found.remedy("mount the disk, or make the folder first") } else { found }
    })?;
    context.engine.refuse_own_folder(&path, WHAT)?;
    let root = Root::open(&path)?;
    let volume = root.volume()?.identity;
    let here: Vec<&Destination> = known.iter().filter(|it| it.path == path).collect();
    let known = here.iter().find(|it| it.volume == volume).map(|it| it.id);
    if known.is_none() && !here.is_empty() && !new_volume {
        let why = "another volume is there now than the one that copies were made on";
        return Err(Error::new(ErrorKind::Conflict, WHAT, why)
            .remedy("mount the right one, or begin anew on this one with --new-volume")
            .at(path));
    }
    Ok(Named { root, volume, known })
}

/// Whether a request from the network may have copies made here.
fn may_reach(context: &Context<'_>, path: Option<&Path>, known: &[Destination]) -> Result<bool> {
    let Some(path) = path else { return Ok(false) };
    Ok(known.iter().any(|it| it.path == path) || context.engine.network_may_register(path)?)
}

/// Opens a known destination, if its volume is there now.
pub(crate) fn open_known(destination: Destination) -> Option<Opened> {
    let root = Root::open(&destination.path).ok()?;
    let is_there = root.volume().is_ok_and(|volume| volume.identity == destination.volume);
    is_there.then_some(Opened { destination, root })
}

/// Whether the volume of a destination is there now.
pub(crate) fn is_online(destination: &Destination) -> bool {
    open_known(destination.clone()).is_some()
}

/// The known destination that is at this path now, if any.
pub(crate) fn known_at(catalog: &Catalog, path: &Path) -> Result<Option<Opened>> {
    let at: PathBuf = path.to_owned();
    Ok(catalog.destinations()?.into_iter().filter(|it| it.path == at).find_map(open_known))
}
