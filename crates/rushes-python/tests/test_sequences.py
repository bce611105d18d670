"""Pictures in a row: the same arrays, indexes and times as a video has."""

from __future__ import annotations

import pickle
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy
import pytest
from numpy.typing import NDArray

import rushes

SEQUENCES = Path(__file__).parents[2] / "rushes-codec" / "tests" / "sequences"


def numbers(name: str, shape: tuple[int, ...], dtype: str) -> NDArray[Any]:
    """What others read in a file; see make.py there."""
    return numpy.frombuffer((SEQUENCES / f"{name}.numbers").read_bytes(), dtype).reshape(shape)


def test_numbered_stills(tmp_path: Path) -> None:
    frames = [numpy.full((6, 8, 3), number, "uint8") for number in range(12)]
    for number, frame in enumerate(frames):
        if number != 5:
            rushes.imwrite(tmp_path / f"shot.{number}.png", frame)
    shown = [frame for number, frame in enumerate(frames) if number != 5]
    for path in [tmp_path, tmp_path / "shot.%d.png", tmp_path / "shot.#.png", tmp_path / "s*.png"]:
        with rushes.open(path) as shot:
            assert len(shot) == 11 and shot.shape == (11, 6, 8, 3) and shot.dtype == "uint8"
            assert (shot[:] == shown).all() and (shot[-1] == 11).all()
            assert [frame[0, 0, 0] for frame in shot] == [frame[0, 0, 0] for frame in shown]
            assert (shot[[3, 9, 3]] == numpy.array([shown[3], shown[9], shown[3]])).all()
            assert shot.fps == 25 and shot.duration == Fraction(11, 25)
            assert "5" in shot.warnings[0] and shot.recorded is None
            assert list(shot.keyframes) == list(range(11))
    shot = rushes.open(tmp_path / "shot.%d.png", fps="24000/1001", format="gray", size=(4, 0))
    assert shot.times[10] == Fraction(10 * 1001, 24000) and shot.shape == (11, 3, 4)
    assert (shot.at(0.1) == shot[2]).all()
    again = pickle.loads(pickle.dumps(shot))
    assert again.fps == shot.fps and (again[:] == shot[:]).all()


def test_a_still_of_another_size_is_named(tmp_path: Path) -> None:
    rushes.imwrite(tmp_path / "a1.png", numpy.zeros((6, 8, 3), "uint8"))
    rushes.imwrite(tmp_path / "a2.png", numpy.zeros((6, 9, 3), "uint8"))
    shot = rushes.open(tmp_path)
    with pytest.raises(rushes.Conflict, match="a2.png has 9x6"):
        shot[1]
    assert rushes.open(tmp_path, size=(5, 5))[:].shape == (2, 5, 5, 3)


def test_stills_are_set_upright(media: Path) -> None:
    path = media / "Coast" / "moonrise.jpg"
    with rushes.open(path) as still:
        assert len(still) == 1 and still.rotation != 0
        assert (still[0] == rushes.imread(path)).all()
    lying = rushes.open(path, upright=False)
    assert (lying[0] == rushes.imread(path, upright=False)).all()


def test_floats_stay_floats(tmp_path: Path) -> None:
    light = numpy.array([[[0.0, 0.5, 7.0]]], "float32")
    rushes.imwrite(tmp_path / "a.0001.exr", light)
    shot = rushes.open(tmp_path / "a.%04d.exr")
    assert shot.dtype == "float32" and (shot[0] == light).all()
    # IEC 61966-2-1.
    assert rushes.open(tmp_path, dtype="uint8")[0].tolist() == [[[0, 188, 255]]]


def test_pages_and_animations() -> None:
    pages = rushes.open(SEQUENCES / "pages.tif", format="gray")
    y, x = numpy.mgrid[:12, :20]
    drawn = [((x * 7 + y * 17 + i * 31) % 256) * 257 for i in range(6)]
    assert pages.dtype == "uint16" and (pages[:] == drawn).all()
    for name in ["moving.webp", "moving.gif", "moving.png"]:
        moving = rushes.open(SEQUENCES / name, format="rgba")
        expected = numbers(name, (5, 24, 32, 4), "uint8")
        seen = expected[..., 3] > 0
        assert (moving[:][seen] == expected[seen]).all()
        lasts = [int(line) for line in (SEQUENCES / f"{name}.times").read_text().split()]
        assert list(moving.times) == [Fraction(sum(lasts[:i]), 1000) for i in range(5)]
        assert moving.duration == Fraction(sum(lasts), 1000)
    with pytest.raises(rushes.Invalid):
        rushes.open(SEQUENCES / "moving.webp", fps=5)
    with pytest.raises(rushes.Invalid):
        rushes.open(SEQUENCES / "moving.gif", fps=5)


def test_recordings(tmp_path: Path) -> None:
    mono = rushes.open(SEQUENCES / "mono12_v5.seq", format="gray")
    expected = numbers("mono12_v5.seq", (5, 12, 20), "<u2")
    assert (numpy.rint(mono[:].astype(float) * 4095 / 65535) == expected).all()
    times = [Fraction(line) for line in (SEQUENCES / "mono12_v5.seq.times").read_text().split()]
    assert mono.recorded == times
    assert list(mono.times) == [time - times[0] for time in times]
    color = rushes.open(SEQUENCES / "bgr_v5.seq")
    assert (color[::-1] == numbers("bgr_v5.seq", (5, 12, 20, 3), "uint8")[::-1]).all()

    text = "[Sequence Settings]\nWidth=4\nHeight=3\nBytesPerPixel=1\nFramePerSecond=500\n"
    (tmp_path / "drop.seq").write_text(text)
    frames = numpy.arange(24, dtype="uint8").reshape(2, 3, 4)
    (tmp_path / "drop.bin").write_bytes(frames.tobytes())
    drop = rushes.open(tmp_path / "drop.seq", format="gray")
    assert (drop[:] == frames).all() and drop.fps == 500


def test_what_is_none(tmp_path: Path) -> None:
    for path in [tmp_path / "a.%04d.png", tmp_path / "absent", tmp_path]:
        with pytest.raises(FileNotFoundError):
            rushes.open(path)
    (tmp_path / "cut.seq").write_bytes((SEQUENCES / "mono8_v5.seq").read_bytes()[:600])
    with pytest.raises(rushes.CorruptMedia, match="header"):
        rushes.open(tmp_path / "cut.seq")
    wrongs: list[int | str] = [0, -1, "x", 2**70]
    for fps in wrongs:
        with pytest.raises(rushes.Invalid):
            rushes.open(SEQUENCES / "pages.tif", fps=fps)
