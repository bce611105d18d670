//! Folders of files with a history, and the reference implementation of ASC MHL
//! where it is to be had: `scripts/test.sh` fetches it.

#![allow(dead_code, reason = "each test uses a part of it")]

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rushes_store::mhl::{
    CheckStep, Checked, Creator, History, HistoryError, NewFile, NewFolder, NewGeneration, Process,
    Scope,
};
use rushes_store::{HashFormat, Root, verify_file};
use tempfile::TempDir;

/// 2026-01-31T12:00:00Z.
pub const NOON: i64 = 1_769_860_800_000_000_000;

/// A folder with a name of its own, in a place of its own.
pub struct Stage {
    pub folder: TempDir,
    pub root: Root,
}

impl Stage {
    pub fn new() -> Stage {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("A002 R2EC & é");
        fs::create_dir(&path).unwrap();
        Stage { root: Root::open(&path).unwrap(), folder }
    }

    /// With files and folders of all sorts of names.
    pub fn with_files() -> Stage {
        let stage = Stage::new();
        for (path, text) in [
            ("Clips/A002C006_141024_R2EC.mov", "abcd\n"),
            ("Clips/A002C007_141024_R2EC.mov", "def\n"),
            ("Clips/deep/er/clip with spaces.mov", "spaces"),
            ("Clips/deep/a & b <c> \"d\" 'e'.mov", "marks"),
            ("Clips/deep/e\u{301}t\u{e9} \u{1f3a5} \u{65e5}\u{672c}.mov", "unicode"),
            ("Clips/deep/Z.mov", "sorts before lower case"),
            ("Clips/deep/#hash [x] {y} !z.mov", "patterns"),
            (" leading and trailing ", "blanks"),
            ("Sidecar.txt", "BLOREM ipsum\n"),
            ("empty.bin", ""),
        ] {
            stage.write(path, text);
        }
        fs::create_dir_all(stage.path("Empty/inner")).unwrap();
        stage
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    pub fn write(&self, path: &str, text: &str) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub fn open(&self) -> Result<History, HistoryError> {
        History::open(&self.root)
    }

    /// The files and folders that are there, hashed; without histories.
    pub fn generation(&self, formats: &[HashFormat]) -> NewGeneration {
        let (mut files, mut folders) = (Vec::new(), Vec::new());
        let mut open = vec![String::new()];
        while let Some(folder) = open.pop() {
            for entry in fs::read_dir(self.path(&folder)).unwrap() {
                let entry = entry.unwrap();
                let name = entry.file_name().into_string().unwrap();
                let path =
                    if folder.is_empty() { name.clone() } else { format!("{folder}/{name}") };
                let found = entry.metadata().unwrap();
                let modified = found.mtime() * 1_000_000_000 + found.mtime_nsec();
                if found.is_dir() && name != "ascmhl" {
                    folders.push(NewFolder { path: path.clone(), modified });
                    open.push(path);
                } else if found.is_file() {
                    let read = verify_file(&self.root, path.as_bytes(), formats, &mut |_| true);
                    files.push(NewFile {
                        path,
                        size_bytes: found.len(),
                        modified,
                        digests: read.unwrap().unwrap().digests,
                        hashed: NOON,
                        action: None,
                        previous_path: None,
                    });
                }
            }
        }
        NewGeneration {
            creator: Creator::here("rushes", "0.1.0", NOON),
            process: Process::Transfer,
            ignored: Vec::new(),
            files,
            folders: Some(folders),
        }
    }

    /// Writes a generation of all that is there.
    pub fn append(&self, formats: &[HashFormat]) -> Vec<String> {
        let new = self.generation(formats);
        let mut history = self.open().unwrap_or_default();
        history.append(&self.root, new).unwrap()
    }

    pub fn check(&self, scope: Scope) -> Checked {
        self.open()
            .unwrap()
            .check(&self.root, scope, &mut |_: CheckStep<'_>| true)
            .unwrap()
            .unwrap()
    }

    /// The code that the reference implementation would exit with: that of what
    /// is wrong with the history, else with the files.
    pub fn code(&self) -> u8 {
        let fault = match self.open() {
            Ok(_) => self.check(Scope::EveryFormat).fault(),
            Err(error) => Some(error.fault.unwrap()),
        };
        fault.map_or(0, rushes_store::mhl::MhlFault::exit_code)
    }
}

/// The reference implementation, which is a Python package.
pub struct Reference {
    folder: PathBuf,
    python: String,
}

impl Reference {
    /// `None`, and says so, where it is not to be had.
    pub fn find() -> Option<Reference> {
        let cache = || {
            let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
            let home = || Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache"));
            Some(cache.or_else(home)?.join("rushes/tools/ascmhl-1.2"))
        };
        let folder = std::env::var_os("RUSHES_ASCMHL").map(PathBuf::from).or_else(cache)?;
        let python = std::env::var("RUSHES_PYTHON").unwrap_or_else(|_| "python3".into());
        let reference = Reference { folder, python };
        let works = reference.command("import ascmhl.commands").output();
        if works.is_ok_and(|output| output.status.success()) {
            return Some(reference);
        }
        println!("SKIPPED: there is no ascmhl: see need_ascmhl in scripts/settings.sh");
        None
    }

    fn command(&self, code: &str) -> Command {
        let mut command = Command::new(&self.python);
        command
            .args(["-c", code])
            .env("PYTHONPATH", &self.folder)
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env("LC_ALL", "C.UTF-8")
            .stdin(Stdio::null());
        command
    }

    /// Runs one of its commands on a folder; its exit code and what it said. Its
    /// own program asks over the network for a newer version of itself.
    pub fn run(&self, command: &str, options: &[&str], folder: &Path) -> (i32, String) {
        let code = "import sys; from ascmhl import commands; \
                    getattr(commands, sys.argv[1]).main(args=sys.argv[2:], prog_name='ascmhl')";
        let output = self.command(code).arg(command).args(options).arg(folder).output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said).into_owned();
        (output.status.code().unwrap(), said)
    }

    /// As `run`, which must succeed.
    pub fn done(&self, command: &str, options: &[&str], folder: &Path) -> String {
        let (code, said) = self.run(command, options, folder);
        assert_eq!(code, 0, "{command} {options:?}: {said}");
        said
    }
}
