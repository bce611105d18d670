//! Canon's CR3: an ISO base media file with the sensor's data in tracks of
//! type CRAW, and JPEGs beside them.

use rushes_media::{Error, ErrorKind, Probe, Result, Stream, StreamKind};

use super::boxes::{self, Found};
use super::tiff::Tiff;
use super::{Embedded, jpeg, note_truncation, probe_of, read};
use crate::Source;

/// The box type whose kind is a UUID, and the two that Canon uses.
const UUID: &[u8; 4] = b"uuid";
const CANON: [u8; 16] = *b"\x85\xc0\xb6\x87\x82\x0f\x11\xe0\x81\x11\xf4\xce\x46\x2b\x6a\x48";
const PREVIEW: [u8; 16] = *b"\xea\xf4\x2b\x5e\x1c\x98\x4b\x88\xb9\xfb\xb7\xdc\x40\x6e\x4d\x16";

pub(super) struct Cr3 {
    pub preview: Option<Embedded>,
    /// The picture's size, as Canon's own directory has it.
    picture_px: Option<(u32, u32)>,
    /// The sensor's, its dark borders among it.
    sensor_px: Option<(u32, u32)>,
}

pub(super) fn find(source: &Source) -> Result<Cr3> {
    let mut found = Cr3 { preview: None, picture_px: None, sensor_px: None };
    let outer = boxes::within(source, 0, source.size_bytes());
    let uuid = |within: &Found| read::exactly::<16>(source, within.start);
    for outer in &outer {
        match &outer.kind {
            b"moov" => {
                for inner in boxes::within(source, outer.start, outer.end) {
                    if inner.kind == *b"trak" {
                        track(source, inner, &mut found);
                    } else if inner.kind == *UUID && uuid(&inner) == Some(CANON) {
                        picture_box(source, inner.start + 16, inner.end, b"THMB", &mut found);
                        found.picture_px = picture_size(source, inner.start + 16, inner.end);
                    }
                }
            }
            // Eight bytes of version and flags stand before the preview's box.
            UUID if uuid(outer) == Some(PREVIEW) => {
                picture_box(source, outer.start + 24, outer.end, b"PRVW", &mut found);
            }
            _ => {}
        }
    }
    if found.preview.is_none() && found.picture_px.is_none() && found.sensor_px.is_none() {
        let why = "it has neither a picture's size nor a preview";
        return Err(Error::new(ErrorKind::Corrupt, "reading the camera RAW", why));
    }
    Ok(found)
}

impl Cr3 {
    /// Keeps the larger of this JPEG and the one known.
    fn offer(&mut self, offered: Option<Embedded>) {
        let area = |found: &Embedded| u64::from(found.width_px) * u64::from(found.height_px);
        if let Some(offered) = offered
            && self.preview.as_ref().is_none_or(|known| area(known) < area(&offered))
        {
            self.preview = Some(offered);
        }
    }
}

/// Width and height in CMT1, which is a TIFF structure.
fn picture_size(source: &Source, start: u64, end: u64) -> Option<(u32, u32)> {
    let main = boxes::at_path(source, start, end, &[b"CMT1"])?;
    let tiff = Tiff::first_at(source, main.start)?;
    let directory = tiff.directories.first()?;
    let side = |tag| u32::try_from(tiff.number(directory, tag)?).ok().filter(|&side| side > 0);
    Some((side(0x0100)?, side(0x0101)?))
}

/// THMB and PRVW: a few numbers, then the JPEG.
fn picture_box(source: &Source, start: u64, end: u64, kind: &[u8; 4], found: &mut Cr3) {
    let Some(picture) = boxes::at_path(source, start, end, &[kind]) else { return };
    let Some(content) = read::exactly::<32>(source, picture.start) else { return };
    let begins = content.windows(3).position(|bytes| bytes == [0xff, 0xd8, 0xff]);
    if let Some(begins) = begins {
        let start = picture.start + begins as u64;
        found.offer(jpeg::embedded(source, start, picture.end.saturating_sub(start)));
    }
}

/// A track's one sample: a JPEG, or the sensor's data.
fn track(source: &Source, track: Found, found: &mut Cr3) {
    let table = [b"mdia", b"minf", b"stbl"];
    let Some(table) = boxes::at_path(source, track.start, track.end, &table) else { return };
    let inner = |kind| boxes::at_path(source, table.start, table.end, &[kind]);
    // Version, flags and a count stand before the one entry.
    let entry = inner(b"stsd").and_then(|described| {
        boxes::within(source, described.start + 8, described.end).into_iter().next()
    });
    let Some(entry) = entry.filter(|entry| entry.kind == *b"CRAW") else { return };
    let Ok(description) = read::range(source, entry.start, (entry.end - entry.start).min(1024))
    else {
        return;
    };
    let says = |word: &[u8; 4]| description.windows(4).any(|window| window == word);
    if says(b"JPEG") {
        let offset = match (inner(b"co64"), inner(b"stco")) {
            (Some(table), _) => read::exactly(source, table.start + 8).map(u64::from_be_bytes),
            (None, Some(table)) => read::exactly(source, table.start + 8)
                .map(|offset| u64::from(u32::from_be_bytes(offset))),
            (None, None) => None,
        };
        // One size for all samples, or a list of them behind a zero.
        let length = inner(b"stsz").and_then(|table| {
            let long = |at| read::exactly(source, at).map(u32::from_be_bytes);
            let same = long(table.start + 4)?;
            if same > 0 { Some(same) } else { long(table.start + 12) }
        });
        if let (Some(offset), Some(length)) = (offset, length) {
            found.offer(jpeg::embedded(source, offset, u64::from(length)));
        }
    } else if let Some(&[w1, w0, h1, h0]) =
        description.get(24..28).and_then(|size| size.first_chunk::<4>())
    {
        let size =
            (u32::from(u16::from_be_bytes([w1, w0])), u32::from(u16::from_be_bytes([h1, h0])));
        let area = |size: (u32, u32)| u64::from(size.0) * u64::from(size.1);
        if area(size) > found.sensor_px.map_or(0, area) {
            found.sensor_px = Some(size);
        }
    }
}

pub(super) fn probe(source: &Source) -> Result<Probe> {
    let found = find(source)?;
    let preview_px = found.preview.as_ref().map(|found| (found.width_px, found.height_px));
    let mut stream = Stream::new(0, StreamKind::Still, "cr3");
    if let Some((width_px, height_px)) = found.picture_px.or(found.sensor_px).or(preview_px) {
        (stream.width_px, stream.height_px) = (Some(width_px), Some(height_px));
    }
    let mut probe = probe_of(source, "cr3", stream);
    if let Some(name) = boxes::cut_off(source) {
        note_truncation(&mut probe, &format!("within its box '{name}'"));
    }
    Ok(probe)
}
