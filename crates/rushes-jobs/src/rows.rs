//! Rows of the queue's tables as the types that everybody sees.

use jiff::Timestamp;
use rushes_actions::{Authority, EffectRecord, EffectState, Job, JobState, Plan};
use rushes_catalog::sql;
use rushes_media::{Error, ErrorKind, Result, UnixNanos};
use rusqlite::types::FromSql;
use rusqlite::{Connection, OptionalExtension as _, Params, Row, Transaction};
use serde::Serialize;
use serde::de::DeserializeOwned;

const READING: &str = "reading the job queue";

/// What [`job_of`] reads.
const COLUMNS: &str = "id, kind, title, state, done, total, unit, rate_per_sec, note, attempts,
     max_attempts, created_ns, started_ns, finished_ns, not_before_ns, error, result,
     cancel_requested, params, authority, change";

/// Jobs, chosen and ordered by the end of a query: `WHERE id = ?1`.
pub(crate) fn jobs(reader: &Connection, tail: &str, params: impl Params) -> Result<Vec<Job>> {
    let mut statement = reader
        .prepare_cached(&format!("SELECT {COLUMNS} FROM jobs {tail}"))
        .map_err(sql(READING))?;
    let mut rows = statement.query(params).map_err(sql(READING))?;
    let mut jobs = Vec::new();
    while let Some(row) = rows.next().map_err(sql(READING))? {
        jobs.push(job_of(row)?);
    }
    Ok(jobs)
}

/// One job.
pub(crate) fn job(reader: &Connection, id: i64) -> Result<Job> {
    jobs(reader, "WHERE id = ?1", [id])?.pop().ok_or_else(|| {
        Error::new(ErrorKind::NotFound, "looking up a job", format!("there is no job {id}"))
            .remedy("see `rushes jobs list`")
    })
}

/// The number of the next change, taken within this transaction. Writers come
/// one after the other, so a reader that saw a number saw all lower ones.
pub(crate) fn next_change(writer: &Transaction<'_>) -> Result<i64> {
    writer
        .prepare_cached(
            "UPDATE counters SET value = value + 1 WHERE name = 'jobs_change' RETURNING value",
        )
        .and_then(|mut statement| statement.query_row([], |row| row.get(0)))
        .map_err(sql("counting a change of the job queue"))
}

/// The number of the last change.
pub(crate) fn last_change(reader: &Connection) -> Result<i64> {
    reader
        .prepare_cached("SELECT value FROM counters WHERE name = 'jobs_change'")
        .and_then(|mut statement| statement.query_row([], |row| row.get(0)))
        .map_err(sql(READING))
}

/// A job's plan, when it has one.
pub(crate) fn plan(reader: &Connection, id: i64) -> Result<Option<Plan>> {
    let text: Option<Option<String>> = reader
        .prepare_cached("SELECT plan FROM jobs WHERE id = ?1")
        .and_then(|mut statement| statement.query_row([id], |row| row.get(0)).optional())
        .map_err(sql(READING))?;
    text.flatten().map(|text| from_json(&text)).transpose()
}

/// A job's effect log, in order.
pub(crate) fn effects(reader: &Connection, id: i64) -> Result<Vec<EffectRecord>> {
    let mut statement = reader
        .prepare_cached(
            "SELECT key, state, at_ns, detail FROM job_effects WHERE job_id = ?1 ORDER BY id",
        )
        .map_err(sql(READING))?;
    let mut rows = statement.query([id]).map_err(sql(READING))?;
    let mut effects = Vec::new();
    while let Some(row) = rows.next().map_err(sql(READING))? {
        let state: String = column(row, "state")?;
        effects.push(EffectRecord {
            key: column(row, "key")?,
            state: [EffectState::Begun, EffectState::Done, EffectState::Failed]
                .into_iter()
                .find(|known| known.name() == state)
                .ok_or_else(|| unknown(&state))?,
            at: rfc3339(column(row, "at_ns")?),
            detail: column(row, "detail")?,
        });
    }
    Ok(effects)
}

fn job_of(row: &Row<'_>) -> Result<Job> {
    let state: String = column(row, "state")?;
    let authority: String = column(row, "authority")?;
    let time = |name| Ok::<_, Error>(column::<Option<UnixNanos>>(row, name)?.map(rfc3339));
    let json = |name| column::<Option<String>>(row, name);
    Ok(Job {
        id: column(row, "id")?,
        kind: column(row, "kind")?,
        title: column(row, "title")?,
        state: [
            JobState::Queued,
            JobState::Running,
            JobState::Done,
            JobState::Failed,
            JobState::Cancelled,
        ]
        .into_iter()
        .find(|known| known.name() == state)
        .ok_or_else(|| unknown(&state))?,
        done: units(column(row, "done")?),
        total: column::<Option<i64>>(row, "total")?.map(units),
        unit: column(row, "unit")?,
        rate_per_sec: column(row, "rate_per_sec")?,
        note: column(row, "note")?,
        attempts: column(row, "attempts")?,
        max_attempts: column(row, "max_attempts")?,
        created: rfc3339(column(row, "created_ns")?),
        started: time("started_ns")?,
        finished: time("finished_ns")?,
        not_before: time("not_before_ns")?,
        error: json("error")?.map(|text| from_json(&text)).transpose()?,
        result: json("result")?.map(|text| from_json(&text)).transpose()?,
        cancel_requested: column(row, "cancel_requested")?,
        params: from_json(&column::<String>(row, "params")?)?,
        authority: [Authority::Local, Authority::Network]
            .into_iter()
            .find(|known| known.name() == authority)
            .ok_or_else(|| unknown(&authority))?,
        change: column(row, "change")?,
    })
}

fn column<T: FromSql>(row: &Row<'_>, name: &str) -> Result<T> {
    row.get(name).map_err(sql(READING))
}

fn unknown(name: &str) -> Error {
    Error::new(ErrorKind::Corrupt, READING, format!("{name:?} is not known"))
        .remedy("run rushes check")
}

/// A count as SQLite keeps it; its integers have a sign.
pub(crate) fn stored(units: u64) -> i64 {
    i64::try_from(units).unwrap_or(i64::MAX)
}

fn units(stored: i64) -> u64 {
    u64::try_from(stored).unwrap_or(0)
}

pub(crate) fn to_json(value: &impl Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(|error| Error::bug("writing to the job queue", error))
}

fn from_json<T: DeserializeOwned>(text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(|error| {
        Error::new(ErrorKind::Corrupt, READING, error.to_string()).remedy("run rushes check")
    })
}

/// `2026-03-01T12:00:00.5Z`.
fn rfc3339(at: UnixNanos) -> String {
    // Every i64 of nanoseconds lies within the years that a timestamp has.
    Timestamp::from_nanosecond(i128::from(at)).map_or_else(|_| String::new(), |at| at.to_string())
}
