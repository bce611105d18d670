//! The catalogue from outside: identity, pages, filters and the check.
#![expect(clippy::unwrap_used, reason = "tests may panic")]

use std::collections::BTreeSet;
use std::path::Path;

use rushes_catalog::{
    AssetTask, Catalog, CopyState, FolderDifference, Hashing, Identified, NewCopy, Role,
    StoredPreview, Transaction, Work, candidates, check, copy_at, forget_failures, identify,
    next_assets, record_copy, record_folder, record_gone, record_hashes, record_preview,
    record_preview_failure, record_preview_lost, record_probe, record_probe_failure,
    record_verified, work_left,
};
use rushes_media::{
    Agreement, Camera, Confidence, Container, Created, Error, ErrorKind, MediaKind, Probe,
    Rational, Stream, StreamKind,
};
use rushes_store::{Entry, EntryKind, FileStamp, Fingerprint, Hashes, Sampled};

struct Library {
    catalog: Catalog,
    root_id: i64,
    _folder: tempfile::TempDir,
}

impl Library {
    fn new() -> Library {
        let folder = tempfile::tempdir().unwrap();
        let catalog = Catalog::open(&folder.path().join("catalogue.sqlite")).unwrap();
        let root = catalog.add_root(Path::new("/made-up"), None, "volume", 0).unwrap();
        catalog.set_root_read(root.id, "volume", 1).unwrap();
        catalog.set_root_scanned(root.id, 1).unwrap();
        Library { catalog, root_id: root.id, _folder: folder }
    }

    /// Records a file; the number of its place.
    fn file(&self, folder: &str, name: &str, stamp: FileStamp) -> i64 {
        self.catalog
            .write(|write| {
                let entry = Entry { name: name.into(), kind: EntryKind::File, stamp };
                let found = FolderDifference {
                    root_id: self.root_id,
                    path: folder.into(),
                    added: vec![(entry, Role::New)],
                    ..FolderDifference::default()
                };
                record_folder(write, &found, 1)?;
                Ok(write.query_row("SELECT max(id) FROM places", [], |row| row.get(0)).unwrap())
            })
            .unwrap()
    }

    fn identify(&self, place: i64, sampled: Sampled, hashes: Option<Hashes>) -> Identified {
        let kind = Some(MediaKind::Video);
        self.catalog
            .write(|write| identify(write, place, &sampled, hashes.as_ref(), kind, 2))
            .unwrap()
    }

    fn hashed(&self, place: i64, stamp: FileStamp, hashes: Hashes) -> Hashing {
        self.catalog.write(|write| record_hashes(write, place, &stamp, &hashes, 3)).unwrap()
    }

    fn ids(&self, query: &str) -> Vec<String> {
        let page = self.catalog.search(query, 1000, None, None).unwrap();
        page.items.into_iter().map(|row| row.id).collect()
    }

    fn is_sound(&self) {
        assert_eq!(check(&self.catalog).unwrap(), []);
    }
}

fn stamp(number: u64) -> FileStamp {
    FileStamp {
        size_bytes: 1 << 20,
        mtime_ns: number as i64,
        ctime_ns: 0,
        inode: number,
        device: 0,
    }
}

fn hashes(number: u8) -> Hashes {
    Hashes { blake3: [number; 32], xxh3_128: [number; 16] }
}

fn sampled(number: u8) -> Sampled {
    Sampled { fingerprint: Fingerprint([number; 16]), hashes: None }
}

fn probe(number: u64) -> Probe {
    let mut stream =
        Stream::new(0, StreamKind::Video, if number.is_multiple_of(3) { "hevc" } else { "h264" });
    (stream.width_px, stream.height_px) = (Some(1920), Some(1080));
    Probe {
        kind: MediaKind::Video,
        container: Container { mime: "video/mp4".into(), ..Container::default() },
        duration_secs: Rational::new(number as i64 % 7, 1),
        streams: vec![stream],
        has_audio: number.is_multiple_of(2),
        timecode: None,
        created: Some(Created {
            at: format!("2024-{:02}-01T00:00:00", 1 + number % 5),
            source: "made up".into(),
            confidence: Confidence::Medium,
        }),
        gps: None,
        camera: Camera::default(),
        title: (number == 7).then(|| "Golden Gate at dawn".into()),
        description: None,
        keywords: vec![format!("keyword{}", number % 4)],
        rating: None,
        content_identifier: None,
        agreement: Agreement::full(),
        tags: std::collections::BTreeMap::new(),
    }
}

fn filled(count: u64) -> Library {
    let library = Library::new();
    for number in 0..count {
        // Names repeat, so that orders have ties to break.
        let name = format!("clip_{:02}.mp4", number % 20);
        let place = library.file(&format!("Trip {number}"), &name, stamp(number));
        let mut sampled = sampled(0);
        sampled.fingerprint.0[..8].copy_from_slice(&number.to_be_bytes());
        assert_eq!(library.identify(place, sampled, None), Identified::New);
        library.catalog.write(|write| record_probe(write, place, &probe(number))).unwrap();
    }
    library
}

#[test]
fn the_fingerprint_never_decides() {
    let library = Library::new();
    let (one, other) = (library.file("", "a", stamp(1)), library.file("", "b", stamp(2)));
    assert_eq!(library.identify(one, sampled(1), None), Identified::New);
    assert_eq!(library.identify(other, sampled(1), None), Identified::New);
    assert_eq!(library.ids("").len(), 2);
    assert_eq!(library.hashed(one, stamp(1), hashes(1)), Hashing::Stored);
    assert_eq!(library.hashed(other, stamp(2), hashes(2)), Hashing::Stored);
    assert_eq!(library.ids("").len(), 2);
    library.is_sound();
}

#[test]
fn equal_hashes_make_two_assets_one_and_both_names_lead_there() {
    let library = Library::new();
    let (one, other) = (library.file("", "a", stamp(1)), library.file("x", "b", stamp(2)));
    library.identify(one, sampled(1), None);
    library.identify(other, sampled(1), None);
    let names = library.ids("sort:-added");
    library.hashed(one, stamp(1), hashes(1));
    assert_eq!(library.hashed(other, stamp(2), hashes(1)), Hashing::Merged);
    assert_eq!(library.ids(""), names[..1]);
    for name in &names {
        let asset = library.catalog.asset(name).unwrap();
        assert_eq!((asset.row.id.as_str(), asset.places.len()), (names[0].as_str(), 2));
    }
    assert_eq!(library.ids("copies:>1").len(), 1);
    library.is_sound();
}

/// An asset's number is free when it was merged away, and the next one has it.
#[test]
fn copies_follow_their_asset_and_count_where_no_scan_counts_them() {
    let library = Library::new();
    let known = hashes(7);
    let (one, other) = (library.file("", "a.mov", stamp(1)), library.file("", "b.mov", stamp(2)));
    for place in [one, other] {
        library.identify(place, sampled(place as u8), None);
    }
    library.hashed(one, stamp(1), known);
    let disk = library.catalog.destination(Path::new("/disk/copies"), "disk", 5).unwrap();
    let copy = |asset: i64, path: &'static [u8]| NewCopy {
        destination: disk.id,
        path,
        asset,
        is_sidecar: false,
        hashes: &known,
        c4: "c4",
        size_bytes: 1 << 20,
        mtime_ns: 1,
    };
    let numbers: Vec<i64> = library
        .catalog
        .read(|reader| Ok(candidates(reader, "", 0, 10)?.iter().map(|it| it.asset).collect()))
        .unwrap();
    assert_eq!(numbers.len(), 2);
    for (at, asset) in numbers.iter().enumerate() {
        let copy = copy(*asset, if at == 0 { b"a" } else { b"b" });
        library.catalog.write(|write| record_copy(write, &copy, 6)).unwrap();
    }
    assert_eq!(library.ids("copies:2").len(), 2);
    assert_eq!((library.ids("verified:>1d").len(), library.ids("verified:no").len()), (2, 0));
    library.is_sound();
    // The other is the same content: its copy is one of the first, too.
    assert_eq!(library.hashed(other, stamp(2), known), Hashing::Merged);
    assert_eq!(library.ids("copies:4").len(), 1);
    library.is_sound();
    // A root around the disk counts them by its scans, and only then.
    library.catalog.add_root(Path::new("/disk"), None, "disk", 7).unwrap();
    assert_eq!(library.ids("copies:2").len(), 1);
    library.catalog.remove_root("disk").unwrap();
    assert_eq!(library.ids("copies:4").len(), 1);
    // One is damaged: it does not count, and what is known of it stays.
    let lost = library.catalog.read(|reader| copy_at(reader, disk.id, b"a")).unwrap().unwrap();
    library
        .catalog
        .write(|write| record_verified(write, &lost, CopyState::Damaged, "/disk/copies/a", 8))
        .unwrap();
    assert_eq!(library.ids("copies:3").len(), 1);
    library.is_sound();
    library.catalog.forget_destination(disk.id).unwrap();
    assert_eq!((library.ids("copies:2").len(), library.ids("verified:no").len()), (1, 1));
    library.is_sound();
}

#[test]
fn work_on_an_asset_that_was_merged_away_has_no_place() {
    let library = Library::new();
    let (one, other) = (library.file("", "a", stamp(1)), library.file("x", "b", stamp(2)));
    library.identify(one, sampled(1), None);
    library.identify(other, sampled(1), None);
    let tasks = library.catalog.read(|reader| next_assets(reader, Work::Probe, 0, 10)).unwrap();
    let there = || {
        let is_there = |task: &AssetTask| library.catalog.read(|r| task.key().is_there(r));
        tasks.iter().map(|task| is_there(task).unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(there(), [true, true]);
    library.hashed(one, stamp(1), hashes(1));
    assert_eq!(library.hashed(other, stamp(2), hashes(1)), Hashing::Merged);
    assert_eq!(there(), [true, false]);
    let third = library.file("x", "c", stamp(3));
    library.identify(third, sampled(2), None);
    let next = library
        .catalog
        .read(|reader| next_assets(reader, Work::Probe, tasks[0].asset, 10))
        .unwrap();
    assert_eq!(next[0].asset, tasks[1].asset, "the number is in use again");
    assert_eq!(there(), [true, false]);
    let lost = |write: &Transaction<'_>| record_preview_lost(write, tasks[1].asset + 7);
    library.catalog.write(lost).unwrap();
    library.is_sound();
}

/// A kill from outside says little of the file; again and again, it does.
#[test]
fn what_a_killed_worker_left_is_tried_again_and_not_for_ever() {
    let library = filled(1);
    let id = library.ids("").remove(0);
    let killed = Error::new(ErrorKind::Unavailable, "making previews", "the worker was killed");
    let corrupt = Error::new(ErrorKind::Corrupt, "making previews", "no frame can be decoded");
    let left = |work| library.catalog.read(|reader| work_left(reader, work)).unwrap().0;
    let write = |record: &dyn Fn(&Transaction<'_>) -> rushes_media::Result<()>| {
        library.catalog.write(record).unwrap();
    };
    let preview_error = || library.catalog.asset(&id).unwrap().preview_error;
    for tries_left in [1, 1, 0] {
        assert_eq!(left(Work::Preview), 1);
        write(&|write| record_preview_failure(write, 1, &killed));
        assert_eq!(left(Work::Preview), tries_left);
        assert_eq!(preview_error().as_ref(), Some(&killed));
    }
    write(&forget_failures);
    write(&|write| record_preview_failure(write, 1, &killed));
    assert_eq!(left(Work::Preview), 1, "who asks gives it all its tries back");
    write(&|write| record_preview(write, 1, &StoredPreview::default()));
    assert_eq!((left(Work::Preview), preview_error()), (0, None));
    write(&|write| record_preview_failure(write, 1, &corrupt));
    assert_eq!((left(Work::Preview), preview_error()), (0, Some(corrupt)));

    // The same for probes.
    write(&|write| record_probe(write, 1, &probe(0)));
    assert_eq!(preview_error(), None);
    write(&|write| {
        write.execute_batch("UPDATE assets SET probe_state=0").unwrap();
        Ok(())
    });
    for tries_left in [1, 1, 0] {
        write(&|write| record_probe_failure(write, 1, &killed, None));
        assert_eq!(left(Work::Probe), tries_left);
        assert_eq!(library.catalog.asset(&id).unwrap().row.error.as_ref(), Some(&killed));
    }
}

#[test]
fn content_that_comes_back_is_the_asset_it_was() {
    let library = Library::new();
    let place = library.file("", "a", stamp(1));
    library.identify(place, sampled(1), None);
    library.hashed(place, stamp(1), hashes(1));
    let id = library.ids("").remove(0);
    library.catalog.write(|write| record_gone(write, place, 4)).unwrap();
    assert_eq!(library.ids(""), [""; 0]);
    assert_eq!(library.ids("state:gone"), [id.as_str()]);
    let elsewhere = library.file("y", "c", stamp(9));
    assert_eq!(library.identify(elsewhere, sampled(1), None), Identified::AskForHash);
    assert_eq!(library.identify(elsewhere, sampled(1), Some(hashes(1))), Identified::Moved);
    assert_eq!(library.ids(""), [id]);
    library.is_sound();
}

#[test]
fn other_content_at_a_place_is_another_asset() {
    let library = Library::new();
    let place = library.file("", "a", stamp(1));
    library.identify(place, sampled(1), None);
    let before = library.ids("");
    assert_eq!(library.identify(place, sampled(2), None), Identified::Changed);
    assert_ne!(library.ids(""), before);
    assert_eq!(library.ids("state:gone"), before);
    assert_eq!(library.identify(place, sampled(2), None), Identified::Same);
    library.is_sound();
}

#[test]
fn pages_by_cursor_give_each_asset_once_in_every_order() {
    let library = filled(137);
    for sort in [
        "date",
        "-date",
        "added",
        "-added",
        "name",
        "-name",
        "size",
        "-size",
        "duration",
        "-duration",
    ] {
        let query = format!("sort:{sort}");
        let whole = library.ids(&query);
        assert_eq!(whole.iter().collect::<BTreeSet<_>>().len(), 137, "{sort}");
        let (mut paged, mut cursor) = (Vec::new(), None);
        loop {
            let page = library.catalog.search(&query, 10, cursor.as_deref(), None).unwrap();
            assert_eq!(page.total, Some(137));
            paged.extend(page.items.into_iter().map(|row| row.id));
            cursor = page.next_cursor;
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!(paged, whole, "{sort}");
        let page = library.catalog.search(&query, 10, None, Some(40)).unwrap();
        let ids: Vec<String> = page.items.into_iter().map(|row| row.id).collect();
        assert_eq!(ids, whole[40..50], "{sort}");
    }
    assert_eq!(
        library.catalog.search("sort:name", 10, Some("5.i7"), None).unwrap_err().kind,
        ErrorKind::Invalid
    );
    library.is_sound();
}

#[test]
fn a_cursor_is_for_the_query_that_gave_it() {
    let library = filled(40);
    let cursor_of = |query: &str| {
        library.catalog.search(query, 5, None, None).unwrap().next_cursor.expect("a next page")
    };
    let cursor = cursor_of("codec:hevc sort:name");
    for query in ["codec:hevc   sort:name", "codec:H.265 sort:name", "sort:name codec:hevc"] {
        let page = library.catalog.search(query, 7, Some(&cursor), None).unwrap();
        assert_eq!(page.items.len(), 7, "{query}");
    }
    for query in [
        "sort:name",
        "codec:h264 sort:name",
        "-codec:hevc sort:name",
        "codec:hevc sort:-name",
        "codec:hevc audio:yes sort:name",
        "codec:hevc clip sort:name",
        "codec:hevc",
    ] {
        let error = library.catalog.search(query, 5, Some(&cursor), None).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Invalid, "{query}");
        assert!(error.to_string().contains("not from this query"), "{query}: {error}");
    }
    // The same filter with another value sorts the same.
    let cursor = cursor_of("width:>10");
    assert!(library.catalog.search("width:>11", 5, Some(&cursor), None).is_err());
    let cursor = cursor_of("clip");
    assert!(library.catalog.search("\"clip\"", 5, Some(&cursor), None).is_err());
    for made_up in ["", ".", "..", "...", "5.i7", "a.5.i7", "\u{e9}.5.i7", &cursor_of("")[1..]] {
        assert!(library.catalog.search("", 5, Some(made_up), None).is_err(), "{made_up}");
    }
}

#[test]
fn filters_find_what_they_say() {
    let library = filled(60);
    for (query, found) in [
        ("", 60),
        ("kind:video", 60),
        ("kind:still", 0),
        ("codec:hevc", 20),
        ("-codec:hevc", 40),
        ("codec:hevc audio:yes", 10),
        ("duration:>5", 8),
        ("duration:1..2", 18),
        ("width:>=1920 height:1080", 60),
        ("date:2024-01", 12),
        ("date:2024-01..2024-02", 24),
        ("date:<2024", 0),
        ("batch:\"Trip 7\"", 1),
        ("ext:mp4 size:>1M", 60),
        ("golden", 1),
        ("\"golden gate\"", 1),
        ("\"gate golden\"", 0),
        ("gold", 1),
        ("keyword3", 15),
        ("-keyword3", 45),
        ("clip codec:hevc", 20),
        ("hashed:no", 60),
        ("state:present", 60),
        ("root:made-up", 60),
        ("copies:>1", 0),
        // Punctuation stands between words; another sign must be in the name.
        ("clip & _", 60),
        ("€", 0),
        ("clip -€", 60),
    ] {
        assert_eq!(library.ids(query).len(), found, "{query}");
    }
}

#[test]
fn signs_that_are_no_words_are_found_in_names() {
    let library = Library::new();
    for (number, name) in ["5 € note.png", "☀ sun.png", "plain.png"].into_iter().enumerate() {
        let place = library.file("Trip", name, stamp(number as u64));
        assert_eq!(library.identify(place, sampled(number as u8), None), Identified::New);
        library.catalog.write(|write| record_probe(write, place, &probe(1))).unwrap();
    }
    for (query, found) in
        [("", 3), ("€", 1), ("☀ sun", 1), ("☀ note", 0), ("-€", 2), ("\"€ note\"", 1)]
    {
        assert_eq!(library.ids(query).len(), found, "{query}");
    }
}

#[test]
fn many_are_counted_only_when_asked_for() {
    let library = filled(1);
    library
        .catalog
        .write(|write| {
            write
                .execute_batch(
                    "WITH RECURSIVE numbers(n) AS (SELECT 1000 UNION ALL SELECT n+1 FROM numbers WHERE n<60999)
                     INSERT INTO assets (id, public_id, fingerprint, size_bytes, added_ns, kind, present,
                                         name, modified_ns, sort_ns)
                     SELECT n, n, x'', n, 0, iif(n<2000, 'still', 'audio'), 1, n, 0, 0 FROM numbers",
                )
                .unwrap();
            Ok(())
        })
        .unwrap();
    let total = |query: &str| library.catalog.search(query, 10, None, None).unwrap().total;
    assert_eq!(total(""), Some(60_001), "the number of all is kept");
    assert_eq!(total("kind:still"), Some(1_000), "few are counted");
    assert_eq!(total("kind:audio"), None, "many are not");
    assert_eq!(library.catalog.count("kind:audio").unwrap(), 59_000);
    assert_eq!(total("kind:still"), Some(1_000), "the limit was for that one count");
}

/// The condition of every list must stay that of the lists' indexes: without
/// them a page of a large catalogue takes a second.
#[test]
fn lists_walk_an_index() {
    let library = filled(1);
    let condition = rushes_catalog::LISTED;
    for (order, index) in
        [("sort_ns DESC, id DESC", "assets_by_time"), ("name, id", "assets_by_name")]
    {
        let plan: String = library
            .catalog
            .read(|reader| {
                let explain = format!(
                    "EXPLAIN QUERY PLAN SELECT id FROM assets WHERE {condition} ORDER BY {order} LIMIT 60"
                );
                Ok(reader.query_row(&explain, [], |row| row.get(3)).unwrap())
            })
            .unwrap();
        assert!(plan.contains(index), "{plan}");
    }
}

#[test]
fn a_newer_catalogue_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("catalogue.sqlite");
    drop(Catalog::open(&path).unwrap());
    let raw = rusqlite::Connection::open(&path).unwrap();
    raw.pragma_update(None, "user_version", 999).unwrap();
    drop(raw);
    assert_eq!(Catalog::open(&path).err().unwrap().kind, ErrorKind::Conflict);
    std::fs::write(&path, b"this is no database, whatever its name says....").unwrap();
    assert_eq!(Catalog::open(&path).err().unwrap().kind, ErrorKind::Corrupt);
}

#[test]
fn the_check_names_what_was_broken() {
    for (damage, invariant) in [
        ("UPDATE assets SET present=5 WHERE id=1", 0),
        ("UPDATE places SET asset_id=NULL WHERE id=1", 0),
        ("UPDATE assets SET blake3=x'00' WHERE id=1", 3),
        ("UPDATE places SET state=1 WHERE id=1; UPDATE roots SET last_read_ns=NULL", 2),
        ("DELETE FROM words WHERE rowid=1", 0),
        ("UPDATE counters SET value=value+1 WHERE name='assets'", 0),
    ] {
        let library = filled(3);
        library.is_sound();
        library
            .catalog
            .write(|write| {
                write.execute_batch(damage).unwrap();
                Ok(())
            })
            .unwrap();
        let found = check(&library.catalog).unwrap();
        assert!(
            found.iter().any(|violation| violation.invariant == invariant),
            "{damage}: {found:?}"
        );
    }
}

#[test]
fn many_may_open_a_new_catalogue_at_once() {
    for _ in 0..10 {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("catalogue.sqlite");
        let start = std::sync::Barrier::new(8);
        std::thread::scope(|scope| {
            let open = || {
                start.wait();
                Catalog::open(&path).map(drop)
            };
            let opened: Vec<_> = (0..8).map(|_| scope.spawn(open)).collect();
            for opened in opened {
                opened.join().unwrap().unwrap();
            }
        });
    }
}

/// A root on a volume of its own is a volume mounted in the root around it, once
/// it is that root's.
#[test]
fn a_forgotten_root_on_another_volume_is_a_mounted_folder() {
    let folder = tempfile::tempdir().unwrap();
    let catalog = Catalog::open(&folder.path().join("catalogue.sqlite")).unwrap();
    let outer = catalog.add_root(Path::new("/made-up"), None, "one", 0).unwrap();
    let inner = catalog.add_root(Path::new("/made-up/in\u{fc}"), None, "two", 0).unwrap();
    let stamp = FileStamp { size_bytes: 1, mtime_ns: 2, ctime_ns: 3, inode: 4, device: 0 };
    let record = |root_id, path: &str, name: &str| {
        let entry = Entry { name: name.into(), kind: EntryKind::File, stamp };
        let path = path.as_bytes().to_vec();
        let added = vec![(entry, Role::New)];
        let found = FolderDifference { root_id, path, device: 7, added, ..Default::default() };
        catalog.write(|write| record_folder(write, &found, 1)).unwrap();
    };
    record(inner.id, "", "a");
    record(inner.id, "deep", "b");
    // A scan of the outer root that did not know of the inner one yet.
    record(outer.id, "in\u{fc}/deep", "c");
    catalog.set_root_read(outer.id, "one", 5).unwrap();
    catalog.set_root_scanned(outer.id, 5_000_000_000).unwrap();
    catalog.set_root_read(inner.id, "two", 9).unwrap();
    catalog.set_root_scanned(inner.id, 3_000_000_000).unwrap();
    catalog.remove_root(&inner.name).unwrap();
    let rows: Vec<(String, String, i64, bool)> = catalog
        .read(|reader| {
            let mut statement = reader
                .prepare(
                    "SELECT CAST(path AS TEXT), CAST(name AS TEXT), device, mounted
                     FROM places JOIN folders ON folders.id=folder_id WHERE root_id=? ORDER BY name",
                )
                .unwrap();
            let rows = statement.query_map([outer.id], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
            });
            Ok(rows.unwrap().map(rusqlite::Result::unwrap).collect())
        })
        .unwrap();
    let volume = rushes_store::volume_number("two") as i64;
    assert_eq!(
        rows,
        [
            ("in\u{fc}".into(), "a".into(), volume, true),
            ("in\u{fc}/deep".into(), "b".into(), 7, false),
            ("in\u{fc}/deep".into(), "c".into(), 7, false),
        ]
    );
    // All of it was read when the older of the two scans was.
    let roots = catalog.root_rows().unwrap();
    assert_eq!(roots[0].last_scan.as_deref(), Some("1970-01-01T00:00:03Z"));
    assert_eq!(check(&catalog).unwrap(), []);
}
