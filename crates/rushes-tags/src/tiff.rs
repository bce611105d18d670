//! The TIFF structure (TIFF 6.0, section 2; BigTIFF) that EXIF and most RAW
//! formats are made of, walked in place without reading what is not asked for.

use std::collections::BTreeSet;

use rushes_media::Limits;

use crate::problems::Problems;
use crate::source::Source;
use crate::text;

/// Entries over all directories; a real file has hundreds.
const MOST_ENTRIES: usize = 20_000;

/// Directories that one tag may point at.
const MOST_CHILDREN: u64 = 16;

/// What a directory's tags mean; the same number differs between them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Directory {
    /// The first directory: the picture and who made it.
    Main,
    /// A directory below the first (TIFF technical note 1): in RAWs often the
    /// picture itself, of which the first one is a thumbnail.
    Sub,
    /// The EXIF directory.
    Exif,
    /// The GPS directory.
    Gps,
    /// The interoperability directory.
    Interop,
    /// A maker's own directory.
    Maker,
}

/// One tag: where its value is, not yet read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    pub directory: Directory,
    pub tag: u16,
    /// Type of the values, TIFF's number.
    pub kind: u16,
    /// How many values.
    pub count: u64,
    /// Where the values start in the structure.
    pub position: u64,
}

impl Entry {
    /// Bytes of all its values.
    pub(crate) fn len_bytes(&self) -> u64 {
        self.count.saturating_mul(unit_bytes(self.kind))
    }
}

/// A walked structure.
pub(crate) struct Tiff<'a> {
    source: Source<'a>,
    big_endian: bool,
    entries: Vec<Entry>,
    tag_bytes: u64,
}

/// Sizes of fields in classic TIFF and in BigTIFF.
#[derive(Clone, Copy, PartialEq)]
enum Layout {
    Classic,
    Big,
}

/// Bytes of one value of this type; 0 when the type is not known.
fn unit_bytes(kind: u16) -> u64 {
    match kind {
        1 | 2 | 6 | 7 | 129 => 1,
        3 | 8 => 2,
        4 | 9 | 11 | 13 => 4,
        5 | 10 | 12 | 16..=18 => 8,
        _ => 0,
    }
}

impl<'a> Tiff<'a> {
    /// Walks the structure at the start of `source`. Its first directory has
    /// the tags of `main`. `None` when it does not begin as one.
    pub(crate) fn open(
        source: Source<'a>,
        main: Directory,
        limits: &Limits,
        problems: &mut Problems,
    ) -> Option<Tiff<'a>> {
        let head: [u8; 8] = source.array(0)?;
        let big_endian = match head {
            [b'M', b'M', ..] => true,
            [b'I', b'I', ..] => false,
            _ => return None,
        };
        let mut tiff =
            Tiff { source, big_endian, entries: Vec::new(), tag_bytes: limits.tag_bytes };
        // 0x4f52 and 0x5352 are Olympus', 0x55 is Panasonic's.
        let (layout, first) = match tiff.u16(2)? {
            0x2a | 0x4f52 | 0x5352 | 0x55 => (Layout::Classic, u64::from(tiff.u32(4)?)),
            0x2b => (Layout::Big, tiff.u64(8)?),
            _ => return None,
        };
        tiff.walk(layout, first, main, limits, problems);
        Some(tiff)
    }

    /// Walks one directory at `first` that has no header before it, as in a
    /// maker's note.
    pub(crate) fn open_directory(
        source: Source<'a>,
        big_endian: bool,
        first: u64,
        limits: &Limits,
        problems: &mut Problems,
    ) -> Tiff<'a> {
        let mut tiff =
            Tiff { source, big_endian, entries: Vec::new(), tag_bytes: limits.tag_bytes };
        tiff.walk(Layout::Classic, first, Directory::Maker, limits, problems);
        tiff
    }

    fn walk(
        &mut self,
        layout: Layout,
        first: u64,
        main: Directory,
        limits: &Limits,
        problems: &mut Problems,
    ) {
        let mut visited = BTreeSet::new();
        let mut waiting = vec![(first, main)];
        while let Some((position, directory)) = waiting.pop() {
            if visited.len() >= limits.directories as usize {
                problems.note(format!("EXIF has more than {} directories", limits.directories));
                return;
            }
            if !visited.insert(position) {
                problems.note("EXIF has a directory that points back to another");
                continue;
            }
            self.walk_directory(layout, position, directory, &mut waiting, problems);
        }
    }

    fn walk_directory(
        &mut self,
        layout: Layout,
        position: u64,
        directory: Directory,
        waiting: &mut Vec<(u64, Directory)>,
        problems: &mut Problems,
    ) {
        let (count, header_bytes, entry_bytes) = match layout {
            Layout::Classic => (self.u16(position).map(u64::from), 2, 12),
            Layout::Big => (self.u64(position), 8, 20),
        };
        let Some(count) = count else {
            problems.note(format!("EXIF points to a directory at byte {position}, past its end"));
            return;
        };
        for number in 0..count {
            if self.entries.len() >= MOST_ENTRIES {
                problems.note(format!("EXIF has more than {MOST_ENTRIES} tags"));
                return;
            }
            let at = position.saturating_add(header_bytes + number.saturating_mul(entry_bytes));
            let Some(entry) = self.entry(layout, at, directory) else {
                problems.note(format!("EXIF ends after {number} of {count} tags of a directory"));
                return;
            };
            let end = entry.position.saturating_add(entry.len_bytes());
            if end > self.source.len_bytes() && directory == Directory::Sub {
                continue;
            }
            if end > self.source.len_bytes() {
                problems.note(format!("EXIF tag {:#06x} points past its end", entry.tag));
                continue;
            }
            let child = match (directory, entry.tag) {
                (Directory::Main | Directory::Sub, 0x8769) => Directory::Exif,
                (Directory::Main | Directory::Sub, 0x8825) => Directory::Gps,
                (Directory::Main, 0x014a) => {
                    // Last in the queue: what the first directory points at rules.
                    let children = (0..entry.count.min(MOST_CHILDREN)).rev();
                    let starts = children.filter_map(|number| self.start(&entry, number));
                    waiting.splice(0..0, starts.map(|start| (start, Directory::Sub)));
                    continue;
                }
                (Directory::Exif, 0xa005) => Directory::Interop,
                _ => {
                    self.entries.push(entry);
                    continue;
                }
            };
            match self.number(&entry) {
                Some(0) | None => {}
                Some(start) => waiting.push((start, child)),
            }
        }
    }

    /// Where the directory of this number starts that the tag points at.
    fn start(&self, entry: &Entry, number: u64) -> Option<u64> {
        let position = entry.position.checked_add(number.checked_mul(unit_bytes(entry.kind))?)?;
        self.number(&Entry { count: 1, position, ..*entry }).filter(|&start| start > 0)
    }

    fn entry(&self, layout: Layout, at: u64, directory: Directory) -> Option<Entry> {
        let (tag, kind) = (self.u16(at)?, self.u16(at.checked_add(2)?)?);
        let (count, value_at, inline_bytes) = match layout {
            Layout::Classic => (u64::from(self.u32(at.checked_add(4)?)?), at.checked_add(8)?, 4),
            Layout::Big => (self.u64(at.checked_add(4)?)?, at.checked_add(12)?, 8),
        };
        let mut entry = Entry { directory, tag, kind, count, position: value_at };
        // The field that holds a short value or a position is always there.
        let held = match layout {
            Layout::Classic => u64::from(self.u32(value_at)?),
            Layout::Big => self.u64(value_at)?,
        };
        if entry.len_bytes() > inline_bytes {
            entry.position = held;
        }
        Some(entry)
    }

    /// The directory at this position, as a maker's note has it: in the same
    /// byte order, its positions counted from the same start.
    pub(crate) fn directory_at(&self, position: u64, limits: &Limits) -> Option<Tiff<'a>> {
        // A maker's note that was moved or cut is common and harms nothing else.
        let mut ignored = Problems::default();
        let whole = self.source.part(0, u64::MAX);
        let found = Tiff::open_directory(whole, self.big_endian, position, limits, &mut ignored);
        (!found.entries.is_empty()).then_some(found)
    }

    /// Every tag in order, pointers to directories left out.
    pub(crate) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The first tag of this number.
    pub(crate) fn find(&self, directory: Directory, tag: u16) -> Option<Entry> {
        self.entries.iter().find(|e| e.directory == directory && e.tag == tag).copied()
    }

    /// The bytes of a tag's values, when they are within the limit for a tag.
    pub(crate) fn bytes(&self, entry: &Entry, problems: &mut Problems) -> Option<Vec<u8>> {
        let len_bytes = entry.len_bytes();
        if len_bytes > self.tag_bytes {
            problems.note(format!(
                "EXIF tag {:#06x} has {len_bytes} bytes, over the limit of {}",
                entry.tag, self.tag_bytes
            ));
            return None;
        }
        self.source.take(entry.position, len_bytes)
    }

    /// The part of the source that holds a tag's values.
    pub(crate) fn part(&self, entry: &Entry) -> Source<'a> {
        self.source.part(entry.position, entry.len_bytes())
    }

    pub(crate) fn is_big_endian(&self) -> bool {
        self.big_endian
    }

    /// A tag's values as text.
    pub(crate) fn text(&self, directory: Directory, tag: u16) -> Option<String> {
        let entry = self.find(directory, tag)?;
        if !matches!(entry.kind, 1 | 2 | 7 | 129) {
            return None;
        }
        let len_bytes = entry.len_bytes().min(text::TEXT_BYTES as u64);
        text::decode(&self.source.take(entry.position, len_bytes)?)
    }

    /// A tag's first value as a whole number that is not negative.
    pub(crate) fn number(&self, entry: &Entry) -> Option<u64> {
        if entry.count == 0 {
            return None;
        }
        match entry.kind {
            1 | 7 => self.source.u8(entry.position).map(u64::from),
            3 => self.u16(entry.position).map(u64::from),
            4 | 13 => self.u32(entry.position).map(u64::from),
            8 => u64::try_from(self.u16(entry.position)?.cast_signed()).ok(),
            9 => u64::try_from(self.u32(entry.position)?.cast_signed()).ok(),
            16 | 18 => self.u64(entry.position),
            _ => None,
        }
    }

    /// A tag's first few values as fractions, not reduced.
    pub(crate) fn fractions(&self, directory: Directory, tag: u16) -> Option<Vec<(i64, i64)>> {
        let entry = self.find(directory, tag)?;
        let mut fractions = Vec::new();
        for number in 0..entry.count.min(4) {
            let at = entry.position.checked_add(number * 8)?;
            let pair = (self.u32(at)?, self.u32(at.checked_add(4)?)?);
            fractions.push(match entry.kind {
                5 => (i64::from(pair.0), i64::from(pair.1)),
                10 => (i64::from(pair.0.cast_signed()), i64::from(pair.1.cast_signed())),
                _ => return None,
            });
        }
        Some(fractions)
    }

    /// A tag's values as the `exif` crate has them, for showing.
    pub(crate) fn value(&self, entry: &Entry) -> Option<exif::Value> {
        let bytes = self.source.take(entry.position, entry.len_bytes())?;
        let (two, four, eight) =
            (bytes.as_chunks::<2>().0, bytes.as_chunks::<4>().0, bytes.as_chunks::<8>().0);
        let u16_of = |b: &[u8; 2]| {
            if self.big_endian { u16::from_be_bytes(*b) } else { u16::from_le_bytes(*b) }
        };
        let u32_of = |b: &[u8; 4]| {
            if self.big_endian { u32::from_be_bytes(*b) } else { u32::from_le_bytes(*b) }
        };
        let u64_of = |b: &[u8; 8]| {
            if self.big_endian { u64::from_be_bytes(*b) } else { u64::from_le_bytes(*b) }
        };
        let pair_of = |b: &[u8; 8]| {
            let (high, low) = ((u64_of(b) >> 32) as u32, u64_of(b) as u32);
            if self.big_endian { (high, low) } else { (low, high) }
        };
        use exif::Value;
        Some(match entry.kind {
            1 => Value::Byte(bytes),
            2 | 129 => Value::Ascii(
                bytes.split(|&b| b == 0).filter(|s| !s.is_empty()).map(<[u8]>::to_vec).collect(),
            ),
            3 => Value::Short(two.iter().map(u16_of).collect()),
            4 | 13 => Value::Long(four.iter().map(u32_of).collect()),
            5 => Value::Rational(eight.iter().map(|b| pair_of(b).into()).collect()),
            6 => Value::SByte(bytes.iter().map(|b| b.cast_signed()).collect()),
            7 => Value::Undefined(bytes, 0),
            8 => Value::SShort(two.iter().map(|b| u16_of(b).cast_signed()).collect()),
            9 => Value::SLong(four.iter().map(|b| u32_of(b).cast_signed()).collect()),
            10 => Value::SRational(
                eight
                    .iter()
                    .map(|b| {
                        let (num, denom) = pair_of(b);
                        (num.cast_signed(), denom.cast_signed()).into()
                    })
                    .collect(),
            ),
            11 => Value::Float(four.iter().map(|b| f32::from_bits(u32_of(b))).collect()),
            12 => Value::Double(eight.iter().map(|b| f64::from_bits(u64_of(b))).collect()),
            _ => return None,
        })
    }

    fn u16(&self, at: u64) -> Option<u16> {
        let bytes = self.source.array(at)?;
        Some(if self.big_endian { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) })
    }

    fn u32(&self, at: u64) -> Option<u32> {
        let bytes = self.source.array(at)?;
        Some(if self.big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) })
    }

    fn u64(&self, at: u64) -> Option<u64> {
        let bytes = self.source.array(at)?;
        Some(if self.big_endian { u64::from_be_bytes(bytes) } else { u64::from_le_bytes(bytes) })
    }
}
