//! Lists of assets: pages by cursor or offset, in an order that an index
//! gives, so that a page costs the same in a large catalogue.

use rushes_media::{Error, ErrorKind, Probe, Rational, Result};
use rusqlite::types::Value;
use rusqlite::{Connection, Row, params_from_iter};

use crate::database::{Catalog, sql};
use crate::findings::StoredPreview;
use crate::model::{AssetRow, Page, rfc3339};
use crate::places::shown_path;
use crate::query::{Query, SortKey, parse};

/// Most rows of one page.
pub const PAGE_ROWS: u32 = 1_000;
/// Counting stops here.
const COUNTED: u64 = 100_000;
/// Up to this many hits of the text index are gathered and sorted; with more,
/// the list is walked in its order and each row looked up among the hits: the
/// plus before the column keeps SQLite from gathering.
const GATHERED: i64 = 10_000;

pub(crate) const COLUMNS: &str = "assets.id, assets.public_id, assets.kind, assets.name, assets.batch,
    assets.size_bytes, assets.modified_ns, assets.captured, assets.added_ns, assets.width_px,
    assets.height_px, assets.probe, assets.codec, assets.has_audio, assets.content_identifier,
    assets.hdr, assets.camera, assets.present, assets.blake3 IS NOT NULL AND assets.rehash=0,
    assets.error, assets.preview, assets.mime,
    (SELECT roots.path FROM places JOIN folders ON folders.id=folder_id
       JOIN roots ON roots.id=root_id WHERE places.id=assets.place_id),
    (SELECT folders.path FROM places JOIN folders ON folders.id=folder_id WHERE places.id=assets.place_id),
    (SELECT places.name FROM places WHERE places.id=assets.place_id),
    (SELECT roots.name FROM places JOIN folders ON folders.id=folder_id
       JOIN roots ON roots.id=root_id WHERE places.id=assets.place_id),
    (SELECT roots.state FROM places JOIN folders ON folders.id=folder_id
       JOIN roots ON roots.id=root_id WHERE places.id=assets.place_id)";

pub(crate) fn asset_row(row: &Row<'_>) -> rusqlite::Result<AssetRow> {
    let probe: Option<Probe> =
        row.get::<_, Option<String>>(11)?.and_then(|json| serde_json::from_str(&json).ok());
    let present: u32 = row.get(17)?;
    let root_path: Option<Vec<u8>> = row.get(22)?;
    let root_state: Option<String> = row.get(26)?;
    let error: Option<String> = row.get(19)?;
    let preview: Option<String> = row.get(20)?;
    Ok(AssetRow {
        id: row.get(1)?,
        kind: row.get(2)?,
        name: row.get(3)?,
        path: match root_path {
            Some(root) => shown_path(&root, row.get(23)?, &row.get::<_, Vec<u8>>(24)?),
            None => row.get(3)?,
        },
        root: row.get(25)?,
        batch: row.get(4)?,
        size_bytes: row.get(5)?,
        modified: rfc3339(row.get(6)?),
        captured: row.get(7)?,
        added: rfc3339(row.get(8)?),
        width_px: row.get(9)?,
        height_px: row.get(10)?,
        duration_secs: probe
            .as_ref()
            .and_then(|p| p.duration_secs)
            .map(|d: Rational| d.to_string()),
        codec: row.get(12)?,
        frame_rate_hz: probe
            .as_ref()
            .and_then(|p| p.picture())
            .and_then(|s| s.frame_rate_hz)
            .map(|rate| rate.to_string()),
        has_audio: row.get(13)?,
        live: row.get::<_, Option<String>>(14)?.is_some(),
        hdr: row.get(15)?,
        camera: row.get(16)?,
        state: match (present, root_state.as_deref()) {
            (0, _) => "gone",
            (_, Some("offline")) => "offline",
            _ => "present",
        }
        .into(),
        hashed: row.get(18)?,
        copies: present,
        error: error.and_then(|json| serde_json::from_str(&json).ok()),
        preview: preview
            .and_then(|json| serde_json::from_str::<StoredPreview>(&json).ok())
            .map(|stored| stored.shown()),
        mime: row.get(21)?,
    })
}

impl Catalog {
    /// One page of what a query finds: after a cursor, or from an offset.
    ///
    /// # Errors
    /// `Invalid` when the query, the cursor or the limit makes no sense.
    pub fn search(
        &self,
        query: &str,
        limit: u32,
        cursor: Option<&str>,
        offset: Option<u64>,
    ) -> Result<Page> {
        let what = "searching";
        if limit == 0 || limit > PAGE_ROWS {
            let why = format!("a page of {limit} rows was asked for");
            return Err(Error::new(ErrorKind::Invalid, what, why)
                .remedy(format!("ask for 1 to {PAGE_ROWS}")));
        }
        let parsed = parse(query)?;
        let after = cursor.map(|cursor| decode_cursor(cursor, parsed.sort)).transpose()?;
        self.read(|reader| {
            let (mut condition, mut values) = conditions(reader, &parsed)?;
            let column = parsed.sort.column();
            let direction = if parsed.descending { "DESC" } else { "ASC" };
            if let Some((key, id)) = after {
                let compare = if parsed.descending { "<" } else { ">" };
                if parsed.sort == SortKey::Added {
                    condition += &format!(" AND assets.id{compare}?");
                    values.push(id.into());
                } else {
                    condition += &format!(" AND ({column}, assets.id) {compare} (?,?)");
                    values.extend([key, id.into()]);
                }
            }
            values.extend([Value::from(i64::from(limit) + 1), Value::from(offset.unwrap_or(0) as i64)]);
            let order = if parsed.sort == SortKey::Added {
                format!("assets.id {direction}")
            } else {
                format!("{column} {direction}, assets.id {direction}")
            };
            // The rows are chosen first, by an index where there is one, and
            // only those of the page are read whole.
            let statement = format!(
                "SELECT {COLUMNS}, {column} FROM
                   (SELECT assets.id AS chosen FROM assets WHERE {condition} ORDER BY {order} LIMIT ? OFFSET ?)
                 CROSS JOIN assets ON assets.id=chosen ORDER BY {order}"
            );
            let mut statement = reader.prepare_cached(&statement).map_err(sql(what))?;
            let mut rows = statement.query(params_from_iter(&values)).map_err(sql(what))?;
            let mut items = Vec::new();
            let mut next_cursor = None;
            let mut last: Option<(Value, i64)> = None;
            while let Some(row) = rows.next().map_err(sql(what))? {
                if items.len() == limit as usize {
                    next_cursor = last.as_ref().map(|(key, id)| encode_cursor(key, *id));
                    break;
                }
                items.push(asset_row(row).map_err(sql(what))?);
                last = Some((row.get(27).map_err(sql(what))?, row.get(0).map_err(sql(what))?));
            }
            let whole = cursor.is_none() && offset.is_none() && next_cursor.is_none();
            let total = if whole { Some(items.len() as u64) } else { count(reader, &parsed)? };
            Ok(Page { items, next_cursor, total })
        })
    }
}

/// How many a query finds, unless that is many.
fn count(reader: &Connection, parsed: &Query) -> Result<Option<u64>> {
    let what = "counting what was found";
    if parsed.is_everything() {
        return reader
            .query_row("SELECT value FROM counters WHERE name='assets'", [], |row| row.get(0))
            .map(Some)
            .map_err(sql(what));
    }
    // Gathering that many only to count them would take long.
    if let Some(text) = &parsed.text
        && hits(reader, text)? > GATHERED
    {
        return Ok(None);
    }
    let (condition, mut values) = conditions(reader, parsed)?;
    values.push(Value::from(COUNTED as i64 + 1));
    let counted: u64 = reader
        .prepare_cached(&format!(
            "SELECT count(*) FROM (SELECT 1 FROM assets WHERE {condition} LIMIT ?)"
        ))
        .and_then(|mut s| s.query_row(params_from_iter(&values), |row| row.get(0)))
        .map_err(sql(what))?;
    Ok((counted <= COUNTED).then_some(counted))
}

/// How many assets have these words, counted to one more than are gathered.
fn hits(reader: &Connection, text: &str) -> Result<i64> {
    reader
        .prepare_cached("SELECT count(*) FROM (SELECT 1 FROM words WHERE words MATCH ? LIMIT ?)")
        .and_then(|mut s| s.query_row(rusqlite::params![text, GATHERED + 1], |row| row.get(0)))
        .map_err(sql("searching for words"))
}

fn conditions(reader: &Connection, parsed: &Query) -> Result<(String, Vec<Value>)> {
    let mut all: Vec<&str> =
        parsed.conditions.iter().map(|(condition, _)| condition.as_str()).collect();
    let mut values: Vec<Value> =
        parsed.conditions.iter().flat_map(|(_, values)| values.clone()).collect();
    if let Some(text) = &parsed.text {
        all.push(if hits(reader, text)? <= GATHERED {
            "assets.id IN (SELECT rowid FROM words WHERE words MATCH ?)"
        } else {
            "+assets.id IN (SELECT rowid FROM words WHERE words MATCH ?)"
        });
        values.push(Value::Text(text.clone()));
    }
    if all.is_empty() {
        all.push("1");
    }
    Ok((all.join(" AND "), values))
}

fn encode_cursor(key: &Value, id: i64) -> String {
    let key = match key {
        Value::Integer(number) => format!("i{number}"),
        Value::Real(number) => format!("r{:016x}", number.to_bits()),
        Value::Text(text) => format!("t{}", rushes_media::name_to_url(text.as_bytes())),
        _ => "n".into(),
    };
    format!("{id}.{key}")
}

fn decode_cursor(cursor: &str, sort: SortKey) -> Result<(Value, i64)> {
    let parse = || {
        let (id, key) = cursor.split_once('.')?;
        let (sort_of, rest) = key.split_at_checked(1)?;
        let key = match sort_of {
            "i" => Value::Integer(rest.parse().ok()?),
            "r" => Value::Real(f64::from_bits(u64::from_str_radix(rest, 16).ok()?)),
            "t" => Value::Text(String::from_utf8(rushes_media::name_from_url(rest).ok()?).ok()?),
            _ => return None,
        };
        let fits = match sort {
            SortKey::Name => matches!(key, Value::Text(_)),
            SortKey::Duration => matches!(key, Value::Real(_) | Value::Integer(_)),
            _ => matches!(key, Value::Integer(_)),
        };
        fits.then_some((key, id.parse().ok()?))
    };
    parse().ok_or_else(|| {
        Error::new(ErrorKind::Invalid, "reading the cursor", "it is not from this query")
            .remedy("begin again without a cursor")
    })
}
