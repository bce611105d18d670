//! Workers, with verbs of the tests' own: what becomes of an attempt, and what
//! is left when its process is killed.

#![expect(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "a test may fail")]

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rushes_actions::{
    Authority, Context, EffectState, Engine, Job, JobQueue, JobState, NewJob, OpenQueue, Outcome,
    Plan, Report, Route, Verb,
};
use rushes_catalog::Catalog;
use rushes_jobs::{POLL, Runner, SqliteQueue, enqueue_verb, open_queue, run_now};
use rushes_media::{Clock, Error, ErrorKind, Limits, Result, SystemClock, UnixNanos};
use rushes_sandbox::{Launch, Pool};
use rushes_store::Home;
use serde_json::{Value, json};

type Apply = fn(&Context<'_>, &Value) -> Result<Value>;

/// A verb that plans to touch `a` and then does this.
const fn verb(name: &'static [&'static str], apply: Apply) -> Verb {
    Verb {
        name,
        summary: "for the tests",
        route: Route { method: "POST", path: "/test" },
        changes: true,
        as_job: true,
        params_schema: |_| true.into(),
        output_schema: |_| true.into(),
        arguments: |command| command,
        from_arguments: |_| Ok(Value::Null),
        made_absolute: |params| Ok(params.clone()),
        plan: |_, params, _| {
            if params.get("plan") == Some(&json!("panics")) {
                panic!("no plan");
            }
            let mut plan = Plan::reads("one effect");
            plan.push("a", "touches a");
            Ok(plan)
        },
        apply,
        text: |_| Ok(String::new()),
        exit_code: |_| Ok(0),
        understood: |given| given,
        title: |params| Ok(format!("test {params}")),
        job_key: |params| Ok(params.get("key").and_then(Value::as_str).map(str::to_owned)),
    }
}

static VERBS: [Verb; 8] = [
    verb(&["scan"], succeed),
    verb(&["fail"], fail),
    verb(&["panic"], |_, _| panic!("boom {}", 7)),
    verb(&["wait"], wait),
    verb(&["stumble"], |context, params| {
        wait(context, params).map_err(|_| Error::new(ErrorKind::Corrupt, "stopping", "cut off"))
    }),
    verb(&["flaky"], flaky),
    verb(&["many", "effects"], many_effects),
    verb(&["further"], |context, _| {
        context.progress.got_further();
        context.progress.got_further();
        Ok(Value::Null)
    }),
];

fn find(kind: &str) -> Option<&'static Verb> {
    VERBS.iter().find(|verb| verb.words() == kind)
}

fn succeed(context: &Context<'_>, params: &Value) -> Result<Value> {
    context.progress.effect("a", EffectState::Begun, None)?;
    context.progress.report(&Report { done: 3, total: Some(3), unit: "files", note: None });
    context.progress.effect("a", EffectState::Done, Some("touched"))?;
    Ok(json!({ "echo": params }))
}

/// Fails with the kind that the parameters name.
fn fail(_: &Context<'_>, params: &Value) -> Result<Value> {
    let kind: ErrorKind = serde_json::from_value(params["kind"].clone()).unwrap();
    Err(Error::new(kind, "testing", "it was meant to fail"))
}

/// Works until it is told to stop.
fn wait(context: &Context<'_>, _: &Value) -> Result<Value> {
    for done in 0.. {
        context.progress.report(&Report { done, total: None, unit: "files", note: None });
        context.check_cancelled("waiting")?;
        std::thread::park_timeout(Duration::from_millis(5));
    }
    Ok(Value::Null)
}

static FLAKY_RUNS: AtomicU32 = AtomicU32::new(0);

/// Cannot be done the first time.
fn flaky(_: &Context<'_>, _: &Value) -> Result<Value> {
    if FLAKY_RUNS.fetch_add(1, Ordering::SeqCst) == 0 {
        return Err(Error::new(ErrorKind::Unavailable, "testing", "the disk is away"));
    }
    Ok(json!("second time"))
}

fn engine(folder: &Path) -> Engine {
    engine_with(folder, open_queue)
}

fn engine_with(folder: &Path, open_queue: OpenQueue) -> Engine {
    let launch = Launch { program: PathBuf::from("/nonexistent"), args: vec![] };
    let limits = Limits::default();
    Engine::new(Home::at(folder.join("home")), open_queue, Pool::new(launch, 1, limits), limits)
}

struct Bench {
    _folder: tempfile::TempDir,
    engine: Engine,
    runner: Runner,
    stop: AtomicBool,
}

impl Bench {
    fn new() -> Bench {
        let folder = tempfile::tempdir().unwrap();
        let engine = engine(folder.path());
        let runner = Runner::with_verbs(engine.clone(), "test", find);
        Bench { _folder: folder, engine, runner, stop: AtomicBool::new(false) }
    }

    fn queue(&self) -> &dyn JobQueue {
        self.engine.queue().unwrap().as_ref()
    }

    fn enqueue(&self, kind: &str, params: Value) -> Job {
        let title = kind.to_owned();
        let new = NewJob {
            kind: kind.to_owned(),
            title,
            params,
            key: None,
            priority: 0,
            authority: Authority::Local,
            asked_now: true,
        };
        self.queue().enqueue(&new).unwrap()
    }

    /// One attempt at the only job that is due.
    fn run(&self, kind: &str, params: Value) -> Job {
        let id = self.enqueue(kind, params).id;
        let job = self.runner.run_next(&[], &self.stop).unwrap().unwrap();
        assert_eq!(job.id, id);
        job
    }
}

#[test]
fn a_job_is_planned_done_and_told() {
    let bench = Bench::new();
    let job = bench.run("scan", json!({ "root": 1 }));
    assert_eq!((job.state, job.done, job.total), (JobState::Done, 3, Some(3)));
    assert_eq!(job.result, Some(json!({ "echo": { "root": 1 } })));
    let detail = bench.queue().get(job.id).unwrap();
    assert_eq!(detail.plan.unwrap().summary, "one effect");
    let effects: Vec<_> = detail.effects.iter().map(|effect| effect.state).collect();
    assert_eq!(effects, [EffectState::Begun, EffectState::Done]);
    assert!(bench.runner.run_next(&[], &bench.stop).unwrap().is_none());
}

#[test]
fn each_failure_has_its_end() {
    let bench = Bench::new();
    for kind in ErrorKind::ALL {
        let job = bench.run("fail", json!({ "kind": kind }));
        let again = matches!(kind, ErrorKind::Unavailable | ErrorKind::Limit);
        let state = if again { JobState::Queued } else { JobState::Failed };
        assert_eq!((job.state, job.attempts), (state, 1), "{kind}");
        assert_eq!(job.not_before.is_some(), again, "{kind}");
        assert_eq!(job.error.unwrap().kind, kind);
        if again {
            bench.queue().cancel(job.id).unwrap();
        }
    }
}

#[test]
fn a_panic_is_a_mistake_of_ours_and_costs_one_job() {
    let bench = Bench::new();
    let job = bench.run("panic", Value::Null);
    let error = job.error.unwrap();
    assert_eq!((job.state, error.kind), (JobState::Failed, ErrorKind::Bug));
    assert_eq!((error.what.as_str(), error.why.as_str()), ("running panic", "boom 7"));
    let job = bench.run("scan", json!({ "plan": "panics" }));
    assert_eq!(job.error.unwrap().why, "no plan");
    assert_eq!(bench.queue().get(job.id).unwrap().plan, None);
    assert_eq!(bench.run("scan", Value::Null).state, JobState::Done);
}

#[test]
fn a_job_of_an_unknown_verb_is_parked() {
    let bench = Bench::new();
    let job = bench.run("teleport", Value::Null);
    assert_eq!((job.state, job.error.unwrap().kind), (JobState::Failed, ErrorKind::Unsupported));
}

#[test]
fn cancel_takes_effect_within_a_second() {
    let bench = Bench::new();
    // However the action takes it.
    for kind in ["wait", "stumble"] {
        cancel_while_it_runs(&bench, kind);
    }
}

fn cancel_while_it_runs(bench: &Bench, kind: &str) {
    let job = bench.enqueue(kind, Value::Null);
    let asked = Mutex::new(None);
    let watch = |seen: &Job| {
        let mut asked = asked.lock().unwrap();
        if asked.is_none() && seen.done > 0 {
            // As another process would.
            let catalog = Catalog::open(&bench.engine.home().database()).unwrap();
            open_queue(&catalog.into()).unwrap().cancel(seen.id).unwrap();
            *asked = Some(Instant::now());
        }
    };
    let ended = bench.runner.run_job(job.id, &watch, &bench.stop).unwrap();
    let asked = asked.lock().unwrap().expect("it was seen running");
    assert!(asked.elapsed() < Duration::from_secs(1), "{:?}", asked.elapsed());
    assert_eq!((ended.state, ended.cancel_requested), (JobState::Cancelled, true));
    assert!(ended.done > 0);
}

#[test]
fn a_stop_gives_the_job_back() {
    let bench = Bench::new();
    let job = bench.enqueue("wait", Value::Null);
    let watch = |_: &Job| bench.stop.store(true, Ordering::Relaxed);
    let back = bench.runner.run_job(job.id, &watch, &bench.stop).unwrap();
    assert_eq!((back.state, back.attempts, back.error), (JobState::Queued, 0, None));
    assert!(bench.runner.run_next(&[], &bench.stop).unwrap().is_none());
    // The next process goes on with it at once.
    let claimed = bench.queue().claim("next", &[], None).unwrap().unwrap();
    assert_eq!((claimed.job.id, claimed.job.attempts), (job.id, 1));
}

#[test]
fn a_job_that_another_worker_took_is_let_go() {
    static TAKE: Mutex<Option<Engine>> = Mutex::new(None);
    // A panic of an action is caught, so what it sees is looked at outside.
    static SEEN: Mutex<Option<(ErrorKind, bool)>> = Mutex::new(None);
    fn find_taken(_: &str) -> Option<&'static Verb> {
        static TAKEN: Verb = verb(&["taken"], |context, _| {
            let engine = TAKE.lock().unwrap().clone().unwrap();
            // Its lease is dead by decree; somebody else claims the job.
            engine.catalog()?.write(|writer| {
                writer.execute("UPDATE jobs SET lease_boot = 'another'", []).unwrap();
                Ok(())
            })?;
            engine.queue()?.claim("thief", &[], None)?.unwrap();
            let refused = context.progress.effect("a", EffectState::Done, None).unwrap_err();
            let is_told = context.progress.cancelled().load(Ordering::Relaxed);
            *SEEN.lock().unwrap() = Some((refused.kind, is_told));
            Err(refused)
        });
        Some(&TAKEN)
    }
    let bench = Bench::new();
    *TAKE.lock().unwrap() = Some(bench.engine.clone());
    let runner = Runner::with_verbs(bench.engine.clone(), "victim", find_taken);
    let id = bench.enqueue("taken", Value::Null).id;
    let job = runner.run_next(&[], &bench.stop).unwrap().unwrap();
    assert_eq!((job.id, job.state, job.attempts), (id, JobState::Running, 2));
    assert_eq!(bench.queue().get(id).unwrap().effects, []);
    assert_eq!(SEEN.lock().unwrap().take(), Some((ErrorKind::Conflict, true)));
    *TAKE.lock().unwrap() = None;
}

#[test]
fn the_queue_hears_that_an_attempt_got_further() {
    let bench = Bench::new();
    let id = bench.enqueue("further", Value::Null).id;
    for _ in 0..2 {
        bench.queue().claim("dies", &[], None).unwrap().unwrap();
        bench
            .engine
            .catalog()
            .unwrap()
            .write(|writer| {
                writer.execute("UPDATE jobs SET lease_boot = 'another'", []).unwrap();
                Ok(())
            })
            .unwrap();
    }
    let job = bench.runner.run_next(&[], &bench.stop).unwrap().unwrap();
    assert_eq!((job.id, job.state, job.attempts), (id, JobState::Done, 1));
}

#[test]
fn run_job_waits_out_the_pause_and_tries_again() {
    let bench = Bench::new();
    let job = bench.enqueue("flaky", Value::Null);
    let waited = AtomicBool::new(false);
    let watch = |seen: &Job| {
        waited.fetch_or(seen.not_before.is_some(), Ordering::Relaxed);
    };
    let ended = bench.runner.run_job(job.id, &watch, &bench.stop).unwrap();
    assert_eq!((ended.state, ended.attempts), (JobState::Done, 2));
    assert_eq!(ended.result, Some(json!("second time")));
    assert!(waited.load(Ordering::Relaxed), "the pause was shown");
}

#[test]
fn run_job_follows_a_job_that_another_worker_holds() {
    let bench = Bench::new();
    let job = bench.enqueue("wait", Value::Null);
    let lease = bench.queue().claim("other", &[], None).unwrap().unwrap().lease;
    let seen = Mutex::new(Vec::new());
    let watch = |now: &Job| {
        let mut seen = seen.lock().unwrap();
        seen.push(now.done);
        if now.state != JobState::Running {
            return;
        }
        if now.done < 2 {
            let next = Report { done: now.done + 1, total: None, unit: "files", note: None };
            bench.queue().beat(&lease, &next).unwrap();
        } else {
            bench.queue().finish(&lease, &Outcome::Done(json!("by the other"))).unwrap();
        }
    };
    let ended = bench.runner.run_job(job.id, &watch, &bench.stop).unwrap();
    assert_eq!(ended.result, Some(json!("by the other")));
    assert_eq!(seen.into_inner().unwrap().get(..3), Some([0, 1, 2].as_slice()));
    // One that has ended is returned as it is.
    assert_eq!(bench.runner.run_job(job.id, &|_| {}, &bench.stop).unwrap(), ended);
    let missing = bench.runner.run_job(99, &|_| {}, &bench.stop).unwrap_err();
    assert_eq!(missing.kind, ErrorKind::NotFound);
}

/// Who only follows a job does not cancel it by looking away.
#[test]
fn who_stops_following_leaves_the_job_alone() {
    let bench = Bench::new();
    let verb = rushes_actions::find("hash").unwrap();
    let job = enqueue_verb(bench.queue(), verb, &json!({}), Authority::Local).unwrap();
    let lease = bench.queue().claim("other", &[], None).unwrap().unwrap().lease;
    let seen = |_: &Job| bench.stop.store(true, Ordering::Relaxed);
    let stopped = run_now(&bench.engine, "command", verb, &json!({}), &seen, &bench.stop);
    let error = stopped.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unavailable);
    assert!(error.to_string().contains("goes on"), "{error}");
    assert!(error.to_string().contains(&format!("rushes jobs cancel {}", job.id)), "{error}");
    let left = bench.queue().get(job.id).unwrap().job;
    assert_eq!((left.state, left.cancel_requested), (JobState::Running, false));
    bench.queue().finish(&lease, &Outcome::Done(json!({}))).unwrap();
}

#[test]
fn who_follows_a_job_hears_a_stop_soon() {
    let bench = Bench::new();
    let job = bench.enqueue("wait", Value::Null);
    let _held = bench.queue().claim("other", &[], None).unwrap().unwrap();
    let mut delays = Vec::new();
    // The machine may be busy once, but a look that comes late comes late each time.
    for _ in 0..5 {
        let asked = Mutex::new(None);
        bench.stop.store(false, Ordering::Relaxed);
        std::thread::scope(|scope| {
            let watch = |_: &Job| {
                scope.spawn(|| {
                    std::thread::park_timeout(Duration::from_millis(20));
                    *asked.lock().unwrap() = Some(Instant::now());
                    bench.stop.store(true, Ordering::Relaxed);
                });
            };
            let left = bench.runner.run_job(job.id, &watch, &bench.stop).unwrap();
            assert_eq!(left.state, JobState::Running, "it is the other's");
        });
        delays.push(asked.into_inner().unwrap().unwrap().elapsed());
    }
    let soonest = delays.into_iter().min().unwrap();
    assert!(soonest < Duration::from_millis(50), "{soonest:?}");
}

#[test]
fn a_working_thread_finds_jobs_and_stops_when_told() {
    let bench = Bench::new();
    let early: Vec<i64> = (0..3).map(|n| bench.enqueue("scan", json!(n)).id).collect();
    let not_ours = bench.enqueue("flaky", Value::Null).id;
    std::thread::scope(|scope| {
        let worker = scope.spawn(|| bench.runner.work(&["scan"], &bench.stop));
        let late = bench.enqueue("scan", json!("late")).id;
        for id in early.into_iter().chain([late]) {
            // Another process follows; it never runs what it does not hold.
            while bench.queue().get(id).unwrap().job.state != JobState::Done {
                std::thread::yield_now();
            }
        }
        bench.stop.store(true, Ordering::Relaxed);
        bench.runner.wake();
        worker.join().unwrap();
    });
    assert_eq!(bench.queue().get(not_ours).unwrap().job.state, JobState::Queued);
    assert_eq!(bench.runner.trouble(), None);
}

#[test]
fn a_worker_without_a_catalogue_waits_and_recovers() {
    let folder = tempfile::tempdir().unwrap();
    // A file where the home folder should be.
    std::fs::write(folder.path().join("home"), "in the way").unwrap();
    let engine = engine(folder.path());
    let runner = Runner::with_verbs(engine.clone(), "test", find);
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let worker = scope.spawn(|| runner.work(&[], &stop));
        while runner.trouble().is_none() {
            std::thread::yield_now();
        }
        std::fs::remove_file(folder.path().join("home")).unwrap();
        while runner.trouble().is_some() {
            std::thread::yield_now();
        }
        stop.store(true, Ordering::Relaxed);
        runner.wake();
        worker.join().unwrap();
    });
}

/// Counts looks at the clock: each look for a job takes one.
struct CountingClock;

static LOOKS: AtomicU32 = AtomicU32::new(0);

impl Clock for CountingClock {
    fn now(&self) -> UnixNanos {
        LOOKS.fetch_add(1, Ordering::SeqCst);
        SystemClock.now()
    }

    fn sleep(&self, duration: Duration) {
        SystemClock.sleep(duration);
    }
}

#[test]
fn an_idle_worker_rests_and_hears_a_wake_at_once() {
    const JOBS: u32 = 12;
    let folder = tempfile::tempdir().unwrap();
    let counted = |catalog: &Arc<Catalog>| -> Result<Arc<dyn JobQueue>> {
        Ok(Arc::new(SqliteQueue::new(Arc::clone(catalog), Arc::new(CountingClock))))
    };
    let engine = engine_with(folder.path(), counted);
    let runner = Runner::with_verbs(engine.clone(), "test", find);
    let queue = engine.queue().unwrap();
    let stop = AtomicBool::new(false);
    let began = Instant::now();
    std::thread::scope(|scope| {
        let worker = scope.spawn(|| runner.work(&[], &stop));
        for number in 0..JOBS {
            let job =
                enqueue_verb(queue.as_ref(), &VERBS[0], &json!(number), Authority::Local).unwrap();
            runner.wake();
            while queue.get(job.id).unwrap().job.state != JobState::Done {
                std::thread::yield_now();
            }
        }
        stop.store(true, Ordering::Relaxed);
        runner.wake();
        worker.join().unwrap();
    });
    // Polling alone would take half a second for each.
    assert!(began.elapsed() < POLL * JOBS / 2, "{:?}", began.elapsed());
    // Queuing, claiming, two effects, the end, and a look that finds nothing.
    let looks = LOOKS.load(Ordering::SeqCst);
    assert!(looks < JOBS * 10 + 20, "{looks} looks");
}

#[test]
fn a_worker_whose_queue_fails_backs_off() {
    static OPENED: AtomicU32 = AtomicU32::new(0);
    let full_at_first = |catalog: &Arc<Catalog>| -> Result<Arc<dyn JobQueue>> {
        if OPENED.fetch_add(1, Ordering::SeqCst) < 2 {
            return Err(Error::new(ErrorKind::Unavailable, "testing", "the disk is full"));
        }
        open_queue(catalog)
    };
    let folder = tempfile::tempdir().unwrap();
    let engine = engine_with(folder.path(), full_at_first);
    let runner = Runner::with_verbs(engine, "test", find);
    let stop = AtomicBool::new(false);
    let began = Instant::now();
    std::thread::scope(|scope| {
        let worker = scope.spawn(|| runner.work(&[], &stop));
        while OPENED.load(Ordering::SeqCst) < 3 {
            // However often it is woken.
            runner.wake();
            std::thread::yield_now();
        }
        stop.store(true, Ordering::Relaxed);
        worker.join().unwrap();
    });
    assert!(began.elapsed() >= POLL + POLL * 2, "{:?}", began.elapsed());
}

#[test]
fn a_verb_becomes_a_job() {
    let bench = Bench::new();
    let queue = bench.queue();
    let scan = find("scan").unwrap();
    let first = enqueue_verb(queue, scan, &json!({ "key": "footage" }), Authority::Local).unwrap();
    assert_eq!((first.kind.as_str(), first.title.as_str()), ("scan", r#"test {"key":"footage"}"#));
    assert_eq!(
        enqueue_verb(queue, scan, &json!({ "key": "footage" }), Authority::Local).unwrap().id,
        first.id
    );
    // Another verb's key is another key.
    let wait = find("wait").unwrap();
    assert_ne!(
        enqueue_verb(queue, wait, &json!({ "key": "footage" }), Authority::Local).unwrap().id,
        first.id
    );
    let order = ["hash", "previews", "many effects", "scan"].map(|kind| {
        let words: &'static [&'static str] = match kind {
            "hash" => &["hash"],
            "previews" => &["previews"],
            "scan" => &["scan"],
            _ => &["many", "effects"],
        };
        enqueue_verb(queue, &verb(words, succeed), &Value::Null, Authority::Local).unwrap().id
    });
    let claims = [Some(&["hash", "previews", "many effects", "scan"][..]); 5]
        .map(|kinds| queue.claim("test", kinds.unwrap(), None).unwrap().unwrap().job.id);
    assert_eq!(claims, [first.id, order[3], order[2], order[1], order[0]]);
}

// Killing: a child process works while its parent kills it at some moment.

const CHILD: &str = "RUSHES_TEST_CHILD_HOME";
const EFFECTS: usize = 12;

/// Creates files, each once ever: a second creation would fail.
fn many_effects(context: &Context<'_>, params: &Value) -> Result<Value> {
    let number = params["number"].as_u64().unwrap();
    let folder = context.engine.home().path().join("made");
    std::fs::create_dir_all(&folder).unwrap();
    let queue = context.engine.queue()?;
    let id = params["id"].as_i64().unwrap();
    let log = queue.get(id)?.effects;
    for effect in 0..EFFECTS {
        let key = format!("{number}-{effect}");
        let has = |state| log.iter().any(|line| line.key == key && line.state == state);
        if has(EffectState::Done) {
            continue;
        }
        // Only an effect that is visibly unfinished may have happened already.
        let path = folder.join(&key);
        let happened = has(EffectState::Begun) && path.exists();
        if !happened {
            context.progress.effect(&key, EffectState::Begun, None)?;
            OpenOptions::new()
                .write(true)
                .create_new(true)
                .open(&path)
                .map_err(|error| Error::bug("making a file twice", error).at(&path))?;
        }
        context.progress.effect(&key, EffectState::Done, None)?;
        println!("effect {key}");
        std::io::stdout().flush().unwrap();
    }
    Ok(json!(EFFECTS))
}

/// Not a test by itself: the child that the next test starts and kills.
#[test]
fn child_that_works_until_it_is_killed() {
    let Some(folder) = std::env::var_os(CHILD) else { return };
    let engine = engine(Path::new(&folder));
    let runner = Runner::with_verbs(engine, "child", find);
    let stop = AtomicBool::new(false);
    while runner.run_next(&["many effects"], &stop).unwrap().is_some() {}
}

/// Numbers that look random and are the same in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

#[test]
fn kill_at_any_moment_and_every_effect_happens_once() {
    const JOBS: i64 = 8;
    const KILLS: u32 = 40;
    let folder = tempfile::tempdir().unwrap();
    let engine = engine(folder.path());
    let queue = engine.queue().unwrap();
    // The first id is 1 in a new catalogue; the verb needs to know its own log.
    for number in 1..=JOBS {
        let job = NewJob {
            kind: "many effects".to_owned(),
            title: format!("job {number}"),
            params: json!({ "number": number, "id": number }),
            key: None,
            priority: 0,
            authority: Authority::Local,
            asked_now: true,
        };
        assert_eq!(queue.enqueue(&job).unwrap().id, number);
    }
    let child = || {
        Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "child_that_works_until_it_is_killed", "--nocapture", "-q"])
            .env(CHILD, folder.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap()
    };
    let mut dice = Dice(20_260_301);
    let (mut kills, mut parked) = (0, 0);
    while kills < KILLS && !queue.list(Some(JobState::Queued), None, 1).unwrap().is_empty() {
        let mut worker = child();
        let mut lines = BufReader::new(worker.stdout.take().unwrap()).lines();
        // After some effects, and some microseconds more: within any write.
        for _ in 0..=dice.below(3) {
            while lines.next().is_some_and(|line| !line.unwrap().contains("effect ")) {}
        }
        let moment = Instant::now() + Duration::from_micros(dice.below(4_000));
        while Instant::now() < moment {
            std::hint::spin_loop();
        }
        worker.kill().unwrap();
        worker.wait().unwrap();
        kills += 1;
        check_log(&engine, JOBS);
        // A person asks for what was parked because its workers died.
        for job in queue.list(Some(JobState::Failed), None, 100).unwrap() {
            assert_eq!(job.error.unwrap().why, "its worker died 3 times");
            queue.retry(job.id).unwrap();
            parked += 1;
        }
    }
    assert!(kills >= 20, "only {kills} kills before the work was done");
    println!("{kills} kills, parked {parked} times");
    // The last child lives. What is parked meanwhile is asked for again.
    while queue.list(Some(JobState::Done), None, 100).unwrap().len() < JOBS as usize {
        assert!(child().wait_with_output().unwrap().status.success());
        for job in queue.list(Some(JobState::Failed), None, 100).unwrap() {
            assert_eq!(job.error.unwrap().why, "its worker died 3 times");
            queue.retry(job.id).unwrap();
        }
    }
    let done = check_log(&engine, JOBS);
    assert_eq!(done, JOBS as usize * EFFECTS);
    let made = std::fs::read_dir(engine.home().path().join("made")).unwrap().count();
    assert_eq!(made, done);
}

/// Every file that was made is in the log, done once or visibly unfinished.
/// How many effects are done.
fn check_log(engine: &Engine, jobs: i64) -> usize {
    let mut done = BTreeMap::new();
    let mut begun = BTreeMap::new();
    for id in 1..=jobs {
        for line in engine.queue().unwrap().get(id).unwrap().effects {
            let lines = if line.state == EffectState::Done { &mut done } else { &mut begun };
            *lines.entry(line.key).or_insert(0) += 1;
        }
    }
    assert!(done.values().all(|times| *times == 1), "{done:?}");
    assert!(done.keys().all(|key| begun.contains_key(key)));
    if let Ok(made) = std::fs::read_dir(engine.home().path().join("made")) {
        for file in made {
            let key = file.unwrap().file_name().into_string().unwrap();
            assert!(begun.contains_key(&key), "{key} was made and never recorded");
        }
    }
    done.len()
}
