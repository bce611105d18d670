//! Every still format: made by somebody else's encoder, read by us, compared;
//! then cut short, damaged, and with sizes that lie.

#![expect(clippy::unwrap_used, reason = "a test that cannot make its input fails")]

mod still_support;

use std::io::Cursor;
use std::time::{Duration, Instant};

use image::{DynamicImage, GrayImage, ImageFormat, Rgb32FImage, RgbImage};
use libheif_rs::{
    Channel, ColorPrimaries, ColorProfileNCLX, ColorSpace, CompressionFormat, EncoderQuality,
    EncodingOptions, HeifContext, ImageOrientation, LibHeif, RgbChroma,
};
use rushes_codec::{encode_still, still_picture};
use rushes_media::{Color, ErrorKind, Frame, Layout, Limits, Picture, Pixels, Values};
use still_support::{
    decoded, largest_difference, pattern, pillow, probed, probed_size, run_python, size, source_of,
    source_within, survives, u8s,
};

const WIDTH: u32 = 37;
const HEIGHT: u32 = 23;

fn rgb_image() -> DynamicImage {
    DynamicImage::ImageRgb8(RgbImage::from_raw(WIDTH, HEIGHT, pattern(WIDTH, HEIGHT)).unwrap())
}

fn encoded(image: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

fn encode_jpeg(picture: &Picture, quality: u8) -> rushes_media::Result<Vec<u8>> {
    let values = match picture.pixels() {
        Pixels::U8(values) => Values::U8(values.clone()),
        Pixels::U16(values) => Values::U16(values.clone()),
    };
    let frame = Frame::new(picture.width_px(), picture.height_px(), Layout::Rgb, values)?;
    encode_still(&frame, "jpg", Some(quality))
}

fn jpeg(width: u32, height: u32) -> Vec<u8> {
    let pixels = Pixels::U8(pattern(width, height));
    encode_jpeg(&Picture::new(width, height, pixels, Color::default()).unwrap(), 95).unwrap()
}

/// One small file of each format: its name, its bytes, and how far its pixels
/// may be from the pattern.
fn fixtures() -> Vec<(&'static str, Vec<u8>, u8)> {
    let rgb = rgb_image();
    let linear = |value: u8| {
        let signal = f32::from(value) / 255.0;
        if signal <= 0.04045 { signal / 12.92 } else { ((signal + 0.055) / 1.055).powf(2.4) }
    };
    let floats = pattern(WIDTH, HEIGHT).into_iter().map(linear).collect();
    let floats = DynamicImage::ImageRgb32F(Rgb32FImage::from_raw(WIDTH, HEIGHT, floats).unwrap());
    let mut found = vec![
        ("a.jpg", jpeg(WIDTH, HEIGHT), 12),
        ("a.png", encoded(&rgb, ImageFormat::Png), 0),
        ("a.webp", encoded(&rgb, ImageFormat::WebP), 0),
        ("a.tiff", encoded(&rgb, ImageFormat::Tiff), 0),
        ("a.bmp", encoded(&rgb, ImageFormat::Bmp), 0),
        ("a.qoi", encoded(&rgb, ImageFormat::Qoi), 0),
        ("a.ppm", encoded(&rgb, ImageFormat::Pnm), 0),
        ("a.tga", encoded(&rgb, ImageFormat::Tga), 0),
        ("a.ico", encoded(&DynamicImage::ImageRgba8(rgb.to_rgba8()), ImageFormat::Ico), 0),
        // The encoder finds 256 colours for 851.
        ("a.gif", encoded(&rgb, ImageFormat::Gif), 48),
        ("a.exr", encoded(&floats, ImageFormat::OpenExr), 1),
        // One exponent for three colours: dark ones lose most.
        ("a.hdr", encoded(&floats, ImageFormat::Hdr), 14),
    ];
    found.extend(avif(&rgb.to_rgb8(), None).map(|bytes| ("a.avif", bytes, 16)));
    found
}

/// The picture as AVIF, when libheif was built with an encoder for it.
fn avif(rgb: &RgbImage, turn: Option<ImageOrientation>) -> Option<Vec<u8>> {
    let library = LibHeif::new();
    let Ok(mut encoder) = library.encoder_for_format(CompressionFormat::Av1) else {
        eprintln!("SKIPPED: this libheif has no AV1 encoder to make a fixture with");
        return None;
    };
    encoder.set_quality(EncoderQuality::Lossy(95)).unwrap();
    let (width, height) = rgb.dimensions();
    let mut picture =
        libheif_rs::Image::new(width, height, ColorSpace::Rgb(RgbChroma::Rgb)).unwrap();
    picture.create_plane(Channel::Interleaved, width, height, 8).unwrap();
    let plane = picture.planes_mut().interleaved.unwrap();
    for (row, source) in
        plane.data.chunks_mut(plane.stride).zip(rgb.chunks_exact(width as usize * 3))
    {
        row[..source.len()].copy_from_slice(source);
    }
    let mut context = HeifContext::new().unwrap();
    let mut options = EncodingOptions::new().unwrap();
    if let Some(turn) = turn {
        options.set_image_orientation(turn);
    }
    context.encode_image(&picture, &mut encoder, Some(options)).unwrap();
    Some(context.write_to_bytes().unwrap())
}

#[test]
fn every_format_is_read_and_named() {
    let found = fixtures();
    assert!(found.len() >= 12);
    for (name, bytes, tolerance) in found {
        let probe = probed(&bytes, name).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(probed_size(&probe), (WIDTH, HEIGHT), "{name}");
        assert!(probe.agreement.agrees, "{name}: {:?}", probe.agreement);
        assert!(!probe.container.name.is_empty() && !probe.container.mime.is_empty(), "{name}");
        assert!(probe.streams[0].bit_depth.is_some(), "{name}");
        assert!(probe.streams[0].pixel_format.is_some(), "{name}");
        let picture = decoded(&bytes, name).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(size(&picture), (WIDTH, HEIGHT), "{name}");
        let difference = largest_difference(u8s(&picture), &pattern(WIDTH, HEIGHT));
        assert!(difference <= tolerance, "{name}: {difference}");
    }
}

#[test]
fn the_name_is_compared_with_the_content() {
    let bytes = jpeg(8, 8);
    for (name, agrees) in [
        ("a.jpg", true),
        ("a.JPEG", true),
        ("a.thm", true),
        ("noname", true),
        ("a.part", true),
        ("a.png", false),
        ("a.mp4", false),
        ("a.cr2", false),
    ] {
        let found = probed(&bytes, name).unwrap().agreement;
        assert_eq!(found.agrees, agrees, "{name}: {:?}", found.differences);
    }
    let found = probed(&bytes, "a.png").unwrap();
    assert_eq!(found.agreement.differences, ["named .png but holds JPEG"]);
    assert_eq!(found.container.format, "jpeg");
}

/// Files that Pillow writes and the `image` crate cannot, with what Pillow
/// itself reads from them.
const PILLOW_MADE: &str = r"
import io, sys
from PIL import Image, ImageDraw, TiffImagePlugin
folder = sys.argv[1]
w, h = 61, 43
rgb = Image.new('RGB', (w, h))
rgb.putdata([(x * 4, y * 5, 255 - x * 2 - y * 2) for y in range(h) for x in range(w)])
alpha = Image.new('L', (w, h))
alpha.putdata([(x * 4) % 256 for y in range(h) for x in range(w)])
rgba = rgb.copy(); rgba.putalpha(alpha)
deep = Image.new('I', (w, h))
deep.putdata([(x * 1000 + y * 50) for y in range(h) for x in range(w)])
deep16 = deep.convert('I;16')
palette = rgb.quantize(64)
files = [
    ('cmyk.jpg', rgb.convert('CMYK'), dict(quality=95)),
    ('grey.jpg', rgb.convert('L'), dict(quality=95)),
    ('progressive.jpg', rgb, dict(quality=95, progressive=True)),
    ('444.jpg', rgb, dict(quality=95, subsampling=0)),
    ('422.jpg', rgb, dict(quality=95, subsampling=1)),
    ('palette.png', palette, {}),
    ('grey.png', rgb.convert('L'), {}),
    ('bits.png', rgb.convert('1'), {}),
    ('grey_alpha.png', rgba.convert('LA'), {}),
    ('alpha.png', rgba, {}),
    ('lossy.webp', rgb, dict(quality=90)),
    ('lossy_alpha.webp', rgba, dict(quality=90)),
    ('lossless_alpha.webp', rgba, dict(lossless=True)),
    ('lzw.tif', rgb, dict(compression='tiff_lzw')),
    ('deflate.tif', rgb, dict(compression='tiff_adobe_deflate')),
    ('packbits.tif', rgb, dict(compression='packbits')),
    ('alpha.tif', rgba, {}),
    ('grey.tif', rgb.convert('L'), {}),
    ('palette.gif', palette, {}),
    ('palette.bmp', palette, {}),
    ('grey.bmp', rgb.convert('L'), {}),
    ('rle.tga', rgb, dict(compression='tga_rle')),
    ('grey.pgm', rgb.convert('L'), {}),
    ('bits.pbm', rgb.convert('1'), {}),
    ('icon.ico', rgba, dict(sizes=[(16, 16), (48, 34)])),
]
for name, image, options in files:
    image.save(folder + '/' + name, **options)
    back = Image.open(folder + '/' + name)
    size = back.size
    if back.mode in ('LA', 'RGBA', 'PA'):
        back = back.convert('RGBA')
        back = Image.alpha_composite(Image.new('RGBA', back.size, (128, 128, 128, 255)), back)
    with open(folder + '/' + name + '.rgb', 'wb') as out:
        out.write(back.convert('RGB').tobytes())
    print(name, *size)
";

#[test]
fn what_pillow_writes_is_read_as_pillow_reads_it() {
    let Some(python) = pillow() else { return };
    let folder = tempfile::tempdir().unwrap();
    let listed = run_python(python, PILLOW_MADE, &[folder.path().to_str().unwrap()]);
    assert_eq!(listed.lines().count(), 25);
    for line in listed.lines() {
        let words: Vec<&str> = line.split(' ').collect();
        let name = words[0];
        let wanted_size = (words[1].parse().unwrap(), words[2].parse().unwrap());
        let bytes = std::fs::read(folder.path().join(name)).unwrap();
        let wanted = std::fs::read(folder.path().join(format!("{name}.rgb"))).unwrap();
        let probe = probed(&bytes, name).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(probed_size(&probe), wanted_size, "{name}");
        assert!(probe.agreement.agrees, "{name}: {:?}", probe.agreement);
        let picture = decoded(&bytes, name).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(size(&picture), wanted_size, "{name}");
        let difference = largest_difference(u8s(&picture), &wanted);
        // Lossy WebP: another decoder with its own chroma filter. Else rounding of alpha.
        let tolerance = if name.starts_with("lossy") { 12 } else { 2 };
        assert!(difference <= tolerance, "{name}: {difference}");
    }
}

#[test]
fn pixel_formats_have_ffmpegs_names() {
    let Some(python) = pillow() else { return };
    let folder = tempfile::tempdir().unwrap();
    run_python(python, PILLOW_MADE, &[folder.path().to_str().unwrap()]);
    for (name, wanted, profile) in [
        ("grey.jpg", Some("gray"), Some("Baseline")),
        ("444.jpg", Some("yuvj444p"), Some("Baseline")),
        ("422.jpg", Some("yuvj422p"), Some("Baseline")),
        ("progressive.jpg", Some("yuvj420p"), Some("Progressive")),
        ("cmyk.jpg", None, Some("Baseline")),
        ("palette.png", Some("pal8"), None),
        ("bits.png", Some("monob"), None),
        ("grey_alpha.png", Some("ya8"), None),
        ("alpha.png", Some("rgba"), None),
        ("lossy.webp", Some("yuv420p"), None),
        ("lossy_alpha.webp", Some("yuva420p"), None),
        ("lossless_alpha.webp", Some("argb"), None),
        ("alpha.tif", Some("rgba"), None),
        ("palette.bmp", Some("pal8"), None),
    ] {
        let bytes = std::fs::read(folder.path().join(name)).unwrap();
        let stream = probed(&bytes, name).unwrap().streams.remove(0);
        assert_eq!(stream.pixel_format.as_deref(), wanted, "{name}");
        assert_eq!(stream.profile.as_deref(), profile, "{name}");
    }
}

#[test]
fn a_jpeg_is_decoded_no_larger_than_needed() {
    let bytes = jpeg(1000, 600);
    for (target, wanted) in [
        (1, (125, 75)),
        (125, (125, 75)),
        (126, (250, 150)),
        (500, (500, 300)),
        (501, (1000, 600)),
        (1000, (1000, 600)),
        (u32::MAX, (1000, 600)),
        (0, (125, 75)),
    ] {
        let found = still_picture(&source_of(&bytes, "a.jpg"), target).unwrap();
        assert_eq!(size(&found), wanted, "{target}");
    }
}

#[test]
fn jpegs_go_there_and_back() {
    for (width, height) in [(1, 1), (3, 1), (1, 7), (17, 33)] {
        let bytes = jpeg(width, height);
        assert_eq!(size(&decoded(&bytes, "a.jpg").unwrap()), (width, height));
        let stream = probed(&bytes, "a.jpg").unwrap().streams.remove(0);
        assert_eq!(stream.pixel_format.as_deref(), Some("yuvj444p"));
    }
    let deep = vec![65_535; 12];
    let deep = Picture::new(2, 2, Pixels::U16(deep), Color::default()).unwrap();
    let back = decoded(&encode_jpeg(&deep, 90).unwrap(), "a.jpg").unwrap();
    assert!(u8s(&back).iter().all(|&value| value >= 254));
    let picture = Picture::new(64, 64, Pixels::U8(pattern(64, 64)), Color::default()).unwrap();
    let lengths = [0, 30, 90, 255].map(|quality| encode_jpeg(&picture, quality).unwrap().len());
    assert!(lengths.is_sorted(), "{lengths:?}");
}

#[test]
fn heif_turns_are_done_and_hdr_stays() {
    let rgb = RgbImage::from_raw(64, 40, pattern(64, 40)).unwrap();
    let Some(bytes) = avif(&rgb, Some(ImageOrientation::Rotate90Cw)) else { return };
    let probe = probed(&bytes, "a.avif").unwrap();
    assert_eq!(probed_size(&probe), (40, 64));
    let picture = decoded(&bytes, "a.avif").unwrap();
    assert_eq!(size(&picture), (40, 64));
    // The stored top left corner, which is blue, is now at the top right.
    let corner = &u8s(&picture)[39 * 3..40 * 3];
    assert!(corner[2] > 200 && corner[0] < 60, "{corner:?}");

    let library = LibHeif::new();
    let mut encoder = library.encoder_for_format(CompressionFormat::Av1).unwrap();
    encoder.set_quality(EncoderQuality::Lossy(95)).unwrap();
    let mut deep = libheif_rs::Image::new(16, 16, ColorSpace::Rgb(RgbChroma::HdrRgbLe)).unwrap();
    deep.create_plane(Channel::Interleaved, 16, 16, 10).unwrap();
    let plane = deep.planes_mut().interleaved.unwrap();
    for row in plane.data.chunks_mut(plane.stride) {
        row[..96].copy_from_slice(&594_u16.to_le_bytes().repeat(48));
    }
    let mut nclx = ColorProfileNCLX::new().unwrap();
    nclx.set_color_primaries(ColorPrimaries::ITU_R_BT_2020_2_and_2100_0);
    deep.set_color_profile_nclx(&nclx).unwrap();
    let mut context = HeifContext::new().unwrap();
    let mut options = EncodingOptions::new().unwrap();
    options.set_mac_os_compatibility_workaround_no_nclx_profile(false);
    context.encode_image(&deep, &mut encoder, Some(options)).unwrap();
    let mut bytes = context.write_to_bytes().unwrap();
    // The binding cannot set the transfer: it stands behind the primaries, 16 is PQ.
    let nclx_at = bytes.windows(4).position(|window| window == b"nclx").unwrap();
    bytes[nclx_at + 6..nclx_at + 8].copy_from_slice(&16_u16.to_be_bytes());

    let stream = probed(&bytes, "a.avif").unwrap().streams.remove(0);
    assert_eq!(stream.bit_depth, Some(10));
    assert!(stream.pixel_format.unwrap().ends_with("10le"));
    let color = stream.color.unwrap();
    assert_eq!(color.transfer.as_deref(), Some("smpte2084"));
    assert_eq!(color.primaries.as_deref(), Some("bt2020"));
    assert_eq!(color.hdr.as_deref(), Some("PQ"));
    let picture = decoded(&bytes, "a.avif").unwrap();
    assert_eq!(picture.color.hdr.as_deref(), Some("PQ"));
    let Pixels::U16(values) = picture.pixels() else { panic!("16 bits expected") };
    for value in values {
        assert!(value.abs_diff(38_053) < 400, "{value}");
    }
}

#[test]
fn a_png_may_say_pq_or_hlg() {
    let deep = image::ImageBuffer::from_pixel(5, 4, image::Rgb([1000_u16, 30_000, 60_000]));
    let mut bytes = encoded(&DynamicImage::ImageRgb16(deep), ImageFormat::Png);
    for (code, hdr) in [(16, Some("PQ")), (18, Some("HLG")), (13, None)] {
        // Behind the header: BT.2020, the transfer, RGB, full range.
        let mut chunk = b"cICP\x09\x00\x00\x01".to_vec();
        chunk[5] = code;
        let sum = crc32(&chunk).to_be_bytes();
        let inserted = [&[0, 0, 0, 4][..], &chunk, &sum].concat();
        bytes.splice(33..33, inserted.iter().copied());
        let stream = probed(&bytes, "a.png").unwrap().streams.remove(0);
        let color = stream.color.unwrap();
        assert_eq!(color.hdr.as_deref(), hdr);
        assert_eq!(color.primaries.as_deref(), Some("bt2020"));
        assert_eq!(stream.pixel_format.as_deref(), Some("rgb48be"));
        let picture = decoded(&bytes, "a.png").unwrap();
        assert_eq!(picture.color.hdr.as_deref(), hdr);
        match (hdr, picture.pixels()) {
            (Some(_), Pixels::U16(values)) => assert_eq!(values[..3], [1000, 30_000, 60_000]),
            // BT.2020 with sRGB's curve, by the matrix of ITU-R BT.2087.
            (None, Pixels::U8(values)) => assert_eq!(values[..3], [0, 122, 243]),
            (_, pixels) => panic!("{hdr:?}: {pixels:?}"),
        }
        bytes.drain(33..33 + inserted.len());
    }
}

#[test]
fn cut_short_anywhere_nothing_panics_and_the_end_is_missed() {
    for (name, bytes, _) in fixtures() {
        let cuts = bytes.len().min(60);
        for cut in (0..cuts).map(|step| step * bytes.len() / cuts) {
            survives(&bytes[..cut], name, &format!("{name} cut at {cut}"));
        }
        // Formats that say where they end, or how much there is.
        if matches!(name, "a.jpg" | "a.png" | "a.webp" | "a.tiff" | "a.avif") {
            let cut = bytes.len() - bytes.len() / 4;
            let told = match probed(&bytes[..cut], name) {
                Ok(probe) => !probe.agreement.agrees,
                Err(error) => error.kind == ErrorKind::Corrupt,
            };
            assert!(told, "{name} cut at {cut} of {} is not noticed", bytes.len());
        }
    }
}

#[test]
fn damaged_anywhere_nothing_panics() {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as usize
    };
    for (name, bytes, _) in fixtures() {
        for round in 0..40 {
            let mut damaged = bytes.clone();
            for _ in 0..=round % 4 {
                // Half of the damage goes where headers are.
                let range = if round % 2 == 0 { bytes.len().min(64) } else { bytes.len() };
                let at = random() % range;
                damaged[at] = random() as u8;
            }
            survives(&damaged, name, &format!("{name} damaged in round {round}"));
        }
    }
    for length in [0, 1, 7, 64, 4096] {
        let noise: Vec<u8> = (0..length).map(|_| random() as u8).collect();
        for name in ["a.jpg", "a.heic", "a.tga", "a.dng", "a.ico"] {
            survives(&noise, name, "noise");
        }
    }
}

/// Small files that say they are enormous.
fn bombs() -> Vec<(&'static str, Vec<u8>)> {
    let mut png = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\xff\xff\0\0\xff\xff\x08\x02\0\0\0".to_vec();
    png.extend(crc32(&png[12..29]).to_be_bytes());
    png.extend(b"\0\0\0\x01IDAT\x78");
    let mut jpeg = jpeg(64, 64);
    let frame = jpeg.windows(2).position(|pair| pair == [0xff, 0xc0]).unwrap();
    jpeg[frame + 5..frame + 9].copy_from_slice(&[0xff, 0xdc, 0xff, 0xdc]);
    let mut bmp = encoded(&rgb_image(), ImageFormat::Bmp);
    bmp[18..26].copy_from_slice(&[0xff, 0xff, 0, 0, 0xff, 0xff, 0, 0]);
    let mut tga = encoded(&rgb_image(), ImageFormat::Tga);
    tga[12..16].fill(0xff);
    let mut qoi = encoded(&rgb_image(), ImageFormat::Qoi);
    qoi[4..12].copy_from_slice(&[0, 0, 0xff, 0xff, 0, 0, 0xff, 0xff]);
    let mut gif = encoded(&rgb_image(), ImageFormat::Gif);
    gif[6..10].fill(0xff);
    let mut tiff = encoded(&rgb_image(), ImageFormat::Tiff);
    widen_tiff(&mut tiff, 65_000);
    vec![
        ("a.png", png),
        ("a.jpg", jpeg),
        ("a.bmp", bmp),
        ("a.tga", tga),
        ("a.qoi", qoi),
        // The encoder finds 256 colours for 851.
        ("a.gif", gif),
        ("a.tiff", tiff),
        ("a.ppm", b"P6 65535 65535 255\n\0\0\0".to_vec()),
        // One exponent for three colours: dark ones lose most.
        ("a.hdr", b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y 65535 +X 65535\n\x02\x02\xff\xff".to_vec()),
        ("a.webp", b"RIFF\x2a\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0\xff\x3f\0\xff\x3f\0VP8L\x0a\0\0\0\x2f\xff\xff\xff\x0f\0\0\0\0\0".to_vec()),
    ]
}

/// Width and height of a little-endian TIFF set to this.
fn widen_tiff(bytes: &mut [u8], side: u32) {
    let directory = u32::from_le_bytes(bytes[4..8].try_into().unwrap()) as usize;
    let count = u16::from_le_bytes(bytes[directory..directory + 2].try_into().unwrap()) as usize;
    for entry in 0..count {
        let at = directory + 2 + entry * 12;
        if matches!(u16::from_le_bytes([bytes[at], bytes[at + 1]]), 0x0100 | 0x0101) {
            bytes[at + 8..at + 12].copy_from_slice(&side.to_le_bytes());
        }
    }
}

fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32, byte: &u8| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 }
        })
    };
    !bytes.iter().fold(u32::MAX, step)
}

#[test]
fn stated_sizes_make_no_room() {
    let found = bombs();
    assert_eq!(found.len(), 10);
    for (name, bytes) in found {
        let started = Instant::now();
        let refused = decoded(&bytes, name).expect_err(name);
        assert!(matches!(refused.kind, ErrorKind::Limit | ErrorKind::Corrupt), "{name}: {refused}");
        survives(&bytes, name, name);
        assert!(started.elapsed() < Duration::from_secs(1), "{name}: {:?}", started.elapsed());
    }
    let jpeg = decoded(&bombs()[1].1, "a.jpg").unwrap_err();
    assert_eq!(jpeg.kind, ErrorKind::Limit, "{jpeg}");
}

/// The bombs with sides that are within the limits.
fn with_sides(side: u16) -> Vec<(&'static str, Vec<u8>)> {
    let (big, little) = (side.to_be_bytes(), side.to_le_bytes());
    let mut found = bombs();
    for (name, bytes) in &mut found {
        match *name {
            "a.png" => {
                bytes[18..20].copy_from_slice(&big);
                bytes[22..24].copy_from_slice(&big);
                let sum = crc32(&bytes[12..29]).to_be_bytes();
                bytes[29..33].copy_from_slice(&sum);
            }
            "a.jpg" => {
                let frame = bytes.windows(2).position(|pair| pair == [0xff, 0xc0]).unwrap();
                bytes[frame + 5..frame + 7].copy_from_slice(&big);
                bytes[frame + 7..frame + 9].copy_from_slice(&big);
            }
            "a.bmp" => {
                bytes[18..20].copy_from_slice(&little);
                bytes[22..24].copy_from_slice(&little);
            }
            "a.tga" => bytes[12..16].copy_from_slice(&[little, little].concat()),
            "a.qoi" => {
                bytes[6..8].copy_from_slice(&big);
                bytes[10..12].copy_from_slice(&big);
            }
            "a.tiff" => widen_tiff(bytes, side.into()),
            "a.ppm" => *bytes = format!("P6 {side} {side} 255\n\0\0\0").into_bytes(),
            _ => bytes.clear(),
        }
    }
    found.retain(|(_, bytes)| !bytes.is_empty());
    found
}

#[test]
fn a_side_over_the_limits_is_refused_before_it_is_listed() {
    let mut bmp = encoded(&rgb_image(), ImageFormat::Bmp);
    bmp[18..22].copy_from_slice(&i32::MAX.to_le_bytes());
    assert_eq!(probed(&bmp, "a.bmp").unwrap_err().kind, ErrorKind::Limit);
    // Stored from the top, and 2^31 rows of it.
    bmp[18..26].copy_from_slice(&[1, 0, 0, 0, 0, 0, 0, 0x80]);
    assert_eq!(probed(&bmp, "a.bmp").unwrap_err().kind, ErrorKind::Limit);
    for (name, bytes, _) in fixtures() {
        let narrow = Limits { side_px: WIDTH / 2, ..Limits::default() };
        let refused = rushes_codec::probe(&source_within(&bytes, name, narrow)).expect_err(name);
        assert_eq!(refused.kind, ErrorKind::Limit, "{name}: {refused}");
        // More pixels than may be decoded are listed all the same.
        let few = Limits { pixels: 1, picture_bytes: 3, ..Limits::default() };
        let found = rushes_codec::probe(&source_within(&bytes, name, few)).expect(name);
        assert_eq!(probed_size(&found), (WIDTH, HEIGHT), "{name}");
    }
}

#[test]
fn a_size_that_the_file_cannot_hold_is_refused_before_it_is_listed() {
    let found = with_sides(12_000);
    assert_eq!(found.len(), 7);
    for (name, bytes) in found {
        let refused = probed(&bytes, name).expect_err(name);
        assert_eq!(refused.kind, ErrorKind::Corrupt, "{name}: {refused}");
        assert!(refused.why.contains("12000x12000 pixels"), "{name}: {refused}");
    }
    // A file that merely ends early is listed, and says so.
    let bmp = encoded(&rgb_image(), ImageFormat::Bmp);
    let found = probed(&bmp[..bmp.len() / 2], "a.bmp").unwrap();
    assert_eq!(probed_size(&found), (WIDTH, HEIGHT));
    assert!(!found.agreement.agrees);
    // One colour takes next to nothing, and is read however large it is.
    let flat = GrayImage::new(6_000, 6_000);
    let png = encoded(&DynamicImage::ImageLuma8(flat), ImageFormat::Png);
    assert!(probed(&png, "a.png").unwrap().agreement.agrees);
}

#[test]
fn just_enough_decodes_and_half_of_it_does_not() {
    for (name, bytes, _) in fixtures() {
        let pixels = u64::from(WIDTH * HEIGHT);
        let enough = Limits { pixels, side_px: WIDTH, ..Limits::default() };
        assert!(still_picture(&source_within(&bytes, name, enough), 9999).is_ok(), "{name}");
        for less in [
            Limits { pixels: pixels / 2, ..enough },
            Limits { side_px: WIDTH / 2, ..enough },
            Limits { picture_bytes: pixels * 3 / 2, ..enough },
        ] {
            let refused = still_picture(&source_within(&bytes, name, less), 9999).expect_err(name);
            assert_eq!(refused.kind, ErrorKind::Limit, "{name}: {refused}");
        }
    }
}

#[test]
fn libraries_are_named() {
    let versions = rushes_codec::versions();
    assert!(versions.iter().any(|(name, version)| name == "libheif" && version.contains('.')));
    assert!(versions.iter().any(|(name, _)| name == "libjpeg-turbo"));
}
