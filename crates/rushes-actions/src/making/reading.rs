//! What a verb reads: a file, or pictures in many, which the worker asks for
//! one after another.

use std::ffi::OsStr;
use std::fs::File;
use std::os::fd::{AsFd as _, BorrowedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use rushes_codec::{SequenceFiles, Shelf, open_file};
use rushes_media::{Error, Result, name_to_url, path_given};
use serde::{Deserialize, Serialize};

use super::{Input, Output, allowed};
use crate::context::{Authority, Context};

/// A file, or the stills of a folder, a pattern or wildcards.
pub(crate) struct Reading {
    /// None for stills.
    pub(crate) input: Option<Input>,
    /// The stills; else the files beside a recording that hold its frames.
    pub(crate) files: SequenceFiles,
    /// What it is called.
    pub(crate) name: Vec<u8>,
}

/// What the worker is told of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Read {
    /// The name, as a URL.
    pub(crate) name: String,
    /// Whether there is no file, and the worker asks for stills.
    pub(crate) is_stills: bool,
    /// Files that the worker may ask for, by their number.
    pub(crate) more_files: usize,
    /// Which numbers are missing among the stills, in words.
    pub(crate) gaps: Option<String>,
}

impl Reading {
    /// Finds what is at a path, and opens it when it is a file.
    ///
    /// # Errors
    /// As for [`allowed`], and those of [`SequenceFiles::stills`].
    pub(crate) fn open(context: &Context<'_>, what: &str, given: &str) -> Result<Reading> {
        let given = path_given(given)?;
        let path = match allowed(context, what, &given) {
            Err(_) if SequenceFiles::is_pattern(&given) && given.symlink_metadata().is_err() => {
                allowed(context, what, folder_of(&given))?
                    .join(given.file_name().unwrap_or_default())
            }
            found => found?,
        };
        let name = path.file_name().map(|name| name.as_bytes().to_vec()).unwrap_or_default();
        if let Some(files) = SequenceFiles::stills(&path)? {
            if context.authority == Authority::Network {
                // Looked at again when the worker asks; refused before work begins.
                for path in (0..files.count()).filter_map(|number| files.path(number)) {
                    allowed(context, what, &path)?;
                }
            }
            return Ok(Reading { input: None, files, name });
        }
        let file = open_file(&path).map_err(|error| error.at(&path))?;
        let files = SequenceFiles::beside(&path)?;
        let input = Some(Input { file, name: name.clone() });
        Ok(Reading { input, files, name })
    }

    /// What the worker is told of it.
    pub(crate) fn read(&self) -> Read {
        let is_stills = self.input.is_none();
        Read {
            name: name_to_url(&self.name),
            is_stills,
            more_files: self.files.count(),
            gaps: self.files.gaps().filter(|_| is_stills),
        }
    }

    /// The file that travels with the task.
    pub(crate) fn passed(&self) -> Vec<BorrowedFd<'_>> {
        self.input.iter().map(|input| input.file.as_fd()).collect()
    }

    /// Opens one of the files that the worker asks for, where whoever asked
    /// for the conversion may name it.
    ///
    /// # Errors
    /// As for [`allowed`].
    pub(crate) fn give(
        &self,
        context: &Context<'_>,
        what: &str,
        number: u64,
    ) -> Result<(File, Vec<u8>)> {
        let path = usize::try_from(number).ok().and_then(|number| self.files.path(number));
        let path = path.ok_or_else(|| Error::bug(what, format!("there is no file {number}")))?;
        let found = allowed(context, what, &path)?;
        let file = open_file(&found).map_err(|error| error.at(&path))?;
        Ok((file, path.file_name().map(OsStr::as_bytes).unwrap_or_default().to_vec()))
    }

    /// Whether one of the files that it reads from may be written anew.
    pub(crate) fn is_among(&self, output: &Output) -> bool {
        let folder = output.path.parent();
        let mut known = (0..self.files.count()).filter_map(|number| self.files.path(number));
        known.any(|known| {
            std::fs::canonicalize(&known).is_ok_and(|found| {
                found == output.path
                    || (found.parent() == folder
                        && found.file_name().is_some_and(|name| output.target.may_be(name)))
            })
        })
    }
}

/// Asks for them from within the worker.
#[derive(Debug)]
pub(crate) struct Asked(pub(crate) usize);

impl Shelf for Asked {
    fn count(&self) -> usize {
        self.0
    }

    fn open(&self, i: usize) -> Result<(File, Vec<u8>)> {
        rushes_sandbox::ask(i as u64)
    }
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."))
}
