"""Streams of frames, operations on arrays, and mosaics."""

from __future__ import annotations

import inspect
import json
import subprocess
import threading
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy
import pytest
from clips import Clips, clips
from numpy.typing import NDArray

import rushes

__all__ = ["clips"]


@pytest.fixture(autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Indexes are kept where nobody else's are."""
    monkeypatch.setenv("RUSHES_HOME", str(tmp_path_factory.mktemp("home")))


def noise(shape: tuple[int, ...], dtype: str = "uint8") -> NDArray[Any]:
    numbers = numpy.random.default_rng(5).integers(0, 256, shape)
    return numbers.astype(dtype) if dtype == "uint8" else (numbers / 255).astype(dtype)


def threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name == "rushes stream"]


def test_operations_are_functions_of_an_array() -> None:
    frame = noise((48, 64, 3))
    assert (rushes.ops.flip(frame) == frame[:, ::-1]).all()
    assert (rushes.ops.rotate(frame, quarter_turns=1) == numpy.rot90(frame)).all()
    cropped = rushes.ops.crop(frame, left_px=3, top_px=5)
    assert cropped.shape == (43, 61, 3) and (cropped == frame[5:, 3:]).all()
    assert rushes.ops.grayscale(frame).shape == (48, 64)
    small = rushes.ops.resize(noise((48, 64), "float32"), width_px=32)
    assert small.shape == (24, 32) and small.dtype == numpy.float32
    assert len(rushes.ops.__all__) > 18
    for name in rushes.ops.__all__:
        assert getattr(rushes.ops, name).__doc__, name


def test_operations_on_two_are_functions_of_two_arrays() -> None:
    frame, layer = noise((20, 30, 3)), noise((20, 30, 3))[::-1].copy()
    shares = frame / 255, layer / 255
    for mode, wanted in (
        ("multiply", shares[0] * shares[1]),
        ("screen", 1 - (1 - shares[0]) * (1 - shares[1])),
        ("lighten", numpy.maximum(*shares)),
    ):
        found = rushes.ops.blend(frame, layer, mode=mode, opacity=0.5)  # type: ignore[arg-type]
        assert abs(found / 255 - (shares[0] + wanted) / 2).max() <= 0.5 / 255 + 1e-6, mode
    assert (rushes.ops.blend(frame, layer=layer) == layer).all()
    flat = numpy.linspace(0.5, 1, 30, dtype="float32") * numpy.ones((20, 1), "float32")
    lit = (flat * 0.5).astype("float32")
    even = rushes.ops.flat_field(lit, flat)
    assert abs(even - 0.5 * flat.mean()).max() < 1e-6
    dark = rushes.ops.flat_field(lit + numpy.float32(0.1), flat + numpy.float32(0.1), dark=0.1)
    assert abs(dark - even).max() < 1e-6
    with pytest.raises(TypeError):
        rushes.ops.blend(frame)  # type: ignore[call-arg]
    with pytest.raises(rushes.Invalid, match="opacity"):
        rushes.ops.blend(frame, layer, opacity=2)
    with pytest.raises(rushes.Invalid, match="layer"):
        rushes.ops.blend(frame, layer[1:])
    assert {"blend", "flat_field"} <= set(rushes.ops.__all__)


def test_streams_are_blended_by_their_times(clips: Clips) -> None:
    frames = numpy.arange(10, dtype="uint8")[:, None, None] * numpy.ones((10, 6, 8), "uint8")
    base = rushes.Stream(frames, fps=10)
    # Twice a second, from 0 to 0.5 and from 0.5 to 1; it ends before the base does.
    slow = rushes.Stream(numpy.full((1, 6, 8), 100, "uint8"), fps=2)
    laid = base.blend(slow, mode="add")
    for _ in range(2):
        shown = [(time, int(frame[0, 0])) for time, frame in laid.timed()]
        assert shown == [(Fraction(k, 10), k + 100 if k < 5 else k) for k in range(10)]
    assert laid.fps == 10 and laid.duration == 1
    pair = rushes.Stream(
        numpy.array([[[50]], [[90]]]).repeat(6, 1).repeat(8, 2).astype("uint8"), fps=2
    )
    numbers = [int(frame[0, 0]) for frame in base.blend(pair, mode="normal")]
    assert numbers == [50] * 5 + [90] * 5
    # A picture is there all the time, and a flat field too.
    picture = numpy.full((6, 8), 7, "uint8")
    assert [int(f[0, 0]) for f in base.blend(picture, mode="add")] == [k + 7 for k in range(10)]
    flat = numpy.full((6, 8), 0.5, "float32")
    flat[:, 4:] = 1
    evened = [frame[0, ::4].tolist() for frame in base.flat_field(flat)]
    assert evened[4] == [6, 3] and len(evened) == 10
    with rushes.open(clips["plain.mp4"]) as video:
        itself = rushes.Stream(video).blend(rushes.Stream(video), mode="difference")
        assert sum(int(frame.max()) for frame in itself) == 0
    for wrong in ({"opacity": 2}, {"mode": "dissolve"}):
        with pytest.raises(rushes.Invalid):
            base.blend(picture, **wrong)
    with pytest.raises(rushes.Invalid, match="layer"):
        list(base.blend(picture[1:]))
    assert threads() == []


def test_a_table_is_taken_by_its_files_name(tmp_path: Path) -> None:
    text = "LUT_1D_SIZE 2\n1 1 1\n0 0 0\n"
    path = tmp_path / "negative.cube"
    path.write_text(text)
    frame = noise((5, 6, 3))
    wanted = 255 - frame
    assert (rushes.ops.lut(frame, cube=text) == wanted).all()
    for given in (path, str(path)):
        assert (rushes.ops.lut(frame, cube=given) == wanted).all()
        assert (next(iter(rushes.Stream(frame).lut(cube=given))) == wanted).all()
    with pytest.raises(rushes.NotFound, match="none.cube"):
        rushes.ops.lut(frame, cube=tmp_path / "none.cube")


def test_what_makes_no_sense_is_refused_at_once() -> None:
    frame, stream = noise((4, 4)), rushes.Stream(noise((2, 4, 4)))
    calls: list[Any] = [rushes.ops.resize, lambda _, **given: stream.resize(**given)]
    for call in calls:
        with pytest.raises(rushes.Invalid):
            call(frame, width_px=0)
        with pytest.raises(TypeError):
            call(frame, wdth_px=3)
    with pytest.raises(rushes.Invalid):
        rushes.ops.flip(numpy.zeros((2, 2, 7), "uint8"))
    with pytest.raises(TypeError):
        rushes.Stream(3)
    with pytest.raises(TypeError):
        stream.map(3)  # type: ignore[arg-type]
    for given in (
        {"layout": "pile"}, {"lead": 9}, {"columns": 0}, {"background": (2, 0, 0)},
        {"background": "red"}, {"background": "#12345g"},
    ):  # fmt: skip
        with pytest.raises(rushes.Invalid):
            rushes.mosaic([frame], **given)
    with pytest.raises(rushes.Invalid):
        rushes.mosaic([])


def test_a_stream_is_the_video_changed(clips: Clips) -> None:
    with rushes.open(clips["plain.mp4"]) as video:
        stream = rushes.Stream(video).crop(left_px=8).map(lambda frame: 255 - frame).flip()
        # It can be gone through again.
        for _ in range(2):
            count = 0
            for i, (time, frame) in enumerate(stream.timed()):
                assert time == video.times[i]
                if i % 40 == 0:
                    assert (frame == (255 - video[i][:, 8:])[:, ::-1]).all()
                count += 1
            assert count == len(video)
        assert stream.fps == video.fps and stream.duration == video.duration
    assert threads() == []


def test_nothing_is_read_before_it_is_asked_for() -> None:
    read: list[int] = []

    def frames() -> Iterator[NDArray[Any]]:
        for i in range(1000):
            read.append(i)
            yield numpy.full((4, 4), i % 256, "uint8")

    stream = rushes.Stream(frames()).flip()
    assert read == []
    first = iter(stream)
    assert next(first)[0, 0] == 0
    assert len(read) <= 8
    first.close()  # type: ignore[attr-defined]
    assert threads() == [] and len(read) <= 8


def test_what_a_function_raises_comes_out() -> None:
    def fails(frame: NDArray[Any]) -> NDArray[Any]:
        if frame[0, 0] == 2:
            raise KeyError("the third")
        return frame

    frames = numpy.arange(5, dtype="uint8")[:, None, None] * numpy.ones((5, 6, 8), "uint8")
    stream = rushes.Stream(frames).map(fails)
    seen = []
    with pytest.raises(KeyError, match="the third"):
        for frame in stream:
            seen.append(int(frame[0, 0]))
    assert seen == [0, 1]
    with pytest.raises(KeyError, match="the third"):
        list(rushes.mosaic([stream]))
    assert threads() == []


def test_a_rate_repeats_and_leaves_out(clips: Clips) -> None:
    frames = numpy.arange(10, dtype="uint8")[:, None, None] * numpy.ones((10, 6, 8), "uint8")
    stream = rushes.Stream(frames, fps=10)
    shown = [(time, int(frame[0, 0])) for time, frame in stream.at_rate(4).timed()]
    assert shown == [(Fraction(k, 4), i) for k, i in enumerate([0, 2, 5, 7])]
    assert len(list(stream.at_rate("30000/1001"))) == 30
    with rushes.open(clips["variable.mp4"]) as video:
        sampled = rushes.Stream(video).at_rate(12)
        wanted = list(video.frames(fps=12))
        assert sum(1 for _ in sampled) == len(wanted)
        assert all((one == other).all() for one, other in zip(sampled, wanted, strict=True))


def test_it_is_written_at_its_rate(clips: Clips, tmp_path: Path) -> None:
    path = tmp_path / "out.mkv"
    stream = rushes.Stream(clips["plain.mp4"]).resize(width_px=96)
    assert stream.write(path, codec="ffv1") == 150
    line = ["ffprobe", "-v", "error", "-of", "json", "-show_streams", str(path)]
    probed = json.loads(subprocess.run(line, check=True, capture_output=True).stdout)
    video = probed["streams"][0]
    assert (video["width"], video["height"], video["r_frame_rate"]) == (96, 48, "30/1")
    with pytest.raises(rushes.Invalid, match="no frame rate"):
        rushes.Stream(noise((4, 4))).write(tmp_path / "still.mkv")


def test_a_mosaic_of_all_kinds(clips: Clips, tmp_path: Path) -> None:
    picture = tmp_path / "picture.png"
    rushes.imwrite(picture, noise((96, 192, 3)))
    small = numpy.full((4, 24, 48), 200, "uint8")
    tiles = [
        rushes.Tile(clips["plain.mp4"], label="first"),
        picture,
        rushes.Tile(rushes.Stream(small, fps=2), offset=1, speed=2),
        rushes.mosaic([noise((96, 192))], layout="row"),
    ]
    whole = rushes.mosaic(tiles, columns=2, background=(0, 0, 1))
    assert whole.fps == 30 and whole.duration == 5
    frames = list(whole)
    assert len(frames) == 150 and frames[0].shape == (192, 384, 3)
    with rushes.open(clips["plain.mp4"]) as video:
        # Above its label.
        assert (frames[70][:60, :192] == video[70][:60]).all()
    named = rushes.mosaic(tiles, columns=2, background="#0000FF")
    assert (next(iter(named)) == frames[0]).all()
    assert (frames[149][:96, 192:] == noise((96, 192, 3))).all()
    assert (frames[149][96:, 192:] == noise((96, 192))[..., None]).all()
    for i, color in ((29, (0, 0, 255)), (30, (200,) * 3), (59, (200,) * 3), (60, (0, 0, 255))):
        assert tuple(frames[i][144, 96]) == color, i
    assert threads() == []


def test_sides_and_colours_are_those_of_the_command() -> None:
    wide = rushes.mosaic([numpy.zeros((4, 3000), "uint8")] * 2, layout="row")
    command = inspect.signature(rushes.Library.mosaic).parameters
    own = inspect.signature(rushes.mosaic).parameters
    assert 3800 < max(next(iter(wide)).shape) <= own["most_side_px"].default == 3840
    for name in ("most_side_px", "background", "layout", "border_px", "spacing_px"):
        assert own[name].default == command[name].default, name
