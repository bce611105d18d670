//! Opening and closing leaves nothing behind. `RUSHES_SOAK` says how often, 300
//! times when it says nothing.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops there")]

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rushes_codec::{
    AudioOptions, AudioReader, FrameIndex, Source, VideoOptions, VideoReader, VideoWriter,
    WriterOptions, encode_still, still_frame,
};
use rushes_media::{Limits, Rational};

/// Memory that a run may keep: allocators hold on to some.
const KEPT_BYTES: u64 = 24 << 20;

fn source(path: &Path) -> Source {
    let name = path.as_os_str().as_encoded_bytes();
    // One source is read by all rounds.
    let limits = Limits { wall_secs: 24 * 3600, ..Limits::default() };
    Source::new(File::open(path).unwrap(), name, limits).unwrap()
}

/// Everything that is opened, written and given up, once.
struct Round {
    video: Source,
    index: Arc<FrameIndex>,
    sound: PathBuf,
    still: PathBuf,
    still_folder: tempfile::TempDir,
}

impl Round {
    fn new() -> Round {
        let media = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../samples/media");
        let video = source(&media.join("Coast/held-upright.mov"));
        let index = Arc::new(FrameIndex::build(&video, &mut |_| true).unwrap());
        let still_folder = tempfile::tempdir().unwrap();
        let still = still_folder.path().join("a.png");
        let sound = media.join("Studio/four-slow-bells.mp3");
        Round { video, index, sound, still, still_folder }
    }

    fn run(&self) {
        let size = Some((32, 0));
        let options = VideoOptions { size, ..VideoOptions::default() };
        let mut reader = VideoReader::open(&self.video, Arc::clone(&self.index), options).unwrap();
        let frame = reader.frame(0).unwrap();
        std::fs::write(&self.still, encode_still(&frame, "png", None).unwrap()).unwrap();
        still_frame(&source(&self.still)).unwrap();
        let options = WriterOptions {
            codec: Some("mpeg4".into()),
            rate_hz: Rational::new(25, 1),
            ..WriterOptions::default()
        };
        // One file finished, one given up.
        for finishes in [true, false] {
            let file = tempfile::tempfile().unwrap();
            let mut writer = VideoWriter::create(file, "mkv", options.clone()).unwrap();
            writer.write(&frame).unwrap();
            if finishes {
                writer.finish().unwrap();
            }
        }
        // Left amid the sound.
        let sound = source(&self.sound);
        let options = AudioOptions { sample_rate_hz: Some(8_000), channels: Some(1) };
        let mut reader = AudioReader::open(&sound, options).unwrap();
        assert!(reader.next_into(&mut Vec::new()).unwrap());
        assert!(FrameIndex::build(&sound, &mut |_| true).is_err());
    }
}

fn handles() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

fn resident_bytes() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    statm.split(' ').nth(1).unwrap().parse::<u64>().unwrap() * 4096
}

#[test]
fn nothing_is_left_behind() {
    let round = Round::new();
    assert!(round.still_folder.path().is_dir());
    let times: usize =
        std::env::var("RUSHES_SOAK").ok().and_then(|times| times.parse().ok()).unwrap_or(300);
    // The first ones load libraries and fill the allocator's own store.
    (0..times / 4).for_each(|_| round.run());
    let (handles_before, bytes_before) = (handles(), resident_bytes());
    (0..times).for_each(|_| round.run());
    assert_eq!(handles(), handles_before);
    let grown = resident_bytes().saturating_sub(bytes_before);
    assert!(grown < KEPT_BYTES, "{grown} bytes after {times} times");
}
