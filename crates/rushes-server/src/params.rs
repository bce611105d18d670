//! A verb's parameters, read out of a request by the verb's own schema.

use std::collections::BTreeMap;

use rushes_actions::Verb;
use schemars::SchemaGenerator;
use serde_json::{Map, Number, Value};

use crate::problem::Problem;

const WHAT: &str = "reading the parameters";
/// Deeper than any schema that refers to others.
const MOST_REFERENCES: usize = 16;

/// The parameters that a verb knows.
#[derive(Clone, Debug)]
pub(crate) struct Parameters(BTreeMap<String, Shape>);

/// What text in a query string may stand for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Shape {
    text: bool,
    integer: bool,
    number: bool,
    boolean: bool,
    list: bool,
}

impl Parameters {
    /// Those of this verb.
    pub(crate) fn of(verb: &Verb) -> Parameters {
        let mut generator = SchemaGenerator::default();
        let schema = (verb.params_schema)(&mut generator);
        let definitions = generator.take_definitions(false);
        Parameters::read(schema.as_value(), &definitions)
    }

    fn read(schema: &Value, definitions: &Map<String, Value>) -> Parameters {
        let properties = schema.get("properties").and_then(Value::as_object);
        let shapes = properties.into_iter().flatten().map(|(name, schema)| {
            let mut shape = Shape::default();
            shape.learn(schema, definitions, MOST_REFERENCES);
            (name.clone(), shape)
        });
        Parameters(shapes.collect())
    }

    /// Whether there is a parameter of this name.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// Adds one that came as text. A list takes as many as are given, all
    /// others one.
    pub(crate) fn add_text(
        &self,
        params: &mut Map<String, Value>,
        name: &str,
        text: &str,
    ) -> Result<(), Problem> {
        let shape = self.0.get(name).ok_or_else(|| unknown(name))?;
        let value = shape.value(text).ok_or_else(|| {
            Problem::invalid(WHAT, format!("{name} cannot be {:?}", shortened(text)))
        })?;
        if shape.list {
            let list = params.entry(name).or_insert_with(|| Value::Array(Vec::new()));
            if let Value::Array(list) = list {
                list.push(value);
            }
            return Ok(());
        }
        if params.insert(name.to_owned(), value).is_some() {
            return Err(Problem::invalid(WHAT, format!("{name} was given twice")));
        }
        Ok(())
    }

    /// Refuses an object with a parameter that there is not.
    pub(crate) fn check_names(&self, params: &Map<String, Value>) -> Result<(), Problem> {
        params.keys().find(|name| !self.has(name)).map_or(Ok(()), |name| Err(unknown(name)))
    }
}

fn unknown(name: &str) -> Problem {
    Problem::invalid(WHAT, format!("there is no parameter {:?}", shortened(name)))
}

fn shortened(text: &str) -> String {
    text.chars().take(64).collect()
}

impl Shape {
    fn learn(&mut self, schema: &Value, definitions: &Map<String, Value>, references: usize) {
        let kinds = match schema.get("type") {
            Some(Value::String(kind)) => vec![kind.as_str()],
            Some(Value::Array(kinds)) => kinds.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        };
        for kind in kinds {
            match kind {
                "string" => self.text = true,
                "integer" => self.integer = true,
                "number" => self.number = true,
                "boolean" => self.boolean = true,
                "array" => self.list = true,
                _ => {}
            }
        }
        let Some(references) = references.checked_sub(1) else { return };
        let target = schema.get("$ref").and_then(Value::as_str).and_then(|reference| {
            definitions.get(reference.rsplit('/').next().unwrap_or_default())
        });
        let alternatives = ["anyOf", "oneOf", "allOf"]
            .iter()
            .filter_map(|word| schema.get(word)?.as_array())
            .flatten();
        let items = self.list.then(|| schema.get("items")).flatten();
        for other in target.into_iter().chain(alternatives).chain(items) {
            self.learn(other, definitions, references);
        }
    }

    fn value(self, text: &str) -> Option<Value> {
        if self.integer {
            if let Ok(number) = text.parse::<i64>() {
                return Some(number.into());
            }
            if let Ok(number) = text.parse::<u64>() {
                return Some(number.into());
            }
        }
        if self.number
            && let Some(number) = text.parse().ok().and_then(Number::from_f64)
        {
            return Some(number.into());
        }
        if self.boolean {
            match text {
                "true" | "1" | "" => return Some(true.into()),
                "false" | "0" => return Some(false.into()),
                _ => {}
            }
        }
        self.text.then(|| text.into())
    }
}

/// Takes a truth value out of an object.
pub(crate) fn take_bool(params: &mut Map<String, Value>, name: &str) -> Result<bool, Problem> {
    match params.remove(name) {
        None | Some(Value::Null) => Ok(false),
        Some(Value::Bool(value)) => Ok(value),
        Some(_) => Err(Problem::invalid(WHAT, format!("{name} is neither true nor false"))),
    }
}

/// Reads a truth value that came as text.
pub(crate) fn bool_of(name: &str, text: &str) -> Result<bool, Problem> {
    match (Shape { boolean: true, ..Shape::default() }).value(text) {
        Some(Value::Bool(value)) => Ok(value),
        _ => Err(Problem::invalid(WHAT, format!("{name} is neither true nor false"))),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parameters() -> Parameters {
        let schema = json!({"type": "object", "properties": {
            "text": {"type": "string"},
            "limit": {"type": ["integer", "null"], "format": "uint32"},
            "percent": {"type": "number"},
            "full": {"type": "boolean"},
            "roots": {"type": "array", "items": {"type": "string"}},
            "ids": {"type": ["array", "null"], "items": {"$ref": "#/$defs/Number"}},
            "state": {"anyOf": [{"$ref": "#/$defs/State"}, {"type": "null"}]},
            "loop": {"$ref": "#/$defs/Loop"},
        }});
        let definitions = json!({
            "State": {"oneOf": [{"type": "string", "const": "done"}]},
            "Number": {"type": "integer"},
            "Loop": {"$ref": "#/$defs/Loop"},
        });
        Parameters::read(&schema, definitions.as_object().unwrap())
    }

    fn read(pairs: &[(&str, &str)]) -> Result<Value, Problem> {
        let mut params = Map::new();
        for (name, text) in pairs {
            parameters().add_text(&mut params, name, text)?;
        }
        Ok(Value::Object(params))
    }

    #[test]
    fn text_becomes_what_the_schema_asks_for() {
        for (name, text, expected) in [
            ("text", "12", json!("12")),
            ("text", "", json!("")),
            ("limit", "12", json!(12)),
            ("limit", "-1", json!(-1)),
            ("percent", "2.5", json!(2.5)),
            ("percent", "3", json!(3.0)),
            ("full", "true", json!(true)),
            ("full", "0", json!(false)),
            ("full", "", json!(true)),
            ("roots", "1", json!(["1"])),
            ("ids", "1", json!([1])),
            ("state", "done", json!("done")),
        ] {
            assert_eq!(read(&[(name, text)]).unwrap(), json!({name: expected}), "{name}={text}");
        }
        let two = read(&[("roots", "a"), ("roots", "b")]).unwrap();
        assert_eq!(two, json!({"roots": ["a", "b"]}));
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        for pairs in [
            vec![("limit", "x")],
            vec![("limit", "")],
            vec![("limit", "1.5")],
            vec![("percent", "NaN")],
            vec![("percent", "inf")],
            vec![("full", "yes")],
            vec![("unknown", "1")],
            vec![("limit", "1"), ("limit", "2")],
            vec![("loop", "1")],
        ] {
            assert!(read(&pairs).is_err(), "{pairs:?}");
        }
        let object = json!({"text": "a", "other": 1});
        assert!(parameters().check_names(object.as_object().unwrap()).is_err());
    }
}
