//! XMP (ISO 16684-1): RDF in XML, read as a flat list of named properties.

use quick_xml::NsReader;
use quick_xml::escape::{resolve_xml_entity, unescape};
use quick_xml::events::{BytesStart, Event};
use quick_xml::name::{NamespaceResolver, QName, ResolveResult};
use rushes_media::Limits;

use crate::problems::Problems;
use crate::text::{self, TEXT_BYTES};

const RDF: &str = "http://www.w3.org/1999/02/22-rdf-syntax-ns#";
const META: &str = "adobe:ns:meta/";
const XML: &str = "http://www.w3.org/XML/1998/namespace";

/// Properties kept of one packet; edit histories have thousands.
const MOST_PROPERTIES: usize = 5_000;

/// Prefixes as the standards write them, whatever a file calls them.
const PREFIXES: [(&str, &str); 20] = [
    ("http://purl.org/dc/elements/1.1/", "dc"),
    ("http://ns.adobe.com/xap/1.0/", "xmp"),
    ("http://ns.adobe.com/xap/1.0/rights/", "xmpRights"),
    ("http://ns.adobe.com/xap/1.0/mm/", "xmpMM"),
    ("http://ns.adobe.com/xap/1.0/bj/", "xmpBJ"),
    ("http://ns.adobe.com/xmp/note/", "xmpNote"),
    ("http://ns.adobe.com/xmp/1.0/DynamicMedia/", "xmpDM"),
    ("http://ns.adobe.com/photoshop/1.0/", "photoshop"),
    ("http://ns.adobe.com/tiff/1.0/", "tiff"),
    ("http://ns.adobe.com/exif/1.0/", "exif"),
    ("http://cipa.jp/exif/1.0/", "exifEX"),
    ("http://ns.adobe.com/exif/1.0/aux/", "aux"),
    ("http://ns.adobe.com/lightroom/1.0/", "lr"),
    ("http://ns.adobe.com/camera-raw-settings/1.0/", "crs"),
    ("http://ns.adobe.com/pdf/1.3/", "pdf"),
    ("http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/", "Iptc4xmpCore"),
    ("http://iptc.org/std/Iptc4xmpExt/2008-02-29/", "Iptc4xmpExt"),
    ("http://ns.google.com/photos/1.0/panorama/", "GPano"),
    ("http://ns.google.com/photos/1.0/camera/", "GCamera"),
    ("http://ns.useplus.org/ldf/xmp/1.0/", "plus"),
];

/// One value. An array has one for each of its items, under the same path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Property {
    /// `dc:title`, or `xmpMM:History/stEvt:when` inside a structure.
    pub path: String,
    pub value: String,
    /// Language of a language alternative: `x-default`, `de-CH`.
    pub language: Option<String>,
}

/// Every property of a packet.
#[derive(Default)]
pub(crate) struct Packet(Vec<Property>);

impl Packet {
    pub(crate) fn properties(&self) -> &[Property] {
        &self.0
    }

    /// The values under this path, in order.
    pub(crate) fn values<'p>(&'p self, path: &str) -> impl Iterator<Item = &'p str> {
        self.0.iter().filter(move |p| p.path == path).map(|p| p.value.as_str())
    }

    pub(crate) fn first(&self, path: &str) -> Option<&str> {
        self.values(path).next()
    }

    /// The default language's value, else the first.
    pub(crate) fn in_default_language(&self, path: &str) -> Option<&str> {
        let is_default = |p: &&Property| p.language.as_deref() == Some("x-default");
        let default = self.0.iter().filter(|p| p.path == path).find(is_default);
        default.map(|p| p.value.as_str()).or_else(|| self.first(path))
    }
}

/// An element that is open.
#[derive(Default)]
struct Open {
    /// Its name when it is a property, not RDF's own scaffolding.
    name: Option<String>,
    text: String,
    has_children: bool,
    language: Option<String>,
}

/// Reads a packet as far as it can be read. Entities are those of XML alone;
/// a document type is not looked at.
pub(crate) fn parse(bytes: &[u8], limits: &Limits, problems: &mut Problems) -> Packet {
    let xml = decode(bytes);
    let mut reader = NsReader::from_str(&xml);
    let config = reader.config_mut();
    config.check_end_names = false;
    config.allow_dangling_amp = true;
    let mut packet = Packet::default();
    let mut open: Vec<Open> = Vec::new();
    loop {
        match reader.read_event() {
            Ok(Event::Start(start)) => {
                if open.len() >= limits.depth as usize {
                    problems.note(format!("XMP is nested more than {} deep", limits.depth));
                    return packet;
                }
                let element = begin(&start, reader.resolver(), &mut open, &mut packet);
                open.push(element);
            }
            Ok(Event::Empty(start)) => {
                begin(&start, reader.resolver(), &mut open, &mut packet);
            }
            Ok(Event::End(_)) => end(&mut open, &mut packet),
            Ok(Event::Text(text)) => append(&mut open, &text),
            Ok(Event::CData(text)) => append(&mut open, &text),
            Ok(Event::GeneralRef(reference)) => match reference.resolve_char_ref() {
                Ok(Some(character)) => append(&mut open, character.encode_utf8(&mut [0; 4])),
                _ => append(&mut open, resolve_xml_entity(&reference).unwrap_or_default()),
            },
            Ok(Event::Eof) => break,
            Ok(Event::Decl(_) | Event::PI(_) | Event::Comment(_) | Event::DocType(_)) => {}
            Err(error) => {
                problems.note(format!("XMP is not well formed: {error}"));
                break;
            }
        }
        if packet.0.len() >= MOST_PROPERTIES {
            problems.note(format!("XMP has more than {MOST_PROPERTIES} properties"));
            break;
        }
    }
    packet
}

/// XMP is UTF-8 nearly always; in UTF-16 every other byte of the mark-up is
/// zero.
fn decode(bytes: &[u8]) -> String {
    match bytes {
        [0xfe, 0xff, rest @ ..] | rest @ [0, b'<', ..] => utf16(rest, u16::from_be_bytes),
        [0xff, 0xfe, rest @ ..] | rest @ [b'<', 0, ..] => utf16(rest, u16::from_le_bytes),
        _ => String::from_utf8_lossy(bytes).replace('\0', ""),
    }
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> String {
    let units = bytes.as_chunks::<2>().0.iter().map(|pair| unit(*pair));
    char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
}

fn begin(
    start: &BytesStart<'_>,
    resolver: &NamespaceResolver,
    open: &mut [Open],
    packet: &mut Packet,
) -> Open {
    if let Some(parent) = open.last_mut() {
        parent.has_children = true;
    }
    let mut element = Open { name: property_name(start.name(), resolver, true), ..Open::default() };
    let own_path = path(open, element.name.as_deref());
    for attribute in start.attributes().with_checks(false).flatten() {
        let name = attribute.key;
        if name.as_namespace_binding().is_some() {
            continue;
        }
        let value = unescape(&attribute.value).unwrap_or_else(|_| attribute.value.clone());
        let (space, local) = resolver.resolve_attribute(name);
        let space = match space {
            ResolveResult::Bound(space) => space.0,
            _ => "",
        };
        match (space, local.into_inner()) {
            (XML, "lang") => element.language = Some(value.to_lowercase()),
            (RDF, "resource" | "value") => add(packet, &own_path, &value, None),
            (RDF | META | XML, _) => {}
            _ => {
                let Some(name) = property_name(name, resolver, false) else { continue };
                let separator = if own_path.is_empty() { "" } else { "/" };
                add(packet, &format!("{own_path}{separator}{name}"), &value, None);
            }
        }
    }
    element
}

fn end(open: &mut Vec<Open>, packet: &mut Packet) {
    let Some(closed) = open.pop() else { return };
    if closed.has_children || closed.text.is_empty() {
        return;
    }
    let path = path(open, closed.name.as_deref());
    add(packet, &path, &closed.text, closed.language);
}

fn append(open: &mut [Open], text: &str) {
    let Some(element) = open.last_mut() else { return };
    if element.text.len() + text.len() <= TEXT_BYTES {
        element.text.push_str(text);
    } else {
        let room = text.floor_char_boundary(TEXT_BYTES - element.text.len());
        element.text.push_str(text.get(..room).unwrap_or_default());
    }
}

fn add(packet: &mut Packet, path: &str, value: &str, language: Option<String>) {
    if path.is_empty() {
        return;
    }
    if let Some(value) = text::clean(value) {
        packet.0.push(Property { path: path.to_owned(), value, language });
    }
}

fn path(open: &[Open], last: Option<&str>) -> String {
    let names: Vec<&str> =
        open.iter().filter_map(|element| element.name.as_deref()).chain(last).collect();
    names.join("/")
}

/// `dc:title` by the standard's prefix; `None` for RDF's own names.
fn property_name(
    name: QName<'_>,
    resolver: &NamespaceResolver,
    is_element: bool,
) -> Option<String> {
    const LONGEST: usize = 128;
    let (space, local) =
        if is_element { resolver.resolve_element(name) } else { resolver.resolve_attribute(name) };
    let local = local.into_inner();
    if local.len() > LONGEST {
        return None;
    }
    let own_prefix = name.prefix().map(|prefix| prefix.into_inner().to_owned());
    let prefix = match space {
        ResolveResult::Bound(space) if matches!(space.0, RDF | META) => return None,
        ResolveResult::Bound(space) => PREFIXES
            .iter()
            .find(|(uri, _)| *uri == space.0)
            .map(|(_, prefix)| (*prefix).to_owned())
            .or(own_prefix),
        // A namespace that was never declared: its usual prefix still tells.
        _ if matches!(own_prefix.as_deref(), Some("rdf" | "x")) => return None,
        _ => own_prefix,
    };
    Some(match prefix {
        Some(prefix) if prefix.len() <= LONGEST => format!("{prefix}:{local}"),
        _ => local.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(xml: &str) -> (Packet, Vec<String>) {
        let mut problems = Problems::default();
        let packet = parse(xml.as_bytes(), &Limits::default(), &mut problems);
        (packet, problems.into_vec())
    }

    fn wrapped(inside: &str) -> String {
        format!(
            r#"<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/" x:xmptk="t">
            <rdf:RDF xmlns:rdf="{RDF}">{inside}</rdf:RDF></x:xmpmeta><?xpacket end="w"?>"#
        )
    }

    #[test]
    fn attributes_and_elements_say_the_same() {
        let short = r#"<rdf:Description rdf:about="" xmlns:a="http://ns.adobe.com/xap/1.0/" a:Rating="4" a:CreateDate="2024-06-01"/>"#;
        let long = r#"<rdf:Description rdf:about="" xmlns:a="http://ns.adobe.com/xap/1.0/"><a:Rating>4</a:Rating><a:CreateDate> 2024-06-01 </a:CreateDate></rdf:Description>"#;
        let (short, long) = (read(&wrapped(short)), read(&wrapped(long)));
        assert_eq!(short.0.properties(), long.0.properties());
        assert_eq!(long.0.first("xmp:Rating"), Some("4"));
        assert_eq!(long.0.properties().len(), 2);
        assert!(short.1.is_empty() && long.1.is_empty());
    }

    #[test]
    fn arrays_languages_and_structures() {
        let (packet, problems) = read(&wrapped(
            r#"<rdf:Description xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:mm="http://ns.adobe.com/xap/1.0/mm/" xmlns:stEvt="urn:e">
            <dc:title><rdf:Alt><rdf:li xml:lang="de-CH">Brücke</rdf:li><rdf:li xml:lang="x-default">Bridge &amp; &#x42;ay</rdf:li></rdf:Alt></dc:title>
            <dc:subject><rdf:Bag><rdf:li>a</rdf:li><rdf:li><![CDATA[b<c]]></rdf:li></rdf:Bag></dc:subject>
            <mm:History><rdf:Seq><rdf:li rdf:parseType="Resource"><stEvt:when>2020</stEvt:when></rdf:li><rdf:li stEvt:when="2021"/></rdf:Seq></mm:History>
            <mm:Link rdf:resource="urn:x"/></rdf:Description>"#,
        ));
        assert!(problems.is_empty(), "{problems:?}");
        assert_eq!(packet.in_default_language("dc:title"), Some("Bridge & Bay"));
        assert_eq!(packet.values("dc:subject").collect::<Vec<_>>(), ["a", "b<c"]);
        let when: Vec<_> = packet.values("xmpMM:History/stEvt:when").collect();
        assert_eq!(when, ["2020", "2021"]);
        assert_eq!(packet.first("xmpMM:Link"), Some("urn:x"));
    }

    #[test]
    fn no_entity_is_expanded() {
        let mut laughs = String::from("<!DOCTYPE x [<!ENTITY l0 \"lol\">");
        for n in 1..30 {
            let before = format!("&l{};", n - 1).repeat(10);
            laughs += &format!("<!ENTITY l{n} \"{before}\">");
        }
        laughs += "]>";
        laughs += &wrapped(
            r#"<rdf:Description xmlns:dc="http://purl.org/dc/elements/1.1/" dc:format="&l29;"><dc:title>x&l29;&amp;y</dc:title></rdf:Description>"#,
        );
        let (packet, _) = read(&laughs);
        assert_eq!(packet.first("dc:title"), Some("x&y"));
        assert!(packet.properties().iter().all(|p| p.value.len() < 10));
    }

    #[test]
    fn depth_and_number_are_bounded() {
        let (_, problems) = read(&"<a>".repeat(1_000_000));
        assert_eq!(problems, ["XMP is nested more than 32 deep"]);
        let many = (0..6_000).map(|n| format!("<b{n}>x</b{n}>")).collect::<String>();
        let (packet, problems) = read(&format!("<a>{many}</a>"));
        assert_eq!(packet.properties().len(), MOST_PROPERTIES);
        assert_eq!(problems.len(), 1);
    }

    #[test]
    fn what_comes_before_an_error_is_kept() {
        let (packet, problems) = read(
            r#"<rdf:Description xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:format>x</dc:format><dc:title"#,
        );
        assert_eq!(packet.first("dc:format"), Some("x"));
        assert_eq!(problems.len(), 1);
    }

    #[test]
    fn utf_16_is_read() {
        let xml = wrapped("<rdf:Description xmlns:q=\"urn:q\" q:k=\"ü\"/>");
        let xml = xml.trim_start();
        let little: Vec<u8> = xml.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = xml.encode_utf16().flat_map(u16::to_be_bytes).collect();
        for bytes in [little, big] {
            let packet = parse(&bytes, &Limits::default(), &mut Problems::default());
            assert_eq!(packet.first("q:k"), Some("ü"));
        }
    }
}
