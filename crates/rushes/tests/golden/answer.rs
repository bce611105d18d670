//! A recorded answer that knows which of its values were asked for.

use std::cell::RefCell;
use std::collections::BTreeSet;

use serde_json::{Map, Value};

/// One object of an answer: name and value.
pub struct Answer<'a> {
    values: &'a Map<String, Value>,
    asked: RefCell<BTreeSet<String>>,
}

impl<'a> Answer<'a> {
    pub fn of(value: &'a Value) -> Answer<'a> {
        Answer { values: value.as_object().expect("an object"), asked: RefCell::default() }
    }

    fn value(&self, name: &str) -> Option<&'a Value> {
        let value = self.values.get(name)?;
        self.asked.borrow_mut().insert(name.to_owned());
        Some(value)
    }

    /// The value as text, as the tool wrote it.
    pub fn text(&self, name: &str) -> Option<String> {
        match self.value(name)? {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            other => panic!("{name} is {other}"),
        }
    }

    /// The value as a number, whether or not it was written as text.
    pub fn number(&self, name: &str) -> Option<f64> {
        let text = self.text(name)?;
        Some(text.parse().unwrap_or_else(|_| panic!("{name} is {text:?}")))
    }

    /// The value as a list; a single one is a list of one.
    pub fn list(&self, name: &str) -> Vec<String> {
        match self.value(name) {
            Some(Value::Array(items)) => {
                items.iter().map(|item| item.as_str().expect("text").to_owned()).collect()
            }
            Some(_) => self.text(name).into_iter().collect(),
            None => Vec::new(),
        }
    }

    /// Every value below this name, as names and texts.
    pub fn texts(&self, name: &str) -> Vec<(String, String)> {
        let values = self.value(name).and_then(Value::as_object).expect("an object");
        values.iter().map(|(name, value)| (name.clone(), text_of(value))).collect()
    }

    /// The names that end so, behind any group; all of them count as asked for.
    pub fn in_groups(&self, ending: &str) -> Vec<(String, String)> {
        let ending = format!(":{ending}");
        let names = self.values.keys().filter(|name| name.ends_with(&ending));
        names.map(|name| (name.clone(), self.text(name).expect("it is there"))).collect()
    }

    /// What was recorded and never asked for.
    pub fn unasked(&self) -> Vec<String> {
        let asked = self.asked.borrow();
        self.values.keys().filter(|name| !asked.contains(*name)).cloned().collect()
    }
}

fn text_of(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
