//! The `rushes` command: a thin door to the verbs.

mod cli;
mod progress;
mod serve;

use std::ffi::OsString;
use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::AtomicBool;

use clap::ArgMatches;
use rushes_actions::{Authority, Context, Engine, Verb, tasks};
use rushes_jobs::run_now;
use rushes_media::{Error, ErrorKind, Limits, Result};
use rushes_sandbox::{Launch, Pool};
use rushes_store::Home;
use serde_json::{Value, json};

/// Set when the person asks the command to stop.
static STOP: AtomicBool = AtomicBool::new(false);

fn main() -> ExitCode {
    if std::env::args_os().nth(1).is_some_and(|word| word == cli::WORKER) {
        return rushes_sandbox::serve(tasks::TASKS, tasks::warm);
    }
    let matches = match cli::command().try_get_matches_from(cli::arguments(std::env::args_os())) {
        Ok(matches) => matches,
        Err(error) => {
            // Help and version go to standard output and are no failure.
            let failed = error.use_stderr();
            let as_json =
                std::env::args_os().take_while(|word| word != "--").any(|word| word == "--json");
            if as_json {
                drop(print(&format!("{}\n", told(&error))));
            }
            if failed || !as_json {
                drop(error.print());
            }
            return ExitCode::from(if failed { ErrorKind::Invalid.exit_code() } else { 0 });
        }
    };
    let as_json = matches.get_flag("json");
    match run(&matches, as_json) {
        Ok(code) => code,
        Err(error) => {
            if as_json {
                drop(print(&format!("{}\n", json!({ "error": error }))));
            }
            drop(writeln!(std::io::stderr(), "rushes: {error}"));
            ExitCode::from(error.kind.exit_code())
        }
    }
}

fn run(matches: &ArgMatches, as_json: bool) -> Result<ExitCode> {
    let (words, verb_matches) = cli::chosen(matches);
    match words.as_str() {
        "completions" => return cli::print_completions(verb_matches, as_json),
        "man" => return cli::write_man_pages(verb_matches, as_json),
        _ => {}
    }
    let engine = engine(matches)?;
    if words == "serve" {
        return serve::serve(engine, verb_matches, as_json);
    }
    let verb = rushes_actions::find(&words)
        .ok_or_else(|| Error::bug("choosing a verb", format!("nothing does {words:?}")))?;
    let params = (verb.from_arguments)(verb_matches)?;
    catch_interrupts()?;
    if verb.changes && verb_matches.get_flag("dry-run") {
        let context = Context {
            engine: &engine,
            authority: Authority::Local,
            progress: &progress::Stoppable::new(&STOP),
        };
        let plan = (verb.plan)(&context, &params, true)?;
        print(&if as_json { format!("{}\n", json!({ "plan": plan })) } else { plan.text() })?;
        return Ok(ExitCode::SUCCESS);
    }
    let output =
        if verb.as_job { run_job(&engine, verb, &params)? } else { apply(&engine, verb, &params)? };
    print(&if as_json { format!("{output}\n") } else { (verb.text)(&output)? })?;
    Ok(ExitCode::from((verb.exit_code)(&output)?))
}

/// What the parser of the command line says instead of running anything.
fn told(error: &clap::Error) -> Value {
    use clap::error::ErrorKind as Usage;
    match error.kind() {
        Usage::DisplayHelp => json!({ "help": error.to_string() }),
        Usage::DisplayVersion => json!({ "version": env!("CARGO_PKG_VERSION") }),
        _ => {
            let what = "reading the command line";
            let error = Error::new(ErrorKind::Invalid, what, usage_mistake(error));
            json!({ "error": error.remedy("see rushes help") })
        }
    }
}

/// What is wrong with the command line, in one line.
fn usage_mistake(error: &clap::Error) -> String {
    use clap::error::ErrorKind as Usage;
    let text = error.to_string();
    if error.kind() == Usage::DisplayHelpOnMissingArgumentOrSubcommand {
        return cli::missing_word(&text);
    }
    // What it is about stands on the lines that follow, up to an empty one.
    let lines: Vec<&str> =
        text.lines().map(str::trim).take_while(|line| !line.is_empty()).collect();
    match lines.join(" ") {
        line if line.is_empty() => error.kind().to_string(),
        line => line.trim_start_matches("error: ").to_owned(),
    }
}

fn apply(engine: &Engine, verb: &Verb, params: &Value) -> Result<Value> {
    let watch = progress::Stoppable::new(&STOP);
    let context = Context { engine, authority: Authority::Local, progress: &watch };
    (verb.apply)(&context, params)
}

/// Runs it as a job, with a bar.
fn run_job(engine: &Engine, verb: &Verb, params: &Value) -> Result<Value> {
    let bar = progress::Bar::new(std::io::stderr().is_terminal());
    let result = run_now(engine, "command", verb, params, &|job| bar.show(job), &STOP);
    bar.finish();
    result
}

fn engine(matches: &ArgMatches) -> Result<Engine> {
    let given = matches.get_one::<PathBuf>("home").cloned().or_else(|| {
        // Set but empty means not set.
        std::env::var_os("RUSHES_HOME").filter(|home| !home.is_empty()).map(PathBuf::from)
    });
    let home = match given {
        Some(path) => Home::at(
            std::path::absolute(path).map_err(|e| Error::io("finding the home folder", &e))?,
        ),
        None => Home::of_platform()?,
    };
    let limits = Limits::default();
    let launch = Launch {
        program: PathBuf::from("/proc/self/exe"),
        args: vec![OsString::from(cli::WORKER)],
    };
    let processors = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
    let pool = Pool::new(launch, processors.max(cli::most_workers(matches)), limits);
    Ok(Engine::new(home, rushes_jobs::open_queue, pool, limits))
}

/// Prints, and ends quietly when nobody reads any more.
fn print(text: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        written => written.map_err(|error| Error::io("printing", &error)),
    }
}

/// The first Ctrl-C asks to stop; a second one ends the process as usual.
fn catch_interrupts() -> Result<()> {
    progress::on_interrupt(&STOP).map_err(|error| Error::io("watching for Ctrl-C", &error))
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;

    use rushes_actions::ACTIONS;

    use super::*;

    #[test]
    fn every_verb_can_be_reached() {
        let command = cli::command();
        for verb in ACTIONS {
            let mut found = Some(&command);
            for word in verb.name {
                found = found.and_then(|command| command.find_subcommand(word));
            }
            let found = found.unwrap_or_else(|| panic!("{} is missing", verb.words()));
            assert!(found.get_about().is_some());
        }
        cli::command().debug_assert();
    }

    #[test]
    fn the_words_of_a_search_are_one_text() {
        for (given, parsed) in [
            ("search golden gate", "search|--|golden gate"),
            ("search -tag:rejected", "search|--|-tag:rejected"),
            ("search golden -tag:rejected", "search|--|golden -tag:rejected"),
            ("search a --limit 5 b --json c", "search|--limit|5|--json|--|a b c"),
            ("search a --limit=5 b", "search|--limit=5|--|a b"),
            ("--home x search a --home y b", "--home|x|search|--home|y|--|a b"),
            ("--json search --cursor -x a", "--json|search|--cursor|-x|--|a"),
            ("search a --unheard-of b", "search|--unheard-of|--|a b"),
            ("search -- --limit 5", "search|--|--limit 5"),
            ("search a -h", "search|-h|--|a"),
            ("search --limit", "search|--limit"),
            ("search", "search"),
            ("", ""),
            ("--home search show a b", "--home|search|show|a|b"),
            ("show search -x a", "show|search|-x|a"),
            ("probe -- -a b", "probe|--|-a|b"),
        ] {
            let given = ["rushes"].into_iter().chain(given.split_whitespace());
            let found = cli::arguments(given.map(OsString::from)).join(OsStr::new("|"));
            let expected = if parsed.is_empty() { "rushes" } else { &format!("rushes|{parsed}") };
            assert_eq!(found.to_str(), Some(expected));
        }
    }
}
