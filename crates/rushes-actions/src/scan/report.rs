//! What a scan did.

use std::fmt::Write as _;

use rushes_media::{Error, UnixNanos};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::target::{Target, count};
use crate::hash::HashReport;

/// Items that a report lists one by one; what goes beyond is counted.
const LISTED: usize = 1_000;

/// What a scan did.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ScanReport {
    /// Each folder that was to be scanned; a part of another one is told with it.
    pub roots: Vec<RootReport>,
    /// Files that were listed.
    pub files: u64,
    /// Files that were not known; copies of others are among them.
    pub added: u64,
    /// Files whose size, time or attributes changed.
    pub changed: u64,
    /// Files found under another name or in another folder.
    pub moved: u64,
    /// Files that are copies of others.
    pub copied: u64,
    /// Files that vanished.
    pub vanished: u64,
    /// Assets probed well.
    pub probed: u64,
    /// Files that turned out to be no media.
    pub no_media: u64,
    /// Assets that could not be read, and files that could not be opened.
    pub failed: Vec<Failure>,
    /// How many more failed than are listed.
    pub more_failed: u64,
    /// Files that were still changing; the next scan looks again.
    pub unsettled: Vec<String>,
    /// How many more were.
    pub more_unsettled: u64,
    /// Assets whose previews follow in the background.
    pub previews_queued: u64,
    /// Assets whose full hash follows in the background.
    pub hashes_queued: u64,
    /// What hashing did, when it was asked for.
    pub hashed: Option<HashReport>,
    /// How long each step took.
    pub phases: Phases,
    /// When it began; nothing that a scan sees first was seen before.
    #[serde(skip)]
    pub(super) begun_ns: UnixNanos,
}

/// How long the steps of a scan took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Phases {
    /// Listing, comparing and recording.
    pub list_secs: f64,
    /// Reading fingerprints and recording assets.
    pub fingerprint_secs: f64,
    /// Probing.
    pub probe_secs: f64,
}

/// What a scan found of one root.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RootReport {
    /// The folder, safe to show.
    pub path: String,
    /// `online`, `offline` or `empty`.
    pub state: String,
    /// Why it is not online, or was not read whole.
    pub note: Option<String>,
    /// Folders that could not be read; while there is one, nothing in this
    /// root is marked gone.
    pub unreadable: Vec<Failure>,
    /// Links that were not followed.
    pub links: u64,
    /// Sockets, pipes and devices that were passed over.
    pub special: u64,
}

/// An item that failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Failure {
    /// The file or folder, safe to show.
    pub path: String,
    /// The asset that the catalogue knows there, when it knows one.
    pub asset: Option<String>,
    /// Why.
    pub error: Error,
}

impl Failure {
    /// Path and error in one line, with the path once.
    pub(crate) fn line(&self) -> String {
        let mut error = self.error.clone();
        error.path = error.path.filter(|path| *path != self.path);
        format!("{}: {error}", self.path)
    }
}

impl ScanReport {
    pub(super) fn fail(&mut self, failure: Failure) {
        if self.failed.len() < LISTED {
            self.failed.push(failure);
        } else {
            self.more_failed += 1;
        }
    }

    pub(super) fn leave_unsettled(&mut self, path: String) {
        if self.unsettled.len() < LISTED {
            self.unsettled.push(path);
        } else {
            self.more_unsettled += 1;
        }
    }

    pub(super) fn is_online(&self, target: &Target) -> bool {
        let shown = target.shown();
        self.roots.iter().any(|root| root.path == shown && root.state == "online")
    }

    pub(super) fn failures(&self) -> u64 {
        let roots = self.roots.iter();
        let unread: usize =
            roots.map(|root| root.unreadable.len() + usize::from(root.state != "online")).sum();
        let hashing = self.hashed.as_ref().map_or(0, |hashed| hashed.failed.len() as u64);
        self.failed.len() as u64 + self.more_failed + unread as u64 + hashing
    }

    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        for root in &self.roots {
            let _ = match &root.note {
                Some(note) => writeln!(text, "{} is {}: {note}", root.path, root.state),
                None => writeln!(text, "{} is {}", root.path, root.state),
            };
            for failure in &root.unreadable {
                let _ = writeln!(text, "  could not read {}: {}", failure.path, failure.error.why);
            }
        }
        let _ = write!(text, "{}", count(self.files as usize, "file"));
        let parts = [
            (self.added, "new"),
            (self.changed, "changed"),
            (self.moved, "moved"),
            (self.copied, "copied"),
            (self.vanished, "gone"),
            (self.probed, "probed"),
            (self.no_media, "not media"),
        ];
        for (number, word) in parts.iter().filter(|(number, _)| *number > 0) {
            let _ = write!(text, ", {number} {word}");
        }
        text.push('\n');
        for failure in &self.failed {
            let _ = writeln!(text, "  failed {}", failure.line());
        }
        if self.more_failed > 0 {
            let _ = writeln!(text, "  ... and {} more failed", self.more_failed);
        }
        for path in &self.unsettled {
            let _ = writeln!(text, "  still changing, for the next scan: {path}");
        }
        if let Some(hashed) = &self.hashed {
            let _ = writeln!(text, "{}", hashed.line());
        }
        let rest = [(self.previews_queued, "previews"), (self.hashes_queued, "full hashes")];
        for (number, thing) in rest.iter().filter(|(number, _)| *number > 0) {
            let _ =
                writeln!(text, "{number} {thing} to be made in the background, by rushes serve");
        }
        text
    }
}
