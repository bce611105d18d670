//! Folders compared with the hash lists in them.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::sync::atomic::Ordering;

use rushes_catalog::{CopyState, copy_at, record_verified};
use rushes_media::{Error, ErrorKind, Result, display_name};
use rushes_store::Root;
use rushes_store::mhl::{CheckStep, Checked, FileState, History, HistoryError, MhlFault, Scope};

use super::{LISTED, VerifiedPlace, WHAT};
use crate::backup::destinations::Opened;
use crate::context::{Context, Report};

/// A folder to be compared with what a list says of it.
pub(super) struct Listed {
    pub root: Root,
    /// A single list in it, where it is not the folder's history that counts.
    pub list: Option<String>,
}

impl Listed {
    /// The folder at a path; of a list (`.mhl`), the folder that it is in.
    ///
    /// # Errors
    /// What the system says.
    pub fn open(path: &std::path::Path) -> Result<Listed> {
        if path.is_file() {
            let name = path.file_name().and_then(OsStr::to_str).filter(|it| it.ends_with(".mhl"));
            let (Some(name), Some(folder)) = (name, path.parent()) else {
                let why = "it is neither a folder nor a hash list";
                return Err(Error::new(ErrorKind::Invalid, WHAT, why)
                    .remedy("name the folder, or a list that ends in .mhl")
                    .at(path));
            };
            return Ok(Listed { root: Root::open(folder)?, list: Some(name.to_owned()) });
        }
        Ok(Listed { root: Root::open(path)?, list: None })
    }

    /// What the lists say; of a folder without a history, the one list that lies
    /// in it.
    fn history(&self) -> Result<(History, Option<String>), HistoryError> {
        let of_list = |name: &str| Ok((History::of_list(&self.root, name)?, Some(name.to_owned())));
        if let Some(list) = &self.list {
            return of_list(list);
        }
        let none = match History::open(&self.root) {
            Err(error) if error.fault == Some(MhlFault::NoHistory) => error,
            opened => return opened.map(|history| (history, None)),
        };
        let entries = self.root.list(b"", &mut Vec::new())?;
        let mut lists = entries.iter().filter(|entry| entry.name.ends_with(b".mhl"));
        match (lists.next(), lists.next()) {
            (Some(only), None) => match std::str::from_utf8(&only.name) {
                Ok(name) => of_list(name),
                Err(_) => Err(none),
            },
            _ => Err(none),
        }
    }
}

/// Compares a folder with its lists. Of a destination, what is found is recorded
/// for the copies that are known, whose numbers are given back.
///
/// # Errors
/// When it was cancelled, or the folder cannot be listed. What is wrong with the
/// lists is in `place`.
pub(super) fn check(
    context: &Context<'_>,
    listed: &Listed,
    known: Option<&Opened>,
    place: &mut VerifiedPlace,
) -> Result<HashSet<i64>> {
    let mut seen = HashSet::new();
    let (history, list) = match listed.history() {
        Ok(history) => history,
        Err(HistoryError { fault, error }) => {
            let fault = fault.unwrap_or(MhlFault::ModifiedManifest);
            place.fault(fault.exit_code());
            place.list = Some(match fault {
                MhlFault::NoHistory => {
                    error.remedy("make one with rushes backup, or ascmhl create")
                }
                _ => error,
            });
            return Ok(seen);
        }
    };
    let (mut read, mut failed) = (0_u64, None);
    let checked = history.check(&listed.root, Scope::Content, &mut |step| {
        match step {
            CheckStep::Read(bytes) => read += bytes,
            CheckStep::File(path, state) => {
                if let Some(known) = known
                    && let Err(error) = note(context, known, path, state, &mut seen)
                {
                    failed = Some(error);
                    return false;
                }
            }
        }
        context.progress.report(&Report { done: read, total: None, unit: "bytes", note: None });
        !context.progress.cancelled().load(Ordering::Relaxed)
    })?;
    if let Some(error) = failed {
        return Err(error);
    }
    let Some(mut checked) = checked else {
        context.check_cancelled(WHAT)?;
        return Err(Error::bug(WHAT, "checking stopped by itself"));
    };
    if let Some(known) = known {
        for path in &checked.missing {
            record(context, known, path, CopyState::Missing, &mut seen)?;
        }
    }
    // A list that lies beside the files does not list itself.
    checked.new.retain(|path| Some(path) != list.as_ref());
    tell(checked, place);
    Ok(seen)
}

fn note(
    context: &Context<'_>,
    known: &Opened,
    path: &str,
    state: &FileState,
    seen: &mut HashSet<i64>,
) -> Result<()> {
    let state = match state {
        FileState::Verified(_) => CopyState::Whole,
        FileState::Failed(_) | FileState::Unreadable(_) => CopyState::Damaged,
        FileState::Present | FileState::New => return Ok(()),
    };
    record(context, known, path, state, seen)
}

fn record(
    context: &Context<'_>,
    known: &Opened,
    path: &str,
    state: CopyState,
    seen: &mut HashSet<i64>,
) -> Result<()> {
    let catalog = context.engine.catalog()?;
    let id = known.destination.id;
    let Some(copy) = catalog.read(|reader| copy_at(reader, id, path.as_bytes()))? else {
        return Ok(());
    };
    let shown = display_name(known.root.join(path.as_bytes()).as_os_str().as_encoded_bytes());
    let now = context.engine.clock().now();
    catalog.write(|write| record_verified(write, &copy, state, &shown, now))?;
    context.progress.got_further();
    seen.insert(copy.id);
    Ok(())
}

fn tell(checked: Checked, place: &mut VerifiedPlace) {
    place.fault(checked.fault().map_or(0, MhlFault::exit_code));
    place.verified += checked.good_files;
    place.bytes += checked.good_bytes;
    for path in checked.failed.iter().chain(&checked.failed_folders) {
        place.lose(path.as_bytes(), CopyState::Damaged, None);
    }
    for (path, error) in checked.unreadable {
        place.lose(path.as_bytes(), CopyState::Damaged, Some(error));
    }
    for path in &checked.missing {
        place.lose(path.as_bytes(), CopyState::Missing, None);
    }
    for path in checked.new {
        if place.new.len() < LISTED {
            place.new.push(display_name(path.as_bytes()));
        } else {
            place.more_new += 1;
        }
    }
}
