//! Cameras, against a device of our own (`camera_fake/device.c`), which a process sees that it is loaded
//! into: each test runs once more in such a child. FFmpeg's reader of V4L2 says what its frames are.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on stops there")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rushes_codec::{Camera, CameraOptions, cameras};
use rushes_media::{ErrorKind, Frame, FrameStream as _, Layout, Rational, Values};

const CAMERA: &str = "/dev/video-rushes-test";
const SIZE: (u32, u32) = (160, 120);
/// Longer than anything takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// Runs the body in a child that has this camera, once for each way that it behaves.
fn with_camera(test: &str, ways: &[&str], body: impl Fn(&str)) {
    const INSIDE: &str = "RUSHES_TEST_INSIDE";
    if std::env::var(INSIDE).is_ok_and(|inside| inside == test) {
        let way = std::env::var("RUSHES_TEST_CAMERA").unwrap();
        return body(&way);
    }
    let folder = tempfile::tempdir().unwrap();
    let library = folder.path().join("camera.so");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/camera_fake/device.c");
    let header = Path::new("/usr/include/linux/videodev2.h");
    let compiler = Command::new("cc").arg("--version").stdout(Stdio::null()).status();
    if compiler.is_err() || !header.exists() {
        eprintln!("SKIPPED: cc and {} are needed to make a camera", header.display());
        return;
    }
    let mut line = Command::new("cc");
    line.args(["-O1", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-o"]);
    line.args([&library, &source]).args(["-ldl", "-lpthread"]);
    assert!(line.status().unwrap().success());
    for way in ways {
        let child = Command::new(std::env::current_exe().unwrap())
            .args([test, "--exact", "--nocapture"])
            .env(INSIDE, test)
            .env("RUSHES_TEST_CAMERA", way)
            .env("LD_PRELOAD", &library)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&child.stdout);
        let complained = String::from_utf8_lossy(&child.stderr);
        assert!(child.status.success(), "{way}:\n{said}{complained}");
        assert!(said.contains("1 passed"), "{way}:\n{said}");
    }
}

fn options() -> CameraOptions {
    CameraOptions { size: Some(SIZE), ..CameraOptions::default() }
}

fn impatient() -> CameraOptions {
    CameraOptions { patience: Duration::from_millis(300), ..options() }
}

/// The number of a frame, by its time: at 30 a second, when frame 0 was the first.
fn number(frame: &Frame) -> u64 {
    let secs = frame.time_secs.unwrap();
    let number = (secs.to_f64() * 30.0).round() as u64;
    let us = 1_000_000 * number / 30;
    assert_eq!(secs, Rational::new(us as i64, 1_000_000).unwrap(), "frame {number}");
    number
}

fn bytes(frame: &Frame) -> &[u8] {
    let Values::U8(values) = frame.values() else { panic!("not bytes") };
    values
}

/// The luma that the device draws.
fn luma(n: u64) -> Vec<u8> {
    let (width, height) = (u64::from(SIZE.0), u64::from(SIZE.1));
    let at = |x, y| (16 + (3 * x + 5 * y + 7 * n) % 220) as u8;
    (0..height).flat_map(|y| (0..width).map(move |x| at(x, y))).collect()
}

/// Frames until there are no more, and what ended them.
fn all(camera: &mut Camera) -> (Vec<Frame>, rushes_media::Error) {
    let mut frames = Vec::new();
    loop {
        match camera.read() {
            Ok(frame) => frames.push(frame),
            Err(error) => return (frames, error),
        }
    }
}

fn until(done: impl Fn() -> bool) {
    let began = Instant::now();
    while !done() {
        assert!(began.elapsed() < PATIENCE, "it does not come");
        thread::yield_now();
    }
}

#[test]
fn frames_are_those_that_ffmpeg_reads() {
    let ways = [
        "/dev/video-rushes-test rate_ms=5 stall=12",
        "/dev/video-rushes-test rate_ms=5 stall=12 padded=34",
    ];
    with_camera("frames_are_those_that_ffmpeg_reads", &ways, |_| {
        let mut line = Command::new("ffmpeg");
        // It does not know of padding, and waits for more frames than it was asked for.
        line.env("RUSHES_TEST_CAMERA", CAMERA);
        line.args(["-v", "error", "-nostdin", "-f", "v4l2", "-video_size", "160x120"]);
        line.args(["-i", CAMERA, "-frames:v", "12", "-fps_mode", "passthrough"]);
        line.args(["-sws_flags", "bicubic+full_chroma_int+full_chroma_inp+accurate_rnd+bitexact"]);
        let done = line.args(["-f", "rawvideo", "-pix_fmt", "rgb24", "-"]).output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        let reference = done.stdout;
        assert_eq!(reference.len(), 12 * 160 * 120 * 3);
        let mut camera = Camera::open(CAMERA, &impatient()).unwrap();
        assert_eq!((camera.width_px(), camera.height_px()), SIZE);
        assert_eq!(camera.name(), "Moving pattern");
        assert_eq!(camera.pixel_format(), "YUYV");
        assert_eq!(camera.rate_hz(), Some(Rational::whole(30)));
        let (frames, _) = all(&mut camera);
        assert!(frames.len() >= 4, "{} frames", frames.len());
        for frame in &frames {
            assert_eq!(frame.duration_secs, Rational::new(1, 30));
            let n = number(frame) as usize;
            let wanted = &reference[n * 160 * 120 * 3..][..160 * 120 * 3];
            assert!(bytes(frame) == wanted, "frame {n}");
        }
        // Told apart from FFmpeg: the numbers themselves.
        let grey = CameraOptions { layout: Layout::Gray, ..impatient() };
        let (frames, _) = all(&mut Camera::open(CAMERA, &grey).unwrap());
        assert!(frames.len() >= 4);
        for frame in &frames {
            let stretch = |y: &u8| ((f64::from(*y) - 16.0) / 219.0 * 255.0).round() as u8;
            let wanted: Vec<u8> = luma(number(frame)).iter().map(stretch).collect();
            assert!(bytes(frame) == wanted, "luma of frame {}", number(frame));
        }
    });
}

#[test]
fn the_range_is_the_one_that_the_camera_states() {
    let way = "/dev/video-rushes-test rate_ms=5 stall=5 default=1";
    with_camera("the_range_is_the_one_that_the_camera_states", &[way], |_| {
        let grey = CameraOptions { layout: Layout::Gray, ..impatient() };
        let (frames, _) = all(&mut Camera::open(CAMERA, &grey).unwrap());
        assert!(!frames.is_empty());
        for frame in &frames {
            assert!(bytes(frame) == luma(number(frame)));
        }
    });
}

#[test]
fn who_is_late_gets_the_newest() {
    let way = "/dev/video-rushes-test stall=20";
    with_camera("who_is_late_gets_the_newest", &[way], |_| {
        let mut camera = Camera::open(CAMERA, &impatient()).unwrap();
        until(|| camera.dropped_frames() == 16);
        let (frames, error) = all(&mut camera);
        let numbers: Vec<u64> = frames.iter().map(number).collect();
        assert_eq!(numbers, [16, 17, 18, 19]);
        assert_eq!(camera.dropped_frames(), 16);
        assert_eq!(error.kind, ErrorKind::Unavailable);
        let mut camera = Camera::open(CAMERA, &impatient()).unwrap();
        until(|| camera.dropped_frames() == 16);
        assert_eq!(number(&camera.latest().unwrap().unwrap()), 19);
        assert_eq!(camera.dropped_frames(), 19);
        assert!(camera.latest().unwrap().is_none());
    });
}

#[test]
fn an_unplugged_camera_says_so() {
    let way = "/dev/video-rushes-test unplug=5";
    with_camera("an_unplugged_camera_says_so", &[way], |_| {
        let mut camera = Camera::open(CAMERA, &options()).unwrap();
        let mut frames = 0;
        let error = loop {
            match camera.next_frame() {
                Ok(frame) => frames += u64::from(frame.is_some()),
                Err(error) => break error,
            }
        };
        assert_eq!(frames + camera.dropped_frames(), 5);
        assert_eq!(error.kind, ErrorKind::Unavailable);
        assert_eq!(
            error.to_string(),
            "reading the camera: it is not there any more; plug it in again, and open it anew: \
             /dev/video-rushes-test"
        );
        // As a stream it is over; who reads is told again.
        assert!(camera.next_frame().unwrap().is_none());
        assert_eq!(camera.read().unwrap_err(), error);
    });
}

#[test]
fn a_camera_that_stops_is_not_waited_for_without_end() {
    let way = "/dev/video-rushes-test stall=0";
    with_camera("a_camera_that_stops_is_not_waited_for_without_end", &[way], |_| {
        let began = Instant::now();
        let error = Camera::open(CAMERA, &impatient()).unwrap().read().unwrap_err();
        assert_eq!(error.kind, ErrorKind::Unavailable);
        assert_eq!(error.why, "it gave no whole frame for 0.3 seconds");
        assert!(began.elapsed() >= Duration::from_millis(300));
        // With all its patience it looks many times a second whether to go on.
        let stop = Instant::now() + Duration::from_millis(200);
        let camera = Camera::open(CAMERA, &options()).unwrap();
        let error = camera.watched(move || Instant::now() < stop).read().unwrap_err();
        assert_eq!(error.why, "it was cancelled");
        assert!(began.elapsed() < Duration::from_secs(5));
    });
}

#[test]
fn what_is_not_whole_is_counted_and_left_out() {
    let way = "/dev/video-rushes-test broken=3 short=5 skip=8 stall=12";
    with_camera("what_is_not_whole_is_counted_and_left_out", &[way], |_| {
        let mut camera = Camera::open(CAMERA, &impatient()).unwrap();
        let (frames, _) = all(&mut camera);
        let numbers: BTreeSet<u64> = frames.iter().map(number).collect();
        assert!(!numbers.contains(&3) && !numbers.contains(&5), "{numbers:?}");
        // Twelve, and three that the driver numbered and did not give.
        assert_eq!(frames.len() as u64 + camera.dropped_frames(), 15);
        assert!(camera.dropped_frames() >= 5);
    });
}

#[test]
fn what_makes_no_sense_is_refused() {
    let ways = ["size", "zero", "room", "used", "lists"];
    let ways = ways.map(|absurd| format!("{CAMERA} absurd={absurd}"));
    let ways: Vec<&str> = ways.iter().map(String::as_str).collect();
    with_camera("what_makes_no_sense_is_refused", &ways, |way| {
        let opened = Camera::open(CAMERA, &options());
        let kind = match way.rsplit('=').next().unwrap() {
            "size" | "room" => ErrorKind::Limit,
            "zero" => ErrorKind::Corrupt,
            "used" => {
                let error = opened.unwrap().read().unwrap_err();
                assert_eq!(error.why, "1000 frames in a row are broken");
                return;
            }
            // Without an end, and of no use: what is asked for is there all the same.
            _ => {
                opened.unwrap().read().unwrap();
                return;
            }
        };
        let error = opened.err().unwrap();
        assert_eq!(error.kind, kind, "{error}");
    });
}

#[test]
fn what_cannot_be_opened_says_why() {
    let ways = ["busy=open", "busy=stream", "denied=1", "node=output", "rate_ms=5"];
    let ways = ways.map(|way| format!("/dev/video7 {way}"));
    let ways: Vec<&str> = ways.iter().map(String::as_str).collect();
    with_camera("what_cannot_be_opened_says_why", &ways, |way| {
        let camera = "/dev/video7";
        let says = |path: &str| Camera::open(path, &options()).err().unwrap().to_string();
        match way.split_once(' ').unwrap().1 {
            "busy=open" | "busy=stream" => assert_eq!(
                says(camera),
                "opening the camera: another program uses it; end that program, or take another \
                 camera: /dev/video7"
            ),
            "denied=1" => {
                let wanted = "opening the camera: this user may not use it; join the group video \
                              (usermod -aG video NAME), and log in again";
                assert_eq!(says(camera), format!("{wanted}: /dev/video7"));
                assert_eq!(cameras().unwrap_err().kind, ErrorKind::Denied);
            }
            "node=output" => {
                assert!(says(camera).contains("it gives no pictures"));
                assert_eq!(cameras().unwrap(), []);
                let error = Camera::open_nth(0, &options()).err().unwrap();
                assert_eq!(error.kind, ErrorKind::NotFound);
                assert_eq!(error.why, "there is no camera");
            }
            _ => {
                assert!(says("/dev/video-none").contains("no such file"));
                assert!(says("/dev/null").contains("it is no video device"));
                let error = Camera::open_nth(1, &options()).err().unwrap();
                assert_eq!(error.why, "there is no camera 1, only camera 0");
                let camera = Camera::open_nth(0, &options()).unwrap();
                assert_eq!(camera.path(), PathBuf::from("/dev/video7"));
                let with = |change: &dyn Fn(&mut CameraOptions)| {
                    let mut changed = options();
                    change(&mut changed);
                    Camera::open("/dev/video7", &changed).err().unwrap()
                };
                let error = with(&|it| it.size = Some((0, 0)));
                assert_eq!(error.kind, ErrorKind::Invalid);
                let error = with(&|it| it.rate_hz = Rational::new(-1, 1));
                assert_eq!(error.kind, ErrorKind::Invalid);
                let error = with(&|it| it.pixel_format = Some(*b"NV12"));
                assert_eq!(error.kind, ErrorKind::Unsupported);
                assert!(error.to_string().contains("it sends YUYV; NV12 was asked for"), "{error}");
            }
        }
    });
}

/// 640x480 is there at 10 a second as it is, and at 30 as JPEG.
#[test]
fn the_best_of_what_there_is_is_taken() {
    let folder = tempfile::tempdir().unwrap();
    let jpeg = folder.path().join("bars.jpg");
    let rgb = |from: &Path| {
        let line = ["-v", "error", "-f", "rawvideo", "-pix_fmt", "rgb24", "-"];
        Command::new("ffmpeg").arg("-i").arg(from).args(line).output().unwrap().stdout
    };
    let make =
        ["-v", "error", "-f", "lavfi", "-i", "testsrc=s=640x480", "-frames:v", "1", "-q:v", "2"];
    Command::new("ffmpeg").args(make).arg(&jpeg).status().unwrap();
    let way = format!("/dev/video0 rate_ms=5 jpeg={}", jpeg.display());
    with_camera("the_best_of_what_there_is_is_taken", &[&way], |way| {
        let found = cameras().unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].name, "Moving pattern");
        assert_eq!(found[0].path, Path::new("/dev/video0"));
        let modes: Vec<String> = found[0]
            .modes
            .iter()
            .map(|it| {
                let rates: Vec<String> = it.rates_hz.iter().map(Rational::to_string).collect();
                let rates = rates.join(" ");
                format!("{} {}x{} {rates}", it.pixel_format, it.width_px, it.height_px)
            })
            .collect();
        let wanted =
            ["YUYV 640x480 10", "YUYV 160x120 30 15", "YUYV 320x240 30", "MJPG 640x480 30"];
        assert_eq!(modes, wanted);
        let plain = CameraOptions::default();
        let open = |options: CameraOptions| {
            let mut camera = Camera::open_nth(0, &options).unwrap();
            let frame = camera.read().unwrap();
            assert_eq!(frame.width_px(), camera.width_px());
            let text = format!(
                "{} {}x{} {}",
                camera.pixel_format(),
                frame.width_px(),
                frame.height_px(),
                camera.rate_hz().unwrap()
            );
            (text, frame)
        };
        let (text, frame) = open(plain);
        assert_eq!(text, "MJPG 640x480 30");
        let path = way.rsplit('=').next().unwrap();
        let reference = rgb(Path::new(path));
        let squares: f64 = bytes(&frame)
            .iter()
            .zip(&reference)
            .map(|(one, other)| (f64::from(*one) - f64::from(*other)).powi(2))
            .sum();
        assert_eq!(bytes(&frame).len(), reference.len());
        // The two differ in how they make the chroma between samples.
        let psnr_db =
            10.0 * (255.0_f64.powi(2) * reference.len() as f64 / squares.max(1.0)).log10();
        assert!(psnr_db > 30.0, "{psnr_db} dB");
        let slow = CameraOptions { rate_hz: Some(Rational::whole(10)), ..plain };
        assert_eq!(open(slow).0, "YUYV 640x480 10");
        let stated = CameraOptions { pixel_format: Some(*b"YUYV"), ..plain };
        assert_eq!(open(stated).0, "YUYV 640x480 10");
        let small = |size, rate| CameraOptions {
            size: Some(size),
            rate_hz: Some(Rational::whole(rate)),
            ..plain
        };
        assert_eq!(open(small((150, 100), 15)).0, "YUYV 150x100 15");
        assert_eq!(open(small((0, 120), 30)).0, "YUYV 160x120 30");
        assert_eq!(open(small((161, 90), 30)).0, "YUYV 161x90 30");
        assert_eq!(open(small((0, 60), 30)).0, "YUYV 80x60 30");
        assert_eq!(open(small((1280, 720), 10)).0, "YUYV 1280x720 10");
    });
}

#[test]
fn two_hundred_opens_leave_nothing_behind() {
    let way = "/dev/video-rushes-test";
    with_camera("two_hundred_opens_leave_nothing_behind", &[way], |_| {
        let count = |what: &str| std::fs::read_dir(format!("/proc/self/{what}")).unwrap().count();
        let maps = || {
            let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
            maps.lines().filter(|line| line.contains("memfd:camera")).count()
        };
        Camera::open(CAMERA, &options()).unwrap().read().unwrap();
        let (files, threads) = (count("fd"), count("task"));
        for turn in 0..200 {
            let mut camera = Camera::open(CAMERA, &options()).unwrap();
            if turn % 2 == 0 {
                camera.read().unwrap();
            }
        }
        assert_eq!((count("fd"), maps()), (files, 0));
        // The system takes a moment to be done with a thread that was joined.
        until(|| count("task") == threads);
    });
}
