//! The SQLite file: one writer, a few readers, migrations, and the settings
//! that make a commit survive a power cut.

use std::cell::Cell;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rushes_media::{Error, ErrorKind, Result};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags, Transaction, TransactionBehavior};

use crate::detail::KeptStats;

/// Each schema version's statements, in order; never changed once released.
const MIGRATIONS: &[&str] = &[
    include_str!("../migrations/0001_catalogue.sql"),
    include_str!("../migrations/0002_jobs.sql"),
    include_str!("../migrations/0003_job_authority.sql"),
    include_str!("../migrations/0004_preview_errors.sql"),
    include_str!("../migrations/0005_job_keys.sql"),
    include_str!("../migrations/0006_root_reads.sql"),
    include_str!("../migrations/0007_displaced.sql"),
    include_str!("../migrations/0008_copies.sql"),
];

/// SQLite before this one can lose a commit when its WAL is reset.
const OLDEST_SQLITE: i32 = 3_051_003;

/// Readers of one process; more wait for one to be free.
const READERS: usize = 4;

/// How long one process waits for another.
const BUSY: Duration = Duration::from_secs(30);

/// Steps of SQLite's machine between two looks at whether it is to stop.
const STEPS: u32 = 1_000;

thread_local! {
    /// Looks that the statement running on this thread may yet take; none: any number.
    static LOOKS_LEFT: Cell<Option<u32>> = const { Cell::new(None) };
}

/// Runs a query that a reader makes on this thread for so many steps of
/// SQLite's machine; none when they were not enough. Steps are counted, not
/// time, so that the answer is the same on every machine.
pub(crate) fn within_steps<T>(steps: u32, query: impl FnOnce() -> Result<T>) -> Result<Option<T>> {
    LOOKS_LEFT.set(Some(steps / STEPS));
    let result = query();
    let stopped = LOOKS_LEFT.take() == Some(0);
    match result {
        Err(_) if stopped => Ok(None),
        other => other.map(Some),
    }
}

fn count_steps() -> bool {
    let left = LOOKS_LEFT.get().map(|left| left.saturating_sub(1));
    LOOKS_LEFT.set(left);
    left == Some(0)
}

/// The catalogue of one home folder.
///
/// Several processes may have it open at once. Writers wait for each other
/// for up to 30 s.
pub struct Catalog {
    path: PathBuf,
    /// Whose turn it is to write next: a mutex alone would let a scan that writes all the time
    /// take it again and again before one that waits.
    next_to_write: Mutex<()>,
    writer: Mutex<Connection>,
    readers: Mutex<Readers>,
    reader_free: Condvar,
    pub(crate) stats: Mutex<Option<KeptStats>>,
}

struct Readers {
    idle: Vec<Connection>,
    open: usize,
}

impl Catalog {
    /// Opens the catalogue in this file, creates it when it is not there, and
    /// brings an older one up to date.
    ///
    /// # Errors
    /// `Conflict` when a newer Rushes wrote it, `Corrupt` when it is no
    /// catalogue, `Denied` or `Unavailable` when the file cannot be had.
    pub fn open(path: &Path) -> Result<Catalog> {
        if rusqlite::version_number() < OLDEST_SQLITE {
            let why = format!("SQLite {} has a known data-loss bug", rusqlite::version());
            return Err(Error::new(ErrorKind::Bug, "opening the catalogue", why)
                .remedy("build with SQLite 3.51.3 or newer"));
        }
        let open = || -> Result<Connection> {
            let mut writer = Connection::open(path).map_err(sql("opening the catalogue"))?;
            configure(&writer)?;
            migrate(&mut writer)?;
            Ok(writer)
        };
        let writer = open().map_err(|error| error.at(path))?;
        // The directory entry of a new database must survive a power cut too.
        if let Some(folder) = path.parent()
            && let Ok(folder) = File::open(folder)
        {
            folder.sync_all().map_err(|e| Error::io("saving the home folder", &e).at(path))?;
        }
        Ok(Catalog {
            path: path.to_owned(),
            next_to_write: Mutex::new(()),
            writer: Mutex::new(writer),
            readers: Mutex::new(Readers { idle: Vec::new(), open: 0 }),
            reader_free: Condvar::new(),
            stats: Mutex::new(None),
        })
    }

    /// The database file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Runs this in one transaction that is on disk when it returns well, and
    /// has left no trace when it does not.
    ///
    /// # Errors
    /// Those of `work`, and `Unavailable` when another process holds the
    /// catalogue for too long or the disk is full.
    pub fn write<T>(&self, work: impl FnOnce(&Transaction<'_>) -> Result<T>) -> Result<T> {
        let turn = lock(&self.next_to_write);
        let mut writer = lock(&self.writer);
        drop(turn);
        let transaction = writer
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(sql("beginning to write to the catalogue"))?;
        let value = work(&transaction)?;
        transaction.commit().map_err(sql("saving to the catalogue"))?;
        Ok(value)
    }

    /// Runs this on one consistent view of the catalogue.
    ///
    /// # Errors
    /// Those of `work`, and `Unavailable` when the catalogue cannot be read.
    pub fn read<T>(&self, work: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        let reader = self.borrow_reader()?;
        let result = (|| {
            reader.execute_batch("BEGIN DEFERRED").map_err(sql("reading the catalogue"))?;
            work(&reader)
        })();
        let ended = reader.execute_batch("ROLLBACK");
        let mut readers = lock(&self.readers);
        if ended.is_ok() || reader.is_autocommit() {
            readers.idle.push(reader);
        } else {
            readers.open -= 1;
        }
        drop(readers);
        self.reader_free.notify_one();
        result
    }

    fn borrow_reader(&self) -> Result<Connection> {
        let mut readers = lock(&self.readers);
        loop {
            if let Some(reader) = readers.idle.pop() {
                return Ok(reader);
            }
            if readers.open < READERS {
                readers.open += 1;
                drop(readers);
                return self.open_reader().inspect_err(|_| {
                    lock(&self.readers).open -= 1;
                    self.reader_free.notify_one();
                });
            }
            readers = self.reader_free.wait(readers).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn open_reader(&self) -> Result<Connection> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut reader = Connection::open_with_flags(&self.path, flags)
            .map_err(sql("opening the catalogue for reading"))?;
        reader
            .execute_batch(
                "PRAGMA busy_timeout=30000; PRAGMA cache_size=-65536; PRAGMA temp_store=MEMORY;",
            )
            .map_err(sql("setting up the catalogue for reading"))?;
        reader
            .progress_handler(STEPS as i32, Some(count_steps))
            .map_err(sql("setting up the catalogue for reading"))?;
        plan_once(&reader).map_err(sql("setting up the catalogue for reading"))?;
        reader.set_prepared_statement_cache_capacity(64);
        Ok(reader)
    }

    /// A number that grows with every change to what people see.
    ///
    /// # Errors
    /// When the catalogue cannot be read.
    pub fn version(&self) -> Result<i64> {
        self.read(|reader| {
            reader
                .prepare_cached("SELECT value FROM counters WHERE name='version'")
                .and_then(|mut statement| statement.query_row([], |row| row.get(0)))
                .map_err(sql("reading the catalogue's version"))
        })
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic inside `write` has rolled its transaction back: the connection is sound.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Keeps SQLite from planning a prepared statement anew for each value that a
/// partial index might be about: every statement that names a column of such
/// an index would be prepared again whenever it is used.
fn plan_once(connection: &Connection) -> rusqlite::Result<()> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map(drop)
}

fn configure(writer: &Connection) -> Result<()> {
    let configure = || -> rusqlite::Result<()> {
        writer.busy_timeout(BUSY)?;
        into_wal(writer)?;
        // With FULL a commit is on disk before it is acknowledged.
        writer.execute_batch(
            "PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;
             PRAGMA mmap_size=0; PRAGMA cache_size=-65536; PRAGMA temp_store=MEMORY;
             PRAGMA journal_size_limit=67108864; PRAGMA wal_autocheckpoint=10000;
             PRAGMA trusted_schema=OFF;",
        )?;
        plan_once(writer)?;
        writer.set_prepared_statement_cache_capacity(128);
        Ok(())
    };
    configure().map_err(sql("setting up the catalogue"))
}

/// Turns the write-ahead log on. For that, and for that alone, SQLite does not
/// wait while another process does the same with a new catalogue.
fn into_wal(writer: &Connection) -> rusqlite::Result<()> {
    let began = Instant::now();
    loop {
        match writer.execute_batch("PRAGMA journal_mode=WAL;") {
            Err(error)
                if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy)
                    && began.elapsed() < BUSY =>
            {
                std::thread::sleep(Duration::from_millis(5));
            }
            done => return done,
        }
    }
}

fn migrate(writer: &mut Connection) -> Result<()> {
    let what = "bringing the catalogue up to date";
    let transaction =
        writer.transaction_with_behavior(TransactionBehavior::Immediate).map_err(sql(what))?;
    let version: usize = transaction
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .map_err(sql(what))?;
    let pending = MIGRATIONS.get(version..).ok_or_else(|| {
        let why = format!("it has version {version}, this Rushes knows {}", MIGRATIONS.len());
        Error::new(ErrorKind::Conflict, what, why).remedy("use the newer Rushes that wrote it")
    })?;
    for statements in pending {
        transaction.execute_batch(statements).map_err(sql(what))?;
    }
    if !pending.is_empty() {
        transaction
            .pragma_update(None, "user_version", MIGRATIONS.len() as i64)
            .map_err(sql(what))?;
    }
    transaction.commit().map_err(sql(what))
}

/// Turns an SQLite failure while doing `what` into ours.
pub fn sql(what: &'static str) -> impl Fn(rusqlite::Error) -> Error {
    use rusqlite::ErrorCode as Code;
    move |error| {
        let found = |kind| Error::new(kind, what, error.to_string());
        match error.sqlite_error_code() {
            Some(Code::DatabaseBusy | Code::DatabaseLocked) => found(ErrorKind::Unavailable)
                .remedy("another process is busy with this catalogue; try again"),
            Some(Code::DiskFull) => {
                found(ErrorKind::Unavailable).remedy("free some space on that disk")
            }
            Some(Code::NotADatabase | Code::DatabaseCorrupt) => found(ErrorKind::Corrupt).remedy(
                "put a copy of catalogue.sqlite back into the home folder, or move it aside \
                     with its -wal and -shm and scan again; tags are in the catalogue alone",
            ),
            Some(Code::SystemIoFailure) if has_no_room(&error) => {
                let why = format!("the disk is full, or it fails ({error})");
                Error::new(ErrorKind::Unavailable, what, why).remedy(
                    "free some space on that disk; if there is enough, see the system's log",
                )
            }
            Some(Code::SystemIoFailure) => found(ErrorKind::Unavailable)
                .remedy("the disk may be failing: see the system's log, then try again"),
            Some(Code::CannotOpen) => found(ErrorKind::Unavailable),
            Some(
                Code::PermissionDenied | Code::ReadOnly | Code::AuthorizationForStatementDenied,
            ) => found(ErrorKind::Denied),
            Some(Code::ConstraintViolation) => found(ErrorKind::Conflict),
            _ if matches!(error, rusqlite::Error::QueryReturnedNoRows) => {
                found(ErrorKind::NotFound)
            }
            _ => found(ErrorKind::Bug),
        }
    }
}

/// Whether the write-ahead log's shared memory could not be made large enough:
/// SQLite calls that a failing disk, whatever the system said, and most often it is a full one.
fn has_no_room(error: &rusqlite::Error) -> bool {
    let code = error.sqlite_error().map(|error| error.extended_code);
    code == Some(rusqlite::ffi::SQLITE_IOERR_SHMSIZE)
}

/// The version of the linked SQLite.
#[must_use]
pub fn sqlite_version() -> &'static str {
    rusqlite::version()
}
