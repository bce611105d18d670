//! What the content is: libav's probing functions, believed only as far as
//! they deserve.

use std::ffi::{CStr, CString, c_int};
use std::io::{Read, Seek, SeekFrom};
use std::ptr;

use ffmpeg::ffi;
use rushes_media::{Error, ErrorKind, MediaKind, Result};

use super::decode::{Decoder, Frame};
use super::input::{Input, Packet};
use super::stream::is_attached;
use super::string;
use crate::{FORMATS, Format, Source};

const WHAT: &str = "finding out what it is";

/// Bytes looked at first, doubled until something is found.
const FIRST_BYTES: usize = 2048;

/// Bytes looked at in the end.
const LAST_BYTES: usize = 1 << 20;

/// A score that is no more than a suspicion (`AVPROBE_SCORE_RETRY`).
const LOW_SCORE: c_int = 25;

/// Zeros that libav wants behind the bytes that it looks at.
const PADDING_BYTES: usize = 64;

/// What the content was found to be.
#[derive(Clone, Copy)]
pub(super) struct Detected {
    /// libav's demuxer, a constant.
    pub(super) demuxer: *const ffi::AVInputFormat,
    /// Our row for it.
    pub(super) format: &'static Format,
    /// libav's score, 1 to 100.
    pub(super) score: c_int,
}

impl Detected {
    /// Whether it is no more than a suspicion.
    pub(super) fn is_doubtful(&self) -> bool {
        self.score <= LOW_SCORE
    }
}

/// Looks at the content and names it.
///
/// # Errors
/// `Unsupported` when it is nothing that may be read.
pub(super) fn detect(source: &Source) -> Result<Detected> {
    let start = after_id3(source)?;
    let mut bytes = Vec::new();
    let mut reader = source.reader();
    reader.seek(SeekFrom::Start(start)).map_err(|error| Error::io(WHAT, &error))?;
    let mut wanted = FIRST_BYTES;
    loop {
        let missing = (wanted - bytes.len()) as u64;
        let read = (&mut reader)
            .take(missing)
            .read_to_end(&mut bytes)
            .map_err(|error| Error::io(WHAT, &error))? as u64;
        let all = read < missing || wanted >= LAST_BYTES;
        let (demuxer, found) = score(&mut bytes, c"");
        if !demuxer.is_null() && (all || found > LOW_SCORE) {
            return allowed(demuxer, found);
        }
        if all {
            return by_name(source, &mut bytes);
        }
        wanted *= 2;
    }
}

/// Formats whose files may be too short to be known by content alone, and
/// whose decoders turn down what is none of theirs.
const KNOWN_BY_NAME: [&str; 4] = ["mp3", "aac", "ac3", "sbc"];

/// The name may tip the scales where the content alone says nothing, as with
/// sounds of a few frames. It stays a suspicion, to be confirmed by decoding.
fn by_name(source: &Source, bytes: &mut Vec<u8>) -> Result<Detected> {
    let extension = source.extension();
    let format = Format::by_extension(extension);
    if let Some(format) = format.filter(|format| KNOWN_BY_NAME.contains(&format.name)) {
        let name = CString::new(format!("x.{extension}")).unwrap_or_default();
        let (demuxer, found) = score(bytes, &name);
        if !demuxer.is_null() {
            return allowed(demuxer, found.min(LOW_SCORE))
                .ok()
                .filter(|found| found.format == format)
                .ok_or_else(|| unknown(source));
        }
    }
    Err(unknown(source))
}

/// Where the content starts behind ID3v2 tags, which may be larger than what
/// is looked at. (ID3 2.4.0 structure, section 3.1: the size is four times
/// seven bits.)
fn after_id3(source: &Source) -> Result<u64> {
    let mut start = 0;
    for _ in 0..8 {
        let mut reader = source.reader();
        let mut tag = Vec::new();
        reader
            .seek(SeekFrom::Start(start))
            .and_then(|_| reader.take(10).read_to_end(&mut tag))
            .map_err(|error| Error::io("reading the start of the file", &error))?;
        let &[b'I', b'D', b'3', version, _, flags, a, b, c, d] = tag.as_slice() else { break };
        if version == 0xff || [a, b, c, d].iter().any(|byte| byte & 0x80 != 0) {
            break;
        }
        let size = [a, b, c, d].iter().fold(0, |size, &byte| size << 7 | u64::from(byte));
        let footer = if flags & 0x10 == 0 { 0 } else { 10 };
        start += 10 + size + footer;
    }
    // A tag with nothing behind it is looked at as it is.
    Ok(if start < source.size_bytes() { start } else { 0 })
}

/// Asks every demuxer. The bytes are given back as they were.
fn score(bytes: &mut Vec<u8>, name: &CStr) -> (*const ffi::AVInputFormat, c_int) {
    let length = bytes.len();
    bytes.resize(length + PADDING_BYTES, 0);
    let data = ffi::AVProbeData {
        filename: name.as_ptr(),
        buf: bytes.as_mut_ptr(),
        buf_size: length as c_int,
        mime_type: ptr::null(),
    };
    let mut score = 0;
    // SAFETY: the buffer holds `buf_size` bytes and the padding behind them.
    let demuxer = unsafe { ffi::av_probe_input_format3(&raw const data, 1, &raw mut score) };
    bytes.truncate(length);
    (demuxer, score)
}

/// The still that a demuxer of libav's reads, where another reader is used.
fn still_of(demuxer: &str) -> Option<&'static Format> {
    let still = demuxer.strip_suffix("_pipe")?;
    FORMATS.iter().find(|format| format.name == still)
}

/// What still the content begins like, for one whose own reader does not know
/// it for one.
pub(super) fn begun_still(source: &Source) -> Option<&'static Format> {
    let mut bytes = Vec::new();
    source.reader().take(FIRST_BYTES as u64).read_to_end(&mut bytes).ok()?;
    let (demuxer, _) = score(&mut bytes, c"");
    if demuxer.is_null() {
        return None;
    }
    // SAFETY: a demuxer that was found is a constant with a name.
    still_of(&unsafe { string((*demuxer).name) }?)
}

/// Whether the content is one picture that libav reads, as far as its first
/// bytes tell.
pub(crate) fn is_still(source: &Source) -> bool {
    detect(source).is_ok_and(|found| {
        // SAFETY: a demuxer that was found is a constant with a name.
        let name = unsafe { string((*found.demuxer).name) }.unwrap_or_default();
        found.format.kind == MediaKind::Still && (name.ends_with("_pipe") || name == "fits")
    })
}

fn allowed(demuxer: *const ffi::AVInputFormat, score: c_int) -> Result<Detected> {
    // SAFETY: a demuxer that was found is a constant with names.
    let (name, words) = unsafe { (string((*demuxer).name), string((*demuxer).long_name)) };
    let name = name.unwrap_or_default();
    match (Format::by_demuxer(&name), still_of(&name)) {
        (Some(format), _) => Ok(Detected { demuxer, format, score }),
        (None, Some(format)) => {
            let why = format!("it is a still, {}", format.words);
            Err(Error::new(ErrorKind::Unsupported, "reading it as video or sound", why))
        }
        (None, None) => {
            let words = words.unwrap_or(name);
            let why = format!("its content looks like {words}, which is no media read here");
            Err(Error::new(ErrorKind::Unsupported, WHAT, why))
        }
    }
}

/// That there is nothing in a file which is named like media: a copy that never
/// began, not another kind of file.
pub(crate) fn is_empty(source: &Source) -> Option<Error> {
    let named = Format::by_extension(source.extension()).filter(|_| source.size_bytes() == 0)?;
    let what = format!("opening it as {}", named.words);
    let error = Error::new(ErrorKind::Corrupt, what, "it is empty");
    Some(error.remedy("copy it again from where it came from"))
}

/// Nothing known here, whatever it is named.
pub(super) fn unknown(source: &Source) -> Error {
    if let Some(empty) = is_empty(source) {
        return empty;
    }
    let why = match Format::by_extension(source.extension()) {
        Some(named) => format!("it is named like {}, but holds something else", named.words),
        None => "its content is no media known here".to_owned(),
    };
    Error::new(ErrorKind::Unsupported, WHAT, why)
}

/// Whether there is something in the opened input to see or hear; a suspicion
/// is held against the extension and a trial decode as well.
///
/// # Errors
/// `Unsupported` when it turns out not to be media, `Corrupt` when it is, but
/// nothing in it can be read.
pub(super) fn confirm(input: &Input<'_>) -> Result<()> {
    let detected = input.detected;
    let mut timed = false;
    let mut readable = None;
    for (at, stream) in input.streams().into_iter().enumerate() {
        if is_attached(stream) {
            // Cover art alone makes no media of a file.
            continue;
        }
        // SAFETY: streams of an open input have parameters.
        let parameters = unsafe { &*(*stream).codecpar };
        let (width, height) = (parameters.width, parameters.height);
        let known = parameters.codec_id != ffi::AVCodecID::NONE;
        let measured = match parameters.codec_type {
            ffi::AVMediaType::VIDEO => {
                timed = true;
                width > 0 && height > 0
            }
            ffi::AVMediaType::AUDIO => {
                timed = true;
                parameters.sample_rate > 0 && parameters.ch_layout.nb_channels > 0
            }
            _ => false,
        };
        if known && measured && readable.is_none() {
            readable = Some(at);
        }
    }
    let low = detected.is_doubtful();
    if low && !detected.format.goes_by(input.source().extension()) {
        return Err(unknown(input.source()));
    }
    match readable {
        Some(at) if !low || plays(input, at) => Ok(()),
        _ if low => Err(unknown(input.source())),
        _ if timed || input.stream_count() == 0 => Err(Error::new(
            ErrorKind::Corrupt,
            format!("opening it as {}", detected.format.words),
            "no picture and no sound in it can be read",
        )
        .remedy("copy it again from where it came from, or repair it")),
        _ => Err(Error::new(
            ErrorKind::Unsupported,
            format!("opening it as {}", detected.format.words),
            "it holds no picture and no sound",
        )),
    }
}

/// Whether most of the first packets decode. Random bytes show a valid header
/// now and then, but not one after the other.
fn plays(input: &Input<'_>, index: usize) -> bool {
    let trial = || -> Result<bool> {
        let mut again = Input::open_as(input.source(), input.detected)?;
        let Some(stream) = again.streams().get(index).copied() else { return Ok(false) };
        let mut decoder = Decoder::open(stream, input.source().limits())?;
        let (mut packet, mut frame) = (Packet::new()?, Frame::new()?);
        let mut frames = 0;
        while decoder.sent < 24 && decoder.next(&mut again, index, &mut packet, &mut frame)? {
            frames += 1;
        }
        Ok(frames > 0 && decoder.broken * 8 <= decoder.sent)
    };
    trial().unwrap_or(false)
}
