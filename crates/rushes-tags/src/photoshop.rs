//! Photoshop's image resources (Adobe Photoshop File Formats Specification),
//! in PSD files and in JPEG's APP13.

use rushes_media::Limits;

use crate::gathered::Gathered;
use crate::problems::Problems;
use crate::source::Source;

/// Resources walked; real files have some fifty.
const MOST_RESOURCES: usize = 5_000;

/// The resources of a PSD or PSB file: after the header and the colour table.
pub(crate) fn gather_file(
    source: &Source<'_>,
    limits: &Limits,
    gathered: &mut Gathered,
    problems: &mut Problems,
) {
    let Some(colors_bytes) = source.u32_be(26).map(u64::from) else {
        problems.note("PSD ends within its header");
        return;
    };
    let Some(resources_bytes) = source.u32_be(30 + colors_bytes).map(u64::from) else {
        problems.note("PSD ends within its header");
        return;
    };
    gather(&source.part(34 + colors_bytes, resources_bytes), limits, gathered);
}

/// The resources that hold metadata, one after the other.
pub(crate) fn gather(source: &Source<'_>, limits: &Limits, gathered: &mut Gathered) {
    let mut position = 0;
    for _ in 0..MOST_RESOURCES {
        let Some(b"8BIM") = source.array(position).as_ref() else { return };
        let (Some(id), Some(name_len)) = (source.u16_be(position + 4), source.u8(position + 6))
        else {
            return;
        };
        // The name is padded so that it and its length are even together.
        let size_at = position + 6 + (u64::from(name_len) + 2) / 2 * 2;
        let Some(len) = source.u32_be(size_at).map(u64::from) else { return };
        let value = source.part(size_at + 4, len);
        let take = || value.take_up_to(0, limits.tag_bytes);
        match id {
            0x0404 => gathered.iptc.push(take()),
            0x040f if gathered.icc.is_none() => gathered.icc = Some(take()),
            0x0422 => gathered.add_exif(take()),
            0x0424 => gathered.xmp.push(take()),
            _ => {}
        }
        position = size_at + 4 + len + len % 2;
    }
}
