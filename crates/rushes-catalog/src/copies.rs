//! Verified copies: which there are of an asset, on which volume, and when each
//! was last read back.

use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rushes_media::{Result, UnixNanos, display_name};
use rushes_store::Hashes;
use rusqlite::{Connection, OptionalExtension, Transaction, params};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::assets::record_event;
use crate::database::{Catalog, sql};
use crate::model::rfc3339;
use crate::query::parse;
use crate::roots::{note_change, path_of};
use crate::wanted::{Rows, Wanted};

/// A folder that copies were made in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destination {
    /// Its number.
    pub id: i64,
    /// Its path, without links.
    pub path: PathBuf,
    /// The volume it is on.
    pub volume: String,
}

/// What is known of all copies in one destination.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DestinationRow {
    /// Its number.
    pub id: i64,
    /// Its path, safe to show.
    pub path: String,
    /// The volume it is on.
    pub volume: String,
    /// Whether that volume is there now.
    pub online: bool,
    /// Files in it that are whole, as far as known.
    pub copies: u64,
    /// Their bytes.
    pub size_bytes: u64,
    /// Files that were missing or damaged when they were last looked for.
    pub lost: u64,
    /// The longest time ago that one of its files was last read back (RFC 3339).
    pub verified_since: Option<String>,
    /// When a file was last copied there (RFC 3339).
    pub last_copied: Option<String>,
}

/// One verified copy of an asset, or of a sidecar of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CopyRow {
    /// Where it is, safe to show.
    pub path: String,
    /// The volume it is on.
    pub volume: String,
    /// Whether that volume is there now.
    pub online: bool,
    /// Whether it is a file that belongs to the asset rather than the asset.
    pub sidecar: bool,
    /// `whole`, `missing` or `damaged`, when it was last looked for.
    pub state: String,
    /// When it was made (RFC 3339).
    pub copied: String,
    /// When its bytes were last read back and were right (RFC 3339).
    pub verified: String,
}

/// How a copy was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CopyState {
    /// Its bytes are right.
    Whole,
    /// It is not there.
    Missing,
    /// Its bytes are others, or cannot be read.
    Damaged,
}

impl CopyState {
    /// Its name, as shown.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            CopyState::Whole => "whole",
            CopyState::Missing => "missing",
            CopyState::Damaged => "damaged",
        }
    }

    fn of(stored: i64) -> CopyState {
        match stored {
            0 => CopyState::Whole,
            1 => CopyState::Missing,
            _ => CopyState::Damaged,
        }
    }
}

/// A copy, as one who verifies it needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownCopy {
    /// Its number.
    pub id: i64,
    /// Its path in the destination.
    pub path: Vec<u8>,
    /// The asset it is of, or belongs to.
    pub asset: Option<i64>,
    /// Whether it is a sidecar.
    pub is_sidecar: bool,
    /// The hashes that it must have.
    pub hashes: Hashes,
    /// Its C4 ID, as hash lists name it.
    pub c4: String,
    /// Bytes.
    pub size_bytes: u64,
    /// When its content was last changed.
    pub mtime_ns: UnixNanos,
    /// When it was made.
    pub copied_ns: UnixNanos,
    /// When it was last verified.
    pub verified_ns: UnixNanos,
    /// How it was found then, or since.
    pub state: CopyState,
}

/// A copy that was made and read back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewCopy<'a> {
    /// Where: the number of the destination, and the path in it.
    pub destination: i64,
    /// The path in it.
    pub path: &'a [u8],
    /// The asset it is of, or belongs to.
    pub asset: i64,
    /// Whether it is a sidecar.
    pub is_sidecar: bool,
    /// Its hashes.
    pub hashes: &'a Hashes,
    /// Its C4 ID.
    pub c4: &'a str,
    /// Bytes.
    pub size_bytes: u64,
    /// When its content was last changed.
    pub mtime_ns: UnixNanos,
}

/// What a query finds, as one who copies it needs it.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    /// Its number.
    pub asset: i64,
    /// Its name for good.
    pub public_id: String,
    /// `still`, `video` or `audio`.
    pub kind: String,
    /// Name of the folder it is in.
    pub batch: Option<String>,
    /// When it was made, as its file says.
    pub captured: Option<String>,
    /// The same time, else that of its last change.
    pub time_ns: UnixNanos,
    /// Make and model.
    pub camera: Option<String>,
    /// Bytes.
    pub size_bytes: u64,
    /// What Live Photos are paired by.
    pub content_identifier: Option<String>,
    /// BLAKE3 of all its bytes, where it is known and certain.
    pub blake3: Option<[u8; 32]>,
}

impl Catalog {
    /// The destination of this path (absolute, without links) on this volume,
    /// recorded if it is new.
    ///
    /// # Errors
    /// When it cannot be stored.
    pub fn destination(&self, path: &Path, volume: &str, now: UnixNanos) -> Result<Destination> {
        let what = "recording where copies go";
        let bytes = path.as_os_str().as_bytes();
        let id = self.write(|write| {
            write
                .execute(
                    "INSERT OR IGNORE INTO destinations (path, volume, added_ns) VALUES (?,?,?)",
                    params![bytes, volume, now],
                )
                .map_err(sql(what))?;
            write
                .query_row(
                    "SELECT id FROM destinations WHERE path=? AND volume=?",
                    params![bytes, volume],
                    |row| row.get(0),
                )
                .map_err(sql(what))
        })?;
        Ok(Destination { id, path: path.to_owned(), volume: volume.to_owned() })
    }

    /// Every destination, in the order in which they were first used.
    ///
    /// # Errors
    /// When the catalogue cannot be read.
    pub fn destinations(&self) -> Result<Vec<Destination>> {
        self.read(|reader| {
            reader
                .prepare_cached("SELECT id, path, volume FROM destinations ORDER BY id")
                .and_then(|mut s| {
                    s.query_map([], |row| {
                        let path = path_of(row.get(1)?);
                        Ok(Destination { id: row.get(0)?, path, volume: row.get(2)? })
                    })?
                    .collect()
                })
                .map_err(sql("reading where copies are"))
        })
    }

    /// Totals of every destination; `is_online` says whether one is there now.
    ///
    /// # Errors
    /// When the catalogue cannot be read.
    pub fn destination_rows(
        &self,
        is_online: &dyn Fn(&Destination) -> bool,
    ) -> Result<Vec<DestinationRow>> {
        let of = |reader: &Connection, it: &Destination| {
            reader
                .prepare_cached(
                    "SELECT coalesce(sum(state=0),0), coalesce(sum(iif(state=0,size_bytes,0)),0),
                            coalesce(sum(state<>0),0), min(iif(state=0,verified_ns,NULL)),
                            max(copied_ns)
                     FROM copies WHERE destination_id=?",
                )
                .and_then(|mut s| {
                    s.query_row([it.id], |row| {
                        Ok(DestinationRow {
                            id: it.id,
                            path: display_name(it.path.as_os_str().as_bytes()),
                            volume: it.volume.clone(),
                            online: is_online(it),
                            copies: row.get(0)?,
                            size_bytes: row.get(1)?,
                            lost: row.get(2)?,
                            verified_since: row.get::<_, Option<i64>>(3)?.map(rfc3339),
                            last_copied: row.get::<_, Option<i64>>(4)?.map(rfc3339),
                        })
                    })
                })
                .map_err(sql("adding up copies"))
        };
        let known = self.destinations()?;
        self.read(|reader| known.iter().map(|it| of(reader, it)).collect())
    }

    /// Forgets a destination and what is known of the copies in it. No file is
    /// touched.
    ///
    /// # Errors
    /// When it cannot be stored.
    pub fn forget_destination(&self, id: i64) -> Result<()> {
        self.write(|write| {
            // One by one, so that each asset's count follows.
            for statement in
                ["DELETE FROM copies WHERE destination_id=?", "DELETE FROM destinations WHERE id=?"]
            {
                write.execute(statement, [id]).map_err(sql("forgetting a destination"))?;
            }
            note_change(write)
        })
    }

    /// Every copy of an asset and of its sidecars, the oldest first.
    ///
    /// # Errors
    /// When the catalogue cannot be read.
    pub fn copies_of(
        &self,
        asset: i64,
        is_online: &dyn Fn(&Destination) -> bool,
    ) -> Result<Vec<CopyRow>> {
        self.read(|reader| {
            reader
                .prepare_cached(
                    "SELECT destinations.id, destinations.path, volume, copies.path, is_sidecar,
                            state, copied_ns, verified_ns
                     FROM copies JOIN destinations ON destinations.id=destination_id
                     WHERE asset_id=? ORDER BY is_sidecar, copies.id LIMIT 1000",
                )
                .and_then(|mut s| {
                    s.query_map([asset], |row| {
                        let path = path_of(row.get(1)?);
                        let place = Destination { id: row.get(0)?, path, volume: row.get(2)? };
                        let name: Vec<u8> = row.get(3)?;
                        let whole = place.path.join(std::ffi::OsStr::from_bytes(&name));
                        Ok(CopyRow {
                            path: display_name(whole.as_os_str().as_bytes()),
                            online: is_online(&place),
                            volume: place.volume,
                            sidecar: row.get(4)?,
                            state: CopyState::of(row.get(5)?).name().into(),
                            copied: rfc3339(row.get(6)?),
                            verified: rfc3339(row.get(7)?),
                        })
                    })?
                    .collect()
                })
                .map_err(sql("reading an asset's copies"))
        })
    }
}

/// The assets that a query finds, in the order of their numbers, after the one
/// with this number.
///
/// # Errors
/// `Invalid` when the query makes no sense.
pub fn candidates(
    reader: &Connection,
    query: &str,
    after: i64,
    limit: usize,
) -> Result<Vec<Candidate>> {
    let parsed = parse(query)?;
    let Rows { from, condition, mut values } = Wanted::new(reader, &parsed)?.gathered();
    values.extend([after.into(), i64::try_from(limit).unwrap_or(i64::MAX).into()]);
    let statement = format!(
        "SELECT {CANDIDATE} FROM {from} WHERE {condition} AND assets.id>?
         ORDER BY assets.id LIMIT ?"
    );
    reader
        .prepare_cached(&statement)
        .and_then(|mut s| {
            s.query_map(rusqlite::params_from_iter(values), read_candidate)?.collect()
        })
        .map_err(sql("finding what to copy"))
}

/// The sidecars that belong to the file at a place, as names in its root.
///
/// # Errors
/// When the catalogue cannot be read.
pub fn sidecars_of(reader: &Connection, place: i64) -> Result<Vec<Vec<u8>>> {
    reader
        .prepare_cached(
            "SELECT folders.path, side.name FROM places side
             JOIN folders ON folders.id=side.folder_id
             WHERE side.owner_id=? AND side.state=0 ORDER BY side.id LIMIT 1000",
        )
        .and_then(|mut s| {
            s.query_map([place], |row| {
                Ok(crate::places::join(row.get(0)?, &row.get::<_, Vec<u8>>(1)?))
            })?
            .collect()
        })
        .map_err(sql("reading an asset's sidecars"))
}

/// The path that an asset's copy has in a destination, if a whole one is there.
///
/// # Errors
/// When the catalogue cannot be read.
pub fn copy_in(reader: &Connection, destination: i64, asset: i64) -> Result<Option<Vec<u8>>> {
    reader
        .prepare_cached(
            "SELECT path FROM copies WHERE destination_id=? AND asset_id=? AND is_sidecar=0
             AND state=0 ORDER BY id LIMIT 1",
        )
        .and_then(|mut s| s.query_row([destination, asset], |row| row.get(0)).optional())
        .map_err(sql("looking for a copy"))
}

/// What is known to be at a path in a destination.
///
/// # Errors
/// When the catalogue cannot be read.
pub fn copy_at(reader: &Connection, destination: i64, path: &[u8]) -> Result<Option<KnownCopy>> {
    let statement = format!("{KNOWN} WHERE destination_id=? AND path=?");
    reader
        .prepare_cached(&statement)
        .and_then(|mut s| s.query_row(params![destination, path], known).optional())
        .map_err(sql("looking for a copy"))
}

const KNOWN: &str = "SELECT id, path, asset_id, is_sidecar, blake3, xxh3_128, c4, size_bytes,
    mtime_ns, copied_ns, verified_ns, state FROM copies";

fn known(row: &rusqlite::Row<'_>) -> rusqlite::Result<KnownCopy> {
    Ok(KnownCopy {
        id: row.get(0)?,
        path: row.get(1)?,
        asset: row.get(2)?,
        is_sidecar: row.get(3)?,
        hashes: Hashes { blake3: row.get(4)?, xxh3_128: row.get(5)? },
        c4: row.get(6)?,
        size_bytes: row.get(7)?,
        mtime_ns: row.get(8)?,
        copied_ns: row.get(9)?,
        verified_ns: row.get(10)?,
        state: CopyState::of(row.get(11)?),
    })
}

/// Copies in a destination, what was verified longest ago first, after the one
/// with this time and number.
///
/// # Errors
/// When the catalogue cannot be read.
pub fn copies_by_age(
    reader: &Connection,
    destination: i64,
    after: (UnixNanos, i64),
    limit: usize,
) -> Result<Vec<KnownCopy>> {
    let statement = format!(
        "{KNOWN} WHERE destination_id=? AND (verified_ns, id)>(?,?) ORDER BY verified_ns, id LIMIT ?"
    );
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    reader
        .prepare_cached(&statement)
        .and_then(|mut s| {
            s.query_map(params![destination, after.0, after.1, limit], known)?.collect()
        })
        .map_err(sql("listing copies"))
}

/// Copies that no hash list of their destination has yet.
///
/// # Errors
/// When the catalogue cannot be read.
pub fn unlisted_copies(reader: &Connection, destination: i64) -> Result<Vec<KnownCopy>> {
    let statement =
        format!("{KNOWN} WHERE destination_id=? AND listed=0 AND state=0 ORDER BY path");
    reader
        .prepare_cached(&statement)
        .and_then(|mut s| s.query_map([destination], known)?.collect())
        .map_err(sql("listing copies"))
}

/// These copies are in the hash list of their destination now.
///
/// # Errors
/// When it cannot be stored.
pub fn record_listed(write: &Transaction<'_>, copies: &[i64]) -> Result<()> {
    let mut statement = write
        .prepare_cached("UPDATE copies SET listed=1 WHERE id=?")
        .map_err(sql("recording a hash list"))?;
    for id in copies {
        statement.execute([id]).map_err(sql("recording a hash list"))?;
    }
    Ok(())
}

/// A copy was made and read back now. One that was there before is as new.
///
/// # Errors
/// When it cannot be stored.
pub fn record_copy(write: &Transaction<'_>, copy: &NewCopy<'_>, now: UnixNanos) -> Result<()> {
    write
        .prepare_cached(
            "INSERT INTO copies (destination_id, path, asset_id, is_sidecar, blake3, xxh3_128, c4,
                                 size_bytes, mtime_ns, copied_ns, verified_ns)
             VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?10)
             ON CONFLICT (destination_id, path) DO UPDATE SET asset_id=?3, is_sidecar=?4,
                 blake3=?5, xxh3_128=?6, c4=?7, size_bytes=?8, mtime_ns=?9, verified_ns=?10,
                 state=0, listed=listed AND blake3=?5",
        )
        .and_then(|mut s| {
            s.execute(params![
                copy.destination,
                copy.path,
                copy.asset,
                copy.is_sidecar,
                &copy.hashes.blake3[..],
                &copy.hashes.xxh3_128[..],
                copy.c4,
                copy.size_bytes,
                copy.mtime_ns,
                now
            ])
        })
        .map_err(sql("recording a copy"))?;
    note_change(write)
}

/// What reading a copy back came to; what is lost is an event of its asset.
///
/// # Errors
/// When it cannot be stored.
pub fn record_verified(
    write: &Transaction<'_>,
    copy: &KnownCopy,
    found: CopyState,
    shown: &str,
    now: UnixNanos,
) -> Result<()> {
    write
        .prepare_cached(
            "UPDATE copies SET state=?2, verified_ns=iif(?2=0, ?3, verified_ns) WHERE id=?1",
        )
        .and_then(|mut s| s.execute(params![copy.id, found as i64, now]))
        .map_err(sql("recording what a copy is like"))?;
    if let Some(asset) = copy.asset.filter(|_| found != copy.state) {
        let kind = match found {
            CopyState::Whole => "copy found again",
            CopyState::Missing => "copy missing",
            CopyState::Damaged => "copy damaged",
        };
        record_event(write, asset, now, kind, shown)?;
    }
    note_change(write)
}

/// The other assets with this content identifier: the other half of a Live Photo.
///
/// # Errors
/// When the catalogue cannot be read.
pub fn partners(reader: &Connection, candidate: &Candidate) -> Result<Vec<Candidate>> {
    let Some(content) = &candidate.content_identifier else { return Ok(Vec::new()) };
    let statement = format!(
        "SELECT {CANDIDATE} FROM assets WHERE content_identifier=? AND assets.id<>? AND present>0
         ORDER BY assets.id LIMIT 16"
    );
    reader
        .prepare_cached(&statement)
        .and_then(|mut s| s.query_map(params![content, candidate.asset], read_candidate)?.collect())
        .map_err(sql("looking for the other half of a Live Photo"))
}

const CANDIDATE: &str = "assets.id, public_id, kind, batch, captured, sort_ns, camera, size_bytes,
    content_identifier, iif(rehash=0, blake3, NULL)";

fn read_candidate(row: &rusqlite::Row<'_>) -> rusqlite::Result<Candidate> {
    Ok(Candidate {
        asset: row.get(0)?,
        public_id: row.get(1)?,
        kind: row.get(2)?,
        batch: row.get(3)?,
        captured: row.get(4)?,
        time_ns: row.get(5)?,
        camera: row.get(6)?,
        size_bytes: row.get(7)?,
        content_identifier: row.get(8)?,
        blake3: row.get(9)?,
    })
}
