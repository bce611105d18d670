//! PNG (third edition): its chunks, by their lengths.

use rushes_media::Limits;

use crate::gathered::Gathered;
use crate::inflate::{End, inflate};
use crate::problems::Problems;
use crate::source::{Budget, Source};
use crate::tags::fill;
use crate::{jpeg, photoshop, text};

/// Chunks walked. A picture may be split into thousands.
const MOST_CHUNKS: usize = 200_000;

pub(crate) fn is_png(head: &[u8]) -> bool {
    head.starts_with(b"\x89PNG\r\n\x1a\n")
}

pub(crate) fn gather(
    source: &Source<'_>,
    limits: &Limits,
    gathered: &mut Gathered,
    problems: &mut Problems,
) {
    let mut position = 8;
    for _ in 0..MOST_CHUNKS {
        let (Some(len), Some(kind)) = (source.u32_be(position), source.array(position + 4)) else {
            problems.note("PNG ends without its last chunk");
            return;
        };
        let body = source.part(position + 8, u64::from(len));
        let is_metadata = matches!(&kind, b"eXIf" | b"tEXt" | b"zTXt" | b"iTXt" | b"iCCP");
        if is_metadata && u64::from(len) > limits.tag_bytes {
            let limit = limits.tag_bytes;
            problems.note(format!("PNG has a text of {len} bytes, over the limit of {limit}"));
        } else if is_metadata {
            let body = body.take_up_to(0, u64::from(len));
            let unpacking = Unpacking { budget: source.budget(), limits };
            gather_chunk(kind, &body, &unpacking, gathered, problems);
        }
        if &kind == b"IEND" {
            return;
        }
        position += u64::from(len) + 12;
    }
}

/// What unpacking may cost.
struct Unpacking<'a> {
    budget: &'a Budget,
    limits: &'a Limits,
}

impl Unpacking<'_> {
    /// What is packed behind the byte that says how (clause 11.3.3.3): 0, the
    /// only way there is. `None` when it is not whole or over `most_bytes`.
    fn whole(&self, packed: &[u8], what: &str, problems: &mut Problems) -> Option<Vec<u8>> {
        let Some((0, packed)) = packed.split_first() else {
            problems.note(format!("PNG has {what} packed in an unknown way"));
            return None;
        };
        let most_bytes = self.limits.tag_bytes;
        let inflated = inflate(packed, most_bytes, self.budget);
        match inflated.end {
            End::Whole => return Some(inflated.bytes),
            End::Cut => problems.note(format!(
                "PNG has {what} that unpacks to more than the limit of {most_bytes} bytes"
            )),
            End::Damaged => problems.note(format!("PNG has {what} that does not unpack")),
        }
        None
    }

    /// The same for a text to be shown: as much of it as is kept of any text.
    fn text(&self, packed: &[u8], what: &str, problems: &mut Problems) -> Option<String> {
        let (0, packed) = packed.split_first()? else { return None };
        let inflated = inflate(packed, text::TEXT_BYTES as u64 + 4, self.budget);
        if inflated.end == End::Damaged {
            problems.note(format!("PNG has {what} that does not unpack"));
        }
        text::decode(&inflated.bytes)
    }
}

fn gather_chunk(
    kind: [u8; 4],
    body: &[u8],
    unpacking: &Unpacking<'_>,
    gathered: &mut Gathered,
    problems: &mut Problems,
) {
    if &kind == b"eXIf" {
        gathered.add_exif(body.to_vec());
        return;
    }
    let Some((name, rest)) = split_at_nul(body) else { return };
    let Some(name) = text::decode(name) else { return };
    let raw_profile = name.strip_prefix("Raw profile type ").map(str::to_owned);
    match (&kind, raw_profile) {
        (b"tEXt", Some(kind)) => {
            gather_raw_profile(&kind, rest, unpacking, gathered, problems);
        }
        (b"zTXt", Some(kind)) => {
            if let Some(text) = unpacking.whole(rest, "a raw profile", problems) {
                gather_raw_profile(&kind, &text, unpacking, gathered, problems);
            }
        }
        (b"tEXt", None) => {
            gathered.texts.extend(text::decode(rest).map(|text| (name, text)));
        }
        (b"zTXt", None) => {
            let text = unpacking.text(rest, "a text", problems);
            gathered.texts.extend(text.map(|text| (name, text)));
        }
        (b"iTXt", _) => gather_international(name, rest, unpacking, gathered, problems),
        _ => {
            gathered.texts.push(("ICC profile".to_owned(), name));
            fill(&mut gathered.icc, unpacking.whole(rest, "an ICC profile", problems));
        }
    }
}

/// A text in UTF-8 (clause 11.3.3.4), packed or not: a flag and the way of
/// packing, then language and translated name.
fn gather_international(
    name: String,
    body: &[u8],
    unpacking: &Unpacking<'_>,
    gathered: &mut Gathered,
    problems: &mut Problems,
) {
    let Some((&[flag, method], rest)) = body.split_first_chunk::<2>() else { return };
    let mut parts = rest.splitn(3, |&byte| byte == 0);
    let Some(text) = parts.nth(2) else { return };
    let is_packed = flag != 0;
    let packed = || [&[method], text].concat();
    if name == "XML:com.adobe.xmp" {
        let packet = if is_packed {
            unpacking.whole(&packed(), "XMP", problems)
        } else {
            Some(text.to_vec())
        };
        gathered.xmp.extend(packet);
    } else {
        let text = if is_packed {
            unpacking.text(&packed(), "a text", problems)
        } else {
            text::decode(text)
        };
        gathered.texts.extend(text.map(|text| (name, text)));
    }
}

/// What ImageMagick began and others write too: a name, a length and the bytes
/// in hexadecimal.
fn gather_raw_profile(
    kind: &str,
    text: &[u8],
    unpacking: &Unpacking<'_>,
    gathered: &mut Gathered,
    problems: &mut Problems,
) {
    let Some(bytes) = raw_profile(text) else {
        problems.note(format!("PNG has a raw profile of type {kind} that makes no sense"));
        return;
    };
    match kind {
        "exif" | "APP1" => match jpeg::xmp_of_segment(&bytes) {
            Some(packet) => gathered.xmp.push(packet.to_vec()),
            None => gathered.add_exif(bytes),
        },
        "xmp" => gathered.xmp.push(bytes),
        "iptc" | "8bim" if bytes.starts_with(b"8BIM") => {
            let resources = Source::of_memory(&bytes, unpacking.budget);
            photoshop::gather(&resources, unpacking.limits, gathered);
        }
        "iptc" => gathered.iptc.push(bytes),
        "icc" | "icm" => fill(&mut gathered.icc, Some(bytes)),
        _ => {}
    }
}

/// The bytes, as many as the length says; `None` when there are not so many.
fn raw_profile(text: &[u8]) -> Option<Vec<u8>> {
    let mut lines = text.split(|&byte| byte == b'\n').map(<[u8]>::trim_ascii);
    // The name again, which may have blanks in it, then the length.
    lines.find(|line| !line.is_empty())?;
    let len: usize = std::str::from_utf8(lines.next()?).ok()?.parse().ok()?;
    let mut digits = lines.flatten().map(|&digit| char::from(digit).to_digit(16));
    let mut bytes = Vec::new();
    while bytes.len() < len {
        let (high, low) = (digits.next()??, digits.next()??);
        bytes.push((high << 4 | low) as u8);
    }
    Some(bytes)
}

fn split_at_nul(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = bytes.iter().position(|&byte| byte == 0)?;
    Some((bytes.get(..end)?, bytes.get(end + 1..)?))
}
