//! `rushes serve`: the API, the dashboard and the workers.

use std::net::{SocketAddr, ToSocketAddrs as _};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use rushes_actions::Engine;
use rushes_actions::uploads::UploadRules;
use rushes_media::{Error, ErrorKind, Result};
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
                .help(
                    "Address or name to listen on, with the port; all but loopback ask for a \
                     token, which is printed once",
                ),
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
        .arg(Arg::new("uploads-to").long("uploads-to").value_name("ROOT").help(
            "Let clients send files, to the folder _INCOMING of this registered root, given \
                     by name or path; without it nobody may",
        ))
        .arg(
            Arg::new("upload-max-gb")
                .long("upload-max-gb")
                .value_name("GB")
                .default_value("100")
                .value_parser(value_parser!(u32).range(1..))
                .help("The largest file that a client may send, in gigabytes"),
        )
        .arg(
            Arg::new("upload-quota-gb")
                .long("upload-quota-gb")
                .value_name("GB")
                .default_value("500")
                .value_parser(value_parser!(u32).range(1..))
                .help("What files that are still arriving may hold together, in gigabytes"),
        )
}

/// Serves until somebody stops it. The last line it prints is the address.
pub fn serve(engine: Engine, matches: &ArgMatches, as_json: bool) -> Result<ExitCode> {
    let bind =
        matches.get_one::<String>("bind").ok_or_else(|| Error::bug("serving", "no address"))?;
    let addresses = addresses_of(bind)?;
    let workers = matches.get_one::<u32>("workers").map_or(3, |workers| *workers as usize);
    if let Some(rate) = matches.get_one::<u32>("hash-rate-mb-per-sec") {
        engine.limit_hash_rate(*rate);
    }
    let mut allow_hosts: Vec<String> =
        matches.get_many::<String>("allow-host").into_iter().flatten().cloned().collect();
    // Who binds a name calls the server by it.
    if bind.parse::<SocketAddr>().is_err()
        && let Some((name, _)) = bind.rsplit_once(':')
    {
        allow_hosts.push(name.to_owned());
    }
    let allow_roots_in =
        matches.get_many::<PathBuf>("allow-roots-in").into_iter().flatten().cloned().collect();
    let uploads = matches.get_one::<String>("uploads-to").map(|to| UploadRules {
        to: to.clone(),
        max_bytes: gigabytes(matches, "upload-max-gb", 100),
        quota_bytes: gigabytes(matches, "upload-quota-gb", 500),
    });
    let settings =
        Settings { bind: addresses, workers, allow_hosts, allow_roots_in, uploads, token: None };
    rushes_server::serve(
        engine,
        &settings,
        |ready| announce(ready, as_json),
        rushes_server::interrupted(),
    )?;
    Ok(ExitCode::SUCCESS)
}

/// Bytes of so many gigabytes.
fn gigabytes(matches: &ArgMatches, name: &str, usual: u32) -> u64 {
    u64::from(matches.get_one(name).copied().unwrap_or(usual)) * 1_000_000_000
}

/// All addresses that this stands for.
fn addresses_of(bind: &str) -> Result<Vec<SocketAddr>> {
    let what = "finding the address to listen on";
    let found = bind.to_socket_addrs().map(Vec::from_iter);
    match found {
        Ok(addresses) if !addresses.is_empty() => Ok(addresses),
        Err(error) if error.kind() == std::io::ErrorKind::InvalidInput => {
            Err(Error::new(ErrorKind::Invalid, what, format!("{bind:?} is no address: {error}"))
                .remedy("write it like 127.0.0.1:8080, [::1]:8080 or localhost:8080"))
        }
        failed => {
            let why = failed.err().map_or_else(|| "there is none".into(), |e| e.to_string());
            Err(Error::new(ErrorKind::Unavailable, what, format!("{bind:?}: {why}"))
                .remedy("give the address itself, or a name that this machine can look up"))
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_addresses_to_listen_on() {
        let one = |text: &str| vec![text.parse::<SocketAddr>().unwrap()];
        assert_eq!(addresses_of("127.0.0.1:8080").unwrap(), one("127.0.0.1:8080"));
        assert_eq!(addresses_of("[::1]:0").unwrap(), one("[::1]:0"));
        let local = addresses_of("localhost:8080").unwrap();
        assert!(!local.is_empty());
        assert!(local.iter().all(|found| found.ip().is_loopback() && found.port() == 8080));
        for (bind, kind) in [
            ("", ErrorKind::Invalid),
            ("localhost", ErrorKind::Invalid),
            ("127.0.0.1", ErrorKind::Invalid),
            ("localhost:http", ErrorKind::Invalid),
            ("localhost:65536", ErrorKind::Invalid),
            (":8080", ErrorKind::Unavailable),
        ] {
            assert_eq!(addresses_of(bind).unwrap_err().kind, kind, "{bind:?}");
        }
    }
}
