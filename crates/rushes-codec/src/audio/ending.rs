//! Sound that ends amid a block, where the file says so and libav does not tell
//! its decoder, or tells it wrongly.

use std::collections::VecDeque;

use ffmpeg::ffi;
use rushes_media::Result;

use crate::av::decode::{Decoder, Frame};
use crate::av::input::{Input, Packet};

/// Samples that are padding at most: the longest block of Vorbis (Vorbis I,
/// section 4.2.2).
const MOST_PADDING: usize = 8_192;

/// Holds back the last frames until it is known how much of them is padding.
pub(super) struct Ending {
    stated: Stated,
    held: VecDeque<Frame>,
    held_samples: usize,
    made_samples: u64,
}

enum Stated {
    /// The samples of the whole stream: those of Vorbis in Ogg, whose first packet
    /// gives none, while libav counts some and takes them off the end.
    Whole(u64),
    /// Those of the last packet, as the table of times in MP4 has it.
    LastPacket(i64),
}

impl Ending {
    /// `None` where libav leaves out the padding by itself, or nobody knows of it.
    pub(super) fn of(
        input: &Input<'_>,
        stream: *mut ffi::AVStream,
        decoder: &mut Decoder,
    ) -> Option<Ending> {
        // SAFETY: a stream of an open input has parameters.
        let (parameters, stream) = unsafe { (&*(*stream).codecpar, &*stream) };
        let is_by_sample =
            stream.time_base.num == 1 && stream.time_base.den == parameters.sample_rate;
        let is_in = |demuxer: &str| is_by_sample && input.demuxers().contains(&demuxer);
        let stated = match parameters.codec_id {
            ffi::AVCodecID::VORBIS if is_in("ogg") && stream.start_time == 0 => {
                let samples = u64::try_from(stream.duration).ok().filter(|&samples| samples > 0)?;
                decoder.leave_padding();
                Stated::Whole(samples)
            }
            ffi::AVCodecID::AAC if is_in("mov") => Stated::LastPacket(0),
            _ => return None,
        };
        Some(Ending { stated, held: VecDeque::new(), held_samples: 0, made_samples: 0 })
    }

    /// Takes a frame's content, which came of this packet.
    pub(super) fn hold(&mut self, frame: &mut Frame, packet: &Packet) -> Result<()> {
        if let Stated::LastPacket(samples) = &mut self.stated {
            *samples = packet.get().duration;
        }
        let mut held = Frame::new()?;
        held.take(frame);
        self.held_samples += held.samples();
        self.made_samples += held.samples() as u64;
        self.held.push_back(held);
        Ok(())
    }

    /// The next frame that can hold no padding.
    pub(super) fn whole(&mut self) -> Option<Frame> {
        let first = self.held.front()?.samples();
        if self.held_samples < MOST_PADDING + first {
            return None;
        }
        self.held_samples -= first;
        self.held.pop_front()
    }

    /// The last frames without the padding.
    pub(super) fn finish(mut self) -> VecDeque<Frame> {
        let last = self.held.back().map_or(0, Frame::samples);
        let padding = match self.stated {
            Stated::Whole(samples) => self.made_samples.saturating_sub(samples),
            Stated::LastPacket(samples) => u64::try_from(samples)
                .ok()
                .filter(|&samples| samples > 0)
                .and_then(|samples| (last as u64).checked_sub(samples))
                .unwrap_or(0),
        };
        // More than that is no padding, but a file that says something else.
        let mut padding =
            usize::try_from(padding).ok().filter(|&it| it <= MOST_PADDING).unwrap_or(0);
        for frame in self.held.iter_mut().rev() {
            let cut = padding.min(frame.samples());
            frame.keep_samples(frame.samples() - cut);
            padding -= cut;
        }
        self.held
    }
}
