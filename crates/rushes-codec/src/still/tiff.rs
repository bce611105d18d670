//! A walk over the directories of a TIFF (TIFF 6.0, section 2; BigTIFF) that
//! believes nothing it reads.

use std::collections::{HashSet, VecDeque};

use rushes_media::{Error, ErrorKind, Result};

use super::read;
use crate::Source;
use crate::source::Patch;

/// Entries in all directories together: real files have some hundred.
const ENTRIES: usize = 100_000;
/// Directories that one SubIFDs entry may point at.
const SUB_DIRECTORIES: usize = 64;
const SUB_IFDS: u16 = 0x014a;
pub(super) const NEW_SUBFILE_TYPE: u16 = 0x00fe;
/// A copy of another page, but smaller.
const REDUCED: u64 = 1;
/// Which parts of another page are to be seen.
const MASK: u64 = 4;
/// Pages that are gone through at most.
const MOST_PAGES: usize = 1 << 20;
const PAGES: &str = "reading the TIFF's pages";

/// The directories of a file, the main chain first come first.
pub(super) struct Tiff<'a> {
    pub source: &'a Source,
    pub order: Order,
    is_big: bool,
    /// Where offsets count from.
    base: u64,
    pub directories: Vec<Directory>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    Little,
    Big,
}

/// One directory (IFD).
pub(super) struct Directory {
    /// Whether it is in the chain of pages rather than below one.
    pub is_page: bool,
    /// Where the file says which directory comes next.
    next_at: u64,
    entries: Vec<Entry>,
}

/// Where the directory of a page lies, and where the file says which one comes
/// next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Page {
    at: u64,
    next_at: u64,
}

/// The pages of a file that are pictures of their own.
#[derive(Debug)]
pub(crate) struct Pages {
    pub pages: Vec<Page>,
    /// Whether the chain of pages breaks off.
    pub is_cut: bool,
    is_big: bool,
}

impl Pages {
    /// The file as though this page was the only one in it.
    pub fn alone(&self, source: &Source, page: Page) -> Source {
        let order = order(source);
        let offset = |at: u64, value: u64| {
            let bytes = match (self.is_big, order) {
                (true, Some(Order::Big)) => value.to_be_bytes().to_vec(),
                (true, _) => value.to_le_bytes().to_vec(),
                // It was read from four bytes.
                (false, Some(Order::Big)) => (value as u32).to_be_bytes().to_vec(),
                (false, _) => (value as u32).to_le_bytes().to_vec(),
            };
            Patch { at, bytes }
        };
        let first_at = if self.is_big { 8 } else { 4 };
        source.patched(vec![offset(first_at, page.at), offset(page.next_at, 0)])
    }
}

fn order(source: &Source) -> Option<Order> {
    let letters: [u8; 2] = read::exactly(source, 0)?;
    Some(if letters == *b"MM" { Order::Big } else { Order::Little })
}

/// One entry of a directory.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    tag: u16,
    kind: u16,
    pub count: u64,
    /// Where its value lies in the file.
    pub at: u64,
}

impl Directory {
    pub fn entry(&self, tag: u16) -> Option<Entry> {
        self.entries.iter().find(|entry| entry.tag == tag).copied()
    }
}

impl Entry {
    fn value_bytes(self) -> Option<u64> {
        Some(match self.kind {
            1 | 2 | 6 | 7 => 1,
            3 | 8 => 2,
            4 | 9 | 11 | 13 => 4,
            5 | 10 | 12 | 16 | 17 | 18 => 8,
            _ => return None,
        })
    }
}

impl<'a> Tiff<'a> {
    /// All directories that can be reached from the header at the file's start.
    pub fn walk(source: &'a Source) -> Result<Tiff<'a>> {
        let mut tiff = Tiff::header(source)?;
        tiff.follow(tiff.first()?)?;
        Ok(tiff)
    }

    /// Without a directory yet.
    fn header(source: &'a Source) -> Result<Tiff<'a>> {
        let header: [u8; 8] = read::exactly(source, 0).ok_or_else(ends_early)?;
        let order = if header.starts_with(b"MM") { Order::Big } else { Order::Little };
        let is_big = matches!(header[2..4], [0, 0x2b] | [0x2b, 0]);
        Ok(Tiff { source, order, is_big, base: 0, directories: Vec::new() })
    }

    /// Where the first directory lies.
    fn first(&self) -> Result<u64> {
        let first = if self.is_big { self.long8(8) } else { self.long(4).map(u64::from) };
        first.ok_or_else(ends_early)
    }

    /// The first directory of a structure that starts at this place.
    pub fn first_at(source: &'a Source, start: u64) -> Option<Tiff<'a>> {
        let header: [u8; 8] = read::exactly(source, start)?;
        let order = match header {
            [b'M', b'M', 0, 0x2a, ..] => Order::Big,
            [b'I', b'I', 0x2a, 0, ..] => Order::Little,
            _ => return None,
        };
        let [.., a, b, c, d] = header;
        Tiff::single(source, order, start, order.long([a, b, c, d]).into())
    }

    /// The one directory at this place, offsets in it counted from `base`.
    pub fn single(source: &'a Source, order: Order, base: u64, at: u64) -> Option<Tiff<'a>> {
        let mut tiff = Tiff { source, order, is_big: false, base, directories: Vec::new() };
        let (directory, _) = tiff.directory(at, true)?;
        tiff.directories.push(directory);
        Some(tiff)
    }

    /// The pages that are pictures of their own, neither smaller copies of
    /// others nor masks (TIFF 6.0, `NewSubfileType`).
    pub fn pages(source: &Source) -> Result<Pages> {
        let tiff = Tiff::header(source)?;
        let mut pages = Pages { pages: Vec::new(), is_cut: false, is_big: tiff.is_big };
        let mut visited = HashSet::new();
        let mut next = tiff.first()?;
        while next != 0 && visited.insert(next) {
            source.goes_on(PAGES)?;
            if visited.len() > MOST_PAGES {
                let why = format!("it has more than {MOST_PAGES} pages");
                return Err(Error::new(ErrorKind::Limit, PAGES, why));
            }
            let Some((directory, following)) = tiff.directory(next, true) else {
                pages.is_cut = true;
                break;
            };
            let kind = tiff.number(&directory, NEW_SUBFILE_TYPE).unwrap_or(0);
            if kind & (REDUCED | MASK) == 0 {
                pages.pages.push(Page { at: next, next_at: directory.next_at });
            }
            pages.is_cut |= following.is_none();
            next = following.unwrap_or(0);
        }
        Ok(pages)
    }

    fn follow(&mut self, first: u64) -> Result<()> {
        let limit = self.source.limits().directories as usize;
        let mut waiting = VecDeque::from([(first, true)]);
        let mut visited = HashSet::new();
        let mut entries = 0;
        while let Some((at, is_page)) = waiting.pop_front() {
            if at == 0 || !visited.insert(at) {
                continue;
            }
            let Some((directory, next)) = self.directory(at, is_page) else { continue };
            entries += directory.entries.len();
            if self.directories.len() >= limit || entries > ENTRIES {
                let why = format!("it has more than {limit} directories or {ENTRIES} entries");
                return Err(Error::new(ErrorKind::Limit, "reading the TIFF directories", why));
            }
            if let Some(below) = directory.entry(SUB_IFDS) {
                let below = self.numbers(below, SUB_DIRECTORIES);
                waiting.extend(below.into_iter().map(|at| (at, false)));
            }
            if is_page {
                waiting.extend(next.map(|next| (next, true)));
            }
            self.directories.push(directory);
        }
        Ok(())
    }

    /// The directory here, as far as the file goes, and where the next one is.
    fn directory(&self, at: u64, is_page: bool) -> Option<(Directory, Option<u64>)> {
        let at = self.base.checked_add(at)?;
        let (count, start, entry_bytes) = if self.is_big {
            (self.long8(at)?, at + 8, 20)
        } else {
            (u64::from(self.short(at)?), at + 2, 12)
        };
        let count = count.min(u64::from(u16::MAX));
        let bytes = read::range(self.source, start, count * entry_bytes).ok()?;
        let mut entries = Vec::new();
        for (index, entry) in bytes.chunks_exact(entry_bytes as usize).enumerate() {
            let place = start + index as u64 * entry_bytes;
            entries.extend(self.entry(entry, place));
        }
        let end = start + count * entry_bytes;
        let next = if self.is_big { self.long8(end) } else { self.long(end).map(u64::from) };
        Some((Directory { is_page, next_at: end, entries }, next))
    }

    fn entry(&self, bytes: &[u8], place: u64) -> Option<Entry> {
        let short = |at: usize| Some(self.order.short(*bytes.get(at..)?.first_chunk::<2>()?));
        let long = |at: usize| Some(self.order.long(*bytes.get(at..)?.first_chunk::<4>()?));
        let (count, inline_bytes, value_at) = if self.is_big {
            (self.order.long8(*bytes.get(4..)?.first_chunk::<8>()?), 8, 12)
        } else {
            (u64::from(long(4)?), 4, 8)
        };
        let mut entry = Entry { tag: short(0)?, kind: short(2)?, count, at: place + value_at };
        let length = entry.value_bytes()?.checked_mul(count)?;
        if length > inline_bytes {
            let offset = if self.is_big {
                self.order.long8(*bytes.get(12..)?.first_chunk::<8>()?)
            } else {
                u64::from(long(8)?)
            };
            entry.at = self.base.checked_add(offset)?;
        }
        Some(entry)
    }

    /// The first `most` values as whole numbers; fractions are cut.
    pub fn numbers(&self, entry: Entry, most: usize) -> Vec<u64> {
        let Some(each) = entry.value_bytes() else { return Vec::new() };
        let count = entry.count.min(most as u64);
        let bytes = read::range(self.source, entry.at, count * each).unwrap_or_default();
        let number = |value: &[u8]| match (entry.kind, value) {
            (1 | 7, &[byte]) => Some(u64::from(byte)),
            (3, &[a, b]) => Some(u64::from(self.order.short([a, b]))),
            (4 | 13, &[a, b, c, d]) => Some(u64::from(self.order.long([a, b, c, d]))),
            (5, &[a, b, c, d, e, f, g, h]) => {
                let (num, den) = (self.order.long([a, b, c, d]), self.order.long([e, f, g, h]));
                num.checked_div(den).map(u64::from)
            }
            (16 | 18, &[a, b, c, d, e, f, g, h]) => {
                Some(self.order.long8([a, b, c, d, e, f, g, h]))
            }
            _ => None,
        };
        bytes.chunks_exact(each as usize).map_while(number).collect()
    }

    /// The first value of this tag.
    pub fn number(&self, directory: &Directory, tag: u16) -> Option<u64> {
        self.numbers(directory.entry(tag)?, 1).first().copied()
    }

    /// The text of this tag, at most 256 bytes of it.
    pub fn text(&self, directory: &Directory, tag: u16) -> Option<String> {
        let entry = directory.entry(tag).filter(|entry| entry.kind == 2)?;
        let bytes = read::range(self.source, entry.at, entry.count.min(256)).ok()?;
        let text = bytes.split(|&byte| byte == 0).next().unwrap_or_default();
        Some(String::from_utf8_lossy(text).trim().to_owned())
    }

    fn short(&self, at: u64) -> Option<u16> {
        read::exactly(self.source, at).map(|bytes| self.order.short(bytes))
    }

    fn long(&self, at: u64) -> Option<u32> {
        read::exactly(self.source, at).map(|bytes| self.order.long(bytes))
    }

    fn long8(&self, at: u64) -> Option<u64> {
        read::exactly(self.source, at).map(|bytes| self.order.long8(bytes))
    }
}

fn ends_early() -> Error {
    Error::new(ErrorKind::Corrupt, "reading the TIFF header", "it ends within its header")
}

impl Order {
    fn short(self, bytes: [u8; 2]) -> u16 {
        if self == Order::Big { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) }
    }

    fn long(self, bytes: [u8; 4]) -> u32 {
        if self == Order::Big { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) }
    }

    fn long8(self, bytes: [u8; 8]) -> u64 {
        if self == Order::Big { u64::from_be_bytes(bytes) } else { u64::from_le_bytes(bytes) }
    }
}
