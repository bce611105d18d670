//! Assets: made at first sight, told apart by their bytes, merged when two
//! turn out to be one.

use rushes_media::{Error, ErrorKind, MediaKind, Result, UnixNanos};
use rushes_store::{FileStamp, Hashes, Sampled};
use rusqlite::{OptionalExtension, Transaction, params};

use crate::database::sql;
use crate::places::shown_place;
use crate::roots::note_change;
use crate::words;

/// What a look at a new or changed place found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Identified {
    /// Content that was not known; a new asset.
    New,
    /// The same content as before.
    Same,
    /// Other content than before at this place.
    Changed,
    /// Content that is elsewhere too.
    Copied,
    /// Content that was elsewhere and is there no more.
    Moved,
    /// Perhaps content of which every place is gone: its size and
    /// fingerprint agree with this asset. Hash the file to find out.
    AskForHash,
}

/// Records what a look at a place found: which asset it holds.
///
/// `hashes` are the file's full hashes when they were worked out beyond what
/// sampling gave, `guess` the kind by its name, when the name tells.
///
/// # Errors
/// When it cannot be stored.
pub fn identify(
    write: &Transaction<'_>,
    place: i64,
    sampled: &Sampled,
    hashes: Option<&Hashes>,
    guess: Option<MediaKind>,
    now: UnixNanos,
) -> Result<Identified> {
    let what = "recording what a file is";
    let found = PlaceRow::read(write, place)?;
    let old = found.asset;
    let hashes = hashes.or(sampled.hashes.as_ref());
    if let Some(old) = old {
        let (fingerprint, old_size, blake3): (Vec<u8>, u64, Option<Vec<u8>>) = write
            .prepare_cached("SELECT fingerprint, size_bytes, blake3 FROM assets WHERE id=?")
            .and_then(|mut s| s.query_row([old], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))))
            .map_err(sql(what))?;
        let same = match (hashes, &blake3) {
            (Some(hashes), Some(blake3)) => hashes.blake3[..] == blake3[..],
            // Samples alike do not tell it from what is known to have come here.
            _ => {
                old_size == found.size_bytes
                    && fingerprint == sampled.fingerprint.0
                    && displaced(write, &found, sampled)?.is_none_or(|(asset, _)| asset == old)
            }
        };
        if same {
            // The time of change moved but not what was looked at: the full
            // hash, once known, is confirmed before it is relied on again.
            if hashes.is_none() {
                write
                    .prepare_cached("UPDATE assets SET rehash=(blake3 IS NOT NULL) WHERE id=?")
                    .and_then(|mut s| s.execute([old]))
                    .map_err(sql(what))?;
            }
            settle(write, place, old)?;
            refresh(write, old)?;
            return Ok(Identified::Same);
        }
    }
    let outcome = match find_same(write, &found, sampled, hashes)? {
        Found::Asset(asset, left) => {
            let elsewhere: bool = write
                .prepare_cached(
                    "SELECT EXISTS (SELECT 1 FROM places WHERE asset_id=?1 AND state=0 AND id IS NOT ?2)",
                )
                .and_then(|mut s| s.query_row(params![asset, left], |row| row.get(0)))
                .map_err(sql(what))?;
            attach(write, place, asset, now)?;
            if let Some(left) = left {
                // A name says nothing of the bytes: a hash that is known is confirmed.
                write
                    .prepare_cached("UPDATE assets SET rehash=(blake3 IS NOT NULL) WHERE id=?")
                    .and_then(|mut s| s.execute([asset]))
                    .map_err(sql(what))?;
                forget_displaced(write, left)?;
            }
            words::index(write, asset)?;
            let kind = if elsewhere { "copied" } else { "moved" };
            record_event(write, asset, now, kind, &format!("to {}", shown_place(write, place)?))?;
            if elsewhere { Identified::Copied } else { Identified::Moved }
        }
        Found::PerhapsGone => return Ok(Identified::AskForHash),
        Found::Nothing => {
            create(write, &found, sampled, hashes, guess, now)?;
            if old.is_some() { Identified::Changed } else { Identified::New }
        }
    };
    if let Some(old) = old {
        refresh(write, old)?;
        record_event(
            write,
            old,
            now,
            "changed",
            &format!("other content at {}", shown_place(write, place)?),
        )?;
    }
    Ok(outcome)
}

/// A place's row with what an asset copies of it.
struct PlaceRow {
    id: i64,
    asset: Option<i64>,
    size_bytes: u64,
    mtime_ns: i64,
    inode: i64,
    name: Vec<u8>,
    folder: Vec<u8>,
    root: Vec<u8>,
    device: i64,
}

impl PlaceRow {
    fn read(write: &Transaction<'_>, place: i64) -> Result<PlaceRow> {
        write
            .prepare_cached(
                "SELECT asset_id, size_bytes, mtime_ns, inode, places.name, folders.path, roots.path, device
                 FROM places JOIN folders ON folders.id=folder_id JOIN roots ON roots.id=root_id
                 WHERE places.id=?",
            )
            .and_then(|mut s| {
                s.query_row([place], |row| {
                    Ok(PlaceRow {
                        id: place,
                        asset: row.get(0)?,
                        size_bytes: row.get(1)?,
                        mtime_ns: row.get(2)?,
                        inode: row.get(3)?,
                        name: row.get(4)?,
                        folder: row.get(5)?,
                        root: row.get(6)?,
                        device: row.get(7)?,
                    })
                })
            })
            .map_err(sql("recording what a file is"))
    }
}

enum Found {
    Nothing,
    /// An asset, and the place that it left for this one.
    Asset(i64, Option<i64>),
    PerhapsGone,
}

/// The asset whose file this is by number, size and time on its volume and by
/// its samples, though the name that it had is another file's by now; and the
/// place of that name.
fn displaced(
    write: &Transaction<'_>,
    place: &PlaceRow,
    sampled: &Sampled,
) -> Result<Option<(i64, i64)>> {
    write
        .prepare_cached(
            "SELECT displaced.asset_id, displaced.place_id FROM displaced
             JOIN assets ON assets.id=displaced.asset_id
             JOIN folders ON folders.id=folder_id
             WHERE displaced.inode=?1 AND displaced.size_bytes=?2 AND displaced.mtime_ns=?3
               AND folders.device=?4 AND assets.size_bytes=?2 AND assets.fingerprint=?5 LIMIT 1",
        )
        .and_then(|mut s| {
            s.query_row(
                params![
                    place.inode,
                    place.size_bytes,
                    place.mtime_ns,
                    place.device,
                    &sampled.fingerprint.0[..]
                ],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )
            .optional()
        })
        .map_err(sql("looking for content that had another name"))
}

/// What this place held before is found, or is there still.
fn forget_displaced(write: &Transaction<'_>, place: i64) -> Result<()> {
    write
        .prepare_cached("DELETE FROM displaced WHERE place_id=?")
        .and_then(|mut s| s.execute([place]))
        .map(drop)
        .map_err(sql("recording what a file is"))
}

fn find_same(
    write: &Transaction<'_>,
    place: &PlaceRow,
    sampled: &Sampled,
    hashes: Option<&Hashes>,
) -> Result<Found> {
    let what = "looking for the same content";
    if let Some(hashes) = hashes {
        let known: Option<i64> = write
            .prepare_cached("SELECT id FROM assets WHERE blake3=?")
            .and_then(|mut s| s.query_row([&hashes.blake3[..]], |row| row.get(0)).optional())
            .map_err(sql(what))?;
        return Ok(known.map_or(Found::Nothing, |asset| Found::Asset(asset, None)));
    }
    if let Some((asset, left)) = displaced(write, place, sampled)? {
        return Ok(Found::Asset(asset, Some(left)));
    }
    // Another name of the very same file: same number on the same device,
    // same size and time, and the same samples. The other name may be gone,
    // when the scan that missed it did not see this one; where its full hash
    // is known, that decides below.
    let linked: Option<i64> = write
        .prepare_cached(
            "SELECT other.asset_id FROM places other JOIN assets ON assets.id=other.asset_id
             JOIN folders ON folders.id=other.folder_id
             WHERE other.inode=?1 AND other.id<>?2 AND other.role=1
               AND (other.state=0 OR assets.blake3 IS NULL) AND other.size_bytes=?3 AND other.mtime_ns=?4 AND folders.device=?5
               AND assets.fingerprint=?6 ORDER BY other.state LIMIT 1",
        )
        .and_then(|mut s| {
            s.query_row(
                params![
                    place.inode,
                    place.id,
                    place.size_bytes,
                    place.mtime_ns,
                    place.device,
                    &sampled.fingerprint.0[..]
                ],
                |row| row.get(0),
            )
            .optional()
        })
        .map_err(sql(what))?;
    if let Some(asset) = linked {
        return Ok(Found::Asset(asset, None));
    }
    let gone: bool = write
        .prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM assets WHERE size_bytes=? AND fingerprint=?
                            AND present=0 AND blake3 IS NOT NULL)",
        )
        .and_then(|mut s| {
            s.query_row(params![place.size_bytes, &sampled.fingerprint.0[..]], |row| row.get(0))
        })
        .map_err(sql(what))?;
    Ok(if gone { Found::PerhapsGone } else { Found::Nothing })
}

/// Makes a new asset of what a place holds. Everything that `refresh` would
/// work out is known here, so that a first scan writes each row once.
fn create(
    write: &Transaction<'_>,
    place: &PlaceRow,
    sampled: &Sampled,
    hashes: Option<&Hashes>,
    guess: Option<MediaKind>,
    now: UnixNanos,
) -> Result<()> {
    let what = "recording a new asset";
    // OR FAIL: what is written of a statement that fails goes with the whole
    // transaction, so that SQLite need not keep the means to undo it alone.
    write
        .prepare_cached(
            "INSERT OR FAIL INTO assets (public_id, blake3, xxh3_128, fingerprint, size_bytes, added_ns,
                                         kind, present, place_id, name, batch, extension, modified_ns, sort_ns)
             VALUES (lower(hex(randomblob(10))), ?1, ?2, ?3, ?4, ?5, ?6, 1, ?7, ?8, ?9, ?10, ?11, ?11)",
        )
        .and_then(|mut s| {
            s.execute(params![
                hashes.map(|h| &h.blake3[..]),
                hashes.map(|h| &h.xxh3_128[..]),
                &sampled.fingerprint.0[..],
                place.size_bytes,
                now,
                guess.map_or("unknown", MediaKind::name),
                place.id,
                rushes_media::display_name(&place.name),
                batch_of(&place.root, &place.folder),
                extension_of(&place.name),
                place.mtime_ns
            ])
        })
        .map_err(sql(what))?;
    let asset = write.last_insert_rowid();
    write
        .prepare_cached(
            "UPDATE places SET asset_id=?2, role=1, recheck=0, last_seen_ns=?3 WHERE id=?1",
        )
        .and_then(|mut s| s.execute(params![place.id, asset, now]))
        .map(drop)
        .map_err(sql(what))
}

/// Lets a place hold an asset.
fn attach(write: &Transaction<'_>, place: i64, asset: i64, now: UnixNanos) -> Result<()> {
    let what = "recording what a file is";
    write
        .prepare_cached(
            "UPDATE places SET asset_id=?2, role=1, recheck=0, last_seen_ns=?3 WHERE id=?1",
        )
        .and_then(|mut s| s.execute(params![place, asset, now]))
        .map_err(sql(what))?;
    refresh(write, asset)
}

/// The place was looked at and holds what it held.
fn settle(write: &Transaction<'_>, place: i64, asset: i64) -> Result<()> {
    forget_displaced(write, place)?;
    write
        .prepare_cached("UPDATE places SET role=1, recheck=0, asset_id=?2 WHERE id=?1")
        .and_then(|mut s| s.execute([place, asset]))
        .map(drop)
        .map_err(sql("recording what a file is"))
}

/// Works an asset's copies of its places' facts out anew: whether it is
/// anywhere, which place is shown first, its name, batch and times.
pub(crate) fn refresh(write: &Transaction<'_>, asset: i64) -> Result<()> {
    let what = "updating an asset";
    let first: Option<i64> = write
        .prepare_cached(
            "SELECT places.id FROM places JOIN folders ON folders.id=folder_id
             JOIN roots ON roots.id=root_id WHERE asset_id=?
             ORDER BY places.state, roots.state='offline', places.id LIMIT 1",
        )
        .and_then(|mut s| s.query_row([asset], |row| row.get(0)).optional())
        .map_err(sql(what))?;
    let Some(first) = first else {
        return write
            .prepare_cached("UPDATE assets SET present=0, place_id=NULL WHERE id=?")
            .and_then(|mut s| s.execute([asset]))
            .map(drop)
            .map_err(sql(what));
    };
    let place = PlaceRow::read(write, first)?;
    write
        .prepare_cached(
            "UPDATE assets SET
               present=(SELECT count(*) FROM places WHERE asset_id=?1 AND state=0),
               place_id=?2, name=?3, batch=?4, extension=?5, modified_ns=?6,
               sort_ns=CASE WHEN captured IS NULL THEN ?6 ELSE sort_ns END
             WHERE id=?1",
        )
        .and_then(|mut s| {
            s.execute(params![
                asset,
                place.id,
                rushes_media::display_name(&place.name),
                batch_of(&place.root, &place.folder),
                extension_of(&place.name),
                place.mtime_ns
            ])
        })
        .map(drop)
        .map_err(sql(what))
}

/// The batch of a folder: its own name, the root's for the root itself, none
/// for `_INCOMING`.
fn batch_of(root: &[u8], folder: &[u8]) -> Option<String> {
    let path = if folder.is_empty() { root } else { folder };
    let name = path.rsplit(|&byte| byte == b'/').find(|part| !part.is_empty())?;
    (name != b"_INCOMING").then(|| rushes_media::display_name(name))
}

/// The extension in lower case, at most 16 letters and digits, else empty.
#[must_use]
pub fn extension_of(name: &[u8]) -> String {
    match name.iter().rposition(|&byte| byte == b'.') {
        Some(dot) if dot > 0 => {
            let extension = name.get(dot + 1..).unwrap_or_default();
            let plain = extension.len() <= 16 && extension.iter().all(u8::is_ascii_alphanumeric);
            if plain {
                String::from_utf8_lossy(extension).to_ascii_lowercase()
            } else {
                String::new()
            }
        }
        _ => String::new(),
    }
}

pub(crate) fn record_event(
    write: &Transaction<'_>,
    asset: i64,
    now: UnixNanos,
    kind: &str,
    detail: &str,
) -> Result<()> {
    write
        .prepare_cached("INSERT INTO events (asset_id, at_ns, kind, detail) VALUES (?,?,?,?)")
        .and_then(|mut s| s.execute(params![asset, now, kind, detail]))
        .map(drop)
        .map_err(sql("recording what happened"))
}

/// The place holds no media: its asset, if it was made for this place alone
/// and was never more than a guess, goes.
///
/// # Errors
/// When it cannot be stored.
pub fn record_no_media(write: &Transaction<'_>, asset: i64) -> Result<()> {
    let what = "recording that a file is no media";
    write
        .prepare_cached("UPDATE places SET role=3, asset_id=NULL WHERE asset_id=?")
        .and_then(|mut s| s.execute([asset]))
        .map_err(sql(what))?;
    words::remove(write, asset)?;
    write
        .prepare_cached("DELETE FROM assets WHERE id=?")
        .and_then(|mut s| s.execute([asset]))
        .map(drop)
        .map_err(sql(what))
}

/// These places of an asset hold no media by their names; the asset stays for
/// its other places.
///
/// # Errors
/// When it cannot be stored.
pub fn record_not_media_at(write: &Transaction<'_>, asset: i64, places: &[i64]) -> Result<()> {
    for place in places {
        write
            .prepare_cached("UPDATE places SET role=3, asset_id=NULL WHERE id=? AND asset_id=?")
            .and_then(|mut s| s.execute([*place, asset]))
            .map_err(sql("recording that a file is no media"))?;
    }
    if places.is_empty() { Ok(()) } else { refresh(write, asset) }
}

/// Marks a place as still changing; the next scan looks again.
///
/// # Errors
/// When it cannot be stored.
pub fn record_unsettled(
    write: &Transaction<'_>,
    place: i64,
    stamp: Option<&FileStamp>,
) -> Result<()> {
    let what = "recording that a file still changes";
    match stamp {
        None => write
            .prepare_cached("UPDATE places SET role=4 WHERE id=?")
            .and_then(|mut s| s.execute([place])),
        Some(stamp) => write
            .prepare_cached(
                "UPDATE places SET role=4, size_bytes=?2, mtime_ns=?3, ctime_ns=?4, inode=?5 WHERE id=?1",
            )
            .and_then(|mut s| {
                s.execute(params![
                    place,
                    stamp.size_bytes,
                    stamp.mtime_ns,
                    stamp.ctime_ns,
                    stamp.inode as i64
                ])
            }),
    }
    .map(drop)
    .map_err(sql(what))
}

/// What hashing an asset through one of its places showed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hashing {
    /// The hash is new and nothing else has it, or it was confirmed.
    Stored,
    /// Another asset has it: the two are one now.
    Merged,
    /// The place does not hold what the asset was: it is another asset now.
    Split,
}

/// Stores the full hashes of what this place holds.
///
/// # Errors
/// `Conflict` when the place changed since it was read.
pub fn record_hashes(
    write: &Transaction<'_>,
    place: i64,
    stamp: &FileStamp,
    hashes: &Hashes,
    now: UnixNanos,
) -> Result<Hashing> {
    let what = "recording a hash";
    let (asset, blake3): (i64, Option<Vec<u8>>) = write
        .prepare_cached(
            "SELECT asset_id, blake3 FROM places JOIN assets ON assets.id=asset_id
             WHERE places.id=? AND places.size_bytes=? AND places.mtime_ns=? AND places.role=1",
        )
        .and_then(|mut s| {
            s.query_row(params![place, stamp.size_bytes, stamp.mtime_ns], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .optional()
        })
        .map_err(sql(what))?
        .ok_or_else(|| {
            Error::new(ErrorKind::Conflict, what, "the file changed meanwhile").remedy("scan again")
        })?;
    let other: Option<i64> = write
        .prepare_cached("SELECT id FROM assets WHERE blake3=? AND id<>?")
        .and_then(|mut s| {
            s.query_row(params![&hashes.blake3[..], asset], |row| row.get(0)).optional()
        })
        .map_err(sql(what))?;
    note_change(write)?;
    match (blake3, other) {
        (Some(stored), _) if stored == hashes.blake3 => {
            write
                .prepare_cached("UPDATE assets SET rehash=0, xxh3_128=?2 WHERE id=?1")
                .and_then(|mut s| s.execute(params![asset, &hashes.xxh3_128[..]]))
                .map_err(sql(what))?;
            Ok(Hashing::Stored)
        }
        (Some(_), other) => {
            // The asset is known by another hash: this place holds other
            // content with the same size and samples.
            let target = match other {
                Some(other) => other,
                None => clone_for(write, asset, place, hashes, now)?,
            };
            attach(write, place, target, now)?;
            words::index(write, target)?;
            refresh(write, asset)?;
            write
                .prepare_cached("UPDATE assets SET rehash=(present>0) WHERE id=?")
                .and_then(|mut s| s.execute([asset]))
                .map_err(sql(what))?;
            record_event(
                write,
                asset,
                now,
                "changed",
                &format!("other content at {}", shown_place(write, place)?),
            )?;
            Ok(Hashing::Split)
        }
        (None, Some(other)) => {
            // Only this place is proven to hold it. The asset's other places
            // share its samples; they keep the asset until they are read too.
            let others: bool = write
                .prepare_cached("SELECT EXISTS (SELECT 1 FROM places WHERE asset_id=? AND id<>?)")
                .and_then(|mut s| s.query_row([asset, place], |row| row.get(0)))
                .map_err(sql(what))?;
            if others {
                attach(write, place, other, now)?;
                words::index(write, other)?;
                refresh(write, asset)?;
            } else {
                merge(write, asset, other, now)?;
            }
            Ok(Hashing::Merged)
        }
        (None, None) => {
            write
                .prepare_cached("UPDATE assets SET blake3=?2, xxh3_128=?3, rehash=0 WHERE id=?1")
                .and_then(|mut s| {
                    s.execute(params![asset, &hashes.blake3[..], &hashes.xxh3_128[..]])
                })
                .map_err(sql(what))?;
            Ok(Hashing::Stored)
        }
    }
}

/// A new asset with this hash for a place that was taken for another's.
fn clone_for(
    write: &Transaction<'_>,
    asset: i64,
    place: i64,
    hashes: &Hashes,
    now: UnixNanos,
) -> Result<i64> {
    write
        .prepare_cached(
            "INSERT INTO assets (public_id, blake3, xxh3_128, fingerprint, size_bytes, added_ns, kind,
                                 name, modified_ns, sort_ns)
             SELECT lower(hex(randomblob(10))), ?3, ?4, fingerprint, size_bytes, ?5, kind, '',
                    (SELECT mtime_ns FROM places WHERE id=?2), modified_ns
             FROM assets WHERE id=?1 RETURNING id",
        )
        .and_then(|mut s| {
            s.query_row(
                params![asset, place, &hashes.blake3[..], &hashes.xxh3_128[..], now],
                |row| row.get(0),
            )
        })
        .map_err(sql("recording a new asset"))
}

/// Two assets are one: everything of `from` goes to `into`, and the name of
/// `from` leads there.
fn merge(write: &Transaction<'_>, from: i64, into: i64, now: UnixNanos) -> Result<()> {
    let what = "merging two assets that are one";
    let was_present: bool = write
        .prepare_cached("SELECT present>0 FROM assets WHERE id=?")
        .and_then(|mut s| s.query_row([into], |row| row.get(0)))
        .map_err(sql(what))?;
    for statement in [
        "UPDATE places SET asset_id=?2 WHERE asset_id=?1",
        "INSERT OR IGNORE INTO tags SELECT ?2, tag FROM tags WHERE asset_id=?1",
        "UPDATE events SET asset_id=?2 WHERE asset_id=?1",
        "UPDATE asset_aliases SET asset_id=?2 WHERE asset_id=?1",
        "UPDATE displaced SET asset_id=?2 WHERE asset_id=?1",
        "UPDATE copies SET asset_id=?2 WHERE asset_id=?1",
        "INSERT INTO asset_aliases SELECT public_id, ?2 FROM assets WHERE id=?1",
    ] {
        write
            .prepare_cached(statement)
            .and_then(|mut s| s.execute([from, into]))
            .map_err(sql(what))?;
    }
    words::remove(write, from)?;
    write
        .prepare_cached("DELETE FROM assets WHERE id=?")
        .and_then(|mut s| s.execute([from]))
        .map_err(sql(what))?;
    refresh(write, into)?;
    words::index(write, into)?;
    let kind = if was_present { "copied" } else { "moved" };
    let place: Option<i64> = write
        .prepare_cached("SELECT max(id) FROM places WHERE asset_id=? AND state=0")
        .and_then(|mut s| s.query_row([into], |row| row.get(0)))
        .map_err(sql(what))?;
    match place {
        Some(place) => {
            record_event(write, into, now, kind, &format!("to {}", shown_place(write, place)?))
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extensions_and_batches() {
        assert_eq!(extension_of(b"a.tar.MOV"), "mov");
        assert_eq!(extension_of(b".mov"), "");
        assert_eq!(extension_of(b"a.\xff"), "");
        assert_eq!(batch_of(b"/m/Footage", b""), Some("Footage".into()));
        assert_eq!(batch_of(b"/m", b"2024/Trip"), Some("Trip".into()));
        assert_eq!(batch_of(b"/m", b"a/_INCOMING"), None);
    }
}
