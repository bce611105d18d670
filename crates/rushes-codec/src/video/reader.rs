//! Frame i of a video, in any order.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use ffmpeg::ffi;
use rushes_media::{Error, ErrorKind, Frame, Layout, Limits, Rational, Result};

use super::convert::{Converter, wrong_size};
use super::index::FrameIndex;
use super::options::{Depth, VideoOptions};
use super::packets::Packets;
use super::parked::Parked;
use super::run::{self, Decoding, Step};
use super::{WHAT, corrupt, seek};
use crate::Source;
use crate::av::decode::Frame as Decoded;
use crate::av::input::Packet;

/// Decoded frames that are kept for those who read backwards.
const KEPT_BYTES: usize = 44 << 20;

/// The same for the others. A decoder never gives back the room of frames that
/// were kept, so that each that is left standing costs as much.
pub(super) const KEPT_ON_THE_WAY_BYTES: usize = 8 << 20;

/// Frames that are kept, however small.
const KEPT_FRAMES: usize = 256;

/// Frames that come out after one that is waited for before it is given up:
/// decoders give them in the order shown.
const LATE_FRAMES: u32 = 4;

/// Packets to the next entry within which decoding on beats seeking.
const NEAR_PACKETS: usize = 4;

/// Gives any frame of a video. Frame `i` has the same numbers whether it is
/// read alone, in a batch or after all those before it.
///
/// Every frame has the reader's size and layout; a picture of another size in
/// the same stream is scaled to it. Memory stays flat: up to 64 MiB of decoded
/// pictures are kept beside those that the decoder holds, and as far as 160 MiB
/// suffice, up to four decoders stand where they were left, for who jumps to and
/// fro: three of 1920x1080, none of 3840x2160.
///
/// The source's limits hold. Its wall clock runs from when it was opened: give
/// a source that is read for long a large [`rushes_media::Limits::wall_secs`].
pub struct VideoReader<'s> {
    index: Arc<FrameIndex>,
    source: &'s Source,
    packets: Packets<'s>,
    signature: Option<Packet>,
    places: seek::Places,
    stretch: Option<Stretch>,
    parked: Parked,
    threads: u32,
    passes_over: bool,
    converter: Converter,
    /// Frames by their place, oldest first.
    kept: VecDeque<(usize, Decoded)>,
    most_kept_bytes: usize,
    /// Packets marked as key from which frames do not come out whole.
    false_entries: BTreeSet<u32>,
    /// Frames that do not come out.
    absent: BTreeSet<usize>,
    last_asked: Option<usize>,
    position: usize,
}

// SAFETY: libav's contexts may be used from any one thread at a time, and so
// may the file that they read through; nothing here is bound to a thread.
unsafe impl Send for VideoReader<'_> {}

/// Decoding under way.
pub(super) struct Stretch {
    decoding: Decoding,
    /// Packet from which it began, and the first frame that is whole from it.
    entry: usize,
    first: usize,
    /// Whether the entry's own frame has come out as it should.
    proven: bool,
    /// The last frame that came out, and the last that was passed over.
    came: Option<usize>,
    passed_over: Option<usize>,
}

impl Stretch {
    /// Whether there are packets to go on with.
    pub(super) fn goes_on(&self) -> bool {
        !self.decoding.is_ending()
    }

    /// The packet from which it began.
    pub(super) fn entry(&self) -> usize {
        self.entry
    }

    /// The packet that it goes on with.
    pub(super) fn next(&self) -> usize {
        self.decoding.next
    }
}

/// Takes a frame by its number, with the positions that asked for it; whether
/// to go on.
type Each<'e, 's> = dyn FnMut(&mut VideoReader<'s>, usize, &[usize], &Decoded) -> Result<bool> + 'e;

/// How the search for a frame went.
enum Search {
    Found(Decoded),
    Absent,
    /// The entry is none: frames from it are not whole.
    FalseEntry,
    /// Something on the way is damaged, and frames were passed over: how a
    /// decoder covers damage depends on them.
    Damaged,
}

impl<'s> VideoReader<'s> {
    /// Opens the stream that the index is of.
    ///
    /// # Errors
    /// `Conflict` when the index is of another file, `Limit` when a frame
    /// would be over a limit, and those of [`crate::probe`].
    pub fn open(
        source: &'s Source,
        index: Arc<FrameIndex>,
        options: VideoOptions,
    ) -> Result<VideoReader<'s>> {
        let mut packets = Packets::open(source)?;
        let same = index.size_bytes == source.size_bytes()
            && index.stream as usize == packets.index
            && index.codec == packets.codec().0
            && Some(index.time_base) == crate::av::positive(packets.time_base());
        if !same || index.is_empty() {
            let why = "its index was made from another file";
            return Err(Error::new(ErrorKind::Conflict, WHAT, why).remedy("index it again"));
        }
        let converter = Converter::new(&packets, options)?;
        let signature = packets.signature()?;
        Ok(VideoReader {
            places: seek::Places::of(&index.packets),
            stretch: None,
            parked: Parked::of(index.len(), picture_bytes(packets.stream)),
            threads: run::threads(options.threads),
            passes_over: passes_over(packets.codec()),
            converter,
            kept: VecDeque::new(),
            most_kept_bytes: KEPT_BYTES,
            false_entries: BTreeSet::new(),
            absent: BTreeSet::new(),
            last_asked: None,
            position: 0,
            index,
            source,
            packets,
            signature,
        })
    }

    /// Keeps no frames but the last, for who only goes on.
    pub(super) fn keep_nothing(&mut self) {
        self.most_kept_bytes = 0;
        self.parked = Parked::none();
    }

    /// The index that it reads by.
    #[must_use]
    pub fn index(&self) -> &FrameIndex {
        &self.index
    }

    /// How many frames there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.index.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.index.is_empty()
    }

    /// Width of the frames that it gives, in pixels.
    #[must_use]
    pub fn width_px(&self) -> u32 {
        self.converter.target().width_px
    }

    /// Height of the frames that it gives, in pixels.
    #[must_use]
    pub fn height_px(&self) -> u32 {
        self.converter.target().height_px
    }

    /// What the numbers of a pixel are.
    #[must_use]
    pub fn layout(&self) -> Layout {
        self.converter.target().layout
    }

    /// What numbers they are; never `Auto`.
    #[must_use]
    pub fn depth(&self) -> Depth {
        self.converter.target().depth
    }

    /// Bytes of one frame: width, height, channels and the size of a number.
    #[must_use]
    pub fn frame_bytes(&self) -> usize {
        self.converter.target().bytes()
    }

    /// Clockwise turn in degrees that the container states to set frames
    /// upright, and whether they are mirrored left to right after it. With
    /// `upright` this has been done already.
    #[must_use]
    pub fn rotation(&self) -> (u16, bool) {
        (self.converter.turn.degrees, self.converter.turn.mirrored)
    }

    /// Width of a stored pixel over its height; 1 when none is stated.
    #[must_use]
    pub fn sample_aspect(&self) -> Rational {
        self.converter.sample_aspect
    }

    /// Frame `i`, counted from 0, with its time and duration.
    ///
    /// # Errors
    /// `NotFound` when there is no frame `i`, `Corrupt` when its packet cannot
    /// be decoded, `Unsupported` when its pixel format cannot be converted,
    /// `Limit` when the source's time is spent, `Unavailable` when the disk
    /// fails.
    pub fn frame(&mut self, i: usize) -> Result<Frame> {
        let decoded = self.fetch(i, &[i])?;
        self.made(i, &decoded)
    }

    /// Writes frame `i` into a buffer of [`VideoReader::frame_bytes`] bytes:
    /// rows from the top without padding, numbers in this machine's byte order.
    ///
    /// # Errors
    /// As for [`VideoReader::frame`]; `Invalid` when the buffer has another size.
    pub fn frame_into(&mut self, i: usize, buffer: &mut [u8]) -> Result<()> {
        let decoded = self.fetch(i, &[i])?;
        self.converter.write(&decoded, buffer)
    }

    /// The next frame after the one that was given last by this call, from the
    /// first on or from where [`VideoReader::go_to`] went; `None` after the
    /// last. A frame that cannot be decoded is an error once, and the call
    /// after goes on behind it.
    ///
    /// # Errors
    /// As for [`VideoReader::frame`].
    #[expect(clippy::should_implement_trait, reason = "it can fail, which ends no iteration")]
    pub fn next(&mut self) -> Result<Option<Frame>> {
        let i = self.position;
        if i >= self.len() {
            return Ok(None);
        }
        self.position = i + 1;
        self.frame(i).map(Some)
    }

    /// As [`VideoReader::next`], into a buffer of [`VideoReader::frame_bytes`]
    /// bytes; which frame it was, or `None` after the last.
    ///
    /// # Errors
    /// As for [`VideoReader::frame_into`].
    pub fn next_into(&mut self, buffer: &mut [u8]) -> Result<Option<usize>> {
        let i = self.position;
        if i >= self.len() {
            return Ok(None);
        }
        self.position = i + 1;
        self.frame_into(i, buffer).map(|()| Some(i))
    }

    /// The frame that [`VideoReader::next`] would give, as it is decoded, with
    /// its number.
    pub(crate) fn next_decoded(&mut self) -> Result<Option<(usize, Decoded)>> {
        let i = self.position;
        if i >= self.len() {
            return Ok(None);
        }
        self.position = i + 1;
        self.decoded(i).map(|decoded| Some((i, decoded)))
    }

    /// Frame `i` as it is decoded.
    pub(super) fn decoded(&mut self, i: usize) -> Result<Decoded> {
        self.fetch(i, &[i])
    }

    /// The stream that it reads; valid while the reader lives.
    pub(super) fn stream(&self) -> *mut ffi::AVStream {
        self.packets.stream
    }

    pub(super) fn limits(&self) -> &Limits {
        self.source.limits()
    }

    /// Lets [`VideoReader::next`] go on with frame `i`.
    pub fn go_to(&mut self, i: usize) {
        self.position = i;
    }

    /// Gives the frames asked for, each decoded once and given once, in rising
    /// order whatever the order asked: so memory stays flat. `each` gets the
    /// positions in `indexes` that asked for the frame, and the frame; it says
    /// whether to go on.
    ///
    /// # Errors
    /// As for [`VideoReader::frame`], at the first frame that fails.
    pub fn frames(
        &mut self,
        indexes: &[usize],
        each: &mut dyn FnMut(&[usize], Frame) -> bool,
    ) -> Result<()> {
        self.in_order(indexes, &mut |reader, i, positions, decoded| {
            let frame = reader.made(i, decoded)?;
            Ok(each(positions, frame))
        })
    }

    /// Writes the frames asked for one after another into a buffer of
    /// [`VideoReader::frame_bytes`] bytes for each, in the order asked; each
    /// is decoded once.
    ///
    /// # Errors
    /// As for [`VideoReader::frame_into`].
    pub fn frames_into(&mut self, indexes: &[usize], buffer: &mut [u8]) -> Result<()> {
        let size = self.frame_bytes();
        if size.checked_mul(indexes.len()) != Some(buffer.len()) {
            return Err(wrong_size(buffer.len()));
        }
        self.in_order(indexes, &mut |reader, _, positions, decoded| {
            let mut places = positions.iter().map(|position| position * size);
            let Some(first) = places.next() else { return Ok(true) };
            let room = buffer.get_mut(first..first + size).ok_or_else(|| wrong_size(0))?;
            reader.converter.write(decoded, room)?;
            for place in places {
                buffer.copy_within(first..first + size, place);
            }
            Ok(true)
        })
    }

    /// Fetches each frame once, rising; with the positions that asked for it.
    fn in_order(&mut self, indexes: &[usize], each: &mut Each<'_, 's>) -> Result<()> {
        let mut asked: Vec<(usize, usize)> =
            indexes.iter().enumerate().map(|(position, &i)| (i, position)).collect();
        asked.sort_unstable();
        let mut wanted: Vec<usize> = asked.iter().map(|&(i, _)| i).collect();
        wanted.dedup();
        if let Some(&beyond) = wanted.last().filter(|&&last| last >= self.len()) {
            return Err(self.no_frame(beyond));
        }
        let mut rest = wanted.as_slice();
        for same in asked.chunk_by(|one, other| one.0 == other.0) {
            let Some(&(i, _)) = same.first() else { continue };
            let positions: Vec<usize> = same.iter().map(|&(_, position)| position).collect();
            let decoded = self.fetch(i, rest)?;
            if !each(self, i, &positions, &decoded)? {
                return Ok(());
            }
            rest = rest.get(1..).unwrap_or_default();
        }
        Ok(())
    }

    /// Frame `i` from what was decoded of it.
    pub(crate) fn made(&mut self, i: usize, decoded: &Decoded) -> Result<Frame> {
        let values = self.converter.values(decoded)?;
        let target = self.converter.target();
        let mut frame = Frame::new(target.width_px, target.height_px, target.layout, values)?;
        frame.color = self.converter.color(decoded);
        frame.time_secs = Some(self.index.time_secs(i));
        frame.duration_secs = Some(self.index.duration_secs(i));
        Ok(frame)
    }

    /// Frame `i` decoded. `wanted` are the frames that are wanted from here
    /// on, rising, `i` the first: those between need not be decoded.
    fn fetch(&mut self, i: usize, wanted: &[usize]) -> Result<Decoded> {
        if i >= self.len() {
            return Err(self.no_frame(i));
        }
        let backwards = self.last_asked.is_some_and(|last| i < last && last - i <= NEAR_PACKETS);
        self.last_asked = Some(i);
        loop {
            if let Some((_, kept)) = self.kept.iter().find(|&&(rank, _)| rank == i) {
                return kept.share();
            }
            if self.absent.contains(&i) {
                return Err(self.cannot_decode(i));
            }
            let leads = self.stretch.as_ref().is_some_and(|stretch| self.leads_to(stretch, i));
            if !leads && !self.resume(i)? {
                self.enter(i)?;
            }
            // Who reads backwards will ask for those before next.
            let from = if backwards { 0 } else { i };
            match self.search(i, from, wanted) {
                Ok(Search::Found(frame)) => return Ok(frame),
                Ok(Search::Absent) => {
                    self.absent.insert(i);
                }
                Ok(Search::FalseEntry) => {
                    let entry = self.stretch.take().and_then(|was| u32::try_from(was.entry).ok());
                    self.false_entries.extend(entry);
                    self.kept.clear();
                    self.parked.clear();
                }
                Ok(Search::Damaged) => {
                    self.passes_over = false;
                    self.stretch = None;
                    self.kept.clear();
                    self.parked.clear();
                }
                Err(error) => {
                    self.stretch = None;
                    return Err(error);
                }
            }
        }
    }

    /// Whether decoding on from where this stretch is gives frame `i`, and a seek
    /// would not be faster.
    fn leads_to(&self, stretch: &Stretch, i: usize) -> bool {
        let behind = |last: Option<usize>| last.is_some_and(|last| i <= last);
        let Some(target) = self.index.ordinal(i) else { return false };
        if i < stretch.first || behind(stretch.came) || behind(stretch.passed_over) {
            return false;
        }
        if target < stretch.entry {
            return false;
        }
        let (entry, _) = self.index.entry(i, &|packet| self.false_entries.contains(&packet));
        entry <= stretch.decoding.next.saturating_add(NEAR_PACKETS)
    }

    /// Goes on with a stretch that was left on the way to frame `i`; whether there
    /// was one.
    fn resume(&mut self, i: usize) -> Result<bool> {
        let mut parked = std::mem::replace(&mut self.parked, Parked::none());
        let found = parked.take(|stretch| self.leads_to(stretch, i));
        self.parked = parked;
        let Some(mut stretch) = found else { return Ok(false) };
        let records = &self.index.packets;
        if !seek::reach(&mut self.packets, records, &self.places, stretch.next())? {
            return Ok(false);
        }
        stretch.decoding.goes_on_with_what_was_read();
        if let Some(left) = self.stretch.replace(stretch) {
            self.parked.leave(left);
        }
        Ok(true)
    }

    /// Goes to the last packet from which frame `i` can be decoded.
    fn enter(&mut self, i: usize) -> Result<()> {
        let (entry, first) = self.index.entry(i, &|packet| self.false_entries.contains(&packet));
        let left = self.stretch.take().and_then(|stretch| self.parked.leave(stretch));
        let mut decoding = left.map(|stretch| stretch.decoding);
        let records = &self.index.packets;
        let is_key = records.get(entry).is_some_and(|record| record.key);
        if is_key && seek::reach(&mut self.packets, records, &self.places, entry)? {
            match &mut decoding {
                Some(decoding) => decoding.restart(entry),
                None => decoding = Some(self.start(entry)?),
            }
            let decoding = decoding.ok_or_else(|| Error::bug(WHAT, "nothing was started"))?;
            let (came, passed_over) = (None, None);
            let proven = entry == 0 || self.index.rank(entry).is_none();
            self.stretch = Some(Stretch { decoding, entry, first, proven, came, passed_over });
            return Ok(());
        }
        // From the very start there is nothing to find.
        drop(decoding);
        self.packets = Packets::open(self.source)?;
        if !self.packets.read()? {
            return Err(corrupt("it ends before its first frame"));
        }
        let decoding = self.start(0)?;
        self.stretch = Some(Stretch {
            decoding,
            entry: 0,
            first: 0,
            proven: true,
            came: None,
            passed_over: None,
        });
        Ok(())
    }

    fn start(&self, from: usize) -> Result<Decoding> {
        let to = self.index.packets.len();
        let mut decoding =
            Decoding::start(&self.packets, from, to, self.threads, self.index.reorder)?;
        if let Some(signature) = self.signature.as_ref().filter(|_| from > 0) {
            decoding.introduce(signature);
        }
        Ok(decoding)
    }

    /// Decodes until frame `i` comes out. Frames before `from` that are not
    /// wanted are passed over.
    fn search(&mut self, i: usize, from: usize, wanted: &[usize]) -> Result<Search> {
        let Some(mut stretch) = self.stretch.take() else {
            return Err(Error::bug(WHAT, "nothing is being decoded"));
        };
        let found = self.search_in(&mut stretch, i, from, wanted)?;
        self.stretch = Some(stretch);
        Ok(found)
    }

    fn search_in(
        &mut self,
        stretch: &mut Stretch,
        i: usize,
        from: usize,
        wanted: &[usize],
    ) -> Result<Search> {
        let last_wanted = wanted.last().copied().unwrap_or(i);
        let (index, passes_over) = (&self.index, self.passes_over);
        let mut late = 0;
        loop {
            let passed_over = &mut stretch.passed_over;
            let step = stretch.decoding.step(&mut self.packets, &mut |ordinal| {
                let Some(rank) = index.rank(ordinal).filter(|_| passes_over) else { return false };
                let is_between = rank < from || (rank > i && rank < last_wanted);
                let useless = is_between && wanted.binary_search(&rank).is_err();
                if useless {
                    *passed_over = (*passed_over).max(Some(rank));
                }
                useless
            })?;
            let ordinal = match step {
                Step::Sent => continue,
                Step::End => return Ok(Search::Absent),
                Step::Frame(ordinal) => ordinal,
            };
            let Some(rank) = index.rank(ordinal) else { continue };
            if !stretch.proven {
                if ordinal == stretch.entry {
                    if !is_whole(&stretch.decoding.frame) {
                        return Ok(Search::FalseEntry);
                    }
                    stretch.proven = true;
                } else if rank > stretch.first {
                    return Ok(Search::FalseEntry);
                }
            }
            // Those before it refer to what was not decoded.
            if rank < stretch.first {
                continue;
            }
            let is_damaged = stretch.decoding.has_failed || stretch.decoding.frame.is_corrupt();
            if is_damaged && stretch.passed_over.is_some() {
                return Ok(Search::Damaged);
            }
            stretch.came = stretch.came.max(Some(rank));
            let frame = stretch.decoding.frame.share()?;
            let most_bytes = if from == 0 { KEPT_BYTES } else { KEPT_ON_THE_WAY_BYTES };
            keep(&mut self.kept, rank, frame, most_bytes.min(self.most_kept_bytes));
            if rank == i {
                return Ok(Search::Found(stretch.decoding.frame.share()?));
            }
            if rank > i {
                late += 1;
                if late >= LATE_FRAMES {
                    return Ok(Search::Absent);
                }
            }
        }
    }

    fn no_frame(&self, i: usize) -> Error {
        let why = format!(
            "there is no frame {i}, it has {} (0 to {})",
            self.len(),
            self.len().saturating_sub(1)
        );
        Error::new(ErrorKind::NotFound, WHAT, why)
    }

    fn cannot_decode(&self, i: usize) -> Error {
        let time = self.index.time_secs(i).to_f64();
        corrupt(format!("frame {i}, at {time:.3} s, cannot be decoded"))
            .remedy("copy it again from where it came from, or leave that frame out")
    }
}

/// Bytes of one picture as it is decoded, or a little more.
fn picture_bytes(stream: *mut ffi::AVStream) -> usize {
    // SAFETY: a stream of an open input has parameters.
    let parameters = unsafe { &*(*stream).codecpar };
    // SAFETY: it only computes, and gives a negative number for what is none.
    let bytes = unsafe {
        ffi::av_image_get_buffer_size(
            ffi::AVPixelFormat(parameters.format),
            parameters.width,
            parameters.height,
            1,
        )
    };
    usize::try_from(bytes).unwrap_or(usize::MAX)
}

/// Keeps a frame, and lets go of the oldest when there are too many.
fn keep(kept: &mut VecDeque<(usize, Decoded)>, rank: usize, frame: Decoded, most_bytes: usize) {
    if kept.iter().any(|&(known, _)| known == rank) {
        return;
    }
    kept.push_back((rank, frame));
    let mut bytes: usize = kept.iter().map(|(_, frame)| frame.bytes()).sum();
    while kept.len() > 1 && (bytes > most_bytes || kept.len() > KEPT_FRAMES) {
        let gone = kept.pop_front();
        bytes = bytes.saturating_sub(gone.map_or(0, |(_, frame)| frame.bytes()));
    }
}

/// Whether a frame could be decoded without any other: a stream whose picture
/// is renewed bit by bit has key packets that are not such frames, and one
/// with damage shows what was left of others.
fn is_whole(frame: &Decoded) -> bool {
    let kind = frame.get().pict_type;
    let refers = [ffi::AVPictureType::P, ffi::AVPictureType::B].contains(&kind);
    !refers && !frame.is_corrupt()
}

/// Whether the decoder can leave out frames that no other refers to. Only
/// where a frame says that for sure: HEVC marks as such even those that its
/// higher layers refer to.
fn passes_over(codec: ffi::AVCodecID) -> bool {
    [ffi::AVCodecID::H264, ffi::AVCodecID::MPEG1VIDEO, ffi::AVCodecID::MPEG2VIDEO].contains(&codec)
}
