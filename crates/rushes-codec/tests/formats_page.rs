//! The page that lists all formats, made from the tables in the code.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops there")]

use std::fmt::Write;
use std::path::Path;

use rushes_codec::{CONTAINERS, FORMATS, SOUND_TARGETS, STILL_TARGETS, VIDEO_CODECS};
use rushes_media::MediaKind;

const INTRO: &str = "# Formats

Made from the tables in the code by the test `formats_page`; after a change of those,
`RUSHES_WRITE_DOCS=1 cargo test -p rushes-codec --test formats_page` writes it again.

What a file is, its content decides; the extension only says what is tried first. Which codecs can be
read within a container depends on the FFmpeg that Rushes is built against: `rushes doctor` tells.
";

fn extensions(of: &[&str]) -> String {
    of.iter().map(|extension| format!("`.{extension}`")).collect::<Vec<_>>().join(" ")
}

fn page() -> String {
    let mut page = INTRO.to_owned();
    for (kind, title) in
        [(MediaKind::Still, "Stills"), (MediaKind::Video, "Video"), (MediaKind::Audio, "Sound")]
    {
        writeln!(page, "\n## {title}, read\n\n| format | extensions | media type |\n|---|---|---|")
            .unwrap();
        for format in FORMATS.iter().filter(|format| format.kind == kind) {
            let names = extensions(format.extensions);
            writeln!(page, "| {} | {names} | {} |", format.words, format.mime).unwrap();
        }
    }
    page += "\n## Stills, written\n\n| format | extensions | numbers | opacity | metadata |\n|---|---|---|---|---|\n";
    for target in STILL_TARGETS {
        let number = |bits: &u8| match bits {
            32 => "floats".to_owned(),
            bits => format!("{bits} bits"),
        };
        let numbers: Vec<String> = target.bits.iter().map(number).collect();
        let opacity = if target.has_opacity { "yes" } else { "no" };
        let (names, numbers) = (extensions(target.extensions), numbers.join(", "));
        let holds: Vec<&str> = target.holds.iter().map(|block| block.words()).collect();
        let (words, holds) = (target.words, holds.join(", "));
        writeln!(page, "| {words} | {names} | {numbers} | {opacity} | {holds} |").unwrap();
    }
    page += "\nWith a number in its name, such as `shot.%04d.png` or `shot.####.exr`, each of them takes what plays:\n";
    page += "a still for each frame.\n";
    page += "\n## Video, written\n\nThe codec in bold is taken when none is named.\n\n";
    page += "| container | extensions | codecs |\n|---|---|---|\n";
    for container in CONTAINERS {
        let names = extensions(container.extensions);
        writeln!(page, "| {} | {names} | {} |", container.words, codecs(container.codecs)).unwrap();
    }
    page += "\nWhat `rushes convert` carries along into each, copied where it is in one of these already:\n\n";
    page += "| container | sound | subtitles |\n|---|---|---|\n";
    for container in CONTAINERS.iter().filter(|container| !container.sound.is_empty()) {
        let (sound, words) = (codecs(container.sound), codecs(container.subtitles));
        writeln!(page, "| {} | {sound} | {words} |", container.words).unwrap();
    }
    page += "\n| codec | in words |\n|---|---|\n";
    for codec in VIDEO_CODECS {
        writeln!(page, "| `{}` | {} |", codec.name, codec.words).unwrap();
    }
    page += "\n## Sound, written\n\n| format | extensions | codecs |\n|---|---|---|\n";
    for target in SOUND_TARGETS {
        let names = extensions(target.extensions);
        writeln!(page, "| {} | {names} | {} |", target.words, codecs(target.codecs)).unwrap();
    }
    page
}

/// Names of codecs, the first of them bold.
fn codecs(names: &[&str]) -> String {
    let word = |(at, name): (usize, &&str)| match at {
        0 => format!("**`{name}`**"),
        _ => format!("`{name}`"),
    };
    names.iter().enumerate().map(word).collect::<Vec<_>>().join(", ")
}

#[test]
fn the_page_is_what_the_tables_say() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/formats.md");
    if std::env::var_os("RUSHES_WRITE_DOCS").is_some() {
        std::fs::write(&path, page()).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(kept == page(), "docs/formats.md is out of date: write it again as its head says");
    assert!(kept.lines().filter(|line| line.starts_with("| ")).count() > FORMATS.len());
}
