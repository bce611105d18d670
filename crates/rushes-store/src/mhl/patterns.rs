use ignore::gitignore::{Gitignore, GitignoreBuilder};

/// What every history leaves out: itself, and the notes of macOS on a folder.
pub const DEFAULT_PATTERNS: [&str; 3] = [".DS_Store", "ascmhl", "ascmhl/"];

/// What a history leaves out.
pub(super) struct Patterns(Gitignore);

impl Patterns {
    /// Patterns as gitignore(5) has them. One that cannot be read leaves nothing
    /// out, so that no more is passed over than was said.
    pub(super) fn new<'p>(patterns: impl IntoIterator<Item = &'p str>) -> Patterns {
        let mut builder = GitignoreBuilder::new("");
        for pattern in patterns {
            let _ = builder.add_line(None, pattern);
        }
        Patterns(builder.build().unwrap_or_else(|_| Gitignore::empty()))
    }

    /// Whether this file or folder is left out. Those that it is in are not.
    pub(super) fn matches(&self, path: &str, is_folder: bool) -> bool {
        self.0.matched(path, is_folder).is_ignore()
    }

    /// Whether this path, or a folder that it is in, is left out.
    pub(super) fn cover(&self, path: &str) -> bool {
        self.0.matched_path_or_any_parents(path, false).is_ignore()
            || self.0.matched_path_or_any_parents(path, true).is_ignore()
    }
}

/// What a history left out so far, or the usual, and these; each of them once.
pub(super) fn joined(known: Option<&[String]>, more: &[String]) -> Vec<String> {
    let known = match known {
        Some(known) if !known.is_empty() => known.to_vec(),
        _ => DEFAULT_PATTERNS.map(str::to_owned).to_vec(),
    };
    more.iter().fold(known, |mut all, pattern| {
        if !all.contains(pattern) {
            all.push(pattern.clone());
        }
        all
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_mean_what_git_means() {
        let patterns =
            Patterns::new(["*.tmp", "/top", "cache/", "!keep.tmp", "a/**/b", "[", "x\\ "]);
        for (path, is_folder, is_out) in [
            ("a.tmp", false, true),
            ("deep/er/a.tmp", false, true),
            ("keep.tmp", false, false),
            ("top", false, true),
            ("sub/top", false, false),
            ("cache", true, true),
            ("cache", false, false),
            ("sub/cache", true, true),
            ("a/b", false, true),
            ("a/x/y/b", false, true),
            ("b", false, false),
            ("[", false, true),
        ] {
            assert_eq!(patterns.matches(path, is_folder), is_out, "{path}");
        }
        assert!(patterns.cover("cache/inner/file") && !patterns.cover("other/inner/file"));
        let usual = Patterns::new(DEFAULT_PATTERNS);
        assert!(usual.cover("a/ascmhl/ascmhl_chain.xml") && usual.cover("a/.DS_Store"));
        assert!(!usual.cover("a/ascmhl2"));
    }
}
