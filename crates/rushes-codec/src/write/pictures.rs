//! What an encoder is told of the pictures that it will get.

use std::ffi::c_int;

use ffmpeg::ffi;

use super::light::Light;
use crate::av::color::Codes;

/// What all pictures that an encoder gets have in common.
#[derive(Clone, Debug)]
pub(super) struct Pictures {
    /// Name of the codec that they are encoded by.
    pub(super) codec: &'static str,
    pub(super) width_px: c_int,
    pub(super) height_px: c_int,
    pub(super) format: ffi::AVPixelFormat,
    pub(super) codes: Codes,
    /// Width of a pixel over its height.
    pub(super) sample_aspect: ffi::AVRational,
    pub(super) chroma_location: ffi::AVChromaLocation,
    pub(super) light: Light,
}

/// The shorter side of what FFV1 is cut into slices at.
const LEAST_SLICED_PX: i32 = 32;

impl Pictures {
    /// Tells an encoder that is not open yet.
    ///
    /// # Safety
    /// The context is whole.
    pub(super) unsafe fn describe(&self, context: *mut ffi::AVCodecContext) {
        // SAFETY: as the caller says.
        unsafe {
            (*context).width = self.width_px;
            (*context).height = self.height_px;
            (*context).pix_fmt = self.format;
            (*context).colorspace = self.codes.matrix;
            (*context).color_primaries = self.codes.primaries;
            (*context).color_trc = self.codes.transfer;
            (*context).color_range = self.codes.range;
            (*context).sample_aspect_ratio = self.sample_aspect;
            (*context).chroma_sample_location = self.chroma_location;
        }
    }

    /// What else this encoder must know.
    pub(super) fn settings(&self, encoder: &str) -> Vec<(&'static str, String)> {
        let fixed: &[(&'static str, &str)] = match (self.codec, encoder) {
            // FFmpeg cuts small frames into slices that have no row, and loses pixels.
            ("ffv1", _) if self.width_px.min(self.height_px) < LEAST_SLICED_PX => {
                &[("level", "1"), ("g", "1")]
            }
            // Slices with checksums, decodable in parallel (RFC 9043).
            ("ffv1", _) => &[("level", "3"), ("slices", "4"), ("slicecrc", "1"), ("g", "1")],
            ("prores", _) if self.format == ffi::AVPixelFormat::YUVA444P10LE => {
                &[("profile", "4444"), ("alpha_bits", "16"), ("vendor", "apl0")]
            }
            ("prores", _) if self.format == ffi::AVPixelFormat::YUV444P10LE => {
                &[("profile", "4444"), ("alpha_bits", "0"), ("vendor", "apl0")]
            }
            ("prores", _) => &[("profile", "hq"), ("vendor", "apl0")],
            ("dnxhr", _) if self.format == ffi::AVPixelFormat::YUV422P10LE => {
                &[("profile", "dnxhr_hqx")]
            }
            ("dnxhr", _) => &[("profile", "dnxhr_hq")],
            (_, "libvpx-vp9") => &[("row-mt", "1"), ("cpu-used", "4"), ("deadline", "good")],
            (_, "libsvtav1") => &[("preset", "8")],
            (_, "libaom-av1") => &[("cpu-used", "6"), ("row-mt", "1")],
            (_, "libx265") => {
                return vec![("x265-params", "log-level=none".to_owned() + &self.light.for_x265())];
            }
            _ => &[],
        };
        fixed.iter().map(|&(key, value)| (key, value.to_owned())).collect()
    }
}
