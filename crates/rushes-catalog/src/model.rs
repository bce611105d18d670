//! The rows that people and programs see.

use jiff::Timestamp;
use rushes_media::{Error, Probe, UnixNanos};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One asset in a list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AssetRow {
    /// Its name for good, through moves and renames.
    pub id: String,
    /// `still`, `video` or `audio`.
    pub kind: String,
    /// File name of the place shown first, safe to show.
    pub name: String,
    /// Full path of that place, safe to show.
    pub path: String,
    /// Name of the root it is under; absent when the root was removed.
    pub root: Option<String>,
    /// Name of the folder it is in, unless that is `_INCOMING`.
    pub batch: Option<String>,
    /// Bytes.
    pub size_bytes: u64,
    /// Last change of the file (RFC 3339).
    pub modified: String,
    /// When it was made; without an offset where the file does not give one.
    pub captured: Option<String>,
    /// When Rushes first saw it (RFC 3339).
    pub added: String,
    /// Width as shown, upright.
    pub width_px: Option<u32>,
    /// Height as shown, upright.
    pub height_px: Option<u32>,
    /// Exact length, `num/den` seconds.
    pub duration_secs: Option<String>,
    /// Codec of the picture, else of the sound.
    pub codec: Option<String>,
    /// Exact frames a second, `num/den`.
    pub frame_rate_hz: Option<String>,
    /// Whether it has sound.
    pub has_audio: bool,
    /// Whether it is half of a Live Photo.
    pub live: bool,
    /// Sort of HDR.
    pub hdr: Option<String>,
    /// Make and model of the camera.
    pub camera: Option<String>,
    /// `present`; `offline` when its root is not there now; `gone` when a
    /// complete scan missed it.
    pub state: String,
    /// Whether its full hash is known.
    pub hashed: bool,
    /// Places where it is. Not `places`, which an asset's list of them is.
    pub copies: u32,
    /// Why it could not be read.
    pub error: Option<Error>,
    /// Its previews, when they are made.
    pub preview: Option<Preview>,
    /// Media type.
    pub mime: Option<String>,
}

/// Which previews an asset has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Preview {
    /// Changes when the previews do.
    pub version: String,
    /// Whether there is a still.
    pub poster: bool,
    /// Whether there is a strip of stills from along the video.
    pub strip: bool,
    /// How many stills the strip holds.
    pub strip_tiles: u32,
    /// How many of them stand in a row.
    pub strip_columns: u32,
    /// Whether there is a picture of the sound.
    pub waveform: bool,
}

/// One page of assets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Page {
    /// The assets.
    pub items: Vec<AssetRow>,
    /// Give this back for the next page; absent on the last.
    pub next_cursor: Option<String>,
    /// How many there are in all; absent when counting them would take long,
    /// from about 10,000 on, unless an exact total was asked for.
    pub total: Option<u64>,
}

/// One asset with all that is known of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Asset {
    /// As in a list.
    #[serde(flatten)]
    pub row: AssetRow,
    /// What the file was found to hold.
    pub probe: Option<Probe>,
    /// Everywhere it is or was.
    pub places: Vec<Place>,
    /// Why no previews of it could be made.
    pub preview_error: Option<Error>,
    /// The files that belong to it.
    pub sidecars: Vec<Sidecar>,
    /// The other half of a Live Photo.
    pub live_photo_partner: Option<String>,
    /// BLAKE3 of all its bytes, hexadecimal; absent until it was read whole.
    pub blake3: Option<String>,
    /// XXH3-128 of all its bytes, hexadecimal.
    pub xxh3_128: Option<String>,
    /// The cheap fingerprint, hexadecimal.
    pub fingerprint: String,
    /// A person's tags.
    pub tags: Vec<String>,
    /// What happened to it, oldest first.
    pub events: Vec<Event>,
}

/// Where an asset is or was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Place {
    /// Name of its root.
    pub root: String,
    /// Full path, safe to show.
    pub path: String,
    /// Full path, every byte, percent-encoded.
    pub url_path: String,
    /// Bytes.
    pub size_bytes: u64,
    /// Last change (RFC 3339).
    pub modified: String,
    /// `present`, `offline` or `gone`.
    pub state: String,
    /// When it was first seen there.
    pub first_seen: String,
    /// When it was last seen there.
    pub last_seen: String,
}

/// A file that belongs to an asset.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Sidecar {
    /// Full path, safe to show.
    pub path: String,
    /// Its extension: `xmp`, `srt`, `aae`.
    pub kind: String,
}

/// Something that happened to an asset's places.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Event {
    /// When (RFC 3339).
    pub at: String,
    /// `moved`, `renamed`, `copied`, `changed`, `vanished`, `returned` or `merged`.
    pub kind: String,
    /// From where, to where.
    pub detail: String,
}

/// A registered root.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RootRow {
    /// Its name.
    pub name: String,
    /// Its path, safe to show.
    pub path: String,
    /// `online`, `offline` or `empty`.
    pub state: String,
    /// Assets' places below it that are there.
    pub places: u64,
    /// Bytes of these.
    pub size_bytes: u64,
    /// When a scan last went through all of it, to its end (RFC 3339).
    pub last_scan: Option<String>,
}

/// A number of assets and their bytes, under a name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Total {
    /// What is counted.
    pub name: String,
    /// How many.
    pub count: u64,
    /// Bytes of these.
    pub size_bytes: u64,
}

/// Totals over the catalogue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Stats {
    /// Assets that are somewhere.
    pub assets: u64,
    /// Places where they are.
    pub places: u64,
    /// Bytes of the assets, each counted once.
    pub size_bytes: u64,
    /// Assets whose full hash is known.
    pub hashed: u64,
    /// Assets that could not be read.
    pub errors: u64,
    /// By kind.
    pub by_kind: Vec<Total>,
    /// By codec of the picture, else of the sound.
    pub by_codec: Vec<Total>,
    /// By batch.
    pub by_batch: Vec<Total>,
    /// By root.
    pub by_root: Vec<Total>,
    /// By media type.
    pub by_mime: Vec<Total>,
    /// By state.
    pub by_state: Vec<Total>,
}

/// The time as RFC 3339 in UTC, to the second.
#[must_use]
pub fn rfc3339(at: UnixNanos) -> String {
    Timestamp::from_second(at.div_euclid(1_000_000_000))
        .map_or_else(|_| String::from("unknown"), |time| time.to_string())
}

/// Bytes in hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a String does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
