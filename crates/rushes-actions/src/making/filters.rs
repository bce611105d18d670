//! Changes of every frame: as people write them, as they travel to a worker,
//! with the files that some take beside the frames, and as they are applied.

use std::ffi::OsStr;
use std::fs::File;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::FileExt as _;

use rushes_codec::{Source, open_file, still_frame};
use rushes_media::{Error, ErrorKind, Frame, Limits, MediaKind, Result, display_name, path_given};
use rushes_ops::{FrameOperation, PairOperation, frame_operations, pair_operations};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::allowed;
use crate::context::Context;
use crate::tasks::{probe_with_tags, set_upright};

const WHAT: &str = "reading a filter";
/// What the parameter is called that names a file.
const FILE: &str = "file";
/// The operation whose parameter is the text of a file, and that parameter.
const TABLE: (&str, &str) = ("lut", "cube");
/// The largest table, 256 colours a side, has 17 million lines.
const MOST_TABLE_BYTES: u64 = 1 << 29;

/// Where the numbers of these files begin, behind those of all inputs.
const FIRST: u64 = 1 << 63;
/// Files of all filters together.
const MOST_FILES: usize = 64;

/// One change of every frame, as it travels.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Filter {
    pub(crate) name: String,
    pub(crate) parameters: Value,
    /// By which number the worker asks for the file that it takes.
    file: Option<u64>,
}

/// The files that filters take beside the frames: a layer, a flat field, a
/// table.
#[derive(Debug, Default)]
pub(crate) struct Beside(Vec<(File, Vec<u8>)>);

impl Beside {
    /// Opens the file of a filter; the number that the worker asks for it by.
    ///
    /// # Errors
    /// As for [`allowed`]; `Limit` for too many.
    fn open(&mut self, context: &Context<'_>, given: &str) -> Result<u64> {
        if self.0.len() == MOST_FILES {
            let why = format!("filters take more than {MOST_FILES} files");
            return Err(Error::new(ErrorKind::Limit, WHAT, why));
        }
        let path = allowed(context, WHAT, &path_given(given)?)?;
        let file = open_file(&path).map_err(|error| error.at(&path))?;
        let name = path.file_name().map(|name| name.as_bytes().to_vec()).unwrap_or_default();
        self.0.push((file, name));
        Ok(FIRST + self.0.len() as u64 - 1)
    }

    /// The file of this number and its name, where it is one of these.
    pub(crate) fn give(&self, number: u64) -> Option<Result<(File, Vec<u8>)>> {
        let at = usize::try_from(number.checked_sub(FIRST)?).ok()?;
        let (file, name) = self.0.get(at)?;
        let file = file.try_clone().map_err(|error| Error::io(WHAT, &error));
        Some(file.map(|file| (file, name.clone())))
    }

    pub(crate) fn files(&self) -> impl Iterator<Item = &File> {
        self.0.iter().map(|(file, _)| file)
    }

    /// Which these are, for a plan; nothing where there is none.
    pub(crate) fn words(&self) -> String {
        let names: Vec<String> = self.0.iter().map(|(_, name)| display_name(name)).collect();
        if names.is_empty() {
            String::new()
        } else {
            format!("; filters read {}", names.join(", "))
        }
    }
}

impl Filter {
    /// Reads `resize:width_px=640,height_px=360`, or `resize:{"width_px":640}`,
    /// and opens the file that it names.
    ///
    /// # Errors
    /// `Invalid` for a filter that makes no sense; as for [`Beside::open`].
    pub(crate) fn read(context: &Context<'_>, text: &str, beside: &mut Beside) -> Result<Filter> {
        let (name, mut parameters) = parsed(text)?;
        let what = || format!("reading the filter {name}");
        let file = match parameters.remove(FILE) {
            Some(Value::String(path)) if takes_file(name) => Some(beside.open(context, &path)?),
            Some(other) => {
                // What takes none says itself that it does not know it.
                parameters.insert(FILE.to_owned(), other);
                None
            }
            None => None,
        };
        let mut file_is_missing = false;
        let parameters = Value::Object(parameters);
        if let Some((_, maker)) = pair_operations().find(|(it, _)| it.name == name) {
            maker.from_json(&parameters).map_err(|error| Error { what: what(), ..error })?;
            file_is_missing = file.is_none();
        } else if let Some((_, maker)) = frame_operations().find(|(it, _)| it.name == name) {
            // That of a table is known once it is read, which is for the worker.
            if file.is_none() {
                maker.from_json(&parameters).map_err(|error| Error { what: what(), ..error })?;
            } else if parameters.get(TABLE.1).is_some() {
                let why = format!("it has both {} and {FILE}", TABLE.1);
                return Err(Error::new(ErrorKind::Invalid, what(), why).remedy("leave one out"));
            }
        } else {
            let names: Vec<&str> = known().collect();
            let why = format!("there is no filter {name:?}");
            return Err(Error::new(ErrorKind::Invalid, WHAT, why)
                .remedy(format!("use one of {}", names.join(", "))));
        }
        if file_is_missing {
            let why = "it takes a picture beside the frames, and none is named";
            return Err(Error::new(ErrorKind::Invalid, what(), why)
                .remedy(format!("name it, as in {name}:{FILE}=picture.png")));
        }
        Ok(Filter { name: name.to_owned(), parameters, file })
    }

    /// What it does, from within the worker, which asks for its file.
    fn made(&self, limits: &Limits) -> Result<Box<dyn FrameOperation>> {
        if let Some((_, maker)) = pair_operations().find(|(it, _)| it.name == self.name) {
            let number = self.file.ok_or_else(|| Error::bug(WHAT, "its file is missing"))?;
            let (pair, (file, name)) =
                (maker.from_json(&self.parameters)?, rushes_sandbox::ask(number)?);
            let other =
                picture(file, &name, limits).map_err(|error| error.at(OsStr::from_bytes(&name)))?;
            return Ok(Box::new(Beneath { pair, other }));
        }
        let found = frame_operations().find(|(it, _)| it.name == self.name);
        let (_, maker) = found.ok_or_else(|| Error::bug(WHAT, "an unknown filter"))?;
        let Some(number) = self.file else { return maker.from_json(&self.parameters) };
        let (file, name) = rushes_sandbox::ask(number)?;
        let made = || {
            let mut parameters = self.parameters.clone();
            if let Value::Object(parameters) = &mut parameters {
                parameters.insert(TABLE.1.to_owned(), text(&file)?.into());
            }
            maker.from_json(&parameters)
        };
        made().map_err(|error: Error| error.at(OsStr::from_bytes(&name)))
    }
}

/// What filters do, checked before, from within the worker.
///
/// # Errors
/// Those of the files that they take.
pub(crate) fn operations(
    filters: &[Filter],
    limits: &Limits,
) -> Result<Vec<Box<dyn FrameOperation>>> {
    filters.iter().map(|filter| filter.made(limits)).collect()
}

/// Names the file of a filter by the same path from wherever the work is done.
pub(crate) fn make_absolute(given: &mut String) {
    // What makes no sense stays, and is said when it is read.
    let Ok((name, mut parameters)) = parsed(given) else { return };
    if let Some(Value::String(path)) = parameters.get_mut(FILE).filter(|_| takes_file(name)) {
        super::make_absolute(path);
        *given = format!("{name}:{}", Value::Object(parameters));
    }
}

/// The filters that there are.
fn known() -> impl Iterator<Item = &'static str> {
    frame_operations().map(|(it, _)| it.name).chain(pair_operations().map(|(it, _)| it.name))
}

fn takes_file(name: &str) -> bool {
    name == TABLE.0 || pair_operations().any(|(it, _)| it.name == name)
}

/// The name and the parameters.
fn parsed(text: &str) -> Result<(&str, Map<String, Value>)> {
    let (name, rest) = text.split_once(':').unwrap_or((text, ""));
    let invalid = |why: String| Error::new(ErrorKind::Invalid, WHAT, why);
    if rest.starts_with('{') {
        let read = serde_json::from_str(rest);
        return Ok((name, read.map_err(|error| invalid(format!("{name}: {error}")))?));
    }
    let mut parameters = Map::new();
    for pair in pairs(rest) {
        let (key, value) = pair.split_once('=').ok_or_else(|| {
            invalid(format!("{name}: {pair:?} has no value"))
                .remedy(format!("write it like {name}:key=value,key=value"))
        })?;
        // A file may be called 7.
        let is_text = key == FILE && !value.starts_with('"');
        let read = serde_json::from_str(value).ok().filter(|_| !is_text);
        parameters.insert(key.to_owned(), read.unwrap_or_else(|| Value::from(value)));
    }
    Ok((name, parameters))
}

/// What commas part, but for those within brackets and quotes.
fn pairs(text: &str) -> impl Iterator<Item = &str> {
    let (mut depth, mut is_quoted) = (0_u32, false);
    let parted = text.split(move |letter: char| {
        match letter {
            '"' => is_quoted = !is_quoted,
            '[' | '{' if !is_quoted => depth += 1,
            ']' | '}' if !is_quoted => depth = depth.saturating_sub(1),
            ',' => return depth == 0 && !is_quoted,
            _ => {}
        }
        false
    });
    parted.filter(|pair| !pair.is_empty())
}

/// An operation on two frames, of which the second is always the same.
#[derive(Debug)]
struct Beneath {
    pair: Box<dyn PairOperation>,
    other: Frame,
}

impl FrameOperation for Beneath {
    fn check(&self) -> Result<()> {
        self.pair.check()
    }

    fn apply(&self, frame: &Frame) -> Result<Frame> {
        self.pair.apply(frame, &self.other)
    }
}

/// A still, upright.
fn picture(file: File, name: &[u8], limits: &Limits) -> Result<Frame> {
    let source = Source::new(file, name, *limits)?;
    let probe = probe_with_tags(&source)?;
    if probe.kind != MediaKind::Still {
        return Err(Error::new(ErrorKind::Unsupported, WHAT, "the file is no still picture")
            .remedy("name a picture, such as a png or a tiff"));
    }
    set_upright(&probe, still_frame(&source)?)
}

/// All of a text.
fn text(file: &File) -> Result<String> {
    let failed = |error| Error::io("reading the table", &error);
    let size_bytes = file.metadata().map_err(failed)?.len();
    if size_bytes > MOST_TABLE_BYTES {
        let why = format!("the table has more than {MOST_TABLE_BYTES} bytes");
        return Err(Error::new(ErrorKind::Limit, WHAT, why));
    }
    let mut bytes = vec![0; usize::try_from(size_bytes).unwrap_or(0)];
    file.read_exact_at(&mut bytes, 0).map_err(failed)?;
    String::from_utf8(bytes)
        .map_err(|_| Error::new(ErrorKind::Corrupt, WHAT, "the table is no text in UTF-8"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commas_within_brackets_and_quotes_part_nothing() {
        let parted = |text| pairs(text).collect::<Vec<_>>();
        assert_eq!(parted("a=1,b=2,"), ["a=1", "b=2"]);
        assert_eq!(
            parted("text=\"Hi, you\",color=[1,0,0,1],c=3"),
            ["text=\"Hi, you\"", "color=[1,0,0,1]", "c=3"]
        );
        assert_eq!(parted("open=[1,2"), ["open=[1,2"]);
        let (name, parameters) = parsed("text:text=\"Hi, you\",color=[1,0,0,1]").unwrap();
        assert_eq!((name, &parameters["text"]), ("text", &Value::from("Hi, you")));
    }

    #[test]
    fn files_are_named_by_absolute_paths() {
        let absolute = |text: &str| {
            let mut text = text.to_owned();
            make_absolute(&mut text);
            text
        };
        assert_eq!(
            absolute("blend:file=/a/7,opacity=0.5"),
            "blend:{\"file\":\"/a/7\",\"opacity\":0.5}"
        );
        assert_eq!(absolute("lut:{\"file\":\"/a.cube\"}"), "lut:{\"file\":\"/a.cube\"}");
        let here = std::env::current_dir().unwrap().join("7");
        assert_eq!(absolute("blend:file=7"), format!("blend:{{\"file\":{:?}}}", here));
        // Neither takes one.
        for same in ["clahe", "resize:width_px=3", "text:file=a", "blend:opacity=1", "blend:x"] {
            assert_eq!(absolute(same), same);
        }
    }
}
