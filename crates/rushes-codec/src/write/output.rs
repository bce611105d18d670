//! A sink that libav's muxers write into.

use std::ffi::{CString, c_int, c_void};
use std::io;
use std::ptr;
use std::slice;

use ffmpeg::ffi;
use rushes_media::{Error, ErrorKind, Rational, Result};

use super::encoder::Encoder;
use super::{Sink, WHAT, webp};
use crate::av::input::{Options, Packet};
use crate::av::{error, refused};

/// libav gathers this much before it writes.
const BUFFER_BYTES: usize = 256 << 10;

/// What the callbacks see.
struct Window {
    sink: Box<dyn Sink>,
    position: u64,
    end: u64,
    /// The first failure of the sink itself.
    failed: Option<io::Error>,
}

/// An open container.
pub(super) struct Output {
    context: *mut ffi::AVFormatContext,
    window: *mut Window,
    has_begun: bool,
    /// How long the last frame of a WebP is shown.
    last_ms: Option<u32>,
}

// SAFETY: the context and its window belong to this value alone, and libav's
// may be used from any one thread at a time.
unsafe impl Send for Output {}

impl Output {
    pub(super) fn create(sink: Box<dyn Sink>, muxer: &str) -> Result<Output> {
        let name = CString::new(muxer).map_err(|error| Error::bug(WHAT, error))?;
        let window = Window { sink, position: 0, end: 0, failed: None };
        let mut output = Output {
            context: ptr::null_mut(),
            window: Box::into_raw(Box::new(window)),
            has_begun: false,
            last_ms: None,
        };
        // SAFETY: the context is ours; the name ends with a zero; the window
        // outlives the I/O context, see `drop`.
        unsafe {
            let code = ffi::avformat_alloc_output_context2(
                &raw mut output.context,
                ptr::null(),
                name.as_ptr(),
                ptr::null(),
            );
            if code < 0 || output.context.is_null() {
                let why = format!("the linked FFmpeg was built without its {muxer} writer");
                return Err(Error::new(ErrorKind::Unsupported, WHAT, why));
            }
            let buffer = ffi::av_malloc(BUFFER_BYTES).cast::<u8>();
            if buffer.is_null() {
                return Err(error(WHAT, ffi::AVERROR(libc::ENOMEM)));
            }
            let io = ffi::avio_alloc_context(
                buffer,
                BUFFER_BYTES as c_int,
                1,
                output.window.cast::<c_void>(),
                None,
                Some(write),
                Some(seek),
            );
            if io.is_null() {
                ffi::av_free(buffer.cast::<c_void>());
                return Err(error(WHAT, ffi::AVERROR(libc::ENOMEM)));
            }
            (*output.context).pb = io;
            (*output.context).flags |= ffi::AVFMT_FLAG_CUSTOM_IO;
        }
        Ok(output)
    }

    /// Adds the stream that this encoder will write.
    pub(super) fn add(&mut self, encoder: &mut Encoder) -> Result<()> {
        let stream = self.add_stream()?;
        // SAFETY: the output is open.
        unsafe {
            encoder.stream = (*stream).index as usize;
            encoder.describe(stream)
        }
    }

    /// An empty stream behind those there are.
    pub(super) fn add_stream(&mut self) -> Result<*mut ffi::AVStream> {
        // SAFETY: the context is open.
        let stream = unsafe { ffi::avformat_new_stream(self.context, ptr::null()) };
        if stream.is_null() {
            return Err(error(WHAT, ffi::AVERROR(libc::ENOMEM)));
        }
        Ok(stream)
    }

    /// libav's context; valid while the output lives.
    pub(super) fn context(&self) -> *mut ffi::AVFormatContext {
        self.context
    }

    /// Writes the header, once all streams are added, with options of the muxer's.
    pub(super) fn begin(&mut self, options: &mut Options) -> Result<()> {
        // Sound of more than 4 GB (EBU Tech 3306).
        options.set("rf64", "auto");
        // SAFETY: the context is open and has streams.
        let code = unsafe { ffi::avformat_write_header(self.context, &raw mut options.0) };
        self.has_begun = code >= 0;
        self.explain(code, refused)
    }

    /// Writes one packet of this stream, whose times are in `time_base`; it is
    /// empty afterwards.
    pub(super) fn write(
        &mut self,
        packet: &Packet,
        stream: usize,
        time_base: ffi::AVRational,
    ) -> Result<()> {
        // SAFETY: the header is written, the packet is ours; the stream is one
        // that was added.
        let code = unsafe {
            if let Some(ms) = self.last_ms
                && ffi::av_packet_make_writable(packet.0) >= 0
            {
                // libwebp gives the whole animation as one packet.
                let size = usize::try_from((*packet.0).size).unwrap_or(0);
                webp::show_last_for(slice::from_raw_parts_mut((*packet.0).data, size), ms);
            }
            let stream = *(*self.context).streams.add(stream);
            (*packet.0).stream_index = (*stream).index;
            ffi::av_packet_rescale_ts(packet.0, time_base, (*stream).time_base);
            ffi::av_interleaved_write_frame(self.context, packet.0)
        };
        self.explain(code, error)
    }

    /// Has the last frame of an animation, which begins at a time, shown for so long:
    /// in a WebP until the nearest millisecond, in an APNG to what two numbers of 16
    /// bits can say. Other muxers know it from its packet.
    pub(super) fn show_last_for(&mut self, at_secs: Rational, secs: Rational, muxer: &str) {
        if muxer == "webp" {
            // FFmpeg has every frame begin at the millisecond before.
            let begun_ms = (i128::from(at_secs.num()) * 1_000).div_euclid(at_secs.den().into());
            let end_ms = ((at_secs.to_f64() + secs.to_f64()) * 1e3).round();
            self.last_ms = Some((end_ms - begun_ms as f64) as u32);
        }
        if muxer != "apng" {
            return;
        }
        let fraction = super::fraction(secs);
        // SAFETY: the context is open; the muxer's own options may be set until
        // its trailer is written.
        unsafe {
            let mut short = fraction;
            ffi::av_reduce(
                &raw mut short.num,
                &raw mut short.den,
                fraction.num.into(),
                fraction.den.into(),
                u16::MAX.into(),
            );
            ffi::av_opt_set_q((*self.context).priv_data, c"final_delay".as_ptr(), short, 0);
        }
    }

    /// Writes what comes last.
    pub(super) fn finish(mut self) -> Result<()> {
        self.has_begun = false;
        // SAFETY: the header is written and nothing follows.
        let code = unsafe {
            let code = ffi::av_write_trailer(self.context);
            ffi::avio_flush((*self.context).pb);
            code
        };
        self.explain(code, error)
    }

    /// libav's code as an error; that of the sink itself when it failed.
    fn explain(&mut self, code: c_int, error: fn(&str, c_int) -> Error) -> Result<()> {
        // SAFETY: as above.
        if let Some(failed) = unsafe { (*self.window).failed.take() } {
            return Err(Error::io(WHAT, &failed));
        }
        if code < 0 { Err(error(WHAT, code)) } else { Ok(()) }
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        // SAFETY: all of it is ours; the trailer of a file that was given up
        // frees what the muxer holds.
        unsafe {
            if !self.context.is_null() {
                if self.has_begun {
                    ffi::av_write_trailer(self.context);
                }
                let io = &raw mut (*self.context).pb;
                if !(*io).is_null() {
                    ffi::av_freep((&raw mut (**io).buffer).cast::<c_void>());
                    ffi::avio_context_free(io);
                }
                ffi::avformat_free_context(self.context);
            }
            drop(Box::from_raw(self.window));
        }
    }
}

#[cfg(not(const_write))]
type Written = *mut u8;
#[cfg(const_write)]
type Written = *const u8;

/// libav gives bytes.
unsafe extern "C" fn write(opaque: *mut c_void, bytes: Written, size: c_int) -> c_int {
    // SAFETY: `opaque` is the window given in `create`; libav calls from the
    // one thread that holds the output, with `size` bytes.
    let (window, bytes) = unsafe {
        let size = usize::try_from(size).unwrap_or(0);
        (&mut *opaque.cast::<Window>(), slice::from_raw_parts(bytes, size))
    };
    match window.sink.write_all_at(bytes, window.position) {
        Ok(()) => {
            window.position += bytes.len() as u64;
            window.end = window.end.max(window.position);
            size
        }
        Err(error) => {
            window.failed.get_or_insert(error);
            ffi::AVERROR(libc::EIO)
        }
    }
}

/// libav goes elsewhere, or asks for the size.
unsafe extern "C" fn seek(opaque: *mut c_void, offset: i64, whence: c_int) -> i64 {
    // SAFETY: as in `write`.
    let window = unsafe { &mut *opaque.cast::<Window>() };
    let position = match whence & !ffi::AVSEEK_FORCE {
        ffi::AVSEEK_SIZE => return i64::try_from(window.end).unwrap_or(i64::MAX),
        libc::SEEK_SET => u64::try_from(offset).ok(),
        libc::SEEK_CUR => window.position.checked_add_signed(offset),
        libc::SEEK_END => window.end.checked_add_signed(offset),
        _ => None,
    };
    match position.and_then(|position| i64::try_from(position).ok().map(|at| (position, at))) {
        Some((position, at)) => {
            window.position = position;
            at
        }
        None => i64::from(ffi::AVERROR(libc::EINVAL)),
    }
}
