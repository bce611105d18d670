//! How a stream's numbers become colours.

use std::slice;

use ffmpeg::ffi;
use rushes_media::{Color, Result, StreamKind};

use super::decode::{Decoder, Frame};
use super::input::{Input, Packet};
use super::string;

/// What the stream's parameters say of its colour; `None` when they say nothing.
pub(super) fn color(stream: *mut ffi::AVStream) -> Option<Color> {
    let mut color = Codes::of_stream(stream).color();
    let has = |kind| side_data(stream, kind).is_some();
    color.hdr = if has(ffi::AVPacketSideDataType::DOVI_CONF) {
        Some("Dolby Vision".to_owned())
    } else {
        let described = has(ffi::AVPacketSideDataType::MASTERING_DISPLAY_METADATA)
            || has(ffi::AVPacketSideDataType::CONTENT_LIGHT_LEVEL);
        hdr_of_transfer(color.transfer.as_deref(), described).map(str::to_owned)
    };
    (color != Color::default()).then_some(color)
}

fn name(pointer: *const std::ffi::c_char) -> Option<String> {
    // SAFETY: libav's names are constants, or null.
    unsafe { string(pointer) }.filter(|name| name != "unknown" && name != "reserved")
}

/// What a transfer function alone makes of the picture; `described` is whether
/// there is static metadata (SMPTE ST 2086, CTA-861.3) beside it.
fn hdr_of_transfer(transfer: Option<&str>, described: bool) -> Option<&'static str> {
    match transfer? {
        "smpte2084" if described => Some("HDR10"),
        "smpte2084" => Some("PQ"),
        "arib-std-b67" => Some("HLG"),
        _ => None,
    }
}

/// What the container states of each stream's colour. Some of libav's decoders
/// (ProRes) put what they find in the bitstream in its place, even if that is
/// that nothing is known.
pub(super) struct StatedColors(Vec<Codes>);

/// How numbers become colours, by the numbers of ITU-T H.273.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Codes {
    pub(crate) primaries: ffi::AVColorPrimaries,
    pub(crate) transfer: ffi::AVColorTransferCharacteristic,
    pub(crate) matrix: ffi::AVColorSpace,
    pub(crate) range: ffi::AVColorRange,
}

impl Codes {
    /// What a stream of an open input states.
    pub(crate) fn of_stream(stream: *mut ffi::AVStream) -> Codes {
        // SAFETY: a stream of an open input has parameters.
        let parameters = unsafe { &*(*stream).codecpar };
        Codes {
            primaries: parameters.color_primaries,
            transfer: parameters.color_trc,
            matrix: parameters.color_space,
            range: parameters.color_range,
        }
    }

    /// What a decoded frame states.
    pub(crate) fn of_frame(frame: &Frame) -> Codes {
        let given = frame.get();
        Codes {
            primaries: given.color_primaries,
            transfer: given.color_trc,
            matrix: given.colorspace,
            range: given.color_range,
        }
    }

    /// These, and where they say nothing the others.
    pub(crate) fn or(self, other: Codes) -> Codes {
        let mut codes = self;
        if codes.primaries == ffi::AVColorPrimaries::UNSPECIFIED {
            codes.primaries = other.primaries;
        }
        if codes.transfer == ffi::AVColorTransferCharacteristic::UNSPECIFIED {
            codes.transfer = other.transfer;
        }
        if codes.matrix == ffi::AVColorSpace::UNSPECIFIED {
            codes.matrix = other.matrix;
        }
        if codes.range == ffi::AVColorRange::UNSPECIFIED {
            codes.range = other.range;
        }
        codes
    }

    /// The same by FFmpeg's names.
    pub(crate) fn color(self) -> Color {
        // SAFETY: names are constants, or null.
        unsafe {
            Color {
                primaries: name(ffi::av_color_primaries_name(self.primaries)),
                transfer: name(ffi::av_color_transfer_name(self.transfer)),
                matrix: name(ffi::av_color_space_name(self.matrix)),
                range: name(ffi::av_color_range_name(self.range)),
                hdr: None,
                icc_profile: None,
            }
        }
    }
}

impl StatedColors {
    /// Those of an input whose decoders have not been tried yet.
    pub(super) fn of(input: &Input<'_>) -> StatedColors {
        StatedColors(input.streams().into_iter().map(Codes::of_stream).collect())
    }

    /// Puts back what has been forgotten since.
    pub(super) fn restore(&self, input: &Input<'_>) {
        for (stream, stated) in input.streams().into_iter().zip(&self.0) {
            let codes = Codes::of_stream(stream).or(*stated);
            // SAFETY: as above; nothing else looks at the parameters meanwhile.
            let parameters = unsafe { &mut *(*stream).codecpar };
            parameters.color_primaries = codes.primaries;
            parameters.color_trc = codes.transfer;
            parameters.color_space = codes.matrix;
            parameters.color_range = codes.range;
        }
    }
}

/// Data that a stream carries beside its packets.
pub(crate) fn side_data<'a>(
    stream: *mut ffi::AVStream,
    kind: ffi::AVPacketSideDataType,
) -> Option<&'a [u8]> {
    // SAFETY: the stream is open, and its side data lives as long as it does;
    // callers use it at once.
    unsafe {
        #[cfg(coded_side_data)]
        let (data, size) = {
            let parameters = &*(*stream).codecpar;
            let found = ffi::av_packet_side_data_get(
                parameters.coded_side_data,
                parameters.nb_coded_side_data,
                kind,
            );
            if found.is_null() {
                return None;
            }
            ((*found).data.cast_const(), (*found).size)
        };
        #[cfg(not(coded_side_data))]
        let (data, size) = {
            let mut size = 0;
            let data = ffi::av_stream_get_side_data(stream, kind, &raw mut size);
            (data.cast_const(), size)
        };
        (!data.is_null()).then(|| slice::from_raw_parts(data, size))
    }
}

/// Looks for HDR metadata inside the first frame of a PQ stream, where
/// encoders put it when the container has no place for it.
///
/// # Errors
/// `Limit` when the time is spent; a frame that cannot be had is no error.
pub(super) fn look_inside(input: &Input<'_>, streams: &mut [rushes_media::Stream]) -> Result<()> {
    let undecided = |stream: &rushes_media::Stream| {
        let hdr = stream.color.as_ref().and_then(|color| color.hdr.as_deref());
        stream.kind == StreamKind::Video && matches!(hdr, Some("PQ" | "HDR10"))
    };
    let Some(index) = streams.iter().position(undecided) else { return Ok(()) };
    let limits = input.source().limits();
    let Ok(mut again) = Input::open_as(input.source(), input.detected) else { return Ok(()) };
    let Some(stream) = again.streams().get(index).copied() else { return Ok(()) };
    let Ok(mut decoder) = Decoder::open(stream, limits) else { return Ok(()) };
    again.keep_only(index);
    let (mut packet, mut frame) = (Packet::new()?, Frame::new()?);
    if !decoder.next(&mut again, index, &mut packet, &mut frame)? {
        return Ok(());
    }
    let has = |kind| {
        // SAFETY: the frame was just decoded; only the pointer is compared.
        !unsafe { ffi::av_frame_get_side_data(frame.0, kind) }.is_null()
    };
    let found = if has(ffi::AVFrameSideDataType::DYNAMIC_HDR_PLUS) {
        "HDR10+"
    } else if has(ffi::AVFrameSideDataType::MASTERING_DISPLAY_METADATA)
        || has(ffi::AVFrameSideDataType::CONTENT_LIGHT_LEVEL)
    {
        "HDR10"
    } else {
        return Ok(());
    };
    if let Some(color) = streams.get_mut(index).and_then(|stream| stream.color.as_mut()) {
        color.hdr = Some(found.to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transfers_that_are_hdr() {
        assert_eq!(hdr_of_transfer(Some("smpte2084"), true), Some("HDR10"));
        assert_eq!(hdr_of_transfer(Some("smpte2084"), false), Some("PQ"));
        assert_eq!(hdr_of_transfer(Some("arib-std-b67"), true), Some("HLG"));
        assert_eq!(hdr_of_transfer(Some("bt709"), true), None);
        assert_eq!(hdr_of_transfer(None, true), None);
    }
}
