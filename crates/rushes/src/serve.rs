//! `rushes serve`: the API, the dashboard and the workers.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use rushes_actions::Engine;
use rushes_media::{Error, Result};
use rushes_server::{Ready, Settings};
use serde_json::json;

/// The subcommand.
pub fn subcommand() -> Command {
    Command::new("serve")
        .about("Serve the HTTP API and the dashboard, and work the queue")
        .arg(
            Arg::new("bind")
                .long("bind")
                .value_name("ADDRESS")
                .default_value("127.0.0.1:8080")
                .value_parser(value_parser!(SocketAddr))
                .help("Address to listen on; any but a loopback one asks for a token, which is printed once"),
        )
        .arg(
            Arg::new("workers")
                .long("workers")
                .value_name("N")
                .default_value("3")
                .value_parser(value_parser!(u32).range(0..=64))
                .help("Jobs worked on at once; 0 leaves them to other processes"),
        )
        .arg(
            Arg::new("hash-rate-mb-per-sec")
                .long("hash-rate-mb-per-sec")
                .value_name("MB")
                .value_parser(value_parser!(u32).range(1..))
                .help(
                    "Most megabytes a second that hashing in the background reads, so that \
                     others can use the disk too; a job that names its own rate keeps it",
                ),
        )
        .arg(
            Arg::new("allow-host")
                .long("allow-host")
                .value_name("NAME")
                .action(ArgAction::Append)
                .help("A name that this server may be called by, beside its address"),
        )
        .arg(
            Arg::new("allow-roots-in")
                .long("allow-roots-in")
                .value_name("FOLDER")
                .action(ArgAction::Append)
                .value_parser(value_parser!(PathBuf))
                .help(
                    "Let clients register roots only in this folder; without it, any folder on a \
                     loopback address, and none on any other",
                ),
        )
}

/// Serves until somebody stops it. The last line it prints is the address.
pub fn serve(engine: Engine, matches: &ArgMatches, as_json: bool) -> Result<ExitCode> {
    let bind = matches
        .get_one::<SocketAddr>("bind")
        .copied()
        .ok_or_else(|| Error::bug("serving", "no address"))?;
    let workers = matches.get_one::<u32>("workers").map_or(3, |workers| *workers as usize);
    if let Some(rate) = matches.get_one::<u32>("hash-rate-mb-per-sec") {
        engine.limit_hash_rate(*rate);
    }
    let allow_hosts =
        matches.get_many::<String>("allow-host").into_iter().flatten().cloned().collect();
    let allow_roots_in =
        matches.get_many::<PathBuf>("allow-roots-in").into_iter().flatten().cloned().collect();
    let settings = Settings { bind, workers, allow_hosts, allow_roots_in, token: None };
    rushes_server::serve(
        engine,
        &settings,
        |ready| announce(ready, as_json),
        rushes_server::interrupted(),
    )?;
    Ok(ExitCode::SUCCESS)
}

fn announce(ready: &Ready, as_json: bool) {
    if as_json {
        let address = format!("http://{}/", ready.address);
        let told = json!({
            "address": address,
            "needs_token": ready.needs_token,
            "new_token": ready.new_token,
        });
        drop(crate::print(&format!("{told}\n")));
        return;
    }
    let mut text = String::new();
    if let Some(token) = &ready.new_token {
        text += &format!("The token, shown only this once: {token}\n");
    } else if ready.needs_token {
        text += "Clients need the token that was printed at the first start; \
                 to make another, delete the file `token` in the home folder\n";
    }
    text += &format!("Rushes is at http://{}/\n", ready.address);
    // Somebody who closed standard output still wants the server.
    drop(crate::print(&text));
}
