//! What cameras send: V4L2's formats that can be made into frames, by their names in FFmpeg.

use ffmpeg::ffi::AVPixelFormat as Format;

/// What a picture consists of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Known {
    /// Numbers, as this format of FFmpeg has them.
    Raw(Format),
    /// JPEG, each on its own.
    Jpeg,
}

/// Those that are read, what is to be preferred first.
pub(super) const KNOWN: [([u8; 4], Known); 13] = [
    (*b"RGB3", Known::Raw(Format::RGB24)),
    (*b"BGR3", Known::Raw(Format::BGR24)),
    (*b"422P", Known::Raw(Format::YUV422P)),
    (*b"NV16", Known::Raw(Format::NV16)),
    (*b"YUYV", Known::Raw(Format::YUYV422)),
    (*b"UYVY", Known::Raw(Format::UYVY422)),
    (*b"YVYU", Known::Raw(Format::YVYU422)),
    (*b"YU12", Known::Raw(Format::YUV420P)),
    (*b"NV12", Known::Raw(Format::NV12)),
    (*b"NV21", Known::Raw(Format::NV21)),
    (*b"MJPG", Known::Jpeg),
    (*b"JPEG", Known::Jpeg),
    (*b"GREY", Known::Raw(Format::GRAY8)),
];

/// What these four characters stand for.
pub(super) fn known(fourcc: u32) -> Option<Known> {
    KNOWN.iter().find(|(name, _)| u32::from_le_bytes(*name) == fourcc).map(|&(_, known)| known)
}

/// Its place in the order of preference.
pub(super) fn rank(fourcc: u32) -> Option<usize> {
    KNOWN.iter().position(|(name, _)| u32::from_le_bytes(*name) == fourcc)
}

/// The four characters as text that can be printed.
pub(super) fn name(fourcc: u32) -> String {
    fourcc.to_le_bytes().escape_ascii().to_string().trim_end().to_owned()
}
