"""What a notebook gets to show, read back with ffmpeg and ffprobe."""

from __future__ import annotations

import base64
import json
import re
import subprocess
from pathlib import Path
from typing import Any

import numpy
import pytest

import rushes
from clips import Clips, clips, missing

__all__ = ["clips"]

# Of bytes in a notebook: what `show` promises.
MOST = 6_000_000
NOISE = numpy.random.default_rng(4)


def parts(shown: Any) -> dict[str, bytes]:
    """What is embedded in its HTML, by its kind."""
    text = shown._repr_html_()
    assert text is not None and len(text) < MOST
    assert not re.search(r"(src|href)=\"(?!data:)", text)
    found = re.findall(r'src="data:([a-z0-9/]+);base64,([A-Za-z0-9+/=]*)"', text)
    return {kind: base64.b64decode(data) for kind, data in found}


def streams(data: bytes, path: Path) -> dict[str, Any]:
    """What ffprobe says of the first stream, every frame counted."""
    if missing():
        pytest.skip(f"the {missing()} command is not installed")
    path.write_bytes(data)
    line = ["ffprobe", "-v", "error", "-count_frames", "-show_streams", "-of", "json", str(path)]
    done = subprocess.run(line, stdout=subprocess.PIPE, check=True)
    found: dict[str, Any] = json.loads(done.stdout)["streams"][0]
    return found


def pixels(data: bytes, folder: Path) -> Any:
    """A picture as ffmpeg decodes it, with the channels that it has."""
    path = folder / "picture"
    found = streams(data, path)
    height, width, kind = found["height"], found["width"], found["pix_fmt"]
    names = {"gray": (), "rgb24": (3,), "rgba": (4,)}
    kind = kind if kind in names else "rgb24"
    line = ["ffmpeg", "-v", "error", "-i", str(path), "-f", "rawvideo", "-pix_fmt", kind, "-"]
    done = subprocess.run(line, stdout=subprocess.PIPE, check=True)
    return numpy.frombuffer(done.stdout, "uint8").reshape(height, width, *names[kind])


@pytest.mark.parametrize("shape", [(5, 7), (5, 7, 3), (5, 7, 4), (5, 7, 1), (1, 1)])
def test_a_picture_is_a_png_of_it(shape: tuple[int, ...], tmp_path: Path) -> None:
    frame = NOISE.integers(0, 256, shape, "uint8")
    shown = rushes.show(frame)
    png = shown.png
    assert png is not None and shown.html is None
    assert (
        pixels(png, tmp_path) == (frame[..., 0] if shape[-1] == 1 and len(shape) == 3 else frame)
    ).all()
    assert (rushes.imread(png) == numpy.squeeze(frame)).all()


def test_other_numbers_become_eight_bits(tmp_path: Path) -> None:
    ramp = numpy.linspace(0, 1, 256).reshape(1, 256)
    wanted = numpy.arange(256).reshape(1, 256)
    for array in (
        ramp.astype("float32"),
        ramp,
        ramp.astype("float16"),
        (wanted * 257).astype("uint16"),
    ):
        png = rushes.show(array).png
        assert png is not None
        assert abs(pixels(png, tmp_path).astype(int) - wanted).max() <= (array.dtype == "float16")
    for odd in (numpy.array([[numpy.nan, numpy.inf, -1, 2]]), numpy.array([[True, False]])):
        png = rushes.show(odd).png
        assert png is not None and set(pixels(png, tmp_path).ravel()) == {0, 255}
    for wrong in (numpy.zeros((2, 2), "int64"), numpy.zeros((0, 4)), numpy.zeros((2, 2), complex)):
        with pytest.raises(rushes.Invalid):
            rushes.show(wrong)


def test_large_pictures_are_made_smaller(tmp_path: Path) -> None:
    png = rushes.show(NOISE.integers(0, 256, (3000, 2000, 3), "uint8")).png
    assert png is not None and len(png) < MOST
    assert pixels(png, tmp_path).shape == (1024, 683, 3)


def test_a_video_is_played(clips: Clips, tmp_path: Path) -> None:
    with rushes.open(clips["plain.mp4"], format="bgr24") as video:
        found = parts(video)
        assert set(found) == {"video/mp4"}
        stream = streams(found["video/mp4"], tmp_path / "clip.mp4")
        assert (stream["width"], stream["height"]) == (192, 96)
        assert stream["codec_name"] == "h264" and stream["pix_fmt"] == "yuv420p"
        assert int(stream["nb_read_frames"]) == 150 and float(stream["duration"]) == 5
        # The same pictures, in their colours.
        shown = rushes.open(found["video/mp4"], format="bgr24")
        assert abs(shown[70].astype(int) - video[70]).mean() < 6
        some = parts(rushes.show(video, start="0:01", seconds=0.5))["video/mp4"]
        assert int(streams(some, tmp_path / "some.mp4")["nb_read_frames"]) == 15
        shown = rushes.open(some, format="bgr24")
        assert abs(shown[0].astype(int) - video[30]).mean() < 6
        with pytest.raises(rushes.Invalid, match="start is 9"):
            rushes.show(video, start=9)
        for wrong in (0, -1, 601):
            with pytest.raises(rushes.Invalid, match="seconds is"):
                rushes.show(video, seconds=wrong)
    closed: Any = video
    assert closed._repr_html_() is None


def test_a_turned_video_is_upright(clips: Clips, tmp_path: Path) -> None:
    found = streams(parts(rushes.show(clips["turned.mp4"]))["video/mp4"], tmp_path / "turned.mp4")
    assert (found["width"], found["height"]) == (96, 192)


def test_a_long_video_is_a_strip(tmp_path: Path) -> None:
    rushes.write(tmp_path / "long.mp4", NOISE.integers(0, 256, (60, 90, 160, 3), "uint8"), fps=2)
    with rushes.open(tmp_path / "long.mp4") as video:
        found = parts(video)
        assert set(found) == {"image/jpeg"} and len(found["image/jpeg"]) < 500_000
        assert pixels(found["image/jpeg"], tmp_path).shape[1] <= 960
        assert set(parts(rushes.show(video, seconds=1))) == {"video/mp4"}


def test_what_does_not_fit_gets_smaller(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # A bound that noise of some frames is over, as that of minutes is over the real one.
    monkeypatch.setattr("rushes._show.MOST_BYTES", 200_000)
    noise = NOISE.integers(0, 256, (30, 180, 320, 3), "uint8")
    found = parts(rushes.show(noise))
    assert len(found["video/mp4"]) <= 200_000
    stream = streams(found["video/mp4"], tmp_path / "noise.mp4")
    assert stream["width"] in (240, 120) and int(stream["nb_read_frames"]) == 30
    png = rushes.show(NOISE.integers(0, 256, (400, 300, 3), "uint8")).png
    assert png is not None and len(png) <= 200_000 and pixels(png, tmp_path).shape == (256, 192, 3)
    whole = parts(rushes.show(NOISE.uniform(-1, 1, 300_000), 12_345))
    assert 150_000 < len(whole["audio/wav"]) <= 200_000
    monkeypatch.setattr("rushes._show.MOST_BYTES", 1000)
    with pytest.raises(rushes.LimitExceeded, match="show fewer seconds"):
        rushes.show(noise)


def test_streams_and_arrays_are_played(clips: Clips, tmp_path: Path) -> None:
    stream = rushes.Stream(clips["plain.mp4"]).crop(left_px=1).grayscale()
    data = parts(rushes.show(stream, seconds=1))["video/mp4"]
    found = streams(data, tmp_path / "stream.mp4")
    assert (found["width"], int(found["nb_read_frames"])) == (190, 30)
    once = (numpy.full((1, 3), n, "uint8") for n in range(5))
    data = parts(rushes.show(rushes.Stream(once)))["video/mp4"]
    assert int(streams(data, tmp_path / "once.mp4")["nb_read_frames"]) == 5


@pytest.mark.parametrize(("rate", "kind"), [(48000, "audio/mp4"), (12345, "audio/wav")])
def test_sound_is_drawn_and_played(rate: int, kind: str, tmp_path: Path) -> None:
    time = numpy.arange(rate * 2) / rate
    samples = numpy.stack([numpy.sin(440 * 2 * numpy.pi * time), time * 0], axis=1) * 0.5
    found = parts(rushes.show(samples, rate))
    assert set(found) == {"image/png", kind}
    stream = streams(found[kind], tmp_path / "sound")
    assert int(stream["sample_rate"]) == rate and stream["channels"] == 2
    assert abs(float(stream["duration"]) - 2) < 0.05
    assert parts(rushes.show((samples, rate))) == found
    back, _ = rushes.aread(found[kind])
    assert abs(numpy.sqrt((back[:, 0] ** 2).mean()) - 0.5 / numpy.sqrt(2)) < 0.01
    assert pixels(found["image/png"], tmp_path).shape == (160, 640, 3)


def test_sound_is_bounded() -> None:
    noise = NOISE.uniform(-1, 1, (8000 * 70, 6)).astype("float32")
    noise[5] = numpy.nan
    found = parts(rushes.show(noise, 8000))
    samples, rate = rushes.aread(found["audio/mp4"])
    assert abs(len(samples) / rate - 60) < 0.3 and samples.shape[1] == 1
    part = parts(rushes.show(noise[:, 0], 8000, start="1:05", seconds=600))["audio/mp4"]
    assert abs(len(rushes.aread(part)[0]) / 8000 - 5) < 0.3
    with pytest.raises(rushes.Invalid):
        rushes.show(noise, 8000, start=70)
    with pytest.raises(rushes.Invalid):
        rushes.show(noise[:0], 8000)
    int16 = numpy.array([0, 16384] * 500, "int16")
    assert set(parts(rushes.show(int16, 8000))) == {"image/png", "audio/mp4"}


def test_files_are_shown_as_what_they_are(media: Path, clips: Clips, tmp_path: Path) -> None:
    png = rushes.show(media / "Coast" / "moonrise.jpg").png
    assert png is not None and pixels(png, tmp_path).ndim == 3
    assert set(parts(rushes.show(media / "Studio" / "sweep.flac"))) == {"image/png", "audio/mp4"}
    assert set(parts(rushes.show(clips["plain.mp4"].read_bytes()))) == {"video/mp4"}


def test_names_are_no_html(clips: Clips, tmp_path: Path) -> None:
    path = tmp_path / "<img src=x onerror=alert(1)>.mp4"
    path.write_bytes(clips["plain.mp4"].read_bytes())
    text = rushes.show(path).html
    assert text is not None and "&lt;img src=x" in text and "<img src=x" not in text


def test_a_notebook_takes_it(clips: Clips, tmp_path: Path) -> None:
    formatters = pytest.importorskip("IPython.core.formatters", reason="IPython is not installed")
    formatter = formatters.DisplayFormatter()
    frame = NOISE.integers(0, 256, (8, 8, 3), "uint8")
    given, _ = formatter.format(rushes.show(frame))
    assert (pixels(given["image/png"], tmp_path) == frame).all()
    assert given["text/plain"] == "<rushes.Shown: a picture of 8x8>" and "text/html" not in given
    given, _ = formatter.format(rushes.open(clips["plain.mp4"]))
    assert given["text/html"].startswith("<figure><video ") and "image/png" not in given
    given, _ = formatter.format(rushes.plot.line([1, 2, 3]))
    assert pixels(given["image/png"], tmp_path).shape == (400, 640, 3)
