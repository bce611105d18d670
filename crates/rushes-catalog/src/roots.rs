//! The folders that a person registered.

use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rushes_media::{Error, ErrorKind, Result, UnixNanos, display_name};
use rushes_store::volume_number;
use rusqlite::{Connection, OptionalExtension, Transaction, params};

use crate::assets::refresh;
use crate::database::{Catalog, sql};
use crate::model::{RootRow, rfc3339};

/// A registered root, as a scan needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegisteredRoot {
    /// Its number.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// Its path.
    pub path: PathBuf,
    /// The volume that it was seen on.
    pub volume: Option<String>,
}

/// How a root was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RootState {
    /// There, with files in it.
    Online,
    /// Not there, or another volume is.
    Offline,
    /// There, but without anything, though it held files.
    Empty,
}

impl RootState {
    /// Its name, as stored.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            RootState::Online => "online",
            RootState::Offline => "offline",
            RootState::Empty => "empty",
        }
    }
}

pub(crate) fn path_of(bytes: Vec<u8>) -> PathBuf {
    use std::os::unix::ffi::OsStringExt;
    std::ffi::OsString::from_vec(bytes).into()
}

impl Catalog {
    /// Every registered root, in the order of registration.
    ///
    /// # Errors
    /// When the catalogue cannot be read.
    pub fn roots(&self) -> Result<Vec<RegisteredRoot>> {
        self.read(registered)
    }

    /// Registers a folder (an absolute path without links in it), under this
    /// name or that of the folder. One that is registered already is given
    /// back, and takes the volume that is there now for its own.
    ///
    /// # Errors
    /// `Conflict` when another root has the name.
    pub fn add_root(
        &self,
        path: &Path,
        name: Option<&str>,
        volume: &str,
        now: UnixNanos,
    ) -> Result<RegisteredRoot> {
        let bytes = path.as_os_str().as_bytes();
        self.write(|write| {
            let known: Option<i64> = write
                .query_row("SELECT id FROM roots WHERE path=?", [bytes], |row| row.get(0))
                .optional()
                .map_err(sql("registering a root"))?;
            if let Some(id) = known {
                write
                    .execute("UPDATE roots SET volume=? WHERE id=?", params![volume, id])
                    .map_err(sql("registering a root"))?;
                change_state(write, id, RootState::Online)?;
            } else {
                let name = match name {
                    Some(name) => name.to_owned(),
                    None => free_name(write, path)?,
                };
                write
                    .execute(
                        "INSERT INTO roots (name, path, volume, state, added_ns) VALUES (?,?,?,'online',?)",
                        params![name, bytes, volume, now],
                    )
                    .map_err(|error| match sql("registering a root")(error) {
                        found if found.kind == ErrorKind::Conflict => Error::new(
                            ErrorKind::Conflict,
                            "registering a root",
                            format!("another root is named {name:?}"),
                        )
                        .remedy("choose another --name"),
                        found => found,
                    })?;
                adopt_folders(write, write.last_insert_rowid(), bytes)?;
            }
            note_change(write)?;
            write
                .query_row("SELECT id, name, volume FROM roots WHERE path=?", [bytes], |row| {
                    Ok(RegisteredRoot {
                        id: row.get(0)?,
                        name: row.get(1)?,
                        path: path.to_owned(),
                        volume: row.get(2)?,
                    })
                })
                .map_err(sql("registering a root"))
        })
    }

    /// Forgets a root. Its places fall to the root around it; without one they
    /// are forgotten too, and assets that are nowhere else stay, as gone, with
    /// all that people said about them. No file is touched.
    ///
    /// # Errors
    /// `NotFound` when no root has this name.
    pub fn remove_root(&self, name: &str) -> Result<()> {
        self.write(|write| {
            let what = "removing a root";
            let id: i64 = write
                .query_row("SELECT id FROM roots WHERE name=?", [name], |row| row.get(0))
                .optional()
                .map_err(sql(what))?
                .ok_or_else(|| {
                    Error::new(ErrorKind::NotFound, what, format!("no root is named {name:?}"))
                        .remedy("see rushes paths list")
                })?;
            hand_folders_back(write, id)?;
            let assets: Vec<i64> = write
                .prepare(
                    "SELECT DISTINCT asset_id FROM places JOIN folders ON folders.id=folder_id
                     WHERE root_id=? AND asset_id IS NOT NULL",
                )
                .and_then(|mut s| s.query_map([id], |row| row.get(0))?.collect())
                .map_err(sql(what))?;
            write.execute("DELETE FROM roots WHERE id=?", [id]).map_err(sql(what))?;
            for asset in assets {
                refresh(write, asset)?;
            }
            note_change(write)
        })
    }

    /// The roots with their totals.
    ///
    /// # Errors
    /// When the catalogue cannot be read.
    pub fn root_rows(&self) -> Result<Vec<RootRow>> {
        self.read(|reader| {
            let mut statement = reader
                .prepare_cached(
                    "SELECT name, path, state, last_scan_ns,
                       (SELECT count(*) FROM folders JOIN places ON folder_id=folders.id
                        WHERE root_id=roots.id AND role=1 AND places.state=0),
                       (SELECT coalesce(sum(size_bytes),0) FROM folders JOIN places ON folder_id=folders.id
                        WHERE root_id=roots.id AND role=1 AND places.state=0)
                     FROM roots ORDER BY id",
                )
                .map_err(sql("listing the roots"))?;
            let rows = statement.query_map([], |row| {
                Ok(RootRow {
                    name: row.get(0)?,
                    path: display_name(&row.get::<_, Vec<u8>>(1)?),
                    state: row.get(2)?,
                    last_scan: row.get::<_, Option<i64>>(3)?.map(rfc3339),
                    places: row.get(4)?,
                    size_bytes: row.get(5)?,
                })
            });
            rows.and_then(Iterator::collect).map_err(sql("listing the roots"))
        })
    }

    /// Notes that a part of a root, or all of it, was read without a gap at this
    /// time, from this volume. Only then may anything in it be gone.
    ///
    /// # Errors
    /// When it cannot be stored.
    pub fn set_root_read(&self, id: i64, volume: &str, now: UnixNanos) -> Result<()> {
        self.write(|write| {
            write
                .execute(
                    "UPDATE roots SET last_read_ns=?, volume=? WHERE id=?",
                    params![now, volume, id],
                )
                .map_err(sql("noting that a root was read"))?;
            if change_state(write, id, RootState::Online)? { note_change(write) } else { Ok(()) }
        })
    }

    /// Notes that a scan which read all of a root at this time has ended.
    ///
    /// # Errors
    /// When it cannot be stored.
    pub fn set_root_scanned(&self, id: i64, now: UnixNanos) -> Result<()> {
        self.write(|write| {
            write
                .execute("UPDATE roots SET last_scan_ns=? WHERE id=?", params![now, id])
                .map_err(sql("noting a root's scan"))?;
            note_change(write)
        })
    }

    /// Whether a root holds any place that is there by its row.
    ///
    /// # Errors
    /// When the catalogue cannot be read.
    pub fn root_has_places(&self, id: i64) -> Result<bool> {
        self.read(|reader| {
            reader
                .query_row(
                    "SELECT EXISTS (SELECT 1 FROM folders JOIN places ON folder_id=folders.id
                                    WHERE root_id=? AND state=0)",
                    [id],
                    |row| row.get(0),
                )
                .map_err(sql("reading a root"))
        })
    }

    /// Notes how a root was found.
    ///
    /// # Errors
    /// When it cannot be stored.
    pub fn set_root_state(&self, id: i64, state: RootState) -> Result<()> {
        self.write(
            |write| {
                if change_state(write, id, state)? { note_change(write) } else { Ok(()) }
            },
        )
    }
}

/// Every registered root, in the order of registration.
///
/// # Errors
/// When the catalogue cannot be read.
pub fn registered(reader: &Connection) -> Result<Vec<RegisteredRoot>> {
    let mut statement = reader
        .prepare_cached("SELECT id, name, path, volume FROM roots ORDER BY id")
        .map_err(sql("listing the roots"))?;
    let rows = statement.query_map([], |row| {
        Ok(RegisteredRoot {
            id: row.get(0)?,
            name: row.get(1)?,
            path: path_of(row.get(2)?),
            volume: row.get(3)?,
        })
    });
    rows.and_then(Iterator::collect).map_err(sql("listing the roots"))
}

fn bytes_of(path: &Path) -> &[u8] {
    path.as_os_str().as_bytes()
}

/// Stores a root's state; whether it is another than before. An asset that is
/// in other roots too then shows the place that can be had.
fn change_state(write: &Transaction<'_>, id: i64, state: RootState) -> Result<bool> {
    let what = "noting a root's state";
    let changed = write
        .execute("UPDATE roots SET state=?1 WHERE id=?2 AND state<>?1", params![state.name(), id])
        .map_err(sql(what))?;
    if changed > 0 {
        let shared: Vec<i64> = write
            .prepare_cached(
                "SELECT DISTINCT assets.id FROM folders JOIN places ON folder_id=folders.id
                 JOIN assets ON assets.id=asset_id WHERE root_id=? AND assets.present>1",
            )
            .and_then(|mut s| s.query_map([id], |row| row.get(0))?.collect())
            .map_err(sql(what))?;
        for asset in shared {
            refresh(write, asset)?;
        }
    }
    Ok(changed > 0)
}

/// Tells everybody who watches that what people see has changed.
///
/// # Errors
/// When it cannot be stored.
pub fn note_change(write: &Transaction<'_>) -> Result<()> {
    write
        .prepare_cached("UPDATE counters SET value=value+1 WHERE name='version'")
        .and_then(|mut statement| statement.execute([]))
        .map(drop)
        .map_err(sql("noting a change"))
}

/// The folder's own name, with a number when another root has it.
fn free_name(reader: &Connection, path: &Path) -> Result<String> {
    let base = path.file_name().map_or_else(|| "root".into(), |n| display_name(n.as_bytes()));
    for number in 1..10_000 {
        let name = if number == 1 { base.clone() } else { format!("{base}-{number}") };
        let taken: bool = reader
            .query_row("SELECT EXISTS (SELECT 1 FROM roots WHERE name=?)", [&name], |row| {
                row.get(0)
            })
            .map_err(sql("naming a root"))?;
        if !taken {
            return Ok(name);
        }
    }
    Err(Error::new(ErrorKind::Conflict, "naming a root", "too many have this name")
        .remedy("choose a --name"))
}

/// A root inside another takes over the rows of its folders, so that their
/// files are not taken for new ones.
fn adopt_folders(write: &Transaction<'_>, id: i64, path: &[u8]) -> Result<()> {
    let what = "taking folders over from the root around them";
    let outer: Vec<(i64, Vec<u8>)> = write
        .prepare("SELECT id, path FROM roots WHERE id<>? ORDER BY length(path) DESC")
        .and_then(|mut s| s.query_map([id], |row| Ok((row.get(0)?, row.get(1)?)))?.collect())
        .map_err(sql(what))?;
    for (outer_id, outer_path) in outer {
        let Some(relative) = relative_to(path, &outer_path) else { continue };
        // What was said of these folders came from scans of the outer root.
        write
            .execute(
                "UPDATE roots SET (last_scan_ns, last_read_ns)=
                   (SELECT last_scan_ns, last_read_ns FROM roots WHERE id=?2) WHERE id=?1",
                params![id, outer_id],
            )
            .map_err(sql(what))?;
        // What was mounted in the outer root may be the volume of this one.
        let own_device: Option<i64> = write
            .query_row(
                "SELECT device FROM folders WHERE root_id=? AND path=?",
                params![outer_id, relative],
                |row| row.get(0),
            )
            .optional()
            .map_err(sql(what))?;
        let mut below = relative.to_vec();
        below.push(b'/');
        let mut above = relative.to_vec();
        above.push(b'/' + 1);
        write
            .execute(
                "UPDATE folders SET root_id=?1, mounted=(mounted AND device IS NOT ?7),
                   path=CASE WHEN path=?3 THEN x'' ELSE substr(path, ?4) END
                 WHERE root_id=?2 AND (path=?3 OR (path>=?5 AND path<?6))",
                params![id, outer_id, relative, below.len() as i64 + 1, below, above, own_device],
            )
            .map_err(sql(what))?;
        return Ok(());
    }
    Ok(())
}

/// What a root inside another held goes to the one around it, so that nothing is
/// missing until that one is scanned.
fn hand_folders_back(write: &Transaction<'_>, id: i64) -> Result<()> {
    let what = "giving folders to the root around them";
    let roots = registered(write)?;
    let Some(own) = roots.iter().find(|root| root.id == id) else { return Ok(()) };
    let nearest = roots
        .iter()
        .filter_map(|outer| Some((outer, relative_to(bytes_of(&own.path), bytes_of(&outer.path))?)))
        .min_by_key(|(_, relative)| relative.len());
    let Some((outer, relative)) = nearest else { return Ok(()) };
    let mut below = relative.to_vec();
    below.push(b'/');
    // All of the outer root was read when the older of the two was.
    write
        .execute(
            "UPDATE roots SET last_scan_ns=min(last_scan_ns, own.last_scan),
               last_read_ns=coalesce(max(last_read_ns, own.last_read), last_read_ns, own.last_read)
             FROM (SELECT last_scan_ns AS last_scan, last_read_ns AS last_read
                   FROM roots WHERE id=?1) AS own
             WHERE roots.id=?2",
            params![id, outer.id],
        )
        .map_err(sql(what))?;
    // A root on a volume of its own is one that is mounted in the outer root.
    let mounted = own.volume.as_ref().filter(|volume| outer.volume.as_ref() != Some(volume));
    let mounted = mounted.map(|volume| volume_number(volume) as i64);
    // OR IGNORE: a scan of the outer root may have recorded such a folder before it
    // knew of this root.
    write
        .execute(
            "UPDATE OR IGNORE folders SET root_id=?2,
               path=CASE WHEN path=x'' THEN ?3 ELSE CAST(?4 || path AS BLOB) END,
               device=CASE WHEN mounted=0 THEN coalesce(?5, device) ELSE device END,
               mounted=(mounted OR ?5 IS NOT NULL)
             WHERE root_id=?1",
            params![id, outer.id, relative, below, mounted],
        )
        .map_err(sql(what))?;
    write
        .execute(
            "UPDATE OR IGNORE places SET folder_id=other.id
             FROM folders AS own JOIN folders AS other ON other.root_id=?2
               AND other.path=CASE WHEN own.path=x'' THEN ?3 ELSE CAST(?4 || own.path AS BLOB) END
             WHERE own.root_id=?1 AND places.folder_id=own.id",
            params![id, outer.id, relative, below],
        )
        .map_err(sql(what))?;
    // The one around may be there while this one is not: another place may be the
    // one to show.
    let shared: Vec<i64> = write
        .prepare(
            "SELECT DISTINCT assets.id FROM folders JOIN places ON folder_id=folders.id
             JOIN assets ON assets.id=asset_id
             WHERE root_id=?1 AND (folders.path=?2 OR (folders.path>=?3 AND folders.path<?4))
               AND assets.present>1",
        )
        .and_then(|mut s| {
            let mut above = relative.to_vec();
            above.push(b'/' + 1);
            s.query_map(params![outer.id, relative, below, above], |row| row.get(0))?.collect()
        })
        .map_err(sql(what))?;
    shared.into_iter().try_for_each(|asset| refresh(write, asset))
}

/// The part of `path` below `outer`, when it is inside.
#[must_use]
pub fn relative_to<'a>(path: &'a [u8], outer: &[u8]) -> Option<&'a [u8]> {
    let outer = outer.strip_suffix(b"/").unwrap_or(outer);
    let rest = path.strip_prefix(outer)?.strip_prefix(b"/")?;
    (!rest.is_empty()).then_some(rest)
}
