//! Where a copy of an asset goes: names made from a template such as
//! `{date:%Y/%m}/{camera}/{name}`.

use jiff::fmt::strtime;
use jiff::tz::TimeZone;
use jiff::{Timestamp, civil};
use rushes_catalog::{Candidate, extension_of};
use rushes_media::{Error, ErrorKind, Result};
use rushes_store::is_system_name;

const WHAT: &str = "reading the template of names";
/// Longest name of a file or folder, in bytes, on the usual file systems.
const NAME_BYTES: usize = 255;

/// The words a template knows, and what they stand for.
pub(crate) const WORDS: &[(&str, &str)] = &[
    ("name", "the file's name"),
    ("stem", "the file's name without its extension"),
    ("ext", "its extension, in lower case"),
    ("batch", "the folder it is in, _UNSORTED without one"),
    ("camera", "make and model, _UNKNOWN without one"),
    ("kind", "still, video or audio"),
    ("root", "the name of its root"),
    ("id", "the asset's id"),
    ("date", "when it was made, as 2024-06-01, or as {date:%Y/%m} says"),
];

/// A template that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Template(Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Word(&'static str),
    Date(String),
}

/// What a name is made from.
pub(crate) struct Named<'a> {
    pub candidate: &'a Candidate,
    /// The file's name, byte for byte.
    pub name: &'a [u8],
    pub root: &'a str,
}

impl Template {
    /// Reads a template.
    ///
    /// # Errors
    /// `Invalid`, naming what makes no sense.
    pub fn read(text: &str) -> Result<Template> {
        let bad = |why: String, remedy: &str| {
            Err(Error::new(ErrorKind::Invalid, WHAT, why).remedy(remedy))
        };
        if text.len() > 1_000 || text.contains('\0') {
            return bad("it is longer than 1,000 bytes or holds a zero byte".into(), "shorten it");
        }
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            if !before.is_empty() {
                parts.push(Part::Text(before.into()));
            }
            let Some((word, after)) = after.split_once('}') else {
                return bad(format!("a {{ in {text:?} is not closed"), "add a }");
            };
            let (word, format) = word.split_once(':').map_or((word, None), |(w, f)| (w, Some(f)));
            let known = WORDS.iter().find(|(known, _)| *known == word);
            parts.push(match (known, format) {
                (Some(("date", _)), format) => {
                    let format = format.unwrap_or("%Y-%m-%d");
                    let example = civil::date(2024, 6, 1).at(12, 0, 0, 0);
                    if strtime::format(format, example).is_err() {
                        let why = format!("{format:?} is no form of a date");
                        return bad(why, "write it like %Y-%m-%d or %Y/%m");
                    }
                    Part::Date(format.into())
                }
                (Some((word, _)), None) => Part::Word(word),
                _ => {
                    let words: Vec<&str> = WORDS.iter().map(|(word, _)| *word).collect();
                    let why = format!("{{{word}}} stands for nothing");
                    return bad(why, &format!("use one of {}", words.join(", ")));
                }
            });
            rest = after;
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.into()));
        }
        let tells_files_apart = |part: &Part| matches!(part, Part::Word("name" | "stem" | "id"));
        if !parts.iter().any(tells_files_apart) {
            let why = format!("{text:?} gives all files one name");
            return bad(why, "put {name}, {stem} or {id} into it");
        }
        let leads_out = |name: &str| matches!(name, "." | "..");
        if text.starts_with('/') || text.ends_with('/') || text.split('/').any(leads_out) {
            return bad(
                format!("{text:?} is no path within a folder"),
                "write it like {batch}/{name}",
            );
        }
        Ok(Template(parts))
    }

    /// The path of an asset's copy, relative, byte for byte.
    pub fn path(&self, named: &Named<'_>) -> Vec<u8> {
        let mut path = Vec::new();
        for part in &self.0 {
            match part {
                Part::Text(text) => path.extend(text.as_bytes()),
                // A date may make folders; the other words never do.
                Part::Date(format) => path.extend(date(format, named.candidate).as_bytes()),
                Part::Word(word) => {
                    let value = value(word, named);
                    path.extend(value.into_iter().map(|byte| match byte {
                        b'/' | 0 => b'_',
                        byte => byte,
                    }));
                }
            }
        }
        let names = path.split(|byte| *byte == b'/').filter(|name| !name.is_empty());
        names.map(allowed).collect::<Vec<_>>().join(&b'/')
    }
}

/// A name that a file system takes, and that stays where it is.
fn allowed(name: &[u8]) -> Vec<u8> {
    if matches!(name, b"." | b"..") {
        return vec![b'_'; name.len()];
    }
    shortened(name, b"")
}

/// The name with `mark` before its extension, of a length that file systems take.
fn shortened(name: &[u8], mark: &[u8]) -> Vec<u8> {
    let at = name.iter().rposition(|byte| *byte == b'.').filter(|at| *at > 0);
    // What is longer is no extension.
    let at = at.filter(|at| name.len() - at <= 32).unwrap_or(name.len());
    let (stem, extension) = name.split_at_checked(at).unwrap_or((name, b""));
    let room = NAME_BYTES.saturating_sub(extension.len() + mark.len());
    let mut end = stem.len().min(room);
    // Not amid a letter.
    while end < stem.len() && end > 0 && stem.get(end).is_some_and(|byte| byte & 0xc0 == 0x80) {
        end -= 1;
    }
    [stem.get(..end).unwrap_or(stem), mark, extension].concat()
}

/// The same path with `_2`, `_3` and so on before the extension.
pub(crate) fn numbered(path: &[u8], number: u32) -> Vec<u8> {
    let at = path.iter().rposition(|byte| *byte == b'/').map_or(0, |at| at + 1);
    let (folder, name) = path.split_at_checked(at).unwrap_or((b"", path));
    [folder, &shortened(name, format!("_{number}").as_bytes())].concat()
}

/// Names that mean devices on Windows, with any extension, and so to whoever
/// opens the folder from there.
const DEVICES: [&str; 6] = ["con", "prn", "aux", "nul", "conin$", "conout$"];

/// A name for what somebody elsewhere called `given`: the last part of it, when
/// it is a path, without what is no letter, what no other system takes, and
/// what means something else to a system or a command. It is never empty.
pub(crate) fn from_outside(given: &str) -> String {
    let last = given.rsplit(['/', '\\']).find(|part| !part.trim().is_empty()).unwrap_or_default();
    let cleaned: String = last
        .chars()
        .filter(|&letter| !letter.is_control() && !is_invisible(letter))
        .map(|letter| if "<>:\"|?*".contains(letter) { '_' } else { letter })
        .collect();
    // A dot at the start hides it; at the end, Windows drops it.
    let cleaned = cleaned.trim_matches(|letter: char| letter == '.' || letter.is_whitespace());
    let stem = cleaned.split('.').next().unwrap_or_default().trim_end().to_ascii_lowercase();
    let is_port = stem.len() == 4
        && (stem.starts_with("com") || stem.starts_with("lpt"))
        && stem.ends_with(|digit: char| digit.is_ascii_digit());
    let is_taken = DEVICES.contains(&&*stem)
        || is_port
        || cleaned.starts_with('-')
        || is_system_name(cleaned.as_bytes());
    let name = match cleaned {
        "" => "upload".to_owned(),
        _ if is_taken => format!("_{cleaned}"),
        _ => cleaned.to_owned(),
    };
    String::from_utf8(shortened(name.as_bytes(), b"")).unwrap_or_else(|_| "upload".into())
}

/// Letters that show nothing and turn or split what stands beside them.
fn is_invisible(letter: char) -> bool {
    matches!(letter,
        '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// The path of what belongs to a file: beside its copy, and named after it where
/// it was named after the file.
pub(crate) fn beside(copy: &[u8], name: &[u8], sidecar: &[u8]) -> Vec<u8> {
    let at = copy.iter().rposition(|byte| *byte == b'/').map_or(0, |at| at + 1);
    let (folder, copied) = copy.split_at_checked(at).unwrap_or((b"", copy));
    let stem = |name: &[u8]| {
        let at = name.iter().rposition(|byte| *byte == b'.').filter(|at| *at > 0);
        name.get(..at.unwrap_or(name.len())).unwrap_or(name).to_vec()
    };
    // IMG_1.jpg.xmp, then IMG_1.xmp.
    let renamed = match sidecar.strip_prefix(name) {
        Some(rest) => [copied, rest].concat(),
        None => match sidecar.strip_prefix(&*stem(name)) {
            Some(rest) => [&*stem(copied), rest].concat(),
            None => sidecar.to_vec(),
        },
    };
    [folder, &allowed(&renamed)].concat()
}

fn value(word: &str, named: &Named<'_>) -> Vec<u8> {
    let Named { candidate, name, root } = named;
    let or = |value: Option<&String>, other: &str| {
        let value = value.map(|value| value.trim()).filter(|value| !value.is_empty());
        value.unwrap_or(other).as_bytes().to_vec()
    };
    let extension = extension_of(name);
    match word {
        "name" => name.to_vec(),
        "stem" => {
            let at = name.len() - if extension.is_empty() { 0 } else { extension.len() + 1 };
            name.get(..at).unwrap_or(name).to_vec()
        }
        "ext" => extension.into_bytes(),
        "batch" => or(candidate.batch.as_ref(), "_UNSORTED"),
        "camera" => or(candidate.camera.as_ref(), "_UNKNOWN"),
        "kind" => candidate.kind.clone().into_bytes(),
        "root" => root.as_bytes().to_vec(),
        _ => candidate.public_id.clone().into_bytes(),
    }
}

/// When the asset was made: as its file says, in the time of the place where it
/// was made; else when the file was last changed, in this machine's time.
fn date(format: &str, candidate: &Candidate) -> String {
    let stated = candidate.captured.as_deref().and_then(|captured| {
        captured.get(..19).and_then(|local| local.parse::<civil::DateTime>().ok())
    });
    let local = stated.unwrap_or_else(|| {
        let changed = Timestamp::from_nanosecond(candidate.time_ns.into()).unwrap_or_default();
        changed.to_zoned(TimeZone::system()).datetime()
    });
    strtime::format(format, local).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidate() -> Candidate {
        Candidate {
            asset: 1,
            public_id: "abc".into(),
            kind: "still".into(),
            batch: None,
            captured: Some("2024-06-01T23:30:00+09:00".into()),
            time_ns: 0,
            camera: Some("Apple iPhone/15".into()),
            size_bytes: 0,
            content_identifier: None,
            blake3: None,
        }
    }

    fn path(template: &str, name: &[u8]) -> Vec<u8> {
        let template = Template::read(template).unwrap();
        template.path(&Named { candidate: &candidate(), name, root: "Card" })
    }

    #[test]
    fn words_stand_for_what_is_known() {
        assert_eq!(path("{batch}/{name}", b"a.JPG"), b"_UNSORTED/a.JPG");
        // The day where it was made, not that of Greenwich.
        assert_eq!(
            path("{date:%Y/%m-%d}/{camera}/{stem}.{ext}", b"a.b.JPG"),
            b"2024/06-01/Apple iPhone_15/a.b.jpg"
        );
        assert_eq!(path("{root}-{id}-{kind}", b"x"), b"Card-abc-still");
    }

    #[test]
    fn no_name_leads_out_or_is_too_long() {
        assert_eq!(path("{batch}/{name}", b".."), b"_UNSORTED/__");
        assert_eq!(path("x/{name}", b"../../etc"), b"x/.._.._etc");
        assert_eq!(path("{name}", b"a\xff\x00b"), b"a\xff_b");
        let long = path("{name}", &[&[b'n'; 300][..], b".jpeg"].concat());
        assert_eq!((long.len(), long.ends_with(b".jpeg")), (255, true));
        let letters = path("{name}", "é".repeat(200).as_bytes());
        assert!(letters.len() <= 255 && std::str::from_utf8(&letters).is_ok());
        assert_eq!(numbered(b"a/b.jpg", 2), b"a/b_2.jpg");
        assert_eq!(numbered(&long, 12).len(), 255);
    }

    #[test]
    fn names_from_outside_are_tame() {
        for (given, expected) in [
            ("IMG_0001.MOV", "IMG_0001.MOV"),
            ("Été à la plage.mov", "Été à la plage.mov"),
            ("../../etc/passwd", "passwd"),
            ("C:\\Users\\me\\a.jpg", "a.jpg"),
            ("/", "upload"),
            ("", "upload"),
            ("..", "upload"),
            ("...", "upload"),
            (" . . ", "upload"),
            ("trips/", "trips"),
            (".hidden", "hidden"),
            ("a.jpg.", "a.jpg"),
            ("a\0b\n\r\tc.jpg", "abc.jpg"),
            ("gpj.\u{202e}exe.mov", "gpj.exe.mov"),
            ("a<b>c:d\"e|f?g*.jpg", "a_b_c_d_e_f_g_.jpg"),
            ("CON", "_CON"),
            ("nul.mov", "_nul.mov"),
            ("com1.mov", "_com1.mov"),
            ("comet.mov", "comet.mov"),
            ("-rf", "_-rf"),
            ("Thumbs.db", "_Thumbs.db"),
            ("lost+found", "_lost+found"),
            (".uploads", "uploads"),
        ] {
            assert_eq!(from_outside(given), expected, "{given:?}");
        }
        let long = from_outside(&format!("{}.jpeg", "é".repeat(300)));
        assert!(long.len() <= 255 && long.ends_with(".jpeg"), "{long}");
        assert!(from_outside(&"x".repeat(10_000)).len() <= 255);
    }

    #[test]
    fn what_belongs_to_a_file_is_named_after_its_copy() {
        for (sidecar, expected) in [
            (&b"IMG_1.jpg.xmp"[..], &b"b/IMG_1_2.jpg.xmp"[..]),
            (b"IMG_1.xmp", b"b/IMG_1_2.xmp"),
            (b"IMG_E1.aae", b"b/IMG_E1.aae"),
        ] {
            assert_eq!(beside(b"b/IMG_1_2.jpg", b"IMG_1.jpg", sidecar), expected);
        }
    }

    #[test]
    fn mistakes_are_named() {
        for (template, part) in [
            ("{bacth}/{name}", "bacth"),
            ("{name", "not closed"),
            ("all", "one name"),
            ("/abs/{name}", "within a folder"),
            ("../{name}", "within a folder"),
            ("{date:%Q1}/{name}", "form of a date"),
            ("{name:x}", "stands for nothing"),
        ] {
            let error = Template::read(template).unwrap_err();
            assert!(error.to_string().contains(part), "{error}");
        }
    }
}
