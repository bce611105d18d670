//! Nothing is left behind. Alone in its program, so that no other test's
//! descriptors and children are counted.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "part of a test, though not all of it is in one")]

mod child;

use std::fs;
use std::sync::atomic::AtomicBool;

use child::{SMALL, call, pid, pool, pool_of};
use rushes_media::Limits;
use serde_json::{Value, json};

fn descriptors() -> usize {
    fs::read_dir("/proc/self/fd").unwrap().count()
}

/// The states of this process's children: `Z` is one that nobody waited for.
fn children() -> Vec<String> {
    let own = std::process::id().to_string();
    let mut states = Vec::new();
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let Ok(stat) = fs::read_to_string(entry.path().join("stat")) else { continue };
        // The name in brackets may hold anything; what follows its end is state and parent.
        let Some((_, rest)) = stat.rsplit_once(')') else { continue };
        let mut fields = rest.split_ascii_whitespace();
        let (state, parent) = (fields.next(), fields.next());
        if parent == Some(&own) {
            states.push(state.unwrap_or_default().to_owned());
        }
    }
    states
}

#[test]
fn nothing_is_left_behind() {
    // Once, so that what is opened for good is open.
    drop(pool(1, SMALL).protection().unwrap());
    let before = descriptors();
    for _ in 0..10 {
        let pool = pool(2, Limits { wall_secs: 1, ..SMALL });
        for task in ["segfault", "panic", "abort", "exit", "fail", "nothing"] {
            assert!(call(&pool, task, Value::Null).is_err());
        }
        assert!(
            call(
                &pool,
                "forge",
                json!({"bytes": [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]})
            )
            .is_err()
        );
        assert!(call(&pool, "blobs", json!([100_000])).is_ok());
        assert!(pool.call("echo", &Value::Null, &[], &AtomicBool::new(true)).is_err());
        assert!(call(&pool_of("broken", 1, SMALL), "echo", Value::Null).is_err());
        pid(&pool);
        let left = children();
        assert!(left.len() == 1 && left[0] != "Z", "one idle worker, not {left:?}");
    }
    assert_eq!(children(), Vec::<String>::new());
    assert_eq!(descriptors(), before);
}
