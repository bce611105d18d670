//! What becomes of each stream when a file is converted.

use ffmpeg::ffi;
use rushes_media::{Count, Error, ErrorKind, Rational, Result, StreamKind};

use super::convert::{is_interlaced, not_interlaced};
use super::edits::{self, Edited};
use super::native;
use super::sound::{self, SOUND_TARGETS, SoundTarget};
use super::targets::{self, Container};
use super::{Conversion, VideoCodec, WHAT};
use crate::av::input::Input;
use crate::av::stream::is_attached;
use crate::av::string;

/// Samples that FFmpeg's encoder of AAC puts before a sound.
const AAC_DELAY: i64 = 1_024;

/// A stream, and what becomes of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamPlan {
    /// Its number in the file that is read.
    pub index: usize,
    /// What it is.
    pub kind: StreamKind,
    /// Its codec, as FFmpeg calls it.
    pub codec: String,
    /// What becomes of it.
    pub treatment: Treatment,
    /// What its pictures have less of when they are encoded, whether they are
    /// turned, and what is heard beside a sound that is copied, in words: `12 bits
    /// become 10`.
    pub notes: Vec<String>,
    /// How many frames are encoded, where each becomes a file: counted by the
    /// index of a file that is read quickly, else estimated; `None` where
    /// neither can be done.
    pub frames: Option<Count>,
}

/// What becomes of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Treatment {
    /// Its packets are taken over as they are.
    Copied,
    /// It is decoded, and encoded by this codec.
    Encoded(&'static str),
    /// It is not in the new file.
    LeftOut(String),
}

/// What a file of one kind holds.
pub(super) struct Holds {
    pub(super) words: &'static str,
    pub(super) muxer: &'static str,
    video: &'static [&'static str],
    sound: &'static [&'static str],
    subtitles: &'static [&'static str],
    /// Of sound; more are left out.
    most_sounds: usize,
}

impl Holds {
    pub(super) fn of(extension: &str) -> Result<Holds> {
        if let Ok(&SoundTarget { words, codecs, muxer, .. }) = sound::target_of(extension) {
            let (video, subtitles): (&[&str], &[&str]) = (&[], &[]);
            return Ok(Holds { words, muxer, video, sound: codecs, subtitles, most_sounds: 1 });
        }
        let found = targets::container(extension)
            .map_err(|_| targets::unknown("neither video nor sound", extension, SOUND_TARGETS));
        let &Container { words, codecs, sound, subtitles, muxer, .. } = found?;
        Ok(Holds { words, muxer, video: codecs, sound, subtitles, most_sounds: usize::MAX })
    }

    /// Without what the words say beside the name.
    fn name(&self) -> &'static str {
        self.words.split(',').next().unwrap_or(self.words)
    }

    /// Whether all of its codecs take frames as they are.
    fn takes_frames(&self) -> bool {
        let mut video = self.video.iter().filter_map(|name| targets::named(name));
        !self.video.is_empty() && video.all(VideoCodec::takes_frames)
    }

    fn keeps_covers(&self) -> bool {
        matches!(self.muxer, "mp4" | "ipod" | "mp3" | "flac")
    }
}

/// What becomes of each stream of the input.
///
/// # Errors
/// `Invalid` when the target does not hold a codec that is asked for,
/// `Unsupported` when nothing would be kept.
pub(super) fn decide(
    input: &Input<'_>,
    holds: &Holds,
    wanted: &Conversion,
) -> Result<Vec<StreamPlan>> {
    let known = |given: Option<&str>, list: &'static [&'static str]| match given {
        None => Ok(None),
        Some(name) => list.iter().find(|it| **it == name).copied().map(Some).ok_or_else(|| {
            let why = format!("{} does not hold {name:?}", holds.name());
            let remedy = match list {
                [] => "leave the codec out, or give the file another extension".to_owned(),
                list => format!("name one of {}", list.join(", ")),
            };
            Error::new(ErrorKind::Invalid, WHAT, why).remedy(remedy)
        }),
    };
    if let Some(rate) = wanted.rate_hz.filter(|&rate| !is_rate(rate)) {
        let why = format!("{rate} is no rate of frames");
        return Err(Error::new(ErrorKind::Invalid, WHAT, why)
            .remedy("give frames a second, such as 25 or 30000/1001, at most 1000"));
    }
    let video_codec = known(wanted.codec.as_deref(), holds.video)?;
    let sound_codec = known(wanted.sound_codec.as_deref(), holds.sound)?;
    let (mut pictures, mut sounds) = (0, 0);
    let mut plans = Vec::new();
    for (index, stream) in input.streams().into_iter().enumerate() {
        // SAFETY: streams of an open input have parameters; names are constants.
        let (kind, codec, can_decode) = unsafe {
            let parameters = &*(*stream).codecpar;
            let codec = string(ffi::avcodec_get_name(parameters.codec_id)).unwrap_or_default();
            let decoder = ffi::avcodec_find_decoder(parameters.codec_id);
            (parameters.codec_type, codec, !decoder.is_null())
        };
        let left = |why: &str| Treatment::LeftOut(why.to_owned());
        let lacks = |what: &str| Treatment::LeftOut(format!("{} holds no {what}", holds.name()));
        let undecodable = || Treatment::LeftOut(format!("there is no decoder for {codec}"));
        let (kind, treatment) = match kind {
            ffi::AVMediaType::VIDEO if is_attached(stream) => {
                let is_kept = holds.keeps_covers() && matches!(&*codec, "mjpeg" | "png");
                (
                    StreamKind::Video,
                    if is_kept { Treatment::Copied } else { lacks("cover picture") },
                )
            }
            ffi::AVMediaType::VIDEO => {
                pictures += 1;
                // The same family of codecs goes by its newer name here.
                let name = if codec == "dnxhd" { "dnxhr" } else { &codec };
                let own = holds.video.iter().find(|it| **it == name).copied();
                if wanted.deinterlacing.is_some_and(|how| how.top_first.is_none())
                    && is_interlaced(stream) == Some(false)
                {
                    return Err(not_interlaced());
                }
                let changes = wanted.changes_frames
                    || wanted.quality.is_some()
                    || wanted.rate_hz.is_some()
                    || wanted.deinterlacing.is_some()
                    || video_codec.is_some_and(|asked| Some(asked) != own)
                    || holds.takes_frames();
                // Only pictures that stand alone can be taken from any place on.
                let is_cut = !wanted.cut.is_all() || !Edited::of(stream).is_kept(holds.muxer);
                let changes = changes
                    || (is_cut && !stands_alone(stream))
                    || native::loses_turn(stream, holds.muxer);
                let treatment = match (holds.video.first(), own) {
                    (None, _) => lacks("pictures"),
                    _ if pictures > 1 => left("only the first picture is taken"),
                    (_, Some(_)) if !changes => Treatment::Copied,
                    _ if !can_decode => undecodable(),
                    (Some(first), own) => Treatment::Encoded(video_codec.or(own).unwrap_or(first)),
                };
                (StreamKind::Video, treatment)
            }
            ffi::AVMediaType::AUDIO => {
                // SAFETY: as above.
                let rate = u32::try_from(unsafe { (*(*stream).codecpar).sample_rate }).ok();
                let fits = targets::sound_rate_hz(holds.muxer).is_none_or(|it| Some(it) == rate);
                let own = holds.sound.iter().find(|it| **it == codec && fits).copied();
                // Packets have many samples, and a cut is exact to one.
                let edited = Edited::of(stream);
                let is_delay = matches!(edited, Edited::Delay(_)) && !is_lossless(&codec);
                let changes = wanted.bit_rate.is_some()
                    || !wanted.cut.is_all()
                    || !(is_delay || edited.is_kept(holds.muxer))
                    || sound_codec.is_some_and(|asked| Some(asked) != own);
                let treatment = match (holds.sound.first(), own) {
                    _ if wanted.without_sound => left("no sound was asked for"),
                    (None, _) => lacks("sound"),
                    _ if sounds >= holds.most_sounds => left("only the first sound is taken"),
                    (_, Some(_)) if !changes => Treatment::Copied,
                    _ if !can_decode => undecodable(),
                    (Some(first), own) => {
                        // What is only cut stays what it is.
                        let own = own
                            .filter(|own| wanted.bit_rate.is_none() && sound::is_encoded_as(own));
                        Treatment::Encoded(sound_codec.or(own).unwrap_or(first))
                    }
                };
                sounds += usize::from(!matches!(treatment, Treatment::LeftOut(_)));
                (StreamKind::Audio, treatment)
            }
            ffi::AVMediaType::SUBTITLE => {
                let is_held = holds.subtitles.contains(&&*codec);
                let text = holds.subtitles.first().filter(|_| can_decode && is_text(stream));
                let treatment = match text {
                    _ if is_held => Treatment::Copied,
                    Some(text) => Treatment::Encoded(text),
                    None => lacks(&format!("subtitles such as {codec}")),
                };
                (StreamKind::Subtitle, treatment)
            }
            ffi::AVMediaType::ATTACHMENT if holds.muxer == "matroska" => {
                (StreamKind::Attachment, Treatment::Copied)
            }
            ffi::AVMediaType::ATTACHMENT => (StreamKind::Attachment, lacks("attachments")),
            // The muxers make a timecode track of the tag again.
            _ => (StreamKind::Data, left("data tracks are not taken; a timecode is, as a tag")),
        };
        let notes = match (kind, &treatment) {
            (StreamKind::Video, Treatment::Encoded(name)) => {
                let target = self::video_codec(name)?;
                let way = native::way(stream, wanted, holds.muxer, target);
                let mut notes = native::notes(stream, way, target, &wanted.extension);
                // Frames of another size have pixels of another shape.
                if !wanted.changes_frames {
                    notes.extend(native::note_of_shape(input, stream, target));
                }
                notes
            }
            (StreamKind::Video, Treatment::Copied) => native::notes_of_copy(stream, holds.muxer),
            (StreamKind::Audio, Treatment::Encoded("aac")) if !edits::says_start(holds.muxer) => {
                // SAFETY: a stream of an open input has parameters.
                let rate_hz = unsafe { (*(*stream).codecpar).sample_rate };
                let delay = Rational::new(AAC_DELAY, rate_hz.into());
                delay.map(edits::delay_note).into_iter().collect()
            }
            (StreamKind::Audio, Treatment::Copied) => match Edited::of(stream) {
                Edited::Delay(secs) if !edits::says_start(holds.muxer) => {
                    vec![edits::delay_note(secs)]
                }
                _ => Vec::new(),
            },
            _ => Vec::new(),
        };
        plans.push(StreamPlan { index, kind, codec, treatment, notes, frames: None });
    }
    let is_kept = |plan: &StreamPlan| {
        matches!(plan.kind, StreamKind::Video | StreamKind::Audio)
            && !matches!(plan.treatment, Treatment::LeftOut(_))
    };
    let is_encoded = |plan: &StreamPlan| {
        plan.kind == StreamKind::Video && matches!(plan.treatment, Treatment::Encoded(_))
    };
    let asks_pictures = wanted.changes_frames
        || wanted.quality.is_some()
        || wanted.rate_hz.is_some()
        || wanted.deinterlacing.is_some();
    if asks_pictures && plans.iter().any(is_kept) && !plans.iter().any(is_encoded) {
        let why = "no pictures go into the new file, and something is asked of them";
        return Err(Error::new(ErrorKind::Invalid, WHAT, why)
            .remedy("leave out filters, quality, rate of frames and deinterlacing"));
    }
    if plans.iter().any(is_kept) {
        return Ok(plans);
    }
    let why = plans.iter().find_map(|plan| match &plan.treatment {
        Treatment::LeftOut(why) => Some(format!("nothing of it can be kept: {why}")),
        _ => None,
    });
    let why = why.unwrap_or_else(|| "there is nothing to see or hear in it".to_owned());
    Err(Error::new(ErrorKind::Unsupported, WHAT, why)
        .remedy("give the new file an extension that holds it"))
}

/// Whether there may be so many frames a second.
fn is_rate(rate_hz: Rational) -> bool {
    rate_hz > Rational::ZERO
        && rate_hz <= Rational::whole(1_000)
        && i32::try_from(rate_hz.num()).is_ok()
        && i32::try_from(rate_hz.den()).is_ok()
}

/// Whether each of its pictures is decoded without any other.
pub(super) fn stands_alone(stream: *mut ffi::AVStream) -> bool {
    // SAFETY: a stream of an open input has parameters; descriptors are
    // constants, or null.
    unsafe {
        let descriptor = ffi::avcodec_descriptor_get((*(*stream).codecpar).codec_id);
        !descriptor.is_null() && (*descriptor).props & ffi::AV_CODEC_PROP_INTRA_ONLY != 0
    }
}

/// Whether sound in this codec loses nothing when it is encoded again.
fn is_lossless(codec: &str) -> bool {
    codec.starts_with("pcm_") || matches!(codec, "flac" | "alac")
}

/// Whether its subtitles are text rather than pictures.
fn is_text(stream: *mut ffi::AVStream) -> bool {
    // SAFETY: a stream of an open input has parameters; descriptors are
    // constants, or null.
    unsafe {
        let descriptor = ffi::avcodec_descriptor_get((*(*stream).codecpar).codec_id);
        !descriptor.is_null() && (*descriptor).props & ffi::AV_CODEC_PROP_TEXT_SUB != 0
    }
}

/// The codec of this name, which [`decide`] took from a container's list.
pub(super) fn video_codec(name: &str) -> Result<&'static VideoCodec> {
    targets::named(name).ok_or_else(|| Error::bug(WHAT, format!("no codec {name}")))
}
