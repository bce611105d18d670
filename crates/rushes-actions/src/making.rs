//! New files that verbs make from media: a worker reads and writes media, its
//! bytes come out through a pipe into a file that has its name only once it is
//! whole.

pub(crate) mod delivery;
pub(crate) mod filters;
pub(crate) mod pipe;
pub(crate) mod reading;

use std::fs::File;
use std::os::fd::{AsFd as _, BorrowedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use rushes_codec::{Sink, Target};
use rushes_media::{Error, ErrorKind, Result, display_name, give_path, path_given};
use rushes_sandbox::Reply;
use serde::Serialize;
use serde_json::Value;

use crate::context::{Authority, Context, Report};
use crate::queue::EffectState;
use delivery::Delivery;
use pipe::Told;

/// The key of the one effect of making a file.
pub(crate) const WRITE: &str = "write";

/// The number of the first of numbered files, where none is stated.
pub(crate) fn first() -> u64 {
    1
}

/// The path without links and dots; from the network one beneath a root.
///
/// # Errors
/// `NotFound` and those of the file system, `Denied` for what the network may
/// not name.
pub(crate) fn allowed(context: &Context<'_>, what: &str, given: &Path) -> Result<PathBuf> {
    let path = std::fs::canonicalize(given);
    if context.authority == Authority::Local {
        return path.map_err(|error| Error::io(what, &error).at(given));
    }
    let roots = context.engine.catalog()?.roots()?;
    let is_beneath = |path: &PathBuf| roots.iter().any(|root| path.starts_with(&root.path));
    path.ok().filter(is_beneath).ok_or_else(|| {
        Error::new(ErrorKind::Denied, what, "it is not beneath a registered root").at(given)
    })
}

/// What is to be made.
pub(crate) struct Output {
    pub(crate) path: PathBuf,
    pub(crate) target: Target,
}

/// The new file, or files that count from `start`, in a folder that is there; it
/// is none of the inputs, and its name taken only where it is to be replaced.
///
/// # Errors
/// `Invalid` for no name or an input's, `Conflict` when the name is taken; as
/// for [`allowed`].
pub(crate) fn output(
    context: &Context<'_>,
    what: &str,
    given: &str,
    start: u64,
    inputs: &[&File],
    overwrite: bool,
) -> Result<Output> {
    let given = path_given(given)?;
    let name = given.file_name().ok_or_else(|| {
        Error::new(ErrorKind::Invalid, what, "the new file has no name").at(&given)
    })?;
    let folder = match given.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let path = allowed(context, what, folder)?.join(name);
    let target = Target::of(&path, start)?;
    delivery::check(&path, &target, inputs, overwrite).map_err(|error| match error.kind {
        ErrorKind::Conflict => error.remedy("give the new file another name, or pass --overwrite"),
        _ => error,
    })?;
    Ok(Output { path, target })
}

/// The error of a new file that is one of those that are read.
pub(crate) fn is_own(what: &str, output: &Path) -> Error {
    Error::new(ErrorKind::Invalid, what, "it would replace a file that it is made from")
        .remedy("give the new file another name")
        .at(output)
}

/// The same path from wherever the work is done.
pub(crate) fn make_absolute(given: &mut String) {
    if let Ok(path) = path_given(given).map(std::path::absolute)
        && let Ok(Ok(path)) = path.map(|path| give_path(path.as_os_str()))
    {
        *given = path;
    }
}

/// A file that a worker makes.
pub(crate) struct Making<'a> {
    /// What is done, for errors: "converting".
    pub(crate) what: &'static str,
    /// What is told beside the progress: "converting clip.mov".
    pub(crate) note: String,
    /// The worker's task and what it is told.
    pub(crate) task: &'static str,
    pub(crate) params: Value,
    pub(crate) inputs: Vec<BorrowedFd<'a>>,
    /// Opens what the worker asks for on the way.
    pub(crate) give: &'a (dyn Fn(u64) -> Result<(File, Vec<u8>)> + Sync),
    pub(crate) output: &'a Output,
    pub(crate) overwrite: bool,
}

impl Making<'_> {
    /// Makes it; how far it came, and its bytes.
    ///
    /// # Errors
    /// The worker's, the disk's, `Conflict` when its name has been taken
    /// meanwhile.
    pub(crate) fn run(self, context: &Context<'_>) -> Result<(Told, u64)> {
        context.progress.effect(WRITE, EffectState::Begun, None)?;
        let Output { path, target } = self.output;
        let delivery = Delivery::begin(path, target.clone(), self.overwrite)?;
        let told = self.fill(context, &mut *delivery.sink())?;
        let size_bytes = delivery.keep()?;
        context.progress.effect(WRITE, EffectState::Done, None)?;
        Ok((told, size_bytes))
    }

    /// Has a worker do it, and puts what it writes into the file.
    fn fill(&self, context: &Context<'_>, sink: &mut dyn Sink) -> Result<Told> {
        let (from, to) = std::io::pipe().map_err(|error| Error::io(self.what, &error))?;
        let end = AtomicBool::new(false);
        let progress = context.progress;
        let (drained, called) = std::thread::scope(|scope| {
            let end = &end;
            let caller = scope.spawn(move || {
                let mut passed = self.inputs.clone();
                passed.push(to.as_fd());
                let converters = context.engine.converters();
                let called =
                    converters.call_giving(self.task, &self.params, &passed, self.give, end);
                // With the last writer's end the pipe ends.
                drop(to);
                called
            });
            let mut tell = |said: &Told| self.tell(context, said);
            let drained = pipe::drain(from.into(), sink, progress.cancelled(), end, &mut tell);
            let panicked = || Err(Error::bug(self.what, "the caller panicked"));
            (drained, caller.join().unwrap_or_else(|_| panicked()))
        });
        context.check_cancelled(self.what)?;
        // What the disk says explains why the worker could not go on.
        let reply: Reply = match (drained, called) {
            (Err(error), _) if error.kind != ErrorKind::Corrupt => return Err(error),
            (_, Err(error)) | (Err(error), _) => return Err(error),
            (Ok(()), Ok(reply)) => reply,
        };
        let told: Told = serde_json::from_value(reply.value).map_err(|_| senseless(self.what))?;
        self.tell(context, &told);
        Ok(told)
    }

    fn tell(&self, context: &Context<'_>, told: &Told) {
        let unit = match told.unit.as_str() {
            "frames" => "frames",
            "ms" => "ms",
            _ => "bytes",
        };
        let note = Some(self.note.clone());
        context.progress.report(&Report { done: told.done, total: told.total, unit, note });
    }
}

/// What a worker is told, as it travels.
///
/// # Errors
/// `Bug` only.
pub(crate) fn to_value(what: &str, order: &impl Serialize) -> Result<Value> {
    serde_json::to_value(order).map_err(|error| Error::bug(what, error))
}

/// What is said of frames that could not be decoded; nothing when none was
/// lost.
pub(crate) fn lost(frames: u64) -> String {
    match frames {
        0 => String::new(),
        frames => format!("  {frames} frames could not be decoded\n"),
    }
}

/// A worker's answer that is none.
pub(crate) fn senseless(what: &str) -> Error {
    Error::new(ErrorKind::Corrupt, what, "the worker's answer makes no sense")
}

/// A path, safe to show.
pub(crate) fn shown(path: &Path) -> String {
    display_name(path.as_os_str().as_bytes())
}
