//! The packets of one video stream, in the order of the file.

use ffmpeg::ffi;
use rushes_media::{Error, ErrorKind, Rational, Result};

use super::{WHAT, corrupt};
use crate::Source;
use crate::av::decode::Decoder;
use crate::av::input::{Input, Packet};
use crate::av::stream::is_attached;
use crate::av::{positive, seconds};

/// Packets between two reports of progress.
const REPORT_PACKETS: usize = 256;

/// What x264 writes before its build.
const SIGNATURE: &[u8] = b"x264 - core ";

/// What is kept of one packet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct PacketRecord {
    /// Its first byte in the file; negative when the container does not say.
    pub(super) pos: i64,
    pub(super) size: u32,
    /// In the stream's time base; `None` when the container states none.
    pub(super) pts: Option<i64>,
    pub(super) dts: Option<i64>,
    pub(super) duration: u32,
    pub(super) key: bool,
    /// Whether it gives no picture to show: an edit list leaves it out, it is
    /// empty, or it is only there for others to refer to.
    pub(super) hidden: bool,
}

impl PacketRecord {
    /// What tells packets apart wherever reading begins.
    pub(super) fn place(&self) -> (i64, u32) {
        (self.pos, self.size)
    }
}

/// An open file of which only one video stream is read.
pub(super) struct Packets<'a> {
    pub(super) input: Input<'a>,
    pub(super) index: usize,
    pub(super) stream: *mut ffi::AVStream,
    pub(super) packet: Packet,
}

impl<'a> Packets<'a> {
    /// Opens the first video stream that has a decoder.
    pub(super) fn open(source: &'a Source) -> Result<Packets<'a>> {
        let mut input = Input::open(source)?;
        let mut failed = None;
        for (index, stream) in input.streams().into_iter().enumerate() {
            // SAFETY: a stream of an open input has parameters.
            let kind = unsafe { (*(*stream).codecpar).codec_type };
            if kind != ffi::AVMediaType::VIDEO || is_attached(stream) {
                continue;
            }
            match Decoder::open(stream, source.limits()) {
                Ok(_) => {
                    input.keep_only(index);
                    return Ok(Packets { input, index, stream, packet: Packet::new()? });
                }
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        Err(failed
            .unwrap_or_else(|| Error::new(ErrorKind::Unsupported, WHAT, "there is none in it")))
    }

    pub(super) fn time_base(&self) -> ffi::AVRational {
        // SAFETY: the stream is open.
        unsafe { (*self.stream).time_base }
    }

    pub(super) fn codec(&self) -> ffi::AVCodecID {
        // SAFETY: a stream of an open input has parameters.
        unsafe { (*(*self.stream).codecpar).codec_id }
    }

    /// Frames that the header states.
    pub(super) fn stated_frames(&self) -> Option<u64> {
        // SAFETY: the stream is open.
        u64::try_from(unsafe { (*self.stream).nb_frames }).ok().filter(|&frames| frames > 0)
    }

    /// The frames a second that the container states, and those that libav has
    /// found; none of a GIF, which states none and whose hundredths are too coarse to
    /// find one.
    pub(super) fn stated_rates(&self) -> Vec<Rational> {
        if self.input.demuxers().contains(&"gif") {
            return Vec::new();
        }
        // SAFETY: the stream is open.
        let (average, base) =
            unsafe { ((*self.stream).avg_frame_rate, (*self.stream).r_frame_rate) };
        [average, base].into_iter().filter_map(positive).collect()
    }

    /// Ticks that one frame lasts at the average rate.
    pub(super) fn frame_ticks(&self) -> i64 {
        let ticks = self.stated_rates().first().and_then(|&rate| {
            let tick = seconds(1, self.time_base())?;
            Some(Rational::whole(1).checked_div(rate.checked_mul(tick)?)?.to_f64().round() as i64)
        });
        ticks.unwrap_or(1).max(1)
    }

    /// When the earliest picture or sound of the container starts, in seconds.
    pub(super) fn start_secs(&self) -> Option<Rational> {
        self.input.start_secs()
    }

    /// The first packet of a stream that was written by an x264 whose 4:4:4
    /// pictures only decode when it is known to have written them. It says so
    /// in its first packet alone, so that every decoder must see that.
    pub(super) fn signature(&mut self) -> Result<Option<Packet>> {
        if self.codec() != ffi::AVCodecID::H264 || !self.read()? {
            return Ok(None);
        }
        // Its build follows its name in the message (SEI, user data
        // unregistered); those before 151 differ.
        let data = self.packet.data();
        let named = data.windows(SIGNATURE.len()).position(|window| window == SIGNATURE);
        let digits = named.and_then(|at| data.get(at + SIGNATURE.len()..)).unwrap_or_default();
        let build = digits.iter().map_while(|&digit| char::from(digit).to_digit(10)).take(4);
        let build = build.fold(0, |number, digit| number * 10 + digit);
        if build == 0 || build >= 151 { Ok(None) } else { self.packet.share().map(Some) }
    }

    /// Reads the stream's next packet; `false` at the end of the file.
    pub(super) fn read(&mut self) -> Result<bool> {
        loop {
            if self.input.read(&mut self.packet)?.is_none() {
                return Ok(false);
            }
            if self.packet.stream() == self.index {
                return Ok(true);
            }
        }
    }

    /// What is to be kept of the packet that was read last.
    pub(super) fn record(&self) -> PacketRecord {
        let packet = self.packet.get();
        let stated = |ticks: i64| (ticks != ffi::AV_NOPTS_VALUE).then_some(ticks);
        let first = self.packet.data().first();
        // VP8 keeps pictures that are only for reference in packets of their
        // own (RFC 6386, section 9.1: bit 4).
        let shows =
            first.is_some_and(|first| self.codec() != ffi::AVCodecID::VP8 || first & 0x10 != 0);
        PacketRecord {
            pos: packet.pos.max(-1),
            size: u32::try_from(packet.size).unwrap_or(0),
            pts: stated(packet.pts),
            dts: stated(packet.dts),
            duration: u32::try_from(packet.duration).unwrap_or(0),
            key: packet.flags & ffi::AV_PKT_FLAG_KEY != 0,
            hidden: !shows || packet.flags & ffi::AV_PKT_FLAG_DISCARD != 0,
        }
    }

    /// Every packet from here to the end.
    pub(super) fn records(
        &mut self,
        progress: &mut dyn FnMut(u64) -> bool,
    ) -> Result<Vec<PacketRecord>> {
        let room = self.input.source().limits().memory_bytes / 4;
        let most = usize::try_from(room).unwrap_or(usize::MAX) / size_of::<PacketRecord>();
        let most = most.min(u32::MAX as usize - 1);
        let mut records = Vec::new();
        let mut read_bytes = 0_u64;
        while self.read()? {
            if records.len() >= most {
                let why = format!("it has more than {most} packets");
                return Err(Error::new(ErrorKind::Limit, WHAT, why));
            }
            let record = self.record();
            let end = u64::try_from(record.pos).unwrap_or(0) + u64::from(record.size);
            read_bytes = read_bytes.max(end);
            records.push(record);
            if records.len() % REPORT_PACKETS == 0 && !progress(read_bytes) {
                return Err(stopped());
            }
        }
        if records.is_empty() {
            return Err(corrupt("there is not one frame in it"));
        }
        Ok(records)
    }

    /// Names the packet that was read last by its place in the file's order,
    /// so that the frame that comes of it carries that number as its time.
    pub(super) fn number(&mut self, ordinal: usize) {
        // SAFETY: the packet is ours.
        unsafe {
            (*self.packet.0).pts = i64::try_from(ordinal).unwrap_or(ffi::AV_NOPTS_VALUE);
            (*self.packet.0).dts = ffi::AV_NOPTS_VALUE;
        }
    }
}

/// The caller wants no more.
pub(super) fn stopped() -> Error {
    Error::new(ErrorKind::Unavailable, "indexing the video", "it was cancelled")
}
