use std::collections::BTreeMap;

use rushes_media::{Error, ErrorKind, Result};

use super::history::{History, Lists};
use super::patterns::Patterns;
use super::tree::{Met, walk};
use super::{Action, MhlFault, beneath, folder_hashes, patterns, within};
use crate::copy::{Verified, verify_file};
use crate::hash_formats::{Digest, HashFormat};
use crate::root::{FileStamp, Root};

/// The formats in which a file is verified when one is enough: the quickest first.
const QUICKEST: [HashFormat; 6] = [
    HashFormat::Xxh128,
    HashFormat::Xxh3,
    HashFormat::Xxh64,
    HashFormat::Md5,
    HashFormat::Sha1,
    HashFormat::C4,
];

/// How much of a folder is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
    /// Which files there are, and that they have their sizes; nothing is read.
    Names,
    /// Every file is read back and compared in one of the formats that the
    /// history has of it: the quickest.
    Content,
    /// As `Content`, in every format that the history has.
    EveryFormat,
}

/// What became of one file that a check met.
#[derive(Debug)]
pub enum FileState {
    /// It is there, and nothing of it was read.
    Present,
    /// It is what the history says.
    Verified(Verified),
    /// It is not; what was read when it was not the size that told.
    Failed(Option<Verified>),
    /// It could not be read, or changed meanwhile.
    Unreadable(Error),
    /// The history does not list it.
    New,
}

/// What a check has done since it last said something.
#[derive(Debug)]
pub enum CheckStep<'a> {
    /// These many bytes were read.
    Read(u64),
    /// It is done with this file.
    File(&'a str, &'a FileState),
}

/// What a check found. All paths are beneath the folder, in the order of their
/// names.
#[derive(Debug, Default)]
pub struct Checked {
    /// Files that are there with the right size (`Names`), or were verified.
    pub good_files: u64,
    /// Bytes of those.
    pub good_bytes: u64,
    /// Files that are not what the history says.
    pub failed: Vec<String>,
    /// Files that could not be read, and why.
    pub unreadable: Vec<(String, Error)>,
    /// Folders whose hashes are not those of the latest generation that has any.
    pub failed_folders: Vec<String>,
    /// Files and folders that the history lists and that are not there.
    pub missing: Vec<String>,
    /// Files that the history does not list.
    pub new: Vec<String>,
    /// What no list can have: links, devices, names that are not UTF-8.
    pub left_out: Vec<String>,
}

impl Checked {
    /// What is wrong, if anything is; the most serious of it, as the reference
    /// implementation has it.
    #[must_use]
    pub fn fault(&self) -> Option<MhlFault> {
        if !self.failed.is_empty() || !self.unreadable.is_empty() {
            Some(MhlFault::FailedFiles)
        } else if !self.failed_folders.is_empty() {
            Some(MhlFault::FailedFolders)
        } else if !self.new.is_empty() {
            Some(MhlFault::NewFiles)
        } else if self.good_files == 0 {
            Some(MhlFault::NothingVerified)
        } else if !self.missing.is_empty() {
            Some(MhlFault::MissingFiles)
        } else {
            None
        }
    }
}

impl History {
    /// Compares a folder with its history. Every file is read past the page
    /// cache, as [`verify_file`] does. Patterns of the latest generation leave
    /// files out. `watch` hears of every step and says whether to go on; `None`
    /// when it said stop.
    ///
    /// When every file was verified, the folders' hashes of the latest generation
    /// are compared, in the first format of it that all files were read in; unless
    /// files had failed in it.
    ///
    /// # Errors
    /// When the folder cannot be listed.
    pub fn check(
        &self,
        root: &Root,
        scope: Scope,
        watch: &mut dyn FnMut(CheckStep<'_>) -> bool,
    ) -> Result<Option<Checked>> {
        let patterns = self.patterns();
        let mut checked = Checked::default();
        let mut missing = self.expected();
        // What is hashed of folders: the files in their tree, and the folders.
        let (mut digests, mut folders) = (BTreeMap::new(), Vec::new());
        let mut is_stopped = false;
        walk(root, &patterns, &mut |path, met| {
            match met {
                Met::Other => checked.left_out.push(path.to_owned()),
                Met::Folder => {
                    missing.remove(path);
                    folders.push(path.to_owned());
                }
                Met::File(stamp) => {
                    missing.remove(path);
                    let mut read = |bytes| watch(CheckStep::Read(bytes));
                    let Some(state) = self.check_file(root, path, &stamp, scope, &mut read) else {
                        is_stopped = true;
                        return Ok(false);
                    };
                    is_stopped = !watch(CheckStep::File(path, &state));
                    let verified = checked.note(path, &stamp, state);
                    digests.insert(path.to_owned(), verified.map(|it| it.digests));
                }
            }
            Ok(!is_stopped)
        })?;
        if is_stopped {
            return Ok(None);
        }
        checked.missing.extend(missing.into_iter().filter(|path| !patterns.cover(path)));
        checked.missing.sort();
        // What is wrong with files is wrong with their folders too, and told once.
        if checked.fault().is_none() {
            let read = digests.into_iter().map(|(path, digests)| Some((path, digests?)));
            if let Some(digests) = read.collect::<Option<_>>() {
                checked.failed_folders = self.failed_folders(&digests, &folders);
            }
        }
        checked.failed.sort();
        checked.new.sort();
        checked.left_out.sort();
        Ok(Some(checked))
    }

    /// What is left out: by the folder itself, and by those below it that have
    /// histories of their own.
    fn patterns(&self) -> Patterns {
        let mut all = Vec::new();
        for lists in self.all() {
            let latest = lists.latest().map(|it| it.manifest.ignored.as_slice());
            for pattern in patterns::joined(latest, &[]) {
                let is_usual = patterns::DEFAULT_PATTERNS.contains(&pattern.as_str());
                if lists.folder.is_empty() || is_usual {
                    all.push(pattern);
                } else {
                    all.push(beneath_folder(&lists.folder, &pattern));
                }
            }
        }
        Patterns::new(all.iter().map(String::as_str))
    }

    /// `None` when the watcher said stop.
    fn check_file(
        &self,
        root: &Root,
        path: &str,
        stamp: &FileStamp,
        scope: Scope,
        watch: &mut dyn FnMut(u64) -> bool,
    ) -> Option<FileState> {
        let wanted = self.wanted(path);
        if wanted.is_empty() {
            return Some(FileState::New);
        }
        let records = self.records(path);
        let size = records.iter().find_map(|(_, record)| record.size_bytes);
        if size.is_some_and(|size| size != stamp.size_bytes) {
            return Some(FileState::Failed(None));
        }
        let formats: Vec<HashFormat> = match scope {
            Scope::Names => return Some(FileState::Present),
            Scope::EveryFormat => wanted.iter().map(|digest| digest.format()).collect(),
            Scope::Content => {
                let has = |format: &HashFormat| wanted.iter().any(|it| it.format() == *format);
                QUICKEST.into_iter().find(has).into_iter().collect()
            }
        };
        match verify_file(root, path.as_bytes(), &formats, watch) {
            Ok(None) => None,
            Ok(Some(found)) => {
                let is_same = found.digests.iter().all(|digest| wanted.contains(&digest));
                Some(if is_same {
                    FileState::Verified(found)
                } else {
                    FileState::Failed(Some(found))
                })
            }
            Err(error) => Some(FileState::Unreadable(error)),
        }
    }

    fn failed_folders(
        &self,
        digests: &BTreeMap<String, Vec<Digest>>,
        folders: &[String],
    ) -> Vec<String> {
        let mut failed: Vec<String> =
            self.all().flat_map(|lists| failed_folders_of(lists, digests, folders)).collect();
        failed.sort();
        failed.dedup();
        failed
    }
}

impl Checked {
    /// Counts a file; what was read of it, unless that failed.
    fn note(&mut self, path: &str, stamp: &FileStamp, state: FileState) -> Option<Verified> {
        match state {
            FileState::Present => {
                self.good_files += 1;
                self.good_bytes += stamp.size_bytes;
                None
            }
            FileState::Verified(found) => {
                self.good_files += 1;
                self.good_bytes += stamp.size_bytes;
                Some(found)
            }
            FileState::Failed(found) => {
                self.failed.push(path.to_owned());
                found
            }
            FileState::New => {
                self.new.push(path.to_owned());
                None
            }
            // Taken away since it was listed.
            FileState::Unreadable(error) if error.kind == ErrorKind::NotFound => {
                self.missing.push(path.to_owned());
                None
            }
            FileState::Unreadable(error) => {
                self.unreadable.push((path.to_owned(), error));
                None
            }
        }
    }
}

/// A pattern as it is seen from further out.
fn beneath_folder(folder: &str, pattern: &str) -> String {
    let (not, pattern) = match pattern.strip_prefix('!') {
        Some(pattern) => ("!", pattern),
        None => ("", pattern),
    };
    // With a separator before its end, it is meant from its folder on.
    let is_anchored = pattern.trim_end_matches('/').contains('/');
    let between = if is_anchored { "/" } else { "/**/" };
    format!("{not}/{folder}{between}{}", pattern.trim_start_matches('/'))
}

fn failed_folders_of(
    lists: &Lists,
    digests: &BTreeMap<String, Vec<Digest>>,
    folders: &[String],
) -> Vec<String> {
    let Some(manifest) = lists.latest().map(|latest| &latest.manifest) else { return Vec::new() };
    // The folders of a generation that failed are hashed as they were then.
    let hashes = manifest.files.iter().flat_map(|file| &file.hashes);
    if hashes.into_iter().any(|hash| hash.action == Some(Action::Failed)) {
        return Vec::new();
    }
    let mine = |path: &str| beneath(&lists.folder, path).is_some();
    let formats = manifest.root_hashes.iter().map(|hash| hash.content.format());
    let all_have = |format: &HashFormat| {
        let mut files = digests.iter().filter(|(path, _)| mine(path));
        files.all(|(_, found)| found.iter().any(|digest| digest.format() == *format))
    };
    let Some(format) = formats.into_iter().find(all_have) else { return Vec::new() };
    let files = digests.iter().filter_map(|(path, found)| {
        let digest = found.iter().find(|digest| digest.format() == format)?;
        Some((beneath(&lists.folder, path)?, digest))
    });
    let inner = folders.iter().filter_map(|path| beneath(&lists.folder, path));
    let found = folder_hashes::compute(format, files, inner);
    let listed = manifest.folders.iter().map(|folder| (folder.path.as_str(), &folder.hashes));
    let listed = listed.chain([("", &manifest.root_hashes)]);
    listed
        .filter(|(path, hashes)| {
            let wanted = hashes.iter().find(|hash| hash.content.format() == format);
            // One that is missing is told as that.
            let found = found.get(*path);
            wanted.zip(found).is_some_and(|(wanted, (content, structure))| {
                (&wanted.content, &wanted.structure) != (content, structure)
            })
        })
        .map(|(path, _)| match path {
            "" if lists.folder.is_empty() => ".".to_owned(),
            "" => lists.folder.clone(),
            _ => within(&lists.folder, path),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_of_a_folder_below_stay_in_it() {
        for (pattern, wanted) in [
            ("*.tmp", "/a/b/**/*.tmp"),
            ("cache/", "/a/b/**/cache/"),
            ("/top", "/a/b/top"),
            ("x/y", "/a/b/x/y"),
            ("!keep", "!/a/b/**/keep"),
        ] {
            assert_eq!(beneath_folder("a/b", pattern), wanted);
        }
    }

    #[test]
    fn the_most_serious_fault_is_told() {
        let mut checked = Checked { good_files: 1, ..Checked::default() };
        assert_eq!(checked.fault(), None);
        checked.missing.push("a".into());
        assert_eq!(checked.fault(), Some(MhlFault::MissingFiles));
        checked.good_files = 0;
        assert_eq!(checked.fault(), Some(MhlFault::NothingVerified));
        checked.new.push("a".into());
        assert_eq!(checked.fault(), Some(MhlFault::NewFiles));
        checked.failed_folders.push("a".into());
        assert_eq!(checked.fault(), Some(MhlFault::FailedFolders));
        checked.failed.push("a".into());
        assert_eq!(checked.fault(), Some(MhlFault::FailedFiles));
    }
}
