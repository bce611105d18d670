//! Broken, lying and hostile files: each is listed with its error, in bounded
//! time and memory, and no other file is opened for it.

#![expect(clippy::expect_used, reason = "a test that cannot go on stops there")]

mod support;

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use support::bytes::{bmp, noise, png, png_of, ppm, wav};
use support::{Ran, Stage, failures, finish, make_clip, ran, text};

/// Memory that the parent may have used at its peak, whatever the files are.
const PARENT_BYTES: u64 = 200 << 20;

/// Scans, and watches the memory of the process that was started.
fn scan_watched(stage: &Stage) -> (Ran, u64) {
    let begun = Instant::now();
    let child = stage
        .command(&["scan", &stage.text("media")])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("started");
    let status = format!("/proc/{}/status", child.id());
    let (over, ended) = std::sync::mpsc::channel::<()>();
    let watcher = std::thread::spawn(move || {
        let mut peak_bytes = 0;
        loop {
            let text = std::fs::read_to_string(&status).unwrap_or_default();
            let peak = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
            let kib = peak.and_then(|peak| peak.trim().strip_suffix(" kB")?.parse::<u64>().ok());
            peak_bytes = peak_bytes.max(kib.unwrap_or(0) << 10);
            let pause = Duration::from_millis(20);
            if ended.recv_timeout(pause) != Err(std::sync::mpsc::RecvTimeoutError::Timeout) {
                return peak_bytes;
            }
        }
    });
    let ran = finish(child, begun);
    drop(over);
    (ran, watcher.join().expect("a peak"))
}

fn assert_kinds(report: &Value, allowed: &[&str]) {
    for (name, kind) in failures(report) {
        assert!(allowed.contains(&&kind[..]), "{name}: {kind}");
    }
}

/// Everything that was written is either an asset, listed with an error, or no
/// media; nothing is forgotten.
fn assert_all_accounted_for(stage: &Stage, report: &Value) {
    let errors = stage.search("error:yes");
    let names: BTreeSet<String> = errors.iter().map(|row| text(&row["name"])).collect();
    for (name, _) in failures(report) {
        assert!(names.contains(&name), "{name} failed and is not listed");
    }
    for row in &errors {
        assert!(text(&row["error"]["why"]).len() > 3, "{row}");
        assert!(text(&row["error"]["what"]).len() > 3, "{row}");
    }
    stage.check();
}

#[test]
fn every_fixture_cut_short() {
    let stage = Stage::new();
    let mut fixtures =
        vec![("png", png(1)), ("ppm", ppm(2)), ("wav", wav(3, 3_000)), ("bmp", bmp(4))];
    for extension in ["mp4", "mkv", "jpg", "webp", "gif", "flac", "mp3", "ts", "avi", "tiff"] {
        let path = stage.path(format!("fixture.{extension}"));
        let extra: &[&str] = if ["jpg", "webp", "gif", "tiff"].contains(&extension) {
            &["-frames:v", "1", "-an"]
        } else if ["flac", "mp3"].contains(&extension) {
            &["-vn"]
        } else {
            &[]
        };
        if make_clip(&path, extra) {
            fixtures.push((extension, std::fs::read(&path).expect("readable")));
        }
    }
    let mut written = 0;
    for (extension, bytes) in &fixtures {
        let length = bytes.len();
        for cut in [0, 1, 7, 12, 33, 100, length / 4, length / 2, length - 10, length - 1] {
            let cut = cut.min(length);
            stage.write(format!("media/{extension}/{cut}.{extension}"), &bytes[..cut]);
            written += 1;
        }
        stage.write(format!("media/whole.{extension}"), bytes);
    }
    assert!(written >= 40);
    let (ran, peak_bytes) = scan_watched(&stage);
    assert!(peak_bytes > 0 && peak_bytes < PARENT_BYTES, "{peak_bytes} bytes");
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    assert_kinds(&ran.json, &["corrupt", "unsupported"]);
    let failed = failures(&ran.json);
    for (extension, _) in &fixtures {
        assert!(
            !failed.iter().any(|(name, _)| *name == format!("whole.{extension}")),
            "{extension}"
        );
    }
    assert_all_accounted_for(&stage, &ran.json);
    // Previews of what can be read in part fail one by one, if at all.
    let previews = stage.run(&["previews"]);
    assert!([0, 1].contains(&previews.code), "{previews:?}");
    stage.check();
}

#[test]
fn noise_under_every_extension_there_is() {
    let stage = Stage::new();
    let extensions: BTreeSet<&str> =
        rushes::codec::FORMATS.iter().flat_map(|format| format.extensions).copied().collect();
    assert!(extensions.len() > 150, "{}", extensions.len());
    for (seed, extension) in extensions.iter().enumerate() {
        stage.write(format!("media/noise.{extension}"), &noise(seed as u64, 4_096));
    }
    let (ran, peak_bytes) = scan_watched(&stage);
    assert!(peak_bytes > 0 && peak_bytes < PARENT_BYTES, "{peak_bytes} bytes");
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    assert_kinds(&ran.json, &["corrupt", "unsupported"]);
    // Some formats have no header at all, so a few may be taken for sound.
    let failed = failures(&ran.json).len();
    assert!(failed * 10 >= extensions.len() * 9, "{failed} of {}", extensions.len());
    assert_all_accounted_for(&stage, &ran.json);
}

/// A list of other files is no media, whatever it is called; the file that it
/// names is a pipe, and who opens it hangs.
#[test]
fn playlists_open_nothing_else() {
    let stage = Stage::new();
    let pipe = stage.path("pipe.ts");
    assert!(Command::new("mkfifo").arg(&pipe).status().is_ok_and(|status| status.success()));
    let real = stage.path("real.mp4");
    let has_real = make_clip(&real, &[]);
    for (name, target) in [("pipe", &pipe), ("real", &real)] {
        let target = target.to_str().expect("text");
        for (kind, list) in playlists(target) {
            for extension in ["mp4", "mov", "mkv", "ts", "wav", "jpg"] {
                stage.write(format!("media/{name} {kind}.{extension}"), list.as_bytes());
            }
        }
    }
    let trace = stage.path("trace");
    let is_traced = has_real && support::has_strace();
    let ran = if is_traced {
        let scan = stage.command(&["scan", &stage.text("media")]);
        let mut command = Command::new("strace");
        command.args(["-f", "-qq", "-e", "trace=open,openat,openat2", "-o"]).arg(&trace);
        ran(command.arg(scan.get_program()).args(scan.get_args()))
    } else {
        scan_watched(&stage).0
    };
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    assert_kinds(&ran.json, &["corrupt", "unsupported"]);
    assert!(stage.search("error:no").is_empty(), "{:?}", stage.names("error:no"));
    assert!(failures(&ran.json).len() >= 2 * 6, "{}", ran.json);
    if is_traced {
        let trace = std::fs::read_to_string(trace).expect("a trace");
        assert!(trace.contains(".mp4\""), "strace sees the lists being opened");
        for line in trace.lines() {
            assert!(!line.contains("real.mp4\"") && !line.contains("pipe.ts"), "{line}");
        }
    }
    stage.check();
}

fn playlists(target: &str) -> [(&'static str, String); 7] {
    [
        (
            "hls",
            format!("#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{target}\n#EXT-X-ENDLIST\n"),
        ),
        ("m3u", format!("#EXTM3U\n#EXTINF:1,x\nfile://{target}\n")),
        ("concat", format!("ffconcat version 1.0\nfile '{target}'\n")),
        ("pls", format!("[playlist]\nFile1={target}\nNumberOfEntries=1\n")),
        (
            "dash",
            format!(
                "<?xml version=\"1.0\"?><MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\" type=\"static\" mediaPresentationDuration=\"PT1S\"><Period><AdaptationSet mimeType=\"video/mp4\"><Representation id=\"1\" bandwidth=\"1\"><BaseURL>{target}</BaseURL></Representation></AdaptationSet></Period></MPD>"
            ),
        ),
        (
            "sdp",
            String::from(
                "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\n",
            ),
        ),
        (
            "svg",
            format!(
                "<svg xmlns=\"http://www.w3.org/2000/svg\"><image href=\"file://{target}\"/></svg>"
            ),
        ),
    ]
}

#[test]
fn bombs_and_loops_are_refused_in_time() {
    let stage = Stage::new();
    stage.write("media/huge.png", &png_of(40_000, 40_000, &[0; 65_000]));
    stage.write("media/lying.png", &png_of(60_000, 60_000, &[0; 64]));
    stage.write("media/endless.tiff", &looping_tiff());
    stage.write("media/huge.ppm", b"P6\n4000000000 4000000000\n255\nabc");
    let mut huge = bmp(1);
    huge[18..26].copy_from_slice(&[0xff, 0xff, 0xff, 0x7f, 0xff, 0xff, 0xff, 0x7f]);
    stage.write("media/huge.bmp", &huge);
    let mut endless = wav(2, 1_000);
    endless[40..44].copy_from_slice(&u32::MAX.to_le_bytes());
    stage.write("media/endless.wav", &endless);
    // A box that states more bytes than there are, and one that states none.
    stage.write(
        "media/lying.mp4",
        &[
            b"\x00\x00\x00\x18ftypisom\0\0\0\0isommp42".as_slice(),
            b"\x7f\xff\xff\xffmoov",
            &[0; 64],
        ]
        .concat(),
    );
    stage.write(
        "media/empty box.mp4",
        &[
            b"\x00\x00\x00\x18ftypisom\0\0\0\0isommp42".as_slice(),
            b"\0\0\0\x01moov\0\0\0\0\0\0\0\0",
            &[0; 64],
        ]
        .concat(),
    );
    stage.write("media/nested.mp4", &nested_boxes());
    // A hole of 8 GiB costs no disk.
    let hole = stage.write("media/hole.mkv", b"\x1aE\xdf\xa3");
    std::fs::File::options()
        .write(true)
        .open(&hole)
        .expect("opened")
        .set_len(8 << 30)
        .expect("a hole");
    support::set_modified(&hole, support::long_ago());
    let good = stage.write("media/good.png", &png(9));

    let (ran, peak_bytes) = scan_watched(&stage);
    assert!(peak_bytes > 0 && peak_bytes < PARENT_BYTES, "{peak_bytes} bytes");
    assert!(ran.took < Duration::from_secs(30), "{:?}", ran.took);
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    assert_kinds(&ran.json, &["corrupt", "unsupported", "limit"]);
    let kind_of = |wanted: &str| {
        failures(&ran.json).into_iter().find(|(name, _)| name == wanted).map(|(_, kind)| kind)
    };
    assert_eq!(kind_of("lying.png").as_deref(), Some("corrupt"));
    for name in ["huge.ppm", "huge.bmp", "lying.mp4", "empty box.mp4", "nested.mp4", "hole.mkv"] {
        assert!(kind_of(name).is_some(), "{name}: {}", ran.json);
    }
    assert_all_accounted_for(&stage, &ran.json);
    assert_eq!(stage.asset_at("media/good.png")["kind"], "still", "{}", good.display());
    // Nothing of it comes back at the next scan: no file is opened again.
    let again = stage.done(&["scan", &stage.text("media")]);
    assert_eq!(again["failed"], serde_json::json!([]));
    // A header alone costs nothing to read; a picture of that size is refused.
    assert_eq!(stage.asset_at("media/huge.png")["width_px"], 40_000);
    let previews = stage.run(&["previews"]);
    assert!(previews.took < Duration::from_secs(30), "{:?}", previews.took);
    let refused = failures(&previews.json);
    assert!(refused.contains(&("huge.png".into(), "limit".into())), "{refused:?}");
    assert!(stage.asset_at("media/good.png")["preview"]["poster"] == true);
    stage.check();
}

/// A directory whose next directory is itself.
fn looping_tiff() -> Vec<u8> {
    let mut bytes = b"II*\0\x08\0\0\0".to_vec();
    bytes.extend(1_u16.to_le_bytes());
    // ImageWidth, LONG, one of them: 1.
    bytes.extend([0x00, 0x01, 4, 0, 1, 0, 0, 0, 1, 0, 0, 0]);
    bytes.extend(8_u32.to_le_bytes());
    bytes
}

/// Boxes in boxes, ten thousand deep.
fn nested_boxes() -> Vec<u8> {
    let mut bytes = b"\x00\x00\x00\x18ftypisom\0\0\0\0isommp42".to_vec();
    let depth = 10_000_u32;
    for level in 0..depth {
        bytes.extend(((depth - level) * 8).to_be_bytes());
        bytes.extend(if level == 0 { b"moov" } else { b"trak" });
    }
    bytes
}

/// A worker that dies or hangs costs its file only.
#[test]
fn probing_one_by_one_tells_the_same() {
    let stage = Stage::new();
    let bad = stage.write("media/bad.mp4", b"nothing");
    let good = stage.write("media/good.png", &png(1));
    let arguments = |path: &Path| ["probe".into(), path.to_str().expect("text").to_owned()];
    let told = stage.run(&arguments(&good));
    assert_eq!(told.code, 0, "{told:?}");
    let told = stage.run(&arguments(&bad));
    assert_ne!(told.code, 0, "{told:?}");
    assert!(!stage.path("home").join("catalogue.sqlite").exists(), "probe needs no catalogue");
}
