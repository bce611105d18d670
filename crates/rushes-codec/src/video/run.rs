//! Packets into a decoder and frames out of it, each frame known by the
//! packet that it comes of.

use std::num::NonZero;

use ffmpeg::ffi;
use rushes_media::Result;

use super::packets::Packets;
use crate::av::decode::{Decoder, Frame};
use crate::av::input::Packet;

/// Threads used at most when none are asked for: more cost latency and memory
/// and gain little.
const MOST_THREADS: usize = 4;

/// Failures in a row after which nothing more is expected.
const BROKEN_IN_A_ROW: u32 = 2000;

/// Threads to decode with when `asked` are asked for, 0 for as fits.
pub(super) fn threads(asked: u32) -> u32 {
    if asked > 0 {
        return asked.min(16);
    }
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
    u32::try_from(cores.min(MOST_THREADS)).unwrap_or(1)
}

/// What one step did.
pub(super) enum Step {
    /// The frame of this packet came out; it is in `frame`.
    Frame(usize),
    /// A packet was given.
    Sent,
    /// Nothing more will come.
    End,
}

/// One stretch of packets on their way through a decoder.
pub(super) struct Decoding {
    pub(super) decoder: Decoder,
    pub(super) frame: Frame,
    /// The packet that is given next; it has been read already while it is
    /// pending.
    pub(super) next: usize,
    pending: bool,
    /// Where to end.
    to: usize,
    draining: bool,
    broken: u32,
    /// Whether any packet since the start could not be decoded.
    pub(super) has_failed: bool,
}

impl Decoding {
    /// Starts with packet `from`, which has been read into `packets.packet`.
    pub(super) fn start(
        packets: &Packets<'_>,
        from: usize,
        to: usize,
        threads: u32,
        reorder: u32,
    ) -> Result<Decoding> {
        let limits = packets.input.source().limits();
        Ok(Decoding {
            decoder: Decoder::open_with(packets.stream, limits, threads, reorder)?,
            frame: Frame::new()?,
            next: from,
            pending: true,
            to,
            draining: false,
            broken: 0,
            has_failed: false,
        })
    }

    /// Lets the decoder see what only the first packet says. Its frame has no
    /// number, so that it is not met again.
    pub(super) fn introduce(&mut self, signature: &Packet) {
        self.decoder.send(signature.0);
    }

    /// Starts anew with packet `from`, after a seek within the same file.
    pub(super) fn restart(&mut self, from: usize) {
        self.decoder.flush();
        self.next = from;
        self.pending = true;
        self.draining = false;
        self.broken = 0;
        self.has_failed = false;
    }

    /// Whether no packet will be given any more.
    pub(super) fn is_ending(&self) -> bool {
        self.draining || self.next >= self.to
    }

    /// Goes on with packet `next`, which has been read again meanwhile.
    pub(super) fn goes_on_with_what_was_read(&mut self) {
        self.pending = true;
    }

    /// Takes a frame that is ready, else gives one packet. `pass_over` says of
    /// a packet whether its frame is of use to nobody.
    pub(super) fn step(
        &mut self,
        packets: &mut Packets<'_>,
        pass_over: &mut dyn FnMut(usize) -> bool,
    ) -> Result<Step> {
        loop {
            let code = self.decoder.receive(&mut self.frame);
            if code >= 0 {
                self.broken = 0;
                // SAFETY: the frame is ours and was just filled.
                let ordinal = unsafe { (*self.frame.0).pts };
                match usize::try_from(ordinal) {
                    Ok(ordinal) => return Ok(Step::Frame(ordinal)),
                    Err(_) => continue,
                }
            }
            if code == ffi::AVERROR_EOF {
                return Ok(Step::End);
            }
            if code != ffi::AVERROR(libc::EAGAIN) {
                self.broken += 1;
                self.has_failed = true;
                if self.broken > BROKEN_IN_A_ROW {
                    return Ok(Step::End);
                }
                if self.draining {
                    continue;
                }
            } else if self.draining {
                return Ok(Step::End);
            }
            return self.give(packets, pass_over);
        }
    }

    fn give(
        &mut self,
        packets: &mut Packets<'_>,
        pass_over: &mut dyn FnMut(usize) -> bool,
    ) -> Result<Step> {
        let has_one = self.pending || (self.next < self.to && packets.read()?);
        if self.next >= self.to || !has_one {
            self.draining = true;
            self.decoder.send(std::ptr::null());
            return Ok(Step::Sent);
        }
        packets.number(self.next);
        self.decoder.pass_over_unreferenced(pass_over(self.next));
        self.pending = false;
        self.next += 1;
        if self.decoder.send(packets.packet.0) < 0 {
            self.broken += 1;
            self.has_failed = true;
            if self.broken > BROKEN_IN_A_ROW {
                self.draining = true;
                self.decoder.send(std::ptr::null());
            }
        }
        Ok(Step::Sent)
    }
}
