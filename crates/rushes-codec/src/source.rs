use std::fmt;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use rushes_media::{Error, ErrorKind, Limits, Result};

/// Bytes that [`Source::head`] gives at most.
const HEAD_BYTES: u64 = 64 << 10;

/// An open file and what reading it may cost.
///
/// Reads go to a stated position, so that several readers can share one file.
#[derive(Debug)]
pub struct Source {
    file: File,
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
        let metadata = file.metadata().map_err(|error| Error::io("looking at the file", &error))?;
        if !metadata.is_file() {
            let why = "it is a folder, a device or a pipe, not a regular file";
            return Err(Error::new(ErrorKind::Invalid, "opening the file", why));
        }
        Ok(Source {
            file,
            size_bytes: metadata.len(),
            extension: extension_of(name),
            limits,
            opened: Instant::now(),
            watch: None,
            failed: Arc::default(),
            patches: Vec::new(),
        })
    }

    /// The same file, read as though it held other bytes in some places, and
    /// with a wall clock of its own. Nothing is written.
    pub(crate) fn patched(&self, patches: Vec<Patch>) -> Result<Source> {
        let file = self.file.try_clone().map_err(|error| Error::io("opening the file", &error))?;
        Ok(Source {
            file,
            size_bytes: self.size_bytes,
            extension: self.extension.clone(),
            limits: self.limits,
            opened: Instant::now(),
            watch: None,
            failed: self.failed.clone(),
            patches,
        })
    }

    /// The same source, read under watch: the function is asked before each
    /// packet, by the thread that reads, whether to go on. Once it says no it
    /// must say so for good, and what is being read ends with `Unavailable`.
    /// Readers of video and sound ask; those of stills are done too soon.
    #[must_use]
    pub fn watched(self, goes_on: impl Fn() -> bool + Send + Sync + 'static) -> Source {
        Source { watch: Some(Watch(Box::new(goes_on))), ..self }
    }

    /// The file.
    #[must_use]
    pub fn file(&self) -> &File {
        &self.file
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
    pub(crate) fn read_at(&self, buffer: &mut [u8], position: u64) -> io::Result<usize> {
        let left = self.size_bytes.saturating_sub(position);
        let wanted = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
        let Some(room) = buffer.get_mut(..wanted) else { return Ok(0) };
        let read = self.file.read_at(room, position).inspect_err(|error| {
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
        source.file().write_at(b"more", 10).unwrap();
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
        let patched = source.patched(vec![patch(2, b"ab"), patch(9, b"cd")]).unwrap();
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

    #[test]
    fn a_folder_is_refused() {
        let folder = File::open(std::env::temp_dir()).unwrap();
        let refused = Source::new(folder, b"tmp", Limits::default()).unwrap_err();
        assert_eq!(refused.kind, ErrorKind::Invalid);
    }
}
