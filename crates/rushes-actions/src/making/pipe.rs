//! The new file's bytes on their way out of a worker, which may write to
//! nothing but this pipe: records of a position, a length and so many bytes,
//! which of several files they are of, and now and then how far it is.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rushes_codec::{Converted, Part, Sink};
use rushes_media::{Error, ErrorKind, Result};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use serde::{Deserialize, Serialize};

const WHAT: &str = "converting";
/// Bytes of one record at most.
const RECORD_BYTES: usize = 1 << 20;
/// The position of what is no part of the file but says how far it is.
const PROGRESS: u64 = u64::MAX;
/// The position of what is no part of the file but says which comes now: the
/// number of a frame, or this for the header.
const BEGIN: u64 = u64::MAX - 1;
const HEADER: u64 = u64::MAX;
/// A file that grows beyond this is a worker that has lost its mind.
const MOST_BYTES: u64 = 1 << 50;
/// How long a worker may say nothing at all.
const SILENCE: Duration = Duration::from_secs(600);
/// How often a wait looks whether it should end.
const TURN: Duration = Duration::from_millis(50);

/// How far it is, as the worker says it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Told {
    pub(crate) done: u64,
    pub(crate) total: Option<u64>,
    pub(crate) unit: String,
    pub(crate) lost_frames: u64,
}

impl From<&Converted> for Told {
    fn from(converted: &Converted) -> Told {
        let Converted { done, total, unit, lost_frames } = *converted;
        Told { done, total, unit: unit.to_owned(), lost_frames }
    }
}

/// The worker's end.
pub(crate) struct Outlet(pub(crate) File);

impl Outlet {
    fn record(&mut self, position: u64, bytes: &[u8]) -> io::Result<()> {
        let mut head = [0; 12];
        let (at, length) = head.split_at_mut(8);
        at.copy_from_slice(&position.to_le_bytes());
        length.copy_from_slice(&u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_le_bytes());
        self.0.write_all(&head)?;
        self.0.write_all(bytes)
    }

    /// Writes a whole file, or the first of several.
    pub(crate) fn write_whole(&mut self, bytes: &[u8], is_of_several: bool) -> io::Result<()> {
        if is_of_several {
            self.begin(Part::Frame(0))?;
        }
        self.write_all_at(bytes, 0)
    }

    /// Says how far it is.
    pub(crate) fn tell(&mut self, told: &Told) -> io::Result<()> {
        self.record(PROGRESS, &serde_json::to_vec(told)?)
    }
}

impl Sink for Outlet {
    fn write_all_at(&mut self, bytes: &[u8], position: u64) -> io::Result<()> {
        let mut position = position;
        for part in bytes.chunks(RECORD_BYTES) {
            self.record(position, part)?;
            position += part.len() as u64;
        }
        Ok(())
    }

    fn begin(&mut self, part: Part) -> io::Result<()> {
        let number = match part {
            Part::Header => HEADER,
            Part::Frame(frame) => frame,
        };
        self.record(BEGIN, &number.to_le_bytes())
    }
}

/// Takes no bytes: for a writer that is only asked whether it could.
pub(crate) struct Nowhere;

impl Sink for Nowhere {
    fn write_all_at(&mut self, _bytes: &[u8], _position: u64) -> io::Result<()> {
        Ok(())
    }
}

/// Writes what comes out of the pipe to the sink, until the worker closes it.
/// `cancelled` is looked at; `end` is set when the worker is to be ended.
///
/// # Errors
/// The sink's, `Corrupt` for nonsense in the pipe, `Limit` when nothing came
/// for too long.
pub(crate) fn drain(
    pipe: OwnedFd,
    sink: &mut dyn Sink,
    cancelled: &AtomicBool,
    end: &AtomicBool,
    told: &mut dyn FnMut(&Told),
) -> Result<()> {
    let mut inlet = Inlet { pipe: File::from(pipe), cancelled, end };
    let drained = inlet.drain(sink, told);
    if drained.is_err() {
        end.store(true, Ordering::Relaxed);
    }
    drained
}

struct Inlet<'a> {
    pipe: File,
    cancelled: &'a AtomicBool,
    end: &'a AtomicBool,
}

impl Inlet<'_> {
    fn drain(&mut self, sink: &mut dyn Sink, told: &mut dyn FnMut(&Told)) -> Result<()> {
        let nonsense =
            |why: &str| Error::new(ErrorKind::Corrupt, WHAT, format!("the worker sent {why}"));
        let mut bytes = vec![0; RECORD_BYTES];
        let mut head = [0; 12];
        while self.fill(&mut head)? {
            let (at, length) = head.split_at(8);
            let position = u64::from_le_bytes(at.try_into().unwrap_or_default());
            let length = u32::from_le_bytes(length.try_into().unwrap_or_default()) as usize;
            let Some(room) = bytes.get_mut(..length) else {
                return Err(nonsense("a record that is too long"));
            };
            if !self.fill(room)? && length > 0 {
                return Err(nonsense("a part of a record"));
            }
            if position == PROGRESS {
                let said: Told = serde_json::from_slice(room)
                    .map_err(|_| nonsense("progress that makes no sense"))?;
                told(&said);
                continue;
            }
            let failed = |error: io::Error| Error::io("writing the new file", &error);
            if position == BEGIN {
                let number: &[u8] = room;
                let number = number.try_into().map_err(|_| nonsense("a part of no number"))?;
                let part = match u64::from_le_bytes(number) {
                    HEADER => Part::Header,
                    frame => Part::Frame(frame),
                };
                sink.begin(part).map_err(failed)?;
                continue;
            }
            if position > MOST_BYTES {
                return Err(nonsense("a position beyond all files"));
            }
            sink.write_all_at(room, position).map_err(failed)?;
        }
        Ok(())
    }

    /// Fills all of the room; `false` when the pipe ended before its first byte.
    fn fill(&mut self, room: &mut [u8]) -> Result<bool> {
        let mut filled = 0;
        let mut heard = Instant::now();
        while let Some(rest) = room.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            if self.cancelled.load(Ordering::Relaxed) {
                self.end.store(true, Ordering::Relaxed);
            }
            let mut pipes = [PollFd::new(&self.pipe, PollFlags::IN)];
            let turn = Timespec { tv_sec: 0, tv_nsec: TURN.subsec_nanos().into() };
            match poll(&mut pipes, Some(&turn)) {
                Ok(0) if heard.elapsed() > SILENCE => {
                    let why = format!("nothing came of it for {} s", SILENCE.as_secs());
                    return Err(Error::new(ErrorKind::Limit, WHAT, why));
                }
                Ok(0) | Err(rustix::io::Errno::INTR) => continue,
                Ok(_) => {}
                Err(error) => return Err(Error::io(WHAT, &error.into())),
            }
            match self.pipe.read(rest) {
                Ok(0) if filled == 0 => return Ok(false),
                Ok(0) => {
                    let why = "the worker ended in the middle of a record";
                    return Err(Error::new(ErrorKind::Corrupt, WHAT, why));
                }
                Ok(count) => {
                    filled += count;
                    heard = Instant::now();
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(Error::io(WHAT, &error)),
            }
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drained(
        write: impl FnOnce(&mut Outlet) + Send + 'static,
    ) -> (Result<()>, Vec<u8>, Vec<Told>, bool) {
        let (from, to) = io::pipe().unwrap();
        let to = File::from(OwnedFd::from(to));
        let writer = std::thread::spawn(move || write(&mut Outlet(to)));
        let mut file = tempfile::tempfile().unwrap();
        let (cancelled, end) = (AtomicBool::new(false), AtomicBool::new(false));
        let mut told = Vec::new();
        let done =
            drain(from.into(), &mut file, &cancelled, &end, &mut |said| told.push(said.clone()));
        writer.join().unwrap();
        let mut bytes = vec![0; file.metadata().unwrap().len() as usize];
        std::os::unix::fs::FileExt::read_exact_at(&file, &mut bytes, 0).unwrap();
        (done, bytes, told, end.into_inner())
    }

    #[test]
    fn bytes_arrive_where_they_belong() {
        let long: Vec<u8> = (0..3 * RECORD_BYTES + 5).map(|at| at as u8).collect();
        let sent = long.clone();
        let said = Told { done: 3, total: Some(9), unit: "frames".into(), lost_frames: 1 };
        let saying = said.clone();
        let (done, bytes, told, end) = drained(move |outlet| {
            outlet.write_all_at(&sent, 4).unwrap();
            outlet.tell(&saying).unwrap();
            outlet.write_all_at(b"head", 0).unwrap();
            outlet.write_all_at(b"", 0).unwrap();
        });
        done.unwrap();
        assert_eq!(bytes, [b"head".to_vec(), long].concat());
        assert_eq!((told, end), (vec![said], false));
    }

    #[test]
    fn nonsense_ends_it() {
        let long = |outlet: &mut Outlet| {
            let _ = outlet.0.write_all(&[0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0x7f]);
        };
        let far = |outlet: &mut Outlet| drop(outlet.record(1 << 60, b"x"));
        let half = |outlet: &mut Outlet| drop(outlet.0.write_all(&[0; 5]));
        let words = |outlet: &mut Outlet| drop(outlet.record(PROGRESS, b"soon"));
        let which = |outlet: &mut Outlet| drop(outlet.record(BEGIN, b"first"));
        for write in [long, far, half, words, which] {
            let (done, _, _, end) = drained(write);
            assert_eq!(done.unwrap_err().kind, ErrorKind::Corrupt);
            assert!(end);
        }
    }
}
