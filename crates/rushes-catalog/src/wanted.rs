//! What a query asks for, as conditions on assets, in the form that is
//! quickest for how often its words occur.

use rushes_media::Result;
use rusqlite::types::Value;
use rusqlite::{Connection, params};

use crate::database::sql;
use crate::query::{Query, Word};

/// Up to this many hits of the text index are gathered and sorted; with more,
/// the list is walked in its order.
const GATHERED: u64 = 10_000;
/// Up to this many hits are noted before such a walk; with more, a walk soon
/// meets enough of them, and asks for each asset whether its words match. To
/// note a hit takes a quarter of a microsecond, to ask for an asset thirty: for
/// a page of a hundred among a million both take as long at this many.
const NOTED: u64 = 100_000;
/// A beginning of a word is looked up as the words it may stand for when these
/// are no more: the index answers for whole words row by row, but gathers
/// every hit of a beginning first.
const MEANINGS: usize = 16;

/// A query, and how its words are best looked up.
pub(crate) struct Wanted<'q> {
    pub query: &'q Query,
    /// The words in the text index's own language.
    text: Option<String>,
    /// Hits of the words, estimated where they are more than are gathered.
    hits: u64,
    /// Whether each row can be asked for quickly.
    by_row: bool,
}

impl<'q> Wanted<'q> {
    pub fn new(reader: &Connection, query: &'q Query) -> Result<Wanted<'q>> {
        let mut wanted = Wanted { query, text: None, hits: 0, by_row: true };
        if query.words.is_empty() {
            return Ok(wanted);
        }
        let mut text = Vec::new();
        for word in &query.words {
            text.push(match word {
                Word::Exact(words) => quote(words),
                Word::Beginning(word) => match meanings(reader, word)? {
                    Some(words) => words,
                    None => {
                        wanted.by_row = false;
                        format!("{}*", quote(word))
                    }
                },
            });
        }
        let text = text.join(" AND ");
        wanted.hits = hits(reader, &text)?;
        wanted.text = Some(text);
        Ok(wanted)
    }

    /// Whether the words' hits alone are too many to count what is found while
    /// somebody waits.
    pub fn is_wide(&self) -> bool {
        self.hits > GATHERED
    }

    /// For walking a list in its order and stopping early. The plus keeps SQLite
    /// from gathering instead.
    pub fn walked(&self) -> Rows {
        if self.hits <= GATHERED {
            self.gathered()
        } else if self.hits > NOTED && self.by_row {
            self.with("EXISTS (SELECT 1 FROM words WHERE words MATCH ? AND words.rowid=+assets.id)")
        } else {
            self.with("+assets.id IN (SELECT rowid FROM words WHERE words MATCH ?)")
        }
    }

    /// For passing over all that are found: the words' hits come first, however
    /// promising the index of another condition looks.
    pub fn gathered(&self) -> Rows {
        let Some(text) = &self.text else { return self.with("1") };
        let mut rows =
            Rows { from: HITS_FIRST, values: vec![Value::Text(text.clone())], ..self.with("") };
        rows.values.extend(self.values());
        rows
    }

    /// The query's conditions and one on its words, where it has any.
    fn with(&self, words: &str) -> Rows {
        let mut all: Vec<&str> =
            self.query.conditions.iter().map(|(condition, _)| &**condition).collect();
        let mut values = self.values();
        if let Some(text) = self.text.as_ref().filter(|_| !words.is_empty()) {
            all.push(words);
            values.push(Value::Text(text.clone()));
        }
        if all.is_empty() {
            all.push("1");
        }
        Rows { from: "assets", condition: all.join(" AND "), values }
    }

    fn values(&self) -> Vec<Value> {
        self.query.conditions.iter().flat_map(|(_, values)| values.clone()).collect()
    }
}

/// `CROSS JOIN` is SQLite's word for: in this order.
const HITS_FIRST: &str =
    "(SELECT rowid AS hit FROM words WHERE words MATCH ?) CROSS JOIN assets ON assets.id=hit";

/// From where, on which condition, and the values of both in order.
pub(crate) struct Rows {
    pub from: &'static str,
    pub condition: String,
    pub values: Vec<Value>,
}

/// Inside the index's double quotes everything but the quote itself is text.
pub(crate) fn quote(words: &str) -> String {
    format!("\"{}\"", words.replace('"', " "))
}

/// The words that begin like this, any of them, when they are few and the
/// beginning is plain enough to be compared as it is.
fn meanings(reader: &Connection, beginning: &str) -> Result<Option<String>> {
    if !beginning.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Ok(None);
    }
    let beginning = beginning.to_ascii_lowercase();
    let words: Vec<String> = reader
        .prepare_cached(
            "SELECT term FROM known_words WHERE term>=?1 AND term<?1||char(1114111) LIMIT ?2",
        )
        .and_then(|mut s| {
            s.query_map(params![beginning, MEANINGS + 1], |row| row.get(0))?.collect()
        })
        .map_err(sql("searching for words"))?;
    let few = !words.is_empty() && words.len() <= MEANINGS;
    Ok(few.then(|| {
        let words: Vec<String> = words.iter().map(|word| quote(word)).collect();
        format!("({})", words.join(" OR "))
    }))
}

/// How many assets have these words: counted to one more than are gathered,
/// beyond that estimated from samples all along the catalogue.
fn hits(reader: &Connection, text: &str) -> Result<u64> {
    let counted: u64 = reader
        .prepare_cached("SELECT count(*) FROM (SELECT 1 FROM words WHERE words MATCH ? LIMIT ?)")
        .and_then(|mut s| s.query_row(params![text, GATHERED + 1], |row| row.get(0)))
        .map_err(sql("searching for words"))?;
    if counted <= GATHERED {
        return Ok(counted);
    }
    Ok(counted.max(estimated(reader, text)?))
}

/// The hits in a hundredth of the catalogue, a little from each part of it,
/// times a hundred.
fn estimated(reader: &Connection, text: &str) -> Result<u64> {
    const SAMPLES: u64 = 20;
    const SHARE: u64 = 100;
    let what = "searching for words";
    let last: u64 = reader
        .query_row("SELECT coalesce(max(id),0) FROM assets", [], |row| row.get(0))
        .map_err(sql(what))?;
    let mut sampled = 0;
    let mut statement = reader
        .prepare_cached(
            "SELECT count(*) FROM words WHERE words MATCH ?1 AND rowid>=?2 AND rowid<?3",
        )
        .map_err(sql(what))?;
    for sample in 0..SAMPLES {
        let start = last * sample / SAMPLES;
        let found: u64 = statement
            .query_row(params![text, start, start + last / (SAMPLES * SHARE)], |row| row.get(0))
            .map_err(sql(what))?;
        sampled += found;
    }
    Ok(sampled * SHARE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Catalog, parse};

    fn catalog(folder: &std::path::Path) -> Catalog {
        let catalog = Catalog::open(&folder.join("catalogue.sqlite")).unwrap();
        catalog
            .write(|write| {
                for (id, text) in ["golden gate", "Goldenrod", "gate", "Élan"].iter().enumerate() {
                    write
                        .execute("INSERT INTO words (rowid, text) VALUES (?,?)", params![id, text])
                        .unwrap();
                    write
                        .execute(
                            "INSERT INTO assets (id, public_id, fingerprint, size_bytes, added_ns, kind,
                               present, name, modified_ns, sort_ns) VALUES (?1,?1,x'',1,0,'still',1,?2,0,0)",
                            params![id, text],
                        )
                        .unwrap();
                }
                Ok(())
            })
            .unwrap();
        catalog
    }

    #[test]
    fn every_way_to_look_words_up_finds_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let catalog = catalog(folder.path());
        for (query, expected, text) in [
            ("gold", vec![0, 1], "(\"golden\" OR \"goldenrod\")"),
            ("GOLD gate", vec![0], "(\"golden\" OR \"goldenrod\") AND (\"gate\")"),
            ("\"golden gate\"", vec![0], "\"golden gate\""),
            ("élan", vec![3], "\"élan\"*"),
            ("elan", vec![3], "(\"elan\")"),
            ("nothing", vec![], "\"nothing\"*"),
        ] {
            let query = parse(query).unwrap();
            catalog
                .read(|reader| {
                    let mut wanted = Wanted::new(reader, &query)?;
                    assert_eq!(wanted.text.as_deref(), Some(text));
                    for hits in [0, NOTED, NOTED + 1] {
                        wanted.hits = hits;
                        let Rows { from, condition, values } = wanted.walked();
                        let found: Vec<i64> = reader
                            .prepare(&format!(
                                "SELECT assets.id FROM {from} WHERE {condition} ORDER BY assets.id"
                            ))
                            .unwrap()
                            .query_map(rusqlite::params_from_iter(values), |row| row.get(0))
                            .unwrap()
                            .map(rusqlite::Result::unwrap)
                            .collect();
                        assert_eq!(found, expected, "{hits} {from} {condition}");
                    }
                    Ok(())
                })
                .unwrap();
        }
    }

    #[test]
    fn many_hits_are_estimated_and_few_are_counted() {
        let folder = tempfile::tempdir().unwrap();
        let catalog = Catalog::open(&folder.path().join("catalogue.sqlite")).unwrap();
        catalog
            .write(|write| {
                write
                    .execute_batch(
                        "WITH RECURSIVE ids(id) AS (SELECT 1 UNION ALL SELECT id+1 FROM ids WHERE id<60000)
                         INSERT INTO words (rowid, text) SELECT id, 'all' ||
                           iif(id % 2, ' half', '') || iif(id % 10, '', ' tenth') ||
                           iif(id BETWEEN 30001 AND 50000, ' third', '') FROM ids;
                         INSERT INTO assets (id, public_id, fingerprint, size_bytes, added_ns, kind,
                           present, name, modified_ns, sort_ns)
                         VALUES (60000,'x',x'',1,0,'still',1,'x',0,0);",
                    )
                    .unwrap();
                Ok(())
            })
            .unwrap();
        catalog
            .read(|reader| {
                for (word, there) in [("all", 60_000), ("half", 30_000), ("third", 20_000)] {
                    let hits = hits(reader, word)?;
                    assert!(hits.abs_diff(there) <= there / 5, "{word}: {hits} of {there}");
                }
                assert_eq!(hits(reader, "tenth")?, 6_000);
                assert_eq!(hits(reader, "all NOT all")?, 0);
                Ok(())
            })
            .unwrap();
    }
}
