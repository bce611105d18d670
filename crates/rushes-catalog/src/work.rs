//! What is still to be done: assets to probe, to hash and to picture.

use rushes_media::Result;
use rushes_store::{FileStamp, Fingerprint};
use rusqlite::{Connection, OptionalExtension, params};

use crate::database::sql;
use crate::places::join;

/// Names one asset for as long as work on it takes. Its number alone does not:
/// hashing may make it one with another meanwhile, and the next new asset then
/// gets its number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssetKey {
    /// Its number.
    pub number: i64,
    /// Its name for good.
    pub public_id: String,
}

impl AssetKey {
    /// Whether the asset is still there by itself, so that what was found out
    /// about it has a place.
    ///
    /// # Errors
    /// When the catalogue cannot be read.
    pub fn is_there(&self, reader: &Connection) -> Result<bool> {
        reader
            .prepare_cached("SELECT EXISTS (SELECT 1 FROM assets WHERE id=? AND public_id=?)")
            .and_then(|mut s| s.query_row(params![self.number, self.public_id], |row| row.get(0)))
            .map_err(sql("looking an asset up"))
    }
}

/// An asset that something is to be done with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssetTask {
    /// Its number.
    pub asset: i64,
    /// Its name for good.
    pub public_id: String,
    /// `still`, `video` or `audio`, as far as known.
    pub kind: String,
    /// Extension of its name.
    pub extension: String,
    /// Bytes.
    pub size_bytes: u64,
    /// What its probe found, as JSON.
    pub probe: Option<String>,
}

impl AssetTask {
    /// What names the asset until the work is done.
    #[must_use]
    pub fn key(&self) -> AssetKey {
        AssetKey { number: self.asset, public_id: self.public_id.clone() }
    }
}

/// Where the bytes of an asset are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// The place's number.
    pub place: i64,
    /// The root's number.
    pub root_id: i64,
    /// The root's path.
    pub root: std::path::PathBuf,
    /// Relative path of folder and name.
    pub path: Vec<u8>,
    /// The stamp that the file must have; `device` is not kept.
    pub stamp: FileStamp,
}

/// What is to be done with assets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// To find out what they hold.
    Probe,
    /// The same, of those that only hashing told from others that look alike.
    ProbeTold,
    /// To hash every byte.
    Hash,
    /// To make previews.
    Preview,
}

impl Work {
    fn condition(self) -> &'static str {
        match self {
            Work::Probe => "probe_state=0 AND present>0",
            // What a scan has not probed yet has no such neighbour, or no hash.
            Work::ProbeTold => {
                "probe_state=0 AND present>0 AND blake3 IS NOT NULL AND EXISTS
                 (SELECT 1 FROM assets AS other WHERE other.size_bytes=assets.size_bytes
                    AND other.fingerprint=assets.fingerprint AND other.id<>assets.id)"
            }
            Work::Hash => "(blake3 IS NULL OR rehash=1) AND present>0",
            Work::Preview => "preview_state=0 AND probe_state=1 AND present>0",
        }
    }
}

/// The next assets with this work to do, after this number.
///
/// # Errors
/// When the catalogue cannot be read.
pub fn next_assets(
    reader: &Connection,
    work: Work,
    after: i64,
    limit: u32,
) -> Result<Vec<AssetTask>> {
    reader
        .prepare_cached(&format!(
            "SELECT id, public_id, kind, extension, size_bytes, probe FROM assets
             LEFT JOIN findings ON asset_id=id WHERE {} AND id>? ORDER BY id LIMIT ?",
            work.condition()
        ))
        .and_then(|mut s| {
            s.query_map(params![after, limit], |row| {
                Ok(AssetTask {
                    asset: row.get(0)?,
                    public_id: row.get(1)?,
                    kind: row.get(2)?,
                    extension: row.get(3)?,
                    size_bytes: row.get(4)?,
                    probe: row.get(5)?,
                })
            })?
            .collect()
        })
        .map_err(sql("listing what is to be done"))
}

/// How many assets have this work to do, and their bytes.
///
/// # Errors
/// When the catalogue cannot be read.
pub fn work_left(reader: &Connection, work: Work) -> Result<(u64, u64)> {
    reader
        .prepare_cached(&format!(
            "SELECT count(*), coalesce(sum(size_bytes),0) FROM assets WHERE {}",
            work.condition()
        ))
        .and_then(|mut s| s.query_row([], |row| Ok((row.get(0)?, row.get(1)?))))
        .map_err(sql("counting what is to be done"))
}

/// Whether this asset still has this work to do.
///
/// # Errors
/// When the catalogue cannot be read.
pub fn is_left(reader: &Connection, work: Work, asset: &AssetKey) -> Result<bool> {
    reader
        .prepare_cached(&format!(
            "SELECT EXISTS (SELECT 1 FROM assets WHERE {} AND id=? AND public_id=?)",
            work.condition()
        ))
        .and_then(|mut s| s.query_row(params![asset.number, asset.public_id], |row| row.get(0)))
        .map_err(sql("looking whether something is to be done"))
}

/// Places where an asset's bytes can be read now, the best first.
///
/// # Errors
/// When the catalogue cannot be read.
pub fn sources(reader: &Connection, asset: i64) -> Result<Vec<Source>> {
    reader
        .prepare_cached(
            "SELECT places.id, roots.id, roots.path, folders.path, places.name, places.size_bytes,
                    mtime_ns, ctime_ns, inode
             FROM places JOIN folders ON folders.id=folder_id JOIN roots ON roots.id=root_id
             WHERE asset_id=? AND places.state=0 AND role=1 AND roots.state<>'offline'
             ORDER BY places.id LIMIT 8",
        )
        .and_then(|mut s| {
            s.query_map([asset], |row| {
                Ok(Source {
                    place: row.get(0)?,
                    root_id: row.get(1)?,
                    root: crate::roots::path_of(row.get(2)?),
                    path: join(row.get(3)?, &row.get::<_, Vec<u8>>(4)?),
                    stamp: FileStamp {
                        size_bytes: row.get(5)?,
                        mtime_ns: row.get(6)?,
                        ctime_ns: row.get(7)?,
                        inode: row.get::<_, i64>(8)? as u64,
                        device: 0,
                    },
                })
            })?
            .collect()
        })
        .map_err(sql("finding where an asset is"))
}

/// Assets that may hold a file's bytes: they are somewhere, and size and
/// fingerprint agree. Only their bytes tell whether they do.
///
/// # Errors
/// When the catalogue cannot be read.
pub fn assets_like(
    reader: &Connection,
    size_bytes: u64,
    fingerprint: &Fingerprint,
) -> Result<Vec<i64>> {
    reader
        .prepare_cached(
            "SELECT id FROM assets WHERE size_bytes=? AND fingerprint=? AND present>0
             ORDER BY id LIMIT 8",
        )
        .and_then(|mut s| {
            s.query_map(params![size_bytes, &fingerprint.0[..]], |row| row.get(0))?.collect()
        })
        .map_err(sql("looking for the same content"))
}

/// Number and name of every place of an asset.
///
/// # Errors
/// When the catalogue cannot be read.
pub fn place_names(reader: &Connection, asset: i64) -> Result<Vec<(i64, Vec<u8>)>> {
    reader
        .prepare_cached("SELECT id, name FROM places WHERE asset_id=? ORDER BY id")
        .and_then(|mut s| s.query_map([asset], |row| Ok((row.get(0)?, row.get(1)?)))?.collect())
        .map_err(sql("reading an asset's names"))
}

/// What serving an asset's bytes needs beside them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Served {
    /// Its number.
    pub asset: i64,
    /// `still`, `video` or `audio`, as far as known.
    pub kind: String,
    /// Media type, when it was probed.
    pub mime: Option<String>,
    /// BLAKE3, when it is known and needs no confirmation.
    pub blake3: Option<Vec<u8>>,
    /// Its previews.
    pub preview: Option<crate::findings::StoredPreview>,
    /// Whether it is somewhere, and all of that in roots that are offline.
    pub is_offline: bool,
}

/// What serving this asset needs.
///
/// # Errors
/// `NotFound` when no asset has this id.
pub fn served(reader: &Connection, id: &str) -> Result<Served> {
    let asset = crate::detail::asset_number(reader, id)?;
    reader
        .prepare_cached(
            "SELECT mime, iif(rehash=0, blake3, NULL), preview, kind,
                    coalesce((SELECT min(roots.state='offline') FROM places
                              JOIN folders ON folders.id=folder_id JOIN roots ON roots.id=root_id
                              WHERE places.asset_id=assets.id AND places.state=0), 0)
             FROM assets LEFT JOIN findings ON asset_id=id WHERE id=?",
        )
        .and_then(|mut s| {
            s.query_row([asset], |row| {
                Ok(Served {
                    asset,
                    kind: row.get(3)?,
                    mime: row.get(0)?,
                    blake3: row.get(1)?,
                    preview: row
                        .get::<_, Option<String>>(2)?
                        .and_then(|json| serde_json::from_str(&json).ok()),
                    is_offline: row.get(4)?,
                })
            })
            .optional()
        })
        .map_err(sql("looking an asset up"))?
        .ok_or_else(|| rushes_media::Error::bug("looking an asset up", "it vanished meanwhile"))
}

/// A place that is there by its row, for comparing with the disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredPlace {
    /// Its number.
    pub place: i64,
    /// The root's number.
    pub root_id: i64,
    /// The root's path.
    pub root: std::path::PathBuf,
    /// Relative path of folder and name.
    pub path: Vec<u8>,
    /// Full path, safe to show.
    pub shown: String,
    /// The stamp it had; `device` is not kept.
    pub stamp: FileStamp,
    /// BLAKE3 of what it holds, when known.
    pub blake3: Option<Vec<u8>>,
}

/// The next places that hold assets by their rows, after this number.
///
/// # Errors
/// When the catalogue cannot be read.
pub fn stored_places(reader: &Connection, after: i64, limit: u32) -> Result<Vec<StoredPlace>> {
    reader
        .prepare_cached(
            "SELECT places.id, roots.id, roots.path, folders.path, places.name, places.size_bytes,
                    mtime_ns, ctime_ns, inode, iif(rehash=0, blake3, NULL)
             FROM places JOIN folders ON folders.id=folder_id JOIN roots ON roots.id=root_id
             JOIN assets ON assets.id=asset_id
             WHERE places.state=0 AND role=1 AND recheck=0 AND places.id>? ORDER BY places.id LIMIT ?",
        )
        .and_then(|mut s| {
            s.query_map(params![after, limit], |row| {
                let (root, folder, name): (Vec<u8>, Vec<u8>, Vec<u8>) =
                    (row.get(2)?, row.get(3)?, row.get(4)?);
                Ok(StoredPlace {
                    place: row.get(0)?,
                    root_id: row.get(1)?,
                    shown: crate::places::shown_path(&root, folder.clone(), &name),
                    root: crate::roots::path_of(root),
                    path: join(folder, &name),
                    stamp: FileStamp {
                        size_bytes: row.get(5)?,
                        mtime_ns: row.get(6)?,
                        ctime_ns: row.get(7)?,
                        inode: row.get::<_, i64>(8)? as u64,
                        device: 0,
                    },
                    blake3: row.get(9)?,
                })
            })?
            .collect()
        })
        .map_err(sql("listing places"))
}

/// An asset's stored previews.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PreviewCopy {
    /// The asset's number.
    pub asset: i64,
    /// Its name.
    pub public_id: String,
    /// The previews' hashes.
    pub hashes: Vec<String>,
}

/// The next assets with previews, after this number.
///
/// # Errors
/// When the catalogue cannot be read.
pub fn stored_previews(reader: &Connection, after: i64, limit: u32) -> Result<Vec<PreviewCopy>> {
    reader
        .prepare_cached(
            "SELECT id, public_id, preview FROM assets LEFT JOIN findings ON asset_id=id
             WHERE preview_state=1 AND id>? ORDER BY id LIMIT ?",
        )
        .and_then(|mut s| {
            s.query_map(params![after, limit], |row| {
                let stored: Option<crate::findings::StoredPreview> = row
                    .get::<_, Option<String>>(2)?
                    .and_then(|json| serde_json::from_str(&json).ok());
                let hashes = stored.map(|s| [s.poster, s.strip, s.waveform]).into_iter().flatten();
                Ok(PreviewCopy {
                    asset: row.get(0)?,
                    public_id: row.get(1)?,
                    hashes: hashes.flatten().collect(),
                })
            })?
            .collect()
        })
        .map_err(sql("listing previews"))
}
