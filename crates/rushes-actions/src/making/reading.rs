//! What a verb reads: a file, or pictures in many, which the worker asks for
//! one after another.

use std::ffi::OsStr;
use std::fs::File;
use std::os::fd::{AsFd as _, BorrowedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use rushes_codec::{Media, Sequence, SequenceFiles, Shelf, Source, open_file};
use rushes_media::{Error, ErrorKind, Limits, Result, name_from_url, name_to_url, path_given};
use serde::{Deserialize, Serialize};

use super::{Output, allowed};
use crate::context::{Authority, Context};

/// A file; the stills of a folder, a pattern or wildcards; or an array (Zarr).
pub(crate) struct Reading {
    /// None for stills and arrays.
    pub(crate) file: Option<File>,
    /// These; else the files beside a recording that hold its frames.
    pub(crate) files: SequenceFiles,
    /// What it is called.
    pub(crate) name: Vec<u8>,
}

/// What the worker is told of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Read {
    /// The name, as a URL.
    pub(crate) name: String,
    /// What the worker reads.
    holds: Holds,
    /// Files that the worker may ask for, by their number.
    more_files: usize,
    /// Which numbers are missing among the stills, in words.
    pub(crate) gaps: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Holds {
    /// The file that travels along.
    File,
    /// Stills, which it asks for.
    Stills,
    /// The header and the chunks of an array, which it asks for.
    Array,
}

impl Reading {
    /// Finds what is at a path, and opens it when it is a file.
    ///
    /// # Errors
    /// As for [`allowed`], and those of [`SequenceFiles::at`].
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
        if let Some(files) = SequenceFiles::at(&path)? {
            if context.authority == Authority::Network {
                // Looked at again when the worker asks; refused before work begins.
                for path in (0..files.count()).filter_map(|number| files.path(number)) {
                    allowed(context, what, &path)?;
                }
            }
            return Ok(Reading { file: None, files, name });
        }
        let file = open_file(&path).map_err(|error| error.at(&path))?;
        let files = SequenceFiles::beside(&path)?;
        Ok(Reading { file: Some(file), files, name })
    }

    /// What the worker is told of it.
    pub(crate) fn read(&self) -> Read {
        let holds = match &self.file {
            Some(_) => Holds::File,
            None if self.files.is_array() => Holds::Array,
            None => Holds::Stills,
        };
        Read {
            name: name_to_url(&self.name),
            holds,
            more_files: self.files.count(),
            gaps: self.files.gaps().filter(|_| holds == Holds::Stills),
        }
    }

    /// The file that travels with the task.
    pub(crate) fn passed(&self) -> Vec<BorrowedFd<'_>> {
        self.file.iter().map(|file| file.as_fd()).collect()
    }

    /// Opens one of the files that the worker asks for, where whoever asked
    /// for the conversion may name it.
    ///
    /// # Errors
    /// As for [`allowed`]; `NotFound` for a chunk that an array has left out.
    pub(crate) fn give(
        &self,
        context: &Context<'_>,
        what: &str,
        number: u64,
    ) -> Result<(File, Vec<u8>)> {
        let path = usize::try_from(number).ok().and_then(|number| self.files.path(number));
        let path = path.ok_or_else(|| Error::bug(what, format!("there is no file {number}")))?;
        if self.files.is_array() && path.symlink_metadata().is_err() {
            return Err(Error::new(ErrorKind::NotFound, what, "there is no such chunk").at(&path));
        }
        let found = allowed(context, what, &path)?;
        let file = open_file(&found).map_err(|error| error.at(&path))?;
        Ok((file, path.file_name().map(OsStr::as_bytes).unwrap_or_default().to_vec()))
    }

    /// Whether one of the files that it reads from may be written anew.
    pub(crate) fn is_among(&self, output: &Output) -> bool {
        if self.files.is_array() {
            return output.path.starts_with(self.files.folder());
        }
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

impl Read {
    /// What there is to read, within the worker: `file` travelled along, and the
    /// others are asked for by their number and this one's.
    ///
    /// # Errors
    /// Those of [`Media::with_files`], [`Sequence::of_stills`] and
    /// [`Sequence::of_array`].
    pub(crate) fn media(&self, file: Option<&File>, asked: u64, limits: &Limits) -> Result<Media> {
        let shelf = Asked { count: self.more_files, first: asked };
        match self.holds {
            Holds::File => Media::with_files(self.source(file, limits)?, shelf),
            Holds::Stills => Sequence::of_stills(shelf, *limits).map(Media::Sequence),
            Holds::Array => Sequence::of_array(shelf, *limits).map(Media::Sequence),
        }
    }

    /// The file that travelled along.
    ///
    /// # Errors
    /// Those of [`Source::new`].
    pub(crate) fn source(&self, file: Option<&File>, limits: &Limits) -> Result<Source> {
        const WHAT: &str = "opening the file";
        let file = file.ok_or_else(|| Error::bug(WHAT, "no file was passed"))?;
        let file = file.try_clone().map_err(|error| Error::io(WHAT, &error))?;
        Source::new(file, &name_from_url(&self.name)?, *limits)
    }

    /// Whether it is one file, which travels along.
    pub(crate) fn is_file(&self) -> bool {
        self.holds == Holds::File
    }
}

/// Asks for them from within the worker.
#[derive(Debug)]
struct Asked {
    count: usize,
    /// What stands before their own number.
    first: u64,
}

impl Shelf for Asked {
    fn count(&self) -> usize {
        self.count
    }

    fn open(&self, i: usize) -> Result<(File, Vec<u8>)> {
        rushes_sandbox::ask(self.first | i as u64)
    }
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."))
}
