//! Stills one after another, each in a file of its own, and the files that
//! belong to a recording.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::fs::File;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rushes_media::{Error, ErrorKind, Limits, MediaKind, Result, display_name};

use super::chunks::{ArrayFile, HEADER};
use super::names::{Pattern, gaps, natural};
use super::{Pictures, STILLS_HZ, Sequence, Taken, Times, WHAT, hiris, zarr};
use crate::{FORMATS, Format, Source, open_file, still_frame};

/// Files of one sequence at most.
const MOST_FILES: usize = 1 << 20;

/// Files that are opened one at a time, wherever that is done.
pub trait Shelf: fmt::Debug + Send + Sync {
    /// How many there are; 1 of an array, for its header.
    fn count(&self) -> usize;

    /// File `i`, which is less than the count or that of a chunk of an array, and
    /// its name.
    ///
    /// # Errors
    /// Those of opening it; `NotFound` for a chunk that is left out.
    fn open(&self, i: usize) -> Result<(File, Vec<u8>)>;
}

/// The files of one sequence. Only names are looked at: what is in the files is
/// read by a [`Sequence`].
#[derive(Debug)]
pub struct SequenceFiles {
    folder: PathBuf,
    files: Files,
}

#[derive(Debug)]
enum Files {
    /// Names in the folder, in the order of the numbers in them.
    Named(Vec<OsString>),
    /// Those of an array, which is the folder.
    Array,
}

impl SequenceFiles {
    /// The files that are at a path: the stills of a folder, all of one format, or
    /// those whose names fit a pattern (`shot.%04d.exr`, `shot.####.exr`) or
    /// wildcards (`*`, `?`); those of a folder that is an array (Zarr). `None`
    /// when it is one file.
    ///
    /// # Errors
    /// `NotFound` when nothing is there, `Invalid` for a folder of several
    /// formats, `Limit` when there are too many.
    pub fn at(path: &Path) -> Result<Option<SequenceFiles>> {
        let found = match std::fs::metadata(path) {
            Ok(found) if found.is_dir() && path.join(HEADER).is_file() => {
                Ok(SequenceFiles { folder: path.to_owned(), files: Files::Array })
            }
            Ok(found) if found.is_dir() => SequenceFiles::in_folder(path),
            Ok(_) => return Ok(None),
            Err(error) => match SequenceFiles::matching(path) {
                Some(found) if error.kind() == io::ErrorKind::NotFound => found,
                _ => Err(Error::io("opening the file", &error)),
            },
        };
        found.map(Some).map_err(|error| error.at(path))
    }

    /// Whether a path's last part is a pattern or has wildcards.
    #[must_use]
    pub fn is_pattern(path: &Path) -> bool {
        path.file_name().is_some_and(|name| Pattern::of(name.as_bytes()).is_some())
    }

    /// The files beside a recording by Hiris, a text named `.seq`, in which its
    /// frames are; none for other files.
    ///
    /// # Errors
    /// Those of listing the folder.
    pub fn beside(path: &Path) -> Result<SequenceFiles> {
        let is_seq = path.extension().is_some_and(|it| it.eq_ignore_ascii_case("seq"));
        let folder = folder_of(path);
        let stem = path.file_stem().unwrap_or_default().as_bytes();
        let names = if is_seq { hiris::bins(&folder, stem)? } else { Vec::new() };
        Ok(SequenceFiles { folder, files: Files::Named(names) })
    }

    /// None at all.
    pub(crate) fn none() -> SequenceFiles {
        SequenceFiles { folder: PathBuf::new(), files: Files::Named(Vec::new()) }
    }

    /// Every still in a folder by its extension, hidden files left out.
    fn in_folder(folder: &Path) -> Result<SequenceFiles> {
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
            [_] => Ok(SequenceFiles { folder: folder.to_owned(), files: Files::Named(names) }),
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
    fn matching(path: &Path) -> Option<Result<SequenceFiles>> {
        let pattern = Pattern::of(path.file_name()?.as_bytes())?;
        let folder = folder_of(path);
        let found = names(&folder, |name| pattern.matches(name.as_bytes()));
        Some(found.and_then(|names| {
            if names.is_empty() {
                let why = "no file's name fits the pattern";
                return Err(Error::new(ErrorKind::NotFound, WHAT, why));
            }
            Ok(SequenceFiles { folder, files: Files::Named(names) })
        }))
    }

    /// Whether they are those of an array: [`Sequence::of_array`] reads them, not
    /// [`Sequence::of_stills`].
    #[must_use]
    pub fn is_array(&self) -> bool {
        matches!(self.files, Files::Array)
    }

    /// The folder that they are in.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The path of file `i`, whether there is such a file or not in an array's
    /// folder.
    #[must_use]
    pub fn path(&self, i: usize) -> Option<PathBuf> {
        match &self.files {
            Files::Named(names) => names.get(i).map(|name| self.folder.join(name)),
            Files::Array => ArrayFile::of(i).map(|file| self.folder.join(file.path())),
        }
    }

    /// Which numbers are missing among stills, in words.
    #[must_use]
    pub fn gaps(&self) -> Option<String> {
        match &self.files {
            Files::Named(names) => gaps(names.iter().map(|name| name.as_bytes())),
            Files::Array => None,
        }
    }
}

impl Shelf for SequenceFiles {
    fn count(&self) -> usize {
        match &self.files {
            Files::Named(names) => names.len(),
            Files::Array => 1,
        }
    }

    fn open(&self, i: usize) -> Result<(File, Vec<u8>)> {
        let path = self.path(i).ok_or_else(|| Error::bug(WHAT, "no such file"))?;
        let file = open_file(&path).map_err(|error| error.at(&path))?;
        Ok((file, path.into_os_string().into_encoded_bytes()))
    }
}

/// Stills from a shelf.
#[derive(Debug)]
struct Stills<S> {
    shelf: S,
    limits: Limits,
}

impl Sequence {
    /// Stills that are files of their own, one after another as they stand on
    /// the shelf, 25 a second.
    ///
    /// # Errors
    /// `NotFound` when there is none.
    pub fn of_stills(shelf: impl Shelf + 'static, limits: Limits) -> Result<Sequence> {
        let times = Times::even(STILLS_HZ, shelf.count())?;
        if shelf.count() == 0 {
            return Err(Error::new(ErrorKind::NotFound, WHAT, "there is no still"));
        }
        let pictures = Box::new(Stills { shelf, limits });
        let (has_times, epoch_secs, warnings) = (false, None, Vec::new());
        Ok(Sequence { pictures, times, has_times, epoch_secs, warnings })
    }

    /// The frames of an array (Zarr v3, `[T, H, W]` or `[T, H, W, C]`), whose files
    /// are on this shelf.
    ///
    /// # Errors
    /// `Unsupported` for groups and other shapes, numbers and codecs, `Corrupt`
    /// for a header that makes no sense, `Limit` for frames that are too large.
    pub fn of_array(shelf: impl Shelf + 'static, limits: Limits) -> Result<Sequence> {
        zarr::open(shelf, &limits)
    }

    /// The files that are at a path, whichever they are.
    pub(crate) fn of_files(files: SequenceFiles, limits: Limits) -> Result<Sequence> {
        if files.is_array() {
            return Sequence::of_array(files, limits);
        }
        let warnings = files.gaps().into_iter().collect();
        Ok(Sequence { warnings, ..Sequence::of_stills(files, limits)? })
    }

    /// One still as a sequence of one, 25 a second.
    pub(crate) fn of_still(still: Source) -> Result<Sequence> {
        let times = Times::even(STILLS_HZ, 1)?;
        let (pictures, has_times) = (Box::new(Still(still)), false);
        let (epoch_secs, warnings) = (None, Vec::new());
        Ok(Sequence { pictures, times, has_times, epoch_secs, warnings })
    }
}

impl<S: Shelf> Pictures for Stills<S> {
    fn count(&self) -> usize {
        self.shelf.count()
    }

    fn picture(&self, i: usize) -> Result<Taken> {
        let (file, name) = self.shelf.open(i)?;
        let read = || {
            let source = Source::new(file, &name, self.limits)?;
            let frame = still_frame(&source)?;
            Ok(Taken { frame, still: Some(source) })
        };
        read().map_err(|error: Error| error.at(OsStr::from_bytes(&name)))
    }

    fn name(&self, i: usize) -> String {
        let name = self.shelf.open(i).map(|(_, path)| path).unwrap_or_default();
        display_name(name.rsplit(|&byte| byte == b'/').next().unwrap_or_default())
    }
}

/// One still.
#[derive(Debug)]
struct Still(Source);

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
