//! The JSON Schema of workflows, made from the verbs, for editors.

use clap::Args;
use rushes_media::Result;
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::MOST_STEPS;
use super::step::CONTROLS;
use crate::action::{Action, Plan, Route};
use crate::context::Context;

/// `schema` has no parameters.
#[derive(Args, Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WorkflowSchema {}

impl Action for WorkflowSchema {
    const NAME: &'static [&'static str] = &["schema"];
    const SUMMARY: &'static str = "Print the JSON Schema of workflow files, for editors";
    const ROUTE: Route = Route { method: "GET", path: "/workflows/schema" };
    const CHANGES: bool = false;
    type Output = Value;

    fn plan(&self, _context: &Context<'_>) -> Result<Plan> {
        Ok(Plan::reads("print the schema of workflows"))
    }

    fn apply(&self, _context: &Context<'_>) -> Result<Value> {
        Ok(schema())
    }

    fn text(output: &Value) -> String {
        format!("{output:#}\n")
    }
}

/// JSON Schema, draft 2020-12. A parameter may always be a reference instead.
fn schema() -> Value {
    let mut generator: SchemaGenerator = SchemaSettings::draft2020_12().into_generator();
    let mut words = Vec::new();
    let mut cases = Vec::new();
    for verb in crate::ACTIONS.iter().filter(|verb| verb.words() != "workflow") {
        let params = (verb.params_schema)(&mut generator);
        let known = params.get("properties").and_then(Value::as_object).cloned();
        let mut properties: Map<String, Value> = known
            .unwrap_or_default()
            .into_iter()
            .map(|(name, schema)| (name, json!({"anyOf": [schema, {"$ref": "#/$defs/Reference"}]})))
            .collect();
        for (name, about) in CONTROLS {
            properties.insert((*name).to_owned(), control(name, about));
        }
        let required = params.get("required").cloned().unwrap_or_else(|| json!([]));
        words.push(json!({"const": verb.words(), "description": verb.summary}));
        cases.push(json!({
            "if": {"properties": {"action": {"const": verb.words()}}},
            "then": {
                "properties": properties,
                "required": required,
                "additionalProperties": false,
            },
        }));
    }
    let mut defs = generator.take_definitions(true);
    defs.insert("Reference".into(), json!({"type": "string", "pattern": "\\$\\{[^}]+\\}"}));
    defs.insert(
        "Step".into(),
        json!({
            "type": "object",
            "required": ["action"],
            "properties": {"action": {"oneOf": words}},
            "allOf": cases,
        }),
    );
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A workflow of Rushes",
        "$defs": defs,
        "oneOf": [
            {"$ref": "#/$defs/Step"},
            {
                "type": "object",
                "required": ["workflow"],
                "additionalProperties": false,
                "properties": {"workflow": {
                    "type": "array",
                    "minItems": 1,
                    "maxItems": MOST_STEPS,
                    "items": {"$ref": "#/$defs/Step"},
                }},
            },
        ],
    })
}

fn control(name: &str, about: &str) -> Value {
    let kind = match name {
        "retries" => json!({"type": "integer", "minimum": 0, "maximum": 100}),
        "continue_on_error" | "dry_run" => json!({"type": "boolean"}),
        "for_each" => json!({"type": ["array", "string"]}),
        _ => json!({"type": "string"}),
    };
    let mut kind = kind.as_object().cloned().unwrap_or_default();
    kind.insert("description".into(), json!(about));
    Value::Object(kind)
}
