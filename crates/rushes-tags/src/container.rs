//! What FFmpeg's names for a container's metadata mean.

use std::collections::BTreeMap;

use rushes_media::{Confidence, Created, Limits};

use crate::candidates::Candidates;
use crate::describe::Described;
use crate::position;
use crate::problems::Problems;
use crate::tags::{Tags, fill};
use crate::when::Moment;
use crate::{text, xmp, xmp_tags};

/// Interprets metadata by FFmpeg's names: those of the container as they are
/// (`creation_time`, `com.apple.quicktime.make`), those of a stream after its
/// number (`stream0:title`). Case does not matter. [`Tags::all`] holds only
/// what was inside XMP packets among the values.
#[must_use]
pub fn from_container(tags: &BTreeMap<String, String>) -> Tags {
    let names = Names::of(tags);
    let mut found = Tags::default();
    let mut problems = Problems::default();
    found.created = created(&names);
    read_position(&names, &mut found, &mut problems);
    found.camera.make = names.first(&[
        "com.apple.quicktime.make",
        "com.android.manufacturer",
        "make",
        "manufacturer",
        "company_name",
    ]);
    found.camera.model =
        names.first(&["com.apple.quicktime.model", "com.android.model", "model", "product_name"]);
    found.camera.lens =
        names.first(&["com.apple.quicktime.camera.lens_model", "lens_model", "lens"]);
    found.camera.software = names.first(&[
        "com.apple.quicktime.software",
        "software",
        "firmware",
        "encoder",
        "encoded_by",
    ]);
    fill(&mut found.camera.software, names.of_sole_programme("encoder"));
    found.title = names
        .first(&["com.apple.quicktime.title", "com.apple.quicktime.displayname", "title"])
        .or_else(|| names.of_sole_programme("title"));
    found.description = names
        .first(&["com.apple.quicktime.description", "description", "synopsis", "comment"])
        .or_else(|| names.of_sole_programme("description"))
        .or_else(|| names.of_sole_programme("comment"));
    for name in ["com.apple.quicktime.keywords", "keywords", "keyword"] {
        for keyword in names.get(name).into_iter().flat_map(|text| text.split([',', ';'])) {
            found.add_keyword(keyword);
        }
    }
    found.rating = names.get("com.apple.quicktime.rating.user").and_then(xmp_tags::stars);
    found.content_identifier = names.first(&["com.apple.quicktime.content.identifier"]);
    read_packets(tags, &mut found, &mut problems);
    found.problems = problems.into_vec();
    found
}

/// Values by lower-case name.
struct Names<'a> {
    container: BTreeMap<String, &'a str>,
    /// By the stream's number.
    streams: BTreeMap<u32, BTreeMap<String, &'a str>>,
}

impl<'a> Names<'a> {
    fn of(tags: &'a BTreeMap<String, String>) -> Names<'a> {
        let mut names = Names { container: BTreeMap::new(), streams: BTreeMap::new() };
        for (name, value) in tags {
            let name = name.to_lowercase();
            let of_stream = name.strip_prefix("stream").and_then(|rest| {
                let (number, name) = rest.split_once(':')?;
                Some((number.parse().ok()?, name.to_owned()))
            });
            match of_stream {
                Some((number, name)) => {
                    names.streams.entry(number).or_default().insert(name, value);
                }
                None => {
                    names.container.insert(name, value);
                }
            }
        }
        names
    }

    /// The container's value, else that in a language (`title-eng`).
    fn get(&self, name: &str) -> Option<&'a str> {
        if let Some(value) = self.container.get(name) {
            return Some(value);
        }
        let from = format!("{name}-");
        let mut after =
            self.container.range(from.clone()..).take_while(|(n, _)| n.starts_with(&from));
        after.find(|(n, _)| n.len() == from.len() + 3).map(|(_, value)| *value)
    }

    /// The container's value, else the first stream's that has one.
    fn anywhere(&self, name: &str) -> Option<&'a str> {
        let of_streams = || self.streams.values().find_map(|names| names.get(name).copied());
        self.get(name).or_else(of_streams)
    }

    /// The container's first value of these names that says something.
    fn first(&self, names: &[&str]) -> Option<String> {
        names.iter().find_map(|name| text::clean(self.get(name)?))
    }

    /// A value of stream 0 that speaks for the whole file: Ogg keeps the
    /// programme's tags there. In other containers a stream's title is
    /// something like "commentary".
    fn of_sole_programme(&self, name: &str) -> Option<String> {
        let names = self.streams.get(&0)?;
        let is_programme =
            ["artist", "album", "date", "organization"].iter().any(|n| names.contains_key(*n));
        if !is_programme {
            return None;
        }
        text::clean(names.get(name)?)
    }
}

fn created(names: &Names<'_>) -> Option<Created> {
    let stated = |name: &str| {
        let moment = Moment::parse(names.anywhere(name)?)?;
        (!moment.is_clock_zero()).then_some(moment)
    };
    let made = |moment: &Moment, source: &str, confidence| {
        Some(Created { at: moment.rfc3339(), source: source.to_owned(), confidence })
    };
    if let Some(moment) = stated("com.apple.quicktime.creationdate") {
        let has_offset = moment.has_offset();
        let confidence = if has_offset { Confidence::High } else { Confidence::Medium };
        return made(&moment, "quicktime:creationdate", confidence);
    }
    // FFmpeg calls the date of a BWF `date`, and its time of day `creation_time`.
    let is_clock =
        |text: &&str| matches!(text.as_bytes(), [_, _, b':' | b'-', _, _, b':' | b'-', _, _]);
    let clock = names.get("creation_time").filter(is_clock);
    if let Some(day) = stated("origination_date").or_else(|| clock.and_then(|_| stated("date"))) {
        let time = names.anywhere("origination_time").or(clock);
        let moment = time.and_then(|time| day.clone().at_time(&time.replace('-', ":")));
        return made(&moment.unwrap_or(day), "bwf:origination_date", Confidence::Medium);
    }
    let dates = ["date_recorded", "date", "tdrc", "icrd", "date_released", "year"];
    let date = dates.iter().find_map(|name| Some((*name, stated(name)?)));
    let creation = stated("creation_time");
    // A date with a time of day was written by the camera; `creation_time`
    // changes with every copy that software makes, and a date alone may be
    // that of a release.
    match (date, creation) {
        (Some((name, moment)), _) if moment.has_time() => {
            made(&moment, &format!("container:{name}"), Confidence::Medium)
        }
        (_, Some(moment)) => made(&moment, "container:creation_time", Confidence::Medium),
        (Some((name, moment)), None) => {
            made(&moment, &format!("container:{name}"), Confidence::Low)
        }
        (None, None) => None,
    }
}

fn read_position(names: &Names<'_>, tags: &mut Tags, problems: &mut Problems) {
    let stated = ["com.apple.quicktime.location.iso6709", "location", "©xyz", "xyz"];
    for text in stated.iter().filter_map(|name| names.anywhere(name)) {
        match position::from_iso6709(text) {
            Some(gps) => {
                tags.gps = Some(gps);
                return;
            }
            None if text.starts_with(['+', '-']) => {
                let shown = text::clean(text).unwrap_or_default();
                let shown = shown.get(..shown.floor_char_boundary(60)).unwrap_or_default();
                problems.note(format!("the container's position {shown:?} is not on Earth"));
            }
            None => {}
        }
    }
}

/// XMP packets among the values.
fn read_packets(tags: &BTreeMap<String, String>, found: &mut Tags, problems: &mut Problems) {
    let limits = Limits::default();
    let mut candidates = Candidates::default();
    let mut described = Described::new(limits.text_bytes);
    for value in tags.values() {
        let start = value.trim_start_matches(['\u{feff}', ' ', '\n', '\r', '\t']);
        if start.starts_with("<?xpacket") || start.starts_with("<x:xmpmeta") {
            let packet = xmp::parse(value.as_bytes(), &limits, problems);
            xmp_tags::interpret(&packet, found, &mut candidates);
            xmp_tags::describe(&packet, &mut described);
        }
    }
    fill(&mut found.created, candidates.best());
    found.all = described.into_map();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Tags {
        let owned = pairs.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        from_container(&owned)
    }

    #[test]
    fn an_iphone_film() {
        let tags = read(&[
            ("com.apple.quicktime.content.identifier", "2A1E-77"),
            ("com.apple.quicktime.creationdate", "2024-06-01T12:34:56+0200"),
            ("com.apple.quicktime.location.ISO6709", "+46.9480+007.4474+540.0/"),
            ("com.apple.quicktime.make", "Apple"),
            ("com.apple.quicktime.model", "iPhone 13"),
            ("com.apple.quicktime.software", "17.5"),
            ("creation_time", "2024-06-01T10:34:57.000000Z"),
        ]);
        let created = tags.created.unwrap();
        assert_eq!(created.at, "2024-06-01T12:34:56+02:00");
        assert_eq!(created.source, "quicktime:creationdate");
        assert_eq!(created.confidence, Confidence::High);
        let gps = tags.gps.unwrap();
        assert_eq!((gps.latitude_degrees, gps.longitude_degrees), (46.948, 7.4474));
        assert_eq!(gps.altitude_m, Some(540.0));
        assert_eq!(tags.camera.make.as_deref(), Some("Apple"));
        assert_eq!(tags.camera.model.as_deref(), Some("iPhone 13"));
        assert_eq!(tags.camera.software.as_deref(), Some("17.5"));
        assert_eq!(tags.content_identifier.as_deref(), Some("2A1E-77"));
    }

    #[test]
    fn which_date_counts() {
        let at = |pairs: &[(&str, &str)]| read(pairs).created.map(|c| (c.at, c.confidence));
        for zero in ["1904-01-01T00:00:00.000000Z", "1970-01-01T00:00:00.000000Z", "0000-00-00"] {
            assert_eq!(at(&[("creation_time", zero)]), None);
        }
        let creation = ("creation_time", "2024-06-01T10:34:57.000000Z");
        let of_creation = ("2024-06-01T10:34:57.000000Z".to_owned(), Confidence::Medium);
        assert_eq!(at(&[creation]), Some(of_creation.clone()));
        assert_eq!(at(&[creation, ("date", "1999")]), Some(of_creation.clone()));
        assert_eq!(at(&[("stream1:creation_time", creation.1)]), Some(of_creation));
        let camera = ("date", "2024-05-31T09:00:00+0900");
        let of_camera = ("2024-05-31T09:00:00+09:00".to_owned(), Confidence::Medium);
        assert_eq!(at(&[creation, camera]), Some(of_camera));
        assert_eq!(at(&[("DATE", "1999")]), Some(("1999".to_owned(), Confidence::Low)));
        let wave = [("origination_date", "2009-05-01"), ("origination_time", "10:11:12")];
        let of_wave = ("2009-05-01T10:11:12".to_owned(), Confidence::Medium);
        assert_eq!(at(&wave), Some(of_wave.clone()));
        assert_eq!(at(&[("date", "2009-05-01"), ("creation_time", "10:11:12")]), Some(of_wave));
    }

    #[test]
    fn titles_of_files_and_of_streams() {
        assert_eq!(read(&[("stream0:title", "Commentary")]).title, None);
        let ogg = read(&[("stream0:TITLE", "A song"), ("stream0:ARTIST", "B")]);
        assert_eq!(ogg.title.as_deref(), Some("A song"));
        assert_eq!(read(&[("title-eng", "Film")]).title.as_deref(), Some("Film"));
        let tags = read(&[("comment", "last"), ("synopsis", "before"), ("keywords", "a, b;a,")]);
        assert_eq!(tags.description.as_deref(), Some("before"));
        assert_eq!(tags.keywords, ["a", "b"]);
    }

    #[test]
    fn positions_that_are_none() {
        let tags = read(&[("location", "+99.0000+000.0000/")]);
        assert_eq!((tags.gps, tags.problems.len()), (None, 1));
        let tags = read(&[("location", "Bern")]);
        assert_eq!((tags.gps, tags.problems.len()), (None, 0));
        assert!(read(&[("location-eng", "-33.8688+151.2093/")]).gps.is_some());
    }

    #[test]
    fn a_packet_inside() {
        let tags = read(&[(
            "xmp",
            r#"<?xpacket begin=""?><x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmp:Rating="-1" xmp:CreateDate="2020-01-02T03:04:05Z"/></rdf:RDF></x:xmpmeta>"#,
        )]);
        assert_eq!(tags.rating, Some(-1));
        assert_eq!(tags.created.unwrap().at, "2020-01-02T03:04:05Z");
        assert_eq!(tags.all["xmp:xmp:Rating"], "-1");
    }
}
