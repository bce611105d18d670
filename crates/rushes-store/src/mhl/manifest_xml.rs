//! Manifests as XML: ASC MHL 2.0.

use rushes_media::{Error, ErrorKind, Result, UnixNanos};

use super::dates;
use super::manifest::{
    Action, Author, Creator, FileEntry, FileHash, FolderEntry, FolderHash, Manifest, Process,
    Reference,
};
use super::xml::{Document, Step, Writer, can_say, corrupt, limit};
use crate::hash_formats::{Digest, HashFormat};

/// Files and folders that one manifest may list.
pub(super) const MOST_ENTRIES: usize = 5_000_000;

impl Manifest {
    /// Reads a manifest: ASC MHL 2.0, and the MHL 1.x before it. Hashes of
    /// formats that are not known here are left out.
    ///
    /// # Errors
    /// `Corrupt` when it is no such list, or has a path that leads elsewhere;
    /// `Limit` when it is nested too deep or too long; `Unsupported` for another
    /// version.
    pub fn parse(bytes: &[u8]) -> Result<Manifest> {
        let text = std::str::from_utf8(bytes).map_err(|_| corrupt("it is not UTF-8"))?;
        let mut document = Document::new(text);
        document.next()?;
        let version = match (document.path().as_slice(), document.element()) {
            (["hashlist"], Some(element)) => element.attribute("version").unwrap_or_default(),
            _ => return Err(corrupt("it is no hash list")),
        };
        match version.split_once('.').map(|(major, _)| major) {
            Some("2") => {}
            Some("1" | "0") => return super::legacy::parse(document),
            _ => {
                let why = format!("its version is {version:?}, and 1 and 2 are known");
                return Err(Error::new(ErrorKind::Unsupported, "reading a hash list", why));
            }
        }
        let mut parsing = Parsing::default();
        while let Some(step) = document.next()? {
            parsing.step(&document, step)?;
        }
        Ok(parsing.manifest)
    }

    /// As ASC MHL 2.0 has it.
    ///
    /// # Errors
    /// `Invalid` when XML has no way to say a name: control characters.
    pub fn to_xml(&self) -> Result<String> {
        let mut xml = Writer::new();
        xml.begin("hashlist", &[("version", "2.0"), ("xmlns", "urn:ASC:MHL:v2.0")]);
        self.creator.write(&mut xml)?;
        xml.begin("processinfo", &[]);
        xml.leaf("process", &[], self.process.name());
        xml.begin("roothash", &[]);
        write_folder_hashes(&mut xml, &self.root_hashes);
        xml.end();
        if !self.ignored.is_empty() {
            xml.begin("ignore", &[]);
            for pattern in &self.ignored {
                xml.leaf("pattern", &[], sayable(pattern)?);
            }
            xml.end();
        }
        xml.end();
        if !(self.files.is_empty() && self.folders.is_empty()) {
            xml.begin("hashes", &[]);
            self.files.iter().try_for_each(|file| file.write(&mut xml))?;
            self.folders.iter().try_for_each(|folder| folder.write(&mut xml))?;
            xml.end();
        }
        if !self.references.is_empty() {
            xml.begin("references", &[]);
            for reference in &self.references {
                xml.begin("hashlistreference", &[]);
                xml.leaf("path", &[], sayable(&reference.path)?);
                xml.leaf("c4", &[], &reference.c4.to_string());
                xml.end();
            }
            xml.end();
        }
        Ok(xml.finish())
    }
}

impl Creator {
    fn write(&self, xml: &mut Writer) -> Result<()> {
        xml.begin("creatorinfo", &[]);
        xml.leaf("creationdate", &[], &dates::text(self.created));
        xml.leaf("hostname", &[], sayable(&self.host_name)?);
        xml.leaf("tool", &[("version", sayable(&self.tool_version)?)], sayable(&self.tool)?);
        for author in &self.authors {
            let of = [("email", &author.email), ("phone", &author.phone), ("role", &author.role)];
            let mut attributes = Vec::new();
            for (name, value) in of {
                if let Some(value) = value {
                    attributes.push((name, sayable(value)?));
                }
            }
            xml.leaf("author", &attributes, sayable(&author.name)?);
        }
        for (name, value) in [("location", &self.location), ("comment", &self.comment)] {
            if let Some(value) = value {
                xml.leaf(name, &[], sayable(value)?);
            }
        }
        xml.end();
        Ok(())
    }
}

impl FileEntry {
    fn write(&self, xml: &mut Writer) -> Result<()> {
        xml.begin("hash", &[]);
        let size = self.size_bytes.map(|size| size.to_string());
        write_path(xml, &self.path, size.as_deref(), self.modified)?;
        let mut hashes: Vec<&FileHash> = self.hashes.iter().collect();
        hashes.sort_by_key(|hash| hash.digest.format());
        for hash in hashes {
            let date = hash.date.map(dates::text);
            let mut attributes = Vec::new();
            attributes.extend(hash.action.map(|action| ("action", action.name())));
            attributes.extend(date.as_deref().map(|date| ("hashdate", date)));
            xml.leaf(hash.digest.format().name(), &attributes, &hash.digest.to_string());
        }
        if let Some(path) = &self.previous_path {
            xml.leaf("previousPath", &[], sayable(path)?);
        }
        xml.end();
        Ok(())
    }
}

impl FolderEntry {
    fn write(&self, xml: &mut Writer) -> Result<()> {
        xml.begin("directoryhash", &[]);
        write_path(xml, &self.path, None, self.modified)?;
        write_folder_hashes(xml, &self.hashes);
        if let Some(path) = &self.previous_path {
            xml.leaf("previousPath", &[], sayable(path)?);
        }
        xml.end();
        Ok(())
    }
}

fn write_path(
    xml: &mut Writer,
    path: &str,
    size: Option<&str>,
    modified: Option<UnixNanos>,
) -> Result<()> {
    let modified = modified.map(dates::text);
    let mut attributes = Vec::new();
    attributes.extend(size.map(|size| ("size", size)));
    attributes.extend(modified.as_deref().map(|date| ("lastmodificationdate", date)));
    xml.leaf("path", &attributes, sayable(path)?);
    Ok(())
}

fn write_folder_hashes(xml: &mut Writer, hashes: &[FolderHash]) {
    let mut hashes: Vec<&FolderHash> = hashes.iter().collect();
    hashes.sort_by_key(|hash| hash.content.format());
    for (name, is_content) in [("content", true), ("structure", false)] {
        xml.begin(name, &[]);
        for hash in &hashes {
            let digest = if is_content { &hash.content } else { &hash.structure };
            let date = hash.date.map(dates::text);
            let attributes: Vec<_> = date.iter().map(|date| ("hashdate", date.as_str())).collect();
            xml.leaf(digest.format().name(), &attributes, &digest.to_string());
        }
        xml.end();
    }
}

fn sayable(text: &str) -> Result<&str> {
    if can_say(text) {
        return Ok(text);
    }
    let why = "a name in it has control characters, which XML has no way to say";
    let what = "writing a hash list";
    Err(Error::new(ErrorKind::Invalid, what, why).at(text))
}

/// A manifest of which a part was read.
#[derive(Default)]
struct Parsing {
    manifest: Manifest,
    file: FileEntry,
    folder: FolderEntry,
    /// Content hashes of a folder, of which the structure follows.
    contents: Vec<(Digest, Option<UnixNanos>)>,
    reference: (String, Option<Digest>),
}

impl Parsing {
    fn step(&mut self, document: &Document<'_>, step: Step) -> Result<()> {
        let (path, Some(element)) = (document.path(), document.element()) else { return Ok(()) };
        let Some(("hashlist", path)) = path.split_first().map(|(first, rest)| (*first, rest))
        else {
            return Ok(());
        };
        if step == Step::Begin {
            match path {
                ["hashes", "hash"] => self.file = FileEntry::default(),
                ["hashes", "directoryhash"] | ["processinfo", "roothash"] => {
                    self.folder = FolderEntry::default();
                    self.contents.clear();
                }
                ["references", "hashlistreference"] => self.reference = Default::default(),
                _ => {}
            }
            return Ok(());
        }
        let text = element.text.as_str();
        let date = |name| element.attribute(name).and_then(dates::parse);
        let creator = &mut self.manifest.creator;
        match path {
            ["creatorinfo", "creationdate"] => creator.created = dates::parse(text).unwrap_or(0),
            ["creatorinfo", "hostname"] => creator.host_name = text.into(),
            ["creatorinfo", "tool"] => {
                creator.tool = text.into();
                creator.tool_version = element.attribute("version").unwrap_or_default().into();
            }
            ["creatorinfo", "author"] => {
                let attribute = |name| element.attribute(name).map(str::to_owned);
                let (email, phone) = (attribute("email"), attribute("phone"));
                let author = Author { name: text.into(), email, phone, role: attribute("role") };
                creator.authors.push(author);
            }
            ["creatorinfo", "location"] => creator.location = Some(text.into()),
            ["creatorinfo", "comment"] => creator.comment = Some(text.into()),
            ["processinfo", "process"] => {
                let process = Process::named(text.trim());
                self.manifest.process =
                    process.ok_or_else(|| corrupt("its process is not known"))?;
            }
            ["processinfo", "ignore", "pattern"] => self.manifest.ignored.push(text.into()),
            ["processinfo", "roothash"] => self.manifest.root_hashes = self.take_folder().hashes,
            ["hashes", "hash", "path"] => {
                let size = element.attribute("size").map(|size| size.trim().parse());
                let size = size.transpose().map_err(|_| corrupt("a size is no number"))?;
                self.file.size_bytes = size;
                self.file.path = checked(text)?;
                self.file.modified = date("lastmodificationdate");
            }
            ["hashes", "hash", "previousPath"] => self.file.previous_path = Some(checked(text)?),
            ["hashes", "hash", format] => {
                if let Some(format) = HashFormat::named(format) {
                    let digest = Digest::parse(format, text.trim())?;
                    let action = element.attribute("action").and_then(Action::named);
                    self.file.hashes.push(FileHash { digest, action, date: date("hashdate") });
                }
            }
            ["hashes", "hash"] => {
                let file = std::mem::take(&mut self.file);
                if file.path.is_empty() {
                    return Err(corrupt("a file in it has no path"));
                }
                self.manifest.files.push(file);
            }
            ["hashes", "directoryhash", "path"] => {
                self.folder.path = checked(text)?;
                self.folder.modified = date("lastmodificationdate");
            }
            ["hashes", "directoryhash", "previousPath"] => {
                self.folder.previous_path = Some(checked(text)?);
            }
            ["hashes", "directoryhash", part, format]
            | ["processinfo", "roothash", part, format] => {
                if let Some(format) = HashFormat::named(format) {
                    self.folder_hash(part, Digest::parse(format, text.trim())?, date("hashdate"));
                }
            }
            ["hashes", "directoryhash"] => {
                let folder = self.take_folder();
                if folder.path.is_empty() {
                    return Err(corrupt("a folder in it has no path"));
                }
                self.manifest.folders.push(folder);
            }
            ["references", "hashlistreference", "path"] => self.reference.0 = checked(text)?,
            ["references", "hashlistreference", "c4"] => {
                self.reference.1 = Some(Digest::parse(HashFormat::C4, text.trim())?);
            }
            ["references", "hashlistreference"] => match std::mem::take(&mut self.reference) {
                (path, Some(c4)) if !path.is_empty() => {
                    self.manifest.references.push(Reference { path, c4 });
                }
                _ => return Err(corrupt("a reference in it has no path or no hash")),
            },
            _ => {}
        }
        if self.manifest.files.len() + self.manifest.folders.len() > MOST_ENTRIES {
            return Err(limit(format!("it lists more than {MOST_ENTRIES} files")));
        }
        Ok(())
    }

    fn folder_hash(&mut self, part: &str, digest: Digest, date: Option<UnixNanos>) {
        match part {
            "content" => self.contents.push((digest, date)),
            "structure" => {
                let of = self.contents.iter().position(|(it, _)| it.format() == digest.format());
                if let Some(at) = of {
                    let (content, date) = self.contents.swap_remove(at);
                    self.folder.hashes.push(FolderHash { content, structure: digest, date });
                }
            }
            _ => {}
        }
    }

    fn take_folder(&mut self) -> FolderEntry {
        self.contents.clear();
        std::mem::take(&mut self.folder)
    }
}

/// A path that stays beneath the folder that it is in.
pub(super) fn checked(path: &str) -> Result<String> {
    let is_plain = |name: &str| !matches!(name, "" | "." | "..");
    if path.contains('\0') || !path.split('/').all(is_plain) {
        return Err(corrupt("a path in it leads out of its folder").at(path));
    }
    Ok(path.to_owned())
}
