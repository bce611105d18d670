//! Lists folders and records how they differ from the catalogue. Opens no
//! file.

use std::collections::{HashMap, HashSet};
use std::mem::MaybeUninit;
use std::os::unix::ffi::OsStrExt;

use rushes_catalog::{
    Difference, FolderDifference, KnownPlace, Met, MissedPlace, Role, RootState, known_folder,
    known_places, newest_folder, places_outside, record_folder, relative_to, shown_place,
};
use rushes_media::{Error, Result, UnixNanos, display_name};
use rushes_store::{Entry, EntryKind, Root, is_system_name, volume_number};
use rushes_tags::{owner_of, sidecar_kind};

use super::report::{Failure, RootReport, ScanReport};
use super::target::{Target, resolve};
use super::{Scan, tell};
use crate::action::Plan;
use crate::context::Context;

/// Differences recorded in one transaction.
const BATCH: usize = 4_000;

/// What listing one root missed.
pub(super) struct Scanned {
    pub(super) root_id: i64,
    pub(super) volume: String,
    pub(super) missed: Vec<MissedPlace>,
    /// Whether all of it was read: only then may anything be marked gone.
    pub(super) is_complete: bool,
    /// Whether that was the whole root and not a part of it.
    pub(super) is_whole: bool,
    /// When the listing began: what it saw was there then.
    pub(super) listed_at: UnixNanos,
}

/// Lists every target and records the differences.
pub(super) fn list_all(
    context: &Context<'_>,
    targets: &[Target],
    report: &mut ScanReport,
) -> Result<Vec<Scanned>> {
    let mut scanned = Vec::new();
    for target in targets {
        let mut batch = Vec::new();
        let mut pending = 0;
        let catalog = context.engine.catalog()?;
        let flush = |batch: &mut Vec<FolderDifference>| {
            let now = context.engine.clock().now();
            let found = std::mem::take(batch);
            catalog.write(|write| found.iter().try_for_each(|d| record_folder(write, d, now)))?;
            // Not what changed: a file that is written to changes for every attempt.
            if found.iter().any(|difference| !difference.added.is_empty()) {
                context.progress.got_further();
            }
            Ok(())
        };
        let listed = list_target(context, target, targets, false, report, &mut |difference| {
            pending += 1 + difference.added.len() + difference.changed.len();
            batch.push(difference);
            if pending < BATCH {
                return Ok(());
            }
            pending = 0;
            flush(&mut batch)
        });
        if !batch.is_empty() {
            flush(&mut batch)?;
        }
        scanned.extend(listed?);
    }
    Ok(scanned)
}

/// What a scan would record, without recording it.
pub(super) fn rehearse(scan: &Scan, context: &Context<'_>) -> Result<Plan> {
    let targets = resolve(scan, context, false)?;
    let mut plan = Plan::default();
    let mut report = ScanReport::default();
    let mut moved_to: HashMap<(u64, u64, i64), (i64, String)> = HashMap::new();
    let mut gone = Vec::new();
    // What is only counted needs no path.
    let shown = |plan: &Plan, place| match plan.effects.len() < Plan::LISTED {
        true => context.engine.catalog()?.read(|reader| shown_place(reader, place)),
        false => Ok(String::new()),
    };
    for target in &targets {
        if target.is_new() {
            let path = target.shown();
            plan.push(target.register_key(), format!("register {path} as a root"));
        }
        let root = display_name(target.path.as_os_str().as_bytes());
        let listed =
            list_target(context, target, &targets, true, &mut report, &mut |difference| {
                let folder = display_name(&difference.path);
                for (entry, _) in &difference.added {
                    let path =
                        format!("{root}/{folder}/{}", display_name(&entry.name)).replace("//", "/");
                    let stamp = &entry.stamp;
                    if moved_to.len() < Plan::LISTED {
                        let key = (stamp.inode, stamp.size_bytes, stamp.mtime_ns);
                        moved_to.insert(key, (0, path.clone()));
                    }
                    plan.push(format!("add {path}"), format!("record {path}"));
                }
                for (place, ..) in &difference.changed {
                    let path = shown(&plan, *place)?;
                    plan.push(
                        format!("change {place}"),
                        format!("look again at {path}, which changed"),
                    );
                }
                Ok(())
            })?;
        gone.extend(
            listed
                .filter(|listed| listed.is_complete)
                .map(|listed| listed.missed)
                .unwrap_or_default(),
        );
    }
    let mut moved = 0;
    for missed in &gone {
        let key = (missed.inode, missed.size_bytes, missed.mtime_ns);
        if let Some((_, to)) = moved_to.get(&key) {
            moved += 1;
            let from = shown(&plan, missed.id)?;
            plan.push(format!("move {}", missed.id), format!("follow {from} to {to}"));
        } else {
            let path = shown(&plan, missed.id)?;
            plan.push(format!("gone {}", missed.id), format!("mark {path} as gone"));
        }
    }
    plan.summary = format!(
        "of {} files, record {} new ({moved} of them moved), look again at {} changed, mark {} gone",
        report.files,
        report.added,
        report.changed,
        gone.len() - moved
    );
    for root in report.roots.iter().filter(|root| root.state != "online") {
        plan.push(
            format!("skip {}", root.path),
            format!("leave {} alone: it is {}", root.path, root.state),
        );
    }
    Ok(plan)
}

/// Lists one target, handing each folder's difference on. `None` when the
/// root is not there, or not as it was: then nothing of it changes but its
/// state, and not even that in a rehearsal.
fn list_target(
    context: &Context<'_>,
    target: &Target,
    targets: &[Target],
    is_rehearsal: bool,
    report: &mut ScanReport,
    each: &mut dyn FnMut(FolderDifference) -> Result<()>,
) -> Result<Option<Scanned>> {
    let mut found = RootReport { path: target.shown(), ..RootReport::default() };
    let note_state = |state| match &target.root {
        Some(root) if !is_rehearsal => context.engine.catalog()?.set_root_state(root.id, state),
        _ => Ok(()),
    };
    let root = match open(context, target) {
        Ok(opened) => opened,
        Err(error) => {
            found.state = RootState::Offline.name().into();
            found.note = Some(error.to_string());
            report.roots.push(found);
            note_state(RootState::Offline)?;
            return Ok(None);
        }
    };
    let listed_at = context.engine.clock().now();
    let mut lister = Lister::new(context, target, targets, root)?;
    lister.run(&mut found, report, each)?;
    let root_id = lister.root_id;
    let is_whole = target.below.is_empty() && !target.is_shallow;
    let is_empty = target.below.is_empty() && lister.names == 0;
    if is_empty && root_id != 0 && context.engine.catalog()?.root_has_places(root_id)? {
        found.state = RootState::Empty.name().into();
        found.note = Some("nothing is in it, though files were; perhaps it is not mounted".into());
        report.roots.push(found);
        note_state(RootState::Empty)?;
        return Ok(None);
    }
    // It is there, however much of it could be read.
    note_state(RootState::Online)?;
    found.state = RootState::Online.name().into();
    let is_complete = found.unreadable.is_empty();
    if !is_complete {
        found.note = Some("it was not read whole, so nothing is marked gone".into());
    }
    report.roots.push(found);
    let missed = if root_id != 0 { lister.missed()? } else { Vec::new() };
    let volume = lister.root.volume()?.identity;
    Ok(Some(Scanned { root_id, volume, missed, is_complete, is_whole, listed_at }))
}

/// Opens a root, and makes sure that it is the volume it was.
fn open(context: &Context<'_>, target: &Target) -> Result<Root> {
    use rushes_media::ErrorKind;
    let root = Root::open(&target.path)?;
    let Some(known) = &target.root else { return Ok(root) };
    let volume = root.volume()?.identity;
    if known.volume.as_ref().is_some_and(|before| *before != volume)
        && context.engine.catalog()?.root_has_places(known.id)?
    {
        return Err(Error::new(
            ErrorKind::Unavailable,
            "opening a root",
            "another volume is there now",
        )
        .remedy("mount the right one, or take this one with rushes paths add --new-volume"));
    }
    Ok(root)
}

struct Lister<'a> {
    context: &'a Context<'a>,
    root: Root,
    root_id: i64,
    root_device: u64,
    /// Numbers of the volumes mounted below the root, by device.
    volumes: HashMap<u64, u64>,
    below: Vec<u8>,
    is_shallow: bool,
    /// Paths, relative to this root, of other roots inside it.
    inner: HashSet<Vec<u8>>,
    visited: HashSet<(u64, u64)>,
    met: Met,
    missed: Vec<MissedPlace>,
    names: u64,
}

impl<'a> Lister<'a> {
    fn new(
        context: &'a Context<'a>,
        target: &Target,
        targets: &[Target],
        root: Root,
    ) -> Result<Lister<'a>> {
        let outer = target.path.as_os_str().as_bytes();
        // In a rehearsal a root may be there in the plan only.
        let roots = context.engine.catalog()?.roots()?;
        let inner = roots
            .iter()
            .map(|root| &root.path)
            .chain(targets.iter().map(|target| &target.path))
            .filter_map(|other| relative_to(other.as_os_str().as_bytes(), outer))
            .map(<[u8]>::to_vec)
            .collect();
        let stamp = root.stamp()?;
        let mut visited = HashSet::from([(stamp.device, stamp.inode)]);
        // Its previews are no media of anybody's, and would be previewed in turn.
        if let Ok(home) = Root::open(context.engine.home().path()).and_then(|home| home.stamp()) {
            visited.insert((home.device, home.inode));
        }
        Ok(Lister {
            context,
            root_device: stamp.device,
            volumes: HashMap::new(),
            root,
            root_id: target.root.as_ref().map_or(0, |root| root.id),
            below: target.below.clone(),
            is_shallow: target.is_shallow,
            inner,
            visited,
            met: Met {
                newest_folder: context.engine.catalog()?.read(newest_folder)?,
                ..Met::default()
            },
            missed: Vec::new(),
            names: 0,
        })
    }

    fn run(
        &mut self,
        found: &mut RootReport,
        report: &mut ScanReport,
        each: &mut dyn FnMut(FolderDifference) -> Result<()>,
    ) -> Result<()> {
        let mut buffer: Vec<MaybeUninit<u8>> = Vec::new();
        let start = self.below.clone();
        let start_device = if start.is_empty() {
            self.root_device
        } else {
            Root::open(&self.root.join(&start)).and_then(|folder| folder.stamp())?.device
        };
        let mut folders = vec![(start, start_device)];
        while let Some((path, device)) = folders.pop() {
            self.context.check_cancelled("scanning")?;
            let entries = match self.root.list(&path, &mut buffer) {
                Ok(entries) => entries,
                Err(error) => {
                    found.unreadable.push(Failure {
                        path: display_name(self.root.join(&path).as_os_str().as_bytes()),
                        asset: None,
                        error,
                    });
                    continue;
                }
            };
            self.names += entries.len() as u64;
            let mut files = Vec::new();
            for entry in entries {
                if is_system_name(&entry.name) {
                    continue;
                }
                match entry.kind {
                    EntryKind::File => files.push(entry),
                    EntryKind::Link => found.links += 1,
                    EntryKind::Special => found.special += 1,
                    EntryKind::Folder if self.is_shallow => {}
                    EntryKind::Folder => {
                        let mut below = path.clone();
                        if !below.is_empty() {
                            below.push(b'/');
                        }
                        below.extend_from_slice(&entry.name);
                        // A bind mount can show a folder inside itself.
                        let identity = (entry.stamp.device, entry.stamp.inode);
                        if !self.inner.contains(&below) && self.visited.insert(identity) {
                            folders.push((below, entry.stamp.device));
                        }
                    }
                }
            }
            report.files += files.len() as u64;
            let volume = self.volume_number(&path, device);
            self.compare(path, volume, files, report, each)?;
            tell(self.context, report.files, None, format!("listing {}", found.path));
        }
        Ok(())
    }

    /// A number for the volume of a folder: the device for the root's own; for
    /// another one made of its identity, since devices are numbered anew
    /// whenever something is mounted.
    fn volume_number(&mut self, path: &[u8], device: u64) -> u64 {
        if device == self.root_device {
            return device;
        }
        let root = &self.root;
        *self.volumes.entry(device).or_insert_with(|| {
            // Without an identity it is known for as long as it stays mounted.
            root.volume_of_folder(path).map_or(device, |volume| volume_number(&volume.identity))
        })
    }

    fn compare(
        &mut self,
        path: Vec<u8>,
        device: u64,
        files: Vec<Entry>,
        report: &mut ScanReport,
        each: &mut dyn FnMut(FolderDifference) -> Result<()>,
    ) -> Result<()> {
        let is_mounted = device != self.root_device;
        let (folder, places) = self.context.engine.catalog()?.read(|reader| {
            let folder = known_folder(reader, self.root_id, &path)?;
            let places = match folder {
                Some(folder) => known_places(reader, folder.id)?,
                None => Vec::new(),
            };
            Ok((folder, places))
        })?;
        // What was here is on a volume that is not mounted now, or is hidden by one.
        let is_away = folder
            .is_some_and(|folder| (folder.is_mounted || is_mounted) && folder.device != device);
        if let Some(folder) = folder {
            self.met.folders.insert(folder.id);
        }
        if is_mounted {
            self.met.mounted.insert(path.clone(), device);
        }
        let mut known: HashMap<&[u8], &KnownPlace> =
            places.iter().map(|place| (&place.name[..], place)).collect();
        let mut difference = FolderDifference {
            root_id: self.root_id,
            path,
            device,
            is_mounted,
            ..FolderDifference::default()
        };
        for entry in &files {
            let Some(place) = known.remove(&entry.name[..]) else { continue };
            let (old, new) = (place.stamp, entry.stamp);
            if old.size_bytes != new.size_bytes || old.mtime_ns != new.mtime_ns {
                difference.changed.push((place.id, new, Difference::Content));
            } else if place.is_gone || old.ctime_ns != new.ctime_ns || old.inode != new.inode {
                difference.changed.push((place.id, new, Difference::Attributes));
            }
        }
        // It stays that volume's folder while something of it is missed here.
        if let Some(folder) = folder
            && is_away
            && known.values().any(|place| !place.is_gone)
        {
            difference.device = folder.device;
            difference.is_mounted = folder.is_mounted;
        }
        if !is_away {
            self.missed.extend(
                known.values().filter(|p| !p.is_gone).map(|place| MissedPlace::from(*place)),
            );
        }
        let names: HashSet<&[u8]> = places.iter().map(|place| &place.name[..]).collect();
        let fresh: Vec<&Entry> =
            files.iter().filter(|entry| !names.contains(&entry.name[..])).collect();
        report.added += fresh.len() as u64;
        report.changed += difference.changed.len() as u64;
        let is_moved = folder.is_none_or(|folder| {
            folder.device != difference.device || folder.is_mounted != difference.is_mounted
        });
        let is_different = !fresh.is_empty() || !difference.changed.is_empty() || !known.is_empty();
        difference.added = fresh
            .into_iter()
            .map(|entry| {
                let is_sidecar = sidecar_kind(&entry.name).is_some();
                (entry.clone(), if is_sidecar { Role::Sidecar } else { Role::New })
            })
            .collect();
        if is_different {
            difference.sidecars = owners(&files);
        }
        if is_different || is_moved { each(difference) } else { Ok(()) }
    }

    fn missed(&mut self) -> Result<Vec<MissedPlace>> {
        let mut missed = std::mem::take(&mut self.missed);
        // Of the folders that it did not look into it says nothing.
        if self.is_shallow {
            return Ok(missed);
        }
        self.context.engine.catalog()?.read(|reader| {
            places_outside(reader, self.root_id, &self.below, &self.met, &mut |place| {
                missed.push(place)
            })
        })?;
        Ok(missed)
    }
}

/// Every sidecar among these files, and the name it belongs to.
fn owners(files: &[Entry]) -> Vec<(Vec<u8>, Option<Vec<u8>>)> {
    let (sidecars, others): (Vec<&Entry>, Vec<&Entry>) =
        files.iter().partition(|entry| sidecar_kind(&entry.name).is_some());
    sidecars
        .iter()
        .map(|sidecar| {
            let owner = owner_of(&sidecar.name, others.iter().map(|entry| &entry.name[..]));
            let owner = owner.and_then(|index| others.get(index)).map(|entry| entry.name.clone());
            (sidecar.name.clone(), owner)
        })
        .collect()
}
