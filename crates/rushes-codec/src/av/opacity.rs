//! Opacity of VP8 and VP9: Matroska and WebM have it as a second picture beside
//! each (`AlphaMode`, RFC 9559, section 5.1.4.1.28.4), which libvpx alone decodes.

use std::ffi::CStr;
use std::ptr;

use ffmpeg::ffi;

/// libav's decoder that gives the codec's pictures with their opacity.
fn decoder_of(codec: ffi::AVCodecID) -> Option<*const ffi::AVCodec> {
    let name: &CStr = match codec {
        ffi::AVCodecID::VP8 => c"libvpx",
        ffi::AVCodecID::VP9 => c"libvpx-vp9",
        _ => return None,
    };
    // SAFETY: the name ends with a zero; decoders are constants, or null.
    let found = unsafe { ffi::avcodec_find_decoder_by_name(name.as_ptr()) };
    (!found.is_null()).then_some(found)
}

/// The decoder for pictures of which [`state`] found that they have opacity.
pub(super) fn decoder(parameters: &ffi::AVCodecParameters) -> Option<*const ffi::AVCodec> {
    let is_clear = parameters.format == ffi::AVPixelFormat::YUVA420P.0;
    decoder_of(parameters.codec_id).filter(|_| is_clear)
}

/// Has the stream's parameters say that its pictures have opacity, where the
/// container says so and it can be decoded: libav's own decoders know nothing of it.
pub(super) fn state(stream: *mut ffi::AVStream) {
    // SAFETY: a stream of an open input has parameters; what the dictionary gives
    // is text.
    unsafe {
        let parameters = &mut *(*stream).codecpar;
        let key = c"alpha_mode".as_ptr();
        let stated = ffi::av_dict_get((*stream).metadata, key, ptr::null(), 0);
        if parameters.format == ffi::AVPixelFormat::YUV420P.0
            && decoder_of(parameters.codec_id).is_some()
            && !stated.is_null()
            && CStr::from_ptr((*stated).value) == c"1"
        {
            parameters.format = ffi::AVPixelFormat::YUVA420P.0;
        }
    }
}
