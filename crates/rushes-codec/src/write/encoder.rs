//! libav's encoders.

use std::collections::HashMap;
use std::ffi::CString;
use std::ptr;

use ffmpeg::ffi;
use rushes_media::{Error, ErrorKind, Rational, Result};

use super::output::Output;
use super::pictures::Pictures;
use super::targets::{Container, Scale, VideoCodec};
use super::{WEBP, WHAT, WriterOptions, fraction, sides};
use crate::av::decode::Frame;
use crate::av::input::{Options, Packet};
use crate::av::{error, refused};

/// An encoder, and its name.
type Found = (*const ffi::AVCodec, &'static str);

/// Those of the codec's encoders that are there.
fn present(encoders: &[&'static str]) -> impl Iterator<Item = Found> {
    encoders.iter().filter_map(|&name| {
        let text = CString::new(name).ok()?;
        // SAFETY: the name ends with a zero; encoders are constants, or null.
        let encoder = unsafe { ffi::avcodec_find_encoder_by_name(text.as_ptr()) };
        (!encoder.is_null()).then_some((encoder, name))
    })
}

/// The first of the codec's encoders that is there.
///
/// # Errors
/// `Unsupported` when there is none.
pub(super) fn find(words: &str, encoders: &[&'static str]) -> Result<Found> {
    present(encoders).next().ok_or_else(|| {
        let why = format!("the linked FFmpeg has no encoder for {words}");
        Error::new(ErrorKind::Unsupported, WHAT, why)
            .remedy(format!("install one with {}, or name another codec", encoders.join(" or ")))
    })
}

/// libav's numbers for profiles of ProRes.
const PRORES_HQ: i32 = 3;
const PRORES_4444: i32 = 4;

/// x265 takes the delay between decoding and showing from the frame behind these.
const X265_DELAY_FRAMES: u64 = 2;

/// What an encoder of pictures is opened for.
#[derive(Clone, Copy)]
pub(super) struct Video<'v> {
    pub(super) container: &'v Container,
    pub(super) codec: &'v VideoCodec,
    pub(super) options: &'v WriterOptions,
    pub(super) pictures: &'v Pictures,
    /// Seconds of a tick of their times.
    pub(super) time_base: Rational,
}

/// An open encoder.
pub(super) struct Encoder {
    context: *mut ffi::AVCodecContext,
    packet: Packet,
    /// How long frames are shown, by their time, until their packet comes.
    durations: HashMap<i64, i64>,
    /// How many frames came.
    given: u64,
    /// The container's own name for the codec; 0 for libav's choice.
    tag: u32,
    /// The number of its stream in the output.
    pub(super) stream: usize,
}

// SAFETY: the context belongs to this value alone, and may be used from any one
// thread at a time.
unsafe impl Send for Encoder {}

impl Encoder {
    /// The first of the codec's encoders that takes such pictures: SVT-AV1, for
    /// one, knows no odd sides and none below 64 pixels.
    pub(super) fn open(video: Video<'_>) -> Result<Encoder> {
        let Video { codec, .. } = video;
        let first = find(codec.words, codec.encoders)?;
        sides::check(codec, video.pictures)?;
        Encoder::of(first, video).or_else(|refused| {
            let mut others = present(codec.encoders).skip(1);
            others.find_map(|found| Encoder::of(found, video).ok()).ok_or(refused)
        })
    }

    fn of((found, name): Found, video: Video<'_>) -> Result<Encoder> {
        let Video { container, codec, options, pictures, time_base } = video;
        // Apple's players take HEVC under this name only.
        let is_mp4 = ["mp4", "mov"].contains(&container.muxer);
        let tag = if codec.name == "hevc" && is_mp4 { u32::from_le_bytes(*b"hvc1") } else { 0 };
        let has_header = container.has_global_header();
        let opened = Encoder::start(found, tag, has_header, |context, more| {
            // SAFETY: the context is whole and not open yet.
            unsafe {
                pictures.describe(context);
                (*context).time_base = fraction(time_base);
                if let Some(rate) = options.rate_hz {
                    (*context).framerate = fraction(rate);
                }
                match (codec.scale, codec.scale.number(options.quality)) {
                    (Scale::Option { name, .. }, Some(number)) => {
                        more.set(name, &number.to_string());
                        // Without a bit rate of zero libvpx only takes it as a limit.
                        (*context).bit_rate = 0;
                    }
                    (Scale::Quantiser { .. }, Some(number)) => {
                        (*context).flags |= ffi::AV_CODEC_FLAG_QSCALE as i32;
                        (*context).global_quality = (number * f64::from(ffi::FF_QP2LAMBDA)) as i32;
                    }
                    _ => {}
                }
            }
            if codec.name == "prores" {
                // MXF has to be told what FFmpeg's encoder keeps to itself.
                let is_422 = pictures.format == ffi::AVPixelFormat::YUV422P10LE;
                // SAFETY: as above.
                unsafe { (*context).profile = if is_422 { PRORES_HQ } else { PRORES_4444 } };
            }
            if codec.name == WEBP && options.quality == Some(100) {
                more.set("lossless", "1");
            }
            let threads = options.threads;
            more.set("threads", &if threads == 0 { "auto".into() } else { threads.to_string() });
            for (key, value) in pictures.settings(name) {
                more.set(key, &value);
            }
        });
        opened.map_err(|mut error| {
            if error.kind == ErrorKind::Unsupported {
                let (width_px, height_px) = (pictures.width_px, pictures.height_px);
                error.why = format!("{name} and {width_px}x{height_px} pixels: {}", error.why);
                error = error.remedy("resize or pad the frames, or name another codec");
            }
            error
        })
    }

    /// Opens an encoder that `set_up` has told what it will get.
    pub(super) fn start(
        codec: *const ffi::AVCodec,
        tag: u32,
        has_global_header: bool,
        set_up: impl FnOnce(*mut ffi::AVCodecContext, &mut Options),
    ) -> Result<Encoder> {
        // SAFETY: takes the encoder; the result is checked.
        let context = unsafe { ffi::avcodec_alloc_context3(codec) };
        if context.is_null() {
            return Err(error(WHAT, ffi::AVERROR(libc::ENOMEM)));
        }
        let (packet, durations) = (Packet::new()?, HashMap::new());
        let encoder = Encoder { context, packet, durations, given: 0, tag, stream: 0 };
        let mut options = Options::new();
        set_up(context, &mut options);
        // SAFETY: context and options are ours, the codec is a constant.
        let code = unsafe {
            if has_global_header {
                (*context).flags |= ffi::AV_CODEC_FLAG_GLOBAL_HEADER as i32;
            }
            ffi::avcodec_open2(context, codec, &raw mut options.0)
        };
        if code < 0 { Err(refused("opening the encoder", code)) } else { Ok(encoder) }
    }

    /// libav's context, open.
    pub(super) fn context(&self) -> &ffi::AVCodecContext {
        // SAFETY: it is ours and not null.
        unsafe { &*self.context }
    }

    /// Tells the container what the stream is.
    ///
    /// # Safety
    /// The stream is one of an open output.
    pub(super) unsafe fn describe(&self, stream: *mut ffi::AVStream) -> Result<()> {
        // SAFETY: the context is open, and so is the stream.
        unsafe {
            let parameters = (*stream).codecpar;
            let code = ffi::avcodec_parameters_from_context(parameters, self.context);
            if code < 0 {
                return Err(error(WHAT, code));
            }
            (*stream).time_base = (*self.context).time_base;
            (*stream).avg_frame_rate = (*self.context).framerate;
            (*stream).sample_aspect_ratio = (*self.context).sample_aspect_ratio;
            (*parameters).codec_tag = self.tag;
        }
        Ok(())
    }

    /// Whether the times at which packets are decoded were never set. So few frames
    /// are in the order in which they are shown.
    fn has_untimed_packets(&self) -> bool {
        self.context().codec_id == ffi::AVCodecID::HEVC && self.given <= X265_DELAY_FRAMES
    }

    /// Encodes one frame, with how many ticks it is shown (0 when that is not
    /// known) where the encoder is to be told; or what is left when there is
    /// none. The packets that come of it are written.
    pub(super) fn send(
        &mut self,
        frame: Option<(&Frame, Option<i64>)>,
        output: &mut Output,
    ) -> Result<()> {
        if let Some((picture, duration)) = frame {
            self.given += 1;
            if let Some(duration) = duration {
                self.durations.insert(picture.get().pts, duration);
            }
            // Encoders with a quantiser take it from each picture.
            // SAFETY: the context is open, the picture is the caller's alone.
            unsafe { (*picture.0).quality = (*self.context).global_quality };
        }
        let given = frame.map_or(ptr::null(), |(frame, _)| frame.0.cast_const());
        // SAFETY: the context is open; the frame is whole, or null for the end.
        let code = unsafe { ffi::avcodec_send_frame(self.context, given) };
        if code < 0 {
            return Err(refused(WHAT, code));
        }
        loop {
            // SAFETY: the context is open, the packet is ours.
            let code = unsafe { ffi::avcodec_receive_packet(self.context, self.packet.0) };
            if code == ffi::AVERROR(libc::EAGAIN) || code == ffi::AVERROR_EOF {
                return Ok(());
            }
            if code < 0 {
                return Err(refused(WHAT, code));
            }
            // SAFETY: as above.
            let time_base = unsafe {
                if frame.is_none() && self.has_untimed_packets() {
                    (*self.packet.0).dts = (*self.packet.0).pts;
                }
                if let Some(duration) = self.durations.remove(&(*self.packet.0).pts) {
                    (*self.packet.0).duration = duration;
                }
                (*self.context).time_base
            };
            output.write(&self.packet, self.stream, time_base)?;
        }
    }
}

impl Drop for Encoder {
    fn drop(&mut self) {
        // SAFETY: the context is ours, or null.
        unsafe { ffi::avcodec_free_context(&raw mut self.context) };
    }
}
