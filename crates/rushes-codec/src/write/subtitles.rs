//! Subtitles of text from one codec to another.

use std::ffi::{CString, c_int};
use std::mem::MaybeUninit;
use std::ptr;

use ffmpeg::ffi;
use rushes_media::{Error, ErrorKind, Result};

use super::WHAT;
use super::output::Output;
use crate::av::error;
use crate::av::input::Packet;

/// The most that one subtitle takes.
const MOST_BYTES: usize = 1 << 20;
/// Ticks of written subtitles: they count in thousandths.
pub(super) const TIME_BASE: ffi::AVRational = ffi::AVRational { num: 1, den: 1000 };

/// Decodes subtitles and encodes them anew.
pub(super) struct SubtitleConverter {
    decoder: *mut ffi::AVCodecContext,
    encoder: *mut ffi::AVCodecContext,
    room: Vec<u8>,
    /// The number of its stream in the output.
    stream: usize,
}

// SAFETY: both contexts belong to this value alone.
unsafe impl Send for SubtitleConverter {}

impl SubtitleConverter {
    /// Opens both codecs for a stream, and adds the one that is written.
    pub(super) fn open(
        from: *mut ffi::AVStream,
        codec: &'static str,
        output: &mut Output,
        muxer: &str,
    ) -> Result<SubtitleConverter> {
        let name = CString::new(codec).map_err(|error| Error::bug(WHAT, error))?;
        let lacks = || {
            let why = format!("the linked FFmpeg cannot write {codec} subtitles");
            Error::new(ErrorKind::Unsupported, WHAT, why)
        };
        let to = output.add_stream()?;
        // SAFETY: the streams belong to open containers; codecs are constants;
        // `drop` frees both contexts on every way out.
        unsafe {
            let parameters = (*from).codecpar;
            let decoder = ffi::avcodec_find_decoder((*parameters).codec_id);
            let encoder = ffi::avcodec_find_encoder_by_name(name.as_ptr());
            if decoder.is_null() || encoder.is_null() {
                return Err(lacks());
            }
            let made = SubtitleConverter {
                decoder: ffi::avcodec_alloc_context3(decoder),
                encoder: ffi::avcodec_alloc_context3(encoder),
                room: vec![0; MOST_BYTES],
                stream: (*to).index as usize,
            };
            if made.decoder.is_null() || made.encoder.is_null() {
                return Err(error(WHAT, ffi::AVERROR(libc::ENOMEM)));
            }
            let check = |code: c_int| if code < 0 { Err(error(WHAT, code)) } else { Ok(()) };
            check(ffi::avcodec_parameters_to_context(made.decoder, parameters))?;
            (*made.decoder).pkt_timebase = (*from).time_base;
            check(ffi::avcodec_open2(made.decoder, decoder, ptr::null_mut()))?;
            // What decoders give is text with the styles of this header.
            let header_bytes = (*made.decoder).subtitle_header_size;
            if let Ok(size) = usize::try_from(header_bytes)
                && size > 0
            {
                let header = ffi::av_mallocz(size + 1).cast::<u8>();
                if header.is_null() {
                    return Err(error(WHAT, ffi::AVERROR(libc::ENOMEM)));
                }
                ptr::copy_nonoverlapping((*made.decoder).subtitle_header, header, size);
                (*made.encoder).subtitle_header = header;
                (*made.encoder).subtitle_header_size = header_bytes;
            }
            (*made.encoder).time_base = TIME_BASE;
            check(ffi::avcodec_open2(made.encoder, encoder, ptr::null_mut()))?;
            check(ffi::avcodec_parameters_from_context((*to).codecpar, made.encoder))?;
            (*(*to).codecpar).codec_tag = 0;
            (*to).time_base = TIME_BASE;
            super::carry::copy_stream_tags(from, to, muxer);
            Ok(made)
        }
    }

    /// Converts one packet, shown from `start_ms` on for `shown_ms`, and
    /// writes it: what is shown of it from 0 on and before `end_ms`. What cannot
    /// be read is left out.
    pub(super) fn convert(
        &mut self,
        packet: &Packet,
        (start_ms, shown_ms): (i64, i64),
        end_ms: Option<i64>,
        output: &mut Output,
    ) -> Result<()> {
        // SAFETY: both contexts are open; libav fills the subtitle in when it
        // says that it got one, which is freed then.
        unsafe {
            let mut subtitle = MaybeUninit::<ffi::AVSubtitle>::zeroed().assume_init();
            let mut has_one = 0;
            let code = ffi::avcodec_decode_subtitle2(
                self.decoder,
                &raw mut subtitle,
                &raw mut has_one,
                packet.0,
            );
            if code < 0 || has_one == 0 {
                return Ok(());
            }
            let from_ms = i64::from(subtitle.start_display_time);
            let until_ms = match subtitle.end_display_time {
                0 | u32::MAX => from_ms + shown_ms,
                end => i64::from(end),
            };
            let (from_ms, until_ms) = (start_ms + from_ms, start_ms + until_ms);
            let is_over = until_ms <= 0 && from_ms < 0;
            if is_over || end_ms.is_some_and(|end| from_ms >= end) {
                ffi::avsubtitle_free(&raw mut subtitle);
                return Ok(());
            }
            let from_ms = from_ms.max(0);
            let until_ms = end_ms.map_or(until_ms, |end| until_ms.min(end));
            subtitle.pts = from_ms.saturating_mul(1000);
            subtitle.start_display_time = 0;
            subtitle.end_display_time = u32::try_from(until_ms - from_ms).unwrap_or(0);
            let size = ffi::avcodec_encode_subtitle(
                self.encoder,
                self.room.as_mut_ptr(),
                MOST_BYTES as c_int,
                &raw const subtitle,
            );
            ffi::avsubtitle_free(&raw mut subtitle);
            // One without words takes no bytes; a broken one is left out.
            let Some(bytes) = usize::try_from(size).ok().and_then(|size| self.room.get(..size))
            else {
                return Ok(());
            };
            let made = Packet::new()?;
            let code = ffi::av_new_packet(made.0, size);
            if code < 0 {
                return Err(error(WHAT, code));
            }
            ptr::copy_nonoverlapping(bytes.as_ptr(), (*made.0).data, bytes.len());
            (*made.0).pts = from_ms;
            (*made.0).dts = from_ms;
            (*made.0).duration = until_ms - from_ms;
            output.write(&made, self.stream, TIME_BASE)
        }
    }
}

impl Drop for SubtitleConverter {
    fn drop(&mut self) {
        // SAFETY: both contexts are ours, or null; libav frees the header.
        unsafe {
            ffi::avcodec_free_context(&raw mut self.decoder);
            ffi::avcodec_free_context(&raw mut self.encoder);
        }
    }
}
