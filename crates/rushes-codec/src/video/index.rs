//! Which frames a video stream has, in the order in which they are shown.

use std::collections::HashSet;

use rushes_media::{Error, ErrorKind, Rational, Result};

use super::WHAT;
use super::build;
use super::packets::PacketRecord;
use crate::Source;

/// A packet whose frame is not shown has no place in the order.
pub(super) const NOT_SHOWN: u32 = u32::MAX;

/// Every frame that comes out of a video stream: its packet, its time, and
/// from where it can be decoded.
///
/// Made once by reading all packets of a file, in time and memory in
/// proportion to their number (about 60 bytes a frame). It belongs to content:
/// keep [`FrameIndex::to_bytes`] under the content's hash.
#[derive(Clone, Debug, PartialEq)]
pub struct FrameIndex {
    pub(super) size_bytes: u64,
    pub(super) stream: u32,
    pub(super) codec: u32,
    /// Seconds of a tick; positive.
    pub(super) time_base: Rational,
    /// Ticks from the container's start to time zero of the stream, negated:
    /// what to add, in seconds.
    pub(super) offset_secs: Rational,
    /// In the order of the file.
    pub(super) packets: Vec<PacketRecord>,
    /// The packet of each shown frame, as shown.
    pub(super) order: Vec<u32>,
    /// When each is shown, in ticks; never falls.
    pub(super) times: Vec<i64>,
    /// Ticks that the last frame is shown.
    pub(super) last_ticks: i64,
    /// Frames a second as stated, where all times agree; positive.
    pub(super) rate_hz: Option<Rational>,
    pub(super) warnings: Vec<String>,
    // What follows is found from the above.
    /// Place in `order` of each packet's frame, or [`NOT_SHOWN`].
    pub(super) ranks: Vec<u32>,
    /// Where decoding can start: packet, and the first frame that is whole
    /// from there.
    pub(super) entries: Vec<(u32, u32)>,
    /// Frames that a decoder must hold back to put them in order.
    pub(super) reorder: u32,
}

impl FrameIndex {
    /// Reads all packets of the first video stream that has a decoder, and
    /// decodes its head and its last group of pictures to see that frames come
    /// out as the packets promise; when they do not, it decodes everything
    /// once. `progress` is told the bytes read so far (they begin again for
    /// the decoding pass) and says whether to go on.
    ///
    /// # Errors
    /// `Unsupported` when there is no video, `Corrupt` when not one frame
    /// comes out, `Limit` when a limit of the source is reached, `Unavailable`
    /// when `progress` said to stop.
    pub fn build(source: &Source, progress: &mut dyn FnMut(u64) -> bool) -> Result<FrameIndex> {
        build::build(source, progress)
    }

    /// How many frames are shown.
    #[must_use]
    pub fn len(&self) -> usize {
        self.order.len()
    }

    /// Whether there are none; an index that was built has some.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    /// When frame `i` is shown: exact seconds from the start of the container,
    /// which is that of its sound when the sound starts first; never negative.
    /// The last frame's time for an `i` beyond it.
    #[must_use]
    pub fn time_secs(&self, i: usize) -> Rational {
        let ticks = self.times.get(i).or(self.times.last()).copied().unwrap_or(0);
        let own = Rational::whole(ticks).checked_mul(self.time_base);
        own.and_then(|own| own.checked_add(self.offset_secs)).unwrap_or(Rational::ZERO)
    }

    /// How long frame `i` is shown: exact seconds until the next one; for the
    /// last what the container states, else as long as the one before.
    #[must_use]
    pub fn duration_secs(&self, i: usize) -> Rational {
        let ticks = match (self.times.get(i), self.times.get(i.saturating_add(1))) {
            (Some(this), Some(next)) => next.saturating_sub(*this),
            _ => self.last_ticks,
        };
        Rational::whole(ticks).checked_mul(self.time_base).unwrap_or(Rational::ZERO)
    }

    /// The time that the container states for frame `i`, in ticks of
    /// [`FrameIndex::time_base`]; the time found for it when it states none.
    /// `None` for an `i` beyond the last.
    #[must_use]
    pub fn pts(&self, i: usize) -> Option<i64> {
        let packet = self.packets.get(*self.order.get(i)? as usize)?;
        packet.pts.or_else(|| self.times.get(i).copied())
    }

    /// Seconds of one tick.
    #[must_use]
    pub fn time_base(&self) -> Rational {
        self.time_base
    }

    /// Frames a second as the file states them, where every time is that of such a
    /// frame to the tick: exact where the times themselves are rounded, as to
    /// milliseconds in Matroska. `None` where frames come otherwise.
    #[must_use]
    pub fn rate_hz(&self) -> Option<Rational> {
        self.rate_hz
    }

    /// The frame shown at a time in seconds from the container's start: the
    /// first for a time before it, the last for one after the end.
    #[must_use]
    pub fn at(&self, time_secs: Rational) -> usize {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = low + (high - low) / 2;
            if self.time_secs(middle) <= time_secs {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low.saturating_sub(1)
    }

    /// The frames that the container marks as key frames, rising.
    pub fn key_frames(&self) -> impl Iterator<Item = usize> + '_ {
        self.order.iter().enumerate().filter_map(|(i, &packet)| {
            self.packets.get(packet as usize).filter(|packet| packet.key).map(|_| i)
        })
    }

    /// Where header and content do not agree, in plain words.
    #[must_use]
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// The packet of frame `i`.
    pub(super) fn ordinal(&self, i: usize) -> Option<usize> {
        self.order.get(i).map(|&ordinal| ordinal as usize)
    }

    /// The frame of a packet.
    pub(super) fn rank(&self, ordinal: usize) -> Option<usize> {
        let rank = *self.ranks.get(ordinal)?;
        (rank != NOT_SHOWN).then_some(rank as usize)
    }

    /// The last packet from which decoding gives frame `i` whole, and that is
    /// not among those to avoid; the first packet when there is no such entry.
    pub(super) fn entry(&self, i: usize, avoided: &dyn Fn(u32) -> bool) -> (usize, usize) {
        let Some(&target) = self.order.get(i) else { return (0, 0) };
        let before = self.entries.partition_point(|&(packet, _)| packet <= target);
        let found = self
            .entries
            .get(..before)
            .unwrap_or_default()
            .iter()
            .rev()
            .find(|&&(packet, first)| first as usize <= i && !avoided(packet));
        found.map_or((0, 0), |&(packet, first)| (packet as usize, first as usize))
    }

    /// Fills in what is found from the rest.
    ///
    /// # Errors
    /// `Corrupt` when order, times and packets do not belong together.
    pub(super) fn complete(mut self) -> Result<FrameIndex> {
        let wrong =
            |why| Error::new(ErrorKind::Corrupt, WHAT, format!("its index is wrong: {why}"));
        if self.order.len() != self.times.len() || self.time_base <= Rational::ZERO {
            return Err(wrong("times and frames differ in number"));
        }
        self.ranks = vec![NOT_SHOWN; self.packets.len()];
        for (rank, &packet) in self.order.iter().enumerate() {
            let place = self.ranks.get_mut(packet as usize);
            match place.zip(u32::try_from(rank).ok()) {
                Some((place, rank)) if *place == NOT_SHOWN => *place = rank,
                _ => return Err(wrong("a frame's packet is missing or used twice")),
            }
        }
        if !self.times.is_sorted() || !self.is_countable() {
            return Err(wrong("times fall or are too large"));
        }
        let (entries, reorder) = self.entries_and_reorder();
        self.entries = entries;
        self.reorder = reorder;
        Ok(self)
    }

    /// Whether every time can be told exactly.
    fn is_countable(&self) -> bool {
        let offset = self.offset_secs;
        let tick = self.time_base;
        let Some(den) = i128::from(tick.den()).checked_mul(offset.den().into()) else {
            return false;
        };
        let fits = |&ticks: &i64| {
            let own = i128::from(ticks)
                .checked_mul(tick.num().into())
                .and_then(|own| own.checked_mul(offset.den().into()));
            let shift = i128::from(offset.num()).checked_mul(tick.den().into());
            let sum = own.zip(shift).and_then(|(own, shift)| own.checked_add(shift));
            let own = i128::from(ticks).checked_mul(tick.num().into());
            sum.is_some_and(|sum| i64::try_from(sum).is_ok_and(|sum| sum >= 0))
                && own.is_some_and(|own| i64::try_from(own).is_ok())
        };
        let ends = self.times.first().into_iter().chain(self.times.last()).all(fits);
        ends && i64::try_from(den).is_ok() && fits_ticks(self.last_ticks, tick)
    }

    /// Entry points, and how far the order of the file is from that shown.
    fn entries_and_reorder(&self) -> (Vec<(u32, u32)>, u32) {
        // Walked from the end: the earliest frame shown from each packet on.
        let mut entries = Vec::new();
        let shown_pts = || {
            self.order
                .iter()
                .map(|&packet| self.packets.get(packet as usize).and_then(|packet| packet.pts))
        };
        let have_pts = shown_pts().all(|pts| pts.is_some()) && shown_pts().is_sorted();
        for (ordinal, packet) in self.packets.iter().enumerate() {
            if !packet.key {
                continue;
            }
            let first = match self.rank(ordinal) {
                Some(rank) => Some(rank),
                // Left out by an edit list, it still is where decoding starts.
                None => packet
                    .pts
                    .filter(|_| have_pts && packet.size > 0)
                    .map(|pts| self.times.partition_point(|&time| time < pts)),
            };
            let entry = first.and_then(|first| u32::try_from(first).ok());
            if let Some(entry) = u32::try_from(ordinal).ok().zip(entry) {
                entries.push(entry);
            }
        }
        let shown = self.ranks.iter().copied().filter(|&rank| rank != NOT_SHOWN);
        (entries, held_back(shown))
    }
}

/// The most frames that wait at once to be shown, when they are decoded in the
/// order of these places; every place is there once.
pub(super) fn held_back(ranks: impl Iterator<Item = u32>) -> u32 {
    let (mut next, mut most) = (0_u32, 0_usize);
    let mut waiting = HashSet::new();
    for rank in ranks {
        waiting.insert(rank);
        while waiting.remove(&next) {
            next += 1;
        }
        most = most.max(waiting.len());
    }
    u32::try_from(most).unwrap_or(u32::MAX)
}

fn fits_ticks(ticks: i64, tick: Rational) -> bool {
    ticks >= 0 && Rational::whole(ticks).checked_mul(tick).is_some()
}
