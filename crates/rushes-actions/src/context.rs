//! What an action runs in: the home folder, the catalogue, the queue, the
//! workers, the clock, and who asked.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use rushes_catalog::Catalog;
use rushes_media::{Clock, Error, ErrorKind, Limits, Result, SystemClock};
use rushes_sandbox::Pool;
use rushes_store::Home;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::queue::{EffectState, JobQueue};

/// Opens the queue that lives in this catalogue. The door chooses which.
pub type OpenQueue = fn(&Arc<Catalog>) -> Result<Arc<dyn JobQueue>>;

/// What all actions of one process share. Cheap to clone.
#[derive(Clone)]
pub struct Engine(Arc<Inner>);

struct Inner {
    home: Home,
    open_queue: OpenQueue,
    opened: OnceLock<Opened>,
    opening: std::sync::Mutex<()>,
    pool: Pool,
    converters: Pool,
    clock: Arc<dyn Clock>,
    limits: Limits,
    roots_from_network: OnceLock<Vec<PathBuf>>,
    hash_rate_mb_per_sec: OnceLock<u32>,
}

/// Conversions at a time; each uses all processors.
const CONVERSIONS: usize = 2;

/// What a conversion may cost: encoders hold many frames, and a day of footage
/// takes days. One that hangs is noticed by its silence.
fn converting(limits: &Limits) -> Limits {
    let forever_secs = 365 * 24 * 3600;
    Limits {
        memory_bytes: limits.memory_bytes.max(8 << 30),
        cpu_secs: forever_secs,
        wall_secs: forever_secs,
        ..*limits
    }
}

struct Opened {
    catalog: Arc<Catalog>,
    queue: Arc<dyn JobQueue>,
}

impl Engine {
    /// An engine over this home folder. Nothing is opened or created before
    /// an action asks for it.
    #[must_use]
    pub fn new(home: Home, open_queue: OpenQueue, pool: Pool, limits: Limits) -> Engine {
        Engine::with_clock(home, open_queue, pool, limits, Arc::new(SystemClock))
    }

    /// The same, with a clock of the caller's.
    #[must_use]
    pub fn with_clock(
        home: Home,
        open_queue: OpenQueue,
        pool: Pool,
        limits: Limits,
        clock: Arc<dyn Clock>,
    ) -> Engine {
        let converters = pool.with_limits(CONVERSIONS, converting(&limits));
        Engine(Arc::new(Inner {
            converters,
            home,
            open_queue,
            opened: OnceLock::new(),
            opening: std::sync::Mutex::new(()),
            pool,
            clock,
            limits,
            roots_from_network: OnceLock::new(),
            hash_rate_mb_per_sec: OnceLock::new(),
        }))
    }

    fn opened(&self) -> Result<&Opened> {
        if let Some(opened) = self.0.opened.get() {
            return Ok(opened);
        }
        let _guard = self.0.opening.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if self.0.opened.get().is_none() {
            self.0.home.create()?;
            let catalog = Arc::new(Catalog::open(&self.0.home.database())?);
            let queue = (self.0.open_queue)(&catalog)?;
            let _ = self.0.opened.set(Opened { catalog, queue });
        }
        self.0.opened.get().ok_or_else(|| Error::bug("opening the catalogue", "it did not stay"))
    }

    /// The catalogue, opened (and created) at the first call.
    ///
    /// # Errors
    /// When it cannot be opened or is from a newer Rushes.
    pub fn catalog(&self) -> Result<&Arc<Catalog>> {
        Ok(&self.opened()?.catalog)
    }

    /// The job queue.
    ///
    /// # Errors
    /// As for `catalog`.
    pub fn queue(&self) -> Result<&Arc<dyn JobQueue>> {
        Ok(&self.opened()?.queue)
    }

    /// The home folder.
    #[must_use]
    pub fn home(&self) -> &Home {
        &self.0.home
    }

    /// The processes that read media.
    #[must_use]
    pub fn pool(&self) -> &Pool {
        &self.0.pool
    }

    /// The processes that convert media, which may take as long as it takes.
    #[must_use]
    pub fn converters(&self) -> &Pool {
        &self.0.converters
    }

    /// The clock.
    #[must_use]
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.0.clock
    }

    /// Lets requests from the network register roots in these folders too,
    /// not only within the roots that are registered. Said once, before the
    /// first request.
    pub fn allow_roots_in(&self, folders: Vec<PathBuf>) {
        let _ = self.0.roots_from_network.set(folders);
    }

    /// Whether a request from the network may register this folder, given
    /// without links and dots.
    ///
    /// # Errors
    /// When the catalogue cannot be read.
    pub(crate) fn network_may_register(&self, folder: &Path) -> Result<bool> {
        let allowed = self.0.roots_from_network.get();
        if allowed.is_some_and(|allowed| allowed.iter().any(|outer| folder.starts_with(outer))) {
            return Ok(true);
        }
        Ok(self.catalog()?.roots()?.iter().any(|root| folder.starts_with(&root.path)))
    }

    /// Fails when this folder, given without links and dots, is the home
    /// folder or in it: what Rushes makes is not media to be found.
    ///
    /// # Errors
    /// `Invalid`.
    pub(crate) fn refuse_own_folder(&self, folder: &Path, what: &str) -> Result<()> {
        let home = std::fs::canonicalize(self.0.home.path());
        if home.is_ok_and(|home| folder.starts_with(home)) {
            return Err(Error::new(ErrorKind::Invalid, what, "it is Rushes' own home folder")
                .remedy("name a folder with media in it")
                .at(folder));
        }
        Ok(())
    }

    /// Limits hashing that names no rate of its own to this many megabytes a
    /// second. Said once, before the first job.
    pub fn limit_hash_rate(&self, mb_per_sec: u32) {
        let _ = self.0.hash_rate_mb_per_sec.set(mb_per_sec);
    }

    /// That limit, when there is one.
    pub(crate) fn hash_rate_mb_per_sec(&self) -> Option<u32> {
        self.0.hash_rate_mb_per_sec.get().copied()
    }

    /// What one input may cost.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.0.limits
    }
}

/// Who asked for an action. A job keeps it, so that it may do no more when it
/// runs than when it was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Authority {
    /// The person at this machine: any path the system lets them read.
    Local,
    /// A request to the server: only paths beneath registered roots.
    Network,
}

impl Authority {
    /// Its name, also its JSON form.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Authority::Local => "local",
            Authority::Network => "network",
        }
    }
}

/// Where an action tells how far it is, and hears that it should stop.
pub trait Progress: Sync {
    /// How far it is. Called often; the receiver thins it out.
    fn report(&self, report: &Report);

    /// Set when the action should stop soon.
    fn cancelled(&self) -> &AtomicBool;

    /// Records an effect's state durably, before the action goes on.
    ///
    /// # Errors
    /// When it could not be recorded; the action must not go on.
    fn effect(&self, key: &str, state: EffectState, detail: Option<&str>) -> Result<()>;

    /// What was told with an effect of this job that an earlier attempt has done.
    ///
    /// # Errors
    /// When the log cannot be read.
    fn done_before(&self, _key: &str) -> Result<Option<String>> {
        Ok(None)
    }

    /// Tells that something was stored that a later attempt finds done. Said of
    /// nothing that every attempt does anew, or a job that kills its worker
    /// would be tried for ever.
    fn got_further(&self) {}
}

/// How far an action is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Units done.
    pub done: u64,
    /// Units in all, when known.
    pub total: Option<u64>,
    /// `files` or `bytes`.
    pub unit: &'static str,
    /// What it is doing now.
    pub note: Option<String>,
}

/// Progress that nobody watches, of an action that nobody cancels.
#[derive(Debug, Default)]
pub struct Unwatched(AtomicBool);

impl Progress for Unwatched {
    fn report(&self, _report: &Report) {}

    fn cancelled(&self) -> &AtomicBool {
        &self.0
    }

    fn effect(&self, _key: &str, _state: EffectState, _detail: Option<&str>) -> Result<()> {
        Ok(())
    }
}

/// One run of one action.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// What all actions share.
    pub engine: &'a Engine,
    /// Who asked.
    pub authority: Authority,
    /// Who watches.
    pub progress: &'a dyn Progress,
}

impl Context<'_> {
    /// Fails when the action was cancelled.
    ///
    /// # Errors
    /// `Unavailable`, "cancelled".
    pub fn check_cancelled(&self, what: &str) -> Result<()> {
        if self.progress.cancelled().load(Ordering::Relaxed) {
            return Err(Error::new(ErrorKind::Unavailable, what, "it was cancelled"));
        }
        Ok(())
    }
}
