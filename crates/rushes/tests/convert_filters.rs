//! Filters that take a file beside the frames: a layer, a flat field, a table.
//! What comes out is held against ffmpeg's own filters, or the formula.

mod support;

use serde_json::json;
use support::{Stage, ffmpeg, has, text};

const CUBE: &str = "LUT_3D_SIZE 2\n0 0.1 0.2\n0.9 0 0.1\n0.1 1 0\n0.8 0.7 0.1\n0 0.2 1\n\
                    1 0 0.9\n0.3 0.8 1\n1 0.9 0.7\n";

/// Every frame as numbers, RGB.
fn rgb(stage: &Stage, name: &str) -> Vec<u8> {
    ffmpeg(&format!("-i {} -f rawvideo -pix_fmt rgb24 -", stage.text(name)))
}

fn assert_near(found: &[u8], wanted: &[u8], what: &str) {
    assert_eq!(found.len(), wanted.len(), "{what}");
    let apart = found.iter().zip(wanted).map(|(one, other)| one.abs_diff(*other)).max();
    assert!(apart <= Some(1), "{what}: {apart:?} apart");
}

/// `clip.mkv`, three lossless frames of RGB, and pictures and a table for filters;
/// nothing where ffmpeg is missing.
fn stage_with_files() -> Option<Stage> {
    if !has("ffmpeg") {
        return None;
    }
    let stage = Stage::new();
    let at = |name: &str| stage.text(name);
    let source = "-f lavfi -i testsrc2=s=64x48:r=25";
    ffmpeg(&format!("{source} -frames:v 3 -c:v ffv1 -pix_fmt bgr0 {}", at("clip.mkv")));
    let layer = "-f lavfi -i testsrc=s=64x48 -frames:v 1 -pix_fmt rgb24";
    ffmpeg(&format!("{layer} {}", at("layer.png")));
    ffmpeg(&format!("-f lavfi -i testsrc=s=32x48 -frames:v 1 {}", at("small.png")));
    let light = "-f lavfi -i color=s=64x48 -vf format=gray,geq=lum='120+X+Y' -frames:v 1";
    ffmpeg(&format!("{light} {}", at("flat.png")));
    stage.write("look.cube", CUBE.as_bytes());
    Some(stage)
}

#[test]
fn a_layer_is_laid_over_every_frame() {
    let Some(stage) = stage_with_files() else { return };
    let (clip, layer) = (stage.text("clip.mkv"), stage.text("layer.png"));
    let filters = "[0]format=gbrp[a];[1]format=gbrp[b];[a][b]blend=all_mode=multiply";
    let wanted = ffmpeg(&format!(
        "-i {clip} -i {layer} -filter_complex {filters} -f rawvideo -pix_fmt rgb24 -"
    ));
    assert_eq!(wanted.len(), 3 * 64 * 48 * 3);
    assert_ne!(wanted, rgb(&stage, "clip.mkv"));

    // By a relative name too, which the job knows wherever it runs.
    for (number, file) in [&*layer, "layer.png"].into_iter().enumerate() {
        let (out, filter) = (format!("{number}.mkv"), format!("blend:file={file},mode=multiply"));
        let mut asked =
            stage.command(&["convert", "clip.mkv", &out, "--codec", "ffv1", "--filter", &filter]);
        let ran = asked.current_dir(stage.path("")).output().expect("it runs");
        assert!(ran.status.success(), "{ran:?}");
        assert_near(&rgb(&stage, &out), &wanted, &filter);
    }
    let filter = format!("blend:{}", json!({ "file": layer, "mode": "multiply" }));
    let dry = ["convert", &clip, &stage.text("dry.mkv"), "--filter", &filter, "--dry-run"];
    let does = text(&stage.done(&dry)["plan"]["effects"][0]["does"]);
    assert!(does.contains("filters read layer.png"), "{does}");

    let tile = json!({ "path": clip, "filters": [filter] }).to_string();
    stage.done(&["mosaic", &tile, &stage.text("tile.mkv"), "--codec", "ffv1"]);
    assert_near(&rgb(&stage, "tile.mkv"), &wanted, "a tile");

    // Stills, alone and in a row.
    stage.done(&["convert", &clip, &stage.text("shot.%02d.png")]);
    for (given, out) in [("shot.02.png", "one.png"), ("shot.%02d.png", "row.mkv")] {
        let (given, out) = (stage.text(given), stage.text(out));
        let codec: &[&str] = if out.ends_with("mkv") { &["--codec", "ffv1"] } else { &[] };
        stage.done(&[&["convert", &given, &out, "--filter", &filter], codec].concat());
    }
    assert_near(&rgb(&stage, "row.mkv"), &wanted, "a row");
    assert_near(&rgb(&stage, "one.png"), &wanted[64 * 48 * 3..][..64 * 48 * 3], "a still");
}

#[test]
fn a_table_is_read_from_its_file() {
    let Some(stage) = stage_with_files() else { return };
    let (clip, cube, out) = (stage.text("clip.mkv"), stage.text("look.cube"), stage.text("o.mkv"));
    let looked = format!("format=gbrp,lut3d=file={cube}:interp=tetrahedral");
    let wanted = ffmpeg(&format!("-i {clip} -vf {looked} -f rawvideo -pix_fmt rgb24 -"));
    let filter = format!("lut:file={cube}");
    stage.done(&["convert", &clip, &out, "--codec", "ffv1", "--filter", &filter]);
    assert_near(&rgb(&stage, "o.mkv"), &wanted, "a table");
}

#[test]
fn a_flat_field_evens_light_out() {
    let Some(stage) = stage_with_files() else { return };
    let (clip, flat, out) = (stage.text("clip.mkv"), stage.text("flat.png"), stage.text("o.mkv"));
    let filter = format!("flat_field:file={flat}");
    stage.done(&["convert", &clip, &out, "--codec", "ffv1", "--filter", &filter]);
    let light: Vec<f64> = ffmpeg(&format!("-i {flat} -f rawvideo -pix_fmt gray -"))
        .into_iter()
        .map(f64::from)
        .collect();
    let mean = light.iter().sum::<f64>() / light.len() as f64;
    let before = rgb(&stage, "clip.mkv");
    let places = before.chunks(3).zip(light.iter().cycle());
    let wanted: Vec<u8> = places
        .flat_map(|(pixel, light)| {
            pixel.iter().map(move |&it| (f64::from(it) * mean / light).round().min(255.0) as u8)
        })
        .collect();
    assert_near(&rgb(&stage, "o.mkv"), &wanted, "a flat field");
}

#[test]
fn what_makes_no_sense_of_files_is_said() {
    let Some(stage) = stage_with_files() else { return };
    stage.write("broken.cube", b"LUT_3D_SIZE 2\n0 0 0\n");
    stage.write("latin.cube", b"TITLE \"\xe9\"\n");
    stage.write("noise.png", &support::bytes::noise(5, 2_000));
    let at = |name: &str| stage.text(name);
    let file = |filter: &str, name: &str| format!("{filter}:file={}", at(name));
    for (filter, code, words) in [
        ("blend".to_owned(), 2, "file=picture.png"),
        ("blend:file=7".to_owned(), 3, "no such"),
        ("blend:file=/dev/zero".to_owned(), 2, "/dev/zero"),
        (file("blend", "small.png"), 2, "the layer is 32x48 pixels"),
        (file("blend", "clip.mkv"), 4, "no still picture"),
        (file("blend", "noise.png"), 4, "noise.png"),
        (file("blend", "layer.png") + ",opacity=2", 2, "opacity"),
        (file("flat_field", "none.png"), 3, "no such"),
        (file("lut", "broken.cube"), 2, "ends after 1 of 8 colours"),
        (file("lut", "latin.cube"), 5, "no text in UTF-8"),
        (file("lut", "look.cube") + ",cube=x", 2, "both cube and file"),
        (file("lut", "look.cube") + ",mixing=stirred", 2, "mixing"),
        (file("clahe", "layer.png"), 2, "file"),
        ("blend:{\"file\":7}".to_owned(), 2, "file"),
    ] {
        let asked = ["convert", &at("clip.mkv"), &at("o.mkv"), "--filter", &filter];
        let ran = stage.run(&asked);
        assert_eq!(ran.code, code, "{filter}: {ran:?}");
        let said = ran.json["error"].to_string();
        assert!(said.contains(words), "{words:?} in {said}");
        assert!(!stage.path("o.mkv").exists());
        // Only the frames tell that they have another size.
        if !filter.contains("small") {
            assert_eq!(stage.run(&[&asked[..], &["--dry-run"]].concat()).code, code, "{filter}");
        }
    }
    let own = file("blend", "layer.png");
    let onto = ["convert", &at("small.png"), &at("layer.png"), "--overwrite", "--filter", &own];
    let refused = stage.run(&onto);
    assert_eq!(refused.code, 2, "{refused:?}");
    assert!(refused.json["error"].to_string().contains("made from"), "{refused:?}");
}
