//! One destination of a copy.

use std::fs::File;
use std::io;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::sync::Arc;
use std::sync::mpsc::Receiver;

use rushes_media::{Error, ErrorKind, Result};
use rustix::fs::{FallocateFlags, fallocate, fstatfs};
use rustix::io::Errno;

use super::attributes::{Attributes, LeftOut};
use super::blocks::{ALIGNMENT, Block, ReadBack, set_direct};
use super::verify::read_back;
use super::{CopyTarget, Placed, WHAT};
use crate::atomic::PartialFile;
use crate::hashing::Hashes;
use crate::root::{EntryKind, FileStamp, free_bytes};

/// The file that is copied, as far as its destinations need it.
pub(super) struct Source {
    pub(super) stamp: FileStamp,
    pub(super) attributes: Attributes,
    /// Bytes on its disk; fewer than its size when it has holes.
    pub(super) stored_bytes: u64,
}

impl Source {
    pub(super) fn of(file: &File) -> Result<Source> {
        let failed = |error: io::Error| Error::io("reading what is copied", &error);
        let found = file.metadata().map_err(failed)?;
        if !found.is_file() {
            let why = "it is not a regular file";
            return Err(Error::new(ErrorKind::Unsupported, WHAT, why));
        }
        let stamp = FileStamp::of(file)?;
        let stored_bytes = found.blocks().saturating_mul(512).min(stamp.size_bytes);
        let attributes = Attributes::of(file).map_err(failed)?;
        Ok(Source { stamp, attributes, stored_bytes })
    }

    fn has_holes(&self) -> bool {
        self.stored_bytes < self.stamp.size_bytes
    }
}

/// A destination that was begun.
pub(super) enum Begun {
    /// Its name was free.
    New(PartialFile),
    /// A file of the same size has its name: perhaps the same.
    Taken(File),
}

/// A destination that has all bytes.
pub(super) enum Written {
    New { partial: PartialFile, to_read: File, left_out: Vec<LeftOut> },
    Taken(File),
}

/// Finds out what is at a destination, and takes the space for it.
pub(super) fn begin(target: &CopyTarget<'_>, source: &Source) -> Result<Begun> {
    let (root, path) = (target.root, target.path);
    let place = root.join(path);
    let taken = |why: &str| {
        Error::new(ErrorKind::Conflict, WHAT, why).remedy("give it another name").at(&place)
    };
    match root.kind_of(path)? {
        None => {}
        Some(EntryKind::File) => {
            let file = root.open_file(path)?;
            let found = FileStamp::of(&file)?;
            if (found.device, found.inode) == (source.stamp.device, source.stamp.inode) {
                return Err(taken("the destination is the source itself"));
            }
            if found.size_bytes != source.stamp.size_bytes {
                return Err(taken("a file of another size has its name"));
            }
            return Ok(Begun::Taken(file));
        }
        Some(_) => return Err(taken("its name is that of a folder, a link or a device")),
    }
    if let Some(end) = path.iter().rposition(|byte| *byte == b'/') {
        root.create_folders(path.get(..end).unwrap_or_default())?;
    }
    // Until it has the source's rights, it is nobody else's to read.
    let partial = PartialFile::create_beneath(root, path, 0o600)?;
    make_room(partial.file(), source).map_err(|error| error.at(&place))?;
    Ok(Begun::New(partial))
}

/// Takes the space before anything is written, so that a disk that is too full
/// is known at once, and the file lies in one piece.
fn make_room(file: &File, source: &Source) -> Result<()> {
    let failed = |errno: Errno| Error::io(WHAT, &errno.into());
    if free_bytes(file)?.is_some_and(|free| free < source.stored_bytes) {
        return Err(failed(Errno::NOSPC));
    }
    if source.has_holes() || source.stamp.size_bytes == 0 {
        return Ok(());
    }
    loop {
        match fallocate(file, FallocateFlags::empty(), 0, source.stamp.size_bytes) {
            Err(Errno::INTR) => {}
            // Some file systems cannot.
            Err(Errno::NOTSUP | Errno::NOSYS | Errno::INVAL | Errno::NODEV) => return Ok(()),
            taken => return taken.map_err(failed),
        }
    }
}

/// Writes the blocks that arrive, gives the file what else the source has, and
/// puts it to disk. `None` when the watcher said stop.
pub(super) fn write(
    partial: PartialFile,
    arriving: Receiver<Arc<Block>>,
    source: &Source,
    watch: &dyn Fn(u64) -> bool,
) -> Result<Option<Written>> {
    let place = partial.path().to_owned();
    let failed = |error: io::Error| Error::io(WHAT, &error).at(&place);
    let file = partial.file();
    let mut is_direct = is_quick_directly(file) && set_direct(file, true);
    for block in arriving {
        if is_direct && !block.len().is_multiple_of(ALIGNMENT) {
            // The last one, when it is no whole page.
            is_direct = !set_direct(file, false);
        }
        if !(source.has_holes() && is_zero(&block)) {
            let mut written = file.write_all_at(&block, block.offset);
            let refused = |error: &io::Error| error.kind() == io::ErrorKind::InvalidInput;
            if is_direct && written.as_ref().is_err_and(refused) {
                // Some file systems take the flag, and then do not do it.
                is_direct = !set_direct(file, false);
                written = file.write_all_at(&block, block.offset);
            }
            written.map_err(failed)?;
        }
        if !watch(block.len() as u64) {
            return Ok(None);
        }
    }
    if !watch(0) {
        return Ok(None);
    }
    // Holes at the end were not written.
    file.set_len(source.stamp.size_bytes).map_err(failed)?;
    // Before it has the source's rights, which may not let it be read.
    let to_read = partial.reopen().map_err(failed)?;
    let left_out = source.attributes.give_to(file);
    file.sync_all().map_err(failed)?;
    Ok(Some(Written::New { partial, to_read, left_out }))
}

/// Whether direct writes are known to be quick on the file system of this file:
/// the bytes need not go through the page cache, and a disk is not left waiting
/// until the end. Over a network each one would wait for the other side.
fn is_quick_directly(file: &File) -> bool {
    /// Ext4, XFS, Btrfs and F2FS: `statfs(2)` has their numbers.
    const KNOWN: [u32; 4] = [0xef53, 0x5846_5342, 0x9123_683e, 0xf2f5_2010];
    // What the number's type is differs between platforms.
    fstatfs(file).is_ok_and(|found| KNOWN.contains(&(found.f_type as u32)))
}

fn is_zero(bytes: &[u8]) -> bool {
    const ZEROS: [u8; ALIGNMENT] = [0; ALIGNMENT];
    bytes.chunks(ALIGNMENT).all(|chunk| ZEROS.starts_with(chunk))
}

impl Written {
    /// Reads it back, and gives it its name when it is the source, byte for
    /// byte. `None` when the watcher said stop.
    pub(super) fn verify(
        self,
        target: &CopyTarget<'_>,
        wanted: &Hashes,
        watch: &mut dyn FnMut(u64) -> bool,
    ) -> Result<Option<Placed>> {
        let place = target.root.join(target.path);
        let (file, was_there) = match &self {
            Written::New { to_read, .. } => (to_read, false),
            Written::Taken(file) => (file, true),
        };
        let Some(found) = read_back(file, &[], watch).map_err(|error| error.at(&place))? else {
            return Ok(None);
        };
        let is_same = found.hashes == *wanted;
        let read_back: ReadBack = found.read_back;
        match self {
            Written::Taken(_) if !is_same => {
                let why = "a file of other content has its name";
                let error = Error::new(ErrorKind::Conflict, WHAT, why);
                Err(error.remedy("give it another name").at(place))
            }
            Written::New { .. } if !is_same => {
                let why = "what was read back from it is not what was written";
                let error = Error::new(ErrorKind::Corrupt, WHAT, why);
                Err(error.remedy("check that disk and its cable, and copy to another").at(place))
            }
            Written::Taken(_) => {
                Ok(Some(Placed { was_there, read_back, stamp: found.stamp, left_out: Vec::new() }))
            }
            Written::New { partial, to_read, left_out } => {
                partial.give_name(false)?;
                // With its name, the time of its last change has changed.
                let stamp = FileStamp::of(to_read)?;
                Ok(Some(Placed { was_there, read_back, stamp, left_out }))
            }
        }
    }
}
