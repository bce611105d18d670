//! Frames as numbered stills and as pages of a TIFF, read back by ffmpeg and by
//! ourselves.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops there")]

mod av_fixtures;

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use av_fixtures::{bytes, has_ffmpeg, source, theirs};
use rushes_codec::{
    Conversion, Depth, Part, SequenceReader, Sink, Target, VideoOptions, VideoWriter,
    WriterOptions, convert, plan_conversion,
};
use rushes_media::{ErrorKind, Frame, Layout, Values};

/// Files of a folder, written where they belong at once.
struct Folder {
    path: PathBuf,
    target: Target,
    open: Option<File>,
}

impl Folder {
    fn of(path: &Path, start: u64) -> Folder {
        Folder { path: path.to_owned(), target: Target::of(path, start).unwrap(), open: None }
    }
}

impl Sink for Folder {
    fn write_all_at(&mut self, bytes: &[u8], position: u64) -> io::Result<()> {
        self.open.as_mut().unwrap().write_all_at(bytes, position)
    }

    fn begin(&mut self, part: Part) -> io::Result<()> {
        let name = self.target.name_of(part).unwrap();
        self.open = Some(File::create_new(self.path.with_file_name(name))?);
        Ok(())
    }
}

/// A picture of its own for each number.
fn picture(number: usize, layout: Layout, depth: Depth) -> Frame {
    let (width, height) = (13, 7);
    let count = width as usize * height as usize * layout.channels();
    let values = (0..count).map(|at| (at * 37 + number * 11) % 256);
    let values = match depth {
        Depth::U8 => Values::U8(values.map(|it| it as u8).collect()),
        Depth::U16 => Values::U16(values.map(|it| it as u16 * 251).collect()),
        _ => Values::F32(values.map(|it| it as f32 / 200.0 - 0.1).collect()),
    };
    Frame::new(width, height, layout, values).unwrap()
}

fn pictures(layout: Layout, depth: Depth) -> Vec<Frame> {
    (0..4).map(|number| picture(number, layout, depth)).collect()
}

fn write(sink: impl Sink + 'static, format: &str, options: WriterOptions, frames: &[Frame]) {
    let mut writer = VideoWriter::create(sink, format, options).unwrap();
    for frame in frames {
        writer.write(frame).unwrap();
    }
    writer.finish().unwrap();
}

fn read(path: &Path, layout: Layout) -> Vec<Frame> {
    let sequence = rushes_codec::open(path).unwrap().sequence().unwrap().unwrap();
    let options = VideoOptions { layout, ..VideoOptions::default() };
    let mut reader = SequenceReader::open(Arc::new(sequence), options, None).unwrap();
    std::iter::from_fn(|| reader.next().unwrap()).collect()
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<String> =
        entries.map(|it| it.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn numbered_stills_hold_every_number() {
    let folder = tempfile::tempdir().unwrap();
    for (name, layout, depth, pixels) in [
        ("a.%04d.png", Layout::Rgb, Depth::U8, "rgb24"),
        ("b.##.png", Layout::Rgba, Depth::U16, "rgba64le"),
        ("c.%d.tif", Layout::Gray, Depth::U16, "gray16le"),
        ("d.%d.exr", Layout::Rgb, Depth::F32, ""),
        ("e.%d.bmp", Layout::Rgb, Depth::U8, "rgb24"),
        ("f.%d.dpx", Layout::Rgb, Depth::U16, "rgb48le"),
        ("g.%d.dpx", Layout::Gray, Depth::U8, "gray"),
        ("h.%d.dpx", Layout::Rgba, Depth::U8, "rgba"),
        ("i.%d.ppm", Layout::Rgb, Depth::U16, "rgb48le"),
        ("j.%d.pgm", Layout::Gray, Depth::U16, "gray16le"),
        ("k.%d.ppm", Layout::Rgb, Depth::U8, "rgb24"),
    ] {
        let path = folder.path().join(name);
        let mut frames = pictures(layout, depth);
        for frame in frames.iter_mut().filter(|_| depth == Depth::F32) {
            frame.color.transfer = Some("linear".into());
        }
        let sink = Folder::of(&path, 8);
        let format = sink.target.format().to_owned();
        write(sink, &format, WriterOptions::default(), &frames);
        let again = read(&path, layout);
        assert_eq!(again.len(), frames.len(), "{name}");
        for (one, other) in again.iter().zip(&frames) {
            assert_eq!(one.values(), other.values(), "{name}");
        }
        if !pixels.is_empty() && has_ffmpeg() && !name.contains('#') {
            let found = theirs(&["-start_number", "8"], &path, pixels);
            assert!(found == bytes(&frames), "{name}: ffmpeg reads other numbers");
        }
    }
    let names = names(folder.path());
    assert_eq!(names.len(), 44);
    assert_eq!(
        names[..6],
        ["a.0008.png", "a.0009.png", "a.0010.png", "a.0011.png", "b.08.png", "b.09.png"]
    );
}

#[test]
fn a_tiff_has_a_page_for_each_frame() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.tif");
    for layout in [Layout::Gray, Layout::Rgb, Layout::Rgba] {
        for depth in [Depth::U8, Depth::U16, Depth::F32] {
            let frames = pictures(layout, depth);
            write(File::create(&path).unwrap(), "tif", WriterOptions::default(), &frames);
            let again = read(&path, layout);
            assert_eq!(again.len(), frames.len(), "{layout:?} {depth:?}");
            // Grey floats are kept as RGB, and grey of that is rounded.
            let is_rounded = (layout, depth) == (Layout::Gray, Depth::F32);
            for (one, other) in again.iter().zip(&frames) {
                let (Values::F32(ours), Values::F32(given), true) =
                    (one.values(), other.values(), is_rounded)
                else {
                    assert_eq!(one.values(), other.values(), "{layout:?} {depth:?}");
                    continue;
                };
                assert!(ours.iter().zip(given).all(|(one, other)| (one - other).abs() < 1e-6));
            }
        }
    }
    // FFmpeg reads the first page alone.
    let frames = pictures(Layout::Rgb, Depth::U16);
    write(File::create(&path).unwrap(), "TIFF", WriterOptions::default(), &frames);
    if has_ffmpeg() {
        assert!(theirs(&[], &path, "rgb48le") == bytes(&frames[..1]));
    }
}

#[test]
fn what_plays_becomes_stills() {
    if !has_ffmpeg() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("in.mkv");
    let made = Command::new("ffmpeg")
        .args(["-v", "error", "-f", "lavfi", "-i", "testsrc2=s=64x48:r=10,format=rgba"])
        .args(["-f", "lavfi", "-i", "sine", "-frames:v", "5", "-t", "0.5", "-c:v", "ffv1"])
        .arg(&path)
        .status();
    assert!(made.unwrap().success());
    let input = source(&path);
    let out = folder.path().join("out.%03d.png");
    let wanted =
        |format: &str| Conversion { extension: format.to_owned(), ..Conversion::default() };
    let sink = Folder::of(&out, 1);
    let done = convert(&input, Box::new(sink), &wanted("%d.png"), None, &mut |_| true).unwrap();
    assert_eq!((done.done, done.total, done.unit), (5, Some(5), "frames"));
    // RGBA is lossless all the way.
    assert!(theirs(&[], &out, "rgba") == theirs(&[], &path, "rgba"));
    let plan = plan_conversion(&input, &wanted("%d.jpg")).unwrap();
    assert_eq!(plan[0].notes, ["transparency is left out"]);
    assert!(plan_conversion(&input, &wanted("%d.png")).unwrap()[0].notes.is_empty());

    let pages = folder.path().join("out.tif");
    let sink = Box::new(File::create(&pages).unwrap());
    convert(&input, sink, &wanted("tif"), None, &mut |_| true).unwrap();
    assert_eq!(read(&pages, Layout::Rgba).len(), 5);

    // One still cannot hold them; a file is not several.
    let refused = plan_conversion(&input, &wanted("png")).unwrap_err();
    assert_eq!(refused.kind, ErrorKind::Unsupported);
    assert!(refused.remedy.unwrap().contains("%04d.png"));
    let one = Box::new(tempfile::tempfile().unwrap());
    let refused = convert(&input, one, &wanted("%d.png"), None, &mut |_| true).unwrap_err();
    assert!(refused.why.contains("several files"), "{refused}");
}

#[test]
fn quality_counts_and_frames_must_be_alike() {
    let folder = tempfile::tempdir().unwrap();
    let sizes = [1, 95].map(|quality| {
        let path = folder.path().join(format!("q{quality}.%d.jpg"));
        let options = WriterOptions { quality: Some(quality), ..WriterOptions::default() };
        write(Folder::of(&path, 0), "%d.jpg", options, &pictures(Layout::Rgb, Depth::U8));
        path.with_file_name(format!("q{quality}.0.jpg")).metadata().unwrap().len()
    });
    assert!(sizes[0] < sizes[1]);
    let sink = Folder::of(&folder.path().join("x.%d.png"), 0);
    let mut writer = VideoWriter::create(sink, "%d.png", WriterOptions::default()).unwrap();
    writer.write(&picture(0, Layout::Rgb, Depth::U8)).unwrap();
    let refused = writer.write(&picture(0, Layout::Gray, Depth::U8)).unwrap_err();
    assert_eq!(refused.kind, ErrorKind::Invalid);
    let none = VideoWriter::create(
        Folder::of(&folder.path().join("y.%d.png"), 0),
        "%d.png",
        WriterOptions { codec: Some("h264".into()), ..WriterOptions::default() },
    );
    assert_eq!(none.err().unwrap().kind, ErrorKind::Invalid);
}
