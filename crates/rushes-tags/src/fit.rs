//! Blocks made true for a picture that was set upright or changed.

use rushes_media::{Block, Blocks, Limits};

use crate::problems::Problems;
use crate::source::{Budget, Source};
use crate::tiff::{Directory, Entry, Tiff};

/// Bytes that may pad a block behind its thumbnail.
const PADDING: usize = 16;

/// What became of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Changed {
    /// Its width and height now.
    pub size_px: (u32, u32),
    /// Whether its numbers were made sRGB.
    pub is_srgb: bool,
}

/// Makes the blocks true for a picture that is upright: the orientation of EXIF
/// and XMP is 1, EXIF's sizes are those that it has now, its colour space is
/// sRGB where the numbers were made that, and its thumbnail, which shows what
/// was, is gone. Nothing else is touched: every tag stays where it is.
pub fn fit(blocks: &mut Blocks, changed: &Changed) {
    if let Some(exif) = blocks.place(Block::Exif) {
        fit_exif(exif, changed);
    }
    if let Some(packet) = blocks.place(Block::Xmp) {
        fit_xmp(packet);
    }
}

fn fit_exif(exif: &mut Vec<u8>, changed: &Changed) {
    let (width_px, height_px) = changed.size_px;
    let mut patches: Vec<(Entry, Patch)> = Vec::new();
    let budget = Budget::new(u64::MAX);
    let mut ignored = Problems::default();
    let limits = Limits::default();
    let source = Source::of_memory(exif, &budget);
    let Some(tiff) = Tiff::open(source, Directory::Main, &limits, &mut ignored) else { return };
    let mut numbers = vec![
        (Directory::Main, 0x0112, 1),
        (Directory::Main, 0x0100, width_px),
        (Directory::Main, 0x0101, height_px),
        (Directory::Exif, 0xa002, width_px),
        (Directory::Exif, 0xa003, height_px),
    ];
    if changed.is_srgb {
        numbers.push((Directory::Exif, 0xa001, 1));
        let rules = tiff.find(Directory::Interop, 1).filter(|it| (it.kind, it.count) == (2, 4));
        patches.extend(rules.map(|rules| (rules, Patch::Text(*b"R98\0"))));
    }
    for (directory, tag, number) in numbers {
        let found = tiff.find(directory, tag).filter(|it| it.count == 1);
        patches.extend(found.map(|found| (found, Patch::Number(number))));
    }
    let is_big = tiff.is_big_endian();
    let kept: Vec<(usize, usize)> = tiff.entries().iter().filter_map(span).collect();
    for (entry, patch) in patches {
        patch.write(exif, entry, is_big);
    }
    drop_thumbnail(exif, is_big, &kept);
}

/// Where a tag's values are.
fn span(entry: &Entry) -> Option<(usize, usize)> {
    let start = usize::try_from(entry.position).ok()?;
    Some((start, start.checked_add(usize::try_from(entry.len_bytes()).ok()?)?))
}

enum Patch {
    Number(u32),
    Text([u8; 4]),
}

impl Patch {
    fn write(&self, exif: &mut [u8], entry: Entry, is_big: bool) {
        let (four, len) = match (self, entry.kind) {
            (Patch::Text(text), _) => (*text, 4),
            (Patch::Number(number), 3) => {
                let Ok(number) = u16::try_from(*number) else { return };
                let [a, b] = if is_big { number.to_be_bytes() } else { number.to_le_bytes() };
                ([a, b, 0, 0], 2)
            }
            (Patch::Number(number), 4) => {
                (if is_big { number.to_be_bytes() } else { number.to_le_bytes() }, 4)
            }
            _ => return,
        };
        let bytes = four.get(..len).unwrap_or_default();
        let place = usize::try_from(entry.position)
            .ok()
            .and_then(|start| exif.get_mut(start..start.checked_add(bytes.len())?));
        if let Some(place) = place {
            place.copy_from_slice(bytes);
        }
    }
}

/// Cuts the chain of directories after the first, and blanks the picture that
/// the second points at. `kept` is what the other tags' values take.
fn drop_thumbnail(exif: &mut Vec<u8>, is_big: bool, kept: &[(usize, usize)]) {
    let short = |bytes: &[u8], at: usize| {
        let two = *bytes.get(at..)?.first_chunk::<2>()?;
        Some(usize::from(if is_big { u16::from_be_bytes(two) } else { u16::from_le_bytes(two) }))
    };
    let long = |bytes: &[u8], at: usize| {
        let four = *bytes.get(at..)?.first_chunk::<4>()?;
        let number = if is_big { u32::from_be_bytes(four) } else { u32::from_le_bytes(four) };
        usize::try_from(number).ok()
    };
    let link = |bytes: &[u8], directory: usize| {
        let entries_bytes = short(bytes, directory)?.checked_mul(12)?;
        directory.checked_add(2)?.checked_add(entries_bytes)
    };
    let found = || {
        let link_at = link(exif, long(exif, 4)?)?;
        let second = long(exif, link_at).filter(|&second| second > 0)?;
        let value = |tag: usize| {
            let count = short(exif, second)?;
            let places = (0..count).map(|number| second + 2 + number * 12);
            let mut places = places.filter(|&at| short(exif, at) == Some(tag));
            let at = places.next()?;
            if short(exif, at + 2) == Some(3) { short(exif, at + 8) } else { long(exif, at + 8) }
        };
        let start = value(0x0201).or_else(|| value(0x0111));
        let len = value(0x0202).or_else(|| value(0x0117));
        Some((link_at, second, start.zip(len)))
    };
    let Some((link_at, second, thumbnail)) = found() else { return };
    if let Some(place) = exif.get_mut(link_at..link_at + 4) {
        place.fill(0);
    }
    let Some((start, len)) = thumbnail else { return };
    let Some(end) = start.checked_add(len) else { return };
    let overlaps = kept.iter().any(|&(from, to)| from < end && start < to);
    if overlaps || start < link_at + 4 {
        return;
    }
    let end = end.min(exif.len());
    if let Some(picture) = exif.get_mut(start..end) {
        picture.fill(0);
    }
    // The last thing in the block goes altogether.
    let is_last = exif.len() - end <= PADDING && second < start;
    if is_last && kept.iter().all(|&(_, to)| to <= start) {
        exif.truncate(start);
    }
}

/// `tiff:Orientation`, as attribute or element.
fn fit_xmp(packet: &mut [u8]) {
    const NAME: &[u8] = b"tiff:Orientation";
    let mut from = 0;
    while let Some(found) = packet
        .get(from..)
        .and_then(|rest| rest.windows(NAME.len()).position(|window| window == NAME))
    {
        let is_end = (from + found).checked_sub(1).and_then(|at| packet.get(at)) == Some(&b'/');
        from += found + NAME.len();
        if is_end {
            continue;
        }
        let is_before = |byte: &u8| matches!(byte, b'=' | b'"' | b'\'' | b'>' | b' ' | b'\n');
        let rest = packet.get_mut(from..).unwrap_or_default();
        let digit = rest.iter().position(|byte| !is_before(byte)).filter(|&at| at > 0);
        if let Some(digit @ b'1'..=b'8') = digit.and_then(|at| rest.get_mut(at)) {
            *digit = b'1';
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const UPRIGHT: Changed = Changed { size_px: (640, 480), is_srgb: true };

    #[test]
    fn the_orientation_of_xmp_in_both_ways_of_writing_it() {
        let fitted = |text: &str| {
            let mut packet = text.as_bytes().to_vec();
            fit_xmp(&mut packet);
            String::from_utf8(packet).unwrap()
        };
        assert_eq!(
            fitted(r#"<a tiff:Orientation="6" b="6"/>"#),
            r#"<a tiff:Orientation="1" b="6"/>"#
        );
        assert_eq!(
            fitted("<tiff:Orientation>8</tiff:Orientation>8"),
            "<tiff:Orientation>1</tiff:Orientation>8"
        );
        for odd in ["tiff:Orientation", "tiff:Orientation=", "tiff:Orientation6", "x"] {
            assert_eq!(fitted(odd), odd);
        }
    }

    #[test]
    fn nonsense_stays_nonsense() {
        let mut good = b"II\x2a\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0".to_vec();
        good.extend(26_u32.to_le_bytes());
        // A second directory whose thumbnail is said to be the first one.
        good.extend(2_u16.to_le_bytes());
        for (tag, number) in [(0x0201_u16, 8_u32), (0x0202, 4_000_000_000)] {
            good.extend(tag.to_le_bytes());
            good.extend(b"\x04\0\x01\0\0\0");
            good.extend(number.to_le_bytes());
        }
        for end in 0..good.len() {
            for flipped in 0..end {
                let mut exif = good.get(..end).unwrap_or_default().to_vec();
                exif[flipped] ^= 0xff;
                fit_exif(&mut exif, &UPRIGHT);
            }
        }
        fit_exif(&mut good, &UPRIGHT);
        assert_eq!((good[18], &good[22..26]), (1, &[0; 4][..]));
    }
}
