//! A still as another one: upright, with its metadata and, where nothing needs
//! sRGB, in its own colours.

use rushes_codec::{
    Source, encode_still_with, left_out_of_still, still_frame, still_frame_in_profile,
    still_profile,
};
use rushes_media::{Block, Blocks, Frame, Probe, Result};
use rushes_tags::{Carried, Changed, carried, fit};

use super::{Order, StreamReport};
use crate::making::filters::Filter;
use crate::tasks::set_upright;

/// Filters that move pixels and ask nothing of their colours.
const GEOMETRY: [&str; 4] = ["resize", "crop", "rotate", "flip"];

/// What becomes of the still.
pub(super) fn report(order: &Order, source: &Source, probe: &Probe) -> Result<StreamReport> {
    let Carried { mut blocks, left_out } = carried_by(source)?;
    let has_profile = blocks.get(Block::Icc).is_some();
    let profile = if keeps_colours(order) { still_profile(source) } else { None };
    let becomes_srgb = has_profile && profile.is_none();
    *blocks.place(Block::Icc) = profile;
    let mut lost = left_out_of_still(order.still(), &blocks)?;
    lost.extend(left_out.into_iter().map(|what| format!("{what} is not kept")));
    if becomes_srgb {
        lost.push("its colours become sRGB".to_owned());
    }
    let stream = probe.picture();
    let hdr = stream.and_then(|stream| stream.color.as_ref()?.hdr.as_deref());
    if hdr == Some("gain map") {
        lost.push("its gain map is not kept".to_owned());
    }
    let codec = probe.streams.first().map(|stream| stream.codec.clone());
    let mut becomes = format!("encoded as {}, set upright", order.still());
    let kept = kept(order, &blocks);
    if !kept.is_empty() {
        becomes += &format!(", with {}", kept.join(", "));
    }
    if !lost.is_empty() {
        becomes += &format!(": {}", lost.join(", "));
    }
    Ok(StreamReport {
        index: 0,
        kind: "still".to_owned(),
        codec: codec.unwrap_or_else(|| probe.container.format.clone()),
        becomes,
    })
}

/// The new file's bytes.
pub(super) fn encode(
    order: &Order,
    source: &Source,
    probe: &Probe,
    edit: &dyn Fn(Frame) -> Result<Frame>,
) -> Result<Vec<u8>> {
    let (frame, profile) = if keeps_colours(order) {
        still_frame_in_profile(source)?
    } else {
        (still_frame(source)?, None)
    };
    let frame = edit(set_upright(probe, frame)?)?;
    let mut blocks = carried_by(source)?.blocks;
    let is_srgb = profile.is_none() && frame.color.hdr.is_none();
    fit(&mut blocks, &Changed { size_px: (frame.width_px(), frame.height_px()), is_srgb });
    *blocks.place(Block::Icc) = profile;
    encode_still_with(&frame, order.still(), order.quality.map(|it| it.max(1)), &blocks)
}

fn carried_by(source: &Source) -> Result<Carried> {
    let read = |room: &mut [u8], position| source.read_at(room, position);
    carried(&read, source.size_bytes(), source.limits())
}

/// What the new file can hold.
fn holds(order: &Order) -> &'static [Block] {
    order.still_target().map_or(&[], |target| target.holds)
}

/// Whether the numbers may stay those of the file's own profile.
fn keeps_colours(order: &Order) -> bool {
    let moves_pixels = |filter: &Filter| GEOMETRY.contains(&&*filter.name);
    holds(order).contains(&Block::Icc) && order.filters.iter().all(moves_pixels)
}

fn kept(order: &Order, blocks: &Blocks) -> Vec<&'static str> {
    blocks.kinds().filter(|block| holds(order).contains(block)).map(Block::words).collect()
}
