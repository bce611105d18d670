//! A manifest: what one generation of a history says of the files in a folder.

use rushes_media::UnixNanos;

use crate::hash_formats::Digest;

/// What had become of a file when it was hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// Hashed for the first time.
    Original,
    /// The same as before.
    Verified,
    /// Not the same as before.
    Failed,
}

impl Action {
    /// Its name in a list.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Action::Original => "original",
            Action::Verified => "verified",
            Action::Failed => "failed",
        }
    }

    pub(super) fn named(name: &str) -> Option<Action> {
        [Action::Original, Action::Verified, Action::Failed]
            .into_iter()
            .find(|action| action.name() == name)
    }
}

/// How a generation came to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Process {
    /// The files were hashed where they are.
    InPlace,
    /// They were copied here.
    Transfer,
    /// It is a summary of several generations.
    Flatten,
}

impl Process {
    /// Its name in a list.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Process::InPlace => "in-place",
            Process::Transfer => "transfer",
            Process::Flatten => "flatten",
        }
    }

    pub(super) fn named(name: &str) -> Option<Process> {
        [Process::InPlace, Process::Transfer, Process::Flatten]
            .into_iter()
            .find(|process| process.name() == name)
    }
}

/// Somebody who answers for a manifest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Author {
    /// The name.
    pub name: String,
    /// The e-mail address.
    pub email: Option<String>,
    /// The telephone number.
    pub phone: Option<String>,
    /// What they do: `DIT`.
    pub role: Option<String>,
}

/// Who made a manifest, when, where and with what.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Creator {
    /// When it was made.
    pub created: UnixNanos,
    /// The machine's name.
    pub host_name: String,
    /// The program.
    pub tool: String,
    /// The program's version.
    pub tool_version: String,
    /// Who answers for it.
    pub authors: Vec<Author>,
    /// Where it was made.
    pub location: Option<String>,
    /// Anything else.
    pub comment: Option<String>,
}

/// A hash of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileHash {
    /// The hash.
    pub digest: Digest,
    /// What had become of the file.
    pub action: Option<Action>,
    /// When it was computed.
    pub date: Option<UnixNanos>,
}

/// A file that a manifest lists.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileEntry {
    /// Beneath the manifest's folder, with `/` between names.
    pub path: String,
    /// Bytes.
    pub size_bytes: Option<u64>,
    /// Last change of the content.
    pub modified: Option<UnixNanos>,
    /// Its hashes, of one or more formats.
    pub hashes: Vec<FileHash>,
    /// Its path in the generations before, when it was another.
    pub previous_path: Option<String>,
}

/// A hash of a folder: of what is in it, and of how that is arranged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FolderHash {
    /// Of the content of all files, whatever their names are.
    pub content: Digest,
    /// Of their names too.
    pub structure: Digest,
    /// When it was computed.
    pub date: Option<UnixNanos>,
}

/// A folder that a manifest lists.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FolderEntry {
    /// Beneath the manifest's folder, with `/` between names.
    pub path: String,
    /// Last change of the names in it.
    pub modified: Option<UnixNanos>,
    /// Its hashes, of one or more formats.
    pub hashes: Vec<FolderHash>,
    /// Its path in the generations before, when it was another.
    pub previous_path: Option<String>,
}

/// A manifest in a folder below, which is to be as it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// Beneath the manifest's folder, with `/` between names.
    pub path: String,
    /// The C4 ID of its bytes.
    pub c4: Digest,
}

/// What one generation of a history says of the files in a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// Who made it.
    pub creator: Creator,
    /// How it came to be.
    pub process: Process,
    /// Hashes of the whole folder.
    pub root_hashes: Vec<FolderHash>,
    /// Patterns of what is left out, as gitignore(5) has them.
    pub ignored: Vec<String>,
    /// The files, in the order of the list.
    pub files: Vec<FileEntry>,
    /// The folders in the folder.
    pub folders: Vec<FolderEntry>,
    /// Manifests of folders below that have histories of their own.
    pub references: Vec<Reference>,
}

impl Default for Manifest {
    fn default() -> Manifest {
        Manifest {
            creator: Creator::default(),
            process: Process::InPlace,
            root_hashes: Vec::new(),
            ignored: Vec::new(),
            files: Vec::new(),
            folders: Vec::new(),
            references: Vec::new(),
        }
    }
}
