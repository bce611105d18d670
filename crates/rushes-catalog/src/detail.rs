//! One asset with all that is known of it, and totals over all.

use std::sync::PoisonError;
use std::time::{Duration, Instant};

use rushes_media::{Error, ErrorKind, Probe, Result, display_name, name_to_url};
use rusqlite::{Connection, OptionalExtension, params};

use crate::database::{Catalog, sql};
use crate::model::{Asset, AssetRow, Event, Page, Place, Sidecar, Stats, Total, hex, rfc3339};
use crate::places::{full_path, shown_path};
use crate::search::{COLUMNS, COLUMNS_END, JOINED, asset_row};

/// Adding up that takes longer than this is not done for every change.
const SLOW: Duration = Duration::from_millis(50);

/// Totals that were added up before.
pub(crate) struct KeptStats {
    stats: Stats,
    version: i64,
    at: Instant,
    took: Duration,
}

/// The number of the asset with this name, or of the one it was merged into.
///
/// # Errors
/// `NotFound` when no asset has or had it.
pub fn asset_number(reader: &Connection, id: &str) -> Result<i64> {
    reader
        .prepare_cached(
            "SELECT id FROM assets WHERE public_id=?1
             UNION ALL SELECT asset_id FROM asset_aliases WHERE public_id=?1 LIMIT 1",
        )
        .and_then(|mut s| s.query_row([id], |row| row.get(0)).optional())
        .map_err(sql("looking an asset up"))?
        .ok_or_else(|| {
            let shown: String = id.chars().take(64).collect();
            Error::new(
                ErrorKind::NotFound,
                "looking an asset up",
                format!("no asset has the id {shown:?}"),
            )
            .remedy("search for it")
        })
}

impl Catalog {
    /// One asset with all that is known of it.
    ///
    /// # Errors
    /// `NotFound` when no asset has this id.
    pub fn asset(&self, id: &str) -> Result<Asset> {
        self.read(|reader| {
            let number = asset_number(reader, id)?;
            let what = "reading an asset";
            let (row, probe, blake3, xxh3, fingerprint, content, preview_error) = reader
                .prepare_cached(&format!(
                    "SELECT {COLUMNS}, probe, blake3, xxh3_128, fingerprint, content_identifier,
                            preview_error
                     FROM assets {JOINED} WHERE assets.id=?"
                ))
                .and_then(|mut s| {
                    s.query_row([number], |row| {
                        Ok((
                            asset_row(row)?,
                            row.get::<_, Option<String>>(COLUMNS_END)?,
                            row.get::<_, Option<Vec<u8>>>(COLUMNS_END + 1)?,
                            row.get::<_, Option<Vec<u8>>>(COLUMNS_END + 2)?,
                            row.get::<_, Vec<u8>>(COLUMNS_END + 3)?,
                            row.get::<_, Option<String>>(COLUMNS_END + 4)?,
                            row.get::<_, Option<String>>(COLUMNS_END + 5)?,
                        ))
                    })
                })
                .map_err(sql(what))?;
            Ok(Asset {
                probe: probe.and_then(|json| serde_json::from_str::<Probe>(&json).ok()),
                preview_error: preview_error.and_then(|json| serde_json::from_str(&json).ok()),
                places: places(reader, number)?,
                sidecars: sidecars(reader, number)?,
                live_photo_partner: match content {
                    Some(content) => partner(reader, number, &row, &content)?,
                    None => None,
                },
                blake3: blake3.map(|bytes| hex(&bytes)),
                xxh3_128: xxh3.map(|bytes| hex(&bytes)),
                fingerprint: hex(&fingerprint),
                tags: texts(reader, "SELECT tag FROM tags WHERE asset_id=? ORDER BY tag", number)?,
                events: events(reader, number)?,
                row,
            })
        })
    }

    /// One page of the assets seen last, newest first.
    ///
    /// # Errors
    /// `Invalid` when the cursor or the limit makes no sense.
    pub fn recent(&self, limit: u32, cursor: Option<&str>) -> Result<Page> {
        self.search("sort:added", limit, cursor, None)
    }

    /// Totals over the catalogue. They are added up when it has changed, but
    /// where that takes long, in a large one, at most a tenth of the time.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn stats(&self) -> Result<Stats> {
        let version = self.version()?;
        // Who comes meanwhile waits here for the totals, not for a turn to add up too.
        let mut kept = self.stats.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(kept) = &*kept
            && (kept.version == version || kept.at.elapsed() < kept.took * 10 && kept.took > SLOW)
        {
            return Ok(kept.stats.clone());
        }
        let at = Instant::now();
        let stats = self.add_up()?;
        *kept = Some(KeptStats { stats: stats.clone(), version, took: at.elapsed(), at });
        Ok(stats)
    }

    fn add_up(&self) -> Result<Stats> {
        self.read(|reader| {
            let what = "adding up the catalogue";
            let (assets, size_bytes, hashed, errors) = reader
                .query_row(
                    "SELECT count(*), coalesce(sum(size_bytes),0), coalesce(sum(blake3 IS NOT NULL AND rehash=0),0), coalesce(sum(probe_state=2),0)
                     FROM assets WHERE present>0",
                    [],
                    |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)),
                )
                .map_err(sql(what))?;
            let places = reader
                .query_row("SELECT count(*) FROM places WHERE role=1 AND state=0", [], |row| row.get(0))
                .map_err(sql(what))?;
            let by = |column: &str| {
                totals(reader, &format!(
                    "SELECT {column}, count(*), sum(size_bytes) FROM assets
                     WHERE present>0 AND {column} IS NOT NULL GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 1000"
                ))
            };
            Ok(Stats {
                assets,
                places,
                size_bytes,
                hashed,
                errors,
                by_kind: by("kind")?,
                by_codec: by("codec")?,
                by_batch: by("batch")?,
                by_mime: by("mime")?,
                by_root: totals(
                    reader,
                    "SELECT roots.name, count(*), sum(places.size_bytes) FROM places
                     JOIN folders ON folders.id=folder_id JOIN roots ON roots.id=root_id
                     WHERE role=1 AND places.state=0 GROUP BY roots.id ORDER BY roots.id",
                )?,
                by_state: totals(
                    reader,
                    "SELECT CASE WHEN present=0 THEN 'gone' WHEN roots.state='offline' THEN 'offline'
                                 ELSE 'present' END, count(*), sum(assets.size_bytes)
                     FROM assets LEFT JOIN places ON places.id=place_id
                     LEFT JOIN folders ON folders.id=folder_id LEFT JOIN roots ON roots.id=root_id
                     GROUP BY 1 ORDER BY 2 DESC",
                )?,
            })
        })
    }

    /// The batches, largest first.
    ///
    /// # Errors
    /// When the catalogue cannot be read.
    pub fn batches(&self) -> Result<Vec<Total>> {
        self.read(|reader| {
            totals(
                reader,
                "SELECT batch, count(*), sum(size_bytes) FROM assets
                 WHERE present>0 AND batch IS NOT NULL GROUP BY 1 ORDER BY 2 DESC, 1",
            )
        })
    }
}

fn totals(reader: &Connection, statement: &str) -> Result<Vec<Total>> {
    reader
        .prepare_cached(statement)
        .and_then(|mut s| {
            s.query_map([], |row| {
                Ok(Total { name: row.get(0)?, count: row.get(1)?, size_bytes: row.get(2)? })
            })?
            .collect()
        })
        .map_err(sql("adding up the catalogue"))
}

fn texts(reader: &Connection, statement: &str, asset: i64) -> Result<Vec<String>> {
    reader
        .prepare_cached(statement)
        .and_then(|mut s| s.query_map([asset], |row| row.get(0))?.collect())
        .map_err(sql("reading an asset"))
}

fn places(reader: &Connection, asset: i64) -> Result<Vec<Place>> {
    reader
        .prepare_cached(
            "SELECT roots.name, roots.path, folders.path, places.name, places.size_bytes, mtime_ns,
                    CASE WHEN places.state=1 THEN 'gone' WHEN roots.state='offline' THEN 'offline'
                         ELSE 'present' END,
                    first_seen_ns,
                    CASE WHEN places.state=1 THEN last_seen_ns
                         ELSE max(last_seen_ns, coalesce(last_scan_ns,0)) END
             FROM places JOIN folders ON folders.id=folder_id JOIN roots ON roots.id=root_id
             WHERE asset_id=? ORDER BY places.state, places.id LIMIT 1000",
        )
        .and_then(|mut s| {
            s.query_map([asset], |row| {
                let root: Vec<u8> = row.get(1)?;
                let path = full_path(&root, row.get(2)?, &row.get::<_, Vec<u8>>(3)?);
                Ok(Place {
                    root: row.get(0)?,
                    path: display_name(&path),
                    url_path: name_to_url(&path),
                    size_bytes: row.get(4)?,
                    modified: rfc3339(row.get(5)?),
                    state: row.get(6)?,
                    first_seen: rfc3339(row.get(7)?),
                    last_seen: rfc3339(row.get(8)?),
                })
            })?
            .collect()
        })
        .map_err(sql("reading an asset's places"))
}

fn sidecars(reader: &Connection, asset: i64) -> Result<Vec<Sidecar>> {
    reader
        .prepare_cached(
            "SELECT roots.path, folders.path, side.name FROM places owner
             JOIN places side ON side.owner_id=owner.id AND side.state=0
             JOIN folders ON folders.id=side.folder_id JOIN roots ON roots.id=root_id
             WHERE owner.asset_id=? ORDER BY side.id LIMIT 1000",
        )
        .and_then(|mut s| {
            s.query_map([asset], |row| {
                let name: Vec<u8> = row.get(2)?;
                Ok(Sidecar {
                    path: shown_path(&row.get::<_, Vec<u8>>(0)?, row.get(1)?, &name),
                    kind: crate::assets::extension_of(&name),
                })
            })?
            .collect()
        })
        .map_err(sql("reading an asset's sidecars"))
}

/// The other half of a Live Photo: another kind with the same content
/// identifier, the same folder first.
fn partner(
    reader: &Connection,
    asset: i64,
    row: &AssetRow,
    content: &str,
) -> Result<Option<String>> {
    reader
        .prepare_cached(
            "SELECT public_id FROM assets WHERE content_identifier=?1 AND id<>?2 AND kind<>?3
             ORDER BY present=0, batch IS NOT ?4, id LIMIT 1",
        )
        .and_then(|mut s| {
            s.query_row(params![content, asset, row.kind, row.batch], |row| row.get(0)).optional()
        })
        .map_err(sql("looking for the other half of a Live Photo"))
}

fn events(reader: &Connection, asset: i64) -> Result<Vec<Event>> {
    reader
        .prepare_cached(
            "SELECT at_ns, kind, detail FROM
               (SELECT * FROM events WHERE asset_id=? ORDER BY id DESC LIMIT 200) ORDER BY id",
        )
        .and_then(|mut s| {
            s.query_map([asset], |row| {
                Ok(Event { at: rfc3339(row.get(0)?), kind: row.get(1)?, detail: row.get(2)? })
            })?
            .collect()
        })
        .map_err(sql("reading what happened to an asset"))
}
