//! What is in a folder, as its history sees it.

use rushes_media::Result;

use super::FOLDER;
use super::patterns::Patterns;
use super::within;
use crate::root::{EntryKind, FileStamp, Root};

/// What a walk meets.
pub(super) enum Met {
    /// A file.
    File(FileStamp),
    /// A folder; that it is walked into.
    Folder,
    /// A link, a device, or a name that is no text: it cannot be listed.
    Other,
}

/// Walks a folder, names in their order, and tells what it meets, with paths
/// beneath it; links are not followed. Says no more when `tell` says no.
pub(super) fn walk(
    root: &Root,
    patterns: &Patterns,
    tell: &mut dyn FnMut(&str, Met) -> Result<bool>,
) -> Result<()> {
    let mut buffer = Vec::new();
    let mut folders = vec![String::new()];
    while let Some(folder) = folders.pop() {
        let mut entries = root.list(folder.as_bytes(), &mut buffer)?;
        entries.sort_by(|one, other| one.name.cmp(&other.name));
        let first = folders.len();
        for entry in entries {
            let Ok(name) = std::str::from_utf8(&entry.name) else {
                let shown = within(&folder, &rushes_media::display_name(&entry.name));
                if !tell(&shown, Met::Other)? {
                    return Ok(());
                }
                continue;
            };
            let path = within(&folder, name);
            if patterns.matches(&path, entry.kind == EntryKind::Folder) {
                continue;
            }
            let met = match entry.kind {
                EntryKind::File => Met::File(entry.stamp),
                EntryKind::Folder => Met::Folder,
                EntryKind::Link | EntryKind::Special => Met::Other,
            };
            let is_folder = matches!(met, Met::Folder);
            if !tell(&path, met)? {
                return Ok(());
            }
            if is_folder {
                folders.push(path);
            }
        }
        // The first is to be popped first.
        folders.get_mut(first..).unwrap_or_default().reverse();
    }
    Ok(())
}

/// The folders beneath this one that have histories of their own.
pub(super) fn with_history(root: &Root) -> Result<Vec<String>> {
    let mut found = Vec::new();
    walk(root, &Patterns::new([]), &mut |path, met| {
        if let (Met::Folder, Some((folder, FOLDER))) = (met, path.rsplit_once('/')) {
            found.push(folder.to_owned());
        }
        Ok(true)
    })?;
    Ok(found)
}
