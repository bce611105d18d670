-- What a place held before its stamp became another, and that stamp: when names
-- pass from file to file, the content is found again by it under its new name,
-- though nothing is hashed yet. Kept until the content is found. The place's own
-- row may go meanwhile.
CREATE TABLE displaced (
    place_id   INTEGER PRIMARY KEY,
    folder_id  INTEGER NOT NULL REFERENCES folders (id) ON DELETE CASCADE,
    asset_id   INTEGER NOT NULL REFERENCES assets (id) ON DELETE CASCADE,
    inode      INTEGER NOT NULL,
    size_bytes INTEGER NOT NULL,
    mtime_ns   INTEGER NOT NULL
);
CREATE INDEX displaced_by_inode ON displaced (inode);
CREATE INDEX displaced_by_asset ON displaced (asset_id);
CREATE INDEX displaced_by_folder ON displaced (folder_id);

-- Where the next check that reads files again begins, in hundredths of them.
INSERT INTO counters (name, value) VALUES ('read_turn', 0);
