//! Reading on from a packet in the middle of a file.

use rushes_media::Result;

use super::packets::{PacketRecord, Packets};

/// Packets read at most before one is known.
const UNKNOWN_PACKETS: usize = 200;

/// Packets by the place in the file at which they are found again.
pub(super) struct Places(Vec<u32>);

impl Places {
    pub(super) fn of(records: &[PacketRecord]) -> Places {
        let mut places: Vec<u32> =
            (0..records.len()).filter_map(|ordinal| u32::try_from(ordinal).ok()).collect();
        let place = |ordinal: &u32| records.get(*ordinal as usize).map(PacketRecord::place);
        places.sort_by_key(place);
        Places(places)
    }

    /// Which packet this is; `None` when that is not certain.
    pub(super) fn find(&self, records: &[PacketRecord], found: &PacketRecord) -> Option<usize> {
        let place = |ordinal: u32| records.get(ordinal as usize).map(PacketRecord::place);
        let start = self.0.partition_point(|&ordinal| place(ordinal) < Some(found.place()));
        let same = self.0.get(start..).unwrap_or_default().iter().copied();
        let mut same = same.take_while(|&ordinal| place(ordinal) == Some(found.place()));
        let (first, second) = (same.next()?, same.next());
        if second.is_none() && found.pos >= 0 {
            return Some(first as usize);
        }
        // Several frames can come of one place: an edit list that shows it
        // twice, or a container that packs them together.
        let alike = |&ordinal: &u32| {
            records.get(ordinal as usize).is_some_and(|known| {
                known.dts == found.dts && known.pts == found.pts && found.dts.is_some()
            })
        };
        let mut alike = [first].into_iter().chain(second).chain(same).filter(alike);
        let only = alike.next()?;
        alike.next().is_none().then_some(only as usize)
    }
}

/// Whether the container is read on from a byte, because its times only hold
/// when it is read from the start.
fn is_by_bytes(packets: &Packets<'_>) -> bool {
    let bytes = ["mpegts", "mpeg", "mpegvideo", "h264", "hevc", "m4v"];
    packets.input.demuxers().iter().any(|demuxer| bytes.contains(demuxer))
}

enum Attempt {
    Byte(i64),
    Time(i64),
}

/// Reads up to packet `wanted`, which is in `packets.packet` afterwards.
/// `false` when no seek gets there: then it must be read from the start.
pub(super) fn reach(
    packets: &mut Packets<'_>,
    records: &[PacketRecord],
    places: &Places,
    wanted: usize,
) -> Result<bool> {
    let keys = records.get(..=wanted).unwrap_or_default().iter().rev().filter(|record| record.key);
    let mut attempts = Vec::new();
    for key in keys.take(3) {
        if is_by_bytes(packets) {
            if key.pos >= 0 {
                attempts.push(Attempt::Byte(key.pos));
            }
        } else {
            let times = [key.pts, key.dts.filter(|_| key.pts != key.dts)];
            attempts.extend(times.into_iter().flatten().map(Attempt::Time));
        }
    }
    for attempt in attempts {
        let moved = match attempt {
            Attempt::Byte(pos) => packets.input.seek_byte(pos),
            Attempt::Time(ticks) => packets.input.seek(packets.index, ticks),
        };
        if moved && read_up_to(packets, records, places, wanted)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Reads packets until `wanted`; `false` when it lies behind or is not found.
fn read_up_to(
    packets: &mut Packets<'_>,
    records: &[PacketRecord],
    places: &Places,
    wanted: usize,
) -> Result<bool> {
    let mut unknown = 0;
    let mut last = None;
    while packets.read()? {
        let found = packets.record();
        let follows = last.map(|last: usize| last + 1).filter(|&next| {
            records.get(next).is_some_and(|record| record.place() == found.place())
        });
        last = follows.or_else(|| places.find(records, &found));
        match last {
            Some(at) if at == wanted => return Ok(true),
            Some(at) if at > wanted => return Ok(false),
            Some(_) => unknown = 0,
            None => unknown += 1,
        }
        if unknown > UNKNOWN_PACKETS {
            break;
        }
    }
    Ok(false)
}
