//! Previews and hashes beside each other, and beside what else is going on.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops there")]

mod support;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use rushes_actions::{Authority, Context, EffectState, Engine, Progress, Report};
use rushes_catalog::Catalog;
use rushes_media::{Limits, Result};
use rushes_sandbox::{Launch, Pool};
use rushes_store::Home;
use serde_json::{Value, json};
use support::bytes::{big, noise, png, png_of, twin_of, wav};
use support::{PATIENCE, Stage, finish, long_ago, set_modified, text};

/// Counts how often an action says that it got further.
#[derive(Default)]
struct Steps {
    taken: AtomicU32,
    cancelled: AtomicBool,
}

impl Progress for Steps {
    fn report(&self, _report: &Report) {}

    fn cancelled(&self) -> &AtomicBool {
        &self.cancelled
    }

    fn effect(&self, _key: &str, _state: EffectState, _detail: Option<&str>) -> Result<()> {
        Ok(())
    }

    fn got_further(&self) {
        self.taken.fetch_add(1, Ordering::Relaxed);
    }
}

impl Stage {
    /// This home in this process.
    fn engine(&self) -> Engine {
        let launch = Launch {
            program: PathBuf::from(env!("CARGO_BIN_EXE_rushes")),
            args: vec![OsString::from("worker")],
        };
        let (home, limits) = (Home::at(self.path("home")), Limits::default());
        let pool = Pool::new(launch, 2, limits);
        Engine::new(home, rushes_jobs::open_queue, pool, limits)
    }

    /// Carries a verb out in this process; whether it got further.
    fn gets_further(&self, verb: &str, params: &Value) -> bool {
        self.carry_out(&self.engine(), verb, params)
    }

    fn carry_out(&self, engine: &Engine, verb: &str, params: &Value) -> bool {
        let progress = Steps::default();
        let context = Context { engine, authority: Authority::Local, progress: &progress };
        (rushes_actions::find(verb).unwrap().apply)(&context, params).unwrap();
        progress.taken.into_inner() > 0
    }

    /// Kind, state and rate of each job, oldest first.
    fn jobs(&self) -> Vec<(String, String, Value)> {
        let jobs = self.done(&["jobs", "list"])["jobs"].as_array().unwrap().clone();
        let told = |job: &Value| {
            (text(&job["kind"]), text(&job["state"]), job["params"]["rate_mb_per_sec"].clone())
        };
        jobs.iter().rev().map(told).collect()
    }

    /// The hash of an asset's poster.
    fn poster_of(&self, id: &str) -> String {
        let served = self.catalog().read(|reader| rushes_catalog::served(reader, id)).unwrap();
        served.preview.unwrap().poster.unwrap()
    }

    fn catalog(&self) -> Catalog {
        Catalog::open(&self.path("home/catalogue.sqlite")).unwrap()
    }

    /// Changes the catalogue behind the command's back.
    fn tamper(&self, statements: &str) {
        self.catalog()
            .write(|write| {
                write.execute_batch(statements).unwrap();
                Ok(())
            })
            .unwrap();
    }
}

/// Lets hashing find all assets to be the same as the one to which this
/// happens first, in the midst of recording.
fn merged_away(when: &str) -> String {
    format!(
        "CREATE TRIGGER merged_meanwhile AFTER {when} BEGIN
           UPDATE places SET asset_id=new.id WHERE asset_id<>new.id;
           UPDATE assets SET present=(SELECT count(*) FROM places), place_id=(SELECT min(id) FROM places) WHERE id=new.id;
           DELETE FROM words WHERE rowid<>new.id;
           DELETE FROM assets WHERE id<>new.id;
         END"
    )
}

#[test]
fn an_asset_merged_away_meanwhile_costs_no_job() {
    let stage = Stage::new();
    for number in 0..6 {
        stage.write(format!("media/{number}.wav"), &wav(number, 1_000));
    }
    stage.scan();
    stage.tamper(&merged_away("UPDATE OF preview_state ON assets WHEN new.preview_state=1"));
    let report = stage.done(&["previews", "--workers", "6"]);
    assert_eq!((&report["made"], &report["failed"]), (&json!(1), &json!([])));
    stage.tamper("DROP TRIGGER merged_meanwhile");
    stage.done(&["check"]);

    for number in 6..12 {
        stage.write(format!("media/{number}.wav"), &wav(number, 1_000));
    }
    stage.tamper(&merged_away("UPDATE OF probe_state ON assets WHEN new.probe_state=1"));
    assert_eq!(stage.scan()["probed"], 1);
    stage.tamper("DROP TRIGGER merged_meanwhile");
    stage.done(&["check"]);
}

/// Only what a later attempt finds done may keep a job from being parked.
#[test]
fn an_action_got_further_when_it_stored_something_new() {
    let stage = Stage::new();
    stage.write("media/a.png", &png(1));
    stage.write("media/b.wav", &big(1));
    stage.write("media/broken.mp4", &noise(1, 900));
    let scan = json!({ "roots": [stage.text("media")] });
    let again = json!({ "roots": [stage.text("media")], "retry_failed": true });
    assert!(stage.gets_further("scan", &scan));
    assert!(!stage.gets_further("scan", &scan), "nothing is new");
    assert!(!stage.gets_further("scan", &again), "every attempt finds the broken file");
    for verb in ["previews", "hash"] {
        assert!(stage.gets_further(verb, &json!({})), "{verb}");
        assert!(!stage.gets_further(verb, &json!({})), "{verb}");
    }
}

#[test]
fn a_scan_that_was_killed_thrice_runs_when_asked_for_again() {
    let stage = Stage::new();
    stage.write("media/a.png", &png(1));
    stage.scan();
    stage.write("media/b.png", &png(2));
    // As the third kill leaves it; of another boot, so that its worker is gone.
    stage.tamper(
        "UPDATE jobs SET state='running', attempts=3, deaths=2, finished_ns=NULL, result=NULL,
           worker='killed', lease_boot='another', lease_until_ns=1, process_scope='',
           process_id=1, process_started=1 WHERE kind='scan'",
    );
    assert_eq!(stage.scan()["added"], 1);
    let jobs = stage.done(&["jobs", "list", "--state", "failed"]);
    assert_eq!(jobs["jobs"][0]["error"]["why"], "its worker died 3 times");
}

/// Every file of the previews' store.
fn preview_files(stage: &Stage) -> Vec<PathBuf> {
    let shelves = std::fs::read_dir(stage.path("home/previews")).unwrap();
    let files = shelves.flat_map(|shelf| std::fs::read_dir(shelf.unwrap().path()).unwrap());
    files.map(|file| file.unwrap().path()).collect()
}

#[test]
fn lost_and_damaged_previews_are_made_again() {
    let stage = Stage::new();
    stage.write("media/a.png", &png(1));
    stage.write("media/b.png", &png(2));
    stage.scan();
    assert_eq!(stage.done(&["previews"])["made"], 2);
    stage.done(&["hash"]);
    assert_eq!(stage.done(&["check"])["previews"], 2);

    std::fs::remove_dir_all(stage.path("home/previews")).unwrap();
    let check = stage.run(&["check"]);
    assert_eq!((check.code, &check.json["previews"]), (1, &json!(0)));
    for violation in check.json["violations"].as_array().unwrap() {
        assert!(text(&violation["what"]).ends_with("it is lost; rushes previews makes it again"));
    }
    assert_eq!(stage.done(&["previews", "--dry-run"])["plan"]["effects"][0]["key"], "previews");
    assert_eq!(stage.done(&["previews"])["made"], 2);
    assert_eq!(stage.done(&["check"])["previews"], 2);

    std::fs::remove_dir_all(stage.path("home/previews")).unwrap();
    assert_eq!(stage.scan()["previews_queued"], 2);
    assert_eq!(stage.done(&["previews"])["made"], 2);
    assert_eq!(stage.done(&["previews"])["made"], 0);

    // The same length, so that only the bytes tell.
    let damaged = preview_files(&stage).remove(0);
    let mut bytes = std::fs::read(&damaged).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(&damaged, bytes).unwrap();
    let before = stage.tree("home/previews");
    let asset = stage.search("").into_iter().find_map(|row| {
        let id = text(&row["id"]);
        let poster = stage.poster_of(&id);
        damaged.to_string_lossy().replace('/', "").contains(&poster).then_some(id)
    });
    for _ in 0..2 {
        let check = stage.run(&["check"]);
        assert_eq!((check.code, &check.json["previews"]), (1, &json!(1)));
        let violations = check.json["violations"].as_array().unwrap().clone();
        assert_eq!(violations.len(), 1, "{violations:?}");
        let what = text(&violations[0]["what"]);
        assert!(what.contains(asset.as_ref().unwrap()), "{what}");
        assert!(what.contains("its bytes changed"), "{what}");
        assert!(what.ends_with("rushes previews --verify makes it again"), "{what}");
    }
    assert_eq!(stage.done(&["previews"])["made"], 0, "it reads none");
    for (arguments, effects) in [
        (&["previews", "--dry-run"][..], json!([])),
        (
            &["previews", "--verify", "--dry-run"],
            json!([{"key": "previews", "does": "write previews of 1 assets into the home folder"}]),
        ),
    ] {
        assert_eq!(stage.done(arguments)["plan"]["effects"], effects, "{arguments:?}");
    }
    assert_eq!(stage.tree("home/previews"), before, "nobody touched them so far");
    assert_eq!(stage.done(&["previews", "--verify"])["made"], 1);
    assert_eq!(stage.done(&["previews", "--verify"])["made"], 0);
    assert_eq!(stage.done(&["check"])["previews"], 2);
}

/// Something else where a preview belongs costs that one preview.
#[test]
fn a_folder_where_a_preview_belongs_fails_that_asset_alone() {
    let stage = Stage::new();
    stage.write("media/a.png", &png(1));
    stage.write("media/b.png", &png(2));
    stage.scan();
    stage.done(&["previews"]);
    let files = preview_files(&stage);
    for file in &files {
        std::fs::remove_file(file).unwrap();
    }
    std::fs::create_dir(&files[0]).unwrap();
    std::fs::write(files[0].join("in the way"), "").unwrap();
    let ran = stage.run(&["previews", "--verify"]);
    assert_eq!((ran.code, &ran.json["made"]), (1, &json!(1)), "{ran:?}");
    let failed = ran.json["failed"].as_array().unwrap();
    assert_eq!((failed.len(), &failed[0]["error"]["kind"]), (1, &json!("conflict")));
}

/// Changes a file once its fingerprint is stored, before it is probed.
struct Meddler<'a> {
    stage: &'a Stage,
    steps: Steps,
}

impl Progress for Meddler<'_> {
    fn report(&self, report: &Report) {
        self.steps.report(report);
    }

    fn cancelled(&self) -> &AtomicBool {
        self.steps.cancelled()
    }

    fn effect(&self, key: &str, state: EffectState, detail: Option<&str>) -> Result<()> {
        self.steps.effect(key, state, detail)
    }

    fn got_further(&self) {
        // The first step is the listing.
        if self.steps.taken.fetch_add(1, Ordering::Relaxed) == 1 {
            self.stage.write("media/b.png", &png(9));
        }
    }
}

#[test]
fn a_file_that_changes_before_it_is_probed_is_listed_as_unsettled() {
    let stage = Stage::new();
    stage.write("media/a.png", &png(1));
    stage.write("media/b.png", &png(2));
    let engine = stage.engine();
    let progress = Meddler { stage: &stage, steps: Steps::default() };
    let context = Context { engine: &engine, authority: Authority::Local, progress: &progress };
    let scan = rushes_actions::find("scan").unwrap();
    let report = (scan.apply)(&context, &json!({ "roots": [stage.text("media")] })).unwrap();
    assert_eq!((&report["probed"], &report["added"]), (&json!(1), &json!(2)));
    assert_eq!(report["unsettled"], json!([stage.text("media/b.png")]));
    let report = stage.scan();
    assert_eq!((&report["probed"], &report["unsettled"]), (&json!(1), &json!([])));
    stage.check();
}

/// A full scan that comes while a hash job runs leaves each file to one of them.
#[test]
fn a_full_scan_beside_a_hash_job_reads_no_file_twice() {
    let stage = Stage::new();
    let bytes: u64 = (0..2)
        .map(|number| std::fs::metadata(stage.write(format!("media/{number}.wav"), &big(number))))
        .map(|about| about.unwrap().len())
        .sum();
    stage.scan();
    let begun = Instant::now();
    let mut hash = stage.command(&["hash", "--rate-mb-per-sec", "1"]);
    let hash = hash.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // It has begun to read.
    while stage.done(&["jobs", "list"])["jobs"][0]["done"] == 0 {
        assert!(begun.elapsed() < PATIENCE, "it does not begin");
    }
    let full = stage.done(&["scan", "--full", &stage.text("media")]);
    let hash = finish(hash, begun);
    assert_eq!(hash.code, 0, "{hash:?}");
    let read = [&hash.json["bytes"], &full["hashed"]["bytes"]].map(|n| n.as_u64().unwrap());
    assert_eq!(read.iter().sum::<u64>(), bytes, "{read:?}");
    assert_eq!(stage.names("hashed:yes").len(), 2);
    stage.check();
}

/// A job that only looks for lost ones does not stand for one that verifies.
#[test]
fn verifying_is_a_job_of_its_own_and_can_be_cancelled() {
    let stage = Stage::new();
    stage.write("media/a.png", &png(1));
    stage.scan();
    assert_eq!(stage.done(&["previews", "--verify"])["made"], 1);
    let jobs = stage.jobs();
    let previews = jobs.iter().filter(|(kind, ..)| kind == "previews");
    assert_eq!(previews.map(|(_, state, _)| &**state).collect::<Vec<_>>(), ["queued", "done"]);

    let engine = stage.engine();
    let progress = Steps { cancelled: AtomicBool::new(true), ..Steps::default() };
    let context = Context { engine: &engine, authority: Authority::Local, progress: &progress };
    let verb = rushes_actions::find("previews").unwrap();
    let params = json!({ "verify": true });
    for error in [
        (verb.plan)(&context, &params, true).map(drop).unwrap_err(),
        (verb.apply)(&context, &params).map(drop).unwrap_err(),
    ] {
        assert_eq!(error.why, "it was cancelled");
    }
}

#[test]
fn an_asset_says_why_it_has_no_preview() {
    let stage = Stage::new();
    // Its header is sound, its pixels are not there.
    stage.write("media/empty.png", &png_of(64, 64, &[]));
    stage.scan();
    let previews = stage.run(&["previews"]);
    assert_eq!(previews.code, 1);
    let error = &previews.json["failed"][0]["error"];
    let asset = stage.asset_at("media/empty.png");
    assert_eq!(previews.json["failed"][0]["asset"], asset["id"]);
    assert_eq!((&asset["preview_error"], &asset["error"]), (error, &Value::Null));
    assert_eq!(stage.done(&["previews"])["failed"], json!([]), "it is not tried again");
    let shown = Command::new(env!("CARGO_BIN_EXE_rushes"))
        .arg("--home")
        .arg(stage.path("home"))
        .args(["show", &text(&asset["id"])])
        .output()
        .unwrap();
    let shown = String::from_utf8(shown.stdout).unwrap();
    assert!(shown.contains(&format!("no preview   {}", text(&error["what"]))), "{shown}");
    stage.run(&["scan", "--retry-failed"]);
    assert_eq!(stage.run(&["previews"]).json["failed"].as_array().unwrap().len(), 1);
}

#[test]
fn what_hashing_tells_apart_is_probed_and_pictured() {
    let stage = Stage::new();
    let content = big(1);
    let path = stage.write("media/a.wav", &content);
    stage.scan();
    stage.done(&["hash"]);
    stage.done(&["previews"]);
    let before = stage.id_at("media/a.wav");
    // As large and with the same samples, so that only its hash is another.
    stage.write("media/a.wav", &twin_of(&content));
    set_modified(&path, long_ago() + Duration::from_secs(60));
    stage.scan();
    assert_eq!(stage.id_at("media/a.wav"), before, "it cannot be told yet");
    stage.tamper("DELETE FROM jobs WHERE state='queued'");
    stage.done(&["hash"]);
    let asset = stage.asset_at("media/a.wav");
    assert_ne!(text(&asset["id"]), before);
    assert_eq!((&asset["codec"], &asset["hashed"]), (&json!("pcm_s16le"), &json!(true)));
    let queued = stage.done(&["jobs", "list", "--state", "queued"]);
    assert_eq!(queued["jobs"][0]["kind"], "previews");
    assert_eq!(stage.done(&["previews"])["made"], 1);
    stage.check();
}

#[test]
fn there_is_one_hash_job_whoever_asks() {
    let stage = Stage::new();
    stage.write("media/a.wav", &big(1));
    let job = |kind: &str, state: &str, rate: Value| (kind.to_owned(), state.to_owned(), rate);
    let (scan, previews) =
        (job("scan", "done", Value::Null), job("previews", "queued", Value::Null));
    let is = |hash| vec![scan.clone(), previews.clone(), hash];
    stage.done(&["scan", &stage.text("media"), "--hash-rate-mb-per-sec", "20"]);
    assert_eq!(stage.jobs(), is(job("hash", "queued", json!(20))));
    assert_eq!(stage.done(&["hash", "--rate-mb-per-sec", "100"])["hashed"], 1);
    assert_eq!(stage.jobs(), is(job("hash", "done", json!(100))));
    stage.done(&["previews"]);
    assert_eq!(stage.jobs()[1], job("previews", "done", Value::Null));
}

#[test]
fn hashing_that_names_no_rate_keeps_to_that_of_its_process() {
    let stage = Stage::new();
    stage.write("media/a.wav", &big(1));
    stage.scan();
    let engine = stage.engine();
    engine.limit_hash_rate(4);
    let begun = Instant::now();
    assert!(stage.carry_out(&engine, "hash", &json!({})));
    // A megabyte at four a second takes a quarter of one.
    assert!(begun.elapsed() >= Duration::from_millis(250), "{:?}", begun.elapsed());
}
