//! Making an index: what the packets promise, and whether frames come out so.

use std::collections::HashSet;

use rushes_media::{Rational, Result};

use super::index::{FrameIndex, held_back};
use super::packets::{PacketRecord, Packets, stopped};
use super::run::{Decoding, Step};
use super::{corrupt, seek};
use crate::Source;

/// Packets at the head of which the frames are looked at, at most.
const HEAD_PACKETS: usize = 64;

/// The same, at least.
const LEAST_HEAD_PACKETS: usize = 8;

/// Frames by which file order and shown order may differ: twice what any codec
/// holds back.
const MOST_DISPLACED: usize = 64;

pub(super) fn build(source: &Source, progress: &mut dyn FnMut(u64) -> bool) -> Result<FrameIndex> {
    let mut packets = Packets::open(source)?;
    let records = packets.records(progress)?;
    let threads = super::run::threads(0);
    let found = match order_by_time(&records) {
        Some(order) => check(source, &records, order, threads)?,
        None => None,
    };
    let found = match found {
        Some(found) => found,
        None => decode_all(source, &records, threads, progress)?,
    };
    if found.order.is_empty() {
        return Err(corrupt("not one frame of it can be decoded")
            .remedy("copy it again from where it came from, or repair it"));
    }
    finish(source, &packets, records, found)
}

/// Which packets give frames, in the order shown.
struct Found {
    order: Vec<u32>,
    /// Packets that promised a frame and gave none.
    without: usize,
}

/// The order that the packets' times promise; `None` when they do not say.
fn order_by_time(records: &[PacketRecord]) -> Option<Vec<u32>> {
    let shown: Vec<usize> = shown(records).collect();
    let mut timed = Vec::with_capacity(shown.len());
    for &ordinal in &shown {
        timed.push((records.get(ordinal)?.pts?, u32::try_from(ordinal).ok()?));
    }
    timed.sort_unstable();
    let distinct = timed.windows(2).all(|pair| match pair {
        [(one, _), (other, _)] => one < other,
        _ => false,
    });
    // A stream that was joined from others begins its times anew.
    let local = timed.iter().zip(&shown).enumerate().all(|(rank, (&(_, ordinal), _))| {
        let place = shown.partition_point(|&other| other < ordinal as usize);
        place.abs_diff(rank) <= MOST_DISPLACED
    });
    (distinct && local).then(|| timed.into_iter().map(|(_, ordinal)| ordinal).collect())
}

fn shown(records: &[PacketRecord]) -> impl Iterator<Item = usize> + '_ {
    let of = |(ordinal, record): (usize, &PacketRecord)| (!record.hidden).then_some(ordinal);
    records.iter().enumerate().filter_map(of)
}

/// Frames that a decoder must hold back to give packets in this order.
fn reorder_of(order: &[u32]) -> u32 {
    let mut by_packet: Vec<(u32, u32)> = (0_u32..).zip(order).map(|(at, &of)| (of, at)).collect();
    by_packet.sort_unstable();
    held_back(by_packet.into_iter().map(|(_, rank)| rank))
}

/// Decodes head and tail to see whether the order promised is what comes out.
/// `None` when it is not, and everything must be decoded to know.
fn check(
    source: &Source,
    records: &[PacketRecord],
    mut order: Vec<u32>,
    threads: u32,
) -> Result<Option<Found>> {
    let reorder = reorder_of(&order);
    let keys = || records.iter().enumerate().filter(|(_, record)| record.key).map(|(at, _)| at);
    let second = keys().nth(1).unwrap_or(usize::MAX);
    let head = second.clamp(LEAST_HEAD_PACKETS, HEAD_PACKETS).min(records.len());
    let last_key = keys().next_back().unwrap_or(0);
    let mut hidden = HashSet::new();

    let mut packets = Packets::open(source)?;
    if !packets.read()? {
        return Ok(None);
    }
    let came = decode(&mut packets, 0, head, threads, reorder, &mut |_| true)?;
    let promised = order.iter().copied().filter(|&ordinal| (ordinal as usize) < head);
    let Some(absent) = missing(promised, &came) else { return Ok(None) };
    // A stream that was cut out of another starts with frames that refer to
    // what is gone.
    let time = |ordinal: &u32| records.get(*ordinal as usize).and_then(|record| record.pts);
    let first = came.iter().filter_map(time).min();
    if !absent.iter().all(|ordinal| time(ordinal) < first) {
        return Ok(None);
    }
    hidden.extend(absent);

    if last_key < head {
        if head < records.len() {
            return Ok(None);
        }
    } else {
        let places = seek::Places::of(records);
        if !seek::reach(&mut packets, records, &places, last_key)? {
            return Ok(None);
        }
        let to = records.len();
        let came = decode(&mut packets, last_key, to, threads, reorder, &mut |_| true)?;
        let key_time = records.get(last_key).and_then(|record| record.pts);
        let is_after = |ordinal: &u32| *ordinal as usize >= last_key && time(ordinal) >= key_time;
        let promised = order.iter().copied().filter(is_after);
        let came: Vec<u32> = came.into_iter().filter(|ordinal| is_after(ordinal)).collect();
        match missing(promised, &came) {
            Some(absent) if absent.is_empty() => {}
            _ => return Ok(None),
        }
    }
    order.retain(|ordinal| !hidden.contains(ordinal));
    Ok(Some(Found { order, without: hidden.len() }))
}

/// What was promised and did not come; `None` when something else came, or in
/// another order.
fn missing(promised: impl Iterator<Item = u32>, came: &[u32]) -> Option<Vec<u32>> {
    let mut came = came.iter().copied().peekable();
    let mut missing = Vec::new();
    for ordinal in promised {
        if came.peek() == Some(&ordinal) {
            came.next();
        } else {
            missing.push(ordinal);
        }
    }
    came.next().is_none().then_some(missing)
}

/// The packets whose frames come out, in that order, when those from `from` up
/// to `to` are decoded; packet `from` has been read already.
fn decode(
    packets: &mut Packets<'_>,
    from: usize,
    to: usize,
    threads: u32,
    reorder: u32,
    go_on: &mut dyn FnMut(&PacketRecord) -> bool,
) -> Result<Vec<u32>> {
    let mut decoding = Decoding::start(packets, from, to, threads, reorder)?;
    decoding.decoder.without_loop_filter();
    let mut came = Vec::new();
    loop {
        match decoding.step(packets, &mut |_| false)? {
            Step::Frame(ordinal) => came.extend(u32::try_from(ordinal)),
            Step::Sent => {
                if decoding.next.is_multiple_of(256) && !go_on(&packets.record()) {
                    return Err(stopped());
                }
            }
            Step::End => return Ok(came),
        }
    }
}

/// Decodes everything: what comes out is what there is.
fn decode_all(
    source: &Source,
    records: &[PacketRecord],
    threads: u32,
    progress: &mut dyn FnMut(u64) -> bool,
) -> Result<Found> {
    let mut packets = Packets::open(source)?;
    if !packets.read()? {
        return Ok(Found { order: Vec::new(), without: 0 });
    }
    let reorder = order_by_time(records).map_or(0, |order| reorder_of(&order));
    let mut at = |record: &PacketRecord| progress(u64::try_from(record.pos).unwrap_or(0));
    let came = decode(&mut packets, 0, records.len(), threads, reorder, &mut at)?;
    let mut seen = HashSet::new();
    let order: Vec<u32> = came
        .into_iter()
        .filter(|&ordinal| (ordinal as usize) < records.len() && seen.insert(ordinal))
        .collect();
    let without =
        shown(records).filter(|&at| u32::try_from(at).is_ok_and(|at| !seen.contains(&at)));
    Ok(Found { without: without.count(), order })
}

/// Gives every frame its time and the index its words.
fn finish(
    source: &Source,
    packets: &Packets<'_>,
    mut records: Vec<PacketRecord>,
    found: Found,
) -> Result<FrameIndex> {
    let mut warnings: Vec<String> = packets.input.cut_short()?.into_iter().collect();
    let Found { order, without } = found;
    let has_frame: HashSet<u32> = order.iter().copied().collect();
    for (ordinal, record) in records.iter_mut().enumerate() {
        record.hidden = u32::try_from(ordinal).is_ok_and(|ordinal| !has_frame.contains(&ordinal));
    }
    let base = packets.time_base();
    let time_base = crate::av::positive(base).ok_or_else(|| corrupt("it states no time base"))?;
    let step = packets.frame_ticks();
    let (times, mended) = times_of(&records, &order, step);
    if let Some(stated) = packets.stated_frames().filter(|&stated| stated > records.len() as u64) {
        warnings.push(format!("the header states {stated} frames, {} can be decoded", order.len()));
    }
    if without > 0 {
        warnings.push(format!("{without} of {} packets give no picture", records.len()));
    }
    if mended > 0 {
        warnings.push(format!(
            "times go back or stand still around {mended} frames; those are put in order"
        ));
    }
    let last = order.last().and_then(|&last| records.get(last as usize));
    let stated = last.map_or(0, |last| i64::from(last.duration));
    let before = match times.as_slice() {
        [.., before, last] => last.saturating_sub(*before),
        _ => step,
    };
    let start = packets.start_secs();
    let mut index = FrameIndex {
        size_bytes: source.size_bytes(),
        stream: u32::try_from(packets.index).unwrap_or(u32::MAX),
        codec: packets.codec().0,
        time_base,
        offset_secs: Rational::ZERO,
        packets: records,
        order,
        times,
        last_ticks: if stated > 0 { stated } else { before },
        rate_hz: None,
        warnings,
        ranks: Vec::new(),
        entries: Vec::new(),
        reorder: 0,
    };
    index.offset_secs = offset(&index, start);
    index.rate_hz = packets.stated_rates().into_iter().find(|&rate| is_at(&index, rate));
    match index.clone().complete() {
        Ok(whole) => Ok(whole),
        // The container's start cannot be told together with these times.
        Err(_) => {
            let first = index.times.first().copied().unwrap_or(0);
            index.times.iter_mut().for_each(|time| *time = time.saturating_sub(first));
            index.offset_secs = Rational::ZERO;
            index.complete()
        }
    }
}

/// Whether all times are those of this rate, each rounded to a tick.
fn is_at(index: &FrameIndex, rate_hz: Rational) -> bool {
    let first = index.times.first().copied().unwrap_or(0);
    let Some(step) = index.time_base.checked_mul(rate_hz).map(Rational::to_f64) else {
        return false;
    };
    // In ticks; those of the first and of the other are each half a tick off.
    let off = |(at, &time): (usize, &i64)| time.saturating_sub(first) as f64 - at as f64 / step;
    index.times.iter().enumerate().all(|it| off(it).abs() < 1.01)
}

/// What makes the container's start time zero.
fn offset(index: &FrameIndex, start: Option<Rational>) -> Rational {
    let first = Rational::whole(index.times.first().copied().unwrap_or(0));
    let Some(first) = first.checked_mul(index.time_base) else { return Rational::ZERO };
    let start = start.unwrap_or(first).min(first);
    start
        .num()
        .checked_neg()
        .and_then(|num| Rational::new(num, start.den()))
        .unwrap_or(Rational::ZERO)
}

/// These times in rising order, when each is near its place: a writer gave
/// them to the packets in the order of the file.
fn sorted_nearby(stated: &[Option<i64>]) -> Option<Vec<Option<i64>>> {
    let mut by_time: Vec<usize> = (0..stated.len()).collect();
    by_time.sort_by_key(|&at| stated.get(at).copied().flatten());
    let is_near =
        by_time.iter().enumerate().all(|(place, &at)| place.abs_diff(at) <= MOST_DISPLACED);
    let sorted: Vec<Option<i64>> =
        by_time.into_iter().filter_map(|at| stated.get(at).copied()).collect();
    let is_distinct = sorted.iter().all(Option::is_some)
        && sorted.windows(2).all(|pair| pair.first() != pair.last());
    (is_near && is_distinct).then_some(sorted)
}

/// When each frame is shown, in ticks, and how many of those had to be made
/// up because the stated ones do not rise.
fn times_of(records: &[PacketRecord], order: &[u32], step: i64) -> (Vec<i64>, usize) {
    let of = |&ordinal: &u32| records.get(ordinal as usize);
    let mut stated: Vec<Option<i64>> = order.iter().map(|at| of(at)?.pts).collect();
    let mut in_file: Vec<u32> = order.to_vec();
    in_file.sort_unstable();
    if stated.iter().any(Option::is_none) {
        // Without pts, frames take the dts of those shown, in order.
        let mut decoded: Vec<Option<i64>> = in_file.iter().map(|at| of(at)?.dts).collect();
        if decoded.iter().all(Option::is_some) {
            decoded.sort_unstable();
            stated = decoded;
        }
    }
    let (mut times, mut mended) = (Vec::with_capacity(order.len()), 0);
    if let Some(sorted) = sorted_nearby(&stated) {
        mended = stated.iter().zip(&sorted).filter(|(one, other)| one != other).count();
        stated = sorted;
    }
    // What times that begin anew are shifted by, to go on from those before.
    let mut shift = 0_i64;
    let mut last: Option<i64> = None;
    for ticks in stated {
        let next = last.map_or(0, |last| last.saturating_add(step));
        let time = match (ticks.map(|ticks| ticks.saturating_add(shift)), last) {
            (Some(time), Some(last)) if time > last => time,
            (Some(time), None) => time,
            (Some(time), Some(_)) => {
                mended += 1;
                shift = shift.saturating_add(next.saturating_sub(time));
                next
            }
            (None, _) => next,
        };
        times.push(time);
        last = Some(time);
    }
    (times, mended)
}
