//! One file read once, in blocks that several threads look at.

use std::fs::File;
use std::io;
use std::ops::Deref;
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};

use rustix::fs::{Advice, OFlags, fadvise, fcntl_getfl, fcntl_setfl};

/// Bytes of the largest block.
pub(crate) const BLOCK_BYTES: usize = 4 << 20;

/// What direct reads and writes are aligned to, in memory and in the file: the
/// page, which is a multiple of every disk's sector.
pub(crate) const ALIGNMENT: usize = 4096;

/// How the bytes of a file were read back from where it lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadBack {
    /// By direct reads (`O_DIRECT`), which pass the system's page cache by.
    Direct,
    /// Through the page cache, after the file was put to disk and the system was
    /// asked to forget what it remembered of it (`POSIX_FADV_DONTNEED`): its file
    /// system has no direct reads. The system may have declined.
    CacheDropped,
}

/// Asks that a file is read and written past the page cache, or not any more;
/// whether it is now as asked.
pub(crate) fn set_direct(file: &File, is_direct: bool) -> bool {
    let Ok(flags) = fcntl_getfl(file) else { return !is_direct };
    let mut wanted = flags;
    wanted.set(OFlags::DIRECT, is_direct);
    wanted == flags || fcntl_setfl(file, wanted).is_ok()
}

/// Memory that direct reads can fill.
#[derive(Debug)]
struct Buffer {
    bytes: Vec<u8>,
    start: usize,
}

impl Buffer {
    fn new(size_bytes: usize) -> Buffer {
        let bytes = vec![0; size_bytes + ALIGNMENT];
        let start = bytes.as_ptr().align_offset(ALIGNMENT).min(ALIGNMENT);
        Buffer { bytes, start }
    }
}

/// Bytes of a file, which go back to be filled again when nobody looks at them
/// any more.
#[derive(Debug)]
pub(crate) struct Block {
    buffer: Option<Buffer>,
    size_bytes: usize,
    home: Sender<Buffer>,
    /// Where in the file they are.
    pub(crate) offset: u64,
}

impl Deref for Block {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        let buffer = self.buffer.as_ref();
        let bytes = buffer.and_then(|it| it.bytes.get(it.start..it.start + self.size_bytes));
        bytes.unwrap_or_default()
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        if let Some(buffer) = self.buffer.take() {
            // Nobody is there to fill it: then it is let go.
            let _ = self.home.send(buffer);
        }
    }
}

/// Somebody who looks at every block, in order. Who hangs up gets no more.
pub(crate) type Lane = SyncSender<Arc<Block>>;

/// How a reading ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reading {
    /// At the file's end, after this many bytes; or past the size that it should
    /// have, by no more than a block.
    Ended(u64),
    /// The watcher said stop.
    Stopped,
}

/// A file to be read once.
pub(crate) struct Pump<'a> {
    pub(crate) file: &'a File,
    /// The size that it should have.
    pub(crate) size_bytes: u64,
    /// Blocks that there may be.
    pub(crate) blocks: usize,
    pub(crate) how: ReadBack,
}

impl Pump<'_> {
    /// A lane that holds as many blocks as there may be.
    pub(crate) fn lane(&self) -> (Lane, Receiver<Arc<Block>>) {
        sync_channel(self.blocks)
    }

    /// Reads the file, and sends every block down all lanes. `watch` hears of
    /// every block's bytes and says whether to go on.
    pub(crate) fn run(
        &mut self,
        lanes: &mut Vec<Lane>,
        watch: &mut dyn FnMut(u64) -> bool,
    ) -> io::Result<Reading> {
        // A small file takes no large block; one byte more is room to notice that it grew.
        let block_bytes = usize::try_from(self.size_bytes + 1)
            .map_or(BLOCK_BYTES, |size| size.next_multiple_of(ALIGNMENT).min(BLOCK_BYTES));
        let (home, free) = channel();
        let mut made = 0;
        let mut offset = 0;
        loop {
            let mut buffer = match free.try_recv() {
                Ok(buffer) => buffer,
                Err(_) if made < self.blocks => {
                    made += 1;
                    Buffer::new(block_bytes)
                }
                // `home` is here, so that it never hangs up.
                Err(_) => free.recv().map_err(io::Error::other)?,
            };
            let room = buffer.bytes.get_mut(buffer.start..buffer.start + block_bytes);
            let read = self.read(room.unwrap_or_default(), offset)?;
            let block =
                Block { buffer: Some(buffer), size_bytes: read, home: home.clone(), offset };
            offset += read as u64;
            if read > 0 {
                let block = Arc::new(block);
                lanes.retain(|lane| lane.send(Arc::clone(&block)).is_ok());
            }
            if !watch(read as u64) {
                return Ok(Reading::Stopped);
            }
            // A file that grows for ever must not be read for ever.
            if read < block_bytes || offset > self.size_bytes {
                return Ok(Reading::Ended(offset));
            }
        }
    }

    /// Reads until the buffer is full or the file ends; how many bytes it got.
    fn read(&mut self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut filled = 0;
        while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match self.file.read_at(rest, offset + filled as u64) {
                Ok(0) => break,
                Ok(read) => {
                    filled += read;
                    // Directly, only the end of a file has such a length.
                    if self.how == ReadBack::Direct && !filled.is_multiple_of(ALIGNMENT) {
                        break;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // Some file systems take the flag, and then do not do it.
                Err(error)
                    if self.how == ReadBack::Direct
                        && error.kind() == io::ErrorKind::InvalidInput
                        && set_direct(self.file, false) =>
                {
                    self.how = ReadBack::CacheDropped;
                    forget(self.file)?;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(filled)
    }
}

/// Puts a file to disk, and asks the system to forget what it remembers of it.
pub(crate) fn forget(file: &File) -> io::Result<()> {
    match file.sync_data() {
        // What nobody can write is on disk.
        Err(error) if matches!(error.kind(), io::ErrorKind::ReadOnlyFilesystem) => {}
        Err(error) if matches!(error.kind(), io::ErrorKind::InvalidInput) => {}
        synced => synced?,
    }
    // Where this is refused too, `ReadBack::CacheDropped` says no more than it did.
    let _ = fadvise(file, 0, None, Advice::DontNeed);
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn blocks_of(bytes: &[u8], blocks: usize) -> (Vec<u8>, Reading) {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        let size_bytes = bytes.len() as u64;
        let mut pump = Pump { file: &file, size_bytes, blocks, how: ReadBack::CacheDropped };
        let (lane, arriving) = pump.lane();
        let (gone, nobody) = pump.lane();
        drop(nobody);
        std::thread::scope(|scope| {
            let collected = scope.spawn(move || {
                let mut all = Vec::new();
                for block in arriving {
                    assert_eq!(block.offset, all.len() as u64);
                    assert_eq!(block.as_ptr().align_offset(ALIGNMENT), 0);
                    all.extend_from_slice(&block);
                }
                all
            });
            let mut lanes = vec![gone, lane];
            let reading = pump.run(&mut lanes, &mut |_| true).unwrap();
            drop(lanes);
            (collected.join().unwrap(), reading)
        })
    }

    #[test]
    fn every_byte_goes_down_every_lane_in_order() {
        for size in [0, 1, 4095, 4096, BLOCK_BYTES - 1, BLOCK_BYTES, BLOCK_BYTES + 1, 30 << 20] {
            let bytes: Vec<u8> = (0..size).map(|at| (at * 31 + at / 4096) as u8).collect();
            let (found, reading) = blocks_of(&bytes, 2);
            assert!(found == bytes, "{size}");
            assert_eq!(reading, Reading::Ended(size as u64));
        }
    }

    #[test]
    fn a_file_that_grows_is_not_read_for_ever() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&[1; 3 * BLOCK_BYTES]).unwrap();
        let mut pump = Pump { file: &file, size_bytes: 5, blocks: 2, how: ReadBack::CacheDropped };
        let Reading::Ended(size) = pump.run(&mut Vec::new(), &mut |_| true).unwrap() else {
            panic!()
        };
        assert!(size > 5 && size <= BLOCK_BYTES as u64, "{size}");
        assert_eq!(pump.run(&mut Vec::new(), &mut |_| false).unwrap(), Reading::Stopped);
    }
}
