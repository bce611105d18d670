//! What is carried from one container to another as it is: packets' streams,
//! tags, chapters.

use std::ffi::{CStr, c_char, c_int};
use std::ptr;
#[cfg(not(coded_side_data))]
use std::slice;

use ffmpeg::ffi;
use rushes_media::{Rational, Result};

use super::WHAT;
use super::convert::Window;
use super::output::Output;
use crate::av::error;
use crate::av::input::{Input, Options};

/// Tags that are about the old container or the old encoding.
const ABOUT_THE_OLD: [&CStr; 8] = [
    c"major_brand",
    c"minor_version",
    c"compatible_brands",
    c"encoder",
    c"rotate",
    c"DURATION",
    c"vendor_id",
    c"handler_name",
];
/// Languages that libav's QuickTime writer knows by another code of ISO 639
/// than other containers have.
const OF_QUICKTIME: [(&CStr, &CStr); 7] = [
    (c"deu", c"ger"),
    (c"ell", c"gre"),
    (c"isl", c"ice"),
    (c"nld", c"dut"),
    (c"sqi", c"alb"),
    (c"swe", c"sve"),
    (c"zho", c"chi"),
];
/// What mkvmerge counts for each stream.
const STATISTICS: [&CStr; 6] = [
    c"BPS",
    c"NUMBER_OF_FRAMES",
    c"NUMBER_OF_BYTES",
    c"_STATISTICS_WRITING_APP",
    c"_STATISTICS_WRITING_DATE_UTC",
    c"_STATISTICS_TAGS",
];

/// Adds a stream of the input to the output, to be filled with its packets.
/// The number it has there.
pub(super) fn add_copy(
    output: &mut Output,
    from: *mut ffi::AVStream,
    muxer: &str,
) -> Result<usize> {
    let to = output.add_stream()?;
    // SAFETY: both streams belong to open containers.
    unsafe {
        let code = ffi::avcodec_parameters_copy((*to).codecpar, (*from).codecpar);
        if code < 0 {
            return Err(error(WHAT, code));
        }
        // The old container's name for the codec may mean another one here.
        let parameters = &mut *(*to).codecpar;
        let is_hevc = parameters.codec_id == ffi::AVCodecID::HEVC;
        let is_mp4 = matches!(muxer, "mp4" | "mov");
        parameters.codec_tag = if is_hevc && is_mp4 { u32::from_le_bytes(*b"hvc1") } else { 0 };
        (*to).time_base = (*from).time_base;
        (*to).sample_aspect_ratio = (*from).sample_aspect_ratio;
        (*to).avg_frame_rate = (*from).avg_frame_rate;
        (*to).r_frame_rate = (*from).r_frame_rate;
        copy_side_data(from, to)?;
        copy_stream_tags(from, to, muxer);
        Ok((*to).index as usize)
    }
}

/// How it is turned, how bright it is, and the like.
///
/// # Safety
/// Both streams belong to open containers.
#[cfg(not(coded_side_data))]
unsafe fn copy_side_data(from: *mut ffi::AVStream, to: *mut ffi::AVStream) -> Result<()> {
    // SAFETY: as the caller says; libav keeps that many entries.
    unsafe {
        for at in 0..usize::try_from((*from).nb_side_data).unwrap_or(0) {
            let entry = &*(*from).side_data.add(at);
            add_side_data(to, entry.type_, slice::from_raw_parts(entry.data, entry.size))?;
        }
    }
    Ok(())
}

/// The codec's parameters hold it, and were copied.
///
/// # Safety
/// None is needed.
#[cfg(coded_side_data)]
unsafe fn copy_side_data(_from: *mut ffi::AVStream, _to: *mut ffi::AVStream) -> Result<()> {
    Ok(())
}

/// Gives a stream data beside its packets.
///
/// # Safety
/// The stream belongs to an open output.
pub(super) unsafe fn add_side_data(
    to: *mut ffi::AVStream,
    kind: ffi::AVPacketSideDataType,
    bytes: &[u8],
) -> Result<()> {
    // SAFETY: as the caller says; libav gives room for so many bytes.
    unsafe {
        #[cfg(coded_side_data)]
        let room = {
            let parameters = &mut *(*to).codecpar;
            let made = ffi::av_packet_side_data_new(
                &raw mut parameters.coded_side_data,
                &raw mut parameters.nb_coded_side_data,
                kind,
                bytes.len(),
                0,
            );
            made.as_ref().map_or(ptr::null_mut(), |made| made.data)
        };
        #[cfg(not(coded_side_data))]
        let room = ffi::av_stream_new_side_data(to, kind, bytes.len());
        if room.is_null() {
            return Err(error(WHAT, ffi::AVERROR(libc::ENOMEM)));
        }
        ptr::copy_nonoverlapping(bytes.as_ptr(), room, bytes.len());
    }
    Ok(())
}

/// Language, title and whether it is the one that is played.
///
/// # Safety
/// Both streams belong to open containers.
pub(super) unsafe fn copy_stream_tags(
    from: *mut ffi::AVStream,
    to: *mut ffi::AVStream,
    muxer: &str,
) {
    // SAFETY: as the caller says; what the dictionary gives is text.
    unsafe {
        (*to).disposition = (*from).disposition;
        ffi::av_dict_copy(&raw mut (*to).metadata, (*from).metadata, 0);
        forget(&raw mut (*to).metadata);
        let key = c"language".as_ptr();
        let found = ffi::av_dict_get((*to).metadata, key, ptr::null(), 0);
        if muxer != "mov" || found.is_null() {
            return;
        }
        let language = CStr::from_ptr((*found).value);
        if let Some((_, own)) = OF_QUICKTIME.iter().find(|(usual, _)| *usual == language) {
            ffi::av_dict_set(&raw mut (*to).metadata, key, own.as_ptr(), 0);
        }
    }
}

/// Tags of the whole file and the chapters within the window; the options that the muxer needs to
/// keep them.
pub(super) fn copy_tags(
    input: &Input<'_>,
    output: &mut Output,
    muxer: &str,
    window: Window,
) -> Result<Options> {
    let (from, to) = (input.context(), output.context());
    let mut options = Options::new();
    // SAFETY: both containers are open; dictionaries are libav's.
    unsafe {
        ffi::av_dict_copy(&raw mut (*to).metadata, (*from).metadata, 0);
        forget(&raw mut (*to).metadata);
        // Apple's own keys are only kept as what they are.
        let apple = ffi::av_dict_get(
            (*to).metadata,
            c"com.apple.quicktime".as_ptr(),
            ptr::null(),
            ffi::AV_DICT_IGNORE_SUFFIX as c_int,
        );
        if muxer == "mov" && !apple.is_null() {
            options.set("movflags", "use_metadata_tags");
        }
        let start_secs = input.start_secs().map_or(0.0, |it| it.to_f64());
        for at in 0..usize::try_from((*from).nb_chapters).unwrap_or(0) {
            add_chapter(to, *(*from).chapters.add(at), start_secs, window)?;
        }
    }
    Ok(options)
}

/// Adds what is within the window of a chapter, counted from its start.
///
/// # Safety
/// The container is open and not begun, the chapter is one of an open one.
unsafe fn add_chapter(
    to: *mut ffi::AVFormatContext,
    chapter: *const ffi::AVChapter,
    start_secs: f64,
    window: Window,
) -> Result<()> {
    // SAFETY: libav frees the list, its chapters and their tags with the
    // container, all of which are from its own allocator.
    unsafe {
        let tick = f64::from((*chapter).time_base.num) / f64::from((*chapter).time_base.den.max(1));
        let ticks = |secs: f64| if tick > 0.0 { (secs / tick).round() as i64 } else { 0 };
        let shift = ticks(start_secs + window.from.to_f64());
        let last = window.to.map(|to| ticks(to.to_f64() - window.from.to_f64()));
        let start = (*chapter).start.saturating_sub(shift);
        let end = (*chapter).end.saturating_sub(shift);
        let is_before = end <= 0 && window.from > Rational::ZERO;
        if is_before || last.is_some_and(|last| start >= last) {
            return Ok(());
        }
        let end = last.map_or(end, |last| end.min(last));
        let count = (*to).nb_chapters as usize;
        let room = ffi::av_realloc((*to).chapters.cast(), (count + 1) * size_of::<*mut ()>());
        if room.is_null() {
            return Err(error(WHAT, ffi::AVERROR(libc::ENOMEM)));
        }
        (*to).chapters = room.cast();
        let made = ffi::av_mallocz(size_of::<ffi::AVChapter>()).cast::<ffi::AVChapter>();
        if made.is_null() {
            return Err(error(WHAT, ffi::AVERROR(libc::ENOMEM)));
        }
        (*made).id = (*chapter).id;
        (*made).time_base = (*chapter).time_base;
        (*made).start = start.max(0);
        (*made).end = end.max((*made).start);
        ffi::av_dict_copy(&raw mut (*made).metadata, (*chapter).metadata, 0);
        *(*to).chapters.add(count) = made;
        (*to).nb_chapters += 1;
    }
    Ok(())
}

/// Has every timecode of the output be that of a later frame, of so many a
/// second; without both they are taken out.
pub(super) fn move_timecode(output: &Output, by: Option<(ffi::AVRational, usize)>) {
    let key = c"timecode".as_ptr();
    // SAFETY: the container is open; dictionaries are libav's, which copies
    // what it is given; the buffer has the size that libav asks for.
    unsafe {
        let context = output.context();
        let mut all = vec![&raw mut (*context).metadata];
        for at in 0..(*context).nb_streams as usize {
            all.push(&raw mut (**(*context).streams.add(at)).metadata);
        }
        for tags in all {
            let found = ffi::av_dict_get(*tags, key, ptr::null(), 0);
            if found.is_null() {
                continue;
            }
            let mut text: [c_char; 64] = [0; 64];
            let mut timecode = std::mem::zeroed::<ffi::AVTimecode>();
            let moved = by.and_then(|(rate, frames)| {
                let frames = c_int::try_from(frames).ok()?;
                let begun = ffi::av_timecode_init_from_string(
                    &raw mut timecode,
                    rate,
                    (*found).value,
                    ptr::null_mut(),
                );
                (begun >= 0).then(|| {
                    let into = text.as_mut_ptr();
                    ffi::av_timecode_make_string(&raw const timecode, into, frames)
                })
            });
            let value = moved.map_or(ptr::null(), <*mut c_char>::cast_const);
            ffi::av_dict_set(tags, key, value, 0);
        }
    }
}

/// Takes out what would not be true of the new file.
///
/// # Safety
/// The dictionary is libav's.
unsafe fn forget(tags: *mut *mut ffi::AVDictionary) {
    // SAFETY: as the caller says; a value of null takes the key out.
    unsafe {
        for key in ABOUT_THE_OLD {
            ffi::av_dict_set(tags, key.as_ptr(), ptr::null(), 0);
        }
        for key in STATISTICS {
            loop {
                let found = ffi::av_dict_get(
                    *tags,
                    key.as_ptr(),
                    ptr::null(),
                    ffi::AV_DICT_IGNORE_SUFFIX as c_int,
                );
                if found.is_null() {
                    break;
                }
                let whole = CStr::from_ptr((*found).key).to_owned();
                ffi::av_dict_set(tags, whole.as_ptr(), ptr::null(), 0);
            }
        }
    }
}
