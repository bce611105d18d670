//! Proves the invariants that the database alone can show.

use rushes_media::Result;
use rusqlite::Connection;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::database::{Catalog, sql};

/// One thing that is not as it must be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Violation {
    /// The invariant's number in ARCHITECTURE.md; 0 for the database itself.
    pub invariant: u8,
    /// What is wrong, and where.
    pub what: String,
}

/// Statements that must find nothing: the invariant, what a row means, and
/// the statement, whose first column names the row.
const RULES: &[(u8, &str, &str)] = &[
    (
        0,
        "an asset's count of places is not that of its places",
        "SELECT public_id FROM assets WHERE present <>
           (SELECT count(*) FROM places WHERE asset_id=assets.id AND state=0)",
    ),
    (
        0,
        "an asset shows a place that is not its own",
        "SELECT public_id FROM assets WHERE place_id IS NOT NULL AND NOT EXISTS
           (SELECT 1 FROM places WHERE id=assets.place_id AND asset_id=assets.id)",
    ),
    (
        4,
        "an asset's count of copies, or when one was verified, is not that of its copies",
        "SELECT public_id FROM assets LEFT JOIN asset_copies ON asset_copies.asset_id=assets.id
         WHERE assets.backups<>coalesce(asset_copies.backups,0)
           OR assets.verified_ns IS NOT asset_copies.verified_ns",
    ),
    (
        0,
        "a place holds an asset by role but names none",
        "SELECT id FROM places WHERE role=1 AND asset_id IS NULL",
    ),
    (
        3,
        "a hash has the wrong length",
        "SELECT public_id FROM assets WHERE length(blake3)<>32 OR length(xxh3_128)<>16
           OR length(fingerprint)<>16 OR (blake3 IS NULL)<>(xxh3_128 IS NULL)",
    ),
    (
        3,
        "an asset is marked for confirming a hash it does not have",
        "SELECT public_id FROM assets WHERE rehash=1 AND blake3 IS NULL",
    ),
    (
        2,
        "a place is gone but nothing of its root was ever read without a gap",
        "SELECT places.id FROM places JOIN folders ON folders.id=folder_id
         JOIN roots ON roots.id=root_id WHERE places.state=1 AND last_read_ns IS NULL",
    ),
    (
        0,
        "an asset's size is not that of a place that holds it",
        "SELECT public_id FROM assets JOIN places ON asset_id=assets.id
         WHERE role=1 AND recheck=0 AND state=0 AND places.size_bytes<>assets.size_bytes",
    ),
    (
        6,
        "an effect of a job that ended well was begun and never finished",
        "SELECT job_id || ' ' || key FROM job_effects AS begun WHERE state='begun'
           AND (SELECT state FROM jobs WHERE id=job_id)='done' AND NOT EXISTS
           (SELECT 1 FROM job_effects AS ended WHERE ended.job_id=begun.job_id
              AND ended.key=begun.key AND ended.state<>'begun')",
    ),
    (
        0,
        "an alias leads to no asset",
        "SELECT public_id FROM asset_aliases WHERE asset_id NOT IN (SELECT id FROM assets)",
    ),
    (
        0,
        "the counter of assets is wrong",
        "SELECT value FROM counters WHERE name='assets'
           AND value<>(SELECT count(*) FROM assets WHERE present>0)",
    ),
    (
        0,
        "a probed asset has no words in the index",
        "SELECT public_id FROM assets WHERE probe_state=1 AND id NOT IN (SELECT rowid FROM words)",
    ),
];

/// Where in the files, in hundredths of them, the next check that reads some
/// again begins: where the last one ended, whenever that was.
///
/// # Errors
/// When the catalogue cannot be read.
pub fn read_turn(catalog: &Catalog) -> Result<u8> {
    catalog.read(|reader| {
        reader
            .query_row("SELECT value FROM counters WHERE name='read_turn'", [], |row| row.get(0))
            .map_err(sql("reading which files are next to be read"))
    })
}

/// Notes where it ended.
///
/// # Errors
/// When it cannot be stored.
pub fn set_read_turn(catalog: &Catalog, turn: u8) -> Result<()> {
    catalog.write(|write| {
        write
            .execute("UPDATE counters SET value=? WHERE name='read_turn'", [turn % 100])
            .map(drop)
            .map_err(sql("noting which files are next to be read"))
    })
}

/// Violations listed of one rule.
const LISTED: usize = 100;

/// Everything in the catalogue that breaks an invariant.
///
/// # Errors
/// When the catalogue cannot be read at all.
pub fn check(catalog: &Catalog) -> Result<Vec<Violation>> {
    catalog.read(|reader| {
        let mut found = integrity(reader)?;
        for (invariant, meaning, statement) in RULES {
            let rows: Vec<String> = reader
                .prepare(&format!(
                    "SELECT CAST(wrong AS TEXT) FROM (SELECT * FROM ({}) LIMIT {LISTED})",
                    named(statement)
                ))
                .and_then(|mut s| s.query_map([], |row| row.get(0))?.collect())
                .map_err(sql("checking the catalogue"))?;
            found.extend(
                rows.into_iter().map(|row| Violation {
                    invariant: *invariant,
                    what: format!("{meaning}: {row}"),
                }),
            );
        }
        Ok(found)
    })
}

/// Names the statement's first column.
fn named(statement: &str) -> String {
    format!("WITH rule(wrong) AS ({statement}) SELECT wrong FROM rule")
}

fn integrity(reader: &Connection) -> Result<Vec<Violation>> {
    let rows = |statement: &str| -> Result<Vec<String>> {
        reader
            .prepare(statement)
            .and_then(|mut s| s.query_map([], |row| row.get(0))?.collect())
            .map_err(sql("checking the database"))
    };
    let mut found: Vec<Violation> = rows("PRAGMA integrity_check(100)")?
        .into_iter()
        .filter(|row| row != "ok")
        .map(|what| Violation { invariant: 0, what: format!("the database is damaged: {what}") })
        .collect();
    let broken: Vec<String> = rows(
        "SELECT \"table\" || ' ' || coalesce(rowid,'') FROM pragma_foreign_key_check LIMIT 100",
    )?;
    found.extend(
        broken
            .into_iter()
            .map(|row| Violation { invariant: 0, what: format!("a row leads nowhere: {row}") }),
    );
    Ok(found)
}
