use crate::{Color, Rational, Values};

/// The numbers of one component of a picture, as they are stored: `[H, W]`,
/// rows from the top, no padding.
#[derive(Clone, Debug, PartialEq)]
pub struct Plane {
    /// Which component: `y`, `u`, `v` (Cb and Cr), `r`, `g`, `b`, `x`, `z`, or
    /// `a` for how opaque it is.
    pub name: char,
    /// Width; that of chroma is rounded up.
    pub width_px: u32,
    /// Height; that of chroma is rounded up.
    pub height_px: u32,
    /// Bits of a number: whole numbers are 0 to `2^bit_depth - 1`. Floats have
    /// 32, and are as stored.
    pub bit_depth: u32,
    /// The numbers, neither scaled nor spread: 10 bits are 0 to 1023 in `U16`,
    /// and limited range stays limited. Those of up to 8 bits are `U8`.
    pub values: Values,
}

/// One picture of a stream as it is stored, component by component, with what
/// its numbers mean. Nothing is converted, and it is not turned.
#[derive(Clone, Debug, PartialEq)]
pub struct Planes {
    /// FFmpeg's name of the pixel format: `yuv420p10le`, `nv12`, `gbrp`.
    pub pixel_format: String,
    /// Width of the picture.
    pub width_px: u32,
    /// Height of the picture.
    pub height_px: u32,
    /// Y, U, V, or R, G, B, or Y alone, then A when there is opacity; in that
    /// order however they lie in memory, and apart even where they lie mixed.
    pub planes: Vec<Plane>,
    /// Pixels across and down that share one number of chroma: (2, 2) for
    /// 4:2:0, (2, 1) for 4:2:2, (1, 1) for 4:4:4 and without chroma.
    pub subsampling: (u32, u32),
    /// Primaries, transfer, matrix and range, as far as they are stated.
    pub color: Color,
    /// Where numbers of chroma lie between pixels, by FFmpeg's name: `left`,
    /// `center`, `topleft`; `None` when it is not stated.
    pub chroma_location: Option<String>,
    /// Clockwise turn that sets it upright: 0, 90, 180 or 270.
    pub rotation_degrees: u16,
    /// Whether it is to be mirrored left to right after that turn.
    pub mirrored: bool,
    /// When it is shown, in seconds from the start of what it came from.
    pub time_secs: Option<Rational>,
    /// How long it is shown, in seconds.
    pub duration_secs: Option<Rational>,
}

impl Planes {
    /// The component of this name.
    #[must_use]
    pub fn plane(&self, name: char) -> Option<&Plane> {
        self.planes.iter().find(|plane| plane.name == name)
    }
}
