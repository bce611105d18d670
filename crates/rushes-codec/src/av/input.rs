//! One open input: libav reads our file through us and can open nothing else.

use std::ffi::{CString, c_char, c_int, c_void};
use std::ptr;
use std::slice;
use std::sync::OnceLock;
use std::time::Instant;

use ffmpeg::ffi;
use rushes_media::{Error, ErrorKind, Limits, Rational, Result};

use super::color::StatedColors;
use super::detect::{self, Detected};
use super::stream::{is_attached, start_secs};
use super::y4m::Y4m;
use super::{error, header, opacity, string};
use crate::{FORMATS, Source};

/// Size of the buffer between libav and the file.
const BUFFER_BYTES: usize = 32 << 10;

/// Bytes that libav may read to find out what the streams are.
const PROBE_BYTES: &str = "5000000";

/// Decoders that are never used: MagicYUV for its record (CVE-2026-8461), text
/// art because any bytes pass for it, and those that talk to devices.
fn is_banned(decoder: &str) -> bool {
    let text_art = ["ansi", "xbin", "bintext", "idf"];
    let devices = ["_v4l2m2m", "_cuvid", "_qsv", "_mediacodec", "_mmal", "_rkmpp", "_omx"];
    decoder == "magicyuv"
        || text_art.contains(&decoder)
        || devices.iter().any(|device| decoder.ends_with(device))
}

/// The decoders that may be used, as libav wants them listed.
pub(crate) fn decoders() -> &'static CString {
    static DECODERS: OnceLock<CString> = OnceLock::new();
    DECODERS.get_or_init(|| {
        let mut names = Vec::new();
        let mut state: *mut c_void = ptr::null_mut();
        loop {
            // SAFETY: `state` starts as null and is only touched by libav.
            let codec = unsafe { ffi::av_codec_iterate(&raw mut state) };
            if codec.is_null() {
                break;
            }
            // SAFETY: a codec that is not null is a constant with a name.
            let name = unsafe {
                (ffi::av_codec_is_decoder(codec) != 0).then(|| string((*codec).name)).flatten()
            };
            names.extend(name.filter(|name| !is_banned(name)));
        }
        CString::new(names.join(",")).unwrap_or_default()
    })
}

/// The most pixels that a decoder may make room for: codecs round each side up
/// to a whole number of blocks. What is shown is held to the exact limit.
pub(crate) fn coded_pixels(limits: &Limits) -> i64 {
    let rounded = limits.pixels.saturating_add(u64::from(limits.side_px) * 128);
    i64::from(i32::try_from(rounded).unwrap_or(i32::MAX))
}

/// The demuxers that may be used, as libav wants them listed.
fn demuxers() -> CString {
    let names: Vec<&str> = FORMATS.iter().flat_map(|format| format.demuxers).copied().collect();
    CString::new(names.join(",")).unwrap_or_default()
}

/// Key and value pairs for libav.
pub(crate) struct Options(pub(crate) *mut ffi::AVDictionary);

impl Options {
    pub(crate) fn new() -> Options {
        Options(ptr::null_mut())
    }

    pub(crate) fn set(&mut self, key: &str, value: &str) {
        let pair = CString::new(key).ok().zip(CString::new(value).ok());
        if let Some((key, value)) = pair {
            // SAFETY: both strings end with a zero and are copied by libav.
            unsafe { ffi::av_dict_set(&raw mut self.0, key.as_ptr(), value.as_ptr(), 0) };
        }
    }
}

impl Drop for Options {
    fn drop(&mut self) {
        // SAFETY: the dictionary is ours, or null.
        unsafe { ffi::av_dict_free(&raw mut self.0) };
    }
}

/// What the callbacks see: the file and how far we are in it.
struct Window<'a> {
    source: &'a Source,
    position: u64,
    deadline: Instant,
    /// Whether the file system failed to give bytes that are there.
    has_failed: bool,
}

impl Window<'_> {
    fn is_over(&self) -> bool {
        Instant::now() >= self.deadline || self.source.is_stopped()
    }
}

/// Why nothing more may be read, when that is so.
fn ended(source: &Source, what: &str) -> Option<Error> {
    if source.is_stopped() {
        return Some(Error::new(ErrorKind::Unavailable, what, "it was cancelled"));
    }
    (Instant::now() >= source.deadline()).then(|| error(what, ffi::AVERROR_EXIT))
}

/// The file as libav's I/O context.
struct Io<'a> {
    context: *mut ffi::AVIOContext,
    window: *mut Window<'a>,
}

impl<'a> Io<'a> {
    fn new(source: &'a Source) -> Result<Io<'a>> {
        let window = Box::into_raw(Box::new(Window {
            source,
            position: 0,
            deadline: source.deadline(),
            has_failed: false,
        }));
        // SAFETY: a fresh buffer of libav's own, which the context takes over;
        // the window outlives the context, see `drop`.
        let context = unsafe {
            let buffer = ffi::av_malloc(BUFFER_BYTES).cast::<u8>();
            let context = if buffer.is_null() {
                ptr::null_mut()
            } else {
                ffi::avio_alloc_context(
                    buffer,
                    BUFFER_BYTES as c_int,
                    0,
                    window.cast::<c_void>(),
                    Some(read),
                    None,
                    Some(seek),
                )
            };
            if context.is_null() {
                ffi::av_free(buffer.cast::<c_void>());
            }
            context
        };
        let io = Io { context, window };
        if io.context.is_null() {
            return Err(error("opening the file", ffi::AVERROR(libc::ENOMEM)));
        }
        Ok(io)
    }
}

impl Io<'_> {
    /// An error seen through what the file itself went through: when the time
    /// is spent or the disk failed, any failure is for that reason.
    fn explain(&self, found: Error) -> Error {
        // SAFETY: the window lives as long as this; no callback runs now.
        let (source, has_failed) = unsafe { ((*self.window).source, (*self.window).has_failed) };
        if has_failed {
            let why = "the disk or the network share gave an error";
            return Error::new(ErrorKind::Unavailable, found.what, why)
                .remedy("check that it is connected and healthy, and try again");
        }
        ended(source, &found.what).unwrap_or(found)
    }
}

impl Drop for Io<'_> {
    fn drop(&mut self) {
        // SAFETY: the format context that used this is closed by now (fields of
        // `Input` drop in that order). libav may have put another buffer in
        // place of the first, so the one that is there now is freed.
        unsafe {
            if !self.context.is_null() {
                ffi::av_freep((&raw mut (*self.context).buffer).cast::<c_void>());
                ffi::avio_context_free(&raw mut self.context);
            }
            drop(Box::from_raw(self.window));
        }
    }
}

/// libav asks for bytes.
unsafe extern "C" fn read(opaque: *mut c_void, buffer: *mut u8, size: c_int) -> c_int {
    // SAFETY: `opaque` is the window given in `Io::new`; libav calls from the
    // one thread that holds the input.
    let window = unsafe { &mut *opaque.cast::<Window<'_>>() };
    if window.is_over() {
        return ffi::AVERROR_EXIT;
    }
    let left = window.source.size_bytes().saturating_sub(window.position);
    let wanted = u64::try_from(size).unwrap_or(0).min(left) as usize;
    if wanted == 0 {
        return ffi::AVERROR_EOF;
    }
    // SAFETY: libav gives room for `size` bytes and `wanted` is at most that.
    let room = unsafe {
        ptr::write_bytes(buffer, 0, wanted);
        slice::from_raw_parts_mut(buffer, wanted)
    };
    loop {
        match window.source.read_at(room, window.position) {
            Ok(0) => return ffi::AVERROR_EOF,
            Ok(count) => {
                window.position += count as u64;
                return count as c_int;
            }
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(_) => {
                window.has_failed = true;
                return ffi::AVERROR(libc::EIO);
            }
        }
    }
}

/// libav asks to move, or for the size.
unsafe extern "C" fn seek(opaque: *mut c_void, offset: i64, whence: c_int) -> i64 {
    // SAFETY: as in `read`.
    let window = unsafe { &mut *opaque.cast::<Window<'_>>() };
    let size = window.source.size_bytes();
    let position = match whence & !ffi::AVSEEK_FORCE {
        ffi::AVSEEK_SIZE => return i64::try_from(size).unwrap_or(i64::MAX),
        libc::SEEK_SET => u64::try_from(offset).ok(),
        libc::SEEK_CUR => window.position.checked_add_signed(offset),
        libc::SEEK_END => size.checked_add_signed(offset),
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

/// libav asks whether to give up.
unsafe extern "C" fn interrupted(opaque: *mut c_void) -> c_int {
    // SAFETY: as in `read`; what is looked at never changes.
    let window = unsafe { &*opaque.cast::<Window<'_>>() };
    c_int::from(window.is_over())
}

/// libav asks for another file or address: always refused.
unsafe extern "C" fn refuse(
    _context: *mut ffi::AVFormatContext,
    _io: *mut *mut ffi::AVIOContext,
    _url: *const c_char,
    _flags: c_int,
    _options: *mut *mut ffi::AVDictionary,
) -> c_int {
    ffi::AVERROR(libc::EPERM)
}

/// The format context alone, so that it closes before its I/O does.
struct Context(*mut ffi::AVFormatContext);

impl Drop for Context {
    fn drop(&mut self) {
        // SAFETY: ours, opened or null; libav leaves custom I/O to us.
        unsafe { ffi::avformat_close_input(&raw mut self.0) };
    }
}

/// An open container with its streams found out.
pub(crate) struct Input<'a> {
    // The order matters: the context closes before the I/O that it reads from.
    context: Context,
    io: Io<'a>,
    source: &'a Source,
    /// What the content was found to be.
    pub(super) detected: Detected,
}

impl<'a> Input<'a> {
    /// Opens the source by its content.
    ///
    /// # Errors
    /// `Unsupported`, `Corrupt` and `Limit` as [`crate::probe`] has them.
    pub(crate) fn open(source: &'a Source) -> Result<Input<'a>> {
        super::start();
        let detected = detect::detect(source)?;
        // libav cannot say what is wrong with it.
        if detected.format.name == "y4m"
            && let Some(stated) = Y4m::of(&source.head()?)
        {
            source.limits().check_picture(stated.width_px, stated.height_px, 3)?;
        }
        let input = Input::open_as(source, detected).map_err(|error| {
            // What was only suspected, and cannot be opened, is not broken media.
            let doubtful = detected.is_doubtful() && error.kind == ErrorKind::Corrupt;
            if doubtful { detect::unknown(source) } else { error }
        })?;
        detect::confirm(&input)?;
        Ok(input)
    }

    /// Opens the source as what it was found to be, not yet confirmed.
    pub(super) fn open_as(source: &'a Source, detected: Detected) -> Result<Input<'a>> {
        let io = Io::new(source)?;
        // SAFETY: the context is fresh and ours until it is handed to
        // `avformat_open_input`, which frees it when it fails.
        let context = unsafe {
            let context = ffi::avformat_alloc_context();
            if context.is_null() {
                return Err(error("opening the file", ffi::AVERROR(libc::ENOMEM)));
            }
            (*context).pb = io.context;
            (*context).flags |= ffi::AVFMT_FLAG_CUSTOM_IO;
            (*context).io_open = Some(refuse);
            (*context).interrupt_callback =
                ffi::AVIOInterruptCB { callback: Some(interrupted), opaque: io.window.cast() };
            context
        };
        let mut options = Options::new();
        options.set("protocol_whitelist", "");
        options.set("format_whitelist", &demuxers().to_string_lossy());
        options.set("codec_whitelist", &decoders().to_string_lossy());
        options.set("max_streams", &source.limits().streams.to_string());
        options.set("probesize", PROBE_BYTES);
        let what = format!("opening it as {}", detected.format.words);
        let mut opened = context;
        // SAFETY: the context is set up above, the demuxer is a constant of
        // libav, the options are ours.
        let code = unsafe {
            ffi::avformat_open_input(
                &raw mut opened,
                ptr::null(),
                detected.demuxer,
                &raw mut options.0,
            )
        };
        if code < 0 {
            return Err(io.explain(error(&what, code)));
        }
        let mut input = Input { context: Context(opened), io, source, detected };
        // Before any decoder is tried: libav forgets a size that its decoder refused.
        input.check_sizes()?;
        let stated = StatedColors::of(&input);
        input.find_streams(&what)?;
        stated.restore(&input);
        Ok(input)
    }

    /// Whether the pictures are within the limits, as far as sizes are stated.
    fn check_sizes(&self) -> Result<()> {
        for stream in self.streams() {
            // Cover art is neither a reason to accept a file nor to refuse it.
            if is_attached(stream) {
                continue;
            }
            // SAFETY: streams of an open input have parameters.
            let (width, height) =
                unsafe { ((*(*stream).codecpar).width, (*(*stream).codecpar).height) };
            if width > 0 && height > 0 {
                let (width, height) = (width.unsigned_abs(), height.unsigned_abs());
                self.source.limits().check_picture(width.into(), height.into(), 3)?;
            }
        }
        Ok(())
    }

    fn find_streams(&mut self, what: &str) -> Result<()> {
        let limits = *self.source.limits();
        let mut each: Vec<Options> = Vec::new();
        for _ in 0..self.stream_count() {
            let mut options = Options::new();
            options.set("threads", "1");
            options.set("max_pixels", &coded_pixels(&limits).to_string());
            each.push(options);
        }
        let mut raw: Vec<*mut ffi::AVDictionary> = each
            .iter_mut()
            .map(|options| std::mem::replace(&mut options.0, ptr::null_mut()))
            .collect();
        let dictionaries = if raw.is_empty() { ptr::null_mut() } else { raw.as_mut_ptr() };
        // SAFETY: one dictionary for each stream that the context has now, or
        // none at all; libav takes pairs out and leaves the rest to us.
        let code = unsafe { ffi::avformat_find_stream_info(self.context.0, dictionaries) };
        drop(raw.into_iter().map(Options).collect::<Vec<_>>());
        if code < 0 {
            return Err(self.io.explain(error(what, code)));
        }
        if let Some(ended) = ended(self.source, what) {
            return Err(ended);
        }
        if self.stream_count() as u64 > u64::from(limits.streams) {
            let why = format!("it has more than {} streams", limits.streams);
            return Err(Error::new(ErrorKind::Limit, what, why));
        }
        self.streams().into_iter().for_each(opacity::state);
        self.check_sizes()
    }

    /// The demuxers that read its format.
    pub(crate) fn demuxers(&self) -> &'static [&'static str] {
        self.detected.format.demuxers
    }

    /// Why the file must once have been longer, in words, where it says so.
    ///
    /// # Errors
    /// Those of the file system.
    pub(crate) fn cut_short(&self) -> Result<Option<String>> {
        let head = self.source.head()?;
        Ok(header::cut_short(self.detected.format.name, &head, self.source.size_bytes()))
    }

    pub(crate) fn source(&self) -> &'a Source {
        self.source
    }

    /// libav's context; valid while the input lives.
    pub(crate) fn context(&self) -> *mut ffi::AVFormatContext {
        self.context.0
    }

    pub(crate) fn stream_count(&self) -> usize {
        // SAFETY: the context is open.
        unsafe { (*self.context.0).nb_streams as usize }
    }

    /// libav's streams, in the file's order; valid while the input lives.
    pub(crate) fn streams(&self) -> Vec<*mut ffi::AVStream> {
        // SAFETY: libav keeps `nb_streams` pointers there, none of them null.
        (0..self.stream_count()).map(|at| unsafe { *(*self.context.0).streams.add(at) }).collect()
    }

    /// When its earliest picture or sound starts, in seconds of its own time.
    pub(crate) fn start_secs(&self) -> Option<Rational> {
        self.streams().into_iter().filter_map(start_secs).min()
    }

    /// Reads the next packet, skipping broken ones; `None` at the end of the
    /// file, or when nothing but broken data is left.
    ///
    /// # Errors
    /// `Limit` when the time is spent, `Unavailable` when the source's watch says
    /// to stop.
    pub(crate) fn read(&mut self, packet: &mut Packet) -> Result<Option<()>> {
        for _ in 0..1000 {
            if let Some(ended) = ended(self.source, "reading the file") {
                return Err(ended);
            }
            packet.clear();
            // SAFETY: context and packet are open and ours.
            let code = unsafe { ffi::av_read_frame(self.context.0, packet.0) };
            match code {
                0.. => return Ok(Some(())),
                ffi::AVERROR_EOF => return Ok(None),
                _ => {
                    let found = self.io.explain(error("reading the file", code));
                    if matches!(found.kind, ErrorKind::Limit | ErrorKind::Unavailable) {
                        return Err(found);
                    }
                }
            }
        }
        Ok(None)
    }

    /// Has libav drop every packet but those of one stream.
    pub(crate) fn keep_only(&mut self, index: usize) {
        self.keep(&|at| at == index);
    }

    /// Has libav drop the packets of every other stream.
    pub(crate) fn keep(&mut self, is_kept: &dyn Fn(usize) -> bool) {
        for (at, stream) in self.streams().into_iter().enumerate() {
            let discard = if is_kept(at) { ffi::AVDiscard::DEFAULT } else { ffi::AVDiscard::ALL };
            // SAFETY: the stream belongs to the open context.
            unsafe { (*stream).discard = discard };
        }
    }

    /// Moves to the last key frame at or before a time in the stream's time
    /// base. `false` when the container cannot.
    pub(crate) fn seek(&mut self, index: usize, ticks: i64) -> bool {
        let Ok(index) = c_int::try_from(index) else { return false };
        // SAFETY: the context is open and the index is one of its streams'.
        unsafe { ffi::avformat_seek_file(self.context.0, index, i64::MIN, ticks, ticks, 0) >= 0 }
    }

    /// Moves to a byte of the file. `false` when the container cannot.
    pub(crate) fn seek_byte(&mut self, position: i64) -> bool {
        // SAFETY: the context is open; bytes belong to no stream.
        unsafe { ffi::av_seek_frame(self.context.0, -1, position, ffi::AVSEEK_FLAG_BYTE) >= 0 }
    }
}

/// One packet of compressed data.
pub(crate) struct Packet(pub(crate) *mut ffi::AVPacket);

impl Packet {
    pub(crate) fn new() -> Result<Packet> {
        // SAFETY: takes nothing; the result is checked.
        let packet = unsafe { ffi::av_packet_alloc() };
        if packet.is_null() {
            return Err(error("reading the file", ffi::AVERROR(libc::ENOMEM)));
        }
        Ok(Packet(packet))
    }

    fn clear(&mut self) {
        // SAFETY: the packet is ours and not null.
        unsafe { ffi::av_packet_unref(self.0) };
    }

    pub(crate) fn get(&self) -> &ffi::AVPacket {
        // SAFETY: the packet is ours and not null.
        unsafe { &*self.0 }
    }

    /// Another packet that shares this one's content, without its times.
    pub(crate) fn share(&self) -> Result<Packet> {
        let packet = Packet::new()?;
        // SAFETY: both packets are ours; the new one is empty.
        let code = unsafe { ffi::av_packet_ref(packet.0, self.0) };
        if code < 0 {
            return Err(error("reading", code));
        }
        // SAFETY: as above.
        unsafe {
            (*packet.0).pts = ffi::AV_NOPTS_VALUE;
            (*packet.0).dts = ffi::AV_NOPTS_VALUE;
        }
        Ok(packet)
    }

    /// Its compressed data.
    pub(crate) fn data(&self) -> &[u8] {
        let packet = self.get();
        match usize::try_from(packet.size) {
            // SAFETY: libav gives that many bytes, which live as long as the packet.
            Ok(size) if size > 0 && !packet.data.is_null() => unsafe {
                slice::from_raw_parts(packet.data, size)
            },
            _ => &[],
        }
    }

    /// Number of the stream that it belongs to.
    pub(crate) fn stream(&self) -> usize {
        usize::try_from(self.get().stream_index).unwrap_or(usize::MAX)
    }
}

impl Drop for Packet {
    fn drop(&mut self) {
        // SAFETY: the packet is ours.
        unsafe { ffi::av_packet_free(&raw mut self.0) };
    }
}
