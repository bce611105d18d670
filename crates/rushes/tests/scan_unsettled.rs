//! Files that are still being written.

mod support;

use std::fs::File;
use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use support::bytes::{png, wav};
use support::{Stage, finish, long_ago, set_modified};

/// Young files are waited for; one that never stops growing is left for the
/// next scan, unhashed; one that goes away meanwhile is nobody's failure.
#[test]
fn growing_files_wait_and_young_ones_are_waited_for() {
    let stage = Stage::new();
    stage.write("media/settled.png", &png(1));
    for name in ["young.png", "temporary.png"] {
        std::fs::write(stage.path(format!("media/{name}")), png(name.len() as u64))
            .expect("written");
    }
    let growing = stage.path("media/growing.wav");
    std::fs::write(&growing, wav(3, 2_000)).expect("written");

    let begun = Instant::now();
    let (is_over, is_probed) = (AtomicBool::new(false), AtomicBool::new(false));
    let report = std::thread::scope(|scope| {
        let (tick, ticks) = std::sync::mpsc::channel::<()>();
        let (stage, is_over, is_probed) = (&stage, &is_over, &is_probed);
        let growing = &growing;
        let temporary = stage.path("media/temporary.png");
        scope.spawn(move || {
            let mut file = File::options().append(true).open(growing).expect("opened");
            while !is_over.load(Ordering::Relaxed) {
                file.write_all(&[7; 100]).expect("appended");
                // What was settled can be found while the others are waited for.
                if stage.search("codec:png").len() == 1 {
                    is_probed.store(true, Ordering::Relaxed);
                    let _ = std::fs::remove_file(&temporary);
                }
                // A pace, ended early when the scan is.
                let _ = ticks.recv_timeout(Duration::from_millis(50));
            }
        });
        let child = stage
            .command(&["scan", &stage.text("media")])
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped())
            .spawn()
            .expect("started");
        let ran = finish(child, begun);
        is_over.store(true, Ordering::Relaxed);
        drop(tick);
        assert_eq!(ran.code, 0, "{ran:?}");
        ran.json
    });
    assert!(begun.elapsed() >= Duration::from_secs(9), "it did not wait");
    assert!(is_probed.load(Ordering::Relaxed), "everything waited");
    assert_eq!(report["unsettled"], serde_json::json!([stage.text("media/growing.wav")]));
    assert_eq!(stage.names(""), ["settled.png", "young.png"]);
    stage.check();

    // It has ended growing: the next scan takes it, and sees that the other is gone.
    set_modified(&growing, long_ago());
    let report = stage.scan();
    assert_eq!(report["unsettled"], serde_json::json!([]));
    assert_eq!(stage.names(""), ["growing.wav", "settled.png", "young.png"]);
    let size = std::fs::metadata(&growing).expect("there").len();
    assert_eq!(stage.asset_at("media/growing.wav")["size_bytes"], size);
    stage.check();
}

#[test]
fn a_time_in_the_future_is_not_waited_for() {
    let stage = Stage::new();
    let path = stage.write("media/tomorrow.png", &png(1));
    set_modified(&path, std::time::SystemTime::now() + Duration::from_secs(86_400));
    let begun = Instant::now();
    stage.scan();
    assert!(begun.elapsed() < Duration::from_secs(9));
    assert_eq!(stage.names(""), ["tomorrow.png"]);
    stage.check();
}
