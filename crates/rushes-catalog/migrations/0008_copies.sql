-- Folders that copies were made in. Two disks that are mounted at one path by
-- turns are two destinations.
CREATE TABLE destinations (
    id       INTEGER PRIMARY KEY,
    path     BLOB NOT NULL,
    volume   TEXT NOT NULL,
    added_ns INTEGER NOT NULL,
    in_root  INTEGER NOT NULL DEFAULT 0,   -- it lies in a root, so that scans count what is in it
    UNIQUE (path, volume)
);

-- Each copy that was made, byte for byte verified when it was.
CREATE TABLE copies (
    id             INTEGER PRIMARY KEY,
    destination_id INTEGER NOT NULL REFERENCES destinations (id) ON DELETE CASCADE,
    path           BLOB NOT NULL,              -- relative to the destination
    asset_id       INTEGER REFERENCES assets (id) ON DELETE SET NULL,  -- of a sidecar its owner's
    is_sidecar     INTEGER NOT NULL DEFAULT 0,
    blake3         BLOB NOT NULL,
    xxh3_128       BLOB NOT NULL,
    c4             TEXT NOT NULL,
    size_bytes     INTEGER NOT NULL,
    mtime_ns       INTEGER NOT NULL,
    state          INTEGER NOT NULL DEFAULT 0, -- 0 whole, 1 missing, 2 damaged
    copied_ns      INTEGER NOT NULL,
    verified_ns    INTEGER NOT NULL,           -- when its bytes were last read back and were right
    listed         INTEGER NOT NULL DEFAULT 0, -- in the hash list of the destination
    UNIQUE (destination_id, path)
);
CREATE INDEX copies_by_asset ON copies (asset_id) WHERE asset_id IS NOT NULL;
CREATE INDEX copies_by_age ON copies (destination_id, verified_ns);
CREATE INDEX copies_unlisted ON copies (destination_id) WHERE listed = 0;

-- What lists and searches need of them: the whole copies that no scan counts,
-- and the last time that one of them all was verified.
ALTER TABLE assets ADD COLUMN backups INTEGER NOT NULL DEFAULT 0;
ALTER TABLE assets ADD COLUMN verified_ns INTEGER;

CREATE VIEW asset_copies AS
    SELECT copies.asset_id, sum(in_root = 0) AS backups, max(verified_ns) AS verified_ns
    FROM copies JOIN destinations ON destinations.id = destination_id
    WHERE state = 0 AND is_sidecar = 0 AND asset_id IS NOT NULL GROUP BY copies.asset_id;

CREATE TRIGGER copies_made AFTER INSERT ON copies WHEN new.asset_id IS NOT NULL BEGIN
    UPDATE assets SET
        backups = coalesce((SELECT backups FROM asset_copies WHERE asset_id = assets.id), 0),
        verified_ns = (SELECT verified_ns FROM asset_copies WHERE asset_id = assets.id)
    WHERE id = new.asset_id;
END;
CREATE TRIGGER copies_changed AFTER UPDATE OF asset_id, state, verified_ns ON copies BEGIN
    UPDATE assets SET
        backups = coalesce((SELECT backups FROM asset_copies WHERE asset_id = assets.id), 0),
        verified_ns = (SELECT verified_ns FROM asset_copies WHERE asset_id = assets.id)
    WHERE id IN (old.asset_id, new.asset_id);
END;
CREATE TRIGGER copies_gone AFTER DELETE ON copies WHEN old.asset_id IS NOT NULL BEGIN
    UPDATE assets SET
        backups = coalesce((SELECT backups FROM asset_copies WHERE asset_id = assets.id), 0),
        verified_ns = (SELECT verified_ns FROM asset_copies WHERE asset_id = assets.id)
    WHERE id = old.asset_id;
END;

-- Whether a destination lies in a root changes with the roots.
CREATE TRIGGER destinations_in_roots AFTER INSERT ON roots BEGIN
    UPDATE destinations SET in_root = 1 WHERE new.path IN (path, X'2F')
        OR substr(path, 1, length(new.path) + 1) = CAST(CAST(new.path AS TEXT) || '/' AS BLOB);
END;
CREATE TRIGGER destinations_out_of_roots AFTER DELETE ON roots BEGIN
    UPDATE destinations SET in_root = EXISTS (
        SELECT 1 FROM roots WHERE roots.path IN (destinations.path, X'2F')
        OR substr(destinations.path, 1, length(roots.path) + 1)
           = CAST(CAST(roots.path AS TEXT) || '/' AS BLOB));
END;
CREATE TRIGGER destinations_made AFTER INSERT ON destinations BEGIN
    UPDATE destinations SET in_root = EXISTS (
        SELECT 1 FROM roots WHERE roots.path IN (new.path, X'2F')
        OR substr(new.path, 1, length(roots.path) + 1) = CAST(CAST(roots.path AS TEXT) || '/' AS BLOB))
    WHERE id = new.id;
END;
CREATE TRIGGER destinations_changed AFTER UPDATE OF in_root ON destinations
WHEN old.in_root <> new.in_root BEGIN
    UPDATE assets SET
        backups = coalesce((SELECT backups FROM asset_copies WHERE asset_id = assets.id), 0)
    WHERE id IN (SELECT asset_id FROM copies WHERE destination_id = new.id);
END;
