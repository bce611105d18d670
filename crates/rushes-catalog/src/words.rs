//! The full-text index: what a person would type to find an asset.

use rushes_media::{Probe, Result, display_name};
use rusqlite::{OptionalExtension, Transaction, params};

use crate::database::sql;

/// Bytes of text that one asset puts into the index.
const TEXT_BYTES: usize = 32 << 10;

/// Writes an asset's words anew: its names and folders, title, description,
/// keywords, camera and tags.
pub(crate) fn index(write: &Transaction<'_>, asset: i64) -> Result<()> {
    let what = "indexing an asset's words";
    let mut text = String::new();
    let mut add = |part: &str| {
        if text.len() + part.len() < TEXT_BYTES {
            text.push_str(part);
            text.push('\n');
        }
    };
    write
        .prepare_cached(
            "SELECT places.name, folders.path, roots.name FROM places
             JOIN folders ON folders.id=folder_id JOIN roots ON roots.id=root_id
             WHERE asset_id=? ORDER BY places.id LIMIT 100",
        )
        .and_then(|mut s| {
            let mut rows = s.query([asset])?;
            while let Some(row) = rows.next()? {
                for column in [0, 1] {
                    let name = row.get_ref(column)?.as_blob()?;
                    let plain = String::from_utf8_lossy(name);
                    add(&plain);
                    // What is shown in another form is looked for in that form too.
                    let shown = display_name(name);
                    if shown != plain {
                        add(&shown);
                    }
                }
                add(row.get_ref(2)?.as_str()?);
            }
            Ok(())
        })
        .map_err(sql(what))?;
    let row: Option<(Option<String>, Option<String>)> = write
        .prepare_cached(
            "SELECT probe, camera FROM assets LEFT JOIN findings ON asset_id=id WHERE id=?",
        )
        .and_then(|mut s| s.query_row([asset], |row| Ok((row.get(0)?, row.get(1)?))).optional())
        .map_err(sql(what))?;
    let Some((probe, camera)) = row else { return Ok(()) };
    if let Some(probe) = probe.and_then(|json| serde_json::from_str::<Probe>(&json).ok()) {
        for part in [&probe.title, &probe.description, &probe.camera.lens].into_iter().flatten() {
            add(part);
        }
        for keyword in &probe.keywords {
            add(keyword);
        }
    }
    if let Some(camera) = camera {
        add(&camera);
    }
    write
        .prepare_cached("SELECT tag FROM tags WHERE asset_id=?")
        .and_then(|mut s| {
            let mut rows = s.query([asset])?;
            while let Some(row) = rows.next()? {
                add(row.get_ref(0)?.as_str()?);
            }
            Ok(())
        })
        .map_err(sql(what))?;
    remove(write, asset)?;
    write
        .prepare_cached("INSERT INTO words (rowid, text) VALUES (?,?)")
        .and_then(|mut s| s.execute(params![asset, text]))
        .map(drop)
        .map_err(sql(what))
}

/// Takes an asset's words out.
pub(crate) fn remove(write: &Transaction<'_>, asset: i64) -> Result<()> {
    write
        .prepare_cached("DELETE FROM words WHERE rowid=?")
        .and_then(|mut s| s.execute([asset]))
        .map(drop)
        .map_err(sql("taking an asset's words out of the index"))
}
