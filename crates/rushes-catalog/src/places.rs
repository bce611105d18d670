//! What a scan compares a folder with, and how it records the difference.

use rushes_media::{Result, UnixNanos};
use rushes_store::{Entry, FileStamp};
use rusqlite::{Connection, OptionalExtension, Transaction, params};

use crate::assets::{record_event, refresh};
use crate::database::sql;

/// What a place holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i64)]
pub enum Role {
    /// New or changed; its content is to be looked at.
    New = 0,
    /// An asset.
    Asset = 1,
    /// A sidecar.
    Sidecar = 2,
    /// Not media.
    Other = 3,
    /// It was still changing when it was looked at.
    Unsettled = 4,
}

/// A folder's row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KnownFolder {
    /// Its number.
    pub id: i64,
    /// The volume that it was on: the root's device, or a number made of the
    /// identity of what was mounted below the root.
    pub device: u64,
    /// Whether that was another than the root's.
    pub is_mounted: bool,
}

/// A place's row, as far as a scan compares it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownPlace {
    /// Its number.
    pub id: i64,
    /// Its name.
    pub name: Vec<u8>,
    /// The stamp it had; `device` is not kept.
    pub stamp: FileStamp,
    /// Whether it is gone.
    pub is_gone: bool,
}

/// What a scan found different in one folder.
#[derive(Clone, Debug, Default)]
pub struct FolderDifference {
    /// The root.
    pub root_id: i64,
    /// Relative path.
    pub path: Vec<u8>,
    /// The volume it is on, as in `KnownFolder`.
    pub device: u64,
    /// Whether that is another than the root's.
    pub is_mounted: bool,
    /// Names that were not there.
    pub added: Vec<(Entry, Role)>,
    /// Names that were gone or have another stamp.
    pub changed: Vec<(i64, FileStamp, Difference)>,
    /// Sidecar names and the name each belongs to, for every sidecar here.
    pub sidecars: Vec<(Vec<u8>, Option<Vec<u8>>)>,
}

/// How a known name differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Difference {
    /// Size or time of change: what it holds is to be found out anew.
    Content,
    /// Only rights, links or its number: its fingerprint is to be compared.
    Attributes,
}

/// The folder's row.
///
/// # Errors
/// When the catalogue cannot be read.
pub fn known_folder(reader: &Connection, root_id: i64, path: &[u8]) -> Result<Option<KnownFolder>> {
    reader
        .prepare_cached("SELECT id, device, mounted FROM folders WHERE root_id=? AND path=?")
        .and_then(|mut statement| {
            statement
                .query_row(params![root_id, path], |row| {
                    Ok(KnownFolder {
                        id: row.get(0)?,
                        device: row.get::<_, i64>(1)? as u64,
                        is_mounted: row.get(2)?,
                    })
                })
                .optional()
        })
        .map_err(sql("reading a folder's row"))
}

/// The rows of a folder's places.
///
/// # Errors
/// When the catalogue cannot be read.
pub fn known_places(reader: &Connection, folder_id: i64) -> Result<Vec<KnownPlace>> {
    reader
        .prepare_cached(
            "SELECT id, name, size_bytes, mtime_ns, ctime_ns, inode, state FROM places WHERE folder_id=?",
        )
        .and_then(|mut statement| {
            statement
                .query_map([folder_id], |row| {
                    Ok(KnownPlace {
                        id: row.get(0)?,
                        name: row.get(1)?,
                        stamp: FileStamp {
                            size_bytes: row.get(2)?,
                            mtime_ns: row.get(3)?,
                            ctime_ns: row.get(4)?,
                            inode: row.get::<_, i64>(5)? as u64,
                            device: 0,
                        },
                        is_gone: row.get::<_, i64>(6)? == 1,
                    })
                })?
                .collect()
        })
        .map_err(sql("reading a folder's places"))
}

/// Records what a scan found different in one folder.
///
/// # Errors
/// When it cannot be stored.
pub fn record_folder(
    write: &Transaction<'_>,
    found: &FolderDifference,
    now: UnixNanos,
) -> Result<()> {
    let what = "recording a folder";
    let folder_id: i64 = write
        .prepare_cached(
            "INSERT INTO folders (root_id, path, device, mounted) VALUES (?1,?2,?3,?4)
             ON CONFLICT (root_id, path)
             DO UPDATE SET device=excluded.device, mounted=excluded.mounted RETURNING id",
        )
        .and_then(|mut s| {
            s.query_row(
                params![found.root_id, found.path, found.device as i64, found.is_mounted],
                |row| row.get(0),
            )
        })
        .map_err(sql(what))?;
    let mut insert = write
        .prepare_cached(
            "INSERT INTO places (folder_id, name, role, size_bytes, mtime_ns, ctime_ns, inode,
                                 first_seen_ns, last_seen_ns)
             VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?8) ON CONFLICT (folder_id, name) DO NOTHING",
        )
        .map_err(sql(what))?;
    for (entry, role) in &found.added {
        let stamp = &entry.stamp;
        insert
            .execute(params![
                folder_id,
                entry.name,
                *role as i64,
                stamp.size_bytes,
                stamp.mtime_ns,
                stamp.ctime_ns,
                stamp.inode as i64,
                now
            ])
            .map_err(sql(what))?;
    }
    for (place_id, stamp, difference) in &found.changed {
        change_place(write, *place_id, stamp, *difference, now)?;
    }
    let mut own = write
        .prepare_cached(
            "UPDATE places SET owner_id=(SELECT id FROM places WHERE folder_id=?1 AND name=?3)
             WHERE folder_id=?1 AND name=?2",
        )
        .map_err(sql(what))?;
    for (sidecar, owner) in &found.sidecars {
        own.execute(params![folder_id, sidecar, owner]).map_err(sql(what))?;
    }
    Ok(())
}

fn change_place(
    write: &Transaction<'_>,
    place_id: i64,
    stamp: &FileStamp,
    difference: Difference,
    now: UnixNanos,
) -> Result<()> {
    let what = "recording a change";
    // The content that this name had may have another name now.
    write
        .prepare_cached(
            "INSERT OR REPLACE INTO displaced (place_id, folder_id, asset_id, inode, size_bytes, mtime_ns)
             SELECT id, folder_id, asset_id, inode, size_bytes, mtime_ns FROM places
             WHERE id=?1 AND role=1 AND asset_id IS NOT NULL
               AND (inode<>?2 OR size_bytes<>?3 OR mtime_ns<>?4)",
        )
        .and_then(|mut s| {
            s.execute(params![place_id, stamp.inode as i64, stamp.size_bytes, stamp.mtime_ns])
        })
        .map_err(sql(what))?;
    let (was_gone, asset): (bool, Option<i64>) = write
        .prepare_cached("SELECT state=1, asset_id FROM places WHERE id=?")
        .and_then(|mut s| s.query_row([place_id], |row| Ok((row.get(0)?, row.get(1)?))))
        .map_err(sql(what))?;
    // A sidecar stays one whatever it holds; everything else is looked at
    // again when its content may be another.
    let update = match difference {
        Difference::Content => "role=CASE WHEN role=2 THEN 2 ELSE 0 END, recheck=0",
        Difference::Attributes => "recheck=CASE WHEN role=1 THEN 1 ELSE 0 END",
    };
    write
        .prepare_cached(&format!(
            "UPDATE places SET {update}, state=0, size_bytes=?2, mtime_ns=?3, ctime_ns=?4, inode=?5,
                    last_seen_ns=?6 WHERE id=?1"
        ))
        .and_then(|mut s| {
            s.execute(params![
                place_id,
                stamp.size_bytes,
                stamp.mtime_ns,
                stamp.ctime_ns,
                stamp.inode as i64,
                now
            ])
        })
        .map_err(sql(what))?;
    if let Some(asset) = asset.filter(|_| was_gone) {
        refresh(write, asset)?;
        if difference == Difference::Attributes {
            record_event(write, asset, now, "returned", &shown_place(write, place_id)?)?;
        }
    }
    Ok(())
}

/// A place that a complete scan missed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MissedPlace {
    /// Its number.
    pub id: i64,
    /// Its file's number on the device.
    pub inode: u64,
    /// Bytes.
    pub size_bytes: u64,
    /// Last change of the content.
    pub mtime_ns: i64,
}

/// The number of the newest folder's row, 0 without any.
///
/// # Errors
/// When the catalogue cannot be read.
pub fn newest_folder(reader: &Connection) -> Result<i64> {
    reader
        .query_row("SELECT coalesce(max(id),0) FROM folders", [], |row| row.get(0))
        .map_err(sql("reading the folders"))
}

/// What a scan met below a root.
#[derive(Clone, Debug, Default)]
pub struct Met {
    /// The newest folder's number when the scan began: what is newer was met
    /// by it, or by another scan meanwhile.
    pub newest_folder: i64,
    /// Numbers of the folders that were read.
    pub folders: std::collections::HashSet<i64>,
    /// Paths of those that are on another volume than the root, and which.
    pub mounted: std::collections::HashMap<Vec<u8>, u64>,
}

impl Met {
    /// Whether the volume that this folder is on is mounted there now.
    fn has_mount_of(&self, path: &[u8], device: u64) -> bool {
        let ends = path.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(at, _)| at);
        ends.chain([path.len()]).any(|end| {
            path.get(..end).is_some_and(|above| self.mounted.get(above) == Some(&device))
        })
    }
}

/// Places that are present by their rows, in folders of this root (from
/// `below` on, when that is not empty) that the scan did not meet. Folders on
/// a volume that was mounted below the root and is not there now are left
/// out.
///
/// # Errors
/// When the catalogue cannot be read.
pub fn places_outside(
    reader: &Connection,
    root_id: i64,
    below: &[u8],
    met: &Met,
    each: &mut dyn FnMut(MissedPlace),
) -> Result<()> {
    let what = "looking for folders that are missing";
    let mut folders = reader
        .prepare_cached("SELECT id, path, mounted, device FROM folders WHERE root_id=? AND id<=?")
        .map_err(sql(what))?;
    let mut rows = folders.query(params![root_id, met.newest_folder]).map_err(sql(what))?;
    while let Some(row) = rows.next().map_err(sql(what))? {
        let read = || -> rusqlite::Result<(i64, Vec<u8>, bool, i64)> {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
        };
        let (folder, path, was_mounted, device) = read().map_err(sql(what))?;
        let is_inside = below.is_empty()
            || path
                .strip_prefix(below)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"));
        let is_away = was_mounted && !met.has_mount_of(&path, device as u64);
        if !is_inside || met.folders.contains(&folder) || is_away {
            continue;
        }
        for place in known_places(reader, folder)?.iter().filter(|place| !place.is_gone) {
            each(MissedPlace::from(place));
        }
    }
    Ok(())
}

impl From<&KnownPlace> for MissedPlace {
    fn from(place: &KnownPlace) -> MissedPlace {
        MissedPlace {
            id: place.id,
            inode: place.stamp.inode,
            size_bytes: place.stamp.size_bytes,
            mtime_ns: place.stamp.mtime_ns,
        }
    }
}

/// A place whose content is to be looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingPlace {
    /// Its number.
    pub id: i64,
    /// Its root.
    pub root_id: i64,
    /// Relative path of folder and name.
    pub path: Vec<u8>,
    /// The stamp it had when it was listed.
    pub stamp: FileStamp,
    /// What it was.
    pub is_unsettled: bool,
    /// Whether it was looked at before and only its fingerprint is to be compared.
    pub recheck: bool,
    /// Public name of the asset that it held when it was looked at.
    pub asset: Option<String>,
    /// When its name was first seen.
    pub first_seen_ns: UnixNanos,
}

/// The next places of these roots that are to be looked at, after this
/// number; those that were still changing only, or all.
///
/// # Errors
/// When the catalogue cannot be read.
pub fn pending_places(
    reader: &Connection,
    roots: &[i64],
    only_unsettled: bool,
    after: i64,
    limit: u32,
) -> Result<Vec<PendingPlace>> {
    // CROSS JOIN keeps the order: places by number first, never all of a root.
    let pending = if only_unsettled { "role=4" } else { "(role IN (0,4) OR recheck=1)" };
    let roots = roots.iter().map(i64::to_string).collect::<Vec<_>>().join(",");
    reader
        .prepare_cached(&format!(
            "SELECT places.id, root_id, path, name, size_bytes, mtime_ns, ctime_ns, inode,
                    role=4, recheck=1 AND role=1,
                    (SELECT public_id FROM assets WHERE assets.id=asset_id), first_seen_ns
             FROM places CROSS JOIN folders ON folders.id=folder_id
             WHERE {pending} AND state=0 AND places.id>?1 AND root_id IN ({roots})
             ORDER BY places.id LIMIT ?2"
        ))
        .and_then(|mut statement| {
            statement
                .query_map(params![after, limit], |row| {
                    Ok(PendingPlace {
                        id: row.get(0)?,
                        root_id: row.get(1)?,
                        path: join(row.get(2)?, &row.get::<_, Vec<u8>>(3)?),
                        stamp: FileStamp {
                            size_bytes: row.get(4)?,
                            mtime_ns: row.get(5)?,
                            ctime_ns: row.get(6)?,
                            inode: row.get::<_, i64>(7)? as u64,
                            device: 0,
                        },
                        is_unsettled: row.get(8)?,
                        recheck: row.get(9)?,
                        asset: row.get(10)?,
                        first_seen_ns: row.get(11)?,
                    })
                })?
                .collect()
        })
        .map_err(sql("listing what is to be looked at"))
}

/// A folder's relative path and a name in it.
pub(crate) fn join(mut folder: Vec<u8>, name: &[u8]) -> Vec<u8> {
    if !folder.is_empty() {
        folder.push(b'/');
    }
    folder.extend_from_slice(name);
    folder
}

/// A new place is the missed one under another name: the missed one's row
/// takes over folder and name, so that everything about it stays. What was a
/// sidecar or no media may be an asset by its new name, and is looked at anew.
///
/// # Errors
/// When it cannot be stored.
pub fn record_move(write: &Transaction<'_>, missed: i64, new: i64, now: UnixNanos) -> Result<()> {
    let what = "recording a move";
    let from = shown_place(write, missed)?;
    let (folder, old_folder): (i64, i64) = write
        .prepare_cached(
            "SELECT (SELECT folder_id FROM places WHERE id=?1), (SELECT folder_id FROM places WHERE id=?2)",
        )
        .and_then(|mut s| s.query_row([new, missed], |row| Ok((row.get(0)?, row.get(1)?))))
        .map_err(sql(what))?;
    // What belongs to the new name goes on belonging to it.
    write
        .prepare_cached("UPDATE places SET owner_id=?2 WHERE owner_id=?1")
        .and_then(|mut s| s.execute([new, missed]))
        .map_err(sql(what))?;
    let (name, ctime, inode, replaced): (Vec<u8>, i64, i64, Option<i64>) = write
        .prepare_cached("DELETE FROM places WHERE id=? RETURNING name, ctime_ns, inode, asset_id")
        .and_then(|mut s| {
            s.query_row([new], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))
        })
        .map_err(sql(what))?;
    write
        .prepare_cached(
            "UPDATE places SET folder_id=?2, name=?3, ctime_ns=?4, inode=?5, last_seen_ns=?6, state=0,
                    recheck=(role=1), role=(role=1), owner_id=NULL
             WHERE id=?1",
        )
        .and_then(|mut s| s.execute(params![missed, folder, name, ctime, inode, now]))
        .map_err(sql(what))?;
    let asset: Option<i64> = write
        .prepare_cached("SELECT asset_id FROM places WHERE id=?")
        .and_then(|mut s| s.query_row([missed], |row| row.get(0)))
        .map_err(sql(what))?;
    // The name was known: what it held is somewhere else now, or nowhere.
    if let Some(replaced) = replaced.filter(|replaced| Some(*replaced) != asset) {
        refresh(write, replaced)?;
        let detail = format!("other content at {}", shown_place(write, missed)?);
        record_event(write, replaced, now, "changed", &detail)?;
    }
    if let Some(asset) = asset {
        refresh(write, asset)?;
        crate::words::index(write, asset)?;
        let kind = if folder == old_folder { "renamed" } else { "moved" };
        let to = shown_place(write, missed)?;
        record_event(write, asset, now, kind, &format!("{from} to {to}"))?;
    }
    Ok(())
}

/// Marks a place gone.
///
/// # Errors
/// When it cannot be stored.
pub fn record_gone(write: &Transaction<'_>, place: i64, now: UnixNanos) -> Result<()> {
    let asset: Option<i64> = write
        .prepare_cached(
            "UPDATE places SET state=1, last_seen_ns=max(last_seen_ns, coalesce(
                (SELECT last_scan_ns FROM roots JOIN folders ON root_id=roots.id
                 WHERE folders.id=folder_id), 0))
             WHERE id=?1 RETURNING asset_id",
        )
        .and_then(|mut s| s.query_row([place], |row| row.get(0)))
        .map_err(sql("marking a place gone"))?;
    if let Some(asset) = asset {
        refresh(write, asset)?;
        record_event(write, asset, now, "vanished", &shown_place(write, place)?)?;
    }
    Ok(())
}

/// The place's path, safe to show.
///
/// # Errors
/// When the catalogue cannot be read.
pub fn shown_place(reader: &Connection, place: i64) -> Result<String> {
    reader
        .prepare_cached(
            "SELECT roots.path, folders.path, places.name FROM places
             JOIN folders ON folders.id=folder_id JOIN roots ON roots.id=root_id WHERE places.id=?",
        )
        .and_then(|mut s| {
            s.query_row([place], |row| {
                Ok(shown_path(&row.get::<_, Vec<u8>>(0)?, row.get(1)?, &row.get::<_, Vec<u8>>(2)?))
            })
        })
        .map_err(sql("reading a place"))
}

/// Full path from its parts, safe to show.
pub(crate) fn shown_path(root: &[u8], folder: Vec<u8>, name: &[u8]) -> String {
    rushes_media::display_name(&full_path(root, folder, name))
}

/// Full path from its parts.
pub(crate) fn full_path(root: &[u8], folder: Vec<u8>, name: &[u8]) -> Vec<u8> {
    let mut path = root.strip_suffix(b"/").unwrap_or(root).to_vec();
    path.push(b'/');
    path.extend(join(folder, name));
    path
}
