-- The job queue and its effect log.
--
-- Columns in _ns are nanoseconds since 1970, but for lease_until_ns, which
-- counts from the boot that lease_boot names: a step of the wall clock must
-- neither end a lease nor make it last for ever.

INSERT INTO counters (name, value) VALUES ('jobs_change', 0);

CREATE TABLE jobs (
    -- AUTOINCREMENT: the number of a trimmed job is never given out again.
    id               INTEGER PRIMARY KEY AUTOINCREMENT,
    kind             TEXT NOT NULL,
    title            TEXT NOT NULL,
    params           TEXT NOT NULL, -- JSON
    key              TEXT,
    priority         INTEGER NOT NULL,
    state            TEXT NOT NULL
                     CHECK (state IN ('queued', 'running', 'done', 'failed', 'cancelled')),

    -- The fencing token: one more with every claim, never less.
    token            INTEGER NOT NULL DEFAULT 0,
    attempts         INTEGER NOT NULL DEFAULT 0,
    max_attempts     INTEGER NOT NULL,
    -- Attempts that ended because the worker was gone.
    deaths           INTEGER NOT NULL DEFAULT 0,
    cancel_requested INTEGER NOT NULL DEFAULT 0 CHECK (cancel_requested IN (0, 1)),

    created_ns       INTEGER NOT NULL,
    started_ns       INTEGER,
    finished_ns      INTEGER,
    not_before_ns    INTEGER,

    done             INTEGER NOT NULL DEFAULT 0,
    total            INTEGER,
    unit             TEXT NOT NULL DEFAULT '',
    rate_per_sec     REAL,
    note             TEXT,

    plan             TEXT, -- JSON
    error            TEXT, -- JSON
    result           TEXT, -- JSON

    -- Who holds it, while it runs.
    worker           TEXT,
    lease_boot       TEXT,
    lease_until_ns   INTEGER,
    process_scope    TEXT,
    process_id       INTEGER,
    process_started  INTEGER,

    -- The value of the counter jobs_change when the row last changed.
    change           INTEGER NOT NULL,

    CHECK ((state = 'running') = (lease_until_ns IS NOT NULL)),
    CHECK ((state IN ('done', 'failed', 'cancelled')) = (finished_ns IS NOT NULL))
) STRICT;

CREATE UNIQUE INDEX jobs_key ON jobs (key) WHERE state IN ('queued', 'running');
CREATE INDEX jobs_queued ON jobs (priority DESC, id) WHERE state = 'queued';
CREATE INDEX jobs_state ON jobs (state, id);
CREATE INDEX jobs_ended ON jobs (change) WHERE state IN ('done', 'failed', 'cancelled');
CREATE UNIQUE INDEX jobs_change ON jobs (change);

CREATE TABLE job_effects (
    id     INTEGER PRIMARY KEY,
    job_id INTEGER NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    token  INTEGER NOT NULL, -- of the attempt that wrote the line
    key    TEXT NOT NULL,
    state  TEXT NOT NULL CHECK (state IN ('begun', 'done', 'failed')),
    at_ns  INTEGER NOT NULL,
    detail TEXT
) STRICT;

CREATE INDEX job_effects_of_job ON job_effects (job_id, id);

CREATE TRIGGER job_effects_are_only_appended BEFORE UPDATE ON job_effects
BEGIN
    SELECT RAISE(ABORT, 'the effect log is only appended to');
END;
