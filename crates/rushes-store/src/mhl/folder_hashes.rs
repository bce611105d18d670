//! Hashes of folders, made of the hashes of what is in them.

use std::collections::{BTreeMap, BTreeSet};

use crate::hash_formats::{Digest, HashFormat, Hasher};

/// Content and structure of each folder, by its path; that of all is the empty
/// one. Every folder that a file or a folder is in is among them.
///
/// The content hash of a folder is the hash of the content hashes of what is in
/// it, in their order, and so the same whatever the names are; the structure
/// hash takes each with its name before it.
pub(super) fn compute<'p>(
    format: HashFormat,
    files: impl IntoIterator<Item = (&'p str, &'p Digest)>,
    folders: impl IntoIterator<Item = &'p str>,
) -> BTreeMap<String, (Digest, Digest)> {
    let mut all: BTreeSet<&str> = BTreeSet::from([""]);
    let mut add = |path: &'p str| {
        let mut path = Some(path);
        while let Some(folder) = path
            && all.insert(folder)
        {
            path = Some(parent(folder));
        }
    };
    folders.into_iter().for_each(&mut add);
    // Content hashes, and hashes of names and structure hashes.
    let mut inner: BTreeMap<&str, (Vec<Digest>, Vec<Digest>)> = BTreeMap::new();
    for (path, digest) in files {
        add(parent(path));
        let of = inner.entry(parent(path)).or_default();
        of.0.push(digest.clone());
        of.1.push(named(format, path, digest));
    }
    let mut deepest_first: Vec<&str> = all.into_iter().collect();
    let depth = |path: &str| if path.is_empty() { 0 } else { 1 + path.matches('/').count() };
    deepest_first.sort_by_key(|path| std::cmp::Reverse(depth(path)));
    let mut hashes = BTreeMap::new();
    for folder in deepest_first {
        let (contents, structures) = inner.remove(folder).unwrap_or_default();
        let (content, structure) = (of_all(format, contents), of_all(format, structures));
        if !folder.is_empty() {
            let outer = inner.entry(parent(folder)).or_default();
            outer.0.push(content.clone());
            outer.1.push(named(format, folder, &structure));
        }
        hashes.insert(folder.to_owned(), (content, structure));
    }
    hashes
}

/// The folder that a path is in; of the outermost, itself.
fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

fn named(format: HashFormat, path: &str, digest: &Digest) -> Digest {
    let mut hasher = Hasher::new(format);
    hasher.update(path.rsplit('/').next().unwrap_or(path).as_bytes());
    hasher.update(digest.bytes());
    hasher.finish()
}

fn of_all(format: HashFormat, mut digests: Vec<Digest>) -> Digest {
    // As text they have the same order as their bytes, which is that of the standard.
    digests.sort_by(|one, other| one.bytes().cmp(other.bytes()));
    let mut hasher = Hasher::new(format);
    digests.iter().for_each(|digest| hasher.update(digest.bytes()));
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_in_the_structure_and_not_in_the_content() {
        let format = HashFormat::Xxh128;
        let (one, two) = (format.of(b"one"), format.of(b"two"));
        let of = |files: &[(&str, &Digest)], folders: &[&str]| {
            compute(format, files.iter().copied(), folders.iter().copied())
        };
        let plain = of(&[("a/b", &one), ("a/c", &two)], &[]);
        assert_eq!(plain.keys().collect::<Vec<_>>(), ["", "a"]);
        let renamed = of(&[("a/x", &two), ("a/y", &one)], &[]);
        assert_eq!(plain["a"].0, renamed["a"].0);
        assert_ne!(plain["a"].1, renamed["a"].1);
        assert_ne!(plain[""].1, renamed[""].1);
        let with_empty = of(&[("a/b", &one), ("a/c", &two)], &["d/e"]);
        assert_eq!(with_empty["a"], plain["a"]);
        assert_ne!(with_empty[""], plain[""]);
        assert_eq!(with_empty["d/e"].0, format.of(b""));
        assert_eq!(of(&[], &[])[""].0, format.of(b""));
    }
}
