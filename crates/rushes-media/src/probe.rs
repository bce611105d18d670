use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Rational;

/// What an asset is to its user.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum MediaKind {
    /// One picture, or several that are not played in time.
    Still,
    /// Pictures in time, with or without sound.
    Video,
    /// Sound alone; embedded cover art does not make it a video.
    Audio,
}

impl MediaKind {
    /// Its name, also its JSON form: `still`, `video` or `audio`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            MediaKind::Still => "still",
            MediaKind::Video => "video",
            MediaKind::Audio => "audio",
        }
    }
}

/// What a file says it holds, and what it was found to hold.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Probe {
    /// What it is to its user.
    pub kind: MediaKind,
    /// The wrapper around the streams.
    pub container: Container,
    /// Length of the presentation in seconds; absent for stills.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_secs: Option<Rational>,
    /// Every stream, in the file's order.
    #[serde(default)]
    pub streams: Vec<Stream>,
    /// Whether there is at least one stream of sound.
    pub has_audio: bool,
    /// Timecode of the first frame, `HH:MM:SS:FF` (`;` before FF for drop frame).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timecode: Option<String>,
    /// When it was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<Created>,
    /// Where it was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gps: Option<Gps>,
    /// What it was made with.
    #[serde(default)]
    pub camera: Camera,
    /// Embedded title.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Embedded description or caption.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Embedded keywords, in the file's order, without repeats.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub keywords: Vec<String>,
    /// Embedded rating, 0 to 5, or -1 for rejected (XMP, `xmp:Rating`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rating: Option<i8>,
    /// Apple's content identifier, the same in both halves of a Live Photo.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_identifier: Option<String>,
    /// Whether name, header and content agree.
    pub agreement: Agreement,
    /// Other embedded tags by name, as text.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
}

impl Probe {
    /// Of this kind, with nothing said yet: no streams, no tags, and names, header
    /// and content that agree.
    #[must_use]
    pub fn of_kind(kind: MediaKind, container: Container) -> Probe {
        Probe {
            kind,
            container,
            duration_secs: None,
            streams: Vec::new(),
            has_audio: false,
            timecode: None,
            created: None,
            gps: None,
            camera: Camera::default(),
            title: None,
            description: None,
            keywords: Vec::new(),
            rating: None,
            content_identifier: None,
            agreement: Agreement::full(),
            tags: BTreeMap::new(),
        }
    }

    /// The first stream of this kind that is not an attached picture.
    #[must_use]
    pub fn first(&self, kind: StreamKind) -> Option<&Stream> {
        self.streams.iter().find(|stream| stream.kind == kind && !stream.attached_picture)
    }

    /// The stream that is looked at: the still, or the first video stream.
    #[must_use]
    pub fn picture(&self) -> Option<&Stream> {
        self.first(StreamKind::Still).or_else(|| self.first(StreamKind::Video))
    }
}

/// The wrapper around the streams.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Container {
    /// Short name: `mp4`, `mov`, `matroska`, `jpeg`, `heic`, `wav`.
    pub format: String,
    /// The format's name in words.
    pub name: String,
    /// Media type (RFC 6838): `video/mp4`.
    pub mime: String,
    /// Overall bits a second, when there is a duration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bit_rate_bps: Option<u64>,
}

/// What a stream carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum StreamKind {
    /// A picture.
    Still,
    /// Pictures in time.
    Video,
    /// Sound.
    Audio,
    /// Text or pictures shown over the video.
    Subtitle,
    /// Anything else that is timed, timecode and telemetry among it.
    Data,
    /// A file inside the file.
    Attachment,
}

/// One stream of a file. Fields that do not apply to its kind are absent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Stream {
    /// Its number in the file, from 0.
    pub index: u32,
    /// What it carries.
    pub kind: StreamKind,
    /// Codec's short name: `h264`, `pcm_s24le`, `jpeg`; `unknown` when nothing here knows it.
    pub codec: String,
    /// Codec profile: `High 10`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// Codec level as the codec counts it: 41 for H.264 level 4.1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<i32>,
    /// Bits of one sample or of one colour component.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bit_depth: Option<u32>,
    /// Pixel format by FFmpeg's name: `yuv420p10le`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pixel_format: Option<String>,
    /// How its numbers become colours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub color: Option<Color>,
    /// Stored width, before rotation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub width_px: Option<u32>,
    /// Stored height, before rotation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub height_px: Option<u32>,
    /// Width of one pixel over its height.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sample_aspect: Option<Rational>,
    /// Width of the picture over its height, before rotation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_aspect: Option<Rational>,
    /// Clockwise turn that sets the picture upright: 0, 90, 180 or 270.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rotation_degrees: Option<u16>,
    /// Whether it is to be mirrored left to right after that turn.
    #[serde(default, skip_serializing_if = "is_false")]
    pub mirrored: bool,
    /// Average frames a second, exact.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frame_rate_hz: Option<Rational>,
    /// Lowest rate at which every frame's time is a whole number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_rate_hz: Option<Rational>,
    /// Whether frames last differently long; absent when it was not found out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variable_rate: Option<bool>,
    /// Number of frames, and how it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frame_count: Option<Count>,
    /// Length of this stream in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_secs: Option<Rational>,
    /// Bits a second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bit_rate_bps: Option<u64>,
    /// Number of audio channels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channels: Option<u32>,
    /// Layout of the channels: `stereo`, `5.1(side)`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel_layout: Option<String>,
    /// Samples a second of one channel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sample_rate_hz: Option<u32>,
    /// Sample format by FFmpeg's name: `s16`, `fltp`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sample_format: Option<String>,
    /// Language (ISO 639-2): `eng`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// The stream's own title.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Whether it is cover art rather than the programme.
    #[serde(default, skip_serializing_if = "is_false")]
    pub attached_picture: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the shape that serde asks for")]
fn is_false(value: &bool) -> bool {
    !*value
}

impl Stream {
    /// A stream of which nothing but its number, kind and codec is known.
    #[must_use]
    pub fn new(index: u32, kind: StreamKind, codec: impl Into<String>) -> Stream {
        Stream {
            index,
            kind,
            codec: codec.into(),
            profile: None,
            level: None,
            bit_depth: None,
            pixel_format: None,
            color: None,
            width_px: None,
            height_px: None,
            sample_aspect: None,
            display_aspect: None,
            rotation_degrees: None,
            mirrored: false,
            frame_rate_hz: None,
            base_rate_hz: None,
            variable_rate: None,
            frame_count: None,
            duration_secs: None,
            bit_rate_bps: None,
            channels: None,
            channel_layout: None,
            sample_rate_hz: None,
            sample_format: None,
            language: None,
            title: None,
            attached_picture: false,
        }
    }

    /// Width and height as shown: rotated upright, pixels made square by
    /// stretching the width.
    #[must_use]
    pub fn shown_size_px(&self) -> Option<(u32, u32)> {
        let (width, height) = (self.width_px?, self.height_px?);
        let aspect = self.sample_aspect.map_or(1.0, Rational::to_f64);
        let width = (f64::from(width) * aspect).round().max(1.0) as u32;
        match self.rotation_degrees {
            Some(90 | 270) => Some((height, width)),
            _ => Some((width, height)),
        }
    }
}

/// How a stream's numbers become colours, by FFmpeg's names (ITU-T H.273).
/// A field is absent when the file does not say.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Color {
    /// Colour primaries: `bt709`, `bt2020`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub primaries: Option<String>,
    /// Transfer characteristics: `bt709`, `smpte2084` (PQ), `arib-std-b67` (HLG).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transfer: Option<String>,
    /// Matrix coefficients: `bt709`, `bt2020nc`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub matrix: Option<String>,
    /// `tv` for limited range, `pc` for full range.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub range: Option<String>,
    /// `PQ`, `HLG`, `HDR10`, `HDR10+`, `Dolby Vision` or `gain map`; absent for SDR.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hdr: Option<String>,
    /// Name of the embedded ICC profile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub icc_profile: Option<String>,
}

/// A number of frames, and how it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Count {
    /// The number.
    pub frames: u64,
    /// How it is known.
    pub basis: Basis,
}

/// How a number is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// The header says so.
    Stated,
    /// Each entry of the container's own table, or each packet, was counted.
    Counted,
    /// Worked out from duration and rate.
    Estimated,
}

/// How far a value is to be trusted.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Confidence {
    /// A guess from the file system or the name.
    Low,
    /// Written by software at some point, or without a time zone.
    Medium,
    /// Written by the device at the moment of capture.
    High,
}

/// When something was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Created {
    /// RFC 3339 with the offset when it is known
    /// (`2024-06-01T12:34:56.789+02:00`), else local time without one.
    pub at: String,
    /// Which tag said so: `exif:DateTimeOriginal`, `quicktime:creationdate`.
    pub source: String,
    /// How far it is to be trusted.
    pub confidence: Confidence,
}

/// A position on Earth (WGS 84).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Gps {
    /// North positive, -90 to 90.
    pub latitude_degrees: f64,
    /// East positive, -180 to 180.
    pub longitude_degrees: f64,
    /// Height above the sea.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub altitude_m: Option<f64>,
}

/// What something was made with.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Camera {
    /// Maker of the device.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub make: Option<String>,
    /// Model of the device.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Lens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lens: Option<String>,
    /// Software that wrote the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub software: Option<String>,
}

/// Whether name, header and content agree.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Agreement {
    /// True when nothing below was found.
    pub agrees: bool,
    /// What does not agree, in words a person can act on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub differences: Vec<String>,
}

impl Agreement {
    /// Full agreement.
    #[must_use]
    pub fn full() -> Agreement {
        Agreement { agrees: true, differences: Vec::new() }
    }

    /// Notes something that does not agree.
    pub fn differ(&mut self, difference: impl Into<String>) {
        self.agrees = false;
        self.differences.push(difference.into());
    }
}
