//! The command line, made from the verbs.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use clap_complete::Shell;
use rushes_actions::ACTIONS;
use rushes_media::{Error, Result};
use rushes_ops::{frame_operations, pair_operations};
use serde_json::{Value, json};

/// The first word of a worker process. The command line does not know it: what
/// is hidden there is listed all the same when a verb is missing.
pub const WORKER: &str = "worker";

const ABOUT: &str = "Rushes indexes, searches and plays any folder of media";

const AFTER_HELP: &str = "\
Exit codes:
  0  done
  1  done, but some items failed (they are listed)
  2  wrong usage
  3  not found            7  denied
  4  unsupported          8  unavailable, or cancelled
  5  corrupt              9  conflict
  6  over a limit        10  a mistake in Rushes";

/// The groups that two-word verbs are in.
const GROUPS: &[(&str, &str)] = &[
    ("paths", "The registered roots"),
    ("destinations", "The folders that copies were made in"),
    ("jobs", "The job log"),
    ("batches", "The folders that assets are in"),
];

/// The whole command.
pub fn command() -> Command {
    let mut command = Command::new("rushes")
        .version(env!("CARGO_PKG_VERSION"))
        .about(ABOUT)
        .after_help(AFTER_HELP)
        .subcommand_required(true)
        .arg_required_else_help(true)
        .arg(
            Arg::new("home")
                .long("home")
                .value_name("DIR")
                .global(true)
                .value_parser(value_parser!(PathBuf))
                .help("Folder of the catalogue and previews [default: $RUSHES_HOME, else the platform's data folder]"),
        )
        .arg(
            Arg::new("json")
                .long("json")
                .global(true)
                .action(ArgAction::SetTrue)
                .help("Print one JSON document on standard output and nothing else there"),
        );
    let mut groups: Vec<Command> = GROUPS
        .iter()
        .map(|(name, about)| {
            Command::new(*name).about(*about).subcommand_required(true).arg_required_else_help(true)
        })
        .collect();
    for verb in ACTIONS {
        let Some((last, group)) = verb.name.split_last() else { continue };
        let mut subcommand = (verb.arguments)(Command::new(*last)).about(verb.summary);
        if verb.changes {
            subcommand = subcommand.arg(
                Arg::new("dry-run")
                    .long("dry-run")
                    .action(ArgAction::SetTrue)
                    .help("Print what it would do, and do nothing"),
            );
        }
        subcommand = match &*verb.words() {
            "search" => subcommand.after_help(filters()),
            "convert" => subcommand.after_help(operations()),
            _ => subcommand,
        };
        match groups.iter_mut().find(|command| Some(&command.get_name()) == group.first()) {
            Some(group) => *group = std::mem::take(group).subcommand(subcommand),
            None => command = command.subcommand(subcommand),
        }
    }
    command
        .subcommands(groups)
        .subcommand(crate::serve::subcommand())
        .subcommand(
            Command::new("completions")
                .about("Print completions for a shell")
                .arg(Arg::new("shell").required(true).value_parser(value_parser!(Shell))),
        )
        .subcommand(
            Command::new("man")
                .about("Write the man pages into a folder")
                .arg(Arg::new("folder").required(true).value_parser(value_parser!(PathBuf))),
        )
}

/// The command line as it is parsed: the words of a search behind all of its
/// options and as one text. The parser itself would let no word begin with a
/// single `-`, or would take every option that follows a word for another word.
pub fn arguments(given: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let command = command();
    let mut given = given.peekable();
    let mut parsed: Vec<OsString> = given.next().into_iter().collect();
    let mut verb = None;
    let mut words: Vec<OsString> = Vec::new();
    while let Some(argument) = given.next() {
        let is_option = argument.as_encoded_bytes().starts_with(b"--") || argument == "-h";
        if argument == "--" && verb.is_some() {
            words.extend(given);
            break;
        } else if is_option {
            let has_value = takes_value(&command, &argument)
                || verb.is_some_and(|verb| takes_value(verb, &argument));
            parsed.push(argument);
            parsed.extend(given.next_if(|_| has_value));
        } else if verb.is_some() {
            words.push(argument);
        } else {
            let is_search = argument == "search";
            parsed.push(argument);
            if !is_search {
                parsed.extend(given);
                return parsed;
            }
            verb = command.find_subcommand("search");
        }
    }
    if !words.is_empty() {
        parsed.extend(["--".into(), words.join(OsStr::new(" "))]);
    }
    parsed
}

/// Whether what follows this option is its value.
fn takes_value(command: &Command, option: &OsStr) -> bool {
    let long = option.to_str().and_then(|option| option.strip_prefix("--"));
    long.is_some_and(|long| {
        command
            .get_arguments()
            .any(|known| known.get_long() == Some(long) && known.get_action().takes_values())
    })
}

/// The filters of the search language, as help text.
fn filters() -> String {
    let rows = rushes_catalog::FILTERS.iter();
    rows.fold(
        String::from("Filters (a - before one turns it round):\n"),
        |text, (_, example, does)| text + &format!("  {example:<24} {does}\n"),
    ) + "What has spaces stands in quotes, in which \\\" is a quote and \\\\ a backslash.\n"
}

/// The operations that change a frame, with their parameters, as help text.
fn operations() -> String {
    let mut text = String::from("Filters:\n");
    let with_file = pair_operations().map(|(operation, maker)| (operation, maker.schema(), true));
    let alone = frame_operations();
    // A table may be a file too.
    let alone = alone.map(|(it, maker)| (it, maker.schema(), it.name == "lut"));
    let mut all: Vec<_> = alone.chain(with_file).collect();
    all.sort_by_key(|(operation, ..)| operation.name);
    for (operation, schema, takes_file) in all {
        let properties = schema.get("properties").and_then(Value::as_object);
        let own = properties.into_iter().flat_map(|all| all.keys()).map(String::as_str);
        let mut names: Vec<&str> = own.chain(takes_file.then_some("file")).collect();
        names.sort_unstable();
        text += &format!("  {:<14} {}\n", operation.name, operation.summary);
        if !names.is_empty() {
            text += &format!("  {:<14}   {}\n", "", names.join(", "));
        }
    }
    text
}

/// The words of the chosen verb, and its own matches.
pub fn chosen(matches: &ArgMatches) -> (String, &ArgMatches) {
    let mut words = Vec::new();
    let mut inner = matches;
    while let Some((word, matches)) = inner.subcommand() {
        words.push(word);
        inner = matches;
    }
    (words.join(" "), inner)
}

/// The most workers that the command line asks for anywhere.
pub fn most_workers(matches: &ArgMatches) -> usize {
    let (_, inner) = chosen(matches);
    let asked = inner.try_get_one::<u32>("workers").ok().flatten();
    asked.map_or(0, |workers| *workers as usize)
}

/// Which word is missing, by the help that is shown in its place.
pub fn missing_word(help: &str) -> String {
    let usage = help.lines().find_map(|line| line.strip_prefix("Usage: ")).unwrap_or_default();
    let words: Vec<&str> =
        usage.split(' ').take_while(|word| !word.starts_with(['[', '<'])).collect();
    let whole = command();
    let group = words.iter().skip(1).try_fold(&whole, |group, word| group.find_subcommand(word));
    let names: Vec<&str> =
        group.unwrap_or(&whole).get_subcommands().map(Command::get_name).collect();
    format!("after \"{}\" one of these is missing: {}", words.join(" "), names.join(", "))
}

/// Prints completions for the shell that was named.
pub fn print_completions(matches: &ArgMatches, as_json: bool) -> Result<ExitCode> {
    let shell = matches.get_one::<Shell>("shell").copied().unwrap_or(Shell::Bash);
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut command(), "rushes", &mut text);
    let text = String::from_utf8_lossy(&text);
    crate::print(&if as_json {
        format!("{}\n", json!({ "completions": text }))
    } else {
        text.into()
    })?;
    Ok(ExitCode::SUCCESS)
}

/// Writes a man page for the command and each of its verbs.
pub fn write_man_pages(matches: &ArgMatches, as_json: bool) -> Result<ExitCode> {
    let folder = matches.get_one::<PathBuf>("folder").cloned().unwrap_or_default();
    let failed = |error: std::io::Error| Error::io("writing the man pages", &error).at(&folder);
    std::fs::create_dir_all(&folder).map_err(failed)?;
    let mut command = command().disable_help_subcommand(true);
    command.build();
    let mut written = Vec::new();
    write_pages(&command, &folder, &mut written).map_err(failed)?;
    if as_json {
        crate::print(&format!("{}\n", json!({ "written": written })))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The page of this command, after those of its own commands.
fn write_pages(command: &Command, folder: &Path, written: &mut Vec<String>) -> std::io::Result<()> {
    for inner in command.get_subcommands() {
        write_pages(inner, folder, written)?;
    }
    // Each page is of the one program, whichever of its commands it is about.
    let page = clap_mangen::Man::new(command.clone())
        .source(concat!("rushes ", env!("CARGO_PKG_VERSION")))
        .manual("Rushes");
    let path = page.generate_to(folder)?;
    written.push(rushes_media::display_name(path.as_os_str().as_encoded_bytes()));
    Ok(())
}
