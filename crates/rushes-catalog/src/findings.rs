//! What was found out about assets: their probes, their previews, and why
//! these could not be had.

use rushes_media::{Error, ErrorKind, MediaKind, Probe, Rational, Result, StreamKind, UnixNanos};
use rusqlite::{Transaction, params};

use crate::database::sql;
use crate::model::Preview;
use crate::words;

/// Stores what a probe found.
///
/// # Errors
/// When it cannot be stored.
pub fn record_probe(write: &Transaction<'_>, asset: i64, probe: &Probe) -> Result<()> {
    let json = serde_json::to_string(probe).map_err(|e| Error::bug("writing a probe", e))?;
    let picture = probe.picture();
    let sound = probe.first(StreamKind::Audio);
    let (width, height) = picture.and_then(rushes_media::Stream::shown_size_px).unzip();
    let frame_rate = picture.and_then(|stream| stream.frame_rate_hz);
    let captured = probe.created.as_ref().map(|created| created.at.clone());
    let captured_ns = captured.as_deref().and_then(nanos_of);
    let camera: Vec<&str> = [&probe.camera.make, &probe.camera.model]
        .into_iter()
        .flatten()
        .map(String::as_str)
        .collect();
    write
        .prepare_cached(
            "UPDATE assets SET probe_state=1, kind=?2, codec=?3, mime=?4,
               width_px=?5, height_px=?6, duration_secs=?7, frame_rate_hz=?8, has_audio=?9,
               hdr=?10, camera=?11, content_identifier=?12,
               captured=CASE WHEN ?14 IS NULL THEN NULL ELSE ?13 END,
               sort_ns=coalesce(?14, modified_ns), preview_state=0
             WHERE id=?1",
        )
        .and_then(|mut s| {
            s.execute(params![
                asset,
                probe.kind.name(),
                picture.or(sound).map(|stream| &stream.codec),
                probe.container.mime,
                width,
                height,
                probe.duration_secs.map(Rational::to_f64),
                frame_rate.map(Rational::to_f64),
                probe.has_audio,
                picture.and_then(|s| s.color.as_ref()).and_then(|color| color.hdr.as_ref()),
                (!camera.is_empty()).then(|| camera.join(" ")),
                probe.content_identifier,
                captured,
                captured_ns
            ])
        })
        .map_err(sql("recording a probe"))?;
    write
        .prepare_cached(
            "INSERT INTO findings (asset_id, duration, frame_rate, probe) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT DO UPDATE SET duration=?2, frame_rate=?3, probe=?4, error=NULL,
               preview_error=NULL, worker_deaths=0",
        )
        .and_then(|mut s| {
            s.execute(params![
                asset,
                probe.duration_secs.map(|duration| duration.to_string()),
                frame_rate.map(|rate| rate.to_string()),
                json
            ])
        })
        .map_err(sql("recording a probe"))?;
    words::index(write, asset)
}

/// Nanoseconds of an RFC 3339 time, of a local one without an offset (taken
/// as UTC), or of the beginning of a day, a month or a year.
pub(crate) fn nanos_of(at: &str) -> Option<UnixNanos> {
    let whole = match at.len() {
        4 => format!("{at}-01-01"),
        7 => format!("{at}-01"),
        _ => at.to_owned(),
    };
    let time = whole.parse::<jiff::Timestamp>().or_else(|_| {
        let local = whole.parse::<jiff::civil::DateTime>()?;
        local.to_zoned(jiff::tz::TimeZone::UTC).map(|zoned| zoned.timestamp())
    });
    i64::try_from(time.ok()?.as_nanosecond()).ok()
}

/// How often a worker may die over an asset, killed from outside, before that
/// is held against the asset: the system may just have been out of memory, or
/// the asset may be what takes it.
const WORKER_DEATHS: u32 = 3;

/// The state of what failed: still to be done when the error says nothing of
/// the file, unless it has come too often; else failed.
fn state_after(write: &Transaction<'_>, asset: i64, error: &Error) -> Result<u8> {
    if error.kind != ErrorKind::Unavailable {
        return Ok(FAILED);
    }
    let deaths: u32 = write
        .prepare_cached(
            "INSERT INTO findings (asset_id, worker_deaths) VALUES (?1, 1)
             ON CONFLICT DO UPDATE SET worker_deaths=worker_deaths+1 RETURNING worker_deaths",
        )
        .and_then(|mut s| s.query_row([asset], |row| row.get(0)))
        .map_err(sql("counting how often a worker died"))?;
    Ok(if deaths < WORKER_DEATHS { TO_BE_DONE } else { FAILED })
}

/// States of probing and of previews.
const TO_BE_DONE: u8 = 0;
const DONE: u8 = 1;
const FAILED: u8 = 2;

/// Stores why an asset could not be read, and the kind that its names promise.
/// When its worker was killed from outside it is tried again by the next scan,
/// twice at most.
///
/// # Errors
/// When it cannot be stored.
pub fn record_probe_failure(
    write: &Transaction<'_>,
    asset: i64,
    error: &Error,
    guess: Option<MediaKind>,
) -> Result<()> {
    let json = serde_json::to_string(error).map_err(|e| Error::bug("writing an error", e))?;
    let state = state_after(write, asset, error)?;
    write
        .prepare_cached(
            "UPDATE assets SET probe_state=?3, kind=iif(kind='unknown', coalesce(?2, kind), kind)
             WHERE id=?1",
        )
        .and_then(|mut s| s.execute(params![asset, guess.map(MediaKind::name), state]))
        .map_err(sql("recording why a file could not be read"))?;
    store(write, "error", asset, Some(json))?;
    words::index(write, asset)
}

/// Lets everything that could not be probed or pictured be tried again.
///
/// # Errors
/// When it cannot be stored.
pub fn forget_failures(write: &Transaction<'_>) -> Result<()> {
    write
        .execute_batch(
            "UPDATE findings SET worker_deaths=0 WHERE asset_id IN
               (SELECT id FROM assets WHERE (probe_state=2 OR preview_state=2) AND present>0);
             UPDATE assets SET probe_state=0 WHERE probe_state=2 AND present>0;
             UPDATE assets SET preview_state=0 WHERE preview_state=2 AND present>0;",
        )
        .map_err(sql("letting failures be tried again"))
}

/// Stores an asset's previews.
///
/// # Errors
/// When it cannot be stored.
pub fn record_preview(write: &Transaction<'_>, asset: i64, preview: &StoredPreview) -> Result<()> {
    let json =
        serde_json::to_string(preview).map_err(|e| Error::bug("writing a preview's row", e))?;
    set_preview_state(write, asset, DONE)?;
    write
        .prepare_cached(
            "INSERT INTO findings (asset_id, preview) VALUES (?1, ?2)
             ON CONFLICT DO UPDATE SET preview=?2, preview_error=NULL, worker_deaths=0",
        )
        .and_then(|mut s| s.execute(params![asset, json]))
        .map(drop)
        .map_err(sql("recording previews"))
}

/// Stores why no previews of an asset could be made. When their worker was
/// killed from outside they are tried again by the next job, twice at most.
///
/// # Errors
/// When it cannot be stored.
pub fn record_preview_failure(write: &Transaction<'_>, asset: i64, error: &Error) -> Result<()> {
    let json = serde_json::to_string(error).map_err(|e| Error::bug("writing an error", e))?;
    let state = state_after(write, asset, error)?;
    set_preview_state(write, asset, state)?;
    store(write, "preview", asset, None)?;
    store(write, "preview_error", asset, Some(json))
}

fn set_preview_state(write: &Transaction<'_>, asset: i64, state: u8) -> Result<()> {
    write
        .prepare_cached("UPDATE assets SET preview_state=?2 WHERE id=?1")
        .and_then(|mut s| s.execute(params![asset, state]))
        .map(drop)
        .map_err(sql("recording previews"))
}

/// Notes that a stored preview was lost and is to be made again.
///
/// # Errors
/// When it cannot be stored.
pub fn record_preview_lost(write: &Transaction<'_>, asset: i64) -> Result<()> {
    set_preview_state(write, asset, TO_BE_DONE)?;
    // Not inserted: the asset may be gone by now.
    write
        .prepare_cached("UPDATE findings SET preview=NULL WHERE asset_id=?")
        .and_then(|mut s| s.execute([asset]))
        .map(drop)
        .map_err(sql("noting a lost preview"))
}

/// Writes one column of an asset's findings.
fn store(write: &Transaction<'_>, column: &str, asset: i64, json: Option<String>) -> Result<()> {
    write
        .prepare_cached(&format!(
            "INSERT INTO findings (asset_id, {column}) VALUES (?1, ?2)
             ON CONFLICT DO UPDATE SET {column}=?2"
        ))
        .and_then(|mut s| s.execute(params![asset, json]))
        .map(drop)
        .map_err(sql("recording what was found out"))
}

/// Where an asset's previews are in the store, by hexadecimal hash.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct StoredPreview {
    /// The still.
    pub poster: Option<String>,
    /// The strip.
    pub strip: Option<String>,
    /// How many stills it holds.
    pub strip_tiles: u32,
    /// How many stand in a row.
    pub strip_columns: u32,
    /// The picture of the sound.
    pub waveform: Option<String>,
}

impl StoredPreview {
    pub(crate) fn shown(&self) -> Preview {
        let part = |hash: &Option<String>| {
            hash.as_deref().and_then(|hash| hash.get(..8)).unwrap_or_default().to_owned()
        };
        Preview {
            version: part(&self.poster) + &part(&self.strip) + &part(&self.waveform),
            poster: self.poster.is_some(),
            strip: self.strip.is_some(),
            strip_tiles: self.strip_tiles,
            strip_columns: self.strip_columns,
            waveform: self.waveform.is_some(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_every_length() {
        for (at, seconds) in [
            ("1970-01-01T01:00:10+01:00", 10),
            ("1970-01-01T00:00:10", 10),
            ("1970-01-02", 86_400),
            ("1970-02", 31 * 86_400),
            ("1971", 365 * 86_400),
        ] {
            assert_eq!(nanos_of(at), Some(seconds * 1_000_000_000), "{at}");
        }
        assert_eq!(nanos_of("yesterday"), None);
    }
}
