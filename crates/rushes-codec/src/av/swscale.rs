//! What everything that has libswscale convert pixels must agree on.

use std::ffi::c_int;

// libswscale's flags, constant since it exists; newer headers moved them into
// an enumeration.
pub(crate) const BICUBIC: c_int = 0x4;
pub(crate) const AREA: c_int = 0x20;
pub(crate) const FULL_CHROMA: c_int = 0x2000 | 0x4000;
pub(crate) const ACCURATE: c_int = 0x4_0000;
pub(crate) const BIT_EXACT: c_int = 0x8_0000;

/// Rows of the scaler's output start on such a boundary, and it may write that
/// far beyond the last.
pub(crate) const ALIGN_BYTES: usize = 64;

/// The matrix of a picture of this size by its number in ITU-T H.273: the one
/// that is stated, else BT.709 for what is larger than PAL, and BT.601.
pub(crate) fn matrix(stated: u32, width: c_int, height: c_int) -> c_int {
    match stated {
        1 | 4 | 5 | 6 | 7 | 9 | 10 => stated as c_int,
        _ if width > 1024 || height > 576 => 1,
        _ => 5,
    }
}
