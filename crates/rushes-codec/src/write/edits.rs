//! What a file's edit list leaves out of a stream (ISO/IEC 14496-12, section
//! 8.6.6): packets that are decoded and neither shown nor heard.

use ffmpeg::ffi;
use rushes_media::Rational;

use crate::av::seconds;

/// Samples that an encoder puts before a sound, at most: more was cut off.
const MOST_DELAY: i64 = 8_192;

/// What is left out of a stream whose packets are all taken over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Edited {
    /// Nothing.
    Whole,
    /// So many seconds of the encoder's delay, before the sound.
    Delay(Rational),
    /// Something at the start.
    Start,
    /// Something behind what is shown.
    Amid,
}

impl Edited {
    /// As far as the header tells: that of a fragmented file does not.
    pub(super) fn of(stream: *mut ffi::AVStream) -> Edited {
        let (mut first, mut was_shown, mut starts_later) = (None, false, false);
        // SAFETY: a stream of an open input; its index has so many entries.
        unsafe {
            for at in 0..ffi::avformat_index_get_entries_count(stream) {
                let Some(entry) = ffi::avformat_index_get_entry(stream, at).as_ref() else { break };
                first.get_or_insert(entry.timestamp);
                let is_left_out = entry.flags() & ffi::AVINDEX_DISCARD_FRAME != 0;
                let is_key = entry.flags() & ffi::AVINDEX_KEYFRAME != 0;
                // Pictures in another order than shown have some that are left out
                // behind the first shown; another edit begins with a key frame.
                if is_left_out && is_key && was_shown {
                    return Edited::Amid;
                }
                starts_later |= is_left_out;
                was_shown |= !is_left_out;
            }
            let parameters = &*(*stream).codecpar;
            if parameters.codec_type != ffi::AVMediaType::AUDIO {
                return if starts_later { Edited::Start } else { Edited::Whole };
            }
            // libav counts a sound's start behind what it leaves out.
            let (start, time_base) = ((*stream).start_time, (*stream).time_base);
            if start == ffi::AV_NOPTS_VALUE {
                return Edited::Whole;
            }
            let ticks = first.map_or(0, |first| start.saturating_sub(first));
            let samples = ffi::av_rescale_q(
                ticks,
                time_base,
                ffi::AVRational { num: 1, den: parameters.sample_rate.max(1) },
            );
            match seconds(ticks, time_base) {
                _ if ticks <= 0 && starts_later => Edited::Start,
                Some(secs) if (1..=MOST_DELAY).contains(&samples) => Edited::Delay(secs),
                _ if ticks > 0 => Edited::Start,
                _ => Edited::Whole,
            }
        }
    }

    /// Whether files of this muxer leave it out again, where all packets are
    /// taken over.
    pub(super) fn is_kept(self, muxer: &str) -> bool {
        match self {
            Edited::Whole => true,
            Edited::Delay(_) | Edited::Start => says_start(muxer),
            Edited::Amid => false,
        }
    }
}

/// Whether files of this muxer say where in its packets a stream starts.
pub(super) fn says_start(muxer: &str) -> bool {
    matches!(muxer, "mp4" | "mov" | "ipod")
}

/// What is heard before a sound whose encoder's delay is not left out.
pub(super) fn delay_note(secs: Rational) -> String {
    format!("the encoder's delay of {:.0} ms is heard before it", secs.to_f64() * 1e3)
}
