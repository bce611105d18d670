//! The catalogue: assets, places, facts, search, migrations and the check of
//! its invariants. Nothing below this crate knows that a catalogue exists.

mod assets;
mod check;
mod copies;
mod database;
mod detail;
mod findings;
mod model;
mod places;
mod query;
mod roots;
mod search;
mod wanted;
mod words;
mod work;

/// What [`Catalog::read`] and [`Catalog::write`] hand out.
pub use rusqlite::{Connection, Transaction};

pub use assets::{
    Hashing, Identified, extension_of, identify, record_hashes, record_no_media,
    record_not_media_at, record_unsettled,
};
pub use check::{Violation, check, read_turn, set_read_turn};
pub use copies::{
    Candidate, CopyRow, CopyState, Destination, DestinationRow, KnownCopy, NewCopy, candidates,
    copies_by_age, copy_at, copy_in, partners, record_copy, record_listed, record_verified,
    sidecars_of, unlisted_copies,
};
pub use database::{Catalog, sql, sqlite_version};
pub use detail::asset_number;
pub use findings::{
    StoredPreview, forget_failures, record_preview, record_preview_failure, record_preview_lost,
    record_probe, record_probe_failure,
};
pub use model::{
    Asset, AssetRow, Event, Page, Place, Preview, RootRow, Sidecar, Stats, Total, rfc3339,
};
pub use places::{
    Difference, FolderDifference, KnownFolder, KnownPlace, Met, MissedPlace, PendingPlace, Role,
    known_folder, known_places, newest_folder, pending_places, places_outside, record_folder,
    record_gone, record_move, shown_place,
};
pub use query::{FILTERS, LISTED, Query, SortKey, parse};
pub use roots::{RegisteredRoot, RootState, note_change, registered, relative_to};
pub use search::PAGE_ROWS;
pub use work::{
    AssetKey, AssetTask, PreviewCopy, Served, Source, StoredPlace, Work, assets_like, is_left,
    next_assets, place_names, served, sources, stored_places, stored_previews, work_left,
};
