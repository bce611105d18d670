//! What all requests share.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use rushes_actions::{EffectState, Engine, Progress, Report};
use rushes_jobs::Runner;
use rushes_media::{Result, UnixNanos};
use tokio::sync::Semaphore;

use crate::auth::Access;
use crate::events::Events;
use crate::hosts::Hosts;
use crate::problem::Problem;
use crate::uploads::Receiver;

/// Verbs that run at a time; more wait for their turn.
const VERBS_AT_A_TIME: usize = 24;
/// Files and previews that are being opened at a time: a disk that hangs holds up these alone.
const OPENED_AT_A_TIME: usize = 32;
/// Blocks of files that are being written at a time.
const RECEIVED_AT_A_TIME: usize = 16;
/// Everything else, which is short.
const OTHERS_AT_A_TIME: usize = 24;

/// What kind of work waits for its turn, each behind its own kind only.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Work {
    /// A verb, which may take long.
    Verb,
    /// Opening a file of the user's, or a preview.
    Open,
    /// A look into the catalogue.
    Look,
    /// Writing some of a file that arrives.
    Receive,
}

/// What all requests share.
pub(crate) struct Server {
    pub(crate) engine: Engine,
    pub(crate) access: Access,
    pub(crate) hosts: Hosts,
    pub(crate) events: Events,
    pub(crate) bounds: Bounds,
    /// The workers of this process, when it has any.
    pub(crate) workers: OnceLock<Arc<Runner>>,
    /// What receives files, when that is allowed.
    pub(crate) receiver: OnceLock<Arc<Receiver>>,
    turns: [Arc<Semaphore>; 4],
}

/// One server, shared.
pub(crate) type Shared = Arc<Server>;

/// How long and how much one client may keep the server busy.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// From the start of a request's head to its end.
    pub(crate) head_wait: Duration,
    /// From the request's head to the answer's head.
    pub(crate) answer_wait: Duration,
    /// How long a client may take no byte of what is ready for it.
    pub(crate) stall: Duration,
    /// Connections at a time.
    pub(crate) connections: usize,
    /// How long connections have to end by themselves at the end.
    pub(crate) farewell: Duration,
}

impl Default for Bounds {
    fn default() -> Bounds {
        Bounds {
            head_wait: Duration::from_secs(15),
            answer_wait: Duration::from_secs(30),
            stall: Duration::from_secs(60),
            connections: 1_024,
            farewell: Duration::from_millis(1_500),
        }
    }
}

/// Both ends of the connection that a request came in by.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer {
    pub(crate) remote: SocketAddr,
    pub(crate) local: SocketAddr,
}

impl Server {
    pub(crate) fn new(engine: Engine, access: Access, hosts: Hosts, bounds: Bounds) -> Server {
        Server {
            engine,
            access,
            hosts,
            events: Events::default(),
            bounds,
            workers: OnceLock::new(),
            receiver: OnceLock::new(),
            turns: [VERBS_AT_A_TIME, OPENED_AT_A_TIME, OTHERS_AT_A_TIME, RECEIVED_AT_A_TIME]
                .map(|most| Arc::new(Semaphore::new(most))),
        }
    }

    pub(crate) fn now(&self) -> UnixNanos {
        self.engine.clock().now()
    }

    /// Does blocking work away from the threads that serve connections, when
    /// its turn has come. The work hears of it when nobody waits any longer.
    pub(crate) async fn blocking<T: Send + 'static>(
        &self,
        kind: Work,
        work: impl FnOnce(&Engine, &Asked) -> Result<T> + Send + 'static,
    ) -> Result<T, Problem> {
        let [verbs, opened, others, received] = &self.turns;
        let turns = match kind {
            Work::Verb => verbs,
            Work::Open => opened,
            Work::Look => others,
            Work::Receive => received,
        };
        let turn = turns.clone().acquire_owned().await.map_err(|_| Problem::hidden_bug())?;
        let asked = Arc::new(Asked::default());
        let _cancels = CancelOnDrop(asked.clone());
        let engine = self.engine.clone();
        let task = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            work(&engine, &asked)
        });
        match task.await {
            Ok(done) => done.map_err(Problem::from),
            Err(_) => Err(Problem::hidden_bug()),
        }
    }
}

/// The progress of a request: nobody watches it, and it is cancelled when
/// nobody waits for it any longer.
#[derive(Debug, Default)]
pub(crate) struct Asked(AtomicBool);

impl Progress for Asked {
    fn report(&self, _report: &Report) {}

    fn cancelled(&self) -> &AtomicBool {
        &self.0
    }

    fn effect(&self, _key: &str, _state: EffectState, _detail: Option<&str>) -> Result<()> {
        Ok(())
    }
}

struct CancelOnDrop(Arc<Asked>);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.0.store(true, Ordering::Relaxed);
    }
}
