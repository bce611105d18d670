//! The blocks of metadata that go along when a still becomes another file.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io::{self, Cursor};

use exif::experimental::Writer;
use exif::{Context, Field, In, Tag, Value};
use rushes_media::{Block, Blocks, Error, Limits, Result, is_of_the_picture};

use crate::gathered::{ExifBytes, ExifPart, Gathered};
use crate::jpeg;
use crate::problems::Problems;
use crate::read::{gather, gather_inside, gather_preview};
use crate::source::{Budget, Source};
use crate::tiff::{Directory, Tiff};

const WHAT: &str = "reading the metadata";
const MAKER_NOTE: u16 = 0x927c;

/// What a still carries.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Carried {
    /// The blocks, verbatim wherever they are blocks in the file too.
    pub blocks: Blocks,
    /// What is in the file and in no block, in words.
    pub left_out: Vec<&'static str>,
}

/// The metadata of a still as blocks of bytes, by the file's content, which is
/// read as by [`crate::read_at`].
///
/// EXIF of JPEG, PNG, WebP, HEIF, AVIF, JPEG XL and PSD is that of the file,
/// byte for byte. TIFF, and the camera RAWs that are TIFF inside, have it among
/// the picture's own tags: of those a block is made, without the maker's note,
/// whose inner positions hold only where it lies.
///
/// # Errors
/// When the file cannot be read at all. What is broken or over `limits` is not
/// in the blocks.
pub fn carried(
    read: &dyn Fn(&mut [u8], u64) -> io::Result<usize>,
    len_bytes: u64,
    limits: &Limits,
) -> Result<Carried> {
    let failed = |error| Error::io(WHAT, &error);
    let budget = Budget::new(limits.tag_bytes.saturating_mul(4));
    let page = RefCell::default();
    let source = Source::of_file(read, len_bytes, &page, &budget);
    let head = source.take_up_to(0, 16);
    if let Some(error) = budget.take_failure() {
        return Err(failed(error));
    }
    let (mut gathered, mut problems) = (Gathered::default(), Problems::default());
    gather(&source, &head, "", limits, &mut gathered, &mut problems);
    let mut found = Carried::default();
    let exif = exif_block(&source, limits, &mut gathered, &mut found);
    let mut packets = gathered.xmp.into_iter().filter(|packet| !is_of_a_gain_map(packet));
    let blocks = &mut found.blocks;
    *blocks.place(Block::Exif) = exif;
    *blocks.place(Block::Xmp) = packets.next();
    *blocks.place(Block::ExtendedXmp) = packets.next().filter(|_| jpeg::is_jpeg(&head));
    *blocks.place(Block::Iptc) = gathered.iptc.into_iter().next();
    *blocks.place(Block::Icc) = gathered.icc;
    for block in Block::ALL {
        blocks.place(block).take_if(|bytes| bytes.is_empty());
    }
    if !gathered.texts.iter().all(|(name, _)| name == "ICC profile") {
        found.left_out.push("texts of PNG");
    }
    Ok(found)
}

/// A packet of HEIF may tell of the gain map beside the picture alone.
fn is_of_a_gain_map(packet: &[u8]) -> bool {
    let name = b"http://ns.apple.com/HDRGainMap/";
    packet.windows(name.len()).any(|window| window == name)
}

/// The block of the file, else one made of what its directories hold.
fn exif_block(
    file: &Source<'_>,
    limits: &Limits,
    gathered: &mut Gathered,
    found: &mut Carried,
) -> Option<Vec<u8>> {
    let mut problems = Problems::default();
    let mut waiting: VecDeque<ExifPart> = std::mem::take(&mut gathered.exif).into();
    let mut fields = Vec::new();
    let mut has_maker_note = false;
    while let Some(part) = waiting.pop_front() {
        let source = match &part.bytes {
            ExifBytes::Memory(bytes) => Source::of_memory(bytes, file.budget()),
            ExifBytes::File(start) => file.part(*start, u64::MAX),
        };
        let Some(tiff) = Tiff::open(source, part.main, limits, &mut problems) else { continue };
        if matches!(part.bytes, ExifBytes::File(_)) {
            gather_inside(&tiff, limits, gathered, &mut problems);
            gather_preview(&tiff, limits, gathered, &mut problems);
            waiting.extend(gathered.exif.drain(..));
        }
        has_maker_note |= tiff.find(Directory::Exif, MAKER_NOTE).is_some();
        add_fields(&tiff, &mut fields);
        // Canon's CR3 spreads its directories over several.
        let is_whole = part.main == Directory::Main
            && waiting.iter().all(|other| other.main == Directory::Main);
        if let ExifBytes::Memory(bytes) = part.bytes
            && is_whole
        {
            return Some(bytes);
        }
    }
    if has_maker_note {
        found.left_out.push("the maker's note");
    }
    let mut writer = Writer::new();
    for field in &fields {
        writer.push_field(field);
    }
    let mut block = Cursor::new(Vec::new());
    let written = !fields.is_empty() && writer.write(&mut block, true).is_ok();
    written.then(|| block.into_inner())
}

/// The tags that tell of the picture; the first of a number counts.
fn add_fields(tiff: &Tiff<'_>, fields: &mut Vec<Field>) {
    for entry in tiff.entries() {
        let context = match entry.directory {
            Directory::Main if is_of_the_picture(entry.tag) => Context::Tiff,
            Directory::Exif if entry.tag != MAKER_NOTE => Context::Exif,
            Directory::Gps => Context::Gps,
            Directory::Interop => Context::Interop,
            _ => continue,
        };
        let tag = Tag(context, entry.tag);
        let is_empty = |value: &Value| matches!(value, Value::Ascii(texts) if texts.is_empty());
        let value = tiff.value(entry).filter(|value| entry.count > 0 && !is_empty(value));
        if let Some(value) = value
            && !fields.iter().any(|field| field.tag == tag)
        {
            fields.push(Field { tag, ifd_num: In::PRIMARY, value });
        }
    }
}
