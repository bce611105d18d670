//! PNG's chunks (PNG specification, third edition, clause 5); its pixels are
//! the `image` crate's.

use rushes_media::{Color, Error, ErrorKind, Probe, Result, Stream, StreamKind};

use super::{icc, note_truncation, probe_of, raster, read};
use crate::Source;

/// Chunks that are looked at; large pictures have some ten thousand.
const CHUNKS: usize = 200_000;

struct Header {
    width_px: u32,
    height_px: u32,
    depth_bits: u8,
    color_type: u8,
    color: Option<Color>,
    has_profile: bool,
    end: End,
}

enum End {
    Found,
    Missing,
    /// More chunks than are looked at.
    Unknown,
}

fn header(source: &Source) -> Result<Header> {
    let corrupt = |why| Err(Error::new(ErrorKind::Corrupt, "reading the PNG header", why));
    let Some(start) = read::exactly::<18>(source, 8) else {
        return corrupt("it ends within its first chunk");
    };
    let [_, _, _, _, kind @ .., w3, w2, w1, w0, h3, h2, h1, h0, depth_bits, color_type] = start;
    if kind != *b"IHDR" {
        return corrupt("its first chunk is not the header");
    }
    let mut found = Header {
        width_px: u32::from_be_bytes([w3, w2, w1, w0]),
        height_px: u32::from_be_bytes([h3, h2, h1, h0]),
        depth_bits,
        color_type,
        color: None,
        has_profile: false,
        end: End::Unknown,
    };
    if found.width_px == 0 || found.height_px == 0 {
        return corrupt("it states no width or height");
    }
    let mut at = 8;
    for _ in 0..CHUNKS {
        let Some([l3, l2, l1, l0, kind @ ..]) = read::exactly::<8>(source, at) else {
            found.end = End::Missing;
            break;
        };
        let kind: [u8; 4] = kind;
        match &kind {
            b"IEND" => {
                found.end = End::Found;
                break;
            }
            b"iCCP" => found.has_profile = true,
            b"cICP" => found.color = read::exactly(source, at + 8).map(color_of),
            _ => {}
        }
        at += 12 + u64::from(u32::from_be_bytes([l3, l2, l1, l0]));
    }
    Ok(found)
}

/// The colour of a cICP chunk: code points of ITU-T H.273.
fn color_of([primaries, transfer, _, range]: [u8; 4]) -> Color {
    super::heif::color_of(u16::from(primaries), u16::from(transfer), 0, range == 1)
}

/// The colour when the file says PQ or HLG.
pub(super) fn hdr_color(source: &Source) -> Result<Option<Color>> {
    Ok(header(source)?.color.filter(|color| color.hdr.is_some()))
}

pub(super) fn probe(source: &Source) -> Result<Probe> {
    let found = header(source)?;
    let mut stream = Stream::new(0, StreamKind::Still, "png");
    stream.width_px = Some(found.width_px);
    stream.height_px = Some(found.height_px);
    stream.bit_depth = Some(u32::from(found.depth_bits));
    stream.pixel_format = pixel_format(found.color_type, found.depth_bits).map(Into::into);
    let mut color = found.color;
    if found.has_profile {
        // It is compressed: the decoder unpacks it, within its limits.
        let profile = raster::icc_profile(source, "png");
        if let Some(name) = profile.and_then(|profile| icc::description(&profile)) {
            color.get_or_insert_default().icc_profile = Some(name);
        }
    }
    stream.color = color;
    let mut probe = probe_of(source, "png", stream);
    if matches!(found.end, End::Missing) {
        note_truncation(&mut probe, "it has no end chunk");
    }
    Ok(probe)
}

fn pixel_format(color_type: u8, depth_bits: u8) -> Option<&'static str> {
    Some(match (color_type, depth_bits) {
        (0, 1) => "monob",
        (0, 2 | 4 | 8) => "gray",
        (0, 16) => "gray16be",
        (2, 8) => "rgb24",
        (2, 16) => "rgb48be",
        (3, _) => "pal8",
        (4, 8) => "ya8",
        (4, 16) => "ya16be",
        (6, 8) => "rgba",
        (6, 16) => "rgba64be",
        _ => return None,
    })
}
