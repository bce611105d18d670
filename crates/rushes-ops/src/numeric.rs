//! What the operations on frames share: numbers of any depth, planes, borders.

mod allowed;
mod area;
mod border;
mod gather;
mod lab;
mod luma;
mod map;
mod opacity;
mod planes;
mod sample;
mod separable;

pub(crate) use allowed::{listed, paired, refuse, sized, within};
pub(crate) use area::area;
pub(crate) use border::reflect_101;
pub(crate) use gather::gathered;
pub(crate) use lab::{lab_from_rgb, rgb_from_lab};
pub(crate) use luma::luma;
pub(crate) use map::{map_channels, map_colors, map_pixels};
pub(crate) use opacity::{multiply, unmultiply};
pub(crate) use planes::Planes;
pub(crate) use sample::{Sample, each_depth, full, pixel_of, shares};
pub(crate) use separable::{blurred, gaussian_kernel};

use rushes_media::Frame;

/// Whether a frame has no pixel.
pub(crate) fn is_empty(frame: &Frame) -> bool {
    frame.values().is_empty()
}
