//! Which volume a folder is on, told so that it is the same after a reboot
//! and different when another disk, or none, is mounted there.

use std::collections::HashMap;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;

use rushes_media::{Error, Result};

/// A volume.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Volume {
    /// Names it: `uuid:...` of the file system, else `net:SERVER:/EXPORT`,
    /// else `TYPE:` and the file system's own number.
    pub identity: String,
    /// The file system: `ext4`, `nfs4`, `cifs`, `exfat`.
    pub file_system: String,
    /// Whether it is reached over a network.
    pub is_network: bool,
}

/// The volume that this open folder is on.
///
/// # Errors
/// When the system does not say.
pub fn volume_of(folder: impl AsFd) -> Result<Volume> {
    let failed = |e: rustix::io::Errno| Error::io("asking which volume a folder is on", &e.into());
    let stat = rustix::fs::fstat(&folder).map_err(failed)?;
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    let mount = find_mount(&mounts, stat.st_dev);
    let (file_system, source) = mount.unwrap_or_else(|| ("unknown".into(), String::new()));
    let is_network = matches!(
        file_system.as_str(),
        "nfs"
            | "nfs4"
            | "cifs"
            | "smb3"
            | "smbfs"
            | "afs"
            | "9p"
            | "fuse.sshfs"
            | "ceph"
            | "glusterfs"
    );
    let identity = if is_network && !source.is_empty() {
        format!("net:{source}")
    } else if let Some(uuid) = uuids().get(&stat.st_dev) {
        format!("uuid:{uuid}")
    } else {
        // ext4, xfs and btrfs make this number from their UUID, others from
        // the device; either way it differs from that of the folder beneath.
        let stat = rustix::fs::fstatvfs(&folder).map_err(failed)?;
        format!("{file_system}:{:x}", stat.f_fsid)
    };
    Ok(Volume { identity, file_system, is_network })
}

/// A number for a volume's identity, the same after a reboot and in every build.
#[must_use]
pub fn volume_number(identity: &str) -> u64 {
    // FNV-1a.
    identity.bytes().fold(0xcbf2_9ce4_8422_2325, |number, byte| {
        (number ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// File system type and source of the mount with this device number.
fn find_mount(mounts: &str, device: u64) -> Option<(String, String)> {
    let wanted = format!("{}:{}", rustix::fs::major(device), rustix::fs::minor(device));
    mounts.lines().find_map(|line| {
        let (left, right) = line.split_once(" - ")?;
        (left.split(' ').nth(2)? == wanted).then_some(())?;
        let mut fields = right.split(' ');
        Some((fields.next()?.to_owned(), fields.next()?.to_owned()))
    })
}

/// UUIDs of the block devices, by device number.
fn uuids() -> HashMap<u64, String> {
    let entries = std::fs::read_dir("/dev/disk/by-uuid").into_iter().flatten().flatten();
    entries
        .filter_map(|entry| {
            let device = std::fs::metadata(entry.path()).ok()?.rdev();
            Some((device, String::from_utf8_lossy(entry.file_name().as_bytes()).into_owned()))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use super::*;

    #[test]
    fn folders_of_one_volume_agree() {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("a");
        std::fs::create_dir(&inner).unwrap();
        let outer = volume_of(File::open(folder.path()).unwrap()).unwrap();
        assert_eq!(outer, volume_of(File::open(inner).unwrap()).unwrap());
        let proc = volume_of(File::open("/proc").unwrap()).unwrap();
        assert_eq!(proc.file_system, "proc");
        assert_ne!(outer.identity, proc.identity);
    }

    #[test]
    fn the_mount_is_found_by_device_number() {
        let mounts = "36 35 98:0 /a /mnt rw - ext4 /dev/root rw\n\
                      40 35 0:52 / /nas rw - nfs4 nas:/media rw,vers=4.2\n";
        let nas = rustix::fs::makedev(0, 52);
        assert_eq!(find_mount(mounts, nas), Some(("nfs4".into(), "nas:/media".into())));
        assert_eq!(find_mount(mounts, rustix::fs::makedev(1, 1)), None);
    }
}
