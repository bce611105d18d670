//! An index as bytes.

use rushes_media::{Error, ErrorKind, Rational, Result};

use super::index::FrameIndex;
use super::packets::PacketRecord;

/// What the bytes start with; the last is the version.
const MAGIC: &[u8] = b"RushesFI\x02";

const HAS_PTS: u8 = 1;
const HAS_DTS: u8 = 2;
const KEY: u8 = 4;
const HIDDEN: u8 = 8;

/// Bytes that one packet takes at least: flags and five numbers.
const PACKET_BYTES: usize = 4;

impl FrameIndex {
    /// The index as bytes of this version of Rushes, about ten a frame. Other
    /// versions may refuse them: then build it again.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut writer = Writer(MAGIC.to_vec());
        writer.count(self.size_bytes);
        writer.count(self.stream.into());
        writer.count(self.codec.into());
        let rate = self.rate_hz.unwrap_or(Rational::ZERO);
        for fraction in [self.time_base, self.offset_secs, rate] {
            writer.number(fraction.num());
            writer.number(fraction.den());
        }
        writer.number(self.last_ticks);
        writer.count(self.warnings.len() as u64);
        for warning in &self.warnings {
            writer.count(warning.len() as u64);
            writer.0.extend_from_slice(warning.as_bytes());
        }
        writer.count(self.packets.len() as u64);
        let mut before = PacketRecord::default();
        for packet in &self.packets {
            let flag = |is: bool, flag: u8| if is { flag } else { 0 };
            writer.0.push(
                flag(packet.pts.is_some(), HAS_PTS)
                    | flag(packet.dts.is_some(), HAS_DTS)
                    | flag(packet.key, KEY)
                    | flag(packet.hidden, HIDDEN),
            );
            writer.number(packet.pos.wrapping_sub(before.pos));
            writer.count(packet.size.into());
            writer.count(packet.duration.into());
            if let Some(dts) = packet.dts {
                writer.number(dts.wrapping_sub(before.dts.unwrap_or(0)));
            }
            if let Some(pts) = packet.pts {
                writer.number(pts.wrapping_sub(packet.dts.or(before.pts).unwrap_or(0)));
            }
            before = *packet;
        }
        writer.count(self.order.len() as u64);
        for (rank, &ordinal) in (0_i64..).zip(&self.order) {
            writer.number(i64::from(ordinal) - rank);
        }
        let mut last = 0_i64;
        for &time in &self.times {
            writer.number(time.wrapping_sub(last));
            last = time;
        }
        let sum = checksum(&writer.0);
        writer.0.extend(sum.to_le_bytes());
        writer.0
    }

    /// The index that [`FrameIndex::to_bytes`] gave these bytes for.
    ///
    /// # Errors
    /// `Unsupported` when another version wrote them, `Corrupt` when they are
    /// damaged or no index.
    pub fn from_bytes(bytes: &[u8]) -> Result<FrameIndex> {
        let name = MAGIC.get(..MAGIC.len() - 1).unwrap_or_default();
        if bytes.starts_with(name) && !bytes.starts_with(MAGIC) {
            let why = "another version of Rushes wrote it";
            return Err(Error::new(ErrorKind::Unsupported, WHAT, why).remedy("index it again"));
        }
        let (rest, sum) = bytes.split_last_chunk::<8>().ok_or_else(damaged)?;
        if checksum(rest) != u64::from_le_bytes(*sum) {
            return Err(damaged());
        }
        let mut reader = Reader(rest.strip_prefix(MAGIC).ok_or_else(damaged)?);
        let index = reader.index().ok_or_else(damaged)?;
        if !reader.0.is_empty() {
            return Err(damaged());
        }
        index.complete()
    }
}

const WHAT: &str = "reading a video's index";

fn damaged() -> Error {
    Error::new(ErrorKind::Corrupt, WHAT, "its bytes are damaged").remedy("index it again")
}

/// FNV-1a, 64 bits: it finds accidents; what is built from the bytes is
/// checked by itself.
fn checksum(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |sum, &byte| {
        (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

struct Writer(Vec<u8>);

impl Writer {
    /// Seven bits a byte, the lowest first.
    fn count(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push((value & 0x7f) as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }

    /// With the sign in the lowest bit, so that small stays short.
    fn number(&mut self, value: i64) {
        self.count((value.wrapping_shl(1) ^ (value >> 63)) as u64);
    }
}

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn byte(&mut self) -> Option<u8> {
        let (&first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(first)
    }

    fn count(&mut self) -> Option<u64> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }

    fn number(&mut self) -> Option<i64> {
        let value = self.count()?;
        Some((value >> 1) as i64 ^ -((value & 1) as i64))
    }

    fn fraction(&mut self) -> Option<Rational> {
        let (num, den) = (self.number()?, self.number()?);
        Rational::new(num, den).filter(|it| it.num() == num && it.den() == den)
    }

    /// How many things follow that take at least so many bytes each.
    fn length(&mut self, least_bytes: usize) -> Option<usize> {
        let length = usize::try_from(self.count()?).ok()?;
        (length <= self.0.len() / least_bytes.max(1)).then_some(length)
    }

    fn index(&mut self) -> Option<FrameIndex> {
        let size_bytes = self.count()?;
        let stream = u32::try_from(self.count()?).ok()?;
        let codec = u32::try_from(self.count()?).ok()?;
        let (time_base, offset_secs) = (self.fraction()?, self.fraction()?);
        let rate_hz = Some(self.fraction()?).filter(|&rate| rate > Rational::ZERO);
        let last_ticks = self.number()?;
        let mut warnings = Vec::new();
        for _ in 0..self.length(1)? {
            let length = self.length(1)?;
            let (text, rest) = self.0.split_at_checked(length)?;
            self.0 = rest;
            warnings.push(String::from_utf8(text.to_vec()).ok()?);
        }
        let mut packets = Vec::new();
        let mut before = PacketRecord::default();
        for _ in 0..self.length(PACKET_BYTES)? {
            before = self.packet(&before)?;
            packets.push(before);
        }
        let frames = self.length(2)?;
        let mut order = Vec::with_capacity(frames);
        for rank in 0..i64::try_from(frames).ok()? {
            order.push(u32::try_from(self.number()?.checked_add(rank)?).ok()?);
        }
        let mut times = Vec::with_capacity(frames);
        let mut last = 0_i64;
        for _ in 0..frames {
            last = last.wrapping_add(self.number()?);
            times.push(last);
        }
        Some(FrameIndex {
            size_bytes,
            stream,
            codec,
            time_base,
            offset_secs,
            packets,
            order,
            times,
            last_ticks,
            rate_hz,
            warnings,
            ranks: Vec::new(),
            entries: Vec::new(),
            reorder: 0,
        })
    }

    fn packet(&mut self, before: &PacketRecord) -> Option<PacketRecord> {
        let flags = self.byte()?;
        let pos = before.pos.wrapping_add(self.number()?);
        let size = u32::try_from(self.count()?).ok()?;
        let duration = u32::try_from(self.count()?).ok()?;
        let dts = match flags & HAS_DTS {
            0 => None,
            _ => Some(before.dts.unwrap_or(0).wrapping_add(self.number()?)),
        };
        let pts = match flags & HAS_PTS {
            0 => None,
            _ => Some(dts.or(before.pts).unwrap_or(0).wrapping_add(self.number()?)),
        };
        Some(PacketRecord {
            pos,
            size,
            pts,
            dts,
            duration,
            key: flags & KEY != 0,
            hidden: flags & HIDDEN != 0,
        })
    }
}
