//! Metadata of TIFF (TIFF 6.0; XMP specification part 3, section 1.1.6): tags
//! of the picture's own directory, which is written again at the file's end.

use rushes_media::{Block, Blocks, Result, is_of_the_picture};

const EXIF: u16 = 0x8769;
const GPS: u16 = 0x8825;
const INTEROPERABILITY: u16 = 0xa005;
const MAKER_NOTE: u16 = 0x927c;

const BYTE: u16 = 1;
const LONG: u16 = 4;
const UNDEFINED: u16 = 7;

/// One tag, its values in the byte order of the structure that it is from.
struct Entry {
    tag: u16,
    kind: u16,
    count: u32,
    values: Vec<u8>,
}

/// Whether EXIF has a note of the camera's maker, whose inner positions hold
/// only where it lies.
pub(in super::super) fn has_maker_note(exif: &[u8]) -> bool {
    let found = || {
        let structure = Structure::of(exif)?;
        let below = structure.below(&structure.first()?, EXIF)?;
        Some(below.iter().any(|entry| entry.tag == MAKER_NOTE))
    };
    found().unwrap_or(false)
}

/// `None` when the file does not begin as TIFF does.
pub(super) fn embed(mut file: Vec<u8>, blocks: &Blocks) -> Result<Option<Vec<u8>>> {
    let Some((mut tags, is_big)) =
        Structure::of(&file).and_then(|it| Some((it.first()?, it.is_big)))
    else {
        return Ok(None);
    };
    let mut put = |entry: Entry| {
        tags.retain(|known| known.tag != entry.tag);
        tags.push(entry);
    };
    if let Some(exif) = blocks.get(Block::Exif).and_then(Structure::of) {
        let main = exif.first().unwrap_or_default();
        let below = exif.below(&main, EXIF).unwrap_or_default();
        let rules = exif.below(&below, INTEROPERABILITY).unwrap_or_default();
        let places = exif.below(&main, GPS).unwrap_or_default();
        let turned = |entries: Vec<Entry>| -> Vec<Entry> {
            entries.into_iter().filter_map(|it| it.in_order(exif.is_big, is_big)).collect()
        };
        let mut below = turned(below);
        below.retain(|entry| !matches!(entry.tag, MAKER_NOTE | INTEROPERABILITY));
        let rules = turned(rules);
        if !rules.is_empty() {
            let at = append(&mut file, rules, is_big)?;
            below.push(Entry::position(INTEROPERABILITY, at, is_big));
        }
        for (tag, entries) in [(EXIF, below), (GPS, turned(places))] {
            if !entries.is_empty() {
                let at = append(&mut file, entries, is_big)?;
                put(Entry::position(tag, at, is_big));
            }
        }
        for entry in turned(main).into_iter().filter(|entry| is_of_the_picture(entry.tag)) {
            put(entry);
        }
    }
    let kinds = [
        (Block::Xmp, 0x02bc, BYTE),
        (Block::Iptc, 0x83bb, UNDEFINED),
        (Block::Icc, 0x8773, UNDEFINED),
    ];
    for (block, tag, kind) in kinds {
        if let Some(bytes) = blocks.get(block) {
            let count = u32::try_from(bytes.len()).map_err(|_| super::too_large())?;
            put(Entry { tag, kind, count, values: bytes.to_vec() });
        }
    }
    let first = append(&mut file, tags, is_big)?;
    if let Some(place) = file.get_mut(4..8) {
        place.copy_from_slice(&long(first, is_big));
    }
    Ok(Some(file))
}

/// The directory at the file's end, behind the values that it points at.
fn append(file: &mut Vec<u8>, mut entries: Vec<Entry>, is_big: bool) -> Result<u32> {
    entries.sort_by_key(|entry| entry.tag);
    entries.dedup_by_key(|entry| entry.tag);
    let mut directory = Vec::new();
    let count = u16::try_from(entries.len()).map_err(|_| super::too_large())?;
    directory.extend(short(count, is_big));
    for entry in entries {
        directory.extend(short(entry.tag, is_big));
        directory.extend(short(entry.kind, is_big));
        directory.extend(long(entry.count, is_big));
        if entry.values.len() <= 4 {
            let mut held = entry.values;
            held.resize(4, 0);
            directory.extend(held);
        } else {
            directory.extend(long(end(file)?, is_big));
            file.extend(entry.values);
        }
    }
    // No other directory follows.
    directory.extend([0; 4]);
    let at = end(file)?;
    file.extend(directory);
    Ok(at)
}

/// Where the next thing goes: at an even place (TIFF 6.0, section 2).
fn end(file: &mut Vec<u8>) -> Result<u32> {
    if file.len() % 2 == 1 {
        file.push(0);
    }
    u32::try_from(file.len()).map_err(|_| super::too_large())
}

fn short(number: u16, is_big: bool) -> [u8; 2] {
    if is_big { number.to_be_bytes() } else { number.to_le_bytes() }
}

fn long(number: u32, is_big: bool) -> [u8; 4] {
    if is_big { number.to_be_bytes() } else { number.to_le_bytes() }
}

impl Entry {
    /// A tag that points at a directory.
    fn position(tag: u16, at: u32, is_big: bool) -> Entry {
        Entry { tag, kind: LONG, count: 1, values: long(at, is_big).to_vec() }
    }

    /// The same values in another byte order; `None` for values that are not known.
    fn in_order(mut self, from_big: bool, to_big: bool) -> Option<Entry> {
        let (_, number_bytes) = sizes(self.kind)?;
        if from_big != to_big {
            for number in self.values.chunks_exact_mut(number_bytes) {
                number.reverse();
            }
        }
        Some(self)
    }
}

/// Bytes of one value of this type, and of the numbers that it is made of.
fn sizes(kind: u16) -> Option<(usize, usize)> {
    match kind {
        1 | 2 | 6 | 7 | 129 => Some((1, 1)),
        3 | 8 => Some((2, 2)),
        4 | 9 | 11 | 13 => Some((4, 4)),
        5 | 10 => Some((8, 4)),
        12 => Some((8, 8)),
        _ => None,
    }
}

/// A classic TIFF structure in memory.
struct Structure<'a> {
    bytes: &'a [u8],
    is_big: bool,
}

impl Structure<'_> {
    fn of(bytes: &[u8]) -> Option<Structure<'_>> {
        let is_big = match bytes.first_chunk::<4>()? {
            b"II\x2a\0" => false,
            b"MM\0\x2a" => true,
            _ => return None,
        };
        Some(Structure { bytes, is_big })
    }

    fn first(&self) -> Option<Vec<Entry>> {
        self.directory(self.long(4)?)
    }

    /// The directory that a tag points at.
    fn below(&self, entries: &[Entry], tag: u16) -> Option<Vec<Entry>> {
        let entry = entries.iter().find(|entry| entry.tag == tag)?;
        let four = *entry.values.first_chunk::<4>()?;
        let at = if self.is_big { u32::from_be_bytes(four) } else { u32::from_le_bytes(four) };
        self.directory(at)
    }

    fn directory(&self, at: u32) -> Option<Vec<Entry>> {
        let at = usize::try_from(at).ok()?;
        let count = usize::from(self.short(at)?);
        let places = (0..count).map(|number| at + 2 + number * 12);
        // Values that lie over each other make no more of them than there is.
        let mut left_bytes = self.bytes.len();
        let mut fits = |entry: &Entry| {
            let left = left_bytes.checked_sub(entry.values.len());
            left_bytes = left.unwrap_or(left_bytes);
            left.is_some()
        };
        Some(places.filter_map(|place| self.entry(place)).filter(|it| fits(it)).collect())
    }

    fn entry(&self, at: usize) -> Option<Entry> {
        let (tag, kind, count) = (self.short(at)?, self.short(at + 2)?, self.long(at + 4)?);
        let (value_bytes, _) = sizes(kind)?;
        let len = usize::try_from(count).ok()?.checked_mul(value_bytes)?;
        let start = if len <= 4 { at + 8 } else { usize::try_from(self.long(at + 8)?).ok()? };
        let values = self.bytes.get(start..start.checked_add(len)?)?.to_vec();
        Some(Entry { tag, kind, count, values })
    }

    fn short(&self, at: usize) -> Option<u16> {
        let two = *self.bytes.get(at..)?.first_chunk::<2>()?;
        Some(if self.is_big { u16::from_be_bytes(two) } else { u16::from_le_bytes(two) })
    }

    fn long(&self, at: usize) -> Option<u32> {
        let four = *self.bytes.get(at..)?.first_chunk::<4>()?;
        Some(if self.is_big { u32::from_be_bytes(four) } else { u32::from_le_bytes(four) })
    }
}
