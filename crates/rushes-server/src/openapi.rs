//! The OpenAPI 3.1 document, made from the table of routes and from the
//! verbs' own schemas.

use rushes_actions::{Job, Plan, Verb};
use rushes_media::ErrorKind;
use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use crate::compat::TYPES;
use crate::problem::PROBLEM_JSON;
use crate::routes::{Access, Answers, Compat, Endpoint, Sending};
use crate::verbs::may_rehearse;

/// The document for these routes.
pub(crate) fn document(endpoints: &[Endpoint]) -> Value {
    let settings = SchemaSettings::draft2020_12()
        .with(|settings| settings.definitions_path = "/components/schemas".into());
    let mut generator = settings.into_generator();
    let mut paths: Map<String, Value> = Map::new();
    for endpoint in endpoints {
        let path = endpoint.path.replace("{*", "{");
        let item = paths.entry(path).or_insert_with(|| json!({}));
        if let Value::Object(item) = item {
            item.insert(endpoint.method.to_ascii_lowercase(), operation(endpoint, &mut generator));
        }
    }
    let kind = generator.subschema_for::<ErrorKind>();
    let mut schemas = generator.take_definitions(true);
    schemas.insert("Problem".into(), problem_schema(&kind.to_value()));
    let mut document = json!({
        "openapi": "3.1.0",
        "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
        "info": {
            "title": "Rushes",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Index folders of footage; browse, search and play what is in them. \
                Times are RFC 3339, exact fractions are strings such as \"30000/1001\".",
            "license": {"name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "responses": {"Problem": {
                "description": "What failed, why, and what to do (RFC 9457)",
                "content": {PROBLEM_JSON: {"schema": {"$ref": "#/components/schemas/Problem"}}},
            }},
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
                "session": {"type": "apiKey", "in": "cookie", "name": "rushes_session"},
            },
        },
        // On this machine alone no token is needed.
        "security": [{"token": []}, {"session": []}, {}],
        "tags": [
            {"name": "verbs", "description": "What the command does, over HTTP"},
            {"name": "media", "description": "Bytes and pictures"},
            {"name": "uploads", "description": "Files that clients send"},
            {"name": "server", "description": "The server itself"},
            {"name": "prototype", "description": "The prototype's own routes, for programs written for it"},
        ],
    });
    name_required_once(&mut document);
    document
}

/// A field that stands in a struct and in one flattened into it is required
/// twice by the schemas, which JSON Schema does not allow.
fn name_required_once(value: &mut Value) {
    match value {
        Value::Object(object) => {
            if let Some(Value::Array(names)) = object.get_mut("required") {
                let mut seen = Vec::new();
                names.retain(|name| {
                    let is_new = !seen.contains(name);
                    seen.push(name.clone());
                    is_new
                });
            }
            object.values_mut().for_each(name_required_once);
        }
        Value::Array(list) => list.iter_mut().for_each(name_required_once),
        _ => {}
    }
}

fn problem_schema(kind: &Value) -> Value {
    json!({
        "type": "object",
        "required": ["type", "title", "status", "detail", "kind"],
        "properties": {
            "type": {"type": "string", "format": "uri-reference"},
            "title": {"type": "string"},
            "status": {"type": "integer", "minimum": 400, "maximum": 599},
            "detail": {"type": "string", "description": "What was being done, and why it failed."},
            "kind": kind,
            "remedy": {"type": "string", "description": "What to do about it."},
            "path": {"type": "string", "description": "The file it is about, safe to print."},
        },
    })
}

fn operation(endpoint: &Endpoint, generator: &mut SchemaGenerator) -> Value {
    let mut operation = match endpoint.answers {
        Answers::Verb(verb) => of_verb(verb, generator),
        Answers::Compat(which) => of_compat(which, endpoint),
        _ => of_own(endpoint),
    };
    if let Value::Object(operation) = &mut operation {
        operation.insert("summary".into(), endpoint.summary.into());
        operation.insert("operationId".into(), operation_id(endpoint).into());
        if endpoint.access == Access::Open {
            operation.insert("security".into(), json!([]));
        }
        if let Some(Value::Object(responses)) = operation.get_mut("responses") {
            responses.insert("default".into(), json!({"$ref": "#/components/responses/Problem"}));
        }
    }
    operation
}

/// The verb's words; for all others the method and the path.
fn operation_id(endpoint: &Endpoint) -> String {
    if let Answers::Verb(verb) = endpoint.answers {
        return verb.name.join("_");
    }
    let path: String = endpoint
        .path
        .chars()
        .map(|character| if character.is_ascii_alphanumeric() { character } else { ' ' })
        .collect();
    let words: Vec<&str> = path.split_whitespace().collect();
    format!("{}_{}", endpoint.method.to_ascii_lowercase(), words.join("_"))
}

fn of_verb(verb: &'static Verb, generator: &mut SchemaGenerator) -> Value {
    let mut schema = (verb.params_schema)(generator).to_value();
    let output = (verb.output_schema)(generator).to_value();
    let properties = match schema.get_mut("properties").map(Value::take) {
        Some(Value::Object(properties)) => properties,
        _ => Map::new(),
    };
    let required: Vec<String> = schema
        .get("required")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|name| name.as_str().map(str::to_owned))
        .collect();
    let in_path = |name: &str| verb.route.path.contains(&format!("{{{name}}}"));
    let has_body = verb.route.method == "POST";
    let mut parameters = Vec::new();
    let mut body = Map::new();
    for (name, property) in properties {
        if in_path(&name) {
            parameters.push(parameter(&name, "path", true, property));
        } else if has_body {
            body.insert(name, property);
        } else {
            let is_required = required.contains(&name);
            parameters.push(parameter(&name, "query", is_required, property));
        }
    }
    let dry_run = json!({"type": "boolean", "default": false, "description": "Give the plan and change nothing."});
    if may_rehearse(verb) {
        if has_body {
            body.insert("dry_run".into(), dry_run);
        } else {
            parameters.push(parameter("dry_run", "query", false, dry_run));
        }
    }
    let mut operation = json!({
        "tags": ["verbs"],
        "parameters": parameters,
        "responses": responses_of_verb(verb, output, generator),
    });
    if has_body && let Value::Object(operation) = &mut operation {
        let required: Vec<&String> =
            required.iter().filter(|name| body.contains_key(*name)).collect();
        let content = json!({"application/json": {"schema": {
            "type": "object",
            "properties": body,
            "required": required,
            "additionalProperties": false,
        }}});
        let body = json!({"required": !required.is_empty(), "content": content});
        operation.insert("requestBody".into(), body);
    }
    operation
}

fn responses_of_verb(verb: &Verb, output: Value, generator: &mut SchemaGenerator) -> Value {
    let mut responses = Map::new();
    let plan = || {
        json!({"type": "object", "required": ["plan"], "properties": {
            "plan": {"$ref": "#/components/schemas/Plan"},
        }})
    };
    if may_rehearse(verb) {
        generator.subschema_for::<Plan>();
    }
    if verb.as_job {
        let job = generator.subschema_for::<Job>().to_value();
        let queued = json!({"type": "object", "required": ["job"], "properties": {"job": job}});
        let mut accepted =
            json_response("The job that does it. Its result will be as described here.", queued);
        if let Value::Object(accepted) = &mut accepted {
            accepted.insert(
                "headers".into(),
                json!({"Location": {
                    "description": "Where the job is", "schema": {"type": "string"},
                }}),
            );
        }
        responses.insert("202".into(), accepted);
        responses.insert("200".into(), json_response("What it would do", plan()));
        return Value::Object(responses);
    }
    if verb.changes {
        let either = json!({"anyOf": [output, plan()]});
        let status = if verb.name.last() == Some(&"add") { "201" } else { "200" };
        responses.insert(status.into(), json_response("What it did, or what it would do", either));
        if status == "201" {
            responses.insert("200".into(), json_response("What it would do", plan()));
        }
        return Value::Object(responses);
    }
    responses.insert("200".into(), json_response("What was found", output));
    if verb.route.method == "GET" {
        responses.insert("304".into(), json!({"description": "The client has it already"}));
    }
    Value::Object(responses)
}

fn json_response(description: &str, mut schema: Value) -> Value {
    if let Value::Object(schema) = &mut schema {
        schema.remove("$schema");
    }
    json!({"description": description, "content": {"application/json": {"schema": schema}}})
}

fn parameter(name: &str, place: &str, required: bool, mut schema: Value) -> Value {
    let description = match &mut schema {
        Value::Object(schema) => schema.remove("description"),
        _ => None,
    };
    let mut parameter = json!({"name": name, "in": place, "required": required, "schema": schema});
    if let (Value::Object(parameter), Some(description)) = (&mut parameter, description) {
        parameter.insert("description".into(), description);
    }
    parameter
}

fn path_parameters(path: &str) -> Vec<Value> {
    path.split('/')
        .filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'))
        .map(|name| {
            parameter(name.trim_start_matches('*'), "path", true, json!({"type": "string"}))
        })
        .collect()
}

fn of_own(endpoint: &Endpoint) -> Value {
    let mut parameters = path_parameters(&endpoint.path);
    let bytes = |kind: &str| json!({kind: {}});
    let mut body = None;
    let (tag, responses) = match endpoint.answers {
        Answers::Media => {
            let text = |description: &str| json!({"type": "string", "description": description});
            parameters.push(parameter(
                "download",
                "query",
                false,
                json!({
                    "type": "boolean", "description": "Save it rather than show it.",
                }),
            ));
            for (name, description) in [
                ("Range", "Bytes wanted: up to 16 ranges."),
                ("If-Range", "The tag or date for which the ranges hold."),
                ("If-None-Match", "The tag that the client has."),
            ] {
                parameters.push(parameter(name, "header", false, text(description)));
            }
            (
                "media",
                json!({
                    "200": {"description": "All bytes", "content": bytes("*/*")},
                    "206": {"description": "The ranges asked for; several as multipart/byteranges",
                        "content": bytes("*/*")},
                    "304": {"description": "The client has it already"},
                    "416": {"$ref": "#/components/responses/Problem"},
                }),
            )
        }
        Answers::Preview(_) => {
            parameters.push(parameter("v", "query", false, json!({
                "type": "string",
                "description": "The preview's version; with it the picture may be kept for good.",
            })));
            (
                "media",
                json!({
                    "200": {"description": "The picture", "content": bytes("image/webp")},
                    "304": {"description": "The client has it already"},
                }),
            )
        }
        Answers::Events => (
            "server",
            json!({"200": {
                "description": "`event: job` with a Job, at most five a second for each; `event: catalog` \
                    with {version, assets}, at most one a second. Come back with Last-Event-ID for jobs missed.",
                "content": bytes("text/event-stream"),
            }}),
        ),
        Answers::ShowSession => (
            "server",
            json!({"200": json_response("Where this client stands", json!({
                "type": "object",
                "required": ["needs_token", "signed_in"],
                "properties": {"needs_token": {"type": "boolean"}, "signed_in": {"type": "boolean"}},
            }))}),
        ),
        Answers::BeginSession => {
            body = Some(object_body(&["token"], &["token"]));
            ("server", json!({"204": {"description": "The cookie is set"}}))
        }
        Answers::EndSession => ("server", json!({"204": {"description": "The cookie is gone"}})),
        Answers::Page => {
            ("server", json!({"200": {"description": "The page", "content": bytes("text/html")}}))
        }
        Answers::Static => {
            ("server", json!({"200": {"description": "The file", "content": bytes("*/*")}}))
        }
        Answers::Problem => {
            ("server", json!({"200": {"description": "In words", "content": bytes("text/plain")}}))
        }
        Answers::OpenApi => {
            ("server", json!({"200": json_response("This document", json!({"type": "object"}))}))
        }
        Answers::Send(which) => {
            let (responses, content) = of_sending(which, &mut parameters);
            body = content;
            ("uploads", responses)
        }
        Answers::Health | Answers::Verb(_) | Answers::Compat(_) => (
            "server",
            json!({"200": json_response(
                "It works",
                json!({"type": "object", "required": ["status", "service"], "properties": {
                    "status": {"type": "string", "const": "ok"},
                    "service": {"type": "string"},
                    "name": {"type": "string"},
                    "version": {"type": "string"},
                    "active_jobs": {"type": "integer"},
                    "timestamp": {"type": "string", "format": "date-time"},
                }}),
            )}),
        ),
    };
    let mut operation = json!({"tags": [tag], "parameters": parameters, "responses": responses});
    if let (Value::Object(operation), Some(body)) = (&mut operation, body) {
        operation.insert("requestBody".into(), body);
    }
    operation
}

/// What sending files gives, and what it carries. More stands in the tus
/// protocol, 1.0.0.
fn of_sending(which: Sending, parameters: &mut Vec<Value>) -> (Value, Option<Value>) {
    let mut header = |name: &str, required: bool, description: &str| {
        let schema = json!({"type": "string", "description": description});
        parameters.push(parameter(name, "header", required, schema));
    };
    if !matches!(which, Sending::Describe | Sending::Show | Sending::Batch | Sending::Form) {
        header("Tus-Resumable", true, "1.0.0");
    }
    if matches!(which, Sending::Create) {
        header("Upload-Length", true, "Bytes of all of it.");
        header(
            "Upload-Metadata",
            false,
            "Names and values in base 64: filename, lastModified, batch.",
        );
    }
    if matches!(which, Sending::Append | Sending::Override) {
        header("Upload-Offset", which == Sending::Append, "Bytes before this part.");
    }
    if matches!(which, Sending::Create | Sending::Append | Sending::Override) {
        header("Upload-Checksum", false, "sha1 or md5 of this part, and its value in base 64.");
    }
    let part = || json!({"content": {"application/offset+octet-stream": {}}});
    let text = || json!({"type": "string"});
    match which {
        Sending::Describe => {
            (json!({"204": {"description": "Tus-Version, Tus-Extension, Tus-Max-Size"}}), None)
        }
        Sending::Create => {
            (json!({"201": {"description": "Location and Upload-Offset"}}), Some(part()))
        }
        Sending::Show => (
            json!({"200": json_response("The upload", json!({
                "type": "object",
                "required": ["id", "name", "offset_bytes", "state"],
                "properties": {
                    "id": text(),
                    "name": text(),
                    "state": {"enum": ["receiving", "checking", "taken", "duplicate", "refused"]},
                    "length_bytes": {"type": ["integer", "null"]},
                    "offset_bytes": {"type": "integer"},
                    "expires": {"type": "string", "format": "date-time"},
                    "path": text(),
                    "blake3": text(),
                    "error": {"type": "object"},
                },
            }))}),
            None,
        ),
        Sending::Append => {
            (json!({"204": {"description": "Upload-Offset: bytes that are here"}}), Some(part()))
        }
        Sending::Override => {
            parameters.push(parameter(
                "X-HTTP-Method-Override",
                "header",
                true,
                json!({
                    "type": "string", "enum": ["PATCH", "DELETE", "HEAD"],
                }),
            ));
            (json!({"204": {"description": "As that method answers"}}), Some(part()))
        }
        Sending::End => (json!({"204": {"description": "It is gone"}}), None),
        Sending::Batch => {
            let operations = json!({"type": "string", "enum": ["start", "snapshot", "finalize"]});
            parameters.push(parameter("op", "query", true, operations));
            let answer =
                json_response("The batch, and what became of its files", json!({"type": "object"}));
            (
                json!({"200": answer, "201": {"description": "It has begun"}}),
                Some(object_body(&["name", "batch"], &[])),
            )
        }
        Sending::Form => {
            let schema = json!({"type": "object", "required": ["files"], "properties": {
                "files": {"type": "array", "items": {"type": "string", "format": "binary"}},
                "batch": text(),
            }});
            let body =
                json!({"required": true, "content": {"multipart/form-data": {"schema": schema}}});
            (
                json!({"202": json_response("What became of the files", json!({"type": "object"}))}),
                Some(body),
            )
        }
    }
}

fn object_body(names: &[&str], required: &[&str]) -> Value {
    let properties: Map<String, Value> =
        names.iter().map(|name| ((*name).to_owned(), prototype_schema(name))).collect();
    json!({"required": !required.is_empty(), "content": {"application/json": {"schema": {
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    }}}})
}

fn prototype_schema(name: &str) -> Value {
    match name {
        "limit" => json!({"type": "integer", "minimum": 1, "maximum": 1000}),
        "recursive" | "wait" => json!({"type": "boolean"}),
        "type" => {
            let types: Vec<&str> = TYPES.iter().map(|(name, _)| *name).collect();
            json!({"type": "string", "enum": types})
        }
        _ => json!({"type": "string"}),
    }
}

fn of_compat(which: Compat, endpoint: &Endpoint) -> Value {
    let mut parameters = path_parameters(&endpoint.path);
    let in_path = |name: &str| endpoint.path.contains(&format!("{{{name}}}"));
    let names: Vec<&str> =
        which.parameters().iter().copied().filter(|name| !in_path(name)).collect();
    for name in &names {
        parameters.push(parameter(name, "query", false, prototype_schema(name)));
    }
    let status = match which {
        Compat::Scan => "202",
        Compat::AddPath => "201",
        _ => "200",
    };
    let list = matches!(
        which,
        Compat::Recent
            | Compat::Search
            | Compat::PostSearch
            | Compat::Paths
            | Compat::Batches
            | Compat::Batch
    );
    let schema = json!({"type": if list { "array" } else { "object" }});
    let mut responses = json!({status: json_response("In the prototype's shape", schema.clone())});
    if let (Compat::Scan, Value::Object(responses)) = (which, &mut responses) {
        responses.insert("200".into(), json_response("The scan's counts, when waited for", schema));
    }
    let mut operation =
        json!({"tags": ["prototype"], "parameters": parameters, "responses": responses});
    if which.takes_body()
        && let Value::Object(operation) = &mut operation
    {
        operation.insert("requestBody".into(), object_body(&names, &[]));
    }
    operation
}
