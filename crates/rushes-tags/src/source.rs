use std::cell::{Cell, RefCell};
use std::io;

/// One read from a file fetches at least this much, so that neighbouring small
/// structures cost one system call.
const PAGE_BYTES: usize = 16 << 10;

/// Reads bytes of a file from a position on: as many as come at once and there
/// is room for, 0 at the end.
pub(crate) type ReadAt<'a> = &'a dyn Fn(&mut [u8], u64) -> io::Result<usize>;

/// Bytes that are read by position, in bounded pieces: a file, or a slice of
/// memory. Nothing outside the piece asked for is kept.
pub(crate) struct Source<'a> {
    bytes: Bytes<'a>,
    start: u64,
    len_bytes: u64,
    budget: &'a Budget,
}

#[derive(Clone, Copy)]
enum Bytes<'a> {
    File(ReadAt<'a>, &'a RefCell<Page>),
    Memory(&'a [u8]),
}

/// The last piece that was fetched from a file.
#[derive(Default)]
pub(crate) struct Page {
    start: u64,
    bytes: Vec<u8>,
}

/// How much may still be read for one file, over all its parts, and the first
/// failure of the system while reading.
pub(crate) struct Budget {
    left_bytes: Cell<u64>,
    failure: RefCell<Option<io::Error>>,
}

impl Budget {
    pub(crate) fn new(bytes: u64) -> Budget {
        Budget { left_bytes: Cell::new(bytes), failure: RefCell::new(None) }
    }

    /// The first failed read, once.
    pub(crate) fn take_failure(&self) -> Option<io::Error> {
        self.failure.borrow_mut().take()
    }

    /// Whether everything that may be read was read.
    pub(crate) fn is_spent(&self) -> bool {
        self.left_bytes.get() == 0
    }

    pub(crate) fn left_bytes(&self) -> u64 {
        self.left_bytes.get()
    }

    /// Takes this much off; false when there was not so much.
    pub(crate) fn spend(&self, bytes: u64) -> bool {
        let left = self.left_bytes.get();
        self.left_bytes.set(left.saturating_sub(bytes));
        left >= bytes
    }
}

impl<'a> Source<'a> {
    pub(crate) fn of_file(
        file: ReadAt<'a>,
        len_bytes: u64,
        page: &'a RefCell<Page>,
        budget: &'a Budget,
    ) -> Source<'a> {
        Source { bytes: Bytes::File(file, page), start: 0, len_bytes, budget }
    }

    pub(crate) fn of_memory(bytes: &'a [u8], budget: &'a Budget) -> Source<'a> {
        Source { bytes: Bytes::Memory(bytes), start: 0, len_bytes: bytes.len() as u64, budget }
    }

    /// The part from `start` on, `len_bytes` long or to the end, whichever is
    /// sooner. Positions in it count from its own start.
    pub(crate) fn part(&self, start: u64, len_bytes: u64) -> Source<'a> {
        let start = start.min(self.len_bytes);
        Source {
            bytes: self.bytes,
            start: self.start.saturating_add(start),
            len_bytes: len_bytes.min(self.len_bytes - start),
            budget: self.budget,
        }
    }

    pub(crate) fn len_bytes(&self) -> u64 {
        self.len_bytes
    }

    pub(crate) fn budget(&self) -> &'a Budget {
        self.budget
    }

    /// Exactly `len` bytes at this position, or `None` when they are not all
    /// there. The caller has bounded `len`; room is made only for what exists.
    pub(crate) fn take(&self, position: u64, len: u64) -> Option<Vec<u8>> {
        if position.checked_add(len)? > self.len_bytes || !self.budget.spend(len) {
            return None;
        }
        let mut taken = vec![0; usize::try_from(len).ok()?];
        self.fill(position, &mut taken)?;
        Some(taken)
    }

    /// Up to `len` bytes at this position: fewer at the end.
    pub(crate) fn take_up_to(&self, position: u64, len: u64) -> Vec<u8> {
        let there = self.len_bytes.saturating_sub(position).min(len);
        self.take(position, there).unwrap_or_default()
    }

    /// `N` bytes at this position.
    pub(crate) fn array<const N: usize>(&self, position: u64) -> Option<[u8; N]> {
        if position.checked_add(N as u64)? > self.len_bytes {
            return None;
        }
        let mut array = [0; N];
        self.fill(position, &mut array)?;
        Some(array)
    }

    pub(crate) fn u8(&self, position: u64) -> Option<u8> {
        self.array::<1>(position).map(|[byte]| byte)
    }

    pub(crate) fn u16_be(&self, position: u64) -> Option<u16> {
        self.array(position).map(u16::from_be_bytes)
    }

    pub(crate) fn u32_be(&self, position: u64) -> Option<u32> {
        self.array(position).map(u32::from_be_bytes)
    }

    pub(crate) fn u32_le(&self, position: u64) -> Option<u32> {
        self.array(position).map(u32::from_le_bytes)
    }

    pub(crate) fn u64_be(&self, position: u64) -> Option<u64> {
        self.array(position).map(u64::from_be_bytes)
    }

    fn fill(&self, position: u64, into: &mut [u8]) -> Option<()> {
        let position = self.start.checked_add(position)?;
        match self.bytes {
            Bytes::Memory(memory) => {
                let from = usize::try_from(position).ok()?;
                into.copy_from_slice(memory.get(from..from.checked_add(into.len())?)?);
                Some(())
            }
            Bytes::File(file, page) => {
                let filled = fill_from_file(file, &mut page.borrow_mut(), position, into);
                match filled {
                    Ok(all_there) => all_there.then_some(()),
                    Err(error) => {
                        self.budget.failure.borrow_mut().get_or_insert(error);
                        None
                    }
                }
            }
        }
    }
}

fn fill_from_file(
    file: ReadAt<'_>,
    page: &mut Page,
    position: u64,
    into: &mut [u8],
) -> io::Result<bool> {
    if into.len() >= PAGE_BYTES {
        return Ok(read_fully(file, position, into)? == into.len());
    }
    if let Some(found) = in_page(page, position, into.len()) {
        into.copy_from_slice(found);
        return Ok(true);
    }
    page.start = position;
    page.bytes.resize(PAGE_BYTES, 0);
    let read = read_fully(file, position, &mut page.bytes);
    page.bytes.truncate(*read.as_ref().unwrap_or(&0));
    read?;
    let Some(found) = in_page(page, position, into.len()) else { return Ok(false) };
    into.copy_from_slice(found);
    Ok(true)
}

fn in_page(page: &Page, position: u64, len: usize) -> Option<&[u8]> {
    let from = usize::try_from(position.checked_sub(page.start)?).ok()?;
    page.bytes.get(from..from.checked_add(len)?)
}

/// Reads until `into` is full or the file ends; says how much came.
fn read_fully(file: ReadAt<'_>, position: u64, into: &mut [u8]) -> io::Result<usize> {
    let mut done = 0;
    while let Some(rest) = into.get_mut(done..).filter(|rest| !rest.is_empty()) {
        match file(rest, position.saturating_add(done as u64)) {
            Ok(0) => break,
            Ok(more) => done += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(done)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::os::unix::fs::FileExt;

    #[test]
    fn a_part_ends_where_it_ends() {
        let budget = Budget::new(100);
        let source = Source::of_memory(b"0123456789", &budget);
        let part = source.part(2, 4);
        assert_eq!(part.take(0, 4).unwrap(), b"2345");
        assert!(part.take(1, 4).is_none());
        assert_eq!(part.take_up_to(3, 9), b"5");
        assert_eq!(source.part(8, u64::MAX).len_bytes(), 2);
        assert!(source.part(u64::MAX, 1).u8(0).is_none());
    }

    #[test]
    fn the_budget_is_spent_and_not_reset() {
        let budget = Budget::new(8);
        let source = Source::of_memory(b"0123456789", &budget);
        assert!(source.take(0, 6).is_some());
        assert!(source.part(0, 10).take(0, 6).is_none());
        assert!(budget.is_spent());
    }

    #[test]
    fn a_file_gives_the_same_bytes_as_memory() {
        let mut file = tempfile::tempfile().unwrap();
        let bytes: Vec<u8> = (0..100_000_u32).map(|n| (n % 251) as u8).collect();
        file.write_all(&bytes).unwrap();
        let (budget, page) = (Budget::new(10 << 20), RefCell::default());
        let read = |room: &mut [u8], position| file.read_at(room, position);
        let from_file = Source::of_file(&read, 100_000, &page, &budget);
        let from_memory = Source::of_memory(&bytes, &budget);
        for (position, len) in [(0, 4), (16_382, 4), (99_999, 1), (5, 40_000), (99_999, 2), (3, 3)]
        {
            assert_eq!(from_file.take(position, len), from_memory.take(position, len));
        }
    }
}
