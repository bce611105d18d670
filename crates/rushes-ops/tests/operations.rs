//! The list of operations and the files they live in say the same.

use std::collections::BTreeSet;
use std::path::Path;

use rushes_ops::{Form, OPERATIONS};

#[test]
fn every_operation_has_its_file_and_its_line() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut listed = BTreeSet::new();
    for operation in OPERATIONS {
        let file = source.join(operation.medium).join(operation.name).with_extension("rs");
        let code = std::fs::read_to_string(&file).unwrap_or_default();
        let written = match operation.form {
            Form::Function => format!("pub fn {}(", operation.name),
            Form::Frame(_) => "impl FrameOperation for ".to_owned(),
            Form::Pair(_) => "impl PairOperation for ".to_owned(),
        };
        assert!(code.contains(&written), "{} has no `{written}`", file.display());
        let summary = operation.summary;
        assert!(summary.len() > 10 && summary.len() < 80 && !summary.ends_with('.'), "{summary}");
        assert!(listed.insert((operation.medium.to_owned(), operation.name.to_owned())));
    }
    assert!(OPERATIONS.is_sorted_by_key(|operation| (operation.medium, operation.name)));

    // What an operation is made of, rather than one.
    let parts = [("image", "transfer"), ("plot", "axes"), ("plot", "backend")];
    let parts: BTreeSet<_> =
        parts.iter().map(|(medium, name)| ((*medium).to_owned(), (*name).to_owned())).collect();
    let mut found = BTreeSet::new();
    for medium in ["audio", "frame", "image", "plot"] {
        for entry in std::fs::read_dir(source.join(medium)).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            found.insert((medium.to_owned(), name));
        }
    }
    assert_eq!(found.len(), OPERATIONS.len() + parts.len());
    assert_eq!(found.difference(&parts).cloned().collect::<BTreeSet<_>>(), listed);
}
