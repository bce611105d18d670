//! Boxes (ISO 14496-12): the metadata of HEIF and AVIF (ISO 23008-12), Canon's
//! CR3, JPEG XL and the XMP of MP4.

use std::collections::BTreeMap;

use rushes_media::Limits;

use crate::gathered::{ExifBytes, ExifPart, Gathered};
use crate::problems::Problems;
use crate::source::Source;
use crate::tiff::Directory;

/// Boxes walked at one level.
const MOST_BOXES: usize = 10_000;
/// Items of a HEIF file; a large grid has a thousand.
const MOST_ITEMS: u64 = 50_000;
/// Pieces that one item may be made of.
const MOST_EXTENTS: u64 = 1_000;

const CANON: [u8; 16] = *b"\x85\xc0\xb6\x87\x82\x0f\x11\xe0\x81\x11\xf4\xce\x46\x2b\x6a\x48";
const XMP: [u8; 16] = *b"\xbe\x7a\xcf\xcb\x97\xa9\x42\xe8\x9c\x71\x99\x94\x91\xe3\xaf\xac";

/// A box: its kind and where its content is.
struct Found {
    kind: [u8; 4],
    /// Identifier of a `uuid` box.
    uuid: [u8; 16],
    start: u64,
    len_bytes: u64,
}

pub(crate) fn is_bmff(head: &[u8]) -> bool {
    matches!(head.get(4..8), Some(b"ftyp" | b"JXL " | b"moov" | b"wide" | b"mdat" | b"free"))
}

pub(crate) fn gather(
    source: &Source<'_>,
    limits: &Limits,
    gathered: &mut Gathered,
    problems: &mut Problems,
) {
    for found in boxes(source) {
        let body = source.part(found.start, found.len_bytes);
        match &found.kind {
            b"meta" => gather_items(source, &body, limits, gathered, problems),
            b"moov" => gather_movie(&body, limits, gathered),
            b"uuid" if found.uuid == XMP => gathered.xmp.push(body.take_up_to(0, limits.tag_bytes)),
            // JPEG XL (ISO 18181-2) keeps both at the top.
            b"xml " => gathered.xmp.push(body.take_up_to(0, limits.tag_bytes)),
            b"Exif" => add_exif_item(body.take_up_to(0, limits.tag_bytes), gathered, problems),
            _ => {}
        }
    }
}

fn boxes(source: &Source<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    let mut position = 0;
    while found.len() < MOST_BOXES {
        let (Some(stated), Some(kind)) = (source.u32_be(position), source.array(position + 4))
        else {
            break;
        };
        let mut head_bytes = 8;
        let total = match stated {
            0 => source.len_bytes() - position,
            1 => {
                head_bytes = 16;
                source.u64_be(position + 8).unwrap_or(0)
            }
            stated => u64::from(stated),
        };
        let mut uuid = [0; 16];
        if &kind == b"uuid" {
            uuid = source.array(position + head_bytes).unwrap_or_default();
            head_bytes += 16;
        }
        let Some(len_bytes) = total.checked_sub(head_bytes) else { break };
        found.push(Found { kind, uuid, start: position + head_bytes, len_bytes });
        match position.checked_add(total) {
            Some(next) if next < source.len_bytes() => position = next,
            _ => break,
        }
    }
    found
}

/// A movie's own metadata: Canon's for RAW pictures, and XMP.
fn gather_movie(movie: &Source<'_>, limits: &Limits, gathered: &mut Gathered) {
    for found in boxes(movie) {
        let body = movie.part(found.start, found.len_bytes);
        if &found.kind == b"uuid" && found.uuid == CANON {
            for part in boxes(&body) {
                let main = match &part.kind {
                    b"CMT1" => Directory::Main,
                    b"CMT2" => Directory::Exif,
                    b"CMT4" => Directory::Gps,
                    _ => continue,
                };
                let bytes = body.take_up_to(part.start, part.len_bytes.min(limits.tag_bytes));
                gathered.exif.push(ExifPart { bytes: ExifBytes::Memory(bytes), main });
            }
        } else if &found.kind == b"udta" {
            for part in boxes(&body).iter().filter(|part| &part.kind == b"XMP_") {
                let len_bytes = part.len_bytes.min(limits.tag_bytes);
                gathered.xmp.push(body.take_up_to(part.start, len_bytes));
            }
        }
    }
}

/// What an item is.
#[derive(Clone, Copy, PartialEq)]
enum Item {
    Exif,
    Xmp,
}

fn gather_items(
    file: &Source<'_>,
    meta: &Source<'_>,
    limits: &Limits,
    gathered: &mut Gathered,
    problems: &mut Problems,
) {
    // Four bytes of version and flags; QuickTime leaves them out.
    let skipped = if meta.array(4) == Some(*b"hdlr") { 0 } else { 4 };
    let meta = meta.part(skipped, u64::MAX);
    let all = boxes(&meta);
    let part = |kind: &[u8; 4]| {
        all.iter().find(|b| &b.kind == kind).map(|b| meta.part(b.start, b.len_bytes))
    };
    let items = part(b"iinf").map(|body| metadata_items(&body)).unwrap_or_default();
    if !items.is_empty()
        && let Some(locations) = part(b"iloc")
    {
        let inside = part(b"idat").unwrap_or_else(|| meta.part(0, 0));
        for (id, bytes) in read_items(&locations, file, &inside, &items, limits, problems) {
            match items.get(&id) {
                Some(Item::Exif) => add_exif_item(bytes, gathered, problems),
                Some(Item::Xmp) => gathered.xmp.push(bytes),
                None => {}
            }
        }
    }
    if let Some(properties) = part(b"iprp") {
        let primary = part(b"pitm").and_then(|body| match body.u8(0)? {
            0 => body.u16_be(4).map(u32::from),
            _ => body.u32_be(4),
        });
        gathered.icc = color_profile(&properties, primary, limits);
    }
}

/// An Exif item begins with the distance to its TIFF header.
fn add_exif_item(mut bytes: Vec<u8>, gathered: &mut Gathered, problems: &mut Problems) {
    let Some(distance) = bytes.first_chunk().copied().map(u32::from_be_bytes) else { return };
    let start = (distance as usize).saturating_add(4);
    if start >= bytes.len() {
        problems.note("EXIF item says that it begins after its end");
        return;
    }
    bytes.drain(..start);
    gathered.add_exif(bytes);
}

/// Identifiers of the items that hold EXIF or XMP.
fn metadata_items(iinf: &Source<'_>) -> BTreeMap<u32, Item> {
    let count_bytes = if iinf.u8(0) == Some(0) { 2 } else { 4 };
    let entries = iinf.part(4 + count_bytes, u64::MAX);
    let mut items = BTreeMap::new();
    for found in boxes(&entries).iter().filter(|found| &found.kind == b"infe") {
        let entry = entries.part(found.start, found.len_bytes);
        let (id, kind_at) = match entry.u8(0) {
            Some(2) => (entry.u16_be(4).map(u32::from), 8),
            Some(3) => (entry.u32_be(4), 10),
            _ => continue,
        };
        let (Some(id), Some(kind)) = (id, entry.array(kind_at)) else { continue };
        match &kind {
            b"Exif" => {
                items.insert(id, Item::Exif);
            }
            b"mime" => {
                // The item's name, then its content type, each ended by NUL.
                let names = entry.take_up_to(kind_at + 4, 1024);
                let content_type = names.split(|&byte| byte == 0).nth(1);
                if content_type == Some(b"application/rdf+xml") {
                    items.insert(id, Item::Xmp);
                }
            }
            _ => {}
        }
    }
    items
}

/// Reads numbers of stated widths, one after the other.
struct Fields<'s, 'a> {
    source: &'s Source<'a>,
    position: u64,
}

impl Fields<'_, '_> {
    fn next(&mut self, width_bytes: u8) -> Option<u64> {
        let at = self.position;
        self.position += u64::from(width_bytes);
        match width_bytes {
            0 => Some(0),
            1 => self.source.u8(at).map(u64::from),
            2 => self.source.u16_be(at).map(u64::from),
            4 => self.source.u32_be(at).map(u64::from),
            8 => self.source.u64_be(at),
            _ => None,
        }
    }
}

/// The bytes of the wanted items, by the item location box.
fn read_items(
    iloc: &Source<'_>,
    file: &Source<'_>,
    inside: &Source<'_>,
    wanted: &BTreeMap<u32, Item>,
    limits: &Limits,
    problems: &mut Problems,
) -> Vec<(u32, Vec<u8>)> {
    let mut read = Vec::new();
    let mut walk = || -> Option<()> {
        let version = iloc.u8(0)?;
        let [offset_and_length, base_and_index] = iloc.array(4)?;
        let (offset, length) = (offset_and_length >> 4, offset_and_length & 15);
        let (base, index) = (base_and_index >> 4, base_and_index & 15);
        let wide = if version < 2 { 2 } else { 4 };
        let mut fields = Fields { source: iloc, position: 6 };
        let count = fields.next(wide)?;
        for _ in 0..count.min(MOST_ITEMS) {
            let id = u32::try_from(fields.next(wide)?).ok()?;
            let method = if version == 0 { 0 } else { fields.next(2)? & 15 };
            fields.next(2)?;
            let start = fields.next(base)?;
            let extents = fields.next(2)?;
            let is_wanted = wanted.contains_key(&id) && extents <= MOST_EXTENTS;
            let mut bytes = Vec::new();
            for _ in 0..extents {
                if version > 0 {
                    fields.next(index)?;
                }
                let at = start.saturating_add(fields.next(offset)?);
                let len = fields.next(length)?;
                let holder = match method {
                    0 => file,
                    1 => inside,
                    _ => continue,
                };
                let len = if len == 0 { holder.len_bytes().saturating_sub(at) } else { len };
                let total = (bytes.len() as u64).saturating_add(len);
                if is_wanted && total <= limits.tag_bytes {
                    bytes.extend(holder.take_up_to(at, len));
                } else if is_wanted {
                    problems.note(format!(
                        "HEIF has metadata over the limit of {} bytes",
                        limits.tag_bytes
                    ));
                }
            }
            if !bytes.is_empty() {
                read.push((id, bytes));
            }
        }
        Some(())
    };
    if walk().is_none() {
        problems.note("HEIF ends within the table of its items");
    }
    read
}

/// The ICC profile of the primary item, else the only one there is.
fn color_profile(iprp: &Source<'_>, primary: Option<u32>, limits: &Limits) -> Option<Vec<u8>> {
    let all = boxes(iprp);
    let container = all.iter().find(|found| &found.kind == b"ipco")?;
    let container = iprp.part(container.start, container.len_bytes);
    let properties = boxes(&container);
    let profile = |found: &Found| {
        let body = container.part(found.start, found.len_bytes);
        let is_profile = &found.kind == b"colr" && matches!(&body.array(0)?, b"prof" | b"rICC");
        is_profile.then(|| body.take_up_to(4, limits.tag_bytes))
    };
    let association = all.iter().find(|found| &found.kind == b"ipma");
    let association = association.map(|found| iprp.part(found.start, found.len_bytes));
    let of_primary = association.zip(primary).and_then(|(association, primary)| {
        let numbers = properties_of(&association, primary)?;
        numbers.iter().filter_map(|&n| profile(properties.get(n.checked_sub(1)?)?)).next()
    });
    of_primary.or_else(|| {
        let mut profiles = properties.iter().filter(|found| &found.kind == b"colr");
        profiles.next().filter(|_| profiles.next().is_none()).and_then(profile)
    })
}

/// Numbers, from 1, of the properties that an item has.
fn properties_of(ipma: &Source<'_>, item: u32) -> Option<Vec<usize>> {
    let [version, _, _, flags] = ipma.array(0)?;
    let mut fields = Fields { source: ipma, position: 4 };
    let count = fields.next(4)?;
    for _ in 0..count.min(MOST_ITEMS) {
        let id = fields.next(if version == 0 { 2 } else { 4 })?;
        let associations = fields.next(1)?;
        let mut numbers = Vec::new();
        for _ in 0..associations {
            // The top bit says whether the property is essential.
            let number =
                if flags & 1 == 0 { fields.next(1)? & 0x7f } else { fields.next(2)? & 0x7fff };
            numbers.push(number as usize);
        }
        if id == u64::from(item) {
            return Some(numbers);
        }
    }
    None
}
