//! What a verb is: its parameters, its plan and its apply, defined once. The
//! command, the HTTP routes with their schema and the job log are made from it.

use std::fmt::Write as _;

use clap::builder::{OsStringValueParser, TypedValueParser};
use clap::{ArgMatches, Args, Command};
use rushes_media::{Error, ErrorKind, Result};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::context::Context;

/// Reads a path from the command line, where it may be any bytes.
pub(crate) fn path_parser() -> impl TypedValueParser<Value = String> {
    OsStringValueParser::new().try_map(|path| rushes_media::give_path(&path))
}

/// A verb. Its type is its parameters; the doc comments on the fields are the
/// help text of the command and the descriptions of the HTTP schema.
pub trait Action: Args + Serialize + DeserializeOwned + JsonSchema + Send + Sync + 'static {
    /// Its words: `["paths", "add"]`.
    const NAME: &'static [&'static str];
    /// One line that says what it does.
    const SUMMARY: &'static str;
    /// Where HTTP reaches it.
    const ROUTE: Route;
    /// Whether it changes anything.
    const CHANGES: bool;
    /// Whether it runs as a job of the queue.
    const AS_JOB: bool = false;
    /// What it gives back.
    type Output: Serialize + DeserializeOwned + JsonSchema;

    /// What it would do, as a list a person can read. Changes nothing.
    ///
    /// # Errors
    /// When the parameters do not make sense here and now.
    fn plan(&self, context: &Context<'_>) -> Result<Plan>;

    /// The plan in full detail, for a dry run. It may take as long as the
    /// action itself. Changes nothing.
    ///
    /// # Errors
    /// As for `plan`.
    fn rehearse(&self, context: &Context<'_>) -> Result<Plan> {
        self.plan(context)
    }

    /// Does it.
    ///
    /// # Errors
    /// As its own docs say; what was done before an error stays done and is
    /// in the effect log.
    fn apply(&self, context: &Context<'_>) -> Result<Self::Output>;

    /// The output as text for a person.
    fn text(output: &Self::Output) -> String;

    /// How many items of the output failed. More than none makes the command
    /// end with exit code 1.
    fn failures(_output: &Self::Output) -> u64 {
        0
    }

    /// How the command ends: 0, or 1 when items failed, unless another program's
    /// codes are kept.
    fn exit_code(output: &Self::Output) -> u8 {
        u8::from(Self::failures(output) > 0)
    }

    /// The parameters as another process would understand them: what the
    /// command line gave relative to its folder made absolute.
    #[must_use]
    fn made_absolute(self) -> Self {
        self
    }

    /// The parameters, made of another form in which they may come too.
    #[must_use]
    fn understood(given: Map<String, Value>) -> Map<String, Value> {
        given
    }

    /// One line that names this job among others: `Scan Footage`.
    fn title(&self) -> String {
        Self::NAME.join(" ")
    }

    /// Jobs with the same key are not queued twice.
    fn job_key(&self) -> Option<String> {
        None
    }
}

/// Where HTTP reaches a verb, below `/api/v1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route {
    /// `GET`, `POST` or `DELETE`.
    pub method: &'static str,
    /// `/assets/{id}`; the names in braces are parameters of the verb.
    pub path: &'static str,
}

/// What an action would do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Plan {
    /// All of it in one line.
    pub summary: String,
    /// Each effect, in order.
    pub effects: Vec<Effect>,
    /// How many more effects there are than are listed.
    #[serde(default)]
    pub more: u64,
}

/// One thing that an action would do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Effect {
    /// Names it within the job, the same on every attempt.
    pub key: String,
    /// What it does, for a person.
    pub does: String,
}

impl Plan {
    /// Effects that a plan lists one by one; what goes beyond is counted.
    pub const LISTED: usize = 10_000;

    /// A plan that changes nothing.
    #[must_use]
    pub fn reads(summary: impl Into<String>) -> Plan {
        Plan { summary: summary.into(), effects: Vec::new(), more: 0 }
    }

    /// Adds an effect, or counts it when the list is full.
    pub fn push(&mut self, key: impl Into<String>, does: impl Into<String>) {
        if self.effects.len() < Plan::LISTED {
            self.effects.push(Effect { key: key.into(), does: does.into() });
        } else {
            self.more += 1;
        }
    }

    /// The plan as text for a person.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = format!("Plan: {}\n", self.summary);
        for effect in &self.effects {
            let _ = writeln!(text, "  {}", effect.does);
        }
        if self.more > 0 {
            let _ = writeln!(text, "  ... and {} more", self.more);
        }
        text
    }
}

/// A verb with its types erased: one row of the registry.
#[derive(Clone, Copy)]
pub struct Verb {
    /// Its words.
    pub name: &'static [&'static str],
    /// One line that says what it does.
    pub summary: &'static str,
    /// Where HTTP reaches it.
    pub route: Route,
    /// Whether it changes anything.
    pub changes: bool,
    /// Whether it runs as a job.
    pub as_job: bool,
    /// JSON Schema of the parameters.
    pub params_schema: fn(&mut SchemaGenerator) -> Schema,
    /// JSON Schema of the output.
    pub output_schema: fn(&mut SchemaGenerator) -> Schema,
    /// Adds the parameters to a command.
    pub arguments: fn(Command) -> Command,
    /// Reads the parameters from a parsed command line.
    pub from_arguments: fn(&ArgMatches) -> Result<Value>,
    /// The same parameters as another process would understand them.
    pub made_absolute: fn(&Value) -> Result<Value>,
    /// The plan; in full when the second argument says so.
    pub plan: fn(&Context<'_>, &Value, bool) -> Result<Plan>,
    /// Does it.
    pub apply: fn(&Context<'_>, &Value) -> Result<Value>,
    /// The output as text.
    pub text: fn(&Value) -> Result<String>,
    /// How the command ends.
    pub exit_code: fn(&Value) -> Result<u8>,
    /// The parameters, made of another form in which they may come too.
    pub understood: fn(Map<String, Value>) -> Map<String, Value>,
    /// The job's title.
    pub title: fn(&Value) -> Result<String>,
    /// The job's key.
    pub job_key: fn(&Value) -> Result<Option<String>>,
}

impl Verb {
    /// The row for this action.
    #[must_use]
    pub const fn of<A: Action>() -> Verb {
        Verb {
            name: A::NAME,
            summary: A::SUMMARY,
            route: A::ROUTE,
            changes: A::CHANGES,
            as_job: A::AS_JOB,
            params_schema: A::json_schema,
            output_schema: A::Output::json_schema,
            arguments: A::augment_args,
            from_arguments: |matches| {
                let action = A::from_arg_matches(matches).map_err(|error| {
                    Error::new(ErrorKind::Invalid, "reading the arguments", error.to_string())
                })?;
                to_value(&action.made_absolute())
            },
            made_absolute: |params| to_value(&params_of::<A>(params)?.made_absolute()),
            plan: |context, params, full| {
                let action: A = params_of(params)?;
                if full { action.rehearse(context) } else { action.plan(context) }
            },
            apply: |context, params| to_value(&params_of::<A>(params)?.apply(context)?),
            text: |output| Ok(A::text(&output_of::<A>(output)?)),
            exit_code: |output| Ok(A::exit_code(&output_of::<A>(output)?)),
            understood: A::understood,
            title: |params| Ok(params_of::<A>(params)?.title()),
            job_key: |params| Ok(params_of::<A>(params)?.job_key()),
        }
    }

    /// Its words with a space between them, also the kind of its jobs.
    #[must_use]
    pub fn words(&self) -> String {
        self.name.join(" ")
    }
}

fn params_of<A: Action>(params: &Value) -> Result<A> {
    let invalid = |why: String| {
        let what = format!("reading the parameters of {}", A::NAME.join(" "));
        Error::new(ErrorKind::Invalid, what, why)
            .remedy("see /openapi.json for their names and types")
    };
    let params = match params {
        Value::Object(given) => &Value::Object(A::understood(given.clone())),
        other => other,
    };
    let action = serde_json::from_value(params.clone()).map_err(|e| invalid(e.to_string()))?;
    out_of_bounds::<A>(params).map_or(Ok(action), |why| Err(invalid(why)))
}

/// What is wrong with a number that is smaller or larger than the schema says.
/// The command line refuses it earlier; other doors have only the schema.
fn out_of_bounds<A: Action>(params: &Value) -> Option<String> {
    let schema = A::json_schema(&mut SchemaGenerator::default());
    let properties = schema.get("properties")?.as_object()?;
    params.as_object()?.iter().find_map(|(name, value)| {
        let (number, property) = (value.as_f64()?, properties.get(name)?);
        let bound = |word| property.get(word).and_then(Value::as_f64);
        if bound("minimum").is_some_and(|least| number < least) {
            Some(format!("{name} is {value}, and at least {} is needed", property["minimum"]))
        } else if bound("maximum").is_some_and(|most| number > most) {
            Some(format!("{name} is {value}, and {} is the most", property["maximum"]))
        } else {
            None
        }
    })
}

fn output_of<A: Action>(output: &Value) -> Result<A::Output> {
    serde_json::from_value(output.clone()).map_err(|error| Error::bug("reading an output", error))
}

fn to_value<T: Serialize>(value: &T) -> Result<Value> {
    serde_json::to_value(value).map_err(|error| Error::bug("writing a value as JSON", error))
}
