use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write as _;

use rushes_media::{Error, ErrorKind, Result, UnixNanos};

use super::chain::{self, Link};
use super::history::{History, Lists, read_chain};
use super::manifest::{
    Action, Creator, FileEntry, FileHash, FolderEntry, FolderHash, Manifest, Process, Reference,
};
use super::manifest_xml::checked;
use super::{CHAIN, FOLDER, beneath, dates, folder_hashes, patterns, within, xml};
use crate::atomic::{Lock, PartialFile, lock};
use crate::hash_formats::{Digest, HashFormat};
use crate::root::Root;

const WHAT: &str = "writing a history of hash lists";

/// Bytes of a folder's name in the name of a manifest, for which a file system
/// has 255.
const MOST_NAME_BYTES: usize = 200;

/// A file for a new generation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewFile {
    /// Beneath the folder, with `/` between names.
    pub path: String,
    /// Bytes.
    pub size_bytes: u64,
    /// Last change of the content.
    pub modified: UnixNanos,
    /// What was computed, of one or more formats.
    pub digests: Vec<Digest>,
    /// When that was.
    pub hashed: UnixNanos,
    /// What had become of it; `None` when the history is to say.
    pub action: Option<Action>,
    /// Its path in the generations before, when it was another.
    pub previous_path: Option<String>,
}

/// A folder for a new generation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewFolder {
    /// Beneath the folder, with `/` between names.
    pub path: String,
    /// Last change of the names in it.
    pub modified: UnixNanos,
}

/// What a new generation is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewGeneration {
    /// Who makes it.
    pub creator: Creator,
    /// How it comes to be.
    pub process: Process,
    /// What is left out from now on, beside what was before: patterns as
    /// gitignore(5) has them.
    pub ignored: Vec<String>,
    /// The files.
    pub files: Vec<NewFile>,
    /// The folders, when files and folders are all that there are: then each has
    /// hashes in the formats that every file has. `None` when they are some.
    pub folders: Option<Vec<NewFolder>>,
}

impl Creator {
    /// This machine, and a program of this name and version.
    #[must_use]
    pub fn here(tool: &str, tool_version: &str, created: UnixNanos) -> Creator {
        let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
        Creator {
            created,
            host_name: host,
            tool: tool.to_owned(),
            tool_version: tool_version.to_owned(),
            ..Creator::default()
        }
    }
}

impl History {
    /// Writes a new generation of the folder, and of those below that have
    /// histories of their own and files in it. The manifest is on disk before
    /// the chain lists it. Gives the path of each manifest that was written, the
    /// folder's own last.
    ///
    /// A history that does not exist yet is `History::default()`.
    ///
    /// Where a file's action is not given: `Original` when the history has no
    /// hash of it, else `Verified`, or `Failed` when a hash is not that which
    /// the history has in its format.
    ///
    /// # Errors
    /// `Invalid` for a path that leads elsewhere, is listed twice, cannot be said
    /// in XML, or has no hash of a format that the history can be compared in.
    /// `Conflict` when the history has become longer since it was read.
    /// `Unavailable` when somebody else is writing it.
    pub fn append(&mut self, root: &Root, new: NewGeneration) -> Result<Vec<String>> {
        self.check_new(&new)?;
        let hashes = folder_hashes_of(&new);
        let mut references: BTreeMap<String, Vec<Reference>> = BTreeMap::new();
        let mut written = Vec::new();
        // The innermost first, since those around them refer to them.
        for at in (0..self.nested.len()).rev().map(Some).chain([None]) {
            let Some(lists) = at.map_or(Some(&self.own), |at| self.nested.get(at)) else {
                continue;
            };
            let folder = lists.folder.clone();
            let refers_to = references.remove(&folder).unwrap_or_default();
            let manifest = self.manifest_of(&folder, &new, &hashes, refers_to);
            let is_empty = manifest.files.is_empty() && manifest.references.is_empty();
            if at.is_some() && is_empty {
                continue;
            }
            let lists = match at {
                Some(at) => self.nested.get_mut(at),
                None => Some(&mut self.own),
            };
            let Some(lists) = lists else { continue };
            let link = lists.write(root, &manifest)?;
            let path = within(&within(&folder, FOLDER), &link.name);
            written.push(path.clone());
            let c4 = link.c4.clone();
            lists.push(link, manifest);
            if at.is_some() {
                let outer = self.around(&folder);
                let path = beneath(&outer, &path).unwrap_or(&path).to_owned();
                references.entry(outer).or_default().push(Reference { path, c4 });
            }
        }
        Ok(written)
    }

    /// The folder whose history the one of this folder is in.
    fn around(&self, folder: &str) -> String {
        let around = self.nested.iter().filter(|lists| beneath(&lists.folder, folder).is_some());
        around.max_by_key(|lists| lists.folder.len()).unwrap_or(&self.own).folder.clone()
    }

    fn check_new(&self, new: &NewGeneration) -> Result<()> {
        let invalid = |why: &str, path: &str| Error::new(ErrorKind::Invalid, WHAT, why).at(path);
        let mut seen = std::collections::HashSet::new();
        let files = new.files.iter().map(|file| &file.path);
        let folders = new.folders.iter().flatten().map(|folder| &folder.path);
        let previous = new.files.iter().filter_map(|file| file.previous_path.as_ref());
        for path in files.clone().chain(folders).chain(previous) {
            checked(path).map_err(|_| invalid("a path leads out of its folder", path))?;
            if !xml::can_say(path) {
                return Err(invalid("a path has control characters", path));
            }
        }
        for path in files {
            if !seen.insert(path) {
                return Err(invalid("a file is listed twice", path));
            }
        }
        for file in &new.files {
            let known = self.wanted(&self.known_as(file));
            let has =
                |digest: &&Digest| file.digests.iter().any(|it| it.format() == digest.format());
            if file.digests.is_empty() || !(known.is_empty() || known.iter().any(has)) {
                let why = "it has no hash of a format that its history has";
                return Err(invalid(why, &file.path));
            }
        }
        Ok(())
    }

    /// The path under which the history may know a file, seen from the outermost
    /// folder.
    fn known_as(&self, file: &NewFile) -> String {
        let lists = self.lists_of(&file.path);
        match &file.previous_path {
            Some(previous) if beneath(&lists.folder, previous).is_some() => previous.clone(),
            _ => file.path.clone(),
        }
    }

    fn manifest_of(
        &self,
        folder: &str,
        new: &NewGeneration,
        hashes: &BTreeMap<String, Vec<FolderHash>>,
        references: Vec<Reference>,
    ) -> Manifest {
        let latest = self.all().find(|lists| lists.folder == folder).and_then(Lists::latest);
        let known = latest.map(|it| it.manifest.ignored.as_slice());
        let more: &[String] = if folder.is_empty() { &new.ignored } else { &[] };
        let mine = |path: &str| self.lists_of(path).folder == folder;
        let mut files: Vec<FileEntry> = new
            .files
            .iter()
            .filter(|file| mine(&file.path))
            .filter_map(|file| self.entry_of(folder, file))
            .collect();
        files.sort_by(|one, other| one.path.cmp(&other.path));
        let modified: BTreeMap<&str, UnixNanos> = new
            .folders
            .iter()
            .flatten()
            .map(|folder| (folder.path.as_str(), folder.modified))
            .collect();
        let folders = hashes.iter().filter_map(|(path, hashes)| {
            // One that has its own history is listed in the one around it too.
            let path_here = beneath(folder, path).filter(|it| !it.is_empty() && mine(path))?;
            Some(FolderEntry {
                path: path_here.to_owned(),
                modified: modified.get(path.as_str()).copied(),
                hashes: hashes.clone(),
                previous_path: None,
            })
        });
        Manifest {
            creator: new.creator.clone(),
            process: new.process,
            root_hashes: hashes.get(folder).cloned().unwrap_or_default(),
            ignored: patterns::joined(known, more),
            files,
            folders: folders.collect(),
            references,
        }
    }

    fn entry_of(&self, folder: &str, file: &NewFile) -> Option<FileEntry> {
        let known = self.wanted(&self.known_as(file));
        let action = |digest: &Digest| {
            let wanted = known.iter().find(|it| it.format() == digest.format());
            match wanted {
                _ if known.is_empty() => Action::Original,
                Some(wanted) if *wanted != digest => Action::Failed,
                // Of a format that is new, it is as good as the others.
                _ => Action::Verified,
            }
        };
        let mut actions: Vec<Action> = file.digests.iter().map(action).collect();
        if actions.contains(&Action::Failed) {
            let is_known = |digest: &Digest| known.iter().any(|it| it.format() == digest.format());
            for (action, digest) in actions.iter_mut().zip(&file.digests) {
                if !is_known(digest) {
                    *action = Action::Failed;
                }
            }
        }
        let hashes = file.digests.iter().zip(actions).map(|(digest, action)| FileHash {
            digest: digest.clone(),
            action: Some(file.action.unwrap_or(action)),
            date: Some(file.hashed),
        });
        let mut hashes: Vec<FileHash> = hashes.collect();
        hashes.sort_by_key(|hash| hash.digest.format());
        let previous = file.previous_path.as_deref().and_then(|path| beneath(folder, path));
        Some(FileEntry {
            path: beneath(folder, &file.path)?.to_owned(),
            size_bytes: Some(file.size_bytes),
            modified: Some(file.modified),
            hashes,
            previous_path: previous.map(str::to_owned),
        })
    }
}

/// The hashes of all folders, in each of the formats that every file has.
fn folder_hashes_of(new: &NewGeneration) -> BTreeMap<String, Vec<FolderHash>> {
    let mut all: BTreeMap<String, Vec<FolderHash>> = BTreeMap::new();
    let Some(folders) = &new.folders else { return all };
    for format in HashFormat::ALL {
        let files: Option<Vec<(&str, &Digest)>> = new
            .files
            .iter()
            .map(|file| {
                let digest = file.digests.iter().find(|digest| digest.format() == format)?;
                Some((file.path.as_str(), digest))
            })
            .collect();
        // Of no files, the hashes of the usual format.
        let Some(files) = files.filter(|files| !files.is_empty() || format == HashFormat::Xxh128)
        else {
            continue;
        };
        let inner = folders.iter().map(|folder| folder.path.as_str());
        for (path, (content, structure)) in folder_hashes::compute(format, files, inner) {
            let date = Some(new.creator.created);
            all.entry(path).or_default().push(FolderHash { content, structure, date });
        }
    }
    all
}

impl Lists {
    /// Writes a manifest and a chain that lists it. Both have their names once
    /// they are whole and on disk.
    fn write(&self, root: &Root, manifest: &Manifest) -> Result<Link> {
        let own = within(&self.folder, FOLDER);
        root.create_folders(own.as_bytes())?;
        let folder = File::from(root.open_folder(own.as_bytes())?);
        let at = |error: Error| error.at(root.join(own.as_bytes()));
        if lock(&folder) == Lock::Another {
            let why = "somebody else is writing it";
            return Err(at(Error::new(ErrorKind::Unavailable, WHAT, why)));
        }
        let mut links = read_chain(root, &self.folder)?.unwrap_or_default();
        let known = self.generations.iter().map(|known| (known.number, &known.name, &known.c4));
        if !links.iter().map(|link| (link.number, &link.name, &link.c4)).eq(known) {
            let why = "it has become another since it was read";
            return Err(at(Error::new(ErrorKind::Conflict, WHAT, why).remedy("read it again")));
        }
        let xml = manifest.to_xml()?;
        let number = 1 + self.highest_number(root, &own)?;
        let created = dates::name(manifest.creator.created);
        let name = format!("{number:04}_{}_{created}.mhl", self.shown_name(root));
        let c4 = HashFormat::C4.of(xml.as_bytes());
        put(root, &within(&own, &name), xml.as_bytes(), false)?;
        let link = Link { number, name, c4 };
        links.push(link.clone());
        let chain = chain::to_xml(&links)?;
        put(root, &within(&own, CHAIN), chain.as_bytes(), true)?;
        Ok(link)
    }

    /// The highest number of a generation, also of one that was begun and is not
    /// in the chain: other programs read that too.
    fn highest_number(&self, root: &Root, own: &str) -> Result<u32> {
        let listed = self.latest().map_or(0, |latest| latest.number);
        let names = root.list(own.as_bytes(), &mut Vec::new())?;
        let begun = names.iter().filter_map(|entry| {
            let name = std::str::from_utf8(&entry.name).ok()?.strip_suffix(".mhl")?;
            name.split('_').next()?.parse().ok()
        });
        let highest = begun.max().unwrap_or(0).max(listed);
        // One that a stranger has numbered out of all bounds counts for nothing.
        Ok(if highest < u32::MAX { highest } else { listed })
    }

    /// The name of the folder that the history is of.
    fn shown_name(&self, root: &Root) -> String {
        let name = match self.folder.rsplit('/').next().filter(|name| !name.is_empty()) {
            Some(name) => name.to_owned(),
            None => {
                let path = root.path().canonicalize().unwrap_or_else(|_| root.path().to_owned());
                path.file_name().unwrap_or_default().to_string_lossy().into_owned()
            }
        };
        let name: String = name.chars().map(|it| if it.is_control() { '_' } else { it }).collect();
        match name.get(..name.floor_char_boundary(MOST_NAME_BYTES)) {
            None | Some("") => "root".to_owned(),
            Some(name) => name.to_owned(),
        }
    }
}

fn put(root: &Root, path: &str, bytes: &[u8], overwrites: bool) -> Result<()> {
    let partial = PartialFile::create_beneath(root, path.as_bytes(), 0o666)?;
    let written = partial.file().write_all(bytes);
    written.map_err(|error| Error::io(WHAT, &error).at(root.join(path.as_bytes())))?;
    partial.keep(overwrites)
}
