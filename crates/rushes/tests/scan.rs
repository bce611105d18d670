//! What a scan takes for media, and what belongs to it.

#![expect(clippy::expect_used, reason = "a test that cannot go on stops there")]

mod support;

use std::process::Command;

use serde_json::json;
use support::bytes::{bmp, noise, png, ppm, wav, with_content_identifier};
use support::{Stage, failures, has, make_clip, text};

#[test]
fn content_decides_and_the_name_only_promises() {
    let stage = Stage::new();
    stage.write("media/still.png", &png(1));
    stage.write("media/really a still.mov", &png(2));
    stage.write("media/sound.wav", &wav(3, 4_000));
    stage.write("media/bitmap.bmp", &bmp(4));
    stage.write("media/unheard of.zzz", &ppm(5));
    stage.write("media/without extension", &wav(6, 4_000));
    stage.write("media/letter.txt", b"Dear reader");
    stage.write("media/letter.mp4", b"Dear viewer");
    stage.write("media/noise.bin", &noise(7, 5_000));
    stage.write("media/empty.jpg", b"");
    stage.write("media/nothing.txt", b"");

    let ran = stage.run(&["scan", &stage.text("media")]);
    assert_eq!(ran.code, 1, "{ran:?}");
    let failed = failures(&ran.json);
    assert_eq!(
        failed.iter().map(|(name, _)| &name[..]).collect::<Vec<_>>(),
        ["empty.jpg", "letter.mp4"]
    );
    for (name, kind) in &failed {
        assert!(["corrupt", "unsupported"].contains(&&kind[..]), "{name}: {kind}");
    }
    assert_eq!(ran.json["files"], 11);
    assert_eq!(ran.json["probed"], 6);

    let still = stage.asset_at("media/really a still.mov");
    assert_eq!(still["kind"], "still");
    assert_eq!(still["mime"], "image/png");
    assert_eq!(still["probe"]["agreement"]["agrees"], false, "{}", still["probe"]["agreement"]);
    let honest = stage.asset_at("media/still.png");
    assert_eq!(honest["probe"]["agreement"]["agrees"], true, "{}", honest["probe"]["agreement"]);
    assert_eq!((&honest["width_px"], &honest["height_px"]), (&json!(8), &json!(8)));
    assert_eq!(stage.asset_at("media/unheard of.zzz")["kind"], "still");
    assert_eq!(stage.asset_at("media/without extension")["kind"], "audio");
    assert_eq!(stage.asset_at("media/sound.wav")["duration_secs"], "1/4");

    // What could not be read is listed, with the reason; what is no media is not.
    assert_eq!(stage.names("error:yes"), ["empty.jpg", "letter.mp4"]);
    assert!(text(&stage.asset_at("media/letter.mp4")["error"]["why"]).len() > 5);
    assert_eq!(stage.search("").len(), 8);
    assert_eq!(stage.done(&["stats"])["errors"], 2);
    stage.check();
}

/// The same bytes under a name that promises media and one that does not:
/// the order in which the folder is read must not matter.
#[test]
fn one_promising_name_is_enough_for_a_failure_to_be_listed() {
    for names in [["a.txt", "b.mp4"], ["a.mp4", "b.txt"]] {
        let stage = Stage::new();
        // The first of the two has the lower number, so it is looked at first.
        stage.write(format!("media/{}", names[0]), b"no media at all");
        stage.run(&["scan", &stage.text("media")]);
        stage.write(format!("media/{}", names[1]), b"no media at all");
        stage.run(&["scan", &stage.text("media")]);
        let rows = stage.search("error:yes");
        assert_eq!(rows.len(), 1, "{names:?}");

        let stage = Stage::new();
        for name in names {
            stage.write(format!("media/{name}"), b"no media at all");
        }
        assert_eq!(stage.run(&["scan", &stage.text("media")]).code, 1, "{names:?}");
        assert_eq!(stage.search("error:yes").len(), 1, "{names:?}");
        stage.check();
    }
}

#[test]
fn a_video_with_sound_is_probed() {
    let stage = Stage::new();
    if !make_clip(&stage.path("media/clip.mp4"), &[]) {
        return;
    }
    stage.scan();
    let clip = stage.asset_at("media/clip.mp4");
    assert_eq!(clip["kind"], "video");
    assert_eq!(clip["has_audio"], true);
    assert_eq!((&clip["width_px"], &clip["height_px"]), (&json!(64), &json!(48)));
    assert_eq!(clip["frame_rate_hz"], "10");
    assert_eq!(stage.names("kind:video audio:yes duration:>0.9"), ["clip.mp4"]);
    stage.check();
}

#[test]
fn sidecars_belong_to_their_asset() {
    let stage = Stage::new();
    stage.write("media/a.png", &png(1));
    stage.write("media/a.xmp", b"<x:xmpmeta xmlns:x='adobe:ns:meta/'/>");
    stage.write("media/b.wav", &wav(2, 2_000));
    stage.write("media/b.wav.xmp", b"<x:xmpmeta xmlns:x='adobe:ns:meta/' />");
    stage.write("media/b.srt", b"1\n00:00:00,000 --> 00:00:01,000\nHello\n");
    stage.write("media/IMG_1.png", &png(3));
    stage.write("media/IMG_1.AAE", b"<plist/>");
    stage.write("media/IMG_1.THM", &png(4));
    stage.write("media/orphan.xmp", b"<x:xmpmeta xmlns:x='adobe:ns:meta/'> </x:xmpmeta>");
    let report = stage.scan();
    assert_eq!(report["probed"], 3);
    assert_eq!(stage.names(""), ["IMG_1.png", "a.png", "b.wav"]);
    assert_eq!(sidecars(&stage, "media/a.png"), ["a.xmp"]);
    assert_eq!(sidecars(&stage, "media/b.wav"), ["b.srt", "b.wav.xmp"]);
    assert_eq!(sidecars(&stage, "media/IMG_1.png"), ["IMG_1.AAE", "IMG_1.THM"]);

    // A changed sidecar is still one, a lost one is not shown.
    stage.write("media/a.xmp", b"<x:xmpmeta xmlns:x='adobe:ns:meta/'>changed</x:xmpmeta>");
    stage.remove("media/b.srt");
    stage.scan();
    assert_eq!(stage.names(""), ["IMG_1.png", "a.png", "b.wav"]);
    assert_eq!(sidecars(&stage, "media/a.png"), ["a.xmp"]);
    assert_eq!(sidecars(&stage, "media/b.wav"), ["b.wav.xmp"]);

    // They go where their asset goes.
    stage.rename("media/a.png", "media/sub/new.png");
    stage.rename("media/a.xmp", "media/sub/new.xmp");
    stage.rename("media/IMG_1.png", "media/IMG_2.png");
    stage.rename("media/IMG_1.AAE", "media/IMG_2.AAE");
    stage.scan();
    assert_eq!(sidecars(&stage, "media/sub/new.png"), ["new.xmp"]);
    assert_eq!(sidecars(&stage, "media/IMG_2.png"), ["IMG_2.AAE"], "the THM stayed behind");

    // An asset that comes after its sidecar gets it.
    stage.write("media/orphan.wav", &wav(5, 2_000));
    stage.scan();
    assert_eq!(sidecars(&stage, "media/orphan.wav"), ["orphan.xmp"]);
    stage.check();
}

fn sidecars(stage: &Stage, relative: &str) -> Vec<String> {
    let asset = stage.asset_at(relative);
    let mut names: Vec<String> = asset["sidecars"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|sidecar| text(&sidecar["path"]).rsplit('/').next().expect("a name").to_owned())
        .collect();
    names.sort();
    names
}

/// A sidecar that becomes media by its name, and the other way round.
#[test]
fn a_renamed_file_is_what_its_new_name_says() {
    let stage = Stage::new();
    stage.write("media/picture.xmp", &png(1));
    stage.write("media/notes.dat", b"no media at all");
    assert_eq!(stage.scan()["probed"], 0);
    stage.rename("media/picture.xmp", "media/picture.png");
    stage.rename("media/notes.dat", "media/notes.mp4");
    assert_eq!(stage.run(&["scan", &stage.text("media")]).code, 1);
    assert_eq!(stage.asset_at("media/picture.png")["kind"], "still");
    assert_eq!(stage.names("error:yes"), ["notes.mp4"]);
    stage.rename("media/picture.png", "media/picture.xmp");
    stage.scan();
    assert_eq!(stage.names("error:no"), Vec::<String>::new());
    stage.check();
}

#[test]
fn live_photo_halves_are_paired_by_content_identifier_alone() {
    if !has("ffmpeg") {
        return;
    }
    let stage = Stage::new();
    let identifier = "6A1B0C8E-55D4-4A4B-9F0E-3D2A7A5E9C11";
    let paired = format!("com.apple.quicktime.content.identifier={identifier}");
    // The pair has two names; the still has the name of a video that is not its half.
    assert!(make_clip(
        &stage.path("media/moving.mov"),
        &["-movflags", "use_metadata_tags", "-metadata", &paired],
    ));
    assert!(make_clip(&stage.path("media/still.mov"), &["-metadata", "title=other"]));
    let still = stage.path("media/still.jpg");
    let made = Command::new("ffmpeg")
        .args(["-v", "error", "-f", "lavfi", "-i", "testsrc=size=64x48", "-frames:v", "1"])
        .arg(&still)
        .status();
    assert!(made.is_ok_and(|status| status.success()));
    let plain = std::fs::read(&still).expect("readable");
    stage.write("media/still.jpg", &with_content_identifier(&plain, identifier));
    stage.scan();
    let still = stage.asset_at("media/still.jpg");
    let moving = stage.asset_at("media/moving.mov");
    assert_eq!(still["live_photo_partner"], moving["id"]);
    assert_eq!(moving["live_photo_partner"], still["id"]);
    assert!(stage.asset_at("media/still.mov")["live_photo_partner"].is_null());
    assert_eq!(stage.names("live:yes"), ["moving.mov", "still.jpg"]);
    stage.check();
}

/// TIFFs that only FFmpeg decodes, and a JPEG whose headers are damaged.
#[test]
fn stills_that_their_own_decoder_cannot_show() {
    let stage = Stage::new();
    let one = |format| ["-map", "0:v", "-frames:v", "1", "-pix_fmt", format];
    if !make_clip(&stage.path("media/palette.tiff"), &one("pal8")) {
        return;
    }
    assert!(make_clip(&stage.path("media/chroma.tiff"), &one("yuv420p")));
    let mut jpeg = vec![0xff, 0xd8, 0xff, 0xfe, 0, 4, b'h', b'i'];
    jpeg.extend([b'(', 0, 1, 2].repeat(500));
    stage.write("media/damaged.jpg", &jpeg);
    let report = stage.run(&["scan", &stage.text("media")]).json;
    let failed = report["failed"].as_array().expect("failures");
    assert_eq!(failed.len(), 1, "{report}");
    assert_eq!(failed[0]["error"]["kind"], "corrupt", "{report}");
    let made = stage.done(&["previews"]);
    assert_eq!((&made["made"], &made["failed"]), (&json!(2), &json!([])), "{made}");
}
