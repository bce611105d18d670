//! Colours: pictures with profiles come out as LittleCMS has them in sRGB, and
//! no profile keeps a picture from being shown.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot make its input fails")]

mod still_support;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use libheif_rs::{
    Channel, ColorPrimaries, ColorProfileNCLX, ColorProfileRaw, ColorSpace, CompressionFormat,
    EncoderParameterValue, EncoderQuality, EncodingOptions, HeifContext, LibHeif, RgbChroma,
    color_profile_types,
};
use still_support::{decoded, files, largest_difference, u8s};

/// How far a number of 255 may be from LittleCMS: both round, and JPEG does.
const TOLERANCE: u8 = 2;
/// The same for inks, whose table is coarse and read in other ways between its
/// points, most of all where little light is left.
const INK_TOLERANCE: u8 = 6;
/// The same after AVIF, which keeps 8 bits of YCbCr: what that rounds away is
/// much where the curve is steep.
const AVIF_TOLERANCE: u8 = 12;

fn golden(name: &str) -> Vec<u8> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    std::fs::read(folder.join(name)).unwrap()
}

#[test]
fn pictures_with_profiles_as_littlecms_shows_them() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let mut compared = 0;
    for path in files(&folder) {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if name.ends_with(".rgb") || name.ends_with(".py") {
            continue;
        }
        let picture = decoded(&golden(&name), &name).unwrap();
        assert_eq!(picture.color, rushes_media::Color::default(), "{name}");
        let difference = largest_difference(u8s(&picture), &golden(&format!("{name}.rgb")));
        eprintln!("{name}: {difference}");
        let tolerance = if name.starts_with("cmyk.") { INK_TOLERANCE } else { TOLERANCE };
        assert!(difference <= tolerance, "{name}: {difference}");
        compared += 1;
    }
    assert_eq!(compared, 21);
}

#[test]
fn a_profile_that_is_srgb_changes_no_number() {
    let picture = decoded(&golden("srgb.png"), "a.png").unwrap();
    assert_eq!(u8s(&picture), golden("srgb.png.rgb"));
}

/// The test picture as AVIF with these colours; `None` without an encoder.
fn avif(nclx: Option<ColorPrimaries>, icc: Option<Vec<u8>>) -> Option<Vec<u8>> {
    let library = LibHeif::new();
    let Ok(mut encoder) = library.encoder_for_format(CompressionFormat::Av1) else {
        eprintln!("SKIPPED: this libheif has no AV1 encoder to make a fixture with");
        return None;
    };
    encoder.set_quality(EncoderQuality::LossLess).unwrap();
    encoder.set_parameter_value("chroma", EncoderParameterValue::String("444".into())).unwrap();
    let (width, height) = (32, 24);
    let mut picture =
        libheif_rs::Image::new(width, height, ColorSpace::Rgb(RgbChroma::Rgb)).unwrap();
    picture.create_plane(Channel::Interleaved, width, height, 8).unwrap();
    let plane = picture.planes_mut().interleaved.unwrap();
    // Its profile is sRGB, so that these are the numbers as stored.
    let values = golden("srgb.png.rgb");
    for (row, source) in plane.data.chunks_mut(plane.stride).zip(values.chunks_exact(96)) {
        row[..96].copy_from_slice(source);
    }
    if let Some(primaries) = nclx {
        let mut nclx = ColorProfileNCLX::new().unwrap();
        nclx.set_color_primaries(primaries);
        picture.set_color_profile_nclx(&nclx).unwrap();
    }
    if let Some(data) = icc {
        let raw = ColorProfileRaw::new(color_profile_types::PROF, data);
        picture.set_color_profile_raw(&raw).unwrap();
    }
    let mut options = EncodingOptions::new().unwrap();
    options.set_mac_os_compatibility_workaround_no_nclx_profile(false);
    let mut context = HeifContext::new().unwrap();
    context.encode_image(&picture, &mut encoder, Some(options)).unwrap();
    Some(context.write_to_bytes().unwrap())
}

/// The profile in the JPEG of this name.
fn profile_of(name: &str) -> Vec<u8> {
    let bytes = golden(name);
    let at = bytes.windows(12).position(|window| window == b"ICC_PROFILE\0").unwrap();
    let length = usize::from(u16::from_be_bytes([bytes[at - 2], bytes[at - 1]]));
    bytes[at + 14..at - 2 + length].to_vec()
}

#[test]
fn heif_by_code_points_and_by_profile() {
    let p3 = ColorPrimaries::SMPTE_EG_432_1;
    let bt709 = ColorPrimaries::ITU_R_BT_709_5;
    for (nclx, icc, wanted) in [
        (Some(p3), None, "p3.png.rgb"),
        (Some(bt709), None, "srgb.png.rgb"),
        (None, None, "srgb.png.rgb"),
        (None, Some(profile_of("p3.jpg")), "p3.png.rgb"),
        // The profile rules.
        (Some(p3), Some(profile_of("adobe.jpg")), "adobe.jpg.rgb"),
    ] {
        let Some(bytes) = avif(nclx, icc.clone()) else { return };
        let picture = decoded(&bytes, "a.avif").unwrap();
        let difference = largest_difference(u8s(&picture), &golden(wanted));
        eprintln!("{wanted} with {nclx:?}: {difference}");
        assert!(difference <= AVIF_TOLERANCE, "{wanted} with {nclx:?}: {difference}");
    }
}

/// The JPEG of this name with this profile instead of its own, in as many
/// segments as it takes.
fn jpeg_with(name: &str, profile: &[u8]) -> Vec<u8> {
    let pieces: Vec<(usize, &[u8])> = profile.chunks(65_519).enumerate().collect();
    jpeg_with_pieces(name, &pieces)
}

/// The same with these numbered pieces in this order.
fn jpeg_with_pieces(name: &str, pieces: &[(usize, &[u8])]) -> Vec<u8> {
    let bytes = golden(name);
    let at = bytes.windows(12).position(|window| window == b"ICC_PROFILE\0").unwrap() - 4;
    let length = usize::from(u16::from_be_bytes([bytes[at + 2], bytes[at + 3]]));
    let mut made = bytes[..at].to_vec();
    for &(index, piece) in pieces {
        made.extend([0xff, 0xe2]);
        made.extend((piece.len() as u16 + 16).to_be_bytes());
        made.extend(b"ICC_PROFILE\0");
        made.extend([index as u8 + 1, pieces.len() as u8]);
        made.extend(piece);
    }
    made.extend(&bytes[at + 2 + length..]);
    made
}

#[test]
fn pieces_of_a_profile_are_joined_by_their_numbers() {
    let profile = profile_of("p3.jpg");
    let (start, end) = profile.split_at(150);
    let bytes = jpeg_with_pieces("p3.jpg", &[(1, end), (0, start)]);
    let picture = decoded(&bytes, "a.jpg").unwrap();
    assert_eq!(u8s(&picture), u8s(&decoded(&golden("p3.jpg"), "a.jpg").unwrap()));
}

/// Decodes, and says whether the numbers are as stored.
fn is_as_stored(name: &str, profile: &[u8], stored: &[u8], what: &str) -> bool {
    let started = Instant::now();
    let picture = decoded(&jpeg_with(name, profile), name).unwrap_or_else(|error| {
        panic!("{what}: {error}");
    });
    assert!(started.elapsed() < Duration::from_secs(5), "{what}: {:?}", started.elapsed());
    u8s(&picture) == stored
}

#[test]
fn no_profile_keeps_a_picture_from_being_shown() {
    for name in ["p3.jpg", "adobe_of_grey.jpg", "grey.jpg", "cmyk.jpg"] {
        let whole = profile_of(name);
        let stored = u8s(&decoded(&jpeg_with(name, b"none"), name).unwrap()).to_vec();
        assert!(!is_as_stored(name, &whole, &stored, name), "{name}: its profile counts");
        // A profile for other numbers than these.
        let other = if name == "cmyk.jpg" { "p3.jpg" } else { "cmyk.jpg" };
        assert!(is_as_stored(name, &profile_of(other), &stored, "another colour space"));

        for step in 0..60 {
            let cut = whole.len() * step / 60;
            is_as_stored(name, &whole[..cut], &stored, &format!("{name} cut at {cut}"));
        }
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let mut random = move || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state as usize
        };
        for round in 0..150 {
            let mut damaged = whole.clone();
            for _ in 0..=round % 4 {
                // Mostly where the header, the table and the start of each tag are.
                let range = if round % 4 == 0 { damaged.len() } else { damaged.len().min(400) };
                let at = random() % range;
                damaged[at] = [0, 0xff, 0x7f, 0x80, random() as u8][random() % 5];
            }
            is_as_stored(name, &damaged, &stored, &format!("{name} damaged in round {round}"));
        }
    }
}

/// A profile with these entries in its table, each at
/// one place and of one length.
fn with_table(names: impl Iterator<Item = [u8; 4]>, length: usize) -> Vec<u8> {
    let mut profile = profile_of("p3.jpg");
    profile.truncate(128);
    let names: Vec<[u8; 4]> = names.collect();
    let start = 132 + names.len() * 12;
    profile.extend((names.len() as u32).to_be_bytes());
    for name in names {
        profile.extend(name);
        profile.extend((start as u32).to_be_bytes());
        profile.extend((length as u32).to_be_bytes());
    }
    profile
}

#[test]
fn a_huge_or_hostile_profile_costs_no_time() {
    let stored = u8s(&decoded(&jpeg_with("p3.jpg", b"none"), "a.jpg").unwrap()).to_vec();

    // Whole, but larger than any that is needed.
    let mut huge = profile_of("p3.jpg");
    huge.resize((8 << 20) + 1, 0);
    assert!(is_as_stored("p3.jpg", &huge, &stored, "more than 8 MB"));

    // A text in 300,000 languages, each of them the whole of it: terabytes.
    let mut texts = with_table([*b"desc"].into_iter(), 7 << 20);
    texts.extend(b"mluc\0\0\0\0");
    texts.extend(300_000_u32.to_be_bytes());
    texts.extend(12_u32.to_be_bytes());
    for _ in 0..300_000 {
        texts.extend(b"enUS");
        texts.extend((7_u32 << 20).to_be_bytes());
        texts.extend(0_u32.to_be_bytes());
    }
    texts.resize(144 + (7 << 20), 0);
    assert!(is_as_stored("p3.jpg", &texts, &stored, "texts"));

    // The same table of 6 MB two hundred thousand times.
    let mut tables = with_table(std::iter::repeat_n(*b"A2B0", 100_000), 6 << 20);
    tables.extend(b"mft1\0\0\0\0\x03\x03\x7b\0");
    tables.resize(132 + 100_000 * 12 + (6 << 20), 0x55);
    is_as_stored("p3.jpg", &tables, &stored, "tables");
}
