//! MHL 1.x, the format before ASC MHL: one list, without a history.

use rushes_media::Result;

use super::dates;
use super::manifest::{Author, FileEntry, FileHash, Manifest, Process};
use super::manifest_xml::{MOST_ENTRIES, checked};
use super::xml::{Document, Step, corrupt, limit};
use crate::hash_formats::{Digest, HashFormat};

/// The rest of a list whose outermost element was read. Of its hashes, MD5,
/// SHA-1, C4 and XXH64 in big-endian (`xxhash64be`) are taken; the others there
/// were are not said in one way by all programs.
pub(super) fn parse(mut document: Document<'_>) -> Result<Manifest> {
    let mut manifest = Manifest { process: Process::Transfer, ..Manifest::default() };
    let mut file = FileEntry::default();
    let mut date = None;
    while let Some(step) = document.next()? {
        let (path, Some(element)) = (document.path(), document.element()) else { continue };
        let text = element.text.trim();
        match (step, path.as_slice()) {
            (Step::Begin, ["hashlist", "hash"]) => (file, date) = (FileEntry::default(), None),
            (Step::End, ["hashlist", "creatorinfo", "hostname"]) => {
                manifest.creator.host_name = text.into();
            }
            (Step::End, ["hashlist", "creatorinfo", "tool"]) => manifest.creator.tool = text.into(),
            (Step::End, ["hashlist", "creatorinfo", "name"]) => {
                manifest.creator.authors.push(Author { name: text.into(), ..Author::default() });
            }
            (Step::End, ["hashlist", "creatorinfo", "finishdate"]) => {
                manifest.creator.created = dates::parse(text).unwrap_or(0);
            }
            (Step::End, ["hashlist", "hash", name]) => match *name {
                // Programs on Windows wrote their own separator.
                "file" => file.path = checked(&element.text.replace('\\', "/"))?,
                "size" => {
                    let size = text.parse().map_err(|_| corrupt("a size is no number"))?;
                    file.size_bytes = Some(size);
                }
                "lastmodificationdate" => file.modified = dates::parse(text),
                "hashdate" => date = dates::parse(text),
                _ => {
                    let format = match *name {
                        "xxhash64be" => Some(HashFormat::Xxh64),
                        "md5" => Some(HashFormat::Md5),
                        "sha1" => Some(HashFormat::Sha1),
                        "c4" => Some(HashFormat::C4),
                        _ => None,
                    };
                    if let Some(format) = format {
                        let digest = Digest::parse(format, text)?;
                        file.hashes.push(FileHash { digest, action: None, date: None });
                    }
                }
            },
            (Step::End, ["hashlist", "hash"]) => {
                let mut file = std::mem::take(&mut file);
                if file.path.is_empty() {
                    return Err(corrupt("a file in it has no path"));
                }
                file.hashes.iter_mut().for_each(|hash| hash.date = date);
                manifest.files.push(file);
                if manifest.files.len() > MOST_ENTRIES {
                    return Err(limit(format!("it lists more than {MOST_ENTRIES} files")));
                }
            }
            _ => {}
        }
    }
    Ok(manifest)
}
