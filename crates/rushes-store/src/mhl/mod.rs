//! Hash lists as ASC MHL 2.0 has them ("ASC Media Hash List", American Society
//! of Cinematographers, 2022): what the files in a folder were when they were
//! hashed, generation by generation, in its folder `ascmhl`.

mod append;
mod chain;
mod check;
mod dates;
mod folder_hashes;
mod history;
mod legacy;
mod manifest;
mod manifest_xml;
mod patterns;
mod tree;
mod xml;

use std::fmt;

use rushes_media::{Error, ErrorKind};

pub use append::{NewFile, NewFolder, NewGeneration};
pub use check::{CheckStep, Checked, FileState, Scope};
pub use history::{Generation, History, HistoryError};
pub use manifest::{
    Action, Author, Creator, FileEntry, FileHash, FolderEntry, FolderHash, Manifest, Process,
    Reference,
};
pub use patterns::DEFAULT_PATTERNS;

/// The folder that holds a history.
const FOLDER: &str = "ascmhl";

/// The file in it that lists its manifests.
const CHAIN: &str = "ascmhl_chain.xml";

/// What may be wrong with a folder or its history, numbered as the exit codes of
/// the reference implementation are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MhlFault {
    /// Files that the history lists are not there.
    MissingFiles,
    /// Files are not what the history says.
    FailedFiles,
    /// Folders are not what the history says.
    FailedFolders,
    /// Nothing was found that could be verified.
    NothingVerified,
    /// Files are there that the history does not list.
    NewFiles,
    /// There is no history.
    NoHistory,
    /// A manifest is not what the chain says: somebody changed it.
    ModifiedManifest,
    /// There are manifests, and no chain.
    NoChain,
    /// A manifest that the chain lists is not there.
    MissingManifest,
}

impl MhlFault {
    /// Every fault, in the order of the codes.
    pub const ALL: [MhlFault; 9] = [
        MhlFault::MissingFiles,
        MhlFault::FailedFiles,
        MhlFault::FailedFolders,
        MhlFault::NothingVerified,
        MhlFault::NewFiles,
        MhlFault::NoHistory,
        MhlFault::ModifiedManifest,
        MhlFault::NoChain,
        MhlFault::MissingManifest,
    ];

    /// The exit code of the reference implementation for it.
    #[must_use]
    pub fn exit_code(self) -> u8 {
        match self {
            MhlFault::MissingFiles => 10,
            MhlFault::FailedFiles => 11,
            MhlFault::FailedFolders => 12,
            MhlFault::NothingVerified => 20,
            MhlFault::NewFiles => 21,
            MhlFault::NoHistory => 30,
            MhlFault::ModifiedManifest => 31,
            MhlFault::NoChain => 32,
            MhlFault::MissingManifest => 33,
        }
    }

    /// What a person is told.
    #[must_use]
    pub fn why(self) -> &'static str {
        match self {
            MhlFault::MissingFiles => "files that its history lists are not there",
            MhlFault::FailedFiles => "files are not what its history says",
            MhlFault::FailedFolders => "folders are not what its history says",
            MhlFault::NothingVerified => "no file was found that could be verified",
            MhlFault::NewFiles => "files are there that its history does not list",
            MhlFault::NoHistory => "it has no history",
            MhlFault::ModifiedManifest => "a manifest was changed after it was written",
            MhlFault::NoChain => "its history has no chain",
            MhlFault::MissingManifest => "a manifest that its chain lists is not there",
        }
    }

    fn kind(self) -> ErrorKind {
        match self {
            MhlFault::NoHistory | MhlFault::NothingVerified => ErrorKind::NotFound,
            MhlFault::NewFiles => ErrorKind::Conflict,
            _ => ErrorKind::Corrupt,
        }
    }

    /// As an error of what was being done.
    #[must_use]
    pub fn error(self, what: &str) -> Error {
        Error::new(self.kind(), what, self.why())
    }
}

impl fmt::Display for MhlFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.why())
    }
}

/// The rest of a path beneath a folder; `None` when it is not there.
fn beneath<'p>(folder: &str, path: &'p str) -> Option<&'p str> {
    if folder.is_empty() {
        return Some(path);
    }
    path.strip_prefix(folder)?.strip_prefix('/')
}

/// A name in a folder, as a path.
fn within(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}
