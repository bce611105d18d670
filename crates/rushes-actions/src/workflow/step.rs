//! One step of a workflow, as it was written and as it is meant.

use std::collections::BTreeMap;

use rushes_media::{Error, ErrorKind, Result};
use serde_json::{Map, Value, json};

use super::WHAT;
use super::references::{names_in, resolve};
use crate::action::Verb;

/// What stands in a step beside the parameters of its verb.
pub(super) const CONTROLS: &[(&str, &str)] = &[
    ("action", "the verb, with a space or _ between its words"),
    ("step", "a name for what it gives, which later steps refer to"),
    (
        "if",
        "a reference: the step is done when there is such a thing, and it is not empty or false",
    ),
    ("unless", "a reference: the step is left out then"),
    ("for_each", "a list, or a reference to one: the step is done for each ${item}"),
    ("retries", "how often it is tried again when something cannot be had now"),
    ("continue_on_error", "whether the workflow goes on when it fails"),
    ("dry_run", "whether only its plan is made"),
];

/// Most times that a step is tried again.
const MOST_RETRIES: u64 = 100;

/// One step.
pub(super) struct Step {
    number: usize,
    pub verb: &'static Verb,
    pub name: Option<String>,
    pub only_if: Option<Value>,
    pub unless: Option<Value>,
    pub for_each: Option<Value>,
    pub retries: u64,
    pub continues: bool,
    pub dry_run: bool,
    given: Map<String, Value>,
}

impl Step {
    /// Reads a step.
    ///
    /// # Errors
    /// `Invalid`, naming the step and the field.
    pub fn read(number: usize, given: &Map<String, Value>) -> Result<Step> {
        let mut given: Map<String, Value> =
            given.iter().map(|(name, value)| (name.replace('-', "_"), value.clone())).collect();
        let bad = |field: &str, why: String| {
            Error::new(ErrorKind::Invalid, WHAT, format!("step {number}: {field}: {why}"))
        };
        let action = match given.remove("action") {
            Some(Value::String(action)) => action,
            Some(_) => return Err(bad("action", "it is no text".into())),
            None => return Err(bad("action", "there is none".into()).remedy("name a verb")),
        };
        let verb =
            verb_of(&action, &mut given).filter(|verb| verb.words() != "workflow").ok_or_else(
                || bad("action", format!("{action:?} is no verb")).remedy("see rushes help"),
            )?;
        let mut flag = |name: &str| match given.remove(name) {
            None | Some(Value::Null) => Ok(false),
            Some(Value::Bool(flag)) => Ok(flag),
            Some(_) => Err(bad(name, "it is neither true nor false".into())),
        };
        let (continues, dry_run) = (flag("continue_on_error")?, flag("dry_run")?);
        if dry_run && !verb.changes {
            return Err(bad("dry_run", format!("{} changes nothing", verb.words())));
        }
        let retries = match given.remove("retries") {
            None => 0,
            Some(value) => value.as_u64().filter(|it| *it <= MOST_RETRIES).ok_or_else(|| {
                bad("retries", format!("it is no number from 0 to {MOST_RETRIES}"))
            })?,
        };
        let name = match given.remove("step") {
            None => None,
            Some(Value::String(name)) if is_name(&name) => Some(name),
            Some(_) => {
                let why = "a name is made of letters, digits and _, and is not item".into();
                return Err(bad("step", why));
            }
        };
        let mut take = |name: &str| given.remove(name);
        let (only_if, unless, for_each) = (take("if"), take("unless"), take("for_each"));
        Ok(Step {
            number,
            verb,
            name,
            only_if,
            unless,
            for_each,
            retries,
            continues,
            dry_run,
            given,
        })
    }

    /// Finds what can be found wrong before anything runs: references to what no
    /// earlier step is named, and parameters that the verb does not take.
    ///
    /// # Errors
    /// `Invalid`, naming the step.
    pub fn check(&self, known: &[&str]) -> Result<()> {
        if let Some(name) = self.name.as_deref().filter(|name| known.contains(name)) {
            let why = format!("step {}: an earlier step is named {name:?} too", self.number);
            return Err(Error::new(ErrorKind::Invalid, WHAT, why));
        }
        let mut names = Vec::new();
        for value in self.given.values() {
            names_in(value, &mut names)?;
        }
        let has_item = self.for_each.is_some();
        for value in [&self.only_if, &self.unless, &self.for_each].into_iter().flatten() {
            let mut of_control = Vec::new();
            names_in(value, &mut of_control)?;
            names.extend(of_control.into_iter().filter(|name| name != "item"));
        }
        let stranger = names
            .iter()
            .find(|name| !(known.contains(&name.as_str()) || has_item && name.as_str() == "item"));
        if let Some(stranger) = stranger {
            let why = format!("step {}: no earlier step is named {stranger:?}", self.number);
            return Err(Error::new(ErrorKind::Invalid, WHAT, why)
                .remedy("give the earlier one a name with \"step\""));
        }
        if !self.needs_others() {
            let params = Value::Object(self.given.clone());
            (self.verb.title)(&params).map_err(|error| self.failed(error))?;
        }
        Ok(())
    }

    /// Whether its parameters are known only once others have run.
    pub fn needs_others(&self) -> bool {
        let mut names = Vec::new();
        let all = self.given.values().chain(&self.for_each);
        all.for_each(|value| drop(names_in(value, &mut names)));
        !names.is_empty() || self.for_each.is_some()
    }

    /// The verb's parameters, with what the steps before gave.
    pub fn params(&self, given: &BTreeMap<String, Value>) -> Result<Value> {
        resolve(&Value::Object(self.given.clone()), given)
    }

    /// `step 2 backup`.
    pub fn told(&self) -> String {
        format!("step {} {}", self.number, self.verb.words())
    }

    /// The error with the step that it was in.
    pub fn failed(&self, mut error: Error) -> Error {
        let step = self.told();
        if !error.what.starts_with(&step) {
            error.what = format!("{step}: {}", error.what);
        }
        error
    }
}

fn is_name(name: &str) -> bool {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    !name.is_empty() && name.len() <= 64 && name.chars().all(is_plain) && name != "item"
}

/// The verb that an action names, with the prototype's words for parameters made
/// those of the verb.
fn verb_of(action: &str, given: &mut Map<String, Value>) -> Option<&'static Verb> {
    let mut words = action.replace(['_', '-', '.'], " ");
    if matches!(words.as_str(), "paths" | "batches" | "jobs" | "dam" | "destinations") {
        let word = match given.remove("cmd") {
            Some(Value::String(word)) => word,
            _ => "list".to_owned(),
        };
        words = if words == "dam" { word } else { format!("{words} {word}") };
        if action == "dam" {
            given.remove("level");
        }
    }
    // How the prototype ran its steps.
    given.remove("use_runner");
    let renamed: &[(&str, &str)] = match words.as_str() {
        "scan" => &[("root", "roots")],
        "recent" => &[("n", "limit")],
        _ => &[],
    };
    for (theirs, ours) in renamed {
        if let Some(value) = given.remove(*theirs) {
            let value = if *ours == "roots" && value.is_string() { json!([value]) } else { value };
            given.entry(*ours).or_insert(value);
        }
    }
    crate::find(&words)
}
