//! AVIF (AV1 Image File Format 1.1) as libheif and the AV1 encoder in it write it.

use libheif_rs::{
    Channel, ColorProfileNCLX, ColorProfileRaw, ColorSpace, CompressionFormat,
    EncoderParameterValue, EncoderQuality, EncodingOptions, HeifContext, Image, LibHeif, RgbChroma,
    color_profile_types,
};
use rushes_media::{Block, Blocks, Error, ErrorKind, Frame, Layout, Result, Values};

use super::encode::{eight_bits, sixteen_bits};
use super::heif;

const WHAT: &str = "encoding the AVIF";
/// Bits of what has more than 8: AV1's main profile ends there.
const DEEP_BITS: u8 = 10;
/// What looks like the original.
const QUALITY: u8 = 90;

/// The frame with its metadata: 8 bits, or 10 where the numbers have more, with
/// whole colour (4:4:4). Numbers are sRGB, or of the profile that is given.
pub(super) fn encode(frame: &Frame, quality: Option<u8>, blocks: &Blocks) -> Result<Vec<u8>> {
    let library = LibHeif::new();
    let mut encoder = library.encoder_for_format(CompressionFormat::Av1).map_err(|error| {
        let why = format!("this libheif has no AV1 encoder: {}", error.message);
        Error::new(ErrorKind::Unsupported, WHAT, why).remedy("write HEVC video, WebP or PNG")
    })?;
    let quality = quality.unwrap_or(QUALITY);
    encoder.set_quality(EncoderQuality::Lossy(quality)).map_err(heif::failed)?;
    let chroma = EncoderParameterValue::String("444".into());
    encoder.set_parameter_value("chroma", chroma).map_err(heif::failed)?;
    let picture = picture(frame, blocks)?;
    let mut options = EncodingOptions::new().map_err(heif::failed)?;
    // The matrix stands in the second box when there is a profile.
    options.set_save_two_colr_boxes_when_icc_and_nclx_available(true);
    options.set_mac_os_compatibility_workaround_no_nclx_profile(false);
    let mut context = HeifContext::new().map_err(heif::failed)?;
    let handle =
        context.encode_image(&picture, &mut encoder, Some(options)).map_err(heif::failed)?;
    // libheif looks for its beginning, and takes nothing without.
    let has_beginning = |exif: &&[u8]| exif.starts_with(b"II*\0") || exif.starts_with(b"MM\0*");
    if let Some(exif) = blocks.get(Block::Exif).filter(has_beginning) {
        context.add_exif_metadata(&handle, exif).map_err(heif::failed)?;
    }
    if let Some(packet) = blocks.get(Block::Xmp) {
        context.add_xmp_metadata(&handle, packet).map_err(heif::failed)?;
    }
    context.write_to_bytes().map_err(heif::failed)
}

/// The frame as libheif has it.
fn picture(frame: &Frame, blocks: &Blocks) -> Result<Image> {
    let is_deep = !matches!(frame.values(), Values::U8(_));
    let space = match (frame.layout(), is_deep) {
        (Layout::Gray, _) => ColorSpace::Monochrome,
        (Layout::Rgb, false) => ColorSpace::Rgb(RgbChroma::Rgb),
        (Layout::Rgb, true) => ColorSpace::Rgb(RgbChroma::HdrRgbLe),
        (Layout::Rgba, false) => ColorSpace::Rgb(RgbChroma::Rgba),
        (Layout::Rgba, true) => ColorSpace::Rgb(RgbChroma::HdrRgbaLe),
    };
    let is_grey = frame.layout() == Layout::Gray;
    let channel = if is_grey { Channel::Y } else { Channel::Interleaved };
    let (width_px, height_px) = (frame.width_px(), frame.height_px());
    let mut picture = Image::new(width_px, height_px, space).map_err(heif::failed)?;
    let bits = if is_deep { DEEP_BITS } else { 8 };
    picture.create_plane(channel, width_px, height_px, bits).map_err(heif::failed)?;
    let bytes = if is_deep {
        let top = (1_u32 << DEEP_BITS) - 1;
        let narrow = |value: u16| ((u32::from(value) * top + 32_767) / 65_535) as u16;
        sixteen_bits(frame).into_iter().flat_map(|value| narrow(value).to_le_bytes()).collect()
    } else {
        eight_bits(frame)
    };
    let planes = picture.planes_mut();
    let plane = if is_grey { planes.y } else { planes.interleaved };
    let plane = plane.ok_or_else(|| Error::bug(WHAT, "libheif made no plane"))?;
    let row_bytes = bytes.len() / height_px.max(1) as usize;
    for (row, values) in plane.data.chunks_mut(plane.stride).zip(bytes.chunks_exact(row_bytes)) {
        if let Some(row) = row.get_mut(..row_bytes) {
            row.copy_from_slice(values);
        }
    }
    // As it is made: BT.709's primaries, sRGB's curve, BT.601's matrix, full range.
    let nclx = ColorProfileNCLX::new();
    let nclx = nclx.ok_or_else(|| Error::new(ErrorKind::Limit, WHAT, "there is no memory left"))?;
    picture.set_color_profile_nclx(&nclx).map_err(heif::failed)?;
    if let Some(profile) = blocks.get(Block::Icc) {
        let profile = ColorProfileRaw::new(color_profile_types::PROF, profile.to_vec());
        picture.set_color_profile_raw(&profile).map_err(heif::failed)?;
    }
    Ok(picture)
}
