//! IPTC-IIM (version 4.2), the newspapers' captions and keywords.

use rushes_media::Confidence;

use crate::candidates::{Candidates, Rank};
use crate::describe::Described;
use crate::tags::{Tags, fill};
use crate::text;
use crate::when::Moment;

/// Datasets kept of one block.
const MOST: usize = 5_000;

/// Names of record 2 that have no place of their own.
const NAMES: [(u8, &str); 19] = [
    (15, "Category"),
    (20, "SupplementalCategories"),
    (40, "SpecialInstructions"),
    (62, "DigitalCreationDate"),
    (63, "DigitalCreationTime"),
    (65, "OriginatingProgram"),
    (80, "By-line"),
    (85, "By-lineTitle"),
    (90, "City"),
    (92, "Sub-location"),
    (95, "Province-State"),
    (100, "Country-PrimaryLocationCode"),
    (101, "Country-PrimaryLocationName"),
    (103, "OriginalTransmissionReference"),
    (105, "Headline"),
    (110, "Credit"),
    (115, "Source"),
    (116, "CopyrightNotice"),
    (122, "Writer-Editor"),
];

/// Reads a block as far as it can be read.
pub(crate) fn interpret(
    block: &[u8],
    tags: &mut Tags,
    candidates: &mut Candidates,
    described: &mut Described,
) {
    let (mut day, mut time) = (None, None);
    for (record, dataset, value) in Datasets(block).take(MOST) {
        if record != 2 {
            continue;
        }
        // Without a declared character set UTF-8 and Windows-1252 are told
        // apart by the bytes, which serves the declared ones too.
        let Some(text) = text::decode(value) else { continue };
        match dataset {
            5 => fill(&mut tags.title, Some(text)),
            25 => tags.add_keyword(&text),
            120 => fill(&mut tags.description, Some(text)),
            55 => fill(&mut day, Moment::parse(&text)),
            60 => fill(&mut time, Some(text)),
            _ => {
                if let Some((_, name)) = NAMES.iter().find(|(number, _)| *number == dataset) {
                    described.add(format!("iptc:{name}"), &text);
                }
            }
        }
    }
    let moment = match (day, time) {
        (Some(day), Some(time)) => Some(day.clone().at_time(&time).unwrap_or(day)),
        (day, _) => day,
    };
    candidates.add(Rank::Iptc, moment, "iptc:DateCreated", Confidence::Medium);
}

/// Record, dataset and value, one after the other, until the bytes stop being
/// IIM.
struct Datasets<'a>(&'a [u8]);

impl<'a> Iterator for Datasets<'a> {
    type Item = (u8, u8, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (&[0x1c, record, dataset, high, low], rest) = self.0.split_first_chunk()? else {
            return None;
        };
        let stated = usize::from(u16::from_be_bytes([high, low]));
        let (len, rest) = if stated & 0x8000 == 0 {
            (stated, rest)
        } else {
            // An extended dataset: the length itself is so many bytes long.
            let (length, rest) = rest.split_at_checked(stated & 0x7fff)?;
            let len = length.iter().try_fold(0_usize, |len, &byte| {
                len.checked_mul(256).map(|len| len + usize::from(byte))
            })?;
            (len, rest)
        };
        let (value, rest) = rest.split_at_checked(len)?;
        self.0 = rest;
        Some((record, dataset, value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dataset(number: u8, value: &[u8]) -> Vec<u8> {
        let len = (value.len() as u16).to_be_bytes();
        [&[0x1c, 2, number, len[0], len[1]], value].concat()
    }

    fn read(block: &[u8]) -> (Tags, Candidates, Described) {
        let (mut tags, mut candidates) = (Tags::default(), Candidates::default());
        let mut described = Described::new(1 << 20);
        interpret(block, &mut tags, &mut candidates, &mut described);
        (tags, candidates, described)
    }

    #[test]
    fn title_keywords_caption_and_time() {
        let block = [
            vec![0x1c, 1, 90, 0, 3, 0x1b, b'%', b'G'],
            dataset(5, "Brücke".as_bytes()),
            dataset(25, b"one"),
            dataset(25, b"Z\xfcrich"),
            dataset(25, b"one"),
            dataset(120, b"A bridge"),
            dataset(90, b"Bern"),
            dataset(55, b"20080530"),
            dataset(60, b"155601+0200"),
            dataset(250, b"ignored"),
        ]
        .concat();
        let (tags, candidates, described) = read(&block);
        assert_eq!(tags.title.as_deref(), Some("Brücke"));
        assert_eq!(tags.keywords, ["one", "Zürich"]);
        assert_eq!(tags.description.as_deref(), Some("A bridge"));
        assert_eq!(candidates.best().unwrap().at, "2008-05-30T15:56:01+02:00");
        assert_eq!(described.into_map()["iptc:City"], "Bern");
    }

    #[test]
    fn extended_lengths_and_truncation() {
        let long =
            [&[0x1c, 2, 120, 0x80, 4, 0, 0, 0, 5][..], b"hello", &[0x1c, 2, 5, 0, 9]].concat();
        let (tags, ..) = read(&long);
        assert_eq!(tags.description.as_deref(), Some("hello"));
        assert_eq!(tags.title, None);
        let absurd = [&[0x1c, 2, 120, 0x80, 9][..], &[0xff; 9]].concat();
        assert_eq!(read(&absurd).0, Tags::default());
    }
}
