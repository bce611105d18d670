-- Who asked for a job: it may do no more when it runs than its asker may.

ALTER TABLE jobs ADD COLUMN authority TEXT NOT NULL DEFAULT 'local'
    CHECK (authority IN ('local', 'network'));
