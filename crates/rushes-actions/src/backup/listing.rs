//! The hash list of a destination: what was copied there becomes a generation of
//! its history (ASC MHL 2.0), so that others can verify it without Rushes.

use rushes_catalog::{KnownCopy, record_listed, unlisted_copies};
use rushes_media::{Error, Result};
use rushes_store::mhl::{Creator, History, MhlFault, NewFile, NewGeneration, Process};
use rushes_store::{Digest, HashFormat};

use super::destinations::Opened;
use crate::context::Context;
use crate::queue::EffectState;

/// Adds the copies that no list has yet as a generation to the history of their
/// destination. The path of the manifest; `None` when there is nothing to add.
///
/// # Errors
/// `Corrupt` when the history that is there was changed; it is left as it is.
pub(super) fn write_list(context: &Context<'_>, opened: &Opened) -> Result<Option<String>> {
    let catalog = context.engine.catalog()?;
    let copies = catalog.read(|reader| unlisted_copies(reader, opened.destination.id))?;
    // A name that is no UTF-8 cannot be said in a list; the catalogue knows it.
    let (files, listed): (Vec<NewFile>, Vec<i64>) =
        copies.iter().filter_map(|copy| Some((file(copy)?, copy.id))).unzip();
    if files.is_empty() {
        return Ok(None);
    }
    let key = format!("hash list {}", opened.root.path().display());
    context.progress.effect(&key, EffectState::Begun, None)?;
    let mut history = match History::open(&opened.root) {
        Ok(history) => history,
        Err(error) if error.fault == Some(MhlFault::NoHistory) => History::default(),
        Err(error) => {
            return Err(Error::from(error)
                .remedy("the copies are made; see with rushes verify what was done to the list"));
        }
    };
    let files = files.into_iter().filter(|file| is_news(&history, file)).collect::<Vec<_>>();
    let written = if files.is_empty() {
        // A list was written, and the catalogue not told before the power failed.
        Vec::new()
    } else {
        let now = context.engine.clock().now();
        let new = NewGeneration {
            creator: Creator::here("Rushes", env!("CARGO_PKG_VERSION"), now),
            process: Process::Transfer,
            ignored: Vec::new(),
            files,
            folders: None,
        };
        history.append(&opened.root, new)?
    };
    catalog.write(|write| record_listed(write, &listed))?;
    let manifest = written.last().cloned();
    context.progress.effect(&key, EffectState::Done, manifest.as_deref())?;
    Ok(manifest)
}

/// Whether the history does not say all of this already.
fn is_news(history: &History, file: &NewFile) -> bool {
    let known = history.wanted(&file.path);
    !file.digests.iter().all(|digest| known.contains(&digest))
}

fn file(copy: &KnownCopy) -> Option<NewFile> {
    let path = std::str::from_utf8(&copy.path).ok()?;
    if path.chars().any(char::is_control) {
        return None;
    }
    Some(NewFile {
        path: path.to_owned(),
        size_bytes: copy.size_bytes,
        modified: copy.mtime_ns,
        digests: vec![
            Digest::parse(HashFormat::C4, &copy.c4).ok()?,
            Digest::new(HashFormat::Xxh128, &copy.hashes.xxh3_128)?,
        ],
        hashed: copy.verified_ns,
        action: None,
        previous_path: None,
    })
}
