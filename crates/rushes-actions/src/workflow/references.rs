//! What stands for something that an earlier step gave: `${find.items.0.id}`,
//! `${find.items.*.id}`, `${item}`.

use std::collections::BTreeMap;

use rushes_media::{Error, ErrorKind, Result};
use serde_json::Value;

use super::WHAT;

/// A text, cut where references stand.
enum Piece<'t> {
    Text(&'t str),
    Reference(&'t str),
}

/// Cuts a text at its references. `$${` is no reference, but `${` as text.
fn pieces(text: &str) -> Result<Vec<Piece<'_>>> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        let (before, after) = rest.split_at(at);
        if let Some(before) = before.strip_suffix('$') {
            let (mark, others) = after.split_at(2);
            found.extend([Piece::Text(before), Piece::Text(mark)]);
            rest = others;
            continue;
        }
        let Some((path, others)) = after.get(2..).and_then(|after| after.split_once('}')) else {
            let why = format!("a ${{ in {text:?} is not closed");
            return Err(Error::new(ErrorKind::Invalid, WHAT, why)
                .remedy("add a }, or write $${ for the signs themselves"));
        };
        found.extend([Piece::Text(before), Piece::Reference(path)]);
        rest = others;
    }
    found.push(Piece::Text(rest));
    found.retain(|piece| !matches!(piece, Piece::Text("")));
    Ok(found)
}

/// The names of steps that a value refers to.
pub(super) fn names_in(value: &Value, names: &mut Vec<String>) -> Result<()> {
    match value {
        Value::String(text) => {
            for piece in pieces(text)? {
                if let Piece::Reference(path) = piece {
                    names.push(path.split('.').next().unwrap_or_default().to_owned());
                }
            }
            Ok(())
        }
        Value::Array(values) => values.iter().try_for_each(|value| names_in(value, names)),
        Value::Object(fields) => fields.values().try_for_each(|value| names_in(value, names)),
        _ => Ok(()),
    }
}

/// The value with everything that its references stand for. A text that is one
/// reference becomes what that is, of whatever kind; within other text it must be
/// text, a number or a truth.
///
/// # Errors
/// `NotFound` when there is no such thing, `Invalid` when it has no place in text.
pub(super) fn resolve(value: &Value, given: &BTreeMap<String, Value>) -> Result<Value> {
    Ok(match value {
        Value::String(text) => {
            let pieces = pieces(text)?;
            if let [Piece::Reference(path)] = pieces.as_slice() {
                return look_up(path, given).ok_or_else(|| absent(path));
            }
            let mut resolved = String::new();
            for piece in pieces {
                match piece {
                    Piece::Text(text) => resolved += text,
                    Piece::Reference(path) => match look_up(path, given) {
                        Some(Value::String(text)) => resolved += &text,
                        Some(plain @ (Value::Number(_) | Value::Bool(_))) => {
                            resolved += &plain.to_string();
                        }
                        Some(other) => {
                            let why =
                                format!("${{{path}}} stands amid text, and is {}", kind_of(&other));
                            return Err(Error::new(ErrorKind::Invalid, WHAT, why));
                        }
                        None => return Err(absent(path)),
                    },
                }
            }
            Value::String(resolved)
        }
        Value::Array(values) => {
            values.iter().map(|value| resolve(value, given)).collect::<Result<_>>()?
        }
        Value::Object(fields) => fields
            .iter()
            .map(|(name, value)| Ok((name.clone(), resolve(value, given)?)))
            .collect::<Result<_>>()?,
        other => other.clone(),
    })
}

/// Whether a condition holds: what it refers to is there, and neither null, false,
/// nought nor empty.
pub(super) fn is_truthy(condition: &Value, given: &BTreeMap<String, Value>) -> Result<bool> {
    match resolve(condition, given) {
        Ok(value) => Ok(match value {
            Value::Null => false,
            Value::Bool(truth) => truth,
            Value::Number(number) => number.as_f64() != Some(0.0),
            Value::String(text) => !text.is_empty(),
            Value::Array(values) => !values.is_empty(),
            Value::Object(fields) => !fields.is_empty(),
        }),
        Err(error) if error.kind == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

fn absent(path: &str) -> Error {
    Error::new(ErrorKind::NotFound, WHAT, format!("${{{path}}} stands for nothing"))
        .remedy("see what the step gives with --json")
}

/// `name.items.0.id`; a `*` stands for all of a list, and what has no such field is
/// left out of it.
fn look_up(path: &str, given: &BTreeMap<String, Value>) -> Option<Value> {
    let (name, rest) = path.split_once('.').map_or((path, None), |(n, rest)| (n, Some(rest)));
    within(given.get(name)?, rest)
}

fn within(value: &Value, path: Option<&str>) -> Option<Value> {
    let Some(path) = path else { return Some(value.clone()) };
    let (field, rest) = path.split_once('.').map_or((path, None), |(f, rest)| (f, Some(rest)));
    match value {
        Value::Array(values) if field == "*" => {
            Some(values.iter().filter_map(|value| within(value, rest)).collect())
        }
        Value::Array(values) => within(values.get(field.parse::<usize>().ok()?)?, rest),
        Value::Object(fields) => within(fields.get(field)?, rest),
        _ => None,
    }
}

/// What a value is, for a person.
pub(super) fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a truth",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn given() -> BTreeMap<String, Value> {
        let found = json!({"items": [{"id": "a", "n": 1}, {"id": "b"}], "none": []});
        BTreeMap::from([("find".to_owned(), found)])
    }

    #[test]
    fn references_stand_for_what_was_given() {
        for (text, wanted) in [
            ("${find.items.1.id}", json!("b")),
            ("${find.items.*.id}", json!(["a", "b"])),
            ("${find.items.*.n}", json!([1])),
            ("id ${find.items.0.id}, ${find.items.0.n}", json!("id a, 1")),
            ("$${find} and $5", json!("${find} and $5")),
            ("${find.none}", json!([])),
        ] {
            assert_eq!(resolve(&json!([{"x": text}]), &given()).unwrap(), json!([{"x": wanted}]));
        }
        for (text, kind) in [
            ("${find.items.2.id}", ErrorKind::NotFound),
            ("${other}", ErrorKind::NotFound),
            ("a ${find.items}", ErrorKind::Invalid),
            ("${find", ErrorKind::Invalid),
        ] {
            assert_eq!(resolve(&json!(text), &given()).unwrap_err().kind, kind, "{text}");
        }
    }

    #[test]
    fn what_is_empty_or_absent_is_untrue() {
        for (text, wanted) in [
            ("${find.items.0}", true),
            ("${find.items.9}", false),
            ("${find.none}", false),
            ("${nobody}", false),
            ("${find.items.0.n}", true),
        ] {
            assert_eq!(is_truthy(&json!(text), &given()).unwrap(), wanted, "{text}");
        }
    }
}
