//! The chain: which manifests a history has, and what each of them was when it
//! was written.

use rushes_media::{Error, ErrorKind, Result};

use super::xml::{Document, Step, Writer, corrupt, limit};
use crate::hash_formats::{Digest, HashFormat};

/// Generations that a history may have.
const MOST_GENERATIONS: usize = 100_000;

/// A manifest as the chain knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Link {
    pub(super) number: u32,
    /// The manifest's name, in the folder in which the chain is.
    pub(super) name: String,
    /// The C4 ID of the manifest's bytes.
    pub(super) c4: Digest,
}

/// Reads a chain; its links in the order of the generations.
pub(super) fn parse(bytes: &[u8]) -> Result<Vec<Link>> {
    let text = std::str::from_utf8(bytes).map_err(|_| corrupt("it is not UTF-8"))?;
    let mut document = Document::new(text);
    document.next()?;
    if document.path() != ["ascmhldirectory"] {
        return Err(corrupt("it is no chain of hash lists"));
    }
    let mut links: Vec<Link> = Vec::new();
    let (mut name, mut c4) = (None, None);
    while let Some(step) = document.next()? {
        let (path, Some(element)) = (document.path(), document.element()) else { continue };
        match (step, path.as_slice()) {
            (Step::Begin, ["ascmhldirectory", "hashlist"]) => (name, c4) = (None, None),
            (Step::End, ["ascmhldirectory", "hashlist", "path"]) => {
                if matches!(element.text.as_str(), "" | "." | "..")
                    || element.text.contains(['/', '\0'])
                {
                    return Err(corrupt("a manifest's name leads out of its folder"));
                }
                name = Some(element.text.clone());
            }
            (Step::End, ["ascmhldirectory", "hashlist", "c4"]) => {
                c4 = Some(Digest::parse(HashFormat::C4, element.text.trim())?);
            }
            (Step::End, ["ascmhldirectory", "hashlist"]) => {
                let number = element.attribute("sequencenr").and_then(|it| it.trim().parse().ok());
                let (Some(number), Some(name), Some(c4)) = (number, name.take(), c4.take()) else {
                    return Err(corrupt("a generation in it has no number, path or hash"));
                };
                if links.last().is_some_and(|last| last.number >= number) {
                    return Err(corrupt("its generations are not in their order"));
                }
                links.push(Link { number, name, c4 });
                if links.len() > MOST_GENERATIONS {
                    return Err(limit(format!("it has more than {MOST_GENERATIONS} generations")));
                }
            }
            _ => {}
        }
    }
    Ok(links)
}

pub(super) fn to_xml(links: &[Link]) -> Result<String> {
    let mut xml = Writer::new();
    xml.begin("ascmhldirectory", &[("xmlns", "urn:ASC:MHL:DIRECTORY:v2.0")]);
    for link in links {
        xml.begin("hashlist", &[("sequencenr", &link.number.to_string())]);
        if !super::xml::can_say(&link.name) {
            let why = "the folder's name has control characters, which XML has no way to say";
            return Err(Error::new(ErrorKind::Invalid, "writing a hash list", why).at(&link.name));
        }
        xml.leaf("path", &[], &link.name);
        xml.leaf("c4", &[], &link.c4.to_string());
        xml.end();
    }
    Ok(xml.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_comes_back() {
        let links = [1, 2, 10].map(|number| Link {
            number,
            name: format!("{number:04}_a & b_2026-01-01_000000Z.mhl"),
            c4: HashFormat::C4.of(&[number as u8]),
        });
        assert_eq!(parse(to_xml(&links).unwrap().as_bytes()).unwrap(), links);
        let text = to_xml(&links).unwrap();
        for (what, with) in [
            ("sequencenr=\"2\"", "sequencenr=\"1\""),
            ("sequencenr=\"2\"", "sequencenr=\"-1\""),
            ("sequencenr=\"2\"", ""),
            ("0001_a", "../0001_a"),
            ("<c4>c4", "<c4>c5"),
            ("ascmhldirectory", "directory"),
        ] {
            let other = text.replace(what, with);
            assert_ne!(other, text);
            assert_eq!(parse(other.as_bytes()).unwrap_err().kind, ErrorKind::Corrupt, "{with}");
        }
    }
}
