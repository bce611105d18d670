//! Histories of hash lists, to and from the reference implementation of ASC MHL.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test that cannot go on stops there, and says what it skips"
)]

mod mhl_support;

use std::fs;

use mhl_support::{NOON, Reference, Stage};
use rushes_store::HashFormat;
use rushes_store::mhl::{Action, Manifest, MhlFault, NewGeneration, Process, Scope};

const USUAL: [HashFormat; 2] = [HashFormat::Xxh128, HashFormat::C4];

/// The reference finds the folder as it is to be: its files, and its folders in
/// each of these formats.
fn assert_good(reference: &Reference, stage: &Stage, formats: &[HashFormat]) {
    let folder = stage.root.path();
    reference.done("verify", &["-v"], folder);
    // Asked for one of several formats (-h), it fails on its own histories too.
    let said = reference.done("verify", &["-v", "-dh"], folder);
    assert_eq!(said.matches("verification of root folder   OK").count(), formats.len(), "{said}");
    assert!(!said.contains("ERROR"), "{said}");
    reference.done("diff", &["-v"], folder);
    reference.done("info", &["-v"], folder);
}

#[test]
fn it_verifies_what_we_write() {
    let Some(reference) = Reference::find() else { return };
    let stage = Stage::with_files();
    for format in HashFormat::ALL {
        let stage = Stage::with_files();
        stage.append(&[format]);
        assert_good(&reference, &stage, &[format]);
    }
    let written = stage.append(&USUAL);
    assert_eq!(written, ["ascmhl/0001_A002 R2EC & é_2026-01-31_120000Z.mhl"]);
    assert_good(&reference, &stage, &USUAL);
    assert_eq!(stage.code(), 0);

    // A second generation: everything again, and more.
    stage.write("Clips/new.mov", "new");
    assert_eq!(reference.run("verify", &[], stage.root.path()).0, 21);
    assert_eq!(stage.code(), 21);
    stage.append(&USUAL);
    reference.done("verify", &["-v"], stage.root.path());
    reference.done("diff", &["-v"], stage.root.path());
    let history = stage.open().unwrap();
    let records = history.records("Sidecar.txt");
    let actions: Vec<_> =
        records.iter().map(|(_, entry)| entry.hashes[0].action.unwrap()).collect();
    assert_eq!(actions, [Action::Original, Action::Verified]);
    // What the reference itself adds to it, for which it wants the first of our formats.
    reference.done("create", &["-v", "-h", "c4", "-h", "md5"], stage.root.path());
    assert_eq!((stage.open().unwrap().generations().len(), stage.code()), (3, 0));
    stage.append(&USUAL);
    reference.done("verify", &[], stage.root.path());
}

#[test]
fn a_file_that_failed_is_told_alike() {
    let Some(reference) = Reference::find() else { return };
    let stage = Stage::with_files();
    stage.append(&USUAL);
    stage.write("Sidecar.txt", "BLOREM iPsum\n");
    let (code, said) = reference.run("verify", &["-v"], stage.root.path());
    assert!(code == 11 && said.contains("mismatch") && said.contains("Sidecar.txt"), "{said}");
    assert_eq!(
        (stage.code(), stage.check(Scope::Content).failed),
        (11, vec!["Sidecar.txt".into()])
    );
    stage.append(&USUAL);
    let history = stage.open().unwrap();
    let last = history.generations().last().unwrap();
    let entry = last.manifest.files.iter().find(|file| file.path == "Sidecar.txt").unwrap();
    assert!(entry.hashes.iter().all(|hash| hash.action == Some(Action::Failed)));
    // What failed does not become what is wanted, here or there.
    assert_eq!((reference.run("verify", &[], stage.root.path()).0, stage.code()), (11, 11));
    let file = stage.path("Sidecar.txt");
    let options = ["-v", "-sf", file.to_str().unwrap()];
    let said = reference.done("info", &options, stage.root.path());
    assert!(said.contains("failed"), "{said}");
    stage.write("Sidecar.txt", "BLOREM ipsum\n");
    assert_eq!((reference.run("verify", &[], stage.root.path()).0, stage.code()), (0, 0));
}

#[test]
fn every_fault_has_the_same_number() {
    let Some(reference) = Reference::find() else { return };
    type Harm = fn(&Stage);
    let manifest = |stage: &Stage| {
        let names = fs::read_dir(stage.path("ascmhl")).unwrap();
        let mut names = names.map(|entry| entry.unwrap().path());
        names.find(|path| path.extension().unwrap() == "mhl").unwrap()
    };
    let harms: [(MhlFault, Harm); 8] = [
        (MhlFault::MissingFiles, |stage| fs::remove_file(stage.path("Sidecar.txt")).unwrap()),
        (MhlFault::MissingFiles, |stage| fs::remove_dir(stage.path("Empty/inner")).unwrap()),
        (MhlFault::FailedFiles, |stage| stage.write("Sidecar.txt", "other")),
        (MhlFault::NewFiles, |stage| stage.write("Clips/new", "new")),
        (MhlFault::NoHistory, |stage| fs::remove_dir_all(stage.path("ascmhl")).unwrap()),
        (MhlFault::ModifiedManifest, |_| {}),
        (MhlFault::NoChain, |stage| {
            fs::remove_file(stage.path("ascmhl/ascmhl_chain.xml")).unwrap();
        }),
        (MhlFault::MissingManifest, |_| {}),
    ];
    for (fault, harm) in harms {
        for by_us in [true, false] {
            let stage = Stage::with_files();
            if by_us {
                stage.append(&USUAL);
            } else {
                reference.done("create", &["-h", "c4", "-h", "xxh128"], stage.root.path());
            }
            assert_eq!(stage.code(), 0);
            harm(&stage);
            match fault {
                MhlFault::ModifiedManifest => {
                    let path = manifest(&stage);
                    let text = fs::read_to_string(&path).unwrap();
                    fs::write(path, text.replace("Sidecar", "sidecar")).unwrap();
                }
                MhlFault::MissingManifest => fs::remove_file(manifest(&stage)).unwrap(),
                _ => {}
            }
            let (code, said) = reference.run("verify", &["-v"], stage.root.path());
            assert_eq!(code, i32::from(fault.exit_code()), "{fault:?}: {said}");
            assert_eq!(stage.code(), fault.exit_code(), "{fault:?}");
        }
    }
}

#[test]
fn we_verify_what_it_writes() {
    let Some(reference) = Reference::find() else { return };
    for format in HashFormat::ALL {
        let stage = Stage::with_files();
        reference.done("create", &["-h", format.name()], stage.root.path());
        let history = stage.open().unwrap();
        let manifest = &history.generations()[0].manifest;
        assert_eq!(manifest.process, Process::InPlace);
        assert_eq!((manifest.files.len(), manifest.root_hashes.len()), (10, 1), "{format}");
        assert_eq!(manifest.folders.len(), 5);
        for scope in [Scope::Names, Scope::Content, Scope::EveryFormat] {
            let checked = stage.check(scope);
            assert_eq!((checked.fault(), checked.good_files), (None, 10), "{format} {scope:?}");
        }
        // The folders' hashes are the same as ours, one by one.
        let ours = Stage::with_files();
        ours.append(&[format]);
        let ours = ours.open().unwrap();
        let ours = &ours.generations()[0].manifest;
        let bare = |manifest: &Manifest| {
            let folders = manifest.folders.iter().map(|it| (it.path.clone(), it.hashes.clone()));
            let root = (".".to_owned(), manifest.root_hashes.clone());
            let mut all: Vec<_> = folders
                .chain([root])
                .map(|(path, mut hashes)| {
                    hashes.iter_mut().for_each(|hash| hash.date = None);
                    (path, hashes)
                })
                .collect();
            all.sort_by(|one, other| one.0.cmp(&other.0));
            all
        };
        assert_eq!(bare(manifest), bare(ours), "{format}");
        let file = |manifest: &Manifest| {
            let found = manifest.files.iter().find(|file| file.path == "Sidecar.txt").unwrap();
            (found.size_bytes, found.hashes[0].digest.clone(), found.hashes[0].action)
        };
        assert_eq!(file(manifest), file(ours));
    }
}

#[test]
fn histories_in_histories() {
    let Some(reference) = Reference::find() else { return };
    let stage = Stage::with_files();
    reference.done("create", &["-h", "xxh128"], &stage.path("Clips/deep"));
    reference.done("create", &["-h", "xxh128"], &stage.path("Clips"));
    reference.done("create", &["-h", "xxh128"], stage.root.path());
    let history = stage.open().unwrap();
    let nested: Vec<_> = history.nested().map(|(folder, lists)| (folder, lists.len())).collect();
    assert_eq!(nested, [("Clips", 2), ("Clips/deep", 3)]);
    assert_eq!(history.generations()[0].manifest.references.len(), 1);
    assert_eq!((stage.code(), history.records("Clips/deep/Z.mov").len()), (0, 3));

    // We add to all of them.
    stage.write("Clips/deep/more.mov", "more");
    let written = stage.append(&[HashFormat::Xxh128]);
    assert_eq!(written.len(), 3);
    let starts = ["Clips/deep/ascmhl/0004_deep_", "Clips/ascmhl/0003_Clips_", "ascmhl/0002_A002"];
    for (path, start) in written.iter().zip(starts) {
        assert!(path.starts_with(start), "{written:?}");
    }
    let history = stage.open().unwrap();
    let reference_of = |place: usize| {
        let (_, lists) = history.nested().nth(place).unwrap();
        lists.last().unwrap().manifest.references.clone()
    };
    assert!(reference_of(0)[0].path.starts_with("deep/ascmhl/0004_"));
    for folder in ["", "Clips", "Clips/deep"] {
        reference.done("verify", &["-v"], &stage.path(folder));
        reference.done("diff", &["-v"], &stage.path(folder));
        reference.done("info", &["-v"], &stage.path(folder));
    }
    assert_eq!(stage.code(), 0);
    // And it adds to ours.
    reference.done("create", &["-h", "xxh128"], stage.root.path());
    assert_eq!(stage.code(), 0);

    // A manifest below that another one refers to.
    let chain = stage.path("Clips/ascmhl/ascmhl_chain.xml");
    let text = fs::read_to_string(&chain).unwrap();
    let (first, name) = (&written[1], written[1].rsplit('/').next().unwrap());
    let manifest = fs::read_to_string(stage.path(first)).unwrap() + "\n";
    let old = HashFormat::C4.of(manifest.trim_end_matches("\n\n").as_bytes());
    let old = if text.contains(&old.to_string()) {
        old
    } else {
        HashFormat::C4.of(&fs::read(stage.path(first)).unwrap())
    };
    fs::write(stage.path(first), &manifest).unwrap();
    let new = HashFormat::C4.of(manifest.as_bytes());
    assert!(text.contains(name) && text.contains(&old.to_string()));
    fs::write(&chain, text.replace(&old.to_string(), &new.to_string())).unwrap();
    assert_eq!(stage.open().unwrap_err().fault, Some(MhlFault::ModifiedManifest));
}

#[test]
fn renamed_files_keep_their_history() {
    let Some(reference) = Reference::find() else { return };
    for by_us in [true, false] {
        let stage = Stage::with_files();
        reference.done("create", &["-h", "xxh128"], stage.root.path());
        fs::rename(stage.path("Sidecar.txt"), stage.path("Renamed.txt")).unwrap();
        assert_eq!(stage.code(), 21);
        if by_us {
            let mut new = stage.generation(&[HashFormat::Xxh128]);
            let renamed = new.files.iter_mut().find(|file| file.path == "Renamed.txt").unwrap();
            renamed.previous_path = Some("Sidecar.txt".into());
            stage.open().unwrap().append(&stage.root, new).unwrap();
        } else {
            reference.done("create", &["-dr", "-h", "xxh128"], stage.root.path());
        }
        let history = stage.open().unwrap();
        let records = history.records("Renamed.txt");
        assert_eq!(records.len(), 2, "{records:?}");
        assert_eq!(records[1].1.previous_path.as_deref(), Some("Sidecar.txt"));
        if by_us {
            assert_eq!(records[1].1.hashes[0].action, Some(Action::Verified));
        }
        assert_eq!(stage.code(), 0, "{by_us}");
        reference.done("verify", &["-v"], stage.root.path());
    }
}

#[test]
fn what_is_left_out_is_left_out_by_both() {
    let Some(reference) = Reference::find() else { return };
    for by_us in [true, false] {
        let stage = Stage::with_files();
        for name in ["a.tmp", "Clips/b.tmp", ".DS_Store", "Clips/cache/c", "only/here", "x/only"] {
            stage.write(name, "left out?");
        }
        if by_us {
            let patterns = ["*.tmp", "cache/"].map(str::to_owned).to_vec();
            let mut new = stage.generation(&[HashFormat::Xxh128]);
            let out = |path: &str| {
                path.ends_with(".tmp") || path.contains("cache") || path.contains(".DS")
            };
            new.files.retain(|file| !out(&file.path));
            new.folders.as_mut().unwrap().retain(|folder| !out(&folder.path));
            new.ignored = patterns;
            rushes_store::mhl::History::default().append(&stage.root, new).unwrap();
        } else {
            let options = ["-h", "xxh128", "-i", "*.tmp", "-i", "cache/"];
            reference.done("create", &options, stage.root.path());
        }
        let ignored = stage.open().unwrap().generations()[0].manifest.ignored.clone();
        assert_eq!(ignored, [".DS_Store", "ascmhl", "ascmhl/", "*.tmp", "cache/"]);
        assert_eq!(stage.code(), 0);
        assert_good(&reference, &stage, &[HashFormat::Xxh128]);
    }
}

#[test]
fn a_flattened_history_is_read() {
    let Some(reference) = Reference::find() else { return };
    let stage = Stage::with_files();
    stage.append(&USUAL);
    let elsewhere = stage.folder.path().join("flat");
    fs::create_dir(&elsewhere).unwrap();
    let elsewhere = elsewhere.to_str().unwrap();
    // Its options come last, and so the place to write to is one of them.
    let (code, said) =
        reference.run("flatten", &[stage.root.path().to_str().unwrap()], elsewhere.as_ref());
    assert_eq!(code, 0, "{said}");
    let mut open = vec![std::path::PathBuf::from(elsewhere)];
    let mut lists = 0;
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|it| it == "mhl") {
                let manifest = Manifest::parse(&fs::read(path).unwrap()).unwrap();
                assert_eq!((manifest.process, manifest.files.len()), (Process::Flatten, 10));
                lists += 1;
            }
        }
    }
    assert_eq!(lists, 1);
}

/// Files alone, added one after another.
#[test]
fn some_of_the_files_make_a_generation_too() {
    let Some(reference) = Reference::find() else { return };
    let stage = Stage::with_files();
    let all = stage.generation(&USUAL);
    let mut history = rushes_store::mhl::History::default();
    for (number, file) in all.files.iter().enumerate() {
        let mut new = NewGeneration { files: vec![file.clone()], folders: None, ..all.clone() };
        new.creator.created = NOON + number as i64 * 1_000_000_000;
        history.append(&stage.root, new).unwrap();
    }
    assert_eq!(stage.open().unwrap().generations(), history.generations());
    reference.done("verify", &["-v"], stage.root.path());
    assert_eq!(stage.code(), 0);
}
