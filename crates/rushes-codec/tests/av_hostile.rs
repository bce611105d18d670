//! Broken, cut short and lying files: a clear kind of error, in time, and
//! nothing else is opened.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops there")]

mod av_fixtures;

use std::net::TcpListener;
use std::path::Path;
use std::time::{Duration, Instant};

use av_fixtures::{CLIP_COUNT, clip, clips, has_ffmpeg, source, source_within};
use rushes_codec::{FrameIndex, audio_peaks, cover_picture, preview_frames, probe};
use rushes_media::{ErrorKind, Limits};

/// The longest that any one broken file may take.
const PATIENCE: Duration = Duration::from_secs(10);

fn write(folder: &Path, name: &str, bytes: &[u8]) -> std::path::PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, bytes).unwrap();
    path
}

/// Bytes that look like nothing, the same in every run (SplitMix64).
fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed;
    let mut bytes = Vec::new();
    while bytes.len() < length {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = state;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        bytes.extend((mixed ^ mixed >> 31).to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}

#[test]
fn every_clip_cut_short_is_answered() {
    if !has_ffmpeg() {
        return;
    }
    let (folder, paths) = clips();
    let (mut tried, mut noted) = (0, 0);
    for path in &paths {
        let bytes = std::fs::read(path).unwrap();
        let extension = path.extension().unwrap().to_str().unwrap();
        for (at, length) in [1, 12, 40, 500, bytes.len() / 3, bytes.len() / 2, bytes.len() * 9 / 10]
            .into_iter()
            .enumerate()
        {
            let name = format!("cut.{extension}");
            let short = write(folder.path(), &name, &bytes[..length.min(bytes.len())]);
            let begun = Instant::now();
            match probe(&source(&short)) {
                Ok(probed) => noted += u32::from(!probed.agreement.agrees),
                Err(error) => assert!(
                    matches!(error.kind, ErrorKind::Corrupt | ErrorKind::Unsupported),
                    "{} at {length}: {error}",
                    path.display()
                ),
            }
            // Decoding is slower to try: each clip at three lengths is enough.
            if at > 3 {
                let sound = audio_peaks(&source(&short), 16);
                let video = preview_frames(&source(&short), 64, 3, &mut |_, _| true);
                for error in [sound.err(), video.err()].into_iter().flatten() {
                    assert!(
                        matches!(error.kind, ErrorKind::Corrupt | ErrorKind::Unsupported),
                        "{} at {length}: {error}",
                        path.display()
                    );
                }
                let _ = cover_picture(&source(&short), 64);
            }
            assert!(begun.elapsed() < PATIENCE, "{} at {length}", path.display());
            tried += 1;
        }
    }
    assert_eq!(tried, CLIP_COUNT * 7);
    assert!(noted >= 15, "only {noted} files say that they are cut short");
}

#[test]
fn a_stream_that_is_cut_short_says_so() {
    if !has_ffmpeg() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    av_fixtures::ffmpeg(
        folder.path(),
        &["-f", "lavfi", "-i", "testsrc2=size=63x47:duration=1", "-pix_fmt", "yuv420p", "a.y4m"],
    );
    let mut paths = vec![folder.path().join("a.y4m")];
    for name in ["ffv1.mkv", "pq.mkv", "vp9.webm", "h264.ts", "mpeg2.ts"] {
        paths.push(clip(folder.path(), name));
    }
    for path in paths {
        let name = path.file_name().unwrap().to_str().unwrap();
        let warnings = |path: &Path| {
            FrameIndex::build(&source(path), &mut |_| true).unwrap().warnings().to_vec()
        };
        assert_eq!(warnings(&path), Vec::<String>::new(), "{name}");
        let whole = probe(&source(&path)).unwrap();
        assert!(whole.agreement.agrees, "{name}: {:?}", whole.agreement);
        let bytes = std::fs::read(&path).unwrap();
        let short =
            write(folder.path(), &format!("short.{name}"), &bytes[..bytes.len() * 2 / 3 + 1]);
        let told = warnings(&short);
        assert!(told.iter().any(|told| told.contains("cut short")), "{name}: {told:?}");
        let told = probe(&source(&short)).unwrap().agreement.differences;
        assert!(told.iter().any(|told| told.contains("cut short")), "{name}: {told:?}");
    }
}

#[test]
fn a_size_that_no_picture_has_is_over_the_limit() {
    let folder = tempfile::tempdir().unwrap();
    for (name, size) in [("a", "W99999999 H99999999"), ("b", "W60000 H60000"), ("c", "W4 H3000000")]
    {
        let header = format!("YUV4MPEG2 {size} F25:1 C420\nFRAME\n");
        let path = write(folder.path(), &format!("{name}.y4m"), header.as_bytes());
        let refused = FrameIndex::build(&source(&path), &mut |_| true).unwrap_err();
        assert_eq!(refused.kind, ErrorKind::Limit, "{size}: {refused}");
    }
}

#[test]
fn a_cut_clip_says_how_much_is_missing() {
    if !has_ffmpeg() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let whole = clip(folder.path(), "b_frames.mov");
    // The index first, so that cutting takes frames and leaves the index.
    let fast = ["-i", "b_frames.mov", "-c", "copy", "-movflags", "faststart", "fast.mov"];
    av_fixtures::ffmpeg(folder.path(), &fast);
    let bytes = std::fs::read(folder.path().join("fast.mov")).unwrap();
    let short = write(folder.path(), "short.mov", &bytes[..bytes.len() * 7 / 10]);
    let (before, after) = (probe(&source(&whole)).unwrap(), probe(&source(&short)).unwrap());
    let frames = |probe: &rushes_media::Probe| probe.picture().unwrap().frame_count.unwrap().frames;
    assert!(before.agreement.agrees && !after.agreement.agrees, "{:?}", after.agreement);
    assert!(frames(&after) < frames(&before) && frames(&after) > 10);
    let said = &after.agreement.differences[0];
    assert!(said.contains("beyond the end of the file"), "{said}");
}

#[test]
fn damaged_packets_are_left_out() {
    if !has_ffmpeg() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    for (at, name) in
        ["h264.mp4", "vp9.webm", "mpeg2.ts", "mpeg4.avi", "b_frames.mov"].iter().enumerate()
    {
        let path = clip(folder.path(), name);
        let mut bytes = std::fs::read(&path).unwrap();
        let noise = noise(at as u64, 400);
        let middle = bytes.len() / 2;
        bytes[middle..middle + 400].copy_from_slice(&noise);
        std::fs::write(&path, bytes).unwrap();
        let seen = preview_frames(&source(&path), 64, 4, &mut |_, _| true).unwrap();
        assert!(seen >= 3, "{name}: {seen}");
    }
}

#[test]
fn playlists_open_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    // The file that each names is there and would be read.
    let inner = write(folder.path(), "inner.ts", &noise(1, 5000));
    let inner = inner.to_str().unwrap();
    let texts = [
        format!(
            "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nhttp://{address}/a.ts\n#EXT-X-ENDLIST\n"
        ),
        format!("#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nfile://{inner}\n#EXT-X-ENDLIST\n"),
        format!("#EXTM3U\n#EXTINF:10,\nconcat:{inner}|{inner}\n#EXT-X-ENDLIST\n"),
        format!("ffconcat version 1.0\nfile {inner}\nduration 10\n"),
        format!(
            "<?xml version=\"1.0\"?><MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\" type=\"static\" mediaPresentationDuration=\"PT10S\"><Period><AdaptationSet><Representation id=\"1\"><BaseURL>http://{address}/a.mp4</BaseURL></Representation></AdaptationSet></Period></MPD>"
        ),
        format!(
            "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video {} RTP/AVP 96\na=rtpmap:96 H264/90000\n",
            address.port()
        ),
        ";FFMETADATA1\ntitle=x\n".to_owned(),
        "1\n00:00:01,000 --> 00:00:02,000\nHello\n".to_owned(),
        "WEBVTT\n\n00:01.000 --> 00:02.000\nHello\n".to_owned(),
        "[Script Info]\nScriptType: v4.00+\n\n[Events]\n".to_owned(),
    ];
    let mut refused = 0;
    for text in &texts {
        for extension in ["mp4", "ts", "mov", "mp3", "m3u8", "txt"] {
            let path = write(folder.path(), &format!("list.{extension}"), text.as_bytes());
            for result in [
                probe(&source(&path)).err(),
                preview_frames(&source(&path), 64, 1, &mut |_, _| true).err(),
                audio_peaks(&source(&path), 1).err(),
                cover_picture(&source(&path), 64).err(),
            ] {
                assert_eq!(result.unwrap().kind, ErrorKind::Unsupported, "{extension}: {text}");
            }
            refused += 1;
        }
    }
    assert_eq!(refused, texts.len() * 6);
    let asked = listener.accept().map(|(_, peer)| peer);
    assert!(asked.is_err(), "something was fetched by {asked:?}");
}

#[test]
fn a_quicktime_file_that_names_another_opens_nothing() {
    if !has_ffmpeg() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = clip(folder.path(), "prores.mov");
    let mut bytes = std::fs::read(&path).unwrap();
    // A data reference that is not "self-contained" (flag 1) and names a path.
    let at = bytes.windows(4).position(|name| name == b"url ").unwrap();
    bytes[at + 7] = 0;
    bytes[at..at + 4].copy_from_slice(b"alis");
    std::fs::write(&path, bytes).unwrap();
    let begun = Instant::now();
    if let Err(error) = probe(&source(&path)) {
        assert!(matches!(error.kind, ErrorKind::Corrupt | ErrorKind::Unsupported), "{error}");
    }
    assert!(begun.elapsed() < PATIENCE);
}

#[test]
fn noise_and_text_with_media_names_are_no_media() {
    let folder = tempfile::tempdir().unwrap();
    let extensions = [
        "mp4", "mov", "mkv", "webm", "avi", "ts", "mpg", "mp3", "aac", "wav", "flac", "ogg", "m4a",
        "h264", "hevc", "mjpeg", "dv", "ac3", "dts", "flv", "wmv", "mxf", "amr", "loas", "mlp",
        "m2v", "h263", "vc1", "av1", "spdif", "sbc", "shn", "mpc", "tta",
    ];
    let text = "It was a dark and stormy night; the rain fell in torrents.\n".repeat(200);
    let mut refused = 0;
    for (at, extension) in extensions.iter().enumerate() {
        let seed = at as u64;
        let contents = [
            noise(seed, 300),
            noise(seed + 100, 10_000),
            noise(seed + 200, 300_000),
            vec![0; 20_000],
            vec![0xff; 20_000],
            text.clone().into_bytes(),
        ];
        for (which, bytes) in contents.iter().enumerate() {
            let path = write(folder.path(), &format!("x.{extension}"), bytes);
            let begun = Instant::now();
            match probe(&source(&path)) {
                Ok(found) => {
                    panic!("{extension} {which} is {:?} {:?}", found.container, found.streams)
                }
                Err(error) => assert!(
                    matches!(error.kind, ErrorKind::Unsupported | ErrorKind::Corrupt),
                    "{extension} {which}: {error}"
                ),
            }
            assert!(begun.elapsed() < PATIENCE, "{extension} {which}");
            refused += 1;
        }
    }
    assert_eq!(refused, extensions.len() * 6);
}

#[test]
fn a_few_frame_headers_in_noise_are_no_sound() {
    let folder = tempfile::tempdir().unwrap();
    let mut refused = 0;
    for (frames, start) in [(1, 0), (2, 0), (4, 0), (6, 0), (2, 1000), (6, 1000), (10, 1000)] {
        for seed in 0..8 {
            let mut bytes = noise(seed, 30_000);
            // MPEG-1 layer III, 128 kb/s at 44.1 kHz: a frame has 417 bytes.
            for at in (0..frames).map(|frame| start + frame * 417) {
                bytes[at..at + 4].copy_from_slice(&[0xff, 0xfb, 0x90, 0x64]);
            }
            let path = write(folder.path(), "noise.mp3", &bytes);
            let error = probe(&source(&path)).unwrap_err();
            let expected = matches!(error.kind, ErrorKind::Unsupported | ErrorKind::Corrupt);
            assert!(expected, "{frames} at {start}, {seed}: {error}");
            refused += 1;
        }
    }
    assert_eq!(refused, 56);
}

#[test]
fn a_sound_of_a_few_frames_is_still_a_sound() {
    if !has_ffmpeg() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let tone =
        ["-f", "lavfi", "-i", "sine=duration=0.06", "-write_xing", "0", "-id3v2_version", "0"];
    for name in ["short.mp3", "short.aac", "short.ac3"] {
        let mut arguments = if name == "short.mp3" { tone.to_vec() } else { tone[..4].to_vec() };
        arguments.push(name);
        av_fixtures::ffmpeg(folder.path(), &arguments);
        let probed = probe(&source(&folder.path().join(name)));
        assert_eq!(probed.unwrap().kind, rushes_media::MediaKind::Audio, "{name}");
    }
}

#[test]
fn an_empty_file_is_corrupt() {
    let folder = tempfile::tempdir().unwrap();
    let path = write(folder.path(), "empty.mp4", b"");
    assert_eq!(probe(&source(&path)).unwrap_err().kind, ErrorKind::Corrupt);
    for error in [
        audio_peaks(&source(&path), 1).err(),
        preview_frames(&source(&path), 1, 1, &mut |_, _| true).err(),
    ] {
        assert!(matches!(error.unwrap().kind, ErrorKind::Unsupported | ErrorKind::Corrupt));
    }
}

#[test]
fn huge_stated_sizes_are_refused() {
    if !has_ffmpeg() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    av_fixtures::ffmpeg(
        folder.path(),
        &[
            "-f",
            "lavfi",
            "-i",
            "testsrc2=size=64x48:rate=5:duration=1",
            "-c:v",
            "ffv1",
            "sized.avi",
        ],
    );
    let bytes = std::fs::read(folder.path().join("sized.avi")).unwrap();
    // BITMAPINFOHEADER: its own size, then width and height.
    let place = bytes.windows(4).position(|name| name == b"strf").unwrap() + 12;
    for (width, height) in [(60_000_u32, 60_000_u32), (70_000, 10), (12_300, 12_300)] {
        let mut stated = bytes.clone();
        stated[place..place + 4].copy_from_slice(&width.to_le_bytes());
        stated[place + 4..place + 8].copy_from_slice(&height.to_le_bytes());
        let path = write(folder.path(), "huge.avi", &stated);
        let begun = Instant::now();
        let refused = probe(&source(&path)).unwrap_err();
        assert_eq!(refused.kind, ErrorKind::Limit, "{width}x{height}: {refused}");
        let refused = preview_frames(&source(&path), 64, 1, &mut |_, _| true).unwrap_err();
        assert_eq!(refused.kind, ErrorKind::Limit, "{width}x{height}: {refused}");
        assert!(begun.elapsed() < PATIENCE);
    }
    let path = folder.path().join("sized.avi");
    for (side_px, kind) in [(64, None), (63, Some(ErrorKind::Limit))] {
        let limits = Limits { side_px, ..Limits::default() };
        let refused = probe(&source_within(&path, limits)).err();
        assert_eq!(refused.map(|error| error.kind), kind);
    }
}
