-- Why no preview could be made, and how often in a row a worker died over an
-- asset by no fault of the file, as far as one can tell.

ALTER TABLE findings ADD COLUMN preview_error TEXT; -- JSON
ALTER TABLE findings ADD COLUMN worker_deaths INTEGER NOT NULL DEFAULT 0;

-- Whose previews failed before is not known to have deserved it: once more, and
-- the reason is kept.
UPDATE assets SET preview_state = 0 WHERE preview_state = 2;
