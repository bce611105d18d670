//! An asset's bytes and previews, for whoever serves them.

use std::fs::File;

use rushes_catalog::{Served, record_preview_lost, served, sources};
use rushes_media::{Error, ErrorKind, Result, UnixNanos};
use rushes_store::{FileStamp, PreviewHash, Root};

use crate::action::Verb;
use crate::context::{Authority, Engine};
use crate::previews::Previews;
use crate::queue::NewJob;

/// An asset's bytes.
#[derive(Debug)]
pub struct MediaFile {
    /// The file, open for reading.
    pub file: File,
    /// Its name, byte for byte.
    pub name: Vec<u8>,
    /// Media type.
    pub mime: String,
    /// Bytes.
    pub size_bytes: u64,
    /// Last change.
    pub modified: UnixNanos,
    /// Strong: the same as long as the bytes are.
    pub etag: String,
}

/// Opens an asset's bytes at the first of its places where they can be read
/// and are what they were.
///
/// # Errors
/// `NotFound` when there is no such asset or its file is gone, `Unavailable`
/// when none of its places can be read now.
pub fn open(engine: &Engine, id: &str) -> Result<MediaFile> {
    let catalog = engine.catalog()?;
    let (served, places) = catalog.read(|reader| {
        let served = served(reader, id)?;
        let places = sources(reader, served.asset)?;
        Ok((served, places))
    })?;
    let mut failed = None;
    for source in places {
        let opened = (|| -> Result<MediaFile> {
            let file = Root::open(&source.root)?.open_file(&source.path)?;
            let stamp = FileStamp::of(&file)?;
            if stamp.size_bytes != source.stamp.size_bytes
                || stamp.mtime_ns != source.stamp.mtime_ns
            {
                let why = "the file changed since it was scanned";
                return Err(Error::new(ErrorKind::Unavailable, "opening an asset", why)
                    .remedy("scan again"));
            }
            let etag = match &served.blake3 {
                Some(hash) => hash.iter().take(16).map(|byte| format!("{byte:02x}")).collect(),
                None => format!("{:x}-{:x}-{:x}", stamp.inode, stamp.size_bytes, stamp.mtime_ns),
            };
            let name = source.path.rsplit(|&byte| byte == b'/').next().unwrap_or_default();
            Ok(MediaFile {
                file,
                name: name.to_vec(),
                mime: served.mime.clone().unwrap_or_else(|| "application/octet-stream".into()),
                size_bytes: stamp.size_bytes,
                modified: stamp.mtime_ns,
                etag: format!("\"{etag}\""),
            })
        })();
        match opened {
            Ok(opened) => return Ok(opened),
            Err(error) => failed = Some(error),
        }
    }
    Err(match failed {
        Some(error) => {
            let remedy = error.remedy.unwrap_or_else(|| "connect its volume, or scan again".into());
            Error::new(ErrorKind::Unavailable, "opening an asset", error.why).remedy(remedy)
        }
        None if served.is_offline => {
            Error::new(ErrorKind::Unavailable, "opening an asset", "its volume is offline")
                .remedy("connect it, and scan again")
        }
        // What is gone is not there later either.
        None => {
            let why = "its file is gone from where it was";
            Error::new(ErrorKind::NotFound, "opening an asset", why)
                .remedy("bring it back beneath a registered root, and scan again")
        }
    })
}

/// Which preview of an asset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preview {
    /// The still.
    Poster,
    /// Stills from along the video.
    Strip,
    /// The picture of its sound.
    Waveform,
}

/// A preview's bytes.
#[derive(Debug)]
pub struct PreviewFile {
    /// The file, open for reading.
    pub file: File,
    /// Bytes.
    pub size_bytes: u64,
    /// Strong, made from the bytes.
    pub etag: String,
    /// Media type.
    pub mime: &'static str,
}

/// Why there is and will be no such preview of an asset, for all the jobs
/// that may follow; nothing when one may come.
fn never_has(served: &Served, which: Preview) -> Option<&'static str> {
    let is_made = served.preview.is_some();
    match (which, &*served.kind) {
        (Preview::Waveform, "still" | "video") => Some("only sound files have a waveform"),
        (Preview::Strip, "still" | "audio") => Some("only videos have a strip"),
        (Preview::Strip, _) if is_made => Some("the video is too short for a strip"),
        (Preview::Poster, "audio") if is_made => Some("there is no cover picture in it"),
        _ => None,
    }
}

/// Opens a preview. One that was lost, or whose bytes changed, is queued to be
/// made again.
///
/// # Errors
/// `NotFound` when there is no such asset, or no such preview of it (yet).
pub fn preview(engine: &Engine, id: &str, which: Preview) -> Result<PreviewFile> {
    let catalog = engine.catalog()?;
    let served = catalog.read(|reader| served(reader, id))?;
    let lacks = never_has(&served, which);
    let hash = served.preview.and_then(|stored| match which {
        Preview::Poster => stored.poster,
        Preview::Strip => stored.strip,
        Preview::Waveform => stored.waveform,
    });
    let none = || {
        Error::new(ErrorKind::NotFound, "opening a preview", "it is not made")
            .remedy("wait for the previews job, or run rushes previews")
    };
    let hash = hash.as_deref().and_then(PreviewHash::from_hex).ok_or_else(|| match lacks {
        Some(why) => Error::new(ErrorKind::NotFound, "opening a preview", why),
        None => none(),
    })?;
    let file = match engine.home().previews().open(&hash) {
        Ok(file) => file,
        Err(error) if matches!(error.kind, ErrorKind::NotFound | ErrorKind::Corrupt) => {
            engine.home().previews().discard(&hash)?;
            catalog.write(|write| record_preview_lost(write, served.asset))?;
            let (verb, params) = (Verb::of::<Previews>(), serde_json::json!({}));
            // It needs no path that is not in the catalogue.
            let job = NewJob::of(&verb, &params, Authority::Network, false)?;
            engine.queue()?.enqueue(&job)?;
            return Err(none());
        }
        Err(error) => return Err(error),
    };
    let size_bytes = FileStamp::of(&file)?.size_bytes;
    Ok(PreviewFile { file, size_bytes, etag: format!("\"{}\"", hash.hex()), mime: "image/webp" })
}
