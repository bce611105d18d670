//! Copies the files of a folder to others, each read back and verified, and says
//! how many: what `benches/run.py` measures.

#![expect(clippy::print_stdout, reason = "this is a program")]

use std::path::Path;

use rushes_media::{Error, ErrorKind, Result};
use rushes_store::{CopyTarget, EntryKind, Root, copy_file};

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some((source, targets)) = arguments.split_first().filter(|(_, rest)| !rest.is_empty())
    else {
        let why = "usage: copy SOURCE-FOLDER FOLDER...";
        return Err(Error::new(ErrorKind::Invalid, "copying", why));
    };
    let source = Root::open(Path::new(source))?;
    let roots: Vec<Root> =
        targets.iter().map(|target| Root::open(Path::new(target))).collect::<Result<_>>()?;
    let mut copied = 0;
    for entry in source.list(b"", &mut Vec::new())? {
        if entry.kind != EntryKind::File {
            continue;
        }
        let targets: Vec<CopyTarget<'_>> =
            roots.iter().map(|root| CopyTarget { root, path: &entry.name }).collect();
        let file = source.open_file(&entry.name)?;
        let outcome = copy_file(&file, &targets, &[], None, &|_| true)?;
        for target in outcome.into_iter().flat_map(|outcome| outcome.targets) {
            target?;
        }
        copied += 1;
    }
    println!("{copied}");
    Ok(())
}
