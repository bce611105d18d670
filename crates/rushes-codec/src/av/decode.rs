//! Compressed packets to frames of pictures or sound.

use std::ffi::c_int;
use std::ptr;

use ffmpeg::ffi;
use rushes_media::{Error, ErrorKind, Limits, Result};

use super::input::{Input, Options, Packet, coded_pixels, decoders};
use super::{error, opacity, string};

/// Broken packets in a row after which a stream is given up.
const BROKEN_IN_A_ROW: u32 = 2000;

/// Frames that a decoder is asked to hold back at most: H.264 has no more.
const MOST_REORDERED: u32 = 16;

/// One decoded picture or block of samples.
pub(crate) struct Frame(pub(crate) *mut ffi::AVFrame);

// SAFETY: the frame belongs to this value alone, and the buffers that it may
// share are counted atomically and no longer written to.
unsafe impl Send for Frame {}

impl Frame {
    pub(crate) fn new() -> Result<Frame> {
        // SAFETY: takes nothing; the result is checked.
        let frame = unsafe { ffi::av_frame_alloc() };
        if frame.is_null() {
            return Err(error("decoding", ffi::AVERROR(libc::ENOMEM)));
        }
        Ok(Frame(frame))
    }

    pub(crate) fn get(&self) -> &ffi::AVFrame {
        // SAFETY: the frame is ours and not null.
        unsafe { &*self.0 }
    }

    /// Its presentation time in the stream's time base.
    pub(crate) fn ticks(&self) -> Option<i64> {
        let ticks = self.get().best_effort_timestamp;
        (ticks != ffi::AV_NOPTS_VALUE).then_some(ticks)
    }

    /// Whether the decoder says that parts of it are missing.
    pub(crate) fn is_corrupt(&self) -> bool {
        self.get().flags & ffi::AV_FRAME_FLAG_CORRUPT != 0 || self.get().decode_error_flags != 0
    }

    /// Whether the field of its upper line comes first; `None` when it is a
    /// whole picture.
    #[cfg(coded_side_data)]
    pub(crate) fn top_first(&self) -> Option<bool> {
        let has = |flag: c_int| self.get().flags & flag != 0;
        has(ffi::AV_FRAME_FLAG_INTERLACED as c_int)
            .then(|| has(ffi::AV_FRAME_FLAG_TOP_FIELD_FIRST as c_int))
    }

    /// The same, where fields of the frame say it.
    #[cfg(not(coded_side_data))]
    pub(crate) fn top_first(&self) -> Option<bool> {
        (self.get().interlaced_frame != 0).then(|| self.get().top_field_first != 0)
    }

    /// Has it say that it is a whole picture.
    pub(crate) fn set_whole(&mut self) {
        // SAFETY: the frame is ours.
        #[cfg(coded_side_data)]
        unsafe {
            let fields = ffi::AV_FRAME_FLAG_INTERLACED | ffi::AV_FRAME_FLAG_TOP_FIELD_FIRST;
            (*self.0).flags &= !(fields as c_int);
        }
        // SAFETY: as above.
        #[cfg(not(coded_side_data))]
        unsafe {
            ((*self.0).interlaced_frame, (*self.0).top_field_first) = (0, 0);
        }
    }

    /// Samples of each channel.
    pub(crate) fn samples(&self) -> usize {
        usize::try_from(self.get().nb_samples).unwrap_or(0)
    }

    /// Leaves out the samples behind so many.
    pub(crate) fn keep_samples(&mut self, samples: usize) {
        let kept = self.get().nb_samples.min(c_int::try_from(samples).unwrap_or(c_int::MAX));
        // SAFETY: the frame is ours, and has at least that many.
        unsafe { (*self.0).nb_samples = kept };
    }

    /// Bytes of its buffers.
    pub(crate) fn bytes(&self) -> usize {
        let size = |buffer: &*mut ffi::AVBufferRef| {
            // SAFETY: the frame holds its buffers; one that is not null is whole.
            if buffer.is_null() { 0 } else { unsafe { (**buffer).size } }
        };
        self.get().buf.iter().map(size).sum()
    }

    /// Another frame that shares this one's content.
    pub(crate) fn share(&self) -> Result<Frame> {
        let frame = Frame::new()?;
        // SAFETY: both frames are ours; the new one is empty.
        let code = unsafe { ffi::av_frame_ref(frame.0, self.0) };
        if code < 0 { Err(error("decoding", code)) } else { Ok(frame) }
    }

    /// Takes the other frame's content; the other is empty afterwards.
    pub(crate) fn take(&mut self, other: &mut Frame) {
        // SAFETY: both frames are ours and not null.
        unsafe {
            ffi::av_frame_unref(self.0);
            ffi::av_frame_move_ref(self.0, other.0);
        }
    }
}

impl Drop for Frame {
    fn drop(&mut self) {
        // SAFETY: the frame is ours.
        unsafe { ffi::av_frame_free(&raw mut self.0) };
    }
}

/// An open decoder of one stream.
pub(crate) struct Decoder {
    context: *mut ffi::AVCodecContext,
    draining: bool,
    in_a_row: u32,
    /// Packets given to it.
    pub(crate) sent: u32,
    /// Packets that it could not use.
    pub(crate) broken: u32,
}

impl Decoder {
    /// Opens a decoder for the stream.
    ///
    /// # Errors
    /// `Unsupported` when there is none, `Limit` when its pictures are too
    /// large, `Corrupt` when the stream's parameters make no sense.
    pub(crate) fn open(stream: *mut ffi::AVStream, limits: &Limits) -> Result<Decoder> {
        Decoder::open_with(stream, limits, 1, 0)
    }

    /// Opens a decoder for the stream that works with this many threads, and
    /// holds back at least `reorder` frames to put them in order.
    ///
    /// # Errors
    /// As for `open`.
    pub(crate) fn open_with(
        stream: *mut ffi::AVStream,
        limits: &Limits,
        threads: u32,
        reorder: u32,
    ) -> Result<Decoder> {
        // SAFETY: a stream of an open input has parameters.
        let (parameters, time_base) = unsafe { (&*(*stream).codecpar, (*stream).time_base) };
        Decoder::of(parameters, time_base, limits, threads, reorder)
    }

    /// Opens a decoder of pictures of this size that stand alone, and come without a container.
    ///
    /// # Errors
    /// As for `open`.
    pub(crate) fn of_pictures(
        codec: ffi::AVCodecID,
        (width_px, height_px): (u32, u32),
        limits: &Limits,
    ) -> Result<Decoder> {
        // SAFETY: takes nothing; the result is checked, and freed below.
        let mut parameters = unsafe { ffi::avcodec_parameters_alloc() };
        // SAFETY: ours, or null.
        let Some(given) = (unsafe { parameters.as_mut() }) else {
            return Err(error("opening a decoder", ffi::AVERROR(libc::ENOMEM)));
        };
        given.codec_type = ffi::AVMediaType::VIDEO;
        given.codec_id = codec;
        let side = |px: u32| c_int::try_from(px).unwrap_or(c_int::MAX);
        (given.width, given.height) = (side(width_px), side(height_px));
        let time_base = ffi::AVRational { num: 1, den: 1 };
        let opened = Decoder::of(given, time_base, limits, 1, 0);
        // SAFETY: it was made here, and the decoder has a copy.
        unsafe { ffi::avcodec_parameters_free(&raw mut parameters) };
        opened
    }

    fn of(
        parameters: &ffi::AVCodecParameters,
        time_base: ffi::AVRational,
        limits: &Limits,
        threads: u32,
        reorder: u32,
    ) -> Result<Decoder> {
        if let Some((width, height)) = u32::try_from(parameters.width)
            .ok()
            .zip(u32::try_from(parameters.height).ok())
            .filter(|&(width, height)| width > 0 && height > 0)
        {
            limits.check_picture(width.into(), height.into(), 3)?;
        }
        // SAFETY: names and codecs are constants; the context is ours and freed
        // by `drop`, which every way out below runs.
        unsafe {
            let name = string(ffi::avcodec_get_name(parameters.codec_id)).unwrap_or_default();
            let what = format!("opening a decoder for {name}");
            let codec = opacity::decoder(parameters)
                .unwrap_or_else(|| ffi::avcodec_find_decoder(parameters.codec_id));
            if codec.is_null() {
                return Err(Error::new(ErrorKind::Unsupported, what, "FFmpeg has none for it"));
            }
            let mut decoder = Decoder {
                context: ffi::avcodec_alloc_context3(codec),
                draining: false,
                in_a_row: 0,
                sent: 0,
                broken: 0,
            };
            if decoder.context.is_null() {
                return Err(error(&what, ffi::AVERROR(libc::ENOMEM)));
            }
            let code = ffi::avcodec_parameters_to_context(decoder.context, parameters);
            if code < 0 {
                return Err(error(&what, code));
            }
            (*decoder.context).pkt_timebase = time_base;
            (*decoder.context).max_pixels = coded_pixels(limits);
            let reorder = c_int::try_from(reorder.min(MOST_REORDERED)).unwrap_or(0);
            (*decoder.context).has_b_frames = (*decoder.context).has_b_frames.max(reorder);
            let mut options = Options::new();
            options.set("threads", &threads.max(1).to_string());
            options.set("codec_whitelist", &decoders().to_string_lossy());
            let code = ffi::avcodec_open2(decoder.context, codec, &raw mut options.0);
            if code < 0 {
                return Err(error(&what, code));
            }
            decoder.sent = 0;
            Ok(decoder)
        }
    }

    /// Forgets what is under way, after a seek.
    pub(crate) fn flush(&mut self) {
        // SAFETY: the context is open.
        unsafe { ffi::avcodec_flush_buffers(self.context) };
        self.draining = false;
    }

    /// Takes one frame that is ready; libav's code.
    pub(crate) fn receive(&mut self, frame: &mut Frame) -> c_int {
        // SAFETY: context and frame are open and ours.
        unsafe { ffi::avcodec_receive_frame(self.context, frame.0) }
    }

    /// Gives samples that the container says are padding, too.
    pub(crate) fn leave_padding(&mut self) {
        // SAFETY: the context is open; libav reads the field at each frame.
        unsafe { (*self.context).flags2 |= ffi::AV_CODEC_FLAG2_SKIP_MANUAL as c_int };
    }

    /// Whether packets given from now on are passed over when no other frame
    /// refers to theirs.
    pub(crate) fn pass_over_unreferenced(&mut self, pass_over: bool) {
        let skip = if pass_over { ffi::AVDiscard::NONREF } else { ffi::AVDiscard::DEFAULT };
        // SAFETY: the context is open; libav reads the field at each packet.
        unsafe { (*self.context).skip_frame = skip };
    }

    /// Leaves out the loop filter: which frames come out stays the same, their
    /// pixels do not.
    pub(crate) fn without_loop_filter(&mut self) {
        // SAFETY: as above.
        unsafe { (*self.context).skip_loop_filter = ffi::AVDiscard::ALL };
    }

    /// Decodes the next frame of stream `index` into `frame`; `false` at the
    /// end. Packets that cannot be decoded are counted and left out.
    ///
    /// # Errors
    /// `Limit` when the time is spent.
    pub(crate) fn next(
        &mut self,
        input: &mut Input<'_>,
        index: usize,
        packet: &mut Packet,
        frame: &mut Frame,
    ) -> Result<bool> {
        loop {
            // SAFETY: context and frame are open and ours.
            let code = unsafe { ffi::avcodec_receive_frame(self.context, frame.0) };
            if code >= 0 {
                self.in_a_row = 0;
                return Ok(true);
            }
            if code != ffi::AVERROR(libc::EAGAIN) {
                if code == ffi::AVERROR_EOF || self.fail() {
                    return Ok(false);
                }
                if self.draining {
                    continue;
                }
            }
            if self.draining || input.read(packet)?.is_none() {
                self.draining = true;
                self.send(ptr::null_mut());
                continue;
            }
            if packet.stream() == index {
                self.sent += 1;
                if self.send(packet.0) < 0 && self.fail() {
                    return Ok(false);
                }
            }
        }
    }

    /// Decodes one packet that stands alone, such as cover art.
    pub(crate) fn decode_alone(
        &mut self,
        packet: *mut ffi::AVPacket,
        frame: &mut Frame,
    ) -> Result<()> {
        let what = "decoding the picture";
        for given in [packet, ptr::null_mut()] {
            let code = self.send(given);
            if code < 0 && code != ffi::AVERROR_EOF {
                return Err(error(what, code));
            }
            // SAFETY: context and frame are open and ours.
            let code = unsafe { ffi::avcodec_receive_frame(self.context, frame.0) };
            if code >= 0 {
                return Ok(());
            }
            if code != ffi::AVERROR(libc::EAGAIN) {
                return Err(error(what, code));
            }
        }
        Err(error(what, ffi::AVERROR_INVALIDDATA))
    }

    /// Gives one packet to the decoder, or null for the end; libav's code.
    pub(crate) fn send(&mut self, packet: *const ffi::AVPacket) -> c_int {
        // SAFETY: the context is open; the packet is whole, or null for the end.
        unsafe { ffi::avcodec_send_packet(self.context, packet) }
    }

    /// Counts a packet that was of no use; whether to give up.
    fn fail(&mut self) -> bool {
        self.broken += 1;
        self.in_a_row += 1;
        self.in_a_row > BROKEN_IN_A_ROW
    }
}

impl Drop for Decoder {
    fn drop(&mut self) {
        // SAFETY: the context is ours, or null.
        unsafe { ffi::avcodec_free_context(&raw mut self.context) };
    }
}
