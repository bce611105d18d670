//! Copies to several destinations: byte for byte, with what a file has beside
//! its bytes, and never in the place of anything.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops there")]

use std::fs::{self, File, FileTimes};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use rushes_media::{ErrorKind, Result};
use rushes_store::{
    Copied, CopyStep, CopyTarget, HashFormat, MOST_TARGETS, Placed, ReadBack, Root, copy_file,
    verify_file,
};
use rustix::fs::{XattrFlags, fgetxattr, fsetxattr};
use tempfile::TempDir;

const BLOCK: usize = 4 << 20;

/// A source and some folders to copy it into.
struct Stage {
    folder: TempDir,
    roots: Vec<Root>,
}

impl Stage {
    fn new(roots: usize) -> Stage {
        let folder = tempfile::tempdir().unwrap();
        let roots = (0..roots).map(|number| {
            let path = folder.path().join(format!("root {number}"));
            fs::create_dir(&path).unwrap();
            Root::open(&path).unwrap()
        });
        Stage { roots: roots.collect(), folder }
    }

    fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        path
    }

    /// Copies to this name in every folder.
    fn copy(&self, source: &Path, name: &str) -> Result<Option<Copied>> {
        self.copy_watched(source, name, &|_| true)
    }

    fn copy_watched(
        &self,
        source: &Path,
        name: &str,
        watch: &(dyn Fn(CopyStep) -> bool + Sync),
    ) -> Result<Option<Copied>> {
        let targets: Vec<CopyTarget<'_>> =
            self.roots.iter().map(|root| CopyTarget { root, path: name.as_bytes() }).collect();
        copy_file(&File::open(source).unwrap(), &targets, &[], None, watch)
    }

    /// The names in a folder, hidden ones too.
    fn names(&self, root: usize) -> Vec<String> {
        let entries = fs::read_dir(self.roots[root].path()).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

fn noise(size: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64 ^ size as u64;
    let mut bytes = Vec::with_capacity(size + 8);
    while bytes.len() < size {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(size);
    bytes
}

fn placed(copied: Result<Option<Copied>>) -> Vec<Placed> {
    copied.unwrap().unwrap().targets.into_iter().map(Result::unwrap).collect()
}

#[test]
fn a_source_that_is_not_what_it_is_known_by_is_not_spread() {
    let stage = Stage::new(1);
    let bytes = noise(BLOCK + 1);
    let source = stage.write("source", &bytes);
    let target = CopyTarget { root: &stage.roots[0], path: b"copy" };
    let known = *blake3::hash(&bytes).as_bytes();
    let copy = |expected: &[u8; 32]| {
        copy_file(&File::open(&source).unwrap(), &[target], &[], Some(expected), &|_| true)
    };
    let mut other = known;
    other[31] ^= 1;
    assert_eq!(copy(&other).unwrap_err().kind, ErrorKind::Corrupt);
    assert_eq!(stage.names(0), [""; 0]);
    copy(&known).unwrap().unwrap();
    assert_eq!(stage.names(0), ["copy"]);
}

#[test]
fn every_size_arrives_byte_for_byte() {
    let stage = Stage::new(2);
    let sizes = [0, 1, 4095, 4096, 4097, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK, 41_000_001];
    for size in sizes {
        let bytes = noise(size);
        let source = stage.write("source", &bytes);
        let name = format!("day/card/{size}.mov");
        let (read, written, verified) = (AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0));
        let copied = stage
            .copy_watched(&source, &name, &|step| {
                match step {
                    CopyStep::Read(bytes) => read.fetch_add(bytes, Ordering::Relaxed),
                    CopyStep::Written(_, bytes) => written.fetch_add(bytes, Ordering::Relaxed),
                    CopyStep::Verified(_, bytes) => verified.fetch_add(bytes, Ordering::Relaxed),
                };
                true
            })
            .unwrap()
            .unwrap();
        let hashes = copied.hashes.unwrap();
        assert_eq!(hashes.blake3, *blake3::hash(&bytes).as_bytes(), "{size}");
        assert_eq!(hashes.xxh3_128.to_vec(), HashFormat::Xxh128.of(&bytes).bytes());
        let counted = [read.into_inner(), written.into_inner() / 2, verified.into_inner() / 2];
        assert_eq!(counted, [size as u64; 3]);
        for (root, target) in stage.roots.iter().zip(&copied.targets) {
            let path = root.path().join(&name);
            assert!(fs::read(&path).unwrap() == bytes, "{size}");
            let target = target.as_ref().unwrap();
            assert!(!target.was_there && target.left_out.is_empty(), "{target:?}");
            assert_eq!(target.stamp.inode, path.metadata().unwrap().ino());
            let found = verify_file(root, name.as_bytes(), &HashFormat::ALL, &mut |_| true);
            let found = found.unwrap().unwrap();
            assert_eq!((found.hashes, found.stamp), (hashes, target.stamp));
            let wanted = HashFormat::ALL.map(|format| format.of(&bytes));
            assert_eq!(found.digests, wanted, "{size}");
        }
    }
    for root in &stage.roots {
        assert_eq!(fs::read_dir(root.path().join("day/card")).unwrap().count(), sizes.len());
    }
}

/// Direct reads where the file system has them, as ext4, XFS and Btrfs do.
#[test]
fn it_says_how_it_was_read_back() {
    let stage = Stage::new(1);
    let source = stage.write("source", &noise(10_000_000));
    let placed = placed(stage.copy(&source, "a"));
    let file_system = stage.roots[0].volume().unwrap().file_system;
    if ["ext4", "xfs", "btrfs"].contains(&file_system.as_str()) {
        assert_eq!(placed[0].read_back, ReadBack::Direct);
    } else {
        println!("SKIPPED: {file_system} may have direct reads or not");
    }
}

#[test]
fn formats_come_in_the_order_asked_for() {
    let stage = Stage::new(1);
    let bytes = noise(9_000_000);
    let source = File::open(stage.write("source", &bytes)).unwrap();
    let target = CopyTarget { root: &stage.roots[0], path: b"a" };
    let formats = [HashFormat::Xxh128, HashFormat::C4, HashFormat::Md5];
    let copied = copy_file(&source, &[target], &formats, None, &|_| true).unwrap().unwrap();
    assert_eq!(copied.digests, formats.map(|format| format.of(&bytes)));
}

#[test]
fn times_rights_and_attributes_come_along() {
    let stage = Stage::new(2);
    let path = stage.write("source", &noise(5_000));
    let file = File::options().write(true).open(&path).unwrap();
    if fsetxattr(&file, "user.camera", b"A\0B\xff", XattrFlags::empty()).is_err() {
        println!("SKIPPED: the file system has no extended attributes");
        return;
    }
    fsetxattr(&file, "user.empty", b"", XattrFlags::empty()).unwrap();
    let at = |nanos| SystemTime::UNIX_EPOCH + Duration::from_nanos(nanos);
    let (modified, accessed) = (at(1_234_567_890_123_456_789), at(1_034_567_890_987_654_321));
    for mode in [0o640, 0o444, 0o755, 0o000, 0o4711] {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        file.set_times(FileTimes::new().set_modified(modified).set_accessed(accessed)).unwrap();
        // Who is not root cannot read what nobody may.
        let Ok(source) = File::open(&path) else { continue };
        let name = format!("{mode:o}");
        let targets: Vec<CopyTarget<'_>> =
            stage.roots.iter().map(|root| CopyTarget { root, path: name.as_bytes() }).collect();
        let copied = copy_file(&source, &targets, &[], None, &|_| true);
        for (root, placed) in stage.roots.iter().zip(placed(copied)) {
            assert_eq!(placed.left_out, []);
            let copy = root.path().join(&name);
            let found = copy.metadata().unwrap();
            assert_eq!(found.modified().unwrap(), modified);
            assert_eq!(found.accessed().unwrap(), accessed, "reading it back changed it");
            // Whoever copies is its owner: nobody else's rights are passed on.
            assert_eq!(found.mode() & 0o7777, mode & 0o777);
            if let Ok(copy) = File::open(&copy) {
                let mut value = [0; 16];
                let read = fgetxattr(&copy, "user.camera", &mut value[..]).unwrap();
                assert_eq!(&value[..read], b"A\0B\xff");
                assert_eq!(fgetxattr(&copy, "user.empty", &mut value[..]).unwrap(), 0);
            }
        }
    }
}

#[test]
fn holes_stay_holes() {
    let stage = Stage::new(1);
    let path = stage.write("source", b"");
    let file = File::options().write(true).open(&path).unwrap();
    file.set_len(64 << 20).unwrap();
    std::os::unix::fs::FileExt::write_all_at(&file, b"middle", 33 << 20).unwrap();
    if path.metadata().unwrap().blocks() * 512 > 32 << 20 {
        println!("SKIPPED: the file system has no holes");
        return;
    }
    placed(stage.copy(&path, "a"));
    let copy = stage.roots[0].path().join("a");
    assert!(fs::read(&copy).unwrap() == fs::read(&path).unwrap());
    assert!(copy.metadata().unwrap().blocks() * 512 <= 8 << 20);
    // One that ends in a hole, which is not written.
    file.set_len(65 << 20).unwrap();
    placed(stage.copy(&path, "b"));
    assert_eq!(stage.roots[0].path().join("b").metadata().unwrap().len(), 65 << 20);
}

#[test]
fn what_has_the_name_stays() {
    let stage = Stage::new(1);
    let root = stage.roots[0].path();
    let bytes = noise(BLOCK + 5);
    let source = stage.write("source", &bytes);
    let outside = stage.write("outside", b"outside");
    let mut other = bytes.clone();
    other[BLOCK] ^= 1;
    fs::write(root.join("same"), &bytes).unwrap();
    fs::write(root.join("other"), &other).unwrap();
    fs::write(root.join("shorter"), &bytes[1..]).unwrap();
    fs::create_dir(root.join("folder")).unwrap();
    symlink(&outside, root.join("link")).unwrap();
    symlink(root.join("nowhere"), root.join("dangling")).unwrap();
    fs::hard_link(&source, root.join("itself")).unwrap();

    let there = placed(stage.copy(&source, "same"));
    assert!(there[0].was_there);
    let before = stage.names(0);
    for name in ["other", "shorter", "folder", "link", "dangling", "itself"] {
        let copied = stage.copy(&source, name).unwrap().unwrap();
        let refused = copied.targets[0].as_ref().unwrap_err();
        assert_eq!(refused.kind, ErrorKind::Conflict, "{name}: {refused}");
        assert!(refused.to_string().ends_with(name), "{refused}");
    }
    assert_eq!(stage.names(0), before);
    assert!(fs::read(root.join("other")).unwrap() == other);
    assert_eq!(fs::read(&outside).unwrap(), b"outside");
    assert!(!root.join("nowhere").exists());
}

/// A name that is taken while the copy is made.
#[test]
fn what_comes_meanwhile_stays_too() {
    let stage = Stage::new(1);
    let source = stage.write("source", b"mine");
    let path = stage.roots[0].path().join("a");
    let copied = stage.copy_watched(&source, "a", &|step| {
        if matches!(step, CopyStep::Verified(..)) {
            fs::write(&path, b"theirs").unwrap();
        }
        true
    });
    let refused = copied.unwrap().unwrap().targets.remove(0).unwrap_err();
    assert_eq!(refused.kind, ErrorKind::Conflict);
    assert_eq!((fs::read(&path).unwrap(), stage.names(0)), (b"theirs".to_vec(), vec!["a".into()]));
}

#[test]
fn nothing_leaves_its_root() {
    let stage = Stage::new(1);
    let root = stage.roots[0].path();
    let source = stage.write("source", b"abc");
    let elsewhere = stage.folder.path().join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    symlink(&elsewhere, root.join("away")).unwrap();
    symlink("..", root.join("up")).unwrap();
    fs::write(root.join("file"), b"x").unwrap();
    let absolute = elsewhere.join("a").into_os_string().into_string().unwrap();
    for (name, kind) in [
        ("away/a", ErrorKind::Denied),
        ("away/new/a", ErrorKind::Denied),
        ("up/elsewhere/a", ErrorKind::Denied),
        ("../elsewhere/a", ErrorKind::Denied),
        ("new/../../elsewhere/a", ErrorKind::Denied),
        (&absolute, ErrorKind::Denied),
        ("file/a", ErrorKind::Conflict),
    ] {
        let copied = stage.copy(&source, name).unwrap().unwrap();
        let refused = copied.targets[0].as_ref().unwrap_err();
        assert_eq!(refused.kind, kind, "{name}: {refused}");
        assert_eq!(copied.hashes, None, "nothing was read for it");
    }
    for name in ["", "a/", "a/..", ".", "a\0b"] {
        stage.copy(&source, name).unwrap().unwrap().targets.remove(0).unwrap_err();
    }
    assert_eq!(fs::read_dir(&elsewhere).unwrap().count(), 0);
    assert_eq!(fs::read_dir(stage.folder.path()).unwrap().count(), 3);
}

#[test]
fn a_destination_fails_alone() {
    let stage = Stage::new(3);
    let bytes = noise(BLOCK * 2);
    let source = stage.write("source", &bytes);
    fs::write(stage.roots[1].path().join("a"), b"taken").unwrap();
    let copied = stage.copy(&source, "a").unwrap().unwrap();
    let kinds: Vec<_> =
        copied.targets.iter().map(|target| target.as_ref().err().map(|error| error.kind)).collect();
    assert_eq!(kinds, [None, Some(ErrorKind::Conflict), None]);
    for root in [0, 2] {
        assert!(fs::read(stage.roots[root].path().join("a")).unwrap() == bytes);
    }
}

#[test]
fn a_source_that_changes_is_no_copy() {
    type Change = fn(&Path);
    let changes: [(&str, Change); 4] = [
        ("grows", |path| {
            use std::io::Write as _;
            File::options().append(true).open(path).unwrap().write_all(b"x").unwrap();
        }),
        ("shrinks", |path| {
            File::options().write(true).open(path).unwrap().set_len(BLOCK as u64).unwrap();
        }),
        ("is written", |path| {
            let file = File::options().write(true).open(path).unwrap();
            std::os::unix::fs::FileExt::write_all_at(&file, b"x", 0).unwrap();
        }),
        ("is dated", |path| {
            let file = File::options().write(true).open(path).unwrap();
            file.set_modified(SystemTime::UNIX_EPOCH).unwrap();
        }),
    ];
    for (what, change) in changes {
        let stage = Stage::new(2);
        let source = stage.write("source", &noise(BLOCK * 3));
        let is_first = Mutex::new(true);
        let copied = stage.copy_watched(&source, "a", &|step| {
            if matches!(step, CopyStep::Read(1..)) && std::mem::take(&mut *is_first.lock().unwrap())
            {
                change(&source);
            }
            true
        });
        assert_eq!(copied.unwrap_err().kind, ErrorKind::Conflict, "{what}");
        assert!(stage.names(0).is_empty() && stage.names(1).is_empty(), "{what}");
    }
}

#[test]
fn the_watcher_stops_it_anywhere() {
    let bytes = noise(BLOCK * 3 + 1);
    let (mut stops, mut ends) = (0, 0);
    for stop_at in 0.. {
        let stage = Stage::new(2);
        let source = stage.write("source", &bytes);
        let step = AtomicU64::new(0);
        let watch = |_| step.fetch_add(1, Ordering::SeqCst) < stop_at;
        match stage.copy_watched(&source, "a", &watch).unwrap() {
            None => stops += 1,
            // It was said to stop when there was nothing left to do.
            Some(copied) => {
                assert!(copied.targets.iter().all(Result::is_ok));
                ends += 1;
            }
        }
        for root in 0..2 {
            for name in stage.names(root) {
                assert_eq!(name, "a", "stopped at {stop_at}");
                assert!(fs::read(stage.roots[root].path().join(name)).unwrap() == bytes);
            }
        }
        if step.into_inner() <= stop_at {
            break;
        }
    }
    assert!(stops > 15 && ends > 0, "{stops} stops, {ends} ends");
}

#[test]
fn what_a_killed_copy_left_goes() {
    let stage = Stage::new(1);
    let source = stage.write("source", &noise(100));
    let mut left = String::new();
    let seen = Mutex::new(Vec::new());
    stage
        .copy_watched(&source, "a", &|_| {
            seen.lock().unwrap().extend(stage.names(0));
            true
        })
        .unwrap();
    for name in seen.into_inner().unwrap() {
        assert!(name == "a" || name.starts_with(".partial-"), "{name}");
        left = if name == "a" { left } else { name };
    }
    fs::remove_file(stage.roots[0].path().join("a")).unwrap();
    fs::write(stage.roots[0].path().join(&left), noise(70)).unwrap();
    placed(stage.copy(&source, "a"));
    assert_eq!(stage.names(0), ["a"]);
}

#[test]
fn two_copies_to_one_name() {
    let stage = Stage::new(1);
    let (one, other) = (stage.write("one", &noise(9_000)), stage.write("other", &noise(9_001)));
    let root = &stage.roots[0];
    let twice = [CopyTarget { root, path: b"a" }, CopyTarget { root, path: b"a" }];
    let copied =
        copy_file(&File::open(&one).unwrap(), &twice, &[], None, &|_| true).unwrap().unwrap();
    assert_eq!(copied.targets.iter().filter(|target| target.is_ok()).count(), 1);
    std::thread::scope(|scope| {
        for source in [&one, &other] {
            scope.spawn(|| stage.copy(source, "b").unwrap());
        }
    });
    assert_eq!(stage.names(0), ["a", "b"]);
}

#[test]
fn not_every_request_makes_sense() {
    let stage = Stage::new(1);
    let source = File::open(stage.write("source", b"abc")).unwrap();
    let target = CopyTarget { root: &stage.roots[0], path: b"a" };
    for targets in [Vec::new(), vec![target; MOST_TARGETS + 1]] {
        let refused = copy_file(&source, &targets, &[], None, &|_| true).unwrap_err();
        assert_eq!(refused.kind, ErrorKind::Invalid);
    }
    let folder = File::open(stage.folder.path()).unwrap();
    let refused = copy_file(&folder, &[target], &[], None, &|_| true).unwrap_err();
    assert_eq!(refused.kind, ErrorKind::Unsupported);
    assert!(stage.roots[0].free_bytes().unwrap().is_some_and(|free| free > 0));
}
