//! XML as hash lists have it, within bounds: elements, attributes and text.
//! There are no entities but XML's own five, and no document types.

use std::fmt::Write as _;

use quick_xml::Reader;
use quick_xml::escape::{resolve_xml_entity, unescape};
use quick_xml::events::{BytesStart, Event};
use rushes_media::{Error, ErrorKind, Result};

const WHAT: &str = "reading a hash list";

/// Elements that may be nested; those of the standard are six.
const MOST_DEPTH: usize = 32;

/// Attributes of one element; those of the standard are three.
const MOST_ATTRIBUTES: usize = 32;

/// Bytes of the text of one element, or of all attributes of one.
const MOST_TEXT_BYTES: usize = 64 << 10;

/// An element: its attributes, and the text that stands directly in it.
#[derive(Debug, Default)]
pub(super) struct Element {
    name: String,
    attributes: Vec<(String, String)>,
    pub(super) text: String,
}

impl Element {
    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// What comes next in a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Begin,
    End,
}

/// A document that is read from its beginning to its end.
pub(super) struct Document<'a> {
    reader: Reader<&'a [u8]>,
    open: Vec<Element>,
    /// The innermost one has ended, and is looked at.
    has_ended: bool,
    /// An element without content has begun, and is to end.
    is_empty: bool,
    has_root: bool,
}

impl<'a> Document<'a> {
    pub(super) fn new(text: &'a str) -> Document<'a> {
        let mut reader = Reader::from_str(text.trim_start_matches('\u{feff}'));
        reader.config_mut().check_comments = true;
        Document { reader, open: Vec::new(), has_ended: false, is_empty: false, has_root: false }
    }

    /// The names of the elements that are open, outermost first.
    pub(super) fn path(&self) -> Vec<&str> {
        self.open.iter().map(|element| element.name.as_str()).collect()
    }

    /// The innermost element that is open.
    pub(super) fn element(&self) -> Option<&Element> {
        self.open.last()
    }

    /// Goes to the next begin or end of an element; `None` at the end of all.
    pub(super) fn next(&mut self) -> Result<Option<Step>> {
        if std::mem::take(&mut self.has_ended) {
            self.open.pop();
        }
        if std::mem::take(&mut self.is_empty) {
            self.has_ended = true;
            return Ok(Some(Step::End));
        }
        loop {
            let event = self.reader.read_event().map_err(|error| corrupt(error.to_string()))?;
            match event {
                Event::Start(start) => {
                    self.begin(&start)?;
                    return Ok(Some(Step::Begin));
                }
                Event::Empty(start) => {
                    self.begin(&start)?;
                    self.is_empty = true;
                    return Ok(Some(Step::Begin));
                }
                Event::End(_) => {
                    self.has_ended = true;
                    return Ok(Some(Step::End));
                }
                Event::Text(text) => self.append(&text.xml10_content())?,
                Event::CData(text) => self.append(&text.xml10_content())?,
                Event::GeneralRef(reference) => {
                    let character = reference.resolve_char_ref();
                    match character.map_err(|error| corrupt(error.to_string()))? {
                        Some(character) => self.append(character.encode_utf8(&mut [0; 4]))?,
                        None => {
                            self.append(resolve_xml_entity(&reference).ok_or_else(|| {
                                corrupt("it has an entity that is not one of XML's own")
                            })?)?
                        }
                    }
                }
                Event::DocType(_) => return Err(corrupt("it has a document type")),
                Event::Decl(_) | Event::PI(_) | Event::Comment(_) => {}
                Event::Eof if self.open.is_empty() && self.has_root => return Ok(None),
                Event::Eof => return Err(corrupt("it ends in the middle")),
            }
        }
    }

    fn begin(&mut self, start: &BytesStart<'_>) -> Result<()> {
        if self.open.len() >= MOST_DEPTH {
            return Err(limit(format!("its elements are nested more than {MOST_DEPTH} deep")));
        }
        if self.open.is_empty() && std::mem::replace(&mut self.has_root, true) {
            return Err(corrupt("it has more than one outermost element"));
        }
        if start.attributes_raw().len() > MOST_TEXT_BYTES {
            return Err(limit(format!(
                "an element has more than {MOST_TEXT_BYTES} bytes of attributes"
            )));
        }
        let mut element =
            Element { name: start.local_name().into_inner().to_owned(), ..Element::default() };
        for (number, attribute) in start.attributes().enumerate() {
            if number >= MOST_ATTRIBUTES {
                return Err(limit(format!(
                    "an element has more than {MOST_ATTRIBUTES} attributes"
                )));
            }
            let attribute = attribute.map_err(|error| corrupt(error.to_string()))?;
            let value = unescape(&attribute.value).map_err(|error| corrupt(error.to_string()))?;
            let name = attribute.key.local_name().into_inner().to_owned();
            element.attributes.push((name, value.into_owned()));
        }
        self.open.push(element);
        Ok(())
    }

    fn append(&mut self, text: &str) -> Result<()> {
        match self.open.last_mut() {
            Some(element) if element.text.len() + text.len() > MOST_TEXT_BYTES => {
                Err(limit(format!("an element has more than {MOST_TEXT_BYTES} bytes of text")))
            }
            Some(element) => {
                element.text.push_str(text);
                Ok(())
            }
            None if text.trim().is_empty() => Ok(()),
            None => Err(corrupt("it has text outside of its elements")),
        }
    }
}

pub(super) fn corrupt(why: impl Into<String>) -> Error {
    Error::new(ErrorKind::Corrupt, WHAT, why)
}

pub(super) fn limit(why: impl Into<String>) -> Error {
    Error::new(ErrorKind::Limit, WHAT, why)
}

/// A document that is written.
pub(super) struct Writer {
    text: String,
    open: Vec<&'static str>,
}

impl Writer {
    pub(super) fn new() -> Writer {
        let text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n".to_owned();
        Writer { text, open: Vec::new() }
    }

    /// Begins an element that has others in it.
    pub(super) fn begin(&mut self, name: &'static str, attributes: &[(&str, &str)]) {
        self.start(name, attributes);
        self.text.push_str(">\n");
        self.open.push(name);
    }

    /// Ends the element that was begun last.
    pub(super) fn end(&mut self) {
        if let Some(name) = self.open.pop() {
            self.indent();
            self.text.extend(["</", name, ">\n"]);
        }
    }

    /// An element with nothing but text in it.
    pub(super) fn leaf(&mut self, name: &str, attributes: &[(&str, &str)], text: &str) {
        self.start(name, attributes);
        self.text.push('>');
        self.escaped(text);
        self.text.extend(["</", name, ">\n"]);
    }

    pub(super) fn finish(mut self) -> String {
        while !self.open.is_empty() {
            self.end();
        }
        self.text
    }

    fn indent(&mut self) {
        self.open.iter().for_each(|_| self.text.push_str("  "));
    }

    fn start(&mut self, name: &str, attributes: &[(&str, &str)]) {
        self.indent();
        self.text.extend(["<", name]);
        for (name, value) in attributes {
            self.text.extend([" ", *name, "=\""]);
            self.escaped(value);
            self.text.push('"');
        }
    }

    fn escaped(&mut self, text: &str) {
        for character in text.chars() {
            match character {
                '&' => self.text.push_str("&amp;"),
                '<' => self.text.push_str("&lt;"),
                '>' => self.text.push_str("&gt;"),
                '"' => self.text.push_str("&quot;"),
                // As themselves, a reader makes others of them.
                '\r' | '\n' | '\t' => {
                    // Writing to a String does not fail.
                    let _ = write!(self.text, "&#{};", u32::from(character));
                }
                _ => self.text.push(character),
            }
        }
    }
}

/// Whether XML 1.0 can say this text.
pub(super) fn can_say(text: &str) -> bool {
    text.chars().all(|character| {
        matches!(character, '\t' | '\n' | '\r' | '\u{20}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}')
            || character >= '\u{10000}'
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The paths of all elements that ended, with their texts.
    fn read(text: &str) -> Result<Vec<(String, String)>> {
        let mut document = Document::new(text);
        let mut ended = Vec::new();
        while let Some(step) = document.next()? {
            if step == Step::End {
                let text = document.element().unwrap().text.clone();
                ended.push((document.path().join("/"), text));
            }
        }
        assert!(document.path().is_empty());
        Ok(ended)
    }

    #[test]
    fn text_comes_back_as_it_was_written() {
        let odd = "a & b <c> \"d\" 'e'\ttab\r\nline é \u{1f3a5} ]]> trailing ";
        let mut writer = Writer::new();
        writer.begin("outer", &[("a", odd), ("xmlns", "urn:x")]);
        writer.leaf("inner", &[], odd);
        writer.leaf("empty", &[("b", "")], "");
        let text = writer.finish();
        let mut document = Document::new(&text);
        document.next().unwrap();
        assert_eq!(document.element().unwrap().attribute("a"), Some(odd));
        let ended = read(&text).unwrap();
        assert_eq!(ended[0], ("outer/inner".into(), odd.into()));
        assert_eq!(ended[1], ("outer/empty".into(), String::new()));
        assert!(can_say(odd) && !can_say("\u{1}") && !can_say("\u{ffff}"));
    }

    #[test]
    fn hostile_documents_are_refused() {
        let deep = "<a>".repeat(100_000);
        let long = format!("<a>{}</a>", "x".repeat(MOST_TEXT_BYTES + 1));
        let many = format!("<a {}/>", (0..20_000).map(|n| format!("b{n}='' ")).collect::<String>());
        let bomb = "<!DOCTYPE a [<!ENTITY b \"bb\"><!ENTITY c \"&b;&b;\">]><a>&c;</a>";
        for (text, kind) in [
            ("", ErrorKind::Corrupt),
            ("<a>", ErrorKind::Corrupt),
            ("<a></b>", ErrorKind::Corrupt),
            ("</a>", ErrorKind::Corrupt),
            ("<a/><b/>", ErrorKind::Corrupt),
            ("x<a/>", ErrorKind::Corrupt),
            ("<a>&b;</a>", ErrorKind::Corrupt),
            ("<a b='&c;'/>", ErrorKind::Corrupt),
            ("<a b='1' b='2'/>", ErrorKind::Corrupt),
            ("<a>&#0;</a>", ErrorKind::Corrupt),
            (bomb, ErrorKind::Corrupt),
            (&deep, ErrorKind::Limit),
            (&long, ErrorKind::Limit),
            (&many, ErrorKind::Limit),
        ] {
            let short: String = text.chars().take(40).collect();
            assert_eq!(read(text).map_err(|error| error.kind), Err(kind), "{short}");
        }
    }
}
