//! Parts of a file as a stream of bytes: one chunk in memory at a time, read
//! away from the threads that serve connections.

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::sync::Arc;

use futures_util::Stream;

use crate::range::Span;

/// What is read at a time.
const CHUNK_BYTES: u64 = 256 * 1024;

/// One part of a body.
#[derive(Clone, Debug)]
pub(crate) enum Part {
    Text(String),
    File(Span),
}

impl Part {
    pub(crate) fn len(&self) -> u64 {
        match self {
            Part::Text(text) => text.len() as u64,
            Part::File(span) => span.len(),
        }
    }
}

/// What tells that a file's content is still the one that was begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    size_bytes: u64,
    modified_secs: i64,
    modified_nanos: i64,
}

impl Stamp {
    fn of(file: &File) -> io::Result<Stamp> {
        let found = file.metadata()?;
        Ok(Stamp {
            size_bytes: found.size(),
            modified_secs: found.mtime(),
            modified_nanos: found.mtime_nsec(),
        })
    }
}

struct Reading {
    file: Arc<File>,
    stamp: Option<Stamp>,
    parts: VecDeque<Part>,
}

/// The parts one after the other. A file that changes while it is read ends
/// the stream with an error, so that the client sees it broke off rather than
/// a mixture of two states.
pub(crate) fn stream(
    file: File,
    parts: Vec<Part>,
) -> impl Stream<Item = io::Result<Vec<u8>>> + Send + 'static {
    let parts = parts.into_iter().filter(|part| part.len() > 0).collect();
    let reading = Reading { file: Arc::new(file), stamp: None, parts };
    futures_util::stream::try_unfold(reading, next)
}

async fn next(mut reading: Reading) -> io::Result<Option<(Vec<u8>, Reading)>> {
    let Some(part) = reading.parts.pop_front() else { return Ok(None) };
    let span = match part {
        Part::Text(text) => return Ok(Some((text.into_bytes(), reading))),
        Part::File(span) => span,
    };
    let now = Span { start: span.start, end: span.end.min(span.start.saturating_add(CHUNK_BYTES)) };
    if now.end < span.end {
        reading.parts.push_front(Part::File(Span { start: now.end, end: span.end }));
    }
    let (file, known) = (reading.file.clone(), reading.stamp);
    let read = tokio::task::spawn_blocking(move || read_unchanged(&file, known, now));
    let (bytes, stamp) = read.await.map_err(io::Error::other)??;
    reading.stamp = Some(stamp);
    Ok(Some((bytes, reading)))
}

fn read_unchanged(file: &File, known: Option<Stamp>, span: Span) -> io::Result<(Vec<u8>, Stamp)> {
    let known = match known {
        Some(known) => known,
        None => Stamp::of(file)?,
    };
    let mut bytes = vec![0; usize::try_from(span.len()).map_err(io::Error::other)?];
    file.read_exact_at(&mut bytes, span.start)?;
    if Stamp::of(file)? != known {
        return Err(io::Error::other("the file changed while it was read"));
    }
    Ok((bytes, known))
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::pin::pin;

    use futures_util::StreamExt as _;

    use super::*;

    #[tokio::test]
    async fn chunks_are_small_and_complete() {
        let bytes: Vec<u8> = (0..1_000_003_u32).map(|n| (n % 251) as u8).collect();
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&bytes).unwrap();
        let whole = Part::File(Span { start: 0, end: bytes.len() as u64 });
        let mut found = Vec::new();
        let mut chunks = pin!(stream(file, vec![whole]));
        while let Some(chunk) = chunks.next().await {
            let chunk = chunk.unwrap();
            assert!(chunk.len() as u64 <= CHUNK_BYTES);
            found.extend_from_slice(&chunk);
        }
        assert_eq!(found, bytes);
    }

    #[tokio::test]
    async fn a_file_that_changes_ends_the_stream() {
        for cut in [true, false] {
            let mut file = tempfile::tempfile().unwrap();
            file.write_all(&vec![7; 600_000]).unwrap();
            let mut other = file.try_clone().unwrap();
            let whole = Part::File(Span { start: 0, end: 600_000 });
            let mut chunks = pin!(stream(file, vec![whole]));
            assert!(chunks.next().await.unwrap().is_ok());
            if cut {
                other.set_len(300_000).unwrap();
            } else {
                other.write_all(b"more").unwrap();
            }
            let mut failed = false;
            while let Some(chunk) = chunks.next().await {
                failed |= chunk.is_err();
            }
            assert!(failed, "cut: {cut}");
        }
    }
}
