//! What HDR pictures say of the display that they were made on (SMPTE ST 2086)
//! and of their brightest parts (CTA-861.3).

use ffmpeg::ffi;
use rushes_media::Result;

use super::carry::add_side_data;
use crate::av::color::side_data;
use crate::av::decode::Frame;

/// Both as libav keeps them; absent where they are not stated.
#[derive(Clone, Debug, Default)]
pub(super) struct Light {
    display: Option<Vec<u8>>,
    content: Option<Vec<u8>>,
}

impl Light {
    /// What the frame says, or else its stream.
    pub(super) fn of(frame: &Frame, stream: *mut ffi::AVStream) -> Light {
        let in_frame = |kind| {
            // SAFETY: the frame is whole; what it gives lives as long as it.
            unsafe {
                let found = ffi::av_frame_get_side_data(frame.0, kind).as_ref()?;
                Some(std::slice::from_raw_parts(found.data, found.size).to_vec())
            }
        };
        let in_stream = |kind| side_data(stream, kind).map(<[u8]>::to_vec);
        Light {
            display: in_frame(ffi::AVFrameSideDataType::MASTERING_DISPLAY_METADATA)
                .or_else(|| in_stream(ffi::AVPacketSideDataType::MASTERING_DISPLAY_METADATA)),
            content: in_frame(ffi::AVFrameSideDataType::CONTENT_LIGHT_LEVEL)
                .or_else(|| in_stream(ffi::AVPacketSideDataType::CONTENT_LIGHT_LEVEL)),
        }
    }

    /// Tells the container.
    ///
    /// # Safety
    /// The stream is one of an open output.
    pub(super) unsafe fn describe(&self, stream: *mut ffi::AVStream) -> Result<()> {
        for (kind, bytes) in [
            (ffi::AVPacketSideDataType::MASTERING_DISPLAY_METADATA, &self.display),
            (ffi::AVPacketSideDataType::CONTENT_LIGHT_LEVEL, &self.content),
        ] {
            if let Some(bytes) = bytes {
                // SAFETY: as the caller says.
                unsafe { add_side_data(stream, kind, bytes)? };
            }
        }
        Ok(())
    }

    /// x265's options for both, each with a colon before.
    pub(super) fn for_x265(&self) -> String {
        let display = self.display.as_deref().and_then(display_for_x265).unwrap_or_default();
        let content = self.content.as_deref().and_then(content_for_x265).unwrap_or_default();
        display + &content
    }
}

/// 32-bit number `at` of a structure.
fn number(bytes: &[u8], at: usize) -> Option<i32> {
    let bytes = bytes.get(at * 4..at * 4 + 4)?;
    bytes.try_into().ok().map(i32::from_ne_bytes)
}

/// libav's structure is ten fractions, `x` and `y` of red, green, blue and
/// white, the least and the most luminance, then whether the first eight and
/// the last two are stated. x265 wants green first, in parts of 50,000, and
/// luminance in parts of 10,000.
fn display_for_x265(bytes: &[u8]) -> Option<String> {
    let parts = |fraction: usize, parts: f64| {
        let (num, den) = (number(bytes, fraction * 2)?, number(bytes, fraction * 2 + 1)?);
        let value = f64::from(num) / f64::from(den) * parts;
        (den > 0 && num >= 0).then(|| value.round() as u32)
    };
    if number(bytes, 20)? == 0 || number(bytes, 21)? == 0 {
        return None;
    }
    let point = |at: usize| {
        Some(format!("({},{})", parts(at * 2, 50_000.0)?, parts(at * 2 + 1, 50_000.0)?))
    };
    let (red, green, blue, white) = (point(0)?, point(1)?, point(2)?, point(3)?);
    let (least, most) = (parts(8, 10_000.0)?, parts(9, 10_000.0)?);
    Some(format!(":master-display=G{green}B{blue}R{red}WP{white}L({most},{least})"))
}

fn content_for_x265(bytes: &[u8]) -> Option<String> {
    let (most, average) = (number(bytes, 0)?, number(bytes, 1)?);
    (most >= 0 && average >= 0).then(|| format!(":max-cll={most},{average}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn x265_is_told_in_its_own_units() {
        let fractions = [
            (34_000, 50_000),
            (16_000, 50_000),
            (13_250, 50_000),
            (34_500, 50_000),
            (7_500, 50_000),
            (3_000, 50_000),
            (15_635, 50_000),
            (16_450, 50_000),
            (1, 200),
            (1_000, 1),
        ];
        let numbers = fractions.iter().flat_map(|&(num, den)| [num, den]).chain([1, 1]);
        let display: Vec<u8> = numbers.flat_map(i32::to_ne_bytes).collect();
        let content: Vec<u8> = [1000_i32, 400].into_iter().flat_map(i32::to_ne_bytes).collect();
        let light = Light { display: Some(display.clone()), content: Some(content) };
        assert_eq!(
            light.for_x265(),
            ":master-display=G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)\
             L(10000000,50):max-cll=1000,400"
        );
        let short = Light { display: display.get(..80).map(<[u8]>::to_vec), content: None };
        assert_eq!(short.for_x265(), "");
    }
}
