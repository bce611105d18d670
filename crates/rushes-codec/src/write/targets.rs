//! What can be written: containers by extension, and the codecs that they hold.

use std::collections::HashSet;

use rushes_media::{Error, ErrorKind, Rational, Result};

use crate::av::input::Options;

use super::{APNG, GIF, PAGES, RAW, STILLS, SoundTarget, WEBP, WHAT, ZARR, target};

/// A kind of file.
#[derive(Debug)]
pub struct Container {
    /// Extensions without the dot, in lower case.
    pub extensions: &'static [&'static str],
    /// What people call it.
    pub words: &'static str,
    /// Names of the codecs that it holds; the first is taken when none is named.
    pub codecs: &'static [&'static str],
    /// Names of the codecs of sound that it holds; the first is taken for
    /// sound in another one.
    pub sound: &'static [&'static str],
    /// Names of the kinds of subtitles that it holds; text becomes the first.
    pub subtitles: &'static [&'static str],
    pub(super) muxer: &'static str,
}

/// A way to encode video.
#[derive(Debug)]
pub struct VideoCodec {
    /// What options call it.
    pub name: &'static str,
    /// What people call it.
    pub words: &'static str,
    /// libav's encoders for it, the best first.
    pub(super) encoders: &'static [&'static str],
    pub(super) scale: Scale,
}

/// How an encoder is told a quality.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Scale {
    /// An option from its worst number to its best, and its number when none
    /// is asked for.
    Option { name: &'static str, worst: f64, best: f64, usual: f64 },
    /// libav's own quantiser scale, as above.
    Quantiser { worst: f64, best: f64, usual: f64 },
    /// There is only one.
    Fixed,
}

const fn crf(worst: f64, usual: f64) -> Scale {
    Scale::Option { name: "crf", worst, best: 0.0, usual }
}

/// Everything that a video can be encoded as.
pub const VIDEO_CODECS: &[VideoCodec] = &[
    VideoCodec { name: "h264", words: "H.264", encoders: &["libx264"], scale: crf(51.0, 18.0) },
    VideoCodec { name: "hevc", words: "HEVC", encoders: &["libx265"], scale: crf(51.0, 20.0) },
    VideoCodec {
        name: "av1",
        words: "AV1",
        encoders: &["libsvtav1", "libaom-av1"],
        scale: crf(63.0, 25.0),
    },
    VideoCodec { name: "vp9", words: "VP9", encoders: &["libvpx-vp9"], scale: crf(63.0, 24.0) },
    VideoCodec { name: "ffv1", words: "FFV1, lossless", encoders: &["ffv1"], scale: Scale::Fixed },
    VideoCodec {
        name: "prores",
        words: "ProRes 422 HQ, 4444 with transparency or a width of 16n + 1",
        encoders: &["prores_ks"],
        scale: Scale::Fixed,
    },
    VideoCodec { name: "dnxhr", words: "DNxHR HQ", encoders: &["dnxhd"], scale: Scale::Fixed },
    VideoCodec {
        name: "mjpeg",
        words: "Motion JPEG",
        encoders: &["mjpeg"],
        scale: Scale::Quantiser { worst: 31.0, best: 1.0, usual: 2.0 },
    },
    VideoCodec {
        name: "mpeg4",
        words: "MPEG-4 Part 2",
        encoders: &["mpeg4"],
        scale: Scale::Quantiser { worst: 31.0, best: 1.0, usual: 3.0 },
    },
    VideoCodec {
        name: "mpeg2",
        words: "MPEG-2, 4:2:2",
        encoders: &["mpeg2video"],
        scale: Scale::Quantiser { worst: 31.0, best: 1.0, usual: 2.0 },
    },
    VideoCodec {
        name: "theora",
        words: "Theora",
        encoders: &["libtheora"],
        scale: Scale::Quantiser { worst: 0.0, best: 10.0, usual: 9.0 },
    },
    VideoCodec {
        name: RAW,
        words: "not compressed: grey, 4:2:0, 4:2:2 or 4:4:4 of 8 to 16 bits",
        // FFmpeg before 6 writes YUV4MPEG2 of the first alone.
        encoders: &["wrapped_avframe", "rawvideo"],
        scale: Scale::Fixed,
    },
    VideoCodec {
        name: APNG,
        words: "PNG, lossless: 8 or 16 bits",
        encoders: &["apng"],
        scale: Scale::Fixed,
    },
    VideoCodec {
        name: WEBP,
        words: "WebP, lossless at quality 100",
        encoders: &["libwebp_anim"],
        scale: Scale::Option { name: "quality", worst: 0.0, best: 100.0, usual: 90.0 },
    },
    VideoCodec {
        name: GIF,
        words: "GIF, palettes that follow the picture, changes alone",
        encoders: &[],
        scale: Scale::Fixed,
    },
    VideoCodec {
        name: PAGES,
        words: "TIFF pages, lossless: 8 bits, 16 bits or floats",
        encoders: &[],
        scale: Scale::Fixed,
    },
    VideoCodec {
        name: ZARR,
        words: "chunks packed by Zstandard, lossless: 8 bits, 16 bits or floats",
        encoders: &[],
        scale: Scale::Fixed,
    },
];

/// What numbered stills are encoded as: see [`crate::STILL_TARGETS`].
static NUMBERED_STILLS: VideoCodec =
    VideoCodec { name: STILLS, words: "numbered stills", encoders: &[], scale: Scale::Fixed };

/// Every kind of video file that can be written.
pub const CONTAINERS: &[Container] = &[
    Container {
        extensions: &["mp4", "m4v"],
        words: "MP4",
        codecs: &["h264", "hevc", "av1", "vp9", "mpeg4"],
        sound: &["aac", "mp3", "ac3", "eac3", "alac", "opus"],
        subtitles: &["mov_text"],
        muxer: "mp4",
    },
    Container {
        extensions: &["mov", "qt"],
        words: "QuickTime",
        codecs: &["h264", "hevc", "prores", "dnxhr", "mjpeg", "mpeg4"],
        sound: &["aac", "mp3", "ac3", "alac", "pcm_s16le", "pcm_s24le", "pcm_s16be", "pcm_s24be"],
        subtitles: &["mov_text"],
        muxer: "mov",
    },
    Container {
        extensions: &["mkv"],
        words: "Matroska",
        codecs: &["h264", "hevc", "av1", "vp9", "ffv1", "prores", "mjpeg", "mpeg4"],
        sound: &[
            "aac",
            "opus",
            "flac",
            "vorbis",
            "mp3",
            "ac3",
            "eac3",
            "dts",
            "truehd",
            "alac",
            "pcm_s16le",
            "pcm_s24le",
            "pcm_f32le",
        ],
        subtitles: &["subrip", "ass", "webvtt", "hdmv_pgs_subtitle", "dvd_subtitle"],
        muxer: "matroska",
    },
    Container {
        extensions: &["webm"],
        words: "WebM",
        codecs: &["vp9", "av1"],
        sound: &["opus", "vorbis"],
        subtitles: &["webvtt"],
        muxer: "webm",
    },
    Container {
        extensions: &["avi"],
        words: "AVI",
        codecs: &["mjpeg", "mpeg4", "ffv1"],
        sound: &["mp3", "ac3", "pcm_s16le"],
        subtitles: &[],
        muxer: "avi",
    },
    Container {
        extensions: &["mxf"],
        words: "MXF (OP1a)",
        codecs: &["mpeg2", "dnxhr", "prores"],
        sound: &["pcm_s16le", "pcm_s24le"],
        subtitles: &[],
        muxer: "mxf",
    },
    Container {
        // What is converted into `.ogg` is sound alone.
        extensions: &["ogv", "ogg"],
        words: "Ogg",
        codecs: &["theora"],
        sound: &["vorbis", "opus", "flac"],
        subtitles: &[],
        muxer: "ogg",
    },
    Container {
        extensions: &["y4m"],
        words: "YUV4MPEG2",
        codecs: &[RAW],
        sound: &[],
        subtitles: &[],
        muxer: "yuv4mpegpipe",
    },
    Container {
        extensions: &["apng"],
        words: "Animated PNG",
        codecs: &[APNG],
        sound: &[],
        subtitles: &[],
        muxer: "apng",
    },
    Container {
        extensions: &["webp"],
        words: "Animated WebP",
        codecs: &[WEBP],
        sound: &[],
        subtitles: &[],
        muxer: "webp",
    },
    Container {
        extensions: &["avif"],
        words: "Animated AVIF",
        codecs: &["av1"],
        sound: &[],
        subtitles: &[],
        muxer: "avif",
    },
    Container {
        extensions: &["gif"],
        words: "Animated GIF",
        codecs: &[GIF],
        sound: &[],
        subtitles: &[],
        muxer: "gif",
    },
    Container {
        extensions: &["tif", "tiff"],
        words: "TIFF, a page for each frame",
        codecs: &[PAGES],
        sound: &[],
        subtitles: &[],
        muxer: "tiff",
    },
    Container {
        extensions: &[ZARR],
        words: "Zarr (v3), a folder with a chunk for each frame",
        codecs: &[ZARR],
        sound: &[],
        subtitles: &[],
        muxer: "zarr",
    },
];

/// A file for each frame.
static NUMBERED: Container = Container {
    extensions: &[],
    words: "numbered stills",
    codecs: &[STILLS],
    sound: &[],
    subtitles: &[],
    muxer: STILLS,
};

/// The container of a [`crate::Target`]'s format.
pub(super) fn container(format: &str) -> Result<&'static Container> {
    if target::numbered(format).is_some() {
        return Ok(&NUMBERED);
    }
    let extension = format.to_ascii_lowercase();
    let found = CONTAINERS.iter().find(|it| it.extensions.contains(&&*extension));
    found.ok_or_else(|| unknown("no video", &extension, &[]))
}

/// The error of an extension that nothing of the `kinds` is written as, where these
/// kinds of sound are right too.
pub(super) fn unknown(kinds: &str, extension: &str, sounds: &[SoundTarget]) -> Error {
    let why = match extension {
        "" => "its name has no extension".to_owned(),
        other => format!("{kinds} can be written as .{other}"),
    };
    let video = CONTAINERS.iter().flat_map(|container| container.extensions);
    let sound = sounds.iter().flat_map(|sound| sound.extensions);
    let mut known: Vec<&str> = video.chain(sound).copied().collect();
    // Ogg is both.
    let mut seen = HashSet::new();
    known.retain(|it| seen.insert(*it));
    let known = known.join(", ");
    let remedy = if crate::still::is_target(extension) {
        format!("number its stills, such as shot.%04d.{extension}; else give it one of {known}")
    } else {
        format!("give it one of {known}")
    };
    Error::new(ErrorKind::Unsupported, WHAT, why).remedy(remedy)
}

/// The codec of this name, in this container.
pub(super) fn codec(container: &Container, name: Option<&str>) -> Result<&'static VideoCodec> {
    let name = name.or(container.codecs.first().copied()).unwrap_or_default();
    let known = named(name);
    known.filter(|_| container.codecs.contains(&name)).ok_or_else(|| {
        let why = format!("{} does not hold {name:?}", container.words);
        let remedy = format!("name one of {}", container.codecs.join(", "));
        Error::new(ErrorKind::Invalid, WHAT, why).remedy(remedy)
    })
}

/// The codec of this name.
pub(super) fn named(name: &str) -> Option<&'static VideoCodec> {
    VIDEO_CODECS.iter().chain([&NUMBERED_STILLS]).find(|codec| codec.name == name)
}

impl VideoCodec {
    /// Whether it is not libav's.
    pub(super) fn is_own(&self) -> bool {
        self.encoders.is_empty()
    }

    /// Whether it takes frames as they are, and no numbers of Y'CbCr.
    pub(super) fn takes_frames(&self) -> bool {
        self.is_own() || matches!(self.name, APNG | WEBP)
    }

    /// Whether what it writes says nothing of when frames are shown.
    pub(super) fn is_timeless(&self) -> bool {
        matches!(self.name, PAGES | STILLS)
    }
}

impl Container {
    /// Whether the codec's headers stand at the start instead of with each key
    /// frame.
    pub(super) fn has_global_header(&self) -> bool {
        !matches!(self.muxer, "avi" | "mxf")
    }

    /// That of a [`crate::Target`]'s format.
    ///
    /// # Errors
    /// `Unsupported` when no video is written as that.
    pub fn of(format: &str) -> Result<&'static Container> {
        container(format)
    }

    /// Whether a frame's time is its number, and all are shown equally long.
    #[must_use]
    pub fn counts_frames(&self) -> bool {
        counts_frames(self.muxer)
    }
}

/// The samples a second that sound must have in files of this muxer.
pub(super) fn sound_rate_hz(muxer: &str) -> Option<u32> {
    (muxer == "mxf").then_some(48_000)
}

/// Frames a second that MXF has (SMPTE ST 326, packages a second), each also a
/// 1001st slower but for the last.
const MXF_RATES_HZ: [i64; 12] = [24, 30, 48, 60, 72, 90, 96, 120, 25, 50, 75, 100];

/// # Errors
/// `Invalid` where files of this muxer have no such rate.
pub(super) fn check_rate(muxer: &str, rate_hz: Rational) -> Result<()> {
    let is_known = |hz: &i64| {
        rate_hz == Rational::whole(*hz)
            || (hz % 25 != 0 && Rational::new(hz * 1_000, 1_001) == Some(rate_hz))
    };
    if muxer != "mxf" || MXF_RATES_HZ.iter().any(is_known) {
        return Ok(());
    }
    let why = format!("MXF has no rate of {rate_hz} frames a second");
    Err(Error::new(ErrorKind::Invalid, WHAT, why).remedy(
        "ask for 24000/1001, 24, 25, 30000/1001, 30, 48, 50, 60000/1001, 60, 100 or 120 (fps), or \
         write another kind of file",
    ))
}

/// What a muxer must be told beside the streams; animations are shown so often.
pub(super) fn tell_muxer(muxer: &str, plays: u16, options: &mut Options) {
    match muxer {
        "apng" => options.set("plays", &plays.to_string()),
        "webp" => options.set("loop", &plays.to_string()),
        // More than 8 bits are FFmpeg's own addition.
        "yuv4mpegpipe" => options.set("strict", "-1"),
        _ => {}
    }
}

/// Whether files of this muxer have a rate and no times.
pub(super) fn counts_frames(muxer: &str) -> bool {
    matches!(muxer, "avi" | "mxf" | "yuv4mpegpipe")
}

impl Scale {
    /// The encoder's number for a quality of 0 to 100.
    pub(super) fn number(self, quality: Option<u8>) -> Option<f64> {
        let (worst, best, usual) = match self {
            Scale::Option { worst, best, usual, .. } | Scale::Quantiser { worst, best, usual } => {
                (worst, best, usual)
            }
            Scale::Fixed => return None,
        };
        Some(
            quality.map_or(usual, |quality| {
                (worst + (best - worst) * f64::from(quality) / 100.0).round()
            }),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_codec_has_a_container_and_a_name_of_its_own() {
        for codec in VIDEO_CODECS {
            assert!(CONTAINERS.iter().any(|it| it.codecs.contains(&codec.name)), "{}", codec.name);
            assert_eq!(VIDEO_CODECS.iter().filter(|it| it.name == codec.name).count(), 1);
        }
        for container in CONTAINERS {
            for name in container.codecs {
                assert_eq!(codec(container, Some(name)).unwrap().name, *name);
            }
        }
        assert_eq!(codec(container("MP4").unwrap(), None).unwrap().name, "h264");
        assert!(codec(container("mp4").unwrap(), Some("prores")).is_err());
        assert!(container("txt").is_err() && container("").is_err());
    }

    #[test]
    fn quality_runs_from_worst_to_best() {
        let scale = crf(51.0, 18.0);
        assert_eq!(scale.number(Some(0)), Some(51.0));
        assert_eq!(scale.number(Some(100)), Some(0.0));
        assert_eq!(scale.number(None), Some(18.0));
        assert_eq!(Scale::Fixed.number(Some(3)), None);
    }
}
