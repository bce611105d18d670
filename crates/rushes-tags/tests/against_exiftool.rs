//! What is read from real files, field by field, against exiftool.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]
#![expect(clippy::print_stdout, reason = "what is skipped is said")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;

use rushes_media::Limits;
use rushes_tags::{Tags, read};
use serde_json::Value;

type Row = BTreeMap<String, Value>;

/// Files and fields where exiftool is not followed, each with the reason.
const EXCEPTIONS: &[(&str, &str, &str)] = &[
    (
        "ianare_jpg_tests_87_OSError.jpg",
        "altitude",
        "it has no reference: EXIF says that 0 is meant",
    ),
    ("drew_Nikon_D5000.jpg", "gps", "EXIF's divides by zero, XMP's is good"),
];

fn corpus() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus");
    let corpus = std::env::var_os("RUSHES_CORPUS").map_or(beside, PathBuf::from);
    if corpus.is_dir() {
        return Some(corpus);
    }
    println!("SKIPPED: there is no corpus at {}", corpus.display());
    None
}

fn exiftool(arguments: &[&str], places: &[PathBuf]) -> Option<Vec<Row>> {
    let output = Command::new("exiftool").args(arguments).args(places).output();
    let Ok(output) = output else {
        println!("SKIPPED: exiftool is not installed");
        return None;
    };
    Some(serde_json::from_slice(&output.stdout).expect("exiftool writes JSON"))
}

fn text(row: &Row, name: &str) -> Option<String> {
    let text = match row.get(name)? {
        Value::String(text) => text.clone(),
        Value::Array(_) | Value::Object(_) | Value::Null => return None,
        other => other.to_string(),
    };
    let text = text.split('\0').next().unwrap_or_default().trim().to_owned();
    (!text.is_empty()).then_some(text)
}

fn first(row: &Row, names: &[&str]) -> Option<String> {
    names.iter().find_map(|name| text(row, name))
}

fn list(row: &Row, name: &str) -> Vec<String> {
    match row.get(name) {
        Some(Value::Array(items)) => {
            items.iter().map(|v| v.as_str().map_or_else(|| v.to_string(), str::to_owned)).collect()
        }
        _ => text(row, name).into_iter().collect(),
    }
}

/// exiftool's `2024:06:01 12:34:56+02:00` as RFC 3339, when it is a date.
fn rfc3339(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let number = |from: usize, to: usize| text.get(from..to)?.trim().parse::<u32>().ok();
    let year = number(0, 4).filter(|year| (1826..=2100).contains(year))?;
    if bytes.len() == 4 {
        return Some(format!("{year:04}"));
    }
    let month = number(5, 7).filter(|month| (1..=12).contains(month))?;
    let day = number(8, 10).filter(|day| (1..=31).contains(day))?;
    let date = format!("{year:04}-{month:02}-{day:02}");
    if bytes.len() <= 10 {
        return Some(date);
    }
    let hour = number(11, 13).filter(|hour| *hour < 24)?;
    let minute = number(14, 16).filter(|minute| *minute < 60)?;
    let (second, rest) = match bytes.get(16) {
        Some(b':') => (number(17, 19).filter(|second| *second < 60)?, text.get(19..)?),
        _ => (0, text.get(16..)?),
    };
    Some(format!("{date}T{hour:02}:{minute:02}:{second:02}{}", rest.replace("+00:00", "Z")))
}

fn expected_created(row: &Row) -> Option<String> {
    let exif = |date: &str, fraction: &str, offset: &str| {
        let mut date = text(row, date)?;
        if let Some(fraction) = text(row, fraction)
            && date.len() == 19
            && fraction.bytes().all(|byte| byte.is_ascii_digit())
        {
            date = format!("{date}.{fraction}");
        }
        date += &text(row, offset).unwrap_or_default();
        rfc3339(&date)
    };
    let position = || {
        let stamp =
            format!("{} {}", text(row, "GPS:GPSDateStamp")?, text(row, "GPS:GPSTimeStamp")?);
        rfc3339(&format!("{stamp}Z"))
    };
    let iptc = || {
        let time = text(row, "IPTC:TimeCreated").map(|time| format!(" {time}")).unwrap_or_default();
        rfc3339(&format!("{}{time}", text(row, "IPTC:DateCreated")?))
    };
    let plain = |name| rfc3339(&text(row, name)?);
    exif("ExifIFD:DateTimeOriginal", "ExifIFD:SubSecTimeOriginal", "ExifIFD:OffsetTimeOriginal")
        .or_else(|| {
            exif("ExifIFD:CreateDate", "ExifIFD:SubSecTimeDigitized", "ExifIFD:OffsetTimeDigitized")
        })
        .or_else(position)
        .or_else(|| plain("XMP-exif:DateTimeOriginal"))
        .or_else(|| plain("XMP-photoshop:DateCreated"))
        .or_else(|| plain("XMP-xmp:CreateDate"))
        .or_else(|| plain("XMP-exif:DateTimeDigitized"))
        .or_else(iptc)
        .or_else(|| exif("IFD0:ModifyDate", "ExifIFD:SubSecTime", "ExifIFD:OffsetTime"))
}

/// EXIF's orientations by exiftool's own numbers: clockwise turn, then mirror.
fn expected_turn(row: &Row) -> Option<(u16, bool)> {
    let turns = [
        (0, false),
        (0, true),
        (180, false),
        (180, true),
        (90, true),
        (90, false),
        (270, true),
        (270, false),
    ];
    let stated = row.get("IFD0:Orientation")?.as_u64()? as usize;
    turns.get(stated.checked_sub(1)?).copied()
}

fn number_of(text: Option<String>) -> Option<String> {
    Some(format!("{:.4}", text?.split(',').next()?.parse::<f64>().ok()?))
}

/// `1/250 s` and `2.5 s` as seconds.
fn seconds(text: &str) -> Option<f64> {
    let number = text.strip_suffix(" s")?;
    match number.split_once('/') {
        Some((over, under)) => Some(over.parse::<f64>().ok()? / under.parse::<f64>().ok()?),
        None => number.parse().ok(),
    }
}

/// exiftool's `18 70 3.5 4.5` in words.
fn nikon_range(text: &str) -> Option<String> {
    let numbers: Vec<&str> = text.split(' ').collect();
    let span = |from: &str, to: &str| {
        if from == to { from.to_owned() } else { format!("{from}-{to}") }
    };
    let [shortest, longest, from, to] = *numbers.as_slice() else { return None };
    Some(format!("{} mm f/{}", span(shortest, longest), span(from, to)))
}

/// The name of every field that differs, with both values.
fn differences(row: &Row, tags: &Tags) -> Vec<(&'static str, String)> {
    let mut found = Vec::new();
    let mut compare = |field, theirs: Option<String>, ours: Option<String>| {
        // exiftool's JSON turns texts that are numbers into numbers: 1.00 to 1.0.
        let number = |text: &Option<String>| text.as_ref()?.parse::<f64>().ok();
        let same_number = number(&theirs).is_some() && number(&theirs) == number(&ours);
        if theirs != ours && !same_number {
            found.push((field, format!("exiftool {theirs:?}, read {ours:?}")));
        }
    };
    let camera = &tags.camera;
    compare("make", first(row, &["IFD0:Make", "XMP-tiff:Make"]), camera.make.clone());
    compare("model", first(row, &["IFD0:Model", "XMP-tiff:Model"]), camera.model.clone());
    let named = first(
        row,
        &[
            "ExifIFD:LensModel",
            "XMP-exifEX:LensModel",
            "XMP-aux:Lens",
            "Canon:LensModel",
            "Panasonic:LensType",
            "Olympus:LensModel",
        ],
    );
    let named = named.or_else(|| nikon_range(&text(row, "Nikon:Lens")?));
    if named.is_some() {
        compare("lens", named, camera.lens.clone());
    }
    compare(
        "software",
        first(row, &["IFD0:Software", "XMP-xmp:CreatorTool", "PNG:Software"]),
        camera.software.clone(),
    );
    // Some RAWs have these in the first directory (TIFF/EP).
    let shown = |name: &str| tags.all.get(name).map(|text| text.trim_start_matches("f/").into());
    for (field, names, ours) in [
        ("iso", ["ExifIFD:ISO", "IFD0:ISO"], "exif:PhotographicSensitivity"),
        ("aperture", ["ExifIFD:FNumber", "IFD0:FNumber"], "exif:FNumber"),
    ] {
        let theirs = first(row, &names).and_then(|text| text.parse::<f64>().ok());
        if theirs.is_some_and(|number| number > 0.0) {
            compare(field, theirs.map(|number| format!("{number:.4}")), number_of(shown(ours)));
        }
    }
    let exposure = first(row, &["ExifIFD:ExposureTime", "IFD0:ExposureTime"]);
    if let Some(secs) = exposure.and_then(|text| text.parse::<f64>().ok()) {
        let ours = tags.all.get("exif:ExposureTime").and_then(|text| seconds(text));
        let is_same = ours.is_some_and(|ours| (ours / secs - 1.0).abs() < 1e-4);
        compare("exposure", (secs > 0.0).then_some(true.to_string()), Some(is_same.to_string()));
    }
    compare("created", expected_created(row), tags.created.as_ref().map(|c| c.at.clone()));
    let turn = tags.rotation_degrees.map(|degrees| (degrees, tags.mirrored));
    compare(
        "orientation",
        expected_turn(row).map(|turn| format!("{turn:?}")),
        turn.map(|turn| format!("{turn:?}")),
    );
    let place = |latitude: f64, longitude: f64| format!("{latitude:.9} {longitude:.9}");
    let theirs = row.get("Composite:GPSLatitude").zip(row.get("Composite:GPSLongitude"));
    let theirs = theirs.and_then(|(a, b)| Some(place(a.as_f64()?, b.as_f64()?)));
    compare("gps", theirs, tags.gps.map(|g| place(g.latitude_degrees, g.longitude_degrees)));
    let altitude = row.get("Composite:GPSAltitude").and_then(Value::as_f64);
    if tags.gps.is_some() {
        let metres = |metres: f64| format!("{metres:.6}");
        compare("altitude", altitude.map(metres), tags.gps.and_then(|g| g.altitude_m).map(metres));
    }
    compare(
        "title",
        first(row, &["XMP-dc:Title", "IPTC:ObjectName", "IFD0:XPTitle", "PNG:Title"]),
        tags.title.clone(),
    );
    compare(
        "description",
        first(
            row,
            &[
                "XMP-dc:Description",
                "IPTC:Caption-Abstract",
                "IFD0:ImageDescription",
                "IFD0:XPComment",
                "IFD0:XPSubject",
                "PNG:Description",
            ],
        ),
        tags.description.as_ref().map(|text| text.replace('\r', "")),
    );
    let mut keywords: BTreeSet<String> = BTreeSet::new();
    keywords.extend(list(row, "XMP-dc:Subject"));
    for branch in list(row, "XMP-lr:HierarchicalSubject") {
        keywords.extend(branch.split('|').map(str::to_owned));
    }
    keywords.extend(list(row, "IPTC:Keywords"));
    for joined in list(row, "IFD0:XPKeywords") {
        keywords.extend(joined.split(';').map(|word| word.trim().to_owned()));
    }
    let keywords: BTreeSet<String> =
        keywords.iter().map(|k| k.trim().to_owned()).filter(|k| !k.is_empty()).collect();
    let ours: BTreeSet<String> = tags.keywords.iter().cloned().collect();
    compare("keywords", Some(format!("{keywords:?}")), Some(format!("{ours:?}")));
    compare(
        "rating",
        first(row, &["XMP-xmp:Rating", "IFD0:Rating"]),
        tags.rating.map(|stars| stars.to_string()),
    );
    compare(
        "identifier",
        first(row, &["Apple:ContentIdentifier"]),
        tags.content_identifier.clone(),
    );
    compare("profile", first(row, &["ICC_Profile:ProfileDescription"]), tags.icc_profile.clone());
    found
}

/// Compares every row with what is read; the unexplained differences.
fn unexplained(rows: &[Row], exceptions: &[(&str, &str, &str)]) -> Vec<String> {
    let mut left = Vec::new();
    let mut used = BTreeSet::new();
    for row in rows {
        let path = Path::new(row["SourceFile"].as_str().expect("a path"));
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        let format = match path.extension().unwrap_or_default().to_ascii_lowercase().to_str() {
            Some("jpg" | "jpeg") => "jpeg".to_owned(),
            Some("tif" | "tiff") => "tiff".to_owned(),
            other => other.unwrap_or_default().to_owned(),
        };
        let tags =
            read(&File::open(path).expect("opens"), &format, &Limits::default()).expect("is read");
        for (field, values) in differences(row, &tags) {
            match exceptions.iter().find(|(file, of, _)| *file == name && *of == field) {
                Some(exception) => {
                    used.insert((exception.0, exception.1));
                }
                None => left.push(format!("{name}: {field}: {values}; {:?}", tags.problems)),
            }
        }
    }
    for (file, field, reason) in exceptions {
        if !used.contains(&(*file, *field)) {
            left.push(format!("{file}: {field}: no longer differs ({reason})"));
        }
    }
    left
}

#[test]
fn the_corpus_reads_as_exiftool_reads_it() {
    let Some(corpus) = corpus() else { return };
    let folders = [("exif", 149), ("photo", 10), ("orientation", 13), ("heic", 3), ("image", 38)];
    let places: Vec<PathBuf> = folders.iter().map(|(folder, _)| corpus.join(folder)).collect();
    let Some(rows) = exiftool(&["-j", "-n", "-G1"], &places) else { return };
    for ((folder, count), place) in folders.iter().zip(&places) {
        let prefix = place.to_string_lossy().into_owned();
        let found =
            rows.iter().filter(|r| r["SourceFile"].as_str().expect("a path").starts_with(&prefix));
        assert_eq!(found.count(), *count, "files in {folder}");
    }
    let left = unexplained(&rows, EXCEPTIONS);
    assert!(left.is_empty(), "{} differences:\n{}", left.len(), left.join("\n"));
}

/// Files of cameras, which the folder of real media may have or not.
#[test]
fn camera_raws_read_as_exiftool_reads_them() {
    let Some(folder) = corpus().map(|corpus| corpus.join("raw")).filter(|raw| raw.is_dir()) else {
        println!("SKIPPED: there are no camera RAWs in the corpus");
        return;
    };
    let Some(rows) = exiftool(&["-j", "-n", "-G1"], &[folder]) else { return };
    let left = unexplained(&rows, &[]);
    assert!(left.is_empty(), "{} differences:\n{}", left.len(), left.join("\n"));
}

/// Small pictures without metadata, in each format that exiftool can write.
fn plain_pictures(folder: &Path) -> Vec<PathBuf> {
    let jpeg = [
        &b"\xff\xd8\xff\xdb\0\x43\0"[..],
        &[1; 64],
        b"\xff\xc0\0\x0b\x08\0\x01\0\x01\x01\x01\x11\0",
        b"\xff\xc4\0\x14\0\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x03",
        b"\xff\xda\0\x08\x01\x01\0\0\x3f\0\x37\xff\xd9",
    ]
    .concat();
    let png = [
        &b"\x89PNG\r\n\x1a\n"[..],
        b"\0\0\0\x0dIHDR\0\0\0\x01\0\0\0\x01\x08\0\0\0\0\x3a\x7e\x9b\x55",
        b"\0\0\0\x0aIDATx\x9cc\xf8\x0f\0\x01\x01\x01\0\x1b\xb6\xee\x56",
        b"\0\0\0\0IEND\xaeB`\x82",
    ]
    .concat();
    let tiff = [
        &b"II\x2a\0\x08\0\0\0\x08\0"[..],
        b"\0\x01\x03\0\x01\0\0\0\x01\0\0\0",
        b"\x01\x01\x03\0\x01\0\0\0\x01\0\0\0",
        b"\x02\x01\x03\0\x01\0\0\0\x08\0\0\0",
        b"\x03\x01\x03\0\x01\0\0\0\x01\0\0\0",
        b"\x06\x01\x03\0\x01\0\0\0\x01\0\0\0",
        b"\x11\x01\x04\0\x01\0\0\0\x6e\0\0\0",
        b"\x16\x01\x03\0\x01\0\0\0\x01\0\0\0",
        b"\x17\x01\x04\0\x01\0\0\0\x01\0\0\0",
        b"\0\0\0\0\x7f\0",
    ]
    .concat();
    let gif =
        b"GIF89a\x01\0\x01\0\x80\0\0\0\0\0\xff\xff\xff,\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0;";
    let webp =
        [&b"RIFF\x1a\0\0\0WEBPVP8L\x0d\0\0\0\x2f\0\0\0\x10\x07\x10\x11\x11\x88\x88\xfe\x07\0"[..]]
            .concat();
    let psd = [
        &b"8BPS\0\x01\0\0\0\0\0\0\0\x01\0\0\0\x01\0\0\0\x01\0\x08\0\x01"[..],
        &[0; 12],
        b"\0\0\x7f",
    ]
    .concat();
    let all: [(&str, &[u8]); 6] = [
        ("a.jpg", &jpeg),
        ("a.png", &png),
        ("a.tif", &tiff),
        ("a.gif", gif),
        ("a.webp", &webp),
        ("a.psd", &psd),
    ];
    all.map(|(name, bytes)| {
        let path = folder.join(name);
        std::fs::write(&path, bytes).expect("writes");
        path
    })
    .into()
}

#[test]
fn what_exiftool_writes_is_read_back() {
    let any_file = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
    if exiftool(&["-j"], &[any_file]).is_none() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let mut places = plain_pictures(folder.path());
    if let Some(corpus) = corpus() {
        for name in ["libheif_example.heic", "libheif_example.avif"] {
            let copy = folder.path().join(name);
            std::fs::copy(corpus.join("heic").join(name), &copy).expect("copies");
            places.push(copy);
        }
    }
    let many: Vec<String> =
        (0..900).map(|n| format!("-XMP-dc:Subject={n} {}", "wörd ".repeat(20).trim())).collect();
    let everything = [
        "-overwrite_original",
        "-q",
        "-q",
        "-m",
        "-codedcharacterset=utf8",
        "-IFD0:Make=Käse Works",
        "-IFD0:Model=Model 1",
        "-IFD0:Software=Firmware 2",
        "-ExifIFD:DateTimeOriginal=2024:06:01 12:34:56",
        "-ExifIFD:SubSecTimeOriginal=078",
        "-ExifIFD:OffsetTimeOriginal=-03:30",
        "-ExifIFD:LensModel=24-70mm",
        "-IFD0:Orientation#=7",
        "-GPSLatitude=33.8688",
        "-GPSLatitudeRef=S",
        "-GPSLongitude=151.2093",
        "-GPSLongitudeRef=E",
        "-GPSAltitude=12.5",
        "-GPSAltitudeRef#=1",
        "-XMP-dc:Title=Brücke",
        "-XMP-dc:Title-de=Eine Brücke",
        "-XMP-dc:Description=A <b> & c",
        "-XMP-xmp:Rating=4",
        "-IPTC:Keywords=one",
        "-IPTC:Keywords=zwölf",
        "-IPTC:City=Bern",
        "-XMP-dc:Subject=two",
        "-XMP-lr:HierarchicalSubject=place|Bern",
    ];
    let only_xmp = [
        "-overwrite_original",
        "-q",
        "-q",
        "-m",
        "-all=",
        "-XMP-xmp:CreateDate=2020:01:02 03:04+05:45",
    ];
    let many: Vec<&str> = ["-overwrite_original", "-q", "-q", "-m"]
        .into_iter()
        .chain(many.iter().map(String::as_str))
        .collect();
    for (pass, arguments) in [&everything[..], &many, &only_xmp].into_iter().enumerate() {
        let written =
            Command::new("exiftool").args(arguments).args(&places).output().expect("runs");
        let said = String::from_utf8_lossy(&written.stderr).into_owned();
        let rows = exiftool(&["-j", "-n", "-G1"], &places).expect("is installed");
        assert_eq!(rows.len(), places.len(), "{said}");
        for row in rows.iter().filter(|_| pass == 0) {
            let name = &row["SourceFile"];
            assert_eq!(row.get("XMP-xmp:Rating"), Some(&Value::from(4)), "{name} {said}");
        }
        let exceptions: &[(&str, &str, &str)] = match pass {
            0 | 1 => &[("a.gif", "gps", "exiftool joins coordinates of EXIF only, GIF has XMP")],
            _ => &[],
        };
        let left = unexplained(&rows, exceptions);
        assert!(left.is_empty(), "pass {pass}: {}\n{said}", left.join("\n"));
    }
}

/// A profile of which there is little more than its name.
fn named_profile(name: &str) -> Vec<u8> {
    let text = [&b"desc\0\0\0\0"[..], &(name.len() as u32 + 1).to_be_bytes(), name.as_bytes()];
    let mut tag = text.concat();
    tag.resize(12 + name.len() + 1 + 78, 0);
    let mut profile = (144 + tag.len() as u32).to_be_bytes().to_vec();
    profile.extend(b"\0\0\0\0\x02\0\0\0mntrRGB XYZ ");
    profile.resize(36, 0);
    profile.extend(b"acsp");
    profile.resize(128, 0);
    profile.extend([0, 0, 0, 1]);
    profile.extend(b"desc\0\0\0\x90");
    profile.extend((tag.len() as u32).to_be_bytes());
    [profile, tag].concat()
}

#[test]
fn packed_texts_of_png_are_read_as_exiftool_reads_them() {
    let any_file = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
    if exiftool(&["-j"], &[any_file]).is_none() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let png = plain_pictures(folder.path()).remove(1);
    let profile = folder.path().join("profile.icc");
    std::fs::write(&profile, named_profile("A name in the profile")).expect("writes");
    let long = "lang ".repeat(200);
    let long = long.trim();
    let written = Command::new("exiftool")
        .args(["-overwrite_original", "-q", "-q", "-m", "-z", "-codedcharacterset=utf8"])
        .arg(format!("-PNG:Title=Brücke {long}"))
        .arg(format!("-PNG:Description=Grüße ☃ {long}"))
        .arg(format!("-PNG:Comment={long}"))
        .args(["-IPTC:Keywords=zwölf", "-IPTC:City=Bern", "-EXIF:Make=Käse Works"])
        .arg(format!("-ICC_Profile<={}", profile.display()))
        .arg(&png)
        .output()
        .expect("runs");
    let bytes = std::fs::read(&png).expect("is read");
    for kind in ["zTXt", "iTXt", "iCCP", "eXIf"] {
        let is_there = bytes.windows(4).any(|window| window == kind.as_bytes());
        assert!(is_there, "{kind}: {}", String::from_utf8_lossy(&written.stderr));
    }
    let rows = exiftool(&["-j", "-n", "-G1"], std::slice::from_ref(&png)).expect("is installed");
    let left = unexplained(&rows, &[]);
    assert!(left.is_empty(), "{}", left.join("\n"));
    // What was compared is what was written, and a text without a field is there too.
    let tags = read(&File::open(&png).expect("opens"), "png", &Limits::default()).expect("is read");
    assert_eq!(tags.problems, Vec::<String>::new());
    assert_eq!(tags.title.as_deref(), Some(format!("Brücke {long}").as_str()));
    assert_eq!(tags.description.as_deref(), Some(format!("Grüße ☃ {long}").as_str()));
    assert_eq!(tags.keywords, ["zwölf"]);
    assert_eq!(tags.icc_profile.as_deref(), Some("A name in the profile"));
    assert_eq!(tags.all.get("png:Comment").map(String::as_str), Some(long));
}
