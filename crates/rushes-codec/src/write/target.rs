//! What a name asks for, decided in one place.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use rushes_media::{Error, ErrorKind, Result, display_name};

use super::sink::Part;
use super::{WHAT, ZARR};
use crate::sequence::Pattern;
use crate::still::is_target;

/// What stands before the extension in the name of a format of numbered stills.
const NUMBERED: &str = "%d.";

/// More digits than any number has.
const MOST_DIGITS: usize = 20;

/// Bytes of a file's name, at most.
const MOST_NAME_BYTES: usize = 255;

/// What is written under a name: one file, or several.
///
/// `clip.mp4` is one file; `shot.%04d.png` and `shot.####.png` are a file for
/// each frame, where a still of that extension can be written; `clip.zarr` is a
/// folder of files. `#` right beside a digit counts nothing: `take #1.png` is one
/// file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    format: String,
    names: Names,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Names {
    One,
    Numbered {
        pattern: Pattern,
        start: u64,
    },
    /// A folder with a chunk for each frame.
    Array,
}

impl Target {
    /// What the last part of a path asks for. Numbered files count from `start`.
    ///
    /// # Errors
    /// `Invalid` for a number of more digits than there are.
    pub fn of(path: &Path, start: u64) -> Result<Target> {
        let name = path.file_name().unwrap_or_default().as_bytes();
        let extension = extension_of(path);
        let one = |format: &str| Target { format: format.to_owned(), names: Names::One };
        if extension == ZARR {
            return Ok(Target { format: extension, names: Names::Array });
        }
        if !is_target(&extension) {
            return Ok(one(&extension));
        }
        match Pattern::of(name) {
            Some(Pattern::Number { before, after, .. })
                if name.contains(&b'#')
                    && (before.last().is_some_and(u8::is_ascii_digit)
                        || after.first().is_some_and(u8::is_ascii_digit)) =>
            {
                Ok(one(&extension))
            }
            Some(pattern @ Pattern::Number { digits, .. }) => {
                let longest = name.len().saturating_add(MOST_DIGITS);
                if digits > MOST_DIGITS || longest > MOST_NAME_BYTES {
                    let why = format!("{} makes names that are too long", display_name(name));
                    return Err(Error::new(ErrorKind::Invalid, WHAT, why)
                        .remedy("give it a shorter name, such as shot.%04d.png"));
                }
                let format = format!("{NUMBERED}{extension}");
                Ok(Target { format, names: Names::Numbered { pattern, start } })
            }
            _ => Ok(one(&extension)),
        }
    }

    /// The name of what is written, as [`crate::VideoWriter::create`] takes it: an
    /// extension in lower case, or `%d.` and one for numbered stills.
    #[must_use]
    pub fn format(&self) -> &str {
        &self.format
    }

    /// Whether it is several files.
    #[must_use]
    pub fn is_several(&self) -> bool {
        self.names != Names::One
    }

    /// Whether it is a folder, and its files are within that.
    #[must_use]
    pub fn is_folder(&self) -> bool {
        self.names == Names::Array
    }

    /// The name of one of several files, beside the path that it is of, or within
    /// it where that is a folder; `None` for a part that it has not.
    #[must_use]
    pub fn name_of(&self, part: Part) -> Option<PathBuf> {
        match (&self.names, part) {
            (Names::Numbered { pattern, start }, Part::Frame(frame)) => {
                let name = pattern.name(start.checked_add(frame)?)?;
                Some(PathBuf::from(OsStr::from_bytes(&name)))
            }
            // As Zarr's default encoding of chunk keys has them.
            (Names::Array, Part::Frame(frame)) => Some(PathBuf::from(format!("c/{frame}/0/0/0"))),
            (Names::Array, Part::Header) => Some(PathBuf::from("zarr.json")),
            _ => None,
        }
    }

    /// Whether a file of this name may be one of the several: it fits, and its
    /// number is not before the first.
    #[must_use]
    pub fn may_be(&self, name: &OsStr) -> bool {
        match &self.names {
            Names::Numbered { pattern, start } => {
                pattern.number_in(name.as_bytes()).is_some_and(|number| number >= *start)
            }
            Names::One | Names::Array => false,
        }
    }
}

/// The extension of a path in lower case, without the dot.
fn extension_of(path: &Path) -> String {
    path.extension().map(|it| it.to_string_lossy().to_lowercase()).unwrap_or_default()
}

/// The extension of the numbered stills that a format's name stands for.
pub(super) fn numbered(format: &str) -> Option<&str> {
    format.strip_prefix(NUMBERED).filter(|extension| is_target(extension))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(name: &str) -> Target {
        Target::of(Path::new(name), 7).unwrap()
    }

    #[test]
    fn names_say_what_is_written() {
        for (name, format, first) in [
            ("a/clip.MP4", "mp4", None),
            ("clip", "", None),
            ("shot.%04d.png", "%d.png", Some("shot.0007.png")),
            ("shot.####.exr", "%d.exr", Some("shot.0007.exr")),
            ("%d.TIF", "%d.tif", Some("7.TIF")),
            ("100%%_%02d.jpg", "%d.jpg", Some("100%_07.jpg")),
            // None of these has a number that counts.
            ("take #1.png", "png", None),
            ("2#.png", "png", None),
            ("shot*.png", "png", None),
            ("clip.%04d.mp4", "mp4", None),
        ] {
            let target = target(name);
            assert_eq!(target.format(), format, "{name}");
            assert_eq!(target.is_several(), first.is_some(), "{name}");
            let named = target.name_of(Part::Frame(0));
            assert_eq!(named, first.map(PathBuf::from), "{name}");
            assert_eq!(target.name_of(Part::Header), None);
        }
        let shot = target("shot.%02d.png");
        let may_be = |name: &str| shot.may_be(OsStr::new(name));
        assert_eq!(shot.name_of(Part::Frame(1_000)), Some("shot.1007.png".into()));
        assert!(may_be("shot.07.png") && may_be("shot.1234.png"));
        assert!(!may_be("shot.06.png") && !may_be("shot.007.png") && !may_be("shot.%02d.png"));
        assert_eq!(shot.name_of(Part::Frame(u64::MAX)), None);
    }

    #[test]
    fn an_array_is_a_folder() {
        let target = target("a/clip.zarr");
        assert!(target.is_folder() && target.is_several() && target.format() == "zarr");
        assert_eq!(target.name_of(Part::Header), Some("zarr.json".into()));
        assert_eq!(target.name_of(Part::Frame(3)), Some("c/3/0/0/0".into()));
        assert!(!target.may_be(OsStr::new("zarr.json")));
    }

    #[test]
    fn names_are_no_longer_than_a_file_system_takes() {
        for name in ["a%0999999999d.png".to_owned(), format!("{}%d.png", "a".repeat(240))] {
            let refused = Target::of(Path::new(&name), 1).unwrap_err();
            assert_eq!(refused.kind, ErrorKind::Invalid);
        }
    }
}
