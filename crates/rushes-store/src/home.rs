use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use rushes_media::{Error, ErrorKind, Result};

use crate::{FrameIndexStore, PreviewStore, Turn, UploadStore};

/// The folder that holds the catalogue, previews and settings. Everything in
/// it but the catalogue can be made again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Home {
    path: PathBuf,
}

impl Home {
    /// The home in this folder. Nothing is created yet.
    #[must_use]
    pub fn at(path: PathBuf) -> Home {
        Home { path }
    }

    /// The platform's folder for a program's data: `$XDG_DATA_HOME/rushes`,
    /// else `~/.local/share/rushes` (`~/Library/Application Support/Rushes`
    /// on macOS).
    ///
    /// # Errors
    /// `NotFound` when neither variable is set.
    pub fn of_platform() -> Result<Home> {
        let absolute = |name: &str| {
            std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute())
        };
        if let Some(data) = absolute("XDG_DATA_HOME") {
            return Ok(Home::at(data.join("rushes")));
        }
        let home = absolute("HOME").ok_or_else(|| {
            Error::new(ErrorKind::NotFound, "finding the home folder", "HOME is not set")
                .remedy("pass --home DIR or set RUSHES_HOME")
        })?;
        Ok(Home::at(if cfg!(target_os = "macos") {
            home.join("Library/Application Support/Rushes")
        } else {
            home.join(".local/share/rushes")
        }))
    }

    /// Creates the folder, for its owner only, when it is not there.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn create(&self) -> Result<()> {
        for folder in [self.path.clone(), self.previews_path()] {
            DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(&folder)
                .map_err(|error| Error::io("creating the home folder", &error).at(&folder))?;
        }
        Ok(())
    }

    /// The folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The catalogue's file.
    #[must_use]
    pub fn database(&self) -> PathBuf {
        self.path.join("catalogue.sqlite")
    }

    /// The token's file: the hash of what lets a client in.
    #[must_use]
    pub fn token(&self) -> PathBuf {
        self.path.join("token")
    }

    /// What whoever reads every byte of the files holds, so that no two do it at
    /// once.
    ///
    /// # Errors
    /// When the file that is locked for it cannot be had.
    pub fn hashing(&self) -> Result<Turn> {
        Turn::open(&self.path.join("hashing.lock"))
    }

    fn previews_path(&self) -> PathBuf {
        self.path.join("previews")
    }

    /// Posters, strips and waveforms.
    #[must_use]
    pub fn previews(&self) -> PreviewStore {
        PreviewStore::new(self.previews_path())
    }

    /// What is known of files that arrive.
    #[must_use]
    pub fn uploads(&self) -> UploadStore {
        UploadStore::new(self.path.join("uploads"))
    }

    /// Indexes of videos. `maker` names the versions of everything that has a say
    /// in them; those of other versions are not there.
    #[must_use]
    pub fn frame_indexes(&self, maker: &str) -> FrameIndexStore {
        FrameIndexStore::new(self.path.join("frame-indexes"), maker)
    }
}
