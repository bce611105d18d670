//! Stills one after another, each in a file of its own.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rushes_media::{Error, ErrorKind, Limits, MediaKind, Result, display_name};

use super::names::{Pattern, gaps, natural};
use super::{Pictures, Taken, WHAT, source};
use crate::{FORMATS, Format, Source, still_frame};

/// Files of one sequence at most.
const MOST_FILES: usize = 1 << 20;

/// Names in one folder, in their order.
#[derive(Debug)]
pub(super) struct Files {
    folder: PathBuf,
    names: Vec<OsString>,
    limits: Limits,
}

impl Files {
    /// Every still in a folder by its extension, hidden files left out.
    pub(super) fn folder(folder: &Path, limits: Limits) -> Result<Files> {
        let mut formats: Vec<&Format> = Vec::new();
        let names = names(folder, |name| {
            let Some(format) = still_of(name) else { return false };
            if !formats.contains(&format) {
                formats.push(format);
            }
            true
        })?;
        match formats.as_slice() {
            [] => {
                let why = "there is no still in the folder";
                Err(Error::new(ErrorKind::NotFound, WHAT, why))
            }
            [_] => Ok(Files { folder: folder.to_owned(), names, limits }),
            several => {
                let words: Vec<&str> = several.iter().map(|format| format.words).collect();
                let why =
                    format!("the folder holds stills of several formats: {}", words.join(", "));
                Err(Error::new(ErrorKind::Invalid, WHAT, why)
                    .remedy("name those of one sequence, as in folder/*.png"))
            }
        }
    }

    /// The files whose names fit the pattern that a path's last part is; `None`
    /// when it is a plain name.
    pub(super) fn matching(path: &Path, limits: Limits) -> Option<Result<Files>> {
        let pattern = Pattern::of(path.file_name()?.as_bytes())?;
        let folder = folder_of(path);
        let found = names(&folder, |name| pattern.matches(name.as_bytes()));
        Some(found.and_then(|names| {
            if names.is_empty() {
                let why = "no file's name fits the pattern";
                return Err(Error::new(ErrorKind::NotFound, WHAT, why));
            }
            Ok(Files { folder, names, limits })
        }))
    }

    /// Which numbers are missing, in words.
    pub(super) fn gaps(&self) -> Option<String> {
        gaps(self.names.iter().map(|name| name.as_bytes()))
    }
}

impl Pictures for Files {
    fn count(&self) -> usize {
        self.names.len()
    }

    fn picture(&self, i: usize) -> Result<Taken> {
        let name = self.names.get(i).ok_or_else(|| Error::bug(WHAT, "no such file"))?;
        let path = self.folder.join(name);
        let read = || {
            let source = source(&path, self.limits)?;
            let frame = still_frame(&source)?;
            Ok(Taken { frame, still: Some(source) })
        };
        read().map_err(|error: Error| error.at(&path))
    }

    fn name(&self, i: usize) -> String {
        self.names.get(i).map(|name| display_name(name.as_bytes())).unwrap_or_default()
    }
}

/// One still.
#[derive(Debug)]
pub(super) struct Still(pub(super) Source);

impl Pictures for Still {
    fn count(&self) -> usize {
        1
    }

    fn picture(&self, _: usize) -> Result<Taken> {
        let still = self.0.patched(Vec::new());
        Ok(Taken { frame: still_frame(&still)?, still: Some(still) })
    }
}

/// The folder that a path's last part is in.
fn folder_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
        _ => PathBuf::from("."),
    }
}

/// The format of stills that goes by a name's extension.
fn still_of(name: &OsStr) -> Option<&'static Format> {
    let extension = Path::new(name).extension()?.to_str()?.to_ascii_lowercase();
    let mut stills = FORMATS.iter().filter(|format| format.kind == MediaKind::Still);
    stills.find(|format| format.extensions.contains(&&*extension))
}

/// The names in a folder that are wanted, sorted; folders and hidden files are
/// not asked about.
pub(super) fn names(
    folder: &Path,
    mut is_wanted: impl FnMut(&OsStr) -> bool,
) -> Result<Vec<OsString>> {
    let failed = |error| Error::io("listing the folder", &error).at(folder);
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name();
        let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        if is_folder || name.as_bytes().starts_with(b".") || !is_wanted(&name) {
            continue;
        }
        if names.len() == MOST_FILES {
            let why = format!("there are more than {MOST_FILES} files");
            return Err(Error::new(ErrorKind::Limit, WHAT, why).at(folder));
        }
        names.push(name);
    }
    names.sort_unstable_by(|one, other| natural(one.as_bytes(), other.as_bytes()));
    Ok(names)
}
