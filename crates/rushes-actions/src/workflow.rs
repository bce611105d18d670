//! `workflow`: several verbs one after the other, from JSON, as the prototype had
//! it: `{"action": ...}` for one, `{"workflow": [...]}` for several.

mod references;
mod schema;
mod step;

use std::collections::BTreeMap;
use std::io::Read as _;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use clap::Args;
use rushes_media::{Error, ErrorKind, Result, path_given};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::action::{Action, Plan, Route};
use crate::context::{Context, Progress, Report};
use crate::queue::EffectState;

use references::{is_truthy, resolve};
pub use schema::WorkflowSchema;
use step::Step;

const WHAT: &str = "reading the workflow";
/// Bytes of the longest workflow that is read.
const MOST_BYTES: u64 = 1 << 20;
/// Steps of one workflow.
const MOST_STEPS: usize = 1_000;
/// What one step may be done for.
const MOST_ITEMS: usize = 100_000;
/// What of a step is kept for going on after an interruption; one that only reads
/// is read again.
const KEPT_BYTES: usize = 64 << 10;
/// The pause before a step is tried again, doubled each time.
const PAUSE: Duration = Duration::from_secs(1);

/// The parameters of a workflow.
#[derive(Args, Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Workflow {
    /// A file of JSON, or - for standard input: {"workflow": [STEP, ...]}, or one
    /// STEP. A step is {"action": VERB, ...} with the verb's parameters, and may
    /// have "step" (a name for what it gives), "if", "unless", "for_each",
    /// "retries", "continue_on_error" and "dry_run". "${NAME.items.0.id}" stands
    /// for what an earlier step gave, "${item}" for what it is done for.
    #[arg(value_name = "FILE|-", value_parser = read_file)]
    pub workflow: Steps,
}

/// The steps of a workflow.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Steps(Vec<Map<String, Value>>);

impl JsonSchema for Steps {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Steps".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schemars::json_schema!({
            "type": "array",
            "maxItems": MOST_STEPS,
            "items": {"type": "object", "required": ["action"], "description":
                "A verb as `action`, and its parameters; see GET /api/v1/workflows/schema"},
        })
    }
}

/// Reads the file that the command line names.
fn read_file(name: &str) -> Result<Steps> {
    let mut text = String::new();
    let read = if name == "-" {
        std::io::stdin().take(MOST_BYTES + 1).read_to_string(&mut text)
    } else {
        std::fs::File::open(path_given(name)?)
            .and_then(|file| file.take(MOST_BYTES + 1).read_to_string(&mut text))
    };
    read.map_err(|error| Error::io(WHAT, &error).at(name))?;
    if text.len() as u64 > MOST_BYTES {
        return Err(Error::new(ErrorKind::Limit, WHAT, "it is longer than a mebibyte").at(name));
    }
    let value: Value = serde_json::from_str(&text).map_err(|error| {
        Error::new(ErrorKind::Invalid, WHAT, format!("it is not JSON: {error}")).at(name)
    })?;
    let Value::Object(object) = value else {
        let why = "it is not a JSON object";
        return Err(Error::new(ErrorKind::Invalid, WHAT, why)
            .remedy("write {\"action\": ...} or {\"workflow\": [...]}")
            .at(name));
    };
    let workflow = Workflow::understood(object);
    if let Some(other) = workflow.keys().find(|key| *key != "workflow") {
        let why = format!("{other:?} stands beside \"workflow\"");
        return Err(Error::new(ErrorKind::Invalid, WHAT, why)
            .remedy("put it into a step")
            .at(name));
    }
    let steps = workflow.get("workflow").cloned().unwrap_or_default();
    serde_json::from_value(steps).map_err(|error| {
        Error::new(ErrorKind::Invalid, WHAT, format!("\"workflow\" is no list of steps: {error}"))
            .at(name)
    })
}

impl Action for Workflow {
    const NAME: &'static [&'static str] = &["workflow"];
    const SUMMARY: &'static str = "Do several verbs one after the other, as a file of JSON says";
    const ROUTE: Route = Route { method: "POST", path: "/workflows" };
    const CHANGES: bool = true;
    const AS_JOB: bool = true;
    /// What the step gave, with its `action`; of several steps, a list.
    type Output = Value;

    fn plan(&self, context: &Context<'_>) -> Result<Plan> {
        let steps = self.steps()?;
        let mut plan = Plan::reads(match steps.len() {
            1 => "one step".to_owned(),
            steps => format!("{steps} steps, one after the other"),
        });
        for step in &steps {
            let name = step.told();
            if step.needs_others() {
                plan.push(name.clone(), format!("{name}: with what the steps before it give"));
                continue;
            }
            let of_step = (step.verb.plan)(context, &step.params(&BTreeMap::new())?, false);
            let of_step = of_step.map_err(|error| step.failed(error))?;
            plan.push(name.clone(), format!("{name}: {}", of_step.summary));
            for effect in of_step.effects {
                plan.push(format!("{name}: {}", effect.key), format!("  {}", effect.does));
            }
            plan.more += of_step.more;
        }
        Ok(plan)
    }

    fn apply(&self, context: &Context<'_>) -> Result<Value> {
        let steps = self.steps()?;
        let mut given: BTreeMap<String, Value> = BTreeMap::new();
        let mut outputs = Vec::new();
        for step in &steps {
            context.check_cancelled("running the workflow")?;
            let output = run(context, step, &mut given)?;
            if let Some(name) = &step.name {
                given.insert(name.clone(), output.clone());
            }
            outputs.push(with_action(step, output));
        }
        Ok(match (outputs.len(), outputs.pop()) {
            (1, Some(only)) => only,
            (_, last) => outputs.into_iter().chain(last).collect(),
        })
    }

    fn text(output: &Value) -> String {
        // Programs read it, also where nobody asked for JSON.
        format!("{output:#}\n")
    }

    fn exit_code(output: &Value) -> u8 {
        let all = output.as_array().map_or(std::slice::from_ref(output), Vec::as_slice);
        let code = |output: &Value| {
            let verb = crate::find(output.get("action")?.as_str()?)?;
            let items = output.get("items_done").and_then(Value::as_array);
            let of_items = items.into_iter().flatten();
            let codes = of_items.chain([output]).filter_map(|one| (verb.exit_code)(one).ok());
            let failed = output.get("error").is_some();
            codes.chain([u8::from(failed)]).max()
        };
        all.iter().filter_map(code).max().unwrap_or(0)
    }

    fn understood(mut given: Map<String, Value>) -> Map<String, Value> {
        if !given.contains_key("workflow") && given.contains_key("action") {
            given = Map::from_iter([("workflow".to_owned(), json!([given]))]);
        }
        given
    }

    fn title(&self) -> String {
        let names: Vec<String> =
            self.steps().unwrap_or_default().iter().map(|step| step.verb.words()).collect();
        format!("Workflow: {}", names.join(", "))
    }

    /// The same steps again go on where they were interrupted.
    fn job_key(&self) -> Option<String> {
        serde_json::to_string(&self.workflow).ok()
    }
}

impl Workflow {
    /// The steps, each looked at as far as that can be done before they run.
    fn steps(&self) -> Result<Vec<Step>> {
        let given = &self.workflow.0;
        if given.is_empty() || given.len() > MOST_STEPS {
            let why = format!("it has {} steps, and 1 to {MOST_STEPS} may be", given.len());
            return Err(Error::new(ErrorKind::Invalid, WHAT, why));
        }
        let mut steps: Vec<Step> = Vec::new();
        for (at, step) in given.iter().enumerate() {
            let step = Step::read(at + 1, step)?;
            let known: Vec<&str> = steps.iter().filter_map(|it| it.name.as_deref()).collect();
            step.check(&known)?;
            steps.push(step);
        }
        Ok(steps)
    }
}

/// Does a step; gives what it gave, or what it gave for each item.
fn run(context: &Context<'_>, step: &Step, given: &mut BTreeMap<String, Value>) -> Result<Value> {
    for (condition, wanted) in [(&step.only_if, true), (&step.unless, false)] {
        let Some(condition) = condition else { continue };
        if is_truthy(condition, given).map_err(|error| step.failed(error))? != wanted {
            return Ok(json!({"skipped": true}));
        }
    }
    let Some(for_each) = &step.for_each else {
        return once(context, step, given, &step.told());
    };
    let items = resolve(for_each, given).map_err(|error| step.failed(error))?;
    let items = match items {
        Value::Array(items) if items.len() <= MOST_ITEMS => items,
        Value::Array(items) => {
            let why = format!("it is for {} items, and {MOST_ITEMS} may be", items.len());
            return Err(step.failed(Error::new(ErrorKind::Limit, WHAT, why)));
        }
        other => {
            let why = format!("for_each is no list but {}", references::kind_of(&other));
            return Err(step.failed(Error::new(ErrorKind::Invalid, WHAT, why)));
        }
    };
    let mut outputs = Vec::new();
    for (at, item) in items.into_iter().enumerate() {
        context.check_cancelled("running the workflow")?;
        given.insert("item".into(), item);
        let output = once(context, step, given, &format!("{} [{at}]", step.told()));
        given.remove("item");
        outputs.push(output?);
    }
    Ok(json!({"items_done": outputs}))
}

/// Does a step once, unless the log says that it was done before an interruption.
fn once(
    context: &Context<'_>,
    step: &Step,
    given: &BTreeMap<String, Value>,
    key: &str,
) -> Result<Value> {
    let progress = context.progress;
    if step.verb.changes
        && let Some(done) = progress.done_before(key)?
        && let Ok(output) = serde_json::from_str(&done)
    {
        return Ok(output);
    }
    let params = step.params(given).map_err(|error| step.failed(error))?;
    let inner = Inner { outer: progress, step: key };
    let context = Context { progress: &inner, ..*context };
    if step.dry_run {
        let plan = (step.verb.plan)(&context, &params, true).map_err(|error| step.failed(error))?;
        return Ok(json!({"plan": plan}));
    }
    progress.effect(key, EffectState::Begun, None)?;
    let mut pause = PAUSE;
    for tried in 0.. {
        match (step.verb.apply)(&context, &params) {
            Ok(output) => {
                let kept = Some(output.to_string()).filter(|kept| kept.len() <= KEPT_BYTES);
                // What is too long to be kept has its own effects in the log.
                progress.effect(key, EffectState::Done, kept.as_deref())?;
                return Ok(output);
            }
            Err(error) => {
                context.check_cancelled("running the workflow")?;
                let may_pass = matches!(error.kind, ErrorKind::Unavailable | ErrorKind::Limit);
                if may_pass && tried < step.retries {
                    context.engine.clock().sleep(pause);
                    pause = (pause * 2).min(Duration::from_secs(60));
                    continue;
                }
                progress.effect(key, EffectState::Failed, Some(&error.to_string()))?;
                if step.continues {
                    return Ok(json!({"error": error}));
                }
                return Err(step.failed(error));
            }
        }
    }
    Err(Error::bug(WHAT, "a step had no end"))
}

/// What a step gave, with the verb that gave it.
fn with_action(step: &Step, output: Value) -> Value {
    let Value::Object(fields) = output else { return output };
    let action = ("action".to_owned(), json!(step.verb.words()));
    std::iter::once(action).chain(fields.into_iter().filter(|(name, _)| name != "action")).collect()
}

/// The progress of one step: its effects are told from those of the others.
struct Inner<'a> {
    outer: &'a dyn Progress,
    step: &'a str,
}

impl Progress for Inner<'_> {
    fn report(&self, report: &Report) {
        let note = match &report.note {
            Some(note) => format!("{}: {note}", self.step),
            None => self.step.to_owned(),
        };
        self.outer.report(&Report { note: Some(note), ..report.clone() });
    }

    fn cancelled(&self) -> &AtomicBool {
        self.outer.cancelled()
    }

    fn effect(&self, key: &str, state: EffectState, detail: Option<&str>) -> Result<()> {
        self.outer.effect(&format!("{}: {key}", self.step), state, detail)
    }

    fn done_before(&self, key: &str) -> Result<Option<String>> {
        self.outer.done_before(&format!("{}: {key}", self.step))
    }

    fn got_further(&self) {
        self.outer.got_further();
    }
}
