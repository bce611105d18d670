use std::fs::File;

use rushes_media::{Error, ErrorKind, Result};

use super::blocks::{Pump, ReadBack, Reading, forget, set_direct};
use super::hashing::Hashing;
use crate::hash_formats::{Digest, HashFormat};
use crate::hashing::Hashes;
use crate::root::{FileStamp, Root};

/// Blocks in memory while a file is read back: one that is read, one that is
/// hashed, and one between them.
const BLOCKS: usize = 3;

/// What a file holds that was read back from where it lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// The same before and after the reading.
    pub stamp: FileStamp,
    /// The hashes of its bytes.
    pub hashes: Hashes,
    /// Those of the formats that were asked for, in that order.
    pub digests: Vec<Digest>,
    /// How it was read.
    pub read_back: ReadBack,
}

/// Reads a file from where it lies, past the page cache, and hashes it: in each
/// of these formats too. `watch` hears of every block's bytes and says whether
/// to go on; `None` when it said stop. Takes 12 MiB, however large the file is.
///
/// # Errors
/// `Conflict` when the file changed meanwhile; as for [`Root::open_file`]; and
/// what the system says when it cannot be read.
pub fn verify_file(
    root: &Root,
    relative: &[u8],
    formats: &[HashFormat],
    watch: &mut dyn FnMut(u64) -> bool,
) -> Result<Option<Verified>> {
    let file = root.open_file(relative)?;
    read_back(&file, formats, watch).map_err(|error| error.at(root.join(relative)))
}

/// As [`verify_file`]. Nobody else may use this open file meanwhile.
pub(super) fn read_back(
    file: &File,
    formats: &[HashFormat],
    watch: &mut dyn FnMut(u64) -> bool,
) -> Result<Option<Verified>> {
    let what = "reading a file back";
    let failed = |error: std::io::Error| Error::io(what, &error);
    let stamp = FileStamp::of(file)?;
    // Before direct reads too: some file systems take the flag and read through the cache.
    forget(file).map_err(failed)?;
    let how = if set_direct(file, true) { ReadBack::Direct } else { ReadBack::CacheDropped };
    let mut pump = Pump { file, size_bytes: stamp.size_bytes, blocks: BLOCKS, how };
    let (reading, hashed) = std::thread::scope(|scope| {
        let (hashing, mut lanes) = Hashing::start(scope, &pump, formats);
        let reading = pump.run(&mut lanes, watch);
        drop(lanes);
        (reading, hashing.finish())
    });
    let size_bytes = match reading.map_err(failed)? {
        Reading::Ended(size_bytes) => size_bytes,
        Reading::Stopped => return Ok(None),
    };
    if size_bytes != stamp.size_bytes || FileStamp::of(file)? != stamp {
        return Err(Error::new(ErrorKind::Conflict, what, "it changed while it was read"));
    }
    let (hashes, digests) = hashed?;
    Ok(Some(Verified { stamp, hashes, digests, read_back: pump.how }))
}
