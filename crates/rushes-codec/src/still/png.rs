//! PNG's chunks (PNG specification, third edition, clause 5); its pixels are
//! the `image` crate's.

use rushes_media::{Color, Error, ErrorKind, Probe, Result, Stream, StreamKind};

use super::raster::Meaning;
use super::srgb::Profile;
use super::{icc, note_truncation, probe_of, raster, read, stated};
use crate::Source;

/// Chunks that are looked at; large pictures have some ten thousand.
const CHUNKS: usize = 200_000;

struct Header {
    width_px: u32,
    height_px: u32,
    depth_bits: u8,
    color_type: u8,
    /// The cICP chunk: primaries, transfer, matrix and range by their code
    /// points in ITU-T H.273.
    code_points: Option<[u8; 4]>,
    has_profile: bool,
    end: End,
}

enum End {
    Found,
    Missing,
    /// More chunks than are looked at.
    Unknown,
}

impl Header {
    /// The least that such a picture takes: Deflate makes at most 1,032 bytes
    /// of one (258 of every two bits).
    fn least_bytes(&self) -> u64 {
        let samples = match self.color_type {
            2 => 3,
            4 => 2,
            6 => 4,
            _ => 1,
        };
        let pixel_bits = u64::from(self.depth_bits).clamp(1, 16) * samples;
        stated::rows_bytes((self.width_px, self.height_px), pixel_bits, 1) / 1_032
    }
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
        code_points: None,
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
            b"cICP" => found.code_points = read::exactly(source, at + 8),
            _ => {}
        }
        at += 12 + u64::from(u32::from_be_bytes([l3, l2, l1, l0]));
    }
    Ok(found)
}

/// The colour of a cICP chunk.
fn color_of([primaries, transfer, _, range]: [u8; 4]) -> Color {
    super::heif::color_of(u16::from(primaries), u16::from(transfer), 0, range == 1)
}

/// What the numbers mean: the cICP chunk rules over an ICC profile.
pub(super) fn meaning(source: &Source) -> Result<Meaning> {
    let Some(code_points) = header(source)?.code_points else { return Ok(Meaning::Embedded) };
    let color = color_of(code_points);
    if color.hdr.is_some() {
        return Ok(Meaning::Hdr(color));
    }
    let [primaries, transfer, ..] = code_points.map(u16::from);
    Ok(Meaning::Said(Profile::from_code_points(primaries, transfer)))
}

pub(super) fn probe(source: &Source) -> Result<Probe> {
    let found = header(source)?;
    let size_px = (found.width_px, found.height_px);
    stated::check(source, size_px, found.least_bytes())?;
    let mut stream = Stream::new(0, StreamKind::Still, "png");
    stream.width_px = Some(found.width_px);
    stream.height_px = Some(found.height_px);
    stream.bit_depth = Some(u32::from(found.depth_bits));
    stream.pixel_format = pixel_format(found.color_type, found.depth_bits).map(Into::into);
    let mut color = found.code_points.map(color_of);
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
