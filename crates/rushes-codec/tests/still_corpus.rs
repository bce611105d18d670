//! Real stills, compared with Pillow and ExifTool.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot read its media fails")]

mod still_support;

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;

use rushes_codec::{Source, probe, still_picture};
use rushes_media::{ErrorKind, Limits, MediaKind, Picture};
use still_support::{corpus, files, pillow, probed_size, run_python, size, u8s};

/// Cells in a row and a column that are compared by their mean.
const CELLS: u32 = 6;

/// What rounding of 16 bits and of alpha may move a mean by, of 255.
const TOLERANCE: f64 = 0.6;

/// Prints, for each file, its size and the mean colour of each cell.
const MEANS: &str = r"
import io, os, sys
from PIL import Image, ImageCms, ImageStat
def profile_of(im, path):
    if im.info.get('icc_profile'):
        return im.info['icc_profile']
    # Adobe RGB as cameras say it, and a picture that has the profile.
    try:
        exif = im.getexif()
        said = exif.get_ifd(0x8769).get(0xa001), exif.get_ifd(0xa005).get(1)
    except Exception:
        said = None
    if said == (65535, 'R03'):
        beside = os.path.join(os.path.dirname(path), '..', 'image', 'skimage_rocket.jpg')
        return Image.open(beside).info['icc_profile']
def in_srgb(im, profile):
    profile = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    space = profile.profile.xcolor_space.strip()
    if space == 'RGB' and im.mode not in ('RGB', 'RGBA'):
        im = im.convert('RGB')
    return ImageCms.profileToProfile(im, profile, ImageCms.createProfile('sRGB'), outputMode='RGB')
def span(cell, side):
    start, end = cell * side // 6, max((cell + 1) * side // 6, cell * side // 6 + 1)
    cut = max(end - start - 96, 0)
    return start + cut // 2, end - (cut - cut // 2)
for path in sys.argv[1:]:
    try:
        im = Image.open(path)
        if getattr(im, 'is_animated', False) and im.format in ('GIF', 'PNG', 'WEBP'):
            print('animated'); continue
        mode, (w, h), profile = im.mode, im.size, profile_of(im, path)
        if im.mode in ('I;16', 'I;16B', 'I'):
            im = im.convert('I').point(lambda v: v * (1 / 257.0) + 0.5).convert('L')
        if im.mode in ('LA', 'RGBA', 'PA') or 'transparency' in im.info:
            im = im.convert('RGBA')
            im = Image.alpha_composite(Image.new('RGBA', im.size, (128, 128, 128, 255)), im)
        im = in_srgb(im, profile) if profile else im.convert('RGB')
        n = 6
        means = []
        for j in range(n):
            for i in range(n):
                (x0, x1), (y0, y1) = span(i, w), span(j, h)
                means += ImageStat.Stat(im.crop((x0, y0, x1, y1))).mean
        print(w, h, mode, *('%.3f' % m for m in means))
    except Exception as error:
        print('failed', type(error).__name__)
";

fn open(path: &Path) -> Source {
    let name = path.to_string_lossy().into_owned();
    Source::new(File::open(path).unwrap(), name.as_bytes(), Limits::default()).unwrap()
}

/// Where a cell starts and ends: at most the 96 pixels in its middle.
fn span(cell: u32, side: u32) -> (u32, u32) {
    let (start, end) =
        (cell * side / CELLS, ((cell + 1) * side / CELLS).max(cell * side / CELLS + 1));
    let cut = (end - start).saturating_sub(96);
    (start + cut / 2, end - (cut - cut / 2))
}

fn means(picture: &Picture) -> Vec<f64> {
    let (width, height) = size(picture);
    let row = width as usize * 3;
    let mut found = Vec::new();
    for j in 0..CELLS {
        for i in 0..CELLS {
            let ((x0, x1), (y0, y1)) = (span(i, width), span(j, height));
            let mut sums = [0_u64; 3];
            for line in u8s(picture).chunks_exact(row).take(y1 as usize).skip(y0 as usize) {
                for pixel in line[x0 as usize * 3..x1 as usize * 3].chunks_exact(3) {
                    for (sum, value) in sums.iter_mut().zip(pixel) {
                        *sum += u64::from(*value);
                    }
                }
            }
            let count = f64::from((x1 - x0) * (y1 - y0));
            found.extend(sums.map(|sum| sum as f64 / count));
        }
    }
    found
}

/// Compares every file that Pillow reads too, and how many that are.
fn compare(folder: &str, wanted_files: usize, wanted_compared: usize) {
    let (Some(folder), Some(python)) = (corpus(folder), pillow()) else { return };
    let paths = files(&folder);
    assert_eq!(paths.len(), wanted_files, "{}", folder.display());
    let names: Vec<String> = paths.iter().map(|path| path.to_string_lossy().into_owned()).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let lines = run_python(python, MEANS, &names);
    assert_eq!(lines.lines().count(), wanted_files);

    let (mut compared, mut outcomes) = (0, BTreeMap::new());
    for (path, line) in paths.iter().zip(lines.lines()) {
        let words: Vec<&str> = line.split(' ').collect();
        let shown = path.file_name().unwrap().to_string_lossy();
        if words[0] == "animated" {
            *outcomes.entry("animated").or_insert(0) += 1;
            continue;
        }
        let source = open(path);
        if words[0] == "failed" {
            // Pillow is stricter with damaged files; ours must only end well.
            *outcomes.entry("refused by Pillow").or_insert(0) += 1;
            let found = still_picture(&source, u32::MAX).err().map(|error| error.kind);
            assert_ne!(found, Some(ErrorKind::Bug), "{shown}");
            continue;
        }
        let stated: (u32, u32) = (words[0].parse().unwrap(), words[1].parse().unwrap());
        let found = probe(&source).unwrap_or_else(|error| panic!("{shown}: {error}"));
        assert_eq!(found.kind, MediaKind::Still, "{shown}");
        assert_eq!(probed_size(&found), stated, "{shown}");
        assert!(!found.has_audio && found.duration_secs.is_none());

        let picture =
            still_picture(&source, u32::MAX).unwrap_or_else(|error| panic!("{shown}: {error}"));
        assert_eq!(size(&picture), stated, "{shown}");
        let wanted: Vec<f64> = words[3..].iter().map(|word| word.parse().unwrap()).collect();
        for (found, wanted) in means(&picture).into_iter().zip(wanted) {
            assert!((found - wanted).abs() <= TOLERANCE, "{shown}: {found} {wanted}");
        }

        let small = still_picture(&source, 100).unwrap();
        let (width, height) = size(&small);
        let longest = stated.0.max(stated.1);
        assert!(width.max(height) >= longest.min(100), "{shown}: {width}x{height}");
        compared += 1;
    }
    eprintln!("{}: {compared} compared, {outcomes:?}", folder.display());
    assert_eq!(compared, wanted_compared, "{outcomes:?}");
}

#[test]
fn images_as_pillow_reads_them() {
    compare("image", 38, 36);
}

#[test]
fn photos_as_pillow_reads_them() {
    compare("photo", 10, 10);
}

#[test]
fn turned_photos_are_left_as_stored() {
    compare("orientation", 13, 13);
}

#[test]
fn photos_with_odd_tags_as_pillow_reads_them() {
    compare("exif", 149, 134);
}

/// Display P3 as phones write it, against another build of libheif and
/// LittleCMS.
#[test]
fn heif_colours_as_heif_convert_and_littlecms_give_them() {
    let (Some(folder), Some(python)) = (corpus("heic"), pillow()) else { return };
    let made = tempfile::tempdir().unwrap();
    let png = made.path().join("made.png").to_string_lossy().into_owned();
    let original = folder.join("iphone_13_pro_max.HEIC");
    let converted = Command::new("heif-convert").arg(&original).arg(&png).output();
    if !converted.is_ok_and(|output| output.status.success()) {
        eprintln!("SKIPPED: no heif-convert here (apt: libheif-examples)");
        return;
    }
    let line = run_python(python, MEANS, &[&png]);
    let words: Vec<&str> = line.trim().split(' ').collect();
    assert_eq!(words[..3], ["3024", "4032", "RGB"]);
    let picture = still_picture(&open(&original), u32::MAX).unwrap();
    let mut largest: f64 = 0.0;
    for (found, wanted) in means(&picture).into_iter().zip(&words[3..]) {
        largest = largest.max((found - wanted.parse::<f64>().unwrap()).abs());
    }
    eprintln!("largest difference of a mean: {largest}");
    assert!(largest <= 1.0, "{largest}");

    // The thumbnail inside is of the same colours.
    let thumbnail = still_picture(&open(&original), 200).unwrap();
    assert!(size(&thumbnail).0 < 1000);
    let mean = |picture: &Picture| {
        let (count, values) = (f64::from(size(picture).0 * size(picture).1), u8s(picture));
        [0, 1, 2].map(|channel| {
            let sum: u64 = values.iter().skip(channel).step_by(3).map(|&v| u64::from(v)).sum();
            sum as f64 / count
        })
    };
    let of_both = mean(&thumbnail).into_iter().zip(mean(&picture));
    let apart = of_both.map(|(one, other)| (one - other).abs()).fold(0.0, f64::max);
    eprintln!("thumbnail: {apart}");
    assert!(apart <= 1.0, "{apart}");
}

fn exiftool(path: &Path, tags: &[&str]) -> Option<Vec<i64>> {
    let output = Command::new("exiftool").args(["-n", "-s3"]).args(tags).arg(path).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    Some(text.lines().filter_map(|line| line.trim().parse().ok()).collect())
}

#[test]
fn heif_sizes_as_exiftool_says() {
    let Some(folder) = corpus("heic") else { return };
    let paths: Vec<PathBuf> = files(&folder);
    assert_eq!(paths.len(), 3);
    for path in paths {
        let shown = path.file_name().unwrap().to_string_lossy().into_owned();
        let source = open(&path);
        let found = probe(&source).unwrap_or_else(|error| panic!("{shown}: {error}"));
        let stream = &found.streams[0];
        let is_avif = shown.ends_with(".avif");
        assert_eq!(stream.codec, if is_avif { "av1" } else { "hevc" }, "{shown}");
        assert_eq!(found.container.format, if is_avif { "avif" } else { "heic" }, "{shown}");
        assert_eq!(stream.bit_depth, Some(8), "{shown}");
        assert!(found.agreement.agrees, "{shown}: {:?}", found.agreement);
        assert_eq!(stream.rotation_degrees, None, "the turn is already done");
        let hdr = stream.color.as_ref().and_then(|color| color.hdr.as_deref());
        assert_eq!(hdr, shown.starts_with("iphone").then_some("gain map"), "{shown}");

        let picture = still_picture(&source, 200).unwrap();
        assert!(size(&picture).0.max(size(&picture).1) >= 200);
        match exiftool(&path, &["-ImageWidth", "-ImageHeight", "-Rotation"]) {
            Some(numbers) if numbers.len() >= 2 => {
                let turned = matches!(numbers.get(2), Some(90 | 270));
                let stored = (numbers[0] as u32, numbers[1] as u32);
                let upright = if turned { (stored.1, stored.0) } else { stored };
                assert_eq!(probed_size(&found), upright, "{shown}");
            }
            _ => eprintln!("SKIPPED: no exiftool here to compare {shown} with"),
        }
    }
}

/// Files of cameras, which the folder of real media may have or not.
#[test]
fn raw_sizes_as_exiftool_says() {
    let Some(folder) = corpus("raw") else { return };
    for path in files(&folder) {
        let shown = path.file_name().unwrap().to_string_lossy().into_owned();
        let output = Command::new("exiftool").args(["-n", "-s3", "-ImageSize"]).arg(&path).output();
        let Ok(output) = output else {
            eprintln!("SKIPPED: no exiftool here to compare {shown} with");
            return;
        };
        let sides = String::from_utf8(output.stdout).unwrap();
        let sides: Vec<u32> = sides.split_whitespace().map(|side| side.parse().unwrap()).collect();
        let found = probe(&open(&path)).ok().filter(|found| found.container.format != "tiff");
        // DNG states a crop, which ExifTool does not take off.
        let found = found.filter(|found| found.container.format != "dng");
        if let (Some(found), [width, height]) = (found, sides.as_slice()) {
            assert_eq!(probed_size(&found), (*width, *height), "{shown}");
        }
    }
}
