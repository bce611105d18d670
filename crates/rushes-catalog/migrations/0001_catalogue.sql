-- Times are nanoseconds since 1970 (UTC); names and paths are bytes.

CREATE TABLE counters (
    name  TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) WITHOUT ROWID;
INSERT INTO counters VALUES ('version', 0), ('assets', 0);

-- Folders that a person registered.
CREATE TABLE roots (
    id           INTEGER PRIMARY KEY,
    name         TEXT NOT NULL UNIQUE,
    path         BLOB NOT NULL UNIQUE,
    volume       TEXT,                -- identity of the volume it was seen on
    state        TEXT NOT NULL CHECK (state IN ('online', 'offline', 'empty')),
    added_ns     INTEGER NOT NULL,
    last_scan_ns INTEGER              -- last scan that read all of it
);

CREATE TABLE folders (
    id      INTEGER PRIMARY KEY,
    root_id INTEGER NOT NULL REFERENCES roots (id) ON DELETE CASCADE,
    path    BLOB NOT NULL,            -- relative to the root, empty for the root itself
    device  INTEGER NOT NULL,         -- the device when last seen
    mounted INTEGER NOT NULL,         -- whether that was another than the root's: a mount below it
    UNIQUE (root_id, path)
);

-- An asset is its content. Until that is hashed, blake3 is null and nothing
-- that removes or deduplicates may act on it.
CREATE TABLE assets (
    id             INTEGER PRIMARY KEY,
    public_id      TEXT NOT NULL UNIQUE,
    blake3         BLOB UNIQUE,
    xxh3_128       BLOB,
    fingerprint    BLOB NOT NULL,
    size_bytes     INTEGER NOT NULL,
    rehash         INTEGER NOT NULL DEFAULT 0,  -- the stored hash is to be confirmed
    added_ns       INTEGER NOT NULL,
    -- what the first pass guesses from the name and the probe then knows
    kind           TEXT NOT NULL,
    probe_state    INTEGER NOT NULL DEFAULT 0,  -- 0 to be probed, 1 probed, 2 failed
    -- copies of what lists, filters and sorts need
    present        INTEGER NOT NULL DEFAULT 0,  -- places that are there
    place_id       INTEGER,                     -- the place that is shown first
    name           TEXT NOT NULL,               -- of that place, safe to show
    batch          TEXT,
    extension      TEXT NOT NULL DEFAULT '',
    modified_ns    INTEGER NOT NULL,
    captured       TEXT,
    sort_ns        INTEGER NOT NULL,            -- captured, else modified
    codec          TEXT,
    mime           TEXT,
    width_px       INTEGER,
    height_px      INTEGER,
    duration_secs  REAL,
    frame_rate_hz  REAL,
    has_audio      INTEGER NOT NULL DEFAULT 0,
    hdr            TEXT,
    camera         TEXT,
    content_identifier TEXT,
    -- previews
    preview_state  INTEGER NOT NULL DEFAULT 0   -- 0 to be made, 1 made, 2 failed
);
-- What a first scan has not probed yet and whose name promises nothing is not
-- listed; the lists' indexes leave it out, by the very condition that every
-- list has, so that they alone answer.
CREATE INDEX assets_by_time ON assets (sort_ns DESC, id DESC)
    WHERE present > 0 AND (kind <> 'unknown' OR probe_state = 2);
CREATE INDEX assets_by_name ON assets (name, id) WHERE present > 0 AND (kind <> 'unknown' OR probe_state = 2);
CREATE INDEX assets_by_kind ON assets (kind, sort_ns DESC, id DESC)
    WHERE present > 0 AND (kind <> 'unknown' OR probe_state = 2);
CREATE INDEX assets_by_codec ON assets (codec, sort_ns DESC, id DESC)
    WHERE present > 0 AND (kind <> 'unknown' OR probe_state = 2) AND codec IS NOT NULL;
CREATE INDEX assets_by_batch ON assets (batch, sort_ns DESC, id DESC)
    WHERE present > 0 AND (kind <> 'unknown' OR probe_state = 2);
-- What few have, and people look for.
CREATE INDEX assets_failed ON assets (sort_ns DESC, id DESC) WHERE probe_state = 2;
CREATE INDEX assets_hdr ON assets (sort_ns DESC, id DESC) WHERE hdr IS NOT NULL;
CREATE INDEX assets_by_fingerprint ON assets (size_bytes, fingerprint);
CREATE INDEX assets_by_content_identifier ON assets (content_identifier)
    WHERE content_identifier IS NOT NULL;
CREATE INDEX assets_to_probe ON assets (id) WHERE probe_state = 0;
CREATE INDEX assets_to_preview ON assets (id) WHERE preview_state = 0 AND probe_state = 1;
CREATE INDEX assets_to_hash ON assets (id) WHERE blake3 IS NULL OR rehash = 1;

-- What was found out about assets and only the ones that are shown need: lists
-- and searches pass over many assets, whose rows are small without it. The
-- largest comes last, so that the others are read without it.
CREATE TABLE findings (
    asset_id   INTEGER PRIMARY KEY REFERENCES assets (id) ON DELETE CASCADE,
    duration   TEXT,                  -- exact, num/den seconds
    frame_rate TEXT,                  -- exact, num/den frames a second
    error      TEXT,                  -- JSON
    preview    TEXT,                  -- JSON
    probe      TEXT                   -- JSON
);

-- Names that an asset had before it was found to be the same as another.
CREATE TABLE asset_aliases (
    public_id TEXT PRIMARY KEY,
    asset_id  INTEGER NOT NULL REFERENCES assets (id) ON DELETE CASCADE
) WITHOUT ROWID;

-- Where a file is or was. Files that are no media are kept too, so that an
-- unchanged one is not opened again.
CREATE TABLE places (
    id            INTEGER PRIMARY KEY,
    folder_id     INTEGER NOT NULL REFERENCES folders (id) ON DELETE CASCADE,
    name          BLOB NOT NULL,
    asset_id      INTEGER REFERENCES assets (id),
    role          INTEGER NOT NULL DEFAULT 0,  -- 0 new, 1 asset, 2 sidecar, 3 no media, 4 unsettled
    owner_id      INTEGER REFERENCES places (id) ON DELETE SET NULL,  -- whose sidecar it is
    size_bytes    INTEGER NOT NULL,
    mtime_ns      INTEGER NOT NULL,
    ctime_ns      INTEGER NOT NULL,
    inode         INTEGER NOT NULL,
    state         INTEGER NOT NULL DEFAULT 0,  -- 0 present, 1 gone
    recheck       INTEGER NOT NULL DEFAULT 0,  -- compare its fingerprint again
    first_seen_ns INTEGER NOT NULL,
    last_seen_ns  INTEGER NOT NULL,            -- when it was last new, changed, moved or gone
    UNIQUE (folder_id, name)
);
CREATE INDEX places_by_asset ON places (asset_id) WHERE asset_id IS NOT NULL;
CREATE INDEX places_by_inode ON places (inode);
CREATE INDEX places_pending ON places (id) WHERE role IN (0, 4) OR recheck = 1;
CREATE INDEX places_by_owner ON places (owner_id) WHERE owner_id IS NOT NULL;

-- A person's words about an asset.
CREATE TABLE tags (
    asset_id INTEGER NOT NULL REFERENCES assets (id) ON DELETE CASCADE,
    tag      TEXT NOT NULL COLLATE NOCASE,
    PRIMARY KEY (asset_id, tag)
) WITHOUT ROWID;
CREATE INDEX tags_by_tag ON tags (tag);

-- What happened to an asset's places.
CREATE TABLE events (
    id       INTEGER PRIMARY KEY,
    asset_id INTEGER NOT NULL REFERENCES assets (id) ON DELETE CASCADE,
    at_ns    INTEGER NOT NULL,
    kind     TEXT NOT NULL,
    detail   TEXT NOT NULL
);
CREATE INDEX events_by_asset ON events (asset_id);

-- Full text; rowid is the asset's id.
CREATE VIRTUAL TABLE words USING fts5 (
    text, content='', contentless_delete=1,
    tokenize="unicode61 remove_diacritics 2", detail=full
);
CREATE VIRTUAL TABLE known_words USING fts5vocab ('words', 'row');

CREATE TRIGGER assets_appear AFTER INSERT ON assets WHEN new.present > 0 BEGIN
    UPDATE counters SET value = value + 1 WHERE name = 'assets';
END;
CREATE TRIGGER assets_vanish AFTER DELETE ON assets WHEN old.present > 0 BEGIN
    UPDATE counters SET value = value - 1 WHERE name = 'assets';
END;
CREATE TRIGGER assets_change AFTER UPDATE OF present ON assets
WHEN (old.present > 0) <> (new.present > 0) BEGIN
    UPDATE counters SET value = value + iif(new.present > 0, 1, -1) WHERE name = 'assets';
END;
