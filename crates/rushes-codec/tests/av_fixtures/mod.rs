//! Clips made by the `ffmpeg` command, and real media where they are to hand.
#![allow(dead_code, reason = "each test file uses its part")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops there")]
#![allow(clippy::print_stdout, reason = "a test that is skipped says so")]

use std::fs::File;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use rushes_codec::Source;
use rushes_media::{Frame, Limits, Values};

/// A file as a source with the usual limits.
pub fn source(path: &Path) -> Source {
    source_within(path, Limits::default())
}

pub fn source_within(path: &Path, limits: Limits) -> Source {
    Source::new(File::open(path).unwrap(), path.as_os_str().as_bytes(), limits).unwrap()
}

/// Whether the `ffmpeg` and `ffprobe` commands are there; says so when not.
pub fn has_ffmpeg() -> bool {
    static FOUND: OnceLock<bool> = OnceLock::new();
    let found = *FOUND.get_or_init(|| {
        ["ffmpeg", "ffprobe"].iter().all(|command| {
            let run = Command::new(command).arg("-version").stdout(Stdio::null()).status();
            run.is_ok_and(|status| status.success())
        })
    });
    if !found {
        println!("SKIPPED: the ffmpeg and ffprobe commands are not installed");
    }
    found
}

/// Runs ffmpeg; its own output file comes last in `arguments`.
pub fn ffmpeg(folder: &Path, arguments: &[&str]) {
    let run = Command::new("ffmpeg")
        .current_dir(folder)
        .args(["-hide_banner", "-loglevel", "error", "-nostdin", "-y"])
        .args(arguments)
        .output()
        .unwrap();
    assert!(run.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&run.stderr));
}

/// All frames as ffmpeg decodes them, with these arguments for what is read.
pub fn theirs(arguments: &[&str], path: &Path, pixels: &str) -> Vec<u8> {
    let run = Command::new("ffmpeg")
        .args(["-v", "error"])
        .args(arguments)
        .arg("-i")
        .arg(path)
        .args(["-fps_mode", "passthrough", "-f", "rawvideo", "-pix_fmt", pixels, "-"])
        .output()
        .unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    run.stdout
}

/// The numbers of frames one after another, as bytes of this machine's order.
pub fn bytes(frames: &[Frame]) -> Vec<u8> {
    let each = frames.iter().flat_map(|frame| match frame.values() {
        Values::U8(values) => values.clone(),
        Values::U16(values) => values.iter().flat_map(|it| it.to_ne_bytes()).collect(),
        Values::F32(values) => values.iter().flat_map(|it| it.to_ne_bytes()).collect(),
    });
    each.collect()
}

/// What ffprobe says, or `None` when it refuses the file.
pub fn ffprobe(path: &Path, more: &[&str]) -> Option<serde_json::Value> {
    let run = Command::new("ffprobe")
        .args(["-v", "quiet", "-of", "json", "-show_streams", "-show_format"])
        .args(more)
        .arg("-i")
        .arg(path)
        .output()
        .unwrap();
    run.status.success().then(|| serde_json::from_slice(&run.stdout).unwrap())
}

/// Real media, where they are: `RUSHES_CORPUS`, else beside the workspace.
pub fn corpus() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus");
    let folder = std::env::var_os("RUSHES_CORPUS").map_or(beside, PathBuf::from);
    if !folder.is_dir() {
        println!("SKIPPED: no corpus of real media at {}", folder.display());
        return None;
    }
    Some(folder)
}

/// The files of one folder of the corpus, in order.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_file())
        .collect();
    files.sort();
    files
}

const PICTURE: &str = "testsrc2=size=160x120:rate=25:duration=2";
const NTSC: &str = "testsrc2=size=160x120:rate=30000/1001:duration=2";
const SOUND: &str = "sine=frequency=440:sample_rate=48000:duration=2";

/// Name of each clip, and the arguments that make it from [`PICTURE`] or
/// [`NTSC`] and [`SOUND`]. Colours are told by `setparams`: the command of
/// FFmpeg 7 takes primaries and transfer from the frames alone.
const CLIPS: &[(&str, &str, &str)] = &[
    ("h264.mp4", PICTURE, "-c:v libx264 -preset ultrafast -c:a aac -pix_fmt yuv420p"),
    (
        "b_frames.mov",
        NTSC,
        "-c:v libx264 -bf 2 -g 12 -pix_fmt yuv420p -c:a pcm_s24le -timecode 01:02:03;04",
    ),
    (
        "hevc10.mp4",
        PICTURE,
        "-c:v libx265 -preset ultrafast -x265-params log-level=none -vf format=yuv420p10le,setparams=color_primaries=bt2020:color_trc=arib-std-b67:colorspace=bt2020nc -tag:v hvc1 -c:a aac",
    ),
    (
        "pq.mkv",
        PICTURE,
        "-c:v libx265 -preset ultrafast -x265-params log-level=none:hdr10=1:max-cll=1000,400:master-display=G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,1) -vf format=yuv420p10le,setparams=color_primaries=bt2020:color_trc=smpte2084:colorspace=bt2020nc -an",
    ),
    ("vp9.webm", PICTURE, "-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -c:a libopus"),
    ("vp8.webm", PICTURE, "-c:v libvpx -deadline realtime -cpu-used 8 -an"),
    (
        "ffv1.mkv",
        NTSC,
        "-c:v ffv1 -pix_fmt yuv422p10le -c:a flac -metadata:s:a:0 language=deu -metadata title=Reel",
    ),
    ("prores.mov", PICTURE, "-c:v prores_ks -profile:v 3 -pix_fmt yuv422p10le -an"),
    ("mpeg4.avi", PICTURE, "-c:v mpeg4 -c:a libmp3lame"),
    ("mpeg2.ts", PICTURE, "-c:v mpeg2video -c:a mp2 -aspect 16:9"),
    ("h264.ts", NTSC, "-c:v libx264 -preset ultrafast -pix_fmt yuv420p -c:a aac"),
    ("dv.dv", "testsrc2=size=720x576:rate=25:duration=0.4", "-target pal-dv -shortest"),
    ("mpeg1.mpg", PICTURE, "-c:v mpeg1video -c:a mp2"),
    ("flash.flv", PICTURE, "-c:v flv1 -c:a libmp3lame -ar 44100"),
    ("wmv2.wmv", PICTURE, "-c:v wmv2 -c:a wmav2"),
    ("mxf.mxf", PICTURE, "-c:v mpeg2video -c:a pcm_s16le -timecode 10:00:00:00"),
    (
        "fragmented.mp4",
        PICTURE,
        "-c:v libx264 -preset ultrafast -g 10 -pix_fmt yuv420p -an -movflags frag_keyframe+empty_moov",
    ),
    (
        "anamorphic.mp4",
        PICTURE,
        "-c:v libx264 -preset ultrafast -pix_fmt yuv420p -vf setsar=4/3 -an",
    ),
    (
        "bt601.mp4",
        PICTURE,
        "-c:v libx264 -preset ultrafast -pix_fmt yuvj420p -colorspace smpte170m -an",
    ),
    (
        "variable.mkv",
        PICTURE,
        "-vf select='not(mod(n\\,3))+lt(n\\,20)' -fps_mode vfr -c:v libx264 -preset ultrafast -pix_fmt yuv420p -an",
    ),
    (
        "variable.mp4",
        PICTURE,
        "-vf select='not(mod(n\\,3))+lt(n\\,20)' -fps_mode vfr -c:v libx264 -preset ultrafast -pix_fmt yuv420p -an",
    ),
    ("animated.gif", PICTURE, "-an"),
    ("animated.apng", PICTURE, "-an -f apng"),
    ("sound.m4a", PICTURE, "-vn -c:a aac -metadata title=Hum"),
    ("sound.flac", PICTURE, "-vn -c:a flac -sample_fmt s32 -bits_per_raw_sample 24"),
    ("sound.mp3", PICTURE, "-vn -c:a libmp3lame -b:a 64k"),
    ("sound.opus", PICTURE, "-vn -c:a libopus"),
    ("sound.ogg", PICTURE, "-vn -c:a libvorbis -ac 2"),
    ("sound24.wav", PICTURE, "-vn -c:a pcm_s24le -ac 6"),
    ("sound.aiff", PICTURE, "-vn -c:a pcm_s16be"),
    ("sound.aac", PICTURE, "-vn -c:a aac -f adts"),
    ("sound.ac3", PICTURE, "-vn -c:a ac3"),
    ("sound.caf", PICTURE, "-vn -c:a alac"),
    ("sound.wma", PICTURE, "-vn -c:a wmav2"),
    ("sound.tta", PICTURE, "-vn -c:a tta"),
    ("sound.wv", PICTURE, "-vn -c:a wavpack"),
    ("sound.adx", PICTURE, "-vn -ar 16000"),
    ("sound.sf", PICTURE, "-vn"),
    ("sound.sbc", PICTURE, "-vn -ar 16000"),
    ("clip.swf", PICTURE, "-an -c:v flv"),
    ("bits.xbm", PICTURE, "-an -frames:v 1"),
    ("lossless.jls", PICTURE, "-an -frames:v 1"),
];

/// What only the container of a clip says, and its bitstream does not.
const STATED: &[(&str, &str)] =
    &[("prores.mov", "-color_primaries bt709 -color_trc bt709 -colorspace bt709")];

/// Number of clips that [`clips`] makes.
pub const CLIP_COUNT: usize = CLIPS.len();

/// Makes every clip in a fresh folder.
pub fn clips() -> (tempfile::TempDir, Vec<PathBuf>) {
    let folder = tempfile::tempdir().unwrap();
    let mut paths = Vec::new();
    for (name, _, _) in CLIPS {
        paths.push(clip(folder.path(), name));
    }
    assert_eq!(paths.len(), CLIP_COUNT);
    (folder, paths)
}

/// Makes one of the clips.
pub fn clip(folder: &Path, name: &str) -> PathBuf {
    let (_, picture, made) = CLIPS.iter().find(|(known, _, _)| *known == name).unwrap();
    let mut arguments = vec!["-f", "lavfi", "-i", picture];
    if !made.starts_with("-an") && !made.contains(" -an") {
        arguments.extend(["-f", "lavfi", "-i", SOUND]);
    }
    arguments.extend(made.split(' '));
    arguments.push(name);
    ffmpeg(folder, &arguments);
    if let Some((_, stated)) = STATED.iter().find(|(known, _)| *known == name) {
        let silent = format!("silent.{name}");
        std::fs::rename(folder.join(name), folder.join(&silent)).unwrap();
        let mut arguments = vec!["-i", &silent, "-c", "copy"];
        arguments.extend(stated.split(' '));
        arguments.push(name);
        ffmpeg(folder, &arguments);
    }
    folder.join(name)
}

/// The clip `h264.mp4` with this display matrix, `a b c d`, in its track.
pub fn turned(folder: &Path, matrix: [i32; 4]) -> PathBuf {
    let path = clip(folder, "h264.mp4");
    let mut bytes = std::fs::read(&path).unwrap();
    let header = bytes.windows(4).position(|name| name == b"tkhd").unwrap();
    for (at, number) in [0, 1, 3, 4].into_iter().zip(matrix) {
        let place = header + 44 + at * 4;
        bytes[place..place + 4].copy_from_slice(&(number << 16).to_be_bytes());
    }
    std::fs::write(&path, bytes).unwrap();
    path
}
