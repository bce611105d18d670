//! Where files are kept: rooted folders that nothing escapes, hashing, atomic
//! writes, verified copies, hash lists, and which volume a folder is on. The only
//! crate that writes files.

mod atomic;
mod copy;
mod frame_indexes;
mod hash_formats;
mod hashing;
mod home;
pub mod mhl;
mod partial_folder;
mod previews;
mod root;
mod turn;
mod uploads;
mod volume;

pub use atomic::{PartialFile, write_file};
pub use copy::{
    Copied, CopyStep, CopyTarget, LeftOut, MOST_TARGETS, Placed, ReadBack, Verified, copy_file,
    verify_file,
};
pub use frame_indexes::FrameIndexStore;
pub use hash_formats::{Digest, HashFormat, Hasher};
pub use hashing::{ContentHasher, Fingerprint, Hashed, Hashes, Sampled, hash_file, sample_file};
pub use home::Home;
pub use partial_folder::PartialFolder;
pub use previews::{PreviewHash, PreviewStore};
pub use root::{Entry, EntryKind, FileStamp, Root, is_system_name};
pub use turn::Turn;
pub use uploads::{
    Arrival, INCOMING, Outcome, Upload, UploadStore, name_arrived, open_arrived, remove_arrived,
};
pub use volume::{Volume, volume_number, volume_of};
