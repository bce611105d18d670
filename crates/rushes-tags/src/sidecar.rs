//! Files that belong to another file, by their names. Names are bytes.

/// What a sidecar holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SidecarKind {
    /// XMP metadata (`.xmp`).
    Xmp,
    /// Subtitles or captions (`.srt`, `.vtt`, `.ass`, `.ssa`, `.sub`).
    Srt,
    /// Apple's list of edits (`.aae`).
    Aae,
    /// A camera's thumbnail (`.thm`).
    Thm,
    /// Sony's metadata of a clip (`C0001M01.XML`).
    Xml,
    /// Metadata exported by Google Photos (`IMG.jpg.json`).
    Json,
}

const RAW: [&[u8]; 21] = [
    b"3fr", b"arw", b"cr2", b"cr3", b"crw", b"dcr", b"dng", b"erf", b"iiq", b"kdc", b"mos", b"mrw",
    b"nef", b"nrw", b"orf", b"pef", b"raf", b"rw2", b"rwl", b"srw", b"x3f",
];
const STILL: [&[u8]; 19] = [
    b"jpg", b"jpeg", b"jpe", b"png", b"heic", b"heif", b"hif", b"avif", b"webp", b"gif", b"tif",
    b"tiff", b"bmp", b"jxl", b"jp2", b"psd", b"exr", b"tga", b"dpx",
];

/// Google cuts the names of its files to this many bytes before `.json`.
const GOOGLE_NAME_BYTES: usize = 46;

/// What kind of sidecar a file of this name is; `None` when it is none. Small
/// proxies (`.lrv`) are media, not sidecars.
#[must_use]
pub fn sidecar_kind(name: &[u8]) -> Option<SidecarKind> {
    let (stem, extension) = split(name)?;
    let extension = extension.to_ascii_lowercase();
    match extension.as_slice() {
        b"xmp" => Some(SidecarKind::Xmp),
        b"srt" | b"vtt" | b"ass" | b"ssa" | b"sub" => Some(SidecarKind::Srt),
        b"aae" => Some(SidecarKind::Aae),
        b"thm" => Some(SidecarKind::Thm),
        b"xml" => sony_clip(stem).map(|_| SidecarKind::Xml),
        b"json" => {
            let of_picture = split(without_supplement(stem)).is_some_and(|(_, inner)| {
                (2..=5).contains(&inner.len()) && inner.iter().all(u8::is_ascii_alphanumeric)
                    || inner.contains(&b'(')
            });
            (of_picture || stem.len() >= GOOGLE_NAME_BYTES).then_some(SidecarKind::Json)
        }
        _ => None,
    }
}

/// Which of the names in the same folder a sidecar belongs to, by its place
/// among them. A name that the sidecar's continues (`a.jpg` for `a.jpg.xmp`)
/// comes before one that shares its stem; letters' case (ASCII) matters only
/// between equals. Subtitles and thumbnails prefer what is no still, lists of
/// edits prefer stills, XMP prefers RAW. The order of the names does not
/// matter, unless one is there twice.
pub fn owner_of<'a>(sidecar: &[u8], names: impl Iterator<Item = &'a [u8]>) -> Option<usize> {
    let kind = sidecar_kind(sidecar)?;
    let (stem, _) = split(sidecar)?;
    let wanted = Wanted::of(kind, stem);
    names
        .enumerate()
        .filter(|(_, name)| sidecar_kind(name).is_none())
        .filter_map(|(index, name)| Some((wanted.distance(name)?, name, index)))
        .min()
        .map(|(_, _, index)| index)
}

/// What an owner's name can be, the most telling first.
struct Wanted {
    kind: SidecarKind,
    names: Vec<Vec<u8>>,
    stems: Vec<Vec<u8>>,
    /// What a name may begin with, when it was cut.
    beginning: Option<Vec<u8>>,
}

impl Wanted {
    fn of(kind: SidecarKind, stem: &[u8]) -> Wanted {
        let mut wanted = Wanted {
            kind,
            names: vec![stem.to_vec()],
            stems: vec![stem.to_vec()],
            beginning: None,
        };
        match kind {
            SidecarKind::Xmp | SidecarKind::Thm => {}
            SidecarKind::Srt => {
                let mut shorter = stem;
                // A language, and at most two words such as "forced".
                for _ in 0..3 {
                    match split(shorter) {
                        Some((rest, word)) if is_language_or_role(word) => shorter = rest,
                        _ => break,
                    }
                    wanted.names.push(shorter.to_vec());
                    wanted.stems.push(shorter.to_vec());
                }
            }
            SidecarKind::Aae => wanted.stems.extend(without_edit_letter(stem)),
            SidecarKind::Xml => {
                wanted.stems = sony_clip(stem).map(<[u8]>::to_vec).into_iter().collect()
            }
            SidecarKind::Json => {
                let name = without_supplement(stem);
                wanted.names = vec![stem.to_vec(), name.to_vec()];
                wanted.names.extend(with_number_moved(name));
                wanted.names.extend(with_number_moved(stem));
                wanted.stems.clear();
                if stem.len() >= GOOGLE_NAME_BYTES {
                    wanted.beginning = Some(name.to_vec());
                }
            }
        }
        wanted
    }

    /// How far a name is from the best owner: smaller is nearer. `None` when
    /// it is no owner.
    fn distance(&self, name: &[u8]) -> Option<(usize, u8, bool)> {
        let same = |a: &[u8], b: &[u8]| a.eq_ignore_ascii_case(b);
        if let Some(rank) = self.names.iter().position(|wanted| same(wanted, name)) {
            let differs = self.names.get(rank).is_none_or(|wanted| wanted != name);
            return Some((rank, self.mismatch(name), differs));
        }
        let stem = split(name).map_or(name, |(stem, _)| stem);
        if let Some(rank) = self.stems.iter().position(|wanted| same(wanted, stem)) {
            let differs = self.stems.get(rank).is_none_or(|wanted| wanted != stem);
            return Some((self.names.len() + rank, self.mismatch(name), differs));
        }
        let beginning = self.beginning.as_ref()?;
        let begins = name.get(..beginning.len()).is_some_and(|start| same(start, beginning));
        begins.then_some((usize::MAX, self.mismatch(name), false))
    }

    /// How little a sidecar of this kind suits a file of this extension.
    fn mismatch(&self, name: &[u8]) -> u8 {
        let extension = split(name).map(|(_, e)| e.to_ascii_lowercase()).unwrap_or_default();
        let is_raw = RAW.contains(&extension.as_slice());
        let is_still = is_raw || STILL.contains(&extension.as_slice());
        match self.kind {
            SidecarKind::Xmp => u8::from(!is_raw) + u8::from(!is_still),
            SidecarKind::Srt | SidecarKind::Thm | SidecarKind::Xml => u8::from(is_still),
            SidecarKind::Aae => u8::from(!is_still),
            SidecarKind::Json => 0,
        }
    }
}

/// The name before its last dot and the extension after it. A leading dot
/// begins a hidden name, not an extension.
fn split(name: &[u8]) -> Option<(&[u8], &[u8])> {
    let dot = name.iter().rposition(|&byte| byte == b'.').filter(|&dot| dot > 0)?;
    Some((name.get(..dot)?, name.get(dot + 1..)?))
}

/// The clip that Sony's `C0001M01` describes: `C0001`.
fn sony_clip(stem: &[u8]) -> Option<&[u8]> {
    let (clip, [letter, tens, ones]) = stem.split_last_chunk::<3>()?;
    let matches = letter.eq_ignore_ascii_case(&b'M')
        && tens.is_ascii_digit()
        && ones.is_ascii_digit()
        && !clip.is_empty();
    matches.then_some(clip)
}

/// `IMG_1234` for `IMG_E1234` (edited) or `IMG_O1234` (original).
fn without_edit_letter(stem: &[u8]) -> Option<Vec<u8>> {
    let (start, rest) = stem.split_at_checked(4)?;
    let (letter, digits) = rest.split_first()?;
    let matches = start.eq_ignore_ascii_case(b"IMG_")
        && matches!(letter.to_ascii_uppercase(), b'E' | b'O')
        && !digits.is_empty()
        && digits.iter().all(u8::is_ascii_digit);
    matches.then(|| [start, digits].concat())
}

/// The stem without `.supplemental-metadata`, however much of it was cut off.
fn without_supplement(stem: &[u8]) -> &[u8] {
    const SUPPLEMENT: &[u8] = b"supplemental-metadata";
    match split(stem) {
        Some((name, end)) => {
            // A copy's number may follow: `.supplemental-metadata(1)`.
            let (word, number) =
                end.split_at(end.iter().position(|&b| b == b'(').unwrap_or(end.len()));
            let cut = !word.is_empty() && word.len() > 1 && SUPPLEMENT.starts_with(word);
            if cut && number.is_empty() { name } else { stem }
        }
        None => stem,
    }
}

/// Google's `IMG.jpg(1)` for the copy `IMG(1).jpg`.
fn with_number_moved(name: &[u8]) -> Option<Vec<u8>> {
    let open = name.iter().rposition(|&byte| byte == b'(')?;
    let (rest, number) = name.split_at(open);
    let digits = number.strip_prefix(b"(")?.strip_suffix(b")")?;
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let (stem, extension) = split(without_supplement(rest))?;
    Some([stem, number, b".", extension].concat())
}

/// `en`, `deu`, `pt-BR`, `zh_Hans`, or what the subtitles are for.
fn is_language_or_role(word: &[u8]) -> bool {
    let role = [&b"forced"[..], b"sdh", b"cc", b"hi", b"default", b"foreign"];
    if role.iter().any(|role| word.eq_ignore_ascii_case(role)) {
        return true;
    }
    let mut parts = word.split(|byte| matches!(byte, b'-' | b'_'));
    let language = parts.next().unwrap_or_default();
    (2..=3).contains(&language.len())
        && language.iter().all(u8::is_ascii_alphabetic)
        && parts
            .all(|part| (2..=8).contains(&part.len()) && part.iter().all(u8::is_ascii_alphanumeric))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The owner, the same whichever way round the names come.
    fn owner<'a>(sidecar: &str, names: &[&'a str]) -> Option<&'a str> {
        let forward = owner_of(sidecar.as_bytes(), names.iter().map(|name| name.as_bytes()));
        let backward = owner_of(sidecar.as_bytes(), names.iter().rev().map(|name| name.as_bytes()));
        let forward = forward.map(|index| names[index]);
        assert_eq!(forward, backward.map(|index| names[names.len() - 1 - index]));
        forward
    }

    #[test]
    fn kinds() {
        use SidecarKind::*;
        for (name, kind) in [
            ("a.xmp", Some(Xmp)),
            ("A.JPG.XMP", Some(Xmp)),
            ("a.en.srt", Some(Srt)),
            ("a.VTT", Some(Srt)),
            ("IMG_1.AAE", Some(Aae)),
            ("GX01.THM", Some(Thm)),
            ("C0001M01.XML", Some(Xml)),
            ("index.xml", None),
            ("IMG.jpg.json", Some(Json)),
            ("IMG.jpg.supplemental-metadata.json", Some(Json)),
            ("IMG.jpg(1).json", Some(Json)),
            ("metadata.json", None),
            ("GX01.LRV", None),
            ("a.jpg", None),
            (".xmp", None),
            ("xmp", None),
            ("", None),
        ] {
            assert_eq!(sidecar_kind(name.as_bytes()), kind, "{name}");
        }
    }

    #[test]
    fn the_name_that_it_continues_comes_first() {
        let names = ["a.jpg", "a.nef", "A.JPG", "b.jpg"];
        assert_eq!(owner("a.jpg.xmp", &names), Some("a.jpg"));
        assert_eq!(owner("A.JPG.xmp", &names), Some("A.JPG"));
        assert_eq!(owner("a.Nef.xmp", &names), Some("a.nef"));
        assert_eq!(owner("a.xmp", &names), Some("a.nef"));
        assert_eq!(owner("B.XMP", &names), Some("b.jpg"));
        assert_eq!(owner("c.xmp", &names), None);
    }

    #[test]
    fn each_kind_prefers_its_own() {
        let pair = ["IMG_1.HEIC", "IMG_1.MOV"];
        assert_eq!(owner("IMG_1.AAE", &pair), Some("IMG_1.HEIC"));
        assert_eq!(owner("img_1.srt", &pair), Some("IMG_1.MOV"));
        assert_eq!(owner("IMG_1.THM", &pair), Some("IMG_1.MOV"));
        assert_eq!(owner("CRW_1.THM", &["CRW_1.CRW"]), Some("CRW_1.CRW"));
        assert_eq!(owner("IMG_E1.AAE", &pair), Some("IMG_1.HEIC"));
        assert_eq!(owner("IMG_E1.AAE", &["IMG_E1.JPG", "IMG_1.HEIC"]), Some("IMG_E1.JPG"));
    }

    #[test]
    fn languages_clips_and_takeouts() {
        let films = ["film.mkv", "film.2.mkv"];
        for sidecar in ["film.srt", "film.en.srt", "film.pt-BR.forced.srt", "film.mkv.srt"] {
            assert_eq!(owner(sidecar, &films), Some("film.mkv"), "{sidecar}");
        }
        assert_eq!(owner("film.2.de.vtt", &films), Some("film.2.mkv"));
        assert_eq!(owner("film.extended.srt", &films), None);
        assert_eq!(owner("C0001M01.XML", &["C0001.MP4", "C0002.MP4"]), Some("C0001.MP4"));
        let export = ["IMG.jpg", "IMG(1).jpg"];
        for end in ["", ".supplemental-metadata", ".supplemental-me", ".su"] {
            assert_eq!(owner(&format!("IMG.jpg{end}.json"), &export), Some("IMG.jpg"), "{end}");
        }
        assert_eq!(owner("IMG.jpg(1).json", &export), Some("IMG(1).jpg"));
        let moved = "IMG.jpg.supplemental-metadata(1).json";
        assert_eq!(owner(moved, &export), Some("IMG(1).jpg"));
        let long = format!("{}.jpg", "x".repeat(50));
        assert_eq!(owner(&format!("{}.json", "x".repeat(46)), &[&long, "x.jpg"]), Some(&*long));
    }

    #[test]
    fn names_that_are_no_text_and_equals() {
        let names: [&[u8]; 2] = [b"\xff\xfe.mov", b"b.mov"];
        assert_eq!(owner_of(b"\xff\xfe.thm", names.into_iter()), Some(0));
        assert_eq!(owner("a.srt", &["a.mkv", "a.avi", "a.jpg"]), Some("a.avi"));
        assert_eq!(owner("a.srt", &["a.vtt", "a.srt"]), None);
    }
}
