//! Text that the container and its streams carry.

use std::collections::BTreeMap;
use std::ptr;

use ffmpeg::ffi;
use rushes_media::Limits;

use super::input::Input;
use super::string;

/// libav's flag that has `av_dict_get` walk every entry.
const EVERY_KEY: i32 = 2;

/// The pairs of a libav dictionary.
///
/// # Safety
/// The dictionary is null or lives and stays as it is during the call.
pub(super) unsafe fn pairs(dictionary: *mut ffi::AVDictionary) -> Vec<(String, String)> {
    let mut pairs = Vec::new();
    let mut entry = ptr::null_mut();
    loop {
        // SAFETY: promised by the caller; keys and values end with a zero.
        let pair = unsafe {
            entry = ffi::av_dict_get(dictionary, c"".as_ptr(), entry, EVERY_KEY);
            if entry.is_null() {
                return pairs;
            }
            string((*entry).key).zip(string((*entry).value))
        };
        pairs.extend(pair);
    }
}

/// The value of a key, in any case, when it is not empty.
pub(super) fn value<'a>(pairs: &'a [(String, String)], key: &str) -> Option<&'a str> {
    let found = pairs.iter().find(|(name, _)| name.eq_ignore_ascii_case(key));
    found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
}

/// All text of an input: the container's own pairs, then each stream's.
pub(super) struct Tags {
    pub(super) container: Vec<(String, String)>,
    pub(super) streams: Vec<Vec<(String, String)>>,
}

impl Tags {
    pub(super) fn read(input: &Input<'_>) -> Tags {
        // SAFETY: the context and its streams are open; nothing writes to
        // their dictionaries meanwhile.
        unsafe {
            Tags {
                container: pairs((*input.context()).metadata),
                streams: input
                    .streams()
                    .into_iter()
                    .map(|stream| pairs((*stream).metadata))
                    .collect(),
            }
        }
    }

    /// Everything by name, a stream's under `stream0:key`, within the limits.
    /// `false` when some did not fit.
    pub(super) fn collect(&self, limits: &Limits) -> (BTreeMap<String, String>, bool) {
        let mut room = limits.text_bytes;
        let mut fits = true;
        let mut all = BTreeMap::new();
        let named = self.container.iter().map(|(key, value)| (key.clone(), value));
        let numbered = self.streams.iter().enumerate().flat_map(|(at, pairs)| {
            pairs.iter().map(move |(key, value)| (format!("stream{at}:{key}"), value))
        });
        for (key, value) in named.chain(numbered) {
            let bytes = (key.len() + value.len()) as u64;
            if bytes > room || bytes > limits.tag_bytes {
                fits = false;
                continue;
            }
            room -= bytes;
            all.insert(key, value.clone());
        }
        (all, fits)
    }

    /// Timecode of the first frame, wherever the container keeps it.
    pub(super) fn timecode(&self) -> Option<String> {
        let container = std::iter::once(&self.container);
        container
            .chain(&self.streams)
            .filter_map(|pairs| value(pairs, "timecode"))
            .find(|text| is_timecode(text))
            .map(str::to_owned)
    }
}

/// `HH:MM:SS:FF`, with `;` or `.` before FF for drop frame.
fn is_timecode(text: &str) -> bool {
    let bytes = text.as_bytes();
    let digits =
        |at: usize| bytes.get(at..at + 2).is_some_and(|two| two.iter().all(u8::is_ascii_digit));
    matches!(bytes.len(), 11 | 12)
        && [0, 3, 6, 9].into_iter().all(digits)
        && bytes.get(2) == Some(&b':')
        && bytes.get(5) == Some(&b':')
        && matches!(bytes.get(8), Some(b':' | b';' | b'.'))
        && bytes.get(11).is_none_or(u8::is_ascii_digit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timecodes() {
        for good in ["01:02:03:04", "01:02:03;04", "10:00:00.00", "01:02:03:119"] {
            assert!(is_timecode(good), "{good}");
        }
        for bad in ["", "1:2:3:4", "01:02:03", "01:02:03:0x", "2024-01-01T", "01:02:03:0400"] {
            assert!(!is_timecode(bad), "{bad}");
        }
    }

    #[test]
    fn text_stays_within_its_limit() {
        let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        let tags = Tags {
            container: vec![pair("title", "x"), pair("comment", &"y".repeat(50))],
            streams: vec![vec![pair("language", "eng")]],
        };
        let limits = Limits { text_bytes: 30, ..Limits::default() };
        let (kept, fits) = tags.collect(&limits);
        assert!(!fits);
        assert_eq!(kept.keys().collect::<Vec<_>>(), ["stream0:language", "title"]);
        assert!(tags.collect(&Limits::default()).1);
        assert_eq!(value(&tags.container, "TITLE"), Some("x"));
    }
}
