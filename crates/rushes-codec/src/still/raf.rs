//! Fujifilm's RAF: a header that points at a JPEG and at a list of records
//! about the sensor.

use rushes_media::{Error, ErrorKind, Probe, Result, Stream, StreamKind};

use super::{Embedded, jpeg, note_truncation, probe_of, read};
use crate::Source;

/// Records in the list; cameras write about ten.
const RECORDS: u32 = 256;

pub(super) struct Raf {
    pub preview: Option<Embedded>,
    sensor_px: Option<(u32, u32)>,
    is_cut_off: bool,
}

pub(super) fn find(source: &Source) -> Result<Raf> {
    let Some(places) = read::exactly::<24>(source, 84) else {
        let why = "it ends within its header";
        return Err(Error::new(ErrorKind::Corrupt, "reading the RAF header", why));
    };
    let [jpeg_at, jpeg_bytes, records_at, _, data_at, data_bytes] =
        [0, 1, 2, 3, 4, 5].map(|place| {
            let word = places.as_chunks::<4>().0.get(place).copied().unwrap_or_default();
            u64::from(u32::from_be_bytes(word))
        });
    Ok(Raf {
        preview: jpeg::embedded(source, jpeg_at, jpeg_bytes),
        sensor_px: sensor(source, records_at),
        is_cut_off: [jpeg_at + jpeg_bytes, data_at + data_bytes]
            .iter()
            .any(|&end| end > source.size_bytes()),
    })
}

/// The cropped size (record 0x0111), else the full one (0x0100).
fn sensor(source: &Source, at: u64) -> Option<(u32, u32)> {
    let count = u32::from_be_bytes(read::exactly(source, at)?).min(RECORDS);
    let (mut at, mut found) = (at + 4, None);
    for _ in 0..count {
        let [t1, t0, l1, l0] = read::exactly(source, at)?;
        let tag = u16::from_be_bytes([t1, t0]);
        if matches!(tag, 0x0100 | 0x0111) {
            let [h1, h0, w1, w0] = read::exactly(source, at + 4)?;
            let side = |high, low| u32::from(u16::from_be_bytes([high, low]));
            let size = (side(w1, w0), side(h1, h0));
            if size.0 > 0 && size.1 > 0 && (tag == 0x0111 || found.is_none()) {
                found = Some(size);
            }
        }
        at += 4 + u64::from(u16::from_be_bytes([l1, l0]));
    }
    found
}

pub(super) fn probe(source: &Source) -> Result<Probe> {
    let found = find(source)?;
    let preview_px = found.preview.as_ref().map(|found| (found.width_px, found.height_px));
    let Some((width_px, height_px)) = found.sensor_px.or(preview_px) else {
        let why = "it has neither a picture's size nor a preview";
        return Err(Error::new(ErrorKind::Corrupt, "reading the camera RAW", why));
    };
    let mut stream = Stream::new(0, StreamKind::Still, "raf");
    (stream.width_px, stream.height_px) = (Some(width_px), Some(height_px));
    let mut probe = probe_of(source, "raf", stream);
    if found.is_cut_off {
        note_truncation(&mut probe, "picture data lies beyond its end");
    }
    Ok(probe)
}
