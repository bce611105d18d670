//! The verbs as data, from which the package makes its methods, their
//! signatures, docstrings and stubs.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;

use clap::{Arg, Command};
use rushes_actions::{ACTIONS, Verb};
use schemars::SchemaGenerator;
use serde_json::{Value, json};

/// One object a verb, in the order of the registry.
pub(crate) fn actions() -> Value {
    ACTIONS.iter().map(action).collect()
}

fn action(verb: &Verb) -> Value {
    let mut params = SchemaGenerator::default();
    let schema = (verb.params_schema)(&mut params).to_value();
    let mut results = SchemaGenerator::default();
    let result = (verb.output_schema)(&mut results).to_value();
    json!({
        "name": verb.name,
        "summary": verb.summary,
        "changes": verb.changes,
        "as_job": verb.as_job,
        "params": parameters(verb, &schema),
        "param_definitions": params.take_definitions(true),
        "result": result,
        "result_definitions": results.take_definitions(true),
    })
}

/// In the order of the command line, with what only the command line knows.
fn parameters(verb: &Verb, schema: &Value) -> Vec<Value> {
    let required = schema.get("required").and_then(Value::as_array);
    let command = (verb.arguments)(Command::new("verb"));
    let of_argument = |argument: &Arg| {
        let name = argument.get_id().as_str();
        let property = schema.get("properties")?.get(name)?;
        Some(json!({
            "name": name,
            "positional": argument.is_positional(),
            "path": argument.is_positional() && takes_any_bytes(argument),
            "required": required.is_some_and(|names| names.iter().any(|known| known == name)),
            "schema": property,
        }))
    };
    command.get_arguments().filter_map(of_argument).collect()
}

/// Whether it is a path, which may be any bytes, and not a text.
fn takes_any_bytes(argument: &Arg) -> bool {
    Command::new("verb")
        .no_binary_name(true)
        .arg(argument.clone())
        .try_get_matches_from([OsString::from_vec(vec![0xff])])
        .is_ok()
}
