use std::cell::RefCell;
use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;

use rushes_media::{Confidence, Error, Limits, Result};

use crate::candidates::{Candidates, Rank};
use crate::describe::{self, Described};
use crate::gathered::{ExifBytes, ExifPart, Gathered};
use crate::problems::Problems;
use crate::source::{Budget, Source};
use crate::tags::{Tags, fill};
use crate::tiff::{Directory, Tiff};
use crate::when::Moment;
use crate::{
    bmff, exif_tags, gif, icc, iptc, jpeg, maker, photoshop, png, riff, text, xmp, xmp_tags,
};

/// Formats that begin in a way known here; when one does not, it is told.
const KNOWN_BY_CONTENT: [&str; 19] = [
    "jpeg", "png", "webp", "heic", "heif", "avif", "tiff", "dng", "cr2", "nef", "arw", "orf",
    "rw2", "pef", "raf", "cr3", "psd", "nrw", "srw",
];

/// Reads the metadata embedded in a file. `format` is the container's short
/// name (`jpeg`, `heic`, `cr2`, `mov`); how the file is read follows from its
/// content. A format without metadata of this sort gives empty tags: what
/// FFmpeg reports for sound and video goes through
/// [`from_container`](crate::from_container).
///
/// Read are the segments or chunks that hold metadata, not the picture: at
/// most four times `limits.tag_bytes` in all, and `limits.tag_bytes` of each.
///
/// # Errors
/// When the file cannot be read at all, with the kind of the system's error.
/// Metadata that is broken or over a limit is told in [`Tags::problems`].
pub fn read(file: &File, format: &str, limits: &Limits) -> Result<Tags> {
    let len_bytes = file.metadata().map_err(failed)?.len();
    read_at(&|room, position| file.read_at(room, position), len_bytes, format, limits)
}

/// [`read`] of so many bytes that are in no file. The function reads them from
/// a position on, as many as come at once and there is room for; 0 at the end.
///
/// # Errors
/// As for [`read`].
pub fn read_at(
    read: &dyn Fn(&mut [u8], u64) -> io::Result<usize>,
    len_bytes: u64,
    format: &str,
    limits: &Limits,
) -> Result<Tags> {
    let budget = Budget::new(limits.tag_bytes.saturating_mul(4));
    let page = RefCell::default();
    let source = Source::of_file(read, len_bytes, &page, &budget);
    let head = source.take_up_to(0, 16);
    if let Some(error) = budget.take_failure() {
        return Err(failed(error));
    }
    let mut problems = Problems::default();
    let mut gathered = Gathered::default();
    gather(&source, &head, format, limits, &mut gathered, &mut problems);
    let mut tags = interpret(&source, gathered, limits, &mut problems);
    if let Some(error) = budget.take_failure() {
        problems.note(format!("part of the metadata could not be read: {error}"));
    }
    if budget.is_spent() {
        let most = limits.tag_bytes.saturating_mul(4);
        problems.note(format!("the metadata is over the limit of {most} bytes in all"));
    }
    tags.problems = problems.into_vec();
    Ok(tags)
}

fn failed(error: io::Error) -> Error {
    Error::io("reading the metadata", &error)
}

pub(crate) fn gather(
    source: &Source<'_>,
    head: &[u8],
    format: &str,
    limits: &Limits,
    gathered: &mut Gathered,
    problems: &mut Problems,
) {
    if jpeg::is_jpeg(head) {
        jpeg::gather(source, limits, gathered, problems);
    } else if png::is_png(head) {
        png::gather(source, limits, gathered, problems);
    } else if riff::is_webp(head) {
        riff::gather(source, limits, gathered, problems);
    } else if gif::is_gif(head) {
        gif::gather(source, limits, gathered);
    } else if head.starts_with(b"8BPS") {
        photoshop::gather_file(source, limits, gathered, problems);
    } else if head.starts_with(b"FUJIFILMCCD-RAW") {
        if let (Some(start), Some(len)) = (source.u32_be(84), source.u32_be(88)) {
            let preview = source.part(u64::from(start), u64::from(len));
            jpeg::gather(&preview, limits, gathered, problems);
            // It is the preview's, not the RAW picture's.
            gathered.icc = None;
        }
    } else if bmff::is_bmff(head) {
        bmff::gather(source, limits, gathered, problems);
    } else if head.starts_with(b"II") || head.starts_with(b"MM") {
        gathered.exif.push(ExifPart { bytes: ExifBytes::File(0), main: Directory::Main });
    } else if KNOWN_BY_CONTENT.contains(&format) {
        problems.note(format!("it does not begin as {format} does, so no metadata was looked for"));
    }
}

fn interpret(
    file: &Source<'_>,
    mut gathered: Gathered,
    limits: &Limits,
    problems: &mut Problems,
) -> Tags {
    let mut candidates = Candidates::default();
    let mut described = Described::new(limits.text_bytes);
    let (mut exif, mut from_xmp) = (Tags::default(), Tags::default());
    let (mut from_iptc, mut from_texts) = (Tags::default(), Tags::default());
    let (mut lens_by_maker, mut lens_range) = (None, None);

    let mut waiting: VecDeque<ExifPart> = std::mem::take(&mut gathered.exif).into();
    while let Some(part) = waiting.pop_front() {
        let source = match &part.bytes {
            ExifBytes::Memory(bytes) => Source::of_memory(bytes, file.budget()),
            ExifBytes::File(start) => file.part(*start, u64::MAX),
        };
        let Some(tiff) = Tiff::open(source, part.main, limits, problems) else {
            problems.note("EXIF does not begin with a TIFF header");
            continue;
        };
        exif_tags::interpret(&tiff, limits, &mut exif, &mut candidates, problems);
        fill(&mut lens_by_maker, maker::lens(&tiff, limits));
        fill(&mut lens_range, exif_tags::lens_from_range(&tiff));
        describe::describe(&tiff, &mut described);
        gather_inside(&tiff, limits, &mut gathered, problems);
        if matches!(part.bytes, ExifBytes::File(_)) {
            gather_preview(&tiff, limits, &mut gathered, problems);
            waiting.extend(gathered.exif.drain(..));
        }
    }
    for packet in &gathered.xmp {
        let packet = xmp::parse(packet, limits, problems);
        xmp_tags::interpret(&packet, &mut from_xmp, &mut candidates);
        xmp_tags::describe(&packet, &mut described);
    }
    for block in &gathered.iptc {
        iptc::interpret(block, &mut from_iptc, &mut candidates, &mut described);
    }
    interpret_texts(gathered.texts, &mut from_texts, &mut candidates, &mut described);

    // EXIF knows the camera best, the texts that people write are newest in XMP.
    let mut tags = Tags {
        created: candidates.best(),
        rotation_degrees: exif.rotation_degrees,
        mirrored: exif.mirrored,
        icc_profile: gathered.icc.as_deref().and_then(icc::description),
        all: described.into_map(),
        ..Tags::default()
    };
    fill(&mut tags.icc_profile, from_texts.icc_profile.take());
    let camera = &mut tags.camera;
    for found in [&mut exif, &mut from_xmp, &mut from_texts] {
        fill(&mut tags.gps, found.gps.take());
        fill(&mut tags.content_identifier, found.content_identifier.take());
        fill(&mut camera.make, found.camera.make.take());
        fill(&mut camera.model, found.camera.model.take());
        fill(&mut camera.lens, found.camera.lens.take());
        fill(&mut camera.software, found.camera.software.take());
    }
    fill(&mut camera.lens, lens_by_maker);
    fill(&mut camera.lens, lens_range);
    for mut found in [from_xmp, from_iptc, exif, from_texts] {
        fill(&mut tags.title, found.title.take());
        fill(&mut tags.description, found.description.take());
        fill(&mut tags.rating, found.rating.take());
        for keyword in &found.keywords {
            tags.add_keyword(keyword);
        }
    }
    tags
}

/// What a TIFF structure holds besides its own tags.
pub(crate) fn gather_inside(
    tiff: &Tiff<'_>,
    limits: &Limits,
    gathered: &mut Gathered,
    problems: &mut Problems,
) {
    let mut bytes_of = |tag| {
        let entry = tiff.find(Directory::Main, tag)?;
        tiff.bytes(&entry, problems)
    };
    gathered.xmp.extend(bytes_of(0x02bc));
    gathered.iptc.extend(bytes_of(0x83bb));
    fill(&mut gathered.icc, bytes_of(0x8773));
    if let Some(entry) = tiff.find(Directory::Main, 0x8649) {
        photoshop::gather(&tiff.part(&entry), limits, gathered);
    }
}

/// Panasonic's RAW keeps most of its EXIF in its JPEG preview.
pub(crate) fn gather_preview(
    tiff: &Tiff<'_>,
    limits: &Limits,
    gathered: &mut Gathered,
    problems: &mut Problems,
) {
    let Some(entry) = tiff.find(Directory::Main, 0x002e) else { return };
    let preview = tiff.part(&entry);
    if preview.array(0).is_some_and(|head: [u8; 3]| jpeg::is_jpeg(&head)) {
        let mut inside = Gathered::default();
        jpeg::gather(&preview, limits, &mut inside, problems);
        gathered.exif.append(&mut inside.exif);
        gathered.xmp.append(&mut inside.xmp);
    }
}

/// The container's own texts, as PNG names them.
fn interpret_texts(
    texts: Vec<(String, String)>,
    tags: &mut Tags,
    candidates: &mut Candidates,
    described: &mut Described,
) {
    for (name, text) in texts {
        match name.as_str() {
            "Title" => fill(&mut tags.title, Some(text)),
            "Description" => fill(&mut tags.description, Some(text)),
            "Software" => fill(&mut tags.camera.software, Some(text)),
            "ICC profile" => {
                let says_nothing = text.to_ascii_lowercase().contains("icc");
                fill(&mut tags.icc_profile, text::clean(&text).filter(|_| !says_nothing));
            }
            _ => {
                if name == "Creation Time" {
                    let moment = Moment::parse(&text);
                    candidates.add(Rank::Text, moment, "png:Creation Time", Confidence::Medium);
                }
                described.add(format!("png:{name}"), &text);
            }
        }
    }
}
