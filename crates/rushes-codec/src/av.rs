//! Everything that goes through FFmpeg's libraries.

mod animated_webp;
mod animation;
pub(crate) mod color;
mod count;
pub(crate) mod decode;
mod describe;
mod detect;
mod frames;
mod header;
pub(crate) mod input;
mod opacity;
mod peaks;
pub(crate) mod scale;
pub(crate) mod stream;
pub(crate) mod swscale;
mod tags;
mod webp;
mod y4m;

pub(crate) use animated_webp::{AnimatedWebP, WebPFrame};
pub(crate) use animation::{is_animation, probe_animation};
pub(crate) use describe::probe;
pub(crate) use detect::{is_empty, is_still};
pub use frames::{cover_picture, preview_frames};
pub use peaks::audio_peaks;
pub(crate) use webp::encode_numbers;
pub use webp::encode_webp;

use std::ffi::{CStr, c_char, c_int};
use std::sync::Once;

use ffmpeg::ffi;
use rushes_media::{Error, ErrorKind, Rational};

/// libav's word for a profile or level that is not stated.
const NOT_STATED: c_int = -99;

/// The most that libav may allocate in one piece, for any input.
const ALLOCATION_BYTES: usize = 512 << 20;

/// What SVT-AV1 prints to the standard error by itself: less than fatal errors.
const SVT_LOG: (&str, &str) = ("SVT_LOG", "-2");

/// Silences libav's log and bounds its allocations, once.
pub(crate) fn start() {
    static STARTED: Once = Once::new();
    STARTED.call_once(|| {
        let (name, level) = SVT_LOG;
        if std::env::var_os(name).is_none() {
            // There is no other way to tell it.
            // SAFETY: Rust's own readers are locked out, and nothing of libav, whose
            // threads might read, has been called before.
            unsafe { std::env::set_var(name, level) };
        }
        // SAFETY: both only set a number that libav reads atomically.
        unsafe {
            ffi::av_log_set_level(ffi::AV_LOG_QUIET);
            ffi::av_max_alloc(ALLOCATION_BYTES);
        }
    });
}

/// A failed libav call as an error.
pub(crate) fn error(what: &str, code: c_int) -> Error {
    let (kind, why) = match code {
        ffi::AVERROR_INVALIDDATA => {
            (ErrorKind::Corrupt, "its bytes contradict themselves or end too early".to_owned())
        }
        ffi::AVERROR_EOF => (ErrorKind::Corrupt, "it ends too early".to_owned()),
        ffi::AVERROR_EXIT => (ErrorKind::Limit, "it took longer than its time limit".to_owned()),
        ffi::AVERROR_DECODER_NOT_FOUND | ffi::AVERROR_DEMUXER_NOT_FOUND => {
            (ErrorKind::Unsupported, "the linked FFmpeg has no reader for it".to_owned())
        }
        ffi::AVERROR_PATCHWELCOME => {
            (ErrorKind::Unsupported, "it uses a feature that FFmpeg cannot read".to_owned())
        }
        code if code == ffi::AVERROR(libc::ENOMEM) => {
            (ErrorKind::Limit, "it asks for more memory or streams than its limit".to_owned())
        }
        code if code == ffi::AVERROR(libc::EPERM) => {
            (ErrorKind::Unsupported, "it refers to another file or address".to_owned())
        }
        code if code == ffi::AVERROR(libc::ENOSYS) => {
            (ErrorKind::Unsupported, "FFmpeg cannot read this kind of it".to_owned())
        }
        // Demuxers say so when they run out of bytes; a disk that fails is
        // noticed where it is read.
        code if code == ffi::AVERROR(libc::EIO) => {
            (ErrorKind::Corrupt, "it ends too early".to_owned())
        }
        code => (ErrorKind::Corrupt, format!("FFmpeg says: {}", words(code))),
    };
    Error::new(kind, what, why)
}

/// A failed libav call that was to make something: no media are damaged.
pub(crate) fn refused(what: &str, code: c_int) -> Error {
    match error(what, code) {
        found if matches!(found.kind, ErrorKind::Corrupt | ErrorKind::Unsupported) => {
            let why = format!("FFmpeg refuses it: {}", words(code));
            Error::new(ErrorKind::Unsupported, what, why)
        }
        found => found,
    }
}

/// libav's own words for an error code.
fn words(code: c_int) -> String {
    let mut text: [c_char; 128] = [0; 128];
    // SAFETY: the buffer is 128 bytes, as stated; libav ends it with a zero.
    unsafe { ffi::av_strerror(code, text.as_mut_ptr(), text.len()) };
    // SAFETY: as above.
    unsafe { string(text.as_ptr()) }.unwrap_or_default()
}

/// A C string as text, bytes that are not UTF-8 replaced; `None` for null.
///
/// # Safety
/// The pointer is null or points to bytes that end with a zero.
pub(crate) unsafe fn string(pointer: *const c_char) -> Option<String> {
    if pointer.is_null() {
        return None;
    }
    // SAFETY: promised by the caller.
    Some(unsafe { CStr::from_ptr(pointer) }.to_string_lossy().into_owned())
}

/// A libav fraction, when it is one and positive.
pub(crate) fn positive(fraction: ffi::AVRational) -> Option<Rational> {
    let found = Rational::new(i64::from(fraction.num), i64::from(fraction.den))?;
    (found > Rational::ZERO).then_some(found)
}

/// A time counted in a time base, in seconds.
pub(crate) fn seconds(ticks: i64, time_base: ffi::AVRational) -> Option<Rational> {
    if ticks == ffi::AV_NOPTS_VALUE {
        return None;
    }
    Rational::whole(ticks).checked_mul(positive(time_base)?)
}

/// Name and version of each libav library that is linked, and the licence that
/// it was built under.
pub(crate) fn versions() -> Vec<(String, String)> {
    // SAFETY: these take nothing and return constants.
    let (numbers, release, licence) = unsafe {
        let numbers = [
            ("libavutil", ffi::avutil_version()),
            ("libavcodec", ffi::avcodec_version()),
            ("libavformat", ffi::avformat_version()),
            ("libswscale", ffi::swscale_version()),
            ("libswresample", ffi::swresample_version()),
        ];
        (numbers, string(ffi::av_version_info()), string(ffi::avcodec_license()))
    };
    let mut versions = vec![("FFmpeg".to_owned(), release.unwrap_or_default())];
    for (name, number) in numbers {
        let version = format!("{}.{}.{}", number >> 16, number >> 8 & 0xff, number & 0xff);
        versions.push((name.to_owned(), version));
    }
    versions.push(("FFmpeg licence".to_owned(), licence.unwrap_or_default()));
    versions
}
