use std::collections::{HashMap, HashSet};
use std::io::Read as _;

use rushes_media::{Error, ErrorKind, Result};

use super::chain::{self, Link};
use super::manifest::{FileEntry, Manifest};
use super::xml::limit;
use super::{CHAIN, FOLDER, MhlFault, beneath, tree, within};
use crate::hash_formats::{Digest, HashFormat};
use crate::root::{EntryKind, Root};

pub(super) const WHAT: &str = "reading a history of hash lists";

/// Bytes of the largest manifest that is read: some 500,000 files.
const MOST_MANIFEST_BYTES: u64 = 256 << 20;

/// Bytes of the largest chain that is read.
const MOST_CHAIN_BYTES: u64 = 32 << 20;

/// A history that could not be read, and which of the known faults that was.
#[derive(Clone, Debug)]
pub struct HistoryError {
    /// Which one, when it is one of those that the standard's tools tell.
    pub fault: Option<MhlFault>,
    /// What a person is told.
    pub error: Error,
}

impl From<Error> for HistoryError {
    fn from(error: Error) -> HistoryError {
        HistoryError { fault: None, error }
    }
}

impl From<HistoryError> for Error {
    fn from(error: HistoryError) -> Error {
        error.error
    }
}

/// One generation of a history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Generation {
    /// Its number, from 1.
    pub number: u32,
    /// The name of its manifest.
    pub name: String,
    /// The C4 ID of its manifest's bytes.
    pub c4: Digest,
    /// What it says.
    pub manifest: Manifest,
}

/// What the manifests of a folder say, and those of folders below it that have
/// histories of their own.
#[derive(Clone, Debug, Default)]
pub struct History {
    pub(super) own: Lists,
    /// By their folders, outermost first.
    pub(super) nested: Vec<Lists>,
}

/// The generations of one folder.
#[derive(Clone, Debug, Default)]
pub(super) struct Lists {
    /// Its path beneath the history's folder.
    pub(super) folder: String,
    pub(super) generations: Vec<Generation>,
    /// Where each path is listed: the generation's and the file's place.
    files: HashMap<String, Vec<(usize, usize)>>,
    /// The generations since which something that had this path has another.
    moved: HashMap<String, Vec<usize>>,
    folders: HashSet<String>,
}

impl History {
    /// Reads the history of a folder, and checks it: each manifest must be what
    /// the chain says.
    ///
    /// # Errors
    /// With the fault when there is none (`NoHistory`), or it is not whole. As
    /// for [`Manifest::parse`] when a manifest cannot be read.
    pub fn open(root: &Root) -> Result<History, HistoryError> {
        let own = Lists::open(root, "")?;
        let mut nested = Vec::new();
        for folder in tree::with_history(root)? {
            nested.push(Lists::open(root, &folder)?);
        }
        nested.sort_by(|one, other| one.folder.cmp(&other.folder));
        let history = History { own, nested };
        history.check_references(root)?;
        Ok(history)
    }

    /// What one list says of the folder that it lies in, such as an MHL 1.x list,
    /// which has no chain to be checked by. For comparing the folder, not for
    /// adding to.
    ///
    /// # Errors
    /// As for [`Manifest::parse`], and what the system says.
    pub fn of_list(root: &Root, name: &str) -> Result<History> {
        let bytes = read(root, name, MOST_MANIFEST_BYTES)?;
        let manifest =
            Manifest::parse(&bytes).map_err(|error| error.at(root.join(name.as_bytes())))?;
        let mut own = Lists::default();
        own.push(
            Link { number: 1, name: name.to_owned(), c4: HashFormat::C4.of(&bytes) },
            manifest,
        );
        Ok(History { own, nested: Vec::new() })
    }

    /// The generations of the folder itself, in their order.
    #[must_use]
    pub fn generations(&self) -> &[Generation] {
        &self.own.generations
    }

    /// The folders below that have histories of their own, and their
    /// generations.
    pub fn nested(&self) -> impl Iterator<Item = (&str, &[Generation])> {
        self.nested.iter().map(|lists| (lists.folder.as_str(), lists.generations.as_slice()))
    }

    /// What the generations say of this file, oldest first, with the number of
    /// each; also under the names that it had before.
    #[must_use]
    pub fn records(&self, path: &str) -> Vec<(u32, &FileEntry)> {
        let lists = self.lists_of(path);
        beneath(&lists.folder, path).map(|path| lists.records(path)).unwrap_or_default()
    }

    /// What the file is to be: of each format, the first hash of it that no
    /// check had failed on.
    #[must_use]
    pub fn wanted(&self, path: &str) -> Vec<&Digest> {
        let mut wanted: Vec<&Digest> = Vec::new();
        for (_, record) in self.records(path) {
            for hash in &record.hashes {
                let is_known = wanted.iter().any(|it| it.format() == hash.digest.format());
                if hash.action != Some(super::Action::Failed) && !is_known {
                    wanted.push(&hash.digest);
                }
            }
        }
        wanted
    }

    /// The paths of files and folders that must be there.
    pub(super) fn expected(&self) -> HashSet<String> {
        self.all().flat_map(Lists::expected).collect()
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Lists> {
        std::iter::once(&self.own).chain(&self.nested)
    }

    /// The innermost history that a path belongs to.
    pub(super) fn lists_of(&self, path: &str) -> &Lists {
        let of = self.nested.iter().filter(|lists| beneath(&lists.folder, path).is_some());
        of.max_by_key(|lists| lists.folder.len()).unwrap_or(&self.own)
    }

    /// Whether what refers to manifests below means those that are there.
    fn check_references(&self, root: &Root) -> Result<(), HistoryError> {
        for lists in self.all() {
            for generation in &lists.generations {
                for reference in &generation.manifest.references {
                    let path = within(&lists.folder, &reference.path);
                    let found = self.nested.iter().find_map(|nested| {
                        let name = beneath(&within(&nested.folder, FOLDER), &path)?;
                        Some(nested.generations.iter().find(|it| it.name == name))
                    });
                    let fault = match found {
                        // The whole folder is missing, which a check tells.
                        None => continue,
                        Some(None) => MhlFault::MissingManifest,
                        Some(Some(found)) if found.c4 != reference.c4 => MhlFault::ModifiedManifest,
                        Some(Some(_)) => continue,
                    };
                    return Err(at(fault, root, &path));
                }
            }
        }
        Ok(())
    }
}

fn at(fault: MhlFault, root: &Root, path: &str) -> HistoryError {
    let error = fault.error(WHAT).at(root.join(path.as_bytes()));
    HistoryError { fault: Some(fault), error }
}

impl Lists {
    fn open(root: &Root, folder: &str) -> Result<Lists, HistoryError> {
        let own = within(folder, FOLDER);
        if root.kind_of(own.as_bytes())? != Some(EntryKind::Folder) {
            return Err(at(MhlFault::NoHistory, root, folder));
        }
        let Some(links) = read_chain(root, folder)? else {
            return Err(at(MhlFault::NoChain, root, &own));
        };
        let mut lists = Lists { folder: folder.to_owned(), ..Lists::default() };
        for link in links {
            let path = within(&own, &link.name);
            let bytes = match read(root, &path, MOST_MANIFEST_BYTES) {
                Ok(bytes) => bytes,
                Err(error) if error.kind == ErrorKind::NotFound => {
                    return Err(at(MhlFault::MissingManifest, root, &path));
                }
                Err(error) => return Err(error.into()),
            };
            if HashFormat::C4.of(&bytes) != link.c4 {
                return Err(at(MhlFault::ModifiedManifest, root, &path));
            }
            let manifest =
                Manifest::parse(&bytes).map_err(|error| error.at(root.join(path.as_bytes())))?;
            lists.push(link, manifest);
        }
        if lists.generations.is_empty() {
            return Err(at(MhlFault::NoHistory, root, folder));
        }
        Ok(lists)
    }

    pub(super) fn push(&mut self, link: Link, manifest: Manifest) {
        let place = self.generations.len();
        for (at, file) in manifest.files.iter().enumerate() {
            self.files.entry(file.path.clone()).or_default().push((place, at));
        }
        let files = manifest.files.iter().map(|file| &file.previous_path);
        let folders = manifest.folders.iter().map(|folder| &folder.previous_path);
        for previous in files.chain(folders).flatten() {
            self.moved.entry(previous.clone()).or_default().push(place);
        }
        self.folders.extend(manifest.folders.iter().map(|folder| folder.path.clone()));
        let Link { number, name, c4 } = link;
        self.generations.push(Generation { number, name, c4, manifest });
    }

    pub(super) fn latest(&self) -> Option<&Generation> {
        self.generations.last()
    }

    /// What a path that is relative to its own folder was, oldest first.
    fn records(&self, path: &str) -> Vec<(u32, &FileEntry)> {
        let mut records = Vec::new();
        let mut name = path;
        for (place, generation) in self.generations.iter().enumerate().rev() {
            let listed = self.files.get(name).map(Vec::as_slice).unwrap_or_default();
            let of: Vec<&FileEntry> = listed
                .iter()
                .filter(|(of, _)| *of == place)
                .filter_map(|(_, at)| generation.manifest.files.get(*at))
                .collect();
            if of.is_empty() {
                // What had this name before that is another file.
                if self.moved.get(name).is_some_and(|places| places.contains(&place)) {
                    break;
                }
                continue;
            }
            records.extend(of.iter().rev().map(|entry| (generation.number, *entry)));
            if let Some(previous) = of.iter().find_map(|entry| entry.previous_path.as_deref()) {
                name = previous;
            }
        }
        records.reverse();
        records
    }

    fn expected(&self) -> impl Iterator<Item = String> {
        let last_of = |path: &String| {
            let listed = self.files.get(path).and_then(|places| places.last());
            listed.map(|(place, _)| *place)
        };
        let has_moved = move |path: &&String| {
            let moved = self.moved.get(*path).and_then(|places| places.last());
            // Listed again in the same generation, another one has its name.
            moved.is_some_and(|moved| last_of(path).is_none_or(|last| last < *moved))
        };
        let paths = self.files.keys().chain(&self.folders);
        paths.filter(move |path| !has_moved(path)).map(|path| within(&self.folder, path))
    }
}

/// The links of a folder's chain; `None` when it has none.
pub(super) fn read_chain(root: &Root, folder: &str) -> Result<Option<Vec<Link>>> {
    let path = within(&within(folder, FOLDER), CHAIN);
    match read(root, &path, MOST_CHAIN_BYTES) {
        Ok(bytes) => {
            let links =
                chain::parse(&bytes).map_err(|error| error.at(root.join(path.as_bytes())))?;
            Ok(Some(links))
        }
        Err(error) if error.kind == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn read(root: &Root, path: &str, most_bytes: u64) -> Result<Vec<u8>> {
    let file = root.open_file(path.as_bytes())?;
    let mut bytes = Vec::new();
    let read = file.take(most_bytes + 1).read_to_end(&mut bytes);
    read.map_err(|error| Error::io(WHAT, &error).at(root.join(path.as_bytes())))?;
    if bytes.len() as u64 > most_bytes {
        let why = format!("it has more than {} MiB", most_bytes >> 20);
        return Err(limit(why).at(root.join(path.as_bytes())));
    }
    Ok(bytes)
}
