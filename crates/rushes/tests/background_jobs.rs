//! Previews and hashes beside each other, and beside what else is going on.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops there")]

mod support;

use rushes_catalog::Catalog;
use serde_json::json;
use support::Stage;
use support::bytes::wav;

impl Stage {
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
