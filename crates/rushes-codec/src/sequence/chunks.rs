//! The names of an array's files, and each as a number: by that a process which
//! may open nothing asks for them.

use std::path::PathBuf;

/// Bits of the number of a chunk in time, down, across and in depth.
const BITS: [u32; 4] = [24, 12, 12, 2];

/// What says that a folder is an array, and which.
pub(super) const HEADER: &str = "zarr.json";

/// How the names of an array's chunks are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Naming {
    /// Whether a `c` stands first.
    pub(super) has_prefix: bool,
    /// Whether dots part the numbers, not folders.
    pub(super) is_dotted: bool,
    /// Whether the array has channels.
    pub(super) has_depth: bool,
}

/// One of the files of an array.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ArrayFile {
    Header,
    /// In time, down, across and in depth.
    Chunk(Naming, [u64; 4]),
}

impl ArrayFile {
    /// Its number, less than 2^54; `None` for a chunk too far from the first.
    pub(super) fn number(self) -> Option<usize> {
        let ArrayFile::Chunk(naming, at) = self else { return Some(0) };
        let Naming { has_prefix, is_dotted, has_depth } = naming;
        let mut number = 0;
        for (at, bits) in at.into_iter().zip(BITS) {
            if at >> bits != 0 {
                return None;
            }
            number = number << bits | at;
        }
        for flag in [has_prefix, is_dotted, has_depth, true] {
            number = number << 1 | u64::from(flag);
        }
        usize::try_from(number).ok()
    }

    /// The file of this number; `None` when there is none.
    pub(super) fn of(number: usize) -> Option<ArrayFile> {
        if number == 0 {
            return Some(ArrayFile::Header);
        }
        let mut number = number as u64;
        let mut take = |bits: u32| {
            let low = number & ((1 << bits) - 1);
            number >>= bits;
            low
        };
        let [is_chunk, has_depth, is_dotted, has_prefix] = [(); 4].map(|()| take(1) == 1);
        let mut at = BITS;
        at.reverse();
        let mut at = at.map(&mut take);
        at.reverse();
        let naming = Naming { has_prefix, is_dotted, has_depth };
        (is_chunk && number == 0).then_some(ArrayFile::Chunk(naming, at))
    }

    /// Where it lies within the folder.
    pub(super) fn path(self) -> PathBuf {
        let ArrayFile::Chunk(naming, at) = self else { return PathBuf::from(HEADER) };
        let prefix = naming.has_prefix.then(|| "c".to_owned());
        let dimensions = if naming.has_depth { 4 } else { 3 };
        let numbers = at.iter().take(dimensions).map(u64::to_string);
        let parts: Vec<String> = prefix.into_iter().chain(numbers).collect();
        PathBuf::from(parts.join(if naming.is_dotted { "." } else { "/" }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_and_their_numbers_are_one_to_one() {
        let mut seen = std::collections::HashSet::from([0]);
        for flags in 0..8 {
            let [has_prefix, is_dotted, has_depth] = [0, 1, 2].map(|bit| flags >> bit & 1 == 1);
            let naming = Naming { has_prefix, is_dotted, has_depth };
            for at in [[0; 4], [1, 2, 3, 0], [(1 << 24) - 1, 4_095, 4_095, 3], [7, 4_095, 0, 1]] {
                let file = ArrayFile::Chunk(naming, at);
                let number = file.number().unwrap();
                assert!(seen.insert(number) && number < 1 << 54);
                assert_eq!(ArrayFile::of(number), Some(file));
            }
        }
        assert_eq!(ArrayFile::of(0), Some(ArrayFile::Header));
        // What no file has: another kind of file, and bits beyond the highest.
        assert_eq!((ArrayFile::of(2), ArrayFile::of(1 << 54 | 1)), (None, None));
        let naming = Naming { has_prefix: true, is_dotted: false, has_depth: true };
        assert_eq!(ArrayFile::Chunk(naming, [0, 4_096, 0, 0]).number(), None);
        let path = |naming, at| ArrayFile::Chunk(naming, at).path();
        assert_eq!(path(naming, [3, 0, 1, 2]), PathBuf::from("c/3/0/1/2"));
        let other = Naming { has_prefix: false, is_dotted: true, has_depth: false };
        assert_eq!(path(other, [3, 0, 1, 0]), PathBuf::from("3.0.1"));
    }
}
