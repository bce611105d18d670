-- What a scan left behind had other keys than what a person asked for, so that
-- the same work could be queued twice.
UPDATE OR IGNORE jobs SET key = key || ' ' || key
    WHERE key IN ('hash', 'previews') AND state IN ('queued', 'running');
