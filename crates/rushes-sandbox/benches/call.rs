//! What one call of a worker costs, beside the task itself, as a ratio to
//! the cheapest thing it can be compared with: one byte to another thread and
//! back over a socket. This program is its own child.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::AsFd as _;
use std::os::unix::net::UnixStream;
use std::process::ExitCode;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use rushes_media::{Limits, Result};
use rushes_sandbox::{Launch, Pool, Reply, serve};
use serde_json::{Value, json};

const ROUNDS: usize = 1_500;

fn main() -> ExitCode {
    if std::env::args().nth(1).as_deref() == Some("worker") {
        return serve(&[("echo", echo), ("blob", blob)], || {});
    }
    match measure() {
        Ok(report) => {
            // A benchmark's product is what it prints.
            let _ = write!(std::io::stdout(), "{report}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "{error}");
            ExitCode::FAILURE
        }
    }
}

fn echo(params: Value, _: &mut [File], _: &Limits) -> Result<Reply> {
    Ok(Reply { value: params, blobs: vec![] })
}

fn blob(_: Value, _: &mut [File], _: &Limits) -> Result<Reply> {
    Ok(Reply { value: Value::Null, blobs: vec![vec![7; 1 << 20]] })
}

fn measure() -> Result<String> {
    let io = |error: std::io::Error| rushes_media::Error::io("measuring", &error);
    let program = std::env::current_exe().map_err(io)?;
    let launch = Launch { program, args: vec!["worker".into()] };
    let pool = Pool::new(launch, 1, Limits::default());
    let file = File::open("/dev/null").map_err(io)?;
    let never = AtomicBool::new(false);
    let params = json!({"path": "a", "want": ["probe", "thumbnail"]});

    let started = Instant::now();
    pool.call("echo", &params, &[], &never)?;
    let start = started.elapsed();

    let plain = median(|| pool.call("echo", &params, &[], &never).map(drop))?;
    let with_file = median(|| pool.call("echo", &params, &[file.as_fd()], &never).map(drop))?;
    let with_blob = median(|| pool.call("blob", &params, &[], &never).map(drop))?;
    let baseline = byte_and_back().map_err(io)?;

    let line = |name: &str, took: Duration| {
        let ratio = took.as_secs_f64() / baseline.as_secs_f64();
        format!("{name:<28}{:>9.1} us {ratio:>8.1} x\n", took.as_secs_f64() * 1e6)
    };
    Ok([
        line("one byte to a thread", baseline),
        line("call", plain),
        line("call with a file", with_file),
        line("call with a 1 MiB blob", with_blob),
        line("start of a worker", start),
    ]
    .concat())
}

fn median(mut call: impl FnMut() -> Result<()>) -> Result<Duration> {
    let mut took = Vec::with_capacity(ROUNDS);
    for _ in 0..ROUNDS / 4 {
        let started = Instant::now();
        call()?;
        took.push(started.elapsed());
    }
    took.sort_unstable();
    Ok(took.get(took.len() / 2).copied().unwrap_or_default())
}

fn byte_and_back() -> std::io::Result<Duration> {
    let (mut here, mut there) = UnixStream::pair()?;
    let echo = std::thread::spawn(move || {
        let mut byte = [0];
        while there.read_exact(&mut byte).is_ok() && there.write_all(&byte).is_ok() {}
    });
    let started = Instant::now();
    for _ in 0..ROUNDS {
        let mut byte = [1];
        here.write_all(&byte)?;
        here.read_exact(&mut byte)?;
    }
    let took = started.elapsed();
    drop(here);
    // It ends with its socket; a panic in it would have shown above.
    let _ = echo.join();
    Ok(took / ROUNDS as u32)
}
