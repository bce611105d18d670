//! Lists of assets: pages by cursor or offset, in an order that an index
//! gives, so that a page costs the same in a large catalogue.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use rushes_media::{Error, ErrorKind, Result};
use rusqlite::types::Value;
use rusqlite::{Connection, Row, params_from_iter};

use crate::database::{Catalog, sql, within_steps};
use crate::findings::StoredPreview;
use crate::model::{AssetRow, Page, rfc3339};
use crate::places::shown_path;
use crate::query::{Query, SortKey, parse};
use crate::wanted::{Rows, Wanted};

/// Most rows of one page.
pub const PAGE_ROWS: u32 = 1_000;
/// Steps of SQLite's machine that counting may take, unless an exact total is
/// asked for: some 10 ms, and about 10,000 assets.
const COUNTING_STEPS: u32 = 50_000;

/// The columns that `asset_row` reads, from the rows that `JOINED` adds to.
pub(crate) const COLUMNS: &str = "assets.id, public_id, kind, assets.name, batch, assets.size_bytes,
    modified_ns, captured, assets.added_ns, width_px, height_px, codec, has_audio, content_identifier, hdr,
    camera, present, present+backups, blake3 IS NOT NULL AND rehash=0, mime, duration, frame_rate, error, preview,
    roots.path, folders.path, places.name, roots.name, roots.state";
pub(crate) const JOINED: &str = "LEFT JOIN findings ON findings.asset_id=assets.id
    LEFT JOIN places ON places.id=assets.place_id LEFT JOIN folders ON folders.id=places.folder_id
    LEFT JOIN roots ON roots.id=folders.root_id";
/// How many columns that is: what follows them in a row has this index.
pub(crate) const COLUMNS_END: usize = 29;

pub(crate) fn asset_row(row: &Row<'_>) -> rusqlite::Result<AssetRow> {
    let present: u32 = row.get(16)?;
    let error: Option<String> = row.get(22)?;
    let preview: Option<String> = row.get(23)?;
    let root_path: Option<Vec<u8>> = row.get(24)?;
    let root_state: Option<String> = row.get(28)?;
    Ok(AssetRow {
        id: row.get(1)?,
        kind: row.get(2)?,
        name: row.get(3)?,
        path: match root_path {
            Some(root) => shown_path(&root, row.get(25)?, &row.get::<_, Vec<u8>>(26)?),
            None => row.get(3)?,
        },
        root: row.get(27)?,
        batch: row.get(4)?,
        size_bytes: row.get(5)?,
        modified: rfc3339(row.get(6)?),
        captured: row.get(7)?,
        added: rfc3339(row.get(8)?),
        width_px: row.get(9)?,
        height_px: row.get(10)?,
        duration_secs: row.get(20)?,
        codec: row.get(11)?,
        frame_rate_hz: row.get(21)?,
        has_audio: row.get(12)?,
        live: row.get::<_, Option<String>>(13)?.is_some(),
        hdr: row.get(14)?,
        camera: row.get(15)?,
        state: match (present, root_state.as_deref()) {
            (0, _) => "gone",
            (_, Some("offline")) => "offline",
            _ => "present",
        }
        .into(),
        hashed: row.get(18)?,
        copies: row.get(17)?,
        error: error.and_then(|json| serde_json::from_str(&json).ok()),
        preview: preview
            .and_then(|json| serde_json::from_str::<StoredPreview>(&json).ok())
            .map(|stored| stored.shown()),
        mime: row.get(19)?,
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
        let after = cursor.map(|cursor| decode_cursor(cursor, &parsed)).transpose()?;
        self.read(|reader| {
            let wanted = Wanted::new(reader, &parsed)?;
            let Rows { from, mut condition, mut values } = wanted.walked();
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
                   (SELECT assets.id AS chosen FROM {from} WHERE {condition} ORDER BY {order} LIMIT ? OFFSET ?)
                 CROSS JOIN assets ON assets.id=chosen {JOINED} ORDER BY {order}"
            );
            let mut statement = reader.prepare_cached(&statement).map_err(sql(what))?;
            let mut rows = statement.query(params_from_iter(&values)).map_err(sql(what))?;
            let mut items = Vec::new();
            let mut next_cursor = None;
            let mut last: Option<(Value, i64)> = None;
            while let Some(row) = rows.next().map_err(sql(what))? {
                if items.len() == limit as usize {
                    next_cursor = last.as_ref().map(|(key, id)| encode_cursor(&parsed, key, *id));
                    break;
                }
                items.push(asset_row(row).map_err(sql(what))?);
                last = Some((
                    row.get(COLUMNS_END).map_err(sql(what))?,
                    row.get(0).map_err(sql(what))?,
                ));
            }
            let whole = cursor.is_none() && offset.is_none() && next_cursor.is_none();
            let total = if whole {
                Some(items.len() as u64)
            } else if wanted.is_wide() {
                None
            } else {
                within_steps(COUNTING_STEPS, || count(reader, &wanted))?
            };
            Ok(Page { items, next_cursor, total })
        })
    }

    /// How many assets a query finds, however long counting them takes.
    ///
    /// # Errors
    /// `Invalid` when the query makes no sense.
    pub fn count(&self, query: &str) -> Result<u64> {
        let parsed = parse(query)?;
        self.read(|reader| count(reader, &Wanted::new(reader, &parsed)?))
    }
}

fn count(reader: &Connection, wanted: &Wanted<'_>) -> Result<u64> {
    let (statement, values) = if wanted.query.is_everything() {
        ("SELECT value FROM counters WHERE name='assets'".into(), Vec::new())
    } else {
        let Rows { from, condition, values } = wanted.gathered();
        (format!("SELECT count(*) FROM {from} WHERE {condition}"), values)
    };
    reader
        .prepare_cached(&statement)
        .and_then(|mut s| s.query_row(params_from_iter(&values), |row| row.get(0)))
        .map_err(sql("counting what was found"))
}

/// A cursor names the query that it is of, and the row after which it goes on.
fn encode_cursor(query: &Query, key: &Value, id: i64) -> String {
    let key = match key {
        Value::Integer(number) => format!("i{number}"),
        Value::Real(number) => format!("r{:016x}", number.to_bits()),
        Value::Text(text) => format!("t{}", rushes_media::name_to_url(text.as_bytes())),
        _ => "n".into(),
    };
    format!("{}.{id}.{key}", name_of(query))
}

/// Tells a query from others: against mistakes, not against malice. Another
/// version of Rushes may find another name for it, and then asks to begin again.
fn name_of(query: &Query) -> String {
    let mut hasher = DefaultHasher::new();
    format!("{query:?}").hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

fn decode_cursor(cursor: &str, query: &Query) -> Result<(Value, i64)> {
    let parse = || {
        let (name, row) = cursor.split_once('.')?;
        let (id, key) = row.split_once('.')?;
        let (sort_of, rest) = key.split_at_checked(1)?;
        let key = match sort_of {
            "i" => Value::Integer(rest.parse().ok()?),
            "r" => Value::Real(f64::from_bits(u64::from_str_radix(rest, 16).ok()?)),
            "t" => Value::Text(String::from_utf8(rushes_media::name_from_url(rest).ok()?).ok()?),
            _ => return None,
        };
        let fits = match query.sort {
            SortKey::Name => matches!(key, Value::Text(_)),
            SortKey::Duration => matches!(key, Value::Real(_) | Value::Integer(_)),
            _ => matches!(key, Value::Integer(_)),
        };
        (fits && name == name_of(query)).then_some((key, id.parse().ok()?))
    };
    parse().ok_or_else(|| {
        Error::new(ErrorKind::Invalid, "reading the cursor", "it is not from this query")
            .remedy("begin again without a cursor")
    })
}
