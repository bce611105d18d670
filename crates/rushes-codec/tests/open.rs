//! One call opens whatever there is, and one makes whatever is asked for: what
//! either chooses is held against the list of formats and against ffprobe.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops there")]

mod av_fixtures;

use std::fs::File;
use std::path::{Path, PathBuf};

use av_fixtures::{ffprobe, has_ffmpeg};
use rushes_codec::{
    AudioOptions, CONTAINERS, Depth, Media, SOUND_TARGETS, STILL_TARGETS, Samples, TargetKind,
    VideoOptions, Writer, WriterOptions, create, open,
};
use rushes_media::{ErrorKind, Frame, Layout, Rational, Values};

fn beside(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// A frame of 96x64, of one colour.
fn frame(value: u8) -> Frame {
    Frame::new(96, 64, Layout::Rgb, Values::U8(vec![value; 96 * 64 * 3])).unwrap()
}

#[test]
fn content_decides_what_opens_it() {
    let word = |media: &Media| match media {
        Media::Still(_) => "still",
        Media::Sequence(_) => "sequence",
        Media::Played(_) => "played",
    };
    let folder = tempfile::tempdir().unwrap();
    // The name says nothing.
    let disguised = folder.path().join("clip.mp4");
    std::fs::copy(beside("../../samples/media/Coast/moonrise.jpg"), &disguised).unwrap();
    for (path, wanted, frames) in [
        (beside("../../samples/media/Coast/moonrise.jpg"), "still", Some(1)),
        (disguised, "still", Some(1)),
        (beside("tests/sequences/pages.tif"), "sequence", Some(6)),
        (beside("tests/sequences/moving.webp"), "sequence", None),
        (beside("tests/sequences/mono8_v5.seq"), "sequence", Some(5)),
        (beside("../../samples/media/Coast/a-day-on-the-coast.mp4"), "played", None),
        (beside("../../samples/media/Studio/sweep.flac"), "played", Some(0)),
    ] {
        let media = open(&path).unwrap();
        assert_eq!(word(&media), wanted, "{path:?}");
        let has_sound = media.sound(AudioOptions::default()).is_ok();
        let options = VideoOptions { depth: Depth::U8, ..VideoOptions::default() };
        match media.frames(options, None) {
            Ok(mut reader) => {
                assert!(frames.is_none_or(|frames| frames == reader.len()), "{path:?}");
                let first = reader.next().unwrap().unwrap();
                assert_eq!(first.values(), reader.frame(0).unwrap().values(), "{path:?}");
                let mut bytes = vec![0; reader.frame_bytes()];
                reader.frames_into(&[0], &mut bytes).unwrap();
                assert!(matches!(first.values(), Values::U8(values) if *values == bytes));
            }
            Err(error) => {
                assert_eq!((frames, error.kind), (Some(0), ErrorKind::Unsupported), "{error}");
                assert!(has_sound, "{path:?}");
            }
        }
    }
    assert_eq!(open(folder.path().join("none.mp4")).unwrap_err().kind, ErrorKind::NotFound);
    let empty = folder.path().join("empty.mp4");
    File::create(&empty).unwrap();
    let refused = open(&empty).and_then(|media| media.frames(VideoOptions::default(), None));
    assert!(refused.is_err());
}

#[test]
fn what_is_created_is_opened_again() {
    if !has_ffmpeg() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let containers = CONTAINERS.iter().map(|it| (it.extensions, "video"));
    let stills = STILL_TARGETS.iter().map(|it| (it.extensions, "still"));
    let sounds = SOUND_TARGETS.iter().map(|it| (it.extensions, "audio"));
    let mut made = 0;
    for (extension, kind) in containers.chain(stills).chain(sounds).map(|(it, kind)| (it[0], kind))
    {
        let path = folder.path().join(format!("{made}.{extension}"));
        let options =
            WriterOptions { rate_hz: Some(Rational::whole(25)), ..WriterOptions::default() };
        let file = File::create(&path).unwrap();
        let mut writer = create(file, extension, options).unwrap();
        // Several files do not go into one.
        if extension == "zarr" {
            continue;
        }
        match (&writer, TargetKind::of(extension).unwrap()) {
            (Writer::Still(_), TargetKind::Still(_)) => {
                writer.write(&frame(90)).unwrap();
                assert_eq!(writer.write(&frame(90)).unwrap_err().kind, ErrorKind::Invalid);
            }
            (Writer::Frames(_), TargetKind::Frames(_)) => {
                (0..3).for_each(|at| writer.write(&frame(at * 40)).unwrap());
            }
            (Writer::Sound(_), TargetKind::Sound(_)) => {
                let values = vec![0.25; 48_000];
                let given =
                    |channels| Samples { values: &values, sample_rate_hz: 48_000, channels };
                writer.write_samples(given(2)).unwrap();
                assert_eq!(writer.write_samples(given(1)).unwrap_err().kind, ErrorKind::Invalid);
                assert_eq!(writer.write(&frame(9)).unwrap_err().kind, ErrorKind::Invalid);
            }
            _ => panic!("{extension} is of two kinds"),
        }
        writer.finish().unwrap();
        made += 1;
        // Of stills it knows some.
        if kind != "still" {
            // This one may not read all.
            let probed = ffprobe(&path, &[]).map(|it| it["streams"][0]["codec_type"].clone());
            assert!(probed.as_ref().is_none_or(|it| it == kind), "{extension}: {probed:?}");
        }
        let media = open(&path).unwrap();
        if kind == "audio" {
            let mut reader = media.sound(AudioOptions::default()).unwrap();
            assert_eq!((reader.sample_rate_hz(), reader.channels()), (48_000, 2), "{extension}");
            let mut samples = Vec::new();
            while reader.next_into(&mut samples).unwrap() {}
            // Vorbis ends within its last block.
            assert!(samples.len() >= 47_500, "{extension}: {}", samples.len());
        } else {
            let reader = media.frames(VideoOptions::default(), None).unwrap();
            assert_eq!((reader.width_px(), reader.height_px()), (96, 64), "{extension}");
        }
    }
    assert_eq!(made, CONTAINERS.len() - 1 + STILL_TARGETS.len() + SOUND_TARGETS.len());
    let refused =
        |format: &str| create(tempfile::tempfile().unwrap(), format, WriterOptions::default());
    assert_eq!(refused("docx").err().unwrap().kind, ErrorKind::Unsupported);
    let untouched = refused("png").unwrap();
    assert_eq!(untouched.finish().unwrap_err().kind, ErrorKind::Invalid);
}

/// A copy that never began is no file of another kind.
#[test]
fn an_empty_file_is_corrupt() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["a.mp4", "a.wav", "a.jpg", "a.seq", "a.txt", "a"] {
        let path = folder.path().join(name);
        File::create(&path).unwrap();
        let media = open(&path);
        let error = media.and_then(|media| media.frames(VideoOptions::default(), None).map(drop));
        let error = error.unwrap_err();
        // What has no name of media is none, whatever is in it.
        let wanted = if ["a.txt", "a"].contains(&name) {
            ErrorKind::Unsupported
        } else {
            ErrorKind::Corrupt
        };
        assert_eq!(error.kind, wanted, "{name}: {error}");
        assert!(wanted != ErrorKind::Corrupt || error.why.contains("empty"), "{name}: {error}");
    }
}
