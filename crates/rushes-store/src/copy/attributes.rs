//! What a file has beside its bytes: times, rights, extended attributes.

use std::ffi::CString;
use std::fs::{File, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};

use rushes_media::display_name;
use rustix::fs::{Timespec, Timestamps, XattrFlags, fgetxattr, flistxattr, fsetxattr, futimens};
use rustix::io::Errno;

/// Bytes of the largest list of names, and of the largest value: Linux has no
/// larger ones.
const MOST_BYTES: usize = 64 << 10;

/// An attribute of the source that its copy does not have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOut {
    /// Which one: `mtime`, `mode`, or the name of an extended attribute.
    pub name: String,
    /// Why not.
    pub why: String,
}

/// What a file has beside its bytes.
#[derive(Debug)]
pub(crate) struct Attributes {
    times: Timestamps,
    mode: u32,
    extended: Vec<(CString, Vec<u8>)>,
    /// Those that could not be read.
    unread: Vec<LeftOut>,
}

impl Attributes {
    /// Those of this file.
    pub(crate) fn of(file: &File) -> io::Result<Attributes> {
        let found = file.metadata()?;
        let time = |tv_sec, tv_nsec| Timespec { tv_sec, tv_nsec };
        let times = Timestamps {
            last_access: time(found.atime(), found.atime_nsec()),
            last_modification: time(found.mtime(), found.mtime_nsec()),
        };
        // Rights to become its owner mean nothing where the owner is another one.
        let mode = found.mode() & 0o777;
        let (mut extended, mut unread) = (Vec::new(), Vec::new());
        let mut buffer = vec![0; MOST_BYTES];
        match flistxattr(file, &mut buffer[..]) {
            Ok(read) => {
                let names: Vec<CString> = buffer
                    .get(..read)
                    .unwrap_or_default()
                    .split(|byte| *byte == 0)
                    // What the system itself says of the place where a file lies.
                    .filter(|name| !name.is_empty() && *name != b"security.selinux")
                    .filter_map(|name| CString::new(name).ok())
                    .collect();
                for name in names {
                    match fgetxattr(file, &name, &mut buffer[..]) {
                        Ok(read) => {
                            extended.push((name, buffer.get(..read).unwrap_or_default().to_vec()));
                        }
                        // Gone since.
                        Err(Errno::NODATA) => {}
                        Err(errno) => unread.push(left_out(name.as_bytes(), &errno.into())),
                    }
                }
            }
            // Its file system has none.
            Err(Errno::NOTSUP) => {}
            Err(errno) => unread.push(left_out(b"extended attributes", &errno.into())),
        }
        Ok(Attributes { times, mode, extended, unread })
    }

    /// Gives them to another file; those that it could not be given.
    pub(crate) fn give_to(&self, file: &File) -> Vec<LeftOut> {
        let mut missing = self.unread.clone();
        for (name, value) in &self.extended {
            if let Err(errno) = fsetxattr(file, name, value, XattrFlags::empty()) {
                missing.push(left_out(name.as_bytes(), &errno.into()));
            }
        }
        // After access lists, which change the group's rights.
        let given = file.set_permissions(Permissions::from_mode(self.mode));
        let has_mode = |it: std::fs::Metadata| it.mode() & 0o777 == self.mode;
        match given.and_then(|()| file.metadata().map(has_mode)) {
            Ok(true) => {}
            Ok(false) => missing.push(coarse("mode")),
            Err(error) => missing.push(left_out(b"mode", &error)),
        }
        // Last, since writing changes them.
        let given = futimens(file, &self.times).map_err(io::Error::from);
        let wanted = &self.times.last_modification;
        let has_time = |it: std::fs::Metadata| {
            (it.mtime(), it.mtime_nsec()) == (wanted.tv_sec, wanted.tv_nsec)
        };
        match given.and_then(|()| file.metadata().map(has_time)) {
            Ok(true) => {}
            Ok(false) => missing.push(coarse("mtime")),
            Err(error) => missing.push(left_out(b"mtime", &error)),
        }
        missing
    }
}

fn left_out(name: &[u8], error: &io::Error) -> LeftOut {
    let why = error.to_string();
    let why = why.split(" (os error").next().unwrap_or_default().to_lowercase();
    LeftOut { name: display_name(name), why }
}

fn coarse(name: &str) -> LeftOut {
    LeftOut { name: name.into(), why: "the file system keeps it less exactly".into() }
}
