//! Keeps account of what was compared, and of what differs.

use std::collections::{BTreeMap, BTreeSet};

use crate::names::{self, NAMES};

/// The tool that an answer comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tool {
    Ffprobe,
    Exiftool,
    Mediainfo,
}

/// A value that is not as the tool has it.
#[derive(Debug)]
pub struct Difference {
    pub file: String,
    pub tool: Tool,
    pub field: &'static str,
    pub values: String,
}

/// Counts comparisons by tool and field, and collects differences.
#[derive(Default)]
pub struct Ledger {
    pub compared: BTreeMap<(Tool, &'static str), usize>,
    pub differences: Vec<Difference>,
    /// Values that were recorded and compared with nothing.
    pub unasked: Vec<String>,
    /// Rows of [`NAMES`] that were needed.
    pub rows: BTreeSet<usize>,
}

/// A ledger open at the page of one file and one tool.
pub struct Page<'a> {
    pub ledger: &'a mut Ledger,
    pub file: &'a str,
    pub tool: Tool,
}

impl Page<'_> {
    fn note(&mut self, field: &'static str, agrees: bool, values: impl FnOnce() -> String) {
        *self.ledger.compared.entry((self.tool, field)).or_default() += 1;
        if !agrees {
            let (file, tool) = (self.file.to_owned(), self.tool);
            self.ledger.differences.push(Difference { file, tool, field, values: values() });
        }
    }

    /// Compares where either side says something: silence must meet silence.
    pub fn both(&mut self, field: &'static str, ours: Option<String>, theirs: Option<String>) {
        if ours.is_some() || theirs.is_some() {
            self.note(field, ours == theirs, || format!("{ours:?}, recorded {theirs:?}"));
        }
    }

    /// Compares where the tool says something.
    pub fn stated(&mut self, field: &'static str, ours: Option<String>, theirs: Option<String>) {
        if theirs.is_some() {
            self.both(field, ours, theirs);
        }
    }

    /// Compares whole numbers where the tool says something.
    pub fn count(&mut self, field: &'static str, ours: Option<u64>, theirs: Option<f64>) {
        if let Some(theirs) = theirs {
            let agrees = ours.is_some_and(|ours| ours as f64 == theirs);
            self.note(field, agrees, || format!("{ours:?}, recorded {theirs}"));
        }
    }

    /// Compares numbers where the tool says something; `tolerance` in their unit.
    pub fn near(
        &mut self,
        field: &'static str,
        ours: Option<f64>,
        theirs: Option<f64>,
        tolerance: f64,
    ) {
        if let Some(theirs) = theirs {
            let agrees = ours.is_some_and(|ours| (ours - theirs).abs() <= tolerance);
            self.note(field, agrees, || format!("{ours:?}, recorded {theirs}"));
        }
    }

    /// Compares a name where the tool says something, through [`NAMES`].
    pub fn name(&mut self, field: &'static str, ours: Option<&str>, theirs: Option<&str>) {
        let Some(theirs) = theirs else { return };
        let row = names::row(field, self.tool, theirs);
        self.ledger.rows.extend(row);
        let known = row.map(|row| NAMES[row].3);
        let agrees = match (known, ours) {
            (Some(names), Some(ours)) => names.contains(&ours),
            (Some(names), None) => names.is_empty(),
            (None, ours) => ours == Some(theirs),
        };
        self.note(field, agrees, || format!("{ours:?}, recorded {theirs:?}, that is {known:?}"));
    }
}
