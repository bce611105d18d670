use std::fmt;
use std::io;
use std::path::Path;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::display_name;

/// The result of anything in Rushes that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What sort of failure it was. It becomes the command's exit code, the HTTP
/// status and, in other languages, the class of the exception.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The request itself makes no sense. Exit code 2, HTTP 400.
    Invalid,
    /// The thing named does not exist. Exit code 3, HTTP 404.
    NotFound,
    /// Well formed, but nothing here can read or do it. Exit code 4, HTTP 415.
    Unsupported,
    /// The bytes contradict themselves or end too early. Exit code 5, HTTP 422.
    Corrupt,
    /// A limit on size, memory or time was reached. Exit code 6, HTTP 413.
    Limit,
    /// Not permitted, by the system or by Rushes. Exit code 7, HTTP 403.
    Denied,
    /// Cannot be had now; may work later. Exit code 8, HTTP 503.
    Unavailable,
    /// It contradicts what is there already. Exit code 9, HTTP 409.
    Conflict,
    /// A mistake in Rushes. Exit code 10, HTTP 500.
    Bug,
}

impl Kind {
    /// Every kind, in the order of the exit codes.
    pub const ALL: [Kind; 9] = [
        Kind::Invalid,
        Kind::NotFound,
        Kind::Unsupported,
        Kind::Corrupt,
        Kind::Limit,
        Kind::Denied,
        Kind::Unavailable,
        Kind::Conflict,
        Kind::Bug,
    ];

    /// The command's exit code, 2 to 10.
    #[must_use]
    pub fn exit_code(self) -> u8 {
        match self {
            Kind::Invalid => 2,
            Kind::NotFound => 3,
            Kind::Unsupported => 4,
            Kind::Corrupt => 5,
            Kind::Limit => 6,
            Kind::Denied => 7,
            Kind::Unavailable => 8,
            Kind::Conflict => 9,
            Kind::Bug => 10,
        }
    }

    /// The HTTP status code.
    #[must_use]
    pub fn http_status(self) -> u16 {
        match self {
            Kind::Invalid => 400,
            Kind::NotFound => 404,
            Kind::Unsupported => 415,
            Kind::Corrupt => 422,
            Kind::Limit => 413,
            Kind::Denied => 403,
            Kind::Unavailable => 503,
            Kind::Conflict => 409,
            Kind::Bug => 500,
        }
    }

    /// A name a person can read, also its JSON form: `not_found`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Kind::Invalid => "invalid",
            Kind::NotFound => "not_found",
            Kind::Unsupported => "unsupported",
            Kind::Corrupt => "corrupt",
            Kind::Limit => "limit",
            Kind::Denied => "denied",
            Kind::Unavailable => "unavailable",
            Kind::Conflict => "conflict",
            Kind::Bug => "bug",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A failure: what was being done, why it failed, what to do about it, and
/// the file it is about. Shown in that order, on one line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Error {
    /// The sort of failure.
    pub kind: Kind,
    /// What was being done: "reading the header".
    pub what: String,
    /// Why it failed: "the file ends after 12 of 40 bytes".
    pub why: String,
    /// What to do about it, when there is something to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
    /// The file it is about, safe to print.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
}

impl Error {
    /// An error of this kind: what was being done, and why it failed.
    #[must_use]
    pub fn new(kind: Kind, what: impl Into<String>, why: impl Into<String>) -> Error {
        Error { kind, what: what.into(), why: why.into(), remedy: None, path: None }
    }

    /// The same error, with what to do about it.
    #[must_use]
    pub fn remedy(mut self, remedy: impl Into<String>) -> Error {
        self.remedy = Some(remedy.into());
        self
    }

    /// The same error, about this file. The innermost path stays.
    #[must_use]
    pub fn at(mut self, path: impl AsRef<Path>) -> Error {
        self.path.get_or_insert_with(|| display_name(path.as_ref().as_os_str().as_encoded_bytes()));
        self
    }

    /// A failed system call, its kind taken from the system's own word.
    #[must_use]
    pub fn io(what: impl Into<String>, error: &io::Error) -> Error {
        use io::ErrorKind as Io;
        let kind = match error.kind() {
            Io::NotFound => Kind::NotFound,
            Io::PermissionDenied | Io::ReadOnlyFilesystem => Kind::Denied,
            Io::AlreadyExists | Io::DirectoryNotEmpty => Kind::Conflict,
            Io::InvalidData | Io::UnexpectedEof => Kind::Corrupt,
            Io::OutOfMemory | Io::FileTooLarge | Io::QuotaExceeded => Kind::Limit,
            _ => Kind::Unavailable,
        };
        let why = error.to_string();
        let why = why.split(" (os error").next().unwrap_or_default().to_lowercase();
        let found = Error::new(kind, what, why);
        match error.kind() {
            Io::StorageFull => found.remedy("free some space on that disk"),
            Io::PermissionDenied => found.remedy("check who may read it"),
            _ => found,
        }
    }

    /// A mistake in Rushes itself.
    #[must_use]
    pub fn bug(what: impl Into<String>, why: impl fmt::Display) -> Error {
        Error::new(Kind::Bug, what, why.to_string())
            .remedy("please report it, with the file if you can share it")
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.what, self.why)?;
        if let Some(remedy) = &self.remedy {
            write!(f, "; {remedy}")?;
        }
        if let Some(path) = &self.path {
            write!(f, ": {path}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_why_remedy_path() {
        let error = Error::new(Kind::Limit, "decoding", "2 GB wanted, 1 GiB allowed")
            .remedy("raise --memory")
            .at("/a/b.mov")
            .at("/outer");
        assert_eq!(
            error.to_string(),
            "decoding: 2 GB wanted, 1 GiB allowed; raise --memory: /a/b.mov"
        );
    }

    #[test]
    fn every_kind_has_its_own_code() {
        let codes: Vec<u8> = Kind::ALL.iter().map(|kind| kind.exit_code()).collect();
        assert_eq!(codes, (2..=10).collect::<Vec<u8>>());
        for kind in Kind::ALL {
            let json = serde_json::to_string(&kind).unwrap();
            assert_eq!(json, format!("\"{}\"", kind.name()));
        }
    }

    #[test]
    fn system_errors_keep_their_meaning() {
        let gone = Error::io("opening", &io::Error::from_raw_os_error(2));
        assert_eq!(gone.kind, Kind::NotFound);
        assert_eq!(gone.to_string(), "opening: no such file or directory");
    }
}
