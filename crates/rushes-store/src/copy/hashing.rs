//! Hashes computed on threads of their own, of blocks that others look at too.

use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::thread::{Scope, ScopedJoinHandle};

use rushes_media::{Error, Result};
use xxhash_rust::xxh3::Xxh3;

use super::blocks::{Block, Lane, Pump};
use crate::hash_formats::{Digest, HashFormat, Hasher};
use crate::hashing::Hashes;

/// Threads that hash what comes down their lanes.
pub(super) struct Hashing<'scope> {
    blake3: ScopedJoinHandle<'scope, [u8; 32]>,
    xxh3: ScopedJoinHandle<'scope, [u8; 16]>,
    others: Vec<ScopedJoinHandle<'scope, Digest>>,
    formats: Vec<HashFormat>,
}

impl<'scope> Hashing<'scope> {
    /// Begins the two hashes that everything here is known by, and these; with
    /// the lanes on which they wait for blocks.
    pub(super) fn start<'env>(
        scope: &'scope Scope<'scope, 'env>,
        pump: &Pump<'_>,
        formats: &[HashFormat],
    ) -> (Hashing<'scope>, Vec<Lane>) {
        let (for_blake3, arriving) = pump.lane();
        let blake3 = scope.spawn(move || blake3_of(&arriving));
        let (for_xxh3, arriving) = pump.lane();
        let xxh3 = scope.spawn(move || xxh3_of(&arriving));
        let mut lanes = vec![for_blake3, for_xxh3];
        let mut others = Vec::new();
        for format in formats.iter().filter(|format| **format != HashFormat::Xxh128) {
            let (lane, arriving) = pump.lane();
            let mut hasher = Hasher::new(*format);
            others.push(scope.spawn(move || {
                arriving.iter().for_each(|block| hasher.update(&block));
                hasher.finish()
            }));
            lanes.push(lane);
        }
        (Hashing { blake3, xxh3, others, formats: formats.to_vec() }, lanes)
    }

    /// Waits until all blocks are hashed. The digests are in the order in which
    /// the formats were asked for.
    pub(super) fn finish(self) -> Result<(Hashes, Vec<Digest>)> {
        let lost = |_| Error::bug("hashing a file", "a thread that hashes ended early");
        let blake3 = self.blake3.join().map_err(lost)?;
        let xxh3_128 = self.xxh3.join().map_err(lost)?;
        let others: Vec<Digest> = self
            .others
            .into_iter()
            .map(|thread| thread.join().map_err(lost))
            .collect::<Result<_>>()?;
        let mut others = others.into_iter();
        let digests = self.formats.iter().filter_map(|format| match format {
            HashFormat::Xxh128 => Digest::new(*format, &xxh3_128),
            _ => others.next(),
        });
        let digests = digests.collect();
        Ok((Hashes { blake3, xxh3_128 }, digests))
    }
}

fn blake3_of(arriving: &Receiver<Arc<Block>>) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    for block in arriving {
        hasher.update(&block);
    }
    *hasher.finalize().as_bytes()
}

fn xxh3_of(arriving: &Receiver<Arc<Block>>) -> [u8; 16] {
    let mut hasher = Xxh3::new();
    for block in arriving {
        hasher.update(&block);
    }
    hasher.digest128().to_be_bytes()
}
