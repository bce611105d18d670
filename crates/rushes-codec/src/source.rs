use std::fmt;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use rushes_media::{Error, ErrorKind, Limits, Result};

/// Bytes that [`Source::head`] gives at most.
const HEAD_BYTES: u64 = 64 << 10;

const OPENING: &str = "opening the file";

/// Bytes of media that are in no file: in memory, behind somebody's own reader.
///
/// Any number of readers may share them, each on a thread of its own.
pub trait ReadAt: fmt::Debug + Send + Sync {
    /// How many bytes there are. It never changes.
    fn size_bytes(&self) -> u64;

    /// Reads bytes from this position on, as many as come at once and there is
    /// room for; 0 at the end.
    ///
    /// # Errors
    /// Whatever keeps the bytes from being had.
    fn read_at(&self, buffer: &mut [u8], position: u64) -> io::Result<usize>;
}

/// Where the bytes are.
#[derive(Clone, Debug)]
enum Bytes {
    File(Arc<File>),
    Other(Arc<dyn ReadAt>),
}

/// An open file, or other bytes, and what reading them may cost.
///
/// Reads go to a stated position, so that several readers can share one file.
#[derive(Debug)]
pub struct Source {
    bytes: Bytes,
    size_bytes: u64,
    extension: String,
    limits: Limits,
    opened: Instant,
    watch: Option<Watch>,
    /// The first read that the disk refused, of this and of those made from it.
    failed: Arc<OnceLock<Error>>,
    patches: Vec<Patch>,
}

/// Bytes that are read in the place of those in the file.
#[derive(Clone, Debug)]
pub(crate) struct Patch {
    pub(crate) at: u64,
    pub(crate) bytes: Vec<u8>,
}

/// Says whether reading may go on.
struct Watch(Box<dyn Fn() -> bool + Send + Sync>);

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Watch")
    }
}

impl Source {
    /// A source over an open file. `name` is the file's name or path as the
    /// system has it; only its extension is used. The wall clock of the limits
    /// starts to run here.
    ///
    /// # Errors
    /// `Invalid` when it is not a regular file.
    pub fn new(file: File, name: &[u8], limits: Limits) -> Result<Source> {
        let size_bytes = size_of(&file)?;
        Ok(Source::of(Bytes::File(Arc::new(file)), size_bytes, name, limits))
    }

    /// A source over bytes that are in no file; else as [`Source::new`]. An
    /// empty name is none.
    #[must_use]
    pub fn over(bytes: Arc<dyn ReadAt>, name: &[u8], limits: Limits) -> Source {
        let size_bytes = bytes.size_bytes();
        Source::of(Bytes::Other(bytes), size_bytes, name, limits)
    }

    fn of(bytes: Bytes, size_bytes: u64, name: &[u8], limits: Limits) -> Source {
        Source {
            bytes,
            size_bytes,
            extension: extension_of(name),
            limits,
            opened: Instant::now(),
            watch: None,
            failed: Arc::default(),
            patches: Vec::new(),
        }
    }

    /// The same bytes, read as though there were others in some places, and
    /// with a wall clock of its own. Nothing is written.
    pub(crate) fn patched(&self, patches: Vec<Patch>) -> Source {
        Source {
            bytes: self.bytes.clone(),
            size_bytes: self.size_bytes,
            extension: self.extension.clone(),
            limits: self.limits,
            opened: Instant::now(),
            watch: None,
            failed: self.failed.clone(),
            patches,
        }
    }

    /// The same source, read under watch: the function is asked before each
    /// packet, by the thread that reads, whether to go on. Once it says no it
    /// must say so for good, and what is being read ends with `Unavailable`.
    /// Readers of video and sound ask; those of stills are done too soon.
    #[must_use]
    pub fn watched(self, goes_on: impl Fn() -> bool + Send + Sync + 'static) -> Source {
        Source { watch: Some(Watch(Box::new(goes_on))), ..self }
    }

    /// The file; `None` for bytes that are in none.
    #[must_use]
    pub fn file(&self) -> Option<&File> {
        match &self.bytes {
            Bytes::File(file) => Some(file),
            Bytes::Other(_) => None,
        }
    }

    /// Its size when it was opened.
    #[must_use]
    pub fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    /// The extension of its name in lower case, without the dot; empty when it
    /// has none.
    #[must_use]
    pub fn extension(&self) -> &str {
        &self.extension
    }

    /// What reading it may cost.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// When its wall-clock time is spent.
    #[must_use]
    pub fn deadline(&self) -> Instant {
        let wall = Duration::from_secs(self.limits.wall_secs);
        // A limit beyond what the clock can say is a day: more than anything here takes.
        self.opened.checked_add(wall).unwrap_or_else(|| self.opened + Duration::from_secs(86_400))
    }

    /// Reads from a stated position, up to the size that the file had when it
    /// was opened; 0 at the end.
    ///
    /// # Errors
    /// The disk's, or those of who gives the bytes.
    pub fn read_at(&self, buffer: &mut [u8], position: u64) -> io::Result<usize> {
        let left = self.size_bytes.saturating_sub(position);
        let wanted = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
        let Some(room) = buffer.get_mut(..wanted) else { return Ok(0) };
        let read = match &self.bytes {
            Bytes::File(file) => file.read_at(room, position),
            // More than there is room for cannot be.
            Bytes::Other(bytes) => bytes.read_at(room, position).map(|read| read.min(wanted)),
        };
        let read = read.inspect_err(|error| {
            if error.kind() != io::ErrorKind::Interrupted {
                self.failed.get_or_init(|| Error::io("reading the file", error));
            }
        })?;
        for patch in &self.patches {
            for (place, &byte) in (patch.at..).zip(&patch.bytes) {
                let at = place.checked_sub(position).and_then(|at| usize::try_from(at).ok());
                let at = at.filter(|&at| at < read).and_then(|at| room.get_mut(at));
                if let Some(at) = at {
                    *at = byte;
                }
            }
        }
        Ok(read)
    }

    /// What was made of the file, unless the disk did not give all of it: what
    /// is then missing is no fault of the file's.
    ///
    /// # Errors
    /// The disk's.
    pub fn whole<T>(&self, made: Result<T>) -> Result<T> {
        self.failed.get().map_or(made, |error| Err(error.clone()))
    }

    /// Fails when its time is spent or its watch says to stop.
    pub(crate) fn goes_on(&self, what: &str) -> Result<()> {
        if self.is_stopped() {
            return Err(Error::new(ErrorKind::Unavailable, what, "it was cancelled"));
        }
        if Instant::now() >= self.deadline() {
            let why = "it took longer than its time limit";
            return Err(Error::new(ErrorKind::Limit, what, why));
        }
        Ok(())
    }

    /// Whether its watch says to stop.
    pub(crate) fn is_stopped(&self) -> bool {
        self.watch.as_ref().is_some_and(|watch| !(watch.0)())
    }

    /// The first 64 KiB, or all of a smaller file.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn head(&self) -> Result<Vec<u8>> {
        let mut head = Vec::new();
        self.reader()
            .take(HEAD_BYTES)
            .read_to_end(&mut head)
            .map_err(|error| Error::io("reading the start of the file", &error))?;
        Ok(head)
    }

    /// A reader of its own position over the file, from the start to the size
    /// that it had when it was opened.
    #[must_use]
    pub fn reader(&self) -> SourceReader<'_> {
        SourceReader { source: self, position: 0 }
    }
}

/// Opens a file of media to be read. Wherever somebody names such a file, it is
/// opened here: a pipe that nobody writes to would otherwise be waited for, and
/// no signal heard.
///
/// # Errors
/// `Invalid` when it is not a regular file; else the system's word.
pub fn open_file(path: &Path) -> Result<File> {
    let flags = libc::O_NONBLOCK | libc::O_NOCTTY;
    let file = match File::options().read(true).custom_flags(flags).open(path) {
        // A socket, or a device that is not there.
        Err(error) if error.raw_os_error() == Some(libc::ENXIO) => return Err(not_regular()),
        opened => opened.map_err(|error| Error::io(OPENING, &error))?,
    };
    size_of(&file)?;
    Ok(file)
}

/// The size of a regular file.
fn size_of(file: &File) -> Result<u64> {
    let metadata = file.metadata().map_err(|error| Error::io("looking at the file", &error))?;
    if metadata.is_file() { Ok(metadata.len()) } else { Err(not_regular()) }
}

fn not_regular() -> Error {
    let why = "it is a folder, a device or a pipe, not a regular file";
    Error::new(ErrorKind::Invalid, OPENING, why)
}

/// The extension of a name in lower case; a leading dot starts no extension.
fn extension_of(name: &[u8]) -> String {
    let base = name.rsplit(|&byte| byte == b'/').next().unwrap_or_default();
    match base.iter().rposition(|&byte| byte == b'.') {
        Some(dot) if dot > 0 => {
            let extension = base.get(dot + 1..).unwrap_or_default();
            String::from_utf8_lossy(extension).to_ascii_lowercase()
        }
        _ => String::new(),
    }
}

/// Reads a [`Source`] from its own position.
#[derive(Clone, Debug)]
pub struct SourceReader<'a> {
    source: &'a Source,
    position: u64,
}

impl Read for SourceReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.source.read_at(buffer, self.position)?;
        self.position += read as u64;
        Ok(read)
    }
}

impl Seek for SourceReader<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let position = match to {
            SeekFrom::Start(position) => Some(position),
            SeekFrom::End(offset) => self.source.size_bytes.checked_add_signed(offset),
            SeekFrom::Current(offset) => self.position.checked_add_signed(offset),
        };
        self.position = position.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        Ok(self.position)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn extensions_are_hints_in_lower_case() {
        for (name, extension) in [
            (&b"a/b.MP4"[..], "mp4"),
            (b".hidden", ""),
            (b"a.b/c", ""),
            (b"x.tar.GZ", "gz"),
            (b"\xff\xfe.Mov", "mov"),
            (b"dot.", ""),
        ] {
            assert_eq!(extension_of(name), extension, "{name:?}");
        }
    }

    #[test]
    fn readers_have_their_own_position_and_end_at_the_opened_size() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"0123456789").unwrap();
        let source = Source::new(file, b"x.bin", Limits::default()).unwrap();
        let mut one = source.reader();
        let mut other = source.reader();
        one.seek(SeekFrom::End(-2)).unwrap();
        source.file().unwrap().write_at(b"more", 10).unwrap();
        let (mut end, mut all) = (Vec::new(), Vec::new());
        one.read_to_end(&mut end).unwrap();
        other.read_to_end(&mut all).unwrap();
        assert_eq!((end.as_slice(), all.as_slice()), (&b"89"[..], &b"0123456789"[..]));
        assert!(one.seek(SeekFrom::Start(1)).is_ok() && one.seek(SeekFrom::Current(-2)).is_err());
    }

    #[test]
    fn patches_stand_where_the_file_has_other_bytes() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"0123456789").unwrap();
        let source = Source::new(file, b"x.bin", Limits::default()).unwrap();
        let patch = |at, bytes: &[u8]| Patch { at, bytes: bytes.to_vec() };
        let patched = source.patched(vec![patch(2, b"ab"), patch(9, b"cd")]);
        let mut all = Vec::new();
        patched.reader().read_to_end(&mut all).unwrap();
        assert_eq!(all, b"01ab45678c");
        let mut some = [0; 2];
        assert_eq!(patched.read_at(&mut some, 3).unwrap(), 2);
        assert_eq!(&some, b"b4");
    }

    #[test]
    fn a_watch_ends_reading() {
        let source = |goes_on| {
            let file = File::open("../../samples/media/Coast/a-day-on-the-coast.mp4").unwrap();
            Source::new(file, b"a.mp4", Limits::default()).unwrap().watched(move || goes_on)
        };
        assert!(crate::probe(&source(true)).is_ok());
        assert_eq!(crate::probe(&source(false)).unwrap_err().kind, ErrorKind::Unavailable);
    }

    /// Bytes of a file; the disk fails from a place on.
    #[derive(Debug)]
    struct Failing(Vec<u8>, u64);

    impl ReadAt for Failing {
        fn size_bytes(&self) -> u64 {
            self.0.len() as u64
        }

        fn read_at(&self, buffer: &mut [u8], position: u64) -> io::Result<usize> {
            if position >= self.1 {
                return Err(io::Error::other("the tape is torn"));
            }
            // A few at once.
            let mut bytes = self.0.get(position as usize..).unwrap_or_default().take(1000);
            bytes.read(buffer)
        }
    }

    #[test]
    fn bytes_in_no_file_are_as_those_in_one() {
        for name in ["Coast/a-day-on-the-coast.mp4", "Coast/moonrise.jpg", "Studio/sweep.flac"] {
            let path = format!("../../samples/media/{name}");
            let file = Source::new(File::open(&path).unwrap(), b"", Limits::default()).unwrap();
            let over = |fails_at| {
                let bytes = Failing(std::fs::read(&path).unwrap(), fails_at);
                Source::over(Arc::new(bytes), b"", Limits::default())
            };
            let source = over(u64::MAX);
            assert!(source.file().is_none() && source.size_bytes() == file.size_bytes());
            assert_eq!(crate::probe(&source), crate::probe(&file), "{name}");
            let failed = crate::probe(&over(0)).unwrap_err();
            assert_eq!(failed.kind, ErrorKind::Unavailable, "{name}");
        }
    }

    #[test]
    fn sequences_are_read_from_bytes() {
        let bytes = std::fs::read("../../samples/media/Coast/moonrise.jpg").unwrap();
        let over = |bytes| Source::over(Arc::new(Failing(bytes, u64::MAX)), b"", Limits::default());
        let still = crate::Media::of(over(bytes)).unwrap().sequence().unwrap().unwrap();
        assert_eq!(still.len(), 1);
        let beside = crate::Media::of(over(b"[Sequence Settings]\nWidth=2".to_vec()));
        assert_eq!(beside.unwrap_err().kind, ErrorKind::Unsupported);
    }

    #[test]
    fn what_is_no_file_is_refused_and_never_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let (pipe, socket) = (folder.path().join("pipe.mp4"), folder.path().join("socket.mp4"));
        let made = std::process::Command::new("mkfifo").arg(&pipe).status().unwrap();
        assert!(made.success());
        let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        // Who waits for the pipe would do so for ever.
        for path in [pipe.as_path(), &socket, folder.path(), Path::new("/dev/zero")] {
            let refused = open_file(path).unwrap_err();
            assert_eq!(refused.kind, ErrorKind::Invalid, "{path:?}");
            assert!(refused.why.contains("a device or a pipe"), "{refused}");
        }
        let missing = open_file(&folder.path().join("none.mp4")).unwrap_err();
        assert_eq!(missing.kind, ErrorKind::NotFound);
        open_file(Path::new("../../samples/media/Coast/moonrise.jpg")).unwrap();
    }

    #[test]
    fn a_folder_is_refused() {
        let folder = File::open(std::env::temp_dir()).unwrap();
        let refused = Source::new(folder, b"tmp", Limits::default()).unwrap_err();
        assert_eq!(refused.kind, ErrorKind::Invalid);
    }
}
