//! Bytes to frames: what a file holds, pictures and sound for previews, and
//! the few encoders that previews are kept in.
//!
//! Everything starts from a [`Source`]: an open file, or other bytes, with limits. Content
//! decides what it is; the extension of its name only orders the tries.

mod audio;
mod av;
mod camera;
mod formats;
mod frames;
mod media;
mod room;
mod sequence;
mod source;
mod still;
mod video;
mod write;

pub use audio::{AudioOptions, AudioReader};
pub use av::{audio_peaks, cover_picture, encode_webp, preview_frames};
pub use camera::{Camera, CameraInfo, CameraMode, CameraOptions, cameras};
pub use formats::{FORMATS, Format};
pub use frames::FrameReader;
pub use media::{Media, open};
pub use room::room;
pub use sequence::{Orientation, Sequence, SequenceFiles, SequenceReader, SequenceStream, Shelf};
pub use source::{ReadAt, Source, SourceReader, open_file};
pub use still::{
    STILL_TARGETS, StillTarget, encode_still, encode_still_with, left_out_of_still, still_frame,
    still_frame_for, still_frame_in_profile, still_picture, still_profile,
};
pub use video::{Depth, FrameIndex, VideoOptions, VideoReader, VideoStream, upright};
pub use write::{
    AudioWriter, AudioWriterOptions, CONTAINERS, Container, Conversion, Converted, Cut,
    Deinterlacing, Edit, Field, Gray, Mark, Part, SOUND_TARGETS, Samples, Sink, SoundTarget,
    SoundWriter, Span, StillWriter, StreamPlan, Target, TargetKind, Treatment, VIDEO_CODECS,
    VideoCodec, VideoWriter, Writer, WriterOptions, convert, create, plan_conversion,
};

use rushes_media::{Error, ErrorKind, Probe, Result};

/// What a file holds.
///
/// Tags are given raw in [`Probe::tags`], a stream's own under
/// `stream0:key`; creation time, position and camera are for the reader of
/// tags to fill in.
///
/// # Errors
/// `Unsupported` when the content is no media known here, `Corrupt` when it is
/// media but broken, truncated or empty, `Limit` when it is over a limit.
pub fn probe(source: &Source) -> Result<Probe> {
    let head = source.head()?;
    if head.is_empty() {
        return Err(Error::new(ErrorKind::Corrupt, "reading the file", "it is empty")
            .remedy("copy it again from where it came from"));
    }
    let found = av::probe_animation(source, &head)
        .or_else(|| sequence::probe(source, &head))
        .or_else(|| still::probe(source, &head))
        .unwrap_or_else(|| av::probe(source));
    source.whole(found)
}

/// Name and version of each library that reads or writes media here, and the
/// licence that the linked FFmpeg was built under.
#[must_use]
pub fn versions() -> Vec<(String, String)> {
    let mut versions = av::versions();
    versions.extend(still::versions());
    versions
}
